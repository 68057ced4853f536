//! Files and their traps: what they would change is told, what is bent is mended or refused, and what is gone stays unless asked.

use sentinela::accounts::tokens::desk::Acting;
use sentinela::areas::desk::Care;
use sentinela::areas::import::{Failure, Outcome, Wish, take};
use sentinela::areas::{Content, When};
use sentinela::audit::Actor;
use sentinela::catalogue::{Format, read};
use serde_json::{Value, json};

use super::{Hall, change, content, present, square};

const SGB: &str = include_str!("../../data/areas/sgb_setor_shape_only.geojson");
const SHELTERS: &[u8] = include_bytes!("../../data/areas/passo_fundo_abrigos_31982_bom.geojson");
const DISTRICTS: &[u8] = include_bytes!("../../data/areas/passo_fundo_distritos_31982.geojson");

pub fn file(features: &[(&str, &str, Value)]) -> String {
    let features: Vec<Value> = features
        .iter()
        .map(|(code, grade, shape)| {
            json!({"type": "Feature", "geometry": shape,
                "properties": {"code": code, "name": code.to_uppercase(), "source": "plan", "cobrade": "1.1.3.2.1", "grade": grade}})
        })
        .collect();
    json!({"type": "FeatureCollection", "features": features}).to_string()
}

async fn run(hall: &Hall, text: &str, wish: Wish<'_>) -> Result<Outcome, Failure> {
    let actor = Actor::command();
    let by = Acting { ids: &hall.app.ids, now: hall.now(), actor: &actor };
    take(&mut *hall.conn().await, by, (Format::GeoJson, text.as_bytes()), wish).await
}

fn told(outcome: &Outcome) -> Vec<(&str, &str)> {
    outcome.changes.iter().map(|change| (change.code.as_str(), change.change)).collect()
}

#[tokio::test]
async fn a_look_tells_what_would_come_change_and_go_and_stores_nothing() {
    let hall = Hall::open().await;
    run(&hall, &file(&[("a", "R1", square(0.0)), ("b", "R1", square(0.1))]), Wish::default()).await.unwrap();
    hall.pass(1);
    let next = file(&[("a", "R1", square(0.002)), ("c", "R3", square(0.2))]);
    let look = Wish { dry_run: true, retire_missing: true, ..Wish::default() };
    let seen = run(&hall, &next, look).await.unwrap();
    assert_eq!(told(&seen), [("a", "updated"), ("c", "created"), ("b", "retired")]);
    assert_eq!((seen.created, seen.updated, seen.retired), (1, 1, 1));
    assert!(seen.changes[0].difference.gained_km2 > 0.1 && seen.changes[2].difference.after_km2 == 0.0, "{seen:?}");
    let mut conn = hall.conn().await;
    let versions: i64 = sqlx::query_scalar("select count(*) from area_version").fetch_one(&mut *conn).await.unwrap();
    assert_eq!(versions, 2);
    drop(conn);

    let without = run(&hall, &next, Wish::default()).await.unwrap();
    assert_eq!((without.retired, without.missing[0].code.as_str()), (0, "b"));
    assert!(present(&mut *hall.conn().await, "b").await.0, "it stays unless that was asked");
    let asked = run(&hall, &next, Wish { retire_missing: true, ..Wish::default() }).await.unwrap();
    assert_eq!((asked.retired, asked.unchanged), (1, 2));
    assert!(!present(&mut *hall.conn().await, "b").await.0);
    hall.pass(1);
    let back = run(&hall, &file(&[("b", "R1", square(0.1))]), Wish::default()).await.unwrap();
    assert_eq!((back.returned, told(&back)), (1, vec![("b", "returned")]));
}

#[tokio::test]
async fn only_areas_of_the_files_own_sources_can_be_missed_by_it() {
    let hall = Hall::open().await;
    hall.area("drawn", 0.3, "R2").await;
    let wish = Wish { retire_missing: true, ..Wish::default() };
    let outcome = run(&hall, &file(&[("a", "R1", square(0.0))]), wish).await.unwrap();
    assert_eq!((outcome.missing.len(), outcome.retired), (0, 0));
}

