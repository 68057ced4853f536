//! The kind of field `registry` of cases: it refers to an entry by its id. On pages people write a name or a document, and the entry is sought.

use serde_json::{Map, Value};
use sqlx::PgConnection;
use uuid::Uuid;

use super::desk as registry;
use super::store::{self, Wanted, links as rows};
use super::{Entry, Link, SubjectKind};
use crate::refused::Refused;
use crate::secretariat::kernel::define::{CaseType, Field};
use crate::secretariat::kernel::desk::{CaseError, Desk};
use crate::secretariat::kernel::{ActDone, FieldKind, Fields};
use crate::web::error::{FieldError, shorten};

const NO_ENTRY: &str = "expected the id of an entry of the registry";
/// Entries that a refusal names.
const NAMED: usize = 5;

fn of_registry(def: &CaseType) -> impl Iterator<Item = &Field> {
    def.fields.iter().filter(|field| field.kind == FieldKind::Registry)
}

fn wrong(field: &Field, value: &str, message: impl Into<String>) -> CaseError {
    CaseError::Wrong(vec![FieldError {
        field: format!("fields.{}", field.key()),
        value: shorten(value),
        message: message.into(),
    }])
}

/// What was given, with the id in the place of a name or a document.
///
/// # Errors
/// `Wrong` when none or several entries fit, which it names.
pub async fn resolved(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    def: &CaseType,
    given: &Map<String, Value>,
) -> Result<Map<String, Value>, CaseError> {
    let mut fields = given.clone();
    for field in of_registry(def) {
        let Some(Value::String(text)) = given.get(field.key()) else { continue };
        let text = text.trim();
        // The registry is sought by nobody outside.
        if text.is_empty() || text.parse::<Uuid>().is_ok() || desk.who.is_citizen {
            continue;
        }
        let entry = sought(&mut *conn, desk, (field, text)).await?;
        fields.insert(field.key().to_owned(), Value::String(entry.to_string()));
    }
    Ok(fields)
}

/// The entry whose name or document this is, or the only one that it fits.
async fn sought(conn: &mut PgConnection, desk: Desk<'_>, (field, text): (&Field, &str)) -> Result<Uuid, CaseError> {
    let most = i64::try_from(NAMED + 1).unwrap_or(i64::MAX);
    let words: String = text.chars().filter(|one| *one != '\0').take(200).collect();
    let found = registry::list(&mut *conn, desk, Wanted { words, most, ..Wanted::default() }).await?;
    let mut standing: Vec<Entry> = Vec::new();
    for entry in found {
        let root = store::root(&mut *conn, entry.id).await?;
        let root = match registry::find(&mut *conn, desk.who, root, false).await {
            Err(Refused::NotFound(_)) => continue,
            found => found?,
        };
        if !standing.iter().any(|known| known.id == root.id) {
            standing.push(root);
        }
    }
    let is_it = |entry: &&Entry| entry.name.to_lowercase() == text.to_lowercase();
    let exact: Vec<&Entry> = standing.iter().filter(is_it).collect();
    match (exact.as_slice(), standing.as_slice()) {
        ([one], _) => Ok(one.id),
        (_, [one]) => Ok(one.id),
        (_, []) => Err(wrong(field, text, "no entry of the registry fits: write it down there first")),
        _ => {
            let names: Vec<String> = standing.iter().take(NAMED).map(told).collect();
            Err(wrong(field, text, format!("several entries of the registry fit: {}", names.join("; "))))
        }
    }
}

fn told(entry: &Entry) -> String {
    let document = if entry.document.is_empty() { String::new() } else { format!(" ({})", entry.document) };
    format!("{}{document} {}", entry.name, entry.id)
}

/// Holds what changed in a case against the registry.
///
/// # Errors
/// `Wrong` when a field names no entry that whoever acts may read.
pub async fn held(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    def: &CaseType,
    (fields, changes): (&Fields, &Fields),
) -> Result<(), CaseError> {
    for field in of_registry(def).filter(|field| changes.contains_key(field.key())) {
        let Some(text) = fields.get(field.key()).and_then(Value::as_str) else { continue };
        let id = text.parse::<Uuid>().map_err(|_| wrong(field, text, NO_ENTRY))?;
        if desk.who.is_citizen {
            return Err(wrong(field, text, "is filled in by the secretariat"));
        }
        match registry::find(&mut *conn, desk.who, id, false).await {
            Err(Refused::NotFound(_)) => return Err(wrong(field, text, NO_ENTRY)),
            found => found?,
        };
    }
    Ok(())
}

/// Links a case with the entries of its fields. `changes`: the fields that are other than before; of a case of a file all.
///
/// # Errors
/// The database's.
pub async fn link(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    def: &CaseType,
    (case, fields): (Uuid, &Fields),
    changes: &Fields,
) -> sqlx::Result<()> {
    let before = match of_registry(def).next() {
        Some(_) => rows::of_subject(&mut *conn, (SubjectKind::Case, case)).await?,
        None => return Ok(()),
    };
    for field in of_registry(def).filter(|field| changes.contains_key(field.key())) {
        let link = Link { subject: SubjectKind::Case, subject_id: case, role: field.key().to_owned() };
        for (entry, _) in before.iter().filter(|(_, role)| role == field.key()) {
            rows::remove(&mut *conn, *entry, &link).await?;
        }
        let id = fields.get(field.key()).and_then(Value::as_str).and_then(|text| text.parse::<Uuid>().ok());
        // A file may come before the registry that it refers to.
        if let Some(id) = id
            && store::load(&mut *conn, id).await?.is_some()
        {
            rows::insert(&mut *conn, id, &link, (desk.by.now, &desk.by.actor.name)).await?;
        }
    }
    Ok(())
}

/// What an entry is called now, after every merge. None: it is no entry that whoever asks may read.
async fn label(conn: &mut PgConnection, desk: Desk<'_>, value: &Value) -> Result<Option<Value>, CaseError> {
    let Some(id) = value.as_str().and_then(|text| text.parse::<Uuid>().ok()) else { return Ok(None) };
    let root = store::root(&mut *conn, id).await?;
    match registry::find(&mut *conn, desk.who, root, false).await {
        Err(Refused::NotFound(_)) => Ok(None),
        found => Ok(Some(Value::String(found?.label()))),
    }
}

/// Puts names in the place of ids, for a page or a sheet; of what its reader may not read the id stays.
///
/// # Errors
/// The database's.
pub async fn named(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    def: &CaseType,
    fields: &mut Fields,
) -> Result<(), CaseError> {
    for field in of_registry(def) {
        let Some(value) = fields.get_mut(field.key()) else { continue };
        if let Some(name) = label(&mut *conn, desk, value).await? {
            *value = name;
        }
    }
    Ok(())
}

/// The same in what acts changed, which is what was before and after. Their hashes are of the ids: hold them first.
///
/// # Errors
/// The database's.
pub async fn named_in_acts(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    def: &CaseType,
    acts: &mut [ActDone],
) -> Result<(), CaseError> {
    for field in of_registry(def) {
        for act in acts.iter_mut() {
            let Some(changed) = act.changes.get_mut(field.key()).and_then(Value::as_array_mut) else { continue };
            for value in changed {
                if let Some(name) = label(&mut *conn, desk, value).await? {
                    *value = name;
                }
            }
        }
    }
    Ok(())
}
