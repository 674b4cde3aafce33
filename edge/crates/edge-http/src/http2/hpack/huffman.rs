//! The Huffman code of header strings (RFC 7541 §5.2, Appendix B).
//!
//! The code is canonical: codes of a length are consecutive, in the order of their symbols. The tables
//! below are therefore computed from the lengths, at compile time.

/// The length of each symbol's code in bits. The end-of-string symbol, which strings do not contain, has 30.
const LENGTHS: [u8; 256] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28,
    28, 28, 28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5,
    5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6,
    6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22,
    23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22,
    21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20,
    22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19,
    21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22,
    22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
];
const MAX_BITS: usize = 30;
/// Codes up to this length in bits are found by one table look-up.
const FAST_BITS: usize = 8;

/// The codes of one length.
#[derive(Clone, Copy)]
struct Row {
    /// The first code.
    first: u32,
    /// The number of codes.
    count: u32,
    /// The index of their first symbol in [`SYMBOLS`].
    start: usize,
}

static SYMBOLS: [u8; 256] = symbols();
static ROWS: [Row; MAX_BITS + 1] = rows();
/// By the next eight bits: a symbol and the length of its code; 0 if the code is longer.
static SHORT: [(u8, u8); 256] = short();

#[allow(clippy::cast_possible_truncation, reason = "the index is below 256")]
const fn symbols() -> [u8; 256] {
    let mut sorted = [0; 256];
    let (mut length, mut at) = (1, 0);
    while length <= MAX_BITS {
        let mut symbol = 0;
        while symbol < 256 {
            if LENGTHS[symbol] as usize == length {
                sorted[at] = symbol as u8;
                at += 1;
            }
            symbol += 1;
        }
        length += 1;
    }
    sorted
}

const fn rows() -> [Row; MAX_BITS + 1] {
    let mut rows = [Row {
        first: 0,
        count: 0,
        start: 0,
    }; MAX_BITS + 1];
    let mut symbol = 0;
    while symbol < 256 {
        rows[LENGTHS[symbol] as usize].count += 1;
        symbol += 1;
    }
    let mut length = 1;
    while length <= MAX_BITS {
        let before = rows[length - 1];
        rows[length].first = (before.first + before.count) << 1;
        rows[length].start = before.start + before.count as usize;
        length += 1;
    }
    rows
}

#[allow(clippy::cast_possible_truncation, reason = "the length is at most 8")]
const fn short() -> [(u8, u8); 256] {
    let (mut table, rows, symbols) = ([(0, 0); 256], rows(), symbols());
    let mut prefix = 0;
    while prefix < 256 {
        let mut length = 1;
        while length <= FAST_BITS {
            let code = (prefix >> (FAST_BITS - length)) as u32;
            let row = rows[length];
            if code >= row.first && code - row.first < row.count {
                table[prefix] = (
                    symbols[row.start + (code - row.first) as usize],
                    length as u8,
                );
            }
            length += 1;
        }
        prefix += 1;
    }
    table
}

/// Append a decoded string; `None` if it is malformed.
pub(super) fn decode(input: &[u8], out: &mut Vec<u8>) -> Option<()> {
    // The next bits are the highest; the rest are ones, like the padding at the end.
    let (mut window, mut bits, mut rest) = (u64::MAX, 0_u32, input);
    loop {
        while bits <= 56 {
            let [byte, after @ ..] = rest else { break };
            let shift = 56 - bits;
            window &= !(0xff << shift);
            window |= u64::from(*byte) << shift;
            bits += 8;
            rest = after;
        }
        let (symbol, length) = next(window);
        if length == 0 || length > bits {
            // RFC 7541 §5.2: the padding is fewer than eight ones, which are not a code.
            return (rest.is_empty() && bits < 8 && window == u64::MAX).then_some(());
        }
        out.push(symbol);
        window = window << length | ((1 << length) - 1);
        bits -= length;
    }
}

/// The symbol of the highest bits of the window, and the length of its code; 0 if there is none.
fn next(window: u64) -> (u8, u32) {
    let (symbol, length) = SHORT[(window >> (64 - FAST_BITS)) as usize];
    if length != 0 {
        return (symbol, u32::from(length));
    }
    for (length, row) in (0..).zip(&ROWS).skip(FAST_BITS + 1) {
        let code = u32::try_from(window >> (64 - length)).unwrap_or(u32::MAX);
        let offset = code.wrapping_sub(row.first);
        if offset < row.count {
            return (SYMBOLS[row.start + offset as usize], length);
        }
    }
    (0, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(input: &[u8]) -> Option<String> {
        let mut out = Vec::new();
        decode(input, &mut out)?;
        Some(out.iter().map(|&byte| char::from(byte)).collect())
    }

    #[test]
    fn the_examples_of_the_rfc_are_decoded() {
        let coded = b"\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff";
        assert_eq!(Some("www.example.com".into()), decoded(coded));
        assert_eq!(
            Some("no-cache".into()),
            decoded(b"\xa8\xeb\x10\x64\x9c\xbf")
        );
        assert_eq!(Some("302".into()), decoded(b"\x64\x02"));
        assert_eq!(Some(String::new()), decoded(b""));
    }

    #[test]
    fn every_symbol_is_decoded() {
        for symbol in 0..=255_u8 {
            let length = u32::from(LENGTHS[usize::from(symbol)]);
            let row = ROWS[length as usize];
            let among = &SYMBOLS[row.start..][..row.count as usize];
            let position = among.iter().position(|&it| it == symbol).unwrap();
            let code = u64::from(row.first) + position as u64;
            let coded = (code << (64 - length) | u64::MAX >> length).to_be_bytes();
            let used = length.div_ceil(8) as usize;
            assert_eq!(
                Some(char::from(symbol).to_string()),
                decoded(&coded[..used])
            );
        }
    }

    #[test]
    fn bad_padding_and_the_end_symbol_are_refused() {
        assert_eq!(None, decoded(b"\x18"), "zeros after the last symbol");
        assert_eq!(None, decoded(b"\xff"), "eight ones of padding");
        assert_eq!(None, decoded(b"\xff\xff\xff\xff"), "the end of the string");
        assert_eq!(None, decoded(b"\x64\x02\xff"), "padding longer than needed");
    }
}
