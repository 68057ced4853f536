//! The one HTTP client for what the service itself asks of the outside: the identity provider, feeds, webhooks.
//!
//! Whoever can make the service fetch an address of their choosing must not reach what only the service can reach
//! (server-side request forgery). So:
//! - Only addresses of the public internet are connected to, unless `outbound.allow` names the host or the range.
//! - The check is made on the very addresses that are connected to: the client's resolver drops the others, and hosts written
//!   as numbers are checked as the URL standard reads them. A name that changes its answer in between gains nothing.
//! - Redirects are followed here, at most [`MAX_REDIRECTS`], each checked anew, never from https to http, and never with
//!   the caller's headers to another origin.
//! - Time and size have bounds. Nothing is unpacked, so a small answer stays small.

mod address;

use std::error::Error as _;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use bytes::{Bytes, BytesMut};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

pub use address::{Allow, Allowed, refusal};

use crate::config;

/// Redirects followed for one request.
pub const MAX_REDIRECTS: usize = 3;

/// How much one request may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub connect: Duration,
    /// From the first look-up to the last byte, redirects included.
    pub whole: Duration,
    pub body_bytes: usize,
    /// Connections that are kept open to one host while nothing is asked.
    pub idle_per_host: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            whole: Duration::from_secs(20),
            body_bytes: 2 * 1024 * 1024,
            idle_per_host: 2,
        }
    }
}

/// Why a request had no answer. Says the host and the cause, never the path or the query, which may hold secrets.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    #[error("{0:?} is no address that can be asked: {1}")]
    Url(String, String),
    #[error("{host} is refused: {why}; `outbound.allow` may name it")]
    Refused { host: String, why: String },
    #[error("{host} cannot be found: {why}")]
    Unknown { host: String, why: String },
    #[error("{host} cannot be reached: {why}")]
    Unreachable { host: String, why: String },
    /// There never was a connection, so nothing was asked.
    #[error("{host} cannot be reached: {why}")]
    Unconnected { host: String, why: String },
    #[error("{host} did not answer in full within {within:?}")]
    Slow { host: String, within: Duration },
    #[error("{host} answers with more than {max_bytes} bytes")]
    Large { host: String, max_bytes: usize },
    #[error("{host} redirects more than {MAX_REDIRECTS} times")]
    Redirects { host: String },
    #[error("{host} redirects from https to http")]
    Downgrade { host: String },
    #[error("requests to the outside cannot be made: {0}")]
    Setup(String),
}

impl OutboundError {
    /// Whether the request cannot have been heard.
    pub const fn never_left(&self) -> bool {
        match self {
            Self::Url(..) | Self::Refused { .. } | Self::Unknown { .. } | Self::Unconnected { .. } | Self::Setup(_) => {
                true
            }
            Self::Unreachable { .. }
            | Self::Slow { .. }
            | Self::Large { .. }
            | Self::Redirects { .. }
            | Self::Downgrade { .. } => false,
        }
    }
}

/// A whole answer, whatever its status.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// Where it came from in the end.
    pub url: Url,
}

/// Cheap to clone. The connection pool and the certificate authorities are loaded when first needed.
#[derive(Clone, Debug)]
pub struct Client(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    allow: Allow,
    config: config::Outbound,
    limits: Limits,
    http: OnceLock<Result<reqwest::Client, String>>,
}

impl Client {
    pub fn new(config: &config::Outbound) -> Self {
        Self::with_limits(config, Limits::default())
    }

    /// With other bounds than the usual ones.
    pub fn with_limits(config: &config::Outbound, limits: Limits) -> Self {
        let allow = Allow::new(config.allow.clone());
        Self(Arc::new(Inner { allow, config: config.clone(), limits, http: OnceLock::new() }))
    }

