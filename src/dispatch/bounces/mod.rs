//! Letters that come back: which letter it was, and why. Pure; `worker` takes them from a folder.
//!
//! A report of delivery (RFC 3464) is believed when it comes to an address that only this service can have made for that very letter,
//! or when it returns the letter's own id, which is signed alike; and only in what it says of the address that the letter went to.
//! Nobody can end somebody else's warnings with a letter they made up.

pub mod worker;

use mail_parser::{Message, MessageParser, MimeHeaders as _};

use super::decide::Fate;
use super::receipts::clean;
use super::retry::{enhanced, is_dead_mailbox};
use crate::hexadecimal::hex;
use crate::ids::{AlertId, OutboxId};
use crate::vault::Ring;

const CONTEXT: &str = "bounce address";
/// Recipients in one report at most; a letter of ours has one.
const MOST_RECIPIENTS: usize = 100;

/// "bounces+123-0a1b2c…": the local part of the address to which the letter of this row comes back.
pub fn local_part(base: &str, ring: &Ring, row: OutboxId) -> String {
    format!("{base}+{row}-{}", tag(ring, row))
}

/// "123.0190….0a1b2c…@town.test": the message id of this row's letter, the same for each try. Only its reader knows it.
pub fn id_of_letter(ring: &Ring, row: OutboxId, alert: AlertId, domain: &str) -> String {
    format!("{row}.{alert}.{}@{domain}", tag(ring, row))
}

fn tag(ring: &Ring, row: OutboxId) -> String {
    hex(&ring.sum(CONTEXT, &row.0.to_be_bytes()))
}

/// The row that an address of ours names, when we made it. Keys change now and then, so each that is known counts.
pub fn row_of(address: &str, base: &str, ring: &Ring) -> Option<OutboxId> {
    let local = address.rsplit_once('@').map_or(address, |(local, _)| local);
    let (name, label) = local.split_once('+')?;
    let (row, given) = label.split_once('-')?;
    signed(row, given, ring).filter(|_| name.eq_ignore_ascii_case(base))
}

/// The row that a message id of ours names, when we made it.
pub fn row_of_letter(id: &str, ring: &Ring) -> Option<OutboxId> {
    let (local, _) = id.rsplit_once('@')?;
    let (row, rest) = local.split_once('.')?;
    let (_, given) = rest.rsplit_once('.')?;
    signed(row, given, ring)
}

/// The row, when its sum is one of ours.
fn signed(row: &str, given: &str, ring: &Ring) -> Option<OutboxId> {
    let row = OutboxId(row.parse().ok()?);
    let octets = given.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
    let sum: Vec<u8> = octets.collect::<Option<_>>()?;
    ring.has_made(CONTEXT, &row.0.to_be_bytes(), &sum).then_some(row)
}

/// A report about a letter of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounce {
    pub row: OutboxId,
    /// What it says, recipient by recipient.
    told: Vec<Told>,
}

/// What a report says of one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// As the report ends with it, and as the letter was sent to it (RFC 3464, sections 2.3.1 and 2.3.2).
    addresses: Vec<String>,
    pub fate: Fate,
    /// "5.1.1 smtp; 550 no such mailbox".
    pub error: String,
    pub is_dead: bool,
}

impl Bounce {
    /// What it says of the address that the letter went to. Where a letter went on to, and what became of it there, says nothing of it.
    pub fn about(&self, address: &str) -> Option<&Told> {
        self.told.iter().find(|told| told.addresses.iter().any(|known| known.eq_ignore_ascii_case(address)))
    }

    pub fn told(&self) -> &[Told] {
        &self.told
    }
}

/// Why a message is no report of a letter of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("this is no e-mail message")]
    Format,
    #[error("it reports no delivery")]
    NoReport,
    #[error("it does not say which letter it is about")]
    Whose,
}

/// # Errors
/// Why it is no report of a letter of ours.
pub fn read(bytes: &[u8], base: &str, ring: &Ring) -> Result<Bounce, Refused> {
    let message = MessageParser::default().parse(bytes).ok_or(Refused::Format)?;
    let status = part(&message, "delivery-status").ok_or(Refused::NoReport)?;
    let status = String::from_utf8_lossy(&status).replace("\r\n", "\n");
    let by_id = || original_id(&message).and_then(|id| row_of_letter(&id, ring));
    let row = addressee(&message, base, ring).or_else(by_id).ok_or(Refused::Whose)?;
    Ok(Bounce { row, told: recipients(&status) })
}

/// What the part with the status says, recipient by recipient.
pub fn recipients(status: &str) -> Vec<Told> {
    groups(status).iter().filter_map(|group| told(group)).take(MOST_RECIPIENTS).collect()
}

