//! The registry as a file: one JSON a line, which reads back byte for byte. A CPF is in it as it lies in the database, sealed: where the keys of
//! the vault are others, the line says so and nothing is taken in. Where an entry stands comes with the files of instruments and cases; only
//! persons of bodies, who have no document there, are named here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::desk::{KIND, kept_cpf, list, may_give, opened_cpf};
use super::store::{self, MOST, Wanted};
use super::{Checked, Class, Contact, Entry, EntryKind, Link, Nature, NewEntry, Point, SubjectKind};
use crate::audit::{self, Act, Entry as Noted};
use crate::clock::Instant;
use crate::hexadecimal::{hex, unhex};
use crate::refused::{Refused, shorten};
use crate::secretariat::kernel::desk::{CaseError, Desk};
use crate::secretariat::kernel::ledger::canonical;

/// Largest file.
pub const MAX_BYTES: usize = 32 * 1024 * 1024;

/// One entry as it is taken out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    id: Uuid,
    kind: EntryKind,
    name: String,
    short_name: String,
    nature: Option<Nature>,
    /// A CNPJ whole, of a CPF the middle digits.
    document: String,
    /// The CPF under the key of the vault, in hexadecimal digits.
    sealed: Option<String>,
    address: String,
    point: Option<Point>,
    access: Class,
    reserved_to: String,
    merged_into: Option<Uuid>,
    opened_at: Instant,
    opened_by: String,
    changed_at: Instant,
    revision: i32,
    contacts: Vec<Contact>,
    links: Vec<Link>,
}

/// What an import did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = RegistryImport)]
pub struct Taken {
    pub added: usize,
    /// Were here before, the same.
    pub unchanged: usize,
}

fn wrong(at: usize, field: &str, value: &str, message: impl Into<String>) -> CaseError {
    Refused::wrong(format!("line {at}: {field}"), shorten(value), message).into()
}

async fn lines(conn: &mut PgConnection, entries: Vec<Entry>) -> sqlx::Result<Vec<Line>> {
    let ids: Vec<Uuid> = entries.iter().map(|entry| entry.id).collect();
    let mut contacts: BTreeMap<Uuid, Vec<Contact>> = BTreeMap::new();
    for (entry, contact) in store::contacts::of(&mut *conn, &ids).await? {
        contacts.entry(entry).or_default().push(contact);
    }
    let mut links: BTreeMap<Uuid, Vec<Link>> = BTreeMap::new();
    for (entry, link) in store::links::of(&mut *conn, &ids).await? {
        if link.subject == SubjectKind::BodyPerson {
            links.entry(entry).or_default().push(link);
        }
    }
    let mut sealed = store::all_sealed(conn, &ids).await?;
    let all = entries.into_iter().map(|entry| Line {
        id: entry.id,
        kind: entry.kind,
        name: entry.name,
        short_name: entry.short_name,
        nature: entry.nature,
        document: entry.document,
        sealed: sealed.remove(&entry.id).map(|bytes| hex(&bytes)),
        address: entry.address,
        point: entry.point,
        access: entry.access,
        reserved_to: entry.reserved_to,
        merged_into: entry.merged_into,
        opened_at: entry.opened_at,
        opened_by: entry.opened_by,
        changed_at: entry.changed_at,
        revision: entry.revision,
        contacts: contacts.remove(&entry.id).unwrap_or_default(),
        links: links.remove(&entry.id).unwrap_or_default(),
    });
    Ok(all.collect())
}

/// Entries that whoever asks may read, the oldest first, keys in the order of the alphabet.
///
/// # Errors
/// The database's.
pub async fn write(conn: &mut PgConnection, desk: Desk<'_>) -> Result<String, CaseError> {
    let wanted = Wanted { with_merged: true, most: MOST, ..Wanted::default() };
    let mut entries = list(&mut *conn, desk, wanted).await?;
    entries.reverse();
    let mut text = String::new();
    let mut count = 0;
    for line in lines(&mut *conn, entries).await? {
        let value = serde_json::to_value(&line).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
        text.push_str(&canonical(&value));
        text.push('\n');
        count += 1;
    }
    let by = desk.by;
    let entry = Noted::new(Act::RegistryExport, KIND, "all").to(json!({ "entries": count }));
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(text)
}

