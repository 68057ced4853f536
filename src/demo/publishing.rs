//! What the secretariat of the demonstration has published: news, outreach, releases, a consultation, obligations and services, and who gets
//! it, all of it fictional.

use chrono::{Days, NaiveDate, TimeDelta};
use serde_json::{Map, Value, json};
use sqlx::PgConnection;

use crate::accounts::Role;
use crate::accounts::tokens::desk::Acting;
use crate::audit::Actor;
use crate::clock::Instant;
use crate::config::Config;
use crate::ids::Ids;
use crate::secretariat::kernel::decide::{Asked, New, Who};
use crate::secretariat::kernel::desk::{self, Around, CaseError, Desk};
use crate::secretariat::kernel::{CaseFile, Types};
use crate::secretariat::participation::{self, Said};
use crate::secretariat::press::{self, NewOutlet};
use crate::secretariat::segments;
use crate::vault::Ring;

/// Whoever writes, and whoever looks it over: two persons, as the types ask for.
const WRITES: &str = "redacao-ficticia";
const LOOKS: &str = "revisao-ficticia";
/// Whoever knows the facts of a release: the visitor, because a case is given to somebody with an account only.
const KNOWS: &str = super::USERNAME;
const ROLES: [Role; 6] =
    [Role::News, Role::Outreach, Role::Participation, Role::Transparency, Role::ServiceCharter, Role::Press];
/// Who asked for messages by segment, so that there are numbers to show.
const READERS: u32 = 12;

struct Town<'a> {
    types: Types,
    config: &'a Config,
    ids: &'a Ids,
    actor: Actor,
    /// Of no use but for the notices, of which the seed sends none.
    vault: Ring,
}

impl Town<'_> {
    fn desk<'b>(&'b self, who: &'b Who, now: Instant) -> Desk<'b> {
        let by = Acting { ids: self.ids, now, actor: &self.actor };
        Desk {
            types: &self.types,
            by,
            tz: self.config.municipality.time_zone,
            who,
            config: self.config,
            vault: &self.vault,
        }
    }

    async fn open(
        &self,
        conn: &mut PgConnection,
        what: (&str, &str),
        fields: Value,
        now: Instant,
    ) -> Result<CaseFile, CaseError> {
        self.open_for(conn, "", what, fields, now).await
    }

    /// The same for somebody who is in charge of it.
    async fn open_for(
        &self,
        conn: &mut PgConnection,
        assigned: &str,
        (key, title): (&str, &str),
        fields: Value,
        now: Instant,
    ) -> Result<CaseFile, CaseError> {
        let who = person(WRITES);
        let new = New {
            title: title.into(),
            department: "Secretaria (fictícia)".into(),
            assigned: assigned.into(),
            fields: map(fields),
        };
        desk::open(conn, self.desk(&who, now), key, &new, &Around::default()).await
    }

    async fn act(
        &self,
        conn: &mut PgConnection,
        case: &CaseFile,
        (name, transition, fields): (&str, &str, Value),
        now: Instant,
    ) -> Result<CaseFile, CaseError> {
        let who = person(name);
        let asked = Asked {
            transition: transition.into(),
            revision: case.revision,
            reason: String::new(),
            fields: map(fields),
        };
        desk::act(conn, self.desk(&who, now), case.id, &asked).await
    }
}

fn person(name: &str) -> Who {
    Who { name: name.into(), roles: ROLES.to_vec(), is_citizen: false, is_service: false }
}

fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// Publishes, as if it had been done some days ago.
///
/// # Errors
/// The database's, or that what stands here does not fit the types.
pub async fn fill(conn: &mut PgConnection, (ids, now): (&Ids, Instant), config: &Config) -> anyhow::Result<()> {
    let types = Types::load("")?;
    types.register(&mut *conn, ids, now).await?;
    let vault = Ring::new("vault", &[], ids);
    let town = Town { types, config, ids, actor: Actor::command(), vault };
    let then = now - TimeDelta::days(3);
    let today = now.with_timezone(&config.municipality.time_zone).date_naive();
    speak(conn, &town, then).await?;
    tell_press(conn, &town, (now, today)).await?;
    subscribe(conn, ids, now).await?;
    consult(conn, &town, (then, today)).await?;
    show(conn, &town, (then, today)).await?;
    Ok(())
}

