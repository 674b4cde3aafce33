//! Building a running snapshot from its documents. Unchanged sites and pools are taken from the previous one.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use edge_contract::{
    Hash, Listener, Part, Parts, QuarantineCode, Root, Site, SiteVerdict, TicketKey,
};
use edge_tls::{CertificateSource, SiteFault, SiteSource, SiteTls};

use super::challenges::Challenges;
use super::{ListenerRuntime, Running};
use crate::destination::{Destination, NameRefusal};
use crate::pool::PoolRuntime;
use crate::site::{SiteHsts, SiteRuntime};

impl Running {
    /// Build a snapshot; unchanged sites, pools and listeners are those of `previous`.
    ///
    /// A site that cannot be built is quarantined: its last good version is served if there is
    /// one, else its names are refused. Other sites are not affected.
    #[must_use]
    pub fn build(
        root: &Root,
        hash: Hash,
        parts: &Parts,
        previous: &Self,
    ) -> (Self, BTreeMap<String, SiteVerdict>) {
        let mut builder = Builder::new(root, hash, parts, previous);
        let mut verdicts = BTreeMap::new();
        for (id, site_hash) in &root.sites {
            verdicts.insert(id.clone(), builder.add(id, *site_hash));
        }
        (builder.finish(), verdicts)
    }
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
            challenges: Challenges::build(root.challenges, parts, &previous.challenges),
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
        if let Some(site) = default.and_then(|id| self.next.sites.get(id)) {
            self.next.default = Destination::Site(Arc::clone(site));
        }
        self.next
    }

    /// Add a site or its last good version, or refuse its names.
    fn add(&mut self, id: &str, hash: Hash) -> SiteVerdict {
        match self.site(id, hash).and_then(|site| self.register(site)) {
            Ok(()) => SiteVerdict::Running,
            Err(fault) => self.fall_back_or_refuse(id, hash, fault),
        }
    }

    /// Serve the last good version of a site, or refuse its names.
    fn fall_back_or_refuse(&mut self, id: &str, hash: Hash, fault: SiteFault) -> SiteVerdict {
        let serves = self.fall_back(id, hash);
        if serves.is_none() {
            if fault.code == QuarantineCode::CertificateMissing {
                self.refuse_names(hash, &NameRefusal::Pending(id.to_owned()));
                return SiteVerdict::Pending;
            }
            self.refuse_names(hash, &NameRefusal::Quarantined(id.to_owned()));
        }
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

    /// The site as in the snapshot: the running one if it is unchanged.
    fn site(&self, id: &str, hash: Hash) -> Result<Arc<SiteRuntime>, SiteFault> {
        match self.previous.sites.get(id) {
            Some(site) if site.hash == hash && site.ticket_keys == self.root.ticket_keys => {
                Ok(Arc::clone(site))
            }
            _ => self.new_site(id, hash).map(Arc::new),
        }
    }

    fn new_site(&self, id: &str, hash: Hash) -> Result<SiteRuntime, SiteFault> {
        let site =
            Part::site(self.parts, &hash).map_err(|missing| SiteFault::missing(&missing, ""))?;
        if site.id != id {
            let message = format!("the site's own id is {:?}", site.id);
            return Err(SiteFault {
                code: QuarantineCode::IdDiffers,
                path: "id".to_owned(),
                message,
            });
        }
        Ok(SiteRuntime {
            id: site.id.clone(),
            hash,
            names: site.names.clone(),
            slot: self.next.slots.slot(id),
            tls: SiteTls::build(&self.tls_source(site)?)?,
            pool: self.pool(&site.pool)?,
            hsts: site.hsts.clone().map(SiteHsts::new),
            redirect_cacheable: site.redirect_cacheable,
            own_limits: site.limits,
            timeouts: site.timeouts,
            ticket_keys: self.root.ticket_keys.clone(),
        })
    }

    /// The running pool with the same document, which keeps its circuit breakers, or a new one.
    fn pool(&self, hash: &Hash) -> Result<Arc<PoolRuntime>, SiteFault> {
        let document =
            Part::pool(self.parts, hash).map_err(|missing| SiteFault::missing(&missing, "pool"))?;
        let known = [&self.next, self.previous]
            .into_iter()
            .find_map(|it| it.pools.get(hash));
        Ok(match known {
            Some(pool) => Arc::clone(pool),
            None => Arc::new(PoolRuntime::new(*hash, document.clone())),
        })
    }

    fn tls_source(&self, site: &'a Site) -> Result<SiteSource<'a>, SiteFault> {
        let certificate = |(index, hash)| self.certificate(index, hash);
        Ok(SiteSource {
            id: &site.id,
            names: &site.names,
            policy_hash: site.tls,
            policy: Part::tls_policy(self.parts, &site.tls)
                .map_err(|missing| SiteFault::missing(&missing, "tls"))?,
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
        let certificate = Part::certificate(self.parts, hash)
            .map_err(|missing| SiteFault::missing(&missing, &path))?;
        let key = Part::private_key(self.parts, &certificate.key)
            .map_err(|missing| SiteFault::missing(&missing, &format!("{path}.key")))?;
        Ok(CertificateSource {
            hash: *hash,
            certificate,
            key,
        })
    }

    fn ticket_keys(&self) -> Result<Vec<&'a TicketKey>, SiteFault> {
        let look_up = |(index, hash)| {
            Part::ticket_key(self.parts, hash)
                .map_err(|missing| SiteFault::missing(&missing, &format!("ticket_keys[{index}]")))
        };
        self.root
            .ticket_keys
            .iter()
            .enumerate()
            .map(look_up)
            .collect()
    }

    /// Add a site under its names. If two sites have the same name, the one whose id sorts first owns it.
    fn register(&mut self, site: Arc<SiteRuntime>) -> Result<(), SiteFault> {
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
            self.set_destination(name, Destination::Site(Arc::clone(&site)));
        }
        let pool = Arc::clone(&site.pool);
        self.next.pools.insert(pool.hash, pool);
        self.next.sites.insert(site.id.clone(), site);
        Ok(())
    }

    /// Set the destination of a name.
    fn set_destination(&mut self, name: &str, destination: Destination) {
        let (table, key) = match name.strip_prefix("*.") {
            Some(parent) => (&mut self.next.wildcards, parent),
            None => (&mut self.next.names, name),
        };
        table.insert(key.to_owned(), destination);
    }

    fn owner(&self, name: &str) -> Option<&Arc<SiteRuntime>> {
        let known = match name.strip_prefix("*.") {
            Some(parent) => self.next.wildcards.get(parent),
            None => self.next.names.get(name),
        };
        known.and_then(Destination::site)
    }

    /// Add the last good version of a site, if there is one that may be used.
    fn fall_back(&mut self, id: &str, hash: Hash) -> Option<Hash> {
        let previous = self.previous.sites.get(id);
        let good = previous
            .filter(|it| self.may_fall_back_to(it, &hash))
            .cloned()?;
        let kept = good.hash;
        self.register(good).is_ok().then_some(kept)
    }

    /// Refuse those names of a site that no other site has.
    fn refuse_names(&mut self, hash: Hash, refusal: &NameRefusal) {
        if let Ok(site) = Part::site(self.parts, &hash) {
            let free = site.names.iter().filter(|name| self.owner(name).is_none());
            for name in free.collect::<Vec<_>>() {
                self.set_destination(name, Destination::Refused(refusal.clone()));
            }
        }
    }

    /// Whether a last good version may replace the version in the snapshot: not if only that one requires
    /// a client certificate.
    fn may_fall_back_to(&self, good: &SiteRuntime, hash: &Hash) -> bool {
        let site = Part::site(self.parts, hash);
        let policy = site.and_then(|site| Part::tls_policy(self.parts, &site.tls));
        good.tls.requires_client_certificate()
            || policy.is_ok_and(|policy| policy.client_roots.is_none())
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
