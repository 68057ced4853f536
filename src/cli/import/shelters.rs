//! `sentinela import shelters FILE`: shelters with their place and capacity. The same file again changes nothing.

use std::path::Path;

use super::rows::{self, Counts};
use crate::audit::Act;
use crate::cli::Session;
use crate::config::Config;
use crate::shelters::{NewShelter, file as table, store};

pub async fn run(config: Config, file: &Path, dry_run: bool) -> anyhow::Result<()> {
    let given = rows::of(file, table::parse)?;
    let session = Session::open(config).await?;
    let outcome = bring(&session, &given, (file, dry_run)).await;
    session.close(outcome).await
}

async fn bring(session: &Session, given: &[NewShelter], of: (&Path, bool)) -> anyhow::Result<()> {
    let mut tx = session.begin().await?;
    let now = session.clock.now();
    let mut counts = Counts::default();
    for new in given {
        let Some(id) = store::by_code(&mut tx, &new.code).await? else {
            store::save(&mut tx, now, session.ids.uuid(now), new).await?;
            counts.created += 1;
            continue;
        };
        if store::load(&mut tx, id).await?.is_some_and(|kept| kept.what == *new) {
            counts.unchanged += 1;
            continue;
        }
        store::save(&mut tx, now, id, new).await?;
        counts.updated += 1;
    }
    counts.end((session, now), tx, (Act::ShelterSave, "shelters"), of).await
}