/// News and outreach.
async fn speak(conn: &mut PgConnection, town: &Town<'_>, then: Instant) -> Result<(), CaseError> {
    let news = json!({ "kind": "civil_defense", "lead": "Confira o ponto de encontro do seu bairro antes da estação das chuvas.",
        "body": "As rotas e os pontos de encontro do plano de contingência foram revistos. Veja o seu na página do plano. (Texto fictício.)",
        "tags": "chuva, abrigos" });
    let item = town.open(&mut *conn, ("news.item", "Pontos de encontro revistos"), news, then).await?;
    let item = town.act(&mut *conn, &item, (LOOKS, "approve", json!({})), then).await?;
    town.act(&mut *conn, &item, (WRITES, "publish", json!({})), then).await?;
    let piece = json!({ "kind": "civil_defense", "project": "Encosta segura (fictício)", "message": "Rachadura nova no muro? Ligue 199.",
        "audience": "Moradores de encostas", "channels": "Rádio, cartaz", "tags": "chuva" });
    let piece = town.open(&mut *conn, ("outreach.campaign", "Rachadura nova? Avise"), piece, then).await?;
    let lawful = json!({ "impersonal": true, "legal_opinion": "Informa e orienta; não promove ninguém." });
    let piece = town.act(&mut *conn, &piece, (LOOKS, "check", lawful), then).await?;
    town.act(&mut *conn, &piece, (WRITES, "publish", json!({})), then).await?;
    Ok(())
}

/// Two outlets, a release that left and one under embargo. The first is an hour old, so that the service hands it to the outlets.
async fn tell_press(
    conn: &mut PgConnection,
    town: &Town<'_>,
    (now, today): (Instant, NaiveDate),
) -> Result<(), CaseError> {
    let then = now - TimeDelta::hours(1);
    let who = person(WRITES);
    for (name, email, tags) in [
        ("Rádio da Serra (fictícia)", "redacao@radio.exemplo.invalid", ""),
        ("Jornal do Vale (fictício)", "pauta@jornal.exemplo.invalid", "chuva, abrigos"),
    ] {
        let outlet = NewOutlet { name, contact: "Redação", email, tags };
        press::add(&mut *conn, town.desk(&who, then), outlet).await?;
    }
    let open = json!({ "kind": "civil_defense", "lead": "Dez abrigos estão prontos para a estação das chuvas.",
        "body": "Escolas e ginásios têm colchões, água e equipes escaladas. (Texto fictício.)",
        "spokesperson": "Coordenação de Defesa Civil (fictícia)", "tags": "chuva, abrigos" });
    let told = approved(&mut *conn, town, ("Abrigos prontos para as chuvas", open), then).await?;
    town.act(&mut *conn, &told, (WRITES, "distribute", json!({})), then).await?;
    let later = json!({ "kind": "civil_defense", "lead": "O simulado da encosta já tem data.",
        "body": "Moradores das áreas de risco treinam a saída até o ponto de encontro. (Texto fictício.)",
        "spokesperson": "Coordenação de Defesa Civil (fictícia)", "tags": "chuva" });
    let held = approved(&mut *conn, town, ("Simulado da encosta", later), then).await?;
    let on = today.checked_add_days(Days::new(2)).unwrap_or(today).to_string();
    town.act(conn, &held, (LOOKS, "embargo", json!({ "embargo_on": on })), then).await?;
    Ok(())
}

