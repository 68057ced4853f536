//! The first start: while nobody works here, a link that works once makes the first administrator. It is printed and lies in
//! a file that only the service's own user may read; there is no default password anywhere.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use super::store::doors::{self, LinkKind};
use super::{mail, store};
use crate::app::App;
use crate::config::Config;

/// Where the link lies until it is used.
pub fn link_file(config: &Config) -> PathBuf {
    config.data_dir.join("setup-link")
}

/// Makes the link and writes it down when nobody works here. Gives it back, to be printed.
///
/// # Errors
/// What the database says. A folder that cannot be written is only logged: the link is printed as well.
pub async fn offer(app: &App) -> sqlx::Result<Option<String>> {
    let mut tx = app.db.web.begin().await?;
    store::people::lock(&mut tx).await?;
    if !store::people::nobody_is_here(&mut tx).await? {
        remove_file(&app.config);
        return Ok(None);
    }
    let token = doors::make_link(&mut tx, &app.ids, app.clock.now(), LinkKind::Setup, None).await?;
    tx.commit().await?;
    let link = mail::link(&app.config, LinkKind::Setup, &token);
    let path = link_file(&app.config);
    // Removed first: an older file might be readable for others.
    remove_file(&app.config);
    let written = std::fs::create_dir_all(&app.config.data_dir).and_then(|()| {
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        writeln!(file, "{link}")
    });
    if let Err(error) = written {
        tracing::warn!(%error, path = %path.display(), "the set-up link could not be written down; it is printed only");
    }
    Ok(Some(link))
}

/// Takes the file away: somebody works here now.
pub fn remove_file(config: &Config) {
    match std::fs::remove_file(link_file(config)) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => tracing::warn!(%error, "the file with the set-up link could not be removed"),
    }
}
