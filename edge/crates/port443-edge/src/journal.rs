//! What the operator reads: a few lines of JSON on stderr. Everything else is an event.

use std::io::{Write as _, stderr};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};

/// Say that something happened, in the past tense, with its particulars.
pub(crate) fn say<const N: usize>(event: &str, particulars: [(&str, Value); N]) {
    let since_1970 = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let mut line = Map::new();
    line.insert(
        "at_ms".into(),
        Value::from(u64::try_from(since_1970.as_millis()).unwrap_or(0)),
    );
    line.insert("event".into(), event.into());
    line.extend(particulars.map(|(name, value)| (name.to_owned(), value)));
    // Whoever read this may be gone; the edge goes on without a reader.
    let _ = writeln!(stderr(), "{}", Value::Object(line));
}
