//! Residents at their own page: the way in, what they see, what they change, and what is left of them.

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::response::Response;
use chrono::TimeDelta;
use sentinela::app::App;
use sentinela::dispatch::decide::Fate;
use sentinela::dispatch::provider::Channel;
use sentinela::dispatch::receipts::Receipt;
use sentinela::dispatch::store::receipt::{Incoming, keep, settle};
use sentinela::ids::ResidentId;
use sentinela::residents::own::Purpose;
use sentinela::residents::store::erase::erase;
use sentinela::residents::store::own;
use serde_json::Value;
use tower::ServiceExt as _;
use uuid::Uuid;

use crate::dispatch::town::{INSIDE, Town};
use crate::support::{self, TestDb};

const PHONE: &str = "+5532999991234";
const TYPED: &str = "(32) 99999-1234";

/// A browser without JavaScript: its cookies, and nothing else.
#[derive(Clone, Default)]
struct Browser {
    cookies: Vec<(String, String)>,
}

impl Browser {
    fn keep(&mut self, headers: &HeaderMap) {
        for line in headers.get_all(header::SET_COOKIE) {
            let line = line.to_str().unwrap();
            assert!(line.contains("HttpOnly") && line.contains("SameSite=Lax"), "{line}");
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
    }

    async fn send(&mut self, app: &App, request: axum::http::request::Builder, body: Body) -> Response {
        let line: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = request.header("cookie", line.join("; ")).header("accept", "text/html").body(body).unwrap();
        let router = sentinela::web::router::router(app.clone());
        let response = support::soon("the answer", router.oneshot(request)).await.unwrap();
        // The page of a refusal holds nothing of anybody.
        if response.status() != StatusCode::FORBIDDEN {
            assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        }
        self.keep(response.headers());
        response
    }

    async fn get(&mut self, app: &App, path: &str) -> Response {
        self.send(app, Request::get(path), Body::empty()).await
    }

    async fn post(&mut self, app: &App, path: &str, fields: &[(&str, &str)]) -> Response {
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
        self.send(app, request, Body::from(form)).await
    }

    /// A form of the page, with the visit's own value; gives back where it leads.
    async fn act(&mut self, app: &App, path: &str, fields: &[(&str, &str)]) -> String {
        let page = text(self.get(app, "/meus-dados").await).await;
        let csrf = between(&page, "name=\"csrf\" value=\"", "\"");
        let response = self.post(app, path, &[&[("csrf", csrf.as_str())], fields].concat()).await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER, "{path}: {}", text(response).await);
        location(&response)
    }

    /// Asks for a code, reads it where it was sent, and types it.
    async fn come_in(&mut self, app: &App, db: &TestDb) {
        let response = self.post(app, "/meus-dados/codigo", &[("who", TYPED)]).await;
        assert_eq!(location(&response), "/meus-dados/codigo");
        let code = sent_code(db, 1).await;
        let response = self.post(app, "/meus-dados/entrar", &[("code", &code)]).await;
        assert_eq!((response.status(), location(&response)), (StatusCode::SEE_OTHER, "/meus-dados".to_owned()));
    }

    async fn page(&mut self, app: &App) -> String {
        text(self.get(app, "/meus-dados").await).await
    }
}

async fn text(response: Response) -> String {
    String::from_utf8(to_bytes(response.into_body(), 8 << 20).await.unwrap().to_vec()).unwrap()
}

fn between(page: &str, before: &str, after: &str) -> String {
    let start = page.find(before).unwrap_or_else(|| panic!("{before:?} is not in {page}")) + before.len();
    page[start..].split(after).next().unwrap().to_owned()
}

fn location(response: &Response) -> String {
    response.headers().get(header::LOCATION).map(|to| to.to_str().unwrap().to_owned()).unwrap_or_default()
}

/// The code of the newest notice, once there are this many.
async fn sent_code(db: &TestDb, notices: usize) -> String {
    support::eventually("the notice with the code", || async {
        let bodies: Vec<String> = sqlx::query_scalar("select body from notice order by created_at desc, id desc")
            .fetch_all(&db.pool)
            .await
            .unwrap();
        let digits = |body: &str| {
            body.split_whitespace().find_map(|word| {
                let digits = word.trim_matches('.');
                (digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.to_owned())
            })
        };
        (bodies.len() == notices).then(|| digits(&bodies[0])).flatten()
    })
    .await
}

