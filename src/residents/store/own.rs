//! What a resident sees and does on their own page, in PostgreSQL.

use std::net::IpAddr;

use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::Instant;
use crate::dispatch::provider::Channel;
use crate::ids::{AlertId, Ids, ResidentId};
use crate::residents::own::{
    CODE_FOR, Consent, FROM_ONE_ADDRESS, Held, Message, Place, Purpose, Read, SESSION_FOR, Sent, TEXT_VERSION,
    TO_ONE_ADDRESS, TRIES, Visit, WRONG_A_DAY, Way,
};

/// Everything but the needs, which are sealed.
pub async fn held(conn: &mut PgConnection, id: ResidentId) -> sqlx::Result<Option<Held>> {
    let row = sqlx::query!(
        "select name, language, fictional, created_at from resident where id = $1 and deleted_at is null",
        id.0
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let places = sqlx::query_as!(
        Place,
        r#"select label, st_x(geom) as "lon!", st_y(geom) as "lat!", precision_m, address_text as address, people
        from resident_place where resident_id = $1 order by label"#,
        id.0
    )
    .fetch_all(&mut *conn)
    .await?;
    let channels = sqlx::query_as!(
        Way,
        "select id, kind, address, verified_at, opted_out_at from resident_channel where resident_id = $1 order by id",
        id.0
    )
    .fetch_all(&mut *conn)
    .await?;
    let consents = sqlx::query_as!(
        Consent,
        "select purpose, given, at, text_version, source from consent where resident_id = $1 order by id",
        id.0
    )
    .fetch_all(&mut *conn)
    .await?;
    let (preferences, need_kinds) = super::signup::chosen(&mut *conn, id).await?;
    let (messages, reads) = (messages(&mut *conn, id).await?, reads(conn, id).await?);
    Ok(Some(Held {
        id,
        name: row.name,
        language: row.language,
        fictional: row.fictional,
        registered_at: row.created_at,
        places,
        channels,
        consents,
        needs: None,
        need_kinds,
        companions: Vec::new(),
        preferences,
        messages,
        reads,
    }))
}

async fn messages(conn: &mut PgConnection, id: ResidentId) -> sqlx::Result<Vec<Message>> {
    sqlx::query_as!(
        Message,
        r#"select o.created_at as at, o.channel, o.address, coalesce(a.number, '') as "alert!", a.headline, o.state, o.reason,
            coalesce(o.provider, '') as "provider!", o.accepted_at, o.alert_id as "alert_id: AlertId"
        from outbox o join alert a on a.id = o.alert_id
        where o.resident_id = $1 order by o.id desc limit 200"#,
        id.0
    )
    .fetch_all(conn)
    .await
}

/// Who read the record: by their roles, since staff have a privacy of their own.
async fn reads(conn: &mut PgConnection, id: ResidentId) -> sqlx::Result<Vec<Read>> {
    sqlx::query_as!(
        Read,
        r#"select e.at, e.act, coalesce(array_to_string(s.roles, ', '), e.actor_kind) as "by!"
        from audit_event e left join staff s on s.id = e.actor_id
        where e.act in ('residents.read', 'vault.open', 'residents.export') and e.actor_kind <> 'resident'
            and (e.object = $1 or e.object like '%resident:' || $1 or e.after -> 'residents' ? $1)
        order by e.at desc limit 100"#,
        id.0.to_string()
    )
    .fetch_all(conn)
    .await
}

/// Whether this network address may ask for another code, and this telephone or mailbox get one. Between two codes to one
/// address passes a minute, then two, four and so on; wrong codes count as well. Asks of the same address wait for each other.
pub async fn may_ask(
    conn: &mut PgConnection,
    now: Instant,
    to: (Channel, &str),
    from: Option<IpAddr>,
) -> sqlx::Result<bool> {
    let door = format!("resident_code {} {}", to.0.as_str(), to.1);
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended($1, 0))", door).fetch_one(&mut *conn).await?;
    sqlx::query_scalar!(
        r#"select recent.codes < $6 and recent.wrong < $7
                and (recent.codes = 0 or recent.newest + interval '30 seconds' * power(2, recent.codes) <= $3::timestamptz)
                and ($4::text is null or (select count(*) from resident_code
                    where asked_from = $4::text::inet and created_at > $3::timestamptz - interval '1 hour') < $5) as "may!"
        from (select count(*) as codes, max(created_at) as newest,
                coalesce(sum(tries - (case when used_at is null then 0 else 1 end)), 0) as wrong
            from resident_code where channel = $1 and address = $2 and created_at > $3::timestamptz - interval '1 day') as recent"#,
        to.0.as_str(),
        to.1,
        now,
        from.map(|from| from.to_string()),
        FROM_ONE_ADDRESS,
        TO_ONE_ADDRESS,
        WRONG_A_DAY
    )
    .fetch_one(conn)
    .await
}

