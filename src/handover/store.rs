//! Packs in PostgreSQL: what an alert holds for, what was ticked, what was handed over.

use serde_json::json;
use sqlx::PgConnection;

use super::files::Place;
use super::{HandedOver, NewHandOver, PublicChannel, Ticked};
use crate::alerts::store as alerts;
use crate::audit::{self, Actor, Entry};
use crate::clock::Instant;
use crate::db::geometry;
use crate::events::{Event, notify};
use crate::ids::{AlertId, Ids};

/// Everything that an alert holds for, by name.
///
/// # Errors
/// The database's; a shape that is none.
pub async fn places(conn: &mut PgConnection, id: AlertId) -> anyhow::Result<Vec<Place>> {
    let rows = sqlx::query!(
        r#"select name as "name!", code, st_asbinary(geom) as "geom!" from alert_target where alert_id = $1
           order by name, area_id nulls last, shape_id"#,
        id.0
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| Ok(Place { name: row.name, code: row.code, shape: geometry::polygons_from_wkb(&row.geom)? }))
        .collect()
}

/// The message as it was issued, in its very bytes.
pub async fn message(conn: &mut PgConnection, id: AlertId) -> sqlx::Result<Option<String>> {
    let found = sqlx::query_scalar!("select cap_xml from alert where id = $1", id.0).fetch_optional(conn).await?;
    Ok(found.flatten())
}

/// What was handed over, oldest first.
pub async fn handed_over(conn: &mut PgConnection, id: AlertId) -> sqlx::Result<Vec<HandedOver>> {
    sqlx::query_as!(
        HandedOver,
        "select id, channel, text, class, given_to, given_at, protocol, note, recorded_at, recorded_by
         from handover where alert_id = $1 order by id",
        id.0
    )
    .fetch_all(conn)
    .await
}

/// Where each step stands that was ever ticked.
pub async fn ticks(conn: &mut PgConnection, id: AlertId) -> sqlx::Result<Vec<Ticked>> {
    sqlx::query_as!(
        Ticked,
        "select distinct on (step) step, done, at, by from handover_tick where alert_id = $1 order by step, id desc",
        id.0
    )
    .fetch_all(conn)
    .await
}

/// Ticks a step, or takes the tick back. Two who press at once tick once. False when it is so already.
///
/// # Errors
/// The database's.
pub async fn tick(
    conn: &mut PgConnection,
    (ids, now, actor): (&Ids, Instant, &Actor),
    id: AlertId,
    step: &'static str,
    done: bool,
) -> sqlx::Result<bool> {
    sqlx::query!("select 1 as one from alert where id = $1 for no key update", id.0).fetch_optional(&mut *conn).await?;
    let stands = sqlx::query_scalar!(
        "select done from handover_tick where alert_id = $1 and step = $2 order by id desc limit 1",
        id.0,
        step
    )
    .fetch_optional(&mut *conn)
    .await?;
    if stands.unwrap_or(false) == done {
        return Ok(false);
    }
    sqlx::query!(
        "insert into handover_tick (alert_id, step, done, at, by) values ($1, $2, $3, $4, $5)",
        id.0,
        step,
        done,
        now,
        actor.name
    )
    .execute(&mut *conn)
    .await?;
    let entry = Entry::new(audit::Act::AlertTickHandOver, "alert", id).to(json!({ "step": step, "done": done }));
    audit::record(&mut *conn, ids, now, actor, entry).await?;
    notify(conn, &Event::Alert { id: id.0 }).await?;
    Ok(true)
}

/// Records that something was handed over: a row that nobody rewrites, a line in the alert's history, and one in the audit.
///
/// # Errors
/// The database's.
pub async fn record(
    conn: &mut PgConnection,
    (ids, now, actor): (&Ids, Instant, &Actor),
    id: AlertId,
    new: &NewHandOver,
) -> sqlx::Result<i64> {
    let row = sqlx::query_scalar!(
        "insert into handover (alert_id, channel, text, class, given_to, given_at, protocol, note, recorded_at, recorded_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning id",
        id.0,
        new.channel.as_str(),
        new.text.trim(),
        new.class,
        new.given_to.trim(),
        new.given_at,
        new.protocol.trim(),
        new.note.trim(),
        now,
        actor.name
    )
    .fetch_one(&mut *conn)
    .await?;
    let said = format!("{} → {} {}", words(new.channel), new.given_to.trim(), new.protocol.trim());
    let detail = json!({
        "reason": said.trim(), "channel": new.channel, "given_to": new.given_to.trim(), "given_at": new.given_at,
        "protocol": new.protocol.trim(), "class": new.class,
    });
    alerts::record(&mut *conn, id, now, &actor.name, "handed over", &detail).await?;
    let entry = Entry::new(audit::Act::AlertHandOver, "alert", id).because(new.note.trim()).to(detail);
    audit::record(&mut *conn, ids, now, actor, entry).await?;
    notify(conn, &Event::Alert { id: id.0 }).await?;
    Ok(row)
}

/// What people call the channel.
pub const fn words(channel: PublicChannel) -> &'static str {
    match channel {
        PublicChannel::Idap => "IDAP",
        PublicChannel::Sms40199 => "SMS 40199",
        PublicChannel::CellBroadcast => "Defesa Civil Alerta",
    }
}

/// Real alerts of the highest level in force of which nothing was handed over yet: id and number, oldest first.
pub async fn waiting(conn: &mut PgConnection) -> sqlx::Result<Vec<(AlertId, String)>> {
    let rows = sqlx::query!(
        r#"select id as "id: AlertId", number as "number!" from alert a
           where state = 'issued' and status = 'actual' and level = 'maximum' and kind in ('alert', 'update') and number is not null
             and not exists (select from handover h where h.alert_id = a.id)
           order by issued_at, id limit 20"#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.number)).collect())
}
