//! Outside warnings as they are shown: in which state they are, and in which order they are read.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::store::OPEN_ENDED_HOURS;
use crate::clock::Instant;
use crate::units::vocabulary;

vocabulary! {
    /// Where a warning stands. Only what is real and open is ever shown as in force.
    Stage, "stage of a warning" {
        /// In force, or about to be.
        InForce = "in_force",
        Future = "future",
        Ended = "ended",
        Cancelled = "cancelled",
        Replaced = "replaced",
        /// Its source has to sign, and it is not signed as it must be.
        Quarantined = "quarantined",
        /// An exercise, a test or a draft, whatever its times say.
        NotReal = "not_real",
    }
}

/// A risk area under a warning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Covered {
    pub code: String,
    pub name: String,
    /// How much of the area lies under it, 0 to 1.
    pub share: f64,
    /// It has no shape and names the municipality: then it is for all of it.
    pub by_geocode: bool,
}

/// A warning as pages and API tell it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Shown {
    pub id: i64,
    /// The feed it came by; "import" when a person brought it as nobody's words.
    pub source: String,
    /// How it came: feed, file, url, text, api, command.
    pub way: String,
    pub identifier: String,
    pub sender: String,
    pub sender_name: String,
    #[schema(value_type = String)]
    pub sent_at: Instant,
    /// Words of CAP: Actual, Exercise, System, Test, Draft; Alert, Update, Cancel; and so on.
    pub status: String,
    pub msg_type: String,
    pub scope: String,
    pub event: String,
    pub urgency: String,
    pub severity: String,
    pub certainty: String,
    /// The publisher's own word and colour; empty when it has none.
    pub level: String,
    pub colour: String,
    pub headline: String,
    pub description: String,
    pub instruction: String,
    pub web: String,
    #[schema(value_type = Option<String>)]
    pub onset_at: Option<Instant>,
    #[schema(value_type = Option<String>)]
    pub expires_at: Option<Instant>,
    /// The areas in the publisher's words.
    pub area_texts: Vec<String>,
    /// IBGE codes of the municipalities it names.
    pub geocodes: Vec<String>,
    /// Why it is for this town (geocode, polygon, circle); empty when it is not.
    pub for_us_by: Vec<String>,
    /// Names of our risk areas that it touches, at most 200.
    pub areas: Vec<String>,
    /// The same areas with their codes and how much of each lies under it.
    #[schema(value_type = Vec<Covered>)]
    pub coverage: sqlx::types::Json<Vec<Covered>>,
    /// unsigned; valid: by a certificate that its source is trusted by; unknown: by a key that nobody here trusts;
    /// invalid: refused. `signature_why` says why; of a valid one it says "weak: SHA-1" and the like where it is weak.
    pub signature: String,
    /// Whose certificate it bears; empty for none.
    pub signed_by: String,
    pub signature_why: String,
    /// Its source has to sign, and it is not signed as it must be: shown to staff, never acted upon.
    pub quarantined: bool,
    #[schema(value_type = String)]
    pub received_at: Instant,
    /// Since when its source lists it no more, though it has not ended.
    #[schema(value_type = Option<String>)]
    pub unlisted_at: Option<Instant>,
    pub superseded_by: Option<i64>,
    /// How that is known: references, revision, same_event_and_area, same_event_and_municipality.
    pub linked_how: String,
}

impl Shown {
    pub fn stage(&self, now: Instant) -> Stage {
        let ends_at = self.expires_at.unwrap_or(self.sent_at + chrono::TimeDelta::hours(OPEN_ENDED_HOURS));
        match () {
            () if self.quarantined => Stage::Quarantined,
            () if self.status != "Actual" => Stage::NotReal,
            () if self.superseded_by.is_some() => Stage::Replaced,
            () if self.msg_type == "Cancel" => Stage::Cancelled,
            () if ends_at <= now => Stage::Ended,
            () if self.onset_at.is_some_and(|at| at > now) => Stage::Future,
            () => Stage::InForce,
        }
    }

