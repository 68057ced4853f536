//! The sink as its readers would see it: telephones with the bubbles they would show, and a mailbox with its letters.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;
use serde_json::json;
use sqlx::PgConnection;

use super::frame::Frame;
use super::page;
use super::view::View;
use crate::accounts::Permission;
use crate::app::App;
use crate::audit::{Act, Entry, record};
use crate::clock::Instant;
use crate::dispatch::sms_text;
use crate::web::auth::{May, Staff, can};
use crate::web::delivery::mask;
use crate::web::error::ApiError;
use crate::web::security;

pub fn routes() -> Router<App> {
    Router::new().route("/console/outbox", get(list)).route("/console/outbox/{id}/letter", get(letter))
}

/// Telephones on a page, bubbles on a telephone, letters in the list.
const PHONES: i64 = 12;
const BUBBLES: i64 = 8;
const LETTERS: i64 = 40;
/// Telephones and letters are looked for among so many of the newest messages.
const NEWEST: i64 = 50_000;
/// What a letter may do in its frame: show itself. It loads nothing, runs nothing and leads nowhere.
const LETTER_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

/// One message of the sink.
struct Sunk {
    id: i64,
    at: Instant,
    address: String,
    subject: String,
    body: String,
    /// None for a notice.
    alert: Option<uuid::Uuid>,
    number: String,
    area: String,
}

impl Sunk {
    /// Segments that the telephone joins to one message.
    fn segments(&self) -> usize {
        sms_text::measure(&self.body).segments
    }
}

/// A telephone with its messages, oldest first, as they lie on its screen.
struct Phone {
    shown: String,
    area: String,
    bubbles: Vec<Sunk>,
}

#[derive(Template)]
#[template(path = "outbox.html")]
struct OutboxPage {
    f: Frame,
    wanted: Wanted,
    phones: Vec<Phone>,
    letters: Vec<Sunk>,
    /// The letter that is open.
    open: Option<i64>,
    /// Codes and links in notices are not for this reader.
    secrets: bool,
    total: i64,
    more: bool,
}

impl OutboxPage {
    fn is_mail(&self) -> bool {
        self.wanted.is_mail()
    }

    fn is_hidden(&self, message: &Sunk) -> bool {
        message.alert.is_none() && !self.secrets
    }

    fn masked(&self, address: &str) -> String {
        shown(&self.f.v, address)
    }

    /// The page's address with another page number or letter.
    fn link(&self, page: i64, letter: Option<&i64>) -> String {
        let wanted = &self.wanted;
        let mut query = url::form_urlencoded::Serializer::new(String::from("/console/outbox?"));
        query.append_pair("channel", if self.is_mail() { "email" } else { "sms" });
        for (name, value) in [("who", &wanted.who), ("alert", &wanted.alert)] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        if page > 0 {
            query.append_pair("page", &page.to_string());
        }
        if let Some(letter) = letter {
            query.append_pair("letter", &letter.to_string());
        }
        query.finish()
    }

    fn newer(&self) -> String {
        self.link(self.wanted.page - 1, None)
    }

    fn older(&self) -> String {
        self.link(self.wanted.page + 1, None)
    }

    fn opened(&self, letter: &Sunk) -> String {
        self.link(self.wanted.page, Some(&letter.id))
    }

    fn is_open(&self, letter: &Sunk) -> bool {
        self.open == Some(letter.id)
    }
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    channel: String,
    /// The end of a telephone number, or a part of an e-mail address.
    #[serde(default)]
    who: String,
    /// An alert's number.
    #[serde(default)]
    alert: String,
    #[serde(default)]
    page: i64,
    letter: Option<i64>,
}

impl Wanted {
    fn is_mail(&self) -> bool {
        self.channel == "email"
    }

    /// Within bounds. Of a telephone only digits are looked for.
    fn bounded(self) -> Self {
        let short = |text: &str| -> String { text.trim().chars().take(80).collect() };
        let who = if self.is_mail() {
            short(&self.who).to_lowercase()
        } else {
            self.who.chars().filter(char::is_ascii_digit).take(15).collect()
        };
        Self { who, alert: short(&self.alert), page: self.page.clamp(0, 10_000), ..self }
    }
}

fn shown(v: &View, address: &str) -> String {
    if address == "erased" { v.t("outbox-erased") } else { mask(address) }
}

/// A code or a link opens an account: whoever makes accounts may see it, and everybody in a demonstration.
fn may_see_secrets(app: &App, staff: &Staff) -> bool {
    !app.config.demo.notice.is_empty() || staff.permissions.allow(Permission::ManageStaff)
}

