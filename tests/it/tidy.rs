//! Rules about the source that the compiler cannot keep: where input and output may happen, and how large files grow.

use std::fs;
use std::path::{Path, PathBuf};

/// Signs that a file talks to the world.
const IO: &[&str] = &[
    "sqlx::query",
    "query!(",
    "query_as!(",
    "query_scalar!(",
    "PgPool",
    "PgListener",
    "std::fs",
    "tokio::fs",
    "tokio::net",
    "tokio::process",
    "process::Command",
    "rmqtt::",
    "rumqttc::",
    "rusmppc::",
];

/// Files and folders (ending in `/`) under src/ that may, with why. Everything else takes what it needs as arguments.
const MAY: &[&str] = &[
    // The doors.
    "cli/",
    "web/",
    "ingest/broker.rs",
    "ingest/broker/",
    "ingest/devices.rs",
    "ingest/mqtt.rs",
    "ingest/mqtt/",
    "ingest/presence.rs",
    "ingest/sessions.rs",
    "ingest/tls.rs",
    "dispatch/channels/",
    // What is read of outside warnings.
    "feeds/warnings/shown.rs",
    // Certificates lie in files.
    "feeds/warnings/trust.rs",
    // Answers a receipt to the centre, but only after it is kept.
    "dispatch/writer.rs",
    "demo/",
    // The link of the first start lies in a file.
    "accounts/setup.rs",
    "accounts/oidc.rs",
    "accounts/oidc/logout.rs",
    "outbound.rs",
    // The ground.
    "db/",
    "config.rs",
    "secret.rs",
    // What the machine tells of the process, and the certificates of the listeners.
    "operation/process.rs",
    // Removes what is older than its days.
    "privacy/retention.rs",
    "events.rs",
    // Stops itself through a program: unsafe code is forbidden.
    "failpoint.rs",
    // Listens to whoever sets the clock ahead, in builds with debug assertions.
    "clock/leap.rs",
    "lifecycle.rs",
    // Keys lie in files of their own.
    "vault/file.rs",
    // Types of cases are read from a folder when one is configured.
    "secretariat/kernel/types.rs",
    "secretariat/segments/define.rs",
    // The writers of levels and alerts.
    "pipeline.rs",
    "pipeline/",
    // Closes a month of the journal in one transaction.
    "history/policy.rs",
    "alerts/approve.rs",
    "alerts/desk.rs",
    "alerts/draft.rs",
    "alerts/draft/",
    "alerts/issue.rs",
    "alerts/submit.rs",
    "alerts/upkeep.rs",
    // Texts are read from a folder when one is configured.
    "alerts/templates.rs",
    "i18n.rs",
    // Heads of the chain, outside the database.
    "audit/anchors.rs",
    // Every topic keeps its SQL here.
    "store.rs",
    "store/",
    "worker.rs",
];

