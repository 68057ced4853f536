//! Whether a signature of somebody holds.

use std::fmt::Write as _;
use std::ops::Range;
use std::slice::from_ref;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use ring::digest;

use super::keys::{Algorithm, Certificate, PublicKey, Trusted};
use super::{NAMESPACE, Refusal, SHA1, SHORT, Verification, Verified};
use crate::alerts::cap::c14n::{Form, Method, Pieces, canonical};
use crate::alerts::cap::time::CapTime;
use crate::alerts::cap::tree::{Node, read_tree};
use crate::clock::Instant;

/// Canada's aggregator signs what the office already signed; nobody has three.
pub(super) const MAX_SIGNATURES: usize = 4;
const MAX_CERTIFICATES: usize = 8;
const MAX_TRANSFORMS: usize = 3;
/// How long before it came a message may have been sent and still be judged by the certificates of that time.
const BACKDATED: TimeDelta = TimeDelta::days(30);

const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const INCLUSIVE: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
/// Differs from 1.0 only in `xml:base` and `xml:id` of elements around a piece, which no message has.
const INCLUSIVE_1_1: &str = "http://www.w3.org/2006/12/xml-c14n11";
const ELLIPTIC: &str = "http://www.w3.org/2009/xmldsig11#";

/// Judges the signature of a message that is a document of its own. Of several signatures one that holds is enough, because
/// each must cover the whole message.
pub fn verify(text: &str, trusted: &Trusted) -> Verification {
    told(judge(text, trusted, None))
}

/// The same of a message that came at `received_at`. A message says itself when it was sent, so whoever still has the key of a
/// certificate that ended could say an earlier time: certificates must have held until [`BACKDATED`] before it came.
pub fn verify_received(text: &str, trusted: &Trusted, received_at: Instant) -> Verification {
    told(judge(text, trusted, Some(received_at - BACKDATED)))
}

fn told(judged: Result<Option<Verified>, Refusal>) -> Verification {
    match judged {
        Ok(Some(verified)) => Verification::Verified(verified),
        Ok(None) => Verification::Unsigned,
        Err(refusal) => Verification::Refused(refusal),
    }
}

/// A message that stands inside another document (a feed, an envelope) as a document of its own: `from..to` in bytes, with
/// the namespaces that were declared around it and that it uses.
pub fn detached(document: &str, from: usize, to: usize) -> Option<String> {
    let message = document.get(from..to)?;
    let wanted = from..to;
    let pieces = Pieces { wanted: from_ref(&wanted), without: &[], inside: "", whole: false };
    let inside = canonical(document, &pieces, &Method::exclusive()).ok()?.pop()?;
    // The canonical start tag tells what is needed; the message keeps its own letters, over which it was signed.
    let own = message.split('>').next()?;
    let mut declarations = String::new();
    for prefix in prefixes(&inside) {
        let name = if prefix.is_empty() { "xmlns".to_owned() } else { format!("xmlns:{prefix}") };
        let declared = own.split_whitespace().any(|word| word.split('=').next() == Some(name.as_str()));
        if let (false, Some(namespace)) = (declared, first_declaration(&inside, &name)) {
            let _ = write!(declarations, " {name}=\"{namespace}\"");
        }
    }
    let at = own.find(|c: char| c.is_whitespace() || c == '/').unwrap_or(own.len());
    Some(format!("{}{declarations}{}", &message[..at], &message[at..]))
}

/// Prefixes of element names, each once; the empty one for the default.
fn prefixes(canonical: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for tag in canonical.split('<').skip(1).filter(|tag| !tag.starts_with(['/', '?', '!'])) {
        let name = tag.split([' ', '>']).next().unwrap_or_default();
        let prefix = name.split_once(':').map_or("", |(prefix, _)| prefix);
        if found.len() < 16 && !found.iter().any(|known| known == prefix) {
            found.push(prefix.to_owned());
        }
    }
    found
}

