// The rows of modules that publish in the table of src/web/gate.rs.

/// Notícias, imprensa, divulgação, participação, transparência, carta de serviços.
const OF_PUBLICATION: &[Rule] = &[
    staff("GET", "/api/v1/secretariat/press/outlets", WorkSecretariat),
    staff("POST", "/api/v1/secretariat/press/outlets", WorkSecretariat),
    staff("DELETE", "/api/v1/secretariat/press/outlets/{id}", WorkSecretariat),
    staff("GET", "/api/v1/secretariat/press/deliveries", WorkSecretariat),
    open("GET", "/api/v1/secretariat/transparency/obligations"),
    open("GET", "/api/v1/secretariat/participation/consultations/{id}/contributions"),
    open("POST", "/api/v1/secretariat/participation/consultations/{id}/contributions"),
    staff("GET", "/secretaria/painel/imprensa/veiculos", WorkSecretariat),
    staff("POST", "/secretaria/painel/imprensa/veiculos", WorkSecretariat),
    staff("POST", "/secretaria/painel/imprensa/veiculos/{id}/retirar", WorkSecretariat),
    open("GET", "/secretaria/noticias"),
    open("GET", "/secretaria/imprensa"),
    open("GET", "/secretaria/divulgacao"),
    open("GET", "/secretaria/{module}/feed.atom"),
    open("GET", "/secretaria/{module}/feed.json"),
    open("GET", "/secretaria/participacao"),
    open("GET", "/secretaria/participacao/{id}"),
    open("POST", "/secretaria/participacao/{id}/contribuir"),
    open("GET", "/secretaria/participacao/{id}/recebida/{number}"),
    open("GET", "/secretaria/transparencia"),
    open("GET", "/secretaria/transparencia/catalogo.jsonld"),
    open("GET", "/secretaria/carta-de-servicos"),
    open("GET", "/secretaria/carta-de-servicos/carta.json"),
];
