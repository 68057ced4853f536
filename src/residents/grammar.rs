//! What a telephone tells the service to do: a CEP subscribes, CONSULTAR lists, SAIR and SAIR <CEP> end, AJUDA explains. Pure.
//!
//! It is the national grammar of SMS 40199, with accents, capitals, signs and a wrong letter forgiven. Only what consists of an order and
//! of words that say nothing else is one: a message that speaks of a danger, or holds a word that is not known here, never
//! subscribes and never ends anything. It is a report, or a person of the staff reads it.

mod words;

use std::fmt;

use self::words::{ENDS, FILLERS, HELPS, LISTS, OBJECTS, POLITE, WISHES};
use crate::reports::Kind;
use crate::reports::words::{fold, is_like, kind_of};

/// CEPs that are taken of one message.
pub const MOST_CEPS: usize = 10;
/// Letters and words of a message that may be an order: longer ones tell something.
const MOST_LETTERS: usize = 300;
const MOST_WORDS: usize = 40;
/// Letters of a polite word from which on one of them may be wrong. Shorter ones are too near to others ("moro", "morro").
const LEAST_LIKE: usize = 6;

/// Eight digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cep(String);

impl Cep {
    /// Takes it as people write it, with or without the hyphen.
    pub fn read(text: &str) -> Option<Self> {
        let digits: String = text.chars().filter(|letter| !matches!(letter, ' ' | '-' | '.')).collect();
        Self::of(digits)
    }

    fn of(digits: String) -> Option<Self> {
        let is_one = digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_digit()) && digits != "00000000";
        is_one.then_some(Self(digits))
    }

    pub fn digits(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Cep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", &self.0[..5], &self.0[5..])
    }
}

/// What somebody orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    Subscribe(Vec<Cep>),
    List,
    /// All that comes to this telephone.
    LeaveAll,
    Leave(Vec<Cep>),
    Help,
    /// A CEP or SAIR among words that may mean something else: asked back, and read by a person. The CEPs, if there are any.
    Unclear(Vec<Cep>),
    /// Nothing but an order and a number that is no CEP.
    WrongCep,
}

impl Order {
    /// The word of the database.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Subscribe(_) => "subscribe",
            Self::List => "list",
            Self::LeaveAll => "leave_all",
            Self::Leave(_) => "leave",
            Self::Help => "help",
            Self::Unclear(_) => "unclear",
            Self::WrongCep => "wrong_cep",
        }
    }

    /// Whether it ends something: such an order is obeyed whatever else holds.
    pub const fn ends(&self) -> bool {
        matches!(self, Self::LeaveAll | Self::Leave(_))
    }

    /// Whether a person has to look at the words as well, because they may mean something else.
    pub const fn is_for_staff(&self) -> bool {
        matches!(self, Self::Help | Self::Unclear(_))
    }
}

/// What the words of a message are.
#[derive(Default)]
struct Said {
    ceps: Vec<Cep>,
    ends: bool,
    lists: bool,
    helps: bool,
    wishes: bool,
    /// A wish that may be denied: "não quero", and not "não posso".
    wants: bool,
    /// A word that says nothing by itself and yet may be part of what somebody tells: "é para sair", "sair de casa".
    loose: bool,
    objects: bool,
    receives: bool,
    denies: bool,
    unknown: usize,
    /// Digits of the longest number that is no CEP.
    number: usize,
}

