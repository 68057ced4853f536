//! Collegiate bodies: who sits in them, when they may meet, when they may decide, and what is kept of it.
//!
//! `rules` counts quorum, majority, notice and reappointments and says why (pure); `life` is the life of a meeting (pure); `minutes` drafts
//! the text of a meeting from its record, `calendar`, `popolo` and `file` are the formats of others (pure). `desk` acts in the caller's
//! transaction, `store` is the SQL, `publish` writes what the public may read.

pub mod calendar;
pub mod desk;
pub mod file;
pub mod life;
pub mod minutes;
pub mod popolo;
pub mod publish;
pub mod rules;
pub mod store;
pub mod words;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::Instant;
use crate::units::vocabulary;
pub use rules::Rules;

vocabulary! {
    /// What sort of body it is. Texts are `sec-committees-kind-KIND`.
    BodyKind, "kind of body" {
        Council = "council",
        Committee = "committee",
        Commission = "commission",
        WorkingGroup = "working_group",
        /// Its work is confidential: the public reads numbers of the year and nothing else.
        Ethics = "ethics",
    }
}

vocabulary! {
    /// What created it. Texts are `sec-committees-act-ACT`.
    ActKind, "kind of act" {
        Law = "law",
        Decree = "decree",
        Ordinance = "ordinance",
        Resolution = "resolution",
    }
}

vocabulary! {
    /// What a seat is in the body. Texts are `sec-committees-role-ROLE`.
    SeatRole, "role of a seat" {
        Chair = "chair",
        Vice = "vice",
        Secretary = "secretary",
        Member = "member",
    }
}

vocabulary! {
    /// Who holds a seat, and who stands in. Texts are `sec-committees-capacity-CAPACITY`.
    Capacity, "capacity of a member" {
        Titular = "titular",
        Substitute = "substitute",
    }
}

vocabulary! {
    /// Texts are `sec-committees-meeting-KIND`.
    MeetingKind, "kind of meeting" {
        Ordinary = "ordinary",
        /// Has a shorter notice, and a reason.
        Extraordinary = "extraordinary",
    }
}

vocabulary! {
    /// Texts are `sec-committees-choice-CHOICE`.
    Choice, "vote" {
        For = "for",
        Against = "against",
        Abstain = "abstain",
    }
}

vocabulary! {
    /// How it was voted. Texts are `sec-committees-how-HOW`.
    How, "way of voting" {
        RollCall = "roll_call",
        Counted = "counted",
    }
}

vocabulary! {
    /// How minutes were approved. Texts are `sec-committees-approved-HOW`.
    ApprovedHow, "way of approval" {
        /// By a later meeting of the body.
        Meeting = "meeting",
        /// By members to whom they were sent.
        Circulated = "circulated",
    }
}

/// The act that created a body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = BodyAct)]
#[serde(deny_unknown_fields)]
pub struct CreatedBy {
    /// law, decree, ordinance, resolution
    #[schema(value_type = String)]
    pub kind: ActKind,
    pub number: String,
    pub on: NaiveDate,
}

/// A body as somebody describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = BodyDescribed)]
pub struct Described {
    /// In addresses: small letters, digits and `-`.
    pub slug: String,
    pub name: String,
    /// council, committee, commission, working_group, ethics
    #[schema(value_type = String)]
    pub kind: BodyKind,
    pub act: CreatedBy,
    pub purpose: String,
    #[serde(default)]
    pub law_ref: String,
    /// Where the public may write to.
    #[serde(default)]
    pub contact: String,
    pub term_from: NaiveDate,
    #[serde(default)]
    pub term_until: Option<NaiveDate>,
    pub rules: Rules,
}

/// A body that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Body {
    pub id: Uuid,
    #[serde(flatten)]
    pub what: Described,
    pub revision: i32,
    pub ended_on: Option<NaiveDate>,
    pub ended_reason: String,
}

impl Body {
    /// Its meetings are announced and its minutes are published.
    pub fn is_open_to_all(&self) -> bool {
        self.what.kind != BodyKind::Ethics
    }

