//! Reports and occurrences in PostgreSQL.

pub mod list;
pub mod photographs;
mod places;
pub mod placing;
pub mod queue;
pub mod stray;
pub mod streams;

use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

pub use self::places::{area_names, ground, home_of, is_far};
use super::cluster::{Because, Candidate, Seen, Spot};
use super::take::{NewReport, Taken};
use super::trust::{Doubt, Standing, Trust};
use super::{Kind, State};
use crate::clock::Instant;
use crate::units::UnknownWord;

/// "REPO": one report at a time finds its occurrence.
const LOCK: i64 = 0x5245_504f;
/// Farther than any two reports of one thing can be.
const FARTHEST_M: f64 = 800.0;
/// Occurrences looked at around a place.
const MOST_NEAR: i64 = 200;

fn decode(error: UnknownWord) -> sqlx::Error {
    sqlx::Error::Decode(error.into())
}

fn spot(lon: Option<f64>, lat: Option<f64>, precision_m: Option<i32>) -> Option<Spot> {
    Some(Spot { lon: lon?, lat: lat?, precision_m: precision_m? })
}

pub async fn lock(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock($1)", LOCK).execute(conn).await?;
    Ok(())
}

/// What became of the report that came under this key before.
pub async fn by_key(conn: &mut PgConnection, key: &str) -> sqlx::Result<Option<Taken>> {
    let row = sqlx::query!(
        "select r.id, r.protocol, s.occurrence_id, o.number from report r join report_standing s on s.report_id = r.id
             join occurrence o on o.id = s.occurrence_id where r.idempotency_key = $1",
        key
    );
    Ok(row.fetch_optional(conn).await?.map(|row| Taken {
        id: row.id,
        protocol: row.protocol,
        occurrence: row.occurrence_id,
        occurrence_number: row.number,
        is_new: false,
    }))
}

/// How many other reports came under keys that begin so.
pub async fn uses(conn: &mut PgConnection, begins: &str, but: &str, since: Instant) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from report
           where received_at > $3 and starts_with(idempotency_key, $1) and idempotency_key <> $2"#,
        begins,
        but,
        since
    )
    .fetch_one(conn)
    .await
}

/// What a report is, beside what its sender said.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    pub id: Uuid,
    pub protocol: &'a str,
    pub observed_at: Instant,
    pub received_at: Instant,
    pub reporter: &'a [u8; 16],
    /// The network address it came from, as a mark.
    pub origin: Option<&'a [u8; 16]>,
    pub doubts: &'a [Doubt],
}

pub async fn insert(conn: &mut PgConnection, row: &Row<'_>, new: &NewReport<'_>) -> sqlx::Result<()> {
    let doubts: Vec<String> = row.doubts.iter().map(ToString::to_string).collect();
    let spot = new.spot.map(|(spot, _)| spot);
    sqlx::query!(
        "insert into report (id, protocol, idempotency_key, source, kind, words, place, geom, precision_m, place_from, observed_at,
             received_at, language, reporter, standing, staff, doubts, origin)
         values ($1, $2, $3, $4, $5, $6, $7, st_setsrid(st_makepoint($8, $9), 4326), $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
        row.id,
        row.protocol,
        new.key,
        new.source.as_str(),
        new.kind.as_str(),
        new.words,
        new.place,
        spot.map(|spot| spot.lon) as Option<f64>,
        spot.map(|spot| spot.lat) as Option<f64>,
        spot.map(|spot| spot.precision_m) as Option<i32>,
        new.spot.map_or(super::PlaceFrom::Unknown, |(_, from)| from).as_str(),
        row.observed_at,
        row.received_at,
        new.language,
        row.reporter.as_slice(),
        new.reporter.standing.as_str(),
        new.reporter.staff.as_ref().map(|staff| staff.name.as_str()) as Option<&str>,
        &doubts,
        row.origin.map(<[u8; 16]>::as_slice) as Option<&[u8]>
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn keep_contact(conn: &mut PgConnection, report: Uuid, sealed: &[u8], now: Instant) -> sqlx::Result<()> {
    sqlx::query!("insert into report_contact (report_id, sealed, created_at) values ($1, $2, $3)", report, sealed, now)
        .execute(conn)
        .await?;
    Ok(())
}

/// How many reports of this reporter came since then.
pub async fn lately(conn: &mut PgConnection, reporter: &[u8; 16], since: Instant) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from report where reporter = $1 and received_at > $2"#,
        reporter.as_slice(),
        since
    )
    .fetch_one(conn)
    .await
}

