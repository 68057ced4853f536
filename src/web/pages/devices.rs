//! Devices: what publishes readings. The list, what it leaves out, and how a new one is made; [`one`] is the page of a device.

mod one;
mod words;

use std::collections::HashMap;

use askama::Template;
use axum::Router;
use axum::extract::{Form, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;

use self::words::{Example, battery_words, clock_words, device_state, example, is_live, rotation, sentence};
use super::frame::Frame;
use super::page;
use super::view::View;
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::clock::Instant;
use crate::fleet::store::report::{self, Counts, Filter};
use crate::fleet::{Contact, FleetDevice, Report, quiet_since};
use crate::stations::desk::{self, DeviceError};
use crate::stations::{Device, store};
use crate::web::auth::{May, can};
use crate::web::error::ApiError;

/// Rows of an export.
const EXPORT: i64 = 50_000;
/// Rows on one page.
const PAGE: i64 = 200;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/console/devices", get(list).post(create))
        .route("/console/devices/{code}", get(one::show).post(one::act))
        .route("/console/devices.csv", get(export))
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
    /// Names of those in the configuration.
    profiles: Vec<String>,
    wrong: String,
    example: Example,
    /// Where the next page begins.
    next: Option<String>,
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
    fn filter(&self, now: Instant) -> Filter {
        Filter {
            search: self.q.trim().chars().take(64).collect(),
            quiet_since: (self.only == "offline").then(|| quiet_since(now)),
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
    #[serde(default)]
    profile: String,
    #[serde(default)]
    hardware_id: String,
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
    let mut rows = report::fleet(&mut conn, &wanted.filter(v.now), PAGE + 1, from).await?;
    let counts = report::counts(&mut conn, quiet_since(v.now)).await?;
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
    let profiles = app.config.ingest.profiles.iter().map(|profile| profile.name.clone()).collect();
    let shown = DevicesPage { f, rows, counts, wanted, certificates, given, profiles, wrong, example, next };
    Ok((status, page(&shown)?).into_response())
}

/// The filtered list as a file, without anything secret.
async fn export(
    State(app): State<App>,
    _: May<can::ManageDevices>,
    v: View,
    Query(query): Query<Wish>,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let rows = report::fleet(&mut conn, &query.filter(v.now), EXPORT, 0).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"dispositivos-{}.csv\"", v.now.format("%Y%m%d"))),
    ];
    Ok((headers, csv_of(&rows, v.now).map_err(|error| ApiError::Internal(error.into()))?).into_response())
}

fn csv_of(rows: &[FleetDevice], now: Instant) -> csv::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record([
        "code",
        "station",
        "enabled",
        "online",
        "contact",
        "heard_by",
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
    let instant = |at: Option<Instant>| at.map(|at| at.to_rfc3339()).unwrap_or_default();
    for FleetDevice { device, report } in rows {
        let firmware = report.firmware.clone().unwrap_or_default();
        // A spreadsheet would run what begins so.
        let firmware = if firmware.starts_with(['=', '+', '-', '@']) { format!("'{firmware}") } else { firmware };
        writer.write_record([
            device.code.clone(),
            device.station_code.clone(),
            device.enabled.to_string(),
            device.online.to_string(),
            Contact::of(device, now).as_str().to_owned(),
            device.heard_by.clone(),
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
    let format = (given.profile.trim(), given.hardware_id.trim());
    let made = async {
        let added = desk::add(&mut tx, by, &code, &station, false).await;
        let secret = added.map_err(|error| (error, "device-taken"))?;
        if format != ("", "") {
            let configured = desk::configure(&mut tx, by, &code, format, &app.config.ingest.profiles).await;
            configured.map_err(|error| (error, "device-hardware-taken"))?;
        }
        Ok::<_, (DeviceError, &str)>(secret)
    };
    match made.await {
        Ok(secret) => {
            tx.commit().await?;
            one::device_page(&app, v, &code, one::Outcome { fresh: Some(secret), ..one::Outcome::default() }).await
        }
        Err((error, taken)) => {
            drop(tx);
            let wrong = sentence(&v, error, taken)?;
            list_page(&app, v, Wish::default(), (given, wrong)).await
        }
    }
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
