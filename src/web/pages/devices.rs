//! Devices: what publishes readings, by what it signs in, and everything that is done with that.

use std::collections::HashMap;

use askama::Template;
use axum::Router;
use axum::extract::{Form, Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;
use sqlx::PgConnection;

use super::frame::Frame;
use super::page;
use super::view::{Markup, View};
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::fleet::command::{CommandName, LIFETIME_S, Wanted};
use crate::fleet::label::{self, Reach};
use crate::fleet::store::report::{self, Counts, Filter};
use crate::fleet::{DeviceCommand, FleetDevice, Report};
use crate::ingest::formats::profile::Profile;
use crate::stations::certificate::from_hex;
use crate::stations::desk::{self, DeviceError, GRACE_S, MAX_GRACE_S};
use crate::stations::{Device, DeviceCertificate, store};
use crate::web::auth::{May, can};
use crate::web::error::ApiError;

/// Rows of an export.
const EXPORT: i64 = 50_000;
/// The newest commands of a device that its page shows.
const COMMANDS: i64 = 20;
/// Rows on one page.
const PAGE: i64 = 200;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/console/devices", get(list).post(create))
        .route("/console/devices/{code}", get(show).post(act))
        .route("/console/devices.csv", get(export))
}

/// How a device publishes, as commands that can be copied.
struct Example {
    mqtt: String,
    /// Empty when the endpoint speaks no TLS.
    tls: String,
    http: String,
}

#[derive(Template)]
#[template(path = "devices.html")]
struct DevicesPage {
    f: Frame,
    rows: Vec<FleetDevice>,
    counts: Counts,
    wanted: Wish,
    /// Certificates that are accepted, by code of the device.
    certificates: HashMap<String, usize>,
    /// What was filled in before something was wrong with it.
    given: NewDevice,
    wrong: String,
    example: Example,
    /// Where the next page begins.
    next: Option<String>,
}

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
    certificates: Vec<DeviceCertificate>,
    example: Example,
    /// The secret just made, shown this once.
    fresh: Option<String>,
    wrong: String,
    grace_min: u32,
    max_grace_min: u32,
}

/// What the list is asked for.
#[derive(Clone, Debug, Default, Deserialize)]
struct Wish {
    #[serde(default)]
    from: i64,
    #[serde(default)]
    q: String,
    /// "offline", "low" or "old"; anything else is all.
    #[serde(default)]
    only: String,
}

impl Wish {
    fn filter(&self) -> Filter {
        Filter {
            search: self.q.trim().chars().take(64).collect(),
            offline: self.only == "offline",
            low_battery: self.only == "low",
            old_firmware: self.only == "old",
        }
    }

    /// The address of the list with this choice and beginning.
    fn address(&self, path: &str, only: &str, from: i64) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("q", self.q.trim()).append_pair("only", only).append_pair("from", &from.to_string());
        format!("{path}?{}", query.finish())
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
struct NewDevice {
    #[serde(default)]
    code: String,
    #[serde(default)]
    station: String,
}

/// The forms of a device's own page, told apart by `act`.
#[derive(Debug, Deserialize)]
struct Given {
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
struct Outcome {
    fresh: Option<String>,
    wrong: String,
}

async fn list(
    State(app): State<App>,
    _: May<can::ManageDevices>,
    v: View,
    Query(query): Query<Wish>,
) -> Result<Response, ApiError> {
    list_page(&app, v, query, (NewDevice::default(), String::new())).await
}

async fn list_page(
    app: &App,
    v: View,
    wanted: Wish,
    (given, wrong): (NewDevice, String),
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let from = wanted.from.clamp(0, 1_000_000_000);
    let mut rows = report::fleet(&mut conn, &wanted.filter(), PAGE + 1, from).await?;
    let counts = report::counts(&mut conn).await?;
    let next = (rows.len() > PAGE as usize)
        .then(|| wanted.address("/console/devices", &wanted.only, from.saturating_add(PAGE)));
    rows.truncate(PAGE as usize);
    let mut certificates = HashMap::new();
    for held in store::certificates(&mut conn, None).await? {
        if is_live(&v, &held) {
            *certificates.entry(held.device).or_default() += 1;
        }
    }
    let example = example(app, &v, "PCD-01", "rain", "mm");
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let f = Frame::load(&mut conn, app, v, "admin").await?;
    Ok((status, page(&DevicesPage { f, rows, counts, wanted, certificates, given, wrong, example, next })?)
        .into_response())
}

/// The filtered list as a file, without anything secret.
async fn export(
    State(app): State<App>,
    _: May<can::ManageDevices>,
    v: View,
    Query(query): Query<Wish>,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let rows = report::fleet(&mut conn, &query.filter(), EXPORT, 0).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"dispositivos-{}.csv\"", v.now.format("%Y%m%d"))),
    ];
    Ok((headers, csv_of(&rows).map_err(|error| ApiError::Internal(error.into()))?).into_response())
}

