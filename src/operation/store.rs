//! What the database tells of the service, and the stretches in which a part of it did not work.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::judge::{Channel, Covered, GONE_S, Holder, Part};
use crate::clock::Instant;
use crate::config::NodeRole;

/// Only one process at a time writes down how the service fares.
const LOCK: &str = "watch the service";

/// Figures that are measured and decide nothing, besides those that do. Ages are in seconds.
#[derive(Clone, Debug)]
pub struct Figures {
    pub escalations: i64,
    pub unanswered: i64,
    pub late_steps: i64,
    pub stuck: i64,
    pub deadlines_late: i64,
    pub deadlines_near: i64,
    pub receipts_unmatched: i64,
    pub receipts_unmatched_s: Option<f64>,
    pub receipt_s: Option<f64>,
    pub evaluated_s: Option<f64>,
    pub audit_verified_s: Option<f64>,
    /// DER of the certificate that signs.
    pub certificate: Option<Vec<u8>>,
    pub notices: i64,
    pub paused: i64,
    pub drafts: i64,
    pub submitted: i64,
    pub in_force: i64,
}

/// Everything that is one number. `today` is the town's.
pub async fn figures(conn: &mut PgConnection, now: Instant, today: NaiveDate) -> sqlx::Result<Figures> {
    sqlx::query_as!(
        Figures,
        r#"select
            (select count(*) from alert_escalation where ended_at is null and acknowledged_at is null) as "escalations!",
            (select count(*) from alert_escalation where ended_at is null and overdue_at is not null) as "unanswered!",
            (select count(*) from alert_escalation_step s join alert_escalation e on e.id = s.escalation_id
                where s.done_at is null and e.ended_at is null and e.acknowledged_at is null
                and s.due_at < $1::timestamptz - interval '2 minutes') as "late_steps!",
            (select count(*) from alert_escalation where ended_at is null and overdue_at is null
                and deadline_at < $1::timestamptz - interval '5 minutes') as "stuck!",
            (select count(*) from deadline where state = 'open' and due_on < $2::date) as "deadlines_late!",
            (select count(*) from deadline where state = 'open' and due_on between $2::date and $2::date + warn_days)
                as "deadlines_near!",
            (select count(*) from delivery_receipt where outbox_id is null and provider_message_id <> '') as "receipts_unmatched!",
            (select extract(epoch from $1::timestamptz - min(received_at))::float8 from delivery_receipt
                where outbox_id is null and provider_message_id <> '') as receipts_unmatched_s,
            (select extract(epoch from $1::timestamptz - received_at)::float8 from delivery_receipt order by id desc limit 1)
                as receipt_s,
            (select extract(epoch from clock_timestamp() - beaten_at)::float8 from evaluator_beat) as evaluated_s,
            (select extract(epoch from $1::timestamptz - max(finished_at))::float8 from audit_check
                where findings = 0 and failure = '') as audit_verified_s,
            (select certificate from signing_key where retired_at is null) as certificate,
            (select count(*) from notice where state = 'pending') as "notices!",
            (select count(*) from dispatch_control where control = 'paused' and closed_at is null) as "paused!",
            (select count(*) from alert where state = 'draft') as "drafts!",
            (select count(*) from alert where state = 'submitted') as "submitted!",
            (select count(*) from alert where state = 'issued' and expires_at > $1) as "in_force!""#,
        now,
        today
    )
    .fetch_one(conn)
    .await
}

/// How the channels stand whose messages providers carry. Of what waits the first 500 are looked at: they leave next, so a queue
/// whose head moves does not stand still.
pub async fn channels(conn: &mut PgConnection, now: Instant) -> sqlx::Result<Vec<Channel>> {
    sqlx::query_as!(
        Channel,
        r#"select c.channel as "name!", head.waiting_s, head.due_s,
            extract(epoch from $1::timestamptz - (
                select max(p.at) from alert a join dispatch_claimer d on d.channel = c.channel
                cross join lateral (select max(at) as at from delivery_pace
                    where alert_id = a.id and channel = c.channel and provider = d.provider) p
                where a.expires_at > $1::timestamptz - interval '1 hour'))::float8 as taken_s,
            (select count(*) from dispatch_claimer d where d.channel = c.channel and d.healthy and d.lease_until > $1)
                as "healthy!",
            (select count(*) from dispatch_claimer d where d.channel = c.channel) as "claimers!"
        from unnest(array['sms', 'email']) as c(channel)
        cross join lateral (
            select extract(epoch from $1::timestamptz - min(o.created_at))::float8 as waiting_s,
                extract(epoch from $1::timestamptz - min(q.next_attempt_at))::float8 as due_s
            from (select id, next_attempt_at from outbox_queue where channel = c.channel and not held
                  order by priority, id limit 500) q
            join outbox o on o.id = q.id) head"#,
        now
    )
    .fetch_all(conn)
    .await
}

