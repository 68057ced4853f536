//! Services, questionnaires, rounds, answers and reports in PostgreSQL.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::report::{Improvement, Tally};
use super::{Comment, CommentState, Counted, Kept, NewRound, Published, Round, Service, ServiceGiven};
use crate::clock::Instant;
use crate::secretariat::kernel::ledger::hex;

/// Rows of a list.
pub const MOST: i64 = 500;

fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

/// Nobody else opens a round or publishes a report of this year until the transaction ends.
pub async fn hold_year(conn: &mut PgConnection, year: i32) -> sqlx::Result<()> {
    let door = format!("evaluation {year}");
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended($1, 0))", door).fetch_one(conn).await?;
    Ok(())
}

struct ServiceRow {
    id: Uuid,
    code: String,
    name: String,
    sphere: String,
    unit: String,
    department: String,
    ended_on: Option<NaiveDate>,
    revision: i32,
}

impl TryFrom<ServiceRow> for Service {
    type Error = sqlx::Error;

    fn try_from(row: ServiceRow) -> sqlx::Result<Self> {
        let what = ServiceGiven {
            sphere: row.sphere.parse().map_err(decode)?,
            code: row.code,
            name: row.name,
            unit: row.unit,
            department: row.department,
            ended_on: row.ended_on,
        };
        Ok(Self { id: row.id, what, revision: row.revision })
    }
}

/// Services by code, those behind `after`.
pub async fn services(conn: &mut PgConnection, after: &str, most: i64) -> sqlx::Result<Vec<Service>> {
    let rows = sqlx::query_as!(
        ServiceRow,
        "select id, code, name, sphere, unit, department, ended_on, revision from evaluation_service where code > $1
         order by code limit $2",
        after,
        most
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Service::try_from).collect()
}

/// The service of a code, held until the transaction ends.
pub async fn service(conn: &mut PgConnection, code: &str) -> sqlx::Result<Option<Service>> {
    let row = sqlx::query_as!(
        ServiceRow,
        "select id, code, name, sphere, unit, department, ended_on, revision from evaluation_service where code = $1 for update",
        code
    )
    .fetch_optional(conn)
    .await?;
    row.map(Service::try_from).transpose()
}

