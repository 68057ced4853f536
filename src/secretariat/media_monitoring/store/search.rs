//! Pages of items over a million rows: keyset, never a count of everything.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::Instant;
use crate::secretariat::media_monitoring::{Item, State, plain};

/// Items of a page.
pub const PAGE: i64 = 50;
/// The newest items that are read through for a search before the index of words is asked: what is frequent is found there, and what is
/// rare has few rows in the index.
const READ_THROUGH: i64 = 10_000;
/// The same among items of one state, source, theme or tone: there are fewer of them, and the index of words knows these too.
const READ_THROUGH_NARROW: i64 = 2500;

/// Which items.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Words, "phrases", -without; accents do not count.
    pub q: String,
    pub state: Option<String>,
    pub source: Option<Uuid>,
    pub rule: Option<Uuid>,
    pub theme: Option<String>,
    pub tone: Option<String>,
    /// Only the first of those that tell the same.
    pub firsts: bool,
    /// The last item of the page before.
    pub before: Option<Uuid>,
    pub limit: i64,
}

/// A page, the newest first.
///
/// # Errors
/// The database's.
pub async fn page(conn: &mut PgConnection, filter: &Filter) -> sqlx::Result<Vec<Item>> {
    let cursor = match filter.before {
        None => None,
        Some(id) => {
            let at = sqlx::query_scalar!("select published_at from media_item where id = $1", id);
            let Some(at) = at.fetch_optional(&mut *conn).await? else { return Ok(Vec::new()) };
            Some((at, id))
        }
    };
    let q = plain::unaccented(filter.q.trim());
    let mut filter = filter.clone();
    // Only what was selected has them, and of that there is an index.
    if filter.state.is_none() && (filter.theme.is_some() || filter.tone.is_some()) {
        filter.state = Some(State::Selected.to_string());
    }
    let filter = &filter;
    let ids = if filter.rule.is_some() {
        by_rule(&mut *conn, filter, cursor, &q).await?
    } else if q.is_empty() {
        plainly(&mut *conn, filter, cursor).await?
    } else {
        let near = read_through(&mut *conn, filter, cursor, &q).await?;
        if near.len() as i64 >= filter.limit { near } else { indexed(&mut *conn, filter, cursor, &q).await? }
    };
    rows(conn, &ids).await
}

/// Of one rule: from its own matches, the newest first, which know state and place in the story of their items.
async fn by_rule(
    conn: &mut PgConnection,
    filter: &Filter,
    cursor: Option<(Instant, Uuid)>,
    q: &str,
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "select m.item_id from media_match m join media_item i on i.id = m.item_id
         where m.rule_id = $8 and ($1::timestamptz is null or (m.published_at, m.item_id) < ($1, $2::uuid))
           and ($3::text is null or m.state = $3) and (not $7 or m.is_first)
           and ($4::uuid is null or i.source_id = $4) and ($5::text is null or i.theme = $5) and ($6::text is null or i.tone = $6)
           and ($10::text is null or i.search @@ media_query($10, null, null, null, null))
         order by m.published_at desc, m.item_id desc limit $9",
        cursor.map(|(at, _)| at),
        cursor.map(|(_, id)| id),
        filter.state,
        filter.source,
        filter.theme,
        filter.tone,
        filter.firsts,
        filter.rule,
        filter.limit,
        Some(q).filter(|q| !q.is_empty())
    )
    .fetch_all(conn)
    .await
}

async fn plainly(conn: &mut PgConnection, filter: &Filter, cursor: Option<(Instant, Uuid)>) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "select i.id from media_item i
         where ($1::timestamptz is null or (i.published_at, i.id) < ($1, $2::uuid))
           and ($3::text is null or i.state = $3) and ($4::uuid is null or i.source_id = $4) and ($5::text is null or i.theme = $5)
           and ($6::text is null or i.tone = $6) and (not $7 or i.first_id = i.id)
         order by i.published_at desc, i.id desc limit $8",
        cursor.map(|(at, _)| at),
        cursor.map(|(_, id)| id),
        filter.state,
        filter.source,
        filter.theme,
        filter.tone,
        filter.firsts,
        filter.limit
    )
    .fetch_all(conn)
    .await
}

