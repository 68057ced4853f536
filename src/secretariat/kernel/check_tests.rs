use super::*;

const GOOD: &str = r#"module = "assignments"
key = "assignments.sample"
version = 1
title = { pt = "Exemplo", en = "Sample" }
law_ref = "Lei 1"
access = "internal"
[[field]]
key = "note"
label = { pt = "Nota", en = "Note" }
kind = "line"
public = true
[[state]]
key = "open"
label = { pt = "Aberto", en = "Open" }
[[state]]
key = "done"
label = { pt = "Feito", en = "Done" }
final = true
[[transition]]
key = "finish"
label = { pt = "Encerrar", en = "Finish" }
from = ["open"]
to = "done"
asks = ["note"]
[public]
states = ["done"]
fields = ["note"]
"#;

fn faults(text: &str) -> Vec<String> {
    match read("x.toml", text, &|code| code == "assignments.due") {
        Ok(_) => Vec::new(),
        Err(faults) => faults.iter().map(ToString::to_string).collect(),
    }
}

fn changed(from: &str, to: &str) -> Vec<String> {
    assert!(GOOD.contains(from), "{from}");
    faults(&GOOD.replacen(from, to, 1))
}

#[test]
fn a_whole_definition_has_no_fault() {
    assert_eq!(faults(GOOD), Vec::<String>::new());
}

#[test]
fn every_fault_is_told_with_its_line_and_column() {
    let unreachable = changed(
        "[[transition]]",
        "[[state]]\nkey = \"lost\"\nlabel = { pt = \"a\", en = \"a\" }\nfinal = true\n[[transition]]",
    );
    assert_eq!(unreachable, ["x.toml:20:7: the state \"lost\" is never reached from \"open\""]);
    let stuck = changed("final = true\n", "");
    assert!(
        stuck.iter().any(|fault| fault.starts_with("x.toml:16:7: nothing leads out of the state \"done\"")),
        "{stuck:?}"
    );
    assert_eq!(
        changed("to = \"done\"", "to = \"gone\"").first().unwrap(),
        "x.toml:16:7: the state \"done\" is never reached from \"open\""
    );
    assert_eq!(changed("asks = [\"note\"]", "asks = [\"memo\"]"), ["x.toml:24:9: unknown field \"memo\""]);
    assert_eq!(
        changed("asks = [\"note\"]", "roles = [\"king\"]"),
        ["x.toml:24:10: unknown role \"king\"; expected a role of staff, or owner, author, citizen, service"]
    );
    let guard = changed("asks = [\"note\"]", "guards = [{ name = \"moon_is_full\" }]");
    assert!(guard[0].starts_with("x.toml:24:20: unknown guard \"moon_is_full\""), "{guard:?}");
    let code = changed("asks = [\"note\"]", "deadlines = [{ do = \"start\", code = \"no.such\" }]");
    assert_eq!(code, ["x.toml:24:37: no rule of a deadline has the code \"no.such\""]);
    let document = changed("asks = [\"note\"]", "needs = { documents = [\"proof\"] }");
    assert_eq!(document, ["x.toml:24:24: unknown document \"proof\""]);
    let twice = changed(
        "[[state]]",
        "[[field]]\nkey = \"note\"\nlabel = { pt = \"N\", en = \"N\" }\nkind = \"line\"\n[[state]]",
    );
    assert_eq!(twice, ["x.toml:13:7: field \"note\" stands here twice"]);
}

#[test]
fn what_the_service_does_by_itself_is_nobody_elses() {
    for roles in ["", "roles = [\"assignments\"]\n", "roles = [\"service\", \"assignments\"]\n"] {
        let found = changed("asks = [\"note\"]", &format!("{roles}automatic = \"assignments.due\""));
        assert!(found.iter().any(|fault| fault.contains("expected roles = [\"service\"]")), "{roles}: {found:?}");
    }
    let by_itself = "roles = [\"service\"]\nautomatic = \"assignments.due\"";
    assert_eq!(changed("asks = [\"note\"]", by_itself), Vec::<String>::new());
}

