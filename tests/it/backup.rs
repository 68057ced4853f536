//! A backup of a service at work, read back into an empty place: nothing is missing, nothing is sent twice, and what was changed is
//! refused.

use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use sentinela::audit::{Act, Actor, Entry, record};
use sentinela::backup::{Manifest, hold, store};
use sentinela::clock::Clock;
use sentinela::dispatch::decide::State;
use sentinela::dispatch::provider::providers;
use sentinela::dispatch::store::claim;
use sentinela::ids::Ids;
use sentinela::journal;
use sentinela::vault::Keyring;
use sqlx::Connection as _;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

use crate::dispatch::peers::Dispatcher;
use crate::dispatch::town::{INSIDE, Town};
use crate::ingest::{gauge, reading};
use crate::support::{self, Folder, TestDb, start_at};

/// `sentinela` on this database.
fn command(db: &TestDb, data: &Path, arguments: &[&str]) -> Command {
    let mut command = support::sentinela();
    command.args(arguments).env("SENTINELA__DATABASE__URL", &db.url).env("SENTINELA__DATA_DIR", data);
    command
}

/// Exit code, standard output and standard error.
async fn run(mut command: Command) -> (Option<i32>, String, String) {
    let output = support::soon("a command to end", command.output()).await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

async fn good(command: Command) -> String {
    let (code, out, err) = run(command).await;
    assert_eq!(code, Some(0), "{out}{err}");
    out
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

async fn backup(db: &TestDb, data: &Path, to: &Path) -> String {
    good(command(db, data, &["backup", text(to)])).await
}

/// Acts that fill the audit.
async fn acts(db: &TestDb, count: i64) {
    let ids = Ids::seeded(11);
    for number in 0..count {
        let mut tx = db.pool.begin().await.unwrap();
        let entry = Entry::new(Act::AlertEdit, "alert", number);
        record(&mut tx, &ids, start_at(), &Actor::service(), entry).await.unwrap();
        tx.commit().await.unwrap();
    }
}

async fn number(db: &TestDb, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&db.pool).await.unwrap()
}

/// Readings one after the other until it is told to stop.
fn readings(db: &TestDb, stream: sentinela::ids::DatastreamId, stop: CancellationToken) -> tokio::task::JoinHandle<()> {
    let pool = db.pool.clone();
    tokio::spawn(async move {
        let clock = Clock::manual(start_at());
        for number in 0_i64.. {
            if stop.is_cancelled() {
                return;
            }
            let batch: Vec<_> =
                (0..20).map(|place| reading(stream, &format!("{number}-{place}"), number % 50)).collect();
            journal::append(&pool, &clock, &batch, &[]).await.unwrap();
        }
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_taken_under_load_restores_whole_and_adds_up() {
    let (db, target, folder) = (support::db().await, support::empty_db().await, Folder::new());
    let stream = gauge(&db.pool, "A").await;
    acts(&db, 5).await;
    let town = Town::new(&db).await;
    for n in 0..40 {
        town.resident(INSIDE, 10, &[&format!("+5532900000{n:03}")]).await;
    }
    let alert = town.living_alert("Saia.").await;
    let stop = CancellationToken::new();
    let writer = readings(&db, stream, stop.clone());
    let dispatcher = Dispatcher::start(&db, |config| config.dispatch.sink_messages_per_second = 20);
    town.enqueue(alert).await;
    support::eventually("the first messages to leave", || async {
        (number(&db, "select count(*) from outbox where state = 'delivered' or state = 'accepted'").await > 0)
            .then_some(())
    })
    .await;

    let archive = folder.path().join("whole.zip");
    let said = backup(&db, &folder.path().join("data"), &archive).await;
    let there_after = number(&db, "select count(*) from journal").await;
    stop.cancel();
    writer.await.unwrap();
    dispatcher.stop().await;
    assert!(said.contains("The keys are not in it"), "{said}");

    let data = folder.path().join("restored");
    let said = good(command(&target, &data, &["restore", text(&archive)])).await;
    assert!(
        said.contains(" 0 findings") && said.contains("accounts: 1 alerts that left, 0 that do not add up"),
        "{said}"
    );
    assert!(said.contains("HELD") && said.contains("MISSING"), "{said}");
    // Of one instant: everything up to the head, and nothing after it.
    let head = number(&target, "select max(seq) from journal").await;
    let restored = number(&target, "select count(*) from journal").await;
    let same: i64 = sqlx::query_scalar("select count(*) from journal where seq <= $1")
        .bind(head)
        .fetch_one(&db.pool)
        .await
        .unwrap();
    assert_eq!(restored, same);
    assert!(restored > 0 && restored <= there_after, "{restored} of {there_after}");
    assert_eq!(number(&target, "select count(*) from outbox").await, 40);
    let said = good(command(&target, &data, &["audit", "verify"])).await;
    assert!(said.contains("the chain is whole"), "{said}");
    // What was known of the backup stays with the one it was taken of.
    assert_eq!(
        [number(&db, "select count(*) from backup").await, number(&target, "select count(*) from backup").await],
        [1, 0]
    );
}

#[tokio::test]
async fn what_the_tables_call_is_found_without_a_search_path() {
    // A dump is read back with an empty one. Each function that a generated column, a check or an index calls, and whatever those call,
    // is made anew here as it stands, with its body looked at.
    let db = support::db().await;
    let mut owner = db.owner().await;
    let bodies: Vec<(String, String)> = sqlx::query_as(
        r"with recursive ours as (
            select p.oid, p.proname::text, p.prosrc from pg_proc p where p.pronamespace = 'public'::regnamespace
                and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
        ), called(oid) as (
            select o.oid from ours o join pg_depend d on d.refclassid = 'pg_proc'::regclass and d.refobjid = o.oid
            where d.classid in ('pg_attrdef'::regclass, 'pg_constraint'::regclass, 'pg_class'::regclass)
            union
            select o.oid from called c join ours caller on caller.oid = c.oid
                join ours o on caller.prosrc ~ ('\m' || o.proname || '\M') and o.oid <> caller.oid
        )
        select o.proname, pg_get_functiondef(o.oid) from called c join ours o on o.oid = c.oid order by 1",
    )
    .fetch_all(&mut owner)
    .await
    .unwrap();
    let names: Vec<&str> = bodies.iter().map(|(name, _)| name.as_str()).collect();
    assert!(
        ["case_search", "fold_words", "media_search", "media_sign"].iter().all(|name| names.contains(name)),
        "{names:?}"
    );
    sqlx::raw_sql("set search_path = ''; set check_function_bodies = on").execute(&mut owner).await.unwrap();
    for (name, body) in bodies {
        let made = sqlx::raw_sql(sqlx::AssertSqlSafe(body)).execute(&mut owner).await;
        assert!(made.is_ok(), "{name} is found only through the search path: {made:?}");
    }
    owner.close().await.unwrap();
}

/// An archive of a town with three messages that wait, and where it lies.
async fn waiting(db: &TestDb, folder: &Folder) -> std::path::PathBuf {
    let town = Town::new(db).await;
    for n in 0..3 {
        town.resident(INSIDE, 10, &[&format!("+553290000000{n}")]).await;
    }
    let alert = town.living_alert("Saia.").await;
    town.enqueue(alert).await;
    let archive = folder.path().join("waiting.zip");
    backup(db, &folder.path().join("data"), &archive).await;
    archive
}

#[tokio::test]
async fn a_restored_installation_sends_nothing_until_somebody_takes_over() {
    let (db, target, folder) = (support::db().await, support::empty_db().await, Folder::new());
    let archive = waiting(&db, &folder).await;
    let data = folder.path().join("restored");
    good(command(&target, &data, &["restore", text(&archive)])).await;
    let held = store::held(&mut target.pool.acquire().await.unwrap()).await.unwrap().unwrap();
    assert_eq!((held.file.as_str(), held.settled["paused_alerts"].as_i64()), ("waiting.zip", Some(1)));

    // A stop comes first, and what was held did not begin.
    let app = support::app(&target);
    app.stop.cancel();
    assert!(!hold::released(&app, "a test").await);

    let (code, _, err) = run(command(&target, &data, &["take-over", "--reason", "queimou"])).await;
    assert_eq!(code, Some(2), "{err}");
    assert!(err.contains("--original-is-stopped"), "{err}");
    let said =
        good(command(&target, &data, &["take-over", "--original-is-stopped", "--reason", "a máquina queimou"])).await;
    assert!(said.contains("sends from now on"), "{said}");
    assert!(hold::released(&support::app(&target), "a test").await);

    // What waited is still for a person to decide.
    let now = Clock::System.now();
    let provider = providers(&support::config(&[])).remove(0);
    let mut conn = target.pool.acquire().await.unwrap();
    let until = now + chrono::TimeDelta::seconds(30);
    assert!(claim::claim(&mut conn, now, &provider, 10, until).await.unwrap().is_empty());
    let states: Vec<(String, bool)> =
        sqlx::query_as("select state, held from outbox order by id").fetch_all(&mut *conn).await.unwrap();
    assert_eq!(states, vec![(State::Pending.as_str().to_owned(), true); 3]);
    drop(conn);
    let said = good(command(&target, &data, &["audit", "export", "--act", "backup.take_over"])).await;
    assert!(said.contains("a máquina queimou"), "{said}");
}

#[tokio::test]
async fn a_database_that_was_read_back_only_half_way_is_held_and_cannot_be_taken_over() {
    let (db, target, folder) = (support::db().await, support::empty_db().await, Folder::new());
    let archive = waiting(&db, &folder).await;
    let data = folder.path().join("restored");
    good(command(&target, &data, &["restore", text(&archive)])).await;
    // As it is when the process dies between the last row of the dump and the hold.
    let mut owner = target.owner().await;
    store::mark(&mut owner).await.unwrap();
    sqlx::raw_sql("delete from restoration").execute(&mut owner).await.unwrap();
    let held = store::held(&mut target.pool.acquire().await.unwrap()).await.unwrap().unwrap();
    assert_eq!(held.settled, serde_json::json!({}));
    let taking = ["take-over", "--original-is-stopped", "--reason", "a máquina queimou"];
    let (code, _, err) = run(command(&target, &data, &taking)).await;
    assert_eq!(code, Some(1), "{err}");
    assert!(err.contains("interrupted"), "{err}");
}

#[tokio::test]
async fn what_could_not_be_proved_is_taken_over_only_by_whoever_answers_for_it_in_words() {
    let (db, target, folder) = (support::db().await, support::empty_db().await, Folder::new());
    let town = Town::new(&db).await;
    town.resident(INSIDE, 10, &["+5532900000001"]).await;
    let alert = town.living_alert("Saia.").await;
    town.enqueue(alert).await;
    // One message more was promised than is there: it was lost before the backup.
    sqlx::query("update dispatch_run set recipients = recipients + 1").execute(&db.pool).await.unwrap();
    let (archive, data) = (folder.path().join("short.zip"), folder.path().join("restored"));
    backup(&db, &folder.path().join("data"), &archive).await;
    let (code, out, err) = run(command(&target, &data, &["restore", text(&archive)])).await;
    assert_eq!(code, Some(1), "{out}{err}");
    assert!(out.contains("1 that do not add up") && err.contains("is not what was there"), "{out}{err}");
    let held = store::held(&mut target.pool.acquire().await.unwrap()).await.unwrap().unwrap();
    assert_eq!(held.proof().map(|proof| (proof.unbalanced, proof.passed())), Some((1, false)));

    let taking = ["take-over", "--original-is-stopped", "--reason", "a máquina queimou"];
    let (code, _, err) = run(command(&target, &data, &taking)).await;
    assert_eq!(code, Some(1), "{err}");
    assert!(err.contains("1 alerts that do not add up") && err.contains("--despite-failed-proof"), "{err}");
    let (code, _, err) = run(command(&target, &data, &[&taking[..], &["--despite-failed-proof", " "]].concat())).await;
    assert_eq!(code, Some(2), "{err}");
    assert!(store::held(&mut target.pool.acquire().await.unwrap()).await.unwrap().is_some(), "it stays held");

    // A restore that ended before its proof is no better.
    sqlx::query("update restoration set proof = null").execute(&target.pool).await.unwrap();
    let (code, _, err) = run(command(&target, &data, &taking)).await;
    assert_eq!(code, Some(1), "{err}");
    assert!(err.contains("before it had proved"), "{err}");

    let why = "não há outra cópia; falta uma mensagem de 2025";
    let said = good(command(&target, &data, &[&taking[..], &["--despite-failed-proof", why]].concat())).await;
    assert!(said.contains("sends from now on"), "{said}");
    assert!(store::held(&mut target.pool.acquire().await.unwrap()).await.unwrap().is_none());
    let said = good(command(&target, &data, &["audit", "export", "--act", "backup.take_over"])).await;
    assert!(said.contains(why) && said.contains("a máquina queimou"), "{said}");
}

#[tokio::test]
async fn what_was_proved_is_not_taken_over_in_spite_of_anything() {
    let (db, target, folder) = (support::db().await, support::empty_db().await, Folder::new());
    let (archive, data) = (folder.path().join("a.zip"), folder.path().join("restored"));
    backup(&db, &folder.path().join("data"), &archive).await;
    good(command(&target, &data, &["restore", text(&archive)])).await;
    let taking = ["take-over", "--original-is-stopped", "--reason", "x", "--despite-failed-proof", "y"];
    let (code, _, err) = run(command(&target, &data, &taking)).await;
    assert_eq!(code, Some(2), "{err}");
    assert!(err.contains("nothing to take over in spite of"), "{err}");
}

#[tokio::test]
async fn what_one_person_alone_was_to_get_is_ended_and_sessions_are_over() {
    let (db, target, folder) = (support::db().await, support::empty_db().await, Folder::new());
    sqlx::raw_sql(
        "insert into notice (id, channel, address, purpose, subject, body, state, next_attempt_at, expires_at, created_at)
         values (gen_random_uuid(), 'email', 'ana@example.org', 'invitation', 's', 'b', 'pending', now(), now() + interval '1 day', now());
         insert into staff (id, username, name, roles, created_at) values (gen_random_uuid(), 'ana', 'Ana', '{operator}', now());
         insert into staff_session (token_sha256, staff_id, csrf_token, created_at, last_used_at, expires_at, id)
         select sha256('x'), id, 'c', now(), now(), now() + interval '1 day', gen_random_uuid() from staff",
    )
    .execute(&db.pool)
    .await
    .unwrap();
    let archive = folder.path().join("a.zip");
    backup(&db, &folder.path().join("data"), &archive).await;
    good(command(&target, &folder.path().join("restored"), &["restore", text(&archive)])).await;
    let notice: (String, String, String) =
        sqlx::query_as("select state, reason, body from notice").fetch_one(&target.pool).await.unwrap();
    assert_eq!(notice, ("unknown".to_owned(), "restored".to_owned(), String::new()));
    assert_eq!(number(&target, "select count(*) from staff_session").await, 0);
}

/// Nothing was written.
async fn is_empty(db: &TestDb) {
    let sql = "select count(*) from pg_class where relnamespace = 'public'::regnamespace";
    let mut owner = db.owner().await;
    let tables: i64 = sqlx::query_scalar(sql).fetch_one(&mut owner).await.unwrap();
    owner.close().await.unwrap();
    assert_eq!(tables, 0);
}

#[tokio::test]
async fn an_archive_that_was_changed_is_refused_before_anything_is_written() {
    let (db, target, folder) = (support::db().await, support::empty_db().await, Folder::new());
    let archive = folder.path().join("a.zip");
    let said = backup(&db, &folder.path().join("data"), &archive).await;
    let sum = said.lines().find_map(|line| line.strip_prefix("manifest ")).unwrap().to_owned();
    let data = folder.path().join("restored");

    // One byte in the middle of the dump.
    let changed = folder.path().join("changed.zip");
    std::fs::copy(&archive, &changed).unwrap();
    let mut file = std::fs::File::options().read(true).write(true).open(&changed).unwrap();
    let middle = file.metadata().unwrap().len() / 2;
    let mut byte = [0];
    file.seek(SeekFrom::Start(middle)).unwrap();
    file.read_exact(&mut byte).unwrap();
    file.seek(SeekFrom::Start(middle)).unwrap();
    file.write_all(&[byte[0] ^ 1]).unwrap();
    drop(file);
    // A file that nobody listed.
    let added = folder.path().join("added.zip");
    std::fs::copy(&archive, &added).unwrap();
    let file = std::fs::File::options().read(true).write(true).open(&added).unwrap();
    let mut zip = zip::ZipWriter::new_append(file).unwrap();
    zip.start_file("rules/evil.toml", zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(b"x").unwrap();
    zip.finish().unwrap();
    // The end cut off.
    let cut = folder.path().join("cut.zip");
    let bytes = std::fs::read(&archive).unwrap();
    std::fs::write(&cut, &bytes[..bytes.len() - 100]).unwrap();

    for (file, why) in [(&changed, "damaged"), (&added, "somebody put it in"), (&cut, "cut off")] {
        let (code, out, err) = run(command(&target, &data, &["restore", text(file)])).await;
        assert_eq!(code, Some(1), "{out}{err}");
        assert!(err.contains(why), "{why}: {err}");
        is_empty(&target).await;
    }
    // A list that was written anew gives another sum than the one noted.
    let other = sum.replace(|digit: char| digit.is_ascii_digit(), "0");
    let (code, _, err) = run(command(&target, &data, &["restore", text(&archive), "--manifest", &other])).await;
    assert_eq!(code, Some(1));
    assert!(err.contains("not the one that was noted"), "{err}");
    is_empty(&target).await;
    let said = good(command(&target, &data, &["restore", text(&archive), "--manifest", &sum, "--check"])).await;
    assert!(said.contains("whole"), "{said}");
    is_empty(&target).await;
}

#[tokio::test]
async fn nothing_that_is_there_is_overwritten() {
    let (db, folder) = (support::db().await, Folder::new());
    let (archive, data) = (folder.path().join("a.zip"), folder.path().join("data"));
    backup(&db, &data, &archive).await;
    let before = std::fs::read(&archive).unwrap();
    let (code, _, err) = run(command(&db, &data, &["backup", text(&archive)])).await;
    assert_eq!(code, Some(1));
    assert!(err.contains("overwrites nothing"), "{err}");
    assert_eq!(std::fs::read(&archive).unwrap(), before);
    let (code, _, err) = run(command(&db, &data, &["restore", text(&archive)])).await;
    assert_eq!(code, Some(1));
    assert!(err.contains("the database is not empty"), "{err}");
    assert_eq!(number(&db, "select count(*) from restoration").await, 0);
}

#[tokio::test]
async fn an_archive_of_a_newer_schema_is_refused() {
    let (db, target, folder) = (support::db().await, support::empty_db().await, Folder::new());
    let mut owner = db.owner().await;
    sqlx::query(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
         values (29990101000000, 'later', true, '', 0)",
    )
    .execute(&mut owner)
    .await
    .unwrap();
    owner.close().await.unwrap();
    let archive = folder.path().join("a.zip");
    backup(&db, &folder.path().join("data"), &archive).await;
    let (code, _, err) = run(command(&target, &folder.path().join("data"), &["restore", text(&archive)])).await;
    assert_eq!(code, Some(1));
    assert!(err.contains("is newer than this program's"), "{err}");
    is_empty(&target).await;
}

#[tokio::test]
async fn without_pg_dump_it_says_what_to_install() {
    let (db, folder) = (support::db().await, Folder::new());
    let mut taking = command(&db, folder.path(), &["backup", text(&folder.path().join("a.zip"))]);
    taking.env("SENTINELA__DATABASE__POSTGRES_BIN_DIR", folder.path());
    let (code, _, err) = run(taking).await;
    assert_eq!(code, Some(1));
    assert!(err.contains("apt-get install postgresql-client-"), "{err}");
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none(), "nothing is left behind");
}

#[tokio::test]
async fn a_disk_that_fills_up_leaves_no_half_archive() {
    let (db, folder) = (support::db().await, Folder::new());
    let places = folder.path().join("places");
    std::fs::create_dir(&places).unwrap();
    // A file may not grow beyond 64 blocks of 512 bytes, and whoever tries is told so instead of being killed.
    let mut taking = Command::new("sh");
    taking
        .args(["-c", r#"trap '' XFSZ; ulimit -f 64; exec "$0" backup "$1""#, env!("CARGO_BIN_EXE_sentinela")])
        .arg(places.join("a.zip"))
        .env("SENTINELA__DATABASE__URL", &db.url)
        .env("SENTINELA__DATA_DIR", folder.path().join("data"));
    let (code, _, err) = run(taking).await;
    assert_eq!(code, Some(1), "{err}");
    assert!(err.contains("the archive cannot be written to") && err.contains(text(&places)), "{err}");
    assert!(std::fs::read_dir(&places).unwrap().next().is_none(), "nothing is left behind");
    assert_eq!(number(&db, "select count(*) from backup").await, 0);
}

#[tokio::test]
async fn what_a_killed_backup_left_is_removed_by_the_next_and_one_at_work_is_left_alone() {
    let (db, folder) = (support::db().await, Folder::new());
    let place = folder.path().join("archives");
    std::fs::create_dir(&place).unwrap();
    let code = support::config(&[]).municipality.ibge_code;
    let draft =
        |day: u32, process: u32| place.join(format!(".sentinela-{code}-202601{day:02}T031000Z.zip.partial-{process}"));
    let (left, at_work, stranger) = (draft(1, 7), draft(2, 8), place.join(".other.zip.partial-9"));
    for file in [&left, &at_work, &stranger] {
        std::fs::write(file, "x").unwrap();
    }
    let held = std::fs::File::open(&at_work).unwrap();
    held.lock().unwrap();
    backup(&db, &folder.path().join("data"), &place).await;
    assert_eq!([left.exists(), at_work.exists(), stranger.exists()], [false, true, true]);
    drop(held);
}

#[tokio::test]
async fn keys_go_in_only_when_asked_and_come_out_only_with_their_passphrase() {
    let (db, target, folder) = (support::db().await, support::empty_db().await, Folder::new());
    let data = folder.path().join("data");
    let config = support::config(&[("SENTINELA__DATA_DIR", text(&data))]);
    let mut conn = db.pool.acquire().await.unwrap();
    Keyring::open_or_create(&mut conn, &config, &Ids::seeded(5), start_at()).await.unwrap();
    drop(conn);
    let phrase = |name: &str, words: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, words).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        path
    };
    let (right, wrong) = (phrase("right", "quatro palavras sem sentido\n"), phrase("wrong", "outra frase qualquer\n"));
    let archive = folder.path().join("a.zip");
    let with_keys = ["backup", text(&archive), "--with-keys", "--passphrase-file", text(&right)];
    good(command(&db, &data, &with_keys)).await;
    let mut zip = zip::ZipArchive::new(std::fs::File::open(&archive).unwrap()).unwrap();
    let mut list = String::new();
    zip.by_name("manifest.json").unwrap().read_to_string(&mut list).unwrap();
    let manifest: Manifest = serde_json::from_str(&list).unwrap();
    assert!(manifest.part("keys.sealed").is_some());
    let secret = std::fs::read_to_string(data.join("keys/vault.key")).unwrap();
    let secret = secret.lines().last().unwrap().to_owned();
    let bytes = std::fs::read(&archive).unwrap();
    assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()));

    let restored = folder.path().join("restored");
    let opening = ["restore", text(&archive), "--passphrase-file", text(&wrong)];
    let (code, _, err) = run(command(&target, &restored, &opening)).await;
    assert_eq!(code, Some(1));
    assert!(err.contains("do not open"), "{err}");
    is_empty(&target).await;
    let opening = ["restore", text(&archive), "--passphrase-file", text(&right)];
    let said = good(command(&target, &restored, &opening)).await;
    assert!(!said.contains("MISSING"), "{said}");
    for name in ["keys/service.key", "keys/vault.key"] {
        assert_eq!(std::fs::read(restored.join(name)).unwrap(), std::fs::read(data.join(name)).unwrap());
    }
    // They are the keys that the restored database needs.
    let config = support::config(&[("SENTINELA__DATA_DIR", text(&restored))]);
    let mut conn = target.pool.acquire().await.unwrap();
    Keyring::open_or_create(&mut conn, &config, &Ids::seeded(6), start_at()).await.unwrap();
}

#[tokio::test]
async fn a_folder_keeps_the_newest_archives_and_whatever_else_is_in_it() {
    let (db, folder) = (support::db().await, Folder::new());
    let place = folder.path().join("archives");
    std::fs::create_dir(&place).unwrap();
    let code = support::config(&[]).municipality.ibge_code;
    let (older, oldest) =
        (format!("sentinela-{code}-20250102T000000Z.zip"), format!("sentinela-{code}-20250101T000000Z.zip"));
    for name in [older.as_str(), oldest.as_str(), "notes.zip"] {
        std::fs::write(place.join(name), "").unwrap();
    }
    let said = good(command(&db, &folder.path().join("data"), &["backup", text(&place), "--keep", "2"])).await;
    assert!(said.contains(&format!("removed {oldest}")), "{said}");
    let listed = std::fs::read_dir(&place).unwrap();
    let mut names: Vec<String> = listed.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(names.contains(&older) && names.contains(&"notes.zip".to_owned()), "{names:?}");
}

#[tokio::test]
async fn the_configuration_and_its_files_are_in_it_and_are_put_beside_for_a_person_to_look_at() {
    let (db, target, folder) = (support::db().await, support::empty_db().await, Folder::new());
    let rules = folder.path().join("rules");
    std::fs::create_dir(&rules).unwrap();
    std::fs::write(rules.join("README.md"), "regras da cidade").unwrap();
    let file = folder.path().join("sentinela.toml");
    std::fs::write(&file, format!("[engine]\nrules_dir = {:?}\n", text(&rules))).unwrap();
    let archive = folder.path().join("a.zip");
    let taking = ["--config", text(&file), "backup", text(&archive)];
    good(command(&db, &folder.path().join("data"), &taking)).await;
    let restored = folder.path().join("restored");
    let said = good(command(&target, &restored, &["restore", text(&archive)])).await;
    let beside =
        said.lines().find_map(|line| line.split_once(": configuration and files").map(|(path, _)| path)).unwrap();
    let read = |name: &str| std::fs::read_to_string(Path::new(beside).join(name)).unwrap();
    assert_eq!(read("configuration.toml"), std::fs::read_to_string(&file).unwrap());
    assert_eq!(read("rules/README.md"), "regras da cidade");
}
