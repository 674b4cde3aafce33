//! The interface between forwarding and a client, implemented for each version of HTTP.

use std::task::{Context, Poll};

use edge_contract::RequestRefusal;
use edge_http::ResponseHead;
use edge_http::page::Page;
use edge_http::write::{CHUNK_START_BYTES, LAST_CHUNK, Message, chunk_start};

use crate::buffer::Buffer;
use crate::site::SiteHsts;

/// Why an exchange failed on the client's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientFault {
    /// The client disconnected, or does not read.
    Disconnected,
    /// The client ended its direction before the end of the request. It may still read.
    Truncated,
    /// The request was refused.
    Refused(RequestRefusal),
}

/// A piece of a response's body in the server's buffer, to be sent to the client.
#[derive(Debug)]
pub struct Piece {
    /// The position in the buffer of the bytes that are not sent yet.
    pub position: std::ops::Range<usize>,
    /// The number of bytes to consume from the buffer once the piece is sent.
    pub used: usize,
    /// Whether it is the last piece of the body.
    pub is_last: bool,
    /// Whether the client's framing has been put around it.
    pub is_framed: bool,
}

/// The client's side of one exchange. A poll function wakes the task that called it last.
pub trait Client {
    /// Read the next piece of the request's body into [`Client::request_parts`], unless the request has
    /// ended. Not to be called again after [`ClientFault::Truncated`].
    fn poll_request(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ClientFault>>;

    /// The bytes of the request's body to send to the server next, framed: before, piece, after.
    fn request_parts(&self) -> [&[u8]; 3];

    /// Remove the first `count` bytes of [`Client::request_parts`], which were sent.
    fn consume_request(&mut self, count: usize);

    /// Set whether the server accepts no more for now. If so, the client should buffer and read as
    /// little as possible.
    fn set_server_blocked(&mut self, is_waiting: bool);

    /// Whether the request was read and sent completely.
    fn request_has_ended(&self) -> bool;

    /// Wait until the client disconnects. It is only detected once the request has been read, if
    /// it follows unread bytes of the request.
    fn poll_disconnected(&mut self, context: &mut Context<'_>) -> Poll<()>;

    /// Send an interim response.
    fn send_interim(&mut self, message: Message<'_, ResponseHead>);

    /// Send the head of the final response.
    fn start_response(
        &mut self,
        message: Message<'_, ResponseHead>,
        hsts: Option<&SiteHsts>,
    ) -> Result<(), ClientFault>;

    /// Send a piece of the body. Ready once all of it is buffered for sending.
    fn poll_send(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut Buffer,
        piece: &mut Piece,
    ) -> Poll<Result<(), ClientFault>>;

    /// Wait until everything that is buffered was written to the connection.
    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ClientFault>>;

    /// Send an error page as the response. No response may have been started.
    fn send_page(&mut self, page: &Page, hsts: Option<&SiteHsts>);

    /// Discard a response that was started, if nothing of it was written to the connection yet, so
    /// that a page can be sent instead. Returns whether it was discarded.
    fn discard_unsent_response(&mut self) -> bool;

    /// Abort the response, so that the client detects that it is incomplete.
    fn abort(&mut self);
}

/// The chunked framing around a piece of a request's body.
#[derive(Clone, Copy, Debug)]
pub struct Framing {
    before: [u8; CHUNK_START_BYTES],
    before_from: usize,
    after: &'static [u8],
}

impl Framing {
    /// No framing, for a body with a Content-Length.
    pub const NONE: Self = Self {
        before: [0; CHUNK_START_BYTES],
        before_from: CHUNK_START_BYTES,
        after: b"",
    };

    /// The last chunk.
    pub const LAST: Self = Self {
        after: LAST_CHUNK,
        ..Self::NONE
    };

    /// The framing of a chunk of so many bytes, followed by the last chunk if `is_last`.
    #[must_use]
    pub fn chunk(bytes: usize, is_last: bool) -> Self {
        let mut before = [0; CHUNK_START_BYTES];
        let before_from = chunk_start(&mut before, bytes);
        Self {
            before,
            before_from,
            after: if is_last { b"\r\n0\r\n\r\n" } else { b"\r\n" },
        }
    }

    /// The framing before the piece.
    #[must_use]
    pub fn before(&self) -> &[u8] {
        &self.before[self.before_from..]
    }

    /// The framing after the piece.
    #[must_use]
    pub fn after(&self) -> &'static [u8] {
        self.after
    }

    /// Remove the first `count` bytes of the framed piece, of which `piece` bytes are the body's;
    /// return how many of the removed bytes are the body's.
    pub fn consume(&mut self, count: usize, piece: usize) -> usize {
        let before = count.min(self.before().len());
        self.before_from += before;
        let own = (count - before).min(piece);
        let after = (count - before - own).min(self.after.len());
        self.after = &self.after[after..];
        own
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_framed_piece_is_consumed_in_order() {
        for step in 1..20 {
            let (mut framing, mut piece, mut sent) =
                (Framing::chunk(5, true), &b"hello"[..], Vec::new());
            loop {
                let all = [framing.before(), piece, framing.after()].concat();
                if all.is_empty() {
                    break;
                }
                let count = step.min(all.len());
                sent.extend_from_slice(&all[..count]);
                let own = framing.consume(count, piece.len());
                piece = &piece[own..];
            }
            assert_eq!(b"5\r\nhello\r\n0\r\n\r\n", &sent[..], "in steps of {step}");
        }
    }
}