/// The order in a message; `None` for whatever is none, which is a report or is read by a person.
pub fn read(text: &str) -> Option<Order> {
    if text.chars().count() > MOST_LETTERS || kind_of(text) != Kind::Other {
        return None;
    }
    let said = listen(&fold(text))?;
    let is_plain = said.unknown == 0;
    if !said.ceps.is_empty() {
        let is_clear = is_plain && said.number == 0 && !said.lists && !said.helps;
        return Some(match (is_clear, said.ends, said.denies) {
            (true, true, false) if may_end(&said) => Order::Leave(said.ceps),
            (true, true, _) => Order::Unclear(said.ceps),
            (true, false, false) => Order::Subscribe(said.ceps),
            _ => Order::Unclear(said.ceps),
        });
    }
    if !is_plain {
        return None;
    }
    if said.number > 0 {
        // A number of a telephone, of a house or of a year says nothing of what is wanted.
        return (5..=9).contains(&said.number).then_some(Order::WrongCep);
    }
    match (said.ends, said.lists, said.helps) {
        (true, false, false) if may_end(&said) => Some(Order::LeaveAll),
        (true, false, false) => Some(Order::Unclear(Vec::new())),
        (false, true, false) => Some(Order::List),
        (false, false, true) => Some(Order::Help),
        (false, false, false) if said.denies && said.wants && said.objects && !said.loose => Some(Order::LeaveAll),
        _ => None,
    }
}

/// "Quero sair" and "é para sair?" may be said from inside a house; "quero sair dos avisos" may not.
const fn may_end(said: &Said) -> bool {
    !said.denies && !said.loose && !said.receives && (!said.wishes || said.objects)
}

/// Whether nothing but one word and CEPs stands in the message. Of an end that says more than that a person reads the words as well.
pub fn is_bare(text: &str) -> bool {
    let words = fold(text);
    let words = words.split(' ').flat_map(pieces).filter(|piece| !piece.starts_with(|c: char| c.is_ascii_digit()));
    words.count() <= 1
}

fn listen(folded: &str) -> Option<Said> {
    let pieces: Vec<String> = folded.split(' ').filter(|word| !word.is_empty()).flat_map(pieces).collect();
    if pieces.is_empty() || pieces.len() > MOST_WORDS {
        return None;
    }
    let mut said = Said::default();
    let mut at = 0;
    while let Some(piece) = pieces.get(at) {
        if !piece.starts_with(|letter: char| letter.is_ascii_digit()) {
            word(&mut said, piece);
            at += 1;
            continue;
        }
        match cep_at(&pieces, at) {
            Some((cep, taken)) => {
                if !said.ceps.contains(&cep) && said.ceps.len() < MOST_CEPS {
                    said.ceps.push(cep);
                }
                at += taken;
            }
            None => {
                let run = pieces[at..].iter().take_while(|next| next.starts_with(|c: char| c.is_ascii_digit()));
                said.number = said.number.max(run.map(String::len).sum());
                at += 1;
            }
        }
    }
    Some(said)
}

/// Letters and digits apart, and the letter O that stands for a zero.
fn pieces(word: &str) -> Vec<String> {
    let has_digit = word.bytes().any(|byte| byte.is_ascii_digit());
    if has_digit && word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'o') {
        return vec![word.replace('o', "0")];
    }
    let mut out: Vec<String> = Vec::new();
    let mut was_digit = None;
    for letter in word.chars() {
        let is_digit = letter.is_ascii_digit();
        match out.last_mut() {
            Some(last) if was_digit == Some(is_digit) => last.push(letter),
            _ => out.push(letter.to_string()),
        }
        was_digit = Some(is_digit);
    }
    out
}

/// The CEP that begins here, and how many pieces it takes: "36010000", "36010-000", "36.010-000".
fn cep_at(pieces: &[String], at: usize) -> Option<(Cep, usize)> {
    for lengths in [&[8][..], &[5, 3], &[2, 3, 3]] {
        let Some(taken) = pieces.get(at..at + lengths.len()) else { continue };
        let zeros = |piece: &String| if piece == "ooo" { "000".to_owned() } else { piece.clone() };
        let taken: Vec<String> = taken.iter().map(zeros).collect();
        let fits = taken
            .iter()
            .zip(lengths)
            .all(|(piece, length)| piece.len() == *length && piece.bytes().all(|byte| byte.is_ascii_digit()));
        if fits && let Some(cep) = Cep::of(taken.concat()) {
            return Some((cep, lengths.len()));
        }
    }
    None
}

