//! Turns from an iCalendar stream (RFC 5545), with recurrences written out. Pure.
//!
//! Zones are known by name (IANA, Windows, `X-LIC-LOCATION`), or by a definition with one offset; any other is a problem that is
//! told, and not a turn at a wrong hour.
//!
//! An event is a turn. Whose it is stands in its attendees (by e-mail), or else in its summary (a user name or a name). Its layer
//! stands in a category `layer-2` or `camada-2`.

use std::collections::{BTreeMap, BTreeSet};

use calcard::icalendar::dates::TimeOrDelta;
use calcard::icalendar::{
    ICalendar, ICalendarComponent, ICalendarComponentType, ICalendarEntry, ICalendarProperty, ICalendarStatus,
    ICalendarValue,
};
use chrono::{TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::{LONGEST_DAYS, MOST_LAYERS, MOST_TURNS};
use crate::clock::Instant;
use crate::units::vocabulary;

/// The largest stream, in bytes.
pub const MAX_BYTES: usize = 1024 * 1024;
/// Occurrences of one event that are written out.
const MOST_OCCURRENCES: usize = 5000;
/// Problems that are told.
const MOST_PROBLEMS: usize = 50;
const MAX_UID: usize = 255;
/// Definitions of zones that are looked at.
const MOST_ZONES: usize = 50;

/// Whose turn an event is, as the calendar says it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// One of these addresses, in small letters.
    Addresses(Vec<String>),
    Words(String),
}

/// One turn as the calendar says it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    pub from: Instant,
    pub until: Instant,
    pub layer: i16,
    pub who: Who,
    pub uid: String,
}

vocabulary! {
    /// What can be wrong. Texts are `rota-problem-FAULT`.
    Fault, "fault of a calendar" {
        Large = "large",
        NoCalendar = "no_calendar",
        ManyTurns = "many_turns",
        NoUid = "no_uid",
        Zone = "zone",
        Endless = "endless",
        Date = "date",
        End = "end",
        Layer = "layer",
        Nobody = "nobody",
        /// A name that nobody who works here has.
        Stranger = "stranger",
        /// Nothing in it is anybody's turn.
        Empty = "empty",
        /// The address does not answer.
        Away = "away",
        /// It answers with an error.
        Status = "status",
        Encoding = "encoding",
        /// The reader failed.
        Reader = "reader",
    }
}

/// What is wrong with an event, or the whole stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Property of the event, with the event's UID.
    pub field: String,
    pub value: String,
    pub fault: Fault,
    /// The number that the fault is about, such as the most that is allowed; 0 where there is none.
    pub n: i64,
    /// For programs and logs, in English.
    pub message: String,
}

/// A problem, with as much of the value as fits a line.
pub fn problem(
    field: impl Into<String>,
    value: impl Into<String>,
    (fault, n): (Fault, i64),
    message: impl Into<String>,
) -> Problem {
    Problem { field: field.into(), value: value.into().chars().take(80).collect(), fault, n, message: message.into() }
}

/// A bound as texts say it.
fn most(bound: usize) -> i64 {
    i64::try_from(bound).unwrap_or(i64::MAX)
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// In order of time.
    pub turns: Vec<Found>,
    pub problems: Vec<Problem>,
}

/// Reads a stream. Kept is what ends after `from` and begins before `until`; times without a zone are the town's. `layer`: of events
/// that name none.
///
/// # Errors
/// What is wrong with the whole stream.
pub fn read(text: &str, zone: Tz, (from, until): (Instant, Instant), layer: i16) -> Result<Read, Problem> {
    if text.len() > MAX_BYTES {
        return Err(problem(
            "file",
            format!("{} bytes", text.len()),
            (Fault::Large, most(MAX_BYTES / 1024)),
            format!("expected at most {MAX_BYTES} bytes"),
        ));
    }
    let none = (Fault::NoCalendar, 0);
    let calendar = ICalendar::parse(text)
        .map_err(|_| problem("file", text, none, "expected an iCalendar stream (BEGIN:VCALENDAR)"))?;
    let mut found = Read::default();
    for Series { calendar, zone } in series(&calendar, zone, &mut found) {
        one(&calendar, zone, (from, until), layer, &mut found)?;
        if found.turns.len() > MOST_TURNS {
            return Err(problem(
                "file",
                "",
                (Fault::ManyTurns, most(MOST_TURNS)),
                format!("expected at most {MOST_TURNS} turns in {} days", (until - from).num_days()),
            ));
        }
    }
    found.turns.sort();
    found.turns.dedup();
    found.problems.truncate(MOST_PROBLEMS);
    Ok(found)
}

