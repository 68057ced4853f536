//! What is printed of cases, instruments, publications and the charter, in the words of their pages and for whoever may read those.

use chrono::NaiveDate;
use uuid::Uuid;

use super::super::view::View;
use super::case::{act_name, changes, document_kind, link_word};
use super::charter;
use super::instruments::{hidden, masked};
use super::instruments_public::{self, Found};
use super::{pairs, words};
use crate::app::App;
use crate::deadlines::{self, Deadline, words as deadline_words};
use crate::refused::Refused;
use crate::secretariat::kernel::define::CaseType;
use crate::secretariat::kernel::desk::below::{Below, below};
use crate::secretariat::kernel::desk::{self, Desk};
use crate::secretariat::kernel::instrument::shown::Table;
use crate::secretariat::kernel::instrument::store::{Document, DoneAct};
use crate::secretariat::kernel::instrument::{Kept, desk as instruments, papers as files};
use crate::secretariat::kernel::store::instruments::{self as linked, InstrumentLink};
use crate::secretariat::kernel::store::published::{self, Published};
use crate::secretariat::kernel::types::Kept as CaseKept;
use crate::secretariat::kernel::{ActDone, CaseDocument, CaseFile, CaseLink, SUBJECT, decide, registry, store};
use crate::secretariat::modules::Module;
use crate::secretariat::paper::{Entry, Paper, Part, tag};
use crate::web::api::secretariat::{instruments as api, papers, within};
use crate::web::auth::Staff;
use crate::web::error::ApiError;

/// An empty sheet of the town.
fn sheet(v: &View, kind: String, number: String, title: String) -> Paper {
    let (authority, lang) = (v.authority.clone(), tag(v.lang));
    let (sub, printed, draft, parts) = (String::new(), String::new(), None, Vec::new());
    Paper { authority, lang, kind, number, title, sub, printed, draft, parts }
}

/// Each with its day, its law and how the day came about.
fn of_deadlines(v: &View, all: &[Deadline]) -> Part {
    let entry = |one: &Deadline| {
        let mut title = deadline_words::name(v.lang, &one.code);
        title += ": ";
        title += &one.due_on.map_or_else(|| v.t("deadline-suspended"), |day| v.day(day));
        let mut lines = Vec::new();
        if !one.is_open() {
            lines.push(v.word("sec-deadline", &one.state));
        }
        let unconfirmed = if one.confirmed { String::new() } else { format!(" ({})", v.t("deadline-unconfirmed")) };
        lines.push(format!("{}{unconfirmed}", one.law_ref));
        lines.extend(one.trace.iter().map(|step| deadline_words::step(v.lang, step)));
        Entry { title, lines, sha256: String::new() }
    };
    Part::of_entries(v.t("sec-deadlines"), all.iter().map(entry).collect())
}

/// A case as its page shows it to this reader: whoever is recused finds none, what is personal is left out for whoever may not read it.
///
/// # Errors
/// 404.
pub async fn of_case(app: &App, staff: &Staff, v: &View, (module, id): (&Module, Uuid)) -> Result<Paper, ApiError> {
    let (actor, who) = (staff.actor(), desk::who(staff));
    let desk = Desk::of(app, &actor, &who);
    let mut conn = app.db.web.acquire().await?;
    let (kept, mut case) = desk::find(&mut conn, desk, id, false).await?;
    within(&case, module, id)?;
    let versions = (&kept.def, desk.types.newest(&kept.def));
    decide::veil(versions, &mut case, &who);
    let def = &kept.def;
    let all = deadlines::store::list(&mut conn, Some((SUBJECT, id)), false).await?;
    let documents = papers::seen(&mut conn, versions, (&who, &case)).await?;
    let told = below(&mut conn, desk, &case).await?;
    let instruments = linked::of_case(&mut conn, id).await?;
    let links = store::links(&mut conn, id, (&who.name, &who.modules())).await?;
    let mut acts: Vec<ActDone> = store::acts(&mut conn, &[id]).await?.into_iter().map(|(_, act)| act).collect();
    decide::veil_acts(versions, &mut acts, (&case, &who));
    registry::fields::named(&mut conn, desk, def, &mut case.fields).await?;
    registry::fields::named_in_acts(&mut conn, desk, def, &mut acts).await?;
    let mut paper = sheet(v, def.title.of(v.lang).to_owned(), case.number(), case.title.clone());
    paper.sub = format!("{} · {}", def.state_label(&case.state, v.lang), def.law_ref);
    paper.printed = v.t2("sec-paper-as-of", "when", v.full(case.changed_at), "n", case.revision);
    paper.draft = case.annulled.as_ref().map(|_| v.t("sec-paper-annulled"));
    paper.parts = vec![
        says(v, def, &case),
        of_deadlines(v, &all),
        of_below(v, &told),
        of_documents(v, def, &documents),
        of_links(v, (&links, &instruments)),
        history(v, def, &acts),
    ];
    Ok(paper)
}

