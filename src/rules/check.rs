//! Whether a version may leave its draft: its text is right, it clashes with no other active rule, and what of the town it
//! binds to. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::outline;
use crate::risk::measure::Measure;
use crate::risk::network::{BoundPair, Network, StreamSpec};
use crate::risk::rule::amount::MINUTE;
use crate::risk::rule::{self, Rule, Selector, Subject};
use crate::units::Quantity;

/// Names of areas in a result at most; the count is whole.
const MOST_NAMES: usize = 200;
/// The longest text, as the column `rule_version.text` holds it.
pub const MOST_BYTES: usize = 65_536;

/// One thing that is wrong, or worth knowing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Finding {
    /// From 1.
    pub line: usize,
    /// From 1, in letters.
    pub column: usize,
    /// The key: "levels[1].any[0].at_least"; empty where it is about the whole.
    pub place: String,
    pub message: String,
    /// An error keeps the version a draft; everything else is advice.
    pub is_error: bool,
}

/// What the check found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Checked {
    pub findings: Vec<Finding>,
    /// Areas whose hazard and grade it covers.
    pub areas: usize,
    /// Streams that speak for them.
    pub streams: usize,
    /// How many of the areas have no stream for a selector.
    pub blind: usize,
    /// Their names, at most 200.
    pub blind_areas: Vec<String>,
    /// Where stations are there and can never say what the rule asks them.
    #[serde(default)]
    pub never: Vec<Never>,
}

/// Areas whose stations can never say what the rule asks them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Never {
    /// What the rule calls the stations.
    pub stations: String,
    pub why: NeverWhy,
    /// Names, at most 200.
    pub areas: Vec<String>,
}

impl fmt::Display for Never {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stations {:?} can never say what is asked: ", self.stations)?;
        match &self.why {
            NeverWhy::TooFew { needs, has } => write!(f, "{needs} have to speak and {has} are there")?,
            NeverWhy::NoStage { stage } => write!(f, "none has the stage {stage:?}")?,
            NeverWhy::Coarse { window_min } => write!(f, "each measures by spans longer than {window_min} min")?,
        }
        write!(f, " ({})", self.areas.join(", "))
    }
}

/// Why stations can never say it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "because", rename_all = "snake_case")]
pub enum NeverWhy {
    /// Fewer are there than have to speak.
    TooFew { needs: usize, has: usize },
    /// None of them knows the stage.
    NoStage { stage: String },
    /// Each of them tells a longer span at a time than the window.
    Coarse { window_min: i64 },
}

impl Checked {
    pub fn errors(&self) -> usize {
        self.findings.iter().filter(|finding| finding.is_error).count()
    }
}

/// The version a text is kept under.
#[derive(Clone, Copy, Debug)]
pub struct Kept<'a> {
    pub id: &'a str,
    pub version: i32,
}

/// Checks a text against the town (`network`, whose rules are the active ones) as it stands, and plays the tests beside it.
pub fn check(kept: Kept<'_>, text: &str, mut network: Network, zone: Tz) -> Checked {
    let mut checked = Checked { findings: findings(text), ..Checked::default() };
    let Ok(rule) = Rule::parse(kept.id, text) else { return checked };
    let wrong = |key: &str, message: String| {
        let (line, column) = outline::place_of(text, key);
        Finding { line, column, place: key.to_owned(), message, is_error: true }
    };
    if rule.id != kept.id {
        checked.findings.push(wrong("id", format!("the text says {:?}, and it is kept as {:?}", rule.id, kept.id)));
    }
    if rule.version != kept.version {
        let message = format!("the text says {}, and it is kept as version {}", rule.version, kept.version);
        checked.findings.push(wrong("version", message));
    }
    for (index, outcome) in rule.try_cases(zone).into_iter().enumerate().filter(|(_, outcome)| !outcome.passed()) {
        let differs = outcome.rows.iter().find(|row| row.expected != row.got);
        let told = differs.map_or_else(String::new, |row| {
            format!(": after {} min {} was expected and {} came", row.minutes, row.expected, row.got)
        });
        checked.findings.push(wrong(&format!("tests[{index}]"), format!("test {:?}{told}", outcome.name)));
    }
    network.rules.retain(|active| active.id != rule.id);
    network.rules.push(rule.clone());
    let clash = Network { rules: network.rules.clone(), ..Network::default() }.bind();
    if let Err(clash) = clash {
        checked.findings.push(wrong("hazard", clash.to_string()));
        return checked;
    }
    network.rules = vec![rule];
    bind(network, &mut checked);
    checked
}

/// What is wrong in the text by itself, in the order of its lines.
pub fn findings(text: &str) -> Vec<Finding> {
    if text.len() > MOST_BYTES {
        let message = format!("the text has {} bytes; at most {MOST_BYTES} are kept", text.len());
        return vec![Finding { line: 1, column: 1, place: String::new(), message, is_error: true }];
    }
    let error = |found: rule::Finding| {
        let rule::Finding { line, column, place, message } = found;
        Finding { line, column, place, message, is_error: true }
    };
    Rule::findings(text).into_iter().map(error).collect()
}

