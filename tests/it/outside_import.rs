//! CAP that people bring: by file, address, text, API and command; looked at before it is kept.

use std::collections::BTreeSet;
use std::path::PathBuf;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use sentinela::accounts::tokens::desk::Acting;
use sentinela::accounts::{Role, store as accounts};
use sentinela::audit::Actor;
use sentinela::feeds::warnings::import::{Given, ImportError, Outcome, What, bring};
use sentinela::feeds::warnings::shown::{Stage, Wish};
use sentinela::feeds::warnings::{BY_HAND, Way};
use serde_json::Value;
use tower::ServiceExt as _;

use crate::outside_warnings::{JUIZ_DE_FORA, Provider, Town, atom, feed, idap};
use crate::support;

/// Somebody who is signed in.
pub struct Person {
    pub cookie: String,
    pub csrf: String,
}

pub struct Answer {
    pub status: StatusCode,
    pub location: String,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
}

pub async fn person(town: &Town, role: Role) -> Person {
    let mut conn = town.db.pool.acquire().await.unwrap();
    let (now, roles) = (town.now(), role.into());
    let (ids, name) = (&town.app.ids, role.as_str());
    let id = accounts::upsert_member(&mut conn, ids, now, name, "Ana", &roles, "x").await.unwrap();
    let (cookie, csrf) = support::session_of(&town.app, id).await;
    Person { cookie, csrf }
}

pub async fn send(town: &Town, who: &Person, method: Method, path: &str, kind: &str, body: impl Into<Body>) -> Answer {
    let request = Request::builder().method(method).uri(path).header(header::COOKIE, &who.cookie);
    let request =
        request.header("csrf", &who.csrf).header(header::CONTENT_TYPE, kind).header(header::ACCEPT, "text/html");
    let router = sentinela::web::router::router(town.app.clone());
    let response = support::soon(path, router.oneshot(request.body(body.into()).unwrap())).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, 16 << 20).await.unwrap();
    let location = parts.headers.get(header::LOCATION).map(|value| value.to_str().unwrap().to_owned());
    Answer {
        status: parts.status,
        location: location.unwrap_or_default(),
        text: String::from_utf8_lossy(&body).into_owned(),
    }
}

pub async fn page(town: &Town, who: &Person, path: &str) -> Answer {
    send(town, who, Method::GET, path, "text/html", Body::empty()).await
}

pub async fn form(town: &Town, who: &Person, path: &str, fields: &[(&str, &str)]) -> Answer {
    let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    send(town, who, Method::POST, path, "application/x-www-form-urlencoded", form).await
}

/// A form with files, as the page sends it.
async fn upload(town: &Town, who: &Person, fields: &[(&str, &str, &str)]) -> Answer {
    let mut body = String::new();
    for (name, file, content) in fields {
        let file = if file.is_empty() { String::new() } else { format!("; filename=\"{file}\"") };
        body.push_str(&format!("--xx\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{content}\r\n"));
    }
    body.push_str("--xx--\r\n");
    send(town, who, Method::POST, "/console/warning-imports", "multipart/form-data; boundary=xx", body).await
}

async fn api(town: &Town, who: &Person, query: &str, kind: &str, body: &str) -> Answer {
    send(town, who, Method::POST, &format!("/api/v1/warnings{query}"), kind, body.to_owned()).await
}

/// A town at noon of 19 September 2026 with one area under the messages of `idap`.
pub async fn town(address: &str) -> Town {
    let town = Town::new(JUIZ_DE_FORA, "2026-09-19T15:00:00Z", &feed(address)).await;
    town.area("perto", -21.76, -43.35).await;
    town
}

async fn given(town: &Town, body: &[u8], dry_run: bool) -> Result<Outcome, ImportError> {
    let mut conn = town.db.pool.acquire().await.unwrap();
    let actor = Actor::command();
    let by = Acting { ids: &town.app.ids, now: town.now(), actor: &actor };
    let given = Given { body, way: Way::File, name: "aviso.xml", source: BY_HAND };
    bring(&mut conn, &town.app.config, by, given, dry_run).await
}

/// Messages kept, problems told, links that lead elsewhere, and how the messages are signed in the eyes of somebody who trusts
/// nobody yet; or the words of the refusal.
type Told<T> = Result<(usize, usize, usize, T), T>;

