//! The traps of the institutions' feeds, each against a recorded answer that a local server gives: what they call missing, whose
//! clock they mean, and how they write numbers.

use crate::feed_following::{Provider, follower, journal, recorded, state, station};
use crate::support;

fn text(name: &str) -> String {
    String::from_utf8(recorded(name)).unwrap()
}

/// What one answer puts into the journal of one station with rain of this interval, beside its level.
async fn kept(kind: &str, code: &str, interval_s: i32, body: &str) -> (Vec<String>, sentinela::feeds::store::State) {
    let db = support::db().await;
    station(&db, code, interval_s).await;
    let (provider, address) = Provider::open().await;
    let (_, mut follower) = follower(&db, &format!("name='f'\nkind='{kind}'\nurl='{address}/x'")).await;
    provider.say(200, body.as_bytes());
    assert!(follower.once().await.unwrap());
    (journal(&db).await, state(&db).await)
}

fn current() -> String {
    text("cemaden_getJson2_and_catalog_testbody.txt").split_once("\n\n").unwrap().1.to_owned()
}

#[tokio::test]
async fn cemadens_dash_is_missing_its_clock_is_utc_and_its_sums_are_no_readings() {
    let (rows, told) = kept("cemaden", "6262", 600, &current()).await;
    // Called text/html by the server, in UTC, and neither acc1hr nor acc24hr among the readings.
    assert_eq!(rows, ["6262 rain 0.2 2026-08-28 14:50 feed"]);
    assert_eq!((told.readings, told.missing, told.problems), (1, 0, 0));
    let dashed = current().replace("\"ultimovalor\":0.2", "\"ultimovalor\":\"-\"");
    let (rows, told) = kept("cemaden", "6262", 600, &dashed).await;
    assert_eq!((rows.len(), told.missing, told.failures), (0, 1, 0), "missing, not 0");
}

#[tokio::test]
async fn the_hours_of_a_cemaden_station_that_are_null_are_missing() {
    let (rows, told) = kept("cemaden_hourly", "6846", 3600, &text("cemaden_horario_6846.json")).await;
    assert_eq!((rows.len(), told.missing, told.problems), (21, 27, 0));
    assert_eq!(
        (rows[0].as_str(), rows[2].as_str()),
        ("6846 rain 1 2026-08-19 02:00 feed", "6846 rain 0.4 2026-08-19 04:00 feed")
    );
}

#[tokio::test]
async fn cemadens_table_has_decimal_commas_a_byte_order_mark_and_utc() {
    let name = "cemaden_mapainterativo_aracaju_2022-04_head.csv";
    let wet = text(name).replacen("2022-04-01 01:20:00.0;0,0", "2022-04-01 01:20:00.0;1,39", 1);
    let (rows, told) = kept("cemaden_table", "280030801A", 600, &wet).await;
    assert_eq!(rows[..2], ["280030801A rain 0 2022-04-01 00:20 feed", "280030801A rain 1.39 2022-04-01 01:20 feed"]);
    assert_eq!(told.problems, 0);
}

#[tokio::test]
async fn anas_values_are_text_its_nulls_and_sentinels_missing_and_its_clock_brasilias() {
    let body = text("ana_hidrowebservice_telemetria_83800002_2023-11-11_part.json");
    let (rows, told) = kept("ana", "83800002", 900, &body).await;
    assert!(rows.iter().all(|row| row.contains(" rain ")), "a level that is null is no level: {rows:?}");
    assert_eq!((rows[0].as_str(), told.missing > 0), ("83800002 rain 0 2023-11-11 03:15 feed", true));
    let levels = body.replacen("\"Cota_Adotada\": null", "\"Cota_Adotada\": \"153.00\"", 1);
    let (rows, _) = kept("ana", "83800002", 900, &levels).await;
    assert!(rows.contains(&"83800002 level 1.53 2023-11-11 03:15 feed".to_owned()), "centimetres: {rows:?}");
}

#[tokio::test]
async fn anas_older_service_has_an_error_row_for_no_data_and_numbers_that_stand_for_none() {
    let body = text("ana_telemetria_ws_83250000_2024-05-25_first6.xml");
    let (all, _) = kept("ana_legacy", "83250000", 900, &body).await;
    let sentinel = body.replacen("<Nivel>160.00", "<Nivel>9999.00", 1).replacen("<Chuva>0.00", "<Chuva>8888", 1);
    let (rows, told) = kept("ana_legacy", "83250000", 900, &sentinel).await;
    assert_eq!((all.len() - rows.len(), told.problems), (2, 0));
    let head = body.split_once("<DocumentElement").unwrap().0;
    let none = format!(
        "{head}<DocumentElement xmlns=\"\"><DadosHidrometereologicos><CodEstacao>83250000</CodEstacao>\
         <Error>Sem dados no período</Error></DadosHidrometereologicos></DocumentElement></diffgr:diffgram></DataTable>"
    );
    let (rows, told) = kept("ana_legacy", "83250000", 900, &none).await;
    assert_eq!((rows.len(), told.readings, told.problems, told.failures), (0, 0, 0, 0), "{}", told.error);
}

#[tokio::test]
async fn inmets_midnight_begins_its_date_in_utc_and_null_is_missing() {
    let body = text("inmet_apitempo_chuva_horaria_part.json").replacen("\"1.5\"", "null", 1);
    let (rows, told) = kept("inmet", "A861", 3600, &body).await;
    let expected = [
        "A861 rain 1.5 2026-09-30 23:00 feed",
        // 30 September, 21:00, in Brazil.
        "A861 rain 1.5 2026-10-01 00:00 feed",
        "A861 rain 1.5 2026-10-01 01:00 feed",
    ];
    assert_eq!((rows, told.missing), (expected.map(str::to_owned).to_vec(), 1));
}

#[tokio::test]
async fn rios_windows_overlap_so_that_only_the_shortest_counts_and_it_answers_browsers_alone() {
    let db = support::db().await;
    station(&db, "URCA", 300).await;
    let (provider, address) = Provider::open().await;
    let table = format!(
        "name='rio'\nkind='rio'\nurl='{address}/json/chuvas'\nevery_s=300\nstations={{ 'Urca' = 'URCA' }}\n\
         headers={{ 'user-agent' = 'Mozilla/5.0 (X11; Linux x86_64)' }}"
    );
    let (app, mut follower) = follower(&db, &table).await;
    let body = text("rio_websempre_json_chuvas_shape.json");
    provider.say(200, body.replace("\"m05\": 0, \"m15\": 0", "\"m05\": \"0,4\", \"m15\": \"1,2\"").as_bytes());
    assert!(follower.once().await.unwrap());
    assert_eq!(journal(&db).await, ["URCA rain 0.4 2026-08-04 20:55 feed"]);
    assert_eq!(provider.asked()[0].1["user-agent"], "Mozilla/5.0 (X11; Linux x86_64)");
    // Missing is -99,99 with a comma, and never zero.
    let missing = body.replace("\"m05\": 0", "\"m05\": \"-99,99\"").replace("17:55", "18:00");
    provider.say(200, missing.as_bytes());
    crate::feed_following::later(&app, 5);
    assert!(follower.once().await.unwrap());
    assert_eq!((journal(&db).await.len(), state(&db).await.missing), (1, 1));
}
