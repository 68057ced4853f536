//! Brings what reports weigh to the journal, and says in between that nobody reported anything.
//!
//! A report commits first, with its weight; here it follows into the journal through the same door as every reading. What the
//! journal knows is written down after its commit. When the process dies in between, the same reading comes again and
//! changes nothing.

use std::time::Duration;

use sqlx::PgConnection;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::feed::{self, QUIET_FOR};
use super::store::streams::{self, Due};
use crate::app::App;
use crate::clock::Instant;
use crate::db::in_time;
use crate::events::{Event, notify};
use crate::ids::DatastreamId;
use crate::ingest::NewReading;
use crate::units::{Quantity, StreamKind};

/// How often it looks without a hint.
const LOOK: Duration = Duration::from_secs(1);
const RETRY: Duration = Duration::from_secs(5);
/// What a stream of reports holds.
const KIND: (Quantity, StreamKind) = (Quantity::Reports, StreamKind::IntervalSum);
/// Reports brought in one transaction.
const BATCH: i64 = 100;

/// Runs until the service stops.
pub async fn run(app: App) {
    let mut events = app.events.subscribe();
    let mut quiet_at = None;
    loop {
        let wait = match in_time(once(&app, &mut quiet_at)).await {
            Ok(()) => LOOK,
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), "reports wait for the journal");
                RETRY
            }
        };
        tokio::select! {
            () = app.stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
            () = reported(&mut events), if wait == LOOK => {}
        }
    }
}

/// Until somebody reports or judges something. Whoever lags looks by itself soon enough.
async fn reported(events: &mut Receiver<Event>) {
    loop {
        match events.recv().await {
            Ok(Event::Occurrence { .. }) => return,
            Err(RecvError::Closed) => std::future::pending().await,
            _ => {}
        }
    }
}

/// Everything that is due now. `quiet_at` remembers the quarter of an hour that was spoken for.
///
/// # Errors
/// The database's, or the journal's; whatever was not brought stays due.
pub async fn once(app: &App, quiet_at: &mut Option<Instant>) -> anyhow::Result<()> {
    bring_all(app).await?;
    let now = app.clock.now();
    let quarter = feed::quiet(DatastreamId(0), now).observed_at;
    if *quiet_at != Some(quarter) {
        let lively = streams::lively(&mut *app.db.dispatch.acquire().await?, now - QUIET_FOR).await?;
        if !lively.is_empty() {
            let readings = lively.into_iter().map(|stream| feed::quiet(stream, now)).collect();
            app.ingest.submit_when_free(readings, Vec::new()).await?;
        }
        *quiet_at = Some(quarter);
    }
    Ok(())
}

/// Brings all that is due, as the only one who does: an older word must not come after a newer one. The lock is the session's and
/// no row's, because a full lane can keep this waiting for long, and whoever reports meanwhile must not wait with it.
async fn bring_all(app: &App) -> anyhow::Result<()> {
    let mut one = app.db.dispatch.acquire().await?;
    if !streams::is_due(&mut one).await? {
        return Ok(());
    }
    // Whatever ends this early ends the session too, and the lock with it.
    one.close_on_drop();
    if !streams::begin_bringing(&mut one).await? {
        return Ok(());
    }
    while bring(app).await? == usize::try_from(BATCH)? {}
    Ok(streams::end_bringing(&mut one).await?)
}

/// Brings one batch; how many reports it held. What is weighed anew or comes in between stays due.
async fn bring(app: &App) -> anyhow::Result<usize> {
    let due = prepare(app, app.clock.now()).await?;
    if due.is_empty() {
        return Ok(0);
    }
    let mut readings = Vec::new();
    let mut conn = app.db.dispatch.acquire().await?;
    for one in &due {
        readings.extend(readings_of(&mut conn, one).await?);
    }
    drop(conn);
    if !readings.is_empty() {
        app.ingest.submit_when_free(readings, Vec::new()).await?;
    }
    streams::fed(&mut *app.db.dispatch.acquire().await?, &due).await?;
    Ok(due.len())
}

/// Makes the streams that are needed, in a transaction of its own: the evaluator must know them before their readings come.
/// What it looked at, and nothing else, may be brought.
async fn prepare(app: &App, now: Instant) -> anyhow::Result<Vec<Due>> {
    let mut tx = app.db.dispatch.begin().await?;
    let all = streams::due(&mut tx, BATCH).await?;
    let mut is_new = false;
    for due in all.iter().filter(|due| due.weight > 0.0) {
        // Once it has spoken somewhere, that is where its later words go, unless a person puts it elsewhere.
        if !streams::of_report(&mut tx, due.report).await?.is_empty() {
            if !streams::is_placed(&mut tx, due.report).await? {
                continue;
            }
            streams::hush(&mut tx, due.report).await?;
        }
        for area in streams::touched(&mut tx, due.report).await? {
            let code = feed::station_code(area.id, &area.code);
            let name: String = format!("Relatos em {}", area.name).chars().take(200).collect();
            let stream = feed::stream_name(due.kind.family());
            let (stream, made) = streams::stream(&mut tx, now, area.id, (&code, &name, &stream), KIND).await?;
            streams::link(&mut tx, due.report, stream).await?;
            is_new |= made;
        }
    }
    if is_new {
        notify(&mut tx, &Event::Catalogue).await?;
    }
    tx.commit().await?;
    Ok(all)
}

/// The readings of one report. What never counted is not said as nothing.
async fn readings_of(conn: &mut PgConnection, due: &Due) -> sqlx::Result<Vec<NewReading>> {
    let streams = streams::of_report(conn, due.report).await?;
    let reading = |stream: streams::Spoken| {
        let weight = if stream.speaks { due.weight } else { 0.0 };
        feed::reading(stream.id, due.report, due.observed_at, weight)
    };
    Ok(streams.into_iter().map(reading).collect())
}
