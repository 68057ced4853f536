//! What becomes of alerts by the clock alone: they run out, and the account of their deliveries is closed.

use chrono::TimeDelta;
use serde_json::json;
use sqlx::PgConnection;

use crate::alerts::store;
use crate::alerts::upkeep;
use crate::clock::Instant;
use crate::events::{Event, notify};
use crate::ids::AlertId;
use crate::incidents;

/// Ends alerts that ran out, drops drafts whose time passed, and closes the account of finished deliveries. Rows with due
/// times, so a restart changes nothing. Returns whether anything was done.
pub(super) async fn housekeeping(conn: &mut PgConnection, now: Instant) -> anyhow::Result<bool> {
    let ended = upkeep::expire_due(&mut *conn, now).await?;
    let delivered = sqlx::query!(
        r#"select a.id as "id: AlertId", count(*) as "all!",
                  count(*) filter (where o.state in ('accepted', 'delivered')) as "reached!",
                  count(*) filter (where o.state in ('rejected', 'undelivered', 'expired')) as "failed!"
           -- People: an endpoint that does not answer for hours keeps no account open, and is nobody who was reached.
           from alert a join outbox o on o.alert_id = a.id and o.endpoint_id is null
           where a.issued_at > $1
             -- While some wait there is no need to count all of them.
             and not exists (select from outbox_queue q where q.alert_id = a.id and q.channel in ('sms', 'email'))
             and not exists (select from alert_event e where e.alert_id = a.id and e.action = 'sent')
             -- Of a large audience the rest is still being written.
             and exists (select from dispatch_run run where run.alert_id = a.id and run.spread_at is not null)
           group by a.id having count(*) filter (where o.state in ('pending', 'sending')) = 0"#,
        now - TimeDelta::hours(24)
    )
    .fetch_all(&mut *conn)
    .await?;
    for row in &delivered {
        let detail = json!({ "recipients": row.all, "reached": row.reached, "failed": row.failed });
        store::record(&mut *conn, row.id, now, "service", "sent", &detail).await?;
        let text =
            format!("Envio concluído: {} de {} mensagens aceitas, {} falharam", row.reached, row.all, row.failed);
        incidents::store::add_entry_for_alert(&mut *conn, row.id, now, "service", "delivery", &text, &detail).await?;
        notify(&mut *conn, &Event::Delivery { alert_id: row.id.0 }).await?;
    }
    Ok(ended > 0 || !delivered.is_empty())
}
