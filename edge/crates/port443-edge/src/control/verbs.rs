//! The verbs of the control socket: from a request to its reply.
//!
//! Nothing here is asynchronous, so requests of several clients are executed one after another.

use std::cell::RefCell;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::Duration;

use edge_contract::{
    Drain, Draining, ErrorCode, Events, EventsBegin, Expect, Fault, Reply, Request, SocketName,
    Sockets, SocketsSent, TakeSockets,
};

use super::message_reader::Message;
use super::message_writer::OutgoingMessage;
use crate::descriptors::{MAX_DESCRIPTORS, listening_sockets};
use crate::edge::Edge;

/// The answer to a request.
pub(super) enum Answer {
    /// One frame.
    Reply(OutgoingMessage),
    /// One frame, then an event stream.
    Stream {
        /// The frame.
        reply: OutgoingMessage,
        /// The number of the last event that the client has.
        since: u64,
    },
}

/// Execute a request.
pub(super) fn execute(edge: &Rc<RefCell<Edge>>, message: Message) -> Result<Answer, Fault> {
    let Message { frame, descriptors } = message;
    let request = Request::decode(&frame)?;
    if !descriptors.is_empty() && !matches!(request, Request::Sockets(_)) {
        return Err(Fault::new(
            ErrorCode::FdCountWrong,
            "this verb takes no descriptors",
        ));
    }
    let edge = &mut *edge.borrow_mut();
    let reply = match request {
        Request::Identify => Reply::Identify(edge.identity()),
        Request::TakeSockets(TakeSockets { after }) => return take_sockets(edge, after),
        Request::Events(Events { since }) => {
            let reply = events(edge);
            let reply = OutgoingMessage::new(&reply, Vec::new())?;
            return Ok(Answer::Stream { reply, since });
        }
        Request::Put { parts } => Reply::Put {
            stored: edge.put(parts),
        },
        Request::Apply(apply) => Reply::Apply {
            receipt: edge.apply(&apply)?,
        },
        Request::Sockets(Sockets { sockets }) => add_sockets(edge, sockets, descriptors)?,
        Request::Expect(Expect { peers }) => {
            edge.expect(peers);
            Reply::Expect
        }
        Request::Stats => Reply::Stats {
            stats: Box::new(edge.stats()),
        },
        Request::Drain(Drain { timeout_ms }) => {
            edge.drain_within(Duration::from_millis(timeout_ms));
            Reply::Drain(Draining {
                connections: edge.connections_open(),
            })
        }
        Request::Stop => {
            edge.drain_within(Duration::ZERO);
            Reply::Stop
        }
    };
    OutgoingMessage::new(&reply, Vec::new()).map(Answer::Reply)
}

fn add_sockets(
    edge: &mut Edge,
    names: Vec<SocketName>,
    descriptors: Vec<OwnedFd>,
) -> Result<Reply, Fault> {
    if names.len() != descriptors.len() {
        let message = format!(
            "{} sockets listed, {} descriptors received",
            names.len(),
            descriptors.len()
        );
        return Err(Fault::new(ErrorCode::FdCountWrong, message));
    }
    let taken = edge.add_sockets(names, listening_sockets(descriptors)?)?;
    Ok(Reply::Sockets { taken })
}

fn take_sockets(edge: &Edge, after: u64) -> Result<Answer, Fault> {
    let after = usize::try_from(after).unwrap_or(usize::MAX);
    let (sockets, handles, more) = edge
        .sockets
        .page(after, MAX_DESCRIPTORS)
        .map_err(|error| Fault::new(ErrorCode::Internal, error.to_string()))?;
    let reply = Reply::TakeSockets(SocketsSent { sockets, more });
    OutgoingMessage::new(&reply, handles).map(Answer::Reply)
}

fn events(edge: &Edge) -> Reply {
    Reply::Events(EventsBegin {
        boot: edge.boot.clone(),
        oldest: edge.log.borrow().oldest(),
    })
}
