//! Imports into PostgreSQL: everything or nothing, and the same file again changes nothing.

mod residents;

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use sqlx::{Acquire, PgConnection};

pub use residents::store_residents;

use super::{
    Format, ImportError, NewObservation, Problems, StationWithStreams, StreamName, parse_readings, parse_residents,
    parse_stations, read,
};
use crate::accounts::tokens::desk::Acting;
use crate::areas::{Standing, import as areas};
use crate::audit::{Act, Actor, Entry, record};
use crate::clock::Instant;
use crate::events::{self, Event};
use crate::ids::{DatastreamId, DeviceId, Ids};
use crate::ingest::quality::{Subject, judge};
use crate::ingest::{NewReading, Source};
use crate::stations::Change;
use crate::stations::store::{upsert_datastream, upsert_device, upsert_station};
use crate::units::{Fixed, Measure};

/// What an import brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Areas,
    Stations,
    Residents,
}

/// What an import did, or would have done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Report {
    pub created: u32,
    pub updated: u32,
    pub unchanged: u32,
    /// Rows of residents who are known already under another key, or by their own subscription, by telephone or mailbox and name; and
    /// rows that say the same person twice.
    pub merged: u32,
    /// Nothing was stored because the caller asked only to look.
    pub dry_run: bool,
    /// What became, or would become, of single rows of residents that change something or were merged; the first 500.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<RowReport>,
}

/// What becomes of one row of a file. It names fields and never what is in them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct RowReport {
    /// Of the file, counted from 1.
    pub line: usize,
    /// created, updated, merged or repeated.
    pub what: &'static str,
    /// The fields that change.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<&'static str>,
}

/// Rows that a report tells one by one.
const MOST_TOLD: usize = 500;

impl Report {
    fn tell(&mut self, row: RowReport) {
        if self.rows.len() < MOST_TOLD {
            self.rows.push(row);
        }
    }

    const fn count(&mut self, change: Change) {
        match change {
            Change::Created => self.created += 1,
            Change::Updated => self.updated += 1,
            Change::Unchanged => self.unchanged += 1,
        }
    }
}

