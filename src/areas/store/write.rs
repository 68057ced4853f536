//! Writing versions, and letting them take force. One path for imports, drawings, restorations and retirements.

use serde_json::{Value, json};
use sqlx::PgConnection;

use super::read;
use crate::areas::{Change, Content, State, When};
use crate::clock::Instant;
use crate::ids::AreaId;

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// The area is so already; nothing was written.
    Unchanged,
    /// A version that is in force now, of an area that did not stand before.
    Created(i32),
    /// A version that is in force now, after that number.
    Updated { number: i32, before: i32 },
    /// The area was out of service and is back.
    Returned { number: i32, before: i32 },
    /// A draft, or planned.
    Waits(i32),
}

impl Put {
    pub const fn number(self) -> Option<i32> {
        match self {
            Self::Unchanged => None,
            Self::Created(number) | Self::Waits(number) => Some(number),
            Self::Updated { number, .. } | Self::Returned { number, .. } => Some(number),
        }
    }
}

/// Writes a change as a version, and where it counts now lets it take force.
///
/// # Errors
/// The database's; among them that the shape is not valid.
pub async fn put(conn: &mut PgConnection, now: Instant, author: &str, change: &Change) -> sqlx::Result<Put> {
    lock(conn, &change.code).await?;
    record_present(conn, &change.code).await?;
    let before = read::in_force(conn, &change.code).await?;
    if change.when == When::Now
        && let Some(version) = &before
        && read::content(conn, &change.code, version.number).await?.as_ref() == Some(&change.content)
    {
        return Ok(Put::Unchanged);
    }
    let number = insert(conn, now, author, change, before.as_ref().map(|version| version.number)).await?;
    if change.when != When::Now {
        return Ok(Put::Waits(number));
    }
    take_force(conn, now, &change.code, number).await?;
    Ok(match before {
        None => Put::Created(number),
        Some(old) if old.retired && !change.content.retired => Put::Returned { number, before: old.number },
        Some(old) => Put::Updated { number, before: old.number },
    })
}

/// Waits until nobody else changes the area, also one that has no row yet; until the transaction ends nobody else does.
///
/// # Errors
/// The database's.
pub async fn lock(conn: &mut PgConnection, code: &str) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('area ' || $1, 0))", code).execute(conn).await?;
    Ok(())
}

/// An area that was written past the versions gets its first one, as it stands.
///
/// # Errors
/// The database's.
pub async fn record_present(conn: &mut PgConnection, code: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into area_version (code, number, state, name, source, geom, hazards, details, retired, origin, author, created_at, valid_from)
         select a.code, 1, 'effective', a.name, a.source, a.geom,
                coalesce((select jsonb_object_agg(h.cobrade, h.grade) from area_hazard h where h.area_id = a.id), '{}'),
                a.details, a.retired_at is not null, 'before', 'service', a.updated_at, a.updated_at
         from risk_area a where a.code = $1
             and not exists (select from area_version v where v.code = a.code and v.state = 'effective')
             and not exists (select from area_version v where v.code = a.code and v.number = 1)",
        code
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn insert(
    conn: &mut PgConnection,
    now: Instant,
    author: &str,
    change: &Change,
    based_on: Option<i32>,
) -> sqlx::Result<i32> {
    let Content { name, source, wkb, hazards, details, retired } = &change.content;
    let (state, planned_for) = match change.when {
        When::At(at) => (State::Planned, Some(at)),
        // It takes force in the same transaction.
        When::Now | When::Draft => (State::Draft, None),
    };
    sqlx::query_scalar!(
        r#"insert into area_version (code, number, state, name, source, geom, hazards, details, retired, origin, origin_detail, reason,
               author, created_at, based_on, planned_for)
           select $1, 1 + coalesce(max(number), 0), $2, $3, $4, st_multi(st_geomfromwkb($5, 4326)), $6, $7, $8, $9, $10, $11, $12, $13, $14, $15
           from area_version where code = $1 returning number"#,
        change.code,
        state.as_str(),
        name,
        source,
        wkb,
        serde_json::to_value(hazards).unwrap_or_default(),
        details,
        retired,
        change.origin.as_str(),
        change.origin_detail,
        change.reason,
        author,
        now,
        based_on,
        planned_for as Option<Instant>
    )
    .fetch_one(conn)
    .await
}

