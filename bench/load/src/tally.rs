//! How much work a phase may begin, and what came of it.

use std::time::{Duration, Instant};

use rustls::HandshakeKind;

/// The bounds and the counts of one phase; work that has begun is always brought to its end.
#[derive(Debug)]
pub struct Tally {
    begins: Instant,
    time: Duration,
    most: u64,
    started: u64,
    /// Units that were answered as they should be.
    pub done: u64,
    /// Handshakes with a certificate.
    pub full: u64,
    /// Handshakes that went on from a ticket.
    pub resumed: u64,
    /// Full handshakes that the server asked to begin anew (RFC 8446 §4.1.4).
    pub retried: u64,
}

impl Tally {
    /// A phase that begins now, and begins no work after `time` or after `most` units.
    #[must_use]
    pub fn new(time: Duration, most: u64) -> Self {
        Self {
            begins: Instant::now(),
            time,
            most,
            started: 0,
            done: 0,
            full: 0,
            resumed: 0,
            retried: 0,
        }
    }

    /// Take one unit of work to begin, while the bounds allow one.
    pub fn start(&mut self) -> bool {
        let allowed = self.started < self.most && self.begins.elapsed() < self.time;
        if allowed {
            self.started += 1;
        } else {
            self.most = self.started;
        }
        allowed
    }

    /// Whether no more work begins, and all that began has ended.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.done == self.started
            && (self.started >= self.most || self.begins.elapsed() >= self.time)
    }

    /// Whether work has gone unanswered for longer than `patience` after the phase's time.
    #[must_use]
    pub fn is_overdue(&self, patience: Duration) -> bool {
        self.begins.elapsed() > self.time + patience
    }

    /// Count a handshake.
    pub fn count(&mut self, kind: HandshakeKind) {
        match kind {
            HandshakeKind::Full => self.full += 1,
            HandshakeKind::FullWithHelloRetryRequest => self.retried += 1,
            HandshakeKind::Resumed => self.resumed += 1,
        }
    }

    /// The phase as one line for whoever measures.
    #[must_use]
    pub fn line(&self, word: &str) -> String {
        format!(
            "{word} units={} microseconds={} full={} resumed={} retried={}",
            self.done,
            self.begins.elapsed().as_micros(),
            self.full,
            self.resumed,
            self.retried
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_begins_no_more_than_it_may() {
        let mut tally = Tally::new(Duration::from_secs(60), 2);
        assert!(!tally.is_over());
        assert!(tally.start() && tally.start() && !tally.start());
        tally.done = 2;
        assert!(tally.is_over());
    }

    #[test]
    fn a_phase_whose_time_has_passed_waits_for_what_began() {
        let mut tally = Tally::new(Duration::from_secs(60), u64::MAX);
        assert!(tally.start());
        tally.time = Duration::ZERO;
        assert!(!tally.start());
        assert!(!tally.is_over());
        tally.done = 1;
        assert!(tally.is_over());
    }
}
