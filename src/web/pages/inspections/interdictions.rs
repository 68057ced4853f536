//! Interdictions in the console: the list, one, its term as page and PDF, and its release; and the public notice.

use askama::Template;
use axum::Router;
use axum::extract::{Form, Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::accounts::Permission;
use crate::accounts::tokens::desk::Acting;
use crate::aid::signature::{FIELD, Signature};
use crate::app::App;
use crate::clock::Instant;
use crate::inspections::interdictions::{self, Release, Sealed};
use crate::inspections::store::interdiction::{self as store, Interdiction, Notice};
use crate::inspections::{Refusal, State as Stands};
use crate::web::api::inspections::tools;
use crate::web::auth::{May, Staff, can};
use crate::web::error::ApiError;
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::View;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/console/interdictions", get(list))
        .route("/console/interdictions/{id}", get(show))
        .route("/console/interdictions/{id}/term", get(term))
        .route("/console/interdictions/{id}/term.pdf", get(print))
        .route("/console/interdictions/{id}/release", get(ask).post(release))
        .route("/interdicoes", get(notices))
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Wanted {
    state: String,
    after: String,
}

#[derive(Template)]
#[template(path = "interdictions.html")]
struct ListPage {
    f: Frame,
    /// None: all.
    state: Option<Stands>,
    rows: Vec<Interdiction>,
    /// How many there are, on all pages.
    all: i64,
    is_first: bool,
    next: Option<Uuid>,
}

impl ListPage {
    fn is_state(&self, state: &Stands) -> bool {
        self.state == Some(*state)
    }

    fn word(&self) -> &'static str {
        self.state.map_or("all", Stands::as_str)
    }
}

/// Where a page begins.
async fn begins(conn: &mut PgConnection, after: &str) -> Result<Option<(Instant, Uuid)>, ApiError> {
    let Some(after) = super::id("after", after)? else { return Ok(None) };
    let found = store::place_of(conn, after).await?;
    Ok(Some(found.ok_or_else(|| ApiError::field("after", after.to_string(), "there is no such interdiction"))?))
}

/// Of one row more than a page holds: the page, and where the next one begins.
fn turned<T>(mut rows: Vec<T>, page: i64, id: impl Fn(&T) -> Uuid) -> (Vec<T>, Option<Uuid>) {
    let page = usize::try_from(page).unwrap_or(usize::MAX);
    let has_more = rows.len() > page;
    rows.truncate(page);
    let next = rows.last().filter(|_| has_more).map(id);
    (rows, next)
}

async fn list(State(app): State<App>, v: View, Query(wanted): Query<Wanted>) -> Result<Response, ApiError> {
    let state = match wanted.state.as_str() {
        "" => Some(Stands::Active),
        "all" => None,
        word => super::word("state", word)?,
    };
    let mut conn = app.db.web.acquire().await?;
    let before = begins(&mut conn, &wanted.after).await?;
    let wish = store::Wish { state, ..store::Wish::default() };
    let rows = store::list(&mut conn, wish, before, store::PAGE + 1).await?;
    let (rows, next) = turned(rows, store::PAGE, |row| row.id);
    let all = store::count(&mut conn, state).await?;
    let f = Frame::load(&mut conn, &app, v, "inspections").await?;
    page(&ListPage { f, state, rows, all, is_first: before.is_none(), next })
}

#[derive(Template)]
#[template(path = "interdiction.html")]
struct OnePage {
    f: Frame,
    n: Interdiction,
}

async fn load(app: &App, v: &View, id: Uuid) -> Result<Interdiction, ApiError> {
    let found = store::find(&mut *app.db.web.acquire().await?, id).await?;
    found.ok_or_else(|| ApiError::NotFound(v.t1("interdiction-missing", "id", id)))
}

async fn show(State(app): State<App>, v: View, Path(id): Path<Uuid>) -> Result<Response, ApiError> {
    let n = load(&app, &v, id).await?;
    let f = Frame::load(&mut *app.db.web.acquire().await?, &app, v, "inspections").await?;
    page(&OnePage { f, n })
}

#[derive(Template)]
#[template(path = "interdiction_term.html")]
struct TermPage {
    v: View,
    n: Interdiction,
    /// None: its days are over, and nobody knows any more who signed.
    sealed: Option<Sealed>,
    /// The lines of the signature, as data of an SVG path.
    path: Option<String>,
}

impl TermPage {
    const WIDTH: u16 = FIELD.0;
    const HEIGHT: u16 = FIELD.1;
}

