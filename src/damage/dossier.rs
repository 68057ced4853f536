//! Everything that the documents print, as one piece of data: words, figures with their sources, sums. Pure, in Portuguese, because the
//! documents are official. The template lays out and computes nothing.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use serde::Serialize;
use uuid::Uuid;

use super::documents::{self, Kind, Paragraph};
use super::figures::{Entry, Source};
use super::levels::Declared;
use super::lines::{Amount, Line, Part};
use super::sections::{OCCUPATIONS, Sections};
use super::view::Whole;
use super::{Document, Dossier, Photograph, s2id};
use crate::clock::Instant;
use crate::cobrade::Cobrade;
use crate::config::Municipality;
use crate::deadlines::words as deadline_words;
use crate::i18n::Lang;

const PT: Lang = Lang::Pt;
/// What stands where nobody said a number.
const UNKNOWN: &str = "não apurado";

/// A label with its value.
type Pair = [String; 2];

/// A line of FIDE 6 or 7 with each of its entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PrintedLine {
    pub label: String,
    pub cells: Vec<String>,
    /// What each entry rests on, and what it says.
    pub sources: Vec<PrintedSource>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PrintedSource {
    pub text: String,
    pub cells: Vec<String>,
}

/// A table of FIDE 6 or 7.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PrintedPart {
    pub title: String,
    pub columns: Vec<String>,
    pub lines: Vec<PrintedLine>,
    pub sums: Vec<Pair>,
    pub words: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PrintedPaper {
    pub kind: &'static str,
    pub title: String,
    pub number: String,
    pub is_draft: bool,
    pub adopted: String,
    /// The day of a decree, as the mayor's office gave it.
    pub dated: String,
    pub paragraphs: Vec<Pair>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PrintedPhotograph {
    /// Of the attachment: a caption is printed under its own picture and no other.
    pub id: Uuid,
    pub file: String,
    pub caption: String,
    pub taken: String,
    pub place: String,
}

/// What the template reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Printed {
    pub town: String,
    pub state: String,
    pub authority: String,
    pub contact: String,
    pub incident: String,
    pub title: String,
    pub version: i32,
    /// Nothing is adopted of it as a whole: every page says MINUTA.
    pub is_draft: bool,
    pub is_drill: bool,
    pub cobrade: String,
    pub cobrade_name: String,
    pub occurred: String,
    pub printed: String,
    /// Which documents to print, in their order.
    pub parts: Vec<&'static str>,
    /// FIDE 1 to 5, 8 and 9: title and rows.
    pub sections: Vec<(String, Vec<Pair>)>,
    pub figures: Vec<PrintedPart>,
    pub level: Vec<Pair>,
    pub papers: Vec<PrintedPaper>,
    pub photographs: Vec<PrintedPhotograph>,
    pub deadlines: Vec<Pair>,
    pub doubts: usize,
}

fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::from(if number < 0 { "-" } else { "" });
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push('.');
        }
        text.push(digit);
    }
    text
}

fn count(number: Option<i64>) -> String {
    number.map_or_else(|| UNKNOWN.to_owned(), grouped)
}

/// "R$ 1.234,56".
fn money(centavos: Option<i64>) -> String {
    centavos
        .map_or_else(|| UNKNOWN.to_owned(), |centavos| format!("R$ {},{:02}", grouped(centavos / 100), centavos % 100))
}

fn blank(text: String) -> String {
    if text == UNKNOWN { "–".into() } else { text }
}

fn cells(line: Line, amount: Amount) -> Vec<String> {
    match line.part() {
        Part::Human | Part::Environmental => vec![blank(count(amount.persons))],
        Part::Material => {
            vec![blank(count(amount.damaged)), blank(count(amount.destroyed)), blank(money(amount.centavos))]
        }
        Part::PublicLoss | Part::PrivateLoss => vec![blank(money(amount.centavos))],
    }
}

fn day_and_time(at: Instant, tz: Tz) -> String {
    at.with_timezone(&tz).format("%d/%m/%Y %H:%M").to_string()
}

