//! Delivery receipts of SMPP centres: what they say and which message they speak of. Pure.
//!
//! The text form is that of SMPP 3.4, appendix B: `id:… sub:… dlvrd:… submit date:… done date:… stat:… err:… text:…`;
//! the parameters `receipted_message_id` and `message_state` (3.4, sections 5.3.2.12 and 5.3.2.35) win over it.

use super::decide::Fate;

/// One receipt, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Normalised.
    pub message_id: String,
    pub fate: Fate,
}

/// Reads a receipt from the optional parameters and the text, or `None` when neither names a message.
pub fn read(text: &str, receipted_message_id: Option<&str>, message_state: Option<u8>) -> Option<Receipt> {
    let id = receipted_message_id.filter(|id| !id.is_empty()).or_else(|| field(text, "id:"))?;
    let fate = match message_state {
        Some(state) => fate_of_state(state),
        None => fate_of_word(field(text, "stat:").unwrap_or_default()),
    };
    Some(Receipt { message_id: normal_id(id), fate })
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let at = text.match_indices(name).map(|(at, _)| at).find(|at| *at == 0 || text.as_bytes()[at - 1] == b' ')?;
    text[at + name.len()..].split_whitespace().next().filter(|word| !word.is_empty())
}

/// SMPP 3.4, section 5.2.28.
const fn fate_of_state(state: u8) -> Fate {
    match state {
        2 => Fate::Delivered,
        3 | 4 | 5 | 8 => Fate::Undelivered,
        _ => Fate::OnItsWay,
    }
}

fn fate_of_word(word: &str) -> Fate {
    match word.to_ascii_uppercase().get(..5).unwrap_or_default() {
        "DELIV" => Fate::Delivered,
        "EXPIR" | "DELET" | "UNDEL" | "REJEC" | "FAILE" => Fate::Undelivered,
        _ => Fate::OnItsWay,
    }
}

/// One spelling for one id: small letters, no leading zeros, no blanks, and nothing that PostgreSQL could not keep.
pub fn normal_id(id: &str) -> String {
    let id: String = id.chars().filter(|c| !c.is_control()).collect();
    let id = id.trim().to_ascii_lowercase();
    let bare = id.trim_start_matches(|c: char| c == '0' || c.is_whitespace());
    if bare.is_empty() && !id.is_empty() { "0".to_owned() } else { bare.to_owned() }
}

/// The spellings under which the submit response may have named this message, likeliest first: the same; written in
/// hexadecimal there and in decimal here; the other way about.
pub fn spellings(normal: &str) -> Vec<String> {
    let mut all = vec![normal.to_owned()];
    if let Ok(number) = normal.parse::<u128>() {
        all.push(format!("{number:x}"));
    }
    if let Ok(number) = u128::from_str_radix(normal, 16) {
        all.push(number.to_string());
    }
    all.dedup();
    all
}

/// The digits by which two spellings of a telephone are compared: the last eight.
pub fn telephone_key(address: &str) -> String {
    let digits: Vec<char> = address.chars().filter(char::is_ascii_digit).collect();
    digits[digits.len().saturating_sub(8)..].iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "id:0012FF sub:001 dlvrd:001 submit date:2602221910 done date:2602221911 stat:DELIVRD err:000 text:id:9";

    #[test]
    fn the_text_form_is_read() {
        let receipt = read(TEXT, None, None).unwrap();
        assert_eq!(receipt, Receipt { message_id: "12ff".into(), fate: Fate::Delivered });
    }

    #[test]
    fn the_parameters_win_over_the_text() {
        let receipt = read(TEXT, Some("77"), Some(5)).unwrap();
        assert_eq!(receipt, Receipt { message_id: "77".into(), fate: Fate::Undelivered });
    }

    #[test]
    fn every_final_word_has_its_fate() {
        let fate = |word: &str| read(&format!("id:1 stat:{word}"), None, None).unwrap().fate;
        assert_eq!(["DELIVRD", "DELIVERED"].map(fate), [Fate::Delivered; 2]);
        assert_eq!(["EXPIRED", "DELETED", "UNDELIV", "REJECTD"].map(fate), [Fate::Undelivered; 4]);
        assert_eq!(["ENROUTE", "ACCEPTD", "UNKNOWN", "?", ""].map(fate), [Fate::OnItsWay; 5]);
    }

    #[test]
    fn what_names_no_message_is_no_receipt() {
        assert_eq!(read("SAIR", None, None), None);
        assert_eq!(read("", None, Some(2)), None);
    }

    #[test]
    fn leading_zeros_and_capitals_do_not_matter() {
        assert_eq!(["000a1F", " A1f\0", "a1f"].map(normal_id), ["a1f"; 3]);
        assert_eq!(normal_id("000"), "0");
    }

    #[test]
    fn a_decimal_receipt_finds_a_hexadecimal_answer_and_the_other_way_about() {
        assert!(spellings("4863").contains(&"12ff".to_owned()));
        assert!(spellings("12ff").contains(&"4863".to_owned()));
        assert_eq!(spellings("9f86d081-88"), ["9f86d081-88"]);
    }

    #[test]
    fn telephones_are_compared_by_their_last_eight_digits() {
        assert_eq!(telephone_key("+55 32 98888-1234"), telephone_key("32988881234"));
        assert_eq!(telephone_key("199"), "199");
    }
}
