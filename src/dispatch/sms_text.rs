//! How a text travels as SMS: alphabet, segments, bytes (3GPP TS 23.038 and 23.040).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::national;

/// The GSM 7-bit default alphabet in code order. The escape stands at 0x1B.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u{1b}ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
    ¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";

/// The extension table: each is sent as the escape and this code.
const EXTENSION: [(char, u8); 10] = [
    ('\u{0c}', 0x0A),
    ('^', 0x14),
    ('{', 0x28),
    ('}', 0x29),
    ('\\', 0x2F),
    ('[', 0x3C),
    ('~', 0x3D),
    (']', 0x3E),
    ('|', 0x40),
    ('€', 0x65),
];

const ESCAPE: u8 = 0x1B;

/// Codes of a character, one or two.
static CODES: LazyLock<BTreeMap<char, Vec<u8>>> = LazyLock::new(|| {
    let basic = BASIC.chars().zip(0_u8..).filter(|(_, code)| *code != ESCAPE).map(|(c, code)| (c, vec![code]));
    basic.chain(EXTENSION.iter().map(|(c, code)| (*c, vec![ESCAPE, *code]))).collect()
});

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Seven-bit units, 160 in one message or 153 in a part.
    Gsm7,
    /// The same with the Portuguese single shift table, which a header of each message names: 155 or 149.
    Gsm7Portuguese,
    /// Sixteen-bit units (UTF-16, so an emoji takes two), 70 in one message or 67 in a part.
    Ucs2,
}

impl Encoding {
    pub const fn single(self) -> usize {
        match self {
            Self::Gsm7 => 160,
            Self::Gsm7Portuguese => 155,
            Self::Ucs2 => 70,
        }
    }

    /// What is left of a part beside the header that joins it to the others.
    pub const fn part(self) -> usize {
        match self {
            Self::Gsm7 => 153,
            Self::Gsm7Portuguese => 149,
            Self::Ucs2 => 67,
        }
    }

