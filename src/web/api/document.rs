//! Completes the API document with what holds for every route: the answers that the gate, the limits and the readers of
//! bodies give, who may call, and the bounds of numbers. Handlers name only what is theirs.

use serde_json::{Map, Value, json};

use crate::units::Level;
use crate::web::api::examples;
use crate::web::gate::{Guard, RULES, Rule};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];
const PROBLEM: &str = "#/components/schemas/Problem";

/// Completes a document.
pub fn complete(mut document: Value) -> Value {
    if let Some(components) = document.pointer_mut("/components").and_then(Value::as_object_mut) {
        components.insert(
            "securitySchemes".into(),
            json!({
                "api_token": {"type": "http", "scheme": "bearer",
                    "description": "A token of a member of staff, or the session cookie of the console with the header `csrf`."},
                "gateway": {"type": "apiKey", "in": "header", "name": "X-Signature",
                    "description": "What `sms.http.callbacks` of the configuration says: a token, or an HMAC of the body."},
                "device_token": {"type": "http", "scheme": "bearer", "description": "A device's \"code.secret\"."},
            }),
        );
    }
    for (path, operations) in document.get_mut("paths").and_then(Value::as_object_mut).into_iter().flatten() {
        for method in METHODS {
            let Some(operation) = operations.get_mut(method).and_then(Value::as_object_mut) else { continue };
            let rule = RULES.iter().find(|rule| rule.path == path && rule.method.eq_ignore_ascii_case(method));
            if let Some(rule) = rule {
                answers(operation, rule);
            }
        }
    }
    if let Some(paths) = document.get_mut("paths") {
        examples::put(paths);
    }
    words(&mut document);
    bounds(&mut document);
    document
}

fn answers(operation: &mut Map<String, Value>, rule: &Rule) {
    let takes_body = operation.contains_key("requestBody");
    let has_parameters = operation.get("parameters").and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    let acts = rule.method != "GET";
    let mut all: Vec<(&str, String)> = vec![
        ("429", "Too many requests; try again after Retry-After seconds".into()),
        ("503", "The database or another part is away; nothing was stored. Try again after Retry-After seconds".into()),
    ];
    if takes_body || has_parameters {
        all.push(("400", "A field, parameter or header is wrong; `errors` names it".into()));
    }
    if takes_body {
        all.push(("413", "The body is larger than allowed".into()));
        all.push(("415", "The body is of another media type".into()));
    }
    match rule.guard {
        Guard::Staff(permission) => {
            all.push(("401", "Nobody is signed in, and no live token came".into()));
            all.push(("403", format!("It needs the permission `{permission}`, or the `csrf` value does not fit")));
            operation.insert("security".into(), json!([{"api_token": []}]));
        }
        Guard::Device => {
            all.push(("401", "Unknown device or wrong secret".into()));
            operation.insert("security".into(), json!([{"device_token": []}]));
        }
        Guard::Gateway => {
            all.push(("401", "No such gateway, or not its token or signature".into()));
            operation.insert("security".into(), json!([{"gateway": []}]));
        }
        _ => {}
    }
    if acts {
        all.push(("403", "The request comes from a page of another site".into()));
    }
    let answers = operation.entry("responses").or_insert_with(|| json!({}));
    let Some(answers) = answers.as_object_mut() else { return };
    for (status, description) in all {
        answers.entry(status).or_insert_with(|| {
            json!({"description": description, "content": {"application/problem+json": {"schema": {"$ref": PROBLEM}}}})
        });
    }
    for (status, answer) in answers.iter_mut() {
        describe(status, answer);
    }
}

/// Problems are `application/problem+json`, and no answer goes without a description.
fn describe(status: &str, answer: &mut Value) {
    let reference = answer.pointer("/content/application~1json/schema/$ref").and_then(Value::as_str);
    if reference == Some(PROBLEM) {
        answer["content"] = json!({"application/problem+json": {"schema": {"$ref": PROBLEM}}});
    }
    if answer.get("description").and_then(Value::as_str).is_none_or(str::is_empty) {
        let code = status.parse().ok().and_then(|code: u16| axum::http::StatusCode::from_u16(code).ok());
        answer["description"] = code.and_then(|code| code.canonical_reason()).unwrap_or("Answer").into();
    }
}

/// The vocabularies of what is given.
fn words(document: &mut Value) {
    let Some(schemas) = document.pointer_mut("/components/schemas") else { return };
    if let Some(level) = schemas.pointer_mut("/NewDraft/properties/level") {
        let levels: Vec<&str> =
            Level::ALL.iter().filter(|level| **level > Level::Normal).map(|level| level.as_str()).collect();
        level["enum"] = levels.into();
    }
    if let Some(hazard) = schemas.pointer_mut("/NewDraft/properties/cobrade") {
        hazard["enum"] = crate::cobrade::Cobrade::all().map(|(code, _)| code.to_string()).collect::<Vec<_>>().into();
    }
}

/// `int32` and `int64` say how a number is kept; these say which numbers that allows.
fn bounds(value: &mut Value) {
    match value {
        Value::Object(object) => {
            let (least, most) = match object.get("format").and_then(Value::as_str) {
                Some("int32") => (i64::from(i32::MIN), i64::from(i32::MAX)),
                Some("int64") => (i64::MIN, i64::MAX),
                _ => (0, 0),
            };
            if least < most {
                object.entry("minimum").or_insert(least.into());
                object.entry("maximum").or_insert(most.into());
            }
            object.values_mut().for_each(bounds);
        }
        Value::Array(list) => list.iter_mut().for_each(bounds),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_names_who_may_and_what_may_come_back() {
        let document = crate::web::docs::whole();
        let paths = document["paths"].as_object().unwrap();
        for rule in RULES.iter().filter(|rule| rule.path.starts_with("/api/v1/")) {
            let operation = &paths[rule.path][rule.method.to_lowercase()];
            let answers = operation["responses"].as_object().unwrap();
            assert!(answers.contains_key("429") && answers.contains_key("503"), "{} {}", rule.method, rule.path);
            let guarded = rule.guard != Guard::Open;
            assert_eq!(operation.get("security").is_some(), guarded, "{} {}", rule.method, rule.path);
            assert_eq!(answers.contains_key("401"), guarded, "{} {}", rule.method, rule.path);
            for (status, answer) in answers {
                assert!(!answer["description"].as_str().unwrap().is_empty(), "{} {status}", rule.path);
                let is_problem = status.starts_with(['4', '5']);
                let said = answer.pointer("/content/application~1problem+json").is_some();
                assert_eq!(said, is_problem, "{} {} {status}", rule.method, rule.path);
            }
        }
    }
}
