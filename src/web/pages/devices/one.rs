//! The page of one device: by what it signs in, what it says of itself, what it is asked to do, and every act on it.

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use sqlx::PgConnection;

use super::words::{Example, battery_words, clock_words, device_state, example, is_live, rotation, sentence};
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::fleet::command::{CommandName, CommandState, LIFETIME_S, Wanted};
use crate::fleet::desk::{Way, commands_of};
use crate::fleet::downlink::Stage;
use crate::fleet::label::{self, Reach};
use crate::fleet::store::report;
use crate::fleet::{DeviceCommand, Report};
use crate::ingest::formats::profile::Profile;
use crate::stations::certificate::from_hex;
use crate::stations::desk::{self, DeviceError, GRACE_S, MAX_GRACE_S};
use crate::stations::{Device, DeviceCertificate, store};
use crate::web::auth::{May, can};
use crate::web::error::ApiError;
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::view::{Markup, View};

/// The newest commands of a device that its page shows.
const COMMANDS: i64 = 20;

#[derive(Template)]
#[template(path = "device.html")]
struct DevicePage {
    f: Frame,
    device: Device,
    report: Report,
    commands: Vec<DeviceCommand>,
    /// Of the fresh secret, for a label.
    picture: Option<Markup>,
    /// Names of those in the configuration.
    profiles: Vec<String>,
    /// Those that can be sent to it.
    names: Vec<CommandName>,
    certificates: Vec<DeviceCertificate>,
    /// Where its downlinks go, as its last uplink told.
    network: Option<String>,
    example: Example,
    /// The secret just made, shown this once.
    fresh: Option<String>,
    wrong: String,
    grace_min: u32,
    max_grace_min: u32,
}

/// The forms of a device's own page, told apart by `act`.
#[derive(Debug, Deserialize)]
pub(super) struct Given {
    act: String,
    #[serde(default)]
    typed: String,
    grace_min: Option<u32>,
    #[serde(default)]
    certificate: String,
    #[serde(default)]
    profile: String,
    #[serde(default)]
    hardware_id: String,
    #[serde(default)]
    command: String,
    #[serde(default)]
    args: String,
    hours: Option<u32>,
    #[serde(default)]
    confirm: String,
    #[serde(default)]
    id: String,
}

/// What the page says about the act before it.
#[derive(Default)]
pub(super) struct Outcome {
    pub fresh: Option<String>,
    pub wrong: String,
}

pub(super) async fn show(
    State(app): State<App>,
    _: May<can::ManageDevices>,
    v: View,
    Path(code): Path<String>,
) -> Result<Response, ApiError> {
    device_page(&app, v, &code, Outcome::default()).await
}

pub(super) async fn device_page(app: &App, v: View, code: &str, outcome: Outcome) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let device = desk::find(&mut conn, code).await?;
    let report = report::one(&mut conn, code).await?.map(|found| found.report).unwrap_or_default();
    let commands = crate::fleet::store::commands(&mut conn, code, COMMANDS, 0).await?;
    let certificates = store::certificates(&mut conn, Some(code)).await?;
    let network = store::network_address(&mut conn, code).await?;
    let streams = store::datastreams(&mut conn, &[device.station_id.0]).await?;
    let (name, unit) = streams.first().map_or(("rain", "mm"), |stream| (stream.name.as_str(), stream.unit.as_str()));
    let example = example(app, &v, code, name, unit);
    let Outcome { fresh, wrong } = outcome;
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let f = Frame::load(&mut conn, app, v, "admin").await?;
    let (grace_min, max_grace_min) = (GRACE_S / 60, MAX_GRACE_S / 60);
    let profiles = app.config.ingest.profiles.iter().map(|profile| profile.name.clone()).collect();
    let names = commands_of(&device, &app.config.ingest.profiles);
    let reach = Reach::of(&app.config);
    let picture =
        fresh.as_ref().map(|secret| Markup(label::picture(&label::uri(reach.as_ref(), &device.code, secret))));
    let shown = DevicePage {
        f,
        device,
        report,
        commands,
        picture,
        profiles,
        names,
        certificates,
        network,
        example,
        fresh,
        wrong,
        grace_min,
        max_grace_min,
    };
    Ok((status, page(&shown)?).into_response())
}

