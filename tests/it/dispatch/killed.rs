//! The real service, killed or stopped at named points on the way of a message: no row without an end, a second copy only where nobody
//! knew what became of the first, and a sleeper's word changes nothing.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use sqlx::{Connection as _, Executor as _};

use super::peers::{gateway, smsc, told};
use super::town::{INSIDE, Town};
use crate::support::{self, Folder, Process, TestDb, free_port};

/// A service with one gateway. Leases end soon, so that a test need not wait half a minute for them.
async fn start(db: &TestDb, folder: &Path, gateway: u16, timeout_s: u32) -> Process {
    let provider = format!(
        r#"
        [[sms.http]]
        name = "gateway"
        number = "digits"
        window = 4
        timeout_s = {timeout_s}
        [sms.http.request]
        url = "http://127.0.0.1:{gateway}/send"
        json = '{{"to": "{{to}}", "text": "{{text}}", "reference": "{{reference}}"}}'
        [sms.http.response]
        message_id = "/id"
        "#
    );
    serve(db, folder, &provider).await
}

async fn serve(db: &TestDb, folder: &Path, providers: &str) -> Process {
    serve_with_leases(db, folder, providers, 3).await
}

/// A service with these providers.
async fn serve_with_leases(db: &TestDb, folder: &Path, providers: &str, lease_s: u32) -> Process {
    let file = folder.join("sentinela.toml");
    std::fs::write(&file, format!("{providers}\n[dispatch]\nlease_s = {lease_s}\nretry_base_s = 1\n")).unwrap();
    let mut command = support::sentinela();
    command
        .arg("serve")
        .arg("--config")
        .arg(&file)
        .env("SENTINELA__DATABASE__URL", &db.url)
        // The keys are the same for every process of an installation.
        .env("SENTINELA__DATA_DIR", folder.join("data"))
        .env("SENTINELA__HTTP__LISTEN", format!("127.0.0.1:{}", free_port()))
        .env("SENTINELA__MQTT__LISTEN", "")
        .env("SENTINELA__OUTBOUND__ALLOW", "127.0.0.1")
        // The town's rows are dated long ago.
        .env("SENTINELA__PRIVACY__OUTBOX_ADDRESS_DAYS", "3650")
        .env("SENTINELA__LOG__LEVEL", "error");
    let mut process = Process::start(command);
    process.line_with("ready:").await;
    process
}

async fn warned(db: &TestDb, people: usize) -> Town<'_> {
    let town = Town::new(db).await;
    for n in 0..people {
        town.resident(INSIDE, 10, &[format!("+5532900000{n:03}").as_str()]).await;
    }
    let alert = town.living_alert("Saia.").await;
    town.enqueue(alert).await;
    town
}

async fn all_accepted(town: &Town<'_>) {
    support::eventually("every message accepted", || async {
        town.states().await.iter().all(|state| state.ends_with(" accepted")).then_some(())
    })
    .await;
}

#[tokio::test]
async fn after_kill_9_each_message_has_an_end_and_left_twice_only_where_nobody_knew() {
    let db = support::db().await;
    let folder = Folder::new();
    let port = free_port();
    let mut peer = gateway(port, &["--hang=4", "--receipt=none"]).await;
    let town = warned(&db, 12).await;
    // So patient that it is killed before it doubts and asks again by itself.
    let mut service = start(&db, folder.path(), port, 60).await;
    // The gateway's own account of what it was asked.
    let mut asked: BTreeMap<String, usize> = BTreeMap::new();
    let reference = |line: &Value| line["reference"].as_str().unwrap().to_owned();
    for _ in 0..4 {
        *asked.entry(reference(&told(&mut peer, "request").await)).or_default() += 1;
    }
    service.kill().await;
    let doubtful = asked.clone();
    let _next = start(&db, folder.path(), port, 60).await;
    all_accepted(&town).await;
    for _ in 0..12 {
        *asked.entry(reference(&told(&mut peer, "request").await)).or_default() += 1;
    }
    assert_eq!(asked.len(), 12);
    for (reference, times) in &asked {
        assert_eq!(*times, if doubtful.contains_key(reference) { 2 } else { 1 }, "{reference}: {asked:?}");
    }
    let unknown: i64 =
        sqlx::query_scalar("select count(distinct outbox_id) from outbox_attempt where outcome = 'unknown'")
            .fetch_one(&db.pool)
            .await
            .unwrap();
    assert!(unknown >= 4, "each doubt is recorded: {unknown}");
}

fn signal(process: &Process, name: &str) {
    let done =
        std::process::Command::new("kill").arg(format!("-{name}")).arg(process.id().to_string()).status().unwrap();
    assert!(done.success());
}

