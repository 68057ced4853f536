//! Figures of FIDE 6 and 7: the total of each line from its entries, held against what inspections and shelters propose. Pure.
//!
//! No total is ever typed. What counts twice or might is told as a doubt.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::lines::{Amount, Line, Part};
use crate::clock::Instant;
use crate::units::vocabulary;

vocabulary! {
    /// Where an entry comes from.
    Source, "source of a figure" {
        /// An inspection of the field.
        Inspection = "inspection",
        /// Totals of the shelters and the register of families at an instant.
        Shelters = "shelters",
        /// What a department declared, with a person and a document.
        Declaration = "declaration",
        /// Written by hand, with a reason.
        Manual = "manual",
    }
}

/// An entry of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = DamageEntry)]
pub struct Entry {
    pub id: Uuid,
    #[schema(value_type = String)]
    pub line: Line,
    #[schema(value_type = String)]
    pub source: Source,
    pub amount: Amount,
    pub inspection_id: Option<Uuid>,
    /// Number of the inspection.
    pub inspection: Option<String>,
    /// The instant at which the shelters were counted.
    #[schema(value_type = Option<String>)]
    pub counted_at: Option<Instant>,
    pub declaration_id: Option<Uuid>,
    /// Who declared, or why it was written by hand.
    pub because: String,
    #[schema(value_type = String)]
    pub at: Instant,
    pub by: String,
}

/// What something else says of a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = DamageProposal)]
pub struct Proposal {
    #[schema(value_type = String)]
    pub line: Line,
    /// inspection or shelters.
    #[schema(value_type = String)]
    pub source: Source,
    pub amount: Amount,
    /// The inspections behind it.
    pub inspections: Vec<Uuid>,
    /// Of the shelters: the instant at which they were that many.
    #[schema(value_type = Option<String>)]
    pub counted_at: Option<Instant>,
}

/// What may be counted twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = DamageDoubt)]
#[serde(tag = "doubt", rename_all = "snake_case")]
pub enum Doubt {
    /// Inspections of one building: only the newest counts. Their numbers, the newest first.
    OneBuilding { place: String, inspections: Vec<String> },
    /// One address at places that lie apart: each counts. The newest inspection of each, the newest first.
    SameAddress { place: String, inspections: Vec<String> },
    /// One line has entries of sources that may count the same.
    ManySources { line: String, sources: Vec<String> },
    /// An entry rests on an inspection that was corrected or stands behind a newer one of the building.
    Outdated { line: String, inspection: String },
}

/// One line with everything that is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = DamageFigure)]
pub struct Figure {
    #[schema(value_type = String)]
    pub line: Line,
    /// The sum of its entries.
    pub total: Amount,
    pub entries: Vec<Entry>,
    pub proposals: Vec<Proposal>,
    /// Total less proposal, for each proposal in its order.
    pub differences: Vec<Amount>,
}

/// Sums over lines. Persons are never summed over lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = DamageSums)]
pub struct Sums {
    pub damaged: Option<i64>,
    pub destroyed: Option<i64>,
    pub material_centavos: Option<i64>,
    pub public_centavos: Option<i64>,
    pub private_centavos: Option<i64>,
    /// Of public and private losses.
    pub loss_centavos: Option<i64>,
}

/// The total of each line that has an entry.
pub fn totals<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> BTreeMap<Line, Amount> {
    let mut totals: BTreeMap<Line, Amount> = BTreeMap::new();
    for entry in entries {
        let total = totals.entry(entry.line).or_default();
        *total = total.and(entry.amount);
    }
    totals
}

pub fn sums(totals: &BTreeMap<Line, Amount>) -> Sums {
    let of = |part: Part| {
        let amounts = totals.iter().filter(|(line, _)| line.part() == part).map(|(_, amount)| *amount);
        amounts.fold(Amount::default(), Amount::and)
    };
    let (material, public, private) = (of(Part::Material), of(Part::PublicLoss), of(Part::PrivateLoss));
    Sums {
        damaged: material.damaged,
        destroyed: material.destroyed,
        material_centavos: material.centavos,
        public_centavos: public.centavos,
        private_centavos: private.centavos,
        loss_centavos: public.and(private).centavos,
    }
}

