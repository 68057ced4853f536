//! What anybody says in a consultation, without an account. Consultations and contributions are cases; here is only the citizen's door.

use serde_json::Map;
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
    let above = store::load(&mut *conn, consultation, false).await?.filter(|case| case.type_key == CONSULTATION);
    let above = above.ok_or_else(|| Refused::NotFound(format!("consultation {consultation}")))?;
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
    desk::open(conn, desk, CONTRIBUTION, &new, &Around { parent: Some(consultation), ..Around::default() }).await
}
