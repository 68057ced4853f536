use std::collections::BTreeSet;

use serde_json::json;
use uuid::Uuid;

use super::super::types::Types;
use super::super::{Access, guards::Near};
use super::*;
use crate::deadlines::{Course, Deadline};

fn types() -> Types {
    Types::load("").unwrap_or_else(|faults| panic!("{faults}"))
}

fn at(text: &str) -> At {
    At { now: text.parse().unwrap(), tz: chrono_tz::America::Sao_Paulo }
}

fn who(name: &str, roles: &[Role]) -> Who {
    Who { name: name.into(), roles: roles.to_vec(), ..Who::default() }
}

fn case(def: &CaseType, state: &str, fields: Value) -> CaseFile {
    let now = "2026-03-02T12:00:00Z".parse().unwrap();
    let Value::Object(fields) = fields else { panic!() };
    CaseFile {
        id: Uuid::nil(),
        type_key: def.key().into(),
        version: def.version(),
        module: def.module().into(),
        series: None,
        year: None,
        number: None,
        title: "Caso".into(),
        state: state.into(),
        is_final: false,
        waits_for: None,
        fields,
        department: String::new(),
        assigned: "bruno".into(),
        access: Access::Internal,
        author: "ana".into(),
        source: Source::Staff,
        code_hash: None,
        opened_at: now,
        changed_at: now,
        revision: 3,
        annulled: None,
    }
}

fn asked(transition: &str, fields: Value) -> Asked {
    let Value::Object(fields) = fields else { panic!() };
    Asked { transition: transition.into(), revision: 3, reason: String::new(), fields }
}

fn deadline(code: &str, due: &str) -> Deadline {
    let due_at: Instant = due.parse().unwrap();
    Deadline {
        id: Uuid::nil(),
        subject_kind: "case".into(),
        subject_id: Uuid::nil(),
        title: "Caso".into(),
        link: "/secretaria/painel".into(),
        code: code.into(),
        law_ref: "Constituição Federal, art. 66".into(),
        anchor_event: "received".into(),
        anchor_at: due_at,
        governed_on: None,
        extended: 0,
        course: Course::default(),
        due_on: Some(due_at.date_naive()),
        due_at: Some(due_at),
        warn_days: 1,
        confirmed: false,
        trace: Vec::new(),
        state: "open".into(),
        ended_at: None,
    }
}

#[test]
fn a_day_before_an_act_is_refused_by_the_day_in_the_town() {
    let types = types();
    let def = &types.get("ethics.procedure").unwrap().def;
    let one = case(def, "process", json!({}));
    let enzo = who("enzo", &[Role::Ethics]);
    // Nine in the evening of the first in the town, and the second in the world.
    let opened: Instant = "2026-12-02T00:00:00Z".parse().unwrap();
    let done_at = std::collections::BTreeMap::from([("open_process".to_owned(), opened)]);
    let facts = Facts { done_at, ..Facts::default() };
    let notify = |day: &str| {
        let asked = asked("notify", json!({ "notified_on": day }));
        decide(def, &one, &asked, (&enzo, at("2026-12-03T12:00:00Z")), &facts).map(|outcome| outcome.to)
    };
    assert_eq!(notify("2026-12-01").unwrap(), "defence");
    let refused = notify("2026-11-30").unwrap_err();
    assert!(refused.to_string().contains("before the act open_process of 2026-12-01"), "{refused}");
    assert!(refused.to_string().contains("art. 5º, LV"), "{refused}");
}

