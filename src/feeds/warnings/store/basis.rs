//! Alerts of our own that were made from a warning of others: what they say of it, and who has to be told when it changes.

use serde::Serialize;
use sqlx::PgConnection;

use crate::alerts::store as alerts;
use crate::clock::Instant;
use crate::events::{Event, notify};
use crate::feeds::warnings::link::Link;
use crate::ids::{AlertId, AreaId};

/// An alert that was made from a warning.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = AlertFromWarning)]
pub struct OwnAlert {
    #[schema(value_type = uuid::Uuid)]
    pub id: AlertId,
    pub state: String,
    /// None until it was issued.
    pub number: Option<String>,
    pub headline: String,
    #[schema(value_type = String)]
    pub created_at: Instant,
}

/// The alerts that were made from a warning, the newest first.
///
/// # Errors
/// The database's.
pub async fn alerts_from(conn: &mut PgConnection, warning: i64) -> sqlx::Result<Vec<OwnAlert>> {
    sqlx::query_as!(
        OwnAlert,
        r#"select id as "id: AlertId", state, number, headline, created_at from alert
           where based_on_warning_id = $1 order by created_at desc, id limit 50"#,
        warning
    )
    .fetch_all(conn)
    .await
}

/// Holds a warning while a draft is made from it, so that a double click makes one. The draft that waits already, if any.
///
/// # Errors
/// The database's.
pub async fn waiting_draft(conn: &mut PgConnection, warning: i64) -> sqlx::Result<Option<AlertId>> {
    sqlx::query_scalar!("select 1 as one from outside_warning where id = $1 for no key update", warning)
        .fetch_optional(&mut *conn)
        .await?;
    sqlx::query_scalar!(
        r#"select id as "id: AlertId" from alert where based_on_warning_id = $1 and kind = 'alert' and state in ('draft', 'submitted')
           order by created_at limit 1"#,
        warning
    )
    .fetch_optional(conn)
    .await
}

/// What a draft made from a warning says of it, in place of what the template wrote.
#[derive(Clone, Debug)]
pub struct Basis<'a> {
    pub warning: i64,
    pub attribution: &'a str,
    /// The same in other languages, by language.
    pub attribution_lines: serde_json::Value,
    pub description: &'a str,
    pub expires_at: Instant,
}

/// Writes it into the draft. The texts then count as a person's own: no template takes the attribution out again.
///
/// # Errors
/// The database's; a warning that is not real makes no actual alert.
pub async fn base(conn: &mut PgConnection, alert: AlertId, basis: &Basis<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "update alert set based_on_warning_id = $2, attribution = $3, attribution_lines = $4, description = $5, expires_at = $6,
             edited = true, expiry_chosen = true where id = $1",
        alert.0,
        basis.warning,
        basis.attribution,
        basis.attribution_lines,
        basis.description,
        basis.expires_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A risk area that a draft may be made for.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub id: AreaId,
    pub code: String,
    pub name: String,
    /// How much of it lies under the warning, 0 to 1; none for an area that it does not touch.
    pub share: Option<f64>,
}

/// Every area in service, those under the warning first.
///
/// # Errors
/// The database's.
pub async fn candidates(conn: &mut PgConnection, warning: i64) -> sqlx::Result<Vec<Candidate>> {
    sqlx::query_as!(
        Candidate,
        r#"select a.id as "id: AreaId", a.code, a.name, t.share as "share?" from risk_area a
           left join outside_warning_area t on t.area_id = a.id and t.warning_id = $1
           where a.retired_at is null order by t.share is null, a.name, a.id"#,
        warning
    )
    .fetch_all(conn)
    .await
}

/// Tells the history of every open alert that is based on the warning (or on what it had replaced) that a later message came,
/// and puts it before the coordinator. Told once for each pair.
///
/// # Errors
/// The database's.
pub async fn tell_of(conn: &mut PgConnection, now: Instant, link: Link) -> sqlx::Result<Vec<AlertId>> {
    let told = sqlx::query!(
        r#"with recursive earlier as (
               select w.id, 0 as far from outside_warning w where w.id = $1
               union all
               select w.id, e.far + 1 from outside_warning w join earlier e on w.superseded_by = e.id where e.far < 50),
           later as (select id, msg_type, identifier, headline, sender, sender_name from outside_warning where id = $2),
           noted as (
               insert into warning_notice (alert_id, warning_id, kind, at)
               select a.id, l.id, case when l.msg_type = 'Cancel' then 'cancelled' else 'updated' end, $3
               from alert a, later l
               where a.based_on_warning_id in (select id from earlier) and a.based_on_warning_id <> l.id
                 and a.state in ('draft', 'submitted', 'issued')
               on conflict do nothing returning alert_id, kind)
           select n.alert_id as "id: AlertId", n.kind, l.identifier, l.headline,
                  coalesce(nullif(l.sender_name, ''), l.sender) as "who!"
           from noted n, later l order by n.alert_id"#,
        link.older,
        link.newer,
        now
    )
    .fetch_all(&mut *conn)
    .await?;
    for row in &told {
        let reason = format!("{}: {} ({})", row.who, row.headline, row.identifier);
        let detail =
            serde_json::json!({ "reason": reason, "warning_id": link.newer, "replaces": link.older, "how": link.how });
        alerts::record(&mut *conn, row.id, now, "service", &format!("basis {}", row.kind), &detail).await?;
        notify(&mut *conn, &Event::Alert { id: row.id.0 }).await?;
    }
    Ok(told.into_iter().map(|row| row.id).collect())
}

/// Something that a coordinator has not looked at yet.
#[derive(Clone, Debug)]
pub struct Notice {
    pub alert: AlertId,
    pub number: Option<String>,
    pub state: String,
    pub headline: String,
    pub warning: i64,
    /// "updated" or "cancelled".
    pub kind: String,
    pub at: Instant,
    pub who: String,
    /// What the later message says.
    pub says: String,
}

/// The newest word on each open alert that nobody has looked at, or the ones of one alert.
///
/// # Errors
/// The database's.
pub async fn unseen(conn: &mut PgConnection, of: Option<AlertId>) -> sqlx::Result<Vec<Notice>> {
    sqlx::query_as!(
        Notice,
        r#"select distinct on (a.id) a.id as "alert: AlertId", a.number, a.state, a.headline, n.warning_id as warning, n.kind, n.at,
                  coalesce(nullif(w.sender_name, ''), w.sender) as "who!", w.headline as says
           from warning_notice n join alert a on a.id = n.alert_id join outside_warning w on w.id = n.warning_id
           where n.seen_at is null and a.state in ('draft', 'submitted', 'issued') and ($1::uuid is null or a.id = $1)
           order by a.id, n.at desc, n.warning_id desc limit 50"#,
        of.map(|id| id.0) as Option<uuid::Uuid>
    )
    .fetch_all(conn)
    .await
}

/// Somebody has looked: it and what came before it need nobody any more. False when nothing was waiting.
///
/// # Errors
/// The database's.
pub async fn see(conn: &mut PgConnection, now: Instant, who: &str, alert: AlertId, warning: i64) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update warning_notice set seen_at = $3, seen_by = $4
         where alert_id = $1 and seen_at is null
           and at <= (select at from warning_notice where alert_id = $1 and warning_id = $2)",
        alert.0,
        warning,
        now,
        who
    )
    .execute(&mut *conn)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    let detail = serde_json::json!({ "warning_id": warning });
    alerts::record(&mut *conn, alert, now, who, "basis seen", &detail).await?;
    notify(conn, &Event::Alert { id: alert.0 }).await?;
    Ok(true)
}
