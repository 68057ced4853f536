//! `sentinela rules …`: read rules as the service does, and play the tests that stand beside them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use chrono_tz::Tz;
use clap::Subcommand;

use crate::risk::explain::{Branch, Explanation};
use crate::risk::network::Network;
use crate::risk::reason::{Outcome, Reason};
use crate::risk::rule::cases::{CaseOutcome, Row};
use crate::risk::rule::{Finding, Rule};
use crate::risk::store::rule_texts;
use crate::units::Level;

#[derive(Debug, Subcommand)]
pub enum Action {
    /// Say whether rules are right; of each wrong one name every mistake with its line and column
    Check {
        /// Rule files or folders of them; none = the rules the service would use
        paths: Vec<PathBuf>,
        /// One JSON object instead of words
        #[arg(long)]
        json: bool,
    },
    /// Play the tests written in rule files, and show where the level is another than expected
    Test {
        /// Rule files or folders of them; none = the rules the service would use
        paths: Vec<PathBuf>,
        /// One JSON object instead of words
        #[arg(long)]
        json: bool,
    },
}

impl Action {
    /// # Errors
    /// A rule that is wrong, two rules that claim the same hazard and grade, a test whose levels are others than expected.
    pub fn run(&self, configured: &str, zone: Tz) -> anyhow::Result<()> {
        let (Self::Check { paths, json } | Self::Test { paths, json }) = self;
        let rules = read(&texts(paths, configured)?, *json)?;
        match self {
            Self::Check { .. } => check(&rules, *json),
            Self::Test { .. } => test(&rules, zone, *json),
        }
    }
}

/// Rule files as (name, text).
fn texts(paths: &[PathBuf], configured: &str) -> anyhow::Result<Vec<(String, String)>> {
    if paths.is_empty() {
        return rule_texts((!configured.is_empty()).then(|| Path::new(configured)));
    }
    let mut texts = Vec::new();
    for path in paths {
        if path.is_dir() {
            texts.extend(rule_texts(Some(path))?);
        } else {
            let text = std::fs::read_to_string(path).map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))?;
            texts.push((path.display().to_string(), text));
        }
    }
    Ok(texts)
}

/// The rules, or every mistake of every file.
fn read(texts: &[(String, String)], json: bool) -> anyhow::Result<Vec<Rule>> {
    let mut rules = Vec::new();
    let (mut told, mut found) = (String::new(), Vec::new());
    for (file, text) in texts {
        for finding in Rule::findings(text) {
            let shown = text.lines().nth(finding.line.saturating_sub(1)).unwrap_or_default();
            let Finding { line, column, place, message } = &finding;
            let _ = writeln!(told, "{file}:{line}:{column}: {place}: {message}");
            let _ = writeln!(told, "    {shown}\n    {}^", " ".repeat(column.saturating_sub(1)));
            found.push(serde_json::json!({ "file": file, "finding": finding }));
        }
        rules.extend(Rule::parse(file, text).ok());
    }
    if found.is_empty() {
        return Ok(rules);
    }
    if json {
        println!("{}", serde_json::json!({ "findings": found }));
    } else {
        print!("{told}");
    }
    anyhow::bail!("{} mistakes in rules", found.len())
}

fn check(rules: &[Rule], json: bool) -> anyhow::Result<()> {
    Network { rules: rules.to_vec(), ..Network::default() }.bind()?;
    if json {
        let ids: Vec<_> =
            rules.iter().map(|rule| serde_json::json!({ "id": rule.id, "version": rule.version })).collect();
        println!("{}", serde_json::json!({ "findings": [], "rules": ids }));
        return Ok(());
    }
    for rule in rules {
        let levels: Vec<&str> = rule.levels.iter().map(|level| level.level.as_str()).collect();
        println!("{} v{} · {} {} · {}", rule.id, rule.version, rule.hazard, rule.hazard.name(), levels.join(" < "));
    }
    println!("{} rules, all right", rules.len());
    Ok(())
}

