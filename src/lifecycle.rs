//! The life of the service: everything is built here, runs until it is asked to stop, drains, and ends within a bound.
//!
//! Every task is essential: one that ends before the service was asked to stop takes the service down with exit code 1,
//! because half a warning system looks like a whole one.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::alerts::templates::Templates;
use crate::app::{App, Parts};
use crate::backup::hold;
use crate::clock::{Clock, leap};
use crate::config::{Config, NodeRole};
use crate::db::open::Database;
use crate::db::{Db, ROUND_MAX, in_time, within};
use crate::events::Events;
use crate::ids::Ids;
use crate::vault::Keyring;
use crate::{ingest, telemetry, web};

/// Advisory session lock of whoever opens the keys ("KEYS").
const KEYS_LOCK: i64 = 0x4b45_5953;

/// A service that was built and started.
pub struct Service {
    app: App,
    database: Database,
    tasks: JoinSet<anyhow::Result<()>>,
    names: Vec<(Id, &'static str)>,
    /// Listened to before the first task starts, so that no stop is ever met unprepared.
    signals: Option<Signals>,
}

impl Service {
    /// Builds everything and starts every task.
    ///
    /// # Errors
    /// Names what could not be started, and why.
    pub async fn start(config: Config, clock: Clock, ids: Ids) -> anyhow::Result<Self> {
        let spans = telemetry::start(&config)?;
        let (clock, leaps) = leap::arm(clock)?;
        web::measure::install();
        // Asked first, because a taken port is the commonest mistake and needs no database.
        let listener = web::server::Server::bind(&config).await?;
        let folder = &config.alerts.templates_dir;
        let templates = Templates::load((!folder.is_empty()).then(|| Path::new(folder)))
            .context("configuration key `alerts.templates_dir`")?;
        let cases = crate::secretariat::kernel::Types::load(&config.secretariat.case_types)
            .context("configuration key `secretariat.case_types`")?;
        let segments = crate::secretariat::segments::Segments::load(&config.secretariat.segments)
            .context("configuration key `secretariat.segments`")?;
        let database = Database::open(&config).await?;
        let keys = match in_time(open_keys(&database, &config, &clock, &ids)).await {
            Ok(keys) => keys,
            Err(error) => {
                database.close().await;
                return Err(error);
            }
        };
        let (ingest, receiver) = ingest::channel(&config, &clock);
        let app = App::new(Parts {
            limits: crate::web::limit::Limits::new(&config.http.limits),
            pictures: crate::web::notices::pictures::Pictures::default(),
            deliveries: Default::default(),
            outbound: crate::outbound::Client::new(&config.outbound),
            db: Db::open(&database.options.clone().application_name(&config.node()), config.database.max_connections),
            config,
            clock,
            ids,
            events: Events::default(),
            ingest,
            templates,
            cases,
            segments,
            town: Default::default(),
            past: Default::default(),
            keys,
            stop: CancellationToken::new(),
        });
        let signals = Some(Signals::new()?);
        let mut service = Self { app, database, tasks: JoinSet::new(), names: Vec::new(), signals };
        if let Some(spans) = spans {
            let traces = telemetry::otlp::run(service.app.clone(), spans);
            service.spawn("traces", traces);
        }
        if let Some(leaps) = leaps {
            let stop = service.app.stop.clone();
            service.spawn("leaps of the clock", leaps.run(stop));
        }
        match service.start_tasks(listener, receiver).await {
            Ok(()) => Ok(service),
            Err(error) => {
                service.app.stop.cancel();
                close(service.app, service.database).await;
                Err(error)
            }
        }
    }

    /// The types of cases with their rules, the days of the budget, and the registry of what was there before it. Where a rule took the place
    /// of an earlier one, what is open is reckoned anew.
    async fn keep_types(&self) -> anyhow::Result<()> {
        let (app, now) = (&self.app, self.app.clock.now());
        let (actor, tz) = (crate::audit::Actor::service(), app.config.municipality.time_zone);
        let by = crate::accounts::tokens::desk::Acting { ids: &app.ids, now, actor: &actor };
        let mut tx = app.db.web.begin().await?;
        if app.cases.register(&mut tx, &app.ids, now).await? > 0 {
            crate::deadlines::desk::reckon_anew(&mut tx, by, tz, "uma norma que vem com o serviço mudou").await?;
        }
        // A day of the budget that cannot be entered keeps no warning from leaving.
        let mut days = sqlx::Connection::begin(&mut *tx).await?;
        match crate::secretariat::budget::days::settle(&mut days, by, tz).await {
            Ok(()) => days.commit().await?,
            Err(error) => {
                days.rollback().await?;
                tracing::error!(%error, "the days of the budget are not brought to their deadlines; the service goes on");
            }
        }
        // Neither does a name that cannot be linked.
        let mut names = sqlx::Connection::begin(&mut *tx).await?;
        match crate::secretariat::kernel::registry::settle::settle(&mut names, by, &app.keys.vault).await {
            Ok(_) => names.commit().await?,
            Err(error) => {
                names.rollback().await?;
                tracing::error!(%error, "older names are not in the registry yet; the service goes on");
            }
        }
        Ok(tx.commit().await?)
    }

