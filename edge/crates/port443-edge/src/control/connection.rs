//! One client of the control socket: requests and their replies in order, or an event stream until it closes.

use std::cell::RefCell;
use std::rc::Rc;

use tokio::net::UnixStream;
use tokio::sync::watch;

use super::message_reader::MessageReader;
use super::verbs::{self, Answer};
use super::{message_writer, stream};
use crate::edge::Edge;

/// Serve a client until it disconnects, sends a malformed frame, or the edge shuts down.
pub(super) async fn serve(
    stream: UnixStream,
    edge: Rc<RefCell<Edge>>,
    mut shutdown: watch::Receiver<bool>,
) {
    let mut message_reader = MessageReader::default();
    loop {
        let message = tokio::select! {
            biased;
            message = message_reader.next(&stream) => message,
            _ = shutdown.wait_for(|begun| *begun) => return,
        };
        let message = match message {
            Ok(Some(message)) => message,
            Ok(None) => return,
            // After a malformed frame the start of the next one is unknown, so close after the error.
            Err(fault) => return drop(message_writer::refuse(&stream, fault).await),
        };
        let executed = verbs::execute(&edge, message);
        let sent = match executed {
            Ok(Answer::Reply(reply)) => reply.send(&stream).await,
            Ok(Answer::Stream { reply, since }) => match reply.send(&stream).await {
                Ok(()) => return stream::send_events(&stream, &edge, since, shutdown).await,
                closed => closed,
            },
            Err(fault) => message_writer::refuse(&stream, fault).await,
        };
        if sent.is_err() {
            return;
        }
    }
}
