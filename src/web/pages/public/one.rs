//! The page of one message, in force or over, at its permanent address; and the sheet of it for the wall.

use askama::Template;
use axum::response::Response;
use qrcode::QrCode;
use qrcode::render::svg::Color;

use super::{Shown, map_of, over_line};
use crate::alerts::wording::store::attribution;
use crate::app::App;
use crate::web::error::ApiError;
use crate::web::notices::{self, Link, Notice, Standing, TOWNS_OWN};
use crate::web::pages::page;
use crate::web::pages::reasons::{self, Line};
use crate::web::pages::view::{Markup, View};

/// Conditions that are told.
const MOST_LINES: usize = 4;
/// Names of places on the sheet, which is one page whatever happens.
const MOST_PLACES: usize = 36;
/// Letters of the texts on it.
const MOST_LETTERS: usize = 2600;

#[derive(Template)]
#[template(path = "public_alert.html")]
struct AlertPage {
    v: View,
    b: Shown,
    base: String,
    /// Of the texts.
    languages: Vec<Language>,
    /// The texts are in another language than the page.
    other_language: bool,
    chain: Vec<Link>,
    /// The message that counts instead of this one.
    newest: Option<Link>,
    lines: Vec<Line>,
    rule: String,
    /// On which warning of others it is based; empty for what is its own.
    basis: String,
    summary: String,
}

impl AlertPage {
    /// "pt_BR", as Open Graph writes it.
    fn locale(&self) -> String {
        self.b.n.language.replace('-', "_")
    }
}

/// A language that the alert's texts are written in.
struct Language {
    tag: String,
    name: &'static str,
    is_shown: bool,
}

#[derive(Template)]
#[template(path = "public_alert_print.html")]
struct Sheet {
    v: View,
    b: Shown,
    address: String,
    code: Markup,
    newest: Option<Link>,
    places: String,
    text: String,
    basis: String,
    /// Not all of the text has room.
    is_cut: bool,
    /// "", "long" or "longer": smaller letters for many words.
    length: &'static str,
}

/// The page of one issued message; `None` when none of that identifier ever left. `?print` gives the sheet, `?lang=` the texts in
/// another language in which they are written.
///
/// # Errors
/// Those of the database.
pub async fn alert_page(app: &App, v: View, identifier: &str) -> Result<Option<Response>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let Some(found) = notices::one(&mut conn, v.now, TOWNS_OWN, identifier).await? else { return Ok(None) };
    let tags = notices::languages(&mut conn, found.id).await?;
    let wanted = wanted_language(&tags, asked(&v.here, "lang").as_deref(), v.lang.tag());
    let n = match wanted.as_str() {
        TOWNS_OWN => found,
        other => notices::one(&mut conn, v.now, other, identifier).await?.unwrap_or(found),
    };
    let chain = notices::chain(&mut conn, v.now, n.id).await?;
    let map = map_of(&mut conn, &v, &n).await?;
    let basis = attribution(&mut conn, n.id, &n.language).await?.unwrap_or_default();
    drop(conn);
    let newest = newest(&n, &chain);
    let b = Shown::of(n, map);
    let base = app.config.public_url().clone();
    if asked(&v.here, "print").is_some() {
        return sheet(v, b, newest, (&base, basis)).map(Some);
    }
    let languages =
        tags.into_iter().map(|tag| Language { name: language_name(&tag), is_shown: tag == b.n.language, tag });
    page(&AlertPage {
        languages: languages.collect(),
        other_language: b.n.language.get(..2) != v.lang.tag().get(..2),
        lines: reasons::lines(&v, &b.n.reasons, MOST_LINES),
        rule: crate::web::pages::now::rule(b.n.rule_id.as_deref(), b.n.rule_version),
        summary: summary(&v, &b.n),
        basis,
        base,
        chain,
        newest,
        b,
        v,
    })
    .map(Some)
}

