//! `sentinela bench mail`: letters over SMTP against a bare client and the same server in one run.

use std::time::Duration;

use anyhow::Context as _;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use lettre::transport::smtp::PoolConfig;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use serde::Serialize;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use super::crowd::{Crowd, tell};
use super::sms::{Times, serve, stop};
use super::stage::Stage;
use crate::clock::{Clock, Stopwatch};
use crate::config::Config;

/// A letter that is not there after this never comes.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[arg(long, default_value_t = 10_000)]
    messages: i32,
    /// Letters on their way at once, each over a connection of its own
    #[arg(long, default_value_t = 8)]
    connections: u16,
    /// The picture of the map within each letter
    #[arg(long)]
    map: bool,
    /// Server on which a database is created for the bench and dropped after it; without it the configured one, or a
    /// private one in a temporary folder
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// One JSON object instead of words
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    messages: usize,
    connections: u16,
    map: bool,
    bare_per_second: f64,
    service_per_second: f64,
    ratio: f64,
    optimised: bool,
}

pub async fn run(mut config: Config, arguments: &Arguments) -> anyhow::Result<()> {
    config.sms.smpp.clear();
    config.sms.http.clear();
    let stage = Stage::build(config, arguments.database_url.as_deref()).await?;
    let measured = measure(&stage, arguments).await;
    stage.strike().await?;
    let report = measured?;
    if arguments.json {
        println!("{}", serde_json::to_string(&report)?);
        return Ok(());
    }
    println!("{} letters over SMTP, {} at once, to the same server", report.messages, report.connections);
    println!("  bare client        {:>8.0} /s", report.bare_per_second);
    println!("  service            {:>8.0} /s", report.service_per_second);
    println!("  ratio              {:>8.2}      (bar: 0.7)", report.ratio);
    if !report.optimised {
        println!("  This is a debug build: the figures mean little.");
    }
    Ok(())
}

async fn measure(stage: &Stage, arguments: &Arguments) -> anyhow::Result<Report> {
    let pool = stage.pool();
    let count = arguments.messages;
    let crowd = Crowd { place: 1, residents: count, inside: count, vertices: 30, channel: "email" };
    crowd.furnish(&pool, Clock::System.now()).await?;
    let messages = usize::try_from(count)?;
    let (url, mut taken, serving) = server().await?;
    let bare_per_second = bare(&url, arguments, &mut taken).await?;
    let (app, service) = serve(stage, |config| {
        config.mail.url = url.as_str().into();
        config.mail.concurrency = arguments.connections.into();
        config.mail.messages_per_second = 1_000_000;
        config.mail.map = arguments.map;
    })?;
    let alert = crowd.alert(&pool, &app).await?;
    tell(&app, alert).await?;
    let service_per_second = collect(&mut taken, messages).await?;
    stop(&app, service).await;
    drop(serving);
    pool.close().await;
    Ok(Report {
        messages,
        connections: arguments.connections,
        map: arguments.map,
        bare_per_second,
        service_per_second,
        ratio: service_per_second / bare_per_second,
        optimised: !cfg!(debug_assertions),
    })
}

async fn collect(taken: &mut UnboundedReceiver<f64>, messages: usize) -> anyhow::Result<f64> {
    let mut times = Vec::with_capacity(messages);
    while times.len() < messages {
        let next = tokio::time::timeout(PATIENCE, taken.recv()).await;
        let Ok(Some(at)) = next else { anyhow::bail!("{} of {messages} letters never came", messages - times.len()) };
        times.push(at);
    }
    Ok(Times::new(times).per_second())
}

/// The library with its pool and a bound, and nothing else.
async fn bare(url: &str, arguments: &Arguments, taken: &mut UnboundedReceiver<f64>) -> anyhow::Result<f64> {
    let (messages, at_once) = (usize::try_from(arguments.messages)?, usize::from(arguments.connections));
    let pool = PoolConfig::new().max_size(arguments.connections.into());
    let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)?.pool_config(pool).build();
    let letter = |n: usize| {
        let message = Message::builder()
            .from("Defesa Civil <defesacivil@example.org>".parse()?)
            .to(format!("r{n}@bench.invalid").parse()?)
            .subject("Risco alto de deslizamento")
            .body("Choveu 90 mm em 24 horas.\r\n\r\nSaia de casa agora.\r\n".to_owned())?;
        let transport = transport.clone();
        anyhow::Ok(async move { transport.send(message).await })
    };
    let mut under_way = FuturesUnordered::new();
    let mut next = 0;
    while next < messages || !under_way.is_empty() {
        while next < messages && under_way.len() < at_once {
            under_way.push(letter(next)?);
            next += 1;
        }
        if let Some(sent) = under_way.next().await {
            sent.context("the server refuses a letter of the bare client")?;
        }
    }
    collect(taken, messages).await
}

/// The least of an SMTP server (RFC 5321) that a bench needs: it takes every letter, and tells when.
async fn server() -> anyhow::Result<(String, UnboundedReceiver<f64>, JoinSet<()>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("smtp://{}", listener.local_addr()?);
    let (told, taken) = unbounded_channel();
    let watch = Stopwatch::start();
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        let mut sessions = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let told = told.clone();
            sessions.spawn(async move {
                // A session that breaks is the client's to notice.
                let _ = session(stream, watch, &told).await;
            });
        }
    });
    Ok((url, taken, serving))
}

async fn session(stream: TcpStream, watch: Stopwatch, told: &UnboundedSender<f64>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 bench\r\n").await?;
    let mut line = Vec::new();
    let mut in_letter = false;
    loop {
        line.clear();
        if stream.read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        let answer: &[u8] = if in_letter {
            if line != b".\r\n" {
                continue;
            }
            in_letter = false;
            // The bench may be over.
            let _ = told.send(watch.elapsed().as_secs_f64());
            b"250 taken\r\n"
        } else {
            match line.get(..4).unwrap_or_default().to_ascii_uppercase().as_slice() {
                b"EHLO" => b"250-bench\r\n250 8BITMIME\r\n",
                b"DATA" => {
                    in_letter = true;
                    b"354 go on\r\n"
                }
                b"QUIT" => b"221 bye\r\n",
                _ => b"250 ok\r\n",
            }
        };
        stream.write_all(answer).await?;
    }
}