fn csv_of(rows: &[FleetDevice]) -> csv::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record([
        "code",
        "station",
        "enabled",
        "online",
        "last_seen_at",
        "profile",
        "hardware_id",
        "firmware",
        "battery_pct",
        "signal_dbm",
        "clock_offset_ms",
        "reported_at",
    ])?;
    let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    let instant = |at: Option<crate::clock::Instant>| at.map(|at| at.to_rfc3339()).unwrap_or_default();
    for FleetDevice { device, report } in rows {
        let firmware = report.firmware.clone().unwrap_or_default();
        // A spreadsheet would run what begins so.
        let firmware = if firmware.starts_with(['=', '+', '-', '@']) { format!("'{firmware}") } else { firmware };
        writer.write_record([
            device.code.clone(),
            device.station_code.clone(),
            device.enabled.to_string(),
            device.online.to_string(),
            instant(device.last_seen_at),
            device.profile.clone(),
            device.hardware_id.clone().unwrap_or_default(),
            firmware,
            number(report.battery_pct),
            number(report.signal_dbm),
            report.clock_offset_ms.map(|offset| offset.to_string()).unwrap_or_default(),
            instant(report.reported_at),
        ])?;
    }
    Ok(writer.into_inner().map_err(|error| error.into_error())?)
}

async fn create(
    State(app): State<App>,
    staff: May<can::ManageDevices>,
    v: View,
    Form(given): Form<NewDevice>,
) -> Result<Response, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let (code, station) = (given.code.trim().to_owned(), given.station.trim().to_owned());
    let mut tx = app.db.web.begin().await?;
    match desk::add(&mut tx, by, &code, &station, false).await {
        Ok(secret) => {
            tx.commit().await?;
            device_page(&app, v, &code, Outcome { fresh: Some(secret), ..Outcome::default() }).await
        }
        Err(error) => {
            drop(tx);
            let wrong = sentence(&v, error, "device-taken")?;
            list_page(&app, v, Wish::default(), (given, wrong)).await
        }
    }
}

async fn show(
    State(app): State<App>,
    _: May<can::ManageDevices>,
    v: View,
    Path(code): Path<String>,
) -> Result<Response, ApiError> {
    device_page(&app, v, &code, Outcome::default()).await
}

async fn device_page(app: &App, v: View, code: &str, outcome: Outcome) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let device = desk::find(&mut conn, code).await?;
    let report = report::one(&mut conn, code).await?.map(|found| found.report).unwrap_or_default();
    let commands = crate::fleet::store::commands(&mut conn, code, COMMANDS, 0).await?;
    let certificates = store::certificates(&mut conn, Some(code)).await?;
    let streams = store::datastreams(&mut conn, &[device.station_id.0]).await?;
    let (name, unit) = streams.first().map_or(("rain", "mm"), |stream| (stream.name.as_str(), stream.unit.as_str()));
    let example = example(app, &v, code, name, unit);
    let Outcome { fresh, wrong } = outcome;
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let f = Frame::load(&mut conn, app, v, "admin").await?;
    let (grace_min, max_grace_min) = (GRACE_S / 60, MAX_GRACE_S / 60);
    let profiles = app.config.ingest.profiles.iter().map(|profile| profile.name.clone()).collect();
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
        certificates,
        example,
        fresh,
        wrong,
        grace_min,
        max_grace_min,
    };
    Ok((status, page(&shown)?).into_response())
}

async fn act(
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
            crate::fleet::desk::issue(conn, by, code, &command(given)?).await?;
        }
        "cancel-command" => {
            let gone = || DeviceError::NotFound(format!("command of device {code}"));
            crate::fleet::desk::cancel(conn, by, code, given.id.parse().map_err(|_| gone())?).await?;
        }
        "retire" => desk::retire(conn, by, code).await?,
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
                "expected configure, rotate, retire, revoke, enable, certificate or revoke-certificate".into();
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

/// The sentence for people; `Err` for what is no refusal but a failure. `taken` is the text of a conflict.
fn sentence(v: &View, error: DeviceError, taken: &str) -> Result<String, ApiError> {
    let key = match &error {
        DeviceError::Wrong { field: "code", .. } => "device-wrong-code",
        DeviceError::Wrong { field: "station", .. } => "device-wrong-station",
        DeviceError::Wrong { field: "grace_s", .. } => "device-wrong-grace",
        DeviceError::Wrong { field: "profile", .. } => "device-wrong-profile",
        DeviceError::Wrong { field: "hardware_id", .. } => "device-wrong-hardware",
        DeviceError::Wrong { field: "certificate", .. } => "device-wrong-certificate",
        DeviceError::NotFound(_) => "device-moved",
        DeviceError::Conflict(_) => taken,
        _ => return Err(error.into()),
    };
    Ok(v.t(key))
}

fn is_live(v: &View, certificate: &DeviceCertificate) -> bool {
    certificate.revoked_at.is_none() && certificate.not_after > v.now
}

