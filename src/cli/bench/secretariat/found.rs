//! Where the load goes: every question in the table of routes, with what a path names filled in from what the service itself lists. So
//! the addresses are those that people would come upon, and a row that is not reached is told by its path.

use std::collections::BTreeMap;

use serde_json::Value;

use super::load::Desk;
use crate::app::App;
use crate::secretariat::modules::MODULES;
use crate::web::gate::RULES;

/// So many of what a list has, for each name in a path.
const EACH: usize = 2;

/// Words by which a list names what is in it, after the one in the path itself.
const NAMES: [&str; 7] = ["id", "key", "slug", "code", "number", "year", "day"];

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// Addresses that answered.
    pub addresses: Vec<String>,
    /// Rows of the table that are asked.
    pub asked: usize,
    /// Paths of the others: what they name is listed nowhere (a link by mail), or they want more than an address.
    pub not_asked: Vec<&'static str>,
}

/// Every question about the secretariat that answers here.
///
/// # Errors
/// An answer that says that the service failed.
pub async fn all(app: &App, desk: &Desk) -> anyhow::Result<Found> {
    let is_ours = |path: &str| path.starts_with("/secretaria") || path.starts_with("/api/v1/secretariat/");
    let (mut finder, mut found) = (Finder { app, desk, bodies: BTreeMap::new() }, Found::default());
    for rule in RULES.iter().filter(|rule| rule.method == "GET" && is_ours(rule.path)) {
        let mut answered = false;
        for address in finder.filled_in(rule.path).await? {
            if finder.answers(&address).await? {
                answered = true;
                found.addresses.push(address);
            }
        }
        if answered {
            found.asked += 1;
        } else {
            found.not_asked.push(rule.path);
        }
    }
    found.addresses.sort_unstable();
    found.addresses.dedup();
    Ok(found)
}

struct Finder<'a> {
    app: &'a App,
    desk: &'a Desk,
    /// Of lists that were read. None: it did not answer.
    bodies: BTreeMap<String, Option<String>>,
}

impl Finder<'_> {
    async fn answers(&self, address: &str) -> anyhow::Result<bool> {
        let (status, body) = self.desk.get(address).await?;
        anyhow::ensure!(!status.is_server_error(), "{address}: {status} {}", String::from_utf8_lossy(&body));
        Ok(status.is_success())
    }

    /// The words of a list; empty when there is none at that address.
    async fn body(&mut self, address: &str) -> anyhow::Result<String> {
        if !self.bodies.contains_key(address) {
            let (status, body) = self.desk.get(address).await?;
            let body = status.is_success().then(|| String::from_utf8_lossy(&body).into_owned());
            self.bodies.insert(address.to_owned(), body);
        }
        Ok(self.bodies.get(address).cloned().flatten().unwrap_or_default())
    }

    /// The addresses of a row: of every module, and of the first of each list on the way.
    async fn filled_in(&mut self, path: &str) -> anyhow::Result<Vec<String>> {
        let (mut open, mut whole) = (self.of_modules(path), Vec::new());
        while let Some(path) = open.pop() {
            let Some((before, name, after)) = first_name(&path) else {
                whole.push(path);
                continue;
            };
            for word in self.words(before, name).await? {
                open.push(format!("{before}{word}{after}"));
            }
        }
        Ok(whole)
    }

    /// One path of each module, and of each type where the question wants one.
    fn of_modules(&self, path: &str) -> Vec<String> {
        if !path.contains("{module}") {
            return vec![path.to_owned()];
        }
        let mut all = Vec::new();
        for module in MODULES {
            let word = if path.starts_with("/api/") { module.slug } else { module.slug_pt };
            let path = path.replace("{module}", word);
            if path.ends_with("/report") {
                all.extend(
                    self.app.cases.of_module(module.key()).map(|kept| format!("{path}?type={}", kept.def.key())),
                );
            } else {
                all.push(path);
            }
        }
        all
    }

    /// What may stand for a name behind `before`: what the list at that address has, or for pages what is linked there or further up.
    async fn words(&mut self, before: &str, name: &str) -> anyhow::Result<Vec<String>> {
        let mut list = before.rsplit_once('/').map_or("", |(list, _)| list).to_owned();
        if before.starts_with("/api/") {
            return Ok(listed(&self.body(&list).await?, name));
        }
        while !list.is_empty() {
            let linked = linked(&self.body(&list).await?, before);
            if !linked.is_empty() {
                return Ok(linked);
            }
            list = list.rsplit_once('/').map_or("", |(above, _)| above).to_owned();
        }
        Ok(Vec::new())
    }
}

/// A path at the first name in braces: what stands before it, the name, what stands after it.
fn first_name(path: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = path.split_once('{')?;
    let (name, after) = rest.split_once('}')?;
    Some((before, name, after))
}

/// The first links of a page that begin so: the segment behind it.
fn linked(page: &str, before: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for link in page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
        let Some(rest) = link.strip_prefix(before) else { continue };
        let word = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if !word.is_empty() && !all.iter().any(|one| one == word) {
            all.push(word.to_owned());
        }
        if all.len() == EACH {
            break;
        }
    }
    all
}

/// The first things that an answer lists, by the name asked for or else by the usual ones.
fn listed(answer: &str, name: &str) -> Vec<String> {
    let Ok(answer) = serde_json::from_str::<Value>(answer) else { return Vec::new() };
    let lists: Vec<&Vec<Value>> = match &answer {
        Value::Array(list) => vec![list],
        Value::Object(map) => map.values().filter_map(Value::as_array).collect(),
        _ => Vec::new(),
    };
    let told = |one: &Value| match one {
        Value::String(word) => Some(word.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let word = |one: &Value| match one {
        Value::Object(map) => std::iter::once(name).chain(NAMES).find_map(|key| map.get(key).and_then(told)),
        other => told(other),
    };
    let mut all: Vec<String> = Vec::new();
    for one in lists.into_iter().flatten().filter_map(word) {
        if !one.is_empty() && !all.contains(&one) {
            all.push(one);
        }
        if all.len() == EACH {
            break;
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_filled_in_from_the_links_of_a_page_and_from_the_lists_of_an_answer() {
        assert_eq!(first_name("/a/{slug}/b/{n}"), Some(("/a/", "slug", "/b/{n}")));
        assert_eq!(first_name("/a"), None);
        let page = r#"<a href="/s/x/1/y">a</a><a href="/s/x/1?z">b</a><a href="/s/x/2">c</a><a href="/s/x/3">d</a><a href="/t/x/4">"#;
        assert_eq!(linked(page, "/s/x/"), ["1", "2"]);
        assert_eq!(listed(r#"{"next": null, "items": [{"id": "a", "slug": "b"}, {"id": "c"}]}"#, "slug"), ["b", "c"]);
        assert_eq!(listed("[2025, 2026, 2027]", "year"), ["2025", "2026"]);
        assert_eq!(listed("<html>", "id"), Vec::<String>::new());
    }
}
