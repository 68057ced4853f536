//! The moment an alert leaves: number, CAP message, outbox, incident and history in one transaction.

use chrono::TimeDelta;
use serde_json::json;
use sqlx::PgConnection;

use crate::alerts::cap::model::{Circle, NamedValue, Point, Reference, Status};
use crate::alerts::cap::{self, BuildArea, BuildInput, CapTime, Translation};
use crate::alerts::kind::AlertKind;
use crate::alerts::life::{self, Life};
use crate::alerts::refusal::Lack;
use crate::alerts::signing;
use crate::alerts::state::{AlertError, AlertState};
use crate::alerts::store::{self, AlertRow};
use crate::clock::Instant;
use crate::config::{AlertStatus, Config};
use crate::db::geometry;
use crate::dispatch::outbox;
use crate::events::{Event, notify};
use crate::ids::{AlertId, Ids, IncidentId};
use crate::incidents;
use crate::plancon::activation;
use crate::telemetry::trace::TARGET;
use crate::vault::Keyring;

/// What issuing needs besides the alert.
#[derive(Clone, Copy, Debug)]
pub struct Issuer<'a> {
    pub config: &'a Config,
    pub ids: &'a Ids,
    /// Opens the key that signs.
    pub keys: &'a Keyring,
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

impl<'a> Issuer<'a> {
    /// What this service issues with.
    pub fn of(app: &'a crate::app::App) -> Self {
        Self { config: &app.config, ids: &app.ids, keys: &app.keys }
    }

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
        let _traced = tracing::info_span!(target: TARGET, "alert.issue", alert = %id);
        // The alert that is answered is older, and everyone locks alerts in the order of their ids.
        let answered = match store::answered_by(&mut *conn, id).await? {
            Some(answered) => store::lock(&mut *conn, answered).await?,
            None => None,
        };
        let alert = store::lock(&mut *conn, id).await?.ok_or(AlertError::NotFound)?;
        let life = Life::of(&alert)?;
        // Whoever asks here without having gone through the approval stands behind it alone.
        let life = if life.state == AlertState::Approved { life } else { life.approved(revision)? };
        let kind = life.kind;
        let leaving = life.leave(answered.as_ref().map(Life::of).transpose()?)?;
        crate::exercises::copies::permit(&mut *conn, id).await?;
        let chain = match &leaving.answered {
            Some(answered) => self.end_answered(&mut *conn, now, id, answered).await?,
            None => Vec::new(),
        };
        let draft = self.compose(&mut *conn, now, actor, &alert, kind, &chain).await?;
        self.write(&mut *conn, now, actor, &alert, leaving.life.state, &draft).await?;
        let enqueued = outbox::enqueue(&mut *conn, now, id).await?;
        crate::exercises::copies::of_alert(&mut *conn, (self.config, self.ids), now, id).await?;
        crate::institutions::store::open(&mut *conn, self.ids, now, id).await?;
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
        if matches!(kind, AlertKind::Alert | AlertKind::Update) {
            let tools = activation::Tools { config: self.config, ids: self.ids };
            activation::by_alert(&mut *conn, tools, (now, actor), incident, (id, &draft.number)).await?;
        }
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
        let kind = Life::of(&alert)?.approved(alert.revision)?.kind;
        let references = match alert.references_alert_id {
            Some(answered) => chain(&mut *conn, answered).await?,
            None => Vec::new(),
        };
        Ok(self.compose(conn, now, actor, &alert, kind, &references).await?.xml)
    }

    /// Ends the alert that this one answers, takes back what has not left of it, and gives every earlier message of the chain
    /// for `references`.
    async fn end_answered(
        &self,
        conn: &mut PgConnection,
        now: Instant,
        by: AlertId,
        answered: &Life,
    ) -> Result<Vec<Reference>, AlertError> {
        let (id, state) = (answered.id, answered.state);
        sqlx::query!("update alert set state = $2, ended_at = $3 where id = $1", id.0, state.as_str(), now)
            .execute(&mut *conn)
            .await?;
        store::record(&mut *conn, id, now, "service", state.as_str(), &json!({ "by_alert": by })).await?;
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
        let mut missing = life::missing(alert, now, actor);
        let areas = build_areas(&mut *conn, alert.id, &town.ibge_code).await?;
        if areas.is_empty() {
            missing.push(Lack::Area);
        }
        if !missing.is_empty() {
            return Err(AlertError::Incomplete(missing));
        }
        let translations = translations(&mut *conn, alert.id).await?;
        let based_on = based_on(&mut *conn, alert.id).await?;
        let year = self.local_year(now);
        let status = cap_status(alert)?;
        let (number, count) = store::next_number(conn, "alert", year).await?;
        let identifier = cap::build::identifier(&town.ibge_code, year, count, self.ids.bytes::<4>(), status);
        let public_page = format!("{}/alerts/{identifier}", self.config.public_url());
        let sent = sent_after(now, references);
        let message = cap::build(&BuildInput {
            identifier: identifier.clone(),
            sender: town.sender.clone(),
            sender_name: town.sender_name.clone(),
            sent,
            time_zone: town.time_zone,
            kind,
            status,
            references: references.to_vec(),
            cobrade: alert.cobrade.parse().map_err(anyhow::Error::from)?,
            level: alert.level.parse().map_err(anyhow::Error::from)?,
            headline: alert.headline.clone(),
            description: alert.description.clone(),
            instruction: alert.instruction.clone(),
            expires_at: alert.expires_at + (sent - now),
            map_picture: format!("{public_page}/map.png"),
            web: public_page,
            contact: town.contact.clone(),
            language: "pt-BR".into(),
            translations,
            areas,
            parameters: parameters(alert, &number).into_iter().chain(based_on).collect(),
        });
        let mut problems = cap::validate::check(&message);
        problems.extend(cap::validate::check_public(&message));
        if !problems.is_empty() {
            return Err(AlertError::Incomplete(problems.into_iter().map(Lack::Cap).collect()));
        }
        let xml = self.signed(conn, now, cap::xml::write(&message)).await?;
        Ok(Composed { number, identifier, sender: message.sender, sent: message.sent.as_str().to_owned(), xml })
    }

    /// The message with its signature. Without one it does not leave, unless the configuration says that none is signed.
    async fn signed(&self, conn: &mut PgConnection, now: Instant, message: String) -> Result<String, AlertError> {
        if !self.config.signing.enabled {
            return Ok(message);
        }
        let desk = signing::Desk { config: self.config, ids: self.ids, keys: self.keys };
        let signed = match desk.active(conn, now).await {
            Ok(key) => cap::signature::sign(&message, &key).map_err(signing::KeyError::from),
            Err(error) => Err(error),
        };
        signed.map_err(|error| match error {
            signing::KeyError::Database(error) => error.into(),
            other => AlertError::Incomplete(vec![Lack::Signature(other.to_string())]),
        })
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

/// When a message says that it was sent: now, and where the clock was set back meanwhile a second after what it answers. CAP forbids
/// a reference to a later message, and the end of a warning must not wait for a clock.
fn sent_after(now: Instant, references: &[Reference]) -> Instant {
    let latest = references.iter().map(|reference| reference.sent.instant()).max();
    latest.filter(|latest| *latest > now).map_or(now, |latest| latest + TimeDelta::seconds(1))
}

struct Composed {
    number: String,
    identifier: String,
    sender: String,
    sent: String,
    xml: String,
}

pub(super) fn status_of(alert: &AlertRow) -> Result<AlertStatus, AlertError> {
    Ok(alert.status.parse().map_err(anyhow::Error::from)?)
}

fn parameters(alert: &AlertRow, number: &str) -> Vec<NamedValue> {
    let mut parameters = vec![NamedValue::new("level", &alert.level), NamedValue::new("number", number)];
    if let (Some(rule), Some(version)) = (&alert.rule_id, alert.rule_version) {
        parameters.push(NamedValue::new("rule", format!("{rule} v{version}")));
    }
    parameters
}

/// What another institution said that the alert was made from: whoever reads the message finds it by the line and by its name.
async fn based_on(conn: &mut PgConnection, id: AlertId) -> Result<Vec<NamedValue>, AlertError> {
    let row = sqlx::query!(
        r#"select a.attribution, w.sender as "sender?", w.identifier as "identifier?"
           from alert a left join outside_warning w on w.id = a.based_on_warning_id where a.id = $1"#,
        id.0
    )
    .fetch_one(conn)
    .await?;
    let line = row.attribution.map(|line| NamedValue::new("basedOn", line));
    let name =
        row.sender.zip(row.identifier).map(|(sender, id)| NamedValue::new("basedOnMessage", format!("{sender},{id}")));
    Ok(line.into_iter().chain(name).collect())
}

/// As CAP has it. What is written in the database is a word of our own.
fn cap_status(alert: &AlertRow) -> Result<Status, AlertError> {
    match alert.status.as_str() {
        "actual" => Ok(Status::Actual),
        "exercise" => Ok(Status::Exercise),
        "test" => Ok(Status::Test),
        "system" => Ok(Status::System),
        other => Err(anyhow::anyhow!("alert status {other:?} is unknown").into()),
    }
}

async fn translations(conn: &mut PgConnection, id: AlertId) -> Result<Vec<Translation>, AlertError> {
    let rows = sqlx::query!(
        "select language, headline, description, instruction, edited from alert_text where alert_id = $1 order by language",
        id.0
    );
    let rows = rows.fetch_all(conn).await?;
    // A template puts names into its words, and a name may look like markup; what a person wrote is refused where it does.
    let said = |text: String, edited: bool| if edited { text } else { cap::validate::without_markup(&text) };
    let translations = rows.into_iter().map(|row| Translation {
        language: row.language,
        headline: said(row.headline, row.edited),
        description: said(row.description, row.edited),
        instruction: said(row.instruction, row.edited),
    });
    Ok(translations.collect())
}

/// Everything that the alert holds for: risk areas first, then places that were drawn or given otherwise.
async fn build_areas(conn: &mut PgConnection, id: AlertId, ibge_code: &str) -> Result<Vec<BuildArea>, AlertError> {
    let rows = sqlx::query!(
        r#"select t.name as "name!", t.code, st_asbinary(t.geom) as "geom!", st_y(s.centre) as lat, st_x(s.centre) as lon,
                  s.radius_km
           from alert_target t left join alert_shape s on s.id = t.shape_id
           where t.alert_id = $1 order by t.shape_id nulls first, t.name, t.area_id"#,
        id.0
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let polygons = geometry::polygons_from_wkb(&row.geom).map_err(anyhow::Error::from)?;
            let circle = match (row.lat, row.lon, row.radius_km) {
                (Some(lat), Some(lon), Some(radius_km)) => Some(Circle { centre: Point { lat, lon }, radius_km }),
                _ => None,
            };
            let area_code = row.code.unwrap_or_default();
            Ok(BuildArea { name: row.name, polygons, circle, ibge_code: ibge_code.to_owned(), area_code })
        })
        .collect()
}

/// The messages of a chain, oldest first, each with its `sent` exactly as it was written.
async fn chain(conn: &mut PgConnection, newest: AlertId) -> Result<Vec<Reference>, AlertError> {
    let rows = sqlx::query!(
        r#"with recursive chain as (
               select id, references_alert_id, 0 as back, cap_sender, cap_identifier, cap_sent from alert where id = $1
               union all
               select a.id, a.references_alert_id, c.back + 1, a.cap_sender, a.cap_identifier, a.cap_sent
               from alert a join chain c on a.id = c.references_alert_id)
           select cap_sender as "sender!", cap_identifier as "identifier!", cap_sent as "sent!" from chain
           where cap_identifier is not null order by back desc"#,
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