/// The groups of fields, which empty lines part: first of the report itself, then of each recipient.
fn groups(status: &str) -> Vec<String> {
    let mut groups = vec![String::new()];
    for line in status.lines() {
        match groups.last_mut() {
            Some(group) if !line.trim().is_empty() => {
                group.push_str(line);
                group.push('\n');
            }
            Some(group) if !group.is_empty() => groups.push(String::new()),
            _ => {}
        }
    }
    groups
}

/// What a group says of its recipient; `None` when it names nobody.
fn told(group: &str) -> Option<Told> {
    let names = ["final-recipient", "original-recipient"];
    let addresses: Vec<String> = names.iter().filter_map(|name| address(&field(group, name)?)).collect();
    if addresses.is_empty() {
        return None;
    }
    let action = field(group, "action").unwrap_or_default().to_ascii_lowercase();
    let code = field(group, "status").unwrap_or_default();
    let code = code.split_whitespace().next().unwrap_or_default().to_owned();
    let fate = match action.as_str() {
        "failed" => Fate::Undelivered,
        "delivered" => Fate::Delivered,
        // Delayed, relayed, expanded: not at its end.
        _ => Fate::OnItsWay,
    };
    let is_dead = fate == Fate::Undelivered && enhanced(&code).is_some_and(is_dead_mailbox);
    let diagnostic = field(group, "diagnostic-code").unwrap_or_default();
    // What a server says may hold the address, which is kept where it belongs and nowhere else.
    let diagnostic: Vec<&str> = diagnostic.split_whitespace().filter(|word| !word.contains('@')).collect();
    let error: String = clean(format!("{code} {}", diagnostic.join(" ")).trim()).chars().take(200).collect();
    Some(Told { addresses, fate, error, is_dead })
}

/// "maria@exemplo.br" of "rfc822; maria@exemplo.br".
fn address(recipient: &str) -> Option<String> {
    let (_, address) = recipient.split_once(';')?;
    let address = address.trim().trim_matches(['<', '>']).trim();
    (!address.is_empty()).then(|| address.to_owned())
}

/// The content of the part `message/<kind>`.
fn part(message: &Message<'_>, kind: &str) -> Option<Vec<u8>> {
    let is_it = |part: &&mail_parser::MessagePart<'_>| {
        part.content_type().is_some_and(|content| {
            content.c_type.eq_ignore_ascii_case("message")
                && content.c_subtype.as_deref().is_some_and(|subtype| subtype.eq_ignore_ascii_case(kind))
        })
    };
    message.parts.iter().find(is_it).map(|part| part.contents().to_vec())
}

/// The address of ours that the report came to: of the letter's head, or as the mail server noted it.
fn addressee(message: &Message<'_>, base: &str, ring: &Ring) -> Option<OutboxId> {
    let noted = ["to", "delivered-to", "x-original-to", "envelope-to"];
    let headers = message.headers_raw().filter(|(name, _)| noted.iter().any(|known| name.eq_ignore_ascii_case(known)));
    let words =
        headers.flat_map(|(_, value)| value.split(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | ',' | '"')));
    words.filter_map(|word| row_of(word, base, ring)).next()
}

/// The id of the letter that is returned, whole or as its headers.
fn original_id(message: &Message<'_>) -> Option<String> {
    for part in &message.parts {
        let Some(content) = part.content_type() else { continue };
        let subtype = content.c_subtype.as_deref().unwrap_or_default().to_ascii_lowercase();
        if !matches!(subtype.as_str(), "rfc822" | "rfc822-headers" | "global" | "global-headers") {
            continue;
        }
        let text = String::from_utf8_lossy(part.contents()).replace("\r\n", "\n");
        let id = field(&text, "message-id").map(|id| id.trim_matches(['<', '>', ' ']).to_owned());
        let nested = part.message().and_then(|inner| inner.message_id()).map(str::to_owned);
        if let Some(id) = nested.or(id).filter(|id| !id.is_empty()) {
            return Some(id);
        }
    }
    None
}

