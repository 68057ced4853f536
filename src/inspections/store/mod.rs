//! Inspections and their photographs in PostgreSQL.

pub mod interdiction;
pub mod list;
pub mod sent;
pub mod today;

use chrono::NaiveDate;
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::check::{Ready, plain};
use super::{NewInspection, NewPhotograph, Point};
use crate::clock::Instant;
use crate::ids::IncidentId;
use crate::media::{MEDIA_TYPE, Picture};

/// What a new row has beside what was sent.
#[derive(Clone, Copy, Debug)]
pub struct NewRow<'a> {
    pub id: Uuid,
    pub number: &'a str,
    pub account: Uuid,
    pub actor: &'a str,
    pub now: Instant,
    pub incident: Option<IncidentId>,
    pub neighbourhood: &'a str,
    pub ready: &'a Ready,
}

pub async fn insert(conn: &mut PgConnection, new: &NewInspection, row: &NewRow<'_>) -> sqlx::Result<()> {
    let (people, suggestion) = (&new.people, row.ready.suggestion.as_ref());
    sqlx::query!(
        "insert into inspection (id, number, device_key, supersedes, correction_reason, occurrence_id, incident_id, observed_at,
             clock_offset_s, received_at, inspector_id, inspector, registry, geom, accuracy_m, street, house_number, complement,
             neighbourhood, building, ownership, units, damage, estimated_loss_centavos, residents, displaced, homeless, dead, injured,
             ill, missing, other_affected, risk, form, answers, suggested_risk, suggested_reasons, opinion, recommendation,
             inspect_again_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,
             case when $14::float8 is null then null else st_setsrid(st_makepoint($14, $15::float8), 4326) end, $16, $17, $18, $19, $20,
             $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41)",
        row.id,
        row.number,
        new.key,
        new.supersedes,
        plain(&new.correction_reason),
        new.occurrence,
        row.incident.map(|id| id.0),
        row.ready.observed_at,
        i32::try_from(row.ready.offset.num_seconds().clamp(i32::MIN.into(), i32::MAX.into())).unwrap_or_default(),
        row.now,
        row.account,
        row.actor,
        plain(&new.registry),
        new.place.map(|place| place.lon),
        new.place.map(|place| place.lat),
        new.place.and_then(|place| place.accuracy_m),
        plain(&new.street),
        plain(&new.house_number),
        plain(&new.complement),
        row.neighbourhood,
        new.building.as_str(),
        new.ownership.as_str(),
        new.units,
        new.damage.as_str(),
        new.estimated_loss_centavos,
        people.residents,
        people.displaced,
        people.homeless,
        people.dead,
        people.injured,
        people.ill,
        people.missing,
        people.other_affected,
        new.risk.map(super::Risk::as_str),
        new.form,
        serde_json::to_value(&new.answers).unwrap_or_default(),
        suggestion.map(|suggested| suggested.risk.as_str()),
        serde_json::json!(suggestion.map(|suggested| suggested.because.clone()).unwrap_or_default()),
        plain(&new.opinion),
        plain(&new.recommendation),
        new.inspect_again_by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The incident of an occurrence; `None` when there is no such occurrence.
pub async fn occurrence(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Option<IncidentId>>> {
    let found =
        sqlx::query_scalar!("select incident_id from occurrence where id = $1", id).fetch_optional(conn).await?;
    Ok(found.map(|incident| incident.map(IncidentId)))
}

/// Until the transaction ends nobody else corrects this one.
pub async fn lock_chain(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('inspection ' || $1::text, 0))", id.to_string())
        .fetch_one(conn)
        .await?;
    Ok(())
}

/// The number of the inspection that corrects this one, if any; `None` when there is no such inspection.
pub async fn corrected_by(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Option<String>>> {
    let row = sqlx::query!(
        r#"select n.number as "number?" from inspection i left join inspection n on n.supersedes = i.id where i.id = $1"#,
        id
    );
    Ok(row.fetch_optional(conn).await?.map(|row| row.number))
}

/// The neighbourhood that a point lies in.
pub async fn neighbourhood(conn: &mut PgConnection, at: Point) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        "select name from neighbourhood where st_intersects(geom, st_setsrid(st_makepoint($1, $2), 4326)) order by name, id limit 1",
        at.lon,
        at.lat
    )
    .fetch_optional(conn)
    .await
}

