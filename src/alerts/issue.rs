//! The moment an alert leaves: number, CAP message, outbox, incident and history in one transaction.

use serde_json::json;
use sqlx::PgConnection;

use crate::alerts::cap::model::{NamedValue, Reference};
use crate::alerts::cap::{self, BuildArea, BuildInput, CapTime};
use crate::alerts::draft::{check_revision, state_of};
use crate::alerts::kind::AlertKind;
use crate::alerts::state::{Act, AlertError, AlertState};
use crate::alerts::store::{self, AlertRow};
use crate::clock::Instant;
use crate::config::{AlertStatus, Config};
use crate::db::geometry;
use crate::dispatch::outbox;
use crate::events::{Event, notify};
use crate::ids::{AlertId, Ids, IncidentId};
use crate::incidents;

/// What issuing needs besides the alert.
#[derive(Clone, Copy, Debug)]
pub struct Issuer<'a> {
    pub config: &'a Config,
    pub ids: &'a Ids,
}

/// What left.
#[derive(Clone, Debug, serde::Serialize, utoipa::ToSchema)]
pub struct Issued {
    pub number: String,
    pub cap_identifier: String,
    #[schema(value_type = uuid::Uuid)]
    pub incident_id: IncidentId,
    pub recipients: i64,
}

impl Issuer<'_> {
    /// Issues a draft. `actor` is the entitled person, or the policy that the contingency plan names.
    ///
    /// # Errors
    /// `Incomplete` lists everything that keeps the message from leaving; `Stale` when the draft moved since `revision`;
    /// `Refused` when it, or the alert it answers, is not in a state for it.
    pub async fn issue(
        &self,
        conn: &mut PgConnection,
        now: Instant,
        actor: &str,
        id: AlertId,
        revision: i32,
    ) -> Result<Issued, AlertError> {
        // The alert that is answered is older, and everyone locks alerts in the order of their ids.
        let answers = store::answered_by(&mut *conn, id).await?;
        if let Some(answered) = answers {
            store::lock(&mut *conn, answered).await?;
        }
        let alert = store::lock(&mut *conn, id).await?.ok_or(AlertError::NotFound)?;
        check_revision(&alert, revision)?;
        let kind: AlertKind = alert.kind.parse().map_err(anyhow::Error::from)?;
        let state = state_of(&alert)?.after(Act::Issue(kind))?;
        crate::exercises::copies::permit(&mut *conn, id).await?;
        let chain = self.answered(&mut *conn, now, &alert, kind).await?;
        let draft = self.compose(&mut *conn, now, actor, &alert, kind, &chain).await?;
        self.write(&mut *conn, now, actor, &alert, state, &draft).await?;
        let enqueued = outbox::enqueue(&mut *conn, now, id).await?;
        crate::exercises::copies::of_alert(&mut *conn, (self.config, self.ids), now, id).await?;
        let issued_as = json!({ "number": draft.number, "identifier": draft.identifier, "recipients": enqueued });
        store::record(&mut *conn, id, now, actor, "issued", &issued_as).await?;
        let subject = incidents::store::Subject {
            alert: id,
            number: &draft.number,
            headline: &alert.headline,
            cobrade: &alert.cobrade,
            references: alert.references_alert_id,
            kind,
        };
        let incident =
            incidents::store::open_for_alert(&mut *conn, self.ids, now, self.local_year(now), actor, &subject).await?;
        notify(&mut *conn, &Event::Alert { id: id.0 }).await?;
        notify(conn, &Event::Outbox).await?;
        Ok(Issued {
            number: draft.number,
            cap_identifier: draft.identifier,
            incident_id: incident,
            recipients: enqueued.sms + enqueued.email,
        })
    }

    /// The message as it would leave now. The caller rolls back, so that the number it takes goes to whoever issues.
    ///
    /// # Errors
    /// As [`Self::issue`].
    pub async fn preview(
        &self,
        conn: &mut PgConnection,
        now: Instant,
        actor: &str,
        id: AlertId,
    ) -> Result<String, AlertError> {
        let alert = store::lock(&mut *conn, id).await?.ok_or(AlertError::NotFound)?;
        let kind: AlertKind = alert.kind.parse().map_err(anyhow::Error::from)?;
        state_of(&alert)?.after(Act::Issue(kind))?;
        let references = match alert.references_alert_id {
            Some(answered) => chain(&mut *conn, answered).await?,
            None => Vec::new(),
        };
        Ok(self.compose(conn, now, actor, &alert, kind, &references).await?.xml)
    }

    /// Ends the alert that this one answers, and gives every earlier message of the chain for `references`.
    async fn answered(
        &self,
        conn: &mut PgConnection,
        now: Instant,
        alert: &AlertRow,
        kind: AlertKind,
    ) -> Result<Vec<Reference>, AlertError> {
        let Some(id) = alert.references_alert_id else {
            return if kind == AlertKind::Alert {
                Ok(Vec::new())
            } else {
                Err(AlertError::Refused(format!("an {kind} must answer an alert")))
            };
        };
        let answered = store::lock(&mut *conn, id).await?.ok_or(AlertError::NotFound)?;
        let state = state_of(&answered)?.after(Act::Answered(kind))?;
        sqlx::query!("update alert set state = $2, ended_at = $3 where id = $1", id.0, state.as_str(), now)
            .execute(&mut *conn)
            .await?;
        store::record(&mut *conn, id, now, "service", state.as_str(), &json!({ "by_alert": alert.id })).await?;
        outbox::withdraw(&mut *conn, now, id, &format!("{state} before it was sent")).await?;
        notify(&mut *conn, &Event::Alert { id: id.0 }).await?;
        chain(conn, id).await
    }

    async fn compose(
        &self,
        conn: &mut PgConnection,
        now: Instant,
        actor: &str,
        alert: &AlertRow,
        kind: AlertKind,
        references: &[Reference],
    ) -> Result<Composed, AlertError> {
        let town = &self.config.municipality;
        let mut missing = missing_parts(alert, now, actor);
        let areas = build_areas(&mut *conn, alert.id, &town.ibge_code).await?;
        if areas.is_empty() {
            missing.push("it has no area".into());
        }
        if !missing.is_empty() {
            return Err(AlertError::Incomplete(missing));
        }
        let year = self.local_year(now);
        let (number, count) = store::next_number(conn, "alert", year).await?;
        let salt: String = self.ids.bytes::<4>().iter().map(|byte| format!("{byte:02x}")).collect();
        // Town, year and number alone are unique here; the salt keeps two installations of one town apart.
        let identifier = format!("BR-{}-{year}-{count:04}-{salt}", town.ibge_code);
        let message = cap::build(&BuildInput {
            identifier: identifier.clone(),
            sender: town.sender.clone(),
            sender_name: town.sender_name.clone(),
            sent: now,
            time_zone: town.time_zone,
            kind,
            status: status_of(alert)?,
            references: references.to_vec(),
            cobrade: alert.cobrade.parse().map_err(anyhow::Error::from)?,
            level: alert.level.parse().map_err(anyhow::Error::from)?,
            headline: alert.headline.clone(),
            description: alert.description.clone(),
            instruction: alert.instruction.clone(),
            expires_at: alert.expires_at,
            web: format!("{}/alerts/{identifier}", self.config.public_url()),
            contact: town.contact.clone(),
            language: "pt-BR".into(),
            areas,
            parameters: parameters(alert, &number),
        });
        let mut problems = cap::validate::check(&message);
        problems.extend(cap::validate::check_public(&message));
        if !problems.is_empty() {
            let lines = problems.into_iter().map(|problem| format!("{}: {}", problem.path, problem.message)).collect();
            return Err(AlertError::Incomplete(lines));
        }
        let xml = cap::xml::write(&message);
        Ok(Composed { number, identifier, sender: message.sender, sent: message.sent.as_str().to_owned(), xml })
    }

    async fn write(
        &self,
        conn: &mut PgConnection,
        now: Instant,
        actor: &str,
        alert: &AlertRow,
        state: AlertState,
        composed: &Composed,
    ) -> Result<(), AlertError> {
        let ended = (state != AlertState::Issued).then_some(now);
        sqlx::query!(
            "update alert set state = $2, number = $3, cap_identifier = $4, cap_sender = $5, cap_sent = $6, cap_xml = $7,
                              issued_at = $8, approved_at = $8, approved_by = $9, ended_at = $10 where id = $1",
            alert.id.0,
            state.as_str(),
            composed.number,
            composed.identifier,
            composed.sender,
            composed.sent,
            composed.xml,
            now,
            actor,
            ended
        )
        .execute(conn)
        .await?;
        Ok(())
    }

    /// Numbers turn with the municipality's year, not with UTC's.
    fn local_year(&self, now: Instant) -> i32 {
        use chrono::Datelike as _;
        now.with_timezone(&self.config.municipality.time_zone).year()
    }
}

