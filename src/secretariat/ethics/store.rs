//! Votes, decisions and members for one case of the council, and figures of the year, in PostgreSQL. Years are the town's (`counted_year`).

use std::collections::BTreeMap;

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use super::exchange::{DecisionLine, Deliberation, SeatLine, VoteLine};
use super::votes::{AdHoc, Vote};
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

/// Who was designated for seats in a case, the first first.
pub async fn ad_hoc(conn: &mut PgConnection, case: Uuid) -> sqlx::Result<Vec<AdHoc>> {
    sqlx::query_as!(
        AdHoc,
        r#"select a.seat_id, a.person_id, p.name as person, s.username as "account?", a.act, a.reason
           from ethics_ad_hoc a join body_person p on p.id = a.person_id left join staff s on s.id = p.staff_id
           where a.case_id = $1 order by a.id"#,
        case
    )
    .fetch_all(conn)
    .await
}

pub async fn insert_ad_hoc(
    conn: &mut PgConnection,
    case: Uuid,
    (seat, person): (Uuid, Uuid),
    (act, reason): (&str, &str),
    (now, by): (Instant, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into ethics_ad_hoc (case_id, seat_id, person_id, act, reason, at, by) values ($1, $2, $3, $4, $5, $6, $7)",
        case,
        seat,
        person,
        act,
        reason,
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

/// What the council did in some cases, each in the order in which it was done; nothing of a case that it did nothing in.
pub async fn deliberations(conn: &mut PgConnection, cases: &[Uuid]) -> sqlx::Result<BTreeMap<Uuid, Deliberation>> {
    let mut all: BTreeMap<Uuid, Deliberation> = BTreeMap::new();
    let seats = sqlx::query!(
        "select a.case_id, a.seat_id, a.person_id, p.name, a.act, a.reason, a.at, a.by from ethics_ad_hoc a
         join body_person p on p.id = a.person_id where a.case_id = any($1) order by a.case_id, a.id",
        cases
    )
    .fetch_all(&mut *conn)
    .await?;
    for row in seats {
        let (seat_id, person_id, person) = (row.seat_id, row.person_id, row.name);
        let line = SeatLine { seat_id, person_id, person, act: row.act, reason: row.reason, at: row.at, by: row.by };
        all.entry(row.case_id).or_default().ad_hoc.push(line);
    }
    let votes = sqlx::query!(
        "select case_id, round, seat_id, person_id, choice, at, by from ethics_vote where case_id = any($1) order by case_id, id",
        cases
    )
    .fetch_all(&mut *conn)
    .await?;
    for row in votes {
        let choice = row.choice.parse().map_err(decode)?;
        let (round, seat_id, person_id, at, by) = (row.round, row.seat_id, row.person_id, row.at, row.by);
        all.entry(row.case_id).or_default().votes.push(VoteLine { round, seat_id, person_id, choice, at, by });
    }
    let decisions = sqlx::query_as!(
        DecisionRow,
        "select case_id, round, body_id, proposal, votes_for, votes_against, votes_abstain, present, seats, quorum, needed, approved, reason,
             at, by
         from ethics_decision where case_id = any($1) order by case_id, round",
        cases
    )
    .fetch_all(conn)
    .await?;
    for row in decisions {
        let case = row.case_id;
        all.entry(case).or_default().decisions.push(row.line()?);
    }
    Ok(all)
}

struct DecisionRow {
    case_id: Uuid,
    round: i32,
    body_id: Uuid,
    proposal: String,
    votes_for: i32,
    votes_against: i32,
    votes_abstain: i32,
    present: i32,
    seats: i32,
    quorum: i32,
    needed: i32,
    approved: bool,
    reason: String,
    at: Instant,
    by: String,
}

impl DecisionRow {
    fn line(self) -> sqlx::Result<DecisionLine> {
        Ok(DecisionLine {
            round: self.round,
            body_id: self.body_id,
            proposal: self.proposal.parse().map_err(decode)?,
            votes_for: self.votes_for,
            votes_against: self.votes_against,
            votes_abstain: self.votes_abstain,
            present: self.present,
            seats: self.seats,
            quorum: self.quorum,
            needed: self.needed,
            approved: self.approved,
            reason: self.reason,
            at: self.at,
            by: self.by,
        })
    }
}

/// True when every council, seat and member that a deliberation names is here, and each seat is one of an ethics council.
pub async fn knows(conn: &mut PgConnection, of: &Deliberation) -> sqlx::Result<bool> {
    let (seats, persons, councils) = of.named();
    let found = sqlx::query!(
        r#"select (select count(*) from body_seat s join body b on b.id = s.body_id where s.id = any($1) and b.kind = 'ethics') as "seats!",
               (select count(*) from body_person where id = any($2)) as "persons!",
               (select count(*) from body where id = any($3) and kind = 'ethics') as "councils!""#,
        &seats[..],
        &persons[..],
        &councils[..]
    )
    .fetch_one(conn)
    .await?;
    let is_all = |found: i64, named: &[Uuid]| usize::try_from(found).is_ok_and(|found| found == named.len());
    Ok(is_all(found.seats, &seats) && is_all(found.persons, &persons) && is_all(found.councils, &councils))
}

/// Writes down what the council did in a case that comes in from another installation.
pub async fn insert_deliberation(conn: &mut PgConnection, case: Uuid, of: &Deliberation) -> sqlx::Result<()> {
    for one in &of.ad_hoc {
        sqlx::query!(
            "insert into body_person (id, name, created_at) values ($1, $2, $3) on conflict (id) do nothing",
            one.person_id,
            one.person,
            one.at
        )
        .execute(&mut *conn)
        .await?;
        let texts = (one.act.as_str(), one.reason.as_str());
        insert_ad_hoc(&mut *conn, case, (one.seat_id, one.person_id), texts, (one.at, &one.by)).await?;
    }
    for one in &of.votes {
        let what = (one.seat_id, one.person_id, one.choice);
        insert_vote(&mut *conn, (case, one.round), what, (one.at, &one.by)).await?;
    }
    for one in &of.decisions {
        sqlx::query!(
            "insert into ethics_decision (case_id, round, body_id, proposal, votes_for, votes_against, votes_abstain, present, seats, quorum,
                 needed, approved, reason, at, by)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
            case,
            one.round,
            one.body_id,
            one.proposal.as_str(),
            one.votes_for,
            one.votes_against,
            one.votes_abstain,
            one.present,
            one.seats,
            one.quorum,
            one.needed,
            one.approved,
            one.reason,
            one.at,
            one.by
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// Years that are over in which the module had cases, the latest first.
pub async fn years(conn: &mut PgConnection, this: i32) -> sqlx::Result<Vec<i32>> {
    sqlx::query_scalar!(
        r#"select distinct counted_year from case_file
           where module = 'ethics' and counted_year < $1 order by 1 desc limit 30"#,
        this
    )
    .fetch_all(conn)
    .await
}

/// How many cases of each type a year had.
pub async fn by_type(conn: &mut PgConnection, year: i32) -> sqlx::Result<Vec<(String, i64)>> {
    let rows = sqlx::query!(
        r#"select type_key, count(*) as "count!" from case_file
           where module = 'ethics' and annulled_at is null and counted_year = $1
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
           where c.type_key = $1 and c.annulled_at is null and c.counted_year = $2"#,
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
             and counted_year = $1"#,
        year
    )
    .fetch_one(conn)
    .await
}
