//! What every integration test stands on: a database of its own, an app with a standing clock, processes that die with
//! the test, and waiting without sleeping.

// Each helper has users in some topic, and topics come and go.
#![allow(dead_code, unused_imports)]

mod database;
mod folder;
mod process;

pub use database::{TestDb, db, db_at, empty_db, server_url};
pub use folder::Folder;
pub use process::{Process, free_port, sentinela};

use std::collections::HashMap;
use std::time::Duration;

use chrono::TimeZone;
use sentinela::app::{App, Parts};
use sentinela::clock::{Clock, Instant};
use sentinela::config::Config;
use sentinela::db::Db;
use sentinela::ids::Ids;

/// How long any single wait in a test may take before it fails. Generous: the machine may be building meanwhile, and what the service looks
/// for by itself it looks for each half minute.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// Where the clock of a test stands at first: 2026-02-22 12:00 UTC.
pub fn start_at() -> Instant {
    chrono::Utc.with_ymd_and_hms(2026, 2, 22, 12, 0, 0).single().unwrap()
}

/// The defaults with some keys replaced, e.g. `("SENTINELA__HTTP__LISTEN", "127.0.0.1:0")`. The process's own environment
/// has no say.
pub fn config(overrides: &[(&str, &str)]) -> Config {
    let source: HashMap<String, String> =
        overrides.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let environment = config::Environment::with_prefix("SENTINELA").prefix_separator("__").separator("__");
    Config::layered(None, environment.source(Some(source))).unwrap()
}

/// An app on this database, with a standing clock and seeded identifiers. Only the committer runs, so that readings can be
/// submitted; a test starts the tasks it is about.
pub fn app(db: &TestDb) -> App {
    app_with(db, &[])
}

/// The same with some configuration keys replaced.
pub fn app_with(db: &TestDb, overrides: &[(&str, &str)]) -> App {
    let (app, receiver) = app_and_queue(db, overrides);
    tokio::spawn(sentinela::ingest::committer::run(app.clone(), receiver));
    app
}

/// The same without the committer, but with its end of the ingest queue.
pub fn app_and_queue(db: &TestDb, overrides: &[(&str, &str)]) -> (App, sentinela::ingest::Receiver) {
    let config = config(&[&[("SENTINELA__DATABASE__URL", db.url.as_str())], overrides].concat());
    app_from(db, config)
}

/// The same from a whole configuration.
pub fn app_from(db: &TestDb, config: Config) -> (App, sentinela::ingest::Receiver) {
    let clock = Clock::manual(start_at());
    let (ingest, receiver) = sentinela::ingest::channel(&config, &clock);
    let app = App::new(Parts {
        db: Db::open(&db.options, 3),
        limits: sentinela::web::limit::Limits::new(&config.http.limits),
        pictures: sentinela::web::notices::pictures::Pictures::default(),
        deliveries: Default::default(),
        outbound: sentinela::outbound::Client::new(&config.outbound),
        cases: sentinela::secretariat::kernel::Types::load(&config.secretariat.case_types)
            .unwrap_or_else(|faults| panic!("{faults}")),
        segments: sentinela::secretariat::segments::Segments::load(&config.secretariat.segments)
            .unwrap_or_else(|faults| panic!("{faults}")),
        config,
        clock,
        ids: Ids::seeded(1),
        town: Default::default(),
        past: Default::default(),
        keys: sentinela::vault::Keyring::passing(&Ids::seeded(2)),
        events: sentinela::events::Events::default(),
        ingest,
        templates: sentinela::alerts::templates::Templates::load(None).unwrap(),
        stop: tokio_util::sync::CancellationToken::new(),
    });
    (app, receiver)
}

/// Asks again and again until the answer is `Some`. Fails the test after [`PATIENCE`], saying what was waited for.
///
/// For conditions outside this process, where nothing could wake us.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    let waiting = async {
        loop {
            tick.tick().await;
            if let Some(answer) = ask().await {
                return answer;
            }
        }
    };
    match tokio::time::timeout(PATIENCE, waiting).await {
        Ok(answer) => answer,
        Err(_) => panic!("waited {PATIENCE:?} in vain for {what}"),
    }
}

/// Waits for something that will surely come, within [`PATIENCE`].
pub async fn soon<T>(what: &str, coming: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, coming).await {
        Ok(answer) => answer,
        Err(_) => panic!("waited {PATIENCE:?} in vain for {what}"),
    }
}

/// A session with a second factor, without the way through the pages: its cookie, and its own value for forms.
pub async fn session_of(app: &App, member: sentinela::ids::StaffId) -> (String, String) {
    use sentinela::accounts::store::sessions;
    let mut conn = app.db.web.acquire().await.unwrap();
    let (now, rules) = (app.clock.now(), &app.config.accounts);
    let opening = sessions::Opening { staff_id: member, address: None, agent: "test", second_factor: true };
    let opened = sessions::open(&mut conn, &app.ids, now, rules, opening).await.unwrap();
    let session = sessions::find(&mut conn, now, rules, &opened.token, true).await.unwrap().unwrap();
    (format!("sentinela_session={}", opened.token), session.csrf_token)
}
