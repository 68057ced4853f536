//! What is listened to, and for whom: sources, rules and subscribers. Each act in the caller's transaction with its entry in the audit.

use serde_json::{Value, json};
use sqlx::PgConnection;
use url::Url;
use uuid::Uuid;

use super::intake::Rules;
use super::judge::{self, wrong};
use super::query::{Query, Story};
use super::store::{self, items, sources};
use super::{MOST_RULES, MOST_SOURCES, MOST_SUBSCRIBERS, Rule, Source, SourceKind, Subscriber, link};
use crate::accounts::manage::is_email;
use crate::accounts::tokens::desk::Acting;
use crate::audit::{self, Act, Entry as Audited};
use crate::i18n::Lang;
use crate::plancon::PlanError;
use crate::refused::{FieldError, Refused};

/// Items that a new rule is held against.
const LOOKED_BACK: i64 = 5000;
const EVERY: std::ops::RangeInclusive<i32> = 300..=86_400;

/// A source to follow.
#[derive(Clone, Debug)]
pub struct NewSource<'a> {
    pub name: &'a str,
    pub kind: &'a str,
    pub url: &'a str,
    pub every_s: i32,
}

fn line(problems: &mut Vec<FieldError>, field: &str, value: &str, (least, most): (usize, usize)) {
    crate::exercises::plan::text(problems, field, value, least, most, true);
}

fn address(problems: &mut Vec<FieldError>, kind: Option<SourceKind>, url: &str) {
    match (kind, Url::parse(url)) {
        (Some(SourceKind::Hand), _) if url.is_empty() => {}
        (Some(SourceKind::Hand), _) => problems.push(wrong("url", url, "expected none for what people write down")),
        (_, Ok(parsed))
            if matches!(parsed.scheme(), "http" | "https")
                && parsed.username().is_empty()
                && parsed.password().is_none()
                && url.len() <= link::MOST => {}
        _ => problems.push(wrong("url", url, "expected an http:// or https:// address without name and password")),
    }
}

/// The kind, once everything fits.
fn kind_of(new: &NewSource<'_>) -> Result<SourceKind, PlanError> {
    let mut problems = Vec::new();
    line(&mut problems, "name", new.name.trim(), (1, 120));
    let kind = match new.kind.parse::<SourceKind>() {
        Ok(kind) => Some(kind),
        Err(error) => {
            problems.push(wrong("kind", new.kind, error.to_string()));
            None
        }
    };
    address(&mut problems, kind, new.url.trim());
    if !EVERY.contains(&new.every_s) {
        problems.push(wrong("every_s", &new.every_s.to_string(), "expected 300 to 86400 seconds"));
    }
    kind.filter(|_| problems.is_empty()).ok_or(PlanError::Wrong(problems))
}

/// # Errors
/// `Conflict` when another source has the name or the address.
fn alone(known: &[Source], id: Option<Uuid>, new: &NewSource<'_>) -> Result<(), Refused> {
    let (name, url) = (new.name.trim().to_lowercase(), new.url.trim());
    let is_same =
        |one: &&Source| Some(one.id) != id && (one.name.to_lowercase() == name || (!url.is_empty() && one.url == url));
    match known.iter().find(is_same) {
        Some(same) => Err(Refused::Conflict(format!("{} has this name or address", same.name))),
        None => Ok(()),
    }
}

/// # Errors
/// `Wrong` with every field; `Conflict` for a name or address that is followed, and at the bound.
pub async fn add_source(conn: &mut PgConnection, by: Acting<'_>, new: NewSource<'_>) -> Result<Uuid, PlanError> {
    let kind = kind_of(&new)?;
    let (name, url) = (new.name.trim(), new.url.trim());
    store::lock(&mut *conn).await?;
    let known = sources::all(&mut *conn).await?;
    alone(&known, None, &new)?;
    if known.len() >= MOST_SOURCES {
        return Err(Refused::Conflict(format!("{MOST_SOURCES} sources are followed, which is the most")).into());
    }
    let id = by.ids.uuid(by.now);
    sources::insert(&mut *conn, id, (name, kind.as_str(), url, new.every_s), (by.now, &by.actor.name)).await?;
    let entry = Audited::new(Act::MediaSource, "media_source", id).to(told(name, kind.as_str(), url, new.every_s));
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(id)
}

fn told(name: &str, kind: &str, url: &str, every_s: i32) -> Value {
    json!({ "name": name, "kind": kind, "url": url, "every_s": every_s })
}

