//! Cases that an order begins, in whatever module: whoever carries it out opens them with the roles that they have, and both sides say so.

use std::sync::Arc;

use serde_json::{Map, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::decide::Who;
use super::super::define::CaseType;
use super::super::types::Kept;
use super::super::{CaseFile, LinkKind, store};
use super::{CaseError, Desk, find, noted, recusal};
use crate::audit::Act;
use crate::refused::Refused;

/// Why no case is begun by this order.
///
/// # Errors
/// `Forbidden` when it is neither theirs nor of a module that they work in; `Conflict` when it begins none, or none any more.
pub fn may(def: &CaseType, order: &CaseFile, who: &Who) -> Result<(), Refused> {
    let is_theirs = !who.name.is_empty() && order.assigned == who.name;
    if !is_theirs && !who.works_in(def) {
        let role = def.module();
        return Err(Refused::Forbidden(format!(
            "beginning a case by an order needs the role {role}, or to carry it out"
        )));
    }
    let starts = def.starts.states.iter().any(|state| *state.get_ref() == order.state);
    if order.annulled.is_some() || !starts {
        let name = order.name();
        return Err(Refused::Conflict(format!(
            "no case is begun by {name}: it begins none, or is over ({})",
            def.law_ref
        )));
    }
    Ok(())
}

/// The order by which a case is opened; nobody else changes it until the transaction ends.
///
/// # Errors
/// As [`may`]; `NotFound`, also when it is not for them.
pub(super) async fn above(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    order: Uuid,
) -> Result<(Arc<Kept>, CaseFile), CaseError> {
    let (kept, order) = find(conn, desk, order, true).await?;
    may(&kept.def, &order, desk.who)?;
    Ok((kept, order))
}

/// Says on both sides that the order began the case. Whoever is recused from the order is recused from what comes of it.
///
/// # Errors
/// The database's.
pub(super) async fn keep(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    (kept, mut order): (Arc<Kept>, CaseFile),
    (def, case): (&CaseType, &mut CaseFile),
) -> Result<(), CaseError> {
    let by = (desk.by.now, desk.by.actor.name.as_str());
    store::insert_link(&mut *conn, (order.id, case.id), LinkKind::Started, by).await?;
    let changes = Map::from_iter([("started".to_owned(), json!(case.id))]);
    noted(&mut *conn, desk, (&kept.def, &mut order), ("link", Act::CaseLink, ""), &changes).await?;
    recusal::handed_on(conn, desk, def, (order.id, case)).await
}
