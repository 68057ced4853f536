//! Days that the laws cited give, counted by hand on a calendar of paper: over Carnival, Corpus Christi and the turn of the year, extended,
//! and with a holiday that is entered later.
//!
//! Carnival 2026 is on Monday, 16, and Tuesday, 17 February; Corpus Christi on Thursday, 4 June. Christmas 2026 and 1 January 2027 are
//! Fridays; Carnival 2027 is on 8 and 9 February.

use chrono::NaiveDate;
use chrono_tz::America::Sao_Paulo;
use sentinela::clock::Instant;
use sentinela::deadlines::calendar::{self, Holiday};
use sentinela::deadlines::reckon::{Anchor, Course, reckon};
use sentinela::deadlines::rule::{self, Rules};
use sentinela::deadlines::{Calendar, HolidayKind};
use sentinela::secretariat::kernel::Types;

/// The rules that come with the service and with its types of cases.
fn rules() -> Rules {
    let types = Types::load("").unwrap_or_else(|faults| panic!("{faults}"));
    let of_types = types.all().flat_map(|kept| kept.def.rules.clone());
    Rules { shipped: rule::shipped().unwrap().into_iter().chain(of_types).collect(), local: Vec::new() }
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// The last day of what began on a day at noon, extended so often.
fn due(calendar: &Calendar, code: &str, anchor: &str, extended: u32) -> NaiveDate {
    let rules = rules();
    let rule = rules.choose(code, day(anchor)).unwrap_or_else(|| panic!("no rule of {code} on {anchor}"));
    assert!(extended <= rule.extensions.max, "{code} is not extended {extended} times");
    let at: Instant = format!("{anchor}T15:00:00Z").parse().unwrap();
    let course = Course { extended, ..Course::default() };
    reckon(rule, Anchor { at, tz: Sao_Paulo }, calendar, &course).unwrap().due_on.unwrap()
}

/// Code, day it begins, times it was extended, last day.
type Counted = (&'static str, &'static str, u32, &'static str);

fn check(rows: &[Counted]) {
    let calendar = calendar::shipped().unwrap();
    for (code, anchor, extended, expected) in rows {
        assert_eq!(due(&calendar, code, anchor, *extended), day(expected), "{code} from {anchor}, extended {extended}");
    }
}

#[test]
fn requests_for_information_have_twenty_and_ten_days() {
    check(&[
        // Lei 12.527, art. 11: 28 to 31 January are 4, 16 February is the 20th: Carnival, and Tuesday too.
        ("sic.answer", "2026-01-27", 0, "2026-02-18"),
        // 30 days: 4 of January and 26 of February, a Thursday.
        ("sic.answer", "2026-01-27", 1, "2026-02-26"),
        // 16 to 31 May are 16, 4 June is the 20th: Corpus Christi.
        ("sic.answer", "2026-05-15", 0, "2026-06-05"),
        // 21 to 31 December are 11, 9 January is the 20th, a Saturday; 19 January is the 30th.
        ("sic.answer", "2026-12-20", 0, "2027-01-11"),
        ("sic.answer", "2026-12-20", 1, "2027-01-19"),
        // 7 to 16 February are 10, Carnival.
        ("sic.complement", "2026-02-06", 0, "2026-02-18"),
        // Art. 15: 23 to 31 December are 9, 1 January is the 10th; Monday is the 4th.
        ("sic.appeal", "2026-12-22", 0, "2027-01-04"),
        // 13 to 17 February are 5, Tuesday of Carnival.
        ("sic.appeal_answer", "2026-02-12", 0, "2026-02-18"),
    ]);
}

#[test]
fn the_ombudsman_has_thirty_and_thirty_days_and_the_area_twenty_and_twenty() {
    check(&[
        // Lei 13.460, art. 16: 18 to 31 January are 14, 16 February is the 30th, Carnival.
        ("ombudsman.answer", "2026-01-17", 0, "2026-02-18"),
        // 26 days of May, 4 June is the 30th, Corpus Christi; the 60th is 4 July, a Saturday.
        ("ombudsman.answer", "2026-05-05", 0, "2026-06-05"),
        ("ombudsman.answer", "2026-05-05", 1, "2026-07-06"),
        // 11 of December, 19 January is the 30th.
        ("ombudsman.answer", "2026-12-20", 0, "2027-01-19"),
        // 6 to 25 December are 20, Christmas, a Friday; the 40th is 14 January, a Thursday.
        ("ombudsman.area", "2026-12-05", 0, "2026-12-28"),
        ("ombudsman.area", "2026-12-05", 1, "2027-01-14"),
        // 3 of January, 17 February is the 20th, Tuesday of Carnival.
        ("ombudsman.complement", "2026-01-28", 0, "2026-02-18"),
    ]);
}

#[test]
fn the_mayor_sanctions_in_fifteen_business_days() {
    check(&[
        // CF art. 66, §1: 3 to 6 February are 4, 9 to 13 nine, 18 to 20 twelve, 23 to 25 fifteen.
        ("legislative.sanction", "2026-02-02", 0, "2026-02-25"),
        // 21, 22, 25 to 29 May are 7, 1 to 3 June ten, 5 June eleven, 8 to 11 fifteen.
        ("legislative.sanction", "2026-05-20", 0, "2026-06-11"),
        // 16 to 18 December are 3, 21 to 24 seven, 28 to 31 eleven, 4 to 7 January fifteen.
        ("legislative.sanction", "2026-12-15", 0, "2027-01-07"),
        // 24, 28 to 31 December are 5 business days.
        ("coordination.accept", "2026-12-23", 0, "2026-12-31"),
    ]);
}

#[test]
fn what_comes_in_is_looked_at_within_days_that_the_town_sets() {
    check(&[
        // Norms of the town, to be confirmed: 18, 21 and 22 December.
        ("relations.triage", "2026-12-17", 0, "2026-12-22"),
        // 13, 18 and 19 February: Carnival lies between.
        ("legislative.triage", "2026-02-12", 0, "2026-02-19"),
        // 26 to 29 May are 4, 1 to 3 June seven, 5 June eight, 8 and 9 ten.
        ("ethics.triage", "2026-05-25", 0, "2026-06-09"),
    ]);
}

#[test]
fn partnerships_and_contracts_have_the_days_of_their_laws() {
    check(&[
        // Lei 13.019, art. 26: 5 of November, 25 December is the 30th.
        ("agreements.call", "2025-11-25", 0, "2025-12-26"),
        // Art. 69: 25 of March, 30 of April, 31 of May are 86; 4 June is the 90th, Corpus Christi. The 120th is 4 July, a Saturday.
        ("agreements.accounts", "2026-03-06", 0, "2026-06-05"),
        ("agreements.accounts", "2026-03-06", 1, "2026-07-06"),
        // 28 of October, 30 of November, 31 of December are 89; 1 January is the 90th, a Friday.
        ("agreements.accounts", "2026-10-03", 0, "2027-01-04"),
        // Art. 71: 11 of September, 31, 30, 31, 31 of January are 134; 16 February is the 150th, Carnival.
        ("agreements.review", "2025-09-19", 0, "2026-02-18"),
        // 10 of July, 31, 30, 31, 30 are 132; 18 December is the 150th. The 300th is 17 May, a Monday: 13, 31, 28, 31, 30 and 17.
        ("agreements.review", "2026-07-21", 0, "2026-12-18"),
        ("agreements.review", "2026-07-21", 1, "2027-05-17"),
        // Art. 70, §1: 29 of January, 16 February is the 45th, Carnival. The 90th is 2 April: 12 of February, 31 of March and 2.
        ("agreements.cure", "2026-01-02", 0, "2026-02-18"),
        ("agreements.cure", "2026-01-02", 1, "2026-04-02"),
        // Art. 49: 30 January is the 30th, a Saturday.
        ("agreements.interim", "2026-12-31", 0, "2027-02-01"),
        // Art. 10: 11, 30, 31, 30, 31, 31 are 164; 16 February is the 180th. It is a time of listing and does not roll.
        ("agreements.listed", "2026-08-20", 0, "2027-02-16"),
        // Art. 68: ten years from 29 February; 2038 has none.
        ("agreements.kept", "2028-02-29", 0, "2038-03-01"),
        // Lei 14.133, art. 94: 11, 14 to 18 December are 6, 21 to 24 ten, 28 to 31 fourteen, 4 to 8 January nineteen, 11.
        ("agreements.pncp.tender", "2026-12-10", 0, "2027-01-11"),
        // 26 to 29 May are 4, 1 to 3 June seven, 5 June eight, 8 and 9 ten.
        ("agreements.pncp.direct", "2026-05-25", 0, "2026-06-09"),
        // Accounts of a convênio: 13 of December, 31 of January, 16 February is the 60th, Carnival.
        ("funding.accounts", "2025-12-18", 0, "2026-02-18"),
        // Under the norm of 2016 too: 13 of December, 31 of January, 16 February 2021 is the 60th, Carnival, and the next day is Ash Wednesday.
        ("funding.accounts", "2020-12-18", 0, "2021-02-17"),
        // The balance is returned by 30 January, although it is a Saturday.
        ("funding.refund", "2026-12-31", 0, "2027-01-30"),
    ]);
}

#[test]
fn integrity_has_the_days_of_its_laws() {
    check(&[
        // Lei 12.846, art. 10, §3: 11, 30, 31, 30, 31, 31 are 164; 16 February is the 180th, Carnival.
        ("ethics.liability", "2025-08-20", 0, "2026-02-18"),
        // The 360th is 15 August, a Saturday: 12, 31, 30, 31, 30, 31 and 15.
        ("ethics.liability", "2025-08-20", 1, "2026-08-17"),
        // Art. 11: 26 of May, 4 June is the 30th, Corpus Christi.
        ("ethics.liability_defence", "2026-05-05", 0, "2026-06-05"),
        // 9 of December, 1 January is the 10th; the 20th is Monday, 11 January.
        ("ethics.defence", "2026-12-22", 0, "2027-01-04"),
        ("ethics.defence", "2026-12-22", 1, "2027-01-11"),
        // 16 February is the 15th, Carnival; 3 March the 30th: 12 more of February and 3.
        ("ethics.conflict", "2026-02-01", 0, "2026-02-18"),
        ("ethics.conflict", "2026-02-01", 1, "2026-03-03"),
        ("relations.reply", "2026-02-01", 0, "2026-02-18"),
        ("relations.reply", "2026-02-01", 1, "2026-03-03"),
    ]);
}

#[test]
fn what_is_published_has_the_days_of_the_fiscal_law() {
    check(&[
        // LRF art. 48: of Friday before Carnival on Wednesday.
        ("transparency.daily", "2026-02-13", 0, "2026-02-18"),
        // Arts. 52 and 55: thirty days after the period, and a Saturday stays one.
        ("transparency.rreo", "2026-12-31", 0, "2027-01-30"),
        ("transparency.rgf", "2026-04-30", 0, "2026-05-30"),
        // Art. 51: until 30 April, also in a leap year.
        ("transparency.accounts", "2026-12-31", 0, "2027-04-30"),
        ("transparency.accounts", "2027-12-31", 0, "2028-04-30"),
        ("transparency.accounts", "2019-12-31", 0, "2020-04-30"),
        ("transparency.yearly", "2026-12-31", 0, "2027-06-30"),
    ]);
}

#[test]
fn a_holiday_that_is_entered_later_moves_each_and_one_that_is_opened_brings_it_back() {
    let mut calendar = calendar::shipped().unwrap();
    let mut enter = |on: &str, kind, shut| {
        let (name, law_ref) = ("Dia da cidade".to_owned(), String::new());
        calendar.entered.push(Holiday { id: Some(uuid::Uuid::nil()), day: day(on), name, kind, shut, law_ref });
        calendar.clone()
    };
    let before = calendar::shipped().unwrap();
    let local = enter("2026-06-12", HolidayKind::Municipal, true);
    // Twenty days end on Friday, 12 June: with the holiday on Monday.
    assert_eq!(due(&before, "sic.answer", "2026-05-23", 0), day("2026-06-12"));
    assert_eq!(due(&local, "sic.answer", "2026-05-23", 0), day("2026-06-15"));
    // The fifteenth business day was the 12th.
    assert_eq!(due(&before, "legislative.sanction", "2026-05-21", 0), day("2026-06-12"));
    assert_eq!(due(&local, "legislative.sanction", "2026-05-21", 0), day("2026-06-15"));
    // The act of the year opens the offices on Corpus Christi: 4 June is a business day.
    let open = enter("2026-06-04", HolidayKind::Optional, false);
    assert_eq!(due(&before, "sic.answer", "2026-05-15", 0), day("2026-06-05"));
    assert_eq!(due(&open, "sic.answer", "2026-05-15", 0), day("2026-06-04"));
    assert_eq!(due(&open, "legislative.sanction", "2026-05-20", 0), day("2026-06-10"));
}