/// The pure core: the same log gives the same alerts, so nothing here waits for anything.
const PURE: &[&str] = &[
    "engine.rs",
    "engine/",
    "secretariat/kernel/chain.rs",
    "secretariat/kernel/check.rs",
    "secretariat/kernel/check/",
    "secretariat/kernel/decide.rs",
    "secretariat/kernel/define.rs",
    "secretariat/kernel/exchange/judge.rs",
    "secretariat/kernel/guards.rs",
    "secretariat/kernel/instrument/chain.rs",
    "secretariat/kernel/instrument/papers.rs",
    "secretariat/kernel/ledger.rs",
    "secretariat/kernel/publication.rs",
    "secretariat/kernel/quiet.rs",
    "secretariat/kernel/registry/mod.rs",
    "secretariat/transparency/judge.rs",
    "secretariat/media_monitoring/judge.rs",
    "secretariat/media_monitoring/link.rs",
    "secretariat/media_monitoring/parse/",
    "secretariat/media_monitoring/plain.rs",
    "secretariat/media_monitoring/query.rs",
    "secretariat/media_monitoring/twins.rs",
    "secretariat/feeds.rs",
    "secretariat/segments/letter.rs",
    "secretariat/segments/report.rs",
    "secretariat/transparency/dcat.rs",
    "secretariat/kernel/values.rs",
    "secretariat/kernel/words.rs",
    "secretariat/modules.rs",
    "secretariat/small_cells.rs",
    "secretariat/strategic_projects/life.rs",
    "risk/",
    "replay.rs",
    "replay/",
    "backtest/",
    "units.rs",
    "capacity.rs",
    "capacity/",
    "cells.rs",
    "hexadecimal.rs",
    "icalendar.rs",
    "cobrade.rs",
    "alerts/approval.rs",
    "alerts/book.rs",
    "alerts/cap/",
    "alerts/escalation.rs",
    "alerts/escalation/token.rs",
    "alerts/escalation/words.rs",
    "alerts/life.rs",
    "alerts/life/",
    "alerts/plain/",
    "alerts/shape/kml.rs",
    "alerts/shape/mod.rs",
    "alerts/state.rs",
    "ingest/formats/",
    "ingest/quality.rs",
    "backup/manifest.rs",
    "backup/proof.rs",
    "backup/seal.rs",
    "backup/space.rs",
    "doctor/database.rs",
    "doctor/machine.rs",
    "doctor/mod.rs",
    "doctor/reach.rs",
    "doctor/town.rs",
    "backfill/cells.rs",
    "backfill/mapping.rs",
    "backfill/reader.rs",
    "backfill/resolve.rs",
    "backfill/time.rs",
    "units/",
    "dispatch/decide.rs",
    "dispatch/dkim.rs",
    "dispatch/gateway/",
    "dispatch/national.rs",
    "stations/health/battery.rs",
    "stations/health/blind.rs",
    "stations/health/drift.rs",
    "stations/health/judge.rs",
    "stations/health/reconcile.rs",
    "rules/check.rs",
    "rules/diff.rs",
    "rules/job.rs",
    "rules/life.rs",
    "rules/life/",
    "rules/marks.rs",
    "rules/memory.rs",
    "rules/outline.rs",
    "rules/preview.rs",
    "rules/preview/",
    "rules/storms.rs",
    "morning/words.rs",
    "operation/judge.rs",
    "damage/checklist.rs",
    "damage/documents.rs",
    "damage/dossier.rs",
    "damage/figures.rs",
    "damage/levels.rs",
    "damage/life.rs",
    "damage/lines.rs",
    "damage/s2id.rs",
    "damage/sections.rs",
    "deadlines/calendar.rs",
    "deadlines/course.rs",
    "deadlines/norm.rs",
    "deadlines/reckon.rs",
    "deadlines/rule.rs",
    "deadlines/town.rs",
    "deadlines/words.rs",
    "plancon/check.rs",
    "plancon/file.rs",
    "plancon/tasks.rs",
    "situation/after.rs",
    "situation/figures.rs",
    "situation/words.rs",
    "occurrences/life.rs",
    "occurrences/priority.rs",
    "occurrences/parent.rs",
    "occurrences/csv.rs",
    "inspections/address.rs",
    "inspections/check.rs",
    "inspections/csv.rs",
    "inspections/form.rs",
    "inspections/mod.rs",
    "incidents/timeline.rs",
    "incidents/shift/draft.rs",
    "deployments/life.rs",
    "deployments/track.rs",
    "ics/chart.rs",
    "ics/form.rs",
    "resources/file.rs",
    "resources/fit.rs",
    "resources/shift.rs",
    "shelters/admit.rs",
    "shelters/code.rs",
    "shelters/file.rs",
    "shelters/find.rs",
    "shelters/life.rs",
    "shelters/totals.rs",
    "aid/signature.rs",
    "volunteers/answer.rs",
    "volunteers/hours.rs",
    "picture/",
    "print/world.rs",
    "secretariat/kernel/body/calendar.rs",
    "secretariat/kernel/body/file.rs",
    "secretariat/kernel/body/life.rs",
    "secretariat/kernel/body/minutes.rs",
    "secretariat/kernel/body/popolo.rs",
    "secretariat/kernel/body/rules.rs",
    "secretariat/kernel/body/words.rs",
    "secretariat/budget/change.rs",
    "secretariat/budget/check.rs",
    "secretariat/budget/classify.rs",
    "secretariat/budget/dates.rs",
    "secretariat/budget/execution.rs",
    "secretariat/budget/files.rs",
    "secretariat/budget/key.rs",
    "secretariat/budget/life.rs",
    "secretariat/budget/lines.rs",
    "secretariat/budget/minima.rs",
    "secretariat/budget/package.rs",
    "secretariat/budget/plans.rs",
    "secretariat/budget/published.rs",
    "secretariat/budget/spend.rs",
    "secretariat/budget/table.rs",
    "secretariat/ethics/exchange.rs",
    "secretariat/ethics/votes.rs",
    "secretariat/evaluation/file.rs",
    "secretariat/evaluation/letters.rs",
    "secretariat/evaluation/mod.rs",
    "secretariat/evaluation/report.rs",
    "secretariat/evaluation/suppress.rs",
    "secretariat/kernel/form/",
    "secretariat/kernel/money.rs",
    "secretariat/kernel/tree/scheme.rs",
    "secretariat/kernel/tree/sums.rs",
    "secretariat/representation/calendar.rs",
    "secretariat/representation/mod.rs",
];

