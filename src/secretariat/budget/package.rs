//! The Fiscal Data Package: `datapackage.json` and two tables whose columns say what they are. What is read is written again with the same
//! bytes. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::key::ExpenseKey;
use super::lines::{ExpenseLine, RevenueLine};
use super::published::{Line, Snapshot};
use super::table::Bad;
use crate::secretariat::kernel::money::Centavos;

/// Columns of the expense and what they are.
const EXPENSE: [(&str, &str, &str); 25] = [
    ("year", "date:fiscal-year", "integer"),
    ("direction", "direction", "string"),
    ("phase", "phase:id", "string"),
    ("organ", "administrative-classification:generic:level1:code", "string"),
    ("organ_name", "administrative-classification:generic:level1:label", "string"),
    ("unit", "administrative-classification:generic:level2:code", "string"),
    ("unit_name", "administrative-classification:generic:level2:label", "string"),
    ("function", "functional-classification:generic:level1:code", "string"),
    ("function_name", "functional-classification:generic:level1:label", "string"),
    ("subfunction", "functional-classification:generic:level2:code", "string"),
    ("subfunction_name", "functional-classification:generic:level2:label", "string"),
    ("programme", "activity:generic:program:code", "string"),
    ("programme_name", "activity:generic:program:label", "string"),
    ("action", "activity:generic:project:code", "string"),
    ("action_name", "activity:generic:project:label", "string"),
    ("category", "economic-classification:generic:level1:code", "string"),
    ("group", "economic-classification:generic:level2:code", "string"),
    ("modality", "economic-classification:generic:level3:code", "string"),
    ("element", "economic-classification:generic:level4:code", "string"),
    ("nature", "", "string"),
    ("source", "fin-source:generic:code", "string"),
    ("source_name", "fin-source:generic:label", "string"),
    ("sphere", "", "string"),
    ("words", "", "string"),
    ("value", "value", "number"),
];

const REVENUE: [(&str, &str, &str); 9] = [
    ("year", "date:fiscal-year", "integer"),
    ("direction", "direction", "string"),
    ("phase", "phase:id", "string"),
    ("nature", "economic-classification:generic:code", "string"),
    ("nature_name", "economic-classification:generic:label", "string"),
    ("source", "fin-source:generic:code", "string"),
    ("sphere", "", "string"),
    ("words", "", "string"),
    ("value", "value", "number"),
];

/// The phases of the Fiscal Data Package that a line of ours has.
const PHASES: [&str; 3] = ["approved", "adjusted", "executed"];

/// The phase of what was planned: a bill proposes, a law approves.
fn first_phase(state: &str) -> &'static str {
    if state == "enacted" { PHASES[0] } else { "proposed" }
}

