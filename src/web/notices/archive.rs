//! Everything that ever left, found again by time, hazard, level and place, with counts.

use chrono::{DateTime, Datelike as _, NaiveDate, TimeZone as _};
use chrono_tz::Tz;
use sqlx::PgConnection;

use super::Standing;
use crate::clock::Instant;
use crate::units::Level;

/// Messages on one page.
pub const PAGE: i64 = 25;

/// What is looked for. Nothing given finds everything of its kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub year: Option<i32>,
    /// 1 to 12; counts with a year only.
    pub month: Option<u32>,
    /// COBRADE code.
    pub hazard: Option<String>,
    pub level: Option<Level>,
    /// Name of a place where it held.
    pub area: Option<String>,
    /// Exercises, tests and system messages instead of what is real.
    pub drills: bool,
    /// From 1.
    pub page: i64,
}

impl Filter {
    /// From (inclusive) and until (exclusive), in the town's own time.
    pub fn period(&self, zone: Tz) -> (Option<Instant>, Option<Instant>) {
        let Some(year) = self.year else { return (None, None) };
        let begins = |year: i32, month: u32| {
            let midnight = NaiveDate::from_ymd_opt(year, month, 1)?.and_hms_opt(0, 0, 0)?;
            // Where midnight was left out or came twice, the day began at the earlier of both.
            zone.from_local_datetime(&midnight).earliest().map(|at| at.to_utc())
        };
        let after = |year: i32, month: u32| if month == 12 { (year + 1, 1) } else { (year, month + 1) };
        let (first, last) = self.month.map_or(((year, 1), (year + 1, 1)), |month| ((year, month), after(year, month)));
        (begins(first.0, first.1), begins(last.0, last.1))
    }
}

/// A line of the archive.
#[derive(Clone, Debug)]
pub struct Line {
    pub identifier: String,
    pub number: String,
    pub kind: String,
    pub status: String,
    pub cobrade: String,
    pub level: Level,
    pub standing: Standing,
    pub headline: String,
    pub areas: Vec<String>,
    pub issued_at: DateTime<chrono::Utc>,
}

/// How many there are of one value of a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    pub value: String,
    pub count: i64,
}

/// One page of what was found, and what there is to choose from.
#[derive(Clone, Debug, Default)]
pub struct Found {
    pub lines: Vec<Line>,
    pub total: i64,
    /// Of the total: first warnings, without their updates and ends.
    pub alerts: i64,
    pub years: Vec<Count>,
    /// Of the year that is chosen.
    pub months: Vec<Count>,
    pub hazards: Vec<Count>,
    pub levels: Vec<Count>,
    pub areas: Vec<String>,
    /// How many exercises, tests and system messages there are.
    pub drills: i64,
}

