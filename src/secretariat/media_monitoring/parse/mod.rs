//! Bytes of a feed to items: RSS 0.9 to 2.0, RSS 1.0 (RDF), Atom and JSON Feed. What comes is not ours, so everything has a bound, no entity
//! is opened, and nothing of an item is kept but its title, an excerpt, its address and its day. Pure.

mod charset;
mod dates;
mod json;
pub mod text;
mod xml;

use chrono_tz::Tz;
use sha2::{Digest as _, Sha256};
use url::Url;

use super::link;
use crate::clock::Instant;
use crate::secretariat::kernel::ledger::hex;

/// Items of one answer that are looked at.
pub const MOST_ITEMS: usize = 500;
/// Letters of a title, of an excerpt, and of the name that a feed gives an item.
pub const TITLE: usize = 300;
pub const EXCERPT: usize = 500;
pub const GUID: usize = 400;
/// Letters of a title that is made of an excerpt.
const MADE_TITLE: usize = 120;

/// One item, with what is kept of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The feed's name for it; its address or a sum of its words where the feed gives none.
    pub guid: String,
    /// Normalised; empty: none.
    pub link: String,
    pub title: String,
    pub excerpt: String,
    pub published_at: Option<Instant>,
}

/// What an answer held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    /// In the order of the feed.
    pub items: Vec<Entry>,
    /// What could not be read of it, and the first of that in words.
    pub problems: usize,
    pub problem: String,
}

impl Parsed {
    fn wrong(&mut self, why: impl Into<String>) {
        self.problems += 1;
        if self.problem.is_empty() {
            self.problem = why.into();
        }
    }
}

/// Where a document came from, and the town's time.
#[derive(Clone, Copy, Debug)]
pub struct Around<'a> {
    /// What the server says that it is.
    pub content_type: &'a str,
    /// What relative addresses hang on.
    pub base: Option<&'a Url>,
    pub tz: Tz,
}

/// Reads an answer. A document that breaks off gives what stood before.
///
/// # Errors
/// Why it is no feed, or why nothing of it could be read.
pub fn parse(body: &[u8], around: Around<'_>) -> Result<Parsed, String> {
    let text = charset::decode(body, around.content_type);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let parsed = match text.chars().next() {
        Some('{') => json::parse(text, around)?,
        Some('<') => xml::parse(text, around)?,
        _ => return Err("expected RSS, Atom or JSON Feed".into()),
    };
    if parsed.items.is_empty() && parsed.problems > 0 {
        return Err(parsed.problem);
    }
    Ok(parsed)
}

/// What a feed says of one item, as it stands.
#[derive(Clone, Debug, Default)]
struct Raw {
    guid: String,
    link: String,
    title: String,
    /// Of a summary, else of the whole text.
    summary: String,
    content: String,
    published: String,
    updated: String,
}

/// Puts an item to the others, or says why it is none.
fn keep(parsed: &mut Parsed, raw: &Raw, around: Around<'_>) {
    if parsed.items.len() >= MOST_ITEMS {
        parsed.wrong(format!("has more than {MOST_ITEMS} items"));
        return;
    }
    let of_summary = text::from_html(&raw.summary, EXCERPT);
    let excerpt = if of_summary.is_empty() { text::from_html(&raw.content, EXCERPT) } else { of_summary };
    let mut title = text::from_html(&raw.title, TITLE);
    if title.is_empty() {
        title = text::from_html(&excerpt, MADE_TITLE);
    }
    if title.is_empty() {
        parsed.wrong(format!("item {}: neither title nor text", parsed.items.len() + parsed.problems + 1));
        return;
    }
    let guid = raw.guid.trim();
    let link = link::normalised(&raw.link, around.base).or_else(|| link::normalised(guid, None)).unwrap_or_default();
    let guid = match guid {
        "" if link.is_empty() => hex(&Sha256::digest(format!("{title}\n{excerpt}"))),
        "" => hex(&Sha256::digest(&link)),
        given if given.chars().count() > GUID || given.contains('\0') => hex(&Sha256::digest(given)),
        given => given.to_owned(),
    };
    let published_at = dates::read(&raw.published, around.tz).or_else(|| dates::read(&raw.updated, around.tz));
    parsed.items.push(Entry { guid, link, title, excerpt, published_at });
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
