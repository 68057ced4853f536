//! Which warning replaces which. Some publishers name what an Update or Cancel is about, some repeat the number, and INMET
//! does neither: then the latest open warning of the same sender and event on the same ground is meant, and the link says
//! that it was taken so. Messages arrive in any order, so both directions are asked.

use super::{LinkedHow, MsgType, Scope, Status};
use crate::clock::Instant;

/// What is known of a warning for linking. Only warnings of one source are compared: another's word ends nothing.
#[derive(Clone, Debug)]
pub struct Known {
    pub id: i64,
    pub identifier: String,
    pub sender: String,
    pub series: String,
    pub revision: i32,
    pub sent_at: Instant,
    pub status: Status,
    pub msg_type: MsgType,
    pub scope: Scope,
    pub event: String,
    /// (sender, identifier) of what it names.
    pub references: Vec<(String, String)>,
    pub expires_at: Option<Instant>,
    pub is_superseded: bool,
    /// It already replaces another.
    pub has_earlier: bool,
}

/// What the ground of two warnings has in common.
#[derive(Clone, Copy, Debug, Default)]
pub struct Common {
    pub area: bool,
    pub municipality: bool,
    /// Of the smaller ground, the share that both hold, 0 to 1; 0 where either has no shape.
    pub share: f64,
}

/// `newer` replaces `older`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    pub older: i64,
    pub newer: i64,
    pub how: LinkedHow,
}

/// The links that a warning brings among those known before.
pub fn links(new: &Known, others: &[(Known, Common)]) -> Vec<Link> {
    let mut found = Vec::new();
    for (other, _) in others {
        for (older, newer) in [(other, new), (new, other)] {
            let how = told(older, newer).filter(|_| !older.is_superseded);
            found.extend(how.map(|how| Link { older: older.id, newer: newer.id, how }));
        }
    }
    if !found.iter().any(|link| link.newer == new.id) && !new.has_earlier {
        found.extend(guessed(new, others));
    }
    if !found.iter().any(|link| link.older == new.id) {
        found.extend(guessed_before(new, others));
    }
    found
}

/// Whether one may take the place of the other at all. Words that are not for everyone take no warning from the public; a
/// cancellation does, for whoever it was told to: what is withdrawn holds for nobody.
fn may_replace(older: &Known, newer: &Known) -> bool {
    let is_hidden = older.scope == Scope::Public && newer.scope != Scope::Public;
    older.status == newer.status && (!is_hidden || newer.msg_type == MsgType::Cancel)
}

/// What the messages themselves say.
fn told(older: &Known, newer: &Known) -> Option<LinkedHow> {
    if !may_replace(older, newer) || older.id == newer.id {
        return None;
    }
    let names = newer.references.iter().any(|(sender, id)| *sender == older.sender && *id == older.identifier);
    let is_later = (newer.sent_at, newer.revision, newer.id) > (older.sent_at, older.revision, older.id);
    let is_revision = newer.series == older.series && newer.sender == older.sender;
    let by_number = if newer.revision == older.revision { is_later } else { newer.revision > older.revision };
    match (names && is_later, is_revision && by_number) {
        (true, _) => Some(LinkedHow::References),
        (_, true) => Some(LinkedHow::Revision),
        _ => None,
    }
}

fn answers_without_saying_what(warning: &Known) -> bool {
    matches!(warning.msg_type, MsgType::Update | MsgType::Cancel) && warning.references.is_empty()
}

/// Whether `newer` may be about `older`, and by what.
fn alike(older: &Known, newer: &Known, common: Common) -> Option<LinkedHow> {
    let same = may_replace(older, newer) && older.sender == newer.sender && older.event == newer.event;
    let is_open = !older.is_superseded
        && older.msg_type != MsgType::Cancel
        && older.sent_at < newer.sent_at
        && older.expires_at.is_none_or(|at| at > newer.sent_at);
    match common {
        _ if !same || !is_open || older.event.is_empty() => None,
        Common { area: true, .. } => Some(LinkedHow::SameEventAndArea),
        Common { municipality: true, .. } => Some(LinkedHow::SameEventAndMunicipality),
        Common { .. } => None,
    }
}

/// Tenths of the ground in common. Publishers have several warnings of one event in force at once, one level inside the other,
/// and an answer to one keeps nearly all of its ground; smaller differences say nothing.
fn tenths(common: Common) -> i32 {
    (common.share.clamp(0.0, 1.0) * 10.0).round() as i32
}

/// The open one that an Update or Cancel without references may be about: with the most ground in common, of these the latest.
fn guessed(new: &Known, others: &[(Known, Common)]) -> Option<Link> {
    if !answers_without_saying_what(new) {
        return None;
    }
    let open = others.iter().filter_map(|(older, common)| Some((older, *common, alike(older, new, *common)?)));
    let (older, _, how) = open.max_by_key(|(older, common, _)| (tenths(*common), older.sent_at, older.id))?;
    Some(Link { older: older.id, newer: new.id, how })
}