/// # Errors
/// Those of the database.
pub async fn find(conn: &mut PgConnection, now: Instant, zone: Tz, filter: &Filter) -> sqlx::Result<Found> {
    let (from, until) = filter.period(zone);
    let level = filter.level.map(Level::as_str);
    let rows = sqlx::query!(
        r#"select a.cap_identifier as "identifier!", a.number as "number!", a.kind as "kind!", a.state as "state!",
                  a.status as "status!", a.cobrade as "cobrade!", a.level as "level!", a.headline as "headline!",
                  a.issued_at as "issued_at!", a.expires_at as "expires_at!",
                  array(select distinct name from alert_target where alert_id = a.id order by name) as "areas!",
                  count(*) over () as "total!", count(*) filter (where a.kind = 'alert') over () as "alerts!"
           from alert_public a
           where (a.status <> 'actual') = $1 and ($2::timestamptz is null or a.issued_at >= $2)
             and ($3::timestamptz is null or a.issued_at < $3) and ($4::text is null or a.cobrade = $4)
             and ($5::text is null or a.level = $5)
             and ($6::text is null or exists (select from alert_target t where t.alert_id = a.id and t.name = $6))
           order by a.issued_at desc, a.number desc limit $7 offset $8"#,
        filter.drills,
        from,
        until,
        filter.hazard,
        level,
        filter.area,
        PAGE,
        (filter.page.max(1) - 1) * PAGE
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut found = choices(conn, zone, filter).await?;
    found.total = rows.first().map_or(0, |row| row.total);
    found.alerts = rows.first().map_or(0, |row| row.alerts);
    let lines = rows.into_iter().map(|row| Line {
        standing: Standing::of(&row.kind, &row.state, row.expires_at, now),
        level: row.level.parse().unwrap_or(Level::Unknown),
        identifier: row.identifier,
        number: row.number,
        kind: row.kind,
        status: row.status,
        cobrade: row.cobrade,
        headline: row.headline,
        areas: row.areas,
        issued_at: row.issued_at,
    });
    found.lines = lines.collect();
    Ok(found)
}

/// What there is to choose from, with how many messages each choice has by itself.
async fn choices(conn: &mut PgConnection, zone: Tz, filter: &Filter) -> sqlx::Result<Found> {
    let rows = sqlx::query!(
        r#"select issued_at as "issued_at!", cobrade as "cobrade!", level as "level!", count(*) as "count!"
           from (select date_trunc('month', issued_at at time zone $2) at time zone $2 as issued_at, cobrade, level
                 from alert_public where (status <> 'actual') = $1) as messages
           group by 1, 2, 3 order by 1 desc"#,
        filter.drills,
        zone.name()
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut found = Found::default();
    for row in rows {
        let local = row.issued_at.with_timezone(&zone);
        add(&mut found.years, local.year().to_string(), row.count);
        if filter.year == Some(local.year()) {
            add(&mut found.months, local.month().to_string(), row.count);
        }
        add(&mut found.hazards, row.cobrade, row.count);
        add(&mut found.levels, row.level, row.count);
    }
    found.hazards.sort_by(|a, b| a.value.cmp(&b.value));
    let worst = |count: &Count| count.value.parse::<Level>().map_or(0, crate::web::situation::rank);
    found.levels.sort_by_key(|count| std::cmp::Reverse(worst(count)));
    found.months.sort_by_key(|count| count.value.parse::<u32>().unwrap_or(0));
    found.areas = sqlx::query_scalar!(
        r#"select distinct t.name as "name!" from alert_target t join alert_public a on a.id = t.alert_id
           where (a.status <> 'actual') = $1 order by 1 limit 1000"#,
        filter.drills
    )
    .fetch_all(&mut *conn)
    .await?;
    found.drills = sqlx::query_scalar!(r#"select count(*) as "count!" from alert_public where status <> 'actual'"#)
        .fetch_one(conn)
        .await?;
    Ok(found)
}

fn add(counts: &mut Vec<Count>, value: String, count: i64) {
    match counts.iter_mut().find(|known| known.value == value) {
        Some(known) => known.count += count,
        None => counts.push(Count { value, count }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_and_a_month_begin_at_the_towns_own_midnight() {
        let zone = chrono_tz::America::Sao_Paulo;
        let at = |text: &str| Some(text.parse::<Instant>().unwrap());
        let year = Filter { year: Some(2026), ..Filter::default() };
        assert_eq!(year.period(zone), (at("2026-01-01T03:00:00Z"), at("2027-01-01T03:00:00Z")));
        let december = Filter { month: Some(12), ..year.clone() };
        assert_eq!(december.period(zone), (at("2026-12-01T03:00:00Z"), at("2027-01-01T03:00:00Z")));
        let february = Filter { month: Some(2), ..year };
        assert_eq!(february.period(zone), (at("2026-02-01T03:00:00Z"), at("2026-03-01T03:00:00Z")));
        assert_eq!(Filter { month: Some(2), ..Filter::default() }.period(zone), (None, None));
    }
}
