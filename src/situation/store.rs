//! Reports, their figures, and lessons in PostgreSQL.

mod lessons;

use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

pub use self::lessons::{add_lesson, lesson_done, lessons, open_lessons};
use super::Report;
use super::after::{Firsts, Reacted};
use super::figures::{Counts, Figure};
use crate::clock::Instant;
use crate::ids::{IncidentId, StaffId};
use crate::plancon::store::tasks;
use crate::plancon::tasks::progress;
use crate::shelters::store::count as shelters;
use crate::units::Level;

/// Reports of one incident that a list gives.
const MOST: i64 = 200;

struct Row {
    id: Uuid,
    incident_id: IncidentId,
    incident: String,
    title: String,
    number: i32,
    state: String,
    revision: i32,
    drill: bool,
    from_at: Instant,
    until_at: Instant,
    figures: Json<Vec<Figure>>,
    situation: String,
    actions: String,
    needs: String,
    public_text: String,
    made_at: Instant,
    made_by: String,
    changed_at: Instant,
    changed_by: String,
    approved_at: Option<Instant>,
    approved_by: Option<String>,
    authors: Vec<StaffId>,
    approved_alone: bool,
}

impl From<Row> for Report {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            incident_id: row.incident_id,
            incident: row.incident,
            title: row.title,
            number: row.number,
            state: row.state,
            revision: row.revision,
            drill: row.drill,
            from_at: row.from_at,
            until_at: row.until_at,
            figures: row.figures.0,
            situation: row.situation,
            actions: row.actions,
            needs: row.needs,
            public_text: row.public_text,
            made_at: row.made_at,
            made_by: row.made_by,
            changed_at: row.changed_at,
            changed_by: row.changed_by,
            approved_at: row.approved_at,
            approved_by: row.approved_by,
            authors: row.authors,
            approved_alone: row.approved_alone,
        }
    }
}

/// Of an incident, the newest first; or the one with this id.
pub async fn list(
    conn: &mut PgConnection,
    incident: Option<IncidentId>,
    id: Option<Uuid>,
) -> sqlx::Result<Vec<Report>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select r.id, r.incident_id as "incident_id: IncidentId", i.number as incident, i.title, r.number, r.state, r.revision,
                  incident_is_drill(i.id) as "drill!", r.from_at, r.until_at, r.figures as "figures: Json<Vec<Figure>>", r.situation,
                  r.actions, r.needs, r.public_text, r.made_at, r.made_by, r.changed_at, r.changed_by, r.approved_at, r.approved_by,
                  r.authors as "authors: Vec<StaffId>", r.approved_alone
           from situation_report r join incident i on i.id = r.incident_id
           where (r.incident_id = $1 or r.id = $2) order by r.number desc limit $3"#,
        incident.map(|id| id.0),
        id,
        MOST
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Report::from).collect())
}

/// One report, held until the transaction ends.
pub async fn lock(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Report>> {
    sqlx::query!("select id from situation_report where id = $1 for update", id).fetch_optional(&mut *conn).await?;
    Ok(list(conn, None, Some(id)).await?.pop())
}

/// Approved reports of real incidents that say something to residents, the newest first.
pub async fn public(conn: &mut PgConnection, limit: i64) -> sqlx::Result<Vec<Report>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select r.id, r.incident_id as "incident_id: IncidentId", i.number as incident, i.title, r.number, r.state, r.revision,
                  incident_is_drill(i.id) as "drill!", r.from_at, r.until_at, r.figures as "figures: Json<Vec<Figure>>", r.situation,
                  r.actions, r.needs, r.public_text, r.made_at, r.made_by, r.changed_at, r.changed_by, r.approved_at, r.approved_by,
                  r.authors as "authors: Vec<StaffId>", r.approved_alone
           from situation_report r join incident i on i.id = r.incident_id
           where r.state = 'approved' and btrim(r.public_text) <> '' and not incident_is_drill(i.id)
           order by r.approved_at desc, r.id limit $1"#,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Report::from).collect())
}

/// What was counted of an incident, with the alerts in force in words.
#[derive(Clone, Debug, Default)]
pub struct Counted {
    pub counts: Counts,
    pub alerts: Vec<String>,
    pub tasks: Vec<tasks::Task>,
}

