//! The messages that replace one another, with what is known of each step, and the messages that a warning names.

use serde::Serialize;
use sqlx::PgConnection;

use crate::clock::Instant;

/// Steps that are followed in either direction; a publisher revises a warning some few times.
const FAR: i32 = 50;

/// One message of a chain.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Step {
    pub id: i64,
    pub identifier: String,
    pub msg_type: String,
    #[schema(value_type = String)]
    pub sent_at: Instant,
    pub event: String,
    pub level: String,
    pub headline: String,
    /// The message that replaced it; none for the last word.
    pub replaced_by: Option<i64>,
    /// How that is known: references, revision, same_event_and_area, same_event_and_municipality.
    pub how: String,
    /// Hours between the two.
    pub hours: Option<f64>,
    /// Of the smaller ground, the share that both hold, 0 to 1.
    pub ground_in_common: Option<f64>,
    /// Municipalities that both name.
    pub municipalities_in_common: Option<i64>,
}

/// Everything that led to a warning and what followed it, the oldest first. A warning that stands alone is one step.
///
/// # Errors
/// The database's.
pub async fn chain(conn: &mut PgConnection, id: i64) -> sqlx::Result<Vec<Step>> {
    sqlx::query_as!(
        Step,
        r#"with recursive
               later as (
                   select w.id, w.superseded_by, 0 as far from outside_warning w where w.id = $1
                   union all
                   select w.id, w.superseded_by, l.far + 1 from outside_warning w join later l on w.id = l.superseded_by
                   where l.far < $2),
               earlier as (
                   select w.id, 0 as far from outside_warning w where w.id = $1
                   union all
                   select w.id, e.far + 1 from outside_warning w join earlier e on w.superseded_by = e.id where e.far < $2)
           select w.id, w.identifier, w.msg_type, w.sent_at, w.event, w.level, w.headline, w.superseded_by as replaced_by,
                  w.linked_how as how, extract(epoch from n.sent_at - w.sent_at)::double precision / 3600 as hours,
                  case when n.id is not null then ground_in_common(w.polygons, w.circles, n.polygons, n.circles) end as ground_in_common,
                  case when n.id is not null then cardinality(array(select unnest(w.geocodes) intersect select unnest(n.geocodes)))::bigint
                       end as municipalities_in_common
           from outside_warning w left join outside_warning n on n.id = w.superseded_by
           where w.id in (select id from later union select id from earlier)
           order by w.sent_at, w.revision, w.id"#,
        id,
        FAR
    )
    .fetch_all(conn)
    .await
}

/// A message that a warning names in `references`.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Named {
    pub sender: String,
    pub identifier: String,
    /// The warning here; none when no such message ever came by this source.
    pub warning_id: Option<i64>,
}

/// What a warning names, in its order, with what of it is known here.
///
/// # Errors
/// The database's.
pub async fn named(conn: &mut PgConnection, id: i64) -> sqlx::Result<Vec<Named>> {
    sqlx::query_as!(
        Named,
        r#"select split_part(k.key, ',', 1) as "sender!", substr(k.key, strpos(k.key, ',') + 1) as "identifier!",
                  (select o.id from outside_warning o
                   where o.source = w.source and o.sender = split_part(k.key, ',', 1)
                     and o.identifier = substr(k.key, strpos(k.key, ',') + 1)
                   order by o.sent_at desc, o.id desc limit 1) as warning_id
           from outside_warning w, unnest(w.reference_keys) with ordinality as k (key, place)
           where w.id = $1 order by k.place"#,
        id
    )
    .fetch_all(conn)
    .await
}
