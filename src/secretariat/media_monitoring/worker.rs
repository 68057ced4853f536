//! Asks sources on their schedule, once for all processes, with conditional requests and later and later while they fail; closes the clipping
//! of yesterday; forgets items whose days are over.

use std::time::Duration;

use axum::http::{HeaderValue, Request, StatusCode, header};
use chrono::TimeDelta;
use sha2::{Digest as _, Sha256};
use tokio::task::JoinSet;

use super::parse::{self, Around, Parsed};
use super::store::items;
use super::store::sources::{self, Due, Told};
use super::{clipping, intake, store};
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::audit::Actor;
use crate::clock::Instant;
use crate::clock::leap::Rest;
use crate::db::{ROUND_MAX, in_time, within};
use crate::feeds::failure::{Failure, FailureKind};
use crate::refused::Refused;

const LOOK_EVERY: Duration = Duration::from_secs(30);
/// Sources that are asked at once. Each has the 20 seconds of the outbound client, from the look-up to the last byte.
const AT_ONCE: usize = 8;
/// The largest answer: a feed of five hundred items with their whole texts has about 3 MiB.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// The longest wait of a source that fails, unless its own time is longer.
const LONGEST_WAIT: TimeDelta = TimeDelta::hours(6);
/// The longest wait that a server may ask for.
const LONGEST_ASKED: TimeDelta = TimeDelta::hours(24);
/// Items that are forgotten in one transaction.
const FORGOTTEN: i64 = 1000;
const ACCEPT: &str = "application/rss+xml, application/atom+xml, application/feed+json, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.5";

/// Runs until the service stops.
pub async fn run(app: App) {
    // Each at its own pace: the clipping leaves at its hour however long sources take to answer.
    tokio::join!(listen(&app), keep_days(&app));
}

async fn listen(app: &App) {
    let mut pause = app.clock.rest();
    while !app.stop.is_cancelled() {
        if let Err(error) = round(app, app.clock.now()).await {
            tracing::warn!(%error, "sources of the press wait");
        }
        rest(app, &mut pause).await;
    }
}

async fn keep_days(app: &App) {
    let mut pause = app.clock.rest();
    let mut swept_at: Option<Instant> = None;
    while !app.stop.is_cancelled() {
        let now = app.clock.now();
        if let Err(error) = within(ROUND_MAX, close_yesterday(app, now)).await {
            tracing::warn!(%error, "the clipping waits");
        }
        // Days need no closer look.
        if swept_at.is_none_or(|at| now - at >= TimeDelta::hours(1)) {
            match within(ROUND_MAX, forget(app, now)).await {
                Ok(_) => swept_at = Some(now),
                Err(error) => tracing::warn!(%error, "items of the press are not forgotten yet"),
            }
        }
        rest(app, &mut pause).await;
    }
}

async fn rest(app: &App, pause: &mut Rest) {
    tokio::select! {
        () = pause.wait(LOOK_EVERY) => {}
        () = app.stop.cancelled() => {}
    }
}

/// Asks every source whose time has come, [`AT_ONCE`] at a time; a slow one holds its own place and no other's. Gives how many were asked.
///
/// # Errors
/// The database's; what was kept before it stays. What a source does wrong is written into its row.
pub async fn round(app: &App, now: Instant) -> sqlx::Result<usize> {
    let mut asked = 0;
    let mut broken = None;
    let mut tasks: JoinSet<sqlx::Result<()>> = JoinSet::new();
    loop {
        if broken.is_none() && tasks.len() < AT_ONCE && !app.stop.is_cancelled() {
            match in_time(due(app, now, AT_ONCE - tasks.len())).await {
                Ok(due) => {
                    asked += due.len();
                    for source in due {
                        let app = app.clone();
                        tasks.spawn(async move { within(ROUND_MAX, follow(&app, &source, now)).await });
                    }
                }
                Err(error) => broken = Some(error),
            }
        }
        match tasks.join_next().await {
            None => break,
            Some(Ok(Ok(()))) => {}
            // The others that were begun are read to their end all the same.
            Some(Ok(Err(error))) => broken = Some(error),
            Some(Err(error)) => tracing::error!(%error, "a source of the press could not be read to its end"),
        }
    }
    broken.map_or(Ok(asked), Err)
}

