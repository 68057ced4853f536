//! What a gateway tells by itself: receipts, and messages of people.

use serde_json::Value;
use url::form_urlencoded;

use super::Wrong;
use super::field::{Field, Said};
use super::signature::Guard;
use crate::config::{HttpCallbacks, HttpMessages, HttpReceipts};
use crate::dispatch::decide::Fate;
use crate::dispatch::receipts::{Receipt, clean, normal_id};
use crate::dispatch::store::receipt::Incoming;

/// Receipts or messages in one call at most.
pub const MOST: usize = 1000;

/// A request as it came.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    pub query: &'a str,
    /// The body is JSON, and otherwise a form.
    pub is_json: bool,
    pub body: &'a [u8],
}

impl Call<'_> {
    /// A parameter of the address.
    pub fn in_address(&self, name: &str) -> Option<String> {
        let mut pairs = form_urlencoded::parse(self.query.as_bytes());
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// The fields of a form.
    pub fn in_body(&self) -> Vec<(String, String)> {
        if self.is_json { Vec::new() } else { form_urlencoded::parse(self.body).into_owned().collect() }
    }
}

/// Why a call is not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Odd {
    #[error("the body is no JSON: {0}")]
    Json(String),
    #[error("{0:?} is no list in the body")]
    List(String),
    #[error("more than {MOST} at once")]
    Many,
}

#[derive(Clone, Debug)]
pub struct Callbacks {
    pub guard: Guard,
    pub receipts: Option<Receipts>,
    pub messages: Option<Messages>,
}

#[derive(Clone, Debug)]
pub struct Receipts {
    list: String,
    message_id: Field,
    status: Field,
    error: Option<Field>,
    to: Option<Field>,
    delivered: Vec<String>,
    undelivered: Vec<String>,
    dead: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct Messages {
    list: String,
    from: Field,
    text: Field,
}

impl Callbacks {
    /// # Errors
    /// Names the key, its value, and what was expected.
    pub fn new(config: &HttpCallbacks) -> Result<Self, Wrong> {
        Ok(Self {
            guard: Guard::new(config)?,
            receipts: config.receipts.as_ref().map(Receipts::new).transpose()?,
            messages: config.messages.as_ref().map(Messages::new).transpose()?,
        })
    }
}

impl Receipts {
    fn new(config: &HttpReceipts) -> Result<Self, Wrong> {
        let key = |name: &str| format!("callbacks.receipts.{name}");
        if config.delivered.is_empty() {
            return Err(Wrong::new(key("delivered"), "[]", "the values that mean delivered"));
        }
        Ok(Self {
            list: config.list.clone(),
            message_id: Field::needed(&key("message_id"), &config.message_id)?,
            status: Field::needed(&key("status"), &config.status)?,
            error: Field::read(&key("error"), &config.error)?,
            to: Field::read(&key("to"), &config.to)?,
            delivered: config.delivered.clone(),
            undelivered: config.undelivered.clone(),
            dead: config.dead.clone(),
        })
    }

    /// An element without an id is kept as it came and says nothing; the others count.
    ///
    /// # Errors
    /// What is not understood as a whole; then nothing of the call is taken.
    pub fn read(&self, call: &Call<'_>) -> Result<Vec<Incoming>, Odd> {
        each(call, &self.list, |said, raw| {
            let id = self.message_id.of(said).map(|id| normal_id(&id)).filter(|id| !id.is_empty());
            let Some(message_id) = id else { return untold(raw, String::new()) };
            let status = self.status.of(said).unwrap_or_default();
            let error = self.error.as_ref().and_then(|field| field.of(said)).unwrap_or_default();
            let fate = match () {
                () if self.delivered.contains(&status) => Fate::Delivered,
                () if self.undelivered.contains(&status) => Fate::Undelivered,
                () => Fate::OnItsWay,
            };
            let is_dead = fate == Fate::Undelivered && (self.dead.contains(&error) || self.dead.contains(&status));
            let told = clean(&if error.is_empty() { status } else { format!("{status} {error}") });
            let receipt = Receipt { message_id, fate, error: told, is_dead, is_unmarked: false };
            let address = self.to.as_ref().and_then(|field| field.of(said)).map_or_else(String::new, |to| clean(&to));
            Incoming { raw, address, receipt: Some(receipt), words: String::new(), part: None }
        })
    }
}

impl Messages {
    fn new(config: &HttpMessages) -> Result<Self, Wrong> {
        Ok(Self {
            list: config.list.clone(),
            from: Field::needed("callbacks.messages.from", &config.from)?,
            text: Field::needed("callbacks.messages.text", &config.text)?,
        })
    }

