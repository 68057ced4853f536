//! Asking for warnings: a list with conditional requests, then of its entries those that were never read. What one round
//! brings is kept, linked and held against the town in one transaction.

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
use crate::feeds::warnings::take::{self, Fate};
use crate::feeds::warnings::trust::{Origin, Trust};
use crate::feeds::warnings::{MAX_RAW, Parsed, Problem, Warning, Way, inmet, store};

/// Messages fetched in one round, and how many at once. What is left comes with the next.
const MAX_FETCHED: usize = 50;
const AT_ONCE: usize = 4;

/// What the entries of a list came to.
#[derive(Default)]
struct Fetched {
    /// Will not be asked for again: read, or of no use.
    done: Vec<String>,
    /// Entries that are left for the next round.
    left: usize,
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
        let fetched = self.fetch_entries(&mut listing, now).await?;
        let mut parsed = listing.parsed;
        parsed.problems.truncate(MAX_PROBLEMS);
        // Oldest first, so that what replaces comes after what it replaces.
        parsed.warnings.sort_by_key(|warning| (warning.sent_at, warning.revision));
        let told = Told {
            warnings: parsed.warnings.len(),
            problems: parsed.problems.len(),
            newest: parsed.warnings.last().map(|warning| warning.sent_at),
            ..Told::default()
        };
        self.keep_warnings(parsed, &fetched.done, now).await?;
        if fetched.left == 0 {
            // With entries left the list is read again though it has not changed.
            self.seen.insert(answer.url, answer.seen);
        }
        Ok(Some(told))
    }

    fn read_warnings(&self, answer: &Answer) -> Result<Listing, Problem> {
        match self.feed.kind {
            Kind::InmetWarnings => inmet::parse(&answer.body).map(|parsed| Listing { parsed, links: Vec::new() }),
            _ => listing::parse(&answer.body, answer.from.as_str()),
        }
    }

    /// Fetches the entries that were never read. One that fails costs the others nothing; when all fail, that is the failure.
    async fn fetch_entries(&self, listing: &mut Listing, now: Instant) -> Result<Fetched, Failure> {
        let keys: Vec<String> = listing.links.iter().map(|link| link.key.clone()).collect();
        let mut conn = self.app.db.ingest.acquire().await.map_err(Failure::own)?;
        let known = store::asked_for(&mut conn, &self.feed.name, &keys).await.map_err(Failure::own)?;
        // Those that are still listed are not forgotten.
        let still: Vec<String> = known.iter().cloned().collect();
        store::remember(&mut conn, now, &self.feed.name, &still).await.map_err(Failure::own)?;
        drop(conn);
        let new: Vec<Link> = listing.links.iter().filter(|link| !known.contains(&link.key)).cloned().collect();
        let mut fetched = Fetched { left: new.len().saturating_sub(MAX_FETCHED), ..Fetched::default() };
        let asked = stream::iter(new.into_iter().take(MAX_FETCHED));
        let asked = asked.map(|link| async { (self.fetch_entry(&link.url).await, link) }).buffered(AT_ONCE);
        let answers: Vec<(Result<Bytes, Failure>, Link)> = asked.collect().await;
        let (mut failed, mut good) = (None, 0_usize);
        for (answer, link) in answers {
            match answer {
                Ok(body) => {
                    good += 1;
                    read_entry(&mut listing.parsed, &body, &link);
                    fetched.done.push(link.key);
                }
                Err(failure) => {
                    listing.parsed.problems.push(Problem::new("entry", &link.url, failure.detail.clone()));
                    if failure.may_pass() {
                        fetched.left += 1;
                    } else {
                        fetched.done.push(link.key);
                    }
                    failed = failed.or(Some(failure));
                }
            }
        }
        match failed.filter(|failure| good == 0 && failure.may_pass()) {
            Some(failure) if listing.parsed.warnings.is_empty() => Err(failure),
            _ => Ok(fetched),
        }
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

    async fn keep_warnings(&mut self, parsed: Parsed, done: &[String], now: Instant) -> Result<(), Failure> {
        let quarantined = self.quarantined(parsed.problems);
        self.submit(Vec::new(), quarantined).await?;
        let lists_all = self.feed.kind == Kind::InmetWarnings;
        let listed: Option<Vec<String>> =
            lists_all.then(|| parsed.warnings.iter().map(|warning| warning.identifier.clone()).collect());
        let refused = self.commit(&parsed.warnings, done, listed.as_deref(), now).await.map_err(Failure::own)?;
        let quarantined = self.quarantined(refused);
        self.submit(Vec::new(), quarantined).await.map(drop)
    }

    /// Gives back what would not be taken; one such message does not keep the others out.
    async fn commit(
        &self,
        warnings: &[Warning],
        done: &[String],
        listed: Option<&[String]>,
        now: Instant,
    ) -> sqlx::Result<Vec<Problem>> {
        let name = &self.feed.name;
        let trust = Trust::of(&self.feed);
        let origin = Origin { source: name, way: Way::Feed, name: "", by: "", trust: &trust };
        let mut tx = self.app.db.ingest.begin().await?;
        let taken = take::take(&mut tx, now, &origin, warnings).await?;
        let new = taken.fresh().len();
        store::remember(&mut tx, now, name, done).await?;
        store::forget(&mut tx, name, now).await?;
        let changed = self.hold(&mut tx, listed, now).await?;
        take::tell(&mut tx, changed > 0 || new > 0).await?;
        tx.commit().await?;
        metrics::counter!("sentinela_feed_warnings_total", "feed" => name.clone()).increment(new as u64);
        let refused = taken.fates.into_iter().filter_map(|fate| match fate {
            Fate::Refused(problem) => Some(problem),
            Fate::Kept(..) => None,
        });
        Ok(refused.collect())
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

fn read_entry(parsed: &mut Parsed, body: &[u8], link: &Link) {
    match listing::parse(body, &link.url) {
        Ok(found) => {
            parsed.warnings.extend(found.parsed.warnings);
            parsed.problems.extend(found.parsed.problems);
            // A list of lists is not followed.
            if !found.links.is_empty() {
                parsed.problems.push(Problem::new("entry", &link.url, "is a list, expected a message"));
            }
        }
        Err(problem) => parsed.problems.push(Problem::new("entry", &link.url, problem.to_string())),
    }
}
