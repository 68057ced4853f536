//! A database of the bench's own with devices, streams and areas, gone afterwards.

use std::str::FromStr as _;

use anyhow::Context as _;
use serde::Serialize;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection, PgPool};
use tokio_util::sync::CancellationToken;

use crate::alerts::templates::Templates;
use crate::app::{App, Parts};
use crate::clock::{Clock, Instant};
use crate::config::Config;
use crate::db::Db;
use crate::db::open::Database;
use crate::events::Events;
use crate::ids::Ids;
use crate::ingest;
use crate::secretariat::kernel::Types;
use crate::secretariat::segments::Segments;
use crate::stations::device::secret_sha256;
use crate::stations::store::{self, NewDatastream, NewStation};
use crate::units::{Quantity, StreamKind};

pub const SECRET: &str = "the-secret-of-every-device-of-the-bench";
/// The hazards of the compiled-in rules.
const HAZARDS: [&str; 3] = ["1.1.3.2.1", "1.2.3.0.0", "1.2.1.0.0"];

/// Where a bench plays.
pub struct Stage {
    pub config: Config,
    database: Database,
    /// Server and name of a database that was created for the bench.
    created: Option<(PgConnectOptions, String)>,
}

impl Stage {
    /// A fresh database on the given server, or in a private cluster in a temporary folder.
    pub async fn build(mut config: Config, database_url: Option<&str>) -> anyhow::Result<Self> {
        let url = database_url.unwrap_or(&config.database.url).to_owned();
        // Here a device is as fast as it can be.
        config.ingest.device_messages_per_s = 0;
        let process = std::process::id();
        let created = if url.is_empty() {
            config.data_dir = std::env::temp_dir().join(format!("sentinela-bench-{process}"));
            None
        } else {
            let server = PgConnectOptions::from_str(&url).context("the database's address")?;
            let name = format!("sentinela_bench_{process}");
            server.connect().await?.execute(AssertSqlSafe(format!("create database {name}"))).await?;
            config.database.url = server.clone().database(&name).to_url_lossy().as_str().into();
            Some((server, name))
        };
        let database = Database::open(&config).await?;
        Ok(Self { config, database, created })
    }

    pub const fn options(&self) -> &PgConnectOptions {
        &self.database.options
    }

    /// As the owner: measuring needs tables of its own.
    pub fn pool(&self) -> PgPool {
        PgPoolOptions::new().max_connections(4).connect_lazy_with(self.database.owner.clone())
    }

    /// The same as an address, for a program of its own.
    pub fn url(&self) -> String {
        self.database.owner.to_url_lossy().to_string()
    }

    /// The service's parts on this database, with the end of the ingest queue for the committer.
    pub fn app(&self) -> anyhow::Result<(App, ingest::Receiver)> {
        self.app_on(Db::open(self.options(), self.config.database.max_connections))
    }

    /// How the owner connects.
    pub const fn owner(&self) -> &PgConnectOptions {
        &self.database.owner
    }

    /// The same with another configuration.
    pub fn app_with(&self, change: impl FnOnce(&mut Config)) -> anyhow::Result<(App, ingest::Receiver)> {
        let mut config = self.config.clone();
        change(&mut config);
        Self::built(config, Db::open(self.options(), self.config.database.max_connections))
    }

    /// The same on other pools.
    pub fn app_on(&self, db: Db) -> anyhow::Result<(App, ingest::Receiver)> {
        Self::built(self.config.clone(), db)
    }

    fn built(config: Config, db: Db) -> anyhow::Result<(App, ingest::Receiver)> {
        let (ingest, receiver) = ingest::channel(&config, &Clock::System);
        let cases = Types::load(&config.secretariat.case_types)?;
        let segments = Segments::load(&config.secretariat.segments)?;
        let app = App::new(Parts {
            limits: crate::web::limit::Limits::new(&config.http.limits),
            pictures: crate::web::notices::pictures::Pictures::default(),
            deliveries: Default::default(),
            outbound: crate::outbound::Client::new(&config.outbound),
            config,
            clock: Clock::System,
            ids: Ids::system(),
            town: Default::default(),
            past: Default::default(),
            keys: crate::vault::Keyring::passing(&Ids::system()),
            db,
            events: Events::default(),
            ingest,
            templates: Templates::load(None)?,
            cases,
            segments,
            stop: CancellationToken::new(),
        });
        Ok((app, receiver))
    }

    /// Drops what was made.
    pub async fn strike(self) -> anyhow::Result<()> {
        self.database.close().await;
        match self.created {
            Some((server, name)) => {
                let mut conn = PgConnection::connect_with(&server).await?;
                conn.execute(AssertSqlSafe(format!("drop database {name} with (force)"))).await?;
            }
            None => std::fs::remove_dir_all(&self.config.data_dir)?,
        }
        Ok(())
    }

    /// The same whatever came of the measuring; then its report, as JSON or printed for people.
    pub async fn tell<T: Serialize>(
        self,
        measured: anyhow::Result<T>,
        json: bool,
        print: impl FnOnce(&T),
    ) -> anyhow::Result<()> {
        self.strike().await?;
        let report = measured?;
        if json {
            println!("{}", serde_json::to_string(&report)?);
        } else {
            print(&report);
        }
        Ok(())
    }
}

/// The code of the n-th device and of its station.
pub fn code(n: usize) -> String {
    format!("bench-{n}")
}

/// Stations a kilometre apart on a grid, each with a rain gauge and a device; around some of them an area that every hazard
/// threatens.
pub async fn furnish(pool: &PgPool, now: Instant, devices: usize, areas: usize) -> anyhow::Result<()> {
    let mut tx = pool.begin().await?;
    for n in 0..devices {
        let code = code(n);
        let (lon, lat) = (-43.5 + 0.01 * (n % 30) as f64, -21.9 + 0.01 * (n / 30) as f64);
        let station =
            NewStation { code: code.clone(), name: code.clone(), lon, lat, elevation_m: None, source: "bench".into() };
        let (id, _) = store::upsert_station(&mut tx, now, &station).await?;
        let rain = NewDatastream {
            name: "rain".into(),
            quantity: Quantity::Rain,
            unit: "mm".into(),
            kind: StreamKind::IntervalSum,
            interval_s: Some(60),
            stale_after_s: 86_400,
            counting: Default::default(),
            stages: Default::default(),
        };
        store::upsert_datastream(&mut tx, now, id, &rain).await?;
        store::upsert_device(&mut tx, now, &code, id, &secret_sha256(&code, SECRET)).await?;
        if !has_area(n, devices, areas) {
            continue;
        }
        let area = sqlx::query_scalar!(
            r#"insert into risk_area (code, name, geom, created_at, updated_at)
               values ($1, $1, st_multi(st_setsrid(st_makeenvelope($2, $3, $4, $5), 4326)), $6, $6) returning id"#,
            code,
            lon - 0.004,
            lat - 0.004,
            lon + 0.004,
            lat + 0.004,
            now
        )
        .fetch_one(&mut *tx)
        .await?;
        let hazards = HAZARDS.map(str::to_owned);
        sqlx::query!(
            "insert into area_hazard (area_id, cobrade, grade) select $1, unnest($2::text[]), 'R3'",
            area,
            &hazards
        )
        .execute(&mut *tx)
        .await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Spreads the areas evenly over the stations.
const fn has_area(n: usize, devices: usize, areas: usize) -> bool {
    n * areas / devices != (n + 1) * areas / devices
}
