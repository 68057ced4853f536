//! Messages to whoever takes part that are not rows of the outbox: announcements to everyone, and copies of alerts to staff,
//! institutions and testers. They go as notices, after every alert that is due, and each carries its mark.

use chrono::TimeDelta;
use sqlx::PgConnection;

use super::store::{people, read};
use super::{Exercise, ExerciseState};
use crate::alerts::{AlertError, Refusal};
use crate::app::App;
use crate::clock::Instant;
use crate::config::Config;
use crate::dispatch::content::{self, Sender};
use crate::dispatch::notices::{self, Notice};
use crate::dispatch::provider::Channel;
use crate::dispatch::store::content as texts;
use crate::events::{Event, notify};
use crate::i18n::Lang;
use crate::ids::{AlertId, ExerciseId, Ids};

/// What is told of an exercise itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    Announced,
    /// Another day or hour.
    Moved,
    Cancelled,
}

impl News {
    const fn key(self) -> &'static str {
        match self {
            Self::Announced => "exercise-news-announced",
            Self::Moved => "exercise-news-moved",
            Self::Cancelled => "exercise-news-cancelled",
        }
    }
}

/// How long an announcement is tried.
const GOOD_FOR: TimeDelta = TimeDelta::hours(12);

/// Tells everyone who takes part, one way each; with `since` those alone who came after it. Returns how many.
///
/// # Errors
/// The database's.
pub async fn tell(
    conn: &mut PgConnection,
    app: &App,
    now: Instant,
    id: ExerciseId,
    news: News,
    since: Option<Instant>,
) -> anyhow::Result<usize> {
    let Some(exercise) = read::load(&mut *conn, id).await? else { return Ok(0) };
    let ways = people::ways(&mut *conn, id, since).await?;
    for way in &ways {
        let Ok(channel) = channel(&way.channel) else { continue };
        let lang = Lang::from_tag(&way.language).unwrap_or_default();
        let (subject, body) = words(&app.config, lang, channel, &exercise, news);
        let notice = Notice {
            channel,
            address: &way.address,
            subject: &subject,
            body: &body,
            expires_at: now + GOOD_FOR,
            purpose: "exercise_notice",
        };
        notices::queue(&mut *conn, &app.ids, now, &notice).await?;
    }
    if !ways.is_empty() {
        notify(conn, &Event::Outbox).await?;
    }
    Ok(ways.len())
}

fn channel(word: &str) -> Result<Channel, ()> {
    match word {
        "sms" => Ok(Channel::Sms),
        "email" => Ok(Channel::Email),
        _ => Err(()),
    }
}

/// Subject and body of an announcement; an SMS has the one line alone.
fn words(config: &Config, lang: Lang, channel: Channel, exercise: &Exercise, news: News) -> (String, String) {
    let zone = config.municipality.time_zone;
    let (from, to) = (exercise.starts_at.with_timezone(&zone), exercise.ends_at.with_timezone(&zone));
    let at = from.format("%d/%m/%Y %H:%M").to_string();
    let line = lang.t2(news.key(), "title", &exercise.title, "at", &at);
    let page = format!("{}/simulados/{}", config.public_url(), exercise.code);
    if channel == Channel::Sms {
        return (String::new(), content::marked_sms("exercise", &format!("{line} {page}")));
    }
    let mut body = format!("{}\n\n{line}\n\n", content::banner("exercise").unwrap_or_default());
    if news != News::Cancelled {
        body.push_str(&lang.t2("exercise-news-when", "from", at, "to", to.format("%d/%m/%Y %H:%M")));
        body.push('\n');
        if !exercise.place.is_empty() {
            body.push_str(&lang.t1("exercise-news-place", "place", &exercise.place));
            body.push('\n');
        }
        if !exercise.public_text.is_empty() {
            body.push_str(&format!("\n{}\n", exercise.public_text));
        }
    }
    body.push_str(&format!("\n{}\n{page}\n\n{}\n", lang.t("exercise-news-more"), config.municipality.sender_name));
    (content::marked("exercise", &line), body)
}

/// Whether an alert that is not real may leave: an exercise alert only while its exercise runs. An exercise alert without an
/// exercise reaches nobody, and test and system messages reach testers; both may leave.
///
/// # Errors
/// `Refused` with the state of the exercise.
pub async fn permit(conn: &mut PgConnection, alert: AlertId) -> Result<(), AlertError> {
    match read::of_alert(conn, alert).await? {
        Some((_, title, state)) if state != ExerciseState::Running => {
            Err(Refusal::ExerciseNotRunning { title, state }.into())
        }
        _ => Ok(()),
    }
}

/// Copies of an alert that leaves and is not real: to staff and institutions of its exercise, or to the testers of test and system
/// messages. Residents are none of its business. Returns how many.
///
/// # Errors
/// The database's.
pub async fn of_alert(
    conn: &mut PgConnection,
    (config, ids): (&Config, &Ids),
    now: Instant,
    alert: AlertId,
) -> Result<usize, AlertError> {
    let loaded = texts::load(&mut *conn, &[alert]).await?;
    let own = loaded.of(alert, crate::alerts::templates::FALLBACK).map(|(_, said)| said);
    let Some(said) = own.filter(|said| said.status != "actual") else { return Ok(0) };
    let exercise = read::of_alert(&mut *conn, alert).await?;
    let ways: Vec<(Option<i64>, Channel, String)> = match (&exercise, said.status.as_str()) {
        (Some((id, ..)), _) => {
            let ways = people::ways_of_staff(&mut *conn, *id).await?;
            let read = |way: people::Way| Some((Some(way.participant), channel(&way.channel).ok()?, way.address));
            ways.into_iter().filter_map(read).collect()
        }
        (None, "exercise") => Vec::new(),
        (None, _) => {
            let testers = config.exercises.testers.iter().filter_map(|tester| tester_of(tester).ok());
            testers.map(|(channel, address)| (None, channel, address)).collect()
        }
    };
    let town = &config.municipality;
    let public_url = config.public_url();
    let sender =
        Sender { name: &town.sender_name, contact: &town.contact, public_url: &public_url, time_zone: town.time_zone };
    let letter = said.letter(&sender, crate::alerts::templates::FALLBACK, None);
    let sms = said.sms();
    for (participant, channel, address) in &ways {
        let (subject, body) =
            if *channel == Channel::Sms { ("", &sms) } else { (letter.subject.as_str(), &letter.text) };
        let purpose = "alert_copy";
        let notice = Notice { channel: *channel, address, subject, body, expires_at: said.expires_at, purpose };
        let notice = notices::queue(&mut *conn, ids, now, &notice).await?;
        people::keep_copy(&mut *conn, now, alert, *participant, channel.as_str(), notice).await?;
    }
    Ok(ways.len())
}

/// A tester as the configuration names them.
///
/// # Errors
/// What is wrong with the address.
pub fn tester_of(text: &str) -> Result<(Channel, String), String> {
    crate::residents::own::address(text)
}