/// How many reports came from this network address since then.
pub async fn lately_from(conn: &mut PgConnection, origin: &[u8; 16], since: Instant) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from report where origin = $1 and received_at > $2"#,
        origin.as_slice(),
        since
    )
    .fetch_one(conn)
    .await
}

/// Open occurrences around a place.
pub async fn open_near(conn: &mut PgConnection, there: Spot, at: Instant) -> sqlx::Result<Vec<Candidate>> {
    let longest = chrono::TimeDelta::hours(24);
    let rows = sqlx::query!(
        r#"select id, kind, st_x(geom) as lon, st_y(geom) as lat, precision_m, first_at, last_at from occurrence
           where state in ('new', 'confirmed', 'dispatched', 'on_scene') and last_at > $4 and first_at < $5
             and geom && st_expand(st_setsrid(st_makepoint($1, $2), 4326), $3::float8 / 90000.0::float8)
           order by geom <-> st_setsrid(st_makepoint($1, $2), 4326), id limit $6"#,
        there.lon,
        there.lat,
        FARTHEST_M,
        at - longest,
        at + longest,
        MOST_NEAR
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Candidate {
                id: row.id,
                kind: row.kind.parse().map_err(decode)?,
                spot: spot(row.lon, row.lat, row.precision_m),
                first_at: row.first_at,
                last_at: row.last_at,
            })
        })
        .collect()
}

pub async fn number(conn: &mut PgConnection, occurrence: Uuid) -> sqlx::Result<String> {
    sqlx::query_scalar!("select number from occurrence where id = $1", occurrence).fetch_one(conn).await
}

/// A new occurrence, with its number.
pub async fn open(
    conn: &mut PgConnection,
    id: Uuid,
    (now, year): (Instant, i32),
    seen: &Seen,
) -> sqlx::Result<(Uuid, String)> {
    let (number, _) = crate::alerts::store::next_number(&mut *conn, "occurrence", year).await?;
    sqlx::query!(
        "insert into occurrence (id, number, kind, state, geom, precision_m, opened_at, first_at, last_at, cobrade)
         values ($1, $2, $3, 'new', st_setsrid(st_makepoint($4, $5), 4326), $6, $7, $8, $8, $9)",
        id,
        number,
        seen.kind.as_str(),
        seen.spot.map(|spot| spot.lon) as Option<f64>,
        seen.spot.map(|spot| spot.lat) as Option<f64>,
        seen.spot.map(|spot| spot.precision_m) as Option<i32>,
        now,
        seen.at,
        seen.kind.cobrade()
    )
    .execute(conn)
    .await?;
    Ok((id, number))
}

