//! What staff does with services, questionnaires, rounds, codes, texts and reports: each act in the caller's transaction with its audit.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike as _, NaiveDate};
use chrono_tz::Tz;
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::file::{File, FileForm};
use super::report::{self, Facts, Report};
use super::store::{self, NewReport};
use super::{
    Check, CommentState, Counted, EvaluationError, Kept, NewRound, Round, Service, ServiceGiven, Standing, code_hash,
    told, version,
};
use crate::accounts::tokens::desk::Acting;
use crate::audit::{self, Act, Entry};
use crate::exercises::plan::text;
use crate::refused::{FieldError, Refused};
use crate::secretariat::citizen::code;
use crate::secretariat::kernel::form::Form;
use crate::secretariat::kernel::ledger;

const KIND: &str = "evaluation";
/// Codes that are made at once, and of a round.
pub const MOST_CODES: i64 = 500;
const MOST_OF_ROUND: i64 = 20_000;
const MOST_TEXT_BYTES: usize = 65_536;

fn wrong(field: &str, value: impl ToString, message: impl Into<String>) -> FieldError {
    FieldError { field: field.into(), value: value.to_string(), message: message.into() }
}

fn good(problems: Vec<FieldError>) -> Result<(), EvaluationError> {
    if problems.is_empty() { Ok(()) } else { Err(EvaluationError::Wrong(problems)) }
}

/// The day of the town.
pub fn today(by: Acting<'_>, tz: Tz) -> NaiveDate {
    by.now.with_timezone(&tz).date_naive()
}

fn is_code(code: &str) -> bool {
    let is_part = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    (2..=60).contains(&code.len()) && code.split('-').all(is_part)
}

fn problems_of(at: &str, new: &ServiceGiven) -> Vec<FieldError> {
    let mut problems = Vec::new();
    if !is_code(&new.code) {
        problems.push(wrong(&format!("{at}code"), &new.code, "expected 2 to 60 small letters, digits and `-`"));
    }
    text(&mut problems, &format!("{at}name"), &new.name, 1, 200, true);
    text(&mut problems, &format!("{at}unit"), &new.unit, 1, 200, true);
    text(&mut problems, &format!("{at}department"), &new.department, 0, 160, true);
    problems
}

/// The service of a code.
///
/// # Errors
/// `NotFound`.
pub async fn service(conn: &mut PgConnection, code: &str) -> Result<Service, Refused> {
    store::service(conn, code).await?.ok_or_else(|| Refused::NotFound(format!("service {code:?}")))
}

/// Writes a service down. `held`: the revision of the one that is to be changed.
///
/// # Errors
/// Every field that is wrong; a conflict when the code is taken, or it changed meanwhile.
pub async fn save_service(
    conn: &mut PgConnection,
    by: Acting<'_>,
    held: Option<i32>,
    new: &ServiceGiven,
) -> Result<(), EvaluationError> {
    good(problems_of("", new))?;
    let before = store::service(&mut *conn, &new.code).await?;
    let id = match (&before, held) {
        (None, None) => by.ids.uuid(by.now),
        (Some(before), Some(revision)) if before.revision == revision => before.id,
        (Some(before), Some(_)) => {
            return Err(Refused::Conflict(format!("it changed meanwhile: revision {} now", before.revision)).into());
        }
        (Some(_), None) => {
            return Err(Refused::Conflict(format!("there is a service with the code {} already", new.code)).into());
        }
        (None, Some(_)) => return Err(Refused::NotFound(format!("service {:?}", new.code)).into()),
    };
    store::save_service(&mut *conn, id, new, by.now).await?;
    let mut entry = Entry::new(Act::EvaluationService, KIND, id).to(json!(new));
    entry.before = before.map(|before| json!(before.what));
    Ok(audit::record(conn, by.ids, by.now, by.actor, entry).await?)
}

/// The version that a new one follows: the last that was used, or what stands before one that nobody used.
fn before(kept: &[Kept]) -> Result<Option<Form>, EvaluationError> {
    let used = kept.iter().rev().find(|one| one.is_used);
    let read = used.map(|one| super::questionnaire(&one.text, None)).transpose();
    read.map_err(|faults| EvaluationError::Wrong(told("text", faults)))
}