#[test]
fn an_act_that_does_not_fit_the_state_says_which_do() {
    let types = types();
    let def = &types.get("coordination.determination").unwrap().def;
    let one = case(def, "open", json!({}));
    let ana = who("ana", &[Role::Coordination]);
    let refused = decide(def, &one, &asked("finish", json!({})), (&ana, at("2026-03-03T12:00:00Z")), &Facts::default());
    let Err(Refusal::Illegal { possible, law, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(law, def.law_ref);
    assert!(possible.contains(&"accept".to_owned()) && !possible.contains(&"finish".to_owned()), "{possible:?}");
}

#[test]
fn the_role_the_revision_and_the_second_person_are_asked_for() {
    let types = types();
    let def = &types.get("advisory.consultation").unwrap().def;
    let one = case(def, "drafted", json!({}));
    let facts =
        Facts { acts: vec![("open".into(), "ana".into()), ("draft".into(), "bruno".into())], ..Facts::default() };
    let run = |who: &Who, revision: i32| {
        let asked = Asked { revision, ..asked("homologate", json!({})) };
        decide(def, &one, &asked, (who, at("2026-03-03T12:00:00Z")), &facts)
    };
    assert!(matches!(run(&who("carla", &[Role::Press]), 3), Err(Refusal::Role { .. })));
    let bruno = run(&who("bruno", &[Role::Advisory]), 3).unwrap_err();
    assert!(bruno.to_string().contains("takes two persons (Norma interna de assessoramento"), "{bruno}");
    assert_eq!(run(&who("ana", &[Role::Advisory]), 2), Err(Refusal::Revision(3)));
    assert_eq!(run(&who("ana", &[Role::Advisory]), 3).unwrap().to, "homologated");
}

#[test]
fn a_veto_after_its_fifteen_days_is_refused_with_the_constitution() {
    let types = types();
    let def = &types.get("legislative.matter").unwrap().def;
    let one = case(def, "passed", json!({}));
    let lia = who("lia", &[Role::Legislative]);
    let facts = Facts { deadlines: vec![deadline("legislative.sanction", "2026-03-10T02:59:59Z")], ..Facts::default() };
    let veto = asked("veto", json!({ "veto": "Vício de iniciativa" }));
    let before = decide(def, &one, &veto, (&lia, at("2026-03-09T12:00:00Z")), &facts).unwrap();
    assert_eq!((before.to.as_str(), before.publishes), ("vetoed", true));
    let after = decide(def, &one, &veto, (&lia, at("2026-03-10T12:00:00Z")), &facts).unwrap_err();
    assert!(
        after.to_string().contains("ran out on 2026-03-10") && after.to_string().contains("art. 66, § 1º"),
        "{after}"
    );
}

#[test]
fn expense_needs_its_estimate_and_its_programme() {
    let types = types();
    let def = &types.get("legislative.matter").unwrap().def;
    let one = case(def, "opinions", json!({}));
    let lia = who("lia", &[Role::Legislative]);
    let opinion = json!({ "merit": "a", "opportunity": "b", "compatibility": "c", "creates_expense": "true" });
    let run = |fields: Value| {
        decide(def, &one, &asked("judge", fields), (&lia, at("2026-03-03T12:00:00Z")), &Facts::default())
    };
    let refused = run(opinion.clone()).unwrap_err().to_string();
    assert!(refused.contains("cost has to be told") && refused.contains("LC 101/2000, art. 16, I"), "{refused}");
    let mut whole = opinion;
    (whole["cost"], whole["programme"]) = (json!("1.234,56"), json!("0012 Cidade segura"));
    let done = run(whole).unwrap();
    assert_eq!((done.to.as_str(), &done.fields["cost"]), ("opinions", &json!(123_456)));
}

#[test]
fn a_mission_outside_its_delegation_is_refused() {
    let types = types();
    let def = &types.get("representation.mission").unwrap().def;
    let rita = who("rita", &[Role::Representation]);
    let parent = |state: &str| {
        let Value::Object(fields) = json!({ "starts_on": "2026-01-01", "ends_on": "2026-06-30" }) else { panic!() };
        let name = "DEL 2026/001".into();
        vec![Near { type_key: "representation.delegation".into(), name, state: state.into(), is_final: false, fields }]
    };
    let run = |day: &str, state: &str| {
        let Value::Object(fields) =
            json!({ "counterpart": "Estado", "day": day, "place": "BH", "purpose": "Convênio" })
        else {
            panic!()
        };
        let new = New { title: "Reunião".into(), fields, ..New::default() };
        let facts = Facts { parents: parent(state), documents: BTreeSet::new(), ..Facts::default() };
        open(def, &new, (&rita, at("2026-03-03T12:00:00Z")), &facts)
    };
    assert!(run("2026-06-30", "active").is_ok());
    let late = run("2026-07-01", "active").unwrap_err().to_string();
    assert!(
        late.contains("outside DEL 2026/001 (2026-01-01 to 2026-06-30)") && late.contains("art. 14, § 1º"),
        "{late}"
    );
    assert!(run("2026-06-30", "revoked").unwrap_err().to_string().contains("is revoked; expected active"));
}

#[test]
fn every_field_that_is_wrong_is_named_at_once() {
    let types = types();
    let def = &types.get("assignments.order").unwrap().def;
    let ana = who("ana", &[Role::Assignments]);
    let Value::Object(fields) = json!({ "kind": "whim", "due_on": "amanhã", "colour": "azul", "result": "já" })
    else {
        panic!()
    };
    let new = New { title: " ".into(), fields, ..New::default() };
    let Err(Refusal::Fields(errors)) = open(def, &new, (&ana, at("2026-03-03T12:00:00Z")), &Facts::default()) else {
        panic!()
    };
    let named: Vec<&str> = errors.iter().map(|error| error.field.as_str()).collect();
    assert_eq!(named, ["title", "fields.colour", "fields.due_on", "fields.kind", "fields.result"]);
}

#[test]
fn what_is_computed_follows_its_fields_and_is_typed_by_nobody() {
    let types = types();
    let def = &types.get("ethics.risk").unwrap().def;
    let enzo = who("enzo", &[Role::Ethics]);
    let new = |fields: Value| {
        let Value::Object(fields) = fields else { panic!() };
        New { title: "Risco".into(), fields, ..New::default() }
    };
    let told = json!({ "process": "Pagamento", "cause": "Falta vistoria", "probability": 2, "impact": 2 });
    let opened = open(def, &new(told.clone()), (&enzo, at("2026-03-02T12:00:00Z")), &Facts::default()).unwrap();
    assert_eq!((&opened.fields["score"], &opened.fields["level"]), (&json!(4), &json!("moderate")));
    assert_eq!(opened.changes["level"], json!([null, "moderate"]));
    let mut typed = told;
    typed["level"] = json!("low");
    let refused = open(def, &new(typed), (&enzo, at("2026-03-02T12:00:00Z")), &Facts::default());
    assert!(matches!(refused, Err(Refusal::Fields(_))), "{refused:?}");
    let controlled = case(def, "controlled", Value::Object(opened.fields));
    let review = json!({ "probability": 4, "impact": 4, "finding": "Piorou", "review_on": "2026-06-01" });
    let after =
        decide(def, &controlled, &asked("review", review), (&enzo, at("2026-03-02T12:00:00Z")), &Facts::default())
            .unwrap();
    assert_eq!((&after.fields["score"], &after.fields["level"]), (&json!(16), &json!("extreme")));
    assert_eq!(after.changes["score"], json!([4, 16]));
}

#[test]
fn a_programme_of_the_plan_is_known_by_the_code_that_a_text_begins_with() {
    let plan = Plan { years: (2026, 2029), law: "Lei 1".into(), programmes: vec!["0012".into()] };
    assert!(["0012", " 0012 Cidade segura", "0012-Cidade"].iter().all(|text| plan.has(text)));
    assert!(!["00123", "Cidade 0012", "", "12"].iter().any(|text| plan.has(text)));
}

#[test]
fn what_a_newer_version_restricts_is_kept_from_others_in_older_cases_and_their_acts_too() {
    let types = types();
    let newest = &types.get("representation.mission").unwrap().def;
    let mut older = newest.clone();
    for field in &mut older.fields {
        (field.restricted, field.secret) = (false, false);
    }
    let written = case(&older, "planned", json!({ "place": "Aqui", "briefing": "Segredo" }));
    let now = written.opened_at;
    let done = ActDone {
        seq: 1,
        at: now,
        actor: "ana".into(),
        actor_kind: "staff".into(),
        act: "open".into(),
        from_state: String::new(),
        to_state: "planned".into(),
        reason: String::new(),
        changes: Map::from_iter([
            ("place".to_owned(), json!([null, "Aqui"])),
            ("briefing".to_owned(), json!([null, "Segredo"])),
        ]),
        prev: None,
        hash: String::new(),
    };
    for (reader, reads) in [(who("paula", &[Role::Press]), false), (who("rita", &[Role::Representation]), true)] {
        let (mut seen, mut acts) = (written.clone(), vec![done.clone()]);
        veil((&older, newest), &mut seen, &reader);
        veil_acts((&older, newest), &mut acts, (&written, &reader));
        assert_eq!(seen.text("place"), Some("Aqui"));
        assert_eq!(seen.text("briefing").is_some(), reads, "{reader:?}");
        assert_eq!(acts[0].changes["place"], json!([null, "Aqui"]));
        assert_eq!(acts[0].changes["briefing"] == json!(RESTRICTED), !reads, "{reader:?}");
    }
    let found = values::searched(&older, newest, &written);
    assert!(found.contains("Aqui") && !found.contains("Segredo"), "{found}");
}

#[test]
fn the_ledger_says_only_that_a_restricted_field_changed() {
    let types = types();
    let def = &types.get("representation.mission").unwrap().def;
    let given = Map::from_iter([("briefing".to_owned(), json!("Segredo")), ("place".to_owned(), json!("Aqui"))]);
    let (fields, changes) = changed(def, &Fields::new(), given, None);
    assert_eq!(fields["briefing"], json!("Segredo"));
    assert_eq!(
        changes,
        Map::from_iter([("briefing".to_owned(), json!(RESTRICTED)), ("place".to_owned(), json!([null, "Aqui"]))])
    );
}

#[test]
fn a_commitment_lies_under_a_mission_that_was_held_and_a_delegation_that_was_not_revoked() {
    let types = types();
    let def = &types.get("representation.commitment").unwrap().def;
    let rita = who("rita", &[Role::Representation]);
    let near = |kind: &str, state: &str| Near {
        type_key: kind.into(),
        name: format!("{kind} 1"),
        state: state.into(),
        is_final: true,
        fields: Fields::new(),
    };
    let run = |mission: &str, delegation: Option<&str>| {
        let given = json!({ "side": "town", "text": "Entregar", "due_on": "2026-06-01" });
        let Value::Object(fields) = given else { panic!() };
        let new = New { title: "Entrega".into(), fields, ..New::default() };
        let parent = near("representation.mission", mission);
        let farther = delegation.map(|state| near("representation.delegation", state));
        let above = std::iter::once(parent.clone()).chain(farther).collect();
        let facts = Facts { parents: vec![parent], above, ..Facts::default() };
        open(def, &new, (&rita, at("2026-03-03T12:00:00Z")), &facts)
    };
    assert!(run("held", Some("active")).is_ok() && run("held", Some("expired")).is_ok());
    let refused = |mission: &str, delegation: Option<&str>| run(mission, delegation).unwrap_err().to_string();
    let cancelled = refused("cancelled", Some("active"));
    assert!(cancelled.contains("is cancelled; expected held") && cancelled.contains("art. 14"), "{cancelled}");
    let revoked = refused("held", Some("revoked"));
    assert!(revoked.contains("is revoked; expected active, expired") && revoked.contains("art. 14, § 2º"), "{revoked}");
    assert!(
        refused("held", None).contains("of the type representation.delegation"),
        "an annulled one stands for nothing"
    );
}
