//! `/meus-dados`: what is held of a resident, and what they may do with it. They come in by a code sent to a telephone or
//! mailbox that is theirs; nothing here needs JavaScript. Without a visit every page is the same for everybody.

pub mod acts;
pub mod companions;
pub mod enter;
pub mod held;
pub mod places;
mod told;
pub mod visitor;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};

use crate::app::App;

/// Where it begins.
pub const HOME: &str = "/meus-dados";

pub fn routes() -> Router<App> {
    Router::new()
        .route("/meus-dados", get(held::show))
        .route("/meus-dados/codigo", get(enter::code_form).post(enter::ask))
        .route("/meus-dados/entrar", post(enter::enter))
        .route("/meus-dados/sair", post(acts::leave))
        .route("/meus-dados/pessoa", post(acts::turn_to))
        .route("/meus-dados/corrigir", post(acts::correct))
        .route("/meus-dados/consentimento", post(acts::consent))
        .route("/meus-dados/necessidades", post(acts::needs))
        .route("/meus-dados/canal", post(enter::ask_for_channel))
        .route("/meus-dados/canal/confirmar", post(enter::confirm_channel))
        .route("/meus-dados/canal/remover", post(acts::remove_channel))
        .route("/meus-dados/lugar", post(places::add))
        .route("/meus-dados/lugar/remover", post(places::remove))
        .route("/meus-dados/moradores", post(companions::add))
        .route("/meus-dados/moradores/remover", post(companions::remove))
        .route("/meus-dados/preferencias", post(places::prefer))
        .route("/meus-dados/exportar", post(held::export))
        .route("/meus-dados/apagar", post(acts::erase))
        .layer(map_response(keep_nothing))
}

/// Neither the browser nor anything on the way keeps a copy.
async fn keep_nothing(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Back to the page, which says what was done.
fn done(what: &str) -> Response {
    Redirect::to(&format!("{HOME}?done={what}")).into_response()
}

/// Back to the page, which says why nothing was done.
fn wrong(what: &str) -> Response {
    Redirect::to(&format!("{HOME}?wrong={what}")).into_response()
}
