//! `sentinela import resources FILE`: people, vehicles, equipment and teams. The same file again changes nothing.

use std::path::Path;

use super::rows::{self, Counts};
use crate::accounts::tokens::desk::Acting;
use crate::audit::{Act, Actor};
use crate::cli::Session;
use crate::config::Config;
use crate::resources::{NewResource, desk, file as table};

pub async fn run(config: Config, file: &Path, dry_run: bool) -> anyhow::Result<()> {
    let given = rows::of(file, table::parse)?;
    let session = Session::open(config).await?;
    let outcome = bring(&session, &given, (file, dry_run)).await;
    session.close(outcome).await
}

async fn bring(session: &Session, given: &[NewResource], of: (&Path, bool)) -> anyhow::Result<()> {
    let shown = of.0.display();
    let mut tx = session.begin().await?;
    let (now, actor) = (session.clock.now(), Actor::command());
    let by = Acting { ids: &session.ids, now, actor: &actor };
    let done = desk::bring(&mut tx, by, given).await;
    let done = done.map_err(|(code, why)| anyhow::Error::new(why).context(format!("{shown}: {code}")))?;
    let desk::Brought { created, updated, unchanged, retired } = done;
    let counts = Counts { created, updated, unchanged };
    counts.end((session, now), tx, (Act::ResourceSave, "resources"), of).await?;
    if !retired.is_empty() {
        println!("{shown}: left as they are, because they are retired: {}", retired.join(", "));
    }
    Ok(())
}