fn pair(label: &str, value: impl Into<String>) -> Pair {
    [label.to_owned(), value.into()]
}

/// What an entry rests on.
pub fn source_text(entry: &Entry, tz: Tz) -> String {
    let word = PT.t(&format!("damage-source-{}", entry.source));
    match entry.source {
        Source::Inspection => format!("{word} {}", entry.inspection.as_deref().unwrap_or_default()),
        Source::Shelters => {
            let at = entry.counted_at.map(|at| day_and_time(at, tz)).unwrap_or_default();
            format!("{word}, {at}")
        }
        Source::Declaration | Source::Manual => format!("{word}: {}", entry.because),
    }
}

fn part_of(whole: &Whole, part: Part, tz: Tz) -> PrintedPart {
    let columns: &[&str] = match part {
        Part::Human | Part::Environmental => &["damage-column-persons"],
        Part::Material => &["damage-column-damaged", "damage-column-destroyed", "damage-column-value"],
        Part::PublicLoss | Part::PrivateLoss => &["damage-column-value"],
    };
    let line = |line: Line| {
        let of_line = whole.entries.iter().filter(|entry| entry.line == line);
        let sources =
            of_line.map(|entry| PrintedSource { text: source_text(entry, tz), cells: cells(line, entry.amount) });
        let total = whole.totals.get(&line).copied().unwrap_or_default();
        PrintedLine { label: PT.t(&label_key(line)), cells: cells(line, total), sources: sources.collect() }
    };
    let sums = match part {
        Part::Human | Part::Environmental => Vec::new(),
        Part::Material => vec![
            pair(&PT.t("damage-sum-damaged"), count(whole.sums.damaged)),
            pair(&PT.t("damage-sum-destroyed"), count(whole.sums.destroyed)),
            pair(&PT.t("damage-sum-material"), money(whole.sums.material_centavos)),
        ],
        Part::PublicLoss => vec![pair(&PT.t("damage-sum-public"), money(whole.sums.public_centavos))],
        Part::PrivateLoss => vec![
            pair(&PT.t("damage-sum-private"), money(whole.sums.private_centavos)),
            pair(&PT.t("damage-sum-losses"), money(whole.sums.loss_centavos)),
        ],
    };
    PrintedPart {
        title: format!("{} {}", part.number(), PT.t(&format!("damage-part-{}", part.as_str().replace('_', "-")))),
        columns: columns.iter().map(|key| PT.t(key)).collect(),
        lines: part.lines().map(line).collect(),
        sums,
        words: words_of(&whole.dossier.sections, part).to_owned(),
    }
}

/// Key of a line's words.
pub fn label_key(line: Line) -> String {
    format!("damage-line-{}", line.as_str().replace('_', "-"))
}

/// The words beside the figures of a part.
pub fn words_of(sections: &Sections, part: Part) -> &str {
    match part {
        Part::Human => &sections.human,
        Part::Material => &sections.material,
        Part::Environmental => &sections.environmental,
        Part::PublicLoss => &sections.public_loss,
        Part::PrivateLoss => &sections.private_loss,
    }
}

pub fn cobrade_name(code: &str) -> String {
    code.parse::<Cobrade>().map_or_else(|_| code.to_owned(), |code| code.name().to_owned())
}

