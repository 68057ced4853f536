//! Interdictions in PostgreSQL.

use chrono::NaiveDate;
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::Instant;
use crate::inspections::address::public_street;
use crate::inspections::check::plain;
use crate::inspections::interdictions::Of;
use crate::inspections::{NewInterdiction, State};

/// Interdictions of one page of a list.
pub const PAGE: i64 = 500;

/// What a new row has beside what was sent.
#[derive(Clone, Copy, Debug)]
pub struct NewRow<'a> {
    pub id: Uuid,
    pub number: &'a str,
    pub of: &'a Of<'a>,
    pub account: Uuid,
    pub actor: &'a str,
    pub now: Instant,
    pub public_street: &'a str,
    pub appeal: &'a str,
}

pub async fn has_key(conn: &mut PgConnection, key: Uuid) -> sqlx::Result<bool> {
    let found =
        sqlx::query_scalar!("select id from interdiction where device_key = $1", key).fetch_optional(conn).await?;
    Ok(found.is_some())
}

pub async fn insert(conn: &mut PgConnection, new: &NewInterdiction, row: &NewRow<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into interdiction (id, number, device_key, inspection_id, at, received_at, actor_id, actor, registry, scope, part,
             ownership, reason, apparent_damage, deadline, appeal, public_street, neighbourhood, signer_role, proof)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)",
        row.id,
        row.number,
        new.key,
        row.of.inspection,
        row.of.at,
        row.now,
        row.account,
        row.actor,
        plain(&new.registry),
        new.scope.as_str(),
        plain(&new.part),
        row.of.ownership.as_str(),
        plain(&new.reason),
        plain(&new.apparent_damage),
        new.deadline,
        row.appeal,
        row.public_street,
        row.of.neighbourhood,
        new.signer_role.as_str(),
        new.proof().as_str()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What a release needs to know.
#[derive(Clone, Debug)]
pub struct Held {
    pub number: String,
    pub state: State,
    pub at: Instant,
    /// As it is known now.
    pub street: String,
    pub neighbourhood: String,
    pub inspection: Uuid,
    pub inspection_number: String,
    pub incident: Option<Uuid>,
    pub occurrence: Option<Uuid>,
}

/// The number of an interdiction that stands on this inspection, or on one that it corrects or that corrects it.
pub async fn standing_of(conn: &mut PgConnection, inspection: Uuid) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        "select number from interdiction where state = 'active' and inspection_id in (select inspection_chain($1))
         order by at desc limit 1",
        inspection
    )
    .fetch_optional(conn)
    .await
}

/// An interdiction that nobody else releases meanwhile.
pub async fn lock(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Held>> {
    let row = sqlx::query!(
        r#"select n.number, n.state, s.street, s.neighbourhood, i.id as inspection, i.number as inspection_number, n.at,
               coalesce(i.incident_id, o.incident_id) as incident, i.occurrence_id
           from interdiction n join inspection i on i.id = n.inspection_id left join occurrence o on o.id = i.occurrence_id
           join inspection s on s.id = inspection_standing_of(n.inspection_id)
           where n.id = $1 for update of n"#,
        id
    );
    let Some(row) = row.fetch_optional(conn).await? else { return Ok(None) };
    let state = row.state.parse().map_err(|error: crate::units::UnknownWord| sqlx::Error::Decode(error.into()))?;
    Ok(Some(Held {
        number: row.number,
        state,
        at: row.at,
        street: row.street,
        neighbourhood: row.neighbourhood,
        inspection: row.inspection,
        inspection_number: row.inspection_number,
        incident: row.incident,
        occurrence: row.occurrence_id,
    }))
}

/// `by`: when, who and why; `of`: the device's key and the inspection that found it safe.
pub async fn release(
    conn: &mut PgConnection,
    id: Uuid,
    by: (Instant, &str, &str),
    of: (Uuid, Option<Uuid>),
) -> sqlx::Result<()> {
    sqlx::query!(
        "update interdiction set state = 'released', released_at = $2, released_by = $3, release_reason = $4, release_key = $5,
             release_inspection_id = $6
         where id = $1",
        id,
        by.0,
        by.1,
        by.2,
        of.0,
        of.1
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An interdiction without names.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Interdiction)]
pub struct Interdiction {
    pub id: Uuid,
    pub number: String,
    pub inspection: Uuid,
    pub inspection_number: String,
    #[schema(value_type = String, format = DateTime)]
    pub at: Instant,
    #[schema(value_type = String, format = DateTime)]
    pub received_at: Instant,
    /// User name.
    pub actor: String,
    /// Their name.
    pub actor_name: String,
    pub registry: String,
    /// partial or total
    pub scope: String,
    pub part: String,
    /// public or private
    pub ownership: String,
    pub reason: String,
    pub apparent_damage: String,
    #[schema(value_type = Option<String>, format = Date)]
    pub deadline: Option<NaiveDate>,
    pub appeal: String,
    /// As the inspection that counts says it.
    pub street: String,
    pub house_number: String,
    pub complement: String,
    pub neighbourhood: String,
    /// As it stands in the term.
    pub term_address: String,
    pub term_neighbourhood: String,
    pub signer_role: String,
    /// signature or refused
    pub proof: String,
    /// active or released
    pub state: String,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub released_at: Option<Instant>,
    pub released_by: Option<String>,
    pub release_reason: Option<String>,
    pub release_inspection: Option<Uuid>,
}

impl Interdiction {
    /// Street, number and what is added.
    pub fn address(&self) -> String {
        let parts = [&self.street, &self.house_number, &self.complement];
        parts.into_iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(", ")
    }

    /// Whether the term was signed for an address that was corrected since.
    pub fn is_moved(&self) -> bool {
        self.term_address != self.address() || self.term_neighbourhood != self.neighbourhood
    }

    pub fn is_active(&self) -> bool {
        self.state == State::Active.as_str()
    }
}

/// Which are wanted; nothing = no matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    pub state: Option<State>,
    /// Of this inspection, what it corrects and what corrects it.
    pub inspection: Option<Uuid>,
    pub id: Option<Uuid>,
}

