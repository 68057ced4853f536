//! What residents do with what is held of them. Each act is one transaction with its line in the audit, which names the
//! fields and never what is in them.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::Datelike as _;
use serde::Deserialize;
use serde_json::json;
use sqlx::PgConnection;

use super::told::{What, tell};
use super::visitor::{Act, Visitor};
use super::{HOME, done, wrong};
use crate::app::App;
use crate::audit::{self, Entry};
use crate::catalogue::geometry_check::point;
use crate::ids::ResidentId;
use crate::residents::own::{NEEDS_MAX, OWN_PAGE, Purpose};
use crate::residents::preferences::Need;
use crate::residents::store::{erase as eraser, own as store, signup as signups};
use crate::vault::access::Purpose as Kept;
use crate::vault::store as vault;
use crate::web::cookie;
use crate::web::error::ApiError;
use crate::web::pages::view::View;

/// Languages alerts are written in.
const LANGUAGES: [&str; 3] = ["pt-BR", "en", "es"];
const NAME_MAX: usize = 200;
const ADDRESS_MAX: usize = 300;
/// Words that erase, in the languages of the page.
const ERASING_WORDS: [&str; 2] = ["APAGAR", "ERASE"];

#[derive(Deserialize)]
pub struct Nothing {}

async fn receipt(conn: &mut PgConnection, app: &App, id: ResidentId, kind: &str) -> sqlx::Result<String> {
    let now = app.clock.now();
    let year = now.with_timezone(&app.config.municipality.time_zone).year();
    store::request(conn, &app.ids, now, year, id, kind).await
}

/// Writes down that a resident corrected these fields.
pub async fn corrected(conn: &mut PgConnection, app: &App, visitor: &Visitor, fields: &[&str]) -> Result<(), ApiError> {
    let receipt = receipt(&mut *conn, app, visitor.id(), "correction").await?;
    let entry = Entry::new(audit::Act::ResidentCorrect, "resident", visitor.id())
        .to(json!({ "fields": fields, "receipt": receipt }));
    audit::record(conn, &app.ids, app.clock.now(), &visitor.actor(), entry).await?;
    Ok(())
}

pub async fn leave(State(app): State<App>, Act { visitor, .. }: Act<Nothing>) -> Result<Response, ApiError> {
    store::close_visit(&mut *app.db.web.acquire().await?, &visitor.token).await?;
    Ok(farewell(&app, "left"))
}

fn farewell(app: &App, what: &str) -> Response {
    let secure = app.config.public_url().starts_with("https");
    let gone = cookie::write_guarded(cookie::RESIDENT, "", 0, secure);
    ([(header::SET_COOKIE, gone)], done(what)).into_response()
}

#[derive(Deserialize)]
pub struct Other {
    resident: ResidentId,
}

/// A family may share a telephone: the same visit, to the record of another who is reached there.
pub async fn turn_to(State(app): State<App>, Act { visitor, form }: Act<Other>) -> Result<Response, ApiError> {
    let mut tx = app.db.web.begin().await?;
    let at = (visitor.visit.channel.as_str(), visitor.visit.address.as_str());
    if !store::reached_at(&mut tx, at).await?.contains(&form.resident) {
        return Ok(wrong("person"));
    }
    store::turn_to(&mut tx, &visitor.token, form.resident).await?;
    let actor = super::visitor::resident_actor(form.resident);
    let entry = Entry::new(audit::Act::ResidentSignIn, "resident", form.resident)
        .to(json!({ "channel": visitor.visit.channel, "from": visitor.id() }));
    audit::record(&mut tx, &app.ids, app.clock.now(), &actor, entry).await?;
    tell(&mut tx, &app, form.resident, at, What::Opened).await?;
    tx.commit().await?;
    Ok(Redirect::to(HOME).into_response())
}

#[derive(Deserialize)]
pub struct Correction {
    name: String,
    language: String,
    #[serde(default)]
    address: String,
    #[serde(default)]
    lat: String,
    #[serde(default)]
    lon: String,
}

