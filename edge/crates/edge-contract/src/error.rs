//! What the edge answers when it refuses: a stable code, the place, and the cause.

use std::fmt;

use crate::generated_values::ErrorCode;

/// A refusal: its code, the JSON path of the place (`servers[0].port`), and the cause in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The stable code.
    pub code: ErrorCode,
    /// The place inside the document or request; empty for the whole.
    pub path: String,
    /// The cause, without the place.
    pub message: String,
}

impl Fault {
    /// A fault of the whole, for any reason but a broken document.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            path: String::new(),
            message: message.into(),
        }
    }

    /// A broken rule of a document; its place is added on the way up.
    pub(crate) fn document(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::DocumentInvalid, message)
    }

    /// The same fault, seen from the object that holds the place under `prefix`.
    #[must_use]
    pub fn under(mut self, prefix: &str) -> Self {
        self.path = match self.path.as_str() {
            "" => prefix.to_owned(),
            inner if inner.starts_with('[') => format!("{prefix}{inner}"),
            inner => format!("{prefix}.{inner}"),
        };
        self
    }

    /// The same fault, seen from the list that holds the place at `index`.
    pub(crate) fn at(self, index: usize) -> Self {
        self.under(&format!("[{index}]"))
    }

    /// The same place and cause under another code.
    pub(crate) fn with_code(mut self, code: ErrorCode) -> Self {
        self.code = code;
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            formatter.write_str(&self.message)
        } else {
            write!(formatter, "{}: {}", self.path, self.message)
        }
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests {
    use super::*;

    /// A place is spelled as one would write it in code.
    #[test]
    fn paths_read_like_code() {
        let fault = Fault::document("is wrong")
            .under("port")
            .at(0)
            .under("servers")
            .at(3);
        assert_eq!("[3].servers[0].port", fault.path);
        assert_eq!(
            "parts[3].servers[0].port: is wrong",
            fault.under("parts").to_string()
        );
    }
}
