//! Reading alerts.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgConnection;

use crate::alerts::approve::Approval;
use crate::alerts::audience::Audience;
use crate::alerts::book::OpenAlert;
use crate::alerts::draft::Subject;
use crate::alerts::shape::store::Place;
use crate::alerts::state::AlertState;
use crate::alerts::wording::OtherText;
use crate::clock::Instant;
use crate::config::AlertStatus;
use crate::ids::{AlertId, AreaId};
use crate::risk::explain::Explanation;

/// The author of drafts that a rule asked for.
pub const RULE: &str = "rule";

/// One line of a list.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct AlertSummary {
    #[schema(value_type = uuid::Uuid)]
    pub id: AlertId,
    pub number: Option<String>,
    pub state: String,
    pub kind: String,
    pub status: String,
    pub cobrade: String,
    pub level: String,
    pub headline: String,
    pub created_at: DateTime<Utc>,
    pub created_by: String,
    pub issued_at: Option<DateTime<Utc>>,
    pub expires_at: DateTime<Utc>,
    pub cap_identifier: Option<String>,
    pub areas: Vec<String>,
}

/// Which alerts to list. Drafts are all that nobody has decided upon, submitted or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    Drafts,
    /// Issued and in force.
    Active,
    All,
}

/// Newest first, at most `limit`.
pub async fn list(conn: &mut PgConnection, filter: Filter, limit: i64) -> sqlx::Result<Vec<AlertSummary>> {
    let states: Vec<String> = match filter {
        Filter::Drafts => vec!["draft".into(), "submitted".into()],
        Filter::Active => vec!["issued".into()],
        Filter::All => Vec::new(),
    };
    sqlx::query_as!(
        AlertSummary,
        r#"select a.id as "id: AlertId", a.number, a.state, a.kind, a.status, a.cobrade, a.level, a.headline, a.created_at,
                  a.created_by, a.issued_at, a.expires_at, a.cap_identifier,
                  array(select name from alert_target where alert_id = a.id order by name) as "areas!"
           from alert a where cardinality($1::text[]) = 0 or a.state = any($1)
           order by coalesce(a.issued_at, a.created_at) desc, a.id limit $2"#,
        &states,
        limit
    )
    .fetch_all(conn)
    .await
}

/// Everything about one alert, with its areas and history.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct AlertDetail {
    #[serde(flatten)]
    pub row: AlertRow,
    pub areas: Vec<AlertArea>,
    /// Everything that it holds for: the risk areas again, and whatever was drawn, chosen or uploaded beside them.
    pub places: Vec<Place>,
    /// What it says in other languages than the town's own.
    pub texts: Vec<OtherText>,
    pub events: Vec<AlertEvent>,
    /// Who approved which revision; an approval that was taken back is not among them.
    pub approvals: Vec<Approval>,
}

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct AlertRow {
    #[schema(value_type = uuid::Uuid)]
    pub id: AlertId,
    pub state: String,
    pub kind: String,
    pub status: String,
    pub cobrade: String,
    pub level: String,
    pub headline: String,
    pub description: String,
    pub instruction: String,
    pub sms_text: String,
    pub severity: String,
    pub urgency: String,
    pub certainty: String,
    pub expires_at: DateTime<Utc>,
    #[schema(value_type = Option<uuid::Uuid>)]
    pub references_alert_id: Option<AlertId>,
    /// Metres around its places within which people are told too.
    pub buffer_m: i32,
    /// Whoever's home is known no better than so many metres is left out; null leaves nobody out.
    pub leave_out_from_m: Option<i32>,
    pub rule_id: Option<String>,
    pub rule_version: Option<i32>,
    #[schema(value_type = Vec<Object>)]
    pub reasons: serde_json::Value,
    pub created_at: DateTime<Utc>,
    pub created_by: String,
    pub revision: i32,
    pub edited: bool,
    /// A person said until when it holds.
    #[serde(skip)]
    pub expiry_chosen: bool,
    /// The warning of another institution that it is based on, in the town's own language.
    pub attribution: Option<String>,
    /// The same in the other languages, by language.
    #[serde(skip)]
    pub attribution_lines: serde_json::Value,
    /// Since when it waits for a decision, and who asked for it.
    pub submitted_at: Option<DateTime<Utc>>,
    pub submitted_by: Option<String>,
    /// The last time it was given back and not submitted again since.
    pub returned_at: Option<DateTime<Utc>>,
    pub returned_by: Option<String>,
    pub return_reason: Option<String>,
    pub approved_at: Option<DateTime<Utc>>,
    pub approved_by: Option<String>,
    pub issued_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    pub number: Option<String>,
    pub cap_identifier: Option<String>,
    pub cap_sender: Option<String>,
    pub cap_sent: Option<String>,
}

