//! Who an alert reaches, before it leaves.
//!
//! A resident is in when one of their places lies inside an area of the alert, or within the place's own precision of it:
//! rather twice than never. The geometry is in SQL (`alert_audience`, `alert_recipients`), on a GiST index of each
//! place's box of uncertainty and on subdivided areas.

use std::time::Duration;

use serde::Serialize;

pub use super::store::book::preview;
use crate::config::Config;

/// Counts of an alert that has not left yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reach {
    /// Residents inside, whether or not a channel reaches them.
    pub residents: i64,
    /// Messages that would leave.
    pub sms: i64,
    pub email: i64,
    /// SMS by grade of the place: R4, R3, R2, R1, none.
    pub sms_by_grade: [i64; 5],
    /// Residents inside by grade of the place, in the same order.
    pub people_by_grade: [i64; 5],
    /// Residents inside who have told the service what help they need (it is sealed; only that there is something is known).
    pub with_needs: i64,
    /// Residents inside who read the alert in English and in Spanish.
    pub in_english: i64,
    pub in_spanish: i64,
    /// Residents inside with no verified channel open.
    pub unreachable: i64,
    /// Channels left out, by reason.
    pub opted_out: i64,
    /// Channels of people who took their consent to alerts back.
    pub consent_withdrawn: i64,
    pub unverified: i64,
    pub duplicate_address: i64,
}

impl Reach {
    /// How long the last SMS and the last e-mail take at the configured rates. `segments`: of the SMS text.
    pub fn time_to_deliver(&self, config: &Config, segments: usize) -> Duration {
        let [sms, email] = self.times_to_deliver(config, segments);
        sms.max(email)
    }

    /// The same of each: SMS, e-mail. The sink takes no time.
    pub fn times_to_deliver(&self, config: &Config, segments: usize) -> [Duration; 2] {
        let sms_rate: u32 = config.sms.smpp.first().map_or(0, |provider| provider.messages_per_second);
        let sms = seconds(self.sms.saturating_mul(i64::try_from(segments).unwrap_or(i64::MAX)), sms_rate);
        let email = if config.mail.url.is_empty() { 0 } else { seconds(self.email, config.mail.messages_per_second) };
        [sms, email].map(Duration::from_secs)
    }

    /// Expected price of the SMS, in centavos.
    pub fn centavos(&self, config: &Config, segments: usize) -> i64 {
        let segments = i64::try_from(segments).unwrap_or(i64::MAX);
        self.sms.saturating_mul(segments).saturating_mul(config.dispatch.sms_segment_centavos.into())
    }
}

/// A rate of zero stands for the sink, which takes no time.
fn seconds(messages: i64, per_second: u32) -> u64 {
    let messages = u64::try_from(messages).unwrap_or(0);
    if per_second == 0 { 0 } else { messages.div_ceil(per_second.into()) }
}