/// A resident with a home, a telephone and an e-mail address, who agreed when the register was made.
pub async fn add(db: &TestDb, name: &str, phone: &str, email: &str) -> Uuid {
    let id = Uuid::from_u128(u128::from(name.bytes().map(u32::from).sum::<u32>()));
    for (sql, values) in [
        (
            "insert into resident (id, external_ref, name, consent_at, consent_source, created_at)
          values ($1, 'cadastro-' || $2, $2, '2026-01-10T12:00:00Z', 'cadastro de 2026', '2026-01-10T12:00:00Z')",
            [name, ""],
        ),
        (
            "insert into resident_place (resident_id, geom) values ($1, st_setsrid(st_makepoint(-43.35, -21.76), 4326))",
            ["", ""],
        ),
        (
            "insert into resident_channel (resident_id, kind, address, verified_at)
          select $1, kind, address, '2026-01-10T12:00:00Z' from (values ('sms', $2), ('email', $3)) as c (kind, address)
          where address <> ''",
            [phone, email],
        ),
        (
            "insert into consent (resident_id, purpose, given, at, source)
          values ($1, 'alerts', true, '2026-01-10T12:00:00Z', 'cadastro de 2026')",
            ["", ""],
        ),
    ] {
        let mut query = sqlx::query(sql).bind(id);
        for value in values.iter().take(sql.matches("$2").count().min(1) + usize::from(sql.contains("$3"))) {
            query = query.bind(*value);
        }
        query.execute(&db.pool).await.unwrap();
    }
    id
}

pub async fn maria(db: &TestDb) -> Uuid {
    add(db, "Maria das Dores", PHONE, "maria@exemplo.br").await
}

async fn count(db: &TestDb, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&db.pool).await.unwrap()
}

#[tokio::test]
async fn whoever_asks_sees_the_same_whether_they_are_known_or_not() {
    let db = support::db().await;
    let app = support::app(&db);
    maria(&db).await;
    let mut pages = Vec::new();
    for who in [TYPED, "(32) 98888-0000", "maria@exemplo.br", "ninguem@exemplo.br"] {
        let mut browser = Browser::default();
        let response = browser.post(&app, "/meus-dados/codigo", &[("who", who)]).await;
        let answer = (response.status(), location(&response), browser.cookies.len());
        let page = browser.get(&app, "/meus-dados/codigo").await;
        pages.push((answer, page.status(), text(page).await));
    }
    assert!(pages.windows(2).all(|two| two[0] == two[1]), "{pages:?}");
    // Two of them were sent something, and a code of the others opens nothing.
    sent_code(&db, 2).await;
    assert_eq!(count(&db, "select count(*) from resident_code").await, 4);
}

#[tokio::test]
async fn a_code_is_tried_five_times_in_the_browser_that_asked_and_lasts_ten_minutes() {
    let db = support::db().await;
    let app = support::app(&db);
    maria(&db).await;
    let mut browser = Browser::default();
    browser.post(&app, "/meus-dados/codigo", &[("who", TYPED)]).await;
    let code = sent_code(&db, 1).await;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let mut elsewhere = Browser::default();
    let response = elsewhere.post(&app, "/meus-dados/entrar", &[("code", &code)]).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    for _ in 0..5 {
        let response = browser.post(&app, "/meus-dados/entrar", &[("code", wrong)]).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    }
    let response = browser.post(&app, "/meus-dados/entrar", &[("code", &code)]).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "the sixth try counts no more, right or wrong");
    // Another one comes only after a minute, and is too old after ten.
    let response = browser.post(&app, "/meus-dados/codigo", &[("who", TYPED)]).await;
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    app.clock.set(app.clock.now() + TimeDelta::seconds(61));
    browser.post(&app, "/meus-dados/codigo", &[("who", TYPED)]).await;
    let code = sent_code(&db, 2).await;
    app.clock.set(app.clock.now() + TimeDelta::minutes(10));
    let response = browser.post(&app, "/meus-dados/entrar", &[("code", &code)]).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert!(browser.page(&app).await.contains("action=\"/meus-dados/codigo\""));
}

