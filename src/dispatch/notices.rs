//! Messages to one person that are no alerts: invitations, password resets, one-time codes.
//!
//! A notice is written in the transaction of the act that causes it and sent by the dispatchers after every alert that is
//! due, but for what tells institutions, which leaves before them. It is tried until it expires; what it says is emptied from
//! the database as soon as nothing is left to send. When the process dies between sending and writing that down, it is sent
//! once more and not again: at most twice.

use sqlx::PgConnection;
use uuid::Uuid;

use super::channels::{Key, Row};
use super::content::Letter;
use super::decide::Next;
use super::provider::Channel;
use super::store::notice as store;
use crate::clock::Instant;
use crate::ids::Ids;

/// Notices of one purpose to one address within an hour; what is beyond them is kept as suppressed. So nobody can make
/// this service ring somebody's telephone again and again.
pub const AN_HOUR: i64 = 5;
/// Notices of all purposes to one address within a day.
pub const A_DAY: i64 = 20;

/// The purpose of pages to staff about an alert that waits. Nobody outside can cause one, and a night of storms has many: they
/// have a larger share, apart from that of other notices, so that neither keeps the other from its reader.
pub const PAGE: &str = "alert_page";
pub const PAGES_AN_HOUR: i64 = 60;
pub const PAGES_A_DAY: i64 = 300;

/// The purpose of answers to what a telephone orders by SMS. Each is asked for by a message of that very telephone, which has places to
/// subscribe, to look at and to leave.
pub const ORDER: &str = "sms_order";
pub const ORDERS_AN_HOUR: i64 = 15;
pub const ORDERS_A_DAY: i64 = 40;

/// The purpose of alerts to contacts of institutions. Nobody outside can cause one, and a night of storms has many.
pub const INSTITUTION: &str = "institution";

/// The purpose of calls to staff about a siren that may sound on. As of pages: nobody outside can cause one, and there are many sirens.
pub const SIREN: &str = "siren";

/// The purpose of tasks of a contingency plan to staff. As of pages.
pub const PLAN: &str = "plan_task";

/// Pages on which a reader ends messages that they asked for by segment.
const LEAVE: &str = "/secretaria/segmentos/sair/";

/// The purpose of calls to staff who are named in a note. Only staff causes them.
pub const MENTION: &str = "mention";

/// The purpose of calls to staff who are sent somewhere. Only staff causes them.
pub const DEPLOYMENT: &str = "deployment";

/// The share of one purpose: notices within an hour, and within a day.
pub fn share(purpose: &str) -> (i64, i64) {
    match purpose {
        PAGE | INSTITUTION | SIREN | PLAN | MENTION | DEPLOYMENT => (PAGES_AN_HOUR, PAGES_A_DAY),
        ORDER => (ORDERS_AN_HOUR, ORDERS_A_DAY),
        _ => (AN_HOUR, A_DAY),
    }
}

/// What to tell whom.
#[derive(Clone, Copy, Debug)]
pub struct Notice<'a> {
    pub channel: Channel,
    /// E.164, or an e-mail address.
    pub address: &'a str,
    /// Of the e-mail; an SMS has none.
    pub subject: &'a str,
    /// Plain text. Addresses of pages (`https://…`) become links in an e-mail.
    pub body: &'a str,
    /// After this it is not sent any more.
    pub expires_at: Instant,
    /// Small letters and `_`, e.g. "`password_reset`".
    pub purpose: &'static str,
}

/// Queues a notice in the caller's transaction; the dispatchers wake at its commit. Beyond the limits it is kept as
/// suppressed, and the caller is not told: whoever asks for codes shall not learn more from one that does not come.
///
/// # Errors
/// What the database says.
pub async fn queue(conn: &mut PgConnection, ids: &Ids, now: Instant, notice: &Notice<'_>) -> sqlx::Result<Uuid> {
    let id = ids.uuid(now);
    store::insert(conn, id, now, notice).await?;
    Ok(id)
}

