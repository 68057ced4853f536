//! Devices: what publishes readings, by what it signs in, and everything that is done with that.

use std::collections::HashMap;

use askama::Template;
use axum::Router;
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;
use sqlx::PgConnection;

use super::frame::Frame;
use super::page;
use super::view::View;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::ingest::formats::profile::Profile;
use crate::stations::certificate::from_hex;
use crate::stations::desk::{self, DeviceError, GRACE_S, MAX_GRACE_S};
use crate::stations::{Device, DeviceCertificate, store};
use crate::web::auth::{May, can};
use crate::web::error::ApiError;

/// Rows on one page.
const PAGE: i64 = 200;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/console/devices", get(list).post(create))
        .route("/console/devices/{code}", get(show).post(act))
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
    rows: Vec<Device>,
    /// Certificates that are accepted, by code of the device.
    certificates: HashMap<String, usize>,
    /// What was filled in before something was wrong with it.
    given: NewDevice,
    wrong: String,
    example: Example,
    /// Where the next page begins.
    next: Option<i64>,
}

#[derive(Template)]
#[template(path = "device.html")]
struct DevicePage {
    f: Frame,
    device: Device,
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

#[derive(Debug, Deserialize)]
struct From {
    #[serde(default)]
    from: i64,
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
    Query(query): Query<From>,
) -> Result<Response, ApiError> {
    list_page(&app, v, query.from.max(0), (NewDevice::default(), String::new())).await
}

async fn list_page(app: &App, v: View, from: i64, (given, wrong): (NewDevice, String)) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let mut rows = store::devices(&mut conn, PAGE + 1, from).await?;
    let next = (rows.len() > PAGE as usize).then_some(from + PAGE);
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
    Ok((status, page(&DevicesPage { f, rows, certificates, given, wrong, example, next })?).into_response())
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
            list_page(&app, v, 0, (given, wrong)).await
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
    let certificates = store::certificates(&mut conn, Some(code)).await?;
    let streams = store::datastreams(&mut conn, &[device.station_id.0]).await?;
    let (name, unit) = streams.first().map_or(("rain", "mm"), |stream| (stream.name.as_str(), stream.unit.as_str()));
    let example = example(app, &v, code, name, unit);
    let Outcome { fresh, wrong } = outcome;
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let f = Frame::load(&mut conn, app, v, "admin").await?;
    let (grace_min, max_grace_min) = (GRACE_S / 60, MAX_GRACE_S / 60);
    let profiles = app.config.ingest.profiles.iter().map(|profile| profile.name.clone()).collect();
    let shown = DevicePage { f, device, profiles, certificates, example, fresh, wrong, grace_min, max_grace_min };
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
            let wrong = sentence(&v, error, taken)?;
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

impl DevicesPage {
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
