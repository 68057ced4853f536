//! Messages of people that come in parts (3GPP TS 23.040, sections 9.2.3.24.1 and 9.2.3.24.8): which part it is, and the text of
//! all. Pure.

use super::sms_text;

/// Stands in the text for what did not come.
const MISSING: &str = "[…]";
const UCS2: u8 = 8;

/// What joins a part to the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    pub reference: u16,
    pub total: u8,
    /// From 1.
    pub number: u8,
}

impl Label {
    /// `None` for what is no part of several: a message of one, or numbers that cannot be.
    pub fn new(reference: u16, total: u8, number: u8) -> Option<Self> {
        let is_part = total >= 2 && (1..=total).contains(&number);
        is_part.then_some(Self { reference, total, number })
    }
}

/// A part as it came. Its text is read with the others', because a letter may be torn between two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub destination: String,
    pub label: Label,
    pub data_coding: u8,
    pub octets: Vec<u8>,
}

/// A part that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub number: u8,
    pub data_coding: u8,
    pub octets: Vec<u8>,
}

/// The label in a user data header, and where the text begins behind it.
pub fn header(octets: &[u8]) -> (Option<Label>, usize) {
    let Some(length) = octets.first().map(|length| usize::from(*length)) else { return (None, 0) };
    let begins = length + 1;
    let mut rest = octets.get(1..begins).unwrap_or_default();
    while let [element, length, data @ ..] = rest {
        let Some(data) = data.get(..usize::from(*length)) else { break };
        let label = match (*element, data) {
            (0x00, [reference, total, number]) => Label::new(u16::from(*reference), *total, *number),
            (0x08, [high, low, total, number]) => Label::new(u16::from_be_bytes([*high, *low]), *total, *number),
            _ => None,
        };
        if label.is_some() {
            return (label, begins);
        }
        rest = &rest[2 + data.len()..];
    }
    (None, begins)
}

/// The text of the parts that are there, with a mark where some are missing.
pub fn join(total: u8, parts: &[Kept]) -> String {
    let mut text = String::new();
    let mut run: Vec<u8> = Vec::new();
    let mut coding = None;
    for number in 1..=total {
        let part = parts.iter().find(|part| part.number == number);
        // Half a unit of UCS-2 would shift whatever follows it.
        let is_torn = coding == Some(UCS2) && run.len() % 2 == 1;
        if part.map(|part| part.data_coding) != coding || is_torn {
            read_run(&mut text, &mut run, coding);
            coding = part.map(|part| part.data_coding);
        }
        match part {
            Some(part) => run.extend_from_slice(&part.octets),
            None if text.ends_with(MISSING) => {}
            None => {
                if !text.is_empty() {
                    text.push(' ');
                }
                text.push_str(MISSING);
            }
        }
    }
    read_run(&mut text, &mut run, coding);
    text
}

/// Reads what lies together in one coding, and empties it.
fn read_run(text: &mut String, run: &mut Vec<u8>, coding: Option<u8>) {
    let Some(coding) = coding else { return };
    if text.ends_with(MISSING) {
        text.push(' ');
    }
    text.push_str(&sms_text::decode(run, coding));
    run.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(number: u8, text: &[u8]) -> Kept {
        Kept { number, data_coding: 0, octets: text.to_vec() }
    }

    fn ucs2(number: u8, units: &[u16]) -> Kept {
        Kept { number, data_coding: 8, octets: units.iter().flat_map(|unit| unit.to_be_bytes()).collect() }
    }

    #[test]
    fn both_forms_of_the_header_are_read_among_others() {
        let label = |reference, total, number| Label { reference, total, number };
        assert_eq!(header(&[5, 0, 3, 7, 2, 1, b'a']), (Some(label(7, 2, 1)), 6));
        assert_eq!(header(&[6, 8, 4, 1, 2, 3, 3, b'a']), (Some(label(0x0102, 3, 3)), 7));
        assert_eq!(header(&[11, 5, 4, 0, 1, 0, 2, 0, 3, 9, 2, 2]), (Some(label(9, 2, 2)), 12));
    }

    #[test]
    fn what_is_no_part_of_several_is_a_message_of_its_own() {
        for octets in [
            &[5, 0, 3, 7, 1, 1][..],
            &[5, 0, 3, 7, 2, 0],
            &[5, 0, 3, 7, 2, 3],
            &[5, 0, 9, 7, 2, 1],
            &[6, 5, 4, 0, 1, 0, 2],
            &[200, 0, 3, 7],
            &[0],
            &[],
        ] {
            assert_eq!(header(octets).0, None, "{octets:?}");
        }
    }

    #[test]
    fn parts_are_read_in_their_order_and_what_is_missing_is_marked() {
        let (one, two, three) = (kept(1, b"barranco "), kept(2, b"caiu na "), kept(3, b"rua"));
        assert_eq!(join(3, &[three.clone(), one.clone(), two.clone()]), "barranco caiu na rua");
        assert_eq!(join(4, &[one.clone(), two]), "barranco caiu na  […]");
        assert_eq!(join(4, &[one, kept(4, b"rua")]), "barranco  […] rua");
        assert_eq!(join(3, &[three]), "[…] rua");
    }

    #[test]
    fn a_letter_torn_between_two_parts_is_whole_again() {
        let rain: Vec<u16> = "🌧".encode_utf16().collect();
        assert_eq!(join(2, &[ucs2(1, &rain[..1]), ucs2(2, &rain[1..])]), "🌧");
        assert_eq!(join(2, &[kept(1, &[b'a', 0x1b]), kept(2, &[0x65])]), "a€");
        assert_eq!(join(2, &[kept(1, b"a"), ucs2(2, &[0xe3])]), "aã");
        let half = Kept { number: 1, data_coding: 8, octets: vec![0, b'a', 0] };
        assert_eq!(join(2, &[half, ucs2(2, &[0xe3])]), "aã");
    }
}
