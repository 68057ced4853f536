//! Comitês (clause 10 of the act): the bodies of the secretariat as a module. Who may read and work in it, the letters of a convening, the
//! documents of minutes, and the report; what bodies are stands in `secretariat::kernel::body`.

pub mod letters;
pub mod paper;
pub mod report;
pub mod worker;

use crate::accounts::{Role, Roles};
use crate::refused::Refused;
use crate::secretariat::kernel::body::{Body, BodyKind, Record};

/// The role whose people work in a body.
pub const fn role_of(kind: BodyKind) -> Role {
    match kind {
        BodyKind::Ethics => Role::Ethics,
        _ => Role::Committees,
    }
}

/// # Errors
/// `Forbidden` with the name of the role that it takes.
pub fn may_work(roles: &Roles, kind: BodyKind) -> Result<(), Refused> {
    let role = role_of(kind);
    if roles.has(role) { Ok(()) } else { Err(Refused::Forbidden(format!("this needs the role {role}"))) }
}

/// The work of an ethics council is shown to its own people alone; of others as if there were no such body.
///
/// # Errors
/// `NotFound`.
pub fn may_see(roles: &Roles, body: &Body) -> Result<(), Refused> {
    if body.is_open_to_all() || roles.has(Role::Ethics) { Ok(()) } else { Err(Refused::NotFound("body".into())) }
}

/// Takes out of a record what a reader who is recused from it may not read: restricted items, and what came of them.
pub fn veil(record: &mut Record, reader: Option<uuid::Uuid>) {
    let Some(reader) = reader else { return };
    let is_kept_back = |item: &crate::secretariat::kernel::body::Item| {
        item.restricted && item.recused.iter().any(|one| one.person_id == reader)
    };
    let hidden: Vec<uuid::Uuid> = record.items.iter().filter(|item| is_kept_back(item)).map(|item| item.id).collect();
    record.items.retain(|item| !hidden.contains(&item.id));
    record.resolutions.retain(|one| !hidden.contains(&one.item_id));
}