    pub fn is_in_force(&self, day: NaiveDate) -> bool {
        let until = [self.what.term_until, self.ended_on].into_iter().flatten().min();
        self.what.term_from <= day && until.is_none_or(|last| day <= last)
    }
}

/// Somebody who may be appointed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = BodyPerson)]
pub struct Person {
    pub id: Uuid,
    pub name: String,
    /// That they chose to make public.
    pub contact: String,
    /// User name of their account.
    pub account: Option<String>,
}

/// A person's time in a seat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = BodyMandate)]
pub struct Mandate {
    pub id: Uuid,
    pub seat_id: Uuid,
    pub person_id: Uuid,
    pub person: String,
    /// titular, substitute
    #[schema(value_type = String)]
    pub capacity: Capacity,
    pub from_on: NaiveDate,
    pub until_on: NaiveDate,
    /// The act that appointed them.
    pub act: String,
    /// When it ended before its time: the last day it held.
    pub ended_on: Option<NaiveDate>,
    pub ended_reason: String,
}

impl Mandate {
    /// The last day it holds.
    pub fn last_day(&self) -> NaiveDate {
        self.ended_on.map_or(self.until_on, |ended| ended.min(self.until_on))
    }

    pub fn holds_on(&self, day: NaiveDate) -> bool {
        self.from_on <= day && day <= self.last_day()
    }
}

/// A seat with everybody who was ever in it, the first to begin first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = BodySeat)]
pub struct Seat {
    pub id: Uuid,
    pub position: i32,
    /// What the seat stands for: a department, an association.
    pub entity: String,
    /// chair, vice, secretary, member
    #[schema(value_type = String)]
    pub role: SeatRole,
    pub ended_on: Option<NaiveDate>,
    pub mandates: Vec<Mandate>,
}

impl Seat {
    pub fn is_in_force(&self, day: NaiveDate) -> bool {
        self.ended_on.is_none_or(|last| day <= last)
    }

    /// Who is in it on a day.
    pub fn holder(&self, capacity: Capacity, day: NaiveDate) -> Option<&Mandate> {
        self.mandates.iter().find(|one| one.capacity == capacity && one.holds_on(day))
    }

    /// Nobody is titular on this day.
    pub fn is_vacant(&self, day: NaiveDate) -> bool {
        self.is_in_force(day) && self.holder(Capacity::Titular, day).is_none()
    }
}

/// A meeting with all of its marks.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = BodyMeeting)]
pub struct Meeting {
    pub id: Uuid,
    #[serde(skip)]
    pub body_id: Uuid,
    pub year: i32,
    /// Of the body in this year, without gaps.
    pub number: i32,
    /// ordinary, extraordinary
    #[schema(value_type = String)]
    pub kind: MeetingKind,
    /// convened, opened, held, drafted, approved, published, cancelled, no_quorum
    #[schema(value_type = String)]
    pub state: life::State,
    #[schema(value_type = String, format = DateTime)]
    pub starts_at: Instant,
    pub place: String,
    pub urgency: String,
    /// The first instant that the notice allowed.
    #[schema(value_type = String, format = DateTime)]
    pub earliest_at: Instant,
    pub notice_law_ref: String,
    #[schema(value_type = Vec<Object>)]
    pub notice_trace: Vec<crate::deadlines::Step>,
    #[schema(value_type = String, format = DateTime)]
    pub convened_at: Instant,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub opened_at: Option<Instant>,
    pub opened_call: Option<i16>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Instant>,
    pub cancel_reason: String,
    #[serde(skip)]
    pub minutes: String,
    pub minutes_revision: i32,
    /// meeting, circulated
    #[schema(value_type = Option<String>)]
    pub approved_how: Option<ApprovedHow>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub approved_at: Option<Instant>,
    /// Of the text that was approved.
    pub minutes_sha256: Option<String>,
    pub pdf_sha256: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub published_at: Option<Instant>,
    #[serde(skip)]
    pub sequence: i32,
    #[serde(skip)]
    pub changed_at: Instant,
}

