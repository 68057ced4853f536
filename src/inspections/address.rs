//! A street as the public may know it: without house and without whoever lives there. Pure.

/// What a public way is called, as it is written and as it is abbreviated. Whatever begins otherwise may be anything: a house, a
/// person, a way to walk.
const WAYS: [&str; 44] = [
    "rua",
    "r",
    "avenida",
    "av",
    "travessa",
    "tv",
    "trav",
    "beco",
    "alameda",
    "al",
    "estrada",
    "estr",
    "est",
    "rodovia",
    "rod",
    "praça",
    "praca",
    "pça",
    "pca",
    "largo",
    "ladeira",
    "via",
    "viela",
    "vielas",
    "servidão",
    "servidao",
    "caminho",
    "escadão",
    "escadao",
    "escadaria",
    "passagem",
    "passarela",
    "viaduto",
    "parque",
    "anel",
    "acesso",
    "ramal",
    "trevo",
    "br",
    "mg",
    "rj",
    "sp",
    "es",
    "ba",
];

/// Words that announce a house, a part of one, who lives there, or how one finds it.
const BEHIND: [&str; 62] = [
    "nº",
    "n°",
    "no",
    "n",
    "nr",
    "num",
    "número",
    "numero",
    "casa",
    "casas",
    "cs",
    "apto",
    "apt",
    "ap",
    "apartamento",
    "lote",
    "lt",
    "quadra",
    "qd",
    "bloco",
    "bl",
    "fundos",
    "fds",
    "frente",
    "sobrado",
    "loja",
    "sala",
    "andar",
    "edifício",
    "edificio",
    "ed",
    "prédio",
    "predio",
    "condomínio",
    "condominio",
    "cond",
    "km",
    "perto",
    "próximo",
    "próxima",
    "proximo",
    "proxima",
    "lado",
    "atrás",
    "atras",
    "depois",
    "antes",
    "acima",
    "abaixo",
    "defronte",
    "vizinho",
    "vizinha",
    "residência",
    "residencia",
    "família",
    "familia",
    "propriedade",
    "morador",
    "moradora",
    "barraco",
    "cep",
    "ponto",
];

/// What may not stand last; "Rua A" is a name.
const JOINTS: [&str; 12] = ["em", "ao", "à", "a", "e", "de", "da", "do", "das", "dos", "na", "no"];

const MONTHS: [&str; 13] = [
    "janeiro",
    "fevereiro",
    "março",
    "marco",
    "abril",
    "maio",
    "junho",
    "julho",
    "agosto",
    "setembro",
    "outubro",
    "novembro",
    "dezembro",
];

/// The street without the house that somebody wrote behind it. A number that is the street's own name stays: "Rua 7 de Setembro",
/// "Rua 15". Nothing at all where it does not begin as streets do. Where it is not clear, rather a word too little is told. What it
/// has made once it leaves as it is.
pub fn public_street(street: &str) -> String {
    let first = street.split([',', ';', ':', '(', '–', '—', '|', '\n']).next().unwrap_or_default();
    let words: Vec<&str> = first.split_whitespace().collect();
    if !words.first().is_some_and(|word| is_way(word)) {
        return String::new();
    }
    let mut told: Vec<&str> = Vec::with_capacity(words.len());
    for (at, word) in words.iter().enumerate() {
        match kept(&words, at) {
            Kept::Whole => told.push(word),
            Kept::Until(end) => {
                told.extend((end > 0).then(|| &word[..end]));
                break;
            }
        }
    }
    while told.len() > 1 && told.last().is_some_and(|word| JOINTS.contains(word) || plain(word).is_empty()) {
        told.pop();
    }
    told.join(" ").chars().take(160).collect()
}

/// In small letters, without marks around it.
fn plain(word: &str) -> String {
    word.trim_matches(|letter: char| !letter.is_alphanumeric() && letter != '°').to_lowercase()
}

/// "Rua", "R.", "BR-040".
fn is_way(word: &str) -> bool {
    let word = plain(word);
    let (name, number) = word.split_once(['-', '.']).unwrap_or((&word, ""));
    WAYS.contains(&name) && number.chars().all(|letter| letter.is_ascii_digit())
}

/// How much of a word is told.
enum Kept {
    Whole,
    /// Its first bytes; nothing of whatever follows.
    Until(usize),
}