fn example(app: &App, v: &View, code: &str, stream: &str, unit: &str) -> Example {
    let site = app.config.public_url();
    let parsed = url::Url::parse(&site).ok();
    let host = parsed.as_ref().and_then(url::Url::host_str).unwrap_or("127.0.0.1");
    let port = |listen: &str| listen.rsplit_once(':').map(|(_, port)| port.to_owned());
    let at = v.now.format("%Y-%m-%dT%H:%M:00Z");
    let payload = format!(r#"{{"id":"1","readings":[{{"stream":"{stream}","at":"{at}","value":0,"unit":"{unit}"}}]}}"#);
    let (plain, tls) = (port(&app.config.mqtt.listen), port(&app.config.mqtt.tls_listen));
    let publish = |options: String| {
        format!("mosquitto_pub -h {host} {options} -q 1 \\\n  -t v1/devices/{code}/readings \\\n  -m '{payload}'")
    };
    Example {
        mqtt: publish(format!("-p {} -u {code} -P SECRET", plain.as_deref().unwrap_or("1883"))),
        tls: tls
            .map(|port| publish(format!("-p {port} --cafile ca.pem --cert device.pem --key device.key")))
            .unwrap_or_default(),
        http: format!(
            "curl -X POST {}/api/v1/readings \\\n  -H 'Authorization: Bearer {code}.SECRET' \\\n  -H 'Content-Type: application/json' \\\n  -d '{payload}'",
            site.trim_end_matches('/')
        ),
    }
}

/// Class and word of the tag that tells how a device stands.
fn device_state(v: &View, device: &Device) -> (&'static str, String) {
    let (class, word) = match (device.enabled, device.online) {
        (false, _) => ("bad", "revoked"),
        (true, true) => ("good", "online"),
        (true, false) => ("wait", "offline"),
    };
    (class, v.word("device-state", word))
}

/// How far a device is with a new secret; empty when it has one only.
fn rotation(v: &View, device: &Device) -> String {
    match (device.has_previous, device.previous_ends_at) {
        (false, _) => String::new(),
        (true, None) => v.t("device-previous-waits"),
        (true, Some(at)) if at <= v.now => v.t1("device-previous-ended", "at", v.when(at)),
        (true, Some(at)) => v.t1("device-previous-ends", "at", v.when(at)),
    }
}

/// How far the device's clock is off, in words; nothing when that is not known.
fn clock_words(v: &View, report: &Report) -> String {
    match report.clock_offset_ms {
        None => "–".to_owned(),
        Some(offset) if offset.abs() < 2000 => v.t("fleet-clock-right"),
        Some(offset) if offset > 0 => v.t1("fleet-clock-behind", "s", v.count(offset / 1000)),
        Some(offset) => v.t1("fleet-clock-ahead", "s", v.count(-offset / 1000)),
    }
}

/// Class and words of a battery's tag.
fn battery_words(v: &View, report: &Report) -> Option<(&'static str, String)> {
    let pct = report.battery_pct?;
    let (class, word) = if pct < crate::fleet::LOW_BATTERY_PCT { ("bad", "low") } else { ("good", "good") };
    Some((class, format!("{} % · {}", v.decimal(pct.round()), v.word("fleet-battery", word))))
}

impl DevicesPage {
    /// Word, number and address of each choice of the list.
    fn choices(&self) -> [(&'static str, String, String); 4] {
        let (v, counts) = (&self.f.v, self.counts);
        let all = [
            ("", "fleet-all", counts.all),
            ("offline", "fleet-offline", counts.offline),
            ("low", "fleet-low", counts.low_battery),
            ("old", "fleet-old", counts.old_firmware),
        ];
        all.map(|(only, key, n)| (only, v.t1(key, "n", v.count(n)), self.wanted.address("/console/devices", only, 0)))
    }

    fn export(&self) -> String {
        self.wanted.address("/console/devices.csv", &self.wanted.only, 0)
    }

    fn battery(&self, report: &Report) -> Option<(&'static str, String)> {
        battery_words(&self.f.v, report)
    }

    fn clock(&self, report: &Report) -> String {
        clock_words(&self.f.v, report)
    }

    fn state(&self, device: &Device) -> (&'static str, String) {
        device_state(&self.f.v, device)
    }

    fn rotation(&self, device: &Device) -> String {
        rotation(&self.f.v, device)
    }

    fn certificates(&self, device: &Device) -> usize {
        self.certificates.get(&device.code).copied().unwrap_or(0)
    }
}

impl DevicePage {
    fn battery(&self) -> Option<(&'static str, String)> {
        battery_words(&self.f.v, &self.report)
    }

    fn clock(&self) -> String {
        clock_words(&self.f.v, &self.report)
    }

    fn names(&self) -> Vec<(&'static str, String)> {
        CommandName::ALL.iter().map(|name| (name.as_str(), self.f.v.word("command-name", name.as_str()))).collect()
    }

    /// Class and word of a command's tag.
    fn command_state(&self, command: &DeviceCommand) -> (&'static str, String) {
        use crate::fleet::command::CommandState::{Acknowledged, Expired, Failed};
        let class = match command.state {
            Acknowledged => "good",
            Failed | Expired => "bad",
            _ => "wait",
        };
        (class, self.f.v.word("command-state", command.state.as_str()))
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
