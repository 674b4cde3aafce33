//! Field blocks (RFC 7541): the same request again and again, and the status of an answer.

use super::frame::{Frame, PRIORITY, unpadded};
use crate::fault::Fault;

/// Refuse all but 200, which every encoder sends as the static table's entry 8 and first of the fields.
pub(super) fn check_status(frame: &Frame<'_>) -> Result<(), Fault> {
    const STATUS_200: u8 = 0x88;
    let mut block = unpadded(frame)?;
    if frame.flags & PRIORITY != 0 {
        block = block.get(5..).unwrap_or_default();
    }
    // Sizes of the dynamic table may be said before the first field (RFC 7541 §4.2).
    let is_size = |byte: &u8| byte & 0xe0 == 0x20;
    while block.first().is_some_and(is_size) {
        let ends = if block[0] & 0x1f == 0x1f {
            block[1..].iter().position(|byte| byte & 0x80 == 0)
        } else {
            Some(0)
        };
        let more = usize::from(block[0] & 0x1f == 0x1f);
        block = ends
            .and_then(|at| block.get(1 + more + at..))
            .unwrap_or_default();
    }
    match block.first() {
        Some(&STATUS_200) => Ok(()),
        // Trailers have no status, and no server in the bench sends them.
        _ => Err(Fault::new("the answer was not 200")),
    }
}

/// How a literal field begins (RFC 7541 §6.2): the bits above the name's index.
#[derive(Clone, Copy)]
pub(super) struct Literal {
    pattern: u8,
    prefix: u8,
}
pub(super) const LITERAL_INDEXED: Literal = Literal {
    pattern: 0x40,
    prefix: 0x3f,
};
pub(super) const LITERAL: Literal = Literal {
    pattern: 0x00,
    prefix: 0x0f,
};
pub(super) const METHOD_GET: u8 = 0x82;
pub(super) const SCHEME_HTTPS: u8 = 0x87;
pub(super) const FIRST_DYNAMIC: usize = 62;

pub(super) fn first_block(fields: &[(u8, String)], form: Literal) -> Vec<u8> {
    let mut block = vec![METHOD_GET, SCHEME_HTTPS];
    for (name, value) in fields {
        put_integer(&mut block, form.pattern, form.prefix, usize::from(*name));
        put_integer(&mut block, 0, 0x7f, value.len());
        block.extend_from_slice(value.as_bytes());
    }
    block
}

/// The same fields once more: the last one that was added has the lowest index.
pub(super) fn next_block(fields: usize) -> Vec<u8> {
    let mut block = vec![METHOD_GET, SCHEME_HTTPS];
    for back in (0..fields).rev() {
        put_integer(&mut block, 0x80, 0x7f, FIRST_DYNAMIC + back);
    }
    block
}

/// Append an integer in the form of RFC 7541 §5.1.
pub(super) fn put_integer(to: &mut Vec<u8>, pattern: u8, prefix: u8, value: usize) {
    let most = usize::from(prefix);
    if value < most {
        to.push(pattern | low_byte(value));
        return;
    }
    to.push(pattern | prefix);
    let mut rest = value - most;
    while rest >= 0x80 {
        to.push(0x80 | low_byte(rest & 0x7f));
        rest >>= 7;
    }
    to.push(low_byte(rest));
}

pub(super) fn low_byte(value: usize) -> u8 {
    value.to_le_bytes()[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_were_sent_are_named_by_their_index() {
        let fields = vec![(1, "a".to_owned()), (4, "/".to_owned())];
        assert_eq!(
            vec![0x82, 0x87, 0x41, 1, b'a', 0x44, 1, b'/'],
            first_block(&fields, LITERAL_INDEXED)
        );
        assert_eq!(vec![0x82, 0x87, 0xbf, 0xbe], next_block(2));
    }

    #[test]
    fn integers_are_written_as_the_standard_writes_them() {
        let mut bytes = Vec::new();
        put_integer(&mut bytes, 0, 0x1f, 1337);
        assert_eq!(vec![0x1f, 0x9a, 0x0a], bytes, "RFC 7541 C.1.2");
    }
}