/// The home as it was typed: `None` when nothing was, for those who have none.
fn home(form: &Correction) -> Result<Option<(f64, f64)>, ()> {
    if form.lat.trim().is_empty() && form.lon.trim().is_empty() {
        return Ok(None);
    }
    let number = |text: &str| text.trim().replace(',', ".").parse::<f64>().map_err(drop);
    let (lon, lat) = (number(&form.lon)?, number(&form.lat)?);
    point(lon, lat).map(|_| Some((lon, lat))).map_err(drop)
}

pub async fn correct(State(app): State<App>, Act { visitor, form }: Act<Correction>) -> Result<Response, ApiError> {
    let (name, address) = (form.name.trim(), form.address.trim());
    let too_long = name.chars().count() > NAME_MAX || address.chars().count() > ADDRESS_MAX;
    if too_long || !LANGUAGES.contains(&form.language.as_str()) {
        return Ok(wrong("correction"));
    }
    let Ok(home) = home(&form) else { return Ok(wrong("place")) };
    let mut tx = app.db.web.begin().await?;
    let Some(held) = store::held(&mut tx, visitor.id()).await? else { return Ok(wrong("correction")) };
    let place = held.places.iter().find(|place| place.label == "home");
    let mut changed = Vec::new();
    if held.name != name {
        changed.push("name");
    }
    if held.language != form.language {
        changed.push("language");
    }
    if let Some((lon, lat)) = home {
        if place.is_none_or(|place| (place.lon, place.lat) != (lon, lat)) {
            changed.push("place");
        }
        if place.map_or("", |place| &place.address) != address {
            changed.push("address");
        }
    }
    if changed.is_empty() {
        return Ok(done("same"));
    }
    let new = store::Correction { name, language: &form.language, home, address };
    store::correct(&mut tx, app.clock.now(), visitor.id(), &new).await?;
    corrected(&mut tx, &app, &visitor, &changed).await?;
    tx.commit().await?;
    Ok(done("corrected"))
}

#[derive(Deserialize)]
pub struct Channel {
    id: i64,
}

pub async fn remove_channel(State(app): State<App>, Act { visitor, form }: Act<Channel>) -> Result<Response, ApiError> {
    let mut tx = app.db.web.begin().await?;
    if !store::remove_channel(&mut tx, app.clock.now(), visitor.id(), form.id).await? {
        return Ok(wrong("last"));
    }
    corrected(&mut tx, &app, &visitor, &["channel_removed"]).await?;
    let by = (visitor.visit.channel.as_str(), visitor.visit.address.as_str());
    tell(&mut tx, &app, visitor.id(), by, What::ChannelRemoved).await?;
    tx.commit().await?;
    Ok(done("channel"))
}

#[derive(Deserialize)]
pub struct Choice {
    purpose: Purpose,
    /// "yes" or "no".
    given: String,
}

pub async fn consent(State(app): State<App>, Act { visitor, form }: Act<Choice>) -> Result<Response, ApiError> {
    let given = form.given == "yes";
    // To say what one needs, or who lives there, is to agree; there is no other way to it.
    if matches!(form.purpose, Purpose::Needs | Purpose::Household) && given {
        return Ok(wrong("needs"));
    }
    let mut tx = app.db.web.begin().await?;
    let held = store::held(&mut tx, visitor.id()).await?;
    if held.is_none_or(|held| held.agreed(form.purpose) == given) {
        return Ok(done("same"));
    }
    if form.purpose == Purpose::Needs {
        vault::remove(&mut tx, Kept::ResidentNeeds, &subject(visitor.id())).await?;
    }
    if form.purpose == Purpose::Alerts && given {
        // Whoever wants warnings again wants them where they are now: the telephone or mailbox that this visit proved.
        let at = (visitor.visit.channel.as_str(), visitor.visit.address.as_str());
        store::add_channel(&mut tx, app.clock.now(), visitor.id(), at).await?;
    }
    decide(&mut tx, &app, &visitor, form.purpose, given).await?;
    tx.commit().await?;
    Ok(done(if given { "given" } else { "withdrawn" }))
}

/// Writes a consent, its withdrawal's receipt, and the audit.
pub(super) async fn decide(
    conn: &mut PgConnection,
    app: &App,
    visitor: &Visitor,
    purpose: Purpose,
    given: bool,
) -> Result<(), ApiError> {
    let now = app.clock.now();
    store::consent(&mut *conn, now, visitor.id(), purpose, given, OWN_PAGE).await?;
    let mut told = json!({ "purpose": purpose, "given": given });
    if !given {
        told["receipt"] = receipt(&mut *conn, app, visitor.id(), "withdrawal").await?.into();
    }
    let entry = Entry::new(audit::Act::ResidentConsent, "resident", visitor.id()).to(told);
    audit::record(conn, &app.ids, now, &visitor.actor(), entry).await?;
    Ok(())
}

