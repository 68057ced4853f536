//! Acts on the registry, each in the caller's transaction with its audit. Of persons the audit has the names of fields, never what they hold.

use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::store::{self, Cpf, Wanted};
use super::{Checked, Class, Contact, Entry, EntryKind, NewContact, NewEntry, may_merge};
use crate::accounts::tokens::desk::Acting;
use crate::audit::{self, Act, Entry as Noted};
use crate::plancon::desk::reasoned;
use crate::refused::Refused;
use crate::secretariat::kernel::decide::Who;
use crate::secretariat::kernel::desk::{CaseError, Desk};
use crate::secretariat::kernel::instrument::TaxId;
use crate::secretariat::press;
use crate::vault::Ring;
use crate::vault::access::REASON;

/// What is written of in the audit.
pub const KIND: &str = "registry_entry";
/// Contacts of one entry.
const MOST_CONTACTS: usize = 50;
/// What the keyed sum of a CPF is for.
const SUM: &str = "registry_entry.cpf";

fn context(id: Uuid) -> String {
    format!("registry_entry.cpf:{id}")
}

/// A CPF as the registry keeps it for an entry.
pub(super) fn kept_cpf(vault: &Ring, entry: Uuid, id: &TaxId) -> Cpf {
    let plain = id.as_str().as_bytes();
    Cpf { sum: vault.sum(SUM, plain).to_vec(), sealed: vault.seal(&context(entry), plain), masked: id.masked() }
}

/// What is sealed for an entry; none: it does not open here, or is no CPF.
pub(super) fn opened_cpf(vault: &Ring, entry: Uuid, sealed: &[u8]) -> Option<TaxId> {
    let plain = vault.open(&context(entry), sealed).ok()?;
    String::from_utf8(plain).ok()?.parse::<TaxId>().ok().filter(TaxId::is_person)
}

/// The entry of a CNPJ or CPF.
///
/// # Errors
/// The database's.
pub async fn by_document(conn: &mut PgConnection, vault: &Ring, id: &TaxId) -> sqlx::Result<Option<Uuid>> {
    if id.is_person() {
        store::by_sums(conn, &vault.sums(SUM, id.as_str().as_bytes())).await
    } else {
        store::by_cnpj(conn, id.as_str()).await
    }
}

fn no_entry(id: Uuid) -> Refused {
    Refused::NotFound(format!("entry {id}"))
}

/// True when this person may read an entry.
pub fn may_read(entry: &Entry, who: &Who) -> bool {
    let is_theirs = !who.name.is_empty() && entry.opened_by == who.name;
    entry.access != Class::Restricted || who.is_service || who.has(&entry.reserved_to) || is_theirs
}

/// The entry, when this person may read it. `held`: nobody else changes it until the transaction ends.
///
/// # Errors
/// `NotFound`, also when it is not for them.
pub async fn find(conn: &mut PgConnection, who: &Who, id: Uuid, held: bool) -> Result<Entry, Refused> {
    let found = if held { store::lock(conn, id).await? } else { store::load(conn, id).await? };
    found.filter(|entry| may_read(entry, who)).ok_or_else(|| no_entry(id))
}

fn as_seen(entry: &Entry, revision: i32) -> Result<(), Refused> {
    if entry.revision == revision {
        return Ok(());
    }
    Err(Refused::Conflict(format!("it changed meanwhile: revision {revision}, now {}", entry.revision)))
}

/// Whoever gives an entry to a role reads it afterwards too.
pub(super) fn may_give(who: &Who, new: &Checked, is_theirs: bool) -> Result<(), Refused> {
    if new.access != Class::Restricted || who.has(&new.reserved_to) || is_theirs {
        return Ok(());
    }
    Err(Refused::Forbidden(format!("to give an entry to the role {} needs it", new.reserved_to)))
}

