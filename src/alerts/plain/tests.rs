use chrono::NaiveDateTime;

use super::*;
use crate::alerts::templates::{Message, Templates};
use crate::config::AlertStatus;
use crate::units::Level;

fn texts<'a>(places: &'a [String]) -> Texts<'a> {
    Texts {
        language: "pt-BR",
        kind: AlertKind::Alert,
        headline: "Risco alto de deslizamento em Bom Pastor",
        description: "A Defesa Civil avisa: risco alto de deslizamento em Bom Pastor. Este aviso vale até 18:30.",
        instruction: "1. Saia da área de risco.\n2. Ligue 199.",
        sms: "DEFESA CIVIL: risco de deslizamento em Bom Pastor. Saia agora. Ligue 199",
        hazard: "deslizamento",
        places,
        town: "Juiz de Fora",
        authority: "Defesa Civil de Juiz de Fora",
        national: false,
    }
}

fn places() -> Vec<String> {
    vec!["Bom Pastor".to_owned()]
}

fn rules(review: &Review, weight: Weight) -> Vec<(Field, Rule, &str)> {
    let of = |finding: &'_ Finding| finding.weight == weight;
    review.findings.iter().filter(|f| of(f)).map(|f| (f.field, f.rule, f.found.as_str())).collect()
}

#[test]
fn each_question_is_answered_by_the_words_that_stand_there() {
    let places = places();
    let review = review(&texts(&places));
    let sms: Vec<_> = review.answers.iter().map(|answer| answer.sms.as_deref()).collect();
    assert_eq!(sms, [Some("DEFESA CIVIL"), Some("deslizamento"), Some("Bom Pastor"), Some("agora"), Some("Saia")]);
    assert_eq!(review.answers[3].page.as_deref(), Some("18:30"));
    assert_eq!(review.findings, []);
}

#[test]
fn what_is_not_said_is_told_loudly_and_blocks_nothing() {
    let places = places();
    let found = review(&Texts { sms: "Choveu muito por toda parte", ..texts(&places) });
    let warned = rules(&found, Weight::Warns);
    let missing = [Rule::MissingWho, Rule::MissingWhat, Rule::MissingWhere, Rule::MissingAct];
    assert_eq!(warned, missing.map(|rule| (Field::Sms, rule, "")), "{found:#?}");
    assert_eq!(rules(&found, Weight::Hint), [(Field::Sms, Rule::MissingWhen, "")]);
    assert_eq!(found.count(Weight::Blocks), 0);
}

#[test]
fn an_empty_text_blocks_and_is_not_told_twice() {
    let places = places();
    let found = review(&Texts { instruction: " \n", ..texts(&places) });
    assert_eq!(rules(&found, Weight::Blocks), [(Field::Instruction, Rule::Empty, "")]);
    assert!(!found.findings.iter().any(|finding| finding.rule == Rule::MissingAct), "{found:#?}");
}

#[test]
fn words_of_the_trade_come_with_easier_ones() {
    let places = places();
    let description = "A Defesa Civil informa: alta pluviometria (90 mm) e risco de deslizamento translacional no talude de Bom Pastor até 18h. \
                       Evacuem conforme o CEMADEN e o PPDC.";
    let found = review(&Texts { description, ..texts(&places) });
    let words: Vec<_> = found
        .findings
        .iter()
        .filter(|finding| finding.rule == Rule::Jargon)
        .map(|finding| (finding.found.as_str(), finding.suggestion.as_str()))
        .collect();
    assert_eq!(
        words,
        [
            ("Evacuem", "saia de casa"),
            ("pluviometria", "chuva"),
            ("deslizamento translacional", "deslizamento de terra"),
            ("talude", "barranco")
        ]
    );
    let acronyms: Vec<_> =
        found.findings.iter().filter(|f| f.rule == Rule::Acronym).map(|f| f.found.as_str()).collect();
    assert_eq!(acronyms, ["CEMADEN", "PPDC"]);
    assert_eq!(rules(&found, Weight::Hint), [(Field::Description, Rule::Measure, "90 mm")]);
}

#[test]
fn what_is_spelt_out_and_what_everybody_knows_is_no_riddle() {
    let places = places();
    let description = "A Defesa Civil avisa com o INMET (Instituto Nacional de Meteorologia): deslizamento em Bom Pastor AGORA. Ligue SAMU 192 \
                       ou mande SMS. NÃO volte.";
    let found = review(&Texts { description, ..texts(&places) });
    assert_eq!(found.findings, []);
}

#[test]
fn a_word_is_found_whole_whatever_its_accents_and_capitals() {
    let folded = Folded::of("INUNDAÇÃO: Jája, evacuação já.");
    assert_eq!(folded.find("inundacao").map(|at| folded.shown(at)).as_deref(), Some("INUNDAÇÃO"));
    assert_eq!(folded.find("ja").map(|at| folded.shown(at)).as_deref(), Some("já"));
    assert_eq!(folded.find("evacu*").map(|at| folded.shown(at)).as_deref(), Some("evacuação"));
    assert_eq!(folded.find("cuação"), None);
    assert_eq!(folded.find(""), None);
}

