//! A rumour that civil defense is asked to look at: an occurrence of the desk that says what the press says. It is never an alert, and
//! counts as no witness for the rules; what is true of it, whoever looks at it says.

use serde::Deserialize;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::store::items;
use crate::audit::{self, Act, Entry};
use crate::occurrences::intake::{self, Intake};
use crate::occurrences::store::Assessed;
use crate::occurrences::{Origin, REASON};
use crate::plancon::PlanError;
use crate::refused::Refused;
use crate::reports::acts::By;
use crate::reports::locate::{Given, locate};
use crate::reports::{Kind, NewReport, Reporter, Source, Standing};
use crate::secretariat::media_monitoring::judge::wrong;

/// Letters of a place.
const PLACE: usize = 300;
/// Letters of what a report says.
const WORDS: usize = 2000;

/// What is to be looked at, and why.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[schema(as = MediaRumour)]
#[serde(deny_unknown_fields)]
pub struct Rumour {
    /// A kind of report: landslide, flooding, …; other when it is none of them.
    #[schema(max_length = 40)]
    pub kind: String,
    /// Where, in words.
    #[schema(min_length = 3, max_length = 300)]
    pub place: String,
    /// What is said, and what is to be found out.
    #[schema(min_length = 3, max_length = 2000)]
    pub reason: String,
}

/// Opens the check. Gives the occurrence and its number.
///
/// # Errors
/// `Wrong` with every field; `NotFound`; `Conflict` when it was opened before.
pub async fn open(
    conn: &mut PgConnection,
    by: By<'_>,
    id: Uuid,
    rumour: &Rumour,
    language: &str,
) -> Result<(Uuid, String), PlanError> {
    let (place, reason) = (rumour.place.trim(), rumour.reason.trim());
    let mut problems = Vec::new();
    let kind =
        rumour.kind.parse::<Kind>().map_err(|error| problems.push(wrong("kind", &rumour.kind, error.to_string())));
    if !(3..=PLACE).contains(&place.chars().count()) || place.contains(char::is_control) {
        problems.push(wrong("place", place, format!("expected 3 to {PLACE} characters")));
    }
    if !REASON.contains(&reason.chars().count()) || reason.contains('\0') {
        problems.push(wrong("reason", reason, "expected 3 to 2000 characters"));
    }
    let Some(kind) = kind.ok().filter(|_| problems.is_empty()) else { return Err(PlanError::Wrong(problems)) };
    let item = items::held(&mut *conn, id).await?.ok_or_else(|| Refused::NotFound(format!("item {id}")))?;
    if let Some(number) = items::checked(&mut *conn, id).await? {
        return Err(Refused::Conflict(format!("occurrence {number} was opened for it")).into());
    }
    let spot = locate(&mut *conn, Given { place, ..Given::default() }).await?.spot;
    // A long reason stands whole in the audit; here it leaves room for who told it.
    let told = format!("\n\n{}: {}\n{}", item.source, item.title, item.link);
    let room = WORDS.saturating_sub(told.chars().count());
    let words = reason.chars().take(room).collect::<String>() + &told;
    let report = NewReport {
        key: format!("media-{id}"),
        source: Source::Desk,
        kind,
        words: words.trim().chars().take(WORDS).collect(),
        place: place.to_owned(),
        spot,
        observed_at: None,
        language,
        // Nobody stands behind a rumour.
        reporter: Reporter {
            standing: Standing::Anonymous,
            known_by: format!("media {id}"),
            contact: None,
            staff: Some(by.actor.clone()),
        },
        doubts: Vec::new(),
        pictures: &[],
    };
    let intake =
        Intake { report, origin: Origin::Media, seen: None, assessed: Assessed::default(), priority: None, into: None };
    let taken = intake::take(&mut *conn, by, intake).await.map_err(|error| PlanError::Other(error.into()))?;
    let told = (taken.occurrence, taken.occurrence_number.as_str());
    items::check(&mut *conn, id, told, (by.now, &by.actor.name, reason)).await?;
    let entry = Entry::new(Act::MediaCheck, "media_item", id)
        .because(reason)
        .to(json!({ "occurrence": taken.occurrence_number }));
    audit::record(conn, by.desk.ids, by.now, by.actor, entry).await?;
    Ok((taken.occurrence, taken.occurrence_number))
}
