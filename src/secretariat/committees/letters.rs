//! Letters to the members: a meeting is convened, or called off. They go the way of every notice, written in the transaction of the act.

use chrono::TimeDelta;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::dispatch::notices::{self, Notice};
use crate::dispatch::provider::Channel;
use crate::i18n::Lang;
use crate::refused::Refused;
use crate::secretariat::kernel::body::calendar::{self, Event};
use crate::secretariat::kernel::body::life::State;
use crate::secretariat::kernel::body::{Body, BodyKind, Meeting, MeetingKind, publish, store};
use crate::vault::link::Link;

/// The secret part of the address of one meeting's calendar.
pub const LINK: Link = Link::new("body meeting");
pub const PURPOSE: &str = "body_convening";

/// Where a program of calendars reads of a meeting.
pub fn address(app: &App, meeting: Uuid) -> String {
    format!("{}/secretaria/comites/convite/{}.ics", app.config.public_url(), LINK.make(&app.keys.service, meeting))
}

/// Writes to every member, titular and substitute, that a meeting is convened or was called off. How many letters. Of an ethics council only that,
/// the number and where to read the rest: no agenda, urgency or reason.
///
/// # Errors
/// The database's.
pub async fn tell(
    conn: &mut PgConnection,
    app: &App,
    by: Acting<'_>,
    (body, meeting): (&Body, &Meeting),
) -> Result<usize, Refused> {
    let tz = app.config.municipality.time_zone;
    let lang = Lang::Pt;
    let is_cancelled = meeting.state == State::Cancelled;
    let key = if is_cancelled { "sec-committees-mail-cancelled" } else { "sec-committees-mail-convened" };
    let when = meeting.starts_at.with_timezone(&tz).format("%d/%m/%Y %H:%M").to_string();
    let subject = lang.t2(&format!("{key}-subject"), "body", &body.what.name, "when", &when);
    let kind = lang.t(&format!("sec-committees-meeting-{}", meeting.kind));
    let mut parts = vec![
        lang.t2(key, "body", &body.what.name, "kind", kind.to_lowercase()),
        lang.t2("sec-committees-mail-when", "when", &when, "place", &meeting.place),
    ];
    if body.what.kind == BodyKind::Ethics {
        // Free words about a procedure stay in the house: who reads them there, and reads nothing of what they are recused from, is known.
        let (base, slug, label) = (app.config.public_url(), &body.what.slug, meeting.label());
        let page = format!("{base}/secretaria/painel/comites/{slug}/reunioes/{label}");
        let number = format!("{}/{}", meeting.number, meeting.year);
        parts.push(lang.t2("sec-committees-mail-inside", "number", number, "link", page));
    } else if is_cancelled {
        parts.push(lang.t1("sec-committees-mail-reason", "reason", &meeting.cancel_reason));
    } else {
        if meeting.kind == MeetingKind::Extraordinary {
            parts.push(lang.t1("sec-committees-mail-urgency", "reason", &meeting.urgency));
        }
        let items = store::room::items(&mut *conn, meeting.id).await?;
        // A letter lies in mailboxes that nobody here keeps: what is restricted is named by its number alone.
        let line = |item: &crate::secretariat::kernel::body::Item| {
            let title = if item.restricted { lang.t("sec-committees-restricted-item") } else { item.title.clone() };
            format!("{}. {title}", item.position)
        };
        parts.push(format!(
            "{}\n{}",
            lang.t("sec-committees-mail-agenda"),
            items.iter().map(line).collect::<Vec<_>>().join("\n")
        ));
    }
    if !is_cancelled {
        parts.push(lang.t1("sec-committees-mail-notice", "law", &meeting.notice_law_ref));
    }
    parts.push(format!("{}\n{}", lang.t("sec-committees-mail-calendar"), address(app, meeting.id)));
    let text = parts.join("\n\n");
    let expires_at = (meeting.starts_at + TimeDelta::hours(1)).max(by.now + TimeDelta::hours(1));
    // Addresses of those whose last mandate is over have no use any more.
    store::forget_emails(&mut *conn, publish::day(by.now, tz)).await?;
    let to = store::emails(&mut *conn, body.id, publish::day(meeting.starts_at, tz)).await?;
    for (_, address) in &to {
        let notice =
            Notice { channel: Channel::Email, address, subject: &subject, body: &text, expires_at, purpose: PURPOSE };
        notices::queue(&mut *conn, by.ids, by.now, &notice).await?;
    }
    Ok(to.len())
}

/// A meeting as calendars show it.
pub fn event(body: &Body, meeting: &Meeting, url: String) -> Event {
    Event {
        id: meeting.id,
        title: format!("{}: {}/{}", body.what.name, meeting.number, meeting.year),
        text: String::new(),
        place: meeting.place.clone(),
        url,
        starts_at: meeting.starts_at,
        ended_at: meeting.ended_at,
        is_cancelled: matches!(meeting.state, State::Cancelled | State::NoQuorum),
        sequence: meeting.sequence,
        changed_at: meeting.changed_at,
    }
}

/// Right-hand side of the identifiers in calendars.
pub fn host(app: &App) -> String {
    let host = url::Url::parse(&app.config.public_url()).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.unwrap_or_else(|| "localhost".into())
}

/// The calendar of one meeting, by its secret address.
pub fn one(app: &App, body: &Body, meeting: &Meeting) -> String {
    calendar::write(&body.what.name, &host(app), &[event(body, meeting, String::new())])
}
