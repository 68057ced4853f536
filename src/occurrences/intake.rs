//! Taking an occurrence by hand: a call, a radio message, or what an alert, a rule's rise or a gauge showed. It is a report like others, of
//! staff, with where it came from, and whoever takes it says whether it is another thing or one that is known.

use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::store::{self, Assessed, origin};
use super::{Origin, Priority, desk};
use crate::reports::acts::{ActError, By, begin};
use crate::reports::take::{Choice, Desk, NewReport, take_as};
use crate::reports::{OPEN, Taken};

/// What the service saw that the desk acts upon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Somebody told it.
    Told(Origin),
    /// An alert, by its number.
    Alert { number: String },
    /// The last change of level of an area, by its code; of this hazard, or of any when it is empty.
    Level { area: String, cobrade: String },
    /// The newest reading of a stream.
    Reading { station: String, stream: String },
}

impl Cause {
    pub const fn origin(&self) -> Origin {
        match self {
            Self::Told(origin) => *origin,
            Self::Alert { .. } => Origin::Alert,
            Self::Level { .. } => Origin::Level,
            Self::Reading { .. } => Origin::Reading,
        }
    }
}

/// What a cause is, as it stands now; nothing for what somebody told, and for what is not there.
///
/// # Errors
/// What the database says.
pub async fn seen(conn: &mut PgConnection, cause: &Cause) -> sqlx::Result<Option<origin::Seen>> {
    match cause {
        Cause::Told(_) => Ok(None),
        Cause::Alert { number } => origin::alert(conn, number).await,
        Cause::Level { area, cobrade } => origin::level(conn, area, cobrade).await,
        Cause::Reading { station, stream } => origin::reading(conn, station, stream).await,
    }
}

/// Everything the desk says.
#[derive(Clone, Debug)]
pub struct Intake<'a> {
    pub report: NewReport<'a>,
    pub origin: Origin,
    /// What `seen` found.
    pub seen: Option<origin::Seen>,
    pub assessed: Assessed,
    /// By hand, with why.
    pub priority: Option<(Priority, &'a str)>,
    /// What it belongs to; none for another thing than all that is known.
    pub into: Option<Uuid>,
}

/// Takes it in the caller's transaction. The same key again is answered as the first time.
///
/// # Errors
/// When what it is put to is over.
pub async fn take(conn: &mut PgConnection, by: By<'_>, intake: Intake<'_>) -> Result<Taken, ActError> {
    let Intake { report, origin: kind, seen, assessed, priority, into } = intake;
    if let Some(into) = into {
        begin(&mut *conn, into, &OPEN).await?;
    }
    let who = by.actor.name.as_str();
    let choice = into.map_or(Choice::New { who }, |occurrence| Choice::Into { occurrence, who });
    let desk: Desk<'_> = by.desk;
    let taken = take_as(&mut *conn, desk, (by.now, None), report, choice).await?;
    if !taken.is_new {
        return Ok(taken);
    }
    let (alert, detail) = seen.map_or((None, json!({})), |seen| (seen.alert, seen.detail));
    origin::add(&mut *conn, taken.id, kind, alert, &detail).await?;
    // The weight of an echo is known only with its origin.
    crate::reports::take::weigh(&mut *conn, taken.occurrence).await?;
    if assessed != Assessed::default() {
        let known = store::work(&mut *conn, taken.occurrence).await?;
        store::assess(&mut *conn, taken.occurrence, &together(known, assessed)).await?;
    }
    desk::judge(&mut *conn, taken.occurrence, by.now).await?;
    if let Some((to, reason)) = priority {
        desk::prioritise(conn, by, taken.occurrence, Some(to), reason).await?;
    }
    Ok(taken)
}

/// A second call adds to what the first one told, and takes nothing back.
fn together(known: Option<store::Work>, told: Assessed) -> Assessed {
    let Some(known) = known else { return told };
    let mut needs: Vec<super::Need> = known.needs.iter().filter_map(|need| need.parse().ok()).collect();
    needs.extend(told.needs);
    needs.sort_unstable();
    needs.dedup();
    Assessed { people: known.people_at_risk.max(told.people), needs, cobrade: told.cobrade }
}