/// Rows of the outbox by channel and state, of messages in force within the last day.
pub async fn rows(conn: &mut PgConnection, now: Instant) -> sqlx::Result<Vec<(String, String, i64)>> {
    let rows = sqlx::query!(
        r#"select t.channel as "channel!", t.state as "state!", sum(t.rows)::bigint as "rows!"
        from alert a cross join lateral (
            select channel, state, rows from delivery_tally where alert_id = a.id and what = 'state'
            union all
            select channel, state, rows from delivery_change where alert_id = a.id and what = 'state') t
        where a.expires_at > $1::timestamptz - interval '1 day' group by 1, 2"#,
        now
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.channel, row.state, row.rows)).collect())
}

/// Messages in force within the last day whose recipients are not the sum of their states. All of it is of one instant.
pub async fn unbalanced(conn: &mut PgConnection, now: Instant) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "unbalanced!" from dispatch_run r join alert a on a.id = r.alert_id
        cross join lateral (select coalesce(sum(s.rows), 0)::bigint as rows from (
            select rows from delivery_tally where alert_id = a.id and what = 'state'
            union all
            select rows from delivery_change where alert_id = a.id and what = 'state') s) found
        where r.spread_at is not null and a.expires_at > $1::timestamptz - interval '1 day'
          and found.rows <> r.recipients + r.suppressed"#,
        now
    )
    .fetch_one(conn)
    .await
}

/// Areas by the worst of their levels.
pub async fn levels(conn: &mut PgConnection) -> sqlx::Result<Vec<(String, i64)>> {
    let rows = sqlx::query!(r#"select level as "level!", count(*) as "areas!" from area_worst group by level"#)
        .fetch_all(conn)
        .await?;
    Ok(rows.into_iter().map(|row| (row.level, row.areas)).collect())
}

/// What a process says of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Process {
    /// Of this start of it.
    pub id: Uuid,
    pub node: String,
    pub roles: Vec<String>,
    /// For how long it has held readings without a commit, seconds; 0 = it holds none.
    pub holding_s: f64,
}

/// Says that a process is there, with what it does and holds.
pub async fn say(conn: &mut PgConnection, process: &Process) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into service_process (id, node, roles, seen_at, holding_s) values ($1, $2, $3, clock_timestamp(), $4)
         on conflict (id) do update set node = excluded.node, roles = excluded.roles, seen_at = excluded.seen_at,
             holding_s = excluded.holding_s",
        process.id,
        process.node,
        &process.roles,
        process.holding_s
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets processes that have been gone for a day.
pub async fn forget_gone(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("delete from service_process where seen_at < clock_timestamp() - interval '1 day'")
        .execute(conn)
        .await?;
    Ok(())
}

/// Processes that held readings without a commit when they spoke, within the last minutes. A node that started again holds nothing of
/// what it held before.
pub async fn holders(conn: &mut PgConnection) -> sqlx::Result<Vec<Holder>> {
    sqlx::query_as!(
        Holder,
        r#"select node, holding_s, extract(epoch from clock_timestamp() - seen_at)::float8 as "seen_s!"
        from service_process p
        where holding_s > 0 and seen_at > clock_timestamp() - interval '5 minutes'
            and not exists (select from service_process n where n.node = p.node and n.started_at > p.started_at)
        order by node, id"#
    )
    .fetch_all(conn)
    .await
}

/// Seconds since any process kept a reading; `None` while there is none.
pub async fn kept_s(conn: &mut PgConnection, now: Instant) -> sqlx::Result<Option<f64>> {
    let kept =
        sqlx::query_scalar!("select received_at from journal order by seq desc limit 1").fetch_optional(conn).await?;
    Ok(kept.map(|kept| (now - kept).num_milliseconds() as f64 / 1000.0))
}

