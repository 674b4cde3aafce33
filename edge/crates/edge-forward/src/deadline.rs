//! One timer for a connection's life: moved on at each step, and armed anew only when it fires.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// A deadline that is moved far more often than it is met.
///
/// Moving it costs nothing: the clock is looked at when the connection waits, which is when the
/// step begins to take time. The timer behind it fires at an old time, finds that it is not due,
/// and is set again.
pub struct Deadline {
    step: Step,
    /// No step may put it off beyond this.
    end: Option<Instant>,
    timer: Pin<Box<Sleep>>,
}

/// The step that is under way.
#[derive(Clone, Copy)]
enum Step {
    /// Nobody has waited since it began.
    Fresh(Duration),
    Due(Instant),
}

impl Deadline {
    /// An deadline that is due after so long.
    #[must_use]
    pub fn after(wait: Duration) -> Self {
        let due = Instant::now() + wait;
        Self {
            step: Step::Due(due),
            end: None,
            timer: Box::pin(sleep_until(due)),
        }
    }

    /// From now on, for so long in all: no step may put the deadline off beyond that.
    pub fn end_within(&mut self, whole: Duration) {
        self.end = Some(Instant::now() + whole);
    }

    /// Let steps put it off as far as they like again.
    pub fn forget_end(&mut self) {
        self.end = None;
    }

    /// Whether, when it is due, that is for the end of all steps and not of one.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        matches!(self.step, Step::Due(due) if self.end == Some(due))
    }

    /// Let it be due after so long, counted from the next wait.
    pub fn set(&mut self, wait: Duration) {
        self.step = Step::Fresh(wait);
    }

    /// Wait until it is due.
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

    /// When the step is due, fixed at its first wait.
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
    async fn no_step_goes_beyond_the_end() {
        let start = Instant::now();
        let mut deadline = Deadline::after(10 * SECOND);
        deadline.end_within(15 * SECOND);
        deadline.set(10 * SECOND);
        poll_fn(|context| deadline.poll_due(context)).await;
        assert_eq!(
            (10, false),
            (start.elapsed().as_secs(), deadline.is_at_end())
        );
        deadline.set(20 * SECOND);
        poll_fn(|context| deadline.poll_due(context)).await;
        assert_eq!(
            (15, true),
            (start.elapsed().as_secs(), deadline.is_at_end())
        );
        deadline.forget_end();
        deadline.set(20 * SECOND);
        poll_fn(|context| deadline.poll_due(context)).await;
        assert_eq!(
            (35, false),
            (start.elapsed().as_secs(), deadline.is_at_end())
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
