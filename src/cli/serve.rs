//! `sentinela serve`

use crate::config::Config;
use crate::lifecycle;

pub async fn run(config: Config) -> anyhow::Result<()> {
    lifecycle::serve(config).await
}
