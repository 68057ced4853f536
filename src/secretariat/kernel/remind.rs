//! Reminds people of the secretariat of deadlines that are near, and once more on the last day: whoever works on the case, otherwise whoever
//! works in the module, one message each. Coordinators are told of what nobody there can be told of. What was told stands in the row.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::super::modules;
use super::store::reminders::{self, Due};
use crate::accounts::Role;
use crate::alerts::escalation::{Person, store as staff};
use crate::app::App;
use crate::clock::Instant;
use crate::deadlines::words;
use crate::dispatch::notices::{self, Notice};
use crate::dispatch::provider::Channel;
use crate::events::{Event, notify};
use crate::i18n::Lang;

/// How long a reminder is tried.
const GOOD_FOR: TimeDelta = TimeDelta::hours(24);
const PURPOSE: &str = "secretariat_deadline";

/// Whose module a page below /secretaria/painel is.
fn role_of(link: &str) -> Option<Role> {
    let slug = link.strip_prefix("/secretaria/painel/")?.split('/').next()?;
    modules::find(slug).map(|module| module.role)
}

/// Those who are told of a deadline, each with an address; nobody who is recused from its case.
fn whom<'a>(due: &Due, people: &'a [Person]) -> Vec<&'a Person> {
    let reached = |one: &&Person| one.address(Channel::Email).is_some() && !due.recused.contains(&one.username);
    let owner = people.iter().filter(reached).find(|one| !due.assigned.is_empty() && one.username == due.assigned);
    if let Some(owner) = owner {
        return vec![owner];
    }
    let having = |role: Role| -> Vec<&'a Person> {
        people.iter().filter(reached).filter(|one| one.roles.contains(&role)).collect()
    };
    let here = role_of(&due.link).map(having).unwrap_or_default();
    if here.is_empty() { having(Role::Coordinator) } else { here }
}

/// One look. Gives how many deadlines were told of.
///
/// # Errors
/// What the database says; nothing of it is kept then.
pub async fn round(app: &App, now: Instant) -> sqlx::Result<usize> {
    let today = now.with_timezone(&app.config.municipality.time_zone).date_naive();
    let mut tx = app.db.web.begin().await?;
    let due = reminders::take(&mut tx, today).await?;
    if due.is_empty() {
        return Ok(0);
    }
    let people = staff::people(&mut tx).await?;
    let mut letters: BTreeMap<&str, (&Person, Vec<&Due>)> = BTreeMap::new();
    for one in &due {
        for person in whom(one, &people) {
            letters.entry(&person.username).or_insert_with(|| (person, Vec::new())).1.push(one);
        }
    }
    if letters.is_empty() {
        // Nothing is kept: they are told as soon as somebody can be.
        tracing::warn!(
            deadlines = due.len(),
            "nobody of the secretariat has an e-mail address: nobody is reminded of deadlines"
        );
        return Ok(0);
    }
    for (person, all) in letters.values() {
        let Some(address) = person.address(Channel::Email) else { continue };
        let lang = Lang::from_tag(&person.language).unwrap_or_default();
        let subject = lang.t1("sec-reminder-subject", "n", all.len());
        let base = app.config.public_url();
        let line = |one: &&Due| {
            let key = if one.due_on < today { "deadline-reminder-late" } else { "deadline-reminder" };
            let what = format!("{}: {}", words::name(lang, &one.code), one.title);
            format!("{}\n{base}{}", lang.t2(key, "what", what, "day", one.due_on.format("%d/%m/%Y")), one.link)
        };
        let body = format!("{}\n", all.iter().map(line).collect::<Vec<_>>().join("\n\n"));
        let (channel, expires_at) = (Channel::Email, now + GOOD_FOR);
        let notice = Notice { channel, address, subject: &subject, body: &body, expires_at, purpose: PURPOSE };
        notices::queue(&mut tx, &app.ids, now, &notice).await?;
    }
    notify(&mut tx, &Event::Outbox).await?;
    tx.commit().await?;
    Ok(due.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::StaffId;

    fn person(username: &str, role: Role, email: &str) -> Person {
        let email = Some(email.to_owned()).filter(|email| !email.is_empty());
        let (id, name, language) = (StaffId(uuid::Uuid::nil()), username.to_owned(), "pt-BR".to_owned());
        Person { id, username: username.to_owned(), name, language, roles: vec![role], phone: None, email }
    }

    fn due(link: &str, assigned: &str) -> Due {
        let (code, title) = ("sic.answer".to_owned(), "SIC 2026/001".to_owned());
        let due_on = "2026-03-02".parse().unwrap();
        let recused = vec!["ana".to_owned()];
        Due { code, title, link: link.to_owned(), due_on, assigned: assigned.to_owned(), recused }
    }

    #[test]
    fn the_owner_is_told_then_the_module_then_the_coordinators() {
        let people = [
            person("ana", Role::Sic, "ana@exemplo.invalid"),
            person("bruno", Role::Sic, "bruno@exemplo.invalid"),
            person("bia", Role::Sic, "bia@exemplo.invalid"),
            person("carla", Role::Press, ""),
            person("olga", Role::Coordinator, "olga@exemplo.invalid"),
        ];
        let told = |link: &str, assigned: &str| -> Vec<String> {
            whom(&due(link, assigned), &people).into_iter().map(|one| one.username.clone()).collect()
        };
        assert_eq!(told("/secretaria/painel/acesso-a-informacao/casos/x", "bruno"), ["bruno"]);
        let here = "/secretaria/painel/acesso-a-informacao/casos/x";
        assert_eq!(told(here, ""), ["bruno", "bia"], "not whoever is recused");
        assert_eq!(told(here, "ana"), ["bruno", "bia"], "even when it was theirs");
        assert_eq!(told("/secretaria/painel/imprensa/casos/x", "carla"), ["olga"], "nobody there has an address");
        assert_eq!(told("/secretaria/outro", ""), ["olga"]);
    }
}
