//! The real alerts in force as GeoJSON (RFC 7946), with the properties that CAP 1.2 gives them.

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;
use serde_json::{Value, json};

use super::status;
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
    let now = app.clock.now();
    let present = status::present(&mut conn, now, super::TOWNS_OWN).await?;
    let ids: Vec<uuid::Uuid> = present.alerts.iter().map(|alert| alert.id.0).collect();
    let rows = sqlx::query!(
        r#"with ground as (
               select a.id, a.kind, a.status, a.severity, a.urgency, a.certainty, a.cap_sender, a.cap_sent, a.expires_at,
                      array_position($1::uuid[], a.id) as place,
                      (select st_multi(st_collectionextract(st_unaryunion(st_collect(t.geom)), 3)) from alert_target t where t.alert_id = a.id) as geom
               from alert_public a where a.id = any($1))
           select id as "id!", kind as "kind!", severity as "severity!", urgency as "urgency!", certainty as "certainty!",
                  cap_sender as "sender!", cap_sent as "sent!", place as "place!",
                  st_asgeojson(st_forcepolygonccw(geom), 6)::jsonb as "geometry?: Value",
                  st_xmin(geom) as west, st_ymin(geom) as south, st_xmax(geom) as east, st_ymax(geom) as north
           from ground order by place"#,
        &ids
    )
    .fetch_all(&mut *conn)
    .await?;
    drop(conn);
    let base = app.config.public_url();
    let town = &app.config.municipality;
    let mut boxes = Vec::new();
    let mut features = Vec::new();
    for (row, alert) in rows.into_iter().zip(&present.alerts) {
        let bbox =
            row.west.zip(row.south).zip(row.east.zip(row.north)).map(|((w, s), (e, n))| [w, s, e, n].map(rounded));
        let web = format!("{base}/alerts/{}", alert.identifier);
        let cobrade = alert.cobrade.parse::<Cobrade>().ok();
        let mut feature = json!({
            "type": "Feature",
            "id": alert.identifier,
            "geometry": row.geometry,
            "properties": {
                "identifier": alert.identifier,
                "sender": row.sender,
                "sent": row.sent,
                "status": "Actual",
                "msgType": if row.kind == "update" { "Update" } else { "Alert" },
                "scope": "Public",
                "language": alert.language,
                "category": cobrade.map_or("Other", Cobrade::cap_category),
                "event": cobrade.map_or("", Cobrade::name),
                "eventCode": { "COBRADE": alert.cobrade },
                "urgency": row.urgency,
                "severity": row.severity,
                "certainty": row.certainty,
                "expires": alert.expires_at.with_timezone(&town.time_zone).to_rfc3339_opts(chrono::SecondsFormat::Secs, false),
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
        if let Some(bbox) = bbox {
            boxes.push(bbox);
            feature["bbox"] = json!(bbox);
        }
        features.push(feature);
    }
    // Foreign members (RFC 7946, section 6.1): an empty list alone would not tell "none" from "not known".
    let mut collection = json!({
        "type": "FeatureCollection",
        "features": features,
        "state": present.state,
        "checked_at": present.checked_at,
    });
    if let Some(bbox) = around(&boxes) {
        collection["bbox"] = json!(bbox);
    }
    Ok(conditional::answer(&headers, "application/geo+json", SHORT, collection.to_string()))
}

fn around(boxes: &[[f64; 4]]) -> Option<[f64; 4]> {
    boxes.iter().copied().reduce(|a, b| [a[0].min(b[0]), a[1].min(b[1]), a[2].max(b[2]), a[3].max(b[3])])
}

/// Seven decimals are a centimetre.
fn rounded(degrees: f64) -> f64 {
    (degrees * 1e7).round() / 1e7
}
