//! Residents' places and what they want to hear.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::acts::corrected;
use super::visitor::Act;
use super::{done, wrong};
use crate::app::App;
use crate::residents::desk::add_place;
use crate::residents::locate::{Given, Located, locate};
use crate::residents::signup::LABEL_MAX;
use crate::residents::store::place::{self, Added};
use crate::residents::store::{own as store, signup};
use crate::web::error::ApiError;
use crate::web::pages::cadastro::form::preferences;

const PLACE_MAX: usize = 300;

#[derive(Deserialize)]
pub struct Place {
    #[serde(default)]
    place: String,
    #[serde(default)]
    label: String,
    #[serde(default)]
    people: String,
}

pub async fn add(State(app): State<App>, Act { visitor, form }: Act<Place>) -> Result<Response, ApiError> {
    let (text, label) = (form.place.trim(), form.label.trim());
    if text.is_empty() || text.chars().count() > PLACE_MAX || label.chars().count() > LABEL_MAX {
        return Ok(wrong("where"));
    }
    let label = if label.is_empty() { text.chars().take(LABEL_MAX).collect() } else { label.to_owned() };
    let people = form.people.trim().parse().unwrap_or(1).clamp(1, 50);
    let mut tx = app.db.web.begin().await?;
    let given = Given { text, label: &label, people, ..Given::default() };
    let new = match locate(&mut tx, given).await? {
        Located::There(new) => new,
        Located::Which(_) => return Ok(wrong("several")),
        Located::Unknown => return Ok(wrong("where")),
        Located::Far => return Ok(wrong("far")),
    };
    match add_place(&mut tx, visitor.id(), &new).await? {
        Added::Known => return Ok(done("same")),
        Added::Full => return Ok(wrong("full")),
        Added::New => {}
    }
    store::own_word(&mut tx, app.clock.now(), visitor.id()).await?;
    corrected(&mut tx, &app, &visitor, &["place_added"]).await?;
    tx.commit().await?;
    Ok(done("places"))
}

#[derive(Deserialize)]
pub struct Label {
    #[serde(default)]
    label: String,
}

/// The last place may go as well: whoever has none is told so on the page, and hears nothing until there is another.
pub async fn remove(State(app): State<App>, Act { visitor, form }: Act<Label>) -> Result<Response, ApiError> {
    let now = app.clock.now();
    let mut tx = app.db.web.begin().await?;
    if !place::remove(&mut tx, now, visitor.id(), &form.label).await? {
        return Ok(done("same"));
    }
    store::own_word(&mut tx, now, visitor.id()).await?;
    corrected(&mut tx, &app, &visitor, &["place_removed"]).await?;
    tx.commit().await?;
    Ok(done("places"))
}

#[derive(Deserialize)]
pub struct Wanted {
    #[serde(default)]
    least_level: String,
    #[serde(default)]
    quiet_from: String,
    #[serde(default)]
    quiet_until: String,
}

pub async fn prefer(State(app): State<App>, Act { visitor, form }: Act<Wanted>) -> Result<Response, ApiError> {
    let Ok(wanted) = preferences(&form.least_level, &form.quiet_from, &form.quiet_until) else {
        return Ok(wrong("preferences"));
    };
    let mut tx = app.db.web.begin().await?;
    if signup::chosen(&mut tx, visitor.id()).await?.0 == wanted {
        return Ok(done("same"));
    }
    let zone = app.config.municipality.time_zone;
    signup::prefer(&mut tx, visitor.id(), wanted, zone.name()).await?;
    store::own_word(&mut tx, app.clock.now(), visitor.id()).await?;
    corrected(&mut tx, &app, &visitor, &["preferences"]).await?;
    tx.commit().await?;
    Ok(done("corrected"))
}
