//! Tells staff that a bound of the service was reached: what is left out behind it must not be found out by silence.

use chrono::TimeDelta;
use sqlx::PgConnection;

use super::notices::{self, Notice};
use super::provider::Channel;
use super::sms_text::transliterate;
use crate::accounts::{Permission, permission};
use crate::alerts::escalation::store::people;
use crate::clock::Instant;
use crate::i18n::Lang;
use crate::ids::Ids;

/// Who was told of an alarm hears of the same no more for so long.
const AGAIN_AFTER: TimeDelta = TimeDelta::hours(1);
const GOOD_FOR: TimeDelta = TimeDelta::hours(12);

/// An alarm.
#[derive(Clone, Copy, Debug)]
pub struct Alarm {
    /// Of the notices that tell it: small letters and `_`.
    pub purpose: &'static str,
    /// Whoever may do this is told.
    pub to: Permission,
    /// By SMS as well as by e-mail.
    pub by_sms: bool,
    /// Key of its text, which may show `$n`.
    pub key: &'static str,
    pub n: i64,
}

/// Tells everybody who may do something about it, each once an hour, with the caller's transaction.
///
/// # Errors
/// What the database says.
pub async fn raise(conn: &mut PgConnection, ids: &Ids, now: Instant, alarm: Alarm) -> sqlx::Result<()> {
    tracing::error!(alarm = alarm.purpose, n = alarm.n, "a bound of the service is reached");
    metrics::counter!("sentinela_alarms_total", "alarm" => alarm.purpose).increment(1);
    let all = people(&mut *conn).await?;
    let told = all.iter().filter(|one| one.roles.iter().any(|role| permission::of_role(*role).allow(alarm.to)));
    for person in told {
        let lang = Lang::from_tag(&person.language).unwrap_or_default();
        let said = lang.t1(alarm.key, "n", alarm.n);
        for channel in [Channel::Sms, Channel::Email] {
            let Some(address) = person.address(channel).filter(|_| alarm.by_sms || channel == Channel::Email) else {
                continue;
            };
            let since = now - AGAIN_AFTER;
            if notices::was_queued(&mut *conn, (channel, address), alarm.purpose, since).await? {
                continue;
            }
            let (subject, body) = match channel {
                Channel::Sms => (String::new(), transliterate(&said)),
                Channel::Email => (lang.t("alarm-subject"), said.clone()),
            };
            let notice = Notice {
                channel,
                address,
                subject: &subject,
                body: &body,
                expires_at: now + GOOD_FOR,
                purpose: alarm.purpose,
            };
            notices::queue(&mut *conn, ids, now, &notice).await?;
        }
    }
    Ok(())
}