#[tokio::test]
async fn nobodys_codes_can_be_asked_for_or_guessed_all_day() {
    let db = support::db().await;
    let app = support::app(&db);
    maria(&db).await;
    let mut browser = Browser::default();
    let (mut codes, mut tries) = (0, 0);
    for _ in 0..24 * 60 {
        let response = browser.post(&app, "/meus-dados/codigo", &[("who", TYPED)]).await;
        if response.status() == StatusCode::SEE_OTHER {
            codes += 1;
            for _ in 0..6 {
                browser.post(&app, "/meus-dados/entrar", &[("code", "x")]).await;
            }
            tries = count(&db, "select coalesce(sum(tries), 0) from resident_code").await;
        }
        app.clock.set(app.clock.now() + TimeDelta::minutes(1));
    }
    assert_eq!((codes, tries), (5, 25), "25 of a million in a day");
}

#[tokio::test]
async fn a_visit_shows_everything_that_is_held_and_takes_it_along() {
    let db = support::db().await;
    let app = support::app(&db);
    let id = maria(&db).await;
    let mut browser = Browser::default();
    browser.come_in(&app, &db).await;
    assert_eq!(
        browser.act(&app, "/meus-dados/necessidades", &[("text", "Uso oxigênio."), ("agree", "yes")]).await,
        "/meus-dados?done=needs"
    );
    let page = browser.page(&app).await;
    for shown in [
        "Maria das Dores",
        PHONE,
        "maria@exemplo.br",
        "-21.76",
        "cadastro de 2026",
        "Uso oxigênio.",
        "art. 7º, I",
        "180 dias",
    ] {
        assert!(page.contains(shown), "{shown} is missing: {page}");
    }
    assert!(!page.contains("<script") && !page.contains("style="), "{page}");
    let english = text(browser.get(&app, "/meus-dados?lang=en").await).await;
    assert!(english.contains("What you agreed to") && english.contains("180 days"), "{english}");
    let csrf = between(&page, "name=\"csrf\" value=\"", "\"");
    let response = browser.post(&app, "/meus-dados/exportar", &[("csrf", &csrf), ("format", "json")]).await;
    assert_eq!(response.headers()[header::CONTENT_DISPOSITION], "attachment; filename=\"meus-dados.json\"");
    let export: Value = serde_json::from_str(&text(response).await).unwrap();
    assert_eq!(export["held"]["id"], id.to_string());
    assert_eq!(export["held"]["needs"], "Uso oxigênio.");
    assert_eq!(export["held"]["channels"][0]["address"], PHONE);
    assert_eq!(export["held"]["consents"][0]["source"], "cadastro de 2026");
    assert_eq!(export["receipt"], "2026/001");
    let response = browser.post(&app, "/meus-dados/exportar", &[("csrf", &csrf), ("format", "html")]).await;
    assert!(text(response).await.contains("Maria das Dores"));
    // Thirty minutes, and it is over.
    app.clock.set(app.clock.now() + TimeDelta::minutes(31));
    assert!(!browser.page(&app).await.contains("Maria"));
    let response = browser.post(&app, "/meus-dados/apagar", &[("csrf", &csrf), ("word", "APAGAR")]).await;
    assert_eq!(location(&response), "/meus-dados?done=ended");
}

#[tokio::test]
async fn a_form_without_the_visits_own_value_changes_nothing() {
    let db = support::db().await;
    let app = support::app(&db);
    maria(&db).await;
    let mut browser = Browser::default();
    browser.come_in(&app, &db).await;
    for rule in sentinela::web::gate::RULES.iter().filter(|rule| rule.guard == sentinela::web::gate::Guard::Resident) {
        for fields in [&[][..], &[("csrf", "")], &[("csrf", "AAAA")]] {
            let response = browser.post(&app, rule.path, fields).await;
            assert_eq!(response.status(), StatusCode::FORBIDDEN, "{}", rule.path);
        }
        let mut stranger = Browser::default();
        let response = stranger.post(&app, rule.path, &[("csrf", "")]).await;
        assert_eq!(location(&response), "/meus-dados?done=ended", "{}", rule.path);
    }
}

