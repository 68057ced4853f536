//! The town with the rules that judge it, for pages that ask again and again: read anew only when the catalogue is another one.

use std::sync::{Arc, Mutex, PoisonError};

use sqlx::PgConnection;

use crate::config;
use crate::risk::network::Network;
use crate::risk::store::{catalogue_version, load_limits, load_network};
use crate::rules::store;

/// What was read last, with the version of the catalogue before it was read.
#[derive(Debug, Default)]
pub struct Town(Mutex<Option<(i64, Arc<Network>)>>);

impl Town {
    /// The town as it stands.
    ///
    /// # Errors
    /// What cannot be read.
    pub async fn network(&self, conn: &mut PgConnection, engine: &config::Engine) -> anyhow::Result<Arc<Network>> {
        let version = catalogue_version(&mut *conn).await?;
        if let Some(held) = self.held(version) {
            return Ok(held);
        }
        let network = Arc::new(read(conn, engine).await?);
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.as_ref().is_none_or(|(before, _)| *before <= version) {
            *slot = Some((version, Arc::clone(&network)));
        }
        Ok(network)
    }

    fn held(&self, version: i64) -> Option<Arc<Network>> {
        let slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        slot.as_ref().filter(|(held, _)| *held == version).map(|(_, network)| Arc::clone(network))
    }
}

/// The town with the rules that judge it now.
///
/// # Errors
/// What cannot be read.
pub async fn read(conn: &mut PgConnection, engine: &config::Engine) -> anyhow::Result<Network> {
    let rules = store::current(&mut *conn, &engine.rules_dir).await?;
    load_network(conn, rules, &load_limits(&engine.quality_file)?).await
}
