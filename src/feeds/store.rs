//! How the feeds do, and which streams they fill, in PostgreSQL.

use chrono::TimeDelta;
use sqlx::PgConnection;

use super::Feed;
use super::failure::Failure;
use super::warnings::store::OPEN_ENDED_HOURS;

use crate::clock::Instant;
use crate::ids::DatastreamId;
use crate::ingest::devices::StreamEntry;
use crate::risk::control::Overrides;
use crate::units::UnknownWord;

/// How a feed does.
#[derive(Clone, Debug, PartialEq, serde::Serialize, utoipa::ToSchema)]
pub struct State {
    pub name: String,
    /// When it is asked next.
    #[schema(value_type = String)]
    pub due_at: Instant,
    #[schema(value_type = Option<String>)]
    pub asked_at: Option<Instant>,
    /// The last answer that could be read, new or not.
    #[schema(value_type = Option<String>)]
    pub answered_at: Option<Instant>,
    /// Failures since then.
    pub failures: i32,
    /// Since when no answer could be read: the last that could, or the first ask. Null while it answers.
    #[schema(value_type = Option<String>)]
    pub silent_since: Option<Instant>,
    /// Why the last ask failed; empty when it did not. The kind is one of address, refused, unreachable, slow, large,
    /// redirects, status, busy, login, document, own.
    pub error: String,
    pub error_kind: String,
    /// When the answer was another than before.
    #[schema(value_type = Option<String>)]
    pub changed_at: Option<Instant>,
    /// Of that answer: readings that were new, values the provider has not, records that were not understood, and stations
    /// that are none of ours.
    pub readings: i32,
    pub missing: i32,
    pub problems: i32,
    pub foreign_stations: i32,
    /// Readings of our stations that fit none of their streams (another interval, another kind), and why the first does not.
    pub unfit: i32,
    pub unfit_why: String,
    /// Warnings in that answer, and how many of the source's warnings are open and for this town now.
    pub warnings: i32,
    pub warnings_for_us: i64,
    /// How many of them are open wherever they hold, and how many exercises and tests beside them.
    pub warnings_open: i64,
    pub exercises_open: i64,
    #[schema(value_type = Option<String>)]
    pub newest_observed_at: Option<Instant>,
    /// IBGE code of the municipality whose installation publishes it; empty for all others.
    pub municipality: String,
}

/// Tells of each state which municipality's installation it is.
pub fn name_municipalities(states: &mut [State], feeds: &[Feed]) {
    for state in states {
        let feed = feeds.iter().find(|feed| feed.name == state.name);
        state.municipality = feed.map(|feed| feed.municipality.clone()).unwrap_or_default();
    }
}

