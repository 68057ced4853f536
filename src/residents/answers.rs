//! What a telephone is answered, in Portuguese and in one message each: who writes from a cheap telephone pays for none of the rest. Pure.

use crate::dispatch::sms_text::{measure, transliterate};
use crate::i18n::Lang;

/// An answer. Places are in words: a CEP, an address, "casa".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Everything that the telephone is warned for now.
    Subscribed(Vec<String>),
    /// The same, and the CEPs that nobody here knows.
    SubscribedBut(Vec<String>, Vec<String>),
    Already(Vec<String>),
    Unknown(Vec<String>),
    Full,
    List(Vec<String>),
    ListNone,
    LeftAll(Vec<String>),
    /// What was left, and what stays.
    Left(Vec<String>, Vec<String>),
    NotThere(Vec<String>, Vec<String>),
    NotSubscribed,
    /// It is told for an institution, and only staff end that.
    Institution(String),
    Help,
    Unclear(Vec<String>),
    WrongCep,
}

/// Who answers, and where more is found.
#[derive(Clone, Copy, Debug)]
pub struct From<'a> {
    pub authority: &'a str,
    pub contact: &'a str,
    /// Of the page on which an address can be given.
    pub page: &'a str,
    /// Places that one telephone may have.
    pub most_places: i64,
}

/// The text, in letters that one message of 160 holds. Of a list as much is told as there is room for.
pub fn words(answer: &Answer, from: From<'_>) -> String {
    let pt = Lang::Pt;
    let one = |key: &str, places: &[String]| fitted(places, |list| pt.t1(key, "places", list));
    let two = |key: &str, name: &'static str, value: &str, places: &[String]| {
        fitted(places, |list| pt.t2(key, "places", list, name, value))
    };
    let both = |key: &str, places: &[String], rest: &[String]| {
        fitted(rest, |rest| fitted(places, |list| pt.t2(key, "places", list, "rest", rest)))
    };
    match answer {
        Answer::Subscribed(places) => {
            let named = two("sms-subscribed", "authority", from.authority, places);
            if is_one(&named) { named } else { one("sms-subscribed-short", places) }
        }
        Answer::SubscribedBut(places, unknown) => both("sms-subscribed-but", places, unknown),
        Answer::Already(places) => one("sms-already", places),
        Answer::Unknown(places) => {
            let paged = two("sms-unknown", "page", from.page, places);
            if is_one(&paged) { paged } else { two("sms-unknown-short", "contact", from.contact, places) }
        }
        Answer::Full => cut(pt.t1("sms-full", "n", from.most_places)),
        Answer::List(places) => one("sms-list", places),
        Answer::ListNone => cut(pt.t("sms-list-none")),
        Answer::LeftAll(places) if places.is_empty() => cut(pt.t("sms-left-everything")),
        Answer::LeftAll(places) => one("sms-left-all", places),
        Answer::Left(gone, rest) => both("sms-left", gone, rest),
        Answer::NotThere(wanted, rest) => both("sms-not-there", wanted, rest),
        Answer::NotSubscribed => cut(pt.t("sms-not-subscribed")),
        Answer::Institution(name) => {
            let name: String = name.chars().take(40).collect();
            cut(pt.t2("sms-institution", "institution", &name, "contact", from.contact))
        }
        Answer::Help => cut(pt.t1("sms-help", "contact", from.contact)),
        Answer::Unclear(places) if places.is_empty() => cut(pt.t1("sms-unclear-leave", "contact", from.contact)),
        Answer::Unclear(places) => two("sms-unclear", "contact", from.contact, places),
        Answer::WrongCep => cut(pt.t1("sms-wrong-cep", "contact", from.contact)),
    }
}

fn is_one(text: &str) -> bool {
    let length = measure(text);
    length.forcing.is_empty() && length.segments == 1
}

/// With as many of the items as there is room for, and how many more there are.
fn fitted(items: &[String], text: impl Fn(&str) -> String) -> String {
    for shown in (1..=items.len()).rev() {
        let mut list = items[..shown].join(", ");
        if shown < items.len() {
            list.push_str(&format!(" e mais {}", items.len() - shown));
        }
        let told = transliterate(&text(&list));
        if is_one(&told) {
            return told;
        }
    }
    transliterate(&text(&items.len().to_string()))
}

/// Nobody pays for a second message: what a long name of a town leaves no room for is left out.
fn cut(text: String) -> String {
    let mut text = transliterate(&text);
    text.retain(|letter| measure(&letter.to_string()).forcing.is_empty());
    while measure(&text).segments > 1 {
        text.pop();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every() -> Vec<Answer> {
        let some = |n: usize| -> Vec<String> { (0..n).map(|n| format!("3601{n}-000")).collect() };
        let mut all = vec![
            Answer::Full,
            Answer::ListNone,
            Answer::NotSubscribed,
            Answer::Help,
            Answer::WrongCep,
            Answer::Institution("Escola Municipal Professora Maria das Dores de Souza".to_owned()),
            Answer::LeftAll(Vec::new()),
            Answer::Unclear(Vec::new()),
            Answer::List(vec!["Rua Doutor Constantino Paleta, 1.234, apto 12".to_owned(); 6]),
        ];
        for n in [1, 2, 10] {
            all.extend([
                Answer::Subscribed(some(n)),
                Answer::SubscribedBut(some(n), some(n)),
                Answer::Already(some(n)),
                Answer::Unknown(some(n)),
                Answer::List(some(n)),
                Answer::LeftAll(some(n)),
                Answer::Left(some(n), some(n)),
                Answer::NotThere(some(n), some(n)),
                Answer::Unclear(some(n)),
            ]);
        }
        all
    }

    #[test]
    fn every_answer_is_one_message_of_seven_bit_letters() {
        for (authority, page) in [
            ("Defesa Civil de Juiz de Fora", "https://alertas.pjf.mg.gov.br/cadastro"),
            (
                "Coordenadoria Municipal de Proteção e Defesa Civil de São José do Vale do Rio Preto",
                "https://x.invalid/cadastro",
            ),
        ] {
            for answer in every() {
                let from = From { authority, contact: "(24) 2224-0000", page, most_places: 10 };
                let text = words(&answer, from);
                let length = measure(&text);
                assert!(length.segments == 1 && length.forcing.is_empty(), "{answer:?}: {} {text}", length.units);
            }
        }
    }

    #[test]
    fn a_long_list_says_how_much_of_it_is_missing() {
        let places: Vec<String> = (10..40).map(|n| format!("360{n}-000")).collect();
        let from = From { authority: "DC", contact: "199", page: "https://x.invalid/cadastro", most_places: 10 };
        assert!(words(&Answer::List(places), from).contains(" e mais "));
    }
}
