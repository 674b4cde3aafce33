//! Fields of a head, classified by how a proxy handles them.

use crate::bytes::{TOKEN, members, skip, skip_value};

/// A range of the caller's buffer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// The range `start..end`, limited to 4 GiB; heads are far shorter.
    #[must_use]
    pub fn new(start: usize, end: usize) -> Self {
        let position = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Self {
            start: position(start),
            end: position(end),
        }
    }

    /// The bytes of the range in its buffer.
    #[must_use]
    pub fn of(self, input: &[u8]) -> &[u8] {
        input
            .get(self.start as usize..self.end as usize)
            .unwrap_or_default()
    }

    /// The start of the range.
    #[must_use]
    pub fn start(self) -> usize {
        self.start as usize
    }
}

/// One field line of a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// The name, as it was sent.
    pub name: Span,
    /// The value, without the white space around it.
    pub value: Span,
    /// How a proxy handles it.
    pub kind: FieldKind,
}

/// How a proxy handles a field. Most fields are [`FieldKind::EndToEnd`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// `Connection`: whether the connection persists, and the names of further hop-by-hop fields.
    Connection,
    /// `Content-Length`: framing, parsed and written again.
    ContentLength,
    /// `Cookie`: may be in pieces in HTTP/2 (RFC 9113 §8.2.3).
    Cookie,
    /// `Date`: added to responses that have none.
    Date,
    /// Forwarded unchanged.
    EndToEnd,
    /// `Expect`: parsed as a list, and written again in requests.
    Expect,
    /// Fields about the client that only a proxy may set; those of clients are removed (RFC 9440 §2.4).
    Forwarded,
    /// `Host`: validated, and written again.
    Host,
    /// For this connection only (RFC 9110 §7.6.1); removed.
    HopByHop,
    /// `Strict-Transport-Security`: the stronger of the server's and the site's is sent.
    StrictTransportSecurity,
    /// `Transfer-Encoding`: framing, parsed and written again.
    TransferEncoding,
    /// `Upgrade`: forwarded only with an upgrade.
    Upgrade,
}

/// The longest name that [`field_kind`] recognizes.
const MAX_RECOGNIZED_BYTES: usize = 25;

/// Classify a field by its name, in any case.
///
/// CGI and WSGI servers treat `_` as `-` (RFC 3875 §4.1.18). A name that would be recognized with `-`
/// instead of `_` is therefore not forwarded.
#[must_use]
pub fn field_kind(name: &[u8]) -> FieldKind {
    let mut folded = [0_u8; MAX_RECOGNIZED_BYTES];
    let length = name.len().min(MAX_RECOGNIZED_BYTES);
    let mut disguised = false;
    for (to, &from) in folded.iter_mut().zip(name) {
        disguised |= from == b'_';
        *to = if from == b'_' {
            b'-'
        } else {
            from.to_ascii_lowercase()
        };
    }
    if folded.starts_with(b"x-forwarded-") {
        return FieldKind::Forwarded;
    }
    if name.len() > MAX_RECOGNIZED_BYTES {
        return FieldKind::EndToEnd;
    }
    match (known(&folded[..length]), disguised) {
        (FieldKind::EndToEnd | FieldKind::Cookie | FieldKind::Date, true) => FieldKind::EndToEnd,
        (_, true) => FieldKind::HopByHop,
        (kind, false) => kind,
    }
}

fn known(lower: &[u8]) -> FieldKind {
    match lower {
        b"connection" => FieldKind::Connection,
        b"content-length" => FieldKind::ContentLength,
        b"cookie" => FieldKind::Cookie,
        b"date" => FieldKind::Date,
        b"expect" => FieldKind::Expect,
        b"client-cert" | b"client-cert-chain" | b"forwarded" | b"x-real-ip" => FieldKind::Forwarded,
        b"host" => FieldKind::Host,
        b"keep-alive"
        | b"proxy-authenticate"
        | b"proxy-authentication-info"
        | b"proxy-authorization"
        | b"proxy-connection"
        | b"te"
        | b"trailer" => FieldKind::HopByHop,
        b"strict-transport-security" => FieldKind::StrictTransportSecurity,
        b"transfer-encoding" => FieldKind::TransferEncoding,
        b"upgrade" => FieldKind::Upgrade,
        _ => FieldKind::EndToEnd,
    }
}

/// Whether one of the head's `Connection` fields names this field (RFC 9110 §7.6.1).
#[must_use]
pub fn connection_names(input: &[u8], fields: &[Field], name: &[u8]) -> bool {
    fields
        .iter()
        .filter(|field| field.kind == FieldKind::Connection)
        .flat_map(|field| members(field.value.of(input)))
        .any(|member| member.eq_ignore_ascii_case(name))
}

/// Whether these bytes are a field name (RFC 9110 §5.1).
#[must_use]
pub fn is_field_name(name: &[u8]) -> bool {
    !name.is_empty() && skip(name, 0, &TOKEN) == name.len()
}

/// Whether these bytes may be a field value: no CR, LF, NUL or other control (RFC 9110 §5.5).
#[must_use]
pub fn is_field_value(value: &[u8]) -> bool {
    skip_value(value, 0) == value.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_recognized_in_any_case() {
        assert_eq!(FieldKind::Host, field_kind(b"hOSt"));
        assert_eq!(
            FieldKind::HopByHop,
            field_kind(b"Proxy-Authentication-Info")
        );
        assert_eq!(
            FieldKind::StrictTransportSecurity,
            field_kind(b"Strict-Transport-Security")
        );
        assert_eq!(FieldKind::EndToEnd, field_kind(b"Accept"));
    }

    #[test]
    fn fields_about_the_client_are_recognized() {
        for name in [
            "Forwarded",
            "Client-Cert",
            "client-cert-chain",
            "X-Forwarded-For",
            "x-forwarded-anything-at-all-however-long",
        ] {
            assert_eq!(FieldKind::Forwarded, field_kind(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn underscores_do_not_disguise_a_field() {
        assert_eq!(FieldKind::Forwarded, field_kind(b"X_Forwarded_For"));
        assert_eq!(FieldKind::HopByHop, field_kind(b"Content_Length"));
        assert_eq!(FieldKind::HopByHop, field_kind(b"Client_Cert"));
        assert_eq!(FieldKind::EndToEnd, field_kind(b"my_own_field"));
    }

    #[test]
    fn a_connection_field_names_others() {
        let input = b"Connectionclose, X-Secret ,";
        let field = Field {
            name: Span::new(0, 10),
            value: Span::new(10, input.len()),
            kind: FieldKind::Connection,
        };
        assert!(connection_names(input, &[field], b"x-secret"));
        assert!(!connection_names(input, &[field], b"x-other"));
    }
}
