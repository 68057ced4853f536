//! Which parts of the work a process does. All by default; several processes on one database may share them (docs/cluster.md).

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::Config;
use crate::units::{UnknownWord, vocabulary};

vocabulary! {
    /// A part of the work.
    NodeRole, "role" {
        /// Lets readings in: devices, brokers, readings over HTTP, and what is asked of others (feeds, calendars, sources of the press).
        Ingest = "ingest",
        /// Judges by the rules, and does what falls due by the clock.
        Evaluate = "evaluate",
        /// Sends: SMS, letters, webhooks, sirens.
        Dispatch = "dispatch",
        /// Answers people and programs: pages, API, feeds, live events.
        Web = "web",
    }
}

/// The roles of a process: at least one.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "Vec<String>")]
pub struct Roles(BTreeSet<NodeRole>);

impl TryFrom<Vec<String>> for Roles {
    type Error = String;

    fn try_from(words: Vec<String>) -> Result<Self, String> {
        let words = words.iter().map(|word| word.trim()).filter(|word| !word.is_empty());
        let roles: Result<BTreeSet<NodeRole>, UnknownWord> = words.map(str::parse::<NodeRole>).collect();
        let roles = roles.map_err(|unknown| unknown.to_string())?;
        if roles.is_empty() {
            return Err(
                "a process without a role does nothing; expected some of ingest, evaluate, dispatch, web".into()
            );
        }
        Ok(Self(roles))
    }
}

impl Roles {
    pub fn has(&self, role: NodeRole) -> bool {
        self.0.contains(&role)
    }

    pub fn are_all(&self) -> bool {
        self.0.len() == NodeRole::ALL.len()
    }

    pub fn iter(&self) -> impl Iterator<Item = NodeRole> {
        self.0.iter().copied()
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = self.iter().map(NodeRole::as_str).collect();
        f.write_str(&words.join(", "))
    }
}

impl Config {
    /// What must hold between the roles, the name and the database.
    pub(super) fn check_node(&self, expect: &mut impl FnMut(bool, &str, &str, &str)) {
        // One process keeps the private database to itself: what it does not do is done by nobody.
        let is_shared = !self.database.url.is_empty();
        let expected = "all of them, or a `database.url` that other processes share";
        expect(is_shared || self.roles.are_all(), "roles", &self.roles.to_string(), expected);
        let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let is_name = self.node.len() <= 64 && self.node.bytes().all(is_of_name);
        let expected = "at most 64 letters, digits, `.`, `_` or `-`; or nothing, for the host's name";
        expect(is_name, "node", &self.node, expected);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &[&str]) -> Result<Roles, String> {
        Roles::try_from(words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn roles_are_a_set_of_known_words_and_never_empty() {
        let some = of(&["web", " ingest", "web"]).unwrap();
        assert_eq!(some.to_string(), "ingest, web");
        assert!(some.has(NodeRole::Web) && !some.has(NodeRole::Evaluate) && !some.are_all());
        assert!(of(&["ingest", "evaluate", "dispatch", "web"]).unwrap().are_all());
        assert!(of(&["judge"]).unwrap_err().contains("evaluate"));
        for nothing in [&[][..], &[""]] {
            assert!(of(nothing).unwrap_err().contains("without a role"));
        }
    }
}
