//! The review of a draft: what it will say, to whom, at what price, and what still keeps it from leaving.

use askama::Template;
use axum::response::Response;
use serde::Serialize;
use sqlx::PgConnection;

use crate::alerts::cap::{validate, xml};
use crate::alerts::issue::Issuer;
use crate::alerts::state::AlertError;
use crate::alerts::store::AlertDetail;
use crate::alerts::templates::FALLBACK;
use crate::app::App;
use crate::dispatch::audience::{Reach, preview as reach};
use crate::dispatch::content::{Content, Letter, Sender};
use crate::dispatch::sms_text::{self, Encoding, SmsLength};
use crate::ids::AreaId;
use crate::institutions::store::Warned;
use crate::risk::reason::Reason;
use crate::units::Level;
use crate::web::delivery::{self, Progress, Recipient};
use crate::web::error::ApiError;
use crate::web::pages::alerts::{approval, composing, told, waiting};
use crate::web::pages::drawing::{self, MapWish};
use crate::web::pages::frame::Frame;
use crate::web::pages::history::{self, Act, Told};
use crate::web::pages::page;
use crate::web::pages::reasons::{self, Line};
use crate::web::pages::view::{Markup, View};

/// What the page says about the last act.
#[derive(Debug, Default)]
pub struct Said {
    pub good: Option<String>,
    pub bad: Option<String>,
    /// Texts that could not be saved, so that nobody's words are lost.
    pub kept: Vec<(String, String)>,
}

/// One line of the checks.
struct Check {
    /// "ok", "mind" (may leave) or "no" (may not).
    class: &'static str,
    text: String,
}

/// The e-mail as it would leave, around the texts that are being written.
struct LetterWords {
    subject: String,
    /// The banner of what is not real; empty of the real thing.
    lead: String,
    /// Where, until when, links, and who sends it.
    foot: String,
}

fn letter(app: &App, v: &View, a: &AlertDetail) -> LetterWords {
    let (row, town) = (&a.row, &app.config.municipality);
    let content = Content {
        status: row.status.clone(),
        kind: row.kind.clone(),
        headline: row.headline.clone(),
        description: row.description.clone(),
        instruction: row.instruction.clone(),
        sms_text: row.sms_text.clone(),
        areas: a.places.iter().map(|place| place.name.clone()).collect(),
        // It is given when the alert leaves.
        cap_identifier: v.t("preview-email-identifier"),
        expires_at: row.expires_at,
    };
    let public_url = app.config.public_url().to_string();
    let sender =
        Sender { name: &town.sender_name, contact: &town.contact, public_url: &public_url, time_zone: town.time_zone };
    let Letter { subject, text, .. } = content.letter(&sender, FALLBACK, None);
    let texts = format!("{subject}\n\n{}\n\n{}\n\n", row.description, row.instruction);
    let (lead, foot) = text.split_once(&texts).unwrap_or(("", &text));
    LetterWords { lead: lead.trim().to_owned(), foot: foot.trim().to_owned(), subject }
}

#[derive(Template)]
#[template(path = "review.html")]
struct ReviewPage {
    f: Frame,
    a: AlertDetail,
    said: Said,
    level: Level,
    title: String,
    lines: Vec<Line>,
    rule: String,
    sms: SmsWords,
    checks: Vec<Check>,
    /// Nothing keeps it from leaving.
    clear: bool,
    may_issue: bool,
    may_edit: bool,
    reach: Reach,
    cost: String,
    duration: String,
    cap: String,
    map: Markup,
    bounds: String,
    chosen: String,
    version: String,
    /// What the act is called: issue, end, cancel.
    act: String,
    who: approval::Told,
    c: composing::Composing,
    letter: LetterWords,
    /// How many a test or system message reaches; none of any other.
    testers: Option<usize>,
}

