//! Binding listeners here, for a start without a control plane.

use std::io;
use std::net::SocketAddr;

use edge_contract::bounds::LISTENER_BACKLOG;
use edge_contract::{Listener, SocketName, Transport};
use edge_proxy::ListeningSocket;
use serde_json::Value;
use socket2::{Domain, Protocol, Socket, Type};

use crate::edge::Edge;
use crate::journal::{self, Level};

impl Edge {
    /// Bind every listener of a recovered snapshot, one socket a worker; the rest goes on without
    /// the ones that cannot be bound.
    pub(crate) fn bind(&mut self, listeners: &[Listener]) {
        for listener in listeners {
            match (0..self.workers.len()).map(|_| bound(listener)).collect() {
                Ok(sockets) => self.hold(&listener.id, sockets),
                Err(error) => {
                    let id = Value::from(listener.id.as_str());
                    let particulars = [("listener", id), ("cause", error.to_string().into())];
                    journal::say(Level::Error, "listener_not_bound", particulars);
                }
            }
        }
    }

    fn hold(&mut self, listener: &str, sockets: Vec<ListeningSocket>) {
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
    // Connections of an earlier run that linger in TIME_WAIT must not keep us from the port.
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}
