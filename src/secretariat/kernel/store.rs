//! Cases in PostgreSQL.

pub mod figures;
pub mod lists;
pub mod published;
pub mod recusals;
pub mod reminders;
pub mod series;

use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::guards::{Facts, Near};
use super::ledger::{self, Link};
use super::{ActDone, Annulled, CaseDocument, CaseFile, CaseLink, Fields, LinkKind, SUBJECT};
use crate::clock::Instant;
use crate::deadlines::{self, DeadlineRule};
use crate::ids::Ids;

/// Acts, documents and links of a case that a page shows.
pub const MOST: i64 = 500;

fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

/// Keeps a text of a type. Gives the sum of the one that is kept, which may be another.
pub async fn keep_type(
    conn: &mut PgConnection,
    (key, version): (&str, i32),
    (sha256, text): (&[u8], &str),
    now: Instant,
) -> sqlx::Result<Vec<u8>> {
    sqlx::query!(
        "insert into case_type (key, version, sha256, text, kept_at) values ($1, $2, $3, $4, $5) on conflict do nothing",
        key,
        version,
        sha256,
        text,
        now
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query_scalar!("select sha256 from case_type where key = $1 and version = $2", key, version)
        .fetch_one(conn)
        .await
}

pub async fn type_text(conn: &mut PgConnection, key: &str, version: i32) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!("select text from case_type where key = $1 and version = $2", key, version)
        .fetch_optional(conn)
        .await
}

/// Rules of deadlines that come with a type, unless the town has the same code from the same day on.
pub async fn keep_rules(
    conn: &mut PgConnection,
    rules: &[DeadlineRule],
    (key, version): (&str, i32),
    ids: &Ids,
    now: Instant,
) -> sqlx::Result<()> {
    for rule in rules {
        sqlx::query!(
            "insert into deadline_rule (id, code, valid_from, document, reason, added_at, added_by)
             select $1, $2, $3, $4, $5, $6, 'service'
             where not exists (select from deadline_rule where code = $2 and valid_from = $3)",
            ids.uuid(now),
            rule.code,
            rule.valid_from,
            Json(rule) as _,
            format!("Definição {key}, versão {version}"),
            now
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// A case as the table holds it.
pub(super) struct Row {
    pub id: Uuid,
    pub type_key: String,
    pub type_version: i32,
    pub module: String,
    pub series: Option<String>,
    pub year: Option<i32>,
    pub number: Option<i32>,
    pub title: String,
    pub state: String,
    pub is_final: bool,
    pub waits_for: Option<String>,
    pub fields: Json<Fields>,
    pub department: String,
    pub assigned: String,
    pub access: String,
    pub author: String,
    pub source: String,
    pub code_hash: Option<Vec<u8>>,
    pub opened_at: Instant,
    pub changed_at: Instant,
    pub revision: i32,
    pub annulled_at: Option<Instant>,
    pub annulled_by: Option<String>,
    pub annulled_reason: Option<String>,
}

impl TryFrom<Row> for CaseFile {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> sqlx::Result<Self> {
        let annulled = match (row.annulled_at, row.annulled_by, row.annulled_reason) {
            (Some(at), Some(by), Some(reason)) => Some(Annulled { at, by, reason }),
            _ => None,
        };
        Ok(Self {
            id: row.id,
            type_key: row.type_key,
            version: row.type_version,
            module: row.module,
            series: row.series,
            year: row.year,
            number: row.number,
            title: row.title,
            state: row.state,
            is_final: row.is_final,
            waits_for: row.waits_for.map(|word| word.parse()).transpose().map_err(decode)?,
            fields: row.fields.0,
            department: row.department,
            assigned: row.assigned,
            access: row.access.parse().map_err(decode)?,
            author: row.author,
            source: row.source.parse().map_err(decode)?,
            code_hash: row.code_hash,
            opened_at: row.opened_at,
            changed_at: row.changed_at,
            revision: row.revision,
            annulled,
        })
    }
}

/// One, as it stands; `held`: nobody else changes it until the transaction ends.
pub async fn load(conn: &mut PgConnection, id: Uuid, held: bool) -> sqlx::Result<Option<CaseFile>> {
    if held {
        sqlx::query!("select 1 as one from case_file where id = $1 for update", id).fetch_optional(&mut *conn).await?;
    }
    let row = sqlx::query_as!(
        Row,
        r#"select id, type_key, type_version, module, series, year, number, title, state, is_final, waits_for,
               fields as "fields: Json<Fields>", department, assigned, access, author, source, code_hash, opened_at, changed_at,
               revision, annulled_at, annulled_by, annulled_reason
           from case_file where id = $1"#,
        id
    )
    .fetch_optional(conn)
    .await?;
    row.map(CaseFile::try_from).transpose()
}

/// The case that somebody without an account follows by a code.
pub async fn by_code(conn: &mut PgConnection, code_hash: &[u8]) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!("select id from case_file where code_hash = $1", code_hash).fetch_optional(conn).await
}

/// Nobody else looks for this code to make a case of it until the transaction ends.
pub async fn hold_code(conn: &mut PgConnection, code_hash: &[u8]) -> sqlx::Result<()> {
    let door = format!("case code {}", ledger::hex(code_hash));
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended($1, 0))", door).fetch_one(conn).await?;
    Ok(())
}

/// The case of a number.
pub async fn by_number(conn: &mut PgConnection, series: &str, year: i32, number: i32) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!(
        "select id from case_file where series = $1 and year = $2 and number = $3",
        series,
        year,
        number
    )
    .fetch_optional(conn)
    .await
}

