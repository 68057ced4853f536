//! Clippings of days, and the series of what was selected.

use chrono::NaiveDate;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::clock::Instant;
use crate::secretariat::media_monitoring::{Clipped, Clipping, Repercussion};

/// Clippings of a page.
pub const PAGE: i64 = 60;

/// A day that was closed.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[schema(as = MediaClippingDay)]
pub struct Day {
    #[schema(value_type = String)]
    pub day: NaiveDate,
    #[schema(value_type = String)]
    pub made_at: Instant,
    pub made_by: String,
    pub items: i32,
    pub mailed: i32,
}

/// Days that were closed, the newest first.
///
/// # Errors
/// The database's.
pub async fn days(conn: &mut PgConnection, before: Option<NaiveDate>) -> sqlx::Result<Vec<Day>> {
    sqlx::query_as!(
        Day,
        r#"select day, made_at, made_by, jsonb_array_length(items) as "items!", mailed from media_clipping
           where $1::date is null or day < $1 order by day desc limit $2"#,
        before,
        PAGE
    )
    .fetch_all(conn)
    .await
}

/// # Errors
/// The database's.
pub async fn of(conn: &mut PgConnection, day: NaiveDate) -> sqlx::Result<Option<Clipping>> {
    let row = sqlx::query!(
        r#"select day, made_at, made_by, items as "items: Json<Vec<Clipped>>", mailed from media_clipping where day = $1"#,
        day
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Clipping {
        day: row.day,
        made_at: row.made_at,
        made_by: row.made_by,
        items: row.items.0,
        mailed: row.mailed,
    }))
}

/// What was selected, stands in no clipping yet, and was published before an instant: by theme, the oldest first. Held until the transaction
/// ends.
pub(crate) async fn waiting(conn: &mut PgConnection, before: Instant, most: i64) -> sqlx::Result<Vec<Clipped>> {
    sqlx::query_as!(
        Clipped,
        r#"select i.id, s.name as source, i.title, i.excerpt, i.link, i.published_at, i.tone as "tone!", i.theme, i.spokesperson,
               (select count(*) from (select from media_item o where o.first_id = i.first_id and o.first_id <> o.id limit 100) n) as "others!"
           from media_item i join media_source s on s.id = i.source_id
           where i.state = 'selected' and i.clipped_on is null and i.published_at < $1
           order by i.theme, i.published_at, i.id limit $2 for no key update of i"#,
        before,
        most
    )
    .fetch_all(conn)
    .await
}

pub(crate) async fn keep(conn: &mut PgConnection, one: &Clipping) -> sqlx::Result<()> {
    let ids: Vec<Uuid> = one.items.iter().map(|item| item.id).collect();
    sqlx::query!(
        "insert into media_clipping (day, made_at, made_by, items, mailed) values ($1, $2, $3, $4, $5)",
        one.day,
        one.made_at,
        one.made_by,
        Json(&one.items) as _,
        one.mailed
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("update media_item set clipped_on = $2 where id = any($1)", &ids, one.day).execute(conn).await?;
    Ok(())
}

/// Items that were selected, by local day, theme and tone.
///
/// # Errors
/// The database's.
pub async fn series(
    conn: &mut PgConnection,
    (from, until): (Instant, Instant),
    tz: chrono_tz::Tz,
) -> sqlx::Result<Vec<Repercussion>> {
    sqlx::query_as!(
        Repercussion,
        r#"select (published_at at time zone $3)::date as "day!", theme, tone as "tone!", count(*) as "items!" from media_item
           where state = 'selected' and published_at >= $1 and published_at < $2 group by 1, 2, 3 order by 1, 2, 3"#,
        from,
        until,
        tz.name()
    )
    .fetch_all(conn)
    .await
}

/// Clippings whose days are over.
pub(crate) async fn forget(conn: &mut PgConnection, before: NaiveDate) -> sqlx::Result<u64> {
    Ok(sqlx::query!("delete from media_clipping where day < $1", before).execute(conn).await?.rows_affected())
}
