//! The secretariat stands aside for the warning: only some of its requests are worked on at once, the others wait their turn in order. A desk
//! that asks for a hundred reports then keeps part of the machine busy, and neither the processors nor the connections that a warning
//! needs. Whoever would have to wait behind too many is told to come again.

use std::sync::Arc;
use std::thread::available_parallelism;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;

use crate::web::error::ApiError;

/// Requests that may wait for each that is worked on. A page takes some tens of milliseconds, so that the last waits seconds, not minutes.
const WAITING_FOR_EACH: usize = 200;

/// The places of the secretariat. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Aside {
    working: Arc<Semaphore>,
    /// Whoever works or waits.
    inside: Arc<Semaphore>,
}

impl Aside {
    /// So many requests at once; 0 = half of the processors, at least one.
    pub fn new(at_once: u32) -> Self {
        let half = || available_parallelism().map_or(1, |all| (all.get() / 2).max(1));
        let at_once = usize::try_from(at_once).ok().filter(|told| *told > 0).unwrap_or_else(half);
        let inside = at_once.saturating_mul(1 + WAITING_FOR_EACH).min(Semaphore::MAX_PERMITS);
        Self { working: Arc::new(Semaphore::new(at_once)), inside: Arc::new(Semaphore::new(inside)) }
    }
}

/// Waits for a place, and keeps it until the handler has its answer.
pub async fn wait(State(aside): State<Aside>, request: Request, next: Next) -> Response {
    let Ok(_inside) = aside.inside.try_acquire() else {
        metrics::counter!("sentinela_secretariat_refused_total").increment(1);
        return ApiError::Unavailable("too many ask for the pages of the secretariat; try again".into())
            .into_response();
    };
    match aside.working.acquire().await {
        Ok(_working) => next.run(request).await,
        // Nobody closes it.
        Err(_) => ApiError::Unavailable("the pages of the secretariat are closed".into()).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::http::StatusCode;
    use axum::middleware::from_fn_with_state;
    use axum::routing::get;
    use tokio::sync::mpsc;
    use tower::ServiceExt as _;

    use super::*;

    fn asked() -> Request {
        axum::http::Request::get("/").body(Body::empty()).unwrap()
    }

    #[tokio::test]
    async fn one_is_worked_on_and_the_next_waits_and_one_too_many_is_sent_away() {
        let aside = Aside { working: Arc::new(Semaphore::new(1)), inside: Arc::new(Semaphore::new(2)) };
        let (began, mut beginnings) = mpsc::unbounded_channel();
        let gate = Arc::new(Semaphore::new(0));
        let door = Arc::clone(&gate);
        let handler = move || {
            let (began, door) = (began.clone(), Arc::clone(&door));
            async move {
                began.send(()).unwrap();
                door.acquire().await.unwrap().forget();
            }
        };
        let router = Router::new().route("/", get(handler)).layer(from_fn_with_state(aside.clone(), wait));
        let first = tokio::spawn(router.clone().oneshot(asked()));
        beginnings.recv().await.unwrap();
        let second = tokio::spawn(router.clone().oneshot(asked()));
        while aside.inside.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert!(beginnings.try_recv().is_err(), "the second began beside the first");
        let third = router.oneshot(asked()).await.unwrap();
        assert_eq!(third.status(), StatusCode::SERVICE_UNAVAILABLE);
        gate.add_permits(1);
        assert_eq!(first.await.unwrap().unwrap().status(), StatusCode::OK);
        beginnings.recv().await.unwrap();
        gate.add_permits(1);
        assert_eq!(second.await.unwrap().unwrap().status(), StatusCode::OK);
    }

    #[test]
    fn without_a_number_half_of_the_processors_work_and_never_none() {
        assert!(Aside::new(0).working.available_permits() >= 1);
        assert_eq!(Aside::new(3).working.available_permits(), 3);
        assert_eq!(Aside::new(3).inside.available_permits(), 3 * (1 + WAITING_FOR_EACH));
    }
}
