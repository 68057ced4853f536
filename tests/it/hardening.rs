//! The door: slow and greedy clients, limits, headers, TLS, and proxies in front.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode, header};
use sentinela::accounts::{Role, store};
use sentinela::app::App;
use sentinela::web::router::router;
use sentinela::web::server::Server;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::Command;
use tower::ServiceExt as _;

use crate::support::{self, Folder};

/// No password fits it.
const NO_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$bm90aGluZw";

/// A served app; its listening address.
async fn serve(app: &App) -> SocketAddr {
    let server = Server::bind(&app.config).await.unwrap();
    let address = server.address().unwrap();
    tokio::spawn(server.serve(app.clone(), router(app.clone())));
    address
}

const LISTEN: (&str, &str) = ("SENTINELA__HTTP__LISTEN", "127.0.0.1:0");

/// Everything the server says until it closes.
async fn rest(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    // A reset is an end too.
    let _ = support::soon("the end of a connection", stream.read_to_end(&mut text)).await;
    String::from_utf8_lossy(&text).into_owned()
}

async fn is_closed_unanswered(address: SocketAddr) -> bool {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The other end may be gone before a byte arrives.
    let _ = stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: town\r\nConnection: close\r\n\r\n").await;
    rest(&mut stream).await.is_empty()
}

#[tokio::test]
async fn whoever_sends_headers_slowly_or_nothing_is_cut_off() {
    let db = support::db().await;
    let app = support::app_with(&db, &[LISTEN, ("SENTINELA__HTTP__SLOW_CLIENT_S", "1")]);
    let address = serve(&app).await;
    for beginning in ["", "GET /", "GET /healthz HTTP/1.1\r\nHost: town\r\nX-Slow: "] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(beginning.as_bytes()).await.unwrap();
        let said = rest(&mut stream).await;
        assert!(!said.contains("200 OK"), "{beginning:?}: {said}");
    }
    // One that was answered and then stays silent.
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: town\r\n\r\n").await.unwrap();
    assert!(rest(&mut stream).await.starts_with("HTTP/1.1 200"));
    app.stop.cancel();
}

#[tokio::test]
async fn headers_without_end_are_refused() {
    let db = support::db().await;
    let app = support::app_with(&db, &[LISTEN]);
    let address = serve(&app).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: town\r\n").await.unwrap();
    let line = format!("X-Long: {}\r\n", "a".repeat(4000));
    for _ in 0..40 {
        // The server may hang up before all of it is sent.
        if stream.write_all(line.as_bytes()).await.is_err() {
            break;
        }
    }
    let said = rest(&mut stream).await;
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 431"), "{said}");
    app.stop.cancel();
}

#[tokio::test]
async fn one_address_holds_only_so_many_connections_and_a_freed_one_serves_again() {
    let db = support::db().await;
    let app = support::app_with(&db, &[LISTEN, ("SENTINELA__HTTP__MAX_CONNECTIONS_PER_ADDRESS", "2")]);
    let address = serve(&app).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: town\r\n\r\n").await.unwrap();
        let mut first = [0; 12];
        support::soon("an answer", stream.read_exact(&mut first)).await.unwrap();
        assert_eq!(&first, b"HTTP/1.1 200");
        held.push(stream);
    }
    assert!(is_closed_unanswered(address).await);
    held.pop();
    support::eventually("a free place", || async { (!is_closed_unanswered(address).await).then_some(()) }).await;
    app.stop.cancel();
}

/// Asks the router as a connection from this address would.
async fn ask(app: &App, peer: &str, request: axum::http::request::Builder) -> (StatusCode, HeaderMap, String) {
    let peer: SocketAddr = format!("{peer}:4711").parse().unwrap();
    let request = request.extension(ConnectInfo(peer)).body(Body::empty()).unwrap();
    let response = router(app.clone()).oneshot(request).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = axum::body::to_bytes(response.into_body(), 4 << 20).await.unwrap();
    (status, headers, String::from_utf8(bytes.to_vec()).unwrap_or_default())
}

