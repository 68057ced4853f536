//! `sentinela device add|command|commands|list|set|rotate|revoke|enable|certificate`

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::accounts::tokens::desk::Acting;
use crate::audit::Actor;
use crate::cli::{Session, Usage, table};
use crate::config::Config;
use crate::fleet::command::{LIFETIME_S, Wanted};
use crate::fleet::desk::Way;
use crate::fleet::downlink::Stage;
use crate::fleet::provision::{provision, to_csv};
use crate::fleet::store::report::{Filter, fleet};
use crate::fleet::{Contact, DeviceCommand, FleetDevice};
use crate::ingest::formats::profile::Profile;
use crate::stations::certificate::from_hex;
use crate::stations::desk::{self, DeviceError, GRACE_S, MAX_GRACE_S};
use crate::stations::store;

/// Rows read at a time.
const PAGE: i64 = 1000;
/// The newest commands that are shown.
const COMMANDS: i64 = 20;

#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Register a device at a station, or give it a new secret. The secret is shown once
    Add {
        /// MQTT user name of the device: letters, digits, `_`, `.`, `:`, `-`
        #[arg(required_unless_present = "csv")]
        code: Option<String>,
        /// Code of the station whose streams it may publish
        #[arg(long, required_unless_present = "csv")]
        station: Option<String>,
        /// Register all devices of a file instead: code,station,profile,hardware_id,secret. Prints the secrets as CSV, once
        #[arg(long, conflicts_with_all = ["code", "station"])]
        csv: Option<PathBuf>,
    },
    /// Ask a device to do something: `set_interval`, `reboot`, `sync_clock`, `send_backlog` or `custom`
    Command {
        code: String,
        name: String,
        /// JSON, such as '{"interval_s": 600}'
        #[arg(long, default_value = "{}")]
        args: String,
        /// Seconds until nobody tells the device of it any more
        #[arg(long, default_value_t = LIFETIME_S)]
        lifetime_s: u32,
    },
    /// List the newest commands of a device, and how far each has come
    Commands { code: String },
    /// List the devices
    List,
    /// Say how a device writes, and what a LoRaWAN network server calls it
    Set {
        code: String,
        /// Of the configuration's [[ingest.profiles]]; empty for none
        #[arg(long, default_value = "")]
        profile: String,
        /// `DevEUI`, or the device id of The Things Stack; empty for nothing
        #[arg(long, default_value = "")]
        hardware_id: String,
    },
    /// Forget at which LoRaWAN network server a device was heard; its next uplink tells anew
    ForgetNetwork { code: String },
    /// Give a device a new secret, shown once. The one before works until the new one is used, and a while longer
    Rotate {
        code: String,
        /// Seconds for which the secret before still works after the first use of the new one
        #[arg(long, default_value_t = GRACE_S, value_parser = clap::value_parser!(u32).range(0..=i64::from(MAX_GRACE_S)))]
        grace_s: u32,
        /// End the secret before the last rotation now instead of making a new one
        #[arg(long)]
        end_previous: bool,
    },
    /// Refuse a device from now on; its connections end
    Revoke { code: String },
    /// Take a device in again that was revoked
    Enable { code: String },
    /// Client certificates for MQTT over TLS
    #[command(subcommand)]
    Certificate(Certificate),
}

#[derive(Debug, clap::Subcommand)]
pub enum Certificate {
    /// Register a certificate with which a device signs in
    Add {
        code: String,
        /// PEM file
        file: PathBuf,
    },
    /// List the certificates of a device, or of all
    List { code: Option<String> },
    /// Refuse a certificate from now on; the connections opened with it end
    Revoke {
        /// SHA-256, as `list` shows it
        fingerprint: String,
    },
}

pub async fn run(config: Config, action: Action) -> anyhow::Result<()> {
    let profiles = config.ingest.profiles.clone();
    let session = Session::open(config).await?;
    let outcome = match action {
        Action::Add { csv: Some(file), .. } => add_many(&session, &file, &profiles).await,
        Action::Add { code, station, csv: None } => {
            add(&session, &code.unwrap_or_default(), &station.unwrap_or_default()).await
        }
        Action::Command { code, name, args, lifetime_s } => {
            command(&session, &code, (&name, &args, lifetime_s), &profiles).await
        }
        Action::Commands { code } => commands(&session, &code).await,
        Action::List => list(&session).await,
        Action::Set { code, profile, hardware_id } => set(&session, &code, (&profile, &hardware_id), &profiles).await,
        Action::ForgetNetwork { code } => forget_network(&session, &code).await,
        Action::Rotate { code, end_previous: true, .. } => retire(&session, &code).await,
        Action::Rotate { code, grace_s, .. } => rotate(&session, &code, grace_s).await,
        Action::Revoke { code } => revoke(&session, &code).await,
        Action::Enable { code } => enable(&session, &code).await,
        Action::Certificate(action) => certificate(&session, action).await,
    };
    session.close(outcome).await
}