/// Writes down that a photograph is to come: its id, its inspection and its place among the others.
pub async fn announce(
    conn: &mut PgConnection,
    (id, inspection, at): (Uuid, Uuid, usize),
    new: &NewPhotograph,
    taken_at: Instant,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into inspection_photograph (id, inspection_id, device_key, position, caption, taken_at, geom, accuracy_m, bearing_deg)
         values ($1, $2, $3, $4, $5, $6, case when $7::float8 is null then null else st_setsrid(st_makepoint($7, $8::float8), 4326) end,
             $9, $10)",
        id,
        inspection,
        new.key,
        i32::try_from(at).unwrap_or(i32::MAX),
        plain(&new.caption),
        taken_at,
        new.place.map(|place| place.lon),
        new.place.map(|place| place.lat),
        new.place.and_then(|place| place.accuracy_m),
        new.bearing_deg
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Id and inspection of the photograph that was announced under this key.
pub async fn photograph_of_key(conn: &mut PgConnection, key: Uuid) -> sqlx::Result<Option<(Uuid, Uuid)>> {
    let row = sqlx::query!("select id, inspection_id from inspection_photograph where device_key = $1", key);
    Ok(row.fetch_optional(conn).await?.map(|row| (row.id, row.inspection_id)))
}

/// Keeps the file of an announced photograph. `ids`: of the file, and of the photograph. `by`: who, and when.
pub async fn attach(
    conn: &mut PgConnection,
    ids: (Uuid, Uuid),
    picture: &Picture,
    sha256: &[u8],
    by: (&str, Instant),
) -> sqlx::Result<()> {
    let size = picture.measures();
    sqlx::query!(
        "insert into attachment (id, kind, inspection_photograph_id, media_type, sha256, bytes, width, height, caption, content, thumbnail,
             uploaded_by, created_at)
         select $1, 'photograph', p.id, $3, $4, $5, $6, $7, p.caption, $8, $9, $10, $11 from inspection_photograph p where p.id = $2",
        ids.0,
        ids.1,
        MEDIA_TYPE,
        sha256,
        size.bytes,
        size.width,
        size.height,
        picture.jpeg,
        picture.thumbnail,
        by.0,
        by.1
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A photograph of an inspection without its bytes.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = InspectionPhotograph)]
pub struct Photograph {
    pub id: Uuid,
    pub key: Uuid,
    pub caption: String,
    #[schema(value_type = String, format = DateTime)]
    pub taken_at: Instant,
    pub lat: Option<f64>,
    pub lon: Option<f64>,
    pub accuracy_m: Option<f32>,
    pub bearing_deg: Option<i16>,
    /// Its file is here; otherwise it is still on the telephone, or was removed.
    pub arrived: bool,
    /// Of the file as it was stored, in hexadecimal; stays after a removal.
    pub sha256: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub removed_at: Option<Instant>,
    pub removed_by: Option<String>,
    pub removed_reason: Option<String>,
}

impl Photograph {
    /// Whether its file is still on the telephone.
    pub const fn is_awaited(&self) -> bool {
        !self.arrived && self.removed_at.is_none()
    }
}

/// As they were taken.
pub async fn photographs(conn: &mut PgConnection, inspection: Uuid) -> sqlx::Result<Vec<Photograph>> {
    sqlx::query_as!(
        Photograph,
        r#"select p.id, p.device_key as key, p.caption, p.taken_at, st_y(p.geom) as lat, st_x(p.geom) as lon, p.accuracy_m, p.bearing_deg,
               coalesce(a.removed_at is null and a.id is not null, false) as "arrived!", encode(a.sha256, 'hex') as "sha256?",
               a.removed_at as "removed_at?", a.removed_by as "removed_by?", a.removed_reason as "removed_reason?"
           from inspection_photograph p left join attachment a on a.inspection_photograph_id = p.id
           where p.inspection_id = $1 order by p.position"#,
        inspection
    )
    .fetch_all(conn)
    .await
}

/// Empties the file of a photograph of this inspection. `false` when there is nothing to remove. `by`: who, when and why.
pub async fn remove_photograph(
    conn: &mut PgConnection,
    (inspection, id): (Uuid, Uuid),
    by: (&str, Instant, &str),
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update attachment a set content = null, thumbnail = null, removed_at = $3, removed_by = $4, removed_reason = $5
         from inspection_photograph p where p.id = a.inspection_photograph_id and p.inspection_id = $1 and p.id = $2
             and a.removed_at is null",
        inspection,
        id,
        by.1,
        by.0,
        by.2
    );
    Ok(done.execute(conn).await?.rows_affected() > 0)
}