/// Codes by SMS that left for telephones nobody had proven, within the last minute and the last day. Whoever asks is the only one
/// who does until the transaction ends.
pub async fn paid_codes(conn: &mut PgConnection, now: Instant) -> sqlx::Result<(i64, i64)> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('resident_code paid', 0))")
        .fetch_one(&mut *conn)
        .await?;
    let row = sqlx::query!(
        r#"select count(*) filter (where k.created_at > $1::timestamptz - interval '1 minute') as "minute!", count(*) as "day!"
        from resident_code k where k.channel = 'sms' and k.created_at > $1::timestamptz - interval '1 day'
            and (k.confirms or exists (select from resident_signup s where s.code_id = k.id)
                or exists (select from exercise_request e where e.code_id = k.id))"#,
        now
    )
    .fetch_one(conn)
    .await?;
    Ok((row.minute, row.day))
}

/// The residents who are reached there, eldest record first.
pub async fn reached_at(conn: &mut PgConnection, to: (&str, &str)) -> sqlx::Result<Vec<ResidentId>> {
    sqlx::query_scalar!(
        r#"select r.id as "id: ResidentId" from resident_channel c join resident r on r.id = c.resident_id
        where c.kind = $1 and c.address = $2 and c.verified_at is not null and r.deleted_at is null
        order by r.created_at, r.id"#,
        to.0,
        to.1
    )
    .fetch_all(conn)
    .await
}

