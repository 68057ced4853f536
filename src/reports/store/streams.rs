//! What reports say to rules: which streams they speak to, and what is not in the journal yet.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::Instant;
use crate::ids::{AreaId, DatastreamId, StationId};
use crate::reports::cluster::EXACT_M;
use crate::reports::feed::{MOST_UNCERTAIN_M, STALE_AFTER_S};
use crate::reports::kind::Kind;
use crate::units::{Quantity, StreamKind, UnknownWord};

/// Something to bring to the journal.
#[derive(Clone, Debug)]
pub struct Due {
    pub report: Uuid,
    pub kind: Kind,
    pub observed_at: Instant,
    pub weight: f64,
    /// How often it was asked to speak anew.
    pub asked: i32,
}

/// Advisory session lock of whoever brings reports to the journal ("RPTS").
pub const BRING_LOCK: i64 = 0x5250_5453;

/// Takes the lock of whoever brings, until `end_bringing` or the end of the session; false while another holds it.
pub async fn begin_bringing(conn: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select pg_try_advisory_lock($1) as "held!""#, BRING_LOCK).fetch_one(conn).await
}

pub async fn end_bringing(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query_scalar!(r#"select pg_advisory_unlock($1) as "held!""#, BRING_LOCK).fetch_one(conn).await?;
    Ok(())
}

/// True when the journal does not know the weight of some report.
pub async fn is_due(conn: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select exists (select from report_standing where fed is distinct from weight) as "is_due!""#)
        .fetch_one(conn)
        .await
}

/// Reports whose weight is another than the journal knows. Those that somebody is weighing right now come another time.
pub async fn due(conn: &mut PgConnection, limit: i64) -> sqlx::Result<Vec<Due>> {
    let decode = |error: UnknownWord| sqlx::Error::Decode(error.into());
    let rows = sqlx::query!(
        r#"select s.report_id, r.kind, r.observed_at, s.weight, s.asked
           from report_standing s join report r on r.id = s.report_id
           where s.fed is distinct from s.weight order by s.report_id limit $1 for update of s skip locked"#,
        limit
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Due {
                report: row.report_id,
                kind: row.kind.parse().map_err(decode)?,
                observed_at: row.observed_at,
                weight: row.weight,
                asked: row.asked,
            })
        })
        .collect()
}

/// A risk area that a report lies in.
#[derive(Clone, Debug)]
pub struct Touched {
    pub id: AreaId,
    pub code: String,
    pub name: String,
}

/// The areas of a report's place; of one that does not say it exactly, of the place where a person put its occurrence.
pub async fn touched(conn: &mut PgConnection, report: Uuid) -> sqlx::Result<Vec<Touched>> {
    sqlx::query_as!(
        Touched,
        r#"select a.id as "id: AreaId", a.code, a.name
           from (select case when p.geom is null or r.precision_m <= $3 then r.geom else p.geom end as geom,
                     case when p.geom is null or r.precision_m <= $3 then r.precision_m else p.precision_m end as precision_m
                 from report r join report_standing s on s.report_id = r.id
                 left join lateral (select geom, precision_m from occurrence_placing
                                    where occurrence_id = s.occurrence_id order by id desc limit 1) p on true
                 where r.id = $1) here
           join risk_area a on a.retired_at is null and a.geom && st_expand(here.geom, 0.002)
               and st_dwithin(a.geom::geography, here.geom::geography, least(here.precision_m, $2)::float8)
           order by a.id limit 50"#,
        report,
        MOST_UNCERTAIN_M,
        EXACT_M
    )
    .fetch_all(conn)
    .await
}

/// A stream that a report has spoken to.
#[derive(Clone, Copy, Debug)]
pub struct Spoken {
    pub id: DatastreamId,
    /// Whether it still does; what was put elsewhere does not.
    pub speaks: bool,
}

