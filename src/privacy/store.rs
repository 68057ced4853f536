//! Retention, and the figures of the privacy page, in PostgreSQL.

use sqlx::PgConnection;
use uuid::Uuid;

use super::retention::{Done, Rule};
use crate::clock::Instant;

/// How many rows a rule would touch.
pub async fn due(conn: &mut PgConnection, rule: Rule, before: Instant) -> sqlx::Result<i64> {
    match rule {
        Rule::OutboxAddresses => {
            sqlx::query_scalar!(
                r#"select (select count(*) from outbox where created_at < $1 and address not like 'erased:%'
                        and state not in ('pending', 'sending'))
                    + (select count(*) from delivery_receipt where received_at < $1 and (address <> '' or length(raw) > 0 or error <> ''))
                    + (select count(*) from sms_message where last_at < $1)
                    + (select count(*) from stray_message where received_at < $1)
                    as "rows!""#,
                before
            )
            .fetch_one(conn)
            .await
        }
        Rule::SinkMessages => {
            sqlx::query_scalar!(r#"select count(*) as "rows!" from sink_message where at < $1"#, before)
                .fetch_one(conn)
                .await
        }
        Rule::QuarantinePayloads => {
            sqlx::query_scalar!(
                r#"select count(*) as "rows!" from quarantine where received_at < $1 and length(payload) > 0"#,
                before
            )
            .fetch_one(conn)
            .await
        }
        Rule::Notices => {
            sqlx::query_scalar!(
                r#"select count(*) as "rows!" from notice where created_at < $1 and state not in ('pending', 'sending')"#,
                before
            )
            .fetch_one(conn)
            .await
        }
        Rule::Sessions => {
            sqlx::query_scalar!(
                r#"select (select count(*) from resident_code where expires_at < $1)
                    + (select count(*) from resident_session where expires_at < $1)
                    + (select count(*) from sms_order where at < $1)
                    + (select count(*) from staff_session where expires_at < $1) as "rows!""#,
                before
            )
            .fetch_one(conn)
            .await
        }
        Rule::ReportContacts => {
            sqlx::query_scalar!(r#"select count(*) as "rows!" from report_contact where created_at < $1"#, before)
                .fetch_one(conn)
                .await
        }
        Rule::MaintenanceTasks | Rule::MorningReports | Rule::CommandIssuers | Rule::DeploymentPositions => {
            due_of_staff(conn, rule, before).await
        }
        Rule::Vault => {
            sqlx::query_scalar!(r#"select count(*) as "rows!" from vault_record where keep_until < $1::timestamptz::date"#, before)
                .fetch_one(conn)
                .await
        }
    }
}

/// The same of what names people of the staff.
async fn due_of_staff(conn: &mut PgConnection, rule: Rule, before: Instant) -> sqlx::Result<i64> {
    match rule {
        Rule::MaintenanceTasks => {
            sqlx::query_scalar!(
                r#"select count(*) as "rows!" from maintenance_task where closed_at < $1 and not names_forgotten"#,
                before
            )
            .fetch_one(conn)
            .await
        }
        Rule::MorningReports => {
            sqlx::query_scalar!(r#"select count(*) as "rows!" from morning_report where made_at < $1"#, before)
                .fetch_one(conn)
                .await
        }
        Rule::DeploymentPositions => {
            sqlx::query_scalar!(
                r#"select count(*) as "rows!" from deployment_position p join deployment d on d.id = p.deployment_id where d.ended_at < $1"#,
                before
            )
            .fetch_one(conn)
            .await
        }
        _ => {
            sqlx::query_scalar!(
                r#"select count(*) as "rows!" from device_command where ended_at < $1 and issued_by <> ''"#,
                before
            )
            .fetch_one(conn)
            .await
        }
    }
}

/// Empties or removes some thousands of rows. Zero when nothing is left.
pub async fn batch(conn: &mut PgConnection, rule: Rule, before: Instant) -> sqlx::Result<i64> {
    let rows = match rule {
        Rule::OutboxAddresses => return outbox_addresses(conn, before).await,
        Rule::SinkMessages => {
            sqlx::query_scalar!(
                r#"with gone as (delete from sink_message where id in
                    (select id from sink_message where at < $1 order by id limit 5000) returning 1)
                select count(*) as "rows!" from gone"#,
                before
            )
            .fetch_one(conn)
            .await?
        }
        Rule::QuarantinePayloads => {
            sqlx::query_scalar!(
                r#"with gone as (update quarantine set payload = '', value = '' where id in
                    (select id from quarantine where received_at < $1 and length(payload) > 0 limit 5000) returning 1)
                select count(*) as "rows!" from gone"#,
                before
            )
            .fetch_one(conn)
            .await?
        }
        Rule::Notices => {
            sqlx::query_scalar!(
                r#"with gone as (delete from notice where id in
                    (select id from notice where created_at < $1 and state not in ('pending', 'sending') limit 5000) returning 1)
                select count(*) as "rows!" from gone"#,
                before
            )
            .fetch_one(conn)
            .await?
        }
        Rule::Sessions => {
            sqlx::query_scalar!(
                r#"with codes as (delete from resident_code where expires_at < $1 returning 1),
                    own as (delete from resident_session where expires_at < $1 returning 1),
                    orders as (delete from sms_order where at < $1 returning 1),
                    staff as (delete from staff_session where expires_at < $1 returning 1)
                select (select count(*) from codes) + (select count(*) from own) + (select count(*) from orders)
                    + (select count(*) from staff) as "rows!""#,
                before
            )
            .fetch_one(conn)
            .await?
        }
        Rule::ReportContacts => {
            sqlx::query_scalar!(
                r#"with gone as (delete from report_contact where report_id in
                    (select report_id from report_contact where created_at < $1 limit 5000) returning 1)
                select count(*) as "rows!" from gone"#,
                before
            )
            .fetch_one(conn)
            .await?
        }
        Rule::MaintenanceTasks | Rule::MorningReports | Rule::CommandIssuers | Rule::DeploymentPositions => {
            return of_staff(conn, rule, before).await;
        }
        Rule::Vault => return vault(conn, before).await,
    };
    Ok(rows)
}

