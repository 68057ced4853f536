//! Which letters the bytes of a feed are. Many are written in latin-1, and some say that they are not. Pure.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

/// Bytes at the start in which a document may say how it is written.
const LOOKED_AT: usize = 256;

/// The text. A mark at the start counts first, then what the server says, then what the document says, then UTF-8; what is no UTF-8 although
/// it should be is read as windows-1252, which holds latin-1.
pub fn decode<'a>(body: &'a [u8], content_type: &str) -> Cow<'a, str> {
    if let Some((encoding, mark)) = Encoding::for_bom(body) {
        return encoding.decode_without_bom_handling(&body[mark..]).0;
    }
    let said = of_header(content_type).or_else(|| of_document(body)).unwrap_or(UTF_8);
    let (text, is_broken) = said.decode_without_bom_handling(body);
    if is_broken && said == UTF_8 {
        return WINDOWS_1252.decode_without_bom_handling(body).0;
    }
    text
}

fn of_header(content_type: &str) -> Option<&'static Encoding> {
    let charset = content_type.split(';').skip(1).find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"').to_owned())
    })?;
    Encoding::for_label(charset.as_bytes())
}

/// Of the declaration of XML.
fn of_document(body: &[u8]) -> Option<&'static Encoding> {
    let start = String::from_utf8_lossy(&body[..body.len().min(LOOKED_AT)]);
    let declaration = start.trim_start().strip_prefix("<?xml")?.split_once("?>")?.0;
    let value = declaration.split_once("encoding")?.1.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let label = value[1..].split_once(quote)?.0;
    // What is read byte by byte here is no UTF-16.
    Encoding::for_label(label.as_bytes()).filter(|encoding| encoding.is_ascii_compatible())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latin_1_is_read_whoever_says_so_and_when_nobody_does() {
        let declared = b"<?xml version='1.0' encoding='ISO-8859-1'?><t>Tr\xeas</t>";
        assert!(decode(declared, "application/xml").contains("Três"));
        assert!(decode(b"<t>Tr\xeas</t>", "text/xml; charset=\"iso-8859-1\"").contains("Três"));
        assert!(decode(b"<t>Tr\xeas</t>", "").contains("Três"));
        let lies = b"<?xml version=\"1.0\" encoding=\"utf-8\"?><t>Tr\xeas \x93x\x94</t>";
        assert!(decode(lies, "").contains("Três “x”"));
        assert!(decode("<?xml version=\"1.0\" encoding=\"utf-8\"?><t>Três</t>".as_bytes(), "").contains("Três"));
        assert!(decode(b"\xff\xfe<\0t\0>\0", "").starts_with("<t>"));
        assert!(decode(b"<?xml encoding='utf-16'?><t/>", "").contains("<t/>"));
    }
}
