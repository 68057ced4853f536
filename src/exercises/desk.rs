//! What people and the clock do to exercises: each act with its state, its notices and its line in the audit, in the caller's
//! transaction.

use chrono::TimeDelta;
use serde_json::json;
use sqlx::PgConnection;

use super::copies;
use super::plan::{Invited, NewImprovement, Plan};
use super::schedule::Announcement;
use super::state::{Act, ExerciseState};
use super::store::{people, read, write};
use super::{Exercise, ExerciseError};
use crate::alerts::draft::{Drafter, Subject};
use crate::alerts::{AlertKind, trail};
use crate::app::App;
use crate::audit::{self, Actor, Entry};
use crate::clock::Instant;
use crate::config::AlertStatus;
use crate::events::{Event, notify};
use crate::ids::{AlertId, AreaId, ExerciseId};
use crate::refused::FieldError;
use crate::units::Level;

/// Most participants that the staff puts on the list of one exercise.
const MOST_LISTED: i64 = 500;
const KIND: &str = "exercise";

/// Who acts, when, on what.
#[derive(Clone, Copy, Debug)]
pub struct Desk<'a> {
    pub app: &'a App,
    pub now: Instant,
    pub actor: &'a Actor,
}

impl Desk<'_> {
    /// Plans a new exercise.
    ///
    /// # Errors
    /// `Wrong` with every field that is; the database's.
    pub async fn plan(&self, conn: &mut PgConnection, plan: &Plan) -> Result<ExerciseId, ExerciseError> {
        let areas = checked(&mut *conn, plan, self.now).await?;
        let id = ExerciseId(self.app.ids.uuid(self.now));
        let code = code(&self.app.ids.bytes());
        write::insert(&mut *conn, self.now, (id, &code), &self.actor.name, plan).await?;
        write::set_parts(&mut *conn, id, &areas, plan).await?;
        self.told(&mut *conn, Entry::new(audit::Act::ExercisePlan, KIND, id).to(facts(plan))).await?;
        self.hint(conn, id).await?;
        Ok(id)
    }

    /// Replaces the plan of an exercise that has not begun. Whoever was told of another time is told of the new one.
    ///
    /// # Errors
    /// `Stale`, `Wrong`, `Refused`.
    pub async fn edit(
        &self,
        conn: &mut PgConnection,
        id: ExerciseId,
        revision: i32,
        plan: &Plan,
    ) -> Result<(), ExerciseError> {
        let before = self.locked(&mut *conn, id, Some(revision)).await?;
        before.state.after(Act::Edit)?;
        let areas = checked(&mut *conn, plan, self.now).await?;
        let moved = write::update(&mut *conn, self.now, id, plan).await?;
        write::set_parts(&mut *conn, id, &areas, plan).await?;
        let old = json!({ "title": before.title, "starts_at": before.starts_at, "ends_at": before.ends_at });
        self.told(&mut *conn, Entry::new(audit::Act::ExerciseEdit, KIND, id).from(old).to(facts(plan))).await?;
        if moved && before.state == ExerciseState::Announced {
            copies::tell(&mut *conn, self.app, self.now, id, copies::News::Moved, None).await?;
        }
        self.hint(conn, id).await
    }

    /// Announces it now, to those who were not told yet when it was announced before.
    ///
    /// # Errors
    /// `Refused` once it began or was called off.
    pub async fn announce(&self, conn: &mut PgConnection, id: ExerciseId) -> Result<usize, ExerciseError> {
        let before = self.locked(&mut *conn, id, None).await?;
        let told =
            copies::tell(&mut *conn, self.app, self.now, id, copies::News::Announced, before.announced_at).await?;
        self.move_on(&mut *conn, &before, Act::Announce, "").await?;
        Ok(told)
    }

    /// The clock announces it, to everyone who takes part.
    ///
    /// # Errors
    /// As [`Self::announce`].
    pub async fn announce_due(
        &self,
        conn: &mut PgConnection,
        id: ExerciseId,
        which: Announcement,
    ) -> Result<usize, ExerciseError> {
        let before = self.locked(&mut *conn, id, None).await?;
        let told = copies::tell(&mut *conn, self.app, self.now, id, copies::News::Announced, None).await?;
        write::announced(&mut *conn, self.now, id, which == Announcement::Hours).await?;
        self.move_on(&mut *conn, &before, Act::Announce, "").await?;
        Ok(told)
    }

    /// Starts it: from now on its alerts may leave.
    ///
    /// # Errors
    /// `Refused` when it is not waiting for its start.
    pub async fn start(&self, conn: &mut PgConnection, id: ExerciseId) -> Result<(), ExerciseError> {
        let before = self.locked(&mut *conn, id, None).await?;
        self.move_on(conn, &before, Act::Start, "").await
    }

    /// Ends it.
    ///
    /// # Errors
    /// `Refused` while an alert of it is undecided or in force: nobody shall be left in an exercise that is over.
    pub async fn finish(&self, conn: &mut PgConnection, id: ExerciseId) -> Result<(), ExerciseError> {
        let before = self.locked(&mut *conn, id, None).await?;
        before.state.after(Act::Finish)?;
        open_alerts(&mut *conn, id).await?;
        self.move_on(conn, &before, Act::Finish, "").await
    }

    /// Calls it off, or breaks it off; whoever takes part is told.
    ///
    /// # Errors
    /// `Refused` without a reason, when it is over, or while an alert of it is undecided or in force.
    pub async fn cancel(&self, conn: &mut PgConnection, id: ExerciseId, reason: &str) -> Result<(), ExerciseError> {
        let mut problems = Vec::new();
        super::plan::text(&mut problems, "reason", reason, 1, 1000, false);
        if !problems.is_empty() {
            return Err(ExerciseError::Wrong(problems));
        }
        let before = self.locked(&mut *conn, id, None).await?;
        before.state.after(Act::Cancel)?;
        open_alerts(&mut *conn, id).await?;
        if before.state != ExerciseState::Planned {
            copies::tell(&mut *conn, self.app, self.now, id, copies::News::Cancelled, None).await?;
        }
        self.move_on(conn, &before, Act::Cancel, reason.trim()).await
    }

    /// Closes the report.
    ///
    /// # Errors
    /// `Refused` before the end, or without an evaluation.
    pub async fn report(&self, conn: &mut PgConnection, id: ExerciseId) -> Result<(), ExerciseError> {
        let before = self.locked(&mut *conn, id, None).await?;
        before.state.after(Act::Report)?;
        if before.evaluation.trim().is_empty() {
            return Err(ExerciseError::Refused(
                "exercise-no-evaluation",
                "the report has no evaluation yet; write it first".into(),
            ));
        }
        self.move_on(conn, &before, Act::Report, "").await
    }

    /// Writes problems and evaluation of the report.
    ///
    /// # Errors
    /// `Refused` before it began or after the report was closed; `Wrong`.
    pub async fn evaluate(
        &self,
        conn: &mut PgConnection,
        id: ExerciseId,
        problems: &str,
        evaluation: &str,
    ) -> Result<(), ExerciseError> {
        let mut wrong = Vec::new();
        super::plan::text(&mut wrong, "problems", problems, 0, 8000, false);
        super::plan::text(&mut wrong, "evaluation", evaluation, 0, 8000, false);
        if !wrong.is_empty() {
            return Err(ExerciseError::Wrong(wrong));
        }
        self.evaluable(&mut *conn, id).await?;
        write::evaluate(&mut *conn, id, problems.trim(), evaluation.trim()).await?;
        let after = json!({ "problems": problems.trim(), "evaluation": evaluation.trim() });
        self.told(&mut *conn, Entry::new(audit::Act::ExerciseEvaluate, KIND, id).to(after)).await?;
        self.hint(conn, id).await
    }

    /// Adds an improvement with its owner and its day.
    ///
    /// # Errors
    /// As [`Self::evaluate`].
    pub async fn improve(
        &self,
        conn: &mut PgConnection,
        id: ExerciseId,
        new: &NewImprovement,
    ) -> Result<i64, ExerciseError> {
        let problems = new.problems();
        if !problems.is_empty() {
            return Err(ExerciseError::Wrong(problems));
        }
        self.evaluable(&mut *conn, id).await?;
        let action = write::add_improvement(&mut *conn, id, new).await?;
        let after = json!({ "improvement": new.what.trim(), "owner": new.owner.trim(), "due_on": new.due_on });
        self.told(&mut *conn, Entry::new(audit::Act::ExerciseEvaluate, KIND, id).to(after)).await?;
        self.hint(conn, id).await?;
        Ok(action)
    }

    /// Marks an improvement as done; also after the report was closed, because that is when they are done.
    ///
    /// # Errors
    /// `Refused` when it is done, `NotFound`.
    pub async fn improved(&self, conn: &mut PgConnection, id: ExerciseId, action: i64) -> Result<(), ExerciseError> {
        self.locked(&mut *conn, id, None).await?;
        if !write::improved(&mut *conn, self.now, id, action, &self.actor.name).await? {
            return Err(ExerciseError::Refused(
                "exercise-no-again",
                "there is no such improvement that waits to be done".into(),
            ));
        }
        let after = json!({ "improvement_done": action });
        self.told(&mut *conn, Entry::new(audit::Act::ExerciseEvaluate, KIND, id).to(after)).await?;
        self.hint(conn, id).await
    }

    /// Ticks an inject, or takes the tick back.
    ///
    /// # Errors
    /// `Refused` while the exercise does not run, or when it is ticked already.
    pub async fn tick(
        &self,
        conn: &mut PgConnection,
        id: ExerciseId,
        inject: i64,
        done: bool,
    ) -> Result<(), ExerciseError> {
        let exercise = self.locked(&mut *conn, id, None).await?;
        if exercise.state != ExerciseState::Running {
            return Err(ExerciseError::Refused(
                "exercise-no-state",
                format!("injects are ticked while an exercise runs; it is {}", exercise.state),
            ));
        }
        if !write::tick(&mut *conn, self.now, id, inject, &self.actor.name, done).await? {
            return Err(ExerciseError::Refused(
                "exercise-no-again",
                "this inject is so already, or there is none".into(),
            ));
        }
        let after = json!({ "inject": inject, "done": done });
        self.told(&mut *conn, Entry::new(audit::Act::ExerciseInject, KIND, id).to(after)).await?;
        self.hint(conn, id).await
    }

    /// Puts one of the staff, an institution or a nucleus on the list.
    ///
    /// # Errors
    /// `Wrong`, `Refused`.
    pub async fn invite(&self, conn: &mut PgConnection, id: ExerciseId, who: &Invited) -> Result<(), ExerciseError> {
        let exercise = self.open_to_people(&mut *conn, id).await?;
        if people::listed(&mut *conn, id).await? >= MOST_LISTED {
            return Err(ExerciseError::Refused(
                "exercise-no-more",
                format!("{MOST_LISTED} participants are on the list already"),
            ));
        }
        let after = if let Some(outsider) = who.outsider().map_err(ExerciseError::Wrong)? {
            people::add_outsider(&mut *conn, self.now, exercise.id, &outsider, &self.actor.name).await?;
            json!({ "kind": outsider.kind, "name": outsider.name })
        } else {
            let Invited::Staff { username } = who else { return Err(ExerciseError::NotFound) };
            let unknown = || {
                let value = crate::refused::shorten(username);
                let message = "expected the user name of somebody who works here".to_owned();
                ExerciseError::Wrong(vec![FieldError { field: "username".into(), value, message }])
            };
            let staff = people::staff(&mut *conn, username.trim()).await?.ok_or_else(unknown)?;
            if !people::add_staff(&mut *conn, self.now, exercise.id, staff, &self.actor.name).await? {
                return Err(ExerciseError::Refused(
                    "exercise-no-again",
                    format!("{} takes part already", username.trim()),
                ));
            }
            json!({ "kind": "staff", "username": username.trim() })
        };
        self.told(&mut *conn, Entry::new(audit::Act::ExerciseInvite, KIND, id).to(after)).await?;
        self.hint(conn, id).await
    }

    /// Takes somebody who is no resident off the list.
    ///
    /// # Errors
    /// `Refused`.
    pub async fn remove(&self, conn: &mut PgConnection, id: ExerciseId, participant: i64) -> Result<(), ExerciseError> {
        self.open_to_people(&mut *conn, id).await?;
        if !people::remove(&mut *conn, self.now, id, participant).await? {
            return Err(ExerciseError::Refused(
                "exercise-no-again",
                "nobody who could be removed is there; residents leave by themselves".into(),
            ));
        }
        let after = json!({ "participant": participant });
        self.told(&mut *conn, Entry::new(audit::Act::ExerciseRemove, KIND, id).to(after)).await?;
        self.hint(conn, id).await
    }

    /// Notes that the message reached somebody who takes part.
    ///
    /// # Errors
    /// `Refused` while the exercise does not run.
    pub async fn acknowledge(
        &self,
        conn: &mut PgConnection,
        id: ExerciseId,
        participant: i64,
    ) -> Result<(), ExerciseError> {
        let exercise = self.locked(&mut *conn, id, None).await?;
        if !exercise.state.takes_evaluation() {
            return Err(ExerciseError::Refused(
                "exercise-no-state",
                format!("nothing has reached anybody yet: it is {}", exercise.state),
            ));
        }
        if !people::acknowledge(&mut *conn, self.now, id, participant, &self.actor.name).await? {
            return Err(ExerciseError::Refused(
                "exercise-no-again",
                "that is known already, or they do not take part".into(),
            ));
        }
        let after = json!({ "participant": participant });
        self.told(&mut *conn, Entry::new(audit::Act::ExerciseAcknowledge, KIND, id).to(after)).await?;
        self.hint(conn, id).await
    }

    /// Drafts an alert of this exercise, for all its areas.
    ///
    /// # Errors
    /// `Refused` when it is over.
    pub async fn draft(&self, conn: &mut PgConnection, id: ExerciseId, level: Level) -> Result<AlertId, ExerciseError> {
        let exercise = self.open_to_people(&mut *conn, id).await?;
        let areas = read::areas_by_code(&mut *conn, &exercise.areas).await?;
        let areas: Vec<AreaId> = areas.into_iter().map(|(_, id)| AreaId(id)).collect();
        let subject = Subject {
            kind: AlertKind::Alert,
            cobrade: exercise.cobrade.parse().map_err(anyhow::Error::from)?,
            level,
            areas: &areas,
            references: None,
            status: AlertStatus::Exercise,
            rule: None,
            reasons: &[],
        };
        let app = self.app;
        let drafter = Drafter { config: &app.config, templates: &app.templates, ids: &app.ids };
        let alert = drafter.create(&mut *conn, self.now, &self.actor.name, &subject).await?;
        write::adopt(&mut *conn, id, alert).await?;
        trail::drafted(&mut *conn, &app.ids, self.now, self.actor, alert, &exercise.title).await?;
        self.hint(conn, id).await?;
        Ok(alert)
    }

    async fn move_on(
        &self,
        conn: &mut PgConnection,
        before: &Exercise,
        act: Act,
        reason: &str,
    ) -> Result<(), ExerciseError> {
        let state = before.state.after(act)?;
        write::advance(&mut *conn, self.now, before.id, state, &self.actor.name, reason).await?;
        let entry = Entry::new(audited(act), KIND, before.id).because(reason);
        let entry = entry.from(json!({ "state": before.state })).to(json!({ "state": state, "title": before.title }));
        self.told(&mut *conn, entry).await?;
        self.hint(conn, before.id).await
    }

    async fn locked(
        &self,
        conn: &mut PgConnection,
        id: ExerciseId,
        revision: Option<i32>,
    ) -> Result<Exercise, ExerciseError> {
        let exercise = read::lock(conn, id).await?.ok_or(ExerciseError::NotFound)?;
        match revision {
            Some(yours) if yours != exercise.revision => {
                Err(ExerciseError::Stale { current: exercise.revision, yours })
            }
            _ => Ok(exercise),
        }
    }

    async fn open_to_people(&self, conn: &mut PgConnection, id: ExerciseId) -> Result<Exercise, ExerciseError> {
        let exercise = self.locked(conn, id, None).await?;
        if exercise.state.takes_people() {
            return Ok(exercise);
        }
        Err(ExerciseError::Refused("exercise-no-state", format!("the exercise is {}", exercise.state)))
    }

    async fn evaluable(&self, conn: &mut PgConnection, id: ExerciseId) -> Result<Exercise, ExerciseError> {
        let exercise = self.locked(conn, id, None).await?;
        if exercise.state.takes_evaluation() {
            return Ok(exercise);
        }
        Err(ExerciseError::Refused(
            "exercise-no-state",
            format!("the report cannot be written now: the exercise is {}", exercise.state),
        ))
    }

    async fn told(&self, conn: &mut PgConnection, entry: Entry) -> sqlx::Result<()> {
        audit::record(conn, &self.app.ids, self.now, self.actor, entry).await
    }

    async fn hint(&self, conn: &mut PgConnection, id: ExerciseId) -> Result<(), ExerciseError> {
        Ok(notify(conn, &Event::Exercise { id: id.0 }).await?)
    }
}

