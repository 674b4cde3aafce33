//! The Date field (RFC 9110 §5.6.7).

use std::time::{Duration, UNIX_EPOCH};

/// The length of an IMF-fixdate in bytes.
pub const DATE_BYTES: usize = 29;

/// Format a time as an IMF-fixdate, such as `Sun, 06 Nov 1994 08:49:37 GMT`.
///
/// The latest time is the end of the year 9999.
#[must_use]
pub fn http_date(seconds_since_1970: u64) -> [u8; DATE_BYTES] {
    const LAST: u64 = 253_402_300_799;
    let time = UNIX_EPOCH + Duration::from_secs(seconds_since_1970.min(LAST));
    let text = httpdate::fmt_http_date(time);
    let mut date = [b' '; DATE_BYTES];
    for (to, &from) in date.iter_mut().zip(text.as_bytes()) {
        *to = from;
    }
    date
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_its_fixed_form() {
        assert_eq!(b"Sun, 06 Nov 1994 08:49:37 GMT", &http_date(784_111_777));
        assert_eq!(b"Fri, 31 Dec 9999 23:59:59 GMT", &http_date(u64::MAX));
    }
}