pub(super) async fn act(
    State(app): State<App>,
    staff: May<can::ManageDevices>,
    v: View,
    Path(code): Path<String>,
    Form(given): Form<Given>,
) -> Result<Response, ApiError> {
    if given.act == "revoke" && given.typed.trim() != code {
        let wrong = v.t("device-revoke-mismatch");
        return device_page(&app, v, &code, Outcome { wrong, ..Outcome::default() }).await;
    }
    if given.act == "command" && given.command == CommandName::Reboot.as_str() && given.confirm.is_empty() {
        let wrong = v.t("command-confirm-missing");
        return device_page(&app, v, &code, Outcome { wrong, ..Outcome::default() }).await;
    }
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    match done(&mut tx, by, &code, &given, &app.config.ingest.profiles).await {
        Ok(fresh) => {
            tx.commit().await?;
            if fresh.is_some() {
                return device_page(&app, v, &code, Outcome { fresh, ..Outcome::default() }).await;
            }
            Ok(Redirect::to(&format!("/console/devices/{code}")).into_response())
        }
        Err(error) => {
            drop(tx);
            let taken = if given.act == "configure" { "device-hardware-taken" } else { "device-certificate-taken" };
            let wrong = match &error {
                DeviceError::Conflict(why) if is_command(&given) => v.t1("command-over", "why", why),
                DeviceError::Wrong { message, .. } if is_command(&given) => v.t1("command-wrong", "why", message),
                _ => sentence(&v, error, taken)?,
            };
            device_page(&app, v, &code, Outcome { wrong, ..Outcome::default() }).await
        }
    }
}

/// Does it; gives back the new secret when there is one.
async fn done(
    conn: &mut PgConnection,
    by: Acting<'_>,
    code: &str,
    given: &Given,
    profiles: &[Profile],
) -> Result<Option<String>, DeviceError> {
    match given.act.as_str() {
        "rotate" => {
            let grace_s = given.grace_min.unwrap_or(GRACE_S / 60).saturating_mul(60);
            return desk::rotate(conn, by, code, grace_s).await.map(Some);
        }
        "configure" => {
            desk::configure(conn, by, code, (&given.profile, given.hardware_id.trim()), profiles).await?;
        }
        "command" => {
            crate::fleet::desk::issue(conn, by, code, &command(given)?, profiles).await?;
        }
        "cancel-command" => {
            let gone = || DeviceError::NotFound(format!("command of device {code}"));
            crate::fleet::desk::cancel(conn, by, code, given.id.parse().map_err(|_| gone())?).await?;
        }
        "retire" => desk::retire(conn, by, code).await?,
        "forget-network" => {
            desk::forget_network(conn, by, code).await?;
        }
        "revoke" => desk::revoke(conn, by, code).await?,
        "enable" => desk::enable(conn, by, code).await?,
        "certificate" => {
            desk::add_certificate(conn, by, code, &given.certificate).await?;
        }
        "revoke-certificate" => {
            let gone = || DeviceError::NotFound(format!("live certificate of device {code}"));
            let fingerprint = from_hex(&given.certificate).ok_or_else(gone)?;
            if desk::revoke_certificate(conn, by, &fingerprint).await? != code {
                return Err(gone());
            }
        }
        other => {
            let message =
                "expected configure, forget-network, rotate, retire, revoke, enable, certificate or revoke-certificate"
                    .into();
            return Err(DeviceError::Wrong { field: "act", value: other.to_owned(), message });
        }
    }
    Ok(None)
}

