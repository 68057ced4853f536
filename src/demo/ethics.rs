//! The ethics council of the demonstration and its work: people and facts that do not exist.

use chrono::{Days, NaiveDate, TimeDelta};
use serde_json::{Map, Value, json};
use sqlx::PgConnection;

use crate::accounts::Role;
use crate::accounts::tokens::desk::Acting;
use crate::audit::Actor;
use crate::clock::Instant;
use crate::config::Config;
use crate::ids::Ids;
use crate::refused::Refused;
use crate::secretariat::kernel::body::desk::seats::{self, Appointment};
use crate::secretariat::kernel::body::desk::{self as bodies, NewPerson};
use crate::secretariat::kernel::body::rules::{Fraction, MajorityKind};
use crate::secretariat::kernel::body::{ActKind, BodyKind, Capacity, CreatedBy, Described, Rules, SeatRole};
use crate::secretariat::kernel::decide::{Asked, New, Who};
use crate::secretariat::kernel::desk::{self, Around, CaseError, Desk};
use crate::secretariat::kernel::{CaseFile, Types};
use crate::vault::Ring;

const SLUG: &str = "conselho-de-etica";
/// Whoever examines, and whoever answers: two persons, as the types ask for.
const EXAMINES: &str = "integridade-ficticia";
const ANSWERS: &str = "conselho-ficticio";

/// What a seat stands for, its role, who holds it.
const SEATS: [(&str, SeatRole, &str); 3] = [
    ("Servidores efetivos (fictício)", SeatRole::Chair, "Otília Brandão"),
    ("Procuradoria (fictícia)", SeatRole::Vice, "Firmino Lacerda"),
    ("Sociedade civil (fictícia)", SeatRole::Member, "Rosaura Pinheiro"),
];

struct Town<'a> {
    types: Types,
    config: &'a Config,
    ids: &'a Ids,
    actor: Actor,
    vault: Ring,
}

fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn person(name: &str) -> Who {
    Who { name: name.into(), roles: vec![Role::Ethics], ..Who::default() }
}

impl Town<'_> {
    fn by(&self, now: Instant) -> Acting<'_> {
        Acting { ids: self.ids, now, actor: &self.actor }
    }

    fn desk<'b>(&'b self, who: &'b Who, now: Instant) -> Desk<'b> {
        let tz = self.config.municipality.time_zone;
        Desk { types: &self.types, by: self.by(now), tz, who, config: self.config, vault: &self.vault }
    }

    fn day(&self, at: Instant) -> NaiveDate {
        at.with_timezone(&self.config.municipality.time_zone).date_naive()
    }

    async fn open(
        &self,
        conn: &mut PgConnection,
        (key, title): (&str, &str),
        fields: Value,
        now: Instant,
    ) -> Result<CaseFile, CaseError> {
        let who = person(EXAMINES);
        let new = New { title: title.into(), fields: map(fields), ..New::default() };
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
        let fields = map(fields);
        let asked = Asked { transition: transition.into(), revision: case.revision, reason: String::new(), fields };
        desk::act(conn, self.desk(&who, now), case.id, &asked).await
    }
}

/// Writes the council and its work down, as if it had been done over the last year and more.
///
/// # Errors
/// The database's, or that what stands here does not fit the rules and types.
pub async fn fill(conn: &mut PgConnection, (ids, now): (&Ids, Instant), config: &Config) -> anyhow::Result<()> {
    let types = Types::load("").map_err(|faults| anyhow::anyhow!("{faults}"))?;
    // Nobody's identity is sealed here.
    let town = Town { types, config, ids, actor: Actor::command(), vault: Ring::new("vault", &[], ids) };
    seat(&mut *conn, &town, now - TimeDelta::days(500)).await?;
    risks(&mut *conn, &town, now).await?;
    advice(&mut *conn, &town, now).await?;
    procedures(conn, &town, now).await?;
    Ok(())
}

async fn seat(conn: &mut PgConnection, town: &Town<'_>, founded: Instant) -> Result<(), Refused> {
    let (tz, from) = (town.config.municipality.time_zone, town.day(founded));
    let council = Described {
        slug: SLUG.into(),
        name: "Conselho de Ética Pública (fictício)".into(),
        kind: BodyKind::Ethics,
        act: CreatedBy { kind: ActKind::Decree, number: "7/2025 (fictício)".into(), on: from },
        purpose: "Orientar os servidores e apurar condutas contrárias à ética.".into(),
        law_ref: String::new(),
        contact: "etica@exemplo.invalid".into(),
        term_from: from,
        term_until: None,
        rules: Rules {
            notice_ordinary: "committees.notice.ordinary".into(),
            notice_extraordinary: "committees.notice.extraordinary".into(),
            quorum_open: Fraction::more_than(1, 2),
            quorum_decide: Fraction::more_than(1, 2),
            majority: MajorityKind::Simple,
            qualified: None,
            casting_vote: true,
            public: false,
            second_call: None,
            most_reappointments: Some(1),
        },
    };
    bodies::found(&mut *conn, town.by(founded), tz, &council).await?;
    for (position, (entity, role, name)) in (1..).zip(SEATS) {
        let place = seats::add(&mut *conn, town.by(founded), SLUG, (position, entity, role)).await?;
        // Whoever tries the demonstration sits in the second seat and may vote.
        let account = if position == 2 { super::USERNAME.to_owned() } else { String::new() };
        let new = NewPerson { name: name.into(), account, ..NewPerson::default() };
        let person = bodies::save_person(&mut *conn, town.by(founded), None, &new).await?;
        let (capacity, act) = (Capacity::Titular, "Decreto 8/2025 (fictício)".to_owned());
        let until_on = from + TimeDelta::days(3 * 365);
        let mandate = Appointment { person, capacity, from_on: from, until_on, act };
        seats::appoint(&mut *conn, town.by(founded), (SLUG, place), &mandate).await?;
    }
    Ok(())
}

