//! Recorded storms against their golden transcripts. `BLESS=1` writes them anew; read the diff before committing it.

use std::path::{Path, PathBuf};

use sentinela::cli::simulate::simulate;
use sentinela::replay;

fn storms() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("simulations/storms");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn every_storm_gives_its_golden_transcript() {
    let expected = Path::new(env!("CARGO_MANIFEST_DIR")).join("simulations/expected");
    assert!(storms().len() >= 15);
    for file in storms() {
        let told = sentinela::cli::simulate::told(&file).unwrap();
        let golden = expected.join(file.with_extension("txt").file_name().unwrap());
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&golden, &told).unwrap();
        }
        let before = std::fs::read_to_string(&golden).unwrap_or_default();
        let first = told.lines().zip(before.lines()).find(|(now, then)| now != then);
        assert!(told == before, "{} differs: {first:?}. BLESS=1 accepts it.", golden.display());
    }
}

/// The storm of Petrópolis with one more reading, which no gauge can have measured.
fn with_an_absurd_reading(folder: &Path) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("simulations");
    let data = |end: &str| root.join(format!("data/petropolis_2022-02-15{end}"));
    let readings = std::fs::read_to_string(data(".csv")).unwrap();
    std::fs::write(folder.join("readings.csv"), format!("{readings}330390605G,2022-02-15T15:15:00Z,rain,900\n"))
        .unwrap();
    let storm = std::fs::read_to_string(root.join("storms/petropolis_2022-02-15.toml")).unwrap();
    let storm =
        storm.replace("../data/petropolis_2022-02-15.csv", "readings.csv").replace("\"../", "\"../simulations/");
    let storm = storm.replace("../simulations/data", &root.join("data").display().to_string());
    let storm = storm.replace("../simulations/../config", &root.join("../config").display().to_string());
    std::fs::write(folder.join("storm.toml"), storm).unwrap();
    folder.join("storm.toml")
}

#[test]
fn a_replay_throws_away_what_the_live_doors_would() {
    let folder = crate::support::Folder::new();
    let (scenario, told) = simulate(&with_an_absurd_reading(folder.path())).unwrap();
    let storm = Path::new(env!("CARGO_MANIFEST_DIR")).join("simulations/storms/petropolis_2022-02-15.toml");
    let (_, before) = simulate(&storm).unwrap();
    assert_eq!(told.readings, before.readings + 1);
    let happened = |transcript| {
        let text = replay::render(&scenario, transcript);
        text.lines().filter(|line| line.get(16..18) == Some("  ")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(!happened(&before).is_empty());
    assert_eq!(happened(&told), happened(&before), "900 mm in one reading raise nothing");
    let range: Vec<_> =
        told.doubts.iter().filter(|doubt| doubt.test == sentinela::risk::control::Test::Range).collect();
    assert_eq!(range.len(), 1, "{range:?}");
    assert_eq!(range[0].readings, 1);
}

#[tokio::test]
async fn a_replay_takes_the_limits_of_the_configuration() {
    let storm = Path::new(env!("CARGO_MANIFEST_DIR")).join("simulations/storms/petropolis_2022-02-15.toml");
    let mut command = crate::support::sentinela();
    command.arg("simulate").arg(storm).env("SENTINELA__ENGINE__QUALITY_FILE", "/nowhere/quality.toml");
    let output = command.output().await.unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && told.contains("engine.quality_file /nowhere/quality.toml"), "{told}");
}
