//! PostgreSQL with PostGIS: pools, the private cluster, and geometry on its way in and out.

pub mod embedded;
pub mod geometry;
pub mod listen;
pub mod open;

use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

/// Small pools apart, so that a busy console cannot starve the ingest or the dispatch.
#[derive(Clone, Debug)]
pub struct Db {
    pub ingest: PgPool,
    pub dispatch: PgPool,
    pub web: PgPool,
}

/// The migrations of this very binary.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

impl Db {
    /// Opens the pools. Connections are made when first needed.
    pub fn open(options: &PgConnectOptions, max_connections: u32) -> Self {
        let pool = |name: &str| {
            PgPoolOptions::new()
                .max_connections(max_connections)
                .acquire_timeout(Duration::from_secs(10))
                .connect_lazy_with(options.clone().application_name(&format!("sentinela/{name}")))
        };
        Self { ingest: pool("ingest"), dispatch: pool("dispatch"), web: pool("web") }
    }
}
