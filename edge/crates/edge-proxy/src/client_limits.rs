//! Limits by client address, in a table of fixed size.

use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::time::Instant;

use edge_contract::Limits;

/// The table is set-associative, with 16,384 entries.
const SETS: usize = 1024;
const WAYS: usize = 16;
const SECOND_NS: u64 = 1_000_000_000;

/// The limit that a client has reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LimitExceeded {
    /// `limits.connections.per_address`.
    Connections,
    /// `limits.handshakes`.
    Handshakes,
}

/// The clients of a worker.
///
/// A client is an IPv4 address, or the /64 of an IPv6 address, which is the smallest network that
/// is assigned to a site (RFC 6177). Entries are found by a keyed hash, so that clients cannot
/// choose their set. If all entries of a set have open connections, another client is not counted,
/// and only the limit of the worker applies to it.
pub(crate) struct ClientTable {
    hasher: RandomState,
    started: Instant,
    sets: Box<[Vec<ClientEntry>]>,
}

struct ClientEntry {
    key: u64,
    open: u64,
    /// When the token bucket of handshakes is full again, in nanoseconds since the start.
    full_at_ns: u64,
}

/// The key of a counted client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClientKey(u64);

impl ClientTable {
    /// Create an empty table.
    pub(crate) fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            started: Instant::now(),
            sets: (0..SETS).map(|_| Vec::new()).collect(),
        }
    }

    /// Count a connection; the error is the limit that its client has reached. `None` if the client is not counted.
    pub(crate) fn admit(
        &mut self,
        address: IpAddr,
        limits: &Limits,
        begins_handshake: bool,
        now: Instant,
    ) -> Result<Option<ClientKey>, LimitExceeded> {
        let key = self.hasher.hash_one(network_of(address));
        let now_ns = u64::try_from(now.duration_since(self.started).as_nanos()).unwrap_or(u64::MAX);
        let Some(client) = entry(self.set(key), key) else {
            return Ok(None);
        };
        if client.open >= limits.connections_per_address {
            return Err(LimitExceeded::Connections);
        }
        if begins_handshake {
            client.take_handshake(limits, now_ns)?;
        }
        client.open += 1;
        Ok(Some(ClientKey(key)))
    }

    /// Count the end of an admitted connection.
    pub(crate) fn release(&mut self, ClientKey(key): ClientKey) {
        let mut same = self.set(key).iter_mut();
        if let Some(client) = same.find(|client| client.key == key) {
            client.open -= 1;
        }
    }

    fn set(&mut self, key: u64) -> &mut Vec<ClientEntry> {
        let index = usize::try_from(key % SETS as u64).unwrap_or_default();
        &mut self.sets[index]
    }
}

impl ClientEntry {
    /// Take a token from the bucket, which is represented by the time at which it is full again.
    fn take_handshake(&mut self, limits: &Limits, now_ns: u64) -> Result<(), LimitExceeded> {
        let token_ns = SECOND_NS / limits.handshakes_per_second.max(1);
        let full_at_ns = self.full_at_ns.max(now_ns) + token_ns;
        if full_at_ns - now_ns > limits.handshakes_burst * token_ns {
            return Err(LimitExceeded::Handshakes);
        }
        self.full_at_ns = full_at_ns;
        Ok(())
    }
}

/// The client's entry in its set: an existing one, a new one, or one that replaces the client that was idle for
/// longest. `None` if no entry is idle.
fn entry(set: &mut Vec<ClientEntry>, key: u64) -> Option<&mut ClientEntry> {
    let new = ClientEntry {
        key,
        open: 0,
        full_at_ns: 0,
    };
    let known = set.iter().position(|client| client.key == key);
    let index = match known {
        Some(index) => index,
        None if set.len() < WAYS => {
            set.push(new);
            set.len() - 1
        }
        None => {
            let idle = set.iter().enumerate().filter(|(_, one)| one.open == 0);
            let (index, _) = idle.min_by_key(|(_, one)| one.full_at_ns)?;
            set[index] = new;
            index
        }
    };
    set.get_mut(index)
}

