//! Pictures of alerts over HTTP: drawn once, kept in memory, and never so many at a time that others wait.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;
use tokio::sync::{OnceCell, Semaphore};

use super::{Notice, TOWNS_OWN, ground};
use crate::app::App;
use crate::i18n::Lang;
use crate::picture::{self, MAP, Scene, Tone, Words};
use crate::web::conditional::{self, FOREVER, SHORT};
use crate::web::error::ApiError;

pub fn routes() -> Router<App> {
    Router::new().route("/alerts/{file}/map.png", get(map))
}

/// At most so many pictures are kept, some 100 kB each.
const KEPT: usize = 96;
/// At most so many requests wait for pictures that others are drawing.
const WAITING: usize = 24;
/// At most so many are drawn at once.
const AT_ONCE: usize = 1;

/// One picture: whose, which, and how the alert stands, which the share image says.
type Key = (String, bool, &'static str);

/// Pictures that were drawn, and the bound on drawing.
#[derive(Debug)]
pub struct Pictures {
    drawing: Semaphore,
    waiting: AtomicUsize,
    drawn: AtomicUsize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    pictures: HashMap<Key, (u64, Arc<OnceCell<Bytes>>)>,
    /// Counts up with each use, to tell what was not used for longest.
    uses: u64,
}

impl Default for Pictures {
    fn default() -> Self {
        Self {
            drawing: Semaphore::new(AT_ONCE),
            waiting: AtomicUsize::default(),
            drawn: AtomicUsize::default(),
            kept: Mutex::default(),
        }
    }
}

impl Pictures {
    /// How many were drawn since the start.
    pub fn drawn(&self) -> usize {
        self.drawn.load(Ordering::SeqCst)
    }

    /// The place of a picture, drawn or not. Whoever asks for the same one meanwhile gets the same place.
    fn place(&self, key: Key) -> Arc<OnceCell<Bytes>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.uses += 1;
        let uses = kept.uses;
        if kept.pictures.len() >= KEPT && !kept.pictures.contains_key(&key) {
            let oldest = kept.pictures.iter().min_by_key(|(_, (used, _))| *used).map(|(key, _)| key.clone());
            oldest.map(|oldest| kept.pictures.remove(&oldest));
        }
        let place = kept.pictures.entry(key).or_insert_with(|| (uses, Arc::default()));
        place.0 = uses;
        Arc::clone(&place.1)
    }

    /// The picture from memory, or drawn by the first who asks.
    async fn get(&self, key: Key, draw: impl Future<Output = Result<Bytes, ApiError>>) -> Result<Bytes, ApiError> {
        let place = self.place(key);
        if let Some(bytes) = place.get() {
            return Ok(bytes.clone());
        }
        let _turn = Turn::take(&self.waiting)?;
        let drawn = place.get_or_try_init(|| async {
            let _permit = self.drawing.acquire().await.map_err(|error| ApiError::Internal(error.into()))?;
            draw.await
        });
        drawn.await.cloned()
    }
}

/// A place among those who wait; given back when it goes out of use, whatever ends the request.
struct Turn<'a>(&'a AtomicUsize);

impl<'a> Turn<'a> {
    fn take(waiting: &'a AtomicUsize) -> Result<Self, ApiError> {
        let before = waiting.fetch_add(1, Ordering::SeqCst);
        let turn = Self(waiting);
        if before >= WAITING {
            return Err(ApiError::Unavailable("too many pictures are asked for at once; try again".into()));
        }
        Ok(turn)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// `/alerts/{identifier}/map.png`: the map alone, which never changes.
async fn map(State(app): State<App>, Path(identifier): Path<String>, headers: HeaderMap) -> Result<Response, ApiError> {
    answer(&app, &identifier, false, &headers).await
}

/// `/alerts/{identifier}.png`: what a shared link shows, which says when the alert no longer holds.
///
/// # Errors
/// 404 for what has not left, 503 when too many pictures are asked for.
pub async fn share(app: &App, identifier: &str, headers: &HeaderMap) -> Result<Response, ApiError> {
    answer(app, identifier, true, headers).await
}

/// The map of an alert that has left, for whoever sends it on.
///
/// # Errors
/// As over HTTP.
pub async fn of(app: &App, identifier: &str) -> Result<Bytes, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let found = super::one(&mut conn, app.clock.now(), TOWNS_OWN, identifier).await?;
    drop(conn);
    let notice = found.ok_or_else(|| ApiError::NotFound(format!("alert {identifier:?}")))?;
    let key = (notice.identifier.clone(), false, "");
    app.pictures.get(key, draw(app, notice, false)).await
}

async fn answer(app: &App, identifier: &str, is_share: bool, headers: &HeaderMap) -> Result<Response, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    let found = super::one(&mut conn, app.clock.now(), TOWNS_OWN, identifier).await?;
    // Whoever waits for a picture holds no connection meanwhile.
    drop(conn);
    let notice = found.ok_or_else(|| ApiError::NotFound(format!("alert {identifier:?}")))?;
    let standing = if is_share { notice.standing.key() } else { "" };
    let cache = if is_share { SHORT } else { FOREVER };
    let key = (notice.identifier.clone(), is_share, standing);
    let bytes = app.pictures.get(key, draw(app, notice, is_share)).await?;
    Ok(conditional::answer(headers, "image/png", cache, bytes))
}

