//! Contacts with the consent that each rests on.

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use super::decode;
use crate::secretariat::kernel::registry::Contact;

/// Contacts of some entries, each with its entry, the oldest first.
pub async fn of(conn: &mut PgConnection, entries: &[Uuid]) -> sqlx::Result<Vec<(Uuid, Contact)>> {
    let rows = sqlx::query!(
        "select entry_id, id, channel, value, purpose, given_on, given_by, withdrawn_on, withdrawn_by
         from registry_contact where entry_id = any($1) order by id",
        entries
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let contact = Contact {
                id: row.id,
                channel: row.channel.parse().map_err(decode)?,
                value: row.value,
                purpose: row.purpose,
                given_on: row.given_on,
                given_by: row.given_by,
                withdrawn_on: row.withdrawn_on,
                withdrawn_by: row.withdrawn_by,
            };
            Ok((row.entry_id, contact))
        })
        .collect()
}

pub async fn insert(conn: &mut PgConnection, entry: Uuid, contact: &Contact) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into registry_contact (id, entry_id, channel, value, purpose, given_on, given_by, withdrawn_on, withdrawn_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        contact.id,
        entry,
        contact.channel.as_str(),
        contact.value,
        contact.purpose,
        contact.given_on,
        contact.given_by,
        contact.withdrawn_on,
        contact.withdrawn_by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Erases what reaches them. False: there is no such contact with a consent that holds.
pub async fn withdraw(
    conn: &mut PgConnection,
    (entry, id): (Uuid, Uuid),
    (day, by): (NaiveDate, &str),
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update registry_contact set value = null, withdrawn_on = greatest($3, given_on), withdrawn_by = $4
         where entry_id = $1 and id = $2 and withdrawn_on is null",
        entry,
        id,
        day,
        by
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}
