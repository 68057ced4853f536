//! The mappings that come with the program, on excerpts of real files, and a file of every trap.

use super::*;
use crate::backfill::READY;

fn now() -> Instant {
    "2026-11-28T00:00:00Z".parse().unwrap()
}

fn ready(name: &str) -> Mapping {
    let ready = READY.iter().find(|ready| ready.name == name).unwrap();
    Mapping::parse(name, ready.text).unwrap()
}

struct Taken {
    observations: Vec<Observation>,
    problems: Vec<String>,
    tally: Tally,
    unused: Vec<String>,
}

impl Taken {
    fn shown(&self, index: usize) -> String {
        let seen = &self.observations[index];
        let what = seen.wanted.quantity.map_or_else(|| seen.wanted.stream.clone().unwrap(), |q| q.to_string());
        format!("{} {} {what} {} {}", seen.line, seen.station, seen.observed_at.format("%FT%RZ"), seen.value)
    }

    fn of(&self, quantity: Quantity) -> Vec<f64> {
        self.observations.iter().filter(|o| o.wanted.quantity == Some(quantity)).map(|o| o.value).collect()
    }
}

fn take(mapping: &Mapping, bytes: &[u8], station: Option<&str>) -> Taken {
    let mut reader = Reader::open(bytes, mapping, station, now()).unwrap().unwrap();
    let (mut observations, mut problems) = (Vec::new(), Problems::default());
    // Small steps, so that state between them is looked at.
    while reader.read(observations.len() + 7, &mut observations, &mut problems).unwrap() {}
    let unused = reader.layout().unused().into_iter().map(str::to_owned).collect();
    let problems = problems.kept().iter().map(ToString::to_string).collect();
    Taken { observations, problems, tally: reader.tally(), unused }
}

fn total(values: &[f64]) -> f64 {
    (values.iter().sum::<f64>() * 1000.0).round() / 1000.0
}

#[test]
fn a_year_of_inmet_is_read_by_its_names_in_latin_1() {
    let file = include_bytes!("../../../tests/data/history/inmet_a765_bertioga_2023-02-18_19.csv");
    let taken = take(&ready("inmet-annual"), file, None);
    assert!(taken.problems.is_empty(), "{:?}", taken.problems);
    assert_eq!(taken.shown(0), "10 A765 rain 2023-02-18T00:00Z 0");
    assert_eq!(taken.of(Quantity::Rain).len(), 48);
    assert!(taken.unused.iter().any(|name| name.starts_with("RADIACAO")), "{:?}", taken.unused);
    // The hours before dawn of the 19th: 292.6 mm in 24 h, as the long series of the same gauge has it.
    let worst = taken.of(Quantity::Rain).windows(24).map(total).fold(0.0, f64::max);
    assert_eq!(worst, 292.6);
}

#[test]
fn copies_of_inmet_with_a_broken_encoding_or_other_marks_are_read_too() {
    let mangled = include_bytes!("../../../tests/data/history/inmet_a801_2024_mangled_head.csv");
    let taken = take(&ready("inmet-annual"), mangled, Some("A801"));
    assert!(taken.problems.is_empty(), "{:?}", taken.problems);
    assert_eq!(taken.shown(0), "2 A801 rain 2024-01-01T00:00Z 0");
    let calm = taken.of(Quantity::WindSpeed).into_iter().filter(|speed| *speed > 0.0 && *speed < 1.0).count();
    assert!(calm > 0, "numbers without their leading zero");
    let commas = include_bytes!("../../../tests/data/history/inmet_a765_2023_commas_head.csv");
    let taken = take(&ready("inmet-annual"), commas, Some("A765"));
    assert!(taken.problems.is_empty(), "{:?}", taken.problems);
    assert!(taken.of(Quantity::AirTemperature).contains(&23.2));
    let refused = Reader::open(&mangled[..], &ready("inmet-annual"), None, now()).unwrap().unwrap_err();
    assert!(refused.to_string().contains("--station"), "{refused}");
}

