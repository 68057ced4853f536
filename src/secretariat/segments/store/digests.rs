//! What letters have in them, and how those of a day fare.

use chrono::{NaiveDate, TimeDelta};
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::clock::Instant;
use crate::secretariat::kernel::publication::PublicView;
use crate::secretariat::segments::Outcome;
use crate::secretariat::segments::letter::New;

/// Days of a page.
pub const PAGE: i64 = 30;
/// Letters of a page.
pub const LETTERS: i64 = 100;
/// Days with letters that a search looks through, and publications that its words may find.
const LOOKED: i64 = 400;
/// Publications of one look.
const MOST_NEW: i64 = 2000;
/// Whoever was not looked at for longer gets what is left of this.
const AT_MOST_BACK: TimeDelta = TimeDelta::days(7);

/// What came out of late and has tags, the last word of each case, the oldest first.
///
/// # Errors
/// The database's.
pub async fn new(conn: &mut PgConnection, now: Instant) -> sqlx::Result<Vec<New>> {
    let rows = sqlx::query!(
        r#"select p.id, p.case_id, p.module, p.snapshot as "snapshot: Json<PublicView>", publication_tags(p.snapshot) as "tags!",
               greatest(p.published_at, coalesce(p.embargo_until, p.published_at)) as "out_at!"
           from case_publication p
           where p.withdrawn_at is null and p.imported_at is null and publication_tags(p.snapshot) <> '{}'
             and greatest(p.published_at, coalesce(p.embargo_until, p.published_at)) between $2 and $1
             and not exists (select from case_publication n where n.case_id = p.case_id and p.seq < n.seq
                 and n.withdrawn_at is null and (n.embargo_until is null or n.embargo_until <= $1))
           order by 6, p.id limit $3"#,
        now,
        now - AT_MOST_BACK,
        MOST_NEW
    )
    .fetch_all(conn)
    .await?;
    let all = rows.into_iter().map(|row| New {
        id: row.id,
        case_id: row.case_id,
        module: row.module,
        title: format!("{} {}", row.snapshot.0.number, row.snapshot.0.title).trim().to_owned(),
        tags: row.tags,
        out_at: row.out_at,
    });
    Ok(all.collect())
}

/// Writes down that a letter was handed to the dispatchers, and what it has in it.
///
/// # Errors
/// The database's.
pub async fn keep(
    conn: &mut PgConnection,
    (subscription, notice): (Uuid, Uuid),
    publications: &[Uuid],
    now: Instant,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into segment_delivery (subscription_id, publication_id, at, notice_id)
         select $1, id, $3, $4 from unnest($2::uuid[]) id on conflict do nothing",
        subscription,
        publications,
        now,
        notice
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into segment_digest (notice_id, subscription_id, at, publications) values ($1, $2, $3, $4)",
        notice,
        subscription,
        now,
        i32::try_from(publications.len()).unwrap_or(i32::MAX)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The letters of one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = SegmentDigest)]
pub struct Digest {
    #[schema(value_type = String)]
    pub day: NaiveDate,
    pub letters: i64,
    pub publications: i64,
    pub sent: i64,
    pub waiting: i64,
    pub failed: i64,
    /// They may have left: nobody answered.
    pub unknown: i64,
    /// What is known of a letter goes after its days.
    pub forgotten: i64,
}

/// Which days.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Days before it.
    pub before: Option<NaiveDate>,
    /// Words of what was published; empty: everything.
    pub words: String,
    /// Days with letters that fare so.
    pub outcome: Option<Outcome>,
    /// One day alone.
    pub day: Option<NaiveDate>,
}