/// Writes a service down, or changes what is known of it.
pub async fn save_service(conn: &mut PgConnection, id: Uuid, new: &ServiceGiven, now: Instant) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into evaluation_service (id, code, name, sphere, unit, department, ended_on, changed_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (id) do update set name = excluded.name, sphere = excluded.sphere, unit = excluded.unit,
             department = excluded.department, ended_on = excluded.ended_on, changed_at = excluded.changed_at,
             revision = evaluation_service.revision + 1",
        id,
        new.code,
        new.name.trim(),
        new.sphere.as_str(),
        new.unit.trim(),
        new.department.trim(),
        new.ended_on,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// All versions by key and number, or those of one key.
pub async fn forms(conn: &mut PgConnection, key: Option<&str>) -> sqlx::Result<Vec<Kept>> {
    sqlx::query_as!(
        Kept,
        r#"select key, version, text, saved_by, (used_at is not null) as "is_used!" from evaluation_form
           where $1::text is null or key = $1 order by key, version limit $2"#,
        key,
        MOST
    )
    .fetch_all(conn)
    .await
}

pub async fn form(conn: &mut PgConnection, key: &str, version: i32) -> sqlx::Result<Option<Kept>> {
    sqlx::query_as!(
        Kept,
        r#"select key, version, text, saved_by, (used_at is not null) as "is_used!" from evaluation_form
           where key = $1 and version = $2"#,
        key,
        version
    )
    .fetch_optional(conn)
    .await
}

/// Keeps a version; one that nobody used yet is written anew.
pub async fn save_form(
    conn: &mut PgConnection,
    (key, version, text): (&str, i32, &str),
    (now, by): (Instant, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into evaluation_form (key, version, text, saved_at, saved_by) values ($1, $2, $3, $4, $5)
         on conflict (key, version) do update set text = excluded.text, saved_at = excluded.saved_at, saved_by = excluded.saved_by",
        key,
        version,
        text,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// From now on it is never changed.
pub async fn use_form(conn: &mut PgConnection, key: &str, version: i32, now: Instant) -> sqlx::Result<()> {
    sqlx::query!(
        "update evaluation_form set used_at = $3 where key = $1 and version = $2 and used_at is null",
        key,
        version,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

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

/// Rounds, the latest first: of a year, one, or all.
pub async fn rounds(conn: &mut PgConnection, year: Option<i32>, id: Option<Uuid>) -> sqlx::Result<Vec<Round>> {
    let rows = sqlx::query!(
        r#"select r.id, r.year, r.title, r.form_key, r.form_version, r.opens_on, r.closes_on, r.open_link,
               array(select s.code from evaluation_round_service t join evaluation_service s on s.id = t.service_id
                   where t.round_id = r.id order by s.code) as "services!",
               (select count(*) from evaluation_response a where a.round_id = r.id) as "answers!"
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
        answers: super::suppress::alone(row.answers),
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

/// How many codes were made of a round, and how many of them nobody used yet.
pub async fn codes(conn: &mut PgConnection, round: Uuid) -> sqlx::Result<(i64, i64)> {
    let row = sqlx::query!(
        r#"select (select coalesce(sum(codes), 0)::int8 from evaluation_code_batch where round_id = $1) as "made!",
               (select count(*) from evaluation_code where round_id = $1) as "left!""#,
        round
    )
    .fetch_one(conn)
    .await?;
    Ok((row.made, row.left))
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

/// Keeps a text under a random id that is not the answer's.
pub async fn insert_comment(
    conn: &mut PgConnection,
    id: Uuid,
    (round, service): (Uuid, Uuid),
    (question, text): (&str, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into evaluation_comment (id, round_id, service_id, question, text, state) values ($1, $2, $3, $4, $5, 'waiting')",
        id,
        round,
        service,
        question,
        text
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

/// Texts in a state, at most 200.
pub async fn comments(
    conn: &mut PgConnection,
    state: CommentState,
    service: Option<&str>,
) -> sqlx::Result<Vec<Comment>> {
    let rows = sqlx::query!(
        r#"select c.id, s.code, s.name, c.question, c.text, c.state, c.reason, coalesce(c.checked_by, '') as "checked_by!"
           from evaluation_comment c join evaluation_service s on s.id = c.service_id
           where c.state = $1 and ($2::text is null or s.code = $2) order by s.code, c.id limit 200"#,
        state.as_str(),
        service
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Comment {
                id: row.id,
                service: row.code,
                service_name: row.name,
                question: row.question,
                text: row.text,
                state: row.state.parse().map_err(decode)?,
                reason: row.reason,
                checked_by: row.checked_by,
            })
        })
        .collect()
}

/// A text that waits for its check, held until the transaction ends.
pub async fn waiting(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<(String, CommentState)>> {
    let row = sqlx::query!("select text, state from evaluation_comment where id = $1 for update", id)
        .fetch_optional(conn)
        .await?;
    row.map(|row| Ok((row.text, row.state.parse::<CommentState>().map_err(decode)?))).transpose()
}

pub async fn check_comment(
    conn: &mut PgConnection,
    id: Uuid,
    (state, text, reason): (CommentState, &str, &str),
    (now, by): (Instant, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "update evaluation_comment set state = $2, text = $3, reason = $4, checked_at = $5, checked_by = $6 where id = $1",
        id,
        state.as_str(),
        text,
        reason,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn insert_count(
    conn: &mut PgConnection,
    service: Uuid,
    new: &Counted,
    (now, by): (Instant, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into evaluation_manifestation (service_id, year, manifestations, source, at, by) values ($1, $2, $3, $4, $5, $6)",
        service,
        new.year,
        new.manifestations,
        new.source.trim(),
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Manifestations by service: what was told of last, else the ombudsman's cases of its unit where they know it.
pub async fn manifestations(conn: &mut PgConnection, year: i32) -> sqlx::Result<BTreeMap<Uuid, (String, i64)>> {
    let rows = sqlx::query!(
        r#"select s.id, last.source as "source?", last.manifestations::int8 as "told?",
               (select count(*) from case_file c where c.type_key = 'ombudsman.manifestation' and c.year = $1
                   and c.annulled_at is null and lower(c.department) = lower(s.department)) as "cases!",
               (s.department <> '') as "is_known!"
           from evaluation_service s left join lateral (select m.source, m.manifestations from evaluation_manifestation m
               where m.service_id = s.id and m.year = $1 order by m.id desc limit 1) last on true"#,
        year
    )
    .fetch_all(conn)
    .await?;
    let counted = rows.into_iter().filter_map(|row| match (row.source, row.told) {
        (Some(source), Some(told)) => Some((row.id, (source, told))),
        _ => row.is_known.then_some((row.id, ("ombudsman".to_owned(), row.cases))),
    });
    Ok(counted.collect())
}

/// What providers did after a follow-up of a year, by code of the service: what is published of it, and nothing else.
pub async fn improvements(conn: &mut PgConnection, year: i32) -> sqlx::Result<BTreeMap<String, Vec<Improvement>>> {
    let rows = sqlx::query!(
        r#"select p.snapshot -> 'fields' ->> 'service' as "service!", coalesce(p.snapshot ->> 'number', '') as "number!",
               p.snapshot -> 'fields' ->> 'measures' as "measures!"
           from case_publication p join case_file c on c.id = p.case_id
           where c.type_key = 'service_evaluation.follow_up' and c.annulled_at is null and p.withdrawn_at is null
             and p.snapshot -> 'fields' ->> 'year' = $1::int::text and p.snapshot -> 'fields' ->> 'service' is not null
             and coalesce(p.snapshot -> 'fields' ->> 'measures', '') <> ''
             and not exists (select from case_publication n where n.case_id = p.case_id and p.seq < n.seq and n.withdrawn_at is null)
           order by 1, 2 limit $2"#,
        year,
        MOST
    )
    .fetch_all(conn)
    .await?;
    let mut all: BTreeMap<String, Vec<Improvement>> = BTreeMap::new();
    for row in rows {
        let one = Improvement { number: row.number, measures: row.measures };
        all.entry(row.service.trim().to_lowercase()).or_default().push(one);
    }
    Ok(all)
}

/// Reports, the newest first; of a year, or the last of each.
pub async fn reports(conn: &mut PgConnection, year: Option<i32>) -> sqlx::Result<Vec<Published>> {
    let rows = sqlx::query!(
        r#"select r.year, r.seq, r.document, r.reason, r.prev, r.hash, r.at from evaluation_report r
           where case when $1::int is null then not exists (select from evaluation_report n where n.year = r.year and r.seq < n.seq)
               else r.year = $1 end
           order by r.year desc, r.seq desc limit 100"#,
        year
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Published {
                year: row.year,
                seq: row.seq,
                reason: row.reason,
                at: row.at,
                hash: hex(&row.hash),
                prev: row.prev.map(|prev| hex(&prev)),
                report: serde_json::from_value(row.document.clone()).map_err(decode)?,
                document: row.document,
            })
        })
        .collect()
}

/// Place and hash of the last report of a year.
pub async fn last_report(conn: &mut PgConnection, year: i32) -> sqlx::Result<Option<(i32, Vec<u8>)>> {
    let row = sqlx::query!("select seq, hash from evaluation_report where year = $1 order by seq desc limit 1", year)
        .fetch_optional(conn)
        .await?;
    Ok(row.map(|row| (row.seq, row.hash)))
}

/// A report that is to be kept for ever.
#[derive(Clone, Copy, Debug)]
pub struct NewReport<'a> {
    pub id: Uuid,
    pub year: i32,
    pub seq: i32,
    pub document: &'a Value,
    pub reason: &'a str,
    pub prev: Option<&'a [u8]>,
    pub hash: &'a [u8],
}

pub async fn insert_report(
    conn: &mut PgConnection,
    new: &NewReport<'_>,
    (now, by): (Instant, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into evaluation_report (id, year, seq, document, reason, prev, hash, at, by) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        new.id,
        new.year,
        new.seq,
        new.document,
        new.reason,
        new.prev,
        new.hash,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}
