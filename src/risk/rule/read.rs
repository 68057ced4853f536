//! From a file to a rule: every key is looked at, and everything that is wrong is told with its line.

use std::sync::Arc;

use toml::de::Error;

use super::amount::{self, HOUR, MINUTE, amount, season};
use super::file::{
    AntecedentFile, CombineWord, ConditionFile, CurveFile, LevelFile, OverrideFile, RuleFile, SeasonFile, SelectorFile,
};
use super::locate::{Finding, locate, position};
use super::{
    Antecedent, Combine, Condition, Curve, LAST_WORD_H, LevelRule, Limit, MAX_DAYS, MAX_LAST_WORD_H, Node, Override,
    Place, Rule, Selector, Subject, Turned, cases, dials,
};
use crate::risk::calendar::{Quiet, Season};
use crate::risk::measure::Measure;
use crate::risk::series::Micros;
use crate::units::{Fixed, Level, Quantity};

/// Groups within groups; nobody reads more.
const MAX_DEPTH: usize = 6;
const MAX_CONDITIONS: usize = 64;

/// What is wrong with a file, in the order of its lines.
#[derive(Debug)]
pub struct Problems {
    /// The rule's id, when that much could be read.
    pub rule: Option<String>,
    pub findings: Vec<Finding>,
}

/// Gathers what is wrong while reading goes on.
pub struct Reader<'a> {
    text: &'a str,
    findings: Vec<Finding>,
}

impl Reader<'_> {
    pub fn wrong(&mut self, place: impl Into<String>, message: impl Into<String>) {
        let place = place.into();
        let (line, column) = position(self.text, locate(self.text, &place));
        self.findings.push(Finding { line, column, place, message: message.into() });
    }

    /// The value, or nothing and a finding at `place`.
    pub fn take<T>(&mut self, place: impl FnOnce() -> String, value: Result<T, String>) -> Option<T> {
        value.map_err(|message| self.wrong(place(), message)).ok()
    }
}

pub fn read(text: &str) -> Result<Rule, Problems> {
    let raw: RuleFile =
        toml::from_str(text).map_err(|error| Problems { rule: None, findings: vec![unreadable(text, &error)] })?;
    let mut reader = Reader { text, findings: Vec::new() };
    let rule = rule_of(&raw, &mut reader);
    match rule {
        Some(rule) if reader.findings.is_empty() => Ok(rule),
        _ => {
            let mut findings = reader.findings;
            findings.sort_by_key(|finding| (finding.line, finding.column));
            Err(Problems { rule: Some(raw.id), findings })
        }
    }
}

fn unreadable(text: &str, error: &Error) -> Finding {
    let (line, column) = position(text, error.span().map_or(0, |span| span.start));
    Finding { line, column, place: "file".into(), message: error.message().to_owned() }
}

fn rule_of(raw: &RuleFile, reader: &mut Reader<'_>) -> Option<Rule> {
    if raw.version < 1 {
        reader.wrong("version", "versions start at 1");
    }
    if raw.id.is_empty() || !raw.id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')) {
        reader.wrong("id", format!("{:?} is no id; expected letters, digits, '-', '_', '.'", raw.id));
    }
    let all_year = raw.season.as_ref().and_then(|season| season_of(season, "season", reader));
    let mut selectors = Vec::new();
    for (name, selector) in &raw.stations {
        let place = format!("stations.{}", key(name));
        selectors.extend(selector_of(name, selector, &place, reader));
    }
    // A condition of a selector that is wrong would only say so again.
    if selectors.len() < raw.stations.len() {
        return None;
    }
    let mut levels = Vec::new();
    for (index, level) in raw.levels.iter().enumerate() {
        levels.extend(level_of(level, all_year, &selectors, &format!("levels[{index}]"), reader));
    }
    if levels.len() < raw.levels.len() {
        return None;
    }
    if levels.is_empty() || !levels.is_sorted_by(|a: &LevelRule, b| a.level < b.level) {
        reader.wrong("levels", "give at least one level, in rising order, each once");
    }
    let quiet = raw.quiet_hours.as_ref().and_then(|quiet| {
        let from_min = reader.take(|| "quiet_hours.from".into(), amount::time_of_day(&quiet.from))?;
        let to_min = reader.take(|| "quiet_hours.to".into(), amount::time_of_day(&quiet.to))?;
        if quiet.up_to >= Level::Alert {
            reader.wrong(
                "quiet_hours.up_to",
                "from alert on a level speaks at any hour; expected observation or attention",
            );
        }
        Some(Quiet { from_min, to_min, up_to: quiet.up_to })
    });
    let mut rule = Rule {
        id: raw.id.clone(),
        version: raw.version,
        title: raw.title.clone(),
        hazard: raw.hazard,
        grades: raw.grades.clone(),
        selectors,
        levels,
        overrides: Vec::new(),
        quiet,
        last_word: Micros::from(last_word_h(raw.last_word_h, reader)).saturating_mul(HOUR),
        cases: Vec::new(),
    };
    rule.overrides = raw
        .overrides
        .iter()
        .enumerate()
        .filter_map(|(index, over)| override_of(over, &rule, &format!("overrides[{index}]"), reader))
        .collect();
    rule.cases = raw
        .tests
        .iter()
        .enumerate()
        .filter_map(|(index, case)| cases::read(case, &rule, &format!("tests[{index}]"), reader))
        .collect();
    let steps: usize = rule.cases.iter().flat_map(|case| &case.series).map(|line| line.values.len()).sum();
    if steps > cases::MAX_STEPS_OF_ALL {
        let told = format!("the tests have {steps} steps together; expected at most {}", cases::MAX_STEPS_OF_ALL);
        reader.wrong("tests", told);
    }
    Some(rule)
}

