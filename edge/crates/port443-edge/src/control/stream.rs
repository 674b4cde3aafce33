//! The event stream: one line of JSON for each event.
//!
//! The log is a ring: a client that reads too slowly misses events, and blocks nothing.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use edge_observe::{EventLog, Page};
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::sync::watch;

use crate::edge::Edge;

/// The most events in one write.
const MAX_EVENTS_PER_WRITE: usize = 256;

/// Send a client every event after number `since`, until it disconnects or the edge shuts down.
///
/// Only the client's position in the log is stored. A client that reads too slowly is sent an
/// `events_dropped` event with the number of events that it missed.
pub(super) async fn send_events(
    stream: &UnixStream,
    edge: &Rc<RefCell<Edge>>,
    since: u64,
    mut shutdown: watch::Receiver<bool>,
) {
    let log = Rc::clone(&edge.borrow().log);
    let mut appended = log.borrow().subscribe();
    let mut since = since;
    loop {
        appended.mark_unchanged();
        let (lines, until) = page(&log.borrow(), since);
        if !lines.is_empty() {
            tokio::select! {
                sent = write_all(stream, &lines) => if sent.is_err() { return },
                () = disconnected(stream) => return,
            }
        }
        since = until;
        if log.borrow().last() != since {
            continue;
        }
        tokio::select! {
            biased;
            changed = appended.changed() => if changed.is_err() { return },
            () = disconnected(stream) => return,
            _ = shutdown.wait_for(|begun| *begun) => return,
        }
    }
}

fn page(log: &EventLog, since: u64) -> (Vec<u8>, u64) {
    let Page { lines, until, lost } = log.read(since, MAX_EVENTS_PER_WRITE);
    let mut bytes = Vec::new();
    let loss = (lost > 0).then(|| log.lost_events_line(lost));
    for line in loss.into_iter().chain(lines) {
        bytes.extend_from_slice(line.as_bytes());
        bytes.push(b'\n');
    }
    (bytes, until)
}

async fn write_all(stream: &UnixStream, bytes: &[u8]) -> io::Result<()> {
    let mut sent = 0;
    while sent < bytes.len() {
        sent += stream
            .async_io(Interest::WRITABLE, || stream.try_write(&bytes[sent..]))
            .await?;
    }
    Ok(())
}

/// Wait until the client closes the connection. Bytes that it sends are discarded.
async fn disconnected(stream: &UnixStream) {
    let mut discarded = [0; 512];
    loop {
        let read = stream
            .async_io(Interest::READABLE, || stream.try_read(&mut discarded))
            .await;
        if matches!(read, Ok(0) | Err(_)) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use edge_contract::Event;
    use edge_observe::StampedEvent;

    use super::*;

    /// A slow reader is sent the number of events that it missed, and then the oldest in the log.
    #[test]
    fn slow_readers_are_sent_the_number_of_lost_events() {
        let mut log = EventLog::new("b");
        for _ in 0..20_000 {
            log.append(&StampedEvent {
                at_ms: 1,
                event: Event::DrainStarted,
            });
        }
        let (bytes, until) = page(&log, 10);
        let text = String::from_utf8(bytes).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(MAX_EVENTS_PER_WRITE + 1, lines.len());
        let lost = log.oldest() - 1 - 10;
        assert!(lines[0].starts_with(r#"{"number":0,"#));
        assert!(lines[0].ends_with(&format!(r#""name":"events_dropped","count":{lost}}}"#)));
        assert!(lines[1].contains(&format!(r#""number":{},"#, log.oldest())));
        assert_eq!(log.oldest() - 1 + MAX_EVENTS_PER_WRITE as u64, until);
    }
}
