//! The list of metrics is the source's; the rules and the dashboard ask for nothing that is not in it; every rule has its section.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;
use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            if !path.ends_with("node_modules") {
                sources(&path, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// A metric's type and labels.
type About = (String, BTreeSet<String>);

/// What the macros make.
fn made() -> BTreeMap<String, About> {
    let mut paths = Vec::new();
    sources(&root().join("src"), &mut paths);
    let macros = Regex::new(r#"\b(counter|gauge|histogram)!\(\s*(?:"([a-z_]+)"|([^\s"][^,)]*))"#).unwrap();
    // The name and the labels, to the macro's own closing bracket: a label's value may be a call.
    let label = Regex::new(r#""([a-z_]+)"\s*=>"#).unwrap();
    let crowds = Regex::new(r#"Crowd::new\(\s*"([a-z_]+)""#).unwrap();
    let mut found: BTreeMap<String, About> = BTreeMap::new();
    for path in paths {
        let text = fs::read_to_string(&path).unwrap();
        let live = text.split("#[cfg(test)]").next().unwrap_or_default();
        for one in macros.captures_iter(live) {
            let Some(name) = one.get(2) else {
                assert!(
                    path.ends_with("src/crowd.rs"),
                    "{}: the name of a metric is written out: {}",
                    path.display(),
                    &one[0]
                );
                continue;
            };
            let labels = label.captures_iter(whole(live, one.get(0).unwrap().start())).map(|label| label[1].to_owned());
            let about = found.entry(name.as_str().to_owned()).or_insert_with(|| (one[1].to_owned(), BTreeSet::new()));
            assert_eq!(about.0, one[1], "{} is of two types", name.as_str());
            about.1.extend(labels);
        }
        for one in crowds.captures_iter(live) {
            found.insert(one[1].to_owned(), ("counter".into(), BTreeSet::from(["why".to_owned()])));
        }
    }
    // Its labels are made beside the macro.
    let labels = ["method", "path", "status"].map(str::to_owned);
    found.get_mut("http_request_duration_seconds").unwrap().1.extend(labels);
    found
}

/// The macro that begins there, brackets and all.
fn whole(text: &str, start: usize) -> &str {
    let mut depth = 0;
    for (at, letter) in text[start..].char_indices() {
        match letter {
            '(' => depth += 1,
            ')' if depth == 1 => return &text[start..=start + at],
            ')' => depth -= 1,
            _ => {}
        }
    }
    panic!("a macro without an end")
}

/// What docs/metrics.md lists.
fn listed() -> BTreeMap<String, About> {
    let row = Regex::new(r"(?m)^\| `([a-z_]+)` \| (\w+) \| ([^|]*) \| [^|]+ \|$").unwrap();
    let word = Regex::new("`([a-z_]+)`").unwrap();
    let text = read("docs/metrics.md");
    let rows = row.captures_iter(&text);
    rows.map(|row| {
        let labels = word.captures_iter(&row[3]).map(|label| label[1].to_owned()).collect();
        (row[1].to_owned(), (row[2].to_owned(), labels))
    })
    .collect()
}

#[test]
fn the_list_of_metrics_is_that_of_the_source() {
    let (made, listed) = (made(), listed());
    let names = |all: &BTreeMap<String, About>| all.keys().cloned().collect::<BTreeSet<String>>();
    assert_eq!(names(&made), names(&listed));
    for (name, about) in &made {
        assert_eq!(about, &listed[name], "{name}");
    }
    let nobody = ["device", "phone", "address", "email", "user", "staff", "resident", "name", "token", "ip"];
    for (name, (_, labels)) in &made {
        assert!(labels.iter().all(|label| !nobody.contains(&label.as_str())), "{name}: {labels:?}");
    }
}

/// The metrics that an expression asks for.
fn asked(expression: &str) -> BTreeSet<String> {
    let text = Regex::new(r#""[^"]*""#).unwrap().replace_all(expression, "");
    let text = Regex::new(r"\{[^}]*\}|\[[^\]]*\]").unwrap().replace_all(&text, " ");
    let text =
        Regex::new(r"\b(by|on|without|ignoring|group_left|group_right)\s*\([^)]*\)").unwrap().replace_all(&text, " ");
    let words = Regex::new(r"[A-Za-z_:][A-Za-z0-9_:]*").unwrap();
    let mut found = BTreeSet::new();
    for word in words.find_iter(&text) {
        let calls = text[word.end()..].trim_start().starts_with('(');
        let joins = ["and", "or", "unless", "bool", "offset", "e9"].contains(&word.as_str());
        let is_number = text[..word.start()].ends_with(|letter: char| letter.is_ascii_digit());
        if !calls && !joins && !is_number {
            found.insert(word.as_str().to_owned());
        }
    }
    found
}

fn is_known(name: &str, listed: &BTreeMap<String, About>) -> bool {
    let of_histogram = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
    let histogram = of_histogram.and_then(|name| listed.get(name)).is_some_and(|(kind, _)| kind == "histogram");
    // Prometheus' own, of each scrape.
    name == "up" || listed.contains_key(name) || histogram
}

/// Name, expression, severity and anchor of each rule.
fn rules() -> Vec<(String, String, String, String)> {
    let rule = Regex::new(
        r"(?s)- alert: (\w+)\n\s+expr: >-\n\s+([^\n]+)\n\s+for: \w+\n\s+labels:\n\s+severity: (\w+)\n\s+annotations:\n\s+summary: [^\n]+\n\s+description: [^\n]+\n\s+runbook_url: [^\n#]+#([a-z-]+)\n",
    )
    .unwrap();
    let text = read("config/prometheus/rules.yml");
    let found: Vec<_> =
        rule.captures_iter(&text).map(|one| (one[1].into(), one[2].into(), one[3].into(), one[4].into())).collect();
    assert_eq!(found.len(), text.matches("- alert: ").count(), "a rule is not written as the others are");
    found
}

#[test]
fn rules_and_dashboard_ask_for_metrics_that_are_there() {
    assert_eq!(
        asked(r#"sum by (a) (rate(x_total{b="y"}[5m])) > 2e9 or up == 0"#),
        BTreeSet::from(["up".into(), "x_total".into()])
    );
    let listed = listed();
    let dashboard: Value = serde_json::from_str(&read("config/grafana/sentinela.json")).unwrap();
    let targets = dashboard["panels"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
    let shown = targets.map(|target| target["expr"].as_str().unwrap().to_owned());
    let all: Vec<String> = rules().into_iter().map(|(_, expression, ..)| expression).chain(shown).collect();
    assert!(all.len() > 60, "{}", all.len());
    for expression in all {
        let names = asked(&expression);
        assert!(!names.is_empty(), "{expression}");
        let unknown: Vec<&String> = names.iter().filter(|name| !is_known(name, &listed)).collect();
        assert!(unknown.is_empty(), "{expression}: {unknown:?} is not in docs/metrics.md");
    }
}

#[test]
fn every_rule_has_its_section_and_every_section_of_a_rule_its_rule() {
    let runbook = read("docs/runbook.md");
    let section = Regex::new("<a id=\"([a-z-]+)\"></a>`(\\w+)`").unwrap();
    let sections: BTreeMap<String, String> =
        section.captures_iter(&runbook).map(|one| (one[2].to_owned(), one[1].to_owned())).collect();
    let ruled: BTreeMap<String, String> = rules().into_iter().map(|(name, _, _, anchor)| (name, anchor)).collect();
    assert_eq!(sections, ruled);
    for (name, _, severity, _) in rules() {
        assert!(["critical", "warning"].contains(&severity.as_str()), "{name}: {severity}");
    }
    // Each says what it means, what to look at, what to do and whom to call; and what it points at is there.
    for part in ["**Para a cidade.**", "**Ver.**", "**Fazer.**", "**Chamar.**"] {
        assert!(runbook.matches(part).count() >= ruled.len(), "{part}");
    }
    for link in Regex::new(r"\]\(#([a-z-]+)\)").unwrap().captures_iter(&runbook) {
        assert!(runbook.contains(&format!("<a id=\"{}\">", &link[1])), "#{} is no section", &link[1]);
    }
}

#[test]
fn what_the_service_tells_staff_by_itself_stands_in_the_runbook() {
    let mut paths = Vec::new();
    sources(&root().join("src"), &mut paths);
    let runbook = read("docs/runbook.md");
    let alarm = Regex::new(r#"Alarm \{\s*purpose: "([a-z_]+)""#).unwrap();
    let mut found = 0;
    for path in paths {
        for one in alarm.captures_iter(&fs::read_to_string(&path).unwrap()) {
            assert!(runbook.contains(&one[1]), "{} of {} is not in docs/runbook.md", &one[1], path.display());
            found += 1;
        }
    }
    assert!(found >= 2, "{found}");
}

#[test]
fn the_dashboard_leads_with_whether_the_city_is_warned_and_takes_its_source_from_a_variable() {
    let dashboard: Value = serde_json::from_str(&read("config/grafana/sentinela.json")).unwrap();
    assert!(dashboard["schemaVersion"].as_u64().unwrap() >= 38, "Grafana 10 and later");
    assert_eq!(dashboard["templating"]["list"][0]["type"], "datasource");
    let panels = dashboard["panels"].as_array().unwrap();
    assert_eq!(panels[0]["type"], "row");
    assert_eq!(panels[0]["title"], "A cidade está sendo avisada?");
    let mut ids = BTreeSet::new();
    let mut taken = BTreeSet::new();
    for panel in panels {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{}", panel["title"]);
        assert!(!panel["title"].as_str().unwrap().is_empty());
        for target in panel["targets"].as_array().into_iter().flatten() {
            assert_eq!(target["datasource"]["uid"], "${datasource}", "{}", panel["title"]);
        }
        let side = |key: &str| panel["gridPos"][key].as_u64().unwrap();
        assert!(side("x") + side("w") <= 24, "{}", panel["title"]);
        for x in side("x")..side("x") + side("w") {
            for y in side("y")..side("y") + side("h") {
                assert!(taken.insert((x, y)), "{} lies on another", panel["title"]);
            }
        }
    }
}
