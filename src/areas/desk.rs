//! Acts on areas, each a version and an entry in the audit, for the API and the pages alike.

use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::store::{self, Put};
use super::{Change, Content, Origin, Standing, Version, When};
use crate::accounts::tokens::desk::Acting;
use crate::audit::{self, Act, Entry};
use crate::events::{self, Event};
use crate::stations::is_code;

/// Letters of a reason.
pub const MAX_REASON: usize = 2_000;
/// How far ahead a change may be planned.
const MOST_AHEAD: TimeDelta = TimeDelta::days(5 * 366);

#[derive(Debug, thiserror::Error)]
pub enum AreaError {
    #[error("{0}")]
    NotFound(String),
    /// The field that is wrong, its value, and what was expected.
    #[error("{field}: {message}")]
    Wrong { field: &'static str, value: String, message: String },
    /// Somebody was quicker.
    #[error("area {code} stands at version {now} meanwhile, and {expected} was changed")]
    Moved { code: String, expected: i32, now: i32 },
    /// Something stands on the area, and nobody said that this is known.
    #[error("{}", standing_words(.0))]
    Standing(Vec<Standing>),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// "A (a): alert 3/2026, incident 1/2026".
pub fn standing_words(standing: &[Standing]) -> String {
    let shown: Vec<String> = standing
        .iter()
        .take(20)
        .map(|one| format!("{} ({}): {} {}", one.name, one.code, one.kind, one.number))
        .collect();
    let more = standing.len().saturating_sub(shown.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("something stands on these areas, so the change has to be confirmed: {}{more}", shown.join("; "))
}

fn wrong(field: &'static str, value: impl ToString, message: impl Into<String>) -> AreaError {
    AreaError::Wrong { field, value: value.to_string(), message: message.into() }
}

/// How sure whoever asks is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Care {
    /// The version that was in force when the change was begun, 0 for none; it must still be.
    pub base: Option<i32>,
    /// What stands on the area is known.
    pub confirmed: bool,
}

/// Makes a change: now, planned, or as a draft.
///
/// # Errors
/// `Wrong`, `Moved`, `Standing`; then nothing was stored.
pub async fn change(conn: &mut PgConnection, by: Acting<'_>, change: Change, care: Care) -> Result<Put, AreaError> {
    check(&change, by)?;
    if let Some(reason) = store::check_shape(conn, &change.content.wkb).await? {
        return Err(wrong("geometry", "", reason));
    }
    // What is looked at here must still stand when it is written.
    store::lock(conn, &change.code).await?;
    store::record_present(conn, &change.code).await?;
    let before = store::in_force(conn, &change.code).await?;
    guard(conn, &change, before.as_ref(), care).await?;
    let put = store::put(conn, by.now, &by.actor.name, &change).await?;
    if let Some(number) = put.number() {
        if change.when == When::Now {
            // What is planned on the old ground is told by `guard`; what stands on the map changes now.
            events::notify(conn, &Event::Catalogue).await?;
        }
        let act = match change.origin {
            Origin::Retire => Act::AreaRetire,
            Origin::Restore => Act::AreaRestore,
            _ => Act::AreaChange,
        };
        let entry = Entry::new(act, "area", &change.code).because(&change.reason);
        let entry = Entry { before: before.as_ref().map(said), ..entry.to(will_be(&change, number)) };
        audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    }
    Ok(put)
}

fn said(version: &Version) -> Value {
    json!({ "version": version.number, "name": version.name, "hazards": version.hazards, "retired": version.retired,
            "area_km2": version.area_km2 })
}

fn will_be(change: &Change, number: i32) -> Value {
    let when = match change.when {
        When::Now => json!("now"),
        When::Draft => json!("draft"),
        When::At(at) => json!(at),
    };
    json!({ "version": number, "name": change.content.name, "hazards": change.content.hazards,
            "retired": change.content.retired, "when": when, "origin": change.origin })
}

fn check(change: &Change, by: Acting<'_>) -> Result<(), AreaError> {
    if !is_code(&change.code) {
        return Err(wrong(
            "code",
            &change.code,
            "expected 1 to 64 letters, digits, `_`, `.`, `:` or `-`, without accents or spaces",
        ));
    }
    let name = change.content.name.trim();
    if name.is_empty() || name.chars().count() > 200 || name.chars().any(char::is_control) {
        return Err(wrong("name", name, "expected 1 to 200 characters"));
    }
    if change.content.hazards.is_empty() && !change.content.retired {
        return Err(wrong("hazards", "{}", "expected at least one hazard with its grade"));
    }
    reason_of(&change.reason)?;
    if let When::At(at) = change.when
        && (at <= by.now || at - by.now > MOST_AHEAD)
    {
        return Err(wrong("from", at.to_rfc3339(), "expected an instant to come, within five years"));
    }
    Ok(())
}

/// A reason that says something.
///
/// # Errors
/// `Wrong` when it is empty or too long.
pub fn reason_of(reason: &str) -> Result<&str, AreaError> {
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > MAX_REASON {
        return Err(wrong("reason", reason, format!("expected 1 to {MAX_REASON} characters")));
    }
    Ok(reason)
}

/// Refuses what was begun on another version, and what changes the ground under an alert unless that is said to be known. A draft
/// changes nothing, and a new name moves nobody.
async fn guard(
    conn: &mut PgConnection,
    change: &Change,
    before: Option<&Version>,
    care: Care,
) -> Result<(), AreaError> {
    let now = before.map_or(0, |version| version.number);
    if let Some(expected) = care.base.filter(|expected| *expected != now) {
        return Err(AreaError::Moved { code: change.code.clone(), expected, now });
    }
    let Some(before) = before.filter(|_| !care.confirmed && change.when != When::Draft) else { return Ok(()) };
    let was = store::content(conn, &change.code, before.number).await?;
    if was.is_some_and(|was| !moves_ground(&was, &change.content)) {
        return Ok(());
    }
    match store::standing(conn, std::slice::from_ref(&change.code)).await? {
        standing if standing.is_empty() => Ok(()),
        standing => Err(AreaError::Standing(standing)),
    }
}

/// Whether somebody may be in or out, or judged otherwise, by it.
pub fn moves_ground(before: &Content, after: &Content) -> bool {
    before.wkb != after.wkb || before.hazards != after.hazards || before.retired != after.retired
}

async fn present(conn: &mut PgConnection, code: &str) -> Result<Version, AreaError> {
    store::lock(conn, code).await?;
    store::record_present(conn, code).await?;
    store::in_force(conn, code).await?.ok_or_else(|| AreaError::NotFound(format!("area {code:?}")))
}

async fn content_of(conn: &mut PgConnection, code: &str, number: i32) -> Result<Content, AreaError> {
    let content = store::content(conn, code, number).await?;
    content.ok_or_else(|| AreaError::NotFound(format!("version {number} of area {code:?}")))
}

/// Takes an area out of service. It can come back as any of its versions.
///
/// # Errors
/// `NotFound`; as [`change`].
pub async fn retire(
    conn: &mut PgConnection,
    by: Acting<'_>,
    code: &str,
    (reason, when): (&str, When),
    care: Care,
) -> Result<Put, AreaError> {
    let version = present(conn, code).await?;
    if version.retired {
        return Err(AreaError::NotFound(format!("area {code:?} in service")));
    }
    let content = Content { retired: true, ..content_of(conn, code, version.number).await? };
    let wish = Change {
        code: code.to_owned(),
        content,
        origin: Origin::Retire,
        origin_detail: json!({}),
        reason: reason.trim().to_owned(),
        when,
    };
    change(conn, by, wish, care).await
}

/// Makes an area as one of its versions says, bit by bit. The version of a retirement gives back the area it took away.
///
/// # Errors
/// `NotFound`; as [`change`].
pub async fn restore(
    conn: &mut PgConnection,
    by: Acting<'_>,
    (code, number): (&str, i32),
    (reason, when): (&str, When),
    care: Care,
) -> Result<Put, AreaError> {
    let content = Content { retired: false, ..content_of(conn, code, number).await? };
    let wish = Change {
        code: code.to_owned(),
        content,
        origin: Origin::Restore,
        origin_detail: json!({ "version": number }),
        reason: reason.trim().to_owned(),
        when,
    };
    change(conn, by, wish, care).await
}

/// Lets a draft, or what is planned for a day to come, take force now.
///
/// # Errors
/// `NotFound` when it does not wait; `Moved`, `Standing`.
pub async fn enforce(
    conn: &mut PgConnection,
    by: Acting<'_>,
    (code, number): (&str, i32),
    care: Care,
) -> Result<(), AreaError> {
    let gone = || AreaError::NotFound(format!("version {number} of area {code:?} that waits"));
    // Whoever waited for another to enforce it finds that it waits no more.
    store::lock(conn, code).await?;
    let waits = store::version(conn, code, number).await?.filter(Version::is_waiting).ok_or_else(gone)?;
    let before = store::in_force(conn, code).await?;
    let wish = Change {
        code: code.to_owned(),
        content: content_of(conn, code, number).await?,
        origin: waits.origin,
        origin_detail: json!({}),
        reason: waits.reason.clone(),
        when: When::Now,
    };
    // That it is planned itself is no reason to ask.
    let asks = guard(conn, &wish, before.as_ref(), care).await;
    let own = |one: &Standing| one.kind == "planned" && one.number == number.to_string();
    match asks {
        Err(AreaError::Standing(standing)) if standing.iter().all(own) => {}
        other => other?,
    }
    if !store::take_force(conn, by.now, code, number).await? {
        return Err(gone());
    }
    events::notify(conn, &Event::Catalogue).await?;
    let entry = Entry::new(Act::AreaTakeForce, "area", code).because(&waits.reason).to(will_be(&wish, number));
    let entry = Entry { before: before.as_ref().map(said), ..entry };
    Ok(audit::record(conn, by.ids, by.now, by.actor, entry).await?)
}

/// Gives up a draft or a plan.
///
/// # Errors
/// `NotFound` when it does not wait.
pub async fn withdraw(
    conn: &mut PgConnection,
    by: Acting<'_>,
    (code, number): (&str, i32),
    reason: &str,
) -> Result<(), AreaError> {
    if !store::withdraw(conn, code, number).await? {
        return Err(AreaError::NotFound(format!("version {number} of area {code:?} that waits")));
    }
    let entry = Entry::new(Act::AreaWithdraw, "area", code).because(reason.trim()).to(json!({ "version": number }));
    Ok(audit::record(conn, by.ids, by.now, by.actor, entry).await?)
}
