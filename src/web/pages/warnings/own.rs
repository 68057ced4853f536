//! From a warning of others to an alert of our own: the proposal on the warning's page, the act, and what has to be looked at
//! when the warning changes afterwards.

use std::collections::BTreeSet;

use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;

use super::Card;
use crate::alerts::draft::Drafter;
use crate::alerts::trail;
use crate::app::App;
use crate::audit::{self, Act, Entry};
use crate::feeds::warnings::draft::{self, Choice, Proposal};
use crate::feeds::warnings::hazard::Because;
use crate::feeds::warnings::store::basis::{self, Candidate, Notice};
use crate::feeds::warnings::{take, trust};
use crate::ids::{AlertId, AreaId};
use crate::units::Level;
use crate::web::auth::{May, can};
use crate::web::error::ApiError;
use crate::web::pages::view::View;

/// The proposal in words.
pub struct Own {
    pub proposal: Proposal,
    /// COBRADE code, name, and whether it is proposed.
    pub hazards: Vec<(String, String, bool)>,
    pub hazard_why: String,
    pub levels: Vec<(Level, bool)>,
    pub level_why: String,
    pub status: String,
}

impl Own {
    pub fn new(v: &View, card: &Card, proposal: Proposal) -> Self {
        let proposed = proposal.hazard.as_ref().map(|hazard| hazard.cobrade);
        let mut hazards: Vec<(String, String, bool)> = crate::cobrade::Cobrade::all()
            .map(|(code, name)| (code.to_string(), name.to_owned(), Some(code) == proposed))
            .collect();
        hazards.sort();
        let hazard_why = match proposal.hazard.as_ref().map(|hazard| &hazard.because) {
            None => v.t("based-hazard-none"),
            Some(Because::Code { name, value }) => v.t2("based-hazard-code", "name", name, "value", value),
            Some(Because::Event { word }) => v.t2("based-hazard-event", "event", card.event(), "word", word),
            Some(Because::Headline { word }) => v.t1("based-hazard-headline", "word", word),
        };
        let levels = [Level::Observation, Level::Attention, Level::Alert, Level::Maximum];
        let severity = v.word("severity", &card.w.severity.to_lowercase());
        let level_why = if card.w.level.is_empty() {
            v.t1("based-level-severity", "severity", severity)
        } else {
            v.t2("based-level-word", "word", &card.w.level, "severity", severity)
        };
        Self {
            hazards,
            hazard_why,
            levels: levels.into_iter().map(|level| (level, level == proposal.level)).collect(),
            level_why,
            status: v.word("cap-status", proposal.status.as_str()),
            proposal,
        }
    }

    /// The areas that are proposed come first, and are chosen.
    pub fn proposed(&self) -> Vec<&Candidate> {
        self.proposal.areas.iter().filter(|area| self.proposal.takes(area)).collect()
    }

    pub fn others(&self) -> Vec<&Candidate> {
        self.proposal.areas.iter().filter(|area| !self.proposal.takes(area)).collect()
    }
}

/// What the form says. A form reads a name that stands several times only as a list of pairs.
struct Chosen {
    cobrade: String,
    level: String,
    areas: BTreeSet<i64>,
}

impl Chosen {
    fn read(pairs: Vec<(String, String)>) -> Self {
        let mut chosen = Self { cobrade: String::new(), level: String::new(), areas: BTreeSet::new() };
        for (name, value) in pairs {
            match name.as_str() {
                "cobrade" => chosen.cobrade = value,
                "level" => chosen.level = value,
                "area" => chosen.areas.extend(value.parse::<i64>()),
                _ => {}
            }
        }
        chosen
    }

