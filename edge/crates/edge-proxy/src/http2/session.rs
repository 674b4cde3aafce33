//! The task of one connection: it reads frames, spawns a task for each request, and writes their output.

use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use edge_contract::Limits;
use edge_forward::{ConnectionContext, Deadline};
use edge_http::http2::{Config, Connection, Cutoff};
use edge_tls::TlsStream;
use tokio::io::AsyncWrite;

use super::reader::{Reader, Stop};
use super::shared::Shared;
use crate::counted_stream::CountedStream;

/// How long and how many bytes are read and discarded after a cutoff, so that the client reads the GOAWAY
/// before the connection is reset.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
const CLOSE_BYTES: usize = 256 * 1024;

/// The result of a step of the session.
type Step<T> = Result<T, Ended>;

/// The connection failed, or the client closed it.
struct Ended;

pub(super) struct Session {
    stream: CountedStream<TlsStream>,
    reader: Reader,
    shared: Shared,
    context: Rc<ConnectionContext>,
    deadline: Deadline,
    idle_timeout: Duration,
    /// Whether the preface was received, from which on the deadline is that of the idle timeout.
    is_established: bool,
    is_cut_off: bool,
}

impl Session {
    pub(super) fn new(
        stream: CountedStream<TlsStream>,
        context: Rc<ConnectionContext>,
        config: Config,
        limits: &Limits,
    ) -> Self {
        let header_timeout = Duration::from_millis(limits.header_timeout_ms);
        let shared = Shared::new(Connection::new(config));
        Self {
            stream,
            reader: Reader::new(shared.clone(), Rc::clone(&context), header_timeout),
            shared,
            context,
            deadline: Deadline::after(header_timeout),
            idle_timeout: Duration::from_millis(limits.idle_timeout_ms),
            is_established: false,
            is_cut_off: false,
        }
    }

    /// Run until the connection ends.
    pub(super) async fn run(&mut self, mut drained: Pin<&mut impl Future<Output = ()>>) {
        let served = poll_fn(|it| self.poll(it, drained.as_mut())).await;
        self.shared.state().end();
        if served.is_ok() {
            self.close().await;
        }
    }

    fn poll(
        &mut self,
        context: &mut Context<'_>,
        drained: Pin<&mut impl Future<Output = ()>>,
    ) -> Poll<Step<()>> {
        if !self.is_shutting_down() && drained.poll(context).is_ready() {
            self.shared.state().http2.announce_shutdown();
        }
        match self.reader.poll(context, &mut self.stream) {
            Poll::Ready(Stop::Closed) => return Poll::Ready(Err(Ended)),
            Poll::Ready(Stop::CutOff(cutoff)) => return self.cut_off(cutoff),
            Poll::Pending => {}
        }
        let stalled = self.shared.state().cutoff.take();
        if let Some(reason) = stalled {
            return self.cut_off(reason.into());
        }
        let is_sent = self.poll_transmit(context)?.is_ready();
        if self.reader.may_resume() {
            context.waker().wake_by_ref();
        }
        if is_sent && self.shared.state().http2.is_shut_down() {
            return Poll::Ready(Ok(()));
        }
        self.shared.state().register_session(context);
        self.poll_idle(context).map(Ok)
    }

    fn is_shutting_down(&self) -> bool {
        self.shared.state().http2.is_shutting_down()
    }

    fn cut_off(&mut self, cutoff: Cutoff) -> Poll<Step<()>> {
        self.is_cut_off = true;
        self.shared.state().http2.cut_off(cutoff);
        let ConnectionContext {
            worker, site, peer, ..
        } = &*self.context;
        worker
            .observer
            .http2_cut_off(&site.id, *peer, cutoff.reason);
        Poll::Ready(Ok(()))
    }

    /// Write the output; ready when all of it was accepted by the socket.
    fn poll_transmit(&mut self, context: &mut Context<'_>) -> Poll<Step<()>> {
        let mut state = self.shared.state();
        while state.http2.output_bytes() > 0 {
            let output = state.http2.output();
            match Pin::new(&mut self.stream).poll_write(context, output) {
                Poll::Ready(Ok(count)) if count > 0 => state.http2.consume_output(count),
                Poll::Ready(_) => return Poll::Ready(Err(Ended)),
                Poll::Pending => {
                    state.record_sent(false);
                    return Poll::Pending;
                }
            }
            state.wake_next();
        }
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        state.record_sent(flushed.is_ready());
        flushed.map_err(|_| Ended)
    }

    /// Ready when the idle timeout has passed and GOAWAY was sent.
    fn poll_idle(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.update_deadline();
        ready!(self.deadline.poll_due(context));
        if !self.is_established || self.is_shutting_down() {
            return Poll::Ready(());
        }
        // Announce the shutdown first, and wait for as long again.
        self.shared.state().http2.announce_shutdown();
        self.deadline.set(self.idle_timeout);
        context.waker().wake_by_ref();
        Poll::Pending
    }

    fn update_deadline(&mut self) {
        let mut state = self.shared.state();
        let is_idle = state.http2.open_streams() == 0;
        if !self.is_established && state.http2.is_established() {
            self.is_established = true;
            self.deadline.set(self.idle_timeout);
        } else if !is_idle && self.is_established {
            self.deadline.set(self.idle_timeout);
        }
        if is_idle {
            state.http2.release_memory();
        }
    }

    /// Write the last frames and close TLS. After a cutoff, linger until the client has read them.
    async fn close(&mut self) {
        self.deadline.set(CLOSE_TIMEOUT);
        self.reader.clear();
        let mut left = if self.is_cut_off { CLOSE_BYTES } else { 0 };
        poll_fn(|context| {
            if self.poll_close(context, &mut left).is_ready() {
                return Poll::Ready(());
            }
            self.deadline.poll_due(context)
        })
        .await;
    }

    fn poll_close(&mut self, context: &mut Context<'_>, left: &mut usize) -> Poll<()> {
        if ready!(self.poll_transmit(context)).is_err() {
            return Poll::Ready(());
        }
        let ended = ready!(Pin::new(&mut self.stream).poll_shutdown(context));
        if ended.is_err() {
            return Poll::Ready(());
        }
        // Closing a socket with unread bytes resets the connection, and the last frames would be lost.
        self.reader.poll_discard(context, &mut self.stream, left)
    }
}