#[tokio::test]
async fn residents_correct_their_record_and_the_audit_names_only_the_fields() {
    let db = support::db().await;
    let app = support::app(&db);
    maria(&db).await;
    let mut browser = Browser::default();
    browser.come_in(&app, &db).await;
    let fields = [
        ("name", "Maria D. Lima"),
        ("language", "es"),
        ("address", "Rua das Flores 7"),
        ("lat", "-21,77"),
        ("lon", "-43.36"),
    ];
    assert_eq!(browser.act(&app, "/meus-dados/corrigir", &fields).await, "/meus-dados?done=corrected");
    assert_eq!(browser.act(&app, "/meus-dados/corrigir", &fields).await, "/meus-dados?done=same");
    let page = browser.page(&app).await;
    assert!(page.contains("Maria D. Lima") && page.contains("Rua das Flores 7") && page.contains("-21.77"), "{page}");
    for (wrong, why) in [
        ([("name", "M"), ("language", "xx"), ("lat", ""), ("lon", "")], "correction"),
        ([("name", "M"), ("language", "en"), ("lat", "91"), ("lon", "0")], "place"),
    ] {
        assert_eq!(browser.act(&app, "/meus-dados/corrigir", &wrong).await, format!("/meus-dados?wrong={why}"));
    }
    // A new mailbox is confirmed by a code of its own; the last way to reach somebody stays.
    app.clock.set(app.clock.now() + TimeDelta::minutes(2));
    assert_eq!(browser.act(&app, "/meus-dados/canal", &[("who", "lima@exemplo.br")]).await, "/meus-dados/codigo");
    let code = sent_code(&db, 2).await;
    assert_eq!(browser.act(&app, "/meus-dados/canal/confirmar", &[("code", &code)]).await, "/meus-dados?done=channel");
    // The mailbox was told of it, and not what it is.
    let told: Vec<(String, String)> =
        sqlx::query_as("select address, body from notice where purpose = 'resident_change'")
            .fetch_all(&db.pool)
            .await
            .unwrap();
    assert!(told.len() == 1 && told[0].0 == "maria@exemplo.br" && !told[0].1.contains("lima@"), "{told:?}");
    let ids: Vec<i64> =
        sqlx::query_scalar("select id from resident_channel order by id").fetch_all(&db.pool).await.unwrap();
    for (id, leads) in ids.iter().rev().zip(["done=channel", "done=channel", "wrong=last"]) {
        assert!(browser.act(&app, "/meus-dados/canal/remover", &[("id", &id.to_string())]).await.ends_with(leads));
    }
    let audit: String =
        sqlx::query_scalar("select string_agg(e::text, '\n') from audit_event e").fetch_one(&db.pool).await.unwrap();
    for hidden in ["Maria", "Lima", "Flores", "99999", "exemplo.br", "-43"] {
        assert!(!audit.contains(hidden), "{hidden}: {audit}");
    }
    assert!(audit.contains("resident.correct") && audit.contains("language"), "{audit}");
}

