//! The report as one HTML page: no script, nothing fetched; it prints, and follows the reader's light or dark.

mod sweep;

use askama::Template;

use super::{CaseReport, EventReport, Report};
use crate::backtest::measured::Panel;
use crate::backtest::run::Timeline;
use crate::backtest::score::Score;
use crate::backtest::svg::storm::{Stage, Words, bands, panel};
use crate::backtest::svg::{number, when};
use crate::i18n::Lang;
use crate::risk::reason::MeasureKind;
use crate::units::Level;

/// Rows of bands in one plot; more areas are counted and not drawn.
const ROWS: usize = 40;

#[derive(Template)]
#[template(path = "backtest.html")]
struct Page {
    lang: Lang,
    title: String,
    facts: Vec<(String, String)>,
    scores: Vec<Row>,
    cases: Vec<Section>,
    sweep: Option<Swept>,
}

impl Page {
    fn words<const N: usize>(&self, keys: [&str; N]) -> Row {
        keys.map(|key| self.lang.t(key)).to_vec()
    }

    fn score_head(&self) -> Row {
        let mut head = self.words(["bt-hazard", "bt-level", "bt-hits", "bt-misses", "bt-false", "bt-negatives"]);
        head.extend(["POD", "FAR", "POFD", "CSI"].map(str::to_owned));
        head.extend(self.words(["bt-bias", "bt-events", "bt-lead-three", "bt-episodes", "bt-under-alert", "bt-blind"]));
        head
    }

    fn axis_head(&self) -> Row {
        self.words(["bt-rule", "bt-threshold", "bt-level", "bt-from", "bt-to", "bt-in-use"])
    }

    fn measure_head(&self) -> Row {
        self.words(["bt-measure", "bt-station", "bt-highest", "bt-thresholds"])
    }

    fn transition_head(&self) -> Row {
        self.words(["bt-at", "bt-area", "bt-hazard", "bt-shown", "bt-known"])
    }

    /// Levels with the height of their band.
    const fn key(&self) -> [(&'static str, u32); 6] {
        [("unknown", 20), ("normal", 2), ("observation", 7), ("attention", 12), ("alert", 16), ("maximum", 20)]
    }

    fn level(&self, word: &str) -> String {
        self.lang.t(&format!("level-{word}"))
    }

    const fn definitions(&self) -> [&'static str; 8] {
        [
            "bt-def-unit",
            "bt-def-rates",
            "bt-def-event",
            "bt-def-day",
            "bt-def-beside",
            "bt-def-blind",
            "bt-def-engine",
            "bt-def-bands",
        ]
    }
}

/// A row of words under the head of its table.
type Row = Vec<String>;

struct Section {
    number: usize,
    title: String,
    facts: Vec<(String, String)>,
    bands: String,
    undrawn: Option<String>,
    areas: Vec<Area>,
    event_head: Row,
    events: Vec<Row>,
    scores: Vec<Row>,
    transitions: Vec<Row>,
}

struct Area {
    name: String,
    plots: Vec<String>,
    /// The same as a table: measure, station, highest value, thresholds.
    measures: Vec<Row>,
}

struct Swept {
    facts: Vec<(String, String)>,
    axes: Vec<Row>,
    plots: Vec<String>,
    best: Vec<(String, Row, Vec<Row>)>,
    sets: Vec<(String, Row, Vec<Row>)>,
    left_out: Option<String>,
}

/// Words and numbers in the reader's language.
#[derive(Clone, Copy)]
struct Say(Lang);

impl Say {
    fn t(self, key: &str) -> String {
        self.0.t(key)
    }

    fn comma(self) -> bool {
        self.0 == Lang::Pt
    }

    fn number(self, value: f64) -> String {
        number(value, self.comma())
    }

    fn share(self, value: Option<f64>) -> String {
        value.map_or_else(
            || "–".into(),
            |value| format!("{}\u{a0}%", number((value * 1000.0).round() / 10.0, self.comma())),
        )
    }

    fn ratio(self, value: Option<f64>) -> String {
        value.map_or_else(|| "–".into(), |value| self.number(value))
    }

    /// Seconds as hours and minutes.
    fn span(self, seconds: Option<i64>) -> String {
        let Some(minutes) = seconds.map(|seconds| seconds / 60) else { return "–".into() };
        match (minutes / 60, minutes % 60) {
            (0, minutes) => format!("{minutes}\u{a0}min"),
            (hours, 0) => format!("{hours}\u{a0}h"),
            (hours, minutes) => format!("{hours}\u{a0}h\u{a0}{minutes:02}"),
        }
    }