    /// SMPP 3.4 `data_coding`: the centre's default alphabet, or UCS-2.
    pub const fn data_coding(self) -> u8 {
        match self {
            Self::Gsm7 | Self::Gsm7Portuguese => 0x00,
            Self::Ucs2 => 0x08,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmsLength {
    pub encoding: Encoding,
    /// Septets (an extension character takes two) or UTF-16 units.
    pub units: usize,
    /// What is paid: at least 1.
    pub segments: usize,
    /// The characters, each once and in order, that force sixteen bits.
    pub forcing: Vec<char>,
}

/// Length, alphabet and price of a text.
pub fn measure(text: &str) -> SmsLength {
    measure_with(text, false)
}

/// The same where the provider carries the Portuguese table (`national_shift`). It is used where it saves a segment and not where
/// sixteen bits cost the same, because every telephone reads those.
pub fn measure_with(text: &str, national: bool) -> SmsLength {
    let mut forcing = Vec::new();
    for c in text.chars().filter(|c| !CODES.contains_key(c)) {
        if !forcing.contains(&c) {
            forcing.push(c);
        }
    }
    let is_portuguese = national && forcing.iter().all(|c| national::code(*c).is_some());
    let parts = |encoding| split(text, encoding).len();
    if national && !is_portuguese {
        // What the table carries is not what forces sixteen bits.
        forcing.retain(|c| national::code(*c).is_none());
    }
    let encoding = match forcing.is_empty() {
        true => Encoding::Gsm7,
        false if is_portuguese && parts(Encoding::Gsm7Portuguese) < parts(Encoding::Ucs2) => Encoding::Gsm7Portuguese,
        false => Encoding::Ucs2,
    };
    if encoding != Encoding::Ucs2 {
        forcing.clear();
    }
    let units = text.chars().map(|c| units_of(c, encoding)).sum();
    SmsLength { encoding, units, segments: split(text, encoding).len(), forcing }
}

/// The text as phones put it together: one piece for each part that is paid.
pub fn segments(text: &str) -> Vec<&str> {
    segments_with(text, false)
}

/// The same where the provider carries the Portuguese table.
pub fn segments_with(text: &str, national: bool) -> Vec<&str> {
    split(text, measure_with(text, national).encoding)
}

/// What a character becomes that forces sixteen bits; `None` when there is nothing like it in the alphabet.
pub fn replacement(c: char) -> Option<String> {
    let plain = transliterate(&c.to_string());
    measure(&plain).forcing.is_empty().then_some(plain)
}

fn units_of(c: char, encoding: Encoding) -> usize {
    match encoding {
        Encoding::Gsm7 => CODES.get(&c).map_or(1, Vec::len),
        Encoding::Gsm7Portuguese => septets(c).len(),
        Encoding::Ucs2 => c.len_utf16(),
    }
}

/// With the Portuguese table: its letters are the escape and their code, as those of the usual extension are.
fn septets(c: char) -> Vec<u8> {
    match (CODES.get(&c), national::code(c)) {
        (Some(codes), _) if codes.len() == 1 => codes.clone(),
        (_, Some(code)) => vec![ESCAPE, code],
        (Some(codes), None) => codes.clone(),
        (None, None) => Vec::new(),
    }
}

/// Cuts between characters, so that neither an escape nor a surrogate pair is torn apart.
fn split(text: &str, encoding: Encoding) -> Vec<&str> {
    let total: usize = text.chars().map(|c| units_of(c, encoding)).sum();
    if total <= encoding.single() {
        return vec![text];
    }
    let (mut parts, mut start, mut used) = (Vec::new(), 0, 0);
    for (at, c) in text.char_indices() {
        let units = units_of(c, encoding);
        if used + units > encoding.part() {
            parts.push(&text[start..at]);
            (start, used) = (at, 0);
        }
        used += units;
    }
    parts.push(&text[start..]);
    parts
}

/// A text ready for `submit_sm`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    pub encoding: Encoding,
    /// Whether each part begins with a user data header: `esm_class` needs the UDHI bit (0x40) then.
    pub has_header: bool,
    /// `short_message` of each part, at most 140 octets once the centre packs it (a GSM part holds up to 160 unpacked).
    pub parts: Vec<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("the text takes {0} SMS parts; at most 255 can be joined")]
pub struct TooManyParts(pub usize);

/// Octets for SMPP: unpacked septets, or UTF-16 big-endian. `reference` joins the parts of one message on the phone (header
/// 05 00 03 reference total index), so messages sent to one number in a row should differ in it.
pub fn encode(text: &str, reference: u8) -> Result<Encoded, TooManyParts> {
    encode_with(text, reference, false)
}

/// The same where the provider carries the Portuguese table.
///
/// # Errors
/// As [`encode`].
pub fn encode_with(text: &str, reference: u8, national: bool) -> Result<Encoded, TooManyParts> {
    let encoding = measure_with(text, national).encoding;
    let pieces = split(text, encoding);
    let total = u8::try_from(pieces.len()).map_err(|_| TooManyParts(pieces.len()))?;
    let parts: Vec<Vec<u8>> = pieces
        .iter()
        .zip(1_u8..)
        .map(|(piece, index)| {
            let label = (total > 1).then_some([0x00, 0x03, reference, total, index]);
            let table = (encoding == Encoding::Gsm7Portuguese).then_some(national::HEADER);
            let mut octets: Vec<u8> = label.iter().flatten().chain(table.iter().flatten()).copied().collect();
            if let Ok(length @ 1..) = u8::try_from(octets.len()) {
                octets.insert(0, length);
            }
            match encoding {
                Encoding::Gsm7 => octets.extend(piece.chars().filter_map(|c| CODES.get(&c)).flatten()),
                Encoding::Gsm7Portuguese => octets.extend(piece.chars().flat_map(septets)),
                Encoding::Ucs2 => octets.extend(piece.encode_utf16().flat_map(u16::to_be_bytes)),
            }
            octets
        })
        .collect();
    let has_header = total > 1 || encoding == Encoding::Gsm7Portuguese;
    Ok(Encoded { encoding, has_header, parts })
}

/// The text in the GSM alphabet as far as possible: what is in it stays (é, à, ñ, Ç), the rest loses its accent (ã → a, ç → c)
/// or becomes its plain sign (– → -). What has no likeness, such as an emoji, stays and still forces sixteen bits.
pub fn transliterate(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match likeness(c) {
            Some(like) if !CODES.contains_key(&c) => plain.push_str(like),
            _ => plain.push(c),
        }
    }
    plain
}

fn likeness(c: char) -> Option<&'static str> {
    Some(match c {
        'á' | 'â' | 'ã' | 'ā' | 'ă' | 'ª' => "a",
        'À' | 'Á' | 'Â' | 'Ã' | 'Ā' => "A",
        'ç' | 'ć' | 'č' => "c",
        'Ć' | 'Č' => "C",
        'ê' | 'ë' | 'ē' => "e",
        'È' | 'Ê' | 'Ë' | 'Ē' => "E",
        'í' | 'î' | 'ï' | 'ī' => "i",
        'Ì' | 'Í' | 'Î' | 'Ï' => "I",
        'ó' | 'ô' | 'õ' | 'ō' | 'º' | '°' => "o",
        'Ò' | 'Ó' | 'Ô' | 'Õ' => "O",
        'ú' | 'û' | 'ū' => "u",
        'Ù' | 'Ú' | 'Û' => "U",
        'ý' | 'ÿ' => "y",
        'Ý' => "Y",
        '‘' | '’' | '´' | '`' | '′' => "'",
        '“' | '”' | '„' | '«' | '»' | '″' => "\"",
        '‐' | '‑' | '‒' | '–' | '—' | '−' => "-",
        '…' => "...",
        '•' | '·' | '×' => "*",
        '\u{a0}' | '\u{2009}' | '\u{202f}' | '\t' => " ",
        '¹' => "1",
        '²' => "2",
        '³' => "3",
        '½' => "1/2",
        '≥' => ">=",
        '≤' => "<=",
        '→' => "->",
        // A combining accent on its own, as some systems write them, and invisible joiners.
        '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200d}' | '\u{feff}' => "",
        _ => return None,
    })
}

