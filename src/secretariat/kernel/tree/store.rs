//! Nodes that a town adds to the schemes, in PostgreSQL. A row is never rewritten: a later one of the same code goes before it.

use sqlx::PgConnection;
use uuid::Uuid;

use super::Node;
use crate::clock::Instant;

/// Nodes of one scheme, at most.
pub const MOST: i64 = 20_000;

/// What a town added to a scheme, the oldest first: what is above comes before what is below.
pub async fn nodes(conn: &mut PgConnection, scheme: &str) -> sqlx::Result<Vec<Node>> {
    sqlx::query_as!(
        Node,
        "select code, name, valid_from, valid_to from classified_node where scheme = $1 order by id limit $2",
        scheme,
        MOST
    )
    .fetch_all(conn)
    .await
}

pub async fn count(conn: &mut PgConnection, scheme: &str) -> sqlx::Result<i64> {
    let found = sqlx::query_scalar!(r#"select count(*) as "n!" from classified_node where scheme = $1"#, scheme)
        .fetch_one(conn);
    found.await
}

/// Adds versions of nodes in their order.
pub async fn insert(
    conn: &mut PgConnection,
    (scheme, import): (&str, Uuid),
    nodes: &[Node],
    (at, by): (Instant, &str),
) -> sqlx::Result<()> {
    for node in nodes {
        sqlx::query!(
            "insert into classified_node (scheme, code, name, valid_from, valid_to, import_id, added_at, added_by)
             values ($1, $2, $3, $4, $5, $6, $7, $8)",
            scheme,
            node.code,
            node.name.trim(),
            node.valid_from,
            node.valid_to,
            import,
            at,
            by
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}
