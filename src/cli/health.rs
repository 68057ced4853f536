//! `sentinela health`: asks the service of this machine how it is, for watchdogs that have no HTTP client at hand.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::config::Config;

/// Longer than the service itself waits for its database; a watchdog asks again in any case.
const PATIENCE: Duration = Duration::from_secs(10);

/// Prints what `/readyz` answers. Fails when there is no service, or one that is not ready.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let scheme = if config.http.tls_certificate.as_os_str().is_empty() { "http" } else { "https" };
    let url = format!("{scheme}://{}/readyz", near(&config.http.listen)?);
    let answer = client()?.get(&url).send().await.with_context(|| format!("nobody answers at {url}"))?;
    let status = answer.status();
    let text = answer.text().await.with_context(|| format!("{url} breaks off"))?;
    println!("{}", text.trim_end());
    if !status.is_success() {
        bail!("not ready: {url} answers {status}");
    }
    Ok(())
}

/// Asks this very machine and tells it nothing, so it matters little whose certificate answers; its name cannot be that of a
/// loopback address.
fn client() -> anyhow::Result<reqwest::Client> {
    // Fails when there is one already, which does as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .tls_danger_accept_invalid_certs(true)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(PATIENCE)
        .build()
        .context("no request can be made")
}

/// Where a listener on this address is reached from its own machine: "all addresses" stands for the loopback.
fn near(listen: &str) -> anyhow::Result<SocketAddr> {
    let mut address: SocketAddr = listen.parse().with_context(|| format!("`http.listen` is {listen:?}"))?;
    if address.ip().is_unspecified() {
        let loopback = if address.is_ipv4() { IpAddr::from(Ipv4Addr::LOCALHOST) } else { Ipv6Addr::LOCALHOST.into() };
        address.set_ip(loopback);
    }
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::near;

    #[test]
    fn a_listener_on_all_addresses_is_asked_on_the_loopback() {
        for (listen, asked) in [
            ("0.0.0.0:8080", "127.0.0.1:8080"),
            ("[::]:443", "[::1]:443"),
            ("10.1.2.3:80", "10.1.2.3:80"),
            ("127.0.0.1:9", "127.0.0.1:9"),
        ] {
            assert_eq!(near(listen).unwrap().to_string(), asked);
        }
    }
}
