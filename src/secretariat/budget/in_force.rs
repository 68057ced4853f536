//! The plan that is law, for cases that name a programme of it.

use sqlx::PgConnection;

use super::plans::Content;
use super::{BillKind, store};
use crate::secretariat::kernel::guards::Plan;

/// The PPA that holds for a year and is law; none: there is none yet.
///
/// # Errors
/// The database's.
pub async fn plan(conn: &mut PgConnection, year: i32) -> sqlx::Result<Option<Plan>> {
    let Some(bill) = store::of_year(conn, BillKind::Ppa, year).await? else { return Ok(None) };
    let (Some(law), Content::Ppa(ppa)) = (bill.life.law(), &bill.content) else { return Ok(None) };
    Ok(Some(Plan {
        years: (bill.year_from, bill.year_to),
        law: law.number.clone(),
        programmes: ppa.programmes.iter().map(|one| one.code.clone()).collect(),
    }))
}
