//! Comitês (clause 10 of the act): the bodies of the secretariat as a module. Who may read and work in it, the letters of a convening, the
//! documents of minutes, and the report; what bodies are stands in `secretariat::kernel::body`.

pub mod letters;
pub mod paper;
pub mod report;
pub mod worker;

use sqlx::PgConnection;
use uuid::Uuid;

use crate::accounts::{Role, Roles};
use crate::refused::Refused;
use crate::secretariat::kernel::body::{Body, BodyKind, Item, Mandate, Meeting, Record, store};

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

/// Takes out of a record what somebody may not read: restricted items, which are for those who work in the body and for its members, and of
/// these for nobody who is recused.
///
/// # Errors
/// The database's.
pub async fn veil(
    conn: &mut PgConnection,
    record: &mut Record,
    (roles, staff): (&Roles, Uuid),
    body: &Body,
) -> sqlx::Result<()> {
    let (reader, is_inside) = inside(conn, &record.meeting, (roles, staff), body).await?;
    keep_back(record, reader, is_inside);
    Ok(())
}

/// Who somebody is in bodies, and whether they work in this one or sat in it on the day of a meeting.
async fn inside(
    conn: &mut PgConnection,
    meeting: &Meeting,
    (roles, staff): (&Roles, Uuid),
    body: &Body,
) -> sqlx::Result<(Option<Uuid>, bool)> {
    let reader = store::of_account(&mut *conn, staff).await?;
    if may_work(roles, body.what.kind).is_ok() {
        return Ok((reader, true));
    }
    let Some(person) = reader else { return Ok((None, false)) };
    // The day in the town is that of the instant or the one before it: nobody who was a member then is left out.
    let day = meeting.starts_at.date_naive();
    let sat = |one: &Mandate| one.holds_on(day) || day.pred_opt().is_some_and(|day| one.holds_on(day));
    let seats = store::seats::of_body(conn, body.id).await?;
    let is_member = seats.iter().flat_map(|seat| &seat.mandates).any(|one| one.person_id == person && sat(one));
    Ok((reader, is_member))
}

/// True when somebody reads the minutes: a draft may name persons as the approved text will not, and is for whoever works in the body and for its
/// members.
///
/// # Errors
/// The database's.
pub async fn reads_minutes(
    conn: &mut PgConnection,
    meeting: &Meeting,
    reader: (&Roles, Uuid),
    body: &Body,
) -> sqlx::Result<bool> {
    Ok(meeting.approved_at.is_some() || inside(conn, meeting, reader, body).await?.1)
}

fn keep_back(record: &mut Record, reader: Option<Uuid>, is_inside: bool) {
    let is_kept_back = |item: &Item| {
        let is_recused = item.recused.iter().any(|one| Some(one.person_id) == reader);
        item.restricted && (is_recused || !is_inside)
    };
    let hidden: Vec<Uuid> = record.items.iter().filter(|item| is_kept_back(item)).map(|item| item.id).collect();
    record.items.retain(|item| !hidden.contains(&item.id));
    record.resolutions.retain(|one| !hidden.contains(&one.item_id));
}
