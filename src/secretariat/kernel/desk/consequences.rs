//! What follows from an act: deadlines, what everybody may see, who is told, and cases that it opens.

use chrono::TimeDelta;
use serde_json::Value;
use sqlx::PgConnection;

use super::super::decide::{Asked, DeadlineAct, New, Outcome, Who};
use super::super::define::{CaseType, Transition, Word};
use super::super::publication::PublicView;
use super::super::store::{published, recusals};
use super::super::{Access, CaseFile, Counting, FieldKind, SUBJECT};
use super::{Around, CaseError, Desk, open, recusal};
use crate::alerts::escalation::store as staff;
use crate::clock::Instant;
use crate::deadlines;
use crate::dispatch::notices::{self, Notice};
use crate::dispatch::provider::Channel;
use crate::events::{Event, notify};
use crate::i18n::Lang;
use crate::refused::Refused;

/// How long a notice is tried.
const GOOD_FOR: TimeDelta = TimeDelta::hours(48);

pub(super) async fn of_opening(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    def: &CaseType,
    case: &CaseFile,
    outcome: &Outcome,
) -> Result<(), CaseError> {
    count(&mut *conn, desk, (def, case), (&outcome.deadlines, "")).await?;
    if outcome.publishes {
        publish(&mut *conn, desk, def, case).await?;
    }
    let told: Vec<&str> = words(&def.opening.notifies);
    if told.contains(&"citizen") {
        tell_citizen(&mut *conn, desk, def, case, (Lang::Pt.t("sec-act-open").as_str(), "")).await?;
    }
    let told = if case.assigned.is_empty() { told } else { [told, vec!["owner"]].concat() };
    tell(conn, desk, def, case, &told).await
}

pub(super) async fn of_act(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    def: &CaseType,
    (before, case): (&CaseFile, &CaseFile),
    (asked, outcome): (&Asked, &Outcome),
) -> Result<(), CaseError> {
    let Some(one) = def.transition(&asked.transition) else { return Ok(()) };
    let reason = if outcome.reason.is_empty() { one.label.pt.as_str() } else { &outcome.reason };
    // Before its deadlines: whoever opens a case draws a number first and holds the calendar after that. The other way round two acts could
    // wait for each other.
    spawn(&mut *conn, desk, one, (def, case)).await?;
    // More people read the acts of a deadline than may read a restricted case; why stands in its own ledger.
    let outside = if case.access == Access::Restricted { one.label.pt.as_str() } else { reason };
    count(&mut *conn, desk, (def, case), (&outcome.deadlines, outside)).await?;
    if case.is_final && !before.is_final {
        end_deadlines(&mut *conn, desk, case, outside).await?;
    }
    if outcome.publishes {
        publish(&mut *conn, desk, def, case).await?;
    }
    if one.withdraws {
        published::withdraw(&mut *conn, case.id, (desk.by.now, &desk.by.actor.name), reason).await?;
    }
    let told = words(&one.notifies);
    if told.contains(&"citizen") {
        tell_citizen(&mut *conn, desk, def, case, (&in_plain_words(def, one, case), &outcome.reason)).await?;
    }
    tell(conn, desk, def, case, &told).await
}

fn words(all: &[Word]) -> Vec<&str> {
    all.iter().map(|word| word.get_ref().as_str()).collect()
}

/// Begins, ends and moves deadlines.
async fn count(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    (def, case): (&CaseType, &CaseFile),
    (steps, reason): (&[DeadlineAct], &str),
) -> Result<(), CaseError> {
    let (by, subject, link) = (desk.by, (SUBJECT, case.id), case.link());
    let title = case.name_outside(def);
    for step in steps {
        let code = step.code.as_str();
        match step.what {
            Counting::Start => {
                let new = deadlines::store::New {
                    subject,
                    title: &title,
                    link: &link,
                    code,
                    anchor_at: step.anchor_at,
                    governed_on: None,
                };
                deadlines::desk::set(&mut *conn, by, desk.tz, &new).await?;
            }
            Counting::Meet | Counting::Void => {
                let is_met = step.what == Counting::Meet;
                deadlines::desk::end(&mut *conn, by, (subject, code), is_met, reason).await?;
            }
            moved => {
                let open = deadlines::store::list(&mut *conn, Some(subject), true).await?;
                let one = open.iter().find(|one| one.code == code);
                let one = one.ok_or_else(|| Refused::Conflict(format!("the deadline {code} does not run")))?;
                let asked =
                    deadlines::desk::Asked { act: moved.as_str().to_owned(), on: None, reason: reason.to_owned() };
                deadlines::desk::act(&mut *conn, by, desk.tz, one.id, &asked)
                    .await
                    .map_err(|error| cite(error, one))?;
            }
        }
    }
    Ok(())
}

