//! Binding the listeners of the boot copy (`--bind`), for a start without a control plane.

use std::io;
use std::net::SocketAddr;

use edge_contract::bounds::LISTENER_BACKLOG;
use edge_contract::{Listener, SocketName, Transport};
use edge_proxy::ListeningSocket;
use serde_json::Value;
use socket2::{Domain, Protocol, Socket, Type};

use crate::edge::Edge;
use crate::logger::{self, Level};

impl Edge {
    /// Bind every listener of a recovered snapshot, one socket for each worker. A listener that
    /// cannot be bound is logged and skipped.
    pub(crate) fn bind(&mut self, listeners: &[Listener]) {
        for listener in listeners {
            match (0..self.workers.len()).map(|_| bound(listener)).collect() {
                Ok(sockets) => self.add_bound(&listener.id, sockets),
                Err(error) => {
                    let id = Value::from(listener.id.as_str());
                    let fields = [("listener", id), ("cause", error.to_string().into())];
                    logger::log(Level::Error, "listener_not_bound", fields);
                }
            }
        }
    }

    fn add_bound(&mut self, listener: &str, sockets: Vec<ListeningSocket>) {
        for (worker, socket) in sockets.into_iter().enumerate() {
            self.sockets.add(
                SocketName {
                    listener: listener.to_owned(),
                    worker,
                },
                socket,
            );
        }
    }
}

fn bound(listener: &Listener) -> io::Result<ListeningSocket> {
    match listener.transport() {
        Transport::Tcp => {
            let socket = bound_as(Type::STREAM, Protocol::TCP, listener.address)?;
            socket.listen(LISTENER_BACKLOG)?;
            Ok(ListeningSocket::Tcp(socket.into()))
        }
    }
}

fn bound_as(kind: Type, protocol: Protocol, address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
    // Without it, connections of an earlier run in TIME_WAIT make bind fail.
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}
