//! The rules that the town is judged by, and those by which it was judged.

use std::path::Path;

use sqlx::PgConnection;

use crate::clock::Instant;
use crate::cobrade::Cobrade;
use crate::ids::AreaId;
use crate::risk::rule::Rule;
use crate::risk::store::load_rules;
use crate::rules::life::State;

/// True before the first start: whatever people may have proposed already, nothing was ever active.
pub async fn is_fresh(conn: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select not exists (select from rule_version where activated_at is not null) as "fresh!""#)
        .fetch_one(conn)
        .await
}

/// The rules the town is judged by: those of the folder where one is configured, else the active ones, and before the first
/// start those compiled in.
///
/// # Errors
/// Names the file or rule, the key, the value and what was expected.
pub async fn current(conn: &mut PgConnection, folder: &str) -> anyhow::Result<Vec<Rule>> {
    if !folder.is_empty() {
        match load_rules(Some(Path::new(folder))) {
            Ok(rules) => return Ok(rules),
            // What was judged by before is kept, so that a slip in a file leaves nobody unwatched.
            Err(error) if !is_fresh(&mut *conn).await? => {
                tracing::error!(
                    error = format!("{error:#}"),
                    "the folder of rules cannot be read; judging by what stood there before"
                );
                metrics::counter!("sentinela_rules_unreadable_total").increment(1);
            }
            Err(error) => return Err(error),
        }
    }
    if is_fresh(&mut *conn).await? {
        return load_rules(None);
    }
    in_state(conn, State::Active).await
}

/// The rules that an area's level is explained by: those of now, or those that were active at a past instant. Of a time from which no
/// activation is kept it is the version that the last change of level before it names, and without one those of now.
///
/// # Errors
/// As [`current`].
pub async fn judging(
    conn: &mut PgConnection,
    folder: &str,
    (area, hazard): (AreaId, Cobrade),
    at: Option<Instant>,
) -> anyhow::Result<Vec<Rule>> {
    let Some(at) = at else { return current(conn, folder).await };
    let active = active_at(&mut *conn, at).await?;
    // A rule of the folder whose id no version can have leaves no acts.
    if !active.is_empty() && (folder.is_empty() || active.iter().any(|rule| rule.hazard == hazard)) {
        return Ok(active);
    }
    let text = sqlx::query_scalar!(
        "select v.text from (select rule_id, rule_version from level_transition
                             where area_id = $1 and cobrade = $2 and at <= $3 order by at desc, id desc limit 1) last
         join rule_version v on v.rule_id = last.rule_id and v.version = last.rule_version",
        area.0,
        hazard.to_string(),
        at
    )
    .fetch_optional(&mut *conn)
    .await?;
    match text {
        Some(text) => Ok(vec![Rule::parse("the version that judged then", &text)?]),
        None => current(conn, folder).await,
    }
}

/// The rules whose last act before an instant left them active.
async fn active_at(conn: &mut PgConnection, at: Instant) -> anyhow::Result<Vec<Rule>> {
    let rows = sqlx::query!(
        "select v.rule_id, v.version, v.text
         from (select distinct on (rule_id, version) rule_id, version, state from rule_act
               where at <= $1 order by rule_id, version, id desc) last
         join rule_version v on v.rule_id = last.rule_id and v.version = last.version
         where last.state = $2 order by v.rule_id, v.version",
        at,
        State::Active.as_str()
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(|row| Ok(Rule::parse(&format!("{} v{}", row.rule_id, row.version), &row.text)?)).collect()
}

/// The rules of the versions in a state, by id.
///
/// # Errors
/// A text that this release cannot read.
pub async fn in_state(conn: &mut PgConnection, state: State) -> anyhow::Result<Vec<Rule>> {
    let rows = sqlx::query!(
        "select rule_id, version, text from rule_version where state = $1 order by rule_id, version",
        state.as_str()
    )
    .fetch_all(conn)
    .await?;
    let read = |file: String, text: &str| match Rule::parse(&file, text) {
        Ok(rule) => Some(rule),
        // One text that an earlier release could read must not take the others' eyes: its areas are unknown until it is mended.
        Err(error) => {
            tracing::error!(rule = file, error = error.to_string(), "a rule cannot be read; nobody is judged by it");
            metrics::counter!("sentinela_rules_unreadable_total").increment(1);
            None
        }
    };
    Ok(rows.into_iter().filter_map(|row| read(format!("{} v{}", row.rule_id, row.version), &row.text)).collect())
}