const WAITING: &[&str] = &["async fn", ".await", "tokio::spawn", "clock::Clock", "{Clock", "&Clock", "Clock::"];

struct Source {
    /// Under src/, e.g. `alerts/store.rs`.
    name: String,
    /// Without comments and without the tests at the end.
    code: String,
    lines: usize,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn sources() -> Vec<Source> {
    let src = root().join("src");
    let mut paths = Vec::new();
    files(&src, &mut paths);
    let sources = paths.iter().filter(|path| !path.ends_with("tests.rs") && !is_bundle(path)).map(|path| {
        let text = fs::read_to_string(path).unwrap();
        let live = text.split("#[cfg(test)]").next().unwrap_or_default();
        let code: Vec<&str> = live.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        let name = path.strip_prefix(&src).unwrap().to_string_lossy().into_owned();
        Source { name, code: code.join("\n"), lines: text.lines().count() }
    });
    // Test data modules are compiled for tests only.
    sources.filter(|source| !source.name.ends_with("/samples.rs")).collect()
}

/// npm packages may bring anything.
fn is_bundle(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "node_modules")
}

fn is_one_of(name: &str, list: &[&str]) -> bool {
    list.iter().any(|entry| match (entry.strip_suffix('/'), entry.contains('/')) {
        // A bare file name or folder name holds at any depth.
        (None, false) => name == *entry || name.ends_with(&format!("/{entry}")),
        (Some(folder), _) if !folder.contains('/') => name.split('/').rev().skip(1).any(|part| part == folder),
        (Some(_), _) => name.starts_with(entry),
        (None, true) => name == *entry,
    })
}

fn complain(wrong: &[String], rule: &str) {
    assert!(wrong.is_empty(), "{rule}:\n{}", wrong.join("\n"));
}

#[test]
fn input_and_output_live_in_named_files() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| !is_one_of(&source.name, MAY)) {
        for sign in IO.iter().filter(|sign| source.code.contains(**sign)) {
            wrong.push(format!("src/{}: {sign}", source.name));
        }
    }
    complain(&wrong, "only the files listed in tests/it/tidy.rs may do input and output");
}

/// Tasks that run until the service stops and ask no database themselves.
const ASK_NOTHING: &[&str] =
    &["demo/gauges.rs", "ingest/broker.rs", "ingest/mqtt.rs", "telemetry/otlp.rs", "web/measure.rs"];

#[test]
fn no_task_waits_for_the_database_for_ever() {
    let mut wrong = Vec::new();
    let mut found = 0;
    for source in sources() {
        let is_task = source.code.contains("async fn run(app: App");
        found += usize::from(is_task);
        let is_bounded = source.code.contains("in_time(") || source.code.contains("within(");
        if is_task && !is_bounded && !ASK_NOTHING.contains(&source.name.as_str()) {
            wrong.push(format!("src/{}", source.name));
        }
    }
    assert!(found > 30, "{found} tasks");
    complain(&wrong, "a connection may hang for ever: bound each round by db::in_time or db::within");
}

#[test]
fn the_pure_core_neither_waits_nor_reads_the_clock() {
    let mut wrong = Vec::new();
    let sources = sources();
    for source in sources
        .iter()
        .filter(|source| is_one_of(&source.name, PURE) && !is_one_of(&source.name, &["store.rs", "store/"]))
    {
        for sign in WAITING.iter().filter(|sign| source.code.contains(**sign)) {
            wrong.push(format!("src/{}: {sign}", source.name));
        }
    }
    complain(&wrong, "the core is pure (ARCHITECTURE.md, invariants)");
}

