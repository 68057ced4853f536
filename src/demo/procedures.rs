//! Procedures of the secretariat that are under way in the demonstration: some late, some awaiting the mayor, all of it fictional.

use chrono::{Days, NaiveDate, TimeDelta};
use serde_json::{Map, Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::USERNAME;
use crate::accounts::Role;
use crate::accounts::tokens::desk::Acting;
use crate::audit::Actor;
use crate::clock::Instant;
use crate::config::Config;
use crate::ids::Ids;
use crate::secretariat::kernel::decide::{Asked, New, Who};
use crate::secretariat::kernel::desk::{self, Around, CaseError, Desk};
use crate::secretariat::kernel::store::NewDocument;
use crate::secretariat::kernel::{CaseFile, Types};
use crate::vault::Ring;

/// Whoever tries the demonstration did it all, so that nobody is written to of what lies back; but who writes an opinion does not approve it.
const DRAFTS: &str = "redacao-ficticia";
const ROLES: [Role; 6] =
    [Role::Representation, Role::Advisory, Role::Coordination, Role::Relations, Role::Legislative, Role::Assignments];

/// What is opened: key of the type, title, department, fields.
type Opened<'a> = (&'a str, &'a str, &'a str, Value);

struct Town<'a> {
    types: Types,
    config: &'a Config,
    ids: &'a Ids,
    actor: Actor,
    vault: Ring,
    now: Instant,
    today: NaiveDate,
}

