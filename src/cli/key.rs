//! `sentinela key new-signing|list|export|revoke`

use crate::alerts::signing::{Desk, bundle};
use crate::audit::Actor;
use crate::cli::{Session, table};
use crate::config::Config;
use crate::vault::Keyring;

#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Make a key that signs the CAP messages from now on. What the older ones signed still verifies
    NewSigning,
    /// List the keys, the one that signs first
    List,
    /// Write every certificate that is to be trusted as PEM to standard output, for those who verify
    Export,
    /// Take the trust from a key that somebody else may have: its certificate is given out no more. If it is the one that signs,
    /// a new one is made
    Revoke {
        /// As `key list` names it
        name: String,
        /// Why, for those who verify and for the audit
        #[arg(long)]
        reason: String,
    },
}

pub async fn run(config: Config, action: Action) -> anyhow::Result<()> {
    let session = Session::open(config).await?;
    let outcome = match action {
        Action::NewSigning => make(&session).await,
        Action::List => list(&session).await,
        Action::Export => export(&session).await,
        Action::Revoke { name, reason } => revoke(&session, &name, &reason).await,
    };
    session.close(outcome).await
}

async fn make(session: &Session) -> anyhow::Result<()> {
    let now = session.clock.now();
    let mut tx = session.begin().await?;
    let keys = Keyring::open_or_create(&mut tx, &session.config, &session.ids, now).await?;
    let desk = Desk { config: &session.config, ids: &session.ids, keys: &keys };
    let made = desk.rotate(&mut tx, now, &Actor::command()).await?;
    tx.commit().await?;
    println!("{} signs from now on; SHA-256 of its certificate: {}", made.name, made.certificate_sha256);
    println!("Tell those who verify. The certificates are at {}/alerts/keys", session.config.public_url());
    if !session.config.signing.enabled {
        println!("Nothing is signed while `signing.enabled` is false.");
    }
    Ok(())
}

async fn revoke(session: &Session, name: &str, reason: &str) -> anyhow::Result<()> {
    let now = session.clock.now();
    let mut tx = session.begin().await?;
    let keys = Keyring::open_or_create(&mut tx, &session.config, &session.ids, now).await?;
    let desk = Desk { config: &session.config, ids: &session.ids, keys: &keys };
    let (revoked, next) = desk.revoke(&mut tx, now, &Actor::command(), name, reason).await?;
    tx.commit().await?;
    println!("{} is revoked; SHA-256 of its certificate: {}", revoked.name, revoked.certificate_sha256);
    if let Some(next) = next {
        println!("{} signs from now on; SHA-256 of its certificate: {}", next.name, next.certificate_sha256);
    }
    println!("Tell those who verify to trust it no more: what they have pinned they keep until they are told.");
    Ok(())
}

async fn list(session: &Session) -> anyhow::Result<()> {
    let mut conn = session.pool.acquire().await?;
    let keys = Desk::list(&mut conn).await?;
    if keys.is_empty() {
        println!("There is no key yet. The service makes one at its first start, or: sentinela key new-signing");
        return Ok(());
    }
    let rows: Vec<Vec<String>> = keys
        .into_iter()
        .map(|key| {
            let state = match (key.revoked_at, key.retired_at) {
                (Some(at), _) => format!("revoked {}", at.to_rfc3339()),
                (None, Some(at)) => format!("until {}", at.to_rfc3339()),
                (None, None) => "signs".to_owned(),
            };
            vec![key.name, state, key.created_at.to_rfc3339(), key.created_by, key.certificate_sha256]
        })
        .collect();
    table::print(&["KEY", "STATE", "MADE", "BY", "SHA-256 OF THE CERTIFICATE"], &rows);
    Ok(())
}

async fn export(session: &Session) -> anyhow::Result<()> {
    let mut conn = session.pool.acquire().await?;
    print!("{}", bundle(&Desk::list(&mut conn).await?));
    Ok(())
}
