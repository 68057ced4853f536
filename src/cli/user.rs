//! `sentinela user add|list|revoke|enable|reset-second-factor`

use std::io::{BufRead, IsTerminal};

use anyhow::{Context, bail};
use serde_json::json;

use crate::accounts::store::{self, doors, factors, people, sessions};
use crate::accounts::{Role, Roles, manage, password};
use crate::audit::{self, Act, Actor, Entry};
use crate::catalogue::normal_phone;
use crate::cli::{Session, Usage, table};
use crate::config::Config;

/// Where a password may come from when nobody types it.
const PASSWORD_VARIABLE: &str = "SENTINELA_PASSWORD";

#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Add a person, or change name, roles and password of one who is there.
    /// The password is read from SENTINELA_PASSWORD, else from the first line of standard input
    Add {
        /// Small letters, digits, `.`, `_`, `-`
        username: String,
        /// The name shown in the console and in the history of alerts
        #[arg(long)]
        name: String,
        /// One or more: viewer, field_agent, operator, approver, coordinator, administrator, auditor, privacy_officer, department,
        /// or a module of the secretariat
        #[arg(long = "role", required = true, value_delimiter = ',')]
        roles: Vec<Role>,
        /// Where a link for a new password and news about the account go
        #[arg(long)]
        email: Option<String>,
        /// A telephone that takes SMS, where they are paged while an alert waits for an answer
        #[arg(long)]
        phone: Option<String>,
    },
    /// List the people
    List,
    /// Shut a person out: no sign-in, sessions and tokens end
    Revoke {
        username: String,
        /// Why, for the audit
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Let a person in again who was shut out
    Enable {
        username: String,
        /// Why, for the audit
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Take the second factor of a person who lost theirs; they set up a new one at the next sign-in
    ResetSecondFactor {
        username: String,
        /// Why, for the audit
        #[arg(long)]
        reason: String,
    },
}

pub async fn run(config: Config, action: Action) -> anyhow::Result<()> {
    // Before the database, which may take a while to start.
    let password = match &action {
        Action::Add { username, .. } => Some(read_password(username)?),
        _ => None,
    };
    let session = Session::open(config).await?;
    let outcome = match action {
        Action::Add { username, name, roles, email, phone } => {
            let roles = Roles::new(roles);
            let (email, phone) = (email.as_deref(), phone.as_deref());
            let new = Wanted { username: &username, name: &name, roles: &roles, email, phone };
            add(&session, &new, &password.unwrap_or_default()).await
        }
        Action::List => list(&session).await,
        Action::Revoke { username, reason } => revoke(&session, &username, &reason).await,
        Action::Enable { username, reason } => enable(&session, &username, &reason).await,
        Action::ResetSecondFactor { username, reason } => reset_factor(&session, &username, &reason).await,
    };
    session.close(outcome).await
}

struct Wanted<'a> {
    username: &'a str,
    name: &'a str,
    roles: &'a Roles,
    email: Option<&'a str>,
    phone: Option<&'a str>,
}

async fn add(session: &Session, new: &Wanted<'_>, plain: &str) -> anyhow::Result<()> {
    let names = [new.username, new.name, new.email.unwrap_or_default()];
    password::check(plain, &names).map_err(|error| Usage(error.to_string()))?;
    if let Some(email) = new.email.filter(|email| !manage::is_email(email)) {
        bail!(Usage(format!("{email:?} is no e-mail address")));
    }
    let phone = new.phone.map(normal_phone).transpose();
    let phone = phone.map_err(|why| Usage(format!("{:?} {why}", new.phone.unwrap_or_default())))?;
    let hash = password::hash(&session.ids, plain).await.map_err(|error| Usage(error.to_string()))?;
    let now = session.clock.now();
    let mut tx = session.begin().await?;
    people::lock(&mut tx).await?;
    let before = people::person(&mut tx, now, new.username).await?;
    if let Some(before) = &before
        && !new.roles.has(Role::Administrator)
    {
        manage::keep_an_administrator(&mut tx, before).await?;
    }
    let id = store::upsert_member(&mut tx, &session.ids, now, new.username, new.name, new.roles, &hash).await?;
    // A password that another has set: whoever was in is out.
    sessions::end_all(&mut tx, id, None).await?;
    doors::end_links(&mut tx, now, id).await?;
    if let Some(email) = new.email
        && !people::set_email(&mut tx, id, email).await?
    {
        bail!("somebody else has this e-mail address");
    }
    if let Some(phone) = &phone {
        people::set_phone(&mut tx, id, Some(phone)).await?;
    }
    let mut entry = Entry::new(Act::StaffAdd, "staff", new.username);
    if let Some(before) = before {
        entry = entry.from(json!({ "roles": before.roles.words(), "active": before.disabled_at.is_none() }));
    }
    let entry = entry.to(json!({ "roles": new.roles.words(), "active": true }));
    audit::record(&mut tx, &session.ids, now, &Actor::command(), entry).await?;
    tx.commit().await?;
    println!("{} ({}) may sign in as {}", new.username, new.name, new.roles);
    Ok(())
}