/// Length, alphabet and price of the SMS in words.
#[derive(Debug, Serialize)]
pub struct SmsWords {
    pub summary: String,
    pub forcing: String,
    #[serde(rename = "centavos")]
    pub cost: String,
    pub duration: String,
    #[serde(skip)]
    pub segments: usize,
}

pub(super) fn sms_words(app: &App, v: &View, text: &str, reach: &Reach) -> SmsWords {
    let SmsLength { encoding, units, segments, forcing } =
        sms_text::measure_with(text, reach.tier(&app.config).is_national());
    let alphabet = if encoding == Encoding::Ucs2 { "UCS-2" } else { "GSM 7-bit" };
    let segments_text = v.t1("sms-segments", "n", segments);
    let summary = format!("{} · {segments_text} · {alphabet}", v.t1("sms-units", "n", units));
    let forcing: String = forcing.iter().map(|c| format!("“{c}” ")).collect();
    let forcing = if forcing.is_empty() { forcing } else { v.t1("sms-forcing", "letters", forcing.trim()) };
    let cost = v.money(reach.centavos(&app.config, segments));
    SmsWords { summary, forcing, cost, duration: duration(app, v, reach, segments), segments }
}

/// How long the last message takes at the contracted rates; the sink takes no time.
fn duration(app: &App, v: &View, reach: &Reach, segments: usize) -> String {
    let longest = i64::try_from(reach.time_to_deliver(&app.config, segments).as_secs()).unwrap_or(i64::MAX);
    if longest < 60 {
        v.t1("seconds", "n", longest.max(1))
    } else {
        v.t2("minutes-seconds", "m", longest / 60, "s", longest % 60)
    }
}

pub async fn render(
    conn: &mut PgConnection,
    app: &App,
    f: Frame,
    a: AlertDetail,
    said: Said,
) -> Result<Response, ApiError> {
    let reach = reach(&mut *conn, f.v.now, a.row.id).await?;
    let sms = sms_words(app, &f.v, &a.row.sms_text, &reach);
    let area_ids: Vec<AreaId> = a.areas.iter().map(|area| area.area_id).collect();
    let wish = MapWish { chosen: &area_ids, ..MapWish::default() };
    let map = drawing::map(&mut *conn, &f.v, wish).await?;
    let bounds = crate::alerts::shape::store::bounds(&mut *conn, a.row.id).await?;
    let bounds = bounds.map_or_else(|| "null".to_owned(), |[w, s, e, n]| format!("[[{w},{s}],[{e},{n}]]"));
    let version = crate::web::situation::level_version(&mut *conn).await?;
    let drafted: Vec<Reason> = serde_json::from_value(a.row.reasons.clone()).unwrap_or_default();
    let (cap, missing) = cap_preview(&mut *conn, app, &f, &a).await?;
    let mut checks = checks(&f.v, &a, &reach, (sms.segments, &missing));
    checks.extend(advice(&f.v, &cap));
    let c = composing::load(&mut *conn, app, &f.v, &a, &reach).await?;
    let who = approval::tell(&mut *conn, app, &f.v, &a.row).await?;
    let act = match a.row.kind.as_str() {
        "all_clear" => f.v.t("act-end"),
        "cancel" => f.v.t("act-cancel"),
        _ => f.v.t("act-issue"),
    };
    page(&ReviewPage {
        level: super::level(&a.row.level),
        title: title(&f.v, &a),
        lines: reasons::lines(&f.v, &drafted, 4),
        rule: crate::web::pages::now::rule(a.row.rule_id.as_deref(), a.row.rule_version),
        clear: missing.is_empty(),
        may_issue: f.v.may(crate::accounts::Permission::IssueAlerts),
        may_edit: f.v.may(crate::accounts::Permission::DraftAlerts),
        cost: sms.cost.clone(),
        duration: sms.duration.clone(),
        chosen: area_ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
        sms,
        checks,
        reach,
        cap,
        map,
        bounds,
        version,
        act: if who.first { f.v.t("act-approve") } else { act },
        who,
        c,
        letter: letter(app, &f.v, &a),
        testers: matches!(a.row.status.as_str(), "test" | "system").then_some(app.config.exercises.testers.len()),
        said,
        a,
        f,
    })
}

