//! How urgent an occurrence is. Pure: the sum of its reasons, in points, in one of four classes; what waits rises with time. A person's
//! word counts before it, and the rule's own answer stays beside that.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::Need;
use crate::reports::Kind;
use crate::reports::words::fold;
use crate::units::{Level, vocabulary};

/// One of four classes. Texts are `priority-N`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "i16", try_from = "i16")]
pub enum Priority {
    /// Lives are in danger now.
    Critical,
    High,
    Medium,
    Low,
}

impl Priority {
    pub const ALL: [Self; 4] = [Self::Critical, Self::High, Self::Medium, Self::Low];

    /// 1 to 4.
    pub const fn number(self) -> i16 {
        match self {
            Self::Critical => 1,
            Self::High => 2,
            Self::Medium => 3,
            Self::Low => 4,
        }
    }

    /// The class of so many points.
    pub const fn of(points: i32) -> Self {
        match points {
            70.. => Self::Critical,
            45.. => Self::High,
            25.. => Self::Medium,
            _ => Self::Low,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("priority {0:?} is unknown; expected 1, 2, 3 or 4")]
pub struct UnknownPriority(pub String);

impl From<Priority> for i16 {
    fn from(priority: Priority) -> Self {
        priority.number()
    }
}

impl TryFrom<i16> for Priority {
    type Error = UnknownPriority;

    fn try_from(number: i16) -> Result<Self, UnknownPriority> {
        let found = Self::ALL.into_iter().find(|priority| priority.number() == number);
        found.ok_or_else(|| UnknownPriority(number.to_string()))
    }
}

impl std::str::FromStr for Priority {
    type Err = UnknownPriority;

    fn from_str(text: &str) -> Result<Self, UnknownPriority> {
        let number = text.trim().parse::<i16>().map_err(|_| UnknownPriority(text.to_owned()))?;
        number.try_into()
    }
}

vocabulary! {
    /// Why it is so urgent. Texts are `priority-why-WHY`.
    Why, "reason of a priority" {
        Kind = "kind",
        /// A word that tells of a life in danger.
        Life = "life",
        /// A word that tells of danger.
        Danger = "danger",
        People = "people",
        Need = "need",
        Grade = "grade",
        Level = "level",
        Witnesses = "witnesses",
        Waits = "waits",
    }
}

/// What one fact adds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    pub why: Why,
    pub points: i32,
    /// The word, kind, need, grade or level; the number of people or minutes.
    pub what: String,
}

/// What it depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The most dangerous kind that its reports name.
    pub kind: Kind,
    pub words: Vec<String>,
    pub people: i32,
    pub needs: Vec<Need>,
    /// Of the risk area there: R1 to R4.
    pub grade: Option<String>,
    pub level: Option<Level>,
    /// Different reporters.
    pub witnesses: i64,
    /// For how long nobody was sent; nothing once somebody was.
    pub waits: Option<TimeDelta>,
}

/// What the rule says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    pub priority: Priority,
    pub points: i32,
    pub reasons: Vec<Reason>,
    /// After which time waiting counts for more, reckoned like `Facts::waits`.
    pub next: Option<TimeDelta>,
}

/// Beginnings of words that tell of a life in danger.
const LIFE: &[&str] = &[
    "soterrad",
    "preso",
    "presa",
    "presos",
    "presas",
    "ferid",
    "afoga",
    "desmai",
    "sangr",
    "nao respira",
    "ilhad",
    "arrastad",
    "levad pela",
    "embaixo da terra",
    "trapped",
    "buried",
    "injured",
    "drown",
];
/// Beginnings of words that tell of danger, or of whom it finds first.
const DANGER: &[&str] = &[
    "gas",
    "explos",
    "choque",
    "poste",
    "estal",
    "trinca",
    "rachad",
    "desab",
    "subindo",
    "crianc",
    "bebe",
    "idoso",
    "idosa",
    "gravid",
    "acamad",
    "cadeirante",
    "escola",
    "creche",
    "hospital",
    "gas leak",
    "children",
    "elderly",
];
/// What takes the next words back: "sem feridos", "ninguém ficou ferido".
const NONE: &[&str] = &["sem", "ninguem", "nao", "nenhum", "nenhuma", "nobody", "not", "without"];
/// How many words before one it may stand.
const REACH: usize = 2;

/// After so many minutes of waiting it adds so many points.
const WAITING: [(i64, i32); 3] = [(15, 5), (60, 10), (180, 15)];

/// The sum of the reasons, the heaviest first; of equal ones in the order of the vocabulary.
pub fn judge(facts: &Facts) -> Judged {
    let mut reasons = vec![Reason { why: Why::Kind, points: facts.kind.danger() * 8, what: facts.kind.to_string() }];
    let mut add = |why: Why, points: i32, what: String| reasons.push(Reason { why, points, what });
    if let Some(word) = first_of(LIFE, &facts.words) {
        add(Why::Life, 35, word);
    }
    if let Some(word) = first_of(DANGER, &facts.words) {
        add(Why::Danger, 10, word);
    }
    match facts.people {
        1 => add(Why::People, 15, "1".into()),
        2..=4 => add(Why::People, 25, facts.people.to_string()),
        5.. => add(Why::People, 35, facts.people.to_string()),
        _ => {}
    }
    for need in facts.needs.iter().take(2) {
        add(Why::Need, if *need == Need::Animals { 2 } else { 10 }, need.to_string());
    }
    match facts.grade.as_deref() {
        Some(grade @ "R4") => add(Why::Grade, 15, grade.into()),
        Some(grade @ "R3") => add(Why::Grade, 8, grade.into()),
        _ => {}
    }
    match facts.level {
        Some(level @ Level::Maximum) => add(Why::Level, 15, level.to_string()),
        Some(level @ Level::Alert) => add(Why::Level, 10, level.to_string()),
        Some(level @ Level::Attention) => add(Why::Level, 5, level.to_string()),
        _ => {}
    }
    if facts.witnesses >= 3 {
        add(Why::Witnesses, 5, facts.witnesses.to_string());
    }
    let minutes = facts.waits.map(|waits| waits.num_minutes());
    if let Some((after, points)) =
        minutes.and_then(|minutes| WAITING.into_iter().rev().find(|(after, _)| minutes >= *after))
    {
        add(Why::Waits, points, after.to_string());
    }
    reasons.sort_by(|a, b| b.points.cmp(&a.points).then(a.why.cmp(&b.why)));
    let points = reasons.iter().map(|reason| reason.points).sum();
    let next = minutes.and_then(|minutes| WAITING.into_iter().find(|(after, _)| minutes < *after));
    let next = next.map(|(after, _)| TimeDelta::minutes(after));
    Judged { priority: Priority::of(points), points, reasons, next }
}