    /// Worse is less.
    pub fn rank(&self) -> usize {
        let words = ["Extreme", "Severe", "Moderate", "Minor"];
        words.iter().position(|word| *word == self.severity).unwrap_or(words.len())
    }

    /// Who says it, as people call them.
    pub fn publisher(&self) -> &str {
        match self.sender.as_str() {
            "info.aviso@inmet.gov.br" => "INMET",
            _ if self.sender_name.is_empty() => &self.sender,
            _ => &self.sender_name,
        }
    }
}

/// Which warnings are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wish {
    /// Real, not replaced, cancelled or ended; otherwise all.
    pub open: bool,
    /// Only what anyone may know: real, and meant for the public.
    pub public: bool,
    /// Only what is for this town.
    pub for_us: bool,
    /// Only those with a smaller id.
    pub before: Option<i64>,
    pub only: Option<i64>,
    /// The gravest first instead of the newest, so that none of them is beyond the limit.
    pub gravest: bool,
    pub limit: i64,
}

/// The newest first. Of open messages of one sender, identifier and scope that several sources brought, those are left out that
/// another makes needless: where only one is signed by somebody its source is trusted by, it counts; otherwise a later one that
/// is no milder, and of those sent at once the first that came. What is milder hides nothing, whenever it was sent.
///
/// # Errors
/// The database's.
pub async fn list(conn: &mut PgConnection, now: Instant, wish: Wish) -> sqlx::Result<Vec<Shown>> {
    sqlx::query_as!(
        Shown,
        r#"with open as (
               select w.id, w.identifier, w.sender, w.scope, w.sent_at, w.for_us_by, w.signature = 'valid' as is_signed,
                      coalesce(array_position(array['Unknown', 'Minor', 'Moderate', 'Severe', 'Extreme'], w.severity), 1) as gravity
               from outside_warning w
               where w.superseded_by is null and w.status = 'Actual' and w.msg_type <> 'Cancel' and not w.quarantined
                 and coalesce(w.expires_at, w.sent_at + make_interval(hours => $2::int)) > $1)
           select w.id, w.source, w.way, w.identifier, w.sender, w.sender_name, w.sent_at, w.status, w.msg_type, w.scope, w.event,
                  w.urgency, w.severity, w.certainty, w.level, w.colour, w.headline, w.description, w.instruction, w.web,
                  coalesce(w.onset_at, w.effective_at) as onset_at, w.expires_at, w.area_texts, w.geocodes, w.for_us_by, w.received_at, w.unlisted_at,
                  w.superseded_by, w.linked_how, w.signature, w.signed_by, w.signature_why, w.quarantined,
                  coalesce((select jsonb_agg(jsonb_build_object('code', c.code, 'name', c.name, 'share', c.share, 'by_geocode', c.by_geocode)
                                             order by c.share desc, c.name)
                            from (select a.code, a.name, t.share, t.by_geocode from outside_warning_area t join risk_area a on a.id = t.area_id
                                  where t.warning_id = w.id order by t.share desc, a.name limit 200) as c), '[]')
                      as "coverage!: sqlx::types::Json<Vec<Covered>>",
                  array(select a.name from outside_warning_area t join risk_area a on a.id = t.area_id
                        where t.warning_id = w.id order by a.name limit 200) as "areas!"
           from outside_warning w
           where (not $3 or exists (select from open me where me.id = w.id and not exists (
                      select from open twin
                      where twin.identifier = me.identifier and twin.sender = me.sender and twin.scope = me.scope and twin.id <> me.id
                        and (twin.for_us_by <> '{}' or me.for_us_by = '{}')
                        and case when twin.is_signed <> me.is_signed then twin.is_signed
                                 else twin.gravity >= me.gravity and (twin.sent_at, me.id) > (me.sent_at, twin.id) end)))
             and (not $4 or (w.status = 'Actual' and w.scope = 'Public' and not w.quarantined))
             and (not $5 or w.for_us_by <> '{}')
             and ($6::bigint is null or w.id < $6) and ($7::bigint is null or w.id = $7)
           order by case when $9 then coalesce(array_position(array['Extreme', 'Severe', 'Moderate', 'Minor'], w.severity), 5) end, w.id desc
           limit $8"#,
        now,
        OPEN_ENDED_HOURS as i32,
        wish.open,
        wish.public,
        wish.for_us,
        wish.before,
        wish.only,
        wish.limit,
        wish.gravest
    )
    .fetch_all(conn)
    .await
}

