//! Whoever reads what a command says may go before the end, or be a disk that is full.

use std::process::Stdio;

use crate::support;

/// Exit code and standard error of a command whose output goes there.
async fn run(arguments: &[&str], output: Stdio) -> (Option<i32>, String) {
    let mut command = support::sentinela();
    // `output` would put a pipe of its own in the place of the one that is given.
    let child = command.args(arguments).stdout(output).stderr(Stdio::piped()).spawn().unwrap();
    drop(command);
    let ended = support::soon("a command to end", child.wait_with_output()).await.unwrap();
    (ended.status.code(), String::from_utf8_lossy(&ended.stderr).into_owned())
}

/// A pipe whose reader has gone.
fn shut() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    Stdio::from(writer)
}

#[tokio::test]
async fn a_reader_who_goes_breaks_off_no_work_and_is_no_fault_to_report() {
    assert_eq!(run(&["check-config", "--defaults"], shut()).await, (Some(0), String::new()));
    // What is written for its output alone has failed, without a word.
    assert_eq!(run(&["completions", "bash"], shut()).await, (Some(1), String::new()));
}

#[tokio::test]
async fn a_full_disk_is_told() {
    for arguments in [["check-config", "--defaults"], ["completions", "bash"]] {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let (code, said) = run(&arguments, Stdio::from(full)).await;
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("written") && !said.contains("panicked"), "{said}");
    }
}
