//! Sets of allowed bytes, and small parsers and writers of byte strings.

/// A set of bytes, looked up by value.
pub(crate) type ByteSet = [bool; 256];

/// RFC 9110 §5.6.2: the characters of a token.
pub(crate) static TOKEN: ByteSet = with(alphanumerics(), b"!#$%&'*+-.^_`|~");

/// The bytes of a request target: visible ASCII without `#`, since a target has no fragment (RFC 9110 §7.1).
pub(crate) static TARGET: ByteSet = {
    let mut set = range([false; 256], 0x21, 0x7e);
    set[b'#' as usize] = false;
    set
};

/// RFC 9110 §5.5: field content; visible ASCII, space, tab and obs-text.
pub(crate) static FIELD_VALUE: ByteSet =
    with(range(range([false; 256], 0x21, 0x7e), 0x80, 0xff), b" \t");

/// The bytes of a host name: reg-name of RFC 3986 §3.2.2 without sub-delims and escapes.
pub(crate) static HOST: ByteSet = with(alphanumerics(), b"-._~");

const fn alphanumerics() -> ByteSet {
    range(
        range(range([false; 256], b'0', b'9'), b'A', b'Z'),
        b'a',
        b'z',
    )
}

const fn range(mut set: ByteSet, first: u8, last: u8) -> ByteSet {
    let mut byte = first as usize;
    while byte <= last as usize {
        set[byte] = true;
        byte += 1;
    }
    set
}

const fn with(mut set: ByteSet, bytes: &[u8]) -> ByteSet {
    let mut index = 0;
    while index < bytes.len() {
        set[bytes[index] as usize] = true;
        index += 1;
    }
    set
}

/// The first position at or after `from` whose byte is not in the set; the input's length if none.
pub(crate) fn skip(input: &[u8], from: usize, set: &ByteSet) -> usize {
    let rest = input.get(from..).unwrap_or_default();
    let run = rest.iter().position(|&byte| !set[usize::from(byte)]);
    from + run.unwrap_or(rest.len())
}

/// The same for [`FIELD_VALUE`], eight bytes at a time while they are all visible, since most bytes of a head
/// are values.
pub(crate) fn skip_value(input: &[u8], from: usize) -> usize {
    let rest = input.get(from..).unwrap_or_default();
    let plain = rest
        .as_chunks::<8>()
        .0
        .iter()
        .take_while(|chunk| !may_hold_control(u64::from_le_bytes(**chunk)))
        .count();
    skip(input, from + 8 * plain, &FIELD_VALUE)
}

/// Whether one of eight bytes may be below 0x20 or DEL. May be true by mistake for a byte after one.
fn may_hold_control(eight: u64) -> bool {
    const LOW: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    let below = |limit: u64, bytes: u64| bytes.wrapping_sub(LOW * limit) & !bytes & HIGH;
    below(0x20, eight) | below(1, eight ^ (LOW * 0x7f)) != 0
}

/// The input without leading and trailing spaces and tabs (RFC 9110 §5.6.3, OWS).
pub(crate) fn trim(mut input: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = input {
        input = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = input {
        input = rest;
    }
    input
}

/// The non-empty members of a comma-separated list (RFC 9110 §5.6.1.2).
pub(crate) fn members(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|&byte| byte == b',')
        .map(trim)
        .filter(|member| !member.is_empty())
}

/// Parse a decimal number: digits only, at least one, within 64 bits.
#[must_use]
pub fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, &byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// Append a number in decimal.
pub(crate) fn write_decimal(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// `skip_value` returns the same as `skip`, whatever the position of a byte that is not allowed.
        #[test]
        fn skip_value_equals_skip(
            mut input in prop::collection::vec(prop_oneof![Just(b'a'), Just(b'\t'), any::<u8>()], 0..40),
            from in 0_usize..48,
            odd in any::<u8>(),
            position in any::<prop::sample::Index>(),
        ) {
            prop_assert_eq!(skip(&input, from, &FIELD_VALUE), skip_value(&input, from));
            for byte in &mut input {
                *byte |= 0x20;
            }
            if !input.is_empty() {
                let position = position.index(input.len());
                input[position] = odd;
            }
            prop_assert_eq!(skip(&input, from, &FIELD_VALUE), skip_value(&input, from));
        }
    }
}
