//! Reports of a module: what ends soon, what is overdue, what went out against what was accounted for.

use chrono::NaiveDate;
use chrono_tz::Tz;
use serde::Serialize;
use sqlx::PgConnection;

use super::store::{self, Overdue, Sums};
use super::{Kept, desk};
use crate::refused::Refused;

/// Which rule says how soon "soon" is.
const SOON: &str = "instrument.expiring";

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = InstrumentReport)]
pub struct Report {
    pub on: NaiveDate,
    /// What ends until here counts as soon.
    pub soon: NaiveDate,
    pub states: Vec<State>,
    pub expiring: Vec<Sums>,
    pub overdue: Vec<Overdue>,
    /// Released against accounted for.
    pub sums: Vec<Sums>,
}

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = InstrumentStates)]
pub struct State {
    pub state: String,
    pub count: i64,
}

/// # Errors
/// The database's.
pub async fn of<K: Kept>(conn: &mut PgConnection, today: NaiveDate, tz: Tz) -> Result<Report, Refused> {
    let soon = desk::last_day(&mut *conn, (SOON, None), today, tz).await?.unwrap_or(today);
    let states = store::states(&mut *conn, K::MODULE).await?;
    Ok(Report {
        on: today,
        soon,
        states: states.into_iter().map(|(state, count)| State { state, count }).collect(),
        expiring: store::sums(&mut *conn, K::MODULE, Some((today, soon))).await?,
        overdue: store::overdue(&mut *conn, K::MODULE, today).await?,
        sums: store::sums(conn, K::MODULE, None).await?,
    })
}
