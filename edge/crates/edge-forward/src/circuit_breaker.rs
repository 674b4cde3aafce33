//! The circuit breaker of a server.
//!
//! All workers share it without a lock: its state is one atomic number.
//!
//! ```text
//! closed ──a connection fails──► open ──a trial is due, or no other server is available──► half open
//!    ▲                            ▲                                                        │
//!    └─the trial connects─────────│────────────────────────────────────────────────────────┤
//!                                 └─the trial fails or is cancelled────────────────────────┘
//! ```
//!
//! Closed, connections are opened. Open, none are, until [`RETRY_AFTER`] has passed. Half open, one connection is
//! being opened, the trial.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// The time after a failure until the next trial.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// Once a trial takes longer than this, no other connection to the server is begun until it ends.
const TRIAL_EXCLUSIVE_AFTER: Duration = Duration::from_millis(250);

/// Which servers of a pool may be chosen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Candidates {
    /// Those that are closed, and those that are due for a trial.
    Available,
    /// Any but those whose trial takes long.
    Any,
}

/// The circuit breaker of one server.
pub(crate) struct CircuitBreaker {
    /// The start of its clock.
    epoch: Instant,
    state: AtomicU64,
    times_opened: AtomicU64,
}

/// A state; times are microseconds of the breaker's clock.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Closed,
    Open { retry_at: u64 },
    HalfOpen { since: u64 },
}

impl State {
    /// The two lowest bits are the variant, the others its time.
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
    /// Create a closed circuit breaker.
    pub(crate) fn new() -> Self {
        Self {
            epoch: Instant::now(),
            state: AtomicU64::new(State::Closed.to_bits()),
            times_opened: AtomicU64::new(0),
        }
    }

    /// Whether a connection to the server may be begun now.
    #[inline]
    pub(crate) fn is_candidate(&self, candidates: Candidates) -> bool {
        match self.state() {
            State::Closed => true,
            State::Open { retry_at } => candidates == Candidates::Any || retry_at <= self.now(),
            State::HalfOpen { since } => {
                candidates == Candidates::Any && self.now() - since < micros(TRIAL_EXCLUSIVE_AFTER)
            }
        }
    }

    /// How often it went from closed to open. Connections that were idle before that must not be used.
    #[inline]
    pub(crate) fn times_opened(&self) -> u64 {
        self.times_opened.load(Ordering::Relaxed)
    }

    /// Enter the half-open state if the breaker is open. The state reverts when the guard is dropped,
    /// unless it has changed.
    pub(crate) fn begin_trial(&self) -> Option<Trial<'_>> {
        let open = self.state();
        let State::Open { .. } = open else {
            return None;
        };
        let half_open = State::HalfOpen { since: self.now() };
        self.replace(open, half_open).then_some(Trial {
            breaker: self,
            open,
            half_open,
        })
    }

    /// A connection was established; return whether the breaker was not closed.
    pub(crate) fn close(&self) -> bool {
        self.state() != State::Closed && self.swap(State::Closed) != State::Closed
    }

    /// A connection failed; return whether the breaker was closed.
    pub(crate) fn open(&self) -> bool {
        let retry_at = self.now() + micros(RETRY_AFTER);
        let was_closed = self.swap(State::Open { retry_at }) == State::Closed;
        if was_closed {
            self.times_opened.fetch_add(1, Ordering::Relaxed);
        }
        was_closed
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

/// A connection to a server whose breaker was open. Reverts the half-open state if it is cancelled.
pub(crate) struct Trial<'a> {
    breaker: &'a CircuitBreaker,
    open: State,
    half_open: State,
}

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        self.breaker.replace(self.half_open, self.open);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_failed_server_is_no_candidate_for_a_while() {
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
    async fn no_connection_is_begun_during_a_long_trial() {
        let breaker = CircuitBreaker::new();
        breaker.open();
        advance(RETRY_AFTER).await;
        let trial = breaker.begin_trial();
        assert!(trial.is_some() && breaker.begin_trial().is_none());
        assert!(!breaker.is_candidate(Candidates::Available));
        assert!(breaker.is_candidate(Candidates::Any));
        advance(TRIAL_EXCLUSIVE_AFTER).await;
        assert!(!breaker.is_candidate(Candidates::Any));
        drop(trial);
        assert!(breaker.is_candidate(Candidates::Any));
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancelled_trial_does_not_revert_a_closed_breaker() {
        let breaker = CircuitBreaker::new();
        breaker.open();
        let trial = breaker.begin_trial();
        assert!(breaker.close());
        drop(trial);
        assert!(breaker.is_candidate(Candidates::Available));
    }
}
