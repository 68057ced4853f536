//! What was published: written by the desk, read by everybody.

use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::super::ledger;
use super::super::publication::PublicView;
use crate::clock::Instant;

/// A publication as it is kept.
#[derive(Clone, Debug, PartialEq, serde::Serialize, utoipa::ToSchema)]
#[schema(as = CasePublication)]
pub struct Published {
    pub id: Uuid,
    pub case_id: Uuid,
    pub module: String,
    pub seq: i32,
    pub view: PublicView,
    pub sha256: String,
    #[schema(value_type = String)]
    pub published_at: Instant,
    #[schema(value_type = Option<String>)]
    pub embargo_until: Option<Instant>,
    #[schema(value_type = Option<String>)]
    pub withdrawn_at: Option<Instant>,
    /// When it came in from another place; absent: it was published here.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub imported_at: Option<Instant>,
}

struct Row {
    id: Uuid,
    case_id: Uuid,
    module: String,
    seq: i32,
    snapshot: Json<PublicView>,
    sha256: Vec<u8>,
    published_at: Instant,
    embargo_until: Option<Instant>,
    withdrawn_at: Option<Instant>,
    imported_at: Option<Instant>,
}

impl From<Row> for Published {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            case_id: row.case_id,
            module: row.module,
            seq: row.seq,
            view: row.snapshot.0,
            sha256: ledger::hex(&row.sha256),
            published_at: row.published_at,
            embargo_until: row.embargo_until,
            withdrawn_at: row.withdrawn_at,
            imported_at: row.imported_at,
        }
    }
}

/// What a question about publications gives, whatever it asks: columns of `case_publication p` after "from".
macro_rules! read {
    ($conn:expr, $from:tt, $($arg:expr),+ $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"select p.id, p.case_id, p.module, p.seq, p.snapshot as "snapshot: Json<PublicView>", p.sha256, p.published_at,
                   p.embargo_until, p.withdrawn_at, p.imported_at from "# + $from,
            $($arg),+
        )
        .fetch_all($conn)
        .await
        .map(|rows| rows.into_iter().map(Published::from).collect())
    };
}

/// Keeps a snapshot; it corrects the last one of its case.
pub async fn insert(
    conn: &mut PgConnection,
    (id, case): (Uuid, Uuid),
    (module, view): (&str, &PublicView),
    (now, by): (Instant, &str),
    embargo_until: Option<Instant>,
) -> sqlx::Result<()> {
    let snapshot = serde_json::to_value(view).unwrap_or(Value::Null);
    let sum = ledger::sha256(ledger::canonical(&snapshot).as_bytes());
    let last = sqlx::query!("select id, seq from case_publication where case_id = $1 order by seq desc limit 1", case)
        .fetch_optional(&mut *conn)
        .await?;
    let (corrects, seq) = last.map_or((None, 1), |last| (Some(last.id), last.seq + 1));
    sqlx::query!(
        "insert into case_publication (id, case_id, module, type_key, seq, corrects, snapshot, sha256, published_at, published_by, embargo_until)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        id,
        case,
        module,
        view.type_key,
        seq,
        corrects,
        snapshot,
        sum.as_slice(),
        now,
        by,
        embargo_until
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Withdraws everything of a case that everybody may see. Gives how many.
pub async fn withdraw(
    conn: &mut PgConnection,
    case: Uuid,
    (now, by): (Instant, &str),
    reason: &str,
) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "update case_publication set withdrawn_at = $2, withdrawn_by = $3, withdrawn_reason = $4
         where case_id = $1 and withdrawn_at is null",
        case,
        now,
        by,
        reason
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// The last publication of each case that is out: not withdrawn, its embargo over. Newest first.
pub async fn list(
    conn: &mut PgConnection,
    module: &str,
    type_key: Option<&str>,
    before: Option<(Instant, Uuid)>,
    (now, most): (Instant, i64),
) -> sqlx::Result<Vec<Published>> {
    let (before_at, before_id) = before.unzip();
    read!(
        conn,
        "case_publication p
         where p.module = $1 and ($2::text is null or p.type_key = $2) and p.withdrawn_at is null
             and (p.embargo_until is null or p.embargo_until <= $3)
             and ($4::timestamptz is null or (p.published_at, p.id) < ($4, $5))
             and not exists (select from case_publication n where n.case_id = p.case_id and p.seq < n.seq
                 and n.withdrawn_at is null and (n.embargo_until is null or n.embargo_until <= $3))
         order by p.published_at desc, p.id desc limit $6",
        module,
        type_key,
        now,
        before_at,
        before_id,
        most
    )
}

/// As [`list`], with a tag. A question of its own, so that the index of tags is asked whatever plan is kept.
pub async fn tagged(
    conn: &mut PgConnection,
    (module, type_key): (&str, Option<&str>),
    tag: &str,
    before: Option<(Instant, Uuid)>,
    (now, most): (Instant, i64),
) -> sqlx::Result<Vec<Published>> {
    let (before_at, before_id) = before.unzip();
    read!(
        conn,
        "case_publication p
         where p.module = $1 and ($2::text is null or p.type_key = $2) and p.withdrawn_at is null
             and publication_tags(p.snapshot) @> array[$7::text]
             and (p.embargo_until is null or p.embargo_until <= $3)
             and ($4::timestamptz is null or (p.published_at, p.id) < ($4, $5))
             and not exists (select from case_publication n where n.case_id = p.case_id and p.seq < n.seq
                 and n.withdrawn_at is null and (n.embargo_until is null or n.embargo_until <= $3))
         order by p.published_at desc, p.id desc limit $6",
        module,
        type_key,
        now,
        before_at,
        before_id,
        most,
        tag
    )
}

/// What is out of the cases below a case: contributions under their consultation, the oldest first.
pub async fn below(
    conn: &mut PgConnection,
    parent: Uuid,
    after: Option<(Instant, Uuid)>,
    (now, most): (Instant, i64),
) -> sqlx::Result<Vec<Published>> {
    let (after_at, after_id) = after.unzip();
    read!(
        conn,
        "case_link l join case_publication p on p.case_id = l.from_case
         where l.to_case = $1 and l.kind = 'parent' and p.withdrawn_at is null
             and (p.embargo_until is null or p.embargo_until <= $2)
             and ($3::timestamptz is null or (p.published_at, p.id) > ($3, $4))
             and not exists (select from case_publication n where n.case_id = p.case_id and p.seq < n.seq
                 and n.withdrawn_at is null and (n.embargo_until is null or n.embargo_until <= $2))
         order by p.published_at, p.id limit $5",
        parent,
        now,
        after_at,
        after_id,
        most
    )
}

/// Everything published of a case that is out, the newest first: the correction and what it corrects.
pub async fn of_case(conn: &mut PgConnection, case: Uuid, now: Instant) -> sqlx::Result<Vec<Published>> {
    every(conn, case, Some(now)).await
}

/// For staff: also what was withdrawn or waits.
pub async fn all_of_case(conn: &mut PgConnection, case: Uuid) -> sqlx::Result<Vec<Published>> {
    every(conn, case, None).await
}

/// What was published of a case; at an instant only what is out then.
async fn every(conn: &mut PgConnection, case: Uuid, out_at: Option<Instant>) -> sqlx::Result<Vec<Published>> {
    read!(
        conn,
        "case_publication p
         where p.case_id = $1
             and ($2::timestamptz is null or (p.withdrawn_at is null and (p.embargo_until is null or p.embargo_until <= $2)))
         order by p.seq desc limit 100",
        case,
        out_at
    )
}
