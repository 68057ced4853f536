//! The whole check of the audit on a live database, and of the chains of the secretariat: page by page, so that it takes little memory and
//! holds nobody up.

use std::path::Path;

use sqlx::PgConnection;

use super::chain::{Anchor, Fault, Finding, MOST_FINDINGS, Outcome, Verifier};
use super::{anchors, store};
use crate::secretariat::kernel::walk::{self, Broken};

/// Rows read at a time.
const PAGE: i64 = 5_000;

/// Computes every hash anew, compares the chain with the heads noted in `heads` and those given, and walks the chains of the secretariat.
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
    for (seq, event_id) in store::doubled(&mut *conn, most).await? {
        verifier.doubled(seq, event_id);
    }
    let mut outcome = verifier.finish();
    let ledgers = walk::walk(conn, |broken| outcome.push(told(broken))).await?;
    outcome.ledgers = ledgers;
    Ok(outcome)
}

fn told(broken: Broken) -> Finding {
    Finding {
        fault: Fault::Ledger,
        seq: broken.seq.map(i64::from),
        through: None,
        at: None,
        act: String::new(),
        object: format!("{} {}", broken.of, broken.id),
        what: broken.what,
    }
}
