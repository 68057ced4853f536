//! OGC services on this machine. Their answers are written from the text of the standards (OGC 17-069r4, 18-058r1, 09-025r2), since no
//! recorded ones of sectors of risk are at hand.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use sentinela::areas::service::{self, Fetched, Kind, ServiceError};
use sentinela::config::Outbound;
use sentinela::outbound::Client;
use serde_json::{Value, json};

use super::square;

type Answer = (u16, &'static str, String);

/// What it answers by path and query, and what it was asked.
type Book = (HashMap<String, Answer>, Vec<String>);

/// Whatever it does not know is 404.
#[derive(Clone, Default)]
struct Service(Arc<Mutex<Book>>);

impl Service {
    async fn open() -> (Self, String) {
        let service = Self::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(service.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (service, address)
    }

    fn says(&self, path: &str, crs: &'static str, body: impl ToString) {
        self.0.lock().unwrap().0.insert(path.into(), (200, crs, body.to_string()));
    }

    fn asked(&self) -> Vec<String> {
        self.0.lock().unwrap().1.clone()
    }
}

async fn answer(State(service): State<Service>, request: Request) -> Response {
    let path = request.uri().path_and_query().unwrap().to_string();
    let mut state = service.0.lock().unwrap();
    state.1.push(path.clone());
    let (status, crs, body) =
        state.0.get(&path).cloned().unwrap_or((404, "", "<Exception>no such thing</Exception>".into()));
    let status = axum::http::StatusCode::from_u16(status).unwrap();
    let headers = [("content-type", "application/geo+json"), ("content-crs", crs)];
    if crs.is_empty() { (status, body).into_response() } else { (status, headers, body).into_response() }
}

async fn fetch(url: &str) -> Result<Fetched, ServiceError> {
    let allow = vec!["127.0.0.1".parse().unwrap()];
    service::fetch(&Client::new(&Outbound { allow, proxy: String::new(), user_agent: String::new() }), url).await
}

fn feature(id: &str, shape: &Value) -> Value {
    json!({"type": "Feature", "id": id, "geometry": shape, "properties": {"name": id, "cobrade": "1.1.3.2.1", "grade": "R3"}})
}

fn page(features: &[Value], matched: Option<usize>, next: Option<&str>) -> Value {
    let mut links = vec![json!({"rel": "self", "href": "x"})];
    links.extend(next.map(|href| json!({"rel": "next", "type": "application/geo+json", "href": href})));
    json!({"type": "FeatureCollection", "features": features, "links": links, "numberMatched": matched, "numberReturned": features.len()})
}

fn codes(fetched: &Fetched) -> Vec<String> {
    let whole: Value = serde_json::from_slice(&fetched.body).unwrap();
    whole["features"].as_array().unwrap().iter().map(|feature| feature["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_collection_is_read_page_by_page_along_its_own_links() {
    let (service, at) = Service::open().await;
    let first = page(
        &[feature("a", &square(0.0)), feature("b", &square(0.1))],
        Some(3),
        Some("/ogc/collections/setores/items?token=xyz"),
    );
    service.says("/ogc/collections/setores/items?limit=500", "", first);
    let last = page(&[feature("c", &square(0.2))], Some(3), None);
    service.says("/ogc/collections/setores/items?token=xyz", "<http://www.opengis.net/def/crs/OGC/1.3/CRS84>", last);
    let fetched = fetch(&format!("{at}/ogc/collections/setores")).await.unwrap();
    assert_eq!(
        (fetched.kind, fetched.pages, codes(&fetched)),
        (Kind::Features, 2, vec!["a".into(), "b".into(), "c".into()])
    );
    assert_eq!(service.asked().len(), 2);
    let areas = sentinela::catalogue::read(sentinela::catalogue::Format::GeoJson, &fetched.body).unwrap();
    assert_eq!(sentinela::catalogue::parse_areas(&areas).unwrap().len(), 3);
}

#[tokio::test]
async fn latitude_comes_first_where_the_service_says_so_and_metres_are_named() {
    let (service, at) = Service::open().await;
    let turned = json!({"type": "Polygon", "coordinates": [[[-21.76, -43.4], [-21.76, -43.39], [-21.75, -43.39], [-21.76, -43.4]]]});
    service.says(
        "/collections/s/items?crs=4674&limit=500",
        "<http://www.opengis.net/def/crs/EPSG/0/4674>",
        page(&[feature("a", &turned)], Some(1), None),
    );
    let fetched = fetch(&format!("{at}/collections/s?crs=4674")).await.unwrap();
    let records = sentinela::catalogue::read(sentinela::catalogue::Format::GeoJson, &fetched.body).unwrap();
    assert_eq!(records[0].geometry.as_ref().unwrap()["coordinates"][0][0], json!([-43.4, -21.76]));
    let metres = json!({"type": "Polygon", "coordinates": [[[500_000.0, 7_600_000.0], [501_000.0, 7_600_000.0], [501_000.0, 7_601_000.0], [500_000.0, 7_600_000.0]]]});
    service.says(
        "/collections/m/items?limit=500",
        "<http://www.opengis.net/def/crs/EPSG/0/31983>",
        page(&[feature("m", &metres)], None, None),
    );
    let fetched = fetch(&format!("{at}/collections/m")).await.unwrap();
    let records = sentinela::catalogue::read(sentinela::catalogue::Format::GeoJson, &fetched.body).unwrap();
    assert_eq!(records[0].geometry.as_ref().unwrap()["coordinates"][0][0][0], json!(-45.0));
}

#[tokio::test]
async fn a_feature_service_is_asked_by_count_and_start_until_it_has_brought_all() {
    let (service, at) = Service::open().await;
    let query =
        "typeNames=cprm:setores&count=2&service=WFS&version=2.0.0&request=GetFeature&outputFormat=application%2Fjson";
    // Whoever writes the pairs of a query anew escapes the colon.
    let (first_at, next_at) =
        (format!("/ows?{query}&startIndex=0"), format!("/ows?{query}&startIndex=2").replace("cprm:", "cprm%3A"));
    let crs = json!({"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4674"}});
    let mut first = page(&[feature("s.1", &square(0.0)), feature("s.2", &square(0.1))], Some(3), None);
    first["crs"] = crs.clone();
    let mut last = page(&[feature("s.3", &square(0.2))], Some(3), None);
    last["crs"] = crs;
    service.says(&first_at, "", &first);
    service.says(&next_at, "", &last);
    let fetched = fetch(&format!("{at}/ows?typeNames=cprm:setores&count=2")).await;
    let fetched = fetched.unwrap_or_else(|error| panic!("{error}: {:?}", service.asked()));
    assert_eq!((fetched.kind, fetched.pages, codes(&fetched).len()), (Kind::Wfs, 2, 3));
    // A page that overlaps the one before would hide another feature.
    service.says(&next_at, "", &first);
    let twice = fetch(&format!("{at}/ows?typeNames=cprm:setores&count=2")).await.unwrap_err().to_string();
    assert!(twice.contains("s.1") && twice.contains("twice"), "{twice}");
}

#[tokio::test]
async fn what_is_no_whole_answer_is_refused_with_why() {
    let (service, at) = Service::open().await;
    let why = async |path: &str| fetch(&format!("{at}{path}")).await.unwrap_err().to_string();
    assert!(
        why("/collections/none").await.contains("404: XML that says \"no such thing\""),
        "{}",
        why("/collections/none").await
    );
    service.says(
        "/collections/xml/items?limit=500",
        "",
        "<ows:ExceptionReport><ows:ExceptionText>Layer unknown</ows:ExceptionText></ows:ExceptionReport>",
    );
    assert!(why("/collections/xml").await.contains("Layer unknown"));
    service.says("/collections/less/items?limit=500", "", page(&[feature("a", &square(0.0))], Some(9), None));
    assert!(why("/collections/less").await.contains("9 features match, and brought 1"));
    service.says(
        "/collections/circle/items?limit=500",
        "",
        page(&[], None, Some("/collections/circle/items?limit=500")),
    );
    assert!(why("/collections/circle").await.contains("circle"));
    service.says("/collections/away/items?limit=500", "", page(&[], None, Some("http://other.test/items")));
    assert!(why("/collections/away").await.contains("other.test"));
    service.says("/a.json", "", "{\"type\":\"Topology\"}");
    assert!(why("/a.json").await.contains("Topology"));
    let closed = Client::new(&Outbound { allow: vec![], proxy: String::new(), user_agent: String::new() });
    let refused = service::fetch(&closed, &format!("{at}/a.json")).await;
    assert!(refused.unwrap_err().to_string().contains("outbound.allow"));
}
