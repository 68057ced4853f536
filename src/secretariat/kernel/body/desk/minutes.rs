//! Acts on minutes: drafted from the record, corrected, approved, published.

use chrono_tz::Tz;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;

use super::first;
use super::meetings::{counted, hold, label, record};
use crate::accounts::tokens::desk::Acting;
use crate::audit::{self, Act, Entry};
use crate::exercises::plan::text;
use crate::hexadecimal::hex;
use crate::refused::Refused;
use crate::secretariat::kernel::body::life::{self, State};
use crate::secretariat::kernel::body::store::meetings::{self as rows, Approval};
use crate::secretariat::kernel::body::{ApprovedHow, Body, Meeting, minutes, publish, store};
use crate::secretariat::kernel::values::mask_text;

const KIND: &str = "body_meeting";
/// Letters of the minutes of one meeting.
pub const LONGEST: usize = 60_000;

/// Drafts the text of a held meeting from its record.
///
/// # Errors
/// A conflict when the meeting was not held, or has a text already.
pub async fn draft(
    conn: &mut PgConnection,
    by: Acting<'_>,
    tz: Tz,
    (slug, number): (&str, &str),
) -> Result<(), Refused> {
    let (body, meeting) = hold(&mut *conn, slug, number).await?;
    meeting.state.after(life::Act::Draft)?;
    let id = meeting.id;
    let seats = store::seats::of_body(&mut *conn, body.id).await?;
    let record = record(&mut *conn, meeting).await?;
    let text: String = minutes::draft(&body, &record, &seats, tz).chars().take(LONGEST).collect();
    rows::write_minutes(&mut *conn, id, &text, by.now).await?;
    Ok(audit::record(conn, by.ids, by.now, by.actor, Entry::new(Act::BodyMinutesDraft, KIND, id)).await?)
}

fn unchanged(meeting: &Meeting, revision: i32) -> Result<(), Refused> {
    if meeting.minutes_revision == revision {
        return Ok(());
    }
    Err(Refused::Conflict(format!("it changed meanwhile: revision {} now", meeting.minutes_revision)))
}

/// Corrects a text that nobody has approved yet.
///
/// # Errors
/// The field that is wrong; a conflict when it was approved or changed meanwhile.
pub async fn edit(
    conn: &mut PgConnection,
    by: Acting<'_>,
    (slug, number): (&str, &str),
    (revision, words): (i32, &str),
) -> Result<(), Refused> {
    let mut problems = Vec::new();
    text(&mut problems, "text", words, 1, LONGEST, false);
    first(problems)?;
    let (_, meeting) = hold(&mut *conn, slug, number).await?;
    if meeting.state != State::Drafted {
        return Err(Refused::Conflict(format!("the meeting is {}: only a draft of minutes is changed", meeting.state)));
    }
    unchanged(&meeting, revision)?;
    let words = words.replace("\r\n", "\n");
    rows::write_minutes(&mut *conn, meeting.id, words.trim(), by.now).await?;
    let entry = Entry::new(Act::BodyMinutesEdit, KIND, meeting.id);
    let entry = entry.from(json!({ "sha256": sum(&meeting.minutes) })).to(json!({ "sha256": sum(words.trim()) }));
    Ok(audit::record(conn, by.ids, by.now, by.actor, entry).await?)
}

/// SHA-256 of a text.
pub fn sum(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

/// How somebody says that minutes were approved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Approved {
    /// By a later meeting, by its number.
    Within(String),
    /// By so many members to whom they were sent.
    Circulated(i32),
}

async fn within(conn: &mut PgConnection, body: &Body, meeting: &Meeting, number: &str) -> Result<Meeting, Refused> {
    let wrong = |message: &str| Refused::wrong("meeting", number, message);
    let key = label(number).map_err(|_| wrong("expected the number of a meeting such as 2026-3"))?;
    let later = rows::find(conn, body.id, key, false).await?;
    let later = later.ok_or_else(|| wrong("is no meeting of this body"))?;
    if later.starts_at <= meeting.starts_at {
        return Err(wrong("expected a meeting after the one that the minutes are of"));
    }
    if later.opened_at.is_none() {
        return Err(wrong("has not opened with quorum: it approves nothing"));
    }
    Ok(later)
}

