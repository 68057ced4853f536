//! Rows withdrawn, rows counted.

use sqlx::PgConnection;

use crate::clock::Instant;
use crate::dispatch::audience::Reach;
use crate::dispatch::decide::State;
use crate::dispatch::outbox::{Accounts, Counts, Progress};
use crate::events::{Event, notify};
use crate::ids::AlertId;

/// Counts whom the alert would reach if it left now.
pub async fn preview(conn: &mut PgConnection, alert: AlertId) -> sqlx::Result<Reach> {
    let row = sqlx::query!(
        r#"
        with recipient as materialized (select * from alert_recipients($1)),
        person as materialized (
            select resident_id, bool_or(reason in ('', 'duplicate_address')) as reached, min(danger) as danger, min(language) as language
            from recipient group by resident_id),
        people as (
            select count(*) as all_of_them, count(*) filter (where danger = 0) as r4, count(*) filter (where danger = 1) as r3,
                count(*) filter (where danger = 2) as r2, count(*) filter (where danger = 3) as r1,
                count(*) filter (where danger = 4) as ungraded, count(*) filter (where language = 'en') as in_english,
                count(*) filter (where language = 'es') as in_spanish
            from person)
        select
            (select array[r4, r3, r2, r1, ungraded, in_english, in_spanish, all_of_them] from people) as "people!",
            -- Only that there is something is known here: what it says is sealed.
            (select count(*) from vault_record v join person on v.subject = 'resident:' || person.resident_id
             where v.purpose = 'resident_needs') as "with_needs!",
            (select count(*) from person) as "residents!",
            (select count(*) from person where not reached) as "unreachable!",
            count(*) filter (where channel = 'sms' and reason = '') as "sms!",
            count(*) filter (where channel = 'email' and reason = '') as "email!",
            count(*) filter (where channel = 'sms' and reason = '' and danger = 0) as "r4!",
            count(*) filter (where channel = 'sms' and reason = '' and danger = 1) as "r3!",
            count(*) filter (where channel = 'sms' and reason = '' and danger = 2) as "r2!",
            count(*) filter (where channel = 'sms' and reason = '' and danger = 3) as "r1!",
            count(*) filter (where channel = 'sms' and reason = '' and danger = 4) as "ungraded!",
            count(*) filter (where reason = 'opted_out') as "opted_out!",
            count(*) filter (where reason = 'consent_withdrawn') as "consent_withdrawn!",
            count(*) filter (where reason = 'unverified') as "unverified!",
            count(*) filter (where reason = 'duplicate_address') as "duplicate_address!"
        from recipient
        "#,
        alert.0
    )
    .fetch_one(conn)
    .await?;
    let people = |at: usize| row.people.get(at).copied().unwrap_or(0);
    Ok(Reach {
        residents: row.residents,
        people_by_grade: [people(0), people(1), people(2), people(3), people(4)],
        with_needs: row.with_needs,
        in_english: people(5),
        in_spanish: people(6),
        sms: row.sms,
        email: row.email,
        sms_by_grade: [row.r4, row.r3, row.r2, row.r1, row.ungraded],
        unreachable: row.unreachable,
        opted_out: row.opted_out,
        consent_withdrawn: row.consent_withdrawn,
        unverified: row.unverified,
        duplicate_address: row.duplicate_address,
    })
}

/// Takes back what has not left yet, when the alert is superseded, cancelled or over. Returns the rows taken back.
pub async fn withdraw(conn: &mut PgConnection, now: Instant, alert: AlertId, reason: &str) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "update outbox set state = 'suppressed', reason = $3, final_at = $2 where alert_id = $1 and state = 'pending'",
        alert.0,
        now,
        reason
    )
    .execute(&mut *conn)
    .await?;
    if done.rows_affected() > 0 {
        notify(conn, &Event::Delivery { alert_id: alert.0 }).await?;
    }
    Ok(done.rows_affected())
}

/// Rows of the alert by channel and state.
pub async fn progress(conn: &mut PgConnection, alert: AlertId) -> sqlx::Result<Progress> {
    let rows = sqlx::query!(
        r#"select channel, state, count(*) as "rows!" from outbox where alert_id = $1 group by channel, state"#,
        alert.0
    )
    .fetch_all(&mut *conn)
    .await?;
    let spreading = sqlx::query_scalar!(
        r#"select exists (select from dispatch_run where alert_id = $1 and spread_at is null) as "spreading!""#,
        alert.0
    )
    .fetch_one(conn)
    .await?;
    let mut progress = Progress { spreading, ..Progress::default() };
    for row in rows {
        // The column's constraint admits only these words.
        let Ok(state) = row.state.parse::<State>() else { continue };
        let counts: &mut Counts = if row.channel == "sms" { &mut progress.sms } else { &mut progress.email };
        counts.add(state, row.rows);
    }
    Ok(progress)
}

/// Whether the alert left and nothing of it waits to be handed to a provider any more.
pub async fn finished(conn: &mut PgConnection, alert: AlertId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from dispatch_run where alert_id = $1 and spread_at is not null)
            and not exists (select from outbox where alert_id = $1 and state in ('pending', 'sending')) as "finished!""#,
        alert.0
    )
    .fetch_one(conn)
    .await
}

/// Proves one alert's accounts, or `None` when it was never enqueued.
pub async fn audit(
    conn: &mut PgConnection,
    now: Instant,
    lease_s: u32,
    alert: AlertId,
) -> sqlx::Result<Option<Accounts>> {
    let overdue = now - chrono::TimeDelta::seconds(lease_s.into());
    let row = sqlx::query!(
        r#"select case when run.spread_at is null then null else run.recipients + run.suppressed end::bigint as promised,
            (select count(*) from outbox o where o.alert_id = run.alert_id) as "found!",
            (select count(*) from outbox o
                where o.alert_id = run.alert_id and o.state = 'sending' and o.lease_until < $2) as "stuck!"
        from dispatch_run run where run.alert_id = $1"#,
        alert.0,
        overdue
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Accounts { promised: row.promised.unwrap_or(row.found), found: row.found, stuck: row.stuck }))
}