fn test(rules: &[Rule], zone: Tz, json: bool) -> anyhow::Result<()> {
    let played: Vec<(&Rule, Vec<CaseOutcome>)> = rules.iter().map(|rule| (rule, rule.try_cases(zone))).collect();
    let all = || played.iter().flat_map(|(_, outcomes)| outcomes);
    let (count, wrong) = (all().count(), all().filter(|outcome| !outcome.passed()).count());
    if json {
        let rules: Vec<_> = played
            .iter()
            .map(|(rule, cases)| serde_json::json!({ "rule": rule.id, "version": rule.version, "cases": cases }))
            .collect();
        println!("{}", serde_json::json!({ "rules": rules, "cases": count, "wrong": wrong }));
    } else {
        for (rule, outcomes) in &played {
            print!("{}", told(rule, outcomes));
        }
    }
    if wrong > 0 {
        anyhow::bail!("{wrong} of {count} tests of rules came out otherwise");
    }
    if !json {
        println!("{count} tests of rules, all as expected");
    }
    Ok(())
}

/// What came of the tests of one rule, as its author reads it.
fn told(rule: &Rule, outcomes: &[CaseOutcome]) -> String {
    let mut text = format!("{} v{} · {}\n", rule.id, rule.version, rule.title);
    if outcomes.is_empty() {
        text.push_str("  sem testes: escreva [[tests]] no arquivo (config/rules/README.md)\n");
    }
    for outcome in outcomes {
        let mark = if outcome.passed() { "certo " } else { "ERRADO" };
        let _ = writeln!(text, "  {mark}  {}", outcome.name);
        if !outcome.passed() {
            for row in &outcome.rows {
                let _ = writeln!(text, "{}", line(row));
            }
        }
    }
    text
}

/// "    1h30min   esperado atenção      veio observação   ← soma de 1 h: 22 mm, limite 25 mm".
fn line(row: &Row) -> String {
    let time = match (row.minutes / 60, row.minutes % 60) {
        (0, minutes) => format!("{minutes}min"),
        (hours, 0) => format!("{hours}h"),
        (hours, minutes) => format!("{hours}h{minutes}min"),
    };
    if row.expected == row.got {
        return format!("    {time:>9}   {:<16} como esperado", word(row.got));
    }
    let why = row.explanation.as_ref().map_or_else(String::new, |found| because(found, row.expected.max(row.got)));
    format!("    {time:>9}   esperado {:<14} veio {:<14} ← {why}", word(row.expected), word(row.got))
}

/// What decided the level that was expected or came, the higher of them.
fn because(found: &Explanation, level: Level) -> String {
    if found.is_blind {
        return "poucas estações com leitura recente: área sem visão".into();
    }
    let Some(level) = found.levels.iter().find(|explained| explained.level == level) else { return String::new() };
    if !level.in_force {
        return format!("{} está fora da época", word(level.level));
    }
    let mut leaves = Vec::new();
    gather(&level.tree, &mut leaves);
    let mut parts: Vec<String> = leaves.into_iter().map(leaf).collect();
    if level.outcome == Outcome::Met && level.for_min > 0 {
        parts.push(format!("a condição vale, mas espera {} min", level.for_min));
    }
    parts.join("; ")
}

fn gather<'a>(branch: &'a Branch, leaves: &mut Vec<&'a Reason>) {
    match branch {
        Branch::Condition(reason) => leaves.push(reason),
        Branch::Any { of, .. } | Branch::All { of, .. } | Branch::AtLeast { of, .. } => {
            of.iter().for_each(|branch| gather(branch, leaves));
        }
        Branch::Not { of, .. } => gather(of, leaves),
    }
}

fn leaf(reason: &Reason) -> String {
    let value = reason.value.map_or_else(|| "sem dados".to_owned(), |value| format!("{value} {}", reason.unit));
    let sign = if reason.rises { "limite" } else { "mínimo" };
    format!("{}: {value}, {sign} {} {}", reason.address, reason.threshold, reason.unit)
}

const fn word(level: Level) -> &'static str {
    match level {
        Level::Unknown => "sem dados",
        Level::Normal => "normal",
        Level::Observation => "observação",
        Level::Attention => "atenção",
        Level::Alert => "alerta",
        Level::Maximum => "alerta máximo",
    }
}