fn last_word_h(given: Option<u32>, reader: &mut Reader<'_>) -> u32 {
    let hours = given.unwrap_or(LAST_WORD_H);
    if hours > MAX_LAST_WORD_H {
        reader.wrong("last_word_h", format!("{hours} hours; expected at most {MAX_LAST_WORD_H}"));
    }
    hours
}

/// A name as a step of a place.
pub fn key(name: &str) -> String {
    if name.contains(['.', '[']) { format!("\"{name}\"") } else { name.to_owned() }
}

fn season_of(raw: &SeasonFile, place: &str, reader: &mut Reader<'_>) -> Option<Season> {
    reader.take(|| place.to_owned(), season(&raw.from, &raw.to))
}

fn selector_of(name: &str, raw: &SelectorFile, place: &str, reader: &mut Reader<'_>) -> Option<Selector> {
    let subject = match (raw.quantity, raw.derived) {
        (Some(quantity), None) => Subject::Measured(quantity),
        (None, Some(derived)) => Subject::Derived(derived),
        _ => {
            reader.wrong(place, "give exactly one of quantity, derived");
            return None;
        }
    };
    let found = reader.take(|| place.to_owned(), place_of(raw));
    if raw.within_km.is_some_and(|km| !(km > 0.0 && km <= 200.0)) {
        let told = format!("within_km is {}; expected above 0 and at most 200", raw.within_km.unwrap_or_default());
        reader.wrong(format!("{place}.within_km"), told);
    }
    let k = raw.k.unwrap_or(1);
    let min_fresh = raw.min_fresh.unwrap_or(k);
    if k == 0 || min_fresh < k {
        reader.wrong(place, format!("k is {k} and min_fresh {min_fresh}; expected 1 ≤ k ≤ min_fresh"));
    }
    let combine = match raw.combine {
        None | Some(CombineWord::Extreme) => Combine::Kth(k),
        Some(_) if raw.k.is_some() => {
            reader.wrong(format!("{place}.k"), "k goes with combine = \"extreme\" only");
            return None;
        }
        Some(CombineWord::Mean) => Combine::Mean,
        Some(CombineWord::InverseDistance) => Combine::InverseDistance,
        Some(CombineWord::Thiessen) => Combine::Thiessen,
    };
    let travel = Micros::from(raw.travel_min.unwrap_or(0)) * MINUTE;
    if travel > super::MAX_WINDOW_H * HOUR {
        reader.wrong(format!("{place}.travel_min"), format!("expected at most {} minutes", super::MAX_WINDOW_H * 60));
    }
    Some(Selector {
        name: name.to_owned(),
        subject,
        stream: raw.stream.clone(),
        place: found?,
        combine,
        min_fresh,
        suspect: raw.suspect,
        travel,
    })
}

fn place_of(raw: &SelectorFile) -> Result<Place, String> {
    match (raw.inside, raw.within_km, raw.nearest, &raw.named) {
        (true, None, None, None) => Ok(Place::Inside),
        (false, Some(within_km), None, None) => Ok(Place::WithinKm(within_km)),
        (false, Some(within_km), Some(n), None) if n > 0 => Ok(Place::Nearest { n, within_km }),
        (false, None, None, Some(codes)) if !codes.is_empty() => Ok(Place::Named(codes.clone())),
        _ => {
            Err("give exactly one of: inside = true; within_km; nearest with within_km; named = [station codes]".into())
        }
    }
}

