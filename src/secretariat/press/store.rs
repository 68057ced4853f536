//! Outlets and deliveries in PostgreSQL.

use sqlx::PgConnection;
use uuid::Uuid;

use super::{Delivery, MOST, Outlet, PAGE};
use crate::clock::Instant;

/// Outlets that get releases, by name.
pub async fn active(conn: &mut PgConnection) -> sqlx::Result<Vec<Outlet>> {
    sqlx::query_as!(
        Outlet,
        r#"select id, name, contact, email as "email!", tags, added_at from press_outlet where removed_at is null order by name, id limit $1"#,
        MOST
    )
    .fetch_all(conn)
    .await
}

/// The same; nobody else changes them until the transaction ends.
pub async fn held(conn: &mut PgConnection) -> sqlx::Result<Vec<Outlet>> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('press_outlet', 0))").fetch_one(&mut *conn).await?;
    active(conn).await
}

/// Which of these were on the list and left it.
pub async fn left(conn: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!("select id from press_outlet where id = any($1) and removed_at is not null", ids)
        .fetch_all(conn)
        .await
}

pub async fn insert(conn: &mut PgConnection, outlet: &Outlet, by: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into press_outlet (id, name, contact, email, tags, added_at, added_by) values ($1, $2, $3, $4, $5, $6, $7)",
        outlet.id,
        outlet.name,
        outlet.contact,
        outlet.email,
        &outlet.tags,
        outlet.added_at,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Nobody distributes and nobody leaves the list until the transaction ends.
pub async fn hold(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('press', 0))").fetch_one(conn).await?;
    Ok(())
}

/// Takes it off the list and forgets its address and desk, also in what was sent there. False: it is not on the list.
pub async fn remove(conn: &mut PgConnection, id: Uuid, (now, by): (Instant, &str)) -> sqlx::Result<bool> {
    // A release that goes out meanwhile has read the list: what it sends there is seen once it is over.
    hold(&mut *conn).await?;
    let gone = sqlx::query_scalar!(
        r#"with old as (select id, email from press_outlet where id = $1 and removed_at is null for update),
               gone as (
                   update press_outlet o set removed_at = $2, removed_by = $3, email = null, contact = '', tags = '{}' from old where o.id = old.id
                   returning old.email),
               erased as (
                   delete from notice n using gone where n.channel = 'email' and n.address = gone.email and n.purpose = 'press_release')
           select count(*) as "count!" from gone"#,
        id,
        now,
        by
    );
    Ok(gone.fetch_one(conn).await? > 0)
}

/// `after`: the last one of the page before; all outlets of a release have the same instant.
pub async fn deliveries(conn: &mut PgConnection, after: Option<(Instant, Uuid, Uuid)>) -> sqlx::Result<Vec<Delivery>> {
    let (at, publication, outlet) =
        after.map_or((None, None, None), |(at, publication, outlet)| (Some(at), Some(publication), Some(outlet)));
    sqlx::query_as!(
        Delivery,
        r#"select d.publication_id, p.case_id, p.snapshot ->> 'number' as "number!", p.snapshot ->> 'title' as "title!", d.outlet_id, o.name as outlet, d.at
           from press_delivery d join case_publication p on p.id = d.publication_id join press_outlet o on o.id = d.outlet_id
           where $1::timestamptz is null or d.at < $1 or (d.at = $1 and (d.publication_id, d.outlet_id) > ($3, $4))
           order by d.at desc, d.publication_id, d.outlet_id limit $2"#,
        at,
        PAGE,
        publication,
        outlet
    )
    .fetch_all(conn)
    .await
}
