//! Areas read from an OGC service: OGC API – Features (a collection, page by page), WFS 2.0 (GetFeature as GeoJSON), or a GeoJSON file
//! that lies at an address. What comes is put together into one FeatureCollection and then imported as a file is.
//!
//! - OGC API – Features Part 1 (OGC 17-069r4, requirement 27 and 28): the next page stands in a link `rel=next`; it may bear any query.
//!   Without `crs` coordinates are CRS84; with it they are in the order of that system's axes, which for the systems of degrees of EPSG
//!   is latitude first (Part 2, OGC 18-058r1), and `Content-Crs` names it.
//! - WFS 2.0 (OGC 09-025r2, clause 7.6.3): `count` and `startIndex` page; errors come as XML, also with status 200.

mod page;

use std::collections::BTreeSet;

use axum::http::{HeaderMap, Request, header};
use serde_json::Value;
use url::Url;

use page::{Page, crs_of, id_of, page_of, said_by_xml, turned};

use crate::outbound::{Client, OutboundError};

/// Features of one service at most.
pub const MAX_FEATURES: usize = 20_000;
/// Pages that are asked for at most.
pub const MAX_PAGES: usize = 200;
/// Bytes of all pages together.
pub const MAX_BYTES: usize = 32 * 1024 * 1024;
/// Features asked for in one page.
const PAGE: usize = 500;

/// How an address is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Features,
    Wfs,
    File,
}

#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    #[error("{0:?} is no address: {1}")]
    Address(String, String),
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    #[error("{host} answers with status {status}{said}")]
    Status { host: String, status: u16, said: String },
    /// What the answer holds instead of features.
    #[error("{host} answers with what is no GeoJSON: {said}")]
    NotGeoJson { host: String, said: String },
    #[error("{0}")]
    Bound(String),
    #[error("the next page lies at {0}, another server; only one server is read")]
    Elsewhere(String),
}

/// What a service holds.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// One FeatureCollection.
    pub body: Vec<u8>,
    pub kind: Kind,
    pub features: usize,
    pub pages: usize,
}

/// Which kind of service an address is of.
pub fn kind_of(url: &Url) -> Kind {
    let path = url.path().trim_end_matches('/');
    let asks = |name: &str, word: &str| {
        url.query_pairs().any(|(key, value)| key.eq_ignore_ascii_case(name) && value.eq_ignore_ascii_case(word))
    };
    let names_types = url.query_pairs().any(|(key, _)| is_type_name(&key));
    let last = path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    if asks("service", "WFS") || names_types || matches!(last.as_str(), "wfs" | "ows") {
        Kind::Wfs
    } else if path.contains("/collections/") {
        Kind::Features
    } else {
        Kind::File
    }
}

fn is_type_name(key: &str) -> bool {
    key.eq_ignore_ascii_case("typeNames") || key.eq_ignore_ascii_case("typeName")
}

/// The address of the first page.
///
/// # Errors
/// When it cannot be read, or names no collection.
pub fn first_page(text: &str) -> Result<(Url, Kind), ServiceError> {
    let wrong = |why: &str| ServiceError::Address(text.chars().take(200).collect(), why.to_owned());
    let mut url = Url::parse(text.trim()).map_err(|error| wrong(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("expected http:// or https://"));
    }
    let kind = kind_of(&url);
    match kind {
        Kind::Features => {
            let path = url.path().trim_end_matches('/').to_owned();
            let (_, rest) = path.rsplit_once("/collections/").unwrap_or_default();
            if !rest.contains('/') {
                url.set_path(&format!("{path}/items"));
            }
            add_missing(&mut url, &[("limit", &PAGE.to_string())]);
        }
        Kind::Wfs => {
            if !url.query_pairs().any(|(key, _)| is_type_name(&key)) {
                return Err(wrong("a WFS needs the name of what is wanted: add ?typeNames=…"));
            }
            add_missing(
                &mut url,
                &[
                    ("service", "WFS"),
                    ("version", "2.0.0"),
                    ("request", "GetFeature"),
                    ("outputFormat", "application/json"),
                    ("count", &PAGE.to_string()),
                    ("startIndex", "0"),
                ],
            );
        }
        Kind::File => {}
    }
    Ok((url, kind))
}

fn add_missing(url: &mut Url, wanted: &[(&str, &str)]) {
    let given: BTreeSet<String> = url.query_pairs().map(|(key, _)| key.to_ascii_lowercase()).collect();
    for (key, value) in wanted.iter().filter(|(key, _)| !given.contains(&key.to_ascii_lowercase())) {
        url.query_pairs_mut().append_pair(key, value);
    }
}

/// Reads all of a service.
///
/// # Errors
/// What stopped it: the outside, an answer that is none, a bound.
pub async fn fetch(client: &Client, text: &str) -> Result<Fetched, ServiceError> {
    let (first, kind) = first_page(text)?;
    let mut all = Collected::new(kind);
    let mut next = Some(first.clone());
    let mut seen = BTreeSet::new();
    while let Some(url) = next.take() {
        if url.origin() != first.origin() {
            return Err(ServiceError::Elsewhere(url.host_str().unwrap_or_default().to_owned()));
        }
        if !seen.insert(url.as_str().to_owned()) {
            return Err(ServiceError::Bound("the service's pages go round in a circle".into()));
        }
        if seen.len() > MAX_PAGES {
            return Err(ServiceError::Bound(format!("the service has more than {MAX_PAGES} pages")));
        }
        let (headers, body) = ask(client, &url, MAX_BYTES.saturating_sub(all.bytes)).await?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let page = page_of(&body).map_err(|said| ServiceError::NotGeoJson { host, said })?;
        next = all.add(&url, &headers, page, body.len())?;
    }
    all.pages = seen.len();
    all.whole()
}

