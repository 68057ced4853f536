//! Inspections in lists.

use chrono::NaiveDate;
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::Instant;
use crate::inspections::{Building, Damage, Risk};

/// Which are wanted; nothing = no matter.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Wish<'a> {
    pub risk: Option<Risk>,
    pub damage: Option<Damage>,
    pub building: Option<Building>,
    /// User name of the inspector.
    pub inspector: Option<&'a str>,
    pub incident: Option<Uuid>,
    pub occurrence: Option<Uuid>,
    /// Made on the device.
    pub key: Option<Uuid>,
    /// With an interdiction that stands.
    pub forbidden: bool,
    /// That should have been repeated by this day.
    pub due_by: Option<NaiveDate>,
    /// Also those that were corrected.
    pub all: bool,
}

/// One line.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = InspectionLine)]
pub struct Line {
    pub id: Uuid,
    pub number: String,
    #[schema(value_type = String, format = DateTime)]
    pub observed_at: Instant,
    #[schema(value_type = String, format = DateTime)]
    pub received_at: Instant,
    pub inspector: String,
    pub street: String,
    pub house_number: String,
    pub neighbourhood: String,
    pub lat: Option<f64>,
    pub lon: Option<f64>,
    pub building: String,
    pub ownership: String,
    pub units: i32,
    pub damage: String,
    pub estimated_loss_centavos: Option<i64>,
    pub residents: Option<i32>,
    pub displaced: Option<i32>,
    pub homeless: Option<i32>,
    pub risk: Option<String>,
    #[schema(value_type = Option<String>, format = Date)]
    pub inspect_again_by: Option<NaiveDate>,
    pub incident_number: Option<String>,
    /// Interdictions that stand, also those that were made before a correction; they count on the inspection that counts.
    pub forbidden: i64,
    /// Photographs that were announced and not removed, and of them those that are here.
    pub photographs: i64,
    pub arrived: i64,
    pub superseded: bool,
}

/// The newest received first, at most `limit`, before the `before`th that was received.
pub async fn lines(
    conn: &mut PgConnection,
    wish: &Wish<'_>,
    before: Option<(Instant, Uuid)>,
    limit: i64,
) -> sqlx::Result<Vec<Line>> {
    sqlx::query_as!(
        Line,
        r#"with forbidden as (
               select inspection_standing_of(f.inspection_id) as id, count(*) as number from interdiction f where f.state = 'active' group by 1)
           select i.id, i.number, i.observed_at, i.received_at, i.inspector, i.street, i.house_number, i.neighbourhood,
               st_y(i.geom) as lat, st_x(i.geom) as lon, i.building, i.ownership, i.units, i.damage, i.estimated_loss_centavos,
               i.residents, i.displaced, i.homeless, i.risk, i.inspect_again_by, c.number as "incident_number?",
               coalesce(f.number, 0) as "forbidden!",
               (select count(*) from inspection_photograph p where p.inspection_id = i.id and not exists (
                    select from attachment a where a.inspection_photograph_id = p.id and a.removed_at is not null)) as "photographs!",
               (select count(*) from inspection_photograph p join attachment a on a.inspection_photograph_id = p.id
                where p.inspection_id = i.id and a.removed_at is null) as "arrived!",
               exists (select from inspection n where n.supersedes = i.id) as "superseded!"
           from inspection i left join occurrence o on o.id = i.occurrence_id
           left join incident c on c.id = coalesce(i.incident_id, o.incident_id) left join forbidden f on f.id = i.id
           where ($1::text is null or i.risk = $1) and ($2::text is null or i.damage = $2) and ($3::text is null or i.building = $3)
               and ($4::text is null or i.inspector = $4) and ($5::uuid is null or coalesce(i.incident_id, o.incident_id) = $5)
               and ($6::uuid is null or i.occurrence_id = $6) and ($7::uuid is null or i.device_key = $7)
               and (not $8 or f.id is not null)
               and ($9::date is null or i.inspect_again_by <= $9)
               and ($10 or not exists (select from inspection n where n.supersedes = i.id))
               and ($11::timestamptz is null or (i.received_at, i.id) < ($11, $12::uuid))
           order by i.received_at desc, i.id desc limit $13"#,
        wish.risk.map(Risk::as_str),
        wish.damage.map(Damage::as_str),
        wish.building.map(Building::as_str),
        wish.inspector,
        wish.incident,
        wish.occurrence,
        wish.key,
        wish.forbidden,
        wish.due_by,
        wish.all,
        before.map(|(at, _)| at),
        before.map(|(_, id)| id),
        limit
    )
    .fetch_all(conn)
    .await
}

/// What the page says above the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// That count: each building once, however often it was corrected.
    pub standing: i64,
    pub forbidden: i64,
    /// To be repeated by today.
    pub due: i64,
    /// Photographs that are still on telephones.
    pub awaited: i64,
}

pub async fn totals(conn: &mut PgConnection, today: NaiveDate) -> sqlx::Result<Totals> {
    sqlx::query_as!(
        Totals,
        r#"select (select count(*) from inspection_standing) as "standing!",
               (select count(*) from interdiction where state = 'active') as "forbidden!",
               (select count(*) from inspection_standing where inspect_again_by <= $1) as "due!",
               (select count(*) from inspection_photograph p
                where not exists (select from attachment a where a.inspection_photograph_id = p.id)) as "awaited!""#,
        today
    )
    .fetch_one(conn)
    .await
}
