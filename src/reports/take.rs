//! Taking a report: kept whole, put to the occurrence it belongs to, and weighed, in one transaction.

use std::net::IpAddr;

use chrono::{Datelike as _, TimeDelta};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::cluster::{self, Because, Seen, Spot};
use super::store::Member;
use super::trust::{self, Doubt, Facts, Standing, Voice};
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

/// Takes a report in the caller's transaction, from where no network address is known. The same key again is answered as the
/// first time.
///
/// # Errors
/// What the database says.
pub async fn take(conn: &mut PgConnection, desk: Desk<'_>, now: Instant, new: NewReport<'_>) -> sqlx::Result<Taken> {
    take_from(conn, desk, (now, None), new).await
}

/// Where a report is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice<'a> {
    /// To the nearest open occurrence of its family, or to one of its own.
    Nearest,
    /// A person says that it is another thing than all that is known.
    New { who: &'a str },
    /// A person says what it belongs to, which is open and stays so while the caller's transaction runs.
    Into { occurrence: Uuid, who: &'a str },
}

/// [`take`], from a network address. Many names behind one address are not many witnesses.
///
/// # Errors
/// What the database says.
pub async fn take_from(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    when: (Instant, Option<IpAddr>),
    new: NewReport<'_>,
) -> sqlx::Result<Taken> {
    take_as(conn, desk, when, new, Choice::Nearest).await
}

/// [`take_from`], put where a person says.
///
/// # Errors
/// What the database says.
pub async fn take_as(
    conn: &mut PgConnection,
    desk: Desk<'_>,
    (now, from): (Instant, Option<IpAddr>),
    new: NewReport<'_>,
    choice: Choice<'_>,
) -> sqlx::Result<Taken> {
    // One after the other: two reports of one fall must not both find themselves the first.
    store::lock(&mut *conn).await?;
    if let Some(taken) = store::by_key(&mut *conn, &new.key).await? {
        return Ok(taken);
    }
    let year = now.with_timezone(&desk.tz).year();
    let kept = keep(&mut *conn, desk, (now, year, from), &new).await?;
    let seen = Seen { kind: new.kind, spot: new.spot.map(|(spot, _)| spot), at: kept.observed_at };
    let (occurrence, because) = match (choice, seen.spot) {
        (Choice::New { who }, _) => (None, by_hand(who)),
        (Choice::Into { occurrence, who }, _) => (Some(occurrence), by_hand(who)),
        (Choice::Nearest, Some(spot)) => {
            cluster::place(&seen, &store::open_near(&mut *conn, spot, kept.observed_at).await?)
        }
        (Choice::Nearest, None) => cluster::place(&seen, &[]),
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
    (now, year, from): (Instant, i32, Option<IpAddr>),
    new: &NewReport<'_>,
) -> sqlx::Result<Kept> {
    let id = desk.ids.uuid(now);
    let (number, _) = crate::alerts::store::next_number(&mut *conn, "report", year).await?;
    let protocol = format!("R{number}");
    // A telephone's clock may be wrong; what is to come has not been seen.
    let observed_at = new.observed_at.map_or(now, |at| at.clamp(now - OLDEST, now));
    let reporter = mark(desk.keys, &new.reporter, now, desk.tz);
    let origin = from.map(|address| origin(desk, address, now));
    let mut doubts = new.doubts.clone();
    if new.reporter.standing != Standing::Staff && is_one_of_many(&mut *conn, (&reporter, origin.as_ref()), now).await?
    {
        doubts.push(Doubt::Many);
    }
    doubts.sort_unstable();
    doubts.dedup();
    let row = store::Row {
        id,
        protocol: &protocol,
        observed_at,
        received_at: now,
        reporter: &reporter,
        origin: origin.as_ref(),
        doubts: &doubts,
    };
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

/// True when the same reporter, or the same network address, has sent very many within the hour.
async fn is_one_of_many(
    conn: &mut PgConnection,
    (reporter, origin): (&[u8; 16], Option<&[u8; 16]>),
    now: Instant,
) -> sqlx::Result<bool> {
    let since = now - TimeDelta::hours(1);
    if store::lately(&mut *conn, reporter, since).await? >= trust::MANY_AN_HOUR {
        return Ok(true);
    }
    let Some(origin) = origin else { return Ok(false) };
    Ok(store::lately_from(conn, origin, since).await? >= trust::MANY_OF_ADDRESS_AN_HOUR)
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

/// Tells network addresses apart without naming them, for a day.
fn origin(desk: Desk<'_>, address: IpAddr, now: Instant) -> [u8; 16] {
    let day = now.with_timezone(&desk.tz).date_naive();
    desk.keys.service.sum("report origin", format!("{day} {address}").as_bytes())
}

/// Weighs every report of an occurrence anew, and the occurrence by them.
pub async fn weigh(conn: &mut PgConnection, occurrence: Uuid) -> sqlx::Result<()> {
    let members = store::members(&mut *conn, occurrence).await?;
    let Some((state, confirmed_at)) = store::state(&mut *conn, occurrence).await? else { return Ok(()) };
    let placed = store::placing::of(&mut *conn, occurrence).await?.map(|placing| placing.spot);
    let voices = voices(&members, confirmed_at);
    let mut judged = Vec::with_capacity(members.len());
    for (member, (voice, is_counted)) in members.iter().zip(voices) {
        // Whoever did not say it exactly speaks of the place that a person found.
        let there = member.spot.filter(|spot| is_exact(*spot)).or(placed).or(member.spot);
        let ground = match there {
            Some(spot) => store::ground(&mut *conn, spot).await?,
            None => None,
        };
        let facts = Facts {
            standing: member.standing,
            doubts: member.doubts.clone(),
            photographs: member.photographs,
            confirmed: member.confirmed,
            dismissed: member.dismissed,
            neighbours: neighbours(&members, member),
            ground,
            exact_place: there.is_some_and(is_exact),
        };
        let trust = trust::judge(&facts);
        // What the service measured itself is no witness: a rule would hear its own echo.
        let weight = if member.is_echo { 0.0 } else { trust::weight(state, trust.score, voice) };
        judged.push(store::Judged { report: member.id, trust, weight, is_counted });
    }
    store::save_judged(&mut *conn, &judged).await?;
    let summary = summary((state, confirmed_at), placed, &members, &judged);
    store::save_summary(&mut *conn, occurrence, &summary).await?;
    crate::occurrences::store::judge_soon(conn, occurrence).await
}

const fn is_exact(spot: Spot) -> bool {
    spot.precision_m <= cluster::EXACT_M
}

fn was_before(member: &Member, confirmed_at: Option<Instant>) -> bool {
    confirmed_at.is_some_and(|at| member.received_at <= at)
}

/// How each report speaks, in the order they came, and whether it is one witness more.
fn voices(members: &[Member], confirmed_at: Option<Instant>) -> Vec<(Voice, bool)> {
    let mut reporters: Vec<&[u8]> = Vec::new();
    let mut origins: Vec<&[u8]> = Vec::new();
    let mut voices = Vec::with_capacity(members.len());
    for member in members {
        let is_repeated = reporters.contains(&member.reporter.as_slice());
        let before = origins.iter().filter(|origin| member.origin.as_deref() == Some(**origin)).count();
        let is_crowded = before >= trust::WITNESSES_OF_ADDRESS;
        if !is_repeated {
            reporters.push(&member.reporter);
            // Doubtful ones count nothing, and take nobody's place.
            origins.extend(member.origin.as_deref().filter(|_| member.doubts.is_empty()));
        }
        let voice = if is_repeated {
            Voice::Repeated
        } else if was_before(member, confirmed_at) {
            Voice::Judged
        } else if is_crowded || !member.doubts.is_empty() {
            Voice::Doubtful
        } else {
            Voice::Heard
        };
        voices.push((voice, !is_repeated && !is_crowded));
    }
    voices
}

/// Others who say the same: of one network address no more than one, and of the reporter's own none.
fn neighbours(members: &[Member], member: &Member) -> i64 {
    let others = members.iter().filter(|other| {
        let is_apart = other.origin.is_none() || other.origin != member.origin;
        other.reporter != member.reporter && other.doubts.is_empty() && is_apart
    });
    let mut others: Vec<&[u8]> = others.map(|other| other.origin.as_deref().unwrap_or(&other.reporter)).collect();
    others.sort_unstable();
    others.dedup();
    i64::try_from(others.len()).unwrap_or(i64::MAX)
}

/// What an occurrence is by its reports, and where it is by a person's word or by theirs.
fn summary(
    (state, confirmed_at): (State, Option<Instant>),
    placed: Option<Spot>,
    members: &[Member],
    judged: &[store::Judged],
) -> store::Summary {
    let score = |at: usize| judged.get(at).map_or(0.0, |judged| judged.trust.score);
    let best = (0..members.len()).max_by(|a, b| score(*a).total_cmp(&score(*b)).then(b.cmp(a)));
    let kind = best.and_then(|at| members.get(at)).map_or(Kind::Other, |member| member.kind);
    let witnesses = judged.iter().filter(|judged| judged.is_counted).map(|judged| judged.trust.score);
    let trust = match state {
        State::Dismissed | State::Merged => 0.0,
        _ if confirmed_at.is_some() => 1.0,
        _ => trust::together(witnesses),
    };
    // What waits may be worse than it was called at first: the most dangerous word of its reports presses.
    let danger = members.iter().map(|member| member.kind.danger()).max().unwrap_or(0);
    let spot = placed.or_else(|| place_of(members, confirmed_at));
    store::Summary { kind, spot, trust, pressing: trust * f64::from(danger) }
}

/// Differences below this are no reason to move: what a telephone says of its own error is cheap to say.
const EQUALLY_EXACT_M: i32 = 50;

/// Where an occurrence is: by what was said before somebody confirmed it, of that by the best known reporter, then the most exact,
/// then the first. A rough place gives way to an exact one; people put these together by hand.
fn place_of(members: &[Member], confirmed_at: Option<Instant>) -> Option<Spot> {
    let placed = members.iter().filter_map(|member| member.spot.map(|spot| (member, spot)));
    let best = placed.min_by_key(|(member, spot)| {
        let is_rough = !is_exact(*spot);
        let is_late = confirmed_at.is_some() && !was_before(member, confirmed_at);
        let precision_m = spot.precision_m.max(EQUALLY_EXACT_M);
        (is_rough, is_late, !member.doubts.is_empty(), member.standing, precision_m)
    });
    best.map(|(_, spot)| spot)
}

/// Why it stands where a person put it.
pub fn by_hand(who: &str) -> Because {
    Because::ByHand { who: who.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_micros;

    fn at(minute: i64) -> Instant {
        from_micros(1_700_000_000_000_000 + minute * 60_000_000)
    }

    /// The nth report, at the nth minute, some metres farther north each.
    fn member(n: u8, origin: Option<u8>) -> Member {
        Member {
            id: Uuid::from_u128(u128::from(n)),
            kind: Kind::Landslide,
            standing: Standing::Contact,
            doubts: vec![],
            reporter: vec![n; 16],
            origin: origin.map(|origin| vec![origin; 16]),
            received_at: at(i64::from(n)),
            spot: Some(Spot { lon: -43.4, lat: -21.7 + f64::from(n) / 10_000.0, precision_m: 20 }),
            photographs: 0,
            confirmed: 0,
            dismissed: 0,
            is_echo: false,
        }
    }

    fn heard(voices: &[(Voice, bool)]) -> Vec<Voice> {
        voices.iter().map(|(voice, _)| *voice).collect()
    }

    #[test]
    fn many_names_of_one_address_are_some_witnesses_and_nobodys_neighbours() {
        let mut members: Vec<Member> = (0..30).map(|n| member(n, Some(1))).collect();
        let counted = |members: &[Member]| voices(members, None).iter().filter(|(_, is_counted)| *is_counted).count();
        assert_eq!(counted(&members), trust::WITNESSES_OF_ADDRESS);
        assert_eq!(heard(&voices(&members, None))[3..], [Voice::Doubtful; 27]);
        assert_eq!(neighbours(&members, &members[0]), 0);
        // Somebody elsewhere has one neighbour there, and is one themself.
        members.push(member(30, Some(2)));
        members.push(member(31, None));
        assert_eq!(counted(&members), trust::WITNESSES_OF_ADDRESS + 2);
        assert_eq!(members.iter().map(|one| neighbours(&members, one)).collect::<Vec<_>>()[29..], [2, 2, 2]);
        // What somebody confirmed counts, wherever it came from.
        assert_eq!(heard(&voices(&members, Some(at(40)))), [Voice::Judged; 32]);
    }

    #[test]
    fn only_what_was_there_when_it_was_confirmed_was_judged() {
        let mut members: Vec<Member> = (0..4).map(|n| member(n, None)).collect();
        members[3].doubts = vec![Doubt::Many];
        members[1].reporter = vec![0; 16];
        let expected = [Voice::Judged, Voice::Repeated, Voice::Heard, Voice::Doubtful];
        assert_eq!(heard(&voices(&members, Some(at(1)))), expected);
    }

    #[test]
    fn nobody_moves_a_place_by_claiming_to_know_it_exactly() {
        let mut members: Vec<Member> = (0..3).map(|n| member(n, None)).collect();
        members[1].spot.as_mut().unwrap().precision_m = 5;
        assert_eq!(place_of(&members, None), members[0].spot, "the first of equals");
        members[2].standing = Standing::Staff;
        members[2].spot.as_mut().unwrap().precision_m = 150;
        members[1].standing = Standing::Anonymous;
        assert_eq!(place_of(&members, None), members[2].spot, "the best known");
        assert_eq!(place_of(&members, Some(at(1))), members[0].spot, "as it was confirmed");
        members[2].spot.as_mut().unwrap().precision_m = 900;
        assert_eq!(place_of(&members, None), members[0].spot, "a rough place gives way");
        for one in &mut members[..2] {
            one.doubts = vec![Doubt::TooFast];
            one.spot.as_mut().unwrap().precision_m = 5;
        }
        members[2].spot.as_mut().unwrap().precision_m = 100;
        members[2].standing = Standing::Anonymous;
        assert_eq!(place_of(&members, None), members[2].spot, "doubtful ones come last");
    }
}
