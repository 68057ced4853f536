//! Values of fields: read from what a form or a program gives, judged, and shown. Pure.

use serde_json::{Map, Value};

use super::define::{CaseType, Field};
use super::money::Centavos;
use super::{CaseFile, FieldKind, Fields};
use crate::exercises::plan::text as judge_text;
use crate::refused::{FieldError, shorten};

/// Characters of a text, unless its field says another number.
const LONG: i64 = 8000;
const SHORT: i64 = 300;
const NO_ENTRY: &str = "expected the id of an entry of the registry";
/// Centavos: ten thousand million reais.
const MOST_MONEY: i64 = 1_000_000_000_000;

fn wrong(field: &str, value: &str, message: impl Into<String>) -> FieldError {
    FieldError { field: field.to_owned(), value: shorten(value), message: message.into() }
}

/// Reads what was given for the fields named; empty takes a field away. What is not named is refused.
///
/// # Errors
/// Every field that is wrong.
pub fn read(
    of: &CaseType,
    given: &Map<String, Value>,
    asked: &dyn Fn(&Field) -> bool,
) -> Result<Fields, Vec<FieldError>> {
    let mut fields = Fields::new();
    let mut errors = Vec::new();
    for (key, value) in given {
        let name = format!("fields.{key}");
        match of.field(key) {
            Some(field) if asked(field) => match one(field, value, &name) {
                Ok(value) => {
                    fields.insert(key.clone(), value.unwrap_or(Value::Null));
                }
                Err(error) => errors.push(error),
            },
            Some(_) => errors.push(wrong(&name, &said(value), "is not filled in here")),
            None => errors.push(wrong(&name, &said(value), format!("the type {} has no such field", of.key()))),
        }
    }
    if errors.is_empty() { Ok(fields) } else { Err(errors) }
}

