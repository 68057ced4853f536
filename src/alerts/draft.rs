//! Drafts: made by a rule or by hand, edited, discarded. All in the caller's transaction.

use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::json;
use sqlx::PgConnection;

use crate::alerts::cap::assess;
use crate::alerts::kind::AlertKind;
use crate::alerts::life::Life;
use crate::alerts::places::NewPlace;
use crate::alerts::shape::store as shapes;
use crate::alerts::state::{Act, AlertError, AlertState};
use crate::alerts::store::{self, AlertRow};
use crate::alerts::templates::{Message, Templates, Texts};
use crate::clock::Instant;
use crate::cobrade::Cobrade;
use crate::config::{AlertStatus, Config};
use crate::events::{Event, notify};
use crate::ids::{AlertId, AreaId, Ids};
use crate::risk::reason::Reason;
use crate::units::Level;

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

/// An edit of the texts. `areas`, when given, replaces the list.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DraftEdit {
    /// One line.
    #[schema(max_length = 160, pattern = r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$")]
    pub headline: String,
    #[schema(max_length = 4000)]
    pub description: String,
    #[schema(max_length = 4000)]
    pub instruction: String,
    /// Six parts of GSM 03.38.
    #[schema(max_length = 918)]
    pub sms_text: String,
    pub expires_at: chrono::DateTime<chrono::Utc>,
    #[serde(default)]
    #[schema(value_type = Option<Vec<i64>>)]
    pub areas: Option<Vec<AreaId>>,
}

