//! Registering on the public page: nothing is kept as reachable before the code that was sent has come back.

use std::net::IpAddr;

use serde_json::json;
use uuid::Uuid;

use super::{Signup, store};
use crate::app::App;
use crate::audit::{self, Act, Actor, Entry};
use crate::dispatch::provider::Channel;
use crate::i18n::Lang;
use crate::residents::codes::{self, Asked};
use crate::residents::own::CODE_FOR;
use crate::residents::store::own as residents;

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
    let mut fresh = match codes::fresh(app, now, to, from).await? {
        Ok(fresh) => fresh,
        Err(asked) => return Ok(asked),
    };
    let kept = app.keys.service.seal(&context(fresh.id), &serde_json::to_vec(said)?);
    store::keep_signup(&mut fresh.tx, now, fresh.id, &kept, now + CODE_FOR).await?;
    let authority = &app.config.municipality.sender_name;
    let subject = lang.t1("volunteer-subject", "authority", authority);
    let body = lang.t2("volunteer-code-text", "authority", authority, "code", &fresh.code);
    Ok(fresh.send(&subject, &body, now + CODE_FOR).await?)
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
    let Some(sent) = residents::try_code(&mut conn, now, code, false).await? else { return Ok(false) };
    drop(conn);
    if !sent.is(&app.keys.service, typed)? {
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
