//! The Quadro de Detalhamento da Despesa as PDF and as CSV, and the summaries beside it.

use serde_json::{Value, json};

use super::published::{Line, Snapshot};
use super::spend::{self, Phase, Row, Way};
use super::table;
use crate::secretariat::kernel::money::Centavos;

/// File in config/print/.
const TEMPLATE: &str = "qdd.typ";

const COLUMNS: [&str; 13] = [
    "unidade",
    "nome_unidade",
    "funcao",
    "subfuncao",
    "programa",
    "acao",
    "nome_acao",
    "natureza",
    "fonte",
    "esfera",
    "descricao",
    "fixado",
    "autorizado",
];

/// The QDD as a table.
pub fn csv(snapshot: &Snapshot) -> String {
    let row = |line: &Line| {
        let key = &line.key;
        let (unit, action) = (key.unit_code(), format!("{}.{}", key.programme, key.action));
        vec![
            unit.clone(),
            snapshot.name(&format!("unit:{unit}")).to_owned(),
            key.function.clone(),
            key.subfunction.clone(),
            key.programme.clone(),
            key.action.clone(),
            snapshot.name(&format!("action:{action}")).to_owned(),
            key.nature.clone(),
            key.source.clone(),
            line.sphere.to_string(),
            line.words.clone(),
            line.planned.to_string(),
            line.allowed.to_string(),
        ]
    };
    table::write(&COLUMNS, snapshot.expense.iter().map(row))
}

fn summary(snapshot: &Snapshot, way: Way) -> Vec<[String; 4]> {
    let Ok(sums) = spend::sums(&snapshot.expense, way) else { return Vec::new() };
    let mut rows = spend::below(&sums, way, &[], &snapshot.names).unwrap_or_default();
    rows.sort_by(|a, b| a.code.cmp(&b.code));
    let row = |row: Row| [row.code, row.name, row.planned.to_string(), row.allowed.to_string()];
    rows.into_iter().map(row).collect()
}

/// What the template reads. `authority` and `printed`, which says of its day, come as they are to be shown.
pub fn data(snapshot: &Snapshot, (authority, printed): (&str, &str)) -> Value {
    let mut units: Vec<(String, Vec<&Line>)> = Vec::new();
    for line in &snapshot.expense {
        let unit = line.key.unit_code();
        match units.last_mut() {
            Some((last, lines)) if *last == unit => lines.push(line),
            _ => units.push((unit, vec![line])),
        }
    }
    let row = |line: &&Line| {
        let key = &line.key;
        let name = snapshot.name(&format!("action:{}.{}", key.programme, key.action));
        let functional = format!("{}.{}.{}.{}", key.function, key.subfunction, key.programme, key.action);
        let words = if line.words.is_empty() { name.to_owned() } else { format!("{name} – {}", line.words) };
        [functional, words, key.nature.clone(), key.source.clone(), line.planned.to_string(), line.allowed.to_string()]
    };
    let units: Vec<Value> = units
        .iter()
        .map(|(unit, lines)| {
            let sum = Centavos::sum(lines.iter().map(|line| line.planned)).unwrap_or_default();
            let allowed = Centavos::sum(lines.iter().map(|line| line.allowed)).unwrap_or_default();
            let rows: Vec<_> = lines.iter().map(row).collect();
            json!({ "code": unit, "name": snapshot.name(&format!("unit:{unit}")), "rows": rows, "planned": sum.to_string(),
                "allowed": allowed.to_string() })
        })
        .collect();
    let (act, is_draft) = match (&snapshot.law, &snapshot.submission) {
        (Some(law), _) => (format!("{}, de {}", law.number, law.on.format("%d/%m/%Y")), false),
        (None, Some(submission)) => (format!("Projeto: {}", submission.number), true),
        (None, None) => ("Projeto em elaboração".to_owned(), true),
    };
    json!({
        "authority": authority, "printed": printed, "year": snapshot.year_from, "act": act, "is_draft": is_draft, "note": snapshot.note,
        "revenue": snapshot.taken_in().to_string(), "planned": snapshot.planned().to_string(), "allowed": snapshot.allowed().to_string(),
        "units": units, "by_function": summary(snapshot, Way::Function), "by_unit": summary(snapshot, Way::Unit),
        "by_nature": summary(snapshot, Way::Nature),
    })
}

/// # Errors
/// The template's.
pub async fn pdf(snapshot: &Snapshot, words: (&str, &str)) -> anyhow::Result<Vec<u8>> {
    Ok(crate::print::render(TEMPLATE, &data(snapshot, words), Vec::new()).await?)
}

/// The sum of a phase.
pub fn whole(snapshot: &Snapshot, phase: Phase) -> Centavos {
    spend::sums(&snapshot.expense, Way::Function).map(|sums| sums.of(phase)).unwrap_or_default()
}
