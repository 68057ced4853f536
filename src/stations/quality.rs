//! Quality control of a station: what its streams are tested against, and what was doubted. Acts are audited.

pub mod store;

use serde::Serialize;
use serde_json::json;
use sqlx::PgConnection;

use super::desk::DeviceError;
use crate::accounts::tokens::desk::Acting;
use crate::audit::{self, Act, Entry};
use crate::clock::Instant;
use crate::events::{self, Event};
use crate::ids::DatastreamId;
use crate::risk::control::{Limits, Overrides, Why};

/// A stream with what it is tested against.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Tested {
    #[serde(skip)]
    pub datastream_id: DatastreamId,
    pub stream: String,
    pub quantity: String,
    /// Of the numbers below.
    pub unit: &'static str,
    /// What holds: the quantity's limits with the stream's own in their place.
    #[schema(value_type = Object)]
    pub limits: Limits,
    /// What the stream has of its own; empty when nothing.
    #[schema(value_type = Object)]
    pub own: Overrides,
}

/// One reading that was not believed.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Doubted {
    pub stream: String,
    #[schema(value_type = String)]
    pub observed_at: Instant,
    pub value: f64,
    pub unit: &'static str,
    /// suspect or fail
    pub quality: String,
    /// The test and the numbers that it compared.
    #[schema(value_type = Object)]
    pub why: Why,
}

/// A time in which readings are missing: the gap test of QARTOD. It is found in what is there, so a backlog that fills a gap ends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Missing {
    pub stream: String,
    /// The last reading before it.
    #[schema(value_type = String)]
    pub after: Instant,
    /// The next reading; none while it lasts.
    #[schema(value_type = Option<String>)]
    pub until: Option<Instant>,
    /// How long the stream may say nothing: twice its interval, or, without one, until it counts as silent.
    pub limit_s: i32,
    /// Readings that should have come in between; none when the stream does not say how often it measures.
    pub readings: Option<i64>,
}

/// Gives a stream limits of its own; empty ones take them away. They hold for readings from now on.
///
/// # Errors
/// `Wrong` names the test; `NotFound`.
pub async fn set_limits(
    conn: &mut PgConnection,
    by: Acting<'_>,
    (station, stream): (&str, &str),
    own: &Overrides,
) -> Result<(), DeviceError> {
    own.check().map_err(|error| DeviceError::Wrong {
        field: "limits",
        value: error.place.clone(),
        message: error.message,
    })?;
    let Some((id, before)) = store::own_limits(conn, station, stream).await? else {
        return Err(DeviceError::NotFound(format!("stream {stream} of a station {station}")));
    };
    if before == *own {
        return Ok(());
    }
    store::set_limits(conn, id, own).await?;
    let entry = Entry::new(Act::StationLimits, "station", station);
    let entry = entry.from(json!({"stream": stream, "limits": before})).to(json!({"stream": stream, "limits": own}));
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    events::notify(conn, &Event::Catalogue).await?;
    Ok(())
}
