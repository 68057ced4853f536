//! Active transparency: what the law has the town publish by itself, and how each obligation stands. What was published are cases
//! (`transparency.publication`); how it stands is computed of them and kept nowhere.

pub mod dcat;
pub mod judge;
mod store;

use std::sync::OnceLock;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::kernel::define::Words;
use crate::deadlines::{self, Calendar};
use crate::units::vocabulary;

pub use judge::{Standing, standing};

const SHIPPED: &str = include_str!("../../../config/secretariat/transparency.toml");

vocabulary! {
    /// How often an obligation comes.
    Period, "period of an obligation" {
        BusinessDay = "business_day",
        Monthly = "monthly",
        Bimonthly = "bimonthly",
        FourMonthly = "four_monthly",
        Yearly = "yearly",
        /// Stands there, and is looked through again.
        Standing = "standing",
    }
}

vocabulary! {
    /// How an obligation stands.
    Freshness, "state of an obligation" {
        Fresh = "fresh",
        Due = "due",
        Stale = "stale",
        Missing = "missing",
    }
}

/// One obligation of the catalogue.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    pub key: String,
    pub title: Words,
    pub law_ref: String,
    pub period: Period,
    /// Code of the deadline.
    pub rule: String,
    pub owner: String,
    pub source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    item: Vec<Item>,
}

/// # Errors
/// Says where the text is wrong.
pub fn read(text: &str) -> Result<Vec<Item>, toml::de::Error> {
    toml::from_str::<File>(text).map(|file| file.item)
}

/// The catalogue that comes with the service; a test reads the file.
pub fn catalogue() -> &'static [Item] {
    static READ: OnceLock<Vec<Item>> = OnceLock::new();
    READ.get_or_init(|| read(SHIPPED).unwrap_or_default())
}

/// What was published of an obligation last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = ObligationPublished)]
pub struct Last {
    #[schema(value_type = String)]
    pub covers_until: NaiveDate,
    #[schema(value_type = String)]
    pub published_on: NaiveDate,
    pub url: String,
    pub format: String,
}

/// An obligation as everybody sees it.
#[derive(Clone, Debug)]
pub struct Obligation {
    pub item: &'static Item,
    pub last: Option<Last>,
    pub standing: Standing,
}

/// Every obligation as it stands on a day.
///
/// # Errors
/// The database's.
pub async fn obligations(
    conn: &mut PgConnection,
    today: NaiveDate,
    tz: chrono_tz::Tz,
) -> sqlx::Result<Vec<Obligation>> {
    let mut last = store::last(&mut *conn).await?;
    let calendar: Calendar = deadlines::store::calendar(&mut *conn).await?;
    let rules = deadlines::store::rules(conn).await?;
    let all = catalogue().iter().map(|item| {
        let last = last.remove(&item.key);
        let standing = standing(item, last.as_ref(), today, (&rules, &calendar, tz));
        Obligation { item, last, standing }
    });
    Ok(all.collect())
}
