//! Comitês: the list and the page of a body for the staff. Meetings and what the public reads beside it.

mod body;
mod meeting;
mod minutes;
mod public;

use askama::Template;
use axum::Router;
use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use chrono::{NaiveDate, NaiveDateTime};
use serde::Deserialize;

use crate::accounts::tokens::desk::Acting;
use crate::app::App;
use crate::clock::Instant;
use crate::i18n::Lang;
use crate::refused::Refused;
use crate::secretariat::committees::{may_see, may_work, report};
use crate::secretariat::kernel::body::rules::{Fraction, MajorityKind, SecondCall};
use crate::secretariat::kernel::body::{ActKind, Body, BodyKind, CreatedBy, Described, Rules, desk, store};
use crate::web::api::secretariat::committees::Asked;
use crate::web::auth::{May, Staff, can};
use crate::web::error::ApiError;
use crate::web::pages::frame::Frame;
use crate::web::pages::page;
use crate::web::pages::refusal::sentence;
use crate::web::pages::secretariat::sentences;
use crate::web::pages::view::View;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/secretaria/comites", get(public::list))
        .route("/secretaria/comites/convite/{file}", get(public::invitation))
        .route("/secretaria/comites/{slug}", get(public::show))
        .route("/secretaria/comites/{slug}/agenda.ics", get(public::calendar))
        .route("/secretaria/comites/{slug}/popolo.json", get(public::popolo))
        .route("/secretaria/comites/{slug}/composicao.csv", get(public::composition))
        .route("/secretaria/comites/{slug}/atas/{file}", get(public::minutes))
        .route("/secretaria/painel/comites", get(list).post(create))
        .route("/secretaria/painel/comites/{slug}", get(body::show).post(body::act))
        .route("/secretaria/painel/comites/{slug}/relatorio", get(body::report))
        .route("/secretaria/painel/comites/{slug}/reunioes/{number}", get(meeting::show).post(meeting::act))
        .route("/secretaria/painel/comites/{slug}/reunioes/{number}/itens/{item}/documentos", post(meeting::upload))
        .route(
            "/secretaria/painel/comites/{slug}/reunioes/{number}/itens/{item}/documentos/{document}",
            get(meeting::document),
        )
        .route("/secretaria/painel/comites/{slug}/reunioes/{number}/ata", get(minutes::show).post(minutes::act))
        .route("/secretaria/painel/comites/{slug}/reunioes/{number}/ata.pdf", get(minutes::pdf))
}

/// The role opens the forms of a body.
fn works(staff: &Staff, kind: BodyKind) -> bool {
    staff.permissions.allow(crate::accounts::Permission::WorkSecretariat) && may_work(&staff.roles, kind).is_ok()
}

fn day(field: &str, text: &str) -> Result<NaiveDate, Refused> {
    text.trim().parse().map_err(|_| Refused::wrong(field, text, "expected a day such as 2026-03-01"))
}

fn number<T: std::str::FromStr>(field: &str, text: &str) -> Result<T, Refused> {
    text.trim().parse().map_err(|_| Refused::wrong(field, text, "expected a number"))
}

fn word<T: std::str::FromStr<Err = crate::units::UnknownWord>>(field: &str, text: &str) -> Result<T, Refused> {
    text.parse().map_err(|error: crate::units::UnknownWord| Refused::wrong(field, text, error.to_string()))
}

fn id(field: &str, text: &str) -> Result<uuid::Uuid, Refused> {
    text.trim().parse().map_err(|_| Refused::wrong(field, text, "expected one of the list"))
}

/// A time of the town.
fn local(v: &View, field: &str, text: &str) -> Result<Instant, Refused> {
    let wrong = || Refused::wrong(field, text, "expected a local time such as 2026-03-01T08:00");
    let local = NaiveDateTime::parse_from_str(text.trim(), "%Y-%m-%dT%H:%M").map_err(|_| wrong())?;
    Ok(local.and_local_timezone(v.tz).earliest().ok_or_else(wrong)?.to_utc())
}

