//! Canonical XML 1.0 and exclusive canonical XML 1.0 (W3C, 2001 and 2002): the one form of a piece of a document over which
//! signatures are made, and in which elements of others are kept.

use std::fmt::Write as _;
use std::ops::Range;

use quick_xml::XmlVersion;
use quick_xml::events::{BytesPI, BytesStart, Event};
use quick_xml::reader::Reader;

use super::parse::CapError;
use super::tree::{MAX_ATTRIBUTES, MAX_DEPTH, resolve};

/// Namespaces in scope at one place. Real messages have one to five; without a bound a document could make the work grow with
/// the square of its length.
const MAX_NAMESPACES: usize = 64;

/// How a piece is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Method {
    pub form: Form,
    pub comments: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Every namespace in scope.
    Inclusive,
    /// Those that are used; the named prefixes are treated as in the inclusive form.
    Exclusive(Vec<String>),
}

impl Method {
    /// Exclusive, without comments.
    pub const fn exclusive() -> Self {
        Self { form: Form::Exclusive(Vec::new()), comments: false }
    }
}

/// What of a document is wanted. Places are in bytes, as [`super::tree::Node`] has them.
#[derive(Clone, Debug)]
pub(super) struct Pieces<'a> {
    /// Elements that do not hold each other, in the order of the document.
    pub wanted: &'a [Range<usize>],
    /// Elements that are passed over wherever they stand.
    pub without: &'a [Range<usize>],
    /// The default namespace of the place where the pieces are put; empty when they stand alone.
    pub inside: &'a str,
    /// The piece is the whole document: processing instructions beside its root belong to it.
    pub whole: bool,
}

/// Each wanted piece in its canonical form.
///
/// # Errors
/// When the document is not well-formed, holds a prefix that stands for nothing, or exceeds a bound.
pub(super) fn canonical(text: &str, pieces: &Pieces<'_>, method: &Method) -> Result<Vec<String>, CapError> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let (out, scope) = (String::new(), Scope::default());
    let mut writer = Writer { method, pieces, next: 0, done: Vec::new(), out, at: 0, depth: 0, scope };
    loop {
        let from = usize::try_from(reader.buffer_position()).unwrap_or_default();
        let wrong = |message: String| CapError::Xml { at: from as u64, message };
        let event = reader.read_event().map_err(|error| wrong(error.to_string()))?;
        if matches!(event, Event::Eof) {
            break;
        }
        let to = usize::try_from(reader.buffer_position()).unwrap_or_default();
        if pieces.without.iter().any(|range| range.contains(&from) && to <= range.end) {
            continue;
        }
        writer.event(from, &event).map_err(wrong)?;
    }
    if writer.done.len() == pieces.wanted.len() {
        return Ok(writer.done);
    }
    Err(CapError::Xml { at: text.len() as u64, message: "a piece of the document was not found".into() })
}

/// What prefixes stand for, in the document and in what was written of it.
#[derive(Default)]
struct Scope {
    /// (prefix, namespace, depth of the element that says so), innermost last.
    known: Vec<(String, String, usize)>,
    written: Vec<(String, String, usize)>,
    /// Attributes `xml:…` of the elements around, with their depth.
    inherited: Vec<(String, String, usize)>,
}

impl Scope {
    fn of<'a>(list: &'a [(String, String, usize)], prefix: &str) -> Option<&'a str> {
        list.iter().rev().find(|(known, _, _)| known == prefix).map(|(_, namespace, _)| namespace.as_str())
    }

    fn leave(&mut self, depth: usize) {
        for list in [&mut self.known, &mut self.written, &mut self.inherited] {
            while list.last().is_some_and(|(_, _, at)| *at >= depth) {
                list.pop();
            }
        }
    }
}

struct Writer<'a> {
    method: &'a Method,
    pieces: &'a Pieces<'a>,
    /// The first wanted piece that has not begun: they come in the order of the document, so no other need be looked at.
    next: usize,
    done: Vec<String>,
    out: String,
    /// Depth of the piece that is being written; 0 outside of one.
    at: usize,
    depth: usize,
    scope: Scope,
}

/// An attribute with its prefix, which may be empty.
struct Attribute {
    prefix: String,
    local: String,
    value: String,
}

