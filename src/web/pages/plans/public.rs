//! What residents read of the plans in force: where to go, and the way there. Contacts and actions are the staff's.

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::json;

use crate::app::App;
use crate::plancon::store::plans as store;
use crate::plancon::{MeetingPoint, Plan, Version};
use crate::web::conditional;
use crate::web::error::ApiError;
use crate::web::pages::page;
use crate::web::pages::view::View;

#[derive(Template)]
#[template(path = "plan_public.html")]
struct PublicPage {
    v: View,
    plans: Vec<(Version, Plan)>,
    areas: Vec<(String, String)>,
}

impl PublicPage {
    fn areas_of(&self, codes: &[String]) -> String {
        let name = |code: &String| self.areas.iter().find(|(known, _)| known == code).map(|(_, name)| name.clone());
        codes.iter().filter_map(name).collect::<Vec<_>>().join(", ")
    }

    fn has_none(&self) -> bool {
        self.plans.iter().all(|(_, plan)| plan.meeting_points.is_empty() && plan.routes.is_empty())
    }

    fn point(&self, plan: &Plan, code: &str) -> String {
        plan.meeting_points.iter().find(|point| point.code == code).map(|point| point.name.clone()).unwrap_or_default()
    }
}

pub async fn show(State(app): State<App>, v: View) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let plans = store::in_force(&mut conn).await?;
    let areas = store::area_names(&mut conn).await?;
    page(&PublicPage { v, plans, areas })
}

fn feature(plan: &str, point: &MeetingPoint) -> serde_json::Value {
    json!({
        "type": "Feature",
        "properties": { "code": point.code, "name": point.name, "address": point.address, "is_shelter": point.is_shelter,
            "areas": point.areas, "plan": plan },
        "geometry": { "type": "Point", "coordinates": [point.lon, point.lat] },
    })
}

/// Meeting points as GeoJSON (RFC 7946), for maps.
pub async fn geojson(State(app): State<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    let plans = store::in_force(&mut *app.db.web.acquire().await?).await?;
    let features: Vec<_> = plans
        .iter()
        .flat_map(|(version, plan)| plan.meeting_points.iter().map(|point| feature(&version.code, point)))
        .collect();
    let body = json!({ "type": "FeatureCollection", "features": features }).to_string();
    Ok(conditional::answer(&headers, "application/geo+json", conditional::SHORT, body))
}
