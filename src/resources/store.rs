//! Resources, teams and shifts in PostgreSQL.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use sqlx::PgConnection;
use uuid::Uuid;

use super::shift::{Shift, stands};
use super::{Bound, Class, Condition, Kind, NewResource, Resource};
use crate::clock::Instant;
use crate::ids::{RotaId, StaffId};
use crate::rota;

/// Resources that one page shows.
pub const MOST: i64 = 2000;
/// How far about an instant shifts are looked for.
const ABOUT: TimeDelta = TimeDelta::days(7);

fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

/// Which resources.
#[derive(Clone, Copy, Debug, Default)]
struct Which<'a> {
    ids: Option<&'a [Uuid]>,
    /// Those that belong to one of these teams now.
    teams: Option<&'a [Uuid]>,
    class: Option<Class>,
    kind: Option<Kind>,
    /// Also those that are no more.
    retired: bool,
    most: Option<i64>,
}

/// Everything that is not retired, teams first, then by name.
pub async fn list(conn: &mut PgConnection, now: Instant) -> sqlx::Result<Vec<Resource>> {
    find(conn, Which::default(), now).await
}

/// What is not retired, of one class or of all, so many as one page shows.
pub async fn board(conn: &mut PgConnection, class: Option<Class>, now: Instant) -> sqlx::Result<Vec<Resource>> {
    find(conn, Which { class, most: Some(MOST), ..Which::default() }, now).await
}

/// How many of each class are not retired.
pub async fn count(conn: &mut PgConnection) -> sqlx::Result<BTreeMap<String, i64>> {
    let rows =
        sqlx::query!(r#"select class, count(*) as "n!" from resource where condition <> 'retired' group by class"#)
            .fetch_all(conn)
            .await?;
    Ok(rows.into_iter().map(|row| (row.class, row.n)).collect())
}

/// Everything of a kind that is not retired, by name.
pub async fn of_kind(conn: &mut PgConnection, kind: Kind, now: Instant) -> sqlx::Result<Vec<Resource>> {
    find(conn, Which { kind: Some(kind), ..Which::default() }, now).await
}

/// One, also a retired one.
pub async fn load(conn: &mut PgConnection, id: Uuid, now: Instant) -> sqlx::Result<Option<Resource>> {
    Ok(find(conn, Which { ids: Some(&[id]), retired: true, ..Which::default() }, now).await?.pop())
}

/// What belongs to a team, its leader first.
pub async fn members(conn: &mut PgConnection, team: Uuid, now: Instant) -> sqlx::Result<Vec<Resource>> {
    let mut all = members_of(conn, &[team], now).await?;
    all.sort_by_key(|one| !one.leads);
    Ok(all)
}

/// What belongs to any of these teams.
pub async fn members_of(conn: &mut PgConnection, teams: &[Uuid], now: Instant) -> sqlx::Result<Vec<Resource>> {
    if teams.is_empty() {
        return Ok(Vec::new());
    }
    find(conn, Which { teams: Some(teams), retired: true, ..Which::default() }, now).await
}

async fn find(conn: &mut PgConnection, which: Which<'_>, now: Instant) -> sqlx::Result<Vec<Resource>> {
    let rows = sqlx::query!(
        r#"select r.id, r.code, r.kind, r.typing, r.name, r.phone, r.skills, r.base, r.condition, r.condition_reason, r.condition_at, r.staff_id,
            s.username as "username?", m.team_id as "team?", t.name as "team_name?", m.leads as "leads?",
            (select count(*) from team_member n where n.team_id = r.id and n.until_at is null) as "members!",
            d.id as "deployment?", d.state as "state?", q.number as "request?", q.task as "task?", u.from_at as "since?",
            coalesce(incident_is_drill(coalesce(q.incident_id, o.incident_id)), false) as "drill!"
        from resource r left join staff s on s.id = r.staff_id
        left join team_member m on m.resource_id = r.id and m.until_at is null left join resource t on t.id = m.team_id
        left join deployment_unit u on u.resource_id = r.id and u.until_at is null left join deployment d on d.id = u.deployment_id
        left join resource_request q on q.id = d.request_id left join occurrence o on o.id = q.occurrence_id
        where ($1::uuid[] is null or r.id = any($1)) and ($2::uuid[] is null or m.team_id = any($2))
            and ($3::text is null or r.class = $3) and ($4::text is null or r.kind = $4) and ($5 or r.condition <> 'retired')
        order by r.class <> 'team', r.class, lower(r.name), r.id limit $6"#,
        which.ids as Option<&[Uuid]>,
        which.teams as Option<&[Uuid]>,
        which.class.map(Class::as_str),
        which.kind.map(Kind::as_str),
        which.retired,
        which.most
    )
    .fetch_all(&mut *conn)
    .await?;
    let own: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let staff: Vec<Uuid> = rows.iter().filter_map(|row| row.staff_id).collect();
    let shifts = Shifts::about(conn, (&own, &staff), now).await?;
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        let bound = match (row.deployment, row.state, row.request, row.task, row.since) {
            (Some(deployment), Some(state), Some(request), Some(task), Some(since)) => Some(Bound {
                deployment,
                state: state.parse().map_err(decode)?,
                request,
                drill: row.drill,
                since,
                task,
            }),
            _ => None,
        };
        all.push(Resource {
            id: row.id,
            shift: shifts.of(row.id, row.staff_id, now),
            what: NewResource {
                code: row.code,
                kind: row.kind.parse().map_err(decode)?,
                typing: row.typing,
                name: row.name,
                account: row.username.unwrap_or_default(),
                phone: row.phone,
                skills: row.skills.iter().filter_map(|skill| skill.parse().ok()).collect(),
                base: row.base,
            },
            condition: row.condition.parse().map_err(decode)?,
            condition_reason: row.condition_reason,
            condition_at: row.condition_at,
            staff_id: row.staff_id,
            team: row.team,
            team_name: row.team_name,
            leads: row.leads.unwrap_or_default(),
            members: row.members,
            bound,
        });
    }
    Ok(all)
}