#[test]
fn a_year_without_any_value_is_no_year_of_zeros() {
    let file = include_bytes!("../../../tests/data/history/inmet_a301_2022_all_missing_head.csv");
    let taken = take(&ready("inmet-annual"), file, None);
    assert!(taken.observations.is_empty() && taken.problems.is_empty(), "{:?}", taken.problems);
    assert!(taken.tally.rows > 10 && taken.tally.missing >= taken.tally.rows, "{:?}", taken.tally);
}

#[test]
fn the_table_of_inmet_has_a_mark_of_order_before_a_quoted_header() {
    let file = include_bytes!("../../../tests/data/history/inmet_table_a624_2011-01-11_12.csv");
    let taken = take(&ready("inmet-table"), file, Some("A624"));
    assert!(taken.problems.is_empty(), "{:?}", taken.problems);
    let rain = taken.of(Quantity::Rain);
    assert_eq!((rain.len(), rain.iter().copied().fold(0.0, f64::max)), (48, 62.8));
    assert_eq!(rain.windows(24).map(total).fold(0.0, f64::max), 231.0);
}

#[test]
fn the_map_of_cemaden_is_read_and_its_hydrological_stations_are_not() {
    let file = include_str!("../../../tests/data/feeds/cemaden_mapainterativo_juiz_de_fora_2026-02_head.csv");
    let with_h = format!("{file}JUIZ DE FORA;313670215H;MG;Rio;-21,7;-43,4;2026-02-01 00:20:00.0;7,00\n");
    let taken = take(&ready("cemaden-map"), with_h.as_bytes(), None);
    assert!(taken.problems.is_empty(), "{:?}", taken.problems);
    assert_eq!(taken.shown(0), "2 313670207A rain 2026-02-01T00:20Z 0");
    assert_eq!((taken.tally.skipped, taken.tally.values + 1), (1, taken.tally.rows));
}

#[test]
fn a_spreadsheet_s_total_is_no_rain_and_equals_the_sum() {
    let file = include_bytes!("../../../tests/data/feeds/cemaden_petropolis_bingen_spreadsheet.csv");
    let taken = take(&ready("cemaden-spreadsheet"), file, None);
    assert!(taken.problems.is_empty(), "{:?}", taken.problems);
    assert_eq!(taken.shown(0), "2 330390605G rain 2022-02-15T15:10Z 0");
    assert_eq!((total(&taken.of(Quantity::Rain)), taken.tally.skipped), (141.6, 1));
}

#[test]
fn months_with_their_days_side_by_side_become_days() {
    let file = include_bytes!("../../../tests/data/history/ana_hidroweb_13600002_levels.csv");
    let taken = take(&ready("ana-hidroweb-levels"), file, None);
    assert!(taken.problems.is_empty(), "{:?}", taken.problems);
    assert_eq!(taken.shown(0), "3 13600002 water_level 1967-08-08T03:00Z 251");
    let june: Vec<&Observation> =
        taken.observations.iter().filter(|o| o.observed_at.to_string().starts_with("1968-06")).collect();
    assert_eq!(june.len(), 30);
    // The 31st of a month of thirty is empty, and must be.
    let wrong = String::from_utf8_lossy(file).replace("Jun-68", "Feb-68");
    let told = take(&ready("ana-hidroweb-levels"), wrong.as_bytes(), None).problems.join("\n");
    assert!(told.contains("the month has no such day"), "{told}");
}

#[test]
fn captures_of_ana_are_read_backwards_with_their_unit_in_the_cell() {
    let taken = take(&ready("ana-capture"), b"Timestamp,Measurement\n11/07/2025 17:15,\"2,32 m\"\n", Some("87450004"));
    assert_eq!(taken.shown(0), "2 87450004 water_level 2025-07-11T20:15Z 2.32");
    let taken = take(&ready("ana-raw"), b"06/05/2024 14:15:00,529\n06/05/2024 14:00:00,9999\n", Some("87450004"));
    assert_eq!((taken.shown(0).as_str(), taken.tally.missing), ("1 87450004 water_level 2024-05-06T17:15Z 529", 1));
}