/// Every line in its order.
pub fn figures(entries: &[Entry], proposals: &[Proposal]) -> Vec<Figure> {
    let totals = totals(entries);
    let one = |line: Line| {
        let total = totals.get(&line).copied().unwrap_or_default();
        let entries = entries.iter().filter(|entry| entry.line == line).cloned().collect();
        let proposals: Vec<Proposal> = proposals.iter().filter(|one| one.line == line).cloned().collect();
        let differences = proposals.iter().map(|one| total.less(one.amount).without_noughts()).collect();
        Figure { line, total, entries, proposals, differences }
    };
    Line::ALL.iter().map(|line| one(*line)).collect()
}

/// An inspection that stands, as far as figures need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspected {
    pub id: Uuid,
    pub number: String,
    pub observed_at: Instant,
    /// The line of its kind of building; none for what has no line.
    pub building: Option<Line>,
    pub units: i64,
    /// none, damaged or destroyed.
    pub damage: String,
    pub centavos: Option<i64>,
    /// Street, neighbourhood, house and complement as they were written.
    pub street: String,
    pub neighbourhood: String,
    pub house_number: String,
    pub complement: String,
    /// Ten-thousandths of a degree, about eleven metres.
    pub spot: Option<(i64, i64)>,
    pub persons: Vec<(Line, i64)>,
}

