//! Places of residents.

use sqlx::PgConnection;

use crate::clock::Instant;
use crate::ids::ResidentId;
use crate::reports::Spot;
use crate::residents::own::MOST_PLACES;

/// A place to be kept.
#[derive(Clone, Debug, PartialEq)]
pub struct NewPlace<'a> {
    pub label: &'a str,
    pub spot: Spot,
    pub address: &'a str,
    /// Eight digits, when the place is known by its CEP alone.
    pub cep: Option<&'a str>,
    /// Who lives there with this contact, 1 to 50.
    pub people: i16,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    New,
    /// The same label, or the same CEP, is there.
    Known,
    /// They have as many as anybody may.
    Full,
}

/// Adds a place. Whoever changes the same record waits.
pub async fn add(conn: &mut PgConnection, id: ResidentId, new: &NewPlace<'_>) -> sqlx::Result<Added> {
    let held = sqlx::query!(
        r#"select (select count(*) from resident_place where resident_id = $1) as "places!",
            exists (select from resident_place where resident_id = $1 and (label = $2 or cep = $3)) as "known!"
        from resident where id = $1 for update"#,
        id.0,
        new.label,
        new.cep
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(held) = held else { return Ok(Added::Known) };
    if held.known {
        return Ok(Added::Known);
    }
    if held.places >= MOST_PLACES {
        return Ok(Added::Full);
    }
    sqlx::query!(
        "insert into resident_place (resident_id, label, geom, precision_m, address_text, cep, people)
        values ($1, $2, st_setsrid(st_makepoint($3, $4), 4326), $5, $6, $7, $8)",
        id.0,
        new.label,
        new.spot.lon,
        new.spot.lat,
        new.spot.precision_m,
        new.address,
        new.cep,
        new.people
    )
    .execute(conn)
    .await?;
    Ok(Added::New)
}

/// Whether one of their places is this very point.
pub async fn is_there(conn: &mut PgConnection, id: ResidentId, spot: Spot) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from resident_place
            where resident_id = $1 and st_equals(geom, st_setsrid(st_makepoint($2, $3), 4326))) as "is!""#,
        id.0,
        spot.lon,
        spot.lat
    )
    .fetch_one(conn)
    .await
}

/// Their place at this very point, or of this CEP, by its label.
pub async fn label_at(
    conn: &mut PgConnection,
    id: ResidentId,
    spot: Spot,
    cep: Option<&str>,
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        r#"select label from resident_place
           where resident_id = $1 and (cep = $4 or st_equals(geom, st_setsrid(st_makepoint($2, $3), 4326)))
           order by cep = $4 desc nulls last, label limit 1"#,
        id.0,
        spot.lon,
        spot.lat,
        cep
    )
    .fetch_optional(conn)
    .await
}

/// Removes a place by its label; false when there is none.
pub async fn remove(conn: &mut PgConnection, now: Instant, id: ResidentId, label: &str) -> sqlx::Result<bool> {
    let gone = sqlx::query!("delete from resident_place where resident_id = $1 and label = $2", id.0, label)
        .execute(&mut *conn)
        .await?;
    if gone.rows_affected() == 0 {
        return Ok(false);
    }
    stop_elsewhere(conn, now, id).await?;
    Ok(true)
}

/// A place as a telephone is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub resident: ResidentId,
    pub label: String,
    pub cep: Option<String>,
    pub address: String,
}

/// The places of whoever is warned at a telephone, the eldest first.
pub async fn at_telephone(conn: &mut PgConnection, phone: &str) -> sqlx::Result<Vec<Told>> {
    sqlx::query_as!(
        Told,
        r#"select r.id as "resident: ResidentId", p.label, p.cep, p.address_text as address
        from resident_channel c join resident r on r.id = c.resident_id and r.deleted_at is null
                and r.alerts_withdrawn_at is null
            join resident_place p on p.resident_id = r.id
        where c.kind = 'sms' and c.address = $1 and c.verified_at is not null and c.opted_out_at is null
        order by r.created_at, r.id, p.id limit 100"#,
        phone
    )
    .fetch_all(conn)
    .await
}

/// How many places somebody has.
pub async fn count(conn: &mut PgConnection, id: ResidentId) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select count(*) as "places!" from resident_place where resident_id = $1"#, id.0)
        .fetch_one(conn)
        .await
}

/// What waits for somebody whom no place of theirs ties to the alert any more does not leave.
async fn stop_elsewhere(conn: &mut PgConnection, now: Instant, id: ResidentId) -> sqlx::Result<()> {
    // First where a large audience waits to be written: whoever is writing it has the row, and then it is in the outbox.
    sqlx::query!(
        "update spread_recipient s set reason = 'place_removed'
        where s.resident_id = $1 and s.reason in ('', 'duplicate_address') and s.basis in ('inside', 'within_buffer', 'within_precision')
            and not exists (
                select from alert_target t join alert a on a.id = t.alert_id join resident_place p on p.resident_id = $1
                where t.alert_id = s.alert_id
                    and st_dwithin(t.geom::geography, p.geom::geography, p.precision_m + a.buffer_m))",
        id.0
    )
    .execute(&mut *conn)
    .await?;
    let stopped = sqlx::query_scalar!(
        "update outbox o set state = 'suppressed', reason = 'place_removed', final_at = $2
        where o.resident_id = $1 and o.state = 'pending' and o.basis in ('inside', 'within_buffer', 'within_precision')
            and not exists (
                select from alert_target t join alert a on a.id = t.alert_id join resident_place p on p.resident_id = $1
                where t.alert_id = o.alert_id
                    and st_dwithin(t.geom::geography, p.geom::geography, p.precision_m + a.buffer_m))
        returning o.id",
        id.0,
        now
    )
    .fetch_all(&mut *conn)
    .await?;
    super::own::inherit(conn, now, &stopped).await
}
