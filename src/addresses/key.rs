//! Names of streets as they are compared: without accents, articles and abbreviations, with numbers as digits. Pure.

use crate::reports::words::fold;

/// What a street is called before its name, in full, and how else people write that.
const KINDS: &[(&str, &[&str])] = &[
    ("rua", &["r"]),
    ("avenida", &["av", "aven"]),
    ("travessa", &["tv", "trav", "trv", "tr"]),
    ("praca", &["pc", "pca", "prc"]),
    ("estrada", &["est", "estr"]),
    ("rodovia", &["rod", "rdv"]),
    ("beco", &["bc"]),
    ("alameda", &["al"]),
    ("ladeira", &["lad"]),
    ("largo", &["lgo", "lg"]),
    ("servidao", &["serv"]),
    ("escadaria", &["escadao", "esc"]),
    ("viela", &["vla"]),
    ("passagem", &["psg"]),
    ("viaduto", &["vd"]),
];

const SHORTENED: &[(&str, &str)] = &[
    ("dr", "doutor"),
    ("dra", "doutora"),
    ("prof", "professor"),
    ("profa", "professora"),
    ("cel", "coronel"),
    ("cap", "capitao"),
    ("ten", "tenente"),
    ("sgt", "sargento"),
    ("gen", "general"),
    ("gal", "general"),
    ("mal", "marechal"),
    ("maj", "major"),
    ("alm", "almirante"),
    ("brig", "brigadeiro"),
    ("pres", "presidente"),
    ("gov", "governador"),
    ("sen", "senador"),
    ("dep", "deputado"),
    ("ver", "vereador"),
    ("pref", "prefeito"),
    ("eng", "engenheiro"),
    ("des", "desembargador"),
    ("com", "comendador"),
    ("pe", "padre"),
    ("d", "dom"),
    ("sta", "santa"),
    ("sto", "santo"),
    ("s", "sao"),
    ("n", "nossa"),
    ("sra", "senhora"),
    ("jd", "jardim"),
    ("vl", "vila"),
    ("pq", "parque"),
];

/// Said or left out, the street is the same.
const PARTICLES: &[&str] = &["de", "da", "do", "das", "dos", "e"];

const NUMERALS: &[(&str, u32)] = &[
    ("primeiro", 1),
    ("um", 1),
    ("dois", 2),
    ("ii", 2),
    ("tres", 3),
    ("iii", 3),
    ("quatro", 4),
    ("cinco", 5),
    ("seis", 6),
    ("sete", 7),
    ("oito", 8),
    ("nove", 9),
    ("dez", 10),
    ("onze", 11),
    ("doze", 12),
    ("treze", 13),
    ("xiii", 13),
    ("catorze", 14),
    ("quatorze", 14),
    ("quinze", 15),
    ("xv", 15),
    ("dezesseis", 16),
    ("dezessete", 17),
    ("dezoito", 18),
    ("dezenove", 19),
    ("vinte", 20),
    ("xxiii", 23),
    ("trinta", 30),
];

/// The kind of street that a word stands for, in full.
pub fn kind_of(word: &str) -> Option<&'static str> {
    KINDS.iter().find(|(kind, short)| *kind == word || short.contains(&word)).map(|(kind, _)| *kind)
}

/// True for a word that stands for a longer one, and so may end in a point that ends no sentence.
pub fn is_shortened(word: &str) -> bool {
    SHORTENED.iter().any(|(short, _)| *short == word) || KINDS.iter().any(|(_, short)| short.contains(&word))
}

/// The words of a name as they are compared.
pub fn words(name: &str) -> Vec<String> {
    let folded = fold(name);
    let mut words: Vec<String> = Vec::new();
    // A number that was written out may go on: "vinte e um".
    let mut tens = 0;
    for word in folded.split(' ').filter(|word| !word.is_empty()) {
        if PARTICLES.contains(&word) {
            continue;
        }
        let long = SHORTENED.iter().find(|(short, _)| *short == word).map_or(word, |(_, long)| *long);
        let written = NUMERALS.iter().find(|(numeral, _)| *numeral == long).map(|(_, number)| *number);
        match written {
            Some(number @ 1..=9) if tens > 0 => {
                words.pop();
                words.push((tens + number).to_string());
                tens = 0;
            }
            Some(number) => {
                words.push(number.to_string());
                tens = if number % 10 == 0 && number >= 20 { number } else { 0 };
            }
            None => {
                words.push(plain_number(long));
                tens = 0;
            }
        }
    }
    // A name that is nothing but articles is that.
    if words.is_empty() {
        folded.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()
    } else {
        words
    }
}

/// "040" and "40" are one number.
fn plain_number(word: &str) -> String {
    if word.bytes().all(|byte| byte.is_ascii_digit()) {
        let plain = word.trim_start_matches('0');
        return if plain.is_empty() { "0".to_owned() } else { plain.to_owned() };
    }
    word.to_owned()
}

/// The kind of street and the words of its name, of both in one: "Av. Rio Branco".
pub fn split(street: &str) -> (&'static str, Vec<String>) {
    let folded = fold(street);
    let (first, rest) = folded.split_once(' ').unwrap_or((folded.as_str(), ""));
    match kind_of(first) {
        Some(kind) if !rest.is_empty() => (kind, words(rest)),
        _ => ("", words(street)),
    }
}

/// As it is shown: what a source writes in capitals gets small letters, words between names all small.
pub fn shown(name: &str) -> String {
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.chars().any(char::is_lowercase) {
        return name;
    }
    let word = |(at, word): (usize, &str)| {
        let small = word.to_lowercase();
        let is_roman = word.len() > 1 && word.bytes().all(|byte| matches!(byte, b'I' | b'V' | b'X'));
        if (at > 0 && PARTICLES.contains(&small.as_str())) || is_roman {
            return if is_roman { word.to_owned() } else { small };
        }
        let mut letters = small.chars();
        letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    };
    name.split(' ').enumerate().map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_same_however_it_is_written() {
        for (one, other) in [
            ("Sete de Setembro", "7 SETEMBRO"),
            ("XV de Novembro", "Quinze de Novembro"),
            ("Vinte e Um de Abril", "21 de abril"),
            ("Dr. João Penido", "DOUTOR JOAO PENIDO"),
            ("S. Sebastião", "São  Sebastião"),
            ("N. Sra. das Graças", "Nossa Senhora Graças"),
            ("BR-040", "br 40"),
        ] {
            assert_eq!(words(one), words(other), "{one}");
        }
        assert_ne!(words("Flores"), words("Flora"));
        assert_eq!(words("da"), ["da"]);
        assert!(words("  ").is_empty());
    }

    #[test]
    fn the_kind_of_a_street_is_told_from_its_name() {
        assert_eq!(split("Av. Barão do Rio Branco"), ("avenida", vec!["barao".into(), "rio".into(), "branco".into()]));
        assert_eq!(split("Pç. da República").0, "praca");
        assert_eq!(split("Rua"), ("", vec!["rua".into()]));
        assert_eq!(split("Morro do Cristo").0, "");
    }

    #[test]
    fn capitals_are_shown_as_people_write() {
        assert_eq!(shown("RUA DAS  FLORES"), "Rua das Flores");
        assert_eq!(shown("RUA XV DE NOVEMBRO"), "Rua XV de Novembro");
        assert_eq!(shown("Rua dos Ipês"), "Rua dos Ipês");
        assert_eq!(shown("ÁGUA LIMPA"), "Água Limpa");
    }
}
