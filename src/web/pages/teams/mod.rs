//! Teams and resources in the console: who is free, busy and off; what is asked for; who was sent, and how it goes.

pub mod deployment;
pub mod one;
pub mod panel;
pub mod request;

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;
use serde_json::json;

use super::frame::Frame;
use super::page;
use super::refusal;
use super::relief::Fields;
use super::view::View;
use crate::accounts::Permission;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::audit::{self, Act, Entry};
use crate::deployments::Request;
use crate::deployments::store::{self as deployments, Asked};
use crate::refused::Refused;
use crate::resources::shift::Shift;
use crate::resources::{Class, Kind, NewResource, Resource, Skill, Standing, desk, file, store};
use crate::web::auth::{May, can};
use crate::web::error::ApiError;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/console/teams", get(board).post(create))
        .route("/console/teams.csv", get(export))
        .merge(one::routes())
        .merge(request::routes())
        .merge(deployment::routes())
}

/// `?done=…`: what was just done, in a word.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Done {
    #[serde(default)]
    pub done: String,
}

const DONE: &[&str] = &["saved", "condition", "team", "shift", "asked", "sent", "closed", "step", "position"];

impl Done {
    /// The sentence; empty for what nobody does.
    pub fn said(&self, v: &View) -> String {
        if DONE.contains(&self.done.as_str()) { v.word("teams-done", &self.done) } else { String::new() }
    }
}

/// Sentences of the desks by a part that is theirs alone, and the key of their words.
const KNOWN: &[(&str, &str)] = &[
    ("release it first", "teams-refused-bound"),
    ("bound by", "teams-refused-booked"),
    ("stands so already", "teams-refused-same"),
    ("members already", "teams-refused-members"),
    ("positions already", "teams-refused-track"),
    ("nobody belongs to the team", "fit-empty-team"),
    ("belongs to the team", "teams-refused-in-team"),
    ("already", "teams-refused-taken"),
    ("the incident is closed", "teams-refused-incident-closed"),
    ("is closed", "teams-refused-closed"),
    ("is over", "teams-refused-over"),
    ("it asks for", "teams-refused-full"),
    ("does not allow `", "teams-refused-state"),
    ("is retired", "teams-refused-retired"),
    ("the code of this resource", "teams-field-code"),
    ("was used for", "teams-refused-same"),
    ("decline it", "teams-refused-cancel"),
    ("only whoever was sent", "teams-refused-others"),
];

/// The key of the words of a refusal, where it is one of this part.
fn words_of(refused: &Refused) -> Option<String> {
    match refused {
        Refused::Wrong { field, .. } => {
            // Which of the positions it was is no matter of a page.
            let field = field.split('[').next().unwrap_or(field);
            Some(format!("teams-field-{}", field.replace(['.', '_'], "-")))
        }
        Refused::Conflict(why) | Refused::Forbidden(why) => {
            KNOWN.iter().find(|(part, _)| why.contains(part)).map(|(_, key)| (*key).to_owned())
        }
        Refused::Because(reason) => Some(reason.key()),
        Refused::NotFound(_) | Refused::Database(_) => None,
    }
}

/// A refusal in the reader's words.
///
/// # Errors
/// What is no refusal but a failure.
pub fn refused(v: &View, refused: Refused) -> Result<String, ApiError> {
    match words_of(&refused).filter(|key| v.lang.knows(key)) {
        Some(key) => Ok(v.t(&key)),
        None => Ok(refusal::sentence(v.lang, refused)?),
    }
}

/// What the form of a resource shows: as it is kept, or as it was typed.
#[derive(Default)]
pub struct FormFields {
    pub code: String,
    pub kind: String,
    pub typing: String,
    pub name: String,
    pub account: String,
    pub phone: String,
    pub skills: Vec<String>,
    pub base: String,
}

impl FormFields {
    pub fn of(what: &NewResource) -> Self {
        Self {
            code: what.code.clone(),
            kind: what.kind.to_string(),
            typing: what.typing.map(|typing| typing.to_string()).unwrap_or_default(),
            name: what.name.clone(),
            account: what.account.clone(),
            phone: what.phone.clone(),
            skills: what.skills.iter().map(ToString::to_string).collect(),
            base: what.base.clone(),
        }
    }

    pub fn typed(fields: &Fields) -> Self {
        let text = |name: &str| fields.one(name).to_owned();
        Self {
            code: text("code"),
            kind: text("kind"),
            typing: text("typing"),
            name: text("name"),
            account: text("account"),
            phone: text("phone"),
            skills: fields.all::<Skill>("skills").unwrap_or_default().iter().map(ToString::to_string).collect(),
            base: text("base"),
        }
    }

    pub fn has(&self, skill: &Skill) -> bool {
        self.skills.iter().any(|word| word == skill.as_str())
    }
}

