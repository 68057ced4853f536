//! Several providers at once: those of one priority share the work, the others wait for their turn.

use sentinela::config::{SmppProvider, SmppVersion};
use sqlx::{Connection as _, Executor as _};

use super::peers::{Dispatcher, provider, smsc, told};
use super::town::{INSIDE, Town};
use crate::support::{self, TestDb, free_port};

fn centre(name: &str, port: u16, priority: u16) -> SmppProvider {
    SmppProvider {
        name: name.to_owned(),
        priority: Some(priority),
        window: 4,
        messages_per_second: 20,
        ..provider(port)
    }
}

async fn crowd(db: &TestDb, people: u32) -> Town<'_> {
    let town = Town::new(db).await;
    for n in 0..people {
        town.resident(INSIDE, 10, &[format!("+55329{n:08}").as_str()]).await;
    }
    let alert = town.living_alert("Saia.").await;
    town.enqueue(alert).await;
    town
}

/// Waits until so many providers say that messages can leave: who comes first would take all of them.
async fn all_bound(db: &TestDb, wanted: i64) {
    support::eventually("every session", || async {
        let healthy: i64 =
            sqlx::query_scalar("select count(*) from dispatch_claimer where healthy and channel = 'sms'")
                .fetch_one(&db.pool)
                .await
                .unwrap();
        (healthy == wanted).then_some(())
    })
    .await;
}

async fn all_delivered(town: &Town<'_>) {
    support::eventually("every message delivered", || async {
        town.states().await.iter().all(|state| state.ends_with(" delivered")).then_some(())
    })
    .await;
}

async fn carried(db: &TestDb, name: &'static str) -> i64 {
    sqlx::query_scalar(
        "select count(distinct outbox_id) from outbox_attempt where provider = 'smpp:' || $1 and outcome = 'accepted'",
    )
    .bind(name)
    .fetch_one(&db.pool)
    .await
    .unwrap()
}

#[tokio::test]
async fn providers_of_one_priority_share_the_work_and_each_message_leaves_once() {
    let db = support::db().await;
    let ports = [free_port(), free_port(), free_port()];
    let (_one, _two) = (smsc(ports[0], &[]).await, smsc(ports[1], &["--first=5000"]).await);
    let _last = smsc(ports[2], &["--first=9000"]).await;
    let dispatcher = Dispatcher::start(&db, |config| {
        config.dispatch.claim_rows = 10;
        config.sms.smpp = vec![centre("one", ports[0], 1), centre("two", ports[1], 1), centre("last", ports[2], 2)];
    });
    all_bound(&db, 3).await;
    let town = crowd(&db, 60).await;
    all_delivered(&town).await;
    // How evenly is a matter of how fast each centre answers; one claim each has in any case.
    let shares = [carried(&db, "one").await, carried(&db, "two").await];
    assert!(shares.iter().all(|share| *share >= 10), "{shares:?}");
    let submits: i64 = sqlx::query_scalar("select count(*) from outbox_attempt where outcome = 'accepted'")
        .fetch_one(&db.pool)
        .await
        .unwrap();
    assert_eq!(submits, 60, "each once");
    dispatcher.stop().await;
}

#[tokio::test]
async fn what_a_dying_provider_had_claimed_leaves_through_the_other_at_once() {
    let db = support::db().await;
    let ports = [free_port(), free_port()];
    // It takes messages and answers none, so that it carries nothing however late it dies.
    let mut dying = smsc(ports[0], &["--receipt=none", "--mute=1000"]).await;
    let _other = smsc(ports[1], &["--first=5000"]).await;
    let dispatcher = Dispatcher::start(&db, |config| {
        config.dispatch.claim_rows = 10;
        config.sms.smpp = vec![centre("dying", ports[0], 1), centre("other", ports[1], 1)];
    });
    all_bound(&db, 2).await;
    let town = crowd(&db, 40).await;
    told(&mut dying, "submit").await;
    dying.kill().await;
    support::eventually("the end of every message", || async {
        let open = town
            .states()
            .await
            .iter()
            .filter(|state| state.ends_with(" pending") || state.ends_with(" sending"))
            .count();
        (open == 0).then_some(())
    })
    .await;
    let unsent: i64 = sqlx::query_scalar("select count(*) from outbox where state not in ('accepted', 'delivered')")
        .fetch_one(&db.pool)
        .await
        .unwrap();
    assert_eq!(unsent, 0);
    assert_eq!(carried(&db, "other").await, 40);
    dispatcher.stop().await;
}