/// Writes an entry down, or finds the one that has the document. True: it is new.
///
/// # Errors
/// The database's.
pub async fn found_or_made(
    conn: &mut PgConnection,
    (by, vault): (Acting<'_>, &Ring),
    new: &Checked,
) -> Result<(Uuid, bool), Refused> {
    if let Some(document) = &new.document
        && let Some(known) = by_document(&mut *conn, vault, document).await?
    {
        return Ok((known, false));
    }
    let id = by.ids.uuid(by.now);
    let cpf = new.document.as_ref().filter(|id| id.is_person()).map(|document| kept_cpf(vault, id, document));
    if !made(&mut *conn, by, id, (new, cpf.as_ref())).await? {
        // Somebody else wrote the same down a moment before.
        let known = match &new.document {
            Some(document) => by_document(&mut *conn, vault, document).await?,
            None => None,
        };
        return known.map(|known| (known, false)).ok_or_else(|| Refused::Conflict("it stands there already".into()));
    }
    Ok((id, true))
}

/// False: its document stands there already.
pub(super) async fn made(
    conn: &mut PgConnection,
    by: Acting<'_>,
    id: Uuid,
    (new, cpf): (&Checked, Option<&Cpf>),
) -> Result<bool, Refused> {
    if !store::insert(&mut *conn, id, (new, cpf), (by.now, &by.actor.name)).await? {
        return Ok(false);
    }
    let after = json!({ "kind": new.kind, "access": new.access, "reserved_to": new.reserved_to });
    audit::record(conn, by.ids, by.now, by.actor, Noted::new(Act::RegistryOpen, KIND, id).to(after)).await?;
    Ok(true)
}

/// Writes an entry down.
///
/// # Errors
/// `Wrong` with every field; `Forbidden`; `Conflict` when its document stands there already.
pub async fn open(conn: &mut PgConnection, desk: Desk<'_>, new: &NewEntry) -> Result<Entry, CaseError> {
    let new = new.checked().map_err(CaseError::Wrong)?;
    may_give(desk.who, &new, false)?;
    let (id, is_new) = found_or_made(&mut *conn, (desk.by, desk.vault), &new).await?;
    if !is_new {
        return Err(taken(&mut *conn, desk.who, id).await?.into());
    }
    Ok(find(conn, desk.who, id, false).await?)
}

/// That a document stands there already; which entry has it is said to its readers alone.
async fn taken(conn: &mut PgConnection, who: &Who, id: Uuid) -> Result<Refused, Refused> {
    let known = store::load(conn, id).await?.filter(|entry| may_read(entry, who));
    let whose = known.map(|entry| format!(": {}, entry {id}", entry.name)).unwrap_or_default();
    Ok(Refused::Conflict(format!("this document stands in the registry already{whose}")))
}

/// Changes an entry. Its kind stays, and a document that is not given.
///
/// # Errors
/// `Wrong` with every field; `Forbidden`; `Conflict` when it was changed or merged, or the document is another's; `NotFound`.
pub async fn edit(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    (id, revision): (Uuid, i32),
    new: &NewEntry,
) -> Result<Entry, CaseError> {
    let before = find(&mut *conn, desk.who, id, true).await?;
    as_seen(&before, revision)?;
    stands_alone(&before)?;
    if new.kind != before.kind {
        return Err(Refused::wrong("kind", new.kind, "the kind of an entry stays as it is").into());
    }
    let new = new.checked().map_err(CaseError::Wrong)?;
    may_give(desk.who, &new, before.opened_by == desk.who.name)?;
    if let Some(document) = &new.document
        && let Some(other) = by_document(&mut *conn, desk.vault, document).await?.filter(|other| *other != id)
    {
        return Err(taken(&mut *conn, desk.who, other).await?.into());
    }
    let cpf = new.document.as_ref().filter(|id| id.is_person()).map(|document| kept_cpf(desk.vault, id, document));
    let by = desk.by;
    match store::update(&mut *conn, id, (&new, cpf.as_ref()), by.now).await {
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
            return Err(Refused::Conflict("this document stands in the registry already".into()).into());
        }
        other => other?,
    }
    let family = store::family(&mut *conn, id).await?;
    store::set_access(&mut *conn, &family, (new.access, &new.reserved_to)).await?;
    let class = |access: Class, reserved_to: &str| json!({ "access": access, "reserved_to": reserved_to });
    let entry = Noted::new(Act::RegistryEdit, KIND, id);
    let entry = entry.from(class(before.access, &before.reserved_to)).to(class(new.access, &new.reserved_to));
    audit::record(&mut *conn, by.ids, by.now, by.actor, entry).await?;
    Ok(store::load(conn, id).await?.ok_or_else(|| no_entry(id))?)
}

fn stands_alone(entry: &Entry) -> Result<(), Refused> {
    match entry.merged_into {
        Some(into) => Err(Refused::Conflict(format!("this entry is merged into {into}: change that one"))),
        None => Ok(()),
    }
}

