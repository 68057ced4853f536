//! What stood in instruments, bodies and lists before there was a registry gets its entries when the service starts. What has them is left alone.

use sqlx::PgConnection;
use uuid::Uuid;

use super::links;
use super::store::links as rows;
use crate::accounts::tokens::desk::Acting;
use crate::refused::Refused;
use crate::vault::Ring;

/// Rows that are read at once.
const BATCH: i64 = 500;

/// Gives how many were linked.
///
/// # Errors
/// The database's.
pub async fn settle(conn: &mut PgConnection, by: Acting<'_>, vault: &Ring) -> Result<usize, Refused> {
    rows::lock(&mut *conn).await?;
    let (mut linked, mut after) = (0, Uuid::nil());
    loop {
        let batch = rows::unlinked_instruments(&mut *conn, after, BATCH).await?;
        let Some((last, _)) = batch.last() else { break };
        after = *last;
        for (id, parties) in &batch {
            links::of_instrument(&mut *conn, (by, vault), *id, parties).await?;
        }
        linked += batch.len();
    }
    loop {
        let batch = rows::unlinked_persons(&mut *conn, BATCH).await?;
        for (id, name) in &batch {
            links::of_person(&mut *conn, by, *id, (None, name)).await?;
        }
        linked += batch.len();
        if batch.is_empty() {
            break;
        }
    }
    loop {
        let batch = rows::unlinked_outlets(&mut *conn, BATCH).await?;
        for (id, name) in &batch {
            links::of_outlet(&mut *conn, by, *id, name).await?;
        }
        linked += batch.len();
        if batch.is_empty() {
            return Ok(linked);
        }
    }
}
