//! Why an act was not done, in the reader's words: what desks say is written for programs.

use crate::i18n::Lang;
use crate::refused::Refused;

/// Sentences of desks by a part that is theirs alone, and the key of their words.
const KNOWN: [(&str, &str); 18] = [
    ("lets a siren sound by itself", "desk-refused-automatic"),
    ("endpoints already", "desk-refused-full"),
    ("rotas already", "desk-refused-full"),
    ("turns already", "desk-refused-full"),
    ("there is an endpoint", "desk-refused-taken"),
    ("was used already", "desk-refused-taken"),
    ("changed meanwhile", "desk-refused-changed"),
    ("only webhooks have keys", "desk-refused-no-key"),
    ("no key before", "desk-refused-no-key-before"),
    ("the siren sounds", "desk-refused-sounding"),
    ("it stands so already", "desk-refused-same"),
    ("is not on call in layer", "desk-refused-not-on-call"),
    ("is not asked to", "desk-refused-not-now"),
    ("the request is", "desk-refused-decided"),
    ("nobody confirmed it in time", "desk-refused-too-late"),
    ("whoever asks cannot confirm", "desk-refused-same-person"),
    ("only whoever asked", "desk-refused-not-yours"),
    ("none of its sirens", "desk-refused-none-in-use"),
];
/// Characters of a value that are shown.
const SHOWN: usize = 80;

/// What to show for a refusal; `Err` for what is no refusal but a failure.
///
/// # Errors
/// Gives back what pages answer in another way.
pub fn sentence(lang: Lang, refused: Refused) -> Result<String, Refused> {
    match refused {
        Refused::Wrong { field, value, message } => {
            let key = format!("desk-refused-field-{}", field.replace(['.', '_'], "-"));
            let expected = if lang.knows(&key) {
                lang.t(&key)
            } else {
                lang.t2("desk-refused-field", "field", field, "why", message)
            };
            let value: String = value.chars().take(SHOWN).collect();
            let given = if value.is_empty() { String::new() } else { lang.t1("desk-refused-given", "value", value) };
            Ok(format!("{expected} {given}").trim_end().to_owned())
        }
        Refused::Conflict(why) | Refused::Forbidden(why) => {
            let known = KNOWN.iter().find(|(part, _)| why.contains(part));
            Ok(known.map_or_else(|| lang.t1("desk-refused-otherwise", "why", &why), |(_, key)| lang.t(key)))
        }
        Refused::Because(reason) => Ok(reason.words(lang)),
        other => Err(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sirens::Act;
    use crate::sirens::request::No;
    use crate::sirens::state::{NotNow, StateWord};

    #[test]
    fn refusals_are_told_in_the_readers_language() {
        let pt = |refused| sentence(Lang::Pt, refused).unwrap();
        let wrong = pt(Refused::wrong("settings.url", "ftp://x", "expected an address"));
        assert!(wrong.contains("https://") && wrong.contains("ftp://x") && !wrong.contains("expected"), "{wrong}");
        let forbidden = pt(Refused::Forbidden(No::SamePerson.to_string()));
        assert!(forbidden.contains("segunda pessoa"), "{forbidden}");
        let now = pt(Refused::Conflict(NotNow(StateWord::Sounding, Act::Test).to_string()));
        assert!(now.contains("sirene"), "{now}");
        assert!(sentence(Lang::Pt, Refused::NotFound("x".into())).is_err());
        for (_, key) in KNOWN {
            assert!(Lang::Pt.knows(key) && Lang::En.knows(key), "{key}");
        }
    }
}
