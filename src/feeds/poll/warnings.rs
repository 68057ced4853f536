//! Asking for warnings: a list with conditional requests, then of its entries those that were never read. What one round
//! brings is kept, linked and held against the town in one transaction.

use std::collections::HashMap;

use axum::http::{Request, StatusCode, header};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use sqlx::PgConnection;
use url::Url;

use super::{Answer, Follower, MAX_PROBLEMS, cannot_be_asked, put, refused_with, set};
use crate::clock::Instant;
use crate::feeds::Kind;
use crate::feeds::failure::Failure;
use crate::feeds::store::Told;
use crate::feeds::warnings::listing::{self, Link, Listing};
use crate::feeds::warnings::store::entries::{self, Known};
use crate::feeds::warnings::take::{self, Fate};
use crate::feeds::warnings::trust::{Origin, Trust};
use crate::feeds::warnings::{MAX_RAW, Problem, Warning, Way, inmet, store};

/// Messages fetched in one round, and how many at once. What is left comes with the next.
const MAX_FETCHED: usize = 50;
const AT_ONCE: usize = 4;

/// A message with the entry that led to it; none where the list itself holds it.
type Led = (Warning, Option<String>);

/// What the entries of a list came to.
#[derive(Default)]
struct Fetched {
    /// Messages that were read, beside those that the list holds itself.
    led: Vec<Led>,
    /// Will not be asked for again: read, or of no use to anybody.
    done: Vec<String>,
    /// Cannot be fetched now, and may be later: why.
    put_off: Vec<(String, Failure)>,
    /// Entries that are left for another round.
    left: usize,
    /// Nothing could be read of what was asked for.
    failure: Option<Failure>,
}

/// Entries of a list by what is known of them.
#[derive(Default)]
struct Sorted {
    /// Never asked for, the newest first, then those that are due again.
    due: Vec<Link>,
    /// How many of `due` were never asked for.
    fresh: usize,
    done: usize,
    /// Not due yet, and why the first of them could not be read.
    waiting: usize,
    why: Option<Failure>,
}

impl Sorted {
    fn new(links: &[Link], known: &HashMap<String, Known>, now: Instant) -> Self {
        let mut sorted = Self::default();
        let mut again = Vec::new();
        for link in links {
            match known.get(&link.key) {
                None => sorted.due.push(link.clone()),
                Some(Known::Done) => sorted.done += 1,
                Some(Known::Waits(at, _)) if *at <= now => again.push(link.clone()),
                Some(Known::Waits(_, why)) => {
                    sorted.waiting += 1;
                    sorted.why.get_or_insert_with(|| why.clone());
                }
            }
        }
        sorted.fresh = sorted.due.len();
        sorted.due.extend(again);
        sorted
    }
}

impl Follower {
    /// `None` when nothing is new.
    pub(super) async fn ask_warnings(&mut self, now: Instant) -> Result<Option<Told>, Failure> {
        let url = self.addresses(now).remove(0);
        let Some(answer) = self.fetch(&url).await? else {
            // The areas may have changed all the same.
            self.hold_again(now).await.map_err(Failure::own)?;
            return Ok(None);
        };
        let mut listing = self.read_warnings(&answer)?;
        let mut fetched = self.fetch_entries(&mut listing, now).await?;
        let mut parsed = listing.parsed;
        parsed.problems.truncate(MAX_PROBLEMS);
        let held = parsed.warnings.drain(..).map(|warning| (warning, None));
        let mut brought: Vec<Led> = held.chain(fetched.led.drain(..)).collect();
        // Oldest first, so that what replaces comes after what it replaces.
        brought.sort_by_key(|(warning, _)| (warning.sent_at, warning.revision));
        let told = Told {
            warnings: brought.len(),
            problems: parsed.problems.len(),
            newest: brought.last().map(|(warning, _)| warning.sent_at),
            ..Told::default()
        };
        let (left, failure) = (fetched.left, fetched.failure.take());
        let refused = self.keep_warnings(brought, parsed.problems, fetched, now).await?;
        if left == 0 && refused == 0 {
            // With anything left the list is read again though it has not changed.
            self.seen.insert(answer.url, answer.seen);
        }
        failure.map_or(Ok(Some(told)), Err)
    }

    fn read_warnings(&self, answer: &Answer) -> Result<Listing, Problem> {
        match self.feed.kind {
            Kind::InmetWarnings => inmet::parse(&answer.body).map(|parsed| Listing { parsed, links: Vec::new() }),
            _ => listing::parse(&answer.body, answer.from.as_str()),
        }
    }

    /// Fetches the entries that were never read. One that fails costs the others nothing. When nothing can be read, neither in the
    /// list nor behind it, that is the feed's failure; but not when an old entry alone is still missing.
    async fn fetch_entries(&self, listing: &mut Listing, now: Instant) -> Result<Fetched, Failure> {
        let keys: Vec<String> = listing.links.iter().map(|link| link.key.clone()).collect();
        let mut conn = self.app.db.ingest.acquire().await.map_err(Failure::own)?;
        let known = entries::known(&mut conn, now, &self.feed.name, &keys).await.map_err(Failure::own)?;
        drop(conn);
        let sorted = Sorted::new(&listing.links, &known, now);
        let left = sorted.due.len().saturating_sub(MAX_FETCHED) + sorted.waiting;
        let mut fetched = Fetched { left, ..Fetched::default() };
        let asked = stream::iter(sorted.due.into_iter().take(MAX_FETCHED));
        let asked = asked.map(|link| async { (self.fetch_entry(&link.url).await, link) }).buffered(AT_ONCE);
        let answers: Vec<(Result<Bytes, Failure>, Link)> = asked.collect().await;
        let (mut failed, mut good) = (None, 0_usize);
        for (answer, link) in answers {
            let failure = match answer {
                Ok(body) => match read_entry(&mut listing.parsed.problems, &body, &link) {
                    Ok(warnings) => {
                        good += 1;
                        fetched.led.extend(warnings.into_iter().map(|warning| (warning, Some(link.key.clone()))));
                        fetched.done.push(link.key);
                        continue;
                    }
                    // What is no message today is none tomorrow.
                    Err(failure) => {
                        fetched.done.push(link.key);
                        failure
                    }
                },
                Err(failure) => {
                    fetched.left += 1;
                    if !failure.may_pass() {
                        fetched.put_off.push((link.key, failure.clone()));
                    }
                    failure
                }
            };
            listing.parsed.problems.push(Problem::new("entry", &link.url, failure.detail.clone()));
            failed.get_or_insert(failure);
        }
        if good == 0 && listing.parsed.warnings.is_empty() && (sorted.fresh > 0 || sorted.done == 0) {
            fetched.failure = failed.or(sorted.why);
        }
        Ok(fetched)
    }