    fn level(self, level: Level) -> String {
        self.t(&format!("level-{level}"))
    }

    fn measure(self, kind: MeasureKind, window_min: Option<u32>) -> String {
        let span = window_min.map(|min| if min % 60 == 0 { format!("{} h", min / 60) } else { format!("{min} min") });
        match (kind, span) {
            (MeasureKind::Sum, Some(span)) => self.0.t1("bt-measure-sum", "span", span),
            (MeasureKind::Rate, Some(span)) => self.0.t1("bt-measure-rate", "span", span),
            (MeasureKind::Max, Some(span)) => self.0.t1("bt-measure-max", "span", span),
            (MeasureKind::Min, Some(span)) => self.0.t1("bt-measure-min", "span", span),
            (MeasureKind::Mean, Some(span)) => self.0.t1("bt-measure-mean", "span", span),
            (MeasureKind::Above, _) => self.t("bt-measure-above"),
            (MeasureKind::Curve, _) => self.t("bt-measure-curve"),
            (MeasureKind::Antecedent, Some(span)) => self.0.t1("bt-measure-antecedent", "span", span),
            _ => self.t("bt-measure-latest"),
        }
    }
}

/// Renders the report.
///
/// # Errors
/// The template engine's.
pub fn html(report: &Report, lang: Lang) -> Result<String, askama::Error> {
    let say = Say(lang);
    let rules: Vec<String> =
        report.rules.iter().map(|rule| format!("{} v{} ({})", rule.id, rule.version, rule.hazard.name())).collect();
    let events: usize = report.cases.iter().map(|case| case.events.len()).sum();
    let readings: usize = report.cases.iter().map(|case| case.readings).sum();
    let facts = vec![
        (say.t("bt-rules"), rules.join(" · ")),
        (say.t("bt-cases"), report.cases.len().to_string()),
        (say.t("bt-readings"), readings.to_string()),
        (say.t("bt-events"), events.to_string()),
        (say.t("bt-lead-max"), format!("{} h", say.number(report.lead_max_h))),
    ];
    let title = match report.cases.as_slice() {
        [only] => only.title.clone(),
        cases => lang.t1("bt-many", "n", cases.len()),
    };
    Page {
        lang,
        title,
        facts,
        scores: report.scores.iter().map(|score| score_row(say, score)).collect(),
        cases: report.cases.iter().enumerate().map(|(index, case)| section(say, index + 1, case)).collect(),
        sweep: report.sweep.as_ref().map(|sweep| sweep::swept(say, sweep, &report.scores)),
    }
    .render()
}

fn score_row(say: Say, score: &Score) -> Row {
    let lead =
        format!("{} / {} / {}", say.span(score.lead_min_s), say.span(score.lead_median_s), say.span(score.lead_max_s));
    let lead = if score.events_warned == 0 { "–".into() } else { lead };
    vec![
        score.hazard.name().to_owned(),
        say.level(score.level),
        score.hits.to_string(),
        score.misses.to_string(),
        score.false_alarms.to_string(),
        score.correct_negatives.to_string(),
        say.share(score.pod),
        say.share(score.far),
        say.share(score.pofd),
        say.share(score.csi),
        say.ratio(score.bias),
        format!("{}/{}", score.events_warned, score.events),
        lead,
        score.episodes.to_string(),
        say.share(score.share_under_alert),
        say.share(score.share_blind),
    ]
}

fn section(say: Say, number: usize, case: &CaseReport) -> Section {
    let (from, to) = (case.period.from.timestamp_micros(), case.period.to.timestamp_micros());
    let zone = case.time_zone;
    let marks: Vec<(i64, usize)> = case
        .events
        .iter()
        .filter(|event| event.is_in_period)
        .map(|event| (event.event.at.timestamp_micros(), event.number))
        .collect();
    let stage = Stage { period: case.period, zone, marks: &marks, comma: say.comma() };
    let drawn: Vec<&Timeline> = shown_lines(case);
    let words = Words {
        id: format!("c{number}-bands"),
        title: say.0.t1("bt-bands-title", "case", &case.title),
        description: say.t("bt-bands-what"),
    };
    let areas = case.drawn.iter().enumerate().filter_map(|(place, (index, panels))| {
        let line = case.levels.get(*index)?;
        Some(area(say, stage, &format!("c{number}-a{place}"), line, panels))
    });
    let levels = [Level::Observation, Level::Attention, Level::Alert, Level::Maximum];
    let mut event_head = vec![say.t("bt-number"), say.t("bt-at"), say.t("bt-where"), say.t("bt-what")];
    event_head.extend(levels.map(|level| say.0.t1("bt-lead-to", "level", say.level(level))));
    event_head.push(say.t("bt-source"));
    Section {
        number,
        title: case.title.clone(),
        facts: vec![
            (say.t("bt-source"), case.source.clone()),
            (say.t("bt-period"), format!("{} – {} ({zone})", when(from, zone), when(to, zone))),
            (say.t("bt-readings"), case.readings.to_string()),
            (say.t("bt-areas"), case.areas.to_string()),
        ],
        bands: bands(&words, stage, &drawn, |level| say.level(level)),
        undrawn: (case.levels.len() > drawn.len())
            .then(|| say.0.t2("bt-undrawn", "shown", drawn.len(), "all", case.levels.len())),
        areas: areas.collect(),
        event_head,
        events: case.events.iter().map(|event| event_row(say, event, zone, levels)).collect(),
        scores: case.scores.iter().map(|score| score_row(say, score)).collect(),
        transitions: transitions(say, case, &drawn),
    }
}

/// Those that are drawn large first, then the others in their order.
fn shown_lines(case: &CaseReport) -> Vec<&Timeline> {
    let first: Vec<usize> = case.drawn.iter().map(|(index, _)| *index).collect();
    let others = (0..case.levels.len()).filter(|index| !first.contains(index));
    let order: Vec<usize> = first.iter().copied().chain(others).take(ROWS).collect();
    order.into_iter().filter_map(|index| case.levels.get(index)).collect()
}

fn area(say: Say, stage: Stage<'_>, id: &str, line: &Timeline, panels: &[Panel]) -> Area {
    let mut plots = Vec::new();
    let mut measures = Vec::new();
    for (index, measured) in panels.iter().enumerate() {
        let measure = say.measure(measured.kind, measured.window_min);
        let quantity = say.t(&format!("quantity-{}", measured.quantity.as_str().replace('_', "-")));
        let named = format!("{quantity}, {measure} ({})", measured.unit);
        let highest = measured.points.iter().map(|(_, value)| *value).fold(f64::MIN, f64::max);
        let limits: Vec<String> = measured
            .thresholds
            .iter()
            .map(|(level, at)| format!("{} {}", say.level(*level), say.number(*at)))
            .collect();
        let words = Words {
            id: format!("{id}-p{index}"),
            title: format!("{}: {named}, {}", line.area_name, measured.station),
            description: format!("{}: {}. {}", say.t("bt-highest"), say.number(highest), limits.join("; ")),
        };
        plots.push(format!(
            "<figure><figcaption>{} · {}</figcaption>{}</figure>",
            crate::backtest::svg::escape(&named),
            crate::backtest::svg::escape(&measured.station),
            panel(&words, stage, measured, |level| say.level(level))
        ));
        measures.push(vec![named, measured.station.clone(), say.number(highest), limits.join(" · ")]);
    }
    Area { name: line.area_name.clone(), plots, measures }
}

fn event_row(say: Say, event: &EventReport, zone: chrono_tz::Tz, levels: [Level; 4]) -> Row {
    let areas = match (event.is_in_period, event.areas.is_empty()) {
        (false, _) => say.t("bt-out-of-period"),
        (true, true) => say.t("bt-nowhere"),
        (true, false) => event.areas.join(", "),
    };
    let mut row = vec![
        event.number.to_string(),
        when(event.event.at.timestamp_micros(), zone),
        areas,
        format!("{} ({})", event.event.what, event.event.cobrade.name()),
    ];
    row.extend(levels.map(|level| say.span(event.leads_s.get(&level).copied())));
    row.push(event.event.source.clone());
    row
}

/// The bands as a table.
fn transitions(say: Say, case: &CaseReport, lines: &[&Timeline]) -> Vec<Row> {
    let mut rows = Vec::new();
    for line in lines {
        for step in &line.steps {
            let at = step.at.timestamp_micros();
            rows.push((
                at,
                vec![
                    when(at, case.time_zone),
                    line.area_name.clone(),
                    line.pair.hazard.name().to_owned(),
                    say.level(step.shown),
                    say.level(step.known),
                ],
            ));
        }
    }
    rows.sort_by_key(|(at, _)| *at);
    rows.into_iter().take(500).map(|(_, row)| row).collect()
}
