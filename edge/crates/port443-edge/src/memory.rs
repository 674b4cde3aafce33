//! The memory use of the process.

use std::fs;

/// The resident set size in bytes (`/proc/self/statm`); 0 where it is not available.
pub(crate) fn resident_bytes() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: Option<u64> = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    pages.unwrap_or(0) * rustix::param::page_size() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value is plausible for a running program.
    #[test]
    fn resident_memory_is_plausible() {
        assert!((65_536..1 << 40).contains(&resident_bytes()));
    }
}
