//! What a person changes in a draft: texts, how long it holds, and the risk areas it holds for.

use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::json;
use sqlx::PgConnection;

use super::{Drafter, draft_row};
use crate::alerts::life::Life;
use crate::alerts::refusal::Refusal;
use crate::alerts::shape::store::{self as shapes, PlaceId};
use crate::alerts::state::AlertError;
use crate::alerts::store;
use crate::clock::Instant;
use crate::events::{Event, notify};
use crate::ids::{AlertId, AreaId};

/// The longest an alert may be said to last.
const LONGEST: TimeDelta = TimeDelta::hours(72);
const MAX_HEADLINE: usize = 160;
const MAX_TEXT: usize = 4000;
const MAX_SMS: usize = 918;

/// An edit of the texts. `areas`, when given, replaces the list.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DraftEdit {
    /// One line.
    #[schema(max_length = 160, pattern = r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$")]
    pub headline: String,
    #[schema(max_length = 4000)]
    pub description: String,
    #[schema(max_length = 4000)]
    pub instruction: String,
    /// Six parts of GSM 03.38.
    #[schema(max_length = 918)]
    pub sms_text: String,
    pub expires_at: chrono::DateTime<chrono::Utc>,
    #[serde(default)]
    #[schema(value_type = Option<Vec<i64>>)]
    pub areas: Option<Vec<AreaId>>,
}

impl DraftEdit {
    /// The headline becomes the subject of letters and the title of feeds: one line.
    pub fn headline_breaks(&self) -> bool {
        breaks(&self.headline)
    }

    /// The first text that is too long, with how long it is and may be.
    pub fn too_long(&self) -> Option<(&'static str, usize, usize)> {
        too_long(&self.headline, &self.description, &self.instruction, &self.sms_text)
    }
}

/// Whether a headline is more than one line.
pub fn breaks(headline: &str) -> bool {
    headline.contains(|letter: char| letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}'))
}

/// The first text that is too long, with how long it is and may be.
pub fn too_long(
    headline: &str,
    description: &str,
    instruction: &str,
    sms_text: &str,
) -> Option<(&'static str, usize, usize)> {
    let bounds = [
        ("headline", headline, MAX_HEADLINE),
        ("description", description, MAX_TEXT),
        ("instruction", instruction, MAX_TEXT),
        ("sms_text", sms_text, MAX_SMS),
    ];
    let measured = bounds.map(|(field, text, most)| (field, text.chars().count(), most));
    measured.into_iter().find(|(_, length, most)| length > most)
}

fn check_bounds(edit: &DraftEdit) -> Result<(), AlertError> {
    check_texts(&edit.headline, &edit.description, &edit.instruction, &edit.sms_text)
}

/// Whether texts keep their bounds, in whatever language.
pub(in crate::alerts) fn check_texts(
    headline: &str,
    description: &str,
    instruction: &str,
    sms_text: &str,
) -> Result<(), AlertError> {
    if breaks(headline) {
        return Err(Refusal::HeadlineLines.into());
    }
    too_long(headline, description, instruction, sms_text)
        .map_or(Ok(()), |(field, length, most)| Err(Refusal::LongText { field, length, most }.into()))
}

impl Drafter<'_> {
    /// Saves a person's edit and returns the new revision.
    ///
    /// # Errors
    /// `Stale` when the draft moved since `revision`; `Refused` for texts beyond their bounds.
    pub async fn save(
        &self,
        conn: &mut PgConnection,
        now: Instant,
        actor: &str,
        id: AlertId,
        revision: i32,
        edit: &DraftEdit,
    ) -> Result<i32, AlertError> {
        let alert = draft_row(&mut *conn, id).await?;
        let life = Life::of(&alert)?.edit(revision)?;
        check_bounds(edit)?;
        if edit.expires_at > now + LONGEST {
            return Err(Refusal::LateExpiry(edit.expires_at).into());
        }
        if edit.expires_at <= now {
            return Err(Refusal::PastExpiry(edit.expires_at).into());
        }
        if let Some(areas) = &edit.areas {
            choose_areas(&mut *conn, (now, actor), id, areas).await?;
            if shapes::names(&mut *conn, id).await?.is_empty() {
                return Err(Refusal::NoArea.into());
            }
        }
        // No edit can turn an exercise into the real thing.
        let status = crate::alerts::issue::status_of(&alert)?;
        let mark = |text: &str| match text.trim() {
            "" => String::new(),
            text => self.templates.marked(status, "pt-BR", text),
        };
        let mark_sms = |text: &str| match text.trim() {
            "" => String::new(),
            text => self.templates.marked_sms(status, "pt-BR", text),
        };
        let detail = json!({ "before": { "headline": alert.headline, "description": alert.description,
            "instruction": alert.instruction, "sms_text": alert.sms_text, "expires_at": alert.expires_at } });
        sqlx::query!(
            "update alert set headline = $2, description = $3, instruction = $4, sms_text = $5, expires_at = $6,
                              edited = true, expiry_chosen = expiry_chosen or date_trunc('minute', expires_at) <> date_trunc('minute', $6::timestamptz),
                              revision = $8, state = $9, submitted_at = null, submitted_by = null, written_by = (select id from staff where username = $7) where id = $1",
            id.0,
            mark(&edit.headline),
            mark(&edit.description),
            mark(&edit.instruction),
            mark_sms(&edit.sms_text),
            edit.expires_at,
            actor,
            life.revision,
            life.state.as_str()
        )
        .execute(&mut *conn)
        .await?;
        store::record(&mut *conn, id, now, actor, "edited", &detail).await?;
        notify(conn, &Event::Alert { id: id.0 }).await?;
        Ok(life.revision)
    }
}

/// The risk areas that a person chose. What is taken out can be put back, and is not asked about again while its danger lasts.
async fn choose_areas(
    conn: &mut PgConnection,
    (now, actor): (Instant, &str),
    id: AlertId,
    areas: &[AreaId],
) -> Result<(), AlertError> {
    let before: Vec<AreaId> = store::load_areas(&mut *conn, id).await?.iter().map(|area| area.area_id).collect();
    for area in before.iter().filter(|area| !areas.contains(area)) {
        shapes::remove(&mut *conn, id, PlaceId::Area(*area), (now, actor)).await?;
    }
    for (index, area) in areas.iter().enumerate().filter(|(_, area)| !before.contains(area)) {
        let is_twice = areas.get(..index).is_some_and(|earlier| earlier.contains(area));
        if !is_twice && shapes::insert_area(&mut *conn, id, *area).await?.is_none() {
            return Err(Refusal::NoSuchArea(*area).into());
        }
    }
    Ok(())
}