/// Approves minutes. `pdf`: the document of exactly the text of this revision.
///
/// # Errors
/// The field that is wrong; a conflict when the text changed meanwhile, or too few approved it.
pub async fn approve(
    conn: &mut PgConnection,
    by: Acting<'_>,
    tz: Tz,
    (slug, number): (&str, &str),
    (revision, how, pdf): (i32, &Approved, &[u8]),
) -> Result<(), Refused> {
    let (body, meeting) = hold(&mut *conn, slug, number).await?;
    meeting.state.after(life::Act::Approve)?;
    unchanged(&meeting, revision)?;
    // What is approved is published as it stands, so it is mended while it can be.
    if body.is_open_to_all() && mask_text(&meeting.minutes) != meeting.minutes {
        let why = "the text holds the number of a CPF: correct the draft first, for approved minutes are published as they stand \
            (Lei 12.527/2011, art. 31; Lei 13.709/2018)";
        return Err(Refused::Conflict(why.into()));
    }
    let (approved_how, within, approvals) = match how {
        Approved::Within(number) => {
            (ApprovedHow::Meeting, Some(within(&mut *conn, &body, &meeting, number).await?.id), None)
        }
        Approved::Circulated(count) => {
            let seats = counted(&store::seats::of_body(&mut *conn, body.id).await?, &meeting, tz);
            let needed = i32::try_from(body.what.rules.quorum_decide.of(seats)).unwrap_or(i32::MAX);
            let most = i32::try_from(seats).unwrap_or(i32::MAX);
            if *count > most {
                return Err(Refused::wrong(
                    "approvals",
                    count,
                    format!("expected at most {most}, the seats of the body"),
                ));
            }
            if *count < needed {
                let why =
                    format!("{count} of {seats} members approved: {needed} needed ({})", super::seats::cited(&body));
                return Err(Refused::Conflict(why));
            }
            (ApprovedHow::Circulated, None, Some(*count))
        }
    };
    let (minutes_sha256, pdf_sha256) = (sum(&meeting.minutes), hex(&Sha256::digest(pdf)));
    let approval = Approval {
        how: approved_how,
        within,
        approvals,
        minutes_sha256: &minutes_sha256,
        pdf_sha256: &pdf_sha256,
        pdf,
    };
    rows::approve(&mut *conn, meeting.id, approval, (by.now, &by.actor.name)).await?;
    let after = json!({ "how": approved_how, "sha256": minutes_sha256, "pdf_sha256": pdf_sha256 });
    audit::record(conn, by.ids, by.now, by.actor, Entry::new(Act::BodyMinutesApprove, KIND, meeting.id).to(after))
        .await?;
    Ok(())
}

/// Shows approved minutes and their resolutions to the public.
///
/// # Errors
/// A conflict when nobody approved them, or the work of the body is confidential.
pub async fn publish(conn: &mut PgConnection, by: Acting<'_>, (slug, number): (&str, &str)) -> Result<(), Refused> {
    let (body, meeting) = hold(&mut *conn, slug, number).await?;
    if let Err(why) = meeting.state.after(life::Act::Publish) {
        let law = super::seats::cited(&body);
        return Err(Refused::Conflict(format!("{why}: only approved minutes are published ({law})")));
    }
    let resolutions = store::room::of_meeting(&mut *conn, meeting.id).await?;
    publish::minutes(&mut *conn, by, &body, (&meeting, &resolutions)).await?;
    rows::publish(&mut *conn, meeting.id, by.now).await?;
    audit::record(&mut *conn, by.ids, by.now, by.actor, Entry::new(Act::BodyMinutesPublish, KIND, meeting.id)).await?;
    publish::card(conn, by, body.id).await
}
