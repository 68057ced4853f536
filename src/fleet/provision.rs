//! Many devices from one CSV file: all of them or none, with everything that is wrong by its line.
//!
//! Columns `code,station,profile,hardware_id,secret`; the last three may be empty or missing. Secrets that the file does not
//! bring are made here. They are told once, to whoever brought the file, and kept as hashes only.

use std::collections::HashMap;
#[cfg(test)]
use std::collections::HashSet;

use serde_json::json;
use sqlx::PgConnection;

use super::store::report::{Known, known};
use crate::accounts::tokens::desk::Acting;
use crate::audit::{self, Act, Entry};
use crate::catalogue::csv_reader;
use crate::catalogue::problems::{ImportError, Problems};
use crate::catalogue::record::{Fields, Record};
use crate::events::{self, Event};
use crate::ids::StationId;
use crate::ingest::formats::profile::Profile;
use crate::stations::device::{MIN_SECRET_LENGTH, secret_sha256};
use crate::stations::is_hardware_id;
use crate::stations::store::{configure_device, upsert_device};

/// Devices in one file.
pub const MAX_ROWS: usize = 500;
/// Bytes of one file.
pub const MAX_BYTES: usize = 256 * 1024;
const MAX_SECRET: usize = 128;
const COLUMNS: [&str; 5] = ["code", "station", "profile", "hardware_id", "secret"];

/// A device as the file describes it.
#[derive(Clone, PartialEq, Eq)]
struct Row {
    line: usize,
    code: String,
    station: String,
    profile: String,
    hardware_id: Option<String>,
    secret: Option<String>,
}

/// A device that was made, with the secret that is told this once.
#[derive(Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Provisioned {
    pub code: String,
    pub station: String,
    pub secret: String,
}

