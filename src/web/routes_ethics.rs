// The rows of recusals and of the ethics council in the table of src/web/gate.rs.

/// Impedimentos, votos e o que todos leem do Conselho de Ética.
const OF_ETHICS: &[Rule] = &[
    staff("GET", "/api/v1/secretariat/{module}/cases/{id}/recusals", SeeSecretariat),
    staff("POST", "/api/v1/secretariat/{module}/cases/{id}/recusals", WorkSecretariat),
    staff("POST", "/api/v1/secretariat/{module}/cases/{id}/recusals/lift", WorkSecretariat),
    staff("GET", "/api/v1/secretariat/{module}/cases/{id}/votes", SeeSecretariat),
    staff("POST", "/api/v1/secretariat/{module}/cases/{id}/votes", WorkSecretariat),
    staff("POST", "/api/v1/secretariat/{module}/cases/{id}/votes/resolve", WorkSecretariat),
    staff("POST", "/api/v1/secretariat/{module}/cases/{id}/votes/designate", WorkSecretariat),
    staff("POST", "/api/v1/secretariat/{module}/cases/{id}/votes/give-back", WorkSecretariat),
    staff("POST", "/api/v1/secretariat/{module}/cases/{id}/reporter", OpenVault),
    open("GET", "/api/v1/secretariat/ethics/statistics"),
    staff("GET", "/secretaria/painel/{module}/casos/{id}/conselho", SeeSecretariat),
    staff("POST", "/secretaria/painel/{module}/casos/{id}/impedir", WorkSecretariat),
    staff("POST", "/secretaria/painel/{module}/casos/{id}/levantar", WorkSecretariat),
    staff("POST", "/secretaria/painel/{module}/casos/{id}/votar", WorkSecretariat),
    staff("POST", "/secretaria/painel/{module}/casos/{id}/apurar", WorkSecretariat),
    staff("POST", "/secretaria/painel/{module}/casos/{id}/designar", WorkSecretariat),
    staff("POST", "/secretaria/painel/{module}/casos/{id}/devolver", WorkSecretariat),
    staff("POST", "/secretaria/painel/{module}/casos/{id}/denunciante", OpenVault),
    open("GET", "/secretaria/etica"),
];
