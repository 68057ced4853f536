//! Facts of the database, asked with queries that a program older or newer than the schema may fail on without harm.

use sqlx::PgConnection;

use super::database::{Role, Server, Waiting};
use super::town::{Catalogue, Person};
use crate::clock::Instant;

/// What the server says of itself. `zone`: of the municipality.
pub async fn server(conn: &mut PgConnection, zone: &str) -> sqlx::Result<Server> {
    let row = sqlx::query!(
        r#"select current_setting('server_version_num')::int as "version_num!", current_setting('server_version') as "version!",
            (select extversion from pg_extension where extname = 'postgis') as postgis,
            exists (select from pg_timezone_names where name = $1) as "knows_zone!", clock_timestamp() as "at!""#,
        zone
    )
    .fetch_one(conn)
    .await?;
    Ok(Server {
        version_num: row.version_num,
        version: row.version,
        postgis: row.postgis,
        knows_zone: row.knows_zone,
        zone: zone.to_owned(),
        at: row.at,
    })
}

/// Newest migration, and whether one broke off; `None` where there is no schema.
pub async fn schema(conn: &mut PgConnection) -> sqlx::Result<Option<(i64, bool)>> {
    let known: bool =
        sqlx::query_scalar("select to_regclass('public._sqlx_migrations') is not null").fetch_one(&mut *conn).await?;
    if !known {
        return Ok(None);
    }
    // The table is the migrator's own, so it is not among those the macros check.
    sqlx::query_as("select coalesce(max(version) filter (where success), 0), coalesce(bool_or(not success), false) from _sqlx_migrations")
        .fetch_optional(conn)
        .await
}

/// What the service's role may do with what is append-only.
pub async fn role(conn: &mut PgConnection) -> sqlx::Result<Role> {
    let row = sqlx::query!(
        r#"select r.oid is not null as "exists!",
            coalesce(has_table_privilege(r.oid, 'journal', 'insert') and has_table_privilege(r.oid, 'audit_event', 'insert'), false)
                as "appends!",
            coalesce(has_table_privilege(r.oid, 'journal', 'update') or has_table_privilege(r.oid, 'audit_event', 'update')
                or has_table_privilege(r.oid, 'audit_chain', 'insert') or has_table_privilege(r.oid, 'audit_event', 'delete'), false)
                as "rewrites!"
        from (select) one left join pg_roles r on r.rolname = 'sentinela_service'"#
    )
    .fetch_one(conn)
    .await?;
    Ok(Role { exists: row.exists, appends: row.appends, rewrites: row.rewrites })
}

/// Whether a service works with this database at the moment.
pub async fn is_served(conn: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from pg_stat_activity where datname = current_database() and split_part(application_name, '@', 1) = 'sentinela/listen')
            as "served!""#
    )
    .fetch_one(conn)
    .await
}

/// Messages that are due and not held, and steps of escalation. The cursor is the journal's own affair.
pub async fn waiting(conn: &mut PgConnection, now: Instant, cursor_s: Option<i64>) -> sqlx::Result<Waiting> {
    let row = sqlx::query!(
        r#"select (select extract(epoch from $1::timestamptz - min(q.next_attempt_at))::bigint from outbox_queue q
                join outbox o on o.id = q.id
                where not q.held and o.state = 'pending' and q.next_attempt_at <= $1 and o.expires_at > $1) as late_s,
            (select count(*) from alert_escalation_step where done_at is null and due_at < $1::timestamptz - interval '2 minutes')
                as "timers!""#,
        now
    )
    .fetch_one(conn)
    .await?;
    Ok(Waiting { cursor_s, outbox_s: row.late_s, timers: row.timers })
}

pub async fn catalogue(conn: &mut PgConnection, now: Instant) -> sqlx::Result<Catalogue> {
    sqlx::query_as!(
        Catalogue,
        r#"select (select count(*) from risk_area where retired_at is null) as "areas!",
            (select count(*) from rule_version where state = 'active') as "rules!",
            (select count(*) from station where active) as "stations!",
            (select count(distinct s.id) from station s join datastream d on d.station_id = s.id
                join stream_latest l on l.datastream_id = d.id
                where s.active and l.received_at > $1::timestamptz - interval '1 day') as "heard!""#,
        now
    )
    .fetch_one(conn)
    .await
}

/// Everybody who may sign in.
pub async fn people(conn: &mut PgConnection) -> sqlx::Result<Vec<Person>> {
    sqlx::query_as!(
        Person,
        r#"select s.username, s.roles, coalesce(f.confirmed_at is not null, false) as "has_factor!"
        from staff s left join staff_factor f on f.staff_id = s.id where s.disabled_at is null order by s.username"#
    )
    .fetch_all(conn)
    .await
}

/// Bytes that the journal grew a day in this month, by the size of its part; `None` in the first two days of a month.
pub async fn daily_bytes(conn: &mut PgConnection, now: Instant) -> sqlx::Result<Option<u64>> {
    let bytes = sqlx::query_scalar!(
        r#"select (pg_total_relation_size(to_regclass('public.journal_' || to_char($1::timestamptz at time zone 'UTC', 'YYYY"m"MM')))
            / extract(day from $1::timestamptz at time zone 'UTC'))::bigint
        where extract(day from $1::timestamptz at time zone 'UTC') > 2"#,
        now
    )
    .fetch_optional(conn)
    .await?;
    Ok(bytes.flatten().and_then(|bytes| u64::try_from(bytes).ok()))
}