/// The first of these words that stands in the texts and is not taken back.
fn first_of(signs: &[&str], texts: &[String]) -> Option<String> {
    for text in texts {
        let folded = fold(text);
        let words: Vec<&str> = folded.split(' ').collect();
        for sign in signs {
            let parts: Vec<&str> = sign.split(' ').collect();
            // What is taken back in one place may be said in another: "ninguém ferido na rua, há feridos na casa".
            let is_said = words.windows(parts.len()).enumerate().any(|(at, window)| {
                let before = &words[at.saturating_sub(REACH)..at];
                // "nao respira" begins with the word that takes others back, and is meant as it stands.
                fits(window, &parts) && !before.iter().any(|word| NONE.contains(word))
            });
            if is_said {
                return Some((*sign).to_owned());
            }
        }
    }
    None
}

/// Each word begins as the sign's does; short ones are the whole word, so that "gas" is no "gasto".
fn fits(words: &[&str], sign: &[&str]) -> bool {
    words.iter().zip(sign).all(|(word, part)| if part.len() <= 4 { word == part } else { word.starts_with(part) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn facts(kind: Kind, words: &str) -> Facts {
        Facts {
            kind,
            words: vec![words.to_owned()],
            people: 0,
            needs: Vec::new(),
            grade: None,
            level: None,
            witnesses: 1,
            waits: None,
        }
    }

    fn whys(facts: &Facts) -> Vec<Why> {
        judge(facts).reasons.iter().map(|reason| reason.why).collect()
    }

    #[test]
    fn somebody_buried_is_critical_and_a_branch_on_the_road_can_wait() {
        let buried = judge(&facts(Kind::Landslide, "tem gente SOTERRADA aqui"));
        assert_eq!((buried.priority, buried.points), (Priority::Critical, 75));
        assert_eq!(buried.reasons[1], Reason { why: Why::Life, points: 35, what: "soterrad".into() });
        assert_eq!(judge(&facts(Kind::FallenTree, "galho na rua")).priority, Priority::Low);
    }

    #[test]
    fn a_word_that_is_taken_back_adds_nothing() {
        for words in ["sem feridos", "ninguém ficou ferido", "não há nenhum ferido", "nobody injured"] {
            assert_eq!(whys(&facts(Kind::FallenTree, words)), [Why::Kind], "{words}");
        }
        let both = facts(Kind::FallenTree, "sem feridos na rua, mas dois feridos na casa");
        assert_eq!(whys(&both), [Why::Life, Why::Kind], "said after it was taken back elsewhere");
        assert_eq!(whys(&facts(Kind::FallenTree, "ele não respira")), [Why::Life, Why::Kind]);
        assert_eq!(whys(&facts(Kind::FallenTree, "foi um gasto")), [Why::Kind]);
    }

    #[test]
    fn the_ground_the_people_and_their_needs_add_up_with_their_names() {
        let many = Facts {
            people: 6,
            needs: vec![Need::Oxygen, Need::Carried],
            grade: Some("R4".into()),
            level: Some(Level::Maximum),
            witnesses: 3,
            ..facts(Kind::Cracks, "")
        };
        let judged = judge(&many);
        assert_eq!(judged.points, 32 + 35 + 20 + 15 + 15 + 5);
        assert!(judged.reasons.is_sorted_by(|a, b| a.points >= b.points));
    }

    #[test]
    fn waiting_counts_until_somebody_is_sent() {
        let waits = |minutes| Facts { waits: Some(TimeDelta::minutes(minutes)), ..facts(Kind::WireDown, "") };
        let points: Vec<i32> = [0, 14, 15, 60, 600].into_iter().map(|minutes| judge(&waits(minutes)).points).collect();
        assert_eq!(points, [24, 24, 29, 34, 39]);
        assert_eq!(judge(&waits(0)).next, Some(TimeDelta::minutes(15)));
        assert_eq!(judge(&waits(600)).next, None);
        assert_eq!(judge(&facts(Kind::WireDown, "")).next, None);
    }

    proptest! {
        #[test]
        fn the_points_are_the_sum_of_the_reasons_and_more_danger_is_never_less_urgent(
            kind in 0_usize..13, people in 0_i32..9, minutes in 0_i64..400, witnesses in 0_i64..6
        ) {
            let one = Facts { people, witnesses, waits: Some(TimeDelta::minutes(minutes)), ..facts(Kind::ALL[kind], "") };
            let judged = judge(&one);
            prop_assert_eq!(judged.points, judged.reasons.iter().map(|reason| reason.points).sum::<i32>());
            let worse = Facts { people: people + 1, words: vec!["gente ferida".into()], ..one };
            prop_assert!(judge(&worse).priority <= judged.priority);
        }
    }
}
