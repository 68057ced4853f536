//! What inspections and shelters say of an incident.

use sqlx::PgConnection;

use crate::clock::Instant;
use crate::damage::figures::{Inspected, Peak, Proposal, of_shelters};
use crate::damage::lines::Line;
use crate::ids::IncidentId;

/// Inspections of one incident, at most: what is beyond is not proposed.
const MOST: i64 = 20_000;
/// Ten-thousandths of a degree.
const STEP: f64 = 10_000.0;

/// The inspections of an incident that stand, by the time they were made.
pub async fn inspections(conn: &mut PgConnection, incident: IncidentId) -> sqlx::Result<Vec<Inspected>> {
    let rows = sqlx::query!(
        r#"select id as "id!", number as "number!", observed_at as "observed_at!", building as "building!", units as "units!",
               damage as "damage!", estimated_loss_centavos, street as "street!", neighbourhood as "neighbourhood!",
               house_number as "house_number!", complement as "complement!", st_x(geom) as lon, st_y(geom) as lat, dead, injured, ill, homeless, displaced, missing,
               other_affected
           from inspection_standing where of_incident_id = $1 order by observed_at, id limit $2"#,
        incident.0,
        MOST
    )
    .fetch_all(conn)
    .await?;
    #[allow(clippy::cast_possible_truncation, reason = "degrees are small")]
    let step = |degrees: f64| (degrees * STEP).round() as i64;
    let all = rows.into_iter().map(|row| {
        let persons = [
            (Line::Dead, row.dead),
            (Line::Injured, row.injured),
            (Line::Ill, row.ill),
            (Line::Homeless, row.homeless),
            (Line::Displaced, row.displaced),
            (Line::Missing, row.missing),
            (Line::OtherAffected, row.other_affected),
        ];
        Inspected {
            id: row.id,
            number: row.number,
            observed_at: row.observed_at,
            // "other" has no line.
            building: row.building.parse().ok(),
            units: row.units.into(),
            damage: row.damage,
            centavos: row.estimated_loss_centavos,
            street: row.street,
            neighbourhood: row.neighbourhood,
            house_number: row.house_number,
            complement: row.complement,
            spot: row.lon.zip(row.lat).map(|(lon, lat)| (step(lon), step(lat))),
            persons: persons.into_iter().filter_map(|(line, persons)| Some((line, i64::from(persons?)))).collect(),
        }
    });
    Ok(all.collect())
}

/// Desabrigados and desalojados, as many as there were at once between the disaster and now: a disaster's total is who needed shelter, and
/// not who is there still. Nothing when no shelter was opened and no family registered for the incident.
pub async fn shelters(
    conn: &mut PgConnection,
    incident: IncidentId,
    (since, now): (Instant, Instant),
) -> sqlx::Result<Vec<Proposal>> {
    let is_known = sqlx::query_scalar!(
        r#"select exists (select from shelter_opening where incident_id = $1) or exists (select from household where incident_id = $1) as "known!""#,
        incident.0
    )
    .fetch_one(&mut *conn)
    .await?;
    if !is_known {
        return Ok(Vec::new());
    }
    let homeless = peak(&mut *conn, incident, (since, now), true).await?;
    let displaced = peak(conn, incident, (since, now), false).await?;
    Ok(of_shelters(homeless, displaced))
}

/// The most persons at once, in shelters or elsewhere, and the last instant from which they were that many. An undone stay never was.
async fn peak(
    conn: &mut PgConnection,
    incident: IncidentId,
    (since, now): (Instant, Instant),
    in_shelters: bool,
) -> sqlx::Result<Peak> {
    let row = sqlx::query!(
        r#"with span as (
               select greatest(t.from_at, $2) as from_at, t.until_at
               from stay t join displaced_person p on p.id = t.person_id join household h on h.id = p.household_id
               left join shelter_opening o on o.id = t.opening_id
               where (t.host is null) = $4 and coalesce(o.incident_id, h.incident_id) = $1 and t.ended_as is distinct from 'undone'
                   and t.from_at <= $3 and (t.until_at is null or t.until_at > $2)),
           step as (
               select from_at as at, 1 as many from span
               union all select until_at, -1 from span where until_at <= $3),
           run as (select at, sum(sum(many)) over (order by at) as heads from step group by at)
           select at as "at!", heads::bigint as "heads!" from run order by heads desc, at desc limit 1"#,
        incident.0,
        since,
        now,
        in_shelters
    )
    .fetch_optional(conn)
    .await?;
    // Nobody at any time is nobody now.
    Ok(row.filter(|row| row.heads > 0).map_or((0, now), |row| (row.heads, row.at)))
}