/// Keeps a version of a questionnaire. One that a round used is never changed.
///
/// # Errors
/// Every fault of the text with its line.
pub async fn save_form(conn: &mut PgConnection, by: Acting<'_>, given: &str) -> Result<(String, i32), EvaluationError> {
    if given.len() > MOST_TEXT_BYTES {
        return Err(Refused::wrong("text", "", format!("expected at most {MOST_TEXT_BYTES} bytes")).into());
    }
    let refuse = |faults| EvaluationError::Wrong(told("text", faults));
    let first = super::questionnaire(given, None).map_err(refuse)?;
    let kept = store::forms(&mut *conn, Some(first.key())).await?;
    let before = before(&kept)?;
    let form = version(given, before.as_ref()).map_err(refuse)?;
    store::save_form(&mut *conn, (form.key(), form.version(), given), (by.now, &by.actor.name)).await?;
    let sum = ledger::hex(&ledger::sha256(given.as_bytes()));
    let to = json!({ "key": form.key(), "version": form.version(), "sha256": sum });
    let entry = Entry::new(Act::EvaluationQuestionnaire, KIND, form.key()).to(to);
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok((form.key().to_owned(), form.version()))
}

/// A version as it is asked.
///
/// # Errors
/// `NotFound`.
pub async fn form(conn: &mut PgConnection, key: &str, number: i32) -> Result<Form, EvaluationError> {
    let none = || Refused::NotFound(format!("version {number} of the questionnaire {key:?}"));
    let kept = store::form(conn, key, number).await?.ok_or_else(none)?;
    super::questionnaire(&kept.text, None).map_err(|faults| EvaluationError::Wrong(told("text", faults)))
}

/// # Errors
/// `NotFound`.
pub async fn round(conn: &mut PgConnection, id: Uuid) -> Result<Round, Refused> {
    let found = store::rounds(conn, None, Some(id)).await?.into_iter().next();
    found.ok_or_else(|| Refused::NotFound(format!("round {id}")))
}

/// The same with how far it got, for staff.
///
/// # Errors
/// `NotFound`.
pub async fn counted(conn: &mut PgConnection, id: Uuid) -> Result<Round, Refused> {
    let mut found = [round(&mut *conn, id).await?];
    store::counted(conn, &mut found).await?;
    let [round] = found;
    Ok(round)
}

/// Opens a round on the days that it says.
///
/// # Errors
/// Every field that is wrong; a conflict when the report of the year is out or can be read, or a service has other questions this year.
pub async fn open_round(
    conn: &mut PgConnection,
    by: Acting<'_>,
    tz: Tz,
    new: &NewRound,
) -> Result<Uuid, EvaluationError> {
    let (today, year) = (today(by, tz), new.opens_on.year());
    let mut problems = Vec::new();
    text(&mut problems, "title", &new.title, 1, 160, true);
    if new.opens_on < today {
        problems.push(wrong("opens_on", new.opens_on, format!("expected {today} or later")));
    }
    if new.closes_on < new.opens_on || new.closes_on.year() != year {
        let message = format!(
            "expected {} to {year}-12-31: each answer belongs to one yearly report ({})",
            new.opens_on,
            super::LAW
        );
        problems.push(wrong("closes_on", new.closes_on, message));
    }
    let codes: BTreeSet<&String> = new.services.iter().collect();
    if codes.is_empty() || codes.len() > 200 || codes.len() != new.services.len() {
        problems.push(wrong("services", new.services.join(","), "expected 1 to 200 codes, each once"));
    }
    good(problems)?;
    store::hold_year(&mut *conn, year).await?;
    if store::last_report(&mut *conn, year).await?.is_some() {
        return Err(
            Refused::Conflict(format!("the report of {year} is published: no round is added to that year")).into()
        );
    }
    let held = store::rounds(&mut *conn, Some(year), None).await?;
    // Whoever read the tables of those that are over could take them away from the tables with the next.
    if !held.is_empty() && held.iter().all(|round| round.standing(today) == Standing::Closed) {
        let why =
            format!("all rounds of {year} are over, and their tables can be read: the next is planned before that");
        return Err(Refused::Conflict(why).into());
    }
    form(&mut *conn, &new.questionnaire, new.version).await?;
    let services = chosen(&mut *conn, new, year).await?;
    store::use_form(&mut *conn, &new.questionnaire, new.version, by.now).await?;
    let id = by.ids.uuid(by.now);
    store::insert_round(&mut *conn, (id, year), new, &services, (by.now, &by.actor.name)).await?;
    let entry = Entry::new(Act::EvaluationRound, KIND, id).to(json!(new));
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(id)
}

