//! What cases under one say to it: for which department they are, by when, and the fields that their types show above.

use std::sync::Arc;

use chrono::NaiveDate;
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::define::Field;
use super::super::store;
use super::super::types::Kept;
use super::super::{CaseFile, Fields};
use super::{CaseError, Desk};

/// A case under another, as the one above shows it.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = CaseBelow)]
pub struct Below {
    pub id: Uuid,
    #[serde(rename = "type")]
    pub type_key: String,
    pub module: String,
    /// "OPI 2026/001"; empty until it is numbered.
    pub number: String,
    pub title: String,
    pub department: String,
    pub state: String,
    pub is_final: bool,
    /// Of its first deadline that is open.
    pub due_on: Option<NaiveDate>,
    /// Those that its type shows above.
    #[schema(value_type = Object)]
    pub fields: Fields,
}

impl Below {
    /// Path of its page.
    pub fn link(&self) -> String {
        super::super::link(&self.module, self.id)
    }

    pub fn name(&self) -> String {
        if self.number.is_empty() { self.title.clone() } else { format!("{} · {}", self.number, self.title) }
    }
}

/// What lies under a case, each with the version of its type.
///
/// # Errors
/// The database's.
pub async fn below(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    case: &CaseFile,
) -> Result<Vec<(Arc<Kept>, Below)>, CaseError> {
    let is_shown = |kept: &&Arc<Kept>| {
        let opening = &kept.def.opening;
        let is_under = opening.parent.as_ref().is_some_and(|parent| *parent.get_ref() == case.type_key);
        is_under && !opening.shows_above.is_empty()
    };
    let types: Vec<String> = desk.types.all().filter(is_shown).map(|kept| kept.def.key().to_owned()).collect();
    if types.is_empty() {
        return Ok(Vec::new());
    }
    let works_in = desk.who.modules();
    let reader = (desk.who.name.as_str(), works_in.as_slice());
    let mut told = Vec::new();
    for one in store::below(&mut *conn, (case.id, &types), reader).await? {
        let kept = desk.types.version(&mut *conn, &one.case.type_key, one.case.version).await?;
        let number = one.case.number();
        let mut fields = one.case.fields;
        let newest = desk.types.newest(&kept.def);
        let is_shown = |key: &str| kept.def.opening.shows_above.iter().any(|word| word.get_ref() == key);
        // What a newer version closes is closed in older cases too.
        fields.retain(|key, _| is_shown(key) && !newest.field(key).is_some_and(Field::is_closed));
        let below = Below {
            id: one.case.id,
            type_key: one.case.type_key,
            module: one.case.module,
            number,
            title: one.case.title,
            department: one.case.department,
            state: one.case.state,
            is_final: one.case.is_final,
            due_on: one.due_on,
            fields,
        };
        told.push((kept, below));
    }
    Ok(told)
}
