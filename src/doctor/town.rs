//! The town: a service without areas, rules, stations or people who may warn works perfectly and warns nobody. Pure.

use super::{Finding, Said};
use crate::accounts::Role;
use crate::accounts::permission::{self, Permission};
use crate::clock::Instant;

/// What the catalogue holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Catalogue {
    /// In force.
    pub areas: i64,
    /// Active.
    pub rules: i64,
    /// In use.
    pub stations: i64,
    /// Of these, with a reading within a day.
    pub heard: i64,
}

pub fn catalogue(town: Catalogue) -> Vec<Finding> {
    let count = |n: i64, fine: Said, none: Said| match n {
        0 => Finding::failure(none),
        n => Finding::fine(fine).with("n", n),
    };
    let stations = if town.stations > 0 && town.heard == 0 {
        Finding::failure(Said::StationsSilent).with("n", town.stations)
    } else {
        count(town.stations, Said::StationsFine, Said::StationsNone).with("heard", town.heard)
    };
    vec![
        count(town.areas, Said::AreasFine, Said::AreasNone),
        count(town.rules, Said::RulesFine, Said::RulesNone),
        stations,
    ]
}

/// Somebody of the staff who is not shut out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub username: String,
    pub roles: Vec<String>,
    pub has_factor: bool,
}

/// Who may warn the city at once: with the right, and the second factor it needs.
pub fn approvers(people: &[Person], needs_factor: bool) -> Finding {
    let may = |person: &&Person| {
        let roles = person.roles.iter().filter_map(|role| role.parse::<Role>().ok());
        roles.map(permission::of_role).any(|permissions| permissions.allow(Permission::IssueAlerts))
    };
    let all: Vec<&Person> = people.iter().filter(may).collect();
    let ready = all.iter().filter(|person| person.has_factor || !needs_factor).count();
    let unready: Vec<&str> =
        all.iter().filter(|person| !person.has_factor && needs_factor).map(|person| person.username.as_str()).collect();
    let finding = match ready {
        0 => Finding::failure(Said::ApproversNone),
        1 => Finding::warning(Said::ApproversAlone),
        _ => Finding::fine(Said::ApproversFine),
    };
    let unready = if unready.is_empty() { "—".to_owned() } else { unready.join(", ") };
    finding.with("n", ready).with("unready", unready)
}

/// A stretch of a rota's first layer on which nobody is on call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    pub rota: String,
    pub from: Instant,
    pub until: Instant,
}

/// `rotas`: how many there are. `told`: how an instant is written for people.
pub fn rota(rotas: usize, gaps: &[Gap], told: impl Fn(Instant) -> String) -> Vec<Finding> {
    if rotas == 0 {
        return vec![Finding::warning(Said::RotaNone)];
    }
    if gaps.is_empty() {
        return vec![Finding::fine(Said::RotaFine).with("n", rotas)];
    }
    let gap = |gap: &Gap| {
        let finding = Finding::warning(Said::RotaGap).with("rota", &gap.rota);
        finding.with("from", told(gap.from)).with("until", told(gap.until))
    };
    gaps.iter().map(gap).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_micros;

    #[test]
    fn a_town_that_warns_nobody_is_told_why() {
        let said = |town| catalogue(town).iter().map(|finding| finding.said).collect::<Vec<_>>();
        assert_eq!(said(Catalogue::default()), [Said::AreasNone, Said::RulesNone, Said::StationsNone]);
        let town = Catalogue { areas: 1, rules: 1, stations: 2, heard: 0 };
        assert_eq!(said(town), [Said::AreasFine, Said::RulesFine, Said::StationsSilent]);
        assert_eq!(said(Catalogue { heard: 1, ..town })[2], Said::StationsFine);
    }

    #[test]
    fn who_may_warn_has_the_right_and_the_second_factor() {
        let person =
            |name: &str, role: &str, has_factor| Person { username: name.into(), roles: vec![role.into()], has_factor };
        let people = [
            person("ana", "coordinator", true),
            person("bia", "approver", false),
            person("caio", "administrator", true),
        ];
        assert_eq!(approvers(&people[2..], true).said, Said::ApproversNone);
        let alone = approvers(&people, true);
        assert_eq!((alone.said, alone.values[1].1.as_str()), (Said::ApproversAlone, "bia"));
        assert_eq!(approvers(&people, false).said, Said::ApproversFine);
    }

    #[test]
    fn a_gap_in_the_rota_is_told_with_its_ends() {
        let gap = Gap { rota: "plantao".into(), from: from_micros(0), until: from_micros(1) };
        let told = rota(1, &[gap], |at| at.timestamp_micros().to_string());
        assert_eq!(told[0].values, [("rota", "plantao".into()), ("from", "0".into()), ("until", "1".into())]);
        assert_eq!(rota(0, &[], |_| String::new())[0].said, Said::RotaNone);
        assert_eq!(rota(2, &[], |_| String::new())[0].said, Said::RotaFine);
    }
}
