//! Whether an endpoint is told of an alert, and why not. Pure.

use serde::{Deserialize, Serialize};

use super::settings::Settings;
use super::{Endpoint, Kind};
use crate::alerts::kind::AlertKind;
use crate::cobrade::Cobrade;
use crate::config::AlertStatus;
use crate::units::{Level, vocabulary};

vocabulary! {
    /// Why an endpoint is not told.
    Why, "reason" {
        /// An exercise or a test, and it does not take those.
        Status = "status_not_taken",
        Hazard = "other_hazard",
        Level = "below_its_level",
        /// Nothing of the alert is within its reach.
        Elsewhere = "out_of_reach",
        Disabled = "endpoint_disabled",
        /// The contingency plan does not let this siren sound without a person.
        NotAutomatic = "not_automatic",
        /// It sounded for this danger at this level already.
        AlreadySounded = "sounded_before",
        /// The end of what it was never told.
        NeverTold = "never_told",
    }
}

vocabulary! {
    /// Why it is told. Column `outbox.basis`.
    Basis, "basis" {
        Inside = "inside",
        Everywhere = "everywhere",
        ToldBefore = "told_before",
    }
}

/// What matters of an alert for one endpoint.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Facts {
    pub status: AlertStatus,
    pub kind: AlertKind,
    pub hazard: Cobrade,
    pub level: Level,
    /// From the endpoint's place to the nearest place of the alert, in metres; none without a place.
    pub distance_m: Option<f64>,
    /// The highest level that it was told of, or may have been, in the chain of messages that this one answers.
    pub told: Option<Level>,
    /// Of a siren: the highest level at which it said that it sounds.
    pub sounded: Option<Level>,
}

/// # Errors
/// Why it is not told.
pub fn takes(endpoint: &Endpoint, facts: &Facts) -> Result<Basis, Why> {
    if !endpoint.enabled {
        return Err(Why::Disabled);
    }
    if !endpoint.statuses.contains(&facts.status) {
        return Err(Why::Status);
    }
    let ends = matches!(facts.kind, AlertKind::AllClear | AlertKind::Cancel);
    if ends {
        return facts.told.map(|_| Basis::ToldBefore).ok_or(Why::NeverTold);
    }
    if endpoint.kind == Kind::Siren {
        return sounds(endpoint, facts);
    }
    // Whoever was told of a danger hears of its changes, also of milder ones.
    if facts.told.is_some() {
        return Ok(Basis::ToldBefore);
    }
    falls_to(endpoint, facts)
}

fn sounds(endpoint: &Endpoint, facts: &Facts) -> Result<Basis, Why> {
    let is_automatic = matches!(&endpoint.settings, Settings::Siren(siren) if siren.automatic);
    let basis = falls_to(endpoint, facts)?;
    if !is_automatic {
        return Err(Why::NotAutomatic);
    }
    if facts.sounded.is_some_and(|before| before >= facts.level) {
        return Err(Why::AlreadySounded);
    }
    Ok(basis)
}