/// Days with letters, the newest first. Words and outcomes are looked for in the newest [`LOOKED`] of them.
///
/// # Errors
/// The database's.
pub async fn days(
    conn: &mut PgConnection,
    tz: chrono_tz::Tz,
    (wanted, most): (&Wanted, i64),
) -> sqlx::Result<Vec<Digest>> {
    let is_filtered = !wanted.words.is_empty() || wanted.outcome.is_some();
    let looked = if is_filtered { LOOKED } else { most };
    let before = wanted.day.and_then(|day| day.succ_opt()).or(wanted.before);
    sqlx::query_as!(
        Digest,
        r#"with recursive step as (
               (select (d.at at time zone $1)::date as day from segment_digest d
                where $2::date is null or d.at < $2::date::timestamp at time zone $1 order by d.at desc limit 1)
               union all
               select (select (d.at at time zone $1)::date from segment_digest d
                       where d.at < s.day::timestamp at time zone $1 order by d.at desc limit 1)
               from step s where s.day is not null),
           days as materialized (select day from step where day is not null limit $3),
           hit as materialized (
               select p.id from case_publication p
               where $4 <> '' and publication_tags(p.snapshot) <> '{}'
                 and has_words(p.snapshot ->> 'number' || ' ' || (p.snapshot ->> 'title'), $4)
               order by p.published_at desc limit $3)
           select y.day as "day!", l.letters as "letters!", u.publications as "publications!", l.sent as "sent!",
               l.waiting as "waiting!", l.failed as "failed!", l.unknown as "unknown!", l.forgotten as "forgotten!"
           from days y
           cross join lateral (
               select count(*) as letters, count(*) filter (where o.outcome = 'sent') as sent,
                   count(*) filter (where o.outcome = 'waiting') as waiting, count(*) filter (where o.outcome = 'failed') as failed,
                   count(*) filter (where o.outcome = 'unknown') as unknown, count(*) filter (where o.outcome = 'forgotten') as forgotten,
                   coalesce(bool_or(o.outcome = $5), false) as has
               from (select segment_outcome(n.state) as outcome from segment_digest d left join notice n on n.id = d.notice_id
                     where d.at >= y.day::timestamp at time zone $1 and d.at < (y.day + 1)::timestamp at time zone $1) o) l
           cross join lateral (
               select count(distinct v.publication_id) as publications from segment_delivery v
               where v.at >= y.day::timestamp at time zone $1 and v.at < (y.day + 1)::timestamp at time zone $1) u
           where ($5::text is null or l.has) and ($7::date is null or y.day = $7)
             and ($4 = '' or exists (select from hit h join segment_delivery v on v.publication_id = h.id
                  where v.at >= y.day::timestamp at time zone $1 and v.at < (y.day + 1)::timestamp at time zone $1))
           order by y.day desc limit $6"#,
        tz.name(),
        before,
        looked,
        wanted.words,
        wanted.outcome.map(Outcome::as_str),
        most,
        wanted.day
    )
    .fetch_all(conn)
    .await
}

/// A publication of the letters of a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = SegmentPublication)]
pub struct Told {
    pub case_id: Uuid,
    pub module: String,
    pub number: String,
    pub title: String,
    pub tags: Vec<String>,
    /// None: fewer than five.
    pub people: Option<i64>,
}

/// What the letters of a day had in them.
///
/// # Errors
/// The database's.
pub async fn publications(conn: &mut PgConnection, tz: chrono_tz::Tz, day: NaiveDate) -> sqlx::Result<Vec<Told>> {
    sqlx::query_as!(
        Told,
        r#"select p.case_id, p.module, p.snapshot ->> 'number' as "number!", p.snapshot ->> 'title' as "title!",
               publication_tags(p.snapshot) as "tags!", case when v.people >= 5 then v.people end as people
           from (select publication_id, count(*) as people from segment_delivery
                 where at >= $1::date::timestamp at time zone $2 and at < ($1::date + 1)::timestamp at time zone $2
                 group by publication_id) v
           join case_publication p on p.id = v.publication_id order by p.published_at desc, p.id limit 500"#,
        day,
        tz.name()
    )
    .fetch_all(conn)
    .await
}

/// One letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = SegmentLetter)]
pub struct Letter {
    pub id: Uuid,
    pub subscription_id: Uuid,
    /// As much of it as tells one from another; none: they left and were forgotten.
    pub address: Option<String>,
    #[schema(value_type = String)]
    pub at: Instant,
    pub publications: i32,
    pub outcome: String,
    /// Of the other side, or of the dispatchers.
    pub reason: String,
}

/// Letters of a day, with the addresses whole: whoever asks masks them. `after`: the last one of the page before.
///
/// # Errors
/// The database's.
pub async fn letters(
    conn: &mut PgConnection,
    tz: chrono_tz::Tz,
    day: NaiveDate,
    (outcome, after): (Option<Outcome>, Option<Uuid>),
) -> sqlx::Result<Vec<Letter>> {
    sqlx::query_as!(
        Letter,
        r#"select d.notice_id as id, d.subscription_id, s.email as address, d.at, d.publications,
               segment_outcome(n.state) as "outcome!", coalesce(n.reason, '') as "reason!"
           from segment_digest d join segment_subscription s on s.id = d.subscription_id left join notice n on n.id = d.notice_id
           where d.at >= $1::date::timestamp at time zone $2 and d.at < ($1::date + 1)::timestamp at time zone $2
             and ($3::text is null or segment_outcome(n.state) = $3) and ($4::uuid is null or d.notice_id > $4)
           order by d.notice_id limit $5"#,
        day,
        tz.name(),
        outcome.map(Outcome::as_str),
        after,
        LETTERS
    )
    .fetch_all(conn)
    .await
}