async fn due(app: &App, now: Instant, most: usize) -> sqlx::Result<Vec<Due>> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    sources::take_due(&mut *app.db.web.acquire().await?, now, most).await
}

async fn follow(app: &App, source: &Due, now: Instant) -> sqlx::Result<()> {
    let key = (source.id, source.revision);
    match ask(app, source, now).await {
        Ok(None) => sources::same(&mut *app.db.web.acquire().await?, key, now).await,
        Ok(Some((mut told, parsed))) => {
            let actor = Actor::service();
            let by = Acting { ids: &app.ids, now, actor: &actor };
            let mut tx = app.db.web.begin().await?;
            let taken = intake::take(&mut tx, by, &app.config.secretariat.media, (source.id, &parsed.items)).await?;
            told.items = number(parsed.items.len());
            told.new_items = number(taken.new.len());
            // It quotes what the source wrote, and the database takes no NUL.
            let problem: String = parsed.problem.chars().filter(|c| !c.is_control()).take(500).collect();
            (told.problems, told.problem) = (number(parsed.problems), problem);
            sources::answered(&mut tx, key, now, &told).await?;
            tx.commit().await
        }
        Err(Trouble { failure, retry_after }) => {
            let mut conn = app.db.web.acquire().await?;
            let Some(failures) = sources::failed(&mut conn, key, &failure).await? else { return Ok(()) };
            let every = TimeDelta::seconds(source.every_s.into());
            tracing::warn!(source = source.name, kind = %failure.kind, error = failure.detail, failures, "a source of the press could not be read");
            let wait = back_off(every, failures).max(retry_after.unwrap_or_default());
            sources::wait_until(&mut conn, key, now + wait).await
        }
    }
}

/// Why there is no answer, and how long the server wants to be left alone.
struct Trouble {
    failure: Failure,
    retry_after: Option<TimeDelta>,
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self { failure, retry_after: None }
    }
}

/// What a server in trouble asks for in `Retry-After`, as seconds or as an instant (RFC 9110, section 10.2.3), up to [`LONGEST_ASKED`]. None
/// where it is neither.
fn retry_after(text: &str, now: Instant) -> Option<TimeDelta> {
    let text = text.trim();
    let asked = if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        // More digits than a number has are more than the bound.
        TimeDelta::seconds(text.parse::<u32>().unwrap_or(u32::MAX).into())
    } else {
        chrono::DateTime::parse_from_rfc2822(text).ok()?.to_utc() - now
    };
    Some(asked.clamp(TimeDelta::zero(), LONGEST_ASKED))
}

