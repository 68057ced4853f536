//! Taking a report: kept whole, put to the occurrence it belongs to, and weighed, in one transaction.

use chrono::{Datelike as _, TimeDelta};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::cluster::{self, Because, Seen, Spot};
use super::trust::{self, Doubt, Facts, Standing};
use super::{Kind, OLDEST, PlaceFrom, Source, State, store};
use crate::app::App;
use crate::audit::{self, Act, Actor, Entry};
use crate::clock::Instant;
use crate::events::{Event, notify};
use crate::ids::Ids;
use crate::media::Picture;
use crate::vault::Keyring;

/// What taking a report needs of the service.
#[derive(Clone, Copy, Debug)]
pub struct Desk<'a> {
    pub ids: &'a Ids,
    pub keys: &'a Keyring,
    pub tz: chrono_tz::Tz,
}

impl<'a> Desk<'a> {
    pub fn of(app: &'a App) -> Self {
        Self { ids: &app.ids, keys: &app.keys, tz: app.config.municipality.time_zone }
    }
}

/// Who reports.
#[derive(Clone, Debug, PartialEq)]
pub struct Reporter {
    pub standing: Standing,
    /// What they are known by: an account, a telephone, a mailbox, a network address. Only a keyed sum of it is kept.
    pub known_by: String,
    /// How to ask them back; kept sealed, and for a time.
    pub contact: Option<String>,
    /// Of staff: the account, for the audit.
    pub staff: Option<Actor>,
}

/// A report as one of the doors understood it.
#[derive(Clone, Debug)]
pub struct NewReport<'a> {
    /// Given by whoever sends: what comes twice is one report.
    pub key: String,
    pub source: Source,
    pub kind: Kind,
    pub words: String,
    /// Where, in words.
    pub place: String,
    pub spot: Option<(Spot, PlaceFrom)>,
    /// When it was seen, if that is not now.
    pub observed_at: Option<Instant>,
    pub language: &'a str,
    pub reporter: Reporter,
    pub doubts: Vec<Doubt>,
    pub pictures: &'a [Picture],
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    pub id: Uuid,
    pub protocol: String,
    pub occurrence: Uuid,
    pub occurrence_number: String,
    /// False when it had come before.
    pub is_new: bool,
}

/// Takes a report in the caller's transaction. The same key again is answered as the first time.
///
/// # Errors
/// What the database says.
pub async fn take(conn: &mut PgConnection, desk: Desk<'_>, now: Instant, new: NewReport<'_>) -> sqlx::Result<Taken> {
    // One after the other: two reports of one fall must not both find themselves the first.
    store::lock(&mut *conn).await?;
    if let Some(taken) = store::by_key(&mut *conn, &new.key).await? {
        return Ok(taken);
    }
    let year = now.with_timezone(&desk.tz).year();
    let kept = keep(&mut *conn, desk, (now, year), &new).await?;
    let seen = Seen { kind: new.kind, spot: new.spot.map(|(spot, _)| spot), at: kept.observed_at };
    let (occurrence, because) = match seen.spot {
        Some(spot) => cluster::place(&seen, &store::open_near(&mut *conn, spot, kept.observed_at).await?),
        None => cluster::place(&seen, &[]),
    };
    let (occurrence, number) = match occurrence {
        Some(id) => (id, store::number(&mut *conn, id).await?),
        None => store::open(&mut *conn, desk.ids.uuid(now), (now, year), &seen).await?,
    };
    store::stand(&mut *conn, kept.id, occurrence, &because).await?;
    weigh(&mut *conn, occurrence).await?;
    let detail = json!({ "report": kept.id, "protocol": kept.protocol, "because": because });
    let actor = new.reporter.staff.as_ref().map_or("", |staff| staff.name.as_str());
    store::tell(&mut *conn, occurrence, now, actor, "reported", "", &detail).await?;
    if let Some(staff) = &new.reporter.staff {
        let entry = Entry::new(Act::ReportFile, "report", kept.id);
        let entry = entry.to(json!({ "protocol": kept.protocol, "kind": new.kind, "occurrence": number }));
        audit::record(&mut *conn, desk.ids, now, staff, entry).await?;
    }
    notify(&mut *conn, &Event::Occurrence { id: occurrence }).await?;
    metrics::counter!("sentinela_reports_total", "source" => new.source.as_str()).increment(1);
    Ok(Taken { id: kept.id, protocol: kept.protocol, occurrence, occurrence_number: number, is_new: true })
}

struct Kept {
    id: Uuid,
    protocol: String,
    observed_at: Instant,
}