/// Every real file, with what becomes of it.
const REAL: &[(&str, Told<&str>)] = &[
    ("431022.cap", Ok((1, 0, 0, "unsigned"))),
    ("454888.cap", Ok((1, 0, 0, "unsigned"))),
    ("CanadaNaad.xml", Ok((1, 0, 0, "unknown"))),
    ("Fiji_Water_Shortage_Suva.xml", Ok((1, 0, 0, "unsigned"))),
    ("Homeland_Sec_Adv.xml", Ok((1, 0, 0, "unsigned"))),
    ("Maldives-Tsunami-MultiLanguage.xml", Ok((1, 0, 0, "unsigned"))),
    ("Myanmar-Flood-MultiLanguage.xml", Ok((1, 0, 0, "unsigned"))),
    ("Myanmar-Flood-MultiLanguage_MultipleArea.xml", Ok((1, 0, 0, "unsigned"))),
    ("Myanmar-Tsunami-MultiLanguage.xml", Ok((1, 0, 0, "unsigned"))),
    ("NOAA_MultiplePolygons.txt", Ok((1, 0, 0, "unsigned"))),
    ("Philippines-Flood-MultiLanguage.xml", Ok((1, 0, 0, "unsigned"))),
    ("Philippines-Tropical-Cyclone-MultiLanguage.xml", Ok((1, 0, 0, "unsigned"))),
    ("Philippines-Tsunami.xml", Ok((1, 0, 0, "unsigned"))),
    ("Severe_Thunderstorm_Warning.xml", Ok((1, 0, 0, "unsigned"))),
    ("TropicalCyclone20150806.xml", Ok((1, 0, 0, "unknown"))),
    ("TropicalCyclone20150808.xml", Ok((1, 0, 0, "unknown"))),
    ("amber.atom", Ok((1, 0, 0, "unsigned"))),
    ("amber.rss", Ok((0, 0, 1, ""))),
    ("australia.cap", Ok((1, 0, 0, "unsigned"))),
    ("australia_bom.cap", Ok((1, 0, 0, "unsigned"))),
    ("bushfire_valid.edxlde", Ok((59, 0, 0, "unsigned"))),
    ("canada.cap", Ok((1, 0, 0, "unsigned"))),
    ("canada_errors.cap", Ok((1, 0, 0, "unsigned"))),
    // The list lays the message out anew.
    ("canada_signed.atom", Ok((1, 0, 0, "invalid"))),
    ("canada_signed.cap", Ok((1, 0, 0, "unknown"))),
    ("dwd-update.xml", Ok((1, 1, 0, "unsigned"))),
    ("earthquake-iso8859-1.cap", Ok((1, 0, 0, "unknown"))),
    ("earthquake.cap", Ok((1, 0, 0, "unsigned"))),
    ("earthquake_index.atom", Ok((0, 0, 1, ""))),
    ("earthquake_signed.cap", Ok((1, 0, 0, "unknown"))),
    ("empty_weather_index.atom", Ok((0, 0, 0, ""))),
    ("environment_canada_x509_cert.pem", Err("not well-formed")),
    ("iceland_met_office.cap", Ok((1, 0, 0, "unsigned"))),
    ("il-488abaaf-cad5-4d2b-93b2-703016878453.xml", Ok((1, 0, 0, "unsigned"))),
    ("invalid.cap", Ok((1, 0, 0, "unsigned"))),
    ("invalid.rss", Ok((0, 0, 0, ""))),
    ("invalid_element.atom", Ok((0, 0, 0, ""))),
    ("invalid_xmlns.cap", Err("urn:oasis:names:tc:emergency:alerts:1.2")),
    ("mexico.xml", Ok((1, 0, 0, "unsigned"))),
    ("mo-cap_monsoon.xml", Ok((1, 0, 0, "unsigned"))),
    ("multi-area.xml", Ok((1, 0, 0, "unsigned"))),
    ("naads_x509_cert.pem", Err("not well-formed")),
    ("no_id.atom", Ok((0, 0, 0, ""))),
    ("no_info_tag.cap", Ok((1, 0, 0, "unknown"))),
    ("no_link.atom", Ok((0, 0, 0, ""))),
    ("no_optional_fields.cap", Ok((1, 0, 0, "unsigned"))),
    ("no_title.atom", Ok((0, 0, 0, ""))),
    ("noaa_errors.cap", Ok((1, 1, 0, "unsigned"))),
    ("ny_index.rss", Ok((0, 0, 2, ""))),
    ("oregon_nws.atom", Ok((1, 0, 0, "unsigned"))),
    ("pelmorex.atom", Ok((0, 0, 1, ""))),
    ("ph.cap", Ok((1, 0, 0, "unknown"))),
    ("polygon-trailing-space.xml", Ok((1, 0, 0, "unsigned"))),
    ("rfs.xml", Ok((1, 0, 0, "unsigned"))),
    ("rs-2.49.0.0.688.0.20250817210003.457535.xml", Ok((1, 0, 0, "unsigned"))),
    ("smhi.se.alerts.cap", Ok((17, 0, 0, "unsigned"))),
    ("sweden.atom", Ok((0, 0, 4, ""))),
    ("sweden.cap", Ok((1, 0, 0, "unsigned"))),
    ("taiwan.cap", Ok((1, 0, 0, "unsigned"))),
    ("thunderstorm.xml", Ok((1, 0, 0, "unsigned"))),
    ("tmp0000.cap", Ok((1, 0, 0, "unsigned"))),
    ("tsunami.xml", Ok((1, 0, 0, "invalid"))),
    ("us_nws_weather.atom", Ok((0, 0, 2, ""))),
    ("usgs_alerthub.atom", Ok((0, 0, 1, ""))),
    ("wcatwc-warning.cap", Ok((1, 0, 0, "unsigned"))),
    ("weather.atom", Ok((1, 0, 0, "unsigned"))),
    ("weather.cap", Ok((1, 0, 0, "unsigned"))),
    ("weather_index.atom", Ok((0, 0, 2, ""))),
    ("weather_invalid.atom", Ok((1, 0, 0, "unsigned"))),
];

