//! The tables of docs/secretariat: modules against the table of routes and the tests that they name, and what is enforced against the places
//! that hold it and the tests that would fail.

use std::path::Path;

use sentinela::secretariat::modules::{MODULES, Module};
use sentinela::web::gate::RULES;

struct Row {
    clause: String,
    slug: String,
    api: Vec<String>,
    pages: Vec<String>,
    tests: Vec<String>,
}

/// What stands between backticks.
fn quoted(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn rows() -> Vec<Row> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("docs/secretariat/README.md")).unwrap();
    let table = text.lines().skip_while(|line| !line.starts_with("| clause |")).skip(2);
    let rows = table.take_while(|line| line.starts_with('|')).map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        assert_eq!(cells.len(), 5, "{line}");
        Row {
            clause: cells[0].trim_matches('–').to_owned(),
            slug: quoted(cells[1]).remove(0),
            api: quoted(cells[2]),
            pages: quoted(cells[3]),
            tests: quoted(cells[4]),
        }
    });
    rows.collect()
}

/// A route by its own path, or by that of every module.
fn is_route(path: &str, slug: &str) -> bool {
    let of_every = path.replacen(&format!("/{slug}"), "/{module}", 1);
    RULES.iter().any(|rule| rule.path == path || rule.path == of_every)
}

fn check(row: &Row, module: &Module) {
    assert_eq!(row.clause, module.clause, "{}", row.slug);
    assert!(!row.api.is_empty() && !row.pages.is_empty() && !row.tests.is_empty(), "the row of {}", row.slug);
    for path in &row.api {
        assert!(path.starts_with("/api/v1/secretariat/") && is_route(path, module.slug), "{}: {path}", row.slug);
    }
    for path in &row.pages {
        assert!(path.starts_with("/secretaria/") && is_route(path, module.slug_pt), "{}: {path}", row.slug);
    }
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/secretariat");
    for named in &row.tests {
        let (file, name) = named.split_once("::").unwrap_or_else(|| panic!("{named}: expected file::test"));
        let text = std::fs::read_to_string(tests.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(text.contains(&format!("#[tokio::test]\nasync fn {name}(")), "{file} has no test {name}");
    }
}

#[test]
fn every_module_of_the_act_has_its_row_and_what_the_row_names_is_there() {
    let rows = rows();
    let named: Vec<&str> = rows.iter().map(|row| row.slug.as_str()).collect();
    let modules: Vec<&str> = MODULES.iter().map(|module| module.slug).collect();
    assert_eq!(named, modules, "in the order of the act");
    for (row, module) in rows.iter().zip(MODULES) {
        check(row, module);
    }
}

/// A file of the tree that a cell names, and what it names in it.
fn named<'a>(cell: &'a str, root: &Path) -> (String, &'a str) {
    let (file, name) = cell.split_once("::").unwrap_or_else(|| panic!("{cell}: expected file::name"));
    let text = std::fs::read_to_string(root.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    (text, name)
}

#[test]
fn every_point_that_is_enforced_names_what_holds_it_and_the_tests_that_would_fail() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("docs/secretariat/enforced.md")).unwrap();
    let table = text.lines().skip_while(|line| !line.starts_with("| point |")).skip(2);
    let mut points: Vec<u32> = Vec::new();
    for line in table.take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        assert_eq!(cells.len(), 4, "{line}");
        points.push(cells[0].parse().unwrap());
        let (places, tests) = (quoted(cells[2]), quoted(cells[3]));
        assert!(!places.is_empty() && !tests.is_empty(), "{line}");
        for place in &places {
            let (text, name) = named(place, root);
            assert!(text.contains(name), "{place} is not there");
        }
        for test in &tests {
            let folder = if test.starts_with("src/") { root.to_path_buf() } else { root.join("tests/it") };
            let (text, name) = named(test, &folder);
            assert!(text.contains(&format!("fn {name}(")), "{test} is not there");
        }
    }
    points.dedup();
    assert_eq!(points, (1..=15).collect::<Vec<_>>(), "each of the fifteen, in order");
}

#[test]
fn every_module_that_is_there_has_a_story_in_the_browser() {
    let walks = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e");
    let text = ["secretariat.mjs", "year.mjs"].map(|walk| std::fs::read_to_string(walks.join(walk)).unwrap()).concat();
    for row in rows() {
        assert!(
            text.contains(&format!("module(\"{}\"", row.slug)),
            "{} has no story in tests/e2e/secretariat.mjs or year.mjs",
            row.slug
        );
    }
}
