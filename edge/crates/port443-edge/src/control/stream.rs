//! Events without end, one line each; a slow reader loses some and blocks no other.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use edge_observe::{EventLog, Page};
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::sync::watch;

use crate::edge::Edge;

/// Events that are written at once.
const PAGE: usize = 256;

/// Send a client every event after a number, until it leaves or the edge shuts down.
///
/// The client's place in the log is all that is kept for it: when it reads too slowly, the log
/// moves on, and the client learns how many events it lost.
pub(super) async fn tell(
    stream: &UnixStream,
    edge: &Rc<RefCell<Edge>>,
    since: u64,
    mut farewell: watch::Receiver<bool>,
) {
    let log = Rc::clone(&edge.borrow().log);
    let mut growth = log.borrow().growth();
    let mut since = since;
    loop {
        growth.mark_unchanged();
        let (lines, until) = page(&log.borrow(), since);
        if !lines.is_empty() {
            tokio::select! {
                sent = write_all(stream, &lines) => if sent.is_err() { return },
                () = has_left(stream) => return,
            }
        }
        since = until;
        if log.borrow().last() != since {
            continue;
        }
        tokio::select! {
            biased;
            changed = growth.changed() => if changed.is_err() { return },
            () = has_left(stream) => return,
            _ = farewell.wait_for(|said| *said) => return,
        }
    }
}

fn page(log: &EventLog, since: u64) -> (Vec<u8>, u64) {
    let Page { lines, until, lost } = log.read(since, PAGE);
    let mut bytes = Vec::new();
    let loss = (lost > 0).then(|| log.loss(lost));
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

/// Wait until the client closes its end; what it still says is not heard.
async fn has_left(stream: &UnixStream) {
    let mut unheard = [0; 512];
    loop {
        let read = stream
            .async_io(Interest::READABLE, || stream.try_read(&mut unheard))
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

    /// A reader that the log has left behind learns how many events it lost, and goes on from there.
    #[test]
    fn slow_readers_learn_what_they_lost() {
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
        assert_eq!(PAGE + 1, lines.len());
        let lost = log.oldest() - 1 - 10;
        assert!(lines[0].starts_with(r#"{"number":0,"#));
        assert!(lines[0].ends_with(&format!(r#""name":"events_dropped","count":{lost}}}"#)));
        assert!(lines[1].contains(&format!(r#""number":{},"#, log.oldest())));
        assert_eq!(log.oldest() - 1 + PAGE as u64, until);
    }
}
