//! Answers and what is spent for them, without a time, an address or a name.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::super::report::Tally;

/// Round and service of a code that nobody used yet, held until the transaction ends.
pub async fn of_code(conn: &mut PgConnection, hash: &[u8]) -> sqlx::Result<Option<(Uuid, Uuid)>> {
    let row = sqlx::query!("select round_id, service_id from evaluation_code where hash = $1 for update", hash)
        .fetch_optional(conn)
        .await?;
    Ok(row.map(|row| (row.round_id, row.service_id)))
}

/// Takes a code out. False: somebody used it meanwhile.
pub async fn spend_code(conn: &mut PgConnection, hash: &[u8]) -> sqlx::Result<bool> {
    let done = sqlx::query!("delete from evaluation_code where hash = $1", hash).execute(conn).await?;
    Ok(done.rows_affected() == 1)
}

/// Remembers for two days that a form was sent. False: it was sent before.
pub async fn spend_stamp(conn: &mut PgConnection, hash: &[u8], today: NaiveDate) -> sqlx::Result<bool> {
    sqlx::query!("delete from evaluation_stamp where day < $1::date - 2", today).execute(&mut *conn).await?;
    let done =
        sqlx::query!("insert into evaluation_stamp (hash, day) values ($1, $2) on conflict do nothing", hash, today)
            .execute(conn)
            .await?;
    Ok(done.rows_affected() == 1)
}

/// Keeps an answer under a random id.
pub async fn insert_response(
    conn: &mut PgConnection,
    id: Uuid,
    (round, service): (Uuid, Uuid),
    answers: &BTreeMap<String, String>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into evaluation_response (id, round_id, service_id, answers) values ($1, $2, $3, $4)",
        id,
        round,
        service,
        Json(answers) as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Counts of the services of a year, or of one round.
pub async fn tallies(conn: &mut PgConnection, year: i32, round: Option<Uuid>) -> sqlx::Result<BTreeMap<Uuid, Tally>> {
    let mut all: BTreeMap<Uuid, Tally> = BTreeMap::new();
    let responses = sqlx::query!(
        r#"select a.service_id, count(*) as "count!" from evaluation_response a join evaluation_round r on r.id = a.round_id
           where r.year = $1 and ($2::uuid is null or r.id = $2) group by a.service_id"#,
        year,
        round
    )
    .fetch_all(&mut *conn)
    .await?;
    for row in responses {
        all.entry(row.service_id).or_default().responses = row.count;
    }
    let cells = sqlx::query!(
        r#"select a.service_id, e.key as "question!", e.value as "value!", count(*) as "count!"
           from evaluation_response a join evaluation_round r on r.id = a.round_id cross join lateral jsonb_each_text(a.answers) e
           where r.year = $1 and ($2::uuid is null or r.id = $2) group by a.service_id, e.key, e.value"#,
        year,
        round
    )
    .fetch_all(conn)
    .await?;
    for row in cells {
        all.entry(row.service_id).or_default().cells.insert((row.question, row.value), row.count);
    }
    Ok(all)
}
