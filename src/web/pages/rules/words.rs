//! A rule in words. What this release has no words for is shown as it is written, so that nothing of a rule is left out.

use crate::i18n::Lang;
use crate::rules::diff::{About, Change};
use crate::rules::outline::{Leaf, Outline, Pair, Stations};
use crate::units::Level;
use crate::web::pages::view::View;

/// A rule as people read it.
#[derive(Debug, Default)]
pub struct Told {
    pub stations: Vec<(String, String)>,
    pub levels: Vec<ToldLevel>,
    /// Everything else of the file.
    pub rest: Vec<String>,
}

#[derive(Debug)]
pub struct ToldLevel {
    /// None for a word that is no level.
    pub level: Option<Level>,
    pub word: String,
    pub conditions: Vec<String>,
    /// Waiting times.
    pub keys: Vec<String>,
}

pub fn tell(v: &View, outline: &Outline) -> Told {
    let quantity = |name: &str| {
        let stations = outline.stations.iter().find(|stations| stations.name == name)?;
        subject(v, &stations.keys)
    };
    let levels = outline.levels.iter().map(|step| ToldLevel {
        level: step.level.parse().ok(),
        word: level_word(v, &step.level),
        conditions: step.conditions.iter().map(|leaf| whole_condition(v, leaf, &quantity)).collect(),
        keys: step.keys.iter().map(|pair| keyed(v, pair)).collect(),
    });
    Told {
        stations: outline.stations.iter().map(|of| (of.name.clone(), stations(v, of))).collect(),
        levels: levels.collect(),
        rest: outline
            .rest
            .iter()
            .map(|(key, value)| format!("{}: {}", rest_key(v, key), rest_value(v, key, value)))
            .collect(),
    }
}

/// What stations measure, or what is computed from it.
fn subject(v: &View, keys: &[Pair]) -> Option<String> {
    let measured = get(keys, "quantity").map(|quantity| v.word("quantity", quantity));
    measured.or_else(|| get(keys, "derived").map(|derived| v.word("derived", derived)))
}

fn get<'a>(keys: &'a [Pair], key: &str) -> Option<&'a str> {
    keys.iter().find(|(own, _)| own == key).map(|(_, value)| value.as_str())
}

/// The heading of a level in a form.
pub fn level(v: &View, level: &str) -> String {
    level_word(v, level)
}

/// The heading of a condition in a form: "ALERTA: chuva (pluviômetros), soma de 1 h".
pub fn condition(v: &View, outline: &Outline, level: &str, keys: &[Pair]) -> String {
    let of = get(keys, "stations").unwrap_or_default();
    let stations = outline.stations.iter().find(|stations| stations.name == of);
    let what = stations.and_then(|stations| subject(v, &stations.keys)).unwrap_or_else(|| of.to_owned());
    format!("{}: {what} ({of}), {}", level_word(v, level), measure(v, keys))
}

fn level_word(v: &View, level: &str) -> String {
    level.parse::<Level>().map_or_else(|_| level.to_owned(), |level| v.level_word(level)).to_uppercase()
}

/// "chuva: soma de 1 h, a partir de 40 mm; volta abaixo de 20 mm".
fn whole_condition(v: &View, leaf: &Leaf, quantity: &dyn Fn(&str) -> Option<String>) -> String {
    let of = leaf.get("stations").unwrap_or_default();
    let what = quantity(of).unwrap_or_else(|| of.to_owned());
    let mut text = format!("{what} ({of}): {}", measure(v, &leaf.keys));
    for key in ["at_least", "at_most"] {
        if let Some(value) = leaf.get(key) {
            text.push_str(&format!(", {}", v.t1(&format!("rule-says-{}", dashed(key)), "value", number(v, value))));
        }
    }
    for key in ["clear_below", "clear_above"] {
        if let Some(value) = leaf.get(key) {
            text.push_str(&format!("; {}", v.t1(&format!("rule-says-{}", dashed(key)), "value", number(v, value))));
        }
    }
    grouped(v, &leaf.group, text)
}