    /// An element without a sender or a text is kept as it came, without words; the others count.
    ///
    /// # Errors
    /// As [`Receipts::read`].
    pub fn read(&self, call: &Call<'_>) -> Result<Vec<Incoming>, Odd> {
        each(call, &self.list, |said, raw| {
            let of = |field: &Field| field.of(said).map(|text| clean(&text)).filter(|text| !text.is_empty());
            match (of(&self.from), of(&self.text)) {
                (Some(address), Some(words)) => Incoming { raw, address, receipt: None, words, part: None },
                (address, _) => untold(raw, address.unwrap_or_default()),
            }
        })
    }
}

/// Something that came and is not understood.
const fn untold(raw: Vec<u8>, address: String) -> Incoming {
    Incoming { raw, address, receipt: None, words: String::new(), part: None }
}

/// Each element, with its own bytes.
fn each(call: &Call<'_>, list: &str, read: impl Fn(Said<'_>, Vec<u8>) -> Incoming) -> Result<Vec<Incoming>, Odd> {
    if !call.is_json {
        let mut pairs = call.in_body();
        pairs.extend(form_urlencoded::parse(call.query.as_bytes()).into_owned());
        let raw = [call.query.as_bytes(), b"\n", call.body].concat();
        return Ok(vec![read(Said::Form(&pairs), raw)]);
    }
    let whole: Value = serde_json::from_slice(call.body).map_err(|error| Odd::Json(error.to_string()))?;
    if list.is_empty() {
        return Ok(vec![read(Said::Json(&whole), call.body.to_vec())]);
    }
    let items = whole.pointer(list).and_then(Value::as_array).ok_or_else(|| Odd::List(list.to_owned()))?;
    if items.len() > MOST {
        return Err(Odd::Many);
    }
    Ok(items.iter().map(|item| read(Said::Json(item), item.to_string().into_bytes())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receipts(lines: &str) -> Receipts {
        Receipts::new(&toml::from_str(lines).unwrap()).unwrap()
    }

    #[test]
    fn a_list_of_receipts_is_read_element_by_element() {
        let receipts = receipts(
            "list = '/results'\nmessage_id = '/messageId'\nstatus = '/status/groupName'\nerror = '/error/id'\nto = '/to'\n\
             delivered = ['DELIVERED']\nundelivered = ['UNDELIVERABLE']\ndead = ['1']",
        );
        let body = br#"{"results":[{"messageId":"0A","to":"5532","status":{"groupName":"DELIVERED"},"error":{"id":0}},
            {"messageId":"b","status":{"groupName":"UNDELIVERABLE"},"error":{"id":1}},{"messageId":"c"}]}"#;
        let read = receipts.read(&Call { query: "", is_json: true, body }).unwrap();
        let told: Vec<_> = read.iter().map(|incoming| incoming.receipt.clone().unwrap()).collect();
        assert_eq!(told.iter().map(|r| r.message_id.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(
            told.iter().map(|r| r.fate).collect::<Vec<_>>(),
            [Fate::Delivered, Fate::Undelivered, Fate::OnItsWay]
        );
        assert_eq!((told[0].is_dead, told[1].is_dead, told[1].error.as_str()), (false, true, "UNDELIVERABLE 1"));
        assert_eq!(read[0].address, "5532");
    }

    #[test]
    fn a_form_and_an_address_are_one_receipt() {
        let receipts = receipts("message_id = 'ref'\nstatus = 'type'\ndelivered = ['1']\nundelivered = ['2', '16']");
        let call = Call { query: "ref=s7&type=2&token=t", is_json: false, body: b"" };
        let read = receipts.read(&call).unwrap();
        assert_eq!(read[0].receipt.as_ref().unwrap().fate, Fate::Undelivered);
    }

    #[test]
    fn what_is_not_understood_is_said_and_nothing_is_taken() {
        let receipts = receipts("list = '/r'\nmessage_id = '/id'\nstatus = '/s'\ndelivered = ['x']\nundelivered = []");
        let read = |body| receipts.read(&Call { query: "", is_json: true, body }).unwrap_err();
        assert!(matches!(read(b"{"), Odd::Json(_)));
        assert_eq!(read(b"{}"), Odd::List("/r".into()));
    }

    #[test]
    fn one_odd_element_is_kept_as_it_came_and_the_others_count() {
        let receipts = receipts("list = '/r'\nmessage_id = '/id'\nstatus = '/s'\ndelivered = ['x']\nundelivered = []");
        let body = br#"{"r":[{"s":"x"},7,{"id":"","s":"x"},{"id":1,"s":"x"}]}"#;
        let read = receipts.read(&Call { query: "", is_json: true, body }).unwrap();
        let ids: Vec<_> =
            read.iter().map(|came| came.receipt.as_ref().map(|receipt| receipt.message_id.clone())).collect();
        assert_eq!(ids, [None, None, None, Some("1".to_owned())]);
        assert_eq!((read[0].raw.as_slice(), read[1].raw.as_slice()), (&br#"{"s":"x"}"#[..], &b"7"[..]));
        let messages = Messages::new(&toml::from_str("list = '/r'\nfrom = '/from'\ntext = '/text'").unwrap()).unwrap();
        let body = br#"{"r":[{"from":"5532","picture":1},{"from":"5532","text":"RELATO"}]}"#;
        let read = messages.read(&Call { query: "", is_json: true, body }).unwrap();
        let said: Vec<_> = read.iter().map(|came| (came.address.as_str(), came.words.as_str())).collect();
        assert_eq!(said, [("5532", ""), ("5532", "RELATO")]);
    }
}
