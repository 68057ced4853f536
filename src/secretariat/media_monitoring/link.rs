//! Addresses of items: one address for one page, whatever a campaign has hung on it. Pure.

use sha2::{Digest as _, Sha256};
use url::Url;

/// Letters of an address that is kept.
pub const MOST: usize = 2000;

/// Parameters that say where a reader came from and nothing of the page.
const TRACKING: &[&str] = &[
    "fbclid",
    "gclid",
    "gbraid",
    "wbraid",
    "dclid",
    "msclkid",
    "twclid",
    "yclid",
    "igshid",
    "igsh",
    "mc_cid",
    "mc_eid",
    "_ga",
    "_gl",
    "cmpid",
    "ncid",
    "ocid",
    "at_medium",
    "at_campaign",
    "at_custom1",
    "xtor",
    "spm",
    "ref_src",
    "ref_url",
    "__twitter_impression",
];

/// The address as it is kept: http or https, without name, password, fragment and tracking; what is relative hangs on `base`. `None` for
/// what is no address of the web, or too long.
pub fn normalised(text: &str, base: Option<&Url>) -> Option<String> {
    let text = text.trim();
    if text.is_empty() || text.len() > 2 * MOST {
        return None;
    }
    let mut url = match Url::parse(text) {
        Ok(url) => url,
        Err(url::ParseError::RelativeUrlWithoutBase) => base?.join(text).ok()?,
        Err(_) => return None,
    };
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return None;
    }
    url.set_fragment(None);
    // They can be set on every address of the web.
    let _ = (url.set_username(""), url.set_password(None));
    let is_kept = |name: &str| !name.starts_with("utm_") && !TRACKING.contains(&name);
    if url.query().is_some_and(|query| query.is_empty()) {
        url.set_query(None);
    }
    if url.query_pairs().any(|(name, _)| !is_kept(&name.to_lowercase())) {
        let kept: Vec<(String, String)> = url
            .query_pairs()
            .filter(|(name, _)| is_kept(&name.to_lowercase()))
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        url.set_query(None);
        if !kept.is_empty() {
            url.query_pairs_mut().extend_pairs(kept);
        }
    }
    let whole = String::from(url);
    (whole.len() <= MOST).then_some(whole)
}

/// What two addresses of one page have in common: without scheme, `www.` and the last `/`. `None` for no address, and for the front page of a
/// site, which some feeds and people name for every item. Some feeds name another page for all their items, so that only the same words at the
/// same address are the same item.
pub fn key(link: &str) -> Option<Vec<u8>> {
    let rest = link.strip_prefix("https://").or_else(|| link.strip_prefix("http://"))?;
    let rest = rest.strip_prefix("www.").unwrap_or(rest).trim_end_matches('/');
    rest.contains(['/', '?']).then(|| Sha256::digest(rest).to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_page_has_one_address() {
        let base = Url::parse("https://jornal.example/rss.xml").unwrap();
        let kept = |text: &str| normalised(text, Some(&base));
        assert_eq!(kept("/a?utm_source=rss&id=3&fbclid=x#topo").as_deref(), Some("https://jornal.example/a?id=3"));
        assert_eq!(kept("HTTPS://u:s@Jornal.Example:443/a?UTM_Medium=x").as_deref(), Some("https://jornal.example/a"));
        assert_eq!(kept("javascript:alert(1)"), None);
        assert_eq!(kept("data:text/html,x"), None);
        assert_eq!(kept(&format!("/{}", "a".repeat(2100))), None);
        assert_eq!(key("https://www.jornal.example/a/"), key("http://jornal.example/a"));
        assert_ne!(key("https://jornal.example/a"), key("https://jornal.example/b"));
        assert_eq!(key("ftp://x"), None);
        assert_eq!(key("https://www.jornal.example/"), None, "the front page is no item");
    }
}
