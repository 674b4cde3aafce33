//! What ends a run: one sentence.

use std::fmt;

/// Why a run cannot go on, or proves nothing.
#[derive(Debug)]
pub struct Fault(String);

impl Fault {
    /// A fault in our own words.
    pub fn new(words: impl Into<String>) -> Self {
        Self(words.into())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<rustls::Error> for Fault {
    fn from(error: rustls::Error) -> Self {
        Self(format!("TLS: {error}"))
    }
}
