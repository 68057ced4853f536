use super::*;
use crate::dispatch::sms_text::Encoding;

const LEVELS: [Level; 4] = [Level::Observation, Level::Attention, Level::Alert, Level::Maximum];
const CODES: [&str; 15] = [
    "1.1.3.2.1",
    "1.2.1.0.0",
    "1.2.2.0.0",
    "1.2.3.0.0",
    "1.3.2.1.4",
    "1.3.3.1.0",
    "1.4.1.4.0",
    "1.3.2.1.5",
    "1.3.2.1.2",
    "1.3.2.1.3",
    "1.3.2.1.1",
    "1.3.3.2.1",
    "1.4.1.3.2",
    "2.4.2.0.0",
    "1.5.1.1.0",
];

fn templates() -> Templates {
    Templates::load(None).unwrap()
}

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|name| (*name).to_owned()).collect()
}

fn message<'a>(areas: &'a [String]) -> Message<'a> {
    Message {
        cobrade: "1.1.3.2.1".parse().unwrap(),
        level: Level::Maximum,
        kind: AlertKind::Alert,
        language: "pt-BR",
        area_names: areas,
        town: "Juiz de Fora",
        contact: "199",
        expires_local: "2026-02-24T03:40:00".parse().unwrap(),
        exercise: AlertStatus::Actual,
    }
}

#[test]
fn the_worst_alert_reads_like_this() {
    let areas = names(&["Bom Pastor"]);
    let texts = templates().render(&message(&areas));
    insta::assert_snapshot!(texts.headline, @"Risco muito alto de deslizamento em Bom Pastor");
    insta::assert_snapshot!(texts.description, @"A Defesa Civil de Juiz de Fora avisa: risco muito alto de deslizamento em Bom Pastor. O solo está encharcado e encostas podem cair sem avisar. Rachaduras novas, estalos, muros ou postes inclinados e água barrenta saindo do barranco são sinais de perigo. Este aviso vale até 03:40 de 24/02.");
    insta::assert_snapshot!(texts.sms, @"DEFESA CIVIL: risco muito alto de deslizamento em Bom Pastor. Saia agora e va para lugar seguro, longe do barranco. Emergencia 199");
    assert!(
        texts.instruction.starts_with("1. Saia de casa AGORA.") && texts.instruction.contains("Ligue 199")
            || texts.instruction.contains("ligue 199")
    );
}

#[test]
fn every_text_is_whole_short_and_in_one_sms() {
    let areas = names(&["Nossa Senhora Aparecida"]);
    let all = templates();
    for language in ["pt-BR", "en", "es"] {
        for code in CODES {
            for (level, kind) in LEVELS.into_iter().flat_map(|level| AlertKind::ALL.map(|kind| (level, kind))) {
                let told = Message { cobrade: code.parse().unwrap(), level, kind, language, ..message(&areas) };
                let texts = all.render(&told);
                let at = format!("{language} {code} {level} {kind}: {texts:#?}");
                assert!(texts.headline.chars().count() <= 140, "{at}");
                assert!(
                    [&texts.headline, &texts.description, &texts.instruction, &texts.sms]
                        .iter()
                        .all(|t| !t.contains(['{', '}'])),
                    "{at}"
                );
                assert!(
                    texts.instruction.lines().zip(1..).all(|(line, n)| line.starts_with(&format!("{n}. "))),
                    "{at}"
                );
                let length = measure(&texts.sms);
                assert_eq!((length.encoding, length.segments), (Encoding::Gsm7, 1), "{} units: {at}", length.units);
            }
        }
    }
}

