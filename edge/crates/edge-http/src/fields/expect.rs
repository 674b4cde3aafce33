//! Expect (RFC 9110 §10.1.1). Servers parse it differently, so it is forwarded in one form only.

use crate::bytes::members;
use edge_contract::RequestRefusal;

/// The only defined expectation.
pub(crate) const EXPECT_CONTINUE: &[u8] = b"100-continue";

/// Whether an Expect field contains the expectation. It is a list, whose empty and repeated members are
/// ignored (RFC 9110 §5.3, §5.6.1.2).
pub(crate) fn expects_continue(value: &[u8]) -> Result<bool, RequestRefusal> {
    let is_known = |member: &[u8]| member.eq_ignore_ascii_case(EXPECT_CONTINUE);
    if members(value).all(is_known) {
        Ok(members(value).next().is_some())
    } else {
        Err(RequestRefusal::ExpectationUnsupported)
    }
}
