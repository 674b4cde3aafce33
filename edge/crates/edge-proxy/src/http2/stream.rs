//! The state of a stream besides that of the protocol.

use std::task::{Context, Waker};

use edge_contract::RequestRefusal;
use edge_forward::RecycledVec;

/// The state that a stream's task and the session share.
#[derive(Default)]
pub(super) struct StreamState {
    waker: Option<Waker>,
    /// Received bytes of the request's body, bounded by the stream's window.
    pub(super) received: RecycledVec,
    /// Why the body is refused.
    pub(super) fault: Option<RequestRefusal>,
    /// Whether the end of the request was received.
    pub(super) has_ended: bool,
    /// Whether the server accepts no more of the request.
    pub(super) is_server_blocked: bool,
    /// Whether the stream is in the [`super::send_queue::SendQueue`].
    pub(super) is_queued: bool,
    /// While a piece waits to be sent: the number of bytes that all streams had sent when the wait began.
    pub(super) stalled_at: Option<u64>,
}

impl StreamState {
    /// Wake the stream's task at its next event.
    pub(super) fn register(&mut self, context: &Context<'_>) {
        store_waker(&mut self.waker, context);
    }

    /// Wake the stream's task.
    pub(super) fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// Store the task's waker, unless it is stored already.
pub(super) fn store_waker(stored: &mut Option<Waker>, context: &Context<'_>) {
    let waker = context.waker();
    if !stored.as_ref().is_some_and(|it| it.will_wake(waker)) {
        *stored = Some(waker.clone());
    }
}
