//! Whether what a telephone sends is well-formed, and what follows from it: the time it was made by the service's clock, and the grade
//! that the checklist speaks for. Pure.

use chrono::{NaiveDate, TimeDelta};
use chrono_tz::Tz;

use super::form::{Form, Suggestion};
use super::{Fault, MOST_PHOTOGRAPHS, NewInspection, NewInterdiction, NewPhotograph, Point, Proof, Scope};
use crate::aid::signature::Signature;
use crate::clock::Instant;

/// How long something may wait on a telephone.
const MOST_AGE: TimeDelta = TimeDelta::days(366);
/// Clocks of telephones that differ by less are taken for right.
pub const SLACK: TimeDelta = TimeDelta::minutes(2);
/// A clock that differs by more says nothing.
const MOST_OFFSET: TimeDelta = TimeDelta::days(366);

/// By how much the device's clock is behind ours. Nothing is corrected within two minutes, and nothing where it said no time.
pub fn offset(sent_at: Option<Instant>, now: Instant) -> TimeDelta {
    let by = sent_at.map_or(TimeDelta::zero(), |sent| now - sent);
    if by.abs() <= SLACK || by.abs() > MOST_OFFSET { TimeDelta::zero() } else { TimeDelta::seconds(by.num_seconds()) }
}

/// When it was by our clock. What lies ahead by no more than the slack is now.
pub fn by_our_clock(at: Instant, offset: TimeDelta, now: Instant) -> Option<Instant> {
    let at = at.checked_add_signed(offset)?;
    if at > now + SLACK || at < now - MOST_AGE { None } else { Some(at.min(now)) }
}

/// A text without control characters, trimmed.
pub fn plain(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    text.chars().filter(|letter| *letter == '\n' || !letter.is_control()).collect::<String>().trim().to_owned()
}

fn text(faults: &mut Vec<Fault>, field: &str, given: &str, bounds: std::ops::RangeInclusive<usize>) {
    let length = plain(given).chars().count();
    if bounds.contains(&length) {
        return;
    }
    let shown: String = given.chars().take(40).collect();
    let (least, most) = (bounds.start(), bounds.end());
    let expected = if *least == 0 {
        format!("expected at most {most} characters")
    } else {
        format!("expected {least} to {most} characters")
    };
    faults.push(Fault::new(field, shown, expected));
}

fn point(faults: &mut Vec<Fault>, field: &str, place: Option<Point>) {
    let Some(Point { lat, lon, accuracy_m }) = place else { return };
    if !((-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lon)) {
        faults.push(Fault::new(field, format!("{lat}, {lon}"), "expected degrees of latitude and longitude"));
    }
    if accuracy_m.is_some_and(|metres| !(0.0..=100_000.0).contains(&metres)) {
        faults.push(Fault::new(
            format!("{field}.accuracy_m"),
            accuracy_m.unwrap_or_default(),
            "expected 0 to 100000 metres",
        ));
    }
}

/// What is known of a well-formed inspection.
#[derive(Clone, Debug, PartialEq)]
pub struct Ready {
    pub observed_at: Instant,
    pub offset: TimeDelta,
    pub suggestion: Option<Suggestion>,
}

/// When it was seen, and by how much the device's clock was behind. A time that cannot be is that of a clock which was put right
/// between: nobody knows it any more, so it counts from when it came, and the difference says so. Only a correction, which says
/// what was seen before, is held to its time.
fn observed(new: &NewInspection, now: Instant) -> Option<(Instant, TimeDelta)> {
    let offset = offset(new.sent_at, now);
    match by_our_clock(new.observed_at, offset, now) {
        Some(at) => Some((at, offset)),
        None if new.supersedes.is_none() => Some((now, TimeDelta::seconds((now - new.observed_at).num_seconds()))),
        None => None,
    }
}

