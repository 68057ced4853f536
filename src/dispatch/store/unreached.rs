//! Finds residents whom nothing reached.

use sqlx::PgConnection;

use crate::clock::Instant;
use crate::dispatch::unreached::{Area, SQUARE_DEG, Scattered, Square, Unreached};
use crate::ids::AlertId;

/// Squares in one answer; a town has some hundred.
const MOST: i64 = 5000;

/// Reads every row of the alert: ask `watch`, which keeps the answer for a while.
pub async fn find(conn: &mut PgConnection, now: Instant, alert: AlertId) -> sqlx::Result<Unreached> {
    let areas = sqlx::query_as!(
        Area,
        r#"with person as (
            select resident_id, min(area_id) as area_id, bool_or(message_reached(o)) as reached, bool_and(kept_by_choice(o)) as chose,
                false as nowhere
            from outbox o where o.alert_id = $1 and o.resident_id is not null group by resident_id
            union all
            select resident_id, area_id, false, false, true from dispatch_unreachable where alert_id = $1
        )
        select coalesce(r.name, '') as "name!", count(*) as "residents!",
            count(*) filter (where not p.reached and not p.chose) as "unreached!",
            count(*) filter (where p.nowhere) as "without_channel!", count(*) filter (where p.chose) as "by_choice!"
        from person p left join risk_area r on r.id = p.area_id group by 1 order by 3 desc, 1"#,
        alert.0
    )
    .fetch_all(&mut *conn)
    .await?;
    let squares = sqlx::query_as!(
        Square,
        r#"with missed as (
            select resident_id, min(area_id) as area_id from outbox o where o.alert_id = $1 and o.resident_id is not null
            group by resident_id having not bool_or(message_reached(o)) and not bool_and(kept_by_choice(o))
            union all
            select resident_id, area_id from dispatch_unreachable where alert_id = $1
        ), home as (
            select p.geom from missed m cross join lateral (
                select p.geom from resident_place p left join risk_area r on r.id = m.area_id
                where p.resident_id = m.resident_id
                -- Which of several places is meant costs a look at the area's outline; of one there is no question.
                order by case when exists (select from resident_place other
                        where other.resident_id = p.resident_id and other.label <> p.label)
                    then st_distance(r.geom, p.geom) end, p.label
                limit 1) as p
        )
        select floor(st_x(geom) / $2)::integer as "x!", floor(st_y(geom) / $2)::integer as "y!", count(*) as "people!"
        from home group by 1, 2 order by 3 desc, 1, 2 limit $3"#,
        alert.0,
        SQUARE_DEG,
        MOST
    )
    .fetch_all(conn)
    .await?;
    Ok(Unreached { at: now, areas, squares, scattered: Scattered::default() })
}