fn level_of(
    raw: &LevelFile,
    all_year: Option<Season>,
    selectors: &[Selector],
    place: &str,
    reader: &mut Reader<'_>,
) -> Option<LevelRule> {
    let before = reader.findings.len();
    if raw.level <= Level::Normal {
        reader.wrong(format!("{place}.level"), "rules raise to observation, attention, alert or maximum");
    }
    let season =
        raw.season.as_ref().and_then(|season| season_of(season, &format!("{place}.season"), reader)).or(all_year);
    let mut branch = Branch { selectors, conditions: Vec::new(), negated: false, reader };
    let when = match (&raw.any, &raw.all, raw.k, &raw.of) {
        (Some(any), None, None, None) => branch.list(any, &format!("{place}.any"), 0).map(Node::Any),
        (None, Some(all), None, None) => branch.list(all, &format!("{place}.all"), 0).map(Node::All),
        (None, None, Some(k), Some(of)) => branch.at_least(k, of, place, 0),
        _ => {
            branch.reader.wrong(place, "give exactly one of any, all, or k with of");
            None
        }
    };
    let conditions = branch.conditions;
    if conditions.len() > MAX_CONDITIONS {
        reader.wrong(place, format!("{} conditions; expected at most {MAX_CONDITIONS}", conditions.len()));
    }
    if reader.findings.len() > before {
        return None;
    }
    let minutes = |count: u32| Micros::from(count) * MINUTE;
    Some(LevelRule {
        level: raw.level,
        hold_for: minutes(raw.for_min),
        clear_after: minutes(raw.clear_after_min),
        stay_for: minutes(raw.stay_min),
        season,
        conditions,
        when: when?,
    })
}

/// The conditions of one level, gathered while their tree is read.
struct Branch<'a, 'r, 't> {
    selectors: &'a [Selector],
    conditions: Vec<Condition>,
    /// An odd number of `not` stands above.
    negated: bool,
    reader: &'r mut Reader<'t>,
}

impl Branch<'_, '_, '_> {
    fn list(&mut self, raw: &[ConditionFile], place: &str, depth: usize) -> Option<Vec<Node>> {
        if raw.is_empty() {
            self.reader.wrong(place, "give at least one condition");
            return None;
        }
        // All of them are looked at, whatever is wrong with the first.
        let nodes: Vec<Option<Node>> =
            raw.iter().enumerate().map(|(index, one)| self.node(one, &format!("{place}[{index}]"), depth)).collect();
        nodes.into_iter().collect()
    }

    fn at_least(&mut self, k: usize, of: &[ConditionFile], place: &str, depth: usize) -> Option<Node> {
        if k == 0 || k > of.len() {
            self.reader.wrong(format!("{place}.k"), format!("k is {k} of {}; expected 1 to {}", of.len(), of.len()));
        }
        self.list(of, &format!("{place}.of"), depth).map(|of| Node::AtLeast(k, of))
    }

    fn node(&mut self, raw: &ConditionFile, place: &str, depth: usize) -> Option<Node> {
        if depth > MAX_DEPTH {
            self.reader.wrong(place, format!("groups lie in groups; expected at most {MAX_DEPTH} deep"));
            return None;
        }
        let groups =
            [raw.any.is_some(), raw.all.is_some(), raw.not.is_some(), raw.of.is_some(), raw.stations.is_some()];
        if groups.iter().filter(|given| **given).count() != 1 || raw.k.is_some() != raw.of.is_some() {
            self.reader.wrong(place, "give exactly one of stations, any, all, not, or k with of");
            return None;
        }
        match (&raw.any, &raw.all, &raw.not, &raw.of) {
            (Some(any), ..) => self.list(any, &format!("{place}.any"), depth + 1).map(Node::Any),
            (_, Some(all), ..) => self.list(all, &format!("{place}.all"), depth + 1).map(Node::All),
            (.., Some(not), _) => {
                self.negated = !self.negated;
                let node = self.node(not, &format!("{place}.not"), depth + 1);
                self.negated = !self.negated;
                node.map(|node| Node::Not(Box::new(node)))
            }
            (.., Some(of)) => self.at_least(raw.k.unwrap_or(0), of, place, depth + 1),
            _ => {
                let mut condition = condition_of(raw, self.selectors, place, self.reader)?;
                condition.negated = self.negated;
                if !condition.name.is_empty() && self.conditions.iter().any(|other| other.name == condition.name) {
                    self.reader.wrong(format!("{place}.name"), format!("{:?} is taken", condition.name));
                }
                self.conditions.push(condition);
                Some(Node::Leaf(self.conditions.len() - 1))
            }
        }
    }
}

