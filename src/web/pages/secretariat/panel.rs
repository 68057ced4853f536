//! `/secretaria/painel`: how every module stands, what awaits the mayor, and what is late.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use super::super::frame::{Frame, has_pages};
use super::super::page;
use super::super::view::View;
use crate::app::App;
use crate::secretariat::kernel::desk::{self, Desk};
use crate::secretariat::kernel::store::figures;
use crate::secretariat::kernel::store::lists::{Filter, Listed};
use crate::secretariat::modules::{MODULES, Module};
use crate::web::auth::{May, can};
use crate::web::error::ApiError;

/// Rows of what awaits and of what is late.
const SHOWN: i64 = 20;

pub fn routes() -> Router<App> {
    Router::new().route("/secretaria/painel", get(show))
}

struct Tile {
    module: &'static Module,
    open: i64,
    late: i64,
    near: i64,
    /// Whoever reads works there.
    own: bool,
    /// Its procedures are cases, so that they can be counted.
    has_cases: bool,
    /// It has pages of its own, or cases.
    is_there: bool,
}

#[derive(Template)]
#[template(path = "secretariat/sec_panel.html")]
struct PanelPage {
    f: Frame,
    tiles: Vec<Tile>,
    sections: Vec<Section>,
}

/// Cases of all modules under a heading.
struct Section {
    title: &'static str,
    none: &'static str,
    rows: Vec<Listed>,
}

impl PanelPage {
    fn is_late(&self, one: &Listed) -> bool {
        one.is_late(self.f.v.now)
    }
}

async fn show(State(app): State<App>, staff: May<can::SeeSecretariat>, v: View) -> Result<Response, ApiError> {
    let (actor, who) = (staff.actor(), desk::who(&staff));
    let desk = Desk::of(&app, &actor, &who);
    let mut conn = app.db.web.acquire().await?;
    let standings = figures::standings(&mut conn, &who.name, (v.now, desk.at().today())).await?;
    let mut tiles: Vec<Tile> = MODULES
        .iter()
        .map(|module| {
            let stands = standings.iter().find(|one| one.module == module.key());
            let (open, late, near) = stands.map_or((0, 0, 0), |one| (one.open, one.late, one.near));
            let has_cases = app.cases.of_module(module.key()).next().is_some();
            let is_there = has_cases || has_pages(module);
            Tile { module, open, late, near, own: is_there && who.has(module.key()), has_cases, is_there }
        })
        .collect();
    tiles.sort_by_key(|tile| (!tile.own, !tile.is_there));
    let open = Filter { open: Some(true), limit: SHOWN, ..Filter::default() };
    let awaits = desk::list(&mut conn, desk, Filter { waits_for: Some("mayor".into()), ..open.clone() }).await?;
    let late = desk::list(&mut conn, desk, Filter { late: true, ..open }).await?;
    let f = Frame::load(&mut conn, &app, v, "secretariat").await?;
    let sections = vec![
        Section { title: "sec-awaits", none: "sec-awaits-none", rows: awaits },
        Section { title: "sec-late", none: "sec-late-none", rows: late },
    ];
    page(&PanelPage { f, tiles, sections })
}
