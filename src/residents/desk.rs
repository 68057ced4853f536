//! Subscriptions of the public page: a code or a link first, and nothing is kept as reachable before it has come back.

use std::net::IpAddr;

use chrono::Days;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::codes;
use super::companions::{self, Sealed};
use super::own::{CODE_FOR, Purpose};
use super::signup::{self, LINK_FOR, Signup, SignupPlace};
use super::store::companion::{self, NewCompanion};
use super::store::place::{self, Added, NewPlace};
use super::store::{channel, own as store, signup as waiting};
use crate::app::App;
use crate::audit::{self, Act, Actor, ActorKind, Entry, Via};
use crate::dispatch::provider::Channel;
use crate::i18n::Lang;
use crate::ids::ResidentId;
use crate::vault;

pub use super::codes::{Asked, may_pay};

/// Source of consents that were given on the public page.
pub const SOURCE: &str = "public page";
/// The wording that the page shows. It rises when the wording changes.
const TEXT_VERSION: &str = "cadastro 2026-12b";
/// Names that are tried for a place whose own is taken.
const MOST_NAMES: usize = 10;

/// Residents in the audit: the record's id and nothing else.
pub fn actor(id: ResidentId) -> Actor {
    Actor { kind: ActorKind::Resident, name: id.to_string(), id: Some(id.0), via: Via::Public, address: None }
}

/// Keeps what was filled in and sends the code, by e-mail with a link beside it.
/// It is the same for whoever is known and whoever is not.
///
/// # Errors
/// The database's.
pub async fn ask(
    app: &App,
    lang: Lang,
    wish: &Signup,
    to: (Channel, &str),
    from: Option<IpAddr>,
) -> anyhow::Result<Asked> {
    let now = app.clock.now();
    let mut fresh = match codes::fresh(app, now, to, from).await? {
        Ok(fresh) => fresh,
        Err(asked) => return Ok(asked),
    };
    let id = fresh.id;
    let wish = app.keys.service.seal(&signup::context(id), &serde_json::to_vec(wish)?);
    waiting::keep(&mut fresh.tx, now, id, &wish, now + LINK_FOR).await?;
    let authority = &app.config.municipality.sender_name;
    let subject = lang.t1("signup-subject", "authority", authority);
    let mut body = lang.t2("signup-code", "authority", authority, "code", &fresh.code);
    let mut expires_at = now + CODE_FOR;
    if to.0 == Channel::Email {
        let link = format!("{}/cadastro/confirmar/{}", app.config.public_url(), signup::token(&app.keys.service, id));
        body = format!("{body}\n\n{}\n{link}\n\n{}", lang.t("signup-link"), lang.t("signup-not-you"));
        expires_at = now + LINK_FOR;
    }
    Ok(fresh.send(&subject, &body, expires_at).await?)
}

/// Who subscribed, and by which telephone or mailbox.
#[derive(Clone, Debug)]
pub struct Joined {
    pub resident: ResidentId,
    pub channel: String,
    pub address: String,
    pub left_out: Left,
}

/// What of a form could not be kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// Places for which there was no room.
    pub places: usize,
    /// People who live there, where the record names some already or has no such place.
    pub companions: usize,
}

/// Takes a code that was typed. `None` when it is not the one that was sent, or no longer good.
///
/// # Errors
/// The database's, or of the sealed form.
pub async fn confirm(app: &App, code: Uuid, typed: &str) -> anyhow::Result<Option<Joined>> {
    let now = app.clock.now();
    let mut conn = app.db.web.acquire().await?;
    if !waiting::waits(&mut conn, now, code).await? {
        return Ok(None);
    }
    // The try is counted before anything is compared, whatever comes of it.
    let Some(sent) = store::try_code(&mut conn, now, code, false).await? else { return Ok(None) };
    drop(conn);
    if sent.is(&app.keys.service, typed)? { carry_out(app, code).await } else { Ok(None) }
}

/// Takes the link of an e-mail. `None` when it was taken before, or is too old.
///
/// # Errors
/// The database's, or of the sealed form.
pub async fn follow(app: &App, code: Uuid) -> anyhow::Result<Option<Joined>> {
    carry_out(app, code).await
}

async fn carry_out(app: &App, code: Uuid) -> anyhow::Result<Option<Joined>> {
    let now = app.clock.now();
    let mut tx = app.db.web.begin().await?;
    let Some(taken) = waiting::take(&mut tx, now, code).await? else { return Ok(None) };
    let wish = app.keys.service.open(&signup::context(code), &taken.sealed)?;
    let wish: Signup = serde_json::from_slice(&wish)?;
    let at = (taken.channel.as_str(), taken.address.as_str());
    let (resident, left_out) = join(&mut tx, app, &wish, at).await?;
    tx.commit().await?;
    Ok(Some(Joined { resident, channel: taken.channel, address: taken.address, left_out }))
}

