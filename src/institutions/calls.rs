//! Telling institutions: contact after contact, each step in a transaction of its own with what follows from it.

use chrono::TimeDelta;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::store::{self, Due, NewMessage};
use super::{Contact, token};
use crate::alerts::templates::FALLBACK;
use crate::app::App;
use crate::audit::{self, Act, Actor, ActorKind, Entry, Via};
use crate::clock::Instant;
use crate::dispatch::content::Sender;
use crate::dispatch::notices::{self, Notice};
use crate::dispatch::provider::Channel;
use crate::dispatch::sms_text::transliterate;
use crate::dispatch::store::content as texts;
use crate::events::{Event, notify};
use crate::i18n::Lang;

/// So many times the wait passes at most before the next contact is told too, when nothing says that a message was accepted.
const UNSENT_WAITS: i32 = 3;

/// How long a contact has to answer.
fn wait(app: &App) -> TimeDelta {
    TimeDelta::minutes(app.config.dispatch.institution_next_min.into())
}

/// Counts the time of contacts from when their messages were accepted.
///
/// # Errors
/// What the database says.
pub async fn count(app: &App, now: Instant) -> sqlx::Result<()> {
    store::count_from_acceptance(&mut *app.db.dispatch.acquire().await?, now, wait(app)).await
}

/// Tells whoever is due. False when nobody was.
///
/// # Errors
/// What the database says; nothing of the step is kept then.
pub async fn step(app: &App, now: Instant) -> sqlx::Result<bool> {
    let mut tx = app.db.dispatch.begin().await?;
    let Some(due) = store::due(&mut tx, now).await? else { return Ok(false) };
    let next = due.position + 1;
    let contact = usize::try_from(due.position).ok().and_then(|at| due.contacts.get(at));
    match contact {
        _ if !due.stands => store::end(&mut tx, now, due.id, "over").await?,
        None if due.contacts.is_empty() => store::end(&mut tx, now, due.id, "nobody").await?,
        None => store::end(&mut tx, now, due.id, "unanswered").await?,
        // The end is for everybody who was told of the danger, at once; nobody has to answer.
        Some(_) if is_end(&due.kind) => {
            let all = usize::try_from(due.told_before).unwrap_or(0).max(1);
            for (position, contact) in (1_i16..).zip(due.contacts.iter().take(all)) {
                reach(&mut tx, app, now, &due, (position, contact)).await?;
                store::told(&mut tx, due.id, position, now).await?;
            }
            store::end(&mut tx, now, due.id, "told").await?;
        }
        Some(contact) => {
            reach(&mut tx, app, now, &due, (next, contact)).await?;
            // The minutes count from when a message was accepted. Where none can be for long, the next one's ways may be better.
            store::told(&mut tx, due.id, next, now + wait(app) * UNSENT_WAITS).await?;
        }
    }
    notify(&mut tx, &Event::Delivery { alert_id: due.alert.0 }).await?;
    tx.commit().await?;
    Ok(true)
}

/// Tells one contact by each of their ways.
async fn reach(
    conn: &mut PgConnection,
    app: &App,
    now: Instant,
    due: &Due,
    (position, contact): (i16, &Contact),
) -> sqlx::Result<()> {
    for (channel, address) in [(Channel::Sms, &contact.phone), (Channel::Email, &contact.email)] {
        if let Some(address) = address {
            tell(&mut *conn, app, now, due, (position, contact.name.as_str()), (channel, address.as_str())).await?;
        }
    }
    Ok(())
}

/// The end of a danger, of which nobody has to say that they have seen it.
fn is_end(kind: &str) -> bool {
    matches!(kind, "all_clear" | "cancel")
}

async fn tell(
    conn: &mut PgConnection,
    app: &App,
    now: Instant,
    due: &Due,
    (position, contact): (i16, &str),
    (channel, address): (Channel, &str),
) -> sqlx::Result<()> {
    let loaded = texts::load(&mut *conn, &[due.alert]).await?;
    let Some((_, said)) = loaded.of(due.alert, FALLBACK) else { return Ok(()) };
    let id = app.ids.uuid(now);
    let public_url = app.config.public_url();
    let link = format!("{public_url}/i/{}", token::LINK.make(&app.keys.service, id));
    let town = &app.config.municipality;
    let sender =
        Sender { name: &town.sender_name, contact: &town.contact, public_url: &public_url, time_zone: town.time_zone };
    let asks = !is_end(&due.kind);
    let (subject, body) = if channel == Channel::Sms {
        let mut text = said.sms();
        if asks {
            text = format!("{text} {}", Lang::Pt.t1("institution-sms", "link", &link));
        }
        (String::new(), transliterate(&text))
    } else {
        let letter = said.letter(&sender, FALLBACK, None);
        let first = Lang::Pt.t2("institution-mail", "institution", &due.institution, "contact", contact);
        let ask = if asks { format!("\n\n{}\n{link}", Lang::Pt.t("institution-mail-ask")) } else { String::new() };
        (letter.subject, format!("{first}{ask}\n\n{}", letter.text))
    };
    let notice = Notice {
        channel,
        address,
        subject: &subject,
        body: &body,
        expires_at: due.expires_at,
        purpose: notices::INSTITUTION,
    };
    let notice = notices::queue(&mut *conn, &app.ids, now, &notice).await?;
    let new = NewMessage { id, warning: due.id, position, contact, channel: channel.as_str(), notice };
    store::keep(conn, now, new).await
}

/// Whoever has the link of a message says that they have seen it. False when it is no message of ours; twice is once.
///
/// # Errors
/// What the database says.
pub async fn acknowledge(app: &App, message: Uuid) -> sqlx::Result<bool> {
    let now = app.clock.now();
    let mut tx = app.db.web.begin().await?;
    let Some(linked) = store::linked(&mut tx, message).await? else { return Ok(false) };
    if store::acknowledge(&mut tx, now, linked.warning, &linked.contact).await? {
        let actor = Actor {
            kind: ActorKind::Anonymous,
            name: linked.institution.clone(),
            id: None,
            via: Via::Public,
            address: None,
        };
        let entry = Entry::new(Act::InstitutionAcknowledge, "alert", linked.alert)
            .to(json!({ "institution": linked.institution }));
        audit::record(&mut tx, &app.ids, now, &actor, entry).await?;
        notify(&mut tx, &Event::Delivery { alert_id: linked.alert.0 }).await?;
    }
    tx.commit().await?;
    Ok(true)
}
