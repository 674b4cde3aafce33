//! A connection's state; what comes in is in `receive`, `block` and `body`, what goes out in `send`.

use std::ops::Range;

use super::body::Rest;
use super::budget::Budget;
use super::closed::ClosedStreams;
use super::frame::{self, FrameHeader, PREFACE, kind};
use super::hpack::Decoder;
use super::request::Request;
use super::settings::{self, FIRST_WINDOW};
use super::stream::Streams;
use crate::head::HeadLimits;

/// What we allow a client.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Requests that it may have open at once.
    pub streams: u32,
    /// Bytes of one body that it may send before they are used up.
    pub stream_window: u32,
    /// The same for all bodies together; at least 65,535.
    pub connection_window: u32,
    /// Bounds on the header of a request.
    pub limits: HeadLimits,
}

/// What a frame means to whoever drives the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A request begins: it is [`Connection::request`] until the next one.
    Request {
        /// Its stream.
        stream: u32,
        /// Whether there is no body.
        has_ended: bool,
    },
    /// A piece of a request's body; it has to be released some time.
    Data {
        /// The stream.
        stream: u32,
        /// Where in the input it lies.
        payload: Range<usize>,
        /// Whether the body ends with it.
        has_ended: bool,
    },
    /// The request ended with trailers, which are dropped.
    Ended {
        /// The stream.
        stream: u32,
    },
    /// The request's body is not what its header promised; no more of it follows.
    Malformed {
        /// The stream.
        stream: u32,
    },
    /// The stream was broken off.
    Reset {
        /// The stream.
        stream: u32,
    },
    /// A stream may send more than before.
    WindowGrown {
        /// The stream.
        stream: u32,
    },
    /// Any stream may send more than before.
    WindowsGrown,
    /// The client will not ask for more.
    Goodbye,
}

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Preface,
    FirstSettings,
    Open,
}

/// How far our goodbye has come (RFC 9113 §6.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaving {
    Staying,
    Warned,
    Said,
}

/// What the frame said that a header block began with.
#[derive(Clone, Copy)]
pub(super) struct BlockStart {
    pub(super) stream: u32,
    pub(super) has_ended: bool,
    pub(super) depends_on_itself: bool,
}

/// A header block that came in several frames.
pub(super) struct Block {
    pub(super) start: BlockStart,
    pub(super) frames: usize,
    pub(super) bytes: Vec<u8>,
}

/// The server's side of one connection; `T` is what its driver keeps with each stream.
pub struct Connection<T> {
    pub(super) config: Config,
    pub(super) output: Vec<u8>,
    /// Bytes of the output that were sent.
    pub(super) sent: u64,
    pub(super) streams: Streams<T>,
    pub(super) closed: ClosedStreams,
    pub(super) decoder: Decoder,
    pub(super) request: Request,
    pub(super) budget: Budget,
    pub(super) stage: Stage,
    pub(super) leaving: Leaving,
    pub(super) block: Option<Block>,
    pub(super) rest: Option<Rest>,
    /// The highest stream that the client has opened.
    pub(super) last_stream: u32,
    /// The highest stream that is taken.
    pub(super) most_stream: u32,
    pub(super) send_window: i64,
    /// What a new stream may send.
    pub(super) first_send_window: i64,
    pub(super) receive_window: u32,
    pub(super) used: u32,
    pub(super) has_sent_head: bool,
}

impl<T: Default> Connection<T> {
    /// A connection that nothing has come on; our settings are in its output.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let header_bytes = u32::try_from(config.limits.bytes).unwrap_or(u32::MAX);
        let settings = settings::ours(config.streams, config.stream_window, header_bytes);
        let mut output = Vec::with_capacity(PREFACE.len() * 4);
        frame::write(&mut output, kind::SETTINGS, 0, 0, &settings);
        let more = config.connection_window.saturating_sub(FIRST_WINDOW);
        if more > 0 {
            frame::write(&mut output, kind::WINDOW_UPDATE, 0, 0, &more.to_be_bytes());
        }
        Self {
            config,
            output,
            sent: 0,
            streams: Streams::default(),
            closed: ClosedStreams::default(),
            decoder: Decoder::default(),
            request: Request::default(),
            budget: Budget::default(),
            stage: Stage::Preface,
            leaving: Leaving::Staying,
            block: None,
            rest: None,
            last_stream: 0,
            most_stream: u32::MAX,
            send_window: i64::from(FIRST_WINDOW),
            first_send_window: i64::from(FIRST_WINDOW),
            receive_window: FIRST_WINDOW + more,
            used: 0,
            has_sent_head: false,
        }
    }

    /// The request that the last [`Event::Request`] was about.
    #[must_use]
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// What the driver keeps with a stream, until it is closed.
    pub fn owner(&mut self, stream: u32) -> Option<&mut T> {
        self.streams.get_mut(stream).map(|it| &mut it.owner)
    }

    /// What the driver keeps with all streams.
    pub fn owners(&mut self) -> impl Iterator<Item = &mut T> {
        self.streams.iter_mut().map(|it| &mut it.owner)
    }

    /// How many streams are not closed.
    #[must_use]
    pub fn open_streams(&self) -> usize {
        self.streams.len()
    }

    /// Whether the client has kept to the protocol's first steps.
    #[must_use]
    pub fn is_greeted(&self) -> bool {
        self.stage == Stage::Open
    }

    /// Whether a header block or a frame has begun and is not whole, with this input left over.
    ///
    /// Frames of a body may take their time: that is their stream's affair.
    #[must_use]
    pub fn is_in_header(&self, input: &[u8]) -> bool {
        let is_in_frame = || {
            let header = FrameHeader::read(input);
            !input.is_empty() && header.is_none_or(|it| it.kind != kind::DATA)
        };
        self.is_greeted() && (self.block.is_some() || self.rest.is_none() && is_in_frame())
    }

    /// Whether everything is said and done.
    #[must_use]
    pub fn has_left(&self) -> bool {
        self.leaving == Leaving::Said && self.streams.len() == 0
    }

    /// What is to be sent; whoever sends it says so.
    pub fn output(&mut self) -> &mut Vec<u8> {
        &mut self.output
    }

    /// The first bytes of the output were sent.
    pub fn note_sent(&mut self, bytes: usize) {
        self.output.drain(..bytes);
        self.sent += bytes as u64;
    }

    /// How many bytes are to be sent.
    #[must_use]
    pub fn output_bytes(&self) -> usize {
        self.output.len()
    }

    /// How many bytes of bodies have come and were not yet used up.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        let window = self.config.connection_window.max(FIRST_WINDOW);
        (window - self.receive_window - self.used) as usize
    }

    /// Hold no memory that an idle connection does not need.
    pub fn settle(&mut self) {
        if self.streams.len() == 0 {
            self.streams = Streams::default();
            self.request.settle();
            self.decoder.settle();
        }
    }
}