/// Counts everything that a report tells.
pub async fn count(conn: &mut PgConnection, incident: IncidentId, now: Instant) -> sqlx::Result<Counted> {
    let levels: Vec<(Level, i64)> = crate::web::situation::counts(&mut *conn).await?;
    let alerts = sqlx::query_scalar!(
        r#"select a.number || ' ' || a.headline as "line!" from incident_alert ia join alert a on a.id = ia.alert_id
           where ia.incident_id = $1 and a.state = 'issued' and a.kind in ('alert', 'update') and a.expires_at > $2 order by a.issued_at"#,
        incident.0,
        now
    )
    .fetch_all(&mut *conn)
    .await?;
    let sent = sqlx::query!(
        r#"with counted as (
               select t.state, t.rows from delivery_tally t join incident_alert ia on ia.alert_id = t.alert_id
               where ia.incident_id = $1 and t.what = 'state'
               union all
               select c.state, c.rows from delivery_change c join incident_alert ia on ia.alert_id = c.alert_id
               where ia.incident_id = $1 and c.what = 'state')
           select coalesce(sum(rows) filter (where state = 'delivered'), 0)::bigint as "delivered!",
                  coalesce(sum(rows) filter (where state in ('accepted', 'unknown')), 0)::bigint as "sent!",
                  coalesce(sum(rows) filter (where state in ('pending', 'sending')), 0)::bigint as "waiting!",
                  coalesce(sum(rows) filter (where state in ('rejected', 'undelivered', 'expired')), 0)::bigint as "failed!"
           from counted"#,
        incident.0
    )
    .fetch_one(&mut *conn)
    .await?;
    let other = sqlx::query!(
        r#"select (select count(*) from occurrence where incident_id = $1) as "occurrences!",
                  (select count(*) from occurrence where incident_id = $1 and state in ('new', 'confirmed', 'dispatched', 'on_scene')) as "open!",
                  (select count(*) from attachment where incident_id = $1 and removed_at is null) as "photographs!""#,
        incident.0
    )
    .fetch_one(&mut *conn)
    .await?;
    let (shelters_open, sheltered, elsewhere) =
        sheltered(&mut *conn, shelters::Whose::incident(incident.0), now).await?;
    let tasks = tasks::list(conn, incident).await?;
    let facts: Vec<_> = tasks.iter().map(tasks::Task::facts).collect();
    let counts = Counts {
        levels,
        alerts_in_force: i64::try_from(alerts.len()).unwrap_or(i64::MAX),
        delivered: sent.delivered,
        sent: sent.sent,
        waiting: sent.waiting,
        failed: sent.failed,
        tasks: progress(&facts, now),
        occurrences: other.occurrences,
        occurrences_open: other.open,
        shelters_open,
        sheltered,
        elsewhere,
        photographs: other.photographs,
    };
    Ok(Counted { counts, alerts, tasks })
}

/// Shelters that are open now, persons in them, and persons who stay elsewhere; of one incident or of all.
pub async fn sheltered(conn: &mut PgConnection, whose: shelters::Whose, now: Instant) -> sqlx::Result<(i64, i64, i64)> {
    let open = shelters::open(&mut *conn, whose).await?;
    let inside = shelters::by_shelter(&mut *conn, (now, now), whose).await?;
    let elsewhere = shelters::elsewhere(conn, (now, now), whose).await?;
    Ok((open, inside.iter().map(|one| one.heads.all()).sum(), elsewhere.heads.all()))
}

/// A report that is to be.
#[derive(Clone, Debug)]
pub struct New<'a> {
    pub id: Uuid,
    pub incident: IncidentId,
    pub number: i32,
    pub from_at: Instant,
    pub figures: &'a [Figure],
    pub situation: &'a str,
    pub actions: &'a str,
}

