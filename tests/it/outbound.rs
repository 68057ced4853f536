//! What the service asks of the outside, against a server on this machine that behaves as badly as it can.

use std::time::Duration;

use axum::http::Request;
use sentinela::config::Outbound;
use sentinela::outbound::{Client, Limits, OutboundError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::soon;

fn client(allow: &[&str]) -> Client {
    bounded(allow, Limits::default())
}

fn bounded(allow: &[&str], limits: Limits) -> Client {
    let allow = allow.iter().map(|entry| entry.parse().unwrap()).collect();
    Client::with_limits(&Outbound { allow, proxy: String::new(), user_agent: String::new() }, limits)
}

/// Answers every connection with what `answer` makes of its request head; returns the port.
async fn server<F: Future<Output = ()> + Send + 'static>(answer: fn(TcpStream, String) -> F) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = vec![0; 4096];
                let length = stream.read(&mut head).await.unwrap_or(0);
                answer(stream, String::from_utf8_lossy(&head[..length]).into_owned()).await;
            });
        }
    });
    port
}

async fn say(mut stream: TcpStream, text: String) {
    let _ = stream.write_all(text.as_bytes()).await;
    let _ = stream.shutdown().await;
}

/// Says hello, or redirects to what the path holds after `/to/`. Repeats the `secret` header it was sent.
async fn polite(stream: TcpStream, head: String) {
    let path = head.split(' ').nth(1).unwrap_or_default();
    if let Some(target) = path.strip_prefix("/to/") {
        say(
            stream,
            format!("HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
        )
        .await;
        return;
    }
    let body = if head.contains("secret: ") { "hello, with the secret" } else { "hello" };
    let length = body.len();
    say(stream, format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")).await;
}

#[tokio::test]
async fn this_machine_is_refused_unless_it_is_named() {
    let port = server(polite).await;
    for host in ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"] {
        let refused = client(&[]).get(&format!("http://{host}:{port}/?key=hidden")).await.unwrap_err();
        assert!(matches!(refused, OutboundError::Refused { .. }), "{host}: {refused}");
        let message = refused.to_string();
        assert!(message.contains("loopback") && !message.contains("hidden"), "{message}");
    }
    for (allow, host) in [("127.0.0.0/8", "127.0.0.1"), ("127.0.0.1", "localhost"), ("localhost", "localhost")] {
        let answer = client(&[allow]).get(&format!("http://{host}:{port}/")).await.unwrap();
        assert_eq!((answer.status.as_u16(), &answer.body[..]), (200, &b"hello"[..]), "{allow}");
    }
}

#[tokio::test]
async fn a_redirect_is_checked_as_the_first_address_was() {
    let port = server(polite).await;
    let client = client(&["127.0.0.1"]);
    let base = format!("http://127.0.0.1:{port}");
    let answer = client.get(&format!("{base}/to/{base}/")).await.unwrap();
    assert_eq!((&answer.body[..], answer.url.path()), (&b"hello"[..], "/"));
    for target in ["http://127.0.0.2/", "http://10.0.0.1/", "http://169.254.169.254/latest/", "http://[::1]/"] {
        let refused = client.get(&format!("{base}/to/{target}")).await.unwrap_err();
        assert!(matches!(refused, OutboundError::Refused { .. }), "{target}: {refused}");
    }
    let refused = client.get(&format!("{base}/to/file:///etc/passwd")).await.unwrap_err();
    assert!(matches!(refused, OutboundError::Url(..)), "{refused}");
}

#[tokio::test]
async fn redirects_end_after_the_third() {
    let port = server(polite).await;
    let base = format!("http://127.0.0.1:{port}");
    let hops = |n: usize| format!("{}/", format!("{base}/to/").repeat(n));
    let client = client(&["127.0.0.1"]);
    let three = format!("{}{base}", hops(3).trim_end_matches('/').to_owned() + "/");
    assert_eq!(&client.get(&three).await.unwrap().body[..], b"hello");
    let four = format!("{}{base}", hops(4).trim_end_matches('/').to_owned() + "/");
    assert!(matches!(client.get(&four).await, Err(OutboundError::Redirects { .. })));
}

#[tokio::test]
async fn headers_stay_with_the_origin_they_were_meant_for_and_a_post_is_not_redirected() {
    let (port, other) = (server(polite).await, server(polite).await);
    let client = client(&["127.0.0.1"]);
    let request = |method: &str, url: String| {
        Request::builder().method(method).uri(url).header("secret", "1").body(Vec::new()).unwrap()
    };
    let same = request("GET", format!("http://127.0.0.1:{port}/to//"));
    assert_eq!(&client.send(same, 1000).await.unwrap().body[..], b"hello, with the secret");
    let elsewhere = request("GET", format!("http://127.0.0.1:{port}/to/http://127.0.0.1:{other}/"));
    assert_eq!(&client.send(elsewhere, 1000).await.unwrap().body[..], b"hello");
    let posted = request("POST", format!("http://127.0.0.1:{port}/to//"));
    assert_eq!(client.send(posted, 1000).await.unwrap().status.as_u16(), 302);
}

async fn endless(mut stream: TcpStream, _head: String) {
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    let chunk = format!("4000\r\n{}\r\n", "x".repeat(0x4000));
    while stream.write_all(chunk.as_bytes()).await.is_ok() {}
}

async fn boastful(stream: TcpStream, _head: String) {
    say(stream, "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nx".into()).await;
}

/// A bomb: small on the wire, a mebibyte of zeros once unpacked.
async fn packed(mut stream: TcpStream, _head: String) {
    let _ = stream
        .write_all(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00")
        .await;
    let _ = stream.shutdown().await;
}

#[tokio::test]
async fn an_answer_without_end_or_with_too_much_announced_is_cut() {
    for port in [server(endless).await, server(boastful).await] {
        let cut = soon("the cut", client(&["127.0.0.1"]).get(&format!("http://127.0.0.1:{port}/"))).await.unwrap_err();
        assert!(matches!(cut, OutboundError::Large { max_bytes: 2_097_152, .. }), "{cut}");
    }
}

#[tokio::test]
async fn nothing_is_unpacked() {
    let port = server(packed).await;
    let answer = client(&["127.0.0.1"]).get(&format!("http://127.0.0.1:{port}/")).await.unwrap();
    assert_eq!(&answer.body[..], b"\x1f\x8b\x08\x00");
}

async fn silent(mut stream: TcpStream, _head: String) {
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx").await;
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn an_answer_that_stalls_is_given_up() {
    let port = server(silent).await;
    let limits = Limits { whole: Duration::from_millis(300), ..Limits::default() };
    let slow = soon("giving up", bounded(&["127.0.0.1"], limits).get(&format!("http://127.0.0.1:{port}/"))).await;
    assert!(matches!(slow, Err(OutboundError::Slow { .. })), "{slow:?}");
}

#[tokio::test]
async fn whoever_does_not_listen_is_named() {
    let port = crate::support::free_port();
    let message = client(&["127.0.0.1"]).get(&format!("http://127.0.0.1:{port}/")).await.unwrap_err().to_string();
    assert!(message.starts_with("127.0.0.1 cannot be reached: "), "{message}");
}
