//! Who an alert reaches, before it leaves.
//!
//! A resident is in when one of their places lies inside an area of the alert, or within the place's own precision of it:
//! rather twice than never. The geometry is in SQL (`alert_audience`, `alert_recipients`), on a GiST index of each
//! place's box of uncertainty and on subdivided areas. An alert may go to a distance around its areas too, and leave out whose
//! place is known too badly (`alerts::audience`).
//!
//! What residents chose is obeyed there too (`preference_against`): a least level, and quiet hours, neither of which holds for alert and
//! maximum. Within the quiet hours nothing is put off until the morning: what is below alert is old by then, and what rises is said
//! anew. Whoever was told of what a message answers hears of its end whatever they chose. First comes the worst grade, then whoever
//! needs help, then whoever is surely inside.

use std::time::Duration;

use serde::Serialize;

use super::provider::Tier;
pub use super::store::book::preview;
use crate::config::Config;

/// Residents by the kind of help that they need; whoever needs several is counted with each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Needs {
    pub mobility: i64,
    pub care: i64,
    pub hearing: i64,
    pub sight: i64,
    pub pets: i64,
    pub children: i64,
    pub elderly: i64,
    /// Whoever wrote something: only that there is something is known, what it says is sealed.
    pub sealed: i64,
}

impl Needs {
    /// From counts in the order of the fields; what is not there is nobody.
    pub fn of(counts: &[i64], sealed: i64) -> Self {
        let of = |at: usize| counts.get(at).copied().unwrap_or(0);
        Self {
            mobility: of(0),
            care: of(1),
            hearing: of(2),
            sight: of(3),
            pets: of(4),
            children: of(5),
            elderly: of(6),
            sealed,
        }
    }

    /// With the words of their texts (`need-WORD`).
    pub const fn named(&self) -> [(&'static str, i64); 8] {
        [
            ("mobility", self.mobility),
            ("care", self.care),
            ("hearing", self.hearing),
            ("sight", self.sight),
            ("pets", self.pets),
            ("children", self.children),
            ("elderly", self.elderly),
            ("sealed", self.sealed),
        ]
    }
}

/// Counts of an alert that has not left yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reach {
    /// Residents inside, whether or not a channel reaches them.
    pub residents: i64,
    /// Those of them who are not inside, but within the distance around it that was chosen for this alert.
    pub around: i64,
    /// Messages that would leave.
    pub sms: i64,
    pub email: i64,
    /// SMS by grade of the place: R4, R3, R2, R1, none.
    pub sms_by_grade: [i64; 5],
    /// Residents inside by grade of the place, in the same order.
    pub people_by_grade: [i64; 5],
    /// Residents inside who have told the service that they need help.
    pub with_needs: i64,
    pub needs: Needs,
    /// Those whom residents named as living at a place that is meant.
    pub others: i64,
    /// Those of them who need help.
    pub others_with_needs: i64,
    pub others_needs: Needs,
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
    /// Channels that lead nowhere any more.
    pub blocked: i64,
    pub duplicate_address: i64,
    /// Channels of people who chose a higher level than this.
    pub below_least_level: i64,
    /// Channels of people in whose quiet hours this is.
    pub quiet_hours: i64,
    /// Channels of people whose place is known worse than was chosen for this alert.
    pub coarse_place: i64,
    /// Priority of the SMS providers that are at work now; none while nobody is.
    #[serde(skip)]
    pub sms_priority: Option<i32>,
}

impl Reach {
    /// How long the last SMS and the last e-mail take at the configured rates. `segments`: of the SMS text.
    pub fn time_to_deliver(&self, config: &Config, segments: usize) -> Duration {
        let [sms, email] = self.times_to_deliver(config, segments);
        sms.max(email)
    }

    /// The same of each: SMS, e-mail. The sink takes no time; providers that share the work add up.
    pub fn times_to_deliver(&self, config: &Config, segments: usize) -> [Duration; 2] {
        let sms = self.tier(config).messages_per_second(segments);
        let email = (!config.mail.url.is_empty()).then(|| f64::from(config.mail.messages_per_second));
        [seconds(self.sms, sms), seconds(self.email, email)]
    }

    /// Expected price of the SMS, in centavos.
    pub fn centavos(&self, config: &Config, segments: usize) -> i64 {
        self.tier(config).centavos(self.sms, segments, config.dispatch.sms_segment_centavos)
    }

    /// The SMS providers at work.
    pub fn tier(&self, config: &Config) -> Tier {
        Tier::of(config, self.sms_priority)
    }
}

/// Whole seconds, rounded up.
fn seconds(messages: i64, per_second: Option<f64>) -> Duration {
    let Some(per_second) = per_second.filter(|rate| *rate > 0.0) else { return Duration::ZERO };
    Duration::from_secs((messages.max(0) as f64 / per_second).ceil() as u64)
}
