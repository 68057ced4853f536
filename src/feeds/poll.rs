//! Asking feeds, each by itself: on its schedule, once for all processes, with conditional requests, and later and later
//! while it fails. What was asked counts as read only once its readings are committed.

mod unfit;
mod warnings;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use axum::http::{HeaderMap, Request, StatusCode, header};
use bytes::Bytes;
use chrono::TimeDelta;
use sha2::{Digest as _, Sha256};

use self::unfit::{Unfit, fits};
use super::failure::{Failure, FailureKind};
use super::formats::mapped::{self, Mapping};
use super::formats::{Observed, Parsed, Problem, ana, cemaden, inmet, rio};
use super::store::{self, Told};
use super::warnings::take;
use super::{Feed, Kind};
use crate::app::App;
use crate::clock::Instant;
use crate::db::{ROUND_MAX, in_time, within};
use crate::ingest::decode::{Measured, Wrong, admit};
use crate::ingest::devices::StreamEntry;
use crate::ingest::formats::MAX_READINGS;
use crate::ingest::{NewReading, Quarantined, Source};
use crate::secret::Secret;

/// How often each task looks whether its feed is due.
const LOOK: Duration = Duration::from_secs(5);
/// The longest wait of a feed that fails, unless its schedule is slower; of a municipality's installation, whose alerts are to be seen
/// soon after it is back.
const LONGEST_WAIT: TimeDelta = TimeDelta::hours(1);
const LONGEST_WAIT_OF_A_MUNICIPALITY: TimeDelta = TimeDelta::minutes(5);
/// Largest answer: a state's month of ten-minute readings has about 8 MiB.
const MAX_BYTES: usize = 32 * 1024 * 1024;
/// Records that were not understood, kept of one answer.
const MAX_PROBLEMS: usize = 100;
/// Records not understood that are remembered, so that one which stays in the answer is kept once.
const REMEMBERED: usize = 10_000;

/// Asks every configured feed until the service stops.
pub async fn run(app: App) {
    let names: Vec<String> = app.config.feeds.iter().map(|feed| feed.name.clone()).collect();
    while let Err(error) = in_time(know(&app, &names)).await {
        tracing::warn!(%error, "the feeds wait for the database");
        tokio::select! {
            () = app.stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
    let mut tasks = tokio::task::JoinSet::new();
    for feed in app.config.feeds.clone() {
        tasks.spawn(follow(Follower::new(app.clone(), feed)));
    }
    while tasks.join_next().await.is_some() {}
}

/// Makes the rows in which the feeds' state is kept.
///
/// # Errors
/// The database's.
pub async fn know(app: &App, names: &[String]) -> sqlx::Result<()> {
    let mut tx = app.db.ingest.begin().await?;
    store::know(&mut tx, app.clock.now(), names).await?;
    tx.commit().await
}

async fn follow(mut follower: Follower) {
    let stop = follower.app.stop.clone();
    let mut tick = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => {}
        }
        if let Err(error) = within(ROUND_MAX, follower.once()).await {
            tracing::warn!(feed = follower.feed.name, %error, "a feed waits for the database");
        }
    }
}

/// What an address answered last.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    etag: Option<String>,
    last_modified: Option<String>,
    sha256: [u8; 32],
}

/// An answer that is not the one from before.
struct Answer {
    url: String,
    /// Where it came from in the end.
    from: url::Url,
    body: Bytes,
    seen: Seen,
}

/// Follows one feed.
pub struct Follower {
    app: App,
    feed: Feed,
    seen: HashMap<String, Seen>,
    token: Option<String>,
    /// What was not understood already.
    known: HashSet<(String, String)>,
}

impl Follower {
    pub fn new(app: App, feed: Feed) -> Self {
        Self { app, feed, seen: HashMap::new(), token: None, known: HashSet::new() }
    }

