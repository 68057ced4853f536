//! Words without case, accents and marks, so that two spellings of one word are one word. Pure.

/// Small letters without accents, words one space apart. The same text gives the same words whether its accents are letters of their own
/// or marks put over a letter.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut gap = false;
    for c in text.chars().flat_map(char::to_lowercase) {
        // Marks that stand over the letter before them.
        if ('\u{300}'..='\u{36f}').contains(&c) {
            continue;
        }
        if !c.is_alphanumeric() {
            gap = true;
            continue;
        }
        if gap && !out.is_empty() {
            out.push(' ');
        }
        gap = false;
        out.push_str(&without_accent(c));
    }
    out
}

/// The same letters in small and without accents; quotation marks and signs stay, which searches need.
pub fn unaccented(text: &str) -> String {
    let letters = text.chars().flat_map(char::to_lowercase).filter(|c| !('\u{300}'..='\u{36f}').contains(c));
    letters.map(without_accent).collect()
}

/// The words of `plain`.
pub fn words(text: &str) -> Vec<String> {
    plain(text).split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn without_accent(c: char) -> std::borrow::Cow<'static, str> {
    let plain = match c {
        'á' | 'à' | 'â' | 'ã' | 'ä' | 'å' | 'ā' | 'ª' => "a",
        'é' | 'è' | 'ê' | 'ë' | 'ē' => "e",
        'í' | 'ì' | 'î' | 'ï' => "i",
        'ó' | 'ò' | 'ô' | 'õ' | 'ö' | 'º' => "o",
        'ú' | 'ù' | 'û' | 'ü' => "u",
        'ç' => "c",
        'ñ' => "n",
        'ý' | 'ÿ' => "y",
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        other => return other.to_string().into(),
    };
    plain.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_word_are_one_word() {
        assert_eq!(plain("  Ocorrências: AVENIDA  São-João, 3º "), "ocorrencias avenida sao joao 3o");
        assert_eq!(plain("a\u{301}gua"), plain("água"));
        assert_eq!(words("!?"), Vec::<String>::new());
        assert_eq!(unaccented("\"Defesa Civil\" -São"), "\"defesa civil\" -sao");
    }
}