fn first_declaration<'a>(canonical: &'a str, name: &str) -> Option<&'a str> {
    let start = canonical.find(&format!(" {name}=\""))? + name.len() + 3;
    canonical[start..].split('"').next()
}

fn judge(text: &str, trusted: &Trusted, earliest: Option<Instant>) -> Result<Option<Verified>, Refusal> {
    let root = read_tree(text).map_err(|error| Refusal::Unreadable(error.to_string()))?;
    let signatures: Vec<&Node> = root.children.iter().filter(|child| is_signature(child)).collect();
    let all = count(&root);
    if all == 0 {
        return Ok(None);
    }
    if root.name != "alert" || !root.namespace.starts_with("urn:oasis:names:tc:emergency:cap:") {
        return Err(Refusal::NotCap(root.name));
    }
    if all != signatures.len() {
        return Err(Refusal::Misplaced);
    }
    if all > MAX_SIGNATURES {
        return Err(Refusal::TooMany);
    }
    let mut refusals = Vec::new();
    for signature in &signatures {
        match (Document { text, root: &root, signatures: &signatures, earliest }).one(signature, trusted) {
            Ok(verified) => return Ok(Some(verified)),
            Err(refusal) => refusals.push(refusal),
        }
    }
    // That the signer is a stranger says more than that another signature is of a kind we do not know.
    let told = refusals.iter().position(|refusal| matches!(refusal, Refusal::Changed | Refusal::Broken));
    let told = told.or_else(|| refusals.iter().position(|refusal| matches!(refusal, Refusal::Stranger { .. })));
    Err(refusals.swap_remove(told.unwrap_or(0)))
}

fn is_signature(node: &Node) -> bool {
    node.name == "Signature" && *node.namespace == *NAMESPACE
}

fn count(node: &Node) -> usize {
    usize::from(is_signature(node)) + node.children.iter().map(count).sum::<usize>()
}

struct Document<'a> {
    text: &'a str,
    root: &'a Node,
    signatures: &'a [&'a Node],
    /// Certificates must have held then, though it says that it was sent before.
    earliest: Option<Instant>,
}