#[tokio::test]
async fn a_service_that_slept_past_its_lease_with_a_gateway_changes_nothing_when_it_wakes() {
    let db = support::db().await;
    let folder = Folder::new();
    let port = free_port();
    let mut peer = gateway(port, &["--hang=1", "--receipt=none"]).await;
    let town = warned(&db, 1).await;
    let sleeper = start(&db, folder.path(), port, 20).await;
    told(&mut peer, "request").await;
    signal(&sleeper, "STOP");
    let _other = start(&db, folder.path(), port, 20).await;
    all_accepted(&town).await;
    signal(&sleeper, "CONT");
    // The sleeper's request ends in a doubt; its own record says so, and the row stays what the other made of it.
    let late = "select count(*) from outbox_attempt where attempt = 1 and part = 1 and outcome = 'unknown'";
    support::eventually("the sleeper's word", || async {
        let late: i64 = sqlx::query_scalar(late).fetch_one(&db.pool).await.unwrap();
        (late == 1).then_some(())
    })
    .await;
    assert_eq!(town.states().await, ["+5532900000000 accepted"]);
    let attempts: i32 = sqlx::query_scalar("select attempts from outbox").fetch_one(&db.pool).await.unwrap();
    assert_eq!(attempts, 2);
}

/// What centres were handed, by telephone: their own account, read to its end.
async fn handed(centres: &mut [Process]) -> BTreeMap<String, i64> {
    let mut copies = BTreeMap::new();
    for centre in centres {
        centre.signal("TERM").await;
        let (_, account) = centre.end().await;
        for line in account.lines().filter(|line| line.contains("\"submit\":")) {
            let line: Value = serde_json::from_str(line).unwrap();
            *copies.entry(line["to"].as_str().unwrap().to_owned()).or_default() += 1;
        }
    }
    copies
}

/// Waits until every row has its end, then holds the centres' account against ours: one acceptance each, and no copy without a doubt
/// that was written down. Returns how many were copies.
async fn balance(town: &Town<'_>, centres: &mut [Process], people: usize) -> i64 {
    all_accepted(town).await;
    let copies = handed(centres).await;
    let ours: Vec<(String, i64, i64)> = sqlx::query_as(
        "select o.address, count(*) filter (where a.outcome = 'accepted'), count(*) filter (where a.outcome = 'unknown')
         from outbox o join outbox_attempt a on a.outbox_id = o.id group by o.address order by o.address",
    )
    .fetch_all(&town.db.pool)
    .await
    .unwrap();
    let known: Vec<&str> = ours.iter().map(|(address, ..)| address.trim_start_matches('+')).collect();
    assert!(known.len() == people && copies.keys().eq(&known), "{copies:?} beside {known:?}");
    for (address, accepted, doubts) in ours {
        let copies = copies[address.trim_start_matches('+')];
        assert_eq!(accepted, 1, "{address}");
        assert!((1..=1 + doubts).contains(&copies), "{address}: {copies} copies, {doubts} doubts");
    }
    copies.values().sum::<i64>() - i64::try_from(people).unwrap()
}

async fn count(town: &Town<'_>, word: &str) -> usize {
    town.states().await.iter().filter(|state| state.ends_with(word)).count()
}

/// How many messages a centre was handed by the first service that bound to it.
fn handed_first(centre: &Process) -> i64 {
    let mut binds = 0;
    let of_first = centre.seen().iter().take_while(|line| {
        binds += i32::from(line.contains("\"bind\":"));
        binds < 2
    });
    i64::try_from(of_first.filter(|line| line.contains("\"submit\":")).count()).unwrap()
}

fn centre(port: u16, rate: u32) -> String {
    format!(
        r#"
        [[sms.smpp]]
        name = "centre"
        host = "127.0.0.1"
        port = {port}
        system_id = "sentinela"
        password = "secret"
        source_addr = "40199"
        window = 4
        messages_per_second = {rate}
        "#
    )
}

#[tokio::test]
async fn killed_with_claimed_messages_that_had_not_left_each_leaves_once() {
    let db = support::db().await;
    let (folder, port) = (Folder::new(), free_port());
    let mut peer = smsc(port, &["--receipt=none"]).await;
    let town = warned(&db, 30).await;
    // One leaves; the others wait in the service's hands for their second.
    let mut service = serve(&db, folder.path(), &centre(port, 1)).await;
    told(&mut peer, "submit").await;
    support::eventually("one accepted and others claimed", async || {
        (count(&town, " accepted").await >= 1 && count(&town, " sending").await >= 3).then_some(())
    })
    .await;
    service.kill().await;
    let accepted = i64::try_from(count(&town, " accepted").await).unwrap();
    let _next = serve(&db, folder.path(), &centre(port, 100)).await;
    let mut peers = [peer];
    let copies = balance(&town, &mut peers, 30).await;
    // The kill may fall on the second of the next one, which is in doubt then.
    let doubtful = handed_first(&peers[0]) - accepted;
    assert!(copies <= doubtful, "{copies} copies, though only {doubtful} had left unanswered");
}

#[tokio::test]
async fn killed_between_a_message_and_its_answer_that_one_leaves_again() {
    let db = support::db().await;
    let (folder, port) = (Folder::new(), free_port());
    let mut peer = smsc(port, &["--receipt=none", "--mute=3"]).await;
    let town = warned(&db, 8).await;
    let mut service = serve(&db, folder.path(), &centre(port, 100)).await;
    for _ in 0..3 {
        told(&mut peer, "submit").await;
    }
    service.kill().await;
    let _next = serve(&db, folder.path(), &centre(port, 100)).await;
    // Others may have been answered in the moment of the kill.
    assert!(balance(&town, &mut [peer], 8).await >= 3);
}