#[test]
fn the_long_table_says_everything_in_every_row() {
    let text = "station_id,station_name,lat,lon,time_utc,quantity,value,unit\n\
        A1,Posto,,,2026-02-24T00:50:00Z,rainfall_10min,3.4,mm\nA1,Posto,,,2026-02-24T00:50:00Z,water_level,3.31,m\n\
        A1,Posto,,,2026-02-24T00:50:00Z,cloudiness,3,1\n";
    let taken = take(&ready("long-series"), text.as_bytes(), None);
    assert_eq!(taken.shown(1), "3 A1 water_level 2026-02-24T00:50Z 3.31");
    assert_eq!(taken.observations[0].wanted.unit.as_deref(), Some("mm"));
    assert!(taken.problems[0].starts_with("line 4: quantity = \"cloudiness\": quantity"), "{:?}", taken.problems);
}

const OWN: &str = r#"
title = "every trap"
missing = ["9999", "-"]
station = { column = "Posto", codes = { "7" = "PONTE" } }
[time]
columns = ["Dia", "Hora"]
formats = ["%d/%m/%Y %H:%M"]
zone = "-03:00"
stamps = "start"
[[skip]]
column = "Posto"
like = "Total*"
[[values]]
column = "Chuva*"
stream = "rain"
interval_s = 3600
"#;

#[test]
fn what_is_wrong_is_named_by_line_and_column_and_the_rest_is_read() {
    let mapping = Mapping::parse("own", OWN).unwrap();
    let text = "Relatório;;;\n\nPosto;Dia;Hora;Chuva (mm)\n7;01/02/2024;23:00;,4\n7;01/02/2024;24:00;1,5\n7;31/02/2024;10:00;1\n\
        7;02/02/2024;10:00;1.000,5\n7;02/02/2024;11:00;9999\n7;02/02/2024;12:00;-\n7;02/02/2024\n;02/02/2024;13:00;1\n\
        7;02/02/2027;13:00;1\n7;\"02/02/2024;13:00;1\nTotal;;;8,4\n";
    let taken = take(&mapping, text.as_bytes(), None);
    let shown: Vec<String> = (0..taken.observations.len()).map(|index| taken.shown(index)).collect();
    assert_eq!(shown, ["4 PONTE rain 2024-02-02T03:00Z 0.4", "5 PONTE rain 2024-02-02T04:00Z 1.5"]);
    for (problem, expected) in taken.problems.iter().zip([
        "line 6: Dia = \"31/02/2024 10:00\": expected a time as %d/%m/%Y %H:%M",
        "line 7: Chuva (mm) = \"1.000,5\": expected a number",
        "line 10: Chuva (mm): the row has only 2 columns",
        "line 11: Posto: names no station",
        "line 12: Dia = \"2027-02-02T17:00:00+00:00\": lies in the future",
        "line 13: row: a quote does not close",
    ]) {
        assert!(problem.starts_with(expected), "{problem:?} does not begin with {expected:?}");
    }
    assert_eq!((taken.problems.len(), taken.tally.missing, taken.tally.skipped), (6, 2, 1));
}

#[test]
fn hours_side_by_side_belong_to_their_day() {
    let mapping = Mapping::parse(
        "hours",
        "title='h'\nstation={code='X'}\nwide={columns='h{nn}',from=1,to=24,step='hour'}\n[time]\ncolumns=['day']\n\
         formats=['%Y-%m-%d']\nzone='UTC'\n[[values]]\nquantity='rain'\nunit='mm'\ninterval_s=3600\n",
    )
    .unwrap();
    let names: Vec<String> = (1..=24).map(|n| format!("h{n:02}")).collect();
    let values: Vec<String> = (1..=24).map(|n| n.to_string()).collect();
    let text = format!("day,{}\n2024-02-01,{}\n", names.join(","), values.join(","));
    let taken = take(&mapping, text.as_bytes(), None);
    assert_eq!(taken.shown(0), "2 X rain 2024-02-01T01:00Z 1");
    assert_eq!(taken.shown(23), "2 X rain 2024-02-02T00:00Z 24");
}

