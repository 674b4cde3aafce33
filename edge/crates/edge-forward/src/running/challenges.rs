//! The ACME challenges that a snapshot answers.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use edge_contract::{ChallengeRefused, Hash, HttpChallenge, Part, Parts};
use edge_tls::SiteFault;

use crate::challenge::ChallengeRuntime;
use crate::destination::Destination;

/// All of them; the same object while their document stays the same.
#[derive(Default)]
pub(super) struct Challenges {
    hash: Option<Hash>,
    /// By the name in the hello.
    tls_alpn: HashMap<String, Destination>,
    /// By token.
    http: HashMap<String, HttpChallenge>,
    refused: BTreeMap<String, ChallengeRefused>,
}

impl Challenges {
    /// Make them ready; of what cannot be answered the reason is kept.
    pub(super) fn build(hash: Option<Hash>, parts: &Parts, previous: &Arc<Self>) -> Arc<Self> {
        if hash == previous.hash {
            return Arc::clone(previous);
        }
        let document = hash.and_then(|hash| Part::challenges(parts, &hash).ok());
        let Some(document) = document else {
            return Arc::default();
        };
        let http = document.http.iter();
        let mut made = Self {
            hash,
            http: http
                .map(|(token, it)| (token.clone(), it.clone()))
                .collect(),
            ..Self::default()
        };
        for (name, challenge) in &document.tls_alpn {
            made.add(name.clone(), ChallengeRuntime::build(challenge, parts));
        }
        Arc::new(made)
    }

    fn add(&mut self, name: String, built: Result<ChallengeRuntime, SiteFault>) {
        match built {
            Ok(challenge) => {
                let challenge = Destination::Challenge(Arc::new(challenge));
                self.tls_alpn.insert(name, challenge);
            }
            Err(SiteFault {
                code,
                path,
                message,
            }) => {
                let refused = ChallengeRefused {
                    code,
                    path,
                    message,
                };
                self.refused.insert(name, refused);
            }
        }
    }

    /// Where an ACME server leads that validates a name by a handshake.
    pub(super) fn destination(&self, name: &str) -> Option<&Destination> {
        self.tls_alpn.get(name)
    }

    /// The http-01 challenge with a token.
    pub(super) fn http(&self, token: &str) -> Option<&HttpChallenge> {
        self.http.get(token)
    }

    /// The tls-alpn-01 challenges that cannot be answered.
    pub(super) fn refused(&self) -> &BTreeMap<String, ChallengeRefused> {
        &self.refused
    }
}
