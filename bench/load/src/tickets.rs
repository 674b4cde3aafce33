//! Session tickets (RFC 8446 §4.6.1) of all connections in one place, each used once.

use std::fmt;
use std::sync::Mutex;

use rustls::NamedGroup;
use rustls::client::{ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue};
use rustls::pki_types::ServerName;

const MOST: usize = 256;

/// Keeps tickets for the next handshakes, or drops them so that none resumes.
pub struct Tickets {
    kept: Mutex<Vec<Tls13ClientSessionValue>>,
    keep: bool,
}

impl Tickets {
    /// An empty store. One that drops tickets is still sent them, as the store of a first visitor is.
    #[must_use]
    pub fn new(keep: bool) -> Self {
        Self {
            kept: Mutex::new(Vec::new()),
            keep,
        }
    }

    /// Whether fewer than `wanted` tickets are kept by a store that keeps them.
    #[must_use]
    pub fn lacks(&self, wanted: usize) -> bool {
        self.keep
            && self
                .kept
                .lock()
                .is_ok_and(|kept| kept.len() < wanted.min(MOST))
    }
}

impl fmt::Debug for Tickets {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Tickets").finish_non_exhaustive()
    }
}

impl ClientSessionStore for Tickets {
    fn set_kx_hint(&self, _: ServerName<'static>, _: NamedGroup) {}

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        None
    }

    fn set_tls12_session(&self, _: ServerName<'static>, _: Tls12ClientSessionValue) {}

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        None
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {}

    fn insert_tls13_ticket(&self, _: ServerName<'static>, ticket: Tls13ClientSessionValue) {
        if self.keep
            && let Ok(mut kept) = self.kept.lock()
            && kept.len() < MOST
        {
            kept.push(ticket);
        }
    }

    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.kept.lock().ok()?.pop()
    }
}
