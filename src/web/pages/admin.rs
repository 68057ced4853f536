//! The way to everything that runs the service itself: who works here, what connects, what was done, what is kept.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use super::frame::Frame;
use super::page;
use super::view::View;
use crate::accounts::Permission;
use crate::app::App;
use crate::web::error::ApiError;

pub fn routes() -> Router<App> {
    Router::new().route("/console/admin", get(show))
}

/// One page a person may go to. Its texts are `admin-KEY` and `admin-KEY-text`.
struct Card {
    key: &'static str,
    href: &'static str,
    needs: Permission,
}

const CARDS: &[Card] = &[
    // One line a card, in the order of the page.
    Card { key: "devices", href: "/console/devices", needs: Permission::ManageDevices },
    Card { key: "endpoints", href: "/console/endpoints", needs: Permission::SeeConsole },
    Card { key: "feeds", href: "/console/feeds", needs: Permission::SeeConsole },
    Card { key: "institutions", href: "/console/institutions", needs: Permission::SeeResidents },
    Card { key: "series", href: "/console/series", needs: Permission::ManageStaff },
    Card { key: "staff", href: "/console/staff", needs: Permission::ManageStaff },
    Card { key: "tokens", href: "/console/tokens", needs: Permission::OwnAccount },
    Card { key: "privacy", href: "/console/privacy", needs: Permission::ManagePrivacy },
    Card { key: "audit", href: "/console/audit", needs: Permission::ReadAudit },
];

#[derive(Template)]
#[template(path = "admin.html")]
struct AdminPage {
    f: Frame,
    cards: Vec<&'static Card>,
}

async fn show(State(app): State<App>, v: View) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let cards = CARDS.iter().filter(|card| v.may(card.needs)).collect();
    let f = Frame::load(&mut conn, &app, v, "admin").await?;
    page(&AdminPage { f, cards })
}
