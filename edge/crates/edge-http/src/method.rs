//! Request methods, as far as a proxy treats them differently.

/// A request method (RFC 9110 §9, RFC 5789).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Asks for a tunnel; a reverse proxy offers none.
    Connect,
    /// `DELETE`.
    Delete,
    /// `GET`.
    Get,
    /// Like GET, and answered without a body.
    Head,
    /// The only method that may ask for `*`.
    Options,
    /// `PUT`.
    Put,
    /// `TRACE`.
    Trace,
    /// POST, PATCH and whatever a proxy need not know.
    Other,
}

impl Method {
    /// Recognise a method; methods are case-sensitive.
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

    /// Whether servers look for a body: where there is none, they are told so (RFC 9110 §8.6).
    #[must_use]
    pub fn expects_body(self) -> bool {
        matches!(self, Self::Put | Self::Other)
    }

    /// Whether doing it twice is the same as once (RFC 9110 §9.2.2), so that it may be retried.
    #[must_use]
    pub fn is_idempotent(self) -> bool {
        !matches!(self, Self::Connect | Self::Other)
    }
}
