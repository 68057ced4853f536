//! The morning report in PostgreSQL: what it is gathered from, and what is kept of it.

use chrono::{NaiveDate, TimeDelta};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::{Body, Dark, FailingFeed, MOST, Move, Rain, Trouble};
use crate::clock::Instant;
use crate::ids::StaffId;
use crate::stations::health::blind::blindness;
use crate::stations::health::store as health;
use crate::web::situation;

/// Stations of the list of rain.
const WETTEST: usize = 8;

fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

/// Everything as it stands at `now`, and what happened in the 24 hours before.
pub async fn gather(conn: &mut PgConnection, now: Instant) -> sqlx::Result<Body> {
    let since = now - TimeDelta::hours(24);
    let (opened, closed) = troubles(&mut *conn, since).await?;
    let (readings, quarantined) = received(&mut *conn, since, now).await?;
    let rained = rain(&mut *conn, now).await?;
    Ok(Body {
        levels: situation::counts(&mut *conn).await?,
        changes: changes(&mut *conn, since).await?,
        rain: rained.wettest,
        rain_gauges: rained.gauges,
        rain_mute: rained.mute,
        blind: blind(&mut *conn).await?,
        opened,
        closed,
        feeds: feeds(&mut *conn).await?,
        messages: messages(&mut *conn, since).await?,
        incidents: incidents(&mut *conn).await?,
        readings,
        quarantined,
    })
}

/// From the level of the day before to the one now, where they differ.
async fn changes(conn: &mut PgConnection, since: Instant) -> sqlx::Result<Vec<Move>> {
    let rows = sqlx::query!(
        r#"select a.name, t.cobrade, (array_agg(t.from_level order by t.id))[1] as "from!",
                  (array_agg(t.to_level order by t.id desc))[1] as "to!", max(t.at) as "at!"
           from level_transition t join risk_area a on a.id = t.area_id where t.at > $1
           group by a.id, a.name, t.cobrade
           having (array_agg(t.from_level order by t.id))[1] <> (array_agg(t.to_level order by t.id desc))[1]
           order by max(t.at) desc, a.name limit $2"#,
        since,
        MOST as i64
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let (from, to) = (row.from.parse().map_err(decode)?, row.to.parse().map_err(decode)?);
            Ok(Move { area: row.name, cobrade: row.cobrade, from, to, at: row.at })
        })
        .collect()
}

/// What the gauges measured, whether they send sums or a running total.
#[derive(Default)]
struct Rained {
    wettest: Vec<Rain>,
    gauges: usize,
    mute: usize,
}

async fn rain(conn: &mut PgConnection, now: Instant) -> sqlx::Result<Rained> {
    let rows = sqlx::query!(
        r#"select s.code, s.name, coalesce(sums.h24, 0) as "h24_mm!", coalesce(sums.h72, 0) as "h72_mm!", sums.spoken as "spoken!"
           from datastream d join station s on s.id = d.station_id and s.active and not s.is_virtual
           cross join lateral (
               select sum(step) as h72, sum(step) filter (where observed_at > $2) as h24,
                      count(step) filter (where observed_at > $2) as spoken
               from stream_steps(d.id, $3, $1)) sums
           where d.quantity = 'rain' and d.kind <> 'instantaneous'
           order by sums.h24 desc nulls last, sums.h72 desc nulls last, s.name, d.id"#,
        now,
        now - TimeDelta::hours(24),
        now - TimeDelta::hours(72)
    )
    .fetch_all(conn)
    .await?;
    let mut rained = Rained { gauges: rows.len(), ..Rained::default() };
    for row in rows {
        rained.mute += usize::from(row.spoken == 0);
        if row.h72_mm > 0.0 && rained.wettest.len() < WETTEST {
            let (h24_mm, h72_mm) = (row.h24_mm, row.h72_mm);
            rained.wettest.push(Rain { code: row.code, station: row.name, h24_mm, h72_mm });
        }
    }
    Ok(rained)
}

async fn blind(conn: &mut PgConnection) -> sqlx::Result<Vec<Dark>> {
    let pairs = situation::pairs(conn, None).await?;
    let judged = pairs.into_iter().filter(situation::Pair::is_judged);
    Ok(judged
        .filter_map(|pair| {
            let why = blindness(pair.level, &pair.reasons)?;
            Some(Dark { area: pair.area_name, cobrade: pair.cobrade, why })
        })
        .collect())
}