fn says(v: &View, def: &CaseType, case: &CaseFile) -> Part {
    let with = [case.assigned.as_str(), case.department.as_str()];
    let with: Vec<&str> = with.into_iter().filter(|one| !one.is_empty()).collect();
    let mut facts = vec![
        (v.t("sec-opened"), format!("{} · {}", v.full(case.opened_at), case.author)),
        (v.t("sec-with"), if with.is_empty() { "–".to_owned() } else { with.join(" · ") }),
    ];
    facts.extend(pairs(v, def, &case.fields));
    if let Some(why) = &case.annulled {
        facts.push((v.t("sec-annulled"), format!("{} · {}: {}", v.full(why.at), why.by, why.reason)));
    }
    Part::of_facts(v.t("sec-says"), facts)
}

fn of_documents(v: &View, def: &CaseType, all: &[CaseDocument]) -> Part {
    let entry = |one: &CaseDocument| {
        let mut line =
            format!("{} · {} · {}", v.t1("sec-version", "n", one.version), one.added_by, v.full(one.added_at));
        if one.draft {
            line += " · ";
            line += &v.t("sec-draft");
        }
        let title = format!("{} – {}", document_kind(v, def, one), one.name);
        Entry { title, lines: vec![line], sha256: one.sha256.clone() }
    };
    Part::of_entries(v.t("sec-documents"), all.iter().map(entry).collect())
}

fn of_below(v: &View, all: &[(std::sync::Arc<CaseKept>, Below)]) -> Part {
    let entry = |(kept, one): &(std::sync::Arc<CaseKept>, Below)| {
        let mut lines = vec![format!("{} · {}", one.department, kept.def.state_label(&one.state, v.lang))];
        lines.extend(one.due_on.map(|day| v.t1("sec-told-until", "day", v.day(day))));
        lines.extend(pairs(v, &kept.def, &one.fields).into_iter().map(|(label, value)| format!("{label}: {value}")));
        Entry { title: one.name(), lines, sha256: String::new() }
    };
    Part::of_entries(v.t("sec-told-below"), all.iter().map(entry).collect())
}

fn of_links(v: &View, (all, instruments): (&[CaseLink], &[InstrumentLink])) -> Part {
    let fact = |one: &CaseLink| {
        let until =
            one.due_on.map(|day| format!(", {}", v.t1("sec-told-until", "day", v.day(day)))).unwrap_or_default();
        (link_word(v, one), format!("{} {}{until}", one.number, one.title).trim().to_owned())
    };
    let of_instrument = |one: &InstrumentLink| (v.word("sec-instrument-kind", &one.kind), one.name());
    let facts = all.iter().map(fact).chain(instruments.iter().map(of_instrument));
    Part::of_facts(v.t("sec-links"), facts.collect())
}

fn history(v: &View, def: &CaseType, acts: &[ActDone]) -> Part {
    let entry = |act: &ActDone| {
        let mut lines = vec![v.actor(&act.actor)];
        lines.extend(Some(act.reason.clone()).filter(|reason| !reason.is_empty()));
        lines.extend(changes(v, def, act));
        Entry { title: format!("{} · {}", v.full(act.at), act_name(v, def, act)), lines, sha256: act.hash.clone() }
    };
    Part::of_entries(v.t("sec-history"), acts.iter().map(entry).collect())
}

