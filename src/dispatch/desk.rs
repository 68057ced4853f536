//! Carries out what a person does to the dispatch of an alert: state, rows, history, incident, audit and hints, in the caller's
//! transaction.

use serde_json::json;
use sqlx::PgConnection;

use super::control::{Act, Control, ControlError, Done, Standing, reason};
use super::store::control as store;
use crate::alerts::store as alerts;
use crate::audit::{self, Actor, Entry};
use crate::clock::Instant;
use crate::events::{Event, notify};
use crate::ids::{AlertId, Ids};
use crate::incidents::store as incidents;

/// Who acts, and when.
#[derive(Clone, Copy, Debug)]
pub struct Desk<'a> {
    pub ids: &'a Ids,
    pub now: Instant,
    pub actor: &'a Actor,
}

impl Desk<'_> {
    /// Pauses, resumes or cancels what is unsent of an alert. From its commit nothing more is claimed of what is paused or
    /// cancelled; what a provider's task holds in hand comes back within half a second, and what is on its way ends as it will.
    ///
    /// # Errors
    /// `ControlError`: unknown or never left, without a reason, nothing waits, or cancelled before.
    pub async fn act(
        &self,
        conn: &mut PgConnection,
        alert: AlertId,
        act: Act,
        given: &str,
    ) -> Result<Done, ControlError> {
        let why = reason(given)?;
        let before = store::lock(&mut *conn, self.now, alert).await?.ok_or(ControlError::NotFound)?;
        let after = before.control.after(act)?;
        let (waiting, under_way, spreading) = store::open_rows(&mut *conn, alert).await?;
        if after == before.control {
            return Ok(Done { standing: before, changed: false, waiting, under_way });
        }
        if waiting + under_way == 0 && !spreading && act != Act::Resume {
            return Err(ControlError::Refused("nothing of this alert waits to be sent any more".to_owned()));
        }
        let by = self.actor.name.as_str();
        store::set(&mut *conn, self.now, alert, (act, after), (by, why), (waiting, under_way)).await?;
        store::carry_out(&mut *conn, self.now, alert, after).await?;
        self.write_down(&mut *conn, alert, (act, before.control, after), why, (waiting, under_way)).await?;
        let standing = Standing { control: after, since: Some(self.now), by: by.to_owned(), reason: why.to_owned() };
        Ok(Done { standing, changed: true, waiting, under_way })
    }

    async fn write_down(
        &self,
        conn: &mut PgConnection,
        alert: AlertId,
        (act, before, after): (Act, Control, Control),
        why: &str,
        (waiting, under_way): (i64, i64),
    ) -> Result<(), ControlError> {
        let by = self.actor.name.as_str();
        let what = json!({ "reason": why, "waiting": waiting, "under_way": under_way });
        alerts::record(&mut *conn, alert, self.now, by, action(act), &what).await?;
        let mut detail = what.clone();
        detail["alert_id"] = json!(alert);
        let text = format!("{}: {why} ({waiting} por enviar)", said(act));
        incidents::add_entry_for_alert(&mut *conn, alert, self.now, by, "alert", &text, &detail).await?;
        let mut told = what;
        told["control"] = json!(after);
        let entry = Entry::new(audited(act), "alert", alert).because(why);
        let entry = entry.from(json!({ "control": before })).to(told);
        audit::record(&mut *conn, self.ids, self.now, self.actor, entry).await?;
        notify(&mut *conn, &Event::Delivery { alert_id: alert.0 }).await?;
        notify(&mut *conn, &Event::Alert { id: alert.0 }).await?;
        // Whoever rests because nothing was due looks again.
        notify(conn, &Event::Outbox).await?;
        Ok(())
    }
}

/// The act in the history of the alert.
const fn action(act: Act) -> &'static str {
    match act {
        Act::Pause => "dispatch_paused",
        Act::Resume => "dispatch_resumed",
        Act::Cancel => "dispatch_cancelled",
    }
}

/// The act on the timeline of the incident, which is in the town's language.
const fn said(act: Act) -> &'static str {
    match act {
        Act::Pause => "Envio pausado",
        Act::Resume => "Envio retomado",
        Act::Cancel => "Envio do que faltava cancelado",
    }
}

const fn audited(act: Act) -> audit::Act {
    match act {
        Act::Pause => audit::Act::DispatchPause,
        Act::Resume => audit::Act::DispatchResume,
        Act::Cancel => audit::Act::DispatchCancel,
    }
}
