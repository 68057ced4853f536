//! `/secretaria/orcamento`: what the town takes in and spends, for everyone, from what was published and nothing else.

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;
use chrono::Datelike as _;
use sqlx::PgConnection;

use super::today;
use crate::app::App;
use crate::clock::Instant;
use crate::secretariat::budget::BillKind;
use crate::secretariat::budget::plans::{Action, Ppa, Priority, YearTarget};
use crate::secretariat::budget::published::Snapshot;
use crate::secretariat::budget::spend::{self, Phase, Row, Way};
use crate::secretariat::budget::store::publication as store;
use crate::secretariat::kernel::money::Centavos;
use crate::web::api::imports::Query;
use crate::web::api::secretariat::budget::{SpendingWanted, files, rows_below};
use crate::web::error::ApiError;
use crate::web::pages::page;
use crate::web::pages::view::{Given, View};

const ROOT: &str = "/secretaria/orcamento";

pub fn routes() -> Router<App> {
    Router::new()
        .route("/secretaria/orcamento", get(newest))
        .route("/secretaria/orcamento/{ano}", get(year))
        .route("/secretaria/orcamento/{ano}/arquivos/{file}", get(file))
}

/// The budget of a year as it is shown.
struct Shown {
    at: Instant,
    s: Snapshot,
    way: Way,
    path: Vec<String>,
    rows: Vec<Row>,
    /// Revenue by category and origin.
    revenue: Vec<(String, String, Centavos, i64)>,
    civil_defense: Centavos,
    paid: Centavos,
    /// The plan that holds for the year, and the goals of the year, when they were published.
    plan: Option<Snapshot>,
    goals: Option<Snapshot>,
}

#[derive(Template)]
#[template(path = "sec_budget_public.html")]
struct PublicPage {
    v: View,
    shown: Option<Shown>,
    /// kind, years, state.
    bills: Vec<(String, i32, i32, String)>,
}

impl Shown {
    /// "12,3%".
    fn percent(&self, v: &View, basis_points: impl Given<i64>) -> String {
        format!("{}%", v.decimal(basis_points.given() as f64 / 100.0))
    }

    fn civil_share(&self) -> i64 {
        self.civil_defense.basis_points_of(self.s.allowed()).unwrap_or_default()
    }

    fn down(&self, code: &str) -> Option<String> {
        if self.way.level(self.path.len()) == "line" {
            return None;
        }
        let path = self.path.iter().map(String::as_str).chain([code]).collect::<Vec<_>>().join("/");
        Some(format!("{ROOT}/{}?way={}&path={path}", self.s.year_from, self.way))
    }

    fn crumbs(&self) -> Vec<(String, String)> {
        let crumb = |at: usize| {
            let code = &self.path[at];
            let name = self.s.name(&format!("{}:{code}", self.way.level(at)));
            let path = self.path[..=at].join("/");
            (format!("{code} {name}"), format!("{ROOT}/{}?way={}&path={path}", self.s.year_from, self.way))
        };
        (0..self.path.len()).map(crumb).collect()
    }

    /// What an action of the plan is to reach in the year.
    fn target<'a>(&self, action: &'a Action) -> Option<&'a YearTarget> {
        action.targets.iter().find(|target| target.year == self.s.year_from)
    }

    /// The name of a priority's action.
    fn action(&self, one: &Priority) -> String {
        let actions = self.plan.iter().filter_map(|plan| plan.ppa.as_ref()).flat_map(Ppa::actions);
        let mut named = actions.filter(|(of, action)| (&of.code, &action.code) == (&one.programme, &one.action));
        named.next().map(|(_, action)| action.name.clone()).unwrap_or_default()
    }

    fn is_way(&self, way: &Way) -> bool {
        self.way == *way
    }

    fn files(&self) -> &'static [&'static str] {
        &files::ALL
    }
}

fn revenue(s: &Snapshot) -> Vec<(String, String, Centavos, i64)> {
    let mut by_origin: std::collections::BTreeMap<String, i64> = std::collections::BTreeMap::new();
    for line in &s.revenue {
        let origin = line.nature.splitn(3, '.').take(2).collect::<Vec<_>>().join(".");
        let sum = by_origin.entry(origin).or_default();
        *sum = sum.saturating_add(line.amount.0);
    }
    let whole = s.taken_in();
    let row = |(code, sum): (String, i64)| {
        let name = s.revenue_names.get(&code).cloned().unwrap_or_default();
        let share = Centavos(sum).basis_points_of(whole).unwrap_or_default();
        (code, name, Centavos(sum), share)
    };
    let mut rows: Vec<_> = by_origin.into_iter().map(row).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.2));
    rows
}

async fn shown(
    conn: &mut PgConnection,
    (at, s): (Instant, Snapshot),
    wanted: &SpendingWanted,
) -> Result<Shown, ApiError> {
    let plan = store::newest(&mut *conn, BillKind::Ppa, s.year_from).await?.map(|found| found.1);
    let goals = store::newest(conn, BillKind::Ldo, s.year_from).await?.map(|found| found.1);
    let (way, path, rows) = rows_below(&s, wanted)?;
    let civil_defense = spend::civil_defense(&s.expense).unwrap_or_default();
    let (revenue, paid) = (revenue(&s), crate::secretariat::budget::print::whole(&s, Phase::Paid));
    Ok(Shown { at, way, path, rows, revenue, civil_defense, paid, plan, goals, s })
}

/// The budget of this year, else the newest there is.
async fn newest(State(app): State<App>, v: View) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let bills = store::list(&mut conn).await?;
    let years: Vec<i32> = bills.iter().filter(|bill| bill.0 == "loa").map(|bill| bill.1).collect();
    let now = today(&v).year();
    let year = years.iter().copied().find(|year| *year == now).or_else(|| years.first().copied());
    let found = match year {
        Some(year) => store::newest(&mut conn, BillKind::Loa, year).await?,
        None => None,
    };
    let shown = match found {
        Some(found) => Some(shown(&mut conn, found, &SpendingWanted::default()).await?),
        None => None,
    };
    page(&PublicPage { v, shown, bills })
}

async fn year(
    State(app): State<App>,
    v: View,
    Path(year): Path<i32>,
    Query(wanted): Query<SpendingWanted>,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let found = store::newest(&mut conn, BillKind::Loa, year).await?;
    let found = found.ok_or_else(|| ApiError::NotFound(format!("the budget of {year}")))?;
    let bills = store::list(&mut conn).await?;
    let shown = Some(shown(&mut conn, found, &wanted).await?);
    page(&PublicPage { v, shown, bills })
}

async fn file(
    State(app): State<App>,
    Path((year, name)): Path<(i32, String)>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let found = store::newest(&mut *app.db.web.acquire().await?, BillKind::Loa, year).await?;
    let (at, snapshot) = found.ok_or_else(|| ApiError::NotFound(format!("the budget of {year}")))?;
    files::published(&app, (at, &snapshot), (&name, &headers)).await
}