#[tokio::test]
async fn areas_without_a_source_are_not_missed_by_a_file_without_one() {
    let hall = Hall::open().await;
    let unnamed = Content { source: String::new(), ..content("Drawn", &square(0.3), "R2") };
    hall.put(change("drawn", unnamed, When::Now), Care::default()).await.unwrap();
    let mut text: Value = serde_json::from_str(&file(&[("a", "R1", square(0.0))])).unwrap();
    text["features"][0]["properties"]["source"] = json!("");
    let wish = Wish { retire_missing: true, ..Wish::default() };
    let outcome = run(&hall, &text.to_string(), wish).await.unwrap();
    assert_eq!((outcome.created, outcome.without_source), (1, 1));
    assert_eq!((outcome.missing.len(), outcome.retired), (0, 0));
    assert!(present(&mut *hall.conn().await, "drawn").await.0, "nobody said that the file holds it");
}

#[tokio::test]
async fn bent_shapes_are_refused_with_their_place_or_mended_where_little_changes() {
    let hall = Hall::open().await;
    // A spike that runs out and back, and an open ring: mending both changes next to nothing.
    let spike = json!({"type": "Polygon", "coordinates":
        [[[-43.40, -21.76], [-43.39, -21.76], [-43.39, -21.755], [-43.38, -21.755], [-43.39, -21.755], [-43.39, -21.75], [-43.40, -21.75], [-43.40, -21.76]]]});
    let open = json!({"type": "Polygon", "coordinates": [[[-43.2, -21.76], [-43.19, -21.76], [-43.19, -21.75], [-43.2, -21.75]]]});
    let text = file(&[("spike", "R1", spike), ("open", "R1", open)]);
    let refused = run(&hall, &text, Wish::default()).await.unwrap_err().to_string();
    assert!(refused.contains("crosses or touches itself") && refused.contains("the ring is open"), "{refused}");
    let mended = run(&hall, &text, Wish { mend: true, ..Wish::default() }).await.unwrap();
    assert_eq!(mended.created, 2);
    assert!(mended.changes[0].mended.as_deref().unwrap().contains("touches itself"), "{mended:?}");

    let bow = json!({"type": "Polygon", "coordinates": [[[-43.4, -21.8], [-43.2, -21.6], [-43.2, -21.8], [-43.4, -21.6], [-43.4, -21.8]]]});
    let text = file(&[("good", "R1", square(0.5)), ("bow", "R1", bow)]);
    let refused = run(&hall, &text, Wish { mend: true, ..Wish::default() }).await.unwrap_err().to_string();
    assert!(refused.contains("more than 1 %") && refused.contains("-43.3"), "{refused}");
    let rest = run(&hall, &text, Wish { mend: true, leave_out: true, ..Wish::default() }).await.unwrap();
    assert_eq!((rest.created, rest.left_out_total, rest.left_out[0].field.as_str()), (1, 1, "geometry"));
}

#[tokio::test]
async fn where_anything_was_left_out_nothing_is_retired() {
    let hall = Hall::open().await;
    run(&hall, &file(&[("a", "R1", square(0.0)), ("b", "R1", square(0.1))]), Wish::default()).await.unwrap();
    let text = file(&[("a", "R1", square(0.0)), ("c", "R9", square(0.2))]);
    let wish = Wish { leave_out: true, retire_missing: true, ..Wish::default() };
    let outcome = run(&hall, &text, wish).await.unwrap();
    assert_eq!((outcome.left_out_total, outcome.retired, outcome.missing.len()), (1, 0, 1));
}

#[tokio::test]
async fn a_sector_of_the_geological_survey_keeps_its_own_words_beside_our_grade() {
    let hall = Hall::open().await;
    let outcome = run(&hall, SGB, Wish { name: "ascurra.geojson", ..Wish::default() }).await.unwrap();
    assert_eq!(told(&outcome), [("SC_ASCURRA_SR_1_CPRM", "created")]);
    let (grade, word): (String, String) = sqlx::query_as(
        "select h.grade, a.details ->> 'grau_risco' from risk_area a join area_hazard h on h.area_id = a.id",
    )
    .fetch_one(&hall.db.pool)
    .await
    .unwrap();
    assert_eq!((grade.as_str(), word.as_str()), ("R4", "Muito alto"));
    assert_eq!(run(&hall, SGB, Wish::default()).await.unwrap().unchanged, 1);
}

