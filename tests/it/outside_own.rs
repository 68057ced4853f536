//! Alerts of our own from warnings of others: never issued by themselves, never more real than what they are based on, and told
//! when that changes; and signatures that a source has to bear.

use axum::http::{Method, StatusCode};
use sentinela::accounts::Role;
use sentinela::feeds::warnings::shown::{Stage, Wish};
use serde_json::{Value, json};

use crate::outside_import::{Answer, Person, form, page, person, send, town};
use crate::outside_warnings::{JUIZ_DE_FORA, Provider, Town, atom, flood, idap};

async fn post(town: &Town, who: &Person, path: &str, body: Value) -> Answer {
    send(town, who, Method::POST, path, "application/json", body.to_string()).await
}

async fn keep(town: &Town, who: &Person, message: &str) -> i64 {
    let kept = send(town, who, Method::POST, "/api/v1/warnings", "application/xml", message.to_owned()).await;
    kept.json()["messages"][0]["id"].as_i64().unwrap_or_else(|| panic!("{}", kept.text))
}

/// Status, level, hazard, attribution, description and events of an alert.
async fn alert(town: &Town, id: &str) -> (String, String, String, String, String, Vec<String>) {
    let id: uuid::Uuid = id.parse().unwrap();
    let (status, level, cobrade, attribution, description): (String, String, String, Option<String>, String) =
        sqlx::query_as("select status, level, cobrade, attribution, description from alert where id = $1")
            .bind(id)
            .fetch_one(&town.db.pool)
            .await
            .unwrap();
    let events = sqlx::query_scalar("select action from alert_event where alert_id = $1 order by id").bind(id);
    let events = events.fetch_all(&town.db.pool).await.unwrap();
    (status, level, cobrade, attribution.unwrap_or_default(), description, events)
}

#[tokio::test]
async fn one_button_makes_a_draft_that_says_on_what_it_is_based_and_a_second_click_makes_no_other() {
    let (_, address) = Provider::open().await;
    let town = town(&address).await;
    let chief = person(&town, Role::Coordinator).await;
    let warning = keep(&town, &chief, &idap("MG-1", 9, "Alert", "")).await;
    let proposed = page(&town, &chief, &format!("/console/warnings/{warning}")).await.text;
    for text in [
        "Com base no aviso de Defesa Civil do Estado nº MG-1, de 19/09/2026 às 09:00.",
        "O evento “Chuvas Intensas” diz “chuvas intensas”.",
        "<option value=\"1.3.2.1.4\" selected>",
        "<option value=\"alert\" selected>",
        "Emitir alerta próprio a partir deste",
    ] {
        assert!(proposed.contains(text), "{text}: {proposed}");
    }
    let area: i64 = sqlx::query_scalar("select id from risk_area").fetch_one(&town.db.pool).await.unwrap();
    let fields = [("cobrade", "1.3.2.1.4"), ("level", "attention"), ("area", &area.to_string())];
    let path = format!("/console/warnings/{warning}/draft");
    let made = form(&town, &chief, &path, &fields).await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.text);
    assert_eq!(form(&town, &chief, &path, &fields).await.location, made.location, "a double click");
    let id = made.location.rsplit_once('/').unwrap().1.to_owned();
    let (status, level, cobrade, attribution, description, events) = alert(&town, &id).await;
    assert_eq!((status.as_str(), level.as_str(), cobrade.as_str()), ("actual", "attention", "1.3.2.1.4"));
    assert_eq!(attribution, "Com base no aviso de Defesa Civil do Estado nº MG-1, de 19/09/2026 às 09:00.");
    assert!(description.ends_with(&attribution), "{description}");
    assert_eq!(events, ["drafted", "based on warning"]);
    let (state, expires): (String, chrono::DateTime<chrono::Utc>) =
        sqlx::query_as("select state, expires_at from alert").fetch_one(&town.db.pool).await.unwrap();
    assert_eq!(
        (state.as_str(), expires.to_rfc3339().as_str()),
        ("draft", "2026-09-20T15:00:00+00:00"),
        "the warning's own end"
    );
    let shown = page(&town, &chief, &made.location).await.text;
    assert!(shown.contains("Com base no aviso de Defesa Civil do Estado") && shown.contains("20/09"), "{shown}");
    // What it is based on stays said, whatever somebody writes over the text.
    let erased = sqlx::query("update alert set attribution = null").execute(&town.db.pool).await;
    assert!(erased.unwrap_err().to_string().contains("cannot be taken back"));
}

