//! MQTT over TLS. This service ends the TLS itself, with the one implementation it has (rustls with ring), and hands the
//! plain stream to rmqtt over a connection inside the machine.
//!
//! Who is behind such a connection is never taken from what flows through it: the relay notes address and certificate under
//! the local address of its own end before it connects, and the door-keeper finds them by the address rmqtt reports. A
//! connection to the inner listener that is not noted, from another program of the machine, is refused.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::config;
use crate::crowd::Crowd;
use crate::stations::certificate::Certificate;

/// A client that does not answer our farewell is left.
const FAREWELL: Duration = Duration::from_secs(5);
/// The files are looked at this often.
const RELOAD_EVERY: Duration = Duration::from_secs(2);
/// Wait after an error of the listening socket (out of file descriptors).
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Who came over TLS.
#[derive(Clone, Debug)]
pub struct Arrival {
    pub peer: SocketAddr,
    /// What they showed, signed by an accepted authority.
    pub certificate: Option<Certificate>,
}

/// Arrivals by the local address of the relay's own end.
#[derive(Debug, Default)]
pub struct Arrivals(Mutex<HashMap<SocketAddr, Arrival>>);

impl Arrivals {
    pub fn get(&self, address: Option<SocketAddr>) -> Option<Arrival> {
        self.all().get(&address?).cloned()
    }

    fn all(&self) -> MutexGuard<'_, HashMap<SocketAddr, Arrival>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One noted arrival; forgotten when dropped.
struct Noted<'a>(&'a Arrivals, SocketAddr);

impl Drop for Noted<'_> {
    fn drop(&mut self) {
        self.0.all().remove(&self.1);
    }
}

/// The TLS endpoint, bound but not yet accepting.
pub struct Door {
    pub address: SocketAddr,
    listener: TcpListener,
    files: Files,
    settings: watch::Sender<Arc<ServerConfig>>,
    pub arrivals: Arc<Arrivals>,
    crowd: Crowd,
    /// Cancelled when the authorities or their revocation lists change: whoever showed a certificate shows it again.
    vouched: CancellationToken,
}

/// The bytes of every file, to tell when one has changed. From [`AUTHORITIES`] on: those that say who is vouched for.
type Files = [Vec<u8>; 4];
const AUTHORITIES: usize = 2;

/// Binds `mqtt.tls_listen`. `None` when it is empty.
///
/// # Errors
/// Names the file that cannot be read or used, or the address.
pub async fn bind(config: &config::Mqtt) -> anyhow::Result<Option<Door>> {
    if config.tls_listen.is_empty() {
        return Ok(None);
    }
    let files = read(config).await?;
    let settings = settings(config, &files)?;
    let listener = TcpListener::bind(&config.tls_listen)
        .await
        .with_context(|| format!("cannot listen for MQTT over TLS on mqtt.tls_listen = {:?}", config.tls_listen))?;
    Ok(Some(Door {
        address: listener.local_addr()?,
        listener,
        files,
        settings: watch::Sender::new(Arc::new(settings)),
        arrivals: Arc::default(),
        crowd: Crowd::new(
            "sentinela_mqtt_tls_refused_total",
            config.max_connections,
            config.max_connections_per_address,
            Vec::new(),
        ),
        vouched: CancellationToken::new(),
    }))
}

async fn read(config: &config::Mqtt) -> anyhow::Result<Files> {
    let paths = [&config.tls_certificate, &config.tls_key, &config.tls_client_ca, &config.tls_client_crl];
    let mut files = Files::default();
    for (path, bytes) in paths.into_iter().zip(&mut files) {
        if !path.as_os_str().is_empty() {
            *bytes = tokio::fs::read(path).await.with_context(|| format!("{} cannot be read", path.display()))?;
        }
    }
    Ok(files)
}

fn settings(config: &config::Mqtt, [chain, key, authorities, lists]: &Files) -> anyhow::Result<ServerConfig> {
    let wrong = |key: &str, path: &Path| format!("mqtt.{key} = {:?} cannot be used", path.display().to_string());
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain)
        .collect::<Result<_, _>>()
        .with_context(|| wrong("tls_certificate", &config.tls_certificate))?;
    let key = PrivateKeyDer::from_pem_slice(key).with_context(|| wrong("tls_key", &config.tls_key))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&rustls::version::TLS12, &rustls::version::TLS13])?;
    let builder = if authorities.is_empty() {
        builder.with_no_client_auth()
    } else {
        let mut roots = RootCertStore::empty();
        for authority in CertificateDer::pem_slice_iter(authorities) {
            let authority = authority.with_context(|| wrong("tls_client_ca", &config.tls_client_ca))?;
            roots.add(authority).with_context(|| wrong("tls_client_ca", &config.tls_client_ca))?;
        }
        let lists: Vec<CertificateRevocationListDer<'static>> = CertificateRevocationListDer::pem_slice_iter(lists)
            .collect::<Result<_, _>>()
            .with_context(|| wrong("tls_client_crl", &config.tls_client_crl))?;
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
            .with_crls(lists)
            .only_check_end_entity_revocation()
            .allow_unknown_revocation_status()
            .allow_unauthenticated()
            .build()
            .with_context(|| wrong("tls_client_ca", &config.tls_client_ca))?;
        builder.with_client_cert_verifier(verifier)
    };
    let mut settings =
        builder.with_single_cert(chain, key).with_context(|| wrong("tls_certificate", &config.tls_certificate))?;
    // A resumed session would carry a certificate that nobody has looked at since.
    settings.session_storage = Arc::new(NoServerSessionStorage {});
    settings.send_tls13_tickets = 0;
    Ok(settings)
}

