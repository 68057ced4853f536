//! The request of one message, from the configuration's texts with places for words. Each word is written as its surroundings
//! need it: within JSON, within a form, within an address.

use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue, Method, Request};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};

use super::Wrong;
use crate::config::HttpRequest;

const WORDS: [&str; 7] = ["to", "text", "from", "reference", "callback_url", "validity_s", "coding"];

/// What stands in a message for a text that may hold a key.
const HIDDEN: &str = "***";

/// Looks a word up.
type Lookup<'a> = dyn Fn(&str) -> Option<&'a str> + 'a;

/// A text with places.
#[derive(Clone)]
struct Text(Vec<Piece>);

#[derive(Clone)]
enum Piece {
    Plain(String),
    Word(String),
}

/// Never shows what may be a password.
impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(HIDDEN)
    }
}

#[derive(Clone, Debug)]
enum Body {
    None,
    Form(Vec<(String, Text)>),
    Json(Shape),
}

/// JSON with places.
#[derive(Clone)]
struct Shape(Value);

/// Never shows what may be a password.
impl std::fmt::Debug for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(HIDDEN)
    }
}

#[derive(Clone, Debug)]
pub struct Template {
    method: Method,
    url: Text,
    query: Vec<(String, Text)>,
    headers: Vec<(HeaderName, Text)>,
    basic: Option<Text>,
    body: Body,
}

impl Text {
    /// `{word}` is a place; every other brace stands for itself.
    fn read(key: &str, text: &str) -> Result<Self, Wrong> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find('{') {
            let (before, from) = rest.split_at(at);
            pieces.push(Piece::Plain(before.to_owned()));
            let Some((name, after)) = from[1..].split_once('}') else {
                pieces.push(Piece::Plain(from.to_owned()));
                return Ok(Self(pieces));
            };
            if !WORDS.contains(&name) {
                // What is no word at all may be half of a password.
                let is_word = name.len() <= 20 && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
                let name = if is_word { name } else { HIDDEN };
                let known = WORDS.map(|word| format!("{{{word}}}")).join(", ");
                return Err(Wrong::new(key, format!("{{{name}}}"), format!("one of {known}")));
            }
            pieces.push(Piece::Word(name.to_owned()));
            rest = after;
        }
        pieces.push(Piece::Plain(rest.to_owned()));
        Ok(Self(pieces))
    }

    fn fill(&self, lookup: &Lookup<'_>) -> String {
        self.fill_with(lookup, str::to_owned)
    }

    fn fill_with(&self, lookup: &Lookup<'_>, write: impl Fn(&str) -> String) -> String {
        let pieces = self.0.iter().map(|piece| match piece {
            Piece::Plain(text) => text.clone(),
            Piece::Word(name) => write(lookup(name).unwrap_or_default()),
        });
        pieces.collect()
    }
}

impl Template {
    pub(super) fn new(config: &HttpRequest) -> Result<Self, Wrong> {
        let wrong = |key: &str, value: &str, expected: &str| Wrong::new(format!("request.{key}"), value, expected);
        let method = match config.method.as_str() {
            "GET" => Method::GET,
            "POST" => Method::POST,
            "PUT" => Method::PUT,
            other => return Err(wrong("method", other, "GET, POST or PUT")),
        };
        let url = Text::read("request.url", &config.url)?;
        let looks = Url::parse(&url.fill(&|_| Some("x")));
        let is_good = looks.is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.password().is_none());
        if !is_good {
            return Err(wrong("url", HIDDEN, "http://… or https://… without a password in it"));
        }
        let pairs = |key: &str, given: &[(String, crate::secret::Secret)]| {
            let key = format!("request.{key}");
            given.iter().map(|(name, text)| Ok((name.clone(), Text::read(&key, text)?))).collect::<Result<Vec<_>, _>>()
        };
        let mut headers = Vec::new();
        for (name, text) in pairs("headers", &config.headers)? {
            let name = HeaderName::try_from(&name).map_err(|_| wrong("headers", &name, "the name of a header"))?;
            headers.push((name, text));
        }
        let basic = (!config.basic.is_empty()).then(|| Text::read("request.basic", &config.basic)).transpose()?;
        let body = match (config.form.is_empty(), config.json.is_empty()) {
            (true, true) => Body::None,
            (false, true) => Body::Form(pairs("form", &config.form)?),
            (true, false) => Body::Json(Shape(json(&config.json)?)),
            (false, false) => return Err(wrong("form", "both", "either `form` or `json`")),
        };
        Ok(Self { method, url, query: pairs("query", &config.query)?, headers, basic, body })
    }

    pub(super) fn fill(&self, lookup: &Lookup<'_>) -> Result<Request<Vec<u8>>, String> {
        let url = self.url.fill_with(lookup, |word| byte_serialize(word.as_bytes()).collect());
        let mut url = Url::parse(&url).map_err(|error| format!("the address of the request: {error}"))?;
        if !self.query.is_empty() {
            let mut pairs = url.query_pairs_mut();
            for (name, text) in &self.query {
                pairs.append_pair(name, &text.fill(lookup));
            }
        }
        let mut request = Request::builder().method(self.method.clone()).uri(url.as_str());
        for (name, text) in &self.headers {
            request = request.header(name, value(&text.fill(lookup))?);
        }
        if let Some(basic) = &self.basic {
            let encoded = format!("Basic {}", STANDARD.encode(basic.fill(lookup)));
            request = request.header(AUTHORIZATION, value(&encoded)?);
        }
        let (kind, body) = match &self.body {
            Body::None => (None, Vec::new()),
            Body::Form(pairs) => {
                let mut form = Serializer::new(String::new());
                for (name, text) in pairs {
                    form.append_pair(name, &text.fill(lookup));
                }
                (Some("application/x-www-form-urlencoded"), form.finish().into_bytes())
            }
            Body::Json(Shape(shape)) => (Some("application/json"), filled(shape, lookup).to_string().into_bytes()),
        };
        if let Some(kind) = kind {
            request = request.header(CONTENT_TYPE, kind);
        }
        request.body(body).map_err(|error| error.to_string())
    }
}

