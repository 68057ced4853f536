//! The two languages of brokers, MQTT 5 and 3.1.1, with one face: the library has two of everything, and nothing else here
//! needs to know. All publishing and subscribing is at QoS 1.

mod ending;
mod options;

use bytes::Bytes;
use rumqttc as v311;
use rumqttc::v5;
use rumqttc::v5::mqttbytes::v5 as packets5;

pub use options::{Options, without_secret};

/// Writes to a broker's connection, without waiting.
#[derive(Clone)]
pub enum Client {
    V5(v5::AsyncClient),
    V311(v311::AsyncClient),
}

/// What comes from a broker. Must be polled for anything to be written.
pub struct Events {
    of: Loop,
    is_connected: bool,
    /// Why the connection ended, while what came before is still to be told.
    ended: Option<String>,
}

enum Loop {
    V5(Box<v5::EventLoop>),
    V311(Box<v311::EventLoop>),
}

#[derive(Debug)]
pub enum Signal {
    Connected,
    Message(Message),
    /// For each topic in the order of the subscription.
    Subscribed(Vec<Result<Granted, String>>),
    Answered(Answer),
    /// A message of ours is written.
    PublishLeft,
    /// The next poll connects anew.
    Closed(String),
    Other,
}

/// What a subscription brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Granted {
    /// QoS 1.
    Kept,
    /// QoS 0.
    Passing,
}

/// The broker's answer to a message of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Taken,
    /// Nobody subscribes its topic. MQTT 3.1.1 has no word for it.
    Unlistened,
    /// The reason. MQTT 3.1.1 has no word for it.
    Refused(String),
}

#[derive(Debug)]
pub struct Message {
    pub topic: String,
    pub payload: Bytes,
    pub retain: bool,
    /// The packet identifier to acknowledge; QoS 0 has none.
    identifier: Option<u16>,
}

impl Options {
    /// With room for so many requests. Nothing is connected before the first poll.
    pub fn open(self, requests: usize) -> (Client, Events) {
        let (client, of) = match self {
            Self::V5(options) => {
                let (client, events) = v5::AsyncClient::new(*options, requests);
                (Client::V5(client), Loop::V5(Box::new(events)))
            }
            Self::V311(options) => {
                let (client, events) = v311::AsyncClient::new(*options, requests);
                (Client::V311(client), Loop::V311(Box::new(events)))
            }
        };
        (client, Events { of, is_connected: false, ended: None })
    }
}

impl Client {
    /// # Errors
    /// No room, or a topic that is none.
    pub fn try_subscribe_many(&self, topics: impl Iterator<Item = String>) -> Result<(), String> {
        match self {
            Self::V5(client) => {
                let filters = topics.map(|topic| packets5::Filter::new(topic, v5::mqttbytes::QoS::AtLeastOnce));
                client.try_subscribe_many(filters).map_err(|error| error.to_string())
            }
            Self::V311(client) => {
                let filters = topics.map(|topic| v311::SubscribeFilter::new(topic, v311::QoS::AtLeastOnce));
                client.try_subscribe_many(filters).map_err(|error| error.to_string())
            }
        }
    }

    /// # Errors
    /// No room, or a topic that is none.
    pub fn try_publish(&self, topic: String, payload: Vec<u8>) -> Result<(), String> {
        match self {
            Self::V5(client) => client
                .try_publish(topic, v5::mqttbytes::QoS::AtLeastOnce, false, payload)
                .map_err(|error| error.to_string()),
            Self::V311(client) => {
                client.try_publish(topic, v311::QoS::AtLeastOnce, false, payload).map_err(|error| error.to_string())
            }
        }
    }

    /// Only over the connection that the message came over.
    ///
    /// # Errors
    /// No room.
    pub fn try_ack(&self, message: &Message) -> Result<(), String> {
        let Some(pkid) = message.identifier else { return Ok(()) };
        match self {
            Self::V5(client) => {
                let qos = v5::mqttbytes::QoS::AtLeastOnce;
                let publish = packets5::Publish { qos, pkid, ..Default::default() };
                client.try_ack(&publish).map_err(|error| error.to_string())
            }
            Self::V311(client) => {
                let mut publish = v311::Publish::new("", v311::QoS::AtLeastOnce, Vec::new());
                publish.pkid = pkid;
                client.try_ack(&publish).map_err(|error| error.to_string())
            }
        }
    }

