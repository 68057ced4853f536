//! The catalogue of open data, DCAT 3 as JSON-LD. It names what this service really answers, and nothing else. Pure.

use serde_json::{Value, json};

use super::super::modules::Module;
use crate::clock::Instant;

/// One dataset: word, title, what it holds, how often it changes, and its files with their media types.
struct Dataset {
    word: String,
    title: String,
    description: String,
    period: &'static str,
    files: Vec<(String, &'static str)>,
}

const CONTINUOUS: &str = "http://publications.europa.eu/resource/authority/frequency/UPDATE_CONT";
const IRREGULAR: &str = "http://publications.europa.eu/resource/authority/frequency/IRREG";

fn fixed() -> Vec<Dataset> {
    let of = |word: &str, title: &str, description: &str, period, files: &[(&str, &'static str)]| Dataset {
        word: word.into(),
        title: title.into(),
        description: description.into(),
        period,
        files: files.iter().map(|(path, media)| ((*path).to_owned(), *media)).collect(),
    };
    vec![
        of(
            "estacoes",
            "Estações de medição",
            "Pluviômetros e réguas do Município, com lugar e grandeza.",
            CONTINUOUS,
            &[("/api/v1/stations", "application/json")],
        ),
        of(
            "niveis",
            "Níveis de risco por área",
            "O nível em que está cada área de risco.",
            CONTINUOUS,
            &[("/api/v1/levels", "application/json")],
        ),
        of(
            "areas",
            "Áreas de risco",
            "Contornos e nomes das áreas de risco.",
            IRREGULAR,
            &[("/api/v1/areas", "application/json"), ("/ogc/collections", "application/json")],
        ),
        of(
            "alertas",
            "Alertas de defesa civil",
            "Alertas emitidos (CAP 1.2).",
            CONTINUOUS,
            &[("/alerts/feed.atom", "application/atom+xml"), ("/alerts/active.geojson", "application/geo+json")],
        ),
        of(
            "obrigacoes",
            "Obrigações de transparência ativa",
            "O que a lei manda publicar, e a situação de cada obrigação.",
            CONTINUOUS,
            &[("/api/v1/secretariat/transparency/obligations", "application/json")],
        ),
        of(
            "carta-de-servicos",
            "Carta de Serviços ao Usuário",
            "Requisitos, documentos, etapas, prazos e canais de cada serviço.",
            IRREGULAR,
            &[("/secretaria/carta-de-servicos/carta.json", "application/json")],
        ),
    ]
}

/// The catalogue; a dataset for each module that has published something.
pub fn catalogue(base: &str, publisher: &str, modules: &[&Module], now: Instant) -> Value {
    let mut all = fixed();
    for module in modules {
        all.push(Dataset {
            word: format!("publicacoes-{}", module.slug_pt),
            title: format!("Publicações: {}", module.title_pt),
            description: module.clause_text.to_owned(),
            period: IRREGULAR,
            files: vec![
                (format!("/api/v1/secretariat/{}/publications", module.slug), "application/json"),
                (format!("/secretaria/{}/feed.atom", module.slug_pt), "application/atom+xml"),
                (format!("/secretaria/{}/feed.json", module.slug_pt), "application/feed+json"),
            ],
        });
    }
    let home = format!("{base}/secretaria/transparencia");
    let datasets: Vec<Value> = all.iter().map(|one| dataset(base, &home, publisher, one)).collect();
    json!({
        "@context": {
            "dcat": "http://www.w3.org/ns/dcat#",
            "dct": "http://purl.org/dc/terms/",
            "foaf": "http://xmlns.com/foaf/0.1/",
            "xsd": "http://www.w3.org/2001/XMLSchema#",
        },
        "@id": format!("{home}/catalogo.jsonld"),
        "@type": "dcat:Catalog",
        "dct:title": { "@value": "Dados abertos da Secretaria", "@language": "pt-BR" },
        "dct:description": { "@value": "Dados do Município publicados por este serviço, abertos a todos.", "@language": "pt-BR" },
        "dct:publisher": { "@type": "foaf:Agent", "foaf:name": publisher },
        "dct:language": { "@id": "http://publications.europa.eu/resource/authority/language/POR" },
        "dct:modified": { "@type": "xsd:dateTime", "@value": now.to_rfc3339_opts(chrono::SecondsFormat::Secs, true) },
        "foaf:homepage": { "@id": home },
        "dcat:dataset": datasets,
    })
}

fn dataset(base: &str, home: &str, publisher: &str, one: &Dataset) -> Value {
    let files: Vec<Value> = one
        .files
        .iter()
        .map(|(path, media)| {
            json!({
                "@type": "dcat:Distribution",
                "dcat:accessURL": { "@id": format!("{base}{path}") },
                "dcat:mediaType": { "@id": format!("https://www.iana.org/assignments/media-types/{media}") },
            })
        })
        .collect();
    json!({
        "@id": format!("{home}/conjuntos/{}", one.word),
        "@type": "dcat:Dataset",
        "dct:identifier": one.word,
        "dct:title": { "@value": one.title, "@language": "pt-BR" },
        "dct:description": { "@value": one.description, "@language": "pt-BR" },
        "dct:publisher": { "@type": "foaf:Agent", "foaf:name": publisher },
        "dct:accrualPeriodicity": { "@id": one.period },
        "dcat:distribution": files,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_catalogue_is_an_address_that_everybody_may_open() {
        let open: Vec<&str> = crate::web::gate::RULES
            .iter()
            .filter(|rule| rule.guard == crate::web::gate::Guard::Open && rule.method == "GET")
            .map(|rule| rule.path)
            .collect();
        for one in fixed() {
            for (path, _) in one.files {
                assert!(open.contains(&path.as_str()), "{path}");
            }
        }
    }
}
