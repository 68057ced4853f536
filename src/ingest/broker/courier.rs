//! One message to a broker, and what became of it. Over a connection of its own, one message at a time: so the PUBACK that comes is
//! that message's, and nothing is sent again behind anybody's back when a connection is made anew.

use std::time::Duration;

use super::wire::{Answer, Client, Events, Options, Signal};

/// How long the broker may take for one answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handed {
    /// The broker has it; one of MQTT 5 has it for somebody.
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
pub struct Courier(Options);

/// A connection, for messages one after the other.
pub struct Open {
    client: Client,
    events: Events,
}

impl Courier {
    /// The way of the link with these options, under a name of its own and without a session.
    pub fn beside(link: &Options) -> Self {
        Self(link.beside("-down"))
    }

    /// # Errors
    /// Why there is no connection.
    pub async fn open(&self) -> Result<Open, String> {
        let (client, events) = self.0.clone().open(4);
        let mut open = Open { client, events };
        let connected = async {
            loop {
                match open.events.poll().await {
                    Signal::Connected => return Ok(()),
                    Signal::Closed(why) => return Err(why),
                    _ => {}
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
        if let Err(why) = self.client.try_publish(topic, payload) {
            return Handed::Kept(why);
        }
        let mut has_left = false;
        let answered = tokio::time::timeout(PATIENCE, self.answer(&mut has_left)).await;
        let why = match answered {
            Ok(Ok(Answer::Taken)) => return Handed::Taken,
            Ok(Ok(Answer::Unlistened)) => return Handed::Unlistened,
            Ok(Ok(Answer::Refused(reason))) => return Handed::Barred(reason),
            Ok(Err(why)) => why,
            Err(_) => "the broker does not answer".to_owned(),
        };
        if has_left { Handed::Unknown(why) } else { Handed::Kept(why) }
    }

    async fn answer(&mut self, has_left: &mut bool) -> Result<Answer, String> {
        loop {
            match self.events.poll().await {
                Signal::PublishLeft => *has_left = true,
                Signal::Answered(answer) => return Ok(answer),
                Signal::Closed(why) => {
                    // What is written at the moment of the error may have left all the same.
                    *has_left = true;
                    return Err(why);
                }
                _ => {}
            }
        }
    }

    /// Says good-bye, so that the broker need not wonder.
    pub async fn close(mut self) {
        if self.client.try_disconnect() {
            let gone = async { while !matches!(self.events.poll().await, Signal::Closed(_)) {} };
            let _ = tokio::time::timeout(Duration::from_secs(1), gone).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::config::Protocol;

    /// A broker that accepts one connection, and answers the first message with these bytes, or hangs up.
    async fn handed_to(protocol: Protocol, answer: &[u8]) -> Handed {
        let door = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = door.local_addr().unwrap().port();
        let broker = async {
            let (mut peer, _) = door.accept().await.unwrap();
            let mut bytes = [0; 1024];
            // CONNECT, with the version behind the name; CONNACK, in MQTT 5 with properties, of which there are none.
            assert!(peer.read(&mut bytes).await.unwrap() > 0);
            let (version, welcome) = match protocol {
                Protocol::V5 => (5, &[0x20, 3, 0, 0, 0][..]),
                Protocol::V311 => (4, &[0x20, 2, 0, 0][..]),
            };
            assert_eq!((&bytes[4..8], bytes[8]), (&b"MQTT"[..], version));
            peer.write_all(welcome).await.unwrap();
            // PUBLISH to "t" with the identifier 1, at QoS 1.
            assert!(peer.read(&mut bytes).await.unwrap() > 0);
            assert_eq!(bytes[0], 0x32);
            if !answer.is_empty() {
                peer.write_all(answer).await.unwrap();
                // Until the other side has read it.
                let _ = peer.read(&mut bytes).await;
            }
        };
        let courier = Courier::beside(&Options::plain(protocol, port));
        let sender = async {
            let mut open = courier.open().await.unwrap();
            open.publish("t".into(), b"x".to_vec()).await
        };
        tokio::join!(broker, sender).1
    }

    #[tokio::test]
    async fn what_the_broker_answers_is_told_and_silence_is_not_taken_for_an_answer() {
        let answered = async |reason: u8| handed_to(Protocol::V5, &[0x40, 3, 0, 1, reason]).await;
        assert_eq!(answered(0x00).await, Handed::Taken);
        assert_eq!(answered(0x10).await, Handed::Unlistened);
        assert_eq!(answered(0x87).await, Handed::Barred("NotAuthorized".into()));
        assert!(matches!(handed_to(Protocol::V5, &[]).await, Handed::Unknown(_)));
    }

    #[tokio::test]
    async fn in_3_1_1_an_answer_has_no_reason_and_another_messages_answer_is_none() {
        assert_eq!(handed_to(Protocol::V311, &[0x40, 2, 0, 1]).await, Handed::Taken);
        assert!(matches!(handed_to(Protocol::V311, &[0x40, 2, 0, 2]).await, Handed::Unknown(_)));
        assert!(matches!(handed_to(Protocol::V311, &[]).await, Handed::Unknown(_)));
    }

    #[tokio::test]
    async fn without_a_broker_nothing_leaves() {
        for protocol in [Protocol::V5, Protocol::V311] {
            let door = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = door.local_addr().unwrap().port();
            drop(door);
            assert!(Courier::beside(&Options::plain(protocol, port)).open().await.is_err());
        }
    }
}