/// Takes away an entry that was written down by mistake.
///
/// # Errors
/// `Conflict` while something links to it or a consent is written of it; `Wrong` without a reason; `NotFound`.
pub async fn remove(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    (id, revision): (Uuid, i32),
    reason: &str,
) -> Result<(), CaseError> {
    let entry = find(&mut *conn, desk.who, id, true).await?;
    as_seen(&entry, revision)?;
    let reason = reasoned("reason", reason)?;
    let links = store::links::of(&mut *conn, &[id]).await?.len();
    let aliases = store::family(&mut *conn, id).await?.len() - 1;
    let contacts = store::contacts::of(&mut *conn, &[id]).await?.len();
    if links + aliases + contacts > 0 {
        let why = format!(
            "something links to this entry: {links} places where it stands, {aliases} entries merged into it, {contacts} consents; merge it instead"
        );
        return Err(Refused::Conflict(why).into());
    }
    store::remove(&mut *conn, id).await?;
    let by = desk.by;
    let noted = Noted::new(Act::RegistryRemove, KIND, id).because(&reason).from(json!({ "kind": entry.kind }));
    audit::record(conn, by.ids, by.now, by.actor, noted).await?;
    Ok(())
}

/// Makes an entry an alias of another: from now on both are shown as that one. What links to it stays with it.
///
/// # Errors
/// `Conflict` saying why they are not one; `Wrong` without a reason; `NotFound`.
pub async fn merge(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    (id, revision): (Uuid, i32),
    (into, reason): (Uuid, &str),
) -> Result<Entry, CaseError> {
    // Always in the same order, so that two who merge each into the other do not wait in a circle.
    store::lock(&mut *conn, id.min(into)).await?;
    store::lock(&mut *conn, id.max(into)).await?;
    let one = find(&mut *conn, desk.who, id, false).await?;
    let other = match find(&mut *conn, desk.who, into, false).await {
        Err(Refused::NotFound(_)) => return Err(Refused::wrong("into", into, "expected the id of an entry").into()),
        other => other?,
    };
    as_seen(&one, revision)?;
    let reason = reasoned("reason", reason)?;
    may_merge(&one, &other).map_err(|why| Refused::Conflict(why.to_string()))?;
    store::set_merged(&mut *conn, id, Some(into), desk.by.now).await?;
    let by = desk.by;
    let entry = Noted::new(Act::RegistryMerge, KIND, id).because(&reason).to(json!({ "into": into }));
    audit::record(&mut *conn, by.ids, by.now, by.actor, entry).await?;
    Ok(find(conn, desk.who, id, false).await?)
}

/// Takes a merge back.
///
/// # Errors
/// `Conflict` when it is not merged or was changed; `Wrong` without a reason; `NotFound`.
pub async fn unmerge(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    (id, revision): (Uuid, i32),
    reason: &str,
) -> Result<Entry, CaseError> {
    let entry = find(&mut *conn, desk.who, id, true).await?;
    as_seen(&entry, revision)?;
    let reason = reasoned("reason", reason)?;
    let Some(into) = entry.merged_into else {
        return Err(Refused::Conflict("this entry is merged into no other".into()).into());
    };
    store::set_merged(&mut *conn, id, None, desk.by.now).await?;
    let by = desk.by;
    let noted = Noted::new(Act::RegistryUnmerge, KIND, id).because(&reason).from(json!({ "into": into }));
    audit::record(&mut *conn, by.ids, by.now, by.actor, noted).await?;
    Ok(find(conn, desk.who, id, false).await?)
}

/// Writes down how somebody agreed to be reached, and for what.
///
/// # Errors
/// `Wrong` with every field; `Conflict` when the entry is merged or has too many; `NotFound`.
pub async fn add_contact(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    id: Uuid,
    new: &NewContact,
) -> Result<Contact, CaseError> {
    let entry = find(&mut *conn, desk.who, id, true).await?;
    stands_alone(&entry)?;
    new.checked(desk.at().today()).map_err(CaseError::Wrong)?;
    if store::contacts::of(&mut *conn, &[id]).await?.len() >= MOST_CONTACTS {
        return Err(Refused::Conflict(format!("this entry has {MOST_CONTACTS} contacts already")).into());
    }
    let by = desk.by;
    let contact = Contact {
        id: by.ids.uuid(by.now),
        channel: new.channel,
        value: Some(new.value.trim().to_owned()),
        purpose: new.purpose.trim().to_owned(),
        given_on: new.given_on,
        given_by: by.actor.name.clone(),
        withdrawn_on: None,
        withdrawn_by: None,
    };
    store::contacts::insert(&mut *conn, id, &contact).await?;
    let after = json!({ "contact": contact.id, "channel": contact.channel, "given_on": contact.given_on });
    audit::record(conn, by.ids, by.now, by.actor, Noted::new(Act::RegistryConsent, KIND, id).to(after)).await?;
    Ok(contact)
}