#[tokio::test]
async fn programs_draft_from_a_warning_too_and_what_is_missing_is_asked_for() {
    let (_, address) = Provider::open().await;
    let town = town(&address).await;
    let chief = person(&town, Role::Coordinator).await;
    let warning = keep(&town, &chief, &idap("MG-1", 9, "Alert", "")).await;
    let path = format!("/api/v1/warnings/{warning}/draft");
    let made = post(&town, &chief, &path, json!({})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let again = post(&town, &chief, &path, json!({ "level": "maximum" })).await;
    assert_eq!((again.status, again.json()["id"].clone()), (StatusCode::OK, made.json()["id"].clone()));
    let (_, level, ..) = alert(&town, made.json()["id"].as_str().unwrap()).await;
    assert_eq!(level, "alert", "as the warning's severity says");

    let strange = keep(
        &town,
        &chief,
        &idap("MG-2", 9, "Alert", "").replace("Chuvas Intensas", "Aviso").replace("Chuva forte", "Atenção"),
    )
    .await;
    let path = format!("/api/v1/warnings/{strange}/draft");
    let refused = post(&town, &chief, &path, json!({})).await;
    assert!(refused.status == StatusCode::CONFLICT && refused.text.contains("choose one"), "{}", refused.text);
    assert_eq!(post(&town, &chief, &path, json!({ "cobrade": "1.1.3.2.1" })).await.status, StatusCode::CREATED);
    let far = keep(&town, &chief, &idap("MG-3", 9, "Alert", "").replace("-21.7,-43.3 25", "-10,-43.3 25")).await;
    let path = format!("/api/v1/warnings/{far}/draft");
    let refused = post(&town, &chief, &path, json!({})).await;
    assert!(refused.status == StatusCode::CONFLICT && refused.text.contains("choose the areas"), "{}", refused.text);
    for (body, field) in [(json!({ "areas": ["nowhere"] }), "areas[0]"), (json!({ "level": "normal" }), "level")] {
        let refused = post(&town, &chief, &path, body).await;
        assert!(refused.status == StatusCode::BAD_REQUEST && refused.text.contains(field), "{}", refused.text);
    }
    assert_eq!(post(&town, &chief, &path, json!({ "areas": ["perto"] })).await.status, StatusCode::CREATED);
    assert_eq!(post(&town, &chief, "/api/v1/warnings/999999/draft", json!({})).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_exercise_of_others_never_becomes_a_real_alert_of_ours() {
    let (_, address) = Provider::open().await;
    let town = town(&address).await;
    let chief = person(&town, Role::Coordinator).await;
    for (status, ours) in [("Exercise", "exercise"), ("Test", "test")] {
        let message =
            idap(&format!("MG-{status}"), 9, "Alert", "").replace("<status>Actual", &format!("<status>{status}"));
        let warning = keep(&town, &chief, &message).await;
        let made = post(&town, &chief, &format!("/api/v1/warnings/{warning}/draft"), json!({})).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        let id = made.json()["id"].as_str().unwrap().to_owned();
        let (is, _, _, _, description, _) = alert(&town, &id).await;
        assert_eq!(is, ours);
        assert!(
            description.to_uppercase().starts_with("EXERC") || description.to_uppercase().starts_with("TESTE"),
            "{description}"
        );
        // Neither an edit nor another program makes it real.
        let id: uuid::Uuid = id.parse().unwrap();
        let edited =
            sqlx::query("update alert set status = 'actual' where id = $1").bind(id).execute(&town.db.pool).await;
        assert!(edited.is_err());
        let forged = "insert into alert select (jsonb_populate_record(a, jsonb_build_object('id', gen_random_uuid(), 'status', 'actual'))).*
                      from alert a where id = $1";
        let forged = sqlx::query(forged).bind(id).execute(&town.db.pool).await;
        assert!(forged.unwrap_err().to_string().contains("no actual alert is made from it"));
    }
    for status in ["System", "Draft"] {
        let message =
            idap(&format!("MG-{status}"), 9, "Alert", "").replace("<status>Actual", &format!("<status>{status}"));
        let warning = keep(&town, &chief, &message).await;
        let made = post(&town, &chief, &format!("/api/v1/warnings/{warning}/draft"), json!({})).await;
        assert_eq!(made.status, StatusCode::CONFLICT, "{status}: {}", made.text);
    }
}

#[tokio::test]
async fn no_alert_is_made_from_what_was_replaced_cancelled_or_has_ended() {
    let (_, address) = Provider::open().await;
    let town = town(&address).await;
    let chief = person(&town, Role::Coordinator).await;
    let first = keep(&town, &chief, &idap("MG-1", 9, "Alert", "")).await;
    let cancel = keep(&town, &chief, &idap("MG-2", 10, "Cancel", "")).await;
    let over = keep(
        &town,
        &chief,
        &idap("MG-3", 9, "Alert", "")
            .replace("2026-09-20T12:00:00", "2026-09-19T11:00:00")
            .replace("Chuvas Intensas", "Vendaval"),
    )
    .await;
    for (warning, why) in [(first, "replaced"), (cancel, "cancels"), (over, "ended")] {
        let refused = post(&town, &chief, &format!("/api/v1/warnings/{warning}/draft"), json!({})).await;
        assert!(refused.status == StatusCode::CONFLICT && refused.text.contains(why), "{why}: {}", refused.text);
        let shown = page(&town, &chief, &format!("/console/warnings/{warning}")).await.text;
        assert!(!shown.contains("Emitir alerta próprio a partir deste"), "{why}");
    }
}

#[tokio::test]
async fn when_the_warning_changes_the_alerts_history_and_the_console_say_so_until_somebody_has_looked() {
    let (provider, address) = Provider::open().await;
    let mut town = town(&address).await;
    let chief = person(&town, Role::Coordinator).await;
    provider.put("/feed", atom(&[idap("MG-1", 9, "Alert", "")]));
    town.ask().await;
    let warning = town.all().await[0].id;
    let made = post(&town, &chief, &format!("/api/v1/warnings/{warning}/draft"), json!({})).await;
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let title = "Mudou o aviso em que o alerta se baseia";
    assert!(!page(&town, &chief, "/console").await.text.contains(title));

    provider.put("/feed", atom(&[idap("MG-2", 10, "Update", "")]));
    town.ask_later(10).await;
    provider.put("/feed", atom(&[idap("MG-3", 11, "Cancel", "")]));
    town.ask_later(10).await;
    let (.., events) = alert(&town, &id).await;
    assert_eq!(events, ["drafted", "based on warning", "basis updated", "basis cancelled"], "the whole chain is told");
    let console = page(&town, &chief, "/console").await.text;
    assert!(console.contains(title) && console.contains("Defesa Civil do Estado cancelou o aviso."), "{console}");
    // The same round again tells nothing twice.
    town.ask_later(10).await;
    assert_eq!(alert(&town, &id).await.5.len(), 4);

    let cancel = town.all().await[2].id;
    let seen = form(&town, &chief, &format!("/console/warnings/{cancel}/seen"), &[("alert", &id)]).await;
    assert_eq!(seen.location, format!("/console/alerts/{id}"), "{}", seen.text);
    assert!(!page(&town, &chief, "/console").await.text.contains(title));
    assert_eq!(alert(&town, &id).await.5.last().unwrap(), "basis seen");
}

/// The feed of `town`, which has to sign.
fn strict_feed(address: &str, certificate: &str) -> String {
    format!(
        "name='avisos'\nkind='cap'\nurl='{address}/feed'\nrequire_signature=true\ncertificates=['''{certificate}''']"
    )
}

#[tokio::test]
async fn what_its_source_should_have_signed_lies_in_quarantine_is_shown_and_acted_upon_by_nobody() {
    let (provider, address) = Provider::open().await;
    let made = rcgen::generate_simple_self_signed(vec!["orgao.gov.br".to_owned()]).unwrap();
    let feed = strict_feed(&address, &made.cert.pem());
    let mut town = Town::new(JUIZ_DE_FORA, "2026-09-19T15:00:00Z", &feed).await;
    town.area("perto", -21.76, -43.35).await;
    let chief = person(&town, Role::Coordinator).await;
    let forged = idap("MG-2", 10, "Alert", "")
        .replace("</alert>", "<Signature xmlns='http://www.w3.org/2000/09/xmldsig#'><SignedInfo/></Signature></alert>");
    provider.put("/feed", atom(&[idap("MG-1", 9, "Alert", ""), forged, idap("MG-3", 11, "Cancel", "")]));
    let told = town.ask().await;
    assert_eq!((told.warnings, told.warnings_for_us), (3, 0));
    let all = town.all().await;
    assert!(all.iter().all(|one| one.quarantined && one.stage(town.now()) == Stage::Quarantined));
    assert!(all.iter().all(|one| one.superseded_by.is_none()), "not even among themselves do they end anything");
    assert_eq!((all[0].signature.as_str(), all[1].signature.as_str()), ("unsigned", "invalid"));
    assert!(!all[1].signature_why.is_empty());

    let console = page(&town, &chief, "/console/warnings").await.text;
    assert!(console.contains("Em quarentena") && console.contains("assinatura recusada"), "{console}");
    let nobody = Person { cookie: String::new(), csrf: String::new() };
    assert!(!page(&town, &nobody, "/").await.text.contains("Chuvas Intensas"));
    assert_eq!(page(&town, &nobody, "/api/v1/warnings?past=true").await.text, "[]");
    let tile = page(&town, &nobody, "/tiles/warnings/4/6/8").await.text;
    assert!(!tile.contains("Chuvas"), "{tile}");
    let shown = page(&town, &chief, &format!("/console/warnings/{}", all[1].id)).await.text;
    assert!(
        shown.contains("Conferir a assinatura de novo") && !shown.contains("Emitir alerta próprio a partir deste"),
        "{shown}"
    );
    let refused = post(&town, &chief, &format!("/api/v1/warnings/{}/draft", all[0].id), json!({})).await;
    assert!(refused.status == StatusCode::CONFLICT && refused.text.contains("quarantine"), "{}", refused.text);
    // Looked at again it is as before, and that somebody looked is written down.
    let again = form(&town, &chief, &format!("/console/warnings/{}/verify", all[0].id), &[]).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER, "{}", again.text);
    assert!(town.all().await[0].quarantined);
    let brought = send(
        &town,
        &chief,
        Method::POST,
        "/api/v1/warnings?source=avisos",
        "application/xml",
        idap("MG-9", 9, "Alert", ""),
    )
    .await;
    assert_eq!(brought.json()["messages"][0]["quarantined"], true, "nor is there a way round by hand");

    // Nor where the source need not sign any more, or is not there any more.
    let mut tx = town.db.pool.begin().await.unwrap();
    let lax = sentinela::feeds::warnings::trust::Trust::default();
    let again =
        sentinela::feeds::warnings::take::verify_again(&mut tx, town.now(), JUIZ_DE_FORA, &lax, all[0].id).await;
    assert!(again.unwrap().unwrap().is_quarantined);
    tx.commit().await.unwrap();
    sqlx::query("update outside_warning set source = 'antiga'").execute(&town.db.pool).await.unwrap();
    let here = format!("/console/warnings/{}", all[0].id);
    let again = form(&town, &chief, &format!("{here}/verify"), &[]).await;
    assert_eq!(again.status, StatusCode::CONFLICT, "{}", again.text);
    assert!(town.all().await.iter().all(|one| one.quarantined));
    let shown = page(&town, &chief, &here).await.text;
    assert!(
        shown.contains("não está mais na configuração") && !shown.contains("Conferir a assinatura de novo"),
        "{shown}"
    );
}

#[tokio::test]
async fn what_anybody_forges_keeps_out_nothing_that_is_signed_and_hides_it_neither() {
    let (provider, address) = Provider::open().await;
    let state = Signer::new("Defesa Civil do Estado");
    let mut town = Town::new(JUIZ_DE_FORA, "2026-09-19T15:00:00Z", &strict_feed(&address, &state.pem)).await;
    town.area("perto", -21.76, -43.35).await;
    provider.put("/feed", atom(&[idap("MG-1", 9, "Alert", "")]));
    town.ask().await;
    flood(&town, 1999).await;
    provider.put("/feed", atom(&[state.sign(&idap("MG-2", 9, "Alert", "")), idap("MG-3", 9, "Alert", "")]));
    town.ask_later(10).await;
    assert_eq!(town.open().await, ["MG-2"]);
    // A copy that nobody signed, though it says that it is later and worse, does not take its place.
    let chief = person(&town, Role::Coordinator).await;
    keep(&town, &chief, &idap("MG-2", 11, "Alert", "").replace("Severe", "Extreme")).await;
    let open = town.list(Wish { open: true, ..Wish::default() }).await;
    assert_eq!(open.iter().map(|one| one.signature.as_str()).collect::<Vec<_>>(), ["valid"]);
}

/// Somebody who signs: a key with its certificate.
struct Signer {
    key: sentinela::alerts::cap::signature::Key,
    pem: String,
}

impl Signer {
    fn new(name: &str) -> Self {
        let pair = rcgen::KeyPair::generate().unwrap();
        let mut parameters = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap();
        parameters.distinguished_name.push(rcgen::DnType::CommonName, name);
        let certificate = parameters.self_signed(&pair).unwrap();
        let key = sentinela::alerts::cap::signature::Key::open(name, &pair.serialize_der(), certificate.der()).unwrap();
        Self { key, pem: certificate.pem() }
    }

    fn sign(&self, message: &str) -> String {
        let signed = sentinela::alerts::cap::signature::sign(message, &self.key).unwrap();
        signed.split_once("?>").map_or(signed.clone(), |(_, body)| body.trim_start().to_owned())
    }
}

#[tokio::test]
async fn what_the_source_signed_counts_and_what_was_changed_or_signed_by_a_stranger_does_not() {
    let (provider, address) = Provider::open().await;
    let (state, stranger) = (Signer::new("Defesa Civil do Estado"), Signer::new("Qualquer um"));
    let mut town = Town::new(JUIZ_DE_FORA, "2026-09-19T15:00:00Z", &strict_feed(&address, &state.pem)).await;
    town.area("perto", -21.76, -43.35).await;
    let chief = person(&town, Role::Coordinator).await;
    let good = state.sign(&idap("MG-1", 9, "Alert", ""));
    let changed = state.sign(&idap("MG-2", 10, "Alert", "")).replace("Chuva forte", "Chuva fraca");
    let strange = stranger.sign(&idap("MG-3", 11, "Alert", ""));
    provider.put("/feed", atom(&[good, changed, strange]));
    town.ask().await;
    let all = town.all().await;
    let told: Vec<(&str, bool)> = all.iter().map(|one| (one.signature.as_str(), one.quarantined)).collect();
    assert_eq!(told, [("valid", false), ("invalid", true), ("unknown", true)], "{all:?}");
    assert_eq!(all[0].signed_by, "Defesa Civil do Estado");
    assert!(all[1].signature_why.contains("changed since it was signed"), "{}", all[1].signature_why);
    assert_eq!(all[2].signed_by, "Qualquer um");
    assert_eq!(town.open().await, ["MG-1"]);
    let shown = page(&town, &chief, &format!("/console/warnings/{}", all[0].id)).await.text;
    assert!(shown.contains("assinatura conferida") && shown.contains("por Defesa Civil do Estado"), "{shown}");
    let public = page(&town, &chief, "/api/v1/warnings").await.json();
    assert_eq!((public.as_array().unwrap().len(), &public[0]["signature"]), (1, &"valid".into()));

    // The town comes to trust the stranger: looked at again it is let out, and counts from then on.
    let both = format!("{}\n{}", state.pem, stranger.pem);
    let feed: sentinela::feeds::Feed = toml::from_str(&strict_feed(&address, &both)).unwrap();
    let trust = sentinela::feeds::warnings::trust::Trust::of(&feed);
    let mut tx = town.db.pool.begin().await.unwrap();
    let again = sentinela::feeds::warnings::take::verify_again(&mut tx, town.now(), JUIZ_DE_FORA, &trust, all[2].id);
    assert!(!again.await.unwrap().unwrap().is_quarantined);
    tx.commit().await.unwrap();
    assert_eq!(town.open().await, ["MG-1", "MG-3"]);
    assert_eq!(town.all().await[2].areas, ["perto"]);
}

#[tokio::test]
async fn what_an_alert_is_based_on_stands_in_its_message() {
    let (_, address) = Provider::open().await;
    let town = town(&address).await;
    let chief = person(&town, Role::Coordinator).await;
    let warning = keep(&town, &chief, &idap("MG-1", 9, "Alert", "")).await;
    let made = post(&town, &chief, &format!("/api/v1/warnings/{warning}/draft"), json!({})).await.json();
    let (id, revision) = (made["id"].as_str().unwrap(), &made["revision"]);
    let issued = post(&town, &chief, &format!("/api/v1/alerts/{id}/issue"), json!({ "revision": revision })).await;
    assert_eq!(issued.status, StatusCode::OK, "{}", issued.text);
    let identifier = issued.json()["cap_identifier"].as_str().unwrap().to_owned();
    let message = page(&town, &chief, &format!("/alerts/{identifier}.xml")).await.text;
    for text in [
        "<valueName>basedOn</valueName>",
        "Com base no aviso de Defesa Civil do Estado nº MG-1",
        "idap@mdr.gov.br,MG-1",
    ] {
        assert!(message.contains(text), "{text}: {message}");
    }
}

/// Description of an alert in each language.
async fn descriptions(town: &Town, id: &str) -> Vec<String> {
    let id: uuid::Uuid = id.parse().unwrap();
    let sql = "select description from (select 'a' as language, description from alert where id = $1
               union all select language, description from alert_text where alert_id = $1) as said order by language";
    sqlx::query_scalar(sql).bind(id).fetch_all(&town.db.pool).await.unwrap()
}

#[tokio::test]
async fn what_answers_an_alert_is_based_on_the_same_warning_in_every_language() {
    let (provider, address) = Provider::open().await;
    let mut town = town(&address).await;
    let chief = person(&town, Role::Coordinator).await;
    provider.put("/feed", atom(&[idap("MG-1", 9, "Alert", "")]));
    town.ask().await;
    let warning = town.all().await[0].id;
    let made = post(&town, &chief, &format!("/api/v1/warnings/{warning}/draft"), json!({})).await.json();
    let (id, revision) = (made["id"].as_str().unwrap().to_owned(), &made["revision"]);
    let lines = [
        "Com base no aviso de Defesa Civil do Estado nº MG-1, de 19/09/2026 às 09:00.",
        "Based on warning no. MG-1 of Defesa Civil do Estado, sent at 09:00 on 19 September.",
        "Con base en el aviso n.º MG-1 de Defesa Civil do Estado, del 09:00 del 19/09.",
    ];
    let all_say_so = async |id: &str| {
        for (description, line) in descriptions(&town, id).await.iter().zip(lines) {
            assert!(description.ends_with(line), "{line}: {description}");
        }
    };
    all_say_so(&id).await;
    let issued = post(&town, &chief, &format!("/api/v1/alerts/{id}/issue"), json!({ "revision": revision })).await;
    let identifier = issued.json()["cap_identifier"].as_str().unwrap().to_owned();
    for (language, line) in [("pt-BR", lines[0]), ("en", lines[1])] {
        for view in ["", "&print"] {
            let shown = page(&town, &chief, &format!("/alerts/{identifier}?lang={language}{view}")).await.text;
            assert!(shown.contains(line), "{line}: {shown}");
            assert!(!shown.contains("decisão própria") && !shown.contains("own decision"), "{shown}");
        }
    }
    let answer = post(&town, &chief, &format!("/api/v1/alerts/{id}/update"), json!({})).await.json();
    let (update, revision) = (answer["id"].as_str().unwrap().to_owned(), &answer["revision"]);
    let shown = page(&town, &chief, &format!("/api/v1/alerts/{update}")).await.json();
    assert_eq!(shown["attribution"], lines[0]);
    all_say_so(&update).await;
    for language in ["pt-BR", "en"] {
        let revision = page(&town, &chief, &format!("/api/v1/alerts/{update}")).await.json()["revision"].clone();
        let anew = format!("/api/v1/alerts/{update}/texts/{language}/regenerate");
        let anew = post(&town, &chief, &anew, json!({ "revision": revision })).await;
        assert_eq!(anew.status, StatusCode::OK, "{}", anew.text);
    }
    all_say_so(&update).await;
    assert!(revision.is_i64());
    // A later message of the same source reaches the answer's history too.
    provider.put("/feed", atom(&[idap("MG-2", 10, "Update", "")]));
    town.ask_later(10).await;
    assert_eq!(alert(&town, &update).await.5.last().unwrap(), "basis updated");
    // And a draft that answers is no draft made from the warning.
    let again = post(&town, &chief, &format!("/api/v1/warnings/{}/draft", town.all().await[1].id), json!({})).await;
    assert_ne!(again.json()["id"].as_str(), Some(update.as_str()), "{}", again.text);
}

#[test]
fn a_source_that_has_to_sign_needs_certificates_that_can_be_read() {
    let table = |kind: &str, more: &str| {
        toml::from_str::<sentinela::feeds::Feed>(&format!("name='a'\nkind='{kind}'\nurl='https://a.test'\n{more}"))
    };
    let feed = |more: &str| table("cap", more);
    assert_eq!(feed("").unwrap().problem(), None);
    assert!(feed("require_signature=true").unwrap().problem().unwrap().contains("certificates"));
    assert!(feed("certificates=['/nowhere/a.pem']").unwrap_err().to_string().contains("/nowhere/a.pem"));
    assert!(feed("certificates=['-----BEGIN CERTIFICATE-----']").is_err());
    let certificates = format!("certificates=['''{}''']", Signer::new("a").pem);
    assert_eq!(feed(&format!("require_signature=true\n{certificates}")).unwrap().problem(), None);
    assert!(table("inmet_warnings", &certificates).unwrap().problem().unwrap().contains("cap"));
}

#[tokio::test]
async fn inmets_warning_is_named_by_its_number_and_its_colour_gives_the_level() {
    const LIST: &str = include_str!("../data/feeds/inmet_avisos_ativos_part.json");
    let (provider, address) = Provider::open().await;
    let ours = format!("\"geocodes\": \"4202404,{JUIZ_DE_FORA}\", \"id_sequencia\"");
    provider.put("/ativos", LIST.replacen("\"id_sequencia\"", &ours, 1));
    let table = format!("name='inmet'\nkind='inmet_warnings'\nurl='{address}/ativos'");
    let mut town = Town::new(JUIZ_DE_FORA, "2026-09-19T13:00:00Z", &table).await;
    town.area("morro", -21.76, -43.35).await;
    town.area("vale", -21.70, -43.35).await;
    town.ask().await;
    let chief = person(&town, Role::Coordinator).await;
    let warning = town.all().await[0].id;
    let shown = page(&town, &chief, &format!("/console/warnings/{warning}")).await.text;
    for text in
        ["2 áreas sob o aviso", "Pelo grau “Perigo Potencial” do órgão", "O evento “Tempestade” diz “tempestade”."]
    {
        assert!(shown.contains(text), "{text}: {shown}");
    }
    let made = post(&town, &chief, &format!("/api/v1/warnings/{warning}/draft"), json!({})).await;
    let (_, level, cobrade, attribution, ..) = alert(&town, made.json()["id"].as_str().unwrap()).await;
    assert_eq!((level.as_str(), cobrade.as_str()), ("attention", "1.3.2.1.4"));
    assert_eq!(attribution, "Com base no aviso do INMET nº 28277/2026, de 16/09/2026 às 00:00.");
}
