//! Items on their way in: told apart from what is known, put to their story, held against the rules, and kept.

use chrono::{SecondsFormat, TimeDelta};
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use super::judge::Judgement;
use super::parse::Entry;
use super::query::{Query, Story};
use super::store::items::{self, NewItem};
use super::store::{self, sources};
use super::twins::{self, Known, Print};
use super::{Rule, State, link};
use crate::accounts::tokens::desk::Acting;
use crate::clock::Instant;
use crate::config::Media;

/// Items of the window that a new one is compared with.
const MOST_COMPARED: i64 = 5000;
/// How far ahead of our clock a feed's may be; what is beyond is said to be of now.
const AHEAD: TimeDelta = TimeDelta::hours(1);

/// What came of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    pub new: Vec<Uuid>,
    pub candidates: usize,
}

/// Rules that can be read, with whom they are of. One that cannot be read, of another version, fits nothing.
#[derive(Debug)]
pub struct Rules(Vec<(Rule, Query)>);

impl Rules {
    pub fn of(rules: Vec<Rule>) -> Self {
        Self(rules.into_iter().filter_map(|rule| Query::parse(&rule.query).ok().map(|query| (rule, query))).collect())
    }

    /// Rules that fit an item of a source.
    pub fn fit(&self, source: Uuid, story: &Story) -> Vec<Uuid> {
        let theirs = self.0.iter().filter(|(rule, _)| rule.source_id.is_none_or(|only| only == source));
        theirs.filter(|(_, query)| query.matches(story)).map(|(rule, _)| rule.id).collect()
    }
}

/// SHA-256 of what came, so that anybody can show later what stood there.
pub fn sum(title: &str, excerpt: &str, link: &str, published_at: Instant) -> Vec<u8> {
    let day = published_at.to_rfc3339_opts(SecondsFormat::Micros, true);
    Sha256::digest(format!("{title}\n{excerpt}\n{link}\n{day}")).to_vec()
}

/// When it counts as published: now, where a feed says nothing or something that has not been yet. To the microsecond, as it is kept.
fn published(said: Option<Instant>, now: Instant) -> Instant {
    let at = said.filter(|at| *at <= now + AHEAD).unwrap_or(now);
    chrono::DateTime::from_timestamp_micros(at.timestamp_micros()).unwrap_or(at)
}

/// Takes the items of an answer, the oldest first, in the caller's transaction. What is older than items are kept is left: it would come
/// again after it was forgotten.
///
/// # Errors
/// The database's.
pub async fn take(
    conn: &mut PgConnection,
    by: Acting<'_>,
    config: &Media,
    (source, entries): (Uuid, &[Entry]),
) -> sqlx::Result<Taken> {
    store::lock(&mut *conn).await?;
    let rules = Rules::of(sources::rules(&mut *conn).await?);
    let since = by.now - TimeDelta::hours(config.same_story_hours.into());
    let mut window = items::window(&mut *conn, since, MOST_COMPARED).await?;
    let oldest = by.now - TimeDelta::days(config.item_days.into());
    let mut taken = Taken::default();
    for entry in entries.iter().rev() {
        let published_at = published(entry.published_at, by.now);
        if published_at < oldest {
            continue;
        }
        let print = Print::of(&entry.title, &entry.excerpt);
        let fit = rules.fit(source, &Story::of(&entry.title, &entry.excerpt));
        let id = by.ids.uuid(by.now);
        let is_within = published_at >= since;
        let first_id = twins::find(&print, &window).filter(|_| is_within).map_or(id, |(first, _)| first);
        let by_rules = if fit.is_empty() { State::New } else { State::Candidate };
        let new = NewItem {
            id,
            source_id: source,
            guid: &entry.guid,
            link: &entry.link,
            link_key: link::key(&entry.link),
            title: &entry.title,
            excerpt: &entry.excerpt,
            published_at,
            fetched_at: by.now,
            sha256: &sum(&entry.title, &entry.excerpt, &entry.link, published_at),
            simhash: print.simhash(),
            first_id,
            by_rules,
            judgement: Judgement { state: by_rules, ..Judgement::default() },
            revision: 0,
            clipped_on: None,
        };
        if !items::insert(&mut *conn, &new).await? {
            continue;
        }
        for rule in &fit {
            items::matched(&mut *conn, *rule, &[id]).await?;
        }
        taken.candidates += usize::from(!fit.is_empty());
        taken.new.push(id);
        if is_within {
            window.push(Known { id, first: first_id, print });
        }
    }
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_of_tomorrow_is_of_now_and_one_without_a_day_too() {
        let now: Instant = "2026-02-22T12:00:00Z".parse().unwrap();
        let before = now - TimeDelta::hours(5);
        assert_eq!(published(Some(before), now), before);
        assert_eq!(published(Some(now + TimeDelta::hours(2)), now), now);
        assert_eq!(published(None, now), now);
    }

    #[test]
    fn a_rule_of_one_source_fits_items_of_that_source_alone() {
        let rule = |id: u128, query: &str, source: Option<u128>| Rule {
            id: Uuid::from_u128(id),
            name: "r".into(),
            query: query.into(),
            source_id: source.map(Uuid::from_u128),
            source: None,
            theme: String::new(),
        };
        let rules = Rules::of(vec![rule(1, "chuva", None), rule(2, "chuva", Some(9)), rule(3, "(chuva", None)]);
        let story = Story::of("Chuva", "");
        assert_eq!(rules.fit(Uuid::from_u128(9), &story), [Uuid::from_u128(1), Uuid::from_u128(2)]);
        assert_eq!(rules.fit(Uuid::from_u128(8), &story), [Uuid::from_u128(1)]);
    }
}
