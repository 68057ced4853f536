//! What comes into the registry by itself: the rules of the product, or those of the folder `engine.rules_dir`.

use std::path::Path;

use sqlx::{Connection as _, PgConnection};

use super::is_rule_id;
use super::life::{Done, State};
use super::outline;
use super::store::{self, NewAct, NewVersion, Source, Version};
use crate::clock::Instant;
use crate::events::{Event, notify};
use crate::risk::rule::{Rule, RuleError};
use crate::risk::store::rule_texts;

/// [`sync`] for the evaluator: where it fails the town is judged by what stands in the registry.
///
/// # Errors
/// The connection is lost.
pub async fn bring_up(conn: &mut PgConnection, now: Instant, folder: &str) -> sqlx::Result<()> {
    let mut savepoint = conn.begin().await?;
    match sync(&mut savepoint, now, folder).await {
        Ok(()) => savepoint.commit().await,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "the registry of rules cannot be brought up to date");
            savepoint.rollback().await
        }
    }
}

/// Brings the registry up to what the product, or the folder where one is configured, has. On the first start the product's
/// rules are active; what a later release brings is proposed, and waits for people like every other draft. A folder is the
/// authority: what stands there is active, and its versions are kept, so that they can be read when the folder has moved on.
///
/// # Errors
/// What the database says, or a rule that cannot be read.
pub async fn sync(conn: &mut PgConnection, now: Instant, folder: &str) -> anyhow::Result<()> {
    if folder.is_empty() {
        return propose(conn, now, &rule_texts(None)?).await;
    }
    follow(conn, now, &rule_texts(Some(Path::new(folder)))?).await
}

/// The product's rules, as (file, text).
///
/// # Errors
/// As [`sync`].
pub async fn propose(conn: &mut PgConnection, now: Instant, product: &[(String, String)]) -> anyhow::Result<()> {
    store::take_turn(&mut *conn).await?;
    let first = store::is_fresh(&mut *conn).await?;
    for (file, text) in product {
        let rule = Rule::parse(file, text)?;
        let known = store::versions(&mut *conn, Some(&rule.id)).await?;
        if known.iter().any(|version| version.product_version >= Some(rule.version)) {
            continue;
        }
        let highest = known.first().map_or(0, |version| version.version);
        let number = rule.version.max(highest + 1);
        let text = if number == rule.version { text.clone() } else { outline::with_version(text, number) };
        let (state, done) = if first { (State::Active, Done::Activated) } else { (State::Draft, Done::Proposed) };
        let new = NewVersion {
            rule_id: &rule.id,
            version: number,
            text: &text,
            state,
            source: Source::Product,
            product_version: Some(rule.version),
            note: "",
            written_by: None,
        };
        store::insert(&mut *conn, now, &new).await?;
        told(&mut *conn, now, (&rule.id, number), (Source::Product, done, state)).await?;
    }
    Ok(())
}

/// The folder's rules, as (file, text).
async fn follow(conn: &mut PgConnection, now: Instant, files: &[(String, String)]) -> anyhow::Result<()> {
    store::take_turn(&mut *conn).await?;
    let mut rules = Vec::new();
    for (file, text) in files {
        let rule = Rule::parse(file, text)?;
        if is_rule_id(&rule.id) {
            rules.push((rule, text));
        } else {
            tracing::warn!(
                file,
                id = rule.id,
                "this id has other signs than small letters, digits, - and _: no version of the rule is kept"
            );
        }
    }
    let active = store::versions(&mut *conn, None).await?;
    for before in active.iter().filter(|version| version.state == State::Active) {
        if !rules.iter().any(|(rule, _)| (rule.id.as_str(), rule.version) == (before.rule_id.as_str(), before.version))
        {
            store::set_state(&mut *conn, now, before, State::Retired, before.revision).await?;
            let of = (before.rule_id.as_str(), before.version);
            told(&mut *conn, now, of, (Source::Folder, Done::Replaced, State::Retired)).await?;
        }
    }
    for (rule, text) in rules {
        seen(&mut *conn, now, &rule, text).await?;
    }
    Ok(())
}

/// Keeps one version of the folder as active.
async fn seen(conn: &mut PgConnection, now: Instant, rule: &Rule, text: &str) -> anyhow::Result<()> {
    let known = store::find(&mut *conn, &rule.id, rule.version).await?;
    let Some(known) = known else {
        let new = NewVersion {
            rule_id: &rule.id,
            version: rule.version,
            text,
            state: State::Active,
            source: Source::Folder,
            product_version: None,
            note: "",
            written_by: None,
        };
        store::insert(&mut *conn, now, &new).await?;
        told(conn, now, (&rule.id, rule.version), (Source::Folder, Done::Activated, State::Active)).await?;
        return Ok(());
    };
    if known.text != text && known.altered_at.is_none() {
        tracing::warn!(
            rule = rule.id,
            version = rule.version,
            "the folder's text is another than the one kept under this number: raise the rule's version when its text changes"
        );
        store::note_altered(&mut *conn, now, &known).await?;
    }
    if known.state != State::Active {
        store::set_state(&mut *conn, now, &known, State::Active, known.revision).await?;
        told(conn, now, (&rule.id, rule.version), (Source::Folder, Done::Activated, State::Active)).await?;
    }
    Ok(())
}

async fn told(
    conn: &mut PgConnection,
    now: Instant,
    (rule_id, version): (&str, i32),
    (source, done, state): (Source, Done, State),
) -> sqlx::Result<()> {
    let revision = store::find(&mut *conn, rule_id, version).await?.map_or(1, |version| version.revision);
    let act =
        NewAct { rule_id, version, revision, at: now, actor: source.as_str(), staff: None, done, state, reason: "" };
    store::record(&mut *conn, &act).await?;
    notify(conn, &Event::Rules).await
}

/// The rule that a version's text says.
///
/// # Errors
/// A text that this release cannot read.
pub fn parse(version: &Version) -> Result<Rule, RuleError> {
    Rule::parse(&format!("{} v{}", version.rule_id, version.version), &version.text)
}
