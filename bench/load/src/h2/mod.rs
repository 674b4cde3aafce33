//! HTTP/2 (RFC 9113): many requests at once on one connection, in as little of the protocol as that takes.

mod frame;
mod hpack;

use std::rc::Rc;

use crate::exchange::{Allowance, Exchange};
use crate::fault::Fault;
use crate::tally::Tally;
use frame::{
    ACK, DATA, DEFAULT_TABLE, DEFAULT_WINDOW, ENABLE_PUSH, END_HEADERS, END_STREAM, Frame, GOAWAY,
    HEADERS, INITIAL_WINDOW_SIZE, MAX_WINDOW, PING, RST_STREAM, SETTINGS, Settings, put_frame,
    put_window_update, read_frame, read_settings, unpadded,
};
use hpack::{LITERAL, LITERAL_INDEXED, check_status, first_block, next_block};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const REFILL: u32 = 1 << 30;
const LAST_STREAM: u32 = MAX_WINDOW - 2;

/// What is asked on every stream, and what must come back.
#[derive(Debug)]
pub struct Request {
    /// The fields whose values HPACK's static table does not have, by their index there.
    pub fields: Vec<(u8, String)>,
    /// The length that every answer's body must have.
    pub body: u64,
    /// Streams at once.
    pub streams: usize,
}

/// One connection's streams.
#[derive(Debug)]
pub struct Http2 {
    request: Rc<Request>,
    allowance: Allowance,
    open: Vec<(u32, u64)>,
    next: u32,
    greeted: bool,
    settings: Option<Settings>,
    first_sent: bool,
    due: Vec<u8>,
    unread: Vec<u8>,
    consumed: u32,
}

impl Http2 {
    /// A connection on which nothing was asked yet.
    #[must_use]
    pub fn new(request: Rc<Request>, allowance: Allowance) -> Self {
        Self {
            request,
            allowance,
            open: Vec::new(),
            next: 1,
            greeted: false,
            settings: None,
            first_sent: false,
            due: Vec::new(),
            unread: Vec::new(),
            consumed: 0,
        }
    }

    fn greet(&mut self, plain: &mut Vec<u8>) {
        plain.extend_from_slice(PREFACE);
        let mut settings = Vec::new();
        for (name, value) in [(ENABLE_PUSH, 0), (INITIAL_WINDOW_SIZE, MAX_WINDOW)] {
            settings.extend_from_slice(&name.to_be_bytes());
            settings.extend_from_slice(&u32::to_be_bytes(value));
        }
        put_frame(plain, SETTINGS, 0, 0, &settings);
        put_window_update(plain, MAX_WINDOW - DEFAULT_WINDOW);
        self.greeted = true;
    }

    fn ask(&mut self, settings: Settings, plain: &mut Vec<u8>) {
        let block = if settings.table < DEFAULT_TABLE {
            first_block(&self.request.fields, LITERAL)
        } else if self.first_sent {
            next_block(self.request.fields.len())
        } else {
            first_block(&self.request.fields, LITERAL_INDEXED)
        };
        self.first_sent = true;
        put_frame(plain, HEADERS, END_STREAM | END_HEADERS, self.next, &block);
        self.open.push((self.next, 0));
        self.next += 2;
    }

    fn take(&mut self, frame: &Frame<'_>, tally: &mut Tally) -> Result<(), Fault> {
        match frame.kind {
            HEADERS => {
                check_status(frame)?;
                self.add(frame, 0, tally)
            }
            DATA => {
                let length = unpadded(frame)?.len();
                self.refill(frame.payload.len());
                self.add(frame, length, tally)
            }
            SETTINGS if frame.flags & ACK == 0 => {
                self.settings
                    .get_or_insert_with(|| read_settings(frame.payload));
                put_frame(&mut self.due, SETTINGS, ACK, 0, &[]);
                Ok(())
            }
            PING if frame.flags & ACK == 0 => {
                put_frame(&mut self.due, PING, ACK, 0, frame.payload);
                Ok(())
            }
            GOAWAY => Err(Fault::new("the server said GOAWAY")),
            RST_STREAM => Err(Fault::new("the server reset a stream")),
            _ => Ok(()),
        }
    }

