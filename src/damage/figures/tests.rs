use proptest::prelude::*;

use super::*;

fn entry(line: Line, amount: Amount) -> Entry {
    Entry {
        id: Uuid::nil(),
        line,
        source: Source::Manual,
        amount,
        inspection_id: None,
        inspection: None,
        counted_at: None,
        declaration_id: None,
        because: "contado à mão".into(),
        at: Instant::default(),
        by: "ana".into(),
    }
}

fn any_entry() -> impl Strategy<Value = Entry> {
    let number = || prop::option::of(0..1_000_000_i64);
    (0..Line::ALL.len(), number(), number(), number()).prop_map(|(at, a, b, c)| {
        let line = Line::ALL[at];
        let amount = match line.part() {
            Part::Human | Part::Environmental => Amount { persons: a, ..Amount::default() },
            Part::Material => Amount { damaged: a, destroyed: b, centavos: c, persons: None },
            Part::PublicLoss | Part::PrivateLoss => Amount { centavos: a, ..Amount::default() },
        };
        entry(line, amount)
    })
}

proptest! {
    #[test]
    fn totals_equal_their_parts_whichever_way_they_are_added(
        entries in prop::collection::vec(any_entry(), 0..60), cut in 0..60_usize,
    ) {
        let whole = totals(&entries);
        let mut turned = entries.clone();
        turned.reverse();
        prop_assert_eq!(&whole, &totals(&turned));
        let (left, right) = entries.split_at(cut.min(entries.len()));
        let mut joined = totals(left);
        for (line, amount) in totals(right) {
            let total = joined.entry(line).or_default();
            *total = total.and(amount);
        }
        prop_assert_eq!(&whole, &joined);
        let sums = sums(&whole);
        let money = |part: Part| entries.iter().filter(|entry| entry.line.part() == part).filter_map(|entry| entry.amount.centavos).sum::<i64>();
        prop_assert_eq!(sums.material_centavos.unwrap_or_default(), money(Part::Material));
        prop_assert_eq!(sums.loss_centavos.unwrap_or_default(), money(Part::PublicLoss) + money(Part::PrivateLoss));
        for figure in figures(&entries, &[]) {
            let of_line = figure.entries.iter().fold(Amount::default(), |all, entry| all.and(entry.amount));
            prop_assert_eq!(figure.total, of_line);
        }
    }
}

fn inspected(number: &str, house: &str, at: i64, damage: &str) -> Inspected {
    Inspected {
        id: Uuid::from_u128(at as u128),
        number: number.into(),
        observed_at: chrono::DateTime::from_timestamp(at, 0).unwrap(),
        building: Some(Line::Housing),
        units: 2,
        damage: damage.into(),
        centavos: Some(100_000),
        street: "Rua  Halfeld".into(),
        neighbourhood: String::new(),
        house_number: house.into(),
        complement: String::new(),
        spot: Some((-433_950, -217_500)),
        persons: vec![(Line::Injured, 1)],
    }
}

#[test]
fn two_inspections_of_one_building_are_one_and_a_doubt() {
    let mut all = [
        inspected("2026/001", "10", 1, "damaged"),
        inspected("2026/002", "10", 2, "destroyed"),
        inspected("2026/003", "12", 3, "damaged"),
    ];
    all[1].street = "rua halfeld".into();
    let (counting, doubts) = one_a_building(&all);
    assert_eq!(counting.iter().map(|one| one.number.as_str()).collect::<Vec<_>>(), ["2026/002", "2026/003"]);
    assert_eq!(
        doubts,
        [Doubt::OneBuilding {
            place: "rua halfeld, 10".into(),
            inspections: vec!["2026/002".into(), "2026/001".into()]
        }]
    );
    let proposed = of_inspections(&counting);
    let housing = proposed.iter().find(|one| one.line == Line::Housing).unwrap();
    assert_eq!(housing.amount, Amount { damaged: Some(2), destroyed: Some(2), centavos: Some(200_000), persons: None });
    assert_eq!(proposed.iter().find(|one| one.line == Line::Injured).unwrap().amount.persons, Some(2));
    let mut on_old = entry(Line::Housing, housing.amount);
    (on_old.inspection_id, on_old.inspection) = (Some(all[0].id), Some("2026/001".into()));
    assert_eq!(
        doubts_of(&[on_old], &counting),
        [Doubt::Outdated { line: "housing".into(), inspection: "2026/001".into() }]
    );
}

