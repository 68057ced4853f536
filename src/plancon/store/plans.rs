//! Plans and their versions.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::decode;
use crate::clock::Instant;
use crate::ids::StaffId;
use crate::plancon::check::Known;
use crate::plancon::{Plan, PlanAct, Version};

struct Row {
    id: Uuid,
    code: String,
    number: i32,
    state: String,
    revision: i32,
    title: String,
    changed_at: Instant,
    changed_by: String,
    in_force_at: Option<Instant>,
    approved_by: Option<String>,
    review_on: Option<NaiveDate>,
    ended_at: Option<Instant>,
}

impl Row {
    fn read(self) -> sqlx::Result<Version> {
        Ok(Version {
            id: self.id,
            code: self.code,
            number: self.number,
            state: self.state.parse().map_err(decode)?,
            revision: self.revision,
            title: self.title,
            changed_at: self.changed_at,
            changed_by: self.changed_by,
            in_force_at: self.in_force_at,
            approved_by: self.approved_by,
            review_on: self.review_on,
            ended_at: self.ended_at,
        })
    }
}

/// Versions of all plans, or of the one with this code, the newest first; at most 500.
pub async fn versions(conn: &mut PgConnection, code: Option<&str>) -> sqlx::Result<Vec<Version>> {
    let rows = sqlx::query_as!(
        Row,
        "select v.id, p.code, v.number, v.state, v.revision, v.title, v.changed_at, v.changed_by, v.in_force_at, v.approved_by,
             v.review_on, v.ended_at
         from plan_version v join contingency_plan p on p.id = v.plan_id
         where $1::text is null or p.code = $1 order by p.code, v.number desc limit 500",
        code
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Row::read).collect()
}

/// A version's document and the words it was written in.
pub async fn document(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<(Plan, String)> {
    let row = sqlx::query!("select document, source from plan_version where id = $1", id).fetch_one(conn).await?;
    Ok((serde_json::from_value(row.document).map_err(decode)?, row.source))
}

/// Every version that is in force, with its document.
pub async fn in_force(conn: &mut PgConnection) -> sqlx::Result<Vec<(Version, Plan)>> {
    let mut found = Vec::new();
    for version in versions(&mut *conn, None).await? {
        if version.state == crate::plancon::PlanState::InForce {
            let (plan, _) = document(&mut *conn, version.id).await?;
            found.push((version, plan));
        }
    }
    Ok(found)
}

/// What of the town a plan may name.
pub async fn known(conn: &mut PgConnection) -> sqlx::Result<Known> {
    let areas = sqlx::query_scalar!("select code from risk_area").fetch_all(&mut *conn).await?;
    let rotas = crate::rota::store::list(conn, None).await?;
    Ok(Known { areas: areas.into_iter().collect(), rotas: rotas.into_iter().map(|rota| rota.code).collect() })
}

/// Codes and names of risk areas.
pub async fn area_names(conn: &mut PgConnection) -> sqlx::Result<Vec<(String, String)>> {
    let rows = sqlx::query!("select code, name from risk_area order by name").fetch_all(conn).await?;
    Ok(rows.into_iter().map(|row| (row.code, row.name)).collect())
}

/// The plan's id, held until the transaction ends; none: there is no such plan. Nobody else adds one meanwhile. And how many there are.
pub async fn lock(conn: &mut PgConnection, code: &str) -> sqlx::Result<(Option<Uuid>, i64)> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('contingency plans', 0))")
        .fetch_one(&mut *conn)
        .await?;
    let id = sqlx::query_scalar!("select id from contingency_plan where code = $1 for update", code)
        .fetch_optional(&mut *conn)
        .await?;
    let count = sqlx::query_scalar!(r#"select count(*) as "count!" from contingency_plan"#).fetch_one(conn).await?;
    Ok((id, count))
}

pub async fn insert_plan(
    conn: &mut PgConnection,
    (id, code): (Uuid, &str),
    now: Instant,
    by: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into contingency_plan (id, code, created_at, created_by) values ($1, $2, $3, $4)",
        id,
        code,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A document as it is kept.
#[derive(Clone, Copy, Debug)]
pub struct Written<'a> {
    pub title: &'a str,
    pub source: &'a str,
    pub document: &'a Value,
}

