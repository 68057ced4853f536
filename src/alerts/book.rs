//! What a change of level means for the alerts that are open. Pure: the open alerts come in, decisions with reasons go out.
//!
//! One draft gathers all areas that reach the same level of the same hazard before it is decided upon, so that a
//! coordinator in a storm answers one question, not forty.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::alerts::kind::AlertKind;
use crate::cobrade::Cobrade;
use crate::ids::{AlertId, AreaId};
use crate::units::Level;

/// An alert that is not over: a draft, or one in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenAlert {
    pub id: AlertId,
    pub kind: AlertKind,
    pub draft: bool,
    pub hazard: Cobrade,
    pub level: Level,
    pub areas: BTreeSet<AreaId>,
    /// The alert this one answers (all-clear, update, cancel).
    pub references: Option<AlertId>,
    /// Drafts by hand are left to the hand that wrote them.
    pub by_rule: bool,
}

/// A pair's level as warnings follow it: the last level that data supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    pub area: AreaId,
    pub hazard: Cobrade,
    pub before: Level,
    pub now: Level,
    /// Blind at the moment: nothing ends on missing data.
    pub blind: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// A new draft for the area.
    Draft,
    /// The area joins this draft.
    Join(AlertId),
    /// The area leaves this draft; an empty draft is discarded.
    Leave(AlertId),
    /// All areas of this alert have fallen: draft its all-clear.
    DraftAllClear(AlertId),
    /// The fall did not last: the waiting all-clear is withdrawn.
    DropAllClear(AlertId),
}

/// A decision and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decided {
    pub decision: Decision,
    pub reason: String,
}

/// Decides on one change. `level_of` gives the known level of any other area for the same hazard.
pub fn decide(
    change: &Change,
    open: &[OpenAlert],
    draft_from: Level,
    level_of: impl Fn(AreaId) -> Level,
) -> Vec<Decided> {
    if change.now > change.before && change.now >= draft_from {
        return rise(change, open);
    }
    if change.now < change.before && change.before >= draft_from && !change.blind {
        return fall(change, open, draft_from, level_of);
    }
    Vec::new()
}

/// A pair as it stands, whatever changed or did not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub area: AreaId,
    pub hazard: Cobrade,
    pub known: Level,
    pub blind: bool,
    /// A person has discarded a draft for this level since it was reached, or has taken the area out of one.
    pub declined: bool,
}

/// What should be open and is not: changes tell what begins, this tells what was forgotten, ran out, or was left behind by
/// a draft that is gone. Run now and then; right after `decide` it has nothing to say.
pub fn reconcile(pairs: &[Standing], open: &[OpenAlert], draft_from: Level) -> Vec<(AreaId, Cobrade, Decided)> {
    let mut decided = Vec::new();
    for pair in pairs.iter().filter(|pair| pair.known >= draft_from && !pair.declined) {
        let change =
            Change { area: pair.area, hazard: pair.hazard, before: Level::Normal, now: pair.known, blind: pair.blind };
        let warned = open.iter().any(|alert| warns(alert) && covers(alert, &change) && alert.level >= pair.known);
        if !warned {
            let why = format!("the level is {} and no alert says so", pair.known);
            decided.push((pair.area, pair.hazard, because(Decision::Draft, why)));
        }
    }
    for alert in open.iter().filter(|alert| !alert.draft && alert.by_rule && warns(alert)) {
        let answered = open.iter().any(|other| other.references == Some(alert.id) && other.draft);
        let over = alert.areas.iter().all(|area| {
            pairs
                .iter()
                .any(|pair| pair.area == *area && pair.hazard == alert.hazard && pair.known < draft_from && !pair.blind)
        });
        if let Some(area) = alert.areas.first().filter(|_| over && !answered) {
            let why = format!("every area of the alert is below {draft_from}");
            decided.push((*area, alert.hazard, because(Decision::DraftAllClear(alert.id), why)));
        }
    }
    decided
}

fn covers(alert: &OpenAlert, change: &Change) -> bool {
    alert.hazard == change.hazard && alert.areas.contains(&change.area)
}

