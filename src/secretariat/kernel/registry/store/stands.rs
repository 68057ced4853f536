//! What stands in other tables of an entry: instruments, seats, outlets.

use chrono::NaiveDate;
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::secretariat::kernel::instrument::store::number_of;

/// Rows of each kind.
const MOST: i64 = 200;

/// An instrument that it is a party of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = RegistryInstrument)]
pub struct OfInstrument {
    pub id: Uuid,
    /// agreements, funding
    pub module: String,
    pub kind: String,
    /// "2026/001", or empty.
    pub number: String,
    pub title: String,
    pub state: String,
    pub is_final: bool,
    /// partner, intervening
    pub role: String,
    /// The day on which its accounts were due, when they are overdue.
    pub accounts_due_on: Option<NaiveDate>,
}

/// `codes`: of the deadlines of accounts.
pub async fn instruments(
    conn: &mut PgConnection,
    entries: &[Uuid],
    (today, codes): (NaiveDate, &[String]),
) -> sqlx::Result<Vec<OfInstrument>> {
    let rows = sqlx::query!(
        r#"select i.id, i.module, i.kind, i.year, i.number, i.title, i.state, i.is_final, min(l.role) as "role!",
               (select min(d.due_on) from deadline d where d.subject_kind = 'instrument' and d.subject_id = i.id and d.state = 'open'
                   and d.due_on < $2 and d.code = any($3)) as accounts_due_on
           from registry_link l join instrument i on i.id = l.subject_id
           where l.subject_kind = 'instrument' and l.entry_id = any($1) group by i.id order by i.id desc limit $4"#,
        entries,
        today,
        codes,
        MOST
    )
    .fetch_all(conn)
    .await?;
    let all = rows.into_iter().map(|row| OfInstrument {
        id: row.id,
        module: row.module,
        kind: row.kind,
        number: number_of(row.year, row.number),
        title: row.title,
        state: row.state,
        is_final: row.is_final,
        role: row.role,
        accounts_due_on: row.accounts_due_on,
    });
    Ok(all.collect())
}

/// A mandate that they have or had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = RegistrySeat)]
pub struct OfSeat {
    pub body: String,
    pub slug: String,
    pub entity: String,
    /// titular, substitute
    pub capacity: String,
    pub from_on: NaiveDate,
    /// The last day, also when it ended before its time.
    pub until_on: NaiveDate,
}

/// Mandates, the newest first; in councils of ethics only where those are seen.
pub async fn seats(conn: &mut PgConnection, entries: &[Uuid], sees_ethics: bool) -> sqlx::Result<Vec<OfSeat>> {
    sqlx::query_as!(
        OfSeat,
        r#"select b.name as body, b.slug, s.entity, m.capacity, m.from_on, least(m.until_on, m.ended_on) as "until_on!"
           from registry_link l join body_mandate m on m.person_id = l.subject_id join body_seat s on s.id = m.seat_id
               join body b on b.id = m.body_id
           where l.subject_kind = 'body_person' and l.entry_id = any($1) and ($2 or b.kind <> 'ethics')
           order by m.from_on desc, m.id limit $3"#,
        entries,
        sees_ethics,
        MOST
    )
    .fetch_all(conn)
    .await
}

/// An outlet that it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = RegistryOutlet)]
pub struct OfOutlet {
    pub id: Uuid,
    pub name: String,
    /// It still gets releases.
    pub is_active: bool,
}

pub async fn outlets(conn: &mut PgConnection, entries: &[Uuid]) -> sqlx::Result<Vec<OfOutlet>> {
    sqlx::query_as!(
        OfOutlet,
        r#"select distinct o.id, o.name, (o.removed_at is null) as "is_active!" from registry_link l join press_outlet o on o.id = l.subject_id
           where l.subject_kind = 'press_outlet' and l.entry_id = any($1) order by o.id limit $2"#,
        entries,
        MOST
    )
    .fetch_all(conn)
    .await
}

/// Cases in a field of which it stands, each with the key of the field.
pub async fn cases(conn: &mut PgConnection, entries: &[Uuid]) -> sqlx::Result<Vec<(Uuid, String)>> {
    let rows = sqlx::query!(
        "select distinct subject_id, role from registry_link where subject_kind = 'case' and entry_id = any($1)
         order by subject_id desc, role limit $2",
        entries,
        MOST
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.subject_id, row.role)).collect())
}