impl Document<'_> {
    fn one(&self, signature: &Node, trusted: &Trusted) -> Result<Verified, Refusal> {
        let info = only(signature, "SignedInfo")?;
        let how = algorithm(only(info, "SignatureMethod")?)?;
        let how = Algorithm::from_uri(how)
            .ok_or_else(|| Refusal::Unsupported { what: "the signature algorithm", value: how.to_owned() })?;
        let weak_digest = self.covers(signature, only(info, "Reference")?)?;
        let method = method(only(info, "CanonicalizationMethod")?)?;
        let wanted = span(info);
        let pieces = Pieces { wanted: from_ref(&wanted), without: &[], inside: "", whole: false };
        let signed = canonical(self.text, &pieces, &method).map_err(|error| Refusal::Unreadable(error.to_string()))?;
        let value = bytes(&only(signature, "SignatureValue")?.text)?;
        let (key, by, mut weak) = self.signer(signature, trusted, how, signed.concat().as_bytes(), &value)?;
        weak.extend((weak_digest || how == Algorithm::RsaSha1).then_some(SHA1));
        weak.extend(key.is_short().then_some(SHORT));
        weak.sort_unstable_by(|a, b| b.cmp(a));
        weak.dedup();
        Ok(Verified { by, fingerprint: key.fingerprint(), algorithm: how, weak })
    }

    /// Checks that the reference is the whole message and that its sum is right. True when the sum is a weak one.
    fn covers(&self, signature: &Node, reference: &Node) -> Result<bool, Refusal> {
        match reference.attribute("URI") {
            Some("") => {}
            Some(uri) => return Err(Refusal::Partial(format!("it refers to {uri:?}"))),
            None => return Err(Refusal::Partial("it does not say what it refers to".into())),
        }
        let method = transforms(reference)?;
        let how = algorithm(only(reference, "DigestMethod")?)?;
        let (digest, is_weak) = match how {
            "http://www.w3.org/2000/09/xmldsig#sha1" => (&digest::SHA1_FOR_LEGACY_USE_ONLY, true),
            "http://www.w3.org/2001/04/xmlenc#sha256" => (&digest::SHA256, false),
            "http://www.w3.org/2001/04/xmldsig-more#sha384" => (&digest::SHA384, false),
            "http://www.w3.org/2001/04/xmlenc#sha512" => (&digest::SHA512, false),
            other => return Err(Refusal::Unsupported { what: "the digest", value: other.to_owned() }),
        };
        let expected = bytes(&only(reference, "DigestValue")?.text)?;
        // Whoever signed first saw no other signature; whoever signed last saw all of them.
        let own = span(signature);
        let others = self.signatures.iter().map(|other| span(other));
        let after: Vec<Range<usize>> = others.clone().filter(|other| other.start >= own.start).collect();
        let mut tried = vec![vec![own.clone()], others.collect(), after];
        tried.dedup();
        for without in tried {
            let whole = span(self.root);
            let pieces = Pieces { wanted: from_ref(&whole), without: &without, inside: "", whole: true };
            let message = canonical(self.text, &pieces, &method);
            let message = message.map_err(|error| Refusal::Unreadable(error.to_string()))?.concat();
            if digest::digest(digest, message.as_bytes()).as_ref() == expected {
                return Ok(is_weak);
            }
        }
        Err(Refusal::Changed)
    }

    /// The key that made the signature, in whose name, and what is weak about the chain that says so.
    fn signer(
        &self,
        signature: &Node,
        trusted: &Trusted,
        how: Algorithm,
        signed: &[u8],
        value: &[u8],
    ) -> Result<(PublicKey, String, Vec<&'static str>), Refusal> {
        let shown = Shown::of(signature);
        let holds = |key: &PublicKey| key.verifies(how, signed, value, false);
        if let Some(key) = shown.keys.iter().find(|key| holds(key)) {
            let (by, weak) = trusted.stands_behind(key, &shown.certificates, self.sent())?;
            return Ok((key.clone(), by, weak));
        }
        if !shown.keys.is_empty() {
            return Err(Refusal::Broken);
        }
        let mut known: Vec<(&PublicKey, &str)> = shown.names.iter().flat_map(|name| trusted.named(name)).collect();
        if known.is_empty() {
            known = trusted.all().collect();
        }
        let found = known.into_iter().find(|(key, _)| holds(key));
        found.map(|(key, by)| (key.clone(), by.to_owned(), Vec::new())).ok_or(Refusal::NoKey)
    }

    /// Certificates must have held when the message was sent. One that does not say when is as old as can be, so that only
    /// a key that is trusted by itself counts.
    fn sent(&self) -> Instant {
        let sent =
            self.root.children.iter().find(|child| child.name == "sent" && child.namespace == self.root.namespace);
        let sent = sent.and_then(|node| CapTime::parse(node.text.trim()).ok());
        let sent = sent.map_or(chrono::DateTime::UNIX_EPOCH, |sent| sent.instant());
        self.earliest.map_or(sent, |earliest| sent.max(earliest))
    }
}

/// What `KeyInfo` shows. It is no proof of anything but tells which key to try.
#[derive(Default)]
struct Shown {
    keys: Vec<PublicKey>,
    certificates: Vec<Certificate>,
    names: Vec<String>,
}

impl Shown {
    fn of(signature: &Node) -> Self {
        let mut shown = Self::default();
        for part in inside(signature, "KeyInfo").flat_map(|info| &info.children) {
            match part.name.as_str() {
                "KeyName" => shown.names.push(part.text.trim().to_owned()),
                "KeyValue" => shown.keys.extend(key_value(part)),
                "X509Data" => {
                    let certificates = inside(part, "X509Certificate").filter_map(|node| bytes(&node.text).ok());
                    shown.certificates.extend(certificates.filter_map(|der| Certificate::from_der(&der)));
                }
                _ => {}
            }
        }
        shown.certificates.truncate(MAX_CERTIFICATES);
        shown.names.truncate(MAX_CERTIFICATES);
        shown.keys.extend(shown.certificates.iter().map(|certificate| certificate.key.clone()));
        shown.keys.truncate(MAX_CERTIFICATES * 2);
        shown
    }
}

