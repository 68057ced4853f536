//! What anyone may know of alerts: those that have left, in force or over, each with the chain of messages it belongs to. All of
//! it reads the view `alert_public`, which holds no drafts.

pub mod archive;
pub mod geojson;
pub mod ground;
pub mod pictures;
pub mod service;
pub mod status;

use chrono::TimeDelta;
use sqlx::PgConnection;

use crate::clock::Instant;
use crate::ids::AlertId;
use crate::picture::Tone;
use crate::risk::reason::Reason;
use crate::units::Level;

/// The word that an alert has ended stays on the front page this long.
const ENDS_SHOWN_FOR: TimeDelta = TimeDelta::hours(6);

/// How a message stands now. Only `InForce` is a warning that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    InForce,
    /// Its time ran out.
    Expired,
    /// A later message took its place.
    Replaced,
    /// Its all-clear was given.
    Cleared,
    /// Withdrawn: it should not have been sent.
    Cancelled,
    /// It is itself an all-clear or a cancellation.
    End,
}

impl Standing {
    fn of(kind: &str, state: &str, expires_at: Instant, now: Instant) -> Self {
        match (kind, state) {
            ("all_clear" | "cancel", _) => Self::End,
            ("alert" | "update", "issued") if expires_at > now => Self::InForce,
            (_, "superseded") => Self::Replaced,
            (_, "cleared") => Self::Cleared,
            (_, "cancelled") => Self::Cancelled,
            // Also what nobody has marked yet, and every state that this program does not know: never in force.
            _ => Self::Expired,
        }
    }

    pub const fn key(self) -> &'static str {
        match self {
            Self::InForce => "in-force",
            Self::Expired => "expired",
            Self::Replaced => "replaced",
            Self::Cleared => "cleared",
            Self::Cancelled => "cancelled",
            Self::End => "end",
        }
    }

    /// No longer a warning, and not the word of an end either.
    pub const fn is_over(self) -> bool {
        !matches!(self, Self::InForce | Self::End)
    }
}

/// A message as its readers need it.
#[derive(Clone, Debug)]
pub struct Notice {
    pub id: AlertId,
    pub identifier: String,
    /// "12/2026".
    pub number: String,
    pub kind: String,
    /// "actual", "exercise", "test" or "system".
    pub status: String,
    pub cobrade: String,
    pub level: Level,
    pub standing: Standing,
    /// Of the texts, "pt-BR" unless another was asked for and is there.
    pub language: String,
    pub headline: String,
    pub description: String,
    pub instruction: String,
    /// Names of where it holds.
    pub areas: Vec<String>,
    pub issued_at: Instant,
    pub expires_at: Instant,
    pub ended_at: Option<Instant>,
    /// Identifier of the message that took its place.
    pub next: Option<String>,
    pub reasons: Vec<Reason>,
    pub rule_id: Option<String>,
    pub rule_version: Option<i32>,
}

impl Notice {
    pub fn is_end(&self) -> bool {
        matches!(self.kind.as_str(), "all_clear" | "cancel")
    }

    /// An exercise, a test, or a message among systems: nothing of it is real.
    pub fn is_drill(&self) -> bool {
        self.status != "actual"
    }

    pub fn tone(&self) -> Tone {
        Tone { level: self.level, is_end: self.is_end() }
    }

    /// Class of the coloured band: an end is never red, and what is over has no colour.
    pub const fn band(&self) -> &'static str {
        match (self.standing, self.level) {
            (Standing::End, _) => "normal",
            (Standing::InForce, Level::Maximum) => "maximum",
            (Standing::InForce, Level::Alert) => "alert",
            (Standing::InForce, Level::Attention) => "attention",
            (Standing::InForce, _) => "observation",
            _ => "calm",
        }
    }
}

/// Which messages are asked for.
#[derive(Clone, Copy, Debug)]
enum Wish<'a> {
    /// What the front page shows: in force, and for some hours the word that one has ended.
    Present,
    One(&'a str),
}

