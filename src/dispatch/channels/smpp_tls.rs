//! TLS towards an SMS centre.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::config::SmppProvider;

/// The connection with the centre proven to be `host`.
///
/// # Errors
/// In one line, what failed.
pub async fn wrap(config: &SmppProvider, stream: TcpStream) -> Result<TlsStream<TcpStream>, String> {
    let name = ServerName::try_from(config.host.clone()).map_err(|error| format!("`host`: {error}"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots(&config.tls_ca)?)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(tls)).connect(name, stream).await.map_err(|error| format!("TLS: {error}"))
}

/// Read at each connect, so that a renewed file counts without a restart.
fn roots(file: &Path) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    if file.as_os_str().is_empty() {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    } else {
        let wrong = |error: String| format!("`tls_ca` {}: {error}", file.display());
        for certificate in CertificateDer::pem_file_iter(file).map_err(|error| wrong(error.to_string()))? {
            let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
            roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
        }
    }
    if roots.is_empty() {
        Err("no authority is known (package ca-certificates, or `tls_ca`)".to_owned())
    } else {
        Ok(roots)
    }
}