const fn warns(alert: &OpenAlert) -> bool {
    matches!(alert.kind, AlertKind::Alert | AlertKind::Update)
}

fn rise(change: &Change, open: &[OpenAlert]) -> Vec<Decided> {
    let mut decided: Vec<Decided> = open
        .iter()
        .filter(|alert| alert.draft && alert.by_rule && alert.kind == AlertKind::AllClear && covers(alert, change))
        .map(|alert| {
            because(
                Decision::DropAllClear(alert.id),
                format!("the level rose again to {} before the all-clear left", change.now),
            )
        })
        .collect();
    if open.iter().any(|alert| !alert.draft && warns(alert) && covers(alert, change) && alert.level >= change.now) {
        return decided;
    }
    let drafts =
        || open.iter().filter(|alert| alert.draft && alert.by_rule && warns(alert) && alert.hazard == change.hazard);
    decided.extend(drafts().filter(|alert| alert.level < change.now && alert.areas.contains(&change.area)).map(
        |alert| {
            because(
                Decision::Leave(alert.id),
                format!("the area rose from {} to {} before approval", alert.level, change.now),
            )
        },
    ));
    let at_level = || drafts().filter(|alert| alert.level == change.now);
    match at_level().find(|alert| alert.areas.contains(&change.area) || alert.kind == AlertKind::Alert) {
        Some(alert) if alert.areas.contains(&change.area) => {}
        Some(alert) => decided.push(because(Decision::Join(alert.id), format!("the area reached {} too", change.now))),
        None => {
            decided.push(because(Decision::Draft, format!("the level rose from {} to {}", change.before, change.now)))
        }
    }
    decided
}

fn fall(change: &Change, open: &[OpenAlert], draft_from: Level, level_of: impl Fn(AreaId) -> Level) -> Vec<Decided> {
    let mut decided = Vec::new();
    for alert in open.iter().filter(|alert| covers(alert, change) && warns(alert)) {
        if alert.draft && alert.by_rule && alert.level > change.now {
            decided
                .push(because(Decision::Leave(alert.id), format!("the level fell to {} before approval", change.now)));
        }
        let answered = open.iter().any(|other| other.references == Some(alert.id) && other.draft);
        let all_fell = alert.areas.iter().all(|&area| {
            let level = if area == change.area { change.now } else { level_of(area) };
            level < draft_from
        });
        if !alert.draft && !answered && change.now < draft_from && all_fell {
            decided.push(because(
                Decision::DraftAllClear(alert.id),
                format!("every area of the alert fell below {draft_from}"),
            ));
        }
    }
    decided
}

