//! Sources and rules as a file that is read back to the same bytes: what is listened to in one place is listened to in another. Subscribers are
//! not in it: whoever gets a clipping is put on the list of the place that sends it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::judge::wrong;
use super::listen::{self, NewRule, NewSource};
use super::store::{self, sources};
use super::{MOST_RULES, MOST_SOURCES, Rule, Source};
use crate::accounts::tokens::desk::Acting;
use crate::audit::{self, Act, Entry};
use crate::plancon::PlanError;
use crate::refused::Refused;
use crate::web::error::FieldError;

/// What the file says first.
pub const FORMAT: &str = "sentinela-media/1";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = MediaDefinitions)]
#[serde(deny_unknown_fields)]
pub struct File {
    pub format: String,
    /// By name.
    #[schema(max_items = 200)]
    pub sources: Vec<SourceGiven>,
    /// By name.
    #[schema(max_items = 200)]
    pub rules: Vec<RuleGiven>,
}

/// A source without how it does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = MediaSourceGiven)]
#[serde(deny_unknown_fields)]
pub struct SourceGiven {
    pub name: String,
    /// feed, gazette or hand.
    pub kind: String,
    pub url: String,
    pub every_s: i32,
    /// It rests and is not asked.
    pub paused: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = MediaRuleGiven)]
#[serde(deny_unknown_fields)]
pub struct RuleGiven {
    pub name: String,
    pub query: String,
    /// By name; none: of all sources.
    pub source: Option<String>,
    pub theme: String,
}

/// How much was new.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = MediaDefinitionsTaken)]
pub struct Taken {
    pub sources: usize,
    pub rules: usize,
}

impl From<&Source> for SourceGiven {
    fn from(one: &Source) -> Self {
        let paused = one.paused_at.is_some();
        Self { name: one.name.clone(), kind: one.kind.clone(), url: one.url.clone(), every_s: one.every_s, paused }
    }
}

impl From<&Rule> for RuleGiven {
    fn from(one: &Rule) -> Self {
        let (name, query) = (one.name.clone(), one.query.clone());
        Self { name, query, source: one.source.clone(), theme: one.theme.clone() }
    }
}

impl File {
    /// A rule whose source is followed no more listens to nothing, and is left out.
    pub fn of(sources: &[Source], rules: &[Rule]) -> Self {
        let listens = |rule: &&Rule| rule.source_id.is_none_or(|id| sources.iter().any(|source| source.id == id));
        let mut rules: Vec<RuleGiven> = rules.iter().filter(listens).map(RuleGiven::from).collect();
        let mut sources: Vec<SourceGiven> = sources.iter().map(SourceGiven::from).collect();
        sources.sort();
        rules.sort();
        // Two that say the same do the same.
        rules.dedup();
        Self { format: FORMAT.into(), sources, rules }
    }

    /// The bytes of the file, the same for the same definitions.
    ///
    /// # Errors
    /// None for what this type holds.
    pub fn write(&self) -> serde_json::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// What is wrong with it as a whole; each source and rule is held against its bounds where it is added.
    pub fn problems(&self) -> Vec<FieldError> {
        let mut problems = Vec::new();
        if self.format != FORMAT {
            problems.push(wrong("format", &self.format, format!("expected {FORMAT}")));
        }
        if self.sources.len() > MOST_SOURCES || self.rules.len() > MOST_RULES {
            let expected = format!("expected at most {MOST_SOURCES} sources and {MOST_RULES} rules");
            problems.push(wrong("sources", "", expected));
        }
        let (mut names, mut rules) = (BTreeSet::new(), BTreeSet::new());
        for (at, one) in self.sources.iter().enumerate() {
            let is_kept = one.name.trim() == one.name && one.url.trim() == one.url;
            if !is_kept || !names.insert(one.name.to_lowercase()) {
                problems.push(wrong(&format!("sources[{at}].name"), &one.name, "expected each as it is kept, once"));
            }
        }
        for (at, one) in self.rules.iter().enumerate() {
            let is_kept = one.name.trim() == one.name && one.theme.trim().to_lowercase() == one.theme;
            if !is_kept || !rules.insert(one) {
                problems.push(wrong(&format!("rules[{at}].name"), &one.name, "expected each as it is kept, once"));
            }
        }
        problems
    }
}

/// # Errors
/// The database's.
pub async fn take_out(conn: &mut PgConnection) -> sqlx::Result<File> {
    let sources = sources::all(&mut *conn).await?;
    Ok(File::of(&sources, &sources::rules(conn).await?))
}

