//! Residents of a list: each person once, however often lists say them.

use sqlx::PgConnection;

use super::{Report, RowReport};
use crate::catalogue::NewResident;
use crate::catalogue::residents::{SAME_DOOR_DEG, without_repeats};
use crate::clock::Instant;
use crate::ids::{Ids, ResidentId};
use crate::reports::words::fold;
use crate::stations::Change;

/// People at one telephone or mailbox that are looked at.
const MOST_NAMESAKES: i64 = 20;

/// Stores residents within the caller's transaction.
///
/// # Errors
/// The database's.
pub async fn store_residents(
    conn: &mut PgConnection,
    ids: &Ids,
    now: Instant,
    residents: &[NewResident],
    fictional: bool,
) -> sqlx::Result<Report> {
    let mut report = Report::default();
    let (single, repeated) = without_repeats(residents);
    for line in repeated {
        report.merged += 1;
        report.tell(RowReport { line, what: "repeated", fields: Vec::new() });
    }
    for resident in single {
        let (change, fields) = upsert_resident(conn, ids, now, resident, fictional).await?;
        let what = match change {
            Became::Merged => {
                report.merged += 1;
                "merged"
            }
            Became::Changed(change) => {
                report.count(change);
                match change {
                    Change::Created => "created",
                    Change::Updated => "updated",
                    Change::Unchanged => continue,
                }
            }
        };
        report.tell(RowReport { line: resident.line, what, fields });
    }
    Ok(report)
}

/// What becomes of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Became {
    Changed(Change),
    /// Somebody who is known already; what they have stays.
    Merged,
}

