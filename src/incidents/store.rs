//! Incidents and their timeline.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::timeline;
use crate::alerts::kind::AlertKind;
use crate::alerts::state::AlertError;
use crate::alerts::store::next_number;
use crate::clock::Instant;
use crate::cobrade::Cobrade;
use crate::events::{Event, notify};
use crate::ids::{AlertId, Ids, IncidentId};

/// An alert of the same hazard joins an open incident that began within this time.
const SAME_EVENT_H: i64 = 24;

/// The alert that opens or joins an incident.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    pub alert: AlertId,
    pub number: &'a str,
    pub headline: &'a str,
    pub cobrade: &'a str,
    pub references: Option<AlertId>,
    pub kind: AlertKind,
}

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Incident {
    #[schema(value_type = uuid::Uuid)]
    pub id: IncidentId,
    pub number: String,
    pub title: String,
    pub cobrade: String,
    pub state: String,
    pub opened_at: DateTime<Utc>,
    pub opened_by: String,
    pub closed_at: Option<DateTime<Utc>>,
    pub closed_by: Option<String>,
    /// It is exercised, or of a test.
    pub drill: bool,
}

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Entry {
    pub id: i64,
    pub at: DateTime<Utc>,
    pub actor: String,
    pub kind: String,
    pub text: String,
    #[schema(value_type = Object)]
    pub detail: Value,
    /// The earlier line that this one corrects; that line stays.
    pub corrects: Option<i64>,
}

/// Opens an incident for an issued alert, or takes the alert into the one that runs, and writes the alert's history so far
/// (rise, draft, edits, approval) onto the timeline.
pub async fn open_for_alert(
    conn: &mut PgConnection,
    ids: &Ids,
    now: Instant,
    year: i32,
    actor: &str,
    subject: &Subject<'_>,
) -> Result<IncidentId, AlertError> {
    let running = running_for(&mut *conn, now, subject).await?;
    let id = match running {
        Some(id) => id,
        None => open(&mut *conn, ids, now, year, actor, subject).await?,
    };
    sqlx::query!("insert into incident_alert (incident_id, alert_id) values ($1, $2)", id.0, subject.alert.0)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "insert into incident_entry (incident_id, at, actor, kind, text, detail)
         select $1, e.at, e.actor, 'alert', e.action || ' · ' || $3, e.detail || jsonb_build_object('alert_id', e.alert_id)
         from alert_event e where e.alert_id = $2 order by e.id",
        id.0,
        subject.alert.0,
        format!("{} {}", subject.number, subject.headline)
    )
    .execute(&mut *conn)
    .await?;
    notify(conn, &Event::Incident { id: id.0 }).await?;
    Ok(id)
}

/// The incident that this alert belongs to: that of the alert it answers, or one of the same hazard that began lately. What is
/// exercised and what happens never share one, nor do two exercises; one that people reported is real.
async fn running_for(conn: &mut PgConnection, now: Instant, subject: &Subject<'_>) -> sqlx::Result<Option<IncidentId>> {
    sqlx::query_scalar!(
        r#"select i.id as "id: IncidentId" from incident i
           where i.state = 'open'
             and (exists (select from incident_alert ia where ia.incident_id = i.id and ia.alert_id = $1)
                  or ($1::uuid is null and i.cobrade = $2 and i.opened_at > $3
                      and not exists (select from alert mine, incident_alert ia join alert other on other.id = ia.alert_id
                          where mine.id = $4 and ia.incident_id = i.id
                            and (other.status, other.exercise_id) is distinct from (mine.status, mine.exercise_id))
                      and exists (select from alert mine where mine.id = $4 and (mine.status = 'actual'
                          or exists (select from incident_alert ia where ia.incident_id = i.id)))))
           order by i.opened_at desc limit 1 for no key update"#,
        subject.references.map(|id| id.0) as Option<Uuid>,
        subject.cobrade,
        now - TimeDelta::hours(SAME_EVENT_H),
        subject.alert.0
    )
    .fetch_optional(conn)
    .await
}

