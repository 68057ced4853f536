//! The registry in PostgreSQL: entries here; contacts, links and where an entry stands beside it.

pub mod contacts;
pub mod links;
pub mod stands;

use std::collections::BTreeMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::{Checked, Class, Entry, EntryKind, Nature, Point};
use crate::clock::Instant;
use crate::secretariat::kernel::instrument::TaxId;

/// Rows of a page.
pub const PAGE: i64 = 50;
/// Rows of an export.
pub const MOST: i64 = 20_000;

fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

/// A CPF as it lies there: found by its keyed sum, read by its seal, shown by its middle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cpf {
    pub sum: Vec<u8>,
    pub sealed: Vec<u8>,
    pub masked: String,
}

struct Row {
    id: Uuid,
    kind: String,
    name: String,
    short_name: String,
    nature: String,
    cnpj: Option<String>,
    cpf_masked: String,
    address: String,
    longitude: Option<f64>,
    latitude: Option<f64>,
    access: String,
    reserved_to: String,
    merged_into: Option<Uuid>,
    opened_at: Instant,
    opened_by: String,
    changed_at: Instant,
    revision: i32,
}

impl TryFrom<Row> for Entry {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> sqlx::Result<Self> {
        let document = match row.cnpj {
            Some(cnpj) => cnpj.parse::<TaxId>().map_err(decode)?.to_string(),
            None => row.cpf_masked,
        };
        let nature = if row.nature.is_empty() { None } else { Some(row.nature.parse::<Nature>().map_err(decode)?) };
        Ok(Self {
            id: row.id,
            kind: row.kind.parse().map_err(decode)?,
            name: row.name,
            short_name: row.short_name,
            nature,
            document,
            address: row.address,
            point: row.longitude.zip(row.latitude).map(|(longitude, latitude)| Point { longitude, latitude }),
            access: row.access.parse().map_err(decode)?,
            reserved_to: row.reserved_to,
            merged_into: row.merged_into,
            opened_at: row.opened_at,
            opened_by: row.opened_by,
            changed_at: row.changed_at,
            revision: row.revision,
        })
    }
}

