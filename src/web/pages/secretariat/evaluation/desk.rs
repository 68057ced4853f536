//! What staff works with: services and rounds, questionnaires, codes on a sheet, texts that wait, and the year.

use askama::Template;
use axum::extract::{Form, Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{Datelike as _, NaiveDate};
use serde::Deserialize;
use uuid::Uuid;

use super::{Tables, works};
use crate::accounts::Role;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::i18n::Lang;
use crate::refused::Refused;
use crate::secretariat::evaluation::report::{Cell, Index, Rank};
use crate::secretariat::evaluation::{
    Check, Comment, CommentState, Counted, EvaluationError, Kept, NewRound, Published, Round, Service, ServiceGiven,
    Sphere, desk, store, suppress,
};
use crate::web::api::secretariat::has_role;
use crate::web::auth::{May, Staff, can};
use crate::web::error::{ApiError, FieldError};
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::secretariat::sentences;
use crate::web::pages::view::{Markup, View};

const HERE: &str = "/secretaria/painel/avaliacao-de-servicos";

/// Sentences of the desk by a part that is theirs alone, and the key of their words.
const KNOWN: [(&str, &str); 10] = [
    ("changed meanwhile", "sec-evaluation-no-changed"),
    ("with the code", "sec-evaluation-no-taken"),
    ("is published: no round", "sec-evaluation-no-published"),
    ("the next is planned before that", "sec-evaluation-no-next"),
    ("one year has one table", "sec-evaluation-no-other-form"),
    ("the round is over", "sec-evaluation-no-over"),
    ("codes were made", "sec-evaluation-no-more-codes"),
    ("checked before", "sec-evaluation-no-checked"),
    ("the report is made after it", "sec-evaluation-no-running"),
    ("there is nothing to report", "sec-evaluation-no-rounds"),
];

/// What went wrong, as the page says it: a sentence, and each field.
#[derive(Clone, Debug, Default)]
pub(super) struct Wrong {
    pub sentence: String,
    pub errors: Vec<FieldError>,
}

impl Wrong {
    fn status(&self) -> StatusCode {
        if self.sentence.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY }
    }
}

/// # Errors
/// What pages answer in another way.
fn said(v: &View, error: EvaluationError) -> Result<Wrong, ApiError> {
    match error {
        EvaluationError::Wrong(errors) => {
            Ok(Wrong { sentence: v.t("sec-wrong"), errors: sentences::fields(v.lang, errors) })
        }
        EvaluationError::Refused(Refused::Wrong { field, value, message }) => {
            let errors = sentences::fields(v.lang, vec![FieldError { field, value, message }]);
            Ok(Wrong { sentence: v.t("sec-wrong"), errors })
        }
        EvaluationError::Refused(Refused::Conflict(why)) => {
            let known = KNOWN.iter().find(|(part, _)| why.contains(part));
            let sentence = match known {
                // The desk's own words are English.
                Some((_, key)) if v.lang == Lang::Pt => v.t(key),
                Some((_, key)) => format!("{} ({why})", v.t(key)),
                None => sentences::said(v.lang, &why),
            };
            Ok(Wrong { sentence, errors: Vec::new() })
        }
        other => Err(other.into()),
    }
}

fn today(v: &View) -> NaiveDate {
    v.now.with_timezone(&v.tz).date_naive()
}

/// What the forms of the first page send.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Given {
    act: String,
    code: String,
    name: String,
    sphere: String,
    unit: String,
    department: String,
    ended_on: String,
    revision: String,
    title: String,
    /// "key 1"
    questionnaire: String,
    opens_on: String,
    closes_on: String,
    open_link: String,
    /// Codes with spaces between them.
    services: String,
    service: String,
    year: String,
    manifestations: String,
    source: String,
}

fn read<T: std::str::FromStr>(field: &str, text: &str, expected: &str) -> Result<T, EvaluationError> {
    text.trim().parse().map_err(|_| Refused::wrong(field, text, expected).into())
}

fn day(field: &str, text: &str) -> Result<NaiveDate, EvaluationError> {
    read(field, text, "expected a day such as 2026-03-01")
}

impl Given {
    fn service(&self) -> Result<ServiceGiven, EvaluationError> {
        let ended_on = if self.ended_on.trim().is_empty() { None } else { Some(day("ended_on", &self.ended_on)?) };
        Ok(ServiceGiven {
            code: self.code.trim().to_owned(),
            name: self.name.trim().to_owned(),
            sphere: read("sphere", &self.sphere, "expected federal, state or municipal")?,
            unit: self.unit.trim().to_owned(),
            department: self.department.trim().to_owned(),
            ended_on,
        })
    }