fn is_command(given: &Given) -> bool {
    matches!(given.act.as_str(), "command" | "cancel-command")
}

/// The command that a form asks for.
fn command(given: &Given) -> Result<Wanted, DeviceError> {
    let text = if given.args.trim().is_empty() { "{}" } else { given.args.trim() };
    let wrong = |(field, value, message)| DeviceError::Wrong { field, value, message };
    let args = serde_json::from_str(text).map_err(|error| wrong(("args", text.to_owned(), error.to_string())))?;
    let lifetime_s = given.hours.map_or(LIFETIME_S, |hours| hours.saturating_mul(3600));
    Wanted::new(&given.command, args, lifetime_s).map_err(wrong)
}

impl DevicePage {
    fn battery(&self) -> Option<(&'static str, String)> {
        battery_words(&self.f.v, &self.report)
    }

    fn clock(&self) -> String {
        clock_words(&self.f.v, &self.report)
    }

    /// Why no command can reach the device, in words.
    fn deaf(&self) -> Option<String> {
        let v = &self.f.v;
        match Way::of(&self.device) {
            Way::None => Some(v.t("command-deaf-http")),
            Way::Network if self.names.is_empty() => Some(v.t("command-deaf-network")),
            Way::Network | Way::Connection => None,
        }
    }

    /// How a command gets to the device, in words.
    fn way(&self) -> String {
        let key = if Way::of(&self.device) == Way::Network { "command-send-network" } else { "command-send-text" };
        self.f.v.t(key)
    }

    fn names(&self) -> Vec<(&'static str, String)> {
        self.names.iter().map(|name| (name.as_str(), self.f.v.word("command-name", name.as_str()))).collect()
    }

    /// Class and word of a command's tag. What only the radio confirmed is not called done.
    fn command_state(&self, command: &DeviceCommand) -> (&'static str, String) {
        use crate::fleet::command::CommandState::{Acknowledged, Expired, Failed};
        let class = match command.state {
            Acknowledged => "good",
            Failed | Expired => "bad",
            _ => "wait",
        };
        let word = match command.result {
            Some(result) if !result.is_of_device() => self.f.v.word("command-result", result.as_str()),
            _ => self.f.v.word("command-state", command.state.as_str()),
        };
        (class, word)
    }

    /// How far a downlink has come, in words; and for one that was taken back, that it may be under way all the same.
    fn downlink(&self, command: &DeviceCommand) -> Option<String> {
        let (downlink, v) = (command.downlink.as_ref()?, &self.f.v);
        let key = match downlink.stage {
            Stage::Transmitted if !downlink.confirmed => "transmitted-unconfirmed",
            stage => stage.as_str(),
        };
        let mut told = v.word("downlink-stage", key);
        if command.state == CommandState::Cancelled
            && matches!(downlink.stage, Stage::Offered | Stage::Handed | Stage::Accepted)
        {
            told = format!("{told} {}", v.t("downlink-cancelled"));
        }
        Some(told)
    }

    fn state(&self) -> (&'static str, String) {
        device_state(&self.f.v, &self.device)
    }

    fn rotation(&self) -> String {
        rotation(&self.f.v, &self.device)
    }

    /// Class and word of a certificate's tag.
    fn certificate_state(&self, held: &DeviceCertificate) -> (&'static str, String) {
        let v = &self.f.v;
        if held.revoked_at.is_some() {
            ("bad", v.word("token-state", "revoked"))
        } else if held.not_after <= v.now {
            ("bad", v.word("token-state", "expired"))
        } else {
            ("good", v.word("token-state", "active"))
        }
    }

    fn lives(&self, held: &DeviceCertificate) -> bool {
        is_live(&self.f.v, held)
    }

    /// The beginning of a fingerprint, to be told apart by eye; the whole is in the row's title.
    fn short(held: &DeviceCertificate) -> &str {
        held.fingerprint.get(..16).unwrap_or(&held.fingerprint)
    }
}
