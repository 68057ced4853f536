//! `sentinela token add|list|rotate|revoke`

use anyhow::bail;

use crate::accounts::permission::Permissions;
use crate::accounts::tokens::desk::{self, Acting, TokenError};
use crate::accounts::tokens::{self, GRACE_H, MAX_GRACE_H, store};
use crate::audit::Actor;
use crate::cli::{Session, Usage, table};
use crate::clock::Instant;
use crate::config::Config;

#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Make a token with which a program acts as this person. It is shown once
    Add {
        username: String,
        /// What it is for; a token of the same name is replaced
        #[arg(long)]
        name: String,
        /// Permissions it may use of those its owner has, e.g. see_console,report_field. Without it: all of them but those
        /// that ask people for a second factor, and the owner's account; these must be named
        #[arg(long, value_delimiter = ',')]
        scope: Vec<String>,
        /// Days until it ends
        #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u16).range(1..=3650))]
        days: u16,
    },
    /// List the tokens, with their beginnings, scopes and last uses
    List,
    /// Give a token a new secret, shown once. The old one works until the grace ends
    Rotate {
        username: String,
        #[arg(long)]
        name: String,
        /// Hours for which the old secret still works
        #[arg(long, default_value_t = GRACE_H, value_parser = clap::value_parser!(u16).range(0..=i64::from(MAX_GRACE_H)))]
        grace_h: u16,
    },
    /// Refuse a token from now on
    Revoke {
        username: String,
        #[arg(long)]
        name: String,
    },
}

pub async fn run(config: Config, action: Action) -> anyhow::Result<()> {
    let session = Session::open(config).await?;
    let outcome = match action {
        Action::Add { username, name, scope, days } => add(&session, &username, &name, &scope, days).await,
        Action::List => list(&session).await,
        Action::Rotate { username, name, grace_h } => rotate(&session, &username, &name, grace_h).await,
        Action::Revoke { username, name } => revoke(&session, &username, &name).await,
    };
    session.close(outcome).await
}

fn said(error: TokenError) -> anyhow::Error {
    match error {
        TokenError::Wrong { .. } => Usage(error.to_string()).into(),
        other => other.into(),
    }
}

async fn add(session: &Session, username: &str, name: &str, scope: &[String], days: u16) -> anyhow::Result<()> {
    let now = session.clock.now();
    let mut tx = session.begin().await?;
    let members = crate::accounts::store::members(&mut tx).await?;
    let Some(owner) = members.into_iter().find(|member| member.username == username && member.disabled_at.is_none())
    else {
        bail!("there is no active user {username:?}");
    };
    let allowed = owner.roles.permissions();
    let scope = if scope.is_empty() { tokens::usual_scope(allowed) } else { named(scope, allowed, username)? };
    let actor = Actor::command();
    let by = Acting { ids: &session.ids, now, actor: &actor };
    let made = desk::add(&mut tx, by, username, name, scope, days).await.map_err(said)?;
    tx.commit().await?;
    println!("token: {}", made.token);
    println!("It is not stored; keep it now. Authorization: Bearer TOKEN. It ends in {days} days.");
    println!("As {username} it may: {}", tokens::words(scope));
    Ok(())
}

fn named(given: &[String], allowed: Permissions, username: &str) -> anyhow::Result<Permissions> {
    let scope =
        tokens::parse_scope(given.iter().map(String::as_str)).map_err(|error| Usage(format!("--scope: {error}")))?;
    if let Some(beyond) = scope.iter().find(|permission| !allowed.allow(*permission)) {
        bail!(Usage(format!("--scope: {username} may not {beyond}, so their token could not either")));
    }
    Ok(scope)
}

async fn list(session: &Session) -> anyhow::Result<()> {
    let now = session.clock.now();
    let mut conn = session.pool.acquire().await?;
    let at = |at: Option<Instant>| at.map_or_else(|| "never".to_owned(), |at| at.to_rfc3339());
    let mut rows = Vec::new();
    for token in store::list(&mut conn, None).await? {
        let state = token.state(now).to_owned();
        let begins = if token.prefix.is_empty() { "(older)".to_owned() } else { format!("{}…", token.prefix) };
        let from = token.last_address.clone().unwrap_or_default();
        let (used, scope) = (at(token.last_used_at), token.scope_words());
        let previous = token.live_previous(now).cloned();
        let ends = token.expires_at.to_rfc3339();
        rows.push(vec![token.username.clone(), token.name.clone(), begins, state, ends, used, from, scope]);
        if let Some(old) = previous {
            let begins = if old.prefix.is_empty() { "(older)".to_owned() } else { format!("{}…", old.prefix) };
            let (ends, used) = (old.ends_at.to_rfc3339(), at(old.last_used_at));
            rows.push(vec![token.username, token.name, begins, "old secret".into(), ends, used]);
        }
    }
    table::print(&["USER", "TOKEN", "BEGINS", "STATE", "ENDS", "LAST USED", "FROM", "MAY"], &rows);
    Ok(())
}

async fn rotate(session: &Session, username: &str, name: &str, grace_h: u16) -> anyhow::Result<()> {
    let mut tx = session.begin().await?;
    let token = desk::find_named(&mut tx, username, name).await?;
    let actor = Actor::command();
    let by = Acting { ids: &session.ids, now: session.clock.now(), actor: &actor };
    let (made, ends_at) = desk::rotate(&mut tx, by, &token, grace_h).await.map_err(said)?;
    tx.commit().await?;
    println!("token: {}", made.token);
    println!("It is not stored; keep it now. The old one works until {}.", ends_at.to_rfc3339());
    Ok(())
}

async fn revoke(session: &Session, username: &str, name: &str) -> anyhow::Result<()> {
    let mut tx = session.begin().await?;
    let token = desk::find_named(&mut tx, username, name).await?;
    let actor = Actor::command();
    let by = Acting { ids: &session.ids, now: session.clock.now(), actor: &actor };
    desk::revoke(&mut tx, by, &token).await?;
    tx.commit().await?;
    println!("the token {name} of {username} is refused from now on");
    Ok(())
}
