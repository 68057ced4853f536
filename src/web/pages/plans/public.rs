//! What residents read of the plans in force and of the register of shelters: where to go, and the way there. Contacts, keys and actions
//! are the staff's.

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::json;

use crate::app::App;
use crate::config::AlertStatus;
use crate::plancon::store::plans as store;
use crate::plancon::{MeetingPoint, Plan, Version};
use crate::shelters::Shelter;
use crate::shelters::life::State as Standing;
use crate::web::conditional;
use crate::web::error::ApiError;
use crate::web::pages::drawing::{self, MapWish, Pin};
use crate::web::pages::page;
use crate::web::pages::view::{Markup, View};

#[derive(Template)]
#[template(path = "plan_public.html")]
struct PublicPage {
    v: View,
    plans: Vec<Told>,
    areas: Vec<(String, String)>,
    /// Every shelter of the register, those that are open first, with its number on the map.
    shelters: Vec<(usize, Shelter)>,
    map: Markup,
}

/// A plan with the numbers of its meeting points on the map.
struct Told {
    version: Version,
    plan: Plan,
    points: Vec<(usize, MeetingPoint)>,
}

impl PublicPage {
    fn areas_of(&self, codes: &[String]) -> String {
        let name = |code: &String| self.areas.iter().find(|(known, _)| known == code).map(|(_, name)| name.clone());
        codes.iter().filter_map(name).collect::<Vec<_>>().join(", ")
    }

    fn stands(&self, shelter: &Shelter) -> &'static str {
        stands(&self.v, shelter).as_str()
    }

    fn is_open(&self, shelter: &Shelter) -> bool {
        shelter.is_open_to_all(self.v.status)
    }

    fn has_none(&self) -> bool {
        self.shelters.is_empty() && self.plans.iter().all(|told| told.points.is_empty() && told.plan.routes.is_empty())
    }

    fn point(&self, plan: &Plan, code: &str) -> String {
        plan.meeting_points.iter().find(|point| point.code == code).map(|point| point.name.clone()).unwrap_or_default()
    }
}

/// Meeting points first, then shelters, each with a number of its own.
fn numbered(plans: Vec<(Version, Plan)>, shelters: Vec<Shelter>) -> (Vec<Told>, Vec<(usize, Shelter)>) {
    let mut next = 1..;
    let told = plans.into_iter().map(|(version, plan)| {
        // The points lead: a number is taken only for one that is there.
        let points = plan.meeting_points.iter().cloned().zip(next.by_ref()).map(|(point, n)| (n, point)).collect();
        Told { version, plan, points }
    });
    let told = told.collect();
    (told, next.zip(shelters).collect())
}

/// As residents are told: one that is opened for an exercise is closed to them.
fn stands(v: &View, shelter: &Shelter) -> Standing {
    if shelter.drill && v.status == AlertStatus::Actual { Standing::Closed } else { shelter.state }
}

fn pins(v: &View, plans: &[Told], shelters: &[(usize, Shelter)]) -> Vec<Pin> {
    let points = plans.iter().flat_map(|told| &told.points).map(|(number, point)| Pin {
        lon: point.lon,
        lat: point.lat,
        number: *number,
        kind: "meeting",
        href: format!("#p{number}"),
        label: format!("{number}. {}", point.name),
    });
    let houses = shelters.iter().map(|(number, shelter)| Pin {
        lon: shelter.what.spot.lon,
        lat: shelter.what.spot.lat,
        number: *number,
        kind: if shelter.is_open_to_all(v.status) { "shelter open" } else { "shelter" },
        href: format!("#p{number}"),
        label: format!("{number}. {} ({})", shelter.what.name, v.word("shelter-state", stands(v, shelter).as_str())),
    });
    points.chain(houses).collect()
}

pub async fn show(State(app): State<App>, v: View) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let plans = store::in_force(&mut conn).await?;
    let areas = store::area_names(&mut conn).await?;
    let mut shelters = crate::shelters::store::list(&mut conn).await?;
    shelters.sort_by_key(|shelter| !shelter.is_open_to_all(v.status));
    let (plans, shelters) = numbered(plans, shelters);
    let pins = pins(&v, &plans, &shelters);
    let map = if pins.is_empty() {
        Markup::default()
    } else {
        drawing::map(&mut conn, &v, MapWish { pins: &pins, ..MapWish::default() }).await?
    };
    page(&PublicPage { v, plans, areas, shelters, map })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Instant;
    use crate::plancon::PlanState;

    #[test]
    fn numbers_of_the_map_go_on_from_plan_to_plan() {
        let plan = crate::plancon::file::read(include_str!("../../../../config/plancon/example.toml")).unwrap();
        let version = |number| Version {
            id: uuid::Uuid::nil(),
            code: "chuvas".into(),
            number,
            state: PlanState::InForce,
            revision: 1,
            title: plan.title.clone(),
            changed_at: Instant::default(),
            changed_by: "ana".into(),
            in_force_at: None,
            approved_by: None,
            review_on: None,
            ended_at: None,
        };
        let each = plan.meeting_points.len();
        assert!(each > 0);
        let (told, _) = numbered(vec![(version(1), plan.clone()), (version(2), plan.clone())], Vec::new());
        let numbers: Vec<usize> = told.iter().flat_map(|told| told.points.iter().map(|(number, _)| *number)).collect();
        assert_eq!(numbers, (1..=2 * each).collect::<Vec<_>>());
    }
}