async fn ask(client: &Client, url: &Url, room: usize) -> Result<(HeaderMap, bytes::Bytes), ServiceError> {
    let host = url.host_str().unwrap_or_default().to_owned();
    let request = Request::get(url.as_str())
        .header(header::ACCEPT, "application/geo+json, application/json;q=0.9")
        .body(Vec::new())
        .map_err(|error| ServiceError::Address(url.to_string(), error.to_string()))?;
    let answer = client.send(request, room).await?;
    if !answer.status.is_success() {
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let said = if text.trim_start().starts_with('<') { format!(": {}", said_by_xml(&text)) } else { String::new() };
        return Err(ServiceError::Status { host, status: answer.status.as_u16(), said });
    }
    Ok((answer.headers, answer.body))
}

/// The features so far.
struct Collected {
    kind: Kind,
    features: Vec<String>,
    bytes: usize,
    pages: usize,
    matched: Option<usize>,
    crs: Option<Value>,
    /// Of WFS: pages that overlap would bring a feature twice, and leave another out.
    ids: BTreeSet<String>,
}

impl Collected {
    const fn new(kind: Kind) -> Self {
        Self { kind, features: Vec::new(), bytes: 0, pages: 0, matched: None, crs: None, ids: BTreeSet::new() }
    }

    /// Takes a page in, and says where the next one lies.
    fn add(&mut self, url: &Url, headers: &HeaderMap, page: Page, bytes: usize) -> Result<Option<Url>, ServiceError> {
        self.bytes += bytes;
        let count = page.features.len();
        if self.features.len() + count > MAX_FEATURES {
            return Err(ServiceError::Bound(format!("the service has more than {MAX_FEATURES} features")));
        }
        let (crs, latitude_first) = crs_of(headers, page.crs)?;
        if self.pages > 0 && self.crs != crs {
            return Err(ServiceError::Bound("the service changes its coordinate system between pages".into()));
        }
        self.crs = crs;
        self.pages += 1;
        self.matched = page.matched.or(self.matched);
        for feature in page.features {
            if self.kind == Kind::Wfs
                && let Some(id) = id_of(feature.get())
                && !self.ids.insert(id.clone())
            {
                let why = format!("the service brings {id} twice; its pages overlap, ask it for a sortBy of its own");
                return Err(ServiceError::Bound(why));
            }
            self.features.push(if latitude_first { turned(feature.get()) } else { feature.get().to_owned() });
        }
        let next = match self.kind {
            Kind::Features => page.next.map(|href| url.join(&href)).transpose(),
            Kind::Wfs => Ok(self.next_of_wfs(url, count)),
            Kind::File => Ok(None),
        };
        next.map_err(|error| ServiceError::Address("next".into(), error.to_string()))
    }

    fn next_of_wfs(&self, url: &Url, count: usize) -> Option<Url> {
        let asked = |name: &str| {
            let found = url.query_pairs().find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.and_then(|(_, value)| value.parse::<usize>().ok())
        };
        let (size, start) = (asked("count")?, asked("startIndex")?);
        // A server may bring fewer than it was asked for; where it says how many there are, that decides.
        let is_last = self.matched.map_or(count < size, |matched| start + count >= matched);
        if is_last || count == 0 {
            return None;
        }
        let mut next = url.clone();
        let pairs: Vec<(String, String)> =
            url.query_pairs().map(|(key, value)| (key.into_owned(), value.into_owned())).collect();
        next.query_pairs_mut().clear().extend_pairs(pairs.iter().map(|(key, value)| {
            let is_start = key.eq_ignore_ascii_case("startIndex");
            (key.as_str(), if is_start { (start + count).to_string() } else { value.clone() })
        }));
        Some(next)
    }

    fn whole(self) -> Result<Fetched, ServiceError> {
        // What is missing would look as if it were gone.
        if let Some(matched) = self.matched.filter(|matched| *matched != self.features.len() && self.kind != Kind::File)
        {
            let brought = self.features.len();
            return Err(ServiceError::Bound(format!(
                "the service says that {matched} features match, and brought {brought}"
            )));
        }
        let crs = self.crs.map(|crs| format!("\"crs\":{crs},")).unwrap_or_default();
        let body = format!("{{\"type\":\"FeatureCollection\",{crs}\"features\":[\n{}\n]}}", self.features.join(",\n"));
        Ok(Fetched { body: body.into_bytes(), kind: self.kind, features: self.features.len(), pages: self.pages })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(text: &str) -> String {
        first_page(text).unwrap().0.to_string()
    }

    #[test]
    fn an_address_is_completed_by_what_its_service_asks() {
        assert_eq!(
            first("https://g.test/ogc/collections/setores"),
            "https://g.test/ogc/collections/setores/items?limit=500"
        );
        assert_eq!(
            first("https://g.test/ogc/collections/setores/items?limit=10&bbox=-44,-22,-43,-21"),
            "https://g.test/ogc/collections/setores/items?limit=10&bbox=-44,-22,-43,-21"
        );
        let wfs = first("https://g.test/geoserver/ows?typeNames=cprm:setores");
        assert!(
            wfs.contains("request=GetFeature") && wfs.contains("version=2.0.0") && wfs.contains("startIndex=0"),
            "{wfs}"
        );
        assert_eq!(first("https://g.test/areas.geojson"), "https://g.test/areas.geojson");
    }

    #[test]
    fn what_is_no_address_of_areas_is_refused_with_why() {
        assert!(first_page("file:///etc/passwd").unwrap_err().to_string().contains("http"));
        assert!(first_page("https://g.test/wfs").unwrap_err().to_string().contains("typeNames"));
        assert!(first_page("setores").is_err());
    }
}
