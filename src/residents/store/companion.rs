//! Those who live with residents, in PostgreSQL: their kinds of help here, their names in the vault.

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::Instant;
use crate::ids::{Ids, ResidentId};
use crate::residents::companions::{Companion, MOST, Sealed, subject};
use crate::residents::preferences::Need;
use crate::vault::Ring;
use crate::vault::access::Purpose;
use crate::vault::store as vault;

/// Somebody to be named.
#[derive(Clone, Debug)]
pub struct NewCompanion<'a> {
    /// Label of a place of the resident's.
    pub place: &'a str,
    pub sealed: Sealed,
    pub needs: &'a [Need],
    pub keep_until: NaiveDate,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    New(Uuid),
    /// They have no place of this name.
    NoPlace,
    /// As many are named as anybody may name.
    Full,
}

/// Names somebody, while the consent to it stands; the database refuses it without. Who lives at the place is counted anew. Whoever
/// changes the same record waits.
pub async fn add(
    conn: &mut PgConnection,
    (ring, ids): (&Ring, &Ids),
    now: Instant,
    resident: ResidentId,
    new: &NewCompanion<'_>,
) -> sqlx::Result<Added> {
    let held = sqlx::query!(
        r#"select (select count(*) from resident_companion where resident_id = $1) as "named!",
            exists (select from resident_place where resident_id = $1 and label = $2) as "place!"
        from resident where id = $1 for update"#,
        resident.0,
        new.place
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(held) = held.filter(|held| held.place) else { return Ok(Added::NoPlace) };
    if usize::try_from(held.named).is_ok_and(|named| named >= MOST) {
        return Ok(Added::Full);
    }
    let id = ids.uuid(now);
    let needs: Vec<String> = new.needs.iter().map(Need::to_string).collect();
    sqlx::query!(
        "insert into resident_companion (id, resident_id, label, needs, added_at) values ($1, $2, $3, $4, $5)",
        id,
        resident.0,
        new.place,
        &needs,
        now
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update resident_place p set people = least(50, greatest(p.people,
            1 + (select count(*) from resident_companion c where c.resident_id = $1 and c.label = $2)))::smallint
        where p.resident_id = $1 and p.label = $2",
        resident.0,
        new.place
    )
    .execute(&mut *conn)
    .await?;
    let plain = serde_json::to_vec(&new.sealed).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let record = vault::NewRecord {
        purpose: Purpose::ResidentHousehold,
        subject: &subject(id),
        plain: &plain,
        created_by: "resident",
        keep_until: new.keep_until,
    };
    vault::put(conn, ring, ids.uuid(now), now, &record).await?;
    Ok(Added::New(id))
}

/// How many are named.
pub async fn count(conn: &mut PgConnection, resident: ResidentId) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select count(*) as "named!" from resident_companion where resident_id = $1"#, resident.0)
        .fetch_one(conn)
        .await
}

/// Those who are named, with their names opened, place by place. Whoever calls writes the opening into the audit.
pub async fn open(conn: &mut PgConnection, ring: &Ring, resident: ResidentId) -> anyhow::Result<Vec<Companion>> {
    let rows = sqlx::query!(
        "select c.id, c.label, c.needs, v.subject, v.sealed from resident_companion c
            join vault_record v on v.purpose = $2 and v.subject = 'companion:' || c.id::text
        where c.resident_id = $1 order by c.label, c.added_at, c.id",
        resident.0,
        Purpose::ResidentHousehold.as_str()
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let plain = ring.open(&vault::context(Purpose::ResidentHousehold.as_str(), &row.subject), &row.sealed)?;
            let sealed: Sealed = serde_json::from_slice(&plain)?;
            Ok(Companion {
                id: row.id,
                place: row.label,
                name: sealed.name,
                relation: sealed.relation,
                // The column's constraint admits only known words.
                needs: row.needs.iter().filter_map(|word| word.parse().ok()).collect(),
            })
        })
        .collect()
}

/// Takes somebody out of the record, name and all. False when there is no such person.
pub async fn remove(conn: &mut PgConnection, resident: ResidentId, id: Uuid) -> sqlx::Result<bool> {
    let done = sqlx::query!("delete from resident_companion where id = $1 and resident_id = $2", id, resident.0)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() > 0)
}
