//! Markup in every place where words of others are shown: on no page does it become markup of ours.

use axum::http::StatusCode;
use sentinela::feeds::warnings::trust::{Origin, Trust};
use sentinela::feeds::warnings::{Way, listing, store as outside, take};
use sentinela::web::gate::RULES;
use serde_json::json;

use super::{Person, Place, filled};
use crate::ingest;

/// Leaves an attribute, an element and a script, whichever it stands in.
const WORDS: &str = "x'\"><script>alert(7)</script><img src=x onerror=alert(7)>";
const MARKS: [&str; 4] = ["x'\"", "x'&", "<script>alert(7)", "<img src=x"];

/// Puts the words wherever somebody outside, or a colleague, may write some. Gives back the ids that lead to them.
async fn write_everywhere(place: &Place, chief: &Person) -> Vec<String> {
    let area = super::AREAS
        .replace("\"Morro Alto\"", &json!(WORDS).to_string())
        .replace("invented for tests", "x'<img src=x onerror=alert(7)>");
    let answer = place.api(chief, "POST", "/api/v1/areas", "application/geo+json", area).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let quoted = format!("\"{}\"", WORDS.replace('"', "\"\""));
    let station = super::STATIONS.replace("Pluviômetro do Morro Alto", &quoted);
    let answer = place.api(chief, "POST", "/api/v1/stations", "text/csv", station).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let residents = super::RESIDENTS.replace("Ana (dentro)", &quoted);
    let answer = place.api(chief, "POST", "/api/v1/residents", "text/csv", residents).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);

    let mut ids =
        vec!["morro-alto".into(), "G1".into(), "1".into(), "2".into(), "areas".into(), "stations".into(), "bia".into()];
    let draft = place.draft(chief).await;
    let texts = |words: &str| {
        json!({"headline": words, "description": words, "instruction": words, "sms_text": words,
        "expires_at": place.app.clock.now() + chrono::TimeDelta::hours(3)})
    };
    // What goes out must be plain text; what waits may hold anything.
    let waiting = place.draft(chief).await;
    for (id, words) in [(&waiting, WORDS), (&draft, "Risco alto & 'grave' \"agora\"")] {
        let edit = json!({"revision": 1, "texts": texts(words)});
        let edited = place.json(chief, "PUT", &format!("/api/v1/alerts/{id}"), edit).await;
        assert_eq!(edited.status, StatusCode::OK, "{}", edited.text);
    }
    let issue = |id| format!("/api/v1/alerts/{id}/issue");
    let refused = place.json(chief, "POST", &issue(&waiting), json!({"revision": 2})).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.text);
    let issued = place.json(chief, "POST", &issue(&draft), json!({"revision": 2})).await;
    assert_eq!(issued.status, StatusCode::OK, "{}", issued.text);
    let incident = issued.json()["incident_id"].as_str().unwrap().to_owned();
    let note =
        place.json(chief, "POST", &format!("/api/v1/incidents/{incident}/entries"), json!({"text": WORDS})).await;
    assert_eq!(note.status, StatusCode::CREATED, "{}", note.text);
    let other = place.draft(chief).await;
    let discard = json!({"revision": 1, "reason": WORDS});
    let discarded = place.json(chief, "POST", &format!("/api/v1/alerts/{other}/discard"), discard).await;
    assert_eq!(discarded.status, StatusCode::NO_CONTENT, "{}", discarded.text);

    let token = json!({"name": WORDS, "scope": ["see_console"], "days": 1});
    let token = place.json(chief, "POST", "/api/v1/tokens", token).await;
    if token.status == StatusCode::CREATED {
        ids.push(token.json()["id"].as_str().unwrap().to_owned());
    }
    let bia = json!({"name": WORDS, "email": "bia@exemplo.invalid", "username": "bia", "roles": ["viewer"]});
    let bia = place.json(chief, "POST", "/api/v1/staff", bia).await;
    assert_eq!(bia.status, StatusCode::CREATED, "{}", bia.text);

    ingest::gauge(&place.db.pool, "D-1").await;
    let bearer = format!("Bearer D-1.{}", ingest::SECRET);
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let reading = json!({"id": WORDS, "readings": [{"stream": WORDS, "at": WORDS, "value": WORDS, "unit": WORDS}]});
    for body in [
        reading.to_string(),
        WORDS.to_owned(),
        json!({"id": "1", "stream": WORDS, "at": "2026-02-22T11:00:00Z", "value": 1}).to_string(),
    ] {
        let answer = place.send("POST", "/api/v1/readings", &headers, body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
    }
    ids.push(rule(place, chief).await);
    ids.push(report(place, chief).await);
    ids.extend([draft, waiting, incident, other, outside_warning(place).await]);
    ids
}

