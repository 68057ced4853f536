//! Declarations of departments, and their files.

use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::decode;
use crate::clock::Instant;
use crate::damage::{Attached, Declaration, DeclaredLine, Department};

struct Row {
    id: Uuid,
    disaster_id: Uuid,
    department: String,
    person: String,
    registry: String,
    document: String,
    words: String,
    lines: Json<Vec<DeclaredLine>>,
    at: Instant,
    staff_id: Option<Uuid>,
    actor: String,
    state: String,
    answered_at: Option<Instant>,
    answered_by: Option<String>,
    answer: String,
    attachments: Json<Vec<Attached>>,
}

impl Row {
    fn read(self) -> sqlx::Result<Declaration> {
        Ok(Declaration {
            id: self.id,
            disaster_id: self.disaster_id,
            department: self.department.parse().map_err(decode)?,
            person: self.person,
            registry: self.registry,
            document: self.document,
            words: self.words,
            lines: self.lines.0,
            at: self.at,
            staff_id: self.staff_id,
            actor: self.actor,
            state: self.state,
            answered_at: self.answered_at,
            answered_by: self.answered_by,
            answer: self.answer,
            attachments: self.attachments.0,
        })
    }
}

/// Of a dossier, of a person, or both; the newest first, at most 300. What a corrected version declared belongs to its corrections too; what
/// waited there goes on as a declaration of theirs and is told once.
pub async fn list(
    conn: &mut PgConnection,
    disaster: Option<Uuid>,
    staff: Option<Uuid>,
) -> sqlx::Result<Vec<Declaration>> {
    some(conn, (disaster, staff, None)).await
}

async fn some(
    conn: &mut PgConnection,
    (disaster, staff, id): (Option<Uuid>, Option<Uuid>, Option<Uuid>),
) -> sqlx::Result<Vec<Declaration>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select d.id, d.disaster_id, d.department, d.person, d.registry, d.document, d.words, d.lines as "lines: Json<Vec<DeclaredLine>>",
               d.at, d.staff_id, d.actor, d.state, d.answered_at, d.answered_by, d.answer,
               coalesce((select jsonb_agg(jsonb_build_object('id', a.id, 'name', a.name, 'media_type', a.media_type,
                   'bytes', octet_length(a.content), 'sha256', encode(a.sha256, 'hex')) order by a.name, a.id)
                   from damage_attachment a where a.declaration_id = d.id), '[]') as "attachments!: Json<Vec<Attached>>"
           from damage_declaration d
           where ($1::uuid is null or d.disaster_id in (
                   select w.id from disaster w join disaster v on v.id = $1 and w.incident_id = v.incident_id and w.version <= v.version))
               and ($2::uuid is null or d.staff_id = $2) and ($3::uuid is null or d.id = $3)
               and (d.disaster_id is not distinct from $1 or d.id is not distinct from $3
                   or not exists (select from damage_declaration c where c.carried_from = d.id))
           order by d.at desc, d.id limit 300"#,
        disaster,
        staff,
        id
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Row::read).collect()
}

/// A declaration to keep.
#[derive(Clone, Copy, Debug)]
pub struct New<'a> {
    pub id: Uuid,
    pub disaster: Uuid,
    pub department: Department,
    pub person: &'a str,
    pub registry: &'a str,
    pub document: &'a str,
    pub words: &'a str,
    pub lines: &'a [DeclaredLine],
}

pub async fn insert(
    conn: &mut PgConnection,
    new: &New<'_>,
    (now, staff, by): (Instant, Option<Uuid>, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into damage_declaration (id, disaster_id, department, person, registry, document, words, lines, at, staff_id, actor)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        new.id,
        new.disaster,
        new.department.as_str(),
        new.person,
        new.registry,
        new.document,
        new.words,
        Json(new.lines) as _,
        now,
        staff,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A file of a declaration.
#[derive(Clone, Debug)]
pub struct File {
    pub name: String,
    pub media_type: &'static str,
    pub content: Vec<u8>,
}

pub async fn attach(
    conn: &mut PgConnection,
    (id, declaration): (Uuid, Uuid),
    file: &File,
    sha256: &[u8],
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into damage_attachment (id, declaration_id, name, media_type, sha256, content) values ($1, $2, $3, $4, $5, $6)",
        id,
        declaration,
        file.name,
        file.media_type,
        sha256,
        file.content
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A file with its name and type, and whose declaration it is.
pub async fn file(
    conn: &mut PgConnection,
    declaration: Uuid,
    id: Uuid,
) -> sqlx::Result<Option<(String, String, Vec<u8>)>> {
    let row = sqlx::query!(
        "select name, media_type, content from damage_attachment where id = $1 and declaration_id = $2",
        id,
        declaration
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.name, row.media_type, row.content)))
}

/// One, held until the transaction ends.
pub async fn lock(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Declaration>> {
    sqlx::query!("select id from damage_declaration where id = $1 for update", id).fetch_optional(&mut *conn).await?;
    Ok(some(conn, (None, None, Some(id))).await?.pop())
}

pub async fn answer(
    conn: &mut PgConnection,
    id: Uuid,
    (state, words): (&str, &str),
    (now, by): (Instant, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "update damage_declaration set state = $2, answer = $3, answered_at = $4, answered_by = $5 where id = $1",
        id,
        state,
        words,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What nobody answered goes on in the next version, with its files.
pub async fn carry(conn: &mut PgConnection, (id, next): (Uuid, Uuid)) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into damage_declaration (id, disaster_id, department, person, registry, document, words, lines, at, staff_id, actor, carried_from)
         select gen_random_uuid(), $2, department, person, registry, document, words, lines, at, staff_id, actor, id
         from damage_declaration where disaster_id = $1 and state = 'sent'",
        id,
        next
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into damage_attachment (id, declaration_id, name, media_type, sha256, content)
         select gen_random_uuid(), d.id, a.name, a.media_type, a.sha256, a.content
         from damage_declaration d join damage_attachment a on a.declaration_id = d.carried_from where d.disaster_id = $1",
        next
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How many a dossier has.
pub async fn count(conn: &mut PgConnection, disaster: Uuid) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from damage_declaration where disaster_id = $1"#, disaster)
        .fetch_one(conn)
        .await
}
