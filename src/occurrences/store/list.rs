//! Occurrences in lists, on the map and on the board, all through the one filter `occurrence_work`.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::{Instant, from_micros};
use crate::ids::IncidentId;
use crate::occurrences::{Age, Priority};
use crate::reports::State;

/// Which are wanted; nothing = no matter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wish {
    pub states: Vec<State>,
    pub priority: Option<Priority>,
    /// COBRADE.
    pub hazard: Option<String>,
    /// Code of a risk area.
    pub area: Option<String>,
    pub kind: Option<&'static str>,
    pub age: Option<Age>,
    /// The account that answers for them.
    pub assignee: Option<String>,
    pub incident: Option<IncidentId>,
    /// West, south, east, north in degrees.
    pub within: Option<[f64; 4]>,
}

/// The arguments of `occurrence_work` that are made of a wish.
struct Bound {
    states: Vec<String>,
    priority: Option<i16>,
    since: Option<Instant>,
    until: Option<Instant>,
    incident: Option<Uuid>,
    within: Option<Vec<f64>>,
}

impl Wish {
    fn bound(&self, now: Instant) -> Bound {
        let (since, until) = self.age.map_or((None, None), |age| age.span(now));
        Bound {
            states: self.states.iter().map(ToString::to_string).collect(),
            priority: self.priority.map(Priority::number),
            since,
            until,
            incident: self.incident.map(|id| id.0),
            within: self.within.map(|four| four.to_vec()),
        }
    }
}

/// The last line of a page: the next page begins after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub priority: i16,
    pub opened_at: Instant,
    pub id: Uuid,
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.priority, self.opened_at.timestamp_micros(), self.id.simple())
    }
}

impl std::str::FromStr for Cursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.splitn(3, '.');
        let mut part = || parts.next().ok_or(());
        let priority = part()?.parse().map_err(|_| ())?;
        let micros: i64 = part()?.parse().map_err(|_| ())?;
        let id = part()?.parse().map_err(|_| ())?;
        // Years 1 to 9999.
        if !(1..=4).contains(&priority) || !(-62_000_000_000_000_000..253_000_000_000_000_000).contains(&micros) {
            return Err(());
        }
        Ok(Self { priority, opened_at: from_micros(micros), id })
    }
}

/// One line.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = WorkLine)]
pub struct Line {
    pub id: Uuid,
    pub number: String,
    pub kind: String,
    pub cobrade: Option<String>,
    /// new, confirmed, dispatched, on_scene, resolved, closed, dismissed or merged.
    pub state: String,
    /// 1 (lives in danger) to 4 (can wait).
    pub priority: i16,
    /// A person set it.
    pub priority_by: Option<String>,
    /// Degrees (WGS 84); null where nobody knows.
    pub lat: Option<f64>,
    pub lon: Option<f64>,
    pub accuracy_m: Option<i32>,
    pub neighbourhood: String,
    /// The newest words and place of its reports.
    pub words: String,
    pub place: String,
    pub reports: i64,
    pub people_at_risk: Option<i32>,
    pub needs: Vec<String>,
    pub assignee: Option<String>,
    /// Who was sent.
    pub unit: String,
    pub opened_at: DateTime<Utc>,
    pub last_at: DateTime<Utc>,
    pub incident_id: Option<Uuid>,
    pub incident_number: Option<String>,
}

impl Line {
    pub const fn cursor(&self) -> Cursor {
        Cursor { priority: self.priority, opened_at: self.opened_at, id: self.id }
    }
}

/// The most urgent first, of equal ones the newest; after `after`, at most `limit`.
pub async fn lines(
    conn: &mut PgConnection,
    wish: &Wish,
    now: Instant,
    after: Option<Cursor>,
    limit: i64,
) -> sqlx::Result<Vec<Line>> {
    let Bound { states, priority, since, until, incident, within } = wish.bound(now);
    sqlx::query_as!(
        Line,
        r#"with page as materialized (
               select w.* from occurrence_work($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) w
               where $11::smallint is null or w.priority > $11
                  or (w.priority = $11 and (w.opened_at, w.id) < ($12::timestamptz, $13::uuid))
               order by w.priority, w.opened_at desc, w.id desc limit $14)
           select o.id as "id!", o.number as "number!", o.kind as "kind!", o.cobrade, o.state as "state!", o.priority as "priority!",
               o.priority_by, st_y(o.geom) as lat, st_x(o.geom) as lon, o.precision_m as accuracy_m,
               o.neighbourhood as "neighbourhood!", coalesce(r.words, '') as "words!", coalesce(r.place, '') as "place!",
               (select count(*) from report_standing s where s.occurrence_id = o.id) as "reports!", o.people_at_risk,
               o.needs as "needs!", o.assignee, o.unit as "unit!", o.opened_at as "opened_at!", o.last_at as "last_at!",
               o.incident_id, i.number as "incident_number?"
           from page o left join incident i on i.id = o.incident_id
           left join lateral (
               select r.words, r.place from report_standing s join report r on r.id = s.report_id
               where s.occurrence_id = o.id order by r.received_at desc, r.id desc limit 1) r on true
           order by o.priority, o.opened_at desc, o.id desc"#,
        &states,
        priority,
        wish.hazard,
        wish.area,
        wish.kind,
        since,
        until,
        wish.assignee,
        incident,
        within.as_deref(),
        after.map(|after| after.priority) as Option<i16>,
        after.map(|after| after.opened_at) as Option<Instant>,
        after.map(|after| after.id) as Option<Uuid>,
        limit
    )
    .fetch_all(conn)
    .await
}