fn key_value(node: &Node) -> Option<PublicKey> {
    if let Some(rsa) = inside(node, "RSAKeyValue").next() {
        let number = |name| bytes(&inside(rsa, name).next()?.text).ok();
        return Some(PublicKey::rsa(&number("Modulus")?, &number("Exponent")?));
    }
    let elliptic = node.children.iter().find(|child| child.name == "ECKeyValue" && *child.namespace == *ELLIPTIC)?;
    let part = |name: &str| elliptic.children.iter().find(|child| child.name == name);
    PublicKey::named_curve(part("NamedCurve")?.attribute("URI")?, &bytes(&part("PublicKey")?.text).ok()?)
}

fn inside<'a>(node: &'a Node, name: &'a str) -> impl Iterator<Item = &'a Node> {
    node.children.iter().filter(move |child| child.name == name && *child.namespace == *NAMESPACE)
}

fn only<'a>(node: &'a Node, name: &'a str) -> Result<&'a Node, Refusal> {
    let mut found = inside(node, name);
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err(Refusal::Malformed(format!("<{name}> is missing in <{}>", node.name))),
        (Some(_), Some(_)) => Err(Refusal::Malformed(format!("<{name}> stands more than once in <{}>", node.name))),
    }
}

fn algorithm(node: &Node) -> Result<&str, Refusal> {
    node.attribute("Algorithm").ok_or_else(|| Refusal::Malformed(format!("<{}> names no algorithm", node.name)))
}

const fn span(node: &Node) -> Range<usize> {
    node.from..node.to
}

fn bytes(base64: &str) -> Result<Vec<u8>, Refusal> {
    let bare: String = base64.split_whitespace().collect();
    STANDARD.decode(bare).map_err(|_| Refusal::Malformed("its base64 is wrong".into()))
}

fn method(node: &Node) -> Result<Method, Refusal> {
    let uri = algorithm(node)?;
    let (name, comments) = match uri.strip_suffix("WithComments") {
        // The exclusive form's name ends in "#" already.
        Some(name) if name == EXCLUSIVE => (name, true),
        Some(name) => (name.trim_end_matches('#'), true),
        None => (uri, false),
    };
    let form = match name {
        INCLUSIVE | INCLUSIVE_1_1 => Form::Inclusive,
        EXCLUSIVE => {
            let listed = node.children.iter().find(|child| child.name == "InclusiveNamespaces");
            let listed = listed.and_then(|node| node.attribute("PrefixList")).unwrap_or_default();
            let prefix = |word: &str| if word == "#default" { String::new() } else { word.to_owned() };
            Form::Exclusive(listed.split_whitespace().take(32).map(prefix).collect())
        }
        _ => return Err(Refusal::Unsupported { what: "the canonical form", value: uri.to_owned() }),
    };
    Ok(Method { form, comments })
}

/// The canonical form of the message. A reference to the whole document leaves its comments out, whatever the form says.
fn transforms(reference: &Node) -> Result<Method, Refusal> {
    let list: Vec<&Node> = inside(reference, "Transforms").flat_map(|list| inside(list, "Transform")).collect();
    if list.len() > MAX_TRANSFORMS {
        return Err(Refusal::Malformed(format!("more than {MAX_TRANSFORMS} transforms")));
    }
    let (mut enveloped, mut form) = (false, None);
    for transform in list {
        if algorithm(transform)? == ENVELOPED && form.is_none() {
            enveloped = true;
        } else if form.is_none() {
            form = Some(method(transform)?.form);
        } else {
            return Err(Refusal::Malformed("it is brought into two canonical forms".into()));
        }
    }
    if !enveloped {
        return Err(Refusal::Malformed("it is not an enveloped signature".into()));
    }
    Ok(Method { form: form.unwrap_or(Form::Inclusive), comments: false })
}
