//! Errors of the contract: a stable code, the path of the cause, and a message.

use std::fmt;

use crate::generated_values::ErrorCode;

/// An error in a document or request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The stable code.
    pub code: ErrorCode,
    /// The JSON path of the cause, such as `servers[0].port`; empty for the document or request as a whole.
    pub path: String,
    /// The cause, without the path.
    pub message: String,
}

impl Fault {
    /// Create a fault with an empty path.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            path: String::new(),
            message: message.into(),
        }
    }

    /// Create a fault of a document with an empty path, to be extended by [`Self::under`].
    pub(crate) fn document(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::DocumentInvalid, message)
    }

    /// Prepend a key, or an index in brackets, to the path.
    #[must_use]
    pub fn under(mut self, prefix: &str) -> Self {
        self.path = match self.path.as_str() {
            "" => prefix.to_owned(),
            inner if inner.starts_with('[') => format!("{prefix}{inner}"),
            inner => format!("{prefix}.{inner}"),
        };
        self
    }

    /// Prepend an index to the path.
    pub(crate) fn at(self, index: usize) -> Self {
        self.under(&format!("[{index}]"))
    }

    /// Replace the code.
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

    /// Keys are joined by dots, and indices are in brackets.
    #[test]
    fn paths_have_keys_and_indices() {
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
