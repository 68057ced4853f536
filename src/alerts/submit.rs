//! Whoever prepared a draft asks for a decision, and an approver may give it back.

use serde_json::json;
use sqlx::{Connection as _, PgConnection};

use crate::alerts::draft::draft_row;
use crate::alerts::issue::Issuer;
use crate::alerts::life::Life;
use crate::alerts::state::{AlertError, AlertState};
use crate::alerts::{store, trail};
use crate::audit::Actor;
use crate::clock::Instant;
use crate::events::{Event, notify};
use crate::ids::AlertId;

impl Issuer<'_> {
    /// Submits a draft for a decision. Submitting it again as it stands changes nothing.
    ///
    /// # Errors
    /// `Incomplete` lists what keeps it from leaving: nobody should be woken for what cannot be approved. `Stale` when it moved
    /// since `revision`; `Refused` when somebody else has submitted it, or it is decided.
    pub async fn submit(
        &self,
        conn: &mut PgConnection,
        now: Instant,
        by: &Actor,
        id: AlertId,
        revision: i32,
    ) -> Result<(), AlertError> {
        let alert = draft_row(&mut *conn, id).await?;
        let life = Life::of(&alert)?;
        let mine = alert.submitted_by.as_deref() == Some(by.name.as_str());
        if life.state == AlertState::Submitted && life.revision == revision && mine {
            return Ok(());
        }
        let life = life.submit(revision)?;
        let mut savepoint = conn.begin().await?;
        self.preview(&mut savepoint, now, &by.name, id).await?;
        savepoint.rollback().await?;
        sqlx::query!(
            "update alert set state = $2, submitted_at = $3, submitted_by = $4, returned_at = null, returned_by = null,
                              return_reason = null where id = $1",
            id.0,
            life.state.as_str(),
            now,
            by.name
        )
        .execute(&mut *conn)
        .await?;
        store::record(&mut *conn, id, now, &by.name, "submitted", &json!({ "revision": revision })).await?;
        trail::submitted(&mut *conn, self.ids, now, by, (id, revision)).await?;
        notify(conn, &Event::Alert { id: id.0 }).await?;
        Ok(())
    }

    /// Gives a submitted draft back to whoever wrote it, and returns the new revision.
    ///
    /// # Errors
    /// `Stale` when it moved since `revision`; `Refused` without a reason, or when it was not submitted.
    pub async fn send_back(
        &self,
        conn: &mut PgConnection,
        now: Instant,
        by: &Actor,
        (id, revision): (AlertId, i32),
        reason: &str,
    ) -> Result<i32, AlertError> {
        let alert = draft_row(&mut *conn, id).await?;
        let life = Life::of(&alert)?.send_back(revision, reason)?;
        sqlx::query!(
            "update alert set state = $2, revision = $3, submitted_at = null, submitted_by = null, returned_at = $4,
                              returned_by = $5, return_reason = $6 where id = $1",
            id.0,
            life.state.as_str(),
            life.revision,
            now,
            by.name,
            reason.trim()
        )
        .execute(&mut *conn)
        .await?;
        let detail = json!({ "reason": reason.trim(), "revision": life.revision, "submitted_by": alert.submitted_by });
        store::record(&mut *conn, id, now, &by.name, "returned", &detail).await?;
        trail::returned(&mut *conn, self.ids, now, by, (id, life.revision), reason).await?;
        notify(conn, &Event::Alert { id: id.0 }).await?;
        Ok(life.revision)
    }
}
