//! The public site: what is in force, where, what to do now, whom to call; then the map and every area by its level.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use sqlx::PgConnection;

use super::drawing::{self, MapWish};
use super::page;
use super::view::{Markup, View};
use super::warnings::Card;
use crate::app::App;
use crate::clock::Instant;
use crate::ids::AreaId;
use crate::units::Level;
use crate::web::error::ApiError;
use crate::web::situation::{self, AreaLevel};

pub fn routes() -> Router<App> {
    Router::new().route("/", get(home))
}

/// An alert as its readers need it.
struct Notice {
    identifier: String,
    number: String,
    kind: String,
    state: String,
    status: String,
    level: Level,
    /// Class of the coloured band: an end is never red.
    band: &'static str,
    headline: String,
    description: String,
    steps: Vec<String>,
    areas: Vec<String>,
    area_ids: Vec<AreaId>,
    issued_at: Instant,
    expires_at: Instant,
    map: Markup,
}

#[derive(Template)]
#[template(path = "public.html")]
struct PublicPage {
    v: View,
    notices: Vec<Notice>,
    /// What others warn this town of.
    outside: Vec<Card>,
    map: Markup,
    bounds: String,
    version: String,
    levels: Vec<(Level, Vec<AreaLevel>)>,
    updated: Option<Instant>,
}

async fn home(State(app): State<App>, v: View) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let mut notices = notices(&mut conn, &v, None).await?;
    for notice in &mut notices {
        let wish = MapWish { chosen: &notice.area_ids, zoom_to_chosen: true, link: "", mark: None };
        notice.map = drawing::map(&mut conn, &v, wish).await?;
    }
    let areas = situation::areas(&mut conn).await?;
    let of = |level: Level| areas.iter().filter(|area| area.level == level).cloned().collect::<Vec<_>>();
    let levels = situation::WORST_FIRST.map(|level| (level, of(level)));
    let updated = sqlx::query_scalar!("select max(evaluated_at) from area_level").fetch_one(&mut *conn).await?;
    let outside = super::warnings::for_us(&mut conn, &v).await?;
    let map = drawing::map(&mut conn, &v, MapWish::default()).await?;
    page(&PublicPage {
        map: super::warnings::overlay(&mut conn, &v, map, &outside).await?,
        bounds: drawing::bounds_json(&mut conn).await?,
        version: situation::level_version(&mut conn).await?,
        levels: levels.into_iter().filter(|(_, areas)| !areas.is_empty()).collect(),
        outside,
        notices,
        updated,
        v,
    })
}

/// Alerts in force, the worst first, and for some hours the word that one has ended; or the one with this identifier.
async fn notices(conn: &mut PgConnection, v: &View, only: Option<&str>) -> sqlx::Result<Vec<Notice>> {
    let rows = sqlx::query!(
        r#"select a.cap_identifier as "identifier!", a.number as "number!", a.kind, a.state, a.status, a.level, a.headline,
                  a.description, a.instruction, a.issued_at as "issued_at!", a.expires_at,
                  array(select name from alert_area where alert_id = a.id order by name) as "areas!",
                  array(select area_id from alert_area where alert_id = a.id order by name) as "area_ids!"
           from alert a
           where a.cap_xml is not null and a.issued_at is not null
             and case when $1::text is not null then a.cap_identifier = $1
                      else (a.state = 'issued' and a.expires_at > $2)
                        or (a.kind in ('all_clear', 'cancel') and a.issued_at > $3) end
           order by a.kind in ('all_clear', 'cancel'),
                    array_position(array['maximum', 'alert', 'attention', 'observation', 'normal'], a.level), a.issued_at desc
           limit 20"#,
        only,
        v.now,
        v.now - chrono::TimeDelta::hours(6)
    )
    .fetch_all(conn)
    .await?;
    let notices = rows.into_iter().map(|row| {
        let level = super::alerts::level(&row.level);
        Notice {
            band: band(&row.kind, &row.state, level),
            steps: steps(&row.instruction),
            area_ids: row.area_ids.into_iter().map(AreaId).collect(),
            identifier: row.identifier,
            number: row.number,
            kind: row.kind,
            state: row.state,
            status: row.status,
            level,
            headline: row.headline,
            description: row.description,
            areas: row.areas,
            issued_at: row.issued_at,
            expires_at: row.expires_at,
            map: Markup::default(),
        }
    });
    Ok(notices.collect())
}

fn band(kind: &str, state: &str, level: Level) -> &'static str {
    match (kind, state, level) {
        ("all_clear" | "cancel", ..) => "normal",
        (_, "issued", Level::Maximum) => "maximum",
        (_, "issued", Level::Alert) => "alert",
        (_, "issued", Level::Attention) => "attention",
        (_, "issued", _) => "observation",
        _ => "calm",
    }
}

/// The lines of an instruction; numbers they carry are given again by the list.
fn steps(instruction: &str) -> Vec<String> {
    // Exercises put their mark before the first number.
    let instruction = instruction.replacen(": 1. ", ": ", 1);
    let lines = instruction.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
            let numbered = rest.len() < line.len() && rest.starts_with(['.', ')']);
            if numbered { rest[1..].trim_start().to_owned() } else { line.to_owned() }
        })
        .collect()
}

#[derive(Template)]
#[template(path = "public_alert.html")]
struct AlertPage {
    v: View,
    n: Notice,
}

/// The page of one issued message, in force or over; `None` when there is none of that identifier.
pub async fn alert_page(app: &App, v: View, identifier: &str) -> Result<Option<Response>, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let Some(mut n) = notices(&mut conn, &v, Some(identifier)).await?.pop() else { return Ok(None) };
    let wish = MapWish { chosen: &n.area_ids, zoom_to_chosen: true, link: "", mark: None };
    n.map = drawing::map(&mut conn, &v, wish).await?;
    page(&AlertPage { v, n }).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_steps_are_taken_off_once() {
        assert_eq!(
            steps("1. Saia agora.\n\n2) Ligue 199.\n30 mm são muito"),
            ["Saia agora.", "Ligue 199.", "30 mm são muito"]
        );
    }

    #[test]
    fn the_mark_of_an_exercise_stays_and_its_number_goes() {
        assert_eq!(steps("EXERCÍCIO: 1. Saia agora.\n2. Ligue."), ["EXERCÍCIO: Saia agora.", "Ligue."]);
    }

    #[test]
    fn an_end_is_never_shown_as_danger() {
        assert_eq!(band("all_clear", "cleared", Level::Maximum), "normal");
        assert_eq!(band("alert", "expired", Level::Maximum), "calm");
        assert_eq!(band("alert", "issued", Level::Maximum), "maximum");
    }
}
