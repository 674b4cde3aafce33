//! The listening sockets: owned here so that they can be handed over, lent to the workers.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::OwnedFd;

use edge_contract::SocketName;
use edge_proxy::ListeningSocket;

/// Every listening socket of the edge, in the order in which they came.
#[derive(Default)]
pub(crate) struct Sockets {
    held: Vec<Held>,
}

/// What became of sockets that were to be lent.
#[derive(Default)]
pub(crate) struct Lent {
    /// The listeners that opened by it.
    pub(crate) opened: BTreeSet<String>,
    /// Why one of them could not be lent; it waits on.
    pub(crate) failure: Option<io::Error>,
}

struct Held {
    name: SocketName,
    socket: ListeningSocket,
    /// Whether the worker has its own handle of it.
    lent: bool,
}

impl Sockets {
    /// Hold a socket; its worker gets it once a snapshot names its listener.
    pub(crate) fn add(&mut self, name: SocketName, socket: ListeningSocket) {
        self.held.push(Held {
            name,
            socket,
            lent: false,
        });
    }

    /// Lend every waiting socket of the wanted listeners.
    pub(crate) fn lend(
        &mut self,
        is_wanted: impl Fn(&str) -> bool,
        mut give: impl FnMut(&SocketName, ListeningSocket),
    ) -> Lent {
        let open = self.open();
        let mut lent = Lent::default();
        let waiting = self.held.iter_mut().filter(|held| !held.lent);
        for held in waiting.filter(|held| is_wanted(&held.name.listener)) {
            match held.socket.try_clone() {
                Ok(socket) => give(&held.name, socket),
                Err(error) => {
                    lent.failure = Some(error);
                    continue;
                }
            }
            held.lent = true;
            lent.opened.insert(held.name.listener.clone());
        }
        lent.opened.retain(|listener| !open.contains(listener));
        lent
    }

    /// Close every socket of the listeners that are not wanted; return those that were open.
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
            .filter(|held| held.lent)
            .map(|held| held.name.listener.clone())
            .collect()
    }

    /// By listener, the workers that a socket is held for.
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

    /// Handles of up to `most` sockets after the first `after`, and whether more follow.
    pub(crate) fn page(
        &self,
        after: usize,
        most: usize,
    ) -> io::Result<(Vec<SocketName>, Vec<OwnedFd>, bool)> {
        let page: Vec<&Held> = self.held.iter().skip(after).take(most).collect();
        let names = page.iter().map(|held| held.name.clone()).collect();
        let handle = |held: &&Held| held.socket.try_clone().map(OwnedFd::from);
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

    fn lend(sockets: &mut Sockets, wanted: &str) -> (BTreeSet<String>, usize) {
        let mut given = 0;
        let count = |_: &SocketName, _| given += 1;
        (
            sockets.lend(|listener| listener == wanted, count).opened,
            given,
        )
    }

    /// A socket waits until its listener is wanted, is lent once, and its listener opens once.
    #[test]
    fn sockets_wait_for_their_listener() {
        let mut sockets = sockets(&[("a", 0), ("b", 0), ("a", 1)]);
        assert_eq!((BTreeSet::from(["a".into()]), 2), lend(&mut sockets, "a"));
        assert_eq!((BTreeSet::new(), 0), lend(&mut sockets, "a"));
        let name = SocketName {
            listener: "a".into(),
            worker: 2,
        };
        sockets.add(name, bound());
        assert_eq!((BTreeSet::new(), 1), lend(&mut sockets, "a"));
        assert_eq!(BTreeSet::from([0, 1, 2]), sockets.workers()["a"]);
    }

    /// Closing returns which listeners were open, and forgets the waiting ones too.
    #[test]
    fn unwanted_listeners_are_closed() {
        let mut sockets = sockets(&[("a", 0), ("b", 0), ("c", 0)]);
        lend(&mut sockets, "a");
        lend(&mut sockets, "b");
        assert_eq!(
            BTreeSet::from(["b".into()]),
            sockets.close_all_but(|listener| listener == "a")
        );
        assert_eq!(vec!["a"], sockets.workers().into_keys().collect::<Vec<_>>());
    }

    /// Pages follow each other without a gap, and say when they end.
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
