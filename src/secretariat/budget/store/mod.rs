//! Bills of the budget and their parts in PostgreSQL.

pub mod changes;
pub mod execution;
pub mod lines;
pub mod publication;

use serde::Serialize;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::BillKind;
use super::classify::{Classes, Which};
use super::dates::DateRule;
use super::life::Life;
use super::plans::Content;
use crate::clock::Instant;
use crate::deadlines::DeadlineRule;
use crate::secretariat::kernel::money::Centavos;
use crate::secretariat::kernel::tree::store as nodes;

/// Bills that a list gives.
const MOST: i64 = 300;

pub(super) fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

/// A bill without its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bill {
    pub id: Uuid,
    pub kind: BillKind,
    pub year_from: i32,
    pub year_to: i32,
    pub life: Life,
    pub content: Content,
    pub revision: i32,
    pub changed_at: Instant,
}

struct BillRow {
    id: Uuid,
    kind: String,
    year_from: i32,
    year_to: i32,
    life: Json<Life>,
    content: Json<Content>,
    revision: i32,
    changed_at: Instant,
}

impl TryFrom<BillRow> for Bill {
    type Error = sqlx::Error;

    fn try_from(row: BillRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.id,
            kind: row.kind.parse().map_err(decode)?,
            year_from: row.year_from,
            year_to: row.year_to,
            life: row.life.0,
            content: row.content.0,
            revision: row.revision,
            changed_at: row.changed_at,
        })
    }
}

/// The newest years first.
pub async fn list(conn: &mut PgConnection) -> sqlx::Result<Vec<Bill>> {
    let rows = sqlx::query_as!(
        BillRow,
        r#"select id, kind, year_from, year_to, life as "life: Json<Life>", content as "content: Json<Content>", revision, changed_at
           from budget_bill order by year_from desc, kind limit $1"#,
        MOST
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Bill::try_from).collect()
}

/// Which bills.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Words of kind, years, numbers of bill and law, and names of what the law says beside its lines, accents or not; empty: all.
    pub words: String,
    pub kind: Option<BillKind>,
    /// That hold for it.
    pub year: Option<i32>,
    /// Word of a state.
    pub state: Option<String>,
}