/// The areas of a plan, when nothing is wrong with it.
async fn checked(conn: &mut PgConnection, plan: &Plan, now: Instant) -> Result<Vec<i64>, ExerciseError> {
    // Whoever saves a plan that begins this very minute does not plan into the past.
    let mut problems = plan.problems(now - TimeDelta::minutes(1));
    let codes: Vec<String> = plan.areas.iter().filter(|code| !code.contains('\0')).cloned().collect();
    let known = if problems.is_empty() { read::areas_by_code(conn, &codes).await? } else { Vec::new() };
    if problems.is_empty() {
        for code in plan.areas.iter().filter(|code| !known.iter().any(|(other, _)| other == *code)) {
            let (field, value) = ("areas".to_owned(), crate::refused::shorten(code));
            problems.push(FieldError { field, value, message: "no area has this code".into() });
        }
    }
    if problems.is_empty() {
        Ok(known.into_iter().map(|(_, id)| id).collect())
    } else {
        Err(ExerciseError::Wrong(problems))
    }
}

async fn open_alerts(conn: &mut PgConnection, id: ExerciseId) -> Result<(), ExerciseError> {
    let open = read::open_alerts(conn, id).await?;
    if open == 0 {
        return Ok(());
    }
    Err(ExerciseError::Refused(
        "exercise-no-open",
        format!(
            "{open} alerts of the exercise are undecided or in force; end or discard them first, so that nobody is left in it"
        ),
    ))
}

fn facts(plan: &Plan) -> serde_json::Value {
    json!({
        "title": plan.title.trim(), "cobrade": plan.cobrade, "starts_at": plan.starts_at, "ends_at": plan.ends_at,
        "areas": plan.areas, "listed": plan.listed, "injects": plan.injects.len(),
    })
}

const fn audited(act: Act) -> audit::Act {
    match act {
        Act::Edit => audit::Act::ExerciseEdit,
        Act::Announce => audit::Act::ExerciseAnnounce,
        Act::Start => audit::Act::ExerciseStart,
        Act::Finish => audit::Act::ExerciseFinish,
        Act::Report => audit::Act::ExerciseReport,
        Act::Cancel => audit::Act::ExerciseCancel,
    }
}

/// Eight letters and digits that nobody confuses when they read them from a poster.
fn code(random: &[u8; 8]) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    random.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect()
}