    /// # Errors
    /// When there is no whole answer. An answer that says "not found" is one.
    pub async fn get(&self, url: &str) -> Result<Answer, OutboundError> {
        let url = Url::parse(url).map_err(|error| shown(url, &error.to_string()))?;
        self.fetch(&Method::GET, url, HeaderMap::new(), &[], self.0.limits.body_bytes).await
    }

    /// Sends any request. A redirect is followed for GET and HEAD alone; others get it as their answer.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn send(&self, request: Request<Vec<u8>>, max_bytes: usize) -> Result<Answer, OutboundError> {
        let (parts, body) = request.into_parts();
        let text = parts.uri.to_string();
        let url = Url::parse(&text).map_err(|error| shown(&text, &error.to_string()))?;
        self.fetch(&parts.method, url, parts.headers, &body, max_bytes).await
    }

    async fn fetch(
        &self,
        method: &Method,
        mut url: Url,
        mut headers: HeaderMap,
        body: &[u8],
        max_bytes: usize,
    ) -> Result<Answer, OutboundError> {
        let host = host_of(&url)?;
        let within = self.0.limits.whole;
        let follows = *method == Method::GET || *method == Method::HEAD;
        let sending = async {
            for _ in 0..=MAX_REDIRECTS {
                let answer = self.once(method, &url, &headers, body, max_bytes).await?;
                let Some(target) = redirect_of(&answer).filter(|_| follows) else { return Ok(answer) };
                let next = next_hop(&url, target)?;
                if next.origin() != url.origin() {
                    headers = HeaderMap::new();
                }
                url = next;
            }
            Err(OutboundError::Redirects { host: host_of(&url)? })
        };
        match tokio::time::timeout(within, sending).await {
            Ok(answer) => answer,
            Err(_) => Err(OutboundError::Slow { host, within }),
        }
    }

    async fn once(
        &self,
        method: &Method,
        url: &Url,
        headers: &HeaderMap,
        body: &[u8],
        max_bytes: usize,
    ) -> Result<Answer, OutboundError> {
        let host = host_of(url)?;
        self.0.check(url, &host)?;
        let http = self.0.http.get_or_init(|| self.0.connector()).as_ref();
        let http = http.map_err(|why| OutboundError::Setup(why.clone()))?;
        let asked = http.request(method.clone(), url.clone()).headers(headers.clone()).body(body.to_vec());
        let mut response = asked.send().await.map_err(|error| self.explain(&host, &error))?;
        let too_large = || OutboundError::Large { host: host.clone(), max_bytes };
        if response.content_length().is_some_and(|length| length > max_bytes as u64) {
            return Err(too_large());
        }
        let (status, headers) = (response.status(), response.headers().clone());
        let mut whole = BytesMut::new();
        while let Some(part) = response.chunk().await.map_err(|error| self.explain(&host, &error))? {
            if whole.len() + part.len() > max_bytes {
                return Err(too_large());
            }
            whole.extend_from_slice(&part);
        }
        Ok(Answer { status, headers, body: whole.freeze(), url: url.clone() })
    }

    fn explain(&self, host: &str, error: &reqwest::Error) -> OutboundError {
        let mut source = error.source();
        let mut deepest = String::new();
        while let Some(cause) = source {
            if let Some(refused) = cause.downcast_ref::<Unresolved>() {
                return refused.clone().into();
            }
            deepest = cause.to_string();
            source = cause.source();
        }
        if error.is_connect() {
            let why = if deepest.is_empty() { "no connection".to_owned() } else { deepest };
            return OutboundError::Unconnected { host: host.to_owned(), why };
        }
        if error.is_timeout() {
            return OutboundError::Slow { host: host.to_owned(), within: self.0.limits.connect };
        }
        let why = if deepest.is_empty() { "the connection failed".to_owned() } else { deepest };
        OutboundError::Unreachable { host: host.to_owned(), why }
    }
}