/// The same with the groups it stands in. "any" is what every level is; any other group is said.
fn grouped(v: &View, group: &[String], text: String) -> String {
    let groups: Vec<&str> = group.iter().skip(1).map(String::as_str).collect();
    let first = group.first().filter(|group| *group != "any").map(String::as_str);
    let groups: Vec<String> = first.into_iter().chain(groups).map(|group| group_word(v, group)).collect();
    if groups.is_empty() { text } else { format!("{} → {text}", groups.join(" → ")) }
}

/// "all 1, name antecedente" → "todas juntas (antecedente)". What has no words is shown as it is written.
fn group_word(v: &View, group: &str) -> String {
    let mut parts = group.split(", ");
    let join = parts.next().and_then(|first| first.split(' ').next()).unwrap_or_default();
    let key = format!("rule-group-{join}");
    let mut word = if v.lang.knows(&key) { v.t(&key) } else { join.to_owned() };
    for part in parts {
        word.push_str(&match part.split_once(' ') {
            Some(("name", name)) => format!(" ({name})"),
            Some(("k", k)) => format!(" ({})", v.t1("rule-group-k", "k", k)),
            _ => format!(" ({part})"),
        });
    }
    word
}

/// "overrides.2.season.from" → "Outros limiares 2, época, de". Parts without words are shown as they are written.
fn rest_key(v: &View, path: &str) -> String {
    let mut parts = path.split('.').peekable();
    let mut told: Vec<String> = Vec::new();
    while let Some(part) = parts.next() {
        let counted = parts.peek().is_some_and(|next| next.parse::<u32>().is_ok());
        told.push(match part {
            "overrides" | "tests" if counted => {
                v.t1(&format!("rule-rest-{part}"), "n", parts.next().unwrap_or_default())
            }
            "series" | "expect" | "stages" => {
                let name: Vec<&str> = parts.by_ref().collect();
                v.t1(&format!("rule-rest-{part}"), "name", name.join("."))
            }
            "thresholds" => {
                let (level, which) = (parts.next().unwrap_or_default(), parts.by_ref().collect::<Vec<_>>().join("."));
                let level = level.parse::<Level>().map_or_else(|_| level.to_owned(), |level| v.level_word(level));
                v.t2("rule-rest-threshold", "level", level, "which", which)
            }
            other => {
                let key = format!("rule-rest-{}", dashed(other));
                if v.lang.knows(&key) { v.t(&key) } else { key_word(v, other) }
            }
        });
    }
    told.join(", ")
}

/// Days as people write them, levels by their names.
fn rest_value(v: &View, path: &str, value: &str) -> String {
    let is_day = (path.ends_with("season.from") || path.ends_with("season.to")) && value.len() == 5;
    match value.split_once('-').filter(|_| is_day && v.lang == Lang::Pt) {
        Some((month, day)) => format!("{day}/{month}"),
        None => value.parse::<Level>().map_or_else(|_| number(v, value), |level| v.level_word(level)),
    }
}

/// "a 40.0, b 0.6, durations 1h, 3h" → "I = 40 · D^-0,6 mm/h (1 h, 3 h)". Caine 1980.
fn curve(v: &View, text: &str) -> Option<String> {
    let (numbers, durations) = text.split_once(", durations ")?;
    let (a, b) = numbers.strip_prefix("a ")?.split_once(", b ")?;
    let durations: Vec<String> = durations.split(", ").map(window).collect();
    Some(format!("I = {} · D^-{} mm/h ({})", number(v, a), number(v, b), durations.join(", ")))
}

/// What is compared: "soma de 1 h". Keys without words are shown as they are written.
fn measure(v: &View, keys: &[Pair]) -> String {
    const SAID: [&str; 5] = ["stations", "at_least", "at_most", "clear_below", "clear_above"];
    let parts: Vec<String> = keys
        .iter()
        .filter(|(key, _)| !SAID.contains(&key.as_str()))
        .map(|(key, value)| match key.as_str() {
            "latest" => v.t("rule-measure-latest"),
            "sum" | "rate" | "max" | "min" | "mean" => v.t1(&format!("rule-measure-{key}"), "window", window(value)),
            "intensity_duration" => {
                let shown = curve(v, value).unwrap_or_else(|| value.clone());
                format!("{} {shown}", key_word(v, key))
            }
            _ => format!("{} {}", key_word(v, key), number(v, value)),
        })
        .collect();
    parts.join(", ")
}

