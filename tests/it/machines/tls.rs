//! MQTT over TLS with real clients: who gets in, who does not, and certificates that change while devices are there.

use std::process::Stdio;

use sentinela::accounts::tokens::desk::Acting;
use sentinela::audit::Actor;
use sentinela::clock::Stopwatch;
use sentinela::stations::desk;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::process::Command;

use super::endpoint::{Authority, Endpoint, both, by_first_secret, by_secret, message, output, said, staying};
use crate::ingest::{gauge, rows};
use crate::support::{self, Folder, TestDb, eventually, soon};

async fn register(endpoint: &Endpoint, device: &str, pem: &str) -> String {
    let app = &endpoint.app;
    let mut tx = app.db.web.begin().await.unwrap();
    let actor = Actor::command();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let fingerprint = desk::add_certificate(&mut tx, by, device, pem).await.unwrap();
    tx.commit().await.unwrap();
    fingerprint
}

async fn count(db: &TestDb) -> usize {
    rows(&db.pool).await.len()
}

#[tokio::test]
async fn a_device_signs_in_over_tls_by_secret_or_by_its_registered_certificate() {
    let db = support::db().await;
    gauge(&db.pool, "A").await;
    let endpoint = Endpoint::open(&db, &[]).await;
    let sent = output(endpoint.over_tls("mosquitto_pub", &both(&by_first_secret(), &message("A", "1")))).await;
    assert!(sent.status.success(), "{}", said(&sent));
    assert_eq!(count(&db).await, 1);

    // The certificate says all: neither name nor password; its own name does not matter.
    let (files, pem) = endpoint.certificate(&endpoint.town, "some name", None);
    let refused = output(endpoint.over_tls("mosquitto_pub", &both(&files, &message("A", "2")))).await;
    assert!(!refused.status.success() && said(&refused).contains("efused"), "{}", said(&refused));
    register(&endpoint, "A", &pem).await;
    let sent = output(endpoint.over_tls("mosquitto_pub", &both(&files, &message("A", "2")))).await;
    assert!(sent.status.success(), "{}", said(&sent));
    assert_eq!(count(&db).await, 2);
    let used = "select last_used_at is not null from device_certificate";
    endpoint.app.ingest.devices().flush_uses(&db.pool, endpoint.app.clock.now()).await;
    assert!(sqlx::query_scalar::<_, bool>(used).fetch_one(&db.pool).await.unwrap());
}

#[tokio::test]
async fn who_has_the_wrong_certificate_secret_or_authority_stays_outside() {
    let db = support::db().await;
    gauge(&db.pool, "A").await;
    gauge(&db.pool, "B").await;
    let endpoint = Endpoint::open(&db, &[]).await;
    let stranger = Authority::new("Outra autoridade");
    let (own, pem) = endpoint.certificate(&endpoint.town, "A", None);
    register(&endpoint, "A", &pem).await;
    let (foreign, _) = endpoint.certificate(&stranger, "A", None);
    let (expired, _) = endpoint.certificate(&endpoint.town, "A", Some(2020));
    let (unregistered, _) = endpoint.certificate(&endpoint.town, "A", None);
    let as_b = [own.clone(), by_secret("B", crate::ingest::SECRET)].concat();
    let nothing = Vec::new();
    for (what, files, told) in [
        ("signed by another authority", &foreign, message("A", "x")),
        ("expired", &expired, message("A", "x")),
        ("not registered", &unregistered, message("A", "x")),
        ("another device's", &as_b, message("B", "x")),
        ("for another device's topic", &own, message("B", "x")),
        ("wrong secret", &by_secret("A", "wrong"), message("A", "x")),
        ("nothing at all", &nothing, message("A", "x")),
    ] {
        let refused = output(endpoint.over_tls("mosquitto_pub", &both(files, &told))).await;
        assert!(!refused.status.success(), "{what}: {}", said(&refused));
    }
    // Without TLS at the TLS door, and with a server that somebody else vouches for.
    let plain = endpoint.tls_port.to_string();
    let refused = output(
        endpoint
            .plain("mosquitto_pub", &both(&[vec!["-p".into(), plain], by_first_secret()].concat(), &message("A", "x"))),
    )
    .await;
    assert!(!refused.status.success(), "{}", said(&refused));
    let other = endpoint.file("other.pem", &stranger.pem());
    let other = [vec!["--cafile".into(), other], by_first_secret()].concat();
    let refused = output(endpoint.over_tls("mosquitto_pub", &both(&other, &message("A", "x")))).await;
    assert!(!refused.status.success(), "{}", said(&refused));
    assert_eq!(count(&db).await, 0);
}

