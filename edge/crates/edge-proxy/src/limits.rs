//! The snapshot's limits in the form that HTTP asks for them.

use edge_http::{BodyKind, HeadLimits, Refusal};
use edge_snapshot::Limits;
use http::{HeaderMap, HeaderName, HeaderValue};

/// Bounds on the head of a request.
pub(crate) fn of_request(limits: &Limits) -> HeadLimits {
    let line_bytes = size(limits.header_line_bytes);
    HeadLimits {
        bytes: size(limits.header_bytes),
        target_bytes: line_bytes,
        line_bytes,
        fields: size(limits.header_fields),
    }
}

/// Bounds on the head of a response: its server is the operator's, so its lines may be long.
pub(crate) fn of_response(limits: &Limits) -> HeadLimits {
    HeadLimits::with_bytes(size(limits.header_bytes))
}

/// HTTP/2 has no lines, but what is refused in one version is refused in the other.
pub(crate) fn check_fields(fields: &HeaderMap, limits: &Limits) -> Result<(), Refusal> {
    let HeadLimits {
        line_bytes,
        fields: most,
        ..
    } = of_request(limits);
    let is_long = |name: &HeaderName, value: &HeaderValue| {
        name.as_str().len() + ": ".len() + value.len() > line_bytes
    };
    if fields.len() > most || fields.iter().any(|(name, value)| is_long(name, value)) {
        return Err(Refusal::FieldsTooLarge);
    }
    Ok(())
}

/// Whether a body is known to be too long before it has come.
pub(crate) fn is_too_long(body: BodyKind, most: u64) -> bool {
    matches!(body, BodyKind::Length(bytes) if bytes > most)
}

fn size(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}
