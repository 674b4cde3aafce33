//! A rate limit for each kind of event, since clients can cause any number of them.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use edge_contract::{Event, EventKind};

/// The number of events of one kind that are logged at any rate.
const BURST: u64 = 256;
/// The number of events of one kind that are logged in a second after a burst.
const PER_SECOND: u64 = 16;
const PERIOD: Duration = Duration::from_secs(1);

/// A token bucket for each kind of event, and a count of those that are not logged.
///
/// Memory is bounded: kinds are a closed set of names and reasons, and the entry of an inactive kind is removed.
#[derive(Default)]
pub(crate) struct EventLimiter {
    kinds: HashMap<EventKind, Count>,
    period: Option<Instant>,
}

#[derive(Default)]
struct Count {
    /// The fill level of the bucket: events that were logged, less [`PER_SECOND`] for each period since.
    logged: u64,
    suppressed: u64,
}

impl EventLimiter {
    /// Whether to log an event of that kind. If not, it is counted.
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

    /// When [`Self::take_summaries`] is due; `None` if there is no entry.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.period.map(|begun| begun + PERIOD)
    }

    /// End a period: return an event for each kind of which events were suppressed in it.
    pub(crate) fn take_summaries(&mut self, now: Instant) -> Vec<Event> {
        let mut summaries = Vec::new();
        self.kinds.retain(|kind, count| {
            if count.suppressed > 0 {
                summaries.push(Event::EventsSuppressed {
                    event: kind.event.to_owned(),
                    reason: kind.reason.to_owned(),
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
    fn events_beyond_a_burst_are_summarized_in_one_event() {
        let (mut limiter, start) = (EventLimiter::default(), Instant::now());
        assert_eq!(BURST, logged(&mut limiter, 1500, start));
        assert!(limiter.allows(OTHER, start), "each kind has its own limit");
        assert_eq!(Some(start + PERIOD), limiter.due());
        let summary = Event::EventsSuppressed {
            event: NOISE.event.to_owned(),
            reason: NOISE.reason.to_owned(),
            count: 1500 - BURST,
        };
        assert_eq!(vec![summary], limiter.take_summaries(start + PERIOD));
        assert_eq!(PER_SECOND, logged(&mut limiter, 1500, start + PERIOD));
    }

    #[test]
    fn the_entry_of_an_inactive_kind_is_removed() {
        let (mut limiter, mut now) = (EventLimiter::default(), Instant::now());
        logged(&mut limiter, BURST, now);
        for _ in 0..BURST / PER_SECOND {
            now += PERIOD;
            assert!(limiter.take_summaries(now).is_empty());
        }
        assert!(limiter.kinds.is_empty() && limiter.due().is_none());
    }
}