fn number(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// The wait after so many failures in a row.
fn back_off(every: TimeDelta, failures: i32) -> TimeDelta {
    let factor = 1_i32 << failures.clamp(0, 10);
    (every * factor).min(LONGEST_WAIT.max(every))
}

/// `None` when it is what was answered before.
async fn ask(app: &App, source: &Due, now: Instant) -> Result<Option<(Told, Parsed)>, Trouble> {
    let request = request(source)?;
    let answer = app.outbound.send(request, MAX_BYTES).await.map_err(Failure::from)?;
    let text = |name| answer.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match answer.status {
        StatusCode::OK => {}
        StatusCode::NOT_MODIFIED | StatusCode::NO_CONTENT => return Ok(None),
        status => {
            let is_busy = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
            let kind = if is_busy { FailureKind::Busy } else { FailureKind::Status };
            let failure = Failure::new(kind, format!("the server answers with status {status}"));
            let retry_after = retry_after(text(header::RETRY_AFTER), now).filter(|_| is_busy);
            return Err(Trouble { failure, retry_after });
        }
    }
    let sha256 = Sha256::digest(&answer.body).to_vec();
    if source.sha256.as_ref() == Some(&sha256) {
        return Ok(None);
    }
    let around = Around {
        content_type: text(header::CONTENT_TYPE),
        base: Some(&answer.url),
        tz: app.config.municipality.time_zone,
    };
    let parsed = parse::parse(&answer.body, around).map_err(|why| Failure::new(FailureKind::Document, why))?;
    let told = Told {
        etag: kept(text(header::ETAG)),
        last_modified: kept(text(header::LAST_MODIFIED)),
        sha256,
        ..Told::default()
    };
    Ok(Some((told, parsed)))
}

/// A mark that is longer than any real one is not sent back.
fn kept(mark: &str) -> String {
    if mark.len() <= 300 { mark.to_owned() } else { String::new() }
}

fn request(source: &Due) -> Result<Request<Vec<u8>>, Failure> {
    let cannot = || Failure::new(FailureKind::Address, "the address cannot be asked");
    let mut request = Request::get(&source.url).body(Vec::new()).map_err(|_| cannot())?;
    let headers = request.headers_mut();
    headers.insert(header::ACCEPT, HeaderValue::from_static(ACCEPT));
    for (name, value) in [(header::IF_NONE_MATCH, &source.etag), (header::IF_MODIFIED_SINCE, &source.last_modified)] {
        if !value.is_empty() {
            headers.insert(name, HeaderValue::try_from(value).map_err(|_| cannot())?);
        }
    }
    Ok(request)
}

/// Closes the clipping of yesterday, once its hour has come and when something was selected.
///
/// # Errors
/// The database's.
pub async fn close_yesterday(app: &App, now: Instant) -> sqlx::Result<()> {
    let tz = app.config.municipality.time_zone;
    let Some(day) = app.config.secretariat.media.clipping_at.and_then(|at| clipping::due(now, tz, at)) else {
        return Ok(());
    };
    let actor = Actor::service();
    let by = Acting { ids: &app.ids, now, actor: &actor };
    let mut tx = app.db.web.begin().await?;
    if store::clippings::of(&mut tx, day).await?.is_some() {
        return Ok(());
    }
    match clipping::close(&mut tx, by, &app.config, day).await {
        Ok(_) => tx.commit().await,
        Err(Refused::Database(error)) => Err(error),
        // Nothing was selected, or it was closed meanwhile.
        Err(_) => Ok(()),
    }
}

/// Forgets items and clippings whose days are over. Gives how many items.
///
/// # Errors
/// The database's; batches before it stay.
pub async fn forget(app: &App, now: Instant) -> sqlx::Result<u64> {
    let config = &app.config.secretariat.media;
    let before = |days: u32| now - TimeDelta::days(days.into());
    let (items_before, selected_before) = (before(config.item_days), before(config.selected_days));
    let mut all = 0;
    loop {
        let mut conn = app.db.web.acquire().await?;
        let gone = items::forget(&mut conn, (items_before, selected_before), FORGOTTEN).await?;
        all += gone;
        if gone == 0 || app.stop.is_cancelled() {
            let day = selected_before.with_timezone(&app.config.municipality.time_zone).date_naive();
            store::clippings::forget(&mut conn, day).await?;
            return Ok(all);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_that_fails_is_asked_less_and_less() {
        let every = TimeDelta::minutes(15);
        let waits: Vec<i64> = [1, 2, 3, 4, 5, 30].map(|failures| back_off(every, failures).num_minutes()).to_vec();
        assert_eq!(waits, [30, 60, 120, 240, 360, 360]);
        assert_eq!(back_off(TimeDelta::hours(12), 3), TimeDelta::hours(12));
    }

    #[test]
    fn a_server_says_in_seconds_or_as_an_instant_how_long_it_is_left_alone_up_to_a_day() {
        let now: Instant = "2026-02-22T12:00:00Z".parse().unwrap();
        let asked = |text: &str| retry_after(text, now).map(|wait| wait.num_seconds());
        assert_eq!(asked(" 120 "), Some(120));
        assert_eq!(asked("Sun, 22 Feb 2026 13:00:00 GMT"), Some(3600));
        assert_eq!(asked("Sun, 22 Feb 2026 11:00:00 GMT"), Some(0), "that has been");
        assert_eq!([asked("604800"), asked("99999999999999999999")], [Some(86_400); 2]);
        assert_eq!([asked(""), asked("soon"), asked("-5"), asked("1.5")], [None; 4]);
    }
}
