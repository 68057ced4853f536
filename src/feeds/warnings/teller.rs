//! Tells rules what other institutions warn of: each risk area over which a warning came into force has a stream that holds the gravest severity
//! in force, 0 none to 4 extreme (`units::Quantity::Warnings`). Said again each quarter of an hour while there is one.

use std::time::Duration;

use chrono::{SubsecRound as _, TimeDelta};

use super::store::{self, Grave, waiting};
use super::take;
use crate::app::App;
use crate::clock::{Instant, from_micros};
use crate::db::{ROUND_MAX, in_time, within};
use crate::events::{Event, notify};
use crate::ids::DatastreamId;
use crate::ingest::{NewReading, Source};
use crate::reports::feed;
use crate::reports::store::streams;
use crate::units::{Fixed, Quality, Quantity, StreamKind};

const LOOK: Duration = Duration::from_secs(15);
/// So often what people brought by hand is held against the town anew; the feeds do so with each round.
const HOLD_EACH: u32 = 40;
/// How long something that was brought waits to be kept.
const WAITS_FOR: TimeDelta = TimeDelta::days(1);
pub const STREAM: &str = "warnings";

/// Runs until the service stops.
pub async fn run(app: App) {
    let mut tick = tokio::time::interval(LOOK);
    let mut looks = 0_u32;
    loop {
        tokio::select! {
            () = app.stop.cancelled() => return,
            _ = tick.tick() => {}
        }
        if looks.is_multiple_of(HOLD_EACH)
            && let Err(error) = within(ROUND_MAX, hold(&app)).await
        {
            tracing::warn!(%error, "warnings of others could not be held against the town");
        }
        looks = looks.wrapping_add(1);
        if let Err(error) = in_time(once(&app)).await {
            tracing::warn!(error = format!("{error:#}"), "warnings of others wait for the journal");
        }
    }
}

/// Holds the open warnings against the town, whose areas may have changed since, and forgets what is of long ago, and what was
/// brought and never kept.
///
/// # Errors
/// The database's.
pub async fn hold(app: &App) -> sqlx::Result<()> {
    let now = app.clock.now();
    let mut tx = app.db.dispatch.begin().await?;
    waiting::forget(&mut tx, now - WAITS_FOR).await?;
    store::forget(&mut tx, now).await?;
    let changed = store::relate(&mut tx, now, &app.config.municipality.ibge_code, &[]).await?;
    take::tell(&mut tx, changed > 0).await?;
    tx.commit().await
}

/// Says what has changed, and what still holds where it was last said a quarter of an hour ago.
///
/// # Errors
/// The database's, or the journal's; what was not said is due at the next look.
pub async fn once(app: &App) -> anyhow::Result<()> {
    let now = app.clock.now();
    let mut tx = app.db.dispatch.begin().await?;
    let untold: Vec<String> =
        app.config.feeds.iter().filter(|feed| !feed.tells_rules()).map(|feed| feed.name.clone()).collect();
    let gravest = store::gravest(&mut tx, now, &untold).await?;
    let due: Vec<Grave> = gravest.into_iter().filter(|area| is_due(area, now)).collect();
    if due.is_empty() {
        return Ok(());
    }
    let (mut readings, mut is_new) = (Vec::new(), false);
    for area in due {
        let code = feed::station_code(area.id, &area.code);
        let name: String = format!("Relatos em {}", area.name).chars().take(200).collect();
        let (stream, made) = streams::stream(
            &mut tx,
            now,
            area.id,
            (&code, &name, STREAM),
            (Quantity::Warnings, StreamKind::Instantaneous),
        )
        .await?;
        is_new |= made;
        readings.push(reading(stream, area.severity, now));
    }
    if is_new {
        notify(&mut tx, &Event::Catalogue).await?;
    }
    // The evaluator must know a stream before its readings come.
    tx.commit().await?;
    app.ingest.submit_when_free(readings, Vec::new()).await?;
    Ok(())
}

fn is_due(area: &Grave, now: Instant) -> bool {
    let severity = Fixed::from_whole(i64::from(area.severity));
    match area.said {
        None => area.severity > 0,
        Some((_, said)) if said != severity => true,
        // Of nothing nothing more is said.
        Some((at, _)) => area.severity > 0 && (now - at).num_seconds() >= feed::QUIET_EVERY_S,
    }
}

/// The same from whichever process, within a second.
fn reading(stream: DatastreamId, severity: i32, now: Instant) -> NewReading {
    NewReading {
        datastream_id: stream,
        device_id: None,
        message_id: None,
        observed_at: from_micros(now.trunc_subsecs(0).timestamp_micros()),
        value: Fixed::from_whole(i64::from(severity)),
        quality: Quality::Pass,
        quality_reason: String::new(),
        source: Source::Feed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::AreaId;

    #[test]
    fn a_severity_is_said_when_it_changes_and_each_quarter_of_an_hour_while_it_stands() {
        let at = |second: i64| from_micros(second * 1_000_000);
        let area = |severity: i32, said: Option<(i64, i64)>| Grave {
            id: AreaId(1),
            code: "a".into(),
            name: "A".into(),
            severity,
            said: said.map(|(second, value)| (at(second), Fixed::from_whole(value))),
        };
        assert!(!is_due(&area(0, None), at(0)), "an area that nobody ever warned of has no stream");
        assert!(is_due(&area(3, None), at(0)));
        assert!(is_due(&area(2, Some((0, 3))), at(1)));
        assert!(is_due(&area(0, Some((0, 3))), at(1)));
        assert!(!is_due(&area(0, Some((0, 0))), at(10_000)));
        assert!(is_due(&area(3, Some((0, 3))), at(900)) && !is_due(&area(3, Some((0, 3))), at(899)));
    }
}
