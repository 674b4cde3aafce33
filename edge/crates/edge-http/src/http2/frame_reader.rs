//! Frames as they come off the wire: where each may stand, how long it may be, and the two kinds
//! that come in pieces (header blocks, and data that is taken before its frame is whole).
//!
//! It knows no streams and no budgets: those are [`super::connection`]'s.

use std::borrow::Cow;
use std::ops::Range;

use edge_contract::Http2Cutoff as Reason;

use super::cutoff::Cutoff;
use super::frame::{self, FRAME_HEADER_BYTES, FrameHeader, MOST_FRAME_BYTES, PREFACE, flag, kind};
use super::settings::{self, LARGEST_WINDOW};

/// Frames that one header block may come in.
const MOST_FRAGMENTS: usize = 16;

/// A frame that is well-formed and may stand where it does.
#[derive(Debug)]
pub(super) enum Frame<'a> {
    Data(Data),
    /// A whole header block, however many frames it came in.
    Headers(HeadersStart, Cow<'a, [u8]>),
    Priority {
        stream: u32,
        depends_on_itself: bool,
    },
    Reset {
        stream: u32,
    },
    /// The client's settings, of which only its `INITIAL_WINDOW_SIZE` matters.
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
    /// RFC 9113 §5.5: what is unknown is ignored.
    Unknown,
}

/// What a HEADERS frame says beside its fields.
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
    /// Where in the input the data lies.
    pub(super) range: Range<usize>,
    /// Bytes of padding, its length included, which counts as such (RFC 9113 §6.1).
    pub(super) padding: usize,
    pub(super) has_ended: bool,
    /// Whether the whole frame carries no data.
    pub(super) is_empty_frame: bool,
}

/// How far the connection's preface has come (RFC 9113 §3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Preface,
    FirstSettings,
    Open,
}

/// A header block whose last frame has not come.
struct PartialBlock {
    start: HeadersStart,
    frames: usize,
    bytes: Vec<u8>,
}

/// What is left of a DATA frame of which a part was taken: data, then padding; something at least.
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
    /// Bytes of a header block that are kept while it is not whole.
    most_block_bytes: usize,
}

/// How many bytes of the input were used, and the frame that they completed.
pub(super) type Progress<'a> = Result<(usize, Option<Frame<'a>>), Cutoff>;

impl FrameReader {
    /// A reader for a connection on which header blocks of so many bytes are taken.
    pub(super) fn new(header_bytes: usize) -> Self {
        Self {
            stage: Stage::Preface,
            block: None,
            data: None,
            most_block_bytes: header_bytes.saturating_add(MOST_FRAME_BYTES),
        }
    }

    /// Whether the client's preface and first SETTINGS have come.
    pub(super) fn is_established(&self) -> bool {
        self.stage == Stage::Open
    }

    /// Whether a header block or a frame has begun and is not whole, with this input left over.
    ///
    /// Frames of a body may take their time: that is their stream's affair.
    pub(super) fn is_in_header(&self, input: &[u8]) -> bool {
        let is_in_frame = || {
            let header = FrameHeader::read(input);
            !input.is_empty() && header.is_none_or(|it| it.kind != kind::DATA)
        };
        self.is_established() && (self.block.is_some() || self.data.is_none() && is_in_frame())
    }

    /// Take at most one frame off the input; nothing is used while it is not whole.
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

    /// What a header alone gives away, so that no payload is awaited that is refused anyway.
    fn check_header(&self, header: FrameHeader) -> Result<(), Cutoff> {
        if header.length > MOST_FRAME_BYTES {
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
            kind::DATA if stream != 0 => Frame::Data(whole_data(header, payload)?),
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
                increment: u32::from_be_bytes(*sized(payload)?) & LARGEST_WINDOW,
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
        let range = frame::unpadded(header, payload).ok_or(Reason::ProtocolViolated)?;
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

    /// RFC 9113 §6.10; CVE-2024-27316 is what the bounds are for.
    fn read_continuation<'a>(
        &mut self,
        header: FrameHeader,
        payload: &[u8],
    ) -> Result<Option<Frame<'a>>, Cutoff> {
        let mut block = self.block.take().ok_or(Reason::ProtocolViolated)?;
        block.frames += 1;
        if block.frames > MOST_FRAGMENTS {
            return Err(Reason::ContinuationFlood.into());
        }
        if block.bytes.len() + payload.len() > self.most_block_bytes {
            return Err(Reason::HeaderBomb.into());
        }
        block.bytes.extend_from_slice(payload);
        if header.has(flag::END_HEADERS) {
            return Ok(Some(Frame::Headers(block.start, block.bytes.into())));
        }
        self.block = Some(block);
        Ok(None)
    }

    /// Take what is here of a DATA frame that is not whole, as if it were a frame of its own; the
    /// rest comes later as another one. [`FrameReader::read`] must have found that more input is
    /// needed; where anything but data is due, nothing is used.
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

    /// What has to come of a DATA frame, and where in the input it begins.
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

    /// Take the rest of a DATA frame, once it is all there.
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
fn whole_data(header: FrameHeader, payload: &[u8]) -> Result<Data, Cutoff> {
    let data = frame::unpadded(header, payload).ok_or(Reason::ProtocolViolated)?;
    Ok(Data {
        stream: header.stream,
        padding: header.length - data.len(),
        is_empty_frame: data.is_empty(),
        range: FRAME_HEADER_BYTES + data.start..FRAME_HEADER_BYTES + data.end,
        has_ended: header.has(flag::END_STREAM),
    })
}

/// A payload of exactly that length.
fn sized<const N: usize>(payload: &[u8]) -> Result<&[u8; N], Cutoff> {
    payload
        .try_into()
        .map_err(|_| Reason::FrameSizeWrong.into())
}
