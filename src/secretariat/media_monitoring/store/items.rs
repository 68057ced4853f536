//! Items, what rules and people made of them, and how they end.

use chrono::NaiveDate;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::clock::Instant;
use crate::secretariat::media_monitoring::judge::Judgement;
use crate::secretariat::media_monitoring::twins::{Known, Print};
use crate::secretariat::media_monitoring::{Act, State, Tone, plain};

/// An item to keep.
#[derive(Clone, Debug)]
pub struct NewItem<'a> {
    pub id: Uuid,
    pub source_id: Uuid,
    pub guid: &'a str,
    pub link: &'a str,
    pub link_key: Option<Vec<u8>>,
    pub title: &'a str,
    pub excerpt: &'a str,
    pub published_at: Instant,
    pub fetched_at: Instant,
    pub sha256: &'a [u8],
    pub simhash: u64,
    pub first_id: Uuid,
    pub by_rules: State,
    /// As people judged it where it comes from; otherwise as the rules did.
    pub judgement: Judgement,
    pub revision: i32,
    pub clipped_on: Option<NaiveDate>,
}

/// False: the source told it before, or somebody told the same words at the same address.
pub(crate) async fn insert(conn: &mut PgConnection, new: &NewItem<'_>) -> sqlx::Result<bool> {
    let words = plain::plain(&format!("{} {}", new.title, new.excerpt));
    let done = sqlx::query!(
        "insert into media_item (id, source_id, guid, link, link_key, title, excerpt, published_at, fetched_at, sha256, simhash, first_id,
             by_rules, state, tone, theme, spokesperson, note, revision, clipped_on, words)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21) on conflict do nothing",
        new.id,
        new.source_id,
        new.guid,
        new.link,
        new.link_key,
        new.title,
        new.excerpt,
        new.published_at,
        new.fetched_at,
        new.sha256,
        new.simhash.cast_signed(),
        new.first_id,
        new.by_rules.as_str(),
        new.judgement.state.as_str(),
        new.judgement.tone.map(Tone::as_str),
        new.judgement.theme,
        new.judgement.spokesperson,
        new.judgement.note,
        new.revision,
        new.clipped_on,
        words
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// What was published since, the newest first, at most so many; the first of a story stands behind what repeated it.
pub(crate) async fn window(conn: &mut PgConnection, since: Instant, most: i64) -> sqlx::Result<Vec<Known>> {
    let rows = sqlx::query!(
        "select id, first_id, title, simhash from media_item where published_at >= $1 order by published_at desc, id desc limit $2",
        since,
        most
    )
    .fetch_all(conn)
    .await?;
    let known = rows.into_iter().map(|row| Known {
        id: row.id,
        first: row.first_id,
        print: Print::kept(&row.title, row.simhash.cast_unsigned()),
    });
    Ok(known.collect())
}

/// What a rule is held against when it is new.
#[derive(Clone, Debug)]
pub struct Text {
    pub id: Uuid,
    pub source_id: Uuid,
    pub title: String,
    pub excerpt: String,
}

pub(crate) async fn newest(conn: &mut PgConnection, most: i64) -> sqlx::Result<Vec<Text>> {
    sqlx::query_as!(
        Text,
        "select id, source_id, title, excerpt from media_item order by published_at desc, id desc limit $1",
        most
    )
    .fetch_all(conn)
    .await
}

/// What nobody judged becomes a candidate.
pub(crate) async fn matched(conn: &mut PgConnection, rule: Uuid, items: &[Uuid]) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into media_match (item_id, rule_id) select id, $1 from unnest($2::uuid[]) id on conflict do nothing",
        rule,
        items
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update media_item set by_rules = 'candidate', state = case when state = 'new' then 'candidate' else state end
         where id = any($1) and by_rules = 'new'",
        items
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How an item stands, held until the transaction ends.
#[derive(Clone, Debug)]
pub struct Stands {
    pub revision: i32,
    pub by_rules: State,
    pub judgement: Judgement,
    pub title: String,
    pub excerpt: String,
    pub link: String,
    pub source: String,
    pub published_at: Instant,
}

pub(crate) async fn held(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Stands>> {
    let row = sqlx::query!(
        "select i.revision, i.by_rules, i.state, i.tone, i.theme, i.spokesperson, i.note, i.title, i.excerpt, i.link, i.published_at,
             s.name as source
         from media_item i join media_source s on s.id = i.source_id where i.id = $1 for update of i",
        id
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Stands {
        revision: row.revision,
        by_rules: row.by_rules.parse().unwrap_or_default(),
        judgement: Judgement {
            state: row.state.parse().unwrap_or_default(),
            tone: row.tone.and_then(|tone| tone.parse().ok()),
            theme: row.theme,
            spokesperson: row.spokesperson,
            note: row.note,
        },
        title: row.title,
        excerpt: row.excerpt,
        link: row.link,
        source: row.source,
        published_at: row.published_at,
    }))
}

pub(crate) async fn judge(
    conn: &mut PgConnection,
    (id, seq): (Uuid, i32),
    (judgement, is_undo): (&Judgement, bool),
    (now, by): (Instant, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into media_judgement (item_id, seq, at, by, judgement, is_undo) values ($1, $2, $3, $4, $5, $6)",
        id,
        seq,
        now,
        by,
        Json(judgement) as _,
        is_undo
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update media_item set state = $2, tone = $3, theme = $4, spokesperson = $5, note = $6, revision = $7 where id = $1",
        id,
        judgement.state.as_str(),
        judgement.tone.map(Tone::as_str),
        judgement.theme,
        judgement.spokesperson,
        judgement.note,
        seq
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What people did with an item, in order.
///
/// # Errors
/// The database's.
pub async fn acts(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Vec<Act>> {
    let rows = sqlx::query!(
        r#"select seq, at, by, judgement as "judgement: Json<Judgement>", is_undo from media_judgement where item_id = $1 order by media_judgement.seq
           limit 1000"#,
        id
    )
    .fetch_all(conn)
    .await?;
    let acts = rows.into_iter().map(|row| Act {
        seq: row.seq,
        at: row.at,
        by: row.by,
        judgement: row.judgement.0,
        is_undo: row.is_undo,
    });
    Ok(acts.collect())
}

pub(crate) async fn check(
    conn: &mut PgConnection,
    item: Uuid,
    (occurrence, number): (Uuid, &str),
    (now, by, reason): (Instant, &str, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into media_check (item_id, occurrence_id, occurrence_number, at, by, reason) values ($1, $2, $3, $4, $5, $6)",
        item,
        occurrence,
        number,
        now,
        by,
        reason
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Number of the occurrence that an item opened.
pub(crate) async fn checked(conn: &mut PgConnection, item: Uuid) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!("select occurrence_number from media_check where item_id = $1", item).fetch_optional(conn).await
}

/// Forgets items whose days are over, at most so many: `before` of what was not selected, `selected_before` of what was. The first of a
/// story stays as long as one that repeated it.
pub(crate) async fn forget(
    conn: &mut PgConnection,
    (before, selected_before): (Instant, Instant),
    most: i64,
) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "delete from media_item where id in (
             select i.id from media_item i
             where i.published_at < $1 and (i.state <> 'selected' or i.published_at < $2)
               and not exists (select from media_item o where o.first_id = i.id and o.first_id <> o.id)
             order by i.published_at, i.id limit $3)",
        before,
        selected_before,
        most
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// What goes out, the first taken first.
pub(crate) async fn after(conn: &mut PgConnection, after: Option<Uuid>, most: i64) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!("select id from media_item where $1::uuid is null or id > $1 order by id limit $2", after, most)
        .fetch_all(conn)
        .await
}
