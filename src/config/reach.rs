//! Endpoints, sirens, rotas and subscriptions.

use serde::Deserialize;

use crate::dispatch::provider::Channel;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoints {
    /// An endpoint that failed for so long, in ten tries at least, is told nothing any more.
    pub disable_after_h: u32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sirens {
    /// How long a second person may confirm a request to sound.
    pub confirm_within_min: u32,
    /// What a siren does is unknown when it was not heard for so long, unless it is connected here.
    pub silent_after_min: u32,
    /// 0: nobody is reminded.
    pub test_every_days: u32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rotas {
    /// How often calendars that rotas follow are read.
    pub feed_every_min: u32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Situation {
    /// How often a report of an open incident is drafted; 0: only by hand.
    pub draft_every_h: u32,
}

impl Situation {
    pub(super) fn check(&self, expect: &mut impl FnMut(bool, &str, &str, &str)) {
        let hours = self.draft_every_h;
        expect(hours <= 168, "situation.draft_every_h", &hours.to_string(), "0 to 168 hours");
    }
}

/// Codes for telephones that nobody has proven yet.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signup {
    /// How numbers begin that get a code by SMS (E.164).
    pub countries: Vec<String>,
    /// Codes by SMS of the whole service.
    pub sms_per_minute: u32,
    pub sms_per_day: u32,
}

impl Signup {
    /// Whether a code may go there: mailboxes cost nothing.
    pub fn takes(&self, (channel, address): (Channel, &str)) -> bool {
        channel == Channel::Email || self.countries.iter().any(|begin| address.starts_with(begin.as_str()))
    }

    pub(super) fn check(&self, expect: &mut impl FnMut(bool, &str, &str, &str)) {
        for begin in &self.countries {
            let digits = begin.strip_prefix('+').unwrap_or_default();
            let is_good = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            expect(is_good, "signup.countries", begin, "a sign and digits, such as +55");
        }
    }
}

impl Sirens {
    pub(super) fn check(&self, expect: &mut impl FnMut(bool, &str, &str, &str)) {
        let minutes = self.confirm_within_min;
        let key = "sirens.confirm_within_min";
        expect((1..=60).contains(&minutes), key, &minutes.to_string(), "1 to 60 minutes");
        let silent = self.silent_after_min;
        expect(silent > 0, "sirens.silent_after_min", &silent.to_string(), "a number above zero");
    }
}
