//! The register of addresses, from a file to the place of a report, and what staff places by hand.

use sentinela::addresses::file::{Source, Town as Place, read};
use sentinela::addresses::store::{find, import, suggest};
use sentinela::addresses::{Found, Mode};
use sentinela::audit::Actor;

use super::*;

const REGISTER: &str = "street,number,neighbourhood,cep,lat,lon
Rua das Flores,20,Linhares,36060-000,-21.7500,-43.3000
Rua das Flores,40,Linhares,36060-000,-21.7504,-43.3000
Rua das Flores,20,Bom Pastor,36021-000,-21.7500,-43.3950
Rua do Campo,10,Bom Pastor,36021-100,-21.7510,-43.3950
Rua do Campo,30,Bom Pastor,36021-100,-21.7520,-43.3950
Avenida Barão do Rio Branco,2100,Bom Pastor,36021-500,-21.7530,-43.3960
";

impl Site {
    async fn bring(&self, source: Source, text: &str, dry_run: bool) -> import::Report {
        let (streets, postcodes) = read(source, text.as_bytes(), &Place::default()).unwrap().register.finish();
        let mut conn = self.app.db.web.acquire().await.unwrap();
        let by = (&self.app.ids, self.app.clock.now(), &Actor::service());
        let sum = format!("{:x}", text.len());
        import::replace(&mut conn, by, (source, &sum), (&streets, &postcodes), dry_run).await.unwrap()
    }

    async fn with_register() -> Self {
        let site = Self::new().await;
        assert_eq!(site.bring(Source::Own, REGISTER, false).await.addresses, 6);
        site
    }

    async fn find(&self, text: &str, mode: Mode) -> (bool, Vec<String>) {
        let found = find(&mut self.app.db.web.acquire().await.unwrap(), text, mode).await.unwrap();
        let line =
            |one: &sentinela::addresses::Candidate| format!("{} · {} · {}", one.label, one.how, one.spot.precision_m);
        (matches!(found, Found::One(_)), found.candidates().iter().map(line).collect())
    }

    async fn sms(&self, text: &str) {
        let mut tx = self.db.pool.begin().await.unwrap();
        inbound::sms(&mut tx, &self.app, self.app.clock.now(), ("5532999990001", text)).await.unwrap().unwrap();
        tx.commit().await.unwrap();
    }

    async fn placed(&self) -> Vec<String> {
        self.text(
            "select concat_ws(' ', place_from, precision_m, round(st_x(geom)::numeric, 4)) from report order by received_at, protocol",
        )
        .await
    }
}

#[tokio::test]
async fn a_file_takes_the_place_of_what_its_source_brought_and_of_nothing_else() {
    let site = Site::with_register().await;
    let cnefe = "COD_MUNICIPIO;NOM_TIPO_SEGLOGR;NOM_TITULO_SEGLOGR;NOM_SEGLOGR;NUM_ENDERECO;CEP;DSC_LOCALIDADE;LATITUDE;LONGITUDE;NV_GEO_COORD\n\
        3136702;RUA;;NULL;5;36060000;LINHARES;-21.75;-43.3;1\n";
    let looked = site.bring(Source::Cnefe, cnefe, true).await;
    assert_eq!((looked.addresses, site.number("select count(*) from address").await), (1, 6));
    site.bring(Source::Cnefe, cnefe, false).await;
    assert_eq!(site.number("select count(*) from address").await, 7);
    assert_eq!(site.find("Rua Null 5", Mode::Field).await.1, ["Rua Null, 5 – Linhares · number · 15"]);
    assert!(site.bring(Source::Cnefe, cnefe, false).await.is_unchanged);
    let shorter = "street,number,lat,lon\nRua Nova,1,-21.75,-43.30\n";
    assert_eq!(site.bring(Source::Own, shorter, false).await.before, 6);
    assert_eq!(site.text("select name from address_street order by 1").await, ["Rua Nova", "Rua Null"]);
    assert_eq!(site.text("select cep from address_postcode").await, ["36060000"]);
    let acts = site
        .text("select concat_ws(' ', act, object, after ->> 'source') from audit_event where act = 'catalogue.import'")
        .await;
    assert_eq!(acts.len(), 3, "{acts:?}");
}

