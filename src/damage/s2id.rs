//! The figures as the CSV of S2iD and the national atlas: four lines of metadata, `;`, latin-1, the columns of the atlas. Pure.
//!
//! Reading what was written gives the same bytes when it is written again. docs/damage.md says which names are known and which are our
//! reading.

use std::collections::BTreeMap;

use serde::Serialize;

use super::figures::{Sums, sums};
use super::lines::{Amount, Line, Part};

/// What stands before the figures.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Head {
    pub protocol: String,
    pub town: String,
    pub state: String,
    pub status: String,
    /// dd/mm/yyyy.
    pub registered: String,
    pub occurred: String,
    /// Five digits.
    pub cobrade: String,
    pub cobrade_name: String,
    pub ibge: String,
    /// Words beside 6.1, 6.2, 6.3, 7.1 and 7.2.
    pub words: [String; 5],
}

/// A file with one disaster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sheet {
    pub metadata: [String; 4],
    pub head: Head,
    pub totals: BTreeMap<Line, Amount>,
}

/// What a file of ours cannot say.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("expected four lines of metadata, one of columns and one of values")]
    Lines,
    #[error("column {0}: expected {1:?}")]
    Column(usize, String),
    #[error("{0}: {1:?} is no number")]
    Number(String, String),
    #[error("{0} is not the sum of its parts")]
    Sum(String),
}

const HEAD: [&str; 9] = [
    "Protocolo_S2iD",
    "Nome_Municipio",
    "Sigla_UF",
    "Status",
    "Data_Registro",
    "Data_Evento",
    "Cod_Cobrade",
    "descricao_tipologia",
    "Cod_IBGE_Mun",
];

const fn words_column(part: Part) -> &'static str {
    match part {
        Part::Human => "DH_Descricao",
        Part::Material => "DM_Descricao",
        Part::Environmental => "DA_Descricao",
        Part::PublicLoss => "PEPL_Descricao",
        Part::PrivateLoss => "PEPR_Descricao",
    }
}

/// Columns that hold sums, by the part that they follow. The atlas also sums persons; we never do.
const fn sum_column(part: Part) -> Option<&'static str> {
    match part {
        Part::Human | Part::Environmental => None,
        Part::Material => Some("DM_total_danos_materiais"),
        Part::PublicLoss => Some("PEPL_total_publico"),
        Part::PrivateLoss => Some("PEPR_total_privado"),
    }
}

const LOSSES: &str = "PE_PLePR";

/// Every column in its order.
pub fn columns() -> Vec<&'static str> {
    let mut all: Vec<&'static str> = HEAD.to_vec();
    for part in Part::ALL {
        all.push(words_column(*part));
        all.extend(part.lines().flat_map(|line| line.columns().iter().copied()));
        all.extend(sum_column(*part));
    }
    all.push(LOSSES);
    all
}

/// "1234,56".
fn money(centavos: Option<i64>) -> String {
    centavos.map(|centavos| format!("{},{:02}", centavos / 100, centavos % 100)).unwrap_or_default()
}

fn number(number: Option<i64>) -> String {
    number.map(|number| number.to_string()).unwrap_or_default()
}

fn cells_of(line: Line, amount: Amount) -> Vec<String> {
    match line.part() {
        Part::Human | Part::Environmental => vec![number(amount.persons)],
        Part::Material => vec![number(amount.damaged), number(amount.destroyed), money(amount.centavos)],
        Part::PublicLoss | Part::PrivateLoss => vec![money(amount.centavos)],
    }
}

fn sum_of(part: Part, sums: &Sums) -> Option<i64> {
    match part {
        Part::Human | Part::Environmental => None,
        Part::Material => sums.material_centavos,
        Part::PublicLoss => sums.public_centavos,
        Part::PrivateLoss => sums.private_centavos,
    }
}

/// One line of words in latin-1, without what a spreadsheet would reckon. Marks that latin-1 lacks become the nearest that it has.
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.trim().chars() {
        match letter {
            '\u{2013}' | '\u{2014}' | '\u{2212}' => plain.push('-'),
            '\u{2018}' | '\u{2019}' => plain.push('\''),
            '\u{201c}' | '\u{201d}' => plain.push('"'),
            '\u{2026}' => plain.push_str("..."),
            letter if letter.is_whitespace() || letter.is_control() => plain.push(' '),
            letter if (letter as u32) < 256 => plain.push(letter),
            _ => plain.push('?'),
        }
    }
    let plain = plain.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    if plain.starts_with(['=', '+', '-', '@']) { format!("'{plain}") } else { plain }
}