/// A release that the area checked and a third person approved.
async fn approved(
    conn: &mut PgConnection,
    town: &Town<'_>,
    (title, fields): (&str, Value),
    then: Instant,
) -> Result<CaseFile, CaseError> {
    let release = town.open_for(&mut *conn, KNOWS, ("press.release", title), fields, then).await?;
    let facts = json!({ "fact_note": "Conferido com a lista da área (fictícia)." });
    let release = town.act(&mut *conn, &release, (KNOWS, "check", facts), then).await?;
    town.act(conn, &release, (LOOKS, "approve", json!({})), then).await
}

/// People who asked for messages and confirmed, over the last months. No mailbox of these exists.
async fn subscribe(conn: &mut PgConnection, ids: &Ids, now: Instant) -> sqlx::Result<()> {
    let tags: [&[&str]; 3] = [&["chuva", "abrigos"], &["chuva"], &["chuva", "obras", "participacao"]];
    for (n, tags) in (0..READERS).zip(tags.iter().cycle()) {
        let then = now - TimeDelta::days(4 + i64::from(n) * 20);
        let email = format!("leitor{:02}@exemplo.invalid", n + 1);
        let tags: Vec<String> = tags.iter().map(|tag| (*tag).to_owned()).collect();
        let language = if n % 6 == 5 { "en" } else { "pt-BR" };
        let id = segments::store::want(&mut *conn, ids.uuid(then), (&email, &tags), (language, then)).await?;
        let link = segments::Link { id, made_at: then.timestamp() };
        segments::confirm(&mut *conn, link, then).await?;
    }
    Ok(())
}

/// A consultation that is open, with one contribution that waits for its answer.
async fn consult(
    conn: &mut PgConnection,
    town: &Town<'_>,
    (then, today): (Instant, NaiveDate),
) -> Result<(), CaseError> {
    let until = today.checked_add_days(Days::new(20)).unwrap_or(today);
    let from = today.checked_sub_days(Days::new(3)).unwrap_or(today);
    let asked = json!({ "kind": "consultation", "about": "contingency_plan", "summary": "As rotas e os pontos de encontro do plano servem para o seu bairro?",
        "opens_on": from.to_string(), "closes_on": until.to_string() });
    let title = "Plano de contingência (fictício)";
    let case = town.open(&mut *conn, ("participation.consultation", title), asked, then).await?;
    let case = town.act(&mut *conn, &case, (WRITES, "start", json!({})), then).await?;
    let said = Said { text: "A escola do bairro fica mais perto do que o ginásio.".into(), ..Said::default() };
    let citizen = desk::citizen();
    participation::contribute(conn, town.desk(&citizen, then), case.id, &said).await?;
    Ok(())
}

/// Obligations of transparency and a service of the charter.
async fn show(conn: &mut PgConnection, town: &Town<'_>, (then, today): (Instant, NaiveDate)) -> Result<(), CaseError> {
    let on = today.checked_sub_days(Days::new(3)).unwrap_or(today).to_string();
    for (item, title) in [("structure", "Estrutura e horários"), ("questions", "Perguntas frequentes")] {
        let fields = json!({ "item": item, "covers_until": on, "published_on": on,
            "url": format!("https://exemplo.invalid/{item}"), "format": "HTML" });
        town.open(&mut *conn, ("transparency.publication", title), fields, then).await?;
    }
    let review = today.checked_add_days(Days::new(300)).unwrap_or(today);
    let service = json!({ "area": "Defesa Civil", "description": "Um técnico olha a encosta, o muro ou a casa e diz se há risco.",
        "audience": "Moradores do Município", "requirements": "Morar no Município.", "documents": "Endereço e um telefone.",
        "steps": "Pedir pelo 199 ou pela página; receber a visita; ler o laudo.", "max_days": 10, "days_kind": "business",
        "channels": "Telefone 199; página /relatar", "priority": "Risco à vida primeiro; depois idosos, gestantes e pessoas com deficiência.",
        "cost": 0, "complaint": "Ouvidoria do Município", "review_on": review.to_string() });
    let service = town.open(&mut *conn, ("service_charter.service", "Vistoria de risco"), service, then).await?;
    town.act(conn, &service, (LOOKS, "publish", json!({})), then).await?;
    Ok(())
}
