//! A small budget for the demonstration: a PPA, an LDO and an LOA that is law, balanced to the centavo. Every figure is fictional and says so.

use chrono::{Datelike as _, NaiveDate};
use chrono_tz::Tz;
use sqlx::PgConnection;

use crate::accounts::tokens::desk::Acting;
use crate::audit::Actor;
use crate::clock::Instant;
use crate::ids::Ids;
use crate::plancon::PlanError;
use crate::secretariat::budget::classify::Which;
use crate::secretariat::budget::desk::{self, NewBill, cells};
use crate::secretariat::budget::files::{self, PpaTables};
use crate::secretariat::budget::life::{Hearing, Law, Submission};
use crate::secretariat::budget::lines;
use crate::secretariat::budget::plans::{Content, LoaHead};
use crate::secretariat::budget::{BillKind, acts};

const NOTE: &str = "Números fictícios, só para demonstração: não são os do município.";
const UNITS: &str = "codigo;nome;inicio;fim\n02;Prefeitura (fictícia);2020-01-01;\n02.01;Gabinete e Planejamento;2020-01-01;\n\
    02.02;Secretaria de Saúde;2020-01-01;\n02.03;Secretaria de Educação;2020-01-01;\n02.04;Subsecretaria de Proteção e Defesa Civil;2020-01-01;\n";
const SOURCES: &str = "codigo;nome;inicio;fim\n1500;Recursos não vinculados de impostos;2020-01-01;\n\
    1600;Transferências do SUS;2020-01-01;\n";
const PROGRAMMES: &str = "programa;nome;objetivo\n0001;Gestão da cidade;Manter os serviços da administração\n\
    0012;Cidade que não alaga;Reduzir mortes e perdas por chuva\n0013;Saúde perto de casa;Atender em todos os bairros\n\
    0014;Criança na escola;Vaga para toda criança\n";
const INDICATORS: &str = "programa;indicador;unidade;referencia;meta\n0001;Serviços digitais;unidade;20;60\n0012;Mortes por chuva;pessoas;3;0\n\
    0013;Cobertura da atenção básica;%;70;85\n0014;Fila da creche;crianças;900;0\n";
const ACTIONS: &str = "programa;acao;nome;produto;unidade\n0001;2001;Manutenção da administração;serviço mantido;unidade\n\
    0012;2041;Monitoramento e resposta a desastres;vistoria;unidade\n0012;1041;Contenção de encostas;obra;unidade\n\
    0013;2050;Atenção básica;consulta;unidade\n0014;2060;Ensino fundamental;aluno;pessoa\n";
/// Lines by unit; the sum is that of the revenue below.
const LINES: [(&str, &str); 4] = [
    (
        "02.01",
        "chave;esfera;valor;descricao\n02.01.04.122.0001.2001.3.1.90.11.1500;fiscal;30.000.000,00;\n\
         02.01.04.122.0001.2001.3.3.90.39.1500;fiscal;9.500.000,00;\n02.01.99.999.9999.9001.9.9.99.99.99.1500;fiscal;2.000.000,00;\n",
    ),
    (
        "02.02",
        "chave;esfera;valor;descricao\n02.02.10.301.0013.2050.3.1.90.11.1500;social_security;18.000.000,00;\n\
         02.02.10.301.0013.2050.3.3.90.30.1600;social_security;7.000.000,00;\n",
    ),
    ("02.03", "chave;esfera;valor;descricao\n02.03.12.361.0014.2060.3.1.90.11.1500;fiscal;28.000.000,00;\n"),
    (
        "02.04",
        "chave;esfera;valor;descricao\n02.04.06.182.0012.1041.4.4.90.51.1500;fiscal;3.500.000,00;Encostas de risco R4\n\
         02.04.06.182.0012.2041.3.3.90.30.1500;fiscal;800.000,00;Lonas e kits\n02.04.06.182.0012.2041.3.3.90.39.1500;fiscal;1.200.000,00;\n",
    ),
];
const REVENUE: &str = "natureza;fonte;esfera;valor;descricao\n1.1.1.2.50;1500;fiscal;22.000.000,00;IPTU\n1.1.1.4.51;1500;fiscal;21.000.000,00;ISS\n\
    1.7.1.1.51;1500;fiscal;30.000.000,00;FPM\n1.7.1.3;1600;social_security;7.000.000,00;SUS\n1.7.2.1.50;1500;fiscal;20.000.000,00;ICMS\n";
const PRIORITIES: &str = "programa;acao;motivo\n0012;1041;Áreas de risco R4\n0012;2041;\n";

fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default()
}

/// The way of a bill to its law.
async fn pass(
    conn: &mut PgConnection,
    by: Acting<'_>,
    tz: Tz,
    (id, number): (uuid::Uuid, u32),
    on: [NaiveDate; 3],
) -> Result<(), PlanError> {
    acts::consolidate(&mut *conn, by, id).await?;
    let hearing = Hearing {
        on: on[0],
        place: "Câmara Municipal (fictício)".into(),
        minutes: format!("Ata {number}/{}", on[0].year()),
    };
    acts::hear(&mut *conn, by, tz, (id, &hearing)).await?;
    let submission = Submission { on: on[1], number: format!("PL {number}/{}", on[1].year()) };
    acts::submit(&mut *conn, by, tz, (id, &submission)).await?;
    acts::enact(conn, by, tz, (id, &Law { number: format!("Lei fictícia {number}"), on: on[2] })).await
}

/// Writes everything down for the year of `now`.
///
/// # Errors
/// The database's, or that the tables above do not agree.
pub async fn fill(conn: &mut PgConnection, (ids, now): (&Ids, Instant), tz: Tz) -> Result<(), PlanError> {
    let actor = Actor::command();
    let by = Acting { ids, now, actor: &actor };
    let year = now.with_timezone(&tz).year();
    for (which, table) in [(Which::Unit, UNITS), (Which::Source, SOURCES)] {
        desk::add_codes(&mut *conn, by, which, &files::nodes(table.as_bytes()).map_err(cells)?).await?;
    }
    let mut targets = "programa;acao;ano;quantidade;valor\n".to_owned();
    for of in year..year + 4 {
        targets.push_str(&format!("0012;1041;{of};4;3.500.000,00\n0012;2041;{of};1200;2.000.000,00\n"));
    }
    let [programmes, indicators, actions] = [PROGRAMMES, INDICATORS, ACTIONS].map(str::to_owned);
    let plan = files::ppa(&PpaTables { programmes, indicators, actions, targets }).map_err(cells)?;
    let ppa = desk::open(&mut *conn, by, tz, &NewBill { kind: BillKind::Ppa, year }).await?;
    desk::write(&mut *conn, by, (ppa, 1), &Content::Ppa(plan)).await?;
    let before = year - 1;
    pass(&mut *conn, by, tz, (ppa, 101), [day(before, 8, 10), day(before, 8, 29), day(before, 12, 15)]).await?;

    let targets = format!("meta;ano;valor\nrevenue;{year};100.000.000,00\nexpense;{year};100.000.000,00\n");
    let goals = files::ldo(PRIORITIES.as_bytes(), targets.as_bytes()).map_err(cells)?;
    let ldo = desk::open(&mut *conn, by, tz, &NewBill { kind: BillKind::Ldo, year }).await?;
    desk::write(&mut *conn, by, (ldo, 1), &Content::Ldo(goals)).await?;
    pass(&mut *conn, by, tz, (ldo, 102), [day(before, 4, 1), day(before, 4, 14), day(before, 7, 10)]).await?;

    let loa = desk::open(&mut *conn, by, tz, &NewBill { kind: BillKind::Loa, year }).await?;
    let head = LoaHead { credit_limit: 1000, note: NOTE.into() };
    desk::write(&mut *conn, by, (loa, 1), &Content::Loa(head)).await?;
    desk::set_revenue(&mut *conn, by, (loa, None), &files::revenue(REVENUE.as_bytes()).map_err(cells)?).await?;
    for (unit, table) in LINES {
        let proposed = files::expense(table.as_bytes()).map_err(cells)?;
        let most = lines::spent(&proposed).map_err(anyhow::Error::from)?;
        desk::set_ceilings(&mut *conn, by, loa, &[(unit.to_owned(), most)]).await?;
        desk::propose(&mut *conn, by, (loa, unit), &proposed).await?;
        desk::send(&mut *conn, by, (loa, unit)).await?;
    }
    pass(conn, by, tz, (loa, 103), [day(before, 8, 12), day(before, 8, 30), day(before, 12, 18)]).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_budget_is_balanced_and_has_civil_defense() {
        let taken = lines::taken_in(&files::revenue(REVENUE.as_bytes()).unwrap()).unwrap();
        let all: Vec<_> = LINES.iter().flat_map(|(_, table)| files::expense(table.as_bytes()).unwrap()).collect();
        assert_eq!(lines::spent(&all).unwrap(), taken);
        assert!(all.iter().any(|line| line.key.is_civil_defense()) && all.iter().any(|line| line.key.is_contingency()));
    }
}
