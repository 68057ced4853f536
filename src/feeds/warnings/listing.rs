//! What an address of warnings answers: one message, an envelope of several, or a list (Atom, RSS) whose entries hold the
//! message, hold it as escaped text, or say where it lies.

use std::borrow::Cow;

use url::Url;

use super::{MAX_WARNINGS, Parsed, Problem, cap};
use crate::alerts::cap::signature::detached;
use crate::alerts::cap::tree::{Node, read_tree};
use crate::alerts::cap::xml;

/// Entries of one list that are looked at.
pub const MAX_ENTRIES: usize = 1000;
/// Signed messages of one document that are taken out of it with all that their signatures need.
const MAX_SIGNED: usize = 100;

/// A message that lies elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub url: String,
    /// Changes when the message behind it does: address, the entry's own name, and when it says it was changed.
    pub key: String,
}

/// What a document held.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listing {
    pub parsed: Parsed,
    /// In the order of the list, which puts the newest first.
    pub links: Vec<Link>,
}

/// Reads a document. `base` is where it came from: links may be relative to it.
///
/// # Errors
/// When it is no XML, or neither a message nor a list.
pub fn parse(body: &[u8], base: &str) -> Result<Listing, Problem> {
    let text = decoded(body);
    let root = read_tree(&text).map_err(|error| Problem::new("document", &start(&text), error.to_string()))?;
    let mut listing = Listing::default();
    match root.name.as_str() {
        "feed" => entries(&mut listing, &root, "entry", &text, base),
        "rss" | "RDF" => channel(&mut listing, &root, &text, base),
        _ => {
            let mut alerts = Vec::new();
            find_alerts(&root, &mut alerts);
            if alerts.is_empty() {
                let namespace =
                    if root.namespace.is_empty() { String::new() } else { format!(" of {:?}", root.namespace) };
                let message = format!("is <{}>{namespace}, expected CAP, Atom or RSS", root.name);
                return Err(Problem::new("document", &start(&text), message));
            }
            let alone = alerts.len() == 1 && cap::is_alert(&root);
            for alert in alerts.into_iter().take(MAX_WARNINGS) {
                let before = listing.parsed.warnings.len();
                let raw = if alone { Cow::Borrowed(body) } else { slice(&text, alert, before) };
                keep(&mut listing.parsed, alert, &raw);
            }
        }
    }
    Ok(listing)
}

/// UTF-8, or ISO-8859-1 where the document says so or is no UTF-8; without the characters that XML forbids.
fn decoded(body: &[u8]) -> String {
    let text = xml::decode(body).unwrap_or_else(|_| body.iter().map(|byte| char::from(*byte)).collect());
    let is_lawful = |c: &char| (*c >= ' ' && !matches!(c, '\u{FFFE}' | '\u{FFFF}')) || "\t\n\r".contains(*c);
    text.chars().filter(is_lawful).collect()
}

fn start(text: &str) -> String {
    text.chars().take(80).collect()
}

/// The message as it stands in the document; a signed one with the namespaces that were declared around it, without which its
/// signature could not be verified. Finding them takes a walk through the document, so only so many of one are looked for.
fn slice<'a>(text: &'a str, node: &Node, before: usize) -> Cow<'a, [u8]> {
    let is_signed = node.children.iter().any(|child| child.name == "Signature");
    if is_signed
        && before < MAX_SIGNED
        && let Some(alone) = detached(text, node.from, node.to)
    {
        return Cow::Owned(alone.into_bytes());
    }
    Cow::Borrowed(text.as_bytes().get(node.from..node.to).unwrap_or_default())
}

fn find_alerts<'a>(node: &'a Node, found: &mut Vec<&'a Node>) {
    if cap::is_alert(node) {
        found.push(node);
    } else {
        node.children.iter().for_each(|child| find_alerts(child, found));
    }
}

