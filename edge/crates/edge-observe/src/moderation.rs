//! Which of many events of one kind are told: strangers can cause as many as they like.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use edge_contract::{Event, EventKind};

/// Events of one kind that are told however fast they come, and how many a second after that.
const BURST: u64 = 256;
const PER_SECOND: u64 = 16;
const PERIOD: Duration = Duration::from_secs(1);

/// Counts the events of each kind, and those that are not told.
///
/// Kinds are a closed set of names and reasons, and one that is quiet is forgotten.
#[derive(Default)]
pub(crate) struct Moderator {
    kinds: HashMap<EventKind, Count>,
    period: Option<Instant>,
}

#[derive(Default)]
struct Count {
    /// Events that were told lately, less what the time since then allows again.
    told: u64,
    suppressed: u64,
}

impl Moderator {
    /// Whether an event of that kind is told; else it is counted.
    pub(crate) fn admits(&mut self, kind: EventKind, now: Instant) -> bool {
        self.period.get_or_insert(now);
        let count = self.kinds.entry(kind).or_default();
        let has_room = count.told < BURST;
        if has_room {
            count.told += 1;
        } else {
            count.suppressed += 1;
        }
        has_room
    }

    /// When [`Self::settle`] is due; `None` while nothing has been counted.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.period.map(|begun| begun + PERIOD)
    }

    /// A period has ended: say what was not told in it.
    pub(crate) fn settle(&mut self, now: Instant) -> Vec<Event> {
        let mut summaries = Vec::new();
        self.kinds.retain(|kind, count| {
            if count.suppressed > 0 {
                summaries.push(Event::EventsSuppressed {
                    event: kind.event,
                    reason: kind.reason,
                    count: std::mem::take(&mut count.suppressed),
                });
            }
            count.told = count.told.saturating_sub(PER_SECOND);
            count.told > 0
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

    fn told(moderator: &mut Moderator, attempts: u64, now: Instant) -> u64 {
        (0..attempts)
            .map(|_| u64::from(moderator.admits(NOISE, now)))
            .sum()
    }

    #[test]
    fn what_exceeds_a_burst_is_counted_and_told_in_one() {
        let (mut moderator, start) = (Moderator::default(), Instant::now());
        assert_eq!(BURST, told(&mut moderator, 1500, start));
        assert!(moderator.admits(OTHER, start), "each kind has its own");
        assert_eq!(Some(start + PERIOD), moderator.due());
        let summary = Event::EventsSuppressed {
            event: "handshake_failed",
            reason: "plain_http",
            count: 1500 - BURST,
        };
        assert_eq!(vec![summary], moderator.settle(start + PERIOD));
        assert_eq!(PER_SECOND, told(&mut moderator, 1500, start + PERIOD));
    }

    #[test]
    fn a_quiet_kind_is_forgotten() {
        let (mut moderator, mut now) = (Moderator::default(), Instant::now());
        told(&mut moderator, BURST, now);
        for _ in 0..BURST / PER_SECOND {
            now += PERIOD;
            assert!(moderator.settle(now).is_empty());
        }
        assert!(moderator.kinds.is_empty() && moderator.due().is_none());
    }
}
