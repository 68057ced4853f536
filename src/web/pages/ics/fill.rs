//! Fills the forms with what the service knows. Numbers of headings are those of the ICS Forms Booklet (FEMA, 2010).

use sqlx::PgConnection;
use uuid::Uuid;

use super::label;
use crate::clock::Instant;
use crate::deployments::Deployment;
use crate::deployments::store::{self as deployments, Which};
use crate::ics::form::{Content, Form, Section};
use crate::ics::{Holding, Position, chart, store};
use crate::incidents::store::{self as incidents, Incident};
use crate::plancon::store::tasks;
use crate::plancon::tasks::TaskWord;
use crate::situation::{Report, store as situation};
use crate::web::pages::view::View;

/// Lines of a timeline that a form is filled from.
const LINES: i64 = 5000;
/// The newest of them that a briefing tells.
const TOLD: i64 = 25;

/// For whom and of what a form is filled.
#[derive(Clone, Copy, Debug)]
pub struct Filling<'a> {
    pub v: &'a View,
    pub i: &'a Incident,
}

impl Filling<'_> {
    fn section(self, number: &str, key: &str, content: Content) -> Section {
        let heading = format!("{number}. {}", self.v.t(key));
        Section { heading, empty: self.v.t("ics-form-empty"), content }
    }

    /// The name and number of the incident, and when it began.
    fn names(self) -> Vec<Section> {
        let (v, i) = (self.v, self.i);
        vec![
            self.section("1", "ics-form-name", words([i.title.clone()])),
            self.section("2", "ics-form-number", words([i.number.clone()])),
            self.section("3", "ics-form-begun", words([v.full(i.opened_at)])),
        ]
    }

    fn form(self, name: &str, key: &str, (sections, drill): (Vec<Section>, bool)) -> Form {
        let v = self.v;
        let who = v.staff.as_ref().map_or("", |staff| staff.name.as_str());
        Form {
            form: format!("SCI {name}"),
            title: v.t(key),
            lang: v.lang.tag().to_owned(),
            authority: v.authority.clone(),
            mark: if drill { v.t("ics-form-drill") } else { v.exercise() },
            sections,
            prepared: v.t2("ics-form-prepared", "who", who, "at", v.full(v.now)),
        }
    }
}

fn words<const N: usize>(lines: [String; N]) -> Content {
    Content::Words { lines: lines.into_iter().filter(|line| !line.trim().is_empty()).collect() }
}

fn lines(text: &str) -> Content {
    Content::Words { lines: text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect() }
}

fn organization(v: &View, all: &[Holding]) -> Content {
    let root = chart::chart(all);
    let pairs = root.flat().into_iter().filter_map(|(depth, node)| {
        let holder = node.holder.as_ref()?;
        let indent = "– ".repeat(depth);
        Some((format!("{indent}{}", label(v, node.position, &node.unit)), holder.name.clone()))
    });
    Content::Pairs { pairs: pairs.collect() }
}

fn commander(all: &[Holding]) -> String {
    let now = all.iter().find(|one| one.position == Position::Commander && one.until_at.is_none());
    now.map(|one| one.name.clone()).unwrap_or_default()
}

fn resources(v: &View, sent: &[Deployment]) -> Content {
    let at = |at: Option<Instant>| at.map(|at| v.when(at)).unwrap_or_default();
    let row = |one: &Deployment| {
        vec![
            v.word("resource-kind", &one.kind),
            format!("{} ({})", one.name, one.code),
            v.when(one.requested_at),
            at(one.en_route_at),
            at(one.on_site_at),
            format!("{}: {}", v.word("deployment-state", one.state.as_str()), one.task),
        ]
    };
    let head = ["resource", "identifier", "ordered", "left", "arrived", "notes"];
    Content::Table {
        head: head.iter().map(|key| v.t(&format!("ics-form-{key}"))).collect(),
        rows: sent.iter().map(row).collect(),
    }
}

async fn objectives(conn: &mut PgConnection, f: Filling<'_>) -> sqlx::Result<Content> {
    let all = tasks::list(conn, f.i.id).await?;
    let open = all.iter().filter(|task| matches!(task.state, TaskWord::Todo | TaskWord::Taken));
    let line = |task: &tasks::Task| {
        let who = task.assignee_name.as_deref().map(|who| format!(" · {who}")).unwrap_or_default();
        format!("{} ({}){who}", task.title, f.v.t1("ics-form-until", "at", f.v.when(task.due_at)))
    };
    Ok(Content::Words { lines: open.map(line).collect() })
}

