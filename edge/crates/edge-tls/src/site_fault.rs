//! Why a site's TLS configuration cannot be built.

use edge_contract::{PartMissing, QuarantineCode};

/// Why a site's TLS configuration cannot be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteFault {
    /// The stable code.
    pub code: QuarantineCode,
    /// The path of the cause from the site's document.
    pub path: String,
    /// The cause as text.
    pub message: String,
}

impl SiteFault {
    /// A reference that leads to no part of the kind that it should.
    #[must_use]
    pub fn missing(missing: &PartMissing, path: &str) -> Self {
        Self {
            code: missing.code(),
            path: path.to_owned(),
            message: missing.to_string(),
        }
    }

    pub(crate) fn under(mut self, certificate: usize) -> Self {
        self.path = format!("certificates[{certificate}].{}", self.path);
        self
    }

    pub(crate) fn policy(message: &str) -> Self {
        let code = QuarantineCode::TlsPolicyUnusable;
        Self {
            code,
            path: "tls".to_owned(),
            message: message.to_owned(),
        }
    }
}