#[tokio::test]
async fn an_address_that_asks_too_often_waits_and_others_do_not() {
    let db = support::db().await;
    let app = support::app_with(
        &db,
        &[("SENTINELA__HTTP__LIMITS__ADDRESS_PER_MINUTE", "1"), ("SENTINELA__HTTP__LIMITS__ADDRESS_BURST", "3")],
    );
    let areas = || Request::get("/api/v1/areas");
    for _ in 0..3 {
        assert_eq!(ask(&app, "203.0.113.7", areas()).await.0, StatusCode::OK);
    }
    let (status, headers, body) = ask(&app, "203.0.113.7", areas()).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(headers[header::CONTENT_TYPE], "application/problem+json");
    let wait: u64 = headers[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait) && body.contains("try again in"), "{wait} {body}");
    let page = Request::get("/").header("accept", "text/html").header("accept-language", "pt-BR");
    let (status, _, body) = ask(&app, "203.0.113.7", page).await;
    assert!(status == StatusCode::TOO_MANY_REQUESTS && body.contains("Espere um minuto"), "{status} {body}");
    assert_eq!(ask(&app, "203.0.113.8", areas()).await.0, StatusCode::OK);
    assert_eq!(ask(&app, "203.0.113.7", Request::get("/healthz")).await.0, StatusCode::OK);
}

#[tokio::test]
async fn metrics_are_for_the_networks_that_are_named() {
    let db = support::db().await;
    let app = support::app(&db);
    assert_eq!(ask(&app, "203.0.113.7", Request::get("/metrics")).await.0, StatusCode::FORBIDDEN);
    assert_eq!(ask(&app, "127.0.0.1", Request::get("/metrics")).await.0, StatusCode::OK);
}

#[tokio::test]
async fn doors_that_anyone_may_try_have_a_closer_limit() {
    let db = support::db().await;
    let limit = [
        ("SENTINELA__HTTP__LIMITS__PUBLIC_WRITES_PER_MINUTE", "1"),
        ("SENTINELA__HTTP__LIMITS__PUBLIC_WRITES_BURST", "2"),
    ];
    let app = support::app_with(&db, &limit);
    let form = || Request::post("/console/forgot").header("content-type", "application/x-www-form-urlencoded");
    for _ in 0..2 {
        assert_ne!(ask(&app, "[2001:db8::1]", form()).await.0, StatusCode::TOO_MANY_REQUESTS);
    }
    let neighbour = "[2001:db8::ffff]";
    assert_eq!(ask(&app, neighbour, form()).await.0, StatusCode::TOO_MANY_REQUESTS, "one household");
    assert_eq!(ask(&app, neighbour, Request::get("/console/login")).await.0, StatusCode::OK, "reading goes on");
}