pub async fn insert(conn: &mut PgConnection, (now, by): (Instant, &str), new: &New<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into situation_report (id, incident_id, number, state, from_at, until_at, figures, situation, actions, made_at, made_by,
             changed_at, changed_by)
         values ($1, $2, $3, 'draft', $4, $5, $6, $7, $8, $5, $9, $5, $9)",
        new.id,
        new.incident.0,
        new.number,
        new.from_at,
        now,
        Json(new.figures) as _,
        new.situation,
        new.actions,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What a person wrote.
#[derive(Clone, Debug, Default, serde::Deserialize, utoipa::ToSchema)]
#[schema(as = SituationReportEdit)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// The revision that was looked at.
    pub revision: i32,
    #[schema(max_length = 8000)]
    #[serde(default)]
    pub situation: String,
    #[schema(max_length = 8000)]
    #[serde(default)]
    pub actions: String,
    #[schema(max_length = 8000)]
    #[serde(default)]
    pub needs: String,
    /// What residents may read; empty: nothing.
    #[schema(max_length = 4000)]
    #[serde(default)]
    pub public_text: String,
}

/// Writes the words, and keeps who wrote them.
pub async fn edit(
    conn: &mut PgConnection,
    id: Uuid,
    (now, by, author): (Instant, &str, Option<StaffId>),
    edit: &Edit,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update situation_report set situation = $2, actions = $3, needs = $4, public_text = $5, changed_at = $6, changed_by = $7,
             revision = revision + 1,
             authors = case when $8::uuid is null or $8 = any(authors) then authors else authors || $8 end
         where id = $1",
        id,
        edit.situation,
        edit.actions,
        edit.needs,
        edit.public_text,
        now,
        by,
        author.map(|author| author.0) as Option<Uuid>
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn set_figures(
    conn: &mut PgConnection,
    id: Uuid,
    (now, by): (Instant, &str),
    figures: &[Figure],
) -> sqlx::Result<()> {
    sqlx::query!(
        "update situation_report set figures = $2, until_at = $3, changed_at = $3, changed_by = $4, revision = revision + 1 where id = $1",
        id,
        Json(figures) as _,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// `alone`: by somebody who wrote of it, because nobody else may approve.
pub async fn approve(conn: &mut PgConnection, id: Uuid, (now, by): (Instant, &str), alone: bool) -> sqlx::Result<()> {
    sqlx::query!(
        "update situation_report set state = 'approved', approved_at = $2, approved_by = $3, approved_alone = $4,
             revision = revision + 1
         where id = $1",
        id,
        now,
        by,
        alone
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Open incidents of whose last so many hours no report tells and no draft waits, the longest untold first.
pub async fn due(conn: &mut PgConnection, before: Instant, limit: i64) -> sqlx::Result<Vec<IncidentId>> {
    sqlx::query_scalar!(
        r#"select i.id as "id: IncidentId" from incident i cross join lateral (
               select max(r.until_at) as until_at, coalesce(bool_or(r.state = 'draft'), false) as waits
               from situation_report r where r.incident_id = i.id) as last
           where i.state = 'open' and not last.waits and coalesce(last.until_at, i.opened_at) <= $1
           order by coalesce(last.until_at, i.opened_at), i.id limit $2"#,
        before,
        limit
    )
    .fetch_all(conn)
    .await
}

/// When the first steps of an incident were.
pub async fn firsts(conn: &mut PgConnection, incident: IncidentId) -> sqlx::Result<Firsts> {
    let row = sqlx::query!(
        r#"select least(i.opened_at, (select min(a.created_at) from incident_alert ia join alert a on a.id = ia.alert_id
                                      where ia.incident_id = i.id)) as began_at,
                  (select min(a.issued_at) from incident_alert ia join alert a on a.id = ia.alert_id where ia.incident_id = i.id)
                      as alert_at,
                  (select min(p.first_at) from incident_alert ia join delivery_pace p on p.alert_id = ia.alert_id
                   where ia.incident_id = i.id) as message_at,
                  (select min(activated_at) from plan_activation where incident_id = i.id) as activated_at,
                  (select min(x.at) from incident_task_act x join incident_task t on t.id = x.task_id
                   where t.incident_id = i.id and x.act in ('take', 'hand_over')) as taken_at,
                  (select min(closed_at) from incident_task where incident_id = i.id and state = 'done') as done_at,
                  (select min(q.requested_at) from resource_request q left join occurrence o on o.id = q.occurrence_id
                   where coalesce(q.incident_id, o.incident_id) = i.id) as team_asked_at,
                  (select min(d.assigned_at) from deployment d join resource_request q on q.id = d.request_id
                   left join occurrence o on o.id = q.occurrence_id where coalesce(q.incident_id, o.incident_id) = i.id) as team_assigned_at,
                  least((select min(on_scene_at) from occurrence where incident_id = i.id),
                      (select min(d.on_site_at) from deployment d join resource_request q on q.id = d.request_id
                       left join occurrence o on o.id = q.occurrence_id where coalesce(q.incident_id, o.incident_id) = i.id)) as on_scene_at,
                  (select min(opened_at) from shelter_opening where incident_id = i.id) as shelter_at
           from incident i where i.id = $1"#,
        incident.0
    )
    .fetch_one(conn)
    .await?;
    Ok(Firsts {
        began_at: row.began_at,
        alert_at: row.alert_at,
        message_at: row.message_at,
        activated_at: row.activated_at,
        taken_at: row.taken_at,
        done_at: row.done_at,
        team_asked_at: row.team_asked_at,
        team_assigned_at: row.team_assigned_at,
        on_scene_at: row.on_scene_at,
        shelter_at: row.shelter_at,
    })
}

/// When each was asked for, assigned and on site who was sent and did not decline.
pub async fn reacted(conn: &mut PgConnection, incident: IncidentId) -> sqlx::Result<Vec<Reacted>> {
    let rows = sqlx::query!(
        "select q.requested_at, d.assigned_at, d.on_site_at from deployment d join resource_request q on q.id = d.request_id
         left join occurrence o on o.id = q.occurrence_id
         where coalesce(q.incident_id, o.incident_id) = $1 and d.state not in ('declined', 'cancelled') limit 5000",
        incident.0
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.requested_at, row.assigned_at, row.on_site_at)).collect())
}