async fn vault(conn: &mut PgConnection, before: Instant) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"with gone as (delete from vault_record where keep_until < $1::timestamptz::date returning 1)
        select count(*) as "rows!" from gone"#,
        before
    )
    .fetch_one(conn)
    .await
}

/// What names people of the staff. Closed work and ended commands stay, without who did and sent them.
async fn of_staff(conn: &mut PgConnection, rule: Rule, before: Instant) -> sqlx::Result<i64> {
    match rule {
        Rule::MaintenanceTasks => {
            sqlx::query_scalar!(r#"select maintenance_forget($1) as "rows!""#, before).fetch_one(conn).await
        }
        Rule::MorningReports => {
            sqlx::query_scalar!(
                r#"with old as (select day from morning_report where made_at < $1 limit 1000),
                    letters as (delete from morning_letter where day in (select day from old)),
                    gone as (delete from morning_report where day in (select day from old) returning 1)
                select count(*) as "rows!" from gone"#,
                before
            )
            .fetch_one(conn)
            .await
        }
        Rule::DeploymentPositions => {
            sqlx::query_scalar!(
                r#"with gone as (delete from deployment_position where id in (
                    select p.id from deployment_position p join deployment d on d.id = p.deployment_id where d.ended_at < $1 limit 5000)
                    returning 1)
                select count(*) as "rows!" from gone"#,
                before
            )
            .fetch_one(conn)
            .await
        }
        _ => {
            sqlx::query_scalar!(
                r#"with gone as (update device_command set issued_by = '' where id in
                    (select id from device_command where ended_at < $1 and issued_by <> '' limit 5000) returning 1)
                select count(*) as "rows!" from gone"#,
                before
            )
            .fetch_one(conn)
            .await
        }
    }
}

/// Addresses of messages, what servers and receipts say of them, and what people wrote in parts or without reporting anything.
async fn outbox_addresses(conn: &mut PgConnection, before: Instant) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"with old as (
            select id from outbox where created_at < $1 and address not like 'erased:%' and state not in ('pending', 'sending')
            order by id limit 5000
        ), emptied as (
            update outbox o set address = 'erased:' || o.id, reason = case when o.state = 'suppressed' then o.reason else '' end
            from old where o.id = old.id returning o.id
        ), tries as (
            update outbox_attempt a set detail = '' from old where a.outbox_id = old.id and a.detail <> '' returning 1
        ), receipts as (
            update delivery_receipt set address = '', raw = '', error = '' where id in
                (select id from delivery_receipt where received_at < $1 and (address <> '' or length(raw) > 0 or error <> '') limit 5000)
            returning 1
        ), parts as (
            delete from sms_message where id in (select id from sms_message where last_at < $1 order by id limit 5000) returning 1
        ), strays as (
            delete from stray_message where id in (select id from stray_message where received_at < $1 limit 5000) returning 1
        )
        select (select count(*) from emptied) + (select count(*) from receipts) + (select count(*) from parts)
            + (select count(*) from strays) as "rows!""#,
        before
    )
    .fetch_one(conn)
    .await
}

