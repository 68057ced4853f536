//! Reports that come by SMS and e-mail: who sends them is looked up, and they are answered with their protocol.

use chrono::TimeDelta;
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;

use super::locate::{Given, locate};
use super::mail::Mail;
use super::take::{Desk, NewReport, Reporter, Taken, take};
use super::trust::Standing;
use super::{Kind, PlaceFrom, Source, sms, store};
use crate::app::App;
use crate::catalogue::normal_phone;
use crate::clock::Instant;
use crate::dispatch::notices::{self, Notice};
use crate::dispatch::provider::Channel;
use crate::i18n::Lang;
use crate::media::Picture;

/// It is still worth knowing some hours later.
const ANSWER_FOR: TimeDelta = TimeDelta::hours(6);

/// A message as both ways bring it.
struct Message<'a> {
    channel: Channel,
    from: &'a str,
    key: String,
    source: Source,
    kind: Kind,
    words: String,
    place: String,
    pictures: &'a [Picture],
}

/// Takes an SMS that is a report, in the caller's transaction, and answers it. Every other message is left as it is.
///
/// # Errors
/// What the database says.
pub async fn sms(
    conn: &mut PgConnection,
    app: &App,
    now: Instant,
    (from, text): (&str, &str),
) -> sqlx::Result<Option<Taken>> {
    let Some(said) = sms::read(text) else { return Ok(None) };
    // Centres name a sender with or without the sign; short numbers are machines, and get no answer.
    let international = format!("+{}", from.trim_start_matches('+'));
    let number = normal_phone(from).or_else(|_| normal_phone(&international));
    let from = number.unwrap_or_else(|_| from.to_owned());
    let message = Message {
        channel: Channel::Sms,
        key: key_of(&from, text, now),
        from: &from,
        source: Source::Sms,
        kind: said.kind,
        words: said.words,
        place: said.place,
        pictures: &[],
    };
    file(conn, app, now, message).await.map(Some)
}

/// A centre that got no answer sends the same message again, within minutes. The same words of the same person on another
/// hour are a new report.
fn key_of(from: &str, text: &str, now: Instant) -> String {
    let hour = now.timestamp().div_euclid(3600);
    let digits: String =
        Sha256::digest(format!("{from}\n{text}\n{hour}")).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("sms-{digits}")
}

/// Takes an e-mail in a transaction of its own, and answers it.
///
/// # Errors
/// What the database says.
pub async fn mail(app: &App, mail: Mail, pictures: &[Picture]) -> sqlx::Result<()> {
    let now = app.clock.now();
    let message = Message {
        channel: Channel::Email,
        from: &mail.from,
        key: mail.key,
        source: Source::Email,
        kind: mail.kind,
        place: sms::place(&mail.words),
        words: mail.words,
        pictures,
    };
    let mut tx = app.db.dispatch.begin().await?;
    file(&mut tx, app, now, message).await?;
    tx.commit().await
}

async fn file(conn: &mut PgConnection, app: &App, now: Instant, message: Message<'_>) -> sqlx::Result<Taken> {
    let from = (message.channel.as_str(), message.from);
    let home = store::home_of(&mut *conn, from).await?;
    // Who a letter says it is from can be forged by anybody; a telephone number only by few.
    let standing = match (message.channel, &home) {
        (Channel::Sms, Some(_)) => Standing::Resident,
        _ => Standing::Contact,
    };
    let (told, doubt) = locate(&mut *conn, Given { place: &message.words, ..Given::default() }).await?;
    let spot = told.or_else(|| home.flatten().map(|spot| (spot, PlaceFrom::Resident)));
    let new = NewReport {
        key: message.key,
        source: message.source,
        kind: message.kind,
        words: message.words,
        place: message.place,
        spot,
        observed_at: None,
        language: Lang::Pt.tag(),
        reporter: Reporter {
            standing,
            known_by: format!("{} {}", from.0, from.1),
            contact: Some(message.from.to_owned()),
            staff: None,
        },
        doubts: doubt.into_iter().collect(),
        pictures: message.pictures,
    };
    let taken = take(&mut *conn, Desk::of(app), now, new).await?;
    let can_answer = message.channel == Channel::Email || message.from.starts_with('+');
    if taken.is_new && can_answer {
        answer(conn, app, now, (message.channel, message.from), &taken.protocol).await?;
    }
    Ok(taken)
}

/// Tells the protocol. Within the limits of notices, so that nobody can make this service write to somebody again and again.
async fn answer(
    conn: &mut PgConnection,
    app: &App,
    now: Instant,
    (channel, address): (Channel, &str),
    protocol: &str,
) -> sqlx::Result<()> {
    let town = &app.config.municipality;
    let subject = Lang::Pt.t1("report-answer-subject", "authority", &town.sender_name);
    let body = Lang::Pt.t2("report-answer", "authority", &town.sender_name, "protocol", protocol);
    let body = format!("{body} {}", Lang::Pt.t1("report-answer-call", "contact", &town.contact));
    let notice = Notice {
        channel,
        address,
        subject: &subject,
        body: &body,
        expires_at: now + ANSWER_FOR,
        purpose: "report_receipt",
    };
    notices::queue(conn, &app.ids, now, &notice).await?;
    Ok(())
}