/// An instrument as its page shows it to this reader: bank data and whole CPF only for whoever works in the module.
///
/// # Errors
/// 404.
pub async fn of_instrument<K: Kept>(app: &App, staff: &Staff, v: &View, id: Uuid) -> Result<Paper, ApiError> {
    let whole = instruments::whole::<K>(&mut *app.db.web.acquire().await?, id).await?;
    let works = api::works::<K>(staff);
    let what = if works { whole.row.what } else { hidden(&whole.row.what)? };
    let today = v.now.with_timezone(&v.tz).date_naive();
    let (mut shown, index) = (what.shown(today), what.index());
    if !works {
        masked(&mut shown, &index);
    }
    let kind = v.word("sec-instrument-kind", what.kind());
    let mut paper = sheet(v, kind, whole.row.number, index.title);
    let mut sub = vec![v.word("sec-instrument-state", what.state())];
    sub.extend(shown.warnings.iter().map(|cell| words::cell(v, cell)));
    sub.push(what.law(today).to_owned());
    paper.sub = sub.join(" · ");
    paper.printed = v.t2("sec-paper-as-of", "when", v.full(whole.row.changed_at), "n", whole.row.revision);
    let mut facts: Vec<(String, String)> =
        shown.facts.iter().map(|(name, cell)| (words::field(v, name), words::cell(v, cell))).collect();
    facts.extend(whole.row.kept_until.map(|day| (v.t("sec-instrument-kept"), v.day(day))));
    paper.parts = vec![Part::of_facts(v.t("sec-paper-particulars"), facts), of_deadlines(v, &whole.deadlines)];
    paper.parts.extend(shown.tables.iter().map(|table| of_table(v, table)));
    let documents: Vec<Document> = whole.documents.into_iter().filter(|one| files::reads(one.readers, works)).collect();
    paper.parts.push(of_files(v, &documents));
    paper.parts.push(of_acts(v, &whole.acts));
    Ok(paper)
}

/// What everybody reads of an instrument, from the snapshot of its page alone.
///
/// # Errors
/// 404 when nothing of it is public, or no longer.
pub async fn of_public_instrument<K: Kept>(
    app: &App,
    v: &View,
    (id, version): (Uuid, Option<i32>),
) -> Result<Paper, ApiError> {
    let found = instruments_public::one::<K>(app, v, (id, version)).await?;
    let before = found.before().map(|other| Entry {
        title: format!("{} · {}", v.t1("sec-version", "n", other.seq), v.full(other.published_at)),
        lines: vec![v.word("sec-instrument-act", &other.act)],
        sha256: other.sha256.clone(),
    });
    let before = Part::of_entries(v.t("sec-corrected"), before.collect());
    let (last, Found { told, shown, .. }) = (found.later().map(|last| last.seq), found);
    let mut paper = sheet(v, told.kind, told.number, told.title);
    let version = v.t1("sec-version", "n", shown.seq);
    let said =
        [told.state, told.why, version, last.map(|n| v.t1("sec-paper-corrected-by", "n", n)).unwrap_or_default()];
    paper.sub = said.into_iter().filter(|one| !one.is_empty()).collect::<Vec<_>>().join(" · ");
    // What came after it is told, so that nobody takes an old sheet for the last word.
    paper.draft = last.map(|_| v.t("sec-paper-corrected"));
    paper.printed = v.t1("sec-published", "when", v.full(shown.published_at));
    paper.parts = vec![Part::of_facts(v.t("sec-paper-particulars"), told.facts)];
    paper.parts.extend(told.tables.into_iter().map(|(name, heads, rows)| Part::of_rows(name, heads, rows)));
    let own = Entry { title: v.t("sec-paper-source"), lines: Vec::new(), sha256: shown.sha256 };
    paper.parts.extend([before, Part::of_entries(v.t("sec-paper-check"), vec![own])]);
    Ok(paper)
}

fn of_table(v: &View, table: &Table) -> Part {
    let heads = table.heads.iter().map(|head| words::field(v, head)).collect();
    let rows = table.rows.iter().map(|row| row.iter().map(|cell| words::cell(v, cell)).collect()).collect();
    Part::of_rows(v.word("sec-instrument-table", table.title), heads, rows)
}

fn of_files(v: &View, all: &[Document]) -> Part {
    let entry = |one: &Document| {
        let line = format!("{} · {} · {}", words::document_kind(v, &one.kind), one.added_by, v.full(one.added_at));
        Entry { title: one.name.clone(), lines: vec![line], sha256: one.sha256.clone() }
    };
    Part::of_entries(v.t("sec-instrument-documents"), all.iter().map(entry).collect())
}

