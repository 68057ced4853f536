//! `/secretaria/painel/cadastro`: organisations, persons and places, and everything of each that its reader may see.

use std::collections::BTreeMap;

use askama::Template;
use axum::Router;
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use uuid::Uuid;

use super::super::frame::Frame;
use super::super::page;
use super::super::view::View;
use super::{sentences, told};
use crate::accounts::{Permission, Role};
use crate::app::App;
use crate::refused::Refused;
use crate::secretariat::kernel::desk::{self as cases, CaseError, Desk};
use crate::secretariat::kernel::registry::desk;
use crate::secretariat::kernel::registry::store::{PAGE, Wanted};
use crate::secretariat::kernel::registry::whole::{self, OfCase, Whole};
use crate::secretariat::kernel::registry::{Channel, Class, Entry, EntryKind, Nature, NewContact, NewEntry, Point};
use crate::secretariat::modules::MODULES;
use crate::web::api::secretariat::registry::{Asked, Entries};
use crate::web::auth::{May, Staff, can};
use crate::web::error::{ApiError, FieldError};

const PATH: &str = "/secretaria/painel/cadastro";

pub fn routes() -> Router<App> {
    Router::new()
        .route("/secretaria/painel/cadastro", get(list).post(open))
        .route("/secretaria/painel/cadastro/{id}", get(show).post(act))
        .route("/secretaria/painel/cadastro/{id}/documento", post(document))
}

type Given = BTreeMap<String, String>;
type Wrong = (String, Vec<FieldError>);

fn val<'a>(given: &'a Given, name: &str) -> &'a str {
    given.get(name).map(|text| text.trim()).unwrap_or_default()
}

/// `?q=…&kind=…&after=…`; what a form leaves empty is not asked.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Search {
    q: String,
    kind: String,
    after: String,
}

impl Search {
    fn asked(&self) -> Asked {
        let kind = Some(self.kind.clone()).filter(|kind| !kind.is_empty());
        Asked { q: self.q.clone(), kind, after: self.after.parse().ok() }
    }
}

#[derive(Template)]
#[template(path = "secretariat/sec_registry_list.html")]
struct ListPage {
    f: Frame,
    found: Entries,
    search: Search,
    works: bool,
    given: Given,
    wrong: String,
    errors: Vec<FieldError>,
}

#[derive(Template)]
#[template(path = "secretariat/sec_registry_entry.html")]
struct EntryPage {
    f: Frame,
    whole: Whole,
    works: bool,
    opens: bool,
    /// That was read just now.
    cpf: Option<String>,
    given: Given,
    wrong: String,
    errors: Vec<FieldError>,
}

impl ListPage {
    fn val(&self, name: &str) -> &str {
        val(&self.given, name)
    }

    /// The query of the next page, for an address.
    fn query(&self) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("q", &self.search.q).append_pair("kind", &self.search.kind).finish()
    }
}

impl EntryPage {
    fn val(&self, name: &str) -> &str {
        val(&self.given, name)
    }

    fn has_cpf(&self) -> bool {
        self.whole.entry.kind == EntryKind::Person && !self.whole.entry.document.is_empty()
    }

    fn pages(&self, module: &str) -> &'static str {
        MODULES.iter().find(|one| one.key() == module).map_or("", |one| one.slug_pt)
    }

    fn link(&self, case: &OfCase) -> String {
        format!("/secretaria/painel/{}/casos/{}", self.pages(&case.module), case.id)
    }
}

/// The form of an entry as it is.
fn filled(entry: &Entry) -> Given {
    let degrees = |of: fn(&Point) -> f64| entry.point.as_ref().map(|at| of(at).to_string()).unwrap_or_default();
    let all = [
        ("kind", entry.kind.to_string()),
        ("name", entry.name.clone()),
        ("short_name", entry.short_name.clone()),
        ("nature", entry.nature.map(|nature| nature.to_string()).unwrap_or_default()),
        ("address", entry.address.clone()),
        ("longitude", degrees(|at| at.longitude)),
        ("latitude", degrees(|at| at.latitude)),
        ("access", entry.access.to_string()),
        ("reserved_to", entry.reserved_to.clone()),
    ];
    all.into_iter().map(|(name, text)| (name.to_owned(), text)).collect()
}