/// The same with the place in the file.
fn placed(error: PlanError, place: &str) -> PlanError {
    match error {
        PlanError::Wrong(all) => {
            let at = |fault: FieldError| FieldError { field: format!("{place}.{}", fault.field), ..fault };
            PlanError::Wrong(all.into_iter().map(at).collect())
        }
        PlanError::Refused(Refused::Conflict(why)) => Refused::Conflict(format!("{place}: {why}")).into(),
        other => other,
    }
}

/// Adds sources and rules that are not here yet, all or none. A source is asked at the next look, unless it rests.
///
/// # Errors
/// `Wrong` with the places; `Conflict` naming the source that is here and differs.
pub async fn take_in(conn: &mut PgConnection, by: Acting<'_>, file: &File) -> Result<Taken, PlanError> {
    let problems = file.problems();
    if !problems.is_empty() {
        return Err(PlanError::Wrong(problems));
    }
    store::lock(&mut *conn).await?;
    let taken =
        Taken { sources: add_sources(&mut *conn, by, file).await?, rules: add_rules(&mut *conn, by, file).await? };
    let entry = Entry::new(Act::MediaImport, "media_source", "file")
        .to(json!({ "sources": taken.sources, "rules": taken.rules }));
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(taken)
}

async fn add_sources(conn: &mut PgConnection, by: Acting<'_>, file: &File) -> Result<usize, PlanError> {
    let known = sources::all(&mut *conn).await?;
    let mut added = 0;
    for (at, one) in file.sources.iter().enumerate() {
        let place = format!("sources[{at}]");
        match known.iter().find(|known| known.name == one.name) {
            Some(same) if SourceGiven::from(same) == *one => continue,
            Some(other) => {
                return Err(Refused::Conflict(format!("{place}: {} is followed here and differs", other.name)).into());
            }
            None => {}
        }
        let new = NewSource { name: &one.name, kind: &one.kind, url: &one.url, every_s: one.every_s };
        let id = listen::add_source(&mut *conn, by, new).await.map_err(|error| placed(error, &place))?;
        if one.paused && !sources::pause(&mut *conn, id, (by.now, &by.actor.name)).await? {
            return Err(PlanError::Wrong(vec![wrong(
                &format!("{place}.paused"),
                "true",
                "expected a source that is asked",
            )]));
        }
        added += 1;
    }
    Ok(added)
}

/// The source of a rule by its name; none: it listens to all of them.
fn followed_id(followed: &[Source], name: Option<&String>, place: &str) -> Result<Option<Uuid>, PlanError> {
    let Some(name) = name else { return Ok(None) };
    let found = followed.iter().find(|source| source.name == *name).map(|source| source.id);
    let expected = "expected a source of the file, or one that is followed";
    let fault = || PlanError::Wrong(vec![wrong(&format!("{place}.source"), name, expected)]);
    found.map(Some).ok_or_else(fault)
}

async fn add_rules(conn: &mut PgConnection, by: Acting<'_>, file: &File) -> Result<usize, PlanError> {
    let known: BTreeSet<RuleGiven> = sources::rules(&mut *conn).await?.iter().map(RuleGiven::from).collect();
    let followed = sources::all(&mut *conn).await?;
    let mut added = 0;
    for (at, one) in file.rules.iter().enumerate().filter(|(_, one)| !known.contains(one)) {
        let place = format!("rules[{at}]");
        let source_id = followed_id(&followed, one.source.as_ref(), &place)?;
        let new = NewRule { name: &one.name, query: &one.query, source_id, theme: &one.theme };
        listen::add_rule(&mut *conn, by, new).await.map_err(|error| placed(error, &place))?;
        added += 1;
    }
    Ok(added)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(name: &str) -> SourceGiven {
        SourceGiven {
            name: name.into(),
            kind: "feed".into(),
            url: "https://jornal.example/rss".into(),
            every_s: 900,
            paused: false,
        }
    }

    #[test]
    fn what_stands_twice_or_is_not_as_it_is_kept_is_told_with_its_place() {
        let rule = RuleGiven { name: "Chuva".into(), query: "chuva".into(), source: None, theme: "Clima".into() };
        let file = File {
            format: "outra".into(),
            sources: vec![source("Jornal"), source("jornal"), source("TV ")],
            rules: vec![rule.clone(), RuleGiven { theme: "clima".into(), ..rule }],
        };
        let fields: Vec<String> = file.problems().into_iter().map(|one| one.field).collect();
        assert_eq!(fields, ["format", "sources[1].name", "sources[2].name", "rules[0].name"]);
    }
}