/// Lets a version take force now: it ends the one before, and becomes what the rest of the service reads. False when there is no
/// such version that waits.
///
/// # Errors
/// The database's.
pub async fn take_force(conn: &mut PgConnection, now: Instant, code: &str, number: i32) -> sqlx::Result<bool> {
    lock(conn, code).await?;
    record_present(conn, code).await?;
    let waits = sqlx::query_scalar!(
        r#"select exists (select from area_version where code = $1 and number = $2 and state in ('draft', 'planned')) as "waits!""#,
        code,
        number
    )
    .fetch_one(&mut *conn)
    .await?;
    if !waits {
        return Ok(false);
    }
    // A clock that was set back ends nothing before it began.
    let from = sqlx::query_scalar!(
        r#"select greatest($2, max(valid_from)) as "from!" from area_version where code = $1 and state = 'effective'"#,
        code,
        now
    )
    .fetch_one(&mut *conn)
    .await?;
    sqlx::query!(
        "update area_version set valid_until = $2 where code = $1 and state = 'effective' and valid_until is null",
        code,
        from
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update area_version set state = 'effective', valid_from = $3 where code = $1 and number = $2",
        code,
        number,
        from
    )
    .execute(&mut *conn)
    .await?;
    make_present(conn, now, code, number).await?;
    Ok(true)
}

/// Copies a version to the tables of the present. A retired area keeps its row, because alerts and levels of the past name it, and
/// has no hazards, so that nothing is judged there.
async fn make_present(conn: &mut PgConnection, now: Instant, code: &str, number: i32) -> sqlx::Result<()> {
    let id = sqlx::query_scalar!(
        r#"insert into risk_area (code, name, geom, source, details, retired_at, created_at, updated_at)
           select code, name, geom, source, details, case when retired then $3::timestamptz end, $3, $3
           from area_version where code = $1 and number = $2
           on conflict (code) do update set name = excluded.name, geom = excluded.geom, source = excluded.source,
               details = excluded.details, updated_at = excluded.updated_at,
               retired_at = case when excluded.retired_at is not null then coalesce(risk_area.retired_at, excluded.retired_at) end
           returning id as "id: AreaId""#,
        code,
        number,
        now
    )
    .fetch_one(&mut *conn)
    .await?;
    sqlx::query!(
        "delete from area_hazard where area_id = $1 and not exists (
             select from area_version v where v.code = $2 and v.number = $3 and not v.retired and v.hazards ? cobrade)",
        id.0,
        code,
        number
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into area_hazard (area_id, cobrade, grade)
         select $1, h.key, h.value from area_version v cross join lateral jsonb_each_text(v.hazards) h
         where v.code = $2 and v.number = $3 and not v.retired
         on conflict (area_id, cobrade) do update set grade = excluded.grade where area_hazard.grade <> excluded.grade",
        id.0,
        code,
        number
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Gives up a version that waits. False when it does not.
///
/// # Errors
/// The database's.
pub async fn withdraw(conn: &mut PgConnection, code: &str, number: i32) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update area_version set state = 'withdrawn' where code = $1 and number = $2 and state in ('draft', 'planned')",
        code,
        number
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Lets every planned version whose time has come take force, the earlier planned first. Which they were, each with what the audit
/// keeps of it.
///
/// # Errors
/// The database's.
pub async fn release_due(conn: &mut PgConnection, now: Instant) -> sqlx::Result<Vec<(String, Value)>> {
    let due = sqlx::query!(
        r#"select code, number, planned_for as "planned_for!", author from area_version
           where state = 'planned' and planned_for <= $1 order by planned_for, id limit 500"#,
        now
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut released = Vec::new();
    for row in due {
        // Another process may have been quicker.
        if take_force(conn, now, &row.code, row.number).await? {
            let after = json!({ "version": row.number, "planned_for": row.planned_for, "planned_by": row.author });
            released.push((row.code, after));
        }
    }
    Ok(released)
}
