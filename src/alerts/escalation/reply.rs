//! Answers to pages by SMS: "OK 4821", "CIENTE", "4821". The words are read by a pure function; what they answer is looked up by the
//! telephone they come from.

use chrono::TimeDelta;
use sqlx::PgConnection;

use super::How;
use super::store::reply::{self as store, Paged};
use super::store::{Seen, acknowledge};
use crate::alerts::state::AlertError;
use crate::app::App;
use crate::audit::{Actor, ActorKind, Via};
use crate::clock::Instant;
use crate::dispatch::notices::{self, Notice};
use crate::dispatch::provider::Channel;
use crate::i18n::Lang;
use crate::ids::{Ids, StaffId};
use crate::reports::words::fold;

/// Digits of a code.
const DIGITS: usize = 4;
/// What says that one has seen it. Folded: small letters without accents.
const WORDS: &[&str] = &["ok", "okay", "ciente", "recebido", "visto", "confirmo", "sim", "yes", "ack", "seen"];
/// Those that mean it without the code: people say ok and yes to many things.
const ALONE: &[&str] = &["ciente", "recebido", "visto", "confirmo", "ack", "seen"];
/// Longer than any answer: whatever is longer is something else.
const LONGEST: usize = 40;
/// An answer is still worth reading so long after.
const ANSWER_FOR: TimeDelta = TimeDelta::hours(1);
/// Tries to find a code that no open page of the person has.
const TRIES: usize = 50;

/// What a message says to a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The code of the page; without one it answers the only page that waits.
    pub code: Option<String>,
}

/// `None` for what is no answer to a page: it has at most a word of consent and one code.
pub fn read(text: &str) -> Option<Reply> {
    if text.chars().count() > LONGEST {
        return None;
    }
    let folded = fold(text);
    // "OK4821" is what hurried thumbs write.
    let mut parts: Vec<String> = Vec::new();
    for word in folded.split_whitespace() {
        match word.find(|letter: char| letter.is_ascii_digit()) {
            Some(at) if at > 0 => parts.extend([word[..at].to_owned(), word[at..].to_owned()]),
            _ => parts.push(word.to_owned()),
        }
    }
    let is_code = |part: &str| part.len() == DIGITS && part.bytes().all(|byte| byte.is_ascii_digit());
    let codes: Vec<&String> = parts.iter().filter(|part| is_code(part)).collect();
    let has_word = parts.iter().any(|part| ALONE.contains(&part.as_str()));
    let is_all = parts.iter().all(|part| is_code(part) || WORDS.contains(&part.as_str()));
    match codes[..] {
        [] if has_word && is_all => Some(Reply { code: None }),
        [code] if is_all => Some(Reply { code: Some(code.clone()) }),
        _ => None,
    }
}

/// The page that an answer is to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answers<'a> {
    Page(&'a Paged),
    /// Several wait, and it names none.
    Which,
    /// None of them has this code.
    Unknown,
}

/// What a reply answers among the pages of one person that wait.
pub fn answers<'a>(reply: &Reply, paged: &'a [Paged]) -> Answers<'a> {
    match &reply.code {
        Some(code) => paged.iter().find(|page| page.code == *code).map_or(Answers::Unknown, Answers::Page),
        None => {
            let mut waits: Vec<uuid::Uuid> = paged.iter().map(|page| page.wait).collect();
            waits.dedup();
            match (paged.first(), waits.len()) {
                (Some(page), 1) => Answers::Page(page),
                (Some(_), _) => Answers::Which,
                (None, _) => Answers::Unknown,
            }
        }
    }
}

/// A code that no page of this person that still waits has.
///
/// # Errors
/// What the database says.
pub async fn new_code(conn: &mut PgConnection, ids: &Ids, person: StaffId) -> sqlx::Result<String> {
    let taken = store::codes(conn, person).await?;
    let mut code = String::new();
    for _ in 0..TRIES {
        code = format!("{:04}", u16::from_le_bytes(ids.bytes()) % 10_000);
        if !taken.contains(&code) {
            break;
        }
    }
    Ok(code)
}

