//! What anybody says in a consultation, without an account. Consultations and contributions are cases; here is only the citizen's door.

use serde_json::{Map, json};
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use super::kernel::decide::New;
use super::kernel::desk::{self, Around, CaseError, Desk};
use super::kernel::{CaseFile, store};
use crate::refused::Refused;

pub const CONSULTATION: &str = "participation.consultation";
pub const CONTRIBUTION: &str = "participation.contribution";

/// What somebody sends.
#[derive(Clone, Debug, Default)]
pub struct Said {
    pub text: String,
    /// Part of the text it is about.
    pub part: String,
    pub name: String,
    pub email: String,
    /// Their name may be shown beside it.
    pub may_name: bool,
    /// Of the form it came by, when that holds: the same sent twice under it is one contribution.
    pub stamp: Option<String>,
}

/// What tells that the same comes again by the same form. Kept where a case keeps the hash of a code; nobody has a code of it.
fn again(consultation: Uuid, stamp: &str, said: &Said) -> [u8; 32] {
    let all = json!([consultation, stamp, said.text, said.part, said.name, said.email, said.may_name]);
    Sha256::digest(format!("sentinela contribution 1:{all}")).into()
}

/// Takes a contribution. The day it is received is the town's, so nothing comes in outside of the period.
///
/// # Errors
/// `Wrong` with every field; `Conflict` citing the law when the period is over; `NotFound`.
pub async fn contribute(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    consultation: Uuid,
    said: &Said,
) -> Result<CaseFile, CaseError> {
    // Held, so that of two presses of one button the second finds what the first made.
    let above = store::load(&mut *conn, consultation, true).await?.filter(|case| case.type_key == CONSULTATION);
    let above = above.ok_or_else(|| Refused::NotFound(format!("consultation {consultation}")))?;
    let code_hash = said.stamp.as_deref().map(|stamp| again(consultation, stamp, said));
    if let Some(hash) = &code_hash
        && let Some(id) = store::by_code(&mut *conn, hash).await?
        && let Some(before) = store::load(&mut *conn, id, false).await?
    {
        return Ok(before);
    }
    let mut fields = Map::new();
    let name = said.name.trim();
    let given = [
        ("text", said.text.trim()),
        ("part", said.part.trim()),
        ("name", name),
        ("email", said.email.trim()),
        ("signature", if said.may_name { name } else { "" }),
    ];
    for (key, text) in given.into_iter().filter(|(_, text)| !text.is_empty()) {
        fields.insert(key.to_owned(), text.into());
    }
    fields.insert("received_on".to_owned(), desk.at().today().to_string().into());
    let title: String = format!("Contribuição: {}", above.title).chars().take(300).collect();
    let new = New { title, department: above.department.clone(), assigned: String::new(), fields };
    let around = Around { parent: Some(consultation), code_hash, ..Around::default() };
    desk::open(conn, desk, CONTRIBUTION, &new, &around).await
}
