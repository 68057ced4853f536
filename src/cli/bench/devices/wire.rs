//! As much of MQTT 3.1.1 as a gauge speaks: CONNECT, PUBLISH with QoS 1, and the two answers to them. Ten thousand of
//! these cost the bench little; a full client library would take a good part of the machine that is being measured.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

const CONNACK: u8 = 0x20;
const PUBACK: u8 = 0x40;
/// User name, password, clean session.
const CONNECT_FLAGS: u8 = 0b1100_0010;
const KEEP_ALIVE_S: u16 = 60;

/// An open, signed-in connection.
pub struct Line {
    stream: TcpStream,
    packet_id: u16,
}

impl Line {
    /// Connects from an address of this machine, and signs in.
    pub async fn open(from: SocketAddr, to: SocketAddr, client_id: &str, user: &str, secret: &str) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(from)?;
        let mut stream = socket.connect(to).await?;
        stream.set_nodelay(true)?;
        let mut body = Vec::with_capacity(128);
        text(&mut body, "MQTT");
        body.extend([4, CONNECT_FLAGS]);
        body.extend(KEEP_ALIVE_S.to_be_bytes());
        for part in [client_id, user, secret] {
            text(&mut body, part);
        }
        stream.write_all(&packet(0x10, &body)).await?;
        let [kind, _, _, code] = answer(&mut stream).await?;
        if kind != CONNACK || code != 0 {
            return Err(io::Error::other(format!("the endpoint refused the sign-in with code {code}")));
        }
        Ok(Self { stream, packet_id: 0 })
    }

    /// Publishes with QoS 1, and returns with the acknowledgement.
    pub async fn publish(&mut self, topic: &str, payload: &[u8]) -> io::Result<()> {
        self.packet_id = self.packet_id.checked_add(1).unwrap_or(1);
        let mut body = Vec::with_capacity(topic.len() + payload.len() + 4);
        text(&mut body, topic);
        body.extend(self.packet_id.to_be_bytes());
        body.extend(payload);
        self.stream.write_all(&packet(0x32, &body)).await?;
        let [kind, _, high, low] = answer(&mut self.stream).await?;
        let acknowledged = u16::from_be_bytes([high, low]);
        if kind == PUBACK && acknowledged == self.packet_id {
            return Ok(());
        }
        Err(io::Error::other(format!(
            "expected the acknowledgement of {}, got {kind:#x} {acknowledged}",
            self.packet_id
        )))
    }

    /// Says goodbye.
    pub async fn close(mut self) -> io::Result<()> {
        self.stream.write_all(&[0xe0, 0]).await?;
        self.stream.shutdown().await
    }
}

/// CONNACK and PUBACK have four bytes.
async fn answer(stream: &mut TcpStream) -> io::Result<[u8; 4]> {
    let mut bytes = [0; 4];
    stream.read_exact(&mut bytes).await?;
    Ok(bytes)
}

/// The parts written here are far shorter than 65,536 bytes.
fn text(body: &mut Vec<u8>, text: &str) {
    body.extend(u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
    body.extend(text.as_bytes());
}

fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = Vec::with_capacity(body.len() + 5);
    packet.push(first);
    let mut rest = body.len();
    loop {
        let digit = (rest % 128) as u8;
        rest /= 128;
        packet.push(if rest > 0 { digit | 0x80 } else { digit });
        if rest == 0 {
            break;
        }
    }
    packet.extend(body);
    packet
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_packet_takes_as_many_bytes_as_it_needs() {
        assert_eq!(packet(0x32, &[7; 127])[..2], [0x32, 127]);
        assert_eq!(packet(0x32, &[7; 128])[..3], [0x32, 0x80, 1]);
        assert_eq!(packet(0x32, &[7; 16_384])[..4], [0x32, 0x80, 0x80, 1]);
    }
}
