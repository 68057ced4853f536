//! Rows withdrawn, rows counted.

use sqlx::PgConnection;

use super::notice;
use crate::clock::Instant;
use crate::dispatch::audience::{Needs, Reach};
use crate::dispatch::decide::State;
use crate::dispatch::outbox::{Accounts, Counts, Progress};
use crate::events::{Event, notify};
use crate::ids::AlertId;

/// What the query of [`preview`] counts, in its order.
struct Counted {
    /// R4, R3, R2, R1, without a grade, English, Spanish, all, around.
    people: Vec<i64>,
    with_needs: i64,
    needs: Vec<i64>,
    sealed_needs: i64,
    /// All, those with needs, and by kind of help.
    companions: Vec<i64>,
    sms_priority: Option<i32>,
    unreachable: i64,
    sms: i64,
    email: i64,
    sms_by_grade: Vec<i64>,
    opted_out: i64,
    consent_withdrawn: i64,
    unverified: i64,
    blocked: i64,
    duplicate_address: i64,
    below_least_level: i64,
    quiet_hours: i64,
    coarse_place: i64,
}

async fn counted(conn: &mut PgConnection, now: Instant, alert: AlertId) -> sqlx::Result<Counted> {
    sqlx::query_as!(
        Counted,
        r#"
        with recipient as materialized (select * from alert_recipients($1, $2)),
        person as materialized (
            select resident_id, bool_or(reason in ('', 'duplicate_address', 'below_least_level', 'quiet_hours', 'coarse_place')) as reached,
                min(danger) as danger, min(language) as language, bool_or(basis = 'within_buffer') as around
            from recipient group by resident_id),
        -- Few said anything; they are looked up by the index of those who did.
        needy as materialized (
            select person.resident_id, r.needs from person join resident r on r.id = person.resident_id and r.needs <> '{}'),
        sealed as materialized (
            select person.resident_id from vault_record v join person on v.subject = 'resident:' || person.resident_id
            where v.purpose = 'resident_needs'),
        piece as materialized (select * from alert_pieces($1)),
        -- Those who were named at a place that is meant; few are.
        companion as materialized (
            select c.needs from person join resident_companion c on c.resident_id = person.resident_id
                join resident_place p on p.resident_id = c.resident_id and p.label = c.label
            where exists (
                select from piece where st_expand(p.geom, p.precision_m / 78000.0) && piece.geom
                    and place_in_piece(p.geom, p.precision_m, piece.geom, piece.plane, piece.x, piece.y))),
        people as (
            select count(*) as all_of_them, count(*) filter (where danger = 0) as r4, count(*) filter (where danger = 1) as r3,
                count(*) filter (where danger = 2) as r2, count(*) filter (where danger = 3) as r1,
                count(*) filter (where danger = 4) as ungraded, count(*) filter (where language = 'en') as in_english,
                count(*) filter (where language = 'es') as in_spanish, count(*) filter (where around) as around
            from person)
        select
            (select array[r4, r3, r2, r1, ungraded, in_english, in_spanish, all_of_them, around] from people) as "people!",
            (select count(*) from (select resident_id from needy union select resident_id from sealed) as n) as "with_needs!",
            (select array[count(*) filter (where 'mobility' = any(needs)), count(*) filter (where 'care' = any(needs)),
                count(*) filter (where 'hearing' = any(needs)), count(*) filter (where 'sight' = any(needs)),
                count(*) filter (where 'pets' = any(needs)), count(*) filter (where 'children' = any(needs)),
                count(*) filter (where 'elderly' = any(needs))] from needy) as "needs!",
            (select count(*) from sealed) as "sealed_needs!",
            (select array[count(*), count(*) filter (where needs <> '{}'), count(*) filter (where 'mobility' = any(needs)),
                count(*) filter (where 'care' = any(needs)), count(*) filter (where 'hearing' = any(needs)),
                count(*) filter (where 'sight' = any(needs)), count(*) filter (where 'pets' = any(needs)),
                count(*) filter (where 'children' = any(needs)), count(*) filter (where 'elderly' = any(needs))] from companion)
                as "companions!",
            (select min(place) from dispatch_claimer where channel = 'sms' and healthy) as sms_priority,
            (select count(*) from person where not reached) as "unreachable!",
            count(*) filter (where channel = 'sms' and reason = '') as "sms!",
            count(*) filter (where channel = 'email' and reason = '') as "email!",
            array(select count(r.danger) from generate_series(0, 4) as grade left join recipient r
                on r.danger = grade and r.channel = 'sms' and r.reason = '' group by grade order by grade) as "sms_by_grade!",
            count(*) filter (where reason = 'opted_out') as "opted_out!",
            count(*) filter (where reason = 'consent_withdrawn') as "consent_withdrawn!",
            count(*) filter (where reason = 'unverified') as "unverified!",
            count(*) filter (where reason = 'blocked') as "blocked!",
            count(*) filter (where reason = 'duplicate_address') as "duplicate_address!",
            count(*) filter (where reason = 'below_least_level') as "below_least_level!",
            count(*) filter (where reason = 'quiet_hours') as "quiet_hours!",
            count(*) filter (where reason = 'coarse_place') as "coarse_place!"
        from recipient
        "#,
        alert.0,
        now
    )
    .fetch_one(conn)
    .await
}

