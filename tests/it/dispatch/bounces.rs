//! Letters that come back: the row they end, the address they block, and what nobody can make them do.

use std::path::{Path, PathBuf};

use sentinela::dispatch::bounces::worker;

use super::peers::{Dispatcher, smtp, told};
use super::town::{INSIDE, Town};
use crate::support::{self, Process, TestDb, free_port};

struct Maildir(PathBuf);

impl Maildir {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("sentinela-bounces-{name}-{}", std::process::id()));
        for part in ["new", "cur", "tmp"] {
            std::fs::create_dir_all(folder.join(part)).unwrap();
        }
        Self(folder)
    }

    fn deliver(&self, name: &str, text: &str) {
        std::fs::write(self.0.join("new").join(name), text.replace('\n', "\r\n")).unwrap();
    }

    fn files(&self, part: &str) -> usize {
        std::fs::read_dir(self.0.join(part)).unwrap().count()
    }
}

impl Drop for Maildir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// As Postfix writes it.
fn report(to: &str, status: &str, original: &str) -> String {
    report_of("a@example.org", to, status, original)
}

fn report_of(recipient: &str, to: &str, status: &str, original: &str) -> String {
    format!(
        "Return-Path: <>\nDelivered-To: {to}\nFrom: MAILER-DAEMON@mx.example.org (Mail Delivery System)\nSubject: Undelivered Mail\n\
         To: bounces@example.org\nAuto-Submitted: auto-replied\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\n\n--b\nContent-Type: text/plain\n\nSorry.\n\n\
         --b\nContent-Description: Delivery report\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.org\n\n\
         Final-Recipient: rfc822; {recipient}\nAction: failed\nStatus: {status}\nDiagnostic-Code: smtp; 550 {status} no such\n  mailbox\n\n\
         --b\nContent-Type: message/rfc822\n\nMessage-ID: <{original}>\nSubject: x\n\ntext\n\n--b--\n"
    )
}

/// One letter handed over: its envelope's sender, and its id.
async fn sent(db: &TestDb, folder: &Path, port: u16) -> (Dispatcher, Process, String, String) {
    let mut server = smtp(port, &[]).await;
    let town = Town::new(db).await;
    town.resident(INSIDE, 10, &["a@example.org"]).await;
    let alert = town.living_alert("x").await;
    town.enqueue(alert).await;
    let dispatcher = Dispatcher::start(db, |config| {
        config.mail.url = format!("smtp://127.0.0.1:{port}").as_str().into();
        config.mail.map = false;
        config.mail.bounces.address = "bounces@example.org".into();
        config.mail.bounces.maildir = folder.display().to_string();
    });
    let letter = told(&mut server, "subject").await;
    support::eventually("the letter handed over", || async {
        (town.states().await == ["a@example.org accepted"]).then_some(())
    })
    .await;
    let word = |key: &str| letter[key].as_str().unwrap().trim_matches(['<', '>']).to_owned();
    let (sender, id) = (word("sender"), word("id"));
    (dispatcher, server, sender, id)
}