fn kept(words: &[&str], at: usize) -> Kept {
    let word = words[at];
    if at == 0 {
        return Kept::Whole;
    }
    let plain = plain(word);
    // A mark by itself parts the street from the rest, and so does one before a word.
    if plain.is_empty()
        || word.starts_with(['-', '#', '/', '.'])
        || BEHIND.contains(&plain.as_str())
        || is_numbered(&plain)
    {
        return Kept::Until(0);
    }
    let Some(digit) = word.find(|letter: char| letter.is_ascii_digit()) else { return Kept::Whole };
    // "Rua Flores-120": the number hangs on the name.
    if word[..digit].chars().any(char::is_alphanumeric) {
        let end = word[..digit].trim_end_matches(|letter: char| !letter.is_alphanumeric()).len();
        return Kept::Until(end);
    }
    let next = |by: usize| words.get(at + by).map(|word| self::plain(word)).unwrap_or_default();
    let is_day = next(1) == "de" && MONTHS.contains(&next(2).as_str());
    let is_name = at == 1 && plain.chars().all(|letter| letter.is_ascii_digit() || letter == 'ª' || letter == 'º');
    if is_day || is_name { Kept::Whole } else { Kept::Until(0) }
}

/// "nº12", "n.12", "n12", "s/n".
fn is_numbered(word: &str) -> bool {
    if word.starts_with("s/n") || word == "sn" {
        return true;
    }
    let behind = word.strip_prefix('n').unwrap_or_default();
    let behind = behind.strip_prefix(['º', '°', '.', 'o', 'r']).unwrap_or(behind);
    behind.trim_start_matches('.').starts_with(|letter: char| letter.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_house_is_not_told_and_the_street_is() {
        for (written, told) in [
            ("Rua das Flores", "Rua das Flores"),
            ("Rua das Flores, 123, fundos", "Rua das Flores"),
            ("Rua das Flores 123", "Rua das Flores"),
            ("Rua das Flores 123-A", "Rua das Flores"),
            ("Rua das Flores nº 12 casa 3", "Rua das Flores"),
            ("Rua das Flores nº12", "Rua das Flores"),
            ("Rua das Flores n.12", "Rua das Flores"),
            ("Rua das Flores n° 12", "Rua das Flores"),
            ("Rua das Flores no. 12", "Rua das Flores"),
            ("Rua das Flores - 12", "Rua das Flores"),
            ("Rua das Flores -12", "Rua das Flores"),
            ("Rua das Flores-120", "Rua das Flores"),
            ("Rua das Flores #120", "Rua das Flores"),
            ("Rua das Flores 120 fundos", "Rua das Flores"),
            ("Rua das Flores 120 da Maria", "Rua das Flores"),
            ("Rua das Flores 120 - casa da Maria", "Rua das Flores"),
            ("Rua das Flores casa da Maria", "Rua das Flores"),
            ("Rua das Flores, perto da padaria", "Rua das Flores"),
            ("Rua das Flores em frente ao bar", "Rua das Flores"),
            ("Rua das Flores s/n", "Rua das Flores"),
            ("Avenida Brasil 1500 apto 201", "Avenida Brasil"),
            ("Av. Brasil 1500", "Av. Brasil"),
            ("Rua 7 de Setembro", "Rua 7 de Setembro"),
            ("Rua 7 de Setembro 40", "Rua 7 de Setembro"),
            ("Avenida Presidente 15 de Novembro 8", "Avenida Presidente 15 de Novembro"),
            ("Rua 15", "Rua 15"),
            ("Rua A", "Rua A"),
            ("Rua 15 40", "Rua 15"),
            ("BR 040", "BR 040"),
            ("BR-040 km 780", "BR-040"),
            ("Beco (casa da Maria)", "Beco"),
            ("Beco 12-A", "Beco"),
            ("  Travessa   do Sol  ", "Travessa do Sol"),
            ("Casa da Dona Maria perto da padaria", ""),
            ("Dona Maria, Rua das Flores 3", ""),
            ("120", ""),
            ("", ""),
        ] {
            assert_eq!(public_street(written), told, "{written}");
            assert_eq!(public_street(told), told, "said again");
        }
    }

    #[test]
    fn no_number_behind_a_street_is_told_however_it_is_written() {
        for street in ["Rua das Flores", "Av. Rio Branco", "Travessa do Sol"] {
            for number in [
                "4711",
                "nº4711",
                "n 4711",
                "Nº 4711",
                "casa 4711",
                "4711b",
                "- 4711",
                "/4711",
                "lote 4711",
                "4711, fundos",
            ] {
                for rest in ["", " - Maria", " apto 4711", " fundos da Maria"] {
                    let told = public_street(&format!("{street} {number}{rest}"));
                    assert_eq!(told, street, "{number}{rest}");
                }
            }
        }
    }
}
