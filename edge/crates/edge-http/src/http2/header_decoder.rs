//! Header blocks of a client, decoded in order: a request each, or to be dropped.

use edge_contract::Http2Cutoff as Reason;

use super::cutoff::Cutoff;
use super::hpack::{Decoder, HpackFault};
use crate::field_section::Request;
use crate::field_section::line::FieldLine;
use crate::fields::limits::HeadLimits;

/// How far beyond the limit a header is read, to be answered with 431: so many times as much.
const BOMB: usize = 4;

/// The decoder, and the request that it read last.
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

    /// The request that was read last.
    pub(super) fn request(&self) -> &Request {
        &self.request
    }

    /// Read a block as a request.
    pub(super) fn read_request(&mut self, block: &[u8], has_ended: bool) -> Result<(), Cutoff> {
        let (limits, request) = (&self.limits, &mut self.request);
        request.start(has_ended);
        let most = limits.bytes.saturating_mul(BOMB);
        let read = self
            .decoder
            .decode(block, most, |line| request.add(line, limits));
        read.map_err(cutoff)?;
        request.finish();
        Ok(())
    }

    /// Read a block that is dropped, to keep the table in step; return whether it holds nothing
    /// but well-formed fields, as trailers do (RFC 9113 §8.1).
    pub(super) fn skip(&mut self, block: &[u8]) -> Result<bool, Cutoff> {
        let mut has_fields_alone = true;
        let most = self.limits.bytes.saturating_mul(BOMB);
        let take = |line: FieldLine<'_>| {
            has_fields_alone &= line.may_be_trailer();
        };
        self.decoder.decode(block, most, take).map_err(cutoff)?;
        Ok(has_fields_alone)
    }

    /// Give back the memory that only reading needs.
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