    /// The table of contents of what runs. Several processes may run each of these on one database; docs/cluster.md says how they meet.
    async fn start_tasks(&mut self, listener: web::server::Server, receiver: ingest::Receiver) -> anyhow::Result<()> {
        let app = self.app.clone();
        let roles = &app.config.roles;
        tracing::info!(node = app.config.node(), %roles, "this process starts");
        for role in NodeRole::ALL {
            let is_done = f64::from(u8::from(roles.has(*role)));
            metrics::gauge!("sentinela_role", "role" => role.as_str()).set(is_done);
        }
        within(ROUND_MAX, self.keep_types()).await.context("the types of cases are not registered")?;
        let devices_endpoint = if roles.has(NodeRole::Ingest) { ingest::mqtt::bind(&app).await? } else { None };
        // Whatever a process does, it may have something for the journal: what it refused, or what a person reported.
        self.spawn("ingest committer", ingest::committer::run(app.clone(), receiver));
        self.spawn("audit keeper", crate::audit::keeper::run(app.clone()));
        self.spawn("events listener", crate::db::listen::run(app.clone()));
        self.spawn("metrics", web::measure::run(app.clone()));
        self.spawn("watch of the service", crate::operation::worker::run(app.clone()));
        if roles.has(NodeRole::Evaluate) {
            self.start_evaluate(&app);
        }
        if roles.has(NodeRole::Dispatch) {
            self.start_dispatch(&app);
        }
        if roles.has(NodeRole::Ingest) {
            self.start_ingest(&app, devices_endpoint);
        }
        // How a process is, it says whatever it does.
        self.spawn("http server", listener.serve(app.clone(), web::router::router(app)));
        Ok(())
    }

    /// What comes from outside, and what is asked of others.
    fn start_ingest(&mut self, app: &App, devices_endpoint: Option<ingest::mqtt::Endpoint>) {
        self.spawn("device index", ingest::devices::run(app.clone()));
        self.spawn("device commands", crate::fleet::upkeep::run(app.clone()));
        self.spawn("rotas", crate::rota::worker::run(app.clone()));
        self.spawn("media monitoring", crate::secretariat::media_monitoring::worker::run(app.clone()));
        if !app.config.feeds.is_empty() {
            self.spawn("feeds", crate::feeds::poll::run(app.clone()));
        }
        // Without a feed too: what people bring by hand is told to rules, held against the town, and forgotten in time.
        self.spawn("warnings for rules", crate::feeds::warnings::teller::run(app.clone()));
        self.spawn("reports", crate::reports::worker::run(app.clone()));
        if !app.config.reports.maildir.is_empty() {
            self.spawn_released("reports by e-mail", crate::reports::mail::worker::run(app.clone()));
        }
        if let Some(endpoint) = devices_endpoint {
            self.spawn("MQTT endpoint", endpoint.serve());
        }
        if !app.config.mqtt.external.is_empty() {
            let (held, brokers) = (app.clone(), app.clone());
            self.try_spawn("external brokers", async move {
                // Two installations at one broker would take each other's messages.
                if hold::released(&held, "external brokers").await {
                    ingest::broker::run(brokers).await
                } else {
                    Ok(())
                }
            });
        }
    }