#[tokio::test]
async fn a_consent_that_is_withdrawn_stops_what_waits_and_can_be_given_again() {
    let db = support::db().await;
    let app = support::app(&db);
    maria(&db).await;
    let mut browser = Browser::default();
    browser.come_in(&app, &db).await;
    let choose = |purpose: &'static str, given: &'static str| [("purpose", purpose), ("given", given)];
    assert_eq!(
        browser.act(&app, "/meus-dados/consentimento", &choose("alerts", "no")).await,
        "/meus-dados?done=withdrawn"
    );
    assert_eq!(count(&db, "select count(*) from resident where alerts_withdrawn_at is not null").await, 1);
    assert_eq!(browser.act(&app, "/meus-dados/consentimento", &choose("alerts", "no")).await, "/meus-dados?done=same");
    assert_eq!(
        browser.act(&app, "/meus-dados/consentimento", &choose("alerts", "yes")).await,
        "/meus-dados?done=given"
    );
    assert_eq!(count(&db, "select count(*) from resident where alerts_withdrawn_at is not null").await, 0);
    // Needs are agreed to by telling them, and go with the consent.
    assert_eq!(
        browser.act(&app, "/meus-dados/consentimento", &choose("needs", "yes")).await,
        "/meus-dados?wrong=needs"
    );
    assert_eq!(
        browser.act(&app, "/meus-dados/necessidades", &[("text", "Cadeira de rodas")]).await,
        "/meus-dados?wrong=needs"
    );
    browser.act(&app, "/meus-dados/necessidades", &[("text", "Cadeira de rodas"), ("agree", "yes")]).await;
    assert_eq!(count(&db, "select count(*) from vault_record").await, 1);
    browser.act(&app, "/meus-dados/consentimento", &choose("needs", "no")).await;
    assert_eq!(count(&db, "select count(*) from vault_record").await, 0);
    let kinds: Vec<String> =
        sqlx::query_scalar("select kind from privacy_request order by receipt").fetch_all(&db.pool).await.unwrap();
    assert_eq!(kinds, ["withdrawal", "withdrawal"]);
}

#[tokio::test]
async fn a_family_with_one_telephone_turns_from_one_record_to_the_next_and_to_no_other() {
    let db = support::db().await;
    let app = support::app(&db);
    maria(&db).await;
    let son = add(&db, "João Dores", PHONE, "").await;
    let stranger = add(&db, "Zeca Alheio", "+5532988887777", "").await;
    let mut browser = Browser::default();
    browser.come_in(&app, &db).await;
    assert_eq!(
        browser.act(&app, "/meus-dados/pessoa", &[("resident", &stranger.to_string())]).await,
        "/meus-dados?wrong=person"
    );
    assert_eq!(browser.act(&app, "/meus-dados/pessoa", &[("resident", &son.to_string())]).await, "/meus-dados");
    assert!(browser.page(&app).await.contains("<td>João Dores"));
    // And back: Maria has a mailbox of her own, which is told.
    let maria = Uuid::from_u128(u128::from("Maria das Dores".bytes().map(u32::from).sum::<u32>()));
    browser.act(&app, "/meus-dados/pessoa", &[("resident", &maria.to_string())]).await;
    let told: Vec<String> = sqlx::query_scalar("select address from notice where purpose = 'resident_change'")
        .fetch_all(&db.pool)
        .await
        .unwrap();
    assert_eq!(told, ["maria@exemplo.br"]);
}

#[tokio::test]
async fn a_visit_ends_with_the_telephone_it_came_by() {
    let db = support::db().await;
    let app = support::app(&db);
    maria(&db).await;
    let mut browser = Browser::default();
    browser.come_in(&app, &db).await;
    let telephone: i64 =
        sqlx::query_scalar("select id from resident_channel where kind = 'sms'").fetch_one(&db.pool).await.unwrap();
    browser.act(&app, "/meus-dados/canal/remover", &[("id", &telephone.to_string())]).await;
    assert!(!browser.page(&app).await.contains("Maria"));
    // Codes that went there are gone with it.
    assert_eq!(count(&db, "select count(*) from resident_code").await, 0);
    assert_eq!(count(&db, "select count(*) from notice where channel = 'sms'").await, 0);
}

