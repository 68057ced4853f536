//! Rows of a table, one at a time, into observations. Nothing but the row at hand is in memory. Pure but for the reading.

mod layout;
mod lines;

use std::collections::HashMap;
use std::io::{self, BufRead};
use std::sync::Arc;

use chrono::{Datelike as _, NaiveDateTime, TimeDelta};

use super::cells::{is_like, number, split, text};
use super::mapping::{Encoding, Mapping, Stamps, Step, Value, Wide};
use super::time::{Read, Stamp};
use crate::catalogue::{ImportError, Problems};
use crate::clock::Instant;
use crate::units::Quantity;

pub use layout::Layout;
use layout::{Cell, ours};
use lines::Lines;

/// Lines among which the header is looked for.
const MAX_HEADER_LINES: usize = 100;
/// Kinds of measurement that one file may name.
const MAX_KINDS: usize = 200;

/// What a value is of, as the file says it.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// Numbers the kinds of one reader.
    pub id: usize,
    pub stream: Option<String>,
    pub quantity: Option<Quantity>,
    pub unit: Option<String>,
    pub interval_s: Option<i32>,
}

/// One value of the file, at its instant; its stream is not looked up yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    pub line: usize,
    pub station: Arc<str>,
    pub wanted: Arc<Wanted>,
    pub observed_at: Instant,
    pub value: f64,
}

/// What was read so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub rows: u64,
    pub values: u64,
    /// Cells that say "no value".
    pub missing: u64,
    /// Rows that the mapping passes over.
    pub skipped: u64,
    pub bytes: u64,
}

/// Reads one file by a mapping.
#[derive(Debug)]
pub struct Reader<'a, R> {
    lines: Lines<R>,
    mapping: &'a Mapping,
    stamp: Stamp,
    layout: Layout,
    now: Instant,
    bytes: Vec<u8>,
    cells: Vec<Vec<u8>>,
    tally: Tally,
    kinds: HashMap<(usize, String, String), Arc<Wanted>>,
    last_station: Arc<str>,
    /// Lines that were read while the header was looked for, in a table without one.
    pending: bool,
}

impl<'a, R: BufRead> Reader<'a, R> {
    /// Finds where the table begins. `station` wins over what the mapping says.
    ///
    /// # Errors
    /// The input's, or, inside, what keeps the file from being read by this mapping at all.
    pub fn open(
        input: R,
        mapping: &'a Mapping,
        station: Option<&str>,
        now: Instant,
    ) -> io::Result<Result<Self, ImportError>> {
        let stamp = match Stamp::build(&mapping.time) {
            Ok(stamp) => stamp,
            Err(bad) => return Ok(Err(ImportError::new(0, None, bad.key, "", bad.message))),
        };
        let mut reader = Self {
            lines: Lines::new(input),
            mapping,
            stamp,
            layout: Layout { fixed: station.or(mapping.station.code.as_deref()).map(Arc::from), ..Layout::default() },
            now,
            bytes: Vec::new(),
            cells: Vec::new(),
            tally: Tally::default(),
            kinds: HashMap::new(),
            last_station: Arc::from(""),
            pending: false,
        };
        for _ in 0..mapping.skip_lines {
            reader.lines.next_line(&mut reader.bytes)?;
        }
        Ok(reader.find_table()?.map(|()| reader))
    }

    pub const fn layout(&self) -> &Layout {
        &self.layout
    }

    pub const fn tally(&self) -> Tally {
        Tally { bytes: self.lines.read(), ..self.tally }
    }

    /// The line that the row at hand begins on.
    const fn line(&self) -> usize {
        self.lines.line()
    }

    /// The next row into `bytes`. False when there is none.
    fn next_row(&mut self, delimiter: impl Fn(&[u8]) -> u8) -> io::Result<bool> {
        self.lines.next_row(&mut self.bytes, delimiter)
    }

    /// Reads rows until at least `at_least` observations are there, or the file ends: then false.
    ///
    /// # Errors
    /// The input's. What is wrong with rows goes to `problems`.
    pub fn read(&mut self, at_least: usize, into: &mut Vec<Observation>, problems: &mut Problems) -> io::Result<bool> {
        while into.len() < at_least {
            let delimiter = self.layout.delimiter;
            if !self.pending && !self.next_row(|_| delimiter)? {
                return Ok(false);
            }
            self.pending = false;
            if self.bytes.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            self.tally.rows += 1;
            match self.row(into) {
                Ok(wrong) => wrong.into_iter().for_each(|error| problems.push(error)),
                Err(error) => problems.push(error),
            }
        }
        Ok(true)
    }

