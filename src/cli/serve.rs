//! `sentinela serve`

use crate::cli::Usage;
use crate::config::Config;
use crate::{failpoint, lifecycle};

pub async fn run(config: Config) -> anyhow::Result<()> {
    failpoint::arm().map_err(|wrong| Usage(format!("{}: {wrong}", failpoint::VARIABLE)))?;
    lifecycle::serve(config).await
}
