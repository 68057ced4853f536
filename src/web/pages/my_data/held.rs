//! Everything that is held of one resident, to look at and to take along.

use askama::Template;
use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::Datelike as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;

use super::acts::subject;
use super::enter::AskPage;
use super::visitor::{Act, Visitor, find};
use crate::app::App;
use crate::audit::{self, Entry};
use crate::clock::Instant;
use crate::ids::ResidentId;
use crate::privacy::retention::Rule;
use crate::residents::companions::{Companion, MOST as MOST_COMPANIONS, NAME_MAX, Relation};
use crate::residents::own::{Held, MOST_PLACES, Message, OWN_PAGE, Place, Purpose};
use crate::residents::preferences::{LeastLevel, Need, Quiet};
use crate::residents::store::{companion, own as store};
use crate::residents::{desk, telephone};
use crate::vault::access::Purpose as Kept;
use crate::vault::store as vault;
use crate::web::error::ApiError;
use crate::web::pages::delivery::words;
use crate::web::pages::view::View;
use crate::web::pages::{page, unsubscribe};

/// What the page says was done, and why something was not. Nothing else from an address is shown.
const DONE: [&str; 13] = [
    "ended",
    "left",
    "erased",
    "corrected",
    "same",
    "given",
    "withdrawn",
    "needs",
    "channel",
    "person",
    "joined",
    "places",
    "companions",
];
const WRONG: [&str; 19] = [
    "address",
    "wait",
    "correction",
    "place",
    "last",
    "needs",
    "word",
    "person",
    "preferences",
    "where",
    "several",
    "far",
    "full",
    "left",
    "abroad",
    "codes",
    "companion",
    "companions",
    "living",
];

#[derive(Deserialize)]
pub struct Told {
    #[serde(default)]
    done: String,
    #[serde(default)]
    wrong: String,
    #[serde(default)]
    receipt: String,
    /// Places for which there was no room.
    #[serde(default)]
    n: String,
}

impl Told {
    fn done(&self, v: &View) -> String {
        let Some(key) = DONE.iter().find(|key| **key == self.done) else { return String::new() };
        let is_number =
            self.receipt.len() < 20 && self.receipt.bytes().all(|byte| byte.is_ascii_digit() || byte == b'/');
        let receipt = if is_number { self.receipt.as_str() } else { "" };
        v.t1(&format!("own-done-{key}"), "receipt", receipt)
    }

    fn wrong(&self, v: &View) -> String {
        let Some(key) = WRONG.iter().find(|key| **key == self.wrong) else { return String::new() };
        let places = self.n.parse::<u8>().unwrap_or(1).clamp(1, 99);
        v.t1(&format!("own-wrong-{key}"), "n", places)
    }
}

/// How long one kind of data is kept.
#[derive(Clone, Debug, Serialize)]
struct Keeping {
    rule: &'static str,
    days: u32,
}

/// A consent as it stands now.
struct Standing {
    purpose: Purpose,
    given: bool,
    since: Option<Instant>,
    source: String,
}

/// What the page and the file for reading both show.
struct Shown {
    held: Held,
    standing: Vec<Standing>,
    keeping: Vec<Keeping>,
    officer: String,
}

impl Shown {
    fn new(app: &App, v: &View, held: Held) -> Self {
        let privacy = &app.config.privacy;
        let rules = Rule::ALL.iter().filter(|rule| **rule != Rule::Vault && !rule.is_of_staff());
        let mut keeping: Vec<Keeping> =
            rules.map(|rule| Keeping { rule: rule.as_str(), days: rule.days(privacy) }).collect();
        keeping.push(Keeping { rule: "needs", days: privacy.needs_days });
        let officer = if privacy.officer.is_empty() { &app.config.municipality.contact } else { &privacy.officer };
        let standing = Purpose::ALL.iter().map(|purpose| {
            let newest = held.consents.iter().rev().find(|consent| consent.purpose == purpose.as_str());
            Standing {
                purpose: *purpose,
                given: held.agreed(*purpose),
                since: newest.map(|consent| consent.at),
                source: newest.map(|consent| source(v, &consent.source)).unwrap_or_default(),
            }
        });
        Self { standing: standing.collect(), keeping, officer: officer.clone(), held }
    }

