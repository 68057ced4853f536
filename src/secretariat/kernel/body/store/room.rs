//! What happens in a meeting: calls, attendance, items, recusals, votes, decisions, resolutions, documents.

use sqlx::PgConnection;
use uuid::Uuid;

use super::decode;
use crate::clock::Instant;
use crate::secretariat::kernel::body::rules::{Outcome, Quorum, Tally};
use crate::secretariat::kernel::body::{
    Call, Capacity, Choice, Decision, Document, How, Item, Presence, Recused, Resolution, Vote,
};

pub async fn calls(conn: &mut PgConnection, meeting: Uuid) -> sqlx::Result<Vec<Call>> {
    sqlx::query_as!(
        Call,
        "select call, present, needed, seats, reached, at from body_call where meeting_id = $1 order by call",
        meeting
    )
    .fetch_all(conn)
    .await
}

fn small(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

pub async fn add_call(
    conn: &mut PgConnection,
    (meeting, call): (Uuid, i16),
    quorum: Quorum,
    (now, by): (Instant, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into body_call (meeting_id, call, present, needed, seats, reached, at, by) values ($1, $2, $3, $4, $5, $6, $7, $8)",
        meeting,
        call,
        small(quorum.present),
        small(quorum.needed),
        small(quorum.seats),
        quorum.is_reached(),
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Who is there now.
pub async fn present(conn: &mut PgConnection, meeting: Uuid) -> sqlx::Result<Vec<Presence>> {
    let rows = sqlx::query!(
        r#"select l.seat_id as "seat_id!", l.person_id as "person_id!", l.capacity as "capacity!", p.name
           from (select distinct on (seat_id) seat_id, person_id, capacity, present from body_attendance
               where meeting_id = $1 order by seat_id, id desc) l
           join body_person p on p.id = l.person_id join body_seat s on s.id = l.seat_id
           where l.present order by s.position, s.id"#,
        meeting
    )
    .fetch_all(conn)
    .await?;
    let all = rows.into_iter().map(|row| {
        let capacity = row.capacity.parse().map_err(decode)?;
        Ok(Presence { seat_id: row.seat_id, person_id: row.person_id, person: row.name, capacity })
    });
    all.collect()
}

pub async fn mark(
    conn: &mut PgConnection,
    meeting: Uuid,
    (seat, person, capacity): (Uuid, Uuid, Capacity),
    is_present: bool,
    (now, by): (Instant, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into body_attendance (meeting_id, seat_id, person_id, capacity, present, at, by) values ($1, $2, $3, $4, $5, $6, $7)",
        meeting,
        seat,
        person,
        capacity.as_str(),
        is_present,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Every item of a meeting by its place, with what came of it.
pub async fn items(conn: &mut PgConnection, meeting: Uuid) -> sqlx::Result<Vec<Item>> {
    let rows = sqlx::query!(
        "select id, meeting_id, position, title, text, restricted, notes from body_item where meeting_id = $1 order by position",
        meeting
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut items: Vec<Item> = rows
        .into_iter()
        .map(|row| Item {
            id: row.id,
            meeting_id: row.meeting_id,
            position: row.position,
            title: row.title,
            text: row.text,
            restricted: row.restricted,
            notes: row.notes,
            recused: Vec::new(),
            votes: Vec::new(),
            decision: None,
            documents: Vec::new(),
        })
        .collect();
    fill(conn, meeting, &mut items).await?;
    Ok(items)
}

async fn fill(conn: &mut PgConnection, meeting: Uuid, items: &mut [Item]) -> sqlx::Result<()> {
    let recusals = sqlx::query!(
        "select r.item_id, r.person_id, p.name, r.reason from body_recusal r join body_item i on i.id = r.item_id
         join body_person p on p.id = r.person_id where i.meeting_id = $1 order by r.id",
        meeting
    )
    .fetch_all(&mut *conn)
    .await?;
    let votes = sqlx::query!(
        r#"select v.item_id as "item_id!", v.seat_id as "seat_id!", v.person_id as "person_id!", v.choice as "choice!", p.name
           from (select distinct on (v.item_id, v.seat_id) v.item_id, v.seat_id, v.person_id, v.choice from body_vote v
               join body_item i on i.id = v.item_id where i.meeting_id = $1 order by v.item_id, v.seat_id, v.id desc) v
           join body_person p on p.id = v.person_id join body_seat s on s.id = v.seat_id order by s.position, s.id"#,
        meeting
    )
    .fetch_all(&mut *conn)
    .await?;
    let decisions = sqlx::query!(
        "select d.item_id, d.how, d.votes_for, d.votes_against, d.votes_abstain, d.present, d.seats, d.quorum, d.needed, d.approved, d.reason
         from body_decision d join body_item i on i.id = d.item_id where i.meeting_id = $1",
        meeting
    )
    .fetch_all(&mut *conn)
    .await?;
    let documents = sqlx::query!(
        r#"select d.item_id, d.id, d.name, d.sha256, octet_length(d.bytes) as "bytes!" from body_document d
           join body_item i on i.id = d.item_id where i.meeting_id = $1 order by d.at, d.id"#,
        meeting
    )
    .fetch_all(conn)
    .await?;
    for item in items {
        for row in recusals.iter().filter(|row| row.item_id == item.id) {
            let (person, reason) = (row.name.clone(), row.reason.clone());
            item.recused.push(Recused { person_id: row.person_id, person, reason });
        }
        for row in votes.iter().filter(|row| row.item_id == item.id) {
            let choice = row.choice.parse().map_err(decode)?;
            let (seat_id, person_id, person) = (row.seat_id, row.person_id, row.name.clone());
            item.votes.push(Vote { seat_id, person_id, person, choice });
        }
        if let Some(row) = decisions.iter().find(|row| row.item_id == item.id) {
            item.decision = Some(Decision {
                how: row.how.parse().map_err(decode)?,
                votes_for: row.votes_for,
                votes_against: row.votes_against,
                votes_abstain: row.votes_abstain,
                present: row.present,
                seats: row.seats,
                quorum: row.quorum,
                needed: row.needed,
                approved: row.approved,
                reason: row.reason.clone(),
            });
        }
        for row in documents.iter().filter(|row| row.item_id == item.id) {
            let (name, sha256) = (row.name.clone(), row.sha256.clone());
            item.documents.push(Document { id: row.id, name, sha256, bytes: row.bytes });
        }
    }
    Ok(())
}

pub async fn insert_item(
    conn: &mut PgConnection,
    (id, meeting): (Uuid, Uuid),
    (position, title, text): (i32, &str, &str),
    restricted: bool,
    now: Instant,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into body_item (id, meeting_id, position, title, text, restricted, created_at) values ($1, $2, $3, $4, $5, $6, $7)",
        id,
        meeting,
        position,
        title,
        text,
        restricted,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn write_notes(conn: &mut PgConnection, item: Uuid, notes: &str) -> sqlx::Result<()> {
    sqlx::query!("update body_item set notes = $2 where id = $1", item, notes).execute(conn).await?;
    Ok(())
}

pub async fn recuse(
    conn: &mut PgConnection,
    (item, person): (Uuid, Uuid),
    reason: &str,
    (now, by): (Instant, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into body_recusal (item_id, person_id, reason, at, by) values ($1, $2, $3, $4, $5)",
        item,
        person,
        reason,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn vote(
    conn: &mut PgConnection,
    item: Uuid,
    (seat, person, choice): (Uuid, Uuid, Choice),
    (now, by): (Instant, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into body_vote (item_id, seat_id, person_id, choice, at, by) values ($1, $2, $3, $4, $5, $6)",
        item,
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

pub async fn decide(
    conn: &mut PgConnection,
    item: Uuid,
    (how, tally, casting): (How, Tally, Option<bool>),
    outcome: &Outcome,
    (now, by): (Instant, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into body_decision (item_id, how, votes_for, votes_against, votes_abstain, casting, present, seats, quorum, needed, approved,
             reason, at, by)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        item,
        how.as_str(),
        small(tally.votes_for),
        small(tally.votes_against),
        small(tally.votes_abstain),
        casting.map(|is_for| if is_for { "for" } else { "against" }),
        small(outcome.quorum.present),
        small(outcome.quorum.seats),
        small(outcome.quorum.needed),
        small(outcome.needed),
        outcome.approved,
        outcome.reason,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A resolution to write down.
#[derive(Clone, Copy, Debug)]
pub struct NewResolution<'a> {
    pub id: Uuid,
    pub body: Uuid,
    pub year: i32,
    pub number: i32,
    pub item: Uuid,
    pub text: &'a str,
    pub restricted: bool,
    pub determination: &'a str,
    pub determination_to: &'a str,
}

pub async fn resolve(conn: &mut PgConnection, new: NewResolution<'_>, (now, by): (Instant, &str)) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into body_resolution (id, body_id, year, number, item_id, text, restricted, determination, determination_to, at, by)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        new.id,
        new.body,
        new.year,
        new.number,
        new.item,
        new.text,
        new.restricted,
        new.determination,
        new.determination_to,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Of a body, of one year or of all, the latest first, at most 200.
pub async fn resolutions(conn: &mut PgConnection, body: Uuid, year: Option<i32>) -> sqlx::Result<Vec<Resolution>> {
    sqlx::query_as!(
        Resolution,
        r#"select r.id, r.year, r.number, r.item_id, m.year || '-' || m.number as "meeting!", r.text, r.restricted, r.determination,
               r.determination_to, r.spawned_case, r.at
           from body_resolution r join body_item i on i.id = r.item_id join body_meeting m on m.id = i.meeting_id
           where r.body_id = $1 and ($2::integer is null or r.year = $2) order by r.year desc, r.number desc limit 200"#,
        body,
        year
    )
    .fetch_all(conn)
    .await
}

pub async fn of_meeting(conn: &mut PgConnection, meeting: Uuid) -> sqlx::Result<Vec<Resolution>> {
    sqlx::query_as!(
        Resolution,
        r#"select r.id, r.year, r.number, r.item_id, m.year || '-' || m.number as "meeting!", r.text, r.restricted, r.determination,
               r.determination_to, r.spawned_case, r.at
           from body_resolution r join body_item i on i.id = r.item_id join body_meeting m on m.id = i.meeting_id
           where i.meeting_id = $1 order by r.year, r.number"#,
        meeting
    )
    .fetch_all(conn)
    .await
}

pub async fn insert_document(
    conn: &mut PgConnection,
    (id, item): (Uuid, Uuid),
    (name, sha256, bytes): (&str, &str, &[u8]),
    (now, by): (Instant, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into body_document (id, item_id, name, sha256, bytes, at, by) values ($1, $2, $3, $4, $5, $6, $7)",
        id,
        item,
        name,
        sha256,
        bytes,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Name and bytes.
pub async fn document(conn: &mut PgConnection, item: Uuid, id: Uuid) -> sqlx::Result<Option<(String, Vec<u8>)>> {
    let row = sqlx::query!("select name, bytes from body_document where item_id = $1 and id = $2", item, id)
        .fetch_optional(conn)
        .await?;
    Ok(row.map(|row| (row.name, row.bytes)))
}
