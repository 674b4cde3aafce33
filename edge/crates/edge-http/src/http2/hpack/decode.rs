//! Decoding header blocks (RFC 7541 §6).

use super::huffman;
use super::integer;
use super::static_table::FIELDS;
use super::table::Table;
use crate::field_section::line::{FieldLine, LineKind};

/// Why a header block was not decoded completely. The decoder cannot be used any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http2) enum HpackFault {
    /// The block is malformed.
    Malformed,
    /// The fields exceed the limit.
    TooLong,
}

/// Decodes the header blocks of one connection, in order.
#[derive(Default)]
pub(in crate::http2) struct Decoder {
    table: Table,
    scratch: Vec<u8>,
}

impl Decoder {
    /// Decode a block, and call `take` with each field. Fails if their sizes add up to more than `max` bytes.
    pub(in crate::http2) fn decode(
        &mut self,
        mut block: &[u8],
        max: usize,
        mut take: impl FnMut(FieldLine<'_>),
    ) -> Result<(), HpackFault> {
        let mut left = max;
        let mut may_resize = true;
        while let Some(&first) = block.first() {
            if first & 0xe0 == 0x20 {
                // RFC 7541 §4.2: size updates come before the first field.
                block = may_resize
                    .then(|| self.resize(block))
                    .flatten()
                    .ok_or(HpackFault::Malformed)?;
                continue;
            }
            may_resize = false;
            let mut counted = |line: FieldLine<'_>| {
                left = left.checked_sub(line.size()).ok_or(HpackFault::TooLong)?;
                take(line);
                Ok(())
            };
            block = if first & 0x80 == 0 {
                self.literal(block, first, &mut counted)?
            } else {
                let (index, rest) = integer::read(block, 7).ok_or(HpackFault::Malformed)?;
                counted(self.indexed(index).ok_or(HpackFault::Malformed)?)?;
                rest
            };
        }
        Ok(())
    }

    /// Release memory that is only needed while decoding.
    pub(in crate::http2) fn release_memory(&mut self) {
        self.scratch = Vec::new();
    }

    fn resize<'b>(&mut self, block: &'b [u8]) -> Option<&'b [u8]> {
        let (limit, rest) = integer::read(block, 5)?;
        self.table.set_limit(limit)?;
        Some(rest)
    }

    fn indexed(&self, index: usize) -> Option<FieldLine<'_>> {
        match FIELDS.get(index.checked_sub(1)?) {
            Some((name, value)) => Some(FieldLine {
                name: name.as_bytes(),
                value: value.as_bytes(),
                kind: LineKind::of(name.as_bytes()),
                is_valid: true,
            }),
            None => self.table.get(index - 1 - FIELDS.len()),
        }
    }

    /// RFC 7541 §6.2: a literal field, with or without indexing.
    fn literal<'b>(
        &mut self,
        block: &'b [u8],
        first: u8,
        take: &mut impl FnMut(FieldLine<'_>) -> Result<(), HpackFault>,
    ) -> Result<&'b [u8], HpackFault> {
        let is_indexed = first & 0x40 != 0;
        let prefix = if is_indexed { 6 } else { 4 };
        let mut text = std::mem::take(&mut self.scratch);
        text.clear();
        let read = self.read_literal(block, prefix, &mut text);
        let outcome = read
            .ok_or(HpackFault::Malformed)
            .and_then(|(kind, name, rest)| {
                let (name, value) = text.split_at(name);
                let line = FieldLine::new(kind, name, value);
                take(line)?;
                if is_indexed {
                    self.table.insert(&line);
                }
                Ok(rest)
            });
        self.scratch = text;
        outcome
    }

    /// Copy name and value; return the name's kind and length, and the rest of the block.
    fn read_literal<'b>(
        &self,
        block: &'b [u8],
        prefix: u32,
        text: &mut Vec<u8>,
    ) -> Option<(LineKind, usize, &'b [u8])> {
        let (index, rest) = integer::read(block, prefix)?;
        let (kind, rest) = if index == 0 {
            let rest = read_string(rest, text)?;
            (LineKind::of(text), rest)
        } else {
            let line = self.indexed(index)?;
            text.extend_from_slice(line.name);
            (line.kind, rest)
        };
        let name = text.len();
        let rest = read_string(rest, text)?;
        Some((kind, name, rest))
    }
}

/// RFC 7541 §5.2.
fn read_string<'b>(input: &'b [u8], out: &mut Vec<u8>) -> Option<&'b [u8]> {
    let is_coded = input.first()? & 0x80 != 0;
    let (length, rest) = integer::read(input, 7)?;
    let (string, rest) = rest.split_at_checked(length)?;
    if is_coded {
        huffman::decode(string, out)?;
    } else {
        out.extend_from_slice(string);
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(decoder: &mut Decoder, block: &[u8]) -> Result<String, HpackFault> {
        let mut out = String::new();
        decoder.decode(block, 10_000, |line| {
            let text = [line.name, b"=", line.value, b";"].concat();
            out.push_str(std::str::from_utf8(&text).unwrap());
        })?;
        Ok(out)
    }

    #[test]
    fn the_requests_of_the_rfc_are_decoded() {
        let mut decoder = Decoder::default();
        let first = b"\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff";
        let start = ":method=GET;:scheme=http;:path=/;:authority=www.example.com;";
        assert_eq!(Ok(start.into()), decoded(&mut decoder, first));
        let second = b"\x82\x86\x84\xbe\x58\x86\xa8\xeb\x10\x64\x9c\xbf";
        let more = format!("{start}cache-control=no-cache;");
        assert_eq!(Ok(more), decoded(&mut decoder, second));
        let third = b"\x82\x87\x85\xbf\x40\x88\x25\xa8\x49\xe9\x5b\xa9\x7d\x7f\x89\x25\xa8\x49\xe9\x5b\xb8\xe8\xb4\xbf";
        let last = ":method=GET;:scheme=https;:path=/index.html;:authority=www.example.com;custom-key=custom-value;";
        assert_eq!(Ok(last.into()), decoded(&mut decoder, third));
    }

    #[test]
    fn old_entries_are_evicted_from_a_full_table() {
        let mut decoder = Decoder::default();
        let value = [b'v'; 1000];
        for name in b'a'..=b'z' {
            let block = [b"\x40\x01".as_slice(), &[name], b"\x7f\xe9\x06", &value].concat();
            decoded(&mut decoder, &block).unwrap();
        }
        let names: Vec<u8> = (0..4)
            .filter_map(|it| Some(decoder.table.get(it)?.name[0]))
            .collect();
        assert_eq!(b"zyx", &names[..]);
    }

    #[test]
    fn malformed_header_blocks_are_refused() {
        for block in [
            &b"\x80"[..],
            b"\xbe",
            b"\x82\x20",
            b"\x3f\xe2\x1f",
            b"\x40\x05ab",
            b"\x00\x01a\x81\x00",
            b"\xff\xff\xff\xff\xff\xff",
        ] {
            let outcome = decoded(&mut Decoder::default(), block);
            assert_eq!(Err(HpackFault::Malformed), outcome, "{block:x?}");
        }
    }

    #[test]
    fn decoding_stops_at_the_limit() {
        let mut decoder = Decoder::default();
        let mut block = [b"\x40\x01a\x7f\xa1\x1e".as_slice(), &[b'v'; 4000]].concat();
        block.extend_from_slice(&vec![0xbe; 60_000]);
        let mut fields = 0;
        let outcome = decoder.decode(&block, 100_000, |_| fields += 1);
        assert_eq!((Err(HpackFault::TooLong), 24), (outcome, fields));
    }
}
