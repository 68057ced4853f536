//! Projects of the demonstration: a portfolio and three projects that do not exist; one on time, one at risk, one late.

use chrono::TimeDelta;
use chrono_tz::Tz;
use sqlx::PgConnection;

use super::{Act, Kind, Opening, Project, Response};
use crate::accounts::tokens::desk::Acting;
use crate::refused::Refused;
use crate::secretariat::kernel::instrument::desk;
use crate::secretariat::kernel::money::Centavos;
use crate::vault::Ring;

/// Title, objective, and milestones with their day from today.
type Row = (&'static str, &'static str, &'static [(&'static str, i64)]);

/// Their actions in the PPA of the demonstration.
const ACTIONS: [&str; 3] = ["0012.2041", "0012.1041", "0012.1041"];

const ALL: [Row; 3] = [
    ("Rede de pluviômetros (fictício)", "Cobrir todas as áreas R4", &[("Licitação", -60), ("Instalação", 45)]),
    ("Parque linear do Paraibuna (fictício)", "Área de retenção de cheias", &[("Projeto", 30), ("Obra", 300)]),
    (
        "Contenção no Jardim Natal (fictício)",
        "Reduzir o risco de 120 casas",
        &[("Projeto executivo", -10), ("Obra", 400)],
    ),
];

/// # Errors
/// The database's.
pub async fn fill(conn: &mut PgConnection, by: Acting<'_>, (tz, vault): (Tz, &Ring)) -> Result<(), Refused> {
    let today = by.now.with_timezone(&tz).date_naive();
    let portfolio = Opening {
        kind: Kind::Portfolio,
        title: "Cidade resiliente (fictício)".into(),
        objective: "Menos gente em área de risco".into(),
        owner: "Secretaria de Planejamento".into(),
        portfolio: None,
    };
    let portfolio = desk::open::<Project>(&mut *conn, (by, tz, vault), portfolio).await?;
    for (at, (title, objective, milestones)) in ALL.into_iter().enumerate() {
        let opening = Opening {
            kind: Kind::Project,
            title: title.into(),
            objective: objective.into(),
            owner: "Amália Sardinha".into(),
            portfolio: Some(portfolio),
        };
        let id = desk::open::<Project>(&mut *conn, (by, tz, vault), opening).await?;
        let mut acts = vec![Act::SetBudget { budget_key: ACTIONS[at].into(), budget: Centavos(250_000_000) }];
        for (title, days) in milestones {
            acts.push(Act::AddMilestone {
                title: (*title).into(),
                planned_on: today + TimeDelta::days(*days),
                weight: 1,
            });
        }
        match at {
            0 => acts.push(Act::Finish { milestone: 1, on: today, evidence: "Contrato publicado (fictício)".into() }),
            1 => acts.push(Act::AddRisk {
                title: "Desapropriação demorar".into(),
                probability: 4,
                impact: 4,
                response: Response::Mitigate,
                plan: "Acordo com os proprietários".into(),
                owner: "Caetano Brito".into(),
            }),
            _ => {}
        }
        for act in acts {
            desk::act::<Project>(&mut *conn, (by, tz, vault), (id, None), act).await?;
        }
    }
    Ok(())
}
