//! The Date of responses, formatted once a second.

use std::cell::Cell;
use std::time::{SystemTime, UNIX_EPOCH};

use edge_http::{DATE_BYTES, http_date};

thread_local! {
    static WRITTEN: Cell<(u64, [u8; DATE_BYTES])> = const { Cell::new((u64::MAX, [0; DATE_BYTES])) };
}

/// The current time as an HTTP date (RFC 9110 §6.6.1).
pub(crate) fn date_now() -> [u8; DATE_BYTES] {
    let since_1970 = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let second = since_1970.as_secs();
    let (written, date) = WRITTEN.get();
    if written == second {
        return date;
    }
    let date = http_date(second);
    WRITTEN.set((second, date));
    date
}
