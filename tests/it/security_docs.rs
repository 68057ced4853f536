//! The documents of security and of faults name files and tests as their evidence. Here they are held against the tree, so that a claim ends
//! with what it claimed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const DOCUMENTS: [&str; 5] = [
    "docs/faults.md",
    "docs/security/README.md",
    "docs/security/threat-model.md",
    "docs/security/rules.md",
    "docs/security/asvs.md",
];
/// What a path begins with when it is one of the tree.
const FOLDERS: [&str; 9] =
    ["src/", "tests/", "config/", "migrations/", "docs/", "fuzz/", "scripts/", "simulations/", ".ci/"];
const STATUSES: [&str; 4] = ["met", "partly", "gap", "n/a"];
/// Requirements of ASVS 5.0.0 at its levels 1 and 2.
const REQUIREMENTS: [(&str, usize); 2] = [("1", 70), ("2", 183)];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What stands between backquotes, outside of blocks of code.
fn quoted(text: &str) -> Vec<&str> {
    let prose = text.split("```").step_by(2);
    prose.flat_map(|part| part.lines()).flat_map(|line| line.split('`').skip(1).step_by(2)).collect()
}

fn is_test(word: &str) -> bool {
    word.contains("::")
        && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_:".contains(&byte))
}

fn is_path(word: &str) -> bool {
    FOLDERS.iter().any(|folder| word.starts_with(folder)) || (word.ends_with(".md") || word.starts_with("Cargo."))
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("ui") {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Every test function with the modules that its file stands for ("attack::words", "accounts").
fn tests() -> BTreeMap<String, Vec<String>> {
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    sources(&root().join("tests/it"), &mut files);
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let place = file.strip_prefix(root()).unwrap().with_extension("");
        let mut names: Vec<&str> = place.iter().skip(1).filter_map(|part| part.to_str()).collect();
        names.retain(|name| *name != "it" && *name != "mod");
        let module = names.join("::");
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for (number, line) in lines.iter().enumerate() {
            let Some(rest) = line.strip_prefix("async fn ").or_else(|| line.strip_prefix("fn ")) else { continue };
            let attributes =
                lines[..number].iter().rev().take_while(|line| line.starts_with("#[") || line.starts_with("//"));
            let is_test =
                attributes.clone().any(|line| line.starts_with("#[test") || line.starts_with("#[tokio::test"));
            // Those of proptest stand in a macro with their attribute.
            if let Some(name) = rest.split('(').next().filter(|_| is_test) {
                found.entry(name.to_owned()).or_default().push(module.clone());
            }
        }
    }
    found
}

#[test]
fn every_file_and_test_named_in_the_documents_exists() {
    let tests = tests();
    let mut wrong = Vec::new();
    for document in DOCUMENTS {
        let text = read(document);
        for word in quoted(&text) {
            if is_path(word) && !root().join(word).exists() {
                wrong.push(format!("{document}: there is no {word}"));
            }
            if is_test(word) {
                let (module, name) = word.rsplit_once("::").unwrap();
                let places = tests.get(name).map(Vec::as_slice).unwrap_or_default();
                let fits = |place: &String| place == module || place.ends_with(&format!("::{module}"));
                if !places.iter().any(fits) {
                    wrong.push(format!("{document}: there is no test {word}; of that name: {places:?}"));
                }
            }
        }
        let folder = root().join(document);
        let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.contains("://")) {
            if !folder.parent().unwrap().join(link.split('#').next().unwrap()).exists() {
                wrong.push(format!("{document}: the link {link} leads nowhere"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

struct Row<'a> {
    number: &'a str,
    level: &'a str,
    status: &'a str,
    place: &'a str,
    evidence: &'a str,
}

fn cells(line: &str) -> Vec<&str> {
    line.trim_matches('|').split(" | ").map(str::trim).collect()
}

fn rows(text: &str) -> Vec<Row<'_>> {
    let of_requirements =
        |line: &&str| line.strip_prefix("| ").is_some_and(|rest| rest.split(' ').next().unwrap().contains('.'));
    text.lines()
        .filter(of_requirements)
        .map(|line| match cells(line)[..] {
            [number, level, _, status, place, evidence] => Row { number, level, status, place, evidence },
            _ => panic!("a row has six cells: {line}"),
        })
        .collect()
}

#[test]
fn every_requirement_has_a_status_and_the_totals_are_right() {
    let text = read("docs/security/asvs.md");
    let rows = rows(&text);
    let numbers: BTreeSet<&str> = rows.iter().map(|row| row.number).collect();
    assert_eq!(numbers.len(), rows.len(), "a requirement stands twice");
    for row in &rows {
        let (number, evidence) = (row.number, row.evidence);
        assert!(number.split('.').count() == 3 && number.split('.').all(|part| part.parse::<u8>().is_ok()), "{number}");
        assert!(STATUSES.contains(&row.status), "{number}: {}", row.status);
        let has_test = quoted(evidence).into_iter().any(is_test);
        match row.status {
            "met" => {
                assert!(quoted(row.place).into_iter().any(is_path), "{number} is met: name the place");
                assert!(has_test || evidence.starts_with("No test: "), "{number} is met: name the test or say why not");
            }
            "n/a" => assert!(evidence.len() > 5, "{number}: say why it does not apply"),
            _ => assert!(evidence.contains("Missing: "), "{number}: say what is missing"),
        }
    }
    let count = |level: Option<&str>, status: Option<&str>| {
        let counted = rows.iter().filter(|row| {
            level.is_none_or(|level| row.level == level) && status.is_none_or(|status| row.status == status)
        });
        counted.count()
    };
    for (level, expected) in REQUIREMENTS {
        assert_eq!(count(Some(level), None), expected, "requirements of level {level}");
    }
    for (name, level) in [("1", Some("1")), ("2", Some("2")), ("both", None)] {
        let counted: Vec<String> =
            [None].into_iter().chain(STATUSES.map(Some)).map(|status| count(level, status).to_string()).collect();
        let line = format!("| {name} | {} |", counted.join(" | "));
        assert!(text.contains(&line), "the totals should read: {line}");
    }
}

#[test]
fn every_threat_says_what_stops_it_which_test_and_what_remains() {
    let text = read("docs/security/threat-model.md");
    let threats: Vec<&str> = text.split("\n### ").skip(1).collect();
    assert!(threats.len() >= 20);
    for (number, threat) in threats.iter().enumerate() {
        assert!(threat.starts_with(&format!("T-{:02} ", number + 1)), "{}", &threat[..40]);
        for part in ["*Stops it:*", "*Tests:*", "*Remains:*"] {
            assert!(threat.contains(part), "{part} is missing: {}", &threat[..40]);
        }
        assert!(
            quoted(threat).into_iter().any(is_path) && quoted(threat).into_iter().any(is_test),
            "{}",
            &threat[..40]
        );
    }
}