fn sections_of(dossier: &Dossier, town: &Municipality) -> Vec<(String, Vec<Pair>)> {
    let tz = town.time_zone;
    let s = &dossier.sections;
    let t = |key: &str| PT.t(&format!("damage-field-{key}"));
    let number = |number: Option<i64>, unit: &str| {
        number.map_or_else(|| UNKNOWN.to_owned(), |number| format!("{} {unit}", grouped(number)).trim().to_owned())
    };
    let yes = |told: bool| PT.t(if told { "damage-yes" } else { "damage-no" });
    let occupation = OCCUPATIONS.iter().enumerate().map(|(at, word)| {
        let hit = s
            .hit(at)
            .map_or_else(|| UNKNOWN.to_owned(), |hit| PT.t(&format!("damage-hit-{}", hit.as_str().replace('_', "-"))));
        pair(&PT.t(&format!("damage-occupation-{}", word.replace('_', "-"))), hit)
    });
    let mut area: Vec<Pair> = occupation.collect();
    area.push(pair(&t("areas"), s.areas.trim()));
    vec![
        (
            PT.t("damage-section-1"),
            vec![
                pair(&t("town"), format!("{}/{} (IBGE {})", town.name, town.state, town.ibge_code)),
                pair(&t("population"), number(s.population, "")),
                pair(&t("product"), money(s.product_centavos)),
                pair(&t("budget"), money(s.budget_centavos)),
                pair(&t("revenue"), money(s.revenue_centavos)),
                pair(&t("net-year"), money(s.net_year_centavos)),
                pair(&t("net-month"), money(s.net_month_centavos)),
            ],
        ),
        (
            PT.t("damage-section-2"),
            vec![pair("COBRADE", format!("{} – {}", dossier.cobrade, cobrade_name(&dossier.cobrade)))],
        ),
        (PT.t("damage-section-3"), vec![pair(&t("occurred"), day_and_time(dossier.occurred_at, tz))]),
        (PT.t("damage-section-4"), area),
        (
            PT.t("damage-section-5"),
            vec![
                pair(&t("causes"), s.causes.trim()),
                pair(&t("rain-24h"), number(s.rain_24h_mm, "mm")),
                pair(&t("rain-72h"), number(s.rain_72h_mm, "mm")),
                pair(&t("stage"), number(s.stage_cm, "cm")),
                pair(&t("wind"), number(s.wind_kmh, "km/h")),
            ],
        ),
        (
            PT.t("damage-section-8"),
            vec![
                pair(&t("institution"), s.institution.trim()),
                pair(&t("address"), s.address.trim()),
                pair(&t("informant"), s.informant.trim()),
                pair(&t("function"), s.function.trim()),
                pair(&t("telephone"), s.telephone.trim()),
                pair(&t("email"), s.email.trim()),
            ],
        ),
        (
            PT.t("damage-section-9"),
            vec![
                pair(&t("state-told"), yes(s.state_told)),
                pair(&t("union-told"), yes(s.union_told)),
                pair(&t("told"), s.told.trim()),
            ],
        ),
    ]
}

fn situation(declared: Option<Declared>) -> String {
    match declared {
        Some(Declared::Emergency) => "situação de emergência".into(),
        Some(Declared::Calamity) => "estado de calamidade pública".into(),
        None => "situação ainda não decidida".into(),
    }
}

