use chrono::{TimeDelta, TimeZone as _, Utc};
use serde_json::json;

use super::super::form;
use super::*;

fn now() -> Instant {
    Utc.with_ymd_and_hms(2026, 2, 22, 12, 0, 0).unwrap()
}

fn new(change: serde_json::Value) -> NewInspection {
    let mut whole = json!({"key": "0192f0c0-0000-7000-8000-000000000001", "observed_at": "2026-02-22T11:00:00Z", "street": "Rua A",
        "building": "housing", "ownership": "private", "damage": "damaged", "form": "2026-1"});
    for (field, value) in change.as_object().unwrap() {
        whole[field] = value.clone();
    }
    serde_json::from_value(whole).unwrap()
}

fn fields(change: serde_json::Value) -> Vec<String> {
    let form = form::current().unwrap();
    let new = new(change);
    let form = Some(&form).filter(|form| form.version == new.form);
    match inspection(&new, form, now(), chrono_tz::America::Sao_Paulo) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.into_iter().map(|fault| fault.field).collect(),
    }
}

fn term(change: serde_json::Value) -> serde_json::Value {
    let mut whole = json!({"key": "0192f0c0-0000-7000-8000-000000000002", "scope": "total", "reason": "Risco de queda",
        "signer_name": "Maria Lima", "signer_role": "owner", "witness": "José Souza"});
    for (field, value) in change.as_object().unwrap() {
        whole[field] = value.clone();
    }
    json!({ "interdiction": whole })
}

#[test]
fn the_least_that_is_needed_is_enough() {
    assert_eq!(fields(json!({})), [] as [&str; 0]);
    assert_eq!(fields(term(json!({}))), [] as [&str; 0]);
    let signed = json!({"signature": "1,1 2,2 3,3 4,4 5,5 6,6 7,7 8,8", "witness": ""});
    assert_eq!(fields(term(signed)), [] as [&str; 0]);
}

#[test]
fn every_wrong_field_is_named_at_once() {
    let wrong = json!({"street": " ", "units": 0, "estimated_loss_centavos": -1, "people": {"injured": -1}, "form": "1999",
        "place": {"lat": 91, "lon": 0, "accuracy_m": null}, "inspect_again_by": "2026-02-21", "correction_reason": "x",
        "photographs": [{"key": "0192f0c0-0000-7000-8000-000000000003", "taken_at": "2026-02-22T11:00:00Z", "bearing_deg": 360}]});
    assert_eq!(
        fields(wrong),
        [
            "street",
            "correction_reason",
            "place",
            "units",
            "estimated_loss_centavos",
            "people.injured",
            "inspect_again_by",
            "photographs[0].bearing_deg",
            "form"
        ]
    );
    assert_eq!(
        fields(term(json!({"scope": "partial", "witness": "", "signer_name": "M"}))),
        ["interdiction.signer_name", "interdiction.part", "interdiction.witness"]
    );
    assert_eq!(fields(term(json!({"signature": "<svg>"}))), ["interdiction.signature"]);
}

#[test]
fn whoever_is_calmer_than_the_checklist_says_why() {
    let calm = json!({"risk": "R2", "answers": {"structure": "failing"}});
    assert_eq!(fields(calm.clone()), ["opinion"]);
    let mut said = calm;
    said["opinion"] = "Escorado hoje pela manhã".into();
    assert_eq!(fields(said), [] as [&str; 0]);
}

#[test]
fn a_clock_that_is_wrong_is_reckoned_with_and_one_that_is_nearly_right_is_left_alone() {
    let sent = |behind: TimeDelta| Some(now() - behind);
    assert_eq!(offset(None, now()), TimeDelta::zero());
    assert_eq!(offset(sent(TimeDelta::seconds(90)), now()), TimeDelta::zero());
    assert_eq!(offset(sent(TimeDelta::hours(3)), now()), TimeDelta::hours(3));
    assert_eq!(offset(sent(TimeDelta::hours(-3)), now()), TimeDelta::hours(-3));
    assert_eq!(offset(sent(TimeDelta::days(9000)), now()), TimeDelta::zero(), "1970 says nothing");
    let at = now() - TimeDelta::hours(4);
    assert_eq!(by_our_clock(at, TimeDelta::hours(3), now()), Some(now() - TimeDelta::hours(1)));
    assert_eq!(by_our_clock(now() + TimeDelta::minutes(1), TimeDelta::zero(), now()), Some(now()));
    assert_eq!(by_our_clock(now() + TimeDelta::hours(1), TimeDelta::zero(), now()), None);
    assert_eq!(by_our_clock(now() - TimeDelta::days(400), TimeDelta::zero(), now()), None);
}

#[test]
fn no_time_of_a_device_puts_an_inspection_after_it_was_received() {
    // Clocks from years ago to years ahead.
    for hours in (-9000..9000).step_by(7) {
        let device = now() + TimeDelta::hours(hours);
        for ago in [0, 1, 30, 5000] {
            let at = device - TimeDelta::hours(ago);
            if let Some(found) = by_our_clock(at, offset(Some(device), now()), now()) {
                assert!(found <= now() && found >= now() - MOST_AGE);
            }
        }
    }
}

/// Held as it is sent at `now`, the time and the clock's difference in seconds.
fn held(change: serde_json::Value) -> Result<(Instant, i64), Vec<String>> {
    let form = form::current();
    let found = inspection(&new(change), form.as_ref(), now(), chrono_tz::America::Sao_Paulo);
    let found = found.map(|ready| (ready.observed_at, ready.offset.num_seconds()));
    found.map_err(|faults| faults.into_iter().map(|fault| fault.field).collect())
}

#[test]
fn a_day_counts_from_the_day_of_the_inspection_and_not_from_when_it_came() {
    // Filled on Friday with "until Saturday", and the network came back on Sunday.
    let waited = json!({"observed_at": "2026-02-20T18:00:00Z", "inspect_again_by": "2026-02-21"});
    assert!(held(waited).is_ok());
    // At 22:00 in the town it is the next day in Greenwich.
    assert!(held(json!({"observed_at": "2026-02-22T01:00:00Z", "inspect_again_by": "2026-02-21"})).is_ok());
    let before = json!({"observed_at": "2026-02-20T18:00:00Z", "inspect_again_by": "2026-02-19"});
    assert_eq!(held(before), Err(vec!["inspect_again_by".to_owned()]));
}

#[test]
fn a_clock_that_was_put_right_between_takes_nothing_away_and_is_told() {
    // Made by a clock a day ahead, and sent by one that the network put right.
    let ahead = json!({"observed_at": "2026-02-23T11:00:00Z", "sent_at": "2026-02-22T12:00:00Z", "inspect_again_by": "2026-02-24"});
    assert_eq!(held(ahead), Ok((now(), -23 * 3600)));
    // And one that had begun anew years ago.
    let reset = json!({"observed_at": "2015-01-01T03:00:00Z", "sent_at": "2026-02-22T12:00:00Z"});
    let (at, behind) = held(reset).unwrap();
    assert!(at == now() && behind > 11 * 365 * 86400, "{behind}");
    // A correction says what was seen then, and nothing else.
    let correction = json!({"observed_at": "2015-01-01T03:00:00Z", "supersedes": "0192f0c0-0000-7000-8000-000000000009", "correction_reason": "x"});
    assert_eq!(held(correction), Err(vec!["observed_at".to_owned()]));
}
