//! Frames (RFC 9113 §4, §6).

use crate::fault::Fault;

const FRAME_HEAD: usize = 9;
pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const WINDOW_UPDATE: u8 = 8;
pub(super) const END_STREAM: u8 = 0x1;
pub(super) const ACK: u8 = 0x1;
pub(super) const END_HEADERS: u8 = 0x4;
const PADDED: u8 = 0x8;
pub(super) const PRIORITY: u8 = 0x20;
const HEADER_TABLE_SIZE: u16 = 1;
pub(super) const ENABLE_PUSH: u16 = 2;
const MAX_CONCURRENT_STREAMS: u16 = 3;
pub(super) const INITIAL_WINDOW_SIZE: u16 = 4;
pub(super) const MAX_WINDOW: u32 = (1 << 31) - 1;
pub(super) const DEFAULT_WINDOW: u32 = 65_535;
pub(super) const DEFAULT_TABLE: u32 = 4096;

pub(super) struct Frame<'bytes> {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: &'bytes [u8],
}

/// What the server's first SETTINGS frame says of interest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) streams: usize,
    pub(super) table: u32,
}

pub(super) fn read_frame(bytes: &[u8]) -> Option<(Frame<'_>, &[u8])> {
    let (head, behind) = bytes.split_first_chunk::<FRAME_HEAD>()?;
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
    let (payload, behind) = behind.split_at_checked(length)?;
    let frame = Frame {
        kind: head[3],
        flags: head[4],
        stream: u32::from_be_bytes([head[5], head[6], head[7], head[8]]) & MAX_WINDOW,
        payload,
    };
    Some((frame, behind))
}

pub(super) fn put_frame(to: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    to.extend_from_slice(&length.to_be_bytes()[1..]);
    to.extend_from_slice(&[kind, flags]);
    to.extend_from_slice(&stream.to_be_bytes());
    to.extend_from_slice(payload);
}

pub(super) fn put_window_update(to: &mut Vec<u8>, increment: u32) {
    put_frame(to, WINDOW_UPDATE, 0, 0, &increment.to_be_bytes());
}

pub(super) fn read_settings(payload: &[u8]) -> Settings {
    let mut settings = Settings {
        streams: usize::MAX,
        table: DEFAULT_TABLE,
    };
    for entry in payload.chunks_exact(6) {
        let value = u32::from_be_bytes([entry[2], entry[3], entry[4], entry[5]]);
        match u16::from_be_bytes([entry[0], entry[1]]) {
            HEADER_TABLE_SIZE => settings.table = value,
            MAX_CONCURRENT_STREAMS => settings.streams = value as usize,
            _ => {}
        }
    }
    settings
}

/// The payload without its padding (RFC 9113 §6.1).
pub(super) fn unpadded<'bytes>(frame: &Frame<'bytes>) -> Result<&'bytes [u8], Fault> {
    if frame.flags & PADDED == 0 {
        return Ok(frame.payload);
    }
    frame
        .payload
        .split_first()
        .and_then(|(padding, rest)| rest.get(..rest.len().checked_sub(usize::from(*padding))?))
        .ok_or_else(|| Fault::new("a frame's padding is longer than the frame"))
}