/// How an import runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    pub dry_run: bool,
    /// Marks residents as invented, for demonstrations.
    pub fictional: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum ImportFailure {
    #[error("{0}")]
    Problems(Problems),
    /// Something stands on the areas that would change.
    #[error("{}", crate::areas::desk::standing_words(.0))]
    Standing(Vec<Standing>),
    #[error("the import could not be stored: {0}")]
    Database(#[from] sqlx::Error),
}

impl From<areas::Failure> for ImportFailure {
    fn from(failure: areas::Failure) -> Self {
        match failure {
            areas::Failure::Problems(problems) => Self::Problems(problems),
            areas::Failure::Standing(standing) => Self::Standing(standing),
            areas::Failure::Database(error) => Self::Database(error),
        }
    }
}

impl From<Problems> for ImportFailure {
    fn from(problems: Problems) -> Self {
        Self::Problems(problems)
    }
}

impl From<ImportError> for ImportFailure {
    fn from(error: ImportError) -> Self {
        Self::Problems(Problems::one(error))
    }
}

/// Reads a file and stores what it describes, in one transaction.
///
/// # Errors
/// Every error of the file at once, or the database's; nothing is stored then.
pub async fn import(
    conn: &mut PgConnection,
    ids: &Ids,
    now: Instant,
    kind: Kind,
    (format, bytes): (Format, &[u8]),
    options: Options,
    actor: &Actor,
) -> Result<Report, ImportFailure> {
    if kind == Kind::Areas {
        let wish = areas::Wish { dry_run: options.dry_run, ..areas::Wish::default() };
        let outcome = areas::take(conn, Acting { ids, now, actor }, (format, bytes), wish).await?;
        return Ok(Report {
            created: outcome.created,
            updated: outcome.updated + outcome.returned,
            unchanged: outcome.unchanged,
            dry_run: outcome.dry_run,
            ..Report::default()
        });
    }
    let records = read(format, bytes)?;
    let mut tx = conn.begin().await?;
    let mut report = match kind {
        // Went its own way above.
        Kind::Areas => Report::default(),
        Kind::Stations => store_stations(&mut tx, now, &parse_stations(&records)?).await?,
        Kind::Residents => store_residents(&mut tx, ids, now, &parse_residents(&records)?, options.fictional).await?,
    };
    report.dry_run = options.dry_run;
    if options.dry_run {
        tx.rollback().await?;
    } else {
        if report.created + report.updated + report.merged > 0 {
            events::notify(&mut tx, &Event::Catalogue).await?;
        }
        record(&mut tx, ids, now, actor, entry(kind, &report, bytes)).await?;
        tx.commit().await?;
    }
    Ok(report)
}

/// How much came, from which file; of residents nothing else.
fn entry(kind: Kind, report: &Report, bytes: &[u8]) -> Entry {
    let (act, object) = match kind {
        Kind::Areas | Kind::Stations => (Act::CatalogueImport, "stations"),
        Kind::Residents => (Act::ResidentsImport, "residents"),
    };
    let Report { created, updated, unchanged, merged, .. } = report;
    let sha256 = crate::hexadecimal::hex(&Sha256::digest(bytes));
    Entry::new(act, "import", object)
        .to(json!({ "created": created, "updated": updated, "unchanged": unchanged, "merged": merged, "file_sha256": sha256 }))
}

async fn store_stations(
    conn: &mut PgConnection,
    now: Instant,
    stations: &[StationWithStreams],
) -> Result<Report, ImportFailure> {
    let mut report = Report::default();
    for given in stations {
        let (id, mut change) = upsert_station(conn, now, &given.station).await?;
        let mut parts = Vec::new();
        for stream in &given.streams {
            parts.push(upsert_datastream(conn, now, id, stream).await?);
        }
        if let Some(device) = &given.device {
            parts.push(upsert_device(conn, now, &device.code, id, &device.secret_sha256).await?);
        }
        if change == Change::Unchanged && parts.iter().any(|part| *part != Change::Unchanged) {
            change = Change::Updated;
        }
        report.count(change);
    }
    Ok(report)
}

/// Reads a file of readings and looks up the stream of each; nothing is written.
///
/// # Errors
/// Every error of the file at once: unknown stations and streams, units that do not fit, instants to come.
pub async fn readings(
    conn: &mut PgConnection,
    now: Instant,
    format: Format,
    bytes: &[u8],
) -> Result<Vec<NewReading>, ImportFailure> {
    resolve(conn, now, &parse_readings(&read(format, bytes)?)?).await
}

/// Looks up the stream of each observation and brings its value to the stored unit.
///
/// # Errors
/// As [`readings`].
pub async fn resolve(
    conn: &mut PgConnection,
    now: Instant,
    observations: &[NewObservation],
) -> Result<Vec<NewReading>, ImportFailure> {
    let streams = KnownStreams::load(conn).await?;
    let mut problems = Problems::default();
    let mut readings = Vec::with_capacity(observations.len());
    for observation in observations {
        match streams.reading(observation, now) {
            Ok(reading) => readings.push(reading),
            Err((field, value, message)) => {
                problems.push(ImportError::new(observation.line, None, field, &value, message));
            }
        }
    }
    Ok(problems.or(readings)?)
}

struct KnownStream {
    id: DatastreamId,
    name: String,
    subject: Subject,
    unit: String,
    tip_mm: Option<f64>,
}

/// Every stream by its station's code.
struct KnownStreams {
    streams: HashMap<String, Vec<KnownStream>>,
    devices: HashMap<String, DeviceId>,
}

impl KnownStreams {
    async fn load(conn: &mut PgConnection) -> sqlx::Result<Self> {
        let rows = sqlx::query!(
            r#"select s.code, d.id as "id: DatastreamId", d.name, d.quantity, d.unit, d.kind, d.interval_s, d.tip_mm,
                   d.limits as "limits: sqlx::types::Json<crate::risk::control::Overrides>"
               from datastream d join station s on s.id = d.station_id where not s.is_virtual order by d.id"#
        )
        .fetch_all(&mut *conn)
        .await?;
        let mut streams: HashMap<String, Vec<KnownStream>> = HashMap::new();
        for row in rows {
            let quantity = row.quantity.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
            let kind = row.kind.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
            streams.entry(row.code).or_default().push(KnownStream {
                id: row.id,
                name: row.name,
                subject: Subject { quantity, kind, interval_s: row.interval_s, range: row.limits.0.range },
                unit: row.unit,
                tip_mm: row.tip_mm,
            });
        }
        let devices = sqlx::query!(r#"select code, id as "id: DeviceId" from device"#).fetch_all(conn).await?;
        Ok(Self { streams, devices: devices.into_iter().map(|row| (row.code, row.id)).collect() })
    }

    fn find(&self, given: &NewObservation) -> Result<&KnownStream, (&'static str, String, String)> {
        let Some(streams) = self.streams.get(&given.station) else {
            return Err(("station", given.station.clone(), "is no station with streams; import stations first".into()));
        };
        let fits = |stream: &&KnownStream| match &given.stream {
            StreamName::Name(name) => stream.name == *name,
            StreamName::Measures(quantity) => stream.subject.quantity == *quantity,
        };
        let mut found = streams.iter().filter(fits);
        match (found.next(), found.next()) {
            (Some(stream), None) => Ok(stream),
            (None, _) => {
                let known: BTreeMap<&str, ()> = streams.iter().map(|stream| (stream.name.as_str(), ())).collect();
                let known: Vec<&str> = known.into_keys().collect();
                let (field, value) = match &given.stream {
                    StreamName::Name(name) => ("stream", name.clone()),
                    StreamName::Measures(quantity) => ("quantity", quantity.to_string()),
                };
                Err((field, value, format!("station {} has only: {}", given.station, known.join(", "))))
            }
            (Some(_), Some(_)) => {
                let message = format!("station {} has several such streams; name one in `stream`", given.station);
                Err(("quantity", given.station.clone(), message))
            }
        }
    }

    fn device(&self, given: &NewObservation) -> Result<Option<DeviceId>, (&'static str, String, String)> {
        let Some(code) = &given.device else { return Ok(None) };
        let known = self.devices.get(code).copied();
        known
            .map(Some)
            .ok_or_else(|| ("device", code.clone(), "is no device; import stations with their devices first".into()))
    }

    fn reading(&self, given: &NewObservation, now: Instant) -> Result<NewReading, (&'static str, String, String)> {
        let stream = self.find(given)?;
        if given.observed_at > now {
            return Err(("at", given.observed_at.to_rfc3339(), "lies in the future".into()));
        }
        let unit = given.unit.as_deref().unwrap_or(&stream.unit);
        let Subject { quantity, interval_s, .. } = stream.subject;
        let (factor, offset) = Measure { quantity, interval_s, tip_mm: stream.tip_mm }
            .conversion(unit)
            .map_err(|refused| ("unit", unit.to_owned(), refused.to_string()))?;
        let value = Fixed::try_from(given.value * factor + offset)
            .map_err(|error| ("value", given.value.to_string(), error.to_string()))?;
        let (quality, quality_reason) = judge(stream.subject, value);
        Ok(NewReading {
            datastream_id: stream.id,
            device_id: self.device(given)?,
            message_id: given.message.clone(),
            observed_at: given.observed_at,
            value,
            quality,
            quality_reason,
            source: Source::Import,
        })
    }
}