struct Composed {
    number: String,
    identifier: String,
    sender: String,
    sent: String,
    xml: String,
}

fn missing_parts(alert: &AlertRow, now: Instant, actor: &str) -> Vec<String> {
    let mut missing = Vec::new();
    for (what, text) in [
        ("headline", &alert.headline),
        ("description", &alert.description),
        ("instruction", &alert.instruction),
        ("SMS text", &alert.sms_text),
    ] {
        if text.trim().is_empty() {
            missing.push(format!("the {what} is empty"));
        }
    }
    if alert.expires_at <= now {
        missing.push(format!("it expires at {}, which is over", alert.expires_at));
    }
    if actor.is_empty() {
        missing.push("nobody entitled issues it".into());
    }
    missing
}

pub(super) fn status_of(alert: &AlertRow) -> Result<AlertStatus, AlertError> {
    match alert.status.as_str() {
        "actual" => Ok(AlertStatus::Actual),
        "exercise" => Ok(AlertStatus::Exercise),
        "test" => Ok(AlertStatus::Test),
        other => Err(anyhow::anyhow!("alert status {other:?} is unknown").into()),
    }
}

fn parameters(alert: &AlertRow, number: &str) -> Vec<NamedValue> {
    let mut parameters = vec![NamedValue::new("level", &alert.level), NamedValue::new("number", number)];
    if let (Some(rule), Some(version)) = (&alert.rule_id, alert.rule_version) {
        parameters.push(NamedValue::new("rule", format!("{rule} v{version}")));
    }
    parameters
}