    /// What is judged, and what falls due by the clock.
    fn start_evaluate(&mut self, app: &App) {
        self.spawn("evaluator", crate::pipeline::run(app.clone()));
        self.spawn_released("escalation of alerts", crate::alerts::escalation::worker::run(app.clone()));
        self.spawn("comparisons of rules", crate::rules::worker::run(app.clone()));
        self.spawn("station health", crate::stations::health::worker::run(app.clone()));
        self.spawn("areas", crate::areas::worker::run(app.clone()));
        self.spawn("history", crate::history::worker::run(app.clone()));
        self.spawn("retention", crate::privacy::retention::run(app.clone()));
        self.spawn("urgency of occurrences", crate::occurrences::worker::run(app.clone()));
        self.spawn("exercises", crate::exercises::worker::run(app.clone()));
        self.spawn("deadlines", crate::deadlines::worker::run(app.clone()));
        self.spawn("cases of the secretariat", crate::secretariat::kernel::worker::run(app.clone()));
        self.spawn("determinations of resolutions", crate::secretariat::committees::worker::run(app.clone()));
        self.spawn("texts about services", crate::secretariat::evaluation::worker::run(app.clone()));
        self.spawn("reviews of plans", crate::plancon::worker::run(app.clone()));
        self.spawn("situation reports", crate::situation::worker::run(app.clone()));
    }

    /// What leaves.
    fn start_dispatch(&mut self, app: &App) {
        self.spawn_released("dispatch", crate::dispatch::worker::run(app.clone()));
        self.spawn_released("endpoints", crate::endpoints::worker::run(app.clone()));
        self.spawn_released("sirens", crate::sirens::worker::run(app.clone()));
        self.spawn_released("institutions", crate::institutions::worker::run(app.clone()));
        self.spawn("digests by segment", crate::secretariat::segments::worker::run(app.clone()));
        self.spawn("press of the secretariat", crate::secretariat::press::worker::run(app.clone()));
        if !app.config.mail.bounces.maildir.is_empty() {
            self.spawn_released("letters that come back", crate::dispatch::bounces::worker::run(app.clone()));
        }
    }

    /// Adds a task that ends when `app.stop` is cancelled.
    pub fn spawn(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.try_spawn(name, async {
            task.await;
            Ok(())
        });
    }

    /// The same for what a restored installation must not do while the one it was copied from may still run.
    fn spawn_released(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.spawn(name, hold::then(self.app.clone(), name, task));
    }

    /// The same for a task that can fail.
    pub fn try_spawn(&mut self, name: &'static str, task: impl Future<Output = anyhow::Result<()>> + Send + 'static) {
        let handle = self.tasks.spawn(task);
        self.names.push((handle.id(), name));
    }

    pub const fn app(&self) -> &App {
        &self.app
    }

    /// Runs until a signal asks it to stop or an essential task dies, then drains.
    ///
    /// # Errors
    /// The task that died, or that did not end in time.
    pub async fn run(mut self) -> anyhow::Result<()> {
        let mut signals = self.signals.take().context("signals are listened to once")?;
        let died = tokio::select! {
            name = signals.next() => {
                tracing::info!(signal = name, "stopping; a second signal ends at once");
                None
            }
            () = self.app.stop.cancelled() => None,
            () = guard(&self.database) => Some(anyhow::anyhow!("nobody looks after the private database any more")),
            Some(ended) = self.tasks.join_next_with_id() => Some(self.why(ended)),
        };
        if let Some(error) = &died {
            tracing::error!("{error:#}; stopping");
        }
        self.app.stop.cancel();
        let drained = tokio::select! {
            drained = self.drain() => drained,
            name = signals.next() => {
                tracing::warn!(signal = name, "second signal: ending at once");
                if let Some(cluster) = self.database.cluster() {
                    cluster.stop_without_waiting().await;
                }
                std::process::exit(1);
            }
        };
        close(self.app, self.database).await;
        match died {
            Some(error) => Err(error),
            None => drained,
        }
    }

    /// Lets every task finish, within `shutdown.timeout_s`.
    async fn drain(&mut self) -> anyhow::Result<()> {
        let bound = Duration::from_secs(self.app.config.shutdown.timeout_s.into());
        let mut failed = None;
        let ended = tokio::time::timeout(bound, async {
            while let Some(ended) = self.tasks.join_next_with_id().await {
                match ended {
                    Ok((id, Ok(()))) => self.names.retain(|(known, _)| *known != id),
                    other => failed = Some(self.why(other)),
                }
            }
        });
        if ended.await.is_err() {
            let left: Vec<&str> = self.names.iter().map(|(_, name)| *name).collect();
            self.tasks.shutdown().await;
            bail!("did not end within {} s (shutdown.timeout_s): {}", bound.as_secs(), left.join(", "));
        }
        failed.map_or(Ok(()), Err)
    }

