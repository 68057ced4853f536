//! The model to XML: the element order of the schema, two spaces of indent, the same bytes for the same message.

use std::fmt::{Display, Write as _};

use quick_xml::escape::partial_escape;

use super::model::{Area, CapAlert, Foreign, Info, NAMESPACE, NamedValue, Reference, Resource};

struct Xml {
    text: String,
    depth: usize,
}

impl Xml {
    fn indent(&mut self) {
        self.text.extend(std::iter::repeat_n("  ", self.depth));
    }

    fn leaf(&mut self, name: &str, value: impl Display) {
        let value = without_controls(&value.to_string());
        self.indent();
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "<{name}>{}</{name}>", partial_escape(value));
    }

    fn maybe(&mut self, name: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.leaf(name, value);
        }
    }

    fn many(&mut self, name: &str, values: impl IntoIterator<Item = impl Display>) {
        for value in values {
            self.leaf(name, value);
        }
    }

    fn group(&mut self, name: &str, inside: impl FnOnce(&mut Self)) {
        self.indent();
        let _ = writeln!(self.text, "<{name}>");
        self.depth += 1;
        inside(self);
        self.depth -= 1;
        self.indent();
        let _ = writeln!(self.text, "</{name}>");
    }

    fn named(&mut self, name: &str, values: &[NamedValue]) {
        for pair in values {
            self.group(name, |xml| {
                xml.leaf("valueName", &pair.name);
                xml.leaf("value", &pair.value);
            });
        }
    }

    fn foreign(&mut self, elements: &[Foreign]) {
        for element in elements {
            self.indent();
            self.text.push_str(element.as_str());
            self.text.push('\n');
        }
    }
}

/// XML 1.0 has no way to write most control characters, not even escaped (section 2.2).
pub(super) const fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

pub(super) fn without_controls(text: &str) -> String {
    text.chars().filter(|c| is_xml_char(*c)).collect()
}

/// A whole document, UTF-8, ending in a line feed.
pub fn write(alert: &CapAlert) -> String {
    let mut xml = Xml { text: String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"), depth: 1 };
    let _ = writeln!(xml.text, "<alert xmlns=\"{NAMESPACE}\">");
    xml.leaf("identifier", &alert.identifier);
    xml.leaf("sender", &alert.sender);
    xml.leaf("sent", &alert.sent);
    xml.leaf("status", alert.status);
    xml.leaf("msgType", alert.msg_type);
    xml.maybe("source", alert.source.as_ref());
    xml.leaf("scope", alert.scope);
    xml.maybe("restriction", alert.restriction.as_ref());
    xml.maybe("addresses", spaced(&alert.addresses));
    xml.many("code", &alert.codes);
    xml.maybe("note", alert.note.as_ref());
    xml.maybe("references", references(&alert.references));
    xml.maybe("incidents", spaced(&alert.incidents));
    for info in &alert.infos {
        xml.group("info", |xml| write_info(xml, info));
    }
    xml.foreign(&alert.others);
    xml.text.push_str("</alert>\n");
    xml.text
}

fn write_info(xml: &mut Xml, info: &Info) {
    xml.maybe("language", info.language.as_ref());
    xml.many("category", &info.categories);
    xml.leaf("event", &info.event);
    xml.many("responseType", &info.response_types);
    xml.leaf("urgency", info.urgency);
    xml.leaf("severity", info.severity);
    xml.leaf("certainty", info.certainty);
    xml.maybe("audience", info.audience.as_ref());
    xml.named("eventCode", &info.event_codes);
    xml.maybe("effective", info.effective.as_ref());
    xml.maybe("onset", info.onset.as_ref());
    xml.maybe("expires", info.expires.as_ref());
    xml.maybe("senderName", info.sender_name.as_ref());
    xml.maybe("headline", info.headline.as_ref());
    xml.maybe("description", info.description.as_ref());
    xml.maybe("instruction", info.instruction.as_ref());
    xml.maybe("web", info.web.as_ref());
    xml.maybe("contact", info.contact.as_ref());
    xml.named("parameter", &info.parameters);
    for resource in &info.resources {
        xml.group("resource", |xml| write_resource(xml, resource));
    }
    for area in &info.areas {
        xml.group("area", |xml| write_area(xml, area));
    }
    xml.foreign(&info.others);
}

fn write_resource(xml: &mut Xml, resource: &Resource) {
    xml.leaf("resourceDesc", &resource.description);
    xml.leaf("mimeType", &resource.mime_type);
    xml.maybe("size", resource.size.as_ref());
    xml.maybe("uri", resource.uri.as_ref());
    xml.maybe("derefUri", resource.deref_uri.as_ref());
    xml.maybe("digest", resource.digest.as_ref());
    xml.foreign(&resource.others);
}

fn write_area(xml: &mut Xml, area: &Area) {
    xml.leaf("areaDesc", &area.description);
    xml.many("polygon", &area.polygons);
    xml.many("circle", &area.circles);
    xml.named("geocode", &area.geocodes);
    xml.maybe("altitude", area.altitude.as_ref());
    xml.maybe("ceiling", area.ceiling.as_ref());
    xml.foreign(&area.others);
}

/// `addresses` and `incidents`: separated by spaces, quoted when they hold one.
fn spaced(values: &[String]) -> Option<String> {
    let quoted =
        |value: &String| if value.contains(char::is_whitespace) { format!("\"{value}\"") } else { value.clone() };
    (!values.is_empty()).then(|| values.iter().map(quoted).collect::<Vec<_>>().join(" "))
}

fn references(values: &[Reference]) -> Option<String> {
    let triple = |r: &Reference| format!("{},{},{}", r.sender, r.identifier, r.sent);
    (!values.is_empty()).then(|| values.iter().map(triple).collect::<Vec<_>>().join(" "))
}
