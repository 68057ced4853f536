//! What a telephone orders by SMS is carried out here and answered, in the transaction that takes the message: the order, what it did,
//! its answer and its audit stand or fall together.
//!
//! The message itself proves the telephone, so nothing has to be confirmed. What ends something is always obeyed; everything else
//! so often an hour, and what a centre brings twice is one order.

use chrono::{Datelike as _, TimeDelta};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;

use super::answers::{self, Answer};
use super::desk::actor;
use super::grammar::{Cep, Order};
use super::own::{MOST_PLACES, Purpose};
use super::store::order::{self, Log};
use super::store::place::{self, Added, NewPlace, Told};
use super::store::{channel, own};
use crate::addresses;
use crate::app::App;
use crate::audit::{self, Act, Entry};
use crate::clock::Instant;
use crate::dispatch::notices::{self, Notice};
use crate::dispatch::provider::Channel;
use crate::ids::ResidentId;
use crate::institutions::store as institutions;
use crate::reports::Spot;

/// Source of consents that were given and taken back by SMS.
pub const SOURCE: &str = "sms";
/// The wording that they answer to. It rises when the answers change.
pub const TEXT_VERSION: &str = "sms 2026-12";
/// A centre that got no answer repeats itself within this.
const REPEATS_WITHIN: TimeDelta = TimeDelta::minutes(10);
/// Orders of one telephone within an hour, beyond which only the end is obeyed.
const AN_HOUR: i64 = 30;
/// It is still worth knowing some hours later.
const ANSWER_FOR: TimeDelta = TimeDelta::hours(6);

/// What came of an order.
type Done = (&'static str, Answer);

/// Carries an order of a telephone (E.164) out and answers it.
///
/// # Errors
/// What the database says.
pub async fn obey(
    conn: &mut PgConnection,
    app: &App,
    now: Instant,
    (from, text): (&str, &str),
    order: &Order,
) -> sqlx::Result<()> {
    let sender = app.keys.service.sum("sms order", from.as_bytes());
    let digest = Sha256::digest(text.trim().as_bytes());
    let digest = &digest[..16];
    let lately = order::lately(&mut *conn, now, (&sender, digest), REPEATS_WITHIN).await?;
    // An end is carried out even so: somebody may have subscribed this telephone on the page meanwhile.
    if !order.ends() && (lately.is_repeated || lately.in_an_hour >= AN_HOUR) {
        return Ok(());
    }
    let desk = Desk { app, now, from };
    let (result, answer) = desk.carry_out(&mut *conn, order).await?;
    let log = Log { sender: &sender, digest, what: order.word(), result };
    order::keep(&mut *conn, now, log).await?;
    let is_news = !matches!(answer, Answer::NotSubscribed | Answer::Institution(_) | Answer::NotThere(..));
    if lately.is_repeated && !is_news {
        return Ok(());
    }
    desk.tell(conn, &answer).await
}

struct Desk<'a> {
    app: &'a App,
    now: Instant,
    from: &'a str,
}

