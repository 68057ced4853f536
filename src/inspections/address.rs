//! A street as the public may know it: without house and without whoever lives there. Pure.

/// Words that announce a house's number.
const NUMBER_WORDS: [&str; 7] = ["nº", "n°", "no.", "n.", "num", "número", "numero"];

/// The street without the number that somebody wrote behind it. A number that is the street's own name stays: "Rua 7 de
/// Setembro", "Rua 15". Where it is not clear, rather a number too little is told.
pub fn public_street(street: &str) -> String {
    let first = street.split([',', ';', '(', '–']).next().unwrap_or_default();
    let mut words: Vec<&str> = first.split_whitespace().collect();
    if let Some(at) = words.iter().position(|word| NUMBER_WORDS.contains(&word.to_lowercase().as_str())) {
        words.truncate(at);
    }
    while words.len() > 2 && words.last().is_some_and(|word| is_house(word)) {
        words.pop();
    }
    while words.last().is_some_and(|word| word.chars().all(|letter| !letter.is_alphanumeric())) {
        words.pop();
    }
    words.join(" ").chars().take(160).collect()
}

/// "123", "123-A", "45b", "s/n".
fn is_house(word: &str) -> bool {
    let word = word.to_lowercase();
    word == "s/n" || word == "sn" || word.starts_with(|letter: char| letter.is_ascii_digit())
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
            ("Rua das Flores - 12", "Rua das Flores"),
            ("Rua 7 de Setembro", "Rua 7 de Setembro"),
            ("Rua 7 de Setembro 40", "Rua 7 de Setembro"),
            ("Rua 15", "Rua 15"),
            ("BR 040", "BR 040"),
            ("Beco (casa da Maria)", "Beco"),
            ("  Travessa   do Sol  ", "Travessa do Sol"),
        ] {
            assert_eq!(public_street(written), told, "{written}");
        }
    }
}
