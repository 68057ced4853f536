//! `sentinela user add|list|revoke`

use std::io::{BufRead, IsTerminal};

use anyhow::{Context, bail};

use crate::accounts::{Role, Roles, password, store};
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
        /// One or more: viewer, field_agent, operator, approver, coordinator, administrator, auditor, privacy_officer, or a
        /// module of the secretariat
        #[arg(long = "role", required = true, value_delimiter = ',')]
        roles: Vec<Role>,
    },
    /// List the people
    List,
    /// Shut a person out: no sign-in, sessions and tokens end
    Revoke { username: String },
}

pub async fn run(config: Config, action: Action) -> anyhow::Result<()> {
    // Before the database, which may take a while to start.
    let password = match &action {
        Action::Add { username, .. } => Some(read_password(username)?),
        _ => None,
    };
    let session = Session::open(config).await?;
    let outcome = match action {
        Action::Add { username, name, roles } => {
            add(&session, &username, &name, &Roles::new(roles), &password.unwrap_or_default()).await
        }
        Action::List => list(&session).await,
        Action::Revoke { username } => revoke(&session, &username).await,
    };
    session.close(outcome).await
}

async fn add(session: &Session, username: &str, name: &str, roles: &Roles, plain: &str) -> anyhow::Result<()> {
    let hash = password::hash(&session.ids, plain).await.map_err(|error| Usage(error.to_string()))?;
    let mut tx = session.begin().await?;
    store::upsert_member(&mut tx, &session.ids, session.clock.now(), username, name, roles, &hash).await?;
    tx.commit().await?;
    println!("{username} ({name}) may sign in as {roles}");
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

async fn revoke(session: &Session, username: &str) -> anyhow::Result<()> {
    let mut tx = session.begin().await?;
    if !store::disable(&mut tx, session.clock.now(), username).await? {
        bail!("there is no active user {username:?}");
    }
    tx.commit().await?;
    println!("{username} is shut out from now on");
    Ok(())
}

fn read_password(username: &str) -> anyhow::Result<String> {
    let shape = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    let good =
        (2..=64).contains(&username.len()) && username.bytes().all(shape) && !username.starts_with(['.', '_', '-']);
    if !good {
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
