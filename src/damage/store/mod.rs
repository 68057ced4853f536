//! Dossiers and their parts in PostgreSQL.

pub mod declared;
pub mod entries;
pub mod mobilised;
pub mod papers;
pub mod proposed;

use chrono::NaiveDate;
use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::levels::{Said, Verdict};
use super::life::State;
use super::sections::Sections;
use super::{Dossier, Onset};
use crate::clock::Instant;
use crate::ids::IncidentId;

/// Dossiers that a list gives.
const MOST: i64 = 300;

pub(super) fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

struct Row {
    id: Uuid,
    incident_id: IncidentId,
    incident: String,
    title: String,
    version: i32,
    corrects: Option<Uuid>,
    correction_reason: String,
    drill: bool,
    cobrade: String,
    occurred_at: Instant,
    onset: String,
    state: String,
    revision: i32,
    form_revision: i32,
    sections: Json<Sections>,
    level: Option<String>,
    declared: Option<String>,
    level_reason: String,
    level_at: Option<Instant>,
    level_by: Option<String>,
    decree_number: String,
    decree_on: Option<NaiveDate>,
    opened_at: Instant,
    opened_by: String,
    changed_at: Instant,
    changed_by: String,
    submitted_at: Option<Instant>,
    submitted_by: Option<String>,
    pdf_sha256: Option<String>,
    protocol: String,
    decided_at: Option<Instant>,
    decided_by: Option<String>,
    decision: String,
    recognised_on: Option<NaiveDate>,
}

fn verdict(level: Option<&str>, declared: Option<&str>) -> sqlx::Result<Option<Verdict>> {
    let (Some(level), Some(declared)) = (level, declared) else { return Ok(None) };
    let said = Said { level: level.parse().map_err(decode)?, declared: declared.parse().map_err(decode)? };
    Verdict::try_from(said).map(Some).map_err(decode)
}

impl Row {
    fn read(self) -> sqlx::Result<Dossier> {
        Ok(Dossier {
            id: self.id,
            incident_id: self.incident_id,
            incident: self.incident,
            title: self.title,
            version: self.version,
            corrects: self.corrects,
            correction_reason: self.correction_reason,
            drill: self.drill,
            cobrade: self.cobrade,
            occurred_at: self.occurred_at,
            onset: self.onset.parse().map_err(decode)?,
            state: self.state.parse().map_err(decode)?,
            revision: self.revision,
            form_revision: self.form_revision,
            sections: self.sections.0,
            verdict: verdict(self.level.as_deref(), self.declared.as_deref())?,
            level_reason: self.level_reason,
            level_at: self.level_at,
            level_by: self.level_by,
            decree_number: self.decree_number,
            decree_on: self.decree_on,
            opened_at: self.opened_at,
            opened_by: self.opened_by,
            changed_at: self.changed_at,
            changed_by: self.changed_by,
            submitted_at: self.submitted_at,
            submitted_by: self.submitted_by,
            pdf_sha256: self.pdf_sha256,
            protocol: self.protocol,
            decided_at: self.decided_at,
            decided_by: self.decided_by,
            decision: self.decision,
            recognised_on: self.recognised_on,
        })
    }
}

/// All, of one incident, or the one with this id; the newest first, of an incident the newest version first.
pub async fn list(
    conn: &mut PgConnection,
    incident: Option<IncidentId>,
    id: Option<Uuid>,
) -> sqlx::Result<Vec<Dossier>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select d.id, d.incident_id as "incident_id: IncidentId", i.number as incident, i.title, d.version, d.corrects,
               d.correction_reason, d.drill, d.cobrade, d.occurred_at, d.onset, d.state, d.revision, d.form_revision,
               d.sections as "sections: Json<Sections>", d.level, d.declared, d.level_reason, d.level_at, d.level_by, d.decree_number,
               d.decree_on, d.opened_at, d.opened_by, d.changed_at, d.changed_by, d.submitted_at, d.submitted_by,
               encode(d.pdf_sha256, 'hex') as pdf_sha256, d.protocol, d.decided_at, d.decided_by, d.decision, d.recognised_on
           from disaster d join incident i on i.id = d.incident_id
           where ($1::uuid is null or d.incident_id = $1) and ($2::uuid is null or d.id = $2)
           order by d.opened_at desc, d.version desc, d.id limit $3"#,
        incident.map(|id| id.0),
        id,
        MOST
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Row::read).collect()
}