fn keep(parsed: &mut Parsed, alert: &Node, raw: &[u8]) {
    if parsed.warnings.len() >= MAX_WARNINGS {
        parsed.problems.push(Problem::new("document", "", format!("has more than {MAX_WARNINGS} messages")));
        return;
    }
    match cap::read(alert, raw, &mut parsed.problems) {
        Ok(warning) => parsed.warnings.extend(warning),
        Err(problem) => parsed.problems.push(problem),
    }
}

fn channel(listing: &mut Listing, root: &Node, text: &str, base: &str) {
    // RSS 1.0 has its items beside the channel, RSS 2.0 in it.
    for node in root.children.iter().filter(|child| child.name == "channel").chain([root]) {
        entries(listing, node, "item", text, base);
    }
}

fn entries(listing: &mut Listing, parent: &Node, name: &str, text: &str, base: &str) {
    let all = parent.children.iter().filter(|child| child.name == name);
    let beyond = all.clone().count().saturating_sub(MAX_ENTRIES);
    if beyond > 0 {
        let message = format!("has {beyond} entries beyond the {MAX_ENTRIES} that are looked at");
        listing.parsed.problems.push(Problem::new("document", "", message));
    }
    for entry in all.take(MAX_ENTRIES) {
        if !inline(&mut listing.parsed, entry, text)
            && let Some(link) = link(entry, base)
            && listing.links.len() < MAX_ENTRIES
            && !listing.links.contains(&link)
        {
            listing.links.push(link);
        }
    }
}

/// Whether the entry holds its message, as elements or as escaped text.
fn inline(parsed: &mut Parsed, entry: &Node, text: &str) -> bool {
    let mut alerts = Vec::new();
    find_alerts(entry, &mut alerts);
    for alert in &alerts {
        let raw = slice(text, alert, parsed.warnings.len());
        keep(parsed, alert, &raw);
    }
    !alerts.is_empty() || entry.children.iter().any(|child| escaped(parsed, child))
}

fn escaped(parsed: &mut Parsed, child: &Node) -> bool {
    let inner = child.text.trim();
    let holds_one = matches!(child.name.as_str(), "content" | "encoded" | "description" | "summary")
        && inner.starts_with('<')
        && inner.contains("alert");
    let Some(root) = holds_one.then(|| read_tree(inner).ok()).flatten() else { return false };
    let mut alerts = Vec::new();
    find_alerts(&root, &mut alerts);
    for alert in &alerts {
        let raw = slice(inner, alert, parsed.warnings.len());
        keep(parsed, alert, &raw);
    }
    !alerts.is_empty()
}

/// Where the message lies: the link that says it is CAP, else the entry's own.
fn link(entry: &Node, base: &str) -> Option<Link> {
    let links: Vec<&Node> =
        entry.children.iter().filter(|child| matches!(child.name.as_str(), "link" | "enclosure")).collect();
    let attribute = |node: &Node, name: &str| node.attribute(name).unwrap_or_default().to_owned();
    let is_cap = |node: &&&Node| attribute(node, "type").contains("cap+xml");
    let is_own = |node: &&&Node| {
        let relation = attribute(node, "rel");
        node.name == "link" && (relation.is_empty() || relation == "alternate")
    };
    let best = links.iter().find(is_cap).or_else(|| links.iter().find(is_own)).or(links.first())?;
    let address = ["href", "url"].iter().find_map(|name| best.attribute(name)).unwrap_or(best.text.trim());
    let url = Url::parse(base).ok()?.join(address).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    if address.is_empty() || url.as_str().len() > 2000 {
        return None;
    }
    let says = |names: &[&str]| {
        let found = entry.children.iter().find(|child| names.contains(&child.name.as_str()));
        found.map(|child| child.text.trim().chars().take(300).collect::<String>()).unwrap_or_default()
    };
    let key = format!("{url} {} {}", says(&["id", "guid"]), says(&["updated", "pubDate", "date"]));
    Some(Link { url: url.into(), key })
}

#[cfg(test)]
mod tests;