    /// Says good-bye; true when there was room for it.
    pub fn try_disconnect(&self) -> bool {
        match self {
            Self::V5(client) => client.try_disconnect().is_ok(),
            Self::V311(client) => client.try_disconnect().is_ok(),
        }
    }
}

impl Events {
    /// Connects when there is no connection. Messages that came over a connection are told before its end: told later, they would
    /// pass for messages of the next one.
    pub async fn poll(&mut self) -> Signal {
        if self.ended.is_none() {
            let polled = match &mut self.of {
                Loop::V5(events) => {
                    events.poll().await.map(of_5).map_err(|error| ending::of_5(&error, self.is_connected))
                }
                Loop::V311(events) => {
                    events.poll().await.map(of_311).map_err(|error| ending::of_311(&error, self.is_connected))
                }
            };
            match polled {
                Ok(signal) => {
                    self.is_connected |= matches!(signal, Signal::Connected);
                    return signal;
                }
                Err(why) => self.ended = Some(why),
            }
        }
        while let Some(signal) = self.left() {
            // An answer may be the very one that ended the connection, because nobody had asked for it.
            if matches!(signal, Signal::Message(_)) {
                return signal;
            }
        }
        self.is_connected = false;
        Signal::Closed(self.ended.take().unwrap_or_default())
    }

    /// What came and was not told yet.
    fn left(&mut self) -> Option<Signal> {
        match &mut self.of {
            Loop::V5(events) => events.state.events.pop_front().map(of_5),
            Loop::V311(events) => events.state.events.pop_front().map(of_311),
        }
    }

    /// Throws acknowledgements away that are not written, after the end of their connection.
    pub fn clean(&mut self) {
        match &mut self.of {
            Loop::V5(events) => events.clean(),
            Loop::V311(events) => events.clean(),
        }
    }
}

impl Message {
    /// Whether the broker waits for its acknowledgement.
    pub fn is_certain(&self) -> bool {
        self.identifier.is_some()
    }
}

fn of_5(event: v5::Event) -> Signal {
    use packets5::{Packet, PubAckReason, SubscribeReasonCode};
    use v5::mqttbytes::QoS;

    match event {
        v5::Event::Incoming(Packet::ConnAck(_)) => Signal::Connected,
        v5::Event::Incoming(Packet::Publish(publish)) => Signal::Message(Message {
            topic: String::from_utf8_lossy(&publish.topic).into_owned(),
            payload: publish.payload,
            retain: publish.retain,
            identifier: (publish.qos != QoS::AtMostOnce).then_some(publish.pkid),
        }),
        v5::Event::Incoming(Packet::SubAck(answer)) => {
            let granted = answer.return_codes.iter().map(|code| match code {
                SubscribeReasonCode::Success(QoS::AtMostOnce) => Ok(Granted::Passing),
                SubscribeReasonCode::Success(_) => Ok(Granted::Kept),
                refused => Err(format!("{refused:?}")),
            });
            Signal::Subscribed(granted.collect())
        }
        v5::Event::Incoming(Packet::PubAck(answer)) => Signal::Answered(match answer.reason {
            PubAckReason::Success => Answer::Taken,
            PubAckReason::NoMatchingSubscribers => Answer::Unlistened,
            reason => Answer::Refused(format!("{reason:?}")),
        }),
        v5::Event::Outgoing(v311::Outgoing::Publish(_)) => Signal::PublishLeft,
        v5::Event::Incoming(_) | v5::Event::Outgoing(_) => Signal::Other,
    }
}