/// ICS 201, the briefing of an incident.
///
/// # Errors
/// What the database says.
pub async fn briefing(conn: &mut PgConnection, f: Filling<'_>) -> sqlx::Result<Form> {
    let v = f.v;
    let held = store::list(&mut *conn, f.i.id).await?;
    let sent = deployments::list(&mut *conn, of_incident(f)).await?;
    let told = approved(&mut *conn, f).await?.map(|report| report.situation).unwrap_or_default();
    let summary = if told.trim().is_empty() { figures(&mut *conn, f).await? } else { lines(&told) };
    let (entries, _) = incidents::newest(&mut *conn, f.i.id, 0, TOLD).await?;
    let actions = entries.iter().map(|one| format!("{} {} ({})", v.when(one.at), one.text, v.actor(&one.actor)));
    let actions = Content::Words { lines: actions.collect() };
    let objectives = objectives(&mut *conn, f).await?;
    let sketch = super::map::content(&mut *conn, f).await?;
    let drill = store::is_drill(conn, f.i.id).await?;
    let mut sections = f.names();
    sections.extend([
        f.section("4", "ics-form-map", sketch),
        f.section("5", "ics-form-situation", summary),
        f.section("7", "ics-form-objectives", objectives),
        f.section("8", "ics-form-actions", actions),
        f.section("9", "ics-form-organization", organization(v, &held)),
        f.section("10", "ics-form-resources", resources(v, &sent)),
    ]);
    Ok(f.form("201", "ics-201", (sections, drill)))
}

/// The newest report that somebody answers for. A draft is nobody's word yet.
async fn approved(conn: &mut PgConnection, f: Filling<'_>) -> sqlx::Result<Option<Report>> {
    let all = situation::list(conn, Some(f.i.id), None).await?;
    Ok(all.into_iter().find(|report| report.state == "approved"))
}

fn of_incident(f: Filling<'_>) -> Which {
    Which { incident: Some(f.i.id.0), ..Which::default() }
}

/// What is counted of it, without what is none.
async fn figures(conn: &mut PgConnection, f: Filling<'_>) -> sqlx::Result<Content> {
    let counted = situation::count(conn, f.i.id, f.v.now).await?;
    let all = crate::situation::figures::figures(&counted.counts, None);
    let pairs = all.iter().filter(|one| one.value != 0);
    let pairs = pairs.map(|one| (f.v.word("figure", one.key.as_str()), f.v.count(one.value))).collect();
    Ok(Content::Pairs { pairs })
}

/// How many resources of each kind stand where.
fn summed(v: &View, kinds: &[(String, [i64; 3])]) -> Content {
    let row = |(kind, counts): &(String, [i64; 3])| {
        let mut cells = vec![v.word("resource-kind", kind)];
        cells.extend(counts.iter().map(|count| v.count(*count)));
        cells
    };
    let head = ["resource", "coming", "there", "released"];
    Content::Table {
        head: head.iter().map(|key| v.t(&format!("ics-form-{key}"))).collect(),
        rows: kinds.iter().map(row).collect(),
    }
}

