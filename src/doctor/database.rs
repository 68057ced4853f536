//! The database, and what moves in it. Pure.

use chrono::{DateTime, Utc};

use super::{Finding, Said};
use crate::audit::chain::{Anchor, Link, hash};
use crate::backup::Proof;
use crate::clock::Instant;
use crate::config::NodeRole;
use crate::operation::judge::Covered;

/// `server_version_num` of PostgreSQL 15.0.
const OLDEST_SERVER: i32 = 150_000;
/// Seconds that two clocks may differ.
const CLOCK_WARNING_S: f64 = 1.0;
const CLOCK_FAILURE_S: f64 = 10.0;
/// Age of the oldest reading that waits for its judgement, seconds.
const CURSOR_S: i64 = 60;
/// How late the first message that is due may be, seconds.
const OUTBOX_S: i64 = 120;
/// Hours of a backup that is made each night, and those after which nobody can call it one.
const BACKUP_WARNING_H: i64 = 26;
const BACKUP_FAILURE_H: i64 = 8 * 24;

/// The server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    pub version_num: i32,
    pub version: String,
    /// Of the extension in this database.
    pub postgis: Option<String>,
    pub knows_zone: bool,
    pub zone: String,
    pub at: DateTime<Utc>,
}

/// `now`: of the machine, at the middle of the question.
pub fn server(server: &Server, now: Instant) -> Vec<Finding> {
    let version = if server.version_num < OLDEST_SERVER {
        Finding::failure(Said::DatabaseOld)
    } else {
        Finding::fine(Said::DatabaseFine)
    };
    let postgis = match &server.postgis {
        Some(version) => Finding::fine(Said::PostgisFine).with("version", version),
        None => Finding::failure(Said::PostgisMissing).with("major", server.version_num / 10_000),
    };
    let zone = if server.knows_zone { Finding::fine(Said::ZoneFine) } else { Finding::warning(Said::ZoneUnknown) };
    let apart_s = (server.at - now).num_milliseconds().abs() as f64 / 1000.0;
    let clocks = if apart_s > CLOCK_FAILURE_S {
        Finding::failure(Said::ClocksDiffer)
    } else if apart_s > CLOCK_WARNING_S {
        Finding::warning(Said::ClocksDiffer)
    } else {
        Finding::fine(Said::ClocksAgree)
    };
    vec![
        version.with("version", &server.version),
        postgis,
        zone.with("zone", &server.zone),
        clocks.with("seconds", format!("{apart_s:.1}")),
    ]
}

/// Migrations: the newest that is applied, whether one broke off, and the newest this program knows.
pub fn schema(applied: i64, is_broken: bool, own: i64) -> Finding {
    let finding = if is_broken {
        Finding::failure(Said::SchemaBroken)
    } else if applied > own {
        Finding::failure(Said::SchemaAhead)
    } else if applied < own {
        Finding::warning(Said::SchemaBehind)
    } else {
        Finding::fine(Said::SchemaCurrent)
    };
    finding.with("applied", applied).with("own", own)
}

/// What the role of the service may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Role {
    pub exists: bool,
    /// It appends to the journal and to the audit.
    pub appends: bool,
    /// It could change what is append-only.
    pub rewrites: bool,
}

pub fn role(role: Role) -> Finding {
    if !role.exists || !role.appends {
        Finding::failure(Said::RoleMissing)
    } else if role.rewrites {
        Finding::failure(Said::RoleWide)
    } else {
        Finding::fine(Said::RoleFine)
    }
}

/// The end of the chain: its rows in order, and the head that was noted last outside the database.
pub fn audit(tail: &[Link], noted: Option<&Anchor>) -> Finding {
    let Some(last) = tail.last() else {
        return match noted {
            Some(noted) => Finding::failure(Said::AuditWrong).with("place", noted.seq),
            None => Finding::fine(Said::AuditEmpty),
        };
    };
    let broken = tail.iter().zip(std::iter::once(None).chain(tail.iter().map(Some))).find(|(link, before)| {
        let own = link.event.as_ref().map(|event| hash(&link.previous, event, link.seq));
        let follows = before.is_none_or(|before| before.hash == link.previous && before.seq + 1 == link.seq);
        own.is_none_or(|own| own[..] != link.hash[..]) || !follows
    });
    if let Some((link, _)) = broken {
        return Finding::failure(Said::AuditWrong).with("place", link.seq);
    }
    let Some(noted) = noted else { return Finding::warning(Said::AuditUnnoted).with("place", last.seq) };
    let there = tail.iter().find(|link| link.seq == noted.seq);
    if last.seq < noted.seq || there.is_some_and(|link| link.hash[..] != noted.hash[..]) {
        return Finding::failure(Said::AuditWrong).with("place", noted.seq);
    }
    Finding::fine(Said::AuditFine).with("place", last.seq).with("rows", tail.len())
}

