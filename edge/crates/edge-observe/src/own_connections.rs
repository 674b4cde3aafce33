//! Connections of the control plane itself, which count as no client's.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// An address that was announced and never came is forgotten after so long.
const HELD_FOR: Duration = Duration::from_secs(10);
const MOST: usize = 4096;

/// The addresses that the control plane makes handshakes from at present.
///
/// It announces each over the control socket, once its connection is open and before its first byte:
/// no other connection can have that address then, and no client can announce one.
#[derive(Default)]
pub(crate) struct OwnConnections {
    /// How many there are: as long as there are none, workers do not touch the lock.
    count: AtomicUsize,
    peers: Mutex<HashMap<SocketAddr, Instant>>,
}

impl OwnConnections {
    pub(crate) fn expect(&self, peers: impl IntoIterator<Item = SocketAddr>, now: Instant) {
        let mut held = self.held();
        held.retain(|_, since| now.duration_since(*since) < HELD_FOR);
        let room = MOST - held.len();
        held.extend(peers.into_iter().take(room).map(|peer| (plain(peer), now)));
        self.count.store(held.len(), Ordering::Release);
    }

    /// Whether a handshake is the control plane's; an address counts for one handshake.
    pub(crate) fn take(&self, peer: SocketAddr) -> bool {
        if self.count.load(Ordering::Acquire) == 0 {
            return false;
        }
        let mut held = self.held();
        let since = held.remove(&plain(peer));
        self.count.store(held.len(), Ordering::Release);
        since.is_some_and(|since| since.elapsed() < HELD_FOR)
    }

    fn held(&self) -> MutexGuard<'_, HashMap<SocketAddr, Instant>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The address without the form that a socket for both protocols gives it.
fn plain(peer: SocketAddr) -> SocketAddr {
    SocketAddr::new(peer.ip().to_canonical(), peer.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    /// An announced address is ours once, in either of its forms; all others are clients.
    #[test]
    fn an_address_is_ours_once() {
        let own = OwnConnections::default();
        assert!(!own.take(peer("127.0.0.1:1")));
        own.expect([peer("127.0.0.1:1"), peer("[::1]:2")], Instant::now());
        assert!(!own.take(peer("127.0.0.1:2")));
        assert!(own.take(peer("[::ffff:127.0.0.1]:1")));
        assert!(!own.take(peer("127.0.0.1:1")));
        assert!(own.take(peer("[::1]:2")));
        assert_eq!(0, own.count.load(Ordering::Acquire));
    }

    /// What never came is forgotten, so that no client is taken for it later.
    #[test]
    fn what_never_came_is_forgotten() {
        let own = OwnConnections::default();
        let long_ago = Instant::now().checked_sub(HELD_FOR).unwrap();
        own.expect([peer("127.0.0.1:1")], long_ago);
        assert!(!own.take(peer("127.0.0.1:1")));
        own.expect([peer("127.0.0.1:3")], long_ago);
        own.expect([], Instant::now());
        assert_eq!(0, own.count.load(Ordering::Acquire));
    }

    /// There is a bound on what is remembered.
    #[test]
    fn not_more_than_so_many_are_held() {
        let own = OwnConnections::default();
        let many = (0..=u16::MAX).map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        own.expect(many, Instant::now());
        assert_eq!(MOST, own.count.load(Ordering::Acquire));
    }
}
