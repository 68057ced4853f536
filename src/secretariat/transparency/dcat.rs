//! The catalogue of open data, DCAT 3 as JSON-LD. It names what this service really answers, and nothing else. Pure.

use serde_json::{Value, json};

use super::super::beside::Beside;
use super::super::modules::Module;
use crate::clock::Instant;

/// One dataset: word, title, what it holds, how often it changes, when it changed last, and its files with their media types.
struct Dataset {
    word: String,
    title: String,
    description: String,
    period: &'static str,
    modified: Option<Instant>,
    files: Vec<(String, &'static str)>,
}

/// Who publishes, from which address, and under which licence; empty: none is told.
#[derive(Clone, Copy, Debug)]
pub struct Town<'a> {
    pub base: &'a str,
    pub publisher: &'a str,
    pub license: &'a str,
}

/// What modules published: those with publications of cases and when the newest came out, and what is no case.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    pub modules: &'a [(&'static Module, Instant)],
    pub beside: &'a [Beside],
}

const CONTINUOUS: &str = "http://publications.europa.eu/resource/authority/frequency/UPDATE_CONT";
const IRREGULAR: &str = "http://publications.europa.eu/resource/authority/frequency/IRREG";
const YEARLY: &str = "http://publications.europa.eu/resource/authority/frequency/ANNUAL";
const JSON: &str = "application/json";
const CSV: &str = "text/csv";

/// Files of a budget (`web::api::secretariat::budget::files`), those of the Fiscal Data Package first.
const OF_BUDGET: [(&str, &str); 7] = [
    ("datapackage.json", JSON),
    ("despesa.csv", CSV),
    ("receita.csv", CSV),
    ("qdd.csv", CSV),
    ("linhas.csv", CSV),
    ("receitas-linhas.csv", CSV),
    ("qdd.pdf", "application/pdf"),
];

/// What a file is called by people.
fn format_of(media: &str) -> &'static str {
    match media {
        JSON => "JSON",
        CSV => "CSV",
        "application/pdf" => "PDF",
        "application/atom+xml" => "Atom",
        "application/feed+json" => "JSON Feed",
        "application/geo+json" => "GeoJSON",
        "text/calendar" => "iCalendar",
        _ => "",
    }
}

fn stands(word: &str, title: &str, description: &str, period: &'static str, files: &[(&str, &'static str)]) -> Dataset {
    Dataset {
        word: word.into(),
        title: title.into(),
        description: description.into(),
        period,
        modified: None,
        files: files.iter().map(|(path, media)| ((*path).to_owned(), *media)).collect(),
    }
}

/// Of civil defense, and of what the law has the town keep open.
fn fixed() -> Vec<Dataset> {
    vec![
        stands(
            "estacoes",
            "Estações de medição",
            "Pluviômetros e réguas do Município, com lugar e grandeza.",
            CONTINUOUS,
            &[("/api/v1/stations", "application/json")],
        ),
        stands(
            "niveis",
            "Níveis de risco por área",
            "O nível em que está cada área de risco.",
            CONTINUOUS,
            &[("/api/v1/levels", "application/json")],
        ),
        stands(
            "areas",
            "Áreas de risco",
            "Contornos e nomes das áreas de risco.",
            IRREGULAR,
            &[("/api/v1/areas", "application/json"), ("/ogc/collections", "application/json")],
        ),
        stands(
            "alertas",
            "Alertas de defesa civil",
            "Alertas emitidos (CAP 1.2).",
            CONTINUOUS,
            &[("/alerts/feed.atom", "application/atom+xml"), ("/alerts/active.geojson", "application/geo+json")],
        ),
        stands(
            "obrigacoes",
            "Obrigações de transparência ativa",
            "O que a lei manda publicar, e a situação de cada obrigação.",
            CONTINUOUS,
            &[("/api/v1/secretariat/transparency/obligations", "application/json")],
        ),
        stands(
            "carta-de-servicos",
            "Carta de Serviços ao Usuário",
            "Requisitos, documentos, etapas, prazos e canais de cada serviço.",
            IRREGULAR,
            &[("/secretaria/carta-de-servicos/carta.json", "application/json")],
        ),
    ]
}

