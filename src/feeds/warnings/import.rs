//! CAP that a person brings: a file, what lies at an address, or a text. A look says what it is, where it maps, what is known of
//! it already and what is wrong with it; keeping it is the same work without the way back.

use axum::http::{HeaderValue, Request, StatusCode, header};
use bytes::Bytes;
use serde::Serialize;
use serde_json::json;
use sqlx::{Connection as _, PgConnection};
use url::Url;

use super::link::Link;
use super::listing::{self, Listing};
use super::shown::{self, Covered, Shown, Twin, Wish};
use super::store::{self, Kept};
use super::take::{self, Fate, Taken};
use super::trust::{Origin, Trust};
use super::{LinkedHow, Problem, Warning, Way};
use crate::accounts::tokens::desk::Acting;
use crate::alerts::cap::{validate, xml};
use crate::audit::{self, Act, Entry};
use crate::config::Config;
use crate::outbound::{Client, OutboundError};

/// Bytes of one document. National alerts with every polygon stay below a megabyte; an envelope may hold some dozens.
pub const MAX_BYTES: usize = xml::MAX_BYTES;
/// Broken rules that are told of one message.
const MAX_FLAWS: usize = 50;
/// Links of a list that are told.
const MAX_LINKS: usize = 100;
/// Where the relative links of a file would lead: nowhere.
const NOWHERE: &str = "https://no-address.invalid/";

/// A document and where it came from.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    pub body: &'a [u8],
    pub way: Way,
    /// A file's name, or the address.
    pub name: &'a str,
    /// Whose words they are: the name of a feed of CAP, or [`super::BY_HAND`].
    pub source: &'a str,
}

#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It is no XML, or neither CAP nor a list of it.
    #[error("{0}")]
    Document(Problem),
    #[error("the document has {0} bytes; at most {MAX_BYTES} are read")]
    TooLarge(usize),
    #[error("there is no source of CAP messages called {0:?}")]
    Source(String),
    #[error("the reading of the document ended early")]
    Ended,
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
}

/// What became, or would become, of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum What {
    New,
    /// It lay in quarantine, and its signature is good now.
    Released,
    /// The same bytes were kept before.
    Known,
    Refused,
}

/// A rule of CAP 1.2 that a message breaks. Such a message is kept all the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Flaw {
    /// Such as "alert/info[1]/area[2]/polygon[1]".
    pub path: String,
    pub message: String,
}

/// A warning that a message replaces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Replaced {
    pub id: i64,
    pub identifier: String,
    /// How that is known: references, revision, same_event_and_area, same_event_and_municipality.
    #[schema(value_type = String)]
    pub how: LinkedHow,
}

/// One message of a document.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Brought {
    pub what: What,
    /// The warning, once it is kept.
    pub id: Option<i64>,
    pub identifier: String,
    pub sender: String,
    /// Why it is refused; empty otherwise.
    pub why: String,
    pub status: String,
    pub msg_type: String,
    pub event: String,
    pub headline: String,
    pub severity: String,
    pub signature: String,
    pub signed_by: String,
    pub signature_why: String,
    /// Kept apart and never acted upon, because its source has to sign.
    pub quarantined: bool,
    /// Why it is for this town (geocode, polygon, circle); empty when it is not.
    pub for_us_by: Vec<String>,
    pub coverage: Vec<Covered>,
    pub replaces: Vec<Replaced>,
    /// Other messages under the same identifier.
    pub twins: Vec<Twin>,
    pub flaws: Vec<Flaw>,
    /// The whole of it, for pages.
    #[serde(skip)]
    pub shown: Option<Shown>,
}

/// What a document came to.
#[derive(Clone, Debug, Default, Serialize, utoipa::ToSchema)]
#[schema(as = WarningImport)]
pub struct Outcome {
    /// Nothing of it was kept: it was only looked at.
    pub dry_run: bool,
    pub messages: Vec<Brought>,
    /// What of the document could not be read.
    #[schema(value_type = Vec<Object>)]
    pub problems: Vec<Problem>,
    /// Of a list: where messages lie that it does not hold itself.
    pub links: Vec<String>,
}

impl Outcome {
    pub fn count(&self, what: What) -> usize {
        self.messages.iter().filter(|message| message.what == what).count()
    }

    /// Whether keeping it would change anything.
    pub fn brings_something(&self) -> bool {
        self.messages.iter().any(|message| matches!(message.what, What::New | What::Released))
    }
}