fn cell(text: &str) -> String {
    if text.contains([';', '"']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

fn to_latin1(text: &str) -> Vec<u8> {
    text.chars().map(|letter| u8::try_from(letter as u32).unwrap_or(b'?')).collect()
}

fn from_latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// The file. Nothing stands where nobody said a number.
pub fn write(sheet: &Sheet) -> Vec<u8> {
    let head = &sheet.head;
    let mut values: Vec<String> = vec![
        plain(&head.protocol),
        plain(&head.town),
        plain(&head.state),
        plain(&head.status),
        plain(&head.registered),
        plain(&head.occurred),
        plain(&head.cobrade),
        plain(&head.cobrade_name),
        plain(&head.ibge),
    ];
    let sums = sums(&sheet.totals);
    for (part, words) in Part::ALL.iter().zip(&head.words) {
        values.push(plain(words));
        for line in part.lines() {
            values.extend(cells_of(line, sheet.totals.get(&line).copied().unwrap_or_default()));
        }
        if sum_column(*part).is_some() {
            values.push(money(sum_of(*part, &sums)));
        }
    }
    values.push(money(sums.loss_centavos));
    let mut text = String::new();
    for line in &sheet.metadata {
        text.push_str(&cell(&plain(line)));
        text.push_str("\r\n");
    }
    for row in [columns().into_iter().map(cell).collect::<Vec<_>>(), values.iter().map(|value| cell(value)).collect()] {
        text.push_str(&row.join(";"));
        text.push_str("\r\n");
    }
    to_latin1(&text)
}

/// The cells of a line.
fn split(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let (mut quoted, mut letters) = (false, line.chars().peekable());
    while let Some(letter) = letters.next() {
        match (letter, quoted) {
            ('"', true) if letters.peek() == Some(&'"') => {
                letters.next();
                if let Some(cell) = cells.last_mut() {
                    cell.push('"');
                }
            }
            ('"', _) => quoted = !quoted,
            (';', false) => cells.push(String::new()),
            (letter, _) => {
                if let Some(cell) = cells.last_mut() {
                    cell.push(letter);
                }
            }
        }
    }
    cells
}

fn read_number(column: &str, text: &str) -> Result<Option<i64>, Unreadable> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| Unreadable::Number(column.into(), text.into()))
}

fn read_money(column: &str, text: &str) -> Result<Option<i64>, Unreadable> {
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = || Unreadable::Number(column.into(), text.into());
    let (whole, cents) = text.split_once(',').filter(|(_, cents)| cents.len() == 2).ok_or_else(wrong)?;
    let (whole, cents): (i64, i64) = (whole.parse().map_err(|_| wrong())?, cents.parse().map_err(|_| wrong())?);
    Ok(whole.checked_mul(100).and_then(|whole| whole.checked_add(cents)))
}

