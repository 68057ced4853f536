//! What a feed lists, and when that last changed.

use chrono::{DateTime, TimeDelta, Utc};

use crate::alerts::cap::feed::{Entry, Page};
use crate::app::App;
use crate::clock::Instant;
use crate::web::error::ApiError;

/// Messages of one piece of the archive.
pub const PAGE: i64 = 50;
/// An end stays in the list this long, so that a reader that only follows the feed learns of it.
pub const ENDED_FOR: TimeDelta = TimeDelta::hours(6);
/// No town has so many alerts in force; the archive has them all.
const MOST: i64 = 1000;
/// Two alerts that are issued at once may be committed in the other order; after this both are.
const SETTLED: TimeDelta = TimeDelta::minutes(1);

/// Which alerts a feed is of.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The municipality's code of an area: alerts that name it, or whose own places lie over it.
    pub area: Option<String>,
    /// COBRADE, dotted.
    pub hazard: Option<String>,
    pub statuses: Vec<String>,
    pub language: String,
}

struct Row {
    identifier: String,
    headline: String,
    description: String,
    instruction: String,
    is_translated: bool,
    kind: String,
    level: String,
    status: String,
    cobrade: String,
    issued_at: DateTime<Utc>,
    bytes: i32,
}

impl Scope {
    fn entry(&self, row: Row) -> Entry {
        Entry {
            identifier: row.identifier,
            headline: row.headline,
            summary: format!("{}\n\n{}", row.description.trim(), row.instruction.trim()),
            language: if row.is_translated { self.language.clone() } else { super::OWN.into() },
            issued_at: row.issued_at,
            kind: row.kind,
            level: row.level,
            status: row.status,
            hazard: row.cobrade,
            bytes: usize::try_from(row.bytes).unwrap_or(0),
        }
    }

    /// What is in force, and what ended not long ago, latest first. What was replaced or is over is not among it.
    pub async fn current(&self, app: &App, now: Instant) -> Result<Vec<Entry>, ApiError> {
        let rows = sqlx::query_as!(
            Row,
            r#"select a.cap_identifier as "identifier!", coalesce(t.headline, a.headline) as "headline!",
                      coalesce(t.description, a.description) as "description!",
                      coalesce(t.instruction, a.instruction) as "instruction!", t.alert_id is not null as "is_translated!",
                      a.kind, a.level, a.status, a.cobrade, a.issued_at as "issued_at!", octet_length(a.cap_xml) as "bytes!"
               from alert a left join alert_text t on t.alert_id = a.id and t.language = $5
               where a.cap_xml is not null and a.issued_at is not null
                 and (a.state = 'issued' and a.expires_at > $1
                      or a.kind in ('all_clear', 'cancel') and a.issued_at > $6)
                 and a.status = any($4) and ($3::text is null or a.cobrade = $3)
                 and ($2::text is null or alert_concerns_area(a.id, a.issued_at, $2))
               order by a.issued_at desc, a.number desc limit $7"#,
            now,
            self.area,
            self.hazard,
            &self.statuses,
            self.language,
            now - ENDED_FOR,
            MOST + 1
        )
        .fetch_all(&app.db.web)
        .await?;
        if rows.len() > usize::try_from(MOST).unwrap_or(usize::MAX) {
            tracing::error!(most = MOST, "more alerts are in force than the feed lists; the archive has them all");
        }
        Ok(rows.into_iter().map(|row| self.entry(row)).collect())
    }

    /// A piece of the archive, latest first. `None` beyond the last one.
    pub async fn page(&self, app: &App, now: Instant, number: u32) -> Result<Option<(Page, Vec<Entry>)>, ApiError> {
        let mut rows = sqlx::query_as!(
            Row,
            r#"select a.cap_identifier as "identifier!", coalesce(t.headline, a.headline) as "headline!",
                      coalesce(t.description, a.description) as "description!",
                      coalesce(t.instruction, a.instruction) as "instruction!", t.alert_id is not null as "is_translated!",
                      a.kind, a.level, a.status, a.cobrade, a.issued_at as "issued_at!", octet_length(a.cap_xml) as "bytes!"
               from alert a left join alert_text t on t.alert_id = a.id and t.language = $4
               where a.cap_xml is not null and a.issued_at is not null
                 and a.status = any($3) and ($2::text is null or a.cobrade = $2)
                 and ($1::text is null or alert_concerns_area(a.id, a.issued_at, $1))
               order by a.issued_at, a.id limit $5 offset $6"#,
            self.area,
            self.hazard,
            &self.statuses,
            self.language,
            PAGE,
            (i64::from(number) - 1) * PAGE
        )
        .fetch_all(&app.db.web)
        .await?;
        let Some(newest) = rows.last().map(|row| row.issued_at) else { return Ok(None) };
        let is_full = rows.len() == usize::try_from(PAGE).unwrap_or_default() && newest < now - SETTLED;
        rows.reverse();
        Ok(Some((Page { number, is_full }, rows.into_iter().map(|row| self.entry(row)).collect())))
    }

    /// Pieces of the archive, and when the list of what is in force last changed, also by an expiry that nobody wrote down yet.
    /// 1970 when nothing was ever issued.
    pub async fn extent(&self, app: &App, now: Instant) -> Result<(u32, Instant), ApiError> {
        let row = sqlx::query!(
            r#"select count(*) as "count!",
                      greatest(max(a.issued_at), max(a.ended_at) filter (where a.ended_at <= $1),
                               max(a.expires_at) filter (where a.expires_at <= $1)) as latest,
                      max(a.issued_at) filter (where a.kind in ('all_clear', 'cancel') and a.issued_at <= $5) as left_at
               from alert a
               where a.cap_xml is not null and a.issued_at is not null
                 and a.status = any($4) and ($3::text is null or a.cobrade = $3)
                 and ($2::text is null or alert_concerns_area(a.id, a.issued_at, $2))"#,
            now,
            self.area,
            self.hazard,
            &self.statuses,
            now - ENDED_FOR
        )
        .fetch_one(&app.db.web)
        .await?;
        let pages = u32::try_from((row.count + PAGE - 1) / PAGE).unwrap_or(u32::MAX);
        let left_at = row.left_at.map(|at| at + ENDED_FOR);
        Ok((pages, row.latest.max(left_at).unwrap_or(DateTime::UNIX_EPOCH)))
    }
}

/// Whether there is, or was, an area of that code.
pub async fn is_area(app: &App, code: &str) -> Result<bool, ApiError> {
    let known = sqlx::query_scalar!(r#"select exists (select from risk_area where code = $1) as "known!""#, code);
    Ok(known.fetch_one(&app.db.web).await?)
}
