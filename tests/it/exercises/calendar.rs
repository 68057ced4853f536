//! The calendar, read by an independent program (PyPI `icalendar`).

use axum::http::{Method, StatusCode};
use sentinela::accounts::Role;
use serde_json::Value;
use std::path::PathBuf;
use tokio::io::AsyncWriteExt as _;

use super::Room;

/// What `icalendar` reads: the events as JSON, or an error.
pub async fn read(text: &str) -> Value {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_sentinela"));
    let python = program.ancestors().nth(2).unwrap().join("peers/bin/python");
    assert!(python.exists(), "{} is missing: run tests/peers/setup.sh", python.display());
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/peers/calendar_reader.py");
    let mut child = tokio::process::Command::new(python)
        .arg(script)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    assert!(output.status.success(), "the reader refused it:\n{text}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn another_program_reads_what_is_planned_changed_and_called_off() {
    let room = Room::open(&[("SENTINELA__HTTP__PUBLIC_URL", "https://alertas.example.org")]).await;
    let ana = room.person("ana", Role::Coordinator).await;
    let (id, code) = room.planned(&ana, 10).await;
    let mut other = room.plan(20);
    other["title"] = "Vila; Ideal, com um nome muito comprido que não cabe em uma linha só do calendário".into();
    other["public_text"] = "Uma linha\noutra \\ linha".into();
    room.api(&ana, Method::POST, "exercises", other).await;
    let first = room.public(Method::GET, "/exercises.ics", "", &[]).await;
    assert_eq!(first.headers["content-type"], "text/calendar; charset=utf-8");
    let events = read(&first.text).await;
    assert_eq!(events["method"], "PUBLISH");
    let one = &events["events"][0];
    assert_eq!(one["uid"], format!("exercise-{id}@alertas.example.org"));
    assert_eq!(one["url"], format!("https://alertas.example.org/simulados/{code}"));
    assert_eq!((&one["sequence"], &one["status"]), (&0.into(), &"TENTATIVE".into()));
    assert_eq!(one["start"], "2026-03-04T12:00:00+00:00");
    assert!(one["stamp"].is_string());
    let two = &events["events"][1];
    assert_eq!(
        two["summary"],
        "EXERCÍCIO - NÃO É REAL: Vila; Ideal, com um nome muito comprido que não cabe em uma linha só do calendário"
    );
    assert_eq!(two["description"], "Uma linha\noutra \\ linha");

    room.act(&ana, &id, "announce").await;
    let announced = read(&room.public(Method::GET, "/exercises.ics", "", &[]).await.text).await;
    assert_eq!(
        (&announced["events"][0]["sequence"], &announced["events"][0]["status"]),
        (&1.into(), &"CONFIRMED".into())
    );
    room.pass(chrono::TimeDelta::minutes(5));
    room.act(&ana, &id, "cancel").await;
    let cancelled = read(&room.public(Method::GET, "/exercises.ics", "", &[]).await.text).await;
    let event = &cancelled["events"][0];
    assert_eq!((&event["sequence"], &event["status"]), (&2.into(), &"CANCELLED".into()));
    assert_eq!(event["uid"], one["uid"], "the same event, so that calendars take it out");
    assert_ne!(event["stamp"], one["stamp"]);
}

#[tokio::test]
async fn whoever_has_the_calendar_already_is_told_so() {
    let room = Room::open(&[]).await;
    let ana = room.person("ana", Role::Coordinator).await;
    room.planned(&ana, 10).await;
    let first = room.public(Method::GET, "/exercises.ics", "", &[]).await;
    let tag = first.headers["etag"].to_str().unwrap().to_owned();
    let asked = axum::http::Request::get("/exercises.ics").header("if-none-match", tag);
    let again = room.send(asked.body(axum::body::Body::empty()).unwrap()).await;
    assert_eq!((again.status, again.text.as_str()), (StatusCode::NOT_MODIFIED, ""));
}
