//! The root as served, which differs from the applied one while sites are in quarantine.

use std::collections::{BTreeMap, BTreeSet};

use edge_contract::{Hash, Part, Parts, Root, SiteVerdict};

/// The root with each quarantined site replaced by its last good version, or left out.
///
/// `None` if every site runs. It is saved in the boot copy, so that last good versions outlast a restart.
pub(crate) fn served(
    root: &Root,
    verdicts: &BTreeMap<String, SiteVerdict>,
    parts: &Parts,
) -> Option<Root> {
    let is_aside = |verdict: &SiteVerdict| matches!(verdict, SiteVerdict::Quarantined { .. });
    if !verdicts.values().any(is_aside) {
        return None;
    }
    let serves = |(id, hash): (&String, &Hash)| match verdicts.get(id) {
        Some(SiteVerdict::Quarantined { serves, .. }) => {
            serves.map(|last_good| (id.clone(), last_good))
        }
        _ => Some((id.clone(), *hash)),
    };
    let sites: BTreeMap<String, Hash> = root.sites.iter().filter_map(serves).collect();
    let needed = sites.values().flat_map(|site| needs(site, parts));
    let needed: BTreeSet<Hash> = needed.chain(root.ticket_keys.iter().copied()).collect();
    Some(Root {
        default_site: root
            .default_site
            .clone()
            .filter(|id| sites.contains_key(id)),
        parts: needed.into_iter().collect(),
        sites,
        challenges: None, // They stand in no site's way, and the applied root has them.
        ..root.clone()
    })
}

/// The hashes of a site's part and of all parts that it refers to.
fn needs(hash: &Hash, parts: &Parts) -> Vec<Hash> {
    let mut needed = vec![*hash];
    if let Ok(site) = Part::site(parts, hash) {
        needed.extend([site.tls, site.pool]);
        needed.extend(&site.certificates);
        let keys = site
            .certificates
            .iter()
            .filter_map(|hash| Part::certificate(parts, hash).ok());
        needed.extend(keys.map(|certificate| certificate.key));
    }
    needed
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use edge_contract::bounds::CONTRACT;
    use edge_contract::{Limits, Pool, QuarantineCode, Server, Site, SiteLimits, canonical};

    use super::*;

    fn named(part: Part) -> (Hash, Arc<Part>) {
        (Hash::of(&canonical(&part).unwrap()), Arc::new(part))
    }

    fn pool(port: u16) -> Part {
        Part::Pool(Pool {
            id: "pool".to_owned(),
            servers: vec![Server {
                host: "127.0.0.1".to_owned(),
                port,
            }],
            connect_timeout_ms: 1,
            response_timeout_ms: 1,
            idle_timeout_ms: 1,
            idle_per_worker: 1,
            connections_per_worker: 1,
        })
    }

    fn site(id: &str, pool: Hash) -> Part {
        Part::Site(Site {
            id: id.to_owned(),
            names: vec![id.to_owned()],
            tls: Hash::of("tls"),
            certificates: vec![Hash::of("certificate")],
            pool,
            hsts: None,
            redirect_cacheable: true,
            limits: SiteLimits::STANDARD,
            timeouts: None,
        })
    }

    fn quarantined(serves: Option<Hash>) -> SiteVerdict {
        let code = QuarantineCode::KeyMismatch;
        SiteVerdict::Quarantined {
            code,
            path: String::new(),
            message: String::new(),
            serves,
        }
    }

    fn root(sites: &[(&str, Hash)], ticket_key: Hash) -> Root {
        let sites: BTreeMap<String, Hash> = sites
            .iter()
            .map(|(id, hash)| ((*id).to_owned(), *hash))
            .collect();
        let parts: BTreeSet<Hash> = sites.values().copied().chain([ticket_key]).collect();
        Root {
            contract: CONTRACT,
            listeners: Vec::new(),
            limits: Limits::default(),
            default_site: sites.keys().next().cloned(),
            parts: parts.into_iter().collect(),
            sites,
            ticket_keys: vec![ticket_key],
            challenges: None,
        }
    }

    /// If every site runs, the root as applied is served.
    #[test]
    fn without_quarantine_the_applied_root_is_served() {
        let root = root(&[("a.test", Hash::of("a"))], Hash::of("key"));
        let verdicts = BTreeMap::from([("a.test".to_owned(), SiteVerdict::Running)]);
        assert_eq!(None, served(&root, &verdicts, &Parts::new()));
    }

    /// A quarantined site is replaced by its last good version with all of its parts, or left out.
    #[test]
    fn last_good_versions_are_served() {
        let (pool_hash, pool) = named(pool(9000));
        let (good, good_site) = named(site("b.test", pool_hash));
        let (running, running_site) = named(site("c.test", pool_hash));
        let parts = Parts::from([
            (pool_hash, pool),
            (good, good_site),
            (running, running_site),
        ]);
        let broken = Hash::of("broken");
        let sites = [("a.test", broken), ("b.test", broken), ("c.test", running)];
        let verdicts = BTreeMap::from([
            ("a.test".to_owned(), quarantined(None)),
            ("b.test".to_owned(), quarantined(Some(good))),
            ("c.test".to_owned(), SiteVerdict::Running),
        ]);
        let served = served(&root(&sites, Hash::of("key")), &verdicts, &parts).unwrap();
        let expected =
            BTreeMap::from([("b.test".to_owned(), good), ("c.test".to_owned(), running)]);
        assert_eq!(expected, served.sites);
        assert_eq!(None, served.default_site);
        let leads_to = ["tls", "certificate", "key"].map(Hash::of);
        let needed: BTreeSet<Hash> = leads_to
            .into_iter()
            .chain([pool_hash, good, running])
            .collect();
        assert_eq!(needed.into_iter().collect::<Vec<_>>(), served.parts);
    }
}