/// Whether the address had a notice of this purpose since. Whoever asks is the only one who does until the transaction ends.
///
/// # Errors
/// What the database says.
pub async fn was_queued(
    conn: &mut PgConnection,
    to: (Channel, &str),
    purpose: &str,
    since: Instant,
) -> sqlx::Result<bool> {
    store::was_queued(conn, to, purpose, since).await
}

/// A notice in our hands until its lease ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    pub id: Uuid,
    pub address: String,
    pub subject: String,
    pub body: String,
    pub attempt: i32,
    pub fence: i64,
    pub expires_at: Instant,
}

/// How a try ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    pub id: Uuid,
    pub fence: i64,
    pub next: Next,
}

impl Claimed {
    pub fn row(&self) -> Row {
        Row {
            key: Key::Notice(self.id),
            address: self.address.clone(),
            attempt: self.attempt,
            fence: self.fence,
            expires_at: self.expires_at,
            refusals: 0,
        }
    }

    /// The e-mail of it.
    pub fn letter(&self) -> Letter {
        let paragraphs: Vec<String> = self.body.split("\n\n").map(paragraph).collect();
        let html = format!(
            "<!doctype html><html><head><meta charset=\"utf-8\"><title>{}</title></head>\
             <body style=\"font-family:sans-serif;max-width:40em\">{}</body></html>",
            escaped(&self.subject),
            paragraphs.concat()
        );
        Letter { subject: self.subject.clone(), text: self.body.clone(), html, map: None }
    }
}

/// The address by which its reader ends messages of this kind with one press (RFC 8058): the last line, when it is such a page here.
pub fn leave_link<'a>(text: &'a str, base: &str) -> Option<&'a str> {
    let last = text.trim_end().lines().next_back()?.trim();
    let token = last.strip_prefix(base)?.strip_prefix(LEAVE)?;
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (!token.is_empty() && token.len() <= 200 && token.bytes().all(is_token)).then_some(last)
}

fn paragraph(text: &str) -> String {
    let lines: Vec<String> =
        text.lines().map(|line| line.split(' ').map(word).collect::<Vec<String>>().join(" ")).collect();
    format!("<p>{}</p>", lines.join("<br>"))
}

fn word(text: &str) -> String {
    let shown = escaped(text);
    if text.starts_with("https://") || text.starts_with("http://") {
        format!("<a href=\"{shown}\">{shown}</a>")
    } else {
        shown
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_line_of_a_letter_and_only_a_page_of_this_service_ends_messages() {
        let base = "https://a.invalid";
        let text = "Novidades\n\nhttps://a.invalid/secretaria/segmentos/sair/AbC-_9\n";
        assert_eq!(leave_link(text, base), Some("https://a.invalid/secretaria/segmentos/sair/AbC-_9"));
        for wrong in [
            "https://a.invalid/secretaria/segmentos/sair/AbC\n\nmais",
            "https://b.invalid/secretaria/segmentos/sair/AbC",
            "https://a.invalid/secretaria/segmentos/sair/a>b",
            "https://a.invalid/secretaria/segmentos/sair/",
            "",
        ] {
            assert_eq!(leave_link(wrong, base), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_letter_of_a_notice_links_addresses_and_nothing_else() {
        let notice = Claimed {
            id: Uuid::nil(),
            address: "a@example.org".into(),
            subject: "Convite <1>".into(),
            body: "Olá <b>.\n\nAbra\nhttps://exemplo.invalid/c?a=1&b=\"2 hoje".into(),
            attempt: 1,
            fence: 1,
            expires_at: Instant::default(),
        };
        let letter = notice.letter();
        assert_eq!(letter.text, notice.body);
        assert!(
            letter
                .html
                .contains("<p>Olá &lt;b&gt;.</p><p>Abra<br><a href=\"https://exemplo.invalid/c?a=1&amp;b=&quot;2\">")
        );
        assert!(letter.html.contains("<title>Convite &lt;1&gt;</title>"));
    }
}