async fn list(
    State(app): State<App>,
    staff: May<can::SeeDeliveries>,
    v: View,
    Query(wanted): Query<Wanted>,
) -> Result<Response, ApiError> {
    let wanted = wanted.bounded();
    let mut conn = app.db.web.acquire().await?;
    let f = Frame::load(&mut conn, &app, v, "outbox").await?;
    let secrets = may_see_secrets(&app, &staff);
    let (mut phones, mut letters, more) = if wanted.is_mail() {
        let (letters, more) = letters(&mut conn, &wanted).await?;
        (Vec::new(), letters, more)
    } else {
        let (phones, more) = phones(&mut conn, &f.v, &wanted).await?;
        (phones, Vec::new(), more)
    };
    for message in phones.iter_mut().flat_map(|phone| &mut phone.bubbles).chain(&mut letters) {
        if message.alert.is_none() && !secrets {
            (message.body, message.subject) = (String::new(), f.v.t("outbox-notice"));
        }
    }
    let channel = if wanted.is_mail() { "email" } else { "sms" };
    let total = sqlx::query_scalar!(r#"select count(*) as "total!" from sink_message where channel = $1"#, channel)
        .fetch_one(&mut *conn)
        .await?;
    let read = json!({ "messages": phones.len() + letters.len(), "page": wanted.page, "channel": channel });
    let entry = Entry::new(Act::DeliveriesRead, "messages", "list").to(read);
    record(&mut conn, &app.ids, f.v.now, &staff.actor(), entry).await?;
    let open = wanted.letter.filter(|id| letters.iter().any(|letter| letter.id == *id));
    let open = open.or_else(|| letters.first().map(|letter| letter.id));
    let is_mail = wanted.is_mail();
    let answer = page(&OutboxPage { f, wanted, phones, letters, open, secrets, total, more })?;
    if !is_mail {
        return Ok(answer);
    }
    // This one page frames something: a letter of our own, shut in.
    let policy = HeaderValue::from_static(security::POLICY_WITH_FRAMES);
    Ok(([(header::CONTENT_SECURITY_POLICY, policy)], answer).into_response())
}

/// The telephones that were written to last, each with its newest messages.
async fn phones(conn: &mut PgConnection, v: &View, wanted: &Wanted) -> sqlx::Result<(Vec<Phone>, bool)> {
    let rows = sqlx::query!(
        r#"with newest as (
            select s.id, s.address from sink_message s left join outbox o on o.id = s.outbox_id left join alert a on a.id = o.alert_id
            where s.channel = 'sms' and ($1 = '' or s.address like '%' || $1) and ($2 = '' or a.number = $2)
            order by s.id desc limit $3
        ), phone as (
            select address, max(id) as last from newest group by address order by 2 desc limit $4 offset $5
        )
        select m.id as "id!", m.at as "at!", m.address as "address!", m.body as "body!", m.alert as "alert?", m.number as "number!",
            m.area as "area!"
        from phone cross join lateral (
            select s.id, s.at, s.address, s.body, a.id as alert, coalesce(a.number, '') as number, coalesce(r.name, '') as area
            from sink_message s left join outbox o on o.id = s.outbox_id left join alert a on a.id = o.alert_id
                left join risk_area r on r.id = o.area_id
            where s.channel = 'sms' and s.address = phone.address and ($2 = '' or a.number = $2)
            order by s.id desc limit $6) as m
        order by phone.last desc, m.id"#,
        wanted.who,
        wanted.alert,
        NEWEST,
        PHONES + 1,
        wanted.page * PHONES,
        BUBBLES
    )
    .fetch_all(conn)
    .await?;
    let mut phones: Vec<(String, Phone)> = Vec::new();
    for row in rows {
        if phones.last().is_none_or(|(address, _)| *address != row.address) {
            let phone = Phone { shown: shown(v, &row.address), area: String::new(), bubbles: Vec::new() };
            phones.push((row.address.clone(), phone));
        }
        let Some((_, phone)) = phones.last_mut() else { continue };
        phone.area.clone_from(&row.area);
        phone.bubbles.push(Sunk {
            id: row.id,
            at: row.at,
            address: row.address,
            subject: String::new(),
            body: row.body,
            alert: row.alert,
            number: row.number,
            area: row.area,
        });
    }
    let more = phones.len() as i64 > PHONES;
    Ok((phones.into_iter().take(PHONES as usize).map(|(_, phone)| phone).collect(), more))
}

/// The newest letters.
async fn letters(conn: &mut PgConnection, wanted: &Wanted) -> sqlx::Result<(Vec<Sunk>, bool)> {
    let mut letters = sqlx::query_as!(
        Sunk,
        r#"select s.id, s.at, s.address, s.subject, s.body, a.id as "alert?", coalesce(a.number, '') as "number!",
            coalesce(r.name, '') as "area!"
        from sink_message s left join outbox o on o.id = s.outbox_id left join alert a on a.id = o.alert_id
            left join risk_area r on r.id = o.area_id
        where s.channel = 'email' and ($1 = '' or position($1 in lower(s.address)) > 0) and ($2 = '' or a.number = $2)
        order by s.id desc limit $3 offset $4"#,
        wanted.who,
        wanted.alert,
        LETTERS + 1,
        wanted.page * LETTERS
    )
    .fetch_all(conn)
    .await?;
    let more = letters.len() as i64 > LETTERS;
    letters.truncate(LETTERS as usize);
    Ok((letters, more))
}

/// A letter for its frame.
async fn letter(
    State(app): State<App>,
    staff: May<can::SeeDeliveries>,
    v: View,
    Path(id): Path<i64>,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let found = sqlx::query!(
        r#"select subject, body, html, outbox_id is null as "is_notice!" from sink_message where id = $1 and channel = 'email'"#,
        id
    )
    .fetch_optional(&mut *conn)
    .await?;
    let found = found.ok_or_else(|| ApiError::NotFound(format!("message {id}")))?;
    let entry = Entry::new(Act::DeliveriesRead, "message", id);
    record(&mut conn, &app.ids, v.now, &staff.actor(), entry).await?;
    let plain = |text: &str| {
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        format!(
            "<!doctype html><meta charset=\"utf-8\"><body style=\"font-family:sans-serif;white-space:pre-wrap;overflow-wrap:anywhere\">{text}</body>"
        )
    };
    let html = if found.is_notice && !may_see_secrets(&app, &staff) {
        plain(&v.t("outbox-secret"))
    } else if found.body.is_empty() {
        plain(&v.t("outbox-gone"))
    } else if found.html.is_empty() {
        plain(&found.body)
    } else {
        found.html
    };
    let headers = [
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(LETTER_POLICY)),
        (HeaderName::from_static("x-frame-options"), HeaderValue::from_static("SAMEORIGIN")),
    ];
    Ok((headers, Html(html)).into_response())
}
