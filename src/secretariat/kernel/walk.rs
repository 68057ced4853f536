//! Every chain of the secretariat reckoned anew, subject by subject: what was changed behind the acts is found.

use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use super::chain::{Wrong, sum, uncovered, unsealed};
use super::instrument::{chain as acts_of_instruments, store as instruments};
use super::store::chains::{self, Subject};
use super::types::Types;
use super::{ledger, store};

/// Subjects read in one moment: few enough that nobody waits for what the database keeps for it.
const PAGE: i64 = 100;

/// The first thing that is wrong with the chains of a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    pub of: Subject,
    pub id: Uuid,
    /// Place in its chain, where it has one.
    pub seq: Option<i32>,
    /// An English sentence.
    pub what: String,
}

/// Walks every chain, and tells of the first broken place of each subject. Gives how many subjects were looked at.
///
/// # Errors
/// The database's. What cannot be read of a subject is no error but a finding.
pub async fn walk(conn: &mut PgConnection, mut found: impl FnMut(Broken)) -> sqlx::Result<u64> {
    // Versions of types as they are kept beside the cases.
    let types = Types::default();
    let mut walked = 0;
    for of in Subject::ALL.iter().copied() {
        let mut after = Uuid::nil();
        loop {
            let mut tx = conn.begin().await?;
            chains::snapshot(&mut tx).await?;
            let ids = chains::subjects(&mut tx, of, after, PAGE).await?;
            for id in &ids {
                if let Some((seq, what)) = judged(&mut tx, &types, of, *id).await? {
                    found(Broken { of, id: *id, seq, what });
                }
            }
            tx.commit().await?;
            walked += ids.len() as u64;
            let Some(last) = ids.last() else { break };
            after = *last;
        }
    }
    Ok(walked)
}

async fn judged(conn: &mut PgConnection, types: &Types, of: Subject, id: Uuid) -> sqlx::Result<Option<Wrong>> {
    let acts = match of {
        Subject::Case => case(&mut *conn, types, id).await,
        Subject::Instrument => instrument(&mut *conn, id).await,
        Subject::Body | Subject::Budget => Ok(None),
    };
    match acts {
        Ok(None) => match uncovered(id, &chains::covered(&mut *conn, of, id).await?) {
            None => Ok(unsealed(&chains::snapshots(conn, of, id).await?)),
            wrong => Ok(wrong),
        },
        Err(error @ (sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } | sqlx::Error::RowNotFound)) => {
            Ok(Some((None, format!("it cannot be read: {error}"))))
        }
        wrong => wrong,
    }
}

async fn case(conn: &mut PgConnection, types: &Types, id: Uuid) -> sqlx::Result<Option<Wrong>> {
    let acts: Vec<_> = store::acts(&mut *conn, &[id]).await?.into_iter().map(|(_, act)| act).collect();
    if let Some(seq) = ledger::broken(id, &acts) {
        return Ok(Some((Some(seq), format!("the chain of its acts is broken at act {seq}"))));
    }
    let Some(case) = store::load(&mut *conn, id, false).await? else {
        return Ok(Some((None, "it is gone, and what was done to it is left".into())));
    };
    let last = acts.last().map(|act| act.seq);
    if acts.last().is_none_or(|last| last.to_state != case.state || last.seq != case.revision) {
        return Ok(Some((last, "its last act does not lead to its state and revision".into())));
    }
    let kept = types.version(conn, &case.type_key, case.version).await?;
    let unfounded = ledger::unfounded(&kept.def, &case.fields, &acts);
    Ok(unfounded.map(|field| (last, format!("the field {field} is another than the acts made it"))))
}

async fn instrument(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Wrong>> {
    let Some(trace) = instruments::trace(conn, id).await? else {
        return Ok(Some((None, "it is gone, and what was done to it is left".into())));
    };
    if let Some(seq) = acts_of_instruments::broken(id, &trace.acts) {
        return Ok(Some((Some(seq), format!("the chain of its acts is broken at act {seq}"))));
    }
    let last = trace.acts.last().map(|act| act.seq);
    if trace.acts.last().is_none_or(|last| last.to_state != trace.state) {
        return Ok(Some((last, "its last act does not lead to its state".into())));
    }
    let uncovered = acts_of_instruments::uncovered(&trace.acts, &trace.entries, &sum(&trace.document));
    Ok(uncovered.map(|seq| (Some(seq), format!("money or document are not what act {seq} left"))))
}
