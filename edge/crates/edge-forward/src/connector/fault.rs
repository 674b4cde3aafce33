//! Why a connection to a server could not be made, whatever its transport.

use std::io;

use edge_contract::UpstreamFailure;
use rustix::io::Errno;

/// Why a connection could not be made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConnectFault {
    /// The name that it has in events.
    pub(crate) reason: UpstreamFailure,
    /// Whether the cause lies with us, so that it says nothing about the server.
    pub(crate) is_ours: bool,
}

impl ConnectFault {
    /// The server's name could not be looked up.
    pub(super) fn no_address(error: &io::Error) -> Self {
        Self {
            reason: UpstreamFailure::NoAddress,
            is_ours: is_ours(error),
        }
    }

    /// None of its addresses took a connection.
    pub(super) fn not_connected(error: &io::Error) -> Self {
        let reason = match error.kind() {
            io::ErrorKind::ConnectionRefused => UpstreamFailure::ConnectRefused,
            io::ErrorKind::TimedOut => UpstreamFailure::ConnectTimeout,
            io::ErrorKind::NotFound => UpstreamFailure::NoAddress,
            _ => UpstreamFailure::ConnectFailed,
        };
        Self {
            reason,
            is_ours: is_ours(error),
        }
    }
}

/// Whether the cause lies with us.
fn is_ours(error: &io::Error) -> bool {
    let ours = [
        Errno::MFILE,
        Errno::NFILE,
        Errno::NOBUFS,
        Errno::NOMEM,
        Errno::ADDRNOTAVAIL,
    ];
    Errno::from_io_error(error).is_some_and(|errno| ours.contains(&errno))
}
