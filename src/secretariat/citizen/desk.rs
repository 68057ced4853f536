//! What a citizen does: opens a case, finds it by number and code, and acts on it. In the caller's transaction.

use std::sync::Arc;

use serde_json::{Map, Value};
use sqlx::PgConnection;
use subtle::ConstantTimeEq as _;

use super::identity::{self, Identity};
use super::{code, type_of};
use crate::i18n::Lang;
use crate::refused::Refused;
use crate::secretariat::kernel::CaseFile;
use crate::secretariat::kernel::decide::{Asked, New};
use crate::secretariat::kernel::desk::{self as cases, Around, CaseError, Desk};
use crate::secretariat::kernel::store;
use crate::secretariat::kernel::types::Kept;
use crate::web::error::FieldError;

/// What somebody sends at the door.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// "sic" or "ombudsman".
    pub module: String,
    /// In a few words.
    pub subject: String,
    pub text: String,
    /// Of a manifestation.
    pub kind: String,
    pub place: String,
    /// Of a request for information.
    pub format: String,
    pub anonymous: bool,
    pub identity: Identity,
}

/// What the citizen takes away. The code is shown once and kept nowhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Receipt {
    pub number: String,
    pub code: String,
    pub case: CaseFile,
}

pub fn trimmed(identity: &Identity) -> Identity {
    let plain = |text: &str| text.trim().to_owned();
    Identity { name: plain(&identity.name), email: plain(&identity.email), phone: plain(&identity.phone) }
}

/// Whatever is wrong with what somebody told of themselves.
pub fn judge(identity: &Identity) -> Vec<FieldError> {
    let mut problems = Vec::new();
    crate::exercises::plan::text(&mut problems, "name", &identity.name, 0, 200, true);
    crate::exercises::plan::text(&mut problems, "email", &identity.email, 0, 254, true);
    crate::exercises::plan::text(&mut problems, "phone", &identity.phone, 0, 30, true);
    if !identity.email.is_empty() && !crate::secretariat::kernel::values::is_email(&identity.email) {
        let message = "expected an e-mail address".to_owned();
        problems.push(FieldError { field: "email".into(), value: String::new(), message });
    }
    problems
}

fn fields(request: &Request, identity: &Identity) -> Map<String, Value> {
    let told: Vec<(&str, &str)> = if request.module == identity::MODULE {
        // Whoever tells nothing of themselves makes a communication, unless they praise or suggest.
        let kind = match request.kind.as_str() {
            "complaint" | "report" | "request" if request.anonymous => "communication",
            kind => kind,
        };
        let is = if request.anonymous { "anonymous" } else { "identified" };
        vec![("kind", kind), ("text", request.text.as_str()), ("place", request.place.as_str()), ("identity", is)]
    } else {
        let who = (identity.name.as_str(), identity.email.as_str());
        let (text, format) = (request.text.as_str(), request.format.as_str());
        vec![("request", text), ("format", format), ("requester", who.0), ("email", who.1)]
    };
    let filled = told.into_iter().filter(|(_, text)| !text.trim().is_empty());
    filled.map(|(key, text)| (key.to_owned(), Value::from(text))).collect()
}

/// Opens a case for somebody without an account.
///
/// # Errors
/// `Wrong` with every field; `NotFound` for a module without a door.
pub async fn open(conn: &mut PgConnection, desk: Desk<'_>, request: &Request) -> Result<Receipt, CaseError> {
    let missing = || Refused::NotFound(format!("door of the module {}", request.module));
    let key = type_of(&request.module).ok_or_else(missing)?;
    let to_vault = request.module == identity::MODULE;
    let identity = if request.anonymous { Identity::default() } else { trimmed(&request.identity) };
    let mut problems = judge(&identity);
    if to_vault && !request.anonymous && identity.name.is_empty() {
        let message = "expected a name, or that you stay anonymous".to_owned();
        problems.push(FieldError { field: "name".into(), value: String::new(), message });
    }
    if to_vault && request.kind == "communication" {
        let message = "expected one of complaint, report, suggestion, praise, request".to_owned();
        problems.push(FieldError { field: "kind".into(), value: request.kind.clone(), message });
    }
    if !problems.is_empty() {
        return Err(CaseError::Wrong(problems));
    }
    let code = code::make(desk.by.ids.bytes());
    let new = New { title: request.subject.clone(), fields: fields(request, &identity), ..New::default() };
    let around = Around { code_hash: code::hash(&code), ..Around::default() };
    let case = cases::open(&mut *conn, desk, key, &new, &around).await?;
    if to_vault && !request.anonymous {
        identity::keep(&mut *conn, desk, &case, &identity).await?;
    }
    if let Some(kept) = desk.types.get(key) {
        let act = Lang::Pt.t("sec-citizen-act-open");
        cases::tell_citizen(conn, desk, &kept.def, &case, (&act, "")).await?;
    }
    Ok(Receipt { number: case.number(), code, case })
}

/// The case of a number and a code. Whatever does not fit is answered alike, so that nothing tells whether a number exists.
///
/// # Errors
/// `NotFound`.
pub async fn find(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    (number, code): (&str, &str),
    held: bool,
) -> Result<(Arc<Kept>, CaseFile), CaseError> {
    let unknown = || Refused::NotFound("protocol with this number and this code".into());
    let hash = code::hash(code).ok_or_else(unknown)?;
    let named = code::number(number).ok_or_else(unknown)?;
    let id = store::by_code(&mut *conn, &hash).await?.ok_or_else(unknown)?;
    let (kept, case) = cases::find(&mut *conn, desk, id, held).await?;
    let is_same =
        (case.series.as_deref(), case.year, case.number) == (Some(named.0.as_str()), Some(named.1), Some(named.2));
    let fits = case.code_hash.as_deref().is_some_and(|kept| bool::from(kept.ct_eq(&hash)));
    if !is_same || !fits {
        return Err(unknown().into());
    }
    Ok((kept, case))
}

/// Does one of the citizen's own acts.
///
/// # Errors
/// `NotFound` as [`find`]; otherwise as any act of a case.
pub async fn act(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    key: (&str, &str),
    (transition, fields): (&str, Map<String, Value>),
) -> Result<CaseFile, CaseError> {
    let (_, case) = find(&mut *conn, desk, key, true).await?;
    let asked = Asked { transition: transition.to_owned(), revision: case.revision, reason: String::new(), fields };
    cases::act(conn, desk, case.id, &asked).await
}
