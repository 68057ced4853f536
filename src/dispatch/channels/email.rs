//! E-mail over SMTP (`lettre`): one recipient a message, connections bounded by the caller's window.

use std::sync::Arc;
use std::time::Duration;

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::PoolConfig;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use super::{Body, Done, Job, Row, part_end};
use crate::clock::Instant;
use crate::config::Mail;
use crate::dispatch::content::Letter;
use crate::dispatch::decide::Outcome;
use crate::dispatch::retry::Code;

/// For each command; RFC 5321, section 4.5.3.2, allows minutes, but a warning cannot wait for them.
const TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    /// Right-hand side of message ids.
    domain: String,
}

impl Mailer {
    /// # Errors
    /// Says which key is wrong.
    pub fn new(mail: &Mail) -> Result<Self, String> {
        let from: Mailbox = mail.from.parse().map_err(|error| format!("configuration key `mail.from`: {error}"))?;
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(&mail.url)
            .map_err(|error| format!("configuration key `mail.url`: {error}"))?
            .pool_config(PoolConfig::new().max_size(mail.concurrency))
            .timeout(Some(TIMEOUT))
            .build();
        let domain = from.email.domain().to_owned();
        Ok(Self { transport, from, domain })
    }

    /// Hands one letter over.
    pub async fn send(self: Arc<Self>, job: Job, now: Instant) -> Done {
        let (outcome, message_id) = match &job.body {
            Body::Letter(letter) => match self.message(&job.row, letter, now) {
                Ok((message, id)) => (self.hand_over(message).await, Some(id)),
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
        let id = format!("{}@{}", row.key, self.domain);
        let mut message = Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(&letter.subject)
            .date(now.into())
            .message_id(Some(format!("<{id}>")))
            .multipart(MultiPart::alternative_plain_html(letter.text.clone(), letter.html.clone()))
            .map_err(|error| error.to_string())?;
        // RFC 3834, section 5: no holiday notice answers a warning.
        let name = HeaderName::new_from_ascii_str("Auto-Submitted");
        message.headers_mut().insert_raw(HeaderValue::new(name, "auto-generated".to_owned()));
        Ok((message, id))
    }

    async fn hand_over(&self, message: Message) -> Outcome {
        let Err(error) = self.transport.send(message).await else { return Outcome::Accepted };
        let detail = one_line(&error);
        if let Some(code) = error.status() {
            return Outcome::Refused { code: Code::Smtp(u16::from(code)), detail };
        }
        // The library tells a failed connect from a broken dialogue only in words.
        if error.is_tls() || error.is_transport_shutdown() || error.to_string().starts_with("Connection error") {
            Outcome::NotSent { detail }
        } else {
            Outcome::Unknown { detail }
        }
    }
}

fn one_line(error: &lettre::transport::smtp::Error) -> String {
    let mut text = error.to_string().replace(['\r', '\n'], " ");
    text.truncate(text.char_indices().nth(300).map_or(text.len(), |(at, _)| at));
    text
}
