//! Parsing frames: their order, their lengths, and the two kinds that span several reads (header blocks,
//! and DATA frames that are processed in parts).
//!
//! This module must not know streams and budgets, which belong to [`super::connection`].

use std::borrow::Cow;
use std::ops::Range;

use edge_contract::Http2Cutoff as Reason;

use super::cutoff::Cutoff;
use super::frame::{self, FRAME_HEADER_BYTES, FrameHeader, MAX_FRAME_BYTES, PREFACE, flag, kind};
use super::settings::{self, MAX_WINDOW};

/// The most frames of a header block.
const MAX_FRAGMENTS: usize = 16;

/// A well-formed frame in a valid order.
#[derive(Debug)]
pub(super) enum Frame<'a> {
    Data(Data),
    /// A complete header block, of one or more frames.
    Headers(HeadersStart, Cow<'a, [u8]>),
    Priority {
        stream: u32,
        depends_on_itself: bool,
    },
    Reset {
        stream: u32,
    },
    /// The client's settings, of which only `INITIAL_WINDOW_SIZE` is used.
    Settings {
        initial_window: Option<u32>,
    },
    SettingsAck,
    Ping([u8; 8]),
    PingAck([u8; 8]),
    GoAway,
    WindowUpdate {
        /// 0 for the connection's window.
        stream: u32,
        increment: u32,
    },
    /// A frame of an unknown type, which is ignored (RFC 9113 §5.5).
    Unknown,
}

/// A HEADERS frame without its fields.
#[derive(Clone, Copy, Debug)]
pub(super) struct HeadersStart {
    pub(super) stream: u32,
    pub(super) has_ended: bool,
    pub(super) depends_on_itself: bool,
}

/// A DATA frame, or a part of one.
#[derive(Clone, Debug)]
pub(super) struct Data {
    pub(super) stream: u32,
    /// The range of the data in the input.
    pub(super) range: Range<usize>,
    /// The number of bytes of padding, including the length field (RFC 9113 §6.1).
    pub(super) padding: usize,
    pub(super) has_ended: bool,
    /// Whether the frame contains no data.
    pub(super) is_empty_frame: bool,
}

/// The state of the connection preface (RFC 9113 §3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Preface,
    FirstSettings,
    Open,
}

/// An incomplete header block.
struct PartialBlock {
    start: HeadersStart,
    frames: usize,
    bytes: Vec<u8>,
}

/// The rest of a DATA frame of which a part was processed: data, then padding. Not empty.
#[derive(Clone, Copy)]
struct PartialData {
    stream: u32,
    data: usize,
    padding: usize,
    has_ended: bool,
}

/// Reads the frames of one client.
pub(super) struct FrameReader {
    stage: Stage,
    block: Option<PartialBlock>,
    data: Option<PartialData>,
    /// The most bytes of an incomplete header block.
    max_block_bytes: usize,
}

/// The number of bytes used, and the frame if it is complete.
pub(super) type Progress<'a> = Result<(usize, Option<Frame<'a>>), Cutoff>;

impl FrameReader {
    /// Create a reader of a connection with this limit on header blocks.
    pub(super) fn new(header_bytes: usize) -> Self {
        Self {
            stage: Stage::Preface,
            block: None,
            data: None,
            max_block_bytes: header_bytes.saturating_add(MAX_FRAME_BYTES),
        }
    }

    /// Whether the client's preface and first SETTINGS were received.
    pub(super) fn is_established(&self) -> bool {
        self.stage == Stage::Open
    }

    /// Whether a header block or frame is incomplete; `input` is the unconsumed input.
    ///
    /// DATA frames do not count, since the timeouts of their streams apply to them.
    pub(super) fn is_in_header(&self, input: &[u8]) -> bool {
        let is_in_frame = || {
            let header = FrameHeader::read(input);
            !input.is_empty() && header.is_none_or(|it| it.kind != kind::DATA)
        };
        self.is_established() && (self.block.is_some() || self.data.is_none() && is_in_frame())
    }

