//! One timer for a whole connection, which is only reset when it fires.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// A deadline that is moved far more often than it is reached.
///
/// Moving it is free: the clock is read when the connection first waits, which is when the step
/// begins to take time. The timer fires at an earlier deadline, and is then reset to the current one.
pub struct Deadline {
    step: Step,
    /// The latest deadline of any step.
    end: Option<Instant>,
    timer: Pin<Box<Sleep>>,
}

/// The current step.
#[derive(Clone, Copy)]
enum Step {
    /// It has not been polled yet.
    Fresh(Duration),
    Due(Instant),
}

impl Deadline {
    /// Create a deadline after this time.
    #[must_use]
    pub fn after(wait: Duration) -> Self {
        let due = Instant::now() + wait;
        Self {
            step: Step::Due(due),
            end: None,
            timer: Box::pin(sleep_until(due)),
        }
    }

    /// Limit all further steps together to this time from now.
    pub fn limit_total(&mut self, total: Duration) {
        self.end = Some(Instant::now() + total);
    }

    /// Remove the limit on all steps together.
    pub fn clear_total(&mut self) {
        self.end = None;
    }

    /// Whether the deadline that is due is that of all steps together.
    #[must_use]
    pub fn is_total_due(&self) -> bool {
        matches!(self.step, Step::Due(due) if self.end == Some(due))
    }

    /// Start a step of this length, which begins with the next poll that waits.
    pub fn set(&mut self, wait: Duration) {
        self.step = Step::Fresh(wait);
    }

    /// Wait until the deadline.
    pub fn poll_due(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let due = self.due();
        loop {
            ready!(self.timer.as_mut().poll(context));
            if self.timer.deadline() >= due {
                return Poll::Ready(());
            }
            self.timer.as_mut().reset(due);
        }
    }

    /// The deadline of the step, set at its first poll.
    fn due(&mut self) -> Instant {
        let wait = match self.step {
            Step::Due(due) => return due,
            Step::Fresh(wait) => wait,
        };
        let due = Instant::now() + wait;
        let due = self.end.map_or(due, |end| due.min(end));
        self.step = Step::Due(due);
        if due < self.timer.deadline() {
            self.timer.as_mut().reset(due);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_deadline_can_be_moved_both_ways() {
        let start = Instant::now();
        let mut deadline = Deadline::after(10 * SECOND);
        deadline.set(20 * SECOND);
        poll_fn(|context| deadline.poll_due(context)).await;
        assert_eq!(20, start.elapsed().as_secs());
        deadline.set(30 * SECOND);
        deadline.set(SECOND);
        poll_fn(|context| deadline.poll_due(context)).await;
        assert_eq!(21, start.elapsed().as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn no_step_exceeds_the_total() {
        let start = Instant::now();
        let mut deadline = Deadline::after(10 * SECOND);
        deadline.limit_total(15 * SECOND);
        deadline.set(10 * SECOND);
        poll_fn(|context| deadline.poll_due(context)).await;
        assert_eq!(
            (10, false),
            (start.elapsed().as_secs(), deadline.is_total_due())
        );
        deadline.set(20 * SECOND);
        poll_fn(|context| deadline.poll_due(context)).await;
        assert_eq!(
            (15, true),
            (start.elapsed().as_secs(), deadline.is_total_due())
        );
        deadline.clear_total();
        deadline.set(20 * SECOND);
        poll_fn(|context| deadline.poll_due(context)).await;
        assert_eq!(
            (35, false),
            (start.elapsed().as_secs(), deadline.is_total_due())
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_step_counts_from_its_first_wait() {
        let start = Instant::now();
        let mut deadline = Deadline::after(10 * SECOND);
        deadline.set(2 * SECOND);
        tokio::time::advance(SECOND).await;
        poll_fn(|context| deadline.poll_due(context)).await;
        assert_eq!(3, start.elapsed().as_secs());
    }
}