/// Writes a proven subscription. Whoever is known keeps their record and what is in it, and gets the places beside it;
/// what could not be kept is the second part.
async fn join(conn: &mut PgConnection, app: &App, wish: &Signup, at: (&str, &str)) -> sqlx::Result<(ResidentId, Left)> {
    let now = app.clock.now();
    let id = match channel::owner(&mut *conn, at).await? {
        Some(id) => {
            waiting::name(&mut *conn, id, (&wish.name, &wish.language)).await?;
            id
        }
        None => {
            let id = ResidentId(app.ids.uuid(now));
            channel::begin(&mut *conn, now, id, (&wish.name, &wish.language, SOURCE), at).await?;
            id
        }
    };
    store::add_channel(&mut *conn, now, id, at).await?;
    if !channel::wants_alerts(&mut *conn, id).await? {
        store::consent_to(&mut *conn, now, id, (Purpose::Alerts, true), (SOURCE, TEXT_VERSION)).await?;
        let given = json!({ "purpose": "alerts", "given": true, "source": SOURCE });
        record(&mut *conn, app, id, Act::ResidentConsent, given).await?;
    }
    let mut left_out = 0;
    for place in &wish.places {
        if add_place(&mut *conn, id, place).await? == Added::Full {
            left_out += 1;
        }
    }
    let zone = app.config.municipality.time_zone;
    waiting::prefer(&mut *conn, id, wish.preferences, zone.name()).await?;
    if !wish.needs.is_empty() {
        agree(&mut *conn, app, id, Purpose::Needs).await?;
        waiting::need(&mut *conn, id, &wish.needs).await?;
    }
    let living = name_companions(&mut *conn, app, id, wish).await?;
    let fields = json!({ "fields": ["places", "preferences"], "source": SOURCE });
    record(conn, app, id, Act::ResidentCorrect, fields).await?;
    Ok((id, Left { places: left_out, companions: wish.companions.len() - living }))
}

/// Keeps a consent that the form gave, with its trace.
async fn agree(conn: &mut PgConnection, app: &App, id: ResidentId, purpose: Purpose) -> sqlx::Result<()> {
    store::consent_to(&mut *conn, app.clock.now(), id, (purpose, true), (SOURCE, TEXT_VERSION)).await?;
    let given = json!({ "purpose": purpose.as_str(), "given": true, "source": SOURCE });
    record(conn, app, id, Act::ResidentConsent, given).await
}

/// Names who lives at the first place of the form. A record that names people already keeps them as they are: the same form sent twice
/// names nobody twice. Returns how many are named by this form.
async fn name_companions(conn: &mut PgConnection, app: &App, id: ResidentId, wish: &Signup) -> sqlx::Result<usize> {
    let Some(home) = wish.places.first().filter(|_| !wish.companions.is_empty()) else { return Ok(0) };
    if companion::count(&mut *conn, id).await? > 0 {
        return Ok(0);
    }
    let Some(place) = place::label_at(&mut *conn, id, home.spot(), home.cep.as_deref()).await? else { return Ok(0) };
    agree(&mut *conn, app, id, Purpose::Household).await?;
    let now = app.clock.now();
    let today = now.with_timezone(&app.config.municipality.time_zone).date_naive();
    let keep_until = today + Days::new(app.config.privacy.needs_days.into());
    let mut named = 0;
    for living in &wish.companions {
        let sealed = Sealed { name: living.name.clone(), relation: living.relation };
        let new = NewCompanion { place: &place, sealed, needs: &living.needs, keep_until };
        if let companion::Added::New(one) =
            companion::add(&mut *conn, (&app.keys.vault, &app.ids), now, id, &new).await?
        {
            let what = format!("{} {}", vault::access::Purpose::ResidentHousehold, companions::subject(one));
            let entry = Entry::new(Act::VaultPut, "vault_record", what).to(json!({ "keep_until": keep_until }));
            audit::record(&mut *conn, &app.ids, now, &actor(id), entry).await?;
            named += 1;
        }
    }
    Ok(named)
}

async fn record(
    conn: &mut PgConnection,
    app: &App,
    id: ResidentId,
    act: Act,
    what: serde_json::Value,
) -> sqlx::Result<()> {
    audit::record(conn, &app.ids, app.clock.now(), &actor(id), Entry::new(act, "resident", id).to(what)).await
}

/// Adds a place under its name, or under the next that is free: "Casa 2". The same place again adds nothing.
///
/// # Errors
/// The database's.
pub async fn add_place(conn: &mut PgConnection, id: ResidentId, given: &SignupPlace) -> sqlx::Result<Added> {
    if place::is_there(&mut *conn, id, given.spot()).await? {
        return Ok(Added::Known);
    }
    let mut added = Added::Known;
    for number in 1..=MOST_NAMES {
        // The home has no name of its own; a second one needs one.
        let name = if given.label == "home" { "Casa" } else { given.label.as_str() };
        let label = if number == 1 { given.label.clone() } else { format!("{name} {number}") };
        let new = NewPlace {
            label: &label,
            spot: given.spot(),
            address: &given.address,
            cep: given.cep.as_deref(),
            people: given.people,
        };
        added = place::add(&mut *conn, id, &new).await?;
        if added != Added::Known {
            break;
        }
    }
    Ok(added)
}
