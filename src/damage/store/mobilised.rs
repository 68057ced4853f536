//! What was set in motion in an incident, from plans, teams, shelters, aid and volunteers.

use sqlx::PgConnection;

use crate::damage::mobilised::Mobilised;
use crate::ids::IncidentId;

/// Rows of each kind, at most.
const MOST: i64 = 500;

/// What is recorded of an incident now.
pub async fn of(conn: &mut PgConnection, incident: IncidentId) -> sqlx::Result<Mobilised> {
    let plans = sqlx::query!(
        "select scenario_title, activated_at from plan_activation where incident_id = $1 order by activated_at limit $2",
        incident.0,
        MOST
    )
    .fetch_all(&mut *conn)
    .await?;
    let tasks = sqlx::query!(
        r#"select title, state = 'done' as "is_done!" from incident_task
           where incident_id = $1 and state <> 'not_needed' order by closed_at, due_at, code limit $2"#,
        incident.0,
        MOST
    )
    .fetch_all(&mut *conn)
    .await?;
    let titles =
        |done: bool| tasks.iter().filter(move |task| task.is_done == done).map(|task| task.title.clone()).collect();
    let counts = sqlx::query!(
        r#"select (select count(*) from aid_delivery where incident_id = $1) as "kits!",
                  (select count(distinct volunteer_id) from volunteer_presence where incident_id = $1) as "volunteers!""#,
        incident.0
    )
    .fetch_one(&mut *conn)
    .await?;
    let shelters = sqlx::query!(
        "select distinct s.name, s.capacity from shelter_opening o join shelter s on s.id = o.shelter_id
         where o.incident_id = $1 and o.opened_at is not null order by s.name limit $2",
        incident.0,
        MOST
    )
    .fetch_all(&mut *conn)
    .await?;
    let (teams, persons, things) = sent(conn, incident).await?;
    Ok(Mobilised {
        plans: plans.into_iter().map(|row| (row.scenario_title, row.activated_at)).collect(),
        tasks_done: titles(true),
        tasks_open: titles(false),
        teams,
        persons,
        things,
        shelters: shelters.into_iter().map(|row| (row.name, row.capacity.into())).collect(),
        kits: counts.kits,
        volunteers: counts.volunteers,
    })
}

type Counted = Vec<(String, i64)>;

/// Teams with their persons, persons in all, and things by kind: of what set out, also when it was called back later.
async fn sent(conn: &mut PgConnection, incident: IncidentId) -> sqlx::Result<(Counted, i64, Counted)> {
    let rows = sqlx::query!(
        r#"with gone as (
               select d.id, d.resource_id from deployment d join resource_request q on q.id = d.request_id
               where coalesce(d.en_route_at, d.on_site_at) is not null
                 and (q.incident_id = $1 or q.occurrence_id in (select id from occurrence where incident_id = $1))),
           unit as (
               select distinct g.resource_id as sent_id, u.resource_id, r.class, r.kind
               from gone g join deployment_unit u on u.deployment_id = g.id join resource r on r.id = u.resource_id)
           select 'team' as "what!", t.name as "name!", count(u.resource_id) filter (where u.class = 'person') as "many!"
           from (select distinct resource_id from gone) g join resource t on t.id = g.resource_id and t.class = 'team'
           left join unit u on u.sent_id = g.resource_id group by t.id, t.name
           union all
           select 'persons', '', count(distinct resource_id) from unit where class = 'person'
           union all
           select 'thing', kind, count(distinct resource_id) from unit where class in ('vehicle', 'equipment') group by kind
           order by 1, 2 limit $2"#,
        incident.0,
        MOST
    )
    .fetch_all(conn)
    .await?;
    let of = |what: &str| rows.iter().filter(|row| row.what == what).map(|row| (row.name.clone(), row.many)).collect();
    let persons = rows.iter().find(|row| row.what == "persons").map_or(0, |row| row.many);
    Ok((of("team"), persons, of("thing")))
}
