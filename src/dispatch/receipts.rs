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
    /// The cause in its sender's words; empty where it names none.
    pub error: String,
    /// The cause is the address itself.
    pub is_dead: bool,
    /// Only its words say that it is a receipt, and any telephone can write them: it counts for that telephone alone.
    pub is_unmarked: bool,
}

/// The parameters of a receipt that win over its text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters {
    /// `receipted_message_id` (SMPP 3.4, section 5.3.2.12).
    pub message_id: Option<String>,
    /// `message_state` (5.3.2.35).
    pub state: Option<u8>,
    /// `network_error_code` (5.3.2.31): kind of network, and its own code.
    pub network_error: Option<(u8, u16)>,
}

/// The kind of `network_error_code` whose codes are those of 3GPP TS 29.002, section 17.6.6.
const GSM: u8 = 3;
/// Of those: unknown, unidentified and illegal subscriber, and an illegal telephone.
const DEAD_IN_GSM: [u16; 4] = [1, 5, 9, 12];

/// Reads a receipt from the optional parameters and the text, or `None` when neither names a message.
///
/// `dead_errors`: the centre's own words in `err:` for a number that leads nowhere, which no standard names.
pub fn read(text: &str, parameters: &Parameters, dead_errors: &[String]) -> Option<Receipt> {
    let named = parameters.message_id.as_deref().filter(|id| !id.is_empty());
    let id = named.or_else(|| field(text, "id:"))?;
    let fate = match parameters.state {
        Some(state) => fate_of_state(state),
        None => fate_of_word(field(text, "stat:").unwrap_or_default()),
    };
    let err = field(text, "err:").unwrap_or_default();
    let is_gsm_dead = |(network, code): (u8, u16)| network == GSM && DEAD_IN_GSM.contains(&code);
    let is_dead = fate == Fate::Undelivered
        && (parameters.network_error.is_some_and(is_gsm_dead) || dead_errors.iter().any(|dead| dead == err));
    Some(Receipt { message_id: normal_id(id), fate, error: cause(text, err, parameters), is_dead, is_unmarked: false })
}

/// "UNDELIV err 001 network 3/1", as far as it is told.
fn cause(text: &str, err: &str, parameters: &Parameters) -> String {
    let state = field(text, "stat:").map(str::to_owned);
    let state = state.or_else(|| parameters.state.map(|state| format!("state {state}")));
    let err = (!err.is_empty()).then(|| format!("err {err}"));
    let network = parameters.network_error.map(|(network, code)| format!("network {network}/{code}"));
    clean(&[state, err, network].into_iter().flatten().collect::<Vec<_>>().join(" "))
}

/// Without what PostgreSQL could not keep or a page would trip over.
pub fn clean(text: &str) -> String {
    text.chars().filter(|letter| *letter == '\n' || !letter.is_control()).collect()
}

/// The word after a name, in whatever capitals the name is written; a name within a word is none.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let lower = text.to_ascii_lowercase();
    let begins = |at: &usize| *at == 0 || lower.as_bytes()[at - 1].is_ascii_whitespace();
    let at = lower.match_indices(name).map(|(at, _)| at).find(begins)?;
    text[at + name.len()..].split_whitespace().next().filter(|word| !word.is_empty())
}

