//! The control plane's own connections, which are not counted as those of clients.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long an announced address is valid.
const EXPIRY: Duration = Duration::from_secs(10);
const MAX_ADDRESSES: usize = 4096;

/// The client addresses of the control plane's own connections.
///
/// The control plane announces each over the control socket after it has connected and before it
/// sends the first byte, so no client can have the same address and port at that time.
#[derive(Default)]
pub(crate) struct OwnConnections {
    /// The number of addresses. While it is 0, workers do not take the lock.
    count: AtomicUsize,
    peers: Mutex<HashMap<SocketAddr, Instant>>,
}

impl OwnConnections {
    pub(crate) fn expect(&self, peers: impl IntoIterator<Item = SocketAddr>, now: Instant) {
        let mut held = self.held();
        held.retain(|_, since| now.duration_since(*since) < EXPIRY);
        let room = MAX_ADDRESSES - held.len();
        held.extend(peers.into_iter().take(room).map(|peer| (plain(peer), now)));
        self.count.store(held.len(), Ordering::Release);
    }

    /// Remove an address; return whether it was announced and has not expired.
    pub(crate) fn take(&self, peer: SocketAddr) -> bool {
        if self.count.load(Ordering::Acquire) == 0 {
            return false;
        }
        let mut held = self.held();
        let since = held.remove(&plain(peer));
        self.count.store(held.len(), Ordering::Release);
        since.is_some_and(|since| since.elapsed() < EXPIRY)
    }

    fn held(&self) -> MutexGuard<'_, HashMap<SocketAddr, Instant>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The address as IPv4 if it is an IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2).
fn plain(peer: SocketAddr) -> SocketAddr {
    SocketAddr::new(peer.ip().to_canonical(), peer.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    /// An announced address is taken once, also in its IPv4-mapped form.
    #[test]
    fn an_address_is_taken_once() {
        let own = OwnConnections::default();
        assert!(!own.take(peer("127.0.0.1:1")));
        own.expect([peer("127.0.0.1:1"), peer("[::1]:2")], Instant::now());
        assert!(!own.take(peer("127.0.0.1:2")));
        assert!(own.take(peer("[::ffff:127.0.0.1]:1")));
        assert!(!own.take(peer("127.0.0.1:1")));
        assert!(own.take(peer("[::1]:2")));
        assert_eq!(0, own.count.load(Ordering::Acquire));
    }

    /// An expired address is not taken.
    #[test]
    fn addresses_expire() {
        let own = OwnConnections::default();
        let long_ago = Instant::now().checked_sub(EXPIRY).unwrap();
        own.expect([peer("127.0.0.1:1")], long_ago);
        assert!(!own.take(peer("127.0.0.1:1")));
        own.expect([peer("127.0.0.1:3")], long_ago);
        own.expect([], Instant::now());
        assert_eq!(0, own.count.load(Ordering::Acquire));
    }

    /// The number of addresses is bounded.
    #[test]
    fn addresses_are_bounded() {
        let own = OwnConnections::default();
        let many = (0..=u16::MAX).map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        own.expect(many, Instant::now());
        assert_eq!(MAX_ADDRESSES, own.count.load(Ordering::Acquire));
    }
}
