//! The public page: a form, a code or a link, and the own page after it.

use axum::http::StatusCode;
use chrono::TimeDelta;
use sentinela::app::App;

use super::{Browser, POSTCODES, between, texts};
use crate::dispatch::town::Town;
use crate::support::{self, TestDb};

async fn town(db: &TestDb) -> App {
    sqlx::raw_sql(POSTCODES).execute(&db.pool).await.unwrap();
    Town::new(db).await;
    support::app(db)
}

const FILLED: [(&str, &str); 12] = [
    ("who", "(32) 99999-0005"),
    ("name", "Ana"),
    ("language", "es"),
    ("place", "36010-000"),
    ("people1", "4"),
    ("place2", "-21.650, -43.350"),
    ("label2", "Casa da avó"),
    ("least_level", "attention"),
    ("quiet_from", "22:00"),
    ("quiet_until", "06:00"),
    ("consent", "yes"),
    ("website", ""),
];

impl Browser {
    /// Fills the form in as slowly as people do.
    async fn sign_up(&mut self, fields: &[(&str, &str)]) -> super::Answer {
        let page = self.get("/cadastro").await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text);
        let stamp = between(&page.text, "name=\"stamp\" value=\"", "\"");
        self.app.clock.set(self.app.clock.now() + TimeDelta::minutes(2));
        self.post("/cadastro", &[fields, &[("stamp", stamp.as_str())]].concat()).await
    }
}

async fn newest_code(db: &TestDb) -> String {
    let body =
        texts(db, "select body from notice where purpose = 'resident_code' order by created_at desc, id desc limit 1")
            .await;
    let is_code = |word: &&str| word.len() == 6 && word.bytes().all(|byte| byte.is_ascii_digit());
    body[0].split(|letter: char| !letter.is_ascii_digit()).find(is_code).unwrap().to_owned()
}