const UNCHANGED: (Became, Vec<&'static str>) = (Became::Changed(Change::Unchanged), Vec::new());

async fn upsert_resident(
    conn: &mut PgConnection,
    ids: &Ids,
    now: Instant,
    given: &NewResident,
    fictional: bool,
) -> sqlx::Result<(Became, Vec<&'static str>)> {
    let channels: Vec<String> = given
        .email
        .iter()
        .map(|address| format!("email {address}"))
        .chain(given.phone.iter().map(|address| format!("sms {address}")))
        .collect();
    let old = sqlx::query!(
        r#"select r.id as "id: ResidentId", r.name = $2 as "name!", r.language = $3 as "language!",
               r.consent_source = $4 and r.consent_at = coalesce($5, r.consent_at) as "consent!",
               r.fictional = $6 as "fictional!", r.deleted_at is null as "present!",
               coalesce(p.precision_m = $7 and st_x(p.geom) = $8 and st_y(p.geom) = $9, false) as "place!",
               array(select kind || ' ' || address from resident_channel where resident_id = r.id
                             and (opted_out_at is null or kind || ' ' || address = any($10))
                         order by kind) = $10 as "channels!",
               coalesce(r.deleted_at is null and r.corrected_at is not null and r.corrected_at >= coalesce($5, r.corrected_at), false)
                   as "own_word!"
           from resident r left join resident_place p on p.resident_id = r.id and p.label = 'home'
           where r.external_ref = $1 for update of r"#,
        given.external_ref,
        given.name,
        given.language,
        given.consent_source,
        given.consent_at,
        fictional,
        given.precision_m,
        given.home.x(),
        given.home.y(),
        &channels
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(old) = old else {
        if crate::residents::store::erase::was_erased(&mut *conn, &given.external_ref, given.consent_at).await? {
            return Ok(UNCHANGED);
        }
        // Invented people are nobody's namesakes.
        if !fictional && let Some((id, is_unlisted)) = known(&mut *conn, given).await? {
            let fields = if is_unlisted { adopt(conn, now, id, given).await? } else { Vec::new() };
            return Ok((Became::Merged, fields));
        }
        write_resident(conn, now, ResidentId(ids.uuid(now)), given, fictional).await?;
        return Ok((Became::Changed(Change::Created), Vec::new()));
    };
    let same = [
        ("name", old.name),
        ("language", old.language),
        ("consent", old.consent),
        ("fictional", old.fictional),
        ("home", old.place),
        ("phone, email", old.channels),
        ("left", old.present),
    ];
    let fields: Vec<&'static str> = same.into_iter().filter(|(_, same)| !same).map(|(field, _)| field).collect();
    // What the residents themselves wrote later than this list stands.
    if fields.is_empty() || old.own_word {
        return Ok(UNCHANGED);
    }
    write_resident(conn, now, old.id, given, fictional).await?;
    Ok((Became::Changed(Change::Updated), fields))
}

/// Somebody who is reached at the same telephone or mailbox, and has the same name and lives there, or has no name and came by
/// themselves; and whether no list knows them yet. A family that shares a telephone has names of its own, and a namesake in another
/// street is somebody else, or has a second home that must not be lost.
async fn known(conn: &mut PgConnection, given: &NewResident) -> sqlx::Result<Option<(ResidentId, bool)>> {
    let rows = sqlx::query!(
        r#"select distinct r.id as "id: ResidentId", r.name, r.external_ref is null as "is_unlisted!", r.created_at,
               exists (select from resident_place p where p.resident_id = r.id
                   and st_dwithin(p.geom, st_setsrid(st_makepoint($4, $5), 4326), $6)) as "is_near!"
           from resident_channel c join resident r on r.id = c.resident_id and r.deleted_at is null and not r.fictional
           where (c.kind = 'sms' and c.address = $1) or (c.kind = 'email' and c.address = $2)
           order by r.created_at, r.id limit $3"#,
        given.phone,
        given.email,
        MOST_NAMESAKES,
        given.home.x(),
        given.home.y(),
        SAME_DOOR_DEG
    )
    .fetch_all(conn)
    .await?;
    let name = fold(&given.name);
    let is_same = |known: &str| fold(known) == name && !name.is_empty();
    let same = rows.iter().find(|row| row.is_near && is_same(&row.name)).or_else(|| {
        // Who subscribed by SMS has no name: the first of the list who has that telephone.
        rows.iter().find(|row| row.is_unlisted && row.name.is_empty())
    });
    Ok(same.map(|row| (row.id, row.is_unlisted)))
}

/// Somebody who subscribed by themselves comes into the list: its key, a name if they gave none, and of a list that is newer than their
/// last word whatever they have not said.
async fn adopt(
    conn: &mut PgConnection,
    now: Instant,
    id: ResidentId,
    given: &NewResident,
) -> sqlx::Result<Vec<&'static str>> {
    sqlx::query!(
        "update resident set external_ref = $2, name = case when name = '' then $3 else name end where id = $1",
        id.0,
        given.external_ref,
        given.name
    )
    .execute(&mut *conn)
    .await?;
    let mut fields = vec!["external_ref"];
    // What they said themselves after the list was made stands as it is.
    let is_own_word = sqlx::query_scalar!(
        r#"select corrected_at is not null and corrected_at >= coalesce($2, corrected_at) as "is!" from resident where id = $1"#,
        id.0,
        given.consent_at
    )
    .fetch_one(&mut *conn)
    .await?;
    if is_own_word {
        return Ok(fields);
    }
    let placed = sqlx::query!(
        "insert into resident_place (resident_id, label, geom, precision_m)
         select $1, 'home', st_setsrid(st_makepoint($2, $3), 4326), $4
         where not exists (select from resident_place where resident_id = $1 and label = 'home')
         on conflict do nothing",
        id.0,
        given.home.x(),
        given.home.y(),
        given.precision_m
    )
    .execute(&mut *conn)
    .await?;
    if placed.rows_affected() > 0 {
        fields.push("home");
    }
    let (kinds, addresses) = ways(given);
    let added = sqlx::query!(
        "insert into resident_channel (resident_id, kind, address, verified_at)
         select $1, kind, address, $4 from unnest($2::text[], $3::text[]) as given (kind, address)
         on conflict (resident_id, kind, address) do nothing",
        id.0,
        &kinds,
        &addresses,
        now
    )
    .execute(conn)
    .await?;
    if added.rows_affected() > 0 {
        fields.push("phone, email");
    }
    Ok(fields)
}

fn ways(given: &NewResident) -> (Vec<String>, Vec<String>) {
    [("sms", &given.phone), ("email", &given.email)]
        .into_iter()
        .filter_map(|(kind, address)| address.clone().map(|address| (kind.to_owned(), address)))
        .unzip()
}

/// Writes the resident, the home and the channels. An opt-out is never forgotten, even when its address leaves the file.
async fn write_resident(
    conn: &mut PgConnection,
    now: Instant,
    id: ResidentId,
    given: &NewResident,
    fictional: bool,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into resident (id, external_ref, name, language, consent_at, consent_source, fictional, created_at)
         values ($1, $2, $3, $4, coalesce($5, $8::timestamptz), $6, $7, $8)
         on conflict (id) do update set name = excluded.name, language = excluded.language, deleted_at = null,
             consent_at = coalesce($5, resident.consent_at), consent_source = excluded.consent_source,
             fictional = excluded.fictional",
        id.0,
        given.external_ref,
        given.name,
        given.language,
        given.consent_at,
        given.consent_source,
        fictional,
        now
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into resident_place (resident_id, label, geom, precision_m)
         values ($1, 'home', st_setsrid(st_makepoint($2, $3), 4326), $4)
         on conflict (resident_id, label) do update set geom = excluded.geom, precision_m = excluded.precision_m",
        id.0,
        given.home.x(),
        given.home.y(),
        given.precision_m
    )
    .execute(&mut *conn)
    .await?;
    let (kinds, addresses) = ways(given);
    sqlx::query!(
        "delete from resident_channel where resident_id = $1 and opted_out_at is null
             and not exists (select 1 from unnest($2::text[], $3::text[]) as given (kind, address)
                             where given.kind = resident_channel.kind and given.address = resident_channel.address)",
        id.0,
        &kinds,
        &addresses
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into resident_channel (resident_id, kind, address, verified_at)
         select $1, kind, address, $4 from unnest($2::text[], $3::text[]) as given (kind, address)
         on conflict (resident_id, kind, address) do nothing",
        id.0,
        &kinds,
        &addresses,
        now
    )
    .execute(&mut *conn)
    .await?;
    // A consent counts once, and after it was taken back only a newer one does.
    sqlx::query!(
        "insert into consent (resident_id, purpose, given, at, source)
         select r.id, 'alerts', true, r.consent_at, r.consent_source from resident r
         where r.id = $1 and not exists (
             select from consent c where c.resident_id = r.id and c.purpose = 'alerts'
                 and (c.at >= r.consent_at or (c.given and c.source = r.consent_source)))",
        id.0
    )
    .execute(conn)
    .await?;
    Ok(())
}
