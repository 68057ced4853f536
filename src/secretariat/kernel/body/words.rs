//! What the rules of a body refuse, with a code and the parts of its words in each language. Pure.

use std::fmt::Display;

use super::life::NotNow;
use super::rules::{NoDecision, NotAppointed, NotPresent};
use crate::refused::{Reason, Refused, Said};

/// What orders the phases of a meeting.
const RULES: &str = "Regimento interno do colegiado";

type Args = Vec<(&'static str, Said)>;

fn because(why: &impl Display, (code, args): (&'static str, Args), law: &str) -> Refused {
    let detail = if law.is_empty() { why.to_string() } else { format!("{why} ({law})") };
    Refused::Because(Box::new(Reason { code, detail, args, law: law.to_owned(), is_forbidden: false }))
}

fn number(number: u32) -> Said {
    Said::Text(number.to_string())
}

/// A vote that decides nothing, with the rules that it is held against.
pub fn no_decision(why: &NoDecision, law: &str) -> Refused {
    let said = match why {
        NoDecision::Quorum(quorum, fraction) => {
            let args = vec![
                ("present", number(quorum.present)),
                ("seats", number(quorum.seats)),
                ("needed", number(quorum.needed)),
                ("quorum", Said::Text(fraction.clone())),
            ];
            ("body-no-quorum", args)
        }
        NoDecision::Votes(votes, members) => {
            ("body-votes", vec![("votes", number(*votes)), ("members", number(*members))])
        }
        NoDecision::Casting => ("body-tie", Vec::new()),
        NoDecision::NoTie => ("body-no-tie", Vec::new()),
        NoDecision::NoCasting => ("body-no-casting", Vec::new()),
    };
    because(why, said, law)
}

/// Somebody who is not marked present.
pub fn not_present(why: NotPresent) -> Refused {
    let said = match why {
        NotPresent::Vacant(capacity) => {
            ("body-vacant", vec![("capacity", Said::Key(format!("sec-committees-capacity-{capacity}")))])
        }
        NotPresent::TitularIsThere => ("body-titular", Vec::new()),
        NotPresent::Elsewhere => ("body-elsewhere", Vec::new()),
    };
    because(&why, said, "")
}

/// Somebody who is not appointed, with the rules of the body.
pub fn not_appointed(why: &NotAppointed, law: &str) -> Refused {
    let held = |person: &str, from: chrono::NaiveDate, until: chrono::NaiveDate| {
        vec![("person", Said::Text(person.to_owned())), ("from", Said::Day(from)), ("until", Said::Day(until))]
    };
    let said = match why {
        NotAppointed::Taken(person, from, until) => ("body-taken", held(person, *from, *until)),
        NotAppointed::Elsewhere(person, from, until) => ("body-other-seat", held(person, *from, *until)),
        NotAppointed::TooOften(times, most) => ("body-again", vec![("times", number(*times)), ("most", number(*most))]),
    };
    because(why, said, law)
}

/// A meeting whose state does not allow it.
pub fn not_now(why: NotNow) -> Refused {
    let state = Said::Key(format!("sec-committees-state-{}", why.0.as_str().replace('_', "-")));
    because(&why, ("body-state", vec![("state", state)]), RULES)
}

#[cfg(test)]
mod tests {
    use super::super::Capacity;
    use super::super::life::{Act, State};
    use super::super::rules::Quorum;
    use super::*;
    use crate::i18n::Lang;

    #[test]
    fn every_refusal_has_words_in_both_languages() {
        let day = chrono::NaiveDate::from_ymd_opt(2026, 3, 4).unwrap();
        let quorum = Quorum { present: 2, seats: 5, needed: 3 };
        let all = [
            no_decision(&NoDecision::Quorum(quorum, "mais de 1/2".into()), "Lei 1/2026, art. 4"),
            no_decision(&NoDecision::Votes(4, 3), ""),
            no_decision(&NoDecision::Casting, ""),
            no_decision(&NoDecision::NoTie, ""),
            no_decision(&NoDecision::NoCasting, ""),
            not_present(NotPresent::Vacant(Capacity::Titular)),
            not_present(NotPresent::TitularIsThere),
            not_present(NotPresent::Elsewhere),
            not_appointed(&NotAppointed::Taken("Ana".into(), day, day), ""),
            not_appointed(&NotAppointed::Elsewhere("Ana".into(), day, day), ""),
            not_appointed(&NotAppointed::TooOften(2, 1), ""),
            not_now(NotNow(State::NoQuorum, Act::Close)),
        ];
        for refused in &all {
            let Refused::Because(reason) = refused else { panic!("{refused:?}") };
            assert!(Lang::Pt.knows(&reason.key()) && Lang::En.knows(&reason.key()), "{}", reason.key());
            for lang in [Lang::Pt, Lang::En] {
                let words = reason.words(lang);
                assert!(!words.contains('{') && !words.contains("sec-committees"), "{words}");
            }
        }
        let Refused::Because(first) = &all[0] else { panic!() };
        let words = first.words(Lang::Pt);
        assert!(words.contains("2 de 5") && words.ends_with("(Lei 1/2026, art. 4)"), "{words}");
        assert!(first.detail.starts_with("no quorum to decide: 2 of 5 seats present, 3 needed"), "{}", first.detail);
    }
}