/// What a resident's records in the vault belong to.
pub fn subject(id: ResidentId) -> String {
    format!("resident:{id}")
}

#[derive(Deserialize)]
pub struct Needs {
    #[serde(default)]
    text: String,
    /// "yes": the consent of its own that data about health ask for.
    #[serde(default)]
    agree: String,
    /// Kinds of help: the names of the boxes that are ticked.
    #[serde(flatten)]
    ticked: BTreeMap<String, String>,
}

impl Needs {
    fn kinds(&self) -> Vec<Need> {
        let is_ticked = |need: &Need| self.ticked.get(need.as_str()).is_some_and(|value| value == "yes");
        Need::ALL.iter().copied().filter(is_ticked).collect()
    }
}

pub async fn needs(State(app): State<App>, v: View, Act { visitor, form }: Act<Needs>) -> Result<Response, ApiError> {
    let text = form.text.trim();
    let kinds = form.kinds();
    let empty_or_long = (text.is_empty() && kinds.is_empty()) || text.chars().count() > NEEDS_MAX;
    if empty_or_long || form.agree != "yes" {
        return Ok(wrong("needs"));
    }
    let now = app.clock.now();
    let mut tx = app.db.web.begin().await?;
    let Some(held) = store::held(&mut tx, visitor.id()).await? else { return Ok(wrong("needs")) };
    if !held.agreed(Purpose::Needs) {
        decide(&mut tx, &app, &visitor, Purpose::Needs, true).await?;
    }
    if signups::chosen(&mut tx, visitor.id()).await?.1 != kinds {
        signups::need(&mut tx, visitor.id(), &kinds).await?;
        let entry =
            Entry::new(audit::Act::ResidentCorrect, "resident", visitor.id()).to(json!({ "fields": ["needs"] }));
        audit::record(&mut tx, &app.ids, now, &visitor.actor(), entry).await?;
    }
    if text.is_empty() {
        vault::remove(&mut tx, Kept::ResidentNeeds, &subject(visitor.id())).await?;
        tx.commit().await?;
        return Ok(done("needs"));
    }
    let until = now.with_timezone(&v.tz).date_naive() + chrono::Days::new(app.config.privacy.needs_days.into());
    let subject = subject(visitor.id());
    let record = vault::NewRecord {
        purpose: Kept::ResidentNeeds,
        subject: &subject,
        plain: text.as_bytes(),
        created_by: "resident",
        keep_until: until,
    };
    vault::put(&mut tx, &app.keys.vault, app.ids.uuid(now), now, &record).await?;
    let entry = Entry::new(audit::Act::VaultPut, "vault_record", format!("{} {subject}", Kept::ResidentNeeds));
    audit::record(&mut tx, &app.ids, now, &visitor.actor(), entry.to(json!({ "keep_until": until }))).await?;
    tx.commit().await?;
    Ok(done("needs"))
}

#[derive(Deserialize)]
pub struct Word {
    #[serde(default)]
    word: String,
}

pub async fn erase(State(app): State<App>, Act { visitor, form }: Act<Word>) -> Result<Response, ApiError> {
    let word = form.word.trim().to_uppercase();
    if !ERASING_WORDS.contains(&word.as_str()) {
        return Ok(wrong("word"));
    }
    let now = app.clock.now();
    let mut tx = app.db.web.begin().await?;
    if !eraser::erase(&mut tx, now, visitor.id()).await? {
        return Ok(farewell(&app, "left"));
    }
    let receipt = receipt(&mut tx, &app, visitor.id(), "erasure").await?;
    let entry = Entry::new(audit::Act::ResidentErase, "resident", visitor.id()).to(json!({ "receipt": receipt }));
    audit::record(&mut tx, &app.ids, now, &visitor.actor(), entry).await?;
    tx.commit().await?;
    Ok(farewell(&app, &format!("erased&receipt={receipt}")))
}
