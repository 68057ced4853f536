//! Messages of people that are no report, until somebody has read them.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::Instant;
use crate::events::{Event, notify};

/// Messages of one telephone that are kept within a day; whoever sends more is heard already.
const MOST_A_DAY: i64 = 30;
/// Letters that are kept of one.
const MOST_LETTERS: usize = 1000;
/// Messages on one page.
const SHOWN: i64 = 50;

/// A message that waits to be read.
#[derive(Clone, Debug)]
pub struct Stray {
    pub id: Uuid,
    pub words: String,
    pub received_at: DateTime<Utc>,
    /// The end of the telephone's number.
    pub ends: String,
}

/// Keeps a message, and tells whoever looks; the same under the same key is kept once.
pub async fn keep(
    conn: &mut PgConnection,
    (id, key): (Uuid, &str),
    (source, words): (&str, &str),
    now: Instant,
) -> sqlx::Result<()> {
    let words: String =
        words.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(MOST_LETTERS).collect();
    let kept = sqlx::query!(
        "insert into stray_message (id, key, source, words, received_at)
         select $1, $2, $3, $4, $5::timestamptz
         where $4 <> '' and (select count(*) from stray_message
                             where source = $3 and received_at > $5::timestamptz - interval '1 day') < $6
         on conflict (key) do nothing",
        id,
        key,
        source,
        words,
        now,
        MOST_A_DAY
    )
    .execute(&mut *conn)
    .await?;
    // Pages of reports fetch themselves anew; nobody looks the id up.
    if kept.rows_affected() > 0 { notify(conn, &Event::Occurrence { id }).await } else { Ok(()) }
}

/// How many nobody has read.
pub async fn count_unread(conn: &mut PgConnection) -> sqlx::Result<i64> {
    let all = sqlx::query_scalar!(r#"select count(*) as "count!" from stray_message where read_at is null"#);
    all.fetch_one(conn).await
}

/// Those that nobody has read, the oldest first, so that none stays behind the others, and how many there are.
pub async fn unread(conn: &mut PgConnection) -> sqlx::Result<(Vec<Stray>, i64)> {
    let all = count_unread(&mut *conn).await?;
    let shown = sqlx::query_as!(
        Stray,
        r#"select id, words, received_at, right(source, 4) as "ends!" from stray_message
           where read_at is null order by received_at, id limit $1"#,
        SHOWN
    );
    Ok((shown.fetch_all(conn).await?, all))
}

/// Marks one as read; false when somebody has, or when it is gone.
pub async fn read(conn: &mut PgConnection, id: Uuid, (now, who): (Instant, &str)) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update stray_message set read_at = $2, read_by = $3 where id = $1 and read_at is null",
        id,
        now,
        who
    );
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// The telephone that a message came from.
pub async fn source(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!("select source from stray_message where id = $1", id).fetch_optional(conn).await
}
