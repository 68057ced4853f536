//! What the demonstration has heard of the press: fictional outlets that nobody asks, rules, and items of three days, some chosen.

use chrono::{Days, TimeDelta};
use sqlx::PgConnection;
use uuid::Uuid;

use super::desk;
use super::judge::Judging;
use super::listen::{self, NewRule, NewSource};
use super::parse::Entry;
use super::{clipping, intake, link};
use crate::accounts::tokens::desk::Acting;
use crate::clock::Instant;
use crate::config::Config;
use crate::plancon::PlanError;

/// Hours ago, outlet, title, excerpt.
const TOLD: [(i64, usize, &str, &str); 7] = [
    (
        52,
        0,
        "Defesa Civil reforça equipes para o fim de semana de chuva (fictício)",
        "Equipes ficam de plantão nos bairros com encostas.",
    ),
    (
        50,
        1,
        "Defesa Civil reforça equipes para o fim de semana de chuva, diz nota (fictício)",
        "Equipes ficam de plantão nos bairros com encostas.",
    ),
    (
        30,
        0,
        "Moradores pedem obra de contenção em rua interditada (fictício)",
        "A rua está interditada há duas semanas por risco de deslizamento.",
    ),
    (28, 2, "Decreto abre crédito para obras de contenção (fictício)", "Ato publicado na edição de hoje."),
    (
        6,
        1,
        "Mensagem em grupo diz que ponte cedeu; prefeitura ainda não confirma (fictício)",
        "Um áudio sem autor circula desde a manhã.",
    ),
    (4, 0, "Feira de livros ocupa a praça no sábado (fictício)", "Entrada franca."),
    (3, 1, "Nível do rio cai depois da noite de chuva (fictício)", "A régua do centro marca menos um metro."),
];

const RULES: [(&str, &str, &str); 3] = [
    ("Defesa Civil", "\"defesa civil\" OU titulo:deslizamento* OU enchent* OU inunda*", "defesa civil"),
    ("Obras", "(obra OU obras OU contenção) NÃO futebol", "obras"),
    ("Boatos", "boato* OU áudio OU \"não confirma\"", "boatos"),
];

/// Which of `TOLD` are chosen, with tone and theme.
const CHOSEN: [(usize, &str, &str); 3] =
    [(0, "positive", "defesa civil"), (2, "negative", "obras"), (3, "neutral", "obras")];

/// # Errors
/// The database's, or that what stands here is refused.
pub async fn fill(conn: &mut PgConnection, by: Acting<'_>, config: &Config) -> Result<(), PlanError> {
    let mut outlets: Vec<Uuid> = Vec::new();
    for name in ["Rádio do Vale (fictícia)", "Folha da Serra (fictícia)", "Diário Oficial (fictício)"] {
        let new = NewSource { name, kind: "hand", url: "", every_s: 900 };
        outlets.push(listen::add_source(&mut *conn, by, new).await?);
    }
    for (name, query, theme) in RULES {
        listen::add_rule(&mut *conn, by, NewRule { name, query, source_id: None, theme }).await?;
    }
    let mut ids: Vec<Option<Uuid>> = Vec::new();
    for (at, (hours, outlet, title, excerpt)) in TOLD.into_iter().enumerate() {
        ids.push(
            tell(&mut *conn, by, config, (outlets[outlet], at, by.now - TimeDelta::hours(hours)), (title, excerpt))
                .await?,
        );
    }
    for (which, tone, theme) in CHOSEN {
        let Some(id) = ids[which] else { continue };
        let asked = Judging { state: "selected".into(), tone: tone.into(), theme: theme.into(), ..Judging::default() };
        desk::judge(&mut *conn, by, id, &asked).await?;
    }
    let today = by.now.with_timezone(&config.municipality.time_zone).date_naive();
    let yesterday = today.checked_sub_days(Days::new(1)).unwrap_or(today);
    clipping::close(conn, by, config, yesterday).await?;
    Ok(())
}

async fn tell(
    conn: &mut PgConnection,
    by: Acting<'_>,
    config: &Config,
    (source, at, published_at): (Uuid, usize, Instant),
    (title, excerpt): (&str, &str),
) -> Result<Option<Uuid>, PlanError> {
    let address = link::normalised(&format!("https://exemplo.invalid/noticias/{at}"), None).unwrap_or_default();
    let entry = Entry {
        guid: format!("demo-{at}"),
        link: address,
        title: title.to_owned(),
        excerpt: excerpt.to_owned(),
        published_at: Some(published_at),
    };
    let taken = intake::take(conn, by, &config.secretariat.media, (source, &[entry])).await?;
    Ok(taken.new.first().copied())
}

#[cfg(test)]
mod tests {
    use super::super::query::{Query, Story};
    use super::*;

    #[test]
    fn the_rules_of_the_demonstration_are_rules_and_find_the_rumour() {
        let fit =
            |story: &Story| RULES.iter().filter(|(_, query, _)| Query::parse(query).unwrap().matches(story)).count();
        assert_eq!(fit(&Story::of(TOLD[4].2, TOLD[4].3)), 1);
        assert_eq!(fit(&Story::of(TOLD[5].2, TOLD[5].3)), 0);
    }
}
