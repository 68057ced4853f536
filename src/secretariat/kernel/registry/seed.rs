//! The registry of the demonstration: beside what agreements and bodies brought, a place, and an organisation that agreed to be reached.

use chrono::TimeDelta;
use chrono_tz::Tz;
use sqlx::PgConnection;

use super::desk::found_or_made;
use super::store::contacts;
use super::{Channel, Checked, Class, Contact, EntryKind, Nature, Point};
use crate::accounts::tokens::desk::Acting;
use crate::refused::Refused;
use crate::vault::Ring;

/// # Errors
/// The database's.
pub async fn fill(conn: &mut PgConnection, by: Acting<'_>, (tz, vault): (Tz, &Ring)) -> Result<(), Refused> {
    let place = Checked {
        kind: EntryKind::Place,
        name: "Sala de reuniões da Defesa Civil (fictícia)".into(),
        short_name: String::new(),
        nature: None,
        document: None,
        address: "Avenida do Exemplo, 100, Centro".into(),
        point: Some(Point { longitude: -43.35, latitude: -21.76 }),
        access: Class::Public,
        reserved_to: String::new(),
    };
    found_or_made(&mut *conn, (by, vault), &place).await?;
    let neighbours = Checked {
        kind: EntryKind::Organisation,
        name: "Associação de Moradores da Encosta (fictícia)".into(),
        short_name: "AME".into(),
        nature: Some(Nature::CivilSociety),
        address: "Rua da Ladeira, 7".into(),
        point: None,
        ..place
    };
    let (entry, _) = found_or_made(&mut *conn, (by, vault), &neighbours).await?;
    let contact = Contact {
        id: by.ids.uuid(by.now),
        channel: Channel::Email,
        value: Some("ame@exemplo.invalid".into()),
        purpose: "Convites para reuniões do núcleo comunitário".into(),
        given_on: by.now.with_timezone(&tz).date_naive() - TimeDelta::days(30),
        given_by: by.actor.name.clone(),
        withdrawn_on: None,
        withdrawn_by: None,
    };
    Ok(contacts::insert(conn, entry, &contact).await?)
}
