//! `sentinela backtest`: rules tried on past storms, files or the journal, for one set of thresholds or for thousands.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use chrono::TimeDelta;

use crate::backtest::report::{self, Report};
use crate::backtest::run::Period;
use crate::backtest::sweep::{self, Axis, Prepared};
use crate::backtest::{Case, LeadMax, store};
use crate::cli::scenario::{self, Loaded};
use crate::cli::{Session, Usage, said};
use crate::clock::{Instant, Stopwatch};
use crate::config::Config;
use crate::i18n::Lang;
use crate::ids::DatastreamId;
use crate::replay::{Scenario, arrivals};
use crate::risk::rule::{MAX_DAYS, Rule};
use crate::risk::store::{load_limits, load_network, load_rules};
use crate::rules::store as registry;

/// Try rules on past storms: hits, misses, false alarms and lead time against recorded disasters, for one set of thresholds or many
///
/// The past is scenario files (simulations/storms/*.toml), or three files of one's own (--stations, --areas, --readings), or a period
/// of the journal of the configured database (--from, --to). docs/backtest.md tells what the figures mean.
#[derive(Debug, clap::Args)]
pub struct Backtest {
    /// Scenario files; several are counted together
    files: Vec<PathBuf>,
    /// Stations, as `sentinela import stations` takes them
    #[arg(long, value_name = "FILE", requires = "areas", requires = "readings", conflicts_with = "files")]
    stations: Option<PathBuf>,
    /// Areas, as `sentinela import areas` takes them
    #[arg(long, value_name = "FILE", requires = "stations")]
    areas: Option<PathBuf>,
    /// Readings: station,time_utc,stream,value
    #[arg(long, value_name = "FILE", requires = "stations")]
    readings: Option<PathBuf>,
    /// With --readings: each is received so many seconds after it was observed
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    delay: u32,
    /// Of the journal: from this instant, e.g. 2026-01-01T00:00:00-03:00
    #[arg(long, requires = "to", conflicts_with_all = ["files", "stations"])]
    from: Option<Instant>,
    /// Of the journal: up to this instant
    #[arg(long, requires = "from")]
    to: Option<Instant>,
    /// Rule files to try instead of those in use (of a scenario: those it names)
    #[arg(long, value_name = "FILE")]
    rule: Vec<PathBuf>,
    /// Recorded disasters: a CSV file with at, area or lat and lon, cobrade, what, source; instead of those a scenario names
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
    /// How long before an event a rise still counts as its warning: "24h", "90min"
    #[arg(long, value_name = "SPAN")]
    lead_max: Option<String>,
    /// Turn a threshold: ADDRESS=FROM..TO/STEPS, the address being LEVEL.N (its N-th condition) or LEVEL.NAME, with RULE/ before it where
    /// several rules have it; several make a grid. Values in the canonical unit (mm, m, m/h)
    #[arg(long, value_name = "ADDRESS=FROM..TO/STEPS")]
    sweep: Vec<Axis>,
    /// So many random sets within the ranges of --sweep; without --sweep every threshold from half to double
    #[arg(long, value_name = "N")]
    sweep_random: Option<usize>,
    /// Decides which sets are drawn
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Threads; all cores when left out
    #[arg(long)]
    threads: Option<usize>,
    /// Write one HTML page that stands by itself
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// Everything as one JSON object on standard output instead of the table
    #[arg(long)]
    json: bool,
    /// Language of the page
    #[arg(long, value_enum, default_value_t)]
    lang: Language,
}

#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
pub enum Language {
    #[default]
    #[value(name = "pt-BR", alias = "pt")]
    Pt,
    En,
}

impl From<Language> for Lang {
    fn from(language: Language) -> Self {
        match language {
            Language::Pt => Self::Pt,
            Language::En => Self::En,
        }
    }
}

impl Backtest {
    /// # Errors
    /// Names the file, the line and the key, or the threshold that is not there.
    pub async fn run(&self, config: Config) -> anyhow::Result<()> {
        let lead_max = lead_max(self.lead_max.as_deref())?;
        let cases = self.cases(config).await?;
        let prepared = cases.iter().map(|case| Prepared::new(case, lead_max)).collect::<anyhow::Result<Vec<_>>>()?;
        let mut report = report::of_prepared(&prepared, lead_max);
        if !self.sweep.is_empty() || self.sweep_random.is_some() {
            report.sweep = Some(self.sweep(&prepared)?);
        }
        let uncounted = report.cases.iter().flat_map(|case| &case.events).filter(|event| !event.is_counted()).count();
        if uncounted > 0 {
            eprintln!("{uncounted} events lie outside the period or outside every area, and count for nothing");
        }
        let mut out = said::out();
        if self.json {
            serde_json::to_writer(&mut out, &report)?;
            writeln!(out)?;
        } else {
            out.write_all(table(&report).as_bytes())?;
        }
        match &self.report {
            Some(path) => write_page(path, &report, self.lang.into()),
            None => Ok(()),
        }
    }

