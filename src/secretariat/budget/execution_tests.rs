use super::*;

const A: &str = "02.01.06.182.0012.2041.3.3.90.30.1500";
const HEAD: &str = "dia;chave;documento;empenhado;anulado;liquidado;pago\r\n";

fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2027, 6, 1).unwrap()
}

fn sorted(text: &[u8], rows: &BTreeMap<Id, Executed>, executed: &BTreeMap<String, Executed>) -> Sorted {
    let allowed = BTreeMap::from([(A.to_owned(), Centavos(100_000))]);
    let mapping = Mapping::new();
    let (good, bad) = read(text, &mapping).unwrap();
    sort(good, bad, &mapping, &Before { year: 2027, today: today(), allowed: &allowed, executed, rows })
}

fn fresh(text: &str) -> Sorted {
    sorted(format!("{HEAD}{text}").as_bytes(), &BTreeMap::new(), &BTreeMap::new())
}

fn places(sorted: &Sorted) -> Vec<(usize, &str)> {
    sorted.bad.iter().map(|one| (one.line, one.column.as_str())).collect()
}

#[test]
fn good_rows_count_and_bad_ones_are_named_by_line_and_column() {
    let found = fresh(&format!(
        "01/02/2027;{A};E1;500,00;;;\r\n2027-02-02;{A};L1;;;600,00;\r\nontem;{A};E2;1,00;;;\r\n2027-02-03;{A};P1;;;100,00;200,00\r\n\
         2027-02-04;{A};L2;;;400,00;400,00\r\n2027-02-05;{A};A1;;200,00;;\r\n2028-01-01;{A};E3;1,00;;;\r\n2027-02-05;{A};E4;9.999,00;;;\r\n"
    ));
    assert_eq!(found.good.len(), 2, "{found:?}");
    assert_eq!(
        places(&found),
        [(3, "liquidado"), (4, "dia"), (5, "pago"), (7, "liquidado"), (8, "dia"), (9, "empenhado")],
        "{found:?}"
    );
    assert!(found.bad[5].message.contains("art. 59"));
}

#[test]
fn the_order_of_the_rows_does_not_matter() {
    let found = fresh(&format!("2027-02-02;{A};L1;;;500,00;500,00\r\n2027-02-01;{A};E1;500,00;;;\r\n"));
    assert_eq!((found.good.len(), found.bad.len()), (2, 0));
}

#[test]
fn the_same_table_twice_changes_nothing_and_other_amounts_are_told() {
    let text = format!("{HEAD}2027-02-01;{A};E1;500,00;;;\r\n2027-02-01;{A};E1;500,00;;;\r\n");
    let first = sorted(text.as_bytes(), &BTreeMap::new(), &BTreeMap::new());
    assert_eq!((first.good.len(), first.known), (1, 1));
    let rows = first.good.iter().map(|one| (one.id(), one.executed)).collect();
    let executed = BTreeMap::from([(A.to_owned(), first.good[0].executed)]);
    let again = sorted(text.as_bytes(), &rows, &executed);
    assert_eq!((again.good.len(), again.known, again.bad.len()), (0, 2, 0));
    let other = sorted(text.replace("500,00", "501,00").as_bytes(), &rows, &executed);
    assert_eq!(places(&other), [(2, "documento"), (3, "documento")]);
}

#[test]
fn attacks_are_bad_rows_and_never_a_panic() {
    let found = fresh(&format!(
        "2027-02-01;{A};E1;99999999999999999999999,00;;;\r\n2027-02-01;{A};E2;-1,00;;;\r\n2027-02-01;{A};E3;1e9;;;\r\n\
         2027-02-01;{A};E4;10.000.000.000.000,00;;;\r\n2027-02-01;{A};;1,00;;;\r\n2027-02-01;99.99.06.182.0012.2041.3.3.90.30.1500;E5;1,00;;;\r\n\
         2027-02-01;{A}\r\n"
    ));
    assert_eq!(found.good, []);
    assert_eq!(
        places(&found),
        [
            (2, "empenhado"),
            (3, "empenhado"),
            (4, "empenhado"),
            (5, "empenhado"),
            (6, "documento"),
            (7, "chave"),
            (8, "")
        ]
    );
}

#[test]
fn columns_of_another_name_and_latin_1_are_mapped() {
    let mapping: Mapping = [("documento", "nº do empenho"), ("empenhado", "valor empenhado")]
        .map(|(ours, theirs)| (ours.to_owned(), theirs.to_owned()))
        .into();
    let text = format!(
        "Dia;Chave;N\u{ba} do Empenho;Valor Empenhado;Anulado;Liquidado;Pago;Observa\u{e7}\u{e3}o\r\n01/02/2027;{A};7;5,00;;;;x\r\n"
    );
    let latin: Vec<u8> = text.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap()).collect();
    let (good, bad) = read(&latin, &mapping).unwrap();
    assert_eq!((good.len(), bad.len(), good[0].1.executed.committed), (1, 0, Centavos(500)));
    assert_eq!(read(latin.as_slice(), &Mapping::new()).unwrap_err().column, "documento");
    let unknown = Mapping::from([("quem".to_owned(), "x".to_owned())]);
    assert_eq!(read(&latin, &unknown).unwrap_err().column, "quem");
}
