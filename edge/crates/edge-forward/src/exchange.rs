//! One request and its response on one connection to a server, step by step.

use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use edge_contract::{RequestRefusal, UpstreamFailure};
use edge_http::write::Message;
use edge_http::{
    BodyReader, HeadLimits, Method, ResponseFault, ResponseHead, head_may_be_complete,
    parse_response,
};
use tokio::io::AsyncWrite;

use crate::budget::{LARGE, SMALL, is_scarce, piece_room, small_room};
use crate::buffer::Buffer;
use crate::client::{Client, ClientFault, Piece};
use crate::connections::ServerConnection;
use crate::spare::FieldList;

/// The server's side of an exchange.
#[expect(clippy::struct_excessive_bools, reason = "a set of independent facts")]
pub(crate) struct Exchange<'a> {
    /// The connection; it is in the middle of something until [`Exchange::is_clean`].
    pub(crate) connection: ServerConnection,
    /// What came from the server and was not passed on yet.
    pub(crate) inbox: Buffer,
    request_head: &'a [u8],
    request_head_sent: usize,
    upload: Upload,
    is_cut: bool,
    /// Bytes that the request's body may still have.
    body_left: u64,
    fields: FieldList,
    /// Bytes of an incomplete head that were looked at.
    seen: usize,
    body: BodyReader,
    /// Whether the server's last piece filled its room.
    is_fast: bool,
    is_answered: bool,
    has_moved: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Upload {
    Running,
    /// The server has to take something before more is read for it.
    Waiting,
    Ended,
    /// The client ended its side before its request's end, and the server knows.
    Cut,
    /// The server does not take more; perhaps it has said why.
    Broken,
}

impl<'a> Exchange<'a> {
    /// Begin: nothing is sent yet; the request's body may have so many bytes.
    pub(crate) fn new(
        connection: ServerConnection,
        request_head: &'a [u8],
        body_bytes: u64,
    ) -> Self {
        Self {
            connection,
            inbox: Buffer::default(),
            request_head,
            request_head_sent: 0,
            upload: Upload::Running,
            is_cut: false,
            body_left: body_bytes,
            fields: FieldList::new(),
            seen: 0,
            body: BodyReader::Ended,
            is_fast: false,
            is_answered: false,
            has_moved: false,
        }
    }

    /// Whether the server has got the whole request.
    pub(crate) fn is_sent(&self) -> bool {
        self.upload == Upload::Ended
    }

    /// Whether the client ended its side before its request's end: no server is to blame for what
    /// comes of that.
    pub(crate) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Whether we are still sending, or would be if the client were: no server is waited for.
    pub(crate) fn is_sending(&self) -> bool {
        self.upload == Upload::Running
    }

    /// Whether the server cannot have seen anything of the request.
    pub(crate) fn is_untouched(&self) -> bool {
        self.request_head_sent == 0
    }

    /// Whether the server has said anything.
    pub(crate) fn is_answered(&self) -> bool {
        self.is_answered
    }

    /// Bytes of the response have moved on to the client.
    pub(crate) fn note_moved(&mut self) {
        self.has_moved = true;
    }

    /// Whether bytes of a body have moved, on either side, since this was asked last.
    pub(crate) fn take_moved(&mut self) -> bool {
        std::mem::take(&mut self.has_moved)
    }

    /// Whether the exchange ended with nothing left over, so that another may follow.
    pub(crate) fn is_clean(&self) -> bool {
        self.upload == Upload::Ended && self.body.has_ended() && self.inbox.is_empty()
    }

    /// Send what there is to send; `Err` is the client's fault alone.
    pub(crate) fn poll_upload(
        &mut self,
        context: &mut Context<'_>,
        client: &mut impl Client,
    ) -> Result<(), ClientFault> {
        let has_waited = self.upload == Upload::Waiting;
        if has_waited {
            self.upload = Upload::Running;
        }
        while self.upload == Upload::Running {
            self.poll_read(context, client)?;
            if self.upload == Upload::Waiting || !self.poll_write(context, client) {
                break;
            }
        }
        let is_waiting = self.upload == Upload::Waiting;
        if has_waited || is_waiting {
            client.wait_for_server(is_waiting);
        }
        Ok(())
    }

