//! Acts of humanitarian aid, each in the caller's transaction with its audit.

use chrono::TimeDelta;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::signature::Signature;
use super::store::{self, NewDelivery};
use super::{Kit, MOST_ITEMS};
use crate::accounts::tokens::desk::Acting;
use crate::audit::{self, Act, Entry};
use crate::incidents::store as incidents;
use crate::refused::Refused;
use crate::shelters::people::Keeping;
use crate::shelters::store::people;
use crate::supplies::desk::Shared;
use crate::supplies::{self, Kind};
use crate::vault::access::Purpose;
use crate::vault::store as vault;

/// What a record of the vault belongs to.
pub fn subject(delivery: Uuid) -> String {
    format!("delivery:{delivery}")
}

/// Names a kit and what is in it.
///
/// # Errors
/// The field that is wrong; a conflict when one in use has this name.
pub async fn add_kit(
    conn: &mut PgConnection,
    by: Acting<'_>,
    (name, every_days): (&str, i32),
    parts: &[(Uuid, i32)],
) -> Result<Uuid, Refused> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 120 {
        return Err(Refused::wrong("name", "", "expected 1 to 120 characters"));
    }
    if !(1..=366).contains(&every_days) {
        return Err(Refused::wrong("every_days", every_days, "expected 1 to 366 days"));
    }
    let mut items: Vec<Uuid> = parts.iter().map(|(item, _)| *item).collect();
    items.sort_unstable();
    items.dedup();
    if parts.is_empty() || parts.len() > MOST_ITEMS || items.len() < parts.len() {
        return Err(Refused::wrong("parts", parts.len(), format!("expected 1 to {MOST_ITEMS} different items")));
    }
    for (item, amount) in parts {
        if !(1..=10_000).contains(amount) {
            return Err(Refused::wrong("amount", amount, "expected 1 to 10000"));
        }
        if supplies::store::item(&mut *conn, *item).await?.is_none() {
            return Err(Refused::NotFound("item".into()));
        }
    }
    let id = by.ids.uuid(by.now);
    if !store::add_kit(&mut *conn, by.now, (id, name, every_days), parts, &by.actor.name).await? {
        return Err(Refused::Conflict(format!("there is a kit called {name} already")));
    }
    let entry = Entry::new(Act::AidKit, "aid_kit", id)
        .to(json!({ "name": name, "every_days": every_days, "parts": parts.len() }));
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(id)
}

/// Takes a kit out of use. What was given of it stays.
///
/// # Errors
/// Not found.
pub async fn retire_kit(conn: &mut PgConnection, by: Acting<'_>, id: Uuid) -> Result<(), Refused> {
    if !store::retire_kit(&mut *conn, by.now, id).await? {
        return Err(Refused::NotFound("kit in use".into()));
    }
    let entry = Entry::new(Act::AidKitRetire, "aid_kit", id);
    Ok(audit::record(conn, by.ids, by.now, by.actor, entry).await?)
}

/// By what it is proven that the family has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    Signature(Signature),
    /// Who saw it given: for whoever cannot sign, and where there is no screen.
    Witness(String),
}

impl Proof {
    /// From the fields of a form; a drawing goes before a name.
    ///
    /// # Errors
    /// The field that is wrong.
    pub fn read(signature: &str, witness: &str) -> Result<Self, Refused> {
        let (signature, witness) = (signature.trim(), witness.trim());
        if !signature.is_empty() {
            let drawn = signature.parse::<Signature>();
            return drawn.map(Self::Signature).map_err(|wrong| Refused::wrong("signature", "", wrong.to_string()));
        }
        if (3..=120).contains(&witness.chars().count()) {
            return Ok(Self::Witness(witness.to_owned()));
        }
        Err(Refused::wrong("witness", "", "expected a signature, or the name of a witness of 3 to 120 characters"))
    }

    const fn word(&self) -> &'static str {
        match self {
            Self::Signature(_) => "signature",
            Self::Witness(_) => "witness",
        }
    }

    fn plain(&self) -> String {
        match self {
            Self::Signature(drawn) => drawn.to_string(),
            Self::Witness(name) => name.clone(),
        }
    }
}