/// The first field of that name, with the lines that continue it.
fn field(text: &str, name: &str) -> Option<String> {
    let mut lines = text.lines();
    let begins =
        |line: &str| line.split_once(':').filter(|(known, _)| known.trim().eq_ignore_ascii_case(name)).is_some();
    let first = lines.by_ref().find(|line| begins(line))?;
    let (_, value) = first.split_once(':')?;
    let more = lines.take_while(|line| line.starts_with([' ', '\t'])).map(str::trim);
    Some(std::iter::once(value.trim()).chain(more).collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Ids;

    fn ring() -> Ring {
        Ring::new("service", &[[7; 32]], &Ids::seeded(1))
    }

    fn report(to: &str, action: &str, status: &str) -> Vec<u8> {
        returning("12.0190@town.test", to, action, status)
    }

    fn returning(id: &str, to: &str, action: &str, status: &str) -> Vec<u8> {
        format!(
            "Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.test\r\nTo: {to}\r\nSubject: Undelivered\r\nAuto-Submitted: auto-replied\r\n\
             MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=x\r\n\r\n\
             --x\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n\
             --x\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.test\r\n\r\n\
             Final-Recipient: rfc822; maria@exemplo.test\r\nAction: {action}\r\nStatus: {status}\r\n\
             Diagnostic-Code: smtp; 550 {status} <maria@exemplo.test>:\r\n  no such mailbox\r\n\
             --x\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{id}>\r\nSubject: x\r\n--x--\r\n"
        )
        .into_bytes()
    }

    #[test]
    fn an_address_names_its_row_and_nobody_else_can_make_one() {
        let (ring, row) = (ring(), OutboxId(123));
        let local = local_part("bounces", &ring, row);
        assert_eq!(row_of(&format!("{local}@town.test"), "bounces", &ring), Some(row));
        let forged = local.replacen("123", "124", 1);
        for other in [forged.as_str(), "bounces", "bounces+123", "bounces+123-", "other+1-2"] {
            assert_eq!(row_of(other, "bounces", &ring), None, "{other}");
        }
    }

    #[test]
    fn a_failure_is_read_with_its_cause_and_without_the_address() {
        let to = format!("{}@town.test", local_part("bounces", &ring(), OutboxId(9)));
        let bounce = read(&report(&to, "failed", "5.1.1"), "bounces", &ring()).unwrap();
        let error = "5.1.1 smtp; 550 5.1.1 no such mailbox".to_owned();
        let addresses = vec!["maria@exemplo.test".to_owned()];
        assert_eq!(bounce.row, OutboxId(9));
        assert_eq!(bounce.told(), [Told { addresses, fate: Fate::Undelivered, error, is_dead: true }]);
        let of = |action: &str, status: &str| {
            let read = read(&report(&to, action, status), "bounces", &ring()).unwrap();
            let told = read.about("Maria@exemplo.test").unwrap();
            (told.fate, told.is_dead)
        };
        assert_eq!(of("failed", "5.2.2"), (Fate::Undelivered, false));
        assert_eq!(of("delayed", "4.4.1"), (Fate::OnItsWay, false));
    }

    #[test]
    fn without_such_an_address_the_returned_letters_own_id_counts_when_it_is_signed() {
        let ring = ring();
        let alert = AlertId(uuid::Uuid::from_u128(7));
        let id = id_of_letter(&ring, OutboxId(12), alert, "town.test");
        let read = |id: &str| read(&returning(id, "bounces@town.test", "failed", "5.1.1"), "bounces", &ring);
        assert_eq!(read(&id).unwrap().row, OutboxId(12));
        // Rows and alerts can be counted up; the sum cannot.
        for other in [format!("12.{alert}@town.test"), id.replacen("12.", "13.", 1), format!("12.{alert}.@town.test")] {
            assert_eq!(read(&other), Err(Refused::Whose), "{other}");
        }
    }

    #[test]
    fn of_several_recipients_only_the_letters_own_counts() {
        let to = format!("{}@town.test", local_part("bounces", &ring(), OutboxId(9)));
        let text = String::from_utf8(report(&to, "delivered", "2.0.0")).unwrap();
        let more = "Final-Recipient: rfc822; far@else.test\r\nOriginal-Recipient: rfc822;<joao@exemplo.test>\r\nAction: failed\r\n\
                    Status: 5.1.1\r\n\r\nFinal-Recipient";
        let bounce = read(text.replacen("Final-Recipient", more, 1).as_bytes(), "bounces", &ring()).unwrap();
        let fate = |address: &str| bounce.about(address).map(|told| told.fate);
        assert_eq!(fate("maria@exemplo.test"), Some(Fate::Delivered));
        assert_eq!(fate("joao@exemplo.test"), Some(Fate::Undelivered));
        assert_eq!(fate("ana@exemplo.test"), None);
    }

    #[test]
    fn an_absence_or_a_letter_of_a_person_ends_nothing() {
        let absence = b"From: a@b.test\r\nTo: bounces@town.test\r\nSubject: Ferias\r\n\r\nVolto em marco.\r\n";
        assert_eq!(read(absence, "bounces", &ring()), Err(Refused::NoReport));
        assert!(read(b"", "bounces", &ring()).is_err());
    }
}
