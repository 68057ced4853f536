//! Places join and leave a draft by a person's hand. All in the caller's transaction, on the revision that the person saw.

use serde_json::json;
use sqlx::PgConnection;

use crate::alerts::draft::{Drafter, draft_row};
use crate::alerts::life::Life;
use crate::alerts::refusal::Refusal;
use crate::alerts::shape::store::{self as shapes, PlaceId};
use crate::alerts::shape::{BadPlace, Circle, MAX_PLACES, NewShape, Source, circle, drawn, uploaded};
use crate::alerts::state::AlertError;
use crate::alerts::store::{self, AlertRow};
use crate::clock::Instant;
use crate::events::{Event, notify};
use crate::ids::{AlertId, AreaId};
use crate::neighbourhoods;

/// Kilometres from the town's risk areas beyond which a place is taken for a slip, such as swapped coordinates.
const FAR_KM: f64 = 150.0;

/// A place that can join.
#[derive(Clone, Debug, PartialEq)]
pub enum NewPlace {
    Area(AreaId),
    Shape(NewShape),
}

/// A place as somebody asks for it.
#[derive(Clone, Debug)]
pub enum Wish<'a> {
    /// By the risk area's code.
    RiskArea(&'a str),
    /// By its code.
    Neighbourhood(&'a str),
    Circle {
        name: &'a str,
        circle: Circle,
    },
    /// A GeoJSON geometry.
    Drawn {
        name: &'a str,
        geometry: &'a serde_json::Value,
    },
    /// GeoJSON or KML.
    File {
        name: &'a str,
        bytes: &'a [u8],
    },
}

/// Looks up what is asked for.
///
/// # Errors
/// The inner one says what is wrong with the wish; the outer is the database's.
pub async fn resolve(conn: &mut PgConnection, wish: &Wish<'_>) -> sqlx::Result<Result<NewPlace, BadPlace>> {
    Ok(match wish {
        Wish::RiskArea(code) => {
            let missing = || BadPlace::new("risk_area", *code, "there is no risk area in service with this code");
            shapes::area_of(conn, code).await?.map(NewPlace::Area).ok_or_else(missing)
        }
        Wish::Neighbourhood(code) => {
            let missing = || BadPlace::new("neighbourhood", *code, "there is no neighbourhood with this code");
            let found = neighbourhoods::store::find(conn, code).await?;
            let source = Source::Neighbourhood;
            let shape = |(name, polygons)| NewPlace::Shape(NewShape { source, name, polygons, circle: None });
            found.map(shape).ok_or_else(missing)
        }
        Wish::Circle { name, circle: given } => circle(name, *given).map(NewPlace::Shape),
        Wish::Drawn { name, geometry } => drawn(name, geometry).map(NewPlace::Shape),
        Wish::File { name, bytes } => uploaded(name, bytes).map(NewPlace::Shape),
    })
}

impl Drafter<'_> {
    /// A place joins a draft; texts that nobody has touched are written anew. Returns the new revision.
    ///
    /// # Errors
    /// `Stale` when the draft moved since `revision`; `Refused` for what is in already, too far away, or one too many.
    pub async fn add_place(
        &self,
        conn: &mut PgConnection,
        (now, actor): (Instant, &str),
        id: AlertId,
        revision: i32,
        place: &NewPlace,
    ) -> Result<i32, AlertError> {
        let alert = draft_row(&mut *conn, id).await?;
        Life::of(&alert)?.edit(revision)?;
        let name = put(&mut *conn, id, place).await?;
        let source = match place {
            NewPlace::Area(_) => "risk_area",
            NewPlace::Shape(shape) => shape.source.as_str(),
        };
        let detail = json!({ "place": name, "source": source });
        self.moved(conn, (now, actor), &alert, ("place added", detail)).await
    }

    /// A place leaves a draft. The last one does not: an alert without a place is none. Returns the new revision.
    ///
    /// # Errors
    /// `Stale`; `Refused` for the last place; `NotFound` when it is not there.
    pub async fn remove_place(
        &self,
        conn: &mut PgConnection,
        (now, actor): (Instant, &str),
        id: AlertId,
        revision: i32,
        place: PlaceId,
    ) -> Result<i32, AlertError> {
        let alert = draft_row(&mut *conn, id).await?;
        Life::of(&alert)?.edit(revision)?;
        let name = shapes::remove(&mut *conn, id, place, (now, actor)).await?.ok_or(AlertError::NotFound)?;
        if shapes::names(&mut *conn, id).await?.is_empty() {
            return Err(Refusal::LastPlace.into());
        }
        self.moved(conn, (now, actor), &alert, ("place removed", json!({ "place": name }))).await
    }

    /// Puts back what was taken out last. Returns the new revision.
    ///
    /// # Errors
    /// `Stale`; `Refused` when nothing was taken out.
    pub async fn restore_place(
        &self,
        conn: &mut PgConnection,
        (now, actor): (Instant, &str),
        id: AlertId,
        revision: i32,
    ) -> Result<i32, AlertError> {
        let alert = draft_row(&mut *conn, id).await?;
        Life::of(&alert)?.edit(revision)?;
        let name = shapes::restore(&mut *conn, id).await?.ok_or(Refusal::NothingToRestore)?;
        self.moved(conn, (now, actor), &alert, ("place restored", json!({ "place": name }))).await
    }

    /// What follows when the places of a draft are others.
    async fn moved(
        &self,
        conn: &mut PgConnection,
        (now, actor): (Instant, &str),
        alert: &AlertRow,
        (action, detail): (&str, serde_json::Value),
    ) -> Result<i32, AlertError> {
        self.say_anew(&mut *conn, alert).await?;
        let revision = shapes::touch(&mut *conn, alert.id, actor).await?;
        store::record(&mut *conn, alert.id, now, actor, action, &detail).await?;
        notify(conn, &Event::Alert { id: alert.id.0 }).await?;
        Ok(revision)
    }
}

/// Stores a place and gives its name.
pub(super) async fn put(conn: &mut PgConnection, id: AlertId, place: &NewPlace) -> Result<String, AlertError> {
    let shape = match place {
        NewPlace::Area(area) => {
            return Ok(shapes::insert_area(conn, id, *area).await?.ok_or(Refusal::AreaTaken)?);
        }
        NewPlace::Shape(shape) => shape,
    };
    if shapes::count_shapes(&mut *conn, id).await? >= MAX_PLACES {
        return Err(Refusal::ManyPlaces(MAX_PLACES).into());
    }
    if let Some(km) = shapes::distance_km(&mut *conn, &shape.polygons).await?
        && km > FAR_KM
    {
        return Err(Refusal::FarPlace { name: shape.name.clone(), km }.into());
    }
    shapes::insert(conn, id, shape).await?.ok_or_else(|| Refusal::EmptyPlace(shape.name.clone()))?;
    Ok(shape.name.clone())
}
