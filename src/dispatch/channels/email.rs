//! E-mail over SMTP (`lettre`): one recipient a message, connections bounded by the caller's window, signed by the domain where it has
//! a key.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lettre::address::Envelope;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::PoolConfig;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;

use super::{Body, Done, Job, Key, Row, part_end};
use crate::app::App;
use crate::clock::Instant;
use crate::config::{Dkim, Mail};
use crate::dispatch::bounces;
use crate::dispatch::content::{Letter, MAP_ID};
use crate::dispatch::decide::Outcome;
use crate::dispatch::dkim::Signer;
use crate::dispatch::notices;
use crate::dispatch::retry::{self, Code};
use crate::failpoint::{self, Place};
use crate::residents::unsubscribe;

/// For each command; RFC 5321, section 4.5.3.2, allows minutes, but a warning cannot wait for them.
const TIMEOUT: Duration = Duration::from_secs(30);

pub struct Mailer {
    app: App,
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    /// Where letters come back to, when not to the sender.
    bounces: Option<Address>,
    signer: Option<Signer>,
    /// Right-hand side of message ids.
    domain: String,
}

impl std::fmt::Debug for Mailer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mailer").field("from", &self.from).finish_non_exhaustive()
    }
}

impl Mailer {
    /// # Errors
    /// Says which key is wrong.
    pub fn new(app: &App) -> Result<Self, String> {
        let mail = &app.config.mail;
        let from: Mailbox = mail.from.parse().map_err(|error| format!("configuration key `mail.from`: {error}"))?;
        let bounces = Some(&mail.bounces.address).filter(|address| !address.is_empty());
        let bounces = bounces.map(|address| address.parse::<Address>()).transpose();
        let bounces = bounces.map_err(|error| format!("configuration key `mail.bounces.address`: {error}"))?;
        let domain = from.email.domain().to_lowercase();
        Ok(Self { app: app.clone(), transport: transport(mail)?, from, bounces, signer: signer(&mail.dkim)?, domain })
    }

    /// Hands one letter over.
    pub async fn send(self: Arc<Self>, job: Job, now: Instant) -> Done {
        let (outcome, message_id) = match &job.body {
            Body::Letter(letter) => match self.message(&job.row, letter, now) {
                Ok((message, id)) => (self.hand_over(&job.row, &message, now).await, Some(id)),
                // 553: "mailbox name not allowed" (RFC 5321, section 4.2.3).
                Err(detail) => (Outcome::Refused { code: Code::Smtp(553), detail }, None),
            },
            Body::Sms { .. } | Body::Impossible(_) => {
                (Outcome::Refused { code: Code::Smtp(554), detail: "not a letter".to_owned() }, None)
            }
        };
        Done { parts: vec![part_end(1, &outcome, message_id)], outcome, job }
    }