async fn open(
    conn: &mut PgConnection,
    ids: &Ids,
    now: Instant,
    year: i32,
    actor: &str,
    subject: &Subject<'_>,
) -> Result<IncidentId, AlertError> {
    let id = IncidentId(ids.uuid(now));
    let (number, _) = next_number(&mut *conn, "incident", year).await?;
    let hazard = subject.cobrade.parse::<Cobrade>().map_or("", Cobrade::name);
    sqlx::query!(
        "insert into incident (id, number, title, cobrade, state, opened_at, opened_by) values ($1, $2, $3, $4, 'open', $5, $6)",
        id.0,
        number,
        format!("{hazard} · {}", subject.headline),
        subject.cobrade,
        now,
        actor
    )
    .execute(&mut *conn)
    .await?;
    let detail = json!({ "alert_id": subject.alert, "number": number });
    add_entry(
        conn,
        id,
        now,
        actor,
        "opened",
        &format!("Incidente {number} aberto pelo alerta {}", subject.number),
        &detail,
    )
    .await?;
    Ok(id)
}

/// What people reported, from which an incident is opened.
#[derive(Clone, Copy, Debug)]
pub struct Reported<'a> {
    pub occurrence: Uuid,
    pub number: &'a str,
    pub title: &'a str,
    pub hazard: Cobrade,
}

/// Opens an incident for what people reported.
pub async fn open_for_occurrence(
    conn: &mut PgConnection,
    ids: &Ids,
    now: Instant,
    year: i32,
    actor: &str,
    subject: &Reported<'_>,
) -> sqlx::Result<IncidentId> {
    let id = IncidentId(ids.uuid(now));
    let (number, _) = next_number(&mut *conn, "incident", year).await?;
    sqlx::query!(
        "insert into incident (id, number, title, cobrade, state, opened_at, opened_by) values ($1, $2, $3, $4, 'open', $5, $6)",
        id.0,
        number,
        subject.title,
        subject.hazard.to_string(),
        now,
        actor
    )
    .execute(&mut *conn)
    .await?;
    let detail = json!({ "occurrence_id": subject.occurrence, "number": number });
    let text = format!("Incidente {number} aberto pela ocorrência {}", subject.number);
    add_entry(conn, id, now, actor, "opened", &text, &detail).await?;
    Ok(id)
}

/// Adds a line to the timeline.
pub async fn add_entry(
    conn: &mut PgConnection,
    id: IncidentId,
    now: Instant,
    actor: &str,
    kind: &str,
    text: &str,
    detail: &Value,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into incident_entry (incident_id, at, actor, kind, text, detail) values ($1, $2, $3, $4, $5, $6)",
        id.0,
        now,
        actor,
        kind,
        text,
        detail
    )
    .execute(&mut *conn)
    .await?;
    notify(conn, &Event::Incident { id: id.0 }).await
}

/// Writes a note, or corrects an earlier one by a new line that points to it; nothing when this incident has no such line, or it was
/// corrected already. Returns the line.
pub async fn add_note(
    conn: &mut PgConnection,
    id: IncidentId,
    (now, actor): (Instant, &str),
    (text, detail): (&str, &Value),
    corrects: Option<i64>,
) -> sqlx::Result<Option<i64>> {
    let kind = if corrects.is_some() { timeline::CORRECTION } else { timeline::NOTE };
    let line = sqlx::query_scalar!(
        r#"insert into incident_entry (incident_id, at, actor, kind, text, corrects, detail)
           select $1, $2, $3, $4, $5, $6, $7
           where $6::bigint is null or exists (select from incident_entry e where e.id = $6 and e.incident_id = $1
               and e.kind in ('note', 'correction') and not exists (select from incident_entry c where c.corrects = e.id))
           returning id"#,
        id.0,
        now,
        actor,
        kind,
        text,
        corrects,
        detail
    )
    .fetch_optional(&mut *conn)
    .await?;
    if line.is_some() {
        notify(conn, &Event::Incident { id: id.0 }).await?;
    }
    Ok(line)
}