impl std::fmt::Debug for Provisioned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provisioned").field("code", &self.code).finish_non_exhaustive()
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    #[error("{0}")]
    Wrong(#[from] Problems),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Takes all devices of a file in.
///
/// # Errors
/// Everything that is wrong with the file; nothing was stored then.
pub async fn provision(
    conn: &mut PgConnection,
    by: Acting<'_>,
    file: &[u8],
    profiles: &[Profile],
) -> Result<Vec<Provisioned>, ProvisionError> {
    let rows = parse(file, profiles)?;
    let stations = fitting(&rows, &known(conn, &wanted(&rows)).await?)?;
    let mut made = Vec::with_capacity(rows.len());
    for (row, station) in rows.into_iter().zip(stations) {
        let secret = row.secret.unwrap_or_else(|| by.ids.secret());
        upsert_device(conn, by.now, &row.code, station, &secret_sha256(&row.code, &secret)).await?;
        configure_device(conn, &row.code, &row.profile, row.hardware_id.as_deref()).await?;
        let after = json!({"station": row.station, "profile": row.profile, "hardware_id": row.hardware_id});
        audit::record(conn, by.ids, by.now, by.actor, Entry::new(Act::DeviceAdd, "device", &row.code).to(after))
            .await?;
        made.push(Provisioned { code: row.code, station: row.station, secret });
    }
    events::notify(conn, &Event::Devices).await?;
    Ok(made)
}

fn parse(file: &[u8], profiles: &[Profile]) -> Result<Vec<Row>, Problems> {
    let whole = |field: &str, message: String| Problems::one(ImportError::new(1, None, field, "", message));
    if file.len() > MAX_BYTES {
        return Err(whole("file", format!("is larger than {MAX_BYTES} bytes")));
    }
    let text = std::str::from_utf8(file).map_err(|_| whole("file", "is not UTF-8".into()))?;
    // Spreadsheets begin a file with the mark of its encoding.
    let records = csv_reader::read(text.trim_start_matches('\u{feff}'))?;
    if records.len() > MAX_ROWS {
        return Err(whole("file", format!("has {} devices; at most {MAX_ROWS} are taken at once", records.len())));
    }
    let mut problems = Problems::default();
    for column in records.first().into_iter().flat_map(|record| record.fields.keys()) {
        if !COLUMNS.contains(&column.as_str()) {
            let message = format!("is no column of devices; expected {}", COLUMNS.join(", "));
            problems.push(ImportError::new(1, None, "header", column, message));
        }
    }
    let rows: Vec<Row> = records.iter().filter_map(|record| row(record, &mut problems, profiles)).collect();
    refuse_doubles(&rows, &mut problems);
    problems.or(rows)
}

fn row(record: &Record, problems: &mut Problems, profiles: &[Profile]) -> Option<Row> {
    let mut fields = Fields::of(record, problems);
    let (code, station) = (fields.code("code"), fields.code("station"));
    let profile = fields.text("profile").unwrap_or_default();
    if !profile.is_empty() && !profiles.iter().any(|known| known.name == profile) {
        let known: Vec<&str> = profiles.iter().map(|known| known.name.as_str()).collect();
        fields.wrong(
            "profile",
            &profile,
            format!("the configuration has no such profile; it has: {}", known.join(", ")),
        );
    }
    let hardware_id = fields.text("hardware_id").map(|id| id.to_lowercase());
    if let Some(id) = hardware_id.as_deref().filter(|id| !is_hardware_id(id)) {
        fields.wrong("hardware_id", id, "expected 1 to 64 letters, digits, `_`, `.`, `:` or `-`, such as the DevEUI");
    }
    let secret = fields.text("secret");
    if let Some(secret) = &secret
        && (!(MIN_SECRET_LENGTH..=MAX_SECRET).contains(&secret.len()) || !secret.bytes().all(|b| b.is_ascii_graphic()))
    {
        // The value itself is not shown.
        let message = format!("expected {MIN_SECRET_LENGTH} to {MAX_SECRET} letters, digits and marks, or nothing");
        fields.wrong("secret", "", message);
    }
    Some(Row { line: record.line, code: code?, station: station?, profile, hardware_id, secret })
}

fn refuse_doubles(rows: &[Row], problems: &mut Problems) {
    let (mut codes, mut names) = (HashMap::new(), HashMap::new());
    for row in rows {
        if let Some(line) = codes.insert(&row.code, row.line) {
            problems.push(double(row, "code", &row.code, line));
        }
        if let Some(id) = &row.hardware_id
            && let Some(line) = names.insert(id, row.line)
        {
            problems.push(double(row, "hardware_id", id, line));
        }
    }
}

fn double(row: &Row, field: &str, value: &str, earlier: usize) -> ImportError {
    ImportError::new(row.line, None, field, value, format!("stands in line {earlier} already"))
}

/// What to ask the database about.
fn wanted(rows: &[Row]) -> Known {
    Known {
        codes: rows.iter().map(|row| row.code.clone()).collect(),
        hardware_ids: rows.iter().filter_map(|row| row.hardware_id.clone()).collect(),
        stations: rows.iter().map(|row| (row.station.clone(), StationId(0))).collect(),
    }
}

/// The station of each row, when all rows fit what is there.
fn fitting(rows: &[Row], known: &Known) -> Result<Vec<StationId>, Problems> {
    let mut problems = Problems::default();
    let mut stations = Vec::with_capacity(rows.len());
    for row in rows {
        let mut wrong = |field: &str, value: &str, message: &str| {
            problems.push(ImportError::new(row.line, None, field, value, message));
        };
        match known.stations.get(&row.station) {
            Some(id) => stations.push(*id),
            None => wrong("station", &row.station, "there is no station with this code"),
        }
        if known.codes.contains(&row.code) {
            wrong("code", &row.code, "there is a device with this code already");
        }
        if let Some(id) = row.hardware_id.as_ref().filter(|id| known.hardware_ids.contains(*id)) {
            wrong("hardware_id", id, "another device has this hardware id");
        }
    }
    problems.or(stations)
}

/// The secrets as a CSV file.
pub fn to_csv(made: &[Provisioned]) -> String {
    let mut text = String::from("code,station,secret\n");
    for device in made {
        // Codes and secrets have neither quotes nor commas of their own, except secrets that the file brought.
        let secret = if device.secret.contains([',', '"', ';']) {
            format!("\"{}\"", device.secret.replace('"', "\"\""))
        } else {
            device.secret.clone()
        };
        text.push_str(&format!("{},{},{secret}\n", device.code, device.station));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(file: &str) -> Vec<(usize, String)> {
        let Err(problems) = parse(file.as_bytes(), &[]) else { return Vec::new() };
        problems.kept().iter().map(|error| (error.line, error.field.clone())).collect()
    }

    #[test]
    fn every_error_of_a_file_is_named_by_its_line() {
        let file = "code,station,profile,hardware_id,secret\n\
            A-1,S1,,0101,\n\
            a b,S1,,,\n\
            A-2,,nope,,short-secret\n\
            A-1,S1,,0101,\n\
            A-3,S1,,!x,\n";
        let expected = [
            (3, "code"),
            (4, "station"),
            (4, "profile"),
            (4, "secret"),
            (5, "code"),
            (5, "hardware_id"),
            (6, "hardware_id"),
        ];
        let mut found = problems(file);
        found.sort();
        let mut expected = expected.map(|(line, field)| (line, field.to_owned())).to_vec();
        expected.sort();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_secret_never_stands_in_an_error() {
        let Err(problems) = parse(b"code,station,secret\nA,S,my-short-one\n", &[]) else { panic!() };
        assert!(!problems.to_string().contains("my-short-one"), "{problems}");
    }

    #[test]
    fn other_columns_and_files_that_are_too_long_are_refused() {
        assert_eq!(problems("code,station,colour\nA,S,red\n"), [(1, "header".to_owned())]);
        let long: String = (0..=MAX_ROWS).map(|n| format!("A{n},S\n")).collect();
        assert_eq!(problems(&format!("code,station\n{long}")), [(1, "file".to_owned())]);
        assert_eq!(problems(&" ".repeat(MAX_BYTES + 1)), [(1, "file".to_owned())]);
        assert!(problems("\u{feff}code;station\nA;S\n").is_empty());
    }

    #[test]
    fn what_the_catalogue_has_already_is_named_too() {
        let rows = parse(b"code,station,hardware_id\nA,S,01\nB,T,02\n", &[]).unwrap_or_default();
        let known = Known {
            codes: HashSet::from(["A".to_owned()]),
            hardware_ids: HashSet::from(["02".to_owned()]),
            stations: HashMap::from([("S".to_owned(), StationId(1))]),
        };
        let problems = fitting(&rows, &known).unwrap_err();
        let found: Vec<_> = problems.kept().iter().map(|error| (error.line, error.field.as_str())).collect();
        assert_eq!(found, [(2, "code"), (3, "station"), (3, "hardware_id")]);
    }
}
