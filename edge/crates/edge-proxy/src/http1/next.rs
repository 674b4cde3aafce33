//! Waiting for the next request, without a buffer while nothing is received, and within timeouts.

use std::future::{Future, poll_fn};
use std::os::fd::AsFd;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use edge_contract::{Limits, RequestRefusal};
use edge_forward::{Deadline, FieldList, limits};
use edge_http::{HeadLimits, MAX_EMPTY_LINES, RequestHead, head_may_be_complete, parse_request};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

use super::client::Http1Client;

const EMPTY_LINE: &[u8] = b"\r\n";

/// The result of waiting for a request.
pub(crate) enum Next {
    /// A request's head, at the start of the received bytes.
    Request(RequestHead, FieldList),
    /// No request: the client closed the connection, it timed out, or the worker drains.
    End,
    /// A malformed request.
    Refused(RequestRefusal),
}

/// Wait until the worker drains.
pub(crate) async fn wait_for_drain(mut draining: watch::Receiver<bool>) {
    let _ = draining.wait_for(|&is_draining| is_draining).await;
}

/// Wait for the next request. An idle connection ends once `drained` is ready.
pub(crate) async fn next_request<S: AsyncRead + AsyncWrite + AsFd + Unpin>(
    client: &mut Http1Client<S>,
    bounds: &Limits,
    deadline: &mut Deadline,
    mut drained: Pin<&mut impl Future<Output = ()>>,
) -> Next {
    let mut waiting = HeadReader {
        seen: 0,
        empty_lines: 0,
        limits: limits::of_request(bounds),
        header_timeout: Duration::from_millis(bounds.header_timeout_ms),
    };
    waiting.skip_empty_lines(client);
    let has_begun = !client.received().is_empty();
    let idle_timeout = Duration::from_millis(bounds.idle_timeout_ms);
    deadline.set(if has_begun {
        waiting.header_timeout
    } else {
        idle_timeout
    });
    poll_fn(|context| waiting.poll(context, client, deadline, drained.as_mut())).await
}

struct HeadReader {
    /// The number of bytes of an incomplete head that were scanned.
    seen: usize,
    /// The number of empty lines that were discarded before the request.
    empty_lines: usize,
    limits: HeadLimits,
    header_timeout: Duration,
}

impl HeadReader {
    fn poll<S: AsyncRead + AsyncWrite + AsFd + Unpin>(
        &mut self,
        context: &mut Context<'_>,
        client: &mut Http1Client<S>,
        deadline: &mut Deadline,
        mut drained: Pin<&mut impl Future<Output = ()>>,
    ) -> Poll<Next> {
        loop {
            if let Some(next) = self.read_head(client.received()) {
                return Poll::Ready(next);
            }
            let is_idle = self.seen == 0;
            match client.poll_receive(context, self.limits.bytes) {
                Poll::Ready(Ok(count)) if count > 0 => {}
                Poll::Ready(_) => return Poll::Ready(Next::End),
                Poll::Pending => break,
            }
            self.skip_empty_lines(client);
            if is_idle && !client.received().is_empty() {
                deadline.set(self.header_timeout);
            }
        }
        let is_idle = self.seen == 0;
        if is_idle && drained.as_mut().poll(context).is_ready() {
            return Poll::Ready(Next::End);
        }
        ready!(deadline.poll_due(context));
        Poll::Ready(if is_idle {
            Next::End
        } else {
            Next::Refused(RequestRefusal::HeaderTimeout)
        })
    }

    /// Discard empty lines before a request, which some clients send after a body (RFC 9112 §2.2).
    /// If other bytes follow, or there are too many, they are left to the parser.
    fn skip_empty_lines<S: AsyncRead + AsyncWrite + AsFd + Unpin>(
        &mut self,
        client: &mut Http1Client<S>,
    ) {
        let mut lines = client.received().chunks(EMPTY_LINE.len());
        let (count, are_empty) = (lines.len(), lines.all(|it| it == EMPTY_LINE));
        if count > 0 && are_empty && self.empty_lines + count <= MAX_EMPTY_LINES {
            client.skip(count * EMPTY_LINE.len());
            self.empty_lines += count;
            self.seen = 0;
        }
    }

    fn read_head(&mut self, input: &[u8]) -> Option<Next> {
        let seen = std::mem::replace(&mut self.seen, input.len());
        let may_be_complete = seen == 0 || head_may_be_complete(input, seen, &self.limits);
        if input.is_empty() || !may_be_complete {
            return None;
        }
        // Discarded lines count too, so that the result does not depend on how the bytes were split into reads.
        let lines = input.chunks(EMPTY_LINE.len());
        if self.empty_lines + lines.take_while(|it| *it == EMPTY_LINE).count() > MAX_EMPTY_LINES {
            return Some(Next::Refused(RequestRefusal::MethodMalformed));
        }
        let mut fields = FieldList::new();
        match parse_request(input, &self.limits, &mut fields) {
            Ok(head) => head.map(|head| Next::Request(head, fields)),
            Err(refusal) => Some(Next::Refused(refusal)),
        }
    }
}