#[tokio::test]
async fn an_account_that_asks_too_often_waits_wherever_it_asks_from() {
    let db = support::db().await;
    let limit = [("SENTINELA__HTTP__LIMITS__ACCOUNT_PER_MINUTE", "1"), ("SENTINELA__HTTP__LIMITS__ACCOUNT_BURST", "2")];
    let app = support::app_with(&db, &limit);
    let mut cookies = Vec::new();
    for name in ["ana", "bia"] {
        let mut conn = app.db.web.acquire().await.unwrap();
        let (now, roles) = (app.clock.now(), Role::Viewer.into());
        let id = store::upsert_member(&mut conn, &app.ids, now, name, name, &roles, NO_HASH).await.unwrap();
        drop(conn);
        cookies.push(support::session_of(&app, id).await.0);
    }
    let incidents = |cookie: &str| Request::get("/api/v1/incidents").header("cookie", cookie);
    for peer in ["203.0.113.1", "203.0.113.2"] {
        assert_eq!(ask(&app, peer, incidents(&cookies[0])).await.0, StatusCode::OK);
    }
    assert_eq!(ask(&app, "203.0.113.3", incidents(&cookies[0])).await.0, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(ask(&app, "203.0.113.3", incidents(&cookies[1])).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_proxy_in_front_is_believed_only_when_it_is_named() {
    let db = support::db().await;
    let limit = [
        ("SENTINELA__HTTP__LIMITS__ADDRESS_PER_MINUTE", "1"),
        ("SENTINELA__HTTP__LIMITS__ADDRESS_BURST", "1"),
        ("SENTINELA__HTTP__TRUSTED_PROXIES", "10.0.0.0/8,127.0.0.1/32"),
    ];
    let app = support::app_with(&db, &limit);
    let from = |client: &str| Request::get("/api/v1/areas").header("x-forwarded-for", client);
    assert_eq!(ask(&app, "10.0.0.1", from("198.51.100.1")).await.0, StatusCode::OK);
    assert_eq!(ask(&app, "10.0.0.1", from("198.51.100.2")).await.0, StatusCode::OK);
    assert_eq!(ask(&app, "10.0.0.1", from("6.6.6.6, 198.51.100.2")).await.0, StatusCode::TOO_MANY_REQUESTS);
    // Whoever is no proxy may say what they like.
    assert_eq!(ask(&app, "203.0.113.7", from("198.51.100.3")).await.0, StatusCode::OK);
    assert_eq!(ask(&app, "203.0.113.7", from("198.51.100.4")).await.0, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn answers_carry_a_policy_without_exceptions_and_personal_pages_are_kept_nowhere() {
    let db = support::db().await;
    let app = support::app_with(&db, &[("SENTINELA__HTTP__PUBLIC_URL", "https://alerta.exemplo.mg.gov.br")]);
    for path in ["/", "/console/login", "/api/v1/areas", "/api/v1/residents", "/nowhere", "/api/openapi.json"] {
        let (_, headers, _) = ask(&app, "203.0.113.7", Request::get(path)).await;
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{path}: {policy}");
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        for part in ["object-src 'none'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'"] {
            assert!(policy.contains(part), "{path}: {part} is missing: {policy}");
        }
        assert_eq!(headers[header::REFERRER_POLICY], "same-origin");
        assert!(!headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN), "{path}: no other origin reads answers");
        assert_eq!(headers["permissions-policy"].to_str().unwrap().matches("geolocation=(self)").count(), 1);
        assert_eq!(headers["cross-origin-opener-policy"], "same-origin");
        assert_eq!(headers[header::STRICT_TRANSPORT_SECURITY], "max-age=63072000");
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        let is_personal = path.starts_with("/console") || path == "/api/v1/residents";
        assert_eq!(headers.get(header::CACHE_CONTROL).is_some_and(|value| value == "no-store"), is_personal, "{path}");
    }
    let plain = support::app(&db);
    let (_, headers, _) = ask(&plain, "203.0.113.7", Request::get("/")).await;
    assert!(!headers.contains_key(header::STRICT_TRANSPORT_SECURITY), "without TLS it says nothing");
}

#[test]
fn no_page_has_inline_scripts_styles_or_handlers() {
    fn walk(folder: &std::path::Path, wrong: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, wrong);
            } else if path.extension().is_some_and(|extension| extension == "html") {
                let text = std::fs::read_to_string(&path).unwrap();
                let inline = ["<style", " style=", " onclick=", " onload=", " onsubmit=", "javascript:", "<script>"];
                wrong.extend(inline.iter().filter(|part| text.contains(*part)).map(|part| format!("{path:?}: {part}")));
            }
        }
    }
    let mut wrong = Vec::new();
    walk(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web/pages"), &mut wrong);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Writes a fresh certificate for localhost and its key.
fn certify(folder: &Folder) -> String {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(folder.path().join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    std::fs::write(folder.path().join("chain.pem"), made.cert.pem()).unwrap();
    made.cert.pem()
}

/// What curl, which nobody here wrote, gets; the error otherwise.
async fn curl(arguments: &[&str]) -> Result<String, String> {
    let output = Command::new("curl").args(["-sS", "--max-time", "20"]).args(arguments).output().await.unwrap();
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}

#[tokio::test]
async fn the_service_speaks_tls_takes_up_a_new_certificate_and_leads_plain_http_there() {
    let db = support::db().await;
    let folder = Folder::new();
    let first = certify(&folder);
    let (chain, key) = (folder.path().join("chain.pem"), folder.path().join("key.pem"));
    let redirect = format!("127.0.0.1:{}", support::free_port());
    let app = support::app_with(
        &db,
        &[
            LISTEN,
            ("SENTINELA__HTTP__TLS_CERTIFICATE", chain.to_str().unwrap()),
            ("SENTINELA__HTTP__TLS_KEY", key.to_str().unwrap()),
            ("SENTINELA__HTTP__PUBLIC_URL", "https://alerta.exemplo.mg.gov.br"),
            ("SENTINELA__HTTP__REDIRECT_LISTEN", &redirect),
        ],
    );
    let port = serve(&app).await.port();
    let url = format!("https://localhost:{port}/healthz");
    let trusted = folder.path().join("trusted.pem");
    let trust = |pem: &str| std::fs::write(&trusted, pem).unwrap();
    trust(&first);
    let ask = async || curl(&["--cacert", trusted.to_str().unwrap(), &url]).await;
    assert!(ask().await.is_ok());
    assert!(curl(&[&url]).await.is_err(), "nobody else vouches for it");
    assert!(curl(&["-k", "--tls-max", "1.1", &url]).await.is_err(), "TLS 1.1 is gone");
    assert!(curl(&[&url.replace("https", "http")]).await.is_err(), "no plain HTTP here");

    // An old connection lives on while the certificate changes under it.
    let mut roots = rustls::RootCertStore::empty();
    roots.add(rustls::pki_types::pem::PemObject::from_pem_slice(first.as_bytes()).unwrap()).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let client = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let client = client.with_root_certificates(roots).with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(client));
    let socket = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let mut old = connector.connect("localhost".try_into().unwrap(), socket).await.unwrap();

    let second = certify(&folder);
    trust(&second);
    support::eventually("the new certificate", || async { ask().await.ok() }).await;
    old.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut said = Vec::new();
    let _ = support::soon("the old connection's answer", old.read_to_end(&mut said)).await;
    assert!(said.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&said));

    // What is no certificate changes nothing.
    std::fs::write(&chain, "nothing").unwrap();
    let answer =
        curl(&["-o", "/dev/null", "-w", "%{http_code} %{redirect_url}", &format!("http://{redirect}/a?b=c")]).await;
    assert_eq!(answer.unwrap(), "308 https://alerta.exemplo.mg.gov.br/a?b=c");
    let spoofed = format!("http://{redirect}//evil.example/");
    let answer = curl(&["-H", "Host: evil.example", "-o", "/dev/null", "-w", "%{redirect_url}", &spoofed]).await;
    assert_eq!(answer.unwrap(), "https://alerta.exemplo.mg.gov.br//evil.example/");
    assert!(ask().await.is_ok());
    app.stop.cancel();
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_is_named_before_anything_starts() {
    let db = support::db().await;
    let folder = Folder::new();
    let path = folder.path().join("nothing.pem");
    let path = path.to_str().unwrap();
    let keys = [LISTEN, ("SENTINELA__HTTP__TLS_CERTIFICATE", path), ("SENTINELA__HTTP__TLS_KEY", path)];
    let app = support::app_with(&db, &keys);
    let error = format!("{:#}", Server::bind(&app.config).await.unwrap_err());
    assert!(error.contains("http.tls_certificate") && error.contains("nothing.pem"), "{error}");
}

#[tokio::test]
async fn a_stop_lets_what_is_under_way_end_and_takes_nothing_new() {
    let db = support::db().await;
    let app = support::app_with(&db, &[LISTEN]);
    let server = Server::bind(&app.config).await.unwrap();
    let address = server.address().unwrap();
    let serving = tokio::spawn(server.serve(app.clone(), router(app.clone())));
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: town\r\n\r\n").await.unwrap();
    let mut first = [0; 12];
    support::soon("an answer", idle.read_exact(&mut first)).await.unwrap();
    app.stop.cancel();
    support::soon("the end of the server", serving).await.unwrap();
    rest(&mut idle).await;
    assert!(TcpStream::connect(address).await.is_err());
}
