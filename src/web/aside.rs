//! The secretariat stands aside for the warning: only some of its requests are worked on at once, the others wait their turn in order. A desk
//! that asks for a hundred reports then keeps part of the machine busy, and neither the processors nor the connections that a warning
//! needs. Whoever would have to wait behind too many is told to come again.
//!
//! Desks and visitors wait in two lines, and the first of each take turns: a crowd at the public door holds up no desk, and a desk with a hundred
//! reports no visitor. A document is set by the press, one at a time for the whole service (`crate::print`); whoever waits for it gives
//! their place back meanwhile ([`leave`]), so that a long one holds up no page. A file that comes in is read one at a time, on a thread that answers nobody
//! and without a place ([`apart`]); what the database is asked of it takes one again.

use std::cell::RefCell;
use std::sync::Arc;
use std::thread::available_parallelism;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::web::error::ApiError;
use crate::web::gate::{self, Guard};

/// Requests that may wait in a line for each that is worked on. A page takes some tens of milliseconds, so that the last waits seconds, not
/// minutes.
const WAITING_FOR_EACH: usize = 200;
/// Requests without a place that wait for the press, whose content is in memory. Beyond it they keep their places.
const AT_THE_PRESS: usize = 8;
/// Requests without a place whose file is read or waits to be: each holds all of it in memory. Beyond it they keep their places.
const READING: usize = 2;

/// Files that are read at once, in the whole service.
static READER: Semaphore = Semaphore::const_new(1);

/// Those who come by one door.
#[derive(Clone, Debug)]
struct Line {
    /// Whoever works or waits.
    inside: Arc<Semaphore>,
    /// Only the first stands before the places, so that the two lines take turns.
    first: Arc<Semaphore>,
}

impl Line {
    fn new(inside: usize) -> Self {
        let inside = inside.min(Semaphore::MAX_PERMITS);
        Self { inside: Arc::new(Semaphore::new(inside)), first: Arc::new(Semaphore::new(1)) }
    }
}

/// The places of the secretariat. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Aside {
    working: Arc<Semaphore>,
    desks: Line,
    visitors: Line,
    away: Arc<Semaphore>,
    reading: Arc<Semaphore>,
}

impl Aside {
    /// So many requests at once; 0 = half of the processors, at least one.
    pub fn new(at_once: u32) -> Self {
        let half = || available_parallelism().map_or(1, |all| (all.get() / 2).max(1));
        let at_once = usize::try_from(at_once).ok().filter(|told| *told > 0).unwrap_or_else(half);
        Self::with(at_once, at_once.saturating_mul(1 + WAITING_FOR_EACH))
    }

    fn with(at_once: usize, inside: usize) -> Self {
        Self {
            working: Arc::new(Semaphore::new(at_once)),
            desks: Line::new(inside),
            visitors: Line::new(inside),
            away: Arc::new(Semaphore::new(AT_THE_PRESS)),
            reading: Arc::new(Semaphore::new(READING)),
        }
    }

    const fn line(&self, is_visit: bool) -> &Line {
        if is_visit { &self.visitors } else { &self.desks }
    }

    /// None when the places are closed, which nobody does.
    async fn place(&self, line: &Line) -> Option<OwnedSemaphorePermit> {
        let _first = line.first.acquire().await.ok()?;
        Arc::clone(&self.working).acquire_owned().await.ok()
    }
}

/// What a request that is worked on holds.
struct Held {
    place: RefCell<OwnedSemaphorePermit>,
    aside: Aside,
    is_visit: bool,
}

tokio::task_local! {
    static HELD: Held;
}

/// Gives the place of this request back: what is left of it is waiting for the press. It asks the database no more. Elsewhere it does nothing.
pub fn leave() {
    let left = HELD.try_with(|held| {
        let away = Arc::clone(&held.aside.away).try_acquire_owned().ok()?;
        Some(held.place.replace(away))
    });
    drop(left);
}