#[tokio::test]
async fn where_names_count_a_certificate_that_bears_a_devices_code_needs_no_registration() {
    let db = support::db().await;
    gauge(&db.pool, "A").await;
    let endpoint = Endpoint::open(&db, &[("SENTINELA__MQTT__TLS_IDENTITY", "common_name")]).await;
    let (files, pem) = endpoint.certificate(&endpoint.town, "A", None);
    let sent = output(endpoint.over_tls("mosquitto_pub", &both(&files, &message("A", "1")))).await;
    assert!(sent.status.success(), "{}", said(&sent));
    let (nobodys, _) = endpoint.certificate(&endpoint.town, "Z", None);
    let refused = output(endpoint.over_tls("mosquitto_pub", &both(&nobodys, &message("A", "2")))).await;
    assert!(!refused.status.success(), "{}", said(&refused));

    // Registered and revoked, it is refused although it bears the name.
    let fingerprint = register(&endpoint, "A", &pem).await;
    let app = &endpoint.app;
    let mut tx = app.db.web.begin().await.unwrap();
    let actor = Actor::command();
    let by = Acting { ids: &app.ids, now: app.clock.now(), actor: &actor };
    let print = sentinela::stations::certificate::from_hex(&fingerprint).unwrap();
    desk::revoke_certificate(&mut tx, by, &print).await.unwrap();
    tx.commit().await.unwrap();
    eventually("the certificate to be refused", || async {
        let sent = output(endpoint.over_tls("mosquitto_pub", &both(&files, &message("A", "1")))).await;
        (!sent.status.success()).then_some(())
    })
    .await;
    assert_eq!(count(&db).await, 1);
}

#[tokio::test]
async fn new_certificate_files_are_used_and_who_is_connected_stays() {
    let db = support::db().await;
    gauge(&db.pool, "A").await;
    let endpoint = Endpoint::open(&db, &[]).await;
    let topic = ["-t", "v1/devices/A/commands"].map(str::to_owned);
    let mut client = staying(&db, endpoint.over_tls("mosquitto_sub", &both(&by_first_secret(), &topic)), "A").await;

    let successor = Authority::new("Autoridade nova");
    let (chain, key) = successor.server();
    // A half of the pair alone changes nothing: the service goes on with what it has.
    endpoint.file("server.pem", &chain);
    let sent = output(endpoint.over_tls("mosquitto_pub", &both(&by_first_secret(), &message("A", "1")))).await;
    assert!(sent.status.success(), "{}", said(&sent));
    endpoint.file("server.key", &key);
    let ca = endpoint.file("new-ca.pem", &successor.pem());
    let knowing = [vec!["--cafile".into(), ca], by_first_secret()].concat();
    eventually("the new certificate to be shown", || async {
        let sent = output(endpoint.over_tls("mosquitto_pub", &both(&knowing, &message("A", "2")))).await;
        sent.status.success().then_some(())
    })
    .await;
    assert!(client.try_wait().unwrap().is_none(), "the client that was connected has gone");
    let still: bool =
        sqlx::query_scalar("select online from device where code = 'A'").fetch_one(&db.pool).await.unwrap();
    assert!(still);
    assert_eq!(count(&db).await, 2);
}

#[tokio::test]
async fn a_new_revocation_list_ends_whoever_is_on_it_and_the_others_come_again() {
    let db = support::db().await;
    gauge(&db.pool, "A").await;
    gauge(&db.pool, "B").await;
    let folder = Folder::new();
    let list = folder.path().join("revoked.pem").display().to_string();
    std::fs::write(&list, "").unwrap();
    let endpoint = Endpoint::open(&db, &[("SENTINELA__MQTT__TLS_CLIENT_CRL", &list)]).await;
    let mut clients = Vec::new();
    for device in ["A", "B"] {
        let (files, pem) = endpoint.certificate(&endpoint.town, device, None);
        register(&endpoint, device, &pem).await;
        let topic = ["-t".to_owned(), format!("v1/devices/{device}/commands")];
        clients.push((staying(&db, endpoint.over_tls("mosquitto_sub", &both(&files, &topic)), device).await, files));
    }
    std::fs::write(&list, endpoint.town.revoking("A")).unwrap();
    // Both are sent away; the program comes again by itself, and only B gets in.
    eventually("A to be gone and B to be back", || async {
        let online = "select code from device where online order by code";
        let online: Vec<String> = sqlx::query_scalar(online).fetch_all(&db.pool).await.unwrap();
        let refused = output(endpoint.over_tls("mosquitto_pub", &both(&clients[0].1, &message("A", "x")))).await;
        (online == ["B"] && !refused.status.success()).then_some(())
    })
    .await;
    let sent = output(endpoint.over_tls("mosquitto_pub", &both(&clients[1].1, &message("B", "1")))).await;
    assert!(sent.status.success(), "{}", said(&sent));
}

