//! Reports of delivery: which are due, what they say, and the table that keeps them.

use sqlx::PgConnection;
use sqlx::types::Json;

use super::{content, control, tally, unreached};
use crate::clock::Instant;
use crate::dispatch::decide::State;
use crate::dispatch::report::{Cost, Report, Tariff};
use crate::dispatch::sms_text;
use crate::dispatch::tally::Tally;
use crate::ids::AlertId;

/// Receipts come for a while after an alert ran out.
const PATIENCE: chrono::TimeDelta = chrono::TimeDelta::hours(1);

/// The eldest alert of which nothing can move any more, or is waited for no longer, and that has no report yet.
pub async fn due(conn: &mut PgConnection, now: Instant) -> sqlx::Result<Option<AlertId>> {
    sqlx::query_scalar!(
        r#"select run.alert_id as "id: AlertId" from dispatch_run run join alert a on a.id = run.alert_id
        where run.spread_at is not null and not exists (select from delivery_report r where r.alert_id = run.alert_id)
            and not exists (select from delivery_change c where c.alert_id = run.alert_id)
            and not exists (select from delivery_tally t where t.alert_id = run.alert_id and t.what = 'state' and t.rows <> 0
                and (t.state in ('pending', 'sending') or (t.state in ('accepted', 'unknown') and a.expires_at > $1)))
        order by run.enqueued_at limit 1"#,
        now - PATIENCE
    )
    .fetch_optional(conn)
    .await
}

/// Counts everything once more, from the rows, and keeps it for good, in a transaction of its own that this begins with. `None` when
/// it has a report already, never left, or another process is at it.
pub async fn freeze(
    conn: &mut PgConnection,
    now: Instant,
    alert: AlertId,
    tariff: &Tariff<'_>,
) -> sqlx::Result<Option<Report>> {
    // One instant for all of it: a receipt that comes meanwhile must not stand in one sum and not in the other.
    sqlx::query!("set transaction isolation level repeatable read").execute(&mut *conn).await?;
    let mine =
        sqlx::query_scalar!(r#"select pg_try_advisory_xact_lock(hashtextextended('delivery report', 0)) as "mine!""#)
            .fetch_one(&mut *conn)
            .await?;
    if !mine {
        return Ok(None);
    }
    if load(&mut *conn, alert).await?.is_some() {
        return Ok(None);
    }
    let Some(watched) = tally::read_in(&mut *conn, now, alert).await? else { return Ok(None) };
    let Some(report) = make(&mut *conn, now, alert, tariff, watched).await? else { return Ok(None) };
    sqlx::query!(
        "insert into delivery_report (alert_id, frozen_at, report) values ($1, $2, $3)",
        alert.0,
        now,
        Json(&report) as _
    )
    .execute(conn)
    .await?;
    Ok(Some(report))
}

async fn make(
    conn: &mut PgConnection,
    now: Instant,
    alert: AlertId,
    tariff: &Tariff<'_>,
    watched: Tally,
) -> sqlx::Result<Option<Report>> {
    let about = sqlx::query!(
        r#"select coalesce(number, '') as "number!", kind, level, status, headline from alert where id = $1"#,
        alert.0
    )
    .fetch_one(&mut *conn)
    .await?;
    let (Some(left_at), Some(promised)) = (watched.left_at, watched.promised) else { return Ok(None) };
    let (while_it_ran, expires_at) = (watched.totals(), watched.expires_at);
    let counted = Tally { cells: tally::recount(&mut *conn, alert).await?, ..watched };
    let totals = counted.totals();
    Ok(Some(Report {
        alert_id: alert,
        number: about.number,
        kind: about.kind,
        level: about.level,
        status: about.status,
        headline: about.headline,
        left_at,
        expires_at,
        frozen_at: now,
        promised,
        found: totals.total(),
        counts_agree: totals == while_it_ran,
        totals,
        by_channel: counted.by_channel(),
        by_provider: counted.by_provider(),
        by_area: counted.by_area(),
        by_grade: counted.by_grade(),
        failures: counted.causes(&[State::Rejected, State::Undelivered, State::Expired, State::Unknown]),
        suppressed: counted.causes(&[State::Suppressed]),
        repeats: counted.repeated(),
        times: counted.times(),
        costs: costs(&mut *conn, alert, tariff, &counted).await?,
        unreached: unreached::find(&mut *conn, now, alert).await?.areas,
        acts: control::acts(conn, alert).await?,
    }))
}

/// What left by SMS. Repeats are counted with the town's own language, which most read.
async fn costs(
    conn: &mut PgConnection,
    alert: AlertId,
    tariff: &Tariff<'_>,
    counted: &Tally,
) -> sqlx::Result<Vec<Cost>> {
    let rows = sqlx::query!(
        r#"select coalesce(provider, '') as "provider!", language, count(*) as "messages!" from outbox
        where alert_id = $1 and channel = 'sms' and state in ('accepted', 'unknown', 'delivered', 'undelivered')
        group by 1, 2 order by 1, 2 desc"#,
        alert.0
    )
    .fetch_all(&mut *conn)
    .await?;
    let contents = content::load(conn, &[alert]).await?;
    let mut costs: Vec<Cost> = Vec::new();
    for row in rows {
        let Some((language, content)) = contents.of(alert, &row.language) else { continue };
        let is_national = tariff.is_national(&row.provider);
        let length = sms_text::measure_with(&content.sms(), is_national);
        let segments = i64::try_from(length.segments).unwrap_or(i64::MAX);
        match costs.iter_mut().find(|cost| cost.provider == row.provider && cost.language == language) {
            Some(cost) => cost.messages += row.messages,
            None => costs.push(Cost {
                provider: row.provider,
                language: language.to_owned(),
                messages: row.messages,
                segments,
                centavos: 0,
            }),
        }
    }
    for (_, provider, again) in counted.repeats.iter().filter(|(channel, _, _)| channel == "sms") {
        if let Some(cost) = costs.iter_mut().find(|cost| cost.provider == *provider) {
            cost.messages += again;
        }
    }
    for cost in &mut costs {
        let price = tariff.segment_centavos(&cost.provider);
        cost.centavos = cost.messages.saturating_mul(cost.segments).saturating_mul(price.into());
    }
    Ok(costs)
}

/// The report of an alert, if it has one.
pub async fn load(conn: &mut PgConnection, alert: AlertId) -> sqlx::Result<Option<Report>> {
    let kept = sqlx::query_scalar!(
        r#"select report as "report!: Json<Report>" from delivery_report where alert_id = $1"#,
        alert.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(kept.map(|kept| kept.0))
}

/// Whether an alert has one, without reading it.
pub async fn exists(conn: &mut PgConnection, alert: AlertId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select exists (select from delivery_report where alert_id = $1) as "exists!""#, alert.0)
        .fetch_one(conn)
        .await
}
