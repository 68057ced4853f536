//! The real alerts in force as GeoJSON (RFC 7946), with the properties that CAP 1.2 gives them.

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;
use chrono::SecondsFormat;
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::{Notice, status};
use crate::app::App;
use crate::cobrade::Cobrade;
use crate::web::conditional::{self, SHORT};
use crate::web::error::ApiError;

pub fn routes() -> Router<App> {
    Router::new().route("/alerts/active.geojson", get(active))
}

/// One feature an alert, the worst first; where it holds as one valid MultiPolygon, outlines counter-clockwise. Exercises, tests,
/// system messages and whatever is over are not in it.
async fn active(State(app): State<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let present = status::present(&mut conn, app.clock.now(), super::TOWNS_OWN).await?;
    let grounds = grounds(&mut conn, &present.alerts).await?;
    drop(conn);
    let mut features = Vec::with_capacity(grounds.len());
    for ground in &grounds {
        if let Some(alert) = present.alerts.iter().find(|alert| alert.id.0 == ground.id) {
            features.push(feature(&app, alert, ground));
        }
    }
    // Foreign members (RFC 7946, section 6.1): an empty list alone would not tell "none" from "not known".
    let mut collection = json!({
        "type": "FeatureCollection",
        "features": features,
        "state": present.state,
        "checked_at": present.checked_at,
    });
    if let Some(bbox) = around(&grounds.iter().filter_map(Ground::bbox).collect::<Vec<_>>()) {
        collection["bbox"] = json!(bbox);
    }
    Ok(conditional::answer(&headers, "application/geo+json", SHORT, collection.to_string()))
}

/// Where an alert holds, and what only its message says.
struct Ground {
    id: uuid::Uuid,
    kind: String,
    severity: String,
    urgency: String,
    certainty: String,
    sender: String,
    sent: String,
    geometry: Option<Value>,
    west: Option<f64>,
    south: Option<f64>,
    east: Option<f64>,
    north: Option<f64>,
}

impl Ground {
    fn bbox(&self) -> Option<[f64; 4]> {
        let corners = self.west.zip(self.south).zip(self.east.zip(self.north));
        corners.map(|((west, south), (east, north))| [west, south, east, north].map(rounded))
    }
}

/// In the order of the alerts.
async fn grounds(conn: &mut PgConnection, alerts: &[Notice]) -> sqlx::Result<Vec<Ground>> {
    let ids: Vec<uuid::Uuid> = alerts.iter().map(|alert| alert.id.0).collect();
    sqlx::query_as!(
        Ground,
        r#"with ground as (
               select a.*, array_position($1::uuid[], a.id) as place,
                      (select st_multi(st_collectionextract(st_unaryunion(st_collect(t.geom)), 3))
                       from alert_target t where t.alert_id = a.id) as geom
               from alert_public a where a.id = any($1))
           select id as "id!", kind as "kind!", severity as "severity!", urgency as "urgency!", certainty as "certainty!",
                  cap_sender as "sender!", cap_sent as "sent!",
                  st_asgeojson(st_forcepolygonccw(geom), 6)::jsonb as "geometry?: Value",
                  st_xmin(geom) as west, st_ymin(geom) as south, st_xmax(geom) as east, st_ymax(geom) as north
           from ground order by place"#,
        &ids
    )
    .fetch_all(conn)
    .await
}

fn feature(app: &App, alert: &Notice, ground: &Ground) -> Value {
    let town = &app.config.municipality;
    let web = format!("{}/alerts/{}", app.config.public_url(), alert.identifier);
    let cobrade = alert.cobrade.parse::<Cobrade>().ok();
    let expires = alert.expires_at.with_timezone(&town.time_zone).to_rfc3339_opts(SecondsFormat::Secs, false);
    let mut feature = json!({
        "type": "Feature",
        "id": alert.identifier,
        "geometry": ground.geometry,
        "properties": {
            "identifier": alert.identifier,
            "sender": ground.sender,
            "sent": ground.sent,
            "status": "Actual",
            "msgType": if ground.kind == "update" { "Update" } else { "Alert" },
            "scope": "Public",
            "language": alert.language,
            "category": cobrade.map_or("Other", Cobrade::cap_category),
            "event": cobrade.map_or("", Cobrade::name),
            "eventCode": { "COBRADE": alert.cobrade },
            "urgency": ground.urgency,
            "severity": ground.severity,
            "certainty": ground.certainty,
            "expires": expires,
            "senderName": town.sender_name,
            "headline": alert.headline,
            "description": alert.description,
            "instruction": alert.instruction,
            "web": web,
            "contact": town.contact,
            "areaDesc": alert.areas.join(", "),
            "level": alert.level,
            "number": alert.number,
            "cap": format!("{web}.xml"),
            "map": format!("{web}/map.png"),
        },
    });
    if let Some(bbox) = ground.bbox() {
        feature["bbox"] = json!(bbox);
    }
    feature
}

fn around(boxes: &[[f64; 4]]) -> Option<[f64; 4]> {
    boxes.iter().copied().reduce(|a, b| [a[0].min(b[0]), a[1].min(b[1]), a[2].max(b[2]), a[3].max(b[3])])
}

/// Seven decimals are a centimetre.
fn rounded(degrees: f64) -> f64 {
    (degrees * 1e7).round() / 1e7
}
