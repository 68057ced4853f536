//! How a draft reads and reaches: what is shown beside its texts, at the first look and while they are written.

use std::fmt::Write as _;
use std::time::Duration;

use axum::extract::{Form, Path, State};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::review::{SmsWords, sms_words};
use crate::alerts::draft::Drafter;
use crate::alerts::plain::{Field, Finding, Question, Review, Rule, Weight};
use crate::alerts::shape::store::{self as shapes, CELL_REACH_M, Difference, Drawn, MOST_COUNTED, Place};
use crate::alerts::store::AlertDetail;
use crate::alerts::templates::FALLBACK;
use crate::alerts::wording::{OtherText, own};
use crate::app::App;
use crate::dispatch::audience::{Reach, preview as reach};
use crate::dispatch::sms_text;
use crate::ids::AlertId;
use crate::web::auth::Staff;
use crate::web::error::ApiError;
use crate::web::pages::view::{Markup, View};

/// A letter that forces sixteen bits, and what can stand for it.
#[derive(Clone, Debug, Serialize)]
pub struct Letter {
    pub letter: char,
    /// Empty where nothing is like it.
    pub plain: String,
}

/// One of the five questions with the words that answer it.
#[derive(Clone, Debug, Serialize)]
pub struct Asked {
    pub question: String,
    /// "ok" or "mind".
    pub class: &'static str,
    pub sms: String,
    pub page: String,
}

/// A finding in the reader's words.
#[derive(Clone, Debug, Serialize)]
pub struct Found {
    /// "no" (cannot leave), "mind" (look first) or "hint".
    pub class: &'static str,
    pub field: String,
    pub text: String,
}

/// What is said of the texts of one language.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Reading {
    /// The SMS as phones put it together.
    pub parts: Vec<String>,
    pub letters: Vec<Letter>,
    /// The SMS without any letter that doubles its price; empty where there is none to replace.
    pub plain_sms: String,
    pub asked: Vec<Asked>,
    pub found: Vec<Found>,
    /// Said where nothing was found.
    pub nothing: String,
}

/// Another language of a list.
#[derive(Debug)]
pub struct LanguageCard {
    pub text: OtherText,
    pub name: String,
    pub summary: String,
    /// Findings that block or warn.
    pub heavy: usize,
}

/// Everything that the review shows beside what it always did.
#[derive(Debug)]
pub struct Composing {
    pub reading: Reading,
    pub languages: Vec<LanguageCard>,
    /// The town's own text was changed by hand while another language is still the template's.
    pub languages_differ: bool,
    pub places: Vec<Place>,
    pub difference: Difference,
    pub drawing: Markup,
    pub reach: Vec<(String, String)>,
    pub grades: Vec<(String, String, String)>,
    pub shape: Vec<(String, String)>,
}

/// Reads what the review shows of a draft.
pub async fn load(
    conn: &mut PgConnection,
    app: &App,
    v: &View,
    a: &AlertDetail,
    reach: &Reach,
) -> Result<Composing, ApiError> {
    let drafter = Drafter { config: &app.config, templates: &app.templates, ids: &app.ids };
    let reviews = drafter.look(&mut *conn, &a.row).await?;
    let difference = shapes::difference(&mut *conn, a.row.id).await?;
    let own = own(&a.row);
    let mut reviews = reviews.into_iter();
    let national = reach.tier(&app.config).is_national();
    let reading = reviews.next().map_or_else(Reading::default, |review| reading(v, (&own.sms_text, national), &review));
    let languages =
        a.texts.iter().cloned().zip(reviews).map(|(text, review)| card(v, (text, national), &review)).collect();
    Ok(Composing {
        reading,
        languages,
        languages_differ: a.row.edited && a.texts.iter().any(|text| !text.edited),
        places: a.places.clone(),
        drawing: drawing(v, &difference),
        reach: reach_lines(app, v, a, reach, &difference),
        grades: grades(v, reach),
        shape: shape_lines(v, &difference),
        difference,
    })
}

