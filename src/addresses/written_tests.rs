use super::*;

fn first(text: &str, mode: Mode) -> Written {
    read(text, mode).into_iter().next().unwrap_or_else(|| panic!("no address in {text:?}"))
}

fn short(text: &str, mode: Mode) -> String {
    let Written { kind, name, number, suffix, cep, beside, .. } = first(text, mode);
    let number = number.map_or_else(String::new, |number| number.to_string());
    let cep = cep.unwrap_or_default();
    format!("{kind}|{}|{number}{suffix}|{cep}|{beside}", name.join(" "))
}

#[test]
fn addresses_are_read_as_people_write_them() {
    for (text, read) in [
        ("Rua das Flores, 20, Linhares", "rua|flores|20||linhares"),
        ("R. das Flores 20", "rua|flores|20||"),
        ("r das flores 20 linhares", "rua|flores|20||linhares"),
        ("Rua das Flores, 20 – Linhares", "rua|flores|20||linhares"),
        ("Rua das Flores nº 20-A", "rua|flores|20a||"),
        ("Rua das Flores n°20", "rua|flores|20||"),
        ("Av Rio Branco n° 2.100", "avenida|rio branco|2100||"),
        ("AV. RIO BRANCO, Nº. 2100 - CENTRO", "avenida|rio branco|2100||centro"),
        ("36016-000", "|||36016000|"),
        ("Rua das Flores, 20 - 36.016-000", "rua|flores|20|36016000|"),
        ("travessa São José s/n", "travessa|sao jose|||sn"),
        ("Tv. Ouro Preto", "travessa|ouro preto|||"),
        ("beco do Sossego, casa 3", "beco|sossego|||casa 3"),
        ("Pç. da República 5", "praca|republica|5||"),
        ("Est. do Engenho, km 4", "estrada|engenho|||km 4"),
        ("Rod. BR-040 km 790", "rodovia|br 40|||km 790"),
        ("Rua 7 de Setembro 12", "rua|7 setembro|12||"),
        ("Avenida 31 de Março, 200", "avenida|31 marco|200||"),
        ("Rua 3, 45", "rua|3|45||"),
        ("Flores 20", "|flores|20||"),
        ("Linhares, rua das Flores, número 20", "rua|flores|20||linhares"),
        ("Rua Dr. João Penido 8, apto 301", "rua|doutor joao penido|8||apto 301"),
        ("rua das flores no linhares", "rua|flores|||no linhares"),
        ("Linhares", "|linhares|||"),
    ] {
        assert_eq!(short(text, Mode::Field), read, "{text}");
    }
}

#[test]
fn an_address_is_found_inside_a_message() {
    for (text, read) in [
        ("barranco caiu, rua das Flores 20, Linhares", "rua|flores|20||barranco caiu linhares"),
        ("O barranco caiu. Rua das Flores 20. Tem gente", "rua|flores|20||o barranco caiu tem gente"),
        ("água subindo na Av. Rio Branco 2100 urgente", "avenida|rio branco|2100||agua subindo na urgente"),
        ("árvore caída CEP 36010-000", "|||36010000|arvore caida cep"),
    ] {
        assert_eq!(short(text, Mode::Text), read, "{text}");
    }
    for text in ["barranco caiu atrás da casa", "", "rua", "20", "mora na rua, caiu"] {
        assert_eq!(read(text, Mode::Text), [], "{text}");
    }
}

#[test]
fn what_counts_or_measures_is_no_house() {
    for text in [
        "caiu na rua das Flores. 3 pessoas presas",
        "Rua das Flores, 2º andar",
        "Rua das Flores, 2o andar",
        "Rua das Flores, 2m de água",
        "rua das Flores 14h",
        "rua das Flores 14:30",
        "Rua das Flores (32) 99999-1111",
        "Rua das Flores 32 99999-1111",
        "Rua das Flores, 99999-1111",
        "Rua das Flores, 3 casas caíram",
        "Rua das Flores, 1 casa caiu",
        "Rua das Flores 2 a 3 metros",
        "Rua das Flores\n3 feridos",
        "Rua das Flores! 3",
    ] {
        for mode in [Mode::Text, Mode::Field] {
            let read = first(text, mode);
            assert_eq!((read.name.join(" "), read.number), ("flores".into(), None), "{text}");
        }
    }
    assert_eq!(first("Rua das Flores, 20 casa 2", Mode::Text).number, Some(20));
}

#[test]
fn a_letter_inside_a_sentence_is_no_street() {
    for text in ["água na rua e na casa", "caiu na rua e a casa", "na rua a 2 metros"] {
        assert_eq!(read(text, Mode::Text), [], "{text}");
    }
    for text in ["caiu na rua E, 20", "caiu na rua E 20", "caiu na rua E", "rua A, linhares"] {
        assert_eq!(first(text, Mode::Text).name.len(), 1, "{text}");
    }
}

#[test]
fn every_street_of_a_message_is_a_reading() {
    let readings = read("a tv caiu na rua das Flores 20 com a rua do Campo", Mode::Text);
    let names: Vec<String> = readings.iter().map(|one| format!("{} {}", one.kind, one.name.join(" "))).collect();
    assert_eq!(names, ["travessa caiu", "rua flores", "rua campo"]);
    assert!(readings[1].is_whole && !readings[2].is_whole);
}

#[test]
fn no_text_is_too_odd_to_be_read() {
    for text in
        ["R.", "rua rua rua", "n° n° 5", "\u{0}\u{301}", "20-", "rua 99999999999 5", "36016-0000", "–––", "rua das"]
    {
        let _ = (read(text, Mode::Field), read(text, Mode::Text));
    }
    assert!(read(&"rua a 1 ".repeat(500), Mode::Text).len() <= MOST_READINGS);
}
