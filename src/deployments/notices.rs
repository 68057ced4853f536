//! Whoever is sent is told, by e-mail, else by SMS: the app asks only while it is open.

use chrono::TimeDelta;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Deployment, store};
use crate::accounts::{Permission, Roles};
use crate::alerts::escalation;
use crate::dispatch::content;
use crate::dispatch::notices::{self, DEPLOYMENT, Notice};
use crate::dispatch::provider::Channel;
use crate::i18n::Lang;
use crate::reports::acts::By;

/// After this it is no news: the app and the console tell it still.
const GOOD_FOR: TimeDelta = TimeDelta::hours(12);

/// Tells the accounts that a deployment binds, in its transaction; whoever assigned themselves knows it.
///
/// # Errors
/// What the database says.
pub async fn tell(conn: &mut PgConnection, by: By<'_>, one: &Deployment, base: &str) -> sqlx::Result<()> {
    let bound: Vec<Uuid> = store::accounts(&mut *conn, one.id).await?;
    if bound.is_empty() {
        return Ok(());
    }
    let status = if one.drill { "exercise" } else { "actual" };
    let people = escalation::store::people(&mut *conn).await?;
    for person in people.iter().filter(|person| bound.contains(&person.id.0) && by.actor.id != Some(person.id.0)) {
        let may = |permission| person.roles.iter().any(|role| Roles::from(*role).permissions().allow(permission));
        let path = match (may(Permission::Inspect), may(Permission::SeeConsole)) {
            (true, _) => "/campo".to_owned(),
            (false, true) => format!("/console/deployments/{}", one.id),
            (false, false) => continue,
        };
        let (channel, address) = match (&person.email, &person.phone) {
            (Some(email), _) => (Channel::Email, email.as_str()),
            (None, Some(phone)) => (Channel::Sms, phone.as_str()),
            (None, None) => continue,
        };
        let lang = Lang::from_tag(&person.language).unwrap_or_default();
        let subject = lang.t2("deployment-notice", "name", &one.name, "number", &one.number);
        let subject = content::marked(status, &subject);
        let body = match channel {
            Channel::Sms => format!("{subject} {base}{path}"),
            _ => format!("{subject}\n\n{}\n\n{base}{path}", one.task),
        };
        let expires_at = by.now + GOOD_FOR;
        let notice = Notice { channel, address, subject: &subject, body: &body, expires_at, purpose: DEPLOYMENT };
        notices::queue(&mut *conn, by.desk.ids, by.now, &notice).await?;
    }
    Ok(())
}