fn of_acts(v: &View, all: &[DoneAct]) -> Part {
    let entry = |act: &DoneAct| {
        let mut title = format!("{} · {}", v.full(act.at), v.word("sec-instrument-act", &act.act));
        if act.from_state != act.to_state {
            title += " → ";
            title += &v.word("sec-instrument-state", &act.to_state);
        }
        let mut lines = vec![v.actor(&act.actor)];
        lines.extend(Some(act.reason.clone()).filter(|reason| !reason.is_empty()));
        Entry { title, lines, sha256: act.hash.clone() }
    };
    Part::of_entries(v.t("sec-instrument-history"), all.iter().map(entry).collect())
}

/// What was published of a case, from the snapshot alone; `version`: none: the last that is out.
///
/// # Errors
/// 404 when nothing of it, or not this version, is public.
pub async fn of_publication(
    app: &App,
    v: &View,
    (module, id, version): (&Module, Uuid, Option<i32>),
) -> Result<Paper, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let mut all = published::of_case(&mut conn, id, v.now).await?;
    all.retain(|one| one.module == module.key());
    let is_asked = |one: &&Published| version.is_none_or(|version| version == one.seq);
    let one = all.iter().find(is_asked).ok_or_else(|| Refused::NotFound(format!("publication {id}")))?;
    let kept = app.cases.version(&mut conn, &one.view.type_key, one.view.version).await?;
    let def = &kept.def;
    let mut paper = sheet(v, def.title.of(v.lang).to_owned(), one.view.number.clone(), one.view.title.clone());
    paper.sub = format!("{} · {}", def.state_label(&one.view.state, v.lang), v.t1("sec-version", "n", one.seq));
    paper.printed = v.t1("sec-published", "when", v.full(one.published_at));
    paper.parts = vec![Part::of_facts(v.t("sec-paper-particulars"), pairs(v, def, &one.view.fields))];
    // What came after it is told, so that nobody takes an old sheet for the last word.
    let later = all.iter().filter(|other| one.seq < other.seq).map(|other| other.seq).max();
    if let Some(last) = later {
        paper.draft = Some(v.t("sec-paper-corrected"));
        paper.sub += " · ";
        paper.sub += &v.t1("sec-paper-corrected-by", "n", last);
    }
    let before = all.iter().filter(|other| other.seq < one.seq).map(|other| Entry {
        title: format!("{} · {}", v.t1("sec-version", "n", other.seq), v.full(other.published_at)),
        lines: Vec::new(),
        sha256: other.sha256.clone(),
    });
    paper.parts.push(Part::of_entries(v.t("sec-corrected"), before.collect()));
    let own = Entry { title: v.t("sec-paper-source"), lines: Vec::new(), sha256: one.sha256.clone() };
    paper.parts.push(Part::of_entries(v.t("sec-paper-check"), vec![own]));
    Ok(paper)
}

/// The whole charter: each service that is published.
///
/// # Errors
/// The database's.
pub async fn of_charter(app: &App, v: &View) -> Result<Paper, ApiError> {
    let today: NaiveDate = v.now.with_timezone(&v.tz).date_naive();
    let found = charter::services(app, v.now).await?;
    let mut paper = sheet(v, v.t("sec-charter-title"), String::new(), v.t("sec-charter-title"));
    paper.sub = v.t("sec-charter-lead");
    if let Some(last) = found.iter().map(|one| one.published_at).max() {
        paper.printed = v.t1("sec-paper-last", "when", v.full(last));
    }
    let mut conn = app.db.web.acquire().await?;
    for one in found {
        let kept = app.cases.version(&mut conn, &one.view.type_key, one.view.version).await?;
        let about = [one.view.number.clone(), v.t1("sec-version", "n", one.seq), v.full(one.published_at)];
        let mut facts = vec![(v.t("sec-paper-version"), about.join(" · "))];
        if charter::is_lapsed(&one, today) {
            facts.push((v.t("sec-paper-notice"), v.t("sec-charter-lapsed")));
        }
        facts.extend(filled(pairs(v, &kept.def, &one.view.fields)));
        paper.parts.push(Part::of_facts(one.view.title, facts));
    }
    if paper.parts.is_empty() {
        let none = vec![(v.t("sec-charter-none"), v.t("sec-charter-none-text"))];
        paper.parts.push(Part::of_facts(v.t("sec-charter-title"), none));
    }
    Ok(paper)
}

fn filled(mut all: Vec<(String, String)>) -> Vec<(String, String)> {
    all.retain(|(_, value)| !value.is_empty());
    all
}
