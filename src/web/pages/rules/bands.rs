//! What a comparison found, for the page: levels as bands one over the other, hours and first rises.

use std::fmt::Write as _;

use crate::clock::Instant;
use crate::rules::job::BackTest;
use crate::rules::preview::{Compared, Side, Stand};
use crate::units::Level;
use crate::web::pages::view::{Markup, View};

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 18.0;
/// Areas drawn for each stretch; the counts are whole.
const DRAWN: usize = 12;

/// One stretch as the page shows it.
pub struct Told {
    pub title: String,
    pub span: String,
    pub line: String,
    /// Level, candidate, active: hours, areas and first rise.
    pub rows: Vec<Row>,
    pub has_active: bool,
    pub drafts: (u32, u32),
    pub bands: Vec<(String, Markup)>,
    pub more: usize,
}

/// One level in both versions.
pub struct Row {
    pub level: Level,
    pub candidate: Cell,
    pub active: Cell,
    pub differs: bool,
}

pub struct Cell {
    pub hours: String,
    pub areas: String,
    pub first: String,
}

/// None for what an older release kept in another form.
pub fn read(back_test: &serde_json::Value) -> Option<BackTest> {
    serde_json::from_value(back_test.clone()).ok()
}

pub fn tell(v: &View, compared: &Compared) -> Told {
    let title = if compared.key == "journal" { v.t("rule-preview-journal") } else { compared.title.clone() };
    let nothing = Side::default();
    let active = compared.active.as_ref();
    let levels = Level::ALL.iter().rev().filter(|level| **level > Level::Normal || **level == Level::Unknown);
    let rows = levels.map(|level| row(v, *level, &compared.candidate, active.unwrap_or(&nothing)));
    let shown = compared.bands.len().min(DRAWN);
    Told {
        title,
        span: format!("{} – {}", v.full(compared.from), v.full(compared.to)),
        line: v.t2("rule-preview-areas", "areas", compared.areas, "different", compared.different),
        rows: rows.collect(),
        has_active: active.is_some(),
        drafts: (compared.candidate.drafts, active.map_or(0, |side| side.drafts)),
        bands: compared.bands.iter().take(DRAWN).map(|band| (band.area.clone(), drawing(v, compared, band))).collect(),
        more: compared.bands.len() - shown,
    }
}

fn row(v: &View, level: Level, candidate: &Side, active: &Side) -> Row {
    let cell = |side: &Side| Cell {
        hours: v.decimal(side.area_hours.get(&level).copied().unwrap_or(0.0)),
        areas: side.risen.get(&level).map_or_else(String::new, ToString::to_string),
        first: side
            .first
            .iter()
            .find(|rise| rise.level == level)
            .map_or_else(|| "—".to_owned(), |rise| format!("{} · {}", v.full(rise.at), rise.area)),
    };
    let first = |side: &Side| side.first.iter().find(|rise| rise.level == level).map(|rise| rise.at);
    let hours = |side: &Side| side.area_hours.get(&level).copied().unwrap_or(0.0);
    let differs = first(candidate) != first(active) || (hours(candidate) - hours(active)).abs() > 0.05;
    Row { level, candidate: cell(candidate), active: cell(active), differs }
}

/// The candidate above, the active version below.
fn drawing(v: &View, compared: &Compared, band: &crate::rules::preview::Band) -> Markup {
    let label = escape(&v.t1("rule-preview-band", "area", &band.area));
    let mut svg = format!(
        r#"<svg class="bands" viewBox="0 0 {WIDTH} {}" preserveAspectRatio="none" role="img" aria-label="{label}">"#,
        HEIGHT * 2.0 + 4.0
    );
    let span = (compared.from, compared.to);
    stripe(v, span, &band.candidate, 0.0, &v.t("rule-candidate"), &mut svg);
    if compared.active.is_some() {
        stripe(v, span, &band.active, HEIGHT + 4.0, &v.t("rule-active"), &mut svg);
    }
    svg.push_str("</svg>");
    Markup(svg)
}

fn stripe(v: &View, (from, to): (Instant, Instant), stands: &[Stand], y: f64, whose: &str, svg: &mut String) {
    let whole = (to - from).num_milliseconds().max(1) as f64;
    let x = |at: Instant| ((at - from).num_milliseconds() as f64 / whole * WIDTH).clamp(0.0, WIDTH);
    for (index, stand) in stands.iter().enumerate() {
        let until = stands.get(index + 1).map_or(to, |next| next.at);
        let (left, right) = (x(stand.at), x(until));
        let title = format!("{whose}: {} {} – {}", v.level_word(stand.level), v.when(stand.at), v.when(until));
        let _ = write!(
            svg,
            r#"<rect class="{}" x="{left:.1}" y="{y}" width="{:.1}" height="{HEIGHT}"><title>{}</title></rect>"#,
            stand.level,
            (right - left).max(0.5),
            escape(&title)
        );
    }
}

/// For attributes and text.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}
