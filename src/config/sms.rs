//! SMS: who carries it, at what rate and price, and in what order.

use std::path::PathBuf;

use serde::Deserialize;

use crate::dispatch::gateway::Gateway;
use crate::secret::Secret;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sms {
    pub smpp: Vec<SmppProvider>,
    pub http: Vec<HttpProvider>,
}

/// An SMPP centre.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmppProvider {
    pub name: String,
    pub host: String,
    pub port: u16,
    pub system_id: String,
    pub password: Secret,
    pub source_addr: String,
    #[serde(default = "default_window")]
    pub window: u32,
    #[serde(default = "default_rate")]
    pub messages_per_second: u32,
    /// Without an answer after this nobody knows whether a message left.
    #[serde(default = "default_timeout")]
    pub timeout_s: u32,
    /// Smaller is asked first; equal ones share the work. None: the place in the file.
    #[serde(default)]
    pub priority: Option<u16>,
    /// Price of a segment; none: `dispatch.sms_segment_centavos`.
    #[serde(default)]
    pub segment_centavos: Option<u32>,
    /// Sessions at once, which share window and rate.
    #[serde(default = "one")]
    pub binds: u32,
    #[serde(default)]
    pub tls: bool,
    /// PEM of the authority that signed the centre's certificate. Empty: the machine's own authorities.
    #[serde(default)]
    pub tls_ca: PathBuf,
    #[serde(default)]
    pub interface_version: SmppVersion,
    /// The Portuguese table of GSM 7-bit (3GPP TS 23.038, A.2.3): accents without UCS-2.
    #[serde(default)]
    pub national_shift: bool,
    /// `priority_flag` of real warnings, 0 to 3.
    #[serde(default)]
    pub priority_flag: u8,
    /// Values of `err:` in receipts that mean that the number leads nowhere.
    #[serde(default)]
    pub dead_errors: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum SmppVersion {
    #[default]
    #[serde(rename = "3.4")]
    V34,
    #[serde(rename = "5.0")]
    V50,
}

/// For programs that make one: everything else as the file's defaults.
impl Default for SmppProvider {
    fn default() -> Self {
        Self {
            name: String::new(),
            host: String::new(),
            port: 2775,
            system_id: String::new(),
            password: "".into(),
            source_addr: String::new(),
            window: default_window(),
            messages_per_second: default_rate(),
            timeout_s: default_timeout(),
            priority: None,
            segment_centavos: None,
            binds: 1,
            tls: false,
            tls_ca: PathBuf::new(),
            interface_version: SmppVersion::V34,
            national_shift: false,
            priority_flag: 0,
            dead_errors: Vec::new(),
        }
    }
}

/// A gateway that is spoken to over HTTP, described by templates (`dispatch::gateway`).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpProvider {
    pub name: String,
    /// What stands for `{from}`.
    #[serde(default)]
    pub from: String,
    #[serde(default = "default_window")]
    pub window: u32,
    #[serde(default = "default_rate")]
    pub messages_per_second: u32,
    #[serde(default)]
    pub priority: Option<u16>,
    #[serde(default)]
    pub segment_centavos: Option<u32>,
    /// Without an answer for this long nobody knows whether the message left.
    #[serde(default = "default_timeout")]
    pub timeout_s: u32,
    /// Whether the contract's rate counts the segments of a long text, or whole messages.
    #[serde(default)]
    pub rate_counts: RateCounts,
    /// How `{to}` is written.
    #[serde(default)]
    pub number: NumberForm,
    pub request: HttpRequest,
    #[serde(default)]
    pub response: HttpResponse,
    #[serde(default)]
    pub codes: HttpCodes,
    /// What the gateway tells by itself. None: nothing is believed that comes in its name.
    #[serde(default)]
    pub callbacks: Option<HttpCallbacks>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RateCounts {
    #[default]
    Segments,
    Messages,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NumberForm {
    /// +5532988881234
    #[default]
    Plus,
    /// 5532988881234
    Digits,
    /// 32988881234; numbers of other countries as digits.
    National,
}

/// The request of one message. Texts may hold `{to}`, `{text}`, `{from}`, `{reference}`, `{callback_url}`, `{validity_s}` and
/// `{coding}`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpRequest {
    #[serde(default = "post")]
    pub method: String,
    /// Many hold a key in their path.
    pub url: Secret,
    /// Pairs, in their order.
    #[serde(default)]
    pub query: Vec<(String, Secret)>,
    #[serde(default)]
    pub headers: Vec<(String, Secret)>,
    /// HTTP Basic: "user:password".
    #[serde(default)]
    pub basic: Secret,
    /// A body of form fields …
    #[serde(default)]
    pub form: Vec<(String, Secret)>,
    /// … or of JSON.
    #[serde(default)]
    pub json: Secret,
}

/// What the answer means. A field is a JSON pointer (`/messages/0/id`) or `regex:…` with one group.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpResponse {
    #[serde(default = "accepted_statuses")]
    pub status: Vec<u16>,
    /// Besides the status: this field must hold one of `accepted`.
    #[serde(default)]
    pub success: String,
    #[serde(default)]
    pub accepted: Vec<String>,
    /// Empty: receipts name our `{reference}`.
    #[serde(default)]
    pub message_id: String,
    /// Where the gateway's own error code stands.
    #[serde(default)]
    pub code: String,
}