const fn because(decision: Decision, reason: String) -> Decided {
    Decided { decision, reason }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn hazard() -> Cobrade {
        "1.1.3.2.1".parse().unwrap()
    }

    fn alert(id: u128, draft: bool, level: Level, areas: &[i64]) -> OpenAlert {
        OpenAlert {
            id: AlertId(Uuid::from_u128(id)),
            kind: AlertKind::Alert,
            draft,
            hazard: hazard(),
            level,
            areas: areas.iter().map(|area| AreaId(*area)).collect(),
            references: None,
            by_rule: true,
        }
    }

    fn decisions(area: i64, before: Level, now: Level, open: &[OpenAlert], others: Level) -> Vec<Decision> {
        let change = Change { area: AreaId(area), hazard: hazard(), before, now, blind: false };
        decide(&change, open, Level::Alert, |_| others).into_iter().map(|decided| decided.decision).collect()
    }

    #[test]
    fn a_rise_below_the_drafting_level_says_nothing() {
        assert_eq!(decisions(1, Level::Normal, Level::Attention, &[], Level::Normal), []);
    }

    #[test]
    fn areas_that_rise_together_share_one_draft() {
        assert_eq!(decisions(1, Level::Attention, Level::Alert, &[], Level::Normal), [Decision::Draft]);
        let waiting = alert(7, true, Level::Alert, &[1]);
        assert_eq!(
            decisions(2, Level::Attention, Level::Alert, std::slice::from_ref(&waiting), Level::Normal),
            [Decision::Join(waiting.id)]
        );
    }

    #[test]
    fn a_further_rise_moves_the_area_to_a_higher_draft() {
        let waiting = alert(7, true, Level::Alert, &[1, 2]);
        let moved = decisions(1, Level::Alert, Level::Maximum, std::slice::from_ref(&waiting), Level::Alert);
        assert_eq!(moved, [Decision::Leave(waiting.id), Decision::Draft]);
    }

    #[test]
    fn an_area_that_is_warned_at_that_level_is_not_drafted_again() {
        let issued = alert(7, false, Level::Maximum, &[1]);
        assert_eq!(decisions(1, Level::Attention, Level::Alert, &[issued], Level::Normal), []);
    }

    #[test]
    fn an_all_clear_waits_for_the_last_area() {
        let issued = alert(7, false, Level::Alert, &[1, 2]);
        assert_eq!(decisions(1, Level::Alert, Level::Normal, std::slice::from_ref(&issued), Level::Alert), []);
        let last = decisions(1, Level::Alert, Level::Normal, std::slice::from_ref(&issued), Level::Attention);
        assert_eq!(last, [Decision::DraftAllClear(issued.id)]);
    }

    #[test]
    fn blindness_ends_nothing() {
        let issued = alert(7, false, Level::Alert, &[1]);
        let change =
            Change { area: AreaId(1), hazard: hazard(), before: Level::Alert, now: Level::Normal, blind: true };
        assert_eq!(decide(&change, &[issued], Level::Alert, |_| Level::Normal), []);
    }

    #[test]
    fn a_fall_takes_the_area_out_of_a_waiting_draft() {
        let waiting = alert(7, true, Level::Alert, &[1, 2]);
        let fell = decisions(1, Level::Alert, Level::Observation, std::slice::from_ref(&waiting), Level::Alert);
        assert_eq!(fell, [Decision::Leave(waiting.id)]);
    }

    fn standing(area: i64, known: Level) -> Standing {
        Standing { area: AreaId(area), hazard: hazard(), known, blind: false, declined: false }
    }

    #[test]
    fn a_danger_that_nothing_open_tells_of_is_drafted_unless_a_person_declined() {
        let told = |pairs: &[Standing], open: &[OpenAlert]| reconcile(pairs, open, Level::Alert).len();
        assert_eq!(told(&[standing(1, Level::Alert)], &[]), 1);
        assert_eq!(told(&[Standing { declined: true, ..standing(1, Level::Alert) }], &[]), 0);
        assert_eq!(told(&[standing(1, Level::Alert)], &[alert(7, true, Level::Alert, &[1])]), 0);
        assert_eq!(told(&[standing(1, Level::Maximum)], &[alert(7, false, Level::Alert, &[1])]), 1);
        assert_eq!(told(&[standing(1, Level::Attention)], &[]), 0);
    }

    #[test]
    fn an_alert_whose_areas_are_all_calm_gets_its_all_clear_and_a_blind_one_does_not() {
        let issued = alert(7, false, Level::Alert, &[1]);
        let calm = reconcile(&[standing(1, Level::Normal)], std::slice::from_ref(&issued), Level::Alert);
        assert_eq!(
            calm.first().map(|(_, _, decided)| decided.decision.clone()),
            Some(Decision::DraftAllClear(issued.id))
        );
        let blind = Standing { blind: true, ..standing(1, Level::Normal) };
        assert_eq!(reconcile(&[blind], &[issued], Level::Alert), []);
    }

    #[test]
    fn a_rise_withdraws_a_waiting_all_clear() {
        let issued = alert(7, false, Level::Alert, &[1]);
        let mut clear = alert(8, true, Level::Alert, &[1]);
        (clear.kind, clear.references) = (AlertKind::AllClear, Some(issued.id));
        let rose = decisions(1, Level::Normal, Level::Alert, &[issued, clear.clone()], Level::Normal);
        assert_eq!(rose, [Decision::DropAllClear(clear.id)]);
    }
}