    /// Read at most one frame; uses no bytes while it is incomplete.
    pub(super) fn read<'a>(&mut self, input: &'a [u8]) -> Progress<'a> {
        if self.stage == Stage::Preface {
            return self.read_preface(input);
        }
        if let Some(rest) = self.data {
            return Ok(self.read_rest(rest, input));
        }
        let Some(header) = FrameHeader::read(input) else {
            return Ok((0, None));
        };
        self.check_header(header)?;
        let end = FRAME_HEADER_BYTES + header.length;
        let Some(payload) = input.get(FRAME_HEADER_BYTES..end) else {
            return Ok((0, None));
        };
        Ok((end, self.read_payload(header, payload)?))
    }

    fn read_preface<'a>(&mut self, input: &[u8]) -> Progress<'a> {
        let known = input.len().min(PREFACE.len());
        if input[..known] != PREFACE[..known] {
            return Err(Reason::ProtocolViolated.into());
        }
        if known < PREFACE.len() {
            return Ok((0, None));
        }
        self.stage = Stage::FirstSettings;
        Ok((known, None))
    }

    /// Check the frame header before the payload is complete.
    fn check_header(&self, header: FrameHeader) -> Result<(), Cutoff> {
        if header.length > MAX_FRAME_BYTES {
            return Err(Reason::FrameSizeWrong.into());
        }
        let is_in_order = match (self.stage, &self.block) {
            // RFC 9113 §3.4, §6.10.
            (Stage::Open, None) => header.kind != kind::CONTINUATION,
            (Stage::Open, Some(block)) => {
                header.kind == kind::CONTINUATION && header.stream == block.start.stream
            }
            _ => header.kind == kind::SETTINGS && !header.has(flag::ACK),
        };
        if is_in_order {
            Ok(())
        } else {
            Err(Reason::ProtocolViolated.into())
        }
    }

    fn read_payload<'a>(
        &mut self,
        header: FrameHeader,
        payload: &'a [u8],
    ) -> Result<Option<Frame<'a>>, Cutoff> {
        let stream = header.stream;
        let frame = match header.kind {
            kind::DATA if stream != 0 => Frame::Data(complete_data(header, payload)?),
            kind::HEADERS if stream != 0 => return self.read_headers(header, payload),
            kind::CONTINUATION => return self.read_continuation(header, payload),
            kind::PRIORITY if stream != 0 => Frame::Priority {
                stream,
                depends_on_itself: frame::depends_on_itself(stream, sized::<5>(payload)?),
            },
            kind::RST_STREAM if stream != 0 => {
                sized::<4>(payload)?;
                Frame::Reset { stream }
            }
            kind::WINDOW_UPDATE => Frame::WindowUpdate {
                stream,
                increment: u32::from_be_bytes(*sized(payload)?) & MAX_WINDOW,
            },
            kind::SETTINGS if stream == 0 => self.read_settings(header, payload)?,
            kind::PING if stream == 0 && header.has(flag::ACK) => Frame::PingAck(*sized(payload)?),
            kind::PING if stream == 0 => Frame::Ping(*sized(payload)?),
            kind::GOAWAY if stream == 0 && payload.len() >= 8 => Frame::GoAway,
            kind::GOAWAY if stream == 0 => return Err(Reason::FrameSizeWrong.into()),
            kind::PUSH_PROMISE
            | kind::DATA
            | kind::HEADERS
            | kind::RST_STREAM
            | kind::PRIORITY
            | kind::SETTINGS
            | kind::PING
            | kind::GOAWAY => return Err(Reason::ProtocolViolated.into()),
            _ => Frame::Unknown,
        };
        Ok(Some(frame))
    }

    fn read_settings<'a>(
        &mut self,
        header: FrameHeader,
        payload: &'a [u8],
    ) -> Result<Frame<'a>, Cutoff> {
        if header.has(flag::ACK) {
            sized::<0>(payload)?;
            return Ok(Frame::SettingsAck);
        }
        self.stage = Stage::Open;
        let initial_window = settings::read(payload)?;
        Ok(Frame::Settings { initial_window })
    }

    /// RFC 9113 §6.2.
    fn read_headers<'a>(
        &mut self,
        header: FrameHeader,
        payload: &'a [u8],
    ) -> Result<Option<Frame<'a>>, Cutoff> {
        let range = frame::without_padding(header, payload).ok_or(Reason::ProtocolViolated)?;
        let mut block = &payload[range];
        let mut start = HeadersStart {
            stream: header.stream,
            has_ended: header.has(flag::END_STREAM),
            depends_on_itself: false,
        };
        if header.has(flag::PRIORITY) {
            let (priority, rest) = block.split_at_checked(5).ok_or(Reason::FrameSizeWrong)?;
            start.depends_on_itself = frame::depends_on_itself(header.stream, priority);
            block = rest;
        }
        if header.has(flag::END_HEADERS) {
            return Ok(Some(Frame::Headers(start, block.into())));
        }
        self.block = Some(PartialBlock {
            start,
            frames: 1,
            bytes: block.to_vec(),
        });
        Ok(None)
    }

    /// RFC 9113 §6.10. The limits prevent CVE-2024-27316.
    fn read_continuation<'a>(
        &mut self,
        header: FrameHeader,
        payload: &[u8],
    ) -> Result<Option<Frame<'a>>, Cutoff> {
        let mut block = self.block.take().ok_or(Reason::ProtocolViolated)?;
        block.frames += 1;
        if block.frames > MAX_FRAGMENTS {
            return Err(Reason::ContinuationFlood.into());
        }
        if block.bytes.len() + payload.len() > self.max_block_bytes {
            return Err(Reason::HeaderBomb.into());
        }
        block.bytes.extend_from_slice(payload);
        if header.has(flag::END_HEADERS) {
            return Ok(Some(Frame::Headers(block.start, block.bytes.into())));
        }
        self.block = Some(block);
        Ok(None)
    }

    /// Read the available part of an incomplete DATA frame, as if it were a complete one. To be called
    /// after [`FrameReader::read`] has used no bytes; uses none for any other frame.
    pub(super) fn read_part(&mut self, input: &[u8]) -> (usize, Option<Data>) {
        let Some((start, rest)) = self.unfinished_data(input) else {
            return (0, None);
        };
        let here = input.len() - start;
        if here == 0 || rest.data == 0 || here >= rest.data + rest.padding {
            return (0, None);
        }
        let end = start + here.min(rest.data);
        self.data = Some(PartialData {
            data: rest.data - (end - start),
            ..rest
        });
        let part = Data {
            stream: rest.stream,
            range: start..end,
            padding: start.saturating_sub(FRAME_HEADER_BYTES),
            has_ended: false,
            is_empty_frame: false,
        };
        (end, Some(part))
    }

    /// The rest of a DATA frame, and its start in the input.
    fn unfinished_data(&self, input: &[u8]) -> Option<(usize, PartialData)> {
        if let Some(rest) = self.data {
            return Some((0, rest));
        }
        let header = FrameHeader::read(input)?;
        if header.kind != kind::DATA || header.stream == 0 {
            return None;
        }
        let is_padded = header.has(flag::PADDED);
        let start = FRAME_HEADER_BYTES + usize::from(is_padded);
        let padding = if is_padded {
            usize::from(*input.get(FRAME_HEADER_BYTES)?)
        } else {
            0
        };
        let data = (FRAME_HEADER_BYTES + header.length).checked_sub(start + padding)?;
        let rest = PartialData {
            stream: header.stream,
            data,
            padding,
            has_ended: header.has(flag::END_STREAM),
        };
        Some((start, rest))
    }

    /// Read the rest of a DATA frame, once it is complete.
    fn read_rest<'a>(&mut self, rest: PartialData, input: &[u8]) -> (usize, Option<Frame<'a>>) {
        let length = rest.data + rest.padding;
        if input.len() < length {
            return (0, None);
        }
        self.data = None;
        let data = Data {
            stream: rest.stream,
            range: 0..rest.data,
            padding: rest.padding,
            has_ended: rest.has_ended,
            is_empty_frame: false,
        };
        (length, Some(Frame::Data(data)))
    }
}

/// RFC 9113 §6.1.
fn complete_data(header: FrameHeader, payload: &[u8]) -> Result<Data, Cutoff> {
    let data = frame::without_padding(header, payload).ok_or(Reason::ProtocolViolated)?;
    Ok(Data {
        stream: header.stream,
        padding: header.length - data.len(),
        is_empty_frame: data.is_empty(),
        range: FRAME_HEADER_BYTES + data.start..FRAME_HEADER_BYTES + data.end,
        has_ended: header.has(flag::END_STREAM),
    })
}

/// The payload, which must have exactly this length.
fn sized<const N: usize>(payload: &[u8]) -> Result<&[u8; N], Cutoff> {
    payload
        .try_into()
        .map_err(|_| Reason::FrameSizeWrong.into())
}