/// The events of one UID, with the zones of the calendar and the zone of times that name none.
struct Series {
    calendar: ICalendar,
    zone: Tz,
}

/// Each series alone: an exception to one must not touch another that begins at the same time.
fn series(calendar: &ICalendar, zone: Tz, found: &mut Read) -> Vec<Series> {
    let zones: Vec<ICalendarComponent> =
        calendar.timezones().take(MOST_ZONES).map(|component| with_offset(component, calendar)).collect();
    let mut by_uid: BTreeMap<&str, Vec<&ICalendarComponent>> = BTreeMap::new();
    for component in &calendar.components {
        if component.component_type != ICalendarComponentType::VEvent {
            continue;
        }
        match component.uid() {
            Some(uid) => by_uid.entry(uid).or_default().push(component),
            None => found.problems.push(problem("UID", "", (Fault::NoUid, 0), "expected an identifier for each event")),
        }
    }
    let mut all = Vec::new();
    for (uid, events) in by_uid {
        let components = zones.iter().cloned().chain(events.iter().map(|event| (*event).clone())).collect();
        let calendar = ICalendar { components };
        if let Some(name) = unknown_zone(&calendar) {
            let message = "the zone is neither known by its name nor defined with one offset";
            found.problems.push(problem(format!("DTSTART ({uid})"), name, (Fault::Zone, 0), message));
            continue;
        }
        // Recurrences of instants in UTC are reckoned in UTC.
        let is_utc = events.iter().any(|event| starts_in_utc(event));
        all.push(Series { calendar, zone: if is_utc { chrono_tz::UTC } else { zone } });
    }
    all
}

/// A zone under a name of its own that has only one offset, such as towns without summer time write it, is known by that.
fn with_offset(zone: &ICalendarComponent, calendar: &ICalendar) -> ICalendarComponent {
    let mut zone = zone.clone();
    if zone.timezone().is_some() {
        return zone;
    }
    let parts = zone.component_ids.iter().filter_map(|id| calendar.components.get(*id as usize));
    let offsets: BTreeSet<Option<i32>> = parts.map(whole_hours).collect();
    if let (1, Some(Some(hours))) = (offsets.len(), offsets.first()) {
        // In these names the sign is the other way round.
        let name = format!("Etc/GMT{:+}", -hours);
        let name = if *hours == 0 { "Etc/GMT".to_owned() } else { name };
        zone.entries.push(ICalendarEntry {
            name: ICalendarProperty::Other("X-LIC-LOCATION".into()),
            params: Vec::new(),
            values: vec![ICalendarValue::Text(name)],
        });
    }
    zone
}

/// `TZOFFSETTO` in whole hours.
fn whole_hours(part: &ICalendarComponent) -> Option<i32> {
    let entry = part.property(&ICalendarProperty::Tzoffsetto)?;
    let ICalendarValue::PartialDateTime(offset) = entry.values.first()? else { return None };
    let hours = i32::from(offset.tz_hour?);
    (offset.tz_minute.unwrap_or(0) == 0 && hours <= 12).then_some(if offset.tz_minus { -hours } else { hours })
}

fn unknown_zone(calendar: &ICalendar) -> Option<String> {
    let resolver = calendar.build_tz_resolver();
    let times = [ICalendarProperty::Dtstart, ICalendarProperty::Dtend];
    let entries = calendar.components.iter().flat_map(|component| &component.entries);
    let mut names = entries.filter(|entry| times.contains(&entry.name)).filter_map(ICalendarEntry::tz_id);
    names.find(|name| resolver.resolve(name).is_none()).map(str::to_owned)
}

fn starts_in_utc(event: &ICalendarComponent) -> bool {
    let start = event.property(&ICalendarProperty::Dtstart).and_then(|entry| entry.values.first());
    matches!(start, Some(ICalendarValue::PartialDateTime(at)) if at.tz_hour.is_some())
}

