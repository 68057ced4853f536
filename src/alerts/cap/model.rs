//! The message as types. Lists keep their order: it is part of what was said.

use super::time::CapTime;

/// XML namespace of version 1.2.
pub const NAMESPACE: &str = "urn:oasis:names:tc:emergency:cap:1.2";

/// Media type of a CAP message (RFC 7303 `+xml`; registered use of the CAP feeds).
pub const MEDIA_TYPE: &str = "application/cap+xml";

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($variant:ident),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($variant),+ }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word of the standard; case matters.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant)),+ }
            }

            /// Every word, for messages.
            pub(super) const WORDS: &'static [&'static str] = &[$(stringify!($variant)),+];

            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == word)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    )+};
}

words! {
    Status { Actual, Exercise, System, Test, Draft }
    MsgType { Alert, Update, Cancel, Ack, Error }
    Scope { Public, Restricted, Private }
    Category { Geo, Met, Safety, Security, Rescue, Fire, Health, Env, Transport, Infra, CBRNE, Other }
    ResponseType { Shelter, Evacuate, Prepare, Execute, Avoid, Monitor, Assess, AllClear, None }
    Urgency { Immediate, Expected, Future, Past, Unknown }
    Severity { Extreme, Severe, Moderate, Minor, Unknown }
    Certainty { Observed, Likely, Possible, Unlikely, Unknown }
}

/// A value with the very characters it was written with, which are kept: "-22.50" does not become "-22.5".
#[derive(Clone, Debug)]
pub struct Written<T> {
    value: T,
    text: String,
}

impl<T> Written<T> {
    /// As it was read.
    pub(super) const fn read(value: T, text: String) -> Self {
        Self { value, text }
    }

    pub const fn get(&self) -> &T {
        &self.value
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Equal when written alike.
impl<T> PartialEq for Written<T> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl<T> Eq for Written<T> {}

impl<T> std::fmt::Display for Written<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<f64> for Written<f64> {
    fn from(value: f64) -> Self {
        Self { value, text: value.to_string() }
    }
}

impl From<i64> for Written<i64> {
    fn from(value: i64) -> Self {
        Self { value, text: value.to_string() }
    }
}

impl From<Vec<Point>> for Written<Vec<Point>> {
    fn from(value: Vec<Point>) -> Self {
        let text = value.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        Self { value, text }
    }
}

impl From<Circle> for Written<Circle> {
    fn from(value: Circle) -> Self {
        let text = format!("{} {}", value.centre, value.radius_km);
        Self { value, text }
    }
}

/// An element that CAP 1.2 does not know, in its exclusive canonical form with its namespaces, as it stands in an element of
/// CAP. Made by reading only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign(pub(super) String);

impl Foreign {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `<alert>`. An XML signature on a message that was read is not kept: it covers the document that was read, not what is
/// written of it. `signature::verify` judges it on the document.
#[derive(Clone, Debug, PartialEq)]
pub struct CapAlert {
    pub identifier: String,
    pub sender: String,
    pub sent: CapTime,
    pub status: Status,
    pub msg_type: MsgType,
    pub source: Option<String>,
    pub scope: Scope,
    pub restriction: Option<String>,
    pub addresses: Vec<String>,
    pub codes: Vec<String>,
    pub note: Option<String>,
    pub references: Vec<Reference>,
    pub incidents: Vec<String>,
    pub infos: Vec<Info>,
    pub others: Vec<Foreign>,
}

/// One earlier message: `sender,identifier,sent`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    pub sender: String,
    pub identifier: String,
    /// Exactly as that message wrote it.
    pub sent: CapTime,
}

/// `<info>`: what is said, in one language.
#[derive(Clone, Debug, PartialEq)]
pub struct Info {
    /// RFC 3066 tag; absent means en-US.
    pub language: Option<String>,
    pub categories: Vec<Category>,
    pub event: String,
    pub response_types: Vec<ResponseType>,
    pub urgency: Urgency,
    pub severity: Severity,
    pub certainty: Certainty,
    pub audience: Option<String>,
    pub event_codes: Vec<NamedValue>,
    pub effective: Option<CapTime>,
    pub onset: Option<CapTime>,
    pub expires: Option<CapTime>,
    pub sender_name: Option<String>,
    pub headline: Option<String>,
    pub description: Option<String>,
    pub instruction: Option<String>,
    pub web: Option<String>,
    pub contact: Option<String>,
    pub parameters: Vec<NamedValue>,
    pub resources: Vec<Resource>,
    pub areas: Vec<Area>,
    pub others: Vec<Foreign>,
}

/// `valueName` and `value` of an eventCode, parameter or geocode, with the space around them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedValue {
    pub name: String,
    pub value: String,
}

impl NamedValue {
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into() }
    }
}

/// `<resource>`: a file beside the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    pub description: String,
    pub mime_type: String,
    /// Bytes, about.
    pub size: Option<Written<i64>>,
    pub uri: Option<String>,
    /// The content in base64, only on one-way links.
    pub deref_uri: Option<String>,
    /// SHA-1 in hexadecimal.
    pub digest: Option<String>,
    pub others: Vec<Foreign>,
}

/// `<area>`: the union of all its shapes.
#[derive(Clone, Debug, PartialEq)]
pub struct Area {
    pub description: String,
    /// Closed rings.
    pub polygons: Vec<Written<Vec<Point>>>,
    pub circles: Vec<Written<Circle>>,
    pub geocodes: Vec<NamedValue>,
    /// Feet above mean sea level, as the standard has it.
    pub altitude: Option<Written<f64>>,
    /// Feet above mean sea level.
    pub ceiling: Option<Written<f64>>,
    pub others: Vec<Foreign>,
}

/// WGS 84, degrees. CAP writes the latitude first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub lat: f64,
    pub lon: f64,
}

impl std::fmt::Display for Point {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{},{}", self.lat, self.lon)
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Circle {
    pub centre: Point,
    pub radius_km: f64,
}
