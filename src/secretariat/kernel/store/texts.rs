//! The texts of types that were used, with the rules of deadlines that they bring.

use sqlx::PgConnection;
use sqlx::types::Json;

use crate::clock::Instant;
use crate::deadlines::DeadlineRule;
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

/// Rules of deadlines that come with a type, unless the town has the same code from the same day on.
pub async fn keep_rules(
    conn: &mut PgConnection,
    rules: &[DeadlineRule],
    (key, version): (&str, i32),
    ids: &Ids,
    now: Instant,
) -> sqlx::Result<()> {
    for rule in rules {
        sqlx::query!(
            "insert into deadline_rule (id, code, valid_from, document, reason, added_at, added_by)
             select $1, $2, $3, $4, $5, $6, 'service'
             where not exists (select from deadline_rule where code = $2 and valid_from = $3)",
            ids.uuid(now),
            rule.code,
            rule.valid_from,
            Json(rule) as _,
            format!("Definição {key}, versão {version}"),
            now
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}
