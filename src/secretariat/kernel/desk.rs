//! What modules and people do with cases, each act in the caller's transaction with its ledger, deadlines, publication, notices and the
//! entry in the audit. The decision itself is pure (`decide`).

pub mod around;
pub mod below;
mod consequences;
pub mod linked;
pub mod recusal;
pub mod started;

use chrono::Datelike as _;
use serde_json::{Map, Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::decide::{self, Asked, At, New, Outcome, Refusal, Who};
use super::define::CaseType;
use super::guards::{self, Facts, Near, Plan, Why};
use super::ledger::Link;
use super::registry::fields as registry;
use super::store::lists::{self, Filter, Listed};
use super::types::{self, Kept, Types};
use super::{Access, Annulled, CaseFile, LinkKind, store, values, words};
use crate::accounts::tokens::desk::Acting;
use crate::alerts::store::next_number;
use crate::app::App;
use crate::audit::{self, Act, Actor, Entry};
use crate::config::Config;
use crate::i18n::Lang;
use crate::plancon::desk::reasoned;
use crate::refused::Refused;
use crate::secretariat::budget::in_force;
use crate::secretariat::evaluation::catalogue;
use crate::vault::Ring;
use crate::web::auth::Staff;

pub use crate::plancon::PlanError as CaseError;
pub use around::{assign, attach, noted, withdraw};
pub use consequences::tell_citizen;

const KIND: &str = "case";

/// Who acts, when, under which types, in which town.
#[derive(Clone, Copy, Debug)]
pub struct Desk<'a> {
    pub types: &'a Types,
    pub by: Acting<'a>,
    pub tz: chrono_tz::Tz,
    pub who: &'a Who,
    pub config: &'a Config,
    /// Where citizens' addresses are sealed, for the notices to them.
    pub vault: &'a Ring,
}

impl<'a> Desk<'a> {
    pub fn of(app: &'a App, actor: &'a Actor, who: &'a Who) -> Self {
        let by = Acting { ids: &app.ids, now: app.clock.now(), actor };
        Self {
            types: &app.cases,
            by,
            tz: app.config.municipality.time_zone,
            who,
            config: &app.config,
            vault: &app.keys.vault,
        }
    }

    /// The words by which a case is found.
    pub fn searched(&self, of: &CaseType, case: &CaseFile) -> String {
        values::searched(of, self.types.newest(of), case)
    }

    pub const fn at(&self) -> At {
        At { now: self.by.now, tz: self.tz }
    }
}

/// A member of staff, as far as a case asks.
pub fn who(staff: &Staff) -> Who {
    Who { name: staff.username.clone(), roles: staff.roles.as_slice().to_vec(), is_citizen: false, is_service: false }
}

/// The service by its own clock.
pub fn service() -> Who {
    Who { name: "service".into(), is_service: true, ..Who::default() }
}

/// A citizen who opens a case, or has the code of one.
pub fn citizen() -> Who {
    Who { is_citizen: true, ..Who::default() }
}

fn no_case(id: Uuid) -> Refused {
    Refused::NotFound(format!("case {id}"))
}

/// True when this person may read the case at all.
pub fn may_read(case: &CaseFile, who: &Who) -> bool {
    let is_theirs = !who.name.is_empty() && (case.author == who.name || case.assigned == who.name);
    case.access != Access::Restricted || who.is_service || who.is_citizen || who.has(&case.module) || is_theirs
}

/// A case with its type, when this person may read it. `held`: nobody else changes it until the transaction ends.
///
/// # Errors
/// `NotFound`, also when it is not for them.
pub async fn find(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    id: Uuid,
    held: bool,
) -> Result<(std::sync::Arc<Kept>, CaseFile), CaseError> {
    let case =
        store::load(&mut *conn, id, held).await?.filter(|case| may_read(case, desk.who)).ok_or_else(|| no_case(id))?;
    // Whoever is recused finds nothing, whatever their part in it.
    if store::recusals::is_recused(&mut *conn, id, &desk.who.name).await? {
        return Err(no_case(id).into());
    }
    let kept = desk.types.version(conn, &case.type_key, case.version).await?;
    Ok((kept, case))
}

