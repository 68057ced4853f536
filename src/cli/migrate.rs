//! `sentinela migrate`

use crate::cli::Session;
use crate::config::Config;
use crate::db::MIGRATOR;

pub async fn run(config: Config) -> anyhow::Result<()> {
    // Opening migrates.
    let session = Session::open(config).await?;
    let newest = MIGRATOR.iter().map(|migration| migration.version).max().unwrap_or_default();
    println!("the schema is at {newest}");
    session.close(Ok(())).await
}