impl Line {
    fn entry(&self) -> Entry {
        Entry {
            id: self.id,
            kind: self.kind,
            name: self.name.clone(),
            short_name: self.short_name.clone(),
            nature: self.nature,
            document: self.document.clone(),
            address: self.address.clone(),
            point: self.point,
            access: self.access,
            reserved_to: self.reserved_to.clone(),
            merged_into: self.merged_into,
            opened_at: self.opened_at,
            opened_by: self.opened_by.clone(),
            changed_at: self.changed_at,
            revision: self.revision,
        }
    }

    /// Judged as if somebody wrote it down here.
    fn judged(&self, (at, now): (usize, Instant)) -> Result<Checked, CaseError> {
        let is_masked = |text: &str| {
            let fits = |(place, one): (usize, char)| match place {
                4..=6 | 8..=10 => one.is_ascii_digit(),
                _ => "***.456.789-**".chars().nth(place) == Some(one),
            };
            text.len() == 14 && text.chars().enumerate().all(fits)
        };
        let is_person = self.kind == EntryKind::Person;
        if is_person && !(self.document.is_empty() && self.sealed.is_none() || is_masked(&self.document))
            || !is_person && self.sealed.is_some()
        {
            return Err(wrong(
                at,
                "document",
                "",
                "expected of a person the middle digits of the CPF alone: ***.456.789-**",
            ));
        }
        let new = NewEntry {
            kind: self.kind,
            name: self.name.clone(),
            short_name: self.short_name.clone(),
            nature: self.nature,
            document: if is_person { String::new() } else { self.document.clone() },
            address: self.address.clone(),
            point: self.point,
            access: self.access,
            reserved_to: self.reserved_to.clone(),
        };
        let checked = new.checked().map_err(|errors| match errors.into_iter().next() {
            Some(error) => wrong(at, &error.field, &error.value, error.message),
            None => wrong(at, "entry", "", "is not what the registry takes"),
        })?;
        if self.opened_at > now || self.changed_at > now || self.changed_at < self.opened_at || self.revision < 1 {
            return Err(wrong(at, "changed_at", &self.changed_at.to_rfc3339(), "opened or changed in the future"));
        }
        if self.opened_by.is_empty() || self.opened_by.chars().count() > 100 || self.opened_by.contains('\0') {
            return Err(wrong(at, "opened_by", "", "expected who wrote it down"));
        }
        for contact in &self.contacts {
            self.judge_contact(at, contact)?;
        }
        if self.links.iter().any(|link| link.subject != SubjectKind::BodyPerson || link.role != "person") {
            return Err(wrong(at, "links", "", "expected persons of bodies alone"));
        }
        Ok(checked)
    }

    fn judge_contact(&self, at: usize, contact: &Contact) -> Result<(), CaseError> {
        let lengths = [Some(&contact.purpose), contact.value.as_ref()];
        let is_said = |text: &&String| (3..=300).contains(&text.trim().chars().count()) && !text.contains('\0');
        let is_withdrawn = contact.withdrawn_on.is_some();
        let fits = lengths.iter().flatten().all(is_said)
            && contact.value.is_some() != is_withdrawn
            && contact.withdrawn_by.is_some() == is_withdrawn
            && contact.withdrawn_on.is_none_or(|day| day >= contact.given_on);
        if fits {
            Ok(())
        } else {
            Err(wrong(at, "contacts", "", "expected a value, or the day and name of who withdrew it"))
        }
    }
}

/// The entries of a file, each with the number of its line.
///
/// # Errors
/// `Wrong` naming the line.
pub fn read(text: &str) -> Result<Vec<(usize, Line)>, CaseError> {
    let mut lines = Vec::new();
    for (raw, at) in text.lines().zip(1..).filter(|(raw, _)| !raw.trim().is_empty()) {
        if lines.len() >= usize::try_from(MOST).unwrap_or(usize::MAX) {
            return Err(wrong(at, "entry", "", format!("expected at most {MOST} entries in one file")));
        }
        lines.push((at, serde_json::from_str(raw).map_err(|error| wrong(at, "entry", "", error.to_string()))?));
    }
    Ok(lines)
}