/// Puts a report to an occurrence, or to another than before.
pub async fn stand(conn: &mut PgConnection, report: Uuid, occurrence: Uuid, because: &Because) -> sqlx::Result<()> {
    let because = serde_json::to_value(because).unwrap_or_default();
    sqlx::query!(
        "insert into report_standing (report_id, occurrence_id, because, trust, reasons, weight) values ($1, $2, $3, 0, '[]', 0)
         on conflict (report_id) do update set occurrence_id = excluded.occurrence_id, because = excluded.because",
        report,
        occurrence,
        because
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes onto the timeline of an occurrence. An empty actor is the service's own, or the public.
pub async fn tell(
    conn: &mut PgConnection,
    occurrence: Uuid,
    now: Instant,
    actor: &str,
    kind: &str,
    text: &str,
    detail: &Value,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into occurrence_event (occurrence_id, at, actor, kind, text, detail) values ($1, $2, $3, $4, $5, $6)",
        occurrence,
        now,
        actor,
        kind,
        text,
        detail
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A report of an occurrence with what its trust depends on.
#[derive(Clone, Debug)]
pub struct Member {
    pub id: Uuid,
    pub kind: Kind,
    pub standing: Standing,
    pub doubts: Vec<Doubt>,
    pub reporter: Vec<u8>,
    /// The network address it came from, as a mark.
    pub origin: Option<Vec<u8>>,
    pub received_at: Instant,
    pub spot: Option<Spot>,
    pub photographs: i64,
    pub confirmed: i64,
    pub dismissed: i64,
    /// It tells of what the service measured itself.
    pub is_echo: bool,
}

/// The reports of an occurrence in the order they came.
pub async fn members(conn: &mut PgConnection, occurrence: Uuid) -> sqlx::Result<Vec<Member>> {
    let rows = sqlx::query!(
        r#"select r.id, r.kind, r.standing, r.doubts, r.reporter, r.origin, r.received_at, st_x(r.geom) as lon, st_y(r.geom) as lat, r.precision_m,
               (select count(*) from attachment a where a.report_id = r.id and a.removed_at is null) as "photographs!",
               earlier.confirmed as "confirmed!", earlier.dismissed as "dismissed!",
               exists (select from report_cause g where g.report_id = r.id and g.kind in ('alert', 'level', 'reading', 'media')) as "is_echo!"
           from report_standing s join report r on r.id = s.report_id
           cross join lateral (
               select count(*) filter (where o.confirmed_at is not null) as confirmed,
                      count(*) filter (where o.state = 'dismissed') as dismissed
               from (select id from report e where e.reporter = r.reporter and e.received_at < r.received_at
                     order by e.received_at desc limit 50) e
               join report_standing es on es.report_id = e.id join occurrence o on o.id = es.occurrence_id
               where o.id <> s.occurrence_id) earlier
           where s.occurrence_id = $1 order by r.received_at, r.id limit 500"#,
        occurrence
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let doubts: Result<Vec<Doubt>, _> = row.doubts.iter().map(|word| word.parse()).collect();
            Ok(Member {
                id: row.id,
                kind: row.kind.parse().map_err(decode)?,
                standing: row.standing.parse().map_err(decode)?,
                doubts: doubts.map_err(decode)?,
                reporter: row.reporter,
                origin: row.origin,
                received_at: row.received_at,
                spot: spot(row.lon, row.lat, row.precision_m),
                photographs: row.photographs,
                confirmed: row.confirmed,
                dismissed: row.dismissed,
                is_echo: row.is_echo,
            })
        })
        .collect()
}

/// Where an occurrence stands, locked, and when it was confirmed.
pub async fn state(conn: &mut PgConnection, occurrence: Uuid) -> sqlx::Result<Option<(State, Option<Instant>)>> {
    let row = sqlx::query!("select state, confirmed_at from occurrence where id = $1 for no key update", occurrence);
    let row = row.fetch_optional(conn).await?;
    row.map(|row| Ok((row.state.parse().map_err(decode)?, row.confirmed_at))).transpose()
}

/// What the weighing of a report came to.
#[derive(Clone, Debug)]
pub struct Judged {
    pub report: Uuid,
    pub trust: Trust,
    pub weight: f64,
    /// One witness more: neither its reporter nor enough others of the same network address have spoken there before.
    pub is_counted: bool,
}

pub async fn save_judged(conn: &mut PgConnection, judged: &[Judged]) -> sqlx::Result<()> {
    let reports: Vec<Uuid> = judged.iter().map(|one| one.report).collect();
    let scores: Vec<f64> = judged.iter().map(|one| one.trust.score).collect();
    let reasons: Vec<Value> =
        judged.iter().map(|one| serde_json::to_value(&one.trust.reasons).unwrap_or_default()).collect();
    let weights: Vec<f64> = judged.iter().map(|one| one.weight).collect();
    sqlx::query!(
        "update report_standing s set trust = j.score, reasons = j.reasons, weight = j.weight
         from unnest($1::uuid[], $2::float8[], $3::jsonb[], $4::float8[]) as j (id, score, reasons, weight)
         where s.report_id = j.id",
        &reports,
        &scores,
        &reasons,
        &weights
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What an occurrence is by its reports.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    pub kind: Kind,
    pub spot: Option<Spot>,
    pub trust: f64,
    pub pressing: f64,
}

pub async fn save_summary(conn: &mut PgConnection, occurrence: Uuid, summary: &Summary) -> sqlx::Result<()> {
    sqlx::query!(
        "update occurrence o set kind = $2, geom = st_setsrid(st_makepoint($3, $4), 4326), precision_m = $5, trust = $6,
             cobrade = case when o.cobrade_by_hand then o.cobrade else $8 end, pressing = $7, first_at = coalesce(span.first_at, o.first_at), last_at = coalesce(span.last_at, o.last_at)
         from (select min(r.observed_at) as first_at, max(r.observed_at) as last_at
               from report_standing s join report r on r.id = s.report_id where s.occurrence_id = $1) span
         where o.id = $1",
        occurrence,
        summary.kind.as_str(),
        summary.spot.map(|spot| spot.lon) as Option<f64>,
        summary.spot.map(|spot| spot.lat) as Option<f64>,
        summary.spot.map(|spot| spot.precision_m) as Option<i32>,
        summary.trust,
        summary.pressing,
        summary.kind.cobrade()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Moves an occurrence on; `false` when it does not stand where the act begins.
pub async fn decide(
    conn: &mut PgConnection,
    occurrence: Uuid,
    from: &[State],
    to: State,
    (now, who, reason): (Instant, &str, &str),
) -> sqlx::Result<bool> {
    let from: Vec<String> = from.iter().map(ToString::to_string).collect();
    let is_new = to == State::New;
    let (is_confirmed, is_resolved) = (to == State::Confirmed, to == State::Resolved);
    // Whoever was sent to look has not confirmed it by that; whoever did the work has.
    let is_kept = matches!(to, State::Dispatched | State::OnScene | State::Closed);
    let done = sqlx::query!(
        "update occurrence set state = $3, decided_at = case when $7 then null else $4::timestamptz end,
             decided_by = case when $7 then null else $5 end, reason = $6,
             confirmed_at = case when $8 then coalesce(confirmed_at, $4::timestamptz) when $9 then confirmed_at when $10 then coalesce(confirmed_at, $4) end,
             dispatched_at = case when $3 = 'dispatched' then $4 when $3 in ('on_scene', 'resolved', 'closed') then dispatched_at end,
             on_scene_at = case when $3 = 'on_scene' then $4 when $3 in ('resolved', 'closed') then on_scene_at end,
             resolved_at = case when $3 = 'resolved' then $4 when $3 = 'closed' then resolved_at end
         where id = $1 and state = any($2)",
        occurrence,
        &from,
        to.as_str(),
        now,
        who,
        reason,
        is_new,
        is_confirmed,
        is_kept,
        is_resolved
    );
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// Puts one under another: its reports go there.
pub async fn merge(
    conn: &mut PgConnection,
    (from, into): (Uuid, Uuid),
    because: &Because,
    (now, who, reason): (Instant, &str, &str),
) -> sqlx::Result<()> {
    // What either decision had before it stays confirmed.
    sqlx::query!(
        "update occurrence t set confirmed_at = greatest(t.confirmed_at, s.confirmed_at)
         from occurrence s where t.id = $2 and s.id = $1 and t.state in ('confirmed', 'dispatched', 'on_scene')",
        from,
        into
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update occurrence set confirmed_at = null, state = 'merged', merged_into = $2, decided_at = $3, decided_by = $4, reason = $5, trust = 0, pressing = 0
         where id = $1",
        from,
        into,
        now,
        who,
        reason
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update report_standing set occurrence_id = $2, because = $3 where occurrence_id = $1",
        from,
        into,
        serde_json::to_value(because).unwrap_or_default()
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn join_incident(conn: &mut PgConnection, occurrence: Uuid, incident: Uuid) -> sqlx::Result<()> {
    sqlx::query!("update occurrence set incident_id = $2 where id = $1", occurrence, incident).execute(conn).await?;
    Ok(())
}

/// What was sealed of how to ask back.
pub async fn contact(conn: &mut PgConnection, report: Uuid) -> sqlx::Result<Option<Vec<u8>>> {
    sqlx::query_scalar!("select sealed from report_contact where report_id = $1", report).fetch_optional(conn).await
}
