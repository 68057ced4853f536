//! People named in notes with `@name`: they are told by e-mail, else by SMS, and find a mark on their console until they have looked.
//! What the note says stays in the console.

pub mod store;

use sqlx::PgConnection;
use uuid::Uuid;

use crate::accounts::{Permission, Roles};
use crate::alerts::escalation;
use crate::clock::Instant;
use crate::dispatch::content;
use crate::dispatch::notices::{self, MENTION, Notice};
use crate::dispatch::provider::Channel;
use crate::i18n::Lang;
use crate::ids::{Ids, IncidentId};

pub use store::Mention;

/// Names that one note may call.
pub const MOST: usize = 20;
/// After this a call is no news; the mark stays.
const GOOD_FOR: chrono::TimeDelta = chrono::TimeDelta::hours(12);

/// The line that names somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    Incident { entry: i64, id: IncidentId, number: &'a str },
    Occurrence { event: i64, id: Uuid, number: &'a str },
}

impl Place<'_> {
    /// Where it stands in the console.
    pub fn path(&self) -> String {
        match self {
            Self::Incident { id, .. } => format!("/console/incidents/{id}"),
            Self::Occurrence { id, .. } => format!("/console/reports/{id}"),
        }
    }

    const fn number(&self) -> &str {
        match self {
            Self::Incident { number, .. } | Self::Occurrence { number, .. } => number,
        }
    }
}

/// The user names that a note calls, each once, in their order. Pure. An `@` inside a word is an e-mail address.
pub fn names(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut before = ' ';
    for (at, letter) in text.char_indices() {
        let begins = letter == '@' && !before.is_alphanumeric() && !"._-@".contains(before);
        before = letter;
        if !begins {
            continue;
        }
        let rest = &text[at + 1..];
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c))).unwrap_or(rest.len());
        let name = rest[..end].trim_end_matches(['.', '-', '_']).to_lowercase();
        if (2..=64).contains(&name.len()) && found.len() < MOST && !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

/// Tells whoever is named, in the transaction of the note. Names of nobody, and of people who may not see the console, are words. Returns
/// who was told.
///
/// # Errors
/// What the database says.
pub async fn tell(
    conn: &mut PgConnection,
    (ids, now): (&Ids, Instant),
    (actor, base): (&str, &str),
    place: Place<'_>,
    text: &str,
) -> sqlx::Result<Vec<String>> {
    let called = names(text);
    if called.is_empty() {
        return Ok(called);
    }
    let is_drill = match place {
        Place::Incident { id, .. } => super::store::is_drill(&mut *conn, id).await?,
        Place::Occurrence { .. } => false,
    };
    let status = if is_drill { "exercise" } else { "actual" };
    let people = escalation::store::people(&mut *conn).await?;
    let mut told = Vec::new();
    for person in people.iter().filter(|person| called.contains(&person.username) && person.username != actor) {
        if !person.roles.iter().any(|role| Roles::from(*role).permissions().allow(Permission::SeeConsole)) {
            continue;
        }
        if !store::add(&mut *conn, ids.uuid(now), person.id, (now, actor), place).await? {
            continue;
        }
        told.push(person.username.clone());
        let to = match (&person.email, &person.phone) {
            (Some(email), _) => (Channel::Email, email.as_str()),
            (None, Some(phone)) => (Channel::Sms, phone.as_str()),
            (None, None) => continue,
        };
        let lang = Lang::from_tag(&person.language).unwrap_or_default();
        let subject = lang.t2("mention-subject", "who", actor, "number", place.number());
        let subject = content::marked(status, &subject);
        let body = format!("{subject}\n\n{base}{}", place.path());
        let body = if to.0 == Channel::Sms { format!("{subject} {base}{}", place.path()) } else { body };
        let notice = Notice {
            channel: to.0,
            address: to.1,
            subject: &subject,
            body: &body,
            expires_at: now + GOOD_FOR,
            purpose: MENTION,
        };
        notices::queue(&mut *conn, ids, now, &notice).await?;
    }
    Ok(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_out_of_a_note_and_addresses_are_no_names() {
        assert_eq!(names("@ana e @bia.souza, vejam isto. @Ana?"), ["ana", "bia.souza"]);
        assert_eq!(names("falar com @joao-2."), ["joao-2"]);
        assert!(names("mande a ana@exemplo.invalid ou a@@b, 5 @ 10, @x").is_empty());
        assert_eq!(names(&"@ab1 @ab2 ".repeat(30)).len(), 2);
    }
}
