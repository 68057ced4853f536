//! Plans at work: activated by an alert in the transaction of its issue, or by hand; raised, and ended.

use chrono::TimeDelta;
use serde_json::json;
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use super::desk::reasoned;
use super::store::activations::{self as store, Activation, Sign};
use super::store::{plans, tasks as rows};
use super::tasks::{TaskAct, begin};
use super::{Plan, PlanError, PlanState, Scenario, Version, told};
use crate::accounts::tokens::desk::Acting;
use crate::audit::{self, Act, Entry};
use crate::clock::Instant;
use crate::config::Config;
use crate::ids::{AlertId, Ids, IncidentId};
use crate::incidents::store as incidents;
use crate::refused::Refused;
use crate::units::Level;

/// The timeline's word for what happens to plans.
pub const ENTRY: &str = "plan";

/// What activating needs of the service.
#[derive(Clone, Copy, Debug)]
pub struct Tools<'a> {
    pub config: &'a Config,
    pub ids: &'a Ids,
}

/// Whether an alert activates a scenario: its hazard, at its trigger's level or above, in one of its areas.
pub fn fits(scenario: &Scenario, sign: &Sign) -> bool {
    let is_there = scenario.areas.is_empty()
        || sign.is_elsewhere && sign.areas.is_empty()
        || scenario.areas.iter().any(|code| sign.areas.contains(code));
    scenario.trigger.is_some_and(|trigger| sign.level >= trigger)
        && scenario.hazards.contains(&sign.cobrade)
        && is_there
}

/// Activates what an alert that leaves activates, or raises it. A plan that cannot be activated keeps no alert from leaving: the savepoint
/// is rolled back, the timeline says so, and people activate by hand. Gives how many tasks began.
///
/// # Errors
/// What the database says outside of the savepoint.
pub async fn by_alert(
    conn: &mut PgConnection,
    tools: Tools<'_>,
    (now, actor): (Instant, &str),
    incident: IncidentId,
    (alert, number): (AlertId, &str),
) -> sqlx::Result<usize> {
    let mut savepoint = conn.begin().await?;
    match all_that_fit(&mut savepoint, tools, (now, actor), incident, (alert, number)).await {
        Ok(made) => {
            savepoint.commit().await?;
            Ok(made)
        }
        Err(error) => {
            savepoint.rollback().await?;
            tracing::error!(%error, %alert, "the contingency plan was not activated by an alert; activate it by hand");
            metrics::counter!("sentinela_plan_activation_failures_total").increment(1);
            let text = format!("O plano de contingência não pôde ser ativado pelo alerta {number}; ative à mão");
            incidents::add_entry(conn, incident, now, "service", ENTRY, &text, &json!({ "alert_id": alert })).await?;
            Ok(0)
        }
    }
}

async fn all_that_fit(
    conn: &mut PgConnection,
    tools: Tools<'_>,
    (now, actor): (Instant, &str),
    incident: IncidentId,
    (alert, number): (AlertId, &str),
) -> Result<usize, PlanError> {
    let sign = store::sign(&mut *conn, alert).await?;
    if !matches!(sign.status.as_str(), "actual" | "exercise") {
        return Ok(0);
    }
    let plans = plans::in_force(&mut *conn).await?;
    let mut made = 0;
    for (version, plan) in &plans {
        for scenario in plan.scenarios.iter().filter(|scenario| fits(scenario, &sign)) {
            let wish = Wish { incident, level: sign.level, alert: Some(alert), reason: &format!("alerta {number}") };
            made += activate(&mut *conn, tools, (now, actor), (version, scenario), &wish).await?;
        }
    }
    Ok(made)
}

/// What is wanted of a scenario.
#[derive(Clone, Copy, Debug)]
struct Wish<'a> {
    incident: IncidentId,
    level: Level,
    alert: Option<AlertId>,
    reason: &'a str,
}

