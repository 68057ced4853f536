//! Drafts: made by a rule or by hand, edited, discarded. All in the caller's transaction.

mod edit;

use chrono::TimeDelta;
use serde_json::json;
use sqlx::PgConnection;

use crate::alerts::cap::assess;
use crate::alerts::kind::AlertKind;
use crate::alerts::life::{Life, because};
use crate::alerts::places::NewPlace;
use crate::alerts::refusal::{Reasoned, Refusal};
use crate::alerts::shape::store as shapes;
use crate::alerts::state::{Act, AlertError, AlertState};
use crate::alerts::store::{self, AlertRow};
use crate::alerts::templates::{FALLBACK, Message, Templates, Texts};
use crate::clock::Instant;
use crate::cobrade::Cobrade;
use crate::config::{AlertStatus, Config};
use crate::events::{Event, notify};
use crate::ids::{AlertId, AreaId, Ids};
use crate::risk::reason::Reason;
use crate::units::Level;

pub(super) use edit::check_texts;
pub use edit::{DraftEdit, breaks, too_long};

/// What a draft is written with.
#[derive(Clone, Copy, Debug)]
pub struct Drafter<'a> {
    pub config: &'a Config,
    pub templates: &'a Templates,
    pub ids: &'a Ids,
}

/// What a draft is about.
#[derive(Clone, Debug)]
pub struct Subject<'a> {
    pub kind: AlertKind,
    pub cobrade: Cobrade,
    pub level: Level,
    pub areas: &'a [AreaId],
    pub references: Option<AlertId>,
    /// actual, exercise or test; an answer keeps that of the alert it answers.
    pub status: AlertStatus,
    /// The rule that asked for it, with its version.
    pub rule: Option<(&'a str, i32)>,
    pub reasons: &'a [Reason],
}

/// The same begun by the same person within this time is a form that was sent twice.
const BEGUN_TWICE: TimeDelta = TimeDelta::minutes(1);
/// What a draft by hand may be: as real as the service itself, a test, or a system message. Exercise alerts belong to an exercise
/// and are begun there.
pub fn statuses(own: AlertStatus) -> Vec<AlertStatus> {
    let mut statuses = vec![own];
    statuses.extend([AlertStatus::Test, AlertStatus::System].into_iter().filter(|status| *status != own));
    statuses
}

