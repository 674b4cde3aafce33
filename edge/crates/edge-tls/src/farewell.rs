//! Last words to a client that is refused, said so that they arrive.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::buffer::Buffer;

/// How long and how much a refused client may go on talking.
const PATIENCE: Duration = Duration::from_millis(500);
const MOST: usize = 64 * 1024;

/// Send the last words, then read past what still comes in.
///
/// A socket that is closed over unread bytes is reset, and a reset takes the last words with it
/// (RFC 9112 §9.6 tells the same of HTTP).
pub async fn farewell(tcp: &mut TcpStream, words: &[u8]) {
    let _ = timeout(PATIENCE, async {
        tcp.write_all(words).await?;
        tcp.shutdown().await?;
        // Lent by the thread: an array here would make every handshake's future larger.
        let (mut sink, mut seen) = (Buffer::default(), 0);
        while seen < MOST {
            match tcp.read(sink.room(1)).await? {
                0 => break,
                count => seen += count,
            }
        }
        std::io::Result::Ok(())
    })
    .await;
}