/// Holds an inspection against its form and the clock. Days are the town's, and count from the day on which it was made, however
/// long it waited.
///
/// # Errors
/// Everything that is wrong.
pub fn inspection(new: &NewInspection, form: Option<&Form>, now: Instant, tz: Tz) -> Result<Ready, Vec<Fault>> {
    let found = observed(new, now);
    let today = found.map_or(now, |(at, _)| at).with_timezone(&tz).date_naive();
    let mut faults = Vec::new();
    let f = &mut faults;
    text(f, "street", &new.street, 1..=160);
    for (field, given, most) in [
        ("correction_reason", &new.correction_reason, 500),
        ("registry", &new.registry, 40),
        ("house_number", &new.house_number, 20),
        ("complement", &new.complement, 120),
        ("neighbourhood", &new.neighbourhood, 120),
        ("opinion", &new.opinion, 4000),
        ("recommendation", &new.recommendation, 4000),
    ] {
        text(f, field, given, 0..=most);
    }
    if new.supersedes.is_some() == plain(&new.correction_reason).is_empty() {
        f.push(Fault::new(
            "correction_reason",
            "",
            "a correction says what it corrects and why, and nothing else does",
        ));
    }
    point(f, "place", new.place);
    numbers(f, new);
    if new.inspect_again_by.is_some_and(|day| day < today || day > today + TimeDelta::days(3660)) {
        let day = new.inspect_again_by.map(|day| day.to_string()).unwrap_or_default();
        f.push(Fault::new(
            "inspect_again_by",
            day,
            "expected a day from the one of the inspection on, within ten years",
        ));
    }
    photographs(f, &new.photographs);
    if found.is_none() {
        f.push(Fault::new(
            "observed_at",
            new.observed_at.to_rfc3339(),
            "expected a time within the last year, and not ahead",
        ));
    }
    let suggestion = match form {
        Some(form) => {
            f.extend(form.faults(&new.answers));
            form.suggest(&new.answers)
        }
        None => {
            let shown: String = new.form.chars().take(40).collect();
            f.push(Fault::new("form", shown, "no checklist of this version is known here"));
            None
        }
    };
    // Whoever is calmer than the checklist says why.
    let is_calmer = suggestion.as_ref().is_some_and(|suggested| new.risk.is_some_and(|risk| risk < suggested.risk));
    if is_calmer && plain(&new.opinion).is_empty() {
        f.push(Fault::new("opinion", "", "a grade below the one that the checklist speaks for needs its reason"));
    }
    if let Some(interdiction) = &new.interdiction {
        let at = |fault: Fault| Fault { field: format!("interdiction.{}", fault.field), ..fault };
        f.extend(self::interdiction(interdiction, today).into_iter().map(at));
    }
    match found {
        Some((observed_at, offset)) if faults.is_empty() => Ok(Ready { observed_at, offset, suggestion }),
        _ => Err(faults),
    }
}

fn numbers(faults: &mut Vec<Fault>, new: &NewInspection) {
    if !(1..=2000).contains(&new.units) {
        faults.push(Fault::new("units", new.units, "expected 1 to 2000"));
    }
    if let Some(loss) = new.estimated_loss_centavos.filter(|loss| !(0..=100_000_000_000_000).contains(loss)) {
        faults.push(Fault::new("estimated_loss_centavos", loss, "expected 0 to 100000000000000 centavos"));
    }
    for (field, number) in new.people.each() {
        if let Some(number) = number.filter(|number| !(0..=20_000).contains(number)) {
            faults.push(Fault::new(format!("people.{field}"), number, "expected 0 to 20000"));
        }
    }
}

fn photographs(faults: &mut Vec<Fault>, all: &[NewPhotograph]) {
    if all.len() > MOST_PHOTOGRAPHS {
        faults.push(Fault::new("photographs", all.len(), format!("expected at most {MOST_PHOTOGRAPHS}")));
    }
    for (at, one) in all.iter().enumerate() {
        text(faults, &format!("photographs[{at}].caption"), &one.caption, 0..=300);
        point(faults, &format!("photographs[{at}].place"), one.place);
        if let Some(bearing) = one.bearing_deg.filter(|bearing| !(0..360).contains(bearing)) {
            faults.push(Fault::new(format!("photographs[{at}].bearing_deg"), bearing, "expected 0 to 359 degrees"));
        }
        if all[..at].iter().any(|other| other.key == one.key) {
            faults.push(Fault::new(format!("photographs[{at}].key"), one.key, "the same key twice"));
        }
    }
}

/// Everything that is wrong with an interdiction.
pub fn interdiction(new: &NewInterdiction, today: NaiveDate) -> Vec<Fault> {
    let mut faults = Vec::new();
    let f = &mut faults;
    text(f, "reason", &new.reason, 3..=2000);
    text(f, "part", &new.part, 0..=200);
    text(f, "apparent_damage", &new.apparent_damage, 0..=2000);
    text(f, "appeal", &new.appeal, 0..=1000);
    text(f, "registry", &new.registry, 0..=40);
    text(f, "signer_name", &new.signer_name, 3..=120);
    if (new.scope == Scope::Partial) == plain(&new.part).is_empty() {
        f.push(Fault::new("part", "", "a partial interdiction names the part, and a total one names none"));
    }
    if new.deadline.is_some_and(|day| day < today - TimeDelta::days(366) || day > today + TimeDelta::days(3660)) {
        let day = new.deadline.map(|day| day.to_string()).unwrap_or_default();
        f.push(Fault::new("deadline", day, "expected a day within ten years"));
    }
    match new.proof() {
        Proof::Signature => {
            if let Err(wrong) = new.signature.parse::<Signature>() {
                f.push(Fault::new("signature", "", wrong.to_string()));
            }
        }
        Proof::Refused => text(f, "witness", &new.witness, 3..=120),
    }
    faults
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
