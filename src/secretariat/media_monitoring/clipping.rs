//! The clipping of a day: what was selected and stands in no clipping yet, closed, never changed, and sent to whoever gets it.

use chrono::{Days, NaiveDate, NaiveTime, TimeDelta, TimeZone as _};
use chrono_tz::Tz;
use serde_json::json;
use sqlx::PgConnection;

use super::store::{self, clippings, sources};
use super::{Clipped, Clipping};
use crate::accounts::tokens::desk::Acting;
use crate::audit::{self, Act, Entry};
use crate::clock::Instant;
use crate::config::Config;
use crate::dispatch::notices::{self, Notice};
use crate::dispatch::provider::Channel;
use crate::i18n::Lang;
use crate::refused::Refused;

/// Items of one clipping; what is beyond them stands in the next.
const MOST: i64 = 300;
/// How long an e-mail is tried.
const GOOD_FOR: TimeDelta = TimeDelta::hours(24);

/// The first instant after a day of the town.
pub fn end_of(day: NaiveDate, tz: Tz) -> Option<Instant> {
    start_of(day.checked_add_days(Days::new(1))?, tz)
}

/// The first instant of a day of the town; where a change of clocks leaves midnight out, the first that there is.
pub fn start_of(day: NaiveDate, tz: Tz) -> Option<Instant> {
    let midnight = day.and_time(NaiveTime::MIN);
    let mut hours = (0..3).map(|hour| midnight + TimeDelta::hours(hour));
    hours.find_map(|at| tz.from_local_datetime(&at).earliest()).map(|at| at.to_utc())
}

/// The day whose clipping is to be closed by itself: yesterday, once the hour has come.
pub fn due(now: Instant, tz: Tz, at: NaiveTime) -> Option<NaiveDate> {
    let local = now.with_timezone(&tz).naive_local();
    (local.time() >= at).then(|| local.date().pred_opt()).flatten()
}

/// Closes the clipping of a day and hands it to the dispatchers for each subscriber.
///
/// # Errors
/// `Wrong` for a day that has not been; `Conflict` when it was closed before, or nothing waits.
pub async fn close(
    conn: &mut PgConnection,
    by: Acting<'_>,
    config: &Config,
    day: NaiveDate,
) -> Result<Clipping, Refused> {
    let tz = config.municipality.time_zone;
    let today = by.now.with_timezone(&tz).date_naive();
    let oldest = today.checked_sub_days(Days::new(31)).unwrap_or(today);
    let Some(end) = end_of(day, tz).filter(|_| (oldest..=today).contains(&day)) else {
        return Err(Refused::wrong("day", day, format!("expected a day from {oldest} to {today}")));
    };
    store::lock(&mut *conn).await?;
    // A selection that is on its way stands in this clipping or comes after it, never between its list and its mark.
    store::closing(&mut *conn).await?;
    if clippings::of(&mut *conn, day).await?.is_some() {
        return Err(Refused::Conflict(format!("the clipping of {day} is closed")));
    }
    let items = clippings::waiting(&mut *conn, end, MOST).await?;
    if items.is_empty() {
        return Err(Refused::Conflict(format!("nothing was selected for {day}")));
    }
    let people = sources::subscribers(&mut *conn).await?;
    let mailed = i32::try_from(people.len()).unwrap_or(i32::MAX);
    let one = Clipping { day, made_at: by.now, made_by: by.actor.name.clone(), items, mailed };
    clippings::keep(&mut *conn, &one).await?;
    for person in &people {
        let lang = Lang::from_tag(&person.language).unwrap_or_default();
        let (subject, body) = letter(lang, &config.municipality.sender_name, &config.public_url(), &one);
        let notice = Notice {
            channel: Channel::Email,
            address: &person.email,
            subject: &subject,
            body: &body,
            expires_at: by.now + GOOD_FOR,
            purpose: "media_clipping",
        };
        notices::queue(&mut *conn, by.ids, by.now, &notice).await?;
    }
    let entry =
        Entry::new(Act::MediaClipping, "media_clipping", day).to(json!({ "items": one.items.len(), "mailed": mailed }));
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(one)
}

/// Items of a clipping by theme, in its order.
pub fn by_theme(items: &[Clipped]) -> Vec<(&str, &[Clipped])> {
    items.chunk_by(|a, b| a.theme == b.theme).map(|part| (part[0].theme.as_str(), part)).collect()
}

/// The clipping as plain text: titles, outlets and addresses, without excerpts.
fn letter(lang: Lang, authority: &str, base: &str, one: &Clipping) -> (String, String) {
    let day = one.day.format(if lang == Lang::Pt { "%d/%m/%Y" } else { "%Y-%m-%d" });
    let subject = lang.t2("media-mail-subject", "authority", authority, "day", day);
    let mut parts = Vec::new();
    for (theme, items) in by_theme(&one.items) {
        parts.push(theme.to_uppercase());
        for item in items {
            let tone = lang.t(&format!("media-tone-{}", item.tone));
            let mut told = format!("{}\n{} · {tone}", item.title, item.source);
            if !item.link.is_empty() {
                told = format!("{told}\n{}", item.link);
            }
            parts.push(told);
        }
    }
    parts.push(format!("{base}/secretaria/painel/clipping/diarios/{}", one.day));
    (subject, parts.join("\n\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TZ: Tz = chrono_tz::America::Sao_Paulo;

    #[test]
    fn yesterday_is_closed_once_the_hour_has_come() {
        let at = NaiveTime::from_hms_opt(7, 30, 0).unwrap();
        let day = |text: &str| due(text.parse().unwrap(), TZ, at).map(|day| day.to_string());
        assert_eq!(day("2026-02-23T10:29:00Z"), None);
        assert_eq!(day("2026-02-23T10:30:00Z").as_deref(), Some("2026-02-22"));
        assert_eq!(day("2026-01-01T12:00:00Z").as_deref(), Some("2025-12-31"));
    }

    #[test]
    fn a_day_without_midnight_begins_when_it_can() {
        // Clocks went from 0 to 1 that night.
        let day: NaiveDate = "2018-11-04".parse().unwrap();
        assert_eq!(start_of(day, TZ), Some("2018-11-04T03:00:00Z".parse().unwrap()));
        assert_eq!(end_of("2026-02-22".parse().unwrap(), TZ), Some("2026-02-23T03:00:00Z".parse().unwrap()));
    }
}