/// For every role how long no process with it was seen. Where none ever had it: since the first of those that are there came.
pub async fn covered(conn: &mut PgConnection) -> sqlx::Result<Vec<Covered>> {
    let words: Vec<String> = NodeRole::ALL.iter().map(|role| role.as_str().to_owned()).collect();
    let rows = sqlx::query!(
        r#"select r.role as "role!", extract(epoch from clock_timestamp() - coalesce(
                max(p.seen_at) filter (where r.role = any(p.roles)),
                min(p.started_at) filter (where p.seen_at > clock_timestamp() - make_interval(secs => $2)),
                clock_timestamp()))::float8 as "unseen_s!"
        from unnest($1::text[]) r(role) left join service_process p on true
        group by r.role order by r.role"#,
        &words,
        GONE_S
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| Some(Covered { role: row.role.parse().ok()?, unseen_s: row.unseen_s }))
        .collect())
}

/// Names of the processes that are there, with what each does.
pub async fn processes(conn: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"select node || ' (' || array_to_string(roles, ', ') || ')' as "named!" from service_process
        where seen_at > clock_timestamp() - make_interval(secs => $1) order by node, started_at"#,
        GONE_S
    )
    .fetch_all(conn)
    .await
}

/// Whether it is this process that writes, until the transaction ends.
pub async fn take_turn(conn: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select pg_try_advisory_xact_lock(hashtextextended($1, 0)) as "mine!""#, LOCK)
        .fetch_one(conn)
        .await
}

/// Notes that the service looked, and gives when it did so before.
pub async fn look(conn: &mut PgConnection, now: Instant) -> sqlx::Result<Option<DateTime<Utc>>> {
    let before = sqlx::query_scalar!("select looked_at from service_look").fetch_optional(&mut *conn).await?;
    sqlx::query!(
        "insert into service_look (looked_at) values ($1)
         on conflict (id) do update set looked_at = greatest(service_look.looked_at, excluded.looked_at)",
        now
    )
    .execute(conn)
    .await?;
    Ok(before)
}

/// A stretch that is over: nobody looked, so nothing was done.
pub async fn was_away(conn: &mut PgConnection, since: Instant, until: Instant) -> sqlx::Result<()> {
    sqlx::query!("insert into service_spell (part, since_at, until_at) values ('service', $1, $2)", since, until)
        .execute(conn)
        .await?;
    Ok(())
}

/// Opens the spell of a part that does not work and ends that of one that does. True when that is new.
pub async fn tell(conn: &mut PgConnection, now: Instant, part: Part, works: bool) -> sqlx::Result<bool> {
    let moved = if works {
        sqlx::query!(
            "update service_spell set until_at = greatest(since_at, $2) where part = $1 and until_at is null",
            part.as_str(),
            now
        )
        .execute(conn)
        .await?
    } else {
        sqlx::query!(
            "insert into service_spell (part, since_at) values ($1, $2) on conflict (part) where until_at is null do nothing",
            part.as_str(),
            now
        )
        .execute(conn)
        .await?
    };
    Ok(moved.rows_affected() > 0)
}

/// A stretch in which a part did not work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spell {
    /// A part's word, or "service": nothing worked.
    pub part: String,
    pub since: DateTime<Utc>,
    /// `None` while it lasts.
    pub until: Option<DateTime<Utc>>,
}

/// Spells of at least a minute that lasted into the time from `from` on, the newest first.
pub async fn spells(conn: &mut PgConnection, from: Instant, most: i64) -> sqlx::Result<Vec<Spell>> {
    sqlx::query_as!(
        Spell,
        "select part, since_at as since, until_at as until from service_spell
         where until_at is null or (until_at >= $1 and until_at - since_at >= interval '1 minute')
         order by since_at desc, id desc limit $2",
        from,
        most
    )
    .fetch_all(conn)
    .await
}

/// When the service looked last and since when its own record goes back.
pub async fn looked(conn: &mut PgConnection) -> sqlx::Result<Option<DateTime<Utc>>> {
    sqlx::query_scalar!("select looked_at from service_look").fetch_optional(conn).await
}
