//! The bare loop: the same MQTT endpoint, the same JSON, a table with the columns, checks, keys and indexes of the journal,
//! the acknowledgement after the commit; and nothing else: no device table, no units, no quality, no identity, no order, no
//! rules.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use rmqtt::hook::{Handler, HookResult, Parameter, ReturnType, Type};
use rmqtt::server::MqttServer;
use rmqtt::types::{AuthResult, PublishAclResult};
use serde::Deserialize;
use sqlx::PgPool;
use tokio::sync::{mpsc, oneshot};

use crate::clock::{Clock, Instant};
use crate::config::Config;
use crate::ingest::mqtt;

#[derive(Deserialize)]
struct Message {
    id: String,
    readings: Vec<Reading>,
}

#[derive(Deserialize)]
struct Reading {
    at: Instant,
    value: f64,
}

/// The journal again, with its checks, keys and indexes.
const TABLE: &str = "drop table if exists bench_bare; create table bench_bare (like journal including all)";
/// What the journal keeps by asking once for a batch, kept as a plain table would.
const REFERENCES: &str = "alter table bench_bare
    add foreign key (datastream_id) references datastream (id), add foreign key (device_id) references device (id)";

/// What the bare table promises of streams and devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum References {
    /// That they are there, as the journal does.
    Kept,
    /// Nothing.
    Loose,
}

type Work = (Message, oneshot::Sender<()>);

#[derive(Clone)]
struct Door(mpsc::Sender<Work>);

#[async_trait]
impl Handler for Door {
    async fn hook(&self, parameter: &Parameter, _: Option<HookResult>) -> ReturnType {
        let answer = match parameter {
            Parameter::ClientAuthenticate(_) => HookResult::AuthResult(AuthResult::Allow(false, None)),
            Parameter::MessagePublishCheckAcl(_, publish) => {
                HookResult::PublishAclResult(match self.store(&publish.payload).await {
                    Some(()) => PublishAclResult::allow(),
                    None => PublishAclResult::rejected(true, None),
                })
            }
            _ => return (true, None),
        };
        (false, Some(answer))
    }
}

impl Door {
    async fn store(&self, payload: &[u8]) -> Option<()> {
        let message = serde_json::from_slice(payload).ok()?;
        let (done, answer) = oneshot::channel();
        self.0.send((message, done)).await.ok()?;
        answer.await.ok()
    }
}

/// The endpoint and its one writer, running until dropped.
pub struct Bare {
    pub address: SocketAddr,
    tasks: [tokio::task::JoinHandle<()>; 2],
}

impl Drop for Bare {
    fn drop(&mut self) {
        self.tasks.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

impl Bare {
    pub async fn start(config: &Config, pool: PgPool, references: References) -> anyhow::Result<Self> {
        sqlx::raw_sql(TABLE).execute(&pool).await?;
        if references == References::Kept {
            sqlx::raw_sql(REFERENCES).execute(&pool).await?;
        }
        let listener = mqtt::listen(&config.mqtt)?;
        let address = listener.local_addr()?;
        let context = mqtt::context(&config.mqtt).await;
        let (queue, work) = mpsc::channel(config.ingest.queue_readings);
        let register = context.extends.hook_mgr().register();
        for kind in [Type::ClientAuthenticate, Type::MessagePublishCheckAcl] {
            register.add(kind, Box::new(Door(queue.clone()))).await;
        }
        register.start().await;
        let server = MqttServer::new(context).listener_by_id(listener, address.port()).build();
        let limit = config.ingest.batch_readings;
        let tasks = [
            tokio::spawn(async move {
                let _ = server.run().await;
            }),
            tokio::spawn(write(pool, work, limit)),
        ];
        Ok(Self { address, tasks })
    }
}

async fn write(pool: PgPool, mut work: mpsc::Receiver<Work>, limit: usize) {
    while let Some((first, done)) = work.recv().await {
        let mut waiting = vec![done];
        let mut rows = Rows::default();
        rows.add(first);
        while rows.observed.len() < limit {
            let Ok((next, done)) = work.try_recv() else { break };
            rows.add(next);
            waiting.push(done);
        }
        let stored = sqlx::query(
            "insert into bench_bare (seq, datastream_id, device_id, message_id, observed_at, received_at, value, quality,
                 source, reading_key)
             select nextval('journal_seq'), (select min(id) from datastream), (select min(id) from device), message_id, observed_at, $1, value, 'pass', 'mqtt', reading_key
             from unnest($2::text[], $3::timestamptz[], $4::float8[], $5::bytea[])
                 as row (message_id, observed_at, value, reading_key)",
        )
        .bind(Clock::System.now())
        .bind(&rows.messages)
        .bind(&rows.observed)
        .bind(&rows.values)
        .bind(&rows.keys)
        .execute(&pool)
        .await;
        if let Err(error) = stored {
            tracing::error!(%error, "the bare loop cannot write");
            return;
        }
        for done in waiting {
            let _ = done.send(());
        }
    }
}

#[derive(Default)]
struct Rows {
    messages: Vec<String>,
    observed: Vec<Instant>,
    values: Vec<f64>,
    keys: Vec<[u8; 16]>,
}

impl Rows {
    fn add(&mut self, message: Message) {
        for reading in message.readings {
            self.messages.push(message.id.clone());
            self.observed.push(reading.at);
            self.values.push(reading.value);
            self.keys.push(scattered_key());
        }
    }
}

/// Unique and spread over the index as a hash would be, but free.
fn scattered_key() -> [u8; 16] {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let number = u128::from(NEXT.fetch_add(1, Ordering::Relaxed));
    number.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835).to_be_bytes()
}