async fn draw(app: &App, notice: Notice, is_share: bool) -> Result<Bytes, ApiError> {
    let mut conn = app.db.web.acquire().await?;
    // The share image shows the map on about half of its width, nearly square.
    let size = if is_share { (504.0, 478.0) } else { (f64::from(MAP.0), f64::from(MAP.1)) };
    let scene = ground::scene(&mut conn, notice.id, notice.issued_at, size).await?.unwrap_or_default();
    drop(conn);
    let (words, tone) = (words(app, &notice), notice.tone());
    let draw = move || draw_now(&scene, &words, tone, is_share);
    let drawn = tokio::task::spawn_blocking(draw).await.map_err(|error| ApiError::Internal(error.into()))?;
    app.pictures.drawn.fetch_add(1, Ordering::SeqCst);
    metrics::counter!("sentinela_pictures_drawn_total").increment(1);
    Ok(Bytes::from(drawn.map_err(|error| ApiError::Internal(error.into()))?))
}

fn draw_now(scene: &Scene, words: &Words, tone: Tone, is_share: bool) -> Result<Vec<u8>, picture::PictureError> {
    if is_share { picture::share(scene, words, tone) } else { picture::map(scene, words, tone) }
}

/// What stands on the pictures, in the town's own language, whoever asks.
fn words(app: &App, notice: &Notice) -> Words {
    let town = &app.config.municipality;
    let lang = Lang::Pt;
    let when = |at: crate::clock::Instant| at.with_timezone(&town.time_zone).format("%d/%m/%Y %H:%M").to_string();
    let level = lang.t(&format!("level-{}", notice.level));
    let word = if notice.is_end() { lang.t(&format!("kind-{}", notice.kind.replace('_', "-"))) } else { level };
    let times = match notice.is_end() {
        true => lang.t1("picture-said", "at", when(notice.issued_at)),
        false => lang.t1("picture-until", "at", when(notice.expires_at)),
    };
    Words {
        town: town.name.clone(),
        authority: town.sender_name.clone(),
        word: word.to_uppercase(),
        headline: notice.headline.clone(),
        places: lang.t1("picture-where", "places", notice.areas.join(", ")),
        times,
        call: lang.t1("picture-call", "phone", &town.contact),
        address: short_address(app.config.public_url().as_str()),
        legend_holds: lang.t(if notice.is_end() { "picture-held" } else { "picture-holds" }),
        legend_around: lang.t("picture-around"),
        mark: if notice.is_drill() {
            lang.t(&format!("status-{}", notice.status)).to_uppercase()
        } else {
            String::new()
        },
        over: if notice.standing.is_over() {
            lang.t(&format!("picture-{}", notice.standing.key()))
        } else {
            String::new()
        },
    }
}

fn short_address(url: &str) -> String {
    url.split_once("://").map_or(url, |(_, rest)| rest).trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        (name.into(), false, "")
    }

    #[tokio::test]
    async fn a_picture_is_drawn_once_for_all_who_ask_at_the_same_time() {
        let (pictures, drawn) = (Pictures::default(), AtomicUsize::new(0));
        let draw = || async {
            drawn.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            Ok(Bytes::from_static(b"png"))
        };
        let asked = futures_util::future::join_all((0..10).map(|_| pictures.get(key("a"), draw()))).await;
        assert!(asked.into_iter().all(|answer| answer.unwrap() == "png"));
        assert_eq!(drawn.load(Ordering::SeqCst), 1);
        assert_eq!(pictures.waiting.load(Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn a_flood_is_pushed_back_and_leaves_nothing_behind() {
        let pictures = Pictures::default();
        let flood = (0..100).map(|name| {
            let pictures = &pictures;
            async move { pictures.get(key(&name.to_string()), async { Ok(Bytes::from_static(b"png")) }).await }
        });
        let _held = pictures.drawing.acquire().await.unwrap();
        let mut flood: Vec<_> = flood.map(Box::pin).collect();
        let mut refused = 0;
        for request in &mut flood {
            if let Some(answer) = futures_util::FutureExt::now_or_never(&mut *request) {
                assert!(matches!(answer, Err(ApiError::Unavailable(_))));
                refused += 1;
            }
        }
        assert_eq!(refused, 100 - WAITING);
        // Whoever goes away gives the place back.
        drop(flood);
        assert_eq!(pictures.waiting.load(Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn few_pictures_are_kept_and_a_failure_is_not() {
        let pictures = Pictures::default();
        let failed = pictures.get(key("a"), async { Err(ApiError::bad("no")) }).await;
        assert!(failed.is_err());
        assert_eq!(pictures.get(key("a"), async { Ok(Bytes::from_static(b"1")) }).await.unwrap(), "1");
        for name in 0..300 {
            pictures.get(key(&name.to_string()), async { Ok(Bytes::from_static(b"2")) }).await.unwrap();
            assert_eq!(
                pictures.get(key("a"), async { Ok(Bytes::from_static(b"3")) }).await.unwrap(),
                "1",
                "{name}: in use"
            );
        }
        assert_eq!(pictures.kept.lock().unwrap().pictures.len(), KEPT);
    }
}