impl Drafter<'_> {
    /// Writes a new draft from the templates.
    ///
    /// # Errors
    /// `Refused` when no area is known.
    pub async fn create(
        &self,
        conn: &mut PgConnection,
        now: Instant,
        actor: &str,
        subject: &Subject<'_>,
    ) -> Result<AlertId, AlertError> {
        self.create_over(conn, (now, actor), subject, &[]).await
    }

    /// The same for other places too; then it needs no risk area.
    ///
    /// # Errors
    /// `Refused` when there is no place at all, or one that cannot be taken.
    pub async fn create_over(
        &self,
        conn: &mut PgConnection,
        (now, actor): (Instant, &str),
        subject: &Subject<'_>,
        places: &[NewPlace],
    ) -> Result<AlertId, AlertError> {
        let mut areas = area_names(&mut *conn, subject.areas).await?;
        areas.extend(places.iter().filter_map(|place| match place {
            NewPlace::Shape(shape) => Some(shape.name.clone()),
            NewPlace::Area(_) => None,
        }));
        if areas.is_empty() {
            return Err(Refusal::NoArea.into());
        }
        self.write_new(conn, (now, actor), subject, (&areas, places)).await
    }

    /// Begins a draft that holds nowhere yet, for a person who says where next. Without a place it cannot leave. A form that is
    /// sent twice begins one draft: the second time it is found as it was begun, and `false` comes with it.
    ///
    /// # Errors
    /// What the database says.
    pub async fn begin(
        &self,
        conn: &mut PgConnection,
        (now, actor): (Instant, &str),
        subject: &Subject<'_>,
    ) -> Result<(AlertId, bool), AlertError> {
        if let Some(id) = store::begun_just_now(&mut *conn, (now - BEGUN_TWICE, actor), subject).await? {
            return Ok((id, false));
        }
        let subject = Subject { areas: &[], ..subject.clone() };
        Ok((self.write_new(conn, (now, actor), &subject, (&[], &[])).await?, true))
    }

    async fn write_new(
        &self,
        conn: &mut PgConnection,
        (now, actor): (Instant, &str),
        subject: &Subject<'_>,
        (names, places): (&[String], &[NewPlace]),
    ) -> Result<AlertId, AlertError> {
        let id = AlertId(self.ids.uuid(now));
        let expires_at = now + TimeDelta::minutes(i64::from(self.config.alerts.expires_after_min));
        let texts = self.texts(subject, names, expires_at);
        let judged = assess(subject.kind, subject.level, subject.cobrade);
        let usual = self.config.alerts.audience();
        sqlx::query!(
            "insert into alert (id, state, kind, status, cobrade, level, headline, description, instruction, sms_text,
                                severity, urgency, certainty, expires_at, references_alert_id, rule_id, rule_version,
                                reasons, created_at, created_by, written_by, attribution, based_on_warning_id, attribution_lines,
                                buffer_m, leave_out_from_m)
             values ($1, 'draft', $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
                     (select id from staff where username = $19 and $19 <> 'rule'),
                     (select attribution from alert where id = $14), (select based_on_warning_id from alert where id = $14),
                     coalesce((select attribution_lines from alert where id = $14), '{}'),
                     -- Whom the chain goes to was chosen with its first message, or since.
                     coalesce((select buffer_m from alert where id = $14), $20),
                     case when $14::uuid is null then $21 else (select leave_out_from_m from alert where id = $14) end)",
            id.0,
            subject.kind.as_str(),
            subject.status.as_str(),
            subject.cobrade.to_string(),
            subject.level.as_str(),
            texts.headline,
            texts.description,
            texts.instruction,
            texts.sms,
            judged.severity.as_str(),
            judged.urgency.as_str(),
            judged.certainty.as_str(),
            expires_at,
            subject.references.map(|id| id.0),
            subject.rule.map(|(id, _)| id),
            subject.rule.map(|(_, version)| version),
            serde_json::to_value(subject.reasons).unwrap_or_default(),
            now,
            actor,
            usual.buffer_m,
            usual.leave_out_from_m
        )
        .execute(&mut *conn)
        .await?;
        set_areas(&mut *conn, id, subject.areas).await?;
        for place in places {
            super::places::put(&mut *conn, id, place).await?;
        }
        // What an answer is based on comes with what it answers, and is said in every language.
        let written = store::lock(&mut *conn, id).await?.ok_or(AlertError::NotFound)?;
        if written.attribution.is_some() {
            self.say_anew(&mut *conn, &written).await?;
        } else {
            self.say_in_others(&mut *conn, &written, expires_at, names).await?;
        }
        let detail = json!({ "kind": subject.kind, "level": subject.level, "areas": names, "rule": subject.rule });
        store::record(&mut *conn, id, now, actor, "drafted", &detail).await?;
        notify(conn, &Event::Alert { id: id.0 }).await?;
        Ok(id)
    }

    /// Drafts the all-clear, the cancellation or an update of an alert in force. An update by a person begins with the words that
    /// people wrote in that alert, language by language.
    ///
    /// # Errors
    /// `Refused` when the alert is not in force or an answer of that kind waits already.
    pub async fn answer(
        &self,
        conn: &mut PgConnection,
        now: Instant,
        actor: &str,
        id: AlertId,
        kind: AlertKind,
    ) -> Result<AlertId, AlertError> {
        let alert = store::lock(&mut *conn, id).await?.ok_or(AlertError::NotFound)?;
        state_of(&alert)?.after(Act::Answered(kind))?;
        let waiting = sqlx::query_scalar!(
            r#"select id as "id: AlertId" from alert where references_alert_id = $1 and state in ('draft', 'submitted')
                 and kind = $2"#,
            id.0,
            kind.as_str()
        )
        .fetch_optional(&mut *conn)
        .await?;
        if let Some(waiting) = waiting {
            return Ok(waiting);
        }
        let areas: Vec<AreaId> = store::load_areas(&mut *conn, id).await?.iter().map(|area| area.area_id).collect();
        let subject = Subject {
            kind,
            cobrade: alert.cobrade.parse().map_err(anyhow::Error::from)?,
            level: alert.level.parse().map_err(anyhow::Error::from)?,
            areas: &areas,
            references: Some(id),
            status: super::issue::status_of(&alert)?,
            rule: alert.rule_id.as_deref().zip(alert.rule_version),
            reasons: &[],
        };
        let shapes = shapes::new_shapes(&mut *conn, id).await?;
        let draft = self.create_over(&mut *conn, (now, actor), &subject, &shapes).await?;
        if kind == AlertKind::Update && actor != store::RULE {
            super::wording::store::take_words(conn, draft, id).await?;
        }
        Ok(draft)
    }

    /// Drafts the cancellation of an alert in force, with why it was wrong. The reason stands in the history of the draft, also of one
    /// that waits already.
    ///
    /// # Errors
    /// As [`Self::answer`]; `Refused` without a reason.
    pub async fn cancel(
        &self,
        conn: &mut PgConnection,
        now: Instant,
        actor: &str,
        id: AlertId,
        reason: &str,
    ) -> Result<AlertId, AlertError> {
        let reason = because(reason, Reasoned::Cancel)?;
        let draft = self.answer(&mut *conn, now, actor, id, AlertKind::Cancel).await?;
        store::record(conn, draft, now, actor, "reason given", &json!({ "reason": reason })).await?;
        Ok(draft)
    }

    /// An area joins a draft. Texts that no person has touched are written anew.
    pub async fn join(
        &self,
        conn: &mut PgConnection,
        now: Instant,
        id: AlertId,
        area: AreaId,
        reasons: &[Reason],
        why: &str,
    ) -> Result<(), AlertError> {
        let alert = draft_row(&mut *conn, id).await?;
        let mut areas = store::load_areas(&mut *conn, id).await?.iter().map(|area| area.area_id).collect::<Vec<_>>();
        areas.push(area);
        set_areas(&mut *conn, id, &areas).await?;
        sqlx::query!(
            "update alert set reasons = case when jsonb_array_length(reasons) < 60 then reasons || $2 else reasons end where id = $1",
            id.0,
            serde_json::to_value(reasons).unwrap_or_default()
        )
        .execute(&mut *conn)
        .await?;
        self.rewrite(&mut *conn, now, &alert).await?;
        let detail = json!({ "area_id": area, "reason": why });
        store::record(&mut *conn, id, now, store::RULE, "area joined", &detail).await?;
        notify(conn, &Event::Alert { id: id.0 }).await?;
        Ok(())
    }

    /// An area leaves a draft; without areas the draft is discarded.
    pub async fn leave(
        &self,
        conn: &mut PgConnection,
        now: Instant,
        id: AlertId,
        area: AreaId,
        why: &str,
    ) -> Result<(), AlertError> {
        let alert = draft_row(&mut *conn, id).await?;
        let mut areas = store::load_areas(&mut *conn, id).await?.iter().map(|area| area.area_id).collect::<Vec<_>>();
        areas.retain(|other| *other != area);
        if areas.is_empty() && shapes::count_shapes(&mut *conn, id).await? == 0 {
            return discard(conn, now, store::RULE, id, alert.revision, why).await;
        }
        set_areas(&mut *conn, id, &areas).await?;
        self.rewrite(&mut *conn, now, &alert).await?;
        let detail = json!({ "area_id": area, "reason": why });
        store::record(&mut *conn, id, now, store::RULE, "area left", &detail).await?;
        notify(conn, &Event::Alert { id: id.0 }).await?;
        Ok(())
    }

    fn texts(&self, subject: &Subject<'_>, areas: &[String], expires_at: Instant) -> Texts {
        let town = &self.config.municipality;
        self.templates.render(&Message {
            cobrade: subject.cobrade,
            level: subject.level,
            kind: subject.kind,
            language: "pt-BR",
            area_names: areas,
            town: &town.name,
            contact: &town.contact,
            expires_local: expires_at.with_timezone(&town.time_zone).naive_local(),
            exercise: subject.status,
        })
    }

    /// Writes the texts that nobody has touched anew, for the places that the draft has now, and gives it its whole time again unless
    /// a person said until when.
    pub(super) async fn rewrite(
        &self,
        conn: &mut PgConnection,
        now: Instant,
        alert: &AlertRow,
    ) -> Result<(), AlertError> {
        let names = shapes::names(&mut *conn, alert.id).await?;
        let is_fixed = alert.edited || alert.expiry_chosen;
        let usual = now + TimeDelta::minutes(i64::from(self.config.alerts.expires_after_min));
        let expires_at = if is_fixed { alert.expires_at } else { usual };
        let texts = self.proposed(alert, &names, (FALLBACK, expires_at))?;
        let life = Life::of(alert)?.widen()?;
        sqlx::query!(
            "update alert set revision = $7,
                 headline = case when edited then headline else $2 end,
                 description = case when edited then description else $3 end,
                 instruction = case when edited then instruction else $4 end,
                 sms_text = case when edited then sms_text else $5 end,
                 expires_at = $6
             where id = $1",
            alert.id.0,
            texts.headline,
            texts.description,
            texts.instruction,
            texts.sms,
            expires_at,
            life.revision
        )
        .execute(&mut *conn)
        .await?;
        self.say_in_others(conn, alert, expires_at, &names).await
    }
}

