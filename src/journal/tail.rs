//! The journal's end in memory: what this process appended lately, for the evaluator of the same process.
//!
//! It is a copy of committed rows and nothing rests on it. Whoever finds no row after the last one he saw reads the journal: after a
//! restart, behind another process, or when he is far behind.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::JournalRow;
use crate::ids::Seq;

/// Rows that are held at most; some 200 bytes each.
const MOST_ROWS: usize = 10_000;

/// The rows of one append.
#[derive(Clone, Debug)]
pub struct Segment {
    /// The journal's last row before them.
    pub after: Seq,
    pub rows: Vec<JournalRow>,
}

#[derive(Clone, Debug, Default)]
pub struct Tail(Arc<Parts>);

#[derive(Debug, Default)]
struct Parts {
    held: Mutex<Held>,
    grown: Notify,
}

#[derive(Debug, Default)]
struct Held {
    segments: VecDeque<Segment>,
    rows: usize,
}

impl Tail {
    /// Takes what was committed.
    pub fn push(&self, segment: Segment) {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner).push(segment);
        self.0.grown.notify_one();
    }

    /// Resolves once something was pushed since it resolved last.
    pub fn grown(&self) -> Notified<'_> {
        self.0.grown.notified()
    }

    /// The rows that follow `after` without a gap, of whole appends, about `most` of them; none when the tail does not know.
    pub fn take_after(&self, after: Seq, most: usize) -> Vec<JournalRow> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner).take_after(after, most)
    }
}

impl Held {
    fn push(&mut self, segment: Segment) {
        if self.rows + segment.rows.len() > MOST_ROWS {
            // Nobody takes them, or too slowly: the journal has them all.
            *self = Self::default();
        }
        self.rows += segment.rows.len();
        self.segments.push_back(segment);
    }

    fn take_after(&mut self, mut after: Seq, most: usize) -> Vec<JournalRow> {
        let mut taken = Vec::new();
        while let Some(front) = self.segments.front() {
            if front.after > after || (!taken.is_empty() && taken.len() + front.rows.len() > most) {
                break;
            }
            let follows = front.after == after;
            let Some(front) = self.segments.pop_front() else { break };
            self.rows -= front.rows.len();
            // What begins before `after` was read elsewhere, in whole or in part.
            if follows {
                after = front.rows.last().map_or(after, |row| row.seq);
                taken.extend(front.rows);
            }
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_micros;
    use crate::ids::DatastreamId;
    use crate::units::{Fixed, Quality};

    fn segment(after: i64, seqs: std::ops::RangeInclusive<i64>) -> Segment {
        let row = |seq| JournalRow {
            seq: Seq(seq),
            datastream_id: DatastreamId(1),
            observed_at: from_micros(seq),
            received_at: from_micros(seq),
            value: Fixed(0),
            quality: Quality::Pass,
            quality_reason: String::new(),
            revises_seq: None,
        };
        Segment { after: Seq(after), rows: seqs.map(row).collect() }
    }

    fn taken(tail: &Tail, after: i64, most: usize) -> Vec<i64> {
        tail.take_after(Seq(after), most).into_iter().map(|row| row.seq.0).collect()
    }

    #[test]
    fn appends_that_follow_each_other_come_together_and_whole() {
        let tail = Tail::default();
        // Numbers have gaps: those of appends that failed, or found only what was known.
        for segment in [segment(4, 5..=6), segment(6, 9..=10), segment(10, 11..=11)] {
            tail.push(segment);
        }
        assert_eq!(taken(&tail, 4, 3), [5, 6]);
        assert_eq!(taken(&tail, 6, 3), [9, 10, 11]);
        assert_eq!(taken(&tail, 11, 3), [0; 0]);
    }

    #[test]
    fn what_another_process_wrote_between_is_never_passed_over() {
        let tail = Tail::default();
        tail.push(segment(4, 5..=6));
        tail.push(segment(8, 9..=10));
        assert_eq!(taken(&tail, 4, 100), [5, 6]);
        assert_eq!(taken(&tail, 6, 100), [0; 0]);
        // The journal was read up to 8.
        assert_eq!(taken(&tail, 8, 100), [9, 10]);
    }

    #[test]
    fn what_was_read_from_the_journal_is_not_taken_again() {
        let tail = Tail::default();
        tail.push(segment(4, 5..=6));
        tail.push(segment(6, 7..=8));
        tail.push(segment(8, 9..=9));
        assert_eq!(taken(&tail, 7, 100), [0; 0]);
        assert_eq!(taken(&tail, 8, 100), [9]);
    }

    #[test]
    fn a_reader_that_is_far_behind_reads_the_journal() {
        let tail = Tail::default();
        let many = MOST_ROWS as i64;
        tail.push(segment(0, 1..=many));
        tail.push(segment(many, many + 1..=many + 2));
        assert_eq!(taken(&tail, 0, usize::MAX), [0; 0]);
        assert_eq!(taken(&tail, many, usize::MAX), [many + 1, many + 2]);
    }
}
