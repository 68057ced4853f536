//! What is published beside cases is found where publications are looked for: in the catalogue of open data, in feeds, on the page and over HTTP.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use serde_json::Value;

use crate::approval::Room;
use crate::support;
use tower::ServiceExt as _;

/// Status and media type of an address, for whoever has no account.
async fn opened(room: &Room, path: &str) -> (StatusCode, String) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = support::soon("the answer", room.router.clone().oneshot(request)).await.unwrap();
    let kind = response.headers().get(header::CONTENT_TYPE).map(|kind| kind.to_str().unwrap().to_owned());
    let media = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_owned();
    (response.status(), media)
}

/// The catalogue, each address of which answered as it says.
pub async fn catalogue(room: &Room) -> Vec<(String, Value)> {
    let (status, text) = room.stranger(Method::GET, "/secretaria/transparencia/catalogo.jsonld").await;
    assert_eq!(status, StatusCode::OK, "{text}");
    let all: Value = serde_json::from_str(&text).unwrap();
    let base = room.app.config.public_url();
    let mut found = Vec::new();
    for dataset in all["dcat:dataset"].as_array().unwrap() {
        for file in dataset["dcat:distribution"].as_array().unwrap() {
            let address = file["dcat:accessURL"]["@id"].as_str().unwrap();
            let path = address.strip_prefix(&base).unwrap_or_else(|| panic!("{address} is not below {base}"));
            let told = file["dcat:mediaType"]["@id"].as_str().unwrap();
            let media = told.strip_prefix("https://www.iana.org/assignments/media-types/").unwrap();
            assert_eq!(opened(room, path).await, (StatusCode::OK, media.to_owned()), "{path}");
            assert!(file["dct:format"]["rdfs:label"].as_str().is_some_and(|format| !format.is_empty()), "{file}");
            assert!(file["dct:license"]["@id"].as_str().is_some_and(|one| one.starts_with("https://")), "{file}");
            found.push((path.to_owned(), file.clone()));
        }
    }
    found
}

/// Fails unless everybody finds a publication that is no case: by its title in the feeds of its module, by its path in all places, and its files in
/// the catalogue with when they changed.
pub async fn is_found(room: &Room, (slug, api): (&str, &str), (title, path): (&str, &str), files: &[&str]) {
    let get = async |path: String| {
        let (status, text) = room.stranger(Method::GET, &path).await;
        assert_eq!(status, StatusCode::OK, "{path}: {text}");
        text
    };
    let atom = get(format!("/secretaria/{slug}/feed.atom")).await;
    assert!(atom.contains(&format!("<title>{title}")) && atom.contains(path), "{title}, {path}: {atom}");
    let feed: Value = serde_json::from_str(&get(format!("/secretaria/{slug}/feed.json")).await).unwrap();
    let items = feed["items"].as_array().unwrap();
    let is_it = |one: &&Value| one["title"].as_str().unwrap().starts_with(title);
    let item = items.iter().find(is_it).unwrap_or_else(|| panic!("{title} is not in {feed}"));
    assert!(item["url"].as_str().unwrap().ends_with(path), "{item}");
    let page = get(format!("/secretaria/{slug}/publicacoes")).await;
    assert!(page.contains(&format!("href=\"{path}\"")), "{path}: {page}");
    let listed: Value = serde_json::from_str(&get(format!("/api/v1/secretariat/{api}/publications")).await).unwrap();
    assert!(listed["beside"].as_array().unwrap().iter().any(|one| one["path"] == path), "{listed}");
    let known = catalogue(room).await;
    for file in files {
        let (_, told) =
            known.iter().find(|(path, _)| path == file).unwrap_or_else(|| panic!("{file} is in no dataset"));
        assert!(told["dct:modified"]["@value"].is_string(), "{told}");
    }
}

#[tokio::test]
async fn a_town_that_published_nothing_yet_has_a_catalogue_of_which_every_address_answers() {
    let room = Room::open(&[]).await;
    let known = catalogue(&room).await;
    for path in [
        "/api/v1/secretariat/agreements/public.csv",
        "/api/v1/secretariat/funding/public.csv",
        "/api/v1/secretariat/strategic-projects/public.csv",
        "/api/v1/secretariat/sic/yearly/public",
        "/api/v1/secretariat/ombudsman/yearly/public?format=csv",
    ] {
        assert!(known.iter().any(|(known, _)| known == path), "{path}");
    }
    assert!(!known.iter().any(|(path, _)| path.contains("/orcamento/")), "no budget is made up");
    let (status, page) = room.stranger(Method::GET, "/secretaria/orcamento/publicacoes").await;
    assert!(status == StatusCode::OK && page.contains("Nothing published yet"), "{page}");
}