/// Discards a draft.
///
/// # Errors
/// `Stale` when the draft moved since `revision`; `Refused` without a reason.
pub async fn discard(
    conn: &mut PgConnection,
    now: Instant,
    actor: &str,
    id: AlertId,
    revision: i32,
    reason: &str,
) -> Result<(), AlertError> {
    let alert = draft_row(&mut *conn, id).await?;
    let state = Life::of(&alert)?.discard(revision, reason)?.state;
    sqlx::query!("update alert set state = $2, ended_at = $3 where id = $1", id.0, state.as_str(), now)
        .execute(&mut *conn)
        .await?;
    store::record(&mut *conn, id, now, actor, "discarded", &json!({ "reason": reason })).await?;
    notify(conn, &Event::Alert { id: id.0 }).await?;
    Ok(())
}

pub(super) fn state_of(alert: &AlertRow) -> Result<AlertState, AlertError> {
    Ok(alert.state.parse::<AlertState>().map_err(anyhow::Error::from)?)
}

pub(super) async fn draft_row(conn: &mut PgConnection, id: AlertId) -> Result<AlertRow, AlertError> {
    let alert = store::lock(conn, id).await?.ok_or(AlertError::NotFound)?;
    let state = state_of(&alert)?;
    if state.is_undecided() { Ok(alert) } else { Err(Refusal::Decided(state).into()) }
}

async fn area_names(conn: &mut PgConnection, areas: &[AreaId]) -> sqlx::Result<Vec<String>> {
    let ids: Vec<i64> = areas.iter().map(|area| area.0).collect();
    sqlx::query_scalar!("select name from risk_area where id = any($1) order by name", &ids).fetch_all(conn).await
}

async fn set_areas(conn: &mut PgConnection, id: AlertId, areas: &[AreaId]) -> sqlx::Result<()> {
    let ids: Vec<i64> = areas.iter().map(|area| area.0).collect();
    sqlx::query!("delete from alert_area where alert_id = $1 and area_id <> all($2)", id.0, &ids)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "insert into alert_area (alert_id, area_id, name, geom) select $1, id, name, geom from risk_area where id = any($2)
         on conflict do nothing",
        id.0,
        &ids
    )
    .execute(conn)
    .await?;
    Ok(())
}
