//! What the demonstration evaluates: services that do not exist, a round of last year with its report, and one that is open.

use std::collections::BTreeMap;

use chrono::{Datelike as _, Days, NaiveDate, TimeZone as _};
use chrono_tz::Tz;
use sqlx::PgConnection;
use uuid::Uuid;

use super::answers::{self, Door};
use super::{Check, CommentState, Counted, EvaluationError, NewRound, ServiceGiven, Sphere, desk, store, worker};
use crate::accounts::tokens::desk::Acting;
use crate::clock::Instant;
use crate::vault::Ring;

const QUESTIONNAIRE: &str = include_str!("questionnaire.toml");

/// Code, name, sphere, unit, how well it does.
const SERVICES: [(&str, &str, Sphere, &str, usize); 4] = [
    ("agencia-inss", "Atendimento da previdência (fictício)", Sphere::Federal, "Agência da previdência (fictícia)", 1),
    ("carteira-trabalho", "Emissão de documentos (fictício)", Sphere::Federal, "Posto do trabalho (fictício)", 2),
    ("delegacia-online", "Registro de ocorrência (fictício)", Sphere::State, "Delegacia (fictícia)", 0),
    ("posto-identidade", "Carteira de identidade (fictício)", Sphere::State, "Posto de identificação (fictício)", 2),
];
/// Answers of the year that is over, in turns; three moods of a town.
const MOODS: [[&str; 8]; 3] = [
    ["1", "2", "2", "3", "3", "4", "4", "5"],
    ["2", "3", "3", "4", "4", "4", "5", "5"],
    ["1", "2", "3", "4", "4", "5", "5", "5"],
];
/// People who answered about each service.
const ANSWERS: usize = 48;

fn noon(day: NaiveDate, tz: Tz) -> Instant {
    let local = day.and_hms_opt(12, 0, 0).unwrap_or_default();
    tz.from_local_datetime(&local).earliest().map_or_else(|| local.and_utc(), |at| at.to_utc())
}

fn round(title: String, (opens_on, closes_on): (NaiveDate, NaiveDate)) -> NewRound {
    NewRound {
        title,
        questionnaire: "usuarios".into(),
        version: 1,
        opens_on,
        closes_on,
        open_link: true,
        services: SERVICES.iter().map(|(code, ..)| (*code).to_owned()).collect(),
    }
}

/// What the person of a number says.
fn said(mood: usize, number: usize) -> BTreeMap<String, String> {
    let moods = MOODS.get(mood).copied().unwrap_or_default();
    let value = |shift: usize| moods.get((number + shift) % moods.len()).copied().unwrap_or("3");
    let channel = ["desk", "telephone", "site", "other"].get(number % 4).copied().unwrap_or("desk");
    let solved = if number.is_multiple_of(3) { "no" } else { "yes" };
    let pairs = [
        ("satisfaction", value(0)),
        ("care", value(1)),
        ("clarity", value(3)),
        ("deadline", value(5)),
        ("solved", solved),
        ("channel", channel),
    ];
    let mut given: BTreeMap<String, String> = pairs.map(|(key, text)| (key.to_owned(), text.to_owned())).into();
    if number == 7 {
        given.insert("improve".into(), "A fila começa na rua. Falta cobertura quando chove. (Texto fictício.)".into());
    }
    given
}

async fn answered(
    conn: &mut PgConnection,
    by: Acting<'_>,
    (id, day): (Uuid, NaiveDate),
    people: usize,
) -> Result<(), EvaluationError> {
    // Letters are opened before this ends, so that their key lives no longer than that.
    let ring = Ring::new("demonstration", &[], by.ids);
    for (code, _, _, _, mood) in SERVICES {
        for number in 0..people {
            let stamp = format!("demo {id} {code} {number}");
            let door = Door::Open { round: id, service: code, stamp: &stamp };
            answers::respond(&mut *conn, (by.ids, &ring), day, (door, &said(mood, number))).await?;
        }
    }
    let mut after = None;
    while let Some((place, _)) = worker::carry(&mut *conn, (by.ids, &ring), day, after).await? {
        after = Some(place);
    }
    Ok(())
}

/// Writes it down.
///
/// # Errors
/// The database's, or that what stands here does not fit the rules.
pub async fn fill(conn: &mut PgConnection, by: Acting<'_>, tz: Tz) -> anyhow::Result<()> {
    let today = desk::today(by, tz);
    let last = today.year() - 1;
    let (Some(from), Some(until)) = (NaiveDate::from_ymd_opt(last, 9, 1), NaiveDate::from_ymd_opt(last, 9, 30)) else {
        anyhow::bail!("no September in {last}");
    };
    let then = Acting { now: noon(from, tz), ..by };
    for (code, name, sphere, unit, _) in SERVICES {
        let (code, name, unit) = (code.to_owned(), name.to_owned(), unit.to_owned());
        let new = ServiceGiven { code, name, sphere, unit, department: String::new(), ended_on: None };
        desk::save_service(&mut *conn, then, None, &new).await?;
    }
    desk::save_form(&mut *conn, then, QUESTIONNAIRE).await?;
    let held =
        desk::open_round(&mut *conn, then, tz, &round(format!("Pesquisa de {last} (fictícia)"), (from, until))).await?;
    answered(&mut *conn, then, (held, from), ANSWERS).await?;
    for (number, (service, ..)) in (1..).zip(SERVICES) {
        let source = "Ofício do órgão (fictício)".to_owned();
        let new = Counted { service: service.into(), year: last, manifestations: number * 7, source };
        desk::count(&mut *conn, by, &new).await?;
    }
    let waiting = store::comments(&mut *conn, CommentState::Waiting, Some("agencia-inss")).await?;
    for one in waiting {
        let check = Check { state: CommentState::Shown, text: None, reason: String::new() };
        desk::check_comment(&mut *conn, by, one.id, &check).await?;
    }
    desk::publish(&mut *conn, by, tz, (last, "")).await?;
    // A round lies within one year, so that on its last days it is a short one.
    let end = NaiveDate::from_ymd_opt(today.year(), 12, 31).unwrap_or(today);
    let closes = today.checked_add_days(Days::new(30)).unwrap_or(today).min(end);
    let open = round(format!("Pesquisa de {} (fictícia)", today.year()), (today, closes));
    let open = desk::open_round(&mut *conn, by, tz, &open).await?;
    answered(conn, by, (open, today), 6).await?;
    Ok(())
}
