//! Inspections in the console: the list with its filters as links, the file, one inspection, and its interdictions.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

mod interdictions;
mod photographs;

use super::frame::Frame;
use super::page;
use super::view::{Given, View};
use crate::accounts::Permission;
use crate::app::App;
use crate::audit::{self, Act, Entry};
use crate::i18n::Lang;
use crate::inspections::store::interdiction::{self, Interdiction};
use crate::inspections::store::list::{self, Line, Totals, Wish};
use crate::inspections::store::{self, Inspection, Photograph};
use crate::inspections::{Building, Damage, Risk, csv, form};
use crate::units::UnknownWord;
use crate::web::auth::{May, can};
use crate::web::error::ApiError;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/console/inspections", get(list))
        .route("/console/inspections.csv", get(export))
        .route("/console/inspections/{id}", get(show))
        .merge(photographs::routes())
        .merge(interdictions::routes())
}

/// Lines of one page.
const PAGE: i64 = 100;

/// What the address asks for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Wanted {
    risk: String,
    damage: String,
    building: String,
    mine: String,
    forbidden: String,
    due: String,
    all: String,
    incident: String,
    occurrence: String,
    after: String,
}

/// The filters, read.
#[derive(Clone, Debug, Default)]
struct Filters {
    risk: Option<Risk>,
    damage: Option<Damage>,
    building: Option<Building>,
    is_mine: bool,
    is_forbidden: bool,
    is_due: bool,
    has_all: bool,
    incident: Option<Uuid>,
    occurrence: Option<Uuid>,
    after: Option<Uuid>,
}

fn word<T: std::str::FromStr<Err = UnknownWord>>(field: &str, text: &str) -> Result<Option<T>, ApiError> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|error: UnknownWord| ApiError::field(field, text, error.to_string()))
}

fn id(field: &str, text: &str) -> Result<Option<Uuid>, ApiError> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| ApiError::field(field, text, "expected an id"))
}

impl Filters {
    fn read(wanted: &Wanted) -> Result<Self, ApiError> {
        Ok(Self {
            risk: word("risk", &wanted.risk)?,
            damage: word("damage", &wanted.damage)?,
            building: word("building", &wanted.building)?,
            is_mine: wanted.mine == "yes",
            is_forbidden: wanted.forbidden == "yes",
            is_due: wanted.due == "yes",
            has_all: wanted.all == "yes",
            incident: id("incident", &wanted.incident)?,
            occurrence: id("occurrence", &wanted.occurrence)?,
            after: id("after", &wanted.after)?,
        })
    }

    fn wish<'a>(&self, v: &View, me: &'a str) -> Wish<'a> {
        Wish {
            risk: self.risk,
            damage: self.damage,
            building: self.building,
            inspector: self.is_mine.then_some(me),
            incident: self.incident,
            occurrence: self.occurrence,
            key: None,
            forbidden: self.is_forbidden,
            due_by: self.is_due.then(|| v.now.with_timezone(&v.tz).date_naive()),
            all: self.has_all,
        }
    }

    fn pairs(&self) -> Vec<(&'static str, String)> {
        let yes = |is: bool| if is { "yes".to_owned() } else { String::new() };
        let text = |given: Option<&str>| given.unwrap_or_default().to_owned();
        vec![
            ("risk", text(self.risk.map(Risk::as_str))),
            ("damage", text(self.damage.map(Damage::as_str))),
            ("building", text(self.building.map(Building::as_str))),
            ("mine", yes(self.is_mine)),
            ("forbidden", yes(self.is_forbidden)),
            ("due", yes(self.is_due)),
            ("all", yes(self.has_all)),
            ("incident", self.incident.map(|id| id.to_string()).unwrap_or_default()),
            ("occurrence", self.occurrence.map(|id| id.to_string()).unwrap_or_default()),
            ("after", self.after.map(|id| id.to_string()).unwrap_or_default()),
        ]
    }

    /// The same list with one filter set otherwise, from its beginning.
    fn link(&self, name: &str, value: impl ToString) -> String {
        let value = value.to_string();
        let kept = self.pairs().into_iter().filter(|(other, _)| *other != name && *other != "after");
        let all = kept.chain([("", value)]).filter(|(_, value)| !value.is_empty());
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (other, value) in all {
            query.append_pair(if other.is_empty() { name } else { other }, &value);
        }
        let query = query.finish();
        if query.is_empty() { "/console/inspections".into() } else { format!("/console/inspections?{query}") }
    }

    fn toggled(&self, name: &str, is: &bool) -> String {
        self.link(name, if *is { "" } else { "yes" })
    }

    fn file(&self) -> String {
        self.link("after", "").replacen("/console/inspections", "/console/inspections.csv", 1)
    }

    fn is_narrow(&self) -> bool {
        self.pairs().iter().any(|(_, value)| !value.is_empty())
    }

    fn is_risk(&self, risk: &Risk) -> bool {
        self.risk == Some(*risk)
    }

    fn is_damage(&self, damage: &Damage) -> bool {
        self.damage == Some(*damage)
    }
}

