//! The open stream: every byte arrives in both directions, in bounded memory, and ends are distinguished.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a panic is how a test reports"
)]

mod common;

use std::future::poll_fn;
use std::io::{ErrorKind, IoSlice, Read, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use common::{Client, accept, client, old_client, run_client, site};
use edge_tls::TlsStream;
use rustls::ClientConfig;
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// The timeout after which a test fails.
const TIMEOUT: Duration = Duration::from_secs(60);
const BODY_BYTES: usize = 3 << 20;
/// More bytes than any socket buffers.
const MAX_SOCKET_BUFFERS: usize = 64 << 20;

/// Bytes in which a lost, repeated or moved piece is detected.
fn pattern(length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| u8::try_from(at % 251).unwrap() ^ u8::try_from(at / 65_521 % 256).unwrap())
        .collect()
}

fn configurations() -> [Arc<ClientConfig>; 2] {
    [Arc::new(client(Ok(()))), Arc::new(old_client(Ok(())))]
}

/// Open a stream to a client that runs in another thread.
async fn open<T: Send + 'static>(
    config: &Arc<ClientConfig>,
    act: impl FnOnce(Client) -> T + Send + 'static,
) -> (TlsStream, std::thread::JoinHandle<T>) {
    let config = Arc::clone(config);
    let (socket, acting) = run_client(move |port| act(Client::connect(&config, "a.test", port)));
    let (stream, _) = timeout(TIMEOUT, accept(&socket, &site()))
        .await
        .unwrap()
        .unwrap();
    (stream, acting)
}

#[tokio::test]
async fn a_large_body_is_sent_completely() {
    for config in configurations() {
        let (mut stream, reading) = open(&config, |mut client| {
            let mut body = Vec::new();
            client.stream().read_to_end(&mut body).unwrap();
            body
        })
        .await;
        stream.write_all(&pattern(BODY_BYTES)).await.unwrap();
        stream.shutdown().await.unwrap();
        assert!(pattern(BODY_BYTES) == reading.join().unwrap());
    }
}

#[tokio::test]
async fn a_large_body_is_received_completely_with_any_read_size() {
    for (config, step) in configurations()
        .into_iter()
        .flat_map(|config| [(config.clone(), 1000), (config, 100_000)])
    {
        let (mut stream, writing) = open(&config, |mut client| {
            client.stream().write_all(&pattern(BODY_BYTES)).unwrap();
            client.tls.send_close_notify();
            client.stream().read_to_end(&mut Vec::new()).unwrap();
        })
        .await;
        let (mut body, mut piece) = (Vec::new(), vec![0; step]);
        loop {
            match timeout(TIMEOUT, stream.read(&mut piece))
                .await
                .unwrap()
                .unwrap()
            {
                0 => break,
                count => body.extend_from_slice(&piece[..count]),
            }
        }
        assert!(pattern(BODY_BYTES) == body);
        stream.shutdown().await.unwrap();
        writing.join().unwrap();
    }
}

#[tokio::test]
async fn both_directions_at_the_same_time() {
    let (stream, echoing) = open(&configurations()[0], |mut client| {
        let (mut seen, mut piece) = (Vec::new(), [0; 16384]);
        while seen.len() < BODY_BYTES {
            let count = client.stream().read(&mut piece).unwrap();
            seen.extend_from_slice(&piece[..count]);
            client.stream().write_all(&piece[..count]).unwrap();
        }
    })
    .await;
    let (mut reader, mut writer) = tokio::io::split(stream);
    let write = async {
        writer.write_all(&pattern(BODY_BYTES)).await.unwrap();
        writer.flush().await.unwrap();
    };
    let mut back = vec![0; BODY_BYTES];
    let read = async { reader.read_exact(&mut back).await.unwrap() };
    timeout(TIMEOUT, async { tokio::join!(write, read) })
        .await
        .unwrap();
    assert!(pattern(BODY_BYTES) == back);
    echoing.join().unwrap();
}

#[tokio::test]
async fn a_writer_waits_for_a_client_that_does_not_read() {
    let (release, released) = std::sync::mpsc::channel();
    let (mut stream, reading) = open(&configurations()[0], move |mut client| {
        client.tls.complete_io(&mut client.tcp).unwrap();
        released.recv().unwrap();
        let mut body = Vec::new();
        client.stream().read_to_end(&mut body).unwrap();
        body.len()
    })
    .await;
    let piece = vec![7; 1 << 20];
    let (mut written, mut is_stopped) = (0, false);
    while !is_stopped {
        assert!(written < MAX_SOCKET_BUFFERS, "the writer is not stopped");
        let write = poll_fn(|context| {
            let written = Pin::new(&mut stream).poll_write(context, &piece);
            if written.is_pending() && !is_stopped {
                // The client has read nothing: only now may it begin.
                is_stopped = true;
                release.send(()).unwrap();
            }
            written
        });
        written += timeout(TIMEOUT, write).await.unwrap().unwrap();
    }
    timeout(TIMEOUT, stream.shutdown()).await.unwrap().unwrap();
    assert_eq!(written, reading.join().unwrap());
}

