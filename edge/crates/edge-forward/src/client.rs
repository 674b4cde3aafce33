//! What forwarding needs of a client, whatever version of HTTP it speaks.

use std::task::{Context, Poll};

use edge_contract::RequestRefusal;
use edge_http::ResponseHead;
use edge_http::page::Page;
use edge_http::write::{CHUNK_START_BYTES, LAST_CHUNK, Message, chunk_start};

use crate::buffer::Buffer;
use crate::site::SiteHsts;

/// Why an exchange cannot go on, as far as the client is to blame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientFault {
    /// It left, or does not take what it is sent.
    Gone,
    /// It ended its side in the middle of its request, and may still read.
    Cut,
    /// It sent what we refuse.
    Refused(RequestRefusal),
}

/// A piece of a response's body on its way from the server's buffer to the client.
#[derive(Debug)]
pub struct Piece {
    /// Where in the buffer the bytes lie that are left to send.
    pub position: std::ops::Range<usize>,
    /// How many bytes of the buffer are used up when it is sent.
    pub used: usize,
    /// Whether the body ends with it.
    pub is_last: bool,
    /// Whether the client's framing has been put around it.
    pub is_framed: bool,
}

/// The client's side of one exchange. The poll functions wake the task that called them last.
pub trait Client {
    /// Have something in [`Client::request_parts`], unless the request has ended. After
    /// [`ClientFault::Cut`] nothing more comes.
    fn poll_request(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ClientFault>>;

    /// Bytes of the request's body that wait for the server, framed for it.
    fn request_parts(&self) -> [&[u8]; 3];

    /// The server took so many of them.
    fn consume_request(&mut self, count: usize);

    /// Whether the server takes no more for now: then hold little, and read no more than has to be.
    fn wait_for_server(&mut self, is_waiting: bool);

    /// Whether the request was read to its end and taken by the server.
    fn request_has_ended(&self) -> bool;

    /// Wait until the client leaves. Where its leaving shows only behind the rest of its request,
    /// that is not seen before the request has ended.
    fn poll_gone(&mut self, context: &mut Context<'_>) -> Poll<()>;

    /// Pass an interim response on.
    fn send_interim(&mut self, message: Message<'_, ResponseHead>);

    /// Begin the response.
    fn start_response(
        &mut self,
        message: Message<'_, ResponseHead>,
        hsts: Option<&SiteHsts>,
    ) -> Result<(), ClientFault>;

    /// Send a piece of the body; bytes count as sent when they are taken, not when they arrive.
    fn poll_send(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut Buffer,
        piece: &mut Piece,
    ) -> Poll<Result<(), ClientFault>>;

    /// Wait until everything that was sent is on its way.
    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ClientFault>>;

    /// Answer with a page of our own, instead of a response that has not begun.
    fn send_page(&mut self, page: &Page, hsts: Option<&SiteHsts>);

    /// Take back a response that was begun and is not whole, unless something of it has left: then a
    /// page can be sent instead. Whether it was.
    fn take_back(&mut self) -> bool;

    /// Make sure that the client does not take the response for a whole one.
    fn break_off(&mut self);
}

/// The chunk framing around a piece of a request's body, or none.
#[derive(Clone, Copy, Debug)]
pub struct Framing {
    before: [u8; CHUNK_START_BYTES],
    before_from: usize,
    after: &'static [u8],
}

impl Framing {
    /// No framing: the length was told in advance.
    pub const NONE: Self = Self {
        before: [0; CHUNK_START_BYTES],
        before_from: CHUNK_START_BYTES,
        after: b"",
    };

    /// The end of a body in chunks.
    pub const LAST: Self = Self {
        after: LAST_CHUNK,
        ..Self::NONE
    };

    /// A chunk around so many bytes; the body may end with it.
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

    /// The bytes before the piece.
    #[must_use]
    pub fn before(&self) -> &[u8] {
        &self.before[self.before_from..]
    }

    /// The bytes after it.
    #[must_use]
    pub fn after(&self) -> &'static [u8] {
        self.after
    }

    /// So many bytes of the framed piece were sent; return how many of them are the piece's.
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
    fn a_framed_piece_is_used_up_from_front_to_back() {
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
