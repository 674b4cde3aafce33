//! The event log: numbers within a boot, a bounded memory, and readers that cannot hold it up.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use edge_contract::Event;
use serde::Serialize;
use tokio::sync::watch;

use crate::channel::StampedEvent;
use crate::event_limiter::EventLimiter;

const MAX_EVENTS: usize = 16_384;
const MAX_BYTES: usize = 16 << 20;

/// The last events of this boot, as lines of JSON.
pub struct EventLog {
    boot: Arc<str>,
    lines: VecDeque<Arc<str>>,
    bytes: usize,
    /// The number of the newest event; 0 before the first.
    last: watch::Sender<u64>,
    /// Events that were lost on their way here, as far as the log says.
    dropped: u64,
    limiter: EventLimiter,
}

/// What a reader gets at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Lines of JSON, without their ends.
    pub lines: Vec<Arc<str>>,
    /// The number up to which the reader knows everything now.
    pub until: u64,
    /// Events that the log had forgotten when the reader came for them.
    pub lost: u64,
}

#[derive(Serialize)]
struct Line<'a> {
    number: u64,
    boot: &'a str,
    at_ms: u64,
    #[serde(flatten)]
    event: &'a Event,
}

impl EventLog {
    /// An empty log of a boot.
    #[must_use]
    pub fn new(boot: &str) -> Self {
        let last = watch::Sender::new(0);
        Self {
            boot: boot.into(),
            lines: VecDeque::new(),
            bytes: 0,
            last,
            dropped: 0,
            limiter: EventLimiter::default(),
        }
    }

    /// Keep an event that came from a worker, unless clients cause too many of its kind.
    pub fn append_limited(&mut self, stamped: &StampedEvent) {
        let kind = stamped.event.limited_kind();
        if kind.is_none_or(|kind| self.limiter.allows(kind, Instant::now())) {
            self.append(stamped);
        }
    }

    /// When [`Self::append_summaries`] is due, if it is.
    #[must_use]
    pub fn summary_due(&self) -> Option<Instant> {
        self.limiter.due()
    }

    /// Log how many events of each kind were only counted lately.
    pub fn append_summaries(&mut self) {
        for summary in self.limiter.take_summaries(Instant::now()) {
            self.append(&StampedEvent::now(summary));
        }
    }

    /// Number an event and keep it; the oldest are forgotten when the log is full.
    pub fn append(&mut self, stamped: &StampedEvent) {
        let number = self.last() + 1;
        let line = self.line(number, stamped);
        self.bytes += line.len();
        self.lines.push_back(line);
        while self.lines.len() > MAX_EVENTS || self.bytes > MAX_BYTES {
            self.bytes -= self.lines.pop_front().map_or(0, |line| line.len());
        }
        self.last.send_replace(number);
    }

    /// Say that so many events in all were lost before they reached the log.
    pub fn note_dropped(&mut self, total: u64) {
        let count = total - self.dropped;
        if count > 0 {
            self.dropped = total;
            self.append(&StampedEvent::now(Event::EventsDropped { count }));
        }
    }

    /// Up to `most` events after the number `after`.
    #[must_use]
    pub fn read(&self, after: u64, most: usize) -> Page {
        // A number that this boot has not reached comes from another boot: all is news to that reader.
        let after = if after > self.last() { 0 } else { after };
        let first = after.max(self.oldest() - 1);
        let skipped = usize::try_from(first + 1 - self.oldest()).unwrap_or(usize::MAX);
        let lines: Vec<_> = self
            .lines
            .iter()
            .skip(skipped)
            .take(most)
            .cloned()
            .collect();
        Page {
            until: first + lines.len() as u64,
            lost: first - after,
            lines,
        }
    }

    /// The line that informs a reader of lost events; it has no number of its own.
    #[must_use]
    pub fn loss(&self, count: u64) -> Arc<str> {
        self.line(0, &StampedEvent::now(Event::EventsDropped { count }))
    }

    /// The number of the newest event; 0 before the first.
    #[must_use]
    pub fn last(&self) -> u64 {
        *self.last.borrow()
    }

    /// The number of the oldest event that is still known, or that will be the first.
    #[must_use]
    pub fn oldest(&self) -> u64 {
        self.last() + 1 - self.lines.len() as u64
    }

    /// Events that were lost before they reached the log.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// A watch that changes whenever the log grows.
    #[must_use]
    pub fn growth(&self) -> watch::Receiver<u64> {
        self.last.subscribe()
    }

    fn line(&self, number: u64, stamped: &StampedEvent) -> Arc<str> {
        let StampedEvent { at_ms, event } = stamped;
        let line = Line {
            number,
            boot: &self.boot,
            at_ms: *at_ms,
            event,
        };
        serde_json::to_string(&line).unwrap_or_default().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log_of(count: usize) -> EventLog {
        let mut log = EventLog::new("b001");
        for _ in 0..count {
            log.append(&StampedEvent {
                at_ms: 7,
                event: Event::DrainStarted,
            });
        }
        log
    }

    /// An event is one line: its number, boot, time, name and fields.
    #[test]
    fn lines_have_the_contracts_shape() {
        let mut log = EventLog::new("b001");
        let event = Event::ListenerOpened {
            listener: "https:[::]:443".into(),
        };
        log.append(&StampedEvent { at_ms: 7, event });
        let expected = r#"{"number":1,"boot":"b001","at_ms":7,"name":"listener_opened","listener":"https:[::]:443"}"#;
        assert_eq!(vec![Arc::from(expected)], log.read(0, 9).lines);
    }

    /// A reader goes on where it stood, in pages of its size.
    #[test]
    fn readers_go_on_where_they_stood() {
        let log = log_of(5);
        let page = log.read(2, 2);
        assert_eq!((2, 4, 0), (page.lines.len(), page.until, page.lost));
        let page = log.read(page.until, 2);
        assert_eq!((1, 5, 0), (page.lines.len(), page.until, page.lost));
        assert_eq!(
            Page {
                until: 5,
                ..Page::default()
            },
            log.read(5, 2)
        );
    }

    /// The log forgets its oldest events, and says to a reader who comes too late how many.
    #[test]
    fn late_readers_learn_what_they_lost() {
        let log = log_of(MAX_EVENTS + 10);
        assert_eq!(11, log.oldest());
        let page = log.read(4, 1);
        assert_eq!((6, 11), (page.lost, page.until));
        assert!(page.lines[0].contains(r#""number":11"#));
    }

    /// A number from another boot does not hide this boot's events.
    #[test]
    fn numbers_of_another_boot_start_anew() {
        assert_eq!(3, log_of(3).read(1_000, 9).lines.len());
    }

    /// Losses on the way to the log are logged once each.
    #[test]
    fn drops_are_logged_once() {
        let mut log = log_of(0);
        log.note_dropped(3);
        log.note_dropped(3);
        log.note_dropped(4);
        let lines = log.read(0, 9).lines;
        assert_eq!(2, lines.len());
        assert!(lines[0].contains(r#""name":"events_dropped","count":3"#));
        assert!(lines[1].contains(r#""count":1"#));
    }
}