/// ICS 209, the status summary of an incident.
///
/// # Errors
/// What the database says.
pub async fn summary(conn: &mut PgConnection, f: Filling<'_>) -> sqlx::Result<Form> {
    let v = f.v;
    let held = store::list(&mut *conn, f.i.id).await?;
    let sent = deployments::summed(&mut *conn, f.i.id).await?;
    let report = approved(&mut *conn, f).await?;
    let counted = figures(&mut *conn, f).await?;
    let drill = store::is_drill(conn, f.i.id).await?;
    let (situation, actions, needs) =
        report.as_ref().map(|one| (&*one.situation, &*one.actions, &*one.needs)).unwrap_or_default();
    let version = match (f.i.closed_at, &report) {
        (Some(_), _) => v.t("ics-form-final"),
        (None, Some(report)) => v.t2("ics-form-update-of", "n", report.number, "at", v.full(report.until_at)),
        (None, None) => v.t("ics-form-initial"),
    };
    // What is counted is counted now; up to when the words hold stands beside their version.
    let until = f.i.closed_at.unwrap_or(v.now);
    let from = report.as_ref().map_or(f.i.opened_at, |one| one.from_at);
    let kind = format!("{} {}", f.i.cobrade, v.hazard(&f.i.cobrade));
    let sections = vec![
        f.section("1", "ics-form-name", words([f.i.title.clone()])),
        f.section("2", "ics-form-number", words([f.i.number.clone()])),
        f.section("3", "ics-form-version", words([version])),
        f.section("4", "ics-form-commander", words([commander(&held)])),
        f.section("6", "ics-form-begun", words([v.full(f.i.opened_at)])),
        f.section("9", "ics-form-kind", words([kind])),
        f.section("11", "ics-form-period", words([format!("{} – {}", v.full(from), v.full(until))])),
        f.section("28", "ics-form-situation", lines(situation)),
        f.section("31", "ics-form-figures", counted),
        f.section("38", "ics-form-actions", lines(actions)),
        f.section("41", "ics-form-needs", lines(needs)),
        f.section("49", "ics-form-resources", summed(v, &sent)),
        f.section("53", "ics-form-organization", organization(v, &held)),
    ];
    Ok(f.form("209", "ics-209", (sections, drill)))
}

/// Somebody or something with a log of its own: id, name, and the account behind it.
pub type Unit = (Uuid, String, Option<String>);

/// ICS 214, the log of activities, of one person or team or of everybody.
///
/// # Errors
/// What the database says.
pub async fn log(conn: &mut PgConnection, f: Filling<'_>, own: Option<&Unit>) -> sqlx::Result<Form> {
    let v = f.v;
    let resource = own.map(|(id, ..)| *id);
    let (entries, older) = incidents::newest(&mut *conn, f.i.id, 0, LINES).await?;
    let account = own.and_then(|(_, _, account)| account.as_deref());
    let mut rows: Vec<(Instant, Vec<String>)> = Vec::new();
    if older > 0 {
        let told = v.t1("ics-form-beyond", "n", v.count(older));
        rows.push((f.i.opened_at, vec![v.full(f.i.opened_at), told, String::new()]));
    }
    let is_own = |one: &incidents::Entry| {
        own.is_none() || (one.kind != crate::deployments::ENTRY && account.is_some_and(|name| name == one.actor))
    };
    for one in entries.iter().filter(|one| is_own(one)) {
        rows.push((one.at, vec![v.full(one.at), one.text.clone(), v.actor(&one.actor)]));
    }
    if resource.is_some() {
        for (step, name) in deployments::log(&mut *conn, f.i.id, resource).await? {
            let reason = if step.reason.is_empty() { String::new() } else { format!(". {}", step.reason) };
            let text = format!("{name}: {}{reason}", v.word("deployment-act", &step.act));
            rows.push((step.at, vec![v.full(step.at), text, v.actor(&step.actor)]));
        }
    }
    rows.sort_by_key(|(at, _)| *at);
    let held = store::list(&mut *conn, f.i.id).await?;
    let positions: Vec<String> = held
        .iter()
        .filter(|one| resource.is_some() && one.resource == resource)
        .map(|one| label(v, one.position, &one.unit))
        .collect();
    let sent = deployments::list(&mut *conn, Which { resource, ..of_incident(f) }).await?;
    let drill = store::is_drill(conn, f.i.id).await?;
    let name = own.map_or_else(|| v.t("ics-214-all"), |(_, name, _)| name.clone());
    let until = f.i.closed_at.unwrap_or(v.now);
    let head = ["at", "activity", "by"].iter().map(|key| v.t(&format!("ics-form-{key}"))).collect();
    let table = Content::Table { head, rows: rows.into_iter().map(|(_, row)| row).collect() };
    let sections = vec![
        f.section("1", "ics-form-name", words([format!("{} · {}", f.i.number, f.i.title)])),
        f.section("2", "ics-form-period", words([format!("{} – {}", v.full(f.i.opened_at), v.full(until))])),
        f.section("3", "ics-form-unit", words([name])),
        f.section("4", "ics-form-position", words([positions.join(", ")])),
        f.section("5", "ics-form-agency", words([v.authority.clone()])),
        f.section("6", "ics-form-resources", resources(v, &sent)),
        f.section("7", "ics-form-log", table),
    ];
    Ok(f.form("214", "ics-214", (sections, drill)))
}