/// A restored installation that nobody released: of which file, of when its data are, and whether it was proved.
pub fn held(file: &str, taken_at: DateTime<Utc>, proof: Option<Proof>) -> Finding {
    let finding = match proof {
        Some(proof) if proof.passed() => Finding::failure(Said::Held),
        Some(proof) => Finding::failure(Said::HeldUnproved).with("proof", proof),
        None => Finding::failure(Said::HeldUnproved).with("proof", "?"),
    };
    finding.with("file", file).with("taken", taken_at.to_rfc3339())
}

/// Whether each part of the work is done somewhere. `there`: the processes that spoke within the last minute; while none does, the service
/// is stopped, and nothing follows from what is not done.
pub fn roles(covered: &[Covered], there: &[String]) -> Vec<Finding> {
    if there.is_empty() {
        return Vec::new();
    }
    let gone: Vec<Finding> = covered
        .iter()
        .filter(|one| one.is_gone())
        .map(|one| {
            let finding = match one.role {
                NodeRole::Web => Finding::warning(Said::RoleGone),
                NodeRole::Ingest | NodeRole::Evaluate | NodeRole::Dispatch => Finding::failure(Said::RoleGone),
            };
            finding
                .with("role", one.role)
                .with("seconds", format!("{:.0}", one.unseen_s))
                .with("there", there.join(", "))
        })
        .collect();
    if !gone.is_empty() {
        return gone;
    }
    vec![Finding::fine(Said::NodesFine).with("n", there.len()).with("there", there.join(", "))]
}

/// What waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Age of the oldest reading that is not judged, seconds.
    pub cursor_s: Option<i64>,
    /// How late the first message that is due is, seconds.
    pub outbox_s: Option<i64>,
    /// Steps of escalation that were due minutes ago.
    pub timers: i64,
}

pub fn waiting(waiting: Waiting) -> Vec<Finding> {
    let late = |seconds: Option<i64>, most: i64| seconds.filter(|seconds| *seconds > most);
    let cursor = match late(waiting.cursor_s, CURSOR_S) {
        Some(seconds) => Finding::failure(Said::CursorBehind).with("seconds", seconds),
        None => Finding::fine(Said::CursorFine),
    };
    let outbox = match late(waiting.outbox_s, OUTBOX_S) {
        Some(seconds) => Finding::failure(Said::OutboxLate).with("seconds", seconds),
        None => Finding::fine(Said::OutboxFine),
    };
    let timers = match waiting.timers {
        0 => Finding::fine(Said::TimersFine),
        many => Finding::failure(Said::TimersLate).with("n", many),
    };
    vec![cursor, outbox, timers]
}

