//! How long is waited: what holds for all sites, and what a site has of its own.

use serde::Serialize;

use super::root::Limits;
use crate::error::Fault;
use crate::json::Json;
use crate::read::{Fields, integer, nullable};

pub(super) const DAY_MS: u64 = 86_400_000;

/// A site's own time-outs, in place of those of the limits; milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Timeouts {
    /// The longest wait for the end of the handshake.
    pub handshake_ms: u64,
    /// The longest wait for a whole head, once it has begun.
    pub header_ms: u64,
    /// The longest silence in the middle of a body, in either direction.
    pub body_ms: u64,
    /// The longest silence between two requests.
    pub idle_ms: u64,
    /// The longest that a request may take in all; what flows has no end without it.
    pub request_ms: Option<u64>,
    /// The longest silence of a connection that was upgraded.
    pub tunnel_ms: u64,
}

impl Timeouts {
    pub(super) fn read(json: Json) -> Result<Self, Fault> {
        let wait = || integer(1..=DAY_MS);
        let mut fields = Fields::of(json)?;
        let timeouts = Self {
            handshake_ms: fields.take("handshake_ms", wait())?,
            header_ms: fields.take("header_ms", wait())?,
            body_ms: fields.take("body_ms", wait())?,
            idle_ms: fields.take("idle_ms", wait())?,
            request_ms: fields.take("request_ms", nullable(wait()))?,
            tunnel_ms: fields.take("tunnel_ms", wait())?,
        };
        fields.finish()?;
        Ok(timeouts)
    }

    /// The limits with these time-outs in the place of theirs.
    #[must_use]
    pub fn over(self, limits: &Limits) -> Limits {
        Limits {
            handshake_timeout_ms: self.handshake_ms,
            header_timeout_ms: self.header_ms,
            body_timeout_ms: self.body_ms,
            idle_timeout_ms: self.idle_ms,
            request_timeout_ms: self.request_ms,
            tunnel_timeout_ms: self.tunnel_ms,
            ..*limits
        }
    }
}
