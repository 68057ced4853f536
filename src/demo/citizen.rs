//! What citizens of the demonstration asked and said: nobody of them exists, and nothing of a person is kept.

use chrono::TimeDelta;
use serde_json::{Map, Value, json};
use sqlx::PgConnection;

use crate::accounts::tokens::desk::Acting;
use crate::audit::Actor;
use crate::clock::Instant;
use crate::config::Config;
use crate::ids::Ids;
use crate::secretariat::citizen::desk::{self as door, Request};
use crate::secretariat::kernel::Types;
use crate::secretariat::kernel::decide::{Asked, Who};
use crate::secretariat::kernel::desk::{self as cases, Desk};
use crate::vault::Ring;

/// Days ago, module, kind, subject, text.
const ALL: [(i64, &str, &str, &str, &str); 6] = [
    (34, "sic", "", "Limpeza de bueiros", "Quantos bueiros foram limpos em cada bairro no último ano?"),
    (9, "sic", "", "Obras de contenção", "Quais obras de contenção de encosta estão em andamento, e até quando?"),
    (2, "sic", "", "Vagas em creches", "Quantas vagas há em creches por região?"),
    (
        28,
        "ombudsman",
        "complaint",
        "Ponto de ônibus sem abrigo",
        "O ponto em frente à praça está sem cobertura (fictício).",
    ),
    (12, "ombudsman", "report", "Descarte em encosta", "Há entulho jogado em uma encosta (fictício)."),
    (3, "ombudsman", "praise", "Atendimento no abrigo", "A equipe foi atenciosa durante a chuva (fictício)."),
];

/// Opens them with days that lie back, and answers the oldest request in part.
///
/// # Errors
/// The database's, or that a text does not fit its type.
pub async fn fill(conn: &mut PgConnection, (ids, now): (&Ids, Instant), config: &Config) -> anyhow::Result<()> {
    let types = Types::load("").map_err(|faults| anyhow::anyhow!("{faults}"))?;
    let (actor, who) = (Actor::anonymous(None), cases::citizen());
    // Nobody says who they are, so that nothing is sealed under this key.
    let vault = Ring::new("vault", &[], ids);
    let tz = config.municipality.time_zone;
    for (days, module, kind, subject, text) in ALL {
        let at = now - TimeDelta::days(days);
        let desk =
            Desk { types: &types, by: Acting { ids, now: at, actor: &actor }, tz, who: &who, config, vault: &vault };
        let request = Request {
            module: module.into(),
            subject: subject.into(),
            text: text.into(),
            kind: kind.into(),
            anonymous: true,
            ..Request::default()
        };
        let receipt = door::open(&mut *conn, desk, &request).await?;
        if days == 34 {
            answer(&mut *conn, desk, (receipt.case.id, receipt.case.revision), at + TimeDelta::days(15)).await?;
        }
    }
    Ok(())
}

async fn answer(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    (case, revision): (uuid::Uuid, i32),
    at: Instant,
) -> anyhow::Result<()> {
    let actor = Actor::command();
    let who = Who { name: super::USERNAME.into(), roles: vec![crate::accounts::Role::Sic], ..Who::default() };
    let by = Acting { now: at, actor: &actor, ids: desk.by.ids };
    let given = json!({ "outcome": "partial", "ground": "personal", "theme": "services",
        "answer": "Segue o número por bairro. Os endereços das queixas identificam pessoas e não seguem." });
    let fields: Map<String, Value> = given.as_object().cloned().unwrap_or_default();
    let asked = Asked { transition: "answer".into(), revision, reason: String::new(), fields };
    cases::act(conn, Desk { by, who: &who, ..desk }, case, &asked).await?;
    Ok(())
}