/// Makes the rows of the feeds that are configured, and removes the others.
pub async fn know(conn: &mut PgConnection, now: Instant, names: &[String]) -> sqlx::Result<()> {
    sqlx::query!("delete from feed where name <> all($1)", names).execute(&mut *conn).await?;
    sqlx::query!(
        "insert into feed (name, due_at) select name, $2 from unnest($1::text[]) as name on conflict do nothing",
        names,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes the feed if it is due. It is due again after `every`, whatever comes of this process. No feed waits longer than a day
/// or its own schedule: a due time beyond that is left from a clock that was wrong.
pub async fn take(conn: &mut PgConnection, now: Instant, name: &str, every: TimeDelta) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update feed set due_at = $3, asked_at = $2 where name = $1 and (due_at <= $2 or due_at > $4)",
        name,
        now,
        now + every,
        now + every.max(TimeDelta::days(1))
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Writes down that asking failed. Gives back how often it did in a row.
pub async fn failed(conn: &mut PgConnection, now: Instant, name: &str, failure: &Failure) -> sqlx::Result<i32> {
    sqlx::query_scalar!(
        "update feed set failures = failures + 1, error = $2, error_kind = $3,
             silent_since = coalesce(silent_since, answered_at, $4)
         where name = $1 returning failures",
        name,
        failure.detail,
        failure.kind.as_str(),
        now
    )
    .fetch_optional(conn)
    .await
    .map(Option::unwrap_or_default)
}

/// Asks again at `due_at`.
pub async fn wait_until(conn: &mut PgConnection, name: &str, due_at: Instant) -> sqlx::Result<()> {
    sqlx::query!("update feed set due_at = $2 where name = $1", name, due_at).execute(conn).await?;
    Ok(())
}

/// What an answer held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    pub readings: usize,
    pub missing: usize,
    pub problems: usize,
    pub foreign_stations: usize,
    /// Readings of our stations that fit none of their streams, and why the first does not.
    pub unfit: usize,
    pub unfit_why: String,
    pub warnings: usize,
    pub newest: Option<Instant>,
}

/// Writes down an answer; `None` when it is the one from before. Gives back whether it was silent until now.
pub async fn answered(conn: &mut PgConnection, now: Instant, name: &str, told: Option<Told>) -> sqlx::Result<bool> {
    let was_silent = sqlx::query_scalar!(
        r#"update feed f set failures = 0, error = '', error_kind = '', silent_since = null, answered_at = $2
           from feed before where f.name = $1 and before.name = f.name
           returning before.silent_since is not null as "was_silent!""#,
        name,
        now
    )
    .fetch_optional(&mut *conn)
    .await?;
    let was_silent = was_silent.unwrap_or_default();
    let Some(told) = told else { return Ok(was_silent) };
    let whole = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    sqlx::query!(
        "update feed set changed_at = $2, readings = $3, missing = $4, problems = $5, foreign_stations = $6,
             newest_observed_at = greatest(newest_observed_at, $7), warnings = $8, unfit = $9, unfit_why = $10
         where name = $1",
        name,
        now,
        whole(told.readings),
        whole(told.missing),
        whole(told.problems),
        whole(told.foreign_stations),
        told.newest,
        whole(told.warnings),
        whole(told.unfit),
        told.unfit_why
    )
    .execute(conn)
    .await?;
    Ok(was_silent)
}

pub async fn states(conn: &mut PgConnection, now: Instant) -> sqlx::Result<Vec<State>> {
    sqlx::query_as!(
        State,
        r#"select name, due_at, asked_at, answered_at, failures, silent_since, error, error_kind, changed_at, readings, missing, problems,
             foreign_stations, unfit, unfit_why, warnings, newest_observed_at, open.for_us as "warnings_for_us!",
             open.real as "warnings_open!", open.not_real as "exercises_open!", ''::text as "municipality!"
         from feed cross join lateral (
             select count(*) filter (where w.status = 'Actual' and w.for_us_by <> '{}') as for_us,
                    count(*) filter (where w.status = 'Actual') as real, count(*) filter (where w.status <> 'Actual') as not_real
             from outside_warning w
             where w.source = feed.name and w.superseded_by is null and not w.quarantined and w.msg_type <> 'Cancel'
               and coalesce(w.expires_at, w.sent_at + make_interval(hours => $2::int)) > $1) as open
         order by name"#,
        now,
        OPEN_ENDED_HOURS as i32
    )
    .fetch_all(conn)
    .await
}

/// The streams of these stations, with the station's code.
pub async fn streams(conn: &mut PgConnection, stations: &[String]) -> sqlx::Result<Vec<(String, StreamEntry)>> {
    let decode = |error: UnknownWord| sqlx::Error::Decode(error.into());
    let rows = sqlx::query!(
        r#"select s.code, d.id as "id: DatastreamId", d.quantity, d.unit, d.kind, d.interval_s, d.tip_mm,
               d.limits as "limits: sqlx::types::Json<Overrides>"
           from datastream d join station s on s.id = d.station_id where s.code = any($1) order by d.id"#,
        stations
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let stream = StreamEntry {
                id: row.id,
                quantity: row.quantity.parse().map_err(decode)?,
                unit: row.unit,
                kind: row.kind.parse().map_err(decode)?,
                interval_s: row.interval_s,
                range: row.limits.0.range,
                tip_mm: row.tip_mm,
            };
            Ok((row.code, stream))
        })
        .collect()
}