#[test]
fn an_exercise_says_so_in_every_channel_and_in_every_language() {
    let areas = names(&["Bom Pastor"]);
    let all = templates();
    for (language, mark, sms_mark) in [
        ("pt-BR", "EXERCÍCIO - NÃO É REAL: ", "EXERCICIO - NAO E REAL: "),
        ("en", "EXERCISE - NOT REAL: ", "EXERCISE - NOT REAL: "),
        ("es", "SIMULACRO - NO ES REAL: ", "SIMULACRO - NO ES REAL: "),
    ] {
        let texts = all.render(&Message { exercise: AlertStatus::Exercise, language, ..message(&areas) });
        assert!([&texts.headline, &texts.description, &texts.instruction].iter().all(|text| text.starts_with(mark)));
        assert!(texts.sms.starts_with(sms_mark), "{}", texts.sms);
        assert_eq!(measure(&texts.sms).encoding, Encoding::Gsm7);
    }
    let test = all.render(&Message { exercise: AlertStatus::Test, ..message(&areas) });
    assert!(test.headline.starts_with("TESTE: Risco muito alto") && test.sms.starts_with("TESTE: DEFESA CIVIL"));
}

#[test]
fn a_mark_that_was_edited_away_comes_back_and_never_twice() {
    let all = templates();
    let once = all.marked(AlertStatus::Exercise, "pt-BR", "Risco alto");
    assert_eq!(once, "EXERCÍCIO - NÃO É REAL: Risco alto");
    assert_eq!(all.marked(AlertStatus::Exercise, "pt-BR", &once), once);
    assert_eq!(all.marked(AlertStatus::Actual, "pt-BR", "Risco alto"), "Risco alto");
    assert_eq!(all.marked_sms(AlertStatus::Test, "es", "DEFENSA CIVIL"), "PRUEBA: DEFENSA CIVIL");
}

#[test]
fn a_long_list_of_areas_is_shortened_and_counted() {
    let areas =
        names(&["Bom Pastor", "Santa Luzia", "Grajaú", "Linhares", "Vila Ideal", "São Bernardo", "Três Moinhos"]);
    let texts = templates().render(&message(&areas));
    assert_eq!(texts.headline, "Risco muito alto de deslizamento em Bom Pastor, Santa Luzia, Grajaú e mais 4 bairros");
    assert!(
        texts
            .description
            .contains("em Bom Pastor, Santa Luzia, Grajaú, Linhares, Vila Ideal, São Bernardo e Três Moinhos.")
    );
    assert!(texts.sms.contains("em Bom Pastor, Santa Luzia e mais 5 bairros. Saia agora"), "{}", texts.sms);
    assert_eq!(measure(&texts.sms).segments, 1);
}

#[test]
fn one_name_is_said_once_and_no_name_is_the_town() {
    let twice = names(&["Bom Pastor", "Bom Pastor"]);
    assert!(templates().render(&message(&twice)).headline.ends_with("em Bom Pastor"));
    assert!(templates().render(&message(&[])).headline.ends_with("em Juiz de Fora"));
}

#[test]
fn names_of_any_length_keep_headline_and_sms_within_bounds() {
    for length in [40, 90, 150, 400] {
        let long = "Vila ".repeat(length / 5);
        let areas = names(&[long.trim(), "Bom Pastor", "Santa Luzia"]);
        for exercise in [AlertStatus::Actual, AlertStatus::Exercise] {
            let texts = templates().render(&Message { exercise, ..message(&areas) });
            assert!(texts.headline.chars().count() <= 140, "{}", texts.headline);
            assert!(measure(&texts.sms).segments <= 2, "{}", texts.sms);
            assert!(texts.sms.ends_with("Emergencia 199"), "{}", texts.sms);
        }
    }
}

#[test]
fn an_unknown_language_falls_back_to_portuguese() {
    let areas = names(&["Bom Pastor"]);
    assert!(templates().render(&Message { language: "fr", ..message(&areas) }).headline.starts_with("Risco"));
}

#[test]
fn other_hazards_are_called_by_their_cobrade_name() {
    let areas = names(&["Centro"]);
    let told = Message { cobrade: "1.3.2.1.3".parse().unwrap(), level: Level::Alert, ..message(&areas) };
    assert_eq!(templates().render(&told).headline, "Risco alto de granizo em Centro");
}

