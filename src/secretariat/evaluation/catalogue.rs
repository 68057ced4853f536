//! What cases say of services, held against the list of services: a follow-up to a service that is not there would be in no report.

use serde_json::Value;
use sqlx::PgConnection;

use super::{EvaluationError, FOLLOW_UP, store};
use crate::refused::{FieldError, shorten};
use crate::secretariat::kernel::Fields;

/// The field that names a service by its code.
const FIELD: &str = "service";

/// Holds a case that is opened or changed against the list. `changes`: its fields that are other than before, by name.
///
/// # Errors
/// `Wrong` when it names a service that is not in the list.
pub async fn held(
    conn: &mut PgConnection,
    type_key: &str,
    (fields, changes): (&Fields, &Fields),
) -> Result<(), EvaluationError> {
    if type_key != FOLLOW_UP || !changes.contains_key(FIELD) {
        return Ok(());
    }
    let code = fields.get(FIELD).and_then(Value::as_str).unwrap_or_default();
    if store::has_service(conn, code).await? {
        return Ok(());
    }
    Err(EvaluationError::Wrong(vec![FieldError {
        field: format!("fields.{FIELD}"),
        value: shorten(code),
        message: "expected the code of a service of the list".into(),
    }]))
}