/// A refusal of the deadline with the law of its rule.
fn cite(error: CaseError, deadline: &deadlines::Deadline) -> CaseError {
    match error {
        CaseError::Refused(Refused::Conflict(why)) => {
            Refused::Conflict(format!("{why} ({}: {})", deadline.code, deadline.law_ref)).into()
        }
        other => other,
    }
}

/// Nothing of a case that ended is due any more.
pub(super) async fn end_deadlines(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    case: &CaseFile,
    reason: &str,
) -> Result<(), CaseError> {
    for one in deadlines::store::list(&mut *conn, Some((SUBJECT, case.id)), true).await? {
        deadlines::desk::end(&mut *conn, desk.by, ((SUBJECT, case.id), &one.code), false, reason).await?;
    }
    Ok(())
}

/// Keeps what everybody may see of the case as it stands.
async fn publish(conn: &mut PgConnection, desk: Desk<'_>, def: &CaseType, case: &CaseFile) -> Result<(), CaseError> {
    let Some(view) = PublicView::of(def, case, desk.tz) else { return Ok(()) };
    let by = desk.by;
    let embargo = def.public.embargo.as_ref().and_then(|field| case.day(field.get_ref()));
    let embargo = embargo.map(|day| deadlines::town::start_of(day, desk.tz));
    let id = by.ids.uuid(by.now);
    published::insert(&mut *conn, (id, case.id), (&case.module, &view), (by.now, &by.actor.name), embargo).await?;
    let entry = crate::audit::Entry::new(crate::audit::Act::CasePublish, super::KIND, case.id);
    let entry = entry.to(serde_json::json!({ "publication": id, "fields": view.fields.keys().collect::<Vec<_>>() }));
    crate::audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(())
}

/// Opens the case that an act asks for.
async fn spawn(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    one: &Transition,
    (def, case): (&CaseType, &CaseFile),
) -> Result<(), CaseError> {
    let Some(spawn) = &one.spawns else { return Ok(()) };
    let fields = spawn.copy.iter().filter_map(|(to, from)| {
        let value = match from.get_ref().as_str() {
            "title" => Value::from(case.title.as_str()),
            field => case.fields.get(field)?.clone(),
        };
        Some((to.clone(), value))
    });
    let title = match spawn.title.as_ref().and_then(|word| case.text(word.get_ref())) {
        Some(said) => said.to_owned(),
        // Whoever gets it may not read the case that it comes from.
        None if case.access == Access::Restricted => case.name_outside(def),
        None => case.title.clone(),
    };
    let new = New { title, department: case.department.clone(), assigned: String::new(), fields: fields.collect() };
    // The act was allowed; that it opens a case in another module follows from it. Whoever acted is the author, unless the case is for the
    // people of that module alone: being its author would let them read it.
    let is_closed = desk
        .types
        .get(spawn.key.get_ref())
        .is_some_and(|kept| kept.def.access == Access::Restricted && !desk.who.works_in(&kept.def));
    let name = if is_closed { super::service().name } else { desk.who.name.clone() };
    let who = Who { is_service: true, name, ..desk.who.clone() };
    let around = Around { spawned_by: Some(case.id), ..Around::default() };
    let below = Desk { who: &who, ..desk };
    let mut opened = open(&mut *conn, below, spawn.key.get_ref(), &new, &around).await?;
    if let Some(kept) = desk.types.get(spawn.key.get_ref()) {
        recusal::handed_on(conn, below, &kept.def, (case.id, &mut opened)).await?;
    }
    Ok(())
}

/// What was done as its citizen reads it: "Prazo prorrogado", not the word of the button that staff press.
fn in_plain_words(def: &CaseType, one: &Transition, case: &CaseFile) -> String {
    let key = format!("sec-citizen-act-{}", one.key().replace('_', "-"));
    let has_door = crate::secretariat::citizen::type_of(def.module()) == Some(def.key());
    if has_door && Lang::Pt.knows(&key) { Lang::Pt.t(&key) } else { def.state_label(&case.state, Lang::Pt) }
}

/// The address that a citizen left: in the case, or sealed in the vault. That the service opens the vault to write to them is in the
/// audit, as every opening.
async fn contact(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    (def, case): (&CaseType, &CaseFile),
) -> Result<Option<String>, CaseError> {
    let in_case =
        def.fields.iter().filter(|field| field.kind == FieldKind::Email).find_map(|field| case.text(field.key()));
    if let Some(address) = in_case {
        return Ok(Some(address.to_owned()));
    }
    let email = crate::secretariat::citizen::identity::email(conn, desk, case).await?;
    Ok(email.filter(|email| !email.is_empty()))
}