/// Looks at a document (`dry_run`), or keeps its messages with an entry in the audit.
///
/// # Errors
/// See [`ImportError`]; then nothing of it is kept.
pub async fn bring(
    conn: &mut PgConnection,
    config: &Config,
    by: Acting<'_>,
    given: Given<'_>,
    dry_run: bool,
) -> Result<Outcome, ImportError> {
    if given.body.len() > MAX_BYTES {
        return Err(ImportError::TooLarge(given.body.len()));
    }
    let trust = Trust::named(config, given.source).ok_or_else(|| ImportError::Source(given.source.to_owned()))?;
    let is_address = given.way == Way::Url;
    let base = if is_address { given.name } else { NOWHERE };
    let (found, flaws) = read(given.body.to_vec(), base.to_owned()).await?;
    let name: String = given.name.chars().take(500).collect();
    let origin = Origin { source: given.source, way: given.way, name: &name, by: &by.actor.name, trust: &trust };
    let mut tx = conn.begin().await?;
    let taken = take::take(&mut tx, by.now, &origin, &found.parsed.warnings).await?;
    let fresh = taken.fresh();
    store::relate(&mut tx, by.now, &config.municipality.ibge_code, &fresh).await?;
    let mut messages = Vec::new();
    for ((warning, fate), flaws) in found.parsed.warnings.iter().zip(&taken.fates).zip(flaws) {
        messages.push(Brought { flaws, ..told(&mut tx, by, warning, fate, &taken.links).await? });
    }
    let links = found.links.into_iter().map(|link| link.url).filter(|url| !url.starts_with(NOWHERE)).take(MAX_LINKS);
    let mut outcome = Outcome { dry_run, messages, problems: found.parsed.problems, links: links.collect() };
    if dry_run {
        tx.rollback().await?;
        outcome.forget_new_ids();
    } else {
        record(&mut tx, by, &origin, &outcome, &taken).await?;
        take::tell(&mut tx, !fresh.is_empty()).await?;
        tx.commit().await?;
    }
    Ok(outcome)
}

/// Reads a document: its messages, the oldest first, each with its flaws. Away from the async threads, because a large one takes
/// a while and nobody else is to wait for it.
async fn read(body: Vec<u8>, base: String) -> Result<(Listing, Vec<Vec<Flaw>>), ImportError> {
    let work = move || {
        let mut found = listing::parse(&body, &base)?;
        found.parsed.warnings.sort_by_key(|warning| (warning.sent_at, warning.revision));
        let flaws = found.parsed.warnings.iter().map(|warning| flaws(&warning.raw)).collect();
        Ok((found, flaws))
    };
    tokio::task::spawn_blocking(work).await.map_err(|_| ImportError::Ended)?.map_err(ImportError::Document)
}

/// [`flaws`] of a message that is kept, away from the async threads. INMET's list is no CAP, and breaks no rule of it.
///
/// # Errors
/// When the work ended early.
pub async fn flaws_aside(raw: Vec<u8>) -> Result<Vec<Flaw>, ImportError> {
    if raw.starts_with(b"{") {
        return Ok(Vec::new());
    }
    tokio::task::spawn_blocking(move || flaws(&raw)).await.map_err(|_| ImportError::Ended)
}

impl Outcome {
    /// What was rolled back has no id.
    fn forget_new_ids(&mut self) {
        let gone: Vec<i64> =
            self.messages.iter().filter(|message| message.what == What::New).filter_map(|message| message.id).collect();
        for message in &mut self.messages {
            message.id = message.id.filter(|id| !gone.contains(id));
            message.twins.retain(|twin| !gone.contains(&twin.id));
            message
                .replaces
                .iter_mut()
                .filter(|replaced| gone.contains(&replaced.id))
                .for_each(|replaced| replaced.id = 0);
        }
    }
}