/// Takes in what was taken out, all or none. What is here already has to be the same.
///
/// # Errors
/// `Wrong` or `Conflict` naming the line; `Forbidden` for what is reserved to a role of others.
pub async fn take_in(conn: &mut PgConnection, desk: Desk<'_>, file: Vec<(usize, Line)>) -> Result<Taken, CaseError> {
    let (mut taken, mut merged) = (Taken::default(), Vec::new());
    for (at, line) in file {
        if let Some(here) = store::load(&mut *conn, line.id).await? {
            if lines(&mut *conn, vec![here]).await?.first() != Some(&line) {
                return Err(Refused::Conflict(format!("line {at}: {} is here already and differs", line.id)).into());
            }
            taken.unchanged += 1;
            continue;
        }
        add(&mut *conn, desk, (at, &line)).await?;
        merged.extend(line.merged_into.map(|into| (at, line.id, into)));
        taken.added += 1;
    }
    merge(&mut *conn, merged).await?;
    let by = desk.by;
    let after = json!({ "added": taken.added, "unchanged": taken.unchanged });
    audit::record(conn, by.ids, by.now, by.actor, Noted::new(Act::RegistryImport, KIND, "all").to(after)).await?;
    Ok(taken)
}

async fn add(conn: &mut PgConnection, desk: Desk<'_>, (at, line): (usize, &Line)) -> Result<(), CaseError> {
    let checked = line.judged((at, desk.by.now))?;
    may_give(desk.who, &checked, line.opened_by == desk.who.name)?;
    let cpf = match line.sealed.as_deref() {
        None => None,
        Some(text) => {
            let bytes = unhex(text).unwrap_or_default();
            let id = opened_cpf(desk.vault, line.id, &bytes).filter(|id| id.masked() == line.document);
            let unknown = "was sealed under another key: bring the keys of the vault, or leave it out";
            let id = id.ok_or_else(|| wrong(at, "sealed", "", unknown))?;
            // The bytes stay as they were, so that the file reads back the same.
            Some(store::Cpf { sealed: bytes, ..kept_cpf(desk.vault, line.id, &id) })
        }
    };
    if !store::restore(&mut *conn, &line.entry(), cpf.as_ref()).await? {
        return Err(Refused::Conflict(format!("line {at}: its document stands in the registry already")).into());
    }
    for contact in &line.contacts {
        match store::contacts::insert(&mut *conn, line.id, contact).await {
            Err(sqlx::Error::Database(error)) if error.constraint().is_some() => {
                return Err(wrong(at, "contacts", "", "stands there already, or is not what the registry takes"));
            }
            other => other?,
        }
    }
    for link in &line.links {
        store::links::insert(&mut *conn, line.id, link, (desk.by.now, &desk.by.actor.name)).await?;
    }
    Ok(())
}

/// Merges what the file says was merged. What others were merged into comes last, because an entry becomes only one that stands.
async fn merge(conn: &mut PgConnection, mut waiting: Vec<(usize, Uuid, Uuid)>) -> Result<(), CaseError> {
    while !waiting.is_empty() {
        let targets: Vec<Uuid> = waiting.iter().map(|(_, _, into)| *into).collect();
        let (now, later): (Vec<_>, Vec<_>) = waiting.iter().copied().partition(|(_, id, _)| !targets.contains(id));
        if now.is_empty() {
            return Err(wrong(waiting[0].0, "merged_into", "", "the entries of this file are merged in a circle"));
        }
        for (at, id, into) in now {
            let fits = match (store::load(&mut *conn, id).await?, store::load(&mut *conn, into).await?) {
                (Some(one), Some(other)) => super::may_merge(&one, &other).map_err(|why| why.to_string()),
                _ => Err("expected the id of an entry".to_owned()),
            };
            fits.map_err(|why| wrong(at, "merged_into", &into.to_string(), why))?;
            store::restore_merged(&mut *conn, id, into).await?;
        }
        waiting = later;
    }
    Ok(())
}