/// Reports of years and lists of the secretariat that answer always.
fn of_secretariat() -> Vec<Dataset> {
    vec![
        stands(
            "acesso-a-informacao",
            "Relatório anual de acesso à informação",
            "Pedidos do ano, prazos e resultados, sem números pequenos (Lei 12.527/2011, art. 30).",
            YEARLY,
            &[
                ("/api/v1/secretariat/sic/yearly/public", JSON),
                ("/api/v1/secretariat/sic/yearly/public?format=csv", CSV),
            ],
        ),
        stands(
            "ouvidoria",
            "Relatório anual de gestão da ouvidoria",
            "Manifestações do ano, motivos e prazos, sem números pequenos (Lei 13.460/2017, art. 15).",
            YEARLY,
            &[
                ("/api/v1/secretariat/ombudsman/yearly/public", JSON),
                ("/api/v1/secretariat/ombudsman/yearly/public?format=csv", CSV),
            ],
        ),
        stands(
            "etica",
            "Conselho de Ética Pública",
            "Composição e números dos anos encerrados.",
            YEARLY,
            &[("/api/v1/secretariat/ethics/statistics", JSON)],
        ),
        stands(
            "cadastro",
            "Organizações e lugares",
            "Entradas públicas do cadastro; pessoas nunca estão nele.",
            CONTINUOUS,
            &[("/api/v1/secretariat/registry/public", JSON)],
        ),
    ]
}

/// Agreements, funding and projects: the same two files of each, whether anything is listed today or not.
fn of_instruments(beside: &[Beside]) -> Vec<Dataset> {
    let of = |slug: &str, module: &str, word: &str, title: &str, description: &str| Dataset {
        word: word.into(),
        title: title.into(),
        description: description.into(),
        period: CONTINUOUS,
        modified: beside.iter().filter(|one| one.module == module).map(|one| one.published_at).max(),
        files: vec![
            (format!("/api/v1/secretariat/{slug}/public"), JSON),
            (format!("/api/v1/secretariat/{slug}/public.csv"), CSV),
        ],
    };
    vec![
        of(
            "agreements",
            "agreements",
            "parcerias",
            "Termos, contratos e outorgas",
            "Parcerias e contratos com objeto, valores, prazos e contas (Lei 13.019/2014, art. 10; Lei 14.133/2021, art. 91).",
        ),
        of(
            "funding",
            "funding",
            "captacao",
            "Convênios e captação de recursos",
            "Convênios com objeto, repasses, contrapartida e contas.",
        ),
        of(
            "strategic-projects",
            "strategic_projects",
            "projetos",
            "Projetos estratégicos",
            "Carteira de projetos com marcos, riscos e situação.",
        ),
    ]
}

