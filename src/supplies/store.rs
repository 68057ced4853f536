//! The ledger of supplies in PostgreSQL.

use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Kind, Priority};
use crate::clock::Instant;

/// Items, places and rows of one answer.
pub const MOST: i64 = 1000;

/// Where things lie.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = StockPlace)]
pub struct Place {
    pub id: Uuid,
    pub name: String,
    /// Whether it is a shelter.
    pub shelter: bool,
}

pub async fn places(conn: &mut PgConnection) -> sqlx::Result<Vec<Place>> {
    sqlx::query_as!(
        Place,
        r#"select id, name, shelter_id is not null as "shelter!" from stock_place order by shelter_id is not null, lower(name), id limit $1"#,
        MOST
    )
    .fetch_all(conn)
    .await
}

pub async fn place(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Place>> {
    sqlx::query_as!(
        Place,
        r#"select id, name, shelter_id is not null as "shelter!" from stock_place where id = $1"#,
        id
    )
    .fetch_optional(conn)
    .await
}

pub async fn add_depot(conn: &mut PgConnection, now: Instant, id: Uuid, name: &str) -> sqlx::Result<()> {
    sqlx::query!("insert into stock_place (id, name, created_at) values ($1, $2, $3)", id, name, now)
        .execute(conn)
        .await?;
    Ok(())
}

/// A thing with its unit.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = SupplyItem)]
pub struct Item {
    pub id: Uuid,
    pub name: String,
    pub unit: String,
}

pub async fn items(conn: &mut PgConnection) -> sqlx::Result<Vec<Item>> {
    sqlx::query_as!(Item, "select id, name, unit from supply_item order by lower(name), id limit $1", MOST)
        .fetch_all(conn)
        .await
}

pub async fn item(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Item>> {
    sqlx::query_as!(Item, "select id, name, unit from supply_item where id = $1", id).fetch_optional(conn).await
}

/// False when there is one of this name.
pub async fn add_item(
    conn: &mut PgConnection,
    now: Instant,
    id: Uuid,
    (name, unit): (&str, &str),
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "insert into supply_item (id, name, unit, created_at) values ($1, $2, $3, $4) on conflict do nothing",
        id,
        name,
        unit,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// An entry as it is written.
#[derive(Clone, Copy, Debug)]
pub struct NewEntry<'a> {
    pub place: Uuid,
    pub item: Uuid,
    pub kind: Kind,
    /// In the item's unit, above nothing; the kind says which way.
    pub amount: i32,
    pub move_id: Option<Uuid>,
    /// The delivery of aid that it went to.
    pub delivery: Option<Uuid>,
    pub actor: &'a str,
    pub reason: &'a str,
}

/// Locks what lies of these items at these places, always in one order; gives back how much there is of each, in the order asked for.
pub async fn lock(conn: &mut PgConnection, wanted: &[(Uuid, Uuid)]) -> sqlx::Result<Vec<i32>> {
    let mut ordered = wanted.to_vec();
    ordered.sort_unstable();
    ordered.dedup();
    let mut held = std::collections::BTreeMap::new();
    for (place, item) in ordered {
        sqlx::query!(
            "insert into supply_stock (place_id, item_id, amount) values ($1, $2, 0) on conflict do nothing",
            place,
            item
        )
        .execute(&mut *conn)
        .await?;
        let amount = sqlx::query_scalar!(
            "select amount from supply_stock where place_id = $1 and item_id = $2 for update",
            place,
            item
        )
        .fetch_one(&mut *conn)
        .await?;
        held.insert((place, item), amount);
    }
    Ok(wanted.iter().map(|pair| held.get(pair).copied().unwrap_or_default()).collect())
}

/// Appends an entry. The database refuses whatever would make a stock negative.
pub async fn append(conn: &mut PgConnection, now: Instant, new: NewEntry<'_>) -> sqlx::Result<i64> {
    let amount = if new.kind.adds() { new.amount } else { -new.amount };
    sqlx::query_scalar!(
        "insert into supply_entry (place_id, item_id, at, actor, kind, amount, move_id, reason, delivery_id)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning id",
        new.place,
        new.item,
        now,
        new.actor,
        new.kind.as_str(),
        amount,
        new.move_id,
        new.reason,
        new.delivery
    )
    .fetch_one(conn)
    .await
}

/// What lies where.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Stock)]
pub struct Stock {
    pub place: Uuid,
    pub place_name: String,
    pub item: Uuid,
    pub item_name: String,
    pub unit: String,
    /// In the unit; never negative.
    pub amount: i32,
}

/// Of one place or of all; what is used up is left out.
pub async fn stock(conn: &mut PgConnection, place: Option<Uuid>) -> sqlx::Result<Vec<Stock>> {
    sqlx::query_as!(
        Stock,
        "select s.place_id as place, p.name as place_name, s.item_id as item, i.name as item_name, i.unit, s.amount
        from supply_stock s join stock_place p on p.id = s.place_id join supply_item i on i.id = s.item_id
        where s.amount > 0 and ($1::uuid is null or s.place_id = $1) order by lower(p.name), p.id, lower(i.name), i.id limit $2",
        place,
        MOST
    )
    .fetch_all(conn)
    .await
}

/// A line of the ledger.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = SupplyEntry)]
pub struct Line {
    pub id: i64,
    #[schema(value_type = String)]
    pub at: Instant,
    pub actor: String,
    pub place: Uuid,
    pub item: Uuid,
    pub item_name: String,
    pub unit: String,
    pub kind: String,
    /// What left is negative.
    pub amount: i32,
    pub reason: String,
}

/// The newest lines of a place.
pub async fn lines(conn: &mut PgConnection, place: Uuid, limit: i64) -> sqlx::Result<Vec<Line>> {
    sqlx::query_as!(
        Line,
        "select e.id, e.at, e.actor, e.place_id as place, e.item_id as item, i.name as item_name, i.unit, e.kind, e.amount, e.reason
        from supply_entry e join supply_item i on i.id = e.item_id where e.place_id = $1 order by e.id desc limit $2",
        place,
        limit
    )
    .fetch_all(conn)
    .await
}

/// What a place needs.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = SupplyNeed)]
pub struct Need {
    pub id: Uuid,
    pub place: Uuid,
    pub place_name: String,
    pub item: Uuid,
    pub item_name: String,
    pub unit: String,
    pub wanted: i32,
    pub received: i32,
    /// Promised and not yet here.
    pub promised: i64,
    pub priority: String,
    pub public: bool,
    pub note: String,
    #[schema(value_type = String)]
    pub opened_at: Instant,
    pub opened_by: String,
}

impl Need {
    /// What nobody has promised yet.
    pub const fn missing(&self) -> i64 {
        super::missing(self.wanted, self.received, self.promised)
    }
}

/// Open needs, the most urgent first; of one place or of all.
pub async fn needs(conn: &mut PgConnection, place: Option<Uuid>) -> sqlx::Result<Vec<Need>> {
    sqlx::query_as!(
        Need,
        r#"select n.id, n.place_id as place, p.name as place_name, n.item_id as item, i.name as item_name, i.unit, n.wanted, n.received,
            coalesce((select sum(m.amount) from supply_promise m where m.need_id = n.id and m.state = 'promised'), 0)::bigint as "promised!",
            n.priority, n.public, n.note, n.opened_at, n.opened_by
        from supply_need n join stock_place p on p.id = n.place_id join supply_item i on i.id = n.item_id
        where n.closed_at is null and ($1::uuid is null or n.place_id = $1)
        order by case n.priority when 'urgent' then 0 when 'high' then 1 else 2 end, n.opened_at, n.id limit $2"#,
        place,
        MOST
    )
    .fetch_all(conn)
    .await
}

/// A need as it is written.
#[derive(Clone, Copy, Debug)]
pub struct NewNeed<'a> {
    pub place: Uuid,
    pub item: Uuid,
    pub wanted: i32,
    pub priority: Priority,
    pub public: bool,
    pub note: &'a str,
}

/// Opens a need, or changes the one that is open for the same.
pub async fn need(
    conn: &mut PgConnection,
    now: Instant,
    id: Uuid,
    new: NewNeed<'_>,
    actor: &str,
) -> sqlx::Result<Uuid> {
    sqlx::query_scalar!(
        "insert into supply_need (id, place_id, item_id, wanted, priority, public, note, opened_at, opened_by)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        on conflict (place_id, item_id) where closed_at is null do update set wanted = excluded.wanted, priority = excluded.priority,
            public = excluded.public, note = excluded.note returning id",
        id,
        new.place,
        new.item,
        new.wanted,
        new.priority.as_str(),
        new.public,
        new.note,
        now,
        actor
    )
    .fetch_one(conn)
    .await
}

/// False when it is not open.
pub async fn close_need(
    conn: &mut PgConnection,
    now: Instant,
    id: Uuid,
    (actor, reason): (&str, &str),
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update supply_need set closed_at = $2, closed_by = $3, closed_reason = $4 where id = $1 and closed_at is null",
        id,
        now,
        actor,
        reason
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Where an open need is for what.
pub async fn open_need(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<(Uuid, Uuid)>> {
    let row =
        sqlx::query!("select place_id, item_id from supply_need where id = $1 and closed_at is null for update", id)
            .fetch_optional(conn)
            .await?;
    Ok(row.map(|row| (row.place_id, row.item_id)))
}

/// Counts what came for a need; one that is filled closes by itself.
pub async fn fill(conn: &mut PgConnection, now: Instant, (place, item): (Uuid, Uuid), amount: i32) -> sqlx::Result<()> {
    sqlx::query!(
        "update supply_need set received = least(received + $3, 2000000),
            closed_at = case when received + $3 >= wanted then $4::timestamptz end,
            closed_by = case when received + $3 >= wanted then 'service' end,
            closed_reason = case when received + $3 >= wanted then 'filled' else '' end
        where place_id = $1 and item_id = $2 and closed_at is null",
        place,
        item,
        amount,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What somebody promised.
#[derive(Clone, Debug)]
pub struct Promise {
    pub id: Uuid,
    pub need: Uuid,
    pub place: Uuid,
    pub item_id: Uuid,
    pub item: String,
    pub unit: String,
    pub amount: i32,
    pub donor: String,
    pub promised_at: Instant,
}

pub async fn promise(
    conn: &mut PgConnection,
    now: Instant,
    (id, need): (Uuid, Uuid),
    (amount, donor): (i32, &str),
    actor: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into supply_promise (id, need_id, amount, donor, promised_at, promised_by) values ($1, $2, $3, $4, $5, $6)",
        id,
        need,
        amount,
        donor,
        now,
        actor
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Promises that wait, of one place or of all.
pub async fn promises(conn: &mut PgConnection, place: Option<Uuid>) -> sqlx::Result<Vec<Promise>> {
    sqlx::query_as!(
        Promise,
        "select m.id, m.need_id as need, n.place_id as place, n.item_id, i.name as item, i.unit, m.amount, m.donor, m.promised_at
        from supply_promise m join supply_need n on n.id = m.need_id join supply_item i on i.id = n.item_id
        where m.state = 'promised' and ($1::uuid is null or n.place_id = $1) order by m.promised_at, m.id limit $2",
        place,
        MOST
    )
    .fetch_all(conn)
    .await
}

/// Ends a promise; gives back place and item. `None` when it does not wait.
pub async fn end_promise(
    conn: &mut PgConnection,
    now: Instant,
    id: Uuid,
    received: Option<i32>,
    actor: &str,
) -> sqlx::Result<Option<(Uuid, Uuid)>> {
    let row = sqlx::query!(
        "update supply_promise m set state = case when $3::integer is null then 'withdrawn' else 'received' end, received = $3,
            ended_at = $2, ended_by = $4 from supply_need n
        where m.id = $1 and m.state = 'promised' and n.id = m.need_id returning n.place_id, n.item_id",
        id,
        now,
        received,
        actor
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.place_id, row.item_id)))
}