    async fn cases(&self, config: Config) -> anyhow::Result<Vec<Case>> {
        let rules = if self.rule.is_empty() { None } else { Some(scenario::parse_rules(&self.rule)?) };
        let mut cases = match (self.from.zip(self.to), &self.stations) {
            (Some((from, to)), _) => vec![journal(config, rules, Period { from, to }).await?],
            (None, Some(_)) => {
                let limits = load_limits(&config.engine.quality_file)?;
                let rules = match rules {
                    Some(rules) => rules,
                    None => configured_rules(&config)?,
                };
                vec![case_of(scenario::load_plain(self.plain(&config), &limits, rules)?)]
            }
            (None, None) if self.files.is_empty() => {
                let what = "give scenario files, or --stations with --areas and --readings, or --from and --to";
                return Err(Usage(what.into()).into());
            }
            (None, None) => {
                let limits = load_limits(&config.engine.quality_file)?;
                let load = |file: &PathBuf| scenario::load(file, &limits, rules.as_deref()).map(case_of);
                self.files.iter().map(load).collect::<anyhow::Result<_>>()?
            }
        };
        if let Some(events) = &self.events {
            let events = scenario::events(events)?;
            cases.iter_mut().for_each(|case| case.events.clone_from(&events));
        }
        Ok(cases)
    }

    /// A scenario of the three files.
    fn plain(&self, config: &Config) -> Scenario {
        let path = |path: &Option<PathBuf>| path.as_ref().map_or_else(String::new, |path| path.display().to_string());
        Scenario::plain(
            path(&self.readings),
            (path(&self.stations), path(&self.areas), path(&self.readings)),
            config.municipality.time_zone,
            self.delay,
        )
    }

    fn sweep(&self, prepared: &[Prepared<'_>]) -> anyhow::Result<report::SweepReport> {
        let Some(first) = prepared.first() else { anyhow::bail!("there is nothing to try rules on") };
        let rules: &[Rule] = &first.case.network.rules;
        let axes = if self.sweep.is_empty() { sweep::every_axis(rules) } else { self.sweep.clone() };
        let sets = match self.sweep_random {
            Some(count) if count > sweep::MAX_SETS => {
                return Err(Usage(format!("--sweep-random takes at most {}", sweep::MAX_SETS)).into());
            }
            Some(count) => sweep::random(&axes, count, self.seed),
            None => sweep::grid(&axes)?,
        };
        let threads =
            self.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get));
        let watch = Stopwatch::start();
        let all = sets.len();
        let results = sweep::sweep(prepared, &axes, &sets, threads, |done| progress(done, all, &watch))?;
        let readings: usize = prepared.iter().map(|one| one.case.readings.len()).sum();
        eprintln!(
            "{all} sets of {} thresholds over {readings} readings in {:.1} s on {threads} threads",
            axes.len(),
            watch.elapsed().as_secs_f64()
        );
        Ok(report::sweep(rules, &axes, self.sweep_random.map(|_| self.seed), threads, results)?)
    }
}

/// "24h", "90min"; a day when left out.
///
/// # Errors
/// What is neither, or longer than 30 days.
pub fn lead_max(text: Option<&str>) -> anyhow::Result<LeadMax> {
    let Some(text) = text else { return Ok(LeadMax(TimeDelta::hours(24))) };
    let wrong = || Usage(format!("--lead-max {text:?}: expected such as \"24h\" or \"90min\", up to 720h"));
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let count: i64 = digits.parse().map_err(|_| wrong())?;
    let span = match text.get(digits.len()..) {
        Some("h") => TimeDelta::try_hours(count),
        Some("min") => TimeDelta::try_minutes(count),
        _ => None,
    };
    let fits = |span: &TimeDelta| *span > TimeDelta::zero() && *span <= TimeDelta::days(30);
    Ok(LeadMax(span.filter(fits).ok_or_else(wrong)?))
}

/// A scenario as a case: its readings as the live doors would have let them in.
pub fn case_of(loaded: Loaded) -> Case {
    let Loaded { scenario, network, readings, events } = loaded;
    let readings = arrivals(scenario.delay(), &readings).readings;
    let period = Period::of(&readings);
    let Scenario { title, source, time_zone, .. } = scenario;
    Case { title, source, time_zone, network, readings, events, period }
}

fn configured_rules(config: &Config) -> anyhow::Result<Vec<Rule>> {
    let folder = &config.engine.rules_dir;
    load_rules((!folder.is_empty()).then(|| Path::new(folder)))
}