impl Inner {
    /// What can be told from the address as it is written. Names are checked by the resolver.
    fn check(&self, url: &Url, host: &str) -> Result<(), OutboundError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(OutboundError::Url(host.to_owned(), format!("{} is not http or https", url.scheme())));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(OutboundError::Url(host.to_owned(), "it holds a user name or password".into()));
        }
        let ip = match url.host() {
            Some(Host::Ipv4(ip)) => ip.into(),
            Some(Host::Ipv6(ip)) => ip.into(),
            _ => return Ok(()),
        };
        let why = self.allow.refusal(host, ip);
        why.map_or(Ok(()), |why| Err(OutboundError::Refused { host: host.to_owned(), why: format!("it is {why}") }))
    }

    fn connector(&self) -> Result<reqwest::Client, String> {
        let mut roots = rustls::RootCertStore::empty();
        let (good, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if good == 0 {
            tracing::warn!("no certificate authorities were found (package ca-certificates): https will fail");
        }
        let tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let agent = &self.config.user_agent;
        let agent = if agent.is_empty() { concat!("sentinela/", env!("CARGO_PKG_VERSION")) } else { agent };
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .referer(false)
            .user_agent(agent)
            .connect_timeout(self.limits.connect)
            .pool_max_idle_per_host(self.limits.idle_per_host)
            .pool_idle_timeout(Duration::from_secs(30));
        let proxy = &self.config.proxy;
        // Behind a proxy the only name looked up here is the proxy's own, which the configuration vouches for.
        let allow = if proxy.is_empty() { Some(self.allow.clone()) } else { None };
        builder = builder.dns_resolver(Arc::new(Resolver { allow }));
        if !proxy.is_empty() {
            builder = builder.proxy(reqwest::Proxy::all(proxy).map_err(|error| format!("outbound.proxy: {error}"))?);
        }
        builder.build().map_err(|error| error.to_string())
    }
}

/// Looks names up and keeps of the addresses those that may be connected to.
struct Resolver {
    /// `None`: all.
    allow: Option<Allow>,
}

/// Carried through the client's error as its cause.
#[derive(Clone, Debug, thiserror::Error)]
enum Unresolved {
    #[error("{why}")]
    Unknown { host: String, why: String },
    #[error("{why}")]
    Refused { host: String, why: String },
}

impl From<Unresolved> for OutboundError {
    fn from(unresolved: Unresolved) -> Self {
        match unresolved {
            Unresolved::Unknown { host, why } => Self::Unknown { host, why },
            Unresolved::Refused { host, why } => Self::Refused { host, why },
        }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        let allow = self.allow.clone();
        Box::pin(async move {
            let unknown = |why: String| Unresolved::Unknown { host: host.clone(), why };
            let found =
                tokio::net::lookup_host((host.as_str(), 0)).await.map_err(|error| unknown(error.to_string()))?;
            let found: Vec<SocketAddr> = found.collect();
            let kept = match allow {
                Some(allow) => permitted(&allow, &host, found)?,
                None => found,
            };
            Ok(Box::new(kept.into_iter()) as Addrs)
        })
    }
}