#[tokio::test]
async fn one_device_and_one_address_have_so_many_connections_and_no_more() {
    let db = support::db().await;
    gauge(&db.pool, "A").await;
    let bounds =
        [("SENTINELA__MQTT__MAX_CONNECTIONS_PER_DEVICE", "2"), ("SENTINELA__MQTT__MAX_CONNECTIONS_PER_ADDRESS", "3")];
    let endpoint = Endpoint::open(&db, &bounds).await;
    let topic = ["-t", "v1/devices/A/commands", "-i"].map(str::to_owned).to_vec();
    let first = staying(
        &db,
        endpoint.over_tls("mosquitto_sub", &both(&by_first_secret(), &[&topic[..], &["a1".into()]].concat())),
        "A",
    )
    .await;
    let sent = output(endpoint.over_tls("mosquitto_pub", &both(&by_first_secret(), &message("A", "1")))).await;
    assert!(sent.status.success(), "{}", said(&sent));
    let mut second = endpoint.plain(
        "mosquitto_sub",
        &both(
            &[vec!["-p".into(), endpoint.port.to_string()], by_first_secret()].concat(),
            &[&topic[..], &["a2".into()]].concat(),
        ),
    );
    let second = second.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // Two are here, by either door: a third of the same device is refused until one of them goes.
    eventually("a third connection to be refused", || async {
        let sent = output(endpoint.over_tls("mosquitto_pub", &both(&by_first_secret(), &message("A", "2")))).await;
        (!sent.status.success()).then_some(())
    })
    .await;
    drop((first, second));
    eventually("room again", || async {
        let sent = output(endpoint.over_tls("mosquitto_pub", &both(&by_first_secret(), &message("A", "3")))).await;
        sent.status.success().then_some(())
    })
    .await;
    // Of one address three, even before anybody has said who they are.
    let mut silent = Vec::new();
    for _ in 0..3 {
        silent.push(TcpStream::connect(("127.0.0.1", endpoint.tls_port)).await.unwrap());
    }
    let sent = output(endpoint.over_tls("mosquitto_pub", &both(&by_first_secret(), &message("A", "4")))).await;
    assert!(!sent.status.success(), "{}", said(&sent));
    drop(silent);
    eventually("room again for the address", || async {
        let sent = output(endpoint.over_tls("mosquitto_pub", &both(&by_first_secret(), &message("A", "5")))).await;
        sent.status.success().then_some(())
    })
    .await;
}

#[tokio::test]
async fn only_tls_1_2_and_1_3_are_spoken() {
    let db = support::db().await;
    let endpoint = Endpoint::open(&db, &[]).await;
    let address = format!("127.0.0.1:{}", endpoint.tls_port);
    let ca = endpoint.path("ca.pem");
    for (version, spoken) in [("-tls1", false), ("-tls1_1", false), ("-tls1_2", true), ("-tls1_3", true)] {
        let mut command = Command::new("openssl");
        // Level 0, so that it is the server who refuses the old versions.
        command.args(["s_client", "-connect", &address, "-CAfile", &ca, "-verify_return_error"]);
        command.args(["-cipher", "ALL:@SECLEVEL=0", version]).stdin(Stdio::null()).kill_on_drop(true);
        let answer = output(command).await;
        assert_eq!(answer.status.success(), spoken, "{version}: {}", said(&answer));
    }
}

#[tokio::test]
async fn who_connects_and_says_nothing_is_let_go() {
    let db = support::db().await;
    let endpoint = Endpoint::open(&db, &[("SENTINELA__MQTT__TLS_HANDSHAKE_S", "1")]).await;
    let begun = Stopwatch::start();
    let mut silent = TcpStream::connect(("127.0.0.1", endpoint.tls_port)).await.unwrap();
    let mut answer = Vec::new();
    // An end of either kind: it closes without having said a word.
    let _ = soon("the end of the connection", silent.read_to_end(&mut answer)).await;
    assert!(answer.is_empty() && begun.elapsed().as_millis() >= 900, "{answer:?} after {:?}", begun.elapsed());

    // The same after the handshake: whoever says nothing of MQTT goes too.
    let mut command = Command::new("openssl");
    command.args(["s_client", "-quiet", "-connect", &format!("127.0.0.1:{}", endpoint.tls_port)]);
    let mut idle =
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true).spawn().unwrap();
    soon("the end of the idle client", idle.wait()).await.unwrap();
}
