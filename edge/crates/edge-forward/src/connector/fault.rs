//! Why a connection to a server could not be opened, for every transport.

use std::io;

use edge_contract::UpstreamFailure;
use rustix::io::Errno;

/// Why a connection could not be opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConnectFault {
    /// The reason in events.
    pub(crate) reason: UpstreamFailure,
    /// Whether the cause is on this machine, so that it must not open the server's circuit breaker.
    pub(crate) is_local: bool,
}

impl ConnectFault {
    /// The server's name could not be looked up.
    pub(super) fn no_address(error: &io::Error) -> Self {
        Self {
            reason: UpstreamFailure::NoAddress,
            is_local: is_local(error),
        }
    }

    /// None of its addresses accepted a connection.
    pub(super) fn not_connected(error: &io::Error) -> Self {
        let reason = match error.kind() {
            io::ErrorKind::ConnectionRefused => UpstreamFailure::ConnectRefused,
            io::ErrorKind::TimedOut => UpstreamFailure::ConnectTimeout,
            io::ErrorKind::NotFound => UpstreamFailure::NoAddress,
            _ => UpstreamFailure::ConnectFailed,
        };
        Self {
            reason,
            is_local: is_local(error),
        }
    }
}

/// Whether the cause is on this machine.
fn is_local(error: &io::Error) -> bool {
    let local = [
        Errno::MFILE,
        Errno::NFILE,
        Errno::NOBUFS,
        Errno::NOMEM,
        Errno::ADDRNOTAVAIL,
    ];
    Errno::from_io_error(error).is_some_and(|errno| local.contains(&errno))
}