/// The file of a photograph of this inspection, or its thumbnail.
pub async fn file(
    conn: &mut PgConnection,
    inspection: Uuid,
    id: Uuid,
    thumbnail: bool,
) -> sqlx::Result<Option<Vec<u8>>> {
    let file = sqlx::query_scalar!(
        "select case when $3 then a.thumbnail else a.content end from attachment a
         join inspection_photograph p on p.id = a.inspection_photograph_id where p.inspection_id = $1 and p.id = $2",
        inspection,
        id,
        thumbnail
    );
    Ok(file.fetch_optional(conn).await?.flatten())
}

/// An inspection as it lies there.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Inspection)]
pub struct Inspection {
    pub id: Uuid,
    pub number: String,
    #[schema(value_type = String, format = DateTime)]
    pub observed_at: Instant,
    #[schema(value_type = String, format = DateTime)]
    pub received_at: Instant,
    /// By how many seconds the device's clock was behind.
    pub clock_offset_s: i32,
    /// User name.
    pub inspector: String,
    pub registry: String,
    pub lat: Option<f64>,
    pub lon: Option<f64>,
    pub accuracy_m: Option<f32>,
    pub street: String,
    pub house_number: String,
    pub complement: String,
    pub neighbourhood: String,
    pub building: String,
    pub ownership: String,
    pub units: i32,
    pub damage: String,
    pub estimated_loss_centavos: Option<i64>,
    pub residents: Option<i32>,
    pub displaced: Option<i32>,
    pub homeless: Option<i32>,
    pub dead: Option<i32>,
    pub injured: Option<i32>,
    pub ill: Option<i32>,
    pub missing: Option<i32>,
    pub other_affected: Option<i32>,
    pub risk: Option<String>,
    pub form: String,
    pub answers: Value,
    pub suggested_risk: Option<String>,
    pub suggested_reasons: Value,
    pub opinion: String,
    pub recommendation: String,
    #[schema(value_type = Option<String>, format = Date)]
    pub inspect_again_by: Option<NaiveDate>,
    pub correction_reason: String,
    /// What it corrects.
    pub supersedes: Option<Uuid>,
    pub supersedes_number: Option<String>,
    /// What corrects it.
    pub superseded_by: Option<Uuid>,
    pub superseded_by_number: Option<String>,
    pub occurrence_id: Option<Uuid>,
    pub occurrence_number: Option<String>,
    pub incident_id: Option<Uuid>,
    pub incident_number: Option<String>,
}

impl Inspection {
    /// Street, number and what is added.
    pub fn address(&self) -> String {
        let parts = [&self.street, &self.house_number, &self.complement];
        parts.into_iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(", ")
    }
}

pub async fn load(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Inspection>> {
    sqlx::query_as!(
        Inspection,
        r#"select i.id, i.number, i.observed_at, i.received_at, i.clock_offset_s, i.inspector, i.registry, st_y(i.geom) as lat,
               st_x(i.geom) as lon, i.accuracy_m, i.street, i.house_number, i.complement, i.neighbourhood, i.building, i.ownership,
               i.units, i.damage, i.estimated_loss_centavos, i.residents, i.displaced, i.homeless, i.dead, i.injured, i.ill, i.missing,
               i.other_affected, i.risk, i.form, i.answers, i.suggested_risk, i.suggested_reasons, i.opinion, i.recommendation,
               i.inspect_again_by, i.correction_reason, i.supersedes, b.number as "supersedes_number?", n.id as "superseded_by?",
               n.number as "superseded_by_number?", i.occurrence_id, o.number as "occurrence_number?",
               coalesce(i.incident_id, o.incident_id) as incident_id, c.number as "incident_number?"
           from inspection i left join inspection b on b.id = i.supersedes left join inspection n on n.supersedes = i.id
           left join occurrence o on o.id = i.occurrence_id left join incident c on c.id = coalesce(i.incident_id, o.incident_id)
           where i.id = $1"#,
        id
    )
    .fetch_optional(conn)
    .await
}
