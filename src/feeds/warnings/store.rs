//! Outside warnings in PostgreSQL: kept once each, linked, held against the town, and read again.

pub mod basis;
pub mod chain;
pub mod entries;
pub mod waiting;

use chrono::TimeDelta;
use geo::{Geometry, MultiPolygon};
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;

use super::link::{Common, Known, Link};
use super::signed::Signed;
use super::trust::Origin;
use super::{MsgType, Scope, Status, Warning};
use crate::clock::Instant;
use crate::db::geometry::to_wkb;
use crate::ids::AreaId;
use crate::units::Fixed;

/// A warning without an end counts as open for so long after it was sent.
pub const OPEN_ENDED_HOURS: i64 = 72;
/// Days that a warning is kept: the season before can still be compared. Whoever wants more copies them by the API.
const KEPT_DAYS: i64 = 800;
/// How far back one may be replaced by a new one, and how many are looked at.
const LINKED_WITHIN: TimeDelta = TimeDelta::days(30);
const MOST_LINKED: i64 = 1000;

fn wkb(shapes: &MultiPolygon<f64>) -> sqlx::Result<Option<Vec<u8>>> {
    if shapes.0.is_empty() {
        return Ok(None);
    }
    let bytes = to_wkb(&Geometry::MultiPolygon(shapes.clone()));
    bytes.map(Some).map_err(|error| sqlx::Error::Encode(error.into()))
}

/// What became of a message that was to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    New(i64),
    /// It lay in quarantine and its signature is good now.
    Released(i64),
    /// This very message was kept before.
    Known(i64),
}

impl Kept {
    /// The warning, when something new is to be made of it.
    pub const fn fresh(self) -> Option<i64> {
        match self {
            Self::New(id) | Self::Released(id) => Some(id),
            Self::Known(_) => None,
        }
    }

    pub const fn id(self) -> i64 {
        let (Self::New(id) | Self::Released(id) | Self::Known(id)) = self;
        id
    }
}

/// Keeps a warning, once for each (source, identifier, sent, bytes): other bytes under the same name are another message.
///
/// # Errors
/// The database's.
pub async fn keep(
    conn: &mut PgConnection,
    now: Instant,
    origin: &Origin<'_>,
    signed: &Signed,
    new: &Warning,
) -> sqlx::Result<Kept> {
    let sha256: [u8; 32] = Sha256::digest(&new.raw).into();
    let references: Vec<String> = new.references.iter().map(|(sender, id)| format!("{sender},{id}")).collect();
    // Rings that cross themselves are mended into what they enclose.
    let row = sqlx::query!(
        r#"insert into outside_warning (source, identifier, sent_at, content_sha256, series, revision, sender, sender_name,
               status, msg_type, scope, urgency, severity, certainty, level, colour, event, headline, description,
               instruction, web, effective_at, onset_at, expires_at, area_texts, geocodes, polygons, circles,
               reference_keys, raw, received_at, way, way_name, brought_by, signature, signed_by, signature_why, quarantined)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23,
               $24, $25, $26,
               st_multi(st_collectionextract(st_makevalid(st_geomfromwkb($27::bytea, 4326)), 3)),
               st_multi(st_collectionextract(st_makevalid(st_geomfromwkb($28::bytea, 4326)), 3)), $29, $30, $31,
               $32, $33, $34, $35, $36, $37, $38)
           on conflict (source, identifier, sent_at, content_sha256) do update set signature = excluded.signature,
               signed_by = excluded.signed_by, signature_why = excluded.signature_why, quarantined = false
               where outside_warning.quarantined and excluded.signature = 'valid'
           returning id, (xmax = 0) as "is_new!""#,
        origin.source,
        new.identifier,
        new.sent_at,
        &sha256[..],
        new.series,
        new.revision,
        new.sender,
        new.sender_name,
        new.status.as_str(),
        new.msg_type.as_str(),
        new.scope.as_str(),
        new.urgency.as_str(),
        new.severity.as_str(),
        new.certainty.as_str(),
        new.level,
        new.colour,
        new.event,
        new.headline,
        new.description,
        new.instruction,
        new.web,
        new.effective_at,
        new.onset_at,
        new.expires_at,
        &new.area_texts,
        &new.geocodes,
        wkb(&new.polygons)? as Option<Vec<u8>>,
        wkb(&new.circles)? as Option<Vec<u8>>,
        &references,
        new.raw,
        now,
        origin.way.as_str(),
        origin.name,
        origin.by,
        signed.signature.as_str(),
        signed.by,
        signed.why,
        signed.is_quarantined
    )
    .fetch_optional(&mut *conn)
    .await?;
    if let Some(row) = row {
        return Ok(if row.is_new { Kept::New(row.id) } else { Kept::Released(row.id) });
    }
    let id = sqlx::query_scalar!(
        "select id from outside_warning where source = $1 and identifier = $2 and sent_at = $3 and content_sha256 = $4",
        origin.source,
        new.identifier,
        new.sent_at,
        &sha256[..]
    );
    Ok(Kept::Known(id.fetch_one(conn).await?))
}