impl Door {
    /// Accepts until the service stops, and relays to `inner`.
    pub async fn serve(mut self, app: &App, inner: SocketAddr) {
        tracing::info!(address = %self.address, "listening for MQTT devices over TLS");
        let mut look = tokio::time::interval(RELOAD_EVERY);
        loop {
            let accepted = tokio::select! {
                () = app.stop.cancelled() => return,
                _ = look.tick() => {
                    self.reload(&app.config.mqtt).await;
                    continue;
                }
                accepted = self.listener.accept() => accepted,
            };
            let (socket, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "the TLS listener cannot accept");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let Some(place) = self.crowd.enter(peer.ip()) else { continue };
            let (acceptor, vouched) = (TlsAcceptor::from(Arc::clone(&self.settings.borrow())), self.vouched.clone());
            let (arrivals, stop) = (Arc::clone(&self.arrivals), app.stop.clone());
            let patience = Duration::from_secs(app.config.mqtt.tls_handshake_s.max(1));
            tokio::spawn(async move {
                let _place = place;
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = connection((acceptor, patience, vouched), (socket, peer), &arrivals, inner) => {}
                }
            });
        }
    }

    /// Takes up changed files. What cannot be used leaves what there was.
    async fn reload(&mut self, config: &config::Mqtt) {
        let files = match read(config).await {
            Ok(files) if files != self.files => files,
            Ok(_) => return,
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), "the TLS files cannot be read; keeping those at hand");
                return;
            }
        };
        match settings(config, &files) {
            Ok(settings) => {
                self.settings.send_replace(Arc::new(settings));
                if files[AUTHORITIES..] != self.files[AUTHORITIES..] {
                    std::mem::take(&mut self.vouched).cancel();
                    tracing::info!("devices with certificates connect again: who is vouched for has changed");
                }
                tracing::info!("the TLS files of the MQTT endpoint changed and are in use");
            }
            // Certificate and key are rarely written at the same instant: told once, tried again when either changes.
            Err(error) => tracing::warn!(error = format!("{error:#}"), "the changed TLS files cannot be used"),
        }
        self.files = files;
    }
}

/// `patience` is from the connection to the end of the handshake, and again to the first byte of MQTT. With a certificate it
/// lasts until `vouched` is cancelled.
async fn connection(
    (acceptor, patience, vouched): (TlsAcceptor, Duration, CancellationToken),
    (socket, peer): (TcpStream, SocketAddr),
    arrivals: &Arrivals,
    inner: SocketAddr,
) {
    let refused = |why: &'static str, error: String| {
        metrics::counter!("sentinela_mqtt_tls_refused_total", "why" => why).increment(1);
        tracing::info!(%peer, why, error, "a TLS connection of a device was refused");
    };
    let _ = socket.set_nodelay(true);
    let mut outer = match timeout(patience, acceptor.accept(socket)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return refused("handshake", error.to_string()),
        Err(_) => return refused("slow", String::new()),
    };
    let certificate = match shown(&outer) {
        Ok(certificate) => certificate,
        Err(error) => return refused("certificate", error.to_string()),
    };
    // Whoever says nothing gets no place inside.
    let mut first = vec![0; 2048];
    let length = match timeout(patience, outer.read(&mut first)).await {
        Ok(Ok(length)) if length > 0 => length,
        _ => return refused("silent", String::new()),
    };
    let has_certificate = certificate.is_some();
    let arrival = Arrival { peer, certificate };
    tokio::select! {
        () = vouched.cancelled(), if has_certificate => {}
        ended = relay(&mut outer, &first[..length], arrival, arrivals, inner) => if let Err(error) = ended {
            tracing::debug!(%peer, %error, "a TLS connection of a device ended");
        }
    }
    let _ = timeout(FAREWELL, outer.shutdown()).await;
}

fn shown(stream: &TlsStream<TcpStream>) -> anyhow::Result<Option<Certificate>> {
    let chain = stream.get_ref().1.peer_certificates();
    Ok(chain.and_then(<[_]>::first).map(|der| Certificate::from_der(der)).transpose()?)
}

async fn relay(
    outer: &mut TlsStream<TcpStream>,
    first: &[u8],
    arrival: Arrival,
    arrivals: &Arrivals,
    inner: SocketAddr,
) -> std::io::Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    let own = socket.local_addr()?;
    arrivals.all().insert(own, arrival);
    let noted = Noted(arrivals, own);
    let mut plain = socket.connect(inner).await?;
    plain.set_nodelay(true)?;
    plain.write_all(first).await?;
    let ended = copy_bidirectional(outer, &mut plain).await;
    // Forgotten before the address is free for others.
    drop(noted);
    drop(plain);
    ended.map(|_| ())
}
