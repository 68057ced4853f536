//! Avaliação de serviços: what staff works with. What everybody sees stands in `public`. Follow-ups are cases and have the pages of cases.

mod desk;
mod public;
mod rounds;
mod texts;
mod wrong;
mod year;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use chrono::NaiveDate;

use crate::accounts::Role;
use crate::app::App;
use crate::secretariat::evaluation::report::{Cell, Index, Report};
use crate::web::auth::Staff;
use crate::web::pages::view::View;

const HERE: &str = "/secretaria/painel/avaliacao-de-servicos";
/// A questionnaire with its encoding.
const MAX_BODY_BYTES: usize = 256 * 1024;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/secretaria/painel/avaliacao-de-servicos/pesquisas", get(desk::list).post(desk::act))
        .route(
            "/secretaria/painel/avaliacao-de-servicos/questionario",
            get(texts::questionnaire).post(texts::save_questionnaire),
        )
        .route("/secretaria/painel/avaliacao-de-servicos/rodadas/{id}", get(rounds::round))
        .route("/secretaria/painel/avaliacao-de-servicos/rodadas/{id}/codigos", post(rounds::codes))
        .route("/secretaria/painel/avaliacao-de-servicos/comentarios", get(texts::comments).post(texts::check))
        .route("/secretaria/painel/avaliacao-de-servicos/ano", get(year::year).post(year::publish))
        .route("/secretaria/avaliacao-de-servicos", get(public::list).post(public::enter))
        .route("/secretaria/avaliacao-de-servicos/codigo/{code}", get(public::by_code).post(public::send_code))
        .route("/secretaria/avaliacao-de-servicos/responder/{id}", get(public::by_link).post(public::send_link))
        .route("/secretaria/avaliacao-de-servicos/obrigado", get(public::thanks))
        .route("/secretaria/avaliacao-de-servicos/relatorios/{year}", get(public::report))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
}

/// The day of the town.
fn today(v: &View) -> NaiveDate {
    v.now.with_timezone(&v.tz).date_naive()
}

/// The role opens the forms.
fn works(staff: &Staff) -> bool {
    staff.permissions.allow(crate::accounts::Permission::WorkSecretariat) && staff.roles.has(Role::ServiceEvaluation)
}

/// Tables of a report as pages show them.
struct Tables {
    report: Report,
}

impl Tables {
    /// "4,33"; "–" where it is hidden.
    fn hundredths(v: &View, value: Option<i64>) -> String {
        let Some(value) = value else { return "–".into() };
        let mark = if v.lang == crate::i18n::Lang::Pt { ',' } else { '.' };
        format!("{}{mark}{:02}", value / 100, value % 100)
    }

    fn count(v: &View, count: Option<i64>) -> String {
        count.map_or_else(|| v.t("sec-evaluation-few"), |count| v.count(count))
    }

    /// The name of an option; of scales and yes or no the service's own words.
    fn cell(v: &View, kind: &str, cell: &Cell) -> String {
        match kind {
            "choice" => cell.label.of(v.lang).to_owned(),
            "yes_no" => v.t(if cell.key == "yes" { "sec-yes" } else { "sec-no" }),
            _ => v.word("sec-evaluation-scale", &cell.key),
        }
    }

    fn topic(v: &View, index: &Index) -> String {
        v.word("sec-evaluation-topic", &index.key)
    }
}
