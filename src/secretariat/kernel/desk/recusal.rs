//! Recusal: whoever is recused from a case neither reads it nor acts on it. The doors of the kernel (`find`, `list`, figures, links) ask the
//! table; here is how somebody comes to stand in it, and how they leave it. Each is an act in the ledger of the case and in the audit.

use serde_json::{Map, Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::define::CaseType;
use super::super::store::{self, recusals};
use super::super::{ActDone, CaseFile, Recusal, RecusedHow};
use super::around::{as_seen, noted, works_here};
use super::{CaseError, Desk, find};
use crate::audit::Act;
use crate::plancon::desk::reasoned;
use crate::refused::Refused;

/// Of the federal model; the town's own rules of procedure may add to it.
const LAW: &str = "Lei 9.784/1999, arts. 18 a 21: impedimento e suspeição";

/// Characters of a user name, as the table says: what is longer is nobody's.
const LONGEST_NAME: usize = 64;

/// Why somebody is recused from a case that was opened out of another. The reason that was given there may tell what nobody reads here.
const FROM_BEFORE: &str = "Impedimento no caso de que este veio";

/// Those who are recused from a case, for whoever reads it.
///
/// # Errors
/// `NotFound`, also for whoever is recused.
pub async fn list(conn: &mut PgConnection, desk: Desk<'_>, id: Uuid) -> Result<(CaseFile, Vec<Recusal>), CaseError> {
    let (_, case) = find(&mut *conn, desk, id, false).await?;
    Ok((case, recusals::of_case(conn, id).await?))
}

/// Recuses somebody. Nobody or the own name: whoever asks declares it of themselves, and finds the case no more; another name is decided by
/// whoever works in the module.
///
/// # Errors
/// `Wrong` without a reason or for a name that is no account's; `Forbidden`; `Conflict` when it was changed or they are recused; `NotFound`.
pub async fn recuse(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    (id, revision): (Uuid, i32),
    (username, reason): (&str, &str),
) -> Result<CaseFile, CaseError> {
    let (kept, mut case) = find(&mut *conn, desk, id, true).await?;
    as_seen(&case, revision)?;
    let reason = reasoned("reason", reason)?;
    let username = username.trim();
    let is_own = username.is_empty() || username == desk.who.name;
    let (name, how) =
        if is_own { (desk.who.name.as_str(), RecusedHow::Declared) } else { (username, RecusedHow::Decided) };
    if name.is_empty() {
        return Err(Refused::Forbidden("only an account is recused".into()).into());
    }
    if !is_own {
        works_here(&kept.def, desk, "recuse")?;
        known(&mut *conn, "username", name).await?;
    }
    if recusals::is_recused(&mut *conn, id, name).await? {
        return Err(Refused::Conflict(format!("{name} is recused from it already")).into());
    }
    keep_one(&mut *conn, desk, (&kept.def, &mut case), (name, how, &reason)).await?;
    below(conn, desk, id, name).await?;
    Ok(case)
}

/// Takes a recusal back: it was decided by mistake, or its ground is gone. Whoever is named as party stays recused.
///
/// # Errors
/// `Wrong` without a reason; `Forbidden`; `Conflict` when it was changed, they are no longer recused or are party; `NotFound`.
pub async fn lift(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    (id, revision): (Uuid, i32),
    (username, reason): (&str, &str),
) -> Result<CaseFile, CaseError> {
    let (kept, mut case) = find(&mut *conn, desk, id, true).await?;
    works_here(&kept.def, desk, "lift_recusal")?;
    as_seen(&case, revision)?;
    let reason = reasoned("reason", reason)?;
    let is_party = |field: &super::super::define::Field| {
        field.recuses && names(case.text(field.key()).unwrap_or_default()).any(|name| name == username)
    };
    if kept.def.fields.iter().any(is_party) {
        return Err(Refused::Conflict(format!("{username} is named as party and stays recused ({LAW})")).into());
    }
    if !recusals::lift(&mut *conn, (id, username), &reason, (desk.by.now, &desk.by.actor.name)).await? {
        return Err(Refused::Conflict(format!("{username} is not recused from it")).into());
    }
    let changes = Map::from_iter([("recused".to_owned(), json!([username, null]))]);
    noted(conn, desk, (&kept.def, &mut case), ("lift_recusal", Act::CaseLiftRecusal, &reason), &changes).await?;
    Ok(case)
}

/// # Errors
/// `Conflict` when this account is recused from the case.
pub(super) async fn not_recused(conn: &mut PgConnection, id: Uuid, username: &str) -> Result<(), CaseError> {
    if recusals::is_recused(conn, id, username).await? {
        return Err(Refused::Conflict(format!("{username} is recused from it ({LAW})")).into());
    }
    Ok(())
}

/// Whoever left office is a party all the same, and may come back: an account counts also when it is disabled.
async fn known(conn: &mut PgConnection, field: &str, name: &str) -> Result<(), CaseError> {
    if recusals::is_account(conn, name).await? {
        return Ok(());
    }
    Err(Refused::wrong(field, name, "expected the user name of an account, also of one that is disabled").into())
}

fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', ';', ' ']).map(str::trim).filter(|name| !name.is_empty())
}

