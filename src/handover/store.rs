//! Packs in PostgreSQL: what an alert holds for, what was ticked, what was handed over.

use chrono::TimeDelta;
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

/// What became of an issued alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fate {
    /// It is in force, or is itself the newest word of an end.
    pub stands: bool,
    /// The newest message that replaced or ended it, with its number.
    pub newest: Option<(AlertId, String)>,
}

pub async fn fate(conn: &mut PgConnection, id: AlertId) -> sqlx::Result<Fate> {
    let row = sqlx::query!(
        r#"with recursive later as (
               select id, number, 1 as far from alert where references_alert_id = $1 and number is not null
               union all
               select a.id, a.number, later.far + 1 from later join alert a on a.references_alert_id = later.id
               where a.number is not null and later.far < 1000)
           select alert_stands(a.state, a.kind) and newest.id is null as "stands!", newest.id as "newest?: AlertId",
                  newest.number as "number?"
           from alert a left join lateral (select id, number from later order by far desc limit 1) as newest on true
           where a.id = $1"#,
        id.0
    )
    .fetch_one(conn)
    .await?;
    Ok(Fate { stands: row.stands, newest: row.newest.zip(row.number) })
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

/// The same again within this is a double click, or a form sent twice over a bad line.
const SAME_WITHIN: TimeDelta = TimeDelta::minutes(1);

/// Records that something was handed over: a row that nobody rewrites, a line in the alert's history, and one in the audit. False when
/// the same person recorded the very same a moment ago; it is recorded once.
///
/// # Errors
/// The database's.
pub async fn record(
    conn: &mut PgConnection,
    (ids, now, actor): (&Ids, Instant, &Actor),
    id: AlertId,
    new: &NewHandOver,
) -> sqlx::Result<bool> {
    // Two that press at once record once.
    sqlx::query!("select 1 as one from alert where id = $1 for no key update", id.0).fetch_optional(&mut *conn).await?;
    let recorded = sqlx::query!(
        "insert into handover (alert_id, channel, text, class, given_to, given_at, protocol, note, recorded_at, recorded_by)
         select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10
         where not exists (select from handover where alert_id = $1 and channel = $2 and text = $3 and given_to = $5
             and given_at = $6 and protocol = $7 and note = $8 and recorded_by = $10 and recorded_at > $11)",
        id.0,
        new.channel.as_str(),
        new.text.trim(),
        new.class,
        new.given_to.trim(),
        new.given_at,
        new.protocol.trim(),
        new.note.trim(),
        now,
        actor.name,
        now - SAME_WITHIN
    )
    .execute(&mut *conn)
    .await?;
    if recorded.rows_affected() == 0 {
        return Ok(false);
    }
    let said = format!("{} → {} {}", words(new.channel), new.given_to.trim(), new.protocol.trim());
    let detail = json!({
        "reason": said.trim(), "channel": new.channel, "given_to": new.given_to.trim(), "given_at": new.given_at,
        "protocol": new.protocol.trim(), "class": new.class,
    });
    alerts::record(&mut *conn, id, now, &actor.name, "handed over", &detail).await?;
    let entry = Entry::new(audit::Act::AlertHandOver, "alert", id).because(new.note.trim()).to(detail);
    audit::record(&mut *conn, ids, now, actor, entry).await?;
    notify(conn, &Event::Alert { id: id.0 }).await?;
    Ok(true)
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
