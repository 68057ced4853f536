//! The service's own certificate: PEM files that are looked at again and again, so that a renewed one is used without a
//! restart and without ending a connection.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::config::Http;

/// The files are looked at this often.
pub const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What the files said last, and what is in use.
#[derive(Debug)]
pub struct Files {
    chain: Vec<u8>,
    key: Vec<u8>,
    settings: Arc<ServerConfig>,
}

impl Files {
    /// `None` when no certificate is configured.
    ///
    /// # Errors
    /// Names the key and the file that cannot be read or used.
    pub fn load(config: &Http) -> anyhow::Result<Option<Self>> {
        if config.tls_certificate.as_os_str().is_empty() {
            return Ok(None);
        }
        let (chain, key) = read(config)?;
        let settings = Arc::new(settings(config, &chain, &key)?);
        Ok(Some(Self { chain, key, settings }))
    }

    pub fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.settings))
    }

    /// Takes up changed files. What cannot be used leaves what there was: certificate and key are rarely written at the same
    /// instant.
    pub fn look_again(&mut self, config: &Http) {
        let (chain, key) = match read(config) {
            Ok(read) if (&read.0, &read.1) != (&self.chain, &self.key) => read,
            Ok(_) => return,
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), "the TLS files cannot be read; keeping those at hand");
                return;
            }
        };
        match settings(config, &chain, &key) {
            Ok(settings) => {
                self.settings = Arc::new(settings);
                tracing::info!("the TLS files changed and are in use");
            }
            Err(error) => tracing::warn!(error = format!("{error:#}"), "the changed TLS files cannot be used yet"),
        }
        (self.chain, self.key) = (chain, key);
    }
}

/// Two small files, seldom: reading them here for a moment is no wait that anyone notices.
fn read(config: &Http) -> anyhow::Result<(Vec<u8>, Vec<u8>)> {
    let one = |key: &str, path: &Path| {
        std::fs::read(path).with_context(|| format!("configuration key `{key}`: {} cannot be read", path.display()))
    };
    Ok((one("http.tls_certificate", &config.tls_certificate)?, one("http.tls_key", &config.tls_key)?))
}

/// TLS 1.2 and 1.3 with the suites of ring, all of them with forward secrecy.
fn settings(config: &Http, chain: &[u8], key: &[u8]) -> anyhow::Result<ServerConfig> {
    let wrong = |key: &str, path: &Path| format!("configuration key `{key}`: {} cannot be used", path.display());
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain)
        .collect::<Result<_, _>>()
        .with_context(|| wrong("http.tls_certificate", &config.tls_certificate))?;
    let key = PrivateKeyDer::from_pem_slice(key).with_context(|| wrong("http.tls_key", &config.tls_key))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut settings = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .with_context(|| wrong("http.tls_certificate", &config.tls_certificate))?;
    settings.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(settings)
}