/// Open incidents, the newest first: id, number, title, whether exercised.
pub async fn open_incidents(conn: &mut PgConnection) -> sqlx::Result<Vec<(IncidentId, String, String, bool)>> {
    let rows = sqlx::query!(
        r#"select id as "id: IncidentId", number, title, incident_is_drill(id) as "drill!" from incident
           where state = 'open' order by opened_at desc, id limit 20"#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.number, row.title, row.drill)).collect())
}

/// An alert that is in force.
#[derive(Clone, Debug)]
pub struct InForce {
    pub id: Uuid,
    pub number: String,
    pub headline: String,
    pub level: Level,
    pub status: String,
    pub expires_at: Instant,
}

/// Alerts in force, the gravest first, at most 50.
pub async fn alerts_in_force(conn: &mut PgConnection, now: Instant) -> sqlx::Result<Vec<InForce>> {
    let rows = sqlx::query!(
        r#"select id, coalesce(number, '') as "number!", headline, level, status, expires_at from alert
           where state = 'issued' and kind in ('alert', 'update') and expires_at > $1 order by issued_at desc limit 50"#,
        now
    )
    .fetch_all(conn)
    .await?;
    let mut found: Vec<InForce> = rows
        .into_iter()
        .map(|row| InForce {
            id: row.id,
            number: row.number,
            headline: row.headline,
            level: row.level.parse().unwrap_or(Level::Unknown),
            status: row.status,
            expires_at: row.expires_at,
        })
        .collect();
    found.sort_by_key(|alert| std::cmp::Reverse(alert.level));
    Ok(found)
}

/// Messages of the alerts that left since, of exercises only where all is `exercised`: how many reached their reader, and how many were
/// handed to a provider.
pub async fn told_since(conn: &mut PgConnection, since: Instant, exercised: bool) -> sqlx::Result<(i64, i64)> {
    let row = sqlx::query!(
        r#"with counted as (
               select t.state, t.rows from delivery_tally t join alert a on a.id = t.alert_id
               where t.what = 'state' and a.issued_at >= $1 and (a.status = 'actual' or $2)
               union all
               select c.state, c.rows from delivery_change c join alert a on a.id = c.alert_id
               where c.what = 'state' and a.issued_at >= $1 and (a.status = 'actual' or $2))
           select coalesce(sum(rows) filter (where state = 'delivered'), 0)::bigint as "delivered!",
                  coalesce(sum(rows) filter (where state in ('accepted', 'unknown')), 0)::bigint as "sent!"
           from counted"#,
        since,
        exercised
    )
    .fetch_one(conn)
    .await?;
    Ok((row.delivered, row.sent))
}
