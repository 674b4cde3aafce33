//! Whether a server answers, as its last connections have shown: a circuit breaker.
//!
//! All workers share it without a lock: its state is one number.
//!
//! | state | leaves it |
//! |---|---|
//! | closed: connections are made | a connection fails: open |
//! | open: no connections for [`RETRY_AFTER`], unless no other server is left | the next one is begun: half open |
//! | half open: that one, the probe, is under way | it is made: closed; it fails or is given up: open |

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// A server that failed is tried again after so long, while others stand in for it.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// While a probe has waited for so long, no other connection joins it.
const PROBE_PATIENCE: Duration = Duration::from_millis(250);

/// Which servers of a pool may be chosen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Candidates {
    /// Those that answer, and those that are due for another try.
    Available,
    /// Any but those that a probe waits for in vain.
    Any,
}

/// The circuit breaker of one server.
pub(crate) struct CircuitBreaker {
    /// Where its clock begins.
    epoch: Instant,
    state: AtomicU64,
    times_opened: AtomicU64,
}

/// A state, as microseconds of the breaker's clock.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Closed,
    Open { retry_at: u64 },
    HalfOpen { since: u64 },
}

impl State {
    /// The two lowest bits are for the kind, the others for its time.
    const fn to_bits(self) -> u64 {
        match self {
            Self::Closed => 0,
            Self::Open { retry_at } => retry_at << 2 | 1,
            Self::HalfOpen { since } => since << 2 | 2,
        }
    }

    const fn of_bits(bits: u64) -> Self {
        match bits & 3 {
            1 => Self::Open {
                retry_at: bits >> 2,
            },
            2 => Self::HalfOpen { since: bits >> 2 },
            _ => Self::Closed,
        }
    }
}

impl CircuitBreaker {
    /// Nothing is known yet, so the best is assumed.
    pub(crate) fn new() -> Self {
        Self {
            epoch: Instant::now(),
            state: AtomicU64::new(State::Closed.to_bits()),
            times_opened: AtomicU64::new(0),
        }
    }

    /// Whether the server may be tried now.
    #[inline]
    pub(crate) fn is_candidate(&self, candidates: Candidates) -> bool {
        match self.state() {
            State::Closed => true,
            State::Open { retry_at } => candidates == Candidates::Any || retry_at <= self.now(),
            State::HalfOpen { since } => {
                candidates == Candidates::Any && self.now() - since < micros(PROBE_PATIENCE)
            }
        }
    }

    /// How often it went from closed to open: connections that were idle before such a moment are
    /// not to be used any more.
    #[inline]
    pub(crate) fn times_opened(&self) -> u64 {
        self.times_opened.load(Ordering::Relaxed)
    }

    /// Let others know, for as long as the guard lives, that a failed server is being tried.
    pub(crate) fn probe(&self) -> Option<Probe<'_>> {
        let open = self.state();
        let State::Open { .. } = open else {
            return None;
        };
        let half_open = State::HalfOpen { since: self.now() };
        self.replace(open, half_open).then_some(Probe {
            breaker: self,
            open,
            half_open,
        })
    }

    /// A connection was made; return whether that is news.
    pub(crate) fn close(&self) -> bool {
        self.state() != State::Closed && self.swap(State::Closed) != State::Closed
    }

    /// A connection failed; return whether that is news.
    pub(crate) fn open(&self) -> bool {
        let retry_at = self.now() + micros(RETRY_AFTER);
        let is_news = self.swap(State::Open { retry_at }) == State::Closed;
        if is_news {
            self.times_opened.fetch_add(1, Ordering::Relaxed);
        }
        is_news
    }

    fn now(&self) -> u64 {
        micros(self.epoch.elapsed())
    }

    #[inline]
    fn state(&self) -> State {
        State::of_bits(self.state.load(Ordering::Relaxed))
    }

    fn swap(&self, state: State) -> State {
        State::of_bits(self.state.swap(state.to_bits(), Ordering::Relaxed))
    }

    fn replace(&self, before: State, after: State) -> bool {
        let (before, after) = (before.to_bits(), after.to_bits());
        let (success, failure) = (Ordering::Relaxed, Ordering::Relaxed);
        self.state
            .compare_exchange(before, after, success, failure)
            .is_ok()
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// A connection that is being tried to a failed server; when that is given up half-way, others may.
pub(crate) struct Probe<'a> {
    breaker: &'a CircuitBreaker,
    open: State,
    half_open: State,
}

impl Drop for Probe<'_> {
    fn drop(&mut self) {
        self.breaker.replace(self.half_open, self.open);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_failed_server_is_left_alone_for_a_while() {
        let breaker = CircuitBreaker::new();
        assert!(breaker.is_candidate(Candidates::Available));
        assert!(breaker.open());
        assert!(!breaker.open());
        assert!(!breaker.is_candidate(Candidates::Available));
        assert!(breaker.is_candidate(Candidates::Any));
        advance(RETRY_AFTER).await;
        assert!(breaker.is_candidate(Candidates::Available));
        assert!(breaker.close());
        assert!(!breaker.close());
        assert_eq!(1, breaker.times_opened());
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_probe_is_not_joined() {
        let breaker = CircuitBreaker::new();
        breaker.open();
        advance(RETRY_AFTER).await;
        let probe = breaker.probe();
        assert!(probe.is_some() && breaker.probe().is_none());
        assert!(!breaker.is_candidate(Candidates::Available));
        assert!(breaker.is_candidate(Candidates::Any));
        advance(PROBE_PATIENCE).await;
        assert!(!breaker.is_candidate(Candidates::Any));
        drop(probe);
        assert!(breaker.is_candidate(Candidates::Any));
    }

    #[tokio::test(start_paused = true)]
    async fn what_another_worker_has_found_outlives_a_probe() {
        let breaker = CircuitBreaker::new();
        breaker.open();
        let probe = breaker.probe();
        assert!(breaker.close());
        drop(probe);
        assert!(breaker.is_candidate(Candidates::Available));
    }
}
