//! E-mail: the server, the signature, and where letters that come back go to.

use std::path::PathBuf;

use serde::Deserialize;

use crate::secret::Secret;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    pub url: Secret,
    pub from: String,
    pub concurrency: u32,
    pub messages_per_second: u32,
    /// The picture of the alert's map within the letter.
    pub map: bool,
    pub dkim: Dkim,
    pub bounces: Bounces,
}

/// The signature of the sending domain (RFC 6376).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dkim {
    /// Empty: letters are not signed here.
    pub domain: String,
    pub selector: String,
    /// PEM (PKCS #8) of an RSA or Ed25519 key.
    pub key_file: PathBuf,
}

/// Letters that come back (RFC 3464).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bounces {
    /// The address they go to. Empty: they go to the sender.
    pub address: String,
    /// The folder they are delivered into. Empty: nobody reads them.
    pub maildir: String,
}

impl Mail {
    pub(super) fn check(&self, expect: &mut impl FnMut(bool, &str, &str, &str)) {
        let from = self.from.parse::<lettre::message::Mailbox>();
        expect(from.is_ok(), "mail.from", &self.from, "a mailbox such as \"Defesa Civil <a@b.gov.br>\"");
        let url = &self.url;
        expect(url.is_empty() || url.starts_with("smtp"), "mail.url", "***", "smtp://… or smtps://…, or empty");
        let Dkim { domain, selector, key_file } = &self.dkim;
        let signs = !selector.is_empty() && !key_file.as_os_str().is_empty();
        expect(domain.is_empty() || signs, "mail.dkim.domain", domain, "`selector` and `key_file` beside it, or empty");
        let good = |word: &str| word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.' || b == b'_');
        expect(good(domain), "mail.dkim.domain", domain, "a domain in its ASCII form");
        expect(good(selector), "mail.dkim.selector", selector, "letters, digits, `-`, `_` and `.`");
        let Bounces { address, maildir } = &self.bounces;
        let is_plain = address.parse::<lettre::Address>().is_ok_and(|address| !address.user().contains('+'));
        expect(address.is_empty() || is_plain, "mail.bounces.address", address, "an address without `+`, or empty");
        expect(
            maildir.is_empty() || !address.is_empty(),
            "mail.bounces.maildir",
            maildir,
            "`mail.bounces.address` beside it: without it letters come back to the sender",
        );
    }
}
