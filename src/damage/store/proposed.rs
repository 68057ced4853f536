//! What inspections and shelters say of an incident.

use sqlx::PgConnection;

use crate::clock::Instant;
use crate::damage::figures::{Inspected, Proposal, of_shelters};
use crate::damage::lines::Line;
use crate::ids::IncidentId;
use crate::shelters::store::count::{self, Whose};
use crate::shelters::totals;

/// Inspections of one incident, at most: what is beyond is not proposed.
const MOST: i64 = 20_000;
/// Ten-thousandths of a degree.
const STEP: f64 = 10_000.0;

/// The inspections of an incident that stand, by the time they were made.
pub async fn inspections(conn: &mut PgConnection, incident: IncidentId) -> sqlx::Result<Vec<Inspected>> {
    let rows = sqlx::query!(
        r#"select id as "id!", number as "number!", observed_at as "observed_at!", building as "building!", units as "units!",
               damage as "damage!", estimated_loss_centavos, street as "street!", house_number as "house_number!",
               complement as "complement!", st_x(geom) as lon, st_y(geom) as lat, dead, injured, ill, homeless, displaced, missing,
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
            house_number: row.house_number,
            complement: row.complement,
            spot: row.lon.zip(row.lat).map(|(lon, lat)| (step(lon), step(lat))),
            persons: persons.into_iter().filter_map(|(line, persons)| Some((line, i64::from(persons?)))).collect(),
        }
    });
    Ok(all.collect())
}

/// Desabrigados and desalojados at an instant; nothing when no shelter was opened and no family registered for the incident.
pub async fn shelters(conn: &mut PgConnection, incident: IncidentId, at: Instant) -> sqlx::Result<Vec<Proposal>> {
    let is_known = sqlx::query_scalar!(
        r#"select exists (select from shelter_opening where incident_id = $1) or exists (select from household where incident_id = $1) as "known!""#,
        incident.0
    )
    .fetch_one(&mut *conn)
    .await?;
    if !is_known {
        return Ok(Vec::new());
    }
    let sheltered = count::by_shelter(&mut *conn, (at, at), Whose::incident(incident.0)).await?;
    let elsewhere = count::elsewhere(conn, (at, at), Whose::incident(incident.0)).await?;
    Ok(of_shelters(totals::sum(&sheltered).all(), elsewhere.heads.all()))
}
