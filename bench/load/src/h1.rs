//! HTTP/1.1: one request after the other, or several at once where the far side is no HTTP server.

use std::rc::Rc;

use memchr::memmem;

use crate::exchange::{Allowance, Exchange, PIECE};
use crate::fault::Fault;
use crate::tally::Tally;

const HEAD_BYTES: usize = 16 * 1024;
const LENGTH: &[u8] = b"content-length:";
static ZEROS: [u8; PIECE] = [0; PIECE];

/// What is asked on every connection, and what must come back.
#[derive(Debug)]
pub struct Request {
    /// The head, as it is sent.
    pub head: Vec<u8>,
    /// Bytes of the body that follow it.
    pub upload: usize,
    /// The length that every answer's body must have.
    pub body: u64,
    /// How many requests may wait for their answers at once.
    pub depth: usize,
}

/// One connection's place in its requests.
#[derive(Debug)]
pub struct Http1 {
    request: Rc<Request>,
    allowance: Allowance,
    waiting: usize,
    upload_left: usize,
    reading: Reading,
}

#[derive(Debug)]
enum Reading {
    Head(Vec<u8>),
    Body(u64),
}

impl Http1 {
    /// A connection on which nothing was asked yet.
    #[must_use]
    pub fn new(request: Rc<Request>, allowance: Allowance) -> Self {
        Self {
            request,
            allowance,
            waiting: 0,
            upload_left: 0,
            reading: Reading::Head(Vec::new()),
        }
    }

    /// Read the head at the start of `bytes`, which may follow what came before; return what is behind it.
    fn read_head<'bytes>(&mut self, bytes: &'bytes [u8]) -> Result<Option<&'bytes [u8]>, Fault> {
        let Reading::Head(before) = &mut self.reading else {
            return Ok(Some(bytes));
        };
        if self.waiting == 0 {
            return Err(Fault::new("bytes came that nobody asked for"));
        }
        if before.is_empty()
            && let Some(end) = memmem::find(bytes, b"\r\n\r\n")
        {
            let left = length_of(&bytes[..end + 2])?;
            self.expect(left)?;
            return Ok(Some(&bytes[end + 4..]));
        }
        let known = before.len();
        before.extend_from_slice(bytes);
        let Some(end) = memmem::find(before, b"\r\n\r\n") else {
            return if before.len() > HEAD_BYTES {
                Err(Fault::new("an answer's head does not end"))
            } else {
                Ok(None)
            };
        };
        let left = length_of(&before[..end + 2])?;
        self.expect(left)?;
        Ok(Some(&bytes[end + 4 - known..]))
    }

    fn expect(&mut self, length: u64) -> Result<(), Fault> {
        if length != self.request.body {
            let wanted = self.request.body;
            return Err(Fault::new(format!(
                "an answer has {length} bytes instead of {wanted}"
            )));
        }
        self.reading = Reading::Body(length);
        Ok(())
    }

    /// Take the body at the start of `bytes`; return what is behind it.
    fn read_body<'bytes>(
        &mut self,
        bytes: &'bytes [u8],
        tally: &mut Tally,
    ) -> Result<&'bytes [u8], Fault> {
        let Reading::Body(left) = &mut self.reading else {
            return Ok(bytes);
        };
        let taken = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
        *left -= taken as u64;
        if *left == 0 {
            if self.upload_left > 0 {
                return Err(Fault::new("an answer came before its request had ended"));
            }
            self.reading = Reading::Head(Vec::new());
            self.waiting -= 1;
            tally.done += 1;
        }
        Ok(&bytes[taken..])
    }
}

impl Exchange for Http1 {
    fn send(&mut self, plain: &mut Vec<u8>, tally: &mut Tally) {
        let mut room = PIECE;
        loop {
            let piece = self.upload_left.min(room);
            plain.extend_from_slice(&ZEROS[..piece]);
            self.upload_left -= piece;
            room -= piece;
            if room == 0 || self.waiting == self.request.depth || !self.allowance.take(tally) {
                return;
            }
            plain.extend_from_slice(&self.request.head);
            self.waiting += 1;
            self.upload_left = self.request.upload;
        }
    }

    fn receive(&mut self, plain: &[u8], tally: &mut Tally) -> Result<(), Fault> {
        let mut rest = plain;
        while !rest.is_empty() {
            match self.read_head(rest)? {
                None => return Ok(()),
                Some(behind) => rest = self.read_body(behind, tally)?,
            }
        }
        Ok(())
    }
}

/// The length that a head announces; anything but a 200 with a length is refused.
fn length_of(head: &[u8]) -> Result<u64, Fault> {
    if !head.starts_with(b"HTTP/1.1 200 ") {
        let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
        return Err(Fault::new(format!(
            "the answer was {}",
            String::from_utf8_lossy(line)
        )));
    }
    head.split(|byte| *byte == b'\n')
        .filter_map(|line| line.split_at_checked(LENGTH.len()))
        .find(|(name, _)| name.eq_ignore_ascii_case(LENGTH))
        .and_then(|(_, value)| str::from_utf8(value).ok())
        .and_then(|value| value.trim().parse().ok())
        .ok_or_else(|| Fault::new("an answer has no Content-Length"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nServer: x\r\ncontent-LENGTH: 4\r\n\r\nbody";

    fn asked(depth: usize) -> (Http1, Tally) {
        let request = Request {
            head: b"GET / HTTP/1.1\r\n\r\n".to_vec(),
            upload: 0,
            body: 4,
            depth,
        };
        let mut exchange = Http1::new(Rc::new(request), Allowance::Shared);
        let mut tally = Tally::new(Duration::from_secs(60), depth as u64);
        exchange.send(&mut Vec::new(), &mut tally);
        (exchange, tally)
    }

    #[test]
    fn an_answer_in_any_two_pieces_is_one_unit() {
        for split in 0..ANSWER.len() {
            let (mut exchange, mut tally) = asked(1);
            exchange.receive(&ANSWER[..split], &mut tally).unwrap();
            assert_eq!(0, tally.done, "after {split} bytes");
            exchange.receive(&ANSWER[split..], &mut tally).unwrap();
            assert_eq!(1, tally.done, "after {split} bytes and the rest");
        }
    }

    #[test]
    fn answers_in_one_piece_are_counted_one_by_one() {
        let (mut exchange, mut tally) = asked(3);
        exchange.receive(&ANSWER.repeat(3), &mut tally).unwrap();
        assert_eq!(3, tally.done);
    }

    #[test]
    fn a_wrong_answer_is_a_fault() {
        for wrong in [
            &b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 4\r\n\r\nbody"[..],
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nbody!",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        ] {
            let (mut exchange, mut tally) = asked(1);
            assert!(exchange.receive(wrong, &mut tally).is_err());
        }
    }

    #[test]
    fn an_answer_too_many_is_a_fault() {
        let (mut exchange, mut tally) = asked(1);
        assert!(exchange.receive(&ANSWER.repeat(2), &mut tally).is_err());
    }
}
