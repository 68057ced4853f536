//! An alert of our own from a warning of others: the hazard and the level that its words say, the areas on its ground, its own end,
//! the words of our templates, and for good the line that says on what it is based. Always a draft for a person.
//!
//! What is no real warning stays none: an exercise becomes an exercise, a test a test, and whatever else is not real nothing.

use chrono::{TimeDelta, Timelike as _};
use chrono_tz::Tz;
use sqlx::PgConnection;

use super::hazard;
use super::shown::{self, Shown, Stage, Wish};
use super::store::basis::{self, Basis, Candidate};
use super::{Severity, series};
use crate::alerts::draft::{Drafter, Subject};
use crate::alerts::templates::FALLBACK;
use crate::alerts::{AlertError, AlertKind, Refusal as NotDrafted, store as alerts};
use crate::clock::Instant;
use crate::cobrade::Cobrade;
use crate::config::{AlertStatus, Config};
use crate::ids::{AlertId, AreaId};
use crate::units::Level;

/// The longest an alert may be said to last.
const LONGEST_MIN: i64 = 72 * 60;

/// Why no alert is made from a warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    Quarantined,
    /// CAP status Draft or System: neither warns of anything.
    NotAWarning,
    Replaced(i64),
    Cancelled,
    Ended,
}

impl Refusal {
    /// Key of its words.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Quarantined => "based-refused-quarantined",
            Self::NotAWarning => "based-refused-not-a-warning",
            Self::Replaced(_) => "based-refused-replaced",
            Self::Cancelled => "based-refused-cancelled",
            Self::Ended => "based-refused-ended",
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Quarantined => f.write_str(
                "the warning lies in quarantine: its source has to sign, and this is not signed as it must be",
            ),
            Self::NotAWarning => f.write_str("a message of the status Draft or System warns of nothing"),
            Self::Replaced(later) => write!(f, "the warning was replaced by the warning {later}; take that one"),
            Self::Cancelled => f.write_str("the message cancels a warning; there is nothing to warn of"),
            Self::Ended => f.write_str("the warning has ended"),
        }
    }
}

/// The status that an alert from it would have, or why there is none. The service's own status holds for what is real there.
///
/// # Errors
/// See [`Refusal`].
pub fn status(warning: &Shown, now: Instant, own: AlertStatus) -> Result<AlertStatus, Refusal> {
    // An exercise has its times and its later messages too.
    let times = Shown { status: "Actual".into(), ..warning.clone() };
    match times.stage(now) {
        Stage::Quarantined => return Err(Refusal::Quarantined),
        Stage::Replaced => return Err(Refusal::Replaced(warning.superseded_by.unwrap_or_default())),
        Stage::Cancelled => return Err(Refusal::Cancelled),
        Stage::Ended => return Err(Refusal::Ended),
        Stage::InForce | Stage::Future | Stage::NotReal => {}
    }
    match warning.status.as_str() {
        "Actual" => Ok(own),
        "Exercise" => Ok(AlertStatus::Exercise),
        "Test" => Ok(AlertStatus::Test),
        _ => Err(Refusal::NotAWarning),
    }
}

/// What is proposed, for a person to change.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// None where neither code nor words of the message tell.
    pub hazard: Option<hazard::Proposed>,
    pub level: Level,
    /// Every area in service, those under the warning first.
    pub areas: Vec<Candidate>,
    /// The message names the municipality, but its drawing touches none of our areas: all of them are proposed.
    pub whole_town: bool,
    pub status: AlertStatus,
    /// The warning's own end, within what an alert may last.
    pub expires_at: Instant,
    pub attribution: String,
}

impl Proposal {
    /// Whether an area is proposed.
    pub const fn takes(&self, area: &Candidate) -> bool {
        self.whole_town || area.share.is_some()
    }

