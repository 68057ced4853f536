//! A bill with everything that belongs to it, read in one go.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use super::change::{Standing, apply};
use super::check::{self, Around, Problem};
use super::classify::{Classes, Which};
use super::dates::{self, Due, first_day};
use super::execution::Executed;
use super::lines::{self, ExpenseLine, RevenueLine};
use super::plans::{Content, Ldo, Ppa};
use super::published::{Line, Published, Snapshot, names};
use super::store::changes::{self, Kept};
use super::store::{self, Acted, Bill, Proposal, decode, execution, lines as rows};
use super::{BillKind, KIND, minima};
use crate::deadlines::{self, Deadline};
use crate::refused::Refused;
use crate::secretariat::kernel::money::Centavos;

/// Expense and revenue at one stage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stage {
    pub expense: Vec<ExpenseLine>,
    pub revenue: Vec<RevenueLine>,
}

impl Stage {
    /// After the changes that count.
    fn after<'a>(&self, changes: impl Iterator<Item = &'a Kept>) -> sqlx::Result<Self> {
        let mut next = self.clone();
        for one in changes.filter(|one| one.counts()) {
            apply((&mut next.expense, &mut next.revenue), &one.change).map_err(decode)?;
        }
        Ok(next)
    }
}

#[derive(Clone, Debug)]
pub struct Whole {
    pub bill: Bill,
    pub acts: Vec<Acted>,
    pub proposals: Vec<Proposal>,
    pub changes: Vec<Kept>,
    /// As it was submitted.
    pub first: Stage,
    /// With the amendments that were taken.
    pub planned: Stage,
    /// With credits.
    pub allowed: Stage,
    pub executed: BTreeMap<String, Executed>,
    pub classes: Classes,
    /// Of its years: itself, when it is one; otherwise one that the council has, or has passed.
    pub ppa: Option<(Ppa, bool)>,
    pub ldo: Option<Ldo>,
    /// Days of submission and return.
    pub dues: Vec<Due>,
    /// Those that run or ran, with how each was counted.
    pub deadlines: Vec<Deadline>,
}

/// # Errors
/// `NotFound`.
pub async fn whole(conn: &mut PgConnection, id: Uuid) -> Result<Whole, Refused> {
    let bill = store::load(&mut *conn, id).await?.ok_or_else(|| missing(id))?;
    read(conn, bill).await
}

/// The same, held until the transaction ends.
///
/// # Errors
/// `NotFound`.
pub async fn held(conn: &mut PgConnection, id: Uuid) -> Result<Whole, Refused> {
    let bill = store::lock(&mut *conn, id).await?.ok_or_else(|| missing(id))?;
    read(conn, bill).await
}

pub(super) fn missing(id: Uuid) -> Refused {
    Refused::NotFound(format!("budget bill {id}"))
}

async fn read(conn: &mut PgConnection, bill: Bill) -> Result<Whole, Refused> {
    let (id, year) = (bill.id, bill.year_from);
    let ppa = match &bill.content {
        Content::Ppa(ppa) => Some((ppa.clone(), bill.life.law().is_some())),
        Content::Ldo(_) | Content::Loa(_) => match store::of_year(&mut *conn, BillKind::Ppa, year).await? {
            Some(Bill { content: Content::Ppa(ppa), life, .. }) if life.is_public() => {
                Some((ppa, life.law().is_some()))
            }
            _ => None,
        },
    };
    let ldo = match &bill.content {
        Content::Ldo(ldo) => Some(ldo.clone()),
        Content::Ppa(_) => None,
        Content::Loa(_) => match store::of_year(&mut *conn, BillKind::Ldo, year).await? {
            Some(Bill { content: Content::Ldo(ldo), life, .. }) if life.is_public() => Some(ldo),
            _ => None,
        },
    };
    let changes = changes::list(&mut *conn, id).await?;
    let expense = rows::expense(&mut *conn, id, None).await?;
    let first = Stage { expense, revenue: rows::revenue(&mut *conn, id).await? };
    let planned = first.after(changes.iter().filter(|one| one.is_amendment()))?;
    let allowed = planned.after(changes.iter().filter(|one| !one.is_amendment()))?;
    let (shipped, local) = (dates::shipped().map_err(decode)?, store::date_rules(&mut *conn).await?);
    let due = |what: &str| dates::due(&shipped, &local, &format!("{}.{what}", bill.kind), year);
    Ok(Whole {
        dues: ["submit", "return"].into_iter().filter_map(due).collect(),
        deadlines: deadlines::store::list(&mut *conn, Some((KIND, id)), false).await?,
        acts: store::acts(&mut *conn, id).await?,
        proposals: store::proposals(&mut *conn, id).await?,
        executed: execution::sums(&mut *conn, id).await?,
        classes: store::classes(conn).await?,
        bill,
        changes,
        first,
        planned,
        allowed,
        ppa,
        ldo,
    })
}

impl Whole {
    /// The first day on which its codes hold.
    pub fn day(&self) -> NaiveDate {
        first_day(self.bill.year_from)
    }

