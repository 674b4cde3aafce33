//! What is kept with each stream beside the protocol's own state.

use std::task::{Context, Waker};

use edge_contract::RequestRefusal;
use edge_forward::Text;

/// A stream, as its task and the session share it.
#[derive(Default)]
pub(super) struct StreamState {
    waker: Option<Waker>,
    /// What came of the request's body and was not taken yet; the stream's window bounds it.
    pub(super) received: Text,
    /// Why the body is refused, once that is known.
    pub(super) fault: Option<RequestRefusal>,
    /// Whether the request was read to its end.
    pub(super) has_ended: bool,
    /// Whether the server takes no more of what is still to come.
    pub(super) is_server_blocked: bool,
    /// Whether the stream is in the [`super::send_queue::SendQueue`].
    pub(super) is_queued: bool,
    /// While a piece waits to be sent: how much had been sent on all streams when that began.
    pub(super) stalled_at: Option<u64>,
}

impl StreamState {
    /// Have the stream's task woken when something happens to the stream.
    pub(super) fn register(&mut self, context: &Context<'_>) {
        keep_waker(&mut self.waker, context);
    }

    /// Something happened to the stream.
    pub(super) fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// Keep the task's waker, unless it is kept already.
pub(super) fn keep_waker(place: &mut Option<Waker>, context: &Context<'_>) {
    let waker = context.waker();
    if !place.as_ref().is_some_and(|it| it.will_wake(waker)) {
        *place = Some(waker.clone());
    }
}
