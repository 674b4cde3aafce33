//! Encoding header blocks, as literals without indexing.
//!
//! That costs some bytes on the wire, and needs neither Huffman coding nor a table for each connection. A
//! block does not depend on earlier ones.

use super::integer;
use super::static_table::response_name;

/// A size update that sets the size of the table to 0 (RFC 7541 §4.2).
pub(in crate::http2) const CLEAR_TABLE: u8 = 0x20;

/// Append `:status`.
pub(in crate::http2) fn write_status(out: &mut Vec<u8>, status: u16) {
    let index = match status {
        200 => 8,
        204 => 9,
        206 => 10,
        304 => 11,
        400 => 12,
        404 => 13,
        500 => 14,
        _ => 0_u8,
    };
    if index > 0 {
        out.push(0x80 | index);
        return;
    }
    let digit = |scale| b"0123456789"[usize::from(status / scale % 10)];
    out.extend_from_slice(&[0x08, 3, digit(100), digit(10), digit(1)]);
}

/// Append a field; its name may be in any case.
pub(in crate::http2) fn write_field(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    let start = out.len();
    // The name is converted to lower case in the output, and replaced by an index if it is in the static table.
    out.push(0);
    integer::write(out, 0, 7, name.len());
    let name_start = out.len();
    out.extend_from_slice(name);
    out[name_start..].make_ascii_lowercase();
    let index = response_name(&out[name_start..]);
    if index > 0 {
        out.truncate(start);
        integer::write(out, 0, 4, index);
    }
    integer::write(out, 0, 7, value.len());
    out.extend_from_slice(value);
}

#[cfg(test)]
mod tests {
    use super::super::Decoder;
    use super::*;
    use crate::field_section::line::FieldLine;

    #[test]
    fn encoded_fields_can_be_decoded() {
        let mut out = vec![CLEAR_TABLE];
        for status in [200, 103, 599] {
            write_status(&mut out, status);
        }
        let long = [b'x'; 300];
        write_field(&mut out, b"Content-Type", b"text/plain");
        write_field(&mut out, b"X-Own", &long);
        let mut read = Vec::new();
        let take = |line: FieldLine<'_>| read.push((line.name.to_vec(), line.value.to_vec()));
        Decoder::default().decode(&out, 10_000, take).unwrap();
        let expected: Vec<(Vec<u8>, Vec<u8>)> = vec![
            (":status".into(), "200".into()),
            (":status".into(), "103".into()),
            (":status".into(), "599".into()),
            ("content-type".into(), "text/plain".into()),
            ("x-own".into(), long.to_vec()),
        ];
        assert_eq!(expected, read);
    }
}
