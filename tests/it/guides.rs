//! The guides of `docs/guides`: what they show is run as it stands there, by a shell, against the program itself, and what they say comes of
//! it is checked. An example that does not work cannot be shown.
//!
//! The first word behind a fence is for whoever colours the text; the second says what the block is:
//!
//! | words | what it is |
//! |---|---|
//! | `sh api-example [save=NAME:field]` | one call; a field of its answer is kept as a variable for those that follow |
//! | `json api-answer 200` | the answer of the call before: status, fields and types; `"…": "…"` stands for fields that are not shown |
//! | `sh api-stream`, `text api-heard` | a connection that stays open, and what is heard on it later, up to `…` |
//! | `json sensor-example`, `json sensor-answer 200` | what a device sends, and the very answer over HTTP |
//! | `json sensor-status` | what a device says of itself |
//! | `sh sensor-run`, `text sensor-said` | commands, and what stands in their output |
//! | `sh guide-step`, `text guide-said` | the same, for whoever sets the service up |
//! | `toml guide-config` | the configuration of the steps |
//! | `toml guide-checked` | a part of a configuration, which the program finds right |
//! | `sql gis-grant` | what makes a user of the database who reads places and no persons |

use std::cell::RefCell;
use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;

use crate::support::{self, Folder, Process, TestDb, eventually, free_port, soon};

/// A fenced block.
struct Block {
    guide: &'static str,
    /// Where it begins, from one.
    line: usize,
    /// Behind the fence.
    words: Vec<String>,
    text: String,
}

impl Block {
    fn tag(&self) -> &str {
        self.words.get(1).map_or("", String::as_str)
    }

    /// The first word behind the tag, e.g. the status of an answer.
    fn argument(&self) -> &str {
        self.words.get(2).map_or("", String::as_str)
    }

    fn place(&self) -> String {
        format!("docs/guides/{}:{}", self.guide, self.line)
    }
}

fn read(guide: &str) -> String {
    std::fs::read_to_string(format!("{}/docs/guides/{guide}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn blocks(guide: &'static str) -> Vec<Block> {
    let text = read(guide);
    let (mut found, mut open) = (Vec::new(), None::<Block>);
    for (index, line) in text.lines().enumerate() {
        let fence = line.strip_prefix("```");
        if let Some(mut block) = open.take() {
            if fence.is_some() {
                found.push(block);
            } else {
                block.text.push_str(line);
                block.text.push('\n');
                open = Some(block);
            }
        } else if let Some(words) = fence {
            let words = words.split_whitespace().map(str::to_owned).collect();
            open = Some(Block { guide, line: index + 1, words, text: String::new() });
        }
    }
    assert!(open.is_none(), "{guide}: a block is not closed");
    found
}

/// The block after the one at `index`, which has to be of this kind.
fn answer_of<'a>(all: &'a [Block], index: usize, tag: &str) -> &'a Block {
    let next = all.get(index + 1).filter(|next| next.tag() == tag);
    next.unwrap_or_else(|| panic!("{}: no {tag} follows", all[index].place()))
}

/// The program on a database of its own, and a shell beside it in which `sentinela` is on the path.
struct Service {
    process: Option<Process>,
    variables: Vec<(String, String)>,
    db: TestDb,
    folder: Folder,
}

impl Service {
    async fn new() -> Self {
        let (db, folder) = (support::db().await, Folder::new());
        let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        std::fs::create_dir(folder.path().join("bin")).unwrap();
        std::fs::create_dir(folder.path().join("stream")).unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_sentinela"), folder.path().join("bin/sentinela")).unwrap();
        // The status stands on a line of its own behind the answer.
        let rc = "silent\nshow-error\nmax-time = 120\nwrite-out = \"\\n%{http_code}\"\n";
        std::fs::write(folder.path().join(".curlrc"), rc).unwrap();
        std::fs::write(folder.path().join("stream/.curlrc"), "silent\nverbose\n").unwrap();
        let (http, mqtt) = (free_port(), free_port());
        let path = format!("{}:{}", at("bin"), std::env::var("PATH").unwrap());
        let variables = [
            ("PATH", path),
            ("CURL_HOME", at("")),
            ("SENTINELA__DATABASE__URL", db.url.clone()),
            ("SENTINELA__DATA_DIR", at("data")),
            ("SENTINELA__HTTP__LISTEN", format!("127.0.0.1:{http}")),
            ("SENTINELA__MQTT__LISTEN", format!("127.0.0.1:{mqtt}")),
            // The examples have dates that stay where they are.
            ("SENTINELA__INGEST__MAX_AGE_DAYS", "36500".to_owned()),
            ("SENTINELA_PASSWORD", "uma senha bem longa".to_owned()),
            ("BASE", format!("http://127.0.0.1:{http}")),
            ("HOST", "127.0.0.1".to_owned()),
            ("PORT", mqtt.to_string()),
        ];
        let variables = variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self { process: None, variables, db, folder }
    }

    fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    fn shell(&self, script: &str) -> Command {
        let mut command = Command::new("sh");
        command.arg("-c").arg(script).current_dir(self.folder.path()).env_remove("DATABASE_URL");
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// What the script wrote to its output, whether it ended well or not.
    async fn run(&self, script: &str) -> String {
        let output = soon("a script of a guide", self.shell(script).output()).await.unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    async fn serve(&mut self) {
        let mut process = Process::start(self.shell("exec sentinela serve"));
        process.line_with("ready:").await;
        self.process = Some(process);
    }

    /// Runs a block and holds its output against the block that follows it.
    async fn step(&self, all: &[Block], index: usize, said: &str) -> String {
        let output = self.run(&all[index].text).await;
        for line in answer_of(all, index, said).text.lines() {
            let place = all[index].place();
            line.split('…').for_each(|part| assert!(output.contains(part), "{place}: {part:?} is not in {output}"));
        }
        output
    }

    /// The status and the body of a call.
    async fn ask(&self, example: &Block) -> (String, String) {
        let output = self.run(&example.text).await;
        let (body, status) = output.rsplit_once('\n').unwrap_or_else(|| panic!("{}: {output:?}", example.place()));
        (status.to_owned(), body.to_owned())
    }

    /// Calls and holds the answer against what the guide shows. What a call only reads is asked for until it is there: levels and
    /// counts are worked out after the answer to what changed them.
    async fn call(&mut self, example: &Block, answer: &Block) {
        let changes = [" -d ", " --data", " -X "].iter().any(|option| example.text.contains(option));
        let body = if changes {
            let (status, body) = self.ask(example).await;
            assert_eq!(differences(answer, &status, &body), [""; 0], "{}: {status} {body}", example.place());
            body
        } else {
            let last = RefCell::new(Vec::<String>::new());
            let (service, place) = (&*self, example.place());
            let asking = eventually(&place, async || {
                let (status, body) = service.ask(example).await;
                let wrong = differences(answer, &status, &body);
                if !wrong.is_empty() && *last.borrow() != wrong {
                    eprintln!("{place}: {wrong:?} in {status} {body}");
                    last.replace(wrong.clone());
                }
                wrong.is_empty().then_some(body)
            });
            asking.await
        };
        if let Some((name, field)) = example.argument().strip_prefix("save=").and_then(|save| save.split_once(':')) {
            let answer: Value = serde_json::from_str(&body).unwrap();
            let value = answer[field].as_str().unwrap_or_else(|| panic!("{}: no text {field}", example.place()));
            self.set(name, value);
        }
    }
}

/// What of an answer is not as the guide shows it.
fn differences(answer: &Block, status: &str, body: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if status != answer.argument() {
        wrong.push(format!("status {status}"));
        return wrong;
    }
    match answer.words[0].as_str() {
        "json" => match serde_json::from_str::<Value>(body) {
            Ok(found) => unlike(&shown(answer), &found, "", &mut wrong),
            Err(error) => wrong.push(format!("no JSON: {error}")),
        },
        "xml" => elements_in_order(&answer.text, body, &mut wrong),
        _ if body.trim() == answer.text.trim() => {}
        _ => wrong.push("another text".to_owned()),
    }
    wrong
}

fn shown(answer: &Block) -> Value {
    serde_json::from_str(&answer.text).unwrap_or_else(|error| panic!("{}: {error}", answer.place()))
}

/// Fields and types of `wanted` against `found`: all fields of both unless `…` stands among them, and of a list its first item.
fn unlike(wanted: &Value, found: &Value, at: &str, wrong: &mut Vec<String>) {
    match (wanted, found) {
        (Value::Object(wanted), Value::Object(found)) => {
            for (key, value) in wanted.iter().filter(|(key, _)| *key != "…") {
                match found.get(key) {
                    Some(found) => unlike(value, found, &format!("{at}.{key}"), wrong),
                    None => wrong.push(format!("{at}.{key} is not in the answer")),
                }
            }
            let more = found.keys().filter(|key| !wanted.contains_key("…") && !wanted.contains_key(*key));
            wrong.extend(more.map(|key| format!("{at}.{key} is not in the guide")));
        }
        (Value::Array(wanted), Value::Array(found)) => match (wanted.first(), found.first()) {
            (Some(wanted), Some(found)) => unlike(wanted, found, &format!("{at}[0]"), wrong),
            (Some(_), None) => wrong.push(format!("{at} is empty")),
            (None, _) => {}
        },
        _ if std::mem::discriminant(wanted) == std::mem::discriminant(found) => {}
        _ => wrong.push(format!("{at}: {found} instead of {wanted}")),
    }
}

/// The elements that begin in `wanted` begin in `found` in the same order, others between them or not.
fn elements_in_order(wanted: &str, found: &str, wrong: &mut Vec<String>) {
    let mut rest = found;
    let names = wanted.split('<').skip(1).filter(|part| part.starts_with(|first: char| first.is_ascii_alphabetic()));
    for part in names {
        let name: String = part.chars().take_while(|one| !one.is_whitespace() && !"/>".contains(*one)).collect();
        match rest.split_once(&format!("<{name}")) {
            Some((_, behind)) => rest = behind,
            None => wrong.push(format!("<{name}> is missing, or stands elsewhere")),
        }
    }
}

#[tokio::test]
async fn every_call_of_the_guide_to_the_api_is_answered_as_it_says() {
    let mut service = Service::new().await;
    service.set("SENTINELA__EXERCISES__TESTERS", "+5532999990000,plantao@exemplo.invalid");
    let person =
        "sentinela user add ana --name 'Ana Lima' --role administrator --role coordinator --email ana@exemplo.invalid";
    service.run(person).await;
    service.serve().await;
    let all = blocks("api.md");
    let (mut stream, mut calls) = (None::<Process>, 0);
    for (index, block) in all.iter().enumerate() {
        match block.tag() {
            "guide-step" => {
                let output = service.step(&all, index, "guide-said").await;
                let token = output.lines().find_map(|line| line.strip_prefix("token: ")).expect("a token");
                service.set("TOKEN", token);
            }
            "api-example" => {
                service.call(block, answer_of(&all, index, "api-answer")).await;
                calls += 1;
            }
            "api-stream" => {
                let mut command = service.shell(&format!("exec {} 2>&1", block.text.trim()));
                command.env("CURL_HOME", service.folder.path().join("stream"));
                let mut opened = Process::start(command);
                opened.line_with("HTTP/1.1 200").await;
                stream = Some(opened);
            }
            "api-heard" => {
                let stream = stream.as_mut().expect("a stream");
                for line in block.text.lines() {
                    stream.line_with(line.split('…').next().unwrap()).await;
                }
            }
            _ => assert!(!block.text.contains("$BASE/"), "{}: a call that nobody tries", block.place()),
        }
    }
    assert!(calls >= 25 && stream.is_some(), "{calls} calls");
}

#[tokio::test]
async fn what_the_portuguese_guide_for_sensors_sends_is_taken_as_it_says() {
    sensors("sensores.md").await;
}

#[tokio::test]
async fn what_the_english_guide_for_sensors_sends_is_taken_as_it_says() {
    sensors("sensors.md").await;
}

/// PCD-01 sends over HTTP and by the guide's own commands, PCD-02 the same messages over MQTT.
async fn sensors(guide: &'static str) {
    let mut service = Service::new().await;
    let mut table = "code,name,lat,lon,source,stream,quantity,unit,kind,interval_s,stale_after_min\n".to_owned();
    for code in ["PCD-01", "PCD-02"] {
        table += &format!("{code},Ponte,-21.76,-43.35,guia,rain,rain,mm,interval_sum,600,60\n");
        table += &format!("{code},Ponte,-21.76,-43.35,guia,level,water_level,m,instantaneous,,60\n");
    }
    std::fs::write(service.folder.path().join("stations.csv"), table).unwrap();
    service.run("sentinela import stations stations.csv").await;
    for (code, name) in [("PCD-01", "SECRET"), ("PCD-02", "SECRET_2")] {
        let made = service.run(&format!("sentinela device add {code} --station {code}")).await;
        let secret = made.lines().find_map(|line| line.strip_prefix("secret: ")).expect("a secret");
        service.set(name, secret);
    }
    service.serve().await;
    let all = blocks(guide);
    let mut sent = 0;
    for (index, block) in all.iter().enumerate() {
        match block.tag() {
            "sensor-example" => {
                publish(&mut service, block, answer_of(&all, index, "sensor-answer")).await;
                sent += 1;
            }
            "sensor-status" => report(&mut service, block).await,
            "sensor-run" => {
                service.step(&all, index, "sensor-said").await;
            }
            _ => {}
        }
    }
    assert!(sent >= 10, "{sent} messages");
}

/// What a device PCD-02 publishes; the output is `sent` once it was acknowledged.
const PUBLISH: &str = r#"mosquitto_pub -h "$HOST" -p "$PORT" -q 1 -u PCD-02 -P "$SECRET_2" -t "v1/devices/PCD-02/$TOPIC" -m "$BODY" && echo sent"#;

async fn publish(service: &mut Service, example: &Block, answer: &Block) {
    let (place, shown) = (example.place(), shown(answer));
    service.set("BODY", &example.text);
    service.set("TOPIC", "readings");
    let post = r#"curl "$BASE/api/v1/readings" -H "Authorization: Bearer PCD-01.$SECRET" -H "Content-Type: application/json" --data-binary "$BODY""#;
    let output = service.run(post).await;
    let (body, status) = output.rsplit_once('\n').unwrap();
    assert_eq!(status, answer.argument(), "{place}: {body}");
    assert_eq!(serde_json::from_str::<Value>(body).unwrap(), shown, "{place}");

    let before = kept(&service.db).await;
    assert_eq!(service.run(PUBLISH).await.trim(), "sent", "{place}: not acknowledged");
    let after = kept(&service.db).await;
    let number = |field: &str| shown[field].as_i64().unwrap_or(0);
    let refused =
        shown["errors"].as_array().map_or(number("quarantined"), |errors| i64::try_from(errors.len()).unwrap());
    let wanted = (before.0 + number("appended") + number("revisions"), before.1 + refused);
    assert_eq!(after, wanted, "{place}: rows of the journal and of the quarantine");
}

/// How many rows PCD-02 has in the journal, and in quarantine.
async fn kept(db: &TestDb) -> (i64, i64) {
    let sql = "select (select count(*) from journal j join device d on d.id = j.device_id where d.code = 'PCD-02'),
                      (select count(*) from quarantine where device = 'PCD-02')";
    sqlx::query_as(sql).fetch_one(&db.pool).await.unwrap()
}

async fn report(service: &mut Service, example: &Block) {
    let said = shown(example);
    service.set("BODY", &example.text);
    service.set("TOPIC", "status");
    let before = kept(&service.db).await;
    assert_eq!(service.run(PUBLISH).await.trim(), "sent", "{}: not acknowledged", example.place());
    let sql = "select firmware from device_report r join device d on d.id = r.device_id where d.code = 'PCD-02'";
    let firmware = eventually("what the device says of itself", async || {
        sqlx::query_scalar::<_, String>(sql).fetch_optional(&service.db.pool).await.unwrap().filter(|it| !it.is_empty())
    });
    assert_eq!(said["firmware"], Value::String(firmware.await), "{}", example.place());
    assert_eq!(kept(&service.db).await, before, "{}: something went to quarantine", example.place());
}

#[tokio::test]
async fn the_steps_of_the_portuguese_guide_for_it_lead_to_a_test_alert() {
    set_up("ti.md").await;
}

#[tokio::test]
async fn the_steps_of_the_english_guide_for_it_lead_to_a_test_alert() {
    set_up("it.md").await;
}

async fn set_up(guide: &'static str) {
    let mut service = Service::new().await;
    let steps = walk(&mut service, guide).await;
    assert!(steps >= 6, "{steps} steps");
    let told = "select count(*) from alert_copy c join alert a on a.id = c.alert_id where a.status = 'test' and c.state = 'delivered'";
    eventually("the test alert at its testers", async || {
        let count: i64 = sqlx::query_scalar(told).fetch_one(&service.db.pool).await.unwrap();
        (count > 0).then_some(())
    })
    .await;
}

/// Walks the steps of a guide, of which it returns the number; a service that does not run yet starts with the configuration that the
/// guide shows.
async fn walk(service: &mut Service, guide: &'static str) -> usize {
    let all = blocks(guide);
    let mut steps = 0;
    for (index, block) in all.iter().enumerate() {
        match block.tag() {
            "guide-config" => {
                let file = service.folder.path().join("sentinela.toml");
                std::fs::write(&file, &block.text).unwrap();
                service.set("SENTINELA_CONFIG", file.to_str().unwrap());
                service.serve().await;
            }
            "guide-checked" => {
                std::fs::write(service.folder.path().join("part.toml"), &block.text).unwrap();
                let said = service.run("sentinela --config part.toml check-config 2>&1").await;
                assert!(said.contains("is fine"), "{}: {said}", block.place());
            }
            "guide-step" => {
                let output = service.step(&all, index, "guide-said").await;
                for (word, name) in [("secret: ", "SECRET"), ("token: ", "TOKEN")] {
                    if let Some(value) = output.lines().find_map(|line| line.strip_prefix(word)) {
                        service.set(name, value);
                    }
                }
                steps += 1;
            }
            _ => {}
        }
    }
    steps
}

#[tokio::test]
async fn what_the_portuguese_guide_for_gis_imports_and_asks_for_is_as_it_says() {
    let mut service = Service::new().await;
    service.serve().await;
    assert!(walk(&mut service, "gis.md").await >= 4);
}

#[tokio::test]
async fn what_the_english_guide_for_gis_imports_and_asks_for_is_as_it_says() {
    let mut service = Service::new().await;
    service.serve().await;
    assert!(walk(&mut service, "gis_en.md").await >= 4);
}

#[tokio::test]
async fn the_user_that_the_guide_for_gis_makes_reads_places_and_no_persons() {
    let db = support::db().await;
    let mut owner = db.owner().await;
    let all = blocks("gis.md");
    let grants = all.iter().find(|block| block.tag() == "gis-grant").expect("grants");
    // Users are the server's, and other tests run beside this one; nothing of it stays.
    let role = format!("sig_{}", db.name);
    let made = format!("begin; {} set local role {role};", grants.text.replace("sig_leitura", &role));
    for (table, may) in
        [("area_worst", true), ("alert_public", true), ("resident", false), ("outbox", false), ("report", false)]
    {
        let asked = format!("{made} select count(*) from {table}");
        let answered = sqlx::raw_sql(sqlx::AssertSqlSafe(asked)).execute(&mut owner).await;
        assert_eq!(answered.is_ok(), may, "{table}: {answered:?}");
        sqlx::raw_sql("rollback").execute(&mut owner).await.unwrap();
    }
}

/// The guides of one language have the blocks of the other.
#[test]
fn both_languages_show_the_same_examples() {
    for (portuguese, english) in [("sensores.md", "sensors.md"), ("ti.md", "it.md"), ("gis.md", "gis_en.md")] {
        let tried = |guide| blocks(guide).into_iter().filter(|block| !block.tag().is_empty()).map(|block| block.text);
        assert!(tried(portuguese).eq(tried(english)), "{portuguese} and {english} show different examples");
    }
}

#[test]
fn what_a_guide_leads_to_is_there_and_no_picture_is_large() {
    let folder = format!("{}/docs/guides", env!("CARGO_MANIFEST_DIR"));
    let mut looked = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "md") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for link in text.split("](").skip(1).filter_map(|part| part.split(')').next()) {
            if link.contains("://") || link.starts_with('#') {
                continue;
            }
            let target = format!("{folder}/{}", link.split('#').next().unwrap());
            let found =
                std::fs::metadata(&target).unwrap_or_else(|_| panic!("{}: {link} is not there", path.display()));
            let is_picture = target.ends_with(".webp");
            assert!(!is_picture || found.len() <= 120 * 1024, "{link} has {} bytes", found.len());
            looked += 1;
        }
    }
    assert!(looked > 30, "{looked} links");
}