/// A rule whose every free word is markup, sent back with such words; its id.
async fn rule(place: &Place, chief: &Person) -> String {
    let words = WORDS.replace('"', "\\\"");
    let text = format!(
        "id = \"regra\"\nversion = 1\ntitle = \"{words}\"\nhazard = \"1.1.3.1.1\"\n\
         [stations.\"{words}\"]\nquantity = \"rain\"\nwithin_km = 3.0\n[[levels]]\nlevel = \"alert\"\n\
         any = [{{ stations = \"{words}\", sum = \"1h\", at_least = \"40 mm\" }}]\n"
    );
    let kept = place.json(chief, "POST", "/api/v1/rules", json!({"text": text, "note": WORDS})).await;
    assert_eq!(kept.status, StatusCode::CREATED, "{}", kept.text);
    let act = "/api/v1/rules/regra/versions/1";
    let checked = place.json(chief, "POST", &format!("{act}/check"), json!({"revision": 1})).await;
    assert_eq!(checked.json()["findings"], json!([]), "{}", checked.text);
    let returned = place.json(chief, "POST", &format!("{act}/return"), json!({"revision": 1, "reason": WORDS})).await;
    assert_eq!(returned.status, StatusCode::NO_CONTENT, "{}", returned.text);
    let wrong = text.replace("40 mm", &words);
    let pages = [
        place.get(chief, "/console/rules/regra/1/edit").await,
        place.form(chief, "/console/rules/regra/1/look", &[("text", &text)]).await,
        place.form(chief, "/console/rules/regra/1/look", &[("text", &wrong)]).await,
    ];
    for page in pages {
        assert_eq!(page.status, StatusCode::OK, "{}", page.text);
        assert!(MARKS.iter().all(|mark| !page.text.contains(mark)), "{}", page.text);
    }
    "regra".to_owned()
}

/// A report whose every word is markup, judged with such words; the id of its occurrence.
async fn report(place: &Place, chief: &Person) -> String {
    let said = json!({"id": "aaaaaaaaaaaaaaaa", "kind": "other", "text": WORDS, "place": WORDS, "contact": WORDS});
    let said = place.json(chief, "POST", "/api/v1/reports", said).await;
    assert_eq!(said.status, StatusCode::CREATED, "{}", said.text);
    let (occurrence, report): (uuid::Uuid, uuid::Uuid) =
        sqlx::query_as("select occurrence_id, report_id from report_standing").fetch_one(&place.db.pool).await.unwrap();
    let there = [("lat", "-21.75"), ("lon", "-43.29"), ("label", WORDS), ("reason", WORDS)];
    let placed = place.form(chief, &format!("/console/reports/{occurrence}/place"), &there).await;
    assert_eq!(placed.status, StatusCode::SEE_OTHER, "{}", placed.text);
    let act = format!("/console/reports/{occurrence}/decide");
    let dismissed = place.form(chief, &act, &[("to", "dismissed"), ("reason", WORDS)]).await;
    assert_eq!(dismissed.status, StatusCode::SEE_OTHER, "{}", dismissed.text);
    let contact = place.form(chief, &format!("/console/reports/words/{report}/contact"), &[]).await;
    assert!(contact.text.contains("&#60;script&#62;") && !contact.text.contains("<script>alert"), "{}", contact.text);
    occurrence.to_string()
}

