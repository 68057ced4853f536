//! Acts on resources, each in the caller's transaction with its audit.

use chrono::TimeDelta;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::store;
use super::{Class, Condition, NewResource, Resource};
use crate::accounts::tokens::desk::Acting;
use crate::audit::{self, Act, Entry};
use crate::clock::Instant;
use crate::refused::Refused;

/// Letters of a reason.
pub const MOST_REASON: usize = 500;
/// Resources that belong to one team, at most.
pub const MOST_MEMBERS: i64 = 40;
const LONGEST_SHIFT: TimeDelta = TimeDelta::days(31);

/// A reason as it was typed.
///
/// # Errors
/// When it is longer than 500 letters.
pub fn reason(text: &str) -> Result<&str, Refused> {
    let text = text.trim();
    if text.chars().count() > MOST_REASON {
        return Err(Refused::wrong("reason", &text[..0], format!("expected at most {MOST_REASON} characters")));
    }
    Ok(text)
}

/// # Errors
/// The field that is wrong.
pub fn checked(new: &NewResource) -> Result<(), Refused> {
    if !crate::stations::is_code(&new.code) {
        return Err(Refused::wrong("code", &new.code, "expected 1 to 64 letters, digits, `_`, `.`, `:` or `-`"));
    }
    if new.name.trim().is_empty() || new.name.chars().count() > 120 {
        return Err(Refused::wrong("name", &new.name, "expected 1 to 120 characters"));
    }
    if new.typing.is_some_and(|typing| !(1..=4).contains(&typing)) {
        return Err(Refused::wrong("typing", new.typing.unwrap_or_default(), "expected 1 to 4, 1 the most able"));
    }
    if new.base.chars().count() > 200 {
        return Err(Refused::wrong("base", &new.base, "expected at most 200 characters"));
    }
    if !new.phone.is_empty() && !is_phone(&new.phone) {
        return Err(Refused::wrong("phone", &new.phone, "expected a number such as +5532999990001"));
    }
    if new.kind.class() != Class::Person {
        for (field, given) in [("account", !new.account.is_empty()), ("phone", !new.phone.is_empty())] {
            if given {
                return Err(Refused::wrong(field, "", "only a person has one"));
            }
        }
        if let Some(skill) = new.skills.first() {
            return Err(Refused::wrong("skills", skill, "only persons have skills: a team has those of its members"));
        }
    }
    Ok(())
}

fn is_phone(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or_default();
    (8..=15).contains(&digits.len()) && !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// The resource, held until the transaction ends.
///
/// # Errors
/// When there is none.
pub async fn held(conn: &mut PgConnection, id: Uuid, now: Instant) -> Result<Resource, Refused> {
    store::lock(&mut *conn, &[id]).await?;
    store::load(conn, id, now).await?.ok_or_else(|| Refused::NotFound("resource".into()))
}

/// Writes a resource down, or changes one. Its code and its class stay.
///
/// # Errors
/// The field that is wrong; a conflict when another one has this code or account.
pub async fn save(
    conn: &mut PgConnection,
    by: Acting<'_>,
    id: Option<Uuid>,
    new: &NewResource,
) -> Result<Uuid, Refused> {
    checked(new)?;
    let taken = store::by_code(&mut *conn, &new.code).await?;
    if taken.is_some() && taken != id {
        return Err(code_taken(&new.code));
    }
    if let Some(id) = id {
        let kept = held(&mut *conn, id, by.now).await?;
        if kept.condition == Condition::Retired {
            return Err(Refused::Conflict(format!("{} is retired: bring it back first", kept.what.name)));
        }
        if kept.what.code != new.code {
            return Err(Refused::Conflict(format!("the code of this resource is {}", kept.what.code)));
        }
        if kept.class() != new.kind.class() {
            return Err(Refused::wrong("kind", new.kind, format!("expected a kind of {}", kept.class())));
        }
    }
    let staff = match new.account.as_str() {
        "" => None,
        name => {
            let found = store::account(&mut *conn, name).await?;
            Some(found.ok_or_else(|| Refused::wrong("account", name, "is no account that may sign in"))?)
        }
    };
    if let Some(staff) = staff
        && store::of_account(&mut *conn, staff).await?.is_some_and(|other| Some(other) != id)
    {
        return Err(account_taken(&new.account));
    }
    let id = id.unwrap_or_else(|| by.ids.uuid(by.now));
    store::save(&mut *conn, by.now, (id, staff), new).await.map_err(|error| taken_meanwhile(error, new))?;
    let entry = Entry::new(Act::ResourceSave, "resource", id)
        .to(json!({ "code": new.code, "kind": new.kind, "name": new.name, "skills": new.skills }));
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(id)
}

/// What came of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Brought {
    pub created: u32,
    pub updated: u32,
    pub unchanged: u32,
    /// Codes of those that stay as they are, because they are retired: what was erased of them does not come back by a file.
    pub retired: Vec<String>,
}