/// Withdraws a consent: what reaches them is erased, that it was given and withdrawn stays (Lei 13.709/2018, art. 8, § 5).
///
/// # Errors
/// `Conflict` when it was withdrawn; `NotFound`.
pub async fn withdraw(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    (id, contact): (Uuid, Uuid),
) -> Result<Contact, CaseError> {
    find(&mut *conn, desk.who, id, true).await?;
    let family = store::family(&mut *conn, id).await?;
    let all = store::contacts::of(&mut *conn, &family).await?;
    let found = all.into_iter().find(|(_, one)| one.id == contact);
    let (owner, _) = found.ok_or_else(|| Refused::NotFound(format!("contact {contact}")))?;
    let (by, today) = (desk.by, desk.at().today());
    if !store::contacts::withdraw(&mut *conn, (owner, contact), (today, &by.actor.name)).await? {
        return Err(Refused::Conflict("this consent was withdrawn before".into()).into());
    }
    let entry = Noted::new(Act::RegistryWithdraw, KIND, owner).to(json!({ "contact": contact, "withdrawn_on": today }));
    audit::record(&mut *conn, by.ids, by.now, by.actor, entry).await?;
    let all = store::contacts::of(conn, &[owner]).await?;
    let after = all.into_iter().map(|(_, one)| one).find(|one| one.id == contact);
    Ok(after.ok_or_else(|| Refused::NotFound(format!("contact {contact}")))?)
}

/// The CPF of a person whole, with a reason, which is in the audit. None: the entry has none.
///
/// # Errors
/// `Wrong` without a reason; `Conflict` when it cannot be opened; `NotFound`.
pub async fn read_cpf(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    id: Uuid,
    reason: &str,
) -> Result<Option<String>, CaseError> {
    find(&mut *conn, desk.who, id, false).await?;
    let reason = reason.trim();
    if !(REASON..=500).contains(&reason.chars().count()) {
        let expected = format!("say why you open it, in {REASON} to 500 characters");
        return Err(Refused::wrong("reason", reason, expected).into());
    }
    let by = desk.by;
    let entry = Noted::new(Act::VaultOpen, KIND, id).because(reason);
    audit::record(&mut *conn, by.ids, by.now, by.actor, entry).await?;
    let Some(sealed) = store::sealed(conn, id).await? else { return Ok(None) };
    let opened = opened_cpf(desk.vault, id, &sealed);
    let opened =
        opened.ok_or_else(|| Refused::Conflict("what is sealed does not open under the keys of the vault".into()))?;
    Ok(Some(opened.to_string()))
}

/// Entries that this person may read and that fit.
///
/// # Errors
/// The database's.
pub async fn list(conn: &mut PgConnection, desk: Desk<'_>, mut wanted: Wanted) -> sqlx::Result<Vec<Entry>> {
    let roles = desk.who.roles.iter().map(|role| role.as_str().to_owned()).collect();
    wanted.reader = (desk.who.name.clone(), roles);
    if let Ok(id) = wanted.words.parse::<TaxId>() {
        if id.is_person() {
            wanted.sums = desk.vault.sums(SUM, id.as_str().as_bytes());
        } else {
            wanted.cnpj = Some(id.as_str().to_owned());
        }
    }
    store::list(conn, &wanted).await
}

/// Organisations and places that everybody may read.
///
/// # Errors
/// The database's.
pub async fn public(conn: &mut PgConnection, after: Option<Uuid>) -> sqlx::Result<Vec<Entry>> {
    let wanted = Wanted { after, most: store::PAGE, only_public: true, ..Wanted::default() };
    store::list(conn, &wanted).await
}

/// What a person or organisation of a name alone is written down with.
pub(super) fn named(kind: EntryKind, name: &str, document: Option<TaxId>, class: (Class, &str)) -> Checked {
    let nature = match (kind, class.1) {
        (EntryKind::Organisation, press::ROLE) => Some(super::Nature::Press),
        (EntryKind::Organisation, _) => Some(super::Nature::Other),
        _ => None,
    };
    Checked {
        kind,
        name: name.trim().to_owned(),
        short_name: String::new(),
        nature,
        document,
        address: String::new(),
        point: None,
        access: class.0,
        reserved_to: class.1.to_owned(),
    }
}