/// Open warnings for this town that are shown at once.
const MOST: i64 = 50;

/// The gravest that are open and for this town, in force before those to come, the worst first; and whether there are more of them
/// than are shown at once.
///
/// # Errors
/// The database's.
pub async fn for_us(conn: &mut PgConnection, now: Instant, public: bool) -> sqlx::Result<(Vec<Shown>, bool)> {
    let wish = Wish { open: true, public, for_us: true, gravest: true, limit: MOST + 1, ..Wish::default() };
    let mut all = list(conn, now, wish).await?;
    let most = usize::try_from(MOST).unwrap_or(usize::MAX);
    let has_more = all.len() > most;
    all.truncate(most);
    all.sort_by_key(|warning| (warning.stage(now), warning.rank(), warning.onset_at));
    Ok((all, has_more))
}

/// The newest warnings in quarantine. They are for staff.
///
/// # Errors
/// The database's.
pub async fn quarantined(conn: &mut PgConnection, now: Instant) -> sqlx::Result<Vec<Shown>> {
    let ids = sqlx::query_scalar!("select id from outside_warning where quarantined order by id desc limit 50")
        .fetch_all(&mut *conn)
        .await?;
    let mut all = Vec::new();
    for id in ids {
        all.extend(list(&mut *conn, now, Wish { only: Some(id), limit: 1, ..Wish::default() }).await?);
    }
    Ok(all)
}

/// Another message of the same sender under the same identifier.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Twin {
    pub id: i64,
    pub source: String,
    #[schema(value_type = String)]
    pub sent_at: Instant,
    /// The very same bytes.
    pub same_bytes: bool,
}

/// What else is kept under the identifier of a warning, from whichever source.
///
/// # Errors
/// The database's.
pub async fn twins(conn: &mut PgConnection, id: i64) -> sqlx::Result<Vec<Twin>> {
    sqlx::query_as!(
        Twin,
        r#"select o.id, o.source, o.sent_at, o.content_sha256 = w.content_sha256 as "same_bytes!"
           from outside_warning w join outside_warning o on o.identifier = w.identifier and o.sender = w.sender and o.id <> w.id
           where w.id = $1 order by o.sent_at, o.id limit 20"#,
        id
    )
    .fetch_all(conn)
    .await
}

/// Who brought a warning by hand, and by which file or address; empty for a feed.
///
/// # Errors
/// The database's.
pub async fn brought(conn: &mut PgConnection, id: i64) -> sqlx::Result<(String, String)> {
    let row = sqlx::query!("select brought_by, way_name from outside_warning where id = $1", id);
    Ok(row.fetch_optional(conn).await?.map(|row| (row.brought_by, row.way_name)).unwrap_or_default())
}

/// The bytes of a message.
///
/// # Errors
/// The database's.
pub async fn raw(conn: &mut PgConnection, id: i64) -> sqlx::Result<Option<Vec<u8>>> {
    sqlx::query_scalar!("select raw from outside_warning where id = $1", id).fetch_optional(conn).await
}

/// Changes whenever what is shown of warnings does; within a minute also when one ends.
///
/// # Errors
/// The database's.
pub async fn version(conn: &mut PgConnection, now: Instant) -> sqlx::Result<String> {
    let row = sqlx::query!(
        r#"select coalesce(max(id), 0) as "newest!", count(superseded_by) as "replaced!" from outside_warning
           where received_at > $1"#,
        now - chrono::TimeDelta::days(30)
    )
    .fetch_one(conn)
    .await?;
    Ok(format!("{}-{}-{}", row.newest, row.replaced, now.timestamp() / 60))
}