impl Meeting {
    /// In addresses and in the words of people: "2026-3".
    pub fn label(&self) -> String {
        format!("{}-{}", self.year, self.number)
    }
}

/// Whether a seat is there, and who sits in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = BodyPresence)]
pub struct Presence {
    pub seat_id: Uuid,
    pub person_id: Uuid,
    pub person: String,
    /// titular, substitute
    #[schema(value_type = String)]
    pub capacity: Capacity,
}

/// A count at the door.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = BodyCall)]
pub struct Call {
    pub call: i16,
    pub present: i32,
    pub needed: i32,
    pub seats: i32,
    pub reached: bool,
    #[schema(value_type = String, format = DateTime)]
    pub at: Instant,
}

/// An item of the agenda with what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = BodyItem)]
pub struct Item {
    pub id: Uuid,
    #[serde(skip)]
    pub meeting_id: Uuid,
    pub position: i32,
    pub title: String,
    pub text: String,
    /// Its documents and words are for members alone.
    pub restricted: bool,
    pub notes: String,
    pub recused: Vec<Recused>,
    pub votes: Vec<Vote>,
    pub decision: Option<Decision>,
    pub documents: Vec<Document>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = BodyRecusal)]
pub struct Recused {
    pub person_id: Uuid,
    pub person: String,
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = BodyVote)]
pub struct Vote {
    pub seat_id: Uuid,
    pub person_id: Uuid,
    pub person: String,
    /// for, against, abstain
    #[schema(value_type = String)]
    pub choice: Choice,
}

/// What came of a vote, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = BodyDecision)]
pub struct Decision {
    /// roll_call, counted
    #[schema(value_type = String)]
    pub how: How,
    pub votes_for: i32,
    pub votes_against: i32,
    pub votes_abstain: i32,
    pub present: i32,
    pub seats: i32,
    pub quorum: i32,
    pub needed: i32,
    pub approved: bool,
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = BodyDocument)]
pub struct Document {
    pub id: Uuid,
    pub name: String,
    pub sha256: String,
    pub bytes: i32,
}

/// What a body resolved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = BodyResolution)]
pub struct Resolution {
    pub id: Uuid,
    pub year: i32,
    /// Of the body in this year, without gaps.
    pub number: i32,
    pub item_id: Uuid,
    /// Year and number of the meeting: "2026-3".
    pub meeting: String,
    pub text: String,
    pub restricted: bool,
    pub determination: String,
    pub determination_to: String,
    pub spawned_case: Option<Uuid>,
    #[schema(value_type = String, format = DateTime)]
    pub at: Instant,
}

/// A resolution that asks for a determination, as far as the case that comes of it needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub id: Uuid,
    pub year: i32,
    pub number: i32,
    /// Name of the body.
    pub body: String,
    /// Of a restricted item, or of a body whose work is confidential.
    pub restricted: bool,
    pub what: String,
    /// The department that shall do it.
    pub to: String,
    /// User name of whoever wrote the resolution down.
    pub by: String,
}

/// The resolution that a case came of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = CaseResolution)]
pub struct Origin {
    pub id: Uuid,
    pub year: i32,
    /// Of the body in this year.
    pub number: i32,
    /// Address of the body.
    pub slug: String,
    /// Its name.
    pub body: String,
    /// Year and number of the meeting: "2026-3".
    pub meeting: String,
}

impl Origin {
    /// Path of the page of the meeting.
    pub fn link(&self) -> String {
        format!("/secretaria/painel/comites/{}/reunioes/{}", self.slug, self.meeting)
    }
}

/// A meeting with its whole record.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = BodyMeetingRecord)]
pub struct Record {
    #[serde(flatten)]
    pub meeting: Meeting,
    pub calls: Vec<Call>,
    pub present: Vec<Presence>,
    pub items: Vec<Item>,
    pub resolutions: Vec<Resolution>,
}
