//! Decoding a client's header blocks in order, to requests or to be ignored.

use edge_contract::Http2Cutoff as Reason;

use super::cutoff::Cutoff;
use super::hpack::{Decoder, HpackFault};
use crate::field_section::Request;
use crate::field_section::line::FieldLine;
use crate::fields::limits::HeadLimits;

/// A header of up to this many times the limit is decoded and answered with 431; a longer one ends the
/// connection.
const HEADER_BOMB_FACTOR: usize = 4;

/// The decoder, and the last request.
pub(super) struct HeaderDecoder {
    decoder: Decoder,
    request: Request,
    limits: HeadLimits,
}

impl HeaderDecoder {
    pub(super) fn new(limits: HeadLimits) -> Self {
        Self {
            decoder: Decoder::default(),
            request: Request::default(),
            limits,
        }
    }

    /// The last request.
    pub(super) fn request(&self) -> &Request {
        &self.request
    }

    /// Decode a block as a request.
    pub(super) fn read_request(&mut self, block: &[u8], has_ended: bool) -> Result<(), Cutoff> {
        let (limits, request) = (&self.limits, &mut self.request);
        request.start(has_ended);
        let max = limits.bytes.saturating_mul(HEADER_BOMB_FACTOR);
        let read = self
            .decoder
            .decode(block, max, |line| request.add(line, limits));
        read.map_err(cutoff)?;
        request.finish();
        Ok(())
    }

    /// Decode a block only to update the compression table; return whether it is valid as trailers:
    /// well-formed and without pseudo-fields (RFC 9113 §8.1).
    pub(super) fn skip(&mut self, block: &[u8]) -> Result<bool, Cutoff> {
        let mut is_valid = true;
        let max = self.limits.bytes.saturating_mul(HEADER_BOMB_FACTOR);
        let check = |line: FieldLine<'_>| {
            is_valid &= line.may_be_trailer();
        };
        self.decoder.decode(block, max, check).map_err(cutoff)?;
        Ok(is_valid)
    }

    /// Release memory that is only needed while decoding.
    pub(super) fn release_memory(&mut self) {
        self.request.release_memory();
        self.decoder.release_memory();
    }
}

fn cutoff(fault: HpackFault) -> Cutoff {
    match fault {
        HpackFault::Malformed => Reason::CompressionMalformed.into(),
        HpackFault::TooLong => Reason::HeaderBomb.into(),
    }
}