#[test]
fn every_hazard_of_the_rules_that_come_with_the_service_has_words_of_its_own_in_every_language() {
    let rules = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/config/rules")).unwrap();
    let mut hazards = std::collections::BTreeSet::new();
    for path in rules.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "toml")) {
        let text = std::fs::read_to_string(&path).unwrap();
        let codes = text.lines().filter_map(|line| line.strip_prefix("hazard = \"")?.strip_suffix('"'));
        hazards.extend(codes.map(|code| code.parse::<Cobrade>().unwrap()));
    }
    assert!(hazards.len() >= 5, "{hazards:?}");
    let all = templates();
    for (language, file) in &all.by_language {
        for code in &hazards {
            assert_ne!(Hazard::of(*code), Hazard::Other, "{code}");
        }
        for hazard in Hazard::ALL {
            assert!(file.hazard.own(hazard).is_some(), "{language} {}", hazard.as_str());
        }
    }
}

#[test]
fn a_file_of_a_town_that_is_older_than_a_hazard_speaks_of_it_as_of_any_other() {
    let text = BUILT_IN[0].1;
    let (before, after) = (text.find("[hazard.heat]").unwrap(), text.find("[hazard.dry_air]").unwrap());
    let older = format!("{}{}", &text[..before], &text[after..]);
    let file = file::File::parse(Path::new("pt-BR.toml"), &older).unwrap();
    assert_eq!(file.hazard.of(Hazard::Heat).name, "{cobrade}");
}

/// A change to the Portuguese file, and what the reader says about it.
fn broken(from: &str, to: &str) -> String {
    let (name, text) = BUILT_IN[0];
    assert!(text.contains(from), "{from}");
    file::File::parse(Path::new(name), &text.replacen(from, to, 1)).unwrap_err().to_string()
}

#[test]
fn a_broken_file_is_named_with_its_key() {
    assert_eq!(
        broken("Fim do alerta de {hazard}", "Fim do alerta de {hazzard}"),
        "pt-BR.toml: key `headline.all_clear`: placeholder {hazzard} is unknown here; known: {risk}, {hazard}, {areas}, {town}"
    );
    assert_eq!(broken("maximum = \"risco muito alto\"", ""), "pt-BR.toml: key `risk`: missing field `maximum`");
    assert_eq!(broken("\"risco muito alto\"", "\" \""), "pt-BR.toml: key `risk.maximum`: is empty");
    assert!(broken("observation = \"possibilidade\"", "observacao = \"x\"").contains("key `risk.observacao`"));
    assert!(broken("name = \"alagamento\"", "name = \"{alagamento\"").contains("hazard.waterlogging.name`: has a {"));
    assert!(broken("%H:%M de", "%! de").contains("key `until`"));
    assert!(broken("DEFESA CIVIL: {risk} de", "⚠ {risk} de").contains("key `sms.alert`: ['⚠']"));
    for tag in ["gun", "pt_BR", "PT-BR", "p", "pt-br", "pt-BR-x"] {
        let told = broken("language = \"pt-BR\"", &format!("language = \"{tag}\""));
        assert!(told.contains("key `language`") && told.contains(tag), "{told}");
    }
    assert!(broken("[mark]", "[mark").starts_with("pt-BR.toml: key `(syntax)`"));
}

#[test]
fn a_folder_replaces_a_language_whole() {
    let dir = std::env::temp_dir().join(format!("sentinela-templates-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let text = BUILT_IN[1].1.replace("CIVIL DEFENSE:", "TOWN HALL:");
    std::fs::write(dir.join("en.toml"), text).unwrap();
    let areas = names(&["Centro"]);
    let all = Templates::load(Some(&dir)).unwrap();
    let english = all.render(&Message { language: "en", ..message(&areas) });
    assert!(english.sms.starts_with("TOWN HALL:"));
    assert!(all.render(&message(&areas)).sms.starts_with("DEFESA CIVIL:"));
    std::fs::write(dir.join("fr.toml"), "language = \"fr\"").unwrap();
    let error = Templates::load(Some(&dir)).unwrap_err().to_string();
    assert!(error.contains("fr.toml") && error.contains("missing field"), "{error}");
    std::fs::remove_dir_all(&dir).unwrap();
    assert!(matches!(Templates::load(Some(&dir)), Err(TemplateError::Read { .. })));
}

#[test]
fn a_name_with_braces_changes_nothing_else() {
    let areas = names(&["Setor {risk}"]);
    assert!(templates().render(&message(&areas)).headline.ends_with("em Setor {risk}"));
}