/// Activates a scenario, or raises the activation that is open. What stands at that level already is left as it is. Gives how many tasks
/// began.
async fn activate(
    conn: &mut PgConnection,
    tools: Tools<'_>,
    (now, actor): (Instant, &str),
    (version, scenario): (&Version, &Scenario),
    wish: &Wish<'_>,
) -> Result<usize, PlanError> {
    let (is_open, drill) = lock(&mut *conn, wish.incident).await?;
    if !is_open {
        return Err(Refused::Conflict("the incident is closed".into()).into());
    }
    let all = store::list(&mut *conn, wish.incident).await?;
    let is_it = |one: &&Activation| one.plan == version.code && one.scenario == scenario.code && one.ended_at.is_none();
    if let Some(open) = all.iter().find(is_it) {
        return raise(conn, tools, (now, actor), open, wish).await;
    }
    let id = tools.ids.uuid(now);
    let new = store::New {
        id,
        incident: wish.incident,
        version: version.id,
        scenario: (&scenario.code, scenario.title.trim()),
        level: wish.level,
        drill,
        alert: wish.alert,
        reason: wish.reason,
    };
    store::insert(&mut *conn, (now, actor), &new).await?;
    let of = Of { activation: id, incident: wish.incident, drill };
    let made = make(&mut *conn, tools, (now, actor), of, (scenario, None, wish.level)).await?;
    let text = format!("Plano {} ativado: {} ({made} tarefas; {})", version.code, scenario.title.trim(), wish.reason);
    let detail = json!({ "activation": id, "plan": version.code, "version": version.number, "level": wish.level, "alert_id": wish.alert });
    incidents::add_entry(conn, wish.incident, now, actor, ENTRY, &text, &detail).await?;
    Ok(made)
}

async fn lock(conn: &mut PgConnection, incident: IncidentId) -> Result<(bool, bool), Refused> {
    let found = store::lock_incident(conn, incident).await?;
    found.ok_or_else(|| Refused::NotFound(format!("incident {incident}")))
}

/// An activation keeps the version that it began with, so that a plan that changes at night changes nobody's tasks.
async fn raise(
    conn: &mut PgConnection,
    tools: Tools<'_>,
    (now, actor): (Instant, &str),
    open: &Activation,
    wish: &Wish<'_>,
) -> Result<usize, PlanError> {
    if wish.level <= open.level {
        return Ok(0);
    }
    let (plan, _) = plans::document(&mut *conn, open.version_id).await?;
    let scenario = scenario_of(&plan, &open.scenario)?;
    store::raise(&mut *conn, open.id, now, wish.level).await?;
    let of = Of { activation: open.id, incident: wish.incident, drill: open.drill };
    let made = make(&mut *conn, tools, (now, actor), of, (scenario, Some(open.level), wish.level)).await?;
    let text = format!("Plano {} elevado: {} ({made} tarefas a mais; {})", open.plan, open.title, wish.reason);
    let detail = json!({ "activation": open.id, "plan": open.plan, "from": open.level, "level": wish.level, "alert_id": wish.alert });
    incidents::add_entry(conn, wish.incident, now, actor, ENTRY, &text, &detail).await?;
    Ok(made)
}

fn scenario_of<'a>(plan: &'a Plan, code: &str) -> Result<&'a Scenario, Refused> {
    let found = plan.scenarios.iter().find(|scenario| scenario.code == code);
    found.ok_or_else(|| Refused::wrong("scenario", code, "expected the code of a scenario of the plan"))
}

#[derive(Clone, Copy)]
struct Of {
    activation: Uuid,
    incident: IncidentId,
    drill: bool,
}

/// Makes the tasks that begin between two levels and tells whoever has to do them.
async fn make(
    conn: &mut PgConnection,
    tools: Tools<'_>,
    (now, actor): (Instant, &str),
    of: Of,
    (scenario, from, to): (&Scenario, Option<Level>, Level),
) -> Result<usize, PlanError> {
    let mut made = Vec::new();
    for action in begin(&scenario.actions, from, to) {
        let position = scenario.actions.iter().position(|other| other.code == action.code).unwrap_or(0);
        let new = rows::New {
            id: tools.ids.uuid(now),
            activation: of.activation,
            incident: of.incident,
            drill: of.drill,
            position: i32::try_from(position).unwrap_or(i32::MAX),
            action,
            due_at: now + TimeDelta::minutes(action.due_min.into()),
        };
        if rows::insert(&mut *conn, now, &new).await? {
            rows::keep_act(&mut *conn, new.id, (now, actor), TaskAct::Make, ("", &json!({}))).await?;
            made.push(action);
        }
    }
    told::tell(conn, tools, now, (of.incident, of.drill), (scenario.title.trim(), &made)).await?;
    Ok(made.len())
}

/// What somebody activates by hand.
#[derive(Clone, Debug, serde::Deserialize, utoipa::ToSchema)]
#[schema(as = PlanActivationWanted)]
#[serde(deny_unknown_fields)]
pub struct ByHand {
    /// Code of the plan.
    #[schema(min_length = 1, max_length = 40)]
    pub plan: String,
    /// Code of the scenario.
    #[schema(min_length = 1, max_length = 40)]
    pub scenario: String,
    /// observation, attention, alert or maximum; above the level that it stands at, it is raised.
    pub level: String,
    /// Why; stands on the timeline.
    #[schema(min_length = 1, max_length = 1000, pattern = r"\S")]
    pub reason: String,
}

