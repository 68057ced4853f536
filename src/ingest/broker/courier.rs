//! One message to a broker, and what became of it. Over a connection of its own, one message at a time: so the PUBACK that comes is
//! that message's, and nothing is sent again behind anybody's back when a connection is made anew.

use std::time::Duration;

use rumqttc::Outgoing;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Packet, PubAckReason};
use rumqttc::v5::{AsyncClient, Event, EventLoop, MqttOptions};

/// How long the broker may take for one answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handed {
    /// The broker has it for somebody.
    Taken,
    /// The broker has it for nobody: nobody subscribes the topic.
    Unlistened,
    /// The broker refused it; why.
    Barred(String),
    /// It never left.
    Kept(String),
    /// It left, and no answer came.
    Unknown(String),
}

/// How to get to the broker.
#[derive(Clone, Debug)]
pub struct Courier(MqttOptions);

/// A connection, for messages one after the other.
pub struct Open {
    client: AsyncClient,
    events: EventLoop,
}

impl Courier {
    /// The way of the link with these options, under a name of its own and without a session.
    pub fn beside(link: &MqttOptions) -> Self {
        let mut options = link.clone();
        options.set_client_id(format!("{}-down", link.client_id()));
        options.set_clean_start(true).set_session_expiry_interval(Some(0));
        Self(options)
    }

    /// # Errors
    /// Why there is no connection.
    pub async fn open(&self) -> Result<Open, String> {
        let (client, events) = AsyncClient::new(self.0.clone(), 4);
        let mut open = Open { client, events };
        let connected = async {
            loop {
                match open.events.poll().await {
                    Ok(Event::Incoming(Packet::ConnAck(_))) => return Ok(()),
                    Ok(_) => {}
                    Err(error) => return Err(error.to_string()),
                }
            }
        };
        tokio::time::timeout(PATIENCE, connected).await.map_err(|_| "the broker does not answer".to_owned())??;
        Ok(open)
    }
}

impl Open {
    /// Publishes one message at QoS 1 and waits for what the broker says. After anything but `Taken`, `Unlistened` and `Barred`
    /// the connection is of no more use.
    pub async fn publish(&mut self, topic: String, payload: Vec<u8>) -> Handed {
        if let Err(error) = self.client.try_publish(topic, QoS::AtLeastOnce, false, payload) {
            return Handed::Kept(error.to_string());
        }
        let mut has_left = false;
        let answered = tokio::time::timeout(PATIENCE, self.answer(&mut has_left)).await;
        let why = match answered {
            Ok(Ok(PubAckReason::Success)) => return Handed::Taken,
            Ok(Ok(PubAckReason::NoMatchingSubscribers)) => return Handed::Unlistened,
            Ok(Ok(reason)) => return Handed::Barred(format!("{reason:?}")),
            Ok(Err(why)) => why,
            Err(_) => "the broker does not answer".to_owned(),
        };
        if has_left { Handed::Unknown(why) } else { Handed::Kept(why) }
    }

    async fn answer(&mut self, has_left: &mut bool) -> Result<PubAckReason, String> {
        loop {
            match self.events.poll().await {
                Ok(Event::Outgoing(Outgoing::Publish(_))) => *has_left = true,
                Ok(Event::Incoming(Packet::PubAck(answer))) => return Ok(answer.reason),
                Ok(_) => {}
                Err(error) => {
                    // What is written at the moment of the error may have left all the same.
                    *has_left = true;
                    return Err(error.to_string());
                }
            }
        }
    }

    /// Says good-bye, so that the broker need not wonder.
    pub async fn close(mut self) {
        if self.client.try_disconnect().is_ok() {
            let gone = async { while self.events.poll().await.is_ok() {} };
            let _ = tokio::time::timeout(Duration::from_secs(1), gone).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// A broker that accepts one connection, and answers the first message with these bytes behind its identifier, or hangs up.
    async fn handed_to(answer: Option<u8>) -> Handed {
        let door = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = door.local_addr().unwrap().port();
        let broker = async {
            let (mut peer, _) = door.accept().await.unwrap();
            let mut bytes = [0; 1024];
            // CONNECT; CONNACK without properties.
            assert!(peer.read(&mut bytes).await.unwrap() > 0);
            peer.write_all(&[0x20, 3, 0, 0, 0]).await.unwrap();
            // PUBLISH to "t" with the identifier 1.
            assert!(peer.read(&mut bytes).await.unwrap() > 0);
            if let Some(reason) = answer {
                peer.write_all(&[0x40, 3, 0, 1, reason]).await.unwrap();
                // Until the other side has read it.
                let _ = peer.read(&mut bytes).await;
            }
        };
        let courier = Courier::beside(&MqttOptions::new("link", "127.0.0.1", port));
        let sender = async {
            let mut open = courier.open().await.unwrap();
            open.publish("t".into(), b"x".to_vec()).await
        };
        tokio::join!(broker, sender).1
    }

    #[tokio::test]
    async fn what_the_broker_answers_is_told_and_silence_is_not_taken_for_an_answer() {
        assert_eq!(handed_to(Some(0x00)).await, Handed::Taken);
        assert_eq!(handed_to(Some(0x10)).await, Handed::Unlistened);
        assert_eq!(handed_to(Some(0x87)).await, Handed::Barred("NotAuthorized".into()));
        assert!(matches!(handed_to(None).await, Handed::Unknown(_)));
    }

    #[tokio::test]
    async fn without_a_broker_nothing_leaves() {
        let door = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = door.local_addr().unwrap().port();
        drop(door);
        assert!(Courier::beside(&MqttOptions::new("link", "127.0.0.1", port)).open().await.is_err());
    }
}
