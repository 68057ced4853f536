//! What is wrong with a configuration, told without what it says: a line or a value of the file may be a secret, and what is told goes
//! to terminals, logs and tickets.

use serde_json::Value;
use serde_path_to_error::{Path, Segment};

use super::{ConfigError, DEFAULTS};

/// The keys whose values are secrets, or hold some. A test holds them against the types.
const SECRETS: &[&str] = &[
    "basic",
    "client_secret",
    "form",
    "headers",
    "json",
    "login_headers",
    "otlp_authorization",
    "owner_url",
    "password",
    "query",
    "secret",
    "url",
];

/// A file or an environment that cannot be read. Of a line that is no TOML: where it is and its key, never its text.
pub(super) fn unreadable(error: &config::ConfigError) -> ConfigError {
    let config::ConfigError::FileParse { uri, cause } = error else { return ConfigError::Read(error.to_string()) };
    let why = cause.downcast_ref::<toml::de::Error>().map_or_else(|| cause.to_string(), without_line);
    ConfigError::Read(match uri {
        Some(uri) => format!("{why} in {uri}"),
        None => why,
    })
}

/// The parser shows the line under its place; its message alone repeats nothing of the file.
fn without_line(error: &toml::de::Error) -> String {
    let shown = error.to_string();
    let mut lines = shown.lines();
    let Some(place) = lines.next().filter(|line| line.starts_with("TOML parse error at line ")) else {
        return error.message().to_owned();
    };
    // A gutter, then the line behind its number.
    let line = lines.nth(1).and_then(|line| line.split_once(" | ")).map_or("", |(_, text)| text);
    let key = key_of(line).map(|key| format!(", key `{key}`")).unwrap_or_default();
    format!("{place}{key}: {} (the line is not shown, because it may hold a secret)", error.message())
}

/// The key of a line, where it is one of ours: a line within a text of several lines may have a sign of equality too.
fn key_of(line: &str) -> Option<&str> {
    let key = line.split_once('=')?.0.trim();
    key.split('.').all(is_ours).then_some(key)
}

/// The commented defaults name every key before a sign of equality, and every section before a bracket or a dot.
fn is_ours(word: &str) -> bool {
    let is_between = |letter: char| !letter.is_ascii_alphanumeric() && letter != '_';
    let mut named = DEFAULTS.split(['=', ']', '.']).map(|text| text.trim_end().rsplit(is_between).next());
    !word.is_empty() && named.any(|name| name == Some(word))
}

/// A key that is unknown, missing, or of the wrong type. `whole` is all that was read.
pub(super) fn wrong_key(path: &Path, said: &str, whole: &Value) -> ConfigError {
    let message = match said.rsplit_once(", expected ") {
        Some((found, expected))
            if (found.starts_with("invalid type: ") || found.starts_with("invalid value: "))
                && (is_near_secret(path, whole) || is_whole_section(expected)) =>
        {
            let (what, _) = found.split_once(": ").unwrap_or((found, ""));
            format!("{what} (what stands there is not shown, because it may be a secret), expected {expected}")
        }
        _ => said.to_owned(),
    };
    ConfigError::Key { key: path.to_string(), message }
}

/// A text where a section or a list belongs: most often that of the secret in it.
fn is_whole_section(expected: &str) -> bool {
    ["struct ", "a sequence", "a map", "a tuple", "tuple ", "an array"].iter().any(|kind| expected.starts_with(kind))
}

/// Whether the path leads to a secret, or ends above one: where the path within a section is lost, the value may be any of it.
fn is_near_secret(path: &Path, whole: &Value) -> bool {
    let mut at = whole;
    for segment in path.iter() {
        let next = match segment {
            Segment::Map { key } if SECRETS.contains(&key.as_str()) => return true,
            Segment::Map { key } => at.get(key.as_str()),
            Segment::Seq { index } => at.get(*index),
            Segment::Enum { .. } | Segment::Unknown => None,
        };
        let Some(next) = next else { break };
        at = next;
    }
    holds_secret(at)
}

