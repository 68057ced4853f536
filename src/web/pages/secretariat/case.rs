//! A case: what it says, what may be done, each deadline with its trace, documents, what belongs to it, and its history.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Form, Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::frame::Frame;
use super::super::page;
use super::super::view::View;
use super::{files, module, pairs, shown, told};
use crate::accounts::Permission;
use crate::app::App;
use crate::deadlines::{self, Deadline, words};
use crate::secretariat::kernel::body::Origin;
use crate::secretariat::kernel::body::store::spawn;
use crate::secretariat::kernel::decide::{self, RESTRICTED, Who};
use crate::secretariat::kernel::define::CaseType;
use crate::secretariat::kernel::desk::around::{MEDIA_TYPES, MOST_BYTES};
use crate::secretariat::kernel::desk::below::{Below, below};
use crate::secretariat::kernel::desk::{self, Desk, Task, started};
use crate::secretariat::kernel::store::instruments::{self, InstrumentLink};
use crate::secretariat::kernel::store::published::{self, Published};
use crate::secretariat::kernel::store::{self, NewDocument};
use crate::secretariat::kernel::types::Kept;
use crate::secretariat::kernel::{ActDone, CaseDocument, CaseFile, CaseLink, Fields, SUBJECT, ledger, registry};
use crate::secretariat::modules::Module;
use crate::web::api::secretariat::{papers, within};
use crate::web::auth::{May, Staff, can};
use crate::web::error::{ApiError, FieldError};

pub fn routes() -> Router<App> {
    Router::new()
        .route("/secretaria/painel/{module}/casos/{id}", get(show))
        .route("/secretaria/painel/{module}/casos/{id}/encarregar", post(assign))
        .route("/secretaria/painel/{module}/casos/{id}/anular", post(annul))
        .route("/secretaria/painel/{module}/casos/{id}/retirar", post(withdraw))
        .route("/secretaria/painel/{module}/casos/{id}/documento", post(attach))
        .route("/secretaria/painel/{module}/casos/{id}/ligar", post(link))
        .route("/secretaria/painel/{module}/casos/{id}/arquivo", post(attach_file))
}

#[derive(Template)]
#[template(path = "secretariat/sec_case.html")]
struct CasePage {
    f: Frame,
    module: &'static Module,
    kept: Arc<Kept>,
    case: CaseFile,
    /// Its fields, with names in the place of entries of the registry.
    said: Fields,
    /// Key, label, and whether it begins the cases below this one.
    possible: Vec<(String, String)>,
    below: Vec<Arc<Kept>>,
    /// Types of cases that whoever reads it may begin by its order: module, key, title.
    startable: Vec<(&'static str, String, String)>,
    /// What cases under it say.
    told: Vec<(Arc<Kept>, Below)>,
    deadlines: Vec<Deadline>,
    documents: Vec<CaseDocument>,
    links: Vec<CaseLink>,
    instruments: Vec<InstrumentLink>,
    /// The resolution that it came of.
    resolution: Option<Origin>,
    publications: Vec<Published>,
    acts: Vec<ActDone>,
    broken: bool,
    works_here: bool,
    people: Vec<(String, String)>,
    wrong: String,
    errors: Vec<FieldError>,
}

impl CasePage {
    /// What a browser offers to choose.
    fn accepted(&self) -> String {
        MEDIA_TYPES.join(",")
    }

    fn pairs(&self) -> Vec<(String, String)> {
        pairs(&self.f.v, &self.kept.def, &self.said)
    }

    fn state(&self) -> String {
        self.kept.def.state_label(&self.case.state, self.f.v.lang)
    }

    fn waits(&self) -> String {
        self.case.waits_for.map(|who| self.f.v.word("sec-waits", who.as_str())).unwrap_or_default()
    }

    fn steps(&self, deadline: &Deadline) -> Vec<String> {
        deadline.trace.iter().map(|step| words::step(self.f.v.lang, step)).collect()
    }

    fn name(&self, code: &str) -> String {
        words::name(self.f.v.lang, code)
    }

    fn is_late(&self, deadline: &Deadline) -> bool {
        deadline.is_late(self.f.v.now)
    }

    fn is_near(&self, deadline: &Deadline) -> bool {
        deadline.is_near(super::super::plans::today(&self.f.v))
    }

    fn act_name(&self, act: &ActDone) -> String {
        act_name(&self.f.v, &self.kept.def, act)
    }

    fn changes(&self, act: &ActDone) -> Vec<String> {
        changes(&self.f.v, &self.kept.def, act)
    }

    fn kind(&self, document: &CaseDocument) -> String {
        document_kind(&self.f.v, &self.kept.def, document)
    }

    fn state_of(&self, kept: &Kept, one: &Below) -> String {
        kept.def.state_label(&one.state, self.f.v.lang)
    }

    fn pairs_of(&self, kept: &Kept, one: &Below) -> Vec<(String, String)> {
        pairs(&self.f.v, &kept.def, &one.fields)
    }

    fn instrument_word(&self, one: &InstrumentLink) -> String {
        let v = &self.f.v;
        format!("{} ({})", v.word("sec-instrument-kind", &one.kind), v.word("sec-instrument-state", &one.state))
    }

