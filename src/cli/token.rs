//! `sentinela token add|list|revoke`

use anyhow::bail;
use chrono::TimeDelta;

use crate::accounts::store;
use crate::cli::{Session, table};
use crate::config::Config;

#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Make a token with which a program acts as this person. It is shown once
    Add {
        username: String,
        /// What it is for; a token of the same name is replaced
        #[arg(long)]
        name: String,
        /// Days until it ends
        #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u16).range(1..=3650))]
        days: u16,
    },
    /// List the tokens
    List,
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
        Action::Add { username, name, days } => add(&session, &username, &name, days).await,
        Action::List => list(&session).await,
        Action::Revoke { username, name } => revoke(&session, &username, &name).await,
    };
    session.close(outcome).await
}

async fn add(session: &Session, username: &str, name: &str, days: u16) -> anyhow::Result<()> {
    let now = session.clock.now();
    let expires_at = now + TimeDelta::days(days.into());
    let mut tx = session.begin().await?;
    let Some(token) = store::add_token(&mut tx, &session.ids, now, username, name, expires_at).await? else {
        bail!("there is no active user {username:?}");
    };
    tx.commit().await?;
    println!("token: {token}");
    println!(
        "It is not stored; keep it now. It acts as {username} until {}. Authorization: Bearer TOKEN",
        expires_at.to_rfc3339()
    );
    Ok(())
}

async fn list(session: &Session) -> anyhow::Result<()> {
    let now = session.clock.now();
    let mut conn = session.pool.acquire().await?;
    let rows: Vec<Vec<String>> = store::tokens(&mut conn)
        .await?
        .into_iter()
        .map(|token| {
            let state = if token.revoked_at.is_some() {
                "revoked"
            } else if token.expires_at <= now {
                "expired"
            } else {
                "active"
            };
            vec![token.username, token.name, state.to_owned(), token.expires_at.to_rfc3339()]
        })
        .collect();
    table::print(&["USER", "TOKEN", "STATE", "ENDS"], &rows);
    Ok(())
}

async fn revoke(session: &Session, username: &str, name: &str) -> anyhow::Result<()> {
    let mut tx = session.begin().await?;
    if !store::revoke_token(&mut tx, session.clock.now(), username, name).await? {
        bail!("{username} has no active token named {name:?}");
    }
    tx.commit().await?;
    println!("the token {name} of {username} is refused from now on");
    Ok(())
}
