//! The request that tells an endpoint something.

use sqlx::PgConnection;

use super::message::{self, Alert, Happening, Request};
use super::settings::Settings;
use super::store::secret;
use super::{Endpoint, sign};
use crate::app::App;
use crate::clock::Instant;

/// What is said.
#[derive(Clone, Copy, Debug)]
pub enum Said<'a> {
    Alert(&'a Alert),
    Event(&'a Happening),
    Test,
}

/// The request, or why there can be none.
///
/// # Errors
/// What the database says.
pub async fn made(
    conn: &mut PgConnection,
    app: &App,
    now: Instant,
    endpoint: &Endpoint,
    (said, message_id): (Said<'_>, &str),
) -> sqlx::Result<Result<Request, String>> {
    let keys = match secret::valid(conn, &app.keys.service, now, endpoint.id).await? {
        Ok(keys) => keys,
        Err(error) => return Ok(Err(format!("its secret cannot be opened: {error}"))),
    };
    let public_url = app.config.public_url();
    let town = &app.config.municipality.sender_name;
    Ok(match &endpoint.settings {
        Settings::Webhook(_) if keys.is_empty() => Err("it has no key to sign with".into()),
        Settings::Webhook(webhook) => {
            let body = match said {
                Said::Alert(alert) => alert.webhook(&public_url),
                Said::Event(happening) => happening.webhook(&public_url),
                Said::Test => message::test(now, town),
            };
            Ok(signed(&webhook.url, message_id, now, &keys, body))
        }
        Settings::Chat(_) if matches!(said, Said::Event(_)) => Err("only webhooks are told of events".into()),
        Settings::Chat(chat) => {
            let text = match said {
                Said::Alert(alert) => alert.text(&public_url),
                Said::Test | Said::Event(_) => message::test_text(town),
            };
            let word = keys.first().map(|key| String::from_utf8_lossy(key).into_owned()).unwrap_or_default();
            Ok(message::chat(chat, &text, message_id, &word))
        }
        Settings::Siren(_) => Err("a siren is told by its own commands".into()),
    })
}

fn signed(url: &str, id: &str, now: Instant, keys: &[Vec<u8>], body: Vec<u8>) -> Request {
    let headers = vec![
        ("content-type".to_owned(), "application/json".to_owned()),
        ("webhook-id".to_owned(), id.to_owned()),
        ("webhook-timestamp".to_owned(), now.timestamp().to_string()),
        ("webhook-signature".to_owned(), sign::signature(keys, id, now, &body)),
    ];
    Request { method: "POST", url: url.to_owned(), headers, body, success_contains: String::new() }
}