pub async fn write_run(conn: &mut PgConnection, id: Uuid, now: Instant, done: &Done) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into retention_run (id, rule, started_at, finished_at, before, rows) values ($1, $2, $3, $3, $4, $5)",
        id,
        done.rule.as_str(),
        now,
        done.before,
        done.rows
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Advisory session lock of whoever carries the rules out ("RETN").
const RUN_LOCK: i64 = 0x5245_544e;

/// Takes that lock, until `end_run` or the end of the session; false while another process holds it.
pub async fn begin_run(conn: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select pg_try_advisory_lock($1) as "held!""#, RUN_LOCK).fetch_one(conn).await
}

pub async fn end_run(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query_scalar!(r#"select pg_advisory_unlock($1) as "held!""#, RUN_LOCK).fetch_one(conn).await?;
    Ok(())
}

/// When the rule was carried out last; `None` when it never was. Of several rules the one that waits longest counts.
pub async fn last_run(conn: &mut PgConnection) -> sqlx::Result<Option<Instant>> {
    let rules: Vec<String> = Rule::ALL.iter().map(ToString::to_string).collect();
    sqlx::query_scalar!(
        "select last.at from unnest($1::text[]) as known (rule)
            left join lateral (select max(started_at) as at from retention_run r where r.rule = known.rule) as last on true
        order by last.at nulls first limit 1",
        &rules
    )
    .fetch_one(conn)
    .await
}

/// A finished request of a resident's.
#[derive(Clone, Debug)]
pub struct Request {
    pub receipt: String,
    pub kind: String,
    pub at: Instant,
}

pub async fn requests(conn: &mut PgConnection, limit: i64) -> sqlx::Result<Vec<Request>> {
    sqlx::query_as!(Request, "select receipt, kind, at from privacy_request order by at desc limit $1", limit)
        .fetch_all(conn)
        .await
}

/// What a rule did in its newest runs.
#[derive(Clone, Debug)]
pub struct Run {
    pub rule: String,
    pub at: Instant,
    pub before: Instant,
    pub rows: i64,
}

/// The newest run of each rule.
pub async fn newest_runs(conn: &mut PgConnection) -> sqlx::Result<Vec<Run>> {
    sqlx::query_as!(
        Run,
        "select distinct on (rule) rule, started_at as at, before, rows from retention_run order by rule, started_at desc"
    )
    .fetch_all(conn)
    .await
}

/// Requests of one kind, of all time.
#[derive(Clone, Debug)]
pub struct RequestCount {
    pub kind: String,
    pub rows: i64,
}

pub async fn request_counts(conn: &mut PgConnection) -> sqlx::Result<Vec<RequestCount>> {
    sqlx::query_as!(
        RequestCount,
        r#"select kind, count(*) as "rows!" from privacy_request group by kind order by kind"#
    )
    .fetch_all(conn)
    .await
}

/// Living consents by purpose, and how many were taken back.
#[derive(Clone, Debug)]
pub struct ConsentCount {
    pub purpose: String,
    pub given: i64,
    pub withdrawn: i64,
}

pub async fn consent_counts(conn: &mut PgConnection) -> sqlx::Result<Vec<ConsentCount>> {
    sqlx::query_as!(
        ConsentCount,
        r#"select purpose, count(*) filter (where given) as "given!", count(*) filter (where not given) as "withdrawn!"
        from (select distinct on (c.resident_id, c.purpose) c.purpose, c.given
              from consent c join resident r on r.id = c.resident_id and r.deleted_at is null
              order by c.resident_id, c.purpose, c.id desc) as newest
        group by purpose order by purpose"#
    )
    .fetch_all(conn)
    .await
}

/// A look into what is protected.
#[derive(Clone, Debug)]
pub struct Look {
    pub at: Instant,
    pub actor: String,
    pub act: String,
    pub object: String,
    pub reason: String,
}

pub async fn looks(conn: &mut PgConnection, limit: i64) -> sqlx::Result<Vec<Look>> {
    sqlx::query_as!(
        Look,
        r#"select at, case when actor_kind = 'resident' then 'resident' else actor end as "actor!", act,
            case when length(object) > 60 then left(object, 60) else object end as "object!", reason
        from audit_event where act in ('residents.read', 'deliveries.read', 'vault.open', 'residents.export')
        order by at desc, id desc limit $1"#,
        limit
    )
    .fetch_all(conn)
    .await
}