/// # Errors
/// When a series has more occurrences than are written out: half of one would look like a rota with gaps.
fn one(
    calendar: &ICalendar,
    zone: Tz,
    (from, until): (Instant, Instant),
    layer: i16,
    found: &mut Read,
) -> Result<(), Problem> {
    let dates = calendar.expand_dates(zone, MOST_OCCURRENCES);
    let last = dates.events.iter().map(|event| event.start.with_timezone(&Utc)).max();
    if dates.events.len() >= MOST_OCCURRENCES && last.is_none_or(|last| last < until) {
        let message = format!("expected at most {MOST_OCCURRENCES} occurrences; let the series begin later");
        return Err(problem("RRULE", "", (Fault::Endless, most(MOST_OCCURRENCES)), message));
    }
    for error in dates.errors {
        let uid = calendar.components.get(error.comp_id as usize).and_then(ICalendarComponent::uid).unwrap_or_default();
        found.problems.push(problem(format!("DTSTART ({uid})"), "", (Fault::Date, 0), error.error.to_string()));
    }
    let mut told = BTreeMap::new();
    for event in dates.events {
        let Some(component) = calendar.components.get(event.comp_id as usize) else { continue };
        if component.component_type != ICalendarComponentType::VEvent || is_cancelled(component) {
            continue;
        }
        let begins = event.start.with_timezone(&Utc);
        let ends = match event.end {
            TimeOrDelta::Time(end) => end.with_timezone(&Utc),
            TimeOrDelta::Delta(span) => begins + span,
        };
        if ends <= from || begins >= until {
            continue;
        }
        let uid: String = component.uid().unwrap_or_default().chars().take(MAX_UID).collect();
        if ends <= begins || ends - begins > TimeDelta::days(LONGEST_DAYS) {
            let message = format!("expected an end after the beginning and within {LONGEST_DAYS} days");
            let fault = (Fault::End, LONGEST_DAYS);
            told.entry(uid.clone())
                .or_insert_with(|| problem(format!("DTEND ({uid})"), ends.to_rfc3339(), fault, message));
            continue;
        }
        match (who(component), layer_of(component).unwrap_or(layer)) {
            (Some(who), layer) if (1..=MOST_LAYERS).contains(&layer) => {
                found.turns.push(Found { from: begins, until: ends, layer, who, uid });
            }
            (Some(_), layer) => {
                let message = format!("expected layer-1 to layer-{MOST_LAYERS}");
                let fault = (Fault::Layer, MOST_LAYERS.into());
                told.entry(uid.clone())
                    .or_insert_with(|| problem(format!("CATEGORIES ({uid})"), layer.to_string(), fault, message));
            }
            (None, _) => {
                let message = "expected an attendee, or a summary that names somebody";
                told.entry(uid.clone())
                    .or_insert_with(|| problem(format!("SUMMARY ({uid})"), "", (Fault::Nobody, 0), message));
            }
        }
    }
    found.problems.extend(told.into_values());
    Ok(())
}

fn is_cancelled(component: &ICalendarComponent) -> bool {
    component.status() == Some(&ICalendarStatus::Cancelled)
}

fn who(component: &ICalendarComponent) -> Option<Who> {
    let texts = |property: ICalendarProperty| -> Vec<String> {
        let entries = component.entries.iter().filter(|entry| entry.name == property);
        entries.flat_map(|entry| entry.values.iter().filter_map(|value| value.as_text().map(str::to_owned))).collect()
    };
    let addresses: Vec<String> = texts(ICalendarProperty::Attendee)
        .iter()
        .map(|address| address.trim().to_lowercase())
        .map(|address| address.strip_prefix("mailto:").map_or(address.clone(), str::to_owned))
        .filter(|address| address.contains('@'))
        .collect();
    if !addresses.is_empty() {
        return Some(Who::Addresses(addresses));
    }
    let summary = texts(ICalendarProperty::Summary).join(" ").trim().to_owned();
    (!summary.is_empty()).then_some(Who::Words(summary))
}

fn layer_of(component: &ICalendarComponent) -> Option<i16> {
    let entries = component.entries.iter().filter(|entry| entry.name == ICalendarProperty::Categories);
    let words = entries.flat_map(|entry| entry.values.iter().filter_map(|value| value.as_text()));
    words
        .filter_map(|word| {
            let word = word.trim().to_lowercase();
            let number = word.strip_prefix("layer-").or_else(|| word.strip_prefix("camada-"))?;
            number.parse().ok()
        })
        .next()
}

/// Somebody whose turn an event may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub id: crate::ids::StaffId,
    pub username: String,
    pub name: String,
    pub email: Option<String>,
}