impl AlertRow {
    /// Whom it goes to, beside those inside its places.
    pub const fn audience(&self) -> Audience {
        Audience { buffer_m: self.buffer_m, leave_out_from_m: self.leave_out_from_m }
    }
}

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct AlertArea {
    #[schema(value_type = i64)]
    pub area_id: AreaId,
    pub code: String,
    pub name: String,
    /// Everything that was looked at when a rule put it into the alert; null for an area that a person chose.
    #[schema(value_type = Option<Object>)]
    pub explanation: Option<serde_json::Value>,
    /// The instant of it.
    #[serde(skip)]
    pub explained_at: Option<String>,
}

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct AlertEvent {
    pub at: DateTime<Utc>,
    pub actor: String,
    pub action: String,
    #[schema(value_type = Object)]
    pub detail: serde_json::Value,
}

/// One alert; `None` when there is none of that id.
pub async fn load(conn: &mut PgConnection, id: AlertId) -> sqlx::Result<Option<AlertDetail>> {
    let Some(row) = load_row(&mut *conn, id).await? else { return Ok(None) };
    let areas = load_areas(&mut *conn, id).await?;
    let places = super::shape::store::places(&mut *conn, id).await?;
    let texts = super::wording::store::others(&mut *conn, id).await?;
    let events = sqlx::query_as!(
        AlertEvent,
        "select at, actor, action, detail from alert_event where alert_id = $1 order by id",
        id.0
    )
    .fetch_all(&mut *conn)
    .await?;
    let approvals = super::approve::approvals(conn, id).await?;
    Ok(Some(AlertDetail { row, areas, places, texts, events, approvals }))
}

