//! Reports by e-mail: what a message says, who sends it, and the pictures it carries. Pure; `worker` takes it from a folder.
//!
//! Who a message says it is from can be forged by anybody, so a mailbox is a way to ask back and no proof of who writes.

pub mod worker;

use bytes::Bytes;
use mail_parser::{MessageParser, MimeHeaders as _};
use sha2::{Digest as _, Sha256};

use super::words::kind_of;
use super::{Kind, MAX_PHOTOGRAPHS, MAX_WORDS};
use crate::hexadecimal::hex;

/// The largest message taken, in bytes: four pictures of a telephone in their encoding.
pub const MAX_BYTES: u64 = 40 * 1024 * 1024;

/// A message that is a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    pub from: String,
    pub kind: Kind,
    pub words: String,
    /// The same message again has the same key.
    pub key: String,
    /// Files that say they are pictures; whether they are is seen when they are developed.
    pub pictures: Vec<Bytes>,
}

/// Why a message is no report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("this is no e-mail message")]
    Format,
    #[error("it does not say who it is from")]
    NoSender,
    #[error("it was written by a machine: a bounce, or an absence")]
    Automatic,
    #[error("it says nothing and shows nothing")]
    Empty,
}

impl Refused {
    /// The part of the message that is at fault.
    pub const fn field(self) -> &'static str {
        match self {
            Self::Format => "message",
            Self::NoSender => "From",
            Self::Automatic => "Auto-Submitted",
            Self::Empty => "body",
        }
    }
}

/// # Errors
/// Why it is no report.
pub fn read(bytes: &[u8]) -> Result<Mail, Refused> {
    let message = MessageParser::default().parse(bytes).ok_or(Refused::Format)?;
    if message.headers().is_empty() {
        return Err(Refused::Format);
    }
    if message.headers_raw().any(|(name, value)| is_automatic(name, value.trim())) {
        return Err(Refused::Automatic);
    }
    let from = message.from().and_then(|from| from.first()).and_then(|first| first.address.as_deref());
    let from = from.and_then(|from| from.trim().parse::<lettre::Address>().ok()).ok_or(Refused::NoSender)?;
    let subject = clean(message.subject().unwrap_or_default());
    // A picture in the middle of a letter parts its words.
    let bodies = (0..message.text_body_count()).filter_map(|at| message.body_text(at)).map(|body| own_words(&body));
    let body = bodies.filter(|body| !body.is_empty()).collect::<Vec<_>>().join("\n\n");
    let pictures: Vec<Bytes> = message
        .attachments()
        .filter(|part| part.content_type().is_some_and(|kind| kind.c_type.eq_ignore_ascii_case("image")))
        .take(MAX_PHOTOGRAPHS)
        .map(|part| Bytes::copy_from_slice(part.contents()))
        .collect();
    if subject.is_empty() && body.is_empty() && pictures.is_empty() {
        return Err(Refused::Empty);
    }
    let words = [subject, body].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n\n");
    let words: String = words.chars().take(MAX_WORDS).collect();
    let id = message.message_id().map_or_else(|| bytes.to_vec(), |id| format!("{from} {id}").into_bytes());
    Ok(Mail { from: from.to_string().to_lowercase(), kind: kind_of(&words), words, key: key(&id), pictures })
}

/// A header that machines write (RFC 3834, RFC 5321): answers to their answers would never end.
fn is_automatic(name: &str, value: &str) -> bool {
    match name.to_ascii_lowercase().as_str() {
        "auto-submitted" => !value.eq_ignore_ascii_case("no"),
        "return-path" => value == "<>",
        "precedence" => ["bulk", "junk", "list"].contains(&value.to_ascii_lowercase().as_str()),
        _ => false,
    }
}

fn key(id: &[u8]) -> String {
    format!("mail-{}", hex(&Sha256::digest(id)))
}

fn clean(text: &str) -> String {
    text.chars().filter(|letter| *letter == '\n' || !letter.is_control()).collect::<String>().trim().to_owned()
}

/// Without what is quoted and without the signature.
fn own_words(body: &str) -> String {
    let lines = body.lines().take_while(|line| line.trim_end() != "--" && !line.starts_with("-----Original"));
    clean(&lines.filter(|line| !line.starts_with('>')).collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LETTER: &str = "From: Maria <Maria@exemplo.invalid>\r\nTo: relatos@exemplo.invalid\r\nSubject: =?UTF-8?B?w4Fydm9yZSBjYcOtZGE=?=\r\n\
        Message-ID: <1@exemplo.invalid>\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
        Caiu na Rua S=E3o Jo=E3o, 12.\r\n> resposta antiga\r\n-- \r\nMaria\r\n";

    #[test]
    fn subject_and_body_are_read_in_their_encodings_without_quotes_and_signature() {
        let mail = read(LETTER.as_bytes()).unwrap();
        assert_eq!((mail.from.as_str(), mail.kind), ("maria@exemplo.invalid", Kind::FallenTree));
        assert_eq!(mail.words, "Árvore caída\n\nCaiu na Rua São João, 12.");
        assert_eq!(mail.key, read(LETTER.as_bytes()).unwrap().key);
    }

    #[test]
    fn bounces_absences_and_letters_of_nobody_are_no_reports() {
        let with = |line: &str| read(LETTER.replace("To: ", &format!("{line}\r\nTo: ")).as_bytes());
        assert_eq!(with("Auto-Submitted: auto-replied"), Err(Refused::Automatic));
        assert_eq!(with("Precedence: bulk"), Err(Refused::Automatic));
        assert_eq!(with("Return-Path: <>"), Err(Refused::Automatic));
        assert!(with("Auto-Submitted: no").is_ok());
        assert_eq!(read(LETTER.replace("From: ", "X-From: ").as_bytes()), Err(Refused::NoSender));
        for bytes in [&b""[..], b"\0\xff\xfe"] {
            assert!(read(bytes).is_err());
        }
        assert_eq!(read(b"From: a@b.invalid\r\n\r\n"), Err(Refused::Empty));
    }

    #[test]
    fn words_after_a_picture_are_read_too() {
        let text = |words: &str| format!("--x\r\nContent-Type: text/plain\r\n\r\n{words}\r\n");
        let letter = format!(
            "From: a@b.invalid\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n{}\
             --x\r\nContent-Type: image/jpeg\r\nContent-Disposition: inline\r\nContent-Transfer-Encoding: base64\r\n\r\n/9j/4A==\r\n\
             {}--x--\r\n",
            text("Barranco caiu."),
            text("Tem gente presa.")
        );
        let mail = read(letter.as_bytes()).unwrap();
        assert_eq!(mail.words, "Barranco caiu.\n\nTem gente presa.");
        assert_eq!(mail.pictures.len(), 1);
    }

    #[test]
    fn pictures_are_taken_up_to_a_few() {
        let part = "--x\r\nContent-Type: image/jpeg\r\nContent-Disposition: attachment; filename=a.jpg\r\nContent-Transfer-Encoding: base64\r\n\r\n/9j/4A==\r\n";
        let letter = format!(
            "From: a@b.invalid\r\nSubject: fogo\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n\
             --x\r\nContent-Type: text/plain\r\n\r\nfogo\r\n{}--x--\r\n",
            part.repeat(6)
        );
        let mail = read(letter.as_bytes()).unwrap();
        assert_eq!(mail.pictures.len(), MAX_PHOTOGRAPHS);
        assert_eq!(&mail.pictures[0][..], [0xff, 0xd8, 0xff, 0xe0]);
    }
}