fn files() -> Vec<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let mut all: Vec<PathBuf> = ["cap"]
        .iter()
        .flat_map(|folder| std::fs::read_dir(root.join(folder)).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .filter(|path| path.extension().is_none_or(|extension| extension != "md" && extension != "xsd"))
        .collect();
    all.sort();
    all
}

fn name_of(path: &std::path::Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

#[tokio::test]
async fn every_real_file_goes_through_or_is_refused_with_the_right_reason() {
    let (_, address) = Provider::open().await;
    let town = town(&address).await;
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for path in files() {
        let name = name_of(&path);
        seen.insert(name.to_owned());
        let body = std::fs::read(&path).unwrap();
        let looked = given(&town, &body, true).await;
        let told = match &looked {
            Ok(outcome) => {
                let signed: BTreeSet<&str> =
                    outcome.messages.iter().map(|message| message.signature.as_str()).collect();
                let signed = signed.into_iter().collect::<Vec<_>>().join(",");
                Ok((outcome.count(What::New), outcome.problems.len(), outcome.links.len(), signed))
            }
            Err(error) => Err(error.to_string()),
        };
        let fits = match (REAL.iter().find(|(known, _)| *known == name).map(|(_, told)| told), &told) {
            (Some(Ok(expected)), Ok((new, problems, links, signed))) => {
                *expected == (*new, *problems, *links, signed.as_str())
            }
            (Some(Err(expected)), Err(found)) => found.contains(expected),
            _ => false,
        };
        if !fits {
            let whys = looked.map(|outcome| {
                let whys = outcome.messages.iter().map(|message| message.signature_why.clone());
                outcome.problems.iter().map(ToString::to_string).chain(whys).collect::<Vec<_>>()
            });
            wrong.push(format!("    ({name:?}, {told:?}), // {:?}", whys.unwrap_or_default()));
        }
        // Keeping does what looking said, and once only.
        let Ok((new, ..)) = told else { continue };
        let kept = given(&town, &body, false).await.unwrap();
        assert_eq!((kept.count(What::New), kept.count(What::Refused)), (new, 0), "{name}");
        let again = given(&town, &body, false).await.unwrap();
        assert_eq!((again.count(What::New), again.count(What::Known)), (0, kept.messages.len()), "{name}: once only");
    }
    assert!(wrong.is_empty(), "not as the table says:\n{}", wrong.join("\n"));
    let listed: BTreeSet<String> = REAL.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(listed, seen, "every file is in the table");
    // Nothing that is an exercise or a test stands among what is in force.
    let shown = town.all().await;
    assert!(shown.iter().filter(|one| one.status != "Actual").all(|one| one.stage(town.now()) == Stage::NotReal));
    assert!(shown.iter().any(|one| one.status == "Exercise") && shown.iter().any(|one| one.status == "Test"));
}

#[tokio::test]
async fn a_file_is_looked_at_first_and_kept_by_whoever_may_issue() {
    let (_, address) = Provider::open().await;
    let town = town(&address).await;
    let (operator, chief) = (person(&town, Role::Operator).await, person(&town, Role::Coordinator).await);
    // Not closed, and with Z for UTC: both are told, and neither keeps it out.
    let message = idap("MG-1", 9, "Alert", "")
        .replace("<circle>-21.7,-43.3 25</circle>", "<polygon>-22,-44 -22,-43 -21,-43 -21,-44</polygon>");
    let sent = upload(&town, &operator, &[("csrf", "", &operator.csrf), ("file", "aviso.xml", &message)]).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text);
    let look = page(&town, &operator, &sent.location).await;
    assert_eq!(look.status, StatusCode::OK, "{}", look.text);
    for text in [
        "Chuvas Intensas",
        "novo",
        "perto",
        "100 %",
        "sem assinatura",
        "1 regra do CAP 1.2",
        "polygon[1]",
        "Guardar cabe a",
    ] {
        assert!(look.text.contains(text), "{text}: {}", look.text);
    }
    assert!(town.all().await.is_empty(), "a look keeps nothing");
    let refused = form(&town, &operator, &sent.location, &[("act", "keep")]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);

    let kept = form(&town, &chief, &sent.location, &[("act", "keep")]).await;
    let all = town.all().await;
    assert_eq!((kept.status, all.len()), (StatusCode::SEE_OTHER, 1), "{}", kept.text);
    assert_eq!(kept.location, format!("/console/warnings/{}", all[0].id));
    assert_eq!((all[0].way.as_str(), all[0].source.as_str()), ("file", "import"));
    let shown = page(&town, &chief, &kept.location).await.text;
    assert!(shown.contains("aviso.xml") && shown.contains("trazido por coordinator"), "{shown}");
    let acts: i64 = sqlx::query_scalar("select count(*) from audit_event where act = 'warning.import'")
        .fetch_one(&town.db.pool)
        .await
        .unwrap();
    assert_eq!(acts, 1);

    // A second click finds nothing any more; the same file again is known.
    assert_eq!(form(&town, &chief, &sent.location, &[("act", "keep")]).await.location, "/console/warnings");
    let again = upload(&town, &chief, &[("csrf", "", &chief.csrf), ("text", "", &message)]).await;
    let look = page(&town, &chief, &again.location).await.text;
    assert!(look.contains("já guardado") && !look.contains("value=\"keep\""), "{look}");
    assert_eq!(form(&town, &chief, &again.location, &[("act", "drop")]).await.location, "/console/warnings");
    assert_eq!(page(&town, &chief, &again.location).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_cannot_be_read_says_why_and_a_list_says_where_its_messages_lie() {
    let (provider, address) = Provider::open().await;
    let town = town(&address).await;
    let chief = person(&town, Role::Coordinator).await;
    let look = async |text: &str| {
        let sent = upload(&town, &chief, &[("csrf", "", &chief.csrf), ("file", "x", text)]).await;
        page(&town, &chief, &sent.location).await.text
    };
    assert!(look("<html><body>Aviso</body></html>").await.contains("expected CAP, Atom or RSS"));
    assert!(look("isto não é XML").await.contains("Não é um aviso que se possa ler"));
    let nameless = idap("MG-1", 9, "Alert", "").replace("<sender>idap@mdr.gov.br</sender>", "");
    assert!(look(&nameless).await.contains("alert/sender"));
    let acknowledged = idap("MG-1", 9, "Ack", "");
    assert!(look(&acknowledged).await.contains("Nenhum aviso no documento"));
    let nothing = upload(&town, &chief, &[("csrf", "", &chief.csrf)]).await;
    assert!(nothing.text.contains("Escolha um arquivo"), "{}", nothing.text);

    provider.put("/um", idap("MG-9", 10, "Alert", ""));
    let list = format!("<rss version='2.0'><channel><item><link>{address}/um</link></item></channel></rss>");
    let look = look(&list).await;
    assert!(look.contains("1 mensagem em outro endereço") && look.contains(&format!("{address}/um")), "{look}");
    let sent = upload(&town, &chief, &[("csrf", "", &chief.csrf), ("url", "", &format!("{address}/um"))]).await;
    assert!(page(&town, &chief, &sent.location).await.text.contains("MG-9"));
}

#[tokio::test]
async fn an_address_is_fetched_once_within_its_bounds_and_never_in_the_own_network() {
    let (provider, address) = Provider::open().await;
    let port = address.rsplit_once(':').unwrap().1.to_owned();
    let by_name = format!("http://localhost:{port}");
    let town = Town::allowing("localhost", JUIZ_DE_FORA, "2026-09-19T15:00:00Z", &feed(&by_name)).await;
    town.area("perto", -21.76, -43.35).await;
    let chief = person(&town, Role::Coordinator).await;
    provider.put("/aviso", idap("MG-1", 9, "Alert", ""));
    provider.say("/moved", 302, &format!("{address}/aviso"));
    provider.put("/large", " ".repeat(5 * 1024 * 1024));
    let fetch = async |url: String| upload(&town, &chief, &[("csrf", "", &chief.csrf), ("url", "", &url)]).await;

    let good = fetch(format!("{by_name}/aviso")).await;
    assert_eq!(good.status, StatusCode::SEE_OTHER, "{}", good.text);
    assert_eq!(provider.asked(), ["/aviso"], "one question");
    let kept = form(&town, &chief, &good.location, &[("act", "keep")]).await;
    assert_eq!((kept.status, town.all().await[0].way.as_str()), (StatusCode::SEE_OTHER, "url"));
    assert!(provider.asked().is_empty(), "what is kept is what was looked at");

    for (url, why) in [
        (format!("{address}/aviso"), "is refused"),
        (format!("{by_name}/moved"), "is refused"),
        ("http://169.254.169.254/latest".to_owned(), "is refused"),
        ("file:///etc/passwd".to_owned(), "https:// or http://"),
        ("/etc/passwd".to_owned(), "https:// or http://"),
        (format!("{by_name}/large"), "more than"),
        (format!("{by_name}/gone"), "404"),
    ] {
        let refused = fetch(url.clone()).await;
        assert!(refused.status == StatusCode::OK && refused.text.contains(why), "{url}: {}", refused.text);
    }
    assert_eq!(town.all().await.len(), 1);
}

#[tokio::test]
async fn programs_bring_cap_by_the_api_and_look_first_if_they_like() {
    let (_, address) = Provider::open().await;
    let town = town(&address).await;
    let (operator, chief) = (person(&town, Role::Operator).await, person(&town, Role::Coordinator).await);
    let kind = "application/cap+xml";
    let first = idap("MG-1", 9, "Alert", "");
    let looked = api(&town, &chief, "?dry_run=true", kind, &first).await;
    assert_eq!(looked.status, StatusCode::OK, "{}", looked.text);
    let told = looked.json();
    assert_eq!(
        (&told["dry_run"], &told["messages"][0]["what"], &told["messages"][0]["id"]),
        (&true.into(), &"new".into(), &Value::Null)
    );
    assert_eq!(told["messages"][0]["coverage"][0]["code"], "perto");
    assert_eq!(api(&town, &operator, "", kind, &first).await.status, StatusCode::FORBIDDEN);
    assert!(town.all().await.is_empty());

    let kept = api(&town, &chief, "", "text/xml; charset=utf-8", &first).await.json();
    let id = kept["messages"][0]["id"].as_i64().unwrap();
    let update = idap(
        "MG-2",
        10,
        "Update",
        "<references>idap@mdr.gov.br,MG-1,2026-09-19T09:00:00-03:00 idap@mdr.gov.br,MG-0,2026-09-18T09:00:00-03:00</references>",
    );
    let looked = api(&town, &chief, "?dry_run=true", kind, &update).await.json();
    assert_eq!(looked["messages"][0]["replaces"][0]["identifier"], "MG-1");
    assert_eq!(town.open().await, ["MG-1"], "a look replaces nothing");
    let updated = api(&town, &chief, "", kind, &update).await.json()["messages"][0]["id"].as_i64().unwrap();
    assert_eq!(town.open().await, ["MG-2"]);

    let detail = page(&town, &operator, &format!("/api/v1/warnings/{updated}")).await.json();
    assert_eq!(
        (&detail["way"], &detail["signature"], &detail["brought_by"]),
        (&"api".into(), &"unsigned".into(), &"coordinator".into())
    );
    let chain: Vec<&str> =
        detail["chain"].as_array().unwrap().iter().map(|step| step["identifier"].as_str().unwrap()).collect();
    assert_eq!(chain, ["MG-1", "MG-2"]);
    assert_eq!(
        (detail["named"][0]["warning_id"].as_i64(), &detail["named"][1]["warning_id"]),
        (Some(id), &Value::Null)
    );

    for (query, kind, body, status) in [
        ("", "application/json", "{}", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("", kind, "<alert/>", StatusCode::BAD_REQUEST),
        ("?source=nobody", kind, &first, StatusCode::BAD_REQUEST),
        ("?colour=red", kind, &first, StatusCode::BAD_REQUEST),
    ] {
        let refused = api(&town, &chief, query, kind, body).await;
        assert_eq!(refused.status, status, "{query} {kind}: {}", refused.text);
    }
    assert_eq!(page(&town, &operator, "/api/v1/warnings/999999").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn by_hand_ends_only_what_came_by_hand_unless_it_is_said_to_be_the_words_of_a_feed() {
    let (provider, address) = Provider::open().await;
    let mut town = town(&address).await;
    let chief = person(&town, Role::Coordinator).await;
    provider.put("/feed", atom(&[idap("MG-1", 9, "Alert", "")]));
    town.ask().await;
    let cancel = idap("MG-2", 10, "Cancel", "<references>idap@mdr.gov.br,MG-1,2026-09-19T09:00:00-03:00</references>");
    assert_eq!(api(&town, &chief, "", "application/xml", &cancel).await.status, StatusCode::OK);
    assert_eq!(town.open().await, ["MG-1"], "a file ends no feed's warning");
    let as_feed = api(&town, &chief, "?source=avisos", "application/xml", &cancel).await;
    assert_eq!(as_feed.json()["messages"][0]["replaces"][0]["how"], "references");
    assert!(town.open().await.is_empty());
    // On the page the same is a choice.
    let sent = upload(&town, &chief, &[("csrf", "", &chief.csrf), ("text", "", &cancel)]).await;
    let again = form(&town, &chief, &sent.location, &[("act", "look"), ("source", "avisos")]).await;
    assert_eq!(again.location, sent.location);
    assert!(page(&town, &chief, &sent.location).await.text.contains("já guardado"));
}

/// Identifiers and severities of what anybody may see as open.
async fn public(town: &Town) -> Vec<(String, String)> {
    let wish = Wish { open: true, public: true, ..Wish::default() };
    town.list(wish).await.into_iter().map(|one| (one.identifier, one.severity)).collect()
}

#[tokio::test]
async fn of_messages_under_one_name_none_hides_what_is_later_graver_or_for_everyone() {
    let (provider, address) = Provider::open().await;
    let mut town = town(&address).await;
    // An early copy by hand; the feed brings the word that follows it, under the same name.
    given(&town, idap("MG-1", 9, "Alert", "").as_bytes(), false).await.unwrap();
    let update = idap("MG-1", 10, "Update", "").replace("Severe", "Extreme");
    provider.put("/feed", atom(&[update]));
    town.ask().await;
    assert_eq!(public(&town).await, [("MG-1".into(), "Extreme".into())]);
    // A later copy that makes it look harmless is shown beside it.
    let harmless = idap("MG-1", 11, "Alert", "").replace("Severe", "Minor");
    given(&town, harmless.as_bytes(), false).await.unwrap();
    assert_eq!(public(&town).await, [("MG-1".into(), "Extreme".into()), ("MG-1".into(), "Minor".into())]);
    // What is not for everyone hides nothing from them.
    let inner = idap("MG-2", 12, "Alert", "").replace("<scope>Public", "<scope>Restricted");
    given(&town, inner.as_bytes(), false).await.unwrap();
    provider.put("/feed", atom(&[idap("MG-2", 12, "Alert", "")]));
    town.ask_later(10).await;
    assert_eq!(public(&town).await.iter().filter(|(name, _)| name == "MG-2").count(), 1);
}

#[tokio::test]
async fn a_warning_without_references_says_what_speaks_for_its_link_and_what_it_names_in_vain() {
    let (_, address) = Provider::open().await;
    let town = town(&address).await;
    let chief = person(&town, Role::Coordinator).await;
    let keep = async |message: String| {
        let kept = api(&town, &chief, "", "application/xml", &message).await.json();
        kept["messages"][0]["id"].as_i64().unwrap()
    };
    let first = keep(idap("MG-1", 9, "Alert", "")).await;
    // Another event of the same hour, and one that lies elsewhere, are not meant.
    keep(idap("MG-3", 10, "Alert", "").replace("Chuvas Intensas", "Vendaval")).await;
    keep(idap("MG-4", 10, "Alert", "").replace("-21.7,-43.3 25", "-10,-43.3 25")).await;
    let update = keep(idap("MG-2", 11, "Update", "").replace("-21.7,-43.3 25", "-21.7,-43.3 10")).await;
    let shown = page(&town, &chief, &format!("/console/warnings/{first}")).await.text;
    for text in [
        "mesmo órgão, mesmo evento, mesma área",
        "2 h depois",
        "100 % da área menor em comum",
        &format!("/console/warnings/{update}"),
    ] {
        assert!(shown.contains(text), "{text}: {shown}");
    }
    let stray =
        keep(idap("MG-8", 12, "Update", "<references>idap@mdr.gov.br,MG-77,2026-09-18T09:00:00-03:00</references>"))
            .await;
    let shown = page(&town, &chief, &format!("/console/warnings/{stray}")).await.text;
    assert!(shown.contains("MG-77") && shown.contains("desconhecida aqui"), "{shown}");
    assert!(
        town.open().await.contains(&"MG-2".to_owned()),
        "what names something unknown is not taken for an answer to something else"
    );
}

#[tokio::test]
async fn of_each_area_it_is_said_how_much_lies_under_the_warning_and_the_map_draws_it() {
    let (_, address) = Provider::open().await;
    let town = town(&address).await;
    town.area("longe", -23.0, -45.0).await;
    let chief = person(&town, Role::Coordinator).await;
    // The western half of the square from -43.35 to -43.34.
    let half = idap("MG-1", 9, "Alert", "").replace(
        "<circle>-21.7,-43.3 25</circle>",
        "<polygon>-22,-44 -22,-43.345 -21,-43.345 -21,-44 -22,-44</polygon>",
    );
    let kept = api(&town, &chief, "", "application/xml", &half).await.json();
    let coverage = &kept["messages"][0]["coverage"];
    assert_eq!((coverage.as_array().unwrap().len(), &coverage[0]["code"]), (1, &"perto".into()));
    assert!((coverage[0]["share"].as_f64().unwrap() - 0.5).abs() < 0.01, "{coverage}");
    let id = kept["messages"][0]["id"].as_i64().unwrap();
    assert!(page(&town, &chief, &format!("/console/warnings/{id}")).await.text.contains("50 %"));
    // The public map and the console's draw it, with a switch and a legend.
    let nobody = Person { cookie: String::new(), csrf: String::new() };
    for (who, path) in [(&nobody, "/"), (&chief, "/console")] {
        let text = page(&town, who, path).await.text;
        assert!(text.contains("class=\"warned-layer\"") && text.contains("data-map-layer"), "{path}");
    }
    // Named by its code alone it is for the whole town.
    let named = idap("MG-5", 10, "Alert", "").replace(
        "<circle>-21.7,-43.3 25</circle>",
        &format!("<geocode><valueName>IBGE</valueName><value>{JUIZ_DE_FORA}</value></geocode>"),
    );
    let kept = api(&town, &chief, "", "application/xml", &named).await.json();
    let coverage = kept["messages"][0]["coverage"].as_array().unwrap().clone();
    assert_eq!(coverage.len(), 2);
    assert!(coverage.iter().all(|area| area["by_geocode"] == true && area["share"] == 1.0));
    // A neighbour's code is nobody's here.
    let neighbour = idap("MG-6", 10, "Alert", "").replace(
        "<circle>-21.7,-43.3 25</circle>",
        "<geocode><valueName>IBGE</valueName><value>3101508</value></geocode>",
    );
    let kept = api(&town, &chief, "", "application/xml", &neighbour).await.json();
    assert_eq!(kept["messages"][0]["for_us_by"], serde_json::json!([]));
}