impl Writer<'_> {
    fn event(&mut self, from: usize, event: &Event<'_>) -> Result<(), String> {
        let inside = self.at > 0;
        match event {
            Event::Start(tag) => self.start(from, tag)?,
            Event::End(tag) => {
                if inside {
                    let _ = write!(self.out, "</{}>", tag.name().0);
                }
                if inside && self.at == self.depth {
                    self.at = 0;
                    self.done.push(std::mem::take(&mut self.out));
                }
                self.scope.leave(self.depth);
                self.depth = self.depth.saturating_sub(1);
            }
            Event::Text(piece) if inside => self.text(&piece.xml10_content()),
            Event::CData(piece) if inside => self.text(&piece.xml10_content()),
            Event::GeneralRef(reference) if inside => {
                let text = resolve(reference)?;
                self.text(&text);
            }
            Event::PI(piece) => self.instruction(piece),
            Event::Comment(piece) if self.method.comments => self.comment(piece),
            Event::DocType(_) => return Err("a document type is not allowed".into()),
            _ => {}
        }
        Ok(())
    }

    fn start(&mut self, from: usize, tag: &BytesStart<'_>) -> Result<(), String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("more than {MAX_DEPTH} elements inside each other"));
        }
        let attributes = self.read(tag)?;
        let begins = self.at == 0 && self.pieces.wanted.get(self.next).is_some_and(|range| range.start == from);
        if begins {
            self.next += 1;
            self.at = self.depth;
            self.scope.written.clear();
            if !self.pieces.inside.is_empty() {
                self.scope.written.push((String::new(), self.pieces.inside.to_owned(), 0));
            }
        }
        if self.at > 0 {
            self.open(tag, attributes, begins)?;
        }
        Ok(())
    }

    /// Notes what the element declares, and gives its other attributes.
    fn read(&mut self, tag: &BytesStart<'_>) -> Result<Vec<Attribute>, String> {
        let mut found = Vec::new();
        for (index, attribute) in tag.attributes().enumerate() {
            if index >= MAX_ATTRIBUTES {
                return Err(format!("more than {MAX_ATTRIBUTES} attributes at one element"));
            }
            let attribute = attribute.map_err(|error| error.to_string())?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| error.to_string())?;
            let (prefix, local) = split(attribute.key.0);
            match (prefix, local) {
                ("", "xmlns") => self.scope.known.push((String::new(), value.into_owned(), self.depth)),
                ("xmlns", "xml") => {}
                ("xmlns", name) if value.is_empty() => return Err(format!("the prefix {name} stands for nothing")),
                ("xmlns", name) => self.scope.known.push((name.to_owned(), value.into_owned(), self.depth)),
                _ => found.push(Attribute { prefix: prefix.into(), local: local.into(), value: value.into_owned() }),
            }
        }
        if self.scope.known.len() > MAX_NAMESPACES {
            return Err(format!("more than {MAX_NAMESPACES} namespaces in scope"));
        }
        for xml in found.iter().filter(|attribute| attribute.prefix == "xml" && self.at == 0) {
            self.scope.inherited.push((xml.local.clone(), xml.value.clone(), self.depth));
        }
        Ok(found)
    }

    fn open(&mut self, tag: &BytesStart<'_>, mut attributes: Vec<Attribute>, begins: bool) -> Result<(), String> {
        let name = tag.name().0;
        let (prefix, _) = split(name);
        let namespaces = self.namespaces(prefix, &attributes)?;
        if begins && self.method.form == Form::Inclusive {
            self.inherit(&mut attributes);
        }
        let _ = write!(self.out, "<{name}");
        for (prefix, namespace) in namespaces {
            let colon = if prefix.is_empty() { "" } else { ":" };
            let _ = write!(self.out, " xmlns{colon}{prefix}=\"{}\"", escaped_attribute(&namespace));
            self.scope.written.push((prefix, namespace, self.depth));
        }
        attributes.sort_by_cached_key(|attribute| (self.namespace_of(&attribute.prefix), attribute.local.clone()));
        for Attribute { prefix, local, value } in attributes {
            let colon = if prefix.is_empty() { "" } else { ":" };
            let _ = write!(self.out, " {prefix}{colon}{local}=\"{}\"", escaped_attribute(&value));
        }
        self.out.push('>');
        Ok(())
    }

    /// An attribute without a prefix is in no namespace, whatever the default is.
    fn namespace_of(&self, prefix: &str) -> String {
        match prefix {
            "" => String::new(),
            "xml" => "http://www.w3.org/XML/1998/namespace".into(),
            _ => Scope::of(&self.scope.known, prefix).unwrap_or_default().to_owned(),
        }
    }

    /// The namespaces that the element must declare, sorted by prefix.
    fn namespaces(&self, prefix: &str, attributes: &[Attribute]) -> Result<Vec<(String, String)>, String> {
        let used = attributes.iter().map(|attribute| attribute.prefix.as_str()).filter(|used| !used.is_empty());
        let mut wanted: Vec<&str> = std::iter::once(prefix).chain(used).filter(|used| *used != "xml").collect();
        for used in &wanted {
            if !used.is_empty() && Scope::of(&self.scope.known, used).is_none() {
                return Err(format!("the prefix {used} stands for nothing"));
            }
        }
        match &self.method.form {
            Form::Inclusive => wanted.extend(self.scope.known.iter().map(|(prefix, _, _)| prefix.as_str()).chain([""])),
            Form::Exclusive(listed) => wanted.extend(listed.iter().map(String::as_str)),
        }
        wanted.sort_unstable();
        wanted.dedup();
        let declared = wanted.into_iter().filter_map(|prefix| {
            let namespace = Scope::of(&self.scope.known, prefix).unwrap_or_default();
            let known = Scope::of(&self.scope.written, prefix).unwrap_or_default();
            (namespace != known).then(|| (prefix.to_owned(), namespace.to_owned()))
        });
        Ok(declared.collect())
    }

    /// `xml:lang` and `xml:space` of the elements around hold inside the piece as well.
    fn inherit(&self, attributes: &mut Vec<Attribute>) {
        let own: Vec<String> = attributes.iter().filter(|a| a.prefix == "xml").map(|a| a.local.clone()).collect();
        let mut seen = own;
        for (local, value, depth) in self.scope.inherited.iter().rev() {
            if *depth < self.depth && !seen.contains(local) {
                seen.push(local.clone());
                attributes.push(Attribute { prefix: "xml".into(), local: local.clone(), value: value.clone() });
            }
        }
    }

    fn text(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '\r' => self.out.push_str("&#xD;"),
                other => self.out.push(other),
            }
        }
    }

    fn instruction(&mut self, piece: &BytesPI<'_>) {
        let content = piece.content().trim_start();
        let space = if content.is_empty() { "" } else { " " };
        self.beside(&format!("<?{}{space}{}?>", piece.target(), content.replace("\r\n", "\n").replace('\r', "\n")));
    }

    fn comment(&mut self, piece: &str) {
        self.beside(&format!("<!--{}-->", piece.replace("\r\n", "\n").replace('\r', "\n")));
    }

    /// Inside the piece as it stands; beside the root of a whole document each on a line of its own.
    fn beside(&mut self, markup: &str) {
        if self.at > 0 {
            self.out.push_str(markup);
        } else if self.pieces.whole && self.depth == 0 {
            match self.done.last_mut() {
                Some(written) => {
                    let _ = write!(written, "\n{markup}");
                }
                None => {
                    let _ = writeln!(self.out, "{markup}");
                }
            }
        }
    }
}

