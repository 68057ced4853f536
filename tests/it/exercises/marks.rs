//! What is not real says so in every channel it leaves by, whatever an editor made of its words: one test for each channel.

use axum::http::{Method, StatusCode};
use sentinela::accounts::Role;
use sentinela::dispatch::worker as dispatcher;
use sentinela::events::Event;
use serde_json::json;

use super::{BETO, Person, Room};
use crate::support;

/// An exercise alert whose draft somebody rewrote without a word of exercise, issued and sent.
struct Sent {
    room: Room,
    ana: Person,
    alert: String,
    identifier: String,
    exercise: String,
}

async fn sent() -> Sent {
    let room = Room::open(&[]).await;
    let ana = room.person("ana", Role::Coordinator).await;
    let (id, _) = room.planned(&ana, 10).await;
    room.joins(&id, BETO, "all").await;
    let phone =
        json!({ "kind": "institution", "name": "Bombeiros", "phone": "32 99999-0000", "email": "b@example.org" });
    room.api(&ana, Method::POST, &format!("exercises/{id}/participants"), phone).await;
    room.act(&ana, &id, "start").await;
    let made = room.api(&ana, Method::POST, &format!("exercises/{id}/alerts"), json!({ "level": "maximum" })).await;
    let alert = made.json()["alert_id"].as_str().unwrap().to_owned();
    let bare = json!({
        "headline": "Saia", "description": "A encosta cedeu.", "instruction": "Saia agora.", "sms_text": "Saia agora.",
        "expires_at": room.app.clock.now() + chrono::TimeDelta::hours(2),
    });
    let edited = room.api(&ana, Method::PUT, &format!("alerts/{alert}"), json!({ "revision": 1, "texts": bare })).await;
    assert_eq!(edited.status, StatusCode::OK, "{}", edited.text);
    let issued = room.api(&ana, Method::POST, &format!("alerts/{alert}/issue"), json!({ "revision": 2 })).await;
    assert_eq!(issued.status, StatusCode::OK, "{}", issued.text);
    let identifier = issued.json()["cap_identifier"].as_str().unwrap().to_owned();
    let running = tokio::spawn(dispatcher::run(room.app.clone()));
    room.app.events.send(Event::Outbox);
    support::eventually("every message", async || {
        let sql = "select count(*) from sink_message";
        let sent: i64 = sqlx::query_scalar(sql).fetch_one(&room.db.pool).await.unwrap();
        (sent == 4).then_some(())
    })
    .await;
    room.app.stop.cancel();
    support::soon("the dispatcher's end", running).await.unwrap();
    Sent { room, ana, alert, identifier, exercise: id }
}

#[tokio::test]
async fn the_sms_begins_with_the_mark() {
    let sent = sent().await;
    let bodies = sent.room.texts("select body from sink_message where channel = 'sms' order by address").await;
    assert_eq!(bodies.len(), 2, "Beto and the fire brigade");
    for body in bodies {
        assert!(body.starts_with("EXERCICIO - NAO E REAL: "), "{body}");
    }
}

#[tokio::test]
async fn the_e_mail_has_it_in_its_subject_and_in_a_banner() {
    let sent = sent().await;
    let letters = sent
        .room
        .texts("select subject || '|' || body from sink_message where channel = 'email' order by address")
        .await;
    assert_eq!(letters.len(), 2, "Beto and the fire brigade: {letters:?}");
    for letter in letters {
        assert!(letter.starts_with("EXERCÍCIO - NÃO É REAL: "), "{letter}");
        assert!(letter.contains("|*** EXERCÍCIO - NÃO É REAL. Esta mensagem é de um simulado"), "{letter}");
    }
}

#[tokio::test]
async fn the_cap_message_has_it_as_status_headline_and_texts() {
    let sent = sent().await;
    let cap = sent.room.public(Method::GET, &format!("/alerts/{}.xml", sent.identifier), "", &[]).await.text;
    assert!(cap.contains("<status>Exercise</status>"), "{cap}");
    for element in ["headline", "description", "instruction"] {
        assert!(cap.contains(&format!("<{element}>EXERCÍCIO - NÃO É REAL: ")), "{element}: {cap}");
    }
}