/// The report itself, its contact and its photographs.
async fn keep(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    (now, year): (Instant, i32),
    new: &NewReport<'_>,
) -> sqlx::Result<Kept> {
    let id = desk.ids.uuid(now);
    let (number, _) = crate::alerts::store::next_number(&mut *conn, "report", year).await?;
    let protocol = format!("R{number}");
    // A telephone's clock may be wrong; what is to come has not been seen.
    let observed_at = new.observed_at.map_or(now, |at| at.clamp(now - OLDEST, now));
    let reporter = mark(desk.keys, &new.reporter, now, desk.tz);
    let mut doubts = new.doubts.clone();
    if new.reporter.standing != Standing::Staff {
        let lately = store::lately(&mut *conn, &reporter, now - TimeDelta::hours(1)).await?;
        if lately >= trust::MANY_AN_HOUR {
            doubts.push(Doubt::Many);
        }
    }
    doubts.sort_unstable();
    doubts.dedup();
    let row =
        store::Row { id, protocol: &protocol, observed_at, received_at: now, reporter: &reporter, doubts: &doubts };
    store::insert(&mut *conn, &row, new).await?;
    if let Some(contact) = &new.reporter.contact {
        let sealed = desk.keys.vault.seal(&contact_context(id), contact.as_bytes());
        store::keep_contact(&mut *conn, id, &sealed, now).await?;
    }
    let by = new.reporter.staff.as_ref().map_or(new.source.as_str(), |staff| staff.name.as_str());
    for picture in new.pictures {
        store::photographs::insert(&mut *conn, desk.ids.uuid(now), id, picture, (by, now)).await?;
    }
    Ok(Kept { id, protocol, observed_at })
}

/// What a contact is sealed for.
pub fn contact_context(report: Uuid) -> String {
    format!("report_contact.sealed:{report}")
}

/// Tells reporters apart without naming them. A network address is somebody's for a day only: another day's is another mark.
fn mark(keys: &Keyring, reporter: &Reporter, now: Instant, tz: chrono_tz::Tz) -> [u8; 16] {
    let day = match reporter.standing {
        Standing::Anonymous => now.with_timezone(&tz).date_naive().to_string(),
        _ => String::new(),
    };
    keys.service.sum("reporter", format!("{day} {}", reporter.known_by).as_bytes())
}

/// Weighs every report of an occurrence anew, and the occurrence by them.
pub async fn weigh(conn: &mut PgConnection, occurrence: Uuid) -> sqlx::Result<()> {
    let members = store::members(&mut *conn, occurrence).await?;
    let Some(state) = store::state(&mut *conn, occurrence).await? else { return Ok(()) };
    let mut judged = Vec::with_capacity(members.len());
    let mut reporters: Vec<&[u8]> = Vec::new();
    for member in &members {
        let is_repeated = reporters.contains(&member.reporter.as_slice());
        if !is_repeated {
            reporters.push(&member.reporter);
        }
        let ground = match member.spot {
            Some(spot) => store::ground(&mut *conn, spot).await?,
            None => None,
        };
        let others = members.iter().filter(|other| other.reporter != member.reporter && other.doubts.is_empty());
        let mut others: Vec<&[u8]> = others.map(|other| other.reporter.as_slice()).collect();
        others.sort_unstable();
        others.dedup();
        let facts = Facts {
            standing: member.standing,
            doubts: member.doubts.clone(),
            photographs: member.photographs,
            confirmed: member.confirmed,
            dismissed: member.dismissed,
            neighbours: i64::try_from(others.len()).unwrap_or(i64::MAX),
            ground,
            exact_place: member.spot.is_some_and(|spot| spot.precision_m <= cluster::EXACT_M),
        };
        let trust = trust::judge(&facts);
        let weight = trust::weight(state.as_str(), trust.score, !member.doubts.is_empty(), is_repeated);
        judged.push(store::Judged { report: member.id, trust, weight, is_repeated });
    }
    store::save_judged(&mut *conn, &judged).await?;
    let summary = summary(state, &members, &judged);
    store::save_summary(conn, occurrence, &summary).await
}

/// What an occurrence is by its reports.
fn summary(state: State, members: &[store::Member], judged: &[store::Judged]) -> store::Summary {
    let score = |at: usize| judged.get(at).map_or(0.0, |judged| judged.trust.score);
    let best = (0..members.len()).max_by(|a, b| score(*a).total_cmp(&score(*b)).then(b.cmp(a)));
    let kind = best.and_then(|at| members.get(at)).map_or(Kind::Other, |member| member.kind);
    let spot = members.iter().filter_map(|member| member.spot).min_by_key(|spot| spot.precision_m);
    let first_words = judged.iter().filter(|judged| !judged.is_repeated).map(|judged| judged.trust.score);
    let trust = match state {
        State::Confirmed | State::Closed => 1.0,
        State::Dismissed | State::Merged => 0.0,
        State::New => trust::together(first_words),
    };
    // What waits may be worse than it was called at first: the most dangerous word of its reports presses.
    let danger = members.iter().map(|member| member.kind.danger()).max().unwrap_or(0);
    store::Summary { kind, spot, trust, pressing: trust * f64::from(danger) }
}

/// Why it stands where a person put it.
pub fn by_hand(who: &str) -> Because {
    Because::ByHand { who: who.to_owned() }
}
