//! Who lives with a resident, as they name them on their own page, with a consent of its own.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use chrono::Days;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::acts::{corrected, decide};
use super::visitor::Act;
use super::{done, wrong};
use crate::app::App;
use crate::audit::{self, Entry};
use crate::residents::companions::{NAME_MAX, Relation, Sealed, subject};
use crate::residents::own::Purpose;
use crate::residents::preferences::Need;
use crate::residents::store::companion::{self, Added, NewCompanion};
use crate::residents::store::own as store;
use crate::vault::access::Purpose as Kept;
use crate::web::error::ApiError;
use crate::web::pages::view::View;

#[derive(Deserialize)]
pub struct Named {
    #[serde(default)]
    place: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    relation: String,
    /// "yes": the consent of its own.
    #[serde(default)]
    agree: String,
    /// Kinds of help: the names of the boxes that are ticked.
    #[serde(flatten)]
    ticked: BTreeMap<String, String>,
}

pub async fn add(State(app): State<App>, v: View, Act { visitor, form }: Act<Named>) -> Result<Response, ApiError> {
    let name = form.name.trim();
    let Ok(relation) = form.relation.parse::<Relation>() else { return Ok(wrong("companion")) };
    if name.is_empty() || name.chars().count() > NAME_MAX || form.agree != "yes" {
        return Ok(wrong("companion"));
    }
    let is_ticked = |need: &Need| form.ticked.get(need.as_str()).is_some_and(|value| value == "yes");
    let needs: Vec<Need> = Need::ALL.iter().copied().filter(is_ticked).collect();
    let now = app.clock.now();
    let mut tx = app.db.web.begin().await?;
    let Some(held) = store::held(&mut tx, visitor.id()).await? else { return Ok(wrong("companion")) };
    if !held.agreed(Purpose::Household) {
        decide(&mut tx, &app, &visitor, Purpose::Household, true).await?;
    }
    let until = now.with_timezone(&v.tz).date_naive() + Days::new(app.config.privacy.needs_days.into());
    let sealed = Sealed { name: name.to_owned(), relation };
    let new = NewCompanion { place: &form.place, sealed, needs: &needs, keep_until: until };
    let id = match companion::add(&mut tx, (&app.keys.vault, &app.ids), now, visitor.id(), &new).await? {
        Added::New(id) => id,
        Added::NoPlace => return Ok(wrong("companion")),
        Added::Full => return Ok(wrong("companions")),
    };
    let entry =
        Entry::new(audit::Act::VaultPut, "vault_record", format!("{} {}", Kept::ResidentHousehold, subject(id)));
    audit::record(&mut tx, &app.ids, now, &visitor.actor(), entry.to(json!({ "keep_until": until }))).await?;
    store::own_word(&mut tx, now, visitor.id()).await?;
    corrected(&mut tx, &app, &visitor, &["companion_added"]).await?;
    tx.commit().await?;
    Ok(done("companions"))
}

#[derive(Deserialize)]
pub struct One {
    id: Uuid,
}

pub async fn remove(State(app): State<App>, Act { visitor, form }: Act<One>) -> Result<Response, ApiError> {
    let mut tx = app.db.web.begin().await?;
    if !companion::remove(&mut tx, visitor.id(), form.id).await? {
        return Ok(done("same"));
    }
    store::own_word(&mut tx, app.clock.now(), visitor.id()).await?;
    corrected(&mut tx, &app, &visitor, &["companion_removed"]).await?;
    tx.commit().await?;
    Ok(done("companions"))
}