    fn round(&self) -> Result<NewRound, EvaluationError> {
        let (key, version) = self.questionnaire.split_once(' ').unwrap_or((self.questionnaire.as_str(), ""));
        Ok(NewRound {
            title: self.title.trim().to_owned(),
            questionnaire: key.to_owned(),
            version: read("questionnaire", version, "expected one of the list")?,
            opens_on: day("opens_on", &self.opens_on)?,
            closes_on: day("closes_on", &self.closes_on)?,
            open_link: self.open_link == "yes",
            services: self
                .services
                .split([' ', ',', '\n', '\r'])
                .filter(|code| !code.is_empty())
                .map(str::to_owned)
                .collect(),
        })
    }

    fn counted(&self) -> Result<Counted, EvaluationError> {
        Ok(Counted {
            service: self.service.clone(),
            year: read("year", &self.year, "expected a year")?,
            manifestations: read("manifestations", &self.manifestations, "expected a number")?,
            source: self.source.clone(),
        })
    }
}

#[derive(Template)]
#[template(path = "secretariat/sec_evaluation_desk.html")]
struct ListPage {
    f: Frame,
    services: Vec<Service>,
    forms: Vec<Kept>,
    rounds: Vec<Round>,
    given: Given,
    wrong: Wrong,
    may_work: bool,
    today: NaiveDate,
}

impl ListPage {
    fn spheres(&self) -> &'static [Sphere] {
        Sphere::ALL
    }

    fn standing(&self, round: &Round) -> &'static str {
        round.standing(self.today).as_str()
    }

    fn answers(&self, round: &Round) -> String {
        Tables::count(&self.f.v, round.answers)
    }

    fn form_of(&self, one: &Kept) -> String {
        format!("{} {}", one.key, one.version)
    }
}

async fn list_page(app: &App, v: View, staff: &Staff, given: Given, wrong: Wrong) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let services = store::services(&mut conn, "", store::MOST).await?;
    let forms = store::forms(&mut conn, None).await?;
    let rounds = store::rounds(&mut conn, None, None).await?;
    let (may_work, today, status) = (works(staff), today(&v), wrong.status());
    let f = Frame::load(&mut conn, app, v, "secretariat").await?;
    let shown = ListPage { f, services, forms, rounds, given, wrong, may_work, today };
    Ok((status, page(&shown)?).into_response())
}

pub(super) async fn list(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    v: View,
) -> Result<Response, ApiError> {
    list_page(&app, v, &staff, Given::default(), Wrong::default()).await
}

/// Where the page of an act leads.
async fn done(app: &App, v: &View, staff: &Staff, given: &Given) -> Result<String, EvaluationError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let leads = match given.act.as_str() {
        "service" => {
            let held = match given.revision.trim() {
                "" => None,
                text => Some(read("revision", text, "expected a number")?),
            };
            desk::save_service(&mut tx, by, held, &given.service()?).await?;
            format!("{HERE}/pesquisas#servicos")
        }
        "round" => {
            let id = desk::open_round(&mut tx, by, v.tz, &given.round()?).await?;
            format!("{HERE}/rodadas/{id}")
        }
        "count" => {
            desk::count(&mut tx, by, &given.counted()?).await?;
            format!("{HERE}/ano?ano={}", given.year.trim())
        }
        other => return Err(Refused::wrong("act", other, "expected service, round or count").into()),
    };
    tx.commit().await?;
    Ok(leads)
}

pub(super) async fn act(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Form(given): Form<Given>,
) -> Result<Response, ApiError> {
    has_role(&staff, Role::ServiceEvaluation)?;
    match done(&app, &v, &staff, &given).await {
        Ok(leads) => Ok(Redirect::to(&leads).into_response()),
        Err(error) => {
            let wrong = said(&v, error)?;
            list_page(&app, v, &staff, given, wrong).await
        }
    }
}

#[derive(Template)]
#[template(path = "secretariat/sec_evaluation_form.html")]
struct TextPage {
    f: Frame,
    text: String,
    is_used: bool,
    wrong: Wrong,
    may_work: bool,
}

/// Which version is shown; none: the one that a new one may begin with.
#[derive(Debug, Default, Deserialize)]
pub(super) struct OfForm {
    #[serde(default)]
    chave: String,
    #[serde(default)]
    versao: i32,
}

/// What a questionnaire may look like, for whoever writes the first one.
const BEGINNING: &str = include_str!("../../../../secretariat/evaluation/questionnaire.toml");

pub(super) async fn questionnaire(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    v: View,
    Query(of): Query<OfForm>,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let (text, is_used) = if of.chave.is_empty() {
        (BEGINNING.to_owned(), false)
    } else {
        let kept = store::form(&mut conn, &of.chave, of.versao).await?;
        let kept = kept.ok_or_else(|| ApiError::NotFound(format!("questionnaire {:?}", of.chave)))?;
        (kept.text, kept.is_used)
    };
    let may_work = works(&staff);
    let f = Frame::load(&mut conn, &app, v, "secretariat").await?;
    page(&TextPage { f, text, is_used, wrong: Wrong::default(), may_work })
}