/// The services of a new round, as far as they can be asked about.
async fn chosen(conn: &mut PgConnection, new: &NewRound, year: i32) -> Result<Vec<Uuid>, EvaluationError> {
    let asked = store::asked_in(&mut *conn, year).await?;
    let mut ids = Vec::with_capacity(new.services.len());
    // In one order, so that two rounds that are opened at once wait for each other and not for ever.
    let codes: BTreeSet<&String> = new.services.iter().collect();
    for code in codes {
        let Some(found) = store::service(&mut *conn, code).await? else {
            return Err(EvaluationError::Wrong(vec![wrong("services", code, "is no service")]));
        };
        if let Some(last) = found.what.ended_on.filter(|last| *last < new.closes_on) {
            return Err(EvaluationError::Wrong(vec![wrong(
                "services",
                code,
                format!("it is rendered until {last} only"),
            )]));
        }
        if let Some((key, number)) = asked.get(&found.id)
            && (key != &new.questionnaire || *number != new.version)
        {
            let why = format!(
                "{code} is asked about with version {number} of {key} in {year}: one year has one table of a service"
            );
            return Err(Refused::Conflict(why).into());
        }
        ids.push(found.id);
    }
    Ok(ids)
}

/// Makes single-use codes. They are told once, here, and kept as hashes alone.
///
/// # Errors
/// `Wrong`; a conflict when the round is over; `NotFound`.
pub async fn make_codes(
    conn: &mut PgConnection,
    by: Acting<'_>,
    tz: Tz,
    (id, service, count): (Uuid, &str, i64),
) -> Result<Vec<String>, EvaluationError> {
    if !(1..=MOST_CODES).contains(&count) {
        return Err(Refused::wrong("count", count, format!("expected 1 to {MOST_CODES}")).into());
    }
    let round = round(&mut *conn, id).await?;
    store::hold_year(&mut *conn, round.year).await?;
    if round.standing(today(by, tz)) == Standing::Closed {
        return Err(Refused::Conflict(format!("the round is over since {}", round.closes_on)).into());
    }
    let found = store::of_round(&mut *conn, id).await?.into_iter().find(|one| one.what.code == service);
    let found = found.ok_or_else(|| Refused::wrong("service", service, "expected a service of the round"))?;
    let (made, _) = store::codes(&mut *conn, id).await?;
    if made + count > MOST_OF_ROUND {
        return Err(
            Refused::Conflict(format!("{made} codes were made of this round; {MOST_OF_ROUND} is the most")).into()
        );
    }
    let codes: Vec<String> = (0..count).map(|_| code::make(by.ids.bytes())).collect();
    let mut hashes: Vec<Vec<u8>> = codes.iter().filter_map(|code| code_hash(code)).map(Vec::from).collect();
    // The rows are not in the order of the sheet.
    hashes.sort_unstable();
    store::insert_codes(&mut *conn, (id, found.id), &hashes, (by.now, &by.actor.name)).await?;
    let entry = Entry::new(Act::EvaluationCodes, KIND, id).to(json!({ "service": service, "codes": count }));
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(codes)
}

/// Shows a text to the staff, or withholds it, which erases it. Once.
///
/// # Errors
/// `Wrong`; a conflict when it was checked before; `NotFound`.
pub async fn check_comment(
    conn: &mut PgConnection,
    by: Acting<'_>,
    id: Uuid,
    check: &Check,
) -> Result<(), EvaluationError> {
    let none = || Refused::NotFound(format!("comment {id}"));
    let (written, state) = store::waiting(&mut *conn, id).await?.ok_or_else(none)?;
    if state != CommentState::Waiting {
        return Err(Refused::Conflict("it was checked before".into()).into());
    }
    let mut problems = Vec::new();
    let (kept, reason) = match check.state {
        CommentState::Shown => {
            let kept = check.text.clone().unwrap_or(written);
            text(&mut problems, "text", &kept, 1, 4000, false);
            (kept.trim().to_owned(), String::new())
        }
        CommentState::Withheld => {
            text(&mut problems, "reason", &check.reason, 1, 500, false);
            (String::new(), check.reason.trim().to_owned())
        }
        CommentState::Waiting => {
            problems.push(wrong("state", check.state, "expected shown or withheld"));
            (String::new(), String::new())
        }
    };
    good(problems)?;
    store::check_comment(&mut *conn, id, (check.state, &kept, &reason), (by.now, &by.actor.name)).await?;
    // What it says is in no audit.
    let entry = Entry::new(Act::EvaluationComment, KIND, id).because(&reason).to(json!({ "state": check.state }));
    Ok(audit::record(conn, by.ids, by.now, by.actor, entry).await?)
}