/// What was typed as an entry.
fn read(given: &Given) -> Result<NewEntry, CaseError> {
    let wrong = |field: &str, expected: &str| Refused::wrong(field, val(given, field), expected);
    let kind: EntryKind =
        val(given, "kind").parse().map_err(|_| wrong("kind", "expected organisation, person or place"))?;
    let access: Class =
        val(given, "access").parse().map_err(|_| wrong("access", "expected public, internal or restricted"))?;
    let nature = match val(given, "nature") {
        "" => None,
        word => Some(
            word.parse::<Nature>()
                .map_err(|_| wrong("nature", "expected one of an organisation, and of nothing else"))?,
        ),
    };
    let degrees = |field: &str| val(given, field).replace(',', ".").parse::<f64>();
    let point = match (degrees("longitude"), degrees("latitude")) {
        (Ok(longitude), Ok(latitude)) => Some(Point { longitude, latitude }),
        _ if val(given, "longitude").is_empty() && val(given, "latitude").is_empty() => None,
        _ => return Err(wrong("longitude", "expected longitude from -180 to 180 and latitude from -90 to 90").into()),
    };
    let text = |name: &str| val(given, name).to_owned();
    Ok(NewEntry {
        kind,
        name: text("name"),
        short_name: text("short_name"),
        // The form has one list for all kinds.
        nature: nature.filter(|_| kind == EntryKind::Organisation),
        document: text("document"),
        address: text("address"),
        point,
        access,
        reserved_to: text("reserved_to"),
    })
}

fn named(v: &View, (wrong, errors): Wrong) -> Wrong {
    let name =
        |one: FieldError| FieldError { field: sentences::label(v.lang, "sec-registry-field", &one.field), ..one };
    (wrong, errors.into_iter().map(name).collect())
}

async fn listed(
    app: &App,
    staff: &Staff,
    v: View,
    search: Search,
    (given, wrong): (Given, Wrong),
) -> Result<Response, ApiError> {
    let (actor, who) = (staff.actor(), cases::who(staff));
    let wanted = search.asked().wanted()?;
    let mut conn = app.db.web.acquire().await?;
    let found = Entries::of(desk::list(&mut conn, Desk::of(app, &actor, &who), wanted).await?);
    let (wrong, errors) = named(&v, wrong);
    let works = v.may(Permission::WorkSecretariat);
    let f = Frame::load(&mut conn, app, v, "secretariat").await?;
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok((status, page(&ListPage { f, found, search, works, given, wrong, errors })?).into_response())
}

async fn list(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    v: View,
    Query(search): Query<Search>,
) -> Result<Response, ApiError> {
    listed(&app, &staff, v, search, Default::default()).await
}

async fn open(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Form(given): Form<Given>,
) -> Result<Response, ApiError> {
    let (actor, who) = (staff.actor(), cases::who(&staff));
    let desk = Desk::of(&app, &actor, &who);
    let made = match read(&given) {
        Ok(new) => {
            let mut tx = app.db.web.begin().await?;
            match desk::open(&mut tx, desk, &new).await {
                Ok(entry) => {
                    tx.commit().await?;
                    Ok(entry.id)
                }
                Err(error) => Err(error),
            }
        }
        Err(error) => Err(error),
    };
    match made {
        Ok(id) => Ok(Redirect::to(&format!("{PATH}/{id}")).into_response()),
        Err(error) => {
            let why = told(&v, error)?;
            listed(&app, &staff, v, Search::default(), (given, why)).await
        }
    }
}

async fn shown(
    app: &App,
    staff: &Staff,
    v: View,
    id: Uuid,
    (given, wrong, cpf): (Given, Wrong, Option<String>),
) -> Result<Response, ApiError> {
    let (actor, who) = (staff.actor(), cases::who(staff));
    let mut conn = app.db.web.acquire().await?;
    let whole = whole::look(&mut conn, Desk::of(app, &actor, &who), id).await?;
    let mut filled = filled(&whole.entry);
    filled.extend(given);
    let (wrong, errors) = named(&v, wrong);
    let (works, opens) = (v.may(Permission::WorkSecretariat), v.may(Permission::OpenVault));
    let f = Frame::load(&mut conn, app, v, "secretariat").await?;
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok((status, page(&EntryPage { f, whole, works, opens, cpf, given: filled, wrong, errors })?).into_response())
}

async fn show(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    v: View,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    shown(&app, &staff, v, id, Default::default()).await
}

