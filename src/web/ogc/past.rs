//! Areas of a past instant or period, from their versions.

use serde_json::Value;
use sqlx::PgConnection;

use super::Wanted;

/// The areas that were in service within the period, each as its last version of it says, with the levels at its end.
pub async fn areas(
    conn: &mut PgConnection,
    Wanted { code, within, during: (from, to) }: Wanted<'_>,
    (limit, offset): (i64, i64),
) -> sqlx::Result<Vec<Value>> {
    let within = within.map(|four| four.to_vec());
    sqlx::query_scalar!(
        r#"with was as (
               select distinct on (code) * from area_version
               where state = 'effective' and not retired and valid_until is distinct from valid_from
                 and ($5::timestamptz is null or valid_until is null or valid_until > $5)
                 and ($6::timestamptz is null or valid_from <= $6)
                 and ($1::text is null or code = $1)
               order by code, valid_from desc, number desc)
           select jsonb_build_object('type', 'Feature', 'id', v.code, 'geometry', st_asgeojson(v.geom, 6)::jsonb,
               'properties', jsonb_build_object('code', v.code, 'name', v.name, 'source', v.source, 'version', v.number,
                   'valid_from', v.valid_from, 'valid_until', v.valid_until, 'hazards',
                   coalesce((select jsonb_agg(jsonb_build_object('cobrade', h.key, 'grade', h.value, 'level',
                       coalesce(t.to_level, 'unknown'), 'since', t.at) order by h.key)
                     from jsonb_each_text(v.hazards) h left join lateral (
                         select t.to_level, t.at from level_transition t join risk_area a on a.id = t.area_id
                         where a.code = v.code and t.cobrade = h.key and ($6::timestamptz is null or t.at <= $6)
                         order by t.at desc, t.id desc limit 1) t on true), '[]'))) as "feature!"
           from was v
           where $2::float8[] is null or v.geom && st_makeenvelope($2[1], $2[2], $2[3], $2[4], 4326)
           order by v.code limit $3 offset $4"#,
        code,
        within.as_deref(),
        limit,
        offset,
        from,
        to
    )
    .fetch_all(conn)
    .await
}

/// How many they are.
pub async fn matched(conn: &mut PgConnection, wanted: Wanted<'_>) -> sqlx::Result<i64> {
    let Wanted { within, during: (from, to), .. } = wanted;
    let within = within.map(|four| four.to_vec());
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from (
               select distinct on (code) geom from area_version
               where state = 'effective' and not retired and valid_until is distinct from valid_from
                 and ($2::timestamptz is null or valid_until is null or valid_until > $2)
                 and ($3::timestamptz is null or valid_from <= $3)
               order by code, valid_from desc, number desc) was
           where $1::float8[] is null or was.geom && st_makeenvelope($1[1], $1[2], $1[3], $1[4], 4326)"#,
        within.as_deref(),
        from,
        to
    )
    .fetch_one(conn)
    .await
}