    /// The areas that are proposed.
    pub fn areas(&self) -> Vec<AreaId> {
        self.areas.iter().filter(|area| self.takes(area)).map(|area| area.id).collect()
    }
}

/// What would be drafted from a warning.
///
/// # Errors
/// Why nothing would be, or the database's.
pub async fn propose(
    conn: &mut PgConnection,
    config: &Config,
    now: Instant,
    warning: &Shown,
) -> sqlx::Result<Result<Proposal, Refusal>> {
    let status = match status(warning, now, config.alerts.status) {
        Ok(status) => status,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let raw = shown::raw(&mut *conn, warning.id).await?.unwrap_or_default();
    let areas = basis::candidates(conn, warning.id).await?;
    let touches = areas.iter().any(|area| area.share.is_some());
    let is_named = warning.for_us_by.iter().any(|reason| reason == "geocode");
    Ok(Ok(Proposal {
        hazard: hazard::hazard(&raw, &warning.event, &warning.headline),
        level: hazard::level(Severity::from_word(&warning.severity).unwrap_or(Severity::Unknown)),
        whole_town: is_named && !touches,
        areas,
        status,
        expires_at: expiry(warning, now, config),
        attribution: attribution(warning, config.municipality.time_zone),
    }))
}

/// The warning's end to the minute, at most what an alert may last; the usual time where it names none.
fn expiry(warning: &Shown, now: Instant, config: &Config) -> Instant {
    let usual = i64::from(config.alerts.expires_after_min);
    let wanted = warning.expires_at.unwrap_or(now + TimeDelta::minutes(usual));
    let most = now + TimeDelta::minutes(LONGEST_MIN);
    let at = wanted.min(most);
    at.with_nanosecond(0).unwrap_or(at)
}

/// "Com base no aviso do INMET nº 28277/2026, de 16/09/2026 às 00:00." In the town's own language, like every alert.
pub fn attribution(warning: &Shown, zone: Tz) -> String {
    let at = warning.sent_at.with_timezone(&zone).format("%d/%m/%Y às %H:%M");
    let publisher = warning.publisher();
    let text = format!("Com base no aviso de {publisher} nº {}, de {at}.", number(&warning.identifier));
    let text = if publisher == "INMET" { text.replacen("aviso de INMET", "aviso do INMET", 1) } else { text };
    super::cut(&text, 500)
}

/// INMET's number with its year, "28277/2026", where the identifier is one of Brazil's; else the identifier.
fn number(identifier: &str) -> String {
    let (series, _) = series(identifier);
    let of_brazil = series.strip_prefix("urn:oid:2.49.0.0.76.0.").and_then(|rest| rest.split_once('.'));
    let numbered = of_brazil.filter(|(year, number)| [year, number].iter().all(|part| part.parse::<u32>().is_ok()));
    numbered.map_or_else(|| identifier.chars().take(200).collect(), |(year, number)| format!("{number}/{year}"))
}

/// What a person wants otherwise than proposed.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    pub cobrade: Option<Cobrade>,
    pub level: Option<Level>,
    pub areas: Option<Vec<AreaId>>,
}

/// A draft, and whether it was made now: one that waits already is given back as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drafted {
    pub id: AlertId,
    pub is_new: bool,
}

