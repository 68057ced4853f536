//! Everything of an entry that its reader may see: instruments, mandates, outlets, cases, with what was merged into it.

use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::desk::{find, may_read};
use super::store::stands::{OfInstrument, OfOutlet, OfSeat};
use super::{Contact, Entry, store};
use crate::refused::Refused;
use crate::secretariat::agreements::Agreement;
use crate::secretariat::kernel::decide;
use crate::secretariat::kernel::define::Field;
use crate::secretariat::kernel::desk::{self as cases, CaseError, Desk};
use crate::secretariat::kernel::instrument::Kept;
use crate::secretariat::press;

/// The deadline of the accounts of funding.
const FUNDING: &str = "funding.accounts";

/// A case in a field of which an entry stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = RegistryCase)]
pub struct OfCase {
    pub id: Uuid,
    /// The key of its module.
    pub module: String,
    pub number: String,
    pub title: String,
    #[serde(rename = "type")]
    pub type_key: String,
    pub state: String,
    pub is_final: bool,
}

/// Everything of an entry that its reader may see, with what was merged into it.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = RegistryWhole)]
pub struct Whole {
    pub entry: Entry,
    /// What was found to be it.
    pub aliases: Vec<Entry>,
    pub contacts: Vec<Contact>,
    pub instruments: Vec<OfInstrument>,
    pub seats: Vec<OfSeat>,
    /// Only for whoever works with the press.
    pub outlets: Vec<OfOutlet>,
    /// Cases that the reader may read and is not recused from.
    pub cases: Vec<OfCase>,
}

/// # Errors
/// `NotFound`, also when it is not for them.
pub async fn look(conn: &mut PgConnection, desk: Desk<'_>, id: Uuid) -> Result<Whole, CaseError> {
    let entry = find(&mut *conn, desk.who, id, false).await?;
    let family = store::family(&mut *conn, id).await?;
    let others: Vec<Uuid> = family.iter().copied().filter(|other| *other != id).collect();
    let mut aliases = store::some(&mut *conn, &others).await?;
    aliases.retain(|alias| may_read(alias, desk.who));
    let contacts = store::contacts::of(&mut *conn, &family).await?.into_iter().map(|(_, one)| one).collect();
    let codes: Vec<String> = Agreement::ACCOUNTS.iter().chain(&[FUNDING]).map(|code| (*code).to_owned()).collect();
    let instruments = store::stands::instruments(&mut *conn, &family, (desk.at().today(), &codes)).await?;
    let seats = store::stands::seats(&mut *conn, &family, desk.who.has("ethics")).await?;
    let is_press = desk.who.has(press::ROLE);
    let outlets = if is_press { store::stands::outlets(&mut *conn, &family).await? } else { Vec::new() };
    let cases = of_cases(conn, desk, &family).await?;
    Ok(Whole { entry, aliases, contacts, instruments, seats, outlets, cases })
}

/// What is restricted, or of which the reader is recused, is passed over, and what is personal there too.
async fn of_cases(conn: &mut PgConnection, desk: Desk<'_>, family: &[Uuid]) -> Result<Vec<OfCase>, CaseError> {
    let mut all: Vec<OfCase> = Vec::new();
    for (id, field) in store::stands::cases(&mut *conn, family).await? {
        let (kept, mut case) = match cases::find(&mut *conn, desk, id, false).await {
            Err(CaseError::Refused(Refused::NotFound(_))) => continue,
            found => found?,
        };
        let is_closed = kept.def.field(&field).is_none_or(Field::is_closed);
        if all.iter().any(|one| one.id == id) || is_closed && !desk.who.reads_personal(&case) {
            continue;
        }
        decide::veil((&kept.def, desk.types.newest(&kept.def)), &mut case, desk.who);
        all.push(OfCase {
            id,
            module: case.module.clone(),
            number: case.number(),
            title: case.title,
            type_key: case.type_key,
            state: case.state,
            is_final: case.is_final,
        });
    }
    Ok(all)
}
