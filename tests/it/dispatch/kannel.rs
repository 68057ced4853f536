//! Kannel as a gateway: its bearerbox and smsbox, with its own false centre behind them.

use std::path::Path;

use tokio::net::TcpListener;
use tokio::process::Command;

use super::peers::Dispatcher;
use super::town::{INSIDE, Town};
use crate::support::{self, Process, free_port};

const FAKE_CENTRE: &str = "/usr/lib/kannel/test/fakesmsc";

/// Its three programs; they end when this is dropped.
struct Kannel {
    _bearerbox: Process,
    _smsbox: Process,
    centre: Process,
}

impl Kannel {
    /// `message`: what a person writes, as `fakesmsc` sends it once.
    async fn start(folder: &Path, sendsms: u16, inbound: &str, message: &str) -> Self {
        for program in ["/usr/sbin/bearerbox", "/usr/sbin/smsbox", FAKE_CENTRE] {
            assert!(Path::new(program).exists(), "{program} is missing: run make setup-test");
        }
        let (admin, boxes, centre) = (free_port(), free_port(), free_port());
        let path = folder.join("kannel.conf");
        std::fs::write(
            &path,
            format!(
                "group = core\nadmin-port = {admin}\nadmin-interface = 127.0.0.1\nadmin-password = x\nsmsbox-port = {boxes}\n\
                 smsbox-interface = 127.0.0.1\nbox-allow-ip = \"127.0.0.1\"\ndlr-storage = internal\nlog-level = 1\n\n\
                 group = smsc\nsmsc = fake\nsmsc-id = fake\nport = {centre}\nconnect-allow-ip = \"127.0.0.1\"\n\n\
                 group = smsbox\nbearerbox-host = 127.0.0.1\nbearerbox-port = {boxes}\nsendsms-port = {sendsms}\n\
                 sendsms-interface = \"127.0.0.1\"\nlog-level = 1\nglobal-sender = 40199\n\n\
                 group = sendsms-user\nusername = sentinela\npassword = put-the-password-here\nmax-messages = 9\n\
                 concatenation = true\n\n\
                 group = sms-service\nkeyword = default\ncatch-all = true\nmax-messages = 0\nget-url = \"{inbound}\"\n"
            ),
        )
        .unwrap();
        let mut bearerbox = Command::new("/usr/sbin/bearerbox");
        bearerbox.arg("-v").arg("1").arg(&path);
        let bearerbox = Process::start(bearerbox);
        listening(boxes).await;
        let mut smsbox = Command::new("/usr/sbin/smsbox");
        smsbox.arg("-v").arg("1").arg(&path);
        let smsbox = Process::start(smsbox);
        listening(sendsms).await;
        // It tells on standard error what came.
        let mut fake = Command::new("sh");
        fake.args(["-c", "exec \"$0\" \"$@\" 2>&1", FAKE_CENTRE]);
        fake.args(["-H", "127.0.0.1", "-r", &centre.to_string(), "-m", "1", message]);
        Self { _bearerbox: bearerbox, _smsbox: smsbox, centre: Process::start(fake) }
    }
}

async fn listening(port: u16) {
    support::eventually("the port of Kannel", || async {
        tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok().map(|_| ())
    })
    .await;
}

/// The description that is shipped, with what an installation changes of it.
fn described(port: u16) -> sentinela::config::HttpProvider {
    let (_, text) =
        sentinela::dispatch::gateway::examples::EXAMPLES.into_iter().find(|(name, _)| *name == "kannel").unwrap();
    let text = text.replace("127.0.0.1:13013", &format!("127.0.0.1:{port}"));
    #[derive(serde::Deserialize)]
    struct File {
        sms: Sms,
    }
    #[derive(serde::Deserialize)]
    struct Sms {
        http: Vec<sentinela::config::HttpProvider>,
    }
    toml::from_str::<File>(&text).unwrap().sms.http.remove(0)
}

#[tokio::test]
async fn sms_go_through_kannel_with_their_accents_its_reports_end_them_and_its_messages_are_reports() {
    let db = support::db().await;
    let folder = std::env::temp_dir().join(format!("sentinela-kannel-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let sendsms = free_port();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let town = Town::new(&db).await;
    for phone in ["+5532900000001", "+5532900000002"] {
        town.resident(INSIDE, 10, &[phone]).await;
    }
    let alert = town.living_alert("Defesa Civil: não volte à casa. €").await;
    town.enqueue(alert).await;
    let inbound = format!(
        "{url}/api/v1/sms/kannel/messages?token=put%20at%20least%20sixteen%20characters%20here&from=%p&text=%a"
    );
    let dispatcher = Dispatcher::start(&db, |config| {
        config.http.public_url = url.clone();
        config.outbound.allow = vec!["127.0.0.1".parse().unwrap()];
        config.sms.http = vec![described(sendsms)];
    });
    let router = sentinela::web::router::router(dispatcher.app.clone());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let said = "5532900000009 40199 text RELATO arvore caida rua das Flores 20";
    let mut kannel = Kannel::start(&folder, sendsms, &inbound, said).await;
    let states = ["+5532900000001 delivered", "+5532900000002 delivered"];
    support::eventually("both reports", || async { (town.states().await == states).then_some(()) }).await;
    // As the centre got it: UCS-2, written with percent signs.
    let got = kannel.centre.line_with("ucs-2").await;
    assert!(got.contains("%00n%00%E3%00o%00+%00v") && got.contains("+"), "{got}");
    support::eventually("the report of a person", || async {
        let kind: Option<String> =
            sqlx::query_scalar("select kind from report").fetch_optional(&db.pool).await.unwrap();
        (kind.as_deref() == Some("fallen_tree")).then_some(())
    })
    .await;
    dispatcher.stop().await;
    std::fs::remove_dir_all(&folder).unwrap();
}
