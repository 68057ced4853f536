//! What everybody reads of the council: who sits in it, and figures of years that are over, without small cells. Summaries of what was decided
//! are publications of the module.

use chrono::NaiveDate;
use serde::Serialize;
use sqlx::PgConnection;

use super::{PROCEDURE, store};
use crate::i18n::Lang;
use crate::secretariat::kernel::Types;
use crate::secretariat::kernel::body::publish::{self, Composition};
use crate::secretariat::kernel::body::store::public as snapshots;
use crate::secretariat::kernel::store::figures;
use crate::secretariat::small_cells::LEAST;
use crate::secretariat::yearly::{Row, Table, suppress};

/// Types counted by a field of choice.
const CHOICES: [(&str, &str); 3] =
    [(PROCEDURE, "proposal"), ("ethics.conflict", "outcome"), ("ethics.liability", "sanction")];

/// A year that is over.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = EthicsYear)]
pub struct Year {
    pub year: i32,
    /// People in training; none: fewer than five.
    pub attendance: Option<i64>,
    /// Procedures that the ombudsman passed on; none: fewer than five, or fewer than five came by another way.
    pub from_ombudsman: Option<i64>,
    /// cases, or the type whose cases are counted by what came of them.
    pub tables: Vec<Table>,
}

/// Who sits in the council.
///
/// # Errors
/// The database's, or a snapshot that this version does not read.
pub async fn composition(conn: &mut PgConnection, day: NaiveDate) -> sqlx::Result<Vec<Composition>> {
    snapshots::compositions(conn, day).await?.into_iter().map(publish::read).collect()
}

fn keep(count: i64) -> Option<i64> {
    (count == 0 || count >= LEAST).then_some(count)
}

/// A part of a total that is told beside it: hidden too where the rest would be a small cell.
fn part(count: i64, total: i64) -> Option<i64> {
    keep(count).filter(|count| keep(total - count).is_some())
}

/// Figures of the years before this one, the latest first.
///
/// # Errors
/// The database's.
pub async fn years(conn: &mut PgConnection, types: &Types, this: i32, lang: Lang) -> sqlx::Result<Vec<Year>> {
    let mut all = Vec::new();
    for year in store::years(&mut *conn, this).await? {
        let title =
            |key: &str| types.get(key).map_or_else(|| key.to_owned(), |kept| kept.def.title.of(lang).to_owned());
        let counts = store::by_type(&mut *conn, year).await?;
        let procedures = counts.iter().find(|(key, _)| key == PROCEDURE).map_or(0, |(_, count)| *count);
        let row = |(key, count): (String, i64)| Row { label: title(&key), key, count: Some(count) };
        let mut tables = vec![Table { key: "cases".into(), rows: counts.into_iter().map(row).collect() }];
        for (key, field) in CHOICES {
            let Some(kept) = types.get(key) else { continue };
            let Some(choice) = kept.def.field(field) else { continue };
            let counts = if key == PROCEDURE {
                decided(&mut *conn, year).await?
            } else {
                figures::by_choice(&mut *conn, (key, ""), year, field).await?
            };
            let told = counts.into_iter().filter(|one| !one.key.is_empty());
            let rows = told.map(|one| Row {
                label: choice.option_label(&one.key, lang),
                key: one.key,
                count: Some(one.count),
            });
            tables.push(Table { key: key.to_owned(), rows: rows.collect() });
        }
        tables.iter_mut().for_each(|table| suppress(&mut table.rows));
        let attendance = keep(store::attendance(&mut *conn, year).await?);
        let from_ombudsman = part(store::from_ombudsman(&mut *conn, year).await?, procedures);
        all.push(Year { year, attendance, from_ombudsman, tables });
    }
    Ok(all)
}

/// Procedures by what the council decided; a proposal that waits is no decision.
async fn decided(conn: &mut PgConnection, year: i32) -> sqlx::Result<Vec<figures::Count>> {
    let states = figures::by_state(conn, (PROCEDURE, ""), year).await?;
    let word = |state: &str| match state {
        "censured" => Some("censure"),
        "agreed" => Some("agreement"),
        "filed" => Some("filed"),
        _ => None,
    };
    let told =
        states.into_iter().filter_map(|one| Some(figures::Count { key: word(&one.key)?.to_owned(), count: one.count }));
    Ok(told.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_hidden_where_it_or_the_rest_is_a_small_cell() {
        assert_eq!(part(4, 20), None);
        assert_eq!(part(18, 20), None, "two reported to the council itself");
        assert_eq!(part(15, 20), Some(15));
        assert_eq!((part(20, 20), part(0, 3)), (Some(20), None));
        assert_eq!(part(0, 0), Some(0));
    }
}