/// Alerts in force, the worst first, then for some hours the word that one has ended; exercises, tests and system messages
/// among them, for the caller to keep apart. Texts are in `language` where they are written.
///
/// # Errors
/// Those of the database.
pub async fn present(conn: &mut PgConnection, now: Instant, language: &str) -> sqlx::Result<Vec<Notice>> {
    read(conn, now, language, Wish::Present).await
}

/// The message of that identifier; none of a draft's id.
///
/// # Errors
/// Those of the database.
pub async fn one(
    conn: &mut PgConnection,
    now: Instant,
    language: &str,
    identifier: &str,
) -> sqlx::Result<Option<Notice>> {
    // PostgreSQL has no text with NUL in it, so such a name is no one's.
    if identifier.is_empty() || identifier.contains('\0') {
        return Ok(None);
    }
    Ok(read(conn, now, language, Wish::One(identifier)).await?.pop())
}

async fn read(conn: &mut PgConnection, now: Instant, language: &str, wish: Wish<'_>) -> sqlx::Result<Vec<Notice>> {
    let only = if let Wish::One(identifier) = wish { Some(identifier) } else { None };
    let rows = sqlx::query!(
        r#"select a.id as "id!: AlertId", a.cap_identifier as "identifier!", a.number as "number!", a.kind as "kind!",
                  a.state as "state!", a.status as "status!", a.cobrade as "cobrade!", a.level as "level!",
                  t.language as "language?", coalesce(t.headline, a.headline) as "headline!",
                  coalesce(t.description, a.description) as "description!", coalesce(t.instruction, a.instruction) as "instruction!",
                  a.issued_at as "issued_at!", a.expires_at as "expires_at!", a.ended_at, a.rule_id, a.rule_version,
                  a.reasons as "reasons!: sqlx::types::Json<Vec<Reason>>",
                  array(select distinct name from alert_target where alert_id = a.id order by name) as "areas!",
                  (select n.cap_identifier from alert_public n where n.references_alert_id = a.id order by n.issued_at desc limit 1) as next
           from alert_public a left join alert_text t on t.alert_id = a.id and t.language = $4
           where case when $1::text is not null then a.cap_identifier = $1
                      else (a.kind in ('alert', 'update') and a.state = 'issued' and a.expires_at > $2)
                        or (a.kind in ('all_clear', 'cancel') and a.issued_at > $3) end
           order by a.kind in ('all_clear', 'cancel'),
                    array_position(array['maximum', 'alert', 'attention', 'observation', 'normal'], a.level), a.issued_at desc, a.number
           limit 500"#,
        only,
        now,
        now - ENDS_SHOWN_FOR,
        language
    )
    .fetch_all(conn)
    .await?;
    let notices = rows.into_iter().map(|row| Notice {
        standing: Standing::of(&row.kind, &row.state, row.expires_at, now),
        level: row.level.parse().unwrap_or(Level::Unknown),
        language: row.language.unwrap_or_else(|| TOWNS_OWN.to_owned()),
        id: row.id,
        identifier: row.identifier,
        number: row.number,
        kind: row.kind,
        status: row.status,
        cobrade: row.cobrade,
        headline: row.headline,
        description: row.description,
        instruction: row.instruction,
        areas: row.areas,
        issued_at: row.issued_at,
        expires_at: row.expires_at,
        ended_at: row.ended_at,
        next: row.next,
        reasons: row.reasons.0,
        rule_id: row.rule_id,
        rule_version: row.rule_version,
    });
    Ok(notices.collect())
}

/// The language of `alert` itself.
pub const TOWNS_OWN: &str = "pt-BR";

/// The languages that an alert's texts are written in, the town's own first.
///
/// # Errors
/// Those of the database.
pub async fn languages(conn: &mut PgConnection, id: AlertId) -> sqlx::Result<Vec<String>> {
    let others = sqlx::query_scalar!("select language from alert_text where alert_id = $1 order by language", id.0);
    let mut languages = vec![TOWNS_OWN.to_owned()];
    languages.extend(others.fetch_all(conn).await?);
    Ok(languages)
}