impl Default for HttpResponse {
    fn default() -> Self {
        Self {
            status: accepted_statuses(),
            success: String::new(),
            accepted: Vec::new(),
            message_id: String::new(),
            code: String::new(),
        }
    }
}

/// The meaning of codes and statuses that are not successes. Codes win over statuses.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpCodes {
    /// About this recipient or message: trying again cannot help.
    pub permanent: Vec<String>,
    /// Permanent, and the number leads nowhere.
    pub dead: Vec<String>,
    /// Too fast.
    pub throttled: Vec<String>,
    /// The gateway's own trouble.
    pub transient: Vec<String>,
    /// It certainly sent nothing and will send nothing for anybody: no credit, a wrong password.
    pub unusable: Vec<String>,
}

/// What the gateway sends to `/api/v1/sms/{name}/receipts` and `/api/v1/sms/{name}/messages`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpCallbacks {
    pub check: CallbackCheck,
    pub secret: Secret,
    /// The header with the token or the signature …
    #[serde(default)]
    pub header: String,
    /// … or the parameter of the address with the token.
    #[serde(default)]
    pub query: String,
    #[serde(default)]
    pub encoding: SignatureEncoding,
    #[serde(default)]
    pub receipts: Option<HttpReceipts>,
    #[serde(default)]
    pub messages: Option<HttpMessages>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallbackCheck {
    /// A word that both know.
    Token,
    /// HMAC of the body.
    HmacSha256,
    HmacSha1,
    /// HMAC-SHA1 of the address and the sorted form fields, as Twilio signs.
    Twilio,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SignatureEncoding {
    #[default]
    Hex,
    Base64,
}

/// Fields of a receipt: JSON pointers within an element, or names of form fields and parameters.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpReceipts {
    /// JSON pointer to the list of them. Empty: the whole body is one.
    #[serde(default)]
    pub list: String,
    pub message_id: String,
    pub status: String,
    #[serde(default)]
    pub error: String,
    #[serde(default)]
    pub to: String,
    pub delivered: Vec<String>,
    pub undelivered: Vec<String>,
    /// Values of `error` or `status` that mean that the number leads nowhere.
    #[serde(default)]
    pub dead: Vec<String>,
}

/// Fields of a person's message.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpMessages {
    #[serde(default)]
    pub list: String,
    pub from: String,
    pub text: String,
}

const fn default_window() -> u32 {
    32
}

const fn default_rate() -> u32 {
    100
}

const fn default_timeout() -> u32 {
    10
}

const fn one() -> u32 {
    1
}

fn post() -> String {
    "POST".to_owned()
}

fn accepted_statuses() -> Vec<u16> {
    vec![200, 201, 202]
}

/// Sessions with one centre at most; contracts allow a handful.
const MOST_BINDS: u32 = 16;

impl Sms {
    pub(super) fn check(&self, expect: &mut impl FnMut(bool, &str, &str, &str)) {
        let smpp = self.smpp.iter().map(|p| (&p.name, p.window, p.messages_per_second, p.priority));
        let http = self.http.iter().map(|p| (&p.name, p.window, p.messages_per_second, p.priority));
        let count = self.smpp.len() + self.http.len();
        let with_priority = smpp.clone().chain(http.clone()).filter(|(.., priority)| priority.is_some()).count();
        expect(
            with_priority == 0 || with_priority == count,
            "sms",
            &format!("{with_priority} of {count} providers have a priority"),
            "a priority for every SMS provider, or for none",
        );
        for (kind, all) in [("smpp", smpp.collect::<Vec<_>>()), ("http", http.collect())] {
            for (index, (name, window, rate, _)) in all.iter().enumerate() {
                let key = format!("sms.{kind}[{index}]");
                expect(*window > 0 && *rate > 0, &key, name, "window and messages_per_second above zero");
                let is_known = all[..index].iter().any(|(other, ..)| other == name);
                expect(!is_known, &format!("{key}.name"), name, "a name of its own");
            }
        }
        for (index, provider) in self.smpp.iter().enumerate() {
            let key = |name: &str| format!("sms.smpp[{index}].{name}");
            let binds = provider.binds;
            expect((1..=MOST_BINDS).contains(&binds), &key("binds"), &binds.to_string(), "1 to 16");
            let flag = provider.priority_flag;
            expect(flag <= 3, &key("priority_flag"), &flag.to_string(), "0 to 3 (SMPP 3.4, section 5.2.14)");
        }
        for (index, provider) in self.http.iter().enumerate() {
            let key = |name: &str| format!("sms.http[{index}].{name}");
            let is_path = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            let good = !provider.name.is_empty() && provider.name.bytes().all(is_path);
            expect(good, &key("name"), &provider.name, "small letters, digits and `-`: it stands in addresses");
            let seconds = provider.timeout_s;
            expect((1..=60).contains(&seconds), &key("timeout_s"), &seconds.to_string(), "1 to 60");
            if let Err(wrong) = Gateway::new(provider) {
                expect(false, &key(&wrong.key), &wrong.value, &wrong.expected);
            }
        }
    }
}
