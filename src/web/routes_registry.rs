// The rows of the registry in the table of src/web/gate.rs.

/// Organisations, persons and places.
const OF_REGISTRY: &[Rule] = &[
    staff("GET", "/api/v1/secretariat/registry", SeeSecretariat),
    staff("POST", "/api/v1/secretariat/registry", WorkSecretariat),
    open("GET", "/api/v1/secretariat/registry/public"),
    staff("GET", "/api/v1/secretariat/registry/export", WorkSecretariat),
    staff("POST", "/api/v1/secretariat/registry/import", WorkSecretariat),
    staff("GET", "/api/v1/secretariat/registry/{id}", SeeSecretariat),
    staff("PUT", "/api/v1/secretariat/registry/{id}", WorkSecretariat),
    staff("POST", "/api/v1/secretariat/registry/{id}/remove", WorkSecretariat),
    staff("POST", "/api/v1/secretariat/registry/{id}/merge", WorkSecretariat),
    staff("POST", "/api/v1/secretariat/registry/{id}/unmerge", WorkSecretariat),
    staff("POST", "/api/v1/secretariat/registry/{id}/contacts", WorkSecretariat),
    staff("POST", "/api/v1/secretariat/registry/{id}/contacts/{contact}/withdraw", WorkSecretariat),
    staff("POST", "/api/v1/secretariat/registry/{id}/document", OpenVault),
    staff("GET", "/secretaria/painel/cadastro", SeeSecretariat),
    staff("POST", "/secretaria/painel/cadastro", WorkSecretariat),
    staff("GET", "/secretaria/painel/cadastro/{id}", SeeSecretariat),
    staff("POST", "/secretaria/painel/cadastro/{id}", WorkSecretariat),
    staff("POST", "/secretaria/painel/cadastro/{id}/documento", OpenVault),
];
