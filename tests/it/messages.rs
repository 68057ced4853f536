//! The message that leaves: whole, in several languages, signed, verified by programs of others; and nothing when it cannot be.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use chrono::TimeDelta;
use sentinela::alerts::cap::model::{CapAlert, MsgType, Status};
use sentinela::alerts::cap::signature::{Trusted, Verification, verify};
use sentinela::alerts::cap::{validate, xml};
use sentinela::alerts::draft::{Drafter, Subject};
use sentinela::alerts::issue::{Issued, Issuer};
use sentinela::alerts::signing::Desk;
use sentinela::alerts::{AlertError, AlertKind};
use sentinela::app::App;
use sentinela::audit::Actor;
use sentinela::config::AlertStatus;
use sentinela::ids::{AlertId, AreaId};
use sentinela::units::Level;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::support::{self, Folder, TestDb};

const TOWN: &str = "
    insert into risk_area (code, name, geom, created_at, updated_at) values
        ('bom-pastor', 'Bom Pastor', st_multi(st_makeenvelope(-43.40, -21.76, -43.39, -21.74, 4326)), now(), now()),
        ('linhares', 'Linhares', st_multi(st_makeenvelope(-43.305, -21.76, -43.295, -21.74, 4326)), now(), now());
    insert into area_hazard select id, '1.1.3.2.1', 'R4' from risk_area;";

struct Room {
    db: TestDb,
    app: App,
}

impl Room {
    async fn open(overrides: &[(&str, &str)]) -> Self {
        let db = support::db().await;
        sqlx::raw_sql(TOWN).execute(&db.pool).await.unwrap();
        let url = ("SENTINELA__HTTP__PUBLIC_URL", "https://alertas.example.org");
        let app = support::app_with(&db, &[&[url], overrides].concat());
        Self { db, app }
    }

    async fn draft(&self, kind: AlertKind, status: AlertStatus, answers: Option<AlertId>) -> AlertId {
        let areas: Vec<i64> =
            sqlx::query_scalar("select id from risk_area order by code").fetch_all(&self.db.pool).await.unwrap();
        let subject = Subject {
            kind,
            cobrade: "1.1.3.2.1".parse().unwrap(),
            level: Level::Maximum,
            areas: &areas.into_iter().map(AreaId).collect::<Vec<_>>(),
            references: answers,
            status,
            rule: Some(("chuva", 3)),
            reasons: &[],
        };
        let drafter = Drafter { config: &self.app.config, templates: &self.app.templates, ids: &self.app.ids };
        let mut tx = self.app.db.web.begin().await.unwrap();
        let id = drafter.create(&mut tx, self.app.clock.now(), "ana", &subject).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    async fn run(&self, sql: &'static str, id: AlertId) {
        sqlx::query(sql).bind(id.0).execute(&self.db.pool).await.unwrap();
    }

    async fn try_issue(&self, id: AlertId) -> Result<Issued, AlertError> {
        let revision: i32 = sqlx::query_scalar("select revision from alert where id = $1")
            .bind(id.0)
            .fetch_one(&self.db.pool)
            .await
            .unwrap();
        let mut tx = self.app.db.web.begin().await.unwrap();
        let issued = Issuer::of(&self.app).issue(&mut tx, self.app.clock.now(), "coordenadora", id, revision).await?;
        tx.commit().await.unwrap();
        Ok(issued)
    }

    /// Issues it a minute later, and gives the document that left.
    async fn issue(&self, id: AlertId) -> String {
        self.app.clock.set(self.app.clock.now() + TimeDelta::minutes(1));
        self.try_issue(id).await.unwrap();
        sqlx::query_scalar("select cap_xml from alert where id = $1").bind(id.0).fetch_one(&self.db.pool).await.unwrap()
    }

    async fn get(&self, path: &str) -> (StatusCode, String, String) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = sentinela::web::router::router(self.app.clone()).oneshot(request).await.unwrap();
        let media = response.headers().get(header::CONTENT_TYPE).map_or("", |v| v.to_str().unwrap()).to_owned();
        let status = response.status();
        let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, media, String::from_utf8(bytes.to_vec()).unwrap())
    }

    /// Whom the world trusts that reads our keys.
    async fn trusted(&self) -> Trusted {
        let (status, media, pem) = self.get("/alerts/keys.pem").await;
        assert_eq!((status, media.as_str()), (StatusCode::OK, "application/pem-certificate-chain"));
        let mut trusted = Trusted::default();
        trusted.add_pem("Juiz de Fora", &pem).unwrap();
        trusted
    }

    async fn rotate(&self) -> String {
        let desk = Desk { config: &self.app.config, ids: &self.app.ids, keys: &self.app.keys };
        let mut tx = self.app.db.web.begin().await.unwrap();
        let made = desk.rotate(&mut tx, self.app.clock.now(), &Actor::command()).await.unwrap();
        tx.commit().await.unwrap();
        made.name
    }
}

