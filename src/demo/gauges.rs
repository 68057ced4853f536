//! The gauges: one MQTT client each, QoS 1, publishing what it measured in the storm.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS};
use serde_json::json;

use super::storm::{self, Timeline};
use super::{Memory, USERNAME};
use crate::app::App;
use crate::catalogue::NewObservation;
use crate::clock::{Clock, Instant};

/// Publications a gauge may have under way.
const UNDER_WAY: usize = 64;

/// How many readings of the night were acknowledged, of how many.
#[derive(Debug)]
struct Progress {
    acknowledged: AtomicUsize,
    of_night: usize,
}

/// Plays the storm, tells when the night is over, and goes on in real time until the service stops.
pub async fn run(app: App, memory: Memory, timeline: Timeline) {
    let rows = match storm::readings() {
        Ok(rows) => rows,
        Err(problems) => {
            tracing::error!(%problems, "the storm cannot be read");
            app.stop.cancelled().await;
            return;
        }
    };
    let mut by_gauge: BTreeMap<String, Vec<NewObservation>> = BTreeMap::new();
    for row in rows.into_iter().filter(|row| !Timeline::is_history(row.observed_at)) {
        by_gauge.entry(row.station.clone()).or_default().push(row);
    }
    let of_night = by_gauge.values().flatten().filter(|row| Timeline::is_night(row.observed_at)).count();
    let progress = Arc::new(Progress { acknowledged: AtomicUsize::new(0), of_night });
    let gauges = by_gauge.into_iter().map(|(code, rows)| {
        let secret = memory.secret(&code);
        let gauge = Gauge { app: app.clone(), code, secret, timeline, progress: Arc::clone(&progress) };
        gauge.play(rows)
    });
    let playing = futures_util::future::join_all(gauges);
    tokio::select! {
        () = app.stop.cancelled() => {}
        ((), _) = async { tokio::join!(narrate(&app, timeline, &progress), playing) } => {
            app.stop.cancelled().await;
        }
    }
}

/// One line for each hour of the storm, and one at its end.
async fn narrate(app: &App, timeline: Timeline, progress: &Progress) {
    let zone = app.config.municipality.time_zone;
    let mut told_hour = None;
    let mut tick = tokio::time::interval(Duration::from_millis(200));
    loop {
        tick.tick().await;
        let storm = timeline.storm_time(Clock::System.now());
        let hour = storm.timestamp() / 3600;
        let done = progress.acknowledged.load(Ordering::Relaxed);
        if told_hour != Some(hour) {
            told_hour = Some(hour);
            let local = storm.with_timezone(&zone).format("%d/%m %H:%M");
            println!("  storm of {local}   {done} of {} readings acknowledged", progress.of_night);
        }
        if done >= progress.of_night {
            break;
        }
    }
    println!();
    println!(
        "  The night is over: all {} readings are in the journal. The service keeps running; the gauges go on in real",
        progress.of_night
    );
    println!(
        "  time with what they measured in the days after. Sign in as {USERNAME} to approve the alert. Ctrl-C ends."
    );
}

struct Gauge {
    app: App,
    code: String,
    secret: String,
    timeline: Timeline,
    progress: Arc<Progress>,
}

impl Gauge {
    /// Publishes every row when it is due. The connection is driven alongside, and outlives the last row.
    async fn play(self, rows: Vec<NewObservation>) {
        let (host, port) = self.address();
        let mut options = MqttOptions::new(self.code.clone(), host, port);
        options.set_credentials(self.code.clone(), self.secret.clone());
        options.set_keep_alive(Duration::from_secs(30));
        let (client, mut connection) = AsyncClient::new(options, UNDER_WAY);
        let night = rows.iter().filter(|row| Timeline::is_night(row.observed_at)).count();
        let drive = async {
            let mut acknowledged = 0;
            loop {
                match connection.poll().await {
                    Ok(Event::Incoming(Packet::PubAck(_))) => {
                        acknowledged += 1;
                        if acknowledged <= night {
                            self.progress.acknowledged.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                    Ok(_) => {}
                    Err(error) => {
                        tracing::warn!(gauge = self.code, %error, "gauge is offline; it tries again");
                        tokio::time::sleep(Duration::from_secs(1)).await;
                    }
                }
            }
        };
        let publish = async {
            for row in &rows {
                self.wait_until(self.timeline.due_at(row.observed_at)).await;
                let topic = format!("v1/devices/{}/readings", self.code);
                // The driver holds the other end as long as we live.
                let _ = client.publish(topic, QoS::AtLeastOnce, false, self.payload(row)).await;
            }
            std::future::pending::<()>().await;
        };
        tokio::join!(drive, publish);
    }

    fn address(&self) -> (String, u16) {
        match self.app.config.mqtt.listen.parse::<std::net::SocketAddr>() {
            // A gauge on this machine reaches an endpoint that listens everywhere.
            Ok(address) if address.ip().is_unspecified() => ("127.0.0.1".to_owned(), address.port()),
            Ok(address) => (address.ip().to_string(), address.port()),
            Err(_) => ("127.0.0.1".to_owned(), 1883),
        }
    }

    async fn wait_until(&self, due: Instant) {
        if let Ok(wait) = (due - Clock::System.now()).to_std() {
            tokio::time::sleep(wait).await;
        }
    }

    fn payload(&self, row: &NewObservation) -> String {
        let stamp = self.timeline.stamp(row.observed_at);
        json!({
            "id": format!("{}-{}", self.code, stamp.timestamp()),
            "readings": [{
                "stream": "rain",
                "at": stamp.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
                "value": row.value,
                "unit": "mm",
            }],
        })
        .to_string()
    }
}
