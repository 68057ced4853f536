//! Kits and deliveries in PostgreSQL.

use serde::Serialize;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::{Kit, Part};
use crate::clock::Instant;

/// Deliveries of one list; a file has them all, month by month.
pub const MOST: i64 = 5000;

#[derive(Debug, serde::Deserialize)]
struct PartRow {
    item: Uuid,
    item_name: String,
    unit: String,
    amount: i32,
}

/// Kits in use.
pub async fn kits(conn: &mut PgConnection, id: Option<Uuid>) -> sqlx::Result<Vec<Kit>> {
    let rows = sqlx::query!(
        r#"select k.id, k.name, k.every_days, coalesce((select jsonb_agg(jsonb_build_object('item', i.id, 'item_name', i.name, 'unit', i.unit,
                'amount', a.amount) order by lower(i.name)) from aid_kit_item a join supply_item i on i.id = a.item_id where a.kit_id = k.id), '[]')
            as "parts!: Json<Vec<PartRow>>"
        from aid_kit k where k.retired_at is null and ($1::uuid is null or k.id = $1) order by lower(k.name), k.id limit 200"#,
        id
    )
    .fetch_all(conn)
    .await?;
    let part = |row: PartRow| Part { item: row.item, item_name: row.item_name, unit: row.unit, amount: row.amount };
    let kit = |id, name, every_days, parts: Vec<PartRow>| Kit {
        id,
        name,
        every_days,
        parts: parts.into_iter().map(part).collect(),
    };
    Ok(rows.into_iter().map(|row| kit(row.id, row.name, row.every_days, row.parts.0)).collect())
}

/// False when there is one of this name.
pub async fn add_kit(
    conn: &mut PgConnection,
    now: Instant,
    (id, name, every_days): (Uuid, &str, i32),
    parts: &[(Uuid, i32)],
    actor: &str,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "insert into aid_kit (id, name, every_days, created_at, created_by) values ($1, $2, $3, $4, $5) on conflict do nothing",
        id,
        name,
        every_days,
        now,
        actor
    )
    .execute(&mut *conn)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    for (item, amount) in parts {
        sqlx::query!("insert into aid_kit_item (kit_id, item_id, amount) values ($1, $2, $3)", id, item, amount)
            .execute(&mut *conn)
            .await?;
    }
    Ok(true)
}

/// False when it is retired already.
pub async fn retire_kit(conn: &mut PgConnection, now: Instant, id: Uuid) -> sqlx::Result<bool> {
    let done = sqlx::query!("update aid_kit set retired_at = $2 where id = $1 and retired_at is null", id, now)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Until when a household has had a kit; `None` when it may have it now. What was exercised is no kit that it has had, and the other way
/// round.
pub async fn had_until(
    conn: &mut PgConnection,
    now: Instant,
    (household, kit): (Uuid, Uuid),
    drill: bool,
) -> sqlx::Result<Option<Instant>> {
    // The same lock as the trigger's, so that two tables do not both find nothing.
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended('aid ' || $1::text || $2::text, 0))",
        household.to_string(),
        kit.to_string()
    )
    .fetch_one(&mut *conn)
    .await?;
    sqlx::query_scalar!(
        "select max(until_at) from aid_delivery where household_id = $1 and kit_id = $2 and until_at > $3 and at <= $3 and drill = $4",
        household,
        kit,
        now,
        drill
    )
    .fetch_one(conn)
    .await
}

/// A delivery as it is written.
#[derive(Clone, Copy, Debug)]
pub struct NewDelivery<'a> {
    pub id: Uuid,
    pub kit: Uuid,
    pub household: Uuid,
    pub place: Uuid,
    pub incident: Uuid,
    /// Whether it is exercised, as its incident is.
    pub drill: bool,
    pub until_at: Instant,
    pub proof: &'static str,
    pub override_by: Option<&'a str>,
    pub override_reason: &'a str,
    pub actor: &'a str,
}

pub async fn deliver(conn: &mut PgConnection, now: Instant, new: &NewDelivery<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into aid_delivery (id, kit_id, household_id, place_id, incident_id, at, actor, until_at, proof, override_by, override_reason,
            drill)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        new.id,
        new.kit,
        new.household,
        new.place,
        new.incident,
        now,
        new.actor,
        new.until_at,
        new.proof,
        new.override_by,
        new.override_reason,
        new.drill
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A delivery as it is told. The family by the code of its card.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = AidDelivery)]
pub struct Delivery {
    pub id: Uuid,
    #[schema(value_type = String)]
    pub at: Instant,
    pub kit: String,
    pub family: String,
    pub persons: i64,
    pub district: String,
    pub place: String,
    pub incident: String,
    /// `signature`, or the name of a `witness`; sealed in the vault.
    pub proof: String,
    /// Who handed it over.
    pub actor: String,
    pub override_by: Option<String>,
    pub override_reason: String,
    /// Whether it was exercised: nothing was given, and nothing left the stock.
    pub drill: bool,
}

/// Of which family, or which one; and whether those that were exercised are among them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Of {
    pub household: Option<Uuid>,
    pub id: Option<Uuid>,
    pub drills: bool,
}

/// The newest first, after `since`.
pub async fn deliveries(conn: &mut PgConnection, since: Instant, of: Of) -> sqlx::Result<Vec<Delivery>> {
    sqlx::query_as!(
        Delivery,
        r#"select d.id, d.at, k.name as kit, h.code as family, (select count(*) from displaced_person p where p.household_id = h.id) as "persons!",
            h.district, s.name as place, i.number as incident, d.proof, d.actor, d.override_by, d.override_reason, d.drill
        from aid_delivery d join aid_kit k on k.id = d.kit_id join household h on h.id = d.household_id
        join stock_place s on s.id = d.place_id join incident i on i.id = d.incident_id
        where d.at > $1 and ($2::uuid is null or d.household_id = $2) and ($3::uuid is null or d.id = $3) and ($5 or not d.drill)
        order by d.at desc, d.id limit $4"#,
        since,
        of.household,
        of.id,
        MOST,
        of.drills
    )
    .fetch_all(conn)
    .await
}

/// How often each kit was given, and to how many families.
#[derive(Clone, Debug)]
pub struct Given {
    pub kit: String,
    pub times: i64,
    pub families: i64,
}

/// `drills`: whether what was exercised counts.
pub async fn given(conn: &mut PgConnection, since: Instant, drills: bool) -> sqlx::Result<Vec<Given>> {
    sqlx::query_as!(
        Given,
        r#"select k.name as kit, count(*) as "times!", count(distinct d.household_id) as "families!" from aid_delivery d
            join aid_kit k on k.id = d.kit_id where d.at > $1 and ($2 or not d.drill)
            group by k.id, k.name order by lower(k.name), k.id"#,
        since,
        drills
    )
    .fetch_all(conn)
    .await
}
