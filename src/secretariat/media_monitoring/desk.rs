//! What people do: sources, rules and subscribers, an item written by hand, and judging. Each act in the caller's transaction with its entry
//! in the audit.

use serde_json::json;
use sqlx::PgConnection;
use url::Url;
use uuid::Uuid;

use super::intake::{self, Rules};
use super::judge::{self, Judgement, Judging, wrong};
use super::parse::{EXCERPT, Entry, TITLE, text};
use super::query::{Query, Story};
use super::store::items::{self, Stands};
use super::store::{self, search, sources};
use super::{Item, MOST_RULES, MOST_SOURCES, MOST_SUBSCRIBERS, Rule, Source, SourceKind, Subscriber, link};
use crate::accounts::manage::is_email;
use crate::accounts::tokens::desk::Acting;
use crate::audit::{self, Act, Entry as Audited};
use crate::clock::Instant;
use crate::config::Media;
use crate::i18n::Lang;
use crate::plancon::PlanError;
use crate::refused::Refused;
use crate::web::error::FieldError;

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

/// # Errors
/// `Wrong` with every field; `Conflict` for a name or address that is followed, and at the bound.
pub async fn add_source(conn: &mut PgConnection, by: Acting<'_>, new: NewSource<'_>) -> Result<Uuid, PlanError> {
    let (name, url) = (new.name.trim(), new.url.trim());
    let mut problems = Vec::new();
    line(&mut problems, "name", name, (1, 120));
    let kind = match new.kind.parse::<SourceKind>() {
        Ok(kind) => Some(kind),
        Err(error) => {
            problems.push(wrong("kind", new.kind, error.to_string()));
            None
        }
    };
    address(&mut problems, kind, url);
    if !EVERY.contains(&new.every_s) {
        problems.push(wrong("every_s", &new.every_s.to_string(), "expected 300 to 86400 seconds"));
    }
    let Some(kind) = kind.filter(|_| problems.is_empty()) else { return Err(PlanError::Wrong(problems)) };
    store::lock(&mut *conn).await?;
    let known = sources::all(&mut *conn).await?;
    let is_same = |one: &&Source| one.name.to_lowercase() == name.to_lowercase() || (!url.is_empty() && one.url == url);
    if let Some(same) = known.iter().find(is_same) {
        return Err(Refused::Conflict(format!("{} has this name or address", same.name)).into());
    }
    if known.len() >= MOST_SOURCES {
        return Err(Refused::Conflict(format!("{MOST_SOURCES} sources are followed, which is the most")).into());
    }
    let id = by.ids.uuid(by.now);
    sources::insert(&mut *conn, id, (name, kind.as_str(), url, new.every_s), (by.now, &by.actor.name)).await?;
    let entry =
        Audited::new(Act::MediaSource, "media_source", id).to(json!({ "name": name, "kind": kind, "url": url }));
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(id)
}

/// Its items stay.
///
/// # Errors
/// `NotFound`.
pub async fn remove_source(conn: &mut PgConnection, by: Acting<'_>, id: Uuid) -> Result<(), Refused> {
    if !sources::remove(&mut *conn, id, (by.now, &by.actor.name)).await? {
        return Err(Refused::NotFound(format!("source {id}")));
    }
    let entry = Audited::new(Act::MediaSource, "media_source", id).to(json!({ "removed": true }));
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(())
}