/// Refusals of the desks by a part that is theirs alone, and the key of their words. What is more special comes first.
const KNOWN: [(&str, &str); 20] = [
    ("the notice is too short", "sec-committees-no-notice"),
    ("no quorum to decide", "sec-committees-no-quorum"),
    ("no resolution without", "sec-committees-no-resolution"),
    ("the item was rejected", "sec-committees-no-rejected"),
    ("who are present and not recused", "sec-committees-no-votes"),
    ("the vote is tied", "sec-committees-no-tie-now"),
    ("the vote is not tied", "sec-committees-no-no-tie"),
    ("titular of this seat is present", "sec-committees-no-titular"),
    ("is recused from", "sec-committees-no-recused"),
    ("only approved minutes", "sec-committees-no-unapproved"),
    ("members approved", "sec-committees-no-approvals"),
    ("call is at", "sec-committees-no-call"),
    ("times without a pause", "sec-committees-no-again"),
    ("holds this seat from", "sec-committees-no-taken"),
    ("holds another seat", "sec-committees-no-elsewhere"),
    ("who is there is marked on its day", "sec-committees-no-day"),
    ("the place", "sec-committees-no-place"),
    ("this body ended", "sec-committees-no-ended"),
    ("the meeting is", "sec-committees-no-state"),
    ("there is a body", "sec-committees-no-slug"),
];

/// Why an act was not done, in the reader's language first; dates, numbers and the law as the desk says them.
///
/// # Errors
/// Gives back what pages answer in another way.
fn said(lang: Lang, refused: Refused) -> Result<String, Refused> {
    let known = |detail: &str| KNOWN.iter().find(|(part, _)| detail.contains(part)).map(|(_, key)| *key);
    match refused {
        Refused::Because(reason) => Ok(reason.words(lang)),
        Refused::Conflict(why) => match known(&why) {
            Some(key) => Ok(format!("{} ({})", lang.t(key), sentences::said(lang, &why))),
            None => sentence(lang, Refused::Conflict(sentences::said(lang, &why))),
        },
        Refused::Wrong { field, value, message } => {
            sentence(lang, Refused::Wrong { field, value, message: sentences::said(lang, &message) })
        }
        other => sentence(lang, other),
    }
}

/// What went wrong as a page says it, with its status.
fn status(wrong: &str) -> StatusCode {
    if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY }
}

#[derive(Template)]
#[template(path = "secretariat/sec_committees_list.html")]
struct ListPage {
    f: Frame,
    bodies: Vec<Body>,
    /// Slug of the last one, when there may be more.
    next: Option<String>,
    search: Search,
    waiting: report::Waiting,
    given: Fields,
    wrong: String,
    may_work: bool,
    kinds: Vec<BodyKind>,
}

impl ListPage {
    /// The query of the next page, but for where it begins.
    fn query(&self) -> String {
        let Search { q, kind, in_force, .. } = &self.search;
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("q", q).append_pair("kind", kind).append_pair("in_force", in_force).finish()
    }
}

/// The form of a body.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Fields {
    slug: String,
    name: String,
    kind: String,
    act_kind: String,
    act_number: String,
    act_on: String,
    purpose: String,
    law_ref: String,
    contact: String,
    term_from: String,
    term_until: String,
    quorum_open: String,
    quorum_decide: String,
    majority: String,
    qualified: String,
    casting_vote: String,
    public: String,
    second_after: String,
    second_quorum: String,
    most_reappointments: String,
    revision: String,
}

/// "1/2", or ">1/2" for more than half.
fn fraction(field: &str, text: &str) -> Result<Fraction, Refused> {
    let wrong = || Refused::wrong(field, text, "expected a part of the seats such as 1/2, or >1/2 for more than half");
    let text = text.trim();
    let (more, part) = text.strip_prefix('>').map_or((false, text), |part| (true, part.trim()));
    let (num, den) = part.split_once('/').ok_or_else(wrong)?;
    let (num, den) = (num.trim().parse().map_err(|_| wrong())?, den.trim().parse().map_err(|_| wrong())?);
    Ok(Fraction { num, den, more })
}

