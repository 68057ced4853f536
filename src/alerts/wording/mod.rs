//! What a draft says in each language: written from the templates, edited by people, written anew when they ask for it.
//!
//! The town's own language stands in the alert; the others are rows beside it. A text that a person has changed is never made anew by
//! itself.

pub mod store;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;

use crate::alerts::draft::{Drafter, draft_row};
use crate::alerts::life::Life;
use crate::alerts::plain::{self, Review};
use crate::alerts::refusal::Refusal;
use crate::alerts::shape::store as shapes;
use crate::alerts::state::AlertError;
use crate::alerts::store::{self as alerts, AlertRow};
use crate::alerts::templates::{FALLBACK, Message, Texts};
use crate::clock::Instant;
use crate::cobrade::Cobrade;
use crate::config::Config;
use crate::dispatch::provider::Tier;
use crate::events::{Event, notify};
use crate::ids::AlertId;

/// The texts of one language besides the town's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct OtherText {
    pub language: String,
    pub headline: String,
    pub description: String,
    pub instruction: String,
    pub sms_text: String,
    /// A person has changed them.
    pub edited: bool,
}

/// An edit of them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OtherEdit {
    /// One line.
    #[schema(max_length = 160, pattern = r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$")]
    pub headline: String,
    #[schema(max_length = 4000)]
    pub description: String,
    #[schema(max_length = 4000)]
    pub instruction: String,
    #[schema(max_length = 918)]
    pub sms_text: String,
}