/// The streams a report has spoken to.
pub async fn of_report(conn: &mut PgConnection, report: Uuid) -> sqlx::Result<Vec<Spoken>> {
    sqlx::query_as!(
        Spoken,
        r#"select datastream_id as "id: DatastreamId", speaks from report_stream where report_id = $1 order by datastream_id"#,
        report
    )
    .fetch_all(conn)
    .await
}

/// Whether a report speaks from the place where a person put its occurrence, which may have been moved.
pub async fn is_placed(conn: &mut PgConnection, report: Uuid) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from report r join report_standing s on s.report_id = r.id
                          join occurrence_placing p on p.occurrence_id = s.occurrence_id
                          where r.id = $1 and (r.geom is null or r.precision_m > $2)) as "is_placed!""#,
        report,
        EXACT_M
    )
    .fetch_one(conn)
    .await
}

/// It speaks to none of its streams, until it is linked again.
pub async fn hush(conn: &mut PgConnection, report: Uuid) -> sqlx::Result<()> {
    sqlx::query!("update report_stream set speaks = false where report_id = $1", report).execute(conn).await?;
    Ok(())
}

/// The stream of this name at the virtual station of an area. The second part is true when it was made just now.
pub async fn stream(
    conn: &mut PgConnection,
    now: Instant,
    area: AreaId,
    (code, station, stream): (&str, &str, &str),
    (quantity, kind): (Quantity, StreamKind),
) -> sqlx::Result<(DatastreamId, bool)> {
    let station_id = sqlx::query_scalar!(
        r#"insert into station (code, name, geom, source, is_virtual, created_at, updated_at)
           select $2, $3, st_pointonsurface(geom), 'reports', true, $4, $4 from risk_area where id = $1
           on conflict (code) do update set updated_at = station.updated_at returning id as "id: StationId""#,
        area.0,
        code,
        station,
        now
    )
    .fetch_one(&mut *conn)
    .await?;
    let made = sqlx::query_scalar!(
        r#"insert into datastream (station_id, name, quantity, unit, kind, stale_after_s, created_at)
           values ($1, $2, $5, '1', $6, $3, $4)
           on conflict (station_id, name) do nothing returning id as "id: DatastreamId""#,
        station_id.0,
        stream,
        STALE_AFTER_S,
        now,
        quantity.as_str(),
        kind.as_str()
    )
    .fetch_optional(&mut *conn)
    .await?;
    if let Some(id) = made {
        return Ok((id, true));
    }
    let id = sqlx::query_scalar!(
        r#"select id as "id: DatastreamId" from datastream where station_id = $1 and name = $2"#,
        station_id.0,
        stream
    );
    Ok((id.fetch_one(conn).await?, false))
}

pub async fn link(conn: &mut PgConnection, report: Uuid, stream: DatastreamId) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into report_stream (report_id, datastream_id) values ($1, $2)
         on conflict (report_id, datastream_id) do update set speaks = true",
        report,
        stream.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What is in the journal now. A report that was weighed anew or put elsewhere meanwhile stays due.
pub async fn fed(conn: &mut PgConnection, due: &[Due]) -> sqlx::Result<()> {
    let reports: Vec<Uuid> = due.iter().map(|due| due.report).collect();
    let weights: Vec<f64> = due.iter().map(|due| due.weight).collect();
    let asked: Vec<i32> = due.iter().map(|due| due.asked).collect();
    sqlx::query!(
        "update report_standing s set fed = d.weight from unnest($1::uuid[], $2::float8[], $3::integer[]) as d (id, weight, asked)
         where s.report_id = d.id and s.weight = d.weight and s.asked = d.asked",
        &reports,
        &weights,
        &asked
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The streams in whose windows a report may still lie.
pub async fn lively(conn: &mut PgConnection, since: Instant) -> sqlx::Result<Vec<DatastreamId>> {
    sqlx::query_scalar!(
        r#"select distinct rs.datastream_id as "id!: DatastreamId" from report_stream rs join report r on r.id = rs.report_id
           where r.received_at > $1 order by 1"#,
        since
    )
    .fetch_all(conn)
    .await
}