fn value(text: &str) -> Result<HeaderValue, String> {
    let mut value = HeaderValue::try_from(text).map_err(|_| "a header cannot hold this text".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}

/// Parses before anything is filled in, so that no word can become structure.
fn json(text: &str) -> Result<Value, Wrong> {
    let shape: Value =
        serde_json::from_str(text).map_err(|error| Wrong::new("request.json", HIDDEN, format!("JSON: {error}")))?;
    check(&shape)?;
    Ok(shape)
}

fn check(shape: &Value) -> Result<(), Wrong> {
    match shape {
        Value::String(text) => Text::read("request.json", text).map(|_| ()),
        Value::Array(list) => list.iter().try_for_each(check),
        Value::Object(map) => map.values().try_for_each(check),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

fn filled(shape: &Value, lookup: &Lookup<'_>) -> Value {
    match shape {
        // Checked when the template was read.
        Value::String(text) => match Text::read("request.json", text) {
            Ok(text) => Value::String(text.fill(lookup)),
            Err(_) => Value::String(text.clone()),
        },
        Value::Array(list) => Value::Array(list.iter().map(|item| filled(item, lookup)).collect()),
        Value::Object(map) => {
            Value::Object(map.iter().map(|(key, item)| (key.clone(), filled(item, lookup))).collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(name: &str) -> Option<&'static str> {
        Some(match name {
            "to" => "+55 32",
            "text" => "Saia: \"já\" & {to}\n}]",
            _ => "x",
        })
    }

    fn request(lines: &str) -> Result<Template, Wrong> {
        let config: HttpRequest = toml::from_str(&format!("url = 'https://g.test/send'\n{lines}")).unwrap();
        Template::new(&config)
    }

    fn body(lines: &str) -> String {
        String::from_utf8(request(lines).unwrap().fill(&lookup).unwrap().into_body()).unwrap()
    }

    #[test]
    fn a_text_can_break_out_of_neither_json_nor_form_nor_address() {
        let json = body(r#"json = '{"to":"{to}","m":[{"t":"a {text}"}],"n":1}'"#);
        let read: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(read["m"][0]["t"], "a Saia: \"já\" & {to}\n}]");
        assert_eq!(body("form = [['To', '{to}'], ['Body', '{text}']]").matches('&').count(), 1);
        let asked = request("method = 'GET'\nquery = [['t', '{text}']]").unwrap().fill(&lookup).unwrap();
        assert_eq!(asked.uri().query().unwrap().matches('&').count(), 0);
    }

    #[test]
    fn a_header_that_would_hold_two_lines_is_refused() {
        assert!(request("headers = [['X-Text', '{text}']]").unwrap().fill(&lookup).is_err());
    }

    #[test]
    fn what_cannot_be_a_request_is_named() {
        for (lines, key) in [
            ("json = '{\"a\":\"{who}\"}'", "request.json"),
            ("json = '{'", "request.json"),
            ("form = [['a', '{nobody}']]", "request.form"),
            ("method = 'BREW'", "request.method"),
            ("headers = [['a b', 'c']]", "request.headers"),
            ("form = [['a', 'b']]\njson = '{}'", "request.form"),
        ] {
            assert_eq!(request(lines).unwrap_err().key, key, "{lines}");
        }
        let config: HttpRequest = toml::from_str("url = 'ftp://g.test/'").unwrap();
        assert_eq!(Template::new(&config).unwrap_err().key, "request.url");
    }

    #[test]
    fn no_message_and_no_description_of_a_template_shows_a_key() {
        for lines in [
            "url = 'ftp://g.test/k3y/send'",
            "url = 'https://g.test/{K3y-k3y}/k3y'",
            "url = 'https://g.test/'\njson = '{\"key\": \"k3y\", \"to\": }'",
            "url = 'https://g.test/'\njson = '{\"key\": \"{k3y}\", \"to\": \"{to}\"}'",
            "url = 'https://g.test/'\nheaders = [['X-Key', 'a{k3y}b']]",
        ] {
            let config: HttpRequest = toml::from_str(lines).unwrap();
            let wrong = Template::new(&config).unwrap_err();
            assert!(!format!("{wrong} {wrong:?} {config:?}").contains("k3y"), "{wrong}");
        }
        let config: HttpRequest = toml::from_str("url = 'https://g.test/k3y'\njson = '{\"key\": \"k3y\"}'").unwrap();
        let template = Template::new(&config).unwrap();
        assert!(!format!("{config:?} {template:?}").contains("k3y"));
    }
}
