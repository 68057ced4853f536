//! Who waits for an answer, who was paged for it, and what became of that, in words.

use sqlx::PgConnection;

use crate::alerts::escalation::store::{self, Escalation, Page, TakenStep};
use crate::ids::AlertId;
use crate::web::pages::view::{View, lasting};

/// One wait of an alert.
#[derive(Debug)]
pub struct Told {
    /// Nobody has decided, and the alert waits on.
    pub is_open: bool,
    /// The deadline passed.
    pub is_loud: bool,
    /// Nobody has said yet that they have seen it, and who looks may.
    pub may_acknowledge: bool,
    pub line: String,
    /// What is read out when it changes; without the minutes, which change all the time.
    pub say: String,
    pub more: Vec<String>,
    pub steps: Vec<StepTold>,
}

#[derive(Debug)]
pub struct StepTold {
    pub line: String,
    pub class: &'static str,
    pub state: String,
    pub pages: Vec<PageTold>,
}

#[derive(Debug)]
pub struct PageTold {
    pub line: String,
    pub class: &'static str,
    pub state: String,
    pub reason: String,
}

/// Every wait of the alert, the newest first.
pub async fn of(conn: &mut PgConnection, v: &View, id: AlertId) -> sqlx::Result<Vec<Told>> {
    Ok(store::of_alert(conn, id).await?.iter().map(|wait| told(v, wait)).collect())
}

fn told(v: &View, wait: &Escalation) -> Told {
    let is_open = wait.ended_at.is_none();
    let mut more = Vec::new();
    if let (Some(by), Some(at)) = (&wait.acknowledged_by, wait.acknowledged_at) {
        more.push(v.t2("wait-seen", "who", by, "at", v.when(at)));
    }
    if is_open && wait.overdue_at.is_none() {
        more.push(v.t1("wait-deadline", "at", v.when(wait.deadline_at)));
    }
    if is_open && wait.steps.is_empty() {
        more.push(v.t("wait-no-plan"));
    }
    let is_loud = is_open && wait.overdue_at.is_some();
    Told {
        say: if is_loud { v.t1("unanswered", "n", 1) } else { more.join(" ") },
        is_open,
        is_loud,
        may_acknowledge: is_open && wait.acknowledged_at.is_none() && v.may(crate::accounts::Permission::DraftAlerts),
        line: line(v, wait),
        more,
        steps: wait.steps.iter().map(|step| step_told(v, step)).collect(),
    }
}

fn line(v: &View, wait: &Escalation) -> String {
    if let (Some(at), Some(word)) = (wait.ended_at, &wait.ended_as) {
        return v.t2("wait-ended", "as", v.word("wait-as", word), "at", v.when(at));
    }
    let time = lasting(v.now - wait.since);
    match (&wait.overdue_at, &wait.acknowledged_by) {
        (Some(_), Some(by)) => v.t2("wait-undecided", "who", by, "time", time),
        (Some(_), None) => v.t1("wait-unanswered", "time", time),
        (None, _) => v.t1("wait-open", "time", time),
    }
}

fn step_told(v: &View, step: &TakenStep) -> StepTold {
    let mut whom: Vec<String> = step.plan.roles.iter().map(|role| v.word("role", role.as_str())).collect();
    whom.extend(step.plan.usernames.iter().cloned());
    let rotas = step.plan.rotas.iter().filter(|code| !step.plan.gaps.contains(code));
    let rotas: Vec<&str> = rotas.map(String::as_str).collect();
    if !rotas.is_empty() {
        whom.push(v.t2("wait-step-on-call", "who", step.plan.on_call.join(", "), "rotas", rotas.join(", ")));
    }
    whom.extend(step.plan.gaps.iter().map(|code| v.t1("wait-step-gap", "rota", code)));
    let line = v.t2("wait-step", "n", step.plan.after_min, "whom", whom.join(", "));
    let (class, state) = match (step.outcome.as_deref(), step.done_at) {
        (Some("paged"), Some(at)) => ("good", v.t1("wait-step-paged", "at", v.when(at))),
        (Some("nobody"), Some(at)) => ("bad", v.t1("wait-step-nobody", "at", v.when(at))),
        (Some(_), _) => ("", v.t("wait-step-stopped")),
        (None, _) => ("wait", v.t1("wait-step-due", "at", v.when(step.due_at))),
    };
    StepTold { line, class, state, pages: step.pages.iter().map(|page| page_told(v, page)).collect() }
}

fn page_told(v: &View, page: &Page) -> PageTold {
    let class = match page.state.as_str() {
        "delivered" => "good",
        "accepted" | "pending" | "sending" => "wait",
        _ => "bad",
    };
    let channel = v.word("channel", &page.channel);
    PageTold {
        line: format!("{} · {channel} · {}", page.name, v.when(page.at)),
        class,
        state: v.word("page-state", &page.state),
        reason: page.reason.clone(),
    }
}
