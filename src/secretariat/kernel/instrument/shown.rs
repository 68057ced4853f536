//! What a page shows of an instrument, before it is put into words. Pure.

use chrono::NaiveDate;

use crate::secretariat::kernel::instrument::Core;
use crate::secretariat::kernel::money::Centavos;

/// A value with the way it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    Text(String),
    /// A word of a vocabulary: its prefix and itself.
    Word(&'static str, String),
    Day(NaiveDate),
    Money(Centavos),
    None,
}

impl Cell {
    pub fn day(day: Option<NaiveDate>) -> Self {
        day.map_or(Self::None, Self::Day)
    }

    pub fn text(text: impl ToString) -> Self {
        Self::Text(text.to_string())
    }
}

/// A table: the key of its title and heads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    pub title: &'static str,
    pub heads: &'static [&'static str],
    pub rows: Vec<Vec<Cell>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// Keys of fields with their values.
    pub facts: Vec<(&'static str, Cell)>,
    pub tables: Vec<Table>,
    /// Reasons to look at it: law or rule, and what.
    pub warnings: Vec<Cell>,
}

impl Shown {
    pub fn fact(&mut self, name: &'static str, cell: Cell) {
        if cell != Cell::None && cell != Cell::Text(String::new()) {
            self.facts.push((name, cell));
        }
    }

    pub fn table(&mut self, title: &'static str, heads: &'static [&'static str], rows: Vec<Vec<Cell>>) {
        if !rows.is_empty() {
            self.tables.push(Table { title, heads, rows });
        }
    }
}

/// What every instrument shows.
pub fn of_core(core: &Core) -> Shown {
    let mut shown = Shown::default();
    if let Some(partner) = core.partner() {
        shown.fact("partner", Cell::text(format!("{} ({})", partner.name, partner.document)));
        if let Some(bank) = &partner.bank {
            shown.fact("bank", Cell::text(format!("{} · {} · {}", bank.bank, bank.branch, bank.account)));
        }
    }
    shown.fact("agreed", Cell::Money(core.value()));
    shown.fact("starts_on", Cell::day(core.term.map(|term| term.starts_on)));
    shown.fact("ends_on", Cell::day(core.ends_on()));
    shown.fact("signed_on", Cell::day(core.signed_on));
    if let Some(extract) = &core.published {
        shown.fact("published_on", Cell::Day(extract.on));
        shown.fact("place", Cell::text(&extract.place));
    }
    shown.fact("manager", Cell::text(&core.manager));
    shown.fact("commission", Cell::text(core.commission.join(", ")));
    if let Some(why) = &core.held {
        shown.fact("held", Cell::text(why));
    }
    let totals = core.ledger.totals();
    for (name, amount) in [
        ("committed", totals.committed),
        ("released", totals.released),
        ("counterpart_due", totals.counterpart_due),
        ("counterpart_paid", totals.counterpart_paid),
        ("spent", totals.spent),
        ("returned", totals.returned),
        ("balance", totals.balance),
    ] {
        if amount.0 != 0 {
            shown.fact(name, Cell::Money(amount));
        }
    }
    tables(core, &mut shown);
    shown
}

fn tables(core: &Core, shown: &mut Shown) {
    if let Some(plan) = &core.plan {
        let goals = plan.goals.iter().map(|one| vec![Cell::text(&one.title), Cell::text(&one.indicator)]);
        shown.table("goals", &["title", "indicator"], goals.collect());
        let stages = plan.stages.iter().enumerate().map(|(at, one)| {
            let (from, to, done) = (Cell::Day(one.starts_on), Cell::Day(one.ends_on), Cell::day(one.done_on));
            vec![Cell::text(at + 1), Cell::text(&one.title), from, to, done, Cell::text(&one.evidence)]
        });
        let heads = &["stage", "title", "starts_on", "ends_on", "done_on", "evidence"];
        shown.table("stages", heads, stages.collect());
        let schedule = plan.schedule.iter().map(|one| vec![Cell::Day(one.on), Cell::Money(one.centavos)]);
        shown.table("schedule", &["on", "centavos"], schedule.collect());
    }
    let amendments = core.amendments.iter().map(|one| {
        let value = one.agreed.map_or(Cell::None, |(_, after)| Cell::Money(after));
        let ends_on = Cell::day(one.ends_on.map(|(_, after)| after));
        vec![Cell::text(one.number), Cell::Day(one.on), value, ends_on, Cell::text(&one.reason)]
    });
    shown.table("amendments", &["number", "on", "agreed", "ends_on", "reason"], amendments.collect());
    let entries = core.ledger.entries().iter().map(|one| {
        let what = match one.what.reverses {
            Some(seq) => format!("{} (↩ {seq})", one.what.what),
            None => one.what.what.clone(),
        };
        let movement = Cell::Word("sec-instrument-movement", one.what.movement.to_string());
        vec![Cell::text(one.seq), Cell::Day(one.what.on), movement, Cell::Money(one.what.centavos), Cell::Text(what)]
    });
    shown.table("money", &["seq", "on", "movement", "centavos", "what"], entries.collect());
    let opinions = core.opinions.iter().map(|one| {
        let (kind, said) = (one.kind.to_string(), if one.favourable { "favourable" } else { "contrary" });
        let kind = Cell::Word("sec-instrument-word", kind);
        vec![
            Cell::Day(one.on),
            kind,
            Cell::Word("sec-instrument-word", said.into()),
            Cell::text(&one.text),
            Cell::text(&one.author),
        ]
    });
    shown.table("opinions", &["on", "kind", "favourable", "text", "author"], opinions.collect());
    let notes =
        core.monitoring.iter().map(|one| vec![Cell::Day(one.on), Cell::text(&one.text), Cell::text(&one.author)]);
    shown.table("monitoring", &["on", "text", "author"], notes.collect());
    let accounts = core.accounts.iter().map(|one| {
        let kind = if one.interim { "interim" } else { "final" };
        let kind = Cell::Word("sec-instrument-word", kind.into());
        vec![Cell::Day(one.on), kind, Cell::Money(one.spent), Cell::text(&one.text)]
    });
    shown.table("accounts", &["on", "kind", "spent", "text"], accounts.collect());
}