/// Reads the form; the code of one that is kept stays.
pub fn read(fields: &Fields, kept: Option<&NewResource>) -> Result<NewResource, Refused> {
    Ok(NewResource {
        code: kept.map_or_else(|| fields.one("code").to_owned(), |kept| kept.code.clone()),
        kind: fields.parsed("kind")?,
        typing: fields.maybe("typing")?,
        name: fields.one("name").to_owned(),
        account: fields.one("account").trim_start_matches('@').to_lowercase(),
        phone: fields.one("phone").replace([' ', '-', '(', ')'], ""),
        skills: fields.all("skills")?,
        base: fields.one("base").to_owned(),
    })
}

/// Since or until when, or why, it is as it is; empty when there is nothing to say.
pub fn standing_words(v: &View, one: &Resource) -> String {
    let on_shift = match one.shift {
        Shift::On { until: Some(until) } => v.t1("resource-shift-until", "at", v.when(until)),
        Shift::On { until: None } => v.t("resource-shift-on"),
        Shift::Off { next: Some(next) } if one.bound.is_none() => v.t1("resource-shift-next", "at", v.when(next)),
        Shift::Off { .. } => v.t("resource-shift-off"),
        Shift::Unknown => String::new(),
    };
    if let Some(bound) = &one.bound {
        let drill = if bound.drill { v.t("status-exercise") } else { String::new() };
        let words = [
            v.word("deployment-state", bound.state.as_str()),
            bound.request.clone(),
            drill,
            v.ago(bound.since),
            on_shift,
        ];
        return words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" · ");
    }
    if one.condition != crate::resources::Condition::InService {
        let word = v.word("resource-condition", one.condition.as_str());
        return if one.condition_reason.is_empty() { word } else { format!("{word}: {}", one.condition_reason) };
    }
    on_shift
}

/// How a resource stands on the board, and what is said of it.
pub struct Stood {
    pub r: Resource,
    pub standing: Standing,
    pub words: String,
}

impl Stood {
    /// `all`: what belongs to it is among them.
    pub fn of(v: &View, r: Resource, all: &[Resource]) -> Self {
        let (standing, conflict) = r.standing_with(all);
        let own = standing_words(v, &r);
        let words = conflict.map_or(own, |conflict| request::against(v, &conflict));
        Self { r, standing, words }
    }
}

/// The kinds of each class, for a select.
pub fn kinds() -> Vec<(Class, Vec<Kind>)> {
    Class::ALL.iter().map(|class| (*class, Kind::of_class(*class).collect())).collect()
}

#[derive(Template)]
#[template(path = "teams.html")]
struct BoardPage {
    f: Frame,
    /// Each standing with what stands so.
    columns: Vec<(Standing, Vec<Stood>)>,
    /// Requests that are not closed.
    requests: Vec<Request>,
    class: Option<Class>,
    counts: Vec<(Class, i64)>,
    total: i64,
    /// How many are not shown, because there are too many for one page.
    beyond: i64,
    form: FormFields,
    may_run: bool,
    wrong: String,
    done: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Shown {
    #[serde(default)]
    class: String,
    #[serde(default)]
    done: String,
}

async fn board_page(
    app: &App,
    v: View,
    shown: Shown,
    (form, wrong): (FormFields, String),
) -> Result<Response, ApiError> {
    let class: Option<Class> = match shown.class.as_str() {
        "" => None,
        word => Some(
            word.parse()
                .map_err(|error: crate::units::UnknownWord| ApiError::field("class", word, error.to_string()))?,
        ),
    };
    let mut conn = app.db.web.acquire().await?;
    let all = store::board(&mut conn, class, v.now).await?;
    let teams: Vec<_> = all.iter().filter(|one| one.class() == Class::Team).map(|one| one.id).collect();
    let members = store::members_of(&mut conn, &teams, v.now).await?;
    let requests = deployments::requests(&mut conn, Asked { open: true, ..Asked::default() }).await?;
    let by_class = store::count(&mut conn).await?;
    let of = |class: &Class| by_class.get(class.as_str()).copied().unwrap_or_default();
    let counts: Vec<_> = Class::ALL.iter().map(|class| (*class, of(class))).collect();
    let total = counts.iter().map(|(_, count)| count).sum();
    let beyond = class.as_ref().map_or(total, of) - all.len() as i64;
    let mut columns: Vec<(Standing, Vec<Stood>)> = Standing::ALL.iter().map(|word| (*word, Vec::new())).collect();
    for one in all {
        let stood = Stood::of(&v, one, &members);
        if let Some((_, rows)) = columns.iter_mut().find(|(standing, _)| *standing == stood.standing) {
            rows.push(stood);
        }
    }
    let (may_run, done) = (v.may(Permission::RunIncidents), Done { done: shown.done }.said(&v));
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let f = Frame::load(&mut conn, app, v, "teams").await?;
    let shown = BoardPage { f, columns, requests, class, counts, total, beyond, form, may_run, wrong, done };
    Ok((status, page(&shown)?).into_response())
}

async fn board(
    State(app): State<App>,
    _: May<can::SeeConsole>,
    v: View,
    Query(shown): Query<Shown>,
) -> Result<Response, ApiError> {
    board_page(&app, v, shown, (FormFields::default(), String::new())).await
}

async fn create(
    State(app): State<App>,
    staff: May<can::RunIncidents>,
    v: View,
    fields: Fields,
) -> Result<Response, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    let done = async { desk::save(&mut tx, by, None, &read(&fields, None)?).await };
    match done.await {
        Ok(id) => {
            tx.commit().await?;
            Ok(Redirect::to(&format!("/console/teams/{id}?done=saved")).into_response())
        }
        Err(why) => {
            drop(tx);
            let wrong = refused(&v, why)?;
            board_page(&app, v, Shown::default(), (FormFields::typed(&fields), wrong)).await
        }
    }
}