/// The IPv4 address, or the /64 of the IPv6 address, as a number.
fn network_of(address: IpAddr) -> u64 {
    match address.to_canonical() {
        // Cannot collide with a /64: those that begin with 32 zero bits are not routed (RFC 4291 §2.5).
        IpAddr::V4(address) => u64::from(address.to_bits()),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            [a, b, c, d]
                .into_iter()
                .fold(0, |line, part| line << 16 | u64::from(part))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const LIMITS: Limits = Limits {
        connections_per_address: 2,
        handshakes_per_second: 10,
        handshakes_burst: 3,
        ..Limits::STANDARD
    };

    fn admit(clients: &mut ClientTable, address: &str, now: Instant) -> Result<(), LimitExceeded> {
        let address = address.parse().unwrap();
        let key = clients.admit(address, &LIMITS, true, now)?.unwrap();
        clients.release(key);
        Ok(())
    }

    #[test]
    fn handshakes_are_limited_by_burst_and_rate() {
        let mut clients = ClientTable::new();
        let start = clients.started;
        let mut at = |ms: u64| admit(&mut clients, "192.0.2.1", start + Duration::from_millis(ms));
        for _ in 0..3 {
            assert_eq!(Ok(()), at(0));
        }
        assert_eq!(Err(LimitExceeded::Handshakes), at(0));
        assert_eq!(Err(LimitExceeded::Handshakes), at(99));
        assert_eq!(Ok(()), at(100));
        assert_eq!(Err(LimitExceeded::Handshakes), at(199));
        for _ in 0..3 {
            assert_eq!(Ok(()), at(10_000));
        }
        assert_eq!(Err(LimitExceeded::Handshakes), at(10_000));
    }

    #[test]
    fn a_client_is_an_ipv4_address_or_an_ipv6_network() {
        let mut clients = ClientTable::new();
        let now = clients.started;
        for address in ["2001:db8::1", "2001:db8::2", "2001:db8:0:0:ffff::"] {
            assert_eq!(Ok(()), admit(&mut clients, address, now));
        }
        for full in ["2001:db8::4", "2001:db8:0:0:1::"] {
            assert_eq!(
                Err(LimitExceeded::Handshakes),
                admit(&mut clients, full, now)
            );
        }
        for other in ["2001:db8:0:1::1", "192.0.2.1", "192.0.2.2"] {
            assert_eq!(Ok(()), admit(&mut clients, other, now));
        }
        for _ in 0..2 {
            assert_eq!(Ok(()), admit(&mut clients, "::ffff:192.0.2.1", now));
        }
        assert_eq!(
            Err(LimitExceeded::Handshakes),
            admit(&mut clients, "192.0.2.1", now)
        );
    }

    #[test]
    fn open_connections_are_counted_until_they_end() {
        let mut clients = ClientTable::new();
        let (now, address) = (clients.started, IpAddr::from([192, 0, 2, 1]));
        let admit = |clients: &mut ClientTable| clients.admit(address, &LIMITS, false, now);
        let first = admit(&mut clients).unwrap().unwrap();
        admit(&mut clients).unwrap().unwrap();
        assert_eq!(Err(LimitExceeded::Connections), admit(&mut clients));
        clients.release(first);
        assert_eq!(Ok(Some(first)), admit(&mut clients));
    }

    #[test]
    fn the_table_does_not_grow() {
        let mut clients = ClientTable::new();
        let now = clients.started;
        let numbers = 0..100_000_u32;
        let keys: Vec<_> = numbers
            .map(|number| clients.admit(IpAddr::from(number.to_be_bytes()), &LIMITS, true, now))
            .map(Result::unwrap)
            .collect();
        assert_eq!(
            SETS * WAYS,
            clients.sets.iter().map(Vec::len).sum::<usize>()
        );
        assert_eq!(SETS * WAYS, keys.iter().flatten().count());
        keys.iter().flatten().for_each(|key| clients.release(*key));
        assert_eq!(Ok(()), admit(&mut clients, "203.0.113.9", now));
    }
}