/// A warning of another institution over the whole country, with the words wherever it may have some.
async fn outside_warning(place: &Place) -> String {
    let words = WORDS.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let texts = ["event", "senderName", "headline", "description", "instruction", "web"];
    let texts: String = texts.iter().map(|name| format!("<{name}>{words}</{name}>")).collect();
    let message = format!(
        "<alert xmlns='urn:oasis:names:tc:emergency:cap:1.2'><identifier>{words}</identifier><sender>{words}</sender>\
         <sent>2026-02-22T08:00:00-03:00</sent><status>Actual</status><msgType>Alert</msgType><scope>Public</scope><info>{texts}\
         <severity>Severe</severity><parameter><valueName>awareness_level</valueName><value>{words}</value></parameter>\
         <parameter><valueName>color</valueName><value>{words}</value></parameter><area><areaDesc>{words}</areaDesc>\
         <polygon>-35,-75 -35,-30 6,-30 6,-75 -35,-75</polygon></area></info></alert>"
    );
    let warning = listing::parse(message.as_bytes(), "https://exemplo.invalid").unwrap().parsed.warnings.remove(0);
    let mut conn = place.db.pool.acquire().await.unwrap();
    let now = place.app.clock.now();
    let trust = Trust::default();
    let origin = Origin { source: "feed", way: Way::Feed, name: "", by: "", trust: &trust };
    let taken = take::take(&mut conn, now, &origin, &[warning]).await.unwrap();
    outside::relate(&mut conn, now, "0000000", &[]).await.unwrap();
    taken.fresh()[0].to_string()
}

/// The tags of a page, each with what stands inside its angle brackets.
fn tags(page: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let mut quote = None;
        let end = rest.char_indices().find(|(_, letter)| match quote {
            Some(open) => {
                if *letter == open {
                    quote = None;
                }
                false
            }
            None => {
                if matches!(letter, '"' | '\'') {
                    quote = Some(*letter);
                }
                *letter == '>'
            }
        });
        let end = end.map_or(rest.len(), |(end, _)| end);
        found.push(&rest[..end]);
        rest = &rest[end..];
    }
    found
}

/// What the content security policy would have to forbid: it must not be there to begin with.
fn check(path: &str, page: &str) {
    for mark in MARKS {
        assert!(!page.contains(mark), "{path} shows {mark:?} as markup: {}", around(page, mark));
    }
    for tag in tags(page) {
        let name = tag.split(|letter: char| letter.is_whitespace() || letter == '/').next().unwrap_or_default();
        let runs = name == "script" && !tag.contains(" src=") && !tag.contains("type=\"application/json\"");
        // Attributes without their values.
        let bare: String = tag.split('"').step_by(2).collect();
        let acts = bare
            .split_whitespace()
            .skip(1)
            .any(|attribute| attribute.starts_with("on") || attribute.starts_with("style="));
        let leads = tag.to_ascii_lowercase().contains("=\"javascript:");
        assert!(!runs && !acts && !leads && name != "style" && name != "base", "{path}: <{tag}>");
    }
}

fn around<'a>(page: &'a str, mark: &str) -> &'a str {
    let at = page.find(mark).unwrap_or_default();
    let start = page.floor_char_boundary(at.saturating_sub(80));
    &page[start..page.floor_char_boundary(at + 120)]
}