/// Faults opened in the last day and open still, and those closed in it.
async fn troubles(conn: &mut PgConnection, since: Instant) -> sqlx::Result<(Vec<Trouble>, Vec<Trouble>)> {
    let (mut opened, mut closed) = (Vec::new(), Vec::new());
    for fault in health::faults(conn, None, since).await? {
        let kind = fault.kind.parse().map_err(decode)?;
        let trouble = Trouble { code: fault.station, station: fault.station_name, kind, began_at: fault.began_at };
        if fault.closed_at.is_some() {
            closed.push(trouble);
        } else if fault.opened_at > since {
            opened.push(trouble);
        }
    }
    Ok((opened, closed))
}

async fn feeds(conn: &mut PgConnection) -> sqlx::Result<Vec<FailingFeed>> {
    sqlx::query_as!(FailingFeed, "select name, failures, error from feed where failures > 0 order by name")
        .fetch_all(conn)
        .await
}

/// Messages to residents: of an endpoint nobody counts as somebody who was told.
async fn messages(conn: &mut PgConnection, since: Instant) -> sqlx::Result<Vec<(String, i64)>> {
    let rows = sqlx::query!(
        r#"select o.state, count(*) as "count!" from outbox o join alert a on a.id = o.alert_id
           where a.issued_at > $1 and o.endpoint_id is null group by o.state order by o.state"#,
        since
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.state, row.count)).collect())
}

async fn incidents(conn: &mut PgConnection) -> sqlx::Result<Vec<(String, String)>> {
    let rows = sqlx::query!(
        "select number, title from incident where state = 'open' order by opened_at limit $1",
        MOST as i64
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.number, row.title)).collect())
}

/// Readings measured and received within the day, and messages put into quarantine.
async fn received(conn: &mut PgConnection, since: Instant, now: Instant) -> sqlx::Result<(i64, i64)> {
    let row = sqlx::query!(
        r#"select (select count(*) from datastream d join journal j on j.datastream_id = d.id
                   where j.observed_at > $1::timestamptz - interval '1 day' and j.observed_at <= $2::timestamptz + interval '1 day'
                     and j.received_at > $1 and j.received_at <= $2) as "readings!",
                  (select count(*) from quarantine where received_at > $1 and received_at <= $2) as "quarantined!""#,
        since,
        now
    )
    .fetch_one(conn)
    .await?;
    Ok((row.readings, row.quarantined))
}

pub async fn exists(conn: &mut PgConnection, day: NaiveDate) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select exists (select from morning_report where day = $1) as "exists!""#, day)
        .fetch_one(conn)
        .await
}

/// False when another process was quicker.
pub async fn keep(conn: &mut PgConnection, day: NaiveDate, now: Instant, body: &Body) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "insert into morning_report (day, made_at, body) values ($1, $2, $3) on conflict do nothing",
        day,
        now,
        Json(body) as _
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The report of a day as it was written, and when.
pub async fn of_day(conn: &mut PgConnection, day: NaiveDate) -> sqlx::Result<Option<(Instant, Body)>> {
    let row = sqlx::query!(r#"select made_at, body as "body: Json<Body>" from morning_report where day = $1"#, day)
        .fetch_optional(conn)
        .await?;
    Ok(row.map(|row| (row.made_at, row.body.0)))
}

/// The newest days that have a report, newest first.
pub async fn days(conn: &mut PgConnection) -> sqlx::Result<Vec<NaiveDate>> {
    sqlx::query_scalar!("select day from morning_report order by day desc limit 31").fetch_all(conn).await
}

/// Somebody who gets the report.
#[derive(Clone, Debug)]
pub struct Reader {
    pub id: StaffId,
    pub email: String,
    pub language: String,
}

/// Whoever asked for it, and coordinators who did not decline.
pub async fn readers(conn: &mut PgConnection) -> sqlx::Result<Vec<Reader>> {
    sqlx::query_as!(
        Reader,
        r#"select id as "id: StaffId", email as "email!", language from staff
           where disabled_at is null and email is not null
             and coalesce(morning_report, 'coordinator' = any(roles)) order by username"#
    )
    .fetch_all(conn)
    .await
}

pub async fn sent(
    conn: &mut PgConnection,
    day: NaiveDate,
    reader: StaffId,
    notice: Uuid,
    now: Instant,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into morning_letter (day, staff_id, notice_id, queued_at) values ($1, $2, $3, $4)",
        day,
        reader.0,
        notice,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether somebody gets the report: their own wish, or by role.
pub async fn wish(conn: &mut PgConnection, reader: StaffId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select coalesce(morning_report, 'coordinator' = any(roles)) as "wish!" from staff where id = $1"#,
        reader.0
    )
    .fetch_one(conn)
    .await
}

pub async fn set_wish(conn: &mut PgConnection, reader: StaffId, wish: bool) -> sqlx::Result<()> {
    sqlx::query!("update staff set morning_report = $2 where id = $1", reader.0, wish).execute(conn).await?;
    Ok(())
}