/// Counts whom the alert would reach if it left now.
pub async fn preview(conn: &mut PgConnection, now: Instant, alert: AlertId) -> sqlx::Result<Reach> {
    let row = counted(conn, now, alert).await?;
    let people = |at: usize| row.people.get(at).copied().unwrap_or(0);
    Ok(Reach {
        residents: people(7),
        around: people(8),
        people_by_grade: [people(0), people(1), people(2), people(3), people(4)],
        with_needs: row.with_needs,
        needs: Needs::of(&row.needs, row.sealed_needs),
        others: row.companions.first().copied().unwrap_or(0),
        others_with_needs: row.companions.get(1).copied().unwrap_or(0),
        others_needs: Needs::of(row.companions.get(2..).unwrap_or_default(), 0),
        in_english: people(5),
        in_spanish: people(6),
        sms: row.sms,
        email: row.email,
        sms_by_grade: std::array::from_fn(|at| row.sms_by_grade.get(at).copied().unwrap_or(0)),
        unreachable: row.unreachable,
        opted_out: row.opted_out,
        consent_withdrawn: row.consent_withdrawn,
        unverified: row.unverified,
        blocked: row.blocked,
        duplicate_address: row.duplicate_address,
        below_least_level: row.below_least_level,
        quiet_hours: row.quiet_hours,
        coarse_place: row.coarse_place,
        sms_priority: row.sms_priority,
    })
}

/// Takes back what has not left yet, when the alert is superseded, cancelled or over: rows of residents, and the copies of staff,
/// institutions and testers. Returns the rows of residents taken back.
pub async fn withdraw(conn: &mut PgConnection, now: Instant, alert: AlertId, reason: &str) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "update outbox set state = 'suppressed', reason = $3, final_at = $2
        where id in (select q.id from outbox_queue q where q.alert_id = $1) and alert_id = $1 and state = 'pending'",
        alert.0,
        now,
        reason
    )
    .execute(&mut *conn)
    .await?;
    notice::withdraw_copies(&mut *conn, now, alert, reason).await?;
    crate::sirens::store::withdraw(&mut *conn, now, alert).await?;
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
        let counts: &mut Counts = match row.channel.as_str() {
            "sms" => &mut progress.sms,
            "email" => &mut progress.email,
            _ => &mut progress.endpoints,
        };
        counts.add(state, row.rows);
    }
    Ok(progress)
}

/// Whether the alert left and nothing of it waits to be handed to a provider any more.
pub async fn finished(conn: &mut PgConnection, alert: AlertId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from dispatch_run where alert_id = $1 and spread_at is not null)
            and not delivery_is_open($1) as "finished!""#,
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
