//! Limits on frames that cause work without progress.

use edge_contract::Http2Cutoff;

use super::cutoff::Cutoff;

/// A token bucket, refilled by time and by completed responses.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: u32,
    capacity: u32,
    per_second: u32,
}

impl Bucket {
    const fn new(capacity: u32, per_second: u32) -> Self {
        Self {
            tokens: capacity,
            capacity,
            per_second,
        }
    }

    fn give(&mut self, tokens: u32) {
        self.tokens = self.tokens.saturating_add(tokens).min(self.capacity);
    }

    fn take(&mut self, reason: Http2Cutoff) -> Result<(), Cutoff> {
        self.tokens = self.tokens.checked_sub(1).ok_or(reason)?;
        Ok(())
    }
}

/// A token bucket for each kind of frame or stream that causes work without progress.
///
/// The numbers are far above what browsers, gRPC clients and load tools do.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    second: u64,
    pings: Bucket,
    settings: Bucket,
    priorities: Bucket,
    window_updates: Bucket,
    empty_data: Bucket,
    resets: Bucket,
    refused_streams: Bucket,
    stalls: Bucket,
    malformed: Bucket,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            second: 0,
            pings: Bucket::new(100, 10),
            settings: Bucket::new(32, 2),
            priorities: Bucket::new(500, 50),
            window_updates: Bucket::new(1000, 100),
            empty_data: Bucket::new(100, 10),
            resets: Bucket::new(200, 20),
            refused_streams: Bucket::new(200, 20),
            // A stall takes a minute or so, so refilling by time would allow any number of them.
            stalls: Bucket::new(8, 0),
            malformed: Bucket::new(50, 5),
        }
    }
}

impl Budget {
    /// Refill by the time that has passed; `second` is a clock with any start.
    pub(super) fn tick(&mut self, second: u64) {
        let passed = second.saturating_sub(self.second);
        if passed == 0 {
            return;
        }
        self.second = second;
        let passed = u32::try_from(passed).unwrap_or(u32::MAX);
        for bucket in [
            &mut self.pings,
            &mut self.settings,
            &mut self.priorities,
            &mut self.window_updates,
            &mut self.empty_data,
            &mut self.resets,
            &mut self.refused_streams,
            &mut self.malformed,
        ] {
            bucket.give(passed.saturating_mul(bucket.per_second));
        }
    }

    /// A response was sent completely.
    pub(super) fn response_completed(&mut self) {
        self.resets.give(1);
        self.priorities.give(2);
        self.window_updates.give(2);
        self.refused_streams.give(1);
    }

    /// The body of a response was sent completely.
    pub(super) fn body_completed(&mut self) {
        self.stalls.give(1);
    }

    /// DATA frames were sent, for which the client has to send window updates.
    pub(super) fn sent_data(&mut self, frames: u32) {
        self.window_updates.give(frames.saturating_mul(8));
    }

    pub(super) fn ping(&mut self) -> Result<(), Cutoff> {
        self.pings.take(Http2Cutoff::PingFlood)
    }

    pub(super) fn settings(&mut self) -> Result<(), Cutoff> {
        self.settings.take(Http2Cutoff::SettingsFlood)
    }

    pub(super) fn priority(&mut self) -> Result<(), Cutoff> {
        self.priorities.take(Http2Cutoff::PriorityFlood)
    }

    pub(super) fn window_update(&mut self) -> Result<(), Cutoff> {
        self.window_updates.take(Http2Cutoff::WindowUpdateFlood)
    }

    pub(super) fn empty_data(&mut self) -> Result<(), Cutoff> {
        self.empty_data.take(Http2Cutoff::EmptyDataFlood)
    }

    /// A stream was reset by the client, or because of an error of the client.
    pub(super) fn reset(&mut self) -> Result<(), Cutoff> {
        self.resets.take(Http2Cutoff::RapidReset)
    }

    /// A body was malformed, which ends its stream like a reset (CVE-2025-8671). The error page for it does
    /// not refill the bucket.
    pub(super) fn malformed(&mut self) -> Result<(), Cutoff> {
        self.malformed.take(Http2Cutoff::RapidReset)
    }

    pub(super) fn refused_stream(&mut self) -> Result<(), Cutoff> {
        self.refused_streams.take(Http2Cutoff::TooManyStreams)
    }

    /// A response timed out waiting for a window.
    pub(super) fn stall(&mut self) -> Result<(), Cutoff> {
        self.stalls.take(Http2Cutoff::WindowStalled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pings_until_cut_off(budget: &mut Budget) -> usize {
        (0..10_000).take_while(|_| budget.ping().is_ok()).count()
    }

    #[test]
    fn buckets_are_refilled_by_time() {
        let mut budget = Budget::default();
        budget.tick(1_000_000);
        assert_eq!(100, pings_until_cut_off(&mut budget));
        budget.tick(1_000_003);
        assert_eq!(30, pings_until_cut_off(&mut budget));
        budget.tick(1_000_002);
        assert_eq!(0, pings_until_cut_off(&mut budget));
    }

    #[test]
    fn stalls_are_refilled_only_by_completed_bodies() {
        let mut budget = Budget::default();
        let stalls = |budget: &mut Budget| (0..100).take_while(|_| budget.stall().is_ok()).count();
        assert_eq!(8, stalls(&mut budget));
        budget.tick(1_000_000);
        budget.response_completed();
        assert_eq!(0, stalls(&mut budget));
        budget.body_completed();
        assert_eq!(1, stalls(&mut budget));
    }

    #[test]
    fn malformed_bodies_are_not_refilled_by_responses() {
        let mut budget = Budget::default();
        let bodies = (0..1000).take_while(|_| {
            budget.response_completed();
            budget.body_completed();
            budget.malformed().is_ok()
        });
        assert_eq!(50, bodies.count());
    }

    #[test]
    fn normal_use_does_not_exhaust_the_buckets() {
        let mut budget = Budget::default();
        for _ in 0..100_000 {
            budget.response_completed();
            budget.sent_data(1);
            budget.reset().unwrap();
            for _ in 0..10 {
                budget.window_update().unwrap();
            }
        }
    }
}
