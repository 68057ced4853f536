//! The whole program as a process: starting, stopping, and what it says when it cannot.

use std::net::TcpListener;

use tokio::process::Command;

use crate::support::{self, Process, TestDb};

/// `sentinela serve` on this database, with ports of its own.
fn service(db: &TestDb, http_port: u16) -> Command {
    let mut command = support::sentinela();
    command
        .arg("serve")
        .env("SENTINELA__DATABASE__URL", &db.url)
        .env("SENTINELA__HTTP__LISTEN", format!("127.0.0.1:{http_port}"))
        .env("SENTINELA__MQTT__LISTEN", "");
    command
}

async fn run(mut command: Command) -> (Option<i32>, String, String) {
    let output = support::soon("a command to end", command.output()).await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[tokio::test]
async fn a_termination_signal_ends_the_service_well() {
    let db = support::db().await;
    let mut service = Process::start(service(&db, support::free_port()));
    service.line_with("ready:").await;
    service.signal("TERM").await;
    let (status, _) = service.end().await;
    assert_eq!(status.code(), Some(0));
}

/// Keeps the evaluator from ending: it waits for a table that is locked. Rolls back when dropped.
async fn hold_up(db: &TestDb) -> sqlx::Transaction<'static, sqlx::Postgres> {
    let mut tx = db.pool.begin().await.unwrap();
    sqlx::query("lock table pipeline_cursor in access exclusive mode").execute(&mut *tx).await.unwrap();
    support::eventually("the evaluator to wait for the lock", || async {
        let sql = "select exists (select from pg_locks where not granted and relation = 'pipeline_cursor'::regclass)";
        let waits: bool = sqlx::query_scalar(sql).fetch_one(&db.pool).await.unwrap();
        waits.then_some(())
    })
    .await;
    tx
}

#[tokio::test]
async fn a_second_signal_ends_at_once() {
    let db = support::db().await;
    let mut command = service(&db, support::free_port());
    command.env("SENTINELA__SHUTDOWN__TIMEOUT_S", "3600");
    let mut service = Process::start(command);
    service.line_with("ready:").await;
    let _held = hold_up(&db).await;
    service.signal("TERM").await;
    service.signal("INT").await;
    let (status, _) = service.end().await;
    assert_eq!(status.code(), Some(1));
}

#[tokio::test]
async fn a_stop_takes_no_longer_than_its_bound_and_names_what_hung() {
    let db = support::db().await;
    let mut command = service(&db, support::free_port());
    command.env("SENTINELA__SHUTDOWN__TIMEOUT_S", "1").stderr(std::process::Stdio::piped());
    command.stdout(std::process::Stdio::piped()).kill_on_drop(true);
    let child = command.spawn().unwrap();
    let _held = hold_up(&db).await;
    let process = child.id().unwrap().to_string();
    Command::new("kill").args(["-s", "TERM", &process]).status().await.unwrap();
    let output = support::soon("the service to end", child.wait_with_output()).await.unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("did not end within 1 s") && error.contains("evaluator"), "{error}");
}

#[tokio::test]
async fn a_taken_port_is_named_and_the_exit_code_is_1() {
    let db = support::db().await;
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let (code, _, error) = run(service(&db, taken.local_addr().unwrap().port())).await;
    assert_eq!(code, Some(1));
    assert!(error.contains("`http.listen`"), "{error}");
}

#[tokio::test]
async fn wrong_use_and_a_wrong_configuration_exit_with_2() {
    let mut command = support::sentinela();
    command.arg("dance");
    assert_eq!(run(command).await.0, Some(2));

    let mut command = support::sentinela();
    command.arg("serve").env("SENTINELA__HTTP__LISTN", "x");
    let (code, _, error) = run(command).await;
    assert_eq!(code, Some(2));
    assert!(error.contains("listn"), "{error}");
}

#[tokio::test]
async fn check_config_names_the_wrong_key_and_what_it_expects() {
    let mut command = support::sentinela();
    command.arg("check-config").env("SENTINELA__HTTP__LISTEN", "nowhere");
    let (code, _, error) = run(command).await;
    assert_eq!(code, Some(1));
    assert!(error.contains("`http.listen`") && error.contains("127.0.0.1:8080"), "{error}");

    let mut command = support::sentinela();
    command.arg("check-config");
    assert_eq!(run(command).await.0, Some(0));
}

#[tokio::test]
async fn people_and_tokens_are_managed_from_the_command_line() {
    let db = support::db().await;
    let command = |arguments: &[&str]| {
        let mut command = support::sentinela();
        command.args(arguments).env("SENTINELA__DATABASE__URL", &db.url).env("SENTINELA_PASSWORD", "uma senha longa");
        command
    };
    let (code, ..) = run(command(&["user", "add", "ana", "--name", "Ana Lima", "--role", "coordinator"])).await;
    assert_eq!(code, Some(0));
    let (_, list, _) = run(command(&["user", "list"])).await;
    assert!(list.contains("ana") && list.contains("coordinator"), "{list}");
    let (_, token, _) = run(command(&["token", "add", "ana", "--name", "painel"])).await;
    assert!(token.starts_with("token: "), "{token}");
    let (code, _, error) = run(command(&["token", "revoke", "ana", "--name", "outro"])).await;
    assert_eq!(code, Some(1), "{error}");
    let (code, _, error) = run(command(&["user", "add", "ana", "--name", "Ana", "--role", "king"])).await;
    assert_eq!(code, Some(2), "{error}");
}