fn of_311(event: v311::Event) -> Signal {
    use v311::{Packet, QoS, SubscribeReasonCode};

    match event {
        v311::Event::Incoming(Packet::ConnAck(_)) => Signal::Connected,
        v311::Event::Incoming(Packet::Publish(publish)) => Signal::Message(Message {
            topic: publish.topic,
            payload: publish.payload,
            retain: publish.retain,
            identifier: (publish.qos != QoS::AtMostOnce).then_some(publish.pkid),
        }),
        v311::Event::Incoming(Packet::SubAck(answer)) => {
            let granted = answer.return_codes.iter().map(|code| match code {
                SubscribeReasonCode::Success(QoS::AtMostOnce) => Ok(Granted::Passing),
                SubscribeReasonCode::Success(_) => Ok(Granted::Kept),
                SubscribeReasonCode::Failure => Err("refused without a reason".to_owned()),
            });
            Signal::Subscribed(granted.collect())
        }
        v311::Event::Incoming(Packet::PubAck(_)) => Signal::Answered(Answer::Taken),
        v311::Event::Outgoing(v311::Outgoing::Publish(_)) => Signal::PublishLeft,
        v311::Event::Incoming(_) | v311::Event::Outgoing(_) => Signal::Other,
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::config::Protocol;

    impl Message {
        pub fn of(topic: &str, payload: &'static [u8], identifier: Option<u16>) -> Self {
            Self { topic: topic.into(), payload: Bytes::from_static(payload), retain: false, identifier }
        }
    }

    /// The first signals over a connection to a broker that answers the first word with these bytes, and then hangs up or not.
    async fn answered(protocol: Protocol, answer: &[u8], hangs_up: bool, signals: usize) -> Vec<Signal> {
        let door = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (_client, mut events) = Options::plain(protocol, door.local_addr().unwrap().port()).open(4);
        let broker = async {
            let (mut peer, _) = door.accept().await.unwrap();
            assert!(peer.read(&mut [0; 1024]).await.unwrap() > 0);
            peer.write_all(answer).await.unwrap();
            (!hangs_up).then_some(peer)
        };
        let client = async {
            let mut told = Vec::new();
            while told.len() < signals {
                told.push(events.poll().await);
            }
            told
        };
        tokio::join!(broker, client).1
    }

    async fn refused(protocol: Protocol, answer: &[u8]) -> String {
        match answered(protocol, answer, true, 1).await.pop() {
            Some(Signal::Closed(why)) => why,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_broker_of_the_other_version_is_told_from_one_that_is_away() {
        // MQTT 5 to brokers of 3.1.1: a refusal in their own words, one in ours, and none.
        for answer in [&[0x20, 2, 0, 1][..], &[0x20, 3, 0, 0x84, 0], &[0x20, 3, 0, 1, 0], &[]] {
            let why = refused(Protocol::V5, answer).await;
            assert!(why.contains("protocol = \"3.1.1\""), "{answer:?}: {why}");
        }
        for answer in [&[0x20, 2, 0, 1][..], &[0x20, 3, 0, 0x84, 0], &[]] {
            let why = refused(Protocol::V311, answer).await;
            assert!(why.contains("protocol = \"5\""), "{answer:?}: {why}");
        }
        // A wrong password is no matter of versions.
        for (protocol, answer) in [(Protocol::V5, &[0x20, 3, 0, 0x86, 0][..]), (Protocol::V311, &[0x20, 2, 0, 4])] {
            let why = refused(protocol, answer).await;
            assert!(why.contains("BadUserNamePassword") && !why.contains("protocol ="), "{why}");
        }
    }

    #[tokio::test]
    async fn what_came_over_a_connection_is_told_before_its_end_and_an_end_after_the_welcome_hints_at_nothing() {
        // CONNACK, and PUBLISH of "x" to "t" at QoS 1 with the identifier 7.
        for (protocol, bytes) in [
            (Protocol::V5, &[0x20, 3, 0, 0, 0, 0x32, 7, 0, 1, b't', 0, 7, 0, b'x'][..]),
            (Protocol::V311, &[0x20, 2, 0, 0, 0x32, 6, 0, 1, b't', 0, 7, b'x']),
        ] {
            let signals = answered(protocol, bytes, true, 3).await;
            let [Signal::Connected, Signal::Message(message), Signal::Closed(why)] = &signals[..] else {
                panic!("{signals:?}")
            };
            assert_eq!((message.topic.as_str(), &message.payload[..], message.identifier), ("t", &b"x"[..], Some(7)));
            assert!(!why.contains("protocol ="), "{why}");
        }
    }

    #[tokio::test]
    async fn what_a_subscription_brings_is_told_for_each_topic() {
        for (protocol, bytes) in [
            (Protocol::V5, &[0x20, 3, 0, 0, 0, 0x90, 6, 0, 1, 0, 1, 0, 0x87][..]),
            (Protocol::V311, &[0x20, 2, 0, 0, 0x90, 5, 0, 1, 1, 0, 0x80]),
        ] {
            let signals = answered(protocol, bytes, false, 2).await;
            let [Signal::Connected, Signal::Subscribed(topics)] = &signals[..] else { panic!("{signals:?}") };
            assert_eq!(topics[..2], [Ok(Granted::Kept), Ok(Granted::Passing)]);
            assert!(topics[2].is_err());
        }
    }
}
