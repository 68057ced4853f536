//! The report in words, for the e-mail and for the page: the same sections with the same lines.

use chrono::NaiveDate;
use chrono_tz::Tz;

use super::{Body, Dark, MOST, Trouble};
use crate::clock::Instant;
use crate::i18n::Lang;
use crate::stations::health::blind::Why;
use crate::units::Level;

/// Who reads it, where and which day.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    pub lang: Lang,
    pub tz: Tz,
    pub town: &'a str,
    pub day: NaiveDate,
    pub address: &'a str,
}

/// A heading with its lines; that there is nothing to tell is told too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    pub title: String,
    pub lines: Vec<String>,
}

impl Page<'_> {
    pub fn subject(&self) -> String {
        self.lang.t2("morning-subject", "town", self.town, "day", self.date())
    }

    /// The e-mail's plain text.
    pub fn letter(&self, body: &Body) -> String {
        let sections = self.sections(body).into_iter().map(|section| {
            let lines: Vec<String> = section.lines.iter().map(|line| format!("- {line}")).collect();
            format!("{}\n{}", section.title, lines.join("\n"))
        });
        let head = self.subject();
        let foot = format!("{}\n{}", self.lang.t("morning-address"), self.address);
        let parts: Vec<String> = std::iter::once(head).chain(sections).chain(std::iter::once(foot)).collect();
        parts.join("\n\n")
    }

    pub fn sections(&self, body: &Body) -> Vec<Section> {
        vec![
            self.section("morning-levels", self.levels(body)),
            self.section("morning-changes", self.changes(body)),
            self.section("morning-rain", self.rain(body)),
            self.section("morning-blind", body.blind.iter().map(|dark| self.dark(dark)).collect()),
            self.section("morning-opened", self.troubles(&body.opened)),
            self.section("morning-closed", self.troubles(&body.closed)),
            self.section("morning-feeds", self.feeds(body)),
            self.section("morning-messages", self.messages(body)),
            self.section("morning-incidents", self.incidents(body)),
            self.section("morning-readings", vec![self.readings(body)]),
        ]
    }

    fn section(&self, key: &str, mut lines: Vec<String>) -> Section {
        if lines.len() > MOST {
            let rest = lines.len() - MOST;
            lines.truncate(MOST);
            lines.push(self.lang.t1("morning-more", "n", rest));
        }
        if lines.is_empty() {
            lines.push(self.lang.t(&format!("{key}-none")));
        }
        Section { title: self.lang.t(key), lines }
    }

    fn levels(&self, body: &Body) -> Vec<String> {
        let present = body.levels.iter().filter(|(_, areas)| *areas > 0);
        present.map(|(level, areas)| format!("{}: {areas}", self.level(*level))).collect()
    }

    fn changes(&self, body: &Body) -> Vec<String> {
        let line = |change: &super::Move| {
            let (from, to) = (self.level(change.from), self.level(change.to));
            format!("{} · {}: {from} → {to} ({})", change.area, self.hazard(&change.cobrade), self.when(change.at))
        };
        body.changes.iter().map(line).collect()
    }

    fn rain(&self, body: &Body) -> Vec<String> {
        let line = |rain: &super::Rain| {
            let sums = self.lang.t2("morning-rain-line", "day", self.mm(rain.h24_mm), "three", self.mm(rain.h72_mm));
            format!("{}: {sums}", rain.station)
        };
        let mut lines: Vec<String> = body.rain.iter().map(line).collect();
        if body.rain_mute > 0 {
            // "No rain" is the word of gauges that spoke.
            if lines.is_empty() && body.rain_mute < body.rain_gauges {
                lines.push(self.lang.t("morning-rain-none"));
            }
            lines.push(self.lang.t2("morning-rain-mute", "n", body.rain_mute, "all", body.rain_gauges));
        }
        lines
    }

    fn dark(&self, dark: &Dark) -> String {
        format!("{} · {}: {}", dark.area, self.hazard(&dark.cobrade), self.blindness(&dark.why))
    }

    /// "3 of 3 gauges silent since 02:10".
    pub fn blindness(&self, blind: &crate::stations::health::blind::Blindness) -> String {
        match (blind.why, blind.since) {
            (Why::NoGauge, _) => self.lang.t("blind-no-gauge"),
            (Why::AllSilent, Some(at)) => {
                let silent = self.lang.t1("blind-all-silent", "n", blind.asked);
                format!("{silent} {}", self.lang.t1("blind-since", "at", self.when(at)))
            }
            (Why::AllSilent, None) => self.lang.t1("blind-all-silent", "n", blind.asked),
            (Why::NoneValid, _) => self.lang.t2("blind-none-valid", "silent", blind.silent, "asked", blind.asked),
            (Why::TooFew, _) => self.lang.t2("blind-too-few", "silent", blind.silent, "asked", blind.asked),
        }
    }

    fn troubles(&self, troubles: &[Trouble]) -> Vec<String> {
        let line = |trouble: &Trouble| {
            let kind = self.lang.t(&format!("fault-{}", trouble.kind.as_str().replace('_', "-")));
            let since = self.lang.t1("blind-since", "at", self.when(trouble.began_at));
            format!("{} ({}): {kind}, {since}", trouble.station, trouble.code)
        };
        troubles.iter().map(line).collect()
    }

    fn feeds(&self, body: &Body) -> Vec<String> {
        body.feeds.iter().map(|feed| format!("{}: {}", feed.name, feed.error)).collect()
    }

    fn messages(&self, body: &Body) -> Vec<String> {
        let word = |state: &str| self.lang.t(&format!("message-{}", state.replace('_', "-")));
        body.messages.iter().map(|(state, count)| format!("{}: {count}", word(state))).collect()
    }

    fn incidents(&self, body: &Body) -> Vec<String> {
        body.incidents.iter().map(|(number, title)| format!("{number} · {title}")).collect()
    }

    fn readings(&self, body: &Body) -> String {
        self.lang.t2("morning-readings-line", "readings", body.readings, "quarantined", body.quarantined)
    }

    fn level(&self, level: Level) -> String {
        self.lang.t(crate::web::pages::view::level_key(level))
    }

    fn hazard(&self, cobrade: &str) -> String {
        let key = match cobrade {
            "1.1.3.2.1" => "hazard-landslide",
            "1.2.1.0.0" => "hazard-flood",
            "1.2.2.0.0" => "hazard-flash-flood",
            "1.2.3.0.0" => "hazard-waterlogging",
            "1.3.2.1.4" => "hazard-heavy-rain",
            _ => {
                let parsed = cobrade.parse::<crate::cobrade::Cobrade>();
                return parsed.map_or_else(|_| cobrade.to_owned(), |code| code.name().to_owned());
            }
        };
        self.lang.t(key)
    }

    fn mm(&self, value: f64) -> String {
        let text = format!("{value:.1}");
        if self.lang == Lang::Pt { text.replace('.', ",") } else { text }
    }

    fn when(&self, at: Instant) -> String {
        let form = if self.lang == Lang::Pt { "%d/%m %H:%M" } else { "%-d %b %H:%M" };
        at.with_timezone(&self.tz).format(form).to_string()
    }

    fn date(&self) -> String {
        let form = if self.lang == Lang::Pt { "%d/%m/%Y" } else { "%-d %b %Y" };
        self.day.format(form).to_string()
    }
}