/// Takes a list in; the same again changes nothing.
///
/// # Errors
/// The code of the first that is refused, and why.
pub async fn bring(
    conn: &mut PgConnection,
    by: Acting<'_>,
    given: &[NewResource],
) -> Result<Brought, (String, Refused)> {
    let mut brought = Brought::default();
    for new in given {
        let done = bring_one(&mut *conn, by, new, &mut brought).await;
        done.map_err(|why| (new.code.clone(), why))?;
    }
    Ok(brought)
}

async fn bring_one(
    conn: &mut PgConnection,
    by: Acting<'_>,
    new: &NewResource,
    brought: &mut Brought,
) -> Result<(), Refused> {
    let id = store::by_code(&mut *conn, &new.code).await?;
    let kept = match id {
        Some(id) => store::load(&mut *conn, id, by.now).await?,
        None => None,
    };
    match kept {
        Some(kept) if kept.condition == Condition::Retired => {
            brought.unchanged += 1;
            brought.retired.push(new.code.clone());
            return Ok(());
        }
        Some(kept) if kept.what == *new => {
            brought.unchanged += 1;
            return Ok(());
        }
        Some(_) => brought.updated += 1,
        None => brought.created += 1,
    }
    save(conn, by, id, new).await.map(drop)
}

fn code_taken(code: &str) -> Refused {
    Refused::Conflict(format!("there is a resource with the code {code} already"))
}

fn account_taken(account: &str) -> Refused {
    Refused::Conflict(format!("the account {account} belongs to another person already"))
}

/// The indexes refuse whoever came second.
fn taken_meanwhile(error: sqlx::Error, new: &NewResource) -> Refused {
    match error.as_database_error().and_then(|error| error.constraint()) {
        Some("resource_code_unique") => code_taken(&new.code),
        Some("resource_staff_one") => account_taken(&new.account),
        _ => error.into(),
    }
}

/// Takes it out of service, brings it back, or retires it.
///
/// # Errors
/// When the reason is missing, it is bound, it stands so already, or its account is another's by now.
pub async fn condition(
    conn: &mut PgConnection,
    by: Acting<'_>,
    id: Uuid,
    (to, why): (Condition, &str),
) -> Result<(), Refused> {
    let why = reason(why)?;
    let kept = held(&mut *conn, id, by.now).await?;
    if kept.condition == to {
        return Err(Refused::Conflict(format!("{} stands so already", kept.what.name)));
    }
    if to != Condition::InService && why.is_empty() {
        return Err(Refused::wrong("reason", "", "say why"));
    }
    if to == Condition::Retired {
        if let Some(bound) = &kept.bound {
            return Err(Refused::Conflict(format!("it is bound by request {}: release it first", bound.request)));
        }
        store::leave(&mut *conn, (None, Some(id)), (by.now, &by.actor.name)).await?;
        store::leave(&mut *conn, (Some(id), None), (by.now, &by.actor.name)).await?;
    }
    if kept.condition == Condition::Retired
        && let Some(staff) = kept.staff_id
        && store::of_account(&mut *conn, staff).await?.is_some()
    {
        return Err(account_taken(&kept.what.account));
    }
    let done = store::set_condition(&mut *conn, (id, by.now), to, why).await;
    done.map_err(|error| taken_meanwhile(error, &kept.what))?;
    let entry = Entry::new(Act::ResourceCondition, "resource", id).because(why);
    let entry = entry.from(json!({ "condition": kept.condition })).to(json!({ "condition": to }));
    Ok(audit::record(conn, by.ids, by.now, by.actor, entry).await?)
}

/// A team that may be changed: it is none of the retired, and nothing binds it.
async fn team(conn: &mut PgConnection, id: Uuid, now: Instant) -> Result<Resource, Refused> {
    let team = held(conn, id, now).await?;
    if team.class() != Class::Team {
        return Err(Refused::wrong("team", &team.what.code, "is no team"));
    }
    if team.condition == Condition::Retired {
        return Err(Refused::Conflict(format!("{} is retired", team.what.name)));
    }
    match &team.bound {
        Some(bound) => {
            Err(Refused::Conflict(format!("the team is bound by request {}: release it first", bound.request)))
        }
        None => Ok(team),
    }
}

