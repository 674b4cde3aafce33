//! What limits events: how many of one kind are logged, and how long their texts are.

use crate::generated_values::bounds::MAX_EVENT_TEXT;

/// What events that clients cause have in common when too many of them come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EventKind {
    /// The name of those events.
    pub event: &'static str,
    /// Their reason.
    pub reason: &'static str,
}

/// Copy a text that a client may have chosen, cut where it exceeds what an event may hold.
#[must_use]
pub fn bounded(text: &str) -> String {
    let mut end = text.len().min(MAX_EVENT_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}