#[derive(Template)]
#[template(path = "inspections.html")]
struct ListPage {
    f: Frame,
    q: Filters,
    totals: Totals,
    rows: Vec<Line>,
    next: Option<String>,
}

impl ListPage {
    fn is_overdue(&self, line: &Line) -> bool {
        let today = self.f.v.now.with_timezone(&self.f.v.tz).date_naive();
        !line.superseded && line.inspect_again_by.is_some_and(|day| day <= today)
    }
}

async fn list(State(app): State<App>, v: View, Query(wanted): Query<Wanted>) -> Result<Response, ApiError> {
    let me = v.staff.as_ref().map(|staff| staff.username.clone()).unwrap_or_default();
    let q = Filters::read(&wanted)?;
    let mut conn = app.db.web.acquire().await?;
    let mut before = None;
    if let Some(after) = q.after {
        let found = store::load(&mut conn, after).await?;
        let found = found.ok_or_else(|| ApiError::field("after", after.to_string(), "there is no such inspection"))?;
        before = Some((found.received_at, found.id));
    }
    let mut rows = list::lines(&mut conn, &q.wish(&v, &me), before, PAGE + 1).await?;
    let has_more = rows.len() > PAGE as usize;
    rows.truncate(PAGE as usize);
    let next = rows.last().filter(|_| has_more).map(|last| q.link("after", last.id));
    let totals = list::totals(&mut conn, v.now.with_timezone(&v.tz).date_naive()).await?;
    let f = Frame::load(&mut conn, &app, v, "inspections").await?;
    page(&ListPage { f, q, totals, rows, next })
}

async fn export(
    State(app): State<App>,
    staff: May<can::SeeConsole>,
    v: View,
    Query(wanted): Query<Wanted>,
) -> Result<Response, ApiError> {
    let q = Filters::read(&wanted)?;
    let mut tx = app.db.web.begin().await?;
    let rows = list::lines(&mut tx, &q.wish(&v, &staff.username), None, csv::MOST + 1).await?;
    if rows.len() > csv::MOST as usize {
        return Err(ApiError::bad(v.t1("cases-too-many", "n", v.count(csv::MOST))));
    }
    let entry = Entry::new(Act::InspectionsExport, "inspection", "csv");
    let entry = entry.to(json!({ "rows": rows.len(), "filters": q.link("", "") }));
    audit::record(&mut tx, &app.ids, v.now, &staff.actor(), entry).await?;
    tx.commit().await?;
    let mut body = String::from(csv::HEAD);
    rows.iter().for_each(|row| body.push_str(&csv::line(row, v.tz)));
    let day = v.now.with_timezone(&v.tz).format("%Y-%m-%d-%H%M");
    let name = format!("attachment; filename=\"vistorias-{day}.csv\"");
    let headers = [(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, body).into_response())
}

#[derive(Template)]
#[template(path = "inspection.html")]
struct OnePage {
    f: Frame,
    i: Inspection,
    photographs: Vec<Photograph>,
    interdictions: Vec<Interdiction>,
    answers: Vec<(String, String)>,
    because: Vec<String>,
}

impl OnePage {
    /// Persons with the key of their words; only those that somebody counted.
    fn people(&self) -> Vec<(&'static str, i32)> {
        let i = &self.i;
        let all = [
            ("residents", i.residents),
            ("displaced", i.displaced),
            ("homeless", i.homeless),
            ("dead", i.dead),
            ("injured", i.injured),
            ("ill", i.ill),
            ("missing", i.missing),
            ("other-affected", i.other_affected),
        ];
        all.into_iter().filter_map(|(word, number)| Some((word, number?))).collect()
    }

    fn is_calmer(&self) -> bool {
        match (&self.i.risk, &self.i.suggested_risk) {
            (Some(risk), Some(suggested)) => risk < suggested,
            _ => false,
        }
    }