#[test]
fn a_date_in_columns_of_its_own_parts_and_a_remark_of_several_lines_are_read() {
    let mapping = Mapping::parse(
        "parts",
        "title='p'\nstation={column='Posto'}\n[time]\ncolumns=['Ano','Mês','Dia','Hora','Min']\n\
         formats=['%Y %m %d %H %M']\nzone='-03:00'\n[[values]]\ncolumn='Chuva'\nquantity='rain'\nunit='mm'\n",
    )
    .unwrap();
    let text = "Posto;Ano;\"Mês\";Dia;Hora;Min;\"Observação\ndo dia\";Chuva\n7;2024;2;5;7;40;\"entupido;\n\n\"\"limpo\"\"\";1,5\n\
        7;2024;02;29;24;00;;0,2\n7;2024;2;30;1;0;;3\n";
    let taken = take(&mapping, text.as_bytes(), None);
    let shown: Vec<String> = (0..taken.observations.len()).map(|index| taken.shown(index)).collect();
    assert_eq!(shown, ["3 7 rain 2024-02-05T10:40Z 1.5", "6 7 rain 2024-03-01T03:00Z 0.2"]);
    assert_eq!(taken.problems.len(), 1, "{:?}", taken.problems);
    assert!(taken.problems[0].starts_with("line 7: Ano = \"2024 2 30 1 0\""), "{:?}", taken.problems);
    assert_eq!(taken.tally.rows, 3);
}

#[test]
fn a_file_of_another_layout_is_told_by_what_it_lacks() {
    let refused = Reader::open(&b"Date,Hora UTC,x\n"[..], &ready("inmet-annual"), Some("A1"), now())
        .unwrap()
        .unwrap_err()
        .to_string();
    assert!(refused.contains("\"Data\" or \"DATA (*\"") && refused.contains("PRECIPITA"), "{refused}");
}

#[test]
fn a_line_without_end_is_refused_and_not_held() {
    let mapping = ready("ana-raw");
    let endless = [b'1'; 200_000];
    let refused = Reader::open(&endless[..], &mapping, Some("X"), now()).unwrap_err().to_string();
    assert!(refused.contains("longer than 65536 bytes"), "{refused}");
}

#[test]
fn a_mapping_that_cannot_be_meant_is_refused_by_its_key() {
    let with = |from: &str, to: &str| Mapping::parse("m.toml", &OWN.replace(from, to)).unwrap_err().to_string();
    for (from, to, expected) in [
        ("zone = \"-03:00\"", "zone = \"Brasilia\"", "time.zone: \"Brasilia\""),
        ("interval_s = 3600", "", "values[0].interval_s"),
        ("stream = \"rain\"", "stream = \"rain\"\nquantity = \"rain\"", "values[0]: expected one of stream"),
        ("stream = \"rain\"", "quantity = \"rian\"", "rian"),
        ("stream = \"rain\"", "quantity = \"rain\"\nunit = \"V\"", "values[0].unit = \"V\""),
        ("column = \"Chuva*\"", "", "values[0].column"),
        ("missing", "mising", "mising"),
    ] {
        let told = with(from, to);
        assert!(told.starts_with("m.toml: ") && told.contains(expected), "{told:?} does not tell {expected:?}");
    }
}

proptest::proptest! {
    #[test]
    fn whatever_a_file_holds_it_is_read_or_refused(
        which in 0..READY.len(),
        lines in proptest::collection::vec("[0-9A-Za-z;,\"/: .*-]{0,60}", 0..12),
        tail in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..80),
    ) {
        let mapping = Mapping::parse("ready", READY[which].text).unwrap();
        let mut bytes = lines.join("\n").into_bytes();
        bytes.extend(tail);
        if let Ok(Ok(mut reader)) = Reader::open(&bytes[..], &mapping, Some("X"), now()) {
            let (mut observations, mut problems) = (Vec::new(), Problems::default());
            reader.read(usize::MAX, &mut observations, &mut problems).unwrap();
            proptest::prop_assert!(observations.iter().all(|seen| seen.observed_at <= now() && seen.value.is_finite()));
        }
    }
}