/// How many there are by state and priority.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts(Vec<(String, i16, i64)>);

impl Counts {
    pub fn all(&self) -> i64 {
        self.0.iter().map(|(.., count)| count).sum()
    }

    pub fn of_state(&self, state: State) -> i64 {
        self.0.iter().filter(|(found, ..)| found == state.as_str()).map(|(.., count)| count).sum()
    }

    pub fn of_states(&self, states: &[State]) -> i64 {
        states.iter().map(|state| self.of_state(*state)).sum()
    }

    pub fn of_priority(&self, priority: Priority) -> i64 {
        self.0.iter().filter(|(_, found, _)| *found == priority.number()).map(|(.., count)| count).sum()
    }
}

pub async fn counts(conn: &mut PgConnection, wish: &Wish, now: Instant) -> sqlx::Result<Counts> {
    let Bound { states, priority, since, until, incident, within } = wish.bound(now);
    let rows = sqlx::query!(
        r#"select w.state as "state!", w.priority as "priority!", count(*) as "count!"
           from occurrence_work($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) w group by 1, 2"#,
        &states,
        priority,
        wish.hazard,
        wish.area,
        wish.kind,
        since,
        until,
        wish.assignee,
        incident,
        within.as_deref()
    )
    .fetch_all(conn)
    .await?;
    Ok(Counts(rows.into_iter().map(|row| (row.state, row.priority, row.count)).collect()))
}

/// Occurrences that lie together on the map.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spot {
    pub lon: f64,
    pub lat: f64,
    pub count: i64,
    /// The most urgent of them.
    pub priority: i16,
    /// Of one that lies alone.
    pub id: Option<Uuid>,
    /// West, south, east, north of the square they lie in.
    pub square: [f64; 4],
}

/// Squares of the map along its longer side.
const ACROSS: f64 = 28.0;

/// The occurrences that have a place, gathered in squares, and how many have none.
pub async fn spots(conn: &mut PgConnection, wish: &Wish, now: Instant) -> sqlx::Result<(Vec<Spot>, i64)> {
    let Bound { states, priority, since, until, incident, within } = wish.bound(now);
    let rows = sqlx::query!(
        r#"with found as materialized (
               select w.id, st_x(w.geom) as lon, st_y(w.geom) as lat, w.priority
               from occurrence_work($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) w),
           -- What lies far outside is drawn at the edge of no map: the middle nineteen in twenty set the squares.
           size as (select greatest(0.0005, greatest(
               percentile_cont(0.975) within group (order by lon) - percentile_cont(0.025) within group (order by lon),
               percentile_cont(0.975) within group (order by lat) - percentile_cont(0.025) within group (order by lat)) / $11) as step
               from found where lon is not null)
           select floor(lon / step) as x, floor(lat / step) as y, avg(lon) as lon, avg(lat) as lat, count(*) as "count!",
               min(priority) as "priority?", (array_agg(id))[1] as id, step
           from found left join size on found.lon is not null group by 1, 2, step order by count(*) desc, 1, 2 limit 1500"#,
        &states,
        priority,
        wish.hazard,
        wish.area,
        wish.kind,
        since,
        until,
        wish.assignee,
        incident,
        within.as_deref(),
        ACROSS
    )
    .fetch_all(conn)
    .await?;
    let mut lost = 0;
    let mut spots = Vec::with_capacity(rows.len());
    for row in rows {
        let place = row.lon.zip(row.lat).zip(row.x.zip(row.y)).zip(row.step);
        let Some((((lon, lat), (x, y)), step)) = place else {
            lost += row.count;
            continue;
        };
        spots.push(Spot {
            lon,
            lat,
            count: row.count,
            priority: row.priority.unwrap_or(4),
            id: row.id.filter(|_| row.count == 1),
            square: [x * step, y * step, (x + 1.0) * step, (y + 1.0) * step],
        });
    }
    Ok((spots, lost))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_nothing_else_is() {
        let cursor = Cursor { priority: 2, opened_at: from_micros(1_700_000_000_123_456), id: Uuid::from_u128(7) };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for wrong in [
            "",
            "2",
            "2.1",
            "9.1.0",
            "2.x.0",
            "2.1.zz",
            "2.9999999999999999999.0",
            "2.9000000000000000000.00000000000000000000000000000007",
        ] {
            assert!(wrong.parse::<Cursor>().is_err(), "{wrong}");
        }
    }
}