#[tokio::test]
async fn what_was_being_claimed_when_the_session_ended_is_given_back() {
    let db = support::db().await;
    let port = free_port();
    let mut process = smsc(port, &[]).await;
    let dispatcher = Dispatcher::start(&db, |config| config.sms.smpp = vec![centre("only", port, 1)]);
    bound(&db, true).await;
    let mut owner = db.owner().await;
    // A claim reads the words of its alerts last.
    let mut lock = owner.begin().await.unwrap();
    lock.execute("lock table alert_text in access exclusive mode").await.unwrap();
    let town = crowd(&db, 3).await;
    support::eventually("a claim that waits for its words", async || {
        let waits: bool = sqlx::query_scalar(
            "select exists (select from pg_locks where not granted and relation = 'alert_text'::regclass)",
        )
        .fetch_one(&db.pool)
        .await
        .unwrap();
        waits.then_some(())
    })
    .await;
    process.kill().await;
    bound(&db, false).await;
    lock.commit().await.unwrap();
    support::eventually("rows that wait for whoever comes", async || {
        let claimed_once: i64 = sqlx::query_scalar(
            "select count(*) from outbox where state = 'pending' and fence > 0 and lease_until is null",
        )
        .fetch_one(&db.pool)
        .await
        .unwrap();
        (claimed_once == 3).then_some(())
    })
    .await;
    let _back = smsc(port, &["--first=5000"]).await;
    all_delivered(&town).await;
    dispatcher.stop().await;
}

/// Waits until the provider's task says of itself that messages can leave, or that they cannot.
async fn bound(db: &TestDb, wanted: bool) {
    support::eventually("the session", async || {
        let healthy: Option<bool> = sqlx::query_scalar("select healthy from dispatch_claimer where channel = 'sms'")
            .fetch_optional(&db.pool)
            .await
            .unwrap();
        (healthy == Some(wanted)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn several_sessions_of_one_centre_share_its_window_and_its_rate() {
    let db = support::db().await;
    let port = free_port();
    let mut peer = smsc(port, &[]).await;
    let town = crowd(&db, 12).await;
    let dispatcher = Dispatcher::start(&db, |config| {
        config.sms.smpp = vec![SmppProvider { binds: 3, interface_version: SmppVersion::V50, ..provider(port) }];
    });
    for _ in 0..3 {
        let bind = told(&mut peer, "bind").await;
        assert_eq!(bind["version"].as_i64(), Some(0x50), "{bind}");
    }
    all_delivered(&town).await;
    let sessions: i64 = sqlx::query_scalar("select count(distinct provider_message_id) from outbox_attempt")
        .fetch_one(&db.pool)
        .await
        .unwrap();
    assert_eq!(sessions, 12, "every message has its own id, whichever session carried it");
    dispatcher.stop().await;
}

#[tokio::test]
async fn a_centre_is_spoken_to_over_tls_and_only_when_it_is_the_one_that_was_named() {
    let db = support::db().await;
    let folder = std::env::temp_dir().join(format!("sentinela-smpp-tls-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let issued = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (certificate, key) = (folder.join("centre.pem"), folder.join("centre.key"));
    std::fs::write(&certificate, issued.cert.pem()).unwrap();
    std::fs::write(&key, issued.signing_key.serialize_pem()).unwrap();
    let port = free_port();
    let tls = format!("--tls={},{}", certificate.display(), key.display());
    let mut peer = smsc(port, &[&tls]).await;
    let town = crowd(&db, 2).await;
    let named = SmppProvider {
        name: "named".into(),
        host: "localhost".into(),
        tls: true,
        tls_ca: certificate.clone(),
        national_shift: true,
        priority_flag: 2,
        priority: Some(2),
        ..provider(port)
    };
    // The same port by an address that the certificate does not hold.
    let other = SmppProvider { name: "other".into(), host: "127.0.0.1".into(), priority: Some(1), ..named.clone() };
    let dispatcher = Dispatcher::start(&db, |config| config.sms.smpp = vec![other, named]);
    let submit = told(&mut peer, "submit").await;
    assert_eq!(submit["priority_flag"].as_i64(), Some(2), "{submit}");
    all_delivered(&town).await;
    assert_eq!((carried(&db, "named").await, carried(&db, "other").await), (2, 0));
    dispatcher.stop().await;
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn accents_leave_by_the_portuguese_table_and_are_read_by_others() {
    let db = support::db().await;
    let port = free_port();
    let mut peer = smsc(port, &[]).await;
    let town = Town::new(&db).await;
    town.resident(INSIDE, 10, &["+5532900000001"]).await;
    let text = "Defesa Civil: risco de inundação no Poço Rico. Não volte à casa. Vá já à Escola São João, pela av. Brasil. Leve água, documentos e remédios.";
    let alert = town.living_alert(text).await;
    town.enqueue(alert).await;
    let dispatcher = Dispatcher::start(&db, |config| {
        config.sms.smpp = vec![SmppProvider { national_shift: true, ..provider(port) }];
    });
    let submit = told(&mut peer, "submit").await;
    assert_eq!((submit["esm_class"].as_i64(), submit["data_coding"].as_i64()), (Some(0x40), Some(0)), "{submit}");
    assert!(submit["octets"].as_str().unwrap().starts_with("03240103"), "{submit}");
    assert_eq!(super::peers::gsm7_portuguese(&submit["octets"].as_str().unwrap()[8..]).await, text);
    all_delivered(&town).await;
    dispatcher.stop().await;
}