    /// Asks if it is time. False when it is not, or another process does.
    ///
    /// # Errors
    /// The database's. What the feed does wrong is written into its row.
    pub async fn once(&mut self) -> sqlx::Result<bool> {
        let (now, every) = (self.app.clock.now(), TimeDelta::seconds(self.feed.every_s.into()));
        let pool = self.app.db.ingest.clone();
        let name = self.feed.name.clone();
        if !store::take(&mut *pool.acquire().await?, now, &name, every).await? {
            return Ok(false);
        }
        let asked = if self.feed.kind.is_warnings() { self.ask_warnings(now).await } else { self.ask(now).await };
        match asked {
            Ok(told) => {
                let was_silent = store::answered(&mut *pool.acquire().await?, now, &name, told).await?;
                self.tell_of_silence(was_silent).await?;
            }
            Err(failure) => {
                metrics::counter!("sentinela_feed_failures_total", "feed" => name.clone()).increment(1);
                let failures = store::failed(&mut *pool.acquire().await?, now, &name, &failure).await?;
                let due_at = now + back_off(every, failures, self.longest_wait());
                tracing::warn!(feed = name, kind = %failure.kind, error = failure.detail, failures, "a feed could not be read");
                store::wait_until(&mut *pool.acquire().await?, &name, due_at).await?;
                self.tell_of_silence(failures == 1).await?;
            }
        }
        Ok(true)
    }

    const fn longest_wait(&self) -> TimeDelta {
        if self.feed.is_municipal() { LONGEST_WAIT_OF_A_MUNICIPALITY } else { LONGEST_WAIT }
    }

    /// Whoever looks at the warnings of a municipality sees it fall silent and come back.
    async fn tell_of_silence(&self, has_changed: bool) -> sqlx::Result<()> {
        if self.feed.is_municipal() && has_changed {
            take::tell(&mut *self.app.db.ingest.acquire().await?, true).await?;
        }
        Ok(())
    }

    /// `None` when nothing is new. Of many addresses one may fail: the others count, and the failure is told when all do.
    async fn ask(&mut self, now: Instant) -> Result<Option<Told>, Failure> {
        let (mut answers, mut failed, mut good) = (Vec::new(), None, false);
        for url in self.addresses(now) {
            match self.fetch(&url).await {
                Ok(answer) => {
                    good = true;
                    answers.extend(answer);
                }
                Err(error) => {
                    failed.get_or_insert(error);
                }
            }
        }
        if let Some(error) = failed.filter(|_| !good) {
            return Err(error);
        }
        let (mut told, mut parsed_any, mut wrong) = (Told::default(), false, None);
        for answer in answers {
            match self.read(&answer.body) {
                Ok(parsed) => {
                    parsed_any = true;
                    self.keep(parsed, now, &mut told).await?;
                    self.seen.insert(answer.url, answer.seen);
                }
                Err(problem) => wrong = wrong.or(Some(problem.into())),
            }
        }
        match wrong {
            Some(error) if !parsed_any => Err(error),
            _ => Ok(parsed_any.then_some(told)),
        }
    }

    fn addresses(&self, now: Instant) -> Vec<String> {
        let day = |at: Instant| at.format("%Y-%m-%d").to_string();
        let dated = self.feed.url.replace("{today}", &day(now));
        let dated = dated.replace("{yesterday}", &day(now - TimeDelta::days(1)));
        if !dated.contains("{station}") {
            return vec![dated];
        }
        self.feed.stations.keys().map(|theirs| dated.replace("{station}", theirs)).collect()
    }

    /// `None` when it is what was answered before.
    async fn fetch(&mut self, url: &str) -> Result<Option<Answer>, Failure> {
        if self.token.is_none() && !self.feed.login_url.is_empty() {
            self.log_in().await?;
        }
        let mut answer = self.get(url).await?;
        if answer.status == StatusCode::UNAUTHORIZED && !self.feed.login_url.is_empty() {
            self.log_in().await?;
            answer = self.get(url).await?;
        }
        match answer.status {
            StatusCode::OK => {}
            StatusCode::NOT_MODIFIED | StatusCode::NO_CONTENT => return Ok(None),
            other => return Err(refused_with(other)),
        }
        let text = |name| answer.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let sha256 = Sha256::digest(&answer.body).into();
        let seen = Seen { etag: text(header::ETAG), last_modified: text(header::LAST_MODIFIED), sha256 };
        if self.seen.get(url).is_some_and(|before| before.sha256 == seen.sha256) {
            return Ok(None);
        }
        Ok(Some(Answer { url: url.to_owned(), from: answer.url, body: answer.body, seen }))
    }

    async fn get(&self, url: &str) -> Result<crate::outbound::Answer, Failure> {
        let mut request = Request::get(url);
        let headers = request.headers_mut().ok_or_else(cannot_be_asked)?;
        put(headers, &self.feed.headers)?;
        if let Some(token) = &self.token {
            set(headers, "authorization", &format!("Bearer {token}"))?;
        }
        if let Some(seen) = self.seen.get(url) {
            for (name, value) in [("if-none-match", &seen.etag), ("if-modified-since", &seen.last_modified)] {
                if let Some(value) = value {
                    set(headers, name, value)?;
                }
            }
        }
        let request = request.body(Vec::new()).map_err(|_| cannot_be_asked())?;
        Ok(self.app.outbound.send(request, MAX_BYTES).await?)
    }