#[tokio::test]
async fn an_older_list_changes_nothing_of_what_residents_wrote_themselves_and_a_newer_one_does() {
    let db = support::db().await;
    let app = support::app(&db);
    maria(&db).await;
    let mut browser = Browser::default();
    browser.come_in(&app, &db).await;
    let fields = [("name", "Maria D. Lima"), ("language", "es"), ("address", ""), ("lat", ""), ("lon", "")];
    browser.act(&app, "/meus-dados/corrigir", &fields).await;
    let mailbox: i64 =
        sqlx::query_scalar("select id from resident_channel where kind = 'email'").fetch_one(&db.pool).await.unwrap();
    browser.act(&app, "/meus-dados/canal/remover", &[("id", &mailbox.to_string())]).await;
    let list = |consent_at: &str| {
        format!(
            "external_ref,name,lat,lon,phone,email,consent_source,consent_at\n\
             cadastro-Maria das Dores,Maria das Dores,-21.76,-43.35,{PHONE},maria@exemplo.br,cadastro,{consent_at}\n"
        )
    };
    for (consent_at, mailboxes, name) in [
        ("2026-01-10T12:00:00Z", 0, "Maria D. Lima"),
        ("", 0, "Maria D. Lima"),
        ("2027-01-10T12:00:00Z", 1, "Maria das Dores"),
    ] {
        crate::catalogue::take(&db, sentinela::catalogue::store::Kind::Residents, &list(consent_at)).await.unwrap();
        assert_eq!(
            count(&db, "select count(*) from resident_channel where kind = 'email'").await,
            mailboxes,
            "{consent_at}"
        );
        let is: String = sqlx::query_scalar("select name from resident").fetch_one(&db.pool).await.unwrap();
        assert_eq!(is, name, "{consent_at}");
    }
}

/// Two people at one telephone inside the area of an alert that was enqueued: Maria's row waits, her son's is the duplicate.
async fn one_telephone_for_two(db: &TestDb) -> (Uuid, Uuid) {
    let town = Town::new(db).await;
    let (first, second) = (town.resident(INSIDE, 0, &[PHONE]).await, town.resident(INSIDE, 0, &[PHONE]).await);
    let alert = town.alert("alert", None, 60).await;
    town.enqueue(alert).await;
    assert_eq!(
        town.rows().await,
        [format!("{PHONE} pending inside"), format!("{PHONE} suppressed inside duplicate_address")]
    );
    (first, second)
}