fn table<R: AsRef<[String]>>(columns: &[(&str, &str, &str)], rows: impl IntoIterator<Item = R>) -> String {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    // A vector takes every byte, and every row has the columns of the head.
    let _ = writer.write_record(columns.iter().map(|(name, ..)| name));
    for row in rows {
        let _ = writer.write_record(row.as_ref());
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

fn expense_row(year: i32, phase: &str, line: &Line, amount: Centavos, names: &BTreeMap<String, String>) -> Vec<String> {
    let key = &line.key;
    let name = |level: &str, code: &str| names.get(&format!("{level}:{code}")).cloned().unwrap_or_default();
    let unit = key.unit_code();
    let [category, group, modality, element] = key.nature_parts().map(str::to_owned);
    vec![
        year.to_string(),
        "expenditure".into(),
        phase.to_owned(),
        key.organ.clone(),
        name("unit", &key.organ),
        unit.clone(),
        name("unit", &unit),
        key.function.clone(),
        name("function", &key.function),
        key.subfunction.clone(),
        name("subfunction", &format!("{}.{}", key.function, key.subfunction)),
        key.programme.clone(),
        name("programme", &key.programme),
        key.action.clone(),
        name("action", &format!("{}.{}", key.programme, key.action)),
        category,
        group,
        modality,
        element,
        key.nature.clone(),
        key.source.clone(),
        name("source", &key.source),
        line.sphere.to_string(),
        line.words.clone(),
        amount.machine(),
    ]
}

/// `despesa.csv`: each line once a phase.
pub fn expense(snapshot: &Snapshot) -> String {
    let mut rows = Vec::with_capacity(snapshot.expense.len() * 3);
    for line in &snapshot.expense {
        let amounts =
            [(first_phase(&snapshot.state), line.planned), (PHASES[1], line.allowed), (PHASES[2], line.executed.paid)];
        rows.extend(
            amounts.map(|(phase, amount)| expense_row(snapshot.year_from, phase, line, amount, &snapshot.names)),
        );
    }
    table(&EXPENSE, rows)
}

/// `receita.csv`.
pub fn revenue(snapshot: &Snapshot) -> String {
    let row = |line: &RevenueLine| {
        vec![
            snapshot.year_from.to_string(),
            "revenue".into(),
            first_phase(&snapshot.state).to_owned(),
            line.nature.clone(),
            snapshot.revenue_names.get(&line.nature).cloned().unwrap_or_default(),
            line.source.clone(),
            line.sphere.to_string(),
            line.words.clone(),
            line.amount.machine(),
        ]
    };
    table(&REVENUE, snapshot.revenue.iter().map(row))
}

fn resource(name: &str, path: &str, columns: &[(&str, &str, &str)]) -> Value {
    let field = |(name, column, kind): &(&str, &str, &str)| {
        let mut field = json!({ "name": name, "type": kind });
        if !column.is_empty() {
            field["columnType"] = json!(column);
        }
        field
    };
    let fields: Vec<Value> = columns.iter().map(field).collect();
    json!({ "name": name, "path": path, "profile": "tabular-data-resource", "format": "csv", "mediatype": "text/csv", "encoding": "utf-8",
        "dialect": { "delimiter": ",", "lineTerminator": "\r\n" }, "schema": { "fields": fields } })
}

/// `datapackage.json`.
pub fn descriptor(snapshot: &Snapshot, town: &str, ibge: &str) -> Value {
    let year = snapshot.year_from;
    json!({
        "profile": "fiscal-data-package",
        "name": format!("orcamento-{}-{year}", if ibge.is_empty() { "municipio" } else { ibge }),
        "title": format!("Lei Orçamentária Anual {year} – {town}"),
        "description": snapshot.note,
        "countryCode": "BR",
        "granularity": "aggregated",
        "fiscalPeriod": { "start": format!("{year}-01-01"), "end": format!("{year}-12-31") },
        "currency": "BRL",
        "resources": [resource("despesa", "despesa.csv", &EXPENSE), resource("receita", "receita.csv", &REVENUE)],
    })
}

fn rows(bytes: &[u8], columns: &[(&str, &str, &str)]) -> Result<Vec<(usize, Vec<String>)>, Bad> {
    if bytes.len() > 32 << 20 {
        return Err(Bad::new(1, "", "", "expected at most 32 MiB"));
    }
    let mut reader = csv::ReaderBuilder::new().has_headers(true).from_reader(bytes);
    let head = reader.headers().map_err(|error| Bad::new(1, "", "", error.to_string()))?;
    if !head.iter().eq(columns.iter().map(|(name, ..)| *name)) {
        let names: Vec<&str> = columns.iter().map(|(name, ..)| *name).collect();
        return Err(Bad::new(1, "", "", format!("expected the columns {}", names.join(","))));
    }
    let mut all = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| Bad::new(all.len() + 2, "", "", error.to_string()))?;
        let line = record.position().and_then(|at| usize::try_from(at.line()).ok()).unwrap_or_default();
        all.push((line, record.iter().map(str::to_owned).collect()));
    }
    Ok(all)
}

/// The lines of `despesa.csv` as they were planned.
///
/// # Errors
/// The first cell that is wrong.
pub fn read_expense(bytes: &[u8]) -> Result<Vec<ExpenseLine>, Bad> {
    let mut lines = Vec::new();
    let mut seen = BTreeSet::new();
    for (line, cells) in rows(bytes, &EXPENSE)? {
        let of = |name: &str| {
            let at = EXPENSE.iter().position(|(other, ..)| *other == name).unwrap_or_default();
            cells.get(at).map_or("", String::as_str)
        };
        if PHASES[1..].contains(&of("phase")) {
            continue;
        }
        let wrong = |column: &str, message: String| Bad::new(line, column, of(column), message);
        let [unit, function, subfunction] = ["unit", "function", "subfunction"].map(of);
        let [programme, action, nature, source] = ["programme", "action", "nature", "source"].map(of);
        let key = format!("{unit}.{function}.{subfunction}.{programme}.{action}.{nature}.{source}");
        let key: ExpenseKey = key.parse().map_err(|error: super::key::NoKey| wrong("unit", error.to_string()))?;
        let sphere =
            of("sphere").parse().map_err(|error: crate::units::UnknownWord| wrong("sphere", error.to_string()))?;
        let amount = Centavos::from_machine(of("value")).map_err(|error| wrong("value", error.to_string()))?;
        if amount.is_negative() || !seen.insert(key.clone()) {
            return Err(wrong("value", "expected each line once, with no negative amount".into()));
        }
        lines.push(ExpenseLine { key, sphere, amount, words: of("words").to_owned() });
    }
    Ok(lines)
}