/// Whether a text is a receipt by its own words, where nothing else says so.
pub fn looks_like_one(text: &str) -> bool {
    field(text, "id:").is_some() && field(text, "stat:").is_some() && field(text, "dlvrd:").is_some()
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

/// Letters of an id that are told apart. No standard has longer ones, and an index of PostgreSQL ends at 2,704 bytes.
pub const ID_LETTERS: usize = 255;

/// One spelling for one id: small letters, no leading zeros nor `0x`, no blanks, and nothing that PostgreSQL could not keep. What is too
/// long ends where the answer's own id ends too.
pub fn normal_id(id: &str) -> String {
    let id: String = id.chars().filter(|c| !c.is_control()).collect();
    let id = id.trim().to_ascii_lowercase();
    let bare = id.strip_prefix("0x").unwrap_or(&id);
    let bare = bare.trim_start_matches(|c: char| c == '0' || c.is_whitespace());
    if bare.is_empty() && !id.is_empty() { "0".to_owned() } else { bare.chars().take(ID_LETTERS).collect() }
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
        let receipt = read(TEXT, &Parameters::default(), &[]).unwrap();
        let error = "DELIVRD err 000".to_owned();
        let (message_id, fate) = ("12ff".to_owned(), Fate::Delivered);
        assert_eq!(receipt, Receipt { message_id, fate, error, is_dead: false, is_unmarked: false });
    }

    #[test]
    fn other_capitals_and_line_ends_are_read_too() {
        let text = "Id:77\nSub:001\nDlvrd:000\nSubmit Date:1\nDone Date:2\nStat:UNDELIV\nErr:0001\nText:x";
        let receipt = read(text, &Parameters::default(), &["0001".to_owned()]).unwrap();
        assert_eq!((receipt.message_id.as_str(), receipt.fate, receipt.is_dead), ("77", Fate::Undelivered, true));
        assert!(looks_like_one(text) && !looks_like_one("id: minha rua, stat: alagada"));
    }

    #[test]
    fn a_number_is_dead_by_the_networks_word_and_never_when_it_arrived() {
        let with =
            |network_error, state| Parameters { state: Some(state), network_error, message_id: Some("1".into()) };
        let dead = |network_error, state| read("", &with(network_error, state), &[]).unwrap().is_dead;
        assert!(dead(Some((3, 1)), 5) && dead(Some((3, 9)), 5));
        // Absent is no end; a code of another network means something else; and what arrived arrived.
        assert!(!dead(Some((3, 6)), 5) && !dead(Some((8, 1)), 5) && !dead(Some((3, 1)), 2) && !dead(None, 5));
    }

    #[test]
    fn the_parameters_win_over_the_text() {
        let parameters = Parameters { message_id: Some("77".into()), state: Some(5), network_error: None };
        let receipt = read(TEXT, &parameters, &[]).unwrap();
        assert_eq!((receipt.message_id.as_str(), receipt.fate), ("77", Fate::Undelivered));
    }

    #[test]
    fn every_final_word_has_its_fate() {
        let fate = |word: &str| read(&format!("id:1 stat:{word}"), &Parameters::default(), &[]).unwrap().fate;
        assert_eq!(["DELIVRD", "DELIVERED"].map(fate), [Fate::Delivered; 2]);
        assert_eq!(["EXPIRED", "DELETED", "UNDELIV", "REJECTD"].map(fate), [Fate::Undelivered; 4]);
        assert_eq!(["ENROUTE", "ACCEPTD", "UNKNOWN", "?", ""].map(fate), [Fate::OnItsWay; 5]);
    }

    #[test]
    fn what_names_no_message_is_no_receipt() {
        assert_eq!(read("SAIR", &Parameters::default(), &[]), None);
        assert_eq!(read("", &Parameters { state: Some(2), ..Parameters::default() }, &[]), None);
    }

    #[test]
    fn leading_zeros_and_capitals_do_not_matter() {
        assert_eq!(["000a1F", " A1f\0", "a1f", "0x0A1F"].map(normal_id), ["a1f"; 4]);
        assert_eq!(normal_id("000"), "0");
    }

    #[test]
    fn an_id_without_end_is_cut_where_an_index_still_takes_it() {
        assert_eq!(normal_id(&"é".repeat(70_000)), "é".repeat(ID_LETTERS));
        let receipt = read(&format!("id:{} stat:DELIVRD", "7a".repeat(30_000)), &Parameters::default(), &[]).unwrap();
        assert_eq!(receipt.message_id.len(), ID_LETTERS);
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