/// A page of cases that this person may read, without what is personal where it is not for them.
///
/// # Errors
/// The database's.
pub async fn list(conn: &mut PgConnection, desk: Desk<'_>, mut filter: Filter) -> Result<Vec<Listed>, CaseError> {
    filter.works_in = desk.who.modules();
    filter.reader.clone_from(&desk.who.name);
    if desk.who.is_service {
        filter.works_in = super::super::modules::MODULES.iter().map(|module| module.key().to_owned()).collect();
    }
    filter.limit = if filter.limit > 0 { filter.limit } else { lists::PAGE + 1 };
    let mut found = lists::list(&mut *conn, &filter, (desk.by.now, desk.at().today())).await?;
    for one in found.iter_mut().filter(|one| !desk.who.reads_personal(&one.case)) {
        let kept = desk.types.version(&mut *conn, &one.case.type_key, one.case.version).await?;
        decide::veil((&kept.def, desk.types.newest(&kept.def)), &mut one.case, desk.who);
    }
    Ok(found)
}

/// What a case is opened with, beside its fields.
#[derive(Clone, Debug, Default)]
pub struct Around {
    /// The case above it.
    pub parent: Option<Uuid>,
    /// The case whose act opened it.
    pub spawned_by: Option<Uuid>,
    /// The order by which somebody opens it.
    pub started_by: Option<Uuid>,
    /// Of the code by which a citizen follows it.
    pub code_hash: Option<[u8; 32]>,
    /// Nobody reads it who does not work on it, whatever its type says.
    pub is_restricted: bool,
}

/// Opens a case.
///
/// # Errors
/// `Wrong` with every field; `Conflict` citing the law; `Forbidden` naming the role; `NotFound` for an unknown type or parent.
pub async fn open(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    type_key: &str,
    new: &New,
    around: &Around,
) -> Result<CaseFile, CaseError> {
    let kept = desk.types.get(type_key).ok_or_else(|| Refused::NotFound(format!("type of cases {type_key}")))?;
    let def = &kept.def;
    types::keep(&mut *conn, kept, desk.by.ids, desk.by.now)
        .await
        .map_err(|error| Refused::Conflict(error.to_string()))?;
    let facts = around_new(&mut *conn, desk, def, around.parent).await?;
    let order = match around.started_by {
        Some(order) => Some(started::above(&mut *conn, desk, order).await?),
        None => None,
    };
    let fields = registry::resolved(&mut *conn, desk, def, &new.fields).await?;
    let new = &New { fields, ..new.clone() };
    let outcome = decide::open(def, new, (desk.who, desk.at()), &facts).map_err(|why| words::told(why, def))?;
    held(&mut *conn, desk, def, &outcome).await?;
    around::known_staff(&mut *conn, &new.assigned).await?;
    let by = desk.by;
    let mut case = CaseFile {
        id: by.ids.uuid(by.now),
        type_key: def.key().to_owned(),
        version: def.version(),
        module: def.module().to_owned(),
        series: None,
        year: None,
        number: None,
        title: new.title.trim().to_owned(),
        state: outcome.to.clone(),
        is_final: outcome.is_final,
        waits_for: def.state(&outcome.to).and_then(|state| state.waits_for),
        fields: outcome.fields.clone(),
        department: new.department.trim().to_owned(),
        assigned: new.assigned.clone(),
        access: if around.is_restricted { Access::Restricted } else { def.access },
        author: desk.who.name.clone(),
        source: desk.who.source(),
        code_hash: around.code_hash.map(Vec::from),
        opened_at: by.now,
        changed_at: by.now,
        revision: 1,
        annulled: None,
    };
    if outcome.numbers {
        number(&mut *conn, desk, def, &mut case).await?;
    }
    store::insert(&mut *conn, &case, &desk.searched(def, &case), desk.tz).await?;
    let done = Done { act: "open", from: "", reason: "", changes: &outcome.changes };
    keep(&mut *conn, desk, &case, &done, Act::CaseOpen).await?;
    registry::link(&mut *conn, desk, def, (case.id, &case.fields), &outcome.changes).await?;
    for (other, kind) in [(around.parent, LinkKind::Parent), (around.spawned_by, LinkKind::Spawned)] {
        let Some(other) = other else { continue };
        let pair = if kind == LinkKind::Parent { (case.id, other) } else { (other, case.id) };
        store::insert_link(&mut *conn, pair, kind, (by.now, &by.actor.name)).await?;
    }
    recusal::parties(&mut *conn, desk, def, &mut case, &outcome.changes).await?;
    if let Some(order) = order {
        started::keep(&mut *conn, desk, order, (def, &mut case)).await?;
    }
    consequences::of_opening(conn, desk, def, &case, &outcome).await?;
    Ok(case)
}

/// The plan that is law today, for a type that holds a programme against it.
async fn plan(conn: &mut PgConnection, desk: Desk<'_>, def: &CaseType) -> Result<Option<Plan>, CaseError> {
    if !def.asks_plan() {
        return Ok(None);
    }
    Ok(in_force::plan(conn, desk.at().today().year()).await?)
}