fn lawful(document: &str) -> CapAlert {
    let alert = xml::parse(document).unwrap();
    assert_eq!(validate::check(&alert), [], "{document}");
    assert_eq!(validate::check_public(&alert), []);
    assert_eq!(validate::advise(&alert), [], "{document}");
    alert
}

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Gives a program, which `make setup` installs, a text.
fn ask(mut command: Command, text: &str) -> (bool, String, String) {
    use std::io::Write as _;
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), said(&output.stdout), said(&output.stderr))
}

/// The schema of OASIS, xmlsec1 and an independent library have nothing against it.
fn pleases_others(document: &str, certificates: &str) -> Value {
    let mut lint = Command::new("xmllint");
    lint.args(["--nonet", "--noout", "--schema"]).arg(here("tests/data/cap/CAP-v1.2.xsd")).arg("-");
    let (good, _, said) = ask(lint, document);
    assert!(good, "{said}\n{document}");
    let folder = Folder::new();
    let (file, message) = (folder.path().join("keys.pem"), folder.path().join("message.xml"));
    std::fs::write(&file, certificates).unwrap();
    std::fs::write(&message, document).unwrap();
    let mut xmlsec = Command::new("xmlsec1");
    xmlsec.arg("--verify").arg("--trusted-pem").arg(&file).arg(&message);
    let (good, _, said) = ask(xmlsec, "");
    assert!(good, "{said}\n{document}");
    assert!(here("tests/peers/node_modules/@dec112/cap-ts").exists(), "run tests/peers/setup.sh");
    let mut library = Command::new("node");
    library.arg(here("tests/peers/cap.js"));
    let (good, told, said) = ask(library, document);
    assert!(good, "{said}\n{document}");
    serde_json::from_str(&told).unwrap()
}

