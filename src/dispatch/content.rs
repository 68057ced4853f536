//! What is said in each channel, from the alert's own texts. Pure.

use std::fmt::Write as _;

use chrono_tz::Tz;

use crate::clock::Instant;

/// An issued alert as the channels need it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// CAP status: actual, exercise or test.
    pub status: String,
    /// alert, update, `all_clear` or cancel.
    pub kind: String,
    pub headline: String,
    pub description: String,
    pub instruction: String,
    pub sms_text: String,
    pub areas: Vec<String>,
    pub cap_identifier: String,
    pub expires_at: Instant,
}

/// An e-mail without its addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    pub subject: String,
    pub text: String,
    pub html: String,
}

/// Where the reader finds more, and whose clock the expiry is told in.
#[derive(Clone, Copy, Debug)]
pub struct Sender<'a> {
    pub name: &'a str,
    pub contact: &'a str,
    pub public_url: &'a str,
    pub time_zone: Tz,
}

impl Content {
    /// Whether an unknown outcome is worth a second copy.
    pub fn is_life_safety(&self) -> bool {
        self.status == "actual" && matches!(self.kind.as_str(), "alert" | "update")
    }

    /// The text of the SMS.
    pub fn sms(&self) -> String {
        self.marked(&self.sms_text, "EXERCICIO - NAO E REAL: ")
    }

    pub fn letter(&self, sender: &Sender<'_>) -> Letter {
        let until = self.expires_at.with_timezone(&sender.time_zone).format("%d/%m/%Y %H:%M");
        let areas = self.areas.join(", ");
        let page = format!("{}/", sender.public_url);
        let cap = format!("{}/alerts/{}.xml", sender.public_url, self.cap_identifier);
        let foot = format!("{} · emergência: {}", sender.name, sender.contact);
        let subject = self.marked(&self.headline, "EXERCÍCIO - NÃO É REAL: ");
        let mut text = format!("{subject}\n\n{}\n\n{}\n\n", self.description, self.instruction);
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "Onde: {areas}\nVale até: {until}\n\nMais informações: {page}\nMensagem CAP: {cap}\n\n{foot}\n"
        );
        let e = escaped;
        let html = format!(
            "<!doctype html><html lang=\"pt-BR\"><head><meta charset=\"utf-8\"><title>{0}</title></head>\
             <body style=\"font-family:sans-serif;max-width:40em\"><h1 style=\"font-size:1.25em\">{0}</h1><p>{1}</p>\
             <p><strong>{2}</strong></p><p>Onde: {3}<br>Vale até: {4}</p>\
             <p><a href=\"{5}\">Mais informações</a> · <a href=\"{6}\">Mensagem CAP</a></p><p><small>{7}</small></p></body></html>",
            e(&subject),
            e(&self.description),
            e(&self.instruction),
            e(&areas),
            until,
            e(&page),
            e(&cap),
            e(&foot)
        );
        Letter { subject, text, html }
    }

    /// An exercise or test says so first, whatever an editor made of the text.
    fn marked(&self, text: &str, exercise: &str) -> String {
        let mark = match self.status.as_str() {
            "exercise" => exercise,
            "test" => "TESTE: ",
            _ => return text.to_owned(),
        };
        let already = text.to_uppercase();
        let word: String = mark.chars().take(5).collect();
        if already.starts_with(&word) || already.starts_with(&mark.to_uppercase()) {
            text.to_owned()
        } else {
            format!("{mark}{text}")
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\n', "<br>")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_micros;

    fn content() -> Content {
        Content {
            status: "actual".into(),
            kind: "alert".into(),
            headline: "Risco alto de deslizamento em Bom Pastor".into(),
            description: "Choveu 90 mm em 24 h & segue.".into(),
            instruction: "Saia de casa.".into(),
            sms_text: "Defesa Civil: saia".into(),
            areas: vec!["Bom Pastor".into(), "Santa Luzia".into()],
            cap_identifier: "JF-2026-1".into(),
            expires_at: from_micros(1_772_000_000_000_000),
        }
    }

    const SENDER: Sender<'_> = Sender {
        name: "Defesa Civil",
        contact: "199",
        public_url: "https://alertas.example.org",
        time_zone: chrono_tz::America::Sao_Paulo,
    };

    #[test]
    fn a_letter_tells_what_where_until_when_and_where_to_read_more() {
        let letter = content().letter(&SENDER);
        for part in
            ["Saia de casa.", "Onde: Bom Pastor, Santa Luzia", "Vale até: 25/02/2026 03:13", "/alerts/JF-2026-1.xml"]
        {
            assert!(letter.text.contains(part), "{part} in {}", letter.text);
        }
        assert!(letter.html.contains("24 h &amp; segue"));
    }

    #[test]
    fn an_exercise_says_so_in_every_channel_even_when_the_text_was_edited() {
        let exercise = Content { status: "exercise".into(), ..content() };
        assert_eq!(exercise.sms(), "EXERCICIO - NAO E REAL: Defesa Civil: saia");
        assert!(exercise.letter(&SENDER).subject.starts_with("EXERCÍCIO - NÃO É REAL: Risco alto"));
        let marked = Content { sms_text: exercise.sms(), ..exercise };
        assert_eq!(marked.sms(), marked.sms_text);
    }

    #[test]
    fn only_real_warnings_are_worth_a_second_copy() {
        assert!(content().is_life_safety());
        assert!(!Content { status: "exercise".into(), ..content() }.is_life_safety());
        assert!(!Content { kind: "all_clear".into(), ..content() }.is_life_safety());
    }
}
