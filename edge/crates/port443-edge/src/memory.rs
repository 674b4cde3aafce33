//! What the process holds in memory.

use std::fs;

/// Bytes that are resident now (`/proc/self/statm`); 0 where that is not told.
pub(crate) fn resident_bytes() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: Option<u64> = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    pages.unwrap_or(0) * rustix::param::page_size() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A running program holds more than a page and less than the machine's whole memory.
    #[test]
    fn resident_memory_is_told() {
        assert!((65_536..1 << 40).contains(&resident_bytes()));
    }
}