/// Entries by id, in the order of their ids from the newest.
pub async fn some(conn: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<Vec<Entry>> {
    let rows = sqlx::query_as!(
        Row,
        "select id, kind, name, short_name, nature, cnpj, cpf_masked, address, longitude, latitude, access, reserved_to, merged_into,
             opened_at, opened_by, changed_at, revision
         from registry_entry where id = any($1) order by id desc",
        ids
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Entry::try_from).collect()
}

pub async fn load(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Entry>> {
    Ok(some(conn, &[id]).await?.pop())
}

/// The entry, and nobody else changes it until the transaction ends.
pub async fn lock(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Entry>> {
    sqlx::query!("select id from registry_entry where id = $1 for update", id).fetch_optional(&mut *conn).await?;
    load(conn, id).await
}

/// Writes an entry down. False: its document stands there already.
pub async fn insert(
    conn: &mut PgConnection,
    id: Uuid,
    (new, cpf): (&Checked, Option<&Cpf>),
    (now, by): (Instant, &str),
) -> sqlx::Result<bool> {
    let cnpj = new.document.as_ref().filter(|id| !id.is_person()).map(TaxId::as_str);
    let done = sqlx::query!(
        "insert into registry_entry (id, kind, name, short_name, nature, cnpj, cpf_sum, cpf_sealed, cpf_masked, address, longitude, latitude,
             access, reserved_to, opened_at, opened_by, changed_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $15) on conflict do nothing",
        id,
        new.kind.as_str(),
        new.name,
        new.short_name,
        new.nature.map_or("", Nature::as_str),
        cnpj,
        cpf.map(|cpf| cpf.sum.as_slice()),
        cpf.map(|cpf| cpf.sealed.as_slice()),
        cpf.map_or("", |cpf| cpf.masked.as_str()),
        new.address,
        new.point.map(|at| at.longitude),
        new.point.map(|at| at.latitude),
        new.access.as_str(),
        new.reserved_to,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Changes an entry; a document that is not given stays.
pub async fn update(
    conn: &mut PgConnection,
    id: Uuid,
    (new, cpf): (&Checked, Option<&Cpf>),
    now: Instant,
) -> sqlx::Result<()> {
    let cnpj = new.document.as_ref().filter(|id| !id.is_person()).map(TaxId::as_str);
    sqlx::query!(
        "update registry_entry set name = $2, short_name = $3, nature = $4, cnpj = coalesce($5, cnpj), cpf_sum = coalesce($6, cpf_sum),
             cpf_sealed = coalesce($7, cpf_sealed), cpf_masked = coalesce($8, cpf_masked), address = $9, longitude = $10, latitude = $11,
             access = $12, reserved_to = $13, changed_at = $14, revision = revision + 1
         where id = $1",
        id,
        new.name,
        new.short_name,
        new.nature.map_or("", Nature::as_str),
        cnpj,
        cpf.map(|cpf| cpf.sum.as_slice()),
        cpf.map(|cpf| cpf.sealed.as_slice()),
        cpf.map(|cpf| cpf.masked.as_str()),
        new.address,
        new.point.map(|at| at.longitude),
        new.point.map(|at| at.latitude),
        new.access.as_str(),
        new.reserved_to,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn rename(conn: &mut PgConnection, id: Uuid, name: &str, now: Instant) -> sqlx::Result<()> {
    sqlx::query!(
        "update registry_entry set name = $2, changed_at = $3, revision = revision + 1 where id = $1",
        id,
        name,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Gives entries one class of access: all that were found to be one have the same readers.
pub async fn set_access(
    conn: &mut PgConnection,
    ids: &[Uuid],
    (access, reserved_to): (Class, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "update registry_entry set access = $2, reserved_to = $3 where id = any($1)",
        ids,
        access.as_str(),
        reserved_to
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn set_merged(conn: &mut PgConnection, id: Uuid, into: Option<Uuid>, now: Instant) -> sqlx::Result<()> {
    sqlx::query!(
        "update registry_entry set merged_into = $2, changed_at = $3, revision = revision + 1 where id = $1",
        id,
        into,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn remove(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<()> {
    sqlx::query!("delete from registry_entry where id = $1", id).execute(conn).await?;
    Ok(())
}

pub async fn by_cnpj(conn: &mut PgConnection, cnpj: &str) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!("select id from registry_entry where cnpj = $1", cnpj).fetch_optional(conn).await
}

/// `sums`: of one CPF under every key of the ring.
pub async fn by_sums(conn: &mut PgConnection, sums: &[Vec<u8>]) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!("select id from registry_entry where cpf_sum = any($1) order by id limit 1", sums)
        .fetch_optional(conn)
        .await
}

/// The sealed CPF.
pub async fn sealed(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Vec<u8>>> {
    Ok(sqlx::query_scalar!("select cpf_sealed from registry_entry where id = $1", id)
        .fetch_optional(conn)
        .await?
        .flatten())
}

/// The sealed CPF of several entries.
pub async fn all_sealed(conn: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<BTreeMap<Uuid, Vec<u8>>> {
    let rows = sqlx::query!(
        r#"select id, cpf_sealed as "sealed!" from registry_entry where id = any($1) and cpf_sealed is not null"#,
        ids
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.sealed)).collect())
}

/// The entry that stands for this one, after every merge.
pub async fn root(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Uuid> {
    let found = sqlx::query_scalar!(
        r#"with recursive up as (
               select id, merged_into from registry_entry where id = $1
               union select e.id, e.merged_into from registry_entry e join up on e.id = up.merged_into)
           select id as "id!" from up where merged_into is null"#,
        id
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.unwrap_or(id))
}

/// An entry with all that were found to be it, however far below.
pub async fn family(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        r#"with recursive below as (
               select id from registry_entry where id = $1
               union select e.id from registry_entry e join below on e.merged_into = below.id)
           select id as "id!" from below order by 1"#,
        id
    )
    .fetch_all(conn)
    .await
}

/// Which entries.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Words of the name, the short name or the address, or a whole document.
    pub words: String,
    pub kind: Option<EntryKind>,
    /// The last id of the page before.
    pub after: Option<Uuid>,
    pub most: i64,
    /// Who asks: user name and roles.
    pub reader: (String, Vec<String>),
    /// Also without words what was merged into others.
    pub with_merged: bool,
    /// Only what everybody may read.
    pub only_public: bool,
    /// What was written as a document, when it is one: the CNPJ, or the sums of the CPF.
    pub cnpj: Option<String>,
    pub sums: Vec<Vec<u8>>,
}

/// Entries that fit, the newest first. Without words only those that were not merged.
pub async fn list(conn: &mut PgConnection, wanted: &Wanted) -> sqlx::Result<Vec<Entry>> {
    let rows = sqlx::query_as!(
        Row,
        "select id, kind, name, short_name, nature, cnpj, cpf_masked, address, longitude, latitude, access, reserved_to, merged_into,
             opened_at, opened_by, changed_at, revision
         from registry_entry
         where case when $1 then access = 'public' else access <> 'restricted' or reserved_to = any($2) or opened_by = $3 end
           and ($4::text is null or kind = $4) and ($5::uuid is null or id < $5) and ($6 <> '' or $10 or merged_into is null)
           and ($6 = '' or search @@ websearch_to_tsquery('portuguese', $6) or strpos(lower(name), lower($6)) > 0
               or strpos(lower(short_name), lower($6)) > 0 or cnpj = $7 or cpf_sum = any($8))
         order by id desc limit $9",
        wanted.only_public,
        &wanted.reader.1,
        wanted.reader.0,
        wanted.kind.map(EntryKind::as_str),
        wanted.after,
        wanted.words,
        wanted.cnpj,
        &wanted.sums,
        wanted.most,
        wanted.with_merged
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Entry::try_from).collect()
}

/// Writes an entry down as a file has it; what it was merged into comes after all are there.
pub async fn restore(conn: &mut PgConnection, entry: &Entry, cpf: Option<&Cpf>) -> sqlx::Result<bool> {
    let masked = if entry.kind == EntryKind::Person { entry.document.as_str() } else { "" };
    let done = sqlx::query!(
        "insert into registry_entry (id, kind, name, short_name, nature, cnpj, cpf_sum, cpf_sealed, cpf_masked, address, longitude, latitude,
             access, reserved_to, opened_at, opened_by, changed_at, revision)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) on conflict do nothing",
        entry.id,
        entry.kind.as_str(),
        entry.name,
        entry.short_name,
        entry.nature.map_or("", Nature::as_str),
        entry.cnpj(),
        cpf.map(|cpf| cpf.sum.as_slice()),
        cpf.map(|cpf| cpf.sealed.as_slice()),
        masked,
        entry.address,
        entry.point.map(|at| at.longitude),
        entry.point.map(|at| at.latitude),
        entry.access.as_str(),
        entry.reserved_to,
        entry.opened_at,
        entry.opened_by,
        entry.changed_at,
        entry.revision
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub async fn restore_merged(conn: &mut PgConnection, id: Uuid, into: Uuid) -> sqlx::Result<()> {
    sqlx::query!("update registry_entry set merged_into = $2 where id = $1", id, into).execute(conn).await?;
    Ok(())
}
