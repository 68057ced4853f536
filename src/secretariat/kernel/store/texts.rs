//! The texts of types that were used, with the rules of deadlines that they bring.

use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::clock::Instant;
use crate::deadlines::{DeadlineRule, store as deadlines};
use crate::ids::Ids;

/// Keeps a text of a type. Gives the sum of the one that is kept, which may be another.
pub async fn keep_type(
    conn: &mut PgConnection,
    (key, version): (&str, i32),
    (sha256, text): (&[u8], &str),
    now: Instant,
) -> sqlx::Result<Vec<u8>> {
    sqlx::query!(
        "insert into case_type (key, version, sha256, text, kept_at) values ($1, $2, $3, $4, $5) on conflict do nothing",
        key,
        version,
        sha256,
        text,
        now
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query_scalar!("select sha256 from case_type where key = $1 and version = $2", key, version)
        .fetch_one(conn)
        .await
}

pub async fn type_text(conn: &mut PgConnection, key: &str, version: i32) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!("select text from case_type where key = $1 and version = $2", key, version)
        .fetch_optional(conn)
        .await
}

/// Who added what comes with a type.
const SERVICE: &str = "service";

/// Where a row of a type's rule says that it comes from.
fn origin(key: &str, version: i32) -> String {
    format!("Definição {key}, versão {version}")
}

/// A rule as it is kept.
struct Known {
    id: Uuid,
    reason: String,
    added_by: String,
    document: Json<DeadlineRule>,
    ended: bool,
}

impl Known {
    /// An earlier version of the type brought it, with other words.
    fn is_outdated(&self, rule: &DeadlineRule, (key, version): (&str, i32)) -> bool {
        let told = self.reason.strip_prefix(&format!("Definição {key}, versão "));
        let is_earlier = told.and_then(|told| told.parse::<i32>().ok()).is_some_and(|told| told < version);
        self.added_by == SERVICE && is_earlier && self.document.0 != *rule
    }
}

/// Rules of deadlines that come with a type, unless the town has the same code from the same day on. A rule that an earlier version of the
/// type said otherwise ends, and this one takes its place; what a person ended stays ended. Gives how many took the place of another: what
/// is open is reckoned anew then.
pub async fn keep_rules(
    conn: &mut PgConnection,
    rules: &[DeadlineRule],
    (key, version): (&str, i32),
    ids: &Ids,
    now: Instant,
) -> sqlx::Result<usize> {
    let mut replaced = 0;
    for rule in rules {
        let known = sqlx::query_as!(
            Known,
            r#"select id, reason, added_by, document as "document: Json<DeadlineRule>",
                   exists (select from deadline_rule_end e where e.rule_id = r.id) as "ended!"
               from deadline_rule r where code = $1 and valid_from = $2 order by added_at, id"#,
            rule.code,
            rule.valid_from
        )
        .fetch_all(&mut *conn)
        .await?;
        let holding: Vec<&Known> = known.iter().filter(|one| !one.ended).collect();
        let is_outdated = !holding.is_empty() && holding.iter().all(|one| one.is_outdated(rule, (key, version)));
        if !known.is_empty() && !is_outdated {
            continue;
        }
        let reason = origin(key, version);
        for one in holding {
            deadlines::end_rule(&mut *conn, one.id, (now, SERVICE), &format!("Substituída: {reason}")).await?;
            replaced += 1;
        }
        deadlines::insert_rule(&mut *conn, ids.uuid(now), rule, (now, SERVICE), &reason).await?;
    }
    Ok(replaced)
}
