//! The event log of one boot: events are numbered and stored in bounded memory, and never wait for a reader.

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

/// The latest events of this boot, as lines of JSON.
pub struct EventLog {
    boot: Arc<str>,
    lines: VecDeque<Arc<str>>,
    bytes: usize,
    /// The number of the newest event; 0 before the first.
    last: watch::Sender<u64>,
    /// Events that were dropped on the way to the log, as recorded in it.
    dropped: u64,
    limiter: EventLimiter,
}

/// The result of one read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Lines of JSON without line ends.
    pub lines: Vec<Arc<str>>,
    /// The number of the last event that was read, from which to continue.
    pub until: u64,
    /// The number of events after `after` that are no longer in the log.
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

    /// Append an event of a worker, unless it exceeds the rate limit of its kind.
    pub fn append_limited(&mut self, stamped: &StampedEvent) {
        let kind = stamped.event.limited_kind();
        if kind.is_none_or(|kind| self.limiter.allows(kind, Instant::now())) {
            self.append(stamped);
        }
    }

    /// When [`Self::append_summaries`] is due; `None` if there is nothing to summarize.
    #[must_use]
    pub fn summary_due(&self) -> Option<Instant> {
        self.limiter.due()
    }

    /// Append an event for each kind of which events were suppressed since the last call.
    pub fn append_summaries(&mut self) {
        for summary in self.limiter.take_summaries(Instant::now()) {
            self.append(&StampedEvent::now(summary));
        }
    }

    /// Append an event with the next number. The oldest events are removed when the log is full.
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

    /// Record that `total` events were dropped so far on the way to the log.
    pub fn record_dropped(&mut self, total: u64) {
        let count = total - self.dropped;
        if count > 0 {
            self.dropped = total;
            self.append(&StampedEvent::now(Event::EventsDropped { count }));
        }
    }

    /// Up to `limit` events after the number `after`.
    #[must_use]
    pub fn read(&self, after: u64, limit: usize) -> Page {
        // A number that this boot has not reached is from another boot, so start with the oldest event.
        let after = if after > self.last() { 0 } else { after };
        let first = after.max(self.oldest() - 1);
        let skipped = usize::try_from(first + 1 - self.oldest()).unwrap_or(usize::MAX);
        let lines: Vec<_> = self
            .lines
            .iter()
            .skip(skipped)
            .take(limit)
            .cloned()
            .collect();
        Page {
            until: first + lines.len() as u64,
            lost: first - after,
            lines,
        }
    }

    /// The line for a reader that missed `count` events. Its number is 0.
    #[must_use]
    pub fn lost_events_line(&self, count: u64) -> Arc<str> {
        self.line(0, &StampedEvent::now(Event::EventsDropped { count }))
    }

    /// The number of the newest event; 0 before the first.
    #[must_use]
    pub fn last(&self) -> u64 {
        *self.last.borrow()
    }

    /// The number of the oldest event in the log, or of the next one if the log is empty.
    #[must_use]
    pub fn oldest(&self) -> u64 {
        self.last() + 1 - self.lines.len() as u64
    }

    /// The number of events that were dropped on the way to the log.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Watch the number of the newest event.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<u64> {
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

    /// A reader continues after the last event of the previous page.
    #[test]
    fn readers_continue_after_the_previous_page() {
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

    /// The log removes its oldest events, and a slow reader gets the number of those it missed.
    #[test]
    fn slow_readers_get_the_number_of_lost_events() {
        let log = log_of(MAX_EVENTS + 10);
        assert_eq!(11, log.oldest());
        let page = log.read(4, 1);
        assert_eq!((6, 11), (page.lost, page.until));
        assert!(page.lines[0].contains(r#""number":11"#));
    }

    /// After a number of another boot, all events of this boot are read.
    #[test]
    fn numbers_of_another_boot_are_ignored() {
        assert_eq!(3, log_of(3).read(1_000, 9).lines.len());
    }

    /// Dropped events are logged once.
    #[test]
    fn drops_are_logged_once() {
        let mut log = log_of(0);
        log.record_dropped(3);
        log.record_dropped(3);
        log.record_dropped(4);
        let lines = log.read(0, 9).lines;
        assert_eq!(2, lines.len());
        assert!(lines[0].contains(r#""name":"events_dropped","count":3"#));
        assert!(lines[1].contains(r#""count":1"#));
    }
}