fn condition_of(
    raw: &ConditionFile,
    selectors: &[Selector],
    place: &str,
    reader: &mut Reader<'_>,
) -> Option<Condition> {
    let named = raw.stations.as_deref().unwrap_or_default();
    let Some(index) = selectors.iter().position(|selector| selector.name == named) else {
        let known: Vec<&str> = selectors.iter().map(|selector| selector.name.as_str()).collect();
        let told = format!("{named:?} is not defined; [stations] has {}", known.join(", "));
        reader.wrong(format!("{place}.stations"), told);
        return None;
    };
    let name = raw.name.clone().unwrap_or_default();
    if name.parse::<usize>().is_ok() || name.contains(['.', ' ']) {
        reader.wrong(
            format!("{place}.name"),
            format!("{name:?} is no name; expected a word without dots that is no number"),
        );
    }
    let selector = selectors.get(index)?;
    let measure = measure_of(raw, selector, place, reader)?;
    let (rises, limit) = limit_of(raw, &measure, selector.subject, place, reader)?;
    Some(Condition { name, selector: index, measure, rises, negated: false, limit, seasonal: Vec::new() })
}

fn measure_of(raw: &ConditionFile, selector: &Selector, place: &str, reader: &mut Reader<'_>) -> Option<Measure> {
    let mut found = Vec::new();
    for (word, window, make) in [
        ("sum", &raw.sum, Measure::Sum as fn(Micros) -> Measure),
        ("rate", &raw.rate, Measure::Rate),
        ("max", &raw.max, Measure::Max),
        ("min", &raw.min, Measure::Min),
        ("mean", &raw.mean, Measure::Mean),
    ] {
        if let Some(window) = window {
            found.push(make(reader.take(|| format!("{place}.{word}"), amount::window(window))?));
        }
    }
    found.extend(raw.latest.then_some(Measure::Latest));
    found.extend(raw.above_stage.map(Measure::Above));
    if let Some(curve) = &raw.intensity_duration {
        let curve = reader.take(|| format!("{place}.intensity_duration"), curve_of(curve))?;
        found.push(Measure::Curve(Arc::new(curve)));
    }
    if let Some(index) = &raw.antecedent {
        let index = reader.take(|| format!("{place}.antecedent"), antecedent_of(index))?;
        found.push(Measure::Antecedent(Arc::new(index)));
    }
    let count = found.len();
    let Some(measure) = found.pop().filter(|_| count == 1) else {
        let told = "give exactly one of sum, latest, rate, max, min, mean, above_stage, intensity_duration, antecedent";
        reader.wrong(place, told);
        return None;
    };
    if let Err(told) = fits(&measure, selector) {
        reader.wrong(place, told);
        return None;
    }
    Some(measure)
}

/// Whether a measure makes sense of what a selector reads.
fn fits(measure: &Measure, selector: &Selector) -> Result<(), String> {
    let adds_up = matches!(selector.subject, Subject::Measured(Quantity::Rain | Quantity::Reports));
    match measure {
        Measure::Sum(_) | Measure::Curve(_) | Measure::Antecedent(_) if !adds_up => {
            Err(format!("{} does not add up; expected latest, rate, max, min or mean", selector.subject.as_str()))
        }
        Measure::Curve(_) | Measure::Antecedent(_) if selector.subject != Subject::Measured(Quantity::Rain) => {
            Err("this is asked of rain only".into())
        }
        Measure::Above(_) if selector.subject != Subject::Measured(Quantity::WaterLevel) => {
            Err("stages are of water_level only".into())
        }
        measure if matches!(selector.subject, Subject::Derived(_)) && *measure != Measure::Latest => {
            Err(format!("of {} only the latest value is known", selector.subject.as_str()))
        }
        measure if selector.travel > 0 && !matches!(measure, Measure::Latest | Measure::Above(_)) => {
            Err("stations with travel_min answer for latest and above_stage only".into())
        }
        _ => Ok(()),
    }
}

