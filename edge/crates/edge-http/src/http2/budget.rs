//! How much a client may ask for that moves nothing on.

use edge_contract::Http2Cutoff;

use super::cutoff::Cutoff;

/// A bucket of tokens: each use takes one, time and useful work bring some back.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: u32,
    most: u32,
    each_second: u32,
}

impl Bucket {
    const fn new(most: u32, each_second: u32) -> Self {
        Self {
            left: most,
            most,
            each_second,
        }
    }

    fn give(&mut self, tokens: u32) {
        self.left = self.left.saturating_add(tokens).min(self.most);
    }

    fn take(&mut self, reason: Http2Cutoff) -> Result<(), Cutoff> {
        self.left = self.left.checked_sub(1).ok_or(reason)?;
        Ok(())
    }
}

/// One bucket for each way to make us work for nothing.
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
            // Each comes after a minute or so, so that time would pay for a whole connection of them.
            stalls: Bucket::new(8, 0),
            malformed: Bucket::new(50, 5),
        }
    }
}

impl Budget {
    /// The clock, in whole seconds from any start.
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
            bucket.give(passed.saturating_mul(bucket.each_second));
        }
    }

    /// A request was answered to its end.
    pub(super) fn answered(&mut self) {
        self.resets.give(1);
        self.priorities.give(2);
        self.window_updates.give(2);
        self.refused_streams.give(1);
    }

    /// The body of an answer was sent to its end.
    pub(super) fn delivered(&mut self) {
        self.stalls.give(1);
    }

    /// Frames of a response were sent, which the client has to acknowledge in its windows.
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

    /// A stream was reset by the client, or by us because of what it did there.
    pub(super) fn reset(&mut self) -> Result<(), Cutoff> {
        self.resets.take(Http2Cutoff::RapidReset)
    }

    /// A body was malformed, so that its stream ends: a reset in disguise (CVE-2025-8671), for which
    /// the page that answers it is no amends.
    pub(super) fn malformed(&mut self) -> Result<(), Cutoff> {
        self.malformed.take(Http2Cutoff::RapidReset)
    }

    pub(super) fn refused_stream(&mut self) -> Result<(), Cutoff> {
        self.refused_streams.take(Http2Cutoff::TooManyStreams)
    }

    /// A response was given up because its window stayed shut.
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
    fn a_budget_is_spent_and_comes_back_with_time() {
        let mut budget = Budget::default();
        budget.tick(1_000_000);
        assert_eq!(100, pings_until_cut_off(&mut budget));
        budget.tick(1_000_003);
        assert_eq!(30, pings_until_cut_off(&mut budget));
        budget.tick(1_000_002);
        assert_eq!(0, pings_until_cut_off(&mut budget));
    }

    #[test]
    fn stalls_are_paid_for_by_bodies_that_arrive_alone() {
        let mut budget = Budget::default();
        let stalls = |budget: &mut Budget| (0..100).take_while(|_| budget.stall().is_ok()).count();
        assert_eq!(8, stalls(&mut budget));
        budget.tick(1_000_000);
        budget.answered();
        assert_eq!(0, stalls(&mut budget));
        budget.delivered();
        assert_eq!(1, stalls(&mut budget));
    }

    #[test]
    fn answers_are_no_amends_for_malformed_bodies() {
        let mut budget = Budget::default();
        let bodies = (0..1000).take_while(|_| {
            budget.answered();
            budget.delivered();
            budget.malformed().is_ok()
        });
        assert_eq!(50, bodies.count());
    }

    #[test]
    fn useful_work_pays_for_what_it_needs() {
        let mut budget = Budget::default();
        for _ in 0..100_000 {
            budget.answered();
            budget.sent_data(1);
            budget.reset().unwrap();
            for _ in 0..10 {
                budget.window_update().unwrap();
            }
        }
    }
}