/// What guards of an opening ask: the plan, the case that it is to lie under, held, and those above that where one asks for them.
async fn around_new(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    def: &CaseType,
    parent: Option<Uuid>,
) -> Result<Facts, CaseError> {
    let mut facts = Facts { plan: plan(&mut *conn, desk, def).await?, ..Facts::default() };
    let Some(parent) = parent else { return Ok(facts) };
    let (_, next) = find(&mut *conn, desk, parent, true).await?;
    if next.annulled.is_some() {
        let why =
            Why::ParentState { name: next.name(), state: "annulled".into(), wanted: vec!["one that stands".into()] };
        let refusal = Refusal::Guard { guard: "parent".into(), why: Box::new(why), law: def.law_ref.clone() };
        return Err(words::told(refusal, def));
    }
    let near = Near {
        name: next.name(),
        type_key: next.type_key,
        state: next.state,
        is_final: next.is_final,
        fields: next.fields,
    };
    if guards::look_far_above(&def.opening.guards) {
        facts.above = store::above(conn, parent).await?;
        facts.above.insert(0, near.clone());
    }
    facts.parents.push(near);
    Ok(facts)
}

/// Holds what a case says of services and of the registry against what is there.
async fn held(conn: &mut PgConnection, desk: Desk<'_>, def: &CaseType, outcome: &Outcome) -> Result<(), CaseError> {
    let changed = (&outcome.fields, &outcome.changes);
    catalogue::held(&mut *conn, def.key(), changed).await?;
    registry::held(conn, desk, def, changed).await
}

/// The next number of the series, in the year that it is in the town.
async fn number(conn: &mut PgConnection, desk: Desk<'_>, def: &CaseType, case: &mut CaseFile) -> Result<(), CaseError> {
    let Some(series) = &def.series else { return Ok(()) };
    let (prefix, year) = (series.prefix.get_ref(), desk.at().today().year());
    let (_, number) = next_number(conn, &format!("case:{prefix}"), year).await?;
    (case.series, case.year, case.number) = (Some(prefix.clone()), Some(year), Some(number));
    Ok(())
}

/// What is written of an act.
struct Done<'a> {
    act: &'a str,
    from: &'a str,
    reason: &'a str,
    changes: &'a Map<String, Value>,
}

/// Chains an act to the ledger of its case and to the audit. The case stands as it is after it.
async fn keep(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    case: &CaseFile,
    done: &Done<'_>,
    act: Act,
) -> Result<(), CaseError> {
    let by = desk.by;
    let link = Link {
        at: by.now,
        actor: if desk.who.is_citizen { "citizen" } else { &by.actor.name },
        actor_kind: by.actor.kind.as_str(),
        act: done.act,
        from_state: done.from,
        to_state: &case.state,
        reason: done.reason,
        changes: done.changes,
    };
    let seq = store::keep_act(&mut *conn, case.id, &link).await?;
    if seq != case.revision {
        return Err(Refused::Conflict(format!("the case was changed meanwhile; it is at revision {seq} now")).into());
    }
    // Of fields only the names: what they hold stands in the case.
    let fields: Vec<&String> = done.changes.keys().collect();
    let mut after = json!({ "type": case.type_key, "number": case.number(), "act": done.act, "state": case.state, "fields": fields });
    if let Some(recused) = done.changes.get("recused") {
        after["recused"] = recused.clone();
    }
    let entry = Entry::new(act, KIND, case.id).because(done.reason).from(json!({ "state": done.from })).to(after);
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(())
}

/// Does an act of its type to a case.
///
/// # Errors
/// `Wrong` with every field; `Conflict` saying what is possible, or citing the law; `Forbidden` naming the role; `NotFound`.
pub async fn act(conn: &mut PgConnection, desk: Desk<'_>, id: Uuid, asked: &Asked) -> Result<CaseFile, CaseError> {
    let (kept, case) = find(&mut *conn, desk, id, true).await?;
    let mut facts = store::facts(&mut *conn, id).await?;
    facts.plan = plan(&mut *conn, desk, &kept.def).await?;
    if kept.def.transition(&asked.transition).is_some_and(|one| guards::look_far_above(&one.guards)) {
        facts.above = store::above(&mut *conn, id).await?;
    }
    let fields = registry::resolved(&mut *conn, desk, &kept.def, &asked.fields).await?;
    let asked = &Asked { fields, ..asked.clone() };
    let outcome = decide::decide(&kept.def, &case, asked, (desk.who, desk.at()), &facts)
        .map_err(|why| words::told(why, &kept.def))?;
    held(&mut *conn, desk, &kept.def, &outcome).await?;
    let mut after = apply(&mut *conn, desk, &kept.def, &case, (asked, &outcome)).await?;
    recusal::parties(&mut *conn, desk, &kept.def, &mut after, &outcome.changes).await?;
    consequences::of_act(conn, desk, &kept.def, (&case, &after), (asked, &outcome)).await?;
    Ok(after)
}

