//! Codes, providers, grades and times in words.

use crate::dispatch::decide::State;
use crate::dispatch::outbox::Counts;
use crate::dispatch::tally::{Cause, Times};
use crate::web::pages::view::View;

/// Why a row failed or stayed here. A provider's code that has no words of its own is named.
pub fn cause(v: &View, cause: &Cause) -> String {
    reason(v, cause.state, &cause.cause)
}

pub fn reason(v: &View, state: State, cause: &str) -> String {
    if cause.is_empty() {
        return v.word("outbox", state.as_str());
    }
    let key = format!("cause-{}", cause.replace(['_', ' '], "-"));
    if v.lang.knows(&key) {
        v.t(&key)
    } else if cause.contains(' ') {
        v.t1("cause-code", "code", cause)
    } else {
        cause.to_owned()
    }
}

/// What stands in a row's own words (`outbox.reason`), for a table of rows: the cause as the counts have it, in words.
pub fn of_row(v: &View, state: &str, said: &str) -> String {
    let Ok(state) = state.parse::<State>() else { return said.to_owned() };
    let code: Vec<&str> = said.split(' ').take(2).collect();
    match (state, code.as_slice()) {
        (_, [""] | []) => String::new(),
        (State::Suppressed, _) => reason(v, state, said),
        (_, ["smpp" | "smtp" | "http", _]) => reason(v, state, &code.join(" ")),
        (_, ["receipt:", ..]) => reason(v, state, "receipt"),
        _ if said == "the alert expired" => reason(v, state, "expired"),
        _ => reason(v, state, "no_answer"),
    }
}

pub fn provider(v: &View, name: &str) -> String {
    match name {
        "" => v.t("delivery-no-provider"),
        "sink:sms" => v.t("delivery-provider-sink-sms"),
        "sink:email" => v.t("delivery-provider-sink-email"),
        other => other.to_owned(),
    }
}

pub fn area(v: &View, name: &str) -> String {
    if name.is_empty() { v.t("delivery-no-area") } else { name.to_owned() }
}

pub fn grade(v: &View, danger: &str) -> String {
    match danger {
        "0" => "R4".to_owned(),
        "1" => "R3".to_owned(),
        "2" => "R2".to_owned(),
        "3" => "R1".to_owned(),
        _ => v.t("delivery-no-grade"),
    }
}

pub fn count(counts: &Counts, state: State) -> i64 {
    match state {
        State::Pending => counts.pending,
        State::Sending => counts.sending,
        State::Accepted => counts.accepted,
        State::Unknown => counts.unknown,
        State::Delivered => counts.delivered,
        State::Rejected => counts.rejected,
        State::Undelivered => counts.undelivered,
        State::Expired => counts.expired,
        State::Suppressed => counts.suppressed,
    }
}

/// "45 s", "3 min 20 s", "2 h 5 min".
pub fn lasting(seconds: i64) -> String {
    match seconds.max(0) {
        s @ ..60 => format!("{s} s"),
        s @ 60..3600 => format!("{} min {:02} s", s / 60, s % 60),
        s => format!("{} h {:02} min", s / 3600, s % 3600 / 60),
    }
}

/// Until the first message was taken: milliseconds count.
pub fn first(v: &View, times: &Times) -> String {
    match times.first_ms {
        None => "—".to_owned(),
        Some(ms @ ..1000) => format!("{ms} ms"),
        Some(ms @ 1000..60_000) => format!("{} s", v.decimal(ms as f64 / 1000.0)),
        Some(ms) => lasting(ms / 1000),
    }
}

pub fn seconds(s: Option<i64>) -> String {
    s.map_or_else(|| "—".to_owned(), lasting)
}

/// The same for templates.
pub trait Words {
    fn cause(&self, cause: &Cause) -> String;
    fn provider_name(&self, name: &str) -> String;
    fn area_name(&self, name: &str) -> String;
    /// How many of these rows stand in this state, grouped by thousands.
    fn in_state(&self, counts: &Counts, state: &State) -> String;
    fn first_after(&self, times: &Times) -> String;
    fn after(&self, seconds: &Option<i64>) -> String;
}

impl Words for View {
    fn cause(&self, given: &Cause) -> String {
        cause(self, given)
    }

    fn provider_name(&self, name: &str) -> String {
        provider(self, name)
    }

    fn area_name(&self, name: &str) -> String {
        area(self, name)
    }

    fn in_state(&self, counts: &Counts, state: &State) -> String {
        self.count(count(counts, *state))
    }

    fn first_after(&self, times: &Times) -> String {
        first(self, times)
    }

    fn after(&self, given: &Option<i64>) -> String {
        seconds(*given)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_two_units() {
        assert_eq!(
            [0, 59, 60, 3599, 3600, 7500].map(lasting),
            ["0 s", "59 s", "1 min 00 s", "59 min 59 s", "1 h 00 min", "2 h 05 min"]
        );
    }
}
