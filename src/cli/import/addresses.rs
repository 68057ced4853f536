//! `sentinela import addresses FILE [--from cnefe]`: the addresses of one source in the place of what it brought before.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use sha2::{Digest as _, Sha256};

use crate::addresses::file::{Contents, Source, read};
use crate::addresses::store::import::{self, Report};
use crate::audit::Actor;
use crate::catalogue::Problems;
use crate::cli::{Session, Usage};
use crate::config::Config;
use crate::hexadecimal::hex;

pub struct Request {
    pub file: PathBuf,
    /// "cnefe"; otherwise the town's own table.
    pub from: Option<String>,
    pub dry_run: bool,
}

pub async fn run(config: Config, request: Request) -> anyhow::Result<()> {
    let source = match request.from.as_deref() {
        None => Source::Own,
        Some("cnefe") => Source::Cnefe,
        Some(other) => bail!(Usage(format!("--from {other:?} is no source of addresses; expected cnefe"))),
    };
    let shown = request.file.display().to_string();
    let file = File::open(&request.file).with_context(|| format!("{shown} cannot be read"))?;
    let session = Session::open(config).await?;
    let outcome = work(&session, &request, source, file).await.with_context(|| format!("{shown}:"));
    session.close(outcome).await
}

async fn work(session: &Session, request: &Request, source: Source, file: File) -> anyhow::Result<()> {
    let mut conn = session.pool.acquire().await?;
    let town = import::town(&mut conn, &session.config.municipality.ibge_code).await?;
    drop(conn);
    let mut summed = Summed { file, sum: Sha256::new() };
    let Contents { register, problems } = read(source, &mut summed, &town)?;
    let shown = request.file.display();
    tell(&shown.to_string(), &problems);
    let (taken, left_out) = (register.rows(), problems.total());
    if taken == 0 || left_out as u64 > taken / 10 {
        bail!("{left_out} of {} rows are of no use; nothing was stored", taken + left_out as u64);
    }
    let (streets, postcodes) = register.finish();
    let file_sha256 = hex(&summed.sum.finalize());
    let mut conn = session.pool.acquire().await?;
    let (when, actor) = ((&session.ids, session.clock.now()), Actor::command());
    let all = (streets.as_slice(), postcodes.as_slice());
    let by = (when.0, when.1, &actor);
    let report = import::replace(&mut conn, by, (source, &file_sha256), all, request.dry_run).await?;
    let Report { streets, addresses, postcodes, before, is_unchanged } = report;
    let would = match (request.dry_run, is_unchanged) {
        (true, _) => " (dry run: nothing was stored)",
        (false, true) => " (the same file as before: nothing was stored)",
        (false, false) => "",
    };
    println!(
        "{shown}: {taken} rows, {addresses} numbers in {streets} streets, {postcodes} CEPs; {before} numbers of {source} were there \
         before; {left_out} rows left out{would}"
    );
    Ok(())
}

fn tell(shown: &str, problems: &Problems) {
    for problem in problems.kept() {
        eprintln!("{shown}: {problem}; left out");
    }
    let hidden = problems.total() - problems.kept().len();
    if hidden > 0 {
        eprintln!("{shown}: and {hidden} more were left out");
    }
}

/// A file whose bytes are summed up while they are read.
struct Summed {
    file: File,
    sum: Sha256,
}

impl Read for Summed {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(to)?;
        self.sum.update(to.get(..read).unwrap_or_default());
        Ok(read)
    }
}