/// The others who are reached there, with their names.
pub async fn others_at(
    conn: &mut PgConnection,
    to: (&str, &str),
    but: ResidentId,
) -> sqlx::Result<Vec<(ResidentId, String)>> {
    let rows = sqlx::query!(
        r#"select r.id as "id: ResidentId", r.name from resident_channel c join resident r on r.id = c.resident_id
        where c.kind = $1 and c.address = $2 and c.verified_at is not null and r.deleted_at is null and r.id <> $3
        order by r.created_at, r.id limit 20"#,
        to.0,
        to.1,
        but.0
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
}

/// A code to be kept.
#[derive(Debug)]
pub struct NewCode<'a> {
    pub id: Uuid,
    pub to: (Channel, &'a str),
    pub resident: Option<ResidentId>,
    pub confirms: bool,
    pub sealed: &'a [u8],
    pub from: Option<IpAddr>,
}

pub async fn keep_code(conn: &mut PgConnection, now: Instant, new: &NewCode<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into resident_code (id, channel, address, resident_id, confirms, sealed, asked_from, created_at, expires_at)
        values ($1, $2, $3, $4, $5, $6, $7::text::inet, $8, $9)",
        new.id,
        new.to.0.as_str(),
        new.to.1,
        new.resident.map(|id| id.0),
        new.confirms,
        new.sealed,
        new.from.map(|from| from.to_string()),
        now,
        now + CODE_FOR
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Counts a try of a code that is alive and returns it; `None` when it is unknown, used, expired or was tried too often.
pub async fn try_code(conn: &mut PgConnection, now: Instant, id: Uuid, confirms: bool) -> sqlx::Result<Option<Sent>> {
    sqlx::query_as!(
        Sent,
        r#"update resident_code set tries = tries + 1
        where id = $1 and confirms = $3 and used_at is null and expires_at > $2 and tries < $4
        returning id, channel, address, resident_id as "resident: ResidentId", sealed"#,
        id,
        now,
        confirms,
        TRIES
    )
    .fetch_optional(conn)
    .await
}

/// Uses a code up. False when somebody else just did.
pub async fn use_code(conn: &mut PgConnection, now: Instant, id: Uuid) -> sqlx::Result<bool> {
    let done = sqlx::query!("update resident_code set used_at = $2 where id = $1 and used_at is null", id, now)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Opens a visit. Returns the cookie's token.
pub async fn open_visit(
    conn: &mut PgConnection,
    ids: &Ids,
    now: Instant,
    resident: ResidentId,
    at: (&str, &str),
) -> sqlx::Result<String> {
    let (token, csrf) = (ids.secret(), ids.secret());
    sqlx::query!(
        "insert into resident_session (token_sha256, resident_id, channel, address, csrf_token, created_at, expires_at)
        values ($1, $2, $3, $4, $5, $6, $7)",
        &Sha256::digest(token.as_bytes())[..],
        resident.0,
        at.0,
        at.1,
        csrf,
        now,
        now + SESSION_FOR
    )
    .execute(conn)
    .await?;
    Ok(token)
}

pub async fn visit(conn: &mut PgConnection, now: Instant, token: &str) -> sqlx::Result<Option<Visit>> {
    sqlx::query_as!(
        Visit,
        r#"select s.resident_id as "resident: ResidentId", s.channel, s.address, s.csrf_token
        from resident_session s join resident r on r.id = s.resident_id and r.deleted_at is null
            -- A telephone or mailbox that was taken out of the record opens it no longer.
            join resident_channel c on c.resident_id = s.resident_id and c.kind = s.channel and c.address = s.address
                and c.verified_at is not null
        where s.token_sha256 = $1 and s.expires_at > $2"#,
        &Sha256::digest(token.as_bytes())[..],
        now
    )
    .fetch_optional(conn)
    .await
}

pub async fn close_visit(conn: &mut PgConnection, token: &str) -> sqlx::Result<()> {
    sqlx::query!("delete from resident_session where token_sha256 = $1", &Sha256::digest(token.as_bytes())[..])
        .execute(conn)
        .await?;
    Ok(())
}

/// The same visit to the record of another who is reached at the same telephone or mailbox.
pub async fn turn_to(conn: &mut PgConnection, token: &str, resident: ResidentId) -> sqlx::Result<()> {
    sqlx::query!(
        "update resident_session set resident_id = $2 where token_sha256 = $1",
        &Sha256::digest(token.as_bytes())[..],
        resident.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A resident's own correction.
#[derive(Debug)]
pub struct Correction<'a> {
    pub name: &'a str,
    pub language: &'a str,
    /// Longitude and latitude of the home, WGS84 degrees; `None` leaves it, and the address with it, as it is.
    pub home: Option<(f64, f64)>,
    pub address: &'a str,
}

pub async fn correct(conn: &mut PgConnection, now: Instant, id: ResidentId, new: &Correction<'_>) -> sqlx::Result<()> {
    sqlx::query!("update resident set name = $2, language = $3 where id = $1", id.0, new.name, new.language)
        .execute(&mut *conn)
        .await?;
    own_word(&mut *conn, now, id).await?;
    let Some((lon, lat)) = new.home else { return Ok(()) };
    sqlx::query!(
        "insert into resident_place as p (resident_id, label, geom, precision_m, address_text)
        values ($1, 'home', st_setsrid(st_makepoint($2, $3), 4326), 30, $4)
        on conflict (resident_id, label) do update set address_text = excluded.address_text, geom = excluded.geom,
            precision_m = case when st_equals(p.geom, excluded.geom) then p.precision_m else excluded.precision_m end",
        id.0,
        lon,
        lat,
        new.address
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes that the record is the resident's own word from now on: an older list changes it no more.
pub async fn own_word(conn: &mut PgConnection, now: Instant, id: ResidentId) -> sqlx::Result<()> {
    sqlx::query!("update resident set corrected_at = $2 where id = $1", id.0, now).execute(conn).await?;
    Ok(())
}

/// Adds a channel whose code was typed.
pub async fn add_channel(conn: &mut PgConnection, now: Instant, id: ResidentId, to: (&str, &str)) -> sqlx::Result<()> {
    own_word(&mut *conn, now, id).await?;
    sqlx::query!(
        "insert into resident_channel (resident_id, kind, address, verified_at) values ($1, $2, $3, $4)
        on conflict (resident_id, kind, address) do update set verified_at = excluded.verified_at, opted_out_at = null",
        id.0,
        to.0,
        to.1,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Removes a channel, but never the last one: that is what erasing is for.
pub async fn remove_channel(conn: &mut PgConnection, now: Instant, id: ResidentId, channel: i64) -> sqlx::Result<bool> {
    let removed = sqlx::query!(
        "delete from resident_channel where id = $2 and resident_id = $1
            and (select count(*) from resident_channel where resident_id = $1) > 1
        returning kind, address",
        id.0,
        channel
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(removed) = removed else { return Ok(false) };
    forget_codes(&mut *conn, (&removed.kind, &removed.address)).await?;
    own_word(conn, now, id).await?;
    Ok(true)
}

/// Codes that went to a telephone or mailbox, and the messages they went in. What staff are sent there is theirs.
pub async fn forget_codes(conn: &mut PgConnection, at: (&str, &str)) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from notice where channel = $1 and address = $2 and purpose in ('resident_code', 'resident_change', 'exercise_notice', 'sms_order')",
        at.0,
        at.1
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("delete from resident_code where channel = $1 and address = $2", at.0, at.1).execute(conn).await?;
    Ok(())
}

/// Adds a line to the history of consents, in the wording of the pages. `source` says where.
pub async fn consent(
    conn: &mut PgConnection,
    now: Instant,
    id: ResidentId,
    purpose: Purpose,
    given: bool,
    source: &str,
) -> sqlx::Result<()> {
    consent_to(conn, now, id, (purpose, given), (source, TEXT_VERSION)).await
}

/// The same where they read another wording.
pub async fn consent_to(
    conn: &mut PgConnection,
    now: Instant,
    id: ResidentId,
    (purpose, given): (Purpose, bool),
    (source, text_version): (&str, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into consent (resident_id, purpose, given, at, text_version, source) values ($1, $2, $3, $4, $5, $6)",
        id.0,
        purpose.as_str(),
        given,
        now,
        text_version,
        source
    )
    .execute(&mut *conn)
    .await?;
    if purpose == Purpose::Alerts && !given {
        stop_sending(conn, now, id).await?;
    }
    Ok(())
}

/// What waits for this person does not leave any more. Where it would have reached somebody else at the same telephone or
/// mailbox too, the other's own row takes its place.
pub async fn stop_sending(conn: &mut PgConnection, now: Instant, id: ResidentId) -> sqlx::Result<()> {
    // First where a large audience waits to be written: whoever is writing it has the row, and then it is in the outbox.
    sqlx::query!(
        "update spread_recipient set reason = 'consent_withdrawn' where resident_id = $1 and reason in ('', 'duplicate_address')",
        id.0
    )
    .execute(&mut *conn)
    .await?;
    let stopped = sqlx::query_scalar!(
        "update outbox set state = 'suppressed', reason = 'consent_withdrawn', final_at = $2
        where resident_id = $1 and state = 'pending' returning id",
        id.0,
        now
    )
    .fetch_all(&mut *conn)
    .await?;
    inherit(conn, now, &stopped).await
}

/// Where rows were stopped that would have reached somebody else at the same telephone or mailbox too, the other's own row takes
/// the place of each.
pub async fn inherit(conn: &mut PgConnection, now: Instant, stopped: &[i64]) -> sqlx::Result<()> {
    sqlx::query!(
        "update outbox o set state = 'pending', reason = '', final_at = null, next_attempt_at = $2
        from (select distinct on (d.alert_id, d.channel, d.address) d.id
              from outbox gone
                  join outbox d on d.alert_id = gone.alert_id and d.channel = gone.channel and d.address = gone.address
                  join alert a on a.id = d.alert_id and alert_stands(a.state, a.kind)
                  join resident r on r.id = d.resident_id and r.deleted_at is null and r.alerts_withdrawn_at is null
              where gone.id = any($1) and d.state = 'suppressed' and d.reason = 'duplicate_address'
              order by d.alert_id, d.channel, d.address, d.priority, d.id) as heir
        where o.id = heir.id",
        stopped,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes down that a request was carried out. Returns the receipt's number.
pub async fn request(
    conn: &mut PgConnection,
    ids: &Ids,
    now: Instant,
    year: i32,
    id: ResidentId,
    kind: &str,
) -> sqlx::Result<String> {
    let (receipt, _) = crate::alerts::store::next_number(&mut *conn, "privacy", year).await?;
    sqlx::query!(
        "insert into privacy_request (id, receipt, kind, resident_id, at, done_at) values ($1, $2, $3, $4, $5, $5)",
        ids.uuid(now),
        receipt,
        kind,
        id.0,
        now
    )
    .execute(conn)
    .await?;
    Ok(receipt)
}
