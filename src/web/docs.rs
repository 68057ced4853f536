//! The API in OpenAPI 3.1, and the same document as a page that needs nothing from outside.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use askama::Template;
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::Value;
use utoipa::OpenApi;

use crate::app::App;
use crate::web::api::ApiDocument;
use crate::web::api::document::complete;
use crate::web::error::{ApiError, FieldError, Problem};
use crate::web::pages::page;
use crate::web::pages::view::View;

pub fn routes() -> Router<App> {
    Router::new().route("/api/openapi.json", get(document)).route("/api/docs", get(docs))
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Sentinela",
        description = "Civil-defense alerting of a municipality: readings in, levels, alerts, deliveries and incidents out. \
                       Errors are problem+json (RFC 9457) and name the field and the value."
    ),
    components(schemas(Problem, FieldError))
)]
struct Core;

/// The parts' documents merged into one.
static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let parts = Core::openapi().merge_from(ApiDocument::openapi());
    // Serializing our own types cannot fail; should it, the test that names every route does.
    complete(serde_json::to_value(parts).unwrap_or_default())
});

/// The whole document.
pub fn whole() -> &'static Value {
    &DOCUMENT
}

async fn document() -> Json<&'static Value> {
    Json(&DOCUMENT)
}

/// One operation as the page shows it.
struct Operation {
    method: String,
    path: String,
    summary: String,
    description: String,
    parameters: Vec<Parameter>,
    body: String,
    answers: Vec<(String, String)>,
}

struct Parameter {
    name: String,
    place: String,
    required: bool,
    description: String,
}

#[derive(Template)]
#[template(path = "docs.html")]
struct DocsPage {
    v: View,
    groups: Vec<(String, Vec<Operation>)>,
    schemas: Vec<(String, String)>,
}

async fn docs(v: View) -> Result<Response, ApiError> {
    let document = whole();
    let schemas = document.pointer("/components/schemas").and_then(Value::as_object);
    let schemas = schemas.into_iter().flatten();
    let schemas = schemas.map(|(name, schema)| (name.clone(), pretty(schema))).collect();
    page(&DocsPage { v, groups: groups(document), schemas })
}

fn groups(document: &Value) -> Vec<(String, Vec<Operation>)> {
    let mut groups: BTreeMap<String, Vec<Operation>> = BTreeMap::new();
    let paths = document.get("paths").and_then(Value::as_object).into_iter().flatten();
    for (path, methods) in paths {
        for (method, operation) in methods.as_object().into_iter().flatten() {
            let tag = operation.pointer("/tags/0").and_then(Value::as_str).unwrap_or("service").to_owned();
            groups.entry(tag).or_default().push(describe(path, method, operation));
        }
    }
    groups.into_iter().collect()
}

fn describe(path: &str, method: &str, operation: &Value) -> Operation {
    let parameters = operation.get("parameters").and_then(Value::as_array).into_iter().flatten();
    let answers = operation.get("responses").and_then(Value::as_object).into_iter().flatten();
    Operation {
        method: method.to_uppercase(),
        path: path.to_owned(),
        summary: text(operation, "summary"),
        description: text(operation, "description"),
        parameters: parameters
            .map(|parameter| Parameter {
                name: text(parameter, "name"),
                place: text(parameter, "in"),
                required: parameter.get("required").and_then(Value::as_bool).unwrap_or(false),
                description: text(parameter, "description"),
            })
            .collect(),
        body: operation.pointer("/requestBody/content").map(pretty).unwrap_or_default(),
        answers: answers.map(|(status, answer)| (status.clone(), text(answer, "description"))).collect(),
    }
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}
