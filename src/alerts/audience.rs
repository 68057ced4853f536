//! Whom of those near its places an alert goes to: how far around them people are told too, and how badly a home may be known.
//!
//! The message itself says the places as they are. An answer (an update, an end) goes to whom the alert went to that it answers,
//! unless a person chooses anew.

use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;

use crate::alerts::draft::{Drafter, draft_row};
use crate::alerts::life::Life;
use crate::alerts::shape::BadPlace;
use crate::alerts::shape::store as shapes;
use crate::alerts::state::AlertError;
use crate::alerts::store;
use crate::clock::Instant;
use crate::events::{Event, notify};
use crate::ids::AlertId;

/// The widest distance around the places, in metres.
pub const MAX_BUFFER_M: i32 = 10_000;
/// The greatest uncertainty that can be asked about, in metres: the middle of a rural district.
pub const MAX_PRECISION_M: i32 = 100_000;

/// Whom an alert goes to, beside those inside its places.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = AlertAudience)]
pub struct Audience {
    /// Metres around the places within which people are told too: 0 to 10,000.
    #[schema(minimum = 0, maximum = 10_000)]
    pub buffer_m: i32,
    /// Whoever's home is known no better than so many metres is left out: 1 to 100,000. Null: everybody is told who may be inside.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 100_000)]
    pub leave_out_from_m: Option<i32>,
}

impl Audience {
    /// Holds the figures to their bounds.
    ///
    /// # Errors
    /// Names the field, its value and what was expected.
    pub fn check(self) -> Result<Self, BadPlace> {
        if !(0..=MAX_BUFFER_M).contains(&self.buffer_m) {
            return Err(BadPlace::new("buffer_m", self.buffer_m.to_string(), "expected 0 to 10000 metres"));
        }
        match self.leave_out_from_m {
            Some(from) if !(1..=MAX_PRECISION_M).contains(&from) => Err(BadPlace::new(
                "leave_out_from_m",
                from.to_string(),
                "expected 1 to 100000 metres, or null to leave nobody out",
            )),
            _ => Ok(self),
        }
    }
}

impl Drafter<'_> {
    /// Chooses whom a draft goes to. Returns the new revision; the same choice again is none.
    ///
    /// # Errors
    /// `Stale` when the draft moved since `revision`; `Refused` for what is no draft any more.
    pub async fn choose_audience(
        &self,
        conn: &mut PgConnection,
        (now, actor): (Instant, &str),
        id: AlertId,
        revision: i32,
        audience: Audience,
    ) -> Result<i32, AlertError> {
        let alert = draft_row(&mut *conn, id).await?;
        Life::of(&alert)?.edit(revision)?;
        let before = alert.audience();
        if before == audience {
            return Ok(alert.revision);
        }
        store::keep_audience(&mut *conn, id, audience).await?;
        let revision = shapes::touch(&mut *conn, id, actor).await?;
        let detail = json!({ "before": before, "after": audience });
        store::record(&mut *conn, id, now, actor, "audience chosen", &detail).await?;
        notify(conn, &Event::Alert { id: id.0 }).await?;
        Ok(revision)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_beyond_their_bounds_are_refused_by_name() {
        let of = |buffer_m, leave_out_from_m| Audience { buffer_m, leave_out_from_m }.check().map_err(|bad| bad.field);
        assert!(of(0, None).is_ok() && of(MAX_BUFFER_M, Some(1)).is_ok() && of(5, Some(MAX_PRECISION_M)).is_ok());
        assert_eq!(of(-1, None), Err("buffer_m"));
        assert_eq!(of(MAX_BUFFER_M + 1, None), Err("buffer_m"));
        assert_eq!(of(0, Some(0)), Err("leave_out_from_m"));
        assert_eq!(of(0, Some(MAX_PRECISION_M + 1)), Err("leave_out_from_m"));
    }
}