#[tokio::test]
async fn a_letter_that_comes_back_ends_its_row_once_and_three_in_a_row_block_the_mailbox() {
    let db = support::db().await;
    let folder = Maildir::new("once");
    let (dispatcher, _server, sender, id) = sent(&db, &folder.0, free_port()).await;
    assert!(sender.starts_with("bounces+") && sender.ends_with("@example.org"), "{sender}");
    let town = Town { db: &db };
    folder.deliver("1", &report(&sender, "5.1.1", &id));
    folder.deliver("2", &report(&sender, "5.1.1", &id));
    assert_eq!(worker::once(&dispatcher.app, &folder.0).await.unwrap(), 2);
    assert_eq!((folder.files("new"), folder.files("cur")), (0, 2));
    assert_eq!(
        town.rows().await,
        ["a@example.org undelivered inside receipt: not delivered (5.1.1 smtp; 550 5.1.1 no such mailbox)"]
    );
    let failures = "select failures from resident_channel";
    let counted: i32 = sqlx::query_scalar(failures).fetch_one(&db.pool).await.unwrap();
    assert_eq!(counted, 1, "the same report twice counts once");
    sqlx::query("update resident_channel set failures = 2, failed_at = failed_at - interval '1 day'")
        .execute(&db.pool)
        .await
        .unwrap();
    let alert = town.living_alert("again").await;
    town.enqueue(alert).await;
    support::eventually("the second letter", || async {
        town.states().await.iter().any(|state| state.ends_with(" accepted")).then_some(())
    })
    .await;
    let again: String = sqlx::query_scalar(
        "select provider_message_id from outbox_attempt where provider_message_id is not null order by at desc limit 1",
    )
    .fetch_one(&db.pool)
    .await
    .unwrap();
    // By the letter's own id, where the address did not survive.
    folder.deliver("3", &report("bounces@example.org", "5.1.1", &again));
    worker::once(&dispatcher.app, &folder.0).await.unwrap();
    let blocked: Option<String> =
        sqlx::query_scalar("select blocked_reason from resident_channel").fetch_one(&db.pool).await.unwrap();
    assert!(blocked.as_deref().is_some_and(|reason| reason.contains("5.1.1")), "{blocked:?}");
    dispatcher.stop().await;
}

#[tokio::test]
async fn a_report_about_where_a_letter_went_on_to_says_nothing_of_the_mailbox_it_went_to() {
    let db = support::db().await;
    let folder = Maildir::new("forwarded");
    let (dispatcher, _server, sender, id) = sent(&db, &folder.0, free_port()).await;
    let town = Town { db: &db };
    folder.deliver("1", &report_of("somewhere@else.example", &sender, "5.1.1", &id));
    folder.deliver("2", &report_of("", &sender, "5.1.1", &id));
    assert_eq!(worker::once(&dispatcher.app, &folder.0).await.unwrap(), 2);
    assert_eq!(town.states().await, ["a@example.org accepted"]);
    folder.deliver("3", &report_of("A@Example.org", &sender, "5.1.1", &id));
    worker::once(&dispatcher.app, &folder.0).await.unwrap();
    assert_eq!(town.states().await, ["a@example.org undelivered"]);
    dispatcher.stop().await;
}

#[tokio::test]
async fn a_made_up_report_ends_nothing_and_a_full_mailbox_is_not_dead() {
    let db = support::db().await;
    let folder = Maildir::new("forged");
    let (dispatcher, _server, sender, id) = sent(&db, &folder.0, free_port()).await;
    let town = Town { db: &db };
    let forged = sender.replacen('+', "+1", 1);
    folder.deliver("1", &report(&forged, "5.1.1", "somebody@else.example"));
    folder.deliver("2", "From: b@example.org\nTo: bounces@example.org\nSubject: Ferias\n\nVolto em marco.\n");
    folder.deliver("3", &"x".repeat(1000));
    // Whoever got one letter can count up to the row and the alert of another's, but not write its sum.
    let guessed: String = sqlx::query_scalar("select id || '.' || alert_id || '@example.org' from outbox")
        .fetch_one(&db.pool)
        .await
        .unwrap();
    folder.deliver("4", &report("bounces@example.org", "5.1.1", &guessed));
    let (local, domain) = id.rsplit_once('@').unwrap();
    let (_, sum) = local.rsplit_once('.').unwrap();
    let other = id.replacen(sum, &sum.chars().rev().collect::<String>(), 1);
    assert!(other != id && other.ends_with(domain), "{other}");
    folder.deliver("5", &report("bounces@example.org", "5.1.1", &other));
    assert_eq!(worker::once(&dispatcher.app, &folder.0).await.unwrap(), 5);
    assert_eq!(folder.files("cur"), 5, "what is no report blocks nothing behind it");
    assert_eq!(town.states().await, ["a@example.org accepted"]);
    folder.deliver("6", &report(&sender, "5.2.2", &id));
    worker::once(&dispatcher.app, &folder.0).await.unwrap();
    assert_eq!(town.states().await, ["a@example.org undelivered"]);
    let counted: i32 = sqlx::query_scalar("select failures from resident_channel").fetch_one(&db.pool).await.unwrap();
    assert_eq!(counted, 0);
    dispatcher.stop().await;
}