/// What is searched of a case, beside its fields.
fn words(case: &CaseFile, of_fields: &str) -> String {
    format!("{} {} {}{of_fields}", case.number(), case.title, case.department)
}

/// Writes a new one; the year of its opening is the town's.
pub async fn insert(conn: &mut PgConnection, case: &CaseFile, of_fields: &str, tz: chrono_tz::Tz) -> sqlx::Result<()> {
    let annulled = case.annulled.as_ref();
    let opened_year = chrono::Datelike::year(&case.opened_at.with_timezone(&tz));
    sqlx::query!(
        "insert into case_file (id, type_key, type_version, module, series, year, number, title, state, is_final, waits_for, fields,
             department, assigned, access, author, source, code_hash, opened_at, changed_at, revision, annulled_at, annulled_by,
             annulled_reason, words, opened_year)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26)",
        case.id,
        case.type_key,
        case.version,
        case.module,
        case.series,
        case.year,
        case.number,
        case.title,
        case.state,
        case.is_final,
        case.waits_for.map(super::Waits::as_str),
        Json(&case.fields) as _,
        case.department,
        case.assigned,
        case.access.as_str(),
        case.author,
        case.source.as_str(),
        case.code_hash,
        case.opened_at,
        case.changed_at,
        case.revision,
        annulled.map(|why| why.at),
        annulled.map(|why| why.by.as_str()),
        annulled.map(|why| why.reason.as_str()),
        words(case, of_fields),
        opened_year
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes what an act changed.
pub async fn update(conn: &mut PgConnection, case: &CaseFile, of_fields: &str) -> sqlx::Result<()> {
    let annulled = case.annulled.as_ref();
    sqlx::query!(
        "update case_file set series = $2, year = $3, number = $4, state = $5, is_final = $6, waits_for = $7, fields = $8, department = $9,
             assigned = $10, changed_at = $11, revision = $12, annulled_at = $13, annulled_by = $14, annulled_reason = $15, words = $16
         where id = $1",
        case.id,
        case.series,
        case.year,
        case.number,
        case.state,
        case.is_final,
        case.waits_for.map(super::Waits::as_str),
        Json(&case.fields) as _,
        case.department,
        case.assigned,
        case.changed_at,
        case.revision,
        annulled.map(|why| why.at),
        annulled.map(|why| why.by.as_str()),
        annulled.map(|why| why.reason.as_str()),
        words(case, of_fields)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Chains an act to the one before. The caller holds the case. Gives its place.
pub async fn keep_act(conn: &mut PgConnection, case: Uuid, link: &Link<'_>) -> sqlx::Result<i32> {
    let last = sqlx::query!("select seq, hash from case_act where case_id = $1 order by seq desc limit 1", case)
        .fetch_optional(&mut *conn)
        .await?;
    let (seq, prev) = last.map_or((1, None), |last| (last.seq + 1, Some(last.hash)));
    let hash = ledger::chain(case, seq, prev.as_deref(), link);
    insert_act(conn, case, seq, (prev.as_deref(), &hash), link).await?;
    Ok(seq)
}

/// Writes an act with its place in the chain.
pub async fn insert_act(
    conn: &mut PgConnection,
    case: Uuid,
    seq: i32,
    (prev, hash): (Option<&[u8]>, &[u8]),
    link: &Link<'_>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into case_act (case_id, seq, at, actor, actor_kind, act, from_state, to_state, reason, changes, prev, hash)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        case,
        seq,
        link.at,
        link.actor,
        link.actor_kind,
        link.act,
        link.from_state,
        link.to_state,
        link.reason,
        Json(link.changes) as _,
        prev,
        hash
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Acts of some cases, by case and order.
pub async fn acts(conn: &mut PgConnection, cases: &[Uuid]) -> sqlx::Result<Vec<(Uuid, ActDone)>> {
    let rows = sqlx::query!(
        r#"select case_id, seq, at, actor, actor_kind, act, from_state, to_state, reason, changes as "changes: Json<Fields>", prev, hash
           from case_act where case_id = any($1) order by case_id, seq"#,
        cases
    )
    .fetch_all(conn)
    .await?;
    let done = rows.into_iter().map(|row| {
        let (prev, hash) = (row.prev.map(|prev| ledger::hex(&prev)), ledger::hex(&row.hash));
        let one = ActDone {
            seq: row.seq,
            at: row.at,
            actor: row.actor,
            actor_kind: row.actor_kind,
            act: row.act,
            from_state: row.from_state,
            to_state: row.to_state,
            reason: row.reason,
            changes: row.changes.0,
            prev,
            hash,
        };
        (row.case_id, one)
    });
    Ok(done.collect())
}

/// A document that is to be kept.
#[derive(Clone, Copy, Debug)]
pub struct NewDocument<'a> {
    pub kind: &'a str,
    pub name: &'a str,
    pub media_type: &'a str,
    pub bytes: &'a [u8],
    pub draft: bool,
}

/// Keeps a version of a document. The caller holds the case. Gives the version.
pub async fn insert_document(
    conn: &mut PgConnection,
    (id, case): (Uuid, Uuid),
    new: &NewDocument<'_>,
    (now, by): (Instant, &str),
) -> sqlx::Result<i32> {
    let sum = ledger::sha256(new.bytes);
    sqlx::query_scalar!(
        "insert into case_document (id, case_id, kind, version, name, media_type, bytes, sha256, draft, added_at, added_by)
         select $1, $2, $3, coalesce(max(version), 0) + 1, $4, $5, $6, $7, $8, $9, $10 from case_document where case_id = $2 and kind = $3
         returning version",
        id,
        case,
        new.kind,
        new.name,
        new.media_type,
        new.bytes,
        sum.as_slice(),
        new.draft,
        now,
        by
    )
    .fetch_one(conn)
    .await
}

/// The newest first.
pub async fn documents(conn: &mut PgConnection, case: Uuid) -> sqlx::Result<Vec<CaseDocument>> {
    let rows = sqlx::query!(
        r#"select id, kind, version, name, media_type, length(bytes)::int8 as "size!", sha256, draft, added_at, added_by
           from case_document where case_id = $1 order by added_at desc, kind, version desc limit $2"#,
        case,
        MOST
    )
    .fetch_all(conn)
    .await?;
    let all = rows.into_iter().map(|row| CaseDocument {
        id: row.id,
        kind: row.kind,
        version: row.version,
        name: row.name,
        media_type: row.media_type,
        size: row.size,
        sha256: ledger::hex(&row.sha256),
        draft: row.draft,
        added_at: row.added_at,
        added_by: row.added_by,
    });
    Ok(all.collect())
}

/// Name, media type, bytes and whether it is a draft.
pub async fn document(
    conn: &mut PgConnection,
    case: Uuid,
    id: Uuid,
) -> sqlx::Result<Option<(String, String, Vec<u8>, bool)>> {
    let row = sqlx::query!(
        "select name, media_type, bytes, draft from case_document where case_id = $1 and id = $2",
        case,
        id
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.name, row.media_type, row.bytes, row.draft)))
}