fn said(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// One value; none when it is empty.
fn one(field: &Field, value: &Value, name: &str) -> Result<Option<Value>, FieldError> {
    let text = match value {
        Value::Null => return Ok(None),
        Value::String(text) if text.trim().is_empty() => return Ok(None),
        Value::String(text) => text.trim().to_owned(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        _ => return Err(wrong(name, "", "expected a text, a number, true or false")),
    };
    let bad = |message: String| wrong(name, &text, message);
    Ok(Some(match field.kind {
        FieldKind::Line | FieldKind::Person | FieldKind::Organisation | FieldKind::Department => {
            worded(name, &text, field.max.unwrap_or(SHORT), true)?
        }
        FieldKind::Text => worded(name, &text, field.max.unwrap_or(LONG), false)?,
        FieldKind::Choice => {
            let keys: Vec<&str> = field.options.iter().map(|option| option.key.get_ref().as_str()).collect();
            if !keys.contains(&text.as_str()) {
                return Err(bad(format!("expected one of {}", keys.join(", "))));
            }
            Value::String(text)
        }
        FieldKind::Date => {
            let day: chrono::NaiveDate = text.parse().map_err(|_| bad("expected a day, as 2026-03-31".into()))?;
            if !(1900..=2200).contains(&chrono::Datelike::year(&day)) {
                return Err(bad("expected a day of the years 1900 to 2200".into()));
            }
            Value::String(day.to_string())
        }
        FieldKind::Money => {
            let centavos = match value {
                Value::Number(number) => number.as_i64(),
                _ => centavos(&text),
            };
            let centavos = centavos.filter(|amount| (0..=field.max.unwrap_or(MOST_MONEY)).contains(amount));
            centavos.ok_or_else(|| bad("expected an amount, as 1234,56 in a text or 123456 centavos".into()))?.into()
        }
        FieldKind::Integer => {
            let most = field.max.unwrap_or(i64::from(i32::MAX));
            let number = text.parse::<i64>().ok().filter(|number| (0..=most).contains(number));
            number.ok_or_else(|| bad(format!("expected a whole number from 0 to {most}")))?.into()
        }
        FieldKind::YesNo => match text.as_str() {
            "true" | "yes" | "sim" => true.into(),
            "false" | "no" | "não" => false.into(),
            _ => return Err(bad("expected true or false".into())),
        },
        FieldKind::Url => {
            let is_good = (text.starts_with("https://") || text.starts_with("http://"))
                && text.len() <= 1000
                && !text.chars().any(|c| c.is_whitespace() || c.is_control());
            if !is_good {
                return Err(bad("expected an address that begins with https:// or http://".into()));
            }
            Value::String(text)
        }
        FieldKind::UrnLex if !is_urn(&text) => {
            let form = "expected a LexML name, as urn:lex:br;minas.gerais;juiz.de.fora:municipal:lei:2026-01-05;100";
            return Err(bad(form.into()));
        }
        FieldKind::Email if !is_email(&text) => return Err(bad("expected an e-mail address".into())),
        FieldKind::Phone if !is_phone(&text) => {
            return Err(bad("expected a telephone with its area, as +5532999990000".into()));
        }
        FieldKind::Cpf => Value::String(cpf(&text).ok_or_else(|| bad("expected a CPF with its check digits".into()))?),
        FieldKind::Cnpj => {
            Value::String(cnpj(&text).ok_or_else(|| bad("expected a CNPJ with its check digits".into()))?)
        }
        FieldKind::Registry => Value::String(entry_id(&text).ok_or_else(|| bad(NO_ENTRY.into()))?),
        FieldKind::UrnLex | FieldKind::Email | FieldKind::Phone => Value::String(text),
    }))
}

/// The id of an entry of the registry, as it is always written.
fn entry_id(text: &str) -> Option<String> {
    text.parse::<uuid::Uuid>().ok().map(|id| id.to_string())
}

fn worded(name: &str, text: &str, most: i64, one_line: bool) -> Result<Value, FieldError> {
    let mut problems = Vec::new();
    judge_text(&mut problems, name, text, 1, usize::try_from(most).unwrap_or(usize::MAX), one_line);
    match problems.pop() {
        Some(problem) => Err(problem),
        None => Ok(Value::String(text.to_owned())),
    }
}

/// "1.234,56" or "1234.56" or "1234" in centavos. "1.5" is none of them: it is never guessed what a point means.
pub fn centavos(text: &str) -> Option<i64> {
    let machine = Centavos::from_machine(text.trim()).ok();
    machine.or_else(|| text.parse().ok()).map(|amount: Centavos| amount.0).filter(|amount| *amount >= 0)
}

fn digits(text: &str) -> Vec<u32> {
    text.chars().filter_map(|letter| letter.to_digit(10)).collect()
}

fn is_marked(text: &str) -> bool {
    text.chars().all(|letter| letter.is_ascii_digit() || ".-/ ".contains(letter))
}

/// The eleven digits, when the check digits fit.
pub fn cpf(text: &str) -> Option<String> {
    let all = digits(text);
    if !is_marked(text) || all.len() != 11 || all.iter().all(|digit| *digit == all[0]) {
        return None;
    }
    let sum = |n: usize| {
        let sum: u32 = all[..n].iter().zip((2..=u32::try_from(n).unwrap_or(0) + 1).rev()).map(|(a, b)| a * b).sum();
        (sum * 10 % 11) % 10
    };
    (sum(9) == all[9] && sum(10) == all[10]).then(|| all.iter().map(ToString::to_string).collect())
}

/// The fourteen digits, when the check digits fit.
pub fn cnpj(text: &str) -> Option<String> {
    const WEIGHTS: [u32; 13] = [6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2];
    let all = digits(text);
    if !is_marked(text) || all.len() != 14 || all.iter().all(|digit| *digit == all[0]) {
        return None;
    }
    let check = |n: usize| {
        let sum: u32 = all[..n].iter().zip(&WEIGHTS[13 - n..]).map(|(a, b)| a * b).sum();
        if sum % 11 < 2 { 0 } else { 11 - sum % 11 }
    };
    (check(12) == all[12] && check(13) == all[13]).then(|| all.iter().map(ToString::to_string).collect())
}

fn is_urn(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("urn:lex:br") else { return false };
    let is_good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".;:-@!~".contains(c);
    text.len() <= 300 && rest.chars().all(is_good) && rest.split(':').count() >= 4
}

pub fn is_email(text: &str) -> bool {
    let Some((name, host)) = text.rsplit_once('@') else { return false };
    let is_good = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_graphic() && !"@<>,;\"".contains(c));
    text.len() <= 254 && is_good(name) && is_good(host) && host.contains('.')
}

fn is_phone(text: &str) -> bool {
    let number = text.strip_prefix('+').unwrap_or(text);
    (10..=15).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// "***.456.789-**": what the public may see of a CPF.
pub fn mask_cpf(text: &str) -> String {
    let all: String = text.chars().filter(char::is_ascii_digit).collect();
    match (all.get(3..6), all.get(6..9)) {
        (Some(a), Some(b)) if all.len() == 11 => format!("***.{a}.{b}-**"),
        _ => "***".into(),
    }
}

/// Every run in a text that is a CPF by its check digits, masked: nobody sees it because somebody wrote it into a free text.
pub fn mask_text(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    while at < letters.len() {
        let starts = letters[at].is_ascii_digit() && (at == 0 || !letters[at - 1].is_ascii_digit());
        let found = if starts { cpf_at(&letters[at..]) } else { None };
        match found {
            Some(length) => {
                let run: String = letters[at..at + length].iter().collect();
                out.push_str(&mask_cpf(&run));
                at += length;
            }
            None => {
                out.push(letters[at]);
                at += 1;
            }
        }
    }
    out
}

/// How many letters from the first on are a CPF.
fn cpf_at(letters: &[char]) -> Option<usize> {
    let (mut count, mut end) = (0, 0);
    for (at, letter) in letters.iter().enumerate() {
        if letter.is_ascii_digit() {
            count += 1;
            end = at + 1;
            if count > 11 {
                return None;
            }
        } else if !".- ".contains(*letter) || count == 11 || at > 14 {
            break;
        }
    }
    let run: String = letters[..end].iter().collect();
    (count == 11 && cpf(&run).is_some()).then_some(end)
}

/// What of the fields may be searched: nothing that is personal or restricted.
pub fn words(of: &CaseType, fields: &Fields) -> String {
    let mut words = String::new();
    for field in of.fields.iter().filter(|field| !field.is_closed()) {
        match fields.get(field.key()) {
            Some(Value::String(text)) => {
                words.push(' ');
                words.push_str(text);
            }
            Some(Value::Number(number)) => {
                words.push(' ');
                words.push_str(&number.to_string());
            }
            _ => {}
        }
    }
    words.chars().take(50_000).collect()
}

/// What is searched of a case: number, department, title and fields, but for what its type or the newest version of that says is personal,
/// restricted or secret. A case goes on under the version it began with, and what is found out since to be nobody's business is searched in none.
pub fn searched(of: &CaseType, newest: &CaseType, case: &CaseFile) -> String {
    let mut fields = case.fields.clone();
    fields.retain(|key, _| newest.field(key).is_none_or(|field| !field.is_closed()));
    let title = if of.secret_title || newest.secret_title { "" } else { case.title.as_str() };
    format!("{} {title} {}{}", case.number(), case.department, words(of, &fields))
}

/// Takes out of a case what stays in the installation: it is left out of files.
pub fn cover(of: &CaseType, newest: &CaseType, case: &mut CaseFile) {
    let is_secret = |key: &str| {
        let own = of.field(key).filter(|field| field.is_closed());
        own.is_some_and(|field| field.secret || newest.field(key).is_some_and(|field| field.secret))
    };
    case.fields.retain(|key, _| !is_secret(key));
    if of.secret_title || newest.secret_title {
        case.title = format!("{} {}", of.title.pt, case.number()).trim().to_owned();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registry_numbers_are_held_against_their_check_digits() {
        assert_eq!(cpf("529.982.247-25").as_deref(), Some("52998224725"));
        assert_eq!(cpf("529.982.247-24"), None);
        assert_eq!(cpf("111.111.111-11"), None);
        assert_eq!(cnpj("11.222.333/0001-81").as_deref(), Some("11222333000181"));
        assert_eq!(cnpj("11.222.333/0001-80"), None);
    }

    #[test]
    fn a_cpf_in_a_free_text_is_masked_and_another_number_is_not() {
        let text = "Maria (529.982.247-25, ou 52998224725) protocolou 12345678901 em 2026-03-01";
        assert_eq!(mask_text(text), "Maria (***.982.247-**, ou ***.982.247-**) protocolou 12345678901 em 2026-03-01");
    }

    #[test]
    fn money_is_read_as_people_write_it() {
        let read = ["1.234,56", "1234.56", "R$ 1.234", "0,05", "12,5", "-1", "abc", "", "1.5", "1.23,00", "1.2345"];
        let all = [Some(123_456), Some(123_456), Some(123_400), Some(5), None, None, None, None, None, None, None];
        assert_eq!(read.map(centavos), all);
    }

    #[test]
    fn a_lexml_name_has_no_accents_and_no_spaces() {
        assert!(is_urn("urn:lex:br;minas.gerais;juiz.de.fora:municipal:lei:2026-01-05;100"));
        assert!(!is_urn("urn:lex:br;Minas Gerais:municipal:lei:2026;1"));
        assert!(!is_urn("lei 100"));
    }
}
