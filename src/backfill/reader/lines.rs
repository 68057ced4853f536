//! Bytes into rows: lines, and where a quoted cell runs over several of them, these together.

use std::collections::VecDeque;
use std::io::{self, BufRead};

use crate::backfill::cells::is_open;

/// Bytes of a row that are read; what is longer is no table.
pub const MAX_ROW: usize = 64 * 1024;
/// Lines that one row may have. A quote that is still open then is a stray one, and takes no other row with it.
const MAX_LINES: usize = 100;

#[derive(Debug)]
pub struct Lines<R> {
    input: R,
    /// Lines that were read because of a quote that closed on none of them.
    ahead: VecDeque<Vec<u8>>,
    /// The line that the row at hand begins on, from 1, and how many it has.
    line: usize,
    taken: usize,
    read: u64,
}

impl<R: BufRead> Lines<R> {
    pub const fn new(input: R) -> Self {
        Self { input, ahead: VecDeque::new(), line: 0, taken: 1, read: 0 }
    }

    /// The line that the row at hand begins on.
    pub const fn line(&self) -> usize {
        self.line
    }

    /// Bytes read so far.
    pub const fn read(&self) -> u64 {
        self.read
    }

    /// The next line into `row`, without its end. False when there is none.
    ///
    /// # Errors
    /// The input's, and a line that is too long.
    pub fn next_line(&mut self, row: &mut Vec<u8>) -> io::Result<bool> {
        row.clear();
        self.line += self.taken;
        self.taken = 1;
        match self.ahead.pop_front() {
            Some(line) => row.extend_from_slice(&line),
            None if !self.fetch(row)? => {
                self.line -= 1;
                return Ok(false);
            }
            None => {}
        }
        Ok(true)
    }

    /// The next row. `delimiter` says of its first line what stands between cells.
    ///
    /// # Errors
    /// As [`Self::next_line`].
    pub fn next_row(&mut self, row: &mut Vec<u8>, delimiter: impl Fn(&[u8]) -> u8) -> io::Result<bool> {
        if !self.next_line(row)? {
            return Ok(false);
        }
        let mark = delimiter(row);
        if !is_open(row, mark) {
            return Ok(true);
        }
        let first = row.len();
        let mut more: Vec<Vec<u8>> = Vec::new();
        while is_open(row, mark) {
            let mut line = Vec::new();
            let there = match self.ahead.pop_front() {
                Some(known) => {
                    line = known;
                    true
                }
                None => self.fetch(&mut line)?,
            };
            let fits = row.len() + line.len() < MAX_ROW && more.len() + 1 < MAX_LINES;
            if there {
                row.push(b'\n');
                row.extend_from_slice(&line);
                more.push(line);
            }
            if !there || !fits {
                break;
            }
        }
        if is_open(row, mark) {
            row.truncate(first);
            more.into_iter().rev().for_each(|line| self.ahead.push_front(line));
        } else {
            self.taken += more.len();
        }
        Ok(true)
    }

    fn fetch(&mut self, line: &mut Vec<u8>) -> io::Result<bool> {
        let mut limited = io::Read::take(&mut self.input, MAX_ROW as u64 + 1);
        let read = limited.read_until(b'\n', line)?;
        let is_first = self.read == 0;
        self.read += read as u64;
        if read == 0 {
            return Ok(false);
        }
        if line.last() != Some(&b'\n') && read > MAX_ROW {
            let at = self.line + self.ahead.len();
            let message = format!("line {at} is longer than {MAX_ROW} bytes: this is no table");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        while matches!(line.last(), Some(b'\n' | b'\r')) {
            line.pop();
        }
        if is_first && line.starts_with(b"\xef\xbb\xbf") {
            line.drain(..3);
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<(usize, String)> {
        let mut lines = Lines::new(text.as_bytes());
        let (mut row, mut all) = (Vec::new(), Vec::new());
        while lines.next_row(&mut row, |_| b',').unwrap() {
            all.push((lines.line(), String::from_utf8(row.clone()).unwrap()));
        }
        all
    }

    #[test]
    fn a_quoted_cell_may_run_over_lines_and_an_empty_one_among_them() {
        let told = rows("a,\"b\nc\n\nd\",e\r\nf,g\n");
        assert_eq!(told, [(1, "a,\"b\nc\n\nd\",e".to_owned()), (5, "f,g".to_owned())]);
    }

    #[test]
    fn a_stray_quote_takes_no_other_row_with_it() {
        let text = format!("a,\"b\n{}", "c,d\n".repeat(250));
        let told = rows(&text);
        assert_eq!(told.len(), 251);
        assert_eq!((told[0].clone(), told[250].clone()), ((1, "a,\"b".to_owned()), (251, "c,d".to_owned())));
        assert_eq!(rows("a,\"b\nc"), [(1, "a,\"b".to_owned()), (2, "c".to_owned())], "nor at the end");
    }
}
