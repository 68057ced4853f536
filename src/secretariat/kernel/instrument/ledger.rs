//! The money of an instrument: entries that are only added, and totals that never fall below nought. Pure.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Refusal, said};
use crate::secretariat::kernel::money::Centavos;
use crate::units::vocabulary;

vocabulary! {
    /// What moves.
    Movement, "movement of money" {
        /// Empenhado.
        Committed = "committed",
        /// Transferred to the partner, or received by the town.
        Released = "released",
        CounterpartDue = "counterpart_due",
        CounterpartPaid = "counterpart_paid",
        /// As it was accounted for.
        Spent = "spent",
        Returned = "returned",
    }
}

/// Most entries of one instrument.
const MOST: usize = 5000;

const LAW: &str = "Lei 4.320/1964, arts. 58 a 63";

/// An entry to add.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewEntry {
    pub movement: Movement,
    /// Above nought; a reversal takes away what it reverses.
    pub centavos: Centavos,
    pub on: NaiveDate,
    pub what: String,
    /// The number of the entry that it takes back whole.
    pub reverses: Option<i32>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub seq: i32,
    #[serde(flatten)]
    pub what: NewEntry,
}

/// Sums over all entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = InstrumentTotals)]
pub struct Totals {
    pub committed: Centavos,
    pub released: Centavos,
    pub counterpart_due: Centavos,
    pub counterpart_paid: Centavos,
    pub spent: Centavos,
    pub returned: Centavos,
    /// Released and paid in, less spent and returned.
    pub balance: Centavos,
}

impl Totals {
    pub const fn of(&self, movement: Movement) -> Centavos {
        match movement {
            Movement::Committed => self.committed,
            Movement::Released => self.released,
            Movement::CounterpartDue => self.counterpart_due,
            Movement::CounterpartPaid => self.counterpart_paid,
            Movement::Spent => self.spent,
            Movement::Returned => self.returned,
        }
    }

    fn with(mut self, movement: Movement, amount: Centavos) -> Option<Self> {
        let part = match movement {
            Movement::Committed => &mut self.committed,
            Movement::Released => &mut self.released,
            Movement::CounterpartDue => &mut self.counterpart_due,
            Movement::CounterpartPaid => &mut self.counterpart_paid,
            Movement::Spent => &mut self.spent,
            Movement::Returned => &mut self.returned,
        };
        *part = part.plus(amount).ok()?;
        let came = self.released.plus(self.counterpart_paid).ok()?;
        self.balance = came.minus(self.spent).ok()?.minus(self.returned).ok()?;
        Some(self)
    }

    /// What is wrong with these sums.
    fn fault(&self) -> Option<String> {
        if Movement::ALL.iter().any(|one| self.of(*one).is_negative()) {
            return Some("a sum would fall below nought".into());
        }
        let over = |what: &str, part: Centavos, of: &str, whole: Centavos| {
            Some(format!("{what} would be R$ {part}, more than {of} of R$ {whole}"))
        };
        if self.released > self.committed {
            return over("what is released", self.released, "the commitment", self.committed);
        }
        if self.counterpart_paid > self.counterpart_due {
            return over("the counterpart paid", self.counterpart_paid, "the one due", self.counterpart_due);
        }
        if self.balance.is_negative() {
            let came = Centavos(self.released.0 + self.counterpart_paid.0);
            return over("what is spent and returned", Centavos(came.0 - self.balance.0), "what came in", came);
        }
        None
    }
}

/// All entries with their sums.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    entries: Vec<Entry>,
    totals: Totals,
}

impl Ledger {
    /// # Errors
    /// The entry at which the sums break.
    pub fn of(entries: impl IntoIterator<Item = Entry>) -> Result<Self, Refusal> {
        entries.into_iter().try_fold(Self::default(), |ledger, entry| ledger.push(entry.what))
    }