/// Keeps how many manifestations another body tells of.
///
/// # Errors
/// `Wrong`; `NotFound`.
pub async fn count(conn: &mut PgConnection, by: Acting<'_>, new: &Counted) -> Result<(), EvaluationError> {
    let mut problems = Vec::new();
    text(&mut problems, "source", &new.source, 1, 300, true);
    if !(2000..=2200).contains(&new.year) {
        problems.push(wrong("year", new.year, "expected a year from 2000 to 2200"));
    }
    if !(0..=10_000_000).contains(&new.manifestations) {
        problems.push(wrong("manifestations", new.manifestations, "expected 0 to 10000000"));
    }
    good(problems)?;
    let found = service(&mut *conn, &new.service).await?;
    store::insert_count(&mut *conn, found.id, new, (by.now, &by.actor.name)).await?;
    let entry = Entry::new(Act::EvaluationManifestations, KIND, found.id).to(json!(new));
    Ok(audit::record(conn, by.ids, by.now, by.actor, entry).await?)
}

/// The report of a year as it would go out. Staff reads no other tables, and none before all rounds of the year are over: two looks would
/// tell what one answer changed, and the tables of one of two rounds those of the other.
///
/// # Errors
/// A conflict while a round of the year is not over, or when there was none.
pub async fn draft(conn: &mut PgConnection, year: i32, today: NaiveDate) -> Result<Report, EvaluationError> {
    let rounds = store::rounds(&mut *conn, Some(year), None).await?;
    if let Some(open) = rounds.iter().find(|round| round.standing(today) != Standing::Closed) {
        let why = format!("the round {:?} runs until {}; the report is made after it", open.title, open.closes_on);
        return Err(Refused::Conflict(why).into());
    }
    if rounds.is_empty() {
        return Err(Refused::Conflict(format!("no round was held in {year}: there is nothing to report")).into());
    }
    let asked = store::asked_in(&mut *conn, year).await?;
    let mut tallies = store::tallies(&mut *conn, year, None).await?;
    let mut counted = store::manifestations(&mut *conn, year).await?;
    let mut improved = store::improvements(&mut *conn, year).await?;
    let mut forms: BTreeMap<(String, i32), Form> = BTreeMap::new();
    let pairs: BTreeSet<&(String, i32)> = asked.values().collect();
    for pair in pairs {
        forms.insert(pair.clone(), form(&mut *conn, &pair.0, pair.1).await?);
    }
    let mut facts = Vec::new();
    for one in store::services(&mut *conn, "", i64::MAX).await? {
        let form = asked.get(&one.id).and_then(|pair| forms.get(pair)).cloned();
        let questions = form.map(|form| (form, tallies.remove(&one.id).unwrap_or_default()));
        let manifestations = counted.remove(&one.id);
        if questions.is_some() || manifestations.is_some() {
            let improvements = improved.remove(&one.what.code).unwrap_or_default();
            facts.push(Facts { service: one.what, asked: questions, manifestations, improvements });
        }
    }
    Ok(report::report(year, &facts))
}

/// What is hashed of a report.
fn sealed(new: (i32, i32), document: &Value, reason: &str, prev: Option<&[u8]>) -> [u8; 32] {
    let prev = prev.map(ledger::hex);
    let whole = json!({ "year": new.0, "seq": new.1, "reason": reason, "prev": prev, "report": document });
    ledger::sha256(ledger::canonical(&whole).as_bytes())
}