    /// Have something to send, if there is something; while memory is scarce, not before the server
    /// has room for it, since what it has none for can stay with the client.
    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        client: &mut impl Client,
    ) -> Result<(), ClientFault> {
        let is_read = client.request_parts().iter().any(|part| !part.is_empty());
        if is_read || self.is_cut || client.request_has_ended() {
            return Ok(());
        }
        if is_scarce() && self.connection.poll_room(context).is_pending() {
            self.upload = Upload::Waiting;
            return Ok(());
        }
        match client.poll_request(context) {
            Poll::Ready(Err(ClientFault::Cut)) => {
                self.is_cut = true;
                Ok(())
            }
            Poll::Ready(outcome) => outcome.and_then(|()| self.measure(client)),
            Poll::Pending => Ok(()),
        }
    }

    /// Nothing of a body goes on that is larger than the site takes.
    fn measure(&mut self, client: &impl Client) -> Result<(), ClientFault> {
        let piece = client.request_parts()[1].len() as u64;
        let left = self.body_left.checked_sub(piece);
        self.body_left = left.ok_or(ClientFault::Refused(RequestRefusal::BodyTooLarge))?;
        Ok(())
    }

    /// Write once; `false` when there is nothing to write, or the server has to be waited for.
    fn poll_write(&mut self, context: &mut Context<'_>, client: &mut impl Client) -> bool {
        let head = &self.request_head[self.request_head_sent..];
        let [before, piece, after] = client.request_parts();
        let slices = [head, before, piece, after].map(IoSlice::new);
        let stream = Pin::new(&mut self.connection);
        if slices.iter().all(|slice| slice.is_empty()) {
            if client.request_has_ended() {
                self.upload = Upload::Ended;
            } else if self.is_cut {
                // The end goes on: who has not answered yet learns that nothing more comes.
                let _ = stream.poll_shutdown(context);
                self.upload = Upload::Cut;
            }
            return false;
        }
        let written = if slices[1..].iter().all(|slice| slice.is_empty()) {
            stream.poll_write(context, head)
        } else {
            stream.poll_write_vectored(context, &slices)
        };
        match written {
            Poll::Pending => {
                self.upload = Upload::Waiting;
                return false;
            }
            Poll::Ready(Ok(count)) if count > 0 => {
                let of_head = count.min(head.len());
                self.request_head_sent += of_head;
                client.consume_request(count - of_head);
                self.has_moved = true;
            }
            Poll::Ready(_) => self.upload = Upload::Broken,
        }
        true
    }

    /// Read the next head of the response, interim or final.
    pub(crate) fn poll_head(
        &mut self,
        context: &mut Context<'_>,
        method: Method,
        limits: &HeadLimits,
    ) -> Poll<Result<ResponseHead, UpstreamFailure>> {
        loop {
            let input = self.inbox.filled();
            if !input.is_empty()
                && (self.seen == 0 || head_may_be_complete(input, self.seen, limits))
            {
                match parse_response(input, method, limits, &mut self.fields) {
                    Ok(Some(head)) => return Poll::Ready(Ok(head)),
                    Ok(None) => {}
                    Err(ResponseFault::TooLarge) => {
                        return Poll::Ready(Err(UpstreamFailure::ResponseTooLarge));
                    }
                    Err(_) => return Poll::Ready(Err(UpstreamFailure::ResponseMalformed)),
                }
            }
            self.seen = input.len();
            self.make_room_for_head(limits);
            match ready!(self.poll_receive(context)) {
                Some(0) | None => return Poll::Ready(Err(UpstreamFailure::ClosedEarly)),
                Some(_) => {}
            }
        }
    }

    fn make_room_for_head(&mut self, limits: &HeadLimits) {
        if self.inbox.is_empty() {
            self.inbox.renew(small_room());
        } else if self.inbox.room() == 0 {
            let size = if self.inbox.size() < LARGE {
                LARGE
            } else {
                self.inbox.size() * 2
            };
            self.inbox.move_to_room(size.min(limits.bytes.max(LARGE)));
        }
    }

    /// Read once; `None` when the connection broke. While nothing comes no buffer is held.
    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<Option<usize>> {
        match self.inbox.poll_fill(context, &mut self.connection) {
            Poll::Ready(outcome) => {
                self.is_answered |= outcome.as_ref().is_ok_and(|&count| count > 0);
                Poll::Ready(outcome.ok())
            }
            Poll::Pending => {
                self.inbox.settle();
                Poll::Pending
            }
        }
    }

    /// The head that was read last, with its fields.
    pub(crate) fn message<'m>(&'m self, head: &'m ResponseHead) -> Message<'m, ResponseHead> {
        Message {
            input: self.inbox.filled(),
            head,
            fields: &self.fields,
        }
    }

    /// An interim response was passed on: another head follows.
    pub(crate) fn pass_interim(&mut self, head: &ResponseHead) {
        self.inbox.consume(head.length);
        self.seen = 0;
    }

    /// The final response's head was passed on: its body follows.
    pub(crate) fn begin_body(&mut self, head: &ResponseHead) {
        self.inbox.consume(head.length);
        self.body = BodyReader::new(head.body);
    }

    /// Read the next piece of the body into the inbox.
    pub(crate) fn poll_piece(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Piece, UpstreamFailure>> {
        loop {
            if let Some(piece) = self.piece()? {
                return Poll::Ready(Ok(piece));
            }
            self.inbox.renew(self.read_size());
            match ready!(self.poll_receive(context)) {
                Some(0) => {
                    self.body
                        .end_of_input()
                        .map_err(|_| UpstreamFailure::ClosedEarly)?;
                    self.inbox.settle();
                }
                Some(count) => {
                    self.is_fast = count == self.inbox.size();
                    self.has_moved = true;
                }
                None => return Poll::Ready(Err(UpstreamFailure::ClosedEarly)),
            }
        }
    }

    /// A long body is read in large pieces once the server has shown that it is fast.
    fn read_size(&self) -> usize {
        let is_short = self.body.left().is_some_and(|left| left <= SMALL as u64);
        if is_short {
            small_room()
        } else {
            piece_room(self.is_fast)
        }
    }

    /// The piece that is in the inbox already, if any.
    fn piece(&mut self) -> Result<Option<Piece>, UpstreamFailure> {
        let taken = self.body.take(self.inbox.filled_mut());
        let taken = taken.map_err(|_| UpstreamFailure::ResponseMalformed)?;
        let is_last = self.body.has_ended();
        if taken.payload.is_empty() && !is_last {
            self.inbox.consume(taken.used);
            return Ok(None);
        }
        let position = self.inbox.position(&taken.payload);
        Ok(Some(Piece {
            position,
            used: taken.used,
            is_last,
            is_framed: false,
        }))
    }
}
