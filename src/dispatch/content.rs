//! What is said in each channel, from the alert's own texts. Pure.

use bytes::Bytes;
use chrono_tz::Tz;

use crate::clock::Instant;

/// An issued alert as the channels need it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// CAP status: actual, exercise, system or test.
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
    /// PNG, which `html` shows.
    pub map: Option<Bytes>,
}

/// Name of the map within a letter.
pub const MAP_ID: &str = "map";

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
        marked_sms(&self.status, &self.sms_text)
    }

    /// The letter in the reader's language, as far as there are words of it; the texts are the alert's own. `map`: PNG.
    pub fn letter(&self, sender: &Sender<'_>, language: &str, map: Option<Bytes>) -> Letter {
        let words = labels(language);
        let until = self.expires_at.with_timezone(&sender.time_zone).format("%d/%m/%Y %H:%M").to_string();
        let areas = self.areas.join(", ");
        let page = format!("{}/", sender.public_url);
        let cap = format!("{}/alerts/{}.xml", sender.public_url, self.cap_identifier);
        let foot = format!("{} · {}: {}", sender.name, words.emergency, sender.contact);
        let subject = marked(&self.status, &self.headline);
        let banner = banner(&self.status);
        let lead = banner.map(|banner| format!("*** {banner} ***\n\n")).unwrap_or_default();
        let text = format!(
            "{lead}{subject}\n\n{}\n\n{}\n\n{}: {areas}\n{}: {until}\n\n{}: {page}\n{}: {cap}\n\n{foot}\n",
            self.description, self.instruction, words.place, words.until, words.more, words.cap
        );
        let e = escaped;
        let band = banner.map(band).unwrap_or_default();
        let picture = map.as_ref().map_or_else(String::new, |_| {
            let alt = e(&format!("{}: {areas}", words.map));
            format!(
                "<p><img src=\"cid:{MAP_ID}\" alt=\"{alt}\" width=\"600\" style=\"max-width:100%;height:auto\"></p>"
            )
        });
        let html = format!(
            "<!doctype html><html lang=\"{language}\"><head><meta charset=\"utf-8\"><title>{0}</title></head>\
             <body style=\"font-family:sans-serif;max-width:40em\">{band}<h1 style=\"font-size:1.25em\">{0}</h1><p>{1}</p>\
             <p><strong>{2}</strong></p><p>{3}: {4}<br>{5}: {until}</p>{picture}\
             <p><a href=\"{6}\">{7}</a> · <a href=\"{8}\">{9}</a></p><p><small>{10}</small></p></body></html>",
            e(&subject),
            e(&self.description),
            e(&self.instruction),
            words.place,
            e(&areas),
            words.until,
            e(&page),
            words.more,
            e(&cap),
            words.cap,
            e(&foot),
            language = e(language),
        );
        Letter { subject, text, html, map }
    }
}

/// The words around an alert's own texts.
struct Labels {
    language: &'static str,
    place: &'static str,
    until: &'static str,
    more: &'static str,
    cap: &'static str,
    emergency: &'static str,
    map: &'static str,
}

/// The town's own language first: it stands in for every other.
const LABELS: [Labels; 3] = [
    Labels {
        language: "pt",
        place: "Onde",
        until: "Vale até",
        more: "Mais informações",
        cap: "Mensagem CAP",
        emergency: "emergência",
        map: "Mapa de onde vale",
    },
    Labels {
        language: "en",
        place: "Where",
        until: "Valid until",
        more: "More information",
        cap: "CAP message",
        emergency: "emergency",
        map: "Map of where it holds",
    },
    Labels {
        language: "es",
        place: "Dónde",
        until: "Vale hasta",
        more: "Más información",
        cap: "Mensaje CAP",
        emergency: "emergencia",
        map: "Mapa de dónde vale",
    },
];

fn labels(language: &str) -> &'static Labels {
    let base = language.split('-').next().unwrap_or_default();
    LABELS.iter().find(|labels| labels.language == base).unwrap_or(&LABELS[0])
}

/// What stands before a text of a status that is not real, and what says so at length.
struct Mark {
    status: &'static str,
    text: &'static str,
    sms: &'static str,
    banner: &'static str,
}

const MARKS: [Mark; 3] = [
    Mark {
        status: "exercise",
        text: "EXERCÍCIO - NÃO É REAL: ",
        sms: "EXERCICIO - NAO E REAL: ",
        banner: "EXERCÍCIO - NÃO É REAL. Esta mensagem é de um simulado; não há perigo. / EXERCISE - NOT REAL.",
    },
    Mark {
        status: "test",
        text: "TESTE: ",
        sms: "TESTE: ",
        banner: "TESTE. Esta mensagem prova os canais; não há perigo. / TEST.",
    },
    Mark {
        status: "system",
        text: "MENSAGEM DE SISTEMA: ",
        sms: "MENSAGEM DE SISTEMA: ",
        banner: "MENSAGEM DE SISTEMA. Não é um alerta; não há perigo. / SYSTEM MESSAGE.",
    },
];

/// The marks of the other languages that templates are shipped in: a text that begins with one is marked.
const OTHER_MARKS: [&str; 4] = ["EXERCISE - NOT REAL: ", "SIMULACRO - NO ES REAL: ", "TEST: ", "PRUEBA: "];

/// None of a real message. A status that this release does not know is no real message: it is marked as a test.
fn mark(status: &str) -> Option<&'static Mark> {
    let known = MARKS.iter().find(|mark| mark.status == status);
    if status == "actual" { None } else { known.or(MARKS.get(1)) }
}

