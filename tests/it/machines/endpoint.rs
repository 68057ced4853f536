//! An endpoint for devices with both its doors, the certificates of a town, and the programs that come to the doors.

use std::path::PathBuf;
use std::process::{Output, Stdio};

use sentinela::app::App;
use sentinela::ingest::{devices, mqtt};
use tokio::process::{Child, Command};

use crate::ingest::SECRET;
use crate::support::{self, Folder, TestDb, soon};

/// An authority that signs certificates.
pub struct Authority {
    certificate: rcgen::Certificate,
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self { certificate, issuer: rcgen::Issuer::new(params, key) }
    }

    pub fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// Certificate and key of a server on this machine.
    pub fn server(&self) -> (String, String) {
        self.sign("server", &["localhost", "127.0.0.1"], None)
    }

    /// Certificate and key of a device, until the end of this year.
    pub fn device(&self, name: &str, last_year: Option<i32>) -> (String, String) {
        self.sign(name, &[], last_year)
    }

    /// A list on which the certificate of this name stands.
    pub fn revoking(&self, name: &str) -> String {
        let revoked = rcgen::RevokedCertParams {
            serial_number: serial(name),
            revocation_time: rcgen::date_time_ymd(2026, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let list = rcgen::CertificateRevocationListParams {
            this_update: rcgen::date_time_ymd(2026, 1, 1),
            next_update: rcgen::date_time_ymd(2050, 1, 1),
            crl_number: 1_u64.into(),
            issuing_distribution_point: None,
            revoked_certs: vec![revoked],
            key_identifier_method: rcgen::KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer).unwrap().pem().unwrap()
    }

    fn sign(&self, name: &str, hosts: &[&str], last_year: Option<i32>) -> (String, String) {
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let mut params = rcgen::CertificateParams::new(hosts).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.serial_number = Some(serial(name));
        if let Some(year) = last_year {
            params.not_after = rcgen::date_time_ymd(year, 12, 31);
        }
        let key = rcgen::KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }
}

fn serial(name: &str) -> rcgen::SerialNumber {
    rcgen::SerialNumber::from_slice(name.as_bytes())
}

/// An app whose endpoint listens on two ports of its own, told of changes as in service.
pub struct Endpoint {
    pub app: App,
    pub port: u16,
    pub tls_port: u16,
    /// Signed the server's certificate, and is accepted for devices.
    pub town: Authority,
    pub folder: Folder,
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.app.stop.cancel();
    }
}

impl Endpoint {
    pub async fn open(db: &TestDb, overrides: &[(&str, &str)]) -> Self {
        let (town, folder) = (Authority::new("Autoridade da Cidade"), Folder::new());
        let (chain, key) = town.server();
        let path = |name: &str| folder.path().join(name).display().to_string();
        for (name, text) in [("ca.pem", town.pem()), ("server.pem", chain), ("server.key", key)] {
            std::fs::write(path(name), text).unwrap();
        }
        let files = [path("server.pem"), path("server.key"), path("ca.pem")];
        let mut given = vec![
            ("SENTINELA__MQTT__LISTEN", "127.0.0.1:0"),
            ("SENTINELA__MQTT__TLS_LISTEN", "127.0.0.1:0"),
            ("SENTINELA__MQTT__TLS_CERTIFICATE", files[0].as_str()),
            ("SENTINELA__MQTT__TLS_KEY", files[1].as_str()),
            ("SENTINELA__MQTT__TLS_CLIENT_CA", files[2].as_str()),
        ];
        given.extend_from_slice(overrides);
        let app = support::app_with(db, &given);
        let endpoint = mqtt::bind(&app).await.unwrap().unwrap();
        let (port, tls_port) = (endpoint.address().port(), endpoint.tls_address().unwrap().port());
        tokio::spawn(sentinela::db::listen::run(app.clone()));
        tokio::spawn(devices::run(app.clone()));
        tokio::spawn(endpoint.serve());
        Self { app, port, tls_port, town, folder }
    }

    /// Writes a file beside the certificates and gives its path.
    pub fn file(&self, name: &str, text: &str) -> String {
        let path: PathBuf = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// `mosquitto_pub` or `mosquitto_sub` at the plain door.
    pub fn plain(&self, program: &str, arguments: &[&str]) -> Command {
        command(program, self.port, arguments)
    }

    /// The same at the TLS door, knowing the town's authority.
    pub fn over_tls(&self, program: &str, arguments: &[&str]) -> Command {
        let ca = self.path("ca.pem");
        command(program, self.tls_port, &[&["--cafile", ca.as_str()], arguments].concat())
    }

    /// A certificate and key of a device as files, to sign in with, and the certificate's text.
    pub fn certificate(&self, by: &Authority, name: &str, last_year: Option<i32>) -> (Vec<String>, String) {
        let (pem, key) = by.device(name, last_year);
        let tag = support::free_port();
        let files = [self.file(&format!("{tag}.pem"), &pem), self.file(&format!("{tag}.key"), &key)];
        (vec!["--cert".into(), files[0].clone(), "--key".into(), files[1].clone()], pem)
    }
}

fn command(program: &str, port: u16, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(["-h", "127.0.0.1", "-p", &port.to_string(), "-q", "1"]).args(arguments);
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

pub async fn output(mut command: Command) -> Output {
    soon("a client", command.output()).await.unwrap()
}

pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout)
}

/// What device A says, as arguments of `mosquitto_pub`.
pub fn message(device: &str, id: &str) -> Vec<String> {
    let payload = payload(id);
    vec!["-t".into(), format!("v1/devices/{device}/readings"), "-m".into(), payload]
}

pub fn payload(id: &str) -> String {
    format!(r#"{{"id":"{id}","readings":[{{"stream":"rain","at":"2026-02-22T11:50:00Z","value":1}}]}}"#)
}

/// The two lists as one list of arguments.
pub fn both<'a>(first: &'a [String], second: &'a [String]) -> Vec<&'a str> {
    first.iter().chain(second).map(String::as_str).collect()
}

pub fn by_secret(device: &str, secret: &str) -> Vec<String> {
    ["-u", device, "-P", secret].map(str::to_owned).to_vec()
}

pub fn by_first_secret() -> Vec<String> {
    by_secret("A", SECRET)
}

/// A client that stays, and has been heard by the endpoint.
pub async fn staying(db: &TestDb, mut command: Command, device: &str) -> Child {
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    support::eventually("the device to be online", || async {
        let sql = "select online from device where code = $1";
        let online: bool = sqlx::query_scalar(sql).bind(device).fetch_one(&db.pool).await.unwrap();
        online.then_some(())
    })
    .await;
    child
}
