//! `sentinela import stations --from cemaden|inmet FILE|URL`: the stations of a place from their provider's list.

use anyhow::{Context as _, bail};

use crate::audit::Actor;
use crate::catalogue::providers::store::{Followed, follow};
use crate::catalogue::providers::{Listed, Place, Provider};
use crate::cli::{Session, Usage};
use crate::config::Config;
use crate::outbound::Client;

/// The largest list: that of all Brazil has about 2 MiB.
const MAX_BYTES: usize = 32 * 1024 * 1024;
/// Problems of a list that are told one by one.
const SHOWN: usize = 20;

pub struct Request {
    pub provider: Provider,
    /// A file, or an address of http or https.
    pub from: String,
    pub municipality: Option<String>,
    pub uf: Option<String>,
    pub dry_run: bool,
}

pub async fn run(config: Config, request: Request) -> anyhow::Result<()> {
    let place = place(&config, &request)?;
    let body = load(&config, &request.from).await?;
    let listed = request.provider.read(&body, &place);
    let listed =
        listed.map_err(|problem| anyhow::anyhow!("{}: {} {}", request.from, problem.field, problem.message))?;
    complain(&request.from, &listed);
    let session = Session::open(config).await?;
    let outcome = take(&session, &request, listed, &body).await;
    session.close(outcome).await
}

fn place(config: &Config, request: &Request) -> anyhow::Result<Place> {
    let own = config.municipality.ibge_code.as_str();
    let (place, given) = match (&request.municipality, &request.uf) {
        (Some(_), Some(_)) => bail!(Usage("either --municipality or --uf".into())),
        (Some(ibge), None) => (Place::municipality(ibge), ibge.as_str()),
        (None, Some(uf)) => (Place::unit(uf), uf.as_str()),
        (None, None) => (Place::municipality(own).filter(|_| own != "0000000"), own),
    };
    place.with_context(|| {
        Usage(format!(
            "{given:?} is no place: say --municipality with the seven digits of IBGE, or --uf with two letters"
        ))
    })
}

async fn load(config: &Config, from: &str) -> anyhow::Result<Vec<u8>> {
    if from.starts_with("http://") || from.starts_with("https://") {
        let request = axum::http::Request::get(from).header("user-agent", "Sentinela").body(Vec::new())?;
        let answer = Client::new(&config.outbound).send(request, MAX_BYTES).await?;
        if !answer.status.is_success() {
            bail!("{from}: the server answers with status {}", answer.status);
        }
        return Ok(answer.body.to_vec());
    }
    super::load(std::path::Path::new(from))
}

fn complain(from: &str, listed: &Listed) {
    for problem in listed.problems.iter().take(SHOWN) {
        eprintln!("{from}: {} = {:?} {}; left out", problem.field, problem.value, problem.message);
    }
    if listed.problems.len() > SHOWN {
        eprintln!("{from}: and {} more were left out", listed.problems.len() - SHOWN);
    }
}

async fn take(session: &Session, request: &Request, listed: Listed, body: &[u8]) -> anyhow::Result<()> {
    let mut conn = session.pool.acquire().await?;
    let elsewhere = listed.elsewhere;
    let (when, actor) = ((&session.ids, session.clock.now()), Actor::command());
    let followed = follow(&mut conn, when, request.provider, (listed, body), request.dry_run, &actor).await?;
    tell(&followed);
    let Followed { new, changed, unchanged, kept } = followed;
    let would = if request.dry_run { " (dry run: nothing was stored)" } else { "" };
    println!(
        "{}: {} new, {} changed, {unchanged} unchanged, {} kept, {elsewhere} of other places{would}",
        request.from,
        new.len(),
        changed.len(),
        kept.len()
    );
    Ok(())
}

fn tell(followed: &Followed) {
    for station in &followed.new {
        println!("new      {} {} ({:.5}, {:.5})", station.code, station.name, station.lat, station.lon);
    }
    for (station, before) in &followed.changed {
        println!(
            "changed  {} {} ({:.5}, {:.5}), was {} ({:.5}, {:.5})",
            station.code, station.name, station.lat, station.lon, before.name, before.lat, before.lon
        );
    }
    for code in &followed.kept {
        println!("kept     {code}: of another source in the catalogue, or out of service");
    }
}