/// Takes a message that answers a page, and says what came of it. False when it is none: it comes from no telephone of somebody who
/// was paged and waits, or is something else.
///
/// # Errors
/// What the database says.
pub async fn take(conn: &mut PgConnection, app: &App, now: Instant, (from, text): (&str, &str)) -> sqlx::Result<bool> {
    let Some(reply) = read(text) else { return Ok(false) };
    let paged = store::paged(&mut *conn, from).await?;
    let Some(first) = paged.first() else { return Ok(false) };
    let lang = Lang::from_tag(&first.language).unwrap_or_default();
    let body = match answers(&reply, &paged) {
        Answers::Page(page) => seen(&mut *conn, app, now, page).await?,
        Answers::Which => lang.t("page-reply-which"),
        Answers::Unknown => lang.t("page-reply-unknown"),
    };
    let notice = Notice {
        channel: Channel::Sms,
        address: from,
        subject: "",
        body: &body,
        expires_at: now + ANSWER_FOR,
        purpose: "alert_page_reply",
    };
    notices::queue(conn, &app.ids, now, &notice).await?;
    Ok(true)
}

/// The wait of the page is seen; gives back what to answer.
async fn seen(conn: &mut PgConnection, app: &App, now: Instant, page: &Paged) -> sqlx::Result<String> {
    let lang = Lang::from_tag(&page.language).unwrap_or_default();
    let by = Actor {
        kind: ActorKind::Staff,
        name: page.username.clone(),
        id: Some(page.person.0),
        via: Via::Public,
        address: None,
    };
    match acknowledge(conn, &app.ids, now, (&by, page.person), Seen::Wait(page.wait), How::Sms).await {
        Ok(done) if done.first => Ok(lang.t("page-reply-done")),
        Ok(done) => Ok(lang.t1("page-reply-before", "who", done.by)),
        Err(AlertError::Database(error)) => Err(error),
        // Decided meanwhile.
        Err(_) => Ok(lang.t("page-reply-over")),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn code(text: &str) -> Option<Option<String>> {
        read(text).map(|reply| reply.code)
    }

    #[test]
    fn an_answer_is_a_word_of_consent_a_code_or_both() {
        for text in ["OK 4821", "ok4821", "4821", "Ciente 4821!", "4821 ok", " Okay, 4821. ", "SIM 4821"] {
            assert_eq!(code(text), Some(Some("4821".into())), "{text}");
        }
        for text in ["ciente", "CIENTE.", "Recebido, ok"] {
            assert_eq!(code(text), Some(None), "{text}");
        }
    }

    #[test]
    fn everything_else_is_left_to_others() {
        let long = "ok ".repeat(30);
        for text in [
            "",
            "OK",
            "sim",
            "SAIR",
            "36010",
            "36010-000",
            "48210",
            "OK 4821 1234",
            "RELATO rua 4821",
            "ok barranco",
            &long,
            "não",
        ] {
            assert_eq!(code(text), None, "{text}");
        }
    }

    #[test]
    fn without_a_code_the_only_wait_is_answered_and_of_several_none() {
        let page = |wait: u128, code: &str| Paged {
            wait: Uuid::from_u128(wait),
            person: StaffId(Uuid::nil()),
            username: "ana".into(),
            language: "pt-BR".into(),
            code: code.into(),
        };
        let twice = [page(1, "1111"), page(1, "2222")];
        let bare = Reply { code: None };
        assert_eq!(answers(&bare, &twice), Answers::Page(&twice[0]), "two steps of one wait");
        let several = [page(1, "1111"), page(2, "2222")];
        assert_eq!(answers(&bare, &several), Answers::Which);
        let with = |code: &str| Reply { code: Some(code.into()) };
        assert_eq!(answers(&with("2222"), &several), Answers::Page(&several[1]));
        assert_eq!(answers(&with("3333"), &several), Answers::Unknown);
    }
}
