//! What people do with items: one that is written by hand, and judging. Each act in the caller's transaction with its entry in the audit. What
//! is listened to, and for whom, is in `listen`.

use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::intake;
use super::judge::{self, Judgement, Judging, wrong};
use super::parse::{EXCERPT, Entry, TITLE, text};
use super::store::items::{self, Stands};
use super::store::{self, search, sources};
use super::{Item, link};
use crate::accounts::tokens::desk::Acting;
use crate::audit::{self, Act, Entry as Audited};
use crate::clock::Instant;
use crate::config::Media;
use crate::plancon::PlanError;
use crate::refused::Refused;

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
        return Err(Refused::Conflict("this item is there: the same address with the same words".into()).into());
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
    store::judging(&mut *conn).await?;
    let stands = held(&mut *conn, id, asked.revision).await?;
    done(conn, by, (id, &stands), (&judgement, false)).await
}

/// Takes the last act on an item back. A clipping that was closed stays as it was.
///
/// # Errors
/// `NotFound`; `Conflict` when there is nothing to take back, or somebody judged it meanwhile.
pub async fn take_back(conn: &mut PgConnection, by: Acting<'_>, id: Uuid, revision: i32) -> Result<(), PlanError> {
    store::judging(&mut *conn).await?;
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
