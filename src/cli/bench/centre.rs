//! The least of an SMS centre that a bench needs: it binds whoever comes, takes every message, and tells when it came.
//! SMPP 3.4, sections 3 and 4. The tests use a centre that was not written here.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::clock::Stopwatch;

const UNBIND: u32 = 0x06;
const SUBMIT_SM: u32 = 0x04;
const BIND_TRANSCEIVER: u32 = 0x09;
const ENQUIRE_LINK: u32 = 0x15;
const RESPONSE: u32 = 0x8000_0000;
/// Longer PDUs end the session.
const LONGEST: u32 = 4096;

/// A message that was taken: the telephone, and how long after the bench began.
#[derive(Debug)]
pub struct Taken {
    pub telephone: String,
    pub after: std::time::Duration,
}

/// Serves until dropped.
pub async fn serve(listener: TcpListener, since: Stopwatch, taken: mpsc::UnboundedSender<Taken>) {
    let mut sessions = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let taken = taken.clone();
        sessions.spawn(async move {
            // A session that breaks is the client's to notice.
            let _ = session(stream, since, &taken).await;
        });
    }
}

async fn session(mut stream: TcpStream, since: Stopwatch, taken: &mpsc::UnboundedSender<Taken>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut number = 0_u64;
    loop {
        let length = stream.read_u32().await?;
        let command = stream.read_u32().await?;
        let _status = stream.read_u32().await?;
        let sequence = stream.read_u32().await?;
        if !(16..=LONGEST).contains(&length) {
            return Ok(());
        }
        let mut body = vec![0; length as usize - 16];
        stream.read_exact(&mut body).await?;
        let answer = match command {
            BIND_TRANSCEIVER => b"bench\0".to_vec(),
            SUBMIT_SM => {
                if let Some(telephone) = destination(&body) {
                    // The bench may be over.
                    let _ = taken.send(Taken { telephone, after: since.elapsed() });
                }
                number += 1;
                format!("{number}\0").into_bytes()
            }
            UNBIND | ENQUIRE_LINK => Vec::new(),
            // Answers to what we never ask.
            _ => continue,
        };
        let mut pdu = Vec::with_capacity(16 + answer.len());
        for word in [16 + answer.len() as u32, command | RESPONSE, 0, sequence] {
            pdu.extend(word.to_be_bytes());
        }
        pdu.extend(answer);
        stream.write_all(&pdu).await?;
    }
}

/// `destination_addr`: after `service_type`, two octets and `source_addr`, and two octets more.
fn destination(body: &[u8]) -> Option<String> {
    let after_service = skip_text(body)?;
    let after_source = skip_text(after_service.get(2..)?)?;
    let rest = after_source.get(2..)?;
    let end = rest.iter().position(|octet| *octet == 0)?;
    String::from_utf8(rest[..end].to_vec()).ok()
}

fn skip_text(octets: &[u8]) -> Option<&[u8]> {
    let end = octets.iter().position(|octet| *octet == 0)?;
    octets.get(end + 1..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_telephone_of_a_message_is_found() {
        assert_eq!(destination(b"\0\x00\x0040199\0\x01\x015532\0rest").as_deref(), Some("5532"));
        assert_eq!(destination(b"\0\x00"), None);
    }
}