    async fn fetch_entry(&self, url: &str) -> Result<Bytes, Failure> {
        let mut request = Request::get(url);
        let headers = request.headers_mut().ok_or_else(cannot_be_asked)?;
        // Keys for the feed's own server are nobody else's.
        if self.is_own(url) {
            put(headers, &self.feed.headers)?;
        } else {
            put(headers, &std::collections::BTreeMap::new())?;
        }
        set(headers, header::ACCEPT.as_str(), "application/cap+xml, application/xml;q=0.9, */*;q=0.1")?;
        let request = request.body(Vec::new()).map_err(|_| cannot_be_asked())?;
        let answer = self.app.outbound.send(request, MAX_RAW).await?;
        if answer.status == StatusCode::OK { Ok(answer.body) } else { Err(refused_with(answer.status)) }
    }

    fn is_own(&self, url: &str) -> bool {
        let origin = |url: &str| Url::parse(url).map(|url| url.origin());
        matches!((origin(url), origin(&self.feed.url)), (Ok(one), Ok(other)) if one == other)
    }

    /// Gives back how many would not be taken.
    async fn keep_warnings(
        &mut self,
        brought: Vec<Led>,
        problems: Vec<Problem>,
        fetched: Fetched,
        now: Instant,
    ) -> Result<usize, Failure> {
        let quarantined = self.quarantined(problems);
        self.submit(Vec::new(), quarantined).await?;
        let refused = self.commit(brought, fetched, now).await.map_err(Failure::own)?;
        let count = refused.len();
        let quarantined = self.quarantined(refused);
        self.submit(Vec::new(), quarantined).await?;
        Ok(count)
    }

    /// Gives back what would not be taken; one such message does not keep the others out, and the entry that led to it is asked
    /// for again.
    async fn commit(&self, brought: Vec<Led>, mut fetched: Fetched, now: Instant) -> sqlx::Result<Vec<Problem>> {
        let name = &self.feed.name;
        let trust = Trust::of(&self.feed);
        let origin = Origin { source: name, way: Way::Feed, name: "", by: "", trust: &trust };
        let (warnings, keys): (Vec<Warning>, Vec<Option<String>>) = brought.into_iter().unzip();
        let mut tx = self.app.db.ingest.begin().await?;
        let taken = take::take(&mut tx, now, &origin, &warnings).await?;
        let new = taken.fresh().len();
        let mut refused = Vec::new();
        for (fate, key) in taken.fates.into_iter().zip(keys) {
            let Fate::Refused(problem) = fate else { continue };
            if let Some(key) = key {
                fetched.done.retain(|done| *done != key);
                fetched.put_off.push((key, Failure::own(&problem)));
            }
            refused.push(problem);
        }
        for (key, failure) in &fetched.put_off {
            entries::put_off(&mut tx, now, name, key, failure).await?;
        }
        entries::remember(&mut tx, now, name, &fetched.done).await?;
        let lists_all = self.feed.kind == Kind::InmetWarnings;
        let listed: Option<Vec<String>> =
            lists_all.then(|| warnings.iter().map(|warning| warning.identifier.clone()).collect());
        let changed = self.hold(&mut tx, listed.as_deref(), now).await?;
        take::tell(&mut tx, changed > 0 || new > 0).await?;
        tx.commit().await?;
        metrics::counter!("sentinela_feed_warnings_total", "feed" => name.clone()).increment(new as u64);
        Ok(refused)
    }

    /// Holds what is open against the town, whose areas may have changed since.
    async fn hold(&self, conn: &mut PgConnection, listed: Option<&[String]>, now: Instant) -> sqlx::Result<u64> {
        let mut changed = store::relate(conn, now, &self.app.config.municipality.ibge_code, &[]).await?;
        if let Some(listed) = listed {
            changed += store::note_listed(conn, now, &self.feed.name, listed).await?;
        }
        Ok(changed)
    }

    async fn hold_again(&self, now: Instant) -> sqlx::Result<()> {
        let mut tx = self.app.db.ingest.begin().await?;
        let changed = self.hold(&mut tx, None, now).await?;
        take::tell(&mut tx, changed > 0).await?;
        tx.commit().await
    }
}

/// The messages behind an entry.
///
/// # Errors
/// When it is none.
fn read_entry(problems: &mut Vec<Problem>, body: &[u8], link: &Link) -> Result<Vec<Warning>, Failure> {
    let found = listing::parse(body, &link.url).map_err(Failure::from)?;
    problems.extend(found.parsed.problems);
    // A list of lists is not followed.
    if !found.links.is_empty() {
        problems.push(Problem::new("entry", &link.url, "is a list, expected a message"));
    }
    Ok(found.parsed.warnings)
}
