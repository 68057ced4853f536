//! What is done with messages whichever way they came: their signatures are judged, they are kept, linked to what they replace,
//! held against the town, and whoever warns on their ground is told. All in the caller's transaction.

use std::collections::HashSet;

use chrono::TimeDelta;
use sqlx::{Connection as _, PgConnection};

use super::link::{self, Link};
use super::signed::{self, Signed};
use super::store::{self, Kept};
use super::trust::{Origin, Trust};
use super::{Problem, Warning};
use crate::clock::Instant;
use crate::events::{self, Event};
use crate::ids::AlertId;

/// New messages that one source may bring in a day; as many again may come to lie in quarantine, so that what anybody forges keeps
/// out nothing that is signed. INMET brings some fifty; whoever brings thousands is broken or of ill will.
const MOST_A_DAY: i64 = 2000;

/// What became of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    Kept(Kept, Signed),
    /// It is a message of ours that came back: whoever issued it has it.
    Own,
    /// The database would not take it, or its source has brought too many.
    Refused(Problem),
}

/// What became of all.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    /// In the order of the messages.
    pub fates: Vec<Fate>,
    pub links: Vec<Link>,
    /// Alerts of our own that are based on what was replaced.
    pub told: Vec<AlertId>,
}

impl Taken {
    /// The warnings that are new, or came out of quarantine.
    pub fn fresh(&self) -> Vec<i64> {
        let fresh = |fate: &Fate| if let Fate::Kept(kept, _) = fate { kept.fresh() } else { None };
        self.fates.iter().filter_map(fresh).collect()
    }
}

/// Keeps messages, the oldest first, so that what replaces comes after what it replaces. One that the database refuses does not
/// keep the others out.
///
/// # Errors
/// The database's.
pub async fn take(
    conn: &mut PgConnection,
    now: Instant,
    origin: &Origin<'_>,
    warnings: &[Warning],
) -> sqlx::Result<Taken> {
    let (kept, quarantined) = store::kept_since(&mut *conn, origin.source, now - TimeDelta::days(1)).await?;
    let (mut room, mut aside) = (MOST_A_DAY - kept, MOST_A_DAY - quarantined);
    let mut taken = Taken::default();
    let own = own(&mut *conn, warnings).await?;
    for warning in warnings {
        if own.contains(&(warning.sender.clone(), warning.identifier.clone())) {
            taken.fates.push(Fate::Own);
            continue;
        }
        let signed = signed::judge(&warning.raw, origin.trust, now);
        let left = if signed.is_quarantined { &mut aside } else { &mut room };
        let fate = if *left > 0 {
            keep(&mut *conn, now, origin, signed, warning).await?
        } else {
            Fate::Refused(too_many(warning))
        };
        *left -= i64::from(matches!(fate, Fate::Kept(Kept::New(_), _)));
        taken.fates.push(fate);
    }
    for id in taken.fresh() {
        connect(&mut *conn, now, id, &mut taken).await?;
    }
    Ok(taken)
}

/// Sender and identifier of those that are messages of our own: whom we follow may follow us.
async fn own(conn: &mut PgConnection, warnings: &[Warning]) -> sqlx::Result<HashSet<(String, String)>> {
    let identifiers: Vec<String> = warnings.iter().map(|warning| warning.identifier.clone()).collect();
    Ok(store::own_messages(conn, &identifiers).await?.into_iter().collect())
}

/// Links a warning to what it replaces and what replaces it. What lies in quarantine is not known here: it ends nothing.
async fn connect(conn: &mut PgConnection, now: Instant, id: i64, taken: &mut Taken) -> sqlx::Result<()> {
    let (itself, others) = store::known(&mut *conn, id, now).await?;
    for link in itself.map(|itself| link::links(&itself, &others)).unwrap_or_default() {
        store::supersede(&mut *conn, link).await?;
        taken.told.extend(store::basis::tell_of(&mut *conn, now, link).await?);
        taken.links.push(link);
    }
    Ok(())
}

/// Judges the signature of a warning in quarantine once more, after the certificates have changed, and lets it out when it is
/// good. `None` when there is no such warning in quarantine.
///
/// # Errors
/// The database's.
pub async fn verify_again(
    conn: &mut PgConnection,
    now: Instant,
    ibge_code: &str,
    trust: &Trust,
    id: i64,
) -> sqlx::Result<Option<Signed>> {
    let Some((raw, received_at)) = store::in_quarantine(&mut *conn, id).await? else { return Ok(None) };
    // It lies there because its source had to sign: what lets it out is a good signature and nothing else.
    let signed = signed::judge(&raw, &Trust { is_required: true, ..trust.clone() }, received_at);
    store::rejudge(&mut *conn, id, &signed).await?;
    if !signed.is_quarantined {
        connect(&mut *conn, now, id, &mut Taken::default()).await?;
        store::relate(&mut *conn, now, ibge_code, &[id]).await?;
    }
    tell(conn, true).await?;
    Ok(Some(signed))
}

fn too_many(warning: &Warning) -> Problem {
    let message = format!("is one more than the {MOST_A_DAY} that a source may bring in a day");
    Problem::new("warning", &warning.identifier, message)
}

async fn keep(
    conn: &mut PgConnection,
    now: Instant,
    origin: &Origin<'_>,
    signed: Signed,
    warning: &Warning,
) -> sqlx::Result<Fate> {
    let mut savepoint = conn.begin().await?;
    match store::keep(&mut savepoint, now, origin, &signed, warning).await {
        Ok(kept) => {
            savepoint.commit().await?;
            Ok(Fate::Kept(kept, signed))
        }
        Err(sqlx::Error::Database(error)) => {
            savepoint.rollback().await?;
            Ok(Fate::Refused(Problem::new("warning", &warning.identifier, error.message())))
        }
        Err(error) => Err(error),
    }
}

/// Tells whoever watches that warnings changed, if they did.
///
/// # Errors
/// The database's.
pub async fn tell(conn: &mut PgConnection, changed: bool) -> sqlx::Result<()> {
    if changed { events::notify(conn, &Event::Warning).await } else { Ok(()) }
}