    /// ANA gives a token for an hour or so, against identifier and password in headers.
    async fn log_in(&mut self) -> Result<(), Failure> {
        let mut request = Request::get(&self.feed.login_url);
        put(request.headers_mut().ok_or_else(cannot_be_asked)?, &self.feed.login_headers)?;
        let request = request.body(Vec::new()).map_err(|_| cannot_be_asked())?;
        let answer = self.app.outbound.send(request, MAX_BYTES).await?;
        let no_token = |why: &str| Failure::new(FailureKind::Login, format!("the server gives no token: {why}"));
        if answer.status != StatusCode::OK {
            return Err(no_token(&format!("status {}", answer.status)));
        }
        let body: serde_json::Value = serde_json::from_slice(&answer.body).map_err(|_| no_token("no JSON"))?;
        let token = body.pointer("/items/tokenautenticacao").and_then(serde_json::Value::as_str);
        self.token = Some(token.ok_or_else(|| no_token("items.tokenautenticacao is missing"))?.to_owned());
        Ok(())
    }

    fn read(&self, body: &[u8]) -> Result<Parsed, Problem> {
        match self.feed.kind {
            Kind::Cemaden => cemaden::parse(body),
            Kind::CemadenHourly => cemaden::parse_hourly(body),
            Kind::CemadenTable => cemaden::parse_table(body),
            Kind::Ana => ana::parse(body),
            Kind::AnaLegacy => ana::parse_legacy(body),
            Kind::Inmet => inmet::parse(body),
            Kind::Rio => rio::parse(body, self.feed.interval_s),
            // Asked for by `ask_warnings`.
            Kind::Cap | Kind::InmetWarnings => Ok(Parsed::default()),
            Kind::Json => mapped::parse(body, self.feed.mapping.as_ref().unwrap_or(&Mapping::default())),
        }
    }

    /// Puts what was read into the journal, and waits for the commit.
    async fn keep(&mut self, parsed: Parsed, now: Instant, told: &mut Told) -> Result<(), Failure> {
        let stations: Vec<String> = {
            let ours = parsed.observed.iter().map(|one| self.feed.ours(&one.station));
            ours.collect::<HashSet<_>>().into_iter().map(str::to_owned).collect()
        };
        let mut conn = self.app.db.ingest.acquire().await.map_err(Failure::own)?;
        let rows = store::streams(&mut conn, &stations).await.map_err(Failure::own)?;
        drop(conn);
        let mut streams: BTreeMap<String, Vec<StreamEntry>> = BTreeMap::new();
        for (station, stream) in rows {
            streams.entry(station).or_default().push(stream);
        }
        told.missing += parsed.missing;
        told.problems += parsed.problems.len();
        told.foreign_stations += stations.len() - streams.len();
        let mut readings = Vec::new();
        let mut problems = parsed.problems;
        let mut unfit = Unfit::default();
        for observed in &parsed.observed {
            let ours = self.feed.ours(&observed.station);
            let Some(known) = streams.get(ours) else { continue };
            let Some(stream) = known.iter().find(|stream| fits(stream, observed)) else {
                unfit.note(ours, known, observed);
                continue;
            };
            unfit.fits(ours, stream.quantity);
            match self.admit(stream, observed, now) {
                Ok(reading) => {
                    told.newest = told.newest.max(Some(reading.observed_at));
                    readings.push(reading);
                }
                // A feed repeats its past; what is too old is no mistake of anybody.
                Err(Wrong::Past) => {}
                Err(wrong) => problems.push(problem(observed, wrong)),
            }
        }
        let unfit = unfit.problems(now);
        told.unfit += unfit.iter().map(|(readings, _)| readings).sum::<usize>();
        if let (true, Some((_, first))) = (told.unfit_why.is_empty(), unfit.first()) {
            told.unfit_why = first.message.clone();
        }
        problems.extend(unfit.into_iter().map(|(_, problem)| problem));
        let quarantined = self.quarantined(problems);
        told.readings += self.submit(readings, quarantined).await?;
        Ok(())
    }