/// An Update or Cancel that came before the warning it is about: of those that have found none the one with the most ground in
/// common, of these the earliest.
fn guessed_before(new: &Known, others: &[(Known, Common)]) -> Option<Link> {
    let waiting = others.iter().filter(|(newer, _)| answers_without_saying_what(newer) && !newer.has_earlier);
    let about = waiting.filter_map(|(newer, common)| Some((newer, *common, alike(new, newer, *common)?)));
    let (newer, _, how) = about.min_by_key(|(newer, common, _)| (-tenths(*common), newer.sent_at, newer.id))?;
    Some(Link { older: new.id, newer: newer.id, how })
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone as _;

    use super::*;

    fn at(hour: u32) -> Instant {
        chrono::Utc.with_ymd_and_hms(2026, 9, 19, hour, 0, 0).single().unwrap()
    }

    fn known(id: i64, hour: u32, msg_type: MsgType) -> Known {
        Known {
            id,
            identifier: format!("w{id}"),
            sender: "inmet".into(),
            series: format!("w{id}"),
            revision: 0,
            sent_at: at(hour),
            status: Status::Actual,
            msg_type,
            scope: Scope::Public,
            event: "Tempestade".into(),
            references: Vec::new(),
            expires_at: Some(at(22)),
            is_superseded: false,
            has_earlier: false,
        }
    }

    const SAME: Common = Common { area: true, municipality: false, share: 1.0 };

    fn link(older: i64, newer: i64, how: LinkedHow) -> Vec<Link> {
        vec![Link { older, newer, how }]
    }

    #[test]
    fn what_a_message_names_it_replaces_in_whatever_order_they_come() {
        let first = known(1, 1, MsgType::Alert);
        let second = Known { references: vec![("inmet".into(), "w1".into())], ..known(2, 2, MsgType::Update) };
        let expected = link(1, 2, LinkedHow::References);
        assert_eq!(links(&second, &[(first.clone(), Common::default())]), expected);
        assert_eq!(links(&first, &[(second, Common::default())]), expected);
    }

    #[test]
    fn a_later_word_under_the_same_number_is_a_revision() {
        let first = Known { series: "28277".into(), revision: 1, ..known(1, 1, MsgType::Alert) };
        let second = Known { series: "28277".into(), revision: 2, ..known(2, 1, MsgType::Update) };
        assert_eq!(links(&second, &[(first.clone(), Common::default())]), link(1, 2, LinkedHow::Revision));
        assert_eq!(links(&first, &[(second, Common::default())]), link(1, 2, LinkedHow::Revision));
    }

    #[test]
    fn an_update_that_names_nothing_is_about_the_latest_open_one_of_its_kind_on_its_ground() {
        let old = known(1, 1, MsgType::Alert);
        let latest = known(2, 2, MsgType::Alert);
        let over = Known { expires_at: Some(at(3)), ..known(3, 3, MsgType::Alert) };
        let elsewhere = (known(4, 4, MsgType::Alert), Common::default());
        let other = Known { event: "Granizo".into(), ..known(5, 4, MsgType::Alert) };
        let others = [(old, SAME), (latest, SAME), (over, SAME), elsewhere, (other, SAME)];
        let update = known(9, 5, MsgType::Update);
        assert_eq!(links(&update, &others), link(2, 9, LinkedHow::SameEventAndArea));
        assert_eq!(links(&known(9, 5, MsgType::Alert), &others), [], "a new alert is about nothing before it");
        let town = Common { area: false, municipality: true, share: 0.0 };
        let one = [(known(1, 1, MsgType::Alert), town)];
        assert_eq!(links(&known(9, 5, MsgType::Cancel), &one), link(1, 9, LinkedHow::SameEventAndMunicipality));
    }

    #[test]
    fn of_two_open_ones_the_one_is_meant_whose_ground_the_answer_keeps() {
        let wide = (known(1, 1, MsgType::Alert), Common { share: 0.97, ..SAME });
        let inside = (known(2, 2, MsgType::Alert), Common { share: 0.3, ..SAME });
        let update = known(9, 5, MsgType::Update);
        assert_eq!(links(&update, &[wide.clone(), inside]), link(1, 9, LinkedHow::SameEventAndArea));
        // Nearly the same says nothing: then it is the later one.
        let as_wide = (known(2, 2, MsgType::Alert), Common { share: 0.96, ..SAME });
        assert_eq!(links(&update, &[wide, as_wide]), link(2, 9, LinkedHow::SameEventAndArea));
    }

    #[test]
    fn an_update_that_came_first_finds_its_warning_later() {
        let update = known(1, 5, MsgType::Update);
        let alert = known(2, 2, MsgType::Alert);
        assert_eq!(links(&alert, &[(update.clone(), SAME)]), link(2, 1, LinkedHow::SameEventAndArea));
        let taken = Known { has_earlier: true, ..update };
        assert_eq!(links(&alert, &[(taken, SAME)]), []);
    }

    #[test]
    fn words_that_are_not_for_everyone_take_no_warning_from_the_public() {
        let public = Known { series: "7".into(), ..known(1, 1, MsgType::Alert) };
        let inner = Known { scope: Scope::Private, series: "7".into(), ..known(2, 2, MsgType::Update) };
        let naming = Known { references: vec![("inmet".into(), "w1".into())], ..inner.clone() };
        let restricted = Known { scope: Scope::Restricted, ..known(2, 2, MsgType::Update) };
        for hidden in [&inner, &naming, &restricted] {
            assert_eq!(links(hidden, &[(public.clone(), SAME)]), [], "{hidden:?}");
            assert_eq!(links(&public, &[(hidden.clone(), SAME)]), [], "{hidden:?}");
        }
        let cancel = Known { msg_type: MsgType::Cancel, ..naming };
        assert_eq!(links(&cancel, &[(public, SAME)]), link(1, 2, LinkedHow::References));
        let both = Known { scope: Scope::Private, ..known(1, 1, MsgType::Alert) };
        assert_eq!(links(&inner, &[(Known { series: "7".into(), ..both }, SAME)]), link(1, 2, LinkedHow::Revision));
    }

    #[test]
    fn an_exercise_never_ends_a_real_warning() {
        let real = Known { series: "7".into(), ..known(1, 1, MsgType::Alert) };
        let exercise = Known {
            status: Status::Exercise,
            series: "7".into(),
            references: vec![("inmet".into(), "w1".into())],
            ..known(2, 2, MsgType::Cancel)
        };
        assert_eq!(links(&exercise, &[(real, SAME)]), []);
    }
}