/// The hazard, and where; a draft that was just begun holds nowhere yet.
pub(super) fn title(v: &View, a: &AlertDetail) -> String {
    let (hazard, names) = (v.hazard(&a.row.cobrade), a.places.iter().map(|place| place.name.clone()));
    let names: Vec<String> = names.collect();
    if names.is_empty() { hazard } else { format!("{hazard} · {}", crate::web::pages::now::names(v, &names, 3)) }
}

/// The message as it would leave now, and what keeps it from leaving. Composed in a transaction that is rolled back, so
/// neither the number nor the identifier is taken.
async fn cap_preview(
    conn: &mut PgConnection,
    app: &App,
    f: &Frame,
    a: &AlertDetail,
) -> Result<(String, Vec<String>), ApiError> {
    let actor = f.v.staff.as_ref().map_or("", |staff| staff.username.as_str());
    let issuer = Issuer::of(app);
    let mut tx = sqlx::Connection::begin(conn).await?;
    let composed = issuer.preview(&mut tx, f.v.now, actor, a.row.id).await;
    tx.rollback().await?;
    match composed {
        Ok(xml) => Ok((xml, Vec::new())),
        Err(AlertError::Incomplete(missing)) => Ok((String::new(), told::lacks(&f.v, &missing))),
        Err(AlertError::Refused(why)) => Ok((String::new(), vec![told::refusal(&f.v, &why)])),
        Err(error) => Err(error.into()),
    }
}

/// What the standard recommends and the message does not have.
fn advice(v: &View, cap: &str) -> Vec<Check> {
    let advised = xml::parse(cap).map_or_else(|_| Vec::new(), |message| validate::advise(&message));
    let told = advised.iter().map(|problem| told::cap(v, "check-cap-advice", problem));
    told.map(|text| Check { class: "mind", text }).collect()
}

fn checks(v: &View, a: &AlertDetail, reach: &Reach, (segments, missing): (usize, &[String])) -> Vec<Check> {
    let row = &a.row;
    let grade = |good: bool, otherwise: &'static str| if good { "ok" } else { otherwise };
    let mut checks = vec![
        Check { class: grade(!a.places.is_empty(), "no"), text: v.t1("check-areas", "n", a.places.len()) },
        Check { class: grade(!row.instruction.trim().is_empty(), "no"), text: v.t("check-instruction") },
        Check { class: grade(row.expires_at > v.now, "no"), text: v.t1("check-expires", "at", v.when(row.expires_at)) },
        Check {
            class: grade(row.headline.chars().count() <= 140, "mind"),
            text: v.t1("check-headline", "n", row.headline.chars().count()),
        },
        Check { class: grade(segments <= 2, "mind"), text: v.t1("check-sms", "n", segments) },
        Check {
            class: grade(reach.sms + reach.email > 0, "mind"),
            text: v.t1("check-reach", "n", v.count(reach.sms + reach.email)),
        },
    ];
    if reach.unreachable > 0 {
        checks.push(Check { class: "mind", text: v.t1("check-unreachable", "n", v.count(reach.unreachable)) });
    }
    checks.push(Check { class: grade(missing.is_empty(), "no"), text: v.t("check-cap") });
    checks.extend(missing.iter().map(|text| Check { class: "no", text: text.clone() }));
    checks
}

#[derive(Template)]
#[template(path = "issued.html")]
struct IssuedPage {
    f: Frame,
    a: AlertDetail,
    level: Level,
    title: String,
    lines: Vec<Line>,
    progress: Progress,
    sms_bar: Markup,
    email_bar: Markup,
    endpoints_bar: Markup,
    recipients: Vec<Recipient>,
    /// The final report of the delivery is there.
    reported: bool,
    at_page: i64,
    more: bool,
    history: Vec<Told>,
    incident: Option<(uuid::Uuid, String)>,
    answers: Vec<(uuid::Uuid, String, String)>,
    /// Names of those who stood behind it before whoever issued it.
    with: String,
    /// Who was paged while it waited.
    waits: Vec<waiting::Told>,
    /// Institutions that it holds for, and whether somebody there has seen it.
    institutions: Vec<Warned>,
    map: Markup,
}