pub async fn insert_link(
    conn: &mut PgConnection,
    (from, to): (Uuid, Uuid),
    kind: LinkKind,
    (now, by): (Instant, &str),
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "insert into case_link (from_case, to_case, kind, at, actor) values ($1, $2, $3, $4, $5) on conflict do nothing",
        from,
        to,
        kind.as_str(),
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Cases beside this one that a reader may read, by user name and the modules they work in: what is restricted only there, or when it is theirs.
pub async fn links(
    conn: &mut PgConnection,
    case: Uuid,
    (reader, works_in): (&str, &[String]),
) -> sqlx::Result<Vec<CaseLink>> {
    let rows = sqlx::query!(
        r#"select c.id, c.type_key, c.module, c.series, c.year, c.number, c.title, c.state, c.is_final, l.kind,
               (l.to_case = $1) as "inward!"
           from case_link l join case_file c on c.id = case when l.to_case = $1 then l.from_case else l.to_case end
           where (l.from_case = $1 or l.to_case = $1)
             and (c.access <> 'restricted' or c.module = any($3) or ($4 <> '' and $4 in (c.assigned, c.author)))
             and not exists (select from case_recusal r where r.case_id = c.id and r.username = $4 and r.lifted_at is null)
           order by 6 desc, c.is_final, l.at, c.id limit $2"#,
        case,
        MOST,
        works_in,
        reader
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let number = match (row.series, row.year, row.number) {
                (Some(series), Some(year), Some(number)) => format!("{series} {year}/{number:03}"),
                _ => String::new(),
            };
            Ok(CaseLink {
                id: row.id,
                type_key: row.type_key,
                module: row.module,
                number,
                title: row.title,
                state: row.state,
                is_final: row.is_final,
                kind: row.kind.parse().map_err(decode)?,
                inward: row.inward,
            })
        })
        .collect()
}

