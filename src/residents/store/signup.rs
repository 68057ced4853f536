//! Subscriptions that wait for their code or link, and what residents chose.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::Instant;
use crate::ids::ResidentId;
use crate::residents::preferences::{Need, Preferences, Quiet};

pub async fn keep(
    conn: &mut PgConnection,
    now: Instant,
    code: Uuid,
    sealed: &[u8],
    expires_at: Instant,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into resident_signup (code_id, sealed, created_at, expires_at) values ($1, $2, $3, $4)",
        code,
        sealed,
        now,
        expires_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether a subscription waits for this code.
pub async fn waits(conn: &mut PgConnection, now: Instant, code: Uuid) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from resident_signup where code_id = $1 and used_at is null and expires_at > $2) as "waits!""#,
        code,
        now
    )
    .fetch_one(conn)
    .await
}

/// What waited, with the telephone or mailbox that is proven now.
#[derive(Debug)]
pub struct Taken {
    pub channel: String,
    pub address: String,
    pub sealed: Vec<u8>,
}

/// Takes it, once: its code and its link are used up together.
pub async fn take(conn: &mut PgConnection, now: Instant, code: Uuid) -> sqlx::Result<Option<Taken>> {
    sqlx::query_as!(
        Taken,
        r#"with taken as (
            update resident_signup set used_at = $2, sealed = ''
            where code_id = $1 and used_at is null and expires_at > $2
            returning code_id, (select s.sealed from resident_signup s where s.code_id = $1) as sealed
        ), used as (
            update resident_code k set used_at = $2 from taken where k.id = taken.code_id and k.used_at is null
        )
        select k.channel, k.address, taken.sealed as "sealed!" from taken join resident_code k on k.id = taken.code_id"#,
        code,
        now
    )
    .fetch_optional(conn)
    .await
}

/// The name, if none is known, and the language.
pub async fn name(conn: &mut PgConnection, id: ResidentId, (name, language): (&str, &str)) -> sqlx::Result<()> {
    sqlx::query!(
        "update resident set name = case when name = '' then $2 else name end, language = $3 where id = $1",
        id.0,
        name,
        language
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What they want to hear. `zone`: the clock of quiet hours, an IANA name.
pub async fn prefer(conn: &mut PgConnection, id: ResidentId, new: Preferences, zone: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "update resident set least_level = $2, quiet_from = $3, quiet_until = $4, quiet_zone = $5 where id = $1",
        id.0,
        new.least_level.as_str(),
        new.quiet.map(|quiet| quiet.from),
        new.quiet.map(|quiet| quiet.until),
        new.quiet.map(|_| zone)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Kinds of help, while the consent to it stands; the database refuses them without it.
pub async fn need(conn: &mut PgConnection, id: ResidentId, needs: &[Need]) -> sqlx::Result<()> {
    let words: Vec<String> = needs.iter().map(Need::to_string).collect();
    sqlx::query!("update resident set needs = $2 where id = $1", id.0, &words).execute(conn).await?;
    Ok(())
}

/// What they chose, and the kinds of help.
pub async fn chosen(conn: &mut PgConnection, id: ResidentId) -> sqlx::Result<(Preferences, Vec<Need>)> {
    let row = sqlx::query!("select least_level, quiet_from, quiet_until, needs from resident where id = $1", id.0)
        .fetch_optional(conn)
        .await?;
    let Some(row) = row else { return Ok(Default::default()) };
    let quiet = row.quiet_from.zip(row.quiet_until).map(|(from, until)| Quiet { from, until });
    // The columns' constraints admit only these words.
    let least_level = row.least_level.parse().unwrap_or(Preferences::default().least_level);
    let needs = row.needs.iter().filter_map(|word| word.parse().ok()).collect();
    Ok((Preferences { least_level, quiet }, needs))
}