    fn admit(&self, stream: &StreamEntry, observed: &Observed, now: Instant) -> Result<NewReading, Wrong> {
        let measured = Measured { at: observed.at, value: observed.value, unit: Some(observed.unit) };
        admit(stream, measured, (Source::Feed, now), &self.app.config.ingest)
    }

    /// Gives back how many were new.
    async fn submit(&self, readings: Vec<NewReading>, mut quarantined: Vec<Quarantined>) -> Result<usize, Failure> {
        let mut new = 0;
        let mut chunks = readings.chunks(MAX_READINGS);
        loop {
            let part = chunks.next().map(<[_]>::to_vec).unwrap_or_default();
            let bad = std::mem::take(&mut quarantined);
            if part.is_empty() && bad.is_empty() {
                break;
            }
            let accepted = self.app.ingest.submit_when_free(part, bad).await.map_err(Failure::own)?;
            new += (accepted.appended + accepted.revisions) as usize;
        }
        metrics::counter!("sentinela_feed_readings_total", "feed" => self.feed.name.clone()).increment(new as u64);
        Ok(new)
    }

    /// The problems that were not there before, as rows for quarantine.
    fn quarantined(&mut self, problems: Vec<Problem>) -> Vec<Quarantined> {
        if self.known.len() > REMEMBERED {
            self.known.clear();
        }
        let mut fresh = Vec::new();
        for problem in problems {
            if fresh.len() < MAX_PROBLEMS && self.known.insert((problem.value.clone(), problem.message.clone())) {
                fresh.push(Quarantined {
                    source: Source::Feed,
                    device: None,
                    topic: Some(self.feed.name.clone()),
                    payload: problem.value.clone().into_bytes(),
                    reason: problem.message,
                    field: problem.field,
                    value: problem.value,
                });
            }
        }
        fresh
    }
}

/// The wait after so many failures in a row.
fn back_off(every: TimeDelta, failures: i32, longest: TimeDelta) -> TimeDelta {
    let factor = 1_i32 << failures.clamp(0, 10);
    (every * factor).min(longest.max(every))
}

fn problem(observed: &Observed, wrong: Wrong) -> Problem {
    let (field, message) = match wrong {
        Wrong::Future => ("at", "lies in the future; the feed's clock or zone is not what we take it for".to_owned()),
        Wrong::Value(error) => ("value", error.to_string()),
        Wrong::Unit(refused) => ("unit", refused.to_string()),
        Wrong::Past | Wrong::Stream => ("at", "is too old".to_owned()),
    };
    let value = format!("{} {} {} {}", observed.station, observed.at.to_rfc3339(), observed.value, observed.unit);
    Problem::new(field, &value, message)
}

fn refused_with(status: StatusCode) -> Failure {
    let is_busy = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
    let kind = if is_busy { FailureKind::Busy } else { FailureKind::Status };
    Failure::new(kind, format!("the server answers with status {status}"))
}

fn cannot_be_asked() -> Failure {
    Failure::new(FailureKind::Address, "the address cannot be asked")
}

fn put(headers: &mut HeaderMap, given: &BTreeMap<String, Secret>) -> Result<(), Failure> {
    set(headers, "user-agent", concat!("Sentinela/", env!("CARGO_PKG_VERSION")))?;
    given.iter().try_for_each(|(name, value)| set(headers, name, value))
}

fn set(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), Failure> {
    let wrong = |why: String| Failure::new(FailureKind::Address, why);
    let key = header::HeaderName::try_from(name).map_err(|_| wrong(format!("{name:?} is no name of a header")))?;
    let value =
        header::HeaderValue::try_from(value).map_err(|_| wrong(format!("the header {name} cannot hold its value")))?;
    headers.insert(key, value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_that_fails_is_asked_less_and_less_and_at_least_hourly() {
        let every = TimeDelta::minutes(10);
        let of = |failures| back_off(every, failures, LONGEST_WAIT).num_minutes();
        assert_eq!([1, 2, 3, 4, 30].map(of), [20, 40, 60, 60, 60]);
        assert_eq!(back_off(TimeDelta::hours(6), 1, LONGEST_WAIT), TimeDelta::hours(6));
        let of = |failures| back_off(TimeDelta::seconds(30), failures, LONGEST_WAIT_OF_A_MUNICIPALITY).num_seconds();
        assert_eq!([1, 2, 3, 4, 30].map(of), [60, 120, 240, 300, 300]);
    }
}