/// What documents may name in braces.
pub fn facts(whole: &Whole, town: &Municipality) -> BTreeMap<&'static str, String> {
    let dossier = &whole.dossier;
    let local = dossier.occurred_at.with_timezone(&town.time_zone);
    let of = |line: Line| whole.totals.get(&line).copied().unwrap_or_default();
    let persons = |line: Line| count(of(line).persons);
    let level = dossier.verdict.map(super::levels::Verdict::level);
    let decree = match dossier.decree_on {
        Some(day) => format!("Decreto nº {}, de {}", dossier.decree_number, day.format("%d/%m/%Y")),
        None => "Decreto nº ____".into(),
    };
    let criteria = whole.criteria.as_ref();
    BTreeMap::from([
        ("municipio", town.name.clone()),
        ("municipio_maiusculas", town.name.to_uppercase()),
        ("uf", town.state.clone()),
        ("orgao", town.sender_name.clone()),
        ("cobrade", dossier.cobrade.clone()),
        ("cobrade_nome", cobrade_name(&dossier.cobrade)),
        ("data", local.format("%d/%m/%Y").to_string()),
        ("hora", local.format("%H:%M").to_string()),
        ("mortos", persons(Line::Dead)),
        ("feridos", persons(Line::Injured)),
        ("enfermos", persons(Line::Ill)),
        ("desabrigados", persons(Line::Homeless)),
        ("desalojados", persons(Line::Displaced)),
        ("desaparecidos", persons(Line::Missing)),
        ("outros_afetados", persons(Line::OtherAffected)),
        ("habitacoes_danificadas", count(of(Line::Housing).damaged)),
        ("habitacoes_destruidas", count(of(Line::Housing).destroyed)),
        ("obras_danificadas", count(of(Line::Infrastructure).damaged)),
        ("obras_destruidas", count(of(Line::Infrastructure).destroyed)),
        ("danos_materiais", money(whole.sums.material_centavos)),
        ("prejuizo_publico", money(whole.sums.public_centavos)),
        ("prejuizo_privado", money(whole.sums.private_centavos)),
        ("prejuizos", money(whole.sums.loss_centavos)),
        ("situacao", situation(dossier.verdict.map(super::levels::Verdict::declared))),
        ("nivel", level.map_or_else(|| "____".into(), |level| level.as_str().to_uppercase())),
        (
            "nivel_texto",
            level.zip(criteria).map_or_else(
                || "Nível ainda não decidido".into(),
                |(level, one)| one.of(level).trim_end_matches('.').to_owned(),
            ),
        ),
        ("nivel_norma", criteria.map_or_else(|| "norma a confirmar".into(), |one| one.law_ref.clone())),
        ("decreto", decree),
        ("decreto_data", dossier.decree_on.map_or_else(|| "____".into(), |day| day.format("%d/%m/%Y").to_string())),
        ("plano_ativado", whole.mobilised.plan(town.time_zone)),
        ("acoes_executadas", whole.mobilised.done()),
        ("acoes_em_curso", whole.mobilised.under_way()),
        ("meios_humanos", whole.mobilised.humans()),
        ("meios_materiais", whole.mobilised.things()),
    ])
}

/// How a document reads: as it was adopted, or a draft with the facts of this moment.
pub fn reads(document: &Document, facts: &BTreeMap<&'static str, String>) -> Vec<Paragraph> {
    document.filled.clone().unwrap_or_else(|| documents::filled(&document.paragraphs, facts))
}

/// Documents that were adopted with other facts than those of this moment.
pub fn outdated(whole: &Whole, town: &Municipality) -> Vec<Kind> {
    let facts = facts(whole, town);
    let is_outdated = |document: &&Document| {
        document.filled.as_ref().is_some_and(|filled| *filled != documents::filled(&document.paragraphs, &facts))
    };
    whole.documents.iter().filter(is_outdated).map(|document| document.kind).collect()
}

fn papers_of(whole: &Whole, town: &Municipality) -> Vec<PrintedPaper> {
    let facts = facts(whole, town);
    let decreed = whole.dossier.decree_on.map(|day| day.format("%d/%m/%Y").to_string()).unwrap_or_default();
    let one = |document: &Document| PrintedPaper {
        kind: document.kind.as_str(),
        title: documents::begin(document.kind).0,
        number: document.number.clone(),
        is_draft: !document.is_adopted,
        adopted: document.adopted_at.map(|at| day_and_time(at, town.time_zone)).unwrap_or_default(),
        dated: if document.kind == Kind::Decree { decreed.clone() } else { String::new() },
        paragraphs: reads(document, &facts).into_iter().map(|one| [one.title, one.text]).collect(),
    };
    whole.documents.iter().map(one).collect()
}

/// The name of the nth picture beside the data.
pub fn picture_name(at: usize) -> String {
    format!("p{at}.jpg")
}

fn photograph(at: usize, one: &Photograph, tz: Tz) -> PrintedPhotograph {
    let place = one.lon.zip(one.lat).map(|(lon, lat)| format!("{lat:.5}, {lon:.5}"));
    PrintedPhotograph {
        id: one.id,
        file: picture_name(at),
        caption: if one.caption.trim().is_empty() { "SEM LEGENDA".into() } else { one.caption.clone() },
        taken: one.taken_at.map_or_else(|| "SEM DATA".into(), |at| day_and_time(at, tz)),
        place: place.unwrap_or_else(|| "SEM COORDENADAS".into()),
    }
}