/// A new draft with the next number.
pub async fn insert_draft(
    conn: &mut PgConnection,
    (id, plan): (Uuid, Uuid),
    (now, by): (Instant, &str),
    written: Written<'_>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into plan_version (id, plan_id, number, state, title, source, document, changed_at, changed_by)
         select $1, $2, coalesce(max(number), 0) + 1, 'draft', $3, $4, $5, $6, $7 from plan_version where plan_id = $2",
        id,
        plan,
        written.title,
        written.source,
        written.document,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn rewrite_draft(
    conn: &mut PgConnection,
    id: Uuid,
    (now, by): (Instant, &str),
    written: Written<'_>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update plan_version set title = $2, source = $3, document = $4, changed_at = $5, changed_by = $6, revision = revision + 1
         where id = $1",
        id,
        written.title,
        written.source,
        written.document,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Puts a draft in force until its review, in the place of whatever was; tells which version that was.
pub async fn put_in_force(
    conn: &mut PgConnection,
    id: Uuid,
    (now, by): (Instant, &str),
    review_on: NaiveDate,
) -> sqlx::Result<Option<Uuid>> {
    let before = sqlx::query_scalar!(
        "update plan_version o set state = 'replaced', ended_at = $2 from plan_version n
         where n.id = $1 and o.plan_id = n.plan_id and o.state = 'in_force' returning o.id",
        id,
        now
    )
    .fetch_optional(&mut *conn)
    .await?;
    sqlx::query!(
        "update plan_version set state = 'in_force', in_force_at = $2, approved_by = $3, review_on = $4 where id = $1",
        id,
        now,
        by,
        review_on
    )
    .execute(conn)
    .await?;
    Ok(before)
}

pub async fn withdraw(conn: &mut PgConnection, id: Uuid, now: Instant) -> sqlx::Result<()> {
    sqlx::query!("update plan_version set state = 'withdrawn', ended_at = $2 where id = $1", id, now)
        .execute(conn)
        .await?;
    Ok(())
}

pub async fn set_review(conn: &mut PgConnection, id: Uuid, review_on: NaiveDate) -> sqlx::Result<()> {
    sqlx::query!("update plan_version set review_on = $2, reminded_on = null where id = $1", id, review_on)
        .execute(conn)
        .await?;
    Ok(())
}

/// Who did what with a version, and why. `staff` none: the service.
pub async fn keep_act(
    conn: &mut PgConnection,
    version: Uuid,
    (now, staff, actor): (Instant, Option<StaffId>, &str),
    (act, reason): (&str, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into plan_act (version_id, at, act, staff_id, actor, reason) values ($1, $2, $3, $4, $5, $6)",
        version,
        now,
        act,
        staff.map(|id| id.0),
        actor,
        reason
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Everybody who wrote something of a version.
pub async fn authors(conn: &mut PgConnection, version: Uuid) -> sqlx::Result<BTreeSet<StaffId>> {
    let rows = sqlx::query_scalar!(
        r#"select distinct staff_id as "id!: StaffId" from plan_act where version_id = $1 and act = 'write' and staff_id is not null"#,
        version
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().collect())
}

/// What was done to the versions of a plan, the newest first, at most 200.
pub async fn acts(conn: &mut PgConnection, code: &str) -> sqlx::Result<Vec<PlanAct>> {
    sqlx::query_as!(
        PlanAct,
        "select v.number, a.at, a.act, a.actor, a.reason from plan_act a join plan_version v on v.id = a.version_id
             join contingency_plan p on p.id = v.plan_id
         where p.code = $1 order by a.id desc limit 200",
        code
    )
    .fetch_all(conn)
    .await
}

/// Plans in force whose review is near or due and of which nobody was told since, each once until `today` is kept.
pub async fn take_due_reviews(
    conn: &mut PgConnection,
    today: NaiveDate,
    near: NaiveDate,
) -> sqlx::Result<Vec<(String, String, NaiveDate)>> {
    let rows = sqlx::query!(
        r#"update plan_version v set reminded_on = $1 from contingency_plan p
           where p.id = v.plan_id and v.state = 'in_force' and v.review_on <= $2
             and (v.reminded_on is null or (v.review_on <= $1 and v.reminded_on < v.review_on))
           returning p.code, v.title, v.review_on as "review_on!""#,
        today,
        near
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.code, row.title, row.review_on)).collect())
}