struct NearRow {
    type_key: String,
    title: String,
    state: String,
    is_final: bool,
    fields: Json<Fields>,
    is_above: bool,
}

/// What guards ask of a case. Of many cases below it those that are open come first: one that is left unseen must not count as finished.
pub async fn facts(conn: &mut PgConnection, case: Uuid) -> sqlx::Result<Facts> {
    let deadlines = deadlines::store::list(&mut *conn, Some((SUBJECT, case)), false).await?;
    let documents = sqlx::query_scalar!("select distinct kind from case_document where case_id = $1", case)
        .fetch_all(&mut *conn)
        .await?;
    let acts = sqlx::query!("select act, actor, at from case_act where case_id = $1 order by seq", case)
        .fetch_all(&mut *conn)
        .await?;
    let near = sqlx::query_as!(
        NearRow,
        r#"select c.type_key, case when c.access = 'restricted' then c.type_key else c.title end as "title!", c.state, c.is_final, c.fields as "fields: Json<Fields>",
               ((l.kind = 'parent' and l.from_case = $1) or (l.kind = 'spawned' and l.to_case = $1)) as "is_above!"
           from case_link l join case_file c on c.id = case when l.to_case = $1 then l.from_case else l.to_case end
           where (l.from_case = $1 or l.to_case = $1) and l.kind in ('parent', 'spawned') and c.annulled_at is null
           order by 6 desc, c.is_final and not ((l.kind = 'parent' and l.from_case = $1) or (l.kind = 'spawned' and l.to_case = $1)),
               l.at, c.id limit $2"#,
        case,
        MOST
    )
    .fetch_all(conn)
    .await?;
    let (above, below): (Vec<_>, Vec<_>) = near.into_iter().partition(|row| row.is_above);
    let near = |rows: Vec<NearRow>| {
        rows.into_iter()
            .map(|row| Near {
                type_key: row.type_key,
                name: row.title,
                state: row.state,
                is_final: row.is_final,
                fields: row.fields.0,
            })
            .collect()
    };
    Ok(Facts {
        deadlines,
        documents: documents.into_iter().collect(),
        // Of an act that was done more than once the last stands.
        done_at: acts.iter().map(|row| (row.act.clone(), row.at)).collect(),
        acts: acts.into_iter().map(|row| (row.act, row.actor)).collect(),
        parents: near(above),
        children: near(below),
    })
}

/// Cases of a type in one of these states whose deadline has run out, the longest ago first, without some.
pub async fn run_out(
    conn: &mut PgConnection,
    (type_key, code): (&str, &str),
    (states, without): (&[String], &[Uuid]),
    (now, most): (Instant, i64),
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "select c.id from deadline d join case_file c on c.id = d.subject_id
         where d.subject_kind = 'case' and d.state = 'open' and d.code = $1 and d.due_at < $4
           and c.type_key = $2 and c.state = any($3) and c.annulled_at is null and c.id <> all($6)
         order by d.due_at, c.id limit $5",
        code,
        type_key,
        states,
        now,
        most,
        without
    )
    .fetch_all(conn)
    .await
}

/// Raises a series to a number that came in from outside.
pub async fn raise_series(conn: &mut PgConnection, series: &str, year: i32, number: i32) -> sqlx::Result<()> {
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