#[tokio::test]
async fn killed_between_an_answer_and_its_commit_that_message_is_in_doubt_and_leaves_again() {
    let db = support::db().await;
    let (folder, port) = (Folder::new(), free_port());
    let mut peer = smsc(port, &["--receipt=none"]).await;
    let town = warned(&db, 20).await;
    // Leases so long that nothing but answers touches the rows meanwhile.
    let mut service = serve_with_leases(&db, folder.path(), &centre(port, 1), 60).await;
    told(&mut peer, "submit").await;
    support::eventually("one accepted and others claimed", async || {
        (count(&town, " accepted").await >= 1 && count(&town, " sending").await >= 3).then_some(())
    })
    .await;
    // From here on no answer can be committed.
    let mut owner = db.owner().await;
    let mut lock = owner.begin().await.unwrap();
    lock.execute("select from outbox where state = 'sending' for update").await.unwrap();
    let accepted = i64::try_from(count(&town, " accepted").await).unwrap();
    let watching = sqlx::PgPool::connect(&db.url).await.unwrap();
    support::eventually("an answer that waits for its commit", async || {
        let waits: bool = sqlx::query_scalar(
            "select exists (select from pg_stat_activity
             where datname = current_database() and wait_event_type = 'Lock' and query like '%provider_message_id%')",
        )
        .fetch_one(&watching)
        .await
        .unwrap();
        waits.then_some(())
    })
    .await;
    service.kill().await;
    lock.commit().await.unwrap();
    // A minute passes.
    for table in ["update outbox set lease_until = now() where state = 'sending'", "delete from dispatch_claimer"] {
        owner.execute(table).await.unwrap();
    }
    let _next = serve(&db, folder.path(), &centre(port, 100)).await;
    let mut peers = [peer];
    let copies = balance(&town, &mut peers, 20).await;
    let doubtful = handed_first(&peers[0]) - accepted;
    assert!(copies >= 1 && copies <= doubtful, "{copies} copies of {doubtful} whose answer was not kept");
}

#[tokio::test]
async fn killed_again_and_again_at_any_point_nothing_is_lost_and_every_copy_has_its_doubt() {
    let db = support::db().await;
    let (folder, port) = (Folder::new(), free_port());
    let mut peer = smsc(port, &["--receipt=none"]).await;
    let town = warned(&db, 60).await;
    // Where the next kill falls, in submits; the seed is this list.
    for after in [1, 7, 2, 11, 5] {
        let mut service = serve(&db, folder.path(), &centre(port, 50)).await;
        for _ in 0..after {
            told(&mut peer, "submit").await;
        }
        service.kill().await;
    }
    let _last = serve(&db, folder.path(), &centre(port, 200)).await;
    balance(&town, &mut [peer], 60).await;
}

#[tokio::test]
async fn a_centre_that_stands_still_gives_its_work_to_the_next_and_wakes_to_no_third_copy() {
    let db = support::db().await;
    let (folder, ports) = (Folder::new(), [free_port(), free_port()]);
    let hanging = smsc(ports[0], &["--receipt=none"]).await;
    let other = smsc(ports[1], &["--receipt=none", "--first=5000"]).await;
    let providers =
        format!("{}timeout_s = 1\n{}", centre(ports[0], 20), centre(ports[1], 200).replace("\"centre\"", "\"other\""));
    let town = Town::new(&db).await;
    let _service = serve(&db, folder.path(), &providers).await;
    support::eventually("both sessions", async || {
        let healthy: i64 =
            sqlx::query_scalar("select count(*) from dispatch_claimer where healthy and channel = 'sms'")
                .fetch_one(&db.pool)
                .await
                .unwrap();
        (healthy == 2).then_some(())
    })
    .await;
    signal(&hanging, "STOP");
    for n in 0..12 {
        town.resident(INSIDE, 10, &[format!("+5532900000{n:03}").as_str()]).await;
    }
    let alert = town.living_alert("Saia.").await;
    town.enqueue(alert).await;
    all_accepted(&town).await;
    let carried: Vec<String> =
        sqlx::query_scalar("select distinct provider from outbox_attempt where outcome = 'accepted'")
            .fetch_all(&db.pool)
            .await
            .unwrap();
    assert_eq!(carried, ["smpp:other"]);
    signal(&hanging, "CONT");
    balance(&town, &mut [hanging, other], 12).await;
}

#[tokio::test]
async fn an_answer_after_its_time_and_an_end_of_the_session_midway_lose_nothing() {
    for option in ["--late=2", "--unbind=2"] {
        let db = support::db().await;
        let (folder, port) = (Folder::new(), free_port());
        let peer = smsc(port, &["--receipt=none", option]).await;
        let town = warned(&db, 3).await;
        let _service = serve(&db, folder.path(), &format!("{}timeout_s = 1\n", centre(port, 2))).await;
        balance(&town, &mut [peer], 3).await;
    }
}
