//! What those who work with segments see and do. Addresses are seen by their role alone, never whole; whom somebody looked for, and whose messages
//! they ended, is in the audit.

use std::borrow::Borrow;

use chrono::NaiveDate;
use serde::Serialize;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::letter::{self, New};
use super::report::{self, Report};
use super::store::digests::{self, Digest, Letter, Told, Wanted};
use super::store::people::{self, Kept};
use super::{Outcome, Segments, store};
use crate::accounts::manage::is_email;
use crate::audit::{self, Act, Entry};
use crate::clock::Instant;
use crate::i18n::Lang;
use crate::plancon::desk::reasoned;
use crate::privacy::mask::mask;
use crate::refused::Refused;
use crate::secretariat::kernel::desk::{CaseError, Desk};
use crate::secretariat::media_monitoring::plain::unaccented;

/// Role of whoever sees who asked for messages.
pub const ROLE: &str = "segments";
const KIND: &str = "segment_subscription";

/// A segment with how many confirmed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = Segment)]
pub struct Subject {
    pub tag: String,
    pub title_pt: String,
    pub title_en: String,
    /// None: fewer than five.
    pub people: Option<i64>,
    /// False: people have it, and nobody can ask for it any more.
    pub is_offered: bool,
}

impl Subject {
    pub fn title(&self, lang: impl Borrow<Lang>) -> &str {
        let lang: &Lang = lang.borrow();
        match lang {
            Lang::Pt => &self.title_pt,
            Lang::En => &self.title_en,
        }
    }
}

/// A subscription as its desk sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = SegmentSubscription)]
pub struct Subscription {
    pub id: Uuid,
    /// "m***@exemplo.invalid"
    pub address: String,
    pub tags: Vec<String>,
    /// Asked for and not confirmed.
    pub wanted: Vec<String>,
    pub language: String,
    #[schema(value_type = String)]
    pub asked_at: Instant,
    #[schema(value_type = Option<String>)]
    pub confirmed_at: Option<Instant>,
}

impl From<Kept> for Subscription {
    fn from(kept: Kept) -> Self {
        // What was confirmed waits for nothing.
        let wanted = if kept.wanted == kept.tags { Vec::new() } else { kept.wanted };
        Self {
            id: kept.id,
            address: mask(&kept.email).into_owned(),
            tags: kept.tags,
            wanted,
            language: kept.language,
            asked_at: kept.asked_at,
            confirmed_at: kept.confirmed_at,
        }
    }
}

/// The letters of one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = SegmentDay)]
pub struct Day {
    pub digest: Digest,
    pub publications: Vec<Told>,
}

/// What would leave next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = SegmentPreview)]
pub struct Preview {
    #[schema(value_type = String)]
    pub leaves_at: Instant,
    pub tags: Vec<String>,
    pub language: String,
    /// None of both: nothing was published with these tags, and no letter leaves.
    pub subject: Option<String>,
    pub body: Option<String>,
    /// Publications that are told one by one, and how many older ones are only counted.
    pub told: usize,
    pub counted: usize,
}

/// # Errors
/// `Forbidden`, naming the role.
pub fn works_here(desk: Desk<'_>) -> Result<(), Refused> {
    if desk.who.has(ROLE) { Ok(()) } else { Err(Refused::Forbidden(format!("subscriptions need the role {ROLE}"))) }
}

/// Segments in the order in which they are offered, then what people have of others. `words`: of title or tag, accents or not.
///
/// # Errors
/// The database's.
pub async fn subjects(conn: &mut PgConnection, segments: &Segments, words: &str) -> sqlx::Result<Vec<Subject>> {
    let counts = store::counts(conn).await?;
    let people = |tag: &str| counts.iter().find(|count| count.tag == tag).map(|count| count.people);
    let offered = segments.iter().map(|segment| (segment.key.as_str(), true));
    let gone = counts.iter().map(|count| count.tag.as_str()).filter(|tag| segments.get(tag).is_none());
    let all = offered.chain(gone.map(|tag| (tag, false))).map(|(tag, is_offered)| Subject {
        tag: tag.to_owned(),
        title_pt: segments.title(tag, Lang::Pt).to_owned(),
        title_en: segments.title(tag, Lang::En).to_owned(),
        people: people(tag),
        is_offered,
    });
    let asked = unaccented(words.trim());
    let fits =
        |one: &Subject| [&one.tag, &one.title_pt, &one.title_en].iter().any(|text| unaccented(text).contains(&asked));
    Ok(all.filter(fits).collect())
}

/// Everything of the letters of a day but who gets them.
///
/// # Errors
/// `NotFound` for a day without letters.
pub async fn day(conn: &mut PgConnection, tz: chrono_tz::Tz, day: NaiveDate) -> Result<Day, CaseError> {
    let wanted = Wanted { day: Some(day), ..Wanted::default() };
    let found = digests::days(&mut *conn, tz, (&wanted, 1)).await?;
    let digest = found.into_iter().next().ok_or_else(|| Refused::NotFound(format!("letters by segment of {day}")))?;
    let publications = digests::publications(conn, tz, day).await?;
    Ok(Day { digest, publications })
}