async fn fates(db: &TestDb) -> Vec<(Uuid, String)> {
    sqlx::query_as("select resident_id, trim(concat_ws(' ', state, reason)) from outbox order by resident_id")
        .fetch_all(&db.pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn whoever_shares_a_telephone_is_warned_when_the_other_withdraws_or_is_erased() {
    for erases in [false, true] {
        let db = support::db().await;
        let (first, second) = one_telephone_for_two(&db).await;
        let mut tx = db.pool.begin().await.unwrap();
        let now = support::start_at();
        if erases {
            assert!(erase(&mut tx, now, ResidentId(first)).await.unwrap());
        } else {
            own::consent(&mut tx, now, ResidentId(first), Purpose::Alerts, false, "página").await.unwrap();
        }
        tx.commit().await.unwrap();
        let expected = [(first, "suppressed consent_withdrawn".to_owned()), (second, "pending".to_owned())];
        assert_eq!(fates(&db).await, expected, "erases: {erases}");
    }
}

#[tokio::test]
async fn a_try_under_way_when_somebody_withdraws_or_is_erased_is_the_last_and_leaves_no_number() {
    for erases in [false, true] {
        let db = support::db().await;
        let town = Town::new(&db).await;
        let id = town.resident(INSIDE, 0, &[PHONE]).await;
        let alert = town.alert("alert", None, 60).await;
        town.enqueue(alert).await;
        sqlx::query("update outbox set state = 'sending', fence = 1, attempts = 1, lease_until = $1, provider = 'p'")
            .bind(support::start_at())
            .execute(&db.pool)
            .await
            .unwrap();
        let mut tx = db.pool.begin().await.unwrap();
        if erases {
            assert!(erase(&mut tx, support::start_at(), ResidentId(id)).await.unwrap());
        } else {
            own::consent(&mut tx, support::start_at(), ResidentId(id), Purpose::Alerts, false, "página").await.unwrap();
        }
        tx.commit().await.unwrap();
        // The worker died: its lease ends, and the row is not given to another.
        let later = support::start_at() + TimeDelta::minutes(5);
        let mut conn = db.pool.acquire().await.unwrap();
        sentinela::dispatch::store::claim::take_back(&mut conn, later, Channel::Sms.as_str()).await.unwrap();
        assert_eq!(fates(&db).await, [(id, "suppressed consent_withdrawn".to_owned())], "erases: {erases}");
        // What the centre says afterwards of the number is not kept.
        let accepted =
            "insert into outbox_attempt (outbox_id, attempt, part, at, provider, outcome, provider_message_id)
            select id, 1, 1, $1, 'p', 'accepted', 'M1' from outbox";
        sqlx::query(accepted).bind(support::start_at()).execute(&db.pool).await.unwrap();
        let (message_id, fate) = ("M1".to_owned(), Fate::Delivered);
        let receipt = Receipt { message_id, fate, error: PHONE.into(), is_dead: false, is_unmarked: false };
        let (raw, address) = (PHONE.into(), PHONE.into());
        let incoming = Incoming { raw, address, receipt: Some(receipt), words: String::new(), part: None };
        keep(&mut conn, later, "p", &[incoming]).await.unwrap();
        settle(&mut conn, later + TimeDelta::seconds(11), "p").await.unwrap();
        let kept: Vec<(String, String, bool)> =
            sqlx::query_as("select address, error, matched_at is not null from delivery_receipt")
                .fetch_all(&mut *conn)
                .await
                .unwrap();
        let words = if erases { String::new() } else { PHONE.to_owned() };
        assert_eq!(kept, [(words.clone(), words, true)]);
        // What was matched before somebody is erased loses it then.
        if !erases {
            erase(&mut conn, later, ResidentId(id)).await.unwrap();
            let left = "select count(*) from delivery_receipt where address <> '' or error <> '' or length(raw) > 0";
            assert_eq!(count(&db, left).await, 0);
        }
    }
}

#[tokio::test]
async fn erasing_takes_everything_that_tells_who_somebody_is_and_leaves_the_accounts() {
    let db = support::db().await;
    let app = support::app(&db);
    let id = maria(&db).await;
    let mut browser = Browser::default();
    browser.come_in(&app, &db).await;
    browser.act(&app, "/meus-dados/necessidades", &[("text", "Uso oxigênio."), ("agree", "yes")]).await;
    // Half of a message of theirs, which nobody can read yet.
    let half = "with m as (insert into sms_message (source, destination, reference, total, last_at)
            values ('5532999991234', '40199', 7, 2, now()) returning id)
        insert into sms_part select id, 1, 0, 'Maria'::bytea from m";
    sqlx::raw_sql(half).execute(&db.pool).await.unwrap();
    assert_eq!(browser.act(&app, "/meus-dados/apagar", &[("word", "sim")]).await, "/meus-dados?wrong=word");
    assert_eq!(
        browser.act(&app, "/meus-dados/apagar", &[("word", "apagar")]).await,
        "/meus-dados?done=erased&receipt=2026/001"
    );
    let page = text(browser.get(&app, "/meus-dados?done=erased&receipt=2026/001").await).await;
    assert!(page.contains("2026/001") && !page.contains("Maria"), "{page}");
    // Nothing in the whole database says who it was.
    let dump = super::dump(&db).await;
    for gone in ["Maria", "Dores", "999991234", "maria@", "oxig", "cadastro-"] {
        assert!(!dump.contains(gone), "{gone} is still there");
    }
    assert_eq!(count(&db, "select count(*) from resident where deleted_at is not null").await, 1);
    let history: Vec<bool> =
        sqlx::query_scalar("select given from consent where resident_id = $1 and purpose = 'alerts' order by id")
            .bind(id)
            .fetch_all(&db.pool)
            .await
            .unwrap();
    assert_eq!(history, [true, false]);
    // The same telephone opens nothing any more.
    app.clock.set(app.clock.now() + TimeDelta::minutes(5));
    browser.post(&app, "/meus-dados/codigo", &[("who", TYPED)]).await;
    assert_eq!(count(&db, "select count(*) from notice").await, 0);
}

#[tokio::test]
async fn over_https_the_cookies_are_bound_to_the_host() {
    let db = support::db().await;
    let app = support::app_with(&db, &[("SENTINELA__HTTP__PUBLIC_URL", "https://alerta.exemplo.br")]);
    maria(&db).await;
    let mut browser = Browser::default();
    browser.come_in(&app, &db).await;
    assert!(
        browser.cookies.iter().all(|(name, _)| name.starts_with("__Host-sentinela_resident")),
        "{:?}",
        browser.cookies
    );
    assert!(browser.page(&app).await.contains("Maria"));
}
