//! What is shipped beside the program fits the program.

use std::path::Path;

use crate::support::{self, Folder, Process};

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

#[tokio::test]
async fn the_manual_has_a_page_for_each_command_that_the_help_names() {
    let folder = Folder::new();
    let output =
        support::sentinela().arg("manual").arg("--out").arg(folder.path().join("man1")).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let help = support::sentinela().arg("--help").output().await.unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    // From the heading to the empty line: two spaces, the name, what it does.
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let commands: Vec<&str> = commands.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(commands.contains(&"serve") && commands.contains(&"check-config"), "{help}");
    for command in commands.iter().filter(|command| **command != "help") {
        let page = std::fs::read_to_string(folder.path().join("man1").join(format!("sentinela-{command}.1")));
        assert!(page.is_ok_and(|page| page.contains(".SH SYNOPSIS")), "{command} has no page");
    }
}

#[tokio::test]
async fn bash_completes_a_command_and_its_options() {
    let output = support::sentinela().args(["completions", "bash"]).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let folder = Folder::new();
    let script = folder.path().join("sentinela.bash");
    std::fs::write(&script, &output.stdout).unwrap();
    let parsed = tokio::process::Command::new("bash").arg("-n").arg(&script).output().await.unwrap();
    assert!(parsed.status.success(), "{}", String::from_utf8_lossy(&parsed.stderr));
    // What bash does when the Tab key is pressed.
    let pressed = r#"source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        _sentinela sentinela "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"; echo "${COMPREPLY[@]}""#;
    for (typed, offered) in
        [(&["sentinela", "check-"][..], "check-config"), (&["sentinela", "key", "exp"][..], "export")]
    {
        let mut bash = tokio::process::Command::new("bash");
        bash.args(["--norc", "-c", pressed, "bash"]).arg(&script).args(typed);
        let output = bash.output().await.unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), offered, "{typed:?}: {output:?}");
    }
}

#[tokio::test]
async fn a_watchdog_hears_whether_the_service_is_ready() {
    let db = support::db().await;
    let listen = format!("127.0.0.1:{}", support::free_port());
    let command = |name: &str| {
        let mut command = support::sentinela();
        command.arg(name).env("SENTINELA__DATABASE__URL", &db.url).env("SENTINELA__HTTP__LISTEN", &listen);
        command.env("SENTINELA__MQTT__LISTEN", "").kill_on_drop(true);
        command
    };
    let asked = support::soon("an answer", command("health").output()).await.unwrap();
    assert_eq!(asked.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&asked.stderr).contains("nobody answers"), "{asked:?}");
    let mut service = Process::start(command("serve"));
    service.line_with("ready:").await;
    let asked = support::soon("an answer", command("health").output()).await.unwrap();
    assert_eq!(asked.status.code(), Some(0), "{asked:?}");
    assert!(String::from_utf8_lossy(&asked.stdout).contains("\"ready\":true"), "{asked:?}");
}

#[test]
fn the_configuration_of_the_package_shows_the_defaults_and_moves_the_data_alone() {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/debian/sentinela.toml"));
    let text = text.unwrap();
    let defaults: toml::Table = toml::from_str(sentinela::config::DEFAULTS).unwrap();
    let given: toml::Table = toml::from_str(&text).unwrap();
    let stated = |table: &toml::Table| -> Vec<(String, toml::Value)> {
        let sections = table.iter().flat_map(|(name, value)| match value {
            toml::Value::Table(section) => {
                section.iter().map(|(key, value)| (format!("{name}.{key}"), value.clone())).collect::<Vec<_>>()
            }
            value => vec![(name.clone(), value.clone())],
        });
        sections.collect()
    };
    assert_eq!(stated(&given), [("data_dir".to_owned(), toml::Value::from("/var/lib/sentinela"))]);
    // `# key = value` is a key as it is without being given; other comments are sentences.
    let lines = text.lines().map(|line| match line.strip_prefix("# ").and_then(|rest| rest.split_once(" = ")) {
        Some((key, value)) if key.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_') => {
            format!("{key} = {value}")
        }
        _ => line.to_owned(),
    });
    let shown: toml::Table = toml::from_str(&lines.collect::<Vec<_>>().join("\n")).unwrap();
    let shown: Vec<_> = stated(&shown).into_iter().filter(|(key, _)| key != "data_dir").collect();
    assert!(shown.len() > 10, "{shown:?}");
    for (key, value) in shown {
        let (section, name) = key.split_once('.').unwrap();
        assert_eq!(defaults.get(section).and_then(|section| section.get(name)), Some(&value), "{key}");
    }
}
