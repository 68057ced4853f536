use proptest::prelude::*;

use super::*;
use crate::secretariat::budget::lines;

const A: &str = "02.01.06.182.0012.2041.3.3.90.30.1500";
const B: &str = "02.01.12.361.0013.2050.3.3.90.39.1500";
const STAFF: &str = "02.01.04.122.0001.2001.3.1.90.11.1500";
const NEW: &str = "02.01.06.182.0012.2042.4.4.90.52.1500";

fn line(key: &str, centavos: i64) -> ExpenseLine {
    ExpenseLine { key: key.parse().unwrap(), sphere: Sphere::Fiscal, amount: Centavos(centavos), words: String::new() }
}

fn change(kind: ChangeKind, origin: Origin, deltas: &[(&str, i64)]) -> Change {
    let expense =
        deltas.iter().map(|(key, amount)| Delta { key: key.parse().unwrap(), amount: Centavos(*amount) }).collect();
    let on = NaiveDate::from_ymd_opt(2027, 2, 22).unwrap();
    let (act, law, reason) = ("Decreto 9".into(), String::new(), "Chuva".into());
    Change { kind, origin, on, act, law, reason, expense, revenue: Vec::new() }
}

fn judge(change: &Change, committed: &[(&str, i64)]) -> Result<Centavos, &'static str> {
    let expense = [line(A, 1000), line(B, 2000), line(STAFF, 7000)];
    let committed = committed.iter().map(|(key, amount)| ((*key).to_owned(), Centavos(*amount))).collect();
    let (enacted, used) = (Centavos(10_000), Centavos(500));
    let standing =
        Standing { year: 2027, expense: &expense, revenue: &[], enacted, used, limit: 1000, committed: &committed };
    change.judge(&standing).map_err(|error| error.rule)
}

use ChangeKind::{Amendment, Extraordinary, Special, Supplementary};
use Origin::{Annulment, Revenue, Surplus};

#[test]
fn an_amendment_gives_what_it_takes_and_takes_nothing_from_personnel() {
    assert_eq!(judge(&change(Amendment, Annulment, &[(A, 300), (B, -300)]), &[]), Ok(Centavos(300)));
    assert_eq!(judge(&change(Amendment, Annulment, &[(A, 300), (B, -299)]), &[]), Err("balance"));
    assert_eq!(judge(&change(Amendment, Annulment, &[(A, 300), (STAFF, -300)]), &[]), Err("shielded"));
    assert_eq!(judge(&change(Amendment, Annulment, &[(A, 2001), (B, -2001)]), &[]), Err("negative"));
    assert_eq!(judge(&change(Amendment, Origin::None, &[(A, 300)]), &[]), Err("origin"));
    let mut reckoned = change(Amendment, Revenue, &[(A, 300)]);
    assert_eq!(judge(&reckoned, &[]), Err("balance"), "the revenue that was wrong is named");
    reckoned.revenue.push(RevenueDelta { nature: "1.1.1".into(), source: "1500".into(), amount: Centavos(300) });
    assert_eq!(judge(&reckoned, &[]), Ok(Centavos(300)));
}

#[test]
fn a_decree_stays_within_the_limit_of_the_law() {
    assert_eq!(judge(&change(Supplementary, Annulment, &[(A, 500), (B, -500)]), &[]), Ok(Centavos(500)));
    let mut more = change(Supplementary, Annulment, &[(A, 501), (B, -501)]);
    assert_eq!(judge(&more, &[]), Err("limit"));
    more.law = "Lei 9.999".into();
    assert_eq!(judge(&more, &[]), Ok(Centavos(501)), "a law of its own goes beyond");
    assert_eq!(judge(&change(Supplementary, Surplus, &[(NEW, 1)]), &[]), Err("line"));
    assert_eq!(judge(&change(Supplementary, Origin::None, &[(A, 1)]), &[]), Err("origin"));
    let mut late = change(Supplementary, Surplus, &[(A, 1)]);
    late.on = NaiveDate::from_ymd_opt(2028, 1, 1).unwrap();
    assert_eq!(judge(&late, &[]), Err("year"));
}

#[test]
fn what_is_new_needs_a_law_and_calamity_needs_no_source() {
    let mut special = change(Special, Surplus, &[(NEW, 100)]);
    assert_eq!(judge(&special, &[]), Err("law"));
    special.law = "Lei 8".into();
    assert_eq!(judge(&special, &[]), Ok(Centavos(100)));
    assert_eq!(judge(&change(Special, Surplus, &[(A, 100)]), &[]), Err("line"));
    assert_eq!(judge(&change(Extraordinary, Origin::None, &[(NEW, 5_000_000)]), &[]), Ok(Centavos(5_000_000)));
    assert_eq!(judge(&change(Extraordinary, Origin::None, &[(A, 5), (B, -5)]), &[]), Err("origin"));
}

#[test]
fn what_is_committed_is_not_taken_away() {
    let taken = change(Supplementary, Annulment, &[(A, 200), (B, -200)]);
    assert_eq!(judge(&taken, &[(B, 1800)]), Ok(Centavos(200)));
    assert_eq!(judge(&taken, &[(B, 1801)]), Err("committed"));
    assert_eq!(judge(&change(Supplementary, Annulment, &[(A, i64::MAX), (B, -5)]), &[]), Err("size"));
}

proptest! {
    #[test]
    fn amendments_that_are_made_keep_the_balance(moves in prop::collection::vec((0usize..3, 0usize..3, 1i64..3000), 1..20)) {
        let keys = [A, B, NEW];
        let mut expense = vec![line(A, 1000), line(B, 2000), line(STAFF, 7000)];
        let mut revenue = Vec::new();
        let before = lines::spent(&expense).unwrap();
        for (from, to, amount) in moves {
            let one = change(Amendment, Annulment, &[(keys[from], -amount), (keys[to], amount)]);
            let (committed, none) = (BTreeMap::new(), Centavos::ZERO);
            let standing = Standing {
                year: 2027, expense: &expense, revenue: &[], enacted: none, used: none, limit: 0, committed: &committed,
            };
            if one.judge(&standing).is_ok() {
                apply((&mut expense, &mut revenue), &one).unwrap();
            }
            prop_assert_eq!(lines::spent(&expense).unwrap(), before);
            prop_assert!(expense.iter().all(|line| !line.amount.is_negative()));
        }
    }
}
