//! Where the columns that a mapping names are in one file.

use std::sync::Arc;

use crate::backfill::cells::is_like;
use crate::backfill::mapping::{Column, Mapping, Wide};
use crate::catalogue::ImportError;

/// Where the mapping's columns are in this file.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    pub delimiter: u8,
    /// The line that names the columns.
    pub header_line: Option<usize>,
    pub header: Vec<String>,
    pub(super) station: Option<usize>,
    pub(super) fixed: Option<Arc<str>>,
    pub(super) times: Vec<usize>,
    pub(super) skip: Vec<usize>,
    pub(super) values: Vec<Cell>,
}

/// A column of values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    pub at: usize,
    pub value: usize,
    /// The day or hour that a column of `wide` is for.
    pub nth: u32,
    pub quantity_at: Option<usize>,
    pub unit_at: Option<usize>,
}

impl Layout {
    /// Columns that the mapping makes nothing of, as the header names them.
    pub fn unused(&self) -> Vec<&str> {
        let used = |at: usize| {
            self.station == Some(at)
                || self.times.contains(&at)
                || self.skip.contains(&at)
                || self.values.iter().any(|c| c.at == at || c.quantity_at == Some(at) || c.unit_at == Some(at))
        };
        let named = self.header.iter().enumerate().filter(|(at, name)| !name.is_empty() && !used(*at));
        named.map(|(_, name)| name.as_str()).collect()
    }

    /// The station of every row, when no column names one.
    pub fn station(&self) -> Option<&str> {
        self.fixed.as_deref()
    }

    /// A line above the table may name the station.
    pub(super) fn note_station_line(&mut self, mapping: &Mapping, cells: &[String]) {
        let (Some(pattern), None) = (&mapping.station.line, &self.fixed) else { return };
        if let [name, code, ..] = cells
            && is_like(name, pattern)
            && !code.is_empty()
        {
            self.fixed = Some(Arc::from(ours(mapping, code)));
        }
    }

    /// What the mapping names and a header does not have.
    pub(super) fn lacking(&self, mapping: &Mapping, header: &[String]) -> Vec<String> {
        let station = mapping.station.column.as_ref().filter(|_| self.fixed.is_some());
        let needed = mapping.columns();
        let needed = needed.into_iter().filter(|column| !station.is_some_and(|unused| std::ptr::eq(unused, *column)));
        let mut missing: Vec<String> =
            needed.filter(|column| find(header, column).is_none()).map(Column::words).collect();
        if let Some(wide) = &mapping.wide {
            let lacking = (wide.from..=wide.to).map(|n| wide_name(wide, n)).filter(|name| at(header, name).is_none());
            missing.extend(lacking.take(3).map(|name| format!("{name:?}")));
        }
        missing
    }

    /// Puts every column of the mapping to its place.
    pub(super) fn place(&mut self, mapping: &Mapping, line: usize) -> Result<(), ImportError> {
        let header = std::mem::take(&mut self.header);
        let of = |column: &Column| find(&header, column);
        self.times = mapping.time.columns.iter().filter_map(of).collect();
        self.skip = mapping.skip.iter().filter_map(|skip| of(&skip.column)).collect();
        if self.fixed.is_none() {
            self.station = mapping.station.column.as_ref().and_then(of);
            if self.station.is_none() {
                let message = "neither the file nor the mapping names a station; name one with --station CODE";
                return Err(ImportError::new(line, None, "station", "", message));
            }
        }
        let mut cells = Vec::new();
        for (value, given) in mapping.values.iter().enumerate() {
            let cell = |at, nth| Cell {
                at,
                value,
                nth,
                quantity_at: given.quantity_column.as_ref().and_then(of),
                unit_at: given.unit_column.as_ref().and_then(of),
            };
            match &mapping.wide {
                Some(wide) => cells.extend(
                    (wide.from..=wide.to).filter_map(|n| at(&header, &wide_name(wide, n)).map(|at| cell(at, n))),
                ),
                None => cells.extend(given.column.as_ref().and_then(of).map(|at| cell(at, 0))),
            }
        }
        (self.values, self.header) = (cells, header);
        Ok(())
    }
}

/// Our code of a station that the file calls `code`.
pub(super) fn ours<'a>(mapping: &'a Mapping, code: &'a str) -> &'a str {
    mapping.station.codes.get(code).map_or(code, String::as_str)
}

/// Where a column is; a place needs no header.
fn find(header: &[String], column: &Column) -> Option<usize> {
    match column {
        Column::Place(place) => place.checked_sub(1),
        named => named.names().iter().find_map(|name| at(header, name)),
    }
}

fn at(header: &[String], name: &str) -> Option<usize> {
    header.iter().position(|cell| is_like(cell, name))
}

fn wide_name(wide: &Wide, n: u32) -> String {
    wide.columns.replace("{nn}", &format!("{n:02}")).replace("{n}", &n.to_string())
}