#[tokio::test]
async fn an_alert_leaves_whole_in_every_language_and_others_read_and_verify_it() {
    let room = Room::open(&[]).await;
    let id = room.draft(AlertKind::Alert, AlertStatus::Actual, None).await;
    room.run(
        "insert into alert_text (alert_id, language, headline, description, instruction, sms_text, edited) values
         ($1, 'en', 'Very high risk of landslides', 'The soil is soaked & moving.', '1. Leave now.', 'sms', false),
         ($1, 'es', 'Riesgo muy alto', 'El suelo está saturado.', '1. Salga ahora.', 'sms', false)
         on conflict (alert_id, language) do update set headline = excluded.headline, description = excluded.description,
             instruction = excluded.instruction",
        id,
    )
    .await;
    room.run(
        "insert into alert_shape (alert_id, source, name, geom, centre, radius_km) values
         ($1, 'circle', 'Barragem do Norte', st_multi(st_buffer(st_setsrid(st_makepoint(-43.35, -21.7), 4326)::geography, 1500)::geometry),
          st_setsrid(st_makepoint(-43.35, -21.7), 4326), 1.5)",
        id,
    )
    .await;
    let document = room.issue(id).await;
    let alert = lawful(&document);
    let identifier = &alert.identifier;
    assert!(identifier.starts_with("BR-") && identifier.split('-').count() == 5, "{identifier}");
    let told: Vec<_> =
        alert.infos.iter().map(|info| (info.language.as_deref().unwrap(), info.event.as_str())).collect();
    assert_eq!(told, [("pt-BR", "Deslizamentos"), ("en", "Landslide"), ("es", "Deslizamiento")]);
    for info in &alert.infos {
        let codes: Vec<_> = info.event_codes.iter().map(|code| (code.name.as_str(), code.value.as_str())).collect();
        assert_eq!(codes, [("COBRADE", "1.1.3.2.1"), ("OET:v1.2", "OET-119")]);
        let areas: Vec<_> = info.areas.iter().map(|area| area.description.as_str()).collect();
        assert_eq!(areas, ["Bom Pastor", "Linhares", "Barragem do Norte"]);
        assert!(
            info.areas
                .iter()
                .all(|area| area.geocodes.iter().all(|code| code.name == "AREA") && !area.polygons.is_empty())
        );
        assert_eq!(info.areas[0].geocodes[0].value, "bom-pastor");
        assert_eq!(info.areas[2].circles[0].as_str(), "-21.7,-43.35 1.5");
        let picture = format!("https://alertas.example.org/alerts/{identifier}/map.png");
        assert_eq!(info.resources[0].uri.as_deref(), Some(picture.as_str()));
        let parameters: Vec<_> = info.parameters.iter().map(|p| (p.name.as_str(), p.value.as_str())).collect();
        assert!(
            parameters.contains(&("level", "maximum")) && parameters.contains(&("rule", "chuva v3")),
            "{parameters:?}"
        );
        assert!(parameters.iter().any(|(name, _)| *name == "number"));
    }
    assert!(matches!(verify(&document, &room.trusted().await), Verification::Verified(by) if by.by == "Juiz de Fora"));
    let (_, _, pem) = room.get("/alerts/keys.pem").await;
    let understood = pleases_others(&document, &pem);
    assert_eq!(understood["identifier"], Value::from(identifier.as_str()));
    assert_eq!(understood["info_list"].as_array().unwrap().len(), 3);
    assert_eq!(understood["info_list"][1]["headline"], "Very high risk of landslides");
    assert_eq!(understood["info_list"][0]["area_list"].as_array().unwrap().len(), 3);
    // It is served in the very bytes that were signed.
    assert_eq!(room.get(&format!("/alerts/{identifier}.xml")).await.2, document);
}

#[tokio::test]
async fn every_answer_names_the_whole_chain_as_it_was_first_sent() {
    let room = Room::open(&[]).await;
    let first = room.draft(AlertKind::Alert, AlertStatus::Actual, None).await;
    let mut sent = vec![lawful(&room.issue(first).await)];
    let mut answered = first;
    for kind in [AlertKind::Update, AlertKind::Update, AlertKind::AllClear] {
        answered = room.draft(kind, AlertStatus::Actual, Some(answered)).await;
        let document = room.issue(answered).await;
        let alert = lawful(&document);
        assert_eq!(alert.msg_type, MsgType::Update);
        let named: Vec<_> =
            alert.references.iter().map(|r| format!("{},{},{}", r.sender, r.identifier, r.sent)).collect();
        let expected: Vec<_> = sent.iter().map(|a| format!("{},{},{}", a.sender, a.identifier, a.sent)).collect();
        assert_eq!(named, expected);
        assert!(document.contains(&format!("<references>{}</references>", expected.join(" "))));
        let (_, _, pem) = room.get("/alerts/keys.pem").await;
        pleases_others(&document, &pem);
        sent.push(alert);
    }
}

#[tokio::test]
async fn what_is_not_real_says_so_in_its_message_too() {
    let room = Room::open(&[]).await;
    for (status, cap, mark) in
        [(AlertStatus::Exercise, Status::Exercise, "-EX"), (AlertStatus::Test, Status::Test, "-TS")]
    {
        let id = room.draft(AlertKind::Alert, status, None).await;
        let alert = lawful(&room.issue(id).await);
        assert_eq!(alert.status, cap);
        assert!(alert.identifier.ends_with(mark), "{}", alert.identifier);
        assert!(alert.note.unwrap().contains("Não há perigo real"));
    }
    let real = room.draft(AlertKind::Alert, AlertStatus::Actual, None).await;
    assert_eq!(lawful(&room.issue(real).await).note, None);
}

