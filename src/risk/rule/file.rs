//! A rule file as it is written. Alternatives are separate optional keys, because errors of untagged enums help nobody.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::cobrade::Cobrade;
use crate::risk::derived::Derived;
use crate::risk::measure::Stage;
use crate::units::{Grade, Level, Quantity};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleFile {
    pub id: String,
    pub version: i32,
    pub title: String,
    pub hazard: Cobrade,
    #[serde(default)]
    pub grades: Vec<Grade>,
    /// When in the year the rule is in force.
    pub season: Option<SeasonFile>,
    pub quiet_hours: Option<QuietFile>,
    /// Hours for which the last word of a silent station keeps a level up.
    pub last_word_h: Option<u32>,
    pub stations: BTreeMap<String, SelectorFile>,
    pub levels: Vec<LevelFile>,
    #[serde(default)]
    pub overrides: Vec<OverrideFile>,
    #[serde(default)]
    pub tests: Vec<CaseFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeasonFile {
    pub from: String,
    pub to: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuietFile {
    pub from: String,
    pub to: String,
    pub up_to: Level,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelectorFile {
    pub quantity: Option<Quantity>,
    pub derived: Option<Derived>,
    #[serde(default)]
    pub stream: String,
    #[serde(default)]
    pub inside: bool,
    pub within_km: Option<f64>,
    pub nearest: Option<usize>,
    pub named: Option<Vec<String>>,
    pub combine: Option<CombineWord>,
    pub k: Option<usize>,
    pub min_fresh: Option<usize>,
    #[serde(default)]
    pub suspect: bool,
    pub travel_min: Option<u32>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CombineWord {
    Extreme,
    Mean,
    InverseDistance,
    Thiessen,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LevelFile {
    pub level: Level,
    #[serde(default)]
    pub for_min: u32,
    #[serde(default)]
    pub clear_after_min: u32,
    #[serde(default)]
    pub stay_min: u32,
    pub season: Option<SeasonFile>,
    pub any: Option<Vec<ConditionFile>>,
    pub all: Option<Vec<ConditionFile>>,
    pub k: Option<usize>,
    pub of: Option<Vec<ConditionFile>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConditionFile {
    pub name: Option<String>,
    pub any: Option<Vec<ConditionFile>>,
    pub all: Option<Vec<ConditionFile>>,
    pub not: Option<Box<ConditionFile>>,
    pub k: Option<usize>,
    pub of: Option<Vec<ConditionFile>>,
    pub stations: Option<String>,
    pub sum: Option<String>,
    #[serde(default)]
    pub latest: bool,
    pub rate: Option<String>,
    pub max: Option<String>,
    pub min: Option<String>,
    pub mean: Option<String>,
    pub above_stage: Option<Stage>,
    pub intensity_duration: Option<CurveFile>,
    pub antecedent: Option<AntecedentFile>,
    pub at_least: Option<String>,
    pub clear_below: Option<String>,
    pub at_most: Option<String>,
    pub clear_above: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CurveFile {
    pub a: f64,
    pub b: f64,
    pub durations: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AntecedentFile {
    pub days: i64,
    pub per_day: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverrideFile {
    #[serde(default)]
    pub grades: Vec<Grade>,
    #[serde(default)]
    pub areas: Vec<String>,
    pub season: Option<SeasonFile>,
    pub factor: Option<f64>,
    #[serde(default)]
    pub thresholds: BTreeMap<String, String>,
}

/// A test beside the rule: what is measured, and which level is expected when.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseFile {
    pub name: String,
    pub grade: Option<Grade>,
    #[serde(default)]
    pub area: String,
    /// With its offset from UTC.
    pub start: Option<String>,
    pub every: String,
    pub series: BTreeMap<String, String>,
    #[serde(default)]
    pub stages: BTreeMap<Stage, String>,
    pub expect: BTreeMap<String, Level>,
}
