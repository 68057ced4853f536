//! `sentinela import history FILE… --mapping NAME|FILE`

use std::fs::File;
use std::io::{BufReader, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::json;

use crate::audit::{Act, Actor, Entry, record};
use crate::backfill::store::load_streams;
use crate::backfill::worker::{Filled, Filler};
use crate::backfill::{Layout, Mapping, Observation, READY, Reader, Resolver, Tally};
use crate::catalogue::Problems;
use crate::cli::{Session, Usage};
use crate::clock::Stopwatch;
use crate::config::Config;
use crate::ingest::NewReading;

/// Observations read before they are appended.
const BATCH: usize = 10_000;
/// Readings shown as understood.
const SHOWN: usize = 5;
/// Between two lines of progress.
const BEAT: Duration = Duration::from_millis(200);

/// What is asked.
#[derive(Debug)]
pub struct Request {
    pub files: Vec<PathBuf>,
    /// The name of one that comes with the program, or a file.
    pub mapping: Option<String>,
    pub station: Option<String>,
    pub dry_run: bool,
    pub strict: bool,
}

pub async fn run(config: Config, request: Request) -> anyhow::Result<()> {
    let mapping = load_mapping(request.mapping.as_deref())?;
    let session = Session::open(config).await?;
    let outcome = work(&session, &request, &mapping).await;
    session.close(outcome).await
}

fn load_mapping(given: Option<&str>) -> anyhow::Result<Mapping> {
    let names = || READY.iter().map(|ready| ready.name).collect::<Vec<_>>().join(", ");
    let Some(given) = given else {
        bail!(Usage(format!("history needs --mapping: a file, or one of {}", names())));
    };
    if let Some(ready) = READY.iter().find(|ready| ready.name == given) {
        return Ok(Mapping::parse(given, ready.text)?);
    }
    match std::fs::read_to_string(given) {
        Ok(text) => Ok(Mapping::parse(given, &text)?),
        Err(error) => bail!(Usage(format!("--mapping {given}: {error}; expected a file, or one of {}", names()))),
    }
}

async fn work(session: &Session, request: &Request, mapping: &Mapping) -> anyhow::Result<()> {
    let mut conn = session.pool.acquire().await?;
    let mut resolver = Resolver::new(load_streams(&mut conn).await?);
    drop(conn);
    let pool = session.history_pool();
    let filler = (!request.dry_run).then(|| Filler::new(pool.clone(), session.clock.clone()));
    let mut run = Run { session, request, filler, bad: 0, empty: 0 };
    let mut outcome = Ok(());
    for file in &request.files {
        outcome = run.file(mapping, file, &mut resolver).await.with_context(|| format!("{}:", file.display()));
        if outcome.is_err() {
            break;
        }
    }
    let filled = run.filler.as_ref().map(|filler| filler.filled);
    if let Some(filled) = filled {
        seal(session, mapping, request, &filled).await?;
    }
    pool.close().await;
    outcome?;
    match (run.bad, run.empty) {
        (0, 0) => Ok(()),
        (0, files) => bail!("{files} of the files brought nothing"),
        (bad, _) => bail!("{bad} cells or rows could not be read and were left out; everything else stands"),
    }
}

/// Writes down that it was done. This commit is synced, and with it everything before.
async fn seal(session: &Session, mapping: &Mapping, request: &Request, filled: &Filled) -> anyhow::Result<()> {
    let names: Vec<_> = request.files.iter().filter_map(|file| file.file_name()?.to_str()).take(100).collect();
    let after = json!({ "mapping": mapping.title, "files": names, "count": request.files.len(), "readings": filled });
    let mut tx = session.begin().await?;
    let entry = Entry::new(Act::CatalogueImport, "import", "history").to(after);
    record(&mut tx, &session.ids, session.clock.now(), &Actor::command(), entry).await?;
    Ok(tx.commit().await?)
}

struct Run<'a> {
    session: &'a Session,
    request: &'a Request,
    filler: Option<Filler>,
    /// Cells and rows that could not be read, in all files.
    bad: usize,
    /// Files of which nothing had a place.
    empty: usize,
}

impl Run<'_> {
    async fn file(&mut self, mapping: &Mapping, path: &Path, resolver: &mut Resolver) -> anyhow::Result<()> {
        let file = File::open(path).context("cannot be opened")?;
        let size = file.metadata()?.len();
        let now = self.session.clock.now();
        let input = BufReader::with_capacity(256 * 1024, file);
        let mut reader = match Reader::open(input, mapping, self.request.station.as_deref(), now)? {
            Ok(reader) => reader,
            Err(error) => bail!("{error}"),
        };
        resolver.forget_kinds();
        let before = self.filler.as_ref().map_or_else(Filled::default, |filler| filler.filled);
        let (mut problems, mut observations) = (Problems::default(), Vec::with_capacity(BATCH));
        let mut sample = Vec::new();
        let mut progress = Progress::new(size);
        let mut understood = 0;
        loop {
            let more = reader.read(BATCH, &mut observations, &mut problems)?;
            let readings = resolve(resolver, &observations, &mut problems);
            note(&mut sample, &observations);
            understood += readings.len() as u64;
            if self.request.strict && !problems.is_empty() {
                tell_problems(&problems);
                bail!(
                    "stopped, as --strict says; what was appended before stays, and the same file again appends the rest"
                );
            }
            if let Some(filler) = &mut self.filler {
                filler.fill(&readings).await?;
            }
            observations.clear();
            progress.show(reader.tally(), !more);
            if !more {
                break;
            }
        }
        tell_file(path, mapping, reader.layout(), reader.tally());
        if self.request.dry_run {
            tell_sample(reader.layout(), &sample, understood);
        }
        for (reason, values, line) in resolver.unplaced.reasons() {
            println!("  passed over  {values} values, the first on line {line}: {reason}");
        }
        tell_problems(&problems);
        if let Some(filler) = &self.filler {
            tell_filled(&before, &filler.filled);
        }
        self.bad += problems.total();
        self.empty += usize::from(understood == 0 && reader.tally().values > 0);
        Ok(())
    }
}