/// Adds a line to the incident of an alert, if it has an open one.
pub async fn add_entry_for_alert(
    conn: &mut PgConnection,
    alert: AlertId,
    now: Instant,
    actor: &str,
    kind: &str,
    text: &str,
    detail: &Value,
) -> sqlx::Result<()> {
    let id = sqlx::query_scalar!(
        r#"select i.id as "id: IncidentId" from incident i join incident_alert ia on ia.incident_id = i.id
           where ia.alert_id = $1 and i.state = 'open'"#,
        alert.0
    )
    .fetch_optional(&mut *conn)
    .await?;
    match id {
        Some(id) => add_entry(conn, id, now, actor, kind, text, detail).await,
        None => Ok(()),
    }
}

/// Newest first.
pub async fn list(conn: &mut PgConnection, limit: i64) -> sqlx::Result<Vec<Incident>> {
    sqlx::query_as!(
        Incident,
        r#"select id as "id: IncidentId", number, title, cobrade, state, opened_at, opened_by, closed_at, closed_by,
                  incident_is_drill(id) as "drill!"
           from incident order by opened_at desc, id limit $1"#,
        limit
    )
    .fetch_all(conn)
    .await
}

pub async fn load(conn: &mut PgConnection, id: IncidentId) -> sqlx::Result<Option<Incident>> {
    sqlx::query_as!(
        Incident,
        r#"select id as "id: IncidentId", number, title, cobrade, state, opened_at, opened_by, closed_at, closed_by,
                  incident_is_drill(id) as "drill!"
           from incident where id = $1"#,
        id.0
    )
    .fetch_optional(conn)
    .await
}

/// The timeline, oldest first, after `after` (an entry id, 0 for all).
pub async fn entries(conn: &mut PgConnection, id: IncidentId, after: i64, limit: i64) -> sqlx::Result<Vec<Entry>> {
    sqlx::query_as!(
        Entry,
        "select id, at, actor, kind, text, detail, corrects from incident_entry
         where incident_id = $1 and id > $2 order by at, id limit $3",
        id.0,
        after,
        limit
    )
    .fetch_all(conn)
    .await
}

/// The newest lines of the timeline, oldest of them first, and how many older ones there are before them.
pub async fn newest(
    conn: &mut PgConnection,
    id: IncidentId,
    before: i64,
    limit: i64,
) -> sqlx::Result<(Vec<Entry>, i64)> {
    let mut found = sqlx::query_as!(
        Entry,
        "select id, at, actor, kind, text, detail, corrects from incident_entry
         where incident_id = $1 and ($2::bigint = 0 or (at, id) < (select b.at, b.id from incident_entry b where b.incident_id = $1 and b.id = $2))
         order by at desc, id desc limit $3",
        id.0,
        before,
        limit
    )
    .fetch_all(&mut *conn)
    .await?;
    found.reverse();
    let Some(oldest) = found.first().map(|entry| entry.id) else { return Ok((found, 0)) };
    let older = sqlx::query_scalar!(
        r#"select count(*) as "count!" from incident_entry e, incident_entry b
           where b.id = $2 and e.incident_id = $1 and (e.at, e.id) < (b.at, b.id)"#,
        id.0,
        oldest
    )
    .fetch_one(conn)
    .await?;
    Ok((found, older))
}

/// Whether it is exercised.
pub async fn is_drill(conn: &mut PgConnection, id: IncidentId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select incident_is_drill($1) as "drill!""#, id.0).fetch_one(conn).await
}

/// The alerts worked in an incident.
pub async fn alerts(conn: &mut PgConnection, id: IncidentId) -> sqlx::Result<Vec<AlertId>> {
    sqlx::query_scalar!(
        r#"select ia.alert_id as "id: AlertId" from incident_alert ia join alert a on a.id = ia.alert_id
           where ia.incident_id = $1 order by a.issued_at"#,
        id.0
    )
    .fetch_all(conn)
    .await
}

/// Closes an open incident. `false` when it is not open.
pub async fn close(
    conn: &mut PgConnection,
    id: IncidentId,
    now: Instant,
    actor: &str,
    reason: &str,
) -> sqlx::Result<bool> {
    let closed = sqlx::query!(
        "update incident set state = 'closed', closed_at = $2, closed_by = $3 where id = $1 and state = 'open'",
        id.0,
        now,
        actor
    )
    .execute(&mut *conn)
    .await?
    .rows_affected()
        > 0;
    if closed {
        add_entry(conn, id, now, actor, "closed", reason, &json!({})).await?;
    }
    Ok(closed)
}
