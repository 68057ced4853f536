//! `sentinela import institutions FILE`: schools, hospitals and companies with their contacts. The same file again changes nothing.

use std::path::Path;

use super::rows::{self, Counts};
use crate::audit::Act;
use crate::cli::Session;
use crate::config::Config;
use crate::institutions::{NewInstitution, file as table, store};

pub async fn run(config: Config, file: &Path, dry_run: bool) -> anyhow::Result<()> {
    let given = rows::of(file, table::parse)?;
    let session = Session::open(config).await?;
    let outcome = bring(&session, &given, (file, dry_run)).await;
    session.close(outcome).await
}

async fn bring(session: &Session, given: &[NewInstitution], of: (&Path, bool)) -> anyhow::Result<()> {
    let mut tx = session.begin().await?;
    let now = session.clock.now();
    let mut counts = Counts::default();
    for new in given {
        let known = match &new.external_ref {
            Some(key) => store::by_ref(&mut tx, key).await?,
            None => None,
        };
        let Some(id) = known else {
            store::save(&mut tx, now, session.ids.uuid(now), new).await?;
            counts.created += 1;
            continue;
        };
        let kept = store::load(&mut tx, id).await?;
        if kept.is_some_and(|kept| kept.what == *new && kept.closed_at.is_none()) {
            counts.unchanged += 1;
            continue;
        }
        store::save(&mut tx, now, id, new).await?;
        counts.updated += 1;
    }
    counts.end((session, now), tx, (Act::InstitutionSave, "institutions"), of).await
}
