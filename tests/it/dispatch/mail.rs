//! E-mail through a real SMTP server.

use sentinela::dispatch::outbox;

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
        let link = letter["unsubscribe"].as_str().unwrap();
        assert!(link.starts_with("<http://") && link.contains("/s/") && link.ends_with('>'), "{letter}");
        assert_eq!(letter["unsubscribe_post"].as_str(), Some("List-Unsubscribe=One-Click"));
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
async fn a_server_that_lets_us_not_in_rejects_no_letter_for_good() {
    let closed = [
        (&["--password", "right"][..], "admitted"),
        (&["--closed"], "shut"),
        (&["--password", "wrong", "--no-sender"], "sender_refused"),
    ];
    for (options, is_asked) in closed {
        let db = support::db().await;
        let port = free_port();
        let mut server = smtp(port, options).await;
        let town = Town::new(&db).await;
        town.resident(INSIDE, 10, &["a@example.org"]).await;
        let alert = town.living_alert("x").await;
        town.enqueue(alert).await;
        let dispatcher = Dispatcher::start(&db, |config| {
            config.mail.url = format!("smtp://sentinela:wrong@127.0.0.1:{port}").as_str().into();
        });
        told(&mut server, is_asked).await;
        let tried =
            "select outcome || ' ' || (select state from outbox) from outbox_attempt where outcome <> 'intent' limit 1";
        let first = support::eventually("the end of the first try", || async {
            sqlx::query_scalar::<_, String>(tried).fetch_optional(&db.pool).await.unwrap()
        })
        .await;
        assert!(first == "not_sent pending" || first == "not_sent sending", "{options:?}: {first}");
        server.kill().await;
        // The setting over there is mended.
        let _server = smtp(port, &["--password", "wrong"]).await;
        until(&town, &["a@example.org accepted"]).await;
        dispatcher.stop().await;
    }
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

#[tokio::test]
async fn what_waits_for_a_server_that_is_away_is_given_back_and_not_sent_after_the_end() {
    let db = support::db().await;
    let port = free_port();
    let town = Town::new(&db).await;
    for n in 10..50 {
        town.resident(INSIDE, 10, &[format!("r{n}@example.org").as_str()]).await;
    }
    let alert = town.living_alert("x").await;
    town.enqueue(alert).await;
    let dispatcher =
        Dispatcher::start(&db, |config| config.mail.url = format!("smtp://127.0.0.1:{port}").as_str().into());
    // Many are claimed at once; a few find nobody there, and then nothing more is tried but one at a time.
    let held = "select count(*) from outbox where state = 'sending'";
    let tried = "select count(*) from outbox_attempt where outcome <> 'intent'";
    let count = async |sql: &'static str| sqlx::query_scalar::<_, i64>(sql).fetch_one(&db.pool).await.unwrap();
    support::eventually("the rows to be given back", async || {
        (count(tried).await >= 5 && count(held).await <= 1).then_some(())
    })
    .await;
    let mut conn = db.pool.acquire().await.unwrap();
    sqlx::query("update alert set state = 'cancelled'").execute(&mut *conn).await.unwrap();
    outbox::withdraw(&mut conn, dispatcher.app.clock.now(), alert, "cancelled before it was sent").await.unwrap();
    let _server = smtp(port, &[]).await;
    support::eventually("the end of every row", async || {
        let open = "select count(*) from outbox where state in ('pending', 'sending')";
        (count(open).await == 0).then_some(())
    })
    .await;
    let sent = "select count(*) from outbox where state in ('accepted', 'delivered')";
    assert!(count(sent).await <= 1, "at most the one that was looking");
    dispatcher.stop().await;
}

async fn until(town: &Town<'_>, wanted: &[&str]) {
    let what = format!("{wanted:?}");
    support::eventually(&what, || async { (town.states().await == wanted).then_some(()) }).await;
}

/// An alert in English too, to one resident who reads it.
#[tokio::test]
async fn a_letter_has_the_words_of_its_readers_language_and_the_map_within_it() {
    let db = support::db().await;
    let port = free_port();
    let mut server = smtp(port, &[]).await;
    let town = Town::new(&db).await;
    let resident = town.resident(INSIDE, 10, &["a@example.org"]).await;
    sqlx::query("update resident set language = 'en' where id = $1").bind(resident).execute(&db.pool).await.unwrap();
    let alert = town.living_draft("x").await;
    sqlx::query(
        "insert into alert_text (alert_id, language, headline, description, instruction, sms_text)
        values ($1, 'en', 'High risk of landslide', 'It rained.', 'Leave now.', 'x')",
    )
    .bind(alert)
    .execute(&db.pool)
    .await
    .unwrap();
    town.issue(alert).await;
    town.enqueue(alert).await;
    let dispatcher =
        Dispatcher::start(&db, |config| config.mail.url = format!("smtp://127.0.0.1:{port}").as_str().into());
    let letter = told(&mut server, "subject").await;
    assert_eq!(letter["subject"].as_str(), Some("High risk of landslide"));
    let (text, html) = (letter["text"].as_str().unwrap(), letter["html"].as_str().unwrap());
    assert!(text.contains("Where: Bom Pastor, Santa Luzia") && text.contains("Valid until: "), "{text}");
    assert!(html.contains("<img src=\"cid:map\"") && html.contains("Map of where it holds"), "{html}");
    assert_eq!(letter["map"][0][0].as_str(), Some("<map>"), "{letter}");
    assert!(letter["map"][0][1].as_u64().unwrap() > 5_000, "{letter}");
    dispatcher.stop().await;
}

#[tokio::test]
async fn a_letter_is_signed_by_its_domain_so_that_others_verify_it() {
    let folder = std::env::temp_dir().join(format!("sentinela-dkim-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for (kind, options) in [("rsa", &["-pkeyopt", "rsa_keygen_bits:2048"][..]), ("ed25519", &[])] {
        let db = support::db().await;
        let port = free_port();
        let (key, record) = (folder.join(format!("{kind}.pem")), folder.join(format!("{kind}.txt")));
        let made = std::process::Command::new("openssl")
            .args(["genpkey", "-algorithm", kind, "-out"])
            .arg(&key)
            .args(options)
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        let public = std::process::Command::new("openssl")
            .args(["pkey", "-pubout", "-outform", "DER", "-in"])
            .arg(&key)
            .output();
        let mut public = public.unwrap().stdout;
        if kind == "ed25519" {
            // RFC 8463: the bare key, without the form around it.
            public = public.split_off(public.len() - 32);
        }
        let public = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, public);
        std::fs::write(&record, format!("v=DKIM1; k={kind}; p={public}")).unwrap();
        let mut server = smtp(port, &["--dkim", record.to_str().unwrap()]).await;
        let town = Town::new(&db).await;
        town.resident(INSIDE, 10, &["a@example.org"]).await;
        let alert = town.living_alert("x").await;
        town.enqueue(alert).await;
        let dispatcher = Dispatcher::start(&db, |config| {
            config.mail.url = format!("smtp://127.0.0.1:{port}").as_str().into();
            config.mail.dkim.domain = "example.org".into();
            config.mail.dkim.selector = "alertas".into();
            config.mail.dkim.key_file = key.clone();
        });
        let letter = told(&mut server, "subject").await;
        assert_eq!(letter["dkim"].as_bool(), Some(true), "{kind}: {}", letter["signature"]);
        let signature = letter["signature"].as_str().unwrap();
        assert!(signature.contains("d=example.org; s=alertas"), "{letter}");
        assert!(signature.contains(":list-unsubscribe:list-unsubscribe-post;"), "RFC 8058, section 4: {letter}");
        dispatcher.stop().await;
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