/// Activates a scenario of a plan in force, or raises it.
///
/// # Errors
/// `Wrong` names the field; `NotFound`; `Conflict` when the incident is closed or the plan not in force.
pub async fn by_hand(
    conn: &mut PgConnection,
    tools: Tools<'_>,
    by: Acting<'_>,
    incident: IncidentId,
    wanted: &ByHand,
) -> Result<usize, PlanError> {
    let reason = reasoned("reason", &wanted.reason)?;
    let level = wanted.level.parse::<Level>().ok().filter(|level| *level > Level::Normal);
    let expected = "expected observation, attention, alert or maximum";
    let level = level.ok_or_else(|| Refused::wrong("level", &wanted.level, expected))?;
    lock(&mut *conn, incident).await?;
    let all = plans::versions(&mut *conn, Some(&wanted.plan)).await?;
    let version = all.iter().find(|version| version.state == PlanState::InForce);
    let version =
        version.ok_or_else(|| Refused::wrong("plan", &wanted.plan, "expected the code of a plan in force"))?;
    let (plan, _) = plans::document(&mut *conn, version.id).await?;
    let scenario = scenario_of(&plan, &wanted.scenario)?;
    let wish = Wish { incident, level, alert: None, reason: &reason };
    let made = activate(&mut *conn, tools, (by.now, &by.actor.name), (version, scenario), &wish).await?;
    let after = json!({ "plan": wanted.plan, "scenario": wanted.scenario, "level": level, "tasks": made });
    let entry = Entry::new(Act::PlanActivate, "incident", incident).because(&reason).to(after);
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(made)
}

/// Ends an activation. What was open of its tasks is not needed any more, for the same reason.
///
/// # Errors
/// `Wrong` without a reason; `NotFound`; `Conflict` when it ended before.
pub async fn end(
    conn: &mut PgConnection,
    by: Acting<'_>,
    incident: IncidentId,
    id: Uuid,
    reason: &str,
) -> Result<(), PlanError> {
    let reason = reasoned("reason", reason)?;
    lock(&mut *conn, incident).await?;
    let all = store::list(&mut *conn, incident).await?;
    let missing = || Refused::NotFound(format!("activation {id}"));
    let current = all.iter().find(|one| one.id == id).ok_or_else(missing)?;
    if current.ended_at.is_some() {
        return Err(Refused::Conflict("this activation has ended already".into()).into());
    }
    for task in store::end(&mut *conn, id, (by.now, &by.actor.name), &reason).await? {
        let (who, no) = ((by.now, by.actor.name.as_str()), json!({}));
        rows::keep_act(&mut *conn, task, who, TaskAct::NotNeeded, (&reason, &no)).await?;
    }
    let text = format!("Plano {} desativado: {} ({reason})", current.plan, current.title);
    let detail = json!({ "activation": id });
    incidents::add_entry(&mut *conn, incident, by.now, &by.actor.name, ENTRY, &text, &detail).await?;
    let entry = Entry::new(Act::PlanEnd, "incident", incident).because(&reason).to(json!({ "activation": id }));
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_is_activated_by_its_hazard_in_its_areas_from_its_level_on() {
        let plan = super::super::file::read(include_str!("../../config/plancon/example.toml")).unwrap();
        let mut scenario = plan.scenarios[0].clone();
        let sign = |level, areas: &[&str]| Sign {
            cobrade: "1.1.3.2.1".into(),
            level,
            status: "actual".into(),
            areas: areas.iter().map(ToString::to_string).collect(),
            is_elsewhere: areas.is_empty(),
        };
        assert!(fits(&scenario, &sign(Level::Attention, &["morro"])));
        assert!(!fits(&scenario, &sign(Level::Observation, &["morro"])));
        assert!(!fits(&scenario, &Sign { cobrade: "1.2.1.0.0".into(), ..sign(Level::Maximum, &["morro"]) }));
        scenario.areas = vec!["encosta".into()];
        assert!(!fits(&scenario, &sign(Level::Maximum, &["morro"])));
        assert!(fits(&scenario, &sign(Level::Maximum, &["morro", "encosta"])));
        assert!(fits(&scenario, &sign(Level::Maximum, &[])), "of a drawn place nobody knows that it is elsewhere");
        scenario.trigger = None;
        assert!(!fits(&scenario, &sign(Level::Maximum, &["encosta"])), "by hand alone");
    }
}
