//! The yearly report of access to information and of the ombudsman: inside with every figure for whoever works in
//! the module, for others and outside without small cells.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

use super::super::frame::Frame;
use super::super::page;
use super::super::view::View;
use super::module;
use crate::app::App;
use crate::deadlines::words;
use crate::secretariat::modules::{self, Module};
use crate::secretariat::yearly::{Row, Table, Yearly};
use crate::web::api::secretariat::figures;
use crate::web::auth::{May, can};
use crate::web::error::ApiError;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/secretaria/painel/{module}/anual", get(inside))
        .route("/secretaria/acesso-a-informacao/relatorio", get(of_sic))
        .route("/secretaria/ouvidoria/relatorio", get(of_ombudsman))
}

#[derive(Debug, Deserialize)]
struct Of {
    #[serde(default)]
    ano: Option<i32>,
}

/// Words of a row: its own, a month, or a deadline that was kept or not.
fn label(v: &View, table: &Table, row: &Row) -> String {
    match table.key.as_str() {
        "month" => v.t(&format!("sec-month-{}", row.key)),
        "in_time" => {
            let (code, is_late) = match row.key.strip_suffix(".late") {
                Some(code) => (code, true),
                None => (row.key.trim_end_matches(".in_time"), false),
            };
            let what = v.t(if is_late { "sec-yearly-late" } else { "sec-yearly-in-time" });
            format!("{}: {what}", words::name(v.lang, code))
        }
        _ if row.key == "annulled" => v.t("sec-annulled"),
        _ => row.label.clone(),
    }
}

fn count(v: &View, count: Option<i64>) -> String {
    count.map_or_else(|| v.t("sec-yearly-few"), |count| v.count(count))
}

#[derive(Template)]
#[template(path = "secretariat/sec_yearly.html")]
struct InsidePage {
    f: Frame,
    module: &'static Module,
    yearly: Yearly,
}

impl InsidePage {
    fn v(&self) -> &View {
        &self.f.v
    }

    fn count(&self, number: &Option<i64>) -> String {
        count(&self.f.v, *number)
    }

    fn label(&self, table: &Table, row: &Row) -> String {
        label(&self.f.v, table, row)
    }

    fn days(&self) -> String {
        self.yearly.average_days.map_or_else(|| "–".to_owned(), |days| self.f.v.decimal(days))
    }
}

async fn inside(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    v: View,
    Path(slug): Path<String>,
    Query(of): Query<Of>,
) -> Result<Response, ApiError> {
    let module = module(&slug)?;
    let year = of.ano.unwrap_or_else(|| figures::this_year(&app));
    let mut conn = app.db.web.acquire().await?;
    let yearly = figures::for_staff(&app, &mut conn, &staff, (module, year)).await?;
    let f = Frame::load(&mut conn, &app, v, "secretariat").await?;
    page(&InsidePage { f, module, yearly })
}

#[derive(Template)]
#[template(path = "secretariat/sec_yearly_public.html")]
struct PublicPage {
    v: View,
    module: &'static Module,
    yearly: Yearly,
}

impl PublicPage {
    fn v(&self) -> &View {
        &self.v
    }

    fn count(&self, number: &Option<i64>) -> String {
        count(&self.v, *number)
    }

    fn label(&self, table: &Table, row: &Row) -> String {
        label(&self.v, table, row)
    }

    fn days(&self) -> String {
        self.yearly.average_days.map_or_else(|| "–".to_owned(), |days| self.v.decimal(days))
    }
}

async fn outside(app: &App, v: View, key: &str, of: Of) -> Result<Response, ApiError> {
    let module = modules::find(key).ok_or_else(|| ApiError::NotFound(format!("module {key}")))?;
    let year = of.ano.unwrap_or_else(|| figures::this_year(app) - 1);
    let yearly = figures::for_everybody(app, &mut *app.db.web.acquire().await?, module, year).await?;
    page(&PublicPage { v, module, yearly })
}

async fn of_sic(State(app): State<App>, v: View, Query(of): Query<Of>) -> Result<Response, ApiError> {
    outside(&app, v, "sic", of).await
}

async fn of_ombudsman(State(app): State<App>, v: View, Query(of): Query<Of>) -> Result<Response, ApiError> {
    outside(&app, v, "ombudsman", of).await
}