/// Writes to the citizen who opened the case: its number, what was done, the reason that is told to them, and where to read the rest.
/// Neither the code nor what the case says goes by e-mail.
///
/// # Errors
/// The database's.
pub async fn tell_citizen(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    def: &CaseType,
    case: &CaseFile,
    (act, reason): (&str, &str),
) -> Result<(), CaseError> {
    let Some(address) = contact(&mut *conn, desk, (def, case)).await? else { return Ok(()) };
    // Why something was done about somebody's conduct goes into nobody's mailbox.
    let reason = if def.module() == crate::secretariat::ethics::MODULE { "" } else { reason };
    let (lang, number) = (Lang::Pt, case.number());
    let subject = lang.t2("sec-citizen-mail-subject", "number", &number, "act", act);
    let mut body = lang.t2("sec-citizen-mail-body", "number", &number, "act", act);
    if !reason.is_empty() {
        body.push_str("\n\n");
        body.push_str(&lang.t1("sec-citizen-mail-reason", "reason", reason));
    }
    let base = desk.config.public_url();
    let where_to = if crate::secretariat::citizen::type_of(def.module()) == Some(def.key()) {
        case.code_hash.as_ref().map(|_| ("sec-citizen-mail-follow", format!("{base}/secretaria/protocolo")))
    } else {
        let is_public = def.public.states.iter().any(|state| *state.get_ref() == case.state);
        let slug = crate::secretariat::modules::find(def.module()).map_or(def.module(), |module| module.slug_pt);
        is_public.then(|| ("sec-citizen-mail-read", format!("{base}/secretaria/{slug}/publicacoes/{}", case.id)))
    };
    if let Some((key, link)) = where_to {
        body.push_str("\n\n");
        body.push_str(&lang.t1(key, "link", link));
    }
    body.push('\n');
    let (channel, expires_at, purpose) = (Channel::Email, desk.by.now + GOOD_FOR, "secretariat");
    // One mailbox is one address however it is typed, or the limit of notices to it would be none.
    let address = address.to_lowercase();
    let notice = Notice { channel, address: &address, subject: &subject, body: &body, expires_at, purpose };
    notices::queue(&mut *conn, desk.by.ids, desk.by.now, &notice).await?;
    notify(conn, &Event::Outbox).await?;
    Ok(())
}

/// Tells whoever is named, by e-mail. Of what is restricted only that something happened.
pub(super) async fn tell(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    def: &CaseType,
    case: &CaseFile,
    whom: &[&str],
) -> Result<(), CaseError> {
    if whom.is_empty() {
        return Ok(());
    }
    let (now, ids) = (desk.by.now, desk.by.ids);
    let mut people = staff::people(&mut *conn).await?;
    let recused = recusals::of_case(&mut *conn, case.id).await?;
    people.retain(|person| !recused.iter().any(|one| one.username == person.username));
    let mut addresses: Vec<(Lang, &str, String)> = Vec::new();
    for part in whom {
        let name = match *part {
            "owner" => &case.assigned,
            "author" => &case.author,
            // Citizens are told in their own words.
            _ => continue,
        };
        let person = people.iter().find(|person| person.username == *name && person.username != desk.who.name);
        if let Some((person, address)) =
            person.and_then(|one| one.address(Channel::Email).map(|address| (one, address)))
        {
            let lang = Lang::from_tag(&person.language).unwrap_or_default();
            addresses.push((lang, address, format!("{}{}", desk.config.public_url(), case.link())));
        }
    }
    addresses.sort_by(|a, b| a.1.cmp(b.1));
    addresses.dedup_by(|a, b| a.1 == b.1);
    if addresses.is_empty() {
        return Ok(());
    }
    for (lang, address, link) in addresses {
        queue(&mut *conn, (ids, now), (def, case), (lang, address, &link)).await?;
    }
    notify(conn, &Event::Outbox).await?;
    Ok(())
}

async fn queue(
    conn: &mut PgConnection,
    (ids, now): (&crate::ids::Ids, Instant),
    (def, case): (&CaseType, &CaseFile),
    (lang, address, link): (Lang, &str, &str),
) -> sqlx::Result<()> {
    let state = def.state_label(&case.state, lang);
    let name = if case.access == super::super::Access::Restricted || link.is_empty() {
        [def.title.of(lang).to_owned(), case.number()].join(" ").trim().to_owned()
    } else {
        case.name()
    };
    let subject = lang.t2("sec-notice-subject", "name", name, "state", state);
    let body = format!("{subject}\n\n{link}\n");
    let (channel, expires_at, purpose) = (Channel::Email, now + GOOD_FOR, "secretariat");
    notices::queue(conn, ids, now, &Notice { channel, address, subject: &subject, body: &body, expires_at, purpose })
        .await?;
    Ok(())
}
