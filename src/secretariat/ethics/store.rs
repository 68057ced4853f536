//! Votes and decisions of the council, and figures of the year, in PostgreSQL.

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use super::votes::Vote;
use super::{PROCEDURE, PUT, Proposal};
use crate::clock::Instant;
use crate::secretariat::kernel::body::Choice;
use crate::secretariat::kernel::body::rules::{Outcome, Tally};

fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

/// Ethics councils in force on a day, at most two: more than one is one too many.
pub async fn councils(conn: &mut PgConnection, day: NaiveDate) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "select id from body where kind = 'ethics' and term_from <= $1 and (term_until is null or term_until >= $1)
         and (ended_on is null or ended_on >= $1) order by slug limit 2",
        day
    )
    .fetch_all(conn)
    .await
}

/// The act that put the last proposal to the vote: its number, and the state it was put from.
pub async fn round(conn: &mut PgConnection, case: Uuid) -> sqlx::Result<Option<(i32, String)>> {
    let put: Vec<String> = PUT.iter().map(|act| (*act).to_owned()).collect();
    let row = sqlx::query!(
        "select seq, from_state from case_act where case_id = $1 and act = any($2) order by seq desc limit 1",
        case,
        &put[..]
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.seq, row.from_state)))
}

/// Votes of a round, in the order in which they were given.
pub async fn votes(conn: &mut PgConnection, case: Uuid, round: i32) -> sqlx::Result<Vec<Vote>> {
    let rows = sqlx::query!(
        "select v.seat_id, v.person_id, p.name, v.choice from ethics_vote v join body_person p on p.id = v.person_id
         where v.case_id = $1 and v.round = $2 order by v.id",
        case,
        round
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let choice = row.choice.parse().map_err(decode)?;
            Ok(Vote { seat_id: row.seat_id, person_id: row.person_id, person: row.name, choice })
        })
        .collect()
}

pub async fn insert_vote(
    conn: &mut PgConnection,
    (case, round): (Uuid, i32),
    (seat, person, choice): (Uuid, Uuid, Choice),
    (now, by): (Instant, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into ethics_vote (case_id, round, seat_id, person_id, choice, at, by) values ($1, $2, $3, $4, $5, $6, $7)",
        case,
        round,
        seat,
        person,
        choice.as_str(),
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

fn int(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

pub async fn insert_decision(
    conn: &mut PgConnection,
    (case, round, body): (Uuid, i32, Uuid),
    (proposal, tally, outcome): (Proposal, Tally, &Outcome),
    (now, by): (Instant, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into ethics_decision (case_id, round, body_id, proposal, votes_for, votes_against, votes_abstain, present, seats, quorum,
             needed, approved, reason, at, by)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        case,
        round,
        body,
        proposal.as_str(),
        int(tally.votes_for),
        int(tally.votes_against),
        int(tally.votes_abstain),
        int(outcome.quorum.present),
        int(outcome.quorum.seats),
        int(outcome.quorum.needed),
        int(outcome.needed),
        outcome.approved,
        outcome.reason,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What the council decided in a round.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[schema(as = EthicsDecision)]
pub struct Decision {
    pub round: i32,
    /// censure, agreement, filed
    pub proposal: String,
    pub votes_for: i32,
    pub votes_against: i32,
    pub votes_abstain: i32,
    pub seats: i32,
    pub quorum: i32,
    pub needed: i32,
    pub approved: bool,
    pub reason: String,
    #[schema(value_type = String)]
    pub at: Instant,
}

/// Of a case, the first first.
pub async fn decisions(conn: &mut PgConnection, case: Uuid) -> sqlx::Result<Vec<Decision>> {
    sqlx::query_as!(
        Decision,
        "select round, proposal, votes_for, votes_against, votes_abstain, seats, quorum, needed, approved, reason, at
         from ethics_decision where case_id = $1 order by round",
        case
    )
    .fetch_all(conn)
    .await
}

/// Years that are over in which the module had cases, the latest first.
pub async fn years(conn: &mut PgConnection, this: i32) -> sqlx::Result<Vec<i32>> {
    sqlx::query_scalar!(
        r#"select distinct coalesce(year, extract(year from opened_at)::int) as "year!" from case_file
           where module = 'ethics' and coalesce(year, extract(year from opened_at)::int) < $1 order by 1 desc limit 30"#,
        this
    )
    .fetch_all(conn)
    .await
}

/// How many cases of each type a year had.
pub async fn by_type(conn: &mut PgConnection, year: i32) -> sqlx::Result<Vec<(String, i64)>> {
    let rows = sqlx::query!(
        r#"select type_key, count(*) as "count!" from case_file
           where module = 'ethics' and annulled_at is null and coalesce(year, extract(year from opened_at)::int) = $1
           group by type_key order by type_key"#,
        year
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.type_key, row.count)).collect())
}

/// How many procedures came of a report that the ombudsman passed on.
pub async fn from_ombudsman(conn: &mut PgConnection, year: i32) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(distinct c.id) as "count!" from case_file c join case_link l on l.to_case = c.id and l.kind = 'spawned'
           where c.type_key = $1 and c.annulled_at is null and coalesce(c.year, extract(year from c.opened_at)::int) = $2"#,
        PROCEDURE,
        year
    )
    .fetch_one(conn)
    .await
}

/// People who took part in training that was held.
pub async fn attendance(conn: &mut PgConnection, year: i32) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select coalesce(sum((fields ->> 'attendance')::bigint), 0)::bigint as "count!" from case_file
           where type_key = 'ethics.training' and state = 'held' and annulled_at is null
             and coalesce(year, extract(year from opened_at)::int) = $1"#,
        year
    )
    .fetch_one(conn)
    .await
}
