//! Bytes on the line that two readers could read differently, and lines that break where a header ends: against the real
//! program over a socket.

use axum::http::StatusCode;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::Place;
use crate::support::{self, Process};

/// Sends bytes and reads until the service closes the connection. What was sent after it closed may be refused by the kernel.
async fn exchange(port: u16, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let talk = async {
        // A service that refuses early may close before all of it was sent.
        let _ = stream.write_all(bytes).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    };
    support::soon("the service to close the connection", talk).await
}

async fn service() -> (support::TestDb, Process, u16) {
    let (db, port) = (support::db().await, support::free_port());
    let mut command = support::sentinela();
    command
        .arg("serve")
        .env("SENTINELA__DATABASE__URL", &db.url)
        .env("SENTINELA__HTTP__LISTEN", format!("127.0.0.1:{port}"))
        .env("SENTINELA__MQTT__LISTEN", "");
    let mut process = Process::start(command);
    process.line_with("ready:").await;
    (db, process, port)
}

const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";

/// The status of every answer in what came back.
fn statuses(answer: &str) -> Vec<&str> {
    answer.split("HTTP/1.1 ").skip(1).filter_map(|rest| rest.get(..3)).collect()
}

#[tokio::test]
async fn no_request_hides_in_another_whatever_a_proxy_would_make_of_its_length() {
    let (_db, _process, port) = service().await;
    let post = |headers: &str, body: &str| format!("POST /preferences HTTP/1.1\r\nHost: x\r\n{headers}\r\n{body}");
    let refused = [
        ("two lengths", post("Content-Length: 3\r\nContent-Length: 50\r\n", SMUGGLED)),
        ("a list of lengths", post("Content-Length: 3, 50\r\n", SMUGGLED)),
        ("a signed length", post("Content-Length: +3\r\n", SMUGGLED)),
        ("a negative length", post("Content-Length: -1\r\n", SMUGGLED)),
        ("a length in hexadecimal", post("Content-Length: 0x03\r\n", SMUGGLED)),
        ("a length beyond every number", post("Content-Length: 18446744073709551617\r\n", SMUGGLED)),
        ("an unknown coding", post("Transfer-Encoding: xchunked\r\n", SMUGGLED)),
        ("chunks that are not the last coding", post("Transfer-Encoding: chunked, identity\r\n", SMUGGLED)),
        ("a space before the colon", post("Transfer-Encoding : chunked\r\n", SMUGGLED)),
        ("a folded header", post("X: a\r\n Transfer-Encoding: chunked\r\n", SMUGGLED)),
        ("a lone return in a header", post("X: a\rTransfer-Encoding: chunked\r\n", SMUGGLED)),
        ("NUL in a header", post("X: a\0b\r\n", SMUGGLED)),
        (
            "chunks in HTTP/1.0",
            post("Transfer-Encoding: chunked\r\n", SMUGGLED)
                .replace("HTTP/1.1\r\nHost: x\r\nT", "HTTP/1.0\r\nHost: x\r\nT"),
        ),
        ("two versions", format!("GET /healthz HTTP/1.1 HTTP/1.1\r\nHost: x\r\n\r\n{SMUGGLED}")),
        ("a version to come", format!("GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n{SMUGGLED}")),
        ("headers without end", post(&format!("X: {}\r\n", "a".repeat(1 << 20)), "")),
        ("a thousand headers", post(&"X: a\r\n".repeat(1000), SMUGGLED)),
    ];
    for (what, bytes) in refused {
        let answer = exchange(port, bytes.as_bytes()).await;
        let answer = answer.replace("HTTP/1.0 ", "HTTP/1.1 ");
        let statuses = statuses(&answer);
        assert!(statuses.len() <= 1 && statuses.iter().all(|status| status.starts_with('4')), "{what}: {answer}");
        assert!(!answer.contains("/smuggled"), "{what}: {answer}");
    }
    // Both lengths: what is chunked ends where the chunks end, and the connection ends with it (RFC 9112, 6.3).
    for headers in [
        "Content-Length: 80\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 80\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    ] {
        let kind = "Content-Type: application/x-www-form-urlencoded\r\n";
        let answer =
            exchange(port, post(&format!("{kind}{headers}"), &format!("0\r\n\r\n{SMUGGLED}")).as_bytes()).await;
        assert_eq!(statuses(&answer).len(), 1, "{headers}: {answer}");
        assert!(!answer.contains("/smuggled"), "{headers}: {answer}");
    }
    // Chunks whose sizes are no sizes.
    for chunks in [
        "ffffffffffffffff1\r\na\r\n",
        "-1\r\na\r\n",
        "0x1\r\na\r\n0\r\n\r\n",
        "1;\n\na\r\n0\r\n\r\n",
        "g\r\n",
        "1\r\nabc\r\n0\r\n\r\n",
    ] {
        let kind = "Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n";
        let answer = exchange(port, post(kind, &format!("{chunks}{SMUGGLED}")).as_bytes()).await;
        assert!(statuses(&answer).iter().all(|status| status.starts_with('4')), "{chunks:?}: {answer}");
        assert!(!answer.contains("/smuggled"), "{chunks:?}: {answer}");
    }
    let answer = exchange(port, b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert_eq!(statuses(&answer), ["200"], "it still answers whoever speaks plainly");
}

#[tokio::test]
async fn no_line_break_ends_a_header_of_a_letter() {
    let place = Place::open().await;
    let chief = place.chief().await;
    place.town(&chief).await;
    let planted = "Risco alto\r\nBcc: todos@evil.example\r\n\r\n<b>";
    for (name, email) in [(planted, "ana@exemplo.invalid"), ("Ana", "ana@exemplo.invalid\r\nBcc: todos@evil.example")] {
        let wanted = json!({"name": name, "email": email, "roles": ["viewer"]});
        let answer = place.json(&chief, "POST", "/api/v1/staff", wanted).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
    }
    // The headline becomes the subject of the letters to everybody inside.
    let draft = place.draft(&chief).await;
    let path = format!("/api/v1/alerts/{draft}");
    let shown = place.send("GET", &path, &[("cookie", &chief.cookie)], "").await.json();
    for headline in [planted, "Risco\u{2028}alto", "Risco\u{85}alto", "Risco\u{0b}alto"] {
        let texts = json!({"headline": headline, "description": shown["description"], "instruction": shown["instruction"],
            "sms_text": shown["sms_text"], "expires_at": shown["expires_at"]});
        let answer = place.json(&chief, "PUT", &path, json!({"revision": 1, "texts": texts})).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{headline:?}: {}", answer.text);
    }
    let residents = "external_ref,name,lat,lon,precision_m,phone,email,consent_source\n\
        9,Ana,-21.75,-43.395,10,,\"ana@exemplo.invalid\r\nBcc: todos@evil.example\",formulário\n";
    let answer = place.api(&chief, "POST", "/api/v1/residents", "text/csv", residents).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
}
