//! Reading from an HTTP/1 client: heads, the body of the current request, and the bytes after it.

use std::io;
use std::ops::Range;
use std::task::{Context, Poll, ready};

use edge_contract::RequestRefusal;
use edge_forward::budget::{LARGE, SCARCE, SMALL, is_scarce, piece_room, small_room};
use edge_forward::peer_end::is_end;
use edge_forward::{Buffer, ClientFault, Framing};
use edge_http::{BodyKind, BodyReader, RequestHead};
use tokio::io::AsyncRead;

/// The receiving half of a client's connection. It owns no memory while its buffer is empty.
pub(super) struct RequestReader {
    received: Buffer,
    body: BodyReader,
    is_chunked: bool,
    /// The piece of the body to send to the server.
    piece: Piece,
}

struct Piece {
    framing: Framing,
    position: Range<usize>,
    /// The number of bytes to consume from `received` once it is sent.
    used: usize,
}

impl Piece {
    const NONE: Self = Self {
        framing: Framing::NONE,
        position: 0..0,
        used: 0,
    };
}

impl RequestReader {
    /// Create the reader of a new connection.
    pub(super) fn new() -> Self {
        Self {
            received: Buffer::default(),
            body: BodyReader::Ended,
            is_chunked: false,
            piece: Piece::NONE,
        }
    }

    /// Bytes that were received and not consumed yet.
    pub(super) fn received(&self) -> &[u8] {
        self.received.filled()
    }

    /// Discard the first `count` bytes.
    pub(super) fn skip(&mut self, count: usize) {
        self.received.consume(count);
    }

    /// Receive more, up to a buffer of `max` bytes.
    pub(super) fn poll_receive(
        &mut self,
        context: &mut Context<'_>,
        stream: &mut (impl AsyncRead + Unpin),
        max: usize,
    ) -> Poll<io::Result<usize>> {
        if self.received.is_empty() {
            self.received.reset(small_room());
        } else if self.received.room() == 0 {
            let doubled = match self.received.size() {
                shrunk if shrunk < SCARCE => SMALL,
                size => size.max(LARGE / 2) * 2,
            };
            self.received.move_to_room(doubled.min(max.max(LARGE)));
        }
        self.poll_fill(context, stream)
    }

    fn poll_fill(
        &mut self,
        context: &mut Context<'_>,
        stream: &mut (impl AsyncRead + Unpin),
    ) -> Poll<io::Result<usize>> {
        let filled = self.received.poll_fill(context, stream);
        if filled.is_pending() {
            self.received.shrink();
        }
        filled
    }

    /// Consume a parsed head; its body follows.
    pub(super) fn begin_request(&mut self, head: &RequestHead) {
        self.received.consume(head.length);
        self.body = BodyReader::new(head.body);
        self.is_chunked = head.body == BodyKind::Chunked;
        self.piece = Piece::NONE;
    }

    /// Treat all further bytes as the body, since the end of the request is unknown.
    pub(super) fn stop(&mut self) {
        self.body = BodyReader::UntilClose;
    }

    /// Whether the current request was read and sent completely.
    pub(super) fn request_has_ended(&self) -> bool {
        self.body.has_ended() && self.parts().iter().all(|part| part.is_empty())
    }