impl Drafter<'_> {
    /// What the templates say of an alert in one language.
    pub(super) fn proposed(
        &self,
        alert: &AlertRow,
        names: &[String],
        (language, expires_at): (&str, DateTime<Utc>),
    ) -> Result<Texts, AlertError> {
        let town = &self.config.municipality;
        let texts = self.templates.render(&Message {
            cobrade: alert.cobrade.parse().map_err(anyhow::Error::from)?,
            level: alert.level.parse().map_err(anyhow::Error::from)?,
            kind: alert.kind.parse().map_err(anyhow::Error::from)?,
            language,
            area_names: names,
            town: &town.name,
            contact: &town.contact,
            expires_local: expires_at.with_timezone(&town.time_zone).naive_local(),
            exercise: super::issue::status_of(alert)?,
        });
        Ok(match attribution(alert, language) {
            Some(line) => Texts { description: format!("{}\n\n{line}", texts.description.trim_end()), ..texts },
            None => texts,
        })
    }

    /// Writes every text that nobody has touched from the templates, for the places that the alert has now.
    pub(super) async fn say_anew(&self, conn: &mut PgConnection, alert: &AlertRow) -> Result<(), AlertError> {
        let names = shapes::names(&mut *conn, alert.id).await?;
        if !alert.edited {
            let own = self.proposed(alert, &names, (FALLBACK, alert.expires_at))?;
            store::put_own(&mut *conn, alert.id, &own).await?;
        }
        self.say_in_others(conn, alert, alert.expires_at, &names).await
    }

    /// The same for the other languages alone.
    pub(super) async fn say_in_others(
        &self,
        conn: &mut PgConnection,
        alert: &AlertRow,
        expires_at: DateTime<Utc>,
        names: &[String],
    ) -> Result<(), AlertError> {
        for language in self.templates.languages().filter(|language| *language != FALLBACK) {
            let texts = self.proposed(alert, names, (language, expires_at))?;
            store::propose(&mut *conn, alert.id, language, &texts).await?;
        }
        Ok(())
    }

    /// Says in the other languages on what a draft is based, after that was written down.
    ///
    /// # Errors
    /// `NotFound`; what the database says.
    pub async fn say_basis(&self, conn: &mut PgConnection, id: AlertId) -> Result<(), AlertError> {
        let alert = draft_row(&mut *conn, id).await?;
        let names = shapes::names(&mut *conn, id).await?;
        self.say_in_others(conn, &alert, alert.expires_at, &names).await
    }

    /// Saves a person's edit of another language and returns the new revision.
    ///
    /// # Errors
    /// `Stale`; `NotFound` for a language that the alert does not have; `Refused` for texts beyond their bounds.
    pub async fn save_other(
        &self,
        conn: &mut PgConnection,
        (now, actor): (Instant, &str),
        (id, revision): (AlertId, i32),
        language: &str,
        edit: &OtherEdit,
    ) -> Result<i32, AlertError> {
        let alert = draft_row(&mut *conn, id).await?;
        Life::of(&alert)?.edit(revision)?;
        let before = store::others(&mut *conn, id).await?.into_iter().find(|text| text.language == language);
        let before = before.ok_or(AlertError::NotFound)?;
        for (field, text) in [
            ("headline", &edit.headline),
            ("description", &edit.description),
            ("instruction", &edit.instruction),
            ("sms_text", &edit.sms_text),
        ] {
            if text.trim().is_empty() {
                return Err(Refusal::EmptyText { field }.into());
            }
        }
        super::draft::check_texts(&edit.headline, &edit.description, &edit.instruction, &edit.sms_text)?;
        // No edit can turn an exercise into the real thing, in no language.
        let status = super::issue::status_of(&alert)?;
        let mark = |text: &str, sms: bool| match text.trim() {
            "" => String::new(),
            text if sms => self.templates.marked_sms(status, language, text),
            text => self.templates.marked(status, language, text),
        };
        let texts = Texts {
            headline: mark(&edit.headline, false),
            description: mark(&edit.description, false),
            instruction: mark(&edit.instruction, false),
            sms: mark(&edit.sms_text, true),
        };
        store::put_other(&mut *conn, id, language, &texts, true).await?;
        let detail = json!({ "language": language, "before": before });
        self.reworded(conn, (now, actor), id, ("edited", detail)).await
    }

    /// Throws the texts of one language away and writes them from the template. What they were is in the history.
    ///
    /// # Errors
    /// `Stale`; `NotFound` for a language that the templates do not have.
    pub async fn regenerate(
        &self,
        conn: &mut PgConnection,
        (now, actor): (Instant, &str),
        (id, revision): (AlertId, i32),
        language: &str,
    ) -> Result<i32, AlertError> {
        let alert = draft_row(&mut *conn, id).await?;
        Life::of(&alert)?.edit(revision)?;
        if !self.templates.languages().any(|known| known == language) {
            return Err(AlertError::NotFound);
        }
        let names = shapes::names(&mut *conn, id).await?;
        let texts = self.proposed(&alert, &names, (language, alert.expires_at))?;
        let before = if language == FALLBACK {
            store::put_own(&mut *conn, id, &texts).await?;
            json!({ "headline": alert.headline, "description": alert.description, "instruction": alert.instruction,
                "sms_text": alert.sms_text, "expires_at": alert.expires_at })
        } else {
            let others = store::others(&mut *conn, id).await?;
            store::put_other(&mut *conn, id, language, &texts, false).await?;
            json!(others.iter().find(|text| text.language == language))
        };
        let detail = json!({ "language": language, "before": before });
        self.reworded(conn, (now, actor), id, ("regenerated", detail)).await
    }

    async fn reworded(
        &self,
        conn: &mut PgConnection,
        (now, actor): (Instant, &str),
        id: AlertId,
        (action, detail): (&str, serde_json::Value),
    ) -> Result<i32, AlertError> {
        let revision = shapes::touch(&mut *conn, id, actor).await?;
        alerts::record(&mut *conn, id, now, actor, action, &detail).await?;
        notify(conn, &Event::Alert { id: id.0 }).await?;
        Ok(revision)
    }

    /// Looks at the texts of every language, the town's own first.
    pub async fn look(&self, conn: &mut PgConnection, alert: &AlertRow) -> Result<Vec<Review>, AlertError> {
        let names = shapes::names(&mut *conn, alert.id).await?;
        let mut all = store::others(conn, alert.id).await?;
        all.insert(0, own(alert));
        all.iter().map(|text| self.look_at(alert, &names, text)).collect()
    }

    /// Looks at the texts of one language.
    pub fn look_at(&self, alert: &AlertRow, places: &[String], text: &OtherText) -> Result<Review, AlertError> {
        let cobrade: Cobrade = alert.cobrade.parse().map_err(anyhow::Error::from)?;
        Ok(plain::review(&plain::Texts {
            language: &text.language,
            kind: alert.kind.parse().map_err(anyhow::Error::from)?,
            headline: &text.headline,
            description: &text.description,
            instruction: &text.instruction,
            sms: &text.sms_text,
            hazard: &self.templates.hazard_name(cobrade, &text.language),
            places,
            town: &self.config.municipality.name,
            authority: authority(self.config),
            national: Tier::of(self.config, None).is_national(),
        }))
    }
}

/// The line that says on which warning of others an alert is based. A language without words for it gets the town's own.
fn attribution<'a>(alert: &'a AlertRow, language: &str) -> Option<&'a str> {
    let own = alert.attribution.as_deref()?;
    Some(alert.attribution_lines.get(language).and_then(serde_json::Value::as_str).unwrap_or(own))
}

fn authority(config: &Config) -> &str {
    &config.municipality.sender_name
}

/// The town's own texts as those of the other languages are.
pub fn own(alert: &AlertRow) -> OtherText {
    OtherText {
        language: FALLBACK.to_owned(),
        headline: alert.headline.clone(),
        description: alert.description.clone(),
        instruction: alert.instruction.clone(),
        sms_text: alert.sms_text.clone(),
        edited: alert.edited,
    }
}
