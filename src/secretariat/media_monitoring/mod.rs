//! Media monitoring (clause 16): items of feeds, gazettes and people's own ears, told apart and put together, held against rules, chosen by
//! people with tone and theme, and given out as the clipping of a day. Of an item nothing is kept but title, excerpt, address and day.
//!
//! Parsing, rules, groups and judgements are pure; what is kept is in `store`, what people do with items is in `desk`, and what is
//! listened to in `listen`.

pub mod clipping;
pub mod definitions;
pub mod desk;
pub mod exchange;
pub mod intake;
pub mod judge;
pub mod link;
pub mod listen;
pub mod parse;
pub mod plain;
pub mod query;
pub mod rumour;
pub mod seed;
pub mod store;
pub mod twins;
pub mod worker;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::Instant;
use crate::units::vocabulary;

/// Sources that are followed, rules, and subscribers, at most.
pub const MOST_SOURCES: usize = 200;
pub const MOST_RULES: usize = 200;
pub const MOST_SUBSCRIBERS: usize = 200;

vocabulary! {
    /// What a source is. Texts are `media-source-KIND`.
    SourceKind, "kind of source" {
        /// RSS, Atom or JSON Feed of an outlet.
        Feed = "feed",
        /// An official gazette that is published as a feed.
        Gazette = "gazette",
        /// Radio, television, paper: written down by people.
        Hand = "hand",
    }
}

vocabulary! {
    /// How an item stands. Texts are `media-state-STATE`.
    State, "state of an item" {
        New = "new",
        /// A rule fits it.
        Candidate = "candidate",
        Selected = "selected",
        Dismissed = "dismissed",
    }
}

// The macro of vocabularies marks no variant.
#[allow(clippy::derivable_impls, reason = "the enum is made by a macro that has no place for #[default]")]
impl Default for State {
    fn default() -> Self {
        Self::New
    }
}

vocabulary! {
    /// How an item speaks of the town. Texts are `media-tone-TONE`.
    Tone, "tone" {
        Positive = "positive",
        Neutral = "neutral",
        Negative = "negative",
    }
}

/// A source, and how it does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = MediaSource)]
pub struct Source {
    pub id: Uuid,
    pub name: String,
    /// feed, gazette or hand.
    pub kind: String,
    pub url: String,
    pub every_s: i32,
    /// One more with each change.
    pub revision: i32,
    /// Since when it rests and is not asked.
    #[schema(value_type = Option<String>)]
    pub paused_at: Option<Instant>,
    #[schema(value_type = Option<String>)]
    pub due_at: Option<Instant>,
    #[schema(value_type = Option<String>)]
    pub asked_at: Option<Instant>,
    /// The last answer that could be read, new or not.
    #[schema(value_type = Option<String>)]
    pub answered_at: Option<Instant>,
    /// When the answer was another than before.
    #[schema(value_type = Option<String>)]
    pub changed_at: Option<Instant>,
    /// Failures since it was read last, why the last ask failed, and the kind of that (as of feeds).
    pub failures: i32,
    pub error: String,
    pub error_kind: String,
    /// Of the last answer that was another.
    pub items: i32,
    pub new_items: i32,
    pub problems: i32,
    pub problem: String,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = MediaRule)]
pub struct Rule {
    pub id: Uuid,
    pub name: String,
    pub query: String,
    /// None: of all sources.
    pub source_id: Option<Uuid>,
    pub source: Option<String>,
    /// Proposed for what fits.
    pub theme: String,
}

/// An item as staff see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = MediaItem)]
pub struct Item {
    pub id: Uuid,
    pub source_id: Uuid,
    pub source: String,
    pub guid: String,
    pub link: String,
    pub title: String,
    pub excerpt: String,
    #[schema(value_type = String)]
    pub published_at: Instant,
    #[schema(value_type = String)]
    pub fetched_at: Instant,
    /// SHA-256 of title, excerpt, address and day as they came, in hex.
    pub sha256: String,
    /// The first that told the same; itself when it was that.
    pub first_id: Uuid,
    /// Others that told the same, up to a hundred.
    pub others: i64,
    /// new or candidate: how the rules found it.
    pub by_rules: String,
    pub state: String,
    pub tone: Option<String>,
    pub theme: String,
    pub spokesperson: String,
    pub note: String,
    pub revision: i32,
    /// Names of the rules that fit, and the theme that the first of them proposes.
    pub rules: Vec<String>,
    pub proposed_theme: String,
    #[schema(value_type = Option<String>)]
    pub clipped_on: Option<NaiveDate>,
    /// Number of the occurrence that it opened.
    pub check: Option<String>,
    pub check_id: Option<Uuid>,
}

/// Who gets the clipping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = MediaSubscriber)]
pub struct Subscriber {
    pub id: Uuid,
    pub name: String,
    pub email: String,
    pub language: String,
}

/// One day, theme and tone of the series of repercussion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = MediaRepercussion)]
pub struct Repercussion {
    #[schema(value_type = String)]
    pub day: NaiveDate,
    pub theme: String,
    pub tone: String,
    pub items: i64,
}

/// A line of a clipping that was closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = MediaClipped)]
pub struct Clipped {
    pub id: Uuid,
    pub source: String,
    pub title: String,
    pub excerpt: String,
    pub link: String,
    #[schema(value_type = String)]
    pub published_at: Instant,
    pub tone: String,
    pub theme: String,
    pub spokesperson: String,
    /// Others that told the same.
    pub others: i64,
}

/// The clipping of a day, as it was when it was closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = MediaClipping)]
pub struct Clipping {
    #[schema(value_type = String)]
    pub day: NaiveDate,
    #[schema(value_type = String)]
    pub made_at: Instant,
    pub made_by: String,
    pub items: Vec<Clipped>,
    /// E-mails that were handed over.
    pub mailed: i32,
}

/// An act of people on an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = MediaAct)]
pub struct Act {
    pub seq: i32,
    #[schema(value_type = String)]
    pub at: Instant,
    pub by: String,
    pub judgement: judge::Judgement,
    /// It took the act before it back.
    pub is_undo: bool,
}