/// Changes a source; its items stay. One whose address is another is asked at the next look, as if nothing had been answered yet.
///
/// # Errors
/// `Wrong` with every field; `NotFound`; `Conflict` for a name or address that is followed, and when somebody changed it meanwhile.
pub async fn change_source(
    conn: &mut PgConnection,
    by: Acting<'_>,
    (id, revision): (Uuid, i32),
    new: NewSource<'_>,
) -> Result<(), PlanError> {
    let kind = kind_of(&new)?;
    let (name, url) = (new.name.trim(), new.url.trim());
    store::lock(&mut *conn).await?;
    let known = sources::all(&mut *conn).await?;
    let before = known.iter().find(|one| one.id == id).ok_or_else(|| Refused::NotFound(format!("source {id}")))?;
    if before.revision != revision {
        return Err(Refused::Conflict(format!("it changed meanwhile: revision {} now", before.revision)).into());
    }
    alone(&known, Some(id), &new)?;
    sources::change(&mut *conn, id, (name, kind.as_str(), url, new.every_s), by.now).await?;
    let entry = Audited::new(Act::MediaSource, "media_source", id)
        .from(told(&before.name, &before.kind, &before.url, before.every_s))
        .to(told(name, kind.as_str(), url, new.every_s));
    Ok(audit::record(conn, by.ids, by.now, by.actor, entry).await?)
}

/// What is done to a source, a rule or a subscriber by its id alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Its items stay.
    RemoveSource,
    /// The worker asks it at its next look.
    Ask,
    /// It is asked no more until it goes on.
    Pause,
    /// It is asked again, at the next look.
    Resume,
    /// What it fitted stays.
    RemoveRule,
    /// The address is forgotten.
    Unsubscribe,
}

/// Does it.
///
/// # Errors
/// `NotFound`; `Conflict` when a source rests already, or does not.
pub async fn perform(conn: &mut PgConnection, by: Acting<'_>, task: Task, id: Uuid) -> Result<(), Refused> {
    let whom = (by.now, by.actor.name.as_str());
    let is_done = match task {
        Task::RemoveSource => sources::remove(&mut *conn, id, whom).await?,
        Task::Ask => sources::ask_now(&mut *conn, id, by.now).await?,
        Task::Pause => sources::pause(&mut *conn, id, whom).await?,
        Task::Resume => sources::resume(&mut *conn, id, by.now).await?,
        Task::RemoveRule => sources::remove_rule(&mut *conn, id, whom).await?,
        Task::Unsubscribe => sources::remove_subscriber(&mut *conn, id, by.now).await?,
    };
    if !is_done {
        return Err(not_done(&mut *conn, task, id).await?);
    }
    let (act, kind, after) = match task {
        // It changes nothing that stays.
        Task::Ask => return Ok(()),
        Task::RemoveSource => (Act::MediaSource, "media_source", json!({ "removed": true })),
        Task::Pause => (Act::MediaSource, "media_source", json!({ "paused": true })),
        Task::Resume => (Act::MediaSource, "media_source", json!({ "paused": false })),
        Task::RemoveRule => (Act::MediaRule, "media_rule", json!({ "removed": true })),
        Task::Unsubscribe => (Act::MediaSubscriber, "media_subscriber", json!({ "removed": true })),
    };
    audit::record(conn, by.ids, by.now, by.actor, Audited::new(act, kind, id).to(after)).await?;
    Ok(())
}

/// Why a task found nothing to do.
async fn not_done(conn: &mut PgConnection, task: Task, id: Uuid) -> sqlx::Result<Refused> {
    let is_there = match task {
        Task::Pause | Task::Resume => sources::all(conn).await?.iter().any(|one| one.id == id && one.due_at.is_some()),
        _ => false,
    };
    Ok(match task {
        Task::Pause if is_there => Refused::Conflict("the source is paused already".into()),
        Task::Resume if is_there => Refused::Conflict("the source is not paused".into()),
        Task::RemoveRule => Refused::NotFound(format!("rule {id}")),
        Task::Unsubscribe => Refused::NotFound(format!("subscriber {id}")),
        _ => Refused::NotFound(format!("source {id}")),
    })
}

/// A rule to hold items against.
#[derive(Clone, Debug)]
pub struct NewRule<'a> {
    pub name: &'a str,
    pub query: &'a str,
    pub source_id: Option<Uuid>,
    pub theme: &'a str,
}

