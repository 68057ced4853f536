//! What everybody may see of a case: a snapshot by allow-list, from its type and itself. Pure.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::define::CaseType;
use super::{CaseFile, FieldKind, values};

/// The only form in which a case leaves the house. Each field is named by the type; nothing else of a case gets here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = CasePublicView)]
pub struct PublicView {
    #[serde(rename = "type")]
    pub type_key: String,
    pub version: i32,
    pub number: String,
    pub title: String,
    pub state: String,
    /// "2026-03-31", of the opening.
    pub opened_on: NaiveDate,
    #[schema(value_type = Object)]
    pub fields: Map<String, Value>,
}

impl PublicView {
    /// None when nothing of a case in this state is public.
    pub fn of(def: &CaseType, case: &CaseFile, tz: chrono_tz::Tz) -> Option<Self> {
        if !def.public.states.iter().any(|state| *state.get_ref() == case.state) || case.annulled.is_some() {
            return None;
        }
        let mut fields = Map::new();
        for word in &def.public.fields {
            // The check refuses such a type; a type that slipped through shows nothing more.
            let Some(field) = def.field(word.get_ref()).filter(|field| field.public && !field.is_closed()) else {
                continue;
            };
            let Some(value) = case.fields.get(field.key()) else { continue };
            fields.insert(field.key().to_owned(), shown(field.kind, value));
        }
        // Where the title may name somebody, a field that was written for everybody stands for it.
        let title = match &def.public.title {
            Some(word) => case.text(word.get_ref()).unwrap_or_else(|| def.title.of(crate::i18n::Lang::Pt)),
            None => case.title.as_str(),
        };
        Some(Self {
            type_key: case.type_key.clone(),
            version: case.version,
            number: case.number(),
            title: values::mask_text(title),
            state: case.state.clone(),
            opened_on: case.opened_at.with_timezone(&tz).date_naive(),
            fields,
        })
    }
}

fn shown(kind: FieldKind, value: &Value) -> Value {
    match (kind, value) {
        (FieldKind::Cpf, Value::String(text)) => Value::String(values::mask_cpf(text)),
        (_, Value::String(text)) => Value::String(values::mask_text(text)),
        (_, other) => other.clone(),
    }
}
