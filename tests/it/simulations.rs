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
    assert!(storms().len() >= 6);
    for file in storms() {
        let (scenario, transcript) = simulate(&file).unwrap();
        let told = replay::render(&scenario, &transcript);
        let golden = expected.join(file.with_extension("txt").file_name().unwrap());
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&golden, &told).unwrap();
        }
        let before = std::fs::read_to_string(&golden).unwrap_or_default();
        let first = told.lines().zip(before.lines()).find(|(now, then)| now != then);
        assert!(told == before, "{} differs: {first:?}. BLESS=1 accepts it.", golden.display());
    }
}
