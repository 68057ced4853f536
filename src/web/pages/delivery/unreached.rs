//! Whom nothing reached: by area in a table, by square on the map.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

use super::words::Words as _;
use crate::accounts::Permission;
use crate::alerts::store::AlertRow;
use crate::app::App;
use crate::dispatch::unreached::Unreached;
use crate::ids::{AlertId, AreaId};
use crate::web::auth::{May, can};
use crate::web::error::ApiError;
use crate::web::pages::alerts;
use crate::web::pages::drawing::{self, MapWish};
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::{Markup, View};

#[derive(Template)]
#[template(path = "delivery_unreached.html")]
struct UnreachedPage {
    f: Frame,
    a: AlertRow,
    u: Arc<Unreached>,
    map: Markup,
    /// Of the live map: its bounds, the version of its tiles, and the areas of the alert.
    bounds: String,
    version: String,
    chosen: String,
    /// Squares and areas with fewer than three are kept back from this reader.
    masked: bool,
}

pub async fn show(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    v: View,
    Path(id): Path<uuid::Uuid>,
) -> Result<Response, ApiError> {
    let id = AlertId(id);
    let mut conn = app.db.web.acquire().await?;
    let a = alerts::load(&mut conn, id).await?;
    drop(conn);
    let masked = !v.may(Permission::SeeResidents);
    let found = app.deliveries.unreached(&app, id).await?;
    let mut conn = app.db.web.acquire().await?;
    let u = if masked { Arc::new(found.for_the_many()) } else { found };
    let areas: Vec<AreaId> = a.areas.iter().map(|area| area.area_id).collect();
    let squares: Vec<([f64; 4], i64)> = u.squares.iter().map(|square| (square.bounds(), square.people)).collect();
    let wish = MapWish { chosen: &areas, zoom_to_chosen: true, squares: &squares, ..MapWish::default() };
    let map = drawing::map(&mut conn, &v, wish).await?;
    let bounds = crate::alerts::shape::store::bounds(&mut conn, id).await?;
    let bounds = bounds.map_or_else(|| "null".to_owned(), |[w, s, e, n]| format!("[[{w},{s}],[{e},{n}]]"));
    let version = crate::web::situation::level_version(&mut conn).await?;
    let chosen = areas.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let f = Frame::load(&mut conn, &app, v, "alerts").await?;
    page(&UnreachedPage { f, a: a.row, u, map, bounds, version, chosen, masked })
}
