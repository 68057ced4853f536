//! Versions of a dossier: what is given up is taken up again, and the deadlines go with it.

use axum::http::{Method, StatusCode};
use sentinela::damage::documents::Kind;
use sentinela::damage::{print, view};
use serde_json::{Value, json};

use super::{Town, ask};

/// Version, code and state of each deadline.
const RUNNING: &str = "select d.version || ' ' || l.code || ' ' || l.state from deadline l join disaster d on d.id = l.subject_id order by 1";

#[tokio::test]
async fn what_was_archived_before_anything_was_sent_is_taken_up_again() {
    let town = Town::open().await;
    town.complete().await;
    town.archive().await;
    assert_eq!(
        town.room.words(RUNNING).await,
        ["1 damage.decree open", "1 damage.submission.sudden void"],
        "the decree is in force for its 180 days, request or not"
    );
    let header = json!({ "cobrade": "1.2.1.0.0", "occurred_at": "2026-02-22T10:00:00Z", "onset": "sudden" });
    let incident = town.get().await["incident_id"].clone();
    let opening = json!({ "incident_id": incident, "header": header });
    assert_eq!(ask(&town.room, &town.olga, Method::POST, "damage", opening).await.0, StatusCode::CONFLICT);
    let page = town.room.page(&town.ana, &format!("/console/damage/{}", town.id)).await;
    assert!(page.contains("Take up again"), "{page}");
    let town = town.next("A chuva voltou").await;
    let shown = town.get().await;
    assert_eq!((&shown["version"], &shown["state"]), (&json!(2), &json!("open")));
    assert_eq!(
        town.room.words(RUNNING).await,
        ["1 damage.submission.sudden void", "2 damage.decree open", "2 damage.submission.sudden open"]
    );
    let change = json!({ "revision": shown["revision"], "header": header });
    town.good(&town.olga, Method::PUT, "header", change).await;
    assert_eq!(town.get().await["cobrade"], "1.2.1.0.0", "nothing was sent yet");
}

#[tokio::test]
async fn a_correction_that_was_begun_by_mistake_is_no_dead_end_and_the_decree_is_watched_on() {
    let town = Town::open().await;
    town.complete().await;
    let extend = "update deadline set extended = 1 where code = 'damage.decree'";
    sqlx::query(extend).execute(&town.room.db.pool).await.unwrap();
    assert_eq!(town.submit("1.1.3.2.1").await.0, StatusCode::OK);
    let town = town.next("Engano").await;
    assert_eq!(town.room.words(RUNNING).await, ["1 damage.submission.sudden met", "2 damage.decree open"]);
    // The form of a correction begins no new time for a request that was made.
    let shown = town.get().await;
    let header = json!({ "cobrade": shown["cobrade"], "occurred_at": shown["occurred_at"], "onset": shown["onset"] });
    town.good(&town.olga, Method::PUT, "header", json!({ "revision": shown["revision"], "header": header })).await;
    assert_eq!(town.room.words(RUNNING).await, ["1 damage.submission.sudden met", "2 damage.decree open"]);
    town.archive().await;
    assert_eq!(town.room.words(RUNNING).await, ["1 damage.decree open", "1 damage.submission.sudden met"]);
    let town = town.next("Faltou a escola").await;
    assert_eq!(town.get().await["version"], 3);
    assert_eq!(town.room.words(RUNNING).await, ["1 damage.submission.sudden met", "3 damage.decree open"]);
    assert_eq!(
        town.room.words("select extended::text from deadline where code = 'damage.decree'").await,
        ["1"],
        "with everything that was done to it"
    );
    let path = format!("damage/{}/header", town.id);
    let mut other = header.clone();
    other["cobrade"] = json!("1.2.1.0.0");
    let change = json!({ "revision": town.get().await["revision"], "header": other });
    assert_eq!(ask(&town.room, &town.olga, Method::PUT, &path, change).await.0, StatusCode::CONFLICT, "it was sent");
}

#[tokio::test]
async fn a_correction_of_a_gradual_disaster_begins_no_new_time_for_the_request() {
    let town = Town::open().await;
    let header = json!({ "cobrade": "1.1.3.2.1", "occurred_at": "2026-02-22T11:00:00Z", "onset": "gradual" });
    let revision = town.get().await["revision"].clone();
    town.good(&town.olga, Method::PUT, "header", json!({ "revision": revision, "header": header })).await;
    town.complete().await;
    assert_eq!(town.submit("1.1.3.2.1").await.0, StatusCode::OK);
    let town = town.next("Faltou a escola").await;
    town.adopt_document("decree", json!({ "number": "15.321", "on": "2026-02-22" })).await;
    let running = town.room.words(RUNNING).await;
    assert!(!running.contains(&"2 damage.submission.gradual open".to_owned()), "{running:?}");
}

#[tokio::test]
async fn what_was_given_up_unsent_still_says_minuta() {
    let town = Town::open().await;
    town.complete().await;
    town.archive().await;
    let app = &town.room.app;
    let mut conn = app.db.web.acquire().await.unwrap();
    let at = (app.clock.now(), &app.config.municipality);
    let whole = view::whole(&mut conn, town.id.parse().unwrap(), at).await.unwrap();
    assert!(print::is_draft(&whole, &[Kind::Fide]) && print::is_draft(&whole, Kind::ALL));
    assert!(!print::is_draft(&whole, &[Kind::Parecer]), "what was adopted by itself is what it is");
    assert_ne!(town.get().await["state"], Value::Null);
}
