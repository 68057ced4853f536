//! `sentinela manual` and `sentinela completions`: what a package ships beside the program, made of the very commands it knows.

use std::io::{self, Write as _};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::CommandFactory as _;
use clap_complete::aot::{Shell, generate};
use clap_mangen::Man;

use crate::cli::{Cli, said};

#[derive(Debug, clap::Args)]
pub struct Manual {
    /// Folder for the pages: sentinela.1 and one for each command below it. Made when it is not there
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
}

#[derive(Debug, clap::Args)]
pub struct Completions {
    /// The shell that is to read it
    #[arg(value_enum)]
    shell: Shell,
}

/// The name of a file and what stands in it.
type Page = (String, Vec<u8>);

impl Manual {
    pub fn run(&self) -> anyhow::Result<()> {
        let out = self.out.display();
        std::fs::create_dir_all(&self.out).with_context(|| format!("{out} cannot be made"))?;
        let pages = pages()?;
        for (name, text) in &pages {
            std::fs::write(self.out.join(name), text).with_context(|| format!("{out}/{name} cannot be written"))?;
        }
        println!("{} pages are in {out}", pages.len());
        Ok(())
    }
}

impl Completions {
    pub fn run(&self) -> anyhow::Result<()> {
        said::out().write_all(&script(self.shell)).context("the script cannot be written")
    }
}

/// The page of the program and of every command, in roff (man(7)). They bear no date, so that the same program gives the same pages.
fn pages() -> io::Result<Vec<Page>> {
    let mut command = Cli::command().disable_help_subcommand(true);
    // Gives the commands below their whole names.
    command.build();
    let mut found = Vec::new();
    add_pages(&command, &mut found)?;
    Ok(found)
}

fn add_pages(command: &clap::Command, found: &mut Vec<Page>) -> io::Result<()> {
    let page = Man::new(command.clone()).manual("Sentinela");
    let mut text = Vec::new();
    page.render(&mut text)?;
    found.push((page.get_filename(), text));
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        add_pages(below, found)?;
    }
    Ok(())
}

/// What a shell sources to complete the program's commands and options.
fn script(shell: Shell) -> Vec<u8> {
    let mut command = Cli::command();
    let name = command.get_name().to_owned();
    let mut text = Vec::new();
    generate(shell, &mut command, name, &mut text);
    text
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    /// `sentinela`, `sentinela-user`, `sentinela-user-add`…
    fn names(command: &clap::Command, before: &str, found: &mut Vec<String>) {
        let name = format!("{before}{}", command.get_name());
        for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
            names(below, &format!("{name}-"), found);
        }
        found.push(name);
    }

    #[test]
    fn every_command_has_a_page_and_stands_on_the_page_above_it() {
        let mut wanted = Vec::new();
        names(&Cli::command(), "", &mut wanted);
        let pages = pages().unwrap();
        assert_eq!(pages.len(), wanted.len());
        for name in &wanted {
            let page = pages.iter().find(|(file, _)| *file == format!("{name}.1"));
            let (_, text) = page.unwrap_or_else(|| panic!("{name} has no page"));
            let text = String::from_utf8(text.clone()).unwrap();
            assert!(text.contains(".SH NAME") && text.contains(".SH SYNOPSIS"), "{name}: {text}");
        }
        let (_, first) = pages.iter().find(|(file, _)| file == "sentinela.1").unwrap();
        let first = String::from_utf8(first.clone()).unwrap();
        for command in Cli::command().get_subcommands() {
            // roff writes a hyphen that is no line break as `\-`.
            let name = format!("sentinela\\-{}(1)", command.get_name().replace('-', "\\-"));
            assert!(first.contains(&name), "{name} is not named:\n{first}");
        }
        assert!(first.contains("SENTINELA_CONFIG"), "the environment is not told:\n{first}");
    }

    #[test]
    fn every_shell_hears_of_every_command() {
        for shell in Shell::value_variants() {
            let text = String::from_utf8(script(*shell)).unwrap();
            for command in Cli::command().get_subcommands() {
                assert!(text.contains(command.get_name()), "{shell} does not know {}", command.get_name());
            }
        }
    }
}
