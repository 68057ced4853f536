//! Incidents and occurrences as the public may know them: no titles, words, names or addresses, and no place beyond the neighbourhood. Boxes
//! are held against that same rough place, so that nobody finds the house by asking for smaller ones. What nobody has confirmed, and what is
//! no real event, is not in it.

use serde_json::Value;
use sqlx::PgConnection;

use super::Period;

/// By number. An item's code is its number with `-` for `/`.
pub async fn occurrences(
    conn: &mut PgConnection,
    code: Option<&str>,
    within: Option<&[f64]>,
    (from, to): Period,
    (limit, offset): (i64, i64),
) -> sqlx::Result<Vec<Value>> {
    sqlx::query_scalar!(
        r#"select jsonb_build_object('type', 'Feature', 'id', replace(o.number, '/', '-'),
               'geometry', st_asgeojson(o.public_geom, 4)::jsonb,
               'properties', jsonb_build_object('number', o.number, 'kind', o.kind, 'cobrade', o.cobrade, 'state', o.state,
                   'priority', o.priority, 'neighbourhood', o.neighbourhood, 'opened_at', date_trunc('hour', o.opened_at),
                   'incident', i.number)) as "feature!"
           from occurrence o left join incident i on i.id = o.incident_id
           where o.confirmed_at is not null and o.state in ('confirmed', 'dispatched', 'on_scene', 'resolved', 'closed')
             and ($1::text is null or o.number = replace($1, '-', '/'))
             and ($2::float8[] is null or o.public_geom && st_makeenvelope($2[1], $2[2], $2[3], $2[4], 4326))
             and ($3::timestamptz is null or o.state <> 'closed' or o.decided_at >= $3)
             and ($4::timestamptz is null or o.opened_at <= $4)
           order by o.number limit $5 offset $6"#,
        code,
        within,
        from,
        to,
        limit,
        offset
    )
    .fetch_all(conn)
    .await
}

pub async fn occurrences_matched(
    conn: &mut PgConnection,
    within: Option<&[f64]>,
    (from, to): Period,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from occurrence o
           where o.confirmed_at is not null and o.state in ('confirmed', 'dispatched', 'on_scene', 'resolved', 'closed')
             and ($1::float8[] is null or o.public_geom && st_makeenvelope($1[1], $1[2], $1[3], $1[4], 4326))
             and ($2::timestamptz is null or o.state <> 'closed' or o.decided_at >= $2)
             and ($3::timestamptz is null or o.opened_at <= $3)"#,
        within,
        from,
        to
    )
    .fetch_one(conn)
    .await
}

/// By number, each at the neighbourhoods of its confirmed occurrences and the middles of the areas of its alerts.
pub async fn incidents(
    conn: &mut PgConnection,
    code: Option<&str>,
    within: Option<&[f64]>,
    (from, to): Period,
    (limit, offset): (i64, i64),
) -> sqlx::Result<Vec<Value>> {
    sqlx::query_scalar!(
        r#"select jsonb_build_object('type', 'Feature', 'id', replace(i.number, '/', '-'),
               'geometry', st_asgeojson(p.places, 4)::jsonb,
               'properties', jsonb_build_object('number', i.number, 'cobrade', i.cobrade, 'state', i.state,
                   'opened_at', date_trunc('hour', i.opened_at), 'closed_at', date_trunc('hour', i.closed_at),
                   'occurrences', (select count(*) from occurrence o where o.incident_id = i.id and o.confirmed_at is not null
                       and o.state <> 'merged'),
                   'alerts', (select coalesce(jsonb_agg(a.cap_identifier order by a.issued_at), '[]') from incident_alert ia
                       join alert a on a.id = ia.alert_id where ia.incident_id = i.id and a.cap_identifier is not null))) as "feature!"
           from incident i
           cross join lateral (
               select st_multi(st_collect(distinct at)) as places from (
                   select o.public_geom as at from occurrence o where o.incident_id = i.id and o.confirmed_at is not null
                       and o.public_geom is not null
                   union all
                   select st_pointonsurface(t.geom) from incident_alert ia join alert_area t on t.alert_id = ia.alert_id
                   where ia.incident_id = i.id) all_places) p
           where not exists (select from incident_alert ia join alert a on a.id = ia.alert_id
                   where ia.incident_id = i.id and a.status <> 'actual')
             and ($1::text is null or i.number = replace($1, '-', '/'))
             and ($2::float8[] is null or p.places && st_makeenvelope($2[1], $2[2], $2[3], $2[4], 4326))
             and ($3::timestamptz is null or i.closed_at is null or i.closed_at >= $3)
             and ($4::timestamptz is null or i.opened_at <= $4)
           order by i.number limit $5 offset $6"#,
        code,
        within,
        from,
        to,
        limit,
        offset
    )
    .fetch_all(conn)
    .await
}

pub async fn incidents_matched(
    conn: &mut PgConnection,
    within: Option<&[f64]>,
    (from, to): Period,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from incident i
           cross join lateral (
               select st_collect(at) as places from (
                   select o.public_geom as at from occurrence o where o.incident_id = i.id and o.confirmed_at is not null
                       and o.public_geom is not null
                   union all
                   select st_pointonsurface(t.geom) from incident_alert ia join alert_area t on t.alert_id = ia.alert_id
                   where ia.incident_id = i.id) all_places) p
           where not exists (select from incident_alert ia join alert a on a.id = ia.alert_id
                   where ia.incident_id = i.id and a.status <> 'actual')
             and ($1::float8[] is null or p.places && st_makeenvelope($1[1], $1[2], $1[3], $1[4], 4326))
             and ($2::timestamptz is null or i.closed_at is null or i.closed_at >= $2)
             and ($3::timestamptz is null or i.opened_at <= $3)"#,
        within,
        from,
        to
    )
    .fetch_one(conn)
    .await
}