fn falls_to(endpoint: &Endpoint, facts: &Facts) -> Result<Basis, Why> {
    if !endpoint.hazards.is_empty() && !endpoint.hazards.contains(&facts.hazard) {
        return Err(Why::Hazard);
    }
    if facts.level < endpoint.least_level {
        return Err(Why::Level);
    }
    match (endpoint.place, facts.distance_m) {
        (None, _) => Ok(Basis::Everywhere),
        (Some(place), Some(metres)) if metres <= f64::from(place.reach_m) => Ok(Basis::Inside),
        _ => Err(Why::Elsewhere),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::super::Place;
    use super::*;
    use crate::ids::EndpointId;

    fn endpoint(kind: Kind) -> Endpoint {
        let settings = match kind {
            Kind::Siren => json!({"device": "S", "automatic": true, "plancon": "PLANCON 5.1"}),
            _ => json!({"url": "https://example.org/{text}"}),
        };
        Endpoint {
            id: EndpointId(Uuid::nil()),
            kind,
            name: "x".into(),
            settings: Settings::read(kind, &settings).unwrap(),
            place: None,
            least_level: Level::Alert,
            hazards: Vec::new(),
            statuses: vec![AlertStatus::Actual],
            enabled: true,
            disabled_why: None,
            failing_since: None,
            failures: 0,
            succeeded_at: None,
            revision: 1,
            created_at: Default::default(),
            retired_at: None,
        }
    }

    fn facts() -> Facts {
        Facts {
            status: AlertStatus::Actual,
            kind: AlertKind::Alert,
            hazard: "1.1.3.2.1".parse().unwrap(),
            level: Level::Maximum,
            distance_m: None,
            told: None,
            sounded: None,
        }
    }

    #[test]
    fn no_endpoint_hears_of_an_exercise_unless_it_says_that_it_takes_them() {
        let exercise = Facts { status: AlertStatus::Exercise, ..facts() };
        for kind in Kind::ALL {
            assert_eq!(takes(&endpoint(*kind), &exercise), Err(Why::Status), "{kind}");
            let statuses = vec![AlertStatus::Exercise];
            assert_eq!(takes(&Endpoint { statuses, ..endpoint(*kind) }, &exercise), Ok(Basis::Everywhere), "{kind}");
        }
    }

    #[test]
    fn level_hazard_and_reach_decide_and_say_so() {
        let hook = endpoint(Kind::Webhook);
        assert_eq!(takes(&hook, &Facts { level: Level::Attention, ..facts() }), Err(Why::Level));
        let floods = Endpoint { hazards: vec!["1.2.1.0.0".parse().unwrap()], ..hook.clone() };
        assert_eq!(takes(&floods, &facts()), Err(Why::Hazard));
        let near = Endpoint { place: Some(Place { lat: 0.0, lon: 0.0, reach_m: 500 }), ..hook.clone() };
        let at = |metres: f64| Facts { distance_m: Some(metres), ..facts() };
        assert_eq!(takes(&near, &at(499.0)), Ok(Basis::Inside));
        assert_eq!(takes(&near, &at(501.0)), Err(Why::Elsewhere));
        assert_eq!(takes(&Endpoint { enabled: false, ..hook }, &facts()), Err(Why::Disabled));
    }

    #[test]
    fn whoever_was_told_hears_of_changes_and_of_the_end_and_nobody_else_of_the_end() {
        let hook = endpoint(Kind::Webhook);
        let told = Facts { told: Some(Level::Maximum), level: Level::Attention, ..facts() };
        for kind in [AlertKind::Update, AlertKind::AllClear, AlertKind::Cancel] {
            assert_eq!(takes(&hook, &Facts { kind, ..told }), Ok(Basis::ToldBefore), "{kind}");
        }
        assert_eq!(takes(&hook, &Facts { kind: AlertKind::AllClear, ..facts() }), Err(Why::NeverTold));
    }

    #[test]
    fn a_siren_sounds_by_itself_only_where_the_plan_says_so_and_again_only_for_what_is_worse() {
        let siren = endpoint(Kind::Siren);
        assert_eq!(takes(&siren, &facts()), Ok(Basis::Everywhere));
        let by_hand = Settings::read(Kind::Siren, &json!({"device": "S"})).unwrap();
        assert_eq!(takes(&Endpoint { settings: by_hand, ..siren.clone() }, &facts()), Err(Why::NotAutomatic));
        let update = |at| Facts { kind: AlertKind::Update, told: Some(at), sounded: Some(at), ..facts() };
        assert_eq!(takes(&siren, &update(Level::Maximum)), Err(Why::AlreadySounded));
        assert_eq!(takes(&siren, &update(Level::Alert)), Ok(Basis::Everywhere));
        let unheard = Facts { sounded: None, ..update(Level::Maximum) };
        assert_eq!(takes(&siren, &unheard), Ok(Basis::Everywhere), "nobody knows whether it sounded");
        let end = Facts { kind: AlertKind::AllClear, level: Level::Normal, ..update(Level::Maximum) };
        assert_eq!(takes(&siren, &end), Ok(Basis::ToldBefore), "it is silenced");
    }
}
