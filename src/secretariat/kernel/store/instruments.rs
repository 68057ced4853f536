//! Instruments that cases refer to, seen from both sides.

use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::{CaseLink, LinkKind};
use super::MOST;
use crate::clock::Instant;
use crate::secretariat::kernel::instrument::store::number_of;
use crate::secretariat::modules;

/// Instruments that fit what was written, at most.
const FITTING: i64 = 6;

/// An agreement, funding or project that a case refers to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = CaseInstrument)]
pub struct InstrumentLink {
    pub id: Uuid,
    /// agreements, funding or strategic_projects
    pub module: String,
    /// fomento, convenio
    pub kind: String,
    /// "2026/001"; empty before it has one.
    pub number: String,
    pub title: String,
    pub partner: String,
    pub state: String,
    pub is_final: bool,
}

impl InstrumentLink {
    /// Path of its page.
    pub fn link(&self) -> String {
        let pages = modules::find(&self.module).map_or(self.module.as_str(), |module| module.slug_pt);
        format!("/secretaria/painel/{pages}/{}", self.id)
    }

    pub fn name(&self) -> String {
        format!("{} {}", self.number, self.title).trim().to_owned()
    }
}

struct Row {
    id: Uuid,
    module: String,
    kind: String,
    year: Option<i32>,
    number: Option<i32>,
    title: String,
    partner: String,
    state: String,
    is_final: bool,
}

impl From<Row> for InstrumentLink {
    fn from(row: Row) -> Self {
        let number = number_of(row.year, row.number);
        let Row { id, module, kind, title, partner, state, is_final, .. } = row;
        Self { id, module, kind, number, title, partner, state, is_final }
    }
}

/// False when the case refers to it already.
pub async fn insert(
    conn: &mut PgConnection,
    (case, instrument): (Uuid, Uuid),
    (now, by): (Instant, &str),
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "insert into case_instrument (case_id, instrument_id, at, actor) values ($1, $2, $3, $4) on conflict do nothing",
        case,
        instrument,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub async fn exists(conn: &mut PgConnection, instrument: Uuid) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select exists (select from instrument where id = $1) as "is!""#, instrument)
        .fetch_one(conn)
        .await
}

/// What a case refers to. Whoever sees the secretariat reads instruments.
pub async fn of_case(conn: &mut PgConnection, case: Uuid) -> sqlx::Result<Vec<InstrumentLink>> {
    let rows = sqlx::query_as!(
        Row,
        "select i.id, i.module, i.kind, i.year, i.number, i.title, i.partner, i.state, i.is_final
         from case_instrument l join instrument i on i.id = l.instrument_id where l.case_id = $1 order by l.at, i.id limit $2",
        case,
        MOST
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(InstrumentLink::from).collect())
}

/// Instruments of a module that have this number, or else these words.
pub async fn fitting(conn: &mut PgConnection, module: &str, text: &str) -> sqlx::Result<Vec<InstrumentLink>> {
    let numbered = text
        .split_once('/')
        .and_then(|(year, number)| Some((year.trim().parse::<i32>().ok()?, number.trim().parse::<i32>().ok()?)));
    let (year, number) = numbered.unzip();
    let rows = sqlx::query_as!(
        Row,
        "select id, module, kind, year, number, title, partner, state, is_final from instrument
         where module = $1 and case when $2::int is null then search @@ websearch_to_tsquery('portuguese', $4)
             else year = $2 and number = $3::int end
         order by id desc limit $5",
        module,
        year,
        number,
        text,
        FITTING
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(InstrumentLink::from).collect())
}

/// Cases that refer to an instrument and that a reader may read, as in [`super::links`], the newest first.
pub async fn cases_of(
    conn: &mut PgConnection,
    instrument: Uuid,
    (reader, works_in): (&str, &[String]),
) -> sqlx::Result<Vec<CaseLink>> {
    let rows = sqlx::query!(
        r#"select c.id, c.type_key, c.module, c.series, c.year, c.number, c.title, c.state, c.is_final,
               (select min(d.due_on) from deadline d where d.subject_kind = 'case' and d.subject_id = c.id and d.state = 'open') as due_on
           from case_instrument l join case_file c on c.id = l.case_id
           where l.instrument_id = $1
             and (c.access <> 'restricted' or c.module = any($3) or ($4 <> '' and $4 in (c.assigned, c.author)))
             and not exists (select from case_recusal r where r.case_id = c.id and r.username = $4 and r.lifted_at is null)
           order by c.id desc limit $2"#,
        instrument,
        MOST,
        works_in,
        reader
    )
    .fetch_all(conn)
    .await?;
    let link = rows.into_iter().map(|row| {
        let number = match (row.series, row.year, row.number) {
            (Some(series), Some(year), Some(number)) => format!("{series} {year}/{number:03}"),
            _ => String::new(),
        };
        CaseLink {
            id: row.id,
            type_key: row.type_key,
            module: row.module,
            number,
            title: row.title,
            state: row.state,
            is_final: row.is_final,
            kind: LinkKind::Refers,
            inward: true,
            due_on: row.due_on,
        }
    });
    Ok(link.collect())
}
