//! What a pair remembers when another rule, or another version, begins to judge it. Pure.

use std::collections::BTreeMap;

use crate::engine::Explained;
use crate::risk::evaluate::PairMemory;
use crate::risk::network::{Bound, PairKey};

/// What a pair remembers, and by which rule it was judged when it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    pub rule_id: String,
    pub rule_version: i32,
    pub memory: PairMemory,
}

/// The memories as the rules of this network may read them. Where the same version judges on, nothing changes. Where another
/// does, the pair keeps the level it is known to have, until the new conditions themselves move it: no warning ends, and none
/// begins, because a text was exchanged. Since when the old conditions held says nothing of the new ones.
pub fn carried(bound: &Bound, memories: &BTreeMap<PairKey, Remembered>) -> BTreeMap<PairKey, PairMemory> {
    let rules = bound.pairs.iter().map(|pair| (pair.key, pair.rule.and_then(|rule| bound.rules.get(rule))));
    rules
        .filter_map(|(key, rule)| {
            let remembered = memories.get(&key)?;
            let fits = rule.is_none_or(|rule| {
                (rule.id.as_str(), rule.version) == (remembered.rule_id.as_str(), remembered.rule_version)
                    && [0, rule.levels.len()].contains(&remembered.memory.met_since.len())
            });
            let memory = remembered.memory.clone();
            Some((key, if fits { memory } else { PairMemory { met_since: Vec::new(), clear_since: None, ..memory } }))
        })
        .collect()
}

/// Whether a pair is kept as it stands, under the version that judges it.
pub fn is_kept(remembered: &BTreeMap<PairKey, Remembered>, pair: &Explained<'_>) -> bool {
    let kept = remembered.get(&pair.pair.key);
    kept.is_some_and(|kept| {
        kept.memory == *pair.memory && (kept.rule_id.as_str(), kept.rule_version) == (pair.rule_id, pair.rule_version)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::AreaId;
    use crate::risk::network::BoundPair;
    use crate::risk::rule::Rule;
    use crate::risk::store::DEFAULT_RULES;
    use crate::units::{Grade, Level};

    fn bound(rule: Option<usize>) -> (Bound, PairKey) {
        let rule_text = Rule::parse(DEFAULT_RULES[0].0, DEFAULT_RULES[0].1).unwrap();
        let key = PairKey { area: AreaId(1), hazard: rule_text.hazard };
        let pair = BoundPair {
            key,
            area_code: "a".into(),
            area_name: "A".into(),
            grade: Grade::R4,
            rule,
            feeds: Vec::new(),
            has_seasons: false,
        };
        (Bound { rules: vec![rule_text], pairs: vec![pair], ..Bound::default() }, key)
    }

    fn remembered(id: &str, version: i32, met: Vec<Option<i64>>) -> Remembered {
        let memory = PairMemory {
            shown: Level::Alert,
            known: Level::Alert,
            since: 7,
            met_since: met,
            clear_since: Some(9),
            ..PairMemory::default()
        };
        Remembered { rule_id: id.into(), rule_version: version, memory }
    }

    #[test]
    fn another_version_keeps_the_known_level_and_forgets_since_when_the_old_conditions_held() {
        let (bound, key) = bound(Some(0));
        let id = bound.rules[0].id.clone();
        let levels = bound.rules[0].levels.len();
        let after =
            |remembered: Remembered| carried(&bound, &BTreeMap::from([(key, remembered)])).remove(&key).unwrap();
        let same = after(remembered(&id, bound.rules[0].version, vec![Some(1); levels]));
        assert_eq!((same.met_since.len(), same.clear_since), (levels, Some(9)));
        for other in [
            remembered(&id, bound.rules[0].version + 1, vec![Some(1); levels]),
            remembered("other", bound.rules[0].version, vec![Some(1); levels]),
            // The same number, but not the same levels: a folder whose text was exchanged.
            remembered(&id, bound.rules[0].version, vec![Some(1); levels + 1]),
        ] {
            let after = after(other);
            assert_eq!((after.known, after.shown, after.since), (Level::Alert, Level::Alert, 7));
            assert!(after.met_since.is_empty() && after.clear_since.is_none());
        }
    }

    #[test]
    fn a_pair_that_no_rule_judges_keeps_what_it_knew_for_the_day_when_one_does() {
        let (bound, key) = bound(None);
        let memories = BTreeMap::from([(key, remembered("gone", 1, vec![Some(1)]))]);
        assert_eq!(carried(&bound, &memories)[&key].known, Level::Alert);
    }
}