fn split(name: &str) -> (&str, &str) {
    name.split_once(':').unwrap_or(("", name))
}

fn escaped_attribute(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '"' => escaped.push_str("&quot;"),
            '\t' => escaped.push_str("&#x9;"),
            '\n' => escaped.push_str("&#xA;"),
            '\r' => escaped.push_str("&#xD;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;

    use super::super::tree::read_tree;
    use super::*;

    fn whole(text: &str, method: &Method) -> String {
        let root = read_tree(text).unwrap();
        let wanted = root.from..root.to;
        canonical(text, &Pieces { wanted: from_ref(&wanted), without: &[], inside: "", whole: true }, method)
            .unwrap()
            .remove(0)
    }

    fn inner(text: &str, form: Form) -> String {
        let root = read_tree(text).unwrap();
        let wanted = root.children[0].from..root.children[0].to;
        let method = Method { form, comments: false };
        canonical(text, &Pieces { wanted: from_ref(&wanted), without: &[], inside: "", whole: false }, &method)
            .unwrap()
            .remove(0)
    }

    const INCLUSIVE: Method = Method { form: Form::Inclusive, comments: false };

    // The examples of the recommendation, sections 3.1 to 3.4, as far as they need no document type.

    #[test]
    fn instructions_and_comments_beside_the_root_stand_on_lines_of_their_own() {
        let text = "<?xml version=\"1.0\"?>\n\n<?xml-stylesheet   href=\"doc.xsl\"\n   type=\"text/xsl\"   ?>\n\n\
                    <doc>Hello, world!<!-- Comment 1 --></doc>\n\n<?pi-without-data     ?>\n\n<!-- Comment 2 -->\n";
        let start = "<?xml-stylesheet href=\"doc.xsl\"\n   type=\"text/xsl\"   ?>\n";
        assert_eq!(whole(text, &INCLUSIVE), format!("{start}<doc>Hello, world!</doc>\n<?pi-without-data?>"));
        let commented = Method { comments: true, ..INCLUSIVE };
        let with = "<doc>Hello, world!<!-- Comment 1 --></doc>\n<?pi-without-data?>\n<!-- Comment 2 -->";
        assert_eq!(whole(text, &commented), format!("{start}{with}"));
    }

    #[test]
    fn tags_are_written_in_one_way() {
        let text = "<doc>\n   <e1   />\n   <e2   ></e2>\n   <e3   name = \"elem3\"   id=\"elem3\"   />\n   \
                    <e5 a:attr=\"out\" b:attr=\"sorted\" attr2=\"all\" attr=\"I'm\"\n      xmlns:b=\"http://www.ietf.org\"\n      \
                    xmlns:a=\"http://www.w3.org\"\n      xmlns=\"http://example.org\"/>\n   \
                    <e6 xmlns=\"\" xmlns:a=\"http://www.w3.org\"><e7 xmlns=\"http://www.ietf.org\">\
                    <e8 xmlns=\"\" xmlns:a=\"http://www.w3.org\"/></e7></e6>\n</doc>";
        let expected = "<doc>\n   <e1></e1>\n   <e2></e2>\n   <e3 id=\"elem3\" name=\"elem3\"></e3>\n   \
                        <e5 xmlns=\"http://example.org\" xmlns:a=\"http://www.w3.org\" xmlns:b=\"http://www.ietf.org\" \
                        attr=\"I'm\" attr2=\"all\" b:attr=\"sorted\" a:attr=\"out\"></e5>\n   \
                        <e6 xmlns:a=\"http://www.w3.org\"><e7 xmlns=\"http://www.ietf.org\"><e8 xmlns=\"\"></e8></e7></e6>\n\
                        </doc>";
        assert_eq!(whole(text, &INCLUSIVE), expected);
    }

    #[test]
    fn characters_are_written_in_one_way() {
        let text = "<doc>\r\n<text>First line&#x0d;&#10;Second line</text>\
                    <value>&#x32;</value><compute><![CDATA[value>\"0\" && value<\"10\" ?\"valid\":\"error\"]]></compute>\
                    <e a=\"&#9;&lt;&quot;\n'\"/></doc>";
        let expected = "<doc>\n<text>First line&#xD;\nSecond line</text><value>2</value>\
                        <compute>value&gt;\"0\" &amp;&amp; value&lt;\"10\" ?\"valid\":\"error\"</compute>\
                        <e a=\"&#x9;&lt;&quot; '\"></e></doc>";
        assert_eq!(whole(text, &INCLUSIVE), expected);
    }

    #[test]
    fn a_piece_takes_its_namespaces_with_it() {
        let text = "<n0:local xmlns:n0=\"foo:bar\" xmlns:n3=\"ftp://example.org\" xml:lang=\"pt\"><n1:elem2 \
                    xmlns:n1=\"http://example.net\" n1:a=\"1\"><n3:stuff/></n1:elem2></n0:local>";
        let exclusive = "<n1:elem2 xmlns:n1=\"http://example.net\" n1:a=\"1\"><n3:stuff xmlns:n3=\"ftp://example.org\">\
                         </n3:stuff></n1:elem2>";
        assert_eq!(inner(text, Form::Exclusive(Vec::new())), exclusive);
        let inclusive = "<n1:elem2 xmlns:n0=\"foo:bar\" xmlns:n1=\"http://example.net\" xmlns:n3=\"ftp://example.org\" \
                         n1:a=\"1\" xml:lang=\"pt\"><n3:stuff></n3:stuff></n1:elem2>";
        assert_eq!(inner(text, Form::Inclusive), inclusive);
        let listed = "<n1:elem2 xmlns:n0=\"foo:bar\" xmlns:n1=\"http://example.net\" n1:a=\"1\"><n3:stuff \
                      xmlns:n3=\"ftp://example.org\"></n3:stuff></n1:elem2>";
        assert_eq!(inner(text, Form::Exclusive(vec!["n0".into()])), listed);
    }

    /// With a look through all pieces at each element this takes minutes.
    #[test]
    fn as_many_foreign_elements_as_a_document_may_have_cost_one_walk() {
        let text = format!("<a>{}</a>", "<b>1</b>".repeat(99_000));
        let wanted: Vec<_> = read_tree(&text).unwrap().children.iter().map(|child| child.from..child.to).collect();
        let pieces = Pieces { wanted: &wanted, without: &[], inside: "", whole: false };
        let kept = canonical(&text, &pieces, &Method::exclusive()).unwrap();
        assert!(kept.len() == 99_000 && kept.iter().all(|piece| piece == "<b>1</b>"));
    }

    #[test]
    fn what_grows_beyond_its_bounds_is_refused() {
        let text = |attributes: String| format!("<a{attributes}/>");
        let fails = |text: &str| {
            let wanted = 0..text.len();
            canonical(text, &Pieces { wanted: from_ref(&wanted), without: &[], inside: "", whole: true }, &INCLUSIVE)
                .is_err()
        };
        assert!(fails(&text((0..100).map(|n| format!(" xmlns:p{n}=\"urn:{n}\"")).collect())));
        assert!(fails(&text((0..1000).map(|n| format!(" a{n}=\"\"")).collect())));
        assert!(fails("<p:a/>") && fails("<a xmlns:p=\"\"/>"));
    }
}