/// Reads a file of ours, and holds its sums against their parts.
///
/// # Errors
/// Names the column.
pub fn read(bytes: &[u8]) -> Result<Sheet, Unreadable> {
    let text = from_latin1(bytes);
    let lines: Vec<&str> = text.split("\r\n").collect();
    let [a, b, c, d, names, values, ""] = lines.as_slice() else { return Err(Unreadable::Lines) };
    let first = |line: &str| split(line).into_iter().next().unwrap_or_default();
    let columns = columns();
    let (names, values) = (split(names), split(values));
    if let Some(at) =
        (0..columns.len().max(names.len())).find(|at| columns.get(*at).copied() != names.get(*at).map(String::as_str))
    {
        return Err(Unreadable::Column(at + 1, columns.get(at).copied().unwrap_or_default().into()));
    }
    if values.len() != columns.len() {
        return Err(Unreadable::Lines);
    }
    let by_name: BTreeMap<&str, &str> = columns.iter().copied().zip(values.iter().map(String::as_str)).collect();
    let of = |name: &str| by_name.get(name).copied().unwrap_or_default().to_owned();
    let words = Part::ALL.iter().map(|part| of(words_column(*part))).collect::<Vec<_>>();
    let head = Head {
        protocol: of(HEAD[0]),
        town: of(HEAD[1]),
        state: of(HEAD[2]),
        status: of(HEAD[3]),
        registered: of(HEAD[4]),
        occurred: of(HEAD[5]),
        cobrade: of(HEAD[6]),
        cobrade_name: of(HEAD[7]),
        ibge: of(HEAD[8]),
        words: words.try_into().unwrap_or_default(),
    };
    let mut totals = BTreeMap::new();
    for line in Line::ALL {
        let amount = match (line.part(), line.columns()) {
            (Part::Human | Part::Environmental, [persons]) => {
                Amount { persons: read_number(persons, &of(persons))?, ..Amount::default() }
            }
            (Part::Material, [damaged, destroyed, value]) => Amount {
                damaged: read_number(damaged, &of(damaged))?,
                destroyed: read_number(destroyed, &of(destroyed))?,
                centavos: read_money(value, &of(value))?,
                persons: None,
            },
            (_, [value, ..]) => Amount { centavos: read_money(value, &of(value))?, ..Amount::default() },
            (_, []) => Amount::default(),
        };
        if !amount.is_empty() {
            totals.insert(*line, amount);
        }
    }
    let sums = sums(&totals);
    let told = Part::ALL.iter().filter_map(|part| Some((sum_column(*part)?, sum_of(*part, &sums))));
    for (column, sum) in told.chain([(LOSSES, sums.loss_centavos)]) {
        if read_money(column, &of(column))? != sum {
            return Err(Unreadable::Sum(column.into()));
        }
    }
    Ok(Sheet { metadata: [first(a), first(b), first(c), first(d)], head, totals })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_sheet() -> impl Strategy<Value = Sheet> {
        let number = || prop::option::of(0..10_000_000_i64);
        let amounts = prop::collection::vec((0..Line::ALL.len(), number(), number(), number()), 0..40);
        (amounts, "[a-zá-ü;\"= –€\\n]{0,40}", prop::array::uniform4("[ -~]{0,30}")).prop_map(
            |(amounts, words, metadata)| {
                let mut totals = BTreeMap::new();
                for (at, a, b, c) in amounts {
                    let line = Line::ALL[at];
                    let amount = match line.part() {
                        Part::Human | Part::Environmental => Amount { persons: a, ..Amount::default() },
                        Part::Material => Amount { damaged: a, destroyed: b, centavos: c, persons: None },
                        Part::PublicLoss | Part::PrivateLoss => Amount { centavos: a, ..Amount::default() },
                    };
                    if !amount.is_empty() {
                        totals.insert(line, amount);
                    }
                }
                let head = Head {
                    town: "São João".into(),
                    cobrade: "11321".into(),
                    words: std::array::from_fn(|_| words.clone()),
                    ..Head::default()
                };
                Sheet { metadata, head, totals }
            },
        )
    }

    proptest! {
        #[test]
        fn what_was_written_reads_as_the_same_figures_and_writes_as_the_same_bytes(sheet in any_sheet()) {
            let bytes = write(&sheet);
            let read = read(&bytes).unwrap();
            prop_assert_eq!(&read.totals, &sheet.totals);
            prop_assert_eq!(write(&read), bytes);
        }
    }

    #[test]
    fn the_file_has_the_columns_of_the_atlas_in_latin_1() {
        let mut sheet = Sheet { metadata: ["Sistema".into(), "a".into(), "b".into(), "c".into()], ..Sheet::default() };
        sheet.head.town = "Juiz de Fora".into();
        sheet.totals.insert(Line::Dead, Amount { persons: Some(2), ..Amount::default() });
        sheet.totals.insert(Line::Health, Amount { damaged: Some(1), centavos: Some(1_050), ..Amount::default() });
        let bytes = write(&sheet);
        let text = from_latin1(&bytes);
        let lines: Vec<&str> = text.lines().collect();
        assert!(
            lines[4].contains("DH_MORTOS;DH_FERIDOS;") && lines[4].contains(";DM_Inst Saúde Danificadas;"),
            "{}",
            lines[4]
        );
        assert!(bytes.windows(3).any(|three| three == [b'a', 0xfa, b'd']), "ú is one byte");
        assert!(lines[5].contains(";2;") && lines[5].contains(";1;;10,50;"), "{}", lines[5]);
        let forged = text.replace(";10,50;", ";10,51;");
        assert!(matches!(read(&to_latin1(&forged.replacen("10,51", "10,50", 1))), Err(Unreadable::Sum(_))));
    }

    #[test]
    fn words_are_no_formula_and_break_no_line() {
        assert_eq!(plain("=1+1"), "'=1+1");
        assert_eq!(plain("casa\n“caiu” – 3 m…"), "casa \"caiu\" - 3 m...");
        assert_eq!(plain("água 木"), "água ?");
    }
}
