//! What stands in the database before the curtain rises.

use std::path::Path;

use anyhow::{Context as _, bail};
use chrono::TimeDelta;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, PgConnection, PgPool};

use super::storm::{self, Timeline};
use super::{
    Memory, USERNAME, budget, citizen, council, ethics, people, procedures, publishing, shelters, streets, teams,
};
use crate::accounts::{self, Role, Roles};
use crate::addresses::file::Source;
use crate::addresses::store::import as addresses;
use crate::audit::Actor;
use crate::catalogue::store::{Kind, Options, import, resolve, store_residents};
use crate::catalogue::{Format, NewObservation, parse_areas, read};
use crate::clock::Clock;
use crate::config::Config;
use crate::db::open::Database;
use crate::ids::Ids;
use crate::journal;
use crate::plancon::file;
use crate::plancon::store::plans;
use crate::risk::store::{Cursor, save_cursor};
use crate::stations::device::secret_sha256;
use crate::stations::store::{stations, upsert_device};

/// Neighbourhoods (OpenStreetMap) with illustrative grades, and CEMADEN's gauges.
pub const AREAS: &str = include_str!("../../simulations/data/juiz_de_fora_2026-02.areas.geojson");
/// Its gauges.
pub const STATIONS: &str = include_str!("../../simulations/data/juiz_de_fora_2026-02.stations.csv");

/// Its plan, with places that are fictional.
const PLAN: &str = include_str!("../../config/plancon/example.toml");

/// Readings in one append.
const BATCH: usize = 1000;

/// What stopping and starting the database takes, about.
const STARTING_FOR: TimeDelta = TimeDelta::seconds(2);

/// Fills the database before the service starts, and sets the instant the night will have ended. `begin_again` empties what
/// an earlier demonstration left; a database that no demonstration made is never touched.
///
/// # Errors
/// The database's, or that it holds other people's data.
pub async fn prepare(
    config: &Config,
    clock: &Clock,
    ids: &Ids,
    (memory, memory_path): (&mut Memory, &Path),
    begin_again: bool,
) -> anyhow::Result<()> {
    if begin_again {
        let database = Database::open(config).await?;
        let emptied = empty(&database).await;
        database.close().await;
        emptied?;
    }
    let database = Database::open(config).await?;
    let pool = crate::db::pool(&database.options, "seed", 2);
    let outcome = fill(&pool, (clock, config), ids, (memory, memory_path)).await;
    pool.close().await;
    database.close().await;
    outcome
}

/// Everything goes; opening the database again migrates it anew.
async fn empty(database: &Database) -> anyhow::Result<()> {
    let mut conn = database.owner.clone().connect().await?;
    conn.execute("drop schema public cascade; create schema public").await?;
    Ok(conn.close().await?)
}

async fn fill(
    pool: &PgPool,
    (clock, config): (&Clock, &Config),
    ids: &Ids,
    (memory, memory_path): (&mut Memory, &Path),
) -> anyhow::Result<()> {
    let mut conn = pool.acquire().await?;
    let used = sqlx::query_scalar!(
        r#"select exists (select from station) or exists (select from resident) or exists (select from staff) as "used!""#
    );
    if used.fetch_one(&mut *conn).await? {
        bail!("this database is in use; the demo needs one of its own (configuration keys `data_dir`, `database.url`)");
    }
    // From here on the database is the demonstration's, even if it is cut short.
    memory.save(memory_path)?;
    catalogue(&mut conn, clock, ids, memory).await?;
    account(&mut conn, clock, ids, memory).await?;
    exercise(&mut conn, clock, ids).await?;
    plan(&mut conn, clock, ids).await?;
    teams::fill(&mut conn, (ids, clock.now())).await?;
    shelters::save(&mut conn, clock, ids).await?;
    secretariat(&mut conn, clock, ids, config).await?;
    // Starting the service takes a moment that shall not be missed from the play.
    memory.began_at = clock.now() + STARTING_FOR;
    history(&mut conn, pool, &memory.timeline()).await
}

