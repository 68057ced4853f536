//! `sentinela doctor` on real installations: what is missing is named, with what to do, and nothing is changed by asking.

use std::path::Path;

use serde_json::Value;
use tokio::process::Command;

use crate::dispatch::peers::smsc;
use crate::dispatch::town::Town;
use crate::support::{self, Folder, TestDb, free_port};

/// `sentinela doctor --json` on this database, with a door of its own.
fn doctor(db: &TestDb, folder: &Path, arguments: &[&str]) -> Command {
    let mut command = support::sentinela();
    command
        .args(["doctor", "--json"])
        .args(arguments)
        .env("SENTINELA__DATABASE__URL", &db.url)
        .env("SENTINELA__DATA_DIR", folder.join("data"))
        .env("SENTINELA__HTTP__LISTEN", format!("127.0.0.1:{}", free_port()))
        .env("SENTINELA__MQTT__LISTEN", "")
        .env_remove("LC_ALL")
        .env_remove("LC_MESSAGES")
        .env("LANG", "pt_BR.UTF-8");
    command
}

/// Exit code and findings.
async fn ask(mut command: Command) -> (Option<i32>, Vec<Value>) {
    let output = support::soon("the doctor's end", command.output()).await.unwrap();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code(), report["findings"].as_array().unwrap().clone())
}

/// The finding of this word, which must be there.
fn find<'a>(findings: &'a [Value], word: &str) -> &'a Value {
    let found = findings.iter().find(|finding| finding["finding"] == word);
    found.unwrap_or_else(|| panic!("no {word} among {findings:#?}"))
}

#[tokio::test]
async fn an_empty_installation_is_told_what_it_lacks_and_what_to_do() {
    let (db, folder) = (support::db().await, Folder::new());
    let (code, findings) = ask(doctor(&db, folder.path(), &[])).await;
    assert_eq!(code, Some(2));
    for word in ["areas-none", "stations-none", "approvers-none", "sms-none", "mail-none"] {
        let finding = find(&findings, word);
        assert_eq!(finding["verdict"], "failure", "{word}");
        assert!(finding["next"].as_str().is_some_and(|next| !next.is_empty()), "{word}");
    }
    for word in ["rota-none", "backup-none", "beat-none", "data-dir-missing", "keys-none"] {
        assert_eq!(find(&findings, word)["verdict"], "warning", "{word}");
    }
    for word in [
        "database-fine",
        "postgis-fine",
        "zone-fine",
        "clocks-agree",
        "schema-current",
        "role-fine",
        "audit-empty",
        "cursor-fine",
        "outbox-fine",
        "timers-fine",
        "port-free",
    ] {
        let finding = find(&findings, word);
        assert_eq!((finding["verdict"].as_str(), finding["next"].as_str()), (Some("ok"), None), "{word}");
    }
    assert!(!folder.path().join("data").exists(), "asking makes nothing");
}

#[tokio::test]
async fn what_is_put_right_is_complained_about_no_more() {
    let (db, folder) = (support::db().await, Folder::new());
    Town::new(&db).await;
    sqlx::raw_sql(
        "insert into staff (id, username, name, roles, created_at) values
            (gen_random_uuid(), 'ana', 'Ana', '{coordinator}', now()), (gen_random_uuid(), 'bia', 'Bia', '{approver}', now());
         insert into staff_factor (staff_id, secret, created_at, confirmed_at)
            select id, 'x', now(), now() from staff where username = 'ana'",
    )
    .execute(&db.pool)
    .await
    .unwrap();
    let mut taking = support::sentinela();
    taking.arg("backup").arg(folder.path().join("a.zip"));
    taking.env("SENTINELA__DATABASE__URL", &db.url).env("SENTINELA__DATA_DIR", folder.path().join("data"));
    assert!(taking.output().await.unwrap().status.success());
    let (_, findings) = ask(doctor(&db, folder.path(), &[])).await;
    assert_eq!(find(&findings, "areas-fine")["values"]["n"], "2");
    assert_eq!(find(&findings, "approvers-alone")["values"]["unready"], "bia");
    assert_eq!(find(&findings, "backup-fine")["values"]["hours"], "0");
    // The backup is an act, and no head was noted by a service yet.
    assert_eq!(find(&findings, "audit-unnoted")["verdict"], "warning");
}

#[tokio::test]
async fn a_restored_installation_is_told_that_it_sends_nothing() {
    let (db, folder) = (support::db().await, Folder::new());
    sqlx::query(
        "insert into restoration (id, restored_at, restored_by, taken_at, file, manifest_sha256, settled)
         values (gen_random_uuid(), now(), 'ana', now(), 'a.zip', sha256('x'), '{\"a\": 1}')",
    )
    .execute(&db.pool)
    .await
    .unwrap();
    let (code, findings) = ask(doctor(&db, folder.path(), &[])).await;
    let unproved = find(&findings, "held-unproved");
    assert_eq!((code, unproved["verdict"].as_str()), (Some(2), Some("failure")));
    assert!(unproved["next"].as_str().unwrap().contains("docs/backup.md"));
    assert_eq!(unproved["runbook"], "doctor-held-unproved");

    let proof = r#"update restoration set proof = '{"findings": 0, "unbalanced": 0, "journal": 0, "expected": 0}'"#;
    sqlx::query(proof).execute(&db.pool).await.unwrap();
    let (code, findings) = ask(doctor(&db, folder.path(), &[])).await;
    let held = find(&findings, "held");
    assert_eq!((code, held["verdict"].as_str()), (Some(2), Some("failure")));
    assert!(held["next"].as_str().unwrap().contains("take-over"));
}

