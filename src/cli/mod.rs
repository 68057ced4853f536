//! The command line. A command is a variant below and a file beside this one.
//!
//! Exit codes: 0 fine, 1 the work failed, 2 wrong use (also a configuration that cannot be understood).

// In this module and those below it these stand for the macros of the standard library, which panic when whoever reads has gone.
macro_rules! print {
    ($($words:tt)*) => { $crate::cli::said::put(::std::format_args!($($words)*)) };
}
macro_rules! println {
    () => { $crate::cli::said::put(::std::format_args!("\n")) };
    ($($words:tt)*) => { $crate::cli::said::put(::std::format_args!("{}\n", ::std::format_args!($($words)*))) };
}
macro_rules! eprint {
    ($($words:tt)*) => { $crate::cli::said::tell(::std::format_args!($($words)*)) };
}
macro_rules! eprintln {
    () => { $crate::cli::said::tell(::std::format_args!("\n")) };
    ($($words:tt)*) => { $crate::cli::said::tell(::std::format_args!("{}\n", ::std::format_args!($($words)*))) };
}

mod audit;
mod backfill;
pub mod backtest;
mod backup;
pub mod bench;
mod capacity;
mod check_config;
mod demo;
mod device;
mod doctor;
mod exercise;
mod export;
mod health;
mod history;
mod import;
mod key;
mod manual;
mod migrate;
mod privacy;
mod registry;
mod restore;
mod rules;
mod said;
pub mod scenario;
mod serve;
mod session;
pub mod simulate;
mod table;
mod token;
mod user;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{Config, ConfigError};

pub use session::Session;

/// Civil-defense alerting and incident response for a municipality.
#[derive(Debug, Parser)]
#[command(name = "sentinela", version, propagate_version = true, arg_required_else_help = true)]
struct Cli {
    /// Configuration file (TOML) over the compiled-in defaults; SENTINELA__SECTION__KEY in the environment wins over both
    #[arg(long, global = true, value_name = "FILE", env = "SENTINELA_CONFIG")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service until SIGTERM or Ctrl-C
    Serve,
    /// Show the whole service with a real storm over Juiz de Fora and fictional residents, until Ctrl-C
    Demo(demo::Arguments),
    /// Bring areas, stations, residents or readings in from GeoJSON or CSV, everything in the file or nothing; or years of history
    Import(import::Arguments),
    /// Write readings out
    #[command(subcommand)]
    Export(export::What),
    /// How long readings are kept
    #[command(subcommand)]
    History(history::Action),
    /// Bring the database schema up to this version, then exit
    Migrate,
    /// Say whether the configuration is right, naming each wrong key and what it expects
    CheckConfig(check_config::Arguments),
    /// Check everything an installation needs, and say what to do. Exits with 0 when all is fine, 1 when somebody should look, 2 when
    /// something does not work
    Doctor(doctor::Arguments),
    /// Ask the service of this machine whether it is ready, as watchdogs do
    Health,
    /// Devices that may publish readings
    #[command(subcommand)]
    Device(device::Action),
    /// People who may sign in to the console
    #[command(subcommand)]
    User(user::Action),
    /// Tokens with which programs call the API in a person's name
    #[command(subcommand)]
    Token(token::Action),
    /// Keys that sign the CAP messages
    #[command(subcommand)]
    Key(key::Action),
    /// Who did what: check that nothing was changed, and write it out
    #[command(subcommand)]
    Audit(audit::Action),
    /// Write everything this installation is made of into one archive, while the service runs
    Backup(backup::Arguments),
    /// Read an archive back into an empty place, and show that it is what was there. Sends nothing until `take-over`
    Restore(restore::Arguments),
    /// Let a restored installation send, once the one it was copied from is stopped for good
    TakeOver(restore::take_over::Arguments),
    /// How long personal data are kept
    #[command(subcommand)]
    Privacy(privacy::Action),
    Simulate(simulate::Simulate),
    Backtest(Box<backtest::Backtest>),
    /// Exercises: what is planned, and the report after the action
    #[command(subcommand)]
    Exercise(exercise::Action),
    Capacity(capacity::Arguments),
    /// Rules of risk
    #[command(subcommand)]
    Rules(registry::Action),
    /// Measure this machine
    #[command(subcommand)]
    Bench(bench::Bench),
    /// Write the manual pages
    Manual(manual::Manual),
    /// Print what makes a shell complete these commands
    Completions(manual::Completions),
}

/// Wrong use, found after the arguments were parsed. Exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// A command that has said all there is to say, and ends with this code.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("exit code {0}")]
pub struct Ended(pub u8);

/// Runs the command of this process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&anyhow::Error::new(error).context("the runtime cannot be started")),
    };
    match runtime.block_on(run(cli)) {
        Ok(()) if said::is_unwritten() => {
            failed(&anyhow::anyhow!("the work is done, but not all that it says could be written"))
        }
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    // These need no configuration, or are about one that may be wrong.
    match &cli.command {
        Command::CheckConfig(arguments) => return check_config::run(cli.config.as_deref(), arguments),
        Command::Demo(arguments) => return demo::run(cli.config.as_deref(), arguments).await,
        Command::Capacity(arguments) => return capacity::run(arguments),
        Command::Doctor(arguments) => return doctor::run(cli.config.as_deref(), arguments).await,
        Command::Manual(manual) => return manual.run(),
        Command::Completions(completions) => return completions.run(),
        _ => {}
    }
    let config = Config::load(cli.config.as_deref())?;
    match cli.command {
        Command::Serve => serve::run(config).await,
        Command::Migrate => migrate::run(config).await,
        Command::CheckConfig(_)
        | Command::Demo(_)
        | Command::Doctor(_)
        | Command::Manual(_)
        | Command::Completions(_)
        | Command::Capacity(_) => Ok(()),
        Command::Health => health::run(config).await,
        Command::Simulate(simulate) => simulate.run(&config.engine),
        Command::Backtest(backtest) => backtest.run(config).await,
        Command::Import(arguments) => import::run(config, arguments).await,
        Command::Export(what) => export::run(config, what).await,
        Command::History(action) => history::run(config, action).await,
        Command::Device(action) => device::run(config, action).await,
        Command::User(action) => user::run(config, action).await,
        Command::Exercise(action) => exercise::run(config, action).await,
        Command::Rules(action) => registry::run(config, action).await,
        Command::Key(action) => key::run(config, action).await,
        Command::Privacy(action) => privacy::run(config, action).await,
        Command::Audit(action) => audit::run(config, action).await,
        Command::Token(action) => token::run(config, action).await,
        Command::Backup(arguments) => backup::run(config, cli.config.as_deref(), arguments).await,
        Command::Restore(arguments) => restore::run(config, arguments).await,
        Command::TakeOver(arguments) => restore::take_over::run(config, arguments).await,
        Command::Bench(bench) => bench.run(config).await,
    }
}

fn failed(error: &anyhow::Error) -> ExitCode {
    if let Some(Ended(code)) = error.downcast_ref() {
        return ExitCode::from(*code);
    }
    if said::is_unheard(error) {
        return ExitCode::FAILURE;
    }
    eprintln!("sentinela: {error:#}");
    let wrong_use = error.is::<Usage>() || error.is::<ConfigError>();
    ExitCode::from(if wrong_use { 2 } else { 1 })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_tree_is_well_formed() {
        super::Cli::command().debug_assert();
    }
}
