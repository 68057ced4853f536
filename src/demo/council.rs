//! A council of the demonstration: people who do not exist, one meeting that was held and one that is convened.

use chrono::{NaiveDate, TimeDelta};
use chrono_tz::America::Sao_Paulo;
use chrono_tz::Tz;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::accounts::tokens::desk::Acting;
use crate::audit::Actor;
use crate::clock::Instant;
use crate::ids::Ids;
use crate::refused::Refused;
use crate::secretariat::kernel::body::desk::meetings::{self, Convening, NewItem};
use crate::secretariat::kernel::body::desk::room::{self, Resolving};
use crate::secretariat::kernel::body::desk::seats::{self, Appointment};
use crate::secretariat::kernel::body::desk::{self, NewPerson, minutes};
use crate::secretariat::kernel::body::rules::{Fraction, MajorityKind, SecondCall, Tally};
use crate::secretariat::kernel::body::{
    ActKind, BodyKind, Capacity, CreatedBy, Described, MeetingKind, Rules, SeatRole, publish, store,
};

const SLUG: &str = "compdec";
const TOWN: Tz = Sao_Paulo;

/// What a seat stands for, its role, who holds it.
const SEATS: [(&str, SeatRole, &str); 5] = [
    ("Defesa Civil (fictícia)", SeatRole::Chair, "Amália Sardinha"),
    ("Secretaria de Obras (fictícia)", SeatRole::Vice, "Evaristo Nunes"),
    ("Secretaria de Saúde (fictícia)", SeatRole::Secretary, "Clarice Mourão"),
    ("Corpo de Bombeiros (fictício)", SeatRole::Member, "Iracema Lobo"),
    ("Associação de moradores (fictícia)", SeatRole::Member, "Dalva Teles"),
];

fn described(from: NaiveDate) -> Described {
    Described {
        slug: SLUG.into(),
        name: "Conselho Municipal de Proteção e Defesa Civil (fictício)".into(),
        kind: BodyKind::Council,
        act: CreatedBy { kind: ActKind::Decree, number: "1/2025 (fictício)".into(), on: from },
        purpose: "Acompanhar o plano de contingência e aconselhar a Defesa Civil.".into(),
        law_ref: String::new(),
        contact: "compdec@exemplo.invalid".into(),
        term_from: from,
        term_until: None,
        rules: Rules {
            notice_ordinary: "committees.notice.ordinary".into(),
            notice_extraordinary: "committees.notice.extraordinary".into(),
            quorum_open: Fraction::more_than(1, 2),
            quorum_decide: Fraction::more_than(1, 2),
            majority: MajorityKind::Simple,
            qualified: None,
            casting_vote: true,
            public: true,
            second_call: Some(SecondCall { after_min: 30, quorum: Fraction::new(1, 3) }),
            most_reappointments: Some(1),
        },
    }
}

/// Writes the council down, as if its first meeting had been ten days ago.
///
/// # Errors
/// The database's, or that what stands here does not fit the rules.
pub async fn fill(conn: &mut PgConnection, (ids, now): (&Ids, Instant)) -> Result<(), Refused> {
    let actor = Actor::command();
    let on = |now: Instant| Acting { ids, now, actor: &actor };
    let founded = now - TimeDelta::days(300);
    let from = publish::day(founded, TOWN);
    desk::found(&mut *conn, on(founded), TOWN, &described(from)).await?;
    let mut places = Vec::new();
    for (position, (entity, role, name)) in (1..).zip(SEATS) {
        let seat = seats::add(&mut *conn, on(founded), SLUG, (position, entity, role)).await?;
        let email = Some(format!("conselho{position}@exemplo.invalid"));
        let new = NewPerson { name: name.into(), email, ..NewPerson::default() };
        let person = desk::save_person(&mut *conn, on(founded), None, &new).await?;
        // One mandate ends soon, so that the list of those has something to show.
        let days = if position == 5 { 325 } else { 730 };
        let until_on = from + TimeDelta::days(days);
        let (capacity, act) = (Capacity::Titular, "Decreto 2/2025 (fictício)".to_owned());
        let mandate = Appointment { person, capacity, from_on: from, until_on, act };
        seats::appoint(&mut *conn, on(founded), (SLUG, seat), &mandate).await?;
        places.push(seat);
    }
    held(&mut *conn, (ids, now - TimeDelta::days(10)), &actor, &places[..4]).await?;
    let next = convening(now + TimeDelta::days(12), &["Relato da chuva", "Abrigos e voluntários"]);
    meetings::convene(conn, on(now), TOWN, SLUG, &next).await?;
    Ok(())
}

fn convening(starts_at: Instant, items: &[&str]) -> Convening {
    let item = |title: &&str| NewItem { title: (*title).to_owned(), text: String::new(), restricted: false };
    Convening {
        kind: MeetingKind::Ordinary,
        starts_at,
        place: "Sala de reuniões (fictícia)".into(),
        urgency: String::new(),
        items: items.iter().map(item).collect(),
    }
}

/// A meeting with one resolution, its minutes waiting to be approved.
async fn held(
    conn: &mut PgConnection,
    (ids, day): (&Ids, Instant),
    actor: &Actor,
    places: &[Uuid],
) -> Result<(), Refused> {
    let on = |now: Instant| Acting { ids, now, actor };
    let wanted = convening(day, &["Revisão do plano de contingência"]);
    let meeting = meetings::convene(&mut *conn, on(day - TimeDelta::days(9)), TOWN, SLUG, &wanted).await?;
    let number = meeting.label();
    for seat in places {
        room::attend(&mut *conn, on(day), TOWN, (SLUG, &number, *seat), Some(Capacity::Titular)).await?;
    }
    meetings::call(&mut *conn, on(day), TOWN, (SLUG, &number)).await?;
    for item in store::room::items(&mut *conn, meeting.id).await? {
        let at = (SLUG, number.as_str(), item.id);
        let votes = u32::try_from(places.len()).unwrap_or_default();
        let tally = Tally { votes_for: votes, ..Tally::default() };
        room::decide(&mut *conn, on(day), TOWN, at, (Some(tally), None)).await?;
        let new = Resolving {
            text: "Aprova a revisão do plano de contingência e pede a sua publicação.".into(),
            determination: "Publicar o plano de contingência revisto".into(),
            determination_to: "Secretaria de Governo".into(),
        };
        room::resolve(&mut *conn, on(day), TOWN, at, &new).await?;
    }
    meetings::close(&mut *conn, on(day + TimeDelta::hours(1)), (SLUG, &number)).await?;
    minutes::draft(conn, on(day + TimeDelta::hours(2)), TOWN, (SLUG, &number)).await
}