#[test]
fn what_is_personal_is_never_public_and_a_version_is_always_told() {
    let personal = changed("public = true", "public = true\npersonal = true");
    assert!(personal[0].starts_with("x.toml:8:7: a field that is personal is never public"), "{personal:?}");
    assert!(changed("public = true\n", "")[0].contains("is not marked public"));
    let open = changed("public = true", "public = true\nsecret = true");
    assert!(open[0].starts_with("x.toml:8:7: what is secret is personal or restricted too"), "{open:?}");
    assert!(changed("version = 1\n", "")[0].contains("missing field `version`"));
    assert!(changed("version = 1", "version = 0")[0].starts_with("x.toml:3:11: expected a version from 1"));
    assert!(
        changed("access = \"internal\"", "acess = \"internal\"")[0].starts_with("x.toml:6:1: unknown field `acess`")
    );
}

#[test]
fn a_type_that_opens_another_gives_it_what_it_requires() {
    let spawning =
        GOOD.replacen("asks = [\"note\"]", "asks = [\"note\"]\nspawns = { type = \"assignments.other\" }", 1);
    let other = GOOD.replacen("assignments.sample", "assignments.other", 1).replacen(
        "kind = \"line\"",
        "kind = \"line\"\nrequired = true",
        1,
    );
    let read = |text: &str| (String::from("x.toml"), text.to_owned(), super::read("x.toml", text, &|_| true).unwrap());
    let alone = BTreeMap::from([("assignments.sample".to_owned(), read(&spawning))]);
    assert_eq!(across(&alone)[0].to_string(), "x.toml:25:19: unknown type \"assignments.other\"");
    let both = BTreeMap::from([
        ("assignments.sample".to_owned(), read(&spawning)),
        ("assignments.other".to_owned(), read(&other)),
    ]);
    assert!(across(&both)[0].message.contains("requires the field \"note\""));
}

#[test]
fn what_recuses_is_never_public_and_what_is_computed_comes_of_whole_numbers() {
    let has = |faults: &[String], part: &str| assert!(faults.iter().any(|fault| fault.contains(part)), "{faults:?}");
    has(&changed("public = true", "public = true\nrecuses = true"), "what recuses is a line of user names");
    let score = "[[field]]\nkey = \"score\"\nlabel = { pt = \"a\", en = \"a\" }\nkind = \"integer\"\nlater = true\ncomputed = { product = [\"note\"] }\n[[state]]";
    has(&changed("[[state]]", score), "expected a field of a whole number, not \"note\"");
    has(&changed("[[state]]", &score.replace("later = true\n", "")), "filled in later");
    has(&changed("fields = [\"note\"]", "fields = [\"note\"]\ntitle = \"lost\""), "marked public, not \"lost\"");
}

#[test]
fn a_series_counts_one_type_alone() {
    let counted = |key: &str, prefix: &str| {
        let access = format!("access = \"internal\"\nseries = {{ prefix = \"{prefix}\" }}");
        let text = GOOD.replacen("assignments.sample", key, 1).replacen("access = \"internal\"", &access, 1);
        let def = super::read("x.toml", &text, &|_| true).unwrap();
        (key.to_owned(), (String::from("x.toml"), text, def))
    };
    let two =
        |prefix: &str| BTreeMap::from([counted("assignments.other", "AAA"), counted("assignments.sample", prefix)]);
    assert_eq!(across(&two("BBB")).len(), 0);
    assert_eq!(
        across(&two("AAA"))[0].to_string(),
        "x.toml:7:21: the series \"AAA\" is that of assignments.other already"
    );
}

#[test]
fn what_is_held_against_the_plan_is_told_by_two_words_and_of_a_line() {
    let options = r#"options = [{ key = "in_plan", label = { pt = "Sim", en = "Yes" } }, { key = "no_plan", label = { pt = "Não há", en = "None" } }]"#;
    let field = |options: &str, plan: &str| {
        let label = "label = { pt = \"Conferência\", en = \"Check\" }";
        format!(
            "[[field]]\nkey = \"seen\"\n{label}\nkind = \"choice\"\nlater = true\n{options}\ncomputed = {{ plan = \"{plan}\" }}\n[[state]]"
        )
    };
    assert_eq!(faults(&GOOD.replacen("[[state]]", &field(options, "note"), 1)), Vec::<String>::new());
    let other = faults(&GOOD.replacen("[[state]]", &field(options, "memo"), 1));
    assert!(other.iter().any(|fault| fault.contains("expected a field of a line")), "{other:?}");
    let one = options.replace("no_plan", "none");
    let one = faults(&GOOD.replacen("[[state]]", &field(&one, "note"), 1));
    assert!(one.iter().any(|fault| fault.contains("in_plan and no_plan")), "{one:?}");
}
