//! Sources with how they do, rules and subscribers.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::Instant;
use crate::feeds::failure::Failure;
use crate::secretariat::media_monitoring::{Rule, Source, Subscriber};

/// Sources by name.
///
/// # Errors
/// The database's.
pub async fn all(conn: &mut PgConnection) -> sqlx::Result<Vec<Source>> {
    sqlx::query_as!(
        Source,
        "select id, name, kind, url, every_s, revision, paused_at, due_at, asked_at, answered_at, changed_at, failures, error,
             error_kind, items, new_items, problems, problem
         from media_source where removed_at is null order by name, id"
    )
    .fetch_all(conn)
    .await
}

pub(crate) async fn insert(
    conn: &mut PgConnection,
    id: Uuid,
    (name, kind, url, every_s): (&str, &str, &str, i32),
    (now, by): (Instant, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into media_source (id, name, kind, url, every_s, added_at, added_by, due_at)
         values ($1, $2, $3, $4, $5, $6, $7, case when $3::text = 'hand' then null else $6::timestamptz end)",
        id,
        name,
        kind,
        url,
        every_s,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// One with another address is due, and what its server answered before counts no more.
pub(crate) async fn change(
    conn: &mut PgConnection,
    id: Uuid,
    (name, kind, url, every_s): (&str, &str, &str, i32),
    now: Instant,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update media_source set name = $2, kind = $3, url = $4, every_s = $5::int, revision = revision + 1,
             due_at = case when $3::text = 'hand' then null when url <> $4::text then $6::timestamptz
                 else least(due_at, $6::timestamptz + make_interval(secs => $5::int)) end,
             paused_at = case when $3::text <> 'hand' then paused_at end, paused_by = case when $3::text <> 'hand' then paused_by end,
             etag = case when url = $4::text then etag else '' end,
             last_modified = case when url = $4::text then last_modified else '' end,
             sha256 = case when url = $4::text then sha256 end,
             failures = case when url = $4::text then failures else 0 end,
             error = case when url = $4::text then error else '' end,
             error_kind = case when url = $4::text then error_kind else '' end
         where id = $1 and removed_at is null",
        id,
        name,
        kind,
        url,
        every_s,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// False: there is none that is asked.
pub(crate) async fn pause(conn: &mut PgConnection, id: Uuid, (now, by): (Instant, &str)) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update media_source set paused_at = $2, paused_by = $3
         where id = $1 and removed_at is null and due_at is not null and paused_at is null",
        id,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// The next look asks it. False: there is none that rests.
pub(crate) async fn resume(conn: &mut PgConnection, id: Uuid, now: Instant) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update media_source set paused_at = null, paused_by = null, due_at = $2
         where id = $1 and removed_at is null and paused_at is not null",
        id,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// False: there is none.
pub(crate) async fn remove(conn: &mut PgConnection, id: Uuid, (now, by): (Instant, &str)) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update media_source set removed_at = $2, removed_by = $3 where id = $1 and removed_at is null",
        id,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// The next look asks it. False: there is none that is asked.
pub(crate) async fn ask_now(conn: &mut PgConnection, id: Uuid, now: Instant) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update media_source set due_at = $2 where id = $1 and removed_at is null and paused_at is null and due_at is not null",
        id,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// A source that is to be asked.
#[derive(Clone, Debug)]
pub struct Due {
    pub id: Uuid,
    /// As it stood when it was taken. What comes of it is written into its row only while it is the same.
    pub revision: i32,
    pub name: String,
    pub url: String,
    pub every_s: i32,
    pub etag: String,
    pub last_modified: String,
    pub sha256: Option<Vec<u8>>,
}

/// Takes sources whose time has come, for this process alone; they are due again after their time, whatever comes of it.
///
/// # Errors
/// The database's.
pub async fn take_due(conn: &mut PgConnection, now: Instant, most: i64) -> sqlx::Result<Vec<Due>> {
    sqlx::query_as!(
        Due,
        "update media_source set asked_at = $1, due_at = $1 + make_interval(secs => every_s)
         where id in (select id from media_source where removed_at is null and paused_at is null and due_at <= $1
             order by due_at, id limit $2 for update skip locked)
         returning id, revision, name, url, every_s, etag, last_modified, sha256",
        now,
        most
    )
    .fetch_all(conn)
    .await
}

/// Gives back how often it failed in a row; none: it was changed meanwhile.
///
/// # Errors
/// The database's.
pub async fn failed(
    conn: &mut PgConnection,
    (id, revision): (Uuid, i32),
    failure: &Failure,
) -> sqlx::Result<Option<i32>> {
    let detail: String = failure.detail.chars().filter(|c| !c.is_control()).take(500).collect();
    sqlx::query_scalar!(
        "update media_source set failures = failures + 1, error = $3, error_kind = $4 where id = $1 and revision = $2 returning failures",
        id,
        revision,
        detail,
        failure.kind.as_str()
    )
    .fetch_optional(conn)
    .await
}

/// # Errors
/// The database's.
pub async fn wait_until(conn: &mut PgConnection, (id, revision): (Uuid, i32), due_at: Instant) -> sqlx::Result<()> {
    sqlx::query!("update media_source set due_at = $3 where id = $1 and revision = $2", id, revision, due_at)
        .execute(conn)
        .await?;
    Ok(())
}

/// The answer is the one from before.
///
/// # Errors
/// The database's.
pub async fn same(conn: &mut PgConnection, (id, revision): (Uuid, i32), now: Instant) -> sqlx::Result<()> {
    sqlx::query!(
        "update media_source set failures = 0, error = '', error_kind = '', answered_at = $3 where id = $1 and revision = $2",
        id,
        revision,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An answer that is another than before.
#[derive(Clone, Debug, Default)]
pub struct Told {
    pub etag: String,
    pub last_modified: String,
    pub sha256: Vec<u8>,
    pub items: i32,
    pub new_items: i32,
    pub problems: i32,
    pub problem: String,
}

/// # Errors
/// The database's.
pub async fn answered(
    conn: &mut PgConnection,
    (id, revision): (Uuid, i32),
    now: Instant,
    told: &Told,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update media_source set failures = 0, error = '', error_kind = '', answered_at = $2, changed_at = $2, etag = $3, last_modified = $4,
             sha256 = $5, items = $6, new_items = $7, problems = $8, problem = $9 where id = $1 and revision = $10",
        id,
        now,
        told.etag,
        told.last_modified,
        told.sha256,
        told.items,
        told.new_items,
        told.problems,
        told.problem,
        revision
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Rules by name.
///
/// # Errors
/// The database's.
pub async fn rules(conn: &mut PgConnection) -> sqlx::Result<Vec<Rule>> {
    sqlx::query_as!(
        Rule,
        r#"select r.id, r.name, r.query, r.source_id, s.name as "source?", r.theme
           from media_rule r left join media_source s on s.id = r.source_id where r.removed_at is null order by r.name, r.id"#
    )
    .fetch_all(conn)
    .await
}

pub(crate) async fn insert_rule(conn: &mut PgConnection, rule: &Rule, (now, by): (Instant, &str)) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into media_rule (id, name, query, source_id, theme, added_at, added_by) values ($1, $2, $3, $4, $5, $6, $7)",
        rule.id,
        rule.name,
        rule.query,
        rule.source_id,
        rule.theme,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// False: there is none.
pub(crate) async fn remove_rule(conn: &mut PgConnection, id: Uuid, (now, by): (Instant, &str)) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update media_rule set removed_at = $2, removed_by = $3 where id = $1 and removed_at is null",
        id,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Subscribers by name.
///
/// # Errors
/// The database's.
pub async fn subscribers(conn: &mut PgConnection) -> sqlx::Result<Vec<Subscriber>> {
    sqlx::query_as!(
        Subscriber,
        r#"select id, name, email as "email!", language from media_subscriber where removed_at is null order by name, id"#
    )
    .fetch_all(conn)
    .await
}

pub(crate) async fn insert_subscriber(
    conn: &mut PgConnection,
    one: &Subscriber,
    (now, by): (Instant, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into media_subscriber (id, name, email, language, added_at, added_by) values ($1, $2, $3, $4, $5, $6)",
        one.id,
        one.name,
        one.email,
        one.language,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets the address. False: there is none.
pub(crate) async fn remove_subscriber(conn: &mut PgConnection, id: Uuid, now: Instant) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update media_subscriber set removed_at = $2, email = null where id = $1 and removed_at is null",
        id,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}
