//! Which rows of endpoints are told next.

use sqlx::PgConnection;

use super::decode;
use crate::clock::Instant;
use crate::dispatch::store::claim::{Ending, PartEnd};
use crate::endpoints::Kind;
use crate::ids::{AlertId, EndpointId, OutboxId};

/// A row in our hands until its lease ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claimed {
    pub id: OutboxId,
    pub alert_id: AlertId,
    pub endpoint_id: EndpointId,
    pub kind: Kind,
    /// This try, from 1.
    pub attempt: i32,
    pub fence: i64,
    pub expires_at: Instant,
}

impl Claimed {
    pub const fn ends(&self, next: crate::dispatch::decide::Next, parts: Vec<PartEnd>) -> Ending {
        Ending { id: self.id, fence: self.fence, attempt: self.attempt, next, parts, is_dead_address: false }
    }
}

/// How many tries go on at once.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Rows that are claimed now.
    pub rows: i64,
    /// Of one endpoint, with those under way.
    pub each: i64,
    /// Of one that failed the last time.
    pub each_failing: i64,
    /// Of all that failed the last time, together.
    pub all_failing: i64,
}

/// Claims what is due and writes down the intent to send it. What is tried for the first time goes before what failed, so that an
/// endpoint that does not answer keeps no other waiting; and none has more tries under way than its share, however much waits for
/// it. Nothing may leave before the commit.
pub async fn claim(
    conn: &mut PgConnection,
    now: Instant,
    kinds: &[Kind],
    room: Room,
    lease_until: Instant,
) -> sqlx::Result<Vec<Claimed>> {
    let kinds: Vec<String> = kinds.iter().map(ToString::to_string).collect();
    let rows = sqlx::query!(
        r#"
        with busy as materialized (
            select o.endpoint_id, e.failures > 0 as failing, count(*) as tries from outbox o join endpoint e on e.id = o.endpoint_id
            where o.id in (select unnest(l.ids) from outbox_lease l where l.channel = any($1)) and o.state = 'sending' group by 1, 2
        ), waiting as (
            select o.id, o.attempts > 0 as again, o.priority, e.failures > 0 as failing,
                coalesce(b.tries, 0) + row_number() over (partition by o.endpoint_id order by o.attempts > 0, o.priority, o.id) as place
            from outbox_queue q join outbox o on o.id = q.id join endpoint e on e.id = o.endpoint_id
                left join busy b on b.endpoint_id = o.endpoint_id
            where q.channel = any($1) and o.state = 'pending' and o.next_attempt_at <= $2 and o.expires_at > $2
        ), fitting as (
            select w.id, w.failing, row_number() over (partition by w.failing order by w.again, w.priority, w.id) as place
            from waiting w where w.place <= case when w.failing then $6::bigint else $5::bigint end
        ), due as (
            select o.id from outbox o join fitting f on f.id = o.id
            where o.state = 'pending'
                and (not f.failing or f.place + coalesce((select sum(tries) from busy where busy.failing), 0) <= $7::bigint)
            order by o.attempts > 0, o.priority, o.id limit $3
            for update of o skip locked
        ), claimed as (
            update outbox o
            set state = 'sending', provider = o.channel, attempts = o.attempts + 1, fence = o.fence + 1, lease_until = $4
            from due where o.id = due.id
            returning o.id, o.alert_id, o.endpoint_id, o.channel, o.attempts, o.fence, o.expires_at, o.priority
        ), intent as (
            insert into outbox_attempt (outbox_id, attempt, part, at, provider, outcome)
            select id, attempts, 0, $2, channel, 'intent' from claimed
        )
        select id as "id!: OutboxId", alert_id as "alert_id!: AlertId", endpoint_id as "endpoint_id!: EndpointId",
            channel as "channel!", attempts as "attempt!", fence as "fence!", expires_at as "expires_at!"
        from claimed order by priority, id
        "#,
        &kinds,
        now,
        room.rows,
        lease_until,
        room.each,
        room.each_failing,
        room.all_failing
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Claimed {
                id: row.id,
                alert_id: row.alert_id,
                endpoint_id: row.endpoint_id,
                kind: row.channel.parse().map_err(decode)?,
                attempt: row.attempt,
                fence: row.fence,
                expires_at: row.expires_at,
            })
        })
        .collect()
}
