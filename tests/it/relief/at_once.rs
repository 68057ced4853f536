//! Many hands at once: whatever they do in whatever order, a person is in one place, a stock is not negative, and totals are the sums of
//! their parts. The acts are drawn from seeds.

use chrono::TimeDelta;
use sentinela::app::App;
use sentinela::ids::Ids;
use sentinela::refused::Refused;
use sentinela::shelters::store::count;
use sentinela::shelters::totals::sum;
use sentinela::shelters::{Destination, Host, people};
use sentinela::supplies::desk::{self as supplies, Given};
use sentinela::supplies::{Kind, store};
use uuid::Uuid;

use super::{acting, actor, incident, opened, registered, texts};
use crate::support;

fn draw(ids: &Ids, below: usize) -> usize {
    usize::from(u16::from_le_bytes(ids.bytes())) % below
}

/// What was refused by rule, or because another was first, is no fault.
fn fair<T>(done: Result<T, Refused>) -> Option<T> {
    match done {
        Ok(done) => Some(done),
        Err(Refused::Conflict(_)) => None,
        // The index. That two wait for each other is a fault: everybody locks in one order.
        Err(Refused::Database(error)) => {
            let code = error.as_database_error().and_then(|error| error.code().map(std::borrow::Cow::into_owned));
            assert_eq!(code.as_deref(), Some("23505"), "{error}");
            None
        }
        Err(other) => panic!("{other}"),
    }
}