/// What each module of the secretariat has, fictional, done through its own desk.
///
/// # Errors
/// The database's, or that what stands here does not fit the rules of a module.
pub async fn secretariat(conn: &mut PgConnection, clock: &Clock, ids: &Ids, config: &Config) -> anyhow::Result<()> {
    let tz = config.municipality.time_zone;
    budget::fill(conn, (ids, clock.now()), tz).await?;
    council::fill(conn, (ids, clock.now())).await?;
    citizen::fill(conn, (ids, clock.now()), config).await?;
    procedures::fill(conn, (ids, clock.now()), config).await?;
    publishing::fill(conn, (ids, clock.now()), config).await?;
    ethics::fill(conn, (ids, clock.now()), config).await?;
    instruments(conn, clock, ids, tz).await?;
    media(conn, (clock.now(), ids), config).await
}

/// Whoever tries the demonstration works in every module too.
fn everything() -> Roles {
    let modules = Role::ALL.iter().copied().filter(|role| role.is_module());
    Roles::new([Role::Coordinator, Role::Administrator].into_iter().chain(modules))
}

/// Media monitoring.
async fn media(
    conn: &mut PgConnection,
    (now, ids): (crate::clock::Instant, &Ids),
    config: &Config,
) -> anyhow::Result<()> {
    let actor = Actor::command();
    let by = crate::accounts::tokens::desk::Acting { ids, now, actor: &actor };
    let mut tx = conn.begin().await?;
    crate::secretariat::media_monitoring::seed::fill(&mut tx, by, config).await?;
    Ok(tx.commit().await?)
}

/// Agreements, funding, strategic projects, the registry, and the evaluation of services.
async fn instruments(conn: &mut PgConnection, clock: &Clock, ids: &Ids, tz: chrono_tz::Tz) -> anyhow::Result<()> {
    let actor = Actor::command();
    let by = crate::accounts::tokens::desk::Acting { ids, now: clock.now(), actor: &actor };
    // Nobody of the demonstration has a CPF, so that nothing is sealed under these keys.
    let vault = crate::vault::Ring::new("vault", &[], ids);
    let mut tx = conn.begin().await?;
    crate::secretariat::agreements::seed::fill(&mut tx, by, (tz, &vault)).await?;
    crate::secretariat::funding::seed::fill(&mut tx, by, (tz, &vault)).await?;
    crate::secretariat::strategic_projects::seed::fill(&mut tx, by, (tz, &vault)).await?;
    crate::secretariat::kernel::registry::seed::fill(&mut tx, by, (tz, &vault)).await?;
    crate::secretariat::evaluation::seed::fill(&mut tx, by, tz).await?;
    Ok(tx.commit().await?)
}

async fn catalogue(conn: &mut PgConnection, clock: &Clock, ids: &Ids, memory: &Memory) -> anyhow::Result<()> {
    let now = clock.now();
    let (options, actor) = (Options::default(), Actor::command());
    import(conn, ids, now, Kind::Areas, (Format::GeoJson, AREAS.as_bytes()), options, &actor).await?;
    import(conn, ids, now, Kind::Stations, (Format::Csv, STATIONS.as_bytes()), options, &actor).await?;
    let areas = parse_areas(&read(Format::GeoJson, AREAS.as_bytes())?)?;
    // The areas of this town are its neighbourhoods: an alert by hand may hold for one, whatever its grade.
    let named = crate::neighbourhoods::read_file(AREAS.as_bytes())?.neighbourhoods;
    crate::neighbourhoods::store::replace(conn, (ids, now, &actor), &named, false).await?;
    let mut tx = conn.begin().await?;
    // One gauge, one device with the same code.
    for station in stations(&mut tx, 1000, 0).await? {
        let hash = secret_sha256(&station.code, &memory.secret(&station.code));
        upsert_device(&mut tx, now, &station.code, station.id, &hash).await?;
    }
    store_residents(&mut tx, ids, now, &people::invent(&areas, now), true).await?;
    tx.commit().await?;
    let (invented, postcodes) = streets::invent(&areas).finish();
    let all = (invented.as_slice(), postcodes.as_slice());
    addresses::replace(conn, (ids, now, &actor), (Source::Fictional, ""), all, false).await?;
    Ok(())
}

