//! Shelters as features: where they are, for how many, and whether they are open.

use serde_json::Value;
use sqlx::PgConnection;

use super::Period;

pub(super) async fn features(
    conn: &mut PgConnection,
    (code, within): (Option<&str>, Option<&[f64]>),
    (from, to): Period,
    (limit, offset): (i64, i64),
) -> sqlx::Result<Vec<Value>> {
    sqlx::query_scalar!(
        r#"select jsonb_build_object('type', 'Feature', 'id', s.code, 'geometry', st_asgeojson(s.geom, 6)::jsonb,
               'properties', jsonb_build_object('code', s.code, 'name', s.name, 'address', s.address_text, 'capacity', s.capacity,
                   'accessible', s.accessible, 'pets', s.pets, 'kitchen', s.kitchen, 'state', case when d.drill then 'closed' else s.state end,
                   'open', s.state in ('open', 'full') and not d.drill)) as "feature!"
           from shelter s left join shelter_opening cur on cur.id = s.opening_id
           -- What is opened for an exercise is closed to whoever lost their home.
           cross join lateral (select coalesce(incident_is_drill(cur.incident_id), false) as drill) d
           where ($1::text is null or s.code = $1)
             and ($2::float8[] is null or s.geom && st_makeenvelope($2[1], $2[2], $2[3], $2[4], 4326))
             and (($5::timestamptz is null and $6::timestamptz is null) or exists (
                 select from shelter_opening o where o.shelter_id = s.id and o.opened_at is not null
                     and ($6 is null or o.opened_at <= $6) and ($5 is null or o.closed_at is null or o.closed_at >= $5)))
           order by s.code limit $3 offset $4"#,
        code,
        within,
        limit,
        offset,
        from,
        to
    )
    .fetch_all(conn)
    .await
}

pub(super) async fn matched(conn: &mut PgConnection, within: Option<&[f64]>, (from, to): Period) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from shelter s
           where ($1::float8[] is null or s.geom && st_makeenvelope($1[1], $1[2], $1[3], $1[4], 4326))
             and (($2::timestamptz is null and $3::timestamptz is null) or exists (
                 select from shelter_opening o where o.shelter_id = s.id and o.opened_at is not null
                     and ($3 is null or o.opened_at <= $3) and ($2 is null or o.closed_at is null or o.closed_at >= $2)))"#,
        within,
        from,
        to
    )
    .fetch_one(conn)
    .await
}