/// The text of a message that somebody sent, by the data coding its centre names (SMPP 3.4, section 5.2.19). What cannot be in
/// that coding becomes a mark.
pub fn decode(octets: &[u8], data_coding: u8) -> String {
    match data_coding {
        8 => {
            let units: Vec<u16> = octets.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
            String::from_utf16_lossy(&units)
        }
        3 => octets.iter().map(|octet| char::from(*octet)).collect(),
        0 => decode_gsm(octets),
        _ => String::from_utf8_lossy(octets).into_owned(),
    }
}

/// One septet an octet, as SMPP hands them over. Centres that send ASCII or UTF-8 under this coding are understood where
/// the two differ: bytes above the alphabet are none of it.
fn decode_gsm(octets: &[u8]) -> String {
    if octets.iter().any(|octet| *octet > 0x7f) {
        return match std::str::from_utf8(octets) {
            Ok(text) => text.to_owned(),
            Err(_) => octets.iter().map(|octet| char::from(*octet)).collect(),
        };
    }
    let mut text = String::with_capacity(octets.len());
    let mut is_escaped = false;
    for octet in octets {
        if *octet == ESCAPE {
            is_escaped = true;
            continue;
        }
        let extended = EXTENSION.iter().find(|(_, code)| is_escaped && code == octet).map(|(letter, _)| *letter);
        is_escaped = false;
        text.extend(extended.or_else(|| BASIC.chars().nth(usize::from(*octet))));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> (Encoding, usize, usize) {
        let length = measure(text);
        (length.encoding, length.units, length.segments)
    }

    #[test]
    fn the_alphabet_has_its_127_characters_and_ten_more_at_their_codes() {
        assert_eq!((BASIC.chars().count(), CODES.len()), (128, 137));
        let code = |c: char| CODES[&c].clone();
        assert_eq!((code('@'), code(' '), code('A'), code('a')), (vec![0], vec![0x20], vec![0x41], vec![0x61]));
        assert_eq!((code('Ç'), code('é'), code('à'), code('¤')), (vec![9], vec![5], vec![0x7F], vec![0x24]));
        assert_eq!(
            (code('¡'), code('§'), code('¿'), code('€')),
            (vec![0x40], vec![0x5F], vec![0x60], vec![0x1B, 0x65])
        );
    }

    #[test]
    fn one_message_holds_160_and_a_longer_one_goes_in_parts_of_153() {
        for (count, segments) in [(0, 1), (1, 1), (160, 1), (161, 2), (306, 2), (307, 3), (459, 3), (460, 4)] {
            assert_eq!(told(&"a".repeat(count)), (Encoding::Gsm7, count, segments), "{count}");
        }
    }

    #[test]
    fn an_accent_outside_the_alphabet_makes_it_70_and_67() {
        for (count, segments) in [(1, 1), (70, 1), (71, 2), (134, 2), (135, 3)] {
            assert_eq!(told(&"ã".repeat(count)), (Encoding::Ucs2, count, segments), "{count}");
        }
        assert_eq!(measure("São João, atenção: até já").forcing, ['ã', 'ç', 'á']);
        assert_eq!(measure("Até amanhã").forcing, ['ã']);
    }

    #[test]
    fn an_extension_character_takes_two_and_is_never_torn() {
        assert_eq!(told(&format!("{}€", "a".repeat(158))), (Encoding::Gsm7, 160, 1));
        assert_eq!(told(&format!("{}€", "a".repeat(159))), (Encoding::Gsm7, 161, 2));
        let text = format!("{}€{}", "a".repeat(152), "b".repeat(152));
        let encoded = encode(&text, 7).unwrap();
        // The euro would straddle the border at 153, so it moves whole into the second part, which the third completes.
        assert_eq!(told(&text), (Encoding::Gsm7, 306, 3));
        assert_eq!(encoded.parts[0].len(), 6 + 152);
        assert_eq!(encoded.parts[1][..8], [5, 0, 3, 7, 3, 2, 0x1B, 0x65]);
        assert_eq!(encoded.parts[2], [5, 0, 3, 7, 3, 3, b'b']);
    }

    #[test]
    fn an_emoji_takes_two_units_and_is_never_torn() {
        assert_eq!(told(&"🌧".repeat(35)), (Encoding::Ucs2, 70, 1));
        assert_eq!(told(&"🌧".repeat(36)), (Encoding::Ucs2, 72, 2));
        let encoded = encode(&"🌧".repeat(36), 1).unwrap();
        assert_eq!(encoded.parts.iter().map(Vec::len).collect::<Vec<_>>(), [6 + 33 * 4, 6 + 3 * 4]);
    }

    #[test]
    fn a_short_text_is_encoded_without_a_header() {
        let plain = encode("Água? Não.@", 1).unwrap();
        assert_eq!((plain.encoding, plain.has_header), (Encoding::Ucs2, false));
        assert_eq!(plain.parts[0][..4], [0x00, 0xC1, 0x00, b'g']);
        let gsm = encode("Ção@{".replace("ão", "AO").as_str(), 1).unwrap();
        assert_eq!(gsm.parts, [vec![0x09, b'A', b'O', 0x00, 0x1B, 0x28]]);
        assert_eq!((gsm.encoding.data_coding(), plain.encoding.data_coding()), (0, 8));
    }

    #[test]
    fn every_octet_of_a_long_text_arrives_in_order() {
        let text = "DEFESA CIVIL: saia agora. ".repeat(20);
        let encoded = encode(&text, 200).unwrap();
        assert!(encoded.has_header && encoded.parts.len() == measure(&text).segments);
        let joined: Vec<u8> = encoded.parts.iter().flat_map(|part| part[6..].to_vec()).collect();
        assert_eq!(joined, text.as_bytes());
        assert!(encoded.parts.iter().all(|part| part.len() <= 159));
    }

    #[test]
    fn what_people_send_is_read_by_its_coding() {
        assert_eq!(decode(b"RELATO rua alagada", 0), "RELATO rua alagada");
        assert_eq!(decode(&[0x05, 0x1b, 0x65, 0x09], 0), "é€Ç");
        assert_eq!(decode("RELATO árvore".as_bytes(), 0), "RELATO árvore");
        assert_eq!(decode(b"\xc1rvore", 3), "Árvore");
        let ucs2: Vec<u8> = "Ocorrência 🌧".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(decode(&ucs2, 8), "Ocorrência 🌧");
        assert_eq!(decode(&[0xd8], 8), "");
    }

    #[test]
    fn a_text_beyond_255_parts_is_refused() {
        assert_eq!(encode(&"a".repeat(153 * 256), 1), Err(TooManyParts(256)));
    }

    #[test]
    fn what_is_in_the_alphabet_stays_and_the_rest_becomes_plain() {
        assert_eq!(transliterate("Atenção: até já, coração – ÇÃO…"), "Atencao: até ja, coracao - ÇAO...");
        assert_eq!(transliterate("Jose\u{301} 30º “são”"), "Jose 30o \"sao\"");
        assert_eq!(measure(&transliterate("ÁÉÍÓÚÂÊÔÃÕÀÇáéíóúâêôãõàçüñ")).encoding, Encoding::Gsm7);
        assert_eq!(transliterate("chuva 🌧"), "chuva 🌧");
    }

    proptest::proptest! {
        #[test]
        fn parts_add_up_to_the_text_and_none_is_too_long(text in "[a-z€{ãç🌧 ]{0,400}", reference: u8) {
            let (length, encoded) = (measure(&text), encode(&text, reference).unwrap());
            assert_eq!(encoded.parts.len(), length.segments);
            let header = if encoded.has_header { 6 } else { 0 };
            let octets: Vec<u8> = encoded.parts.iter().flat_map(|part| part[header..].to_vec()).collect();
            let width = if length.encoding == Encoding::Ucs2 { 2 } else { 1 };
            assert_eq!(octets.len(), length.units * width);
            let room = if encoded.has_header { length.encoding.part() } else { length.encoding.single() };
            assert!(encoded.parts.iter().all(|part| part.len() - header <= room * width));
        }

        #[test]
        fn making_a_text_plain_is_done_once_and_never_makes_it_dearer(text in "\\PC{0,200}") {
            let plain = transliterate(&text);
            assert_eq!(transliterate(&plain), plain);
            assert!(measure(&plain).forcing.len() <= measure(&text).forcing.len());
        }
    }
}