/// Does what a form asks, in the caller's transaction. True: the entry is still there.
async fn done(conn: &mut sqlx::PgConnection, desk: Desk<'_>, id: Uuid, given: &Given) -> Result<bool, CaseError> {
    let at = (id, val(given, "revision").parse().unwrap_or_default());
    let is_sure = val(given, "sure") == "yes";
    let what = val(given, "act");
    if matches!(what, "merge" | "unmerge" | "remove" | "withdraw") && !is_sure {
        return Err(Refused::wrong("sure", "", "expected a tick: it has effects that are not seen at once").into());
    }
    let uuid = |name: &str| {
        val(given, name)
            .parse::<Uuid>()
            .map_err(|_| Refused::wrong(name, val(given, name), "expected the id of an entry"))
    };
    match what {
        "edit" => {
            desk::edit(conn, desk, at, &read(given)?).await?;
        }
        "merge" => {
            let into = other(&mut *conn, desk, (id, val(given, "into"))).await?;
            desk::merge(conn, desk, at, (into, val(given, "reason"))).await?;
        }
        "unmerge" => {
            desk::unmerge(conn, desk, at, val(given, "reason")).await?;
        }
        "remove" => {
            desk::remove(conn, desk, at, val(given, "reason")).await?;
            return Ok(false);
        }
        "contact" => {
            let wrong = |field: &str, expected: &str| Refused::wrong(field, val(given, field), expected);
            let channel: Channel =
                val(given, "channel").parse().map_err(|_| wrong("channel", "expected email, phone or postal"))?;
            let given_on = val(given, "given_on")
                .parse()
                .map_err(|_| wrong("given_on", "expected the day of the consent, not one to come"))?;
            let text = |name: &str| val(given, name).to_owned();
            let new = NewContact { channel, value: text("value"), purpose: text("purpose"), given_on };
            desk::add_contact(conn, desk, id, &new).await?;
        }
        "withdraw" => {
            desk::withdraw(conn, desk, (id, uuid("contact")?)).await?;
        }
        other => return Err(Refused::wrong("act", other, "expected an act of the registry").into()),
    }
    Ok(true)
}

/// The entry that somebody means: its id, or words that fit one alone.
async fn other(conn: &mut sqlx::PgConnection, desk: Desk<'_>, (id, text): (Uuid, &str)) -> Result<Uuid, CaseError> {
    if let Ok(into) = text.parse() {
        return Ok(into);
    }
    let words = text.chars().filter(|one| *one != '\0').take(200).collect();
    let found = desk::list(conn, desk, Wanted { words, most: PAGE, ..Wanted::default() }).await?;
    let mut others = found.iter().filter(|entry| entry.id != id && entry.merged_into.is_none());
    match (others.next(), others.next()) {
        (Some(one), None) if !text.is_empty() => Ok(one.id),
        _ => Err(Refused::wrong("into", text, "expected the id of an entry, or words that fit one alone").into()),
    }
}

async fn act(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Path(id): Path<Uuid>,
    Form(given): Form<Given>,
) -> Result<Response, ApiError> {
    let (actor, who) = (staff.actor(), cases::who(&staff));
    let mut tx = app.db.web.begin().await?;
    match done(&mut tx, Desk::of(&app, &actor, &who), id, &given).await {
        Ok(is_there) => {
            tx.commit().await?;
            let to = if is_there { format!("{PATH}/{id}") } else { PATH.to_owned() };
            Ok(Redirect::to(&to).into_response())
        }
        Err(error) => {
            drop(tx);
            let why = told(&v, error)?;
            shown(&app, &staff, v, id, (given, why, None)).await
        }
    }
}

async fn document(
    State(app): State<App>,
    staff: May<can::OpenVault>,
    v: View,
    Path(id): Path<Uuid>,
    Form(given): Form<Given>,
) -> Result<Response, ApiError> {
    let (actor, who) = (staff.actor(), cases::who(&staff));
    let mut tx = app.db.web.begin().await?;
    let (wrong, cpf) = match desk::read_cpf(&mut tx, Desk::of(&app, &actor, &who), id, val(&given, "reason")).await {
        Ok(cpf) => {
            tx.commit().await?;
            (Wrong::default(), Some(cpf.unwrap_or_else(|| v.t("sec-registry-no-cpf"))))
        }
        Err(error) => {
            drop(tx);
            (told(&v, error)?, None)
        }
    };
    shown(&app, &staff, v, id, (Given::new(), wrong, cpf)).await
}