async fn told(
    conn: &mut PgConnection,
    by: Acting<'_>,
    warning: &Warning,
    fate: &Fate,
    links: &[Link],
) -> sqlx::Result<Brought> {
    let mut brought = Brought {
        what: What::Refused,
        id: None,
        identifier: warning.identifier.clone(),
        sender: warning.sender.clone(),
        why: String::new(),
        status: warning.status.to_string(),
        msg_type: warning.msg_type.to_string(),
        event: warning.event.clone(),
        headline: warning.headline.clone(),
        severity: warning.severity.to_string(),
        signature: String::new(),
        signed_by: String::new(),
        signature_why: String::new(),
        quarantined: false,
        for_us_by: Vec::new(),
        coverage: Vec::new(),
        replaces: Vec::new(),
        twins: Vec::new(),
        flaws: Vec::new(),
        shown: None,
    };
    let (kept, signed) = match fate {
        Fate::Kept(kept, signed) => (*kept, signed),
        Fate::Own => {
            "is a message of this installation itself".clone_into(&mut brought.why);
            return Ok(brought);
        }
        Fate::Refused(problem) => {
            brought.why = problem.to_string();
            return Ok(brought);
        }
    };
    brought.what = match kept {
        Kept::New(_) => What::New,
        Kept::Released(_) => What::Released,
        Kept::Known(_) => What::Known,
    };
    brought.id = Some(kept.id());
    brought.signature = signed.signature.to_string();
    (brought.signed_by, brought.signature_why) = (signed.by.clone(), signed.why.clone());
    brought.quarantined = signed.is_quarantined;
    let wish = Wish { only: Some(kept.id()), limit: 1, ..Wish::default() };
    if let Some(shown) = shown::list(&mut *conn, by.now, wish).await?.pop() {
        (brought.for_us_by, brought.coverage) = (shown.for_us_by.clone(), shown.coverage.0.clone());
        brought.shown = Some(shown);
    }
    brought.twins = shown::twins(&mut *conn, kept.id()).await?;
    for link in links.iter().filter(|link| link.newer == kept.id()) {
        let wish = Wish { only: Some(link.older), limit: 1, ..Wish::default() };
        let older = shown::list(&mut *conn, by.now, wish).await?.pop();
        let identifier = older.map(|older| older.identifier).unwrap_or_default();
        brought.replaces.push(Replaced { id: link.older, identifier, how: link.how });
    }
    Ok(brought)
}

/// Every rule of CAP 1.2 that a message breaks, as the strict reader of our own messages finds them.
pub fn flaws(raw: &[u8]) -> Vec<Flaw> {
    let read = xml::decode(raw).and_then(|text| xml::parse(&text));
    let mut flaws: Vec<Flaw> = match read {
        Ok(alert) => {
            let found = validate::check(&alert).into_iter();
            found.map(|problem| Flaw { path: problem.path, message: problem.message }).collect()
        }
        Err(xml::CapError::Field { path, message }) => vec![Flaw { path, message }],
        Err(error) => vec![Flaw { path: "alert".into(), message: error.to_string() }],
    };
    flaws.truncate(MAX_FLAWS);
    flaws
}

async fn record(
    conn: &mut PgConnection,
    by: Acting<'_>,
    origin: &Origin<'_>,
    outcome: &Outcome,
    taken: &Taken,
) -> sqlx::Result<()> {
    if !outcome.brings_something() {
        return Ok(());
    }
    let brought = outcome.messages.iter().filter(|message| matches!(message.what, What::New | What::Released));
    let brought: Vec<_> = brought
        .take(50)
        .map(|message| {
            json!({ "warning": message.id, "identifier": message.identifier, "sender": message.sender,
                    "status": message.status, "signature": message.signature, "quarantined": message.quarantined })
        })
        .collect();
    let facts = json!({ "way": origin.way, "name": origin.name, "source": origin.source, "kept": taken.fresh().len(),
        "known": outcome.count(What::Known), "refused": outcome.count(What::Refused), "messages": brought });
    let entry = Entry::new(Act::WarningImport, "warning", origin.source).to(facts);
    audit::record(conn, by.ids, by.now, by.actor, entry).await
}

/// Why nothing was fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error("expected an address that begins with https:// or http://, at most 2000 characters long")]
    Address,
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    #[error("the server answers with the status {0}")]
    Status(StatusCode),
}

/// Fetches what lies at an address, through the guard that keeps the service out of its own network, within its bounds of
/// time and [`MAX_BYTES`]. Gives the bytes and where they came from in the end.
///
/// # Errors
/// See [`FetchError`].
pub async fn fetch(client: &Client, address: &str) -> Result<(Bytes, String), FetchError> {
    let url = Url::parse(address.trim()).map_err(|_| FetchError::Address)?;
    if !matches!(url.scheme(), "http" | "https") || url.as_str().len() > 2000 {
        return Err(FetchError::Address);
    }
    let accept = HeaderValue::from_static("application/cap+xml, application/xml;q=0.9, */*;q=0.1");
    let request = Request::get(url.as_str()).header(header::ACCEPT, accept).body(Vec::new());
    let answer = client.send(request.map_err(|_| FetchError::Address)?, MAX_BYTES).await?;
    if answer.status != StatusCode::OK {
        return Err(FetchError::Status(answer.status));
    }
    Ok((answer.body, answer.url.into()))
}

impl From<ImportError> for crate::web::error::ApiError {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Document(problem) => Self::field(problem.field, problem.value, problem.message),
            ImportError::TooLarge(_) => Self::TooLarge,
            ImportError::Source(ref source) => Self::field("source", source.clone(), error.to_string()),
            ImportError::Ended => Self::Internal(anyhow::Error::from(error)),
            ImportError::Database(error) => error.into(),
        }
    }
}