/// Age of the newest backup.
pub fn backup(age_s: Option<f64>) -> Finding {
    let Some(age_s) = age_s else { return Finding::warning(Said::BackupNone) };
    let hours = (age_s / 3600.0) as i64;
    let finding = if hours >= BACKUP_FAILURE_H {
        Finding::failure(Said::BackupOld)
    } else if hours >= BACKUP_WARNING_H {
        Finding::warning(Said::BackupOld)
    } else {
        Finding::fine(Said::BackupFine)
    };
    finding.with("hours", hours)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use uuid::Uuid;

    use super::*;
    use crate::audit::chain::{Event, GENESIS};
    use crate::clock::from_micros;
    use crate::doctor::Verdict;

    fn chain(rows: i64) -> Vec<Link> {
        let mut links: Vec<Link> = Vec::new();
        for seq in 1..=rows {
            let event = Event {
                id: Uuid::from_u128(u128::from(seq.unsigned_abs())),
                at: from_micros(seq),
                actor_kind: "service".into(),
                actor: "service".into(),
                actor_id: None,
                via: "service".into(),
                address: None,
                act: "alert.edit".into(),
                object_kind: "alert".into(),
                object: "1".into(),
                reason: String::new(),
                before: None,
                after: None,
            };
            let previous = links.last().map_or_else(|| GENESIS.to_vec(), |link| link.hash.clone());
            let own = hash(&previous, &event, seq).to_vec();
            links.push(Link { seq, event_id: event.id, previous, hash: own, event: Some(event) });
        }
        links
    }

    fn anchor(link: &Link) -> Anchor {
        Anchor { seq: link.seq, hash: link.hash.clone().try_into().unwrap(), at: None }
    }

    #[test]
    fn the_tail_of_the_audit_is_computed_anew_and_held_against_the_noted_head() {
        let links = chain(5);
        assert_eq!(audit(&links[2..], Some(&anchor(&links[4]))).said, Said::AuditFine);
        assert_eq!(audit(&links[2..], Some(&anchor(&links[0]))).said, Said::AuditFine, "noted before the tail");
        assert_eq!(audit(&links[..3], Some(&anchor(&links[4]))).said, Said::AuditWrong, "the end is gone");
        assert_eq!(audit(&links, None).said, Said::AuditUnnoted);
        assert_eq!(audit(&[], None).said, Said::AuditEmpty);
        assert_eq!(audit(&[], Some(&anchor(&links[0]))).said, Said::AuditWrong);
        let mut changed = links.clone();
        changed[3].event.as_mut().unwrap().actor = "outra".into();
        let wrong = audit(&changed, Some(&anchor(&links[4])));
        assert_eq!((wrong.said, wrong.values[0].1.as_str()), (Said::AuditWrong, "4"));
        let gap = [links[0].clone(), links[2].clone()];
        assert_eq!(audit(&gap, None).said, Said::AuditWrong);
    }

    #[test]
    fn clocks_that_differ_and_an_old_server_are_told() {
        let now = from_micros(0);
        let facts = |version_num, seconds| Server {
            version_num,
            version: "x".into(),
            postgis: Some("3.3".into()),
            knows_zone: true,
            zone: "America/Sao_Paulo".into(),
            at: now + TimeDelta::seconds(seconds),
        };
        let said = |facts: &Server| server(facts, now).iter().map(|finding| finding.said).collect::<Vec<_>>();
        let good = [Said::DatabaseFine, Said::PostgisFine, Said::ZoneFine, Said::ClocksAgree];
        assert_eq!(said(&facts(150_000, 0)), good);
        assert_eq!(said(&facts(140_012, -5))[0], Said::DatabaseOld);
        assert_eq!(server(&facts(150_000, -5), now)[3].verdict, Verdict::Warning);
        assert_eq!(server(&facts(150_000, 3600), now)[3].verdict, Verdict::Failure);
        let bare = Server { postgis: None, knows_zone: false, ..facts(150_000, 0) };
        assert_eq!(said(&bare)[1..3], [Said::PostgisMissing, Said::ZoneUnknown]);
    }

    #[test]
    fn a_schema_is_behind_ahead_broken_or_right() {
        assert_eq!(schema(2, false, 2).said, Said::SchemaCurrent);
        assert_eq!(schema(1, false, 2).said, Said::SchemaBehind);
        assert_eq!(schema(3, false, 2).said, Said::SchemaAhead);
        assert_eq!(schema(2, true, 2).said, Said::SchemaBroken);
    }

    #[test]
    fn a_role_that_can_do_too_little_or_too_much_is_told() {
        let facts = |exists, appends, rewrites| Role { exists, appends, rewrites };
        assert_eq!(role(facts(true, true, false)).said, Said::RoleFine);
        assert_eq!(role(facts(false, false, false)).said, Said::RoleMissing);
        assert_eq!(role(facts(true, false, false)).said, Said::RoleMissing);
        assert_eq!(role(facts(true, true, true)).said, Said::RoleWide);
    }

    #[test]
    fn what_waits_too_long_is_told() {
        let said = |given| waiting(given).iter().map(|finding| finding.said).collect::<Vec<_>>();
        assert_eq!(said(Waiting::default()), [Said::CursorFine, Said::OutboxFine, Said::TimersFine]);
        let late = Waiting { cursor_s: Some(61), outbox_s: Some(121), timers: 1 };
        assert_eq!(said(late), [Said::CursorBehind, Said::OutboxLate, Said::TimersLate]);
    }

    #[test]
    fn a_backup_grows_old() {
        assert_eq!(backup(None).said, Said::BackupNone);
        let verdict = |hours: f64| backup(Some(hours * 3600.0)).verdict;
        assert_eq!([verdict(25.9), verdict(26.0), verdict(192.0)], [Verdict::Fine, Verdict::Warning, Verdict::Failure]);
    }

    #[test]
    fn a_part_of_the_work_that_nobody_does_is_named_unless_the_service_is_stopped() {
        let covered = |unseen_s: f64| {
            NodeRole::ALL
                .iter()
                .map(|role| Covered { role: *role, unseen_s: if *role == NodeRole::Dispatch { unseen_s } else { 2.0 } })
                .collect::<Vec<_>>()
        };
        let there = ["a1 (ingest, evaluate, web)".to_owned()];
        assert_eq!(roles(&covered(5.0), &there)[0].said, Said::NodesFine);
        let gone = roles(&covered(75.4), &there);
        assert_eq!((gone.len(), gone[0].said, gone[0].verdict), (1, Said::RoleGone, Verdict::Failure));
        assert_eq!(gone[0].values[..2], [("role", "dispatch".to_owned()), ("seconds", "75".to_owned())]);
        assert!(roles(&covered(9000.0), &[]).is_empty());
        let pages = [Covered { role: NodeRole::Web, unseen_s: 90.0 }];
        assert_eq!(roles(&pages, &there)[0].verdict, Verdict::Warning);
    }

    #[test]
    fn a_restored_installation_is_held_and_says_whether_it_was_proved() {
        let at = from_micros(0);
        let good = Proof { findings: 0, unbalanced: 0, journal: 7, expected: 7 };
        assert_eq!(held("a.zip", at, Some(good)).said, Said::Held);
        assert_eq!(held("a.zip", at, Some(Proof { journal: 6, ..good })).said, Said::HeldUnproved);
        assert_eq!(held("a.zip", at, None).said, Said::HeldUnproved);
    }
}
