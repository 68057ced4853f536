use chrono::NaiveDate;

use super::super::types::Types;
use super::*;

const LANGS: [Lang; 2] = [Lang::Pt, Lang::En];

fn on(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn guard(why: Why) -> Refusal {
    Refusal::Guard { guard: String::new(), why: Box::new(why), law: "Lei 1/2026".into() }
}

/// One of each.
fn whys() -> Vec<Why> {
    let (field, name, day, today) = ("due_on".to_owned(), "Caso".to_owned(), on("2026-03-01"), on("2026-03-02"));
    let (code, law) = ("coordination.due".to_owned(), "Determinação do Prefeito".to_owned());
    let period = super::super::quiet::shipped().first().unwrap();
    vec![
        Why::RanOut { code: code.clone(), on: Some(day), law: law.clone() },
        Why::Runs { code: code.clone(), until: None, law },
        Why::NotBegun(code),
        Why::FieldIs { field: field.clone(), value: "x".into(), expected: vec!["a".into(), "b".into()] },
        Why::FieldWhen { field: field.clone(), value: "true".into(), needed: "text".into() },
        Why::First("accept".into()),
        Why::Document("evidence".into()),
        Why::Quiet(day, period),
        Why::Before { field: field.clone(), day, other: field.clone(), other_day: today },
        Why::NotLater { field: field.clone(), day, was: today },
        Why::Stays { field: field.clone(), kept: "a".into(), other: field.clone(), value: "x".into() },
        Why::ValueWhen { field: field.clone(), other: field.clone(), value: "x".into(), expected: vec!["a".into()] },
        Why::BeforeAct { field: field.clone(), day, act: "accept".into(), act_day: today },
        Why::NotCome { field: field.clone(), day, today },
        Why::Over { field: field.clone(), day, today },
        Why::ChildOpen(name.clone()),
        Why::ChildMissing("ombudsman.area".into()),
        Why::ParentState { name: name.clone(), state: "open".into(), wanted: vec!["done".into()] },
        Why::NoParent,
        Why::NoProgramme { field: field.clone(), value: "0042".into(), years: (2026, 2029), law: "Lei 1".into() },
        Why::ParentType("representation.delegation".into()),
        Why::NotTold { field: field.clone(), name: name.clone() },
        Why::Outside { field, day, name, first: today, last: None },
        Why::Unknown("x".into()),
    ]
}

#[test]
fn every_refusal_has_words_in_both_languages_with_nothing_of_programs_in_them() {
    let types = Types::load("").unwrap_or_else(|faults| panic!("{faults}"));
    let def = &types.get("coordination.determination").unwrap().def;
    let mut all: Vec<Refusal> = whys().into_iter().map(guard).collect();
    let (act, law) = ("finish".to_owned(), "Norma".to_owned());
    all.extend([
        Refusal::Illegal {
            asked: act.clone(),
            state: "open".into(),
            possible: vec!["accept".into()],
            law: law.clone(),
        },
        Refusal::Illegal { asked: act.clone(), state: "done".into(), possible: Vec::new(), law: law.clone() },
        Refusal::Role { act: act.clone(), roles: ["owner", "coordination", "coordinator"].map(str::to_owned).to_vec() },
        Refusal::SamePerson { act, other: "author".into(), law },
        Refusal::Revision(4),
        Refusal::Document("evidence".into()),
        Refusal::Annulled,
        Refusal::Fields(Vec::new()),
    ]);
    for refusal in all {
        let reason = reason(&refusal, def);
        assert_eq!(reason.detail, refusal.to_string(), "programs read what they always read");
        let [pt, en] = LANGS.map(|lang| reason.words(lang));
        assert!(Lang::Pt.knows(&reason.key()) && Lang::En.knows(&reason.key()), "{}", reason.key());
        assert_ne!(pt, en);
        for words in [&pt, &en] {
            assert!(!words.contains('{') && !words.contains("due_on") && !words.contains("refused-"), "{words}");
            assert!(!words.contains("coordination.due") && !words.contains("role-"), "{words}");
        }
    }
}

#[test]
fn words_name_fields_acts_and_days_as_the_reader_knows_them() {
    let types = Types::load("").unwrap_or_else(|faults| panic!("{faults}"));
    let def = &types.get("coordination.determination").unwrap().def;
    let over = Why::Over { field: "due_on".into(), day: on("2026-03-01"), today: on("2026-03-02") };
    let told = reason(&guard(over), def);
    assert_eq!(told.words(Lang::Pt), "“Dia marcado” é 01/03/2026, que já passou: hoje é 02/03/2026. (Lei 1/2026)");
    assert_eq!(told.words(Lang::En), "“Marked day” is 1 Mar 2026, which is over: today is 2 Mar 2026. (Lei 1/2026)");
    assert_eq!((told.code, told.is_forbidden), ("guard-over", false));
    let (asked, state, possible) = ("finish".into(), "open".into(), vec!["accept".into()]);
    let illegal = Refusal::Illegal { asked, state, possible, law: def.law_ref.clone() };
    let words = reason(&illegal, def).words(Lang::Pt);
    assert!(words.contains("Aberta") && words.contains("Registrar o aceite"), "{words}");
    assert!(words.ends_with(&format!("({})", def.law_ref)), "{words}");
    let role = reason(&Refusal::Role { act: "finish".into(), roles: vec!["owner".into(), "coordination".into()] }, def);
    assert!(role.is_forbidden && role.words(Lang::Pt).contains("Articulação interna"), "{}", role.words(Lang::Pt));
}