/// The worker asks it at its next look.
///
/// # Errors
/// `NotFound` for none that is asked.
pub async fn ask_source(conn: &mut PgConnection, by: Acting<'_>, id: Uuid) -> Result<(), Refused> {
    if sources::ask_now(conn, id, by.now).await? { Ok(()) } else { Err(Refused::NotFound(format!("source {id}"))) }
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

/// What it fitted stays.
///
/// # Errors
/// `NotFound`.
pub async fn remove_rule(conn: &mut PgConnection, by: Acting<'_>, id: Uuid) -> Result<(), Refused> {
    if !sources::remove_rule(&mut *conn, id, (by.now, &by.actor.name)).await? {
        return Err(Refused::NotFound(format!("rule {id}")));
    }
    let entry = Audited::new(Act::MediaRule, "media_rule", id).to(json!({ "removed": true }));
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(())
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

/// # Errors
/// `NotFound`.
pub async fn unsubscribe(conn: &mut PgConnection, by: Acting<'_>, id: Uuid) -> Result<(), Refused> {
    if !sources::remove_subscriber(&mut *conn, id, by.now).await? {
        return Err(Refused::NotFound(format!("subscriber {id}")));
    }
    let entry = Audited::new(Act::MediaSubscriber, "media_subscriber", id).to(json!({ "removed": true }));
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(())
}

/// What somebody heard, read or pasted.
#[derive(Clone, Debug)]
pub struct ByHand<'a> {
    pub source_id: Uuid,
    pub title: &'a str,
    pub excerpt: &'a str,
    pub link: &'a str,
    pub published_at: Option<Instant>,
}

/// Keeps an item as if a feed had told it.
///
/// # Errors
/// `Wrong` with every field; `Conflict` when it is there.
pub async fn write_down(
    conn: &mut PgConnection,
    by: Acting<'_>,
    config: &Media,
    new: ByHand<'_>,
) -> Result<Uuid, PlanError> {
    let mut problems = Vec::new();
    if !sources::all(&mut *conn).await?.iter().any(|one| one.id == new.source_id) {
        problems.push(wrong("source_id", &new.source_id.to_string(), "expected a source that is followed"));
    }
    let title = text::from_html(new.title, TITLE);
    if title.is_empty() {
        problems.push(wrong("title", new.title, format!("expected 1 to {TITLE} characters")));
    }
    if new.excerpt.chars().count() > EXCERPT {
        problems.push(wrong(
            "excerpt",
            new.excerpt,
            format!("expected at most {EXCERPT} characters: an excerpt, not the text"),
        ));
    }
    let given = new.link.trim();
    let link = link::normalised(given, None);
    if link.is_none() && !given.is_empty() {
        problems.push(wrong("link", given, "expected an http:// or https:// address, or none"));
    }
    if new.published_at.is_some_and(|at| at > by.now) {
        problems.push(wrong("published_at", "", "expected a time that has been"));
    }
    let oldest = by.now - chrono::TimeDelta::days(config.item_days.into());
    if new.published_at.is_some_and(|at| at < oldest) {
        problems.push(wrong(
            "published_at",
            "",
            format!("expected at most {} days ago: older items are not kept", config.item_days),
        ));
    }
    if !problems.is_empty() {
        return Err(PlanError::Wrong(problems));
    }
    let entry = Entry {
        guid: by.ids.uuid(by.now).to_string(),
        link: link.unwrap_or_default(),
        title,
        excerpt: text::from_html(new.excerpt, EXCERPT),
        published_at: new.published_at,
    };
    let taken = intake::take(&mut *conn, by, config, (new.source_id, &[entry])).await?;
    let Some(id) = taken.new.first().copied() else {
        return Err(Refused::Conflict("an item of this address is there".into()).into());
    };
    let entry = Audited::new(Act::MediaItem, "media_item", id).to(json!({ "by_hand": true, "source": new.source_id }));
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(id)
}

async fn held(conn: &mut PgConnection, id: Uuid, revision: i32) -> Result<Stands, PlanError> {
    let stands = items::held(conn, id).await?.ok_or_else(|| Refused::NotFound(format!("item {id}")))?;
    if stands.revision != revision {
        return Err(Refused::Conflict(format!("somebody has judged it meanwhile: revision {}", stands.revision)).into());
    }
    Ok(stands)
}

/// Selects or dismisses an item.
///
/// # Errors
/// `Wrong` with every field; `NotFound`; `Conflict` when somebody judged it meanwhile.
pub async fn judge(conn: &mut PgConnection, by: Acting<'_>, id: Uuid, asked: &Judging) -> Result<(), PlanError> {
    let judgement = judge::judged(asked).map_err(PlanError::Wrong)?;
    let stands = held(&mut *conn, id, asked.revision).await?;
    done(conn, by, (id, &stands), (&judgement, false)).await
}

/// Takes the last act on an item back. A clipping that was closed stays as it was.
///
/// # Errors
/// `NotFound`; `Conflict` when there is nothing to take back, or somebody judged it meanwhile.
pub async fn take_back(conn: &mut PgConnection, by: Acting<'_>, id: Uuid, revision: i32) -> Result<(), PlanError> {
    let stands = held(&mut *conn, id, revision).await?;
    let acts = items::acts(&mut *conn, id).await?;
    let before = acts.into_iter().find(|act| act.seq == revision - 1).map(|act| act.judgement);
    let Some(judgement) = judge::taken_back(revision, before, stands.by_rules) else {
        return Err(Refused::Conflict("there is nothing to take back".into()).into());
    };
    done(conn, by, (id, &stands), (&judgement, true)).await
}

async fn done(
    conn: &mut PgConnection,
    by: Acting<'_>,
    (id, stands): (Uuid, &Stands),
    (judgement, is_undo): (&Judgement, bool),
) -> Result<(), PlanError> {
    items::judge(&mut *conn, (id, stands.revision + 1), (judgement, is_undo), (by.now, &by.actor.name)).await?;
    let told = |of: &Judgement| json!({ "state": of.state, "tone": of.tone, "theme": of.theme });
    let entry = Audited::new(Act::MediaItem, "media_item", id).from(told(&stands.judgement)).to(told(judgement));
    let entry = if is_undo { entry.because("taken back") } else { entry };
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(())
}

/// An item, what people did with it, and what repeats it.
///
/// # Errors
/// `NotFound`.
pub async fn show(conn: &mut PgConnection, id: Uuid) -> Result<(Item, Vec<super::Act>, Vec<Item>), Refused> {
    let item = search::rows(&mut *conn, &[id]).await?.pop().ok_or_else(|| Refused::NotFound(format!("item {id}")))?;
    let acts = items::acts(&mut *conn, id).await?;
    let repeats = search::repeats(conn, item.first_id, 100).await?.into_iter().filter(|one| one.id != id).collect();
    Ok((item, acts, repeats))
}