    fn find_table(&mut self) -> io::Result<Result<(), ImportError>> {
        let mapping = self.mapping;
        let named = mapping.columns().iter().any(|column| !column.names().is_empty()) || mapping.wide.is_some();
        if !named {
            self.pending = self.next_row(|line| delimiter(mapping, line))?;
            self.layout.delimiter = delimiter(mapping, &self.bytes);
            return Ok(self.layout.place(mapping, self.lines.line()));
        }
        let mut best: Option<(usize, Vec<String>)> = None;
        for _ in 0..MAX_HEADER_LINES {
            if !self.next_row(|line| delimiter(mapping, line))? {
                break;
            }
            self.layout.delimiter = delimiter(mapping, &self.bytes);
            let header = self.texts();
            self.layout.note_station_line(mapping, &header);
            let missing = self.layout.lacking(mapping, &header);
            if missing.is_empty() {
                (self.layout.header_line, self.layout.header) = (Some(self.line()), header);
                return Ok(self.layout.place(mapping, self.lines.line()));
            }
            if best.as_ref().is_none_or(|(_, before)| missing.len() < before.len()) {
                best = Some((self.line(), missing));
            }
        }
        let (line, missing) = best.unwrap_or((1, vec!["everything: the file is empty".into()]));
        let message = format!(
            "no line names the columns of the mapping; this one comes nearest, and lacks {}",
            missing.join(", ")
        );
        Ok(Err(ImportError::new(line, None, "header", "", message)))
    }

    fn texts(&mut self) -> Vec<String> {
        if split(&self.bytes, self.layout.delimiter, &mut self.cells).is_err() {
            return Vec::new();
        }
        // A header is matched by patterns, so a wrong byte in it does no harm.
        let of = |cell: &Vec<u8>| text(cell, Encoding::Auto).unwrap_or_default().into_owned();
        self.cells.iter().map(of).collect()
    }

    /// Reads the row at hand. A cell that is wrong loses that cell; what is wrong with station or time loses the row.
    fn row(&mut self, into: &mut Vec<Observation>) -> Result<Vec<ImportError>, ImportError> {
        split(&self.bytes, self.layout.delimiter, &mut self.cells)
            .map_err(|message| ImportError::new(self.line(), None, "row", "", message))?;
        if self.is_skipped()? {
            self.tally.skipped += 1;
            return Ok(Vec::new());
        }
        let mut wrong = Vec::new();
        let mut row = None;
        for index in 0..self.layout.values.len() {
            let Some(cell) = self.layout.values.get(index).copied() else { break };
            let value = match self.value(&cell) {
                Ok(Some(value)) => value,
                Ok(None) => {
                    self.tally.missing += 1;
                    continue;
                }
                Err(error) => {
                    wrong.push(error);
                    continue;
                }
            };
            // A row without any value needs neither station nor time.
            let (station, read) = match &row {
                Some(known) => known,
                None => row.insert((self.station()?, self.time()?)),
            };
            let done = self.observe(Arc::clone(station), *read, &cell, value);
            match done {
                Ok(observation) => into.push(observation),
                Err(error) => wrong.push(error),
            }
        }
        Ok(wrong)
    }

