//! What a report says of the slope of the sweep's tests.

use super::*;
use crate::backtest::sweep::tests::slope;
use crate::backtest::sweep::{grid, sweep as run_sweep};

fn lead_max() -> LeadMax {
    LeadMax(chrono::TimeDelta::hours(12))
}

#[test]
fn each_event_has_the_lead_time_of_each_level_that_stood_before_it() {
    let case = slope();
    let report = of_cases(std::slice::from_ref(&case), lead_max()).unwrap();
    let events = &report.cases[0].events;
    assert_eq!(events.len(), 4);
    assert!(events[0].leads_s[&Level::Attention] > events[0].leads_s[&Level::Alert]);
    assert!(events[3].leads_s.is_empty(), "the last came out of a dry night");
    let told = leads_told(&report.cases[0]);
    assert!(told.contains("03/01/1970 15:30, Área 1: deslizamento (teste) · antecedência: atenção"), "{told}");
    assert!(told.contains("nenhum nível antes dele"), "{told}");
}

#[test]
fn an_event_outside_the_period_or_every_area_is_told_and_counted_nowhere() {
    let mut case = slope();
    let at = case.period.to + chrono::TimeDelta::days(3);
    case.events.push(Event { at, ..case.events[0].clone() });
    case.events.push(Event { place: crate::backtest::events::Place::Area("x".into()), ..case.events[0].clone() });
    let report = of_cases(std::slice::from_ref(&case), lead_max()).unwrap();
    let told = leads_told(&report.cases[0]);
    assert!(told.contains("fora do período") && told.contains("fora de todas as áreas"), "{told}");
    assert_eq!(report.scores.iter().map(|score| score.events).max(), Some(4));
}

/// The report of the slope with a sweep.
fn swept() -> Report {
    let case = slope();
    let prepared = [Prepared::new(&case, lead_max()).unwrap()];
    let mut report = of_prepared(&prepared, lead_max());
    let axes = vec!["alert.1=10..60/6".parse().unwrap()];
    let sets = grid(&axes).unwrap();
    let results = run_sweep(&prepared, &axes, &sets, 1, |_| ()).unwrap();
    report.sweep = Some(sweep(&case.network.rules, &axes, None, 1, results).unwrap());
    report
}

#[test]
fn the_page_stands_by_itself_and_has_a_title_and_a_table_for_every_plot() {
    for lang in [Lang::Pt, Lang::En] {
        let page = html(&swept(), lang).unwrap();
        for outside in ["<script", "http://", "https://", "src=", "@import", "url(h"] {
            assert!(!page.contains(outside), "{outside}");
        }
        let plots = page.matches("<svg class=\"plot\"").count();
        assert!(plots >= 6, "{plots} plots");
        assert_eq!(page.matches("<title id=").count(), plots);
        assert_eq!(page.matches("<desc id=").count(), plots);
        assert!(page.matches("<table>").count() >= 6);
        assert!(page.contains(&format!("<html lang=\"{}\"", lang.tag())));
        let left: Vec<&str> = page.split("bt-").skip(1).map(|rest| &rest[..rest.len().min(20)]).collect();
        assert!(left.is_empty(), "keys without a text: {left:?}");
    }
}

#[test]
fn ids_are_unique_in_the_page() {
    let page = html(&swept(), Lang::Pt).unwrap();
    let mut ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all);
}

#[test]
fn names_of_the_catalogue_are_text_and_never_markup() {
    let mut case = slope();
    case.network.areas[0].name = "<script>alert(1)</script>".into();
    case.events[0].what = "<b>rio</b>".into();
    let page = html(&of_cases(std::slice::from_ref(&case), lead_max()).unwrap(), Lang::Pt).unwrap();
    assert!(!page.contains("<script") && !page.contains("<b>"));
}

#[test]
fn the_json_has_the_scores_the_levels_and_every_set() {
    let json = serde_json::to_value(swept()).unwrap();
    assert_eq!(json["sweep"]["sets"].as_array().unwrap().len(), 6);
    assert_eq!(json["sweep"]["axes"][0]["in_use"], 30.0);
    assert_eq!(json["sweep"]["best"].as_array().unwrap().len(), POD_FLOORS.len());
    assert_eq!(json["cases"][0]["levels"][0]["area_code"], "a1");
    assert_eq!(json["cases"][0]["events"][0]["place"]["area"], "a1");
    assert!(json["scores"][0]["pod"].is_number());
}
