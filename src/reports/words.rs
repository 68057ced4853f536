//! Words as people type them in a hurry: without accents, with a wrong letter. Pure.

use super::kind::Kind;

/// Small letters without accents, and one blank between words; what is no letter or digit ends a word.
pub fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars().flat_map(char::to_lowercase) {
        match plain(letter) {
            Some(plain) => out.push(plain),
            None if is_mark(letter) => {}
            None if !out.ends_with(' ') && !out.is_empty() => out.push(' '),
            None => {}
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// Accents that stand apart from their letter (decomposed text), and what `to_lowercase` leaves of İ.
const fn is_mark(letter: char) -> bool {
    matches!(letter, '\u{300}'..='\u{36f}')
}

const fn plain(letter: char) -> Option<char> {
    Some(match letter {
        'a'..='z' | '0'..='9' => letter,
        'á' | 'à' | 'â' | 'ã' | 'ä' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'õ' | 'ö' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ç' => 'c',
        'ñ' => 'n',
        _ => return None,
    })
}

/// True when the words differ in at most so many letters: one more, one less, another, or two that changed places.
pub fn is_like(a: &str, b: &str, most: usize) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > most {
        return false;
    }
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (row, &x) in a.iter().enumerate() {
        let mut next = vec![row + 1];
        for (column, &y) in b.iter().enumerate() {
            let mut cost = (last[column] + usize::from(x != y)).min(last[column + 1] + 1).min(next[column] + 1);
            let is_swap = row > 0 && column > 0 && x == b[column - 1] && a[row - 1] == y;
            if is_swap && let Some(swapped) = before_last.get(column - 1) {
                cost = cost.min(swapped + 1);
            }
            next.push(cost);
        }
        before_last = std::mem::replace(&mut last, next);
    }
    last[b.len()] <= most
}

/// Beginnings of words, and what they speak of, the most telling first.
const SIGNS: &[(&str, Kind)] = &[
    ("desliza", Kind::Landslide),
    ("desliz", Kind::Landslide),
    ("barranc", Kind::Landslide),
    ("encosta", Kind::Landslide),
    ("soterr", Kind::Landslide),
    ("terra caiu", Kind::Landslide),
    ("enxurrad", Kind::FlashFlood),
    ("cabeca d agua", Kind::FlashFlood),
    ("desab", Kind::Collapse),
    ("desmoron", Kind::Collapse),
    ("muro caiu", Kind::Collapse),
    ("rachad", Kind::Cracks),
    ("trinca", Kind::Cracks),
    ("fenda", Kind::Cracks),
    ("transbord", Kind::Flooding),
    ("enchente", Kind::Flooding),
    ("inunda", Kind::Flooding),
    ("rio subi", Kind::Flooding),
    ("alaga", Kind::Waterlogging),
    ("queimad", Kind::VegetationFire),
    ("fogo no mato", Kind::VegetationFire),
    ("incendio", Kind::Fire),
    ("fogo", Kind::Fire),
    ("fio ", Kind::WireDown),
    ("fios", Kind::WireDown),
    ("poste", Kind::WireDown),
    ("arvore", Kind::FallenTree),
    ("destelh", Kind::RoofOff),
    ("telhad", Kind::RoofOff),
    ("granizo", Kind::Hail),
    // English, for visitors.
    ("landslide", Kind::Landslide),
    ("flash flood", Kind::FlashFlood),
    ("flood", Kind::Flooding),
    ("crack", Kind::Cracks),
    ("collapse", Kind::Collapse),
    ("fire", Kind::Fire),
    ("tree", Kind::FallenTree),
    ("roof", Kind::RoofOff),
];

/// What a free text speaks of.
pub fn kind_of(text: &str) -> Kind {
    let text = format!(" {} ", fold(text));
    let found = SIGNS.iter().find(|(sign, _)| text.contains(&format!(" {sign}")));
    found.map_or(Kind::Other, |(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accents_capitals_and_signs_do_not_matter() {
        assert_eq!(fold("  OCORRÊNCIA: Árvore—caída!! "), "ocorrencia arvore caida");
        assert_eq!(fold("OCORRE\u{302}NCIA"), "ocorrencia");
        assert_eq!(fold("日本"), "");
    }

    #[test]
    fn one_wrong_letter_is_forgiven() {
        for typed in ["relato", "rleato", "relatto", "relat", "rellato", "relati"] {
            assert!(is_like(typed, "relato", 1), "{typed}");
        }
        assert!(!is_like("retrato", "relato", 1) && !is_like("sair", "relato", 1) && !is_like("", "relato", 1));
    }

    #[test]
    fn free_texts_tell_what_they_are_about() {
        for (text, kind) in [
            ("barranco caiu na rua de cima", Kind::Landslide),
            ("tem uma RACHADURA na parede", Kind::Cracks),
            ("o rio subiu e entrou em casa", Kind::Flooding),
            ("rua alagada", Kind::Waterlogging),
            ("árvore em cima do carro", Kind::FallenTree),
            ("fio de luz no chão", Kind::WireDown),
            ("cheiro estranho", Kind::Other),
        ] {
            assert_eq!(kind_of(text), kind, "{text}");
        }
    }
}