fn word(said: &mut Said, word: &str) {
    let is_in = |list: &[&str]| list.contains(&word);
    let nearly = |list: &[&str]| {
        word.len() >= LEAST_LIKE && list.iter().any(|known| known.len() >= LEAST_LIKE && is_like(word, known, 1))
    };
    if is_in(ENDS) {
        said.ends = true;
    } else if is_in(LISTS) || (word.len() >= 7 && is_like(word, "consultar", 2)) {
        said.lists = true;
    } else if is_in(HELPS) || (word.len() >= 5 && word.starts_with("aj") && is_like(word, "ajuda", 1)) {
        said.helps = true;
    } else if matches!(word, "nao" | "n" | "nunca" | "jamais") {
        said.denies = true;
    } else if word == "mais" {
        // "Não quero mais."
    } else if is_in(WISHES) || nearly(WISHES) {
        said.wishes = true;
        said.wants |= matches!(word, "quero" | "queria" | "desejo");
    } else if is_in(OBJECTS) || nearly(OBJECTS) {
        said.objects = true;
    } else if word == "receber" || (word.len() >= LEAST_LIKE && is_like(word, "receber", 1)) {
        said.receives = true;
    } else if is_in(POLITE) {
        // Says nothing.
    } else if is_in(FILLERS) || nearly(FILLERS) {
        said.loose = true;
    } else {
        said.unknown += 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ceps(all: &[&str]) -> Vec<Cep> {
        all.iter().map(|cep| Cep::read(cep).unwrap()).collect()
    }

    #[test]
    fn a_cep_subscribes_however_it_is_written() {
        for text in [
            "36010-000",
            "36010000",
            " 36.010-000. ",
            "36010 000",
            "cep36010000",
            "CEP: 36010-000",
            "meu cep é 36010-000",
            "Bom dia, quero receber alertas no CEP 36010-000, por favor",
            "quero recebr os alretas do meu CEP 36010-000 obrigada",
            "36O10-OOO",
        ] {
            assert_eq!(read(text), Some(Order::Subscribe(ceps(&["36010-000"]))), "{text}");
        }
        let two = Order::Subscribe(ceps(&["36010-000", "36020-100"]));
        assert_eq!(read("36010-000 e também 36020100, 36010000"), Some(two));
    }

    #[test]
    fn orders_are_understood_with_their_typing_errors() {
        for text in
            ["SAIR", "sair!", "Sair.", "SIAR", "sairr", "saair", "sair por favor", "quero sair dos alertas", "STOP"]
        {
            assert_eq!(read(text), Some(Order::LeaveAll), "{text}");
        }
        for text in ["não quero mais receber avisos", "nao quero receber mensagens", "SAIR DE TODOS"] {
            assert_eq!(read(text), Some(Order::LeaveAll), "{text}");
        }
        for text in ["SAIR 36010-000", "sair do cep 36010000", "siar 36.010-000", "quero sair dos avisos do 36010-000"]
        {
            assert_eq!(read(text), Some(Order::Leave(ceps(&["36010-000"]))), "{text}");
        }
        for text in ["CONSULTAR", "consulta", "cosultar", "Consultar meus CEPs", "consutlar"] {
            assert_eq!(read(text), Some(Order::List), "{text}");
        }
        for text in ["AJUDA", "ajda", "ajuda por favor", "como funciona?"] {
            assert_eq!(read(text), if text == "ajda" { None } else { Some(Order::Help) }, "{text}");
        }
    }

    #[test]
    fn whoever_is_in_danger_never_leaves_by_a_word() {
        for text in [
            "preciso sair daqui",
            "sair daqui agora",
            "vai cair",
            "CAIR",
            "o rio saiu",
            "saia",
            "sai",
            "não consigo sair",
            "como sair da enchente",
            "sair, barranco caindo",
            "sair 36010-000 alagado",
            "socorro 36010-00",
            "SOCORRO",
        ] {
            let order = read(text);
            assert!(order.is_none(), "{text}: {order:?}");
        }
        // Said in words of which an order is made: asked back, and read by a person.
        for text in [
            "quero sair",
            "preciso sair",
            "É para sair?",
            "sair de casa",
            "sair aqui?",
            "eu e minha casa sair",
            "posso sair com a minha casa",
            "não quero sair",
        ] {
            assert_eq!(read(text), Some(Order::Unclear(Vec::new())), "{text}");
        }
        // Names and words within a letter of SAIR.
        for text in
            ["Samir", "sou Samir", "Nair", "saiba", "sarar", "Jair", "não posso receber SMS", "não recebi avisos"]
        {
            let order = read(text);
            assert!(order.is_none(), "{text}: {order:?}");
        }
        // Read by a person, and answered.
        for text in [
            "preciso sair de casa, cep 36010-000",
            "quero sair do 36010-000",
            "é para sair do 36010-000?",
            "36010-000 Samir",
            "agua entrando 36010-000",
            "rua cheia de agua cep 36010-000",
            "AJUDA 36010-000",
            "não recebo nada 36010-000",
        ] {
            assert_eq!(read(text), Some(Order::Unclear(ceps(&["36010-000"]))), "{text}");
        }
    }

    #[test]
    fn a_number_that_is_no_cep_ends_nothing() {
        for text in ["SAIR 36010", "36010-00", "cep 360100000"] {
            assert_eq!(read(text), Some(Order::WrongCep), "{text}");
        }
        for text in ["32 99999-0000", "sair 2", "00000-000 1", "1"] {
            assert!(!matches!(read(text), Some(Order::Subscribe(_) | Order::LeaveAll | Order::Leave(_))), "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_upsets_it_and_every_cep_is_one(text in ".{0,400}") {
            if let Some(Order::Subscribe(ceps) | Order::Leave(ceps)) = read(&text) {
                prop_assert!(!ceps.is_empty() && ceps.len() <= MOST_CEPS);
                for cep in ceps {
                    prop_assert_eq!(Cep::read(&cep.to_string()), Some(cep));
                }
            }
        }

        #[test]
        fn a_danger_beside_an_order_is_no_order(
            order in prop::sample::select(vec!["sair", "36010-000", "consultar", "sair 36010-000", "ajuda"]),
            danger in prop::sample::select(vec!["barranco", "alagado", "enchente", "fogo", "desabou", "rachadura", "poste", "deslizando"]),
            before in any::<bool>(),
        ) {
            let text = if before { format!("{danger} {order}") } else { format!("{order}, {danger}!") };
            prop_assert_eq!(read(&text), None);
        }

        #[test]
        fn sair_beside_a_word_that_is_not_known_ends_nothing(word in "[b-df-hj-np-tv-z]{3,8}") {
            for text in [format!("sair {word}"), format!("{word} sair"), format!("sair 36010-000 {word}")] {
                let order = read(&text);
                let known = [ENDS, OBJECTS, WISHES, FILLERS, LISTS, HELPS].iter().any(|list| list.contains(&word.as_str()));
                prop_assert!(known || !order.as_ref().is_some_and(Order::ends), "{}: {:?}", text, order);
            }
        }

        /// Words of everyday and names, as people write them beside SAIR.
        #[test]
        fn sair_among_words_of_everyday_ends_nothing(
            before in prop::sample::select(vec!["", "eu", "é para", "preciso", "posso", "minha casa", "Maria", "a rua", "água", "não consigo", "como"]),
            after in prop::sample::select(vec!["daqui", "de casa", "aqui", "com minha mãe", "em segurança", "agora", "?", "eu e meus", "Samir"]),
            cep in prop::sample::select(vec!["", " 36010-000", ", cep 36010000"]),
        ) {
            let text = format!("{before} sair {after}{cep}");
            prop_assert!((before.is_empty() && after == "?") || !read(&text).is_some_and(|order| order.ends()), "{}", text);
        }

        #[test]
        fn every_cep_is_read_back_in_every_form(number in 1_u32..100_000_000) {
            let digits = format!("{number:08}");
            let cep = Cep::read(&digits).unwrap();
            let dotted = format!("{}.{}-{}", &digits[..2], &digits[2..5], &digits[5..]);
            for text in [digits.clone(), cep.to_string(), dotted, format!("meu cep é {cep}")] {
                prop_assert_eq!(read(&text), Some(Order::Subscribe(vec![cep.clone()])));
            }
        }
    }
}