    fn home(&self) -> Option<&Place> {
        self.held.places.iter().find(|place| place.label == "home")
    }

    /// When quiet hours begin and end, as a field of a form has them; empty without any.
    fn quiet(&self) -> (String, String) {
        self.held.preferences.quiet.map(Quiet::words).unwrap_or_default()
    }

    fn needs(&self, need: &Need) -> bool {
        self.held.need_kinds.contains(need)
    }

    fn may_name(&self) -> bool {
        !self.held.places.is_empty() && self.held.companions.len() < MOST_COMPANIONS
    }

    fn may_add_place(&self) -> bool {
        (self.held.places.len() as i64) < MOST_PLACES
    }
}

fn source(v: &View, source: &str) -> String {
    match source {
        OWN_PAGE => v.t("own-source-page"),
        desk::SOURCE => v.t("own-source-signup"),
        telephone::SOURCE => v.t("own-source-sms"),
        unsubscribe::SOURCE => v.t("own-source-link"),
        "erasure" => v.t("own-source-erasure"),
        other => other.to_owned(),
    }
}

#[derive(Template)]
#[template(path = "my_data.html")]
struct MyDataPage {
    v: View,
    s: Shown,
    csrf: String,
    /// Others who are reached at the same telephone or mailbox.
    others: Vec<(ResidentId, String)>,
    done: String,
    wrong: String,
}

#[derive(Template)]
#[template(path = "my_data_export.html")]
struct ExportPage {
    v: View,
    s: Shown,
}

/// Words of the templates.
trait Words {
    fn spoken(&self, tag: &str) -> &'static str;
    fn roles(&self, by: &str) -> String;
    fn source(&self, given: &str) -> String;
    fn why(&self, message: &Message) -> String;
    fn place(&self, label: &str) -> String;
}

impl Words for View {
    fn spoken(&self, tag: &str) -> &'static str {
        match tag {
            "en" => "English",
            "es" => "Español",
            _ => "Português",
        }
    }

    /// "operator, approver" in words.
    fn roles(&self, by: &str) -> String {
        by.split(", ").map(|role| self.word("role", role)).collect::<Vec<_>>().join(", ")
    }

    fn source(&self, given: &str) -> String {
        source(self, given)
    }

    /// Why a message failed or was not sent.
    fn why(&self, message: &Message) -> String {
        words::of_row(self, &message.state, &message.reason)
    }

    /// The home in words; every other place has the name that its owner gave it.
    fn place(&self, label: &str) -> String {
        if label == "home" { self.t("own-place-home") } else { label.to_owned() }
    }
}

/// Those who live with a resident, by name. Opening them is written into the audit, under the resident, who sees there that staff did.
pub async fn open_companions(
    conn: &mut PgConnection,
    app: &App,
    by: &audit::Actor,
    id: ResidentId,
    because: &str,
) -> Result<Vec<Companion>, ApiError> {
    if companion::count(&mut *conn, id).await? == 0 {
        return Ok(Vec::new());
    }
    let object = format!("{} {}", Kept::ResidentHousehold, subject(id));
    let entry = Entry::new(audit::Act::VaultOpen, "vault_record", object).because(because);
    audit::record(&mut *conn, &app.ids, app.clock.now(), by, entry).await?;
    companion::open(conn, &app.keys.vault, id).await.map_err(ApiError::Internal)
}

