//! What gateways tell over HTTP, kept as what centres tell over SMPP is. Receipts are matched by the provider's own task, which looks
//! every two seconds, because only there the answers to what was sent come in.

use super::store::receipt::{self, Incoming};
use super::writer;
use crate::app::App;

/// Keeps receipts.
///
/// # Errors
/// What the database says; then nothing is kept, and the gateway may tell it again.
pub async fn receipts(app: &App, provider: &str, incoming: &[Incoming]) -> sqlx::Result<()> {
    let mut conn = app.db.web.acquire().await?;
    receipt::keep(&mut conn, app.clock.now(), provider, incoming).await
}

/// Keeps messages of people, and files those that are reports.
///
/// # Errors
/// As [`receipts`].
pub async fn messages(app: &App, provider: &str, incoming: &[Incoming]) -> sqlx::Result<()> {
    let mut tx = app.db.web.begin().await?;
    receipt::keep(&mut tx, app.clock.now(), provider, incoming).await?;
    for message in incoming.iter().filter(|message| !message.words.is_empty()) {
        writer::report(&mut tx, app, (&message.address, &message.words)).await?;
    }
    tx.commit().await
}
