//! The archive: everything that ever left, found again.

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;

use crate::app::App;
use crate::cobrade::Cobrade;
use crate::units::Level;
use crate::web::error::ApiError;
use crate::web::notices::Standing;
use crate::web::notices::archive::{self, Filter, Found, Line, PAGE};
use crate::web::notices::status::{self, Present};
use crate::web::pages::view::View;
use crate::web::pages::{now, page};

pub fn routes() -> Router<App> {
    Router::new().route("/alerts", get(list))
}

/// The form sends what was not chosen as empty.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wanted {
    year: String,
    month: String,
    hazard: String,
    level: String,
    area: String,
    /// "drills" for exercises, tests and system messages.
    kind: String,
    page: String,
}

impl Wanted {
    fn filter(&self) -> Result<Filter, ApiError> {
        let year = number(&self.year, "year", 1900..=9998)?;
        let month = number(&self.month, "month", 1..=12)?;
        let page = number(&self.page, "page", 1..=1_000_000)?;
        let hazard = chosen(&self.hazard).map(|code| match code.parse::<Cobrade>() {
            Ok(code) => Ok(code.to_string()),
            Err(error) => Err(ApiError::field("hazard", code, error.to_string())),
        });
        let level = chosen(&self.level)
            .map(|word| word.parse::<Level>().map_err(|error| ApiError::field("level", word, error.to_string())));
        let drills = match self.kind.as_str() {
            "" => false,
            "drills" => true,
            other => return Err(ApiError::field("kind", other, "expected nothing, or drills")),
        };
        if self.area.contains('\0') {
            return Err(ApiError::field("area", "", "a name holds no NUL"));
        }
        Ok(Filter {
            year: year.and_then(|year| i32::try_from(year).ok()),
            month: month.and_then(|month| u32::try_from(month).ok()),
            hazard: hazard.transpose()?,
            level: level.transpose()?,
            area: chosen(&self.area).map(str::to_owned),
            drills,
            page: page.unwrap_or(1),
        })
    }

    /// The address of another page of the same list.
    fn at(&self, page: i64) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let given = [
            ("year", &self.year),
            ("month", &self.month),
            ("hazard", &self.hazard),
            ("level", &self.level),
            ("area", &self.area),
            ("kind", &self.kind),
        ];
        for (name, value) in given.into_iter().filter(|(_, value)| !value.is_empty()) {
            query.append_pair(name, value);
        }
        if page > 1 {
            query.append_pair("page", &page.to_string());
        }
        let query = query.finish();
        if query.is_empty() { "/alerts".to_owned() } else { format!("/alerts?{query}") }
    }
}

fn chosen(value: &str) -> Option<&str> {
    Some(value.trim()).filter(|value| !value.is_empty())
}

fn number(value: &str, field: &str, range: std::ops::RangeInclusive<i64>) -> Result<Option<i64>, ApiError> {
    let Some(text) = chosen(value) else { return Ok(None) };
    let wrong = || ApiError::field(field, text, format!("expected a number from {} to {}", range.start(), range.end()));
    text.parse::<i64>().ok().filter(|number| range.contains(number)).map(Some).ok_or_else(wrong)
}

#[derive(Template)]
#[template(path = "public_archive.html")]
struct ArchivePage {
    v: View,
    wanted: Wanted,
    filter: Filter,
    found: Found,
    present: Present,
    pages: i64,
}

impl ArchivePage {
    fn is_filtered(&self) -> bool {
        let f = &self.filter;
        f.year.is_some() || f.hazard.is_some() || f.level.is_some() || f.area.is_some()
    }

    fn state_word(&self) -> String {
        self.v.t(super::state_key(self.present.state))
    }

    fn newer(&self) -> String {
        self.wanted.at(self.filter.page - 1)
    }

    fn older(&self) -> String {
        self.wanted.at(self.filter.page + 1)
    }

    fn month_name(&self, month: &str) -> String {
        self.v.t(&format!("month-{month}"))
    }

    fn is_year(&self, value: &str) -> bool {
        self.filter.year.is_some_and(|year| year.to_string() == value)
    }

    fn is_month(&self, value: &str) -> bool {
        self.filter.month.is_some_and(|month| month.to_string() == value)
    }

    fn is_hazard(&self, value: &str) -> bool {
        self.filter.hazard.as_deref() == Some(value)
    }

    fn is_level(&self, value: &str) -> bool {
        self.filter.level.is_some_and(|level| level.as_str() == value)
    }

    fn is_area(&self, value: &str) -> bool {
        self.filter.area.as_deref() == Some(value)
    }

    fn level_of(&self, value: &str) -> String {
        self.v.level_word(value.parse::<Level>().unwrap_or(Level::Unknown))
    }

    fn places(&self, line: &Line) -> String {
        now::names(&self.v, &line.areas, 3)
    }
}

async fn list(State(app): State<App>, v: View, Query(wanted): Query<Wanted>) -> Result<Response, ApiError> {
    let filter = wanted.filter()?;
    let mut conn = app.db.web.acquire().await?;
    let found = archive::find(&mut conn, v.now, v.tz, &filter).await?;
    if found.lines.is_empty() && filter.page > 1 {
        return Ok(Redirect::to(&wanted.at(1)).into_response());
    }
    let present = status::present(&mut conn, v.now, v.lang.tag()).await?;
    let pages = (found.total + PAGE - 1) / PAGE;
    page(&ArchivePage { v, wanted, filter, found, present, pages })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_chosen_is_not_asked_for_and_what_is_wrong_is_named() {
        assert_eq!(Wanted::default().filter().unwrap(), Filter { page: 1, ..Filter::default() });
        let wanted = |name: &str, value: &str| {
            let pairs = url::form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish();
            axum::extract::Query::<Wanted>::try_from_uri(&format!("/alerts?{pairs}").parse().unwrap()).unwrap().0
        };
        for (name, value) in [
            ("year", "MMXXVI"),
            ("month", "13"),
            ("hazard", "9.9.9.9.9"),
            ("level", "red"),
            ("kind", "all"),
            ("page", "0"),
        ] {
            let error = wanted(name, value).filter().unwrap_err();
            assert!(error.to_string().starts_with(name), "{error}");
        }
        assert_eq!(wanted("level", "maximum").filter().unwrap().level, Some(Level::Maximum));
    }

    #[test]
    fn pages_keep_what_was_chosen() {
        let wanted = Wanted { year: "2026".into(), area: "Bom Pastor & cia".into(), ..Wanted::default() };
        assert_eq!(wanted.at(1), "/alerts?year=2026&area=Bom+Pastor+%26+cia");
        assert_eq!(wanted.at(3), "/alerts?year=2026&area=Bom+Pastor+%26+cia&page=3");
        assert_eq!(Wanted::default().at(1), "/alerts");
    }
}
