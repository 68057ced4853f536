//! Calling volunteers over the notices of the dispatch core, and taking their answers.

use chrono::TimeDelta;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::answer::{self, Reply};
use super::store::{self, NewCallout, Waiting, Wanted};
use super::{Answer, Skill};
use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::audit::{self, Act, Actor, Entry};
use crate::clock::Instant;
use crate::config::AlertStatus;
use crate::dispatch::content;
use crate::dispatch::notices::{self, Notice};
use crate::dispatch::provider::Channel;
use crate::i18n::Lang;
use crate::ids::IncidentId;
use crate::incidents::store as incidents;
use crate::refused::Refused;
use crate::vault::link::Link;

/// The link in a call stands for that call.
pub const LINK: Link = Link::new("volunteer call");
/// The purpose of calls among notices.
const PURPOSE: &str = "volunteer_call";
/// An answer to an answer is still worth reading so long after.
const ANSWER_FOR: TimeDelta = TimeDelta::hours(1);

/// Whom to call, for what.
#[derive(Clone, Debug)]
pub struct Given<'a> {
    pub incident: Option<Uuid>,
    /// What is asked, where and when: at most 300 letters.
    pub text: &'a str,
    pub skills: &'a [Skill],
    /// Empty = everywhere.
    pub district: &'a str,
    /// So many are needed.
    pub wanted: i32,
    /// An answer counts for so long.
    pub hours: i64,
}

impl Given<'_> {
    fn checked(&self) -> Result<(), Refused> {
        if self.text.trim().is_empty() || self.text.chars().count() > 300 {
            return Err(Refused::wrong("text", "", "expected 1 to 300 characters"));
        }
        if !(1..=5000).contains(&self.wanted) {
            return Err(Refused::wrong("wanted", self.wanted, "expected 1 to 5000"));
        }
        if !(1..=168).contains(&self.hours) {
            return Err(Refused::wrong("hours", self.hours, "expected 1 to 168"));
        }
        Ok(())
    }
}

/// Calls whoever was accepted and fits. Gives back the call-out and how many were called.
///
/// # Errors
/// The field that is wrong; a conflict when nobody fits.
pub async fn call(
    conn: &mut PgConnection,
    app: &App,
    by: Acting<'_>,
    given: &Given<'_>,
) -> Result<(Uuid, usize), Refused> {
    given.checked()?;
    if let Some(incident) = given.incident
        && !crate::shelters::store::is_open_incident(&mut *conn, incident).await?
    {
        return Err(Refused::wrong("incident", incident, "is no open incident"));
    }
    let skills: Vec<String> = given.skills.iter().map(ToString::to_string).collect();
    let district = given.district.trim();
    let wanted =
        Wanted { skills: &skills, district: (!district.is_empty()).then_some(district), accepted: true, id: None };
    let people = store::list(&mut *conn, wanted).await?;
    if people.is_empty() {
        return Err(Refused::Conflict("no accepted volunteer fits: ask for fewer skills, or everywhere".into()));
    }
    let text = marked(&mut *conn, app, given).await?;
    let id = by.ids.uuid(by.now);
    let expires_at = by.now + TimeDelta::hours(given.hours);
    let new = NewCallout {
        id,
        incident: given.incident,
        text: &text,
        skills: &skills,
        district,
        wanted: given.wanted,
        expires_at,
        actor: &by.actor.name,
    };
    store::add_callout(&mut *conn, by.now, new).await?;
    for person in &people {
        tell(&mut *conn, app, by, (id, expires_at), person, &text).await?;
    }
    let what = json!({ "called": people.len(), "wanted": given.wanted, "skills": skills });
    audit::record(&mut *conn, by.ids, by.now, by.actor, Entry::new(Act::VolunteerCall, "callout", id).to(what)).await?;
    if let Some(incident) = given.incident {
        let line = format!("{} voluntários chamados: {text}", people.len());
        let detail = json!({ "callout_id": id, "called": people.len() });
        incidents::add_entry(conn, IncidentId(incident), by.now, &by.actor.name, "volunteers", &line, &detail).await?;
    }
    Ok((id, people.len()))
}

/// What is asked; of an exercise it says so before anything else, wherever it is read.
async fn marked(conn: &mut PgConnection, app: &App, given: &Given<'_>) -> Result<String, Refused> {
    let is_drill = match given.incident {
        Some(incident) => incidents::is_drill(conn, IncidentId(incident)).await?,
        None => false,
    };
    let status = if is_drill { AlertStatus::Exercise } else { app.config.alerts.status };
    let text = content::marked(status.as_str(), given.text.trim());
    if text.chars().count() > 300 {
        return Err(Refused::wrong("text", "", "expected 1 to 300 characters with the mark of an exercise"));
    }
    Ok(text)
}

