//! What a body did in a year.

use chrono::NaiveDate;
use chrono_tz::Tz;
use serde::Serialize;
use sqlx::PgConnection;

use crate::accounts::{Role, Roles};
use crate::clock::Instant;
use crate::deadlines::reckon::Anchor;
use crate::deadlines::{Course, desk as deadlines};
use crate::refused::Refused;
use crate::secretariat::kernel::body::store::meetings::{self, SeatSum, Sums};
use crate::secretariat::kernel::body::store::seats::{self, Expiring};
use crate::secretariat::kernel::body::{Body, Resolution, publish, store};

/// Meetings held, attendance by seat, resolutions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = BodyReport)]
pub struct Report {
    pub body: String,
    pub year: i32,
    pub sums: Sums,
    pub attendance: Vec<SeatSum>,
    pub resolutions: Vec<Resolution>,
}

/// # Errors
/// The database's.
pub async fn of(conn: &mut PgConnection, body: &Body, year: i32, tz: Tz) -> sqlx::Result<Report> {
    Ok(Report {
        body: body.what.name.clone(),
        year,
        sums: meetings::sums(&mut *conn, body.id, year).await?,
        attendance: meetings::attendance(&mut *conn, (body.id, year), tz).await?,
        resolutions: store::room::resolutions(conn, body.id, Some(year)).await?,
    })
}

/// Mandates that end soon, and seats that nobody holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = BodyWaiting)]
pub struct Waiting {
    /// Until which day mandates are listed, and until which they are urgent.
    pub near: NaiveDate,
    pub urgent: NaiveDate,
    pub rows: Vec<Expiring>,
}

impl Waiting {
    pub fn is_urgent(&self, row: &Expiring) -> bool {
        row.until_on.is_none_or(|day| day <= self.urgent)
    }
}

/// # Errors
/// `Conflict` when no rule says how long before its end a mandate is listed.
pub async fn waiting(conn: &mut PgConnection, now: Instant, tz: Tz, roles: &Roles) -> Result<Waiting, Refused> {
    let today = publish::day(now, tz);
    let mut days = [today; 2];
    for (day, code) in days.iter_mut().zip(["committees.mandate.near", "committees.mandate.urgent"]) {
        let (_, told) = deadlines::preview(&mut *conn, code, Anchor { at: now, tz }, &Course::default()).await?;
        *day = told.due_on.unwrap_or(today);
    }
    let [near, urgent] = days;
    Ok(Waiting { near, urgent, rows: seats::expiring(conn, (today, near), roles.has(Role::Ethics)).await? })
}