/// Takes something into a team, or makes a member its leader.
///
/// # Errors
/// When it belongs to another team, the team is bound, or a vehicle is to lead.
pub async fn join(
    conn: &mut PgConnection,
    by: Acting<'_>,
    (id, member): (Uuid, Uuid),
    leads: bool,
) -> Result<(), Refused> {
    // Both at once, so that two who exchange members between two teams do not wait for each other.
    store::lock(&mut *conn, &[id, member]).await?;
    let team = team(&mut *conn, id, by.now).await?;
    let one = held(&mut *conn, member, by.now).await?;
    let wrong = |message: &str| Refused::wrong("member", &one.what.code, message);
    match one.class() {
        Class::Team => return Err(wrong("a team does not belong to a team")),
        Class::Vehicle | Class::Equipment if leads => return Err(wrong("only a person leads")),
        _ if one.condition == Condition::Retired => return Err(wrong("is retired")),
        _ => {}
    }
    let when = (by.now, by.actor.name.as_str());
    match one.team {
        Some(other) if other == id && one.leads == leads => {
            return Err(Refused::Conflict(format!("{} stands so already", one.what.name)));
        }
        Some(other) if other == id => {
            store::leave(&mut *conn, (Some(id), Some(member)), when).await?;
        }
        Some(_) => {
            let name = one.team_name.unwrap_or_default();
            return Err(Refused::Conflict(format!("{} belongs to the team {name} already", one.what.name)));
        }
        None if team.members >= MOST_MEMBERS => {
            return Err(Refused::Conflict(format!("the team has {MOST_MEMBERS} members already")));
        }
        None => {}
    }
    store::join(&mut *conn, (id, member), leads, when).await?;
    let entry = Entry::new(Act::TeamChange, "resource", id);
    let entry = entry.to(json!({ "team": team.what.code, "joins": one.what.code, "leads": leads }));
    Ok(audit::record(conn, by.ids, by.now, by.actor, entry).await?)
}

/// Takes something out of a team.
///
/// # Errors
/// When it does not belong to it, or the team is bound.
pub async fn leave(conn: &mut PgConnection, by: Acting<'_>, (id, member): (Uuid, Uuid)) -> Result<(), Refused> {
    let team = team(&mut *conn, id, by.now).await?;
    if store::leave(&mut *conn, (Some(id), Some(member)), (by.now, &by.actor.name)).await? == 0 {
        return Err(Refused::NotFound("member of the team".into()));
    }
    let entry = Entry::new(Act::TeamChange, "resource", id);
    let entry = entry.to(json!({ "team": team.what.code, "leaves": member }));
    Ok(audit::record(conn, by.ids, by.now, by.actor, entry).await?)
}

/// Writes a shift down.
///
/// # Errors
/// When it ends before it begins, is longer than 31 days, or lies beyond a year.
pub async fn add_shift(
    conn: &mut PgConnection,
    by: Acting<'_>,
    id: Uuid,
    (from, until): (Instant, Instant),
) -> Result<(), Refused> {
    let kept = held(&mut *conn, id, by.now).await?;
    if until <= from || until - from > LONGEST_SHIFT {
        return Err(Refused::wrong("until", until.to_rfc3339(), "expected an end after the begin, within 31 days"));
    }
    if (from - by.now).abs() > TimeDelta::days(366) {
        return Err(Refused::wrong("from", from.to_rfc3339(), "expected a begin within a year"));
    }
    store::add_span(&mut *conn, id, (from, until), (by.now, &by.actor.name)).await?;
    let entry = Entry::new(Act::ResourceShift, "resource", id);
    let entry = entry.to(json!({ "code": kept.what.code, "from": from, "until": until }));
    Ok(audit::record(conn, by.ids, by.now, by.actor, entry).await?)
}

/// Takes a shift back.
///
/// # Errors
/// When there is none.
pub async fn withdraw_shift(conn: &mut PgConnection, by: Acting<'_>, id: Uuid, span: i64) -> Result<(), Refused> {
    if !store::withdraw_span(&mut *conn, (id, span), (by.now, &by.actor.name)).await? {
        return Err(Refused::NotFound("shift".into()));
    }
    let entry = Entry::new(Act::ResourceShift, "resource", id).to(json!({ "withdrawn": span }));
    Ok(audit::record(conn, by.ids, by.now, by.actor, entry).await?)
}