#[tokio::test]
async fn the_feeds_keep_it_from_real_alerts_and_show_it_marked_to_whoever_asks() {
    let sent = sent().await;
    for feed in ["/alerts/feed.atom", "/alerts/feed.rss"] {
        let text = sent.room.public(Method::GET, feed, "", &[]).await.text;
        assert!(!text.contains(&sent.identifier), "{feed}: {text}");
        let asked = sent.room.public(Method::GET, &format!("{feed}?status=exercise"), "", &[]).await.text;
        assert!(asked.contains("EXERCÍCIO - NÃO É REAL: Saia"), "{feed}: {asked}");
    }
}

#[tokio::test]
async fn the_public_pages_have_it_in_words_and_a_band_of_its_own_colour() {
    let sent = sent().await;
    for path in [format!("/alerts/{}", sent.identifier), "/".to_owned()] {
        let page = sent.room.public(Method::GET, &path, "", &[]).await.text;
        let bands = page.split("<section class=\"hero ").skip(1).filter(|band| band.contains(&sent.identifier));
        let bands: Vec<&str> = bands.collect();
        assert!(!bands.is_empty(), "{path}: {page}");
        for band in bands {
            let class = band.split('"').next().unwrap_or_default();
            assert!(class.split(' ').any(|word| word == "drill"), "{path}: {class}");
            assert!(band.contains("EXERCÍCIO"), "{path}");
        }
    }
    let css = include_str!("../../../src/web/ui/src/app.css");
    assert!(css.contains(".hero.drill"), "the band has a colour of its own");
}

#[tokio::test]
async fn the_console_marks_it_in_the_list_and_on_its_page() {
    let sent = sent().await;
    for path in [
        "/console/alerts".to_owned(),
        format!("/console/alerts/{}", sent.alert),
        format!("/console/exercises/{}", sent.exercise),
    ] {
        let page = sent.room.page(&sent.ana, &path).await.text;
        assert!(page.contains("EXERCÍCIO"), "{path}");
    }
}

#[tokio::test]
async fn the_api_and_the_report_name_it() {
    let sent = sent().await;
    let alert = sent.room.api(&sent.ana, Method::GET, &format!("alerts/{}", sent.alert), serde_json::Value::Null).await;
    assert_eq!(alert.json()["status"], "exercise");
    let report = sent.room.page(&sent.ana, &format!("/console/exercises/{}/report", sent.exercise)).await.text;
    assert!(report.contains("<span class=\"tag bad\">EXERCÍCIO</span>"), "{report}");
}

#[tokio::test]
async fn announcements_and_the_calendar_carry_it_too() {
    let sent = sent().await;
    let calendar = sent.room.public(Method::GET, "/exercises.ics", "", &[]).await.text;
    assert!(calendar.contains("SUMMARY:EXERCÍCIO - NÃO É REAL: "), "{calendar}");
    let (id, _) = sent.room.planned(&sent.ana, 5).await;
    sent.room.joins(&id, BETO, "all").await;
    sent.room.act(&sent.ana, &id, "announce").await;
    let said = sent.room.texts("select body from notice where purpose = 'exercise_notice'").await;
    assert!(said[0].starts_with("EXERCICIO - NAO E REAL: "), "{said:?}");
}

#[tokio::test]
async fn it_goes_to_no_public_channel_by_hand() {
    let sent = sent().await;
    let page = sent.room.page(&sent.ana, &format!("/console/alerts/{}/handover", sent.alert)).await;
    assert_eq!(page.status, StatusCode::CONFLICT, "{}", page.text);
    assert!(!sent.room.page(&sent.ana, &format!("/console/alerts/{}", sent.alert)).await.text.contains("/handover"));
}
