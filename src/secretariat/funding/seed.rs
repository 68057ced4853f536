//! Funding of the demonstration: a convênio that does not exist, with a suspensive clause near its day.

use chrono::{Months, TimeDelta};
use chrono_tz::Tz;
use sqlx::PgConnection;

use super::{Act, Funding, Kind, Opening};
use crate::accounts::tokens::desk::Acting;
use crate::refused::Refused;
use crate::secretariat::kernel::instrument::plan::{Goal, Instalment, Stage};
use crate::secretariat::kernel::instrument::{Party, Plan, desk};
use crate::secretariat::kernel::money::Centavos;
use crate::vault::Ring;

/// # Errors
/// The database's.
pub async fn fill(conn: &mut PgConnection, by: Acting<'_>, (tz, vault): (Tz, &Ring)) -> Result<(), Refused> {
    let today = by.now.with_timezone(&tz).date_naive();
    let day = |days: i64| today + TimeDelta::days(days);
    let document = "00394460000141".parse().map_err(|_| Refused::wrong("document", "", "expected a CNPJ"))?;
    let opening = Opening {
        kind: Kind::Convenio,
        object: "Contenção de encosta no Jardim Natal (fictício)".into(),
        grantor: Party { name: "Ministério fictício da Integração".into(), document, bank: None },
        source: "Programa fictício de gestão de riscos".into(),
        proposals_until: Some(day(-200)),
        outside_key: Some("999001/2026".into()),
    };
    let id = desk::open::<Funding>(&mut *conn, (by, tz, vault), opening).await?;
    let (starts_on, ends_on) = (day(-150), day(-150) + Months::new(24));
    let agreed = Centavos(480_000_000);
    let plan = Plan {
        goals: vec![Goal { title: "Conter 220 m de encosta".into(), indicator: "Metros contidos".into() }],
        stages: vec![
            Stage {
                title: "Projeto executivo".into(),
                starts_on,
                ends_on: day(60),
                done_on: None,
                evidence: String::new(),
            },
            Stage { title: "Obra".into(), starts_on: day(61), ends_on, done_on: None, evidence: String::new() },
        ],
        schedule: vec![Instalment { on: day(90), centavos: agreed }],
    };
    let acts = [
        Act::Propose { on: day(-210), text: "Proposta enviada (fictícia)".into() },
        Act::WritePlan { agreed, counterpart: Centavos(20_000_000), starts_on, ends_on, plan },
        Act::Sign {
            on: day(-150),
            clause: "Apresentar o projeto executivo aprovado e a licença ambiental".into(),
            clause_on: Some(day(20)),
        },
        Act::Publish { on: day(-145), place: "Diário Oficial da União (fictício)".into() },
    ];
    for act in acts {
        desk::act::<Funding>(&mut *conn, (by, tz, vault), (id, None), act).await?;
    }
    Ok(())
}
