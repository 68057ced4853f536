//! What the fuzzers found worth keeping (tests/corpora/), through the same functions: no input may panic a parser, nor break
//! the promises that fuzz/src/targets.rs checks.

#[path = "../../fuzz/src/targets.rs"]
mod targets;

use std::path::Path;

/// A target with its name, which is that of its folder.
type Target = (&'static str, fn(&[u8]));

macro_rules! targets {
    ($($name:ident),+ $(,)?) => { [$((stringify!($name), targets::$name as fn(&[u8]))),+] };
}

const TARGETS: [Target; 26] = targets![
    payload,
    topic,
    status,
    feed,
    outside_warning,
    cap,
    signature,
    catalogue_geojson,
    catalogue_csv,
    history,
    sms_text,
    receipt,
    smpp_event,
    report_sms,
    report_mail,
    address,
    calendar,
    rule,
    template,
    cookie,
    language,
    media_feed,
    json_body,
    certificate,
    gateway_callback,
    bounce,
];

#[test]
fn nothing_that_fuzzing_found_upsets_a_parser() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpora");
    for (name, target) in TARGETS {
        let mut tried = 0;
        for entry in std::fs::read_dir(root.join(name)).into_iter().flatten().flatten() {
            let path = entry.path();
            println!("{}", path.display());
            target(&std::fs::read(&path).unwrap());
            tried += 1;
        }
        assert!(tried > 0, "tests/corpora/{name} is empty: run scripts/fuzz.sh {name}");
        for odd in [&b""[..], b"\0", b"\xff\xfe", "é€😀\u{202e}".as_bytes(), &[b'['; 20_000], &[b'<'; 5000]] {
            target(odd);
        }
    }
}

#[test]
fn every_fuzz_target_is_tried_here() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/fuzz_targets");
    let mut there: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let mut here: Vec<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    there.sort();
    here.sort();
    assert_eq!(there, here, "left: fuzz/fuzz_targets; right: tests/it/corpora.rs");
}
