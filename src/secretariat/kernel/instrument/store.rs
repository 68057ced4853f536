//! Instruments in PostgreSQL.

use chrono::NaiveDate;
use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::{Entry, Kept, Late, Ledger, Movement, NewEntry, SUBJECT};
use crate::clock::Instant;
use crate::secretariat::kernel::money::Centavos;

/// Rows of a page.
pub const PAGE: i64 = 50;
/// Rows of an export or a report.
pub const MOST: i64 = 20_000;

fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

/// A row with its document.
#[derive(Clone, Debug)]
pub struct Row<K> {
    pub id: Uuid,
    /// "2026/001", or empty.
    pub number: String,
    pub revision: i32,
    pub opened_at: Instant,
    pub opened_by: String,
    pub changed_at: Instant,
    pub kept_until: Option<NaiveDate>,
    pub what: K,
}

/// "2026/001"
pub fn number_of(year: Option<i32>, number: Option<i32>) -> String {
    year.zip(number).map(|(year, number)| format!("{year}/{number:03}")).unwrap_or_default()
}

pub async fn insert<K: Kept>(
    conn: &mut PgConnection,
    id: Uuid,
    what: &K,
    (now, by): (Instant, &str),
) -> sqlx::Result<()> {
    let index = what.index();
    sqlx::query!(
        "insert into instrument (id, module, kind, outside_key, title, partner, partner_document, state, is_final, starts_on, ends_on,
             agreed_centavos, document, opened_at, opened_by, changed_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $14)",
        id,
        K::MODULE,
        what.kind(),
        what.outside_key(),
        index.title,
        index.partner,
        index.partner_document,
        what.state(),
        what.is_final(),
        index.starts_on,
        index.ends_on,
        index.agreed.0,
        Json(what) as _,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The row, and nobody else changes it until the transaction ends.
pub async fn lock<K: Kept>(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Row<K>>> {
    sqlx::query!("select id from instrument where id = $1 and module = $2 for update", id, K::MODULE)
        .fetch_optional(&mut *conn)
        .await?;
    load(conn, id).await
}

pub async fn load<K: Kept>(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Row<K>>> {
    let row = sqlx::query!(
        r#"select id, year, number, revision, opened_at, opened_by, changed_at, kept_until, document as "document: Json<Value>"
           from instrument where id = $1 and module = $2"#,
        id,
        K::MODULE
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let mut what: K = serde_json::from_value(row.document.0).map_err(decode)?;
    what.set_ledger(ledger(conn, id).await?);
    Ok(Some(Row {
        id: row.id,
        number: number_of(row.year, row.number),
        revision: row.revision,
        opened_at: row.opened_at,
        opened_by: row.opened_by,
        changed_at: row.changed_at,
        kept_until: row.kept_until,
        what,
    }))
}

pub async fn by_outside_key(conn: &mut PgConnection, module: &str, key: &str) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!("select id from instrument where module = $1 and outside_key = $2", module, key)
        .fetch_optional(conn)
        .await
}

pub async fn save<K: Kept>(
    conn: &mut PgConnection,
    id: Uuid,
    what: &K,
    now: Instant,
    kept_until: Option<NaiveDate>,
) -> sqlx::Result<()> {
    let index = what.index();
    sqlx::query!(
        "update instrument set title = $2, partner = $3, partner_document = $4, state = $5, is_final = $6, starts_on = $7, ends_on = $8,
             agreed_centavos = $9, document = $10, changed_at = $11, revision = revision + 1, kept_until = coalesce($12, kept_until)
         where id = $1",
        id,
        index.title,
        index.partner,
        index.partner_document,
        what.state(),
        what.is_final(),
        index.starts_on,
        index.ends_on,
        index.agreed.0,
        Json(what) as _,
        now,
        kept_until
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn set_number(
    conn: &mut PgConnection,
    id: Uuid,
    series: &str,
    (year, number): (i32, i32),
) -> sqlx::Result<()> {
    sqlx::query!("update instrument set series = $2, year = $3, number = $4 where id = $1", id, series, year, number)
        .execute(conn)
        .await?;
    Ok(())
}

/// The series begins no lower than a number that came from a file.
pub async fn raise_series(conn: &mut PgConnection, series: &str, (year, number): (i32, i32)) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into number_series (series, year, last_number) values ($1, $2, $3)
         on conflict (series, year) do update set last_number = greatest(number_series.last_number, excluded.last_number)",
        series,
        year,
        number
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What was done.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[schema(as = InstrumentDone)]
pub struct DoneAct {
    pub seq: i32,
    #[schema(value_type = String)]
    pub at: Instant,
    pub actor: String,
    pub act: String,
    pub from_state: String,
    pub to_state: String,
    pub reason: String,
    #[schema(value_type = Object)]
    pub asked: Value,
}

pub async fn keep_act(conn: &mut PgConnection, id: Uuid, act: &DoneAct) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into instrument_act (instrument_id, seq, at, actor, act, from_state, to_state, reason, asked)
         values ($1, coalesce((select max(seq) from instrument_act where instrument_id = $1), 0) + 1, $2, $3, $4, $5, $6, $7, $8)",
        id,
        act.at,
        act.actor,
        act.act,
        act.from_state,
        act.to_state,
        act.reason,
        act.asked
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The oldest first, at most 2,000.
pub async fn acts(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Vec<DoneAct>> {
    sqlx::query_as!(
        DoneAct,
        "select seq, at, actor, act, from_state, to_state, reason, asked from instrument_act where instrument_id = $1 order by seq limit 2000",
        id
    )
    .fetch_all(conn)
    .await
}

pub async fn keep_money(
    conn: &mut PgConnection,
    id: Uuid,
    entry: &Entry,
    (now, by): (Instant, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into instrument_money (instrument_id, seq, movement, centavos, happened_on, what, reverses, at, actor)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        id,
        entry.seq,
        entry.what.movement.as_str(),
        entry.what.centavos.0,
        entry.what.on,
        entry.what.what,
        entry.what.reverses,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn ledger(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Ledger> {
    let rows = sqlx::query!(
        "select seq, movement, centavos, happened_on, what, reverses from instrument_money where instrument_id = $1 order by seq",
        id
    )
    .fetch_all(conn)
    .await?;
    let mut entries = Vec::with_capacity(rows.len());
    for row in rows {
        let movement: Movement = row.movement.parse().map_err(decode)?;
        let (centavos, on) = (Centavos(row.centavos), row.happened_on);
        let what = NewEntry { movement, centavos, on, what: row.what, reverses: row.reverses };
        entries.push(Entry { seq: row.seq, what });
    }
    Ledger::of(entries).map_err(decode)
}

/// What of an instrument's deadlines has run out.
pub async fn late(conn: &mut PgConnection, id: Uuid, today: NaiveDate) -> sqlx::Result<Vec<Late>> {
    let rows = sqlx::query!(
        r#"select code, law_ref, due_on as "due_on!" from deadline
           where subject_kind = $1 and subject_id = $2 and state = 'open' and due_on < $3 order by due_on, code"#,
        SUBJECT,
        id,
        today
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| Late { code: row.code, law_ref: row.law_ref, due_on: row.due_on }).collect())
}

/// Number or title of another instrument of the same partner with one of these deadlines late.
pub async fn late_elsewhere(
    conn: &mut PgConnection,
    id: Option<Uuid>,
    (module, partner_document): (&str, &str),
    codes: &[String],
    today: NaiveDate,
) -> sqlx::Result<Option<String>> {
    if partner_document.is_empty() || codes.is_empty() {
        return Ok(None);
    }
    let row = sqlx::query!(
        "select i.year, i.number, i.title from instrument i join deadline d on d.subject_kind = $1 and d.subject_id = i.id
         where i.partner_document = $2 and i.module = $3 and ($4::uuid is null or i.id <> $4) and d.state = 'open' and d.due_on < $5
             and d.code = any($6) order by i.id limit 1",
        SUBJECT,
        partner_document,
        module,
        id,
        today,
        codes
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| if row.number.is_some() { number_of(row.year, row.number) } else { row.title }))
}

/// A row of a list.
#[derive(Clone, Debug, serde::Serialize, utoipa::ToSchema)]
#[schema(as = InstrumentRow)]
pub struct Listed {
    pub id: Uuid,
    pub kind: String,
    /// "2026/001", or empty before it has one.
    pub number: String,
    pub title: String,
    pub partner: String,
    pub state: String,
    pub starts_on: Option<NaiveDate>,
    pub ends_on: Option<NaiveDate>,
    pub agreed_centavos: i64,
    /// The next deadline, and its code.
    pub due_on: Option<NaiveDate>,
    pub due_code: Option<String>,
}

/// What a list is asked for.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The last id of the page before.
    pub after: Option<Uuid>,
    pub state: String,
    pub words: String,
    pub most: i64,
}

/// The newest first.
pub async fn list(conn: &mut PgConnection, module: &str, wanted: &Wanted) -> sqlx::Result<Vec<Listed>> {
    let rows = sqlx::query!(
        r#"select i.id, i.kind, i.year, i.number, i.title, i.partner, i.state, i.starts_on, i.ends_on, i.agreed_centavos,
               d.due_on as "due_on?", d.code as "code?"
           from instrument i left join lateral (select due_on, code from deadline
               where subject_kind = 'instrument' and subject_id = i.id and state = 'open' order by due_on, code limit 1) d on true
           where i.module = $1 and ($2::uuid is null or i.id < $2) and ($3 = '' or i.state = $3)
               and ($4 = '' or i.search @@ websearch_to_tsquery('portuguese', $4))
           order by i.id desc limit $5"#,
        module,
        wanted.after,
        wanted.state,
        wanted.words,
        wanted.most
    )
    .fetch_all(conn)
    .await?;
    let row = rows.into_iter().map(|row| Listed {
        id: row.id,
        kind: row.kind,
        number: number_of(row.year, row.number),
        title: row.title,
        partner: row.partner,
        state: row.state,
        starts_on: row.starts_on,
        ends_on: row.ends_on,
        agreed_centavos: row.agreed_centavos,
        due_on: row.due_on,
        due_code: row.code,
    });
    Ok(row.collect())
}

/// How many stand in each state.
pub async fn states(conn: &mut PgConnection, module: &str) -> sqlx::Result<Vec<(String, i64)>> {
    let rows = sqlx::query!(
        r#"select state, count(*) as "count!" from instrument where module = $1 group by state order by state"#,
        module
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.state, row.count)).collect())
}

/// Ids of a module in the order of opening, for exports and reports.
pub async fn ids(conn: &mut PgConnection, module: &str, only_open: bool) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "select id from instrument where module = $1 and (not $2 or not is_final) order by id limit $3",
        module,
        only_open,
        MOST
    )
    .fetch_all(conn)
    .await
}

/// Makes the snapshot, or makes it anew.
pub async fn publish(
    conn: &mut PgConnection,
    (id, module): (Uuid, &str),
    snapshot: &Value,
    listed_until: Option<NaiveDate>,
    now: Instant,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into instrument_public (instrument_id, module, snapshot, published_at, listed_until) values ($1, $2, $3, $4, $5)
         on conflict (instrument_id) do update set snapshot = excluded.snapshot, published_at = excluded.published_at,
             listed_until = excluded.listed_until",
        id,
        module,
        snapshot,
        now,
        listed_until
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn unpublish(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<()> {
    sqlx::query!("delete from instrument_public where instrument_id = $1", id).execute(conn).await?;
    Ok(())
}

/// What everybody reads, the newest first.
pub async fn published(
    conn: &mut PgConnection,
    module: &str,
    (after, most): (Option<Uuid>, i64),
    today: NaiveDate,
) -> sqlx::Result<Vec<(Uuid, Value)>> {
    let rows = sqlx::query!(
        "select instrument_id, snapshot from instrument_public
         where module = $1 and ($2::uuid is null or instrument_id < $2) and (listed_until is null or listed_until >= $3)
         order by instrument_id desc limit $4",
        module,
        after,
        today,
        most
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.instrument_id, row.snapshot)).collect())
}

pub async fn published_one(
    conn: &mut PgConnection,
    (module, id): (&str, Uuid),
    today: NaiveDate,
) -> sqlx::Result<Option<Value>> {
    sqlx::query_scalar!(
        "select snapshot from instrument_public
         where module = $1 and instrument_id = $2 and (listed_until is null or listed_until >= $3)",
        module,
        id,
        today
    )
    .fetch_optional(conn)
    .await
}

/// A document without its bytes.
#[derive(Clone, Debug, serde::Serialize, utoipa::ToSchema)]
#[schema(as = InstrumentDocument)]
pub struct Document {
    pub id: Uuid,
    pub kind: String,
    pub name: String,
    pub media_type: String,
    pub bytes: i32,
    pub sha256: String,
    #[schema(value_type = String)]
    pub added_at: Instant,
    pub added_by: String,
}

pub async fn documents(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Vec<Document>> {
    sqlx::query_as!(
        Document,
        r#"select id, kind, name, media_type, length(bytes) as "bytes!", encode(sha256, 'hex') as "sha256!", added_at, added_by
           from instrument_document where instrument_id = $1 order by id limit 500"#,
        id
    )
    .fetch_all(conn)
    .await
}

/// Kind, name, media type and bytes.
pub struct NewDocument<'a> {
    pub kind: &'a str,
    pub name: &'a str,
    pub media_type: &'a str,
    pub bytes: &'a [u8],
    pub sha256: &'a [u8],
}

/// False when the same bytes are there already.
pub async fn add_document(
    conn: &mut PgConnection,
    (id, of): (Uuid, Uuid),
    new: &NewDocument<'_>,
    (now, by): (Instant, &str),
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "insert into instrument_document (id, instrument_id, kind, name, media_type, bytes, sha256, added_at, added_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (instrument_id, sha256) do nothing",
        id,
        of,
        new.kind,
        new.name,
        new.media_type,
        new.bytes,
        new.sha256,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Name, media type and bytes.
pub async fn document(
    conn: &mut PgConnection,
    module: &str,
    (of, id): (Uuid, Uuid),
) -> sqlx::Result<Option<(String, String, Vec<u8>)>> {
    let row = sqlx::query!(
        "select d.name, d.media_type, d.bytes from instrument_document d join instrument i on i.id = d.instrument_id
         where i.module = $1 and d.instrument_id = $2 and d.id = $3",
        module,
        of,
        id
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.name, row.media_type, row.bytes)))
}

/// Series, year and number.
pub async fn numbers(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<(Option<String>, Option<i32>, Option<i32>)> {
    let row = sqlx::query!("select series, year, number from instrument where id = $1", id).fetch_one(conn).await?;
    Ok((row.series, row.year, row.number))
}

/// After a file was read: when it changed last, and until when it is kept.
pub async fn restore_times(
    conn: &mut PgConnection,
    id: Uuid,
    changed_at: Instant,
    kept_until: Option<NaiveDate>,
) -> sqlx::Result<()> {
    sqlx::query!("update instrument set changed_at = $2, kept_until = $3 where id = $1", id, changed_at, kept_until)
        .execute(conn)
        .await?;
    Ok(())
}

/// What is late: the instrument, the deadline and its law.
#[derive(Clone, Debug, serde::Serialize, utoipa::ToSchema)]
#[schema(as = InstrumentOverdue)]
pub struct Overdue {
    pub id: Uuid,
    pub number: String,
    pub title: String,
    pub partner: String,
    pub code: String,
    pub law_ref: String,
    pub due_on: NaiveDate,
}

pub async fn overdue(conn: &mut PgConnection, module: &str, today: NaiveDate) -> sqlx::Result<Vec<Overdue>> {
    let rows = sqlx::query!(
        r#"select i.id, i.year, i.number, i.title, i.partner, d.code, d.law_ref, d.due_on as "due_on!"
           from deadline d join instrument i on i.id = d.subject_id
           where d.subject_kind = 'instrument' and d.state = 'open' and d.due_on < $2 and i.module = $1
           order by d.due_on, i.id limit 500"#,
        module,
        today
    )
    .fetch_all(conn)
    .await?;
    let row = rows.into_iter().map(|row| Overdue {
        id: row.id,
        number: number_of(row.year, row.number),
        title: row.title,
        partner: row.partner,
        code: row.code,
        law_ref: row.law_ref,
        due_on: row.due_on,
    });
    Ok(row.collect())
}

/// What went out and what was accounted for.
#[derive(Clone, Debug, serde::Serialize, utoipa::ToSchema)]
#[schema(as = InstrumentSums)]
pub struct Sums {
    pub id: Uuid,
    pub number: String,
    pub title: String,
    pub partner: String,
    pub state: String,
    pub ends_on: Option<NaiveDate>,
    pub agreed_centavos: i64,
    pub released_centavos: i64,
    pub accounted_centavos: i64,
    pub returned_centavos: i64,
    /// Released and neither accounted for nor returned.
    pub open_centavos: i64,
}

/// Of instruments with a term; until a day only those that are not over and end by then.
pub async fn sums(
    conn: &mut PgConnection,
    module: &str,
    ending: Option<(NaiveDate, NaiveDate)>,
) -> sqlx::Result<Vec<Sums>> {
    let rows = sqlx::query!(
        r#"select i.id, i.year, i.number, i.title, i.partner, i.state, i.ends_on, i.agreed_centavos,
               coalesce(sum(m.centavos) filter (where m.movement = 'released'), 0)::bigint as "released!",
               coalesce(sum(m.centavos) filter (where m.movement = 'counterpart_paid'), 0)::bigint as "paid!",
               coalesce(sum(m.centavos) filter (where m.movement = 'spent'), 0)::bigint as "spent!",
               coalesce(sum(m.centavos) filter (where m.movement = 'returned'), 0)::bigint as "returned!"
           from instrument i left join instrument_money m on m.instrument_id = i.id
           where i.module = $1 and i.starts_on is not null
               and ($2::date is null or (not i.is_final and i.ends_on between $2 and $3))
           group by i.id order by i.ends_on, i.id limit 1000"#,
        module,
        ending.map(|(from, _)| from),
        ending.map(|(_, until)| until)
    )
    .fetch_all(conn)
    .await?;
    let row = rows.into_iter().map(|row| Sums {
        id: row.id,
        number: number_of(row.year, row.number),
        title: row.title,
        partner: row.partner,
        state: row.state,
        ends_on: row.ends_on,
        agreed_centavos: row.agreed_centavos,
        released_centavos: row.released,
        accounted_centavos: row.spent,
        returned_centavos: row.returned,
        open_centavos: row.released + row.paid - row.spent - row.returned,
    });
    Ok(row.collect())
}