/// What is given to whom.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    pub kit: Uuid,
    pub household: Uuid,
    pub place: Uuid,
    pub proof: &'a Proof,
    /// Why once more within its days; only a coordinator's counts.
    pub override_reason: &'a str,
    pub is_coordinator: bool,
}

/// Gives a kit to a family: out of the stock, against its proof, once within its days. In an exercise nothing leaves the stock.
///
/// # Errors
/// A conflict when the family has had it, or there is less in stock; not found.
pub async fn deliver(
    conn: &mut PgConnection,
    by: Acting<'_>,
    keeping: Keeping<'_>,
    wanted: &Wanted<'_>,
) -> Result<Uuid, Refused> {
    let Wanted { kit, household, place, proof, .. } = *wanted;
    let kit = store::kits(&mut *conn, Some(kit)).await?.pop().ok_or_else(|| Refused::NotFound("kit in use".into()))?;
    let family = people::household(&mut *conn, household).await?.ok_or_else(|| Refused::NotFound("family".into()))?;
    let drill = incidents::is_drill(&mut *conn, family.incident).await?;
    let reason = allowed(&mut *conn, by, (&kit, drill), household, wanted).await?;
    let id = by.ids.uuid(by.now);
    let new = NewDelivery {
        id,
        kit: kit.id,
        household,
        place,
        incident: family.incident.0,
        drill,
        until_at: by.now + TimeDelta::days(kit.every_days.into()),
        proof: proof.word(),
        override_by: (!reason.is_empty()).then_some(by.actor.name.as_str()),
        override_reason: reason,
        actor: &by.actor.name,
    };
    store::deliver(&mut *conn, by.now, &new).await?;
    if !drill {
        let entries: Vec<_> = kit.parts.iter().map(|part| (place, part.item, Kind::Delivered, part.amount)).collect();
        let shared = Shared { delivery: Some(id), reason: &kit.name, ..Shared::default() };
        supplies::desk::take(&mut *conn, by, &entries, shared).await?;
    }
    let (subject, plain) = (subject(id), proof.plain());
    let record = vault::NewRecord {
        purpose: Purpose::AidReceipt,
        subject: &subject,
        plain: plain.as_bytes(),
        created_by: &by.actor.name,
        keep_until: (by.now + TimeDelta::days(keeping.days.into())).date_naive(),
    };
    vault::put(&mut *conn, keeping.ring, by.ids.uuid(by.now), by.now, &record).await?;
    let what =
        json!({ "kit": kit.name, "household": household, "place": place, "proof": proof.word(), "exercise": drill });
    let entry = Entry::new(Act::AidDeliver, "aid_delivery", id).because(reason).to(what);
    audit::record(&mut *conn, by.ids, by.now, by.actor, entry).await?;
    let mark = if drill { "EXERCÍCIO: " } else { "" };
    let line = format!("{mark}Ajuda humanitária: {} entregue à família {}", kit.name, family.code);
    let detail = json!({ "delivery_id": id, "kit": kit.name, "exercise": drill });
    incidents::add_entry(conn, family.incident, by.now, &by.actor.name, "aid", &line, &detail).await?;
    Ok(id)
}

/// The reason that is kept: empty when none is needed.
async fn allowed<'a>(
    conn: &mut PgConnection,
    by: Acting<'_>,
    (kit, drill): (&Kit, bool),
    household: Uuid,
    wanted: &Wanted<'a>,
) -> Result<&'a str, Refused> {
    let Some(until) = store::had_until(conn, by.now, (household, kit.id), drill).await? else { return Ok("") };
    let reason = wanted.override_reason.trim();
    if reason.chars().count() > 500 {
        return Err(Refused::wrong("override_reason", "", "expected at most 500 characters"));
    }
    match (wanted.is_coordinator, reason.is_empty()) {
        (true, false) => Ok(reason),
        (true, true) => Err(Refused::Conflict(format!(
            "the family has had {}; next from {}: say why it is given again",
            kit.name,
            until.to_rfc3339()
        ))),
        (false, _) => Err(Refused::Conflict(format!(
            "the family has had {}; next from {}, or by a coordinator",
            kit.name,
            until.to_rfc3339()
        ))),
    }
}
