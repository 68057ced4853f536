use super::*;
use crate::secretariat::budget::minima;
use crate::secretariat::budget::plans::{Action, Priority, Programme};
use crate::secretariat::kernel::tree::Node;

fn node(code: &str) -> Node {
    Node { code: code.into(), name: code.into(), valid_from: first_day(2020), valid_to: None }
}

fn classes() -> Classes {
    let units = vec![node("02"), node("02.01")];
    Classes::new(&[(Which::Unit, units), (Which::Source, vec![node("1500")])]).unwrap()
}

fn plan() -> Ppa {
    let action = Action { code: "2041".into(), ..Action::default() };
    Ppa { programmes: vec![Programme { code: "0012".into(), actions: vec![action], ..Programme::default() }] }
}

fn out(key: &str, centavos: i64) -> ExpenseLine {
    ExpenseLine { key: key.parse().unwrap(), sphere: Sphere::Fiscal, amount: Centavos(centavos), words: String::new() }
}

fn income(nature: &str, centavos: i64) -> RevenueLine {
    let (nature, source) = (nature.into(), "1500".into());
    RevenueLine { nature, source, sphere: Sphere::Fiscal, amount: Centavos(centavos), words: String::new() }
}

const CIVIL: &str = "02.01.06.182.0012.2041.3.3.90.30.1500";
const RESERVE: &str = "02.01.99.999.9999.9001.9.9.99.99.99.1500";

fn judged(revenue: &[RevenueLine], expense: &[ExpenseLine]) -> Vec<Problem> {
    let (classes, ppa, minima) = (classes(), plan(), minima::shipped().unwrap());
    let ldo = Ldo::default();
    loa(revenue, expense, &Around { classes: &classes, ppa: Some(&ppa), ldo: Some(&ldo), minima: &minima, year: 2027 })
}

fn rules(all: &[Problem], blocks: bool) -> Vec<&str> {
    all.iter().filter(|one| one.blocks == blocks).map(|one| one.rule.as_str()).collect()
}

#[test]
fn a_balanced_budget_is_only_warned_of_its_minima() {
    let all = judged(&[income("1.1.1.2.50", 1000)], &[out(CIVIL, 900), out(RESERVE, 100)]);
    assert_eq!((rules(&all, true), rules(&all, false)), (vec![], vec!["minimum", "minimum"]), "{all:?}");
    assert!(all[0].law_ref.contains("CF art. 212") && all[1].law_ref.contains("LC 141/2012"));
}

#[test]
fn one_centavo_of_difference_is_refused_with_both_sums() {
    let all = judged(&[income("1.1.1.2.50", 100_001)], &[out(CIVIL, 90_000), out(RESERVE, 10_000)]);
    assert_eq!(all[0].rule, "balance");
    assert_eq!(all[0].text, "revenue R$ 1.000,01, expense R$ 1.000,00: the difference is R$ 0,01");
    assert!(all[0].law_ref.contains("Lei 4.320"));
}

#[test]
fn an_action_outside_the_plan_an_unknown_unit_and_a_negative_line_are_refused() {
    let lines = [out("02.07.06.182.0012.2042.3.3.90.30.1500", 900), out(RESERVE, 200), out(CIVIL, -100)];
    let all = judged(&[income("1.1.1.2.50", 1000)], &lines);
    assert_eq!(rules(&all, true), ["unit", "action", "negative"], "{all:?}");
}

#[test]
fn a_budget_without_a_contingency_reserve_and_half_a_reserve_are_refused() {
    let all = judged(&[income("1.1.1.2.50", 900)], &[out(CIVIL, 900)]);
    assert_eq!(rules(&all, true), ["contingency"]);
    let half = out("02.01.99.999.9999.9001.3.3.90.30.1500", 100);
    let all = judged(&[income("1.1.1.2.50", 1000)], &[out(CIVIL, 900), half]);
    assert_eq!(rules(&all, true), ["contingency", "contingency"]);
}

#[test]
fn a_priority_without_money_and_health_in_the_fiscal_sphere_are_told() {
    let (classes, ppa) = (classes(), plan());
    let chosen = Priority { programme: "0012".into(), action: "2041".into(), reason: String::new() };
    let ldo = Ldo { priorities: vec![chosen], targets: Vec::new() };
    let around = Around { classes: &classes, ppa: Some(&ppa), ldo: Some(&ldo), minima: &[], year: 2027 };
    let all = loa(&[income("1.1.1", 100)], &[out(RESERVE, 100)], &around);
    assert_eq!((rules(&all, true), rules(&all, false)), (vec![], vec!["priority"]));
    let health = out("02.01.10.182.0012.2041.3.3.90.30.1500", 50);
    let all = loa(&[income("1.1.1", 100)], &[out(RESERVE, 50), health], &around);
    assert_eq!(rules(&all, false), ["sphere"]);
}

#[test]
fn sums_beyond_the_bounds_are_refused_and_never_wrap() {
    let all = judged(&[income("1.1.1", MOST), income("1.1.2", MOST)], &[out(CIVIL, MOST), out(RESERVE, MOST)]);
    assert_eq!(all[0].rule, "balance");
    assert!(all[0].text.contains("beyond"));
}

#[test]
fn a_proposal_over_its_ceiling_says_by_how_much() {
    let over = ceiling("02.01", Centavos(1001), Some(Centavos(1000))).unwrap_err();
    assert_eq!(over.text, "02.01: R$ 10,01 proposed, the ceiling is R$ 10,00: R$ 0,01 too much");
    assert!(ceiling("02.01", Centavos(1000), Some(Centavos(1000))).is_ok());
    assert!(ceiling("02.01", Centavos(0), None).is_err());
}
