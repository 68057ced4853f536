//! What everybody sees of the evaluation: rounds that are open, the form, and reports. No address, account or time stands beside an answer.

use std::collections::BTreeMap;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use uuid::Uuid;

use super::{Tables, today};
use crate::app::App;
use crate::refused::Refused;
use crate::reports::stamp;
use crate::secretariat::evaluation::answers::{self, Door, Sheet};
use crate::secretariat::evaluation::report::{Cell, Index, Rank};
use crate::secretariat::evaluation::store::OpenRound;
use crate::secretariat::evaluation::{EvaluationError, Published, PublishedHead, Round, Service, desk, store};
use crate::secretariat::kernel::form::{Form, Question, QuestionKind};
use crate::web::error::{ApiError, FieldError};
use crate::web::pages::page;
use crate::web::pages::secretariat::sentences;
use crate::web::pages::view::View;

const HERE: &str = "/secretaria/avaliacao-de-servicos";
/// Fields of one form; questionnaires have fewer questions.
const MOST_FIELDS: usize = 100;

/// Nobody on the way keeps it, and no other site learns the code in its address.
fn keep_nothing(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

#[derive(Template)]
#[template(path = "secretariat/sec_evaluation_public.html")]
struct ListPage {
    v: View,
    rounds: Vec<OpenRound>,
    reports: Vec<PublishedHead>,
    wrong: String,
}

async fn list_page(app: &App, v: View, wrong: String) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let rounds = store::open_rounds(&mut conn, today(&v)).await?;
    let reports = store::report_heads(&mut conn).await?;
    let is_wrong = !wrong.is_empty();
    let mut response = page(&ListPage { v, rounds, reports, wrong })?;
    if is_wrong {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

pub(super) async fn list(State(app): State<App>, v: View) -> Result<Response, ApiError> {
    list_page(&app, v, String::new()).await
}

/// A code that was typed leads to its form.
pub(super) async fn enter(State(app): State<App>, v: View, body: Bytes) -> Result<Response, ApiError> {
    let code = url::form_urlencoded::parse(&body).find(|(key, _)| key == "code").map(|(_, value)| value.into_owned());
    let code: String = code.unwrap_or_default().chars().filter(char::is_ascii_alphanumeric).take(60).collect();
    let found = answers::sheet(&mut *app.db.web.acquire().await?, today(&v), Door::Code(&code)).await;
    match found {
        Ok(_) => Ok(keep_nothing(Redirect::to(&format!("{HERE}/codigo/{code}")).into_response())),
        Err(error) => {
            let wrong = closed(&v, error)?;
            list_page(&app, v, wrong).await
        }
    }
}

/// Why there is no form, in the reader's words.
fn closed(v: &View, error: EvaluationError) -> Result<String, ApiError> {
    match error {
        EvaluationError::Refused(Refused::NotFound(_)) => Ok(v.t("sec-evaluation-no-code")),
        EvaluationError::Refused(Refused::Conflict(_)) => Ok(v.t("sec-evaluation-not-open")),
        other => Err(other.into()),
    }
}

#[derive(Template)]
#[template(path = "secretariat/sec_evaluation_answer.html")]
struct FormPage {
    v: View,
    form: Form,
    round: Round,
    service: Service,
    action: String,
    /// Of an open address; empty with a code.
    stamp: String,
    given: BTreeMap<String, String>,
    errors: Vec<FieldError>,
    wrong: String,
}

impl FormPage {
    fn given(&self, question: &Question) -> &str {
        self.given.get(question.key()).map_or("", String::as_str)
    }

    fn is_given(&self, question: &Question, value: &str) -> bool {
        self.given.get(question.key()).is_some_and(|given| given == value)
    }

    /// What is wrong with an answer, in the reader's words; empty: nothing.
    fn fault(&self, question: &Question) -> String {
        let field = format!("answers.{}", question.key());
        let wrong = self.errors.iter().find(|error| error.field == field);
        match wrong {
            Some(error) if question.kind == QuestionKind::Text => sentences::said(self.v.lang, &error.message),
            Some(_) => self.v.t("sec-evaluation-answer-this"),
            None => String::new(),
        }
    }

    /// Ids of what stands beside a question: its fault and its help.
    fn described(&self, question: &Question) -> String {
        let wrong = (!self.fault(question).is_empty()).then(|| format!("wrong-{}", question.key()));
        let help = question.help.is_some().then(|| format!("help-{}", question.key()));
        wrong.into_iter().chain(help).collect::<Vec<_>>().join(" ")
    }

    fn options(&self, question: &Question) -> Vec<(String, String)> {
        let v = &self.v;
        let label = |value: &String| match question.kind {
            QuestionKind::Scale => v.word("sec-evaluation-scale", value),
            QuestionKind::YesNo => v.t(if value == "yes" { "sec-yes" } else { "sec-no" }),
            _ => {
                let option = question.options.iter().find(|option| option.key.get_ref() == value);
                option.map(|option| option.label.of(v.lang).to_owned()).unwrap_or_default()
            }
        };
        question.values().into_iter().map(|value| (value.clone(), label(&value))).collect()
    }
}

/// What a form that is shown again has.
#[derive(Default)]
struct Again {
    given: BTreeMap<String, String>,
    errors: Vec<FieldError>,
    wrong: String,
}

fn form_page(app: &App, v: View, sheet: Sheet, code: Option<&str>, again: Again) -> Result<Response, ApiError> {
    let Sheet { round, service, form } = sheet;
    let (action, stamp) = match code {
        Some(code) => (format!("{HERE}/codigo/{code}"), String::new()),
        None => (format!("{HERE}/responder/{}", round.id), stamp::make(&app.keys.service, &app.ids, v.now)),
    };
    let Again { given, errors, wrong } = again;
    let is_wrong = !errors.is_empty() || !wrong.is_empty();
    let mut response = page(&FormPage { v, form, round, service, action, stamp, given, errors, wrong })?;
    if is_wrong {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(keep_nothing(response))
}

pub(super) async fn by_code(State(app): State<App>, v: View, Path(code): Path<String>) -> Result<Response, ApiError> {
    let found = answers::sheet(&mut *app.db.web.acquire().await?, today(&v), Door::Code(&code)).await;
    match found {
        Ok(sheet) => form_page(&app, v, sheet, Some(&code), Again::default()),
        Err(error) => {
            let wrong = closed(&v, error)?;
            list_page(&app, v, wrong).await
        }
    }
}

/// Answers of a form, and its fields that are none.
struct Filled {
    answers: BTreeMap<String, String>,
    service: String,
    stamp: String,
    is_machine: bool,
}

fn filled(body: &[u8]) -> Filled {
    let mut filled =
        Filled { answers: BTreeMap::new(), service: String::new(), stamp: String::new(), is_machine: false };
    for (key, value) in url::form_urlencoded::parse(body).take(MOST_FIELDS) {
        match key.as_ref() {
            "service" => filled.service = value.into_owned(),
            "stamp" => filled.stamp = value.into_owned(),
            // A field that only machines see.
            "website" => filled.is_machine = !value.trim().is_empty(),
            other => {
                if let Some(question) = other.strip_prefix("a.") {
                    // Browsers count the end of a line as one character and send two.
                    filled.answers.insert(question.to_owned(), value.replace("\r\n", "\n"));
                }
            }
        }
    }
    filled
}

fn thank() -> Response {
    keep_nothing(Redirect::to(&format!("{HERE}/obrigado")).into_response())
}

pub(super) async fn send_code(
    State(app): State<App>,
    v: View,
    Path(code): Path<String>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let Filled { answers: given, is_machine, .. } = filled(&body);
    if is_machine {
        return Ok(thank());
    }
    let mut tx = app.db.web.begin().await?;
    match answers::respond(&mut tx, (&app.ids, &app.keys.service), today(&v), (Door::Code(&code), &given)).await {
        Ok(_) => {
            tx.commit().await?;
            Ok(thank())
        }
        Err(EvaluationError::Wrong(errors)) => {
            drop(tx);
            let sheet = answers::sheet(&mut *app.db.web.acquire().await?, today(&v), Door::Code(&code)).await?;
            form_page(&app, v, sheet, Some(&code), Again { given, errors, wrong: String::new() })
        }
        Err(error) => {
            drop(tx);
            let wrong = closed(&v, error)?;
            list_page(&app, v, wrong).await
        }
    }
}

/// Which service somebody chose.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Chosen {
    #[serde(default)]
    servico: String,
}

#[derive(Template)]
#[template(path = "secretariat/sec_evaluation_choose.html")]
struct ChoosePage {
    v: View,
    round: Round,
    services: Vec<Service>,
}

pub(super) async fn by_link(
    State(app): State<App>,
    v: View,
    Path(id): Path<Uuid>,
    Query(chosen): Query<Chosen>,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let round = desk::round(&mut conn, id).await?;
    if !round.open_link {
        return Err(ApiError::NotFound(format!("round {id}")));
    }
    let services = store::of_round(&mut conn, id).await?;
    let service = match services.as_slice() {
        [one] => one.what.code.clone(),
        _ => chosen.servico,
    };
    if !services.iter().any(|one| one.what.code == service) {
        return page(&ChoosePage { v, round, services });
    }
    let door = Door::Open { round: id, service: &service, stamp: "" };
    match answers::sheet(&mut conn, today(&v), door).await {
        Ok(sheet) => form_page(&app, v, sheet, None, Again::default()),
        Err(error) => {
            drop(conn);
            let wrong = closed(&v, error)?;
            list_page(&app, v, wrong).await
        }
    }
}

pub(super) async fn send_link(
    State(app): State<App>,
    v: View,
    Path(id): Path<Uuid>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let Filled { answers: given, service, stamp, is_machine } = filled(&body);
    if is_machine {
        return Ok(thank());
    }
    let door = Door::Open { round: id, service: &service, stamp: &stamp };
    let again = match stamp::check(&app.keys.service, v.now, &stamp) {
        Ok(_) => {
            let mut tx = app.db.web.begin().await?;
            match answers::respond(&mut tx, (&app.ids, &app.keys.service), today(&v), (door, &given)).await {
                Ok(_) => {
                    tx.commit().await?;
                    return Ok(thank());
                }
                Err(EvaluationError::Wrong(errors)) => Again { given, errors, wrong: String::new() },
                Err(error) => {
                    drop(tx);
                    let wrong = closed(&v, error)?;
                    return list_page(&app, v, wrong).await;
                }
            }
        }
        Err(_) => Again { given, errors: Vec::new(), wrong: v.t("sec-participation-again") },
    };
    let found = answers::sheet(&mut *app.db.web.acquire().await?, today(&v), door).await;
    match found {
        Ok(sheet) => form_page(&app, v, sheet, None, again),
        Err(error) => {
            let wrong = closed(&v, error)?;
            list_page(&app, v, wrong).await
        }
    }
}

#[derive(Template)]
#[template(path = "secretariat/sec_evaluation_thanks.html")]
struct ThanksPage {
    v: View,
}

pub(super) async fn thanks(v: View) -> Result<Response, ApiError> {
    page(&ThanksPage { v })
}

/// Which of the reports of a year; none: the last.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Which {
    #[serde(default)]
    versao: Option<i32>,
}

#[derive(Template)]
#[template(path = "secretariat/sec_evaluation_report.html")]
struct ReportPage {
    v: View,
    one: Published,
    all: Vec<Published>,
    is_whole: bool,
    tables: Tables,
}

impl ReportPage {
    fn v(&self) -> &View {
        &self.v
    }

    fn hundredths(&self, value: &Option<i64>) -> String {
        Tables::hundredths(&self.v, *value)
    }

    fn count(&self, value: &Option<i64>) -> String {
        Tables::count(&self.v, *value)
    }

    fn rank(&self, one: &Rank) -> String {
        Tables::hundredths(&self.v, Some(one.value))
    }

    fn number(&self, one: &Rank) -> String {
        self.v.count(one.value)
    }

    fn cell(&self, kind: &str, cell: &Cell) -> String {
        Tables::cell(&self.v, kind, cell)
    }

    fn topic(&self, index: &Index) -> String {
        Tables::topic(&self.v, index)
    }
}

pub(super) async fn report(
    State(app): State<App>,
    v: View,
    Path(year): Path<i32>,
    Query(which): Query<Which>,
) -> Result<Response, ApiError> {
    let all = store::reports(&mut *app.db.web.acquire().await?, year, store::MOST).await?;
    let wanted = |one: &&Published| which.versao.is_none_or(|seq| one.seq == seq);
    let one = all.iter().find(wanted).cloned().ok_or_else(|| ApiError::NotFound(format!("report of {year}")))?;
    let tables = Tables { report: one.report.clone() };
    let is_whole = desk::is_whole(&all);
    page(&ReportPage { v, one, all, is_whole, tables })
}