    fn towards(&self, degrees: impl Given<i16>) -> String {
        bearing(self.f.v.lang, degrees.given())
    }

    fn awaited(&self) -> usize {
        self.photographs.iter().filter(|one| one.is_awaited()).count()
    }
}

/// "NO (315°)".
fn bearing(lang: Lang, degrees: i16) -> String {
    let pt = ["N", "NE", "L", "SE", "S", "SO", "O", "NO"];
    let en = ["N", "NE", "E", "SE", "S", "SW", "W", "NW"];
    let words = if lang == Lang::Pt { pt } else { en };
    let at = usize::try_from((degrees.rem_euclid(360) + 22) / 45).unwrap_or_default() % 8;
    format!("{} ({degrees}°)", words[at])
}

async fn show(State(app): State<App>, v: View, Path(id): Path<Uuid>) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let found = store::load(&mut conn, id).await?;
    let i = found.ok_or_else(|| ApiError::NotFound(v.t1("inspection-missing", "id", id)))?;
    let photographs = store::photographs(&mut conn, id).await?;
    let wish = interdiction::Wish { inspection: Some(id), ..interdiction::Wish::default() };
    let interdictions = interdiction::list(&mut conn, wish, None, interdiction::PAGE).await?;
    let given = serde_json::from_value(i.answers.clone()).unwrap_or_default();
    let pairs: Vec<String> = serde_json::from_value(i.suggested_reasons.clone()).unwrap_or_default();
    let (answers, because) = match form::find(&i.form) {
        Some(form) => (form.told(v.lang, &given), pairs.iter().map(|pair| form.pair(v.lang, pair)).collect()),
        None => (given.into_iter().collect(), pairs),
    };
    let f = Frame::load(&mut conn, &app, v, "inspections").await?;
    page(&OnePage { f, i, photographs, interdictions, answers, because })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_direction_is_told_by_the_nearest_of_eight_winds() {
        let told = [0, 22, 23, 90, 180, 292, 315, 359].map(|degrees| bearing(Lang::Pt, degrees));
        assert_eq!(told, ["N (0°)", "N (22°)", "NE (23°)", "L (90°)", "S (180°)", "O (292°)", "NO (315°)", "N (359°)"]);
    }

    #[test]
    fn a_link_changes_one_filter_and_begins_anew() {
        let q = Filters { risk: Some(Risk::R4), is_mine: true, after: Some(Uuid::nil()), ..Filters::default() };
        assert_eq!(q.link("damage", Damage::Destroyed), "/console/inspections?risk=R4&mine=yes&damage=destroyed");
        assert_eq!(q.link("risk", ""), "/console/inspections?mine=yes");
        assert_eq!(q.toggled("mine", &true), "/console/inspections?risk=R4");
        assert_eq!(q.file(), "/console/inspections.csv?risk=R4&mine=yes");
    }

    #[test]
    fn every_word_that_is_shown_has_a_text_in_both_languages() {
        use crate::inspections::{Ownership, Proof, Scope, SignerRole, State as Stands, acts};
        let words: Vec<(&str, Vec<&str>)> = vec![
            ("building", Building::ALL.iter().map(|word| word.as_str()).collect()),
            ("ownership", Ownership::ALL.iter().map(|word| word.as_str()).collect()),
            ("building-damage", Damage::ALL.iter().map(|word| word.as_str()).collect()),
            ("risk-grade", Risk::ALL.iter().map(|word| word.as_str()).collect()),
            ("interdiction-scope", Scope::ALL.iter().map(|word| word.as_str()).collect()),
            ("signer", SignerRole::ALL.iter().map(|word| word.as_str()).collect()),
            ("interdiction-proof", Proof::ALL.iter().map(|word| word.as_str()).collect()),
            ("interdiction-state", Stands::ALL.iter().map(|word| word.as_str()).collect()),
            ("field-act", acts::Word::ALL.iter().map(|word| word.as_str()).collect()),
            (
                "inspection-people",
                vec!["residents", "displaced", "homeless", "dead", "injured", "ill", "missing", "other-affected"],
            ),
        ];
        for (vocabulary, words) in words {
            for word in words {
                let key = format!("{vocabulary}-{}", word.replace('_', "-"));
                assert!(Lang::Pt.knows(&key) && Lang::En.knows(&key), "{key}");
            }
        }
    }
}
