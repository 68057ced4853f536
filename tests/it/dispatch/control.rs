//! Pause, resume and cancel what is unsent.

use chrono::TimeDelta;
use sentinela::app::App;
use sentinela::audit::Actor;
use sentinela::dispatch::control::{Act, Control, ControlError, Done};
use sentinela::dispatch::decide::{Next, State};
use sentinela::dispatch::desk::Desk;
use sentinela::dispatch::provider::{Provider, providers};
use sentinela::dispatch::store::claim::{self, Claimed, Ending};
use sentinela::dispatch::{keeper, worker};
use sentinela::ids::AlertId;

use super::peers::{Dispatcher, provider, smsc, told};
use super::town::{INSIDE, Town};
use crate::support::{self, TestDb, free_port, start_at};

fn sink() -> Provider {
    providers(&support::config(&[])).remove(0)
}

async fn act(app: &App, alert: AlertId, act: Act) -> Result<Done, ControlError> {
    let actor = Actor::command();
    let mut tx = app.db.web.begin().await.unwrap();
    let desk = Desk { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let done = desk.act(&mut tx, alert, act, "texto com o bairro errado").await?;
    tx.commit().await.unwrap();
    Ok(done)
}

async fn claimed(db: &TestDb, limit: i64) -> Vec<Claimed> {
    let mut conn = db.pool.acquire().await.unwrap();
    claim::claim(&mut conn, start_at(), &sink(), limit, start_at() + TimeDelta::seconds(30)).await.unwrap()
}

fn ended(row: &Claimed, state: State) -> Ending {
    let next_attempt_at = (state == State::Pending).then(start_at);
    let next = Next { state, reason: String::new(), next_attempt_at };
    Ending { id: row.id, fence: row.fence, attempt: row.attempt, next, parts: Vec::new(), is_dead_address: false }
}

async fn three(town: &Town<'_>) -> AlertId {
    for number in 1..=3 {
        town.resident(INSIDE, 10, &[&format!("+553290000000{number}")]).await;
    }
    let alert = town.alert("alert", None, 60).await;
    town.enqueue(alert).await;
    alert
}

#[tokio::test]
async fn what_is_paused_stays_here_until_somebody_resumes() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    let alert = three(&town).await;
    let app = support::app(&db);
    let done = act(&app, alert, Act::Pause).await.unwrap();
    assert_eq!((done.standing.control, done.changed, done.waiting), (Control::Paused, true, 3));
    assert!(claimed(&db, 10).await.is_empty());
    keeper::round(&app, start_at(), true).await.unwrap();
    let held: i64 = sqlx::query_scalar("select count(*) from outbox where held").fetch_one(&db.pool).await.unwrap();
    assert_eq!(held, 3, "they wait beside the queue");
    assert!(act(&app, alert, Act::Resume).await.unwrap().changed);
    keeper::round(&app, start_at(), true).await.unwrap();
    keeper::round(&app, start_at(), true).await.unwrap();
    assert_eq!(claimed(&db, 10).await.len(), 3);
    let left: i64 =
        sqlx::query_scalar("select count(*) from dispatch_control where holding").fetch_one(&db.pool).await.unwrap();
    assert_eq!(left, 0, "nothing is looked after any more");
}

#[tokio::test]
async fn a_held_row_that_somebody_has_in_hand_is_let_go_later_and_not_forgotten() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    let alert = three(&town).await;
    let app = support::app(&db);
    act(&app, alert, Act::Pause).await.unwrap();
    let mut other = db.pool.begin().await.unwrap();
    sqlx::query("select id from outbox where address = '+5532900000001' for update")
        .execute(&mut *other)
        .await
        .unwrap();
    act(&app, alert, Act::Resume).await.unwrap();
    keeper::round(&app, start_at(), true).await.unwrap();
    assert_eq!(claimed(&db, 10).await.len(), 2);
    other.rollback().await.unwrap();
    keeper::round(&app, start_at(), true).await.unwrap();
    assert_eq!(claimed(&db, 10).await.len(), 1);
}

#[tokio::test]
async fn a_pause_ends_with_its_alert_whether_there_is_a_report_or_not() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    let alert = three(&town).await;
    let app = support::app(&db);
    act(&app, alert, Act::Pause).await.unwrap();
    for (minutes, open) in [(59, 1), (60, 0)] {
        keeper::round(&app, start_at() + TimeDelta::minutes(minutes), true).await.unwrap();
        let mut conn = db.pool.acquire().await.unwrap();
        let paused = sentinela::dispatch::store::control::paused(&mut conn).await.unwrap();
        assert_eq!(paused.len(), open, "after {minutes} minutes");
        assert!(!sentinela::dispatch::store::report::exists(&mut conn, alert).await.unwrap());
    }
}

