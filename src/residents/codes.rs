//! Codes for telephones and mailboxes that nobody has proven yet: asked for within bounds, written down, then sent.

use std::net::IpAddr;

use sqlx::{PgConnection, Postgres, Transaction};
use uuid::Uuid;

use super::own;
use super::store::own as store;
use crate::accounts::Permission;
use crate::app::App;
use crate::clock::Instant;
use crate::dispatch::alarm::{self, Alarm};
use crate::dispatch::notices::{self, Notice};
use crate::dispatch::provider::Channel;

/// What became of a wish for a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    Sent(Uuid),
    /// This address, or whoever asks, has to wait.
    Wait,
    /// The service has sent as many codes by SMS as it may.
    Full,
}

/// Whether another code may leave by SMS for a telephone that nobody has proven. When not, administrators are told; whoever asks
/// commits that.
///
/// # Errors
/// The database's.
pub async fn may_pay(conn: &mut PgConnection, app: &App, now: Instant, channel: Channel) -> sqlx::Result<bool> {
    if channel == Channel::Email {
        return Ok(true);
    }
    let (minute, day) = store::paid_codes(&mut *conn, now).await?;
    let bounds = &app.config.signup;
    if minute < bounds.sms_per_minute.into() && day < bounds.sms_per_day.into() {
        return Ok(true);
    }
    let to = Permission::ManageStaff;
    let alarm = Alarm { purpose: "signup_alarm", to, by_sms: false, key: "alarm-signup", n: day };
    alarm::raise(conn, &app.ids, now, alarm).await?;
    Ok(false)
}

/// A code that is written down and has not left. What it is for is kept in the same transaction.
pub struct Fresh<'a> {
    app: &'a App,
    now: Instant,
    to: (Channel, &'a str),
    pub tx: Transaction<'static, Postgres>,
    pub id: Uuid,
    pub code: String,
}

/// Makes a code for `to`. It is the same for whoever is known and whoever is not. The inner error says why there is none.
///
/// # Errors
/// The database's.
pub async fn fresh<'a>(
    app: &'a App,
    now: Instant,
    to: (Channel, &'a str),
    from: Option<IpAddr>,
) -> sqlx::Result<Result<Fresh<'a>, Asked>> {
    let mut tx = app.db.web.begin().await?;
    if !store::may_ask(&mut tx, now, to, from).await? {
        return Ok(Err(Asked::Wait));
    }
    if !may_pay(&mut tx, app, now, to.0).await? {
        tx.commit().await?;
        return Ok(Err(Asked::Full));
    }
    let (id, code) = (app.ids.uuid(now), own::code(&app.ids));
    let sealed = app.keys.service.seal(&own::code_context(id), code.as_bytes());
    let new = store::NewCode { id, to, resident: None, confirms: false, sealed: &sealed, from };
    store::keep_code(&mut tx, now, &new).await?;
    Ok(Ok(Fresh { app, now, to, tx, id, code }))
}

impl Fresh<'_> {
    /// Queues the message that carries it, and commits.
    ///
    /// # Errors
    /// The database's.
    pub async fn send(mut self, subject: &str, body: &str, expires_at: Instant) -> sqlx::Result<Asked> {
        let (channel, address) = self.to;
        let notice = Notice { channel, address, subject, body, expires_at, purpose: "resident_code" };
        notices::queue(&mut self.tx, &self.app.ids, self.now, &notice).await?;
        self.tx.commit().await?;
        Ok(Asked::Sent(self.id))
    }
}
