//! Convênios from the federal open data, by a file that names the columns. The same file twice changes nothing; a bad row is told by
//! line and column and left out. The reading is pure; `import` acts in the caller's transaction.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::NaiveDate;
use chrono_tz::Tz;
use serde::Deserialize;
use sqlx::PgConnection;

use super::{Act, Clause, Funding, Kind, Opening, State};
use crate::accounts::tokens::desk::Acting;
use crate::refused::{FieldError, Refused, shorten};
use crate::secretariat::kernel::instrument::exchange::Imported;
use crate::secretariat::kernel::instrument::{
    Done, Extract, Movement, NewEntry, Party, Refusal, Seen, TaxId, Term, Tick, desk, store,
};
use crate::secretariat::kernel::money::Centavos;
use crate::vault::Ring;

const SHIPPED: &str = include_str!("../../../config/mappings/funding-transferegov.toml");

/// Most faults that one answer tells.
const MOST_FAULTS: usize = 200;
/// Most rows of a file that are read.
const MOST_ROWS: usize = 100_000;
/// CNPJ of the Union, for who gives where the file has only a name.
const UNION: &str = "00394460000141";

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Only {
    pub column: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    pub delimiter: char,
    pub encoding: String,
    pub date: String,
    /// The column whose value has to be the town's own IBGE code.
    #[serde(default)]
    pub only: Option<Only>,
    pub columns: BTreeMap<String, String>,
    pub kinds: BTreeMap<String, Kind>,
    pub states: BTreeMap<String, State>,
}

/// The mapping that comes with the service.
///
/// # Errors
/// None in a release: a test reads it.
pub fn shipped() -> Result<Mapping, toml::de::Error> {
    toml::from_str(SHIPPED)
}

/// A row that was understood.
#[derive(Clone, Debug)]
pub struct Row {
    pub line: u64,
    pub key: String,
    pub kind: Kind,
    pub grantor: String,
    pub sync: Act,
}

/// Good rows, and what is wrong with the others.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    pub rows: Vec<Row>,
    pub faults: Vec<FieldError>,
    /// Of other towns.
    pub left_out: usize,
}

struct Reader<'a> {
    mapping: &'a Mapping,
    places: HashMap<&'a str, usize>,
    record: &'a csv::StringRecord,
    line: u64,
}

type Cell<T> = Result<T, FieldError>;

impl Reader<'_> {
    fn text(&self, name: &str) -> &str {
        self.places.get(name).and_then(|at| self.record.get(*at)).unwrap_or_default().trim()
    }

    fn fault(&self, name: &str, expected: impl Into<String>) -> FieldError {
        let column = self.mapping.columns.get(name).map_or(name, String::as_str);
        let field = format!("line {}, {column}", self.line);
        FieldError { field, value: shorten(self.text(name)), message: expected.into() }
    }

    fn day(&self, name: &str) -> Cell<Option<NaiveDate>> {
        let text = self.text(name);
        if text.is_empty() {
            return Ok(None);
        }
        let read = NaiveDate::parse_from_str(text, &self.mapping.date);
        read.map(Some).map_err(|_| self.fault(name, format!("expected a day as {}", self.mapping.date)))
    }

    fn money(&self, name: &str) -> Cell<Centavos> {
        let text = self.text(name);
        if text.is_empty() {
            return Ok(Centavos::ZERO);
        }
        let read: Centavos = text.parse().map_err(|_| self.fault(name, "expected reais as 1234,56"))?;
        if read.is_negative() { Err(self.fault(name, "expected nought or more")) } else { Ok(read) }
    }

    fn row(&self) -> Cell<Row> {
        let key = self.text("outside_key").to_owned();
        if key.is_empty() || key.len() > 60 {
            return Err(self.fault("outside_key", "expected a number of 1 to 60 characters"));
        }
        let state = self.mapping.states.get(self.text("state")).copied();
        let state = state.ok_or_else(|| self.fault("state", "expected a state that the mapping names"))?;
        let kind = match self.text("kind") {
            "" => Kind::Convenio,
            word => *self
                .mapping
                .kinds
                .get(word)
                .ok_or_else(|| self.fault("kind", "expected a kind that the mapping names"))?,
        };
        let object: String = match self.text("object") {
            "" => format!("Convênio {key}"),
            text => text.chars().filter(|letter| !letter.is_control()).take(1000).collect(),
        };
        let (starts_on, ends_on) = (self.day("starts_on")?, self.day("ends_on")?);
        if starts_on.zip(ends_on).is_some_and(|(first, last)| last < first) {
            return Err(self.fault("ends_on", "expected the first day or later"));
        }
        let (committed, released, agreed) = (self.money("committed")?, self.money("released")?, self.money("agreed")?);
        if released > committed {
            return Err(self.fault("released", format!("expected at most what is committed, {committed}")));
        }
        let sync = Act::Sync {
            state,
            object,
            signed_on: self.day("signed_on")?,
            published_on: self.day("published_on")?,
            starts_on,
            ends_on,
            clause_on: self.day("clause_on")?,
            clause_met_on: self.day("clause_met_on")?,
            agreed,
            counterpart: self.money("counterpart")?,
            committed,
            released,
        };
        let grantor = match self.text("grantor") {
            "" => "União".to_owned(),
            text => text.chars().filter(|letter| !letter.is_control()).take(200).collect(),
        };
        Ok(Row { line: self.line, key, kind, grantor, sync })
    }
}