    fn message(&self, row: &Row, letter: &Letter, now: Instant) -> Result<(Message, String), String> {
        let to: Mailbox = row.address.parse().map_err(|error| format!("{:?}: {error}", row.address))?;
        // The same for each try, so that a mailbox that got it twice can show it once.
        let id = match row.key {
            Key::Outbox(row, alert) => bounces::id_of_letter(&self.app.keys.service, row, alert, &self.domain),
            Key::Notice(_) => format!("{}@{}", row.key, self.domain),
        };
        let builder = Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(&letter.subject)
            .date(now.into())
            .message_id(Some(format!("<{id}>")));
        let mut message = builder.multipart(body(letter)).map_err(|error| error.to_string())?;
        let mut put = |name: &'static str, value: String| {
            let name = HeaderName::new_from_ascii_str(name);
            message.headers_mut().insert_raw(HeaderValue::new(name, value));
        };
        // RFC 3834, section 5: no holiday notice answers a warning.
        put("Auto-Submitted", "auto-generated".to_owned());
        if let Key::Outbox(row_id, _) = row.key {
            // RFC 8058: mail programs show it as a button.
            let link = unsubscribe::link(&self.app, row_id, &row.address);
            put("List-Unsubscribe", format!("<{link}>"));
            put("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned());
        } else if let Some(link) = notices::leave_link(&letter.text, &self.app.config.public_url()) {
            put("List-Unsubscribe", format!("<{link}>"));
            put("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned());
        }
        Ok((message, id))
    }

    /// Who hears of it when it cannot be delivered: an address that names the row.
    fn envelope(&self, row: &Row, message: &Message) -> Envelope {
        let Some(bounces) = &self.bounces else { return message.envelope().clone() };
        let local = match row.key {
            Key::Outbox(id, _) => bounces::local_part(bounces.user(), &self.app.keys.service, id),
            Key::Notice(_) => bounces.user().to_owned(),
        };
        let back = Address::new(local, bounces.domain()).unwrap_or_else(|_| bounces.clone());
        let to = message.envelope().to().to_vec();
        Envelope::new(Some(back), to).unwrap_or_else(|_| message.envelope().clone())
    }

    async fn hand_over(&self, row: &Row, message: &Message, now: Instant) -> Outcome {
        let envelope = self.envelope(row, message);
        let plain = message.formatted();
        let signed = self.signer.as_ref().map(|signer| signer.sign(&plain, now)).transpose();
        let letter = match signed {
            Ok(signed) => signed.unwrap_or(plain),
            Err(error) => {
                // Unsigned it may still arrive; a warning does not wait for a key.
                tracing::error!(%error, "a letter leaves unsigned");
                plain
            }
        };
        let sent = self.transport.send_raw(&envelope, &letter).await;
        failpoint::reach(Place::SmtpDataAfter).await;
        let Err(error) = sent else { return Outcome::Accepted };
        let detail = one_line(&error);
        if let Some(code) = error.status() {
            let code = u16::from(code);
            if retry::refuses_us(code, &detail) || (code >= 500 && !self.is_let_in().await) {
                return Outcome::NotSent { detail };
            }
            return Outcome::Refused { code: Code::Smtp(code), detail };
        }
        // The library tells a failed connect from a broken dialogue only in words. What it says itself, it says before any text left.
        let is_before = error.is_client() || error.is_tls() || error.is_transport_shutdown();
        if is_before || error.to_string().starts_with("Connection error") {
            Outcome::NotSent { detail }
        } else {
            Outcome::Unknown { detail }
        }
    }

    /// Whether the server lets us in at all. The library does not say which command a refusal answers: one of the greeting, of EHLO or
    /// of the password comes again without any letter, and says nothing of the letter's reader.
    async fn is_let_in(&self) -> bool {
        self.transport.test_connection().await.is_ok()
    }
}

/// Connects to the server, with TLS and signed in as its address says, and hangs up.
///
/// # Errors
/// In one line, what failed.
pub async fn probe(mail: &Mail) -> Result<(), String> {
    match transport(mail)?.test_connection().await {
        Ok(true) => Ok(()),
        Ok(false) => Err("the server hung up".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn transport(mail: &Mail) -> Result<AsyncSmtpTransport<Tokio1Executor>, String> {
    let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(&mail.url)
        .map_err(|error| format!("configuration key `mail.url`: {error}"))?;
    Ok(builder.pool_config(PoolConfig::new().max_size(mail.concurrency)).timeout(Some(TIMEOUT)).build())
}

fn signer(dkim: &Dkim) -> Result<Option<Signer>, String> {
    if dkim.domain.is_empty() {
        return Ok(None);
    }
    let wrong = |error: String| format!("configuration key `mail.dkim.key_file`: {}: {error}", dkim.key_file.display());
    let key = read_key(&dkim.key_file).map_err(wrong)?;
    Signer::new(&dkim.domain, &dkim.selector, &key).map(Some).map_err(|error| wrong(error.to_string()))
}

fn read_key(file: &Path) -> Result<Vec<u8>, String> {
    match PrivateKeyDer::from_pem_file(file) {
        Ok(PrivateKeyDer::Pkcs8(key)) => Ok(key.secret_pkcs8_der().to_vec()),
        Ok(_) => Err("an old form of key; `openssl pkcs8 -topk8 -nocrypt` turns it into PKCS #8".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Text first; then the page, with the map where there is one.
fn body(letter: &Letter) -> MultiPart {
    let plain = SinglePart::plain(letter.text.clone());
    let page = SinglePart::html(letter.html.clone());
    let Some(map) = &letter.map else {
        return MultiPart::alternative().singlepart(plain).singlepart(page);
    };
    let kind = ContentType::parse("image/png").unwrap_or(ContentType::TEXT_PLAIN);
    let picture = Attachment::new_inline(MAP_ID.to_owned()).body(map.to_vec(), kind);
    let related = MultiPart::related().singlepart(page).singlepart(picture);
    MultiPart::alternative().singlepart(plain).multipart(related)
}

fn one_line(error: &lettre::transport::smtp::Error) -> String {
    let mut text = error.to_string().replace(['\r', '\n'], " ");
    text.truncate(text.char_indices().nth(300).map_or(text.len(), |(at, _)| at));
    text
}
