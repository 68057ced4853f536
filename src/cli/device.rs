//! `sentinela device add|list|revoke`

use anyhow::bail;

use crate::cli::{Session, Usage, table};
use crate::config::Config;
use crate::events::{self, Event};
use crate::stations::{device, store};

/// Rows read at a time.
const PAGE: i64 = 1000;

#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Register a device at a station, or give it a new secret. The secret is shown once
    Add {
        /// MQTT user name of the device: letters, digits, `_`, `.`, `:`, `-`
        code: String,
        /// Code of the station whose streams it may publish
        #[arg(long)]
        station: String,
    },
    /// List the devices
    List,
    /// Refuse a device from now on
    Revoke { code: String },
}

pub async fn run(config: Config, action: Action) -> anyhow::Result<()> {
    let session = Session::open(config).await?;
    let outcome = match action {
        Action::Add { code, station } => add(&session, &code, &station).await,
        Action::List => list(&session).await,
        Action::Revoke { code } => revoke(&session, &code).await,
    };
    session.close(outcome).await
}

async fn add(session: &Session, code: &str, station: &str) -> anyhow::Result<()> {
    if !is_code(code) {
        bail!(Usage(format!(
            "{code:?} is not a device code: up to 64 letters, digits and `_.:-`, beginning with a letter or digit"
        )));
    }
    let mut tx = session.begin().await?;
    let Some(found) = store::station_by_code(&mut tx, station).await? else {
        bail!("there is no station {station:?}; `sentinela import stations FILE` brings them in");
    };
    let secret = session.ids.secret();
    let hash = device::secret_sha256(code, &secret);
    store::upsert_device(&mut tx, session.clock.now(), code, found.id, &hash).await?;
    events::notify(&mut tx, &Event::Catalogue).await?;
    tx.commit().await?;
    println!("device {code} publishes for station {station} to v1/devices/{code}/readings");
    println!("secret: {secret}");
    println!(
        "It is not stored; keep it now. MQTT: user {code}, password = the secret. HTTP: Authorization: Bearer {code}.SECRET"
    );
    Ok(())
}

async fn list(session: &Session) -> anyhow::Result<()> {
    let mut conn = session.pool.acquire().await?;
    let mut rows = Vec::new();
    loop {
        let page = store::devices(&mut conn, PAGE, rows.len() as i64).await?;
        let last = page.len() < PAGE as usize;
        rows.extend(page.into_iter().map(|device| {
            let state = match (device.enabled, device.online) {
                (false, _) => "revoked",
                (true, true) => "online",
                (true, false) => "offline",
            };
            let seen = device.last_seen_at.map_or_else(|| "never".to_owned(), |at| at.to_rfc3339());
            vec![device.code, device.station_code, state.to_owned(), seen]
        }));
        if last {
            break;
        }
    }
    table::print(&["DEVICE", "STATION", "STATE", "LAST SEEN"], &rows);
    Ok(())
}

async fn revoke(session: &Session, code: &str) -> anyhow::Result<()> {
    let mut tx = session.begin().await?;
    if !store::disable_device(&mut tx, code).await? {
        bail!("there is no device {code:?}");
    }
    events::notify(&mut tx, &Event::Catalogue).await?;
    tx.commit().await?;
    println!("device {code} is refused from now on");
    Ok(())
}

/// The constraint `device_code_shape`, asked before the database does.
fn is_code(code: &str) -> bool {
    code.len() <= 64
        && code.starts_with(|c: char| c.is_ascii_alphanumeric())
        && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte))
}