    fn is_skipped(&self) -> Result<bool, ImportError> {
        for (rule, at) in self.mapping.skip.iter().zip(&self.layout.skip) {
            // A total may end before the column that tells it.
            let shown = self.cells.get(*at).and_then(|cell| text(cell, self.mapping.encoding)).unwrap_or_default();
            if is_like(&shown, &rule.like) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn shown(&self, at: usize) -> Result<std::borrow::Cow<'_, str>, ImportError> {
        let cell = self.cells.get(at).ok_or_else(|| {
            ImportError::new(
                self.line(),
                None,
                &self.name(at),
                "",
                format!("the row has only {} columns", self.cells.len()),
            )
        })?;
        text(cell, self.mapping.encoding).ok_or_else(|| {
            let value = String::from_utf8_lossy(cell).into_owned();
            ImportError::new(self.line(), None, &self.name(at), &value, "is not UTF-8, as the mapping says")
        })
    }

    /// A column's name for people.
    fn name(&self, at: usize) -> String {
        let named = self.layout.header.get(at).filter(|name| !name.is_empty());
        named.map_or_else(|| format!("column {}", at + 1), Clone::clone)
    }

    fn station(&mut self) -> Result<Arc<str>, ImportError> {
        if let Some(fixed) = &self.layout.fixed {
            return Ok(Arc::clone(fixed));
        }
        let at = self.layout.station.unwrap_or_default();
        let code = self.shown(at)?;
        let code = ours(self.mapping, &code);
        if *code == *self.last_station && !code.is_empty() {
            return Ok(Arc::clone(&self.last_station));
        }
        if code.is_empty() {
            return Err(ImportError::new(self.line(), None, &self.name(at), "", "names no station"));
        }
        let code: Arc<str> = Arc::from(code);
        self.last_station = Arc::clone(&code);
        Ok(code)
    }

    fn time(&self) -> Result<Read, ImportError> {
        let mut written = String::new();
        for (index, at) in self.layout.times.iter().enumerate() {
            if index > 0 {
                written.push(' ');
            }
            written.push_str(&self.shown(*at)?);
        }
        self.stamp.read(&written, self.now).map_err(|message| self.wrong_time(&written, message))
    }

    fn wrong_time(&self, written: &str, message: impl Into<String>) -> ImportError {
        let name = self.layout.times.first().map_or_else(String::new, |at| self.name(*at));
        ImportError::new(self.line(), None, &name, written, message)
    }

    /// None for a cell that says "no value".
    fn value(&self, cell: &Cell) -> Result<Option<f64>, ImportError> {
        let Some(given) = self.mapping.values.get(cell.value) else { return Ok(None) };
        let shown = self.shown(cell.at)?;
        let bare = given.suffix.as_deref().and_then(|suffix| shown.strip_suffix(suffix)).map_or(&*shown, str::trim_end);
        let read = number(bare, self.mapping.decimal);
        let mut markers = self.mapping.missing.iter().chain(&given.missing);
        let says_none =
            |marker: &String| marker == bare || (read.is_some() && number(marker, self.mapping.decimal) == read);
        if bare.is_empty() || markers.any(says_none) {
            return Ok(None);
        }
        let value = read.ok_or_else(|| {
            let message = "expected a number, or add it to `missing` in the mapping";
            ImportError::new(self.line(), None, &self.name(cell.at), &shown, message)
        })?;
        Ok(Some(value * given.factor.unwrap_or(1.0)))
    }

    fn observe(&mut self, station: Arc<str>, read: Read, cell: &Cell, value: f64) -> Result<Observation, ImportError> {
        let wanted = self.wanted(cell)?;
        let at = match (read, &self.mapping.wide) {
            (Read::Local(at), None) => self.stamp.instant(at).map_err(|m| self.wrong_time(&at.to_string(), m))?,
            (Read::Local(at), Some(wide)) => {
                let at = nth(at, wide, cell.nth).ok_or_else(|| {
                    ImportError::new(
                        self.line(),
                        None,
                        &self.name(cell.at),
                        &value.to_string(),
                        "the month has no such day",
                    )
                })?;
                self.stamp.instant(at).map_err(|message| self.wrong_time(&at.to_string(), message))?
            }
            (Read::Instant(at), None) => at,
            (Read::Instant(_), Some(_)) => {
                return Err(self.wrong_time("", "a table of days or hours needs a date without an offset"));
            }
        };
        let ends = match (self.mapping.time.stamps, wanted.interval_s) {
            (Stamps::Start, Some(seconds)) => at + TimeDelta::seconds(seconds.into()),
            _ => at,
        };
        if ends > self.now {
            return Err(self.wrong_time(&ends.to_rfc3339(), "lies in the future"));
        }
        self.tally.values += 1;
        Ok(Observation { line: self.line(), station, wanted, observed_at: ends, value })
    }

    fn wanted(&mut self, cell: &Cell) -> Result<Arc<Wanted>, ImportError> {
        let cell_text =
            |at: Option<usize>| at.map_or(Ok(String::new()), |at| self.shown(at).map(std::borrow::Cow::into_owned));
        let (word, unit) = (cell_text(cell.quantity_at)?, cell_text(cell.unit_at)?);
        let key = (cell.value, word, unit);
        if let Some(known) = self.kinds.get(&key) {
            return Ok(Arc::clone(known));
        }
        let Some(given) = self.mapping.values.get(cell.value) else {
            return Err(ImportError::new(self.line(), None, "values", "", "is not in the mapping"));
        };
        let quantity = self.quantity(given, cell, &key.1)?;
        if self.kinds.len() >= MAX_KINDS {
            let message = format!("is one of more than {MAX_KINDS} kinds of measurement: is this the right column?");
            return Err(ImportError::new(self.line(), None, "quantity", &key.1, message));
        }
        let unit = Some(key.2.clone()).filter(|unit| !unit.is_empty()).or_else(|| given.unit.clone());
        let stream = given.stream.clone();
        let wanted = Arc::new(Wanted { id: self.kinds.len(), stream, quantity, unit, interval_s: given.interval_s });
        self.kinds.insert(key, Arc::clone(&wanted));
        Ok(wanted)
    }

    fn quantity(&self, given: &Value, cell: &Cell, word: &str) -> Result<Option<Quantity>, ImportError> {
        let Some(at) = cell.quantity_at else { return Ok(given.quantity) };
        let ours = given.words.get(word).map_or(word, String::as_str);
        ours.parse().map(Some).map_err(|error: crate::units::UnknownWord| {
            ImportError::new(self.line(), None, &self.name(at), word, error.to_string())
        })
    }
}

/// The delimiter of a line: the mapping's, or the commonest of the usual ones.
fn delimiter(mapping: &Mapping, line: &[u8]) -> u8 {
    if let ([one], false) = (mapping.delimiter.as_bytes(), mapping.delimiter == "auto") {
        return *one;
    }
    let count = |mark: u8| line.iter().filter(|byte| **byte == mark).count();
    // In a tie the semicolon: a comma may be a decimal one.
    [b',', b'\t', b'|', b';'].into_iter().max_by_key(|mark| count(*mark)).unwrap_or(b';')
}

/// The nth day of the row's month, or hour of the row's day.
fn nth(at: NaiveDateTime, wide: &Wide, n: u32) -> Option<NaiveDateTime> {
    match wide.step {
        Step::Day => at.date().with_day(n)?.and_hms_opt(wide.at_hour, 0, 0),
        Step::Hour => at.checked_add_signed(TimeDelta::hours(n.into())),
    }
}

#[cfg(test)]
mod tests;
