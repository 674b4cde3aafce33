//! Whether a server answers, as far as the last connections have shown.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::Instant;

/// A server that failed is tried again after so long, while others stand in for it.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// While somebody else has been knocking at a failed server for so long, nobody joins him.
const KNOCK_PATIENCE: Duration = Duration::from_millis(250);

/// How far the servers that are chosen from may be doubted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Those that answer, and those whose time for another try has come.
    Sound,
    /// Any that nobody else is knocking at in vain.
    Any,
}

/// The state of one server.
pub(super) struct Health(Cell<State>);

#[derive(Clone, Copy)]
enum State {
    Up,
    Down {
        retry_at: Instant,
        knocking_since: Option<Instant>,
    },
}

impl Health {
    /// Nothing is known, so the best is believed.
    pub(super) fn new() -> Self {
        Self(Cell::new(State::Up))
    }

    /// Whether the server may be tried now.
    pub(super) fn is_worth_a_try(&self, trust: Trust) -> bool {
        match self.0.get() {
            State::Up => true,
            State::Down {
                retry_at,
                knocking_since: None,
            } => trust == Trust::Any || retry_at <= Instant::now(),
            State::Down {
                knocking_since: Some(since),
                ..
            } => trust == Trust::Any && since.elapsed() < KNOCK_PATIENCE,
        }
    }

    /// Let others know, for as long as the guard lives, that a failed server is being tried.
    pub(super) fn knock(&self) -> Option<Knock<'_>> {
        let State::Down {
            retry_at,
            knocking_since: None,
        } = self.0.get()
        else {
            return None;
        };
        self.0.set(State::Down {
            retry_at,
            knocking_since: Some(Instant::now()),
        });
        Some(Knock(self))
    }

    /// It answered; return whether that is news.
    pub(super) fn note_up(&self) -> bool {
        matches!(self.0.replace(State::Up), State::Down { .. })
    }

    /// It did not answer; return whether that is news.
    pub(super) fn note_down(&self) -> bool {
        let retry_at = Instant::now() + RETRY_AFTER;
        let before = self.0.replace(State::Down {
            retry_at,
            knocking_since: None,
        });
        matches!(before, State::Up)
    }
}

/// Somebody is trying a failed server; when he gives up half-way, others may.
pub(super) struct Knock<'a>(&'a Health);

impl Drop for Knock<'_> {
    fn drop(&mut self) {
        if let State::Down { retry_at, .. } = self.0.0.get() {
            self.0.0.set(State::Down {
                retry_at,
                knocking_since: None,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_failed_server_is_left_alone_for_a_while() {
        let health = Health::new();
        assert!(health.is_worth_a_try(Trust::Sound));
        assert!(health.note_down());
        assert!(!health.note_down());
        assert!(!health.is_worth_a_try(Trust::Sound));
        assert!(health.is_worth_a_try(Trust::Any));
        advance(RETRY_AFTER).await;
        assert!(health.is_worth_a_try(Trust::Sound));
        assert!(health.note_up());
        assert!(!health.note_up());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_joins_a_long_knocking() {
        let health = Health::new();
        health.note_down();
        advance(RETRY_AFTER).await;
        let knock = health.knock();
        assert!(knock.is_some() && health.knock().is_none());
        assert!(!health.is_worth_a_try(Trust::Sound));
        assert!(health.is_worth_a_try(Trust::Any));
        advance(KNOCK_PATIENCE).await;
        assert!(!health.is_worth_a_try(Trust::Any));
        drop(knock);
        assert!(health.is_worth_a_try(Trust::Any));
    }
}