/// A term with its sealed part. That it was read is committed before anybody sees it.
async fn opened(app: &App, staff: &Staff, v: &View, id: Uuid) -> Result<(Interdiction, Option<Sealed>), ApiError> {
    let n = load(app, v, id).await?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let sealed = interdictions::open_term(&mut tx, by, &app.keys.vault, id).await?;
    tx.commit().await?;
    Ok((n, sealed))
}

fn drawn(sealed: Option<&Sealed>) -> Option<Signature> {
    sealed.and_then(|sealed| sealed.signature.parse().ok())
}

async fn term(
    State(app): State<App>,
    staff: May<can::Inspect>,
    v: View,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    let (n, sealed) = opened(&app, &staff, &v, id).await?;
    let path = drawn(sealed.as_ref()).map(|drawn| drawn.path());
    let mut response = page(&TermPage { v, n, sealed, path })?;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// What the printed term says; its labels are Portuguese, as the act is.
#[derive(Clone, Debug, Serialize)]
struct Printed {
    authority: String,
    town: String,
    number: String,
    inspection: String,
    at: String,
    scope: String,
    part: String,
    ownership: String,
    address: String,
    neighbourhood: String,
    reason: String,
    apparent_damage: String,
    deadline: String,
    appeal: String,
    actor: String,
    registry: String,
    signer_name: String,
    signer_role: String,
    witness: String,
    /// The lines of the signature; none when they refused.
    strokes: Vec<Vec<(u16, u16)>>,
    /// Of a released one: when, and why.
    released: String,
    notice: String,
}

fn printed(v: &View, n: &Interdiction, sealed: Option<&Sealed>) -> Printed {
    use crate::i18n::Lang::Pt;
    let word = |vocabulary: &str, word: &str| Pt.t(&format!("{vocabulary}-{}", word.replace('_', "-")));
    let local = |at: Instant| at.with_timezone(&v.tz).format("%d/%m/%Y %H:%M").to_string();
    let released = n.released_at.map(|at| format!("{}: {}", local(at), n.release_reason.clone().unwrap_or_default()));
    Printed {
        authority: v.authority.clone(),
        town: v.town.clone(),
        number: n.number.clone(),
        inspection: n.inspection_number.clone(),
        at: local(n.at),
        scope: word("interdiction-scope", &n.scope),
        part: n.part.clone(),
        ownership: word("ownership", &n.ownership),
        address: n.term_address.clone(),
        neighbourhood: n.term_neighbourhood.clone(),
        reason: n.reason.clone(),
        apparent_damage: n.apparent_damage.clone(),
        deadline: n.deadline.map(|day| day.format("%d/%m/%Y").to_string()).unwrap_or_default(),
        appeal: n.appeal.clone(),
        actor: n.actor_name.clone(),
        registry: n.registry.clone(),
        signer_name: sealed.map(|sealed| sealed.signer_name.clone()).unwrap_or_default(),
        signer_role: word("signer", &n.signer_role),
        witness: sealed.map(|sealed| sealed.witness.clone()).unwrap_or_default(),
        strokes: drawn(sealed).map(|drawn| drawn.strokes().to_vec()).unwrap_or_default(),
        released: released.unwrap_or_default(),
        notice: v.notice.clone(),
    }
}

async fn print(
    State(app): State<App>,
    staff: May<can::Inspect>,
    v: View,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    let (n, sealed) = opened(&app, &staff, &v, id).await?;
    let data = printed(&v, &n, sealed.as_ref());
    let pdf = crate::print::render("interdiction.typ", &data, Vec::new()).await;
    let pdf = pdf.map_err(|error| ApiError::Internal(error.into()))?;
    let name = format!("inline; filename=\"termo-interdicao-{}.pdf\"", n.number.replace('/', "-"));
    let headers = [(header::CONTENT_TYPE, "application/pdf".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, pdf).into_response())
}

#[derive(Template)]
#[template(path = "interdiction_release.html")]
struct ReleasePage {
    f: Frame,
    n: Interdiction,
    key: Uuid,
    given: Given,
    wrong: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Given {
    /// Of the form, so that what is sent twice is one.
    key: String,
    reason: String,
    sure: String,
}

async fn release_page(
    app: &App,
    v: View,
    n: Interdiction,
    (key, given, wrong): (Uuid, Given, String),
) -> Result<Response, ApiError> {
    let f = Frame::load(&mut *app.db.web.acquire().await?, app, v, "inspections").await?;
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok((status, page(&ReleasePage { f, n, key, given, wrong })?).into_response())
}

async fn ask(
    State(app): State<App>,
    _: May<can::Inspect>,
    v: View,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    let n = load(&app, &v, id).await?;
    if !n.is_active() {
        return Ok(Redirect::to(&format!("/console/interdictions/{id}")).into_response());
    }
    let key = app.ids.uuid(v.now);
    release_page(&app, v, n, (key, Given::default(), String::new())).await
}

async fn release(
    State(app): State<App>,
    staff: May<can::Inspect>,
    v: View,
    Path(id): Path<Uuid>,
    Form(given): Form<Given>,
) -> Result<Response, ApiError> {
    let n = load(&app, &v, id).await?;
    let key = given.key.parse().unwrap_or_else(|_| app.ids.uuid(v.now));
    if given.sure != "yes" {
        let wrong = v.t("interdiction-release-sure-missing");
        return release_page(&app, v, n, (key, given, wrong)).await;
    }
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let new = Release { key, reason: given.reason.clone(), inspection: None, at: None, sent_at: None };
    let mut tx = app.db.web.begin().await?;
    match interdictions::release(&mut tx, by, tools(&app), (id, &new)).await {
        Ok(_) => {
            tx.commit().await?;
            Ok(Redirect::to(&format!("/console/interdictions/{id}")).into_response())
        }
        Err(refusal) => {
            drop(tx);
            let wrong = match refusal {
                Refusal::Wrong(_) => v.t("interdiction-release-reason-wrong"),
                Refusal::Conflict(_) => v.t("interdiction-released-already"),
                Refusal::Differs(_) => v.t("interdiction-release-again"),
                other => return Err(other.into()),
            };
            let key = app.ids.uuid(v.now);
            release_page(&app, v, n, (key, given, wrong)).await
        }
    }
}

#[derive(Template)]
#[template(path = "interdicoes.html")]
struct NoticesPage {
    v: View,
    rows: Vec<Notice>,
    /// How many stand, on all pages.
    all: i64,
    is_first: bool,
    next: Option<Uuid>,
}

async fn notices(State(app): State<App>, v: View, Query(wanted): Query<Wanted>) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let before = begins(&mut conn, &wanted.after).await?;
    let rows = store::notices(&mut conn, before, store::PAGE + 1).await?;
    let (rows, next) = turned(rows, store::PAGE, |row| row.id);
    let all = store::count(&mut conn, Some(Stands::Active)).await?;
    page(&NoticesPage { v, rows, all, is_first: before.is_none(), next })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_where_the_next_begins_and_the_last_says_nothing() {
        let ids: Vec<Uuid> = (1..=4).map(Uuid::from_u128).collect();
        assert_eq!(turned(ids.clone(), 3, |id| *id), (ids[..3].to_vec(), Some(ids[2])));
        assert_eq!(turned(ids.clone(), 4, |id| *id), (ids, None));
        assert_eq!(turned(Vec::<Uuid>::new(), 4, |id| *id), (Vec::new(), None));
    }

    #[test]
    fn a_term_is_set_signed_or_refused_or_forgotten() {
        let signed = Printed {
            authority: "Defesa Civil".into(),
            town: "Juiz de Fora".into(),
            number: "2026/001".into(),
            inspection: "2026/003".into(),
            at: "22/02/2026 09:00".into(),
            scope: "Parcial".into(),
            part: "Quarto dos fundos".into(),
            ownership: "Privado".into(),
            address: "Rua das Flores, 20".into(),
            neighbourhood: "Linhares".into(),
            reason: "Muro pode cair.\n\n#panic(\"nada disto é marcação\")".into(),
            apparent_damage: "Trincas".into(),
            deadline: "25/02/2026".into(),
            appeal: interdictions::APPEAL.into(),
            actor: "ana".into(),
            registry: "CREA-MG 12345/D".into(),
            signer_name: "Maria Lima".into(),
            signer_role: "Proprietário".into(),
            witness: String::new(),
            strokes: vec![vec![(1, 2), (30, 40), (600, 200)], vec![(5, 5)]],
            released: String::new(),
            notice: String::new(),
        };
        let refused = Printed {
            strokes: Vec::new(),
            witness: "José Souza".into(),
            notice: "Demonstração".into(),
            apparent_damage: String::new(),
            ..signed.clone()
        };
        let forgotten =
            Printed { signer_name: String::new(), released: "01/03/2026: muro refeito".into(), ..refused.clone() };
        for term in [signed, refused, forgotten] {
            let pdf = crate::print::pdf("interdiction.typ", &term, &[]).unwrap();
            assert!(pdf.starts_with(b"%PDF-"));
        }
    }
}
