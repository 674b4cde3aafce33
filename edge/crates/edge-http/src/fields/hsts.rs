//! Strict-Transport-Security (RFC 6797): parsing and comparing policies.

use crate::bytes::{TOKEN, decimal, skip, trim};

/// The most directives of a header.
const MAX_DIRECTIVES: usize = 32;

/// The parts of a policy that can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HstsPolicy {
    /// How long clients store it, in seconds.
    pub max_age_s: u64,
    /// Whether it covers subdomains.
    pub include_subdomains: bool,
}

impl HstsPolicy {
    /// Parse a header's value; `None` if clients would ignore it (RFC 6797 §6.1), or if it has more
    /// than 32 directives.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let (mut max_age_s, mut include_subdomains) = (None, false);
        let mut seen: [&[u8]; MAX_DIRECTIVES] = [b""; MAX_DIRECTIVES];
        let mut known = 0;
        let mut rest = Some(value);
        while let Some(left) = rest {
            let directive = Directive::take(left)?;
            rest = directive.after;
            if directive.name.is_empty() {
                continue;
            }
            *seen.get_mut(known)? = directive.name;
            known += 1;
            if directive.name.eq_ignore_ascii_case(b"max-age") {
                max_age_s = Some(decimal(unquoted(directive.value?))?);
            } else if directive.name.eq_ignore_ascii_case(b"includeSubDomains") {
                include_subdomains = directive.value.is_none();
                if !include_subdomains {
                    return None;
                }
            }
        }
        if has_twice(&seen[..known]) {
            return None;
        }
        Some(Self {
            max_age_s: max_age_s?,
            include_subdomains,
        })
    }
}

/// Whether a server's own header is at least as strong as the site's policy.
#[must_use]
pub fn hsts_covers(server: &[u8], site: HstsPolicy) -> bool {
    HstsPolicy::parse(server).is_some_and(|server| {
        server.max_age_s >= site.max_age_s
            && (server.include_subdomains || !site.include_subdomains)
    })
}

/// `[ name [ "=" ( token / quoted-string ) ] ]`
struct Directive<'a> {
    name: &'a [u8],
    value: Option<&'a [u8]>,
    /// The rest after the semicolon; `None` at the end.
    after: Option<&'a [u8]>,
}

impl<'a> Directive<'a> {
    fn take(input: &'a [u8]) -> Option<Self> {
        let input = trim(input);
        let (name, mut rest) = input.split_at(skip(input, 0, &TOKEN));
        rest = trim(rest);
        let mut value = None;
        if let ([_, ..], [b'=', after @ ..]) = (name, rest) {
            let after = trim(after);
            let (own, left) = after.split_at(value_length(after)?);
            value = Some(own);
            rest = trim(left);
        }
        let after = match rest {
            [] => None,
            [b';', after @ ..] => Some(after),
            _ => return None,
        };
        Some(Self { name, value, after })
    }
}

/// The length of the token or quoted string at the start; `None` if there is none.
fn value_length(input: &[u8]) -> Option<usize> {
    if input.first() != Some(&b'"') {
        return Some(skip(input, 0, &TOKEN)).filter(|&length| length > 0);
    }
    let mut at = 1;
    loop {
        match input.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

fn has_twice(names: &[&[u8]]) -> bool {
    names
        .iter()
        .enumerate()
        .any(|(at, name)| names[..at].iter().any(|it| it.eq_ignore_ascii_case(name)))
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
    fn a_stronger_or_equal_policy_covers() {
        assert!(hsts_covers(b"max-age=31536000", YEAR));
        for strong in [
            "Max-Age=\"63072000\" ; includeSubDomains; preload",
            ";; max-age = 31536000 ;",
            "x=\"a;max-age=1;\\\"b\"; y; z=1; max-age=31536000",
        ] {
            assert!(hsts_covers(strong.as_bytes(), YEAR), "{strong:?}");
        }
    }

    #[test]
    fn a_weaker_or_invalid_policy_does_not_cover() {
        for weak in [
            "max-age=300",
            "max-age=0",
            "",
            "max-age",
            "max-age=x",
            "includeSubDomains",
            "max-age=31536000; max-age=1",
            "max-age=31536000; x; X",
            "max-age=31536000; includeSubDomains=true",
            "max-age=31536000; includeSubDomains; includeSubDomains",
            "max-age=\"31536000",
            "max-age=31536000; x=\"a",
            "max-age=31536000; x=\"a\"b",
            "max-age=31536000; x=\"a\\",
            "max-age=31536000, includeSubDomains",
            "max-age=31536000 x",
            "max-age=31536000; =x",
            "max-age=31536000; x=",
            "x=\"; max-age=31536000\"",
        ] {
            assert!(!hsts_covers(weak.as_bytes(), YEAR), "{weak:?}");
        }
    }

    #[test]
    fn subdomains_of_the_site_must_be_covered() {
        let site = HstsPolicy {
            max_age_s: 300,
            include_subdomains: true,
        };
        assert!(!hsts_covers(b"max-age=31536000", site));
        assert!(hsts_covers(b"max-age=300; INCLUDESUBDOMAINS", site));
    }
}