/// Does what takes a processor for a while, as to read a file, on a thread of its own and one in the whole service at a time. The place of this
/// request is given back meanwhile, as far as few others do so, and another one waited for before it goes on.
///
/// # Errors
/// The work was given up.
pub async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
    let left = HELD.try_with(|held| {
        let reading = Arc::clone(&held.aside.reading).try_acquire_owned().ok()?;
        drop(held.place.replace(reading));
        Some((held.aside.clone(), held.is_visit))
    });
    let turn = READER.acquire().await.ok();
    let done = tokio::task::spawn_blocking(move || {
        let done = work();
        drop(turn);
        done
    });
    let done = done.await.map_err(|error| ApiError::Internal(error.into()));
    if let Some((aside, is_visit)) = left.ok().flatten()
        && let Some(place) = aside.place(aside.line(is_visit)).await
    {
        let read = HELD.try_with(|held| held.place.replace(place));
        drop(read);
    }
    done
}

fn is_visit(request: &Request) -> bool {
    let path = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    gate::find(request.method(), path).is_some_and(|rule| rule.guard == Guard::Open)
}

/// Waits for a place, and keeps it until the handler has its answer or leaves.
pub async fn wait(State(aside): State<Aside>, request: Request, next: Next) -> Response {
    let is_visit = is_visit(&request);
    let line = aside.line(is_visit);
    let Ok(_inside) = line.inside.try_acquire() else {
        metrics::counter!("sentinela_secretariat_refused_total").increment(1);
        return ApiError::Unavailable("too many ask for the pages of the secretariat; try again".into())
            .into_response();
    };
    let Some(place) = aside.place(line).await else {
        return ApiError::Unavailable("the pages of the secretariat are closed".into()).into_response();
    };
    let held = Held { place: RefCell::new(place), aside: aside.clone(), is_visit };
    HELD.scope(held, next.run(request)).await
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::http::StatusCode;
    use axum::middleware::from_fn_with_state;
    use axum::routing::{get, post};
    use tokio::sync::mpsc;
    use tokio::task::{JoinHandle, yield_now};
    use tower::ServiceExt as _;

    use super::*;

    /// Of the table of routes: the first for everyone, the second for staff.
    const DOOR: &str = "/secretaria/etica";
    const DESK: &str = "/secretaria/painel";

    /// One place, with handlers that say that they began and wait until they are let go.
    struct Room {
        aside: Aside,
        router: Router,
        beginnings: mpsc::UnboundedReceiver<&'static str>,
        gate: Arc<Semaphore>,
    }

    fn room(inside: usize, leaves: bool) -> Room {
        let aside = Aside::with(1, inside);
        let (began, beginnings) = mpsc::unbounded_channel();
        let gate = Arc::new(Semaphore::new(0));
        let handler = |path: &'static str| {
            let (began, door) = (began.clone(), Arc::clone(&gate));
            get(move || async move {
                if leaves {
                    leave();
                }
                began.send(path).unwrap();
                door.acquire().await.unwrap().forget();
            })
        };
        let router = Router::new()
            .route(DOOR, handler(DOOR))
            .route(DESK, handler(DESK))
            .layer(from_fn_with_state(aside.clone(), wait));
        Room { aside, router, beginnings, gate }
    }

    fn asked(path: &str) -> Request {
        axum::http::Request::get(path).body(Body::empty()).unwrap()
    }

    impl Room {
        /// Asks, and waits until it stands in its line.
        async fn ask(&self, path: &'static str) -> JoinHandle<StatusCode> {
            let line = if path == DOOR { &self.aside.visitors } else { &self.aside.desks };
            let before = line.inside.available_permits();
            let answer = self.router.clone().oneshot(asked(path));
            let task = tokio::spawn(async move { answer.await.unwrap().status() });
            while line.inside.available_permits() == before {
                yield_now().await;
            }
            task
        }
    }

    #[tokio::test]
    async fn one_is_worked_on_and_the_next_waits_and_one_too_many_is_sent_away() {
        let mut room = room(2, false);
        let first = room.ask(DESK).await;
        room.beginnings.recv().await.unwrap();
        let second = room.ask(DESK).await;
        assert!(room.beginnings.try_recv().is_err(), "the second began beside the first");
        let third = room.router.clone().oneshot(asked(DESK)).await.unwrap();
        assert_eq!(third.status(), StatusCode::SERVICE_UNAVAILABLE);
        // The line of visitors is another one.
        let visitor = room.ask(DOOR).await;
        room.gate.add_permits(3);
        for task in [first, second, visitor] {
            assert_eq!(task.await.unwrap(), StatusCode::OK);
        }
    }

    #[tokio::test]
    async fn desks_and_visitors_take_turns() {
        let mut room = room(10, false);
        let mut tasks = Vec::new();
        for path in [DESK, DESK, DESK, DOOR, DOOR] {
            tasks.push(room.ask(path).await);
        }
        let mut order = Vec::new();
        for _ in &tasks {
            order.push(room.beginnings.recv().await.unwrap());
            room.gate.add_permits(1);
        }
        assert_eq!(order, [DESK, DESK, DOOR, DESK, DOOR]);
        for task in tasks {
            assert_eq!(task.await.unwrap(), StatusCode::OK);
        }
    }

    #[tokio::test]
    async fn whoever_waits_for_the_press_holds_up_nobody_and_few_may() {
        let mut room = room(100, true);
        let mut tasks = Vec::new();
        // As many as may wait without a place, and one that keeps it.
        for _ in 0..=AT_THE_PRESS {
            tasks.push(room.ask(DESK).await);
            room.beginnings.recv().await.unwrap();
        }
        tasks.push(room.ask(DESK).await);
        assert!(room.beginnings.try_recv().is_err(), "one more waits for a place");
        room.gate.add_permits(tasks.len());
        for task in tasks {
            assert_eq!(task.await.unwrap(), StatusCode::OK);
        }
        assert_eq!(room.aside.away.available_permits(), AT_THE_PRESS);
        assert_eq!(room.aside.working.available_permits(), 1);
    }

    #[tokio::test]
    async fn a_file_is_read_without_a_place_and_the_rest_of_its_request_takes_one_again() {
        let aside = Aside::with(1, 100);
        let (began, beginnings) = mpsc::unbounded_channel();
        let (reads, mut reading) = mpsc::unbounded_channel();
        let (finish, finished) = std::sync::mpsc::channel::<()>();
        let gate = Arc::new(Semaphore::new(0));
        let (finished, file) = (Arc::new(std::sync::Mutex::new(finished)), (began.clone(), Arc::clone(&gate)));
        let takes_in = post(move || async move {
            let done = apart(move || {
                reads.send(()).unwrap();
                finished.lock().unwrap().recv().unwrap();
                7
            });
            assert_eq!(done.await.unwrap(), 7);
            file.0.send(DESK).unwrap();
            file.1.acquire().await.unwrap().forget();
        });
        let door = Arc::clone(&gate);
        let visit = get(move || async move {
            began.send(DOOR).unwrap();
            door.acquire().await.unwrap().forget();
        });
        let router = Router::new().route(DESK, takes_in).route(DOOR, visit);
        let router = router.layer(from_fn_with_state(aside.clone(), wait));
        let mut room = Room { aside, router, beginnings, gate };
        let request = axum::http::Request::post(DESK).body(Body::empty()).unwrap();
        let answer = room.router.clone().oneshot(request);
        let file = tokio::spawn(async move { answer.await.unwrap().status() });
        reading.recv().await.unwrap();
        assert_eq!(room.aside.reading.available_permits(), READING - 1);
        // The only place is free for others while the file is read, and taken again only when they are done.
        let visitor = room.ask(DOOR).await;
        assert_eq!(room.beginnings.recv().await.unwrap(), DOOR);
        finish.send(()).unwrap();
        while room.aside.desks.first.available_permits() == 1 {
            yield_now().await;
        }
        assert!(room.beginnings.try_recv().is_err(), "it stands before the places and waits");
        room.gate.add_permits(1);
        assert_eq!(visitor.await.unwrap(), StatusCode::OK);
        assert_eq!(room.beginnings.recv().await.unwrap(), DESK);
        assert_eq!(room.aside.working.available_permits(), 0, "it works in a place");
        room.gate.add_permits(1);
        assert_eq!(file.await.unwrap(), StatusCode::OK);
        assert_eq!(room.aside.working.available_permits(), 1);
        assert_eq!(room.aside.reading.available_permits(), READING);
    }

    #[tokio::test]
    async fn elsewhere_a_file_is_only_read() {
        assert_eq!(apart(|| 7).await.unwrap(), 7);
    }

    #[test]
    fn without_a_number_half_of_the_processors_work_and_never_none() {
        assert!(Aside::new(0).working.available_permits() >= 1);
        let three = Aside::new(3);
        assert_eq!(three.working.available_permits(), 3);
        for line in [&three.desks, &three.visitors] {
            assert_eq!(line.inside.available_permits(), 3 * (1 + WAITING_FOR_EACH));
        }
    }
}
