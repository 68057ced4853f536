//! What the report after the action counts: rows of alerts, outbox, copies and participants, as they are.

use sqlx::PgConnection;

use crate::exercises::report::{Channel, People, Told};
use crate::ids::ExerciseId;

/// Its alerts that left, oldest first, each with its times and what became of every message.
pub async fn alerts(conn: &mut PgConnection, id: ExerciseId) -> sqlx::Result<Vec<Told>> {
    let rows = sqlx::query!(
        r#"select a.id, a.number as "number!", a.kind, a.level, a.headline, a.created_at as drafted_at, a.created_by as drafted_by,
                  coalesce((select min(p.at) from alert_approval p where p.alert_id = a.id and p.act = 'approve'), a.approved_at)
                      as "approved_at!",
                  coalesce(a.approved_by, '') as "approved_by!", a.issued_at as "issued_at!"
           from alert a where a.exercise_id = $1 and a.cap_xml is not null and a.number is not null
             and a.issued_at is not null and a.approved_at is not null
           order by a.issued_at, a.id"#,
        id.0
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut told = Vec::with_capacity(rows.len());
    for row in rows {
        told.push(Told {
            id: row.id,
            number: row.number,
            kind: row.kind,
            level: row.level,
            headline: row.headline,
            drafted_at: row.drafted_at,
            drafted_by: row.drafted_by,
            approved_at: row.approved_at,
            approved_by: row.approved_by,
            issued_at: row.issued_at,
            channels: channels(&mut *conn, row.id).await?,
        });
    }
    Ok(told)
}

async fn channels(conn: &mut PgConnection, alert: uuid::Uuid) -> sqlx::Result<Vec<Channel>> {
    sqlx::query_as!(
        Channel,
        r#"with message as (
               select case when endpoint_id is null then 'residents' else 'endpoints' end as audience, channel, state, accepted_at, final_at
               from outbox where alert_id = $1
               union all
               select case when participant_id is null then 'testers' else 'participants' end, channel, state,
                   case when state in ('accepted', 'delivered') then final_at end, final_at
               from alert_copy where alert_id = $1
           )
           select audience as "audience!", channel as "channel!",
               count(*) filter (where state <> 'suppressed') as "to_send!",
               count(*) filter (where state = 'delivered') as "delivered!",
               count(*) filter (where state in ('accepted', 'unknown')) as "handed_over!",
               count(*) filter (where state in ('pending', 'sending')) as "waiting!",
               count(*) filter (where state in ('rejected', 'undelivered', 'expired')) as "failed!",
               count(*) filter (where state = 'suppressed') as "suppressed!",
               min(coalesce(accepted_at, final_at)) filter (where state in ('accepted', 'delivered')) as first_at,
               max(case when state = 'delivered' then coalesce(final_at, accepted_at) else accepted_at end)
                   filter (where state in ('accepted', 'delivered')) as last_at
           from message group by 1, 2
           order by array_position(array['residents', 'endpoints', 'participants', 'testers'], audience), channel desc"#,
        alert
    )
    .fetch_all(conn)
    .await
}

/// How many of each kind came, left and said that they were told.
pub async fn people(conn: &mut PgConnection, id: ExerciseId) -> sqlx::Result<Vec<People>> {
    sqlx::query_as!(
        People,
        r#"select kind, count(*) filter (where left_at is null) as "taking_part!", count(*) filter (where left_at is not null) as "left!",
               count(*) filter (where left_at is null and acknowledged_at is not null) as "acknowledged!",
               min(acknowledged_at) as first_acknowledged_at, max(acknowledged_at) as last_acknowledged_at
           from exercise_participant where exercise_id = $1 group by kind
           order by array_position(array['staff', 'institution', 'nucleus', 'resident'], kind)"#,
        id.0
    )
    .fetch_all(conn)
    .await
}