#[tokio::test]
async fn written_addresses_are_found_and_two_of_one_name_are_never_guessed() {
    let site = Site::with_register().await;
    for (text, found) in [
        ("Rua das Flores, 20, Linhares", "Rua das Flores, 20 – Linhares · number · 15"),
        ("r. das flores 30 linhares", "Rua das Flores, 30 – Linhares · between · 60"),
        ("RUA DO CAMPO 20", "Rua do Campo, 20 – Bom Pastor · between · 60"),
        ("R do Campo", "Rua do Campo – Bom Pastor · street · 71"),
        ("Av Rio Branco n° 2.100", "Avenida Barão do Rio Branco, 2100 – Bom Pastor · number · 15"),
        ("36021-100", "CEP 36021-100 (Rua do Campo) · cep · 71"),
        ("Rua das Flores 20, 36021-000", "Rua das Flores, 20 – Bom Pastor · number · 15"),
        ("Rua das Flores, 20 – Linhares", "Rua das Flores, 20 – Linhares · number · 15"),
    ] {
        assert_eq!(site.find(text, Mode::Field).await, (true, vec![found.to_owned()]), "{text}");
    }
    let (is_sure, both) = site.find("Rua das Flores, 20", Mode::Field).await;
    assert!(!is_sure && both.len() == 2, "{both:?}");
    // A letter wrong, another kind of street, a neighbourhood that lies elsewhere: looked at, and taken by nobody unasked.
    for text in ["Rua do Canpo 10", "Travessa do Campo 10", "Rua do Campo, 10, Linhares", "Av. Rio Branco"] {
        let (is_sure, found) = site.find(text, Mode::Field).await;
        assert!(!is_sure && found.len() == 1, "{text}: {found:?}");
    }
    for text in ["Rua Inexistente, 5", "Linhares", "barranco"] {
        assert_eq!(site.find(text, Mode::Field).await, (false, vec![]), "{text}");
    }
    // What contradicts, and a second address beside one that nobody knows, is taken by nobody unasked.
    for text in [
        "Rua do Campo, 10, 36060-000",
        "Rua das Flores, 20 esquina com Rua do Campo, 10",
        "Rua Z, 5, perto da Rua do Campo, 10",
    ] {
        assert!(!site.find(text, Mode::Text).await.0, "{text}");
    }
    let message = "a tv caiu. Barranco na rua do Campo 10, perto do bar";
    assert_eq!(site.find(message, Mode::Text).await.1[0], "Rua do Campo, 10 – Bom Pastor · number · 15");
}

