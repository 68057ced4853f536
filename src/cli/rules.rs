//! `sentinela rules …`: read rules as the service does.

use std::path::PathBuf;

use clap::Subcommand;

use crate::risk::network::{Network, RuleClash};
use crate::risk::rule::Rule;
use crate::risk::store::load_rules;

#[derive(Debug, Subcommand)]
pub enum Action {
    /// Say whether rules are right; for each wrong one name the key, the value and what is expected
    Check {
        /// Rule files or folders of them; none = the rules the service would use
        paths: Vec<PathBuf>,
    },
}

impl Action {
    /// # Errors
    /// The first rule that is wrong, or two rules that claim the same hazard and grade.
    pub fn run(&self, configured: &str) -> anyhow::Result<()> {
        let Self::Check { paths } = self;
        let mut rules = Vec::new();
        if paths.is_empty() {
            rules = load_rules((!configured.is_empty()).then(|| std::path::Path::new(configured)))?;
        }
        for path in paths {
            if path.is_dir() {
                rules.extend(load_rules(Some(path))?);
            } else {
                let text =
                    std::fs::read_to_string(path).map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))?;
                rules.push(Rule::parse(&path.display().to_string(), &text)?);
            }
        }
        check_together(&rules)?;
        for rule in &rules {
            let levels: Vec<&str> = rule.levels.iter().map(|level| level.level.as_str()).collect();
            println!("{} v{} · {} {} · {}", rule.id, rule.version, rule.hazard, rule.hazard.name(), levels.join(" < "));
        }
        println!("{} rules, all right", rules.len());
        Ok(())
    }
}

fn check_together(rules: &[Rule]) -> Result<(), RuleClash> {
    Network { rules: rules.to_vec(), ..Network::default() }.bind().map(drop)
}