/// The lines of `receita.csv`.
///
/// # Errors
/// The first cell that is wrong.
pub fn read_revenue(bytes: &[u8]) -> Result<Vec<RevenueLine>, Bad> {
    let mut lines = Vec::new();
    for (line, cells) in rows(bytes, &REVENUE)? {
        let cell = |at: usize| cells.get(at).map_or("", String::as_str);
        let wrong = |at: usize, message: String| Bad::new(line, REVENUE[at].0, cell(at), message);
        let sphere = cell(6).parse().map_err(|error: crate::units::UnknownWord| wrong(6, error.to_string()))?;
        let amount = Centavos::from_machine(cell(8)).map_err(|error| wrong(8, error.to_string()))?;
        let (nature, source, words) = (cell(3).to_owned(), cell(5).to_owned(), cell(7).to_owned());
        lines.push(RevenueLine { nature, source, sphere, amount, words });
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secretariat::budget::execution::Executed;
    use crate::secretariat::budget::{BillKind, Sphere};

    fn snapshot() -> Snapshot {
        let line = |key: &str, words: &str, planned: i64| Line {
            key: key.parse().unwrap(),
            sphere: Sphere::Fiscal,
            words: words.into(),
            planned: Centavos(planned),
            allowed: Centavos(planned + 5),
            executed: Executed { paid: Centavos(1), ..Executed::default() },
        };
        let (nature, source) = ("1.1.1.2.50".to_owned(), "1500".to_owned());
        let revenue = RevenueLine {
            nature,
            source,
            sphere: Sphere::Fiscal,
            amount: Centavos(123_456),
            words: "IPTU, \"líquido\"".into(),
        };
        Snapshot {
            kind: BillKind::Loa,
            year_from: 2027,
            year_to: 2027,
            state: "enacted".into(),
            hearing: None,
            submission: None,
            law: None,
            note: "Números fictícios".into(),
            credit_limit: 1000,
            revenue: vec![revenue],
            expense: vec![
                line("02.01.06.182.0012.2041.3.3.90.30.1500", "Lonas, kits", 100_000),
                line("02.09.99.999.9999.9001.9.9.99.99.99.1500", "", 23_456),
            ],
            changes: Vec::new(),
            ppa: None,
            ldo: None,
            names: [("unit:02.01".to_owned(), "Defesa Civil".to_owned())].into(),
            revenue_names: BTreeMap::new(),
        }
    }

    #[test]
    fn a_package_is_read_and_written_again_with_the_same_bytes() {
        let first = snapshot();
        let (expense_bytes, revenue_bytes) = (expense(&first), revenue(&first));
        let lines = read_expense(expense_bytes.as_bytes()).unwrap();
        let revenues = read_revenue(revenue_bytes.as_bytes()).unwrap();
        assert_eq!(revenues, first.revenue);
        let again = lines.iter().zip(&first.expense).map(|(line, old)| Line {
            key: line.key.clone(),
            sphere: line.sphere,
            words: line.words.clone(),
            planned: line.amount,
            ..old.clone()
        });
        let second = Snapshot { expense: again.collect(), revenue: revenues, ..first.clone() };
        assert_eq!((expense(&second), revenue(&second)), (expense_bytes, revenue_bytes));
    }

    #[test]
    fn every_column_type_of_the_standard_is_there() {
        let whole = descriptor(&snapshot(), "Cidade", "3136702").to_string();
        for column in [
            "functional-classification:generic:level2:code",
            "economic-classification:generic:level4:code",
            "administrative-classification:generic:level1:code",
            "activity:generic:program:code",
            "fin-source:generic:code",
            "phase:id",
            "direction",
            "\"value\"",
        ] {
            assert!(whole.contains(column), "{column}");
        }
    }

    #[test]
    fn other_columns_and_a_wrong_value_are_named() {
        assert!(read_expense(b"a,b\r\n1,2\r\n").unwrap_err().message.contains("expected the columns"));
        let wrong = expense(&snapshot()).replace("1000.00", "1000,00");
        assert!(read_expense(wrong.as_bytes()).is_err());
    }
}
