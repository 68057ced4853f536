//! Residents as staff look for them: by telephone, mailbox or postcode. Whoever asks writes the reading into the audit.

use sqlx::PgConnection;

use crate::ids::ResidentId;
use crate::residents::record::{Found, Sought};

/// Residents in one answer.
pub const MOST: i64 = 50;

/// The residents who are reached at an address or live under a postcode, at most fifty, eldest record first.
pub async fn find(conn: &mut PgConnection, sought: &Sought) -> sqlx::Result<Vec<Found>> {
    let (address, cep) = match sought {
        Sought::Address(channel, address) => (Some((channel.as_str(), address.as_str())), None),
        Sought::Cep(cep) => (None, Some(cep.as_str())),
    };
    let (kind, address) = address.unzip();
    sqlx::query_as!(
        Found,
        r#"with hit as (
            select resident_id from resident_channel where kind = $1 and address = $2
            union
            select resident_id from resident_place where cep = $3
            union
            select resident_id from resident_place where address_text <> '' and written_cep(address_text) = $3
        )
        select r.id as "id: ResidentId", r.name, r.fictional, coalesce(p.address_text, '') as "place!",
            (select count(*) from resident_channel c where c.resident_id = r.id) as "channels!"
        from hit join resident r on r.id = hit.resident_id and r.deleted_at is null
            left join resident_place p on p.resident_id = r.id and p.label = 'home'
        order by r.created_at, r.id limit $4"#,
        kind,
        address,
        cep,
        MOST
    )
    .fetch_all(conn)
    .await
}
