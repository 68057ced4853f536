//! `sentinela export readings`

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use anyhow::{Context as _, bail};

use crate::cli::{Session, said};
use crate::clock::Instant;
use crate::config::Config;
use crate::history::csv;
use crate::history::series::Range;
use crate::history::store::{self, Place, Stream, Told};

/// Readings held in memory at a time.
const PAGE: i64 = 10_000;

#[derive(Debug, clap::Subcommand)]
pub enum What {
    /// Readings as CSV, each as it counts today; `sentinela import readings` reads them, and where they are known already
    /// nothing changes
    Readings(Readings),
}

#[derive(Debug, clap::Args)]
pub struct Readings {
    /// The station's code; all stations when left out
    #[arg(long)]
    station: Option<String>,
    /// The stream's name; all streams when left out
    #[arg(long)]
    stream: Option<String>,
    /// After this instant, e.g. 2026-01-01T00:00:00-03:00
    #[arg(long)]
    from: Instant,
    /// Up to this instant; now when left out
    #[arg(long)]
    to: Option<Instant>,
    /// A new file; standard output when left out
    #[arg(long)]
    output: Option<PathBuf>,
}

pub async fn run(config: Config, what: What) -> anyhow::Result<()> {
    let What::Readings(arguments) = what;
    let session = Session::open(config).await?;
    let outcome = write(&session, &arguments).await;
    session.close(outcome).await
}

async fn write(session: &Session, arguments: &Readings) -> anyhow::Result<()> {
    let range = Range::checked(arguments.from, arguments.to.unwrap_or_else(|| session.clock.now()))?;
    let mut conn = session.pool.acquire().await?;
    let stations = match &arguments.station {
        Some(code) => vec![code.clone()],
        None => store::stations(&mut conn).await?,
    };
    let mut streams = Vec::new();
    for code in &stations {
        streams.extend(store::streams(&mut conn, code).await?);
    }
    streams.retain(|stream| arguments.stream.as_ref().is_none_or(|name| *name == stream.name));
    if streams.is_empty() {
        bail!("no stream has this station and name");
    }
    let mut out: Box<dyn Write + Send> = match &arguments.output {
        Some(path) => Box::new(BufWriter::new(
            File::create_new(path).with_context(|| format!("{} cannot be made", path.display()))?,
        )),
        None => Box::new(BufWriter::new(said::out())),
    };
    out.write_all(csv::head(true).as_bytes())?;
    let mut written = 0;
    for stream in &streams {
        written += write_stream(&mut conn, stream, range, &mut out).await?;
    }
    out.flush()?;
    if let Some(path) = &arguments.output {
        println!("{}: {written} readings of {} streams", path.display(), streams.len());
    }
    Ok(())
}

async fn write_stream(
    conn: &mut sqlx::PgConnection,
    stream: &Stream,
    range: Range,
    out: &mut (dyn Write + Send),
) -> anyhow::Result<usize> {
    let (mut after, mut written) = (None, 0);
    loop {
        let page = store::readings(conn, stream, Told::Each, range, after, PAGE).await?;
        for reading in &page {
            out.write_all(csv::line(stream, reading, true).as_bytes())?;
        }
        written += page.len();
        let Some(last) = page.last() else { return Ok(written) };
        after = Some(Place { at: last.at, seq: last.seq });
    }
}
