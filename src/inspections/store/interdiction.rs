//! Interdictions in PostgreSQL.

use chrono::NaiveDate;
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::Instant;
use crate::inspections::check::plain;
use crate::inspections::interdictions::Of;
use crate::inspections::{NewInterdiction, State};

/// Interdictions of one list.
pub const MOST: i64 = 500;

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
    pub street: String,
    pub neighbourhood: String,
    pub inspection: Uuid,
    pub inspection_number: String,
    pub incident: Option<Uuid>,
    pub occurrence: Option<Uuid>,
}

/// An interdiction that nobody else releases meanwhile.
pub async fn lock(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Held>> {
    let row = sqlx::query!(
        r#"select n.number, n.state, n.public_street, n.neighbourhood, i.id as inspection, i.number as inspection_number,
               coalesce(i.incident_id, o.incident_id) as incident, i.occurrence_id
           from interdiction n join inspection i on i.id = n.inspection_id left join occurrence o on o.id = i.occurrence_id
           where n.id = $1 for update of n"#,
        id
    );
    let Some(row) = row.fetch_optional(conn).await? else { return Ok(None) };
    let state = row.state.parse().map_err(|error: crate::units::UnknownWord| sqlx::Error::Decode(error.into()))?;
    Ok(Some(Held {
        number: row.number,
        state,
        street: row.public_street,
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
    pub street: String,
    pub house_number: String,
    pub complement: String,
    pub neighbourhood: String,
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

    pub fn is_active(&self) -> bool {
        self.state == State::Active.as_str()
    }
}

/// The newest first: in a state, of an inspection, or the one of an id.
pub async fn list(
    conn: &mut PgConnection,
    state: Option<State>,
    of: (Option<Uuid>, Option<Uuid>),
) -> sqlx::Result<Vec<Interdiction>> {
    sqlx::query_as!(
        Interdiction,
        "select n.id, n.number, n.inspection_id as inspection, i.number as inspection_number, n.at, n.received_at, n.actor, n.registry,
             n.scope, n.part, n.ownership, n.reason, n.apparent_damage, n.deadline, n.appeal, i.street, i.house_number, i.complement,
             n.neighbourhood, n.signer_role, n.proof, n.state, n.released_at, n.released_by, n.release_reason,
             n.release_inspection_id as release_inspection
         from interdiction n join inspection i on i.id = n.inspection_id
         where ($1::text is null or n.state = $1) and ($2::uuid is null or n.inspection_id = $2) and ($3::uuid is null or n.id = $3)
         order by n.at desc, n.id desc limit $4",
        state.map(State::as_str),
        of.0,
        of.1,
        MOST
    )
    .fetch_all(conn)
    .await
}

/// What the public may know of an interdiction.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = PublicInterdiction)]
pub struct Notice {
    pub number: String,
    /// Without the house's number.
    pub street: String,
    pub neighbourhood: String,
    /// partial or total
    pub scope: String,
    /// public or private
    pub ownership: String,
    #[schema(value_type = String, format = DateTime)]
    pub at: Instant,
}

/// Those that stand, the newest first.
pub async fn notices(conn: &mut PgConnection) -> sqlx::Result<Vec<Notice>> {
    sqlx::query_as!(
        Notice,
        "select number, public_street as street, neighbourhood, scope, ownership, at from interdiction where state = 'active'
         order by at desc, id desc limit $1",
        MOST
    )
    .fetch_all(conn)
    .await
}