fn decoded(mapping: &Mapping, bytes: &[u8]) -> Result<String, FieldError> {
    match mapping.encoding.as_str() {
        "latin-1" => Ok(bytes.iter().map(|byte| char::from(*byte)).collect()),
        _ => std::str::from_utf8(bytes).map(|text| text.trim_start_matches('\u{feff}').to_owned()).map_err(|error| {
            let line =
                bytes.get(..error.valid_up_to()).unwrap_or_default().iter().filter(|byte| **byte == b'\n').count();
            let message = "expected UTF-8; the mapping says the encoding".to_owned();
            FieldError { field: format!("line {}", line + 1), value: String::new(), message }
        }),
    }
}

/// Reads a file. `town` is the IBGE code of the rows to take.
///
/// # Errors
/// The file as a whole cannot be read: its encoding, or a column that is missing.
pub fn read(mapping: &Mapping, bytes: &[u8], town: &str) -> Result<Sheet, FieldError> {
    let text = decoded(mapping, bytes)?;
    let delimiter = u8::try_from(mapping.delimiter).unwrap_or(b';');
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(text.as_bytes());
    let broken = |error: &csv::Error| FieldError {
        field: format!("line {}", error.position().map_or(1, csv::Position::line)),
        value: String::new(),
        message: error.to_string(),
    };
    let heads = reader.headers().map_err(|error| broken(&error))?.clone();
    let place = |column: &str| heads.iter().position(|head| head.trim() == column);
    let missing = |column: &str| FieldError {
        field: "line 1".into(),
        value: shorten(&heads.iter().collect::<Vec<_>>().join(";")),
        message: format!("expected a column {column}"),
    };
    let mut places = HashMap::new();
    for (name, column) in &mapping.columns {
        places.insert(name.as_str(), place(column).ok_or_else(|| missing(column))?);
    }
    let only =
        mapping.only.as_ref().map(|only| place(&only.column).ok_or_else(|| missing(&only.column))).transpose()?;
    let mut sheet = Sheet::default();
    let mut seen = BTreeSet::new();
    for (read, record) in reader.records().enumerate() {
        if read == MOST_ROWS {
            let field = format!("line {}", MOST_ROWS + 2);
            let message = format!("expected at most {MOST_ROWS} rows; what follows was not read");
            // Told also where there are more faults than are told.
            sheet.faults.push(FieldError { field, value: String::new(), message });
            break;
        }
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                tell(&mut sheet, broken(&error));
                continue;
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        if only.is_some_and(|at| record.get(at).unwrap_or_default().trim() != town) {
            sheet.left_out += 1;
            continue;
        }
        let row = Reader { mapping, places: places.clone(), record: &record, line }.row();
        match row {
            Ok(row) if !seen.insert(row.key.clone()) => tell(
                &mut sheet,
                FieldError {
                    field: format!("line {line}"),
                    value: row.key,
                    message: "the number stands in the file twice".into(),
                },
            ),
            Ok(row) => sheet.rows.push(row),
            Err(fault) => tell(&mut sheet, fault),
        }
    }
    Ok(sheet)
}

fn tell(sheet: &mut Sheet, fault: FieldError) {
    if sheet.faults.len() < MOST_FAULTS {
        sheet.faults.push(fault);
    }
}

