//! Silences that sirens are owed beyond those of their sounds.

use sqlx::PgConnection;

use crate::clock::Instant;
use crate::ids::EndpointId;
use crate::sirens::state::Owed;

/// What the database counts to.
const MOST_FAILURES: i32 = 1_000_000;

/// What hinders a silence that is owed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Busy {
    /// A silence was asked since, and has not ended.
    pub is_asked: bool,
    /// A sound of ours goes on: its own silence follows it.
    pub is_sounding: bool,
}

pub async fn busy(conn: &mut PgConnection, id: EndpointId, (now, since): (Instant, Instant)) -> sqlx::Result<Busy> {
    sqlx::query_as!(
        Busy,
        r#"select coalesce(bool_or(s.act = 'silence' and s.asked_at > $3 and c.state in ('queued', 'sent')), false) as "is_asked!",
                  coalesce(bool_or(s.act = 'sound' and c.sent_at is not null and coalesce(c.result, 'done') = 'done'
                      and c.state <> 'cancelled'
                      and coalesce(c.ended_at, c.sent_at) + make_interval(secs => s.duration_s) > $2), false) as "is_sounding!"
           from siren_command s join device_command c on c.id = s.command_id
           where s.endpoint_id = $1 and s.asked_at > $2::timestamptz - interval '31 days'"#,
        id.0,
        now,
        since
    )
    .fetch_one(conn)
    .await
}

pub async fn keep(conn: &mut PgConnection, id: EndpointId, owed: Owed) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into siren_owed (endpoint_id, silence_at, failures) values ($1, $2, $3)
         on conflict (endpoint_id) do update set silence_at = excluded.silence_at, failures = excluded.failures",
        id.0,
        owed.at,
        i32::try_from(owed.failures).unwrap_or(MOST_FAILURES).min(MOST_FAILURES)
    )
    .execute(conn)
    .await?;
    Ok(())
}
