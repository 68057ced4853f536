//! Telling residents, by every other way they are reached, what was done to their record through one of them.

use chrono::TimeDelta;
use sqlx::PgConnection;

use crate::app::App;
use crate::dispatch::notices::{self, Notice};
use crate::dispatch::provider::Channel;
use crate::i18n::Lang;
use crate::ids::ResidentId;
use crate::residents::store::own as store;
use crate::web::error::ApiError;

/// It is still worth knowing a day later.
const GOOD_FOR: TimeDelta = TimeDelta::hours(24);

/// What was done. Texts are `own-told-WHAT`.
#[derive(Clone, Copy, Debug)]
pub enum What {
    /// Somebody at the same telephone or mailbox opened the record.
    Opened,
    ChannelAdded,
    ChannelRemoved,
}

impl What {
    const fn key(self) -> &'static str {
        match self {
            Self::Opened => "own-told-opened",
            Self::ChannelAdded => "own-told-channel-added",
            Self::ChannelRemoved => "own-told-channel-removed",
        }
    }
}

/// Tells the resident at each confirmed telephone and mailbox but `by`, through which it was done. In the caller's
/// transaction.
pub async fn tell(
    conn: &mut PgConnection,
    app: &App,
    id: ResidentId,
    by: (&str, &str),
    what: What,
) -> Result<(), ApiError> {
    let Some(held) = store::held(&mut *conn, id).await? else { return Ok(()) };
    let lang = Lang::from_tag(&held.language).unwrap_or(Lang::Pt);
    let authority = &app.config.municipality.sender_name;
    let subject = lang.t1("own-told-subject", "authority", authority);
    let page = format!("{}{}", app.config.public_url(), super::HOME);
    let body = lang.t2(what.key(), "authority", authority, "page", page);
    let now = app.clock.now();
    for way in held.channels.iter().filter(|way| way.verified_at.is_some() && (way.kind.as_str(), &*way.address) != by)
    {
        let channel = if way.kind == Channel::Sms.as_str() { Channel::Sms } else { Channel::Email };
        let notice = Notice {
            channel,
            address: &way.address,
            subject: &subject,
            body: &body,
            expires_at: now + GOOD_FOR,
            purpose: "resident_change",
        };
        notices::queue(&mut *conn, &app.ids, now, &notice).await?;
    }
    Ok(())
}