    /// Why a task that should be running is not.
    fn why(&mut self, ended: Result<(Id, anyhow::Result<()>), tokio::task::JoinError>) -> anyhow::Error {
        let id = match &ended {
            Ok((id, _)) => *id,
            Err(error) => error.id(),
        };
        let name = self.names.iter().find(|(known, _)| *known == id).map_or("a task", |(_, name)| *name);
        let error = match ended {
            Ok((_, Ok(()))) => anyhow::anyhow!("{name} ended before it was asked to"),
            Ok((_, Err(error))) => error.context(format!("{name} failed")),
            Err(error) => anyhow::Error::new(error).context(format!("{name} panicked")),
        };
        self.names.retain(|(known, _)| *known != id);
        error
    }
}

/// The keys this database needs.
async fn open_keys(database: &Database, config: &Config, clock: &Clock, ids: &Ids) -> anyhow::Result<Keyring> {
    use sqlx::{ConnectOptions as _, Connection as _};
    let mut conn = database.options.clone().application_name("sentinela/keys").connect().await?;
    // Of two nodes that start at once on an empty database one makes the keys; the other finds that it lacks them, and says so. One that
    // stands still with the lock keeps the other waiting a minute and not for ever.
    sqlx::query("set lock_timeout = '60s'").execute(&mut conn).await?;
    sqlx::query!("select pg_advisory_lock($1)", KEYS_LOCK).execute(&mut conn).await.context(
        "another node makes or reads the keys of this database and does not come to an end (pg_locks, sentinela/keys)",
    )?;
    let keys = Keyring::open_or_create(&mut conn, config, ids, clock.now()).await?;
    make_signing_key(&mut conn, config, &keys, ids, clock).await?;
    conn.close().await?;
    Ok(keys)
}

/// The first key that signs messages. One that cannot be opened keeps the service from nothing but signing: readings are
/// still judged, and whoever issues is told.
async fn make_signing_key(
    conn: &mut sqlx::PgConnection,
    config: &Config,
    keys: &Keyring,
    ids: &Ids,
    clock: &Clock,
) -> anyhow::Result<()> {
    use sqlx::Connection as _;
    if !config.signing.enabled {
        return Ok(());
    }
    let mut tx = conn.begin().await?;
    let desk = crate::alerts::signing::Desk { config, ids, keys };
    if let Err(error) = desk.active(&mut tx, clock.now()).await {
        tracing::error!(%error, "messages cannot be signed, so no alert can be issued; `sentinela key new-signing` makes a key");
        return Ok(());
    }
    tx.commit().await?;
    Ok(())
}

/// Builds, runs and ends the service on the machine's own clock.
///
/// # Errors
/// Whatever kept it from starting, running or ending well.
pub async fn serve(config: Config) -> anyhow::Result<()> {
    let hangups = signal(SignalKind::hangup()).context("signals cannot be received")?;
    let mut service = Service::start(config, Clock::System, Ids::system()).await?;
    service.spawn("reload", crate::operation::reload::run(service.app.clone(), hangups));
    let link = match service.app().config.roles.has(NodeRole::Web) {
        true => crate::accounts::setup::offer(service.app()).await?,
        false => None,
    };
    if let Some(link) = link {
        println!("Nobody works here yet. The first administrator is made at {link}");
    }
    announce(service.app());
    service.run().await
}

/// The one line that says that the service is ready; scripts and tests wait for it.
pub fn announce(app: &App) {
    if app.config.roles.has(NodeRole::Web) {
        println!("ready: {}  (console: {}/console)", app.config.public_url(), app.config.public_url());
    } else {
        println!("ready: {}  ({})", app.config.public_url(), app.config.roles);
    }
}

/// Never resolves when the database is not ours to guard.
async fn guard(database: &Database) {
    match database.cluster() {
        Some(cluster) => cluster.guard().await,
        None => std::future::pending().await,
    }
}

async fn close(app: App, database: Database) {
    // Pools first: a clean stop of the server waits for its clients.
    let pools = [&app.db.ingest, &app.db.dispatch, &app.db.web];
    let closing = futures_util::future::join_all(pools.map(sqlx::PgPool::close));
    if tokio::time::timeout(Duration::from_secs(5), closing).await.is_err() {
        tracing::warn!("some database connections were still busy at the end");
    }
    database.close().await;
    tracing::info!("stopped");
}

/// SIGTERM and SIGINT, one after the other.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("signals cannot be received");
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