#[derive(Debug, Deserialize)]
pub(super) struct Text {
    #[serde(default)]
    text: String,
}

pub(super) async fn save_questionnaire(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Form(given): Form<Text>,
) -> Result<Response, ApiError> {
    has_role(&staff, Role::ServiceEvaluation)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    // Browsers send lines with CR LF; what is kept is what was written.
    let text = given.text.replace("\r\n", "\n");
    let mut tx = app.db.web.begin().await?;
    match desk::save_form(&mut tx, by, &text).await {
        Ok(_) => {
            tx.commit().await?;
            Ok(Redirect::to(&format!("{HERE}/pesquisas#questionarios")).into_response())
        }
        Err(error) => {
            drop(tx);
            let wrong = said(&v, error)?;
            let mut conn = app.db.web.acquire().await?;
            let status = wrong.status();
            let f = Frame::load(&mut conn, &app, v, "secretariat").await?;
            let shown = TextPage { f, text, is_used: false, wrong, may_work: true };
            Ok((status, page(&shown)?).into_response())
        }
    }
}

#[derive(Template)]
#[template(path = "secretariat/sec_evaluation_round.html")]
struct RoundPage {
    f: Frame,
    round: Round,
    services: Vec<Service>,
    made: i64,
    /// None while fewer than five were used: what is left would tell how many.
    left: Option<i64>,
    standing: &'static str,
    /// Of the open link.
    address: String,
    wrong: Wrong,
    may_work: bool,
}

impl RoundPage {
    fn answers(&self) -> String {
        Tables::count(&self.f.v, self.round.answers)
    }
}

async fn round_page(app: &App, v: View, staff: &Staff, id: Uuid, wrong: Wrong) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let round = desk::round(&mut conn, id).await?;
    let services = store::of_round(&mut conn, id).await?;
    let (made, left) = store::codes(&mut conn, id).await?;
    let left = Some(left).filter(|left| made - *left >= suppress::LEAST);
    let standing = round.standing(today(&v)).as_str();
    let address = format!("{}/secretaria/avaliacao-de-servicos/responder/{id}", app.config.public_url());
    let (may_work, status) = (works(staff), wrong.status());
    let f = Frame::load(&mut conn, app, v, "secretariat").await?;
    let shown = RoundPage { f, round, services, made, left, standing, address, wrong, may_work };
    Ok((status, page(&shown)?).into_response())
}

pub(super) async fn round(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    v: View,
    Path(id): Path<Uuid>,
) -> Result<Response, ApiError> {
    round_page(&app, v, &staff, id, Wrong::default()).await
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    service: String,
    count: String,
}

/// A code with its address and the picture of it.
struct Slip {
    code: String,
    address: String,
    picture: Markup,
}

/// A sheet to print and cut. The codes are nowhere else.
#[derive(Template)]
#[template(path = "secretariat/sec_evaluation_codes.html")]
struct SheetPage {
    v: View,
    round: Round,
    service: Service,
    slips: Vec<Slip>,
}

pub(super) async fn codes(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Path(id): Path<Uuid>,
    Form(wanted): Form<Wanted>,
) -> Result<Response, ApiError> {
    has_role(&staff, Role::ServiceEvaluation)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let made = match wanted.count.trim().parse::<i64>() {
        Ok(count) => desk::make_codes(&mut tx, by, v.tz, (id, &wanted.service, count)).await,
        Err(_) => Err(Refused::wrong("count", &wanted.count, format!("expected 1 to {}", desk::MOST_CODES)).into()),
    };
    let codes = match made {
        Ok(codes) => codes,
        Err(error) => {
            drop(tx);
            let wrong = said(&v, error)?;
            return round_page(&app, v, &staff, id, wrong).await;
        }
    };
    let round = desk::round(&mut tx, id).await?;
    let service = desk::service(&mut tx, &wanted.service).await?;
    tx.commit().await?;
    let below = format!("{}/secretaria/avaliacao-de-servicos/codigo", app.config.public_url());
    let slip = |code: String| {
        let address = format!("{below}/{}", code.replace('-', ""));
        Slip { picture: Markup(crate::fleet::label::picture(&address)), address, code }
    };
    let slips = codes.into_iter().map(slip).collect();
    let mut response = page(&SheetPage { v, round, service, slips })?;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

#[derive(Template)]
#[template(path = "secretariat/sec_evaluation_comments.html")]
struct CommentsPage {
    f: Frame,
    /// For whoever checks them.
    waiting: Vec<Comment>,
    shown: Vec<Comment>,
    wrong: Wrong,
    may_work: bool,
}

async fn comments_page(app: &App, v: View, staff: &Staff, wrong: Wrong) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let may_work = works(staff);
    let waiting = if may_work { store::comments(&mut conn, CommentState::Waiting, None).await? } else { Vec::new() };
    let shown = store::comments(&mut conn, CommentState::Shown, None).await?;
    let status = wrong.status();
    let f = Frame::load(&mut conn, app, v, "secretariat").await?;
    Ok((status, page(&CommentsPage { f, waiting, shown, wrong, may_work })?).into_response())
}

