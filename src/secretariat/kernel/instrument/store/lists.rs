//! Queues and figures of a module.

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use super::number_of;

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
