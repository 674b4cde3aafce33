//! A histogram of durations with fixed bounds.

use crate::counter::Counter;

/// Upper bounds in microseconds; finest in the range of handshakes over loopback.
pub(crate) const BOUNDS_US: [u64; 16] = [
    100, 200, 400, 700, 1_000, 2_000, 4_000, 7_000, 10_000, 20_000, 40_000, 100_000, 250_000,
    1_000_000, 4_000_000, 10_000_000,
];

/// The number of durations up to each bound and above the last one, and their sum.
#[derive(Default)]
pub(crate) struct Histogram {
    counts: [Counter; BOUNDS_US.len() + 1],
    sum: Counter,
}

impl Histogram {
    pub(crate) fn record(&self, duration_us: u64) {
        self.counts[BOUNDS_US.partition_point(|bound| *bound < duration_us)].add(1);
        self.sum.add(duration_us);
    }

    pub(crate) fn counts(&self) -> impl Iterator<Item = u64> {
        self.counts.iter().map(Counter::read)
    }

    pub(crate) fn sum(&self) -> u64 {
        self.sum.read()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A duration is counted at the first bound that it does not exceed.
    #[test]
    fn bounds_are_included() {
        let histogram = Histogram::default();
        for duration in [0, 100, 101, 10_000_000, 10_000_001] {
            histogram.record(duration);
        }
        let counts: Vec<u64> = histogram.counts().collect();
        assert_eq!((2, 1, 1, 1), (counts[0], counts[1], counts[15], counts[16]));
        assert_eq!(20_000_202, histogram.sum());
    }
}
