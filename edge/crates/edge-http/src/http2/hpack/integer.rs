//! Integers with a prefix (RFC 7541 §5.1).

/// The largest index or length that can be valid.
const MAX_VALUE: usize = 1 << 24;

/// Decode an integer with a prefix of so many bits; return it and the rest of the input.
pub(super) fn read(input: &[u8], prefix: u32) -> Option<(usize, &[u8])> {
    let (&first, mut rest) = input.split_first()?;
    let mask = (1_usize << prefix) - 1;
    let mut value = usize::from(first) & mask;
    if value < mask {
        return Some((value, rest));
    }
    for shift in [0, 7, 14, 21] {
        let (&byte, after) = rest.split_first()?;
        rest = after;
        value += usize::from(byte & 0x7f) << shift;
        if value > MAX_VALUE {
            return None;
        }
        if byte & 0x80 == 0 {
            return Some((value, rest));
        }
    }
    None
}

/// Append an integer; `high` are the first byte's bits above the prefix.
pub(super) fn write(out: &mut Vec<u8>, high: u8, prefix: u32, value: usize) {
    let mask = (1_usize << prefix) - 1;
    if value < mask {
        out.push(high | low(value));
        return;
    }
    out.push(high | low(mask));
    let mut left = value - mask;
    while left >= 0x80 {
        out.push(0x80 | low(left & 0x7f));
        left >>= 7;
    }
    out.push(low(left));
}

fn low(value: usize) -> u8 {
    let [low, ..] = value.to_le_bytes();
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_rfc_are_decoded() {
        assert_eq!(Some((10, &b""[..])), read(b"\xea", 5));
        assert_eq!(Some((1337, &b"x"[..])), read(b"\x1f\x9a\x0ax", 5));
        assert_eq!(Some((42, &b""[..])), read(b"\x2a", 8));
    }

    #[test]
    fn encoded_integers_can_be_decoded() {
        for value in (0..300).chain([1000, 16_383, 16_384, 1 << 20]) {
            for prefix in 4..=7 {
                let mut out = Vec::new();
                write(&mut out, 0, prefix, value);
                assert_eq!(Some((value, &b""[..])), read(&out, prefix));
            }
        }
    }

    #[test]
    fn integers_are_bounded() {
        assert_eq!(None, read(b"\x7f\xff\xff\xff\xff\xff\x01", 7));
        assert_eq!(None, read(b"\x7f\x80\x80\x80\x80\x00", 7), "leading zeros");
        assert_eq!(None, read(b"\x7f", 7), "cut off");
    }
}