/// One message of a chain.
#[derive(Clone, Debug)]
pub struct Link {
    pub identifier: String,
    pub number: String,
    pub kind: String,
    pub level: Level,
    pub headline: String,
    pub standing: Standing,
    pub issued_at: Instant,
    pub expires_at: Instant,
    pub ended_at: Option<Instant>,
}

/// Every message of the chain that an alert belongs to, before it and after it, oldest first.
///
/// # Errors
/// Those of the database.
pub async fn chain(conn: &mut PgConnection, now: Instant, id: AlertId) -> sqlx::Result<Vec<Link>> {
    let rows = sqlx::query!(
        r#"with recursive near (id) as (
               select $1::uuid
               union
               select case when a.references_alert_id = near.id then a.id else a.references_alert_id end
               from near join alert_public a on a.references_alert_id = near.id
                                             or (a.id = near.id and a.references_alert_id is not null))
           select p.cap_identifier as "identifier!", p.number as "number!", p.kind as "kind!", p.level as "level!",
                  p.headline as "headline!", p.state as "state!", p.issued_at as "issued_at!", p.expires_at as "expires_at!", p.ended_at
           from alert_public p where p.id in (select id from near) order by p.issued_at, p.number limit 200"#,
        id.0
    )
    .fetch_all(conn)
    .await?;
    let links = rows.into_iter().map(|row| Link {
        standing: Standing::of(&row.kind, &row.state, row.expires_at, now),
        level: row.level.parse().unwrap_or(Level::Unknown),
        identifier: row.identifier,
        number: row.number,
        kind: row.kind,
        headline: row.headline,
        issued_at: row.issued_at,
        expires_at: row.expires_at,
        ended_at: row.ended_at,
    });
    Ok(links.collect())
}

/// The lines of an instruction; numbers they carry are given again by the list.
pub fn steps(instruction: &str) -> Vec<String> {
    // Exercises put their mark before the first number.
    let instruction = instruction.replacen(": 1. ", ": ", 1);
    let lines = instruction.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
            let numbered = rest.len() < line.len() && rest.starts_with(['.', ')']);
            if numbered { rest[1..].trim_start().to_owned() } else { line.to_owned() }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_steps_are_taken_off_once() {
        assert_eq!(
            steps("1. Saia agora.\n\n2) Ligue 199.\n30 mm são muito"),
            ["Saia agora.", "Ligue 199.", "30 mm são muito"]
        );
    }

    #[test]
    fn the_mark_of_an_exercise_stays_and_its_number_goes() {
        assert_eq!(steps("EXERCÍCIO: 1. Saia agora.\n2. Ligue."), ["EXERCÍCIO: Saia agora.", "Ligue."]);
    }

    #[test]
    fn nothing_is_in_force_but_an_issued_warning_within_its_time() {
        let now: Instant = "2026-02-24T00:40:00Z".parse().unwrap();
        let (soon, past) = (now + TimeDelta::hours(1), now - TimeDelta::seconds(1));
        assert_eq!(Standing::of("alert", "issued", soon, now), Standing::InForce);
        assert_eq!(Standing::of("update", "issued", soon, now), Standing::InForce);
        for (kind, state, until, stands) in [
            ("alert", "issued", past, Standing::Expired),
            ("alert", "issued", now, Standing::Expired),
            ("alert", "expired", past, Standing::Expired),
            ("alert", "superseded", soon, Standing::Replaced),
            ("update", "cleared", soon, Standing::Cleared),
            ("alert", "cancelled", soon, Standing::Cancelled),
            ("all_clear", "cleared", soon, Standing::End),
            ("cancel", "cancelled", soon, Standing::End),
            ("alert", "a state of tomorrow", soon, Standing::Expired),
        ] {
            assert_eq!(Standing::of(kind, state, until, now), stands, "{kind} {state}");
        }
    }
}