    /// # Errors
    /// Why it is not added.
    pub fn push(mut self, mut new: NewEntry) -> Result<Self, Refusal> {
        if self.entries.len() >= MOST {
            return Err(Refusal::wrong("entries", self.entries.len(), format!("expected at most {MOST}")));
        }
        new.what = said("what", &new.what, 300)?;
        match new.reverses {
            None if new.centavos.0 <= 0 => {
                return Err(Refusal::wrong("centavos", new.centavos, "expected an amount above nought"));
            }
            None => {}
            Some(seq) => {
                let reversed = self.entries.iter().any(|one| one.what.reverses == Some(seq));
                let before = self.entries.iter().find(|one| one.seq == seq && one.what.reverses.is_none() && !reversed);
                let before = before.ok_or_else(|| Refusal::wrong("seq", seq, "expected an entry that stands"))?;
                (new.movement, new.centavos) = (before.what.movement, Centavos(-before.what.centavos.0));
            }
        }
        let totals = self.totals.with(new.movement, new.centavos);
        let totals =
            totals.ok_or_else(|| Refusal::wrong("centavos", new.centavos, "the sum lies beyond R$ 10 trillion"))?;
        if let Some(why) = totals.fault() {
            return Err(Refusal::law(why, LAW));
        }
        self.totals = totals;
        let seq = i32::try_from(self.entries.len() + 1).unwrap_or(i32::MAX);
        self.entries.push(Entry { seq, what: new });
        Ok(self)
    }

    pub const fn totals(&self) -> Totals {
        self.totals
    }

    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(movement: Movement, centavos: i64) -> NewEntry {
        let on = "2026-03-02".parse().unwrap();
        NewEntry { movement, centavos: Centavos(centavos), on, what: "Parcela".into(), reverses: None }
    }

    #[test]
    fn nothing_is_released_before_it_is_committed_nor_spent_before_it_came() {
        let ledger = Ledger::default();
        assert!(ledger.clone().push(entry(Movement::Released, 1)).is_err());
        let ledger = ledger.push(entry(Movement::Committed, 100)).unwrap().push(entry(Movement::Released, 60)).unwrap();
        assert!(ledger.clone().push(entry(Movement::Spent, 61)).is_err());
        let ledger = ledger.push(entry(Movement::Spent, 50)).unwrap();
        assert_eq!(ledger.totals().balance, Centavos(10));
        let back = |seq| NewEntry { reverses: Some(seq), ..entry(Movement::Spent, 0) };
        assert!(ledger.clone().push(back(2)).is_err(), "it was spent already");
        let ledger = ledger.push(back(3)).unwrap().push(back(2)).unwrap();
        assert_eq!((ledger.totals().released, ledger.totals().spent), (Centavos(0), Centavos(0)));
        assert!(ledger.clone().push(back(2)).is_err(), "only once");
        assert!(ledger.push(entry(Movement::Committed, 0)).is_err());
    }

    proptest! {
        #[test]
        fn totals_are_never_negative_and_equal_their_parts(
            asked in prop::collection::vec((0..6_usize, -50..2000_i64, prop::option::weighted(0.3, 1..40_i32)), 0..60),
        ) {
            let mut ledger = Ledger::default();
            for (movement, centavos, reverses) in asked {
                let new = NewEntry { reverses, ..entry(Movement::ALL[movement], centavos) };
                if let Ok(next) = ledger.clone().push(new) {
                    ledger = next;
                }
                let totals = ledger.totals();
                for one in Movement::ALL {
                    let parts = ledger.entries().iter().filter(|entry| entry.what.movement == *one).map(|entry| entry.what.centavos.0);
                    prop_assert_eq!(parts.sum::<i64>(), totals.of(*one).0);
                    prop_assert!(totals.of(*one).0 >= 0);
                }
                prop_assert!(totals.balance.0 >= 0 && totals.released <= totals.committed);
                prop_assert_eq!(totals.balance.0, totals.released.0 + totals.counterpart_paid.0 - totals.spent.0 - totals.returned.0);
            }
            prop_assert_eq!(Ledger::of(ledger.entries().to_vec()), Ok(ledger.clone()), "what is kept reads back");
        }
    }
}
