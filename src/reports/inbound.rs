//! Reports that come by SMS and e-mail: who sends them is looked up, and they are answered with their protocol.

use chrono::TimeDelta;
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;

use super::cluster::{EXACT_M, Spot};
use super::locate::{Given, Located, locate};
use super::mail::Mail;
use super::take::{Desk, NewReport, Reporter, Taken, take};
use super::trust::Standing;
use super::{Kind, PlaceFrom, Source, sms, store};
use crate::app::App;
use crate::catalogue::normal_phone;
use crate::clock::Instant;
use crate::dispatch::notices::{self, Notice};
use crate::dispatch::provider::Channel;
use crate::hexadecimal::hex;
use crate::i18n::Lang;
use crate::institutions::store as institutions;
use crate::media::Picture;
use crate::residents::{grammar, telephone};

/// It is still worth knowing some hours later.
const ANSWER_FOR: TimeDelta = TimeDelta::hours(6);

/// A message that nothing could be made of is answered once within this.
const EXPLAIN_EACH: TimeDelta = TimeDelta::hours(24);
/// Digits of a telephone number in full. Numbers of fewer are of services, which answer by themselves.
const TELEPHONE: std::ops::RangeInclusive<usize> = 10..=15;
/// How exactly the home is known as the place of words that name another place too.
const NEAR_HOME_M: i32 = 500;
const _: () = assert!(NEAR_HOME_M > EXACT_M);

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

/// Takes an SMS in the caller's transaction and answers it: a report, or an order of the subscription (`residents::grammar`). Every
/// other message of a person is kept for staff to read, and answered with how to report.
///
/// # Errors
/// What the database says.
pub async fn sms(
    conn: &mut PgConnection,
    app: &App,
    now: Instant,
    (from, text): (&str, &str),
) -> sqlx::Result<Option<Taken>> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    // Centres name a sender with or without the sign; short numbers are machines, and get no answer.
    let international = format!("+{}", from.trim_start_matches('+'));
    let number = normal_phone(from).or_else(|_| normal_phone(&international));
    let from = number.unwrap_or_else(|_| from.to_owned());
    // Whoever was paged answers the page; from any other telephone the same words are a report, or nothing.
    if crate::alerts::escalation::reply::take(&mut *conn, app, now, (&from, text)).await? {
        return Ok(None);
    }
    // A volunteer who was called says whether they come; from any other telephone the same words are none.
    if crate::volunteers::calls::take(&mut *conn, app, now, (&from, text)).await? {
        return Ok(None);
    }
    let report = sms::read(text);
    if report.is_none()
        && is_telephone(&from)
        && let Some(order) = grammar::read(text)
    {
        // What may be a cry for help as well is read by somebody, and so is that a school wants to be told no more.
        if order.is_for_staff()
            || (order.ends() && !grammar::is_bare(text))
            || (order.ends() && institutions::told_at(&mut *conn, &from).await?.is_some())
        {
            let key = key_of(&from, text, now);
            store::stray::keep(&mut *conn, (app.ids.uuid(now), &key), (&from, text.trim()), now).await?;
        }
        telephone::obey(conn, app, now, (&from, text), &order).await?;
        return Ok(None);
    }
    let said = match report {
        Some(said) => Some(said),
        // Whoever lives here and speaks of a danger need not know the word.
        None => match sms::by_signs(text) {
            Some(said) if store::home_of(&mut *conn, ("sms", &from)).await?.is_some() => Some(said),
            _ => None,
        },
    };
    let Some(said) = said else {
        // Somebody reads it all the same: whoever is afraid does not look for the right word.
        if is_telephone(&from) {
            let key = key_of(&from, text, now);
            store::stray::keep(&mut *conn, (app.ids.uuid(now), &key), (&from, text.trim()), now).await?;
        }
        explain(conn, app, now, &from).await?;
        return Ok(None);
    };
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
    let digest = Sha256::digest(format!("{from}\n{text}\n{hour}"));
    format!("sms-{}", hex(&digest[..16]))
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
    let given = Given { place: &message.words, is_message: true, ..Given::default() };
    let Located { spot: told, doubt, .. } = locate(&mut *conn, given).await?;
    let spot = told.or_else(|| at_home(home.flatten()?, &message.words, &message.place));
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
    let can_answer = message.channel == Channel::Email || is_telephone(message.from);
    if taken.is_new && can_answer {
        answer(conn, app, now, (message.channel, message.from), &taken.protocol).await?;
    }
    Ok(taken)
}

/// The home of whoever writes, as far as the words leave room for it: where they name another place, it is that other place,
/// which a person finds, or at most near home.
fn at_home(home: Spot, words: &str, place: &str) -> Option<(Spot, PlaceFrom)> {
    let precision_m = match (place.is_empty(), sms::names_own_home(words)) {
        (true, _) => home.precision_m,
        (false, true) => home.precision_m.max(NEAR_HOME_M),
        (false, false) => return None,
    };
    Some((Spot { precision_m, ..home }, PlaceFrom::Resident))
}

/// A number that a person can be answered at: no word, and no short number of a machine.
fn is_telephone(from: &str) -> bool {
    from.strip_prefix('+')
        .is_some_and(|digits| TELEPHONE.contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit()))
}

/// Says how to report, once a day to each number: two machines that answer each other must come to an end.
async fn explain(conn: &mut PgConnection, app: &App, now: Instant, to: &str) -> sqlx::Result<()> {
    const PURPOSE: &str = "report_how";
    if !is_telephone(to) || notices::was_queued(&mut *conn, (Channel::Sms, to), PURPOSE, now - EXPLAIN_EACH).await? {
        return Ok(());
    }
    let town = &app.config.municipality;
    let body = Lang::Pt.t1("report-how", "authority", &town.sender_name);
    let body = format!("{body} {}", Lang::Pt.t1("report-answer-call", "contact", &town.contact));
    let notice = Notice {
        channel: Channel::Sms,
        address: to,
        subject: "",
        body: &body,
        expires_at: now + ANSWER_FOR,
        purpose: PURPOSE,
    };
    notices::queue(conn, &app.ids, now, &notice).await?;
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_that_names_a_street_is_not_put_exactly_at_the_home_of_who_writes() {
        let home = Spot { lon: -43.395, lat: -21.75, precision_m: 20 };
        let metres = |words: &str| at_home(home, words, &sms::place(words)).map(|(spot, _)| spot.precision_m);
        assert_eq!(metres("barranco caiu atrás da casa"), Some(20));
        assert_eq!(metres("barranco caiu, rua das Flores 20"), None);
        assert_eq!(metres("o morro atrás da minha casa desceu"), Some(NEAR_HOME_M));
    }

    #[test]
    fn words_and_short_numbers_are_never_answered() {
        assert!(is_telephone("+5532999990001") && is_telephone("+14155550123"));
        for other in ["40404", "+40404", "+27182003", "SENTINELA", "+SENTINELAS", "5532999990001", ""] {
            assert!(!is_telephone(other), "{other}");
        }
    }
}