/// Makes a draft from a warning. Nothing is issued by it, whatever policy holds.
///
/// # Errors
/// `NotFound`; `Refused` says why no alert is made from it, or what a person has to choose.
pub async fn draft(
    conn: &mut PgConnection,
    drafter: &Drafter<'_>,
    now: Instant,
    actor: &str,
    id: i64,
    choice: &Choice,
) -> Result<Drafted, AlertError> {
    if let Some(id) = basis::waiting_draft(&mut *conn, id).await? {
        return Ok(Drafted { id, is_new: false });
    }
    let wish = Wish { only: Some(id), limit: 1, ..Wish::default() };
    let warning = shown::list(&mut *conn, now, wish).await?.pop().ok_or(AlertError::NotFound)?;
    let proposal = propose(&mut *conn, drafter.config, now, &warning).await?;
    let proposal = proposal.map_err(NotDrafted::Warning)?;
    let cobrade = choice.cobrade.or_else(|| proposal.hazard.as_ref().map(|hazard| hazard.cobrade));
    let cobrade = cobrade.ok_or(NotDrafted::WarningNamesNoHazard)?;
    let areas = choice.areas.clone().unwrap_or_else(|| proposal.areas());
    if areas.is_empty() {
        return Err(NotDrafted::WarningTouchesNothing.into());
    }
    let subject = Subject {
        kind: AlertKind::Alert,
        cobrade,
        level: choice.level.unwrap_or(proposal.level),
        areas: &areas,
        references: None,
        status: proposal.status,
        rule: None,
        reasons: &[],
    };
    // The template says until when, so it is given the warning's own time.
    let mut config = drafter.config.clone();
    config.alerts.expires_after_min = minutes_until(proposal.expires_at, now);
    let drafter = Drafter { config: &config, ..*drafter };
    let alert = drafter.create(&mut *conn, now, actor, &subject).await?;
    base(&mut *conn, &drafter, alert, (&warning, &proposal)).await?;
    Ok(Drafted { id: alert, is_new: true })
}

/// At least a minute.
fn minutes_until(at: Instant, now: Instant) -> u32 {
    u32::try_from((at - now).num_minutes().clamp(1, LONGEST_MIN)).unwrap_or(1)
}

/// Says in the draft, in each language, on which warning it is based. The town's own text then counts as a person's: what is
/// written anew by somebody's wish has the line too.
async fn base(
    conn: &mut PgConnection,
    drafter: &Drafter<'_>,
    alert: AlertId,
    (warning, proposal): (&Shown, &Proposal),
) -> Result<(), AlertError> {
    let row = alerts::load(&mut *conn, alert).await?.ok_or(AlertError::NotFound)?.row;
    let zone = drafter.config.municipality.time_zone;
    let at = warning.sent_at.with_timezone(&zone).naive_local();
    let (publisher, number) = (warning.publisher(), number(&warning.identifier));
    let others = drafter.templates.languages().filter(|language| *language != FALLBACK);
    let lines = others.filter_map(|language| {
        let line = drafter.templates.attribution(language, publisher, &number, at)?;
        Some((language.to_owned(), super::cut(&line, 500).into()))
    });
    let lines: serde_json::Map<String, serde_json::Value> = lines.collect();
    let description = format!("{}\n\n{}", row.description.trim_end(), proposal.attribution);
    let basis = Basis {
        warning: warning.id,
        attribution: &proposal.attribution,
        attribution_lines: lines.into(),
        description: description.trim_start(),
        expires_at: proposal.expires_at,
    };
    basis::base(&mut *conn, alert, &basis).await?;
    drafter.say_basis(&mut *conn, alert).await?;
    let detail = serde_json::json!({ "reason": proposal.attribution, "warning_id": warning.id });
    alerts::record(conn, alert, row.created_at, &row.created_by, "based on warning", &detail).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_said_as_its_publisher_says_it() {
        assert_eq!(number("urn:oid:2.49.0.0.76.0.2026.28277.2"), "28277/2026");
        assert_eq!(number("urn:oid:2.49.0.1.840.0.1.2"), "urn:oid:2.49.0.1.840.0.1.2");
        assert_eq!(number("IDAP-7"), "IDAP-7");
    }

    #[test]
    fn an_alert_lasts_at_least_a_minute_and_no_longer_than_three_days() {
        let at = |minute: i64| crate::clock::from_micros(minute * 60_000_000);
        assert_eq!((minutes_until(at(0), at(5)), minutes_until(at(90), at(0))), (1, 90));
        assert_eq!(minutes_until(at(100_000), at(0)), 4320);
    }
}