async fn apply(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    def: &CaseType,
    case: &CaseFile,
    (asked, outcome): (&Asked, &Outcome),
) -> Result<CaseFile, CaseError> {
    let mut after = case.clone();
    after.state.clone_from(&outcome.to);
    after.is_final = outcome.is_final;
    after.waits_for = def.state(&outcome.to).and_then(|state| state.waits_for);
    after.fields.clone_from(&outcome.fields);
    after.changed_at = desk.by.now;
    after.revision += 1;
    if outcome.numbers {
        number(&mut *conn, desk, def, &mut after).await?;
    }
    store::update(&mut *conn, &after, &desk.searched(def, &after)).await?;
    let done = Done { act: &asked.transition, from: &case.state, reason: &outcome.reason, changes: &outcome.changes };
    keep(&mut *conn, desk, &after, &done, Act::CaseAct).await?;
    registry::link(conn, desk, def, (after.id, &after.fields), &outcome.changes).await?;
    Ok(after)
}

/// Annuls a case: its number stays and is never given again, its deadlines end, and what was published of it is withdrawn.
///
/// # Errors
/// `Wrong` without a reason; `Forbidden`; `Conflict` when it is annulled or was changed; `NotFound`.
pub async fn annul(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    id: Uuid,
    revision: i32,
    reason: &str,
) -> Result<CaseFile, CaseError> {
    let (kept, mut case) = find(&mut *conn, desk, id, true).await?;
    around::works_here(&kept.def, desk, "annul")?;
    around::as_seen(&case, revision)?;
    let reason = reasoned("reason", reason)?;
    let by = desk.by;
    case.annulled = Some(Annulled { at: by.now, by: by.actor.name.clone(), reason: reason.clone() });
    (case.is_final, case.waits_for, case.changed_at) = (true, None, by.now);
    case.revision += 1;
    store::update(&mut *conn, &case, &desk.searched(&kept.def, &case)).await?;
    let from = case.state.clone();
    let done = Done { act: "annul", from: &from, reason: &reason, changes: &Map::new() };
    keep(&mut *conn, desk, &case, &done, Act::CaseAnnul).await?;
    let told = if case.access == Access::Restricted { Lang::Pt.t("sec-act-annul") } else { reason.clone() };
    consequences::end_deadlines(&mut *conn, desk, &case, &told).await?;
    store::published::withdraw(conn, id, (by.now, &by.actor.name), &reason).await?;
    Ok(case)
}

/// Something to do to a case, for the doors that share what comes before and after.
#[derive(Clone, Copy, Debug)]
pub enum Task<'a> {
    Act(&'a Asked),
    /// Revision, user name, department.
    Assign(i32, &'a str, &'a str),
    /// Revision and reason.
    Annul(i32, &'a str),
    Withdraw(i32, &'a str),
    /// To another case.
    Link(Uuid),
    /// To an agreement, funding or project.
    Instrument(Uuid),
    /// To what people write: what it is, and its number.
    Refer(&'a str, &'a str),
    Attach(&'a store::NewDocument<'a>),
}

/// Does it. The case must be of this module.
///
/// # Errors
/// As the act's own; `NotFound` when the case is of another module.
pub async fn perform(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    (module, id): (&str, Uuid),
    task: Task<'_>,
) -> Result<CaseFile, CaseError> {
    let (_, before) = find(&mut *conn, desk, id, true).await?;
    if before.module != module {
        return Err(no_case(id).into());
    }
    match task {
        Task::Act(asked) => act(conn, desk, id, asked).await,
        Task::Assign(revision, assigned, department) => {
            assign(conn, desk, (id, revision), (assigned, department)).await
        }
        Task::Annul(revision, reason) => annul(conn, desk, id, revision, reason).await,
        Task::Withdraw(revision, reason) => withdraw(conn, desk, (id, revision), reason).await,
        Task::Link(other) => linked::link(conn, desk, id, other).await,
        Task::Instrument(other) => linked::instrument(conn, desk, id, other).await,
        Task::Refer(what, text) => linked::written(conn, desk, id, (what, text)).await,
        Task::Attach(new) => attach(conn, desk, id, new).await.map(|(case, _)| case),
    }
}