fn written(fraction: Fraction) -> String {
    format!("{}{}/{}", if fraction.more { ">" } else { "" }, fraction.num, fraction.den)
}

impl Fields {
    fn read(&self) -> Result<Described, Refused> {
        let majority: MajorityKind = word("majority", &self.majority)?;
        let qualified = match majority {
            MajorityKind::Qualified => Some(fraction("qualified", &self.qualified)?),
            _ => None,
        };
        let second_call = match self.second_after.trim() {
            "" => None,
            minutes => Some(SecondCall {
                after_min: number("second_after", minutes)?,
                quorum: fraction("second_quorum", &self.second_quorum)?,
            }),
        };
        let most_reappointments = match self.most_reappointments.trim() {
            "" => None,
            most => Some(number("most_reappointments", most)?),
        };
        let term_until = match self.term_until.trim() {
            "" => None,
            text => Some(day("term_until", text)?),
        };
        let act_kind: ActKind = word("act_kind", &self.act_kind)?;
        Ok(Described {
            slug: self.slug.trim().to_owned(),
            name: self.name.trim().to_owned(),
            kind: word("kind", &self.kind)?,
            act: CreatedBy {
                kind: act_kind,
                number: self.act_number.trim().to_owned(),
                on: day("act_on", &self.act_on)?,
            },
            purpose: self.purpose.trim().to_owned(),
            law_ref: self.law_ref.trim().to_owned(),
            contact: self.contact.trim().to_owned(),
            term_from: day("term_from", &self.term_from)?,
            term_until,
            rules: Rules {
                notice_ordinary: "committees.notice.ordinary".into(),
                notice_extraordinary: "committees.notice.extraordinary".into(),
                quorum_open: fraction("quorum_open", &self.quorum_open)?,
                quorum_decide: fraction("quorum_decide", &self.quorum_decide)?,
                majority,
                qualified,
                casting_vote: !self.casting_vote.is_empty(),
                public: !self.public.is_empty(),
                second_call,
                most_reappointments,
            },
        })
    }

    fn of(body: &Body) -> Self {
        let Described { slug, name, kind, act, purpose, law_ref, contact, term_from, term_until, rules } =
            body.what.clone();
        let yes = |is: bool| if is { "yes".to_owned() } else { String::new() };
        Self {
            slug,
            name,
            kind: kind.to_string(),
            act_kind: act.kind.to_string(),
            act_number: act.number,
            act_on: act.on.to_string(),
            purpose,
            law_ref,
            contact,
            term_from: term_from.to_string(),
            term_until: term_until.map(|day| day.to_string()).unwrap_or_default(),
            quorum_open: written(rules.quorum_open),
            quorum_decide: written(rules.quorum_decide),
            majority: rules.majority.to_string(),
            qualified: rules.qualified.map(written).unwrap_or_default(),
            casting_vote: yes(rules.casting_vote),
            public: yes(rules.public),
            second_after: rules.second_call.map(|call| call.after_min.to_string()).unwrap_or_default(),
            second_quorum: rules.second_call.map(|call| written(call.quorum)).unwrap_or_default(),
            most_reappointments: rules.most_reappointments.map(|most| most.to_string()).unwrap_or_default(),
            revision: body.revision.to_string(),
        }
    }

    /// What most bodies have.
    fn usual() -> Self {
        Self {
            kind: "council".into(),
            act_kind: "decree".into(),
            quorum_open: ">1/2".into(),
            quorum_decide: ">1/2".into(),
            majority: "simple".into(),
            casting_vote: "yes".into(),
            public: "yes".into(),
            second_after: "30".into(),
            second_quorum: "1/3".into(),
            most_reappointments: "1".into(),
            ..Self::default()
        }
    }
}

/// `?q=…&kind=…&in_force=…&after=…`; what a form leaves empty is not asked.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Search {
    q: String,
    kind: String,
    in_force: String,
    after: String,
}