/// The bytes of a warning in quarantine and when it came, held until the transaction ends.
///
/// # Errors
/// The database's.
pub async fn in_quarantine(conn: &mut PgConnection, id: i64) -> sqlx::Result<Option<(Vec<u8>, Instant)>> {
    let row = sqlx::query!(
        "select raw, received_at from outside_warning where id = $1 and quarantined for no key update",
        id
    );
    Ok(row.fetch_optional(conn).await?.map(|row| (row.raw, row.received_at)))
}

/// Keeps what was found of a signature at another look.
///
/// # Errors
/// The database's.
pub async fn rejudge(conn: &mut PgConnection, id: i64, signed: &Signed) -> sqlx::Result<()> {
    sqlx::query!(
        "update outside_warning set signature = $2, signed_by = $3, signature_why = $4, quarantined = $5 where id = $1",
        id,
        signed.signature.as_str(),
        signed.by,
        signed.why,
        signed.is_quarantined
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Removes what came longer ago than anybody looks back, from whichever source. What an alert of ours is based on stays with it.
///
/// # Errors
/// The database's.
pub async fn forget(conn: &mut PgConnection, now: Instant) -> sqlx::Result<u64> {
    let before = now - TimeDelta::days(KEPT_DAYS);
    let done = sqlx::query!(
        "delete from outside_warning w where received_at < $1
           and not exists (select from alert a where a.based_on_warning_id = w.id)",
        before
    );
    Ok(done.execute(conn).await?.rows_affected())
}

/// Sender and identifier of the messages of our own among these identifiers.
///
/// # Errors
/// The database's.
pub async fn own_messages(conn: &mut PgConnection, identifiers: &[String]) -> sqlx::Result<Vec<(String, String)>> {
    let rows = sqlx::query!(
        r#"select cap_sender as "sender!", cap_identifier as "identifier!" from alert
           where cap_identifier = any($1) and cap_sender is not null"#,
        identifiers
    );
    Ok(rows.fetch_all(conn).await?.into_iter().map(|row| (row.sender, row.identifier)).collect())
}

/// How many messages of a source were kept since, and how many beside them lie in quarantine.
///
/// # Errors
/// The database's.
pub async fn kept_since(conn: &mut PgConnection, source: &str, since: Instant) -> sqlx::Result<(i64, i64)> {
    let row = sqlx::query!(
        r#"select count(*) filter (where not quarantined) as "kept!", count(*) filter (where quarantined) as "quarantined!"
           from outside_warning where source = $1 and received_at > $2"#,
        source,
        since
    );
    let row = row.fetch_one(conn).await?;
    Ok((row.kept, row.quarantined))
}

/// What is known of a warning and of the others of its source, with what their ground has in common.
///
/// # Errors
/// The database's.
pub async fn known(
    conn: &mut PgConnection,
    id: i64,
    now: Instant,
) -> sqlx::Result<(Option<Known>, Vec<(Known, Common)>)> {
    let rows = sqlx::query!(
        r#"select o.id, o.identifier, o.sender, o.series, o.revision, o.sent_at, o.status, o.msg_type, o.scope, o.event,
                  o.reference_keys, o.expires_at, o.superseded_by is not null as "is_superseded!",
                  exists (select from outside_warning e where e.superseded_by = o.id) as "has_earlier!",
                  coalesce(st_intersects(o.polygons, w.polygons), false) or coalesce(st_intersects(o.circles, w.circles), false)
                      or coalesce(st_intersects(o.polygons, w.circles), false)
                      or coalesce(st_intersects(o.circles, w.polygons), false) as "area!",
                  o.geocodes && w.geocodes as "municipality!",
                  coalesce(case when o.id <> w.id and o.event = w.event then ground_in_common(o.polygons, o.circles, w.polygons, w.circles) end, 0) as "share!"
           from outside_warning w join outside_warning o on o.source = w.source
           where w.id = $1 and not w.quarantined and not o.quarantined
             and (o.id = w.id or (o.sender = w.sender and o.received_at > $2))
           order by o.id = w.id desc, o.id desc limit $3"#,
        id,
        now - LINKED_WITHIN,
        MOST_LINKED
    )
    .fetch_all(conn)
    .await?;
    let (mut itself, mut others) = (None, Vec::new());
    for row in rows {
        let references = row.reference_keys.iter().filter_map(|key| key.split_once(','));
        let one = Known {
            references: references.map(|(sender, id)| (sender.to_owned(), id.to_owned())).collect(),
            id: row.id,
            identifier: row.identifier,
            sender: row.sender,
            series: row.series,
            revision: row.revision,
            sent_at: row.sent_at,
            status: Status::from_word(&row.status).unwrap_or(Status::Draft),
            msg_type: MsgType::from_word(&row.msg_type).unwrap_or(MsgType::Alert),
            scope: Scope::from_word(&row.scope).unwrap_or(Scope::Restricted),
            event: row.event,
            expires_at: row.expires_at,
            is_superseded: row.is_superseded,
            has_earlier: row.has_earlier,
        };
        if one.id == id {
            itself = Some(one);
        } else {
            others.push((one, Common { area: row.area, municipality: row.municipality, share: row.share }));
        }
    }
    Ok((itself, others))
}

/// Notes that one warning replaces another.
///
/// # Errors
/// The database's.
pub async fn supersede(conn: &mut PgConnection, link: Link) -> sqlx::Result<()> {
    sqlx::query!(
        "update outside_warning set superseded_by = $2, linked_how = $3 where id = $1 and superseded_by is null",
        link.older,
        link.newer,
        link.how.as_str()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Holds the open warnings, and these whatever their times say, against the town anew: areas may have changed since they came.
/// Gives back how many changed.
///
/// # Errors
/// The database's.
pub async fn relate(conn: &mut PgConnection, now: Instant, ibge_code: &str, also: &[i64]) -> sqlx::Result<u64> {
    let changed = sqlx::query!(
        r#"with town as (select st_convexhull(st_collect(geom)) as hull from risk_area where retired_at is null),
           found as (
               select w.id, array_remove(array[
                   case when $1 = any(w.geocodes) then 'geocode' end,
                   case when st_intersects(w.polygons, town.hull) then 'polygon' end,
                   case when st_intersects(w.circles, town.hull) then 'circle' end], null) as reasons
               from outside_warning w, town
               where (w.superseded_by is null and coalesce(w.expires_at, w.sent_at + make_interval(hours => $3::int)) > $2)
                  or w.id = any($4))
           update outside_warning w set for_us_by = found.reasons from found
           where found.id = w.id and w.for_us_by <> found.reasons"#,
        ibge_code,
        now,
        OPEN_ENDED_HOURS as i32,
        also
    )
    .execute(&mut *conn)
    .await?
    .rows_affected();
    let areas = relate_areas(conn, now, also).await?;
    Ok(changed + areas)
}

/// The areas that open warnings touch, and how much of each lies under them. One that has no shape, and names the
/// municipality, covers them all.
async fn relate_areas(conn: &mut PgConnection, now: Instant, also: &[i64]) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        r#"with near as (
               select w.id, w.for_us_by, st_union(array[w.polygons, w.circles]) as ground
               from outside_warning w
               where (w.superseded_by is null and coalesce(w.expires_at, w.sent_at + make_interval(hours => $2::int)) > $1)
                  or w.id = any($3)),
           touched as (
               select near.id as warning_id, a.id as area_id, near.ground is null as by_geocode,
                      case when near.ground is null then 1 else area_covered(a.geom, near.ground) end as share
               from near join risk_area a on a.retired_at is null
                   and (st_intersects(a.geom, near.ground) or (near.ground is null and 'geocode' = any(near.for_us_by)))),
           gone as (
               delete from outside_warning_area t using near
               where t.warning_id = near.id
                 and not exists (select from touched where touched.warning_id = t.warning_id and touched.area_id = t.area_id)
               returning 1),
           come as (
               insert into outside_warning_area as t (warning_id, area_id, share, by_geocode)
               select warning_id, area_id, share, by_geocode from touched
               on conflict (warning_id, area_id) do update set share = excluded.share, by_geocode = excluded.by_geocode
                   where abs(t.share - excluded.share) > 0.0005 or t.by_geocode <> excluded.by_geocode
               returning 1)
           select (select count(*) from gone) + (select count(*) from come) as "changed!""#,
        now,
        OPEN_ENDED_HOURS as i32,
        also
    )
    .fetch_one(conn)
    .await?;
    Ok(u64::try_from(done.changed).unwrap_or_default())
}

/// Notes which of a source's warnings its list of what is in force holds no more. They stay until their own end.
///
/// # Errors
/// The database's.
pub async fn note_listed(conn: &mut PgConnection, now: Instant, source: &str, listed: &[String]) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "update outside_warning set unlisted_at = case when identifier = any($3) then null else $2::timestamptz end
         where source = $1 and superseded_by is null and coalesce(expires_at, sent_at) > $2
           and (identifier = any($3)) <> (unlisted_at is null)",
        source,
        now,
        listed
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// An area with the gravest warning in force over it.
#[derive(Clone, Debug, PartialEq)]
pub struct Grave {
    pub id: AreaId,
    pub code: String,
    pub name: String,
    /// 0 none, 1 minor (or not said), 2 moderate, 3 severe, 4 extreme.
    pub severity: i32,
    /// What its stream said last, and when; nothing for an area that nobody ever warned of.
    pub said: Option<(Instant, Fixed)>,
}

/// Every area over which a warning is in force, or was said to be. What these sources warn of is none of the rules'.
pub async fn gravest(conn: &mut PgConnection, now: Instant, untold: &[String]) -> sqlx::Result<Vec<Grave>> {
    let rows = sqlx::query!(
        r#"select a.id as "id: AreaId", a.code, a.name, coalesce(open.severity, 0) as "severity!", said.observed_at as "said_at?",
                  said.value as "said?"
           from risk_area a
           left join (select t.area_id, max(coalesce(array_position(array['Minor', 'Moderate', 'Severe', 'Extreme'], w.severity), 1)) as severity
                      from outside_warning w join outside_warning_area t on t.warning_id = w.id
                      where w.status = 'Actual' and w.superseded_by is null and w.msg_type <> 'Cancel' and not w.quarantined
                        and w.source <> all($4)
                        and coalesce(w.onset_at, w.effective_at, w.sent_at) <= $1
                        and coalesce(w.expires_at, w.sent_at + make_interval(hours => $2::int)) > $1
                      group by t.area_id) open on open.area_id = a.id
           left join station s on s.is_virtual and s.code in ('reports-' || a.code, 'reports-area-' || a.id)
           left join datastream d on d.station_id = s.id and d.name = $3
           left join lateral (select observed_at, value from journal
                              where datastream_id = d.id and observed_at > $1::timestamptz - interval '40 days' and observed_at <= $1
                              order by observed_at desc, seq desc limit 1) said on true
           where open.severity is not null or d.id is not null order by a.id"#,
        now,
        OPEN_ENDED_HOURS as i32,
        super::teller::STREAM,
        untold
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let said = row.said.map(Fixed::try_from).transpose().map_err(|error| sqlx::Error::Decode(error.into()))?;
            let (id, code, name, severity) = (row.id, row.code, row.name, row.severity);
            Ok(Grave { id, code, name, severity, said: row.said_at.zip(said) })
        })
        .collect()
}