async fn list(session: &Session) -> anyhow::Result<()> {
    let mut conn = session.pool.acquire().await?;
    let rows: Vec<Vec<String>> = store::members(&mut conn)
        .await?
        .into_iter()
        .map(|member| {
            let state = if member.disabled_at.is_some() { "shut out" } else { "active" };
            vec![member.username, member.roles.to_string(), state.to_owned(), member.name]
        })
        .collect();
    table::print(&["USER", "ROLES", "STATE", "NAME"], &rows);
    Ok(())
}

async fn revoke(session: &Session, username: &str, reason: &str) -> anyhow::Result<()> {
    let now = session.clock.now();
    let mut tx = session.begin().await?;
    people::lock(&mut tx).await?;
    let person = people::person(&mut tx, now, username).await?.filter(|person| person.disabled_at.is_none());
    let Some(person) = person else { bail!("there is no active user {username:?}") };
    manage::keep_an_administrator(&mut tx, &person).await?;
    store::disable(&mut tx, now, username).await?;
    doors::forget_browsers(&mut tx, person.id).await?;
    let entry = Entry::new(Act::StaffDisable, "staff", username)
        .because(&manage::reason(reason))
        .from(json!({ "roles": person.roles.words(), "active": true }))
        .to(json!({ "roles": person.roles.words(), "active": false }));
    audit::record(&mut tx, &session.ids, now, &Actor::command(), entry).await?;
    tx.commit().await?;
    println!("{username} is shut out from now on");
    Ok(())
}

async fn enable(session: &Session, username: &str, reason: &str) -> anyhow::Result<()> {
    let now = session.clock.now();
    let mut tx = session.begin().await?;
    let person = people::person(&mut tx, now, username).await?;
    let Some(person) = person else { bail!("there is no user {username:?}") };
    if !people::enable(&mut tx, person.id).await? {
        bail!("{username} is not shut out");
    }
    let entry = Entry::new(Act::StaffEnable, "staff", username)
        .because(&manage::reason(reason))
        .from(json!({ "roles": person.roles.words(), "active": false }))
        .to(json!({ "roles": person.roles.words(), "active": true }));
    audit::record(&mut tx, &session.ids, now, &Actor::command(), entry).await?;
    tx.commit().await?;
    println!("{username} may sign in again");
    Ok(())
}

async fn reset_factor(session: &Session, username: &str, reason: &str) -> anyhow::Result<()> {
    let now = session.clock.now();
    let mut tx = session.begin().await?;
    let person = people::person(&mut tx, now, username).await?;
    let Some(person) = person else { bail!("there is no user {username:?}") };
    if !factors::remove_factor(&mut tx, person.id).await? {
        bail!("{username} has no second factor");
    }
    sessions::end_all(&mut tx, person.id, None).await?;
    let entry = Entry::new(Act::SecondFactorReset, "staff", username).because(&manage::reason(reason));
    audit::record(&mut tx, &session.ids, now, &Actor::command(), entry).await?;
    tx.commit().await?;
    println!("{username} sets up a new second factor at the next sign-in");
    Ok(())
}

fn read_password(username: &str) -> anyhow::Result<String> {
    if !manage::is_username(username) {
        bail!(Usage(format!(
            "{username:?} is not a user name: 2 to 64 small letters, digits and `._-`, beginning with a letter or digit"
        )));
    }
    if let Ok(password) = std::env::var(PASSWORD_VARIABLE) {
        return Ok(password);
    }
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        eprint!("password for {username} (it will be seen): ");
    }
    let mut line = String::new();
    stdin.lock().read_line(&mut line).context("the password cannot be read from standard input")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
