//! Teams of the demonstration: people who do not exist, with telephones that reach nobody.

use chrono::TimeDelta;
use sqlx::PgConnection;

use crate::accounts::tokens::desk::Acting;
use crate::audit::Actor;
use crate::clock::Instant;
use crate::ids::Ids;
use crate::refused::Refused;
use crate::resources::{Condition, Kind, NewResource, Skill, desk};

/// Code, kind, type, name, skills, where it stands.
type Row = (&'static str, Kind, Option<i16>, &'static str, &'static [Skill], &'static str);

const HALL: &str = "Sede da Defesa Civil (fictícia)";

const ALL: [Row; 20] = [
    ("P01", Kind::Engineer, None, "Amália Sardinha", &[Skill::Engineering, Skill::Driving, Skill::Command], HALL),
    ("P02", Kind::FieldAgent, None, "Caetano Brito", &[Skill::Driving, Skill::FirstAid], HALL),
    ("P03", Kind::Geologist, None, "Estela Quaresma", &[Skill::Geology, Skill::Drone], HALL),
    ("P04", Kind::FieldAgent, None, "Jonas Vilhena", &[Skill::Driving, Skill::Radio], HALL),
    ("P05", Kind::FieldAgent, None, "Iracema Lobo", &[Skill::Rescue, Skill::Boat, Skill::Command], HALL),
    ("P06", Kind::FieldAgent, None, "Lázaro Pimenta", &[Skill::Rescue, Skill::FirstAid], HALL),
    ("P07", Kind::HealthWorker, None, "Clarice Mourão", &[Skill::Health, Skill::FirstAid], HALL),
    ("P08", Kind::Operator, None, "Evaristo Nunes", &[Skill::Chainsaw, Skill::HeavyMachine], "Garagem (fictícia)"),
    ("P09", Kind::Driver, None, "Genésio Prado", &[Skill::Driving, Skill::Chainsaw], "Garagem (fictícia)"),
    ("P10", Kind::SocialWorker, None, "Dalva Teles", &[Skill::Social, Skill::Psychology], HALL),
    ("V01", Kind::Pickup, Some(3), "VTR 01", &[], HALL),
    ("V02", Kind::Pickup, Some(3), "VTR 02", &[], HALL),
    ("V03", Kind::Boat, Some(4), "Bote 1", &[], HALL),
    ("V04", Kind::Backhoe, Some(2), "Retroescavadeira 1", &[], "Garagem (fictícia)"),
    ("V05", Kind::Pickup, Some(4), "VTR 03", &[], "Oficina (fictícia)"),
    ("E01", Kind::Generator, Some(3), "Gerador 1", &[], HALL),
    ("E02", Kind::Drone, Some(4), "Drone 1", &[], HALL),
    ("T01", Kind::Inspection, Some(2), "Equipe Alfa", &[], HALL),
    ("T02", Kind::SearchRescue, Some(3), "Equipe Bravo", &[], HALL),
    ("T03", Kind::Clearing, Some(3), "Equipe Charlie", &[], "Garagem (fictícia)"),
];

/// Each team with its members, the leader first.
const TEAMS: [(&str, &[&str]); 3] = [
    ("T01", &["P01", "P02", "P03", "V01", "E02"]),
    ("T02", &["P05", "P06", "P07", "V02", "V03"]),
    ("T03", &["P08", "P09", "V04"]),
];

/// Writes them down, with shifts of two days for one team and a vehicle in the workshop.
///
/// # Errors
/// The database's, or that the rows above do not fit the register.
pub async fn fill(conn: &mut PgConnection, (ids, now): (&Ids, Instant)) -> Result<(), Refused> {
    let actor = Actor::command();
    let by = Acting { ids, now, actor: &actor };
    let mut known = std::collections::BTreeMap::new();
    for (index, (code, kind, typing, name, skills, base)) in ALL.into_iter().enumerate() {
        let is_person = kind.class() == crate::resources::Class::Person;
        let new = NewResource {
            code: code.into(),
            kind,
            typing,
            name: name.into(),
            account: String::new(),
            phone: if is_person { format!("+55329999900{:02}", index + 1) } else { String::new() },
            skills: skills.to_vec(),
            base: base.into(),
        };
        known.insert(code, desk::save(&mut *conn, by, None, &new).await?);
    }
    for (team, members) in TEAMS {
        for (index, member) in members.iter().enumerate() {
            desk::join(&mut *conn, by, (known[team], known[member]), index == 0).await?;
        }
    }
    for code in TEAMS[2].1 {
        desk::add_shift(&mut *conn, by, known[code], (now, now + TimeDelta::days(2))).await?;
    }
    desk::add_shift(&mut *conn, by, known["P10"], (now + TimeDelta::days(3), now + TimeDelta::days(4))).await?;
    desk::condition(&mut *conn, by, known["V05"], (Condition::Maintenance, "Troca de freios")).await
}