    /// Count bytes of a body, and the unit when the stream ends with them.
    fn add(&mut self, frame: &Frame<'_>, length: usize, tally: &mut Tally) -> Result<(), Fault> {
        let place = self
            .open
            .iter()
            .position(|(id, _)| *id == frame.stream)
            .ok_or_else(|| Fault::new("a frame came for a stream that is not open"))?;
        self.open[place].1 += length as u64;
        if frame.flags & END_STREAM == 0 {
            return Ok(());
        }
        let (_, received) = self.open.swap_remove(place);
        let wanted = self.request.body;
        if received != wanted {
            return Err(Fault::new(format!(
                "an answer has {received} bytes instead of {wanted}"
            )));
        }
        tally.done += 1;
        Ok(())
    }

    fn refill(&mut self, length: usize) {
        self.consumed += u32::try_from(length).unwrap_or(REFILL);
        if self.consumed >= REFILL {
            put_window_update(&mut self.due, self.consumed);
            self.consumed = 0;
        }
    }
}

impl Exchange for Http2 {
    fn send(&mut self, plain: &mut Vec<u8>, tally: &mut Tally) {
        if !self.greeted {
            self.greet(plain);
        }
        plain.append(&mut self.due);
        let Some(settings) = self.settings else {
            return;
        };
        let most = self.request.streams.min(settings.streams);
        while self.open.len() < most && self.next < LAST_STREAM && self.allowance.take(tally) {
            self.ask(settings, plain);
        }
    }

    fn receive(&mut self, plain: &[u8], tally: &mut Tally) -> Result<(), Fault> {
        let mut unread = std::mem::take(&mut self.unread);
        unread.extend_from_slice(plain);
        let mut rest = &unread[..];
        while let Some((frame, behind)) = read_frame(rest) {
            self.take(&frame, tally)?;
            rest = behind;
        }
        let used = unread.len() - rest.len();
        unread.drain(..used);
        self.unread = unread;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn connection(streams: usize) -> (Http2, Tally) {
        let request = Request {
            fields: vec![(1, "bench.test".into()), (4, "/1k".into())],
            body: 4,
            streams,
        };
        let tally = Tally::new(Duration::from_secs(60), 100);
        (Http2::new(Rc::new(request), Allowance::Shared), tally)
    }

    fn greeting() -> Vec<u8> {
        let mut bytes = Vec::new();
        put_frame(&mut bytes, SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 128]);
        bytes
    }

    fn answer(stream: u32, status: u8, body: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        put_frame(&mut bytes, HEADERS, END_HEADERS, stream, &[0x20, status]);
        put_frame(&mut bytes, DATA, END_STREAM, stream, body);
        bytes
    }

    #[test]
    fn requests_wait_for_the_settings_and_fill_the_streams() {
        let (mut exchange, mut tally) = connection(3);
        let mut sent = Vec::new();
        exchange.send(&mut sent, &mut tally);
        assert!(sent.starts_with(PREFACE));
        assert!(exchange.open.is_empty());
        exchange.receive(&greeting(), &mut tally).unwrap();
        exchange.send(&mut sent, &mut tally);
        assert_eq!(vec![(1, 0), (3, 0), (5, 0)], exchange.open);
    }

    #[test]
    fn answers_in_any_order_and_any_two_pieces_are_units() {
        let bytes = [answer(3, 0x88, b"body"), answer(1, 0x88, b"body")].concat();
        for split in 0..bytes.len() {
            let (mut exchange, mut tally) = connection(2);
            exchange.receive(&greeting(), &mut tally).unwrap();
            exchange.send(&mut Vec::new(), &mut tally);
            exchange.receive(&bytes[..split], &mut tally).unwrap();
            exchange.receive(&bytes[split..], &mut tally).unwrap();
            assert_eq!(2, tally.done, "split after {split} bytes");
        }
    }

    #[test]
    fn a_wrong_answer_is_a_fault() {
        for wrong in [
            answer(1, 0x8d, b"body"),
            answer(1, 0x88, b"bod"),
            answer(9, 0x88, b"body"),
        ] {
            let (mut exchange, mut tally) = connection(2);
            exchange.receive(&greeting(), &mut tally).unwrap();
            exchange.send(&mut Vec::new(), &mut tally);
            assert!(exchange.receive(&wrong, &mut tally).is_err());
        }
    }
}
