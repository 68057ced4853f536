//! One page of a service's answer. Pure.

use axum::http::HeaderMap;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::ServiceError;

/// One page as far as its frame goes.
pub struct Page {
    pub features: Vec<Box<RawValue>>,
    pub matched: Option<usize>,
    pub next: Option<String>,
    pub crs: Option<Value>,
}

/// What a page holds, or what the answer is instead.
pub fn page_of(body: &[u8]) -> Result<Page, String> {
    #[derive(serde::Deserialize)]
    struct Link {
        rel: Option<String>,
        href: Option<String>,
    }
    #[derive(serde::Deserialize)]
    struct Read {
        #[serde(rename = "type")]
        kind: Option<String>,
        features: Option<Vec<Box<RawValue>>>,
        #[serde(default)]
        links: Vec<Link>,
        #[serde(rename = "numberMatched")]
        matched: Option<Value>,
        crs: Option<Value>,
    }
    let text = std::str::from_utf8(body).map_err(|error| error.to_string())?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_start().starts_with('<') {
        return Err(said_by_xml(text));
    }
    let read: Read = serde_json::from_str(text).map_err(|error| error.to_string())?;
    match (read.kind.as_deref(), read.features) {
        (Some("FeatureCollection"), Some(features)) => Ok(Page {
            features,
            matched: read.matched.and_then(|number| number.as_u64()).and_then(|number| usize::try_from(number).ok()),
            next: read.links.into_iter().find(|link| link.rel.as_deref() == Some("next")).and_then(|link| link.href),
            crs: read.crs.filter(|crs| !crs.is_null()),
        }),
        (kind, _) => Err(format!("a {}", kind.unwrap_or("document without a type"))),
    }
}

/// The words of an XML answer without its tags, shortened: services say in it what they did not understand.
pub fn said_by_xml(text: &str) -> String {
    let mut words = String::new();
    let mut inside = false;
    for letter in text.chars() {
        match letter {
            '<' => inside = true,
            '>' => {
                inside = false;
                words.push(' ');
            }
            _ if !inside => words.push(letter),
            _ => {}
        }
        if words.len() > 2_000 {
            break;
        }
    }
    let words: Vec<&str> = words.split_whitespace().collect();
    format!("XML that says {:?}", words.join(" ").chars().take(200).collect::<String>())
}

/// The system a page is in, as a `crs` member, and whether its degrees are written latitude first.
pub fn crs_of(headers: &HeaderMap, own: Option<Value>) -> Result<(Option<Value>, bool), ServiceError> {
    let Some(named) = headers.get("content-crs") else { return Ok((own, false)) };
    let name = named.to_str().unwrap_or_default().trim().trim_matches(['<', '>']).to_owned();
    let is_degrees =
        ["/4326", "/4674", "/4979", "/4988"].iter().any(|end| name.ends_with(end)) && name.contains("/EPSG/");
    let crs = (!name.ends_with("CRS84") && !name.ends_with("CRS84h") && !is_degrees)
        .then(|| json!({ "type": "name", "properties": { "name": name } }));
    Ok((crs, is_degrees))
}

pub fn id_of(feature: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Named {
        id: Option<Value>,
    }
    let named: Named = serde_json::from_str(feature).ok()?;
    named.id.filter(|id| !id.is_null()).map(|id| id.to_string())
}

/// A feature whose positions are latitude, longitude, the other way round.
pub fn turned(feature: &str) -> String {
    fn turn(value: &mut Value) {
        let Some(list) = value.as_array_mut() else { return };
        if list.len() >= 2 && list.first().is_some_and(Value::is_number) {
            list.swap(0, 1);
        } else {
            list.iter_mut().for_each(turn);
        }
    }
    let Ok(mut value) = serde_json::from_str::<Value>(feature) else { return feature.to_owned() };
    if let Some(coordinates) = value.pointer_mut("/geometry/coordinates") {
        turn(coordinates);
    }
    value.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_in_xml_is_told_in_its_own_words() {
        let xml = "<?xml version=\"1.0\"?><ows:ExceptionReport><ows:Exception><ows:ExceptionText>Unknown type \
                   cprm:x</ows:ExceptionText></ows:Exception></ows:ExceptionReport>";
        let said = page_of(xml.as_bytes()).err().unwrap();
        assert!(said.contains("Unknown type cprm:x"), "{said}");
    }

    #[test]
    fn degrees_of_epsg_are_turned_and_those_of_ogc_are_not() {
        let headers = |name: &str| HeaderMap::from_iter([("content-crs".parse().unwrap(), name.parse().unwrap())]);
        let epsg = crs_of(&headers("<http://www.opengis.net/def/crs/EPSG/0/4674>"), None).unwrap();
        assert_eq!(epsg, (None, true));
        let ogc = crs_of(&headers("<http://www.opengis.net/def/crs/OGC/1.3/CRS84>"), None).unwrap();
        assert_eq!(ogc, (None, false));
        let (crs, is_turned) = crs_of(&headers("<http://www.opengis.net/def/crs/EPSG/0/31983>"), None).unwrap();
        assert!(!is_turned && crs.unwrap().to_string().contains("31983"));
        let feature =
            r#"{"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[-21.8,-43.4],[-21.7,-43.3]]]}}"#;
        assert!(turned(feature).contains("[-43.4,-21.8]"));
    }
}