async fn tell(
    conn: &mut PgConnection,
    app: &App,
    by: Acting<'_>,
    (callout, expires_at): (Uuid, Instant),
    person: &store::Volunteer,
    text: &str,
) -> sqlx::Result<()> {
    let lang = Lang::from_tag(&person.language).unwrap_or_default();
    let call = by.ids.uuid(by.now);
    let code = format!("{:04}", u16::from_le_bytes(by.ids.bytes()) % 10_000);
    let link = format!("{}/v/{}", app.config.public_url(), LINK.make(&app.keys.service, call));
    let channel = if person.channel == "sms" { Channel::Sms } else { Channel::Email };
    let subject = lang.t1("volunteer-call-subject", "authority", &app.config.municipality.sender_name);
    let body = if channel == Channel::Sms {
        format!("{text} {}", lang.t2("volunteer-call-sms", "code", &code, "link", &link))
    } else {
        format!("{text}\n\n{}\n{link}", lang.t("volunteer-call-mail"))
    };
    let body = if channel == Channel::Sms { crate::dispatch::sms_text::transliterate(&body) } else { body };
    let notice =
        Notice { channel, address: &person.address, subject: &subject, body: &body, expires_at, purpose: PURPOSE };
    let notice = notices::queue(&mut *conn, by.ids, by.now, &notice).await?;
    store::add_call(conn, (call, callout, person.id), (notice, &code)).await
}

/// Whoever has the link of a call says whether they come. False when the call is over, or is none of ours.
///
/// # Errors
/// What the database says.
pub async fn answered(app: &App, call: Uuid, said: Answer) -> sqlx::Result<bool> {
    let mut tx = app.db.web.begin().await?;
    let kept = keep(&mut tx, app, app.clock.now(), call, (said, "link")).await?;
    tx.commit().await?;
    Ok(kept)
}

/// Whoever has the link of a call is a volunteer no more: their name and address are gone. Twice is once.
///
/// # Errors
/// What the database says.
pub async fn leave(app: &App, call: Uuid) -> sqlx::Result<()> {
    let now = app.clock.now();
    let mut tx = app.db.web.begin().await?;
    let Some(volunteer) = store::volunteer_of(&mut tx, call).await? else { return Ok(()) };
    let Some(from) = store::lock(&mut tx, volunteer).await? else { return Ok(()) };
    let Ok(to) = from.leave() else { return Ok(()) };
    store::set_state(&mut tx, now, volunteer, to).await?;
    store::go(&mut tx, now, volunteer, "volunteer").await?;
    let entry = Entry::new(Act::VolunteerLeave, "volunteer", volunteer).from(json!({ "state": from }));
    audit::record(&mut tx, &app.ids, now, &Actor::anonymous(None), entry.to(json!({ "state": to }))).await?;
    tx.commit().await
}

async fn keep(
    conn: &mut PgConnection,
    app: &App,
    now: Instant,
    call: Uuid,
    said: (Answer, &'static str),
) -> sqlx::Result<bool> {
    let Some((volunteer, callout)) = store::answer(&mut *conn, now, call, said).await? else { return Ok(false) };
    let entry = Entry::new(Act::VolunteerAnswer, "volunteer", volunteer)
        .to(json!({ "callout": callout, "answer": said.0, "how": said.1 }));
    audit::record(conn, &app.ids, now, &Actor::anonymous(None), entry).await?;
    Ok(true)
}

/// The call that a reply answers: by its code, or the only one that waits. Pure.
pub fn of<'a>(reply: &Reply, waiting: &'a [Waiting]) -> Option<&'a Waiting> {
    match (&reply.code, waiting) {
        (Some(code), _) => waiting.iter().find(|one| one.code == *code),
        (None, [one]) => Some(one),
        (None, _) => None,
    }
}

/// Takes an SMS that answers a call, and says what came of it. False when it is none.
///
/// # Errors
/// What the database says.
pub async fn take(conn: &mut PgConnection, app: &App, now: Instant, (from, text): (&str, &str)) -> sqlx::Result<bool> {
    let Some(reply) = answer::read(text) else { return Ok(false) };
    let waiting = store::waiting(&mut *conn, now, from).await?;
    let Some(first) = waiting.first() else { return Ok(false) };
    let lang = Lang::from_tag(&first.language).unwrap_or_default();
    let body = match of(&reply, &waiting) {
        Some(one) => {
            keep(&mut *conn, app, now, one.call, (reply.answer, "sms")).await?;
            lang.t(if reply.answer == Answer::Yes { "volunteer-thanks-yes" } else { "volunteer-thanks-no" })
        }
        None => lang.t("volunteer-which"),
    };
    let notice = Notice {
        channel: Channel::Sms,
        address: from,
        subject: "",
        body: &body,
        expires_at: now + ANSWER_FOR,
        purpose: "volunteer_reply",
    };
    notices::queue(conn, &app.ids, now, &notice).await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_code_the_only_call_is_answered_and_of_several_none() {
        let one = |code: &str| Waiting { call: Uuid::nil(), code: code.into(), language: "pt-BR".into() };
        let (single, several) = ([one("1111")], [one("1111"), one("2222")]);
        let said = |code: Option<&str>| Reply { answer: Answer::Yes, code: code.map(str::to_owned) };
        assert_eq!(of(&said(None), &single).map(|one| one.code.as_str()), Some("1111"));
        assert!(of(&said(None), &several).is_none());
        assert_eq!(of(&said(Some("2222")), &several).map(|one| one.code.as_str()), Some("2222"));
        assert!(of(&said(Some("3333")), &single).is_none());
    }
}
