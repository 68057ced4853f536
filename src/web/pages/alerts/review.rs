//! The review of a draft: what it will say, to whom, at what price, and what still keeps it from leaving.

use askama::Template;
use axum::response::Response;
use serde::Serialize;
use sqlx::PgConnection;

use crate::alerts::issue::Issuer;
use crate::alerts::state::AlertError;
use crate::alerts::store::AlertDetail;
use crate::app::App;
use crate::dispatch::audience::{Reach, preview as reach};
use crate::dispatch::sms_text::{self, Encoding, SmsLength};
use crate::ids::AreaId;
use crate::risk::reason::Reason;
use crate::units::Level;
use crate::web::delivery::{self, Progress, Recipient};
use crate::web::error::ApiError;
use crate::web::pages::alerts::{approval, composing, waiting};
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
}

/// Length, alphabet and price of the SMS in words.
#[derive(Debug, Serialize)]
pub struct SmsWords {
    pub summary: String,
    pub forcing: String,
    #[serde(rename = "centavos")]
    pub cost: String,
    pub duration: String,
}

pub(super) fn sms_words(app: &App, v: &View, text: &str, reach: &Reach) -> SmsWords {
    let SmsLength { encoding, units, segments, forcing } = sms_text::measure(text);
    let alphabet = if encoding == Encoding::Gsm7 { "GSM 7-bit" } else { "UCS-2" };
    let segments_text = v.t1("sms-segments", "n", segments);
    let summary = format!("{} · {segments_text} · {alphabet}", v.t1("sms-units", "n", units));
    let forcing: String = forcing.iter().map(|c| format!("“{c}” ")).collect();
    let forcing = if forcing.is_empty() { forcing } else { v.t1("sms-forcing", "letters", forcing.trim()) };
    let segments = i64::try_from(segments).unwrap_or(i64::MAX);
    let centavos = reach.sms.saturating_mul(segments).saturating_mul(app.config.dispatch.sms_segment_centavos.into());
    SmsWords { summary, forcing, cost: v.money(centavos), duration: duration(app, v, reach, segments) }
}

/// How long the last message takes at the contracted rates; the sink takes no time.
fn duration(app: &App, v: &View, reach: &Reach, segments: i64) -> String {
    let sms_rate = app.config.sms.smpp.first().map_or(0, |provider| i64::from(provider.messages_per_second));
    let mail_rate = if app.config.mail.url.is_empty() { 0 } else { i64::from(app.config.mail.messages_per_second) };
    let seconds = |messages: i64, rate: i64| if rate > 0 { (messages + rate - 1) / rate } else { 0 };
    let longest = seconds(reach.sms.saturating_mul(segments), sms_rate).max(seconds(reach.email, mail_rate));
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
    let reach = reach(&mut *conn, a.row.id).await?;
    let sms = sms_words(app, &f.v, &a.row.sms_text, &reach);
    let area_ids: Vec<AreaId> = a.areas.iter().map(|area| area.area_id).collect();
    let wish = MapWish { chosen: &area_ids, ..MapWish::default() };
    let map = drawing::map(&mut *conn, &f.v, wish).await?;
    let bounds = crate::alerts::shape::store::bounds(&mut *conn, a.row.id).await?;
    let bounds = bounds.map_or_else(|| "null".to_owned(), |[w, s, e, n]| format!("[[{w},{s}],[{e},{n}]]"));
    let version = crate::web::situation::level_version(&mut *conn).await?;
    let drafted: Vec<Reason> = serde_json::from_value(a.row.reasons.clone()).unwrap_or_default();
    let (cap, missing) = cap_preview(&mut *conn, app, &f, &a).await?;
    let checks = checks(&f.v, &a, &reach, &missing);
    let c = composing::load(&mut *conn, app, &f.v, &a, &reach).await?;
    let who = approval::tell(&mut *conn, app, &f.v, &a.row).await?;
    let act = match a.row.kind.as_str() {
        "all_clear" => f.v.t("act-end"),
        "cancel" => f.v.t("act-cancel"),
        _ => f.v.t("act-issue"),
    };
    page(&ReviewPage {
        level: super::level(&a.row.level),
        title: format!("{} · {}", f.v.hazard(&a.row.cobrade), area_names(&f.v, &a, 3)),
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
        said,
        a,
        f,
    })
}

fn area_names(v: &View, a: &AlertDetail, shown: usize) -> String {
    let names: Vec<String> = a.places.iter().map(|place| place.name.clone()).collect();
    crate::web::pages::now::names(v, &names, shown)
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
        Err(AlertError::Incomplete(missing)) => Ok((String::new(), missing)),
        Err(AlertError::Refused(why)) => Ok((String::new(), vec![why])),
        Err(error) => Err(error.into()),
    }
}

fn checks(v: &View, a: &AlertDetail, reach: &Reach, missing: &[String]) -> Vec<Check> {
    let row = &a.row;
    let length = sms_text::measure(&row.sms_text);
    let grade = |good: bool, otherwise: &'static str| if good { "ok" } else { otherwise };
    let mut checks = vec![
        Check { class: grade(!a.places.is_empty(), "no"), text: v.t1("check-areas", "n", a.places.len()) },
        Check { class: grade(!row.instruction.trim().is_empty(), "no"), text: v.t("check-instruction") },
        Check { class: grade(row.expires_at > v.now, "no"), text: v.t1("check-expires", "at", v.when(row.expires_at)) },
        Check {
            class: grade(row.headline.chars().count() <= 140, "mind"),
            text: v.t1("check-headline", "n", row.headline.chars().count()),
        },
        Check { class: grade(length.segments <= 2, "mind"), text: v.t1("check-sms", "n", length.segments) },
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
    recipients: Vec<Recipient>,
    at_page: i64,
    more: bool,
    history: Vec<Told>,
    incident: Option<(uuid::Uuid, String)>,
    answers: Vec<(uuid::Uuid, String, String)>,
    /// Names of those who stood behind it before whoever issued it.
    with: String,
    /// Who was paged while it waited.
    waits: Vec<waiting::Told>,
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
        title: format!("{} · {}", f.v.hazard(&a.row.cobrade), area_names(&f.v, &a, 3)),
        lines: reasons::lines(&f.v, &drafted, 4),
        sms_bar: delivery::bar(&f.v, &progress.sms),
        email_bar: delivery::bar(&f.v, &progress.email),
        progress,
        recipients,
        at_page,
        more,
        history,
        with: approval::with(&a),
        waits: waiting::of(&mut *conn, &f.v, id).await?,
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