#[tokio::test]
async fn words_of_others_are_words_on_every_page() {
    // More pages than an account may ask for in a minute.
    let place = Place::with(&[("SENTINELA__HTTP__LIMITS__ACCOUNT_PER_MINUTE", "0")]).await;
    let chief = place.chief().await;
    let ids = write_everywhere(&place, &chief).await;
    let mut shown = std::collections::BTreeSet::new();
    let pages = RULES.iter().filter(|rule| rule.method == "GET" && rule.path != "/api/v1/events");
    for rule in pages {
        for id in &ids {
            let path = filled(rule.path, id);
            let answer = place.get(&chief, &path).await;
            assert!(!answer.status.is_server_error(), "{path}: {}", answer.status);
            let kind = answer.header("content-type");
            if kind.starts_with("text/html") {
                check(&path, &answer.text);
                assert!(answer.header("content-security-policy").contains("default-src 'none'"), "{path}");
                assert!(!answer.header("content-security-policy").contains("unsafe"), "{path}");
                if answer.text.contains("&lt;script&gt;") || answer.text.contains("&#60;script&#62;") {
                    shown.insert(rule.path);
                }
            } else if kind.contains("xml") {
                // Texts of texts: in a feed the markup is escaped twice, in a message once.
                assert!(
                    MARKS.iter().all(|mark| !answer.text.contains(mark)),
                    "{path}: {}",
                    around(&answer.text, MARKS[2])
                );
            } else {
                // Anything else is never taken for a page.
                assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
            }
            if !rule.path.contains('{') {
                break;
            }
        }
    }
    assert!(shown.len() >= 12, "only these pages show the words: {shown:?}");
}

#[tokio::test]
async fn words_in_an_address_or_a_header_are_words_in_the_answer() {
    let place = Place::open().await;
    let chief = place.chief().await;
    let encoded: String = url::form_urlencoded::byte_serialize(WORDS.as_bytes()).collect();
    let fields = [
        "next",
        "q",
        "search",
        "level",
        "state",
        "token",
        "actor",
        "act",
        "object",
        "from",
        "to",
        "kind",
        "page",
        "done",
        "channel",
        "message",
        "error",
        "error_description",
        "code",
    ];
    let query: Vec<String> = fields.iter().map(|field| format!("{field}={encoded}")).collect();
    let pages = RULES.iter().filter(|rule| rule.method == "GET" && !rule.path.starts_with("/api/v1/"));
    for rule in pages {
        let mut asked: Vec<String> = query.iter().map(|one| format!("{}?{one}", filled(rule.path, "G1"))).collect();
        asked.push(filled(rule.path, &encoded.replace('+', "%20")));
        asked.push(format!("/nothing{}", filled(rule.path, &encoded.replace('+', "%20"))));
        for path in asked {
            let answer = place.get(&chief, &path).await;
            assert!(!answer.status.is_server_error(), "{path}: {}", answer.status);
            if answer.header("content-type").starts_with("text/html") {
                check(&path, &answer.text);
            }
        }
    }
    let form: String = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("username", WORDS),
            ("password", WORDS),
            ("next", WORDS),
            ("code", WORDS),
            ("email", WORDS),
            ("token", WORDS),
        ])
        .finish();
    for path in [
        "/console/login",
        "/console/login/code",
        "/console/forgot",
        "/console/reset",
        "/console/invitation",
        "/console/setup",
    ] {
        let headers =
            [("content-type", super::FORM), ("accept", "text/html"), ("user-agent", WORDS), ("accept-language", WORDS)];
        let answer = place.send("POST", path, &headers, form.clone()).await;
        assert!(!answer.status.is_server_error(), "{path}: {}", answer.status);
        check(path, &answer.text);
    }
    let cookies = format!("{}; sentinela_theme={WORDS}; sentinela_lang={WORDS}", chief.cookie);
    for path in ["/", "/console", "/console/account", "/console/login"] {
        let headers =
            [("cookie", cookies.as_str()), ("accept", "text/html"), ("host", WORDS), ("x-forwarded-host", WORDS)];
        check(path, &place.send("GET", path, &headers, "").await.text);
    }
}