fn permitted(allow: &Allow, host: &str, found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, Unresolved> {
    let mut why = None;
    let mut kept = Vec::with_capacity(found.len());
    for address in found {
        match allow.refusal(host, address.ip()) {
            None => kept.push(address),
            Some(reason) => why = Some(reason),
        }
    }
    match why {
        Some(why) if kept.is_empty() => {
            Err(Unresolved::Refused { host: host.to_owned(), why: format!("its address is {why}") })
        }
        _ if kept.is_empty() => Err(Unresolved::Unknown { host: host.to_owned(), why: "it has no address".into() }),
        _ => Ok(kept),
    }
}

fn redirect_of(answer: &Answer) -> Option<&str> {
    let moved = matches!(answer.status.as_u16(), 301 | 302 | 303 | 307 | 308);
    answer.headers.get(header::LOCATION).filter(|_| moved)?.to_str().ok()
}

fn next_hop(from: &Url, target: &str) -> Result<Url, OutboundError> {
    let host = host_of(from)?;
    let next = from.join(target).map_err(|error| OutboundError::Url(host.clone(), format!("redirect: {error}")))?;
    if from.scheme() == "https" && next.scheme() != "https" {
        return Err(OutboundError::Downgrade { host });
    }
    Ok(next)
}

fn host_of(url: &Url) -> Result<String, OutboundError> {
    url.host_str().map(str::to_owned).ok_or_else(|| shown(url.as_str(), "it names no host"))
}

/// Of what was given at most scheme and host: the rest may hold secrets.
fn shown(url: &str, why: &str) -> OutboundError {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    OutboundError::Url(format!("{scheme}://{host}").chars().take(100).collect(), why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(allow: &[&str]) -> Client {
        let allow = allow.iter().map(|entry| entry.parse().unwrap()).collect();
        Client::new(&config::Outbound { allow, proxy: String::new(), user_agent: String::new() })
    }

    fn checked(client: &Client, url: &str) -> Result<(), OutboundError> {
        let url = Url::parse(url).unwrap();
        client.0.check(&url, &host_of(&url).unwrap())
    }

    #[test]
    fn an_address_hidden_in_a_number_is_the_address_it_means() {
        let client = client(&[]);
        for url in [
            "http://2130706433/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://127.1/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[64:ff9b::7f00:1]/",
            "http://[2002:7f00:1::]/",
            "http://①②⑦.⓪.⓪.①/",
            "http://169.254.169.254/latest/meta-data/",
        ] {
            let refused = checked(&client, url);
            assert!(matches!(refused, Err(OutboundError::Refused { .. })), "{url}: {refused:?}");
        }
        checked(&client, "http://9.9.9.9/").unwrap();
        checked(&client, "https://[2620:fe::fe]/").unwrap();
    }

    #[test]
    fn a_range_or_an_address_that_is_named_is_allowed_and_its_neighbour_is_not() {
        let client = client(&["10.1.0.0/16", "192.168.7.7"]);
        checked(&client, "http://10.1.2.3/").unwrap();
        checked(&client, "http://192.168.7.7:8080/").unwrap();
        checked(&client, "http://[::ffff:10.1.2.3]/").unwrap();
        assert!(checked(&client, "http://10.2.0.1/").is_err());
        assert!(checked(&client, "http://192.168.7.8/").is_err());
    }

    #[test]
    fn of_a_names_addresses_only_the_public_ones_are_used() {
        let allow = Allow::default();
        let both = vec!["9.9.9.9:0".parse().unwrap(), "127.0.0.1:0".parse().unwrap()];
        assert_eq!(permitted(&allow, "rebind.test", both).unwrap(), ["9.9.9.9:0".parse::<SocketAddr>().unwrap()]);
        let refused = permitted(&allow, "rebind.test", vec!["10.0.0.1:0".parse().unwrap()]).unwrap_err();
        assert!(refused.to_string().contains("10.0.0.1 (private)"), "{refused}");
    }

    #[test]
    fn a_redirect_never_leaves_https_nor_http() {
        let from = Url::parse("https://a.test/x").unwrap();
        assert_eq!(next_hop(&from, "/y").unwrap().as_str(), "https://a.test/y");
        assert!(matches!(next_hop(&from, "http://a.test/"), Err(OutboundError::Downgrade { .. })));
        let plain = Url::parse("http://a.test/").unwrap();
        let file = next_hop(&plain, "file:///etc/passwd").and_then(|url| {
            let host = host_of(&url)?;
            client(&[]).0.check(&url, &host)
        });
        assert!(file.is_err());
    }

    #[test]
    fn errors_show_the_host_and_no_more() {
        let message = shown("https://user:secret@host.test/path?token=abc", "wrong").to_string();
        assert_eq!(message, "\"https://host.test\" is no address that can be asked: wrong");
    }
}
