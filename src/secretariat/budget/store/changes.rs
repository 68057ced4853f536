//! Amendments and credits.

use serde::Serialize;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::clock::Instant;
use crate::secretariat::budget::change::{Change, ChangeKind};
use crate::secretariat::kernel::money::Centavos;

/// Changes of one bill, at most.
pub const MOST: i64 = 2000;

/// A change with what was decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = BudgetKeptChange)]
pub struct Kept {
    pub id: Uuid,
    pub number: String,
    pub change: Change,
    /// What goes up.
    pub amount: Centavos,
    #[schema(value_type = String)]
    pub added_at: Instant,
    pub added_by: String,
    /// None while an amendment awaits its decision.
    pub taken: Option<bool>,
    pub decided: String,
}

/// In the order in which they came.
pub async fn list(conn: &mut PgConnection, bill: Uuid) -> sqlx::Result<Vec<Kept>> {
    let rows = sqlx::query!(
        r#"select c.id, c.number, c.document as "document: Json<Change>", c.amount, c.added_at, c.added_by, d.taken as "taken?",
               d.reason as "reason?"
           from budget_change c left join budget_decision d on d.change_id = c.id where c.bill_id = $1 order by c.added_at, c.id limit $2"#,
        bill,
        MOST
    )
    .fetch_all(conn)
    .await?;
    let kept = rows.into_iter().map(|row| Kept {
        id: row.id,
        number: row.number,
        change: row.document.0,
        amount: Centavos(row.amount),
        added_at: row.added_at,
        added_by: row.added_by,
        taken: row.taken,
        decided: row.reason.unwrap_or_default(),
    });
    Ok(kept.collect())
}

pub async fn insert(
    conn: &mut PgConnection,
    (bill, id, number): (Uuid, Uuid, &str),
    (change, amount): (&Change, Centavos),
    (at, by): (Instant, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into budget_change (id, bill_id, number, kind, document, amount, added_at, added_by) values ($1, $2, $3, $4, $5, $6, $7, $8)",
        id,
        bill,
        number,
        change.kind.as_str(),
        Json(change) as _,
        amount.0,
        at,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn decide(
    conn: &mut PgConnection,
    change: Uuid,
    (taken, reason): (bool, &str),
    (at, by): (Instant, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into budget_decision (change_id, taken, reason, at, by) values ($1, $2, $3, $4, $5)",
        change,
        taken,
        reason,
        at,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

impl Kept {
    /// An amendment that was taken, or a credit: those are opened with their decree.
    pub fn counts(&self) -> bool {
        self.taken == Some(true)
    }

    pub fn is_amendment(&self) -> bool {
        self.change.kind == ChangeKind::Amendment
    }
}
