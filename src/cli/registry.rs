//! `sentinela rules list|show|changes|propose|scores`: the versions that the registry keeps. Activating one takes two people in the
//! console or through the API, never a command.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::audit::Actor;
use crate::cli::{Session, Usage, rules, table};
use crate::config::Config;
use crate::i18n::Lang;
use crate::rules::State;
use crate::rules::desk::{At, Desk, RuleError};
use crate::rules::diff::{Change, changes};
use crate::rules::outline::Outline;
use crate::rules::store::{self, Version};

/// Everything under `sentinela rules`.
#[derive(Debug, clap::Subcommand)]
pub enum Action {
    #[command(flatten)]
    Files(rules::Action),
    #[command(flatten)]
    Kept(Kept),
}

#[derive(Debug, clap::Subcommand)]
pub enum Kept {
    /// List the rules with their versions and where each stands
    List,
    /// Print the text of a version; without a number that of the active one
    Show {
        id: String,
        /// Which version
        #[arg(long)]
        number: Option<i32>,
    },
    /// Say what changed from one version to another
    Changes { id: String, from: i32, to: i32 },
    /// Keep a file as a draft of a new version, and check it
    Propose {
        file: PathBuf,
        /// What it changes, and why
        #[arg(long, default_value = "")]
        note: String,
    },
    /// Keep the scores that `sentinela backtest --json` wrote with a version
    Scores { id: String, number: i32, file: PathBuf },
}

/// # Errors
/// What went wrong, in words.
pub async fn run(config: Config, action: Action) -> anyhow::Result<()> {
    let action = match action {
        Action::Files(files) => return files.run(&config.engine.rules_dir, config.municipality.time_zone),
        Action::Kept(action) => action,
    };
    let session = Session::open(config).await?;
    let outcome = match action {
        Kept::List => list(&session).await,
        Kept::Show { id, number } => show(&session, &id, number).await,
        Kept::Changes { id, from, to } => tell(&session, &id, from, to).await,
        Kept::Propose { file, note } => propose(&session, &file, &note).await,
        Kept::Scores { id, number, file } => scores(&session, &id, number, &file).await,
    };
    session.close(outcome).await
}

fn said(error: RuleError) -> anyhow::Error {
    match error {
        RuleError::Wrong { .. } => Usage(error.to_string()).into(),
        other => other.into(),
    }
}

async fn list(session: &Session) -> anyhow::Result<()> {
    let mut conn = session.pool.acquire().await?;
    let versions = store::versions(&mut conn, None).await?;
    if versions.is_empty() {
        println!("no rules yet: the service keeps the product's on its first start");
        return Ok(());
    }
    let rows: Vec<Vec<String>> = versions.iter().map(row).collect();
    table::print(&["rule", "version", "state", "by", "changed", "note"], &rows);
    Ok(())
}

fn row(version: &Version) -> Vec<String> {
    let by = version.author.clone().unwrap_or_else(|| version.source.to_string());
    let changed = version.updated_at.format("%Y-%m-%d %H:%M").to_string();
    vec![
        version.rule_id.clone(),
        version.version.to_string(),
        version.state.to_string(),
        by,
        changed,
        version.note.lines().next().unwrap_or_default().to_owned(),
    ]
}

async fn show(session: &Session, id: &str, version: Option<i32>) -> anyhow::Result<()> {
    let mut conn = session.pool.acquire().await?;
    let versions = store::versions(&mut conn, Some(id)).await?;
    let wanted = |kept: &&Version| version.map_or(kept.state == State::Active, |number| kept.version == number);
    let Some(found) = versions.iter().find(wanted) else { bail!("no such version of rule {id:?}") };
    print!("{}", found.text);
    Ok(())
}

async fn tell(session: &Session, id: &str, from: i32, to: i32) -> anyhow::Result<()> {
    let mut conn = session.pool.acquire().await?;
    let mut outlines = Vec::new();
    for number in [from, to] {
        let found = store::find(&mut conn, id, number).await?;
        let found = found.with_context(|| format!("rule {id:?} has no version {number}"))?;
        outlines.push(Outline::read(&found.text).with_context(|| format!("version {number}"))?);
    }
    let told = outlines.first().zip(outlines.last()).map(|(from, to)| changes(from, to)).unwrap_or_default();
    if told.is_empty() {
        println!("nothing changes in what the rule says");
    }
    told.iter().for_each(|change| println!("{}", line(change)));
    Ok(())
}

/// "ALERT: sum 1h: at_least 40 mm -> 35 mm".
fn line(change: &Change) -> String {
    let of = change
        .of
        .parse::<crate::units::Level>()
        .map_or_else(|_| change.of.clone(), |level| Lang::En.t(&format!("level-{level}")).to_uppercase());
    let asks: Vec<String> = change
        .condition
        .iter()
        .filter(|pair| pair.first().is_some_and(|key| matches!(key.as_str(), "sum" | "rate" | "latest")))
        .map(|pair| pair.join(" "))
        .collect();
    let parts = [of, asks.join(" "), change.key.clone()];
    let head: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let nothing = || "nothing".to_owned();
    let (from, to) = (change.from.clone().unwrap_or_else(nothing), change.to.clone().unwrap_or_else(nothing));
    format!("{}: {from} -> {to}", head.join(": "))
}

async fn propose(session: &Session, file: &Path, note: &str) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let actor = Actor::command();
    let now = session.clock.now();
    let (engine, zone) = (&session.config.engine, session.config.municipality.time_zone);
    let desk = Desk { engine, zone, ids: &session.ids, now, by: &actor };
    let mut tx = session.begin().await?;
    let kept = desk.propose(&mut tx, &text, note).await.map_err(said)?;
    let at = At { rule: &kept.rule_id, version: kept.version, revision: None };
    let checked = desk.check(&mut tx, at).await.map_err(said)?;
    tx.commit().await?;
    for finding in &checked.findings {
        println!("{}:{}:{}: {}", file.display(), finding.line, finding.column, finding.message);
    }
    for never in &checked.never {
        println!("{never}");
    }
    let binds = format!("{} areas, {} streams, {} areas without any", checked.areas, checked.streams, checked.blind);
    if checked.errors() > 0 {
        bail!("{} v{} is kept as a draft; {} errors keep it one", kept.rule_id, kept.version, checked.errors());
    }
    println!("{} v{} is kept and checked: {binds}. Compare and approve it in the console", kept.rule_id, kept.version);
    Ok(())
}

async fn scores(session: &Session, id: &str, version: i32, file: &Path) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let scores = serde_json::from_str(&text).with_context(|| file.display().to_string())?;
    let mut tx = session.begin().await?;
    store::take_turn(&mut tx).await?;
    let found = store::find(&mut tx, id, version).await?;
    let found = found.with_context(|| format!("rule {id:?} has no version {version}"))?;
    store::keep_scores(&mut tx, &found, &scores).await?;
    crate::events::notify(&mut tx, &crate::events::Event::Rules).await?;
    tx.commit().await?;
    println!("kept with {id} v{version}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::diff::About;

    #[test]
    fn a_change_is_one_line() {
        let change = Change {
            about: About::Condition,
            of: "alert".into(),
            condition: vec![vec!["sum".into(), "1h".into()], vec!["at_least".into(), "35 mm".into()]],
            group: vec!["any".into()],
            key: "at_least".into(),
            from: Some("40 mm".into()),
            to: Some("35 mm".into()),
        };
        assert_eq!(line(&change), "ALERT: sum 1h: at_least: 40 mm -> 35 mm");
    }
}
