//! Nuclei (NUPDEC) with their members, drills and radios.

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::Instant;

/// A nucleus with its numbers.
#[derive(Clone, Debug)]
pub struct Nucleus {
    pub id: Uuid,
    pub name: String,
    pub district: String,
    pub members: i64,
    pub drills: i64,
    pub radios: i64,
    pub last_drill: Option<NaiveDate>,
}

pub async fn nuclei(conn: &mut PgConnection, id: Option<Uuid>) -> sqlx::Result<Vec<Nucleus>> {
    sqlx::query_as!(
        Nucleus,
        r#"select n.id, n.name, n.district, (select count(*) from nupdec_member m where m.nupdec_id = n.id) as "members!",
            (select count(*) from nupdec_drill d where d.nupdec_id = n.id) as "drills!",
            (select count(*) from nupdec_radio r where r.nupdec_id = n.id) as "radios!",
            (select max(held_on) from nupdec_drill d where d.nupdec_id = n.id) as last_drill
        from nupdec n where $1::uuid is null or n.id = $1 order by lower(n.name), n.id limit 500"#,
        id
    )
    .fetch_all(conn)
    .await
}

/// False when there is one of this name.
pub async fn add_nucleus(
    conn: &mut PgConnection,
    now: Instant,
    (id, name, district): (Uuid, &str, &str),
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "insert into nupdec (id, name, district, created_at) values ($1, $2, $3, $4) on conflict do nothing",
        id,
        name,
        district,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

pub async fn join(
    conn: &mut PgConnection,
    now: Instant,
    (nucleus, volunteer): (Uuid, Uuid),
    role: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into nupdec_member (nupdec_id, volunteer_id, role, since_at) values ($1, $2, $3, $4)
        on conflict (nupdec_id, volunteer_id) do update set role = excluded.role",
        nucleus,
        volunteer,
        role,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn part(conn: &mut PgConnection, nucleus: Uuid, volunteer: Uuid) -> sqlx::Result<bool> {
    let done = sqlx::query!("delete from nupdec_member where nupdec_id = $1 and volunteer_id = $2", nucleus, volunteer)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() > 0)
}

pub async fn add_drill(
    conn: &mut PgConnection,
    nucleus: Uuid,
    (held_on, what, people): (NaiveDate, &str, i32),
    actor: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into nupdec_drill (nupdec_id, held_on, what, people, noted_by) values ($1, $2, $3, $4, $5)",
        nucleus,
        held_on,
        what,
        people,
        actor
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn add_radio(
    conn: &mut PgConnection,
    nucleus: Uuid,
    (call_sign, channel): (&str, &str),
    actor: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into nupdec_radio (nupdec_id, call_sign, channel, noted_by) values ($1, $2, $3, $4)",
        nucleus,
        call_sign,
        channel,
        actor
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A member of a nucleus.
#[derive(Clone, Debug)]
pub struct Member {
    pub volunteer: Uuid,
    pub name: String,
    pub role: String,
}

pub async fn members(conn: &mut PgConnection, nucleus: Uuid) -> sqlx::Result<Vec<Member>> {
    sqlx::query_as!(
        Member,
        "select v.id as volunteer, v.name, m.role from nupdec_member m join volunteer v on v.id = m.volunteer_id
        where m.nupdec_id = $1 and v.state <> 'left' order by m.role, lower(v.name), v.id limit 500",
        nucleus
    )
    .fetch_all(conn)
    .await
}

/// A drill of a nucleus.
#[derive(Clone, Debug)]
pub struct Drill {
    pub held_on: NaiveDate,
    pub what: String,
    pub people: i32,
}

pub async fn drills(conn: &mut PgConnection, nucleus: Uuid) -> sqlx::Result<Vec<Drill>> {
    sqlx::query_as!(
        Drill,
        "select held_on, what, people from nupdec_drill where nupdec_id = $1 order by held_on desc, id desc limit 100",
        nucleus
    )
    .fetch_all(conn)
    .await
}

/// A radio of a nucleus.
#[derive(Clone, Debug)]
pub struct Radio {
    pub call_sign: String,
    pub channel: String,
}

pub async fn radios(conn: &mut PgConnection, nucleus: Uuid) -> sqlx::Result<Vec<Radio>> {
    sqlx::query_as!(
        Radio,
        "select call_sign, channel from nupdec_radio where nupdec_id = $1 order by call_sign, id limit 100",
        nucleus
    )
    .fetch_all(conn)
    .await
}