fn curve_of(raw: &CurveFile) -> Result<Curve, String> {
    if !(raw.a > 0.0 && raw.a <= 1000.0 && raw.b > 0.0 && raw.b < 1.0) {
        return Err(format!("a is {} and b {}; expected a above 0 (mm/h) and 0 < b < 1", raw.a, raw.b));
    }
    if raw.durations.is_empty() || raw.durations.len() > 12 {
        return Err("give 1 to 12 durations".into());
    }
    let point = |text: &String| {
        let duration = amount::window(text)?;
        let hours = duration as f64 / HOUR as f64;
        let depth = Fixed::try_from(raw.a * hours.powf(1.0 - raw.b)).map_err(|error| error.to_string())?;
        Ok((duration, depth))
    };
    Ok(Curve { a: raw.a, b: raw.b, points: raw.durations.iter().map(point).collect::<Result<_, String>>()? })
}

fn antecedent_of(raw: &AntecedentFile) -> Result<Antecedent, String> {
    if !(1..=MAX_DAYS).contains(&raw.days) {
        return Err(format!("days is {}; expected 1 to {MAX_DAYS}", raw.days));
    }
    if !(0.5..1.0).contains(&raw.per_day) {
        return Err(format!("per_day is {}; expected 0.5 to below 1, such as 0.85", raw.per_day));
    }
    let hours = raw.days * 24;
    let weight = |hour: i64| Fixed((raw.per_day.powf(hour as f64 / 24.0) * Fixed::SCALE as f64).round() as i64);
    Ok(Antecedent { reach: hours * HOUR, per_day: raw.per_day, weights: (0..hours).map(weight).collect() })
}

fn limit_of(
    raw: &ConditionFile,
    measure: &Measure,
    subject: Subject,
    place: &str,
    reader: &mut Reader<'_>,
) -> Option<(bool, Limit)> {
    let by_itself = match measure {
        // On the curve, and at the stage itself.
        Measure::Curve(_) => Some(Fixed::from_whole(1)),
        Measure::Above(_) => Some(Fixed(0)),
        _ => None,
    };
    let (rises, at, clear, words) = match (&raw.at_least, &raw.at_most) {
        (at, None) if at.is_some() || by_itself.is_some() => (true, at, &raw.clear_below, ("at_least", "clear_below")),
        (None, at @ Some(_)) => (false, at, &raw.clear_above, ("at_most", "clear_above")),
        _ => {
            reader.wrong(place, "give exactly one of at_least, at_most");
            return None;
        }
    };
    if (rises && raw.clear_above.is_some()) || (!rises && raw.clear_below.is_some()) {
        reader.wrong(place, "at_least goes with clear_below, at_most with clear_above");
    }
    let mut read = |word: &str, text: &Option<String>| match text {
        Some(text) => reader.take(|| format!("{place}.{word}"), amount(text, measure, subject)).map(Some),
        None => Some(None),
    };
    let (at, clear) = (read(words.0, at)?, read(words.1, clear)?);
    let at = at.or(by_itself)?;
    let clear = clear.unwrap_or(at);
    if (rises && clear > at) || (!rises && clear < at) {
        let told = format!("{clear} lies {} {} {at}", if rises { "above" } else { "below" }, words.0);
        reader.wrong(format!("{place}.{}", words.1), told);
    }
    Some((rises, Limit { at, clear }))
}

fn override_of(raw: &OverrideFile, rule: &Rule, place: &str, reader: &mut Reader<'_>) -> Option<Override> {
    if raw.factor.is_none() && raw.thresholds.is_empty() {
        reader.wrong(place, "give factor or thresholds");
    }
    if raw.grades.is_empty() && raw.areas.is_empty() && raw.season.is_none() {
        reader.wrong(place, "say where or when: give grades, areas or season");
    }
    let factor = match raw.factor {
        Some(factor) if !(0.1..=10.0).contains(&factor) => {
            reader.wrong(format!("{place}.factor"), format!("factor is {factor}; expected 0.1 to 10"));
            None
        }
        factor => factor.and_then(|factor| Fixed::try_from(factor).ok()),
    };
    let season = raw.season.as_ref().and_then(|season| season_of(season, &format!("{place}.season"), reader));
    let mut thresholds = Vec::new();
    for (address, text) in &raw.thresholds {
        let at = || format!("{place}.thresholds.{}", key(address));
        let found = reader.take(at, dials::find(rule, address));
        let Some((level, condition, found)) = found else { continue };
        let subject = rule.selectors.get(found.selector).map_or(Subject::Measured(Quantity::Rain), |s| s.subject);
        let value = reader.take(at, amount(text, &found.measure, subject));
        thresholds.extend(value.map(|at| Turned { level, condition, at }));
    }
    Some(Override { grades: raw.grades.clone(), areas: raw.areas.clone(), season, factor, thresholds })
}