/// Adds a rule, and makes candidates of the newest items that it fits.
///
/// # Errors
/// `Wrong` with every field, of the rule with its column; `Conflict` at the bound.
pub async fn add_rule(conn: &mut PgConnection, by: Acting<'_>, new: NewRule<'_>) -> Result<Rule, PlanError> {
    let (name, query, theme) = (new.name.trim(), new.query, new.theme.trim().to_lowercase());
    let mut problems = Vec::new();
    line(&mut problems, "name", name, (1, 120));
    line(&mut problems, "theme", &theme, (0, judge::THEME));
    let parsed = Query::parse(query).map_err(|fault| problems.push(wrong("query", query, fault.to_string())));
    store::lock(&mut *conn).await?;
    let known = sources::all(&mut *conn).await?;
    let source = new.source_id.map(|id| known.iter().find(|one| one.id == id).ok_or(id));
    if let Some(Err(id)) = source {
        problems.push(wrong("source_id", &id.to_string(), "expected a source that is followed"));
    }
    if !problems.is_empty() || parsed.is_err() {
        return Err(PlanError::Wrong(problems));
    }
    if sources::rules(&mut *conn).await?.len() >= MOST_RULES {
        return Err(Refused::Conflict(format!("there are {MOST_RULES} rules, which is the most")).into());
    }
    let rule = Rule {
        id: by.ids.uuid(by.now),
        name: name.into(),
        query: query.into(),
        source_id: new.source_id,
        source: source.and_then(Result::ok).map(|one| one.name.clone()),
        theme,
    };
    sources::insert_rule(&mut *conn, &rule, (by.now, &by.actor.name)).await?;
    let alone = Rules::of(vec![rule.clone()]);
    let fits: Vec<Uuid> = items::newest(&mut *conn, LOOKED_BACK)
        .await?
        .iter()
        .filter(|item| !alone.fit(item.source_id, &Story::of(&item.title, &item.excerpt)).is_empty())
        .map(|item| item.id)
        .collect();
    items::matched(&mut *conn, rule.id, &fits).await?;
    let entry = Audited::new(Act::MediaRule, "media_rule", rule.id)
        .to(json!({ "name": name, "query": query, "source": rule.source, "theme": rule.theme, "fits": fits.len() }));
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(rule)
}

/// # Errors
/// `Wrong` with the field; `Conflict` for an address that is on the list, and at the bound.
pub async fn subscribe(
    conn: &mut PgConnection,
    by: Acting<'_>,
    (name, email, language): (&str, &str, Lang),
) -> Result<Subscriber, PlanError> {
    let (name, email) = (name.trim(), email.trim());
    let mut problems = Vec::new();
    line(&mut problems, "name", name, (1, 120));
    if !is_email(email) {
        problems.push(wrong("email", email, "expected an e-mail address"));
    }
    if !problems.is_empty() {
        return Err(PlanError::Wrong(problems));
    }
    store::lock(&mut *conn).await?;
    let known = sources::subscribers(&mut *conn).await?;
    if known.iter().any(|one| one.email.eq_ignore_ascii_case(email)) {
        return Err(Refused::Conflict(format!("{email} is on the list")).into());
    }
    if known.len() >= MOST_SUBSCRIBERS {
        return Err(Refused::Conflict(format!("the list has {MOST_SUBSCRIBERS} addresses, which is the most")).into());
    }
    let id = by.ids.uuid(by.now);
    let one = Subscriber { id, name: name.into(), email: email.into(), language: language.tag().into() };
    sources::insert_subscriber(&mut *conn, &one, (by.now, &by.actor.name)).await?;
    // The address of a person stays out of the audit.
    let entry = Audited::new(Act::MediaSubscriber, "media_subscriber", id).to(json!({ "name": name }));
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_keeps_its_own_name_and_address_and_takes_no_other() {
        let one = |id: u128, name: &str, url: &str| Source {
            id: Uuid::from_u128(id),
            name: name.into(),
            kind: "feed".into(),
            url: url.into(),
            every_s: 900,
            revision: 1,
            paused_at: None,
            due_at: None,
            asked_at: None,
            answered_at: None,
            changed_at: None,
            failures: 0,
            error: String::new(),
            error_kind: String::new(),
            items: 0,
            new_items: 0,
            problems: 0,
            problem: String::new(),
        };
        let known = [one(1, "Jornal", "https://jornal.example/rss"), one(2, "Rádio", "")];
        let new = |name, url| NewSource { name, kind: "feed", url, every_s: 900 };
        let same = new("jornal ", "https://jornal.example/rss");
        assert!(alone(&known, Some(Uuid::from_u128(1)), &same).is_ok(), "its own");
        assert!(alone(&known, None, &same).is_err());
        assert!(alone(&known, Some(Uuid::from_u128(2)), &new("Outra", "https://jornal.example/rss")).is_err());
        assert!(alone(&known, None, &new("TV", "")).is_ok(), "two without an address differ");
    }
}