/// What the file says now, as an act.
///
/// # Errors
/// An amount fell: what was entered is taken back by hand, with its reason.
pub fn sync(mut one: Funding, act: Act, seen: &Seen) -> Result<Done<Funding>, Refusal> {
    let Act::Sync {
        state,
        object,
        signed_on,
        published_on,
        starts_on,
        ends_on,
        clause_on,
        clause_met_on,
        agreed,
        counterpart,
        committed,
        released,
    } = act
    else {
        return Err(Refusal::wrong("act", "", "expected sync"));
    };
    if one.outside_key.is_none() {
        return Err(Refusal::wrong(
            "outside_key",
            "",
            "only what has its number outside is brought up to date from a file",
        ));
    }
    one.state = state;
    one.core.object = object;
    one.core.signed_on = signed_on.or(one.core.signed_on);
    if let Some(on) = published_on {
        one.core.published = Some(Extract { on, place: "Diário Oficial da União".into() });
    }
    if let Some((starts_on, ends_on)) = starts_on.zip(ends_on) {
        one.core.term = Some(Term { starts_on, ends_on });
    }
    // The file has the values with all amendments in them; those that were written here are in it by now.
    one.core.amendments.clear();
    (one.core.agreed, one.counterpart) = (agreed, counterpart);
    if let Some(due_on) = clause_on {
        put_clause(&mut one, due_on, clause_met_on);
    }
    let entries = risen(&one, (committed, counterpart, released), seen)?;
    let mut done = Done::of(one);
    if matches!(
        done.next.state,
        State::Suspended | State::Signed | State::Tender | State::Execution | State::AccountsDue
    ) {
        done.ticks.extend(done.next.core.ends_on().map(|last| Tick::Set(super::life::ACCOUNTS, last)));
    } else {
        done.ticks.push(Tick::Met(super::life::ACCOUNTS));
    }
    done.entries = entries;
    Ok(done)
}

/// The suspensive clause as the file has it; what was written of it here stays.
fn put_clause(one: &mut Funding, due_on: NaiveDate, met_on: Option<NaiveDate>) {
    let before = one.clause.take();
    let what = before.as_ref().map_or_else(|| "Cláusula suspensiva".to_owned(), |clause| clause.what.clone());
    let (evidence, put_off) = before.map(|clause| (clause.evidence, clause.put_off)).unwrap_or_default();
    one.clause = Some(Clause { what, due_on, met_on, evidence, put_off });
    if met_on.is_none() && one.state == State::Signed {
        one.state = State::Suspended;
    }
}

/// What was committed, owed and released since the last file.
fn risen(
    one: &Funding,
    (committed, counterpart, released): (Centavos, Centavos, Centavos),
    seen: &Seen,
) -> Result<Vec<NewEntry>, Refusal> {
    let totals = one.core.ledger.totals();
    let mut entries = Vec::new();
    for (movement, now, before) in [
        (Movement::Committed, committed, totals.committed),
        (Movement::CounterpartDue, counterpart, totals.counterpart_due),
        (Movement::Released, released, totals.released),
    ] {
        if now < before {
            let expected = format!("it was {before}; take the difference back by hand first");
            return Err(Refusal::wrong(movement.as_str(), now, expected));
        }
        if now > before {
            let (what, centavos) = ("Dados abertos federais".to_owned(), Centavos(now.0 - before.0));
            entries.push(NewEntry { movement, centavos, on: seen.today, what, reverses: None });
        }
    }
    Ok(entries)
}

/// Reads a file by the mapping that comes with the service.
///
/// # Errors
/// The file as a whole.
pub fn read_shipped(bytes: &[u8], town: &str) -> Result<Sheet, Refused> {
    let mapping = shipped().map_err(|error| Refused::Conflict(error.to_string()))?;
    read(&mapping, bytes, town).map_err(|fault| Refused::wrong(fault.field, fault.value, fault.message))
}