#[tokio::test]
async fn a_paused_alert_holds_up_no_other() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    let first = three(&town).await;
    let app = support::app(&db);
    act(&app, first, Act::Pause).await.unwrap();
    let second = town.alert("alert", None, 60).await;
    town.enqueue(second).await;
    let alerts: Vec<AlertId> = claimed(&db, 10).await.into_iter().map(|row| row.alert_id).collect();
    assert_eq!(alerts, [second; 3]);
}

#[tokio::test]
async fn what_is_written_while_an_alert_is_paused_waits_too() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    let alert = three(&town).await;
    let app = support::app(&db);
    let rows = claimed(&db, 1).await;
    act(&app, alert, Act::Pause).await.unwrap();
    let mut conn = db.pool.acquire().await.unwrap();
    assert_eq!(claim::overtaken(&mut conn, start_at(), &[rows[0].id.0]).await.unwrap(), [rows[0].id]);
    claim::complete(&mut conn, start_at(), "sink:sms", &[ended(&rows[0], State::Pending)]).await.unwrap();
    assert!(claimed(&db, 10).await.is_empty(), "a try that has to be repeated waits with the others");
}

#[tokio::test]
async fn cancelling_takes_back_what_waits_and_never_what_is_on_its_way() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    let alert = three(&town).await;
    let app = support::app(&db);
    let rows = claimed(&db, 2).await;
    let done = act(&app, alert, Act::Cancel).await.unwrap();
    assert_eq!((done.waiting, done.under_way), (1, 2));
    let mut conn = db.pool.acquire().await.unwrap();
    let endings = [ended(&rows[0], State::Accepted), ended(&rows[1], State::Pending)];
    claim::complete(&mut conn, start_at(), "sink:sms", &endings).await.unwrap();
    keeper::round(&app, start_at(), true).await.unwrap();
    let mut rows = town.rows().await;
    rows.sort_by_key(|row| row.contains("suppressed"));
    assert!(rows[0].contains("accepted"), "{rows:?}");
    assert!(rows[1..].iter().all(|row| row.ends_with("suppressed inside dispatch_cancelled")), "{rows:?}");
    let refused = act(&app, alert, Act::Resume).await.unwrap_err();
    assert!(matches!(refused, ControlError::Refused(_)), "{refused}");
}

#[tokio::test]
async fn whoever_repeats_an_act_changes_nothing_and_every_act_is_written_down_once() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    let alert = three(&town).await;
    let app = support::app(&db);
    sqlx::raw_sql(
        "insert into incident (id, number, title, cobrade, state, opened_at, opened_by)
            values ('00000000-0000-0000-0000-0000000000ff', '2026/001', 'Deslizamento', '1.1.3.2.1', 'open', now(), 'test');
        insert into incident_alert (incident_id, alert_id) select '00000000-0000-0000-0000-0000000000ff', id from alert",
    )
    .execute(&db.pool)
    .await
    .unwrap();
    for changed in [true, false, false] {
        assert_eq!(act(&app, alert, Act::Pause).await.unwrap().changed, changed);
    }
    let acts: Vec<String> = sqlx::query_scalar("select act || ' ' || reason || ' ' || waiting from dispatch_act")
        .fetch_all(&db.pool)
        .await
        .unwrap();
    assert_eq!(acts, ["pause texto com o bairro errado 3"]);
    let audited: i64 = sqlx::query_scalar("select count(*) from audit_event where act = 'dispatch.pause'")
        .fetch_one(&db.pool)
        .await
        .unwrap();
    let told: i64 = sqlx::query_scalar("select count(*) from alert_event where action = 'dispatch_paused'")
        .fetch_one(&db.pool)
        .await
        .unwrap();
    let timeline: Vec<String> =
        sqlx::query_scalar("select text from incident_entry").fetch_all(&db.pool).await.unwrap();
    assert_eq!((audited, told), (1, 1));
    assert_eq!(timeline, ["Envio pausado: texto com o bairro errado (3 por enviar)"]);
    assert!(sqlx::query("delete from dispatch_act").execute(&db.pool).await.is_err());
}

