//! An HTTP/2 client's stream, as forwarding sees it.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use edge_http::page::Page;
use edge_http::write::Message;
use edge_http::{BodyKind, Method, ResponseHead};
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::Response;

use super::response::{final_response, interim_response, page_response};
use crate::alarm::Alarm;
use crate::buffer::Buffer;
use crate::client::{Client, ClientFault, Framing, Piece};
use crate::context::SiteHsts;

/// For how long a client may take to read an early answer.
const LINGER: Duration = Duration::from_secs(2);

/// One stream of a client.
pub(super) struct Http2Client {
    body: RecvStream,
    is_chunked: bool,
    has_ended: bool,
    /// The piece of the request's body that waits for the server.
    piece: Bytes,
    framing: Framing,
    respond: SendResponse<Bytes>,
    answer: Answer,
    is_head: bool,
}

/// How far the answer has come.
enum Answer {
    Owed,
    Open(SendStream<Bytes>),
    Whole,
}

impl Http2Client {
    /// A client whose request's head was read.
    pub(super) fn new(body: RecvStream, respond: SendResponse<Bytes>, method: Method) -> Self {
        let has_ended = body.is_end_stream();
        Self {
            body,
            is_chunked: false,
            has_ended,
            piece: Bytes::new(),
            framing: Framing::NONE,
            respond,
            answer: Answer::Owed,
            is_head: method == Method::Head,
        }
    }

    /// Tell how the request's body goes to the server.
    pub(super) fn frame_body(&mut self, body: BodyKind) {
        self.is_chunked = body == BodyKind::Chunked;
    }

    /// After an answer that came before the end of the request: let the client read it before the
    /// stream is reset (RFC 9113 §8.1), since some take the reset for the answer. Its window stays
    /// closed, so that it does not go on sending what nobody reads.
    pub(super) async fn linger(mut self, alarm: &mut Alarm) {
        if self.has_ended || !matches!(self.answer, Answer::Whole) {
            return;
        }
        alarm.set(LINGER);
        poll_fn(|context| {
            while let Poll::Ready(piece) = self.body.poll_data(context) {
                if !matches!(piece, Some(Ok(_))) {
                    return Poll::Ready(());
                }
            }
            alarm.poll_due(context)
        })
        .await;
    }

    fn send_head(&mut self, response: Response<()>, is_end: bool) -> Result<(), ClientFault> {
        let stream = self.respond.send_response(response, is_end).map_err(gone)?;
        self.answer = if is_end {
            Answer::Whole
        } else {
            Answer::Open(stream)
        };
        Ok(())
    }

    fn send_piece(&mut self, bytes: Bytes, is_end: bool) -> Result<(), ClientFault> {
        let Answer::Open(stream) = &mut self.answer else {
            return Err(ClientFault::Gone);
        };
        stream.send_data(bytes, is_end).map_err(gone)?;
        if is_end {
            self.answer = Answer::Whole;
        }
        Ok(())
    }

    /// How many of so many bytes the client's windows let through now.
    fn poll_window(
        &mut self,
        context: &mut Context<'_>,
        wanted: usize,
    ) -> Poll<Result<usize, ClientFault>> {
        let Answer::Open(sending) = &mut self.answer else {
            return Poll::Ready(Err(ClientFault::Gone));
        };
        sending.reserve_capacity(wanted);
        // Only growth is told, so what is there already has to be asked for.
        while sending.capacity() == 0 {
            match ready!(sending.poll_capacity(context)) {
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Poll::Ready(Err(ClientFault::Gone)),
            }
        }
        Poll::Ready(Ok(sending.capacity().min(wanted)))
    }
}

impl Client for Http2Client {
    fn poll_request(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ClientFault>> {
        loop {
            match ready!(self.body.poll_data(context)) {
                Some(Ok(piece)) if piece.is_empty() => {}
                Some(Ok(piece)) => {
                    if self.is_chunked {
                        self.framing = Framing::chunk(piece.len(), false);
                    }
                    self.piece = piece;
                    return Poll::Ready(Ok(()));
                }
                Some(Err(_)) => return Poll::Ready(Err(ClientFault::Gone)),
                None => {
                    self.has_ended = true;
                    if self.is_chunked {
                        self.framing = Framing::LAST;
                    }
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }

    fn request_parts(&self) -> [&[u8]; 3] {
        [self.framing.before(), &self.piece, self.framing.after()]
    }

    fn consume_request(&mut self, count: usize) {
        let own = self.framing.consume(count, self.piece.len());
        self.piece.advance(own);
        // Only now may the client send as much again.
        let _ = self.body.flow_control().release_capacity(own);
    }

    fn request_has_ended(&self) -> bool {
        self.has_ended && self.request_parts().iter().all(|part| part.is_empty())
    }

    fn poll_gone(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match &mut self.answer {
            Answer::Open(stream) => stream.poll_reset(context).map(drop),
            Answer::Owed => self.respond.poll_reset(context).map(drop),
            Answer::Whole => Poll::Pending,
        }
    }

    fn send_interim(&mut self, message: Message<'_, ResponseHead>) {
        if let Ok(response) = interim_response(message) {
            // A client that is gone shows so at the next step.
            let _ = self.respond.send_informational(response);
        }
    }

    fn start_response(
        &mut self,
        message: Message<'_, ResponseHead>,
        hsts: Option<&SiteHsts>,
    ) -> Result<(), ClientFault> {
        let head = message.head;
        let is_empty = matches!(head.body, BodyKind::None | BodyKind::Length(0));
        self.send_head(final_response(message, hsts)?, is_empty)
    }

    fn poll_send(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut Buffer,
        piece: &mut Piece,
    ) -> Poll<Result<(), ClientFault>> {
        while !piece.position.is_empty() {
            let count = ready!(self.poll_window(context, piece.position.len()))?;
            let end = piece.position.start + count;
            let bytes = Bytes::copy_from_slice(buffer.part(piece.position.start..end));
            piece.position.start = end;
            self.send_piece(bytes, piece.is_last && piece.position.is_empty())?;
        }
        if piece.is_last && !matches!(self.answer, Answer::Whole) {
            self.send_piece(Bytes::new(), true)?;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_flush(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), ClientFault>> {
        // The connection's own task sends what its streams have ready.
        Poll::Ready(Ok(()))
    }

    fn send_page(&mut self, page: &Page, hsts: Option<&SiteHsts>) {
        let text = page.text();
        let sent = page_response(page, text.len(), hsts)
            .and_then(|response| self.send_head(response, self.is_head));
        if sent.is_ok() && !self.is_head {
            let _ = self.send_piece(Bytes::from(text), true);
        }
    }

    fn break_off(&mut self) {
        match &mut self.answer {
            Answer::Open(stream) => stream.send_reset(Reason::INTERNAL_ERROR),
            Answer::Owed => self.respond.send_reset(Reason::INTERNAL_ERROR),
            Answer::Whole => {}
        }
    }
}

fn gone(_: h2::Error) -> ClientFault {
    ClientFault::Gone
}
