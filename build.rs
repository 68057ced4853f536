//! What the compiler cannot see by itself: migrations are read by a macro, and the pages' bundle is made by npm.

use std::path::Path;

const BUNDLE: &str = "src/web/ui/dist";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=migrations");
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
