//! File descriptors over a Unix socket (`SCM_RIGHTS`), and the check that they are listening sockets.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use edge_contract::{ErrorCode, Fault, Transport};
use edge_proxy::ListeningSocket;
use rustix::net::sockopt::{socket_acceptconn, socket_domain, socket_type};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketType, recvmsg, sendmsg,
};

pub(crate) use edge_contract::bounds::MAX_DESCRIPTORS;

/// Receive bytes, and append the descriptors that were sent with them.
pub(crate) fn receive(
    socket: impl AsFd,
    buffer: &mut [u8],
    descriptors: &mut Vec<OwnedFd>,
) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let slices = &mut [IoSliceMut::new(buffer)];
    let received = recvmsg(socket, slices, &mut control, RecvFlags::CMSG_CLOEXEC)?;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            descriptors.extend(rights);
        }
    }
    Ok(received.bytes)
}

/// Send bytes with descriptors; return the number of bytes sent. The descriptors arrive with the first byte.
pub(crate) fn send(
    socket: impl AsFd,
    bytes: &[u8],
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::Error::other("too many descriptors for one message"));
    }
    Ok(sendmsg(
        socket,
        &[IoSlice::new(bytes)],
        &mut control,
        SendFlags::NOSIGNAL,
    )?)
}

/// Check that each descriptor is a listening TCP socket. If one is not, all are closed.
pub(crate) fn listening_sockets(descriptors: Vec<OwnedFd>) -> Result<Vec<ListeningSocket>, Fault> {
    let named = |(index, descriptor)| {
        let socket = listening_socket(descriptor);
        socket.map_err(|fault| fault.under(&format!("sockets[{index}]")))
    };
    descriptors.into_iter().enumerate().map(named).collect()
}

fn listening_socket(descriptor: OwnedFd) -> Result<ListeningSocket, Fault> {
    let socket = match transport_of(&descriptor) {
        Some(Transport::Tcp) => ListeningSocket::Tcp(descriptor.into()),
        None => {
            let message = "the descriptor is not a listening TCP socket";
            return Err(Fault::new(ErrorCode::FdKindWrong, message));
        }
    };
    match socket.set_nonblocking() {
        Ok(()) => Ok(socket),
        Err(error) => Err(Fault::new(ErrorCode::Internal, error.to_string())),
    }
}

/// The transport of a listening internet socket; `None` for any other descriptor.
fn transport_of(descriptor: &OwnedFd) -> Option<Transport> {
    let is_internet = |family| matches!(family, AddressFamily::INET | AddressFamily::INET6);
    if !socket_domain(descriptor).is_ok_and(is_internet) {
        return None;
    }
    match socket_type(descriptor) {
        Ok(SocketType::STREAM) if socket_acceptconn(descriptor) == Ok(true) => Some(Transport::Tcp),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::os::unix::net::{UnixListener, UnixStream};

    use super::*;

    /// Descriptors are received with the bytes that they were sent with.
    #[test]
    fn descriptors_are_received_with_their_bytes() {
        let (here, there) = UnixStream::pair().unwrap();
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        assert_eq!(
            2,
            send(&here, b"hi", &[socket.as_fd(), socket.as_fd()]).unwrap()
        );
        let (mut buffer, mut descriptors) = ([0; 16], Vec::new());
        assert_eq!(2, receive(&there, &mut buffer, &mut descriptors).unwrap());
        let arrived = listening_sockets(descriptors).unwrap();
        let address = socket.local_addr().unwrap();
        let all = arrived.iter().map(|socket| match socket {
            ListeningSocket::Tcp(socket) => socket.local_addr().unwrap(),
        });
        assert_eq!(vec![address, address], all.collect::<Vec<_>>());
    }

    /// Anything but a listening TCP socket is refused, and the error has its index.
    #[test]
    fn other_descriptors_are_refused() {
        let good = TcpListener::bind("127.0.0.1:0").unwrap();
        let connected = TcpStream::connect(good.local_addr().unwrap()).unwrap();
        let (pair, _peer) = UnixStream::pair().unwrap();
        let directory = std::env::temp_dir().join(format!("edge-fd-{}", std::process::id()));
        let unix = UnixListener::bind(&directory).unwrap();
        std::fs::remove_file(&directory).unwrap();
        let others: [OwnedFd; 5] = [
            connected.into(),
            UdpSocket::bind("127.0.0.1:0").unwrap().into(),
            pair.into(),
            unix.into(),
            std::fs::File::open("/dev/null").unwrap().into(),
        ];
        for other in others {
            let fault =
                listening_sockets(vec![good.try_clone().unwrap().into(), other]).unwrap_err();
            assert_eq!(
                (ErrorCode::FdKindWrong, "sockets[1]"),
                (fault.code, fault.path.as_str())
            );
        }
    }
}