    /// Everything that is wrong with it. `passed`: only a PPA that is law counts.
    pub fn problems(&self, passed: bool) -> Vec<Problem> {
        self.judged(&self.planned, passed)
    }

    pub fn judged(&self, stage: &Stage, passed: bool) -> Vec<Problem> {
        let year = self.bill.year_from;
        let ppa = self.ppa.as_ref().filter(|(_, is_law)| *is_law || !passed).map(|(ppa, _)| ppa);
        match &self.bill.content {
            Content::Ppa(ppa) => check::ppa(ppa),
            Content::Ldo(ldo) => check::ldo(ldo, ppa, year),
            Content::Loa(_) => {
                let minima = minima::shipped().unwrap_or_default();
                let around = Around { classes: &self.classes, ppa, ldo: self.ldo.as_ref(), minima: &minima, year };
                check::loa(&stage.revenue, &stage.expense, &around)
            }
        }
    }

    /// Basis points that may be opened by decree.
    pub const fn limit(&self) -> i64 {
        match &self.bill.content {
            Content::Loa(head) => head.credit_limit,
            Content::Ppa(_) | Content::Ldo(_) => 0,
        }
    }

    pub fn enacted(&self) -> Centavos {
        lines::spent(&self.planned.expense).unwrap_or_default()
    }

    /// What supplementary credits took of the limit.
    pub fn used(&self) -> Centavos {
        let counts = self.changes.iter().filter(|one| one.counts() && one.change.counts());
        Centavos::sum(counts.map(|one| one.amount)).unwrap_or_default()
    }

    pub fn committed(&self) -> BTreeMap<String, Centavos> {
        self.executed.iter().map(|(key, one)| (key.clone(), one.standing())).collect()
    }

    /// What a change is held against: amendments what is planned, credits what is allowed.
    pub fn standing<'a>(&'a self, is_amendment: bool, committed: &'a BTreeMap<String, Centavos>) -> Standing<'a> {
        let stage = if is_amendment { &self.planned } else { &self.allowed };
        Standing {
            year: self.bill.year_from,
            expense: &stage.expense,
            revenue: &stage.revenue,
            enacted: self.enacted(),
            used: self.used(),
            limit: self.limit(),
            committed,
        }
    }

    /// Amendments that nobody decided.
    pub fn open(&self) -> usize {
        self.changes.iter().filter(|one| one.taken.is_none()).count()
    }

    /// The lines with what became of them.
    pub fn lines(&self) -> Vec<Line> {
        let planned: BTreeMap<_, _> = self.planned.expense.iter().map(|line| (&line.key, line.amount)).collect();
        let line = |line: &ExpenseLine| Line {
            key: line.key.clone(),
            sphere: line.sphere,
            words: line.words.clone(),
            planned: planned.get(&line.key).copied().unwrap_or_default(),
            allowed: line.amount,
            executed: self.executed.get(&line.key.to_string()).copied().unwrap_or_default(),
        };
        self.allowed.expense.iter().map(line).collect()
    }

    /// What is published of it, and what documents are made of.
    pub fn snapshot(&self) -> Snapshot {
        let (bill, day) = (&self.bill, self.day());
        let expense = self.lines();
        let ppa = self.ppa.as_ref().map(|(ppa, _)| ppa);
        let revenue = self.planned.revenue.clone();
        let name = |nature: &str| self.classes.of(Which::Revenue).name_of(nature, day).to_owned();
        // The name of a nature and of the two levels that a reader looks for first.
        let mut revenue_names = BTreeMap::new();
        for line in &revenue {
            let parts: Vec<&str> = line.nature.split('.').collect();
            for depth in [1, 2, parts.len()] {
                let code = parts.iter().take(depth).copied().collect::<Vec<_>>().join(".");
                revenue_names.insert(code.clone(), name(&code));
            }
        }
        let counting = self.changes.iter().filter(|one| one.counts());
        let is_loa = bill.kind == BillKind::Loa;
        let (note, credit_limit) = match &bill.content {
            Content::Loa(head) => (head.note.clone(), head.credit_limit),
            Content::Ppa(_) | Content::Ldo(_) => (String::new(), 0),
        };
        Snapshot {
            kind: bill.kind,
            year_from: bill.year_from,
            year_to: bill.year_to,
            state: bill.life.word().to_owned(),
            hearing: bill.life.hearing().cloned(),
            submission: bill.life.submission().cloned(),
            law: bill.life.law().cloned(),
            note,
            credit_limit,
            names: names(&self.classes, ppa, bill.year_from, expense.iter().map(|line| &line.key)),
            changes: counting.map(|one| Published::of(&one.number, &one.change, one.amount)).collect(),
            revenue,
            expense,
            ppa: (bill.kind == BillKind::Ppa).then(|| ppa.cloned()).flatten(),
            ldo: if is_loa { None } else { self.ldo.clone() },
            revenue_names,
        }
    }
}