/// Those that are wanted, the newest years first.
pub async fn find(conn: &mut PgConnection, wanted: &Wanted) -> sqlx::Result<Vec<Bill>> {
    let rows = sqlx::query_as!(
        BillRow,
        r#"select id, kind, year_from, year_to, life as "life: Json<Life>", content as "content: Json<Content>", revision, changed_at
           from budget_bill b
           where ($2::text is null or kind = $2) and ($3::int is null or $3 between year_from and year_to)
             and ($4::text is null or life ->> 'state' = $4)
             and ($5 = '' or has_words(concat_ws(' ', kind, year_from, year_to, life #>> '{submission,number}', life #>> '{law,number}',
                 (select string_agg(n.name #>> '{}', ' ') from jsonb_path_query(b.content, 'strict $.**.name') n (name))), $5))
           order by year_from desc, kind limit $1"#,
        MOST,
        wanted.kind.map(BillKind::as_str),
        wanted.year,
        wanted.state,
        wanted.words
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Bill::try_from).collect()
}

pub async fn load(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Bill>> {
    let row = sqlx::query_as!(
        BillRow,
        r#"select id, kind, year_from, year_to, life as "life: Json<Life>", content as "content: Json<Content>", revision, changed_at
           from budget_bill where id = $1"#,
        id
    )
    .fetch_optional(conn)
    .await?;
    row.map(Bill::try_from).transpose()
}

/// The same, and nobody else acts on it until the transaction ends.
pub async fn lock(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Bill>> {
    sqlx::query!("select id from budget_bill where id = $1 for update", id).fetch_optional(&mut *conn).await?;
    load(conn, id).await
}

/// The bill of a kind that holds for a year.
pub async fn of_year(conn: &mut PgConnection, kind: BillKind, year: i32) -> sqlx::Result<Option<Bill>> {
    let row = sqlx::query_as!(
        BillRow,
        r#"select id, kind, year_from, year_to, life as "life: Json<Life>", content as "content: Json<Content>", revision, changed_at
           from budget_bill where kind = $1 and $2 between year_from and year_to order by year_from desc limit 1"#,
        kind.as_str(),
        year
    )
    .fetch_optional(conn)
    .await?;
    row.map(Bill::try_from).transpose()
}

/// Whether a PPA has this action in this programme.
pub async fn has_action(conn: &mut PgConnection, (programme, action): (&str, &str)) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (
               select from budget_bill b, jsonb_array_elements(b.content -> 'programmes') p, jsonb_array_elements(p -> 'actions') a
               where b.kind = 'ppa' and p ->> 'code' = $1 and a ->> 'code' = $2) as "is!""#,
        programme,
        action
    )
    .fetch_one(conn)
    .await
}

/// Whether a bill of this kind holds for any of the years.
pub async fn overlaps(conn: &mut PgConnection, kind: BillKind, (from, to): (i32, i32)) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from budget_bill where kind = $1 and year_from <= $3 and year_to >= $2) as "is!""#,
        kind.as_str(),
        from,
        to
    )
    .fetch_one(conn)
    .await
}

pub async fn insert(conn: &mut PgConnection, bill: &Bill, by: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into budget_bill (id, kind, year_from, year_to, state, life, content, created_at, created_by, changed_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $8)",
        bill.id,
        bill.kind.as_str(),
        bill.year_from,
        bill.year_to,
        bill.life.word(),
        Json(&bill.life) as _,
        Json(&bill.content) as _,
        bill.changed_at,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Life and content as they are now; the revision goes up.
pub async fn set(
    conn: &mut PgConnection,
    id: Uuid,
    (life, content): (&Life, &Content),
    at: Instant,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update budget_bill set state = $2, life = $3, content = $4, changed_at = $5, revision = revision + 1 where id = $1",
        id,
        life.word(),
        Json(life) as _,
        Json(content) as _,
        at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// One act on a bill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = BudgetAct)]
pub struct Acted {
    #[schema(value_type = String)]
    pub at: Instant,
    pub actor: String,
    pub act: String,
    pub reason: String,
}

pub async fn keep_act(
    conn: &mut PgConnection,
    id: Uuid,
    (at, actor): (Instant, &str),
    (act, reason): (&str, &str),
    detail: &serde_json::Value,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into budget_act (bill_id, at, actor, act, reason, detail) values ($1, $2, $3, $4, $5, $6)",
        id,
        at,
        actor,
        act,
        reason,
        detail
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The newest first.
pub async fn acts(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Vec<Acted>> {
    sqlx::query_as!(
        Acted,
        "select at, actor, act, reason from budget_act where bill_id = $1 order by id desc limit 200",
        id
    )
    .fetch_all(conn)
    .await
}

/// What a unit proposes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = BudgetProposal)]
pub struct Proposal {
    pub unit: String,
    #[schema(value_type = Option<i64>)]
    pub ceiling: Option<Centavos>,
    /// draft, sent or returned.
    pub state: String,
    pub returned_reason: String,
    pub asked: Centavos,
    pub lines: i64,
}

pub async fn proposals(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Vec<Proposal>> {
    let rows = sqlx::query!(
        r#"select p.unit, p.ceiling, p.state, p.returned_reason, coalesce(l.asked, 0)::bigint as "asked!", coalesce(l.lines, 0) as "lines!"
           from budget_proposal p left join (select unit, sum(amount) as asked, count(*) as lines from budget_line where bill_id = $1
               group by unit) l on l.unit = p.unit
           where p.bill_id = $1 order by p.unit limit 2000"#,
        id
    )
    .fetch_all(conn)
    .await?;
    let proposal = rows.into_iter().map(|row| Proposal {
        unit: row.unit,
        ceiling: row.ceiling.map(Centavos),
        state: row.state,
        returned_reason: row.returned_reason,
        asked: Centavos(row.asked),
        lines: row.lines,
    });
    Ok(proposal.collect())
}

pub async fn set_ceiling(
    conn: &mut PgConnection,
    (id, unit): (Uuid, &str),
    most: Centavos,
    (at, by): (Instant, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into budget_proposal (bill_id, unit, ceiling, changed_at, changed_by) values ($1, $2, $3, $4, $5)
         on conflict (bill_id, unit) do update set ceiling = $3, changed_at = $4, changed_by = $5",
        id,
        unit,
        most.0,
        at,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn set_proposal(
    conn: &mut PgConnection,
    (id, unit): (Uuid, &str),
    (state, reason): (&str, &str),
    (at, by): (Instant, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into budget_proposal (bill_id, unit, state, returned_reason, changed_at, changed_by) values ($1, $2, $3, $4, $5, $6)
         on conflict (bill_id, unit) do update set state = $3, returned_reason = $4, changed_at = $5, changed_by = $6",
        id,
        unit,
        state,
        reason,
        at,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Every classification with what the town added.
pub async fn classes(conn: &mut PgConnection) -> sqlx::Result<Classes> {
    let mut local = Vec::new();
    for which in Which::ALL.iter().filter(|which| which.is_local()) {
        local.push((*which, nodes::nodes(&mut *conn, &which.scheme()).await?));
    }
    Classes::new(&local).map_err(decode)
}

pub async fn date_rules(conn: &mut PgConnection) -> sqlx::Result<Vec<DateRule>> {
    let rows = sqlx::query_scalar!(
        r#"select document as "document: Json<DateRule>" from budget_date_rule order by added_at, id limit 500"#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// Whether such a rule of deadlines was ever added, also when it was ended since.
pub async fn has_deadline_rule(conn: &mut PgConnection, rule: &DeadlineRule) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from deadline_rule where code = $1 and valid_from = $2 and document ->> 'law_ref' = $3
               and document -> 'confirmed' = to_jsonb($4::boolean)) as "is!""#,
        rule.code,
        rule.valid_from,
        rule.law_ref,
        rule.confirmed
    )
    .fetch_one(conn)
    .await
}

pub async fn insert_date_rule(
    conn: &mut PgConnection,
    (id, rule): (Uuid, &DateRule),
    reason: &str,
    (at, by): (Instant, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into budget_date_rule (id, document, reason, added_at, added_by) values ($1, $2, $3, $4, $5)",
        id,
        Json(rule) as _,
        reason,
        at,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}
