//! Checks of the chain that somebody asked for on the page: kept as rows, carried out by the service one after the other.

use std::sync::Arc;

use anyhow::Context as _;
use serde_json::json;
use sqlx::PgConnection;
use tokio::sync::Mutex;
use uuid::Uuid;

use super::chain::{Finding, Outcome};
use super::{Act, Actor, Entry, anchors, record, store, verify};
use crate::app::App;
use crate::clock::Instant;
use crate::events::{Event, notify};
use crate::ids::Ids;

/// One check.
#[derive(Clone, Debug)]
pub struct Check {
    pub id: Uuid,
    pub asked_at: Instant,
    pub asked_by: String,
    pub finished_at: Option<Instant>,
    pub checked: i64,
    pub total: i64,
    pub head_seq: i64,
    pub head_hash: Vec<u8>,
    pub findings: i64,
    /// The first findings in full.
    pub detail: Vec<Finding>,
    pub failure: String,
}

/// Findings kept with a check.
const KEPT: usize = 200;

/// Asks for a check, unless one waits already. The service hears of it when the transaction commits.
pub async fn ask(conn: &mut PgConnection, ids: &Ids, now: Instant, by: &str) -> sqlx::Result<()> {
    if store::waiting_check(&mut *conn).await?.is_none() {
        let total = store::estimate(&mut *conn).await?;
        store::add_check(&mut *conn, ids.uuid(now), now, by, total).await?;
    }
    notify(conn, &Event::AuditCheck).await
}

/// Carries out every check that waits. Of several processes one works, the others go on without.
///
/// # Errors
/// The database is away; the check waits on.
pub async fn carry_out(app: &App) -> anyhow::Result<()> {
    let mut conn = app.db.web.acquire().await?;
    if !store::claim_checks(&mut conn).await? {
        return Ok(());
    }
    let done = work(app, &mut conn).await;
    store::release_checks(&mut conn).await?;
    done
}

async fn work(app: &App, conn: &mut PgConnection) -> anyhow::Result<()> {
    while let Some((id, by)) = store::waiting_check(&mut *conn).await? {
        // Progress is written beside the reading, so that whoever asked sees it.
        let beside = Arc::new(Mutex::new(app.db.web.acquire().await?));
        let path = anchors::path(&app.config.data_dir);
        let outcome = verify::verify(&mut *conn, &path, Vec::new(), |checked| {
            let beside = Arc::clone(&beside);
            async move {
                let checked = i64::try_from(checked).unwrap_or(i64::MAX);
                Ok(store::progress_check(&mut **beside.lock().await, id, checked).await?)
            }
        })
        .await;
        let mut beside = beside.lock().await;
        let mut tx = sqlx::Connection::begin(&mut **beside).await?;
        let now = app.clock.now();
        match outcome {
            Ok(outcome) => {
                say(&outcome);
                finish(&mut tx, &app.ids, now, (id, &by), &outcome).await?;
            }
            // A database that is away ends this round; anything else would come again.
            Err(error) if error.is::<sqlx::Error>() => return Err(error),
            Err(error) => store::fail_check(&mut tx, id, now, &format!("{error:#}")).await?,
        }
        tx.commit().await?;
    }
    Ok(())
}

fn say(outcome: &Outcome) {
    for finding in &outcome.findings {
        tracing::error!(%finding, "the audit was tampered with");
    }
}

async fn finish(
    conn: &mut PgConnection,
    ids: &Ids,
    now: Instant,
    (id, by): (Uuid, &str),
    outcome: &Outcome,
) -> anyhow::Result<()> {
    store::finish_check(&mut *conn, id, now, outcome, &kept(outcome)?).await?;
    record(&mut *conn, ids, now, &Actor::service(), entry(id, by, outcome)).await?;
    // Whoever has the page open sees the end.
    notify(conn, &Event::AuditCheck).await?;
    Ok(())
}

/// Writes down a check that was made outside the service.
///
/// # Errors
/// The database's.
pub async fn remember(
    conn: &mut PgConnection,
    ids: &Ids,
    now: Instant,
    actor: &Actor,
    outcome: &Outcome,
) -> anyhow::Result<()> {
    let id = ids.uuid(now);
    let total = i64::try_from(outcome.checked).unwrap_or(i64::MAX);
    store::add_check(&mut *conn, id, now, &actor.name, total).await?;
    store::finish_check(&mut *conn, id, now, outcome, &kept(outcome)?).await?;
    record(conn, ids, now, actor, entry(id, &actor.name, outcome)).await?;
    Ok(())
}

fn kept(outcome: &Outcome) -> anyhow::Result<serde_json::Value> {
    let first = &outcome.findings[..outcome.findings.len().min(KEPT)];
    serde_json::to_value(first).context("findings are data")
}

fn entry(id: Uuid, by: &str, outcome: &Outcome) -> Entry {
    let found = json!({ "checked": outcome.checked, "findings": outcome.found, "asked_by": by });
    Entry::new(Act::AuditVerify, "audit_check", id).to(found)
}
