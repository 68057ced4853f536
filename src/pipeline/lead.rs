//! Who evaluates: one process at a time, which holds the evaluator's advisory lock on the connection that writes.

use std::time::Duration;

use sqlx::Connection as _;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use super::{Drained, Pipeline, TURN};
use crate::app::App;
use crate::clock::Stopwatch;
use crate::db::in_time;
use crate::events::Event;
use crate::risk::store;

/// How often it is written down that the journal's end was reached: without it the public is told that nothing is known.
const SAY_EVERY: Duration = Duration::from_secs(10);
/// Advisory session lock of the one evaluator ("EVAL").
const EVALUATOR_LOCK: i64 = 0x4556_414c;
/// How long a process that holds the lock may ask the database for nothing.
const IDLE_MAX: &str = "60s";

/// Evaluates until the service stops. Standby while another process holds the lock.
pub async fn run(app: App) {
    while !app.stop.is_cancelled() {
        if let Err(error) = lead(&app).await {
            tracing::error!(
                error = format!("{error:#}"),
                "evaluation interrupted; it starts again from what is committed"
            );
        }
        tokio::select! {
            () = app.stop.cancelled() => {}
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
    }
}

async fn lead(app: &App) -> anyhow::Result<()> {
    let mut conn = app.db.ingest.acquire().await?;
    let leader = sqlx::query_scalar!(r#"select pg_try_advisory_lock($1) as "held!""#, EVALUATOR_LOCK)
        .fetch_one(&mut *conn)
        .await?;
    if !leader {
        // Back to the others: a standby that took one out each second would have the server make one each second.
        return Ok(());
    }
    let mut conn = conn.detach();
    // Asked for something each second, so a session that asks for nothing belongs to a process that stands still: it loses the lock, and
    // a standby goes on.
    sqlx::query!("select set_config('idle_session_timeout', $1, false)", IDLE_MAX).fetch_one(&mut conn).await?;
    let mut events = app.events.subscribe();
    let mut pipeline = Pipeline::load(app, &mut conn).await?;
    let mut beat = tokio::time::interval(Duration::from_secs(1));
    let mut said: Option<Stopwatch> = None;
    loop {
        let behind = in_time(pipeline.drain_for(&mut conn, TURN)).await? == Drained::Partly;
        tokio::select! {
            () = std::future::ready(()), if behind => {}
            () = app.stop.cancelled() => break,
            () = app.ingest.tail().grown() => {}
            _ = beat.tick() => {
                in_time(pipeline.tick(&mut conn)).await?;
                if !behind && said.is_none_or(|said| said.elapsed() >= SAY_EVERY) {
                    store::say_caught_up(&mut conn, app.clock.now()).await?;
                    said = Some(Stopwatch::start());
                }
            }
            event = events.recv() => {
                let reload = match event {
                    Ok(event) => wants_reload(Ok(event)) | drain_events(&mut events),
                    Err(RecvError::Closed) => break,
                    lagged => wants_reload(lagged),
                };
                if reload {
                    pipeline.reload_if_changed(&mut conn).await?;
                }
            }
        }
    }
    conn.close().await?;
    Ok(())
}

fn wants_reload(event: Result<Event, RecvError>) -> bool {
    matches!(event, Ok(Event::Catalogue) | Err(RecvError::Lagged(_)))
}

/// One look at the journal answers any number of hints.
fn drain_events(events: &mut Receiver<Event>) -> bool {
    let mut reload = false;
    loop {
        match events.try_recv() {
            Ok(event) => reload |= event == Event::Catalogue,
            Err(TryRecvError::Lagged(_)) => reload = true,
            Err(TryRecvError::Empty | TryRecvError::Closed) => return reload,
        }
    }
}