#[test]
fn without_a_house_number_the_spot_tells_the_building() {
    let mut all = [inspected("2026/001", "", 1, "damaged"), inspected("2026/002", "", 2, "damaged")];
    assert_eq!(one_a_building(&all).0.len(), 1);
    all[1].spot = Some((-433_960, -217_500));
    assert_eq!(one_a_building(&all).0.len(), 2);
    all[0].spot = None;
    all[1].spot = None;
    assert_eq!(one_a_building(&all).0.len(), 2, "nothing tells that they are one");
}

#[test]
fn houses_without_a_number_are_told_apart_by_their_spots() {
    for house in ["s/n", "S/N", "sn", "-", "0", " "] {
        let mut all: Vec<Inspected> =
            (1..=30).map(|at| inspected(&format!("2026/{at:03}"), house, at, "destroyed")).collect();
        for (at, one) in (0..).zip(&mut all) {
            one.spot = Some((-433_950 - at, -217_500));
        }
        let (counting, doubts) = one_a_building(&all);
        assert_eq!((counting.len(), doubts.len()), (30, 0), "{house:?}");
        let housing = of_inspections(&counting).into_iter().find(|one| one.line == Line::Housing).unwrap();
        assert_eq!((housing.amount.destroyed, housing.amount.centavos), (Some(60), Some(3_000_000)), "{house:?}");
    }
    let mut one = inspected("2026/001", "s/n", 1, "destroyed");
    one.spot = None;
    let mut other = inspected("2026/002", "s/n", 2, "destroyed");
    other.spot = None;
    assert_eq!(one_a_building(&[one, other]).0.len(), 2, "nothing tells that they are one");
}

#[test]
fn streets_of_one_name_are_two_where_the_spots_or_the_neighbourhoods_lie_apart() {
    let mut all = [inspected("2026/001", "12", 1, "damaged"), inspected("2026/002", "12", 2, "destroyed")];
    (all[0].neighbourhood, all[1].neighbourhood) = ("Linhares".into(), "Benfica".into());
    assert_eq!(one_a_building(&all).0.len(), 1, "the same spot, however the neighbourhood is called");
    all[1].spot = Some((-433_950, -217_496));
    assert_eq!(one_a_building(&all).0.len(), 1, "44 m");
    all[1].spot = Some((-433_950, -217_490));
    let (counting, doubts) = one_a_building(&all);
    assert_eq!(counting.len(), 2, "111 m");
    let both = vec!["2026/002".to_owned(), "2026/001".to_owned()];
    assert_eq!(doubts, [Doubt::SameAddress { place: "Rua  Halfeld, 12".into(), inspections: both }]);
    all[1].spot = None;
    assert_eq!(one_a_building(&all).0.len(), 2, "two neighbourhoods");
    all[1].neighbourhood = " linhares".into();
    assert_eq!(one_a_building(&all).0.len(), 1);
}

#[test]
fn what_is_adopted_stands_beside_what_is_proposed_with_the_difference() {
    let proposals = of_shelters((40, Instant::default()), (120, Instant::default()));
    let mut counted = entry(Line::Homeless, Amount { persons: Some(38), ..Amount::default() });
    counted.source = Source::Shelters;
    let mut declared = counted.clone();
    (declared.source, declared.amount.persons) = (Source::Declaration, Some(5));
    let all = figures(&[counted.clone(), declared.clone()], &proposals);
    let homeless = all.iter().find(|one| one.line == Line::Homeless).unwrap();
    assert_eq!((homeless.total.persons, homeless.differences[0].persons), (Some(43), Some(3)));
    let displaced = all.iter().find(|one| one.line == Line::Displaced).unwrap();
    assert_eq!((displaced.total.persons, displaced.differences[0].persons), (None, Some(-120)));
    assert!(matches!(&doubts_of(&[counted, declared], &[])[0], Doubt::ManySources { line, .. } if line == "homeless"));
}
