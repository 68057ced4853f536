//! What every page knows: who reads it, in which language, at which instant, for which town.

use std::fmt::Display;

use askama::filters::HtmlSafe;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri, header};
use axum::middleware::Next;
use axum::response::Response;
use chrono::{Datelike as _, TimeDelta};
use chrono_tz::Tz;

use crate::accounts::Permission;
use crate::app::App;
use crate::clock::Instant;
use crate::config::AlertStatus;
use crate::i18n::Lang;
use crate::units::Level;
use crate::web::auth::Staff;
use crate::web::cookie;
use crate::web::error::{ApiError, FieldError};
use crate::web::pages::secretariat::sentences;

/// Markup made here, from our own words and escaped values.
#[derive(Clone, Debug, Default)]
pub struct Markup(pub String);

impl Display for Markup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl HtmlSafe for Markup {}

/// A value as templates hand it over: itself, or behind as many references as their loops add.
pub trait Given<T> {
    fn given(&self) -> T;
}

macro_rules! given {
    ($($kind:ty),+) => {$(
        impl Given<$kind> for $kind {
            fn given(&self) -> $kind {
                *self
            }
        }
    )+};
}
given!(Instant, chrono::NaiveDate, i16, i64, usize, f64, Level, Permission);

impl<T, R: Given<T> + ?Sized> Given<T> for &R {
    fn given(&self) -> T {
        (**self).given()
    }
}

/// The frame of a page. Templates call its methods.
#[derive(Clone, Debug)]
pub struct View {
    pub lang: Lang,
    pub now: Instant,
    pub tz: Tz,
    pub town: String,
    pub authority: String,
    pub contact: String,
    /// Said on every page when the data are not real.
    pub notice: String,
    pub status: AlertStatus,
    /// "light", "dark", or empty for the page's own default.
    pub theme: &'static str,
    pub staff: Option<Staff>,
    /// What the identity provider is called here; empty when there is none.
    pub provider: String,
    /// Path and query, to come back to.
    pub here: String,
}

impl View {
    /// For whoever asks, signed in or not.
    pub fn anonymous(app: &App, parts: &Parts) -> Self {
        let staff = parts.extensions.get::<Staff>().cloned();
        let town = &app.config.municipality;
        Self {
            lang: language(&parts.uri, &parts.headers, staff.as_ref()),
            now: app.clock.now(),
            tz: town.time_zone,
            town: town.name.clone(),
            authority: town.sender_name.clone(),
            contact: town.contact.clone(),
            notice: app.config.demo.notice.clone(),
            status: app.config.alerts.status,
            theme: theme(&parts.headers),
            staff,
            provider: if app.config.oidc.is_on() { app.config.oidc.label.clone() } else { String::new() },
            here: parts.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
        }
    }

    /// The same for whoever asks, signed in or not: in the language of the address (`?lang=`), else the town's own, and without
    /// what their browser keeps. For answers that caches between us and many readers may keep.
    #[must_use]
    pub fn for_everyone(self) -> Self {
        let query = self.here.split_once('?').map(|(_, query)| query).unwrap_or_default();
        Self { lang: language_of(query).unwrap_or_default(), theme: "", staff: None, ..self }
    }

    pub fn t(&self, key: &str) -> String {
        self.lang.t(key)
    }

    pub fn t1(&self, key: &str, name: &'static str, value: impl Display) -> String {
        self.lang.t1(key, name, value)
    }

    pub fn t2(
        &self,
        key: &str,
        a: &'static str,
        a_value: impl Display,
        b: &'static str,
        b_value: impl Display,
    ) -> String {
        self.lang.t2(key, a, a_value, b, b_value)
    }

    /// The text of a word from a vocabulary: `word("quantity", "rain")` is the key "quantity-rain".
    pub fn word(&self, vocabulary: &str, word: &str) -> String {
        self.lang.t(&format!("{vocabulary}-{}", word.replace(['_', ' '], "-")))
    }