/// Keeps what was looked at when a rule put an area into an alert.
pub(super) async fn keep_explanation(
    conn: &mut PgConnection,
    id: AlertId,
    area: AreaId,
    explanation: &Explanation,
) -> anyhow::Result<()> {
    sqlx::query!(
        "update alert_area set explanation = $3 where alert_id = $1 and area_id = $2",
        id.0,
        area.0,
        serde_json::to_value(explanation)?
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn load_areas(conn: &mut PgConnection, id: AlertId) -> sqlx::Result<Vec<AlertArea>> {
    sqlx::query_as!(
        AlertArea,
        r#"select aa.area_id as "area_id: AreaId", r.code, aa.name, aa.explanation,
                  aa.explanation ->> 'at' as "explained_at?"
           from alert_area aa join risk_area r on r.id = aa.area_id where aa.alert_id = $1 order by aa.name, aa.area_id"#,
        id.0
    )
    .fetch_all(conn)
    .await
}

async fn load_row(conn: &mut PgConnection, id: AlertId) -> sqlx::Result<Option<AlertRow>> {
    sqlx::query_as!(
        AlertRow,
        r#"select id as "id: AlertId", state, kind, status, cobrade, level, headline, description, instruction, sms_text,
                  severity, urgency, certainty, expires_at, references_alert_id as "references_alert_id: AlertId",
                  buffer_m, leave_out_from_m, rule_id, rule_version, reasons, created_at, created_by, revision, edited, expiry_chosen, attribution,
                  attribution_lines, submitted_at, submitted_by,
                  returned_at, returned_by, return_reason, approved_at, approved_by, issued_at, ended_at, number, cap_identifier, cap_sender, cap_sent
           from alert where id = $1"#,
        id.0
    )
    .fetch_optional(conn)
    .await
}

/// The row, held against every other writer until the transaction ends.
pub(super) async fn lock(conn: &mut PgConnection, id: AlertId) -> sqlx::Result<Option<AlertRow>> {
    let found = sqlx::query_scalar!("select 1 as one from alert where id = $1 for no key update", id.0)
        .fetch_optional(&mut *conn)
        .await?;
    if found.is_none() { Ok(None) } else { load_row(conn, id).await }
}

/// The alert that this one answers, if any.
pub(super) async fn answered_by(conn: &mut PgConnection, id: AlertId) -> sqlx::Result<Option<AlertId>> {
    let found = sqlx::query_scalar!(r#"select references_alert_id as "id: AlertId" from alert where id = $1"#, id.0)
        .fetch_optional(conn)
        .await?;
    Ok(found.flatten())
}

/// Codes of the hazards that the areas in service are mapped for.
pub async fn hazards_of_areas(conn: &mut PgConnection) -> sqlx::Result<BTreeSet<String>> {
    let codes = sqlx::query_scalar!(
        "select distinct h.cobrade from area_hazard h join risk_area r on r.id = h.area_id where r.retired_at is null"
    );
    Ok(codes.fetch_all(conn).await?.into_iter().collect())
}

/// The draft that this person began since then for the same, and did not touch since. Whoever asks at the same time waits.
pub(super) async fn begun_just_now(
    conn: &mut PgConnection,
    (since, actor): (Instant, &str),
    subject: &Subject<'_>,
) -> sqlx::Result<Option<AlertId>> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('begin alert ' || $1, 0))", actor)
        .execute(&mut *conn)
        .await?;
    sqlx::query_scalar!(
        r#"select a.id as "id: AlertId" from alert a
           where a.created_at > $1 and a.created_by = $2 and a.state = 'draft' and a.kind = 'alert' and not a.edited
             and a.cobrade = $3 and a.level = $4 and a.status = $5 and a.references_alert_id is null
             and not exists (select from alert_target t where t.alert_id = a.id)
           order by a.created_at desc limit 1"#,
        since,
        actor,
        subject.cobrade.to_string(),
        subject.level.as_str(),
        subject.status.as_str()
    )
    .fetch_optional(conn)
    .await
}

/// Whether the words of an alert are this person's.
pub async fn is_written_by(conn: &mut PgConnection, id: AlertId, username: &str) -> sqlx::Result<bool> {
    let found = sqlx::query_scalar!(
        "select 1 as one from alert a join staff s on s.id = a.written_by where a.id = $1 and s.username = $2",
        id.0,
        username
    );
    Ok(found.fetch_optional(conn).await?.is_some())
}

/// The alerts of one status that are open and have not run out, as the book reads them, in the order of their ids. An
/// exercise neither hides nor joins the real thing.
pub async fn load_open(conn: &mut PgConnection, now: Instant, status: AlertStatus) -> anyhow::Result<Vec<OpenAlert>> {
    let rows = sqlx::query!(
        r#"select a.id as "id: AlertId", a.kind, a.state, a.cobrade, a.level, a.created_by,
                  a.references_alert_id as "references_alert_id: AlertId",
                  array(select area_id from alert_area where alert_id = a.id) as "areas!"
           from alert a where a.state in ('draft', 'submitted', 'issued') and a.expires_at > $1 and a.status = $2
           order by a.id for no key update"#,
        now,
        status.as_str()
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(OpenAlert {
                id: row.id,
                kind: row.kind.parse()?,
                draft: row.state.parse::<AlertState>()?.is_undecided(),
                hazard: row.cobrade.parse()?,
                level: row.level.parse()?,
                areas: row.areas.into_iter().map(AreaId).collect::<BTreeSet<_>>(),
                references: row.references_alert_id,
                by_rule: row.created_by == RULE,
            })
        })
        .collect()
}

/// Keeps whom a draft goes to.
pub(super) async fn keep_audience(conn: &mut PgConnection, id: AlertId, audience: Audience) -> sqlx::Result<()> {
    sqlx::query!(
        "update alert set buffer_m = $2, leave_out_from_m = $3 where id = $1",
        id.0,
        audience.buffer_m,
        audience.leave_out_from_m
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds to the alert's history.
pub async fn record(
    conn: &mut PgConnection,
    id: AlertId,
    now: Instant,
    actor: &str,
    action: &str,
    detail: &serde_json::Value,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into alert_event (alert_id, at, actor, action, detail) values ($1, $2, $3, $4, $5)",
        id.0,
        now,
        actor,
        action,
        detail
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The next number of a series in a year, "2026/015". Taken in the transaction of the act, so no number is lost.
pub async fn next_number(conn: &mut PgConnection, series: &str, year: i32) -> sqlx::Result<(String, i32)> {
    let number = sqlx::query_scalar!(
        "insert into number_series (series, year, last_number) values ($1, $2, 1)
         on conflict (series, year) do update set last_number = number_series.last_number + 1
         returning last_number",
        series,
        year
    )
    .fetch_one(conn)
    .await?;
    Ok((format!("{year}/{number:03}"), number))
}