impl Town<'_> {
    fn desk<'b>(&'b self, who: &'b Who, days_ago: i64) -> Desk<'b> {
        let by = Acting { ids: self.ids, now: self.now - TimeDelta::days(days_ago), actor: &self.actor };
        let tz = self.config.municipality.time_zone;
        Desk { types: &self.types, by, tz, who, config: self.config, vault: &self.vault }
    }

    /// A day that lies so many days ahead, or behind.
    fn day(&self, ahead: i64) -> String {
        let days = Days::new(ahead.unsigned_abs());
        let day = if ahead < 0 { self.today.checked_sub_days(days) } else { self.today.checked_add_days(days) };
        day.unwrap_or(self.today).to_string()
    }

    async fn open(
        &self,
        conn: &mut PgConnection,
        days_ago: i64,
        (key, title, department, fields): Opened<'_>,
        parent: Option<Uuid>,
    ) -> Result<CaseFile, CaseError> {
        let who = person(USERNAME);
        let (title, department, assigned) = (title.to_owned(), department.to_owned(), USERNAME.to_owned());
        let new = New { title, department, assigned, fields: map(fields) };
        let around = Around { parent, ..Around::default() };
        desk::open(conn, self.desk(&who, days_ago), key, &new, &around).await
    }

    async fn act(
        &self,
        conn: &mut PgConnection,
        days_ago: i64,
        case: &CaseFile,
        (name, transition, reason, fields): (&str, &str, &str, Value),
    ) -> Result<CaseFile, CaseError> {
        let who = person(name);
        let (transition, reason) = (transition.to_owned(), reason.to_owned());
        let asked = Asked { transition, revision: case.revision, reason, fields: map(fields) };
        desk::act(conn, self.desk(&who, days_ago), case.id, &asked).await
    }

    async fn attach(
        &self,
        conn: &mut PgConnection,
        days_ago: i64,
        case: &CaseFile,
        (kind, name): (&str, &str),
    ) -> Result<CaseFile, CaseError> {
        let who = person(USERNAME);
        let bytes = "Texto fictício da demonstração.".as_bytes();
        let new = NewDocument { kind, name, media_type: "text/plain", bytes, draft: false };
        Ok(desk::attach(conn, self.desk(&who, days_ago), case.id, &new).await?.0)
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

/// Opens them with days that lie back, and brings each as far as it came.
///
/// # Errors
/// The database's, or that what stands here does not fit the types.
pub async fn fill(conn: &mut PgConnection, (ids, now): (&Ids, Instant), config: &Config) -> anyhow::Result<()> {
    let types = Types::load("")?;
    types.register(&mut *conn, ids, now).await?;
    // Nobody's address is sealed under this key.
    let vault = Ring::new("vault", &[], ids);
    let today = now.with_timezone(&config.municipality.time_zone).date_naive();
    let town = Town { types, config, ids, actor: Actor::command(), vault, now, today };
    represent(conn, &town).await?;
    advise(conn, &town).await?;
    coordinate(conn, &town).await?;
    relate(conn, &town).await?;
    legislate(conn, &town).await?;
    order(conn, &town).await?;
    Ok(())
}

/// A delegation in force with what was done under it, and one that waits to be published.
async fn represent(conn: &mut PgConnection, town: &Town<'_>) -> Result<(), CaseError> {
    let given = json!({ "act": "Portaria 901/2026 (fictícia)", "delegate": "Amália Sardinha", "sphere": "state",
        "scope": "Tratar de obras de contenção e de recursos da defesa civil, sem poder de assinar convênio.",
        "starts_on": town.day(-38), "ends_on": town.day(120) });
    let what = ("representation.delegation", "Representação perante o Estado em obras de contenção", "", given);
    let delegation = town.open(&mut *conn, 40, what, None).await?;
    let delegation = town.attach(&mut *conn, 39, &delegation, ("act", "Portaria 901")).await?;
    let delegation = town.act(&mut *conn, 38, &delegation, (USERNAME, "activate", "", json!({}))).await?;
    let met = json!({ "counterpart": "Secretaria de Estado de Infraestrutura (fictícia)", "day": town.day(-20),
        "place": "Belo Horizonte", "purpose": "Pedir o projeto de contenção de três encostas." });
    let what = ("representation.mission", "Reunião sobre contenção de encostas", "", met);
    let mission = town.open(&mut *conn, 30, what, Some(delegation.id)).await?;
    let came = json!({ "outcome": "O Estado manda o projeto básico; o Município manda as sondagens que tem." });
    let mission = town.act(&mut *conn, 19, &mission, (USERNAME, "hold", "", came)).await?;
    for (title, side, due_on) in [
        ("Entregar o projeto básico de contenção", "counterpart", town.day(-6)),
        ("Entregar as sondagens de solo", "town", town.day(10)),
    ] {
        let promised = json!({ "side": side, "text": title, "due_on": due_on });
        let what = ("representation.commitment", title, "Secretaria de Obras (fictícia)", promised);
        town.open(&mut *conn, 19, what, Some(mission.id)).await?;
    }
    let next = json!({ "counterpart": "Defesa Civil do Estado (fictícia)", "day": town.day(5), "place": "Por vídeo",
        "purpose": "Combinar a ajuda humanitária da próxima estação de chuvas." });
    let what = ("representation.mission", "Preparação da estação de chuvas", "", next);
    town.open(&mut *conn, 4, what, Some(delegation.id)).await?;
    let waits = json!({ "act": "Portaria 907/2026 (fictícia)", "delegate": "Evaristo Nunes", "sphere": "union",
        "scope": "Acompanhar a análise do plano de trabalho de recuperação.", "starts_on": town.day(3),
        "ends_on": town.day(90) });
    let what = ("representation.delegation", "Representação perante a União na recuperação", "", waits);
    town.open(conn, 2, what, None).await?;
    Ok(())
}

/// An opinion that awaits the mayor, one that is late, and a new question.
async fn advise(conn: &mut PgConnection, town: &Town<'_>) -> Result<(), CaseError> {
    let asked = |question: &str, form: &str, due_on: String| json!({ "asked_by": "mayor", "question": question, "form": form, "due_on": due_on });
    let ready = asked("O aluguel social pode ser pago a quem deixou a casa antes do laudo?", "opinion", town.day(4));
    let case =
        town.open(&mut *conn, 18, ("advisory.consultation", "Aluguel social antes do laudo", "", ready), None).await?;
    let case = town.act(&mut *conn, 17, &case, (USERNAME, "distribute", "", json!({}))).await?;
    let case = town.attach(&mut *conn, 10, &case, ("draft", "Parecer 12 (fictício)")).await?;
    let told = json!({ "summary": "Aluguel social antes do laudo: possível com vistoria sumária",
        "conclusion": "Pode, com vistoria sumária assinada por dois técnicos e revisão em trinta dias." });
    let case = town.act(&mut *conn, 9, &case, (DRAFTS, "draft", "", told)).await?;
    town.act(&mut *conn, 7, &case, (USERNAME, "homologate", "", json!({}))).await?;
    let late = asked("Minuta de decreto que organiza os abrigos em escolas.", "draft", town.day(-3));
    let case =
        town.open(&mut *conn, 15, ("advisory.consultation", "Decreto dos abrigos em escolas", "", late), None).await?;
    town.act(&mut *conn, 14, &case, (USERNAME, "distribute", "", json!({}))).await?;
    let new = asked("Que ato institui o comitê de recuperação?", "opinion", town.day(8));
    town.open(conn, 1, ("advisory.consultation", "Comitê de recuperação", "", new), None).await?;
    Ok(())
}

/// Determinations: one late, one before the mayor, one done.
async fn coordinate(conn: &mut PgConnection, town: &Town<'_>) -> Result<(), CaseError> {
    let key = "coordination.determination";
    let owed =
        |text: &str, due_on: String| json!({ "act": "Despacho 31/2026 (fictício)", "text": text, "due_on": due_on });
    let late = owed("Desobstruir as galerias da área central e mandar o relatório por trecho.", town.day(-5));
    let what = (key, "Desobstruir as galerias da área central", "Secretaria de Obras (fictícia)", late);
    let case = town.open(&mut *conn, 25, what, None).await?;
    let named = json!({ "responsible": "Jonas Quaresma" });
    town.act(&mut *conn, 24, &case, (USERNAME, "accept", "", named)).await?;
    let above = owed("Indicar quem responde pelos abrigos em cada escola.", town.day(-14));
    let what = (key, "Responsáveis pelos abrigos nas escolas", "Secretaria de Educação (fictícia)", above);
    let case = town.open(&mut *conn, 30, what, None).await?;
    let case =
        town.act(&mut *conn, 29, &case, (USERNAME, "accept", "", json!({ "responsible": "Nair Lacerda" }))).await?;
    let why = "Passaram-se dez dias sem a lista e sem resposta a dois ofícios.";
    town.act(&mut *conn, 3, &case, (USERNAME, "escalate", why, json!({}))).await?;
    let kept = owed("Mandar à Defesa Civil os telefones do plantão da saúde.", town.day(6));
    let what = (key, "Telefones do plantão da saúde", "Secretaria de Saúde (fictícia)", kept);
    let case = town.open(&mut *conn, 12, what, None).await?;
    let case =
        town.act(&mut *conn, 11, &case, (USERNAME, "accept", "", json!({ "responsible": "Clarice Mourão" }))).await?;
    let proof = json!({ "evidence": "Lista recebida por ofício e posta no plano de contingência." });
    town.act(conn, 5, &case, (USERNAME, "finish", "", proof)).await?;
    Ok(())
}

/// A request of the council that is late, a reply that awaits the signature, one that was answered, and the agenda.
async fn relate(conn: &mut PgConnection, town: &Town<'_>) -> Result<(), CaseError> {
    let asked = |kind: &str, from: &str, request: &str, on: String| {
        json!({ "counterpart_kind": kind, "counterpart": from, "received_on": on, "request": request,
            "document": "Ofício 77/2026 (fictício)" })
    };
    let key = "relations.demand";
    let council =
        asked("council", "Câmara Municipal", "Quantas vistorias foram feitas e quantas esperam?", town.day(-33));
    let what = (key, "Pedido de informação sobre vistorias", "Defesa Civil (fictícia)", council);
    let case = town.open(&mut *conn, 32, what, None).await?;
    town.act(&mut *conn, 31, &case, (USERNAME, "register_council", "", json!({}))).await?;
    let movement =
        asked("movement", "Associação de moradores (fictícia)", "Uma sirene para o alto do bairro.", town.day(-12));
    let case = town.open(&mut *conn, 12, (key, "Sirene no alto do bairro", "", movement), None).await?;
    let case = town.act(&mut *conn, 11, &case, (USERNAME, "forward", "", json!({}))).await?;
    let reply = json!({ "reply": "O ponto entra no estudo de alcance do próximo trimestre; a visita é no dia 12." });
    town.act(&mut *conn, 2, &case, (USERNAME, "draft", "", reply)).await?;
    let state =
        asked("state", "Secretaria de Estado de Saúde (fictícia)", "Lista de abrigos com acesso.", town.day(-20));
    let case = town.open(&mut *conn, 20, (key, "Lista de abrigos com acesso", "", state), None).await?;
    let case = town.act(&mut *conn, 19, &case, (USERNAME, "forward", "", json!({}))).await?;
    let reply = json!({ "reply": "Segue a lista, com rampa e banheiro acessível por abrigo." });
    let case = town.act(&mut *conn, 15, &case, (USERNAME, "draft", "", reply.clone())).await?;
    town.act(&mut *conn, 14, &case, (USERNAME, "answer", "", reply)).await?;
    let meets = json!({ "counterpart": "Associação de moradores (fictícia)", "day": town.day(6), "place": "Sede da associação",
        "subject": "Rotas de saída e ponto de encontro do bairro." });
    town.open(conn, 3, ("relations.meeting", "Rotas de saída do bairro", "", meets), None).await?;
    Ok(())
}

/// A matter with its opinions late, a position that awaits the mayor, and a bill that awaits sanction or veto.
async fn legislate(conn: &mut PgConnection, town: &Town<'_>) -> Result<(), CaseError> {
    let matter = |number: u32, on: String, summary: &str| {
        json!({ "urn": format!("urn:lex:br;minas.gerais;juiz.de.fora:municipal:projeto.lei:{on};{number}"),
            "author": "Câmara Municipal", "regime": "ordinary", "summary": summary })
    };
    let key = "legislative.matter";
    let late = matter(901, town.day(-22), "Obriga a placa de área de risco nas vias de acesso (fictício).");
    let case = town.open(&mut *conn, 20, (key, "Placas de área de risco", "", late), None).await?;
    let case = town.act(&mut *conn, 19, &case, (USERNAME, "ask", "", json!({}))).await?;
    for (title, department, days) in [
        ("Custo das placas", "Secretaria de Obras (fictícia)", -10),
        ("Vias e áreas de risco", "Secretaria de Mobilidade (fictícia)", 6),
    ] {
        opinion(&mut *conn, town, (&case, 18), (title, department, town.day(days))).await?;
    }
    let judged = json!({ "merit": "Útil e de interesse local.", "opportunity": "Antes da estação das chuvas.",
        "compatibility": "Cabe no programa de defesa civil.", "programme": "0012 Cidade que não alaga", "creates_expense": true,
        "cost": 18_000_000 });
    let position = json!({ "position": "amendment", "position_text": "Favorável, com prazo de cento e oitenta dias para regulamentar." });
    let proposed = matter(877, town.day(-40), "Autoriza o uso de escolas como abrigo (fictício).");
    let case = town.open(&mut *conn, 35, (key, "Escolas como abrigo", "", proposed), None).await?;
    let case = town.act(&mut *conn, 34, &case, (USERNAME, "ask", "", json!({}))).await?;
    let asked = ("Uso das escolas", "Secretaria de Educação (fictícia)", town.day(-28));
    let asked = opinion(&mut *conn, town, (&case, 33), asked).await?;
    let answer = json!({ "result": "changes", "reasons": "As escolas servem, fora do período letivo.",
        "changes": "Dizer quem repõe os dias de aula." });
    town.act(&mut *conn, 30, &asked, (USERNAME, "answer", "", answer)).await?;
    let case = town.act(&mut *conn, 29, &case, (USERNAME, "judge", "", judged.clone())).await?;
    town.act(&mut *conn, 27, &case, (USERNAME, "propose", "", position.clone())).await?;
    let passed = matter(850, town.day(-70), "Cria o fundo municipal de proteção e defesa civil (fictício).");
    let case = town.open(&mut *conn, 65, (key, "Fundo municipal de proteção e defesa civil", "", passed), None).await?;
    let case = town.act(&mut *conn, 64, &case, (USERNAME, "ask", "", json!({}))).await?;
    let case = town.act(&mut *conn, 60, &case, (USERNAME, "judge", "", judged)).await?;
    let case = town.act(&mut *conn, 58, &case, (USERNAME, "propose", "", position)).await?;
    let case = town.act(&mut *conn, 55, &case, (USERNAME, "send", "", json!({}))).await?;
    let came = json!({ "received_on": town.day(-6) });
    town.act(conn, 5, &case, (USERNAME, "pass", "", came)).await?;
    Ok(())
}

/// An opinion that a department is asked for.
async fn opinion(
    conn: &mut PgConnection,
    town: &Town<'_>,
    (matter, days_ago): (&CaseFile, i64),
    (title, department, due_on): (&str, &str, String),
) -> Result<CaseFile, CaseError> {
    let fields = json!({ "question": "O que a secretaria diz da matéria?", "due_on": due_on });
    town.open(conn, days_ago, ("legislative.opinion", title, department, fields), Some(matter.id)).await
}

/// Orders of the mayor: one late, one that awaits that the mayor knows, one passed on to another department.
async fn order(conn: &mut PgConnection, town: &Town<'_>) -> Result<(), CaseError> {
    let ordered = |kind: &str, text: &str, due_on: String| json!({ "act": "Despacho 44/2026 (fictício)", "kind": kind, "text": text, "due_on": due_on });
    let key = "assignments.order";
    let late = ordered("study", "Estudar a mudança do plantão para perto do rio.", town.day(-4));
    let case = town.open(&mut *conn, 22, (key, "Mudança do plantão", "", late), None).await?;
    town.act(&mut *conn, 21, &case, (USERNAME, "accept", "", json!({}))).await?;
    let known = ordered("measure", "Reunir os comandos antes da estação das chuvas.", town.day(3));
    let case = town.open(&mut *conn, 14, (key, "Reunião dos comandos", "", known), None).await?;
    let case = town.act(&mut *conn, 13, &case, (USERNAME, "accept", "", json!({}))).await?;
    let result = json!({ "result": "Reunião feita, com ata e doze encaminhamentos." });
    town.act(&mut *conn, 2, &case, (USERNAME, "report", "", result)).await?;
    let passed = ordered("measure", "Fazer o inventário de bombas e geradores.", town.day(18));
    let case = town
        .open(&mut *conn, 6, (key, "Inventário de bombas e geradores", "Secretaria de Obras (fictícia)", passed), None)
        .await?;
    town.act(conn, 5, &case, (USERNAME, "determine", "", json!({}))).await?;
    Ok(())
}
