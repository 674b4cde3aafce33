//! From documents to what runs: each site on its own, the unchanged ones as they were.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use edge_contract::{
    Hash, Listener, Part, PartMissing, Parts, QuarantineCode, Root, Site, SiteVerdict, TicketKey,
};
use edge_tls::{CertificateSource, SiteFault, SiteSource, SiteTls};

use super::Running;
use crate::context::{ListenerRuntime, SiteHsts, SiteRuntime};

pub(super) fn build(
    root: &Root,
    hash: Hash,
    parts: &Parts,
    previous: &Running,
) -> (Running, BTreeMap<String, SiteVerdict>) {
    let mut builder = Builder::new(root, hash, parts, previous);
    let mut verdicts = BTreeMap::new();
    for (id, site_hash) in &root.sites {
        verdicts.insert(id.clone(), builder.add(id, *site_hash));
    }
    (builder.finish(), verdicts)
}

struct Builder<'a> {
    root: &'a Root,
    parts: &'a Parts,
    previous: &'a Running,
    next: Running,
}

impl<'a> Builder<'a> {
    fn new(root: &'a Root, hash: Hash, parts: &'a Parts, previous: &'a Running) -> Self {
        let next = Running {
            root: Some(hash),
            limits: root.limits,
            slots: previous.slots.carried(root.sites.keys()),
            listeners: listeners(root, previous),
            ..Running::default()
        };
        Self {
            root,
            parts,
            previous,
            next,
        }
    }

    fn finish(mut self) -> Running {
        let default = self.root.default_site.as_ref();
        self.next.default_site = default.and_then(|id| self.next.sites.get(id)).cloned();
        self.next
    }

    /// Take a site in, or its last good version, or refuse its names.
    fn add(&mut self, id: &str, hash: Hash) -> SiteVerdict {
        match self.site(id, hash).and_then(|site| self.claim(site)) {
            Ok(()) => SiteVerdict::Running,
            Err(fault) => {
                let serves = self.fall_back(id, hash);
                let SiteFault {
                    code,
                    path,
                    message,
                } = fault;
                SiteVerdict::Quarantined {
                    code,
                    path,
                    message,
                    serves,
                }
            }
        }
    }

    /// The site as the snapshot wants it: the running one when nothing about it changed.
    fn site(&self, id: &str, hash: Hash) -> Result<Arc<SiteRuntime>, SiteFault> {
        match self.previous.sites.get(id) {
            Some(site) if site.hash == hash && site.ticket_keys == self.root.ticket_keys => {
                Ok(Arc::clone(site))
            }
            _ => self.new_site(id, hash).map(Arc::new),
        }
    }

    fn new_site(&self, id: &str, hash: Hash) -> Result<SiteRuntime, SiteFault> {
        let site = Part::site(self.parts, &hash).map_err(|missing| fault(&missing, ""))?;
        if site.id != id {
            let message = format!("the site calls itself {:?}", site.id);
            return Err(SiteFault {
                code: QuarantineCode::IdDiffers,
                path: "id".to_owned(),
                message,
            });
        }
        let pool = Part::pool(self.parts, &site.pool).map_err(|missing| fault(&missing, "pool"))?;
        Ok(SiteRuntime {
            id: site.id.clone(),
            hash,
            names: site.names.clone(),
            slot: self.next.slots.slot(id),
            tls: SiteTls::build(&self.tls_source(site)?)?,
            pool: Arc::new(pool.clone()),
            pool_hash: site.pool,
            hsts: site.hsts.clone().map(SiteHsts::new),
            redirect_cacheable: site.redirect_cacheable,
            body_bytes: site.body_bytes,
            timeouts: site.timeouts,
            ticket_keys: self.root.ticket_keys.clone(),
        })
    }