#[tokio::test]
async fn a_new_key_signs_at_once_and_what_the_old_one_signed_still_verifies() {
    let room = Room::open(&[]).await;
    let first = room.draft(AlertKind::Alert, AlertStatus::Actual, None).await;
    let old = room.issue(first).await;
    let name = room.rotate().await;
    let second = room.draft(AlertKind::Update, AlertStatus::Actual, Some(first)).await;
    let new = room.issue(second).await;
    assert!(new.contains(&format!("<KeyName>{name}</KeyName>")) && !old.contains(&name));
    let trusted = room.trusted().await;
    for document in [&old, &new] {
        assert!(matches!(verify(document, &trusted), Verification::Verified(_)));
    }
    let (status, media, body) = room.get("/alerts/keys").await;
    assert_eq!((status, media.as_str()), (StatusCode::OK, "application/json"));
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&body["signing"], &body["keys"][0]["name"]), (&Value::from(true), &Value::from(name.as_str())));
    assert!(body["keys"][0]["retired_at"].is_null() && body["keys"][1]["retired_at"].is_string());
    assert!(!body.to_string().contains("sealed") && !body.to_string().contains("PRIVATE"));
    let act: i64 = sqlx::query_scalar("select count(*) from audit_event where act = 'signing_key.add'")
        .fetch_one(&room.db.pool)
        .await
        .unwrap();
    assert_eq!(act, 2);
    let kept = sqlx::query("delete from signing_key").execute(&room.db.pool).await.unwrap_err().to_string();
    assert!(kept.contains("is kept as it is"), "{kept}");
}

#[tokio::test]
async fn a_key_that_leaked_signs_nothing_more_and_is_given_out_no_more() {
    let room = Room::open(&[]).await;
    let name = room.rotate().await;
    let first = room.draft(AlertKind::Alert, AlertStatus::Actual, None).await;
    let old = room.issue(first).await;
    let keys = &room.app.keys;
    let desk = Desk { config: &room.app.config, ids: &room.app.ids, keys };
    let revoke = async |name: &str| {
        let mut tx = room.app.db.web.begin().await.unwrap();
        let done = desk.revoke(&mut tx, room.app.clock.now(), &Actor::command(), name, "leaked").await;
        tx.commit().await.unwrap();
        done
    };
    let (revoked, next) = revoke(&name).await.unwrap();
    assert!(revoked.name == name && revoked.revoked_at.is_some() && revoked.retired_at.is_some());
    let next = next.expect("the one that signed has a successor").name;
    assert!(revoke(&name).await.unwrap_err().to_string().contains("revoked already"));
    assert!(revoke("nobody").await.unwrap_err().to_string().contains("no signing key"));

    let second = room.draft(AlertKind::Update, AlertStatus::Actual, Some(first)).await;
    let new = room.issue(second).await;
    assert!(new.contains(&format!("<KeyName>{next}</KeyName>")));
    let (_, _, pem) = room.get("/alerts/keys.pem").await;
    let mut trusted = Trusted::default();
    trusted.add_pem("town", &pem).unwrap();
    assert!(matches!(verify(&new, &trusted), Verification::Verified(_)));
    assert!(!matches!(verify(&old, &trusted), Verification::Verified(_)), "what the leaked key signed is not trusted");
    let listed: Value = serde_json::from_str(&room.get("/alerts/keys").await.2).unwrap();
    let told: Vec<_> =
        listed["keys"].as_array().unwrap().iter().map(|key| key["revoked_why"].as_str().unwrap()).collect();
    assert_eq!(told, ["", "leaked"]);
    let act = "select count(*) from audit_event where act = 'signing_key.revoke' and object = $1";
    let written: i64 = sqlx::query_scalar(act).bind(&name).fetch_one(&room.db.pool).await.unwrap();
    assert_eq!(written, 1);
    let back = sqlx::query("update signing_key set revoked_at = null, revoked_by = '' where revoked_at is not null");
    assert!(back.execute(&room.db.pool).await.unwrap_err().to_string().contains("is kept as it is"));
}