impl IssuedPage {
    /// Its end or an update can be drafted: it warns, and is in force or has only just run out.
    fn may_answer(&self) -> bool {
        let row = &self.a.row;
        let warns = matches!(row.kind.as_str(), "alert" | "update");
        warns
            && matches!(row.state.as_str(), "issued" | "expired")
            && self.f.v.may(crate::accounts::Permission::DraftAlerts)
    }
}

const RECIPIENTS_A_PAGE: i64 = 100;

pub async fn render_issued(
    conn: &mut PgConnection,
    f: Frame,
    a: AlertDetail,
    at_page: i64,
) -> Result<Response, ApiError> {
    let id = a.row.id;
    let progress = delivery::progress(&mut *conn, id).await?;
    let mut recipients =
        delivery::recipients(&mut *conn, id, RECIPIENTS_A_PAGE + 1, at_page.saturating_mul(RECIPIENTS_A_PAGE)).await?;
    let more = recipients.len() as i64 > RECIPIENTS_A_PAGE;
    recipients.truncate(RECIPIENTS_A_PAGE as usize);
    let incident = sqlx::query!(
        "select i.id, i.number from incident i join incident_alert ia on ia.incident_id = i.id where ia.alert_id = $1",
        id.0
    )
    .fetch_optional(&mut *conn)
    .await?;
    let answers = sqlx::query!(
        r#"select id, kind, coalesce(number, '') as "number!" from alert
           where references_alert_id = $1 and state <> 'discarded' order by created_at"#,
        id.0
    )
    .fetch_all(&mut *conn)
    .await?;
    let area_ids: Vec<AreaId> = a.areas.iter().map(|area| area.area_id).collect();
    let wish = MapWish { chosen: &area_ids, link: "/console/areas/", ..MapWish::default() };
    let map = drawing::map(&mut *conn, &f.v, wish).await?;
    let drafted: Vec<Reason> = serde_json::from_value(a.row.reasons.clone()).unwrap_or_default();
    let history = history(&mut *conn, &f.v, &a).await?;
    page(&IssuedPage {
        level: super::level(&a.row.level),
        title: title(&f.v, &a),
        lines: reasons::lines(&f.v, &drafted, 4),
        sms_bar: delivery::bar(&f.v, &progress.sms),
        email_bar: delivery::bar(&f.v, &progress.email),
        endpoints_bar: delivery::bar(&f.v, &progress.endpoints),
        progress,
        recipients,
        reported: crate::dispatch::store::report::exists(&mut *conn, id).await?,
        at_page,
        more,
        history,
        with: approval::with(&a),
        waits: waiting::of(&mut *conn, &f.v, id).await?,
        institutions: crate::institutions::store::of_alert(&mut *conn, id).await?,
        incident: incident.map(|row| (row.id, row.number)),
        answers: answers.into_iter().map(|row| (row.id, row.kind, row.number)).collect(),
        map,
        a,
        f,
    })
}

async fn history(conn: &mut PgConnection, v: &View, a: &AlertDetail) -> sqlx::Result<Vec<Told>> {
    let areas = history::area_names(conn, a.events.iter().map(|event| &event.detail)).await?;
    let acts: Vec<Act<'_>> = a
        .events
        .iter()
        .map(|event| Act {
            at: event.at,
            actor: &event.actor,
            action: &event.action,
            detail: &event.detail,
            about: event.detail.get("number").and_then(serde_json::Value::as_str).unwrap_or_default(),
        })
        .collect();
    Ok(history::tell(v, &acts, &areas))
}
