//! Request methods, as far as a proxy distinguishes them.

/// A request method (RFC 9110 §9, RFC 5789).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `CONNECT`, which a reverse proxy does not support.
    Connect,
    /// `DELETE`.
    Delete,
    /// `GET`.
    Get,
    /// `HEAD`, whose responses have no body.
    Head,
    /// `OPTIONS`, the only method with the target `*`.
    Options,
    /// `PUT`.
    Put,
    /// `TRACE`.
    Trace,
    /// `POST`, `PATCH` and all others.
    Other,
}

impl Method {
    /// Parse a method, which is case-sensitive.
    #[must_use]
    pub fn of(name: &[u8]) -> Self {
        match name {
            b"GET" => Self::Get,
            b"HEAD" => Self::Head,
            b"PUT" => Self::Put,
            b"DELETE" => Self::Delete,
            b"OPTIONS" => Self::Options,
            b"TRACE" => Self::Trace,
            b"CONNECT" => Self::Connect,
            _ => Self::Other,
        }
    }

    /// Whether the method anticipates a body, so that its absence must be explicit (RFC 9110 §8.6).
    #[must_use]
    pub fn expects_body(self) -> bool {
        matches!(self, Self::Put | Self::Other)
    }

    /// Whether the method is idempotent (RFC 9110 §9.2.2), so that a request may be repeated.
    #[must_use]
    pub fn is_idempotent(self) -> bool {
        !matches!(self, Self::Connect | Self::Other)
    }
}
