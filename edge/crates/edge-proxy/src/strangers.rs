//! What each client holds and asks of a worker, by its address, in a table that cannot grow.

use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::time::Instant;

use edge_contract::Limits;

/// Where in the table a client may stand, and how many may stand there: 16,384 in all.
const SETS: usize = 1024;
const WAYS: usize = 16;
const SECOND_NS: u64 = 1_000_000_000;

/// What a client is refused for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Excess {
    /// It holds as many connections as it may.
    Connections,
    /// It begins handshakes faster than it may.
    Handshakes,
}

/// The clients of a worker.
///
/// A client is an IPv4 address, or the /64 of an IPv6 one, which is what one line is given
/// (RFC 6177). It is known by a keyed hash alone, so that nobody can choose with whom to share a
/// place. Where all places are taken by clients with open connections, one more goes unwatched:
/// the ceiling of the worker holds for it too.
pub(crate) struct Strangers {
    hasher: RandomState,
    started: Instant,
    sets: Box<[Vec<Stranger>]>,
}

struct Stranger {
    mark: u64,
    open: u64,
    /// When the bucket of handshakes would be full again, in nanoseconds since the start.
    full_at_ns: u64,
}

/// A client that was let in and is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark(u64);

impl Strangers {
    /// Nobody has come yet.
    pub(crate) fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            started: Instant::now(),
            sets: (0..SETS).map(|_| Vec::new()).collect(),
        }
    }

    /// Let a connection in, or say what its client has too many of; a refusal costs the client nothing.
    pub(crate) fn enter(
        &mut self,
        address: IpAddr,
        limits: &Limits,
        shakes_hands: bool,
        now: Instant,
    ) -> Result<Option<Mark>, Excess> {
        let mark = self.hasher.hash_one(line_of(address));
        let now_ns = u64::try_from(now.duration_since(self.started).as_nanos()).unwrap_or(u64::MAX);
        let Some(stranger) = place(self.set(mark), mark) else {
            return Ok(None);
        };
        if stranger.open >= limits.connections_per_address {
            return Err(Excess::Connections);
        }
        if shakes_hands {
            stranger.take_handshake(limits, now_ns)?;
        }
        stranger.open += 1;
        Ok(Some(Mark(mark)))
    }

    /// A connection that was let in has ended.
    pub(crate) fn leave(&mut self, Mark(mark): Mark) {
        let mut same = self.set(mark).iter_mut();
        if let Some(stranger) = same.find(|stranger| stranger.mark == mark) {
            stranger.open -= 1;
        }
    }

    fn set(&mut self, mark: u64) -> &mut Vec<Stranger> {
        let index = usize::try_from(mark % SETS as u64).unwrap_or_default();
        &mut self.sets[index]
    }
}

impl Stranger {
    /// Take a token from a bucket that is known by the time at which it will be full again.
    fn take_handshake(&mut self, limits: &Limits, now_ns: u64) -> Result<(), Excess> {
        let token_ns = SECOND_NS / limits.handshakes_per_second.max(1);
        let full_at_ns = self.full_at_ns.max(now_ns) + token_ns;
        if full_at_ns - now_ns > limits.handshakes_burst * token_ns {
            return Err(Excess::Handshakes);
        }
        self.full_at_ns = full_at_ns;
        Ok(())
    }
}

/// A client's place in its set: its own, a free one, or that of whoever was idle for longest.
fn place(set: &mut Vec<Stranger>, mark: u64) -> Option<&mut Stranger> {
    let newcomer = Stranger {
        mark,
        open: 0,
        full_at_ns: 0,
    };
    let known = set.iter().position(|stranger| stranger.mark == mark);
    let index = match known {
        Some(index) => index,
        None if set.len() < WAYS => {
            set.push(newcomer);
            set.len() - 1
        }
        None => {
            let idle = set.iter().enumerate().filter(|(_, one)| one.open == 0);
            let (index, _) = idle.min_by_key(|(_, one)| one.full_at_ns)?;
            set[index] = newcomer;
            index
        }
    };
    set.get_mut(index)
}

/// What one client is known by.
fn line_of(address: IpAddr) -> u64 {
    match address.to_canonical() {
        // No IPv6 line begins with zeros alone: those are not routed (RFC 4291 §2.5).
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

    fn enter(strangers: &mut Strangers, address: &str, now: Instant) -> Result<(), Excess> {
        let address = address.parse().unwrap();
        let mark = strangers.enter(address, &LIMITS, true, now)?.unwrap();
        strangers.leave(mark);
        Ok(())
    }

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let mut strangers = Strangers::new();
        let start = strangers.started;
        let mut at = |ms: u64| {
            enter(
                &mut strangers,
                "192.0.2.1",
                start + Duration::from_millis(ms),
            )
        };
        for _ in 0..3 {
            assert_eq!(Ok(()), at(0));
        }
        assert_eq!(Err(Excess::Handshakes), at(0));
        assert_eq!(Err(Excess::Handshakes), at(99));
        assert_eq!(Ok(()), at(100));
        assert_eq!(Err(Excess::Handshakes), at(199));
        for _ in 0..3 {
            assert_eq!(Ok(()), at(10_000));
        }
        assert_eq!(Err(Excess::Handshakes), at(10_000));
    }

    #[test]
    fn a_client_is_an_address_or_a_network_of_one_line() {
        let mut strangers = Strangers::new();
        let now = strangers.started;
        for address in ["2001:db8::1", "2001:db8::2", "2001:db8:0:0:ffff::"] {
            assert_eq!(Ok(()), enter(&mut strangers, address, now));
        }
        for full in ["2001:db8::4", "2001:db8:0:0:1::"] {
            assert_eq!(Err(Excess::Handshakes), enter(&mut strangers, full, now));
        }
        for other in ["2001:db8:0:1::1", "192.0.2.1", "192.0.2.2"] {
            assert_eq!(Ok(()), enter(&mut strangers, other, now));
        }
        for _ in 0..2 {
            assert_eq!(Ok(()), enter(&mut strangers, "::ffff:192.0.2.1", now));
        }
        assert_eq!(
            Err(Excess::Handshakes),
            enter(&mut strangers, "192.0.2.1", now)
        );
    }

    #[test]
    fn open_connections_are_counted_until_they_end() {
        let mut strangers = Strangers::new();
        let (now, address) = (strangers.started, IpAddr::from([192, 0, 2, 1]));
        let enter = |strangers: &mut Strangers| strangers.enter(address, &LIMITS, false, now);
        let first = enter(&mut strangers).unwrap().unwrap();
        enter(&mut strangers).unwrap().unwrap();
        assert_eq!(Err(Excess::Connections), enter(&mut strangers));
        strangers.leave(first);
        assert_eq!(Ok(Some(first)), enter(&mut strangers));
    }

    #[test]
    fn the_table_stays_as_it_is_however_many_come() {
        let mut strangers = Strangers::new();
        let now = strangers.started;
        let numbers = 0..100_000_u32;
        let marks: Vec<_> = numbers
            .map(|number| strangers.enter(IpAddr::from(number.to_be_bytes()), &LIMITS, true, now))
            .map(Result::unwrap)
            .collect();
        assert_eq!(
            SETS * WAYS,
            strangers.sets.iter().map(Vec::len).sum::<usize>()
        );
        assert_eq!(SETS * WAYS, marks.iter().flatten().count());
        marks
            .iter()
            .flatten()
            .for_each(|mark| strangers.leave(*mark));
        assert_eq!(Ok(()), enter(&mut strangers, "203.0.113.9", now));
    }
}
