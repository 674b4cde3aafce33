//! A site: a set of names with one policy and one pool behind it.

use serde::Serialize;

use super::timeouts::Timeouts;
use crate::error::Fault;
use crate::hash::Hash;
use crate::json::{Json, MAX_INTEGER};
use crate::names::site_name;
use crate::read::{Fields, boolean, distinct, hash, integer, nullable, sorted};

/// The most names of one site or certificate.
pub(crate) const MAX_NAMES: usize = 4096;
const MAX_CERTIFICATES: usize = 16;

/// A set of names with one policy and one pool behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Site {
    /// The key of the site in `Root.sites`.
    pub id: String,
    /// Host names, `*.` wildcards of one label, IP addresses without brackets; sorted.
    pub names: Vec<String>,
    /// The TLS policy.
    pub tls: Hash,
    /// The certificates to choose from; none, and the last good version of the site goes on.
    pub certificates: Vec<Hash>,
    /// The upstream pool.
    pub pool: Hash,
    /// The Strict-Transport-Security header, when one is sent.
    pub hsts: Option<Hsts>,
    /// Whether clients may remember the 308 from port 80.
    pub redirect_cacheable: bool,
    /// The longest body of a request; a longer one is answered with 413.
    pub body_bytes: u64,
    /// Its own time-outs; those of the limits when there are none.
    pub timeouts: Option<Timeouts>,
}

/// A Strict-Transport-Security header (RFC 6797), and the names that get it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hsts {
    /// The names whose responses carry the header.
    pub names: Vec<String>,
    /// How long browsers remember it.
    pub max_age_s: u64,
    /// Whether it holds for the names below as well.
    pub include_subdomains: bool,
    /// Whether browsers may ship it.
    pub preload: bool,
}

impl Site {
    pub(super) fn read(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            id: fields.take("id", site_name)?,
            names: fields.take("names", sorted(1..=MAX_NAMES, site_name))?,
            tls: fields.take("tls", hash)?,
            certificates: fields.take("certificates", distinct(0..=MAX_CERTIFICATES, hash))?,
            pool: fields.take("pool", hash)?,
            hsts: fields.take("hsts", nullable(Hsts::read))?,
            redirect_cacheable: fields.take("redirect_cacheable", boolean)?,
            body_bytes: fields.take("body_bytes", integer(0..=MAX_INTEGER))?,
            timeouts: fields.take("timeouts", nullable(Timeouts::read))?,
        })
    }
}

impl Hsts {
    fn read(json: Json) -> Result<Self, Fault> {
        let mut fields = Fields::of(json)?;
        let hsts = Self {
            names: fields.take("names", sorted(1..=MAX_NAMES, site_name))?,
            max_age_s: fields.take("max_age_s", integer(0..=MAX_INTEGER))?,
            include_subdomains: fields.take("include_subdomains", boolean)?,
            preload: fields.take("preload", boolean)?,
        };
        fields.finish()?;
        Ok(hsts)
    }
}