/// Of one publication that is no case and has data; none: it is in the dataset of its module, or a document for people.
fn of_beside(one: &Beside) -> Option<Dataset> {
    let dataset = |word: String, title: String, description: &str, period, files| Dataset {
        word,
        title,
        description: description.to_owned(),
        period,
        modified: Some(one.published_at),
        files,
    };
    match (one.module.as_str(), one.kind.as_str()) {
        ("budget", "loa") => {
            let mut files: Vec<(String, &'static str)> =
                OF_BUDGET.iter().map(|(name, media)| (format!("{}/arquivos/{name}", one.path), *media)).collect();
            files.push((format!("/api/v1/secretariat/budget/public/{}", one.name), JSON));
            let about = "Receita e despesa por classificação, com a execução: Fiscal Data Package, QDD e linhas.";
            Some(dataset(
                format!("orcamento-{}", one.name),
                format!("Orçamento de {} (LOA)", one.name),
                about,
                IRREGULAR,
                files,
            ))
        }
        ("committees", "card") if one.has_data => {
            let slug = one.path.rsplit('/').next().unwrap_or_default();
            let files = vec![
                (format!("{}/popolo.json", one.path), JSON),
                (format!("{}/composicao.csv", one.path), CSV),
                (format!("{}/agenda.ics", one.path), "text/calendar"),
            ];
            let about = "Assentos, mandatos e agenda do colegiado (Popolo).";
            Some(dataset(format!("comite-{slug}"), format!("Composição: {}", one.name), about, IRREGULAR, files))
        }
        ("service_evaluation", "report") => {
            let reports = format!("/api/v1/secretariat/service-evaluation/reports/{}", one.name);
            let files = vec![(format!("{reports}/csv"), CSV), (reports, JSON)];
            let about = "Avaliação dos serviços no ano, sem números pequenos (Lei 13.460/2017, art. 23).";
            let title = format!("Avaliação de serviços de {}", one.name);
            Some(dataset(format!("avaliacao-{}", one.name), title, about, YEARLY, files))
        }
        _ => None,
    }
}

/// The catalogue: what stands always, a dataset for each module that has published cases, and what is published beside them.
pub fn catalogue(town: Town<'_>, known: Known<'_>, now: Instant) -> Value {
    let mut all = fixed();
    all.extend(of_secretariat());
    all.extend(of_instruments(known.beside));
    all.extend(known.beside.iter().filter_map(of_beside));
    for (module, at) in known.modules {
        all.push(Dataset {
            word: format!("publicacoes-{}", module.slug_pt),
            title: format!("Publicações: {}", module.title_pt),
            description: module.clause_text.to_owned(),
            period: IRREGULAR,
            modified: Some(*at),
            files: vec![
                (format!("/api/v1/secretariat/{}/publications", module.slug), JSON),
                (format!("/secretaria/{}/feed.atom", module.slug_pt), "application/atom+xml"),
                (format!("/secretaria/{}/feed.json", module.slug_pt), "application/feed+json"),
            ],
        });
    }
    let home = format!("{}/secretaria/transparencia", town.base);
    let datasets: Vec<Value> = all.iter().map(|one| dataset(town, &home, one)).collect();
    let last = all.iter().filter_map(|one| one.modified).max().unwrap_or(now);
    json!({
        "@context": {
            "dcat": "http://www.w3.org/ns/dcat#",
            "dct": "http://purl.org/dc/terms/",
            "foaf": "http://xmlns.com/foaf/0.1/",
            "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
            "xsd": "http://www.w3.org/2001/XMLSchema#",
        },
        "@id": format!("{home}/catalogo.jsonld"),
        "@type": "dcat:Catalog",
        "dct:title": { "@value": "Dados abertos da Secretaria", "@language": "pt-BR" },
        "dct:description": { "@value": "Dados do Município publicados por este serviço, abertos a todos.", "@language": "pt-BR" },
        "dct:publisher": { "@type": "foaf:Agent", "foaf:name": town.publisher },
        "dct:language": { "@id": "http://publications.europa.eu/resource/authority/language/POR" },
        "dct:modified": moment(last),
        "foaf:homepage": { "@id": home },
        "dcat:dataset": datasets,
    })
}

fn moment(at: Instant) -> Value {
    json!({ "@type": "xsd:dateTime", "@value": at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true) })
}

fn distribution(town: Town<'_>, one: &Dataset, (path, media): &(String, &'static str)) -> Value {
    let address = format!("{}{path}", town.base);
    let mut file = json!({
        "@type": "dcat:Distribution",
        "dcat:accessURL": { "@id": address },
        "dcat:downloadURL": { "@id": address },
        "dcat:mediaType": { "@id": format!("https://www.iana.org/assignments/media-types/{media}") },
        "dct:format": { "@type": "dct:MediaTypeOrExtent", "rdfs:label": format_of(media) },
    });
    if !town.license.is_empty() {
        file["dct:license"] = json!({ "@id": town.license });
    }
    if let Some(at) = one.modified {
        file["dct:modified"] = moment(at);
    }
    file
}

