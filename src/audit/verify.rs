//! The whole check of the audit on a live database: page by page, so that it takes little memory and holds nobody up.

use std::path::Path;

use sqlx::PgConnection;

use super::chain::{Anchor, MOST_FINDINGS, Outcome, Verifier};
use super::{anchors, store};

/// Rows read at a time.
const PAGE: i64 = 5_000;

/// Computes every hash anew, and compares the chain with the heads noted in `heads` and those given.
///
/// `progress` hears after each page how many rows are checked. Events that commit meanwhile are checked too.
///
/// # Errors
/// The database's, or the file of heads cannot be read. What is wrong with the audit is no error but a finding.
pub async fn verify<F: Future<Output = anyhow::Result<()>>>(
    conn: &mut PgConnection,
    heads: &Path,
    given: Vec<Anchor>,
    mut progress: impl FnMut(u64) -> F,
) -> anyhow::Result<Outcome> {
    let mut anchors = anchors::read(heads)?;
    anchors.extend(given);
    let mut verifier = Verifier::new(anchors);
    let (mut after, mut checked) = (i64::MIN, 0);
    loop {
        let links = store::links(&mut *conn, after, PAGE).await?;
        let Some(last) = links.last() else { break };
        after = last.seq;
        checked += links.len() as u64;
        links.into_iter().for_each(|link| verifier.link(link));
        progress(checked).await?;
    }
    let most = i64::try_from(MOST_FINDINGS).unwrap_or(i64::MAX);
    for event in store::strays(&mut *conn, most).await? {
        verifier.stray(&event);
    }
    for (seq, event_id) in store::doubled(conn, most).await? {
        verifier.doubled(seq, event_id);
    }
    Ok(verifier.finish())
}