/// Letters of a day, each with its address masked.
///
/// # Errors
/// `Forbidden`; the database's.
pub async fn letters(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    day: NaiveDate,
    page: (Option<Outcome>, Option<Uuid>),
) -> Result<Vec<Letter>, CaseError> {
    works_here(desk)?;
    let mut all = digests::letters(conn, desk.tz, day, page).await?;
    for letter in &mut all {
        letter.address = letter.address.take().map(|address| mask(&address).into_owned());
        // What the other side answers may have the address in it.
        letter.reason = mask(&letter.reason).into_owned();
    }
    Ok(all)
}

/// Subscriptions that run, the newest first.
///
/// # Errors
/// `Forbidden`; the database's.
pub async fn subscriptions(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    which: (Option<&str>, Option<bool>),
    after: Option<Uuid>,
) -> Result<Vec<Subscription>, CaseError> {
    works_here(desk)?;
    let found = people::list(conn, which, after).await?;
    Ok(found.into_iter().map(Subscription::from).collect())
}

/// The subscription of one whole address. That somebody looked, and why, is in the audit, found or not.
///
/// # Errors
/// `Wrong` for what is no address or without a reason; `Forbidden`.
pub async fn search(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    (email, reason): (&str, &str),
) -> Result<Option<Subscription>, CaseError> {
    works_here(desk)?;
    let email = email.trim();
    if !is_email(email) || email.len() > 254 {
        return Err(Refused::wrong("email", "", "expected a whole e-mail address").into());
    }
    let reason = mask(&reasoned("reason", reason)?).into_owned();
    let found = people::by_address(&mut *conn, email).await?;
    let by = desk.by;
    // The address of a person stays out of the audit, also where somebody writes it into the reason; whose it is, the subscription tells as long as it runs.
    let id = found.as_ref().map(|kept| kept.id.to_string()).unwrap_or_default();
    let entry = Entry::new(Act::SegmentSearch, KIND, id).because(&reason).to(json!({ "found": found.is_some() }));
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(found.map(Subscription::from))
}

/// Ends a subscription because somebody asked for it, and forgets its address as when they leave by themselves.
///
/// # Errors
/// `Wrong` without a reason; `Forbidden`; `NotFound`; `Conflict` when it was ended before.
pub async fn stop(conn: &mut PgConnection, desk: Desk<'_>, id: Uuid, reason: &str) -> Result<(), CaseError> {
    works_here(desk)?;
    let reason = mask(&reasoned("reason", reason)?).into_owned();
    if !people::is_known(&mut *conn, id).await? {
        return Err(Refused::NotFound(format!("subscription {id}")).into());
    }
    let by = desk.by;
    if !store::leave(&mut *conn, id, by.now).await? {
        return Err(Refused::Conflict("the subscription was ended before".into()).into());
    }
    audit::record(conn, by.ids, by.now, by.actor, Entry::new(Act::SegmentStop, KIND, id).because(&reason)).await?;
    Ok(())
}

/// Subscribers by segment and month.
///
/// # Errors
/// The database's.
pub async fn report(conn: &mut PgConnection, segments: &Segments, desk: Desk<'_>) -> sqlx::Result<Report> {
    let counts = people::by_month(conn, desk.tz).await?;
    Ok(report::of(segments, &counts, desk.at().today()))
}

/// The letter that a mailbox with these tags would get next, of what was published so far.
///
/// # Errors
/// `Wrong` for tags that are no segments.
pub async fn next(
    conn: &mut PgConnection,
    segments: &Segments,
    desk: Desk<'_>,
    (tags, lang): (&[String], Lang),
) -> Result<Preview, CaseError> {
    if let Some(other) = tags.iter().find(|tag| segments.get(tag).is_none()) {
        let keys: Vec<&str> = segments.iter().map(|segment| segment.key.as_str()).collect();
        return Err(Refused::wrong("tag", other, format!("expected one of {}", keys.join(", "))).into());
    }
    let now = desk.by.now;
    let (last, leaves_at) = letter::around(desk.tz, now)
        .ok_or_else(|| anyhow::anyhow!("the day of {now} has no hour at which letters leave"))?;
    let new: Vec<New> = digests::new(conn, now).await?;
    let (chosen, counted) = letter::chosen(&new, last, tags);
    let base = desk.config.public_url();
    // Whose mailbox it is, only its own letter says.
    let leave = format!("{base}/secretaria/segmentos/sair/…");
    let authority = &desk.config.municipality.sender_name;
    let written = (!chosen.is_empty()).then(|| letter::write(lang, (authority, &base), (&chosen, counted), &leave));
    let (subject, body) = written.map(|letter| (letter.subject, letter.body)).unzip();
    Ok(Preview {
        leaves_at,
        tags: tags.to_vec(),
        language: lang.tag().to_owned(),
        subject,
        body,
        told: chosen.len(),
        counted,
    })
}
