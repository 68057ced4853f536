//! Acts on the ledger, each in the caller's transaction with its audit.

use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::store::{self, NewEntry, NewNeed};
use super::{Kind, MOST, Priority};
use crate::accounts::tokens::desk::Acting;
use crate::audit::{self, Act, Entry};
use crate::refused::Refused;

fn amount(amount: i32) -> Result<i32, Refused> {
    if (1..=MOST).contains(&amount) {
        return Ok(amount);
    }
    Err(Refused::wrong("amount", amount, format!("expected 1 to {MOST}")))
}

fn short<'a>(field: &'static str, text: &'a str, most: usize) -> Result<&'a str, Refused> {
    let text = text.trim();
    if text.chars().count() > most {
        return Err(Refused::wrong(field, "", format!("expected at most {most} characters")));
    }
    Ok(text)
}

fn named<'a>(field: &'static str, text: &'a str, most: usize) -> Result<&'a str, Refused> {
    let text = short(field, text, most)?;
    if text.is_empty() { Err(Refused::wrong(field, "", format!("expected 1 to {most} characters"))) } else { Ok(text) }
}

async fn known(conn: &mut PgConnection, place: Uuid, item: Uuid) -> Result<(store::Place, store::Item), Refused> {
    let place = store::place(&mut *conn, place).await?.ok_or_else(|| Refused::NotFound("place of supplies".into()))?;
    let item = store::item(conn, item).await?.ok_or_else(|| Refused::NotFound("item".into()))?;
    Ok((place, item))
}

/// Names a depot.
///
/// # Errors
/// The field that is wrong.
pub async fn add_depot(conn: &mut PgConnection, by: Acting<'_>, name: &str) -> Result<Uuid, Refused> {
    let name = named("name", name, 160)?;
    let id = by.ids.uuid(by.now);
    store::add_depot(&mut *conn, by.now, id, name).await?;
    let entry = Entry::new(Act::SupplyDepot, "stock_place", id).to(json!({ "name": name }));
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(id)
}

/// Names a thing, with the unit it is counted in.
///
/// # Errors
/// The field that is wrong; a conflict when there is one of this name.
pub async fn add_item(conn: &mut PgConnection, by: Acting<'_>, name: &str, unit: &str) -> Result<Uuid, Refused> {
    let (name, unit) = (named("name", name, 120)?, named("unit", unit, 30)?);
    let id = by.ids.uuid(by.now);
    if !store::add_item(&mut *conn, by.now, id, (name, unit)).await? {
        return Err(Refused::Conflict(format!("there is an item called {name} already")));
    }
    let entry = Entry::new(Act::SupplyItem, "supply_item", id).to(json!({ "name": name, "unit": unit }));
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(id)
}

/// An entry as somebody writes it by hand.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    pub place: Uuid,
    pub item: Uuid,
    pub kind: Kind,
    pub amount: i32,
    pub reason: &'a str,
}

/// Appends an entry. What came for a need is counted there.
///
/// # Errors
/// The field that is wrong; a conflict when there is less.
pub async fn enter(conn: &mut PgConnection, by: Acting<'_>, given: Given<'_>) -> Result<i64, Refused> {
    let Given { place, item, kind, .. } = given;
    if !Kind::BY_HAND.contains(&kind) {
        return Err(Refused::wrong("kind", kind, "follows from an act of its own"));
    }
    let amount = amount(given.amount)?;
    let reason = short("reason", given.reason, 300)?;
    if matches!(kind, Kind::Lost | Kind::Found) && reason.is_empty() {
        return Err(Refused::wrong("reason", "", "say how the count came to differ"));
    }
    known(&mut *conn, place, item).await?;
    take(&mut *conn, by, &[(place, item, kind, amount)], Shared { reason, ..Shared::default() }).await?;
    if matches!(kind, Kind::Received | Kind::Donated) {
        store::fill(&mut *conn, by.now, (place, item), amount).await?;
    }
    let what = json!({ "item": item, "kind": kind, "amount": amount });
    let entry = Entry::new(Act::SupplyEnter, "stock_place", place).because(reason).to(what);
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(i64::from(amount))
}

/// What entries that are made together share.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shared<'a> {
    pub move_id: Option<Uuid>,
    /// The delivery of aid that they went to.
    pub delivery: Option<Uuid>,
    pub reason: &'a str,
}

/// Appends entries together, or none of them.
///
/// # Errors
/// A conflict that names the item of which there is less.
pub async fn take(
    conn: &mut PgConnection,
    by: Acting<'_>,
    entries: &[(Uuid, Uuid, Kind, i32)],
    shared: Shared<'_>,
) -> Result<(), Refused> {
    let pairs: Vec<(Uuid, Uuid)> = entries.iter().map(|(place, item, ..)| (*place, *item)).collect();
    let held = store::lock(&mut *conn, &pairs).await?;
    for ((place, item, kind, amount), here) in entries.iter().zip(held) {
        if !kind.adds() && here < *amount {
            let (place, item) = known(&mut *conn, *place, *item).await?;
            let (name, unit) = (item.name, item.unit);
            return Err(Refused::Conflict(format!("{}: {name}: {here} {unit}, {amount} asked for", place.name)));
        }
        if kind.adds() && here.saturating_add(*amount) > 100 * MOST {
            return Err(Refused::wrong("amount", amount, "the place would hold more than can be true"));
        }
        let new = NewEntry {
            place: *place,
            item: *item,
            kind: *kind,
            amount: *amount,
            move_id: shared.move_id,
            delivery: shared.delivery,
            actor: &by.actor.name,
            reason: shared.reason,
        };
        store::append(&mut *conn, by.now, new).await?;
    }
    Ok(())
}