fn plain(text: &str) -> String {
    let letters = text.trim().to_lowercase();
    letters.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Metres beyond which two spots of one address are two buildings: a telephone errs by less.
const APART_M: f64 = 50.0;
/// Metres of a ten-thousandth of a degree of latitude.
const STEP_M: f64 = 11.13;

/// Metres between two spots, in ten-thousandths of a degree.
#[allow(clippy::cast_precision_loss, reason = "degrees are small")]
fn metres((lon, lat): (i64, i64), (other_lon, other_lat): (i64, i64)) -> f64 {
    let across = (lon - other_lon) as f64 * (lat as f64 / 10_000.0).to_radians().cos();
    STEP_M * across.hypot((lat - other_lat) as f64)
}

impl Inspected {
    /// The number of the house; none of "s/n", "-" and "0", which many houses have.
    fn house(&self) -> Option<String> {
        let house = plain(&self.house_number);
        house.bytes().any(|byte| byte.is_ascii_digit() && byte != b'0').then_some(house)
    }

    /// What may tell the building: its address where it has a house number, else its spot.
    fn building_key(&self) -> String {
        let kind = self.building.map_or("other", Line::as_str);
        match (self.house(), self.spot) {
            (Some(house), _) => format!("{kind}|{}|{house}|{}", plain(&self.street), plain(&self.complement)),
            (None, Some((lon, lat))) => format!("{kind}|{lon}|{lat}|{}", plain(&self.complement)),
            (None, None) => self.id.to_string(),
        }
    }

    /// Streets of one name: the spots tell them apart, or else the neighbourhoods.
    fn is_elsewhere(&self, other: &Self) -> bool {
        if let (Some(here), Some(there)) = (self.spot, other.spot) {
            return metres(here, there) > APART_M;
        }
        let (here, there) = (plain(&self.neighbourhood), plain(&other.neighbourhood));
        !here.is_empty() && !there.is_empty() && here != there
    }

    fn place(&self) -> String {
        let parts = [self.street.trim(), self.house_number.trim(), self.complement.trim()];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
    }

    /// What it says of each line.
    pub fn amounts(&self) -> Vec<(Line, Amount)> {
        let mut amounts: Vec<(Line, Amount)> = Vec::new();
        if let Some(line) = self.building.filter(|_| self.damage != "none") {
            let counted = |word: &str| (self.damage == word).then_some(self.units);
            let amount = if line.part() == Part::Material {
                Amount {
                    damaged: counted("damaged"),
                    destroyed: counted("destroyed"),
                    centavos: self.centavos,
                    persons: None,
                }
            } else {
                Amount { centavos: self.centavos, ..Amount::default() }
            };
            if !amount.is_empty() {
                amounts.push((line, amount));
            }
        }
        let persons =
            self.persons.iter().map(|(line, count)| (*line, Amount { persons: Some(*count), ..Amount::default() }));
        amounts.extend(persons);
        amounts
    }
}

/// The inspections that count, one a building, and the doubts about the others.
pub fn one_a_building(inspections: &[Inspected]) -> (Vec<&Inspected>, Vec<Doubt>) {
    let mut addresses: BTreeMap<String, Vec<&Inspected>> = BTreeMap::new();
    for one in inspections {
        addresses.entry(one.building_key()).or_default().push(one);
    }
    let (mut counting, mut doubts) = (Vec::new(), Vec::new());
    for (_, mut address) in addresses {
        address.sort_by_key(|one| std::cmp::Reverse((one.observed_at, one.id)));
        let mut buildings: Vec<Vec<&Inspected>> = Vec::new();
        for one in address {
            match buildings.iter_mut().find(|building| !building.iter().any(|other| one.is_elsewhere(other))) {
                Some(building) => building.push(one),
                None => buildings.push(vec![one]),
            }
        }
        let newest: Vec<&Inspected> = buildings.iter().filter_map(|building| building.first().copied()).collect();
        let numbers = |all: &[&Inspected]| all.iter().map(|one| one.number.clone()).collect();
        if let [first, _, ..] = newest.as_slice() {
            doubts.push(Doubt::SameAddress { place: first.place(), inspections: numbers(&newest) });
        }
        for building in buildings.iter().filter(|building| building.len() > 1) {
            doubts.push(Doubt::OneBuilding { place: building[0].place(), inspections: numbers(building) });
        }
        counting.extend(newest);
    }
    counting.sort_by_key(|one| (one.observed_at, one.id));
    (counting, doubts)
}

/// What inspections propose, by line.
pub fn of_inspections(counting: &[&Inspected]) -> Vec<Proposal> {
    let mut lines: BTreeMap<Line, (Amount, Vec<Uuid>)> = BTreeMap::new();
    for one in counting {
        for (line, amount) in one.amounts() {
            let (total, ids) = lines.entry(line).or_default();
            *total = total.and(amount);
            ids.push(one.id);
        }
    }
    let propose = |(line, (amount, inspections))| Proposal {
        line,
        source: Source::Inspection,
        amount,
        inspections,
        counted_at: None,
    };
    lines.into_iter().map(propose).collect()
}

/// Persons at the instant at which they were the most.
pub type Peak = (i64, Instant);

/// What the shelters propose: desabrigados and desalojados, apart, each as many as there were at once.
pub fn of_shelters(homeless: Peak, displaced: Peak) -> Vec<Proposal> {
    let one = |(line, (persons, at)): (Line, Peak)| {
        let amount = Amount { persons: Some(persons), ..Amount::default() };
        Proposal { line, source: Source::Shelters, amount, inspections: Vec::new(), counted_at: Some(at) }
    };
    [(Line::Homeless, homeless), (Line::Displaced, displaced)].into_iter().map(one).collect()
}

/// What may be counted twice among the entries. `counting`: the inspections that count.
pub fn doubts_of(entries: &[Entry], counting: &[&Inspected]) -> Vec<Doubt> {
    let good: BTreeSet<Uuid> = counting.iter().map(|one| one.id).collect();
    let mut doubts = Vec::new();
    for line in Line::ALL {
        let of_line: Vec<&Entry> = entries.iter().filter(|entry| entry.line == *line).collect();
        let sources: BTreeSet<Source> =
            of_line.iter().map(|entry| entry.source).filter(|source| *source != Source::Manual).collect();
        if sources.len() > 1 {
            let sources = sources.into_iter().map(|source| source.as_str().to_owned()).collect();
            doubts.push(Doubt::ManySources { line: line.as_str().into(), sources });
        }
        for entry in of_line {
            let Some(id) = entry.inspection_id.filter(|id| !good.contains(id)) else { continue };
            let inspection = entry.inspection.clone().unwrap_or_else(|| id.to_string());
            doubts.push(Doubt::Outdated { line: line.as_str().into(), inspection });
        }
    }
    doubts
}

#[cfg(test)]
mod tests;