/// Takes what a file has into the register. Gives what it came to and the rows that were left out.
///
/// # Errors
/// The database's.
pub async fn import(
    conn: &mut PgConnection,
    (by, tz, vault): (Acting<'_>, Tz, &Ring),
    sheet: Sheet,
) -> Result<(Imported, Vec<FieldError>), Refused> {
    let mapping = shipped().map_err(|error| Refused::Conflict(error.to_string()))?;
    let (mut told, mut faults) = (Imported::default(), sheet.faults);
    for row in sheet.rows {
        match one_row(&mut *conn, (by, tz, vault), &row).await {
            Ok(Came::Created) => told.created += 1,
            Ok(Came::Updated) => told.updated += 1,
            Ok(Came::Unchanged) => told.unchanged += 1,
            Err(Refused::Wrong { field, value, message }) if faults.len() < MOST_FAULTS => {
                let column = mapping.columns.get(&field).unwrap_or(&field);
                faults.push(FieldError { field: format!("line {}, {column}", row.line), value, message });
            }
            Err(Refused::Conflict(why)) if faults.len() < MOST_FAULTS => {
                faults.push(FieldError { field: format!("line {}", row.line), value: row.key, message: why });
            }
            Err(Refused::Wrong { .. } | Refused::Conflict(_)) => {}
            Err(other) => return Err(other),
        }
    }
    Ok((told, faults))
}

enum Came {
    Created,
    Updated,
    Unchanged,
}

async fn one_row(
    conn: &mut PgConnection,
    (by, tz, vault): (Acting<'_>, Tz, &Ring),
    row: &Row,
) -> Result<Came, Refused> {
    let known = store::by_outside_key(&mut *conn, "funding", &row.key).await?;
    let today = by.now.with_timezone(&tz).date_naive();
    let seen = Seen { today, by: by.actor.name.clone(), late: Vec::new(), due: Vec::new(), elsewhere: None };
    if let Some(id) = known {
        let before = store::load::<Funding>(&mut *conn, id).await?.ok_or_else(|| Refused::NotFound(row.key.clone()))?;
        let done = sync(before.what.clone(), row.sync.clone(), &seen)?;
        if done.next == before.what && done.entries.is_empty() {
            return Ok(Came::Unchanged);
        }
        desk::act::<Funding>(conn, (by, tz, vault), (id, None), row.sync.clone()).await?;
        return Ok(Came::Updated);
    }
    let document: TaxId = UNION.parse().map_err(|_| Refused::wrong("grantor", UNION, "expected a CNPJ"))?;
    let opening = Opening {
        kind: row.kind,
        object: format!("Convênio {}", row.key),
        grantor: Party { name: row.grantor.clone(), document, bank: None },
        source: "Dados abertos federais".into(),
        proposals_until: None,
        outside_key: Some(row.key.clone()),
    };
    // Judged before anything is written, so that a bad row leaves nothing behind.
    let opened = super::life::open(opening.clone(), &seen)?;
    sync(opened.next, row.sync.clone(), &seen)?;
    let id = desk::open::<Funding>(&mut *conn, (by, tz, vault), opening).await?;
    desk::act::<Funding>(conn, (by, tz, vault), (id, None), row.sync.clone()).await?;
    Ok(Came::Created)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "NR_CONVENIO;OBJETO_PROPOSTA;MODALIDADE;DESC_ORGAO_SUP;SIT_CONVENIO;DIA_ASSIN_CONV;DIA_PUBL_CONV;\
        DIA_INIC_VIGENC_CONV;DIA_FIM_VIGENC_CONV;DATA_SUSPENSIVA;DATA_RETIRADA_SUSPENSIVA;VL_REPASSE_CONV;VL_CONTRAPARTIDA_CONV;\
        VL_EMPENHADO_CONV;VL_DESEMBOLSADO_CONV;COD_MUNIC_IBGE\n";

    fn sheet(rows: &str) -> Sheet {
        read(&shipped().unwrap(), format!("{HEAD}{rows}").as_bytes(), "3136702").unwrap()
    }

    #[test]
    fn rows_are_read_and_bad_ones_told_by_line_and_column() {
        let read = sheet(
            "900001;Contenção de encosta;CONVENIO;MIDR;Em execução;10/01/2026;15/01/2026;10/01/2026;09/01/2028;;;1000000,00;50000,00;1000000,00;250000,00;3136702\n\
             900002;Ponte;CONVENIO;MIDR;Em execução;10/01/2026;;10/01/2026;09/01/2028;;;mil;0;0;0;3136702\n\
             900003;Outra;CONVENIO;MIDR;Em execução;31/02/2026;;;;;;1;0;0;0;3136702\n\
             900004;De outra cidade;CONVENIO;MIDR;Em execução;;;;;;;1;0;0;0;3106200\n\
             900005;Desconhecida;CONVENIO;MIDR;Dormindo;;;;;;;1;0;0;0;3136702\n\
             900001;De novo;CONVENIO;MIDR;Em execução;;;;;;;1;0;0;0;3136702\n",
        );
        assert_eq!((read.rows.len(), read.left_out), (1, 1));
        let told: Vec<&str> = read.faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(told, ["line 3, VL_REPASSE_CONV", "line 4, DIA_ASSIN_CONV", "line 6, SIT_CONVENIO", "line 7"]);
        assert_eq!(read.faults[0].value, "mil");
    }

    #[test]
    fn a_missing_column_and_a_wrong_encoding_are_told_at_once() {
        let mapping = shipped().unwrap();
        assert!(read(&mapping, b"NR_CONVENIO;X\n1;2\n", "1").unwrap_err().message.contains("expected a column"));
        assert_eq!(read(&mapping, b"A\nexecu\xe7\xe3o\n", "1").unwrap_err().field, "line 2");
    }
}