/// Everything, with the needs opened. Opening them is written into the audit like every other look into the vault.
async fn load(conn: &mut PgConnection, app: &App, visitor: &Visitor) -> Result<Option<Held>, ApiError> {
    let Some(mut held) = store::held(&mut *conn, visitor.id()).await? else { return Ok(None) };
    let subject = subject(visitor.id());
    if let Some(record) = vault::find(&mut *conn, Kept::ResidentNeeds, &subject).await? {
        let object = format!("{} {subject}", Kept::ResidentNeeds);
        let entry = Entry::new(audit::Act::VaultOpen, "vault_record", object).because(OWN_PAGE);
        audit::record(&mut *conn, &app.ids, app.clock.now(), &visitor.actor(), entry).await?;
        let context = vault::context(Kept::ResidentNeeds.as_str(), &subject);
        let plain = app.keys.vault.open(&context, &record.sealed).map_err(|error| ApiError::Internal(error.into()))?;
        held.needs = Some(String::from_utf8_lossy(&plain).into_owned());
    }
    held.companions = open_companions(&mut *conn, app, &visitor.actor(), visitor.id(), OWN_PAGE).await?;
    Ok(Some(held))
}

pub async fn show(
    State(app): State<App>,
    v: View,
    headers: HeaderMap,
    Query(told): Query<Told>,
) -> Result<Response, ApiError> {
    let (done, wrong) = (told.done(&v), told.wrong(&v));
    let ask = |v| page(&AskPage { v, who: String::new(), message: String::new(), done: done.clone() });
    let Some(visitor) = find(&app, &headers).await? else { return ask(v) };
    let mut tx = app.db.web.begin().await?;
    let Some(held) = load(&mut tx, &app, &visitor).await? else { return ask(v) };
    let at = (visitor.visit.channel.as_str(), visitor.visit.address.as_str());
    let others = store::others_at(&mut tx, at, visitor.id()).await?;
    tx.commit().await?;
    let s = Shown::new(&app, &v, held);
    page(&MyDataPage { s, csrf: visitor.visit.csrf_token, others, done, wrong, v })
}

#[derive(Deserialize)]
pub struct As {
    #[serde(default)]
    format: String,
}

#[derive(Serialize)]
struct Export<'a> {
    exported_at: Instant,
    receipt: &'a str,
    controller: &'a str,
    officer: &'a str,
    legal_basis: serde_json::Value,
    retention_days: &'a [Keeping],
    held: &'a Held,
}

/// A copy to take along: JSON for programs, HTML for people.
pub async fn export(State(app): State<App>, v: View, Act { visitor, form }: Act<As>) -> Result<Response, ApiError> {
    let now = app.clock.now();
    let html = form.format == "html";
    let mut tx = app.db.web.begin().await?;
    let Some(held) = load(&mut tx, &app, &visitor).await? else { return Ok(StatusCode::GONE.into_response()) };
    let receipt =
        store::request(&mut tx, &app.ids, now, now.with_timezone(&v.tz).year(), visitor.id(), "export").await?;
    let told = json!({ "format": if html { "html" } else { "json" }, "receipt": receipt });
    let entry = Entry::new(audit::Act::ResidentsExport, "resident", visitor.id()).to(told);
    audit::record(&mut tx, &app.ids, now, &visitor.actor(), entry).await?;
    tx.commit().await?;
    let shown = Shown::new(&app, &v, held);
    let name = if html { "meus-dados.html" } else { "meus-dados.json" };
    let disposition = [(header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\""))];
    if html {
        return Ok((disposition, page(&ExportPage { v, s: shown })?).into_response());
    }
    let basis = Purpose::ALL
        .iter()
        .map(|purpose| (purpose.as_str().to_owned(), v.word("purpose-basis", purpose.as_str()).into()));
    let export = Export {
        exported_at: now,
        receipt: &receipt,
        controller: &app.config.municipality.sender_name,
        officer: &shown.officer,
        legal_basis: serde_json::Value::Object(basis.collect()),
        retention_days: &shown.keeping,
        held: &shown.held,
    };
    Ok((disposition, Json(export)).into_response())
}
