//! Inspections as lines of CSV, for spreadsheets of the staff. Pure. Nobody is named in it but the inspector.

use chrono::SecondsFormat;
use chrono_tz::Tz;

use super::store::list::Line;
use crate::cells::cell;
use crate::clock::Instant;

/// Lines of one file.
pub const MOST: i64 = 20_000;

pub const HEAD: &str = "number,observed_at,received_at,inspector,street,house_number,neighbourhood,lat,lon,building,ownership,units,\
    damage,estimated_loss,residents,displaced,homeless,risk,inspect_again_by,interdictions,photographs,incident\r\n";

/// One line an inspection; times in the town's zone, money in reais. What nobody said is empty, and not nought.
pub fn line(row: &Line, tz: Tz) -> String {
    let at = |at: Instant| at.with_timezone(&tz).to_rfc3339_opts(SecondsFormat::Secs, false);
    let degrees = |value: Option<f64>| value.map(|value| format!("{value:.6}")).unwrap_or_default();
    let whole = |value: Option<i32>| value.map(|value| value.to_string()).unwrap_or_default();
    let reais = |centavos: i64| format!("{}.{:02}", centavos / 100, centavos % 100);
    let cells = [
        row.number.clone(),
        at(row.observed_at),
        at(row.received_at),
        cell(&row.inspector),
        cell(&row.street),
        cell(&row.house_number),
        cell(&row.neighbourhood),
        degrees(row.lat),
        degrees(row.lon),
        row.building.clone(),
        row.ownership.clone(),
        row.units.to_string(),
        row.damage.clone(),
        row.estimated_loss_centavos.map(reais).unwrap_or_default(),
        whole(row.residents),
        whole(row.displaced),
        whole(row.homeless),
        row.risk.clone().unwrap_or_default(),
        row.inspect_again_by.map(|day| day.to_string()).unwrap_or_default(),
        row.forbidden.to_string(),
        row.arrived.to_string(),
        row.incident_number.clone().unwrap_or_default(),
    ];
    cells.join(",") + "\r\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_and_what_nobody_said_is_empty() {
        let at = chrono::DateTime::UNIX_EPOCH;
        let row = Line {
            id: uuid::Uuid::nil(),
            number: "2026/001".into(),
            observed_at: at,
            received_at: at,
            inspector: "ana".into(),
            street: "=1+1".into(),
            house_number: "1, fundos".into(),
            neighbourhood: String::new(),
            lat: Some(-21.75),
            lon: None,
            building: "housing".into(),
            ownership: "private".into(),
            units: 2,
            damage: "destroyed".into(),
            estimated_loss_centavos: Some(123_405),
            residents: Some(0),
            displaced: None,
            homeless: None,
            risk: Some("R4".into()),
            inspect_again_by: None,
            incident_number: None,
            forbidden: 1,
            photographs: 3,
            arrived: 2,
            superseded: false,
        };
        let text = line(&row, chrono_tz::America::Sao_Paulo);
        assert_eq!(
            text,
            "2026/001,1969-12-31T21:00:00-03:00,1969-12-31T21:00:00-03:00,ana,'=1+1,\"1, fundos\",,-21.750000,,housing,private,2,\
             destroyed,1234.05,0,,,R4,,1,2,\r\n"
        );
        assert_eq!(text.matches(',').count() - 1, HEAD.matches(',').count());
    }
}