/// A headline or subject, marked once, whatever an editor made of it.
pub fn marked(status: &str, text: &str) -> String {
    mark(status).map_or_else(|| text.to_owned(), |mark| put_before(mark, mark.text, text))
}

/// The same for an SMS, whose marks have no accents.
pub fn marked_sms(status: &str, text: &str) -> String {
    mark(status).map_or_else(|| text.to_owned(), |mark| put_before(mark, mark.sms, text))
}

/// What says at length that a message is not real.
pub fn banner(status: &str) -> Option<&'static str> {
    mark(status).map(|mark| mark.banner)
}

/// The whole mark counts, not how it begins: "Exercite a calma" is no mark.
fn put_before(mark: &Mark, wanted: &str, text: &str) -> String {
    let begins = text.to_uppercase();
    let own = [mark.text, mark.sms];
    let of_others = OTHER_MARKS.iter().copied().filter(|_| mark.status != "system");
    let is_marked = own.into_iter().chain(of_others).any(|mark| begins.starts_with(mark));
    if is_marked { text.to_owned() } else { format!("{wanted}{text}") }
}

/// The banner of an e-mail, in colours of its own.
fn band(banner: &str) -> String {
    format!(
        "<p role=\"note\" style=\"background:#58288a;color:#fff;font-weight:bold;padding:.75em;border:4px dashed #fff\">{}</p>",
        escaped(banner)
    )
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
        let letter = content().letter(&SENDER, "pt-BR", None);
        for part in
            ["Saia de casa.", "Onde: Bom Pastor, Santa Luzia", "Vale até: 25/02/2026 03:13", "/alerts/JF-2026-1.xml"]
        {
            assert!(letter.text.contains(part), "{part} in {}", letter.text);
        }
        assert!(letter.html.contains("24 h &amp; segue"));
    }

    #[test]
    fn the_words_around_an_alert_are_in_the_readers_language() {
        for (language, place, until) in [
            ("en", "Where: Bom", "Valid until: "),
            ("es", "Dónde: Bom", "Vale hasta: "),
            ("fr", "Onde: Bom", "Vale até: "),
        ] {
            let letter = content().letter(&SENDER, language, None);
            assert!(letter.text.contains(place) && letter.text.contains(until), "{}", letter.text);
            assert!(letter.html.contains(&format!("<html lang=\"{language}\">")) && letter.html.contains(place));
        }
    }

    #[test]
    fn a_map_is_shown_with_words_for_whoever_does_not_see_it() {
        let letter = content().letter(&SENDER, "pt-BR", Some(Bytes::from_static(b"png")));
        assert!(letter.html.contains("<img src=\"cid:map\" alt=\"Mapa de onde vale: Bom Pastor, Santa Luzia\""));
        assert!(!content().letter(&SENDER, "pt-BR", None).html.contains("<img"));
    }

    #[test]
    fn an_exercise_says_so_in_every_channel_even_when_the_text_was_edited() {
        let exercise = Content { status: "exercise".into(), ..content() };
        assert_eq!(exercise.sms(), "EXERCICIO - NAO E REAL: Defesa Civil: saia");
        assert!(exercise.letter(&SENDER, "pt-BR", None).subject.starts_with("EXERCÍCIO - NÃO É REAL: Risco alto"));
        let marked = Content { sms_text: exercise.sms(), ..exercise };
        assert_eq!(marked.sms(), marked.sms_text);
    }

    #[test]
    fn every_status_that_is_not_real_marks_sms_subject_text_and_banner() {
        for (status, mark) in
            [("exercise", "EXERC"), ("test", "TESTE"), ("system", "MENSAGEM DE SISTEMA"), ("unheard of", "TESTE")]
        {
            let content = Content { status: status.into(), ..content() };
            let letter = content.letter(&SENDER, "pt-BR", None);
            assert!(content.sms().starts_with(mark), "{status}: {}", content.sms());
            assert!(letter.subject.starts_with(mark), "{status}: {}", letter.subject);
            assert!(letter.text.starts_with(&format!("*** {mark}")), "{status}: {}", letter.text);
            assert!(letter.html.contains(&format!("border:4px dashed #fff\">{mark}")), "{status}: {}", letter.html);
        }
        let real = content().letter(&SENDER, "pt-BR", None);
        assert!(!real.text.contains("***") && !real.html.contains("dashed"));
    }

    #[test]
    fn a_text_that_only_begins_like_a_mark_is_marked_all_the_same() {
        assert_eq!(marked("exercise", "Exercite a calma"), "EXERCÍCIO - NÃO É REAL: Exercite a calma");
        assert_eq!(marked_sms("test", "Testemunhas dizem"), "TESTE: Testemunhas dizem");
        for kept in ["EXERCISE - NOT REAL: leave", "SIMULACRO - NO ES REAL: salga", "exercício - não é real: saia"] {
            assert_eq!(marked("exercise", kept), kept);
        }
        // A test is no exercise of another language's.
        assert_eq!(marked("system", "TEST: x"), "MENSAGEM DE SISTEMA: TEST: x");
    }

    #[test]
    fn only_real_warnings_are_worth_a_second_copy() {
        assert!(content().is_life_safety());
        assert!(!Content { status: "exercise".into(), ..content() }.is_life_safety());
        assert!(!Content { kind: "all_clear".into(), ..content() }.is_life_safety());
    }
}
