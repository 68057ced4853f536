//! Institutions in PostgreSQL.

use chrono::TimeDelta;
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::{Contact, Institution, Kind, NewInstitution};
use crate::accounts::Permission;
use crate::clock::Instant;
use crate::dispatch::alarm::{self, Alarm};
use crate::ids::{AlertId, Ids};
use crate::reports::Spot;

/// Institutions that are looked at for one alert, and shown on one page.
pub const MOST: i64 = 2000;

/// All of them, by name; the closed ones last.
pub async fn list(conn: &mut PgConnection) -> sqlx::Result<Vec<Institution>> {
    page(conn, MOST, 0).await
}

pub async fn load(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Institution>> {
    Ok(find(conn, Some(id), (1, 0)).await?.pop())
}

/// Some of them, in the same order.
pub async fn page(conn: &mut PgConnection, limit: i64, offset: i64) -> sqlx::Result<Vec<Institution>> {
    find(conn, None, (limit, offset)).await
}

pub async fn count(conn: &mut PgConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select count(*) as "all!" from institution"#).fetch_one(conn).await
}

async fn find(
    conn: &mut PgConnection,
    id: Option<Uuid>,
    (limit, offset): (i64, i64),
) -> sqlx::Result<Vec<Institution>> {
    let rows = sqlx::query!(
        r#"select i.id, i.external_ref, i.name, i.kind, st_x(i.geom) as "lon!", st_y(i.geom) as "lat!", i.precision_m,
            i.address_text, i.people, i.closed_at,
            coalesce((select jsonb_agg(jsonb_build_object('name', c.name, 'phone', c.phone, 'email', c.email) order by c.position)
                      from institution_contact c where c.institution_id = i.id), '[]') as "contacts!: Json<Vec<Contact>>"
        from institution i where $1::uuid is null or i.id = $1
        order by i.closed_at is not null, lower(i.name), i.id limit $2 offset $3"#,
        id,
        limit,
        offset
    )
    .fetch_all(conn)
    .await?;
    let all = rows.into_iter().map(|row| Institution {
        id: row.id,
        what: NewInstitution {
            external_ref: row.external_ref,
            name: row.name,
            // The column's constraint admits only known words.
            kind: row.kind.parse().unwrap_or(Kind::Other),
            spot: Spot { lon: row.lon, lat: row.lat, precision_m: row.precision_m },
            address: row.address_text,
            people: row.people,
            contacts: row.contacts.0,
        },
        closed_at: row.closed_at,
    });
    Ok(all.collect())
}

async fn contacts(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Vec<Contact>> {
    sqlx::query_as!(
        Contact,
        "select name, phone, email from institution_contact where institution_id = $1 order by position",
        id
    )
    .fetch_all(conn)
    .await
}

/// The institution that is told by this telephone (E.164).
pub async fn told_at(conn: &mut PgConnection, phone: &str) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        "select i.name from institution_contact c join institution i on i.id = c.institution_id and i.closed_at is null
        where c.phone = $1 order by i.people desc, i.id limit 1",
        phone
    )
    .fetch_optional(conn)
    .await
}

/// The one that a list knows by this key.
pub async fn by_ref(conn: &mut PgConnection, external_ref: &str) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!("select id from institution where external_ref = $1", external_ref).fetch_optional(conn).await
}