async fn account(conn: &mut PgConnection, clock: &Clock, ids: &Ids, memory: &Memory) -> anyhow::Result<()> {
    let hash = accounts::password::hash(ids, &memory.password).await?;
    let name = "Coordenação (demonstração)";
    accounts::store::upsert_member(conn, ids, clock.now(), USERNAME, name, &everything(), &hash).await?;
    // Whom the plan of the demonstration pages; no message leaves the machine.
    if let Some(member) = accounts::store::people::person(&mut *conn, clock.now(), USERNAME).await? {
        accounts::store::people::set_email(&mut *conn, member.id, "coordenacao@sentinela.invalid").await?;
    }
    Ok(())
}

/// The whole demonstration is one exercise under way, which every fictional resident joined for where they live: its alerts are
/// exercises, and those reach nobody else.
async fn exercise(conn: &mut PgConnection, clock: &Clock, ids: &Ids) -> anyhow::Result<()> {
    let (id, now) = (ids.uuid(clock.now()), clock.now());
    sqlx::query!(
        "insert into exercise (id, code, title, cobrade, objectives, public_text, responsible, starts_at, ends_at, announce_days,
             announce_hours, state, changed_at, created_at, created_by, announced_at, started_at, started_by)
         values ($1, 'demojf26', 'Demonstração: a noite de 23 de fevereiro de 2026', '1.1.3.2.1',
             'Mostrar o caminho da chuva até o aviso, com moradores fictícios.',
             'Demonstração do sistema com a chuva de fevereiro de 2026. Os moradores são fictícios.', 'Demonstração', $2,
             $2::timestamptz + interval '10 days', 0, 0, 'running', $2, $2, 'service', $2, $2, 'service')",
        id,
        now
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into exercise_area (exercise_id, area_id) select $1, id from risk_area
         where exists (select from area_hazard h where h.area_id = risk_area.id)",
        id
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into exercise_participant (exercise_id, kind, resident_id, reach, joined_at, joined_by)
         select $1, 'resident', id, 'place', $2, 'resident' from resident where fictional",
        id,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A contingency plan in force; what its alerts make of it is part of the exercise.
async fn plan(conn: &mut PgConnection, clock: &Clock, ids: &Ids) -> anyhow::Result<()> {
    let now = clock.now();
    let read = file::read(PLAN).map_err(|wrong| anyhow::anyhow!("the plan of the demonstration: {wrong:?}"))?;
    let (plan, version, by) = (ids.uuid(now), ids.uuid(now), "service");
    plans::insert_plan(conn, (plan, "chuvas"), now, by).await?;
    let document = serde_json::to_value(&read)?;
    let written = plans::Written { title: &read.title, source: PLAN, document: &document };
    plans::insert_draft(conn, (version, plan), (now, by), written).await?;
    plans::keep_act(conn, version, (now, None, by), ("write", "")).await?;
    plans::put_in_force(conn, version, (now, by), now.date_naive() + TimeDelta::days(365)).await?;
    plans::keep_act(conn, version, (now, None, by), ("approve", "Demonstração")).await?;
    Ok(())
}

/// The days before the night. The evaluator starts behind them: its windows look back on them, and nothing is judged or
/// drafted for rain that is days old.
async fn history(conn: &mut PgConnection, pool: &PgPool, timeline: &Timeline) -> anyhow::Result<()> {
    let clock = Clock::manual(timeline.stage().shows_from);
    let past: Vec<NewObservation> = storm::readings()?
        .into_iter()
        .filter(|row| Timeline::is_history(row.observed_at))
        .map(|row| NewObservation { observed_at: timeline.stamp(row.observed_at), ..row })
        .collect();
    let readings = resolve(conn, clock.now(), &past).await?;
    for batch in readings.chunks(BATCH) {
        journal::append(pool, &clock, batch, &[]).await?;
    }
    let last = journal::head(&mut *conn).await?.context("the history is empty")?;
    let mut tx = conn.begin().await?;
    save_cursor(&mut tx, Cursor { seq: last.seq, through_at: last.received_at }).await?;
    tx.commit().await?;
    Ok(())
}
