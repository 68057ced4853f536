//! Figures of a type of cases in a year.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::get;
use chrono::Datelike as _;
use serde::Deserialize;

use super::super::frame::Frame;
use super::super::page;
use super::super::view::View;
use super::module;
use crate::app::App;
use crate::deadlines::words;
use crate::secretariat::kernel::desk;
use crate::secretariat::kernel::report::{Cell, Report};
use crate::secretariat::kernel::store::figures::Month;
use crate::secretariat::kernel::types::Kept;
use crate::secretariat::modules::Module;
use crate::web::auth::{May, can};
use crate::web::error::ApiError;

pub fn routes() -> Router<App> {
    Router::new().route("/secretaria/painel/{module}/relatorio/{key}", get(show))
}

#[derive(Debug, Deserialize)]
struct Of {
    #[serde(default)]
    year: Option<i32>,
    #[serde(default)]
    department: Option<String>,
}

#[derive(Template)]
#[template(path = "secretariat/sec_report.html")]
struct ReportPage {
    f: Frame,
    module: &'static Module,
    kept: Arc<Kept>,
    report: Report,
}

impl ReportPage {
    fn state(&self, cell: &Cell) -> String {
        if cell.key == "annulled" {
            return self.f.v.t("sec-annulled");
        }
        self.kept.def.state_label(&cell.key, self.f.v.lang)
    }

    fn choice(&self, cell: &Cell) -> String {
        let field = self.kept.def.report.by.as_ref().and_then(|by| self.kept.def.field(by.get_ref()));
        match field {
            Some(field) if !cell.key.is_empty() => field.option_label(&cell.key, self.f.v.lang),
            _ => self.f.v.t("sec-not-told"),
        }
    }

    fn choice_label(&self) -> String {
        let field = self.kept.def.report.by.as_ref().and_then(|by| self.kept.def.field(by.get_ref()));
        field.map(|field| field.label.of(self.f.v.lang).to_owned()).unwrap_or_default()
    }

    /// "7 a 14 dias" and how many.
    fn ages(&self) -> Vec<(String, String)> {
        let (v, ages) = (&self.f.v, &self.report.ages);
        let all = self.report.by_age.iter().enumerate().map(|(at, count)| {
            let from = at.checked_sub(1).and_then(|before| ages.get(before));
            let word = match (from, ages.get(at)) {
                (None, Some(to)) => v.t1("sec-age-below", "n", to),
                (Some(from), Some(to)) => v.t2("sec-age-between", "from", from, "to", to - 1),
                (Some(from), None) => v.t1("sec-age-from", "n", from),
                (None, None) => v.t("sec-open"),
            };
            (word, self.number(count))
        });
        all.collect()
    }

    fn month(&self, one: &Month) -> String {
        self.f.v.t(&format!("sec-month-{:02}", one.month))
    }

    fn department(&self) -> &str {
        self.report.department.as_deref().unwrap_or_default()
    }

    /// The file of the months, of the department that is shown.
    fn file(&self) -> String {
        let year = self.report.year.to_string();
        let of = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("type", self.report.type_key.as_str()), ("year", year.as_str())])
            .extend_pairs([("department", self.department()), ("format", "csv")])
            .finish();
        format!("/api/v1/secretariat/{}/report?{of}", self.module.slug)
    }

    fn number(&self, count: &Option<i64>) -> String {
        count.map_or_else(|| self.f.v.t("sec-yearly-few"), |count| self.f.v.count(count))
    }

    fn name(&self, code: &str) -> String {
        words::name(self.f.v.lang, code)
    }
}

async fn show(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    v: View,
    Path((slug, key)): Path<(String, String)>,
    Query(of): Query<Of>,
) -> Result<Response, ApiError> {
    let module = module(&slug)?;
    let kept = app.cases.get(&key).filter(|kept| kept.def.module() == module.key()).cloned();
    let kept = kept.ok_or_else(|| ApiError::NotFound(format!("type of cases {key}")))?;
    let this = v.now.with_timezone(&v.tz).year();
    let year = of.year.filter(|year| (1900..=2200).contains(year)).unwrap_or(this);
    let mut conn = app.db.web.acquire().await?;
    let department = of.department.as_deref().map(str::trim);
    let department = department.filter(|name| (1..=160).contains(&name.chars().count()) && !name.contains('\0'));
    let who = desk::who(&staff);
    let report = Report::load(&mut conn, (&kept.def, &who), (year, department), (v.now, v.tz)).await?;
    let f = Frame::load(&mut conn, &app, v, "secretariat").await?;
    page(&ReportPage { f, module, kept, report })
}
