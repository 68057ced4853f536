//! Messages by segment: anybody asks with a mailbox and tags, the mailbox confirms, a digest leaves once a day, and one press ends it
//! (RFC 8058). Links are signed and name the subscription, so nothing secret lies in the database.

mod define;
pub mod desk;
pub mod letter;
pub mod report;
pub mod store;
pub mod worker;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::accounts::manage::is_email;
use crate::app::App;
use crate::clock::Instant;
use crate::dispatch::notices::{self, Notice};
use crate::dispatch::provider::Channel;
use crate::i18n::Lang;
use crate::refused::Refused;
use crate::units::vocabulary;
use crate::vault::Ring;

pub use define::{Segment, Segments};
pub use store::{address, counts, leave, log, wanted};

const CONTEXT: &str = "segment link";
/// How long a link that confirms holds, and a request that waits for it is kept.
pub const CONFIRM_WITHIN: TimeDelta = TimeDelta::days(7);
const ID_LEN: usize = 16;
const TIME_LEN: usize = 8;

/// A link that the service signed: what it is for, whose, and when it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    pub id: Uuid,
    pub made_at: i64,
}

/// Letters that fit into an address. `word`: confirm or leave.
pub fn token(ring: &Ring, word: &str, id: Uuid, now: Instant) -> String {
    let mut body = id.as_bytes().to_vec();
    body.extend_from_slice(&now.timestamp().to_be_bytes());
    let sum = ring.sum(&format!("{CONTEXT} {word}"), &body);
    URL_SAFE_NO_PAD.encode([body.as_slice(), &sum].concat())
}

/// `None` for what this service never signed for that.
pub fn check(ring: &Ring, word: &str, token: &str) -> Option<Link> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (body, sum) = bytes.split_at_checked(ID_LEN + TIME_LEN)?;
    if !ring.has_made(&format!("{CONTEXT} {word}"), body, sum) {
        return None;
    }
    let id = Uuid::from_slice(&body[..ID_LEN]).ok()?;
    let made_at = body[ID_LEN..].try_into().map(i64::from_be_bytes).ok()?;
    Some(Link { id, made_at })
}

/// Asks for messages. Whoever asks learns nothing of who is known; the mailbox is asked.
///
/// # Errors
/// `Wrong` for the address or the tags.
pub async fn ask(
    conn: &mut PgConnection,
    app: &App,
    lang: Lang,
    (email, tags): (&str, &[String]),
) -> Result<(), Refused> {
    // One mailbox is one subscription however its address is typed, and has one limit of notices.
    let (email, now) = (email.trim().to_lowercase(), app.clock.now());
    let email = email.as_str();
    if !is_email(email) || email.len() > 254 {
        return Err(Refused::wrong("email", email, "expected an e-mail address"));
    }
    let known = |tag: &&String| app.segments.get(tag).is_some();
    let wanted: Vec<String> = tags.iter().filter(known).cloned().collect();
    if wanted.is_empty() || wanted.len() != tags.len() {
        let keys: Vec<&str> = app.segments.iter().map(|segment| segment.key.as_str()).collect();
        return Err(Refused::wrong("tag", tags.join(","), format!("expected one or more of {}", keys.join(", "))));
    }
    let id = store::want(&mut *conn, app.ids.uuid(now), (email, &wanted), (lang.tag(), now)).await?;
    let token = token(&app.keys.service, "confirm", id, now);
    let subject = lang.t1("sec-segments-mail-subject", "authority", &app.config.municipality.sender_name);
    let link = format!("{}/secretaria/segmentos/confirmar/{token}", app.config.public_url());
    let text = lang.t1("sec-segments-mail-text", "subjects", app.segments.titles(&wanted, lang).join("; "));
    let body = format!("{text}\n\n{link}\n\n{}\n", lang.t("sec-segments-mail-not-you"));
    let notice = Notice {
        channel: Channel::Email,
        address: email,
        subject: &subject,
        body: &body,
        expires_at: now + CONFIRM_WITHIN,
        purpose: "segment_confirm",
    };
    notices::queue(conn, &app.ids, now, &notice).await?;
    Ok(())
}

/// The mailbox says yes. False: the link is too old, or they left.
///
/// # Errors
/// The database's.
pub async fn confirm(conn: &mut PgConnection, link: Link, now: Instant) -> sqlx::Result<bool> {
    if link.made_at < (now - CONFIRM_WITHIN).timestamp() {
        return Ok(false);
    }
    store::confirm(conn, (link.id, link.made_at), now).await
}

/// People of a segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Count {
    pub tag: String,
    pub people: i64,
}

vocabulary! {
    /// How a letter fares.
    Outcome, "outcome of a letter" {
        /// With the dispatchers, who try it again until it expires.
        Waiting = "waiting",
        Sent = "sent",
        /// The other side refused it, it expired, or its address had its share.
        Failed = "failed",
        /// It may have left: nobody answered.
        Unknown = "unknown",
        /// What is known of a notice goes after its days.
        Forgotten = "forgotten",
    }
}

/// One publication and how many it was handed over for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Handed {
    pub title: String,
    pub case_id: Uuid,
    pub module: String,
    /// None: fewer than five.
    pub people: Option<i64>,
    pub at: Instant,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Ids;

    #[test]
    fn a_link_that_confirms_does_not_leave_and_none_can_be_made_up() {
        let ids = Ids::seeded(1);
        let ring = Ring::new("service", &[], &ids);
        let now: Instant = "2026-03-01T12:00:00Z".parse().unwrap();
        let id = ids.uuid(now);
        let token = token(&ring, "confirm", id, now);
        assert_eq!(check(&ring, "confirm", &token), Some(Link { id, made_at: now.timestamp() }));
        assert_eq!(check(&ring, "leave", &token), None);
        assert_eq!(check(&ring, "confirm", &token[1..]), None);
        assert_eq!(check(&ring, "confirm", "é"), None);
    }
}
