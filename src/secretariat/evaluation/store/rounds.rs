//! Rounds, with the services they ask about and their codes.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::suppress::progress;
use super::super::{NewRound, Round, Service};
use super::{MOST, ServiceRow};
use crate::clock::Instant;

pub async fn insert_round(
    conn: &mut PgConnection,
    (id, year): (Uuid, i32),
    new: &NewRound,
    services: &[Uuid],
    (now, by): (Instant, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into evaluation_round (id, year, title, form_key, form_version, opens_on, closes_on, open_link, created_at, created_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        id,
        year,
        new.title.trim(),
        new.questionnaire,
        new.version,
        new.opens_on,
        new.closes_on,
        new.open_link,
        now,
        by
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into evaluation_round_service (round_id, service_id) select $1, s from unnest($2::uuid[]) s",
        id,
        services
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Rounds, the latest first: of a year, one, or all. Nobody's answers are counted here; [`counted`] does.
pub async fn rounds(conn: &mut PgConnection, year: Option<i32>, id: Option<Uuid>) -> sqlx::Result<Vec<Round>> {
    let rows = sqlx::query!(
        r#"select r.id, r.year, r.title, r.form_key, r.form_version, r.opens_on, r.closes_on, r.open_link,
               array(select s.code from evaluation_round_service t join evaluation_service s on s.id = t.service_id
                   where t.round_id = r.id order by s.code) as "services!"
           from evaluation_round r where ($1::int is null or r.year = $1) and ($2::uuid is null or r.id = $2)
           order by r.opens_on desc, r.id desc limit $3"#,
        year,
        id,
        MOST
    )
    .fetch_all(conn)
    .await?;
    let all = rows.into_iter().map(|row| Round {
        id: row.id,
        year: row.year,
        title: row.title,
        questionnaire: row.form_key,
        version: row.form_version,
        opens_on: row.opens_on,
        closes_on: row.closes_on,
        open_link: row.open_link,
        services: row.services,
        answers: None,
    });
    Ok(all.collect())
}

/// Services of a round, by code.
pub async fn of_round(conn: &mut PgConnection, round: Uuid) -> sqlx::Result<Vec<Service>> {
    let rows = sqlx::query_as!(
        ServiceRow,
        "select s.id, s.code, s.name, s.sphere, s.unit, s.department, s.ended_on, s.revision from evaluation_round_service t
         join evaluation_service s on s.id = t.service_id where t.round_id = $1 order by s.code",
        round
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Service::try_from).collect()
}

/// With which questionnaires services were asked about in a year.
pub async fn asked_in(conn: &mut PgConnection, year: i32) -> sqlx::Result<BTreeMap<Uuid, (String, i32)>> {
    let rows = sqlx::query!(
        "select distinct t.service_id, r.form_key, r.form_version from evaluation_round_service t
         join evaluation_round r on r.id = t.round_id where r.year = $1",
        year
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.service_id, (row.form_key, row.form_version))).collect())
}

/// Writes down how many answered each of these rounds, as far as it may be told.
pub async fn counted(conn: &mut PgConnection, rounds: &mut [Round]) -> sqlx::Result<()> {
    let years: Vec<i32> = rounds.iter().map(|round| round.year).collect::<BTreeSet<_>>().into_iter().collect();
    let rows = sqlx::query!(
        r#"select a.round_id, r.year, a.service_id, count(*) as "count!"
           from evaluation_response a join evaluation_round r on r.id = a.round_id
           where r.year = any($1) group by a.round_id, r.year, a.service_id"#,
        &years
    )
    .fetch_all(conn)
    .await?;
    let mut of_year: BTreeMap<(i32, Uuid), i64> = BTreeMap::new();
    for row in &rows {
        *of_year.entry((row.year, row.service_id)).or_default() += row.count;
    }
    let mut of_round: BTreeMap<Uuid, Vec<(i64, i64)>> = BTreeMap::new();
    for row in &rows {
        let whole = of_year.get(&(row.year, row.service_id)).copied().unwrap_or_default();
        of_round.entry(row.round_id).or_default().push((row.count, whole));
    }
    for round in rounds {
        round.answers = progress(of_round.remove(&round.id).unwrap_or_default());
    }
    Ok(())
}

/// A round that is open to everybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenRound {
    pub id: Uuid,
    pub title: String,
    pub closes_on: NaiveDate,
}

/// Rounds with an open address that run today, those that end first before the others.
pub async fn open_rounds(conn: &mut PgConnection, today: NaiveDate) -> sqlx::Result<Vec<OpenRound>> {
    sqlx::query_as!(
        OpenRound,
        "select id, title, closes_on from evaluation_round where open_link and closes_on >= $1 and opens_on <= $1
         order by closes_on, id limit $2",
        today,
        MOST
    )
    .fetch_all(conn)
    .await
}

/// How many codes were made of a round, and how many of them were used, as far as it may be told.
pub async fn codes(conn: &mut PgConnection, round: Uuid) -> sqlx::Result<(i64, Option<i64>)> {
    let rows = sqlx::query!(
        r#"select sum(b.codes)::int8 as "made!",
               (select count(*) from evaluation_code c where c.round_id = $1 and c.service_id = b.service_id) as "left!"
           from evaluation_code_batch b where b.round_id = $1 group by b.service_id"#,
        round
    )
    .fetch_all(conn)
    .await?;
    let made: i64 = rows.iter().map(|row| row.made).sum();
    // Who used a code answered about its service: a service with few used codes is left out as one with few answers is.
    Ok((made, progress(rows.iter().map(|row| (row.made - row.left, row.made - row.left)))))
}

/// Keeps the hashes of codes, and how many there were.
pub async fn insert_codes(
    conn: &mut PgConnection,
    (round, service): (Uuid, Uuid),
    hashes: &[Vec<u8>],
    (now, by): (Instant, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into evaluation_code (hash, round_id, service_id) select h, $1, $2 from unnest($3::bytea[]) h",
        round,
        service,
        hashes
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into evaluation_code_batch (round_id, service_id, codes, at, by) values ($1, $2, $3, $4, $5)",
        round,
        service,
        i32::try_from(hashes.len()).unwrap_or(i32::MAX),
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}