async fn read_through(
    conn: &mut PgConnection,
    filter: &Filter,
    cursor: Option<(Instant, Uuid)>,
    q: &str,
) -> sqlx::Result<Vec<Uuid>> {
    let is_narrow =
        filter.state.is_some() || filter.source.is_some() || filter.theme.is_some() || filter.tone.is_some();
    sqlx::query_scalar!(
        "select i.id from (
             select n.id, n.published_at, n.search from media_item n
             where ($1::timestamptz is null or (n.published_at, n.id) < ($1, $2::uuid))
               and ($3::text is null or n.state = $3) and ($4::uuid is null or n.source_id = $4) and ($5::text is null or n.theme = $5)
               and ($6::text is null or n.tone = $6) and (not $7 or n.first_id = n.id)
             order by n.published_at desc, n.id desc limit $10) i
         where i.search @@ websearch_to_tsquery('portuguese', $9)
         order by i.published_at desc, i.id desc limit $8",
        cursor.map(|(at, _)| at),
        cursor.map(|(_, id)| id),
        filter.state,
        filter.source,
        filter.theme,
        filter.tone,
        filter.firsts,
        filter.limit,
        q,
        if is_narrow { READ_THROUGH_NARROW } else { READ_THROUGH }
    )
    .fetch_all(conn)
    .await
}

/// State, source, theme and tone are words of the index too.
async fn indexed(
    conn: &mut PgConnection,
    filter: &Filter,
    cursor: Option<(Instant, Uuid)>,
    q: &str,
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        r#"select h.id as "id!" from media_hits(media_query($9, $3, $6, $5, $4)) h
           where ($1::timestamptz is null or (h.published_at, h.id) < ($1, $2::uuid)) and (not $7 or h.first_id = h.id)
           order by h.published_at desc, h.id desc limit $8"#,
        cursor.map(|(at, _)| at),
        cursor.map(|(_, id)| id),
        filter.state,
        filter.source,
        filter.theme,
        filter.tone,
        filter.firsts,
        filter.limit,
        q
    )
    .fetch_all(conn)
    .await
}

/// Items that repeat a story, without its first.
///
/// # Errors
/// The database's.
pub async fn repeats(conn: &mut PgConnection, first: Uuid, most: i64) -> sqlx::Result<Vec<Item>> {
    let ids = sqlx::query_scalar!(
        "select id from media_item where first_id = $1 and first_id <> id order by published_at desc, id desc limit $2",
        first,
        most
    )
    .fetch_all(&mut *conn)
    .await?;
    rows(conn, &ids).await
}

/// Items by id, the newest first.
///
/// # Errors
/// The database's.
pub async fn rows(conn: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<Vec<Item>> {
    sqlx::query_as!(
        Item,
        r#"select i.id, i.source_id, s.name as source, i.guid, i.link, i.title, i.excerpt, i.published_at, i.fetched_at,
               encode(i.sha256, 'hex') as "sha256!", i.first_id,
               (select count(*) from (select from media_item o where o.first_id = i.first_id and o.first_id <> o.id limit 101) n) as "others!",
               i.by_rules, i.state, i.tone, i.theme, i.spokesperson, i.note, i.revision,
               array(select r.name from media_match m join media_rule r on r.id = m.rule_id where m.item_id = i.id order by r.name) as "rules!",
               coalesce((select r.theme from media_match m join media_rule r on r.id = m.rule_id
                   where m.item_id = i.id and r.theme <> '' order by r.name limit 1), '') as "proposed_theme!",
               i.clipped_on, c.occurrence_number as "check?", c.occurrence_id as "check_id?"
           from media_item i join media_source s on s.id = i.source_id left join media_check c on c.item_id = i.id
           where i.id = any($1) order by i.published_at desc, i.id desc"#,
        ids
    )
    .fetch_all(conn)
    .await
}