#[tokio::test]
async fn an_alert_that_cannot_be_signed_does_not_leave_and_nothing_is_written() {
    let room = Room::open(&[]).await;
    room.rotate().await;
    room.run(
        "update signing_key set sealed = sealed || '\\x00'::bytea where $1::uuid is not null",
        AlertId(uuid::Uuid::nil()),
    )
    .await;
    let id = room.draft(AlertKind::Alert, AlertStatus::Actual, None).await;
    let Err(AlertError::Incomplete(lines)) = room.try_issue(id).await else { panic!("it left") };
    let told = lines.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    assert!(told.starts_with("alert/Signature: the message cannot be signed: the signing key"), "{told}");
    assert!(told.contains("changed since it was sealed"), "{told}");
    // The page for review says the same.
    let mut tx = room.app.db.web.begin().await.unwrap();
    let preview = Issuer::of(&room.app).preview(&mut tx, room.app.clock.now(), "coordenadora", id).await;
    assert!(matches!(preview, Err(AlertError::Incomplete(same)) if same == lines));
    drop(tx);
    let (state, number, written): (String, Option<String>, Option<String>) =
        sqlx::query_as("select state, number, cap_xml from alert where id = $1")
            .bind(id.0)
            .fetch_one(&room.db.pool)
            .await
            .unwrap();
    assert_eq!((state.as_str(), number, written), ("draft", None, None));
    for table in ["outbox", "incident"] {
        let rows: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select count(*) from {table}")))
            .fetch_one(&room.db.pool)
            .await
            .unwrap();
        assert_eq!(rows, 0, "{table}");
    }
    // A new key mends it.
    room.rotate().await;
    assert!(room.issue(id).await.contains("<SignatureValue>"));
}

#[tokio::test]
async fn signing_can_be_switched_off() {
    let room = Room::open(&[("SENTINELA__SIGNING__ENABLED", "false")]).await;
    let id = room.draft(AlertKind::Alert, AlertStatus::Actual, None).await;
    let document = room.issue(id).await;
    assert_eq!(verify(&document, &Trusted::default()), Verification::Unsigned);
    let (_, _, body) = room.get("/alerts/keys").await;
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), serde_json::json!({ "signing": false, "keys": [] }));
}

#[tokio::test]
async fn identifiers_never_meet_also_within_one_second_and_two_installations() {
    let mut seen = std::collections::BTreeSet::new();
    for seed in [1, 2] {
        let room = Room::open(&[]).await;
        // Two installations of one town differ in what chance gives them.
        let ids = sentinela::ids::Ids::seeded(seed);
        for _ in 0..5 {
            let id = room.draft(AlertKind::Alert, AlertStatus::Actual, None).await;
            let mut tx = room.app.db.web.begin().await.unwrap();
            let issuer = Issuer { config: &room.app.config, ids: &ids, keys: &room.app.keys };
            let issued = issuer.issue(&mut tx, room.app.clock.now(), "coordenadora", id, 1).await.unwrap();
            tx.commit().await.unwrap();
            assert!(seen.insert(issued.cap_identifier.clone()), "{} twice", issued.cap_identifier);
        }
    }
    assert_eq!(seen.len(), 10);
}

#[tokio::test]
async fn keys_are_made_listed_and_exported_from_the_command_line() {
    let (db, folder) = (support::db().await, Folder::new());
    let run = async |arguments: &[&str]| {
        let mut command = support::sentinela();
        command.args(arguments).env("SENTINELA__DATABASE__URL", &db.url).env("SENTINELA__DATA_DIR", folder.path());
        let output = support::soon("the command", command.output()).await.unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(run(&["key", "list"]).await.contains("There is no key yet"));
    let made = run(&["key", "new-signing"]).await;
    let name = made.split(' ').next().unwrap();
    assert!(name.starts_with("defesacivil@example.org#") && made.contains("SHA-256 of its certificate: "), "{made}");
    run(&["key", "new-signing"]).await;
    let listed = run(&["key", "list"]).await;
    assert_eq!(listed.matches(" signs ").count(), 1, "{listed}");
    assert!(listed.contains(name) && listed.contains("until "), "{listed}");
    let exported = run(&["key", "export"]).await;
    assert_eq!(exported.matches("-----BEGIN CERTIFICATE-----").count(), 2);
    Trusted::default().add_pem("town", &exported).unwrap();
    // The older one is revoked: it is listed as that, and given out no more.
    let revoked = run(&["key", "revoke", name, "--reason", "cópia perdida"]).await;
    assert!(revoked.contains(&format!("{name} is revoked")) && !revoked.contains("signs from now on"), "{revoked}");
    assert!(run(&["key", "list"]).await.contains("revoked 20"));
    assert_eq!(run(&["key", "export"]).await.matches("-----BEGIN CERTIFICATE-----").count(), 1);
}