pub(super) async fn comments(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    v: View,
) -> Result<Response, ApiError> {
    comments_page(&app, v, &staff, Wrong::default()).await
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Checked {
    id: String,
    act: String,
    text: String,
    reason: String,
}

pub(super) async fn check(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Form(given): Form<Checked>,
) -> Result<Response, ApiError> {
    has_role(&staff, Role::ServiceEvaluation)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let done = async {
        let id: Uuid = read("id", &given.id, "expected one of the list")?;
        let state = if given.act == "show" { CommentState::Shown } else { CommentState::Withheld };
        let check = Check { state, text: Some(given.text.clone()), reason: given.reason.clone() };
        let mut tx = app.db.web.begin().await?;
        desk::check_comment(&mut tx, by, id, &check).await?;
        tx.commit().await?;
        Ok::<_, EvaluationError>(())
    };
    match done.await {
        Ok(()) => Ok(Redirect::to(&format!("{HERE}/comentarios")).into_response()),
        Err(error) => {
            let wrong = said(&v, error)?;
            comments_page(&app, v, &staff, wrong).await
        }
    }
}

#[derive(Template)]
#[template(path = "secretariat/sec_evaluation_year.html")]
struct YearPage {
    f: Frame,
    year: i32,
    /// None: it cannot be made yet, and `why` says so.
    tables: Option<Tables>,
    why: String,
    published: Vec<Published>,
    services: Vec<Service>,
    wrong: Wrong,
    may_work: bool,
}

impl YearPage {
    fn v(&self) -> &View {
        &self.f.v
    }

    fn hundredths(&self, value: &Option<i64>) -> String {
        Tables::hundredths(&self.f.v, *value)
    }

    fn count(&self, value: &Option<i64>) -> String {
        Tables::count(&self.f.v, *value)
    }

    fn rank(&self, one: &Rank) -> String {
        Tables::hundredths(&self.f.v, Some(one.value))
    }

    fn number(&self, one: &Rank) -> String {
        self.f.v.count(one.value)
    }

    fn cell(&self, kind: &str, cell: &Cell) -> String {
        Tables::cell(&self.f.v, kind, cell)
    }

    fn topic(&self, index: &Index) -> String {
        Tables::topic(&self.f.v, index)
    }
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct OfYear {
    #[serde(default)]
    ano: Option<i32>,
}

async fn year_page(app: &App, v: View, staff: &Staff, year: i32, wrong: Wrong) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let (tables, why) = match desk::draft(&mut conn, year, today(&v)).await {
        Ok(report) => (Some(Tables { report }), String::new()),
        Err(error) => (None, said(&v, error)?.sentence),
    };
    let published = store::reports(&mut conn, Some(year)).await?;
    let services = store::services(&mut conn, "", store::MOST).await?;
    let (may_work, status) = (works(staff), wrong.status());
    let f = Frame::load(&mut conn, app, v, "secretariat").await?;
    let shown = YearPage { f, year, tables, why, published, services, wrong, may_work };
    Ok((status, page(&shown)?).into_response())
}

pub(super) async fn year(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    v: View,
    Query(of): Query<OfYear>,
) -> Result<Response, ApiError> {
    let year = of.ano.unwrap_or_else(|| today(&v).year());
    year_page(&app, v, &staff, year, Wrong::default()).await
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Publish {
    year: String,
    reason: String,
}

pub(super) async fn publish(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Form(given): Form<Publish>,
) -> Result<Response, ApiError> {
    has_role(&staff, Role::ServiceEvaluation)?;
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let year: i32 = given.year.trim().parse().map_err(|_| ApiError::field("year", &given.year, "expected a year"))?;
    let mut tx = app.db.web.begin().await?;
    match desk::publish(&mut tx, by, v.tz, (year, &given.reason)).await {
        Ok(_) => {
            tx.commit().await?;
            Ok(Redirect::to(&format!("{HERE}/ano?ano={year}")).into_response())
        }
        Err(error) => {
            drop(tx);
            let wrong = said(&v, error)?;
            year_page(&app, v, &staff, year, wrong).await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_of_the_desk_have_words() {
        for (_, key) in KNOWN {
            assert!(Lang::Pt.knows(key) && Lang::En.knows(key), "{key}");
        }
    }
}
