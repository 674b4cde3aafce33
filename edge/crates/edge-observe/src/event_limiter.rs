//! The limit on events of one kind: clients can cause as many of them as they like.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use edge_contract::{Event, EventKind};

/// Events of one kind that are logged however fast they come, and how many a second after that.
const BURST: u64 = 256;
const PER_SECOND: u64 = 16;
const PERIOD: Duration = Duration::from_secs(1);

/// A token bucket for each kind of event, and a count of those that are not logged.
///
/// Kinds are a closed set of names and reasons, and one that is quiet is forgotten.
#[derive(Default)]
pub(crate) struct EventLimiter {
    kinds: HashMap<EventKind, Count>,
    period: Option<Instant>,
}

#[derive(Default)]
struct Count {
    /// Events that were logged lately, less what the time since then allows again.
    logged: u64,
    suppressed: u64,
}

impl EventLimiter {
    /// Whether an event of that kind is to be logged; else it is counted.
    pub(crate) fn allows(&mut self, kind: EventKind, now: Instant) -> bool {
        self.period.get_or_insert(now);
        let count = self.kinds.entry(kind).or_default();
        let has_room = count.logged < BURST;
        if has_room {
            count.logged += 1;
        } else {
            count.suppressed += 1;
        }
        has_room
    }

    /// When [`Self::take_summaries`] is due; `None` while nothing has been counted.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.period.map(|begun| begun + PERIOD)
    }

    /// A period has ended: one event for each kind that was not logged in it.
    pub(crate) fn take_summaries(&mut self, now: Instant) -> Vec<Event> {
        let mut summaries = Vec::new();
        self.kinds.retain(|kind, count| {
            if count.suppressed > 0 {
                summaries.push(Event::EventsSuppressed {
                    event: kind.event,
                    reason: kind.reason,
                    count: std::mem::take(&mut count.suppressed),
                });
            }
            count.logged = count.logged.saturating_sub(PER_SECOND);
            count.logged > 0
        });
        self.period = (!self.kinds.is_empty()).then_some(now);
        summaries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOISE: EventKind = EventKind {
        event: "handshake_failed",
        reason: "plain_http",
    };
    const OTHER: EventKind = EventKind {
        event: "handshake_failed",
        reason: "not_tls",
    };

    fn logged(limiter: &mut EventLimiter, attempts: u64, now: Instant) -> u64 {
        (0..attempts)
            .map(|_| u64::from(limiter.allows(NOISE, now)))
            .sum()
    }

    #[test]
    fn what_exceeds_a_burst_is_counted_and_summed_up_in_one_event() {
        let (mut limiter, start) = (EventLimiter::default(), Instant::now());
        assert_eq!(BURST, logged(&mut limiter, 1500, start));
        assert!(limiter.allows(OTHER, start), "each kind has its own");
        assert_eq!(Some(start + PERIOD), limiter.due());
        let summary = Event::EventsSuppressed {
            event: "handshake_failed",
            reason: "plain_http",
            count: 1500 - BURST,
        };
        assert_eq!(vec![summary], limiter.take_summaries(start + PERIOD));
        assert_eq!(PER_SECOND, logged(&mut limiter, 1500, start + PERIOD));
    }

    #[test]
    fn a_quiet_kind_is_forgotten() {
        let (mut limiter, mut now) = (EventLimiter::default(), Instant::now());
        logged(&mut limiter, BURST, now);
        for _ in 0..BURST / PER_SECOND {
            now += PERIOD;
            assert!(limiter.take_summaries(now).is_empty());
        }
        assert!(limiter.kinds.is_empty() && limiter.due().is_none());
    }
}
