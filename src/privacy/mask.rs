//! Takes telephone numbers and e-mail addresses out of texts. Every log line passes here on its way out, so that no error of
//! a driver, a server or a library can carry one (`telemetry`).

use std::borrow::Cow;

/// The text with e-mail addresses as `m***@example.org` and telephone numbers as `+55 32 *****-1234`.
///
/// A telephone number is a run of 10 to 15 digits in which only spaces, brackets, dots and dashes of the usual forms stand
/// between them, and not part of a longer word: identifiers, instants and coordinates stay readable.
pub fn mask(text: &str) -> Cow<'_, str> {
    if text.contains("%40") || text.contains("%2B") || text.contains("%2b") {
        // As they stand in addresses of pages and in forms.
        let plain = text.replace("%40", "@").replace("%2B", "+").replace("%2b", "+");
        return Cow::Owned(phones(&emails(&plain)));
    }
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
        match if may_begin(&chars, at) { phone(&chars[at..]) } else { None } {
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

/// Whether a number may begin here: not inside a word, an identifier, an instant or a decimal number. A plus sign says itself
/// what follows.
fn may_begin(chars: &[char], at: usize) -> bool {
    let before = |back: usize| at.checked_sub(back).map_or(' ', |i| chars[i]);
    match chars[at] {
        '+' => true,
        '(' | '0'..='9' => match before(1) {
            // A bare number with decimals behind the name of a JSON field, such as how long a statement took.
            ':' if before(2) == '"' && is_decimal(&chars[at..]) => false,
            ':' | '.' => !before(2).is_ascii_digit(),
            '-' => !before(2).is_alphanumeric(),
            other => !other.is_alphanumeric(),
        },
        _ => false,
    }
}

/// Whether digits, one dot and digits stand here, and nothing that a telephone number is written with.
fn is_decimal(chars: &[char]) -> bool {
    let run: Vec<&char> = chars.iter().take_while(|c| c.is_ascii_digit() || " ().-".contains(**c)).collect();
    run.iter().filter(|c| ***c == '.').count() == 1
        && run.iter().all(|c| c.is_ascii_digit() || **c == '.' || **c == ' ')
}

/// The length of the number that begins here, and what is shown of it. What follows may look like a part of it ("… 250 OK"):
/// the longest that is Brazilian is taken, then the longest that any country might have.
fn phone(chars: &[char]) -> Option<(usize, String)> {
    let international = chars.first() == Some(&'+');
    let ends = ends(chars);
    let brazilian = |digits: &str| is_brazilian(digits) && (!international || digits.starts_with("55"));
    let found = ends.iter().rev().find(|(_, digits)| brazilian(digits));
    let found =
        found.or_else(|| ends.iter().rev().find(|(_, digits)| international && (8..=15).contains(&digits.len())));
    let (end, digits) = found?;
    let next = chars.get(*end).copied().unwrap_or(' ');
    let after = chars.get(end + 1).copied().unwrap_or(' ');
    // Part of an identifier, an instant or a decimal number.
    let part_of_more = next.is_alphanumeric() || (":.".contains(next) && after.is_ascii_digit()) || {
        next == '-' && after.is_alphanumeric() && !after.is_ascii_digit()
    };
    let written: String = chars[..*end].iter().collect();
    if (part_of_more && !international) || is_date(&written) {
        return None;
    }
    let tail = &digits[digits.len() - 4..];
    let shown = if brazilian(digits) {
        let national = digits.strip_prefix("55").filter(|rest| rest.len() >= 10).unwrap_or(digits);
        format!("+55 {} *****-{tail}", &national[..2])
    } else {
        format!("+*****{tail}")
    };
    Some((*end, shown))
}

/// Every place where a number that begins here may end, with its digits: between runs of digits.
fn ends(chars: &[char]) -> Vec<(usize, String)> {
    let mut ends = Vec::new();
    let mut digits = String::new();
    let mut gap = 0;
    for (i, c) in chars.iter().enumerate() {
        if c.is_ascii_digit() {
            digits.push(*c);
            gap = 0;
            if !chars.get(i + 1).is_some_and(char::is_ascii_digit) {
                ends.push((i + 1, digits.clone()));
            }
        } else if (*c == '+' && i == 0) || (" ().-".contains(*c) && gap < 2) {
            gap += 1;
        } else {
            break;
        }
        if digits.len() > 15 {
            break;
        }
    }
    ends
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
            ("+5532999991234: rejected", "+55 32 *****-1234: rejected"),
            ("tel:+5532999991234 sms:5532999991234", "tel:+55 32 *****-1234 sms:+55 32 *****-1234"),
            ("to +5532999991234 250 OK", "to +55 32 *****-1234 250 OK"),
            ("{\"phone\":5532999991234,\"n\":1}", "{\"phone\":+55 32 *****-1234,\"n\":1}"),
            ("GET /x?phone=%2B5532999991234", "GET /x?phone=+55 32 *****-1234"),
            ("sent to ana%40exemplo.br", "sent to a***@exemplo.br"),
            ("phone_5532999991234", "phone_+55 32 *****-1234"),
        ] {
            assert_eq!(mask(text), shown, "{text}");
        }
    }

    /// Ways in which people and programs write the same number.
    fn written(way: usize, area: u32, number: u64) -> String {
        let (first, last) = (number / 10_000, number % 10_000);
        match way {
            0 => format!("+55{area}{number}"),
            1 => format!("55{area}{number}"),
            2 => format!("({area}) {first}-{last:04}"),
            3 => format!("+55 {area} {first}-{last:04}"),
            4 => format!("+55 ({area}) {first} {last:04}"),
            _ => format!("{area}{number}"),
        }
    }

    proptest::proptest! {
        #[test]
        fn no_number_comes_through_whatever_stands_around_it(
            way in 0usize..6, area in 11u32..100, number in 900_000_000u64..1_000_000_000,
            before in "[ \"'<>=,;/{}\\[\\]]{1,3}", after in "([ \"'<>=,;/{}]{1,3}[a-zA-Z0-9 .]{0,20})?",
        ) {
            // A zero is never the second digit of an area code.
            proptest::prop_assume!(area % 10 != 0);
            let text = format!("{before}{}{after}", written(way, area, number));
            let shown = mask(&text).into_owned();
            let hidden = format!("{}", number / 10_000);
            proptest::prop_assert!(!shown.contains(&hidden) || after.contains(&hidden), "{text:?} -> {shown:?}");
        }

        #[test]
        fn no_mailbox_comes_through(
            user in "[a-z]{2,12}([._+-][a-z0-9]{1,8})?", before in "[ \"'<>(:,;]{1,2}", after in "[ \"'<>),;]{0,2}",
        ) {
            let shown = mask(&format!("{before}{user}@exemplo.br{after}")).into_owned();
            proptest::prop_assert!(!shown.contains(&format!("{user}@")), "{shown:?}");
            proptest::prop_assert!(shown.contains("***@exemplo.br"), "{shown:?}");
        }

        #[test]
        fn masking_twice_is_masking_once_and_never_fails(text in ".{0,200}") {
            let once = mask(&text).into_owned();
            proptest::prop_assert_eq!(mask(&once).into_owned(), once);
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
            "{\"elapsed\":\"1.427068739s\",\"elapsed_secs\":1.427068739,\"n\":32.999991234}",
            "http://127.0.0.1:8080/console",
            "-43.405123 -21.705321",
            "row@ nothing",
        ] {
            assert_eq!(mask(text), text);
        }
    }
}