async fn keep_one(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    (def, case): (&CaseType, &mut CaseFile),
    (username, how, reason): (&str, RecusedHow, &str),
) -> Result<(), CaseError> {
    let by = desk.by;
    let ids = (by.ids.uuid(by.now), case.id);
    recusals::insert(&mut *conn, ids, (username, how, reason), (by.now, &by.actor.name)).await?;
    let mut changes = Map::from_iter([
        ("recused".to_owned(), json!([null, username])),
        ("how".to_owned(), json!([null, how.as_str()])),
    ]);
    if case.assigned == username {
        changes.insert("assigned".to_owned(), json!([username, ""]));
        case.assigned.clear();
    }
    noted(conn, desk, (def, case), ("recuse", Act::CaseRecuse, reason), &changes).await
}

/// Recuses whoever a field that recuses names since an act.
///
/// # Errors
/// `Wrong` for a name that is no account's; `Conflict` when whoever acts names themselves.
pub(super) async fn parties(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    def: &CaseType,
    case: &mut CaseFile,
    changes: &Map<String, Value>,
) -> Result<(), CaseError> {
    for field in def.fields.iter().filter(|field| field.recuses && changes.contains_key(field.key())) {
        let text = case.text(field.key()).unwrap_or_default().to_owned();
        for name in names(&text) {
            known(&mut *conn, &format!("fields.{}", field.key()), name).await?;
            if name == desk.who.name {
                let why = format!("whoever acts in a case is no party to it: recuse yourself instead ({LAW})");
                return Err(Refused::Conflict(why).into());
            }
            if !recusals::is_recused(&mut *conn, case.id, name).await? {
                keep_one(&mut *conn, desk, (def, &mut *case), (name, RecusedHow::Party, &field.label.pt)).await?;
                below(&mut *conn, desk, case.id, name).await?;
            }
        }
    }
    Ok(())
}

/// Recuses from a case that was opened out of another whoever is recused from that one: it tells the same.
///
/// # Errors
/// The database's.
pub(super) async fn handed_on(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    def: &CaseType,
    (from, case): (Uuid, &mut CaseFile),
) -> Result<(), CaseError> {
    for one in recusals::of_case(&mut *conn, from).await? {
        if !recusals::is_recused(&mut *conn, case.id, &one.username).await? {
            let told = (one.username.as_str(), RecusedHow::Decided, FROM_BEFORE);
            keep_one(&mut *conn, desk, (def, &mut *case), told).await?;
        }
    }
    Ok(())
}

/// Recuses whoever was recused from a case from all that came of it before, however far below: it tells the same. A recusal that was lifted
/// there stays lifted.
async fn below(conn: &mut PgConnection, desk: Desk<'_>, from: Uuid, username: &str) -> Result<(), CaseError> {
    for id in recusals::spawned(&mut *conn, from).await? {
        carry(&mut *conn, desk, id, username).await?;
    }
    Ok(())
}

/// Recuses somebody from a case because they are recused from what it came of: another case, or an item of a meeting. Nothing where they are
/// recused, or were and it was lifted. The reason that was given there stays there.
///
/// # Errors
/// The database's.
pub async fn carry(conn: &mut PgConnection, desk: Desk<'_>, id: Uuid, username: &str) -> Result<(), CaseError> {
    if recusals::was_recused(&mut *conn, id, username).await? {
        return Ok(());
    }
    let Some(mut case) = store::load(&mut *conn, id, true).await? else { return Ok(()) };
    let kept = desk.types.version(&mut *conn, &case.type_key, case.version).await?;
    keep_one(conn, desk, (&kept.def, &mut case), (username, RecusedHow::Decided, FROM_BEFORE)).await
}

/// Recusals out of the acts of a case that comes in from another installation, and of whoever it names as party: a file may lack the act.
///
/// # Errors
/// The database's.
pub(in super::super) async fn of_acts(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    (def, case): (&CaseType, &CaseFile),
    acts: &[ActDone],
) -> sqlx::Result<()> {
    let part = |act: &ActDone, key: &str, at: usize| {
        act.changes.get(key).and_then(|change| change.get(at)).and_then(Value::as_str).map(str::to_owned)
    };
    for act in acts {
        if let Some(name) = part(act, "recused", 1).filter(|_| act.act == "recuse") {
            let how = part(act, "how", 1).and_then(|word| word.parse().ok()).unwrap_or(RecusedHow::Decided);
            let ids = (desk.by.ids.uuid(act.at), case.id);
            recusals::insert(&mut *conn, ids, (&name, how, &act.reason), (act.at, &act.actor)).await?;
        }
        if let Some(name) = part(act, "recused", 0).filter(|_| act.act == "lift_recusal") {
            recusals::lift(&mut *conn, (case.id, &name), &act.reason, (act.at, &act.actor)).await?;
        }
    }
    for field in def.fields.iter().filter(|field| field.recuses) {
        let named = names(case.text(field.key()).unwrap_or_default());
        for name in named.filter(|name| name.chars().count() <= LONGEST_NAME) {
            let ids = (desk.by.ids.uuid(desk.by.now), case.id);
            let why = (name, RecusedHow::Party, field.label.pt.as_str());
            recusals::insert(&mut *conn, ids, why, (desk.by.now, &desk.by.actor.name)).await?;
        }
    }
    Ok(())
}
