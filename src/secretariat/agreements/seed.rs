//! Agreements of the demonstration: two partnerships with organisations that do not exist, one whose accounts are due.

use chrono::TimeDelta;
use chrono_tz::Tz;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Act, Agreement, Kind, Opening};
use crate::accounts::tokens::desk::Acting;
use crate::refused::Refused;
use crate::secretariat::kernel::instrument::plan::{Goal, Instalment, Stage};
use crate::secretariat::kernel::instrument::{OpinionKind, Party, Plan, desk};
use crate::secretariat::kernel::money::Centavos;
use crate::vault::Ring;

/// What is different between them.
struct Partnership {
    kind: Kind,
    object: &'static str,
    partner: &'static str,
    document: &'static str,
    /// Days from today: first and last of the term.
    term: (i64, i64),
    centavos: i64,
}

const ALL: [Partnership; 2] = [
    Partnership {
        kind: Kind::Fomento,
        object: "Oficinas de autoproteção em escolas de áreas de risco (fictício)",
        partner: "Instituto Serra Segura (fictício)",
        document: "11222333000181",
        term: (-120, 240),
        centavos: 12_000_000,
    },
    Partnership {
        kind: Kind::Colaboracao,
        object: "Acolhimento de famílias em abrigos temporários (fictício)",
        partner: "Casa do Morro (fictícia)",
        document: "12ABC34501DE35",
        term: (-400, -40),
        centavos: 30_000_000,
    },
];

/// # Errors
/// The database's.
pub async fn fill(conn: &mut PgConnection, by: Acting<'_>, (tz, vault): (Tz, &Ring)) -> Result<(), Refused> {
    for one in &ALL {
        let id = partnership(&mut *conn, (by, tz, vault), one).await?;
        if one.term.1 < 0 {
            desk::act::<Agreement>(&mut *conn, (by, tz, vault), (id, None), Act::End {}).await?;
        }
    }
    Ok(())
}

async fn partnership(
    conn: &mut PgConnection,
    (by, tz, vault): (Acting<'_>, Tz, &Ring),
    one: &Partnership,
) -> Result<Uuid, Refused> {
    let today = by.now.with_timezone(&tz).date_naive();
    let day = |days: i64| today + TimeDelta::days(days);
    let document = one.document.parse().map_err(|_| Refused::wrong("document", one.document, "expected a CNPJ"))?;
    let opening = Opening { kind: one.kind, object: one.object.into(), partner: None, reason: String::new() };
    let id = desk::open::<Agreement>(&mut *conn, (by, tz, vault), opening).await?;
    let (starts_on, ends_on) = (day(one.term.0), day(one.term.1));
    let agreed = Centavos(one.centavos);
    let plan = Plan {
        goals: vec![Goal { title: "Atender 300 pessoas".into(), indicator: "Pessoas atendidas".into() }],
        stages: vec![Stage { title: "Execução".into(), starts_on, ends_on, done_on: None, evidence: String::new() }],
        schedule: vec![
            Instalment { on: starts_on, centavos: Centavos(one.centavos / 2) },
            Instalment { on: starts_on + TimeDelta::days(90), centavos: Centavos(one.centavos - one.centavos / 2) },
        ],
    };
    let opinion = |kind| Act::Opine { kind, favourable: true, text: "Favorável (fictício)".into() };
    let half = Centavos(one.centavos / 2);
    let acts = [
        Act::Waive {
            ground: "Atividade de assistência em situação de emergência (fictício)".into(),
            law_ref: "Lei 13.019/2014, art. 30, I".into(),
        },
        Act::Select {
            partner: Party { name: one.partner.into(), document, bank: None },
            reason: "Experiência comprovada (fictícia)".into(),
        },
        Act::WritePlan { agreed, starts_on, ends_on, plan, counterpart: Centavos::ZERO },
        Act::Appoint {
            manager: "Amália Sardinha".into(),
            commission: vec!["Caetano Brito".into(), "Dalva Teles".into()],
        },
        opinion(OpinionKind::Technical),
        opinion(OpinionKind::Legal),
    ];
    for act in acts {
        desk::act::<Agreement>(&mut *conn, (by, tz, vault), (id, None), act).await?;
    }
    // Written down today, so signed today: the demonstration has no past of its own in which it could have been.
    let acts = [
        Act::Sign { on: today },
        Act::Publish { on: today, place: "Diário Oficial do Município (fictício)".into() },
        Act::Begin {},
        Act::Commit { centavos: agreed, on: today, what: "Empenho global (fictício)".into() },
    ];
    for act in acts {
        desk::act::<Agreement>(&mut *conn, (by, tz, vault), (id, None), act).await?;
    }
    if one.term.1 >= 0 {
        let act = Act::Release { centavos: half, on: today, what: "Primeira parcela (fictícia)".into() };
        desk::act::<Agreement>(conn, (by, tz, vault), (id, None), act).await?;
    }
    Ok(id)
}