/// The newest first, at most `limit`, before the `before`th.
pub async fn list(
    conn: &mut PgConnection,
    wish: Wish,
    before: Option<(Instant, Uuid)>,
    limit: i64,
) -> sqlx::Result<Vec<Interdiction>> {
    sqlx::query_as!(
        Interdiction,
        r#"select n.id, n.number, n.inspection_id as inspection, i.number as inspection_number, n.at, n.received_at, n.actor,
             w.name as actor_name, n.registry, n.scope, n.part, n.ownership, n.reason, n.apparent_damage, n.deadline, n.appeal, s.street,
             s.house_number, s.complement, s.neighbourhood,
             concat_ws(', ', nullif(i.street, ''), nullif(i.house_number, ''), nullif(i.complement, '')) as "term_address!",
             n.neighbourhood as term_neighbourhood, n.signer_role, n.proof, n.state, n.released_at, n.released_by, n.release_reason,
             n.release_inspection_id as release_inspection
         from interdiction n join inspection i on i.id = n.inspection_id join staff w on w.id = n.actor_id
         join inspection s on s.id = inspection_standing_of(n.inspection_id)
         where ($1::text is null or n.state = $1) and ($2::uuid is null or n.inspection_id in (select inspection_chain($2)))
             and ($3::uuid is null or n.id = $3) and ($4::timestamptz is null or (n.at, n.id) < ($4, $5::uuid))
         order by n.at desc, n.id desc limit $6"#,
        wish.state.map(State::as_str),
        wish.inspection,
        wish.id,
        before.map(|(at, _)| at),
        before.map(|(_, id)| id),
        limit
    )
    .fetch_all(conn)
    .await
}

/// The one of an id.
pub async fn find(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Interdiction>> {
    Ok(list(conn, Wish { id: Some(id), ..Wish::default() }, None, 1).await?.pop())
}

/// How many there are.
pub async fn count(conn: &mut PgConnection, state: Option<State>) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from interdiction where ($1::text is null or state = $1)"#,
        state.map(State::as_str)
    )
    .fetch_one(conn)
    .await
}

/// What the public may know of an interdiction.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = PublicInterdiction)]
pub struct Notice {
    pub id: Uuid,
    pub number: String,
    /// Without the house's number; empty when what was written does not begin as streets do.
    pub street: String,
    pub neighbourhood: String,
    /// partial or total
    pub scope: String,
    /// public or private
    pub ownership: String,
    #[schema(value_type = String, format = DateTime)]
    pub at: Instant,
}

/// Those that stand, the newest first, at most `limit`, before the `before`th; where the inspection that counts says that it is.
pub async fn notices(
    conn: &mut PgConnection,
    before: Option<(Instant, Uuid)>,
    limit: i64,
) -> sqlx::Result<Vec<Notice>> {
    let rows = sqlx::query_as!(
        Notice,
        "select n.id, n.number, s.street, s.neighbourhood, n.scope, n.ownership, n.at
         from interdiction n join inspection s on s.id = inspection_standing_of(n.inspection_id)
         where n.state = 'active' and ($1::timestamptz is null or (n.at, n.id) < ($1, $2::uuid))
         order by n.at desc, n.id desc limit $3",
        before.map(|(at, _)| at),
        before.map(|(_, id)| id),
        limit
    );
    let mut rows = rows.fetch_all(conn).await?;
    for row in &mut rows {
        row.street = public_street(&row.street);
    }
    Ok(rows)
}

/// Where a page of what stands begins; also after one that was released while somebody turned the pages.
pub async fn place_of(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<(Instant, Uuid)>> {
    let row = sqlx::query!("select at, id from interdiction where id = $1", id);
    Ok(row.fetch_optional(conn).await?.map(|row| (row.at, row.id)))
}