/// The longest an alert may be said to last.
const LONGEST: TimeDelta = TimeDelta::hours(72);
const MAX_HEADLINE: usize = 160;
const MAX_TEXT: usize = 4000;
const MAX_SMS: usize = 918;

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
        let id = AlertId(self.ids.uuid(now));
        let expires_at = now + TimeDelta::minutes(i64::from(self.config.alerts.expires_after_min));
        let mut areas = area_names(&mut *conn, subject.areas).await?;
        areas.extend(places.iter().filter_map(|place| match place {
            NewPlace::Shape(shape) => Some(shape.name.clone()),
            NewPlace::Area(_) => None,
        }));
        if areas.is_empty() {
            return Err(AlertError::Refused("an alert needs at least one area".into()));
        }
        let texts = self.texts(subject, &areas, expires_at);
        let judged = assess(subject.kind, subject.level, subject.cobrade);
        sqlx::query!(
            "insert into alert (id, state, kind, status, cobrade, level, headline, description, instruction, sms_text,
                                severity, urgency, certainty, expires_at, references_alert_id, rule_id, rule_version,
                                reasons, created_at, created_by, written_by)
             values ($1, 'draft', $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
                     (select id from staff where username = $19 and $19 <> 'rule'))",
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
            actor
        )
        .execute(&mut *conn)
        .await?;
        set_areas(&mut *conn, id, subject.areas).await?;
        for place in places {
            super::places::put(&mut *conn, id, place).await?;
        }
        let written = store::lock(&mut *conn, id).await?.ok_or(AlertError::NotFound)?;
        self.say_in_others(&mut *conn, &written, expires_at, &areas).await?;
        let detail = json!({ "kind": subject.kind, "level": subject.level, "areas": areas, "rule": subject.rule });
        store::record(&mut *conn, id, now, actor, "drafted", &detail).await?;
        notify(conn, &Event::Alert { id: id.0 }).await?;
        Ok(id)
    }

    /// Drafts the all-clear, the cancellation or an update of an alert in force.
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
        self.create_over(conn, (now, actor), &subject, &shapes).await
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
        self.rewrite(&mut *conn, now, &alert, &areas).await?;
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
        self.rewrite(&mut *conn, now, &alert, &areas).await?;
        let detail = json!({ "area_id": area, "reason": why });
        store::record(&mut *conn, id, now, store::RULE, "area left", &detail).await?;
        notify(conn, &Event::Alert { id: id.0 }).await?;
        Ok(())
    }

    /// Saves a person's edit and returns the new revision.
    ///
    /// # Errors
    /// `Stale` when the draft moved since `revision`; `Refused` for texts beyond their bounds.
    pub async fn save(
        &self,
        conn: &mut PgConnection,
        now: Instant,
        actor: &str,
        id: AlertId,
        revision: i32,
        edit: &DraftEdit,
    ) -> Result<i32, AlertError> {
        let alert = draft_row(&mut *conn, id).await?;
        let life = Life::of(&alert)?.edit(revision)?;
        check_bounds(edit)?;
        if edit.expires_at > now + LONGEST {
            return Err(AlertError::Refused(format!("expires_at is {}; at most 72 hours from now", edit.expires_at)));
        }
        if let Some(areas) = &edit.areas {
            set_areas(&mut *conn, id, areas).await?;
            if shapes::names(&mut *conn, id).await?.is_empty() {
                return Err(AlertError::Refused("an alert needs at least one area".into()));
            }
        }
        // No edit can turn an exercise into the real thing.
        let status = super::issue::status_of(&alert)?;
        let mark = |text: &str| match text.trim() {
            "" => String::new(),
            text => self.templates.marked(status, "pt-BR", text),
        };
        let mark_sms = |text: &str| match text.trim() {
            "" => String::new(),
            text => self.templates.marked_sms(status, "pt-BR", text),
        };
        let detail = json!({ "before": { "headline": alert.headline, "description": alert.description,
            "instruction": alert.instruction, "sms_text": alert.sms_text, "expires_at": alert.expires_at } });
        sqlx::query!(
            "update alert set headline = $2, description = $3, instruction = $4, sms_text = $5, expires_at = $6,
                              edited = true, revision = $8, state = $9, submitted_at = null, submitted_by = null,
                              written_by = (select id from staff where username = $7) where id = $1",
            id.0,
            mark(&edit.headline),
            mark(&edit.description),
            mark(&edit.instruction),
            mark_sms(&edit.sms_text),
            edit.expires_at,
            actor,
            life.revision,
            life.state.as_str()
        )
        .execute(&mut *conn)
        .await?;
        store::record(&mut *conn, id, now, actor, "edited", &detail).await?;
        notify(conn, &Event::Alert { id: id.0 }).await?;
        Ok(life.revision)
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

    /// Writes the texts of an untouched draft anew, for these areas, and gives it its whole time again.
    pub(super) async fn rewrite(
        &self,
        conn: &mut PgConnection,
        now: Instant,
        alert: &AlertRow,
        areas: &[AreaId],
    ) -> Result<(), AlertError> {
        let subject = Subject {
            kind: alert.kind.parse().map_err(anyhow::Error::from)?,
            cobrade: alert.cobrade.parse().map_err(anyhow::Error::from)?,
            level: alert.level.parse().map_err(anyhow::Error::from)?,
            areas,
            references: alert.references_alert_id,
            status: super::issue::status_of(alert)?,
            rule: None,
            reasons: &[],
        };
        let names = shapes::names(&mut *conn, alert.id).await?;
        let expires_at = now + TimeDelta::minutes(i64::from(self.config.alerts.expires_after_min));
        let texts = self.texts(&subject, &names, expires_at);
        let life = Life::of(alert)?.widen()?;
        sqlx::query!(
            "update alert set revision = $7,
                 headline = case when edited then headline else $2 end,
                 description = case when edited then description else $3 end,
                 instruction = case when edited then instruction else $4 end,
                 sms_text = case when edited then sms_text else $5 end,
                 expires_at = case when edited then expires_at else $6 end
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
        let until = if alert.edited { alert.expires_at } else { expires_at };
        self.say_in_others(conn, alert, until, &names).await
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
    if state_of(&alert)?.is_undecided() {
        Ok(alert)
    } else {
        Err(AlertError::Refused(format!("the alert is {} and can no longer be changed", alert.state)))
    }
}

impl DraftEdit {
    /// The headline becomes the subject of letters and the title of feeds: one line.
    pub fn headline_breaks(&self) -> bool {
        breaks(&self.headline)
    }

    /// The first text that is too long, with how long it is and may be.
    pub fn too_long(&self) -> Option<(&'static str, usize, usize)> {
        too_long(&self.headline, &self.description, &self.instruction, &self.sms_text)
    }
}

/// Whether a headline is more than one line.
pub fn breaks(headline: &str) -> bool {
    headline.contains(|letter: char| letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}'))
}

/// The first text that is too long, with how long it is and may be.
pub fn too_long(
    headline: &str,
    description: &str,
    instruction: &str,
    sms_text: &str,
) -> Option<(&'static str, usize, usize)> {
    let bounds = [
        ("headline", headline, MAX_HEADLINE),
        ("description", description, MAX_TEXT),
        ("instruction", instruction, MAX_TEXT),
        ("sms_text", sms_text, MAX_SMS),
    ];
    let measured = bounds.map(|(field, text, most)| (field, text.chars().count(), most));
    measured.into_iter().find(|(_, length, most)| length > most)
}

fn check_bounds(edit: &DraftEdit) -> Result<(), AlertError> {
    check_texts(&edit.headline, &edit.description, &edit.instruction, &edit.sms_text)
}

/// Whether texts keep their bounds, in whatever language.
pub(super) fn check_texts(
    headline: &str,
    description: &str,
    instruction: &str,
    sms_text: &str,
) -> Result<(), AlertError> {
    if breaks(headline) {
        return Err(AlertError::Refused("headline is one line, without control characters".into()));
    }
    too_long(headline, description, instruction, sms_text).map_or(Ok(()), |(field, length, most)| {
        Err(AlertError::Refused(format!("{field} has {length} characters; at most {most}")))
    })
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
