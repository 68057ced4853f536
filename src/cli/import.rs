//! `sentinela import areas|stations|shelters|resources|residents|institutions|readings|addresses|neighbourhoods FILE`, `sentinela import history|cap FILE…`, and with [`provider`]
//! `sentinela import stations --from PROVIDER FILE|URL`.

mod addresses;
mod areas;
mod cap;
mod institutions;
mod neighbourhoods;
mod provider;
mod resources;
mod rows;
mod shelters;

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::audit::Actor;
use crate::catalogue::store::{Kind, Options, Report, RowReport, import, readings};
use crate::catalogue::{Format, MAX_FILE_BYTES};
use crate::cli::{Session, Usage, backfill};
use crate::config::Config;
use crate::journal::{self, Outcome};

/// Readings in one append.
const BATCH: usize = 1000;

/// Shown by `sentinela import --help`.
const FORMATS: &str = "\
Files are UTF-8. CSV has a header line and `,` or `;` (then with decimal comma). Coordinates are WGS84 degrees; GeoJSON puts
longitude first. A file that has any error is not imported at all; the same file again changes nothing.

areas      GeoJSON of polygons with the properties code, name, source, and hazards: [{\"cobrade\": \"1.1.3.2.1\", \"grade\":
           \"R3\"}] (or cobrade and grade), or in the layout of SGB's risk sectors; also in SIRGAS 2000 (degrees or UTM) by its
           `crs`. CSV: the same columns, the polygon as GeoJSON in `geometry`, hazards as \"1.1.3.2.1:R3; 1.2.3.0.0:R1\". Or the
           address of a collection of OGC API – Features, or of a WFS with typeNames. Every change is a version with --reason; look
           with --dry-run first. docs/areas.md tells all of it.
stations   CSV, a row for each station and stream: code,name,lat,lon,elevation_m,source,stream,quantity,unit,kind,interval_s,
           stale_after_min,counter_wraps_at,tip_mm,device,secret. GeoJSON: points with code, name and streams: [{name, quantity,
           unit, kind, …}]. With --from, the list that CEMADEN (JSONP with coordinates) or INMET (/estacoes/T) publishes, as a
           file or by its address; of one municipality or one state. Look with --dry-run first.
residents  CSV or GeoJSON points: external_ref,name,language,lat,lon,precision_m,phone,email,consent_source,consent_at. Telephones as
           people write them, mailboxes in any case. Whoever is known by telephone or mailbox and name is not created again. Look
           with --dry-run first: it says of each row what would change.
addresses  CSV: street,number,neighbourhood,cep,lat,lon, and accuracy_m if it is known; lat and lon with `;` may have a decimal
           comma. With --from cnefe, IBGE's list of the census of 2022 of one municipality as it is published. What a file holds
           takes the place of all that its source (the town's own table, or cnefe) brought before. Rows that are of no use are
           told with their line and left out; when they are more than one of ten, nothing is stored. Look with --dry-run first.
institutions
           CSV or GeoJSON points: external_ref,name,kind,lat,lon,precision_m,address,people, and up to ten contacts in the order in which
           they are told: contact1_name,contact1_phone,contact1_email,contact2_name… kind is school, hospital, care_home, company,
           public_office or other. Look with --dry-run first.
resources  CSV: code,kind,typing,name,account,phone,skills,base. Words of kinds and skills are in docs/teams.md; skills are divided by spaces.
shelters   CSV or GeoJSON points: code,name,lat,lon,address,capacity,rooms,accessible,pets,kitchen,contact,keys. capacity is in persons;
           accessible, pets and kitchen are sim or não. A shelter that is known by its code is changed; one that is open stays open.
           Look with --dry-run first.
neighbourhoods
           GeoJSON of polygons with the property name and, if there is one, code. What a file holds takes the place of all that were
           there. Alerts may hold for one of them; no rule judges them. Look with --dry-run first.
cap        Warnings of other institutions in CAP 1.0 to 1.2, each file or address (https://…) one message, an envelope of several, or a
           list in Atom or RSS that holds its messages. --source says that they are the words of a feed of the configuration, whose
           certificates then count. Look with --dry-run first: what each says, where it maps, what is wrong with it.
readings   CSV: station,stream,at,value,unit, and of what a device sent device,message, as `export readings` writes them; or
           station_id,…,time_utc,quantity,value,unit. Judged like what comes in live.
history    Years of the past, from tables of any size and layout, which no rule judges: nobody is warned of an old flood. --mapping
           says how the table is written: inmet-annual, inmet-table, cemaden-map, cemaden-spreadsheet, ana-hidroweb-levels,
           ana-hidroweb-rain, ana-capture, ana-raw, long-series, or a file of your own such as

               title = \"Our old logger\"
               decimal = \",\"
               station = { code = \"PONTE\" }
               [time]
               columns = [\"Date\", \"Time\"]
               formats = [\"%d/%m/%Y %H:%M\"]
               zone = \"America/Sao_Paulo\"
               [[values]]
               column = \"Level*\"
               stream = \"level\"
               unit = \"cm\"
               missing = [\"9999\", \"-\"]

           Look with --dry-run first. Rows that cannot be read are told and left out; the same file again changes nothing.
           docs/backfill.md tells all of it.";

#[derive(Debug, clap::Args)]
#[command(after_long_help = FORMATS)]
pub struct Arguments {
    /// What the file describes
    #[arg(value_enum)]
    what: What,
    /// GeoJSON or CSV in UTF-8; several tables at once for `history`; files or addresses of CAP for `cap`
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Check the file and say what would change, but store nothing
    #[arg(long)]
    dry_run: bool,
    /// Mark the residents as invented, for demonstrations
    #[arg(long)]
    fictional: bool,
    /// history: how the tables are written, by the name of a mapping that comes with the program or by a file
    #[arg(long, value_name = "NAME|FILE")]
    mapping: Option<String>,
    /// history: the station of every row, whatever mapping and file say
    #[arg(long, value_name = "CODE")]
    station: Option<String>,
    /// history: stop at the first row that cannot be read
    #[arg(long)]
    strict: bool,
    /// stations: the file (or address) is the list of this provider: cemaden or inmet; addresses: cnefe
    #[arg(long, value_name = "PROVIDER")]
    from: Option<String>,
    /// stations --from: only those of this municipality, by its seven digits of IBGE; otherwise of the configuration's own
    #[arg(long, value_name = "IBGE")]
    municipality: Option<String>,
    /// stations --from: only those of this state
    #[arg(long, value_name = "UF")]
    uf: Option<String>,
    /// cap: the messages are the words of this feed of the configuration
    #[arg(long, value_name = "FEED")]
    source: Option<String>,
    #[command(flatten)]
    areas: areas::Choices,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum What {
    /// Risk areas: polygons with code, name and the grade of each hazard
    Areas,
    /// Stations with their streams and devices
    Stations,
    /// Residents with a home point, phone and e-mail
    Residents,
    /// Readings, into the journal and before the rules
    Readings,
    /// Addresses of the town, so that a street with its number says where
    Addresses,
    /// Neighbourhoods of the town, so that an alert may hold for one
    Neighbourhoods,
    /// Schools, hospitals, companies, with their contacts in order
    Institutions,
    /// Shelters with their place and capacity
    Shelters,
    /// People of the field, vehicles, equipment and teams
    Resources,
    /// Years of the past that no rule judges, from tables of any layout
    History,
    /// Warnings of other institutions in CAP
    Cap,
}

pub async fn run(config: Config, arguments: Arguments) -> anyhow::Result<()> {
    let Arguments {
        what,
        mut files,
        dry_run,
        mapping,
        station,
        strict,
        fictional,
        from,
        municipality,
        uf,
        source,
        areas,
    } = arguments;
    // Options of the tables, and of a town in a provider's list.
    let for_tables = mapping.is_some() || station.is_some() || strict || fictional;
    let for_town = municipality.is_some() || uf.is_some();
    if what == What::Cap {
        if for_tables || from.is_some() || for_town || !areas.is_none() {
            bail!(Usage("`import cap` takes files or addresses, --source and --dry-run".into()));
        }
        return cap::run(config, &files, source.as_deref(), dry_run).await;
    }
    if source.is_some() {
        bail!(Usage("--source is for `import cap`".into()));
    }
    if what == What::Areas {
        let alone = files.len() == 1 && !for_tables && from.is_none() && !for_town;
        return of_areas(config, files, alone, (dry_run, areas)).await;
    }
    if !areas.is_none() {
        bail!(Usage("--mend, --leave-out, --retire-missing, --confirm and --reason are for `import areas`".into()));
    }
    if what == What::Addresses {
        if files.len() != 1 || for_tables || for_town {
            bail!(Usage("`import addresses` takes one file, --from and --dry-run".into()));
        }
        return addresses::run(config, addresses::Request { file: files.remove(0), from, dry_run }).await;
    }
    if let What::Neighbourhoods | What::Institutions | What::Shelters | What::Resources = what {
        let alone = files.len() == 1 && !for_tables && from.is_none() && !for_town;
        return of_places(config, what, files, alone, dry_run).await;
    }
    if let Some(provider) = from {
        if what != What::Stations || files.len() != 1 || for_tables {
            bail!(Usage("--from goes with `import stations` and one file".into()));
        }
        let provider = provider.parse().map_err(|error: crate::units::UnknownWord| Usage(error.to_string()))?;
        let from = files.remove(0).to_string_lossy().into_owned();
        return provider::run(config, provider::Request { provider, from, municipality, uf, dry_run }).await;
    }
    if for_town {
        bail!(Usage("--municipality and --uf are for `import stations --from`".into()));
    }
    if what == What::History {
        return backfill::run(config, backfill::Request { files, mapping, station, dry_run, strict }).await;
    }
    if mapping.is_some() || station.is_some() || strict || files.len() != 1 {
        bail!(Usage("several files, --mapping, --station and --strict are for `import history`".into()));
    }
    whole(config, One { what, file: files.remove(0), dry_run, fictional }).await
}

async fn of_places(config: Config, what: What, files: Vec<PathBuf>, alone: bool, dry_run: bool) -> anyhow::Result<()> {
    let [file] = files.as_slice() else { return Err(places_usage()) };
    if !alone {
        return Err(places_usage());
    }
    match what {
        What::Neighbourhoods => neighbourhoods::run(config, file, dry_run).await,
        What::Shelters => shelters::run(config, file, dry_run).await,
        What::Resources => resources::run(config, file, dry_run).await,
        _ => institutions::run(config, file, dry_run).await,
    }
}

fn places_usage() -> anyhow::Error {
    Usage(
        "`import neighbourhoods`, `import institutions`, `import shelters` and `import resources` take one file and --dry-run".into(),
    )
        .into()
}

async fn of_areas(
    config: Config,
    mut files: Vec<PathBuf>,
    alone: bool,
    (dry_run, options): (bool, areas::Choices),
) -> anyhow::Result<()> {
    if !alone {
        bail!(Usage(
            "`import areas` takes one file or address, and of the options those for areas and --dry-run".into()
        ));
    }
    let from = files.remove(0).to_string_lossy().into_owned();
    areas::run(config, &from, dry_run, options).await
}

/// Takes a file as one.
async fn whole(config: Config, one: One) -> anyhow::Result<()> {
    let bytes = load(&one.file)?;
    let session = Session::open(config).await?;
    let outcome = work(&session, &one, &bytes).await;
    session.close(outcome).await
}

/// A file that is taken whole or not at all.
struct One {
    what: What,
    file: PathBuf,
    dry_run: bool,
    fictional: bool,
}

fn load(file: &Path) -> anyhow::Result<Vec<u8>> {
    let shown = file.display();
    let size = std::fs::metadata(file).with_context(|| format!("{shown} cannot be read"))?.len();
    if size > MAX_FILE_BYTES {
        bail!("{shown} has {size} bytes; at most {MAX_FILE_BYTES} are read, split the file");
    }
    std::fs::read(file).with_context(|| format!("{shown} cannot be read"))
}

async fn work(session: &Session, arguments: &One, bytes: &[u8]) -> anyhow::Result<()> {
    let format = Format::guess(&String::from_utf8_lossy(bytes.get(..64).unwrap_or(bytes)));
    let file = arguments.file.display().to_string();
    let kind = match arguments.what {
        What::Stations => Kind::Stations,
        What::Residents => Kind::Residents,
        What::Areas
        | What::Readings
        | What::Addresses
        | What::Neighbourhoods
        | What::Institutions
        | What::Shelters
        | What::Resources
        | What::History
        | What::Cap => {
            return append(session, arguments, format, bytes).await;
        }
    };
    let options = Options { dry_run: arguments.dry_run, fictional: arguments.fictional };
    let mut conn = session.pool.acquire().await?;
    let now = session.clock.now();
    let report = import(&mut conn, &session.ids, now, kind, (format, bytes), options, &Actor::command()).await;
    let Report { created, updated, unchanged, merged, dry_run, rows } = report.with_context(|| format!("{file}:"))?;
    if dry_run {
        for RowReport { line, what, fields } in rows {
            let fields = if fields.is_empty() { String::new() } else { format!(": {}", fields.join(", ")) };
            println!("line {line}: {what}{fields}");
        }
    }
    let would = if dry_run { " (dry run: nothing was stored)" } else { "" };
    let merged = if merged > 0 { format!(", {merged} merged") } else { String::new() };
    println!("{file}: {created} created, {updated} updated, {unchanged} unchanged{merged}{would}");
    Ok(())
}

async fn append(session: &Session, arguments: &One, format: Format, bytes: &[u8]) -> anyhow::Result<()> {
    let file = arguments.file.display().to_string();
    let mut conn = session.pool.acquire().await?;
    let rows = readings(&mut conn, session.clock.now(), format, bytes).await.with_context(|| format!("{file}:"))?;
    drop(conn);
    if arguments.dry_run {
        println!("{file}: {} readings are fine (dry run: nothing was stored)", rows.len());
        return Ok(());
    }
    let (mut appended, mut known, mut revised, mut done) = (0_usize, 0_usize, 0_usize, 0_usize);
    for batch in rows.chunks(BATCH) {
        for outcome in journal::append(&session.pool, &session.clock, batch, &[]).await? {
            match outcome {
                Outcome::Appended => appended += 1,
                Outcome::Duplicate => known += 1,
                Outcome::Revision => revised += 1,
                Outcome::Refused => {}
            }
        }
        done += batch.len();
        progress(done, rows.len());
    }
    println!("{file}: {appended} appended, {known} known already, {revised} revised");
    let refused = done - appended - known - revised;
    if refused > 0 {
        bail!("{refused} readings were refused by the database; they lie in quarantine");
    }
    Ok(())
}

/// One line that is written over, for people only.
fn progress(done: usize, of: usize) {
    let mut stderr = std::io::stderr();
    if stderr.is_terminal() {
        let end = if done == of { "\n" } else { "" };
        // Nobody is harmed when a terminal is gone.
        let _ = write!(stderr, "\r{done} of {of} readings{end}");
    }
}