/// What of the town the one rule of this network binds to.
fn bind(network: Network, checked: &mut Checked) {
    let Ok(bound) = network.bind() else { return };
    let (mut streams, mut blind) = (BTreeSet::new(), BTreeSet::new());
    let mut never: BTreeMap<(String, NeverWhy), BTreeSet<String>> = BTreeMap::new();
    for pair in bound.pairs.iter().filter(|pair| pair.rule.is_some()) {
        checked.areas += 1;
        streams.extend(pair.streams());
        let rule = pair.rule.and_then(|rule| bound.rules.get(rule));
        let selectors = rule.map_or(&[][..], |rule| &rule.selectors);
        if selectors.iter().zip(&pair.feeds).any(|(selector, feed)| measures(selector) && feed.sources.is_empty()) {
            blind.insert(pair.area_name.clone());
        }
        for of in rule.into_iter().flat_map(|rule| never_of(rule, pair, &bound.streams)) {
            never.entry(of).or_default().insert(pair.area_name.clone());
        }
    }
    let told = |((stations, why), areas): (_, BTreeSet<String>)| Never {
        stations,
        why,
        areas: areas.into_iter().take(MOST_NAMES).collect(),
    };
    checked.never = never.into_iter().map(told).collect();
    checked.streams = streams.len();
    checked.blind = blind.len();
    checked.blind_areas = blind.into_iter().take(MOST_NAMES).collect();
}

/// That nobody reports, warns or foretells blinds no area.
const fn measures(selector: &Selector) -> bool {
    !matches!(selector.subject, Subject::Measured(Quantity::Reports | Quantity::Warnings | Quantity::RainForecast))
}

/// What the stations of an area can never say, by the name that the rule gives them. Where there are none the area is blind already.
fn never_of(rule: &Rule, pair: &BoundPair, streams: &[StreamSpec]) -> Vec<(String, NeverWhy)> {
    let mut found = Vec::new();
    for (index, selector) in rule.selectors.iter().enumerate().filter(|(_, selector)| measures(selector)) {
        let heard: Vec<_> = pair.sources(index).iter().filter_map(|source| streams.get(source.stream)).collect();
        if heard.is_empty() {
            continue;
        }
        let needs = selector.min_fresh;
        if heard.len() < needs {
            found.push((selector.name.clone(), NeverWhy::TooFew { needs, has: heard.len() }));
        }
        for (_, condition) in rule.conditions().filter(|(_, condition)| condition.selector == index) {
            if let Measure::Above(stage) = condition.measure
                && heard.iter().all(|stream| stream.stages.get(stage).is_none())
            {
                found.push((selector.name.clone(), NeverWhy::NoStage { stage: stage.to_string() }));
            }
            if let Some(window) = condition.measure.sums().max()
                && heard.iter().all(|stream| stream.interval.is_some_and(|interval| interval > window))
            {
                found.push((selector.name.clone(), NeverWhy::Coarse { window_min: window / MINUTE }));
            }
        }
    }
    found
}

/// What a set of rules leaves unwatched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Gap {
    /// COBRADE code.
    pub hazard: String,
    /// R1 to R4.
    pub grade: String,
    /// How many areas have this hazard at this grade.
    pub areas: usize,
}