fn said(error: DeviceError) -> anyhow::Error {
    match error {
        DeviceError::Wrong { field: "code" | "grace_s" | "profile" | "hardware_id" | "args", .. } => {
            Usage(error.to_string()).into()
        }
        other => other.into(),
    }
}

fn acting<'a>(session: &'a Session, actor: &'a Actor) -> Acting<'a> {
    Acting { ids: &session.ids, now: session.clock.now(), actor }
}

async fn add(session: &Session, code: &str, station: &str) -> anyhow::Result<()> {
    let actor = Actor::command();
    let mut tx = session.begin().await?;
    if store::station_by_code(&mut tx, station).await?.is_none() {
        bail!("there is no station {station:?}; `sentinela import stations FILE` brings them in");
    }
    let secret = desk::add(&mut tx, acting(session, &actor), code, station, true).await.map_err(said)?;
    tx.commit().await?;
    println!("device {code} publishes for station {station} to v1/devices/{code}/readings");
    println!("secret: {secret}");
    println!(
        "It is not stored; keep it now. MQTT: user {code}, password = the secret. HTTP: Authorization: Bearer {code}.SECRET"
    );
    Ok(())
}

async fn forget_network(session: &Session, code: &str) -> anyhow::Result<()> {
    let actor = Actor::command();
    let mut tx = session.begin().await?;
    let was = desk::forget_network(&mut tx, acting(session, &actor), code).await.map_err(said)?;
    tx.commit().await?;
    println!("device {code} was heard at {was}; that is forgotten, its next uplink tells anew");
    Ok(())
}

async fn add_many(session: &Session, file: &Path, profiles: &[Profile]) -> anyhow::Result<()> {
    let text = std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let actor = Actor::command();
    let mut tx = session.begin().await?;
    let made = provision(&mut tx, acting(session, &actor), &text, profiles).await?;
    tx.commit().await?;
    print!("{}", to_csv(&made));
    eprintln!("{} devices; the secrets are not stored, keep them now", made.len());
    Ok(())
}

async fn command(
    session: &Session,
    code: &str,
    (name, args, lifetime_s): (&str, &str, u32),
    profiles: &[Profile],
) -> anyhow::Result<()> {
    let args = serde_json::from_str(args).map_err(|error| Usage(format!("args = {args:?}: {error}")))?;
    let wanted = Wanted::new(name, args, lifetime_s)
        .map_err(|(field, value, message)| Usage(format!("{field} = {value:?}: {message}")))?;
    let actor = Actor::command();
    let mut tx = session.begin().await?;
    let command =
        crate::fleet::desk::issue(&mut tx, acting(session, &actor), code, &wanted, profiles).await.map_err(said)?;
    let device = desk::find(&mut tx, code).await?;
    tx.commit().await?;
    println!("command {} for device {code} until {}", command.id, command.expires_at.to_rfc3339());
    if Way::of(&device) == Way::Network {
        println!("It goes to the LoRaWAN network server; the device hears it after its next transmission.");
    }
    Ok(())
}

async fn commands(session: &Session, code: &str) -> anyhow::Result<()> {
    let mut conn = session.pool.acquire().await?;
    desk::find(&mut conn, code).await?;
    let rows = crate::fleet::store::commands(&mut conn, code, COMMANDS, 0).await?;
    let rows: Vec<Vec<String>> = rows.into_iter().map(told).collect();
    table::print(&["ID", "COMMAND", "ARGS", "STATE", "WAY", "ISSUED", "MESSAGE"], &rows);
    Ok(())
}

/// A command as a row: where a network server is on its way, how far it has come there and what that means.
fn told(command: DeviceCommand) -> Vec<String> {
    let way = command.downlink.map(|downlink| {
        let means = match downlink.stage {
            Stage::Barred => "refused by the broker; tried again",
            Stage::Unlistened => "nobody subscribes at the broker, as it says; issue it anew when that is mended",
            Stage::Handed => "handed to the broker; the network server has not said that it has it",
            Stage::Offered => "not known whether the network server has it; not sent again",
            Stage::Accepted => {
                "in the network server's queue as far as known; waits for the device's next transmission"
            }
            Stage::Transmitted if downlink.confirmed => "handed to a gateway; waits for the radio's confirmation",
            Stage::Transmitted => "handed to a gateway; no confirmation was asked for",
            Stage::Unwritable => "the profile cannot write it",
            Stage::Refused => "thrown away by the network server",
            Stage::Missed => "not confirmed by the device's radio",
            Stage::Received => "the device's radio got it; whether the device did it, it does not say",
        };
        format!("{} {}: {means}", downlink.server, downlink.stage)
    });
    vec![
        command.id.to_string(),
        command.command.to_string(),
        command.args.to_string(),
        command.state.to_string(),
        way.unwrap_or_default(),
        command.issued_at.to_rfc3339(),
        command.message,
    ]
}