/// Shifts of some about an instant, and whom of them the rotas call then.
struct Shifts {
    own: BTreeMap<Uuid, Vec<(Instant, Instant)>>,
    /// Until when.
    on_call: BTreeMap<Uuid, Instant>,
    /// Whom a rota names, with when it calls them next.
    named: BTreeMap<Uuid, Option<Instant>>,
}

impl Shifts {
    async fn about(
        conn: &mut PgConnection,
        (resources, staff): (&[Uuid], &[Uuid]),
        now: Instant,
    ) -> sqlx::Result<Self> {
        let mut own: BTreeMap<Uuid, Vec<(Instant, Instant)>> = BTreeMap::new();
        let rows = sqlx::query!(
            "select resource_id, from_at, until_at from resource_shift
             where resource_id = any($1) and withdrawn_at is null and until_at > $2 and from_at < $3 order by from_at",
            resources,
            now - ABOUT,
            now + ABOUT
        )
        .fetch_all(&mut *conn)
        .await?;
        for row in rows {
            own.entry(row.resource_id).or_default().push((row.from_at, row.until_at));
        }
        let rows = sqlx::query!(
            r#"select t.staff_id, min(t.from_at) filter (where t.from_at > $1) as next from rota_turn t
               join rota r on r.id = t.rota_id and r.retired_at is null
               where t.staff_id = any($4) and t.withdrawn_at is null and t.until_at > $2 and t.from_at < $3 group by t.staff_id"#,
            now,
            now - ABOUT,
            now + ABOUT,
            staff
        )
        .fetch_all(&mut *conn)
        .await?;
        let named = rows.into_iter().map(|row| (row.staff_id, row.next)).collect();
        Ok(Self { own, on_call: on_call(conn, staff, now).await?, named })
    }

    fn of(&self, resource: Uuid, staff: Option<Uuid>, now: Instant) -> Shift {
        let own = self.own.get(&resource).map_or(&[][..], Vec::as_slice);
        let named = staff.and_then(|id| self.named.get(&id));
        let called = staff.and_then(|id| self.on_call.get(&id)).copied();
        stands(own, (called, named.is_some()), named.copied().flatten(), now)
    }
}

/// Whom of these accounts a rota calls now, and until when.
async fn on_call(conn: &mut PgConnection, staff: &[Uuid], now: Instant) -> sqlx::Result<BTreeMap<Uuid, Instant>> {
    let rotas = sqlx::query_scalar!(
        r#"select distinct t.rota_id as "id: RotaId" from rota_turn t join rota r on r.id = t.rota_id and r.retired_at is null
           where t.staff_id = any($1) and t.withdrawn_at is null and t.from_at <= $2 and t.until_at > $2"#,
        staff,
        now
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut called: BTreeMap<Uuid, Instant> = BTreeMap::new();
    for rota in rotas {
        let turns = rota::store::turns(&mut *conn, rota, (now, now + TimeDelta::seconds(1))).await?;
        for layer in 1..=rota::MOST_LAYERS {
            for StaffId(id) in rota::turns::on_call(&turns, layer, now) {
                let own = turns.iter().filter(|turn| turn.layer == layer && turn.person == StaffId(id));
                let until = own.map(|turn| turn.until).max().unwrap_or(now + TimeDelta::seconds(1));
                called.entry(id).and_modify(|known| *known = until.max(*known)).or_insert(until);
            }
        }
    }
    Ok(called)
}

/// The one with this key.
pub async fn by_code(conn: &mut PgConnection, code: &str) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!("select id from resource where code = $1", code).fetch_optional(conn).await
}

/// The account of this name, unless shut out.
pub async fn account(conn: &mut PgConnection, username: &str) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!("select id from staff where username = $1 and disabled_at is null", username)
        .fetch_optional(conn)
        .await
}

