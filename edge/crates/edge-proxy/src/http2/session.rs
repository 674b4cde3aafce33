//! One connection: it reads frames, gives each request a task, and sends what they have ready.

mod reading;

use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use edge_contract::{Http2Cutoff, Limits};
use edge_forward::budget::SMALL;
use edge_forward::{Buffer, ConnectionContext, Deadline};
use edge_http::http2::{Config, Connection, Cutoff};
use edge_tls::TlsStream;
use tokio::io::AsyncWrite;

use super::half_closed::HalfClosed;
use super::shared::Shared;
use crate::counted::Counted;

/// After a cutoff: for how long, and up to how many bytes, the client may go on until it reads why.
const LAST_WORDS: Duration = Duration::from_secs(1);
const LAST_BYTES: usize = 256 * 1024;

/// How a step of the session ended.
type Step<T> = Result<T, Ended>;

/// The connection has ended by itself.
struct Ended;

pub(super) struct Session {
    stream: Counted<TlsStream>,
    inbox: Buffer,
    shared: Shared,
    context: Rc<ConnectionContext>,
    deadline: Deadline,
    /// While a header has begun and is not whole.
    header_deadline: Option<Deadline>,
    header_timeout: Duration,
    started: Instant,
    idle_timeout: Duration,
    is_greeted: bool,
    is_leaving: bool,
    /// Once the client has ended its side.
    half_closed: Option<HalfClosed>,
    /// Whether the client was not listened to when that was last asked.
    is_paused: bool,
    cutoff: Option<Cutoff>,
}

impl Session {
    pub(super) fn new(
        stream: Counted<TlsStream>,
        context: Rc<ConnectionContext>,
        config: Config,
        limits: &Limits,
    ) -> Self {
        let header_timeout = Duration::from_millis(limits.header_timeout_ms);
        Self {
            stream,
            inbox: Buffer::default(),
            shared: Shared::new(Connection::new(config)),
            context,
            deadline: Deadline::after(header_timeout),
            header_deadline: None,
            header_timeout,
            started: Instant::now(),
            idle_timeout: Duration::from_millis(limits.idle_timeout_ms),
            is_greeted: false,
            is_leaving: false,
            half_closed: None,
            is_paused: false,
            cutoff: None,
        }
    }

    /// Run until both sides are done with each other.
    pub(super) async fn run(&mut self, mut drained: Pin<&mut impl Future<Output = ()>>) {
        let served = poll_fn(|it| self.poll(it, drained.as_mut())).await;
        self.shared.state().end();
        if served.is_ok() {
            self.say_goodbye().await;
        }
    }

    fn poll(
        &mut self,
        context: &mut Context<'_>,
        drained: Pin<&mut impl Future<Output = ()>>,
    ) -> Poll<Step<()>> {
        if !self.is_leaving && drained.poll(context).is_ready() {
            self.is_leaving = true;
            self.shared.state().http2.announce_shutdown();
        }
        if let Poll::Ready(outcome) = self.poll_receive(context) {
            return Poll::Ready(outcome);
        }
        if self.poll_header(context).is_ready() {
            self.cut_off(Http2Cutoff::HeaderTimeout.into());
            return Poll::Ready(Ok(()));
        }
        if self.obey_streams() {
            return Poll::Ready(Ok(()));
        }
        let is_sent = self.poll_transmit(context)?.is_ready();
        if self.is_paused && !self.is_full() {
            // Not all was read, so nobody would wake us for what the client has sent meanwhile.
            context.waker().wake_by_ref();
        }
        if is_sent && self.shared.state().http2.is_shut_down() {
            return Poll::Ready(Ok(()));
        }
        self.shared.state().register_session(context);
        self.poll_idle(context).map(Ok)
    }

    /// Whether a stream wants the connection's end.
    fn obey_streams(&mut self) -> bool {
        let reason = self.shared.state().cutoff.take();
        if let Some(reason) = reason {
            self.cut_off(reason.into());
        }
        reason.is_some()
    }

    fn cut_off(&mut self, cutoff: Cutoff) {
        self.cutoff = Some(cutoff);
        self.shared.state().http2.cut_off(cutoff);
        let ConnectionContext {
            worker, site, peer, ..
        } = &*self.context;
        worker
            .observer
            .http2_cut_off(&site.id, *peer, cutoff.reason);
    }

    /// Send what is there in as few pieces as the socket takes; ready when nothing is left.
    fn poll_transmit(&mut self, context: &mut Context<'_>) -> Poll<Step<()>> {
        let mut state = self.shared.state();
        while state.http2.output_bytes() > 0 {
            let output = state.http2.output();
            match Pin::new(&mut self.stream).poll_write(context, output) {
                Poll::Ready(Ok(count)) if count > 0 => state.http2.note_sent(count),
                Poll::Ready(_) => return Poll::Ready(Err(Ended)),
                Poll::Pending => {
                    state.note_sent(false);
                    return Poll::Pending;
                }
            }
            state.wake_next();
        }
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        state.note_sent(flushed.is_ready());
        flushed.map_err(|_| Ended)
    }

    /// Ready when there were no requests for too long.
    fn poll_idle(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.note_progress();
        ready!(self.deadline.poll_due(context));
        if !self.is_greeted || self.is_leaving {
            return Poll::Ready(());
        }
        // Nobody has asked for anything for long: say so, and then wait no longer than that.
        self.is_leaving = true;
        self.shared.state().http2.announce_shutdown();
        self.deadline.set(self.idle_timeout);
        context.waker().wake_by_ref();
        Poll::Pending
    }

    fn note_progress(&mut self) {
        let mut state = self.shared.state();
        let is_idle = state.http2.open_streams() == 0;
        if !self.is_greeted && state.http2.is_established() {
            self.is_greeted = true;
            self.deadline.set(self.idle_timeout);
        } else if !is_idle && self.is_greeted {
            self.deadline.set(self.idle_timeout);
        }
        if is_idle {
            state.http2.release_memory();
        }
    }

    /// Send the last frames and the end of TLS; after a cutoff, let the client read them.
    async fn say_goodbye(&mut self) {
        self.deadline.set(LAST_WORDS);
        self.inbox = Buffer::default();
        let mut left = if self.cutoff.is_some() { LAST_BYTES } else { 0 };
        poll_fn(|context| {
            if self.poll_goodbye(context, &mut left).is_ready() {
                return Poll::Ready(());
            }
            self.deadline.poll_due(context)
        })
        .await;
    }

    fn poll_goodbye(&mut self, context: &mut Context<'_>, left: &mut usize) -> Poll<()> {
        if ready!(self.poll_transmit(context)).is_err() {
            return Poll::Ready(());
        }
        let ended = ready!(Pin::new(&mut self.stream).poll_shutdown(context));
        // What comes and is not read would make the kernel reset the goodbye away.
        while ended.is_ok() && *left > 0 {
            self.inbox.renew(SMALL);
            match ready!(self.inbox.poll_fill(context, &mut self.stream)) {
                Ok(count) if count > 0 => *left = left.saturating_sub(count),
                _ => break,
            }
        }
        Poll::Ready(())
    }
}