impl Who {
    /// Everybody it names; none when nobody is known by it.
    pub fn among<'a>(&self, people: &'a [Person]) -> Vec<&'a Person> {
        match self {
            Self::Addresses(addresses) => people
                .iter()
                .filter(|person| person.email.as_ref().is_some_and(|email| addresses.contains(&email.to_lowercase())))
                .collect(),
            Self::Words(words) => {
                let words = words.to_lowercase();
                people
                    .iter()
                    .filter(|person| person.username.to_lowercase() == words || person.name.to_lowercase() == words)
                    .take(1)
                    .collect()
            }
        }
    }

    pub fn shown(&self) -> String {
        match self {
            Self::Addresses(addresses) => addresses.join(", "),
            Self::Words(words) => words.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZONE: Tz = chrono_tz::America::Sao_Paulo;

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    fn calendar(events: &str) -> String {
        format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n{}END:VCALENDAR\r\n",
            events.replace('\n', "\r\n")
        )
    }

    fn read_all(events: &str) -> Read {
        read(&calendar(events), ZONE, (at("2026-02-01T00:00:00Z"), at("2026-03-01T00:00:00Z")), 1).unwrap()
    }

    fn spans(read: &Read) -> Vec<String> {
        read.turns
            .iter()
            .map(|turn| format!("{} {}", turn.from.format("%d %H:%M"), turn.until.format("%d %H:%M")))
            .collect()
    }

    #[test]
    fn recurrences_are_written_out_with_their_exceptions() {
        let read = read_all(
            "BEGIN:VEVENT\nUID:a\nSUMMARY:Ana\nDTSTART;TZID=America/Sao_Paulo:20260202T080000\nDTEND;TZID=America/Sao_Paulo:20260202T200000\nRRULE:FREQ=WEEKLY;COUNT=3\nEXDATE;TZID=America/Sao_Paulo:20260209T080000\nEND:VEVENT\n",
        );
        assert_eq!(spans(&read), ["02 11:00 02 23:00", "16 11:00 16 23:00"]);
        assert_eq!((read.problems.len(), &read.turns[0].who), (0, &Who::Words("Ana".into())));
    }

    #[test]
    fn a_zone_of_the_calendars_own_is_reckoned_by_its_definition() {
        let read = read_all(
            "BEGIN:VTIMEZONE\nTZID:Plantao\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:-0500\nTZOFFSETTO:-0500\nEND:STANDARD\nEND:VTIMEZONE\nBEGIN:VEVENT\nUID:a\nSUMMARY:Ana\nDTSTART;TZID=Plantao:20260202T080000\nDURATION:PT2H\nEND:VEVENT\n",
        );
        assert_eq!(spans(&read), ["02 13:00 02 15:00"]);
    }

    #[test]
    fn an_exception_of_one_series_leaves_another_at_the_same_hour_alone() {
        let series = |uid: &str, who: &str| {
            format!(
                "BEGIN:VEVENT\nUID:{uid}\nSUMMARY:{who}\nDTSTART:20260202T080000Z\nDTEND:20260202T200000Z\nRRULE:FREQ=DAILY;COUNT=2\nEND:VEVENT\n"
            )
        };
        let moved = "BEGIN:VEVENT\nUID:a\nRECURRENCE-ID:20260203T080000Z\nSUMMARY:Carla\nDTSTART:20260203T090000Z\nDTEND:20260203T200000Z\nEND:VEVENT\n";
        let read = read_all(&format!("{}{}{moved}", series("a", "Ana"), series("b", "Bruno")));
        let told: Vec<String> =
            read.turns.iter().map(|turn| format!("{} {}", turn.from.format("%d %H"), turn.who.shown())).collect();
        assert_eq!(told, ["02 08 Ana", "02 08 Bruno", "03 08 Bruno", "03 09 Carla"]);
    }

    #[test]
    fn endless_series_beside_each_other_are_all_read_and_one_that_is_too_long_is_told() {
        let endless = |uid: &str, rule: &str| {
            format!(
                "BEGIN:VEVENT\nUID:{uid}\nSUMMARY:{uid}\nDTSTART:20200106T080000Z\nDTEND:20200106T080010Z\nRRULE:FREQ={rule}\nEND:VEVENT\n"
            )
        };
        let read = read_all(&format!("{}{}", endless("ana", "WEEKLY"), endless("bruno", "WEEKLY")));
        assert_eq!((read.turns.len(), read.problems.len()), (8, 0), "four Mondays for each");
        let whole = (at("2026-02-01T00:00:00Z"), at("2026-03-01T00:00:00Z"));
        let refused = super::read(&calendar(&endless("ana", "MINUTELY")), ZONE, whole, 1).unwrap_err();
        assert_eq!(refused.field, "RRULE");
    }

    #[test]
    fn a_zone_that_nobody_knows_is_told_and_makes_no_turn_at_a_wrong_hour() {
        let read = read_all(
            "BEGIN:VTIMEZONE\nTZID:Nosso\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:-0200\nTZOFFSETTO:-0300\nEND:STANDARD\nBEGIN:DAYLIGHT\nDTSTART:19701001T000000\nTZOFFSETFROM:-0300\nTZOFFSETTO:-0200\nEND:DAYLIGHT\nEND:VTIMEZONE\nBEGIN:VEVENT\nUID:a\nSUMMARY:Ana\nDTSTART;TZID=Nosso:20260202T080000\nDURATION:PT2H\nEND:VEVENT\n",
        );
        assert!(read.turns.is_empty());
        assert_eq!((read.problems[0].field.as_str(), read.problems[0].value.as_str()), ("DTSTART (a)", "Nosso"));
    }

    #[test]
    fn attendees_categories_and_what_is_cancelled_are_understood() {
        let read = read_all(
            "BEGIN:VEVENT\nUID:a\nSUMMARY:Sobreaviso\nATTENDEE;CN=Ana:MAILTO:Ana@Example.org\nCATEGORIES:plantao,camada-2\nDTSTART:20260202T080000\nDTEND:20260202T200000\nEND:VEVENT\nBEGIN:VEVENT\nUID:b\nSTATUS:CANCELLED\nSUMMARY:Bruno\nDTSTART:20260202T080000Z\nDTEND:20260202T200000Z\nEND:VEVENT\n",
        );
        assert_eq!(read.turns.len(), 1);
        assert_eq!((read.turns[0].layer, read.turns[0].from), (2, at("2026-02-02T11:00:00Z")), "the town's own time");
        assert_eq!(read.turns[0].who, Who::Addresses(vec!["ana@example.org".into()]));
    }

    #[test]
    fn what_is_no_turn_is_named_and_takes_nothing_else_with_it() {
        let read = read_all(
            "BEGIN:VEVENT\nUID:long\nSUMMARY:Ana\nDTSTART:20260202T080000Z\nDTEND:20260902T080000Z\nEND:VEVENT\nBEGIN:VEVENT\nUID:whose\nDTSTART:20260202T080000Z\nDTEND:20260202T090000Z\nEND:VEVENT\nBEGIN:VEVENT\nUID:good\nSUMMARY:Ana\nDTSTART:20260202T080000Z\nDTEND:20260202T090000Z\nEND:VEVENT\n",
        );
        let fields: Vec<&str> = read.problems.iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!((fields.as_slice(), read.turns.len()), (&["DTEND (long)", "SUMMARY (whose)"][..], 1));
        let whole = (at("2026-02-01T00:00:00Z"), at("2026-03-01T00:00:00Z"));
        assert_eq!(super::read("<html>", ZONE, whole, 1).unwrap_err().field, "file");
        assert_eq!(super::read(&"x".repeat(MAX_BYTES + 1), ZONE, whole, 1).unwrap_err().field, "file");
    }

    #[test]
    fn people_are_found_by_address_user_name_and_name() {
        let person = |id: u128, username: &str, name: &str, email: Option<&str>| Person {
            id: crate::ids::StaffId(uuid::Uuid::from_u128(id)),
            username: username.into(),
            name: name.into(),
            email: email.map(str::to_owned),
        };
        let people = [person(1, "ana", "Ana Lima", Some("Ana@Example.org")), person(2, "bruno", "Bruno", None)];
        let found = |who: Who| who.among(&people).iter().map(|person| person.username.clone()).collect::<Vec<_>>();
        assert_eq!(found(Who::Addresses(vec!["ana@example.org".into(), "x@y".into()])), ["ana"]);
        assert_eq!(found(Who::Words("ana lima".into())), ["ana"]);
        assert_eq!(found(Who::Words("BRUNO".into())), ["bruno"]);
        assert!(found(Who::Words("Carla".into())).is_empty());
    }
}