    fn tls_source(&self, site: &'a Site) -> Result<SiteSource<'a>, SiteFault> {
        let certificate = |(index, hash)| self.certificate(index, hash);
        Ok(SiteSource {
            id: &site.id,
            names: &site.names,
            policy_hash: site.tls,
            policy: Part::tls_policy(self.parts, &site.tls)
                .map_err(|missing| fault(&missing, "tls"))?,
            certificates: site
                .certificates
                .iter()
                .enumerate()
                .map(certificate)
                .collect::<Result<_, _>>()?,
            ticket_keys: self.ticket_keys()?,
        })
    }

    fn certificate(&self, index: usize, hash: &Hash) -> Result<CertificateSource<'a>, SiteFault> {
        let path = format!("certificates[{index}]");
        let certificate =
            Part::certificate(self.parts, hash).map_err(|missing| fault(&missing, &path))?;
        let key = Part::private_key(self.parts, &certificate.key)
            .map_err(|missing| fault(&missing, &format!("{path}.key")))?;
        Ok(CertificateSource {
            hash: *hash,
            certificate,
            key,
        })
    }

    fn ticket_keys(&self) -> Result<Vec<&'a TicketKey>, SiteFault> {
        let look_up = |(index, hash)| {
            Part::ticket_key(self.parts, hash)
                .map_err(|missing| fault(&missing, &format!("ticket_keys[{index}]")))
        };
        self.root
            .ticket_keys
            .iter()
            .enumerate()
            .map(look_up)
            .collect()
    }

    /// Give a site its names; the first in the order of ids owns a name.
    fn claim(&mut self, site: Arc<SiteRuntime>) -> Result<(), SiteFault> {
        for (index, name) in site.names.iter().enumerate() {
            if let Some(owner) = self.owner(name) {
                let message = format!("{name} belongs to site {}", owner.id);
                let path = format!("names[{index}]");
                return Err(SiteFault {
                    code: QuarantineCode::NamesConflict,
                    path,
                    message,
                });
            }
        }
        for name in &site.names {
            let (table, key) = match name.strip_prefix("*.") {
                Some(parent) => (&mut self.next.wildcards, parent),
                None => (&mut self.next.names, name.as_str()),
            };
            table.insert(key.to_owned(), Arc::clone(&site));
        }
        self.next.sites.insert(site.id.clone(), site);
        Ok(())
    }

    fn owner(&self, name: &str) -> Option<&Arc<SiteRuntime>> {
        match name.strip_prefix("*.") {
            Some(parent) => self.next.wildcards.get(parent),
            None => self.next.names.get(name),
        }
    }

    /// Keep the last good version of a site; without one its names are known and refused.
    fn fall_back(&mut self, id: &str, hash: Hash) -> Option<Hash> {
        let previous = self.previous.sites.get(id);
        if let Some(good) = previous.filter(|it| self.asks_enough(it, &hash)).cloned() {
            let kept = good.hash;
            if self.claim(good).is_ok() {
                return Some(kept);
            }
        }
        if let Ok(site) = Part::site(self.parts, &hash) {
            let refused = site.names.iter().map(|name| (name.clone(), id.to_owned()));
            self.next.refused.extend(refused);
        }
        None
    }

    /// Whether a site may stand in for another version of itself: not for one that would ask
    /// clients for a certificate which it does not ask for.
    fn asks_enough(&self, good: &SiteRuntime, hash: &Hash) -> bool {
        let site = Part::site(self.parts, hash);
        let policy = site.and_then(|site| Part::tls_policy(self.parts, &site.tls));
        good.tls.asks_clients() || policy.is_ok_and(|policy| policy.client_roots.is_empty())
    }
}

fn fault(missing: &PartMissing, path: &str) -> SiteFault {
    SiteFault {
        code: missing.code(),
        path: path.to_owned(),
        message: missing.to_string(),
    }
}

fn listeners(root: &Root, previous: &Running) -> HashMap<String, Arc<ListenerRuntime>> {
    let runtime = |document: &Listener| match previous.listeners.get(&document.id) {
        Some(same) if same.document == *document => Arc::clone(same),
        _ => Arc::new(ListenerRuntime {
            document: document.clone(),
        }),
    };
    root.listeners
        .iter()
        .map(|document| (document.id.clone(), runtime(document)))
        .collect()
}
