//! What imports of files share whose rows are known by a key: read whole or not at all, told by what came of the rows.

use std::path::Path;

use anyhow::Context as _;
use serde_json::json;
use sqlx::{Postgres, Transaction};

use crate::audit::{Act, Actor, Entry, record};
use crate::catalogue::{Format, Problems, Record, read};
use crate::cli::Session;
use crate::clock::Instant;

/// The rows of a file.
///
/// # Errors
/// The file cannot be read, or everything that is wrong in it.
pub fn of<T>(file: &Path, parse: impl FnOnce(&[Record]) -> Result<Vec<T>, Problems>) -> anyhow::Result<Vec<T>> {
    let bytes = super::load(file)?;
    let format = Format::guess(&String::from_utf8_lossy(bytes.get(..64).unwrap_or(&bytes)));
    let given = read(format, &bytes).and_then(|records| parse(&records));
    given.map_err(|problems| anyhow::anyhow!("{problems}")).with_context(|| format!("{}:", file.display()))
}

/// What came of the rows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub created: u32,
    pub updated: u32,
    pub unchanged: u32,
}

impl Counts {
    /// Keeps what was written, with its trace under `act`, or nothing of it in a dry run; and tells the counts.
    ///
    /// # Errors
    /// The database's.
    pub async fn end(
        self,
        (session, now): (&Session, Instant),
        mut tx: Transaction<'_, Postgres>,
        (act, what): (Act, &str),
        (file, dry_run): (&Path, bool),
    ) -> anyhow::Result<()> {
        let Self { created, updated, unchanged } = self;
        if dry_run {
            tx.rollback().await?;
        } else {
            let counts = json!({ "created": created, "updated": updated, "unchanged": unchanged });
            let entry = Entry::new(act, "import", what).to(counts);
            record(&mut tx, &session.ids, now, &Actor::command(), entry).await?;
            tx.commit().await?;
        }
        let would = if dry_run { " (dry run: nothing was stored)" } else { "" };
        println!("{}: {created} created, {updated} updated, {unchanged} unchanged{would}", file.display());
        Ok(())
    }
}
