//! Persons counted, now or as it was at an instant. An undone stay never was.

use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::Instant;
use crate::config::AlertStatus;
use crate::shelters::totals::{Count, Heads};

/// Of what persons are counted.
#[derive(Clone, Copy, Debug)]
pub struct Whose {
    incident: Option<Uuid>,
    drills: bool,
}

impl Whose {
    /// Of one incident, exercised or not.
    pub const fn incident(id: Uuid) -> Self {
        Self { incident: Some(id), drills: true }
    }

    /// Of every incident, exercised or not.
    pub const fn everything() -> Self {
        Self { incident: None, drills: true }
    }

    /// Of the town: what is exercised counts only where the whole service is, as in a demonstration.
    pub fn town(status: AlertStatus) -> Self {
        Self { incident: None, drills: status != AlertStatus::Actual }
    }
}

/// Who is in each shelter at an instant, and who came and went since another.
pub async fn by_shelter(
    conn: &mut PgConnection,
    (since, at): (Instant, Instant),
    whose: Whose,
) -> sqlx::Result<Vec<Count>> {
    let rows = sqlx::query!(
        r#"select s.code, s.name,
            count(*) filter (where t.here and p.age = 'infant') as "infants!", count(*) filter (where t.here and p.age = 'child') as "children!",
            count(*) filter (where t.here and p.age = 'adolescent') as "adolescents!", count(*) filter (where t.here and p.age = 'adult') as "adults!",
            count(*) filter (where t.here and p.age = 'elder') as "elders!", count(distinct p.household_id) filter (where t.here) as "families!",
            count(*) filter (where t.from_at > $1 and t.from_at <= $2) as "arrived!",
            count(*) filter (where t.until_at > $1 and t.until_at <= $2) as "left!"
        from shelter s
        join shelter_opening o on o.shelter_id = s.id and o.begun_at <= $2 and (o.closed_at is null or o.closed_at > $1)
            and ($3::uuid is null or o.incident_id = $3) and ($4 or not incident_is_drill(o.incident_id))
        left join lateral (select x.*, x.from_at <= $2 and (x.until_at is null or x.until_at > $2) as here from stay x
            where x.opening_id = o.id and x.ended_as is distinct from 'undone') t on true
        left join displaced_person p on p.id = t.person_id
        group by s.id, s.code, s.name order by lower(s.name), s.id"#,
        since,
        at,
        whose.incident,
        whose.drills
    )
    .fetch_all(conn)
    .await?;
    let all = rows.into_iter().map(|row| Count {
        code: row.code,
        name: row.name,
        heads: Heads {
            infants: row.infants,
            children: row.children,
            adolescents: row.adolescents,
            adults: row.adults,
            elders: row.elders,
        },
        families: row.families,
        arrived: row.arrived,
        left: row.left,
    });
    Ok(all.collect())
}

/// Shelters that are open now.
pub async fn open(conn: &mut PgConnection, whose: Whose) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "open!" from shelter_opening o
           where o.opened_at is not null and o.closed_at is null and ($1::uuid is null or o.incident_id = $1)
               and ($2 or not incident_is_drill(o.incident_id))"#,
        whose.incident,
        whose.drills
    )
    .fetch_one(conn)
    .await
}

/// Who stays elsewhere by own means at an instant (desalojados).
pub async fn elsewhere(conn: &mut PgConnection, (since, at): (Instant, Instant), whose: Whose) -> sqlx::Result<Count> {
    let row = sqlx::query!(
        r#"select count(*) filter (where t.here and p.age = 'infant') as "infants!", count(*) filter (where t.here and p.age = 'child') as "children!",
            count(*) filter (where t.here and p.age = 'adolescent') as "adolescents!", count(*) filter (where t.here and p.age = 'adult') as "adults!",
            count(*) filter (where t.here and p.age = 'elder') as "elders!", count(distinct p.household_id) filter (where t.here) as "families!",
            count(*) filter (where t.from_at > $1 and t.from_at <= $2) as "arrived!",
            count(*) filter (where t.until_at > $1 and t.until_at <= $2) as "left!"
        from (select x.*, x.from_at <= $2 and (x.until_at is null or x.until_at > $2) as here from stay x
            where x.host is not null and x.ended_as is distinct from 'undone') t
        join displaced_person p on p.id = t.person_id join household h on h.id = p.household_id
        where ($3::uuid is null or h.incident_id = $3) and ($4 or not incident_is_drill(h.incident_id))"#,
        since,
        at,
        whose.incident,
        whose.drills
    )
    .fetch_one(conn)
    .await?;
    let heads = Heads {
        infants: row.infants,
        children: row.children,
        adolescents: row.adolescents,
        adults: row.adults,
        elders: row.elders,
    };
    Ok(Count { heads, families: row.families, arrived: row.arrived, left: row.left, ..Count::default() })
}

/// A kind of help, and how many persons in a shelter need it.
#[derive(Clone, Debug, Serialize)]
pub struct Needed {
    pub need: String,
    pub persons: i64,
}

pub async fn needs(conn: &mut PgConnection, shelter: Uuid, at: Instant) -> sqlx::Result<Vec<Needed>> {
    sqlx::query_as!(
        Needed,
        r#"select n.need as "need!", count(*) as "persons!" from stay t join displaced_person p on p.id = t.person_id
            cross join lateral unnest(p.needs) as n (need)
        where t.shelter_id = $1 and t.ended_as is distinct from 'undone' and t.from_at <= $2 and (t.until_at is null or t.until_at > $2)
        group by n.need order by count(*) desc, n.need"#,
        shelter,
        at
    )
    .fetch_all(conn)
    .await
}