#[tokio::test]
async fn pieces_of_a_vectored_write_share_a_record() {
    let (mut stream, reading) = open(&configurations()[0], |mut client| {
        let mut body = Vec::new();
        client.stream().read_to_end(&mut body).unwrap();
        body
    })
    .await;
    let pieces = [
        IoSlice::new(b"head, "),
        IoSlice::new(b""),
        IoSlice::new(b"body"),
    ];
    assert!(stream.is_write_vectored());
    assert_eq!(10, stream.write_vectored(&pieces).await.unwrap());
    stream.shutdown().await.unwrap();
    assert_eq!(b"head, body".as_slice(), reading.join().unwrap());
}

#[tokio::test]
async fn an_end_without_close_notify_is_unexpected() {
    let (mut stream, leaving) = open(&configurations()[0], |mut client| {
        client.stream().write_all(b"half a requ").unwrap();
        client.tcp.shutdown(std::net::Shutdown::Both).unwrap();
    })
    .await;
    let mut all = Vec::new();
    let error = timeout(TIMEOUT, stream.read_to_end(&mut all))
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(
        (b"half a requ".as_slice(), ErrorKind::UnexpectedEof),
        (all.as_slice(), error.kind())
    );
    leaving.join().unwrap();
}

#[tokio::test]
async fn a_damaged_record_ends_the_stream_with_an_alert() {
    let (mut stream, damaging) = open(&configurations()[0], |mut client| {
        client.tls.complete_io(&mut client.tcp).unwrap();
        client.tls.writer().write_all(b"request").unwrap();
        let mut record = Vec::new();
        client.tls.write_tls(&mut record).unwrap();
        *record.last_mut().unwrap() ^= 1;
        client.tcp.write_all(&record).unwrap();
        client
            .stream()
            .read_to_end(&mut Vec::new())
            .unwrap_err()
            .to_string()
    })
    .await;
    let error = timeout(TIMEOUT, stream.read(&mut [0; 16]))
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(ErrorKind::InvalidData, error.kind());
    assert_eq!(
        ErrorKind::InvalidData,
        stream.read(&mut [0; 16]).await.unwrap_err().kind(),
        "permanently"
    );
    assert_eq!(
        ErrorKind::InvalidData,
        stream.write(b"x").await.unwrap_err().kind()
    );
    let error = damaging.join().unwrap();
    assert!(error.contains("BadRecordMac"), "{error}");
}

#[tokio::test]
async fn the_session_ticket_is_sent_before_a_wait() {
    // The client sends nothing, so the ticket is not sent with a response.
    let config = Arc::clone(&configurations()[0]);
    let (mut stream, waiting) = open(&config, |mut client| {
        while client.tls.tls13_tickets_received() == 0 {
            client.tls.complete_io(&mut client.tcp).unwrap();
        }
        client.tls.send_close_notify();
        client.tls.complete_io(&mut client.tcp).unwrap();
        client.tls.tls13_tickets_received()
    })
    .await;
    assert_eq!(
        0,
        timeout(TIMEOUT, stream.read(&mut [0; 16]))
            .await
            .unwrap()
            .unwrap()
    );
    assert_eq!(1, waiting.join().unwrap());
}

#[tokio::test]
async fn keys_can_be_updated() {
    let (mut stream, updating) = open(&configurations()[0], |mut client| {
        client.tls.complete_io(&mut client.tcp).unwrap();
        for _ in 0..3 {
            client.tls.refresh_traffic_keys().unwrap();
            client.stream().write_all(b"ping").unwrap();
            client.stream().read_exact(&mut [0; 4]).unwrap();
        }
    })
    .await;
    let mut ping = [0; 4];
    for _ in 0..3 {
        timeout(TIMEOUT, stream.read_exact(&mut ping))
            .await
            .unwrap()
            .unwrap();
        stream.write_all(b"pong").await.unwrap();
    }
    updating.join().unwrap();
}

#[test]
fn an_open_stream_is_small() {
    // The memory of an idle connection besides the state of rustls.
    assert!(size_of::<TlsStream>() <= 384, "{}", size_of::<TlsStream>());
}
