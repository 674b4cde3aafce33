//! What an HTTP/1 client sends: heads, the body of the request at hand, and what follows it.

use std::io;
use std::ops::Range;
use std::task::{Context, Poll, ready};

use edge_contract::RequestRefusal;
use edge_forward::budget::{LARGE, SCARCE, SMALL, is_scarce, piece_room, small_room};
use edge_forward::peer_end::is_end;
use edge_forward::{Buffer, ClientFault, Framing};
use edge_http::{BodyKind, BodyReader, RequestHead};
use tokio::io::AsyncRead;

/// The receiving half of a client's connection; without bytes in it, it owns no memory.
pub(super) struct RequestReader {
    received: Buffer,
    body: BodyReader,
    is_chunked: bool,
    /// The piece of the body that waits for the server.
    piece: Piece,
}

struct Piece {
    framing: Framing,
    position: Range<usize>,
    /// Bytes of the inbox that are used up with it.
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
    /// Nothing came yet.
    pub(super) fn new() -> Self {
        Self {
            received: Buffer::default(),
            body: BodyReader::Ended,
            is_chunked: false,
            piece: Piece::NONE,
        }
    }

    /// What came and was not yet used.
    pub(super) fn received(&self) -> &[u8] {
        self.received.filled()
    }

    /// Forget the first bytes that came.
    pub(super) fn skip(&mut self, count: usize) {
        self.received.consume(count);
    }

    /// Receive more, in room for so many bytes at most.
    pub(super) fn poll_receive(
        &mut self,
        context: &mut Context<'_>,
        stream: &mut (impl AsyncRead + Unpin),
        most: usize,
    ) -> Poll<io::Result<usize>> {
        if self.received.is_empty() {
            self.received.reset(small_room());
        } else if self.received.room() == 0 {
            let doubled = match self.received.size() {
                settled if settled < SCARCE => SMALL,
                size => size.max(LARGE / 2) * 2,
            };
            self.received.move_to_room(doubled.min(most.max(LARGE)));
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

    /// The head at the start of what came was read.
    pub(super) fn begin_request(&mut self, head: &RequestHead) {
        self.received.consume(head.length);
        self.body = BodyReader::new(head.body);
        self.is_chunked = head.body == BodyKind::Chunked;
        self.piece = Piece::NONE;
    }

    /// Nobody can tell where in the stream a request begins.
    pub(super) fn stop(&mut self) {
        self.body = BodyReader::UntilClose;
    }

    /// Whether the request at hand was read to its end and taken by the server.
    pub(super) fn request_has_ended(&self) -> bool {
        self.body.has_ended() && self.parts().iter().all(|part| part.is_empty())
    }

    /// Have a piece of the body that can be sent.
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
                Err(_) => return Poll::Ready(Err(ClientFault::Gone)),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// A long body is read in large pieces; while memory is scarce a record at a time, since TLS
    /// would have to hold the rest of it.
    fn read_size(&self) -> usize {
        let is_short = self.body.left().is_some_and(|left| left <= SMALL as u64);
        if is_short || is_scarce() {
            SMALL
        } else {
            LARGE
        }
    }

    /// Look for a piece in what came; without one, all of it was framing.
    fn find_piece(&mut self) -> Result<bool, ClientFault> {
        let taken = self.body.take(self.received.filled_mut());
        let taken = taken.map_err(|_| ClientFault::Refused(RequestRefusal::BodyMalformed))?;
        let is_last = self.body.has_ended();
        if taken.payload.is_empty() && !is_last {
            self.received.consume(taken.used);
            return Ok(false);
        }
        let framing = match (self.is_chunked, taken.payload.len()) {
            (false, _) => Framing::NONE,
            (true, 0) => Framing::LAST,
            (true, bytes) => Framing::chunk(bytes, is_last),
        };
        let position = self.received.position(&taken.payload);
        self.piece = Piece {
            framing,
            position,
            used: taken.used,
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

    /// The server took so many bytes of the framed piece.
    pub(super) fn consume(&mut self, count: usize) {
        let piece = &mut self.piece;
        piece.position.start += piece.framing.consume(count, piece.position.len());
        if self.parts().iter().all(|part| part.is_empty()) {
            self.received.consume(self.piece.used);
            self.piece = Piece::NONE;
        }
    }

    /// Before a wait for the server: while memory is scarce, hold what is left of the piece alone.
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

    /// Between the request and its answer: wait until the client ends its side, or breaks off.
    ///
    /// The next requests may be here already, and the client's end comes behind them: to see it,
    /// they are read, up to as much as a large buffer holds. Whoever sends more is not watched any
    /// longer, since reading on would let a client have us hold what it likes; what bounds the wait
    /// then is the server's answer or its time-out.
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

    /// Get room behind what came: where bytes were used, or in a larger buffer where one is spare.
    fn make_room(&mut self) -> bool {
        let size = self.received.size();
        if self.received.filled().len() < size {
            self.received.move_to_room(size);
        } else if size < piece_room(true) {
            self.received.move_to_room(piece_room(true));
        }
        self.received.room() > 0
    }

    /// Read and forget; 0 is the end of the stream.
    pub(super) fn poll_discard(
        &mut self,
        context: &mut Context<'_>,
        stream: &mut (impl AsyncRead + Unpin),
    ) -> Poll<io::Result<usize>> {
        self.received.reset(small_room());
        self.poll_fill(context, stream)
    }

    /// What came after the request, for another protocol.
    pub(super) fn into_inbox(self) -> Buffer {
        self.received
    }
}