fn card(v: &View, (text, national): (OtherText, bool), review: &Review) -> LanguageCard {
    let segments = sms_text::measure_with(&text.sms_text, national).segments;
    let state = v.t(if text.edited { "texts-edited" } else { "texts-from-template" });
    LanguageCard {
        name: v.word("language", &text.language),
        summary: format!("{state} · {}", v.t1("sms-segments", "n", segments)),
        heavy: review.count(Weight::Blocks) + review.count(Weight::Warns),
        text,
    }
}

/// What is said of a text; `national` where every provider at work carries the Portuguese table, so that accents cost little.
pub fn reading(v: &View, (sms, national): (&str, bool), review: &Review) -> Reading {
    let letters: Vec<Letter> = sms_text::measure_with(sms, national)
        .forcing
        .into_iter()
        .map(|letter| Letter { letter, plain: sms_text::replacement(letter).unwrap_or_default() })
        .collect();
    let plain = if letters.is_empty() { sms.to_owned() } else { sms_text::transliterate(sms) };
    Reading {
        parts: sms_text::segments_with(sms, national).into_iter().map(str::to_owned).collect(),
        letters,
        plain_sms: if plain == sms { String::new() } else { plain },
        asked: review
            .answers
            .iter()
            .map(|answer| {
                let told = |words: &Option<String>| words.clone().unwrap_or_else(|| v.t("plain-unanswered"));
                let both = answer.sms.is_some() && answer.page.is_some();
                let later = answer.question == Question::When && answer.page.is_some();
                Asked {
                    question: v.word("plain-question", answer.question.as_str()),
                    class: if both || later { "ok" } else { "mind" },
                    sms: told(&answer.sms),
                    page: told(&answer.page),
                }
            })
            .collect(),
        found: review.findings.iter().map(|finding| found(v, finding)).collect(),
        nothing: if review.findings.is_empty() { v.t("plain-nothing") } else { String::new() },
    }
}

fn found(v: &View, finding: &Finding) -> Found {
    let key = format!("plain-{}", finding.rule.as_str().replace('_', "-"));
    let count = finding.count.unwrap_or(0);
    let text = match finding.rule {
        Rule::Jargon => v.t2(&key, "found", &finding.found, "easier", &finding.suggestion),
        Rule::LongSentence | Rule::LongStep => v.t2(&key, "found", &finding.found, "n", count),
        Rule::LongHeadline | Rule::LongDescription | Rule::LongSms | Rule::ManySteps => v.t1(&key, "n", count),
        Rule::Acronym | Rule::Measure | Rule::Shouting | Rule::Link | Rule::StepWithoutVerb => {
            v.t1(&key, "found", &finding.found)
        }
        _ => v.t(&key),
    };
    let class = match finding.weight {
        Weight::Blocks => "no",
        Weight::Warns => "mind",
        Weight::Hint => "hint",
    };
    Found { class, field: field_name(v, finding.field), text }
}

fn field_name(v: &View, field: Field) -> String {
    v.t(match field {
        Field::Sms => "field-short-sms",
        Field::Headline => "field-headline",
        Field::Description => "field-description",
        Field::Instruction => "field-short-instruction",
    })
}

/// A time in words; the sink takes none.
fn took(v: &View, time: Duration) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    match seconds {
        ..60 => v.t1("seconds", "n", seconds.max(1)),
        60..3600 => v.t2("minutes-seconds", "m", seconds / 60, "s", seconds % 60),
        _ => v.t2("hours-minutes", "h", seconds / 3600, "m", seconds % 3600 / 60),
    }
}

