//! What is said over a connection: plain bytes in, plain bytes out.

use crate::fault::Fault;
use crate::tally::Tally;

/// The most that one call of `send` appends, so that an upload is made as it is sent.
pub const PIECE: usize = 64 * 1024;

/// One protocol on one connection.
pub trait Exchange {
    /// Append what is to be sent next, `PIECE` bytes or a little more at most; nothing when nothing is due.
    fn send(&mut self, plain: &mut Vec<u8>, tally: &mut Tally);

    /// Take what came, and count the units that it completes.
    fn receive(&mut self, plain: &[u8], tally: &mut Tally) -> Result<(), Fault>;
}

/// Where a connection has its units from.
#[derive(Clone, Copy, Debug)]
pub enum Allowance {
    /// From the phase, as long as that allows them.
    Shared,
    /// This many, which the phase has counted as begun already.
    Granted(u64),
}

impl Allowance {
    /// Take one unit to begin.
    pub fn take(&mut self, tally: &mut Tally) -> bool {
        match self {
            Self::Shared => tally.start(),
            Self::Granted(0) => false,
            Self::Granted(left) => {
                *left -= 1;
                true
            }
        }
    }
}