fn dataset(town: Town<'_>, home: &str, one: &Dataset) -> Value {
    let files: Vec<Value> = one.files.iter().map(|file| distribution(town, one, file)).collect();
    let mut dataset = json!({
        "@id": format!("{home}/conjuntos/{}", one.word),
        "@type": "dcat:Dataset",
        "dct:identifier": one.word,
        "dct:title": { "@value": one.title, "@language": "pt-BR" },
        "dct:description": { "@value": one.description, "@language": "pt-BR" },
        "dct:publisher": { "@type": "foaf:Agent", "foaf:name": town.publisher },
        "dct:accrualPeriodicity": { "@id": one.period },
        "dcat:distribution": files,
    });
    if let Some(at) = one.modified {
        dataset["dct:modified"] = moment(at);
    }
    dataset
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::gate::{Guard, RULES};

    /// Whether a path is one of the table that everybody may read.
    fn is_open(path: &str) -> bool {
        let path = path.split('?').next().unwrap_or_default();
        let fits = |rule: &str| {
            let (asked, known): (Vec<&str>, Vec<&str>) = (path.split('/').collect(), rule.split('/').collect());
            asked.len() == known.len() && asked.iter().zip(known).all(|(a, b)| *a == b || b.starts_with('{'))
        };
        RULES.iter().any(|rule| rule.guard == Guard::Open && rule.method == "GET" && fits(rule.path))
    }

    fn beside(module: &str, kind: &str, name: &str, path: &str) -> Beside {
        Beside {
            id: uuid::Uuid::nil(),
            module: module.into(),
            kind: kind.into(),
            name: name.into(),
            path: path.into(),
            first_at: None,
            published_at: "2026-03-02T12:00:00Z".parse().unwrap(),
            has_data: true,
        }
    }

    #[test]
    fn every_file_of_the_catalogue_is_an_address_that_everybody_may_open_and_says_what_it_is() {
        let known = [
            beside("budget", "loa", "2026", "/secretaria/orcamento/2026"),
            beside("committees", "card", "Conselho", "/secretaria/comites/conselho"),
            beside("service_evaluation", "report", "2025", "/secretaria/avaliacao-de-servicos/relatorios/2025"),
        ];
        let all = fixed()
            .into_iter()
            .chain(of_secretariat())
            .chain(of_instruments(&known))
            .chain(known.iter().filter_map(of_beside));
        let mut words = Vec::new();
        for one in all {
            assert!(!words.contains(&one.word), "{} stands twice", one.word);
            for (path, media) in &one.files {
                assert!(is_open(path), "{path}");
                assert_ne!(format_of(media), "", "{media}");
            }
            words.push(one.word);
        }
        for word in ["orcamento-2026", "comite-conselho", "avaliacao-2025"] {
            assert!(words.iter().any(|one| one == word), "{word}");
        }
        for name in crate::web::api::secretariat::budget::files::ALL {
            assert!(OF_BUDGET.iter().any(|(known, _)| *known == name), "{name} is not in the catalogue");
        }
    }

    #[test]
    fn a_distribution_has_its_address_format_licence_and_when_it_changed() {
        let town = Town { base: "https://a.invalid", publisher: "Prefeitura", license: "https://l.invalid/" };
        let known = [beside("budget", "loa", "2026", "/secretaria/orcamento/2026")];
        let now = "2026-03-03T12:00:00Z".parse().unwrap();
        let all = catalogue(town, Known { modules: &[], beside: &known }, now);
        assert_eq!(all["dct:modified"]["@value"], "2026-03-02T12:00:00Z");
        let sets = all["dcat:dataset"].as_array().unwrap();
        let budget = sets.iter().find(|one| one["dct:identifier"] == "orcamento-2026").unwrap();
        let package = &budget["dcat:distribution"][0];
        let address = "https://a.invalid/secretaria/orcamento/2026/arquivos/datapackage.json";
        assert_eq!(package["dcat:downloadURL"]["@id"], address);
        assert_eq!(package["dct:format"]["rdfs:label"], "JSON");
        assert_eq!(package["dct:license"]["@id"], "https://l.invalid/");
        assert_eq!(package["dct:modified"]["@value"], "2026-03-02T12:00:00Z");
        let bare = catalogue(Town { license: "", ..town }, Known { modules: &[], beside: &known }, now);
        assert!(!bare.to_string().contains("dct:license"), "none is made up");
    }
}
