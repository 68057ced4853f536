//! What SMS gateways tell by themselves: receipts, and messages of people. Answered once it is kept, so that a gateway that gets no
//! answer tells it again, which changes nothing.

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Extension, Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::get;

use crate::app::App;
use crate::dispatch::callback;
use crate::dispatch::gateway::callback::{Call, Callbacks, Odd};
use crate::dispatch::provider::http_name;
use crate::web::client::ClientAddress;
use crate::web::error::{ApiError, Problem};
use crate::web::json::is_json;

/// A thousand receipts in their longest form.
const MAX_BYTES: usize = 2 * 1024 * 1024;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/sms/{provider}/receipts", get(receipts).post(receipts))
        .route("/api/v1/sms/{provider}/messages", get(messages).post(messages))
}

/// Takes receipts of an SMS gateway, as `sms.http.callbacks.receipts` of the configuration describes them: JSON, a form, or the
/// parameters of the address (Kannel asks with GET). One that is not understood is kept as it came; the others count.
///
/// # Errors
/// 400 when the call as a whole is not understood; 401 without the gateway's token or signature.
#[utoipa::path(method(get, post), path = "/api/v1/sms/{provider}/receipts", tag = "sms",
    params(("provider" = String, Path, description = "The gateway's `name` of the configuration")),
    responses((status = 204, description = "Kept"), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 413, body = Problem)), security(("gateway" = [])))]
pub async fn receipts(
    State(app): State<App>,
    Path(provider): Path<String>,
    Extension(ClientAddress(address)): Extension<ClientAddress>,
    request: Request,
) -> Result<StatusCode, ApiError> {
    let heard = hear(&app, &provider, address, request).await?;
    let Some(receipts) = &heard.callbacks.receipts else { return Err(ApiError::Unauthorized) };
    let incoming = receipts.read(&heard.call()).map_err(odd)?;
    callback::receipts(&app, &http_name(&provider), &incoming).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes messages of people from an SMS gateway, as `sms.http.callbacks.messages` of the configuration describes them.
///
/// # Errors
/// As for receipts.
#[utoipa::path(method(get, post), path = "/api/v1/sms/{provider}/messages", tag = "sms",
    params(("provider" = String, Path, description = "The gateway's `name` of the configuration")),
    responses((status = 204, description = "Kept"), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 413, body = Problem)), security(("gateway" = [])))]
pub async fn messages(
    State(app): State<App>,
    Path(provider): Path<String>,
    Extension(ClientAddress(address)): Extension<ClientAddress>,
    request: Request,
) -> Result<StatusCode, ApiError> {
    let heard = hear(&app, &provider, address, request).await?;
    let Some(messages) = &heard.callbacks.messages else { return Err(ApiError::Unauthorized) };
    let incoming = messages.read(&heard.call()).map_err(odd)?;
    callback::messages(&app, &http_name(&provider), &incoming).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A call that the gateway made.
struct Heard {
    callbacks: Callbacks,
    query: String,
    is_json: bool,
    body: Vec<u8>,
}

impl Heard {
    fn whole(&self) -> Call<'_> {
        Call { query: &self.query, is_json: self.is_json, body: &self.body }
    }

    /// What of it is the gateway's word.
    fn call(&self) -> Call<'_> {
        self.callbacks.guard.believed(self.whole())
    }
}

/// Nothing is read of a call before its token or signature was found good; and nobody is told which gateways there are.
async fn hear(
    app: &App,
    provider: &str,
    address: Option<std::net::IpAddr>,
    request: Request,
) -> Result<Heard, ApiError> {
    let (parts, body) = request.into_parts();
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let is_json = kind.is_some_and(is_json);
    let body = to_bytes(body, MAX_BYTES).await.map_err(|_| ApiError::TooLarge)?.to_vec();
    let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
    let url = format!("{}{path}", app.config.public_url());
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let found = app.config.sms.http.iter().find(|gateway| gateway.name == provider);
    let callbacks = found.and_then(|gateway| gateway.callbacks.as_ref()).and_then(|config| Callbacks::new(config).ok());
    let heard = callbacks.map(|callbacks| Heard { callbacks, query, is_json, body });
    match heard.filter(|heard| admits(heard, &parts.headers, &url)) {
        Some(heard) => Ok(heard),
        None => {
            // Guessing costs time; the gateway itself is not held up.
            app.limits.public_write(address)?;
            metrics::counter!("sentinela_sms_callbacks_refused_total").increment(1);
            Err(ApiError::Unauthorized)
        }
    }
}

fn admits(heard: &Heard, headers: &HeaderMap, url: &str) -> bool {
    // A body of two kinds at once is nobody's.
    headers.get_all(header::CONTENT_TYPE).iter().count() <= 1
        && heard.callbacks.guard.admits(headers, &heard.whole(), url)
}

fn odd(odd: Odd) -> ApiError {
    ApiError::field("body", "", odd.to_string())
}
