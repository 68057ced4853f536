//! How cases belong to each other, and what guards ask around one.

use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::super::guards::{Facts, Near};
use super::super::{CaseLink, Fields, LinkKind, SUBJECT};
use super::lists::{self, Listed};
use super::{MOST, Row, decode};
use crate::clock::Instant;
use crate::deadlines;

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
               (l.to_case = $1) as "inward!",
               (select min(d.due_on) from deadline d where d.subject_kind = 'case' and d.subject_id = c.id and d.state = 'open') as due_on
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
                due_on: row.due_on,
            })
        })
        .collect()
}

/// Cases of some types that were opened under this one and that a reader may read, as in [`links`], in the order of opening.
pub async fn below(
    conn: &mut PgConnection,
    (case, types): (Uuid, &[String]),
    (reader, works_in): (&str, &[String]),
) -> sqlx::Result<Vec<Listed>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select c.id, c.type_key, c.type_version, c.module, c.series, c.year, c.number, c.title, c.state, c.is_final, c.waits_for,
               c.fields as "fields: Json<Fields>", c.department, c.assigned, c.access, c.author, c.source, c.code_hash, c.opened_at,
               c.changed_at, c.revision, c.annulled_at, c.annulled_by, c.annulled_reason
           from case_link l join case_file c on c.id = l.from_case
           where l.to_case = $1 and l.kind = 'parent' and c.type_key = any($5) and c.annulled_at is null
             and (c.access <> 'restricted' or c.module = any($3) or ($4 <> '' and $4 in (c.assigned, c.author)))
             and not exists (select from case_recusal r where r.case_id = c.id and r.username = $4 and r.lifted_at is null)
           order by c.id limit $2"#,
        case,
        MOST,
        works_in,
        reader,
        types
    )
    .fetch_all(&mut *conn)
    .await?;
    lists::with_dues(conn, rows).await
}

struct NearRow {
    type_key: String,
    title: String,
    state: String,
    is_final: bool,
    fields: Json<Fields>,
    is_above: bool,
}

impl NearRow {
    fn near(self) -> Near {
        Near {
            type_key: self.type_key,
            name: self.title,
            state: self.state,
            is_final: self.is_final,
            fields: self.fields.0,
        }
    }
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
           where ((l.from_case = $1 or l.to_case = $1) and l.kind in ('parent', 'spawned') or l.from_case = $1 and l.kind = 'started')
               and c.annulled_at is null
           order by 6 desc, c.is_final and not ((l.kind = 'parent' and l.from_case = $1) or (l.kind = 'spawned' and l.to_case = $1)),
               l.at, c.id limit $2"#,
        case,
        MOST
    )
    .fetch_all(conn)
    .await?;
    let (above, below): (Vec<_>, Vec<_>) = near.into_iter().partition(|row| row.is_above);
    Ok(Facts {
        deadlines,
        documents: documents.into_iter().collect(),
        // Of an act that was done more than once the last stands.
        done_at: acts.iter().map(|row| (row.act.clone(), row.at)).collect(),
        acts: acts.into_iter().map(|row| (row.act, row.actor)).collect(),
        parents: above.into_iter().map(NearRow::near).collect(),
        above: Vec::new(),
        children: below.into_iter().map(NearRow::near).collect(),
        plan: None,
    })
}

/// The cases above one, each opened under the next, the nearest first. One that is annulled stands for nothing.
pub async fn above(conn: &mut PgConnection, case: Uuid) -> sqlx::Result<Vec<Near>> {
    let rows = sqlx::query_as!(
        NearRow,
        r#"with recursive above as (
               select l.to_case as id, 1 as step from case_link l where l.from_case = $1 and l.kind = 'parent'
               union
               select l.to_case, a.step + 1 from above a join case_link l on l.from_case = a.id and l.kind = 'parent' where a.step < 10)
           select c.type_key, case when c.access = 'restricted' then c.type_key else c.title end as "title!", c.state, c.is_final,
               c.fields as "fields: Json<Fields>", true as "is_above!"
           from above a join case_file c on c.id = a.id where c.annulled_at is null order by a.step, c.id"#,
        case
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(NearRow::near).collect())
}