/// Publishes the report of a year, or corrects it: the one before stays as it went out.
///
/// # Errors
/// `Wrong` when a correction has no reason; a conflict as [`draft`].
pub async fn publish(
    conn: &mut PgConnection,
    by: Acting<'_>,
    tz: Tz,
    (year, reason): (i32, &str),
) -> Result<i32, EvaluationError> {
    store::hold_year(&mut *conn, year).await?;
    let report = draft(&mut *conn, year, today(by, tz)).await?;
    let document = serde_json::to_value(&report).map_err(|error| EvaluationError::Other(error.into()))?;
    let last = store::last_report(&mut *conn, year).await?;
    let (seq, prev) = last.map_or((1, None), |(seq, hash)| (seq + 1, Some(hash)));
    let reason = reason.trim();
    let mut problems = Vec::new();
    text(&mut problems, "reason", reason, usize::from(seq != 1), 500, false);
    good(problems)?;
    let hash = sealed((year, seq), &document, reason, prev.as_deref());
    let id = by.ids.uuid(by.now);
    let new = NewReport { id, year, seq, document: &document, reason, prev: prev.as_deref(), hash: &hash };
    store::insert_report(&mut *conn, &new, (by.now, &by.actor.name)).await?;
    let to = json!({ "year": year, "seq": seq, "sha256": ledger::hex(&hash) });
    let entry = Entry::new(Act::EvaluationReport, KIND, id).because(reason).to(to);
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(seq)
}

/// Whether the reports of a year, the newest first, are those that went out: each with its own hash and that of the one before.
pub fn is_whole(reports: &[super::Published]) -> bool {
    let is_own = |one: &super::Published| {
        let prev = one.prev.as_deref().map(ledger::unhex);
        let hash = |prev: Option<&[u8]>| ledger::hex(&sealed((one.year, one.seq), &one.document, &one.reason, prev));
        match prev {
            None => one.seq == 1 && hash(None) == one.hash,
            Some(None) => false,
            Some(Some(prev)) => hash(Some(&prev)) == one.hash,
        }
    };
    let follows = |pair: &[super::Published]| pair[0].prev.as_ref() == Some(&pair[1].hash);
    reports.iter().all(is_own) && reports.windows(2).all(follows)
}

/// All definitions.
///
/// # Errors
/// The database's.
pub async fn export(conn: &mut PgConnection) -> Result<File, Refused> {
    let services = store::services(&mut *conn, "", i64::MAX).await?;
    let forms = store::forms(conn, None).await?;
    let forms = forms.into_iter().map(|one| FileForm { key: one.key, version: one.version, text: one.text });
    Ok(File::of(services.into_iter().map(|one| one.what).collect(), forms.collect()))
}

/// Writes definitions down that are not there yet, all or none. How many services and versions were new.
///
/// # Errors
/// Every fault of the file; a conflict when one is there and differs.
pub async fn import(conn: &mut PgConnection, by: Acting<'_>, file: &File) -> Result<(usize, usize), EvaluationError> {
    let mut problems = file.problems();
    for (at, one) in file.services.iter().enumerate() {
        problems.extend(problems_of(&format!("services[{at}]."), one));
    }
    good(problems)?;
    let (mut services, mut forms) = (0, 0);
    for one in &file.services {
        match store::service(&mut *conn, &one.code).await? {
            None => {
                store::save_service(&mut *conn, by.ids.uuid(by.now), one, by.now).await?;
                services += 1;
            }
            Some(there) if there.what == *one => {}
            Some(_) => return Err(Refused::Conflict(format!("the service {} is there and differs", one.code)).into()),
        }
    }
    for one in &file.questionnaires {
        match store::form(&mut *conn, &one.key, one.version).await? {
            None => {
                store::save_form(&mut *conn, (&one.key, one.version, &one.text), (by.now, &by.actor.name)).await?;
                forms += 1;
            }
            Some(there) if there.text == one.text => {}
            Some(_) => {
                let why = format!("version {} of the questionnaire {} is there and differs", one.version, one.key);
                return Err(Refused::Conflict(why).into());
            }
        }
    }
    let counts = json!({ "services": services, "questionnaires": forms });
    let entry = Entry::new(Act::EvaluationImport, KIND, "definitions").to(counts);
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok((services, forms))
}
