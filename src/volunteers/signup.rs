//! Registering on the public page: nothing is kept as reachable before the code that was sent has come back.

use std::net::IpAddr;

use serde_json::json;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use super::{Signup, store};
use crate::app::App;
use crate::audit::{self, Act, Actor, Entry};
use crate::dispatch::notices::{self, Notice};
use crate::dispatch::provider::Channel;
use crate::i18n::Lang;
use crate::residents::desk::{Asked, may_pay};
use crate::residents::own::{self, CODE_FOR};
use crate::residents::store::own as codes;

fn context(code: Uuid) -> String {
    format!("volunteer_signup.sealed:{code}")
}

/// Keeps what was filled in and sends a code. It is the same for whoever is known and whoever is not.
///
/// # Errors
/// The database's.
pub async fn ask(
    app: &App,
    lang: Lang,
    said: &Signup,
    to: (Channel, &str),
    from: Option<IpAddr>,
) -> anyhow::Result<Asked> {
    let now = app.clock.now();
    let mut tx = app.db.web.begin().await?;
    if !codes::may_ask(&mut tx, now, to, from).await? {
        return Ok(Asked::Wait);
    }
    if !may_pay(&mut tx, app, now, to.0).await? {
        tx.commit().await?;
        return Ok(Asked::Full);
    }
    let (id, code) = (app.ids.uuid(now), own::code(&app.ids));
    let sealed = app.keys.service.seal(&own::code_context(id), code.as_bytes());
    let new = codes::NewCode { id, to, resident: None, confirms: false, sealed: &sealed, from };
    codes::keep_code(&mut tx, now, &new).await?;
    let kept = app.keys.service.seal(&context(id), &serde_json::to_vec(said)?);
    store::keep_signup(&mut tx, now, id, &kept, now + CODE_FOR).await?;
    let authority = &app.config.municipality.sender_name;
    let subject = lang.t1("volunteer-subject", "authority", authority);
    let body = lang.t2("volunteer-code-text", "authority", authority, "code", &code);
    let expires_at = now + CODE_FOR;
    let notice =
        Notice { channel: to.0, address: to.1, subject: &subject, body: &body, expires_at, purpose: "resident_code" };
    notices::queue(&mut tx, &app.ids, now, &notice).await?;
    tx.commit().await?;
    Ok(Asked::Sent(id))
}

/// Takes a code that was typed. False when it is not the one that was sent, or no longer good.
///
/// # Errors
/// The database's, or of the sealed form.
pub async fn confirm(app: &App, code: Uuid, typed: &str) -> anyhow::Result<bool> {
    let now = app.clock.now();
    let mut conn = app.db.web.acquire().await?;
    if !store::signup_waits(&mut conn, now, code).await? {
        return Ok(false);
    }
    // The try is counted before anything is compared, whatever comes of it.
    let Some(sent) = codes::try_code(&mut conn, now, code, false).await? else { return Ok(false) };
    drop(conn);
    let kept = app.keys.service.open(&own::code_context(code), &sent.sealed)?;
    let typed: String = typed.chars().filter(char::is_ascii_digit).take(12).collect();
    if !bool::from(kept.ct_eq(typed.as_bytes())) {
        return Ok(false);
    }
    let mut tx = app.db.web.begin().await?;
    let Some(sealed) = store::take_signup(&mut tx, now, code).await? else { return Ok(false) };
    let said: Signup = serde_json::from_slice(&app.keys.service.open(&context(code), &sealed)?)?;
    let at = (sent.channel.as_str(), sent.address.as_str());
    let (id, is_new) = store::register(&mut tx, now, app.ids.uuid(now), at, &said).await?;
    let entry = Entry::new(Act::VolunteerRegister, "volunteer", id).to(json!({ "new": is_new }));
    audit::record(&mut tx, &app.ids, now, &Actor::anonymous(None), entry).await?;
    tx.commit().await?;
    Ok(true)
}