/// "15min" → "15 min".
fn window(text: &str) -> String {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_lowercase());
    match text.get(digits.len()..) {
        Some(unit) if !digits.is_empty() && !unit.is_empty() => format!("{digits} {unit}"),
        _ => text.to_owned(),
    }
}

/// A number as the language writes it.
fn number(v: &View, text: &str) -> String {
    let (first, unit) = text.split_once(' ').unwrap_or((text, ""));
    if first.parse::<f64>().is_err() {
        return window(text);
    }
    let short = first.strip_suffix(".0").unwrap_or(first);
    let short = if v.lang == Lang::Pt { short.replacen('.', ",", 1) } else { short.to_owned() };
    if unit.is_empty() { short } else { format!("{short} {unit}") }
}

fn dashed(key: &str) -> String {
    key.replace('_', "-")
}

/// What a key is called; the key itself where it has no words.
pub fn key_word(v: &View, key: &str) -> String {
    let text = format!("rule-key-{}", dashed(key));
    if v.lang.knows(&text) { v.t(&text) } else { key.to_owned() }
}

fn keyed(v: &View, (key, value): &Pair) -> String {
    format!("{}: {}", key_word(v, key), number(v, value))
}

/// "chuva, a até 3 km; pelo menos 2 pluviômetros …".
fn stations(v: &View, of: &Stations) -> String {
    let rest = of.keys.iter().filter(|(key, _)| key != "quantity" && key != "derived");
    let parts: Vec<String> = subject(v, &of.keys).into_iter().chain(rest.map(|pair| keyed(v, pair))).collect();
    parts.join("; ")
}

/// "ALERTA: soma de 1 h de 40 mm para 35 mm".
pub fn change(v: &View, change: &Change) -> String {
    let head = match change.about {
        About::Rule => v.t("rule-about-rule"),
        About::Stations => v.t1("rule-about-stations", "name", &change.of),
        About::Level | About::Condition => level_word(v, &change.of),
    };
    let keys: Vec<Pair> =
        change.condition.iter().filter_map(|pair| Some((pair.first()?.clone(), pair.get(1)?.clone()))).collect();
    let what = match change.about {
        About::Condition if change.key == "at_least" || change.key.is_empty() => {
            grouped(v, &change.group, measure(v, &keys))
        }
        About::Condition => grouped(v, &change.group, format!("{}, {}", measure(v, &keys), key_word(v, &change.key))),
        About::Rule => rest_key(v, &change.key),
        _ => key_word(v, &change.key),
    };
    let shown = |value: &str| match change.about {
        About::Rule => rest_value(v, &change.key, value),
        _ => number(v, value),
    };
    let value = |keys: &[Pair]| get(keys, "at_least").or_else(|| get(keys, "at_most")).map_or_else(String::new, shown);
    let told = match (&change.from, &change.to) {
        (Some(from), Some(to)) => v.t2("rule-from-to", "from", shown(from), "to", shown(to)),
        (None, Some(_)) if change.key.is_empty() && change.about == About::Level => {
            return v.t1("rule-new-level", "level", head);
        }
        (Some(_), None) if change.key.is_empty() && change.about == About::Level => {
            return v.t1("rule-gone-level", "level", head);
        }
        (None, Some(_)) if change.key.is_empty() && change.about == About::Condition => {
            return format!("{head}: {}", v.t1("rule-new-condition", "what", format!("{what} {}", value(&keys))));
        }
        (Some(_), None) if change.key.is_empty() && change.about == About::Condition => {
            return format!("{head}: {}", v.t1("rule-gone-condition", "what", format!("{what} {}", value(&keys))));
        }
        (None, Some(to)) => v.t1("rule-new-value", "to", shown(to)),
        (Some(from), None) => v.t1("rule-gone-value", "from", shown(from)),
        (None, None) => String::new(),
    };
    format!("{head}: {what} {told}").replace("  ", " ")
}