#[test]
fn only_the_journal_compares_seq_with_a_cursor() {
    let naive = ["seq > ", "seq >= ", "seq between "];
    // What never names the journal compares places of its own: versions of one thing, acts of one case.
    let reads_it = |source: &Source| source.code.contains("journal") && !source.name.starts_with("journal/");
    let outside: Vec<Source> = sources().into_iter().filter(reads_it).collect();
    let wrong: Vec<String> = outside
        .iter()
        .flat_map(|source| source.code.lines().map(move |line| (source, line)))
        .filter(|(_, line)| naive.iter().any(|sign| line.to_lowercase().contains(sign)))
        .map(|(source, line)| format!("src/{}: {}", source.name, line.trim()))
        .collect();
    complain(&wrong, "read the journal through journal::read_after: a bare cursor loses rows of concurrent appenders");
}

#[test]
fn nine_files_in_ten_have_at_most_400_lines_and_none_has_700() {
    let sources = sources();
    let mut lengths: Vec<usize> = sources.iter().map(|source| source.lines).collect();
    lengths.sort_unstable();
    let ninetieth = lengths[lengths.len() * 9 / 10];
    assert!(ninetieth <= 400, "nine files in ten have up to {ninetieth} lines");
    let wrong: Vec<String> = sources
        .iter()
        .filter(|source| source.lines >= 700)
        .map(|source| format!("src/{}: {} lines", source.name, source.lines))
        .collect();
    complain(&wrong, "files that grew too long");
}

#[test]
fn every_migration_says_what_it_is_about() {
    let mut wrong = Vec::new();
    for entry in fs::read_dir(root().join("migrations")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "sql")
            && !fs::read_to_string(&path).unwrap().contains("-- ")
        {
            wrong.push(path.display().to_string());
        }
    }
    complain(&wrong, "migrations without a comment that tells what their tables hold");
}

/// From the reading to the message in somebody's hand, and what that needs. Nothing of the secretariat stands in its way: what is secondary
/// may fail, be slow or be taken out, and a warning goes out all the same.
const PATH_OF_A_WARNING: &[&str] = &[
    "alerts/",
    "areas/",
    "deadlines/",
    "dispatch/",
    "endpoints/",
    "engine.rs",
    "engine/",
    "incidents/",
    "ingest/",
    "journal/",
    "pipeline.rs",
    "pipeline/",
    "risk/",
    "rules/",
    "stations/",
];

/// The ways to name a module of the crate: its path, or within braces of the crate's root.
fn names(code: &str, module: &str) -> bool {
    let code: String = code.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_word = |text: &str| !text.starts_with(|next: char| next.is_alphanumeric() || next == '_');
    let in_path = [format!("crate::{module}"), format!("super::{module}")];
    let is_named =
        in_path.iter().any(|path| code.match_indices(path.as_str()).any(|(at, _)| is_word(&code[at + path.len()..])));
    let in_braces = code.match_indices("crate::{").any(|(at, _)| {
        let inside = code[at..].split(';').next().unwrap_or_default();
        inside.split(|letter: char| !letter.is_alphanumeric() && letter != '_').any(|word| word == module)
    });
    is_named || in_braces
}

#[test]
fn the_path_of_a_warning_never_imports_the_secretariat() {
    let sources = sources();
    for part in PATH_OF_A_WARNING {
        let stands = |source: &Source| source.name == *part || source.name.starts_with(part);
        assert!(sources.iter().any(stands), "src/{part} is not there: name what took its place");
    }
    let on_the_path = |source: &&Source| PATH_OF_A_WARNING.iter().any(|part| source.name.starts_with(part));
    let wrong: Vec<String> = sources
        .iter()
        .filter(on_the_path)
        .filter(|source| names(&source.code, "secretariat"))
        .map(|source| format!("src/{}", source.name))
        .collect();
    complain(&wrong, "the path of a warning knows nothing of the secretariat (ARCHITECTURE.md)");
}

#[test]
fn a_module_is_found_however_it_is_imported() {
    for code in [
        "use crate::secretariat::kernel::desk;",
        "use crate::{\n    app::App,\n    secretariat::kernel,\n};",
        "let all = crate::secretariat::modules::MODULES;",
        "use super::super::secretariat as other;",
    ] {
        assert!(names(code, "secretariat"), "{code}");
    }
    for code in [
        "use crate::app::App;",
        "let secretariat = 1;",
        "use crate::secretariats::X;",
        "use crate::{app};\nlet secretariat = 1;",
    ] {
        assert!(!names(code, "secretariat"), "{code}");
    }
}