#[tokio::test]
async fn a_form_reaches_nobody_until_its_code_is_typed_and_then_all_of_it_counts() {
    let db = support::db().await;
    let app = town(&db).await;
    let mut browser = Browser::of(&app);
    let needs = [("need_mobility", "yes"), ("need_pets", "yes"), ("needs_consent", "yes")];
    let sent = browser.sign_up(&[&FILLED[..], &needs[..]].concat()).await;
    assert_eq!((sent.status, sent.location.as_str()), (StatusCode::SEE_OTHER, "/cadastro/codigo"), "{}", sent.text);
    for table in ["resident", "resident_place", "resident_channel", "consent"] {
        assert_eq!(Town { db: &db }.count(table).await, 0, "{table}");
    }
    let wrong = browser.post("/cadastro/codigo", &[("code", "0000000")]).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    let code = newest_code(&db).await;
    let stranger = Browser::of(&app).post("/cadastro/codigo", &[("code", &code)]).await;
    assert_eq!(stranger.status, StatusCode::UNAUTHORIZED, "a code is good only in the browser that asked");
    let done = browser.post("/cadastro/codigo", &[("code", &code)]).await;
    assert_eq!(done.location, "/meus-dados?done=joined", "{}", done.text);
    let held = texts(&db, "select concat_ws('|', name, language, least_level, quiet_from, quiet_until, quiet_zone, needs, consent_source) from resident").await;
    assert_eq!(held, ["Ana|es|attention|22:00:00|06:00:00|America/Sao_Paulo|{mobility,pets}|public page"]);
    let places =
        texts(&db, "select concat_ws('|', label, cep, people, precision_m) from resident_place order by id").await;
    assert_eq!(places, ["home|36010000|4|300", "Casa da avó|1|30"]);
    assert_eq!(
        texts(&db, "select address from resident_channel where verified_at is not null").await,
        ["+5532999990005"]
    );
    let consents = texts(&db, "select purpose || ' ' || given || ' ' || source from consent order by id").await;
    assert_eq!(consents, ["alerts true public page", "needs true public page"]);
    let page = browser.get("/meus-dados?done=joined").await.text;
    for part in ["Casa da avó", "4 pessoas", "A partir de atenção", "Silêncio das 22:00 às 06:00", "Animais"] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    // The same code again does nothing.
    let again = browser.post("/cadastro/codigo", &[("code", &code)]).await;
    assert_eq!(again.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn whoever_lives_there_is_named_with_the_form_sealed_by_a_consent_and_never_twice() {
    let db = support::db().await;
    let app = town(&db).await;
    let mut browser = Browser::of(&app);
    let living = [
        ("living1", "Rosa Dias"),
        ("living1_is", "parent"),
        ("living1_mobility", "yes"),
        ("living3", "Caio"),
        ("living3_is", "child"),
    ];
    let without = browser.sign_up(&[&FILLED[..], &living[..]].concat()).await;
    assert_eq!(without.status, StatusCode::UNPROCESSABLE_ENTITY);
    let kept =
        without.text.contains("value=\"Rosa Dias\"") && without.text.contains("Marque que essas pessoas concordam");
    assert!(kept, "{}", without.text);
    let whole = [&FILLED[..], &living[..], &[("household_consent", "yes")]].concat();
    for location in ["/meus-dados?done=joined", "/meus-dados?done=joined&wrong=living"] {
        app.clock.set(app.clock.now() + TimeDelta::hours(1));
        assert_eq!(browser.sign_up(&whole).await.location, "/cadastro/codigo");
        let code = newest_code(&db).await;
        assert_eq!(browser.post("/cadastro/codigo", &[("code", &code)]).await.location, location);
        let named = "select label || needs::text from resident_companion order by needs";
        assert_eq!(texts(&db, named).await, ["home{}", "home{mobility}"]);
    }
    let consents = texts(&db, "select purpose from consent order by id").await;
    assert_eq!(consents, ["alerts", "household"]);
    let rows =
        texts(&db, "select row_to_json(c)::text || v.sealed::text from resident_companion c, vault_record v").await;
    assert!(rows.iter().all(|row| !row.contains("Rosa")), "names are sealed");
    assert!(browser.get("/meus-dados").await.text.contains("Rosa Dias"));
}

#[tokio::test]
async fn the_link_of_an_e_mail_confirms_by_a_press_in_any_browser_and_once() {
    let db = support::db().await;
    let app = town(&db).await;
    let fields = [("who", "Ana@Example.org"), ("place", "36010-000"), ("consent", "yes")];
    assert_eq!(Browser::of(&app).sign_up(&fields).await.location, "/cadastro/codigo");
    let body = texts(&db, "select body from notice").await;
    let path = format!("/cadastro/confirmar/{}", between(&body[0], "/cadastro/confirmar/", "\n"));
    let mut other = Browser::of(&app);
    assert!(other.get(&path).await.text.contains("Confirmar cadastro"));
    assert_eq!(Town { db: &db }.count("resident").await, 0, "looking confirms nothing");
    // The code is long over, the link is not.
    app.clock.set(app.clock.now() + TimeDelta::hours(20));
    assert_eq!(other.post(&path, &[]).await.location, "/meus-dados?done=joined");
    assert_eq!(
        texts(&db, "select address from resident_channel where verified_at is not null").await,
        ["ana@example.org"]
    );
    assert_eq!(other.post(&path, &[]).await.status, StatusCode::GONE);
    assert_eq!(other.get("/cadastro/confirmar/AAAA").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn whoever_is_known_sees_the_same_pages_and_keeps_their_record() {
    let db = support::db().await;
    let app = town(&db).await;
    let known = Town { db: &db }.resident((-43.3, -21.6), 20, &["+5532999990005"]).await;
    sqlx::query("update resident set name = 'Ana Maria', alerts_withdrawn_at = now() where id = $1")
        .bind(known)
        .execute(&db.pool)
        .await
        .unwrap();
    let mut browser = Browser::of(&app);
    assert_eq!(browser.sign_up(&FILLED).await.location, "/cadastro/codigo");
    let code = newest_code(&db).await;
    assert_eq!(browser.post("/cadastro/codigo", &[("code", &code)]).await.location, "/meus-dados?done=joined");
    assert_eq!(
        texts(&db, "select name || ' ' || (alerts_withdrawn_at is null) from resident").await,
        ["Ana Maria true"]
    );
    assert_eq!(texts(&db, "select label from resident_place order by id").await, ["home", "Casa 2", "Casa da avó"]);
}

#[tokio::test]
async fn what_is_wrong_comes_back_with_its_words_and_machines_ring_nobodys_telephone() {
    let db = support::db().await;
    let app = town(&db).await;
    let mut browser = Browser::of(&app);
    for (fields, told) in [
        (&[("who", "x"), ("place", "36010-000"), ("consent", "yes")][..], "não é um telefone"),
        (&[("who", "32 99999-0005"), ("place", "99999-999"), ("consent", "yes")], "Não achamos este lugar"),
        (&[("who", "32 99999-0005"), ("place", "-20.000, -40.000"), ("consent", "yes")], "longe daqui"),
        (&[("who", "32 99999-0005"), ("consent", "yes")], "Diga onde"),
        (&[("who", "32 99999-0005"), ("place", "36010-000")], "marque que quer recebê-los"),
        (
            &[("who", "32 99999-0005"), ("place", "36010-000"), ("consent", "yes"), ("need_care", "yes")],
            "Marque que permite",
        ),
        (
            &[("who", "32 99999-0005"), ("place", "36010-000"), ("consent", "yes"), ("quiet_from", "22:00")],
            "duas horas",
        ),
    ] {
        let refused = browser.sign_up(fields).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{told}");
        assert!(refused.text.contains(told), "{told} is not in {}", refused.text);
        let value = fields.iter().find(|(name, _)| *name == "who").unwrap().1;
        assert!(refused.text.contains(&format!("value=\"{value}\"")));
    }
    // Without a stamp, with one that is too young, or with the field that only machines see.
    let filled: Vec<_> = FILLED.iter().filter(|(name, _)| *name != "website").copied().collect();
    assert_eq!(browser.post("/cadastro", &filled).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let page = browser.get("/cadastro").await.text;
    let stamp = between(&page, "name=\"stamp\" value=\"", "\"");
    let fast = browser.post("/cadastro", &[&filled[..], &[("stamp", stamp.as_str())]].concat()).await;
    assert_eq!(fast.status, StatusCode::UNPROCESSABLE_ENTITY);
    let machine = browser.sign_up(&[&filled[..], &[("website", "http://x")]].concat()).await;
    assert_eq!(machine.location, "/cadastro/codigo", "it is shown what people are shown");
    assert_eq!(Town { db: &db }.count("notice").await + Town { db: &db }.count("resident_code").await, 0);
}

#[tokio::test]
async fn of_two_streets_of_one_name_the_reader_says_which() {
    let db = support::db().await;
    let app = town(&db).await;
    sqlx::raw_sql(
        "insert into address_street (id, source, kind, key, words, name, neighbourhood, neighbourhood_key, middle, reach_m,
            west, south, east, north)
         select n, 'own', 'rua', 'flores', '{flores}', 'Rua das Flores', b, lower(b), st_setsrid(st_makepoint(-43.4 - n / 10.0, -21.7), 4326),
            100, -43.401 - n / 10.0, -21.701, -43.399 - n / 10.0, -21.699
         from unnest(array['Centro', 'Linhares']) with ordinality as t (b, n)",
    )
    .execute(&db.pool)
    .await
    .unwrap();
    let mut browser = Browser::of(&app);
    let fields = [("who", "32 99999-0005"), ("place", "rua das flores"), ("consent", "yes")];
    let asked = browser.sign_up(&fields).await;
    assert!(asked.text.contains("Qual destes lugares?") && asked.text.contains("Linhares"), "{}", asked.text);
    let choices: Vec<&str> =
        asked.text.match_indices("name=\"choice1\" value=\"").map(|(at, _)| &asked.text[at..]).collect();
    assert_eq!(choices.len(), 2);
    let value = between(choices.iter().find(|rest| rest[..200].contains("Linhares")).unwrap(), "value=\"", "\"");
    let chosen = browser.sign_up(&[&fields[..], &[("choice1", value.as_str())]].concat()).await;
    assert_eq!(chosen.location, "/cadastro/codigo", "{}", chosen.text);
    let code = newest_code(&db).await;
    browser.post("/cadastro/codigo", &[("code", &code)]).await;
    let held = texts(
        &db,
        "select address_text || ' ' || precision_m || ' ' || round(st_x(geom)::numeric, 1) from resident_place",
    )
    .await;
    assert_eq!(held, ["Rua das Flores – Linhares 100 -43.6"]);
}

#[tokio::test]
async fn everything_can_be_changed_later_on_the_own_page() {
    let db = support::db().await;
    let app = town(&db).await;
    let mut browser = Browser::of(&app);
    browser.sign_up(&FILLED).await;
    let code = newest_code(&db).await;
    browser.post("/cadastro/codigo", &[("code", &code)]).await;
    let place = [("place", "36030-300"), ("label", "Escola"), ("people", "2")];
    assert_eq!(browser.act("/meus-dados/lugar", &place).await, "/meus-dados?done=places");
    assert_eq!(browser.act("/meus-dados/lugar", &place).await, "/meus-dados?done=same");
    assert_eq!(browser.act("/meus-dados/lugar", &[("place", "99999-999")]).await, "/meus-dados?wrong=where");
    assert_eq!(browser.act("/meus-dados/lugar/remover", &[("label", "Casa da avó")]).await, "/meus-dados?done=places");
    assert_eq!(texts(&db, "select label from resident_place order by id").await, ["home", "Escola"]);
    let wanted = [("least_level", "alert"), ("quiet_from", ""), ("quiet_until", "")];
    assert_eq!(browser.act("/meus-dados/preferencias", &wanted).await, "/meus-dados?done=corrected");
    assert_eq!(browser.act("/meus-dados/preferencias", &wanted).await, "/meus-dados?done=same");
    let wrong = [("least_level", "maximum")];
    assert_eq!(browser.act("/meus-dados/preferencias", &wrong).await, "/meus-dados?wrong=preferences");
    assert_eq!(
        browser.act("/meus-dados/necessidades", &[("hearing", "yes"), ("agree", "yes")]).await,
        "/meus-dados?done=needs"
    );
    assert_eq!(texts(&db, "select least_level || ' ' || needs::text from resident").await, ["alert {hearing}"]);
    let none = [("purpose", "needs"), ("given", "no")];
    assert_eq!(browser.act("/meus-dados/consentimento", &none).await, "/meus-dados?done=withdrawn");
    assert_eq!(texts(&db, "select needs::text from resident").await, ["{}"]);
    // Whoever stopped by SAIR and agrees again is warned where they are.
    browser.act("/meus-dados/consentimento", &[("purpose", "alerts"), ("given", "no")]).await;
    sqlx::query("update resident_channel set opted_out_at = now()").execute(&db.pool).await.unwrap();
    browser.act("/meus-dados/consentimento", &[("purpose", "alerts"), ("given", "yes")]).await;
    assert_eq!(texts(&db, "select address from resident_channel where opted_out_at is null").await, ["+5532999990005"]);
    // What is exported holds all of it.
    assert_eq!(browser.act("/meus-dados/lugar", &[("place", "36020-100")]).await, "/meus-dados?done=places");
    let page = browser.get("/meus-dados").await.text;
    let csrf = between(&page, "name=\"csrf\" value=\"", "\"");
    let export = browser.post("/meus-dados/exportar", &[("csrf", &csrf), ("format", "json")]).await.text;
    assert!(export.contains("\"least_level\":\"alert\"") && export.contains("\"people\":2"), "{export}");
}

#[tokio::test]
async fn codes_by_sms_go_to_this_country_and_no_more_of_them_than_the_service_may_send() {
    let db = support::db().await;
    sqlx::raw_sql(POSTCODES).execute(&db.pool).await.unwrap();
    Town::new(&db).await;
    let app = support::app_with(&db, &[("SENTINELA__SIGNUP__SMS_PER_DAY", "2")]);
    let mut conn = app.db.web.acquire().await.unwrap();
    let (now, role) = (app.clock.now(), sentinela::accounts::Role::Administrator);
    sentinela::accounts::store::upsert_member(&mut conn, &app.ids, now, "ana", "Ana", &role.into(), "x").await.unwrap();
    drop(conn);
    sqlx::query("update staff set email = 'ana@town.example'").execute(&db.pool).await.unwrap();
    let of = |who| [("who", who), ("place", "36010-000"), ("consent", "yes")];
    let mut browser = Browser::of(&app);
    let abroad = browser.sign_up(&of("+882 1234 56789")).await;
    assert_eq!(abroad.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(abroad.text.contains("celulares do Brasil"), "{}", abroad.text);
    for who in ["32 99999-0001", "32 99999-0002"] {
        assert_eq!(browser.sign_up(&of(who)).await.location, "/cadastro/codigo", "{who}");
    }
    for who in ["32 99999-0003", "32 99999-0004"] {
        let full = browser.sign_up(&of(who)).await;
        assert_eq!(full.status, StatusCode::SERVICE_UNAVAILABLE, "{}", full.text);
        assert!(full.text.contains("Use um e-mail"), "{}", full.text);
    }
    assert_eq!(texts(&db, "select address from notice where purpose = 'signup_alarm'").await, ["ana@town.example"]);
    assert_eq!(browser.sign_up(&of("ana@example.org")).await.location, "/cadastro/codigo", "letters cost nothing");
    app.clock.set(app.clock.now() + TimeDelta::hours(25));
    assert_eq!(browser.sign_up(&of("32 99999-0003")).await.location, "/cadastro/codigo");
}

#[tokio::test]
async fn whoever_has_ten_places_is_told_what_was_not_added() {
    let db = support::db().await;
    let app = town(&db).await;
    let known = Town { db: &db }.resident((-43.3, -21.6), 20, &["+5532999990005"]).await;
    sqlx::query(
        "insert into resident_place (resident_id, label, geom, precision_m)
        select $1, 'Lugar ' || n, st_setsrid(st_makepoint(-43.3, -21.6 - n / 1000.0), 4326), 20 from generate_series(1, 8) n",
    )
    .bind(known)
    .execute(&db.pool)
    .await
    .unwrap();
    let mut browser = Browser::of(&app);
    browser.sign_up(&FILLED).await;
    let code = newest_code(&db).await;
    let done = browser.post("/cadastro/codigo", &[("code", &code)]).await;
    assert_eq!(done.location, "/meus-dados?done=joined&wrong=left&n=1");
    let page = browser.get(&done.location).await.text;
    assert!(page.contains("um lugar deste cadastro não foi acrescentado"), "{page}");
}

#[tokio::test]
async fn who_lives_there_is_named_by_consent_sealed_counted_before_an_alert_and_gone_with_the_consent() {
    let db = support::db().await;
    let app = town(&db).await;
    let mut browser = Browser::of(&app);
    browser.sign_up(&[("who", "32 99999-0005"), ("name", "Ana"), ("place", "36010-000"), ("consent", "yes")]).await;
    let code = newest_code(&db).await;
    browser.post("/cadastro/codigo", &[("code", &code)]).await;
    let named =
        |name: &'static str, relation: &'static str| [("place", "home"), ("name", name), ("relation", relation)];
    let at = "/meus-dados/moradores";
    assert_eq!(browser.act(at, &named("Davi", "child")).await, "/meus-dados?wrong=companion", "without a yes");
    assert_eq!(
        browser.act(at, &[&named("", "child")[..], &[("agree", "yes")]].concat()).await,
        "/meus-dados?wrong=companion"
    );
    let davi =
        [&named("Davi Lima", "grandparent")[..], &[("mobility", "yes"), ("care", "yes"), ("agree", "yes")]].concat();
    assert_eq!(browser.act(at, &davi).await, "/meus-dados?done=companions");
    let bia = [&named("Bia Lima", "child")[..], &[("agree", "yes")]].concat();
    assert_eq!(browser.act(at, &bia).await, "/meus-dados?done=companions");
    let page = browser.get("/meus-dados").await.text;
    for part in ["Davi Lima", "avô ou avó", "Bia Lima", "3 pessoas"] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    // No name and no relation lies open in the database.
    let open: i64 = sqlx::query_scalar(
        "select (select count(*) from resident_companion c where c::text like '%Lima%' or c::text like '%grandparent%')
            + (select count(*) from audit_event e where e::text like '%Davi%')",
    )
    .fetch_one(&db.pool)
    .await
    .unwrap();
    assert_eq!(open, 0);
    assert_eq!(texts(&db, "select household_needs::text from resident").await, ["true"]);
    // Before an alert leaves they are counted by group, and by the place that is meant.
    let town = Town { db: &db };
    let alert = town.alert("alert", None, 60).await;
    let mut conn = db.pool.acquire().await.unwrap();
    let reach = sentinela::dispatch::audience::preview(&mut conn, support::start_at(), alert).await.unwrap();
    let needs = (reach.others_needs.mobility, reach.others_needs.care, reach.others_needs.hearing);
    assert_eq!((reach.others, reach.others_with_needs, needs), (2, 1, (1, 1, 0)));
    assert_eq!(reach.with_needs, 0, "the contact needs nothing");
    // Whoever takes their record along has them; one is taken out, and the consent ends the other.
    let csrf = between(&page, "name=\"csrf\" value=\"", "\"");
    let export = browser.post("/meus-dados/exportar", &[("csrf", &csrf), ("format", "json")]).await.text;
    assert!(export.contains("\"name\":\"Bia Lima\"") && export.contains("\"relation\":\"grandparent\""), "{export}");
    let one = texts(&db, "select id::text from resident_companion where needs = '{}'").await;
    assert_eq!(browser.act("/meus-dados/moradores/remover", &[("id", &one[0])]).await, "/meus-dados?done=companions");
    assert_eq!(texts(&db, "select count(*)::text from vault_record where purpose = 'resident_household'").await, ["1"]);
    let none = [("purpose", "household"), ("given", "no")];
    assert_eq!(browser.act("/meus-dados/consentimento", &none).await, "/meus-dados?done=withdrawn");
    let left = "select (select count(*) from resident_companion) || ' ' || (select count(*) from vault_record) || ' ' || household_needs
        || ' ' || (select people from resident_place) from resident";
    assert_eq!(texts(&db, left).await, ["0 0 false 3"]);
    let bare = "insert into resident_companion (id, resident_id, label, added_at) select gen_random_uuid(), id, 'home', now() from resident";
    let refused = sqlx::query(bare).execute(&db.pool).await.unwrap_err().to_string();
    assert!(refused.contains("only while the consent to it stands"), "{refused}");
}

#[tokio::test]
async fn staff_who_see_residents_see_who_lives_with_them_and_the_resident_sees_that_they_did() {
    let db = support::db().await;
    let app = town(&db).await;
    let mut browser = Browser::of(&app);
    browser.sign_up(&[("who", "32 99999-0005"), ("name", "Ana"), ("place", "36010-000"), ("consent", "yes")]).await;
    let code = newest_code(&db).await;
    browser.post("/cadastro/codigo", &[("code", &code)]).await;
    let davi = [("place", "home"), ("name", "Davi Lima"), ("relation", "child"), ("hearing", "yes"), ("agree", "yes")];
    browser.act("/meus-dados/moradores", &davi).await;
    let mut conn = app.db.web.acquire().await.unwrap();
    let (now, role) = (app.clock.now(), sentinela::accounts::Role::Operator);
    let id =
        sentinela::accounts::store::upsert_member(&mut conn, &app.ids, now, "olga", "Olga", &role.into(), "x").await;
    drop(conn);
    let (cookie, _) = support::session_of(&app, id.unwrap()).await;
    let resident = texts(&db, "select id::text from resident").await;
    let asked = axum::http::Request::get(format!("/console/residents/{}", resident[0])).header("cookie", cookie);
    let page = Browser::of(&app).ask(asked, "").await;
    assert!(page.text.contains("Davi Lima") && page.text.contains("filho ou filha"), "{}", page.text);
    let looked = "select act || ' ' || object from audit_event where actor = 'olga' and act = 'vault.open'";
    assert_eq!(texts(&db, looked).await, [format!("vault.open resident_household resident:{}", resident[0])]);
    let own = browser.get("/meus-dados").await.text;
    assert!(own.contains("Davi Lima") && !own.contains("olga"), "staff have a privacy of their own");
}