fn holds_secret(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.iter().any(|(key, value)| SECRETS.contains(&key.as_str()) || holds_secret(value)),
        Value::Array(list) => list.iter().any(holds_secret),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::config::Config;

    /// What is said of a file with this text.
    fn said(text: &str) -> String {
        let nothing = config::Environment::with_prefix("SENTINELA").source(Some(HashMap::new()));
        let error = Config::stacked(&[DEFAULTS, text], None, nothing).unwrap_err();
        assert!(std::error::Error::source(&error).is_none(), "what stands behind it is printed too");
        format!("{error} {error:?}")
    }

    #[test]
    fn a_line_that_is_no_toml_is_told_by_its_place_and_key_and_not_by_what_it_says() {
        let message = said("[[sms.smpp]]\nname = 'a'\npassword = \"s3gr3do\nhost = 'b'\n");
        assert!(message.contains("line 3, column ") && message.contains("key `password`"), "{message}");
        assert!(!message.contains("s3gr3do"), "{message}");
        for text in [
            "[mail]\nurl = smtp://ana:s3gr3do@mail",
            "mail.url = 's3gr3do",
            "[mail]\nurl = 'x' s3gr3do",
            "[mail]\nurl = \"a\\qs3gr3do\"",
            "[[sms.http]]\nheaders = [[\"Authorization\", \"s3gr3do]]",
            "[sms]\njson = '''\ns3gr3do = {\n",
            "[mail]\nurl = 's3gr3do'\nurl = 's3gr3do'",
        ] {
            let message = said(text);
            assert!(message.contains("TOML parse error at line "), "{text}: {message}");
            assert!(!message.contains("s3gr3do"), "{text}: {message}");
        }
        assert!(said("mail.url = 's3gr3do").contains("key `mail.url`"));
    }

    #[test]
    fn a_broken_line_of_a_file_is_told_with_the_file() {
        let folder = std::env::temp_dir().join(format!("sentinela-told-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("sentinela.toml");
        std::fs::write(&file, "[database]\nurl = \"postgres://a:s3gr3do@h/d\n").unwrap();
        let nothing = config::Environment::with_prefix("SENTINELA").source(Some(HashMap::new()));
        let message = Config::layered(Some(&file), nothing).unwrap_err().to_string();
        assert!(message.contains("sentinela.toml") && message.contains("key `url`"), "{message}");
        assert!(!message.contains("s3gr3do"), "{message}");
    }

    #[test]
    fn a_wrong_type_beside_a_secret_or_in_its_place_tells_no_secret() {
        let message = said("[mail]\nurl = 'smtp://ana:s3gr3do@mail'\nconcurrency = 'many'");
        assert!(message.contains("mail.concurrency") && message.contains("\"many\""), "{message}");
        assert!(!message.contains("s3gr3do"), "{message}");
        for (text, key) in [
            ("mail = 's3gr3do'", "mail"),
            ("[mail]\nurl = ['s3gr3do']", "mail.url"),
            ("feeds = 's3gr3do'", "feeds"),
            ("[[sms.http]]\nname = 'a'\nrequest = { url = 'https://g.test', headers = 's3gr3do' }", "sms.http"),
            (
                "[[sms.http]]\nname = 'a'\nrequest = { url = 'https://g.test', query = [['k', 's3gr3do'], 's3gr3do'] }",
                "sms.http",
            ),
        ] {
            let message = said(text);
            assert!(message.contains(key) && message.contains("expected"), "{text}: {message}");
            assert!(!message.contains("s3gr3do"), "{text}: {message}");
        }
    }

    #[test]
    fn every_secret_of_the_types_is_among_the_keys() {
        let types = [
            include_str!("door.rs"),
            include_str!("identity.rs"),
            include_str!("mail.rs"),
            include_str!("reach.rs"),
            include_str!("sections.rs"),
            include_str!("sms.rs"),
            include_str!("watching.rs"),
            include_str!("../feeds/mod.rs"),
        ];
        let fields: Vec<(&str, &str)> = types
            .iter()
            .flat_map(|text| text.lines())
            .filter_map(|line| line.trim().strip_prefix("pub ")?.split_once(": "))
            .filter(|(_, kind)| kind.split(|letter: char| !letter.is_alphanumeric()).any(|word| word == "Secret"))
            .collect();
        assert!(fields.len() >= 15, "{fields:?}");
        for (name, kind) in fields {
            assert!(SECRETS.contains(&name), "{name}: {kind}");
        }
    }

    #[test]
    fn a_line_within_a_text_is_not_taken_for_a_key() {
        assert_eq!(key_of("url = 'x"), Some("url"));
        assert_eq!(key_of("  password=\"x"), Some("password"));
        assert_eq!(key_of("c2VncmVkbw=="), None);
        assert_eq!(key_of("= x"), None);
    }
}