/// A period of the journal, with what fills the windows before it.
async fn journal(config: Config, rules: Option<Vec<Rule>>, period: Period) -> anyhow::Result<Case> {
    if period.from >= period.to {
        return Err(Usage(format!("--from {} lies not before --to {}", period.from, period.to)).into());
    }
    let limits = load_limits(&config.engine.quality_file)?;
    let folder = config.engine.rules_dir.clone();
    let (zone, town) = (config.municipality.time_zone, config.municipality.name.clone());
    let session = Session::open(config).await?;
    let read = async {
        let mut conn = session.pool.acquire().await?;
        let rules = match rules {
            Some(rules) => rules,
            None => registry::current(&mut conn, &folder).await?,
        };
        let network = load_network(&mut conn, rules, &limits).await?;
        let streams: Vec<DatastreamId> = network.streams.iter().map(|stream| stream.id).collect();
        let before = period.from - TimeDelta::days(MAX_DAYS + 1);
        anyhow::Ok((network, store::readings(&mut conn, &streams, before, period.to).await?))
    };
    let read = read.await;
    let (network, readings) = session.close(read).await?;
    anyhow::ensure!(!readings.is_empty(), "the journal holds no reading from {} to {}", period.from, period.to);
    let source = "journal".to_owned();
    Ok(Case { title: town, source, time_zone: zone, network, readings, events: Vec::new(), period })
}

fn progress(done: usize, all: usize, watch: &Stopwatch) {
    let mut stderr = std::io::stderr();
    if !stderr.is_terminal() {
        return;
    }
    let width = 30;
    let full = done * width / all.max(1);
    let left = watch.elapsed().as_secs_f64() / done.max(1) as f64 * (all - done) as f64;
    let end = if done == all { "\n" } else { "" };
    let _ = write!(
        stderr,
        "\r[{}{}] {done}/{all} sets, {left:.0} s left \x1b[K{end}",
        "#".repeat(full),
        "-".repeat(width - full)
    );
    let _ = stderr.flush();
}

/// Writes the page.
///
/// # Errors
/// The file cannot be written.
pub fn write_page(path: &Path, report: &Report, lang: Lang) -> anyhow::Result<()> {
    let page = report::html(report, lang)?;
    std::fs::write(path, page).with_context(|| path.display().to_string())
}

/// The scores as lines for a terminal.
fn table(report: &Report) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    let share = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"));
    let _ = writeln!(
        text,
        "{:<10} {:<12} {:>5} {:>5} {:>5} {:>7}  {:>5} {:>5} {:>5} {:>5} {:>6}  {:>7} {:>16} {:>9} {:>8}",
        "HAZARD",
        "LEVEL",
        "HITS",
        "MISS",
        "FALSE",
        "CORRECT",
        "POD",
        "FAR",
        "POFD",
        "CSI",
        "BIAS",
        "WARNED",
        "LEAD MIN/MED/MAX",
        "EPISODES",
        "ALERT"
    );
    let hours = |seconds: Option<i64>| seconds.map_or_else(|| "-".to_owned(), |s| format!("{:.1}", s as f64 / 3600.0));
    for s in &report.scores {
        let lead = format!("{}/{}/{} h", hours(s.lead_min_s), hours(s.lead_median_s), hours(s.lead_max_s));
        let _ = writeln!(
            text,
            "{:<10} {:<12} {:>5} {:>5} {:>5} {:>7}  {:>5} {:>5} {:>5} {:>5} {:>6}  {:>7} {:>16} {:>9} {:>8}",
            s.hazard.to_string(),
            s.level,
            s.hits,
            s.misses,
            s.false_alarms,
            s.correct_negatives,
            share(s.pod),
            share(s.far),
            share(s.pofd),
            share(s.csi),
            share(s.bias),
            format!("{}/{}", s.events_warned, s.events),
            lead,
            s.episodes,
            s.share_under_alert.map_or_else(|| "-".to_owned(), |share| format!("{:.2}%", share * 100.0))
        );
    }
    if let Some(sweep) = &report.sweep {
        best(&mut text, sweep);
    }
    text
}

fn best(text: &mut String, sweep: &report::SweepReport) {
    use std::fmt::Write as _;
    for best in &sweep.best {
        let _ = write!(text, "{} {}, POD at least {}: ", best.hazard, best.level, best.pod_floor);
        let Some(set) = best.set.and_then(|set| sweep.sets.get(set)) else {
            text.push_str("no set\n");
            continue;
        };
        let values: Vec<String> = sweep
            .axes
            .iter()
            .zip(&set.values)
            .filter(|(axis, _)| axis.level == best.level && axis.hazard == best.hazard)
            .map(|(axis, value)| format!("{}/{}={value} {}", axis.rule, axis.address, axis.unit))
            .collect();
        let score = set.scores.iter().find(|score| score.hazard == best.hazard && score.level == best.level);
        let told = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"));
        let csi = told(score.and_then(|score| score.csi));
        let pod = told(score.and_then(|score| score.pod));
        let _ = writeln!(text, "CSI {csi}, POD {pod} with {}", values.join(" "));
    }
}