#[tokio::test]
async fn what_is_typed_is_completed() {
    let site = Site::with_register().await;
    let ask = async |q: &str| {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("q", q).finish();
        site.ask("GET", &format!("/api/v1/addresses?{query}"), &[], vec![]).await
    };
    let labels = async |q: &str| -> Vec<String> {
        let answer = ask(q).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        answer.json().as_array().unwrap().iter().map(|one| one["label"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(labels("rua das flo").await, ["Rua das Flores – Bom Pastor", "Rua das Flores – Linhares"]);
    assert_eq!(labels("bran").await, ["Avenida Barão do Rio Branco – Bom Pastor"]);
    assert_eq!(labels("Rua do Camp, 30").await, ["Rua do Campo, 30 – Bom Pastor"]);
    assert_eq!(labels("avenida das flo").await, Vec::<String>::new());
    assert_eq!(labels("%_'\\").await, Vec::<String>::new());
    for wrong in ["a", &"x".repeat(201), ""] {
        assert_eq!(ask(wrong).await.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
    let suggested = suggest(&mut site.app.db.web.acquire().await.unwrap(), "Rua das Flores 20").await.unwrap();
    assert_eq!(suggested.len(), 2);
    for one in suggested {
        // What is chosen is found alone.
        assert!(site.find(&one.label, Mode::Field).await.0, "{}", one.label);
    }
}

#[tokio::test]
async fn looking_for_addresses_has_an_end() {
    let mut site = Site::with(&[
        ("SENTINELA__HTTP__LIMITS__PUBLIC_SEARCHES_PER_MINUTE", "1"),
        ("SENTINELA__HTTP__LIMITS__PUBLIC_SEARCHES_BURST", "2"),
    ])
    .await;
    site.come_from(7);
    for status in [200, 200, 429] {
        assert_eq!(site.ask("GET", "/api/v1/addresses?q=rua", &[], vec![]).await.status.as_u16(), status);
    }
    site.come_from(8);
    assert_eq!(site.ask("GET", "/api/v1/addresses?q=rua", &[], vec![]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_form_puts_a_report_at_its_address_and_says_so() {
    let site = Site::with_register().await;
    let stamp = site.stamp().await;
    site.pass(1);
    let fields = [("stamp", stamp.as_str()), ("kind", "landslide"), ("place", "Rua das Flores, 20, Linhares")];
    let sent = site.send(&fields, &[]).await;
    assert_eq!(site.placed().await, ["address 15 -43.3000"]);
    let page = site.ask("GET", &sent.location, &[], vec![]).await;
    assert!(page.text.contains("Rua das Flores, 20 – Linhares</b>, com 15 m"), "{}", page.text);
    // Nobody else's words stand there.
    let forged = sent.location.replace("Linhares", "Centro");
    assert_ne!(forged, sent.location);
    let page = site.ask("GET", &forged, &[], vec![]).await;
    assert!(page.status == StatusCode::OK && !page.text.contains("Rua das Flores"), "{}", page.text);
    // Two neighbours who each write the address are one occurrence.
    site.report(&[("kind", "cracks"), ("place", "R. das Flores 40 Linhares")]).await;
    assert_eq!(site.number("select count(*) from occurrence").await, 1);
}

#[tokio::test]
async fn an_address_that_is_several_is_taken_with_its_words_and_a_point_given_by_hand_wins() {
    let site = Site::with_register().await;
    let stamp = site.stamp().await;
    site.pass(1);
    let fields = [("stamp", stamp.as_str()), ("kind", "landslide"), ("place", "Rua das Flores, 20")];
    let sent = site.send(&fields, &[]).await;
    assert!(sent.status == StatusCode::SEE_OTHER && sent.location.ends_with("&varios=sim"), "{}", sent.location);
    let page = site.ask("GET", &sent.location, &[], vec![]).await;
    assert!(page.text.contains("em mais de um lugar"), "{}", page.text);
    site.pass(1);
    let (lat, lon) = place(0.0);
    let fields = [
        ("kind", "fire"),
        ("place", "Rua das Flores, 20, Linhares"),
        ("lat", &lat),
        ("lon", &lon),
        ("accuracy_m", "9"),
    ];
    site.report(&fields).await;
    assert_eq!(site.placed().await, ["unknown", "gps 9 -43.3950"]);
    site.pass(1);
    let mut coarse = fields;
    coarse[4].1 = "2000";
    site.report(&coarse).await;
    assert_eq!(site.placed().await[2], "address 15 -43.3000");
    assert_eq!(site.text("select place from report order by received_at limit 1").await, ["Rua das Flores, 20"]);
}

#[tokio::test]
async fn a_message_that_names_a_known_house_is_put_there_and_not_at_the_home_of_who_writes() {
    let site = Site::with_register().await;
    site.sms("RELATO barranco caiu, rua das Flores 20, Linhares").await;
    site.pass(1);
    site.sms("RELATO árvore caiu, rua Desconhecida 20").await;
    site.pass(1);
    site.sms("RELATO barranco caiu atrás da casa").await;
    assert_eq!(site.placed().await, ["address 15 -43.3000", "unknown", "resident 20 -43.3950"]);
}

#[tokio::test]
async fn programs_give_an_address_and_are_told_what_it_was_taken_for() {
    let site = Site::with_register().await;
    let body = json!({"id": "3e9f8c1a-aaaa-bbbb-cccc-000000000001", "kind": "fire", "address": "Rua do Campo, 10", "place": "fundos"});
    let first = site.api(&[], body).await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.text);
    assert_eq!(
        (&first.json()["address"], &first.json()["accuracy_m"]),
        (&json!("Rua do Campo, 10 – Bom Pastor"), &json!(15))
    );
    assert_eq!(site.text("select place from report").await, ["Rua do Campo, 10 · fundos"]);
    let unknown = json!({"id": "3e9f8c1a-aaaa-bbbb-cccc-000000000002", "kind": "fire", "address": "Rua Z, 1"});
    let unknown = site.api(&[], unknown).await;
    assert!(unknown.status == StatusCode::CREATED && unknown.json().get("address").is_none(), "{}", unknown.text);
    let long = json!({"id": "3e9f8c1a-aaaa-bbbb-cccc-000000000003", "kind": "fire", "address": "x".repeat(300), "place": "y".repeat(300)});
    assert_eq!(site.api(&[], long).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn staff_places_an_occurrence_and_it_stays_there_whatever_is_reported() {
    let site = Site::with_register().await;
    site.report(&[("kind", "landslide"), ("text", "caiu"), ("place", "Rua das Flores, 20")]).await;
    let occurrence = site.occurrence().await;
    let page = site.page(&occurrence).await;
    // What the words may mean is offered at once.
    assert!(page.text.contains("20 – Linhares") && page.text.contains("20 – Bom Pastor"), "{}", page.text);
    let looked = site.page(&format!("{occurrence}?find=-21.7512,-43.3951")).await;
    assert!(looked.text.contains("value=\"-43.3951\""), "{}", looked.text);
    let before = site.text("select row_to_json(r)::text from report r").await;
    let there = [("lat", "-21.75"), ("lon", "-43.3"), ("accuracy_m", "15"), ("label", "Rua das Flores, 20 – Linhares")];
    let done = site.act(&format!("{occurrence}/place"), &there).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    let at = "select concat_ws(' ', precision_m, round(st_x(geom)::numeric, 4)) from occurrence order by opened_at";
    assert_eq!(site.text(at).await, ["15 -43.3000"]);
    assert_eq!(site.text("select row_to_json(r)::text from report r").await, before, "reports stay as they are");
    assert!(site.page(&occurrence).await.text.contains("Posta em Rua das Flores, 20 – Linhares"));
    assert_eq!(site.number("select count(*) from audit_event where act = 'occurrence.place'").await, 1);
    // Somebody beside it joins it, exacter than anybody, and moves nothing.
    site.report(&[("kind", "landslide"), ("lat", "-21.7503"), ("lon", "-43.3000"), ("accuracy_m", "5")]).await;
    assert_eq!(site.text(at).await, ["15 -43.3000"]);
    assert_eq!(site.number("select count(*) from report_standing").await, 2);
    // Elsewhere than on Earth, or when it is over, nothing is placed.
    for (lat, lon) in [("95", "-43"), ("x", "-43"), ("48.85", "2.29")] {
        let refused = site.act(&format!("{occurrence}/place"), &[("lat", lat), ("lon", lon)]).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{lat} {lon}");
    }
    site.act(&format!("{occurrence}/decide"), &[("to", "dismissed"), ("reason", "engano")]).await;
    let over = site.act(&format!("{occurrence}/place"), &there).await;
    assert_eq!(over.status, StatusCode::CONFLICT, "{}", over.text);
    assert_eq!(site.number("select count(*) from occurrence_placing").await, 1);
}

#[tokio::test]
async fn a_place_from_a_page_that_a_colleague_has_outdated_is_refused_with_both_words() {
    let site = Site::with_register().await;
    site.report(&[("kind", "landslide"), ("text", "caiu"), ("place", "Rua das Flores, 20")]).await;
    let occurrence = site.occurrence().await;
    assert!(site.page(&occurrence).await.text.contains("name=\"seen\" value=\"0\""));
    let first = [("seen", "0"), ("lat", "-21.75"), ("lon", "-43.3"), ("label", "Linhares")];
    assert_eq!(site.act(&format!("{occurrence}/place"), &first).await.status, StatusCode::SEE_OTHER);
    let second = [("seen", "0"), ("lat", "-21.76"), ("lon", "-43.39"), ("label", "Bom Pastor")];
    let refused = site.act(&format!("{occurrence}/place"), &second).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text);
    for word in ["Linhares", "-21.75000, -43.30000", "Bom Pastor", "-21.76000, -43.39000"] {
        assert!(refused.text.contains(word), "{word} is not in {}", refused.text);
    }
    let id = site.text("select max(id)::text from occurrence_placing").await.remove(0);
    let again = [("seen", id.as_str()), ("lat", "-21.76"), ("lon", "-43.39"), ("label", "Bom Pastor")];
    assert_eq!(site.act(&format!("{occurrence}/place"), &again).await.status, StatusCode::SEE_OTHER);
    assert_eq!(site.number("select count(*) from occurrence_placing").await, 2);
}

#[tokio::test]
async fn a_place_that_staff_found_goes_along_into_another_occurrence() {
    let site = Site::with_register().await;
    site.report(&[("kind", "landslide"), ("text", "um"), ("place", "perto da ponte")]).await;
    let first = site.occurrence().await;
    site.pass(1);
    site.report(&[("kind", "landslide"), ("text", "dois"), ("place", "na ponte")]).await;
    site.act(&format!("{first}/place"), &[("lat", "-21.75"), ("lon", "-43.3")]).await;
    let joined = site.act(&format!("{first}/merge"), &[("into", "2026/002"), ("reason", "o mesmo")]).await;
    assert_eq!(joined.status, StatusCode::SEE_OTHER, "{}", joined.text);
    let at = site.text("select concat_ws(' ', number, precision_m) from occurrence where state = 'new'").await;
    assert_eq!(at, ["2026/002 30"]);
    // As whoever merged says, with a line and an entry of its own.
    assert_eq!(site.number("select count(*) from audit_event where act = 'occurrence.place'").await, 2);
    let told = "select concat_ws(' ', count(distinct occurrence_id), count(*)) from occurrence_placing";
    assert_eq!(site.text(told).await, ["2 2"]);
}

/// Four people speak of the bridge, which no register knows; their reports are one occurrence, whose address is given.
async fn four_at_the_bridge(town: &mut Town) -> String {
    for n in 0..4 {
        let contact = format!("p{n}@exemplo.invalid");
        town.site.report(&[("kind", "landslide"), ("place", "perto da ponte"), ("contact", &contact)]).await;
    }
    let ids = town.site.text("select id::text from occurrence order by number").await;
    for id in &ids[1..] {
        let joined = town.site.act(&format!("/console/reports/{id}/merge"), &[("into", "2026/001")]).await;
        assert_eq!(joined.status, StatusCode::SEE_OTHER, "{}", joined.text);
    }
    format!("/console/reports/{}", ids[0])
}

#[tokio::test]
async fn a_report_without_a_place_speaks_to_the_rules_once_somebody_placed_it() {
    let mut town = Town::listening().await;
    let first = four_at_the_bridge(&mut town).await;
    town.settle().await;
    assert_eq!(town.site.number("select count(*) from journal where source = 'report'").await, 0);
    let (lat, lon) = place(0.0);
    town.site.act(&format!("{first}/place"), &[("lat", &lat), ("lon", &lon), ("accuracy_m", "20")]).await;
    assert_eq!(town.settle().await, ["bom-pastor attention", "linhares unknown"]);
}

#[tokio::test]
async fn what_is_put_elsewhere_is_taken_back_where_it_was_said_first() {
    let mut town = Town::listening().await;
    let first = four_at_the_bridge(&mut town).await;
    let (lat, lon) = place(0.0);
    town.site.act(&format!("{first}/place"), &[("lat", &lat), ("lon", &lon), ("accuracy_m", "20")]).await;
    assert_eq!(town.settle().await, ["bom-pastor attention", "linhares unknown"]);
    // Far from every area: a slip, or a better word.
    town.site.pass(60);
    town.site
        .act(&format!("{first}/place"), &[("lat", "-21.900000"), ("lon", "-43.600000"), ("accuracy_m", "20")])
        .await;
    town.settle().await;
    let said =
        town.site.number("select count(*) from journal where source = 'report' and revision > 0 and value = 0").await;
    assert_eq!(said, 4, "each is said to have been nothing there");
}

#[tokio::test]
async fn programs_of_the_town_list_reports_and_occurrences() {
    let site = Site::with_register().await;
    site.report(&[("kind", "fire"), ("place", "Rua do Campo, 10"), ("contact", "(32) 99999-1111")]).await;
    site.pass(60);
    site.report(&[("kind", "landslide"), ("place", "Rua das Flores, 20")]).await;
    let bearer = site.token(Role::Operator).await;
    let ask = async |path: &str| site.ask("GET", path, &[("authorization", &bearer)], vec![]).await;
    let all = ask("/api/v1/reports").await.json();
    assert_eq!((all["total"].as_i64(), all["items"].as_array().map(Vec::len)), (Some(2), Some(2)), "{all}");
    assert_eq!((&all["items"][0]["kind"], &all["items"][1]["place_from"]), (&json!("landslide"), &json!("address")));
    assert!(!all.to_string().contains("99999"), "no way back to a reporter: {all}");
    for (query, total) in [
        ("kind=fire", 1),
        ("state=confirmed", 0),
        ("state=new&limit=1&offset=1", 2),
        ("from=2026-02-22T12:30:00Z", 1),
        ("to=2026-02-22T12:30:00Z", 1),
    ] {
        for noun in ["reports", "occurrences"] {
            let page = ask(&format!("/api/v1/{noun}?{query}")).await.json();
            assert_eq!(page["total"], total, "{noun} {query}: {page}");
        }
    }
    for wrong in ["state=x", "kind=x", "from=x", "limit=0", "offset=-1", "by=x", "to=+262142-01-01T00:00:00Z"] {
        for noun in ["reports", "occurrences"] {
            assert_eq!(ask(&format!("/api/v1/{noun}?{wrong}")).await.status, StatusCode::BAD_REQUEST, "{noun} {wrong}");
        }
    }
    assert_eq!(site.ask("GET", "/api/v1/reports", &[], vec![]).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_command_tells_what_is_of_no_use_by_line_and_stores_nothing_of_a_bad_file() {
    let site = Site::new().await;
    let folder = support::Folder::new();
    let import = async |text: &str, arguments: &[&str]| {
        let path = folder.path().join("a.csv");
        std::fs::write(&path, text).unwrap();
        let mut command = support::sentinela();
        command.args(["import", "addresses", path.to_str().unwrap()]).args(arguments);
        command.env("SENTINELA__DATABASE__URL", &site.db.url).env("SENTINELA__DATA_DIR", folder.path());
        let output = support::soon("the command", command.output()).await.unwrap();
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        (output.status.code(), text)
    };
    let (code, said) = import(REGISTER, &["--dry-run"]).await;
    assert!(code == Some(0) && said.contains("6 numbers in 4 streets") && said.contains("dry run"), "{said}");
    assert_eq!(site.number("select count(*) from address").await, 0);
    let mut long = REGISTER.to_owned();
    for number in 1..=20 {
        long.push_str(&format!("Rua Longa,{number},Linhares,,-21.75,-43.30\n"));
    }
    let far = format!("{long}Rua Longe,1,Linhares,,-3.1,-60.0\n");
    let (code, said) = import(&far, &[]).await;
    assert!(code == Some(0) && said.contains("line 28: lat") && said.contains("1 rows left out"), "{said}");
    assert_eq!(site.number("select count(*) from address").await, 26);
    let (code, said) = import("street,lat,lon\nRua A,x,y\nRua B,-21.75,-43.3\n", &[]).await;
    assert!(code == Some(1) && said.contains("1 of 2 rows are of no use"), "{said}");
    assert_eq!(site.number("select count(*) from address").await, 26);
    for wrong in [&["--from", "correios"][..], &["--strict"], &["--uf", "MG"]] {
        assert_eq!(import(REGISTER, wrong).await.0, Some(2), "{wrong:?}");
    }
}
