//! E-mail through a real SMTP server.

use super::peers::{Dispatcher, smtp, told};
use super::town::{AWAY, INSIDE, Town};
use crate::support::{self, free_port};

#[tokio::test]
async fn mail_goes_to_residents_inside_one_recipient_a_message() {
    let db = support::db().await;
    let port = free_port();
    let mut server = smtp(port, &[]).await;
    let town = Town::new(&db).await;
    town.resident(INSIDE, 10, &["a@example.org"]).await;
    town.resident(INSIDE, 10, &["b@example.org"]).await;
    town.resident(AWAY, 10, &["c@example.org"]).await;
    let alert = town.living_alert("x").await;
    town.enqueue(alert).await;
    let dispatcher =
        Dispatcher::start(&db, |config| config.mail.url = format!("smtp://127.0.0.1:{port}").as_str().into());
    let mut to = Vec::new();
    for _ in 0..2 {
        let letter = told(&mut server, "subject").await;
        assert_eq!(letter["subject"].as_str(), Some("Risco alto de deslizamento"));
        assert_eq!(letter["auto"].as_str(), Some("auto-generated"));
        assert!(letter["text"].as_str().unwrap().contains("Saia de casa agora."), "{letter}");
        assert!(letter["html"].as_str().unwrap().contains("Bom Pastor, Santa Luzia"), "{letter}");
        to.push(letter["to"].as_array().unwrap().iter().map(|a| a.as_str().unwrap().to_owned()).collect::<Vec<_>>());
    }
    to.sort();
    assert_eq!(to, [["a@example.org"], ["b@example.org"]]);
    until(&town, &["a@example.org accepted", "b@example.org accepted"]).await;
    dispatcher.stop().await;
}

#[tokio::test]
async fn greylisting_is_waited_out_and_an_unknown_mailbox_is_given_up() {
    let db = support::db().await;
    let port = free_port();
    let _server = smtp(port, &["--greylist", "1", "--reject", "b@example.org"]).await;
    let town = Town::new(&db).await;
    town.resident(INSIDE, 10, &["a@example.org"]).await;
    town.resident(INSIDE, 10, &["b@example.org"]).await;
    let alert = town.living_alert("x").await;
    town.enqueue(alert).await;
    let dispatcher =
        Dispatcher::start(&db, |config| config.mail.url = format!("smtp://127.0.0.1:{port}").as_str().into());
    until(&town, &["a@example.org accepted", "b@example.org rejected"]).await;
    dispatcher.stop().await;
}

#[tokio::test]
async fn a_server_that_hangs_up_after_the_text_gets_a_warning_again_under_the_same_message_id() {
    let db = support::db().await;
    let port = free_port();
    let mut server = smtp(port, &["--drop", "1"]).await;
    let town = Town::new(&db).await;
    town.resident(INSIDE, 10, &["a@example.org"]).await;
    let alert = town.living_alert("x").await;
    town.enqueue(alert).await;
    let dispatcher =
        Dispatcher::start(&db, |config| config.mail.url = format!("smtp://127.0.0.1:{port}").as_str().into());
    let (first, second) = (told(&mut server, "subject").await, told(&mut server, "subject").await);
    assert_eq!(first["id"], second["id"]);
    until(&town, &["a@example.org accepted"]).await;
    dispatcher.stop().await;
}

#[tokio::test]
async fn a_mail_server_that_is_away_delays_no_sms_and_gets_its_mail_when_it_is_back() {
    let db = support::db().await;
    let port = free_port();
    let town = Town::new(&db).await;
    town.resident(INSIDE, 10, &["+5532900000001", "a@example.org"]).await;
    let alert = town.living_alert("x").await;
    town.enqueue(alert).await;
    let dispatcher =
        Dispatcher::start(&db, |config| config.mail.url = format!("smtp://127.0.0.1:{port}").as_str().into());
    support::eventually("the SMS in the sink", || async {
        (town.states().await[0] == "+5532900000001 delivered").then_some(())
    })
    .await;
    let _server = smtp(port, &[]).await;
    until(&town, &["+5532900000001 delivered", "a@example.org accepted"]).await;
    dispatcher.stop().await;
}

async fn until(town: &Town<'_>, wanted: &[&str]) {
    let what = format!("{wanted:?}");
    support::eventually(&what, || async { (town.states().await == wanted).then_some(()) }).await;
}