async fn risks(conn: &mut PgConnection, town: &Town<'_>, now: Instant) -> Result<(), CaseError> {
    let then = now - TimeDelta::days(40);
    let risk = json!({ "process": "Pagamento de obras", "cause": "Medição sem vistoria leva a pagar o que não foi feito (fictício).",
        "probability": 3, "impact": 5 });
    let risk = town.open(&mut *conn, ("ethics.risk", "Medição de obra sem vistoria"), risk, then).await?;
    let control = json!({ "control": "Vistoria com fotografia datada antes de cada pagamento.", "owner": "Secretaria de Obras (fictícia)",
        "review_on": town.day(now) + Days::new(25) });
    town.act(&mut *conn, &risk, (EXAMINES, "control", control), then).await?;
    let risk = json!({ "process": "Doações em desastre", "cause": "Entrega sem registro favorece conhecidos (fictício).",
        "probability": 2, "impact": 4 });
    town.open(&mut *conn, ("ethics.risk", "Entrega de doações sem registro"), risk, then).await?;
    let held = now - TimeDelta::days(400);
    for (at, title, people) in [(held, "Código de ética para novos servidores", 34), (then, "Presentes e convites", 21)]
    {
        let day = town.day(at);
        let plan = json!({ "theme": "ethics", "planned_on": day, "audience": "Servidores" });
        let training = town.open(&mut *conn, ("ethics.training", title), plan, at).await?;
        let told = json!({ "held_on": day, "hours": 4, "attendance": people });
        town.act(&mut *conn, &training, (EXAMINES, "hold", told), at).await?;
    }
    Ok(())
}

async fn advice(conn: &mut PgConnection, town: &Town<'_>, now: Instant) -> Result<(), CaseError> {
    let at = now - TimeDelta::days(12);
    let asked = json!({ "kind": "private_activity", "asker": "Servidora fictícia",
        "question": "Posso dar aulas à noite em uma escola particular? (fictício)" });
    let case = town.open(&mut *conn, ("ethics.conflict", "Aulas à noite"), asked, at).await?;
    let opinion = json!({ "opinion": "Horário e matéria não se cruzam com o cargo." });
    let case = town.act(&mut *conn, &case, (EXAMINES, "examine", opinion), at).await?;
    let answer =
        json!({ "outcome": "conditions", "conditions": "Fora do expediente e sem alunos da rede que fiscaliza." });
    let case = town.act(&mut *conn, &case, (ANSWERS, "answer", answer), now - TimeDelta::days(6)).await?;
    let summary = json!({ "summary_title": "Docência fora do expediente",
        "summary": "É permitida fora do expediente, sem relação com o que o cargo fiscaliza (caso fictício)." });
    town.act(&mut *conn, &case, (ANSWERS, "publish", summary), now - TimeDelta::days(5)).await?;
    let company = json!({ "company": "Construções Inexistentes Ltda.", "cnpj": "00394460000141",
        "facts": "Oferta de vantagem a fiscal de obra (art. 5º, I; fictício)." });
    let case = town.open(&mut *conn, ("ethics.liability", "Oferta de vantagem"), company, at).await?;
    let begun = json!({ "commission": "Duas servidoras estáveis (fictícias)", "published_on": town.day(at) });
    town.act(conn, &case, (ANSWERS, "open_process", begun), at).await?;
    Ok(())
}

/// One whose defence runs, and one that the council votes on.
async fn procedures(conn: &mut PgConnection, town: &Town<'_>, now: Instant) -> Result<(), CaseError> {
    for (title, notified, votes) in [("Uso de veículo oficial", 40, true), ("Tratamento de usuários", 4, false)] {
        let at = |days: i64| now - TimeDelta::days(notified + days);
        let told = json!({ "account": "Relato fictício, sem nada que identifique quem o fez.", "respondent": "Servidor fictício" });
        let case = town.open(&mut *conn, ("ethics.procedure", title), told, at(20)).await?;
        let admit = json!({ "admissibility": "Há indícios e o fato é da competência do Conselho." });
        let case = town.act(&mut *conn, &case, (EXAMINES, "admit", admit), at(15)).await?;
        let charge = json!({ "charge": "Dever de zelo (código de ética fictício, art. 3º)." });
        let case = town.act(&mut *conn, &case, (EXAMINES, "open_process", charge), at(2)).await?;
        let notified_on = json!({ "notified_on": town.day(at(0)) });
        let case = town.act(&mut *conn, &case, (EXAMINES, "notify", notified_on), at(0)).await?;
        if votes {
            let defence = json!({ "defence": "O uso foi em serviço (fictício)." });
            let case = town.act(&mut *conn, &case, (EXAMINES, "defend", defence), at(-7)).await?;
            let put = json!({ "proposal": "filed", "proposal_text": "A defesa provou o serviço (fictício)." });
            town.act(&mut *conn, &case, (ANSWERS, "propose", put), now - TimeDelta::days(1)).await?;
        }
    }
    Ok(())
}