/// The person of the register that has this account.
pub async fn of_account(conn: &mut PgConnection, staff: Uuid) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!("select id from resource where staff_id = $1 and condition <> 'retired'", staff)
        .fetch_optional(conn)
        .await
}

/// Writes a resource in the place of what it was.
pub async fn save(
    conn: &mut PgConnection,
    now: Instant,
    (id, staff): (Uuid, Option<Uuid>),
    new: &NewResource,
) -> sqlx::Result<()> {
    let skills: Vec<String> = new.skills.iter().map(ToString::to_string).collect();
    sqlx::query!(
        "insert into resource as r (id, code, class, kind, typing, name, staff_id, phone, skills, base, condition_at, created_at, changed_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $11)
        on conflict (id) do update set kind = excluded.kind, typing = excluded.typing, name = excluded.name, staff_id = excluded.staff_id,
            phone = excluded.phone, skills = excluded.skills, base = excluded.base, changed_at = excluded.changed_at",
        id,
        new.code,
        new.kind.class().as_str(),
        new.kind.as_str(),
        new.typing,
        new.name,
        staff,
        new.phone,
        &skills,
        new.base,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Holds resources, and of teams all that belongs to them, until the transaction ends. Everybody takes them in the order of their ids.
pub async fn lock(conn: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<()> {
    sqlx::query!(
        "select id from resource where id = any($1) or id in (select resource_id from team_member where team_id = any($1) and until_at is null)
         order by id for no key update",
        ids
    )
    .fetch_all(conn)
    .await?;
    Ok(())
}

pub async fn set_condition(
    conn: &mut PgConnection,
    (id, now): (Uuid, Instant),
    condition: Condition,
    reason: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update resource set condition = $2, condition_reason = $3, condition_at = $4, changed_at = $4,
             phone = case when $2 = 'retired' then '' else phone end where id = $1",
        id,
        condition.as_str(),
        reason,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn join(
    conn: &mut PgConnection,
    (team, member): (Uuid, Uuid),
    leads: bool,
    (now, by): (Instant, &str),
) -> sqlx::Result<()> {
    if leads {
        // Whoever led before stays in the team.
        let before = sqlx::query_scalar!(
            "update team_member set until_at = greatest($2, since_at), until_by = $3 where team_id = $1 and leads and until_at is null
             returning resource_id",
            team,
            now,
            by
        )
        .fetch_optional(&mut *conn)
        .await?;
        if let Some(before) = before.filter(|before| *before != member) {
            enter(&mut *conn, (team, before), false, (now, by)).await?;
        }
    }
    enter(conn, (team, member), leads, (now, by)).await
}

async fn enter(
    conn: &mut PgConnection,
    (team, member): (Uuid, Uuid),
    leads: bool,
    (now, by): (Instant, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into team_member (team_id, resource_id, resource_class, leads, since_at, since_by)
         select $1, r.id, r.class, $3, $4, $5 from resource r where r.id = $2",
        team,
        member,
        leads,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends memberships of a resource, or of all in a team. How many there were.
pub async fn leave(
    conn: &mut PgConnection,
    (team, member): (Option<Uuid>, Option<Uuid>),
    (now, by): (Instant, &str),
) -> sqlx::Result<u64> {
    let ended = sqlx::query!(
        "update team_member set until_at = greatest($3, since_at), until_by = $4
         where until_at is null and ($1::uuid is null or team_id = $1) and ($2::uuid is null or resource_id = $2) and num_nonnulls($1, $2) > 0",
        team,
        member,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(ended.rows_affected())
}

/// A span in which somebody works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub id: i64,
    pub from: Instant,
    pub until: Instant,
}

/// Spans that are not over, and of the last week.
pub async fn spans(conn: &mut PgConnection, resource: Uuid, now: Instant) -> sqlx::Result<Vec<Span>> {
    sqlx::query_as!(
        Span,
        r#"select id, from_at as "from", until_at as "until" from resource_shift
           where resource_id = $1 and withdrawn_at is null and until_at > $2 order by from_at limit 400"#,
        resource,
        now - ABOUT
    )
    .fetch_all(conn)
    .await
}

pub async fn add_span(
    conn: &mut PgConnection,
    resource: Uuid,
    (from, until): (Instant, Instant),
    (now, by): (Instant, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into resource_shift (resource_id, from_at, until_at, added_at, added_by) values ($1, $2, $3, $4, $5)",
        resource,
        from,
        until,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// False when there is none.
pub async fn withdraw_span(
    conn: &mut PgConnection,
    (resource, id): (Uuid, i64),
    (now, by): (Instant, &str),
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update resource_shift set withdrawn_at = $3, withdrawn_by = $4 where resource_id = $1 and id = $2 and withdrawn_at is null",
        resource,
        id,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}
