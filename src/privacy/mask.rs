//! Takes telephone numbers and e-mail addresses out of texts. Every log line passes here on its way out, so that no error of
//! a driver, a server or a library can carry one (`telemetry`).

use std::borrow::Cow;

/// The text with e-mail addresses as `m***@example.org` and telephone numbers as `+55 32 *****-1234`.
///
/// A telephone number is a run of 10 to 15 digits in which only spaces, brackets, dots and dashes of the usual forms stand
/// between them, and not part of a longer word: identifiers, instants and coordinates stay readable.
pub fn mask(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(|byte| byte == b'@') && !has_many_digits(text) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(phones(&emails(text)))
}

fn has_many_digits(text: &str) -> bool {
    text.bytes().filter(u8::is_ascii_digit).count() >= 10
}

fn emails(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('@') {
        let (before, after) = (&rest[..at], &rest[at + 1..]);
        let user_at = before
            .rfind(|c: char| !is_local(c))
            .map_or(0, |i| i + before[i..].chars().next().map_or(1, char::len_utf8));
        let user = &before[user_at..];
        let domain_len = after.find(|c: char| !is_domain(c)).unwrap_or(after.len());
        let domain = &after[..domain_len];
        out.push_str(&before[..user_at]);
        // A letter or digit on both sides, and a dot, make an address; `user:secret@host:1883` of a URL is one too, and as private.
        if user.is_empty() || !domain.starts_with(|c: char| c.is_alphanumeric()) {
            out.push_str(user);
        } else {
            out.extend(user.chars().next());
            out.push_str("***");
        }
        out.push('@');
        out.push_str(domain);
        rest = &after[domain_len..];
    }
    out.push_str(rest);
    out
}

fn is_local(c: char) -> bool {
    c.is_alphanumeric() || ".!#$%&'*+-/=?^_`{|}~".contains(c)
}

fn is_domain(c: char) -> bool {
    c.is_alphanumeric() || c == '.' || c == '-'
}

fn phones(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let after_word = at > 0 && (chars[at - 1].is_alphanumeric() || "-_.:".contains(chars[at - 1]));
        let begins = chars[at] == '+' || chars[at] == '(' || chars[at].is_ascii_digit();
        match if begins && !after_word { phone(&chars[at..]) } else { None } {
            Some((length, shown)) => {
                out.push_str(&shown);
                at += length;
            }
            None => {
                out.push(chars[at]);
                at += 1;
            }
        }
    }
    out
}

/// The length of the number that begins here, and what is shown of it.
fn phone(chars: &[char]) -> Option<(usize, String)> {
    let mut digits = String::new();
    let mut end = 0;
    let mut gap = 0;
    for (i, c) in chars.iter().enumerate() {
        if c.is_ascii_digit() {
            digits.push(*c);
            end = i + 1;
            gap = 0;
        } else if (*c == '+' && i == 0) || (" ().-".contains(*c) && gap < 2) {
            gap += 1;
        } else {
            break;
        }
    }
    // Part of a word, an instant ("…T12", "12:30"), a UUID or a decimal number.
    let next = chars.get(end).copied().unwrap_or(' ');
    let part_of_more = next.is_alphanumeric() || "_:".contains(next);
    let written: String = chars[..end].iter().collect();
    let international = written.starts_with('+');
    let looks = if international { (8..=15).contains(&digits.len()) } else { is_brazilian(&digits) };
    if part_of_more || !looks || is_date(&written) {
        return None;
    }
    let tail = &digits[digits.len() - 4..];
    let national = digits.strip_prefix("55").filter(|rest| rest.len() >= 10).unwrap_or(&digits);
    let shown = if national.len() < digits.len() || !international {
        format!("+55 {} *****-{tail}", &national[..2])
    } else {
        format!("+*****{tail}")
    };
    Some((end, shown))
}

/// Area code and nine digits that begin with 9, or eight of a landline; with or without the country.
fn is_brazilian(digits: &str) -> bool {
    let national = match digits.len() {
        12 | 13 if digits.starts_with("55") => &digits[2..],
        10 | 11 => digits,
        _ => return false,
    };
    let bytes = national.as_bytes();
    bytes[0] != b'0' && bytes[1] != b'0' && (bytes.len() == 10 || bytes[2] == b'9')
}

/// "2026-02-22 12" is an instant.
fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 10 && bytes[4] == b'-' && bytes[7] == b'-' && bytes[..4].iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn telephones_and_addresses_are_masked_wherever_they_stand() {
        for (text, shown) in [
            ("no route to +5532999991234.", "no route to +55 32 *****-1234."),
            ("5532999991234", "+55 32 *****-1234"),
            ("(32) 99999-1234 called", "+55 32 *****-1234 called"),
            ("Key (address)=(+5532999991234) already exists", "Key (address)=(+55 32 *****-1234) already exists"),
            ("+12025550100", "+*****0100"),
            ("550 <maria.souza@exemplo.br> unknown", "550 <m***@exemplo.br> unknown"),
            ("a@b.example, c@d.example", "a***@b.example, c***@d.example"),
            ("ação de josé@exemplo.br", "ação de j***@exemplo.br"),
        ] {
            assert_eq!(mask(text), shown, "{text}");
        }
    }

    #[test]
    fn instants_identifiers_and_numbers_stay_readable() {
        for text in [
            "2026-02-22T12:00:00.123456Z  INFO sentinela: ready",
            "2026-02-22 12:00:00",
            "alert=0199d0a2-1111-7222-8333-123456789012",
            "BR-3136702-2026-1-0f0f0f0f",
            "took=1.234567891s rows=12345678901234567890",
            "http://127.0.0.1:8080/console",
            "-43.405123 -21.705321",
            "row@ nothing",
        ] {
            assert_eq!(mask(text), text);
        }
    }
}