fn resolve(resolver: &mut Resolver, observations: &[Observation], problems: &mut Problems) -> Vec<NewReading> {
    let mut readings = Vec::with_capacity(observations.len());
    for observation in observations {
        match resolver.reading(observation) {
            Ok(reading) => readings.extend(reading),
            Err(error) => problems.push(error),
        }
    }
    readings
}

fn note(sample: &mut Vec<Observation>, observations: &[Observation]) {
    let room = SHOWN.saturating_sub(sample.len());
    sample.extend(observations.iter().take(room).cloned());
}

fn tell_file(path: &Path, mapping: &Mapping, layout: &Layout, tally: Tally) {
    println!("{}: {}", path.display(), mapping.title);
    let Tally { rows, values, missing, skipped, .. } = tally;
    println!("  {rows} rows, {values} values, {missing} cells without a value, {skipped} rows skipped by rule");
    if let Some(line) = layout.header_line {
        println!("  the columns are named on line {line}");
    }
}

fn tell_sample(layout: &Layout, sample: &[Observation], understood: u64) {
    let unused = layout.unused();
    println!("  not used     {}", if unused.is_empty() { "no column".to_owned() } else { unused.join(" | ") });
    for seen in sample {
        let what = seen.wanted.stream.clone().or_else(|| seen.wanted.quantity.map(|quantity| quantity.to_string()));
        let unit = seen.wanted.unit.as_deref().unwrap_or("in the stream's unit");
        let at = seen.observed_at.format("%Y-%m-%dT%H:%M:%SZ");
        println!("  line {:<7} {} {} {at} {} {unit}", seen.line, seen.station, what.unwrap_or_default(), seen.value);
    }
    println!("  {understood} readings have their place (dry run: nothing was stored)");
}

fn tell_problems(problems: &Problems) {
    for error in problems.kept() {
        println!("  {error}");
    }
    let hidden = problems.total() - problems.kept().len();
    if hidden > 0 {
        println!("  … and {hidden} more");
    }
}

fn tell_filled(before: &Filled, after: &Filled) {
    println!(
        "  {} appended, {} known already, {} revised, {} measured live already",
        after.appended - before.appended,
        after.known - before.known,
        after.revised - before.revised,
        after.live - before.live
    );
    if after.refused > before.refused {
        println!("  {} refused by the database; they lie in quarantine", after.refused - before.refused);
    }
}

/// One line that is written over, for people only.
struct Progress {
    watch: Stopwatch,
    size: u64,
    shown: Duration,
    visible: bool,
}

impl Progress {
    fn new(size: u64) -> Self {
        Self { watch: Stopwatch::start(), size, shown: Duration::ZERO, visible: std::io::stderr().is_terminal() }
    }

    fn show(&mut self, tally: Tally, ended: bool) {
        let elapsed = self.watch.elapsed();
        if !self.visible || (!ended && elapsed - self.shown < BEAT) {
            return;
        }
        self.shown = elapsed;
        // Nobody is harmed when a terminal is gone.
        let _ = write!(
            std::io::stderr(),
            "\r{}\x1b[K{}",
            line_of(tally, self.size, elapsed),
            if ended { "\n" } else { "" }
        );
    }
}

fn line_of(tally: Tally, size: u64, elapsed: Duration) -> String {
    let seconds = elapsed.as_secs_f64().max(1e-3);
    let share = if size == 0 { 1.0 } else { (tally.bytes as f64 / size as f64).min(1.0) };
    let left = if share > 0.0 { seconds * (1.0 - share) / share } else { 0.0 };
    let (minutes, rest) = ((left / 60.0) as u64, left as u64 % 60);
    let filled = (share * 20.0) as usize;
    let rate = tally.rows as f64 / seconds;
    format!(
        "[{}{}] {:3.0} %  {} rows  {rate:.0} rows/s  {minutes}:{rest:02} left",
        "#".repeat(filled),
        "-".repeat(20 - filled),
        share * 100.0,
        tally.rows
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_tells_rate_and_time_left() {
        let tally = Tally { rows: 50_000, bytes: 25, ..Tally::default() };
        let line = line_of(tally, 100, Duration::from_secs(30));
        assert_eq!(line, "[#####---------------]  25 %  50000 rows  1667 rows/s  1:30 left");
    }

    #[test]
    fn a_mapping_that_is_not_there_is_told_with_those_that_are() {
        let told = load_mapping(Some("inmet")).unwrap_err().to_string();
        assert!(told.contains("inmet-annual, inmet-table"), "{told}");
        assert!(load_mapping(Some("cemaden-map")).is_ok());
    }
}