#[test]
fn hours_and_dates_answer_when_and_telephones_do_not() {
    let time = |text: &str| Folded::of(text).time();
    assert_eq!(time("vale ate 18h").as_deref(), Some("18h"));
    assert_eq!(time("ate 24/02").as_deref(), Some("24/02"));
    assert_eq!(time("until 6pm.").as_deref(), Some("6pm"));
    assert_eq!(time("Ligue 199 ou 3690-7303; 1,5 m"), None);
}

#[test]
fn long_sentences_steps_and_messages_are_told() {
    let places = places();
    let long = format!("1. Saia {}de casa.", "com toda a sua família e ".repeat(8));
    let many = (1..=9).map(|n| format!("{n}. Saia.")).collect::<Vec<_>>().join("\n");
    let instruction = format!("{many}\n{long}\n10. Rua alagada");
    let sms = format!(
        "DEFESA CIVIL: deslizamento em Bom Pastor. Saia agora. {} https://x.example",
        "Fique em casa. ".repeat(20)
    );
    let found = review(&Texts { instruction: &instruction, sms: &sms, ..texts(&places) });
    let is = |rule: Rule| found.findings.iter().any(|finding| finding.rule == rule);
    for rule in [Rule::LongSentence, Rule::LongStep, Rule::ManySteps, Rule::StepWithoutVerb, Rule::LongSms, Rule::Link]
    {
        assert!(is(rule), "{rule} {found:#?}");
    }
    assert!(!is(Rule::Shouting));
    let shouted = review(&Texts { headline: "RISCO ALTO DE DESLIZAMENTO EM BOM PASTOR AGORA", ..texts(&places) });
    assert_eq!(rules(&shouted, Weight::Hint).first().map(|hint| hint.1), Some(Rule::Shouting));
}

#[test]
fn a_list_of_places_makes_no_sentence_long_and_words_around_it_do() {
    let places: Vec<String> = (1..=20).map(|n| format!("Bairro das Flores {n}")).collect();
    let long = |beside: &str| {
        let description = format!("A Defesa Civil avisa: deslizamento {beside}em {}. Vale até 18h.", places.join(", "));
        let found = review(&Texts { description: &description, ..texts(&places) }).findings;
        found.iter().any(|finding| finding.rule == Rule::LongSentence)
    };
    assert!(!long(""));
    assert!(long(&"que pode ainda vir a acontecer ".repeat(5)));
}

#[test]
fn an_all_clear_has_no_end_to_tell() {
    let places = places();
    let description = "A Defesa Civil informa: terminou o alerta de deslizamento em Bom Pastor.";
    let told = Texts {
        kind: AlertKind::AllClear,
        description,
        instruction: "1. Ligue 199.",
        sms: "DEFESA CIVIL: fim do alerta de deslizamento em Bom Pastor. Ligue 199",
        ..texts(&places)
    };
    assert_eq!(review(&told).findings, []);
}

/// What the service proposes itself must pass its own checks.
#[test]
fn every_text_that_comes_with_the_service_is_plain() {
    let templates = Templates::load(None).unwrap();
    let expires_local: NaiveDateTime = "2026-02-24T03:40:00".parse().unwrap();
    let places = places();
    let codes = [
        "1.1.3.2.1",
        "1.2.1.0.0",
        "1.2.2.0.0",
        "1.2.3.0.0",
        "1.3.2.1.4",
        "1.3.3.1.0",
        "1.4.1.4.0",
        "1.3.2.1.5",
        "1.3.2.1.2",
    ];
    for (language, code, level, kind) in ["pt-BR", "en", "es"].into_iter().flat_map(|language| {
        let levels = [Level::Observation, Level::Attention, Level::Alert, Level::Maximum];
        codes.into_iter().flat_map(move |code| {
            levels.into_iter().flat_map(move |level| AlertKind::ALL.map(|kind| (language, code, level, kind)))
        })
    }) {
        let message = Message {
            cobrade: code.parse().unwrap(),
            level,
            kind,
            language,
            area_names: &places,
            town: "Juiz de Fora",
            contact: "199",
            expires_local,
            exercise: AlertStatus::Actual,
        };
        let made = templates.render(&message);
        let hazard = templates.hazard_name(message.cobrade, language);
        let found = review(&Texts {
            language,
            kind,
            headline: &made.headline,
            description: &made.description,
            instruction: &made.instruction,
            sms: &made.sms,
            hazard: &hazard,
            ..texts(&places)
        });
        let heavy: Vec<_> = found.findings.iter().filter(|finding| finding.weight != Weight::Hint).collect();
        assert!(heavy.is_empty(), "{language} {code} {level} {kind}: {heavy:#?}\n{made:#?}");
    }
}
