//! Letters to staff about their own accounts. They go the way of every notice: written in the transaction of what they tell,
//! sent by the dispatch, wiped afterwards.

use chrono::TimeDelta;
use sqlx::PgConnection;

use super::store::doors::LinkKind;
use super::store::people::Person;
use crate::app::App;
use crate::config::Config;
use crate::dispatch::notices::{self, Notice};
use crate::dispatch::provider::Channel;
use crate::i18n::Lang;

/// What has happened to an account that its owner should hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    PasswordChanged,
    FactorSet,
    FactorRemoved,
    FactorReset,
    ManyFailures,
}

impl Event {
    /// The text is `mail-KEY`.
    const fn key(self) -> &'static str {
        match self {
            Self::PasswordChanged => "mail-password-changed",
            Self::FactorSet => "mail-factor-set",
            Self::FactorRemoved => "mail-factor-removed",
            Self::FactorReset => "mail-factor-reset",
            Self::ManyFailures => "mail-many-failures",
        }
    }
}

/// Whether letters with links reach anybody. Without a mail server they would lie in the outbox's page, where every operator
/// could open an administrator's link; only a demonstration shows them there.
pub fn is_possible(config: &Config) -> bool {
    !config.mail.url.is_empty() || !config.demo.notice.is_empty()
}

/// Where a link leads.
pub fn link(config: &Config, kind: LinkKind, token: &str) -> String {
    let page = match kind {
        LinkKind::Invitation => "invitation",
        LinkKind::Reset => "reset",
        LinkKind::Setup => "setup",
    };
    format!("{}/console/{page}?token={token}", config.public_url())
}

/// Sends somebody their link. False when they have no address or no letter can leave.
pub async fn send_link(
    conn: &mut PgConnection,
    app: &App,
    to: &Person,
    kind: LinkKind,
    token: &str,
) -> sqlx::Result<bool> {
    let (subject, lead) = match kind {
        LinkKind::Invitation => ("mail-invitation-subject", "mail-invitation"),
        LinkKind::Reset | LinkKind::Setup => ("mail-reset-subject", "mail-reset"),
    };
    if !is_possible(&app.config) {
        return Ok(false);
    }
    let lang = Lang::from_tag(&to.language).unwrap_or_default();
    let town = &app.config.municipality;
    let body = [
        lang.t1("mail-hello", "name", &to.name),
        lang.t2(lead, "authority", &town.sender_name, "town", &town.name),
        link(&app.config, kind, token),
        lang.t1("mail-username", "username", &to.username),
        lang.t("mail-not-you"),
    ];
    let (subject, body) = (lang.t1(subject, "authority", &town.sender_name), body.join("\n\n"));
    let purpose = if kind == LinkKind::Invitation { "staff_invitation" } else { "password_reset" };
    queue(conn, app, to, (purpose, &subject, &body), kind.lasts()).await
}

/// Tells somebody what happened to their account. False when they have no address.
pub async fn tell(conn: &mut PgConnection, app: &App, to: &Person, event: Event) -> sqlx::Result<bool> {
    let lang = Lang::from_tag(&to.language).unwrap_or_default();
    let town = &app.config.municipality;
    let body = [
        lang.t1("mail-hello", "name", &to.name),
        lang.t1(event.key(), "authority", &town.sender_name),
        lang.t1("mail-account", "url", format!("{}/console/account", app.config.public_url())),
        lang.t("mail-was-not-you"),
    ];
    let subject = lang.t1("mail-account-subject", "authority", &town.sender_name);
    queue(conn, app, to, ("account_event", &subject, &body.join("\n\n")), TimeDelta::hours(24)).await
}

async fn queue(
    conn: &mut PgConnection,
    app: &App,
    to: &Person,
    (purpose, subject, body): (&'static str, &str, &str),
    lasts: TimeDelta,
) -> sqlx::Result<bool> {
    let Some(address) = to.email.as_deref() else { return Ok(false) };
    let now = app.clock.now();
    let notice = Notice { channel: Channel::Email, address, subject, body, expires_at: now + lasts, purpose };
    notices::queue(conn, &app.ids, now, &notice).await?;
    Ok(true)
}
