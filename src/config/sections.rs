//! The sections of the configuration that need no checks of their own.

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::alerts::approval::{Needs, Policy};
use crate::alerts::audience::Audience;
use crate::alerts::escalation::Step;
use crate::alerts::kind::AlertKind;
use crate::ingest::formats::profile::Profile;
use crate::secret::Secret;
use crate::units::{Level, vocabulary};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    pub url: Secret,
    pub owner_url: Secret,
    pub max_connections: u32,
    pub postgres_bin_dir: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ingest {
    pub queue_readings: usize,
    pub batch_readings: usize,
    pub live_within_s: u32,
    pub max_future_s: u32,
    pub max_age_days: u32,
    pub device_messages_per_s: u32,
    pub device_burst: u32,
    /// How makes of devices write what they measure, and are told commands.
    pub profiles: Vec<Profile>,
}

impl Ingest {
    /// Names what is wrong in the profiles.
    pub(super) fn check(&self, expect: &mut impl FnMut(bool, &str, &str, &str)) {
        for (index, profile) in self.profiles.iter().enumerate() {
            let twice = self.profiles[..index].iter().any(|other| other.name == profile.name);
            let problem = profile.problem().or_else(|| twice.then(|| "a name of its own".into()));
            let key = format!("ingest.profiles[{index}]");
            expect(problem.is_none(), &key, &profile.name, problem.as_deref().unwrap_or_default());
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Engine {
    pub rules_dir: String,
    pub quality_file: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alerts {
    pub draft_from: Level,
    pub expires_after_min: u32,
    /// Whom a new draft goes to beside those inside its places, until a person chooses: metres around them.
    pub buffer_m: i32,
    /// Homes known no better than so many metres are left out; 0 leaves nobody out.
    pub leave_out_from_m: i32,
    /// Who must stand behind an alert, in this order: the first that holds decides.
    pub policies: Vec<Policy>,
    /// Was used before there were policies; anything in it is refused with what to write instead.
    pub automatic_levels: Vec<String>,
    /// Two persons from this level on: a last policy, after all others.
    #[serde(deserialize_with = "level_or_nothing")]
    pub two_person_from: Option<Level>,
    pub two_person_kinds: Vec<AlertKind>,
    /// Who of the staff is paged while an alert waits for an answer.
    pub escalation: Vec<Step>,
    /// After this long without a decision, pages and log say that nobody answered.
    pub answer_within_min: u32,
    pub status: AlertStatus,
    pub templates_dir: String,
}

/// An empty text is no level.
fn level_or_nothing<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Level>, D::Error> {
    let word = String::deserialize(deserializer)?;
    if word.is_empty() { Ok(None) } else { word.parse().map(Some).map_err(serde::de::Error::custom) }
}

vocabulary! {
    /// CAP 1.2 `status`, without the draft, which never leaves.
    AlertStatus, "alert status" {
        Actual = "actual",
        Exercise = "exercise",
        /// What systems say to systems. Marked like a test, and never sent to residents.
        System = "system",
        Test = "test",
    }
}

impl Alerts {
    /// Every policy in its order, with the one that `two_person_from` stands for at the end.
    pub fn all_policies(&self) -> Vec<Policy> {
        let mut policies = self.policies.clone();
        if let Some(from) = self.two_person_from {
            policies.push(Policy {
                name: "two_person_from".into(),
                hazards: Vec::new(),
                levels: Level::ALL.iter().copied().filter(|level| *level >= from).collect(),
                kinds: self.two_person_kinds.clone(),
                people_from: None,
                people_below: None,
                approvals: Needs::Two,
                plancon: String::new(),
            });
        }
        policies
    }

    /// Whom a new draft goes to.
    pub const fn audience(&self) -> Audience {
        let from = if self.leave_out_from_m == 0 { None } else { Some(self.leave_out_from_m) };
        Audience { buffer_m: self.buffer_m, leave_out_from_m: from }
    }

    /// Names what is wrong in policies and plan.
    pub(super) fn check(&self, expect: &mut impl FnMut(bool, &str, &str, &str)) {
        expect(self.draft_from > Level::Normal, "alerts.draft_from", self.draft_from.as_str(), "a level above normal");
        if let Some(level) = self.two_person_from {
            expect(level > Level::Normal, "alerts.two_person_from", level.as_str(), "empty, or a level above normal");
            let kinds = self.two_person_kinds.is_empty();
            expect(!kinds, "alerts.two_person_kinds", "[]", "the kinds that `alerts.two_person_from` holds for");
        }
        let written = self.automatic_levels.join(", ");
        let instead = "an empty list: what leaves without a person is now an [[alerts.policies]] table with \
            approvals = \"automatic\", levels = […] and plancon = the place in the contingency plan that says so";
        expect(written.is_empty(), "alerts.automatic_levels", &written, instead);
        for (index, policy) in self.policies.iter().enumerate() {
            let twice = self.policies[..index].iter().any(|other| other.name == policy.name);
            let problem = policy.problem().or(twice.then_some(("name", "a name of its own")));
            if let Some((key, expected)) = problem {
                expect(false, &format!("alerts.policies[{index}].{key}"), &policy.name, expected);
            }
        }
        for (index, step) in self.escalation.iter().enumerate() {
            let earlier = index > 0 && self.escalation[index - 1].after_min > step.after_min;
            let problem = step.problem().or(earlier.then_some(("after_min", "not before the step above it")));
            if let Some((key, expected)) = problem {
                expect(false, &format!("alerts.escalation[{index}].{key}"), &step.after_min.to_string(), expected);
            }
        }
        if let Err(bad) = self.audience().check() {
            expect(false, &format!("alerts.{}", bad.field), &bad.value, &bad.message);
        }
        let within = self.answer_within_min;
        expect(within > 0, "alerts.answer_within_min", &within.to_string(), "a number of minutes above zero");
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exercises {
    /// Telephones and e-mail addresses of staff who get test and system messages. Residents never do.
    pub testers: Vec<String>,
    /// What the editor proposes: when an exercise announces itself.
    pub announce_days: i32,
    pub announce_hours: i32,
}

impl Exercises {
    pub(super) fn check(&self, expect: &mut impl FnMut(bool, &str, &str, &str)) {
        for (index, tester) in self.testers.iter().enumerate() {
            let good = crate::exercises::copies::tester_of(tester).is_ok();
            expect(good, &format!("exercises.testers[{index}]"), tester, "a telephone or an e-mail address");
        }
        let days = self.announce_days;
        expect((0..=60).contains(&days), "exercises.announce_days", &days.to_string(), "0 to 60");
        let hours = self.announce_hours;
        expect((0..=72).contains(&hours), "exercises.announce_hours", &hours.to_string(), "0 to 72");
    }
}

/// Who takes an alert for the channels that have no public interface.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Handover {
    pub idap: Counter,
    pub sms_40199: Counter,
    pub cell_broadcast: Counter,
}

/// One such place, as the checklist shows it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counter {
    pub responsible: String,
    pub phone: String,
    pub url: String,
}

impl Handover {
    pub(super) fn check(&self, expect: &mut impl FnMut(bool, &str, &str, &str)) {
        for (name, counter) in
            [("idap", &self.idap), ("sms_40199", &self.sms_40199), ("cell_broadcast", &self.cell_broadcast)]
        {
            let good = counter.url.is_empty() || counter.url.starts_with("https://");
            expect(good, &format!("handover.{name}.url"), &counter.url, "https://…, or empty");
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dispatch {
    pub claim_rows: u32,
    pub lease_s: u32,
    pub retry_base_s: u32,
    pub retry_max_s: u32,
    pub sms_segment_centavos: u32,
    pub progress_every_ms: u32,
    pub paused_page_after_min: u32,
    pub sink_messages_per_second: u32,
    /// Minutes after which the next contact of an institution is told.
    pub institution_next_min: u32,
}

impl Dispatch {
    pub fn lease(&self) -> std::time::Duration {
        std::time::Duration::from_secs(self.lease_s.into())
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outbound {
    #[serde(deserialize_with = "words")]
    pub allow: Vec<crate::outbound::Allowed>,
    pub proxy: String,
    pub user_agent: String,
}

/// A list, or one line with commas, which is all that the environment can give.
pub(super) fn words<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        List(Vec<String>),
        Line(String),
    }
    let words = match Given::deserialize(deserializer)? {
        Given::List(list) => list,
        Given::Line(line) => {
            line.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
        }
    };
    words.iter().map(|word| word.parse().map_err(serde::de::Error::custom)).collect()
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Municipality {
    pub name: String,
    pub ibge_code: String,
    pub state: String,
    pub time_zone: Tz,
    pub sender: String,
    pub sender_name: String,
    pub contact: String,
}

/// The morning report.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Morning {
    /// Local time; none = off.
    #[serde(deserialize_with = "time_or_nothing")]
    pub at: Option<chrono::NaiveTime>,
}

/// "07:00"; an empty text is no time.
fn time_or_nothing<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<chrono::NaiveTime>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        return Ok(None);
    }
    chrono::NaiveTime::parse_from_str(&text, "%H:%M")
        .map(Some)
        .map_err(|_| serde::de::Error::custom(format!("{text:?} is no time; expected hours and minutes such as 07:00")))
}

/// Where the keys are that seal what the database must not show (`vault`).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    pub service_file: String,
    pub vault_file: String,
}

/// Signatures on our CAP messages (`alerts::signing`).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signing {
    pub enabled: bool,
}

/// Days that personal data are kept (`privacy::retention`).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Privacy {
    pub outbox_address_days: u32,
    pub sink_message_days: u32,
    pub quarantine_payload_days: u32,
    pub notice_days: u32,
    pub session_days: u32,
    pub needs_days: u32,
    pub report_contact_days: u32,
    pub maintenance_task_days: u32,
    pub morning_report_days: u32,
    pub command_issuer_days: u32,
    pub deployment_position_days: u32,
    pub shelter_days: u32,
    pub interdiction_days: u32,
    pub officer: String,
}

/// What is kept of the readings of years past (`history::policy`).
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct History {
    pub raw_months: u32,
    pub hourly: bool,
}

/// What people report.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reports {
    pub maildir: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    pub level: String,
    pub format: LogFormat,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shutdown {
    pub timeout_s: u32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Demo {
    pub notice: String,
}

/// The secretariat's wider work.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secretariat {
    /// Folder with types of cases of the town, beside those compiled in; empty = none.
    pub case_types: String,
    /// File with the segments of the town, in place of those compiled in; empty = none.
    pub segments: String,
    /// Address of the licence under which data are open, for the catalogue; empty = none is told.
    pub open_data_license: String,
    /// Requests of the secretariat that are worked on at once; 0 = half of the processors.
    pub at_once: u32,
    pub media: Media,
}

impl Secretariat {
    pub(super) fn check(&self, expect: &mut impl FnMut(bool, &str, &str, &str)) {
        let license = &self.open_data_license;
        let is_address = license.parse::<url::Url>().is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        let expected = "the http:// or https:// address of a licence, or nothing";
        expect(license.is_empty() || is_address, "secretariat.open_data_license", license, expected);
        self.media.check(expect);
    }
}

/// Media monitoring (docs/secretariat/media-monitoring.md).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Media {
    /// Local time at which the clipping of the day before is closed and sent; none = by hand only.
    #[serde(deserialize_with = "time_or_nothing")]
    pub clipping_at: Option<chrono::NaiveTime>,
    /// Hours within which two items may tell one story.
    pub same_story_hours: u32,
    /// Days that items are kept, and those that were selected, with their clippings.
    pub item_days: u32,
    pub selected_days: u32,
}

impl Media {
    pub(super) fn check(&self, expect: &mut impl FnMut(bool, &str, &str, &str)) {
        let hours = self.same_story_hours;
        expect((1..=720).contains(&hours), "secretariat.media.same_story_hours", &hours.to_string(), "1 to 720");
        let days = self.item_days;
        expect((30..=3650).contains(&days), "secretariat.media.item_days", &days.to_string(), "30 to 3650");
        let selected = self.selected_days;
        let fits = (days..=36_500).contains(&selected);
        expect(fits, "secretariat.media.selected_days", &selected.to_string(), "at least item_days, and at most 36500");
    }
}