    /// The name of a field as its form calls it.
    pub fn label(&self, vocabulary: &str, name: &str) -> String {
        sentences::label(self.lang, vocabulary, name)
    }

    /// True when something is wrong with a field, or with a part of it.
    pub fn is_wrong(&self, errors: &[FieldError], name: &str) -> bool {
        let is_part = |one: &FieldError| {
            one.field.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[', ',', ' ']))
        };
        errors.iter().any(is_part)
    }

    /// "22:40".
    pub fn time(&self, at: impl Given<Instant>) -> String {
        let at = at.given();
        at.with_timezone(&self.tz).format("%H:%M").to_string()
    }

    /// "22:40" today, "23/02 22:40" on other days of this year, with the year otherwise.
    pub fn when(&self, at: impl Given<Instant>) -> String {
        let at = at.given();
        let (local, today) = (at.with_timezone(&self.tz), self.now.with_timezone(&self.tz));
        if local.date_naive() == today.date_naive() {
            return local.format("%H:%M").to_string();
        }
        let same_year = local.year() == today.year();
        let form = match (self.lang, same_year) {
            (Lang::Pt, true) => "%d/%m %H:%M",
            (Lang::Pt, false) => "%d/%m/%Y %H:%M",
            (Lang::En, true) => "%-d %b %H:%M",
            (Lang::En, false) => "%-d %b %Y %H:%M",
        };
        local.format(form).to_string()
    }

    /// Day and time in full: "24/02/2026 22:40".
    pub fn full(&self, at: impl Given<Instant>) -> String {
        let at = at.given();
        let form = if self.lang == Lang::Pt { "%d/%m/%Y %H:%M" } else { "%-d %b %Y %H:%M" };
        at.with_timezone(&self.tz).format(form).to_string()
    }

    /// A day: "24/02/2026".
    pub fn day(&self, day: impl Given<chrono::NaiveDate>) -> String {
        let form = if self.lang == Lang::Pt { "%d/%m/%Y" } else { "%-d %b %Y" };
        day.given().format(form).to_string()
    }

    /// Value of an `<input type=datetime-local>`.
    pub fn input_time(&self, at: impl Given<Instant>) -> String {
        let at = at.given();
        at.with_timezone(&self.tz).format("%Y-%m-%dT%H:%M").to_string()
    }

    /// With offset, for `<time datetime>`.
    pub fn machine(&self, at: impl Given<Instant>) -> String {
        let at = at.given();
        at.with_timezone(&self.tz).to_rfc3339_opts(chrono::SecondsFormat::Secs, false)
    }

    /// "há 20 min".
    pub fn ago(&self, at: impl Given<Instant>) -> String {
        let at = at.given();
        let seconds = (self.now - at).num_seconds();
        match seconds {
            ..5 => self.t("ago-now"),
            5..60 => self.t1("ago-seconds", "n", seconds),
            60..3600 => self.t1("ago-minutes", "n", seconds / 60),
            3600..172_800 => self.t1("ago-hours", "n", seconds / 3600),
            _ => self.t1("ago-days", "n", seconds / 86_400),
        }
    }

    /// A `<time>` that says how long ago, with the full instant on it.
    pub fn since(&self, at: impl Given<Instant>) -> Markup {
        let at = at.given();
        let (machine, full, ago) = (self.machine(at), self.full(at), self.ago(at));
        Markup(format!(r#"<time datetime="{machine}" title="{full}">{ago}</time>"#))
    }

    /// Whole numbers with the language's group marks: "18.432".
    pub fn count(&self, number: impl Given<i64>) -> String {
        let number = number.given();
        let mark = if self.lang == Lang::Pt { '.' } else { ',' };
        grouped(number, mark)
    }

    /// At most one decimal, with the language's own mark: "172", "3,4".
    pub fn decimal(&self, value: impl Given<f64>) -> String {
        let value = value.given();
        let text = format!("{value:.1}");
        let text = text.strip_suffix(".0").unwrap_or(&text);
        if self.lang == Lang::Pt { text.replace('.', ",") } else { text.to_owned() }
    }

    /// Centavos as money: "R$ 1.032,48".
    pub fn money(&self, centavos: impl Given<i64>) -> String {
        let centavos = centavos.given();
        let (group, point) = if self.lang == Lang::Pt { ('.', ',') } else { (',', '.') };
        format!("R$ {}{point}{:02}", grouped(centavos / 100, group), centavos % 100)
    }

    pub fn level_word(&self, level: impl Given<Level>) -> String {
        let level = level.given();
        self.lang.t(level_key(level))
    }

    /// Shape, word and colour: never one of them alone.
    pub fn chip(&self, level: impl Given<Level>) -> Markup {
        let level = level.given();
        let (word, shape) = (self.level_word(level), shape(level));
        Markup(format!(r#"<span class="lv {level}">{shape}{word}</span>"#))
    }

    /// The shape alone, for places where the word stands beside it.
    pub fn mark(&self, level: impl Given<Level>) -> Markup {
        let level = level.given();
        Markup(format!(r#"<span class="mk {level}">{}</span>"#, shape(level)))
    }

    pub fn hazard(&self, cobrade: &str) -> String {
        let parsed = cobrade.parse::<crate::cobrade::Cobrade>();
        let key = match cobrade {
            "1.1.3.2.1" => "hazard-landslide",
            "1.2.1.0.0" => "hazard-flood",
            "1.2.2.0.0" => "hazard-flash-flood",
            "1.2.3.0.0" => "hazard-waterlogging",
            "1.3.2.1.4" => "hazard-heavy-rain",
            _ => return parsed.map_or_else(|_| cobrade.to_owned(), |code| code.name().to_owned()),
        };
        self.lang.t(key)
    }

    /// Who acted, in words: people by user name, the service and its rules by what they are.
    pub fn actor(&self, actor: &str) -> String {
        match actor {
            "rule" | "service" | "policy" => self.word("actor", actor),
            other => match other.strip_prefix("policy: ") {
                Some(policy) => self.t1("actor-by-policy", "policy", policy),
                None => other.to_owned(),
            },
        }
    }

    pub fn csrf(&self) -> &str {
        self.staff.as_ref().map_or("", |staff| staff.csrf_token.as_str())
    }

    pub fn may(&self, permission: impl Given<Permission>) -> bool {
        self.staff.as_ref().is_some_and(|staff| staff.permissions.allow(permission.given()))
    }

    pub fn other_lang(&self) -> Lang {
        if self.lang == Lang::Pt { Lang::En } else { Lang::Pt }
    }

    /// What exercise and test messages are called on every page, or empty.
    pub fn exercise(&self) -> String {
        match self.status {
            AlertStatus::Actual => String::new(),
            AlertStatus::Exercise => self.t("status-exercise"),
            AlertStatus::System => self.t("status-system"),
            AlertStatus::Test => self.t("status-test"),
        }
    }
}

/// "40 min", "9 h 30 min", "2 d 3 h".
pub fn lasting(time: TimeDelta) -> String {
    let minutes = time.num_minutes().max(0);
    let (large, small) = match minutes {
        ..60 => ((minutes, "min"), None),
        60..1440 => ((minutes / 60, "h"), Some((minutes % 60, "min"))),
        _ => ((minutes / 1440, "d"), Some((minutes % 1440 / 60, "h"))),
    };
    let part = |(n, unit): (i64, &str)| format!("{n} {unit}");
    match small.filter(|(n, _)| *n > 0) {
        Some(small) => format!("{} {}", part(large), part(small)),
        None => part(large),
    }
}

fn grouped(number: i64, mark: char) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::from(if number < 0 { "-" } else { "" });
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(mark);
        }
        text.push(digit);
    }
    text
}

pub const fn level_key(level: Level) -> &'static str {
    match level {
        Level::Unknown => "level-unknown",
        Level::Normal => "level-normal",
        Level::Observation => "level-observation",
        Level::Attention => "level-attention",
        Level::Alert => "level-alert",
        Level::Maximum => "level-maximum",
    }
}

/// The shape of a level in a 12 × 12 box: tells levels apart in grey print and for colour-blind eyes.
const fn shape(level: Level) -> &'static str {
    match level {
        Level::Normal => r#"<svg viewBox="0 0 12 12" aria-hidden="true"><circle cx="6" cy="6" r="4"/></svg>"#,
        Level::Observation => {
            r#"<svg viewBox="0 0 12 12" aria-hidden="true"><rect x="2" y="2" width="8" height="8" rx="1"/></svg>"#
        }
        Level::Attention => r#"<svg viewBox="0 0 12 12" aria-hidden="true"><path d="M6 1l5 10H1z"/></svg>"#,
        Level::Alert => r#"<svg viewBox="0 0 12 12" aria-hidden="true"><path d="M6 0l6 6-6 6-6-6z"/></svg>"#,
        Level::Maximum => r#"<svg viewBox="0 0 12 12" aria-hidden="true"><path d="M4 0h4l4 4v4l-4 4H4L0 8V4z"/></svg>"#,
        Level::Unknown => {
            r#"<svg viewBox="0 0 12 12" aria-hidden="true"><path d="M2 2l8 8M10 2l-8 8" stroke="currentColor" stroke-width="2"/></svg>"#
        }
    }
}

/// By `?lang=`, by the cookie, by the person's own setting, by the browser; Portuguese otherwise.
fn language(uri: &Uri, headers: &HeaderMap, staff: Option<&Staff>) -> Lang {
    let asked = asked_language(uri);
    let kept = || cookie::read(headers, cookie::LANGUAGE).and_then(Lang::from_tag);
    let own = || staff.and_then(|staff| Lang::from_tag(&staff.language));
    let browser = || {
        let accept = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        accept.and_then(Lang::from_accept)
    };
    asked.or_else(kept).or_else(own).or_else(browser).unwrap_or_default()
}

fn asked_language(uri: &Uri) -> Option<Lang> {
    language_of(uri.query().unwrap_or_default())
}

fn language_of(query: &str) -> Option<Lang> {
    let pairs = query.split('&');
    pairs.filter_map(|pair| pair.strip_prefix("lang=")).find_map(Lang::from_tag)
}

fn theme(headers: &HeaderMap) -> &'static str {
    match cookie::read(headers, cookie::THEME) {
        Some("light") => "light",
        Some("dark") => "dark",
        _ => "",
    }
}

/// Keeps the language asked for with `?lang=` for the pages that follow.
pub async fn keep_language(State(app): State<App>, request: Request, next: Next) -> Response {
    // What other sites frame keeps nothing in the browsers of their visitors.
    let asked = asked_language(request.uri()).filter(|_| !request.uri().path().starts_with("/banner"));
    let mut response = next.run(request).await;
    if let Some(lang) = asked {
        let secure = app.config.public_url().starts_with("https");
        let cookie = cookie::write(cookie::LANGUAGE, lang.tag(), 31_536_000, secure);
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

impl FromRequestParts<App> for View {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        Ok(Self::anonymous(app, parts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(grouped(18_432, '.'), "18.432");
        assert_eq!(grouped(999, '.'), "999");
        assert_eq!(grouped(-1_000_000, ','), "-1,000,000");
    }

    #[test]
    fn a_time_is_told_in_its_two_largest_units() {
        let told = |minutes| lasting(TimeDelta::minutes(minutes));
        assert_eq!([-1, 40, 60, 570, 1440, 3065].map(told), ["0 min", "40 min", "1 h", "9 h 30 min", "1 d", "2 d 3 h"]);
    }

    #[test]
    fn the_language_asked_for_wins() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, axum::http::HeaderValue::from_static("sentinela_lang=en"));
        assert_eq!(language(&Uri::from_static("/?lang=pt-BR"), &headers, None), Lang::Pt);
        assert_eq!(language(&Uri::from_static("/"), &headers, None), Lang::En);
        assert_eq!(language(&Uri::from_static("/"), &HeaderMap::new(), None), Lang::Pt);
    }
}
