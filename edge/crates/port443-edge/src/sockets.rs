//! The listening sockets of all workers.
//!
//! The main thread keeps a descriptor of each, so that another edge process can take them over. A
//! worker gets a duplicate once the running snapshot names the socket's listener.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::OwnedFd;

use edge_contract::SocketName;
use edge_proxy::ListeningSocket;

/// All listening sockets, in the order in which they were added.
#[derive(Default)]
pub(crate) struct Sockets {
    held: Vec<HeldSocket>,
}

/// The result of [`Sockets::assign`].
#[derive(Default)]
pub(crate) struct Assignment {
    /// The listeners on which the first worker now accepts.
    pub(crate) opened: BTreeSet<String>,
    /// Why a socket could not be duplicated. It stays unassigned.
    pub(crate) failure: Option<io::Error>,
}

struct HeldSocket {
    name: SocketName,
    socket: ListeningSocket,
    /// Whether the worker has a duplicate.
    assigned: bool,
}

impl Sockets {
    /// Add a socket, not assigned yet.
    pub(crate) fn add(&mut self, name: SocketName, socket: ListeningSocket) {
        self.held.push(HeldSocket {
            name,
            socket,
            assigned: false,
        });
    }

    /// Pass a duplicate of every unassigned socket of the wanted listeners to its worker.
    pub(crate) fn assign(
        &mut self,
        is_wanted: impl Fn(&str) -> bool,
        mut pass: impl FnMut(&SocketName, ListeningSocket),
    ) -> Assignment {
        let open = self.open();
        let mut assigned = Assignment::default();
        let waiting = self.held.iter_mut().filter(|held| !held.assigned);
        for held in waiting.filter(|held| is_wanted(&held.name.listener)) {
            match held.socket.try_clone() {
                Ok(socket) => pass(&held.name, socket),
                Err(error) => {
                    assigned.failure = Some(error);
                    continue;
                }
            }
            held.assigned = true;
            assigned.opened.insert(held.name.listener.clone());
        }
        assigned.opened.retain(|listener| !open.contains(listener));
        assigned
    }

    /// Close the sockets of all listeners that are not wanted; return those that were open.
    pub(crate) fn close_all_but(&mut self, is_wanted: impl Fn(&str) -> bool) -> BTreeSet<String> {
        let mut closed = self.open();
        closed.retain(|listener| !is_wanted(listener));
        self.held.retain(|held| is_wanted(&held.name.listener));
        closed
    }

    /// The listeners that at least one worker accepts from.
    pub(crate) fn open(&self) -> BTreeSet<String> {
        self.held
            .iter()
            .filter(|held| held.assigned)
            .map(|held| held.name.listener.clone())
            .collect()
    }

    /// The workers that have a socket, by listener.
    pub(crate) fn workers(&self) -> BTreeMap<&str, BTreeSet<usize>> {
        let mut workers: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
        for held in &self.held {
            workers
                .entry(&held.name.listener)
                .or_default()
                .insert(held.name.worker);
        }
        workers
    }

    /// Duplicates of up to `limit` sockets after the first `after`, and whether more follow.
    pub(crate) fn page(
        &self,
        after: usize,
        limit: usize,
    ) -> io::Result<(Vec<SocketName>, Vec<OwnedFd>, bool)> {
        let page: Vec<&HeldSocket> = self.held.iter().skip(after).take(limit).collect();
        let names = page.iter().map(|held| held.name.clone()).collect();
        let handle = |held: &&HeldSocket| held.socket.try_clone().map(OwnedFd::from);
        let handles = page.iter().map(handle).collect::<io::Result<_>>()?;
        Ok((
            names,
            handles,
            after.saturating_add(page.len()) < self.held.len(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn sockets(names: &[(&str, usize)]) -> Sockets {
        let mut sockets = Sockets::default();
        for (listener, worker) in names {
            let name = SocketName {
                listener: (*listener).to_owned(),
                worker: *worker,
            };
            sockets.add(name, bound());
        }
        sockets
    }

    fn bound() -> ListeningSocket {
        ListeningSocket::Tcp(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    fn assign(sockets: &mut Sockets, wanted: &str) -> (BTreeSet<String>, usize) {
        let mut given = 0;
        let count = |_: &SocketName, _| given += 1;
        (
            sockets.assign(|listener| listener == wanted, count).opened,
            given,
        )
    }

    /// A socket is assigned once, when its listener is wanted, and its listener opens once.
    #[test]
    fn sockets_wait_for_their_listener() {
        let mut sockets = sockets(&[("a", 0), ("b", 0), ("a", 1)]);
        assert_eq!((BTreeSet::from(["a".into()]), 2), assign(&mut sockets, "a"));
        assert_eq!((BTreeSet::new(), 0), assign(&mut sockets, "a"));
        let name = SocketName {
            listener: "a".into(),
            worker: 2,
        };
        sockets.add(name, bound());
        assert_eq!((BTreeSet::new(), 1), assign(&mut sockets, "a"));
        assert_eq!(BTreeSet::from([0, 1, 2]), sockets.workers()["a"]);
    }

    /// Closing returns the listeners that were open, and removes unassigned sockets too.
    #[test]
    fn unwanted_listeners_are_closed() {
        let mut sockets = sockets(&[("a", 0), ("b", 0), ("c", 0)]);
        assign(&mut sockets, "a");
        assign(&mut sockets, "b");
        assert_eq!(
            BTreeSet::from(["b".into()]),
            sockets.close_all_but(|listener| listener == "a")
        );
        assert_eq!(vec!["a"], sockets.workers().into_keys().collect::<Vec<_>>());
    }

    /// Pages follow each other without a gap, and the last one is marked.
    #[test]
    fn pages_cover_all_sockets() {
        let sockets = sockets(&[("a", 0), ("a", 1), ("b", 0)]);
        let (names, handles, more) = sockets.page(0, 2).unwrap();
        assert_eq!((2, 2, true), (names.len(), handles.len(), more));
        let (names, handles, more) = sockets.page(2, 2).unwrap();
        assert_eq!(
            ("b", 1, false),
            (names[0].listener.as_str(), handles.len(), more)
        );
        assert_eq!(
            (0, false),
            sockets
                .page(usize::MAX, 2)
                .map(|page| (page.0.len(), page.2))
                .unwrap()
        );
    }
}