    fn link_word(&self, link: &CaseLink) -> String {
        link_word(&self.f.v, link)
    }

    fn is_out(&self, one: &Published) -> bool {
        one.withdrawn_at.is_none() && one.embargo_until.is_none_or(|until| until <= self.f.v.now)
    }

    fn can_withdraw(&self) -> bool {
        self.works_here && self.publications.iter().any(|one| one.withdrawn_at.is_none())
    }
}

/// What an act is called.
pub fn act_name(v: &View, def: &CaseType, act: &ActDone) -> String {
    def.act_label(&act.act, v.lang).unwrap_or_else(|| v.word("sec-act", &act.act))
}

/// What an act changed, in words.
pub fn changes(v: &View, def: &CaseType, act: &ActDone) -> Vec<String> {
    let all = act.changes.iter().map(|(key, change)| {
        let field = def.field(key);
        let label = match field {
            Some(field) => field.label.of(v.lang).to_owned(),
            None => v.word("sec-change", key),
        };
        match (field, change.as_array().map(Vec::as_slice)) {
            (Some(field), Some([Value::Null, after])) => format!("{label}: {}", shown(v, field, after)),
            (Some(field), Some([before, after])) => {
                format!("{label}: {} → {}", shown(v, field, before), shown(v, field, after))
            }
            (None, Some([before, after])) => {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                format!("{label}: {} → {}", text(before), text(after))
            }
            (Some(_), _) if change.as_str() == Some(RESTRICTED) => {
                format!("{label}: {}", v.t("sec-restricted-changed"))
            }
            (Some(_), _) if change.is_string() => format!("{label}: {}", v.t("sec-personal-changed")),
            _ => match change.get("sha256") {
                Some(sum) => format!("{label}: SHA-256 {}", sum.as_str().unwrap_or_default()),
                None => label,
            },
        }
    });
    all.collect()
}

/// What kind of document it is.
pub fn document_kind(v: &View, def: &CaseType, document: &CaseDocument) -> String {
    let kind = def.document(&document.kind);
    kind.map_or_else(|| document.kind.clone(), |kind| kind.label.of(v.lang).to_owned())
}

/// How another case belongs to this one.
pub fn link_word(v: &View, link: &CaseLink) -> String {
    let side = if link.inward { "in" } else { "out" };
    v.word("sec-link", &format!("{}-{side}", link.kind))
}

async fn show(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    v: View,
    Path((slug, id)): Path<(String, Uuid)>,
) -> Result<Response, ApiError> {
    case_page(&app, &staff, v, (&slug, id), (String::new(), Vec::new())).await
}

/// The page, with what was refused.
pub async fn case_page(
    app: &App,
    staff: &Staff,
    v: View,
    (slug, id): (&str, Uuid),
    (wrong, errors): (String, Vec<FieldError>),
) -> Result<Response, ApiError> {
    let module = module(slug)?;
    let (actor, who) = (staff.actor(), desk::who(staff));
    let desk = Desk::of(app, &actor, &who);
    let mut conn = app.db.web.acquire().await?;
    let (kept, mut case) = desk::find(&mut conn, desk, id, false).await?;
    within(&case, module, id)?;
    let versions = (&kept.def, desk.types.newest(&kept.def));
    let mut acts: Vec<ActDone> = store::acts(&mut conn, &[id]).await?.into_iter().map(|(_, act)| act).collect();
    let broken = ledger::broken(id, &acts).is_some() || ledger::unfounded(&kept.def, &case.fields, &acts).is_some();
    decide::veil(versions, &mut case, &who);
    decide::veil_acts(versions, &mut acts, (&case, &who));
    registry::fields::named_in_acts(&mut conn, desk, &kept.def, &mut acts).await?;
    let mut said = case.fields.clone();
    registry::fields::named(&mut conn, desk, &kept.def, &mut said).await?;
    let possible = decide::possible(&kept.def, &case, &who)
        .into_iter()
        .map(|one| (one.key().to_owned(), one.label.of(v.lang).to_owned()))
        .collect();
    let is_below = |other: &&Arc<Kept>| {
        other.def.opening.parent.as_ref().is_some_and(|parent| *parent.get_ref() == case.type_key)
            && who.works_in(&other.def)
    };
    let openable = app.cases.all().filter(is_below).cloned().collect();
    let told = below(&mut conn, desk, &case).await?;
    let startable = startable(app, &v, &kept.def, (&case, &who));
    let works_here = who.has(&case.module) && v.may(Permission::WorkSecretariat);
    let people = if works_here { people(&mut conn).await? } else { Vec::new() };
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let shown = CasePage {
        deadlines: deadlines::store::list(&mut conn, Some((SUBJECT, id)), false).await?,
        documents: papers::seen(&mut conn, versions, (&who, &case)).await?,
        instruments: instruments::of_case(&mut conn, id).await?,
        links: store::links(&mut conn, id, (&who.name, &who.modules())).await?,
        resolution: spawn::origin(&mut conn, id).await?,
        publications: published::all_of_case(&mut conn, id).await?,
        f: Frame::load(&mut conn, app, v, "secretariat").await?,
        module,
        kept,
        case,
        said,
        possible,
        below: openable,
        startable,
        told,
        acts,
        broken,
        works_here,
        people,
        wrong,
        errors,
    };
    Ok((status, page(&shown)?).into_response())
}

/// What this person may begin by the order, where it is one: types that are opened under no other case.
fn startable(
    app: &App,
    v: &View,
    def: &CaseType,
    (case, who): (&CaseFile, &Who),
) -> Vec<(&'static str, String, String)> {
    if !v.may(Permission::WorkSecretariat) || started::may(def, case, who).is_err() {
        return Vec::new();
    }
    let open = app.cases.all().filter(|kept| kept.def.opening.parent.is_none() && decide::may_open(&kept.def, who));
    let named = open.filter_map(|kept| {
        let module = crate::secretariat::modules::find(kept.def.module())?;
        Some((module.slug_pt, kept.def.key().to_owned(), kept.def.title.of(v.lang).to_owned()))
    });
    named.collect()
}

async fn people(conn: &mut PgConnection) -> sqlx::Result<Vec<(String, String)>> {
    let all = crate::alerts::escalation::store::people(conn).await?;
    Ok(all.into_iter().map(|person| (person.username, person.name)).collect())
}

/// Does something to the case and goes back to it, or shows it with what was refused.
async fn done(
    app: &App,
    staff: &Staff,
    v: View,
    (slug, id): (&str, Uuid),
    task: Task<'_>,
) -> Result<Response, ApiError> {
    let module = module(slug)?;
    let (actor, who) = (staff.actor(), desk::who(staff));
    let desk = Desk::of(app, &actor, &who);
    let mut tx = app.db.web.begin().await?;
    match desk::perform(&mut tx, desk, (module.key(), id), task).await {
        Ok(case) => {
            tx.commit().await?;
            Ok(Redirect::to(&case.link()).into_response())
        }
        Err(error) => {
            drop(tx);
            let why = told(&v, error)?;
            case_page(app, staff, v, (slug, id), why).await
        }
    }
}

type Given = BTreeMap<String, String>;

fn text<'a>(given: &'a Given, name: &str) -> &'a str {
    given.get(name).map(|text| text.trim()).unwrap_or_default()
}