#[tokio::test]
async fn a_port_that_another_program_holds_is_named() {
    let (db, folder) = (support::db().await, Folder::new());
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    let mut asking = doctor(&db, folder.path(), &[]);
    asking.env("SENTINELA__HTTP__LISTEN", &address);
    let (_, findings) = ask(asking).await;
    let taken = find(&findings, "port-taken");
    assert_eq!(
        (taken["values"]["address"].as_str(), taken["verdict"].as_str()),
        (Some(address.as_str()), Some("failure"))
    );
}

#[tokio::test]
async fn a_changed_audit_is_found_at_its_end() {
    use sqlx::Executor as _;
    let (db, folder) = (support::db().await, Folder::new());
    let ids = sentinela::ids::Ids::seeded(3);
    for number in 0..3 {
        let mut tx = db.pool.begin().await.unwrap();
        let entry = sentinela::audit::Entry::new(sentinela::audit::Act::AlertEdit, "alert", number);
        let actor = sentinela::audit::Actor::service();
        sentinela::audit::record(&mut tx, &ids, support::start_at(), &actor, entry).await.unwrap();
        tx.commit().await.unwrap();
    }
    let mut owner = db.owner().await;
    owner.execute("set session_replication_role = replica").await.unwrap();
    owner
        .execute("update audit_event set actor = 'outro' where id = (select event_id from audit_chain where seq = 2)")
        .await
        .unwrap();
    let (code, findings) = ask(doctor(&db, folder.path(), &[])).await;
    assert_eq!((code, find(&findings, "audit-wrong")["values"]["place"].as_str()), (Some(2), Some("2")));
}

#[tokio::test]
async fn a_centre_is_reached_and_with_a_probe_signed_in_at() {
    let (db, folder) = (support::db().await, Folder::new());
    let (there, nowhere) = (free_port(), free_port());
    let _centre = smsc(there, &[]).await;
    let file = folder.path().join("sentinela.toml");
    let centre = |name: &str, port: u16| {
        let peer = crate::dispatch::peers::provider(port);
        format!(
            "[[sms.smpp]]\nname = {name:?}\nhost = {:?}\nport = {port}\nsystem_id = {:?}\npassword = {:?}\nsource_addr = \"27199\"\n",
            peer.host, peer.system_id, &*peer.password
        )
    };
    std::fs::write(&file, centre("there", there) + &centre("nowhere", nowhere)).unwrap();
    let config = file.to_str().unwrap();
    for (arguments, how) in [(vec!["--config", config], "connected"), (vec!["--probe", "--config", config], "bound")] {
        let (code, findings) = ask(doctor(&db, folder.path(), &arguments)).await;
        assert_eq!(code, Some(2));
        let values = &find(&findings, "peer-fine")["values"];
        assert_eq!((values["name"].as_str(), values["how"].as_str()), (Some("smpp:there"), Some(how)));
        let wrong = find(&findings, "peer-wrong");
        assert_eq!(wrong["values"]["name"], "smpp:nowhere");
        assert!(!findings.iter().any(|finding| finding["finding"] == "sms-none"));
    }
}

#[tokio::test]
async fn it_speaks_the_reader_s_language_and_says_which_key_is_wrong() {
    let folder = Folder::new();
    let asked = |lang: &str, arguments: &[&str]| {
        let mut command = support::sentinela();
        command.arg("doctor").args(arguments).env("LANG", lang).env_remove("LC_ALL").env_remove("LC_MESSAGES");
        command.env("SENTINELA__DATA_DIR", folder.path().join("data")).env("SENTINELA__HTTP__LISTEN", "nowhere");
        command
    };
    for (lang, arguments, word) in [
        ("pt_BR.UTF-8", &[][..], "falha"),
        ("C.UTF-8", &[][..], "falha"),
        ("en_US.UTF-8", &[][..], "failure"),
        ("pt_BR.UTF-8", &["--lang", "en"][..], "failure"),
    ] {
        let output = asked(lang, arguments).output().await.unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.starts_with(word) && text.contains("http.listen"), "{lang} {arguments:?}: {text}");
    }
}

#[tokio::test]
async fn before_the_first_start_there_is_nothing_to_reach_and_nothing_is_made() {
    let folder = Folder::new();
    let mut command = support::sentinela();
    command.args(["doctor", "--json"]).env("SENTINELA__DATA_DIR", folder.path().join("data"));
    command.env("SENTINELA__HTTP__LISTEN", format!("127.0.0.1:{}", free_port())).env("SENTINELA__MQTT__LISTEN", "");
    let (_, findings) = ask(command).await;
    assert_eq!(find(&findings, "database-none")["verdict"], "warning");
    assert!(!folder.path().join("data").exists());
}