/// The last of the chain, when it is not this one, this one no longer counts, and that one does: it is in force, or the word
/// that the danger is over. Of a chain that ran out nothing counts any more.
fn newest(n: &Notice, chain: &[Link]) -> Option<Link> {
    let last = chain.last().filter(|last| last.identifier != n.identifier && !last.standing.is_over());
    last.filter(|_| n.standing.is_over()).cloned()
}

/// What shared links and search engines show under the headline.
fn summary(v: &View, n: &Notice) -> String {
    let first = notices::steps(&n.instruction).into_iter().next().unwrap_or_default();
    let places = crate::web::pages::now::names(v, &n.areas, 5);
    format!("{}. {}: {places}. {first}", over_line(v, n), v.t("where"))
}

fn sheet(v: View, b: Shown, newest: Option<Link>, (base, basis): (&str, String)) -> Result<Response, ApiError> {
    let address = format!("{base}/alerts/{}", b.n.identifier);
    // Instructions stand whole; what is known gives way to them.
    let room = MOST_LETTERS.saturating_sub(b.n.instruction.chars().count());
    let is_cut = b.n.description.chars().count() > room;
    let mut text: String = b.n.description.chars().take(room).collect();
    if is_cut {
        text.push('…');
    }
    // What the text says already is not said twice.
    let basis = if text.contains(&basis) { String::new() } else { basis };
    let letters = text.chars().count() + b.n.instruction.chars().count();
    let length = match letters {
        ..900 => "",
        900..1700 => "long",
        _ => "longer",
    };
    let places = crate::web::pages::now::names(&v, &b.n.areas, MOST_PLACES);
    page(&Sheet { code: code(&address), length, places, text, basis, is_cut, address, newest, b, v })
}

/// The address as a QR code: an `<svg>` element, black on white; empty for an address that no code holds.
fn code(address: &str) -> Markup {
    let Ok(code) = QrCode::new(address.as_bytes()) else { return Markup::default() };
    let drawn = code.render::<Color<'_>>().min_dimensions(200, 200).build();
    Markup(drawn.find("<svg").map_or_else(String::new, |start| drawn[start..].to_owned()))
}

/// The value of a parameter of "path?query"; empty when it stands there without one.
fn asked(here: &str, name: &str) -> Option<String> {
    let query = here.split_once('?')?.1;
    url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// Of the languages that are written: the one that was asked for, else the page's own, else the town's.
fn wanted_language(tags: &[String], asked: Option<&str>, own: &str) -> String {
    let speaks = |wanted: &str| tags.iter().find(|tag| tag.get(..2) == wanted.get(..2)).cloned();
    let found = asked.filter(|asked| asked.len() >= 2).and_then(speaks).or_else(|| speaks(own));
    found.unwrap_or_else(|| TOWNS_OWN.to_owned())
}

/// A language in its own words, so that whoever speaks it finds it.
fn language_name(tag: &str) -> &'static str {
    match tag.get(..2) {
        Some("pt") => "Português",
        Some("en") => "English",
        Some("es") => "Español",
        Some("fr") => "Français",
        _ => "Outra língua",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_are_in_the_language_that_was_asked_for_if_they_are_written_in_it() {
        let tags = ["pt-BR", "en", "es"].map(String::from);
        let wanted = |asked, own| wanted_language(&tags, asked, own);
        assert_eq!(wanted(Some("es"), "pt-BR"), "es");
        assert_eq!(wanted(Some("es-MX"), "pt-BR"), "es");
        assert_eq!(wanted(None, "en"), "en");
        assert_eq!(wanted(Some("de"), "en"), "en");
        assert_eq!(wanted(Some("é"), "pt-BR"), "pt-BR");
        assert_eq!(wanted_language(&tags[..1], Some("es"), "en"), "pt-BR");
    }

    #[test]
    fn parameters_are_found_in_the_address() {
        assert_eq!(asked("/alerts/a?print", "print").as_deref(), Some(""));
        assert_eq!(asked("/alerts/a?lang=es&print=1", "print").as_deref(), Some("1"));
        assert_eq!((asked("/alerts/print", "print"), asked("/alerts/a?x=print", "print")), (None, None));
    }
}