async fn build_areas(conn: &mut PgConnection, id: AlertId, ibge_code: &str) -> Result<Vec<BuildArea>, AlertError> {
    let rows = sqlx::query!(
        r#"select a.name, r.code, st_asbinary(a.geom) as "geom!" from alert_area a join risk_area r on r.id = a.area_id
           where a.alert_id = $1 order by a.name, a.area_id"#,
        id.0
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let polygons = geometry::polygons_from_wkb(&row.geom).map_err(anyhow::Error::from)?;
            Ok(BuildArea { name: row.name, polygons, ibge_code: ibge_code.to_owned(), area_code: row.code })
        })
        .collect()
}

/// The messages of a chain, oldest first, each with its `sent` exactly as it was written.
async fn chain(conn: &mut PgConnection, newest: AlertId) -> Result<Vec<Reference>, AlertError> {
    let rows = sqlx::query!(
        r#"with recursive chain as (
               select id, references_alert_id, issued_at, cap_sender, cap_identifier, cap_sent from alert where id = $1
               union all
               select a.id, a.references_alert_id, a.issued_at, a.cap_sender, a.cap_identifier, a.cap_sent
               from alert a join chain c on a.id = c.references_alert_id)
           select cap_sender as "sender!", cap_identifier as "identifier!", cap_sent as "sent!" from chain
           where cap_identifier is not null order by issued_at"#,
        newest.0
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let sent = CapTime::parse(&row.sent).map_err(anyhow::Error::from)?;
            Ok(Reference { sender: row.sender, identifier: row.identifier, sent })
        })
        .collect()
}
