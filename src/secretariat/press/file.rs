//! Outlets as a file that is read back to the same bytes: who gets releases in one place gets them in another.

use std::collections::BTreeSet;

use chrono::Datelike as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{MOST, NewOutlet, Outlet, checked, store, works_here, wrong};
use crate::audit::{self, Act, Entry};
use crate::refused::Refused;
use crate::secretariat::kernel::desk::{CaseError, Desk};
use crate::secretariat::kernel::registry::links;
use crate::web::error::FieldError;

/// What the file says first.
pub const FORMAT: &str = "sentinela-outlets/1";

/// The list as it stands; not whom it had before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = PressOutletFile)]
#[serde(deny_unknown_fields)]
pub struct File {
    pub format: String,
    /// By name and id.
    #[schema(max_items = 2000)]
    pub outlets: Vec<Outlet>,
}

/// What was taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = PressOutletsTaken)]
pub struct Taken {
    pub added: usize,
    /// Were here already, the same.
    pub unchanged: usize,
}

impl File {
    pub fn of(mut outlets: Vec<Outlet>) -> Self {
        outlets.sort_by(|one, other| (&one.name, one.id).cmp(&(&other.name, other.id)));
        Self { format: FORMAT.into(), outlets }
    }

    /// The bytes of the file, the same for the same list.
    ///
    /// # Errors
    /// None for what this type holds.
    pub fn write(&self) -> serde_json::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// Everything that is wrong with it.
    pub fn problems(&self) -> Vec<FieldError> {
        let mut problems = Vec::new();
        if self.format != FORMAT {
            problems.push(wrong("format", &self.format, format!("expected {FORMAT}")));
        }
        let (mut ids, mut addresses) = (BTreeSet::new(), BTreeSet::new());
        for (at, one) in self.outlets.iter().enumerate() {
            let place = |field: &str| format!("outlets[{at}].{field}");
            let tags = one.tags.join(",");
            let new = NewOutlet { name: &one.name, contact: &one.contact, email: &one.email, tags: &tags };
            match checked(&new) {
                Err(faults) => {
                    problems.extend(faults.into_iter().map(|fault| FieldError { field: place(&fault.field), ..fault }));
                }
                Ok(kept) => {
                    let is_kept = [&one.name, &one.contact, &one.email].iter().all(|text| text.trim() == text.as_str());
                    if !is_kept || kept != one.tags {
                        problems.push(wrong(&format!("outlets[{at}]"), &one.name, "expected it as it is kept"));
                    }
                }
            }
            if !ids.insert(one.id) || !addresses.insert(one.email.to_lowercase()) {
                problems.push(wrong(&place("email"), &one.email, "stands in the file twice, or its id does"));
            }
        }
        problems
    }
}

/// The list, and that somebody took it out.
///
/// # Errors
/// `Forbidden`; the database's.
pub async fn take_out(conn: &mut PgConnection, desk: Desk<'_>) -> Result<File, CaseError> {
    let (by, file) = (desk.by, File::of(super::outlets(&mut *conn, desk).await?));
    let entry = Entry::new(Act::CaseExport, "press_outlet", "file").to(json!({ "outlets": file.outlets.len() }));
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(file)
}

/// Adds the outlets of a file, all or none. One that left the list here is forgotten and does not come back by a file.
///
/// # Errors
/// `Wrong` with every field; `Forbidden`; `Conflict` naming the outlet that is here and differs, or left.
pub async fn take_in(conn: &mut PgConnection, desk: Desk<'_>, file: &File) -> Result<Taken, CaseError> {
    works_here(desk)?;
    let problems = file.problems();
    if !problems.is_empty() {
        return Err(CaseError::Wrong(problems));
    }
    let (by, known) = (desk.by, store::held(&mut *conn).await?);
    if let Some(one) = file.outlets.iter().find(|one| one.added_at > by.now || one.added_at.year() < 1900) {
        let when = one.added_at.to_string();
        return Err(CaseError::Wrong(vec![wrong("added_at", &when, "expected an instant that has been")]));
    }
    let ids: Vec<Uuid> = file.outlets.iter().map(|one| one.id).collect();
    let left = store::left(&mut *conn, &ids).await?;
    let fresh: Vec<&Outlet> = file.outlets.iter().filter(|one| !known.contains(one)).collect();
    for one in &fresh {
        if left.contains(&one.id) {
            let why = format!("{} left the list here, and is added by hand if it comes back", one.name);
            return Err(Refused::Conflict(why).into());
        }
        let is_its = |other: &&Outlet| other.id == one.id || other.email.eq_ignore_ascii_case(&one.email);
        if let Some(other) = known.iter().find(is_its) {
            return Err(Refused::Conflict(format!("{} is on the list here and differs", other.name)).into());
        }
    }
    if (known.len() + fresh.len()) as i64 > MOST {
        return Err(Refused::Conflict(format!("the list would have more than {MOST} outlets")).into());
    }
    for one in &fresh {
        store::insert(&mut *conn, one, &by.actor.name).await?;
        links::of_outlet(&mut *conn, by, one.id, &one.name).await?;
    }
    let taken = Taken { added: fresh.len(), unchanged: file.outlets.len() - fresh.len() };
    let after = json!({ "added": taken.added, "unchanged": taken.unchanged });
    audit::record(conn, by.ids, by.now, by.actor, Entry::new(Act::CaseImport, "press_outlet", "file").to(after))
        .await?;
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outlet(id: u128, name: &str, email: &str) -> Outlet {
        Outlet {
            id: Uuid::from_u128(id),
            name: name.into(),
            contact: "Redação".into(),
            email: email.into(),
            tags: vec!["chuva".into(), "obras".into()],
            added_at: "2026-02-23T12:00:00Z".parse().unwrap(),
        }
    }

    #[test]
    fn a_list_reads_back_to_the_same_bytes_in_one_order() {
        let file = File::of(vec![outlet(2, "Rádio", "r@exemplo.invalid"), outlet(1, "Jornal", "j@exemplo.invalid")]);
        assert_eq!(file.problems(), []);
        let text = file.write().unwrap();
        let read: File = serde_json::from_str(&text).unwrap();
        assert_eq!((read.outlets[0].name.as_str(), read.write().unwrap()), ("Jornal", text));
    }

    #[test]
    fn what_could_not_stand_on_the_list_is_told_with_its_place() {
        let twice = outlet(3, "Outra", "R@exemplo.invalid");
        let mut untidy = outlet(4, "TV ", "tv@exemplo.invalid");
        let told = |outlets: Vec<Outlet>| {
            let file = File { format: FORMAT.into(), outlets };
            file.problems().into_iter().map(|one| one.field).collect::<Vec<_>>()
        };
        assert_eq!(told(vec![outlet(2, "Rádio", "r@exemplo.invalid"), twice]), ["outlets[1].email"]);
        assert_eq!(told(vec![untidy.clone()]), ["outlets[0]"]);
        untidy.email = "nenhum".into();
        assert_eq!(told(vec![untidy]), ["outlets[0].email"]);
        assert_eq!(File { format: "outra".into(), outlets: Vec::new() }.problems()[0].field, "format");
    }
}
