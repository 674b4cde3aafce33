//! The machine's floor: a program that makes a proxy's system calls, and does nothing else.
//!
//! It accepts, reads, passes on to a pooled connection, reads the answer, and passes that back. It knows
//! where a message ends because all requests are of one length and all answers are of one length, and it
//! answers the bytes that stand for a hello with as many as a server's flight has.

mod line;
mod relay;

pub use relay::{Relay, Shape};
