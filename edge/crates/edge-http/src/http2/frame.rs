//! Frames (RFC 9113 §4, §6): headers, types, flags and error codes.

/// The client's connection preface (RFC 9113 §3.4).
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The length of a frame header in bytes.
pub const FRAME_HEADER_BYTES: usize = 9;
/// The longest payload in bytes, sent or accepted. Larger frames would delay other streams.
pub const MAX_FRAME_BYTES: usize = 16 * 1024;

pub(super) mod kind {
    pub(in crate::http2) const DATA: u8 = 0x0;
    pub(in crate::http2) const HEADERS: u8 = 0x1;
    pub(in crate::http2) const PRIORITY: u8 = 0x2;
    pub(in crate::http2) const RST_STREAM: u8 = 0x3;
    pub(in crate::http2) const SETTINGS: u8 = 0x4;
    pub(in crate::http2) const PUSH_PROMISE: u8 = 0x5;
    pub(in crate::http2) const PING: u8 = 0x6;
    pub(in crate::http2) const GOAWAY: u8 = 0x7;
    pub(in crate::http2) const WINDOW_UPDATE: u8 = 0x8;
    pub(in crate::http2) const CONTINUATION: u8 = 0x9;
}

pub(super) mod flag {
    pub(in crate::http2) const ACK: u8 = 0x1;
    pub(in crate::http2) const END_STREAM: u8 = 0x1;
    pub(in crate::http2) const END_HEADERS: u8 = 0x4;
    pub(in crate::http2) const PADDED: u8 = 0x8;
    pub(in crate::http2) const PRIORITY: u8 = 0x20;
}

/// An error code (RFC 9113 §7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorCode(pub u32);

#[allow(missing_docs, reason = "the names are those of the registry")]
impl ErrorCode {
    pub const NO_ERROR: Self = Self(0x0);
    pub const PROTOCOL_ERROR: Self = Self(0x1);
    pub const INTERNAL_ERROR: Self = Self(0x2);
    pub const FLOW_CONTROL_ERROR: Self = Self(0x3);
    pub const STREAM_CLOSED: Self = Self(0x5);
    pub const FRAME_SIZE_ERROR: Self = Self(0x6);
    pub const REFUSED_STREAM: Self = Self(0x7);
    pub const CANCEL: Self = Self(0x8);
    pub const COMPRESSION_ERROR: Self = Self(0x9);
    pub const ENHANCE_YOUR_CALM: Self = Self(0xb);
}

/// A frame header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrameHeader {
    pub(super) length: usize,
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
}

impl FrameHeader {
    /// Parse a header; the reserved bit is ignored.
    pub(super) fn read(input: &[u8]) -> Option<Self> {
        let bytes: &[u8; FRAME_HEADER_BYTES] = input.first_chunk()?;
        let [a, b, c, kind, flags, stream @ ..] = bytes;
        Some(Self {
            length: usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c),
            kind: *kind,
            flags: *flags,
            stream: u32::from_be_bytes(*stream) & 0x7fff_ffff,
        })
    }

    pub(super) fn bytes(self) -> [u8; FRAME_HEADER_BYTES] {
        let mut bytes = [0; FRAME_HEADER_BYTES];
        let [.., high, middle, low] = self.length.to_be_bytes();
        bytes[..5].copy_from_slice(&[high, middle, low, self.kind, self.flags]);
        bytes[5..].copy_from_slice(&self.stream.to_be_bytes());
        bytes
    }

    pub(super) fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

/// Append a frame.
pub(super) fn write(out: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    let header = FrameHeader {
        length: payload.len(),
        kind,
        flags,
        stream,
    };
    out.extend_from_slice(&header.bytes());
    out.extend_from_slice(payload);
}

/// Whether a stream's priority, at the start of these bytes, depends on the stream itself.
pub(super) fn depends_on_itself(stream: u32, priority: &[u8]) -> bool {
    priority
        .first_chunk()
        .is_some_and(|it| u32::from_be_bytes(*it) & 0x7fff_ffff == stream)
}

/// The range of the payload without padding (RFC 9113 §6.1).
pub(super) fn without_padding(
    header: FrameHeader,
    payload: &[u8],
) -> Option<std::ops::Range<usize>> {
    if !header.has(flag::PADDED) {
        return Some(0..payload.len());
    }
    let padding = usize::from(*payload.first()?);
    let end = payload.len().checked_sub(padding)?;
    (end >= 1).then_some(1..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_as_it_was_written() {
        let header = FrameHeader {
            length: 0x01_02_03,
            kind: kind::PING,
            flags: flag::ACK,
            stream: 0x7fff_fffe,
        };
        assert_eq!(Some(header), FrameHeader::read(&header.bytes()));
        assert_eq!(None, FrameHeader::read(&header.bytes()[..8]));
    }

    #[test]
    fn padding_is_removed() {
        let header = |flags| FrameHeader {
            length: 0,
            kind: kind::DATA,
            flags,
            stream: 1,
        };
        let padded = header(flag::PADDED);
        assert_eq!(Some(0..3), without_padding(header(0), b"\x02ab"));
        assert_eq!(Some(1..3), without_padding(padded, b"\x01ab\0"));
        assert_eq!(Some(1..1), without_padding(padded, b"\x01\0"));
        assert_eq!(None, without_padding(padded, b"\x02\0"));
        assert_eq!(None, without_padding(padded, b""));
    }
}