/// Moves an amount from one place to another.
///
/// # Errors
/// The field that is wrong; a conflict when there is less.
pub async fn shift(
    conn: &mut PgConnection,
    by: Acting<'_>,
    (from, to): (Uuid, Uuid),
    (item, moved): (Uuid, i32),
    reason: &str,
) -> Result<(), Refused> {
    let moved = amount(moved)?;
    let reason = short("reason", reason, 300)?;
    if from == to {
        return Err(Refused::wrong("to", to, "is where it lies already"));
    }
    known(&mut *conn, from, item).await?;
    known(&mut *conn, to, item).await?;
    let halves = [(from, item, Kind::MovedOut, moved), (to, item, Kind::MovedIn, moved)];
    let shared = Shared { move_id: Some(by.ids.uuid(by.now)), reason, ..Shared::default() };
    take(&mut *conn, by, &halves, shared).await?;
    store::fill(&mut *conn, by.now, (to, item), moved).await?;
    let what = json!({ "item": item, "amount": moved, "to": to });
    let entry = Entry::new(Act::SupplyMove, "stock_place", from).because(reason).to(what);
    Ok(audit::record(conn, by.ids, by.now, by.actor, entry).await?)
}

/// Says what a place needs, or changes what it said.
///
/// # Errors
/// The field that is wrong.
pub async fn need(conn: &mut PgConnection, by: Acting<'_>, new: NewNeed<'_>) -> Result<Uuid, Refused> {
    let wanted = amount(new.wanted)?;
    let note = short("note", new.note, 300)?;
    known(&mut *conn, new.place, new.item).await?;
    let new = NewNeed { note, wanted, ..new };
    let id = store::need(&mut *conn, by.now, by.ids.uuid(by.now), new, &by.actor.name).await?;
    let priority: Priority = new.priority;
    let what = json!({ "item": new.item, "wanted": wanted, "priority": priority, "public": new.public });
    let entry = Entry::new(Act::SupplyNeed, "stock_place", new.place).to(what);
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(id)
}

/// Ends a need that is not filled.
///
/// # Errors
/// Without a reason; not found.
pub async fn close_need(conn: &mut PgConnection, by: Acting<'_>, id: Uuid, reason: &str) -> Result<(), Refused> {
    let reason = named("reason", reason, 300)?;
    if !store::close_need(&mut *conn, by.now, id, (&by.actor.name, reason)).await? {
        return Err(Refused::NotFound("open need".into()));
    }
    let entry = Entry::new(Act::SupplyNeedClose, "supply_need", id).because(reason);
    Ok(audit::record(conn, by.ids, by.now, by.actor, entry).await?)
}

/// Notes what somebody promised.
///
/// # Errors
/// The field that is wrong; not found.
pub async fn promise(
    conn: &mut PgConnection,
    by: Acting<'_>,
    need: Uuid,
    (promised, donor): (i32, &str),
) -> Result<Uuid, Refused> {
    let promised = amount(promised)?;
    let donor = short("donor", donor, 120)?;
    if store::open_need(&mut *conn, need).await?.is_none() {
        return Err(Refused::NotFound("open need".into()));
    }
    let id = by.ids.uuid(by.now);
    store::promise(&mut *conn, by.now, (id, need), (promised, donor), &by.actor.name).await?;
    let entry = Entry::new(Act::SupplyPromise, "supply_need", need).to(json!({ "amount": promised }));
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(id)
}

/// What was promised came, as much as came; or it does not come (`None`).
///
/// # Errors
/// The field that is wrong; not found when it does not wait.
pub async fn end_promise(
    conn: &mut PgConnection,
    by: Acting<'_>,
    id: Uuid,
    received: Option<i32>,
) -> Result<(), Refused> {
    let received = received.map(amount).transpose()?;
    let ended = store::end_promise(&mut *conn, by.now, id, received, &by.actor.name).await?;
    let (place, item) = ended.ok_or_else(|| Refused::NotFound("promise that waits".into()))?;
    if let Some(received) = received {
        take(&mut *conn, by, &[(place, item, Kind::Donated, received)], Shared::default()).await?;
        store::fill(&mut *conn, by.now, (place, item), received).await?;
    }
    let what = json!({ "item": item, "received": received });
    let entry = Entry::new(Act::SupplyPromiseEnd, "stock_place", place).to(what);
    Ok(audit::record(conn, by.ids, by.now, by.actor, entry).await?)
}