/// Telephones are in the file, so it is for those who run incidents, and taking it is written down.
async fn export(State(app): State<App>, staff: May<can::RunIncidents>, v: View) -> Result<Response, ApiError> {
    let mut tx = app.db.web.begin().await?;
    let all = store::list(&mut tx, v.now).await?;
    let entry = Entry::new(Act::ResourcesExport, "resources", "csv").to(json!({ "resources": all.len() }));
    audit::record(&mut tx, &app.ids, v.now, &staff.actor(), entry).await?;
    tx.commit().await?;
    let lines: String = all.iter().map(file::line).collect();
    let head = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"equipes.csv\""),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((head, format!("{}{lines}", file::HEAD)).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deployments::life;
    use crate::i18n::Lang;
    use crate::ics::Position;
    use crate::resources::Condition;

    #[test]
    fn every_word_that_is_shown_has_a_text_in_both_languages() {
        let of = |all: &[&'static str]| all.to_vec();
        let words: Vec<(&str, Vec<&str>)> = vec![
            ("resource-class", Class::ALL.iter().map(|word| word.as_str()).collect()),
            ("resource-kind", Kind::ALL.iter().map(|word| word.as_str()).collect()),
            ("resource-skill", Skill::ALL.iter().map(|word| word.as_str()).collect()),
            ("resource-condition", Condition::ALL.iter().map(|word| word.as_str()).collect()),
            ("resource-standing", Standing::ALL.iter().map(|word| word.as_str()).collect()),
            ("deployment-state", life::State::ALL.iter().map(|word| word.as_str()).collect()),
            ("deployment-act", life::Act::ALL.iter().map(|word| word.as_str()).collect()),
            ("deployment-act", of(&["assign"])),
            ("ics-position", Position::ALL.iter().map(|word| word.as_str()).collect()),
            ("teams-done", DONE.to_vec()),
            (
                "fit",
                of(&[
                    "booked",
                    "retired",
                    "empty_team",
                    "maintenance",
                    "off_shift",
                    "missing_skill",
                    "no_leader",
                    "in_team",
                    "less_able",
                ]),
            ),
        ];
        for (vocabulary, words) in words {
            for word in words {
                let key = format!("{vocabulary}-{}", word.replace('_', "-"));
                assert!(Lang::Pt.knows(&key) && Lang::En.knows(&key), "{key}");
            }
        }
        for (_, key) in KNOWN {
            assert!(Lang::Pt.knows(key) && Lang::En.knows(key), "{key}");
        }
    }

    /// The literal that follows each of these words in the source.
    fn literals(source: &str, before: &str) -> Vec<String> {
        let literal = |rest: &str| rest.trim_start().strip_prefix('"')?.split('"').next().map(str::to_owned);
        source.split(before).skip(1).filter_map(literal).collect()
    }

    #[test]
    fn no_refusal_of_this_part_is_told_in_the_language_of_programs() {
        let sources = [
            include_str!("../../../deployments/desk.rs"),
            include_str!("../../../deployments/steps.rs"),
            include_str!("../../../resources/desk.rs"),
            include_str!("../../../ics/desk.rs"),
        ];
        for source in sources {
            for before in ["Refused::Conflict(format!(", "Refused::Conflict(", "Refused::Forbidden("] {
                for said in literals(source, before) {
                    assert!(words_of(&Refused::Conflict(said.clone())).is_some(), "{said}");
                }
            }
            for field in literals(source, "Refused::wrong(") {
                let key = words_of(&Refused::wrong(&*field, "", "")).unwrap();
                assert!(Lang::Pt.knows(&key) && Lang::En.knows(&key), "{key}");
            }
        }
        for conflict in ["is bound by request 2026/001", "nobody belongs to the team"] {
            assert!(words_of(&Refused::Conflict(conflict.into())).is_some(), "{conflict}");
        }
    }
}
