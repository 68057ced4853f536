//! What those who run the service rely on: metrics, rules, the dashboard and the runbook that fit each other; the heartbeat, the page of the
//! service, traces, and what a reload takes up.

mod files;
mod reload;
mod traces;
mod watch;

use axum::http::StatusCode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// What somebody was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    pub head: String,
    pub body: Vec<u8>,
}

/// Answers every request with this status and tells what was asked; gives its port.
pub async fn receiver(status: StatusCode) -> (u16, mpsc::UnboundedReceiver<Asked>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(take(stream, status, tell.clone()));
        }
    });
    (port, told)
}

async fn take(mut stream: TcpStream, status: StatusCode, tell: mpsc::UnboundedSender<Asked>) {
    let mut all = Vec::new();
    let mut part = vec![0; 16 * 1024];
    loop {
        let length = stream.read(&mut part).await.unwrap_or(0);
        if length == 0 {
            return;
        }
        all.extend_from_slice(&part[..length]);
        let Some(end) = all.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&all[..end]).into_owned();
        let announced =
            head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length:").map(str::to_owned));
        let wanted: usize = announced.map_or(0, |length| length.trim().parse().unwrap());
        if all.len() < end + 4 + wanted {
            continue;
        }
        let body = all[end + 4..].to_vec();
        let _ = tell.send(Asked { head, body });
        let answer = format!("HTTP/1.1 {} x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", status.as_u16());
        let _ = stream.write_all(answer.as_bytes()).await;
        return;
    }
}
