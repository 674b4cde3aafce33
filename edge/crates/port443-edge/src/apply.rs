//! Applying a snapshot: build, save to the boot copy, swap, assign listening sockets.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use edge_contract::{
    Apply, ErrorCode, Event, Fault, Hash, ListenerState, Part, Receipt, Root, SiteVerdict,
    SocketName,
};
use edge_forward::Running;
use edge_proxy::ListeningSocket;

use crate::boot::{Recovered, Snapshot};
use crate::edge::Edge;
use crate::logger::{self, Level};
use crate::part_store::PartStore;
use crate::served::served;

type Verdicts = BTreeMap<String, SiteVerdict>;

impl Edge {
    /// Apply a snapshot, or return the parts that are missing. An error changes nothing.
    pub(crate) fn apply(&mut self, apply: &Apply) -> Result<Receipt, Fault> {
        self.refuse_while_draining()?;
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
        if let Some(hash) = &root.challenges
            && let Err(missing) = Part::challenges(self.parts.all(), hash)
        {
            let fault = Fault::new(ErrorCode::DocumentInvalid, missing.to_string());
            return Err(fault.under("root.challenges"));
        }
        let previous = self.running.load_full();
        let (running, verdicts) = Running::build(root, *hash, self.parts.all(), &previous);
        // The boot copy is written before the swap, so that a crash at any point after it restarts
        // with this snapshot.
        let needed = self.save(root, *epoch, &verdicts)?;
        self.epoch = *epoch;
        self.parts.retain(needed, Instant::now());
        self.swap(root, running, verdicts);
        self.assign_sockets();
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
        // The root that was served is built first: quarantined sites take their last good versions from it.
        let served = served.map_or_else(Running::default, |served| {
            Running::build(&served, hash, &parts, &Running::default()).0
        });
        let (running, verdicts) = Running::build(&root, hash, &parts, &served);
        self.parts = PartStore::of(parts);
        self.epoch = epoch;
        self.swap(&root, running, verdicts);
        self.assign_sockets();
    }

    /// Add listening sockets, and start accepting on those whose listener the snapshot names.
    pub(crate) fn add_sockets(
        &mut self,
        names: Vec<SocketName>,
        sockets: Vec<ListeningSocket>,
    ) -> Result<usize, Fault> {
        self.refuse_while_draining()?;
        if let Some(index) = names
            .iter()
            .position(|name| name.worker >= self.workers.len())
        {
            let message = format!("the edge has workers 0 to {}", self.workers.len() - 1);
            let fault = Fault::new(ErrorCode::BadRequest, message);
            return Err(fault.under(&format!("sockets[{index}].worker")));
        }
        let added = sockets.len();
        names
            .into_iter()
            .zip(sockets)
            .for_each(|(name, socket)| self.sockets.add(name, socket));
        self.assign_sockets();
        Ok(added)
    }

    /// Close every listening socket. Open connections are not affected.
    pub(crate) fn close_listeners(&mut self) {
        for listener in self.sockets.close_all_but(|_| false) {
            self.record(Event::ListenerClosed { listener });
        }
    }

    fn check_lease(&self, apply: &Apply) -> Result<(), Fault> {
        if apply.epoch < self.epoch {
            let message = format!(
                "epoch {} is older than the current epoch {}",
                apply.epoch, self.epoch
            );
            return Err(Fault::new(ErrorCode::StaleEpoch, message));
        }
        // A client that lost the receipt may repeat the request, whose snapshot is running by now.
        let running = self.running.load().root;
        if apply.base == running || running == Some(apply.hash) {
            return Ok(());
        }
        let display = |hash: Option<Hash>| hash.map_or("none".to_owned(), |hash| hash.to_string());
        let message = format!(
            "the running snapshot is {}, the base is {}",
            display(running),
            display(apply.base)
        );
        Err(Fault::new(ErrorCode::StaleBase, message))
    }

    /// Write the boot copy; return the hashes of all parts in it.
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
        let changed = self.running.load().root != running.root;
        self.running.store(Arc::new(running));
        for listener in self.sockets.close_all_but(|id| root.listener(id).is_some()) {
            self.record(Event::ListenerClosed { listener });
        }
        self.workers.iter().for_each(edge_proxy::Worker::refresh);
        if let (true, Some(root)) = (changed, self.running.load().root) {
            self.record(Event::SnapshotApplied { root });
        }
        let before = std::mem::replace(&mut self.verdicts, verdicts);
        self.record_quarantines(&before);
    }

    fn record_quarantines(&self, before: &Verdicts) {
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
                self.record(event);
            }
        }
    }

    /// Pass the workers the sockets of the listeners that the snapshot names.
    fn assign_sockets(&mut self) {
        let running = self.running.load();
        let workers = &self.workers;
        let assigned = self.sockets.assign(
            |listener| running.listener(listener).is_some(),
            |name, socket| workers[name.worker].listen(&name.listener, socket),
        );
        for listener in assigned.opened {
            self.record(Event::ListenerOpened { listener });
        }
        if let Some(error) = assigned.failure {
            // The other sockets are assigned. This one is retried with the next snapshot or socket.
            logger::log(
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
            refused_challenges: self.running.load().refused_challenges().clone(),
        }
    }
}
