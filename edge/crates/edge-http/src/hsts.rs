//! Strict-Transport-Security (RFC 6797): which of two policies is the stronger one.

use crate::bytes::{decimal, trim};

/// A policy, as far as two can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HstsPolicy {
    /// For how many seconds clients keep it.
    pub max_age_s: u64,
    /// Whether it covers the names below.
    pub include_subdomains: bool,
}

impl HstsPolicy {
    /// Read a header's value; `None` when a client would ignore it (RFC 6797 §6.1).
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let (mut max_age_s, mut include_subdomains) = (None, false);
        for directive in value.split(|&byte| byte == b';').map(trim) {
            let (name, argument) = split(directive);
            if name.eq_ignore_ascii_case(b"max-age") {
                let seconds = decimal(unquoted(argument?))?;
                if max_age_s.replace(seconds).is_some() {
                    return None;
                }
            } else if name.eq_ignore_ascii_case(b"includeSubDomains") {
                include_subdomains = true;
            }
        }
        Some(Self {
            max_age_s: max_age_s?,
            include_subdomains,
        })
    }
}

/// Whether an upstream's own header asks for at least what ours does, so that it may stay.
#[must_use]
pub fn hsts_covers(upstream: &[u8], ours: HstsPolicy) -> bool {
    HstsPolicy::parse(upstream).is_some_and(|theirs| {
        theirs.max_age_s >= ours.max_age_s
            && (theirs.include_subdomains || !ours.include_subdomains)
    })
}

fn split(directive: &[u8]) -> (&[u8], Option<&[u8]>) {
    match directive.iter().position(|&byte| byte == b'=') {
        Some(at) => (trim(&directive[..at]), Some(trim(&directive[at + 1..]))),
        None => (directive, None),
    }
}

fn unquoted(argument: &[u8]) -> &[u8] {
    match argument {
        [b'"', inside @ .., b'"'] => inside,
        _ => argument,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YEAR: HstsPolicy = HstsPolicy {
        max_age_s: 31_536_000,
        include_subdomains: false,
    };

    #[test]
    fn a_longer_or_equal_policy_stays() {
        assert!(hsts_covers(b"max-age=31536000", YEAR));
        assert!(hsts_covers(
            b"Max-Age=\"63072000\" ; includeSubDomains; preload",
            YEAR
        ));
    }

    #[test]
    fn a_weaker_or_broken_policy_does_not() {
        for weak in [
            "max-age=300",
            "max-age=0",
            "",
            "max-age",
            "max-age=x",
            "includeSubDomains",
        ] {
            assert!(!hsts_covers(weak.as_bytes(), YEAR), "{weak:?}");
        }
        assert!(!hsts_covers(b"max-age=31536000; max-age=1", YEAR));
    }

    #[test]
    fn subdomains_that_we_cover_must_be_covered() {
        let ours = HstsPolicy {
            max_age_s: 300,
            include_subdomains: true,
        };
        assert!(!hsts_covers(b"max-age=31536000", ours));
        assert!(hsts_covers(b"max-age=300; INCLUDESUBDOMAINS", ours));
    }
}
