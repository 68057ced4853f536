//! XML as a tree, within bounds. No entity beyond the five of XML is known and a document type is refused, so a document
//! cannot make the reader open a file or grow without bound.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use quick_xml::XmlVersion;
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::reader::NsReader;

use super::parse::{CapError, MAX_BYTES};
use super::write::is_xml_char;

pub(super) const MAX_DEPTH: usize = 32;
/// Attributes of one element: no real message has a dozen.
pub(super) const MAX_ATTRIBUTES: usize = 100;
/// Elements of one document. The largest real ones, lists and envelopes of some dozens of messages, stay below ten thousand.
pub(super) const MAX_NODES: usize = 100_000;
/// Bytes of the name of a namespace; the longest in use has sixty.
const MAX_NAMESPACE: usize = 256;

/// An element with what it holds.
#[derive(Debug, Default)]
pub(crate) struct Node {
    pub name: String,
    /// Shared by all elements that are in it: a name that each element copied could grow a document ten thousandfold.
    pub namespace: Arc<str>,
    /// Local names with their values.
    pub attributes: Vec<(String, String)>,
    pub text: String,
    /// Where it stands in the document, in bytes.
    pub from: usize,
    pub to: usize,
    /// Where it stands in the text of its parent, in bytes.
    at: usize,
    pub children: Vec<Node>,
}

impl Node {
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Its text with that of the elements inside, as a reader would read it aloud: "Saia <b>agora</b>" says "Saia agora".
    pub fn words(&self) -> Cow<'_, str> {
        if self.children.is_empty() {
            return Cow::Borrowed(&self.text);
        }
        let (mut words, mut from) = (String::new(), 0);
        for child in &self.children {
            words.push_str(self.text.get(from..child.at).unwrap_or_default());
            words.push_str(&child.words());
            from = child.at;
        }
        words.push_str(self.text.get(from..).unwrap_or_default());
        Cow::Owned(words)
    }
}

/// Reads a document and gives its root.
pub(crate) fn read_tree(text: &str) -> Result<Node, CapError> {
    if text.len() > MAX_BYTES {
        return Err(CapError::TooLarge(text.len()));
    }
    if let Some((at, c)) = text.char_indices().find(|(_, c)| !is_xml_char(*c)) {
        return Err(CapError::Xml { at: at as u64, message: format!("the character {c:?} is not allowed") });
    }
    let mut reader = NsReader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    // The bottom of the stack stands for the document.
    let mut stack = vec![Node::default()];
    let (mut namespaces, mut count) = (Namespaces::default(), 0_usize);
    loop {
        let at = reader.buffer_position();
        let wrong = |message: String| CapError::Xml { at, message };
        let (resolved, event) = reader.read_resolved_event().map_err(|error| wrong(error.to_string()))?;
        match event {
            Event::Start(tag) => {
                if stack.len() > MAX_DEPTH {
                    return Err(wrong(format!("more than {MAX_DEPTH} elements inside each other")));
                }
                count += 1;
                if count > MAX_NODES {
                    return Err(wrong(format!("more than {MAX_NODES} elements")));
                }
                let namespace = if let ResolveResult::Bound(Namespace(name)) = resolved { name } else { "" };
                let name = tag.local_name().into_inner().to_owned();
                let (namespace, attributes) =
                    (namespaces.of(namespace).map_err(wrong)?, attributes(&tag).map_err(wrong)?);
                let before = stack.last().map_or(0, |parent| parent.text.len());
                stack.push(Node { name, namespace, attributes, from: place(at), at: before, ..Node::default() });
            }
            Event::End(_) => close(&mut stack, place(reader.buffer_position())),
            Event::Text(piece) => append(&mut stack, &piece.xml10_content()),
            Event::CData(piece) => append(&mut stack, &piece.xml10_content()),
            Event::GeneralRef(reference) => append(&mut stack, &resolve(&reference).map_err(wrong)?),
            Event::DocType(_) => return Err(wrong("a document type is not allowed".into())),
            Event::Eof => break,
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
    let end = |message: &str| CapError::Xml { at: text.len() as u64, message: message.into() };
    match (stack.pop(), stack.is_empty()) {
        (Some(document), true) => document.children.into_iter().next().ok_or_else(|| end("no element")),
        _ => Err(end("the document ends inside an element")),
    }
}

/// Names of namespaces, each kept once.
#[derive(Default)]
struct Namespaces(HashSet<Arc<str>>);

impl Namespaces {
    fn of(&mut self, name: &str) -> Result<Arc<str>, String> {
        if name.len() > MAX_NAMESPACE {
            return Err(format!("the name of a namespace has {} bytes; at most {MAX_NAMESPACE}", name.len()));
        }
        if let Some(known) = self.0.get(name) {
            return Ok(Arc::clone(known));
        }
        let kept: Arc<str> = name.into();
        self.0.insert(Arc::clone(&kept));
        Ok(kept)
    }
}

/// What cannot be read of the attributes is left out: no element of CAP has any.
fn attributes(tag: &BytesStart<'_>) -> Result<Vec<(String, String)>, String> {
    // Each may declare a prefix, which every element inside looks through.
    if tag.attributes().with_checks(false).nth(MAX_ATTRIBUTES).is_some() {
        return Err(format!("more than {MAX_ATTRIBUTES} attributes at one element"));
    }
    let read = |attribute: Attribute<'_>| {
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?;
        Some((attribute.key.local_name().into_inner().to_owned(), value.into_owned()))
    };
    Ok(tag.attributes().take(MAX_ATTRIBUTES).filter_map(Result::ok).filter_map(read).collect())
}

fn place(at: u64) -> usize {
    usize::try_from(at).unwrap_or_default()
}

fn close(stack: &mut Vec<Node>, to: usize) {
    if stack.len() > 1
        && let Some(mut done) = stack.pop()
        && let Some(parent) = stack.last_mut()
    {
        done.to = to;
        parent.children.push(done);
    }
}

fn append(stack: &mut [Node], piece: &str) {
    if let Some(node) = stack.last_mut() {
        node.text.push_str(piece);
    }
}

/// Character references and the five entities of XML; nothing else is known.
pub(super) fn resolve(reference: &BytesRef<'_>) -> Result<String, String> {
    if let Some(character) = reference.resolve_char_ref().map_err(|error| error.to_string())? {
        let lawful = is_xml_char(character).then(|| character.to_string());
        return lawful.ok_or_else(|| format!("the character {character:?} is not allowed"));
    }
    let name: &str = reference;
    quick_xml::escape::resolve_xml_entity(name).map(str::to_owned).ok_or_else(|| format!("unknown entity &{name};"))
}