/// Writes an institution with its contacts, in the place of what it was; a closed one is open again.
pub async fn save(conn: &mut PgConnection, now: Instant, id: Uuid, new: &NewInstitution) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into institution as i (id, external_ref, name, kind, geom, precision_m, address_text, people, created_at, changed_at)
        values ($1, $2, $3, $4, st_setsrid(st_makepoint($5, $6), 4326), $7, $8, $9, $10, $10)
        on conflict (id) do update set name = excluded.name, kind = excluded.kind, geom = excluded.geom,
            precision_m = excluded.precision_m, address_text = excluded.address_text, people = excluded.people,
            changed_at = excluded.changed_at, closed_at = null",
        id,
        new.external_ref,
        new.name,
        new.kind.as_str(),
        new.spot.lon,
        new.spot.lat,
        new.spot.precision_m,
        new.address,
        new.people,
        now
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("delete from institution_contact where institution_id = $1", id).execute(&mut *conn).await?;
    for (position, contact) in (1_i16..).zip(&new.contacts) {
        sqlx::query!(
            "insert into institution_contact (institution_id, position, name, phone, email) values ($1, $2, $3, $4, $5)",
            id,
            position,
            contact.name,
            contact.phone,
            contact.email
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// Closes an institution and forgets its contacts. What was told stays. False when it is closed already.
pub async fn close(conn: &mut PgConnection, now: Instant, id: Uuid) -> sqlx::Result<bool> {
    sqlx::query!("delete from institution_contact where institution_id = $1", id).execute(&mut *conn).await?;
    let done = sqlx::query!(
        "update institution set closed_at = $2, changed_at = $2 where id = $1 and closed_at is null",
        id,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Opens a warning for every institution that a real alert holds for, and for those that were told of what it answers: the
/// [`MOST`] with the most people. Whoever issues alerts is told how many more there are.
pub async fn open(conn: &mut PgConnection, ids: &Ids, now: Instant, alert: AlertId) -> sqlx::Result<usize> {
    let found = sqlx::query!(
        r#"select i.id as "id!", count(*) over () as "all!" from alert a cross join lateral (
            select i.id, i.people from alert_pieces(a.id) as piece join institution i on i.closed_at is null
                and st_expand(i.geom, i.precision_m / 78000.0) && piece.geom
            where place_in_piece(i.geom, i.precision_m, piece.geom, piece.plane, piece.x, piece.y)
            union
            select w.institution_id, i.people from alert_chain(a.id) c join institution_warning w on w.alert_id = c.alert_id
                join institution i on i.id = w.institution_id and i.closed_at is null
            where w.position > 0) as i
        where a.id = $1 and a.status = 'actual' order by i.people desc, i.id limit $2"#,
        alert.0,
        MOST
    )
    .fetch_all(&mut *conn)
    .await?;
    let all = found.first().map_or(0, |row| row.all);
    let inside: Vec<Uuid> = found.into_iter().map(|row| row.id).collect();
    if all > MOST {
        let to = Permission::IssueAlerts;
        let alarm = Alarm { purpose: "institution_alarm", to, by_sms: true, key: "alarm-institutions", n: all - MOST };
        alarm::raise(&mut *conn, ids, now, alarm).await?;
    }
    let new: Vec<Uuid> = inside.iter().map(|_| ids.uuid(now)).collect();
    sqlx::query!(
        "insert into institution_warning (id, alert_id, institution_id, opened_at, next_at)
        select n.id, $1, n.institution, $2, $2 from unnest($3::uuid[], $4::uuid[]) as n (id, institution)
        on conflict (alert_id, institution_id) do nothing",
        alert.0,
        now,
        &new,
        &inside
    )
    .execute(conn)
    .await?;
    Ok(inside.len())
}

/// A warning whose next contact is due, locked until the transaction ends.
#[derive(Clone, Debug)]
pub struct Due {
    pub id: Uuid,
    pub alert: AlertId,
    /// alert, update, `all_clear` or cancel.
    pub kind: String,
    pub position: i16,
    pub institution: String,
    /// How many contacts were told of what this alert answers.
    pub told_before: i16,
    /// Nothing answered the alert yet, and it has not run out.
    pub stands: bool,
    pub expires_at: Instant,
    pub contacts: Vec<Contact>,
}

pub async fn due(conn: &mut PgConnection, now: Instant) -> sqlx::Result<Option<Due>> {
    let row = sqlx::query!(
        r#"select w.id, w.alert_id as "alert: AlertId", w.institution_id, w.position, i.name, a.kind, a.expires_at,
            coalesce((select max(b.position) from alert_chain(a.id) c join institution_warning b on b.alert_id = c.alert_id
                where b.institution_id = w.institution_id), 0::smallint) as "told_before!",
            alert_stands(a.state, a.kind) and a.expires_at > $1 as "stands!"
        from institution_warning w join alert a on a.id = w.alert_id join institution i on i.id = w.institution_id
        where w.ended_at is null and w.next_at <= $1 order by w.next_at, w.id limit 1 for update of w skip locked"#,
        now
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let contacts = contacts(conn, row.institution_id).await?;
    Ok(Some(Due {
        id: row.id,
        alert: row.alert,
        kind: row.kind,
        position: row.position,
        institution: row.name,
        told_before: row.told_before,
        stands: row.stands,
        expires_at: row.expires_at,
        contacts,
    }))
}

/// Brings the time of the next contact forward: `wait` after the first message to the last one was accepted, and at once when none of
/// them can arrive any more. Whoever waits behind a full queue was not told yet.
pub async fn count_from_acceptance(conn: &mut PgConnection, now: Instant, wait: TimeDelta) -> sqlx::Result<()> {
    sqlx::query!(
        "with sent as (
            select w.id, case when bool_and(m.state in ('rejected', 'expired', 'suppressed')) then $1
                else min(coalesce(m.settled_at, m.at)) filter (where m.state in ('accepted', 'delivered', 'unknown'))
                    + make_interval(secs => $2) end as next_at
            from institution_warning w join institution_message m on m.warning_id = w.id and m.position = w.position
            where w.ended_at is null group by w.id
        ), sooner as (
            select w.id, sent.next_at from institution_warning w join sent on sent.id = w.id
            where w.ended_at is null and sent.next_at < w.next_at for update of w skip locked
        )
        update institution_warning w set next_at = sooner.next_at from sooner where w.id = sooner.id",
        now,
        wait.as_seconds_f64()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes that a contact was told, and when the next one is.
pub async fn told(conn: &mut PgConnection, warning: Uuid, position: i16, next_at: Instant) -> sqlx::Result<()> {
    sqlx::query!(
        "update institution_warning set position = $2, next_at = $3 where id = $1",
        warning,
        position,
        next_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn end(conn: &mut PgConnection, now: Instant, warning: Uuid, ended_as: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "update institution_warning set ended_at = $2, ended_as = $3 where id = $1 and ended_at is null",
        warning,
        now,
        ended_as
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A message that was queued.
#[derive(Clone, Copy, Debug)]
pub struct NewMessage<'a> {
    pub id: Uuid,
    pub warning: Uuid,
    pub position: i16,
    pub contact: &'a str,
    pub channel: &'a str,
    pub notice: Uuid,
}

pub async fn keep(conn: &mut PgConnection, now: Instant, new: NewMessage<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into institution_message (id, warning_id, position, contact, channel, at, notice_id, state, settled_at)
        select $1, $2, $3, $4, $5, $6, n.id, n.state, n.final_at from notice n where n.id = $7",
        new.id,
        new.warning,
        new.position,
        new.contact,
        new.channel,
        now,
        new.notice
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What a link in a message is about.
#[derive(Clone, Debug)]
pub struct Linked {
    pub warning: Uuid,
    pub alert: AlertId,
    pub institution: String,
    pub contact: String,
    pub headline: String,
    pub instruction: String,
    pub cap_identifier: String,
    pub stands: bool,
    pub acknowledged_at: Option<Instant>,
    pub acknowledged_by: Option<String>,
}

pub async fn linked(conn: &mut PgConnection, message: Uuid) -> sqlx::Result<Option<Linked>> {
    sqlx::query_as!(
        Linked,
        r#"select w.id as warning, w.alert_id as "alert: AlertId", i.name as institution, m.contact, a.headline, a.instruction,
            coalesce(a.cap_identifier, '') as "cap_identifier!", alert_stands(a.state, a.kind) as "stands!",
            w.acknowledged_at, w.acknowledged_by
        from institution_message m join institution_warning w on w.id = m.warning_id join alert a on a.id = w.alert_id
            join institution i on i.id = w.institution_id
        where m.id = $1"#,
        message
    )
    .fetch_optional(conn)
    .await
}

/// Somebody has seen it; nobody else is told. False when somebody had before.
pub async fn acknowledge(conn: &mut PgConnection, now: Instant, warning: Uuid, by: &str) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update institution_warning set acknowledged_at = $2, acknowledged_by = $3,
            ended_at = coalesce(ended_at, $2), ended_as = case when ended_as is null then 'acknowledged' else ended_as end
        where id = $1 and acknowledged_at is null",
        warning,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// How it stands with one institution.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = InstitutionWarned)]
pub struct Warned {
    pub id: Uuid,
    pub name: String,
    pub kind: String,
    pub people: i32,
    /// Contacts that were told, the first first.
    pub told: Vec<String>,
    #[schema(value_type = Option<String>)]
    pub acknowledged_at: Option<Instant>,
    pub acknowledged_by: Option<String>,
    pub ended_as: Option<String>,
}

/// The institutions of an alert: first those from which nobody has answered.
pub async fn of_alert(conn: &mut PgConnection, alert: AlertId) -> sqlx::Result<Vec<Warned>> {
    sqlx::query_as!(
        Warned,
        r#"select i.id, i.name, i.kind, i.people, w.acknowledged_at, w.acknowledged_by, w.ended_as,
            array(select m.contact || ' (' || string_agg(m.channel || ': ' || m.state, ', ' order by m.channel) || ')'
                from institution_message m where m.warning_id = w.id group by m.position, m.contact order by m.position) as "told!"
        from institution_warning w join institution i on i.id = w.institution_id
        where w.alert_id = $1 order by w.acknowledged_at is not null, i.people desc, i.name limit $2"#,
        alert.0,
        MOST
    )
    .fetch_all(conn)
    .await
}