/// Whom it reaches, how fast and at what price, line by line.
fn reach_lines(app: &App, v: &View, a: &AlertDetail, reach: &Reach, difference: &Difference) -> Vec<(String, String)> {
    let segments = sms_text::measure_with(&a.row.sms_text, reach.tier(&app.config).is_national()).segments;
    let [sms, email] = reach.times_to_deliver(&app.config, segments);
    let line = |key: &str, value: String| (v.t(key), value);
    let mut lines = vec![
        line("reach-people", v.count(reach.residents)),
        line(
            "reach-sms",
            format!("{} · {} · {}", v.count(reach.sms), took(v, sms), v.money(reach.centavos(&app.config, segments))),
        ),
        line("reach-email", format!("{} · {}", v.count(reach.email), took(v, email))),
        line("reach-unreachable", v.count(reach.unreachable)),
        line("reach-needs", v.count(reach.with_needs)),
    ];
    let needs = reach.needs.named().into_iter().filter(|(_, people)| *people > 0);
    lines.extend(needs.map(|(need, people)| (format!("· {}", v.word("need", need)), v.count(people))));
    if reach.others > 0 {
        lines.push(line("reach-others", v.count(reach.others)));
        lines.push(line("reach-others-needs", v.count(reach.others_with_needs)));
        let needs = reach.others_needs.named().into_iter().filter(|(_, people)| *people > 0);
        lines.extend(needs.map(|(need, people)| (format!("· {}", v.word("need", need)), v.count(people))));
    }
    lines.extend(audience_lines(v, a, reach));
    lines.extend(left_out(v, reach));
    if reach.in_english + reach.in_spanish > 0 {
        lines.push(line(
            "reach-languages",
            v.t2("reach-languages-value", "en", v.count(reach.in_english), "es", v.count(reach.in_spanish)),
        ));
    }
    let near = if difference.people_near > MOST_COUNTED {
        v.t1("reach-more-than", "n", v.count(MOST_COUNTED))
    } else {
        v.count(difference.people_near)
    };
    lines.push((v.t1("reach-near", "km", v.decimal(CELL_REACH_M / 1000.0)), near));
    lines
}

/// Whom a choice for this alert brings in and leaves out.
fn audience_lines(v: &View, a: &AlertDetail, reach: &Reach) -> Vec<(String, String)> {
    let around = (a.row.buffer_m > 0).then(|| (v.t1("reach-around", "m", a.row.buffer_m), v.count(reach.around)));
    let coarse = a.row.leave_out_from_m.map(|from| (v.t1("reach-coarse", "m", from), v.count(reach.coarse_place)));
    around.into_iter().chain(coarse).collect()
}

/// Channels that are not used, by why; a reason that holds for none is not said.
fn left_out(v: &View, reach: &Reach) -> Vec<(String, String)> {
    let held = [
        ("reach-below-level", reach.below_least_level),
        ("reach-quiet", reach.quiet_hours),
        ("reach-blocked", reach.blocked),
        ("reach-opted-out", reach.opted_out),
        ("reach-unverified", reach.unverified),
        ("reach-withdrawn", reach.consent_withdrawn),
        ("reach-duplicate", reach.duplicate_address),
    ];
    held.into_iter()
        .filter(|(_, channels)| *channels > 0)
        .map(|(key, channels)| (v.t(key), v.count(channels)))
        .collect()
}

/// People and SMS by the grade of their place.
fn grades(v: &View, reach: &Reach) -> Vec<(String, String, String)> {
    let names = ["R4", "R3", "R2", "R1"].map(str::to_owned).into_iter().chain([v.t("reach-ungraded")]);
    let counts = reach.people_by_grade.into_iter().zip(reach.sms_by_grade);
    names
        .zip(counts)
        .filter(|(_, (people, sms))| people + sms > 0)
        .map(|(name, (people, sms))| (name, v.count(people), v.count(sms)))
        .collect()
}

/// What the message carries, held against what was meant.
pub fn shape_lines(v: &View, difference: &Difference) -> Vec<(String, String)> {
    let km2 = |value: f64| v.t1("shape-km2", "n", fine(v, value));
    let percent = format!("{} %", v.decimal((difference.overspill * 1000.0).round() / 10.0));
    vec![
        (v.t("shape-size"), km2(difference.area_km2)),
        (
            v.t("shape-vertices"),
            v.t2(
                "shape-vertices-value",
                "before",
                v.count(whole(difference.vertices_before)),
                "after",
                v.count(whole(difference.vertices_after)),
            ),
        ),
        (
            v.t("shape-added"),
            v.t2("shape-strip", "km2", fine(v, difference.added_km2), "people", v.count(difference.people_added)),
        ),
        (
            v.t("shape-lost"),
            v.t2("shape-strip", "km2", fine(v, difference.lost_km2), "people", v.count(difference.people_lost)),
        ),
        (v.t("shape-overspill"), percent),
    ]
}

