//! What the compiler cannot see by itself: migrations are read by a macro, types of cases are listed, and the pages' bundle is made by npm.

use std::fmt::Write as _;
use std::path::Path;

const CASES: &str = "config/secretariat/cases";
const BUNDLE: &str = "src/web/ui/dist";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=migrations");
    println!("cargo::rerun-if-changed={CASES}");
    list_cases();
    if Path::new(BUNDLE).is_dir() {
        println!("cargo::rerun-if-changed={BUNDLE}");
        return;
    }
    // A path that does not exist would make every build a new one.
    println!("cargo::rerun-if-changed=src/web/ui/package.json");
    if std::env::var("PROFILE").as_deref() == Ok("release") {
        println!("cargo::error=the pages' scripts and styles are not built ({BUNDLE} is missing): run `make ui` first");
    }
}

/// A list of the types of cases, so that a file alone adds one.
fn list_cases() {
    let mut files: Vec<_> =
        std::fs::read_dir(CASES).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    let mut list = String::from("&[\n");
    for path in &files {
        let whole = path.canonicalize().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let _ =
            writeln!(list, "    ({:?}, include_str!({:?})),", path.display().to_string(), whole.display().to_string());
    }
    list.push(']');
    let out = std::env::var("OUT_DIR").unwrap_or_else(|error| panic!("OUT_DIR: {error}"));
    if let Err(error) = std::fs::write(Path::new(&out).join("cases.rs"), list) {
        panic!("{out}/cases.rs: {error}");
    }
}
