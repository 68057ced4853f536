//! What a citizen does: opens a case, finds it by number and code, and acts on it. In the caller's transaction.

use std::sync::Arc;

use chrono::TimeDelta;
use serde_json::{Map, Value, json};
use sqlx::PgConnection;
use subtle::ConstantTimeEq as _;

use super::identity::{self, Identity};
use super::{code, type_of};
use crate::i18n::Lang;
use crate::refused::{FieldError, Refused};
use crate::secretariat::kernel::CaseFile;
use crate::secretariat::kernel::decide::{Asked, New};
use crate::secretariat::kernel::desk::{self as cases, Around, CaseError, Desk};
use crate::secretariat::kernel::store;
use crate::secretariat::kernel::types::Kept;

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
    /// Of the form it came by, when that holds.
    pub stamp: Option<String>,
}

/// How long the same that comes by the same form is taken for a press too many. Later it may be the next person at a shared computer,
/// who is not to see the code.
const AGAIN_WITHIN: TimeDelta = TimeDelta::minutes(10);

/// The bytes of a code: by chance, or for a form by its stamp and all that was said, under a key of this service. So the same sent twice
/// has one code, and whoever pressed twice or loads the page anew still sees it, though it is kept nowhere.
fn bytes_of(desk: Desk<'_>, request: &Request) -> [u8; code::BYTES] {
    let mut bytes = desk.by.ids.bytes();
    if let Some(stamp) = &request.stamp {
        let said = json!([
            stamp,
            request.module,
            request.subject,
            request.text,
            request.kind,
            request.place,
            request.format,
            request.anonymous,
            request.identity,
        ]);
        let sum = desk.vault.sum("code of a form", said.to_string().as_bytes());
        bytes.iter_mut().zip(sum).for_each(|(byte, of_sum)| *byte = of_sum);
    }
    bytes
}

/// The case that the same form made a moment ago, and the code that is to be used.
async fn made_before(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    request: &Request,
) -> Result<(String, Option<CaseFile>), CaseError> {
    let code = code::make(bytes_of(desk, request));
    let Some(hash) = code::hash(&code).filter(|_| request.stamp.is_some()) else { return Ok((code, None)) };
    // Of two presses the second waits here for the first.
    store::hold_code(&mut *conn, &hash).await?;
    let before = match store::by_code(&mut *conn, &hash).await? {
        Some(id) => store::load(&mut *conn, id, false).await?,
        None => return Ok((code, None)),
    };
    match before.filter(|case| desk.by.now - case.opened_at <= AGAIN_WITHIN) {
        Some(case) => Ok((code, Some(case))),
        None => Ok((code::make(desk.by.ids.bytes()), None)),
    }
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

/// Opens a case for somebody without an account; the same form sent again within minutes gives the same receipt.
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
    let (code, before) = made_before(&mut *conn, desk, request).await?;
    if let Some(case) = before {
        return Ok(Receipt { number: case.number(), code, case });
    }
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

/// True when a field has what is given for it.
fn is_kept(given: &Value, kept: Option<&Value>) -> bool {
    match (given, kept) {
        (Value::String(text), None) => text.trim().is_empty(),
        (Value::String(text), Some(Value::String(kept))) => text.trim() == kept,
        (given, kept) => *given == *kept.unwrap_or(&Value::Null),
    }
}

/// The act that was done last is this one, a moment ago: a button that was pressed twice.
async fn is_done(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    case: &CaseFile,
    (transition, fields): (&str, &Map<String, Value>),
) -> sqlx::Result<bool> {
    let last = store::acts(conn, &[case.id]).await?.pop();
    let is_last = last.is_some_and(|(_, done)| {
        done.act == transition && done.actor == "citizen" && desk.by.now - done.at <= AGAIN_WITHIN
    });
    Ok(is_last && fields.iter().all(|(key, given)| is_kept(given, case.fields.get(key))))
}

/// Does one of the citizen's own acts; the same done again within minutes changes nothing.
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
    if is_done(&mut *conn, desk, &case, (transition, &fields)).await? {
        return Ok(case);
    }
    let asked = Asked { transition: transition.to_owned(), revision: case.revision, reason: String::new(), fields };
    cases::act(conn, desk, case.id, &asked).await
}