fn whole(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Square kilometres with as many digits as say something: a strip of 100 m² is 0.0001.
fn fine(v: &View, km2: f64) -> String {
    match km2 {
        10.0.. => v.decimal((km2 * 10.0).round() / 10.0),
        0.01.. => v.decimal((km2 * 1000.0).round() / 1000.0),
        _ => v.decimal((km2 * 1e6).round() / 1e6),
    }
}

/// What is meant and what leaves, over each other.
pub fn drawing(v: &View, difference: &Difference) -> Markup {
    let Drawn { bounds, meant, sent, added, lost } = &difference.drawn;
    let Some([west, south, east, north]) = *bounds else { return Markup::default() };
    let margin = 0.12 * (east - west).max(north - south).max(50.0);
    let (width, height) = (east - west + 2.0 * margin, north - south + 2.0 * margin);
    let mut svg = format!(
        r#"<svg class="drawn compared" viewBox="{:.0} {:.0} {width:.0} {height:.0}" preserveAspectRatio="xMidYMid meet" role="img" aria-label="{}">"#,
        west - margin,
        -(north + margin),
        v.t("shape-map-label")
    );
    let step = width / 60.0;
    // Writing to a String cannot fail.
    let _ = write!(
        svg,
        r#"<defs><pattern id="lost" width="{step:.1}" height="{step:.1}" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line x1="0" y1="0" x2="0" y2="{step:.1}" vector-effect="non-scaling-stroke"/></pattern></defs>"#
    );
    let parts = [
        ("kept", meant, "shape-meant"),
        ("gained", added, "shape-added"),
        ("lost", lost, "shape-lost"),
        ("was", meant, "shape-meant"),
        ("is", sent, "shape-sent"),
    ];
    for (class, path, key) in parts.into_iter().filter(|(_, path, _)| !path.is_empty()) {
        let _ = write!(svg, r#"<path class="{class}" d="{path}"><title>{}</title></path>"#, v.t(key));
    }
    svg.push_str("</svg>");
    Markup(svg)
}

/// The texts of a form that is being written.
#[derive(Debug, Deserialize)]
pub struct BeingWritten {
    /// The SMS.
    text: String,
    #[serde(default)]
    headline: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    instruction: Option<String>,
    #[serde(default)]
    language: Option<String>,
}

/// Length and price of a text that is being written, and how it reads.
#[derive(Debug, Serialize)]
pub struct Measured {
    #[serde(flatten)]
    sms: SmsWords,
    #[serde(flatten)]
    reading: Reading,
}

/// Measures and reads texts that are being written; nothing is stored.
pub async fn measure(
    State(app): State<App>,
    Extension(_): Extension<Staff>,
    v: View,
    Path(id): Path<uuid::Uuid>,
    Form(given): Form<BeingWritten>,
) -> Result<Json<Measured>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let alert = super::load(&mut conn, AlertId(id)).await?;
    let reach = reach(&mut conn, app.clock.now(), AlertId(id)).await?;
    let language = given.language.unwrap_or_else(|| FALLBACK.to_owned());
    let saved = alert.texts.iter().find(|text| text.language == language).cloned().unwrap_or_else(|| own(&alert.row));
    let text = OtherText {
        language,
        headline: given.headline.unwrap_or(saved.headline),
        description: given.description.unwrap_or(saved.description),
        instruction: given.instruction.unwrap_or(saved.instruction),
        sms_text: given.text,
        edited: true,
    };
    let names: Vec<String> = alert.places.iter().map(|place| place.name.clone()).collect();
    let drafter = Drafter { config: &app.config, templates: &app.templates, ids: &app.ids };
    let review = drafter.look_at(&alert.row, &names, &text)?;
    Ok(Json(Measured {
        sms: sms_words(&app, &v, &text.sms_text, &reach),
        reading: reading(&v, (&text.sms_text, reach.tier(&app.config).is_national()), &review),
    }))
}
