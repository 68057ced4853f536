//! The Portuguese single shift table of GSM 7-bit (3GPP TS 23.038, section A.2.3): letters with accents as the escape and a code, so
//! that a message with some of them need not be written in sixteen bits, which halves it.

/// The element of the user data header that names the table: single shift, one octet, Portuguese (3GPP TS 23.040, section
/// 9.2.3.24.15, and TS 23.038, table 6.2.1.2.4).
pub const HEADER: [u8; 3] = [0x24, 0x01, 0x03];

/// Every letter of the table with its code after the escape.
const PORTUGUESE: [(char, u8); 37] = [
    ('ê', 0x05),
    ('ç', 0x09),
    ('\u{0c}', 0x0A),
    ('Ô', 0x0B),
    ('ô', 0x0C),
    ('Á', 0x0E),
    ('á', 0x0F),
    ('Φ', 0x12),
    ('Γ', 0x13),
    ('^', 0x14),
    ('Ω', 0x15),
    ('Π', 0x16),
    ('Ψ', 0x17),
    ('Σ', 0x18),
    ('Θ', 0x19),
    ('Ê', 0x1F),
    ('{', 0x28),
    ('}', 0x29),
    ('\\', 0x2F),
    ('[', 0x3C),
    ('~', 0x3D),
    (']', 0x3E),
    ('|', 0x40),
    ('À', 0x41),
    ('Í', 0x49),
    ('Ó', 0x4F),
    ('Ú', 0x55),
    ('Ã', 0x5B),
    ('Õ', 0x5C),
    ('Â', 0x61),
    ('€', 0x65),
    ('í', 0x69),
    ('ó', 0x6F),
    ('ú', 0x75),
    ('ã', 0x7B),
    ('õ', 0x7C),
    ('â', 0x7F),
];

/// The code of a letter after the escape.
pub fn code(letter: char) -> Option<u8> {
    PORTUGUESE.iter().find(|(known, _)| *known == letter).map(|(_, code)| *code)
}

#[cfg(test)]
mod tests {
    use crate::dispatch::sms_text::{Encoding, encode_with, measure, measure_with};

    /// As a telephone that knows the table reads it.
    fn read(octets: &[u8]) -> String {
        let mut text = String::new();
        let mut rest = octets.iter();
        while let Some(octet) = rest.next() {
            if *octet == 0x1b {
                let code = rest.next().unwrap();
                text.push(super::PORTUGUESE.iter().find(|(_, known)| known == code).unwrap().0);
            } else {
                text.push(char::from(*octet));
            }
        }
        text
    }

    #[test]
    fn a_warning_with_accents_costs_one_segment_and_not_three() {
        let text = "Defesa Civil: risco de inundação no Poço Rico. Não volte para casa. Vá ao abrigo da Escola São João, \
             rua Benjamim Constant 20. Emergência: 199.";
        assert_eq!((measure(text).encoding, measure(text).segments), (Encoding::Ucs2, 3));
        let national = measure_with(text, true);
        assert_eq!((national.encoding, national.segments, national.forcing.len()), (Encoding::Gsm7Portuguese, 1, 0));
        let encoded = encode_with(text, 7, true).unwrap();
        assert!(encoded.has_header && encoded.parts.len() == 1);
        let (header, body) = encoded.parts[0].split_at(4);
        assert_eq!(header, [3, 0x24, 1, 3]);
        assert!(body.len() <= 155);
        assert_eq!(read(body).replace('\u{5}', "é"), text);
    }

    #[test]
    fn parts_name_both_the_message_and_the_table_and_no_letter_is_torn() {
        let text = "ã".repeat(100) + &"a".repeat(200);
        let encoded = encode_with(&text, 9, true).unwrap();
        assert_eq!(encoded.encoding, Encoding::Gsm7Portuguese);
        let total = encoded.parts.len();
        for (part, index) in encoded.parts.iter().zip(1..) {
            assert_eq!(part[..9], [8, 0, 3, 9, u8::try_from(total).unwrap(), index, 0x24, 1, 3]);
            assert!(part.len() - 9 <= 149 && part.last() != Some(&0x1b));
        }
        let whole: String = encoded.parts.iter().map(|part| read(&part[9..])).collect();
        assert_eq!(whole, text);
    }

    #[test]
    fn where_nothing_is_saved_every_telephone_is_served() {
        assert_eq!(measure_with("Não.", true).encoding, Encoding::Ucs2);
        assert_eq!(measure_with("Nao.", true).encoding, Encoding::Gsm7);
        assert_eq!(measure_with(&"ã🌧".repeat(40), true).encoding, Encoding::Ucs2);
    }
}
