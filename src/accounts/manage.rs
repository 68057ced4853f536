//! What may be done to the people who work here, by whom, and what must never happen: nobody changes what they themselves
//! may, and there is always somebody left who can administer. Console, API and command line all come through here.

use serde_json::{Value, json};
use sqlx::PgConnection;

use super::mail::{self, Event};
use super::store::doors::{self, LinkKind};
use super::store::people::{self, NewPerson, Person};
use super::store::{self, factors, sessions};
use super::{Role, Roles};
use crate::app::App;
use crate::audit::{self, Act, Actor, Entry};
use crate::catalogue::normal_phone;
use crate::ids::StaffId;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("there is no {0}")]
    NotFound(String),
    #[error("nobody may do this to their own account; ask another administrator")]
    Oneself,
    #[error("{0} is the last who can administer; make somebody else an administrator first")]
    LastAdministrator(String),
    #[error("user name or e-mail address are taken")]
    Taken,
    #[error("{0}")]
    State(&'static str),
    #[error("{field}: {message}")]
    Field { field: &'static str, message: &'static str },
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Who is invited.
#[derive(Clone, Debug)]
pub struct Invitation {
    pub name: String,
    pub email: String,
    /// Made from the name when empty.
    pub username: String,
    pub roles: Vec<Role>,
}

/// What an invited person needs.
#[derive(Clone, Debug)]
pub struct Invited {
    pub username: String,
    /// Told to the inviter only when no letter could be sent.
    pub link: Option<String>,
}

/// True for what can be a user name.
pub fn is_username(text: &str) -> bool {
    let shape = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    (2..=64).contains(&text.len()) && text.bytes().all(shape) && !text.starts_with(['.', '_', '-'])
}

/// True for what is shaped like an e-mail address and breaks no header.
pub fn is_email(text: &str) -> bool {
    text.len() <= 254 && text.parse::<lettre::Address>().is_ok()
}

/// True for what can be somebody's name.
pub fn is_name(text: &str) -> bool {
    (1..=120).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

/// A reason as it is kept: one line of at most 500 characters.
pub fn reason(text: &str) -> String {
    text.trim().chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(500).collect()
}

/// "João da Silva" → "joao.silva".
pub fn username_from(name: &str) -> String {
    let plain: String = name.to_lowercase().chars().map(without_accent).collect();
    let mut words = plain.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let first = words.next().unwrap_or_default();
    let last = words.next_back().map(|word| format!(".{word}")).unwrap_or_default();
    format!("{first}{last}").chars().take(60).collect()
}

const fn without_accent(letter: char) -> char {
    match letter {
        'á' | 'à' | 'â' | 'ã' | 'ä' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'õ' | 'ö' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ç' => 'c',
        'ñ' => 'n',
        other => other,
    }
}

async fn record(conn: &mut PgConnection, app: &App, by: &Actor, entry: Entry) -> sqlx::Result<()> {
    audit::record(conn, &app.ids, app.clock.now(), by, entry).await
}

fn state(person: &Person) -> Value {
    json!({ "roles": person.roles.words(), "active": person.disabled_at.is_none() })
}

async fn existing(conn: &mut PgConnection, app: &App, username: &str) -> Result<Person, Refusal> {
    // What cannot be a name is not looked for: PostgreSQL refuses some texts outright.
    let person = if is_username(username) { people::person(conn, app.clock.now(), username).await? } else { None };
    person.ok_or_else(|| Refusal::NotFound(format!("user {username:?}")))
}

fn not_oneself(by: &Actor, person: &Person) -> Result<(), Refusal> {
    if by.id == Some(person.id.0) { Err(Refusal::Oneself) } else { Ok(()) }
}

/// Invites somebody: an account without a password, and a link to choose one.
///
/// # Errors
/// A field that cannot be, a name or address that is taken.
pub async fn invite(conn: &mut PgConnection, app: &App, by: &Actor, wanted: &Invitation) -> Result<Invited, Refusal> {
    let name = wanted.name.trim();
    if !is_name(name) {
        return Err(Refusal::Field { field: "name", message: "expected 1 to 120 characters, all of them printable" });
    }
    let email = wanted.email.trim();
    if !is_email(email) {
        return Err(Refusal::Field { field: "email", message: "expected an address such as ana@example.org" });
    }
    if wanted.roles.is_empty() {
        return Err(Refusal::Field { field: "roles", message: "expected at least one" });
    }
    let given = wanted.username.trim().to_lowercase();
    let username = if given.is_empty() { username_from(name) } else { given };
    if !is_username(&username) {
        let message = "expected 2 to 64 small letters, digits and `._-`, beginning with a letter or digit";
        return Err(Refusal::Field { field: "username", message });
    }
    people::lock(&mut *conn).await?;
    let roles = Roles::new(wanted.roles.iter().copied());
    let new = NewPerson { username: &username, name, email: Some(email), roles: &roles, password_hash: None };
    if people::add(&mut *conn, &app.ids, app.clock.now(), new).await?.is_none() {
        return Err(Refusal::Taken);
    }
    let person = existing(&mut *conn, app, &username).await?;
    let entry = Entry::new(Act::StaffInvite, "staff", &username).to(state(&person));
    record(&mut *conn, app, by, entry).await?;
    let link = send_invitation(conn, app, &person).await?;
    Ok(Invited { username, link })
}

async fn send_invitation(conn: &mut PgConnection, app: &App, person: &Person) -> sqlx::Result<Option<String>> {
    let token = doors::make_link(&mut *conn, &app.ids, app.clock.now(), LinkKind::Invitation, Some(person.id)).await?;
    let sent = mail::send_link(conn, app, person, LinkKind::Invitation, &token).await?;
    Ok((!sent).then(|| mail::link(&app.config, LinkKind::Invitation, &token)))
}

/// Sends a new invitation; the earlier one stops working.
///
/// # Errors
/// Nobody of this name, or somebody who has accepted already.
pub async fn resend(conn: &mut PgConnection, app: &App, by: &Actor, username: &str) -> Result<Invited, Refusal> {
    people::lock(&mut *conn).await?;
    let person = existing(&mut *conn, app, username).await?;
    if person.has_password || person.disabled_at.is_some() {
        return Err(Refusal::State("this person has accepted already, or is shut out"));
    }
    let entry = Entry::new(Act::StaffInvite, "staff", username).because("resent");
    record(&mut *conn, app, by, entry).await?;
    let link = send_invitation(conn, app, &person).await?;
    Ok(Invited { username: person.username, link })
}

/// Gives a person other roles. Their open sessions follow at their next request.
///
/// # Errors
/// One's own account, the last administrator, no role at all.
pub async fn change_roles(
    conn: &mut PgConnection,
    app: &App,
    by: &Actor,
    username: &str,
    (roles, reason): (&Roles, &str),
) -> Result<(), Refusal> {
    people::lock(&mut *conn).await?;
    let person = existing(&mut *conn, app, username).await?;
    not_oneself(by, &person)?;
    if roles.as_slice().is_empty() {
        return Err(Refusal::Field { field: "roles", message: "expected at least one" });
    }
    if !roles.has(Role::Administrator) {
        keep_an_administrator(&mut *conn, &person).await?;
    }
    people::set_roles(&mut *conn, person.id, roles).await?;
    let after = json!({ "roles": roles.words(), "active": person.disabled_at.is_none() });
    let entry =
        Entry::new(Act::StaffRoles, "staff", username).because(&self::reason(reason)).from(state(&person)).to(after);
    record(conn, app, by, entry).await?;
    Ok(())
}

/// Refuses what would leave nobody who can administer.
///
/// # Errors
/// `LastAdministrator`.
pub async fn keep_an_administrator(conn: &mut PgConnection, person: &Person) -> Result<(), Refusal> {
    let counts = person.roles.has(Role::Administrator) && person.disabled_at.is_none() && person.has_password;
    if counts && !people::other_administrators(conn, person.id).await? {
        return Err(Refusal::LastAdministrator(person.username.clone()));
    }
    Ok(())
}

/// Shuts a person out: no sign-in, sessions, tokens and links end.
///
/// # Errors
/// One's own account, the last administrator, somebody who is shut out already.
pub async fn disable(
    conn: &mut PgConnection,
    app: &App,
    by: &Actor,
    username: &str,
    reason: &str,
) -> Result<(), Refusal> {
    people::lock(&mut *conn).await?;
    let person = existing(&mut *conn, app, username).await?;
    not_oneself(by, &person)?;
    keep_an_administrator(&mut *conn, &person).await?;
    if !store::disable(&mut *conn, app.clock.now(), username).await? {
        return Err(Refusal::State("this person is shut out already"));
    }
    doors::forget_browsers(&mut *conn, person.id).await?;
    let after = json!({ "roles": person.roles.words(), "active": false });
    let entry =
        Entry::new(Act::StaffDisable, "staff", username).because(&self::reason(reason)).from(state(&person)).to(after);
    record(conn, app, by, entry).await?;
    Ok(())
}

/// Lets a person in again. Their tokens stay revoked.
///
/// # Errors
/// Somebody who is not shut out.
pub async fn enable(
    conn: &mut PgConnection,
    app: &App,
    by: &Actor,
    username: &str,
    reason: &str,
) -> Result<(), Refusal> {
    people::lock(&mut *conn).await?;
    let person = existing(&mut *conn, app, username).await?;
    not_oneself(by, &person)?;
    if !people::enable(&mut *conn, person.id).await? {
        return Err(Refusal::State("this person is not shut out"));
    }
    let after = json!({ "roles": person.roles.words(), "active": true });
    let entry =
        Entry::new(Act::StaffEnable, "staff", username).because(&self::reason(reason)).from(state(&person)).to(after);
    record(conn, app, by, entry).await?;
    Ok(())
}

/// Says where somebody is paged: themselves, or whoever manages staff. An empty text takes the number away. The audit says that it
/// changed, and not to what.
///
/// # Errors
/// Nobody of this name; a number that takes no SMS.
pub async fn change_phone(
    conn: &mut PgConnection,
    app: &App,
    by: &Actor,
    username: &str,
    written: &str,
) -> Result<(), Refusal> {
    let person = existing(&mut *conn, app, username).await?;
    let phone = match written.trim() {
        "" => None,
        written => Some(normal_phone(written).map_err(|_| Refusal::Field {
            field: "phone",
            message: "expected a number that takes SMS, such as (32) 99999-0000 or +5532999990000",
        })?),
    };
    people::set_phone(&mut *conn, person.id, phone.as_deref()).await?;
    let entry = Entry::new(Act::StaffPhone, "staff", username);
    let entry = entry.from(json!({ "has_phone": person.phone.is_some() })).to(json!({ "has_phone": phone.is_some() }));
    record(conn, app, by, entry).await?;
    Ok(())
}

/// Takes the second factor of somebody who lost theirs. They are told, and their sessions end.
///
/// # Errors
/// One's own account, no reason given, somebody who has none.
pub async fn reset_factor(
    conn: &mut PgConnection,
    app: &App,
    by: &Actor,
    username: &str,
    reason: &str,
) -> Result<(), Refusal> {
    if reason.trim().is_empty() {
        return Err(Refusal::Field { field: "reason", message: "expected a reason" });
    }
    let person = existing(&mut *conn, app, username).await?;
    not_oneself(by, &person)?;
    if !factors::remove_factor(&mut *conn, person.id).await? {
        return Err(Refusal::State("this person has no second factor"));
    }
    sessions::end_all(&mut *conn, person.id, None).await?;
    let entry = Entry::new(Act::SecondFactorReset, "staff", username).because(&self::reason(reason));
    record(&mut *conn, app, by, entry).await?;
    mail::tell(conn, app, &person, Event::FactorReset).await?;
    Ok(())
}

/// A password that a person chose themselves takes the place of the old one: every session but `keep` ends, known browsers
/// are forgotten, links stop working.
///
/// # Errors
/// What the database says.
pub async fn replace_password(
    conn: &mut PgConnection,
    app: &App,
    id: StaffId,
    hash: &str,
    keep: Option<uuid::Uuid>,
) -> sqlx::Result<()> {
    people::set_password(&mut *conn, app.clock.now(), id, hash).await?;
    sessions::end_all(&mut *conn, id, keep).await?;
    doors::end_links(&mut *conn, app.clock.now(), id).await?;
    doors::forget_browsers(conn, id).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_name_is_made_of_first_and_last_name() {
        assert_eq!(username_from("João da Conceição"), "joao.conceicao");
        assert_eq!(username_from("  Ana "), "ana");
        assert!(is_username(&username_from("Maria D'Ávila")));
    }

    #[test]
    fn an_address_that_breaks_a_header_is_none() {
        assert!(is_email("ana@example.org"));
        for bad in ["ana", "ana@", "a b@example.org", "ana@example.org\r\nBcc: x@y.z", ""] {
            assert!(!is_email(bad), "{bad:?}");
        }
    }
}