impl Desk<'_> {
    async fn carry_out(&self, conn: &mut PgConnection, order: &Order) -> sqlx::Result<Done> {
        match order {
            Order::Subscribe(ceps) => self.subscribe(conn, ceps).await,
            Order::List => {
                let places = shown(&place::at_telephone(conn, self.from).await?);
                Ok(if places.is_empty() { ("list_none", Answer::ListNone) } else { ("listed", Answer::List(places)) })
            }
            Order::LeaveAll => self.leave_all(conn).await,
            Order::Leave(ceps) => self.leave(conn, ceps).await,
            Order::Help => Ok(("helped", Answer::Help)),
            Order::Unclear(ceps) => Ok(("unclear", Answer::Unclear(written(ceps)))),
            Order::WrongCep => Ok(("wrong_cep", Answer::WrongCep)),
        }
    }

    async fn subscribe(&self, conn: &mut PgConnection, ceps: &[Cep]) -> sqlx::Result<Done> {
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for cep in ceps {
            match addresses::store::postcode(&mut *conn, cep.digits()).await? {
                Some(found) => known.push((cep, found.spot)),
                None => unknown.push(cep.to_string()),
            }
        }
        if known.is_empty() {
            return Ok(("unknown_cep", Answer::Unknown(unknown)));
        }
        let at = (Channel::Sms.as_str(), self.from);
        let was_warned = !place::at_telephone(&mut *conn, self.from).await?.is_empty();
        let id = self.owner(&mut *conn).await?;
        // Whoever writes wants to be warned, also where there is no room for another place.
        own::add_channel(&mut *conn, self.now, id, at).await?;
        let (mut added, mut is_full) = (0, false);
        for (cep, spot) in known {
            match self.add(&mut *conn, id, cep, spot).await? {
                Added::New => added += 1,
                Added::Known => {}
                Added::Full => is_full = true,
            }
        }
        if !channel::wants_alerts(&mut *conn, id).await? {
            let given = (Purpose::Alerts, true);
            own::consent_to(&mut *conn, self.now, id, given, (SOURCE, TEXT_VERSION)).await?;
            self.record(
                &mut *conn,
                id,
                Act::ResidentConsent,
                json!({ "purpose": "alerts", "given": true, "source": SOURCE }),
            )
            .await?;
        }
        if added > 0 {
            let what = json!({ "fields": ["place_added"], "source": SOURCE });
            self.record(&mut *conn, id, Act::ResidentCorrect, what).await?;
        }
        // That one found no room is what has to be said; CONSULTAR tells of the others.
        if is_full {
            return Ok(("too_many_places", Answer::Full));
        }
        let places = shown(&place::at_telephone(&mut *conn, self.from).await?);
        if added == 0 && was_warned && unknown.is_empty() {
            return Ok(("already_subscribed", Answer::Already(places)));
        }
        let answer =
            if unknown.is_empty() { Answer::Subscribed(places) } else { Answer::SubscribedBut(places, unknown) };
        Ok(("subscribed", answer))
    }

    /// Whose telephone it is, or a new resident of whom nothing else is known.
    async fn owner(&self, conn: &mut PgConnection) -> sqlx::Result<ResidentId> {
        let at = (Channel::Sms.as_str(), self.from);
        if let Some(id) = channel::owner(&mut *conn, at).await? {
            return Ok(id);
        }
        let id = ResidentId(self.app.ids.uuid(self.now));
        channel::begin(conn, self.now, id, ("", "pt-BR", SOURCE), at).await?;
        Ok(id)
    }

    async fn add(&self, conn: &mut PgConnection, id: ResidentId, cep: &Cep, spot: Spot) -> sqlx::Result<Added> {
        let new = NewPlace { label: &format!("CEP {cep}"), spot, address: "", cep: Some(cep.digits()), people: 1 };
        place::add(conn, id, &new).await
    }

    async fn leave_all(&self, conn: &mut PgConnection) -> sqlx::Result<Done> {
        let places = shown(&place::at_telephone(&mut *conn, self.from).await?);
        let at = (Channel::Sms.as_str(), self.from);
        let closed = channel::close(&mut *conn, self.now, at, (SOURCE, TEXT_VERSION)).await?;
        if closed.is_empty() {
            return self.unknown(conn).await;
        }
        let year = self.now.with_timezone(&self.app.config.municipality.time_zone).year();
        for id in closed {
            let receipt = own::request(&mut *conn, &self.app.ids, self.now, year, id, "withdrawal").await?;
            let what = json!({ "channel": "sms", "given": false, "source": SOURCE, "receipt": receipt });
            self.record(&mut *conn, id, Act::ResidentConsent, what).await?;
        }
        Ok(("left_all", Answer::LeftAll(places)))
    }

    /// Nobody subscribed this telephone. It may be told for an institution all the same.
    async fn unknown(&self, conn: &mut PgConnection) -> sqlx::Result<Done> {
        Ok(match institutions::told_at(conn, self.from).await? {
            Some(name) => ("institution", Answer::Institution(name)),
            None => ("not_subscribed", Answer::NotSubscribed),
        })
    }

    async fn leave(&self, conn: &mut PgConnection, ceps: &[Cep]) -> sqlx::Result<Done> {
        let all = place::at_telephone(&mut *conn, self.from).await?;
        if all.is_empty() {
            return self.unknown(conn).await;
        }
        let is_meant =
            |told: &&Told| told.cep.as_ref().is_some_and(|cep| ceps.iter().any(|meant| meant.digits() == cep));
        let (gone, rest): (Vec<&Told>, Vec<&Told>) = all.iter().partition(is_meant);
        if gone.is_empty() {
            return Ok(("not_there", Answer::NotThere(written(ceps), shown(&all))));
        }
        if rest.is_empty() {
            return self.leave_all(conn).await;
        }
        for told in &gone {
            if place::remove(&mut *conn, self.now, told.resident, &told.label).await? {
                own::own_word(&mut *conn, self.now, told.resident).await?;
                let what = json!({ "fields": ["place_removed"], "source": SOURCE });
                self.record(&mut *conn, told.resident, Act::ResidentCorrect, what).await?;
            }
        }
        Ok(("left", Answer::Left(shown(gone), shown(rest))))
    }

    async fn record(
        &self,
        conn: &mut PgConnection,
        id: ResidentId,
        act: Act,
        what: serde_json::Value,
    ) -> sqlx::Result<()> {
        let entry = Entry::new(act, "resident", id).to(what);
        audit::record(conn, &self.app.ids, self.now, &actor(id), entry).await
    }

    async fn tell(&self, conn: &mut PgConnection, answer: &Answer) -> sqlx::Result<()> {
        let town = &self.app.config.municipality;
        let page = format!("{}/cadastro", self.app.config.public_url());
        let from = answers::From {
            authority: &town.sender_name,
            contact: &town.contact,
            page: &page,
            most_places: MOST_PLACES,
        };
        let notice = Notice {
            channel: Channel::Sms,
            address: self.from,
            subject: "",
            body: &answers::words(answer, from),
            expires_at: self.now + ANSWER_FOR,
            purpose: notices::ORDER,
        };
        notices::queue(conn, &self.app.ids, self.now, &notice).await?;
        Ok(())
    }
}

fn written(ceps: &[Cep]) -> Vec<String> {
    ceps.iter().map(Cep::to_string).collect()
}

/// Places in the words of an SMS: no more of an address than its owner knows it by.
fn shown<'a>(all: impl IntoIterator<Item = &'a Told>) -> Vec<String> {
    let word = |told: &Told| match (&told.cep, told.address.split(',').next().unwrap_or_default().trim()) {
        (Some(cep), _) => Cep::read(cep).map_or_else(|| cep.clone(), |cep| cep.to_string()),
        (None, "") if told.label == "home" => "casa".to_owned(),
        (None, "") => told.label.chars().take(30).collect(),
        (None, street) => street.chars().take(30).collect(),
    };
    all.into_iter().map(word).collect()
}
