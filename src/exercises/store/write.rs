//! Writing exercises, in the caller's transaction.

use sqlx::PgConnection;

use crate::clock::Instant;
use crate::exercises::plan::{NewImprovement, Plan};
use crate::exercises::state::ExerciseState;
use crate::ids::ExerciseId;

/// A new one, planned.
pub async fn insert(
    conn: &mut PgConnection,
    now: Instant,
    (id, code): (ExerciseId, &str),
    actor: &str,
    plan: &Plan,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into exercise (id, code, title, scenario, cobrade, objectives, place, public_text, responsible, starts_at,
             ends_at, listed, announce_days, announce_hours, state, changed_at, created_at, created_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 'planned', $15, $15, $16)",
        id.0,
        code,
        plan.title.trim(),
        plan.scenario.trim(),
        plan.cobrade,
        plan.objectives.trim(),
        plan.place.trim(),
        plan.public_text.trim(),
        plan.responsible.trim(),
        plan.starts_at,
        plan.ends_at,
        plan.listed,
        plan.announce_days,
        plan.announce_hours,
        now,
        actor
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Replaces the plan. Where the day or the place of it moved, readers of the calendar are told, and it is announced anew.
/// Returns whether the time moved.
pub async fn update(conn: &mut PgConnection, now: Instant, id: ExerciseId, plan: &Plan) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"with old as (select * from exercise where id = $1)
         update exercise e set title = $2, scenario = $3, cobrade = $4, objectives = $5, place = $6, public_text = $7,
             responsible = $8, starts_at = $9, ends_at = $10, listed = $11, announce_days = $12, announce_hours = $13,
             revision = e.revision + 1, changed_at = $14,
             sequence = e.sequence + case when (old.title, old.place, old.public_text, old.starts_at, old.ends_at, old.listed)
                 is distinct from ($2, $6, $7, $9, $10, $11) then 1 else 0 end,
             announced_days_at = case when old.starts_at = $9 then old.announced_days_at end,
             announced_hours_at = case when old.starts_at = $9 then old.announced_hours_at end
         from old where e.id = old.id
         returning old.starts_at <> $9 or old.ends_at <> $10 as "moved!""#,
        id.0,
        plan.title.trim(),
        plan.scenario.trim(),
        plan.cobrade,
        plan.objectives.trim(),
        plan.place.trim(),
        plan.public_text.trim(),
        plan.responsible.trim(),
        plan.starts_at,
        plan.ends_at,
        plan.listed,
        plan.announce_days,
        plan.announce_hours,
        now
    )
    .fetch_one(conn)
    .await
}

/// Its areas and injects, as the plan has them.
pub async fn set_parts(conn: &mut PgConnection, id: ExerciseId, areas: &[i64], plan: &Plan) -> sqlx::Result<()> {
    sqlx::query!("delete from exercise_area where exercise_id = $1", id.0).execute(&mut *conn).await?;
    sqlx::query!(
        "insert into exercise_area (exercise_id, area_id) select $1, id from unnest($2::bigint[]) as given (id)",
        id.0,
        areas
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("delete from exercise_inject where exercise_id = $1", id.0).execute(&mut *conn).await?;
    let minutes: Vec<i32> = plan.injects.iter().map(|inject| inject.at_min).collect();
    let texts: Vec<String> = plan.injects.iter().map(|inject| inject.text.trim().to_owned()).collect();
    sqlx::query!(
        "insert into exercise_inject (exercise_id, at_min, text)
         select $1, given.at_min, given.text from unnest($2::integer[], $3::text[]) with ordinality as given (at_min, text, place)
         order by given.at_min, given.place",
        id.0,
        &minutes,
        &texts
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The exercise has reached this state. Readers of the calendar see what was announced and what was called off.
pub async fn advance(
    conn: &mut PgConnection,
    now: Instant,
    id: ExerciseId,
    state: ExerciseState,
    actor: &str,
    reason: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update exercise set state = $2, revision = revision + 1, changed_at = $3,
             sequence = sequence + case when $2 in ('announced', 'cancelled') and state <> $2 then 1 else 0 end,
             announced_at = case when $2 = 'announced' then coalesce(announced_at, $3) else announced_at end,
             started_at = case when $2 = 'running' then $3 else started_at end,
             started_by = case when $2 = 'running' then $4 else started_by end,
             finished_at = case when $2 = 'finished' then $3 else finished_at end,
             finished_by = case when $2 = 'finished' then $4 else finished_by end,
             reported_at = case when $2 = 'reported' then $3 else reported_at end,
             reported_by = case when $2 = 'reported' then $4 else reported_by end,
             cancelled_at = case when $2 = 'cancelled' then $3 else cancelled_at end,
             cancelled_by = case when $2 = 'cancelled' then $4 else cancelled_by end,
             cancel_reason = case when $2 = 'cancelled' then $5 else cancel_reason end
         where id = $1",
        id.0,
        state.as_str(),
        now,
        actor,
        reason
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Both announcements that the clock makes count as made: the nearer one says all that the farther one would.
pub async fn announced(conn: &mut PgConnection, now: Instant, id: ExerciseId, hours_too: bool) -> sqlx::Result<()> {
    sqlx::query!(
        "update exercise set announced_days_at = coalesce(announced_days_at, $2),
             announced_hours_at = case when $3 then coalesce(announced_hours_at, $2) else announced_hours_at end
         where id = $1",
        id.0,
        now,
        hours_too
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ticks an inject of this exercise, or takes the tick back. False when there is no such inject, or it is so already.
pub async fn tick(
    conn: &mut PgConnection,
    now: Instant,
    id: ExerciseId,
    inject: i64,
    actor: &str,
    done: bool,
) -> sqlx::Result<bool> {
    let changed = sqlx::query!(
        "update exercise_inject set done_at = case when $5 then $3::timestamptz end, done_by = case when $5 then $4 end
         where exercise_id = $1 and id = $2 and (done_at is null) = $5",
        id.0,
        inject,
        now,
        actor,
        done
    )
    .execute(conn)
    .await?;
    Ok(changed.rows_affected() == 1)
}

/// What the report says in words.
pub async fn evaluate(conn: &mut PgConnection, id: ExerciseId, problems: &str, evaluation: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "update exercise set problems = $2, evaluation = $3, revision = revision + 1 where id = $1",
        id.0,
        problems,
        evaluation
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn add_improvement(conn: &mut PgConnection, id: ExerciseId, new: &NewImprovement) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "insert into exercise_action (exercise_id, what, owner, due_on) values ($1, $2, $3, $4) returning id",
        id.0,
        new.what.trim(),
        new.owner.trim(),
        new.due_on
    )
    .fetch_one(conn)
    .await
}

/// Marks an improvement as done. False when there is no such one, or it is done already.
pub async fn improved(
    conn: &mut PgConnection,
    now: Instant,
    id: ExerciseId,
    action: i64,
    actor: &str,
) -> sqlx::Result<bool> {
    let changed = sqlx::query!(
        "update exercise_action set done_at = $3, done_by = $4 where exercise_id = $1 and id = $2 and done_at is null",
        id.0,
        action,
        now,
        actor
    )
    .execute(conn)
    .await?;
    Ok(changed.rows_affected() == 1)
}

/// Puts a draft into an exercise.
pub async fn adopt(conn: &mut PgConnection, id: ExerciseId, alert: crate::ids::AlertId) -> sqlx::Result<()> {
    sqlx::query!("update alert set exercise_id = $2 where id = $1", alert.0, id.0).execute(conn).await?;
    Ok(())
}