#[tokio::test]
async fn nothing_is_paused_that_has_nothing_left_to_send() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    let alert = three(&town).await;
    let app = support::app(&db);
    sqlx::query("update outbox set state = 'delivered'").execute(&db.pool).await.unwrap();
    assert!(matches!(act(&app, alert, Act::Pause).await.unwrap_err(), ControlError::Refused(_)));
    let unknown = AlertId(uuid::Uuid::from_u128(9));
    assert!(matches!(act(&app, unknown, Act::Pause).await.unwrap_err(), ControlError::NotFound));
}

#[tokio::test]
async fn time_runs_on_while_an_alert_is_paused() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    let alert = three(&town).await;
    let app = support::app(&db);
    act(&app, alert, Act::Pause).await.unwrap();
    keeper::round(&app, start_at(), true).await.unwrap();
    app.clock.set(start_at() + TimeDelta::minutes(61));
    let running = tokio::spawn(worker::run(app.clone()));
    support::eventually("the end", || async {
        town.states().await.iter().all(|state| state.ends_with("expired")).then_some(())
    })
    .await;
    assert_eq!(town.count("sink_message").await, 0);
    app.stop.cancel();
    support::soon("the worker's end", running).await.unwrap();
}

#[tokio::test]
async fn a_pause_that_lasts_is_told_to_whoever_may_end_it_again_and_again() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    let alert = three(&town).await;
    let app = support::app(&db);
    sqlx::query(
        "insert into staff (id, username, name, roles, password_hash, phone, created_at) values
        ('00000000-0000-0000-0000-0000000000e1', 'ana', 'Ana', '{approver}', '', '+5532911110001', now()),
        ('00000000-0000-0000-0000-0000000000e2', 'bia', 'Bia', '{viewer}', '', '+5532911110002', now())",
    )
    .execute(&db.pool)
    .await
    .unwrap();
    act(&app, alert, Act::Pause).await.unwrap();
    for (minutes, pages) in [(4, 0), (5, 1), (6, 1), (10, 2)] {
        keeper::round(&app, start_at() + TimeDelta::minutes(minutes), true).await.unwrap();
        let told: Vec<String> = sqlx::query_scalar("select address || ' ' || body from notice order by created_at")
            .fetch_all(&db.pool)
            .await
            .unwrap();
        assert_eq!(told.len(), pages, "after {minutes} minutes: {told:?}");
        assert!(told.iter().all(|page| page.starts_with("+5532911110001 ") && page.contains("PAUSADO")), "{told:?}");
    }
}

#[tokio::test]
async fn a_centre_gets_nothing_while_it_is_paused_and_everything_once_afterwards() {
    let db = support::db().await;
    let port = free_port();
    let mut centre = smsc(port, &[]).await;
    let town = Town::new(&db).await;
    for number in 10..70 {
        town.resident(INSIDE, 10, &[&format!("+55329000000{number}")]).await;
    }
    let alert = town.living_alert("Defesa Civil: saia.").await;
    town.enqueue(alert).await;
    let dispatcher = Dispatcher::start(&db, |config| {
        let slow = sentinela::config::SmppProvider { messages_per_second: 4, window: 2, ..provider(port) };
        config.sms.smpp = vec![slow];
    });
    told(&mut centre, "submit").await;
    act(&dispatcher.app, alert, Act::Pause).await.unwrap();
    // What the feed held in hand comes back; what was on its way ends.
    let left: i64 = support::eventually("the last answer", || async {
        let row: (i64, i64) = sqlx::query_as(
            "select count(*) filter (where state = 'sending'), count(*) filter (where state = 'pending' and held) from outbox",
        )
        .fetch_one(&db.pool)
        .await
        .unwrap();
        (row.0 == 0 && row.1 > 0).then_some(row.1)
    })
    .await;
    assert!(left >= 10, "{left} of 60 wait");
    act(&dispatcher.app, alert, Act::Resume).await.unwrap();
    support::eventually("all of them", || async {
        town.states().await.iter().all(|state| state.ends_with("delivered")).then_some(())
    })
    .await;
    let twice: i64 = sqlx::query_scalar(
        "select count(*) from (select from outbox_attempt where outcome = 'accepted' group by outbox_id having count(*) > 1) as t",
    )
    .fetch_one(&db.pool)
    .await
    .unwrap();
    assert_eq!(twice, 0);
    dispatcher.stop().await;
}