impl Search {
    fn is_any(&self) -> bool {
        [&self.q, &self.kind, &self.in_force].iter().any(|text| !text.trim().is_empty())
    }

    fn asked(&self) -> Asked {
        let kind = Some(self.kind.clone()).filter(|kind| !kind.is_empty());
        Asked { q: self.q.clone(), kind, in_force: self.in_force.parse().ok(), after: self.after.clone() }
    }
}

async fn list(
    State(app): State<App>,
    staff: May<can::SeeSecretariat>,
    v: View,
    Query(search): Query<Search>,
) -> Result<Response, ApiError> {
    list_page(&app, v, &staff, (Fields::usual(), search), String::new()).await
}

async fn list_page(
    app: &App,
    v: View,
    staff: &Staff,
    (given, search): (Fields, Search),
    wrong: String,
) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let today = v.now.with_timezone(&v.tz).date_naive();
    let mut bodies = store::list(&mut conn, &search.asked().wanted(today)?).await?;
    let next = bodies.last().filter(|_| bodies.len() as i64 == store::PAGE).map(|last| last.what.slug.clone());
    bodies.retain(|body| may_see(&staff.roles, body).is_ok());
    // Mandates that end are told whatever is looked for.
    let mut seen = store::list(&mut conn, &store::Wanted::default()).await?;
    seen.retain(|body| may_see(&staff.roles, body).is_ok());
    let mut waiting = report::waiting(&mut conn, v.now, v.tz, &staff.roles).await?;
    waiting.rows.retain(|row| seen.iter().any(|body| body.what.slug == row.slug));
    let kinds: Vec<BodyKind> = BodyKind::ALL.iter().copied().filter(|kind| works(staff, *kind)).collect();
    let f = Frame::load(&mut conn, app, v, "sec-committees").await?;
    let status = status(&wrong);
    let may_work = !kinds.is_empty();
    Ok((status, page(&ListPage { f, bodies, next, search, waiting, given, wrong, may_work, kinds })?).into_response())
}

async fn create(
    State(app): State<App>,
    staff: May<can::WorkSecretariat>,
    v: View,
    Form(given): Form<Fields>,
) -> Result<Response, ApiError> {
    let actor = staff.actor();
    let by = Acting { ids: &app.ids, now: v.now, actor: &actor };
    let done = async {
        let new = given.read()?;
        may_work(&staff.roles, new.kind)?;
        let mut tx = app.db.web.begin().await?;
        desk::found(&mut tx, by, v.tz, &new).await?;
        tx.commit().await?;
        Ok::<_, Refused>(new.slug)
    };
    match done.await {
        Ok(slug) => Ok(Redirect::to(&format!("/secretaria/painel/comites/{slug}")).into_response()),
        Err(Refused::Forbidden(why)) => Err(ApiError::Forbidden(why)),
        Err(refused) => {
            let wrong = said(v.lang, refused)?;
            list_page(&app, v, &staff, (given, Search::default()), wrong).await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_in_portuguese_with_what_the_desk_knows() {
        for (part, key) in KNOWN {
            assert!(Lang::Pt.knows(key) && Lang::En.knows(key), "{key}");
            let told = said(Lang::Pt, Refused::Conflict(format!("{part}: Lei 1/2026"))).unwrap();
            assert!(told.starts_with(&Lang::Pt.t(key)) && told.contains("Lei 1/2026"), "{told}");
        }
    }

    #[test]
    fn fractions_are_read_as_they_are_written() {
        for text in ["1/2", ">1/2", "2/3"] {
            assert_eq!(written(fraction("q", text).unwrap()), text);
        }
        assert!(fraction("q", "half").is_err() && fraction("q", "1/x").is_err());
    }

    #[test]
    fn the_usual_rules_can_be_kept_as_they_are() {
        let days = |mut fields: Fields| {
            (fields.act_on, fields.term_from) = ("2026-01-01".into(), "2026-01-02".into());
            fields
        };
        assert_eq!(days(Fields::usual()).read().unwrap().rules.problems(), []);
    }
}