    fn choice(self) -> Result<Choice, ApiError> {
        let wrong = |field: &str, value: &str, error: String| ApiError::field(field, value, error);
        let cobrade = match self.cobrade.as_str() {
            "" => None,
            code => Some(code.parse().map_err(|error| wrong("cobrade", code, format!("{error}")))?),
        };
        let level = match self.level.as_str() {
            "" => None,
            word => {
                let level: Level = word.parse().map_err(|error| wrong("level", word, format!("{error}")))?;
                if level <= Level::Normal {
                    return Err(wrong("level", word, "expected observation, attention, alert or maximum".into()));
                }
                Some(level)
            }
        };
        let areas = self.areas.into_iter().map(AreaId).collect::<Vec<_>>();
        Ok(Choice { cobrade, level, areas: Some(areas) })
    }
}

/// Makes the draft and leads to its review. A second click leads to the same draft.
pub async fn draft(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    v: View,
    Path(id): Path<i64>,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    let choice = Chosen::read(pairs).choice()?;
    let drafter = Drafter { config: &app.config, templates: &app.templates, ids: &app.ids };
    let mut tx = app.db.web.begin().await?;
    let drafted = draft::draft(&mut tx, &drafter, v.now, &staff.username, id, &choice).await?;
    if drafted.is_new {
        let reason = format!("outside warning {id}");
        trail::drafted(&mut tx, &app.ids, v.now, &staff.actor(), drafted.id, &reason).await?;
    }
    tx.commit().await?;
    Ok(Redirect::to(&format!("/console/alerts/{}", drafted.id)).into_response())
}

/// Which alert's notice was looked at.
#[derive(Debug, Deserialize)]
pub struct Seen {
    alert: uuid::Uuid,
}

/// Somebody has looked at what became of the warning that an alert is based on.
pub async fn see(
    State(app): State<App>,
    staff: May<can::DraftAlerts>,
    v: View,
    Path(id): Path<i64>,
    Form(seen): Form<Seen>,
) -> Result<Response, ApiError> {
    let mut tx = app.db.web.begin().await?;
    basis::see(&mut tx, v.now, &staff.username, AlertId(seen.alert), id).await?;
    tx.commit().await?;
    Ok(Redirect::to(&format!("/console/alerts/{}", seen.alert)).into_response())
}

/// Judges the signature of a warning in quarantine once more.
pub async fn verify(
    State(app): State<App>,
    staff: May<can::IssueAlerts>,
    v: View,
    Path(id): Path<i64>,
) -> Result<Response, ApiError> {
    let mut tx = app.db.web.begin().await?;
    let card = super::one(&mut tx, &v, id).await?;
    // Nothing says any more whom a source is trusted by that stands in the configuration no longer.
    let trust = trust::Trust::named(&app.config, &card.w.source)
        .ok_or_else(|| ApiError::Conflict(v.t1("verify-no-source", "source", &card.w.source)))?;
    let town = &app.config.municipality.ibge_code;
    if let Some(signed) = take::verify_again(&mut tx, v.now, town, &trust, id).await? {
        let found =
            serde_json::json!({ "signature": signed.signature, "by": signed.by, "quarantined": signed.is_quarantined });
        let entry = Entry::new(Act::WarningVerify, "warning", id).to(found);
        audit::record(&mut tx, &app.ids, v.now, &staff.actor(), entry).await?;
    }
    tx.commit().await?;
    Ok(Redirect::to(&format!("/console/warnings/{id}")).into_response())
}

/// A notice as the console's first page shows it.
pub struct NoticeCard {
    pub n: Notice,
}

impl NoticeCard {
    pub fn text(&self, v: &View) -> String {
        let key = if self.n.kind == "cancelled" { "basis-cancelled-text" } else { "basis-updated-text" };
        v.t1(key, "who", &self.n.who)
    }

    /// The alert by its number, or that it is a draft.
    pub fn alert(&self, v: &View) -> String {
        let number = self.n.number.clone().unwrap_or_else(|| v.t("state-draft"));
        format!("{number} · {}", self.n.headline)
    }
}

/// What nobody has looked at yet.
pub async fn notices(conn: &mut sqlx::PgConnection) -> sqlx::Result<Vec<NoticeCard>> {
    Ok(basis::unseen(conn, None).await?.into_iter().map(|n| NoticeCard { n }).collect())
}
