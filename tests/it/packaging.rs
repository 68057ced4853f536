//! What is shipped beside the program fits the program.

use std::path::Path;

use crate::support;

const UNIT: &str = "config/systemd/sentinela.service";

#[tokio::test]
async fn the_unit_of_systemd_calls_a_command_and_sets_keys_that_exist() {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(UNIT)).unwrap();
    let values = |key: &str| -> Vec<String> {
        text.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('=')).map(str::to_owned).collect()
    };
    let start = values("ExecStart").concat();
    let arguments: Vec<&str> = start.split_whitespace().skip(1).collect();
    let output = support::sentinela().args(&arguments).arg("--help").output().await.unwrap();
    assert!(output.status.success(), "{start}: {}", String::from_utf8_lossy(&output.stderr));
    let mut checking = support::sentinela();
    checking.arg("check-config");
    for setting in values("Environment") {
        let (key, value) = setting.split_once('=').unwrap();
        assert!(key.starts_with("SENTINELA__"), "{key}");
        checking.env(key, value);
    }
    let output = checking.output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // Written under the folder that systemd makes for it, and nowhere else.
    let folder = values("Environment").concat();
    assert!(folder.ends_with(&format!("/var/lib/{}", values("StateDirectory").concat())), "{folder}");
}

#[tokio::test]
async fn the_nightly_backup_calls_a_command_and_writes_into_a_folder_that_systemd_makes() {
    let read = |name: &str| {
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config/systemd").join(name)).unwrap()
    };
    let unit = read("sentinela-backup.service");
    let value = |key: &str| unit.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).unwrap();
    let start: Vec<&str> = value("ExecStart").split_whitespace().collect();
    let output = support::sentinela().args(&start[1..]).arg("--help").output().await.unwrap();
    assert!(output.status.success(), "{start:?}: {}", String::from_utf8_lossy(&output.stderr));
    let folders: Vec<String> =
        value("StateDirectory").split_whitespace().map(|folder| format!("/var/lib/{folder}")).collect();
    assert!(start.iter().any(|word| folders.iter().any(|folder| folder == word)), "{start:?} {folders:?}");
    assert!(value("Environment").ends_with(&folders[0]), "the data of the service");
    assert!(read("sentinela-backup.timer").contains("OnCalendar="));
}
