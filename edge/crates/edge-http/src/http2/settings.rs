//! Settings (RFC 9113 §6.5).

use edge_contract::Http2Cutoff;

use super::cutoff::Cutoff;
use super::frame::MAX_FRAME_BYTES;

const ENABLE_PUSH: u16 = 0x2;
const MAX_CONCURRENT_STREAMS: u16 = 0x3;
const INITIAL_WINDOW_SIZE: u16 = 0x4;
const MAX_FRAME_SIZE: u16 = 0x5;
const MAX_HEADER_LIST_SIZE: u16 = 0x6;
/// RFC 9218 §2.1: the priorities of RFC 7540 are ignored.
const NO_RFC7540_PRIORITIES: u16 = 0x9;

/// The initial size of every window (RFC 9113 §6.9.2).
pub(super) const INITIAL_WINDOW: u32 = 65_535;
/// The largest size of a window.
pub(super) const MAX_WINDOW: u32 = 0x7fff_ffff;

/// The payload of the server's SETTINGS frame.
pub(super) fn server_settings(streams: u32, window: u32, header_bytes: u32) -> Vec<u8> {
    let settings = [
        (MAX_CONCURRENT_STREAMS, streams),
        (INITIAL_WINDOW_SIZE, window),
        (MAX_HEADER_LIST_SIZE, header_bytes),
        (NO_RFC7540_PRIORITIES, 1),
    ];
    let bytes =
        |(name, value): (u16, u32)| [&name.to_be_bytes()[..], &value.to_be_bytes()].concat();
    settings.into_iter().flat_map(bytes).collect()
}

/// The last `INITIAL_WINDOW_SIZE` of a client's SETTINGS frame. Other settings are only validated.
///
/// They need not be used: frames never exceed the smallest allowed maximum, nothing is pushed, and the
/// client's compression table is not used (see [`super::hpack`]).
pub(super) fn read(payload: &[u8]) -> Result<Option<u32>, Cutoff> {
    let (settings, rest) = payload.as_chunks::<6>();
    if !rest.is_empty() {
        return Err(Http2Cutoff::FrameSizeWrong.into());
    }
    let mut window = None;
    for [high, low, value @ ..] in settings {
        let value = u32::from_be_bytes(*value);
        match u16::from_be_bytes([*high, *low]) {
            ENABLE_PUSH if value > 1 => return Err(Http2Cutoff::ProtocolViolated.into()),
            INITIAL_WINDOW_SIZE if value > MAX_WINDOW => {
                return Err(Http2Cutoff::FlowControlViolated.into());
            }
            INITIAL_WINDOW_SIZE => window = Some(value),
            MAX_FRAME_SIZE if !(MAX_FRAME_BYTES..1 << 24).contains(&(value as usize)) => {
                return Err(Http2Cutoff::ProtocolViolated.into());
            }
            _ => {}
        }
    }
    Ok(window)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: u16, value: u32) -> Vec<u8> {
        [&name.to_be_bytes()[..], &value.to_be_bytes()].concat()
    }

    #[test]
    fn the_last_window_size_is_used() {
        let payload = [one(4, 1), one(0xbaba, 7), one(4, 9)].concat();
        assert_eq!(Ok(Some(9)), read(&payload));
        assert_eq!(Ok(None), read(b""));
    }

    #[test]
    fn invalid_settings_are_refused() {
        for (payload, reason) in [
            (one(2, 2), Http2Cutoff::ProtocolViolated),
            (one(4, 1 << 31), Http2Cutoff::FlowControlViolated),
            (one(5, 16_383), Http2Cutoff::ProtocolViolated),
            (one(5, 1 << 24), Http2Cutoff::ProtocolViolated),
            (b"12345".to_vec(), Http2Cutoff::FrameSizeWrong),
        ] {
            assert_eq!(Err(reason.into()), read(&payload));
        }
    }
}
