//! One client: a request, an answer, and so on; or a stream of events to the end.

use std::cell::RefCell;
use std::rc::Rc;

use tokio::net::UnixStream;
use tokio::sync::watch;

use super::inbox::Inbox;
use super::verbs::{Answer, answer};
use super::{outbox, stream};
use crate::edge::Edge;

/// Serve a client until it leaves, misbehaves, or the edge says farewell.
pub(super) async fn serve(
    stream: UnixStream,
    edge: Rc<RefCell<Edge>>,
    mut farewell: watch::Receiver<bool>,
) {
    let mut inbox = Inbox::default();
    loop {
        let message = tokio::select! {
            biased;
            message = inbox.next(&stream) => message,
            _ = farewell.wait_for(|said| *said) => return,
        };
        let message = match message {
            Ok(Some(message)) => message,
            Ok(None) => return,
            // Where one frame ends and the next begins is lost: this is the last word.
            Err(fault) => return drop(outbox::refuse(&stream, fault).await),
        };
        let answered = answer(&edge, message);
        let sent = match answered {
            Ok(Answer::Reply(reply)) => reply.send(&stream).await,
            Ok(Answer::Stream { reply, since }) => match reply.send(&stream).await {
                Ok(()) => return stream::tell(&stream, &edge, since, farewell).await,
                gone => gone,
            },
            Err(fault) => outbox::refuse(&stream, fault).await,
        };
        if sent.is_err() {
            return;
        }
    }
}
