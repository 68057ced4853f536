//! What a page says: an SMS that fits a few parts, and a letter. In the language of whom it goes to, and marked like the alert.

use chrono::TimeDelta;

use super::Person;
use crate::alerts::templates::Templates;
use crate::clock::Instant;
use crate::cobrade::Cobrade;
use crate::config::AlertStatus;
use crate::dispatch::sms_text::transliterate;
use crate::i18n::Lang;
use crate::units::Level;

/// What waits, for how long, and where to answer.
#[derive(Clone, Debug)]
pub struct Waits<'a> {
    pub authority: &'a str,
    pub status: AlertStatus,
    pub level: Level,
    pub hazard: Cobrade,
    pub headline: &'a str,
    pub areas: &'a [String],
    pub since: Instant,
    pub now: Instant,
    /// Where the person says that they have seen it.
    pub answer: &'a str,
    /// What an SMS is answered with, where it has a code.
    pub code: Option<&'a str>,
    /// The alert itself, for those who sign in.
    pub console: &'a str,
}

/// Areas named in an SMS; the rest by number.
const NAMED: usize = 2;

impl Waits<'_> {
    fn lang(person: &Person) -> Lang {
        Lang::from_tag(&person.language).unwrap_or_default()
    }

    fn waited(&self) -> i64 {
        (self.now - self.since).max(TimeDelta::zero()).num_minutes()
    }

    fn level(&self, lang: Lang) -> String {
        lang.t(&format!("level-{}", self.level.as_str()))
    }

    fn places(&self, lang: Lang) -> String {
        let named: Vec<&str> = self.areas.iter().take(NAMED).map(String::as_str).collect();
        let named = named.join(", ");
        match self.areas.len().saturating_sub(NAMED) {
            0 => named,
            more => lang.t2("names-more", "names", named, "n", more),
        }
    }

    fn what(&self, lang: Lang) -> String {
        lang.t2("page-what", "level", self.level(lang), "places", self.places(lang))
    }

    /// In the GSM alphabet, so that a page in the night is two parts and not five.
    pub fn sms(&self, to: &Person, templates: &Templates) -> String {
        let lang = Self::lang(to);
        let waits = lang.t2("page-sms", "what", self.what(lang), "n", self.waited());
        let reply = self.code.map(|code| format!("{} ", lang.t1("page-sms-reply", "code", code))).unwrap_or_default();
        let text = format!("{}: {waits} {reply}{}", self.authority, self.answer);
        templates.marked_sms(self.status, lang.tag(), &transliterate(&text))
    }

    pub fn subject(&self, to: &Person, templates: &Templates) -> String {
        let lang = Self::lang(to);
        let subject = lang.t2("page-subject", "what", self.what(lang), "n", self.waited());
        templates.marked(self.status, lang.tag(), &subject)
    }

    pub fn letter(&self, to: &Person, templates: &Templates) -> String {
        let lang = Self::lang(to);
        let paragraphs = [
            lang.t1("mail-hello", "name", &to.name),
            templates.marked(
                self.status,
                lang.tag(),
                &lang.t2("page-lead", "what", self.what(lang), "n", self.waited()),
            ),
            format!("{}: {}", lang.t("page-hazard"), self.hazard.name()),
            self.headline.to_owned(),
            format!("{}\n{}", lang.t("page-answer"), self.answer),
            format!("{}\n{}", lang.t("page-open"), self.console),
        ];
        paragraphs.join("\n\n")
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::dispatch::sms_text::{Encoding, measure};
    use crate::ids::StaffId;

    fn person(language: &str) -> Person {
        let (id, name) = (StaffId(Uuid::nil()), "Ana".to_owned());
        let (username, language) = ("ana".to_owned(), language.to_owned());
        Person { id, username, name, language, roles: Vec::new(), phone: None, email: None }
    }

    #[test]
    fn a_page_says_what_waits_and_where_to_answer_in_few_parts() {
        let templates = Templates::load(None).unwrap();
        let areas = ["Bom Pastor".to_owned(), "Linhares".to_owned(), "Centro".to_owned()];
        let since = Instant::default();
        let waits = Waits {
            authority: "Defesa Civil de Juiz de Fora",
            status: AlertStatus::Actual,
            level: Level::Maximum,
            hazard: "1.1.3.2.1".parse().unwrap(),
            headline: "Risco muito alto de deslizamento",
            areas: &areas,
            since,
            now: since + TimeDelta::minutes(15),
            answer: "https://alertas.exemplo.mg.gov.br/p/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            code: Some("4821"),
            console: "https://alertas.exemplo.mg.gov.br/console/alerts/1",
        };
        for language in ["pt-BR", "en"] {
            let sms = waits.sms(&person(language), &templates);
            let length = measure(&sms);
            assert_eq!(length.encoding, Encoding::Gsm7, "{sms}");
            assert!(length.segments <= 2 && sms.contains("15 min") && sms.ends_with(waits.answer), "{sms}");
            assert!(sms.contains("OK 4821"), "{sms}");
            let letter = waits.letter(&person(language), &templates);
            assert!(letter.contains(waits.answer) && letter.contains(waits.console), "{letter}");
        }
        let drill = Waits { status: AlertStatus::Exercise, ..waits };
        for text in [drill.sms(&person("pt-BR"), &templates), drill.subject(&person("pt-BR"), &templates)] {
            assert!(text.starts_with("EXERC"), "{text}");
        }
    }
}