/// Of the case as the page showed it.
pub fn revision(given: &Given) -> i32 {
    text(given, "revision").parse().unwrap_or_default()
}

async fn assign(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Path((slug, id)): Path<(String, Uuid)>,
    Form(given): Form<Given>,
) -> Result<Response, ApiError> {
    let task = Task::Assign(revision(&given), text(&given, "assigned"), text(&given, "department"));
    done(&app, &staff, v, (&slug, id), task).await
}

async fn annul(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Path((slug, id)): Path<(String, Uuid)>,
    Form(given): Form<Given>,
) -> Result<Response, ApiError> {
    done(&app, &staff, v, (&slug, id), Task::Annul(revision(&given), text(&given, "reason"))).await
}

async fn withdraw(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Path((slug, id)): Path<(String, Uuid)>,
    Form(given): Form<Given>,
) -> Result<Response, ApiError> {
    done(&app, &staff, v, (&slug, id), Task::Withdraw(revision(&given), text(&given, "reason"))).await
}

/// What the form of the page links a case with.
async fn link(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Path((slug, id)): Path<(String, Uuid)>,
    Form(given): Form<Given>,
) -> Result<Response, ApiError> {
    done(&app, &staff, v, (&slug, id), Task::Refer(text(&given, "what"), text(&given, "other"))).await
}

/// A file that is sent as it is, within the bounds of the API.
async fn attach_file(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    v: View,
    Path((slug, id)): Path<(String, Uuid)>,
    request: Request,
) -> Result<Response, ApiError> {
    let Some(sent) = files::sent(request, MOST_BYTES).await else {
        let message = v.t1("sec-file-broken", "n", MOST_BYTES / 1024 / 1024);
        let error = FieldError { field: v.t("sec-file"), value: String::new(), message };
        let wrong = (v.t("sec-wrong"), vec![error]);
        return case_page(&app, &staff, v, (&slug, id), wrong).await;
    };
    let draft = sent.text("draft") == "yes";
    let (kind, name, media_type) = (sent.text("kind"), sent.name(), sent.media_type.as_str());
    let new = NewDocument { kind, name, media_type, bytes: &sent.bytes, draft };
    done(&app, &staff, v, (&slug, id), Task::Attach(&new)).await
}

/// A document written on the page.
async fn attach(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    v: View,
    Path((slug, id)): Path<(String, Uuid)>,
    Form(given): Form<Given>,
) -> Result<Response, ApiError> {
    let (kind, name, bytes) = (text(&given, "kind"), text(&given, "name"), text(&given, "text").as_bytes());
    let new = NewDocument { kind, name, media_type: "text/plain", bytes, draft: false };
    done(&app, &staff, v, (&slug, id), Task::Attach(&new)).await
}