/// Hazards and grades of the town that no rule of the network covers, by hazard and grade.
pub fn gaps(network: &Network) -> Vec<Gap> {
    let mut found: Vec<Gap> = Vec::new();
    for area in &network.areas {
        for (hazard, grade) in &area.hazards {
            if network.rules.iter().any(|rule| rule.applies_to(*hazard, *grade)) {
                continue;
            }
            let (hazard, grade) = (hazard.to_string(), grade.as_str().to_owned());
            match found.iter_mut().find(|gap| gap.hazard == hazard && gap.grade == grade) {
                Some(gap) => gap.areas += 1,
                None => found.push(Gap { hazard, grade, areas: 1 }),
            }
        }
    }
    found.sort_by(|a, b| (&a.hazard, &a.grade).cmp(&(&b.hazard, &b.grade)));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{AreaId, DatastreamId};
    use crate::risk::network::AreaSpec;
    use crate::risk::store::DEFAULT_RULES;
    use crate::units::StreamKind;

    const ZONE: Tz = chrono_tz::America::Sao_Paulo;

    /// The product's rule for rain on slopes.
    fn slope() -> (&'static str, &'static str) {
        *DEFAULT_RULES.iter().find(|(file, _)| *file == "rain-landslide.toml").unwrap()
    }

    #[test]
    fn the_rules_compiled_in_are_right() {
        for (file, text) in DEFAULT_RULES {
            assert_eq!(findings(text), [], "{file}");
        }
    }

    #[test]
    fn an_error_is_found_at_its_line_and_column() {
        let (_, text) = slope();
        let found = findings(&text.replacen("\"25 mm\"", "\"25 kg\"", 1));
        let line = found[0].line;
        assert!(text.lines().nth(line - 1).unwrap().contains("25 mm"), "{found:?}");
        assert!(found[0].place.ends_with("at_least") && found[0].is_error);
        let found = findings(&text.replacen("clear_after_min", "clear_after", 1));
        assert!(text.lines().nth(found[0].line - 1).unwrap().contains("clear_after_min"), "{found:?}");
        assert!(found[0].message.contains("clear_after"), "{found:?}");
        assert_eq!(findings("id = ")[0].line, 1);
    }

    #[test]
    fn another_rule_for_the_same_hazard_and_grade_is_an_error_and_the_same_rule_is_not() {
        let rules: Vec<Rule> = DEFAULT_RULES.iter().map(|(file, text)| Rule::parse(file, text).unwrap()).collect();
        let network = Network { rules, ..Network::default() };
        let (file, text) = slope();
        let id = Rule::parse(file, text).unwrap().id;
        assert_eq!(check(Kept { id: &id, version: 1 }, text, network.clone(), ZONE).errors(), 0);
        let other = text.replacen(&format!("id = \"{id}\""), "id = \"other\"", 1);
        let checked = check(Kept { id: "other", version: 1 }, &other, network.clone(), ZONE);
        assert!(checked.findings.iter().any(|finding| finding.message.contains("both cover hazard")), "{checked:?}");
        let checked = check(Kept { id: &id, version: 7 }, text, network, ZONE);
        assert_eq!((checked.errors(), checked.findings[0].place.as_str()), (1, "version"));
    }

    #[test]
    fn areas_whose_stations_can_never_say_it_are_named_with_why() {
        let gauge = StreamSpec {
            id: DatastreamId(1),
            station_code: "G".into(),
            station_name: "G".into(),
            name: "x".into(),
            point: geo::Point::new(-43.0, -22.0),
            quantity: Quantity::Rain,
            kind: StreamKind::IntervalSum,
            interval: Some(60 * MINUTE),
            stale_after: 150 * MINUTE,
            limits: Default::default(),
            counter: Default::default(),
            stages: Default::default(),
        };
        let river = StreamSpec {
            id: DatastreamId(2),
            quantity: Quantity::WaterLevel,
            kind: StreamKind::Instantaneous,
            interval: None,
            ..gauge.clone()
        };
        let area = AreaSpec {
            id: AreaId(1),
            code: "a".into(),
            name: "Morro".into(),
            polygons: geo::MultiPolygon(vec![geo::Rect::new((-43.01, -22.01), (-42.99, -21.99)).to_polygon()]),
            hazards: vec![("1.2.1.0.0".parse().unwrap(), "R3".parse().unwrap())],
        };
        let network = Network { streams: vec![gauge, river], areas: vec![area], rules: Vec::new() };
        let text = "id = 'r'\nversion = 1\ntitle = 't'\nhazard = '1.2.1.0.0'\n[stations.g]\nquantity = 'rain'\nwithin_km = 5.0\nmin_fresh = 3\n\
            [stations.w]\nquantity = 'water_level'\nwithin_km = 5.0\n[[levels]]\nlevel = 'alert'\n\
            any = [{ stations = 'g', sum = '15min', at_least = '10 mm' }, { stations = 'w', above_stage = 'alert', at_least = '0 m' }]\n";
        let checked = check(Kept { id: "r", version: 1 }, text, network, ZONE);
        assert_eq!((checked.errors(), checked.areas, checked.blind), (0, 1, 0), "{checked:?}");
        let told: Vec<_> = checked.never.iter().map(|never| (never.stations.as_str(), never.why.clone())).collect();
        assert_eq!(
            told,
            [
                ("g", NeverWhy::TooFew { needs: 3, has: 1 }),
                ("g", NeverWhy::Coarse { window_min: 15 }),
                ("w", NeverWhy::NoStage { stage: "alert".into() }),
            ]
        );
        assert_eq!(checked.never[0].areas, ["Morro"]);
    }

    #[test]
    fn a_test_beside_the_rule_that_comes_out_otherwise_is_an_error_on_its_line() {
        let (file, text) = slope();
        let rule = Rule::parse(file, text).unwrap();
        let with = |level: &str| {
            let stations = &rule.selectors[0].name;
            let test = format!(
                "\n[[tests]]\nname = \"chuva nenhuma\"\nevery = \"1h\"\nseries = {{ {stations} = \"0x6\" }}\nexpect = {{ \"3h\" = \"{level}\" }}\n"
            );
            let text = format!("{text}{test}");
            let kept = Kept { id: &rule.id, version: rule.version };
            (check(kept, &text, Network::default(), ZONE), text)
        };
        assert_eq!(with("normal").0.findings, []);
        let (checked, text) = with("alert");
        let told = &checked.findings[0];
        assert!(told.is_error && told.message.contains("chuva nenhuma") && told.message.contains("alert"), "{told:?}");
        assert!(text.lines().nth(told.line - 1).unwrap().contains("[[tests]]"), "{told:?}");
    }
}
