//! Taking over a snapshot, the sockets of its listeners, and what the next start needs.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use edge_contract::{
    Apply, ErrorCode, Event, Fault, Hash, ListenerState, Receipt, Root, SiteVerdict, SocketName,
};
use edge_forward::Running;
use edge_proxy::ListeningSocket;

use crate::boot::{Recovered, Snapshot};
use crate::edge::Edge;
use crate::journal::{self, Level};
use crate::part_store::PartStore;
use crate::served::served;

type Verdicts = BTreeMap<String, SiteVerdict>;

impl Edge {
    /// Run a snapshot, or say which parts are missing; refused, nothing changes.
    pub(crate) fn apply(&mut self, apply: &Apply) -> Result<Receipt, Fault> {
        self.refuse_while_ending()?;
        self.check_lease(apply)?;
        let Apply {
            root, hash, epoch, ..
        } = apply;
        let missing = self.parts.missing(&root.parts);
        if !missing.is_empty() {
            return Ok(Receipt::Missing {
                root: *hash,
                missing,
            });
        }
        let previous = self.running.load_full();
        let (running, verdicts) = Running::build(root, *hash, self.parts.all(), &previous);
        // The copy first: a snapshot that runs must survive a crash in the very next moment.
        let needed = self.save(root, *epoch, &verdicts)?;
        self.epoch = *epoch;
        self.parts.keep(needed, Instant::now());
        self.swap(root, running, verdicts);
        self.lend_sockets();
        Ok(self.receipt(root, *hash))
    }

    /// Run the snapshot of a boot copy.
    pub(crate) fn recover(&mut self, recovered: Recovered) {
        let Recovered {
            root,
            hash,
            served,
            epoch,
            parts,
        } = recovered;
        // First what was really served, so that quarantined sites find their last good versions.
        let served = served.map_or_else(Running::default, |served| {
            Running::build(&served, hash, &parts, &Running::default()).0
        });
        let (running, verdicts) = Running::build(&root, hash, &parts, &served);
        self.parts = PartStore::of(parts);
        self.epoch = epoch;
        self.swap(&root, running, verdicts);
        self.lend_sockets();
    }

    /// Take listening sockets; those of listeners that run are accepted from at once.
    pub(crate) fn take(
        &mut self,
        names: Vec<SocketName>,
        sockets: Vec<ListeningSocket>,
    ) -> Result<usize, Fault> {
        self.refuse_while_ending()?;
        if let Some(index) = names
            .iter()
            .position(|name| name.worker >= self.workers.len())
        {
            let message = format!("the edge has workers 0 to {}", self.workers.len() - 1);
            let fault = Fault::new(ErrorCode::BadRequest, message);
            return Err(fault.under(&format!("sockets[{index}].worker")));
        }
        let taken = sockets.len();
        names
            .into_iter()
            .zip(sockets)
            .for_each(|(name, socket)| self.sockets.add(name, socket));
        self.lend_sockets();
        Ok(taken)
    }

    /// Close every listening socket; what is open goes on.
    pub(crate) fn close_listeners(&mut self) {
        for listener in self.sockets.close_all_but(|_| false) {
            self.tell(Event::ListenerClosed { listener });
        }
    }

    fn check_lease(&self, apply: &Apply) -> Result<(), Fault> {
        if apply.epoch < self.epoch {
            let message = format!("epoch {} has passed, this is {}", apply.epoch, self.epoch);
            return Err(Fault::new(ErrorCode::StaleEpoch, message));
        }
        // A client that lost the receipt may repeat the request: its snapshot already runs.
        let running = self.running.load().root;
        if apply.base == running || running == Some(apply.hash) {
            return Ok(());
        }
        let spelled =
            |hash: Option<Hash>| hash.map_or("nothing".to_owned(), |hash| hash.to_string());
        let message = format!("{} runs, not {}", spelled(running), spelled(apply.base));
        Err(Fault::new(ErrorCode::StaleBase, message))
    }

    /// Write the boot copy; return every part that it takes.
    fn save(
        &mut self,
        root: &Root,
        epoch: u64,
        verdicts: &Verdicts,
    ) -> Result<HashSet<Hash>, Fault> {
        let parts = self.parts.all();
        let served = served(root, verdicts, parts);
        let snapshot = Snapshot {
            root,
            served: served.as_ref(),
            epoch,
            parts,
        };
        self.copy.save(&snapshot).map_err(|error| {
            Fault::new(
                ErrorCode::Internal,
                format!("the boot copy cannot be written: {error}"),
            )
        })?;
        Ok(snapshot.needed())
    }

    fn swap(&mut self, root: &Root, running: Running, verdicts: Verdicts) {
        let is_news = self.running.load().root != running.root;
        self.running.store(Arc::new(running));
        for listener in self.sockets.close_all_but(|id| root.listener(id).is_some()) {
            self.tell(Event::ListenerClosed { listener });
        }
        self.workers.iter().for_each(edge_proxy::Worker::refresh);
        if let (true, Some(root)) = (is_news, self.running.load().root) {
            self.tell(Event::SnapshotApplied { root });
        }
        let before = std::mem::replace(&mut self.verdicts, verdicts);
        self.tell_quarantines(&before);
    }

    fn tell_quarantines(&self, before: &Verdicts) {
        for (site, verdict) in &self.verdicts {
            let SiteVerdict::Quarantined {
                code,
                path,
                message,
                ..
            } = verdict
            else {
                continue;
            };
            if before.get(site) != Some(verdict) {
                let (path, message) = (path.clone(), message.clone());
                let event = Event::SiteQuarantined {
                    site: site.clone(),
                    code: *code,
                    path,
                    message,
                };
                self.tell(event);
            }
        }
    }

    /// Give the workers the sockets of listeners that the snapshot names.
    fn lend_sockets(&mut self) {
        let running = self.running.load();
        let workers = &self.workers;
        let lent = self.sockets.lend(
            |listener| running.listener(listener).is_some(),
            |name, socket| workers[name.worker].listen(&name.listener, socket),
        );
        for listener in lent.opened {
            self.tell(Event::ListenerOpened { listener });
        }
        if let Some(error) = lent.failure {
            // The others are open; this one is tried again with the next snapshot or socket.
            journal::say(
                Level::Error,
                "socket_not_lent",
                [("cause", error.to_string().into())],
            );
        }
    }

    fn receipt(&self, root: &Root, hash: Hash) -> Receipt {
        let open = self.sockets.open();
        let state = |id: &String| {
            if open.contains(id) {
                ListenerState::Listening
            } else {
                ListenerState::WaitingForSockets
            }
        };
        let listener =
            |listener: &edge_contract::Listener| (listener.id.clone(), state(&listener.id));
        Receipt::Applied {
            root: hash,
            missing: [],
            sites: self.verdicts.clone(),
            listeners: root.listeners.iter().map(listener).collect(),
        }
    }
}