fn level_of(whole: &Whole) -> Vec<Pair> {
    let Some(verdict) = whole.dossier.verdict else { return Vec::new() };
    let mut rows = vec![
        pair(&PT.t("damage-level"), verdict.level().as_str().to_uppercase()),
        pair(&PT.t("damage-declared"), situation(Some(verdict.declared()))),
        pair(&PT.t("reason"), whole.dossier.level_reason.clone()),
        pair(&PT.t("damage-level-by"), whole.dossier.level_by.clone().unwrap_or_default()),
    ];
    if let Some(criteria) = &whole.criteria {
        rows.push(pair(&criteria.law_ref, criteria.of(verdict.level())));
    }
    rows
}

/// Everything that the template reads. `with`: the photographs that have a picture, in their order.
pub fn printed(
    whole: &Whole,
    town: &Municipality,
    (parts, with): (&[Kind], &[&Photograph]),
    (is_draft, now): (bool, Instant),
) -> Printed {
    let (dossier, tz) = (&whole.dossier, town.time_zone);
    let deadlines = whole.deadlines.iter().filter(|one| one.state != "void").map(|one| {
        let due = one.due_on.map_or_else(|| PT.t("deadline-suspended"), |day| day.format("%d/%m/%Y").to_string());
        [deadline_words::name(PT, &one.code), format!("{due} ({})", one.law_ref)]
    });
    Printed {
        town: town.name.clone(),
        state: town.state.clone(),
        authority: town.sender_name.clone(),
        contact: town.contact.clone(),
        incident: dossier.incident.clone(),
        title: dossier.title.clone(),
        version: dossier.version,
        is_draft,
        is_drill: dossier.drill,
        cobrade: dossier.cobrade.clone(),
        cobrade_name: cobrade_name(&dossier.cobrade),
        occurred: day_and_time(dossier.occurred_at, tz),
        printed: day_and_time(now, tz),
        parts: parts.iter().map(|kind| kind.as_str()).collect(),
        sections: sections_of(dossier, town),
        figures: Part::ALL.iter().map(|part| part_of(whole, *part, tz)).collect(),
        level: level_of(whole),
        papers: papers_of(whole, town),
        photographs: with.iter().enumerate().map(|(at, one)| photograph(at, one, tz)).collect(),
        deadlines: deadlines.collect(),
        doubts: whole.doubts.len(),
    }
}

/// The file of S2iD's columns.
pub fn sheet(whole: &Whole, town: &Municipality) -> s2id::Sheet {
    let (dossier, tz) = (&whole.dossier, town.time_zone);
    let date = |at: Instant| at.with_timezone(&tz).format("%d/%m/%Y").to_string();
    let head = s2id::Head {
        protocol: dossier.protocol.clone(),
        town: town.name.clone(),
        state: town.state.clone(),
        status: PT.t(&format!("damage-state-{}", dossier.state)),
        registered: date(dossier.submitted_at.unwrap_or(dossier.opened_at)),
        occurred: date(dossier.occurred_at),
        cobrade: dossier.cobrade.replace('.', ""),
        cobrade_name: cobrade_name(&dossier.cobrade),
        ibge: town.ibge_code.clone(),
        words: std::array::from_fn(|at| {
            Part::ALL.get(at).map(|part| words_of(&dossier.sections, *part).to_owned()).unwrap_or_default()
        }),
    };
    let metadata = [
        format!("Danos e prejuízos informados - {}/{}", town.name, town.state),
        format!(
            "Desastre {} versão {}{}",
            dossier.incident,
            dossier.version,
            if dossier.drill { " - EXERCÍCIO" } else { "" }
        ),
        format!("Situação em {}", date(dossier.changed_at)),
        "Valores em reais; célula vazia = não apurado".to_owned(),
    ];
    s2id::Sheet { metadata, head, totals: whole.totals.clone() }
}