async fn one_hand(app: App, seed: u64, shelters: Vec<Uuid>, persons: Vec<Uuid>) {
    let (ids, who) = (Ids::seeded(seed), actor("fabio"));
    for _ in 0..40 {
        // Clocks of several processes do not agree to the second, nor do these.
        app.clock.set(app.clock.now() + TimeDelta::seconds(1));
        let by = acting(&app, &who);
        let person = persons[draw(&ids, persons.len())];
        let shelter = shelters[draw(&ids, shelters.len())];
        let mut tx = app.db.web.begin().await.unwrap();
        let done = match draw(&ids, 5) {
            0 => fair(people::leave(&mut tx, by, &[person], Destination::Home, "").await).is_some(),
            1 => fair(people::undo(&mut tx, by, shelter, person, "engano").await).is_some(),
            2 => fair(people::stay_elsewhere(&mut tx, by, &[person], Host::Relatives).await).is_some(),
            _ => fair(people::arrive(&mut tx, by, shelter, &[person], "não há outro").await).is_some(),
        };
        if done {
            tx.commit().await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_person_is_in_one_place_at_a_time_whatever_many_hands_do_at_once() {
    for seed in [1, 2, 3] {
        let db = support::db().await;
        let app = support::app(&db);
        incident(&db).await;
        let mut shelters = Vec::new();
        for code in ["A", "B", "C"] {
            shelters.push(opened(&app, code, 3).await);
        }
        let (_, persons) = registered(&app, &["Ana", "Bia", "Caio", "Duda", "Edu", "Fê"]).await;
        let hands = (0..3)
            .map(|hand| tokio::spawn(one_hand(app.clone(), seed * 100 + hand, shelters.clone(), persons.clone())));
        for hand in hands.collect::<Vec<_>>() {
            support::soon("a hand", hand).await.unwrap();
        }
        let twice = texts(
            &db,
            "select person_id::text from stay where until_at is null group by person_id having count(*) > 1",
        )
        .await;
        assert_eq!(twice, [] as [&str; 0], "seed {seed}");
        let overlapping = texts(
            &db,
            "select a.person_id::text from stay a join stay b on b.person_id = a.person_id and b.id <> a.id
                and tstzrange(a.from_at, a.until_at) && tstzrange(b.from_at, b.until_at)
             where a.ended_as is distinct from 'undone' and b.ended_as is distinct from 'undone'",
        )
        .await;
        assert_eq!(overlapping, [] as [&str; 0], "seed {seed}");
        assert!(texts(&db, "select id::text from stay").await.len() > 20, "something happened");
        // Totals equal their parts, counted in another way.
        let mut conn = app.db.web.acquire().await.unwrap();
        let now = app.clock.now() + TimeDelta::hours(1);
        let counts = count::by_shelter(&mut conn, (now, now), count::Whose::everything()).await.unwrap();
        let elsewhere = count::elsewhere(&mut conn, (now, now), count::Whose::everything()).await.unwrap();
        let open: Vec<i64> = sqlx::query_scalar(
            "select count(*) from stay where until_at is null group by shelter_id is null order by shelter_id is null",
        )
        .fetch_all(&db.pool)
        .await
        .unwrap();
        assert_eq!(sum(&counts).all() + elsewhere.heads.all(), open.iter().sum::<i64>(), "seed {seed}");
        let listed: i64 =
            sentinela::shelters::store::list(&mut conn).await.unwrap().iter().map(|shelter| shelter.sheltered).sum();
        assert_eq!(listed, sum(&counts).all(), "seed {seed}");
    }
}

/// Until so many sessions of the database wait for a lock.
async fn waiting(db: &support::TestDb, sessions: i64) {
    support::eventually("sessions that wait for a lock", async || {
        let waits: i64 = sqlx::query_scalar(
            "select count(distinct pid) from pg_locks join pg_stat_activity using (pid)
             where datname = current_database() and not granted",
        )
        .fetch_one(&db.pool)
        .await
        .unwrap();
        (waits == sessions).then_some(())
    })
    .await;
}

#[tokio::test]
async fn two_slips_in_opposite_directions_are_taken_back_at_once() {
    let db = support::db().await;
    let app = support::app(&db);
    incident(&db).await;
    let mut shelters = [opened(&app, "A", 9).await, opened(&app, "B", 9).await];
    shelters.sort_unstable();
    let [first, second] = shelters;
    let (_, persons) = registered(&app, &["Ana", "Bia"]).await;
    let who = actor("fabio");
    for (person, way) in [(persons[0], [first, second]), (persons[1], [second, first])] {
        for shelter in way {
            app.clock.set(app.clock.now() + TimeDelta::seconds(1));
            let mut tx = app.db.web.begin().await.unwrap();
            people::arrive(&mut tx, acting(&app, &who), shelter, &[person], "").await.unwrap();
            tx.commit().await.unwrap();
        }
    }
    // Somebody holds the first shelter until both have begun.
    let mut held = app.db.web.begin().await.unwrap();
    sqlx::query("select id from shelter where id = $1 for update").bind(first).execute(&mut *held).await.unwrap();
    let undo = |shelter: Uuid, person: Uuid| {
        let app = app.clone();
        tokio::spawn(async move {
            let who = actor("fabio");
            let mut tx = app.db.web.begin().await.unwrap();
            people::undo(&mut tx, acting(&app, &who), shelter, person, "engano").await?;
            Ok::<_, Refused>(tx.commit().await?)
        })
    };
    let one = undo(first, persons[1]);
    waiting(&db, 1).await;
    let other = undo(second, persons[0]);
    waiting(&db, 2).await;
    held.rollback().await.unwrap();
    for done in [one, other] {
        support::soon("an undo", done).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_stock_is_never_negative_and_is_the_sum_of_its_entries_whatever_many_hands_do_at_once() {
    let db = support::db().await;
    let app = support::app(&db);
    let who = actor("fabio");
    let mut tx = app.db.web.begin().await.unwrap();
    let by = acting(&app, &who);
    let mut places = Vec::new();
    for name in ["Depósito", "Ginásio", "Igreja"] {
        places.push(supplies::add_depot(&mut tx, by, name).await.unwrap());
    }
    let mut items = Vec::new();
    for name in ["água", "colchão"] {
        items.push(supplies::add_item(&mut tx, by, name, "peça").await.unwrap());
    }
    tx.commit().await.unwrap();
    let hand = |app: App, seed: u64, places: Vec<Uuid>, items: Vec<Uuid>| async move {
        let (ids, who) = (Ids::seeded(seed), actor("fabio"));
        let mut refused = 0;
        for _ in 0..60 {
            let by = acting(&app, &who);
            let (place, item) = (places[draw(&ids, places.len())], items[draw(&ids, items.len())]);
            let amount = 1 + draw(&ids, 9) as i32;
            let mut tx = app.db.web.begin().await.unwrap();
            let given = |kind| Given { place, item, kind, amount, reason: "contagem" };
            let done = match draw(&ids, 5) {
                0 | 1 => fair(supplies::enter(&mut tx, by, given(Kind::Donated)).await).is_some(),
                2 => fair(supplies::enter(&mut tx, by, given(Kind::Used)).await).is_some(),
                3 => fair(supplies::enter(&mut tx, by, given(Kind::Lost)).await).is_some(),
                _ => {
                    let to = places[draw(&ids, places.len())];
                    to != place && fair(supplies::shift(&mut tx, by, (place, to), (item, amount), "").await).is_some()
                }
            };
            if done {
                tx.commit().await.unwrap();
            } else {
                refused += 1;
            }
        }
        refused
    };
    let hands: Vec<_> =
        (0..3).map(|seed| tokio::spawn(hand(app.clone(), seed, places.clone(), items.clone()))).collect();
    let mut refused = 0;
    for hand in hands {
        refused += support::soon("a hand", hand).await.unwrap();
    }
    assert!(refused > 0, "the bound was reached");
    let wrong = texts(
        &db,
        "select s.place_id::text from supply_stock s where s.amount < 0 or s.amount <> (select coalesce(sum(e.amount), 0)
            from supply_entry e where e.place_id = s.place_id and e.item_id = s.item_id)",
    )
    .await;
    assert_eq!(wrong, [] as [&str; 0]);
    // At every line of the ledger, too, and each move has both its halves.
    let below = texts(
        &db,
        "select x.id::text from (select id, sum(amount) over (partition by place_id, item_id order by id) as held from supply_entry) x where x.held < 0",
    )
    .await;
    assert_eq!(below, [] as [&str; 0]);
    let halves = texts(&db, "select move_id::text from supply_entry where move_id is not null group by move_id having count(*) <> 2 or sum(amount) <> 0").await;
    assert_eq!(halves, [] as [&str; 0]);
    assert!(!store::stock(&mut app.db.web.acquire().await.unwrap(), None).await.unwrap().is_empty());
}

/// What the database says to an act that goes past the desks.
async fn refusal(db: &support::TestDb, sql: &'static str) -> String {
    let done = sqlx::raw_sql(sql).execute(&db.pool).await;
    done.unwrap_err().as_database_error().map(|error| error.message().to_owned()).unwrap_or_default()
}

#[tokio::test]
async fn the_database_refuses_two_places_negative_stock_and_rewritten_ledgers_by_itself() {
    let db = support::db().await;
    let app = support::app(&db);
    incident(&db).await;
    let shelter = opened(&app, "A", 10).await;
    let (_, persons) = registered(&app, &["Ana"]).await;
    let who = actor("fabio");
    let mut tx = app.db.web.begin().await.unwrap();
    people::arrive(&mut tx, acting(&app, &who), shelter, &persons, "").await.unwrap();
    let item = supplies::add_item(&mut tx, acting(&app, &who), "água", "litro").await.unwrap();
    let given = Given { place: shelter, item, kind: Kind::Donated, amount: 5, reason: "" };
    supplies::enter(&mut tx, acting(&app, &who), given).await.unwrap();
    tx.commit().await.unwrap();
    for (sql, rule) in [
        (
            "insert into stay (id, person_id, host, from_at, from_by) select gen_random_uuid(), id, 'friends', now(), 'x' from displaced_person",
            "stay_one_at_a_time",
        ),
        (
            "insert into supply_entry (place_id, item_id, at, actor, kind, amount) select place_id, item_id, now(), 'x', 'used', -6 from supply_stock",
            "supply_stock_amount_never_negative",
        ),
        (
            "insert into supply_entry (place_id, item_id, at, actor, kind, amount) select place_id, item_id, now(), 'x', 'used', 6 from supply_stock",
            "supply_entry_sign",
        ),
        ("update supply_entry set amount = 50", "supply_entry_append_only"),
        ("delete from supply_entry", "supply_entry_append_only"),
        ("update shelter_event set reason = 'x'", "shelter_event_append_only"),
        ("update displaced_person set needs = '{oxygen}'", "displaced_person_needs_consent"),
        (
            "update stay set ended_as = 'undone', until_at = now() + interval '10 years', until_by = 'x'",
            "stay_undone_because",
        ),
    ] {
        let said = refusal(&db, sql).await;
        assert!(said.contains(rule), "{sql}: {said}");
    }
}
