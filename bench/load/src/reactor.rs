//! All connections of a run on one thread.

use std::io::{ErrorKind, Read};
use std::time::Duration;

use mio::event::Event;
use mio::{Events, Interest, Poll, Token};

use crate::connection::Connection;
use crate::fault::Fault;
use crate::plan::{Life, Plan};
use crate::tally::Tally;

const BUFFER: usize = 256 * 1024;
const EVENTS: usize = 1024;
/// How long answers may take after the phase has begun its last unit.
const PATIENCE: Duration = Duration::from_secs(20);

/// The connections, which outlive a phase unless each has one unit only.
pub struct Reactor<'plan> {
    plan: &'plan Plan,
    poll: Poll,
    slots: Vec<Option<Connection>>,
    vacant: Vec<usize>,
    opening: usize,
    buffer: Vec<u8>,
    plain: Vec<u8>,
}

impl<'plan> Reactor<'plan> {
    /// A reactor without any connection.
    pub fn new(plan: &'plan Plan) -> Result<Self, Fault> {
        Ok(Self {
            plan,
            poll: Poll::new()?,
            slots: (0..plan.connections).map(|_| None).collect(),
            vacant: (0..plan.connections).rev().collect(),
            opening: 0,
            buffer: vec![0; BUFFER],
            plain: Vec::new(),
        })
    }

    /// Do the work of one phase, to its end.
    pub fn run(&mut self, tally: &mut Tally) -> Result<(), Fault> {
        for connection in self.slots.iter_mut().flatten() {
            connection.write(&mut self.plain, tally)?;
        }
        self.fill(tally)?;
        let mut events = Events::with_capacity(EVENTS);
        while !self.is_over(tally) {
            if tally.is_overdue(PATIENCE) {
                return Err(Fault::new("an answer did not come in time"));
            }
            // Its processor never falls asleep, for then the proxy would pay for waking it.
            match self.poll.poll(&mut events, Some(Duration::ZERO)) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                other => other?,
            }
            if events.is_empty() {
                std::thread::yield_now();
            }
            for event in &events {
                self.attend(event, tally)?;
            }
            self.fill(tally)?;
        }
        Ok(())
    }

    /// How many connections the server has closed, or said something on that nobody asked for.
    pub fn lost(&mut self) -> usize {
        let buffer = &mut self.buffer;
        let is_silent = |connection: &mut Connection| matches!(connection.socket.read(buffer), Err(error) if error.kind() == ErrorKind::WouldBlock);
        let silent = self.slots.iter_mut().flatten().map(is_silent);
        self.plan.connections - silent.filter(|silent| *silent).count()
    }

    /// Whether the phase's work is done; connections that are kept have to be open, too, so that none of
    /// their handshakes falls into the next phase.
    fn is_over(&self, tally: &Tally) -> bool {
        tally.is_over() && (self.plan.life != Life::Kept || self.opening == 0)
    }

    /// Open connections as far as slots, the plan and the phase allow it.
    fn fill(&mut self, tally: &mut Tally) -> Result<(), Fault> {
        let each_has_one = self.plan.life != Life::Kept;
        while let Some(slot) = self.vacant.last().copied() {
            if each_has_one && (self.opening >= self.plan.opening || !tally.start()) {
                return Ok(());
            }
            self.vacant.pop();
            self.opening += 1;
            self.open(slot, tally)?;
        }
        Ok(())
    }

    fn open(&mut self, slot: usize, tally: &mut Tally) -> Result<(), Fault> {
        let mut connection = Connection::open(self.plan)?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll
            .registry()
            .register(&mut connection.socket, Token(slot), interest)?;
        connection.write(&mut self.plain, tally)?;
        if self.plan.life == Life::Kept && connection.is_open() {
            self.opening -= 1;
        }
        self.slots[slot] = Some(connection);
        Ok(())
    }

    fn attend(&mut self, event: &Event, tally: &mut Tally) -> Result<(), Fault> {
        let Token(slot) = event.token();
        // Empty when an earlier event of this turn closed the connection.
        let Some(connection) = &mut self.slots[slot] else {
            return Ok(());
        };
        let (done, was_open) = (tally.done, connection.is_open());
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            connection.read(&mut self.buffer, tally)?;
        }
        if self.plan.life == Life::Kept {
            self.opening -= usize::from(connection.is_open() && !was_open);
        } else if tally.done > done {
            return self.finish(slot);
        }
        connection.write(&mut self.plain, tally)
    }

    /// End what a connection with one unit has to do.
    fn finish(&mut self, slot: usize) -> Result<(), Fault> {
        self.opening -= 1;
        if self.plan.life == Life::Closed {
            self.vacant.push(slot);
            if let Some(connection) = self.slots[slot].take() {
                connection.close()?;
            }
        }
        Ok(())
    }
}
