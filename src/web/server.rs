//! The door itself: who may connect and how many at once, TLS when it is configured, how slow a client may be, and a quiet
//! end. What is asked over a connection is the router's business.
//!
//! A client that sends its headers slowly, or does not read its answer, is cut off after `http.slow_client_s`; a slow body ends
//! with the time a handler may take (`router::HANDLER_TIMEOUT`, longer for photographs).

mod redirect;
mod stall;
mod tls;

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tower::Service as _;

use crate::app::App;
use crate::config::Config;
use crate::crowd::{Crowd, Place};
use stall::Stalling;
use tls::Files;

/// Headers of one request, in bytes. A session, a language and a next page need a tenth of it.
const MAX_HEADER_BYTES: usize = 64 * 1024;
/// Wait after an error of the listening socket (out of file descriptors).
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// Answers that are under way when the service stops may take this long.
const DRAIN: Duration = Duration::from_secs(10);

/// Bound, not yet accepting.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    redirect: Option<TcpListener>,
    tls: Option<Files>,
}

impl Server {
    /// Binds `http.listen` and `http.redirect_listen`, and reads the certificate.
    ///
    /// # Errors
    /// Names the key whose address is taken or whose file cannot be used.
    pub async fn bind(config: &Config) -> anyhow::Result<Self> {
        let http = &config.http;
        let tls = Files::load(http)?;
        let is_reachable = http.listen.parse::<SocketAddr>().is_ok_and(|address| !address.ip().is_loopback());
        if is_reachable && tls.is_none() && http.trusted_proxies.is_empty() {
            tracing::warn!(
                listen = http.listen,
                "passwords would cross the network in the open: set `http.tls_certificate`, or name the proxy that ends the \
                 TLS in `http.trusted_proxies`"
            );
        }
        let listener = listen("http.listen", &http.listen).await?;
        let redirect = match http.redirect_listen.as_str() {
            "" => None,
            address => Some(listen("http.redirect_listen", address).await?),
        };
        Ok(Self { listener, redirect, tls })
    }

    /// Where it listens; with port 0 in the configuration the one it got.
    ///
    /// # Errors
    /// The system's.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until the service stops, then lets what is under way end.
    pub async fn serve(self, app: App, router: Router) {
        let redirecting = self.redirect.map(|listener| tokio::spawn(redirect::serve(app.clone(), listener)));
        accept(&app, self.listener, self.tls, router).await;
        if let Some(redirecting) = redirecting {
            // It stops by the same signal.
            let _ = redirecting.await;
        }
    }
}

async fn listen(key: &str, address: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("configuration key `{key}`: cannot listen on {address}"))
}

async fn accept(app: &App, listener: TcpListener, mut files: Option<Files>, router: Router) {
    let http = &app.config.http;
    let (all, of_one) = (http.max_connections, http.max_connections_per_address);
    let crowd = Crowd::new("sentinela_http_refused_total", all, of_one, http.trusted_proxies.clone());
    let graceful = GracefulShutdown::new();
    let patience = Duration::from_secs(app.config.http.slow_client_s.into());
    let mut look = tokio::time::interval(tls::LOOK_EVERY);
    loop {
        let (socket, peer) = tokio::select! {
            () = app.stop.cancelled() => break,
            _ = look.tick(), if files.is_some() => {
                if let Some(files) = &mut files {
                    files.look_again(&app.config.http);
                }
                continue;
            }
            accepted = next(&listener) => accepted,
        };
        let Some(place) = crowd.enter(peer.ip()) else {
            // Closed without a word: whoever holds that many connections reads none.
            continue;
        };
        let acceptor = files.as_ref().map(Files::acceptor);
        let watcher = graceful.watcher();
        let connection = Connection { peer, place, patience, router: router.clone() };
        tokio::spawn(async move { connection.run(socket, acceptor, watcher).await });
    }
    drop(listener);
    if tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("some answers were still under way at the end");
    }
}

/// The next connection, however often the socket fails before it.
async fn next(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                tracing::warn!(%error, "the HTTP listener cannot accept");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

struct Connection {
    peer: SocketAddr,
    /// Given back when the connection ends.
    place: Place,
    /// For the handshake, for headers, and for a client that does not read.
    patience: Duration,
    router: Router,
}

impl Connection {
    async fn run(
        self,
        socket: TcpStream,
        acceptor: Option<TlsAcceptor>,
        watcher: hyper_util::server::graceful::Watcher,
    ) {
        let _ = socket.set_nodelay(true);
        let Some(acceptor) = acceptor else { return self.talk(socket, watcher).await };
        match tokio::time::timeout(self.patience, acceptor.accept(socket)).await {
            Ok(Ok(stream)) => self.talk(stream, watcher).await,
            Ok(Err(error)) => {
                metrics::counter!("sentinela_http_handshakes_failed_total").increment(1);
                tracing::debug!(peer = %self.peer, %error, "a TLS handshake failed");
            }
            Err(_) => metrics::counter!("sentinela_http_handshakes_failed_total").increment(1),
        }
    }

    async fn talk<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
        self,
        stream: S,
        watcher: hyper_util::server::graceful::Watcher,
    ) {
        let Self { peer, place, patience, router } = self;
        let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            // A router is always ready.
            router.clone().call(request)
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(patience)
            .max_buf_size(MAX_HEADER_BYTES)
            .serve_connection(TokioIo::new(Stalling::new(stream, patience)), service);
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(%peer, %error, "a connection ended in the middle");
        }
        drop(place);
    }
}