pub async fn load(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Dossier>> {
    Ok(list(conn, None, Some(id)).await?.pop())
}

/// One, held until the transaction ends.
pub async fn lock(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Dossier>> {
    sqlx::query!("select id from disaster where id = $1 for update", id).fetch_optional(&mut *conn).await?;
    load(conn, id).await
}

/// Whether the incident is exercised; none: there is no such incident. Nobody opens another dossier of it meanwhile.
pub async fn lock_incident(conn: &mut PgConnection, incident: IncidentId) -> sqlx::Result<Option<bool>> {
    sqlx::query_scalar!(
        r#"select incident_is_drill(id) as "drill!" from incident where id = $1 for no key update"#,
        incident.0
    )
    .fetch_optional(conn)
    .await
}

/// A dossier to begin.
#[derive(Clone, Copy, Debug)]
pub struct New<'a> {
    pub id: Uuid,
    pub incident: IncidentId,
    pub drill: bool,
    pub cobrade: &'a str,
    pub occurred_at: Instant,
    pub onset: Onset,
    pub sections: &'a Sections,
}

pub async fn insert(conn: &mut PgConnection, new: &New<'_>, (now, by): (Instant, &str)) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into disaster (id, incident_id, version, drill, cobrade, occurred_at, onset, sections, opened_at, opened_by, changed_at,
             changed_by)
         values ($1, $2, 1, $3, $4, $5, $6, $7, $8, $9, $8, $9)",
        new.id,
        new.incident.0,
        new.drill,
        new.cobrade,
        new.occurred_at,
        new.onset.as_str(),
        Json(new.sections) as _,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn set_header(
    conn: &mut PgConnection,
    id: Uuid,
    (cobrade, occurred_at, onset): (&str, Instant, Onset),
) -> sqlx::Result<()> {
    sqlx::query!(
        "update disaster set cobrade = $2, occurred_at = $3, onset = $4, form_revision = revision + 1 where id = $1",
        id,
        cobrade,
        occurred_at,
        onset.as_str()
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn set_sections(conn: &mut PgConnection, id: Uuid, sections: &Sections) -> sqlx::Result<()> {
    sqlx::query!(
        "update disaster set sections = $2, form_revision = revision + 1 where id = $1",
        id,
        Json(sections) as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Something of an open dossier or of its parts changed: its next revision.
pub async fn changed(conn: &mut PgConnection, id: Uuid, (now, by): (Instant, &str)) -> sqlx::Result<()> {
    sqlx::query!(
        "update disaster set revision = revision + 1, changed_at = $2, changed_by = $3 where id = $1 and state = 'open'",
        id,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A verdict with what led to it.
pub async fn set_level(
    conn: &mut PgConnection,
    id: Uuid,
    (said, detail, reason): (Said, &Value, &str),
    (now, by): (Instant, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "update disaster set level = $2, declared = $3, level_detail = $4, level_reason = $5, level_at = $6, level_by = $7,
             form_revision = revision + 1
         where id = $1",
        id,
        said.level.as_str(),
        said.declared.as_str(),
        detail,
        reason,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What led to the level: answers, proposal and norm.
pub async fn level_detail(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Value> {
    sqlx::query_scalar!("select level_detail from disaster where id = $1", id).fetch_one(conn).await
}

pub async fn set_decree(conn: &mut PgConnection, id: Uuid, decree: Option<(&str, NaiveDate)>) -> sqlx::Result<()> {
    sqlx::query!(
        "update disaster set decree_number = $2, decree_on = $3 where id = $1",
        id,
        decree.map_or("", |(number, _)| number),
        decree.map(|(_, day)| day)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What is frozen: the data of every document, and the PDF with its sum.
pub async fn freeze(
    conn: &mut PgConnection,
    id: Uuid,
    (frozen, pdf, sha256): (&Value, &[u8], &[u8]),
    (now, by): (Instant, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "update disaster set state = 'submitted', submitted_at = $2, submitted_by = $3, frozen = $4, pdf = $5, pdf_sha256 = $6,
             changed_at = $2, changed_by = $3, revision = revision + 1
         where id = $1",
        id,
        now,
        by,
        frozen,
        pdf,
        sha256
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The PDF as it was submitted; none while it is open.
pub async fn pdf(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Vec<u8>>> {
    Ok(sqlx::query_scalar!("select pdf from disaster where id = $1", id).fetch_optional(conn).await?.flatten())
}

/// The data of the documents as it was submitted.
pub async fn frozen(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Value>> {
    Ok(sqlx::query_scalar!("select frozen from disaster where id = $1", id).fetch_optional(conn).await?.flatten())
}

pub async fn set_protocol(conn: &mut PgConnection, id: Uuid, protocol: &str) -> sqlx::Result<()> {
    sqlx::query!("update disaster set protocol = $2 where id = $1", id, protocol).execute(conn).await?;
    Ok(())
}

pub async fn decide(
    conn: &mut PgConnection,
    id: Uuid,
    (state, decision, recognised_on): (State, &str, Option<NaiveDate>),
    (now, by): (Instant, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "update disaster set state = $2, decision = $3, decided_at = $4, decided_by = $5, recognised_on = $6 where id = $1",
        id,
        state.as_str(),
        decision,
        now,
        by,
        recognised_on
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The next version with everything of this one: entries that stand, documents as drafts with their numbers, photographs, and what was
/// declared and nobody answered.
pub async fn correct(
    conn: &mut PgConnection,
    (id, next): (Uuid, Uuid),
    reason: &str,
    (now, by): (Instant, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into disaster (id, incident_id, version, corrects, correction_reason, drill, cobrade, occurred_at, onset, sections, level,
             declared, level_detail, level_reason, level_at, level_by, decree_number, decree_on, opened_at, opened_by, changed_at, changed_by)
         select $2, incident_id, version + 1, id, $3, drill, cobrade, occurred_at, onset, sections, level, declared, level_detail,
             level_reason, level_at, level_by, decree_number, decree_on, $4, $5, $4, $5
         from disaster where id = $1",
        id,
        next,
        reason,
        now,
        by
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into damage_entry (id, disaster_id, line, part, source, persons, damaged, destroyed, centavos, inspection_id, counted_at,
             declaration_id, because, at, actor)
         select gen_random_uuid(), $2, line, part, source, persons, damaged, destroyed, centavos, inspection_id, counted_at,
             declaration_id, because, at, actor
         from damage_entry_standing where disaster_id = $1",
        id,
        next
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into damage_document (disaster_id, kind, paragraphs, number, changed_at, changed_by)
         select $2, kind, paragraphs, number, $3, $4 from damage_document where disaster_id = $1",
        id,
        next,
        now,
        by
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into damage_photograph (disaster_id, attachment_id, position, caption, taken_at, geom, chosen_at, chosen_by)
         select $2, attachment_id, position, caption, taken_at, geom, chosen_at, chosen_by from damage_photograph where disaster_id = $1",
        id,
        next
    )
    .execute(&mut *conn)
    .await?;
    declared::carry(conn, (id, next)).await
}

/// Open incidents without a dossier, the newest first: id, number, title, COBRADE and when it was opened.
pub async fn without(conn: &mut PgConnection) -> sqlx::Result<Vec<(IncidentId, String, String, String, Instant)>> {
    let rows = sqlx::query!(
        r#"select i.id as "id: IncidentId", i.number, i.title, i.cobrade, i.opened_at from incident i
           where not exists (select from disaster d where d.incident_id = i.id)
           order by i.state = 'open' desc, i.opened_at desc limit 100"#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.number, row.title, row.cobrade, row.opened_at)).collect())
}