async fn set(session: &Session, code: &str, format: (&str, &str), profiles: &[Profile]) -> anyhow::Result<()> {
    let actor = Actor::command();
    let mut tx = session.begin().await?;
    desk::configure(&mut tx, acting(session, &actor), code, format, profiles).await.map_err(said)?;
    tx.commit().await?;
    let or_none = |text: &str| if text.is_empty() { "none".to_owned() } else { text.to_owned() };
    println!("device {code}: profile {}, hardware id {}", or_none(format.0), or_none(format.1));
    Ok(())
}

async fn rotate(session: &Session, code: &str, grace_s: u32) -> anyhow::Result<()> {
    let actor = Actor::command();
    let mut tx = session.begin().await?;
    let secret = desk::rotate(&mut tx, acting(session, &actor), code, grace_s).await.map_err(said)?;
    tx.commit().await?;
    println!("secret: {secret}");
    println!("It is not stored; keep it now. The one before works until this one is used, and {grace_s} s longer.");
    Ok(())
}

async fn retire(session: &Session, code: &str) -> anyhow::Result<()> {
    let actor = Actor::command();
    let mut tx = session.begin().await?;
    desk::retire(&mut tx, acting(session, &actor), code).await?;
    tx.commit().await?;
    println!("device {code} has one secret again");
    Ok(())
}

async fn enable(session: &Session, code: &str) -> anyhow::Result<()> {
    let actor = Actor::command();
    let mut tx = session.begin().await?;
    desk::enable(&mut tx, acting(session, &actor), code).await?;
    tx.commit().await?;
    println!("device {code} is accepted again, with the secrets and certificates it has");
    Ok(())
}

async fn certificate(session: &Session, action: Certificate) -> anyhow::Result<()> {
    let actor = Actor::command();
    let mut tx = session.begin().await?;
    match action {
        Certificate::Add { code, file } => {
            let pem = std::fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
            let fingerprint = desk::add_certificate(&mut tx, acting(session, &actor), &code, &pem).await?;
            println!("device {code} signs in with certificate {fingerprint}");
        }
        Certificate::List { code } => {
            let rows = store::certificates(&mut tx, code.as_deref()).await?.into_iter().map(|held| {
                let state = if held.revoked_at.is_some() { "revoked" } else { "live" };
                let used = held.last_used_at.map_or_else(|| "never".to_owned(), |at| at.to_rfc3339());
                vec![held.device, held.fingerprint, held.common_name, state.into(), held.not_after.to_rfc3339(), used]
            });
            let rows: Vec<Vec<String>> = rows.collect();
            table::print(&["DEVICE", "FINGERPRINT", "CN", "STATE", "ENDS", "LAST USED"], &rows);
        }
        Certificate::Revoke { fingerprint } => {
            let Some(print) = from_hex(&fingerprint) else {
                bail!(Usage(format!("{fingerprint:?} is no SHA-256 fingerprint: 64 hexadecimal digits")));
            };
            let code = desk::revoke_certificate(&mut tx, acting(session, &actor), &print).await?;
            println!("the certificate of device {code} is refused from now on");
        }
    }
    tx.commit().await?;
    Ok(())
}

async fn list(session: &Session) -> anyhow::Result<()> {
    let mut conn = session.pool.acquire().await?;
    let mut rows = Vec::new();
    loop {
        let page = fleet(&mut conn, &Filter::default(), PAGE, rows.len() as i64).await?;
        let last = page.len() < PAGE as usize;
        rows.extend(page.into_iter().map(|FleetDevice { device, report }| {
            let state = Contact::of(&device, session.clock.now()).as_str();
            let second = match (device.has_previous, device.previous_ends_at) {
                (false, _) => String::new(),
                (true, None) => "old secret until the new one is used".to_owned(),
                (true, Some(at)) => format!("old secret until {}", at.to_rfc3339()),
            };
            let seen = device.last_seen_at.map_or_else(|| "never".to_owned(), |at| at.to_rfc3339());
            let firmware = report.firmware.unwrap_or_default();
            let battery = report.battery_pct.map(|pct| format!("{pct:.0} %")).unwrap_or_default();
            vec![device.code, device.station_code, state.to_owned(), seen, firmware, battery, second]
        }));
        if last {
            break;
        }
    }
    table::print(&["DEVICE", "STATION", "STATE", "LAST SEEN", "FIRMWARE", "BATTERY", "SECRETS"], &rows);
    Ok(())
}

async fn revoke(session: &Session, code: &str) -> anyhow::Result<()> {
    let actor = Actor::command();
    let mut tx = session.begin().await?;
    desk::revoke(&mut tx, acting(session, &actor), code).await?;
    tx.commit().await?;
    println!("device {code} is refused from now on");
    Ok(())
}