#[tokio::test]
async fn projected_files_lie_where_postgis_says_to_the_millimetre() {
    let hall = Hall::open().await;
    let mut seen = 0;
    for (bytes, path) in [(SHELTERS, "abrigos"), (DISTRICTS, "distritos")] {
        let raw: Value =
            serde_json::from_str(std::str::from_utf8(bytes).unwrap().trim_start_matches('\u{feff}')).unwrap();
        let records = read(Format::GeoJson, bytes).unwrap();
        for (record, feature) in records.iter().zip(raw["features"].as_array().unwrap()) {
            let ours = &record.geometry.as_ref().unwrap()["coordinates"];
            let metres = &feature["geometry"]["coordinates"];
            let away: f64 = sqlx::query_scalar(
                "select st_distance(st_transform(st_setsrid(st_makepoint($1, $2), 31982), 4326)::geography,
                                    st_setsrid(st_makepoint($3, $4), 4326)::geography)",
            )
            .bind(metres[0].as_f64())
            .bind(metres[1].as_f64())
            .bind(ours[0].as_f64())
            .bind(ours[1].as_f64())
            .fetch_one(&hall.db.pool)
            .await
            .unwrap();
            assert!(away < 0.001, "{path}: {away} m at {metres}");
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen}");
}

#[tokio::test]
async fn every_zone_of_the_country_agrees_with_postgis() {
    let hall = Hall::open().await;
    for epsg in (31966..=31985).chain(32718..=32725).chain([3857]) {
        let is_south = epsg >= 31977;
        let (x, y) = if epsg == 3857 {
            (-4_830_000.0, -2_480_000.0)
        } else {
            (712_345.678, if is_south { 7_512_345.678 } else { 412_345.678 })
        };
        let (lon, lat): (f64, f64) = sqlx::query_as(
            "select st_x(g), st_y(g) from (select st_transform(st_setsrid(st_makepoint($1, $2), $3), 4326) as g) p",
        )
        .bind(x)
        .bind(y)
        .bind(epsg)
        .fetch_one(&hall.db.pool)
        .await
        .unwrap();
        let text = format!(
            r#"{{"type":"FeatureCollection","crs":{{"properties":{{"name":"EPSG:{epsg}"}}}},"features":[{{"type":"Feature","geometry":{{"type":"Point","coordinates":[{x},{y}]}}}}]}}"#
        );
        let records = read(Format::GeoJson, text.as_bytes()).unwrap();
        let ours = &records[0].geometry.as_ref().unwrap()["coordinates"];
        let (dx, dy) = (ours[0].as_f64().unwrap() - lon, ours[1].as_f64().unwrap() - lat);
        assert!(dx.abs() < 1e-8 && dy.abs() < 1e-8, "EPSG:{epsg}: {ours} is not {lon}, {lat}");
    }
}

#[tokio::test]
async fn an_import_under_an_alert_waits_for_somebody_to_say_that_this_is_known() {
    let hall = Hall::open().await;
    run(&hall, &file(&[("a", "R1", square(0.0))]), Wish::default()).await.unwrap();
    hall.alert_over("a").await;
    hall.pass(1);
    let moved = file(&[("a", "R1", square(0.003)), ("b", "R1", square(0.1))]);
    let refused = run(&hall, &moved, Wish::default()).await.unwrap_err();
    assert!(matches!(&refused, Failure::Standing(standing) if standing[0].number == "7/2026"), "{refused}");
    let areas: i64 = sqlx::query_scalar("select count(*) from risk_area").fetch_one(&hall.db.pool).await.unwrap();
    assert_eq!(areas, 1, "nothing was stored");
    let outcome = run(&hall, &moved, Wish { confirmed: true, ..Wish::default() }).await.unwrap();
    assert_eq!((outcome.created, outcome.updated), (1, 1));
}