    /// Read the next piece of the body.
    pub(super) fn poll_body(
        &mut self,
        context: &mut Context<'_>,
        stream: &mut (impl AsyncRead + Unpin),
    ) -> Poll<Result<(), ClientFault>> {
        while !self.find_piece()? {
            self.received.reset(self.read_size());
            match ready!(self.poll_fill(context, stream)) {
                Ok(0) => return Poll::Ready(Err(ClientFault::Truncated)),
                Ok(_) => {}
                Err(error) if is_end(&error) => return Poll::Ready(Err(ClientFault::Truncated)),
                Err(_) => return Poll::Ready(Err(ClientFault::Disconnected)),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// The size of the next read: large for a long body; one TLS record while memory is scarce, since
    /// TLS would have to buffer the rest of the record otherwise.
    fn read_size(&self) -> usize {
        let is_short = self.body.left().is_some_and(|left| left <= SMALL as u64);
        if is_short || is_scarce() {
            SMALL
        } else {
            LARGE
        }
    }

    /// Find a piece in the received bytes; `false` if they were only framing.
    fn find_piece(&mut self) -> Result<bool, ClientFault> {
        let found = self.body.read(self.received.filled_mut());
        let found = found.map_err(|_| ClientFault::Refused(RequestRefusal::BodyMalformed))?;
        let is_last = self.body.has_ended();
        if found.payload.is_empty() && !is_last {
            self.received.consume(found.used);
            return Ok(false);
        }
        let framing = match (self.is_chunked, found.payload.len()) {
            (false, _) => Framing::NONE,
            (true, 0) => Framing::LAST,
            (true, bytes) => Framing::chunk(bytes, is_last),
        };
        let position = self.received.position(&found.payload);
        self.piece = Piece {
            framing,
            position,
            used: found.used,
        };
        Ok(true)
    }

    /// The piece, framed for the server.
    pub(super) fn parts(&self) -> [&[u8]; 3] {
        let Piece {
            framing, position, ..
        } = &self.piece;
        [
            framing.before(),
            self.received.part(position.clone()),
            framing.after(),
        ]
    }

    /// Remove the first `count` bytes of the framed piece, which were sent.
    pub(super) fn consume(&mut self, count: usize) {
        let piece = &mut self.piece;
        piece.position.start += piece.framing.consume(count, piece.position.len());
        if self.parts().iter().all(|part| part.is_empty()) {
            self.received.consume(self.piece.used);
            self.piece = Piece::NONE;
        }
    }

    /// Release unused memory before a wait for the server. While memory is scarce, only the rest of the
    /// piece is kept.
    pub(super) fn shrink(&mut self) {
        let Piece { position, used, .. } = &mut self.piece;
        let left = position.len();
        if left > 0 {
            let sent = position.start - self.received.position(&(0..0)).start;
            self.received.consume(sent);
            *used -= sent;
        }
        self.received.shrink();
        *position = if left > 0 {
            self.received.position(&(0..left))
        } else {
            0..0
        };
    }

    /// Wait until the client closes its direction or disconnects, between the request and its response.
    ///
    /// Pipelined requests may come before the end of the stream, so they are read into the buffer, up to
    /// its largest size. A client that sends more is not watched any longer, since the buffer must stay
    /// bounded; then the wait ends with the server's response or its timeout.
    pub(super) fn poll_end(
        &mut self,
        context: &mut Context<'_>,
        stream: &mut (impl AsyncRead + Unpin),
    ) -> Poll<io::Result<()>> {
        loop {
            if self.received.is_empty() {
                self.received.reset(small_room());
            } else if self.received.room() == 0 && !self.make_room() {
                return Poll::Pending;
            }
            match ready!(self.poll_fill(context, stream)) {
                Ok(0) => return Poll::Ready(Ok(())),
                Ok(_) => {}
                Err(error) if is_end(&error) => return Poll::Ready(Ok(())),
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// Make room in the buffer by moving its bytes to the front, or into a larger one if memory is not scarce.
    fn make_room(&mut self) -> bool {
        let size = self.received.size();
        if self.received.filled().len() < size {
            self.received.move_to_room(size);
        } else if size < piece_room(true) {
            self.received.move_to_room(piece_room(true));
        }
        self.received.room() > 0
    }

    /// Read and discard bytes; returns their number, 0 at the end of the stream.
    pub(super) fn poll_discard(
        &mut self,
        context: &mut Context<'_>,
        stream: &mut (impl AsyncRead + Unpin),
    ) -> Poll<io::Result<usize>> {
        self.received.reset(small_room());
        self.poll_fill(context, stream)
    }

    /// The bytes that were received after the request, for another protocol.
    pub(super) fn into_received(self) -> Buffer {
        self.received
    }
}
